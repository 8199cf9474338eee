/* What can be asked over the control socket: one row for each command. */
#include "control/control.h"

#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/number.h"
#include "flows/engine/flow.h"
#include "path/alert.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "path/roles.h"
#include "path/session.h"
#include "store/pg.h"
#include "store/spool.h"
#include "store/vault.h"

enum { LINKS_MAX = 32, OFFICERS_MAX = 1000, REASON_MIN = 3, TEXT_MAX = 1024, VALIDITY_MS = 600 * 1000 };

struct command {
	const char *name;
	void (*run)(struct control_request *request, const struct pg_statement *statement);
	const struct pg_statement *statement; /* for run_list */
};

/* ---- lists: each is a question to PostgreSQL that answers in JSON ---- */

#define LIST(columns, view, sender, reference, order) \
	"select coalesce(json_agg(t), '[]')::text from (select " columns " from " view \
	" v where ($1::bytea is null or " sender ") and ($2::text is null or " reference ")" \
	" order by " order " desc limit $3::int) t"

static const struct pg_statement list_messages = {
	"list_messages",
	LIST("id, received_at, channel, adapter, link, disposition, report_ref, conversation, parts, part_of",
	     "api_messages", "subject = $1", "report_ref = $2", "received_at")};
static const struct pg_statement list_reports = {
	"list_reports",
	LIST("ref, received_at, urgency, kind, commune, case_ref, revision, partial, dup_count, channel, adapter,"
	     " candidates, safe_contact, lang, id",
	     "api_reports", "subject = $1", "ref = $2", "received_at")};
static const struct pg_statement list_cases = {
	"list_cases",
	LIST("ref, urgency, state, kind, commune, opened_at, acked_by, acked_at, timer_due_at, reports,"
	     " last_event, first_at",
	     "api_cases", "subject = $1", "ref = $2", "opened_at")};
static const struct pg_statement list_notifications = {
	"list_notifications",
	LIST("case_ref, officer, kind, method, state, attempts, created_at, sent_at, step, loop, id",
	     "api_notifications", "case_ref in (select ref from api_cases where subject = $1)",
	     "case_ref = $2", "created_at")};
static const struct pg_statement list_timers = {
	"list_timers",
	LIST("case_ref, kind, due_at, state, generation, attempts", "api_timers",
	     "case_ref in (select ref from api_cases where subject = $1)", "case_ref = $2", "due_at")};

static const char *text_arg(const struct control_request *request, const char *name)
{
	return json_string_value(json_object_get(request->args, name));
}

/* The keyed hash of a number a person typed. */
static void hash_number(const struct hotline *h, const char *number, uint8_t out[VAULT_INDEX_LEN])
{
	struct number n;

	number_parse(number, 0, h->conf->region, &n);
	vault_index(h->vault, VAULT_IDX_SUBJECT, n.value, strlen(n.value), out);
}

struct json_reply {
	struct control_request *request;
	json_t *data;
};

static void on_json(void *arg, const struct pg_result *r)
{
	struct json_reply *reply = arg;

	reply->data = json_loads(pg_get(r, 0, 0), JSON_DECODE_ANY, NULL);
}

static void finish(struct control_request *request, enum pg_outcome outcome, const char *error, json_t *data)
{
	if (outcome == PG_OK && data) {
		control_answer(request, data);
		return;
	}
	json_decref(data);
	if (outcome == PG_LOST)
		control_refuse(request, CONTROL_EXIT_STORE, "PostgreSQL cannot be reached; hotlined goes on without it");
	else
		control_refuse(request, CONTROL_EXIT_STORE, "PostgreSQL: %s", error ? error : "unexpected answer");
}

static void on_json_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct json_reply *reply = arg;

	finish(reply->request, outcome, error, reply->data);
	mem_free(reply);
}

/* A statement whose one value is the JSON to answer with. */
static void ask_json(struct control_request *request, const struct pg_statement *st, struct pg_params *p)
{
	struct json_reply *reply = mem_alloc(sizeof(*reply));

	reply->request = request;
	pg_exec(request->hotline->pg_duty, st, p, on_json, on_json_done, reply);
}

