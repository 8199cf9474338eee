/* Rosters: what a file may say, faults with their place, facts that tell two rosters apart, findings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "core/roster.h"
#include "store/zones.h"
#include "zone_help.h"

static const char full[] =
	"zone: Asia/Ho_Chi_Minh\n"
	"officers:\n"
	"  - {id: lan, name: Nguyễn Thị Lan, number: \"+84 900 000 001\", second_number: \"+84900000002\", team: hotline}\n"
	"  - {id: minh, name: Minh, number: \"+84900000003\", mail: minh@example.org, teams: [hotline, night]}\n"
	"  - {id: hoa, name: Hoa, number: \"+84900000004\", webhook: \"https://hook.example.org/a\", team: police-bom-bo}\n"
	"teams:\n"
	"  - {id: hotline, schedule: duty}\n"
	"  - {id: police-bom-bo, agency: police, communes: [\"25396\"]}\n"
	"schedules:\n"
	"  - id: duty\n"
	"    rotations:\n"
	"      - {every: week, start: 2026-01-05 08:00, officers: [lan, minh]}\n"
	"    swaps:\n"
	"      - {from: 2026-02-16 08:00, to: 2026-02-18 08:00, officers: [lan, minh]}\n"
	"    overrides:\n"
	"      - {from: 2026-02-17 00:00, to: 2026-02-17 12:00, officer: hoa, instead_of: lan}\n"
	"      - {from: 2026-03-03 00:00, to: 2026-03-04 00:00, off: lan}\n";

static bool load(const char *text, struct roster *r, struct yaml_error *error)
{
	struct yaml_node *root = yaml_parse(text, strlen(text), error);
	bool ok = root && roster_load(root, zones_open, r, error);

	yaml_free(root);
	return ok;
}

static void must_load(const char *text, struct roster *r)
{
	struct yaml_error error;

	if (!load(text, r, &error))
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
}

static const char *who(const struct roster *r, const char *when)
{
	const struct roster_schedule *s = roster_find_schedule(r, "duty");
	struct rota_duty duty;

	rota_at(&s->rota, at(s->rota.zone, when), &duty);
	return duty.count == 1 ? r->people[duty.people[0]].id : duty.count ? "several" : "nobody";
}

static void a_roster_names_officers_teams_and_schedules(void **state)
{
	struct roster r;

	(void)state;
	must_load(full, &r);
	assert_int_equal(r.officer_count, 3);
	assert_int_equal(r.people_count, 3);
	assert_string_equal(r.people[0].methods[ROSTER_NUMBER], "+84900000001");
	assert_int_equal(roster_method_count(&r.people[1]), 2);
	assert_string_equal(roster_find_team(&r, "police-bom-bo")->communes[0], "25396");
	assert_string_equal(who(&r, "2026-01-05 07:00"), "nobody");
	assert_string_equal(who(&r, "2026-01-12 08:00"), "minh");
	assert_string_equal(who(&r, "2026-02-16 07:59"), "minh");
	assert_string_equal(who(&r, "2026-02-16 09:00"), "minh"); /* lan's turn begins, they have swapped */
	assert_string_equal(who(&r, "2026-03-03 12:00"), "nobody");
	roster_fini(&r);
}

static void the_roster_of_the_first_version_is_still_read(void **state)
{
	struct roster r;

	(void)state;
	must_load("officers:\n  - {name: quickstart, number: \"+84900000001\", teams: [hotline]}\n", &r);
	assert_int_equal(r.officer_count, 1);
	assert_false(r.has_duty);
	assert_string_equal(r.people[0].id, "");
	roster_fini(&r);
}

static void somebody_only_named_in_a_schedule_is_kept_apart(void **state)
{
	struct roster r;

	(void)state;
	must_load("schedules:\n  - id: duty\n    zone: UTC\n    rotations:\n"
		  "      - {start: 2026-01-01 00:00, officers: [an, binh, an]}\n", &r);
	assert_int_equal(r.officer_count, 0);
	assert_int_equal(r.people_count, 2);
	assert_int_equal(r.people[1].line, 5);
	assert_string_equal(who(&r, "2026-01-16 00:00"), "an");
	roster_fini(&r);
}

struct bad {
	const char *text;
	unsigned line, column;
	const char *part;
};

