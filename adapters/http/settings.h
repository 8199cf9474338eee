/* Settings of one map of the configuration, read through a table. */
#ifndef ADAPTERS_HTTP_SETTINGS_H
#define ADAPTERS_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_node;

enum http_setting_kind {
	HTTP_SETTING_TEXT,
	HTTP_SETTING_PATH,   /* made absolute by the configuration's folder */
	HTTP_SETTING_SECRET, /* a path; the value is the first line of the file, which only its owner may read */
	HTTP_SETTING_NUMBER,
	HTTP_SETTING_DURATION
};

struct http_setting {
	const char *key;
	enum http_setting_kind kind;
	const char *fallback; /* as it would be written in the file; NULL = leave unset */
	int64_t low, high;    /* number: value; texts: octets; duration: milliseconds */
	size_t at;            /* offset of a char * (owned) or an int64_t */
};

/* False and "line:column: text" on a fault; http_settings_fini() in either case. Unknown keys and
 * missing ones are the caller's business. */
bool http_settings_read(const struct http_setting *table, size_t count, const struct yaml_node *map,
			const char *folder, void *out, char *error, size_t error_size);
void http_settings_fini(const struct http_setting *table, size_t count, void *out); /* wipes secrets */

#endif
