/* Where a delivery arrives: bounded, its sender normalised, keyed for duplicates, spooled. Only after the
 * spool's sync is the carrier told "received"; then the delivery goes on. */
#ifndef PATH_INTAKE_H
#define PATH_INTAKE_H

#include <stddef.h>

#include "adapters/adapter.h"

struct delivery;
struct hotline;
struct intake;

struct intake *intake_new(struct hotline *h);
void intake_free(struct intake *intake);
/* Takes ownership of the delivery. */
typedef void intake_fn(void *arg, struct delivery *d);
/* Gives every delivery that the spool still holds; call once, at the start. Returns how many records. */
size_t intake_replay(struct intake *intake, intake_fn *take, void *arg);
/* Gives those that the spool still holds and that are wanted. Reads files: for rare repairs. */
void intake_show(struct intake *intake, bool (*want)(void *arg, uint64_t record), intake_fn *take, void *arg);

/* adapter_host.inbound: ctx is the intake. */
void intake_take(void *ctx, const struct inbound *in, received_fn *done, void *arg);
/* A link went down: answers of the last seconds may not have reached the carrier, which will then
 * deliver again. Such a repeat is filed but does not step the conversation. */
void intake_doubt_link(struct intake *intake, const char *link);
/* Deliveries that a carrier may still repeat because our answer was in doubt. */
size_t intake_doubts(const struct intake *intake);
/* Forgets those that are too old; call it every minute. */
void intake_tick(struct intake *intake);

#endif
