/* Escalation policies: what a file may say, routes, faults with their place, findings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "core/policy.h"

static const char full[] =
	"policies:\n"
	"  - id: khan-cap\n"
	"    ack_lease: 30min\n"
	"    remind: 10min\n"
	"    rounds: 3\n"
	"    steps:\n"
	"      - {notify: [{schedule: duty}], delay: 5min, repeat: 1}\n"
	"      - {notify: [{team: hotline}, {agency: commune}], delay: 5min, mode: round_robin}\n"
	"    fallback: {notify: [everybody, {agency: province}], delay: 10min}\n"
	"  - {id: chung, ack_lease: 4h, steps: [{notify: [{officer: lan}], delay: 10min}]}\n"
	"  - {id: cong-an, ack_lease: 24h, steps: [{notify: [{agency: police}], delay: 15min}]}\n"
	"routes:\n"
	"  - {kind: [xam_hai], urgency: [khan_cap, cao], policy: khan-cap, also: [cong-an]}\n"
	"  - {commune: [\"25396\"], policy: khan-cap}\n"
	"  - {policy: chung}\n";

static bool load(const char *text, struct policies *p, struct yaml_error *error)
{
	struct yaml_node *root = yaml_parse(text, strlen(text), error);
	bool ok = root && policies_load(root, p, error);

	yaml_free(root);
	return ok;
}

static void must_load(const char *text, struct policies *p)
{
	struct yaml_error error;

	if (!load(text, p, &error))
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
}

static void a_policy_is_a_ladder_with_a_fallback(void **state)
{
	const struct policy *p;
	struct policies all;

	(void)state;
	must_load(full, &all);
	p = policies_find(&all, "khan-cap");
	assert_int_equal(p->ack_lease_s, 1800);
	assert_int_equal(p->remind_s, 600);
	assert_int_equal(p->snooze_s, 7200);
	assert_int_equal(p->step_count, 2);
	assert_int_equal(p->steps[0].repeat, 1);
	assert_true(p->steps[1].round_robin);
	assert_int_equal(p->steps[1].targets[1].kind, POLICY_AGENCY);
	assert_string_equal(p->steps[1].targets[1].name, "commune");
	assert_int_equal(p->fallback.target_count, 2);
	assert_int_equal(p->fallback.delay_s, 600);
	p = policies_find(&all, "chung");
	assert_int_equal(p->fallback.targets[0].kind, POLICY_EVERYBODY);
	assert_int_equal(p->fallback.delay_s, 600);
	policies_fini(&all);
}

static void the_first_route_that_fits_is_taken(void **state)
{
	const struct policy_route *r;
	struct policies all;

	(void)state;
	must_load(full, &all);
	r = policies_route(&all, "khan_cap", "xam_hai", NULL);
	assert_string_equal(r->policy, "khan-cap");
	assert_string_equal(r->also[0], "cong-an");
	assert_string_equal(policies_route(&all, "thap", "xam_hai", "25396")->policy, "khan-cap");
	assert_string_equal(policies_route(&all, "thap", "xam_hai", "25397")->policy, "chung");
	assert_string_equal(policies_route(&all, "khan_cap", "bao_luc", NULL)->policy, "chung");
	all.route_count = 2;
	assert_null(policies_route(&all, "khan_cap", "bao_luc", NULL));
	policies_fini(&all);
}

static void faults_name_line_and_column(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *part;
	} table[] = {
		{"routes: []\n", 1, 1, "policies"},
		{"policies:\n  - {id: a, ack_lease: 1h}\n", 2, 5, "steps is missing"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: []}\n", 2, 35, "at least one"},
		{"policies:\n  - {id: a, steps: []}\n", 2, 5, "ack_lease"},
		{"policies:\n  - {id: a, ack_lease: 5s, steps: []}\n", 2, 24, "60 s"},
		{"policies:\n  - {id: a, ack_lease: 1h, remind: 2h, steps: []}\n", 2, 36, "remind"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [], delay: 5min}]}\n", 2, 45, "nobody"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [every], delay: 5min}]}\n", 2, 46, "everybody"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [{shedule: d}], delay: 5min}]}\n", 2, 47, "schedule"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [{agency: army}], delay: 5min}]}\n", 2, 55, "police"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [everybody], delay: 1s}]}\n", 2, 65, "delay"},
		{"policies:\n  - {id: abc, ack_lease: 1h, steps: [{notify: [everybody], delay: 1h}]}\nroutes:\n  - {policy: abd}\n",
		 4, 14, "did you mean abc"},
		{"policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [everybody], delay: 1h}]}\nroutes:\n  - {urgency: "
		 "[hot], policy: a}\n", 4, 16, "khan_cap"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct yaml_error e;
		struct policies p;

		if (load(table[i].text, &p, &e)) {
			policies_fini(&p);
			fail_msg("read without a fault: %s", table[i].text);
		}
		if (e.line != table[i].line || e.column != table[i].column || !strstr(e.text, table[i].part))
			fail_msg("%s: %u:%u: %s", table[i].text, e.line, e.column, e.text);
	}
}

static void on_finding(void *arg, unsigned line, unsigned column, const char *finding)
{
	sprintf((char *)arg + strlen(arg), "%u:%u: %s\n", line, column, finding);
}

static void what_is_likely_wrong_is_found(void **state)
{
	char found[1024] = "";
	struct policies p;

	(void)state;
	must_load(full, &p);
	policies_findings(&p, on_finding, found);
	assert_string_equal(found, "");
	policies_fini(&p);
	must_load("policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [{officer: lan}], delay: 10min, repeat: 1}]}\n"
		  "  - {id: b, ack_lease: 1h, steps: [{notify: [everybody], delay: 10min}]}\n"
		  "routes:\n  - {policy: a}\n  - {kind: [x], policy: a}\n", &p);
	policies_findings(&p, on_finding, found);
	assert_non_null(strstr(found, "2:5: policy a: for 20 minutes one person only"));
	assert_non_null(strstr(found, "3:5: policy b: no route"));
	assert_non_null(strstr(found, "6:5: this route is never reached"));
	policies_fini(&p);
	found[0] = '\0';
	must_load("policies:\n  - {id: a, ack_lease: 1h, steps: [{notify: [everybody], delay: 10min}]}\n"
		  "routes:\n  - {urgency: [cao], policy: a}\n", &p);
	policies_findings(&p, on_finding, found);
	assert_non_null(strstr(found, "4:5: no route fits every case"));
	policies_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_a_ladder_with_a_fallback),
		cmocka_unit_test(the_first_route_that_fits_is_taken),
		cmocka_unit_test(faults_name_line_and_column),
		cmocka_unit_test(what_is_likely_wrong_is_found),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
