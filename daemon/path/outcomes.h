/* What became of notices, on its way into PostgreSQL: what links said of a send, and receipts that came
 * later. While PostgreSQL is away both wait here, up to a bound; what is lost beyond it costs at most a
 * second text to an officer, since a notice without an outcome goes out again. */
#ifndef PATH_OUTCOMES_H
#define PATH_OUTCOMES_H

#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"

struct hotline;
struct outcomes;

enum { OUTCOMES_MAX = 4096 };

struct outcomes *outcomes_new(struct hotline *h);
void outcomes_free(struct outcomes *o); /* after PostgreSQL's connections */
/* A send of a notice ended so. SENT_RETRY and SENT_EXPIRED: it is due again in two seconds. */
void outcomes_sent(struct outcomes *o, const uint8_t notice[16], enum sent_state state, const char *provider_ref);
void outcomes_receipt(struct outcomes *o, const char *link, const struct receipt *receipt);
/* Outcomes that are not in PostgreSQL yet. */
size_t outcomes_waiting(const struct outcomes *o);

#endif
