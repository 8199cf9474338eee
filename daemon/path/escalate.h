/* Fires due timers: steps of an escalation policy, repeated notices, acknowledgements that ran out. The
 * decisions are SQL functions (daemon/schema/003_escalation.sql); this asks for them in time. */
#ifndef PATH_ESCALATE_H
#define PATH_ESCALATE_H

#include <stdint.h>

struct escalate;
struct hotline;

struct escalate *escalate_new(struct hotline *h);
void escalate_free(struct escalate *e);
void escalate_start(struct escalate *e);
/* A timer may have become due: look now, not at the next poll. */
void escalate_hint(struct escalate *e);

#endif
