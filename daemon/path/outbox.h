/* Last station outwards: every text on its way to a phone, alerts before replies, over the link that can
 * take it. Replies to one number keep their order. Owns the links. */
#ifndef PATH_OUTBOX_H
#define PATH_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/adapter.h"

struct conf;
struct hotline;
struct links;
struct outbox;

/* Exactly once for each accepted text: SENT_OK with the carrier's id, SENT_IN_DOUBT, SENT_REFUSED,
 * SENT_GONE, SENT_EXPIRED when its validity ran out before any link took it; SENT_RETRY when the same id is
 * under way already, or when the daemon stops before it was sent. */
typedef void outbox_fn(void *arg, enum sent_state state, const char *provider_ref);

/* Makes a link for each item of conf.links. On a fault returns NULL and "file:line:column: text". */
struct outbox *outbox_new(struct hotline *h, char *error, size_t error_size);
void outbox_free(struct outbox *outbox);
/* Goes over to the links of another configuration; those that are written as before are not disturbed. On
 * a fault false and an error as above, and nothing is changed. */
bool outbox_reload(struct outbox *outbox, const struct conf *conf, char *error, size_t error_size);
void outbox_start(struct outbox *outbox);
void outbox_stop(struct outbox *outbox, void (*done)(void *arg), void *arg);
/* `out` is borrowed for the call. Without an outbox, at the end of the daemon, nothing was sent: SENT_RETRY. */
void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg);

struct links *outbox_links(const struct outbox *outbox); /* borrowed; path/links.h */
size_t outbox_waiting(const struct outbox *outbox);
/* The link of the in-process phone, or NULL. */
struct link *outbox_sim(const struct outbox *outbox);

#endif