static void run_list(struct control_request *request, const struct pg_statement *st)
{
	const char *from = text_arg(request, "from");
	const json_t *limit = json_object_get(request->args, "limit");
	struct pg_params *p = pg_params_new();
	uint8_t subject[VAULT_INDEX_LEN];

	if (from)
		hash_number(request->hotline, from, subject);
	pg_put_bytes(p, from ? subject : NULL, sizeof(subject));
	pg_put_text(p, text_arg(request, "ref"));
	if (json_is_integer(limit))
		pg_put_int(p, json_integer_value(limit));
	else
		pg_put_text(p, NULL);
	ask_json(request, st, p);
}

/* ---- status, reload ---- */

static json_t *links_json(const struct hotline *h)
{
	static const char *const names[] = {
		[LINK_DOWN] = "down", [LINK_CONNECTING] = "connecting", [LINK_BOUND] = "bound",
		[LINK_STOPPED] = "stopped"};
	struct outbox_link links[LINKS_MAX];
	size_t n = outbox_links(h->outbox, links, LINKS_MAX);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", links[i].name, "adapter",
						      links[i].adapter, "state", names[links[i].state]));
	return list;
}

static json_t *spool_json(const struct hotline *h)
{
	struct spool_status s;

	spool_status(h->spool, &s);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:b}", "pending", (json_int_t)s.pending, "appended",
			 (json_int_t)s.appended, "syncs", (json_int_t)s.syncs, "segments",
			 (json_int_t)s.segments, "damaged", (json_int_t)s.damaged, "failed", s.failed);
}

static void run_status(struct control_request *request, const struct pg_statement *st)
{
	struct hotline *h = request->hotline;
	char hex[FLOW_HASH_LEN * 2 + 1];
	struct filing_status filing;
	struct session_status session;

	(void)st;
	filing_status(h->filing, &filing);
	session_status(h->session, &session);
	hex_encode(flow_hash(flowbook_current(h->flowbook)), FLOW_HASH_LEN, hex);
	hex[12] = '\0';
	control_answer(request,
		       json_pack("{s:s,s:s,s:o,s:o,s:s,s:s,s:{s:I,s:I,s:I},s:{s:I,s:I},s:I,s:{s:s,s:s}}", "node",
				 h->conf->node, "version", PACKAGE_VERSION, "links", links_json(h), "spool",
				 spool_json(h), "redis", h->redis_ready && redis_up(h->redis) ? "up" : "down",
				 "postgres", pg_up(h->pg_duty) ? "up" : "down", "filing", "waiting",
				 (json_int_t)filing.waiting, "filed", (json_int_t)filing.filed, "faulty",
				 (json_int_t)filing.faulty, "conversations", "waiting",
				 (json_int_t)session.waiting, "in_memory", (json_int_t)session.in_memory,
				 "outgoing", (json_int_t)outbox_waiting(h->outbox), "flow", "name",
				 flow_name(flowbook_current(h->flowbook)), "version", hex));
}

static void run_reload(struct control_request *request, const struct pg_statement *st)
{
	char error[1800];

	(void)st;
	if (!flowbook_reload(request->hotline->flowbook, error, sizeof(error))) {
		control_refuse(request, EXIT_CONFIG, "nothing was changed:\n%s", error);
		return;
	}
	roles_refresh(request->hotline->roles);
	control_answer(request, json_pack("{s:s}", "flow", flow_name(flowbook_current(request->hotline->flowbook))));
}

/* ---- cases ---- */

static const struct pg_statement take_case = {
	"case_take", "select json_build_object('result', o_result, 'ref', o_case_ref, 'urgency', o_urgency, 'other',"
		     " o_other)::text from case_take($1::text, $2::text, $3::text)"};

static void on_case_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct json_reply *reply = arg;
	struct control_request *request = reply->request;
	struct hotline *h = request->hotline;
	const char *result = json_string_value(json_object_get(reply->data, "result"));

	if (outcome == PG_OK && result && strcmp(result, "unknown") == 0) {
		control_refuse(request, CONTROL_EXIT_NOTHING, "there is no such case");
		json_decref(reply->data);
	} else {
		finish(request, outcome, error, reply->data);
	}
	mem_free(reply);
	escalate_hint(h->escalate);
	alert_hint(h->alert);
}