static void faults_name_line_and_column(void **state)
{
	static const struct bad table[] = {
		{"officers:\n  - {name: A}\n", 2, 5, "number is missing"},
		{"officers:\n  - {number: \"+84900000001\"}\n", 2, 5, "name is missing"},
		{"officers:\n  - {name: A, number: 0900000001}\n", 2, 23, "+84"},
		{"officers:\n  - {name: A, number: \"+84900000001\", maill: a@b}\n", 2, 39, "mail"},
		{"officers:\n  - {name: A, number: \"+84900000001\"}\n  - {name: B, number: \"+84 900000001\"}\n", 3, 23,
		 "same number"},
		{"officers:\n  - {name: A, number: \"+84900000001\", webhook: http://x}\n", 2, 48, "https"},
		{"officers:\n  - {id: a, name: A, number: \"+84900000001\", team: x, teams: [y]}\n", 2, 62, "together"},
		{"teams:\n  - {id: a, communes: [\"99999\"]}\n", 2, 24, "no commune"},
		{"teams:\n  - {id: a, agency: polize}\n", 2, 21, "police"},
		{"teams:\n  - {id: a, schedule: duty}\n", 2, 23, "no schedule duty"},
		{"schedules:\n  - {id: a, rotations: []}\n", 2, 5, "zone is missing"},
		{"schedules:\n  - {id: a, zone: Asia/Hanoi, rotations: []}\n", 2, 19, "no zone"},
		{"zone: UTC\nschedules:\n  - id: a\n    rotations:\n      - {every: fortnight, start: 2026-01-01, officers: "
		 "[a]}\n", 5, 17, "day, week, month"},
		{"zone: UTC\nschedules:\n  - id: a\n    rotations:\n      - {start: 2026-02-30, officers: [a]}\n", 5, 17,
		 "2026-02-16 08:00"},
		{"zone: UTC\nschedules:\n  - id: a\n    rotations:\n      - {start: 2026-02-28, officers: []}\n", 5, 39,
		 "at least one"},
		{"zone: UTC\nschedules:\n  - id: a\n    rotations: []\n    overrides:\n      - {from: 2026-01-02, to: "
		 "2026-01-01, only: a}\n", 6, 32, "after from"},
		{"zone: UTC\nschedules:\n  - id: a\n    rotations: []\n    overrides:\n      - {from: 2026-01-01, to: "
		 "2026-01-02, officer: a}\n", 6, 9, "instead_of"},
		{"{}\n", 1, 1, "officers"},
		{"rota: x\n", 1, 1, "rota"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct yaml_error e;
		struct roster r;

		if (load(table[i].text, &r, &e)) {
			roster_fini(&r);
			fail_msg("read without a fault: %s", table[i].text);
		}
		if (e.line != table[i].line || e.column != table[i].column || !strstr(e.text, table[i].part))
			fail_msg("%s: %u:%u: %s", table[i].text, e.line, e.column, e.text);
	}
}

static void officers_come_from_csv_as_well(void **state)
{
	static const char csv[] = "\xef\xbb\xbfnumber,name,team,id,mail\r\n"
				  "+84900000001,\"Lan, \"\"chị\"\"\",hotline; night,lan,\r\n"
				  "+84900000002,Minh,,minh,minh@example.org\r\n";
	struct yaml_error e;
	struct roster r;

	(void)state;
	if (!roster_load_csv(csv, sizeof(csv) - 1, &r, &e))
		fail_msg("%u:%u: %s", e.line, e.column, e.text);
	assert_int_equal(r.officer_count, 2);
	assert_string_equal(r.people[0].name, "Lan, \"chị\"");
	assert_int_equal(r.people[0].team_count, 2);
	assert_string_equal(r.people[0].teams[1], "night");
	assert_string_equal(r.people[1].methods[ROSTER_MAIL], "minh@example.org");
	assert_int_equal(r.people[1].team_count, 0);
	roster_fini(&r);
}

static void faults_of_csv_name_line_and_column(void **state)
{
	static const struct bad table[] = {
		{"name,nunber\n", 1, 6, "number"},
		{"name,name\n", 1, 6, "twice"},
		{"name,number\nA\n", 2, 1, "2 columns are expected, 1 found"},
		{"name,number\nÁo,090\n", 2, 4, "+84"},
		{"name,number\n\"A,+84900000001\n", 2, 1, "not closed"},
		{"name,number\n\"A\"b,+84900000001\n", 2, 4, "comma"},
		{"", 1, 1, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct yaml_error e;
		struct roster r;

		if (roster_load_csv(table[i].text, strlen(table[i].text), &r, &e)) {
			roster_fini(&r);
			fail_msg("read without a fault: %s", table[i].text);
		}
		if (e.line != table[i].line || e.column != table[i].column || !strstr(e.text, table[i].part))
			fail_msg("%s: %u:%u: %s", table[i].text, e.line, e.column, e.text);
	}
}

struct text {
	char full[8192], shown[8192];
};

static void on_line(void *arg, const char *subject, const char *fact, const char *shown)
{
	struct text *t = arg;

	sprintf(t->full + strlen(t->full), "%s: %s\n", subject, fact);
	sprintf(t->shown + strlen(t->shown), "%s: %s\n", subject, shown);
}

static void every_fact_is_a_line_and_numbers_are_masked_for_the_eye(void **state)
{
	struct text t = {"", ""};
	struct roster r;

	(void)state;
	must_load(full, &r);
	roster_lines(&r, on_line, &t);
	assert_non_null(strstr(t.full, "officer lan: second_number +84900000002\n"));
	assert_non_null(strstr(t.shown, "officer lan: second_number +849******02\n"));
	assert_non_null(strstr(t.shown, "officer minh: mail m...@example.org\n"));
	assert_null(strstr(t.shown, "900000"));
	assert_non_null(strstr(t.full, "team police-bom-bo: looks after commune 25396\n"));
	assert_non_null(strstr(t.full, "schedule duty: every 1 week from 2026-01-05 08:00: lan minh\n"));
	assert_non_null(strstr(t.full, "2026-02-16 08:00 to 2026-02-18 08:00: lan swaps with minh\n"));
	assert_non_null(strstr(t.full, "2026-02-17 00:00 to 2026-02-17 12:00: hoa instead of lan\n"));
	assert_non_null(strstr(t.full, "2026-03-03 00:00 to 2026-03-04 00:00: lan off\n"));
	roster_fini(&r);
}

static void on_finding(void *arg, const char *finding)
{
	sprintf((char *)arg + strlen(arg), "%s\n", finding);
}

static void gaps_and_officers_with_one_way_to_reach_them_are_found(void **state)
{
	char found[4096] = "";
	struct roster r;

	(void)state;
	must_load(full, &r);
	roster_findings(&r, at(r.schedules[0].rota.zone, "2026-02-01 00:00"), 60, on_finding, found);
	/* 3 March is lan's week by the rotation, and lan is off */
	assert_string_equal(found, "schedule duty: nobody is on call from 2026-03-03 00:00 to 2026-03-04 00:00\n");
	roster_fini(&r);
	found[0] = '\0';
	must_load("zone: UTC\nofficers:\n  - {id: a, name: A, number: \"+84900000001\"}\nteams:\n  - {id: t}\n"
		  "schedules:\n  - id: duty\n    rotations:\n      - {every: day, start: 2026-01-01, from: 08:00, to: "
		  "20:00, officers: [a]}\n", &r);
	roster_findings(&r, at(r.schedules[0].rota.zone, "2026-02-01 08:00"), 30, on_finding, found);
	assert_non_null(strstr(found, "officer a can be reached in one way only"));
	assert_non_null(strstr(found, "team t: nobody"));
	assert_non_null(strstr(found, "from 2026-02-01 20:00 to 2026-02-02 08:00"));
	assert_non_null(strstr(found, "more gaps"));
	roster_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_roster_names_officers_teams_and_schedules),
		cmocka_unit_test(the_roster_of_the_first_version_is_still_read),
		cmocka_unit_test(somebody_only_named_in_a_schedule_is_kept_apart),
		cmocka_unit_test(faults_name_line_and_column),
		cmocka_unit_test(officers_come_from_csv_as_well),
		cmocka_unit_test(faults_of_csv_name_line_and_column),
		cmocka_unit_test(every_fact_is_a_line_and_numbers_are_masked_for_the_eye),
		cmocka_unit_test(gaps_and_officers_with_one_way_to_reach_them_are_found),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
