/* Importing escalation policies: the names they use are looked up in the roster, then they are stored as new
 * versions where they differ. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_read.h"
#include "control/control.h"
#include "core/ids.h"
#include "core/policy.h"
#include "path/duty.h"
#include "path/hotline.h"

enum { TEXT_MAX = 400 };

static const struct pg_statement put_policy = {
	"policy_put", "select $1::text, policy_put($1::text, $2::text::jsonb, $3::bool)"};
static const struct pg_statement put_routes = {
	"routes_put", "select 'routes', routes_put($1::text::jsonb, $2::bool)"};

static const char *const urgency_names[] = {"khong", "thap", "trung_binh", "cao", "khan_cap"};

struct importing {
	struct control_request *request;
	struct policies policies;
	json_t *answer;
};

static void importing_free(struct importing *i)
{
	policies_fini(&i->policies);
	json_decref(i->answer);
	mem_free(i);
}

/* ---- names ---- */

static bool team_exists(const struct duty *d, const char *name)
{
	const struct duty_officer *all;
	size_t count = duty_officers(d, &all);

	if (roster_find_team(duty_roster(d), name))
		return true;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < all[i].person.team_count; j++) {
			if (strcmp(all[i].person.teams[j], name) == 0)
				return true;
		}
	}
	return false;
}

/* The officer of a target; NULL: there is none of that id. */
static const struct duty_officer *officer_of(const struct hotline *h, const char *id)
{
	uint8_t key[DUTY_KEY_LEN];

	duty_key(h, id, key);
	return duty_find_key(h->duty, key);
}

static bool target_exists(const struct hotline *h, const struct policy_target *t)
{
	switch (t->kind) {
	case POLICY_TEAM:
		return team_exists(h->duty, t->name);
	case POLICY_SCHEDULE:
		return roster_find_schedule(duty_roster(h->duty), t->name) != NULL;
	case POLICY_OFFICER:
		return officer_of(h, t->name) != NULL;
	case POLICY_EVERYBODY:
	case POLICY_AGENCY: /* which communes have one changes without the policy */
		break;
	}
	return true;
}

static bool check_step(const struct hotline *h, const struct policy_step *step, struct yaml_error *error)
{
	for (size_t i = 0; i < step->target_count; i++) {
		const struct policy_target *t = &step->targets[i];
		struct yaml_node place = {.line = t->line, .column = t->column};

		if (!target_exists(h, t))
			return yaml_fault(error, &place, "the roster has no %s %s", policy_target_names[t->kind], t->name);
	}
	return true;
}

static bool check_names(const struct hotline *h, const struct policies *all, struct yaml_error *error)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct policy *p = &all->policies[i];

		for (size_t j = 0; j < p->step_count; j++) {
			if (!check_step(h, &p->steps[j], error))
				return false;
		}
		if (!check_step(h, &p->fallback, error))
			return false;
	}
	return true;
}

/* ---- as JSON ---- */

static json_t *target_json(const struct hotline *h, const struct policy_target *t)
{
	json_t *out = json_pack("{s:s}", "kind", policy_target_names[t->kind]);
	struct id16 id;
	char uuid[ID16_TEXT];

	if (t->kind == POLICY_TEAM) {
		json_object_set_new(out, "team", json_string(t->name));
	} else if (t->kind == POLICY_OFFICER) {
		memcpy(id.b, officer_of(h, t->name)->id, sizeof(id.b));
		id16_text(&id, uuid);
		json_object_set_new(out, "officer", json_string(uuid));
	} else if (t->kind != POLICY_EVERYBODY) {
		json_object_set_new(out, "name", json_string(t->name));
	}
	return out;
}

static json_t *step_json(const struct hotline *h, const struct policy_step *s, int seq)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < s->target_count; i++)
		json_array_append_new(targets, target_json(h, &s->targets[i]));
	return json_pack("{s:i,s:I,s:i,s:s,s:o}", "seq", seq, "delay_s", (json_int_t)s->delay_s, "repeat", s->repeat,
			 "mode", s->round_robin ? "round_robin" : "all", "targets", targets);
}

