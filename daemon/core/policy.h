/* Escalation policies as a file says them (doc/policies.md): ladders of steps, and routes that say which
 * case climbs which. Pure. Whether the teams, schedules and officers named exist is asked of the roster. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_error;
struct yaml_node;

enum {
	POLICY_ID_MAX = 32,
	POLICIES_MAX = 50,
	POLICY_STEPS_MAX = 20,
	POLICY_TARGETS_MAX = 10,
	POLICY_ROUTES_MAX = 100,
	POLICY_WORDS_MAX = 50,     /* kinds, or communes, of a route */
	POLICY_ALSO_MAX = 4
};

enum policy_target_kind { POLICY_EVERYBODY, POLICY_TEAM, POLICY_OFFICER, POLICY_SCHEDULE, POLICY_AGENCY };
extern const char *const policy_target_names[]; /* "everybody", "team", ...; ends with NULL */

struct policy_target {
	enum policy_target_kind kind;
	char name[POLICY_ID_MAX];   /* "" for everybody */
	unsigned line, column;
};

struct policy_step {
	int64_t delay_s;            /* until the next step */
	int repeat;                 /* told so many times more, each after the delay, before the next step */
	bool round_robin;           /* one of them in turn, not all */
	struct policy_target targets[POLICY_TARGETS_MAX];
	size_t target_count;
};

struct policy {
	char id[POLICY_ID_MAX];
	unsigned line, column;
	int64_t ack_lease_s;        /* an acknowledgement without an action lasts so long */
	int64_t remind_s;           /* its holder is reminded so long before it ends; 0 = never */
	int64_t snooze_s;           /* and may put it off so long in all */
	int rounds;                 /* of all steps, then the fallback for ever; 0 = the steps for ever */
	struct policy_step steps[POLICY_STEPS_MAX];
	size_t step_count;
	struct policy_step fallback;/* without targets: everybody */
};

struct policy_route {
	unsigned urgencies;         /* bit n: rank n (core/clocks.h); 0 = all */
	char kinds[POLICY_WORDS_MAX][POLICY_ID_MAX];
	size_t kind_count;          /* 0 = all */
	char communes[POLICY_WORDS_MAX][8];
	size_t commune_count;       /* 0 = all */
	char policy[POLICY_ID_MAX];
	char also[POLICY_ALSO_MAX][POLICY_ID_MAX]; /* policies beside it, acknowledged for themselves */
	size_t also_count;
	unsigned line, column;
};

struct policies {
	struct policy *policies;    /* owned */
	size_t count;
	struct policy_route *routes;/* owned */
	size_t route_count;
};

bool policies_load(const struct yaml_node *root, struct policies *out, struct yaml_error *error);
void policies_fini(struct policies *p);
const struct policy *policies_find(const struct policies *p, const char *id);
/* The first route for a case, or NULL: then the policy with the urgency's own name is used. commune may be
 * NULL. */
const struct policy_route *policies_route(const struct policies *p, const char *urgency, const char *kind,
					  const char *commune);
/* What is allowed but likely wrong: no route for everything, routes that are never reached, policies that
 * none leads to, ladders that alert one person only for more than a quarter of an hour. */
typedef void policy_finding_fn(void *arg, unsigned line, unsigned column, const char *finding);
void policies_findings(const struct policies *p, policy_finding_fn *fn, void *arg);

#endif
