/* Dates, zone files and wall time. Expected instants come from the C library's own zone code. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zone_help.h"

static void days_and_dates_turn_into_each_other_over_four_centuries(void **state)
{
	int weekday = civil_weekday(civil_day(1900, 1, 1));

	(void)state;
	assert_int_equal(civil_day(1970, 1, 1), 0);
	assert_int_equal(civil_weekday(civil_day(2026, 2, 17)), 1); /* Tet was a Tuesday */
	for (int64_t day = civil_day(1900, 1, 1); day < civil_day(2300, 1, 1); day++) {
		struct civil c;

		civil_of_day(day, &c);
		assert_int_equal(civil_day(c.year, c.month, c.day), day);
		assert_true(c.day >= 1 && c.day <= civil_month_days(c.year, c.month));
		assert_int_equal(civil_weekday(day), weekday);
		weekday = (weekday + 1) % 7;
	}
}

static void leap_years_follow_the_centuries(void **state)
{
	(void)state;
	assert_int_equal(civil_month_days(2024, 2), 29);
	assert_int_equal(civil_month_days(2026, 2), 28);
	assert_int_equal(civil_month_days(2000, 2), 29);
	assert_int_equal(civil_month_days(2100, 2), 28);
}

static void texts_are_read_strictly(void **state)
{
	static const char *const bad[] = {"2026-2-16", "2026-02-30", "2025-02-29", "2026-13-01", "2026-02-16 24:00",
					  "2026-02-16 8:00", "2026-02-16x", "", "1026-02-16", "2026-02-16 08:00:60"};
	struct civil c;
	int minutes;

	(void)state;
	assert_true(civil_parse("2024-02-29T23:59:58", &c));
	assert_int_equal(c.second, 58);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(civil_parse(bad[i], &c));
	assert_true(civil_parse_minutes("8:05", &minutes));
	assert_int_equal(minutes, 485);
	assert_true(civil_parse_minutes("24:00", &minutes));
	assert_false(civil_parse_minutes("24:01", &minutes));
	assert_false(civil_parse_minutes("08:60", &minutes));
}

static void a_month_later_ends_with_the_month(void **state)
{
	struct civil from = wall("2024-01-31 08:00"), to;

	(void)state;
	civil_add_months(&from, 1, &to);
	assert_int_equal(to.day, 29);
	civil_add_months(&from, 13, &to);
	assert_int_equal(to.year, 2025);
	assert_int_equal(to.day, 28);
	civil_add_months(&from, -2, &to);
	assert_int_equal(to.month, 11);
	assert_int_equal(to.day, 30);
}

/* Our reading of a zone and the C library's, from an instant to another. */
static void compare_stretch(const struct zone *zone, const char *name, int64_t from, int64_t to, int64_t step)
{
	for (int64_t utc = from; utc < to; utc += step) {
		time_t t = (time_t)utc;
		struct tm tm;

		localtime_r(&t, &tm);
		if (zone_offset(zone, utc) != tm.tm_gmtoff)
			fail_msg("%s at %lld: %d, expected %ld", name, (long long)utc, zone_offset(zone, utc),
				 tm.tm_gmtoff);
	}
}

/* What the file lists, and what its rule says of the years behind: half hours of 2045 and 2046. */
static void compare(const char *name)
{
	struct zone *zone = zone_named(name);

	setenv("TZ", name, 1);
	tzset();
	compare_stretch(zone, name, 0, 60LL * 31557600, 18780);
	compare_stretch(zone, name, 75LL * 31557600, 77LL * 31557600, 1800);
	unsetenv("TZ");
	tzset();
	zone_free(zone);
}

