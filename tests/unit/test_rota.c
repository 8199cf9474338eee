/* Who is on call, over years of rotations in seconds: hand-offs, changes of the clocks, windows, swaps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/rota.h"
#include "zone_help.h"

static const int three[] = {0, 1, 2}, two[] = {0, 1}, one[] = {7}, four[] = {0, 1, 2, 3};

static struct rota_rotation weekly(const char *start)
{
	return (struct rota_rotation){
		.every = ROTA_WEEK, .length = 1, .start = wall(start), .people = three, .count = 3};
}

static struct rota_schedule plain(const struct zone *zone, const struct rota_rotation *rotations, size_t count)
{
	return (struct rota_schedule){.zone = zone, .rotations = rotations, .rotation_count = count};
}

/* "0,2" or "-": who is on call at a wall time. */
static const char *on_call_at(const struct rota_schedule *s, int64_t utc)
{
	static char texts[4][64];
	static unsigned n;
	char *out = texts[n++ % 4];
	struct rota_duty duty;

	rota_at(s, utc, &duty);
	out[0] = '\0';
	for (size_t i = 0; i < duty.count; i++)
		sprintf(out + strlen(out), "%s%d", i ? "," : "", duty.people[i]);
	return duty.count ? out : "-";
}

#define on_call(s, text) on_call_at((s), at((s)->zone, (text)))

static void people_take_weekly_turns(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = weekly("2026-01-05 08:00");
	struct rota_schedule s = plain(zone, &r, 1);

	(void)state;
	assert_string_equal(on_call(&s, "2026-01-05 07:59"), "-");
	assert_string_equal(on_call(&s, "2026-01-05 08:00"), "0");
	assert_string_equal(on_call(&s, "2026-01-12 07:59:59"), "0");
	assert_string_equal(on_call(&s, "2026-01-12 08:00"), "1");
	assert_string_equal(on_call(&s, "2026-02-17 00:00"), "0"); /* Tet: turns go on */
	r.length = 2;
	assert_string_equal(on_call(&s, "2026-01-18 12:00"), "0");
	assert_string_equal(on_call(&s, "2026-01-19 12:00"), "1");
	zone_free(zone);
}

static void monthly_turns_begin_with_the_last_day_of_a_short_month(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = {
		.every = ROTA_MONTH, .length = 1, .start = wall("2024-01-31 00:00"), .people = three, .count = 3};
	struct rota_schedule s = plain(zone, &r, 1);

	(void)state;
	assert_string_equal(on_call(&s, "2024-02-28 23:59"), "0");
	assert_string_equal(on_call(&s, "2024-02-29 00:00"), "1"); /* the leap day */
	assert_string_equal(on_call(&s, "2024-03-30 23:59"), "1");
	assert_string_equal(on_call(&s, "2024-03-31 00:00"), "2");
	assert_string_equal(on_call(&s, "2025-02-27 23:59"), "0");
	assert_string_equal(on_call(&s, "2025-02-28 00:00"), "1");
	zone_free(zone);
}

/* A daily hand-off at 08:00 is at 08:00 the whole year; the two odd turns last 23 and 25 hours. */
static void a_year_of_daily_turns_follows_the_wall_through_both_changes(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct rota_rotation r = {
		.every = ROTA_DAY, .length = 1, .start = wall("2026-01-01 08:00"), .people = four, .count = 4};
	struct rota_schedule s = plain(zone, &r, 1);
	int64_t from = at(zone, "2026-01-01 08:00"), to;
	int short_turns = 0, long_turns = 0;

	(void)state;
	for (int day = 0; day < 365; day++, from = to) {
		char expected[8];

		sprintf(expected, "%d", day % 4);
		to = rota_next(&s, from);
		assert_string_equal(shown(zone, to) + 11, "08:00");
		assert_string_equal(on_call_at(&s, from), expected);
		assert_string_equal(on_call_at(&s, to - 1), expected);
		short_turns += to - from == 23 * 3600;
		long_turns += to - from == 25 * 3600;
		assert_true(to - from == CIVIL_DAY_S || to - from == 23 * 3600 || to - from == 25 * 3600);
	}
	assert_int_equal(short_turns, 1);
	assert_int_equal(long_turns, 1);
	assert_string_equal(shown(zone, from), "2027-01-01 08:00");
	zone_free(zone);
}

