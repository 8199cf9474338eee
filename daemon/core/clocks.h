/* Legal clocks of a case: which of them run, when each is due and when its warnings come. Rules are data
 * (a YAML file, doc/policies.md); they count from the first message. Clocks of hours never sleep; clocks of
 * working days end with their last day (24:00, Civil Code 2015, article 148.4) in the calendar's zone.
 * Pure. Instants are seconds since 1970 UTC. */
#ifndef CORE_CLOCKS_H
#define CORE_CLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workdays;
struct yaml_error;
struct yaml_node;
struct zone;

enum { CLOCKS_MAX = 32, CLOCK_WARNINGS_MAX = 5, CLOCK_ID_MAX = 32, CLOCK_KINDS_MAX = 16, CLOCK_TEXT_MAX = 128 };

struct clock_rule {
	char id[CLOCK_ID_MAX];
	char title[CLOCK_TEXT_MAX];      /* what has to be done, for people */
	char basis[CLOCK_TEXT_MAX];      /* decree and article, or "" */
	unsigned urgencies;              /* bit n: urgency of rank n (clocks_urgency_rank) */
	char kinds[CLOCK_KINDS_MAX][CLOCK_ID_MAX]; /* kinds of case it is for; none: all */
	size_t kind_count;
	int64_t duration_s;              /* a clock of hours; 0 for one of days */
	int workdays;                    /* a clock of working days; 0 for one of hours */
	int warnings[CLOCK_WARNINGS_MAX];/* per cent of the time, rising */
	size_t warning_count;
};

struct clock_rules {
	struct clock_rule rules[CLOCKS_MAX];
	size_t count;
};

/* False sets *error; rules is then empty. */
bool clocks_load(const struct yaml_node *root, struct clock_rules *rules, struct yaml_error *error);
/* Whether this clock runs for a case of this urgency and kind. */
bool clocks_apply(const struct clock_rule *rule, const char *urgency, const char *kind);
/* When a clock that began at `first` is due. */
int64_t clocks_due(const struct clock_rule *rule, int64_t first, const struct workdays *days,
		   const struct zone *zone);
/* When so many per cent of the time from first to due have passed. */
int64_t clocks_warning(int64_t first, int64_t due, int percent);
/* thap 1, trung_binh 2, cao 3, khan_cap 4; 0 for anything else. */
int clocks_urgency_rank(const char *urgency);

#endif
