/* Working days of a calendar: weekends, holidays (the lunar New Year moves, so they are data) and days
 * that are worked in their place. Pure. */
#ifndef CORE_WORKDAYS_H
#define CORE_WORKDAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_error;
struct yaml_node;

/* A stretch of days off, or of days worked though they would be off. Day numbers as in civil.h. */
struct workdays_span {
	int64_t first, last;
	bool worked;
};

struct workdays {
	unsigned weekend; /* bit 0 = Monday */
	struct workdays_span *spans; /* owned; later ones over earlier ones */
	size_t count;
	int64_t known_until; /* last day the file vouches for; beyond it only weekends are known */
};

enum { WORKDAYS_SPANS_MAX = 1000, WORKDAYS_SPAN_DAYS_MAX = 60 };

/* Saturday and Sunday off, no holiday known. */
void workdays_init(struct workdays *w);
/* Reads a calendar file (doc/policies.md). False sets *error, and w is as workdays_init left it. */
bool workdays_load(const struct yaml_node *root, struct workdays *w, struct yaml_error *error);
void workdays_fini(struct workdays *w);

bool workdays_is(const struct workdays *w, int64_t day);
/* The n-th working day after `day`, which itself does not count (Civil Code 2015, article 147.2). */
int64_t workdays_after(const struct workdays *w, int64_t day, int n);

#endif
