/* Who is on call: a pure function of a schedule and an instant. Nothing "current" exists anywhere, so a
 * roster can be asked about any time, past or to come, and nothing can get stuck.
 *
 * A schedule is the sum of its rotations; in each, people take turns of `length` days, weeks or months.
 * Turns and windows are wall time in the schedule's zone: a hand-off at 08:00 is at 08:00 in summer and in
 * winter. A wall time that comes twice is the first of the two, one that never comes is as much later as
 * the clocks jumped (zone.h). Changes (overrides, swaps) come on top, later ones over earlier ones. People
 * are small numbers, places in the caller's own list. Instants are seconds since 1970 UTC. */
#ifndef CORE_ROTA_H
#define CORE_ROTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/civil.h"

struct zone;

enum rota_every { ROTA_DAY, ROTA_WEEK, ROTA_MONTH };

enum { ROTA_PEOPLE_MAX = 64, /* on call at once */ ROTA_LENGTH_MAX = 366, ROTA_ALL_WEEK = 0x7f };

#define ROTA_NEVER INT64_MAX
#define ROTA_NOBODY (-1)

struct rota_rotation {
	enum rota_every every;
	int length;          /* days, weeks or months of one turn, 1 to ROTA_LENGTH_MAX */
	struct civil start;  /* wall time of the first hand-off; nobody before it */
	struct civil end;    /* wall time at which it ends; year 0: never */
	unsigned weekdays;   /* days on which a window begins: bit 0 = Monday; 0 means ROTA_ALL_WEEK */
	int from_min, to_min;/* window in minutes of the day; equal: the whole day; to before from: until
	                      * the next day */
	const int *people;   /* borrowed: in the order of their turns */
	size_t count;        /* 0: nobody */
};

enum rota_change_kind {
	ROTA_REPLACE, /* `person` stands in for `other` wherever that one is on call */
	ROTA_SWAP,    /* `person` and `other` take each other's turns */
	ROTA_ADD,     /* `person` is on call as well */
	ROTA_REMOVE,  /* `person` is not on call */
	ROTA_ONLY     /* `person` and nobody else is on call */
};

struct rota_change {
	enum rota_change_kind kind;
	int64_t from, to; /* from is within, to is not */
	int person, other;
};

struct rota_schedule {
	const struct zone *zone;               /* borrowed */
	const struct rota_rotation *rotations; /* borrowed */
	size_t rotation_count;
	const struct rota_change *changes;     /* borrowed; later ones over earlier ones */
	size_t change_count;
};

/* The people on call at an instant. */
struct rota_duty {
	int people[ROTA_PEOPLE_MAX]; /* without repetition, in the order of the rotations */
	size_t count;
};

void rota_at(const struct rota_schedule *schedule, int64_t utc, struct rota_duty *out);
/* The first instant after utc at which the answer may be another one; ROTA_NEVER if it cannot. */
int64_t rota_next(const struct rota_schedule *schedule, int64_t utc);

/* A stretch of time with the same people on call; none of them: a gap. */
struct rota_shift {
	int64_t from, to;
	struct rota_duty duty;
};
/* Called for each stretch of [from, to) in order; false ends the walk. */
typedef bool rota_shift_fn(void *arg, const struct rota_shift *shift);
void rota_walk(const struct rota_schedule *schedule, int64_t from, int64_t to, rota_shift_fn *fn, void *arg);

#endif
