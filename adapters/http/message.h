/* Reads HTTP/1.1 requests as bytes come in. Pure: no socket, no clock. Strict where lenience has let one
 * request pass for another (RFC 9112 sections 5 and 6, and 11.2 on smuggling): one Content-Length, digits
 * only, never beside Transfer-Encoding; no space before a colon, no bare LF, no folded line, no NUL. */
#ifndef ADAPTERS_HTTP_MESSAGE_H
#define ADAPTERS_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	HTTP_HEAD_MAX = 64 * 1024,  /* request line and headers; a long text may stand in the query */
	HTTP_BODY_MAX = 256 * 1024, /* the longest text, every octet escaped */
	HTTP_HEADERS_MAX = 64
};

enum http_parse { HTTP_MORE, HTTP_OK, HTTP_BAD };

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT };

/* Bytes of the head; borrowed. */
struct http_slice {
	const char *at;
	size_t len;
};

struct http_header {
	struct http_slice name, value; /* value without surrounding blanks */
};

struct http_head {
	enum http_method method;
	struct http_slice target; /* as it stands in the request line: path and query */
	struct http_slice path, query; /* the target's parts, still escaped */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t header_count;
	bool close;           /* the connection ends with this request */
	bool expects;         /* waits for "100 Continue" */
	bool chunked;
	uint64_t body_len;    /* where not chunked */
};

/* Reads a head off the start of the bytes. HTTP_OK: *used bytes were the head. HTTP_BAD: *status is the
 * answer (400, 413, 417, 431, 501, 505) and the connection must end with it. */
enum http_parse http_head_read(const char *bytes, size_t len, struct http_head *head, size_t *used, int *status);

/* First header of that name (any case), or an empty slice with at NULL. */
struct http_slice http_header(const struct http_head *head, const char *name);
/* How many headers have that name. */
size_t http_header_count(const struct http_head *head, const char *name);
bool http_slice_is(struct http_slice slice, const char *text); /* any case */

/* A body on its way in. Zero it, set `chunked` or `left` from the head. */
struct http_body {
	bool chunked;
	uint64_t left;    /* octets of the body, or of the running chunk, still to come */
	unsigned state;   /* of the chunk reader */
	unsigned line_len;
	struct buf bytes; /* owned */
};

/* Takes what it can of the bytes. HTTP_OK: the body is whole; *used says where the next request begins.
 * HTTP_BAD: *status is 400 or 413. */
enum http_parse http_body_read(struct http_body *body, const char *bytes, size_t len, size_t *used, int *status);

#endif
