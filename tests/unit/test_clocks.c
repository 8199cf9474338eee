/* Working days around Tet, and the legal clocks of the shipped rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "core/clocks.h"
#include "core/workdays.h"
#include "zone_help.h"

static struct zone *zone;
static struct workdays days;
static struct clock_rules rules;

static struct yaml_node *shipped(const char *name)
{
	const char *src = getenv("HOTLINED_SRC");
	struct yaml_error error;
	struct yaml_node *root;
	char path[512];

	snprintf(path, sizeof(path), "%s/daemon/data/%s", src ? src : "..", name);
	root = yaml_parse_file(path, &error);
	if (!root)
		fail_msg("%s:%u:%u: %s", path, error.line, error.column, error.text);
	return root;
}

static int load(void **state)
{
	struct yaml_error error;
	struct yaml_node *calendar = shipped("vn-holidays.yaml"), *file = shipped("vn-clocks.yaml");

	(void)state;
	zone = zone_named("Asia/Ho_Chi_Minh");
	if (!workdays_load(calendar, &days, &error) || !clocks_load(file, &rules, &error))
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	yaml_free(calendar);
	yaml_free(file);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	workdays_fini(&days);
	zone_free(zone);
	return 0;
}

static const struct clock_rule *rule(const char *id)
{
	for (size_t i = 0; i < rules.count; i++) {
		if (strcmp(rules.rules[i].id, id) == 0)
			return &rules.rules[i];
	}
	fail_msg("no clock %s", id);
	return NULL;
}

static const char *due(const char *id, const char *first)
{
	return shown(zone, clocks_due(rule(id), at(zone, first), &days, zone));
}

static int64_t day(const char *text)
{
	struct civil c = wall(text);

	return civil_day(c.year, c.month, c.day);
}

static void weekends_holidays_and_days_worked_instead(void **state)
{
	(void)state;
	assert_true(workdays_is(&days, day("2026-02-13")));
	assert_false(workdays_is(&days, day("2026-02-14")));
	assert_false(workdays_is(&days, day("2026-02-16"))); /* a Monday of Tet */
	assert_false(workdays_is(&days, day("2026-02-20")));
	assert_true(workdays_is(&days, day("2026-02-23")));
	assert_true(workdays_is(&days, day("2026-08-22")));  /* a Saturday that is worked */
	assert_false(workdays_is(&days, day("2026-08-31"))); /* the Monday it was given for */
	assert_false(workdays_is(&days, day("2026-03-01")));
}

static void five_working_days_from_the_eve_of_tet_end_after_it(void **state)
{
	(void)state;
	assert_string_equal(due("ke_hoach_5_ngay", "2026-02-13 16:00"), "2026-02-28 00:00");
	assert_string_equal(due("phe_duyet_7_ngay", "2026-02-13 16:00"), "2026-03-04 00:00");
	assert_string_equal(due("ke_hoach_5_ngay", "2026-02-17 03:00"), "2026-02-28 00:00");
	assert_string_equal(due("ke_hoach_5_ngay", "2026-06-01 23:59:59"), "2026-06-09 00:00");
}

static void hour_clocks_do_not_sleep(void **state)
{
	(void)state;
	assert_string_equal(due("bao_ve_12h", "2026-02-16 22:30"), "2026-02-17 10:30");
	assert_string_equal(due("cong_an_24h", "2026-02-16 22:30"), "2026-02-17 22:30");
	assert_string_equal(due("cong_an_24h", "2024-02-28 12:00"), "2024-02-29 12:00");
}

static void the_twelve_hours_warn_at_half_three_quarters_and_nine_tenths(void **state)
{
	const struct clock_rule *r = rule("bao_ve_12h");
	int64_t first = at(zone, "2026-05-01 00:00"), end = clocks_due(r, first, &days, zone);

	(void)state;
	assert_int_equal(r->warning_count, 3);
	assert_string_equal(shown(zone, clocks_warning(first, end, r->warnings[0])), "2026-05-01 06:00");
	assert_string_equal(shown(zone, clocks_warning(first, end, r->warnings[1])), "2026-05-01 09:00");
	assert_string_equal(shown(zone, clocks_warning(first, end, r->warnings[2])), "2026-05-01 10:48");
}

