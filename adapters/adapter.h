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

/* How a link is doing: what `hotlinectl links` shows and /metrics counts. Counters since the start
 * of the link. An adapter leaves at zero what it does not know. */
struct link_status {
	bool paused, drained;            /* by an operator */
	unsigned connections, bound;     /* of the link; how many of them can be used */
	unsigned window, in_flight;      /* texts that may be, and are, without an answer */
	unsigned waiting;                /* parts accepted and not yet written */
	uint64_t deliveries;             /* came in, whatever became of them */
	uint64_t refused;                /* of these: not kept, the carrier was asked to come again */
	uint64_t undecodable;            /* of these: filed as they are */
	uint64_t receipts, receipts_unmatched;
	uint64_t submitted, accepted, rejected, throttled, unanswered; /* parts of texts, outwards */
	uint64_t unknown;                /* commands we do not know */
	uint64_t connects, losses, bind_refusals;
	int64_t rate_milli;              /* allowed at present, thousandths a second; 0 = no limit */
	int64_t throttle_ms;             /* nothing is submitted for so long */
	int64_t oldest_ms;               /* age of the oldest text without an answer; 0 = none */
	int64_t bound_since_us;          /* wall time; 0 = not bound */
	int64_t last_in_us, last_out_us; /* wall time of the last delivery, the last answer to a text */
	char last_error[160];
	int64_t last_error_us;
	char state[16];                  /* the adapter's own word, "" = none better than enum link_state */
};

/* What an operator can ask of a link. */
enum link_order {
	LINK_PAUSE,  /* submit nothing; deliveries are still taken */
	LINK_RESUME, /* undoes the others */
	LINK_DRAIN   /* let what is open be answered, leave the carrier, stay away */
};

/* One message of the protocol as it passed, for a person: no text, no number in full, no password. */
typedef void link_trace_fn(void *arg, const char *link, bool out, const char *line);

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
	/* The two below may be NULL. */
	/* One of the link's connections is gone: answers given over it may not have arrived. */
	void (*lost)(void *ctx, const char *link);
	/* The link can take a text again after it said no. */
	void (*ready)(void *ctx, const char *link);
};

/* One row of the adapter table. */
struct adapter {
	const char *name; /* the `adapter:` of a link in the configuration */
	const char *help; /* one line */
	const char *const *keys; /* setting names a link of this adapter knows, NULL-terminated */
	/* Makes a link from its configuration map (the item of `links:`; secrets are files, already
	 * checked for their mode by conf_secret_file()). On a fault returns NULL and fills error with
	 * "line:column: text" of the node at fault. conf is borrowed for the call. The link is owned by
	 * the caller. */
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
	/* The rest may be NULL. */
	void (*status)(const struct link *link, struct link_status *status);
	void (*order)(struct link *link, enum link_order order);
	/* fn sees everything that passes from now on; NULL ends it. */
	void (*trace)(struct link *link, link_trace_fn *fn, void *arg);
	/* True if b would do nothing differently: a new configuration then leaves a alone. Without it
	 * only the words of the configuration are compared. */
	bool (*same)(const struct link *a, const struct link *b);
};

/* The table of adapters; NULL if there is none of that name. */
const struct adapter *adapter_find(const char *name);
extern const struct adapter *const adapters[]; /* ends with NULL */

#endif