static json_t *policy_json(const struct hotline *h, const struct policy *p)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < p->step_count; i++)
		json_array_append_new(steps, step_json(h, &p->steps[i], (int)i));
	json_array_append_new(steps, step_json(h, &p->fallback, -1));
	return json_pack("{s:I,s:I,s:I,s:i,s:o}", "ack_lease_s", (json_int_t)p->ack_lease_s, "remind_s",
			 (json_int_t)p->remind_s, "snooze_s", (json_int_t)p->snooze_s, "rounds", p->rounds, "steps",
			 steps);
}

static json_t *route_json(const struct policy_route *r, int seq)
{
	json_t *urgencies = json_array(), *kinds = json_array(), *communes = json_array(), *also = json_array();

	for (int i = 1; i <= 4; i++) {
		if (r->urgencies >> i & 1)
			json_array_append_new(urgencies, json_string(urgency_names[i]));
	}
	for (size_t i = 0; i < r->kind_count; i++)
		json_array_append_new(kinds, json_string(r->kinds[i]));
	for (size_t i = 0; i < r->commune_count; i++)
		json_array_append_new(communes, json_string(r->communes[i]));
	for (size_t i = 0; i < r->also_count; i++)
		json_array_append_new(also, json_string(r->also[i]));
	return json_pack("{s:i,s:o,s:o,s:o,s:s,s:o}", "seq", seq, "urgencies", urgencies, "kinds", kinds, "communes",
			 communes, "policy", r->policy, "also", also);
}

static void put_json(struct pg_params *p, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	pg_put_text(p, text);
	free(text);
	json_decref(value);
}

/* ---- storing ---- */

static void on_put(void *arg, const struct pg_result *r)
{
	struct importing *i = arg;

	json_array_append_new(i->answer, json_pack("{s:s,s:s}", "name", pg_get(r, 0, 0), "change", pg_get(r, 0, 1)));
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct importing *i = arg;

	if (outcome == PG_OK)
		control_answer(i->request, json_incref(i->answer));
	else
		control_refuse_store(i->request, outcome, error);
	importing_free(i);
}

static void store(struct importing *i, bool apply)
{
	const struct hotline *h = i->request->hotline;
	struct pg_batch *batch = pg_batch_new(h->pg_duty);
	json_t *routes = json_array();
	struct pg_params *p;

	i->answer = json_array();
	for (size_t n = 0; n < i->policies.count; n++) {
		p = pg_params_new();
		pg_put_text(p, i->policies.policies[n].id);
		put_json(p, policy_json(h, &i->policies.policies[n]));
		pg_put_bool(p, apply);
		pg_batch_add(batch, &put_policy, p, on_put, i);
	}
	for (size_t n = 0; n < i->policies.route_count; n++)
		json_array_append_new(routes, route_json(&i->policies.routes[n], (int)n));
	p = pg_params_new();
	put_json(p, routes);
	pg_put_bool(p, apply);
	pg_batch_add(batch, &put_routes, p, on_put, i);
	pg_batch_send(batch, on_done, i);
}

static void on_roster(void *arg, bool ok)
{
	struct importing *i = arg;
	const char *name = control_text(i->request, "name");
	struct yaml_error error = {0};

	if (!ok) {
		control_refuse(i->request, CONTROL_EXIT_STORE, "PostgreSQL cannot be reached");
	} else if (!check_names(i->request->hotline, &i->policies, &error)) {
		control_refuse(i->request, EXIT_CONFIG, "%s:%u:%u: %s", name ? name : "policies", error.line, error.column,
			       error.text);
	} else {
		store(i, json_is_true(json_object_get(i->request->args, "apply")));
		return;
	}
	importing_free(i);
}

void policies_import(struct control_request *request)
{
	const char *text = control_text(request, "text"), *name = control_text(request, "name");
	struct importing *i = mem_alloc(sizeof(*i));
	struct yaml_error error = {0};
	struct yaml_node *root = text ? yaml_parse(text, strlen(text), &error) : NULL;
	bool ok = root && policies_load(root, &i->policies, &error);

	yaml_free(root);
	i->request = request;
	if (ok) {
		duty_load(request->hotline->duty, on_roster, i);
		return;
	}
	control_refuse(request, EXIT_CONFIG, "%s:%u:%u: %s", name ? name : "policies", error.line, error.column,
		       text ? error.text : "a text is expected");
	importing_free(i);
}
