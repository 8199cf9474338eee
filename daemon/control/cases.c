/* What is done with a case from the command line, and the check of what was done. */
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "control/control.h"
#include "path/alert.h"
#include "path/auditor.h"
#include "path/duty.h"
#include "path/escalate.h"
#include "path/hotline.h"

enum { SNOOZE_MAX_S = 30 * 86400 };

static const char *const actions[] = {"ack", "close", "reopen", "snooze", "pass", NULL};

static const struct pg_statement take_case = {
	"case_take", "select json_build_object('result', o_result, 'ref', o_case_ref, 'urgency', o_urgency, 'other',"
		     " o_other)::text from case_take($1::text, $2::text, $3::text, $4::text, $5::int, $6::uuid)"};
static const struct pg_statement verify_chains = {
	"audit_verify",
	"select coalesce(json_agg(json_build_object('case_ref', o_case_ref, 'events', o_events, 'bad', o_bad)),"
	" '[]')::text from audit_verify()"};

static const struct pg_statement meet_clock = {
	"clock_meet", "select json_build_object('result', clock_meet($1::text, $2::text, $3::text))::text"};

struct taking {
	struct control_request *request;
	json_t *data;
};

static void on_row(void *arg, const struct pg_result *r)
{
	((struct taking *)arg)->data = json_loads(pg_get(r, 0, 0), 0, NULL);
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct taking *t = arg;
	struct hotline *h = t->request->hotline;
	const char *result = json_string_value(json_object_get(t->data, "result"));

	if (outcome != PG_OK || !result)
		control_refuse_store(t->request, outcome, error);
	else if (strcmp(result, "unknown") == 0)
		control_refuse(t->request, CONTROL_EXIT_NOTHING, "there is no %s %s",
			       control_text(t->request, "clock") ? "such clock of case" : "case",
			       control_text(t->request, "ref"));
	else
		control_answer(t->request, json_incref(t->data));
	json_decref(t->data);
	mem_free(t);
	escalate_hint(h->escalate);
	alert_hint(h->alert);
}

static bool is_action(const char *action)
{
	size_t i = 0;

	while (actions[i] && strcmp(actions[i], action) != 0)
		i++;
	return actions[i] != NULL;
}

/* The officer who does it; else refuses, because a mistyped name would hold the case and stop its ladder. */
static const struct duty_officer *actor_of(struct control_request *request)
{
	const struct duty *d = request->hotline->duty;
	const struct duty_officer *o = duty_find_id(d, control_text(request, "actor"));

	if (duty_version(d) < 0)
		control_refuse(request, CONTROL_EXIT_STORE, "no roster has been read yet: PostgreSQL cannot be reached");
	else if (!o)
		control_refuse(request, CONTROL_EXIT_NOTHING,
			       "the roster has no such officer: --actor takes an id that `hotlinectl oncall` shows");
	else if (o->disabled)
		control_refuse(request, CONTROL_EXIT_REFUSED, "that officer has left");
	else
		return o;
	return NULL;
}

/* The officer named as receiver: by id, tag or name. */
static void put_receiver(struct pg_params *p, const struct control_request *request)
{
	const char *to = control_text(request, "to");
	const struct duty_officer *o = to ? duty_find_id(request->hotline->duty, to) : NULL;

	if (to && !o)
		o = duty_find_words(request->hotline->duty, to);
	if (o)
		pg_put_uuid(p, o->id);
	else
		pg_put_text(p, NULL);
}

void cases_act(struct control_request *request)
{
	const char *ref = control_text(request, "ref"), *actor = control_text(request, "actor");
	const char *action = control_text(request, "action"), *code = control_text(request, "code");
	int64_t seconds = json_integer_value(json_object_get(request->args, "seconds"));
	const struct duty_officer *officer;
	struct taking *t;
	struct pg_params *p;

	if (!ref || !actor || !action || !is_action(action) || seconds < 0 || seconds > SNOOZE_MAX_S ||
	    (strcmp(action, "snooze") == 0 && seconds == 0)) {
		control_refuse(request, CONTROL_EXIT_USAGE,
			       "a case needs ref, actor and action (ack, close, reopen, snooze or pass)");
		return;
	}
	officer = actor_of(request);
	if (!officer)
		return;
	p = pg_params_new();
	pg_put_text(p, ref);
	pg_put_text(p, officer->tag);
	pg_put_text(p, action);
	pg_put_text(p, code ? code : "done");
	pg_put_int(p, seconds);
	put_receiver(p, request);
	t = mem_alloc(sizeof(*t));
	t->request = request;
	pg_exec(request->hotline->pg_duty, &take_case, p, on_row, on_done, t);
}

void cases_clock_met(struct control_request *request)
{
	const char *ref = control_text(request, "ref"), *clock = control_text(request, "clock");
	const char *actor = control_text(request, "actor");
	const struct duty_officer *officer;
	struct taking *t;
	struct pg_params *p;

	if (!ref || !clock || !actor) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a clock needs ref, clock and actor");
		return;
	}
	officer = actor_of(request);
	if (!officer)
		return;
	p = pg_params_new();
	pg_put_text(p, ref);
	pg_put_text(p, clock);
	pg_put_text(p, officer->tag);
	t = mem_alloc(sizeof(*t));
	t->request = request;
	pg_exec(request->hotline->pg_duty, &meet_clock, p, on_row, on_done, t);
}

void cases_findings(struct control_request *request)
{
	struct hotline *h = request->hotline;
	const struct auditor_finding *found;
	size_t count = auditor_findings(h->auditor, &found);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:b}", "finding", found[i].id, "text", found[i].text,
						      "for_s", (json_int_t)((loop_now_ms(h->loop) - found[i].since_ms) / 1000),
						      "told", found[i].told_ms != 0));
	control_answer(request, json_pack("{s:I,s:o}", "audit_age_s", (json_int_t)(auditor_age_ms(h->auditor) / 1000),
					  "findings", list));
}

void cases_audit(struct control_request *request)
{
	control_ask_json(request, &verify_chains, NULL);
}