static void run_case(struct control_request *request, const struct pg_statement *st)
{
	const char *ref = text_arg(request, "ref"), *actor = text_arg(request, "actor");
	const char *action = text_arg(request, "action");
	struct json_reply *reply;
	struct pg_params *p;

	(void)st;
	if (!ref || !actor || !action || (strcmp(action, "ack") != 0 && strcmp(action, "close") != 0)) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a case needs ref, actor and action (ack or close)");
		return;
	}
	p = pg_params_new();
	pg_put_text(p, ref);
	pg_put_text(p, actor);
	pg_put_text(p, action);
	reply = mem_alloc(sizeof(*reply));
	reply->request = request;
	pg_exec(request->hotline->pg_duty, &take_case, p, on_json, on_case_done, reply);
}

/* ---- roster ---- */

static const struct pg_statement upsert_officer = {
	"officer_upsert", "select officer_upsert($1::bytea, $2::bytea, $3::bytea, $4::text)"};

static void on_roster_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct json_reply *reply = arg;
	struct hotline *h = reply->request->hotline;

	finish(reply->request, outcome, error, reply->data);
	mem_free(reply);
	roles_refresh(h->roles);
}

static void put_sealed(struct hotline *h, struct pg_params *p, const uint8_t *idx, const char *text)
{
	struct buf sealed = {0};

	if (text)
		vault_seal(h->vault, VAULT_CONTACT, idx, VAULT_INDEX_LEN, text, strlen(text), &sealed);
	pg_put_bytes(p, text ? sealed.data : NULL, sealed.len);
	buf_free(&sealed);
}

static bool add_officer(struct hotline *h, struct pg_batch *batch, const json_t *officer)
{
	const char *number = json_string_value(json_object_get(officer, "number"));
	struct number n;
	struct pg_params *p;
	uint8_t idx[VAULT_INDEX_LEN];

	if (!number)
		return false;
	number_parse(number, 0, h->conf->region, &n);
	if (n.kind != NUMBER_MSISDN)
		return false;
	hash_number(h, number, idx);
	p = pg_params_new();
	pg_put_bytes(p, idx, sizeof(idx));
	put_sealed(h, p, idx, n.value);
	put_sealed(h, p, idx, json_string_value(json_object_get(officer, "name")));
	pg_put_text(p, json_string_value(json_object_get(officer, "team")));
	pg_batch_add(batch, &upsert_officer, p, NULL, NULL);
	return true;
}

static void run_roster_import(struct control_request *request, const struct pg_statement *st)
{
	struct hotline *h = request->hotline;
	const json_t *officers = json_object_get(request->args, "officers");
	struct json_reply *reply;
	struct pg_batch *batch;
	const json_t *officer;
	size_t i;

	(void)st;
	if (!json_is_array(officers) || json_array_size(officers) == 0 || json_array_size(officers) > OFFICERS_MAX) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a roster needs 1 to %d officers", OFFICERS_MAX);
		return;
	}
	json_array_foreach(officers, i, officer) {
		struct number n;
		const char *number = json_string_value(json_object_get(officer, "number"));

		number_parse(number ? number : "", 0, h->conf->region, &n);
		if (n.kind != NUMBER_MSISDN) {
			control_refuse(request, CONTROL_EXIT_USAGE, "officer %zu has no usable number; nothing was changed",
				       i + 1);
			return;
		}
	}
	batch = pg_batch_new(h->pg_duty);
	json_array_foreach(officers, i, officer)
		add_officer(h, batch, officer);
	reply = mem_alloc(sizeof(*reply));
	reply->request = request;
	reply->data = json_pack("{s:I}", "officers", (json_int_t)json_array_size(officers));
	pg_batch_send(batch, on_roster_done, reply);
}

/* ---- opening a report, calling its reporter ---- */

static const struct pg_statement put_access = {
	"access_log", "select access_log_put($1::text, $2::text, $3::text, $4::text, $5::bytea)"};
static const struct pg_statement open_rows = {
	"report_open",
	"select o_report, o_report_ref, o_case_ref, o_conversation, o_stamp, o_received_at, o_urgency, o_kind,"
	" o_partial, o_body_ct, o_mac, o_wrapped, o_intake, o_sealed_team, o_sealed_escrow"
	" from report_open_rows($1::text)"};