static void clocks_run_for_the_urgencies_and_kinds_they_name(void **state)
{
	struct clock_rule police = *rule("cong_an_24h");

	(void)state;
	assert_true(clocks_apply(rule("bao_ve_12h"), "khan_cap", "bao_luc"));
	assert_true(clocks_apply(rule("bao_ve_12h"), "cao", "khong_ro"));
	assert_false(clocks_apply(rule("bao_ve_12h"), "trung_binh", "bao_luc"));
	assert_true(clocks_apply(rule("ke_hoach_5_ngay"), "thap", "bao_luc"));
	assert_false(clocks_apply(rule("ke_hoach_5_ngay"), "khong", "bao_luc"));
	strcpy(police.kinds[0], "xam_hai");
	police.kind_count = 1;
	assert_false(clocks_apply(&police, "cao", "bao_luc"));
	assert_true(clocks_apply(&police, "cao", "xam_hai"));
}

/* A deadline never comes before the message, never moves back when the message comes later, and has as
 * many working days in it as the rule says: each day of two years. */
static void deadlines_grow_with_the_first_message(void **state)
{
	const struct clock_rule *r = rule("ke_hoach_5_ngay");
	int64_t last = 0;

	(void)state;
	for (int64_t d = day("2026-01-01"); d < day("2027-12-31"); d++) {
		struct civil c;
		int64_t first, end;
		int worked = 0;

		civil_of_day(d, &c);
		c.hour = 23;
		first = zone_utc(zone, &c, NULL);
		end = clocks_due(r, first, &days, zone);
		assert_true(end > first && end >= last);
		last = end;
		for (int64_t x = d + 1; (x + 1) * CIVIL_DAY_S <= end + 7 * 3600; x++)
			worked += workdays_is(&days, x);
		assert_int_equal(worked, 5);
	}
}

static void check_fault(const char *text, bool calendar, unsigned line, unsigned column, const char *part)
{
	struct yaml_error error;
	struct yaml_node *root = yaml_parse(text, strlen(text), &error);
	struct workdays w;
	struct clock_rules r;

	assert_non_null(root);
	assert_false(calendar ? workdays_load(root, &w, &error) : clocks_load(root, &r, &error));
	if (error.line != line || error.column != column || !strstr(error.text, part))
		fail_msg("%s: %u:%u: %s", text, error.line, error.column, error.text);
	yaml_free(root);
}

static void faults_name_their_place(void **state)
{
	(void)state;
	check_fault("holidays: []\n", true, 1, 1, "known_until");
	check_fault("known_until: 2026-12-31\nholidais: []\n", true, 2, 1, "holidays");
	check_fault("known_until: 2026-12-31\nholidays:\n  - {from: 2026-02-20, to: 2026-02-14}\n", true, 3, 28, "stretch");
	check_fault("known_until: 2026-12-31\nweekend: [sat, zon]\n", true, 2, 16, "mon");
	check_fault("clocks:\n  - {id: a, within: 12h, workdays: 5}\n", false, 2, 5, "either");
	check_fault("clocks:\n  - {id: a, within: 12 hours}\n", false, 2, 21, "time");
	check_fault("clocks:\n  - {id: a, within: 12h, warn: [50, 50]}\n", false, 2, 37, "51 to 99");
	check_fault("clocks:\n  - {id: a, within: 1h}\n  - {id: a, within: 1h}\n", false, 3, 5, "same id");
	check_fault("clocks:\n  - {id: a, within: 1h, urgency: [gap]}\n", false, 2, 35, "khan_cap");
}

static void a_calendar_without_working_days_does_not_hold_a_deadline_for_ever(void **state)
{
	struct workdays none;

	(void)state;
	workdays_init(&none);
	none.weekend = 0x7f;
	assert_true(workdays_after(&none, 0, 5) < 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weekends_holidays_and_days_worked_instead),
		cmocka_unit_test(five_working_days_from_the_eve_of_tet_end_after_it),
		cmocka_unit_test(hour_clocks_do_not_sleep),
		cmocka_unit_test(the_twelve_hours_warn_at_half_three_quarters_and_nine_tenths),
		cmocka_unit_test(clocks_run_for_the_urgencies_and_kinds_they_name),
		cmocka_unit_test(deadlines_grow_with_the_first_message),
		cmocka_unit_test(faults_name_their_place),
		cmocka_unit_test(a_calendar_without_working_days_does_not_hold_a_deadline_for_ever),
	};

	return cmocka_run_group_tests_name("clocks", tests, load, unload);
}
