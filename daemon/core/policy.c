/* Escalation policies out of YAML. */
#include "core/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_read.h"
#include "core/clocks.h"
#include "core/places.h"

enum { DAY_S = 86400, DELAY_MAX_S = 30 * DAY_S, LEASE_MAX_S = 90 * DAY_S, REPEAT_MAX = 20, ROUNDS_MAX = 100,
       LONE_LADDER_S = 15 * 60 };

const char *const policy_target_names[] = {"everybody", "team", "officer", "schedule", "agency", NULL};

static const char *const file_keys[] = {"policies", "routes", NULL};
static const char *const policy_keys[] = {"id", "ack_lease", "remind", "snooze", "rounds", "steps", "fallback", NULL};
static const char *const step_keys[] = {"notify", "delay", "repeat", "mode", NULL};
static const char *const target_keys[] = {"team", "officer", "schedule", "agency", NULL};
static const char *const route_keys[] = {"urgency", "kind", "commune", "policy", "also", NULL};
static const char *const modes[] = {"all", "round_robin", NULL};
static const char *const agencies[] = {"commune", "police", "health", "school", "province", NULL};
static const char *const urgencies[] = {"thap", "trung_binh", "cao", "khan_cap", NULL};

/* ---- steps ---- */

/* "everybody", or {schedule: duty}. */
static bool read_target(const struct yaml_node *node, struct policy_target *t, struct yaml_error *error)
{
	int at;

	t->line = node->line;
	t->column = node->column;
	if (node->kind == YAML_SCALAR && strcmp(node->text, "everybody") == 0)
		return true;
	if (node->kind != YAML_MAP || node->count != 1)
		return yaml_fault(error, node, "everybody, or one of {schedule: ID}, {team: ID}, {officer: ID}, {agency: "
					       "KIND} is expected");
	if (!yaml_read_map(node, "a target", target_keys, error) ||
	    !yaml_read_choice(node->keys[0], "target", policy_target_names, &at, error))
		return false;
	t->kind = (enum policy_target_kind)at;
	if (t->kind == POLICY_AGENCY && !yaml_read_choice(node->items[0], "agency", agencies, &at, error))
		return false;
	return yaml_read_id(node->items[0], policy_target_names[t->kind], t->name, sizeof(t->name), error);
}

static bool read_targets(const struct yaml_node *list, struct policy_step *step, struct yaml_error *error)
{
	if (!yaml_read_list(list, "notify", POLICY_TARGETS_MAX, error))
		return false;
	if (list->count == 0)
		return yaml_fault(error, list, "notify: at least one target is expected; an empty step tells nobody");
	for (size_t i = 0; i < list->count; i++) {
		if (!read_target(list->items[i], &step->targets[i], error))
			return false;
	}
	step->target_count = list->count;
	return true;
}

static bool read_step(const struct yaml_node *map, struct policy_step *step, struct yaml_error *error)
{
	const struct yaml_node *notify = yaml_find(map, "notify"), *delay = yaml_find(map, "delay");
	const struct yaml_node *repeat = yaml_find(map, "repeat"), *mode = yaml_find(map, "mode");
	int at = 0;

	if (!yaml_read_map(map, "a step", step_keys, error))
		return false;
	if (!notify || !delay)
		return yaml_fault(error, map, "a step needs notify and delay");
	if ((repeat && !yaml_read_int(repeat, "repeat", 0, REPEAT_MAX, &step->repeat, error)) ||
	    (mode && !yaml_read_choice(mode, "mode", modes, &at, error)))
		return false;
	step->round_robin = at == 1;
	return yaml_read_seconds(delay, "delay", 30, DELAY_MAX_S, &step->delay_s, error) &&
	       read_targets(notify, step, error);
}

static bool read_steps(const struct yaml_node *map, struct policy *p, struct yaml_error *error)
{
	const struct yaml_node *list = yaml_find(map, "steps"), *fallback = yaml_find(map, "fallback");

	if (!list)
		return yaml_fault(error, map, "steps is missing");
	if (!yaml_read_list(list, "steps", POLICY_STEPS_MAX, error))
		return false;
	if (list->count == 0)
		return yaml_fault(error, list, "steps: at least one is expected");
	for (size_t i = 0; i < list->count; i++) {
		if (!read_step(list->items[i], &p->steps[i], error))
			return false;
	}
	p->step_count = list->count;
	p->fallback.delay_s = p->steps[p->step_count - 1].delay_s;
	if (fallback && fallback->kind == YAML_MAP && yaml_find(fallback, "notify"))
		return read_step(fallback, &p->fallback, error);
	if (fallback && !read_target(fallback, &p->fallback.targets[0], error))
		return false;
	p->fallback.target_count = 1; /* without any word, everybody */
	return true;
}

