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
#include "path/clockwork.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"
#include "path/roles.h"
#include "path/session.h"
#include "store/pg.h"
#include "store/spool.h"
#include "store/vault.h"


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

/* What is due next comes first. */
static const struct pg_statement list_clocks = {
	"list_clocks",
	"select coalesce(json_agg(t), '[]')::text from (select case_ref, urgency, clock, state, due_at, next_at from"
	" api_clocks where ($1::bytea is null or subject = $1) and (case_ref = $2::text or ($2::text is null and"
	" state in ('running', 'missed'))) order by due_at limit $3::int) t"};
static const struct pg_statement list_policies = {
	"list_policies",
	LIST("policy, version, steps, rounds, ack_lease_s, cases, made_at", "api_policies", "true", "policy = $2",
	     "made_at")};

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

void control_ask_json(struct control_request *request, const struct pg_statement *st, struct pg_params *p)
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
	control_ask_json(request, st, p);
}

/* ---- status, reload ---- */

static json_t *links_json(const struct hotline *h)
{
	static const char *const names[] = {
		[LINK_DOWN] = "down", [LINK_CONNECTING] = "connecting", [LINK_BOUND] = "bound",
		[LINK_STOPPED] = "stopped"};
	const struct links *links = outbox_links(h->outbox);
	json_t *list = json_array();

	for (size_t i = 0; i < links_count(links); i++) {
		const struct way *way = links_at(links, i);

		json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", way->name, "adapter",
						      way->adapter->name, "state",
						      names[way->adapter->state(way->link)]));
	}
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

static void current_version(const struct hotline *h, uint8_t hash[FLOW_HASH_LEN], char digits[FLOW_HASH_LEN * 2 + 1])
{
	memcpy(hash, flow_hash(flowbook_current(h->flowbook)), FLOW_HASH_LEN);
	hex_encode(hash, FLOW_HASH_LEN, digits);
	digits[12] = '\0';
}

static void run_reload(struct control_request *request)
{
	struct hotline *h = request->hotline;
	uint8_t was[FLOW_HASH_LEN], now[FLOW_HASH_LEN];
	char was_hex[FLOW_HASH_LEN * 2 + 1], now_hex[FLOW_HASH_LEN * 2 + 1];
	char error[1800], later[400] = "";
	bool same;

	current_version(h, was, was_hex);
	if (!hotline_read_again(h, later, sizeof(later), error, sizeof(error)) ||
	    !clockwork_reload(h->clockwork, error, sizeof(error)) ||
	    !flowbook_reload(h->flowbook, error, sizeof(error))) {
		control_refuse(request, EXIT_CONFIG, "nothing was changed:\n%s", error);
		return;
	}
	current_version(h, now, now_hex);
	same = memcmp(was, now, sizeof(was)) == 0;
	roles_refresh(h->roles);
	if (!hotline_reload_links(h, error, sizeof(error))) {
		control_refuse(request, EXIT_CONFIG, "the flows are %s, the links are as before:\n%s",
			       same ? "the same" : "new", error);
		return;
	}
	control_answer(request, json_pack("{s:s,s:s,s:s,s:I,s:s}", "flow", flow_name(flowbook_current(h->flowbook)),
					  "version", now_hex, "was", was_hex, "conversations",
					  (json_int_t)(same ? 0 : session_count(h->session, was)), "at_next_start", later));
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
	{"clocks", NULL, &list_clocks},
	{"clock-met", cases_clock_met, NULL},
	{"member-enrol", members_enrol, NULL},
	{"member-list", members_list, NULL},
	{"member-revoke", members_revoke, NULL},
	{"member-verify", members_verify, NULL},
	{"policies", NULL, &list_policies},
	{"policy-import", policies_import, NULL},
	{"audit-findings", cases_findings, NULL},
	{"audit-verify", cases_audit, NULL},
	{"case", cases_act, NULL},
	{"report-challenge", access_challenge, NULL},
	{"report-open", access_report_open, NULL},
	{"report-contact", access_report_contact, NULL},
	{"roster-import", oncall_roster_import, NULL},
	{"oncall", oncall_show, NULL},
	{"reload", run_reload, NULL},
	{"links", links_list, NULL},
	{"link-order", links_order, NULL},
	{"link-watch", links_watch, NULL},
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
