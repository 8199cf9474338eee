/* How one kind of provider speaks, as data: a YAML file. What may stand in it: doc/http.md. */
#ifndef ADAPTERS_HTTP_PROFILE_H
#define ADAPTERS_HTTP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/http/fields.h"

struct yaml_node;

/* What a request can tell us. */
enum http_meaning {
	HTTP_FROM, HTTP_TO, HTTP_TEXT, HTTP_ID, HTTP_CODING, HTTP_UDH, /* a text */
	HTTP_STATUS,                                                  /* a receipt, beside HTTP_ID */
	HTTP_SESSION, HTTP_OP, HTTP_TURN,                             /* USSD */
	HTTP_MEANINGS
};

/* What the provider calls us for. */
enum http_door_kind { HTTP_DOOR_SMS, HTTP_DOOR_RECEIPT, HTTP_DOOR_USSD, HTTP_DOOR_USSD_END, HTTP_DOORS };

/* A word of the provider and the enum value that it stands for: enum alphabet behind a text's `coding`,
 * enum receipt status behind a receipt's `status`, enum ussd_op behind USSD's `op`. */
struct http_word {
	const char *word;
	int means;
};

/* What we answer. */
struct http_said {
	int status;
	const char *type, *body; /* type NULL: no body; body is a template of {text} and {session} */
};

/* Strings are borrowed from the profile's tree. */
struct http_door {
	bool open;
	const char *path;        /* below the link's own; a part {session} or {op} stands for that value */
	unsigned methods;        /* 1 << enum http_method */
	bool json;               /* of a body; a query is always a form */
	const char *fields[HTTP_MEANINGS]; /* name in the request; NULL: not given */
	struct http_word *words; /* owned */
	size_t word_count;
	char history;            /* USSD: text is the whole session so far, joined by this; 0: the last answer */
	struct http_said answer; /* all went well */
	struct http_said next, last; /* USSD: a screen that waits for an answer, and one that does not */
};

enum { HTTP_PAIRS_MAX = 24, HTTP_RULES_MAX = 8 };

struct http_pair {
	const char *name, *value; /* value is a template */
};

/* An answer of the provider: its status is listed and its body begins with one of the texts. */
struct http_rule {
	int statuses[HTTP_RULES_MAX];
	size_t status_count;              /* 0: any */
	const char *bodies[HTTP_RULES_MAX];
	size_t body_count;                /* 0: any */
};

/* How a text is handed to the provider. */
struct http_send {
	bool there;
	enum http_method method;
	const char *path;                 /* behind the link's url */
	struct http_pair fields[HTTP_PAIRS_MAX]; /* query of a GET, else a form */
	size_t field_count;
	const char *json;                 /* body in place of the fields; a template */
	struct http_pair headers[HTTP_PAIRS_MAX];
	size_t header_count;
	struct http_rule taken, later;    /* what is neither is refused */
	const char *id;                   /* name of the provider's id in its JSON answer; NULL: ours is the id */
};

/* Names that a template of `send` may use, ends with NULL. */
extern const char *const http_send_names[];
enum http_send_name { HTTP_SEND_ID, HTTP_SEND_FROM, HTTP_SEND_TO, HTTP_SEND_TO_DIGITS, HTTP_SEND_TEXT,
	HTTP_SEND_CODING, HTTP_SEND_PRIORITY, HTTP_SEND_VALIDITY_S, HTTP_SEND_VALIDITY_MIN, HTTP_SEND_USER,
	HTTP_SEND_PASSWORD, HTTP_SEND_RECEIPT_URL, HTTP_SEND_NAMES };

struct http_profile {
	struct yaml_node *root; /* owned */
	const char *name;
	struct http_door doors[HTTP_DOORS];
	struct http_send send;
};

/* NULL and "file:line:column: text" on a fault. */
struct http_profile *http_profile_load(const char *file, char *error, size_t error_size);
/* The same from bytes; `file` is for the error only. */
struct http_profile *http_profile_read(const char *file, const char *bytes, size_t len, char *error,
				       size_t error_size);
void http_profile_free(struct http_profile *profile); /* NULL is fine */

/* ---- a request through a door ---- */

/* The door whose path is `path` (below the link's own) and that takes the method, else NULL; *status is then
 * 404 or 405. Parts of the path are added to the fields. */
const struct http_door *http_profile_door(const struct http_profile *profile, struct http_slice path,
					  enum http_method method, struct http_fields *fields, int *status);
/* What the word means at this door, or `otherwise`. An absent word is "". */
int http_door_word(const struct http_door *door, struct http_slice word, int otherwise);
/* The last answer of a USSD session out of its whole history, given the history one answer earlier (NULL:
 * not known): what was added to it, else what follows the last separator. */
struct http_slice http_history_last(struct http_slice whole, const char *before, size_t before_len, char separator);

#endif
