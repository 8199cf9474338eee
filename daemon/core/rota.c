/* Rotations, windows and changes to people on call. */
#include "core/rota.h"

#include <string.h>

#include "core/zone.h"

enum { MINUTES_OF_DAY = 1440, WEEK_DAYS = 7 };

/* ---- turns ---- */

/* Wall time of hand-off number n. */
static void hand_off(const struct rota_rotation *r, int64_t n, struct civil *out)
{
	int64_t units = n * r->length;

	if (r->every == ROTA_MONTH)
		civil_add_months(&r->start, (int)units, out);
	else
		civil_of_seconds(civil_seconds(&r->start) +
					 units * CIVIL_DAY_S * (r->every == ROTA_WEEK ? WEEK_DAYS : 1),
				 out);
}

static int64_t hand_off_at(const struct rota_schedule *s, const struct rota_rotation *r, int64_t n)
{
	struct civil wall;

	hand_off(r, n, &wall);
	return zone_utc(s->zone, &wall, NULL);
}

/* Number of the turn that an instant is in; negative before the first. An estimate on wall time, then
 * put right by the instants themselves, which is what makes it true around a change of the clocks. */
static int64_t turn_at(const struct rota_schedule *s, const struct rota_rotation *r, int64_t utc)
{
	struct civil now;
	int64_t n;

	zone_civil(s->zone, utc, &now);
	if (r->every == ROTA_MONTH)
		n = ((now.year - r->start.year) * 12 + now.month - r->start.month) / r->length;
	else
		n = (civil_seconds(&now) - civil_seconds(&r->start)) /
		    ((int64_t)CIVIL_DAY_S * r->length * (r->every == ROTA_WEEK ? WEEK_DAYS : 1));
	while (n > 0 && hand_off_at(s, r, n) > utc)
		n--;
	while (hand_off_at(s, r, n + 1) <= utc)
		n++;
	return utc < hand_off_at(s, r, 0) ? -1 : n;
}

/* ---- windows ---- */

static bool has_window(const struct rota_rotation *r)
{
	return r->from_min != r->to_min || (r->weekdays != 0 && r->weekdays != ROTA_ALL_WEEK);
}

static int64_t minute_at(const struct rota_schedule *s, int64_t day, int minute)
{
	struct civil wall;

	civil_of_seconds(day * CIVIL_DAY_S + (int64_t)minute * 60, &wall);
	return zone_utc(s->zone, &wall, NULL);
}

/* The window that begins on this day; false if none does. */
static bool window_of(const struct rota_schedule *s, const struct rota_rotation *r, int64_t day, int64_t *from,
		      int64_t *to)
{
	unsigned weekdays = r->weekdays ? r->weekdays : ROTA_ALL_WEEK;
	int to_min = r->to_min > r->from_min ? r->to_min : r->to_min + MINUTES_OF_DAY;

	if (!(weekdays >> civil_weekday(day) & 1))
		return false;
	*from = minute_at(s, day, r->from_min);
	*to = minute_at(s, day, to_min);
	return true;
}

static int64_t local_day(const struct rota_schedule *s, int64_t utc)
{
	struct civil now;

	zone_civil(s->zone, utc, &now);
	return civil_day(now.year, now.month, now.day);
}

static bool in_window(const struct rota_schedule *s, const struct rota_rotation *r, int64_t utc)
{
	int64_t today, from, to;

	if (!has_window(r))
		return true;
	today = local_day(s, utc);
	for (int64_t day = today - 1; day <= today; day++) {
		if (window_of(s, r, day, &from, &to) && utc >= from && utc < to)
			return true;
	}
	return false;
}

/* ---- changes ---- */

static size_t place_of(const struct rota_duty *duty, int person)
{
	size_t i = 0;

	while (i < duty->count && duty->people[i] != person)
		i++;
	return i;
}

static void add_person(struct rota_duty *duty, int person)
{
	if (place_of(duty, person) == duty->count && duty->count < ROTA_PEOPLE_MAX)
		duty->people[duty->count++] = person;
}

static void remove_person(struct rota_duty *duty, int person)
{
	size_t at = place_of(duty, person);

	if (at == duty->count)
		return;
	duty->count--;
	memmove(duty->people + at, duty->people + at + 1, (duty->count - at) * sizeof(*duty->people));
}

/* person takes the place of other, unless already there. */
static void replace_person(struct rota_duty *duty, int other, int person)
{
	size_t at = place_of(duty, other);

	if (at == duty->count)
		return;
	if (place_of(duty, person) == duty->count)
		duty->people[at] = person;
	else if (person != other)
		remove_person(duty, other);
}

