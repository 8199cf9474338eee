/* Where a delivery arrives: bounded, its sender normalised, keyed for duplicates, spooled. Only after the
 * spool's sync is the carrier told "received"; then the delivery goes on to parts. */
#ifndef PATH_INTAKE_H
#define PATH_INTAKE_H

#include <stddef.h>

#include "adapters/adapter.h"

struct hotline;
struct intake;

struct intake *intake_new(struct hotline *h);
void intake_free(struct intake *intake);
/* Feeds what the spool still holds into the path again. Returns how many records. */
size_t intake_replay(struct intake *intake);

/* adapter_host.inbound: ctx is the intake. */
void intake_take(void *ctx, const struct inbound *in, received_fn *done, void *arg);
/* A link went down: answers of the last seconds may not have reached the carrier, which will then
 * deliver again. Such a repeat is filed but does not step the conversation. */
void intake_doubt_link(struct intake *intake, const char *link);

#endif
