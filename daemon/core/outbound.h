/* One text on its way to a phone. */
#ifndef CORE_OUTBOUND_H
#define CORE_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ids.h"
#include "core/inbound.h"

/* From the lowest up: each goes before all below it. Only the urgent waits for no rate. */
enum outbound_priority { OUTBOUND_REPLY, OUTBOUND_ALERT, OUTBOUND_URGENT };
enum { OUTBOUND_PRIORITIES = OUTBOUND_URGENT + 1 };

struct outbound {
	struct id16 id;                  /* idempotency: the same id is the same text, sent again */
	enum channel channel;
	enum outbound_priority priority;
	char link[INBOUND_NAME_MAX];     /* link to prefer; "" = any that can */
	char from[INBOUND_ADDRESS_MAX];  /* short code or sender id; "" = the link's own */
	char to[INBOUND_ADDRESS_MAX];    /* E.164 with +, or the source as it came */
	const char *text;                /* UTF-8, NFC; borrowed for the duration of the call */
	bool only_link;                  /* no other link will do */
	bool receipt;                    /* a receipt is wanted, as for every alert */
	char reply_token[INBOUND_ADDRESS_MAX]; /* USSD: of the delivery that this answers; "" = none */
	bool more;                       /* USSD: the session stays open for an answer */
	int64_t validity_ms;             /* of no use after this long; counted from the send */
};

/* What became of a send. Exactly one is reported for each accepted send. */
enum sent_state {
	SENT_OK,       /* submitted: the carrier took it and may have named it */
	SENT_RETRY,    /* not submitted, try again later (throttled, queue full, link lost before) */
	SENT_IN_DOUBT, /* written, answer never came: may or may not have been submitted */
	SENT_REFUSED,  /* the carrier will never take it */
	SENT_GONE,     /* a USSD session that ended; never turned into an SMS */
	SENT_EXPIRED   /* not submitted while it was of use; only the outbox says so */
};

/* A carrier's message id, with room for the carrier's name before it. */
enum { PROVIDER_REF_MAX = 100 };

#endif
