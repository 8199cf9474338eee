/* The named values of a request, in whichever of the usual forms they come, and texts with {names} to be
 * filled in. Pure. */
#ifndef ADAPTERS_HTTP_FIELDS_H
#define ADAPTERS_HTTP_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "adapters/http/message.h"
#include "base/buf.h"

enum { HTTP_FIELDS_MAX = 64 };

/* How values are written. */
enum http_form {
	HTTP_AS_TEXT, /* as they are */
	HTTP_AS_FORM, /* application/x-www-form-urlencoded, also in a query */
	HTTP_AS_JSON
};

struct http_field {
	size_t name, name_len, value, value_len; /* offsets in `bytes` */
};

/* Zero it; http_fields_fini() also after a failure. */
struct http_fields {
	struct buf bytes;     /* owned: names and values, unescaped; values may hold any octet */
	struct http_field items[HTTP_FIELDS_MAX];
	size_t count;
	json_t *json;         /* owned; NULL if none was read */
};

/* Adds the fields of a query or form body. False: more than HTTP_FIELDS_MAX. A broken escape stands for
 * itself, as in every browser. */
bool http_fields_add_form(struct http_fields *f, const char *bytes, size_t len);
/* Takes a JSON object. False: it is not one (also: twice the same key, invalid UTF-8, text behind it). */
bool http_fields_set_json(struct http_fields *f, const char *bytes, size_t len);
/* Adds one, such as a part of the path. False: no room. */
bool http_fields_add(struct http_fields *f, const char *name, const char *value, size_t len);
void http_fields_fini(struct http_fields *f);

/* The value of that name, the first if there are several; at NULL if there is none. In JSON a dot leads
 * into an object, or a list by its number from 0; numbers and truth values are given as text. The slice
 * lives until the next call of this function or http_fields_fini(). */
struct http_slice http_fields_find(struct http_fields *f, const char *name);

/* ---- texts with {names} ---- */

struct http_value {
	const char *name, *value; /* UTF-8; value NULL counts as "" */
};

/* Appends the template, each {name} replaced by its value written in that form: in JSON as a quoted string.
 * Other braces stand for themselves. */
void http_fill(const char *template, const struct http_value *values, size_t count, enum http_form form,
	       struct buf *out);
/* The first {name} of the template that is not among the names (ends with NULL): copied to out. */
bool http_fill_unknown(const char *template, const char *const *names, char *out, size_t size);

/* Appends text, escaped for a form or a query (RFC 3986 unreserved characters stay). */
void http_put_form(struct buf *out, const char *text);

#endif