static void a_hand_off_in_an_hour_that_never_comes_happens_once(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct rota_rotation r = {
		.every = ROTA_DAY, .length = 1, .start = wall("2026-03-01 02:30"), .people = two, .count = 2};
	struct rota_schedule s = plain(zone, &r, 1);

	(void)state;
	assert_string_equal(on_call(&s, "2026-03-08 01:59"), "0");
	assert_string_equal(on_call(&s, "2026-03-08 03:29"), "0");
	assert_string_equal(on_call(&s, "2026-03-08 03:30"), "1");
	assert_string_equal(on_call(&s, "2026-03-09 02:30"), "0");
	zone_free(zone);
}

static void a_hand_off_in_an_hour_that_comes_twice_happens_at_the_first(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct rota_rotation r = {
		.every = ROTA_DAY, .length = 1, .start = wall("2026-10-31 01:30"), .people = two, .count = 2};
	struct rota_schedule s = plain(zone, &r, 1);
	int64_t change = at(zone, "2026-11-01 01:30");

	(void)state;
	assert_string_equal(on_call_at(&s, change - 1), "0");
	assert_string_equal(on_call_at(&s, change), "1");
	assert_string_equal(on_call_at(&s, change + 3600 - 1), "1");
	assert_string_equal(on_call_at(&s, change + 3600), "1");
	zone_free(zone);
}

static void night_windows_belong_to_the_day_they_begin(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = weekly("2026-01-05 00:00");
	struct rota_schedule s = plain(zone, &r, 1);

	(void)state;
	r.from_min = 18 * 60;
	r.to_min = 6 * 60;
	r.weekdays = 1 << 4; /* Friday nights */
	assert_string_equal(on_call(&s, "2026-01-09 17:59"), "-");
	assert_string_equal(on_call(&s, "2026-01-09 18:00"), "0");
	assert_string_equal(on_call(&s, "2026-01-10 05:59"), "0");
	assert_string_equal(on_call(&s, "2026-01-10 06:00"), "-");
	assert_string_equal(on_call(&s, "2026-01-10 20:00"), "-");
	zone_free(zone);
}

static void a_rotation_ends_when_it_says(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = weekly("2026-01-05 00:00");
	struct rota_schedule s = plain(zone, &r, 1);

	(void)state;
	r.end = wall("2026-01-20 12:00");
	assert_string_equal(on_call(&s, "2026-01-20 11:59"), "2");
	assert_string_equal(on_call(&s, "2026-01-20 12:00"), "-");
	assert_true(rota_next(&s, at(zone, "2026-01-20 12:00")) == ROTA_NEVER);
	zone_free(zone);
}

static struct rota_change change(const struct zone *zone, enum rota_change_kind kind, const char *from,
				 const char *to, int person, int other)
{
	return (struct rota_change){kind, at(zone, from), at(zone, to), person, other};
}

static void changes_come_on_top_and_end_by_themselves(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = weekly("2026-01-05 08:00");
	struct rota_schedule s = plain(zone, &r, 1);
	struct rota_change c[] = {
		change(zone, ROTA_REPLACE, "2026-01-06 00:00", "2026-01-14 00:00", 5, 0),
		change(zone, ROTA_ADD, "2026-01-15 00:00", "2026-01-16 00:00", 6, 0),
		change(zone, ROTA_ONLY, "2026-01-17 00:00", "2026-01-18 00:00", 8, 0),
		change(zone, ROTA_REMOVE, "2026-01-18 00:00", "2026-01-18 01:00", 1, 0),
	};

	(void)state;
	s.changes = c;
	s.change_count = 4;
	assert_string_equal(on_call(&s, "2026-01-05 23:59"), "0");
	assert_string_equal(on_call(&s, "2026-01-06 00:00"), "5");
	assert_string_equal(on_call(&s, "2026-01-12 07:59"), "5");
	assert_string_equal(on_call(&s, "2026-01-12 08:00"), "1"); /* across the hand-off: only 0 was replaced */
	assert_string_equal(on_call(&s, "2026-01-15 12:00"), "1,6");
	assert_string_equal(on_call(&s, "2026-01-17 12:00"), "8");
	assert_string_equal(on_call(&s, "2026-01-18 00:30"), "-");
	assert_string_equal(on_call(&s, "2026-01-18 01:00"), "1");
	zone_free(zone);
}

