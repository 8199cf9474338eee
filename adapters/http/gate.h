/* Who may call: by address, and by a secret that never leaves a file. */
#ifndef ADAPTERS_HTTP_GATE_H
#define ADAPTERS_HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/http/server.h"
#include "base/map.h"

/* How a caller proves itself. */
enum http_proof {
	HTTP_PROOF_NONE,   /* by its address alone */
	HTTP_PROOF_BASIC,  /* RFC 7617 */
	HTTP_PROOF_BEARER, /* RFC 6750, also as the query's `token` for callers that set no headers */
	HTTP_PROOF_HMAC    /* signs each request; see http_gate_sign() */
};

enum { HTTP_NETS_MAX = 32, HTTP_SECRET_MAX = 256, HTTP_GATE_WINDOW_S = 300, HTTP_SIGNATURE_LEN = 64 };

/* Headers of a signed request: seconds since 1970, a text never used before (8 to 64 characters), and the
 * signature in hexadecimal. */
#define HTTP_HEADER_TIME "X-Hotline-Time"
#define HTTP_HEADER_NONCE "X-Hotline-Nonce"
#define HTTP_HEADER_SIGNATURE "X-Hotline-Signature"

struct http_net {
	uint8_t bytes[16]; /* IPv6, or IPv4 mapped into it */
	unsigned bits;
};

struct http_nets {
	struct http_net items[HTTP_NETS_MAX];
	size_t count;
};

struct http_gate {
	enum http_proof proof;
	char *user, *secret;        /* owned; secret wiped by http_gate_fini() */
	struct http_nets allow;     /* callers; empty: every address */
	struct http_nets proxies;   /* callers whose X-Forwarded-For is believed */
	struct map nonces[2];       /* used in this window and in the one before */
	int64_t turned_s;           /* when the window began */
};

enum http_verdict {
	HTTP_GATE_OPEN,
	HTTP_GATE_ADDRESS, /* not on the list */
	HTTP_GATE_SECRET,  /* missing or wrong */
	HTTP_GATE_STALE,   /* signed too long ago, or in the future */
	HTTP_GATE_REPLAY,  /* this nonce was used */
	HTTP_GATE_VERDICTS
};

const char *http_verdict_name(enum http_verdict verdict); /* "open", "address", ... */

/* now_s: seconds since 1970. A replay is known from the moment the first request was let in. */
enum http_verdict http_gate_check(struct http_gate *gate, const struct http_exchange *x, int64_t now_s);
/* The request that was let in could not be kept: it may come again as it is. */
void http_gate_forget(struct http_gate *gate, const struct http_exchange *x);
void http_gate_fini(struct http_gate *gate);

/* Address ("10.0.0.1", "::1") or network ("10.0.0.0/8"). False: it is neither, or there are too many. */
bool http_nets_add(struct http_nets *nets, const char *text);
bool http_nets_have(const struct http_nets *nets, const char *address);

/* The signature: HMAC-SHA256 over time, nonce, method, target and body, each of the first four followed by
 * a newline, under the secret; 64 hexadecimal digits. */
void http_gate_sign(const char *secret, struct http_slice time, struct http_slice nonce, const char *method,
		    struct http_slice target, const void *body, size_t body_len, char out[HTTP_SIGNATURE_LEN + 1]);

#endif
