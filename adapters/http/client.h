/* Calls to a provider's API: libcurl's multi interface on the loop. Certificates are verified, redirects are
 * not followed, no proxy is taken from the environment. */
#ifndef ADAPTERS_HTTP_CLIENT_H
#define ADAPTERS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct loop;

enum { HTTP_ANSWER_MAX = 64 * 1024 };

struct http_client_conf {
	const char *ca_file;  /* who signs the provider's certificate; NULL: the system's list */
	int64_t connect_ms, answer_ms; /* waits: for a connection, and for the whole call */
};

enum http_fate {
	HTTP_ANSWERED,
	HTTP_NOT_SENT, /* nothing can have reached the provider */
	HTTP_NO_ANSWER /* it was sent, or may have been */
};

/* Borrowed for the call. */
struct http_result {
	enum http_fate fate;
	int status;             /* HTTP_ANSWERED */
	const char *body;       /* "" if none; at most HTTP_ANSWER_MAX octets, NUL-terminated */
	size_t len;
	int64_t retry_after_ms; /* what the provider asked for; 0: nothing */
	const char *why;        /* otherwise: libcurl's words */
};

typedef void http_result_fn(void *arg, const struct http_result *result);

struct http_client *http_client_new(struct loop *loop, const struct http_client_conf *conf);
/* Calls still under way end as HTTP_NO_ANSWER, "cancelled". */
void http_client_free(struct http_client *client);

/* A call; strings are borrowed for this call only. */
struct http_call {
	const char *url;
	const char *body;           /* NULL: GET, else POST */
	const char *type;           /* of the body */
	const char *const *headers; /* "Name: value", ends with NULL; NULL: none */
};

/* fn is called exactly once, never before this returns. */
void http_client_call(struct http_client *client, const struct http_call *call, http_result_fn *fn, void *arg);
size_t http_client_open(const struct http_client *client); /* calls under way */

#endif