static const struct pg_statement contact_row = {
	"report_contact", "select o_subject, o_number_ct, o_safe from contact_rows($1::text)"
			  " where o_kind = 'msisdn' limit 1"};

static void run_challenge(struct control_request *request, const struct pg_statement *st)
{
	uint8_t challenge[32 + 48];
	char hex[sizeof(challenge) * 2 + 1];
	bool *valid;
	uint8_t *nonce = control_nonce(request->client, &valid);

	(void)st;
	vault_challenge(request->hotline->vault, nonce, challenge);
	*valid = true;
	hex_encode(challenge, sizeof(challenge), hex);
	control_answer(request, json_pack("{s:s}", "challenge", hex));
}

/* Refuses and returns false unless the request carries a reason, a name and this connection's nonce. */
static bool entitled(struct control_request *request)
{
	const char *hex = text_arg(request, "nonce"), *reason = text_arg(request, "reason");
	uint8_t given[32];
	bool *valid, ok;
	uint8_t *nonce = control_nonce(request->client, &valid);

	ok = *valid && hex && strlen(hex) == 64 && hex_decode(hex, given, sizeof(given)) &&
	     sodium_memcmp(given, nonce, sizeof(given)) == 0;
	*valid = false;
	if (!ok) {
		control_refuse(request, CONTROL_EXIT_REFUSED, "only the team's identity may do this");
		return false;
	}
	if (!reason || strlen(reason) < REASON_MIN || !text_arg(request, "ref") || !text_arg(request, "actor")) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a reason of at least %d letters and the officer's name are needed",
			       REASON_MIN);
		return false;
	}
	return true;
}

/* One access: the log entry and the rows in one transaction, so that nothing is shown unlogged. */
struct access {
	struct control_request *request;
	json_t *report, *revisions;
	int rows;
	int safe;
	char number[INBOUND_ADDRESS_MAX];
};

static void add_access_log(struct pg_batch *b, const struct control_request *request, const char *action,
			   const char *outcome)
{
	struct hotline *h = request->hotline;
	const char *reason = text_arg(request, "reason");
	struct pg_params *p = pg_params_new();
	struct buf sealed = {0};

	vault_seal(h->vault, VAULT_CONTACT, "access_log", 10, reason, strlen(reason), &sealed);
	pg_put_text(p, text_arg(request, "actor"));
	pg_put_text(p, action);
	pg_put_text(p, text_arg(request, "ref"));
	pg_put_text(p, outcome);
	pg_put_bytes(p, sealed.data, sealed.len);
	buf_free(&sealed);
	pg_batch_add(b, &put_access, p, NULL, NULL);
}

static void set_hex(json_t *object, const char *key, const struct pg_result *r, int row, int column)
{
	size_t len = 0;
	uint8_t *bytes = pg_get_bytes_dup(r, row, column, &len);
	char *hex = mem_alloc(len * 2 + 1);

	hex_encode(bytes, len, hex);
	json_object_set_new(object, key, json_string(hex));
	mem_free(hex);
	mem_free(bytes);
}

/* A row whose MAC is not ours was not written by a daemon: it is shown as damaged, never as a report. */
static bool authentic(struct hotline *h, const struct pg_result *r, int row)
{
	uint8_t mac[32], want[32];
	size_t len = 0, mac_len = pg_get_bytes(r, row, 10, mac, sizeof(mac));
	uint8_t *body = pg_get_bytes_dup(r, row, 9, &len);
	bool ok;

	vault_mac(h->vault, body, len, want);
	ok = body && mac_len == sizeof(mac) && sodium_memcmp(mac, want, sizeof(mac)) == 0;
	mem_free(body);
	return ok;
}

static json_t *revision_json(struct hotline *h, const struct pg_result *r, int row)
{
	json_t *revision = json_pack("{s:s,s:s,s:I,s:s}", "report", pg_get(r, row, 0), "conversation",
				     pg_get(r, row, 3), "stamp", (json_int_t)pg_get_int(r, row, 4), "intake",
				     pg_get(r, row, 12));
	struct id16 conversation, sealed_for;
	char text[ID16_TEXT];

	pg_get_uuid(r, row, 3, conversation.b);
	vault_revision_row(h->vault, &conversation, pg_get_int(r, row, 4), &sealed_for);
	id16_text(&sealed_for, text);
	json_object_set_new(revision, "row", json_string(text));
	set_hex(revision, "body_ct", r, row, 9);
	set_hex(revision, "wrapped", r, row, 11);
	set_hex(revision, "intake_team", r, row, 13);
	set_hex(revision, "intake_escrow", r, row, 14);
	json_object_set_new(revision, "authentic", json_boolean(authentic(h, r, row)));
	return revision;
}