static bool read_policy(const struct yaml_node *map, struct policies *all, struct policy *p,
			struct yaml_error *error)
{
	const struct yaml_node *id = yaml_find(map, "id"), *lease = yaml_find(map, "ack_lease");
	const struct yaml_node *remind = yaml_find(map, "remind"), *snooze = yaml_find(map, "snooze");
	const struct yaml_node *rounds = yaml_find(map, "rounds");

	p->line = map->line;
	p->column = map->column;
	if (!yaml_read_map(map, "a policy", policy_keys, error))
		return false;
	if (!id || !lease)
		return yaml_fault(error, map, "a policy needs id, ack_lease and steps");
	if (!yaml_read_id(id, "id", p->id, sizeof(p->id), error) ||
	    !yaml_read_seconds(lease, "ack_lease", 60, LEASE_MAX_S, &p->ack_lease_s, error))
		return false;
	p->remind_s = p->ack_lease_s / 3;
	p->snooze_s = p->ack_lease_s * 4;
	if ((remind && !yaml_read_seconds(remind, "remind", 0, p->ack_lease_s - 1, &p->remind_s, error)) ||
	    (snooze && !yaml_read_seconds(snooze, "snooze", 0, LEASE_MAX_S, &p->snooze_s, error)) ||
	    (rounds && !yaml_read_int(rounds, "rounds", 0, ROUNDS_MAX, &p->rounds, error)))
		return false;
	for (const struct policy *other = all->policies; other < p; other++) {
		if (strcmp(other->id, p->id) == 0)
			return yaml_fault(error, id, "another policy above has the same id");
	}
	return read_steps(map, p, error);
}

static bool read_policies(const struct yaml_node *list, struct policies *out, struct yaml_error *error)
{
	if (!yaml_read_list(list, "policies", POLICIES_MAX, error))
		return false;
	out->policies = mem_alloc((list->count + 1) * sizeof(*out->policies));
	out->count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		if (!read_policy(list->items[i], out, &out->policies[i], error))
			return false;
	}
	return true;
}

/* ---- routes ---- */

static bool read_urgencies(const struct yaml_node *list, struct policy_route *r, struct yaml_error *error)
{
	int at;

	if (list && !yaml_read_list(list, "urgency", 4, error))
		return false;
	for (size_t i = 0; list && i < list->count; i++) {
		if (!yaml_read_choice(list->items[i], "urgency", urgencies, &at, error))
			return false;
		r->urgencies |= 1U << (at + 1);
	}
	return true;
}

static bool read_words(const struct yaml_node *list, const char *what, struct policy_route *r,
		       struct yaml_error *error)
{
	bool communes = strcmp(what, "commune") == 0;

	if (!list)
		return true;
	if (!yaml_read_list(list, what, POLICY_WORDS_MAX, error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!communes && !yaml_read_id(list->items[i], what, r->kinds[i], POLICY_ID_MAX, error))
			return false;
		if (communes && !yaml_read_text(list->items[i], what, r->communes[i], sizeof(r->communes[i]), error))
			return false;
		if (communes && (strlen(r->communes[i]) != 5 || !places_name(r->communes[i], false)))
			return yaml_fault(error, list->items[i], "there is no commune %s (a code of 5 digits)",
					  r->communes[i]);
	}
	*(communes ? &r->commune_count : &r->kind_count) = list->count;
	return true;
}

static bool known_policy(const struct policies *p, const struct yaml_node *node, const char *id,
			 struct yaml_error *error)
{
	const char *names[POLICIES_MAX + 1];
	const char *near;

	if (policies_find(p, id))
		return true;
	for (size_t i = 0; i < p->count; i++)
		names[i] = p->policies[i].id;
	names[p->count] = NULL;
	near = yaml_nearest(id, names);
	return yaml_fault(error, node, "there is no policy %s in this file%s%s%s", id, near ? "; did you mean " : "",
			  near ? near : "", near ? "?" : "");
}

static bool read_also(const struct yaml_node *list, const struct policies *p, struct policy_route *r,
		      struct yaml_error *error)
{
	if (!list)
		return true;
	if (!yaml_read_list(list, "also", POLICY_ALSO_MAX, error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!yaml_read_id(list->items[i], "also", r->also[i], POLICY_ID_MAX, error) ||
		    !known_policy(p, list->items[i], r->also[i], error))
			return false;
	}
	r->also_count = list->count;
	return true;
}

static bool read_route(const struct yaml_node *map, const struct policies *p, struct policy_route *r,
		       struct yaml_error *error)
{
	const struct yaml_node *policy = yaml_find(map, "policy");

	r->line = map->line;
	r->column = map->column;
	if (!yaml_read_map(map, "a route", route_keys, error))
		return false;
	if (!policy)
		return yaml_fault(error, map, "policy is missing");
	return yaml_read_id(policy, "policy", r->policy, sizeof(r->policy), error) &&
	       known_policy(p, policy, r->policy, error) && read_urgencies(yaml_find(map, "urgency"), r, error) &&
	       read_words(yaml_find(map, "kind"), "kind", r, error) &&
	       read_words(yaml_find(map, "commune"), "commune", r, error) &&
	       read_also(yaml_find(map, "also"), p, r, error);
}

