/* What every way in and out of the hotline looks like to the daemon: a vtable of a few functions, and
 * the callbacks the daemon offers in return. Concrete adapters are named once, in adapters.c. */
#ifndef ADAPTERS_ADAPTER_H
#define ADAPTERS_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/inbound.h"
#include "core/outbound.h"

struct loop;
struct link;   /* one bind or endpoint of an adapter, opaque to the daemon */
struct yaml_node;

/* Answer to adapter_host.inbound: called exactly once for each, possibly before inbound() returns.
 * ok: the bytes are durable, say "received". Otherwise refuse in a way this carrier retries. */
typedef void received_fn(void *arg, bool ok);

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_BOUND, LINK_STOPPED };

/* A delivery receipt (DLR). */
struct receipt {
	char provider_ref[PROVIDER_REF_MAX]; /* id as the carrier wrote it */
	enum { RECEIPT_DELIVERED, RECEIPT_FAILED, RECEIPT_EXPIRED, RECEIPT_INTERMEDIATE } status;
};

/* Callbacks of the daemon. `ctx` is borrowed by the adapter until its link is freed. */
struct adapter_host {
	void *ctx;
	struct loop *loop;
	const char *folder; /* where relative paths of the configuration start; NULL = working directory */
	/* A delivery came in. `in` is borrowed for the call. */
	void (*inbound)(void *ctx, const struct inbound *in, received_fn *done, void *arg);
	/* The outcome of one link_send(); provider_ref is "" where the carrier gave none. */
	void (*sent)(void *ctx, const struct id16 *id, enum sent_state state, const char *provider_ref);
	void (*receipt)(void *ctx, const char *link, const struct receipt *receipt);
	void (*state)(void *ctx, const char *link, enum link_state state);
};

/* One row of the adapter table. */
struct adapter {
	const char *name; /* the `adapter:` of a link in the configuration */
	const char *help; /* one line */
	const char *const *keys; /* setting names a link of this adapter knows, NULL-terminated */
	/* Makes a link from its configuration map (the item of `links:`; secrets are files, already
	 * checked for their mode by conf_secret_file()). On a fault returns NULL and fills error with
	 * "line:column: text" of the node at fault. The link is owned by the caller. */
	struct link *(*create)(const struct adapter_host *host, const char *name,
	                       const struct yaml_node *conf, char *error, size_t error_size);
	void (*start)(struct link *link);
	/* Unbinds in order; every accepted send is still answered by `sent`, then state LINK_STOPPED. */
	void (*stop)(struct link *link);
	void (*destroy)(struct link *link); /* only after LINK_STOPPED or before start */
	/* True = accepted and `sent` will follow exactly once; false = no room or not bound, ask later.
	 * `out` is borrowed for the call. */
	bool (*send)(struct link *link, const struct outbound *out);
	enum link_state (*state)(const struct link *link);
};

/* The table of adapters; NULL if there is none of that name. */
const struct adapter *adapter_find(const char *name);
extern const struct adapter *const adapters[]; /* ends with NULL */

#endif