static void on_open_rows(void *arg, const struct pg_result *r)
{
	struct access *a = arg;

	a->rows = pg_rows(r);
	for (int i = 0; i < a->rows; i++)
		json_array_append_new(a->revisions, revision_json(a->request->hotline, r, i));
	if (a->rows > 0)
		a->report = json_pack("{s:s,s:s,s:s,s:s,s:s}", "ref", pg_get(r, 0, 1), "case_ref", pg_get(r, 0, 2),
				      "received_at", pg_get(r, 0, 5), "urgency", pg_get(r, 0, 6), "kind",
				      pg_get(r, 0, 7));
}

static void on_open_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct access *a = arg;

	if (outcome == PG_OK && a->rows == 0) {
		control_refuse(a->request, CONTROL_EXIT_NOTHING, "there is no such report");
		json_decref(a->revisions);
	} else if (outcome == PG_OK) {
		control_answer(a->request, json_pack("{s:o,s:o}", "report", a->report, "revisions", a->revisions));
	} else {
		json_decref(a->report);
		json_decref(a->revisions);
		finish(a->request, outcome, error, NULL);
	}
	mem_free(a);
}

static struct access *access_new(struct control_request *request)
{
	struct access *a = mem_alloc(sizeof(*a));

	a->request = request;
	a->safe = -1;
	return a;
}

static void run_report_open(struct control_request *request, const struct pg_statement *st)
{
	struct pg_params *p;
	struct pg_batch *b;
	struct access *a;

	(void)st;
	if (!entitled(request))
		return;
	a = access_new(request);
	a->revisions = json_array();
	b = pg_batch_new(request->hotline->pg_duty);
	add_access_log(b, request, "report open", "shown");
	p = pg_params_new();
	pg_put_text(p, text_arg(request, "ref"));
	pg_batch_add(b, &open_rows, p, on_open_rows, a);
	pg_batch_send(b, on_open_done, a);
}

static void on_contact_row(void *arg, const struct pg_result *r)
{
	struct access *a = arg;
	struct hotline *h = a->request->hotline;
	uint8_t subject[VAULT_INDEX_LEN] = {0};
	struct buf number = {0};
	size_t len = 0;
	uint8_t *sealed;

	a->rows = pg_rows(r);
	if (a->rows == 0)
		return;
	pg_get_bytes(r, 0, 0, subject, sizeof(subject));
	sealed = pg_get_bytes_dup(r, 0, 1, &len);
	a->safe = (int)pg_get_int(r, 0, 2);
	if (sealed && vault_unseal(h->vault, VAULT_CONTACT, subject, sizeof(subject), sealed, len, &number))
		snprintf(a->number, sizeof(a->number), "%s", buf_cstr(&number));
	mem_free(sealed);
	buf_free(&number);
}

static void access_free(struct access *a)
{
	explicit_bzero(a->number, sizeof(a->number));
	mem_free(a);
}

static void on_text_sent(void *arg, enum sent_state state, const char *provider_ref)
{
	struct control_request *request = arg;

	(void)provider_ref;
	if (state == SENT_OK)
		control_answer(request, json_pack("{s:b}", "sent", 1));
	else
		control_refuse(request, CONTROL_EXIT_STORE, "the text could not be sent, or nobody knows whether it was");
}

static void give_contact(struct access *a)
{
	struct control_request *request = a->request;
	struct hotline *h = request->hotline;
	const char *text = text_arg(request, "text");
	struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_REPLY, .text = text};

	if (!text) {
		control_answer(request, json_pack("{s:s,s:i}", "number", a->number, "safe", a->safe));
	} else {
		out.id = id16_new(loop_wall_us(h->loop));
		out.validity_ms = VALIDITY_MS;
		snprintf(out.from, sizeof(out.from), "%s", h->conf->short_codes[0]);
		snprintf(out.to, sizeof(out.to), "%s", a->number);
		outbox_send(h->outbox, &out, on_text_sent, request);
	}
	access_free(a);
}