static void offsets_are_those_of_the_c_library(void **state)
{
	static const char *const names[] = {
		"Asia/Ho_Chi_Minh", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca",
		"America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Europe/Dublin", "Antarctica/Troll", "UTC",
		"America/Scoresbysund", "Asia/Gaza"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		compare(names[i]);
}

static void wall_time_comes_back_from_an_instant(void **state)
{
	struct zone *zone = zone_named("America/New_York");

	(void)state;
	for (int64_t utc = 1700000000; utc < 1800000000; utc += 1787) {
		struct civil c;
		enum zone_fit fit;
		int64_t back;

		zone_civil(zone, utc, &c);
		back = zone_utc(zone, &c, &fit);
		assert_true(fit != ZONE_NEVER);
		assert_true(back == utc || (fit == ZONE_TWICE && back == utc - 3600));
	}
	zone_free(zone);
}

static void an_hour_that_never_comes_is_as_much_later_as_the_clocks_jump(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct civil c = wall("2026-03-08 02:30");
	enum zone_fit fit;
	int64_t utc = zone_utc(zone, &c, &fit);

	(void)state;
	assert_int_equal(fit, ZONE_NEVER);
	assert_string_equal(shown(zone, utc), "2026-03-08 03:30");
	assert_int_equal(utc, at(zone, "2026-03-08 01:30") + 3600);
	zone_free(zone);
}

static void of_an_hour_that_comes_twice_the_first_is_meant(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct civil c = wall("2026-11-01 01:30");
	enum zone_fit fit;
	int64_t utc = zone_utc(zone, &c, &fit);

	(void)state;
	assert_int_equal(fit, ZONE_TWICE);
	assert_string_equal(shown(zone, utc + 3600), "2026-11-01 01:30");
	assert_int_equal(utc, at(zone, "2026-11-01 00:30") + 3600);
	zone_free(zone);
}

static void posix_texts_are_read_and_nonsense_is_not(void **state)
{
	static const char *const bad[] = {"", "X", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
					  "EST5EDT,M3.6.0,M11.1.0", "<+07-7", "EST99", "EST5EDT,M3.2.0,M11.1.0x", "<"};
	struct zone *zone = zone_parse_posix("<+07>-7");

	(void)state;
	assert_non_null(zone);
	assert_int_equal(zone_offset(zone, 1771200000), 7 * 3600);
	zone_free(zone);
	zone = zone_parse_posix("AAA-1BBB,J60/0,300/-1:30");
	assert_non_null(zone);
	assert_int_equal(zone_offset(zone, civil_day(2024, 2, 29) * CIVIL_DAY_S), 3600);
	assert_int_equal(zone_offset(zone, civil_day(2024, 3, 1) * CIVIL_DAY_S), 7200);
	zone_free(zone);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		zone = zone_parse_posix(bad[i]);
		if (zone)
			fail_msg("'%s' was read", bad[i]);
	}
}

/* Cut and turned bytes: refused or read, never out of bounds (the sanitizers watch). */
static void damaged_files_do_no_harm(void **state)
{
	struct buf bytes = {0};
	unsigned seed = 20260217;

	(void)state;
	assert_true(zonefile_read("America/New_York", ZONE_BYTES_MAX, &bytes));
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		struct zone *zone;

		memcpy(cut, bytes.data, len);
		zone = zone_parse(cut, len);
		assert_null(zone);
		free(cut);
	}
	for (int i = 0; i < 20000; i++) {
		size_t place = (seed = seed * 1103515245 + 12345) % bytes.len;
		uint8_t old = bytes.data[place];
		struct zone *zone;

		bytes.data[place] ^= (uint8_t)(1U << (seed >> 16) % 8);
		zone = zone_parse(bytes.data, bytes.len);
		if (zone)
			zone_offset(zone, (int64_t)seed * 1000);
		zone_free(zone);
		bytes.data[place] = old;
	}
	buf_free(&bytes);
}

static void a_zone_name_cannot_leave_its_folder(void **state)
{
	static const char *const bad[] = {"../../etc/passwd", "/etc/passwd", "", "Asia/", "Asia//Tokyo", "Asia/No_Such",
					  "Asia", "a b"};
	struct buf bytes = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(zonefile_read(bad[i], ZONE_BYTES_MAX, &bytes));
	assert_int_equal(bytes.len, 0);
	assert_false(zonefile_read("America/New_York", 100, &bytes));
	buf_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_dates_turn_into_each_other_over_four_centuries),
		cmocka_unit_test(leap_years_follow_the_centuries),
		cmocka_unit_test(texts_are_read_strictly),
		cmocka_unit_test(a_month_later_ends_with_the_month),
		cmocka_unit_test(offsets_are_those_of_the_c_library),
		cmocka_unit_test(wall_time_comes_back_from_an_instant),
		cmocka_unit_test(an_hour_that_never_comes_is_as_much_later_as_the_clocks_jump),
		cmocka_unit_test(of_an_hour_that_comes_twice_the_first_is_meant),
		cmocka_unit_test(posix_texts_are_read_and_nonsense_is_not),
		cmocka_unit_test(damaged_files_do_no_harm),
		cmocka_unit_test(a_zone_name_cannot_leave_its_folder),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
