/* An entitled officer opens a report or contacts its reporter: proof first, then the log entry, then the
 * answer. */
#include "control/control.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "store/pg.h"
#include "store/vault.h"

enum { REASON_MIN = 3, TEXT_MAX = 1024, VALIDITY_MS = 600 * 1000 };

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

void access_challenge(struct control_request *request)
{
	uint8_t challenge[32 + 48];
	char hex[sizeof(challenge) * 2 + 1];
	bool *valid;
	uint8_t *nonce = control_nonce(request->client, &valid);

	vault_challenge(request->hotline->vault, nonce, challenge);
	*valid = true;
	hex_encode(challenge, sizeof(challenge), hex);
	control_answer(request, json_pack("{s:s}", "challenge", hex));
}

/* Refuses and returns false unless the request carries a reason, a name and this connection's nonce. */
static bool entitled(struct control_request *request)
{
	const char *hex = control_text(request, "nonce"), *reason = control_text(request, "reason");
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
	if (!reason || strlen(reason) < REASON_MIN || !control_text(request, "ref") || !control_text(request, "actor")) {
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
	const char *reason = control_text(request, "reason");
	struct pg_params *p = pg_params_new();
	struct buf sealed = {0};

	vault_seal(h->vault, VAULT_CONTACT, "access_log", 10, reason, strlen(reason), &sealed);
	pg_put_text(p, control_text(request, "actor"));
	pg_put_text(p, action);
	pg_put_text(p, control_text(request, "ref"));
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
		control_refuse_store(a->request, outcome, error);
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

void access_report_open(struct control_request *request)
{
	struct pg_params *p;
	struct pg_batch *b;
	struct access *a;

	if (!entitled(request))
		return;
	a = access_new(request);
	a->revisions = json_array();
	b = pg_batch_new(request->hotline->pg_duty);
	add_access_log(b, request, "report open", "shown");
	p = pg_params_new();
	pg_put_text(p, control_text(request, "ref"));
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
	const char *text = control_text(request, "text");
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
		control_refuse_store(a->request, outcome, error);
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
		control_refuse_store(request, outcome, error);
		access_free(a);
	} else if (a->rows == 0 || !a->number[0]) {
		control_refuse(request, CONTROL_EXIT_NOTHING, "there is no such report, or no number to call");
		access_free(a);
	} else {
		b = pg_batch_new(request->hotline->pg_duty);
		add_access_log(b, request, control_text(request, "text") ? "report text" : "report contact",
			       may_contact(a) ? "given" : "refused");
		pg_batch_send(b, on_contact_logged, a);
	}
}

void access_report_contact(struct control_request *request)
{
	const char *text = control_text(request, "text");
	struct pg_params *p;
	struct access *a;

	if (text && strlen(text) > TEXT_MAX) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a text of at most %d bytes", TEXT_MAX);
		return;
	}
	if (!entitled(request))
		return;
	p = pg_params_new();
	pg_put_text(p, control_text(request, "ref"));
	a = access_new(request);
	pg_exec(request->hotline->pg_duty, &contact_row, p, on_contact_row, on_contact_known, a);
}