static void a_swap_goes_both_ways_and_a_later_change_wins(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r = weekly("2026-01-05 08:00");
	struct rota_schedule s = plain(zone, &r, 1);
	struct rota_change c[] = {
		change(zone, ROTA_SWAP, "2026-01-05 08:00", "2026-01-19 08:00", 0, 1),
		change(zone, ROTA_REPLACE, "2026-01-13 00:00", "2026-01-14 00:00", 2, 0),
	};

	(void)state;
	s.changes = c;
	s.change_count = 2;
	assert_string_equal(on_call(&s, "2026-01-06 00:00"), "1");
	assert_string_equal(on_call(&s, "2026-01-12 09:00"), "0");
	assert_string_equal(on_call(&s, "2026-01-13 09:00"), "2");
	assert_string_equal(on_call(&s, "2026-01-19 08:00"), "2");
	zone_free(zone);
}

static void somebody_already_on_call_is_not_counted_twice(void **state)
{
	struct zone *zone = zone_named("Asia/Ho_Chi_Minh");
	struct rota_rotation r[] = {weekly("2026-01-05 08:00"), weekly("2026-01-05 08:00")};
	struct rota_schedule s = plain(zone, r, 2);
	struct rota_change c = change(zone, ROTA_REPLACE, "2026-01-05 08:00", "2026-01-06 00:00", 1, 0);

	(void)state;
	r[1].people = one;
	r[1].count = 1;
	assert_string_equal(on_call(&s, "2026-01-05 09:00"), "0,7");
	s.changes = &c;
	s.change_count = 1;
	c.person = 7;
	assert_string_equal(on_call(&s, "2026-01-05 09:00"), "7");
	zone_free(zone);
}

struct walked {
	int64_t expected;
	int shifts, gaps;
};

static bool on_shift(void *arg, const struct rota_shift *shift)
{
	struct walked *w = arg;

	assert_int_equal(shift->from, w->expected);
	assert_true(shift->to > shift->from);
	w->expected = shift->to;
	w->shifts++;
	w->gaps += shift->duty.count == 0;
	return true;
}

static void a_walk_is_without_holes_and_shows_gaps(void **state)
{
	struct zone *zone = zone_named("Europe/Berlin");
	struct rota_rotation r = {.every = ROTA_DAY, .length = 1, .start = wall("2026-01-01 08:00"), .from_min = 8 * 60,
				  .to_min = 20 * 60, .people = two, .count = 2};
	struct rota_schedule s = plain(zone, &r, 1);
	struct walked w = {.expected = at(zone, "2026-01-01 08:00")};
	int64_t end = at(zone, "2027-01-01 08:00");

	(void)state;
	rota_walk(&s, w.expected, end, on_shift, &w);
	assert_int_equal(w.expected, end);
	assert_int_equal(w.gaps, 365);
	assert_int_equal(w.shifts, 730);
	zone_free(zone);
}

/* ---- properties ---- */

static unsigned seed;

static int pick(int n)
{
	seed = seed * 1103515245 + 12345;
	return (int)(seed >> 16) % n;
}

static struct rota_rotation any_rotation(void)
{
	struct rota_rotation r = {.every = (enum rota_every)pick(3), .length = 1 + pick(3), .people = four,
				  .count = (size_t)(1 + pick(4)), .weekdays = (unsigned)pick(128),
				  .from_min = pick(96) * 15, .to_min = pick(96) * 15};