static void swap_people(struct rota_duty *duty, int a, int b)
{
	size_t at_a = place_of(duty, a), at_b = place_of(duty, b);

	if (at_a < duty->count)
		duty->people[at_a] = b;
	if (at_b < duty->count)
		duty->people[at_b] = a;
}

static void apply_change(const struct rota_change *c, struct rota_duty *duty)
{
	switch (c->kind) {
	case ROTA_REPLACE:
		replace_person(duty, c->other, c->person);
		break;
	case ROTA_SWAP:
		swap_people(duty, c->person, c->other);
		break;
	case ROTA_ADD:
		add_person(duty, c->person);
		break;
	case ROTA_REMOVE:
		remove_person(duty, c->person);
		break;
	case ROTA_ONLY:
		duty->count = 0;
		add_person(duty, c->person);
		break;
	}
}

/* ---- asking ---- */

static int64_t end_of(const struct rota_schedule *s, const struct rota_rotation *r)
{
	return r->end.year ? zone_utc(s->zone, &r->end, NULL) : ROTA_NEVER;
}

static int person_at(const struct rota_schedule *s, const struct rota_rotation *r, int64_t utc)
{
	int64_t turn;

	if (r->count == 0 || utc >= end_of(s, r) || !in_window(s, r, utc))
		return ROTA_NOBODY;
	turn = turn_at(s, r, utc);
	return turn < 0 ? ROTA_NOBODY : r->people[(size_t)turn % r->count];
}

void rota_at(const struct rota_schedule *schedule, int64_t utc, struct rota_duty *out)
{
	out->count = 0;
	for (size_t i = 0; i < schedule->rotation_count; i++) {
		int person = person_at(schedule, &schedule->rotations[i], utc);

		if (person != ROTA_NOBODY)
			add_person(out, person);
	}
	for (size_t i = 0; i < schedule->change_count; i++) {
		const struct rota_change *c = &schedule->changes[i];

		if (utc >= c->from && utc < c->to)
			apply_change(c, out);
	}
}

/* The earlier of the two that lies after utc. */
static void nearer(int64_t utc, int64_t candidate, int64_t *next)
{
	if (candidate > utc && candidate < *next)
		*next = candidate;
}

static void next_of_rotation(const struct rota_schedule *s, const struct rota_rotation *r, int64_t utc,
			     int64_t *next)
{
	int64_t end = end_of(s, r), today, from, to, turn;

	if (r->count == 0 || utc >= end)
		return;
	nearer(utc, end, next);
	turn = turn_at(s, r, utc);
	if (turn < 0 || r->count > 1)
		nearer(utc, hand_off_at(s, r, turn + 1), next);
	if (!has_window(r))
		return;
	today = local_day(s, utc);
	for (int64_t day = today - 1; day <= today + WEEK_DAYS; day++) {
		if (window_of(s, r, day, &from, &to)) {
			nearer(utc, from, next);
			nearer(utc, to, next);
		}
	}
}

int64_t rota_next(const struct rota_schedule *schedule, int64_t utc)
{
	int64_t next = ROTA_NEVER;

	for (size_t i = 0; i < schedule->rotation_count; i++)
		next_of_rotation(schedule, &schedule->rotations[i], utc, &next);
	for (size_t i = 0; i < schedule->change_count; i++) {
		nearer(utc, schedule->changes[i].from, &next);
		nearer(utc, schedule->changes[i].to, &next);
	}
	return next;
}

static bool same_duty(const struct rota_duty *a, const struct rota_duty *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (place_of(b, a->people[i]) == b->count)
			return false;
	}
	return a->count == b->count;
}

void rota_walk(const struct rota_schedule *schedule, int64_t from, int64_t to, rota_shift_fn *fn, void *arg)
{
	struct rota_shift shift = {.from = from};
	struct rota_duty duty;
	int64_t at;

	if (from >= to)
		return;
	rota_at(schedule, from, &shift.duty);
	for (at = rota_next(schedule, from); at < to; at = rota_next(schedule, at)) {
		rota_at(schedule, at, &duty);
		if (same_duty(&shift.duty, &duty))
			continue;
		shift.to = at;
		if (!fn(arg, &shift))
			return;
		shift.from = at;
		shift.duty = duty;
	}
	shift.to = to;
	fn(arg, &shift);
}
