/* Inside of the HTTP adapter: what its files share. http.c reads the configuration, webhook.c turns the
 * provider's requests into deliveries, receipts and USSD turns, submit.c turns texts into calls of the
 * provider's API. message.c to client.c know HTTP and no hotline. */
#ifndef ADAPTERS_HTTP_LINK_H
#define ADAPTERS_HTTP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "adapters/http/client.h"
#include "adapters/http/gate.h"
#include "adapters/http/profile.h"
#include "adapters/http/server.h"

struct loop_timer;
struct ussd;

/* One link's settings. Strings are owned, NULL where nothing was set; durations in milliseconds. */
struct http_conf {
	char *profile, *listen, *path, *public_url;
	char *auth, *auth_user, *auth_secret;
	char *tls_cert, *tls_key;
	char *url, *user, *password, *ca_file;
	char *carrier, *voice;
	int64_t connections, per_address, window;
	int64_t deadline_ms, kept_ms, idle_ms, answer_ms, connect_ms, ussd_idle_ms;
};

/* What became of requests, since the start. */
struct http_counts {
	uint64_t verdicts[HTTP_GATE_VERDICTS]; /* by enum http_verdict */
	uint64_t no_door;   /* 404, 405 */
	uint64_t unreadable; /* 400, 413: not what the profile says */
	uint64_t kept, refused; /* deliveries: durable and told so, or told to come again */
	uint64_t receipts;
};

/* A request whose answer waits until its bytes are durable. Lives until received_fn is called, even
 * after its link. */
struct http_owed {
	struct link *link; /* NULL once the link is gone */
	struct http_owed *next, **at;
	struct http_exchange *x;      /* lent until http_answer() */
	const struct http_door *door; /* of the link's profile */
};

/* More than this without an answer are told to come again: the provider keeps them for us. */
enum { HTTP_OWED_MAX = 4096 };

struct link {
	const struct adapter_host *host; /* borrowed */
	char name[INBOUND_NAME_MAX];
	char source[INBOUND_ADDRESS_MAX]; /* first short code; "" = none */
	struct http_conf conf;
	struct http_profile *profile;     /* owned */
	struct http_gate gate;
	struct http_server *server;       /* a share of it */
	struct http_client *client;       /* owned */
	struct ussd *ussd;                /* owned; NULL: the profile has no USSD */
	enum link_state state;
	bool mounted;
	struct http_counts counts;
	int64_t told_ms;                  /* when refusals were last logged */
	uint64_t untold;                  /* refusals since */
	struct http_owed *owed;           /* list; each owns itself */
	unsigned owed_count;
	unsigned failures;                /* of calls in a row */
	struct loop_timer *pause;         /* owned; nothing is submitted while armed */
	struct loop_timer *stopping;      /* owned; armed while open calls are waited for */
};

/* webhook.c */
http_handle_fn http_on_request; /* arg: the link */
void http_owed_forget(struct link *link); /* the link goes; whoever is owed an answer still gets it */

/* submit.c */
bool http_submit(struct link *link, const struct outbound *out);
bool http_rule_fits(const struct http_rule *rule, int status, const char *body);

#endif
