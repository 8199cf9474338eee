/* An HTTP server on the loop for callers who are not trusted yet. Every request has one absolute deadline,
 * whatever trickles in meanwhile; connections are capped, in all and for each address; who reads the answer
 * too slowly is cut. libevent's own server was measured against this list and left out: it keeps a
 * connection alive for ever that sends a header now and then, has no cap, and takes two Content-Length. */
#ifndef ADAPTERS_HTTP_SERVER_H
#define ADAPTERS_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/http/message.h"

struct http_conn;
struct http_server;
struct loop;

enum { HTTP_PEER_MAX = 46 }; /* INET6_ADDRSTRLEN */

struct http_server_conf {
	const char *listen;              /* "127.0.0.1:8080" or "[::1]:8080" */
	const char *cert_file, *key_file; /* TLS with these; NULL: plain */
	int64_t deadline_ms;             /* from the connection, or a request's first octet, to its last */
	int64_t answer_ms;               /* what has no answer by then is told 503 */
	int64_t idle_ms;                 /* between two requests */
	unsigned connections, per_address; /* most at a time */
};

/* What went wrong with callers, since the start. */
struct http_server_counts {
	uint64_t requests;   /* whole ones, handed on */
	uint64_t malformed;  /* refused by the grammar */
	uint64_t slow;       /* cut: deadline of a request or of reading an answer */
	uint64_t broken;     /* the caller went away in the middle of a request */
	uint64_t crowded;    /* closed at once: over a cap */
	uint64_t late;       /* told 503 because the answer took too long */
};

/* One request and the answer it is owed. Lives until http_answer(), also when its connection does not. */
struct http_exchange {
	struct http_head head;      /* slices into `bytes` */
	char *bytes;                /* owned: the head as it came */
	struct http_body body;
	char peer[HTTP_PEER_MAX];   /* address of the caller */
	struct http_conn *conn;     /* borrowed; NULL once nobody waits */
};

typedef void http_handle_fn(void *arg, struct http_exchange *x);

/* The server on that address: opened by the first who asks, shared by the others, who must ask for the
 * same TLS files; settings of the first hold. NULL and an error text otherwise. Each open owes a close. */
struct http_server *http_server_open(struct loop *loop, const struct http_server_conf *conf, char *error,
				     size_t error_size);
void http_server_close(struct http_server *server);
/* Requests for `path` and all below it go to fn; the longest mounted path wins. False: taken by one that has not
 * begun either, so two of one configuration; those of the next one may stand beside those that run, which have
 * the requests until these begin. */
bool http_server_mount(struct http_server *server, const char *path, http_handle_fn *fn, void *arg);
void http_server_begin(struct http_server *server, const char *path, const void *arg);
void http_server_unmount(struct http_server *server, const char *path, const void *arg);
const struct http_server_counts *http_server_counts(const struct http_server *server);

/* Answers and frees the exchange. type NULL: no body. Exactly once for each, now or later. */
void http_answer(struct http_exchange *x, int status, const char *type, const void *body, size_t len);

#endif
