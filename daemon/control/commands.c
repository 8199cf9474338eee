/* What can be asked over the control socket: one row for each command. */
#include "control/control.h"

#include "config.h"

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

enum { LINKS_MAX = 32, OFFICERS_MAX = 1000 };

struct command {
	const char *name;
	void (*run)(struct control_request *request); /* NULL: a list */
	const struct pg_statement *list;
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

const char *control_text(const struct control_request *request, const char *name)
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

void control_refuse_store(struct control_request *request, enum pg_outcome outcome, const char *error)
{
	if (outcome == PG_LOST)
		control_refuse(request, CONTROL_EXIT_STORE, "PostgreSQL cannot be reached; hotlined goes on without it");
	else
		control_refuse(request, CONTROL_EXIT_STORE, "PostgreSQL: %s", error ? error : "unexpected answer");
}

static void finish(struct control_request *request, enum pg_outcome outcome, const char *error, json_t *data)
{
	if (outcome == PG_OK && data) {
		control_answer(request, data);
		return;
	}
	json_decref(data);
	control_refuse_store(request, outcome, error);
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
	const char *from = control_text(request, "from");
	const json_t *limit = json_object_get(request->args, "limit");
	struct pg_params *p = pg_params_new();
	uint8_t subject[VAULT_INDEX_LEN];

	if (from)
		hash_number(request->hotline, from, subject);
	pg_put_bytes(p, from ? subject : NULL, sizeof(subject));
	pg_put_text(p, control_text(request, "ref"));
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

static void run_status(struct control_request *request)
{
	struct hotline *h = request->hotline;
	char hex[FLOW_HASH_LEN * 2 + 1];
	struct filing_status filing;
	struct session_status session;

	filing_status(h->filing, &filing);
	session_status(h->session, &session);
	hex_encode(flow_hash(flowbook_current(h->flowbook)), FLOW_HASH_LEN, hex);
	hex[12] = '\0';
	control_answer(request,
		       json_pack("{s:s,s:s,s:o,s:o,s:s,s:s,s:{s:I,s:I,s:I,s:I},s:{s:I,s:I},s:I,s:{s:s,s:s}}", "node",
				 h->conf->node, "version", PACKAGE_VERSION, "links", links_json(h), "spool",
				 spool_json(h), "redis", h->redis_ready && redis_up(h->redis) ? "up" : "down",
				 "postgres", pg_up(h->pg_duty) ? "up" : "down", "filing", "waiting",
				 (json_int_t)filing.waiting, "filed", (json_int_t)filing.filed, "faulty",
				 (json_int_t)filing.faulty, "raw", (json_int_t)filing.raw, "conversations",
				 "waiting",
				 (json_int_t)session.waiting, "in_memory", (json_int_t)session.in_memory,
				 "outgoing", (json_int_t)outbox_waiting(h->outbox), "flow", "name",
				 flow_name(flowbook_current(h->flowbook)), "version", hex));
}

static void run_reload(struct control_request *request)
{
	char error[1800];

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

static void run_case(struct control_request *request)
{
	const char *ref = control_text(request, "ref"), *actor = control_text(request, "actor");
	const char *action = control_text(request, "action");
	struct json_reply *reply;
	struct pg_params *p;

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

static void run_roster_import(struct control_request *request)
{
	struct hotline *h = request->hotline;
	const json_t *officers = json_object_get(request->args, "officers");
	struct json_reply *reply;
	struct pg_batch *batch;
	const json_t *officer;
	size_t i;

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

/* ---- phone ---- */

static void run_phone(struct control_request *request)
{
	const json_t *numbers = json_object_get(request->args, "numbers");

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
	{"messages", NULL, &list_messages},
	{"reports", NULL, &list_reports},
	{"cases", NULL, &list_cases},
	{"notifications", NULL, &list_notifications},
	{"timers", NULL, &list_timers},
	{"case", run_case, NULL},
	{"report-challenge", access_challenge, NULL},
	{"report-open", access_report_open, NULL},
	{"report-contact", access_report_contact, NULL},
	{"roster-import", run_roster_import, NULL},
	{"reload", run_reload, NULL},
	{"flow-versions", flows_versions, NULL},
	{"flow-retire", flows_retire, NULL},
	{"phone", run_phone, NULL},
};

void control_run(struct control_request *request, const char *command)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, command) == 0) {
			if (commands[i].run)
				commands[i].run(request);
			else
				run_list(request, commands[i].list);
			return;
		}
	}
	control_refuse(request, CONTROL_EXIT_USAGE, "hotlined does not know this command");
}