	civil_of_seconds(1760000000 + pick(5000) * 900LL, &r.start);
	if (pick(3) == 0)
		civil_of_seconds(1760000000 + 5000 * 900LL + pick(5000) * 900LL, &r.end);
	return r;
}

/* Between an instant and the next that rota_next() names, nothing changes: seen by looking every few
 * minutes. This also proves that rota_at() depends on nothing but its arguments. */
static void nothing_changes_before_the_next_instant_named(void **state)
{
	static const char *const zones[] = {"America/New_York", "Asia/Ho_Chi_Minh", "Australia/Lord_Howe"};

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct zone *zone = zone_named(zones[round % 3]);
		struct rota_rotation r[2];
		struct rota_change c[2];
		struct rota_schedule s = {.zone = zone, .rotations = r, .rotation_count = 2, .changes = c, .change_count = 2};
		int64_t at_s, end;

		seed = 20260000U + (unsigned)round;
		r[0] = any_rotation();
		r[1] = any_rotation();
		for (int i = 0; i < 2; i++) {
			c[i] = (struct rota_change){(enum rota_change_kind)pick(5), 1760000000 + pick(9000) * 600LL, 0,
						    pick(4), pick(4)};
			c[i].to = c[i].from + pick(1000) * 600LL;
		}
		at_s = 1761900000 + pick(1000) * 60LL; /* 31 October 2025; New York changes on 2 November */
		end = at_s + 12 * CIVIL_DAY_S;
		while (at_s < end) {
			int64_t next = rota_next(&s, at_s);
			struct rota_duty first, later;

			assert_true(next > at_s);
			rota_at(&s, at_s, &first);
			for (int64_t t = at_s; t < next && t < end; t += 420) {
				rota_at(&s, t, &later);
				if (first.count != later.count ||
				    memcmp(first.people, later.people, first.count * sizeof(int)) != 0)
					fail_msg("seed %u: changes at %lld, before %lld", 20260000U + (unsigned)round,
						 (long long)t, (long long)next);
			}
			at_s = next;
		}
		zone_free(zone);
	}
}

/* Over whole turns everybody has had as many as everybody else. */
static void turns_are_fair(void **state)
{
	struct zone *zone = zone_named("America/New_York");
	struct rota_rotation r = {
		.every = ROTA_DAY, .length = 3, .start = wall("2025-06-01 09:00"), .people = four, .count = 4};
	struct rota_schedule s = plain(zone, &r, 1);
	int turns[4] = {0};
	int64_t t = at(zone, "2025-06-01 09:00");

	(void)state;
	for (int i = 0; i < 4 * 100; i++, t = rota_next(&s, t)) {
		struct rota_duty duty;

		rota_at(&s, t, &duty);
		assert_int_equal(duty.count, 1);
		turns[duty.people[0]]++;
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(turns[i], 100);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_take_weekly_turns),
		cmocka_unit_test(monthly_turns_begin_with_the_last_day_of_a_short_month),
		cmocka_unit_test(a_year_of_daily_turns_follows_the_wall_through_both_changes),
		cmocka_unit_test(a_hand_off_in_an_hour_that_never_comes_happens_once),
		cmocka_unit_test(a_hand_off_in_an_hour_that_comes_twice_happens_at_the_first),
		cmocka_unit_test(night_windows_belong_to_the_day_they_begin),
		cmocka_unit_test(a_rotation_ends_when_it_says),
		cmocka_unit_test(changes_come_on_top_and_end_by_themselves),
		cmocka_unit_test(a_swap_goes_both_ways_and_a_later_change_wins),
		cmocka_unit_test(somebody_already_on_call_is_not_counted_twice),
		cmocka_unit_test(a_walk_is_without_holes_and_shows_gaps),
		cmocka_unit_test(nothing_changes_before_the_next_instant_named),
		cmocka_unit_test(turns_are_fair),
	};

	return cmocka_run_group_tests_name("rota", tests, NULL, NULL);
}
