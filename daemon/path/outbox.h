/* Last station outwards: every text on its way to a phone, alerts before replies, over the link that can
 * take it. Owns the links. */
#ifndef PATH_OUTBOX_H
#define PATH_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/adapter.h"

struct hotline;
struct outbox;

/* Exactly once for each accepted text: SENT_OK with the carrier's id, SENT_IN_DOUBT, SENT_REFUSED,
 * SENT_GONE, SENT_EXPIRED when its validity ran out before any link took it; SENT_RETRY when the same id is
 * under way already, or when the daemon stops before it was sent. */
typedef void outbox_fn(void *arg, enum sent_state state, const char *provider_ref);

/* Makes a link for each item of conf.links. On a fault returns NULL and "file:line:column: text". */
struct outbox *outbox_new(struct hotline *h, char *error, size_t error_size);
void outbox_free(struct outbox *outbox);
void outbox_start(struct outbox *outbox);
void outbox_stop(struct outbox *outbox, void (*done)(void *arg), void *arg);
/* `out` is borrowed for the call. */
void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg);

struct outbox_link {
	const char *name, *adapter; /* borrowed */
	enum link_state state;
};
size_t outbox_links(const struct outbox *outbox, struct outbox_link *out, size_t max);
size_t outbox_waiting(const struct outbox *outbox);
/* The link of the in-process phone, or NULL. */
struct link *outbox_sim(const struct outbox *outbox);

#endif
