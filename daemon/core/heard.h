/* Which deliveries a conversation has heard, by spool and number: the newest numbers one by one, since texts
 * that wait for their parts are heard out of order, and everything up to a floor below them. */
#ifndef CORE_HEARD_H
#define CORE_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/ids.h"

enum {
	HEARD_SPOOLS = 4,  /* daemons that served one conversation lately; the oldest is forgotten */
	HEARD_NUMBERS = 32
};

struct heard_spool {
	struct id16 spool;
	uint64_t floor; /* this number and all below count as heard */
	uint8_t count;
	uint64_t numbers[HEARD_NUMBERS]; /* above the floor, in no order */
};

/* All zero: nothing. */
struct heard {
	uint8_t count;
	struct heard_spool spools[HEARD_SPOOLS]; /* the last used first */
};

void heard_note(struct heard *h, const struct id16 *spool, uint64_t number);
bool heard_has(const struct heard *h, const struct id16 *spool, uint64_t number);
/* Notes all that `more` has. */
void heard_add(struct heard *h, const struct heard *more);

void heard_save(const struct heard *h, struct buf *out);
/* Sets r->bad if the bytes are none of heard_save(). */
void heard_load(struct reader *r, struct heard *out);

#endif