static bool read_routes(const struct yaml_node *list, struct policies *out, struct yaml_error *error)
{
	if (!list)
		return true;
	if (!yaml_read_list(list, "routes", POLICY_ROUTES_MAX, error))
		return false;
	out->routes = mem_alloc((list->count + 1) * sizeof(*out->routes));
	out->route_count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		if (!read_route(list->items[i], out, &out->routes[i], error))
			return false;
	}
	return true;
}

bool policies_load(const struct yaml_node *root, struct policies *out, struct yaml_error *error)
{
	const struct yaml_node *list = yaml_find(root, "policies");

	memset(out, 0, sizeof(*out));
	if (yaml_read_map(root, "a file of policies", file_keys, error)) {
		if (!list)
			yaml_fault(error, root, "a list is expected: policies: [...]");
		else if (read_policies(list, out, error) && read_routes(yaml_find(root, "routes"), out, error))
			return true;
	}
	policies_fini(out);
	return false;
}

void policies_fini(struct policies *p)
{
	mem_free(p->policies);
	mem_free(p->routes);
	memset(p, 0, sizeof(*p));
}

const struct policy *policies_find(const struct policies *p, const char *id)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->policies[i].id, id) == 0)
			return &p->policies[i];
	}
	return NULL;
}

/* ---- asking ---- */

static bool kind_fits(const struct policy_route *r, const char *kind)
{
	for (size_t i = 0; i < r->kind_count; i++) {
		if (strcmp(r->kinds[i], kind) == 0)
			return true;
	}
	return r->kind_count == 0;
}

static bool commune_fits(const struct policy_route *r, const char *commune)
{
	for (size_t i = 0; commune && i < r->commune_count; i++) {
		if (strcmp(r->communes[i], commune) == 0)
			return true;
	}
	return r->commune_count == 0;
}

const struct policy_route *policies_route(const struct policies *p, const char *urgency, const char *kind,
					  const char *commune)
{
	int rank = clocks_urgency_rank(urgency);

	for (size_t i = 0; i < p->route_count; i++) {
		const struct policy_route *r = &p->routes[i];

		if ((r->urgencies == 0 || r->urgencies >> rank & 1) && kind_fits(r, kind) && commune_fits(r, commune))
			return r;
	}
	return NULL;
}

static bool catches_all(const struct policy_route *r)
{
	return (r->urgencies & 0x1e) % 0x1e == 0 && r->kind_count == 0 && r->commune_count == 0;
}

static bool is_lone(const struct policy_step *step)
{
	return step->target_count == 1 && (step->round_robin || step->targets[0].kind == POLICY_OFFICER);
}

/* One person only for so long: if that one sleeps, nobody knows. */
static void find_lone(const struct policy *p, policy_finding_fn *fn, void *arg)
{
	int64_t alone = 0;
	char text[160];

	for (size_t i = 0; i < p->step_count && is_lone(&p->steps[i]) &&
	     (i == 0 || strcmp(p->steps[i].targets[0].name, p->steps[0].targets[0].name) == 0); i++)
		alone += p->steps[i].delay_s * (1 + p->steps[i].repeat);
	if (alone <= LONE_LADDER_S)
		return;
	snprintf(text, sizeof(text), "policy %s: for %lld minutes one person only is alerted", p->id,
		 (long long)alone / 60);
	fn(arg, p->line, p->column, text);
}

static bool is_used(const struct policies *p, const char *id)
{
	for (size_t i = 0; i < p->route_count; i++) {
		if (strcmp(p->routes[i].policy, id) == 0)
			return true;
		for (size_t j = 0; j < p->routes[i].also_count; j++) {
			if (strcmp(p->routes[i].also[j], id) == 0)
				return true;
		}
	}
	return clocks_urgency_rank(id) > 0;
}

void policies_findings(const struct policies *p, policy_finding_fn *fn, void *arg)
{
	char text[160];
	bool all = false;

	for (size_t i = 0; i < p->count; i++) {
		find_lone(&p->policies[i], fn, arg);
		if (is_used(p, p->policies[i].id))
			continue;
		snprintf(text, sizeof(text), "policy %s: no route leads to it", p->policies[i].id);
		fn(arg, p->policies[i].line, p->policies[i].column, text);
	}
	for (size_t i = 0; i < p->route_count; i++) {
		if (all)
			fn(arg, p->routes[i].line, p->routes[i].column, "this route is never reached: one above fits every case");
		all |= catches_all(&p->routes[i]);
	}
	if (p->route_count > 0 && !all)
		fn(arg, p->routes[p->route_count - 1].line, p->routes[p->route_count - 1].column,
		   "no route fits every case: others come under the policy named like their urgency");
}
