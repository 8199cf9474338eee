/* Legal clocks: computes those of each case by the rules and the calendar (core/clocks.h), and looks which
 * warning or end is due. What became of them is in PostgreSQL (schema/009_clocks.sql). */
#ifndef PATH_CLOCKWORK_H
#define PATH_CLOCKWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clockwork;
struct hotline;

/* Reads the files of clocks.file and clocks.calendar. NULL and "file:line:column: ..." if one is wrong. */
struct clockwork *clockwork_new(struct hotline *h, char *error, size_t error_size);
void clockwork_free(struct clockwork *c);
void clockwork_start(struct clockwork *c);
/* Reads the files again; false and an error: the old ones go on. */
bool clockwork_reload(struct clockwork *c, char *error, size_t error_size);
/* Number of rules; 0: there is no file of clocks, and no case has any. */
size_t clockwork_rules(const struct clockwork *c);
/* Days for which the calendar still knows the holidays; negative when it has run out. */
int64_t clockwork_days_known(const struct clockwork *c);

#endif
