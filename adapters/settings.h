/* Settings of one link, read from its map of the configuration through a table. */
#ifndef ADAPTERS_SETTINGS_H
#define ADAPTERS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_node;

enum adapter_setting_kind {
	ADAPTER_SETTING_TEXT,
	ADAPTER_SETTING_PATH,   /* made absolute by the configuration's folder */
	ADAPTER_SETTING_SECRET, /* a path; the value is the first line of the file, which only its owner may read */
	ADAPTER_SETTING_NUMBER,
	ADAPTER_SETTING_DURATION
};

struct adapter_setting {
	const char *key;
	enum adapter_setting_kind kind;
	const char *fallback; /* as it would be written in the file; NULL = leave unset */
	int64_t low, high;    /* number: value; texts: octets; duration: milliseconds */
	size_t at;            /* offset of a char * (owned) or an int64_t */
};

/* False and "line:column: text" on a fault; adapter_settings_fini() in either case. Unknown keys and
 * missing ones are the caller's business. */
bool adapter_settings_read(const struct adapter_setting *table, size_t count, const struct yaml_node *map,
			const char *folder, void *out, char *error, size_t error_size);
void adapter_settings_fini(const struct adapter_setting *table, size_t count, void *out); /* wipes secrets */

#endif
