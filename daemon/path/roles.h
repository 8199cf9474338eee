/* Who is texting? An officer who gives a command goes to acks; everybody else, and an officer who
 * writes a story, to the conversation. The roster's keyed hashes are kept in memory. */
#ifndef PATH_ROLES_H
#define PATH_ROLES_H

#include <stdbool.h>
#include <stdint.h>

struct delivery;
struct hotline;
struct roles;

struct roles *roles_new(struct hotline *h);
void roles_free(struct roles *roles);
void roles_start(struct roles *roles);   /* loads the roster and keeps it fresh */
void roles_refresh(struct roles *roles); /* the roster changed: load it now */
void roles_take(struct roles *roles, struct delivery *d); /* takes ownership */

#endif