static bool may_contact(const struct access *a)
{
	return a->safe == 1 ||
	       (a->safe == -1 && json_is_true(json_object_get(a->request->args, "unknown_ok")));
}

static void on_contact_logged(void *arg, enum pg_outcome outcome, const char *error)
{
	struct access *a = arg;

	if (outcome == PG_OK && may_contact(a)) {
		give_contact(a);
		return;
	}
	if (outcome != PG_OK)
		finish(a->request, outcome, error, NULL);
	else if (a->safe == 0)
		control_refuse(a->request, CONTROL_EXIT_REFUSED, "the reporter said that contact is not safe");
	else
		control_refuse(a->request, CONTROL_EXIT_REFUSED,
			       "the reporter has not said whether contact is safe; --unknown-ok takes that risk");
	access_free(a);
}

/* Known by now: who, and whether it is safe. What was decided is logged before anything is told. */
static void on_contact_known(void *arg, enum pg_outcome outcome, const char *error)
{
	struct access *a = arg;
	struct control_request *request = a->request;
	struct pg_batch *b;

	if (outcome != PG_OK) {
		finish(request, outcome, error, NULL);
		access_free(a);
	} else if (a->rows == 0 || !a->number[0]) {
		control_refuse(request, CONTROL_EXIT_NOTHING, "there is no such report, or no number to call");
		access_free(a);
	} else {
		b = pg_batch_new(request->hotline->pg_duty);
		add_access_log(b, request, text_arg(request, "text") ? "report text" : "report contact",
			       may_contact(a) ? "given" : "refused");
		pg_batch_send(b, on_contact_logged, a);
	}
}

static void run_report_contact(struct control_request *request, const struct pg_statement *st)
{
	const char *text = text_arg(request, "text");
	struct pg_params *p;
	struct access *a;

	(void)st;
	if (text && strlen(text) > TEXT_MAX) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a text of at most %d bytes", TEXT_MAX);
		return;
	}
	if (!entitled(request))
		return;
	p = pg_params_new();
	pg_put_text(p, text_arg(request, "ref"));
	a = access_new(request);
	pg_exec(request->hotline->pg_duty, &contact_row, p, on_contact_row, on_contact_known, a);
}

/* ---- versions of the flows ---- */

static void run_flow_versions(struct control_request *request, const struct pg_statement *st)
{
	(void)st;
	flows_versions(request);
}

static void run_flow_retire(struct control_request *request, const struct pg_statement *st)
{
	(void)st;
	flows_retire(request);
}

/* ---- phone ---- */

static void run_phone(struct control_request *request, const struct pg_statement *st)
{
	const json_t *numbers = json_object_get(request->args, "numbers");

	(void)st;
	if (!outbox_sim(request->hotline->outbox)) {
		control_refuse(request, CONTROL_EXIT_REFUSED, "the configuration has no link with adapter: sim");
		return;
	}
	if (!json_is_array(numbers)) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a phone needs numbers");
		return;
	}
	control_be_phone(request->client, numbers);
	control_answer(request, json_pack("{s:s}", "short_code", request->hotline->conf->short_codes[0]));
}

/* ---- the table ---- */

static const struct command commands[] = {
	{"status", run_status, NULL},
	{"messages", run_list, &list_messages},
	{"reports", run_list, &list_reports},
	{"cases", run_list, &list_cases},
	{"notifications", run_list, &list_notifications},
	{"timers", run_list, &list_timers},
	{"case", run_case, NULL},
	{"report-challenge", run_challenge, NULL},
	{"report-open", run_report_open, NULL},
	{"report-contact", run_report_contact, NULL},
	{"roster-import", run_roster_import, NULL},
	{"reload", run_reload, NULL},
	{"flow-versions", run_flow_versions, NULL},
	{"flow-retire", run_flow_retire, NULL},
	{"phone", run_phone, NULL},
};

void control_run(struct control_request *request, const char *command)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, command) == 0) {
			commands[i].run(request, commands[i].statement);
			return;
		}
	}
	control_refuse(request, CONTROL_EXIT_USAGE, "hotlined does not know this command");
}
