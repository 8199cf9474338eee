/* Looks every half minute whether the hotline keeps its promises: open cases without a timer, anything that
 * is overdue, stores and links that are away, nobody on call. What it finds, and what lasts, is told to every
 * officer by text, whatever else is broken. While all is well it says so to the outside: a file is touched
 * and an address fetched, so that somebody notices when the auditor itself is silent. */
#ifndef PATH_AUDITOR_H
#define PATH_AUDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auditor;
struct hotline;

enum { AUDITOR_FINDINGS_MAX = 32, AUDITOR_TEXT_MAX = 160 };

struct auditor_finding {
	char id[40];
	char text[AUDITOR_TEXT_MAX];
	int64_t since_ms;  /* loop_now_ms() of the audit that found it first */
	int64_t told_ms;   /* when officers were told last; 0: not yet */
	int64_t patience_ms; /* it must last so long before anybody is told */
	bool seen;         /* in the audit under way, or in the last one */
};

struct auditor *auditor_new(struct hotline *h);
void auditor_free(struct auditor *a);
void auditor_start(struct auditor *a);
/* Tells PostgreSQL that this daemon stops in order. */
void auditor_stop(struct auditor *a);
/* What the last audit found; borrowed until the next. */
size_t auditor_findings(const struct auditor *a, const struct auditor_finding **out);
/* Milliseconds since the last audit was complete; -1: none was yet. */
int64_t auditor_age_ms(const struct auditor *a);

#endif
