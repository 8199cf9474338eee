/* Importing a roster: what a file would change in the one that is in force, and changing it. Officers whom
 * a file does not name stay as they are; teams and schedules are replaced as a whole by a file that speaks
 * of them. Nothing is deleted (schema/007_roster.sql). */
#ifndef PATH_ROSTER_IMPORT_H
#define PATH_ROSTER_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/pg.h"

struct duty;
struct hotline;
struct roster_import;

/* Reads the file's text (csv: officers as CSV) against duty's roster, which must be fresh. NULL and an
 * error "line:column: ..." if it cannot be imported. */
struct roster_import *roster_import_new(struct hotline *h, const char *text, bool csv, char *error,
					size_t error_size);
void roster_import_free(struct roster_import *import); /* NULL is fine */

/* Each fact that goes (sign '-') or comes ('+'), sorted by whom it concerns. Numbers are masked. */
typedef void roster_change_fn(void *arg, char sign, const char *subject, const char *fact);
size_t roster_import_changes(const struct roster_import *import, roster_change_fn *fn, void *arg);
/* What is wrong with the roster as it would be: gaps, officers who can be reached in one way only. */
void roster_import_findings(const struct roster_import *import, void (*fn)(void *arg, const char *finding),
			    void *arg);
/* Writes it, in one transaction. PG_FAILED also when somebody imported another roster meanwhile. */
void roster_import_apply(struct roster_import *import, const char *by, pg_done_fn *done, void *arg);

#endif
