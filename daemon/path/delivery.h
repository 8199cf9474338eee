/* A delivery on its way through the stations: durable, decoded, its sender known by a keyed hash. */
#ifndef PATH_DELIVERY_H
#define PATH_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/entry.h"
#include "core/ids.h"
#include "core/inbound.h"
#include "core/number.h"

struct delivery {
	uint64_t spool;              /* its record */
	struct id16 id;              /* names this delivery for ever: keyed hash of spool and record */
	uint8_t dup_key[ENTRY_KEY_LEN];
	struct inbound in;           /* owned; of the first part when it came in parts */
	struct number from;
	bool has_subject;            /* the sender can hold a conversation */
	uint8_t subject[ENTRY_KEY_LEN];
	int64_t wall_us;             /* event time */
	bool repeat;                 /* repeats a delivery whose answer was in doubt */
	bool replayed;               /* comes from the spool after a restart */
	bool more;                   /* USSD: after the answer the session stays open */
	struct entry_part *part;     /* owned; further parts, see parts.c */
	uint8_t part_count;
	char *text;                  /* owned; UTF-8 of the body, of all parts joined */
};

void delivery_free(struct delivery *d);

#endif
