/* Reads a dialect: every key a row of a table. */
#include "adapters/smpp/dialect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

struct word {
	const char *word; /* NULL ends the list */
	int value;
};

static const struct word meanings[] = {
	{"any", DIALECT_ANY}, {"begin", DIALECT_BEGIN}, {"continue", DIALECT_CONTINUE}, {"end", DIALECT_END},
	{"abort", DIALECT_ABORT}, {"timeout", DIALECT_TIMEOUT}, {"nothing", DIALECT_NOTHING}, {NULL, 0},
};

static const struct word sessions[] = {
	{"its_session_info", DIALECT_SESSION_INFO}, {"its_session_number", DIALECT_SESSION_NUMBER},
	{"user_message_reference", DIALECT_MESSAGE_REFERENCE}, {"source", DIALECT_SOURCE}, {NULL, 0},
};

static const struct word bodies[] = {
	{"short_message", DIALECT_SHORT_MESSAGE}, {"message_payload", DIALECT_PAYLOAD}, {"data_sm", DIALECT_DATA_SM},
	{NULL, 0},
};

static const struct word flags[] = {{"yes", true}, {"no", false}, {NULL, 0}};

struct reading {
	const char *file;
	char *error;
	size_t error_size;
};

static bool fault_at(const struct reading *r, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fault_at(const struct reading *r, const struct yaml_node *node, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(r->error, r->error_size, "%s:%u:%u: %s", r->file, node->line, node->column, what);
	return false;
}

static bool read_word(const struct reading *r, const struct yaml_node *node, const struct word *words, int *out)
{
	char all[160] = "";

	for (const struct word *w = words; w->word; w++) {
		if (node->kind == YAML_SCALAR && strcmp(w->word, node->text) == 0) {
			*out = w->value;
			return true;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", all[0] ? ", " : "", w->word);
	}
	return fault_at(r, node, "one of these is expected: %s", all);
}

static bool read_number(const struct reading *r, const struct yaml_node *node, int64_t low, int64_t high, int64_t *out)
{
	char *end;

	if (node->kind != YAML_SCALAR)
		return fault_at(r, node, "a number is expected");
	errno = 0;
	*out = strtoll(node->text, &end, 0);
	if (errno != 0 || end == node->text || *end != '\0' || *out < low || *out > high)
		return fault_at(r, node, "a number from %lld to %lld is expected, found '%s'", (long long)low,
				(long long)high, node->text);
	return true;
}

/* ---- keys ---- */

static bool read_octet(const struct reading *r, const struct yaml_node *node, uint8_t *out)
{
	int64_t value;

	if (!read_number(r, node, 0, 255, &value))
		return false;
	*out = (uint8_t)value;
	return true;
}

static bool read_heard(const struct reading *r, const struct yaml_node *map, struct dialect *d)
{
	uint8_t op;
	int value;

	if (map->kind != YAML_MAP || map->count == 0)
		return fault_at(r, map, "'heard' must tell what each ussd_service_op means");
	for (size_t i = 0; i < map->count; i++) {
		if (!read_word(r, map->items[i], meanings, &value))
			return false;
		if (strcmp(map->keys[i]->text, "other") == 0)
			continue; /* was the first, see below */
		if (!read_octet(r, map->keys[i], &op))
			return false;
		d->heard[op] = (uint8_t)value;
	}
	return true;
}

/* `other:` counts for all that is not named, wherever it stands. */
static bool read_ops(const struct reading *r, const struct yaml_node *map, struct dialect *d)
{
	const struct yaml_node *other = map->kind == YAML_MAP ? yaml_find(map, "other") : NULL;
	int value = DIALECT_ANY;

	if (other && !read_word(r, other, meanings, &value))
		return false;
	memset(d->heard, value, sizeof(d->heard));
	return read_heard(r, map, d);
}

static bool read_more(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_octet(r, node, &d->more);
}

static bool read_last(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_octet(r, node, &d->last);
}

static bool read_session(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_word(r, node, sessions, &d->session);
}

static bool read_end_bit(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	int value;

	if (!read_word(r, node, flags, &value))
		return false;
	d->end_bit = value;
	return true;
}

static bool read_body(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_word(r, node, bodies, &d->body);
}

static bool read_service_type(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	if (node->kind != YAML_SCALAR || strlen(node->text) >= sizeof(d->service_type))
		return fault_at(r, node, "a service_type has at most %zu characters", sizeof(d->service_type) - 1);
	snprintf(d->service_type, sizeof(d->service_type), "%s", node->text);
	return true;
}

static bool read_dcs_gsm(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_octet(r, node, &d->dcs_gsm);
}

static bool read_dcs_ucs2(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_octet(r, node, &d->dcs_ucs2);
}

static bool read_septets(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_number(r, node, 20, 182, &d->septets);
}

static bool read_units(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	return read_number(r, node, 10, 80, &d->units);
}

static bool read_idle(const struct reading *r, const struct yaml_node *node, struct dialect *d)
{
	if (node->kind != YAML_SCALAR || !yaml_duration_ms(node->text, &d->idle_ms) || d->idle_ms < 1000)
		return fault_at(r, node, "a duration such as 60s is expected");
	return true;
}

static const struct key {
	const char *key;
	bool needed;
	bool (*read)(const struct reading *r, const struct yaml_node *node, struct dialect *d);
} keys[] = {
	{"heard", true, read_ops},
	{"more", true, read_more},
	{"last", true, read_last},
	{"session", true, read_session},
	{"end_bit", false, read_end_bit},
	{"body", false, read_body},
	{"service_type", false, read_service_type},
	{"dcs_gsm", false, read_dcs_gsm},
	{"dcs_ucs2", false, read_dcs_ucs2},
	{"septets", false, read_septets},
	{"units", false, read_units},
	{"idle", false, read_idle},
};

enum { KEYS = sizeof(keys) / sizeof(*keys) };

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].key, name) == 0)
			return &keys[i];
	}
	return NULL;
}

static bool read_map(const struct reading *r, const struct yaml_node *map, struct dialect *d)
{
	if (map->kind != YAML_MAP)
		return fault_at(r, map, "a dialect is a map");
	for (size_t i = 0; i < map->count; i++) {
		const struct key *key = find_key(map->keys[i]->text);

		if (!key)
			return fault_at(r, map->keys[i], "a dialect has no key '%s'", map->keys[i]->text);
		if (!key->read(r, map->items[i], d))
			return false;
	}
	for (size_t i = 0; i < KEYS; i++) {
		if (keys[i].needed && !yaml_find(map, keys[i].key))
			return fault_at(r, map, "a dialect needs '%s'", keys[i].key);
	}
	return true;
}

/* What most carriers have in common. */
static const struct dialect usual = {
	.dcs_gsm = 0, .dcs_ucs2 = 8, .septets = 160, .units = 70, .idle_ms = 75000,
};

bool dialect_load(const char *path, struct dialect *out, char *error, size_t error_size)
{
	const struct reading r = {path, error, error_size};
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse_file(path, &fault);
	struct dialect d = usual;
	bool ok;

	if (!map) {
		snprintf(error, error_size, "%s:%u:%u: %s", path, fault.line, fault.column, fault.text);
		return false;
	}
	ok = read_map(&r, map, &d);
	yaml_free(map);
	if (ok)
		*out = d;
	return ok;
}
