/* A delivery on its way through the stations: durable, decoded, its sender known by a keyed hash. */
#ifndef PATH_DELIVERY_H
#define PATH_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/entry.h"
#include "core/ids.h"
#include "core/inbound.h"
#include "core/number.h"

enum { DELIVERY_ANSWER_MS = 600 * 1000 }; /* an answer that arrives later than this only confuses */

/* What is known of a delivery that is not new. */
enum delivery_past {
	PAST_NONE,    /* new */
	PAST_UNKNOWN, /* from the spool, after a restart: perhaps heard, perhaps answered, perhaps filed */
	PAST_HEARD,   /* from the spool, its queue entry was lost: heard, perhaps answered, not filed */
	PAST_FILED    /* filed; only its answer may be missing; has no text */
};

struct delivery {
	uint64_t spool;              /* its record */
	struct id16 id;              /* names this delivery for ever: keyed hash of spool and record */
	uint8_t dup_key[ENTRY_KEY_LEN];
	struct inbound in;           /* owned; of the first part when it came in parts */
	struct number from;
	bool officer;                /* the sender is on the roster, as far as it is known; set by roles */
	const char *role;            /* static: "member" of the network, or NULL: a citizen */
	bool has_subject;            /* the sender can hold a conversation */
	uint8_t subject[ENTRY_KEY_LEN];
	int64_t wall_us;             /* event time */
	bool repeat;                 /* repeats a delivery whose answer was in doubt */
	enum delivery_past past;
	bool more;                   /* USSD: after the answer the session stays open */
	struct entry_part *part;     /* owned; further parts, see parts.c */
	uint8_t part_count;
	char *text;                  /* owned; UTF-8 of the body, of all parts joined */
};

void delivery_free(struct delivery *d);
/* It came so lately that an answer is of use still. */
bool delivery_is_young(const struct delivery *d, int64_t now_us);

#endif
