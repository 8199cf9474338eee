/* Profiles from YAML, through tables of what may stand where. */
#include "adapters/http/profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "base/mem.h"
#include "base/yaml.h"

struct fault {
	const char *file;
	char *out;
	size_t size;
};

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
{
	char what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(fault->out, fault->size, "%s:%u:%u: %s", fault->file, node->line, node->column, what);
	return false;
}

/* ---- what may stand where ---- */

static const char *const meaning_names[] = {
	[HTTP_FROM] = "from",       [HTTP_TO] = "to",     [HTTP_TEXT] = "text",     [HTTP_ID] = "id",
	[HTTP_CODING] = "coding",   [HTTP_UDH] = "udh",   [HTTP_STATUS] = "status", [HTTP_SESSION] = "session",
	[HTTP_OP] = "op",           [HTTP_TURN] = "turn",
};

static const struct {
	const char *name;
	int means;
} codings[] = {
	{"utf8", ALPHABET_UTF8}, {"gsm7", ALPHABET_GSM7}, {"latin1", ALPHABET_LATIN1}, {"ascii", ALPHABET_ASCII},
	{"utf16", ALPHABET_UTF16}, {"binary", ALPHABET_BINARY}, {NULL, 0},
}, statuses[] = {
	{"delivered", RECEIPT_DELIVERED}, {"failed", RECEIPT_FAILED}, {"expired", RECEIPT_EXPIRED},
	{"intermediate", RECEIPT_INTERMEDIATE}, {NULL, 0},
}, ops[] = {
	{"begin", USSD_BEGIN}, {"continue", USSD_CONTINUE}, {"end", USSD_END}, {"abort", USSD_ABORT},
	{"timeout", USSD_TIMEOUT}, {NULL, 0},
};

#define HAS(x) (1u << (x))

enum { DOOR_KEYS_MAX = 12 };

static const struct door_kind {
	const char *key;
	unsigned may, must;            /* meanings */
	const char *words_key;         /* list of words; NULL: none */
	__typeof__(&codings[0]) words;
	const char *keys[DOOR_KEYS_MAX]; /* ends with NULL */
} kinds[] = {
	[HTTP_DOOR_SMS] = {"sms", HAS(HTTP_FROM) | HAS(HTTP_TO) | HAS(HTTP_TEXT) | HAS(HTTP_ID) | HAS(HTTP_CODING) |
			   HAS(HTTP_UDH), HAS(HTTP_FROM) | HAS(HTTP_TEXT), "codings", codings,
			   {"path", "methods", "take", "fields", "codings", "answer", NULL}},
	[HTTP_DOOR_RECEIPT] = {"receipt", HAS(HTTP_ID) | HAS(HTTP_STATUS), HAS(HTTP_ID) | HAS(HTTP_STATUS),
			       "statuses", statuses,
			       {"path", "methods", "take", "fields", "statuses", "answer", NULL}},
	[HTTP_DOOR_USSD] = {"ussd", HAS(HTTP_FROM) | HAS(HTTP_TO) | HAS(HTTP_TEXT) | HAS(HTTP_SESSION) |
			    HAS(HTTP_OP) | HAS(HTTP_TURN), HAS(HTTP_FROM) | HAS(HTTP_SESSION), "ops", ops,
			    {"path", "methods", "take", "fields", "ops", "history", "screen", "answer", NULL}},
	[HTTP_DOOR_USSD_END] = {"ussd_end", HAS(HTTP_FROM) | HAS(HTTP_TO) | HAS(HTTP_SESSION), HAS(HTTP_SESSION),
				NULL, NULL, {"path", "methods", "take", "fields", "answer", NULL}},
};

static const char *const top_keys[] = {"profile", "about", "sms", "receipt", "ussd", "ussd_end", "send", NULL};
static const char *const screen_keys[] = {"status", "type", "next", "last", NULL};
static const char *const answer_keys[] = {"status", "type", "body", NULL};
static const char *const send_keys[] = {"method", "path", "fields", "json", "headers", "taken", "later", "id", NULL};
static const char *const rule_keys[] = {"status", "body", NULL};
static const char *const method_names[] = {[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"};
static const char *const screen_names[] = {"text", "session", NULL};
const char *const http_send_names[] = {
	[HTTP_SEND_ID] = "id",             [HTTP_SEND_FROM] = "from",
	[HTTP_SEND_TO] = "to",             [HTTP_SEND_TO_DIGITS] = "to_digits",
	[HTTP_SEND_TEXT] = "text",         [HTTP_SEND_CODING] = "coding",
	[HTTP_SEND_PRIORITY] = "priority", [HTTP_SEND_VALIDITY_S] = "validity_s",
	[HTTP_SEND_VALIDITY_MIN] = "validity_min", [HTTP_SEND_USER] = "user",
	[HTTP_SEND_PASSWORD] = "password", [HTTP_SEND_RECEIPT_URL] = "receipt_url",
	[HTTP_SEND_NAMES] = NULL,
};

/* ---- reading nodes ---- */

static bool check_keys(const struct yaml_node *map, const char *what, const char *const *known,
		       const struct fault *fault)
{
	if (map->kind != YAML_MAP)
		return fault_at(fault, map, "'%s' must be a map", what);
	for (size_t i = 0; i < map->count; i++) {
		const char *key = map->keys[i]->text, *near;
		size_t k = 0;

		while (known[k] && strcmp(known[k], key) != 0)
			k++;
		if (known[k])
			continue;
		near = yaml_nearest(key, known);
		return near ? fault_at(fault, map->keys[i], "unknown key '%s'; did you mean '%s'?", key, near)
			    : fault_at(fault, map->keys[i], "unknown key '%s'", key);
	}
	return true;
}

/* A single value, or NULL left as it is where the key is absent. */
static bool take_text(const struct yaml_node *map, const char *key, const char **out, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, key);

	if (node && node->kind != YAML_SCALAR)
		return fault_at(fault, node, "'%s' must be a text", key);
	if (node)
		*out = node->text;
	return true;
}

/* A template: its {names} must be known and, in JSON, the whole must be JSON once they are filled in. */
static bool take_template(const struct yaml_node *map, const char *key, const char *const *names,
			  enum http_form form, const char **out, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, key);
	struct buf sample = {0};
	json_error_t why;
	char name[40];
	json_t *json;

	if (!take_text(map, key, out, fault))
		return false;
	if (!node)
		return true;
	if (http_fill_unknown(node->text, names, name, sizeof(name)))
		return fault_at(fault, node, "'%s': there is no {%s} here", key, name);
	if (form != HTTP_AS_JSON)
		return true;
	http_fill(node->text, NULL, 0, form, &sample);
	json = json_loads(buf_cstr(&sample), 0, &why);
	buf_free(&sample);
	if (!json)
		return fault_at(fault, node, "'%s' is not JSON: %s", key, why.text);
	json_decref(json);
	return true;
}

static bool take_status(const struct yaml_node *node, int *out, const struct fault *fault)
{
	char *end;
	long status = node->kind == YAML_SCALAR ? strtol(node->text, &end, 10) : 0;

	if (status < 100 || status > 599 || *end)
		return fault_at(fault, node, "a status is a number from 100 to 599");
	*out = (int)status;
	return true;
}

static enum http_form form_of(const char *type)
{
	return type && strstr(type, "json") ? HTTP_AS_JSON : HTTP_AS_TEXT;
}

/* ---- doors ---- */

static bool take_methods(const struct yaml_node *list, unsigned *out, const struct fault *fault)
{
	if (list->kind != YAML_LIST)
		return fault_at(fault, list, "'methods' must be a list of GET, POST, PUT");
	*out = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *node = list->items[i];
		size_t m = 0;

		while (m <= HTTP_PUT && (node->kind != YAML_SCALAR || strcmp(method_names[m], node->text) != 0))
			m++;
		if (m > HTTP_PUT)
			return fault_at(fault, node, "a method is GET, POST or PUT");
		*out |= 1u << m;
	}
	return true;
}

static int meaning_of(const char *name)
{
	int m = 0;

	while (m < HTTP_MEANINGS && strcmp(meaning_names[m], name) != 0)
		m++;
	return m;
}

static bool take_fields(const struct yaml_node *map, const struct door_kind *kind, struct http_door *door,
			const struct fault *fault)
{
	const char *known[HTTP_MEANINGS + 1];
	size_t count = 0;

	for (int m = 0; m < HTTP_MEANINGS; m++) {
		if (kind->may & HAS(m))
			known[count++] = meaning_names[m];
	}
	known[count] = NULL;
	if (!check_keys(map, "fields", known, fault))
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *node = map->items[i];

		if (node->kind != YAML_SCALAR || !node->text[0])
			return fault_at(fault, node, "a field's name in the request is missing");
		door->fields[meaning_of(map->keys[i]->text)] = node->text;
	}
	return true;
}

static bool add_word(struct http_door *door, const struct yaml_node *node, int means, const struct fault *fault)
{
	if (node->kind != YAML_SCALAR)
		return fault_at(fault, node, "a word must be a text");
	for (size_t i = 0; i < door->word_count; i++) {
		if (strcmp(door->words[i].word, node->text) == 0)
			return fault_at(fault, node, "'%s' stands for two things", node->text);
	}
	door->words = mem_array(door->words, door->word_count + 1, sizeof(*door->words));
	door->words[door->word_count++] = (struct http_word){node->text, means};
	return true;
}

static bool take_words(const struct yaml_node *map, const struct door_kind *kind, struct http_door *door,
		       const struct fault *fault)
{
	const char *known[8];
	size_t k = 0;

	for (; kind->words[k].name; k++)
		known[k] = kind->words[k].name;
	known[k] = NULL;
	if (!check_keys(map, kind->words_key, known, fault))
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *list = map->items[i];

		for (k = 0; strcmp(kind->words[k].name, map->keys[i]->text) != 0; k++)
			;
		if (list->kind != YAML_LIST)
			return fault_at(fault, list, "'%s' must be a list of words", map->keys[i]->text);
		for (size_t w = 0; w < list->count; w++) {
			if (!add_word(door, list->items[w], kind->words[k].means, fault))
				return false;
		}
	}
	return true;
}

static bool take_answer(const struct yaml_node *map, struct http_said *out, const struct fault *fault)
{
	const struct yaml_node *status;

	if (!check_keys(map, "answer", answer_keys, fault))
		return false;
	status = yaml_find(map, "status");
	if (status && !take_status(status, &out->status, fault))
		return false;
	if (status && (out->status < 200 || out->status > 299))
		return fault_at(fault, status, "only a status of 200 to 299 says that all went well");
	return take_text(map, "type", &out->type, fault) &&
	       take_template(map, "body", screen_names, form_of(out->type), &out->body, fault);
}

static bool take_screen(const struct yaml_node *map, struct http_door *door, const struct fault *fault)
{
	struct http_said said = {.status = 200, .type = "text/plain; charset=utf-8"};

	if (!check_keys(map, "screen", screen_keys, fault) || !take_text(map, "type", &said.type, fault))
		return false;
	if (yaml_find(map, "status") && !take_status(yaml_find(map, "status"), &said.status, fault))
		return false;
	door->next = door->last = said;
	if (!yaml_find(map, "next") || !yaml_find(map, "last"))
		return fault_at(fault, map, "'screen' needs 'next' and 'last'");
	return take_template(map, "next", screen_names, form_of(said.type), &door->next.body, fault) &&
	       take_template(map, "last", screen_names, form_of(said.type), &door->last.body, fault);
}

static bool take_history(const struct yaml_node *node, char *out, const struct fault *fault)
{
	if (node->kind != YAML_SCALAR || strlen(node->text) != 1)
		return fault_at(fault, node, "'history' must be one character");
	*out = node->text[0];
	return true;
}

/* `{name}` is a part of the path. */
static bool in_path(const struct http_door *door, const char *name)
{
	const char *at = door->path;
	size_t len = strlen(name);

	while ((at = strchr(at, '{')) != NULL) {
		if (strncmp(++at, name, len) == 0 && at[len] == '}')
			return true;
	}
	return false;
}

static bool check_door(const struct yaml_node *map, const struct door_kind *kind, struct http_door *door,
		       const struct fault *fault)
{
	for (int m = 0; m < HTTP_MEANINGS; m++) {
		if (kind->may & HAS(m) && in_path(door, meaning_names[m]))
			door->fields[m] = meaning_names[m];
	}
	if (door->path[0] && door->path[0] != '/')
		return fault_at(fault, yaml_find(map, "path"), "'path' must begin with a slash");
	for (int m = 0; m < HTTP_MEANINGS; m++) {
		if (kind->must & HAS(m) && !door->fields[m])
			return fault_at(fault, map, "'%s' needs the field '%s'", kind->key, meaning_names[m]);
	}
	if (kind->words == ops && !door->next.body)
		return fault_at(fault, map, "'ussd' needs 'screen'");
	return true;
}

static bool load_door(const struct yaml_node *root, const struct door_kind *kind, struct http_door *door,
		      const struct fault *fault)
{
	const struct yaml_node *map = yaml_find(root, kind->key), *node;
	const char *take = "form";

	if (!map)
		return true;
	*door = (struct http_door){.open = true, .path = "", .methods = HAS(HTTP_GET) | HAS(HTTP_POST),
				   .answer = {.status = 200}};
	if (!check_keys(map, kind->key, kind->keys, fault) || !take_text(map, "path", &door->path, fault) ||
	    !take_text(map, "take", &take, fault))
		return false;
	if (strcmp(take, "form") != 0 && strcmp(take, "json") != 0)
		return fault_at(fault, yaml_find(map, "take"), "'take' must be form or json");
	door->json = strcmp(take, "json") == 0;
	node = yaml_find(map, "methods");
	if (node && !take_methods(node, &door->methods, fault))
		return false;
	node = yaml_find(map, "fields");
	if (node && !take_fields(node, kind, door, fault))
		return false;
	node = kind->words_key ? yaml_find(map, kind->words_key) : NULL;
	if (node && !take_words(node, kind, door, fault))
		return false;
	node = yaml_find(map, "answer");
	if (node && !take_answer(node, &door->answer, fault))
		return false;
	node = yaml_find(map, "history");
	if (node && !take_history(node, &door->history, fault))
		return false;
	node = yaml_find(map, "screen");
	if (node && !take_screen(node, door, fault))
		return false;
	return check_door(map, kind, door, fault);
}

/* ---- send ---- */

static bool take_pairs(const struct yaml_node *map, const char *what, struct http_pair *pairs, size_t *count,
		       const struct fault *fault)
{
	if (map->kind != YAML_MAP || map->count > HTTP_PAIRS_MAX)
		return fault_at(fault, map, "'%s' must be a map of at most %d names", what, HTTP_PAIRS_MAX);
	for (size_t i = 0; i < map->count; i++) {
		pairs[i].name = map->keys[i]->text;
		if (map->items[i]->kind != YAML_SCALAR)
			return fault_at(fault, map->items[i], "'%s' must be a text", pairs[i].name);
		if (!take_template(map, pairs[i].name, http_send_names, HTTP_AS_TEXT, &pairs[i].value, fault))
			return false;
	}
	*count = map->count;
	return true;
}

static bool take_rule(const struct yaml_node *send, const char *key, struct http_rule *rule,
		      const struct fault *fault)
{
	const struct yaml_node *map = yaml_find(send, key), *statuses_at, *bodies;

	if (!map)
		return true;
	if (!check_keys(map, key, rule_keys, fault))
		return false;
	rule->status_count = 0;
	statuses_at = yaml_find(map, "status");
	bodies = yaml_find(map, "body");
	if ((statuses_at && (statuses_at->kind != YAML_LIST || statuses_at->count > HTTP_RULES_MAX)) ||
	    (bodies && (bodies->kind != YAML_LIST || bodies->count > HTTP_RULES_MAX)))
		return fault_at(fault, map, "'status' and 'body' must be lists of at most %d", HTTP_RULES_MAX);
	for (size_t i = 0; statuses_at && i < statuses_at->count; i++) {
		if (!take_status(statuses_at->items[i], &rule->statuses[rule->status_count++], fault))
			return false;
	}
	for (size_t i = 0; bodies && i < bodies->count; i++) {
		if (bodies->items[i]->kind != YAML_SCALAR)
			return fault_at(fault, bodies->items[i], "what an answer begins with must be a text");
		rule->bodies[rule->body_count++] = bodies->items[i]->text;
	}
	return true;
}

static bool load_send(const struct yaml_node *root, struct http_send *send, const struct fault *fault)
{
	const struct yaml_node *map = yaml_find(root, "send"), *node;
	const char *method = "POST";

	if (!map)
		return true;
	*send = (struct http_send){.there = true, .path = "", .taken = {.statuses = {200, 201, 202}, .status_count = 3},
				   .later = {.statuses = {429, 500, 502, 503, 504}, .status_count = 5}};
	if (!check_keys(map, "send", send_keys, fault) || !take_text(map, "method", &method, fault) ||
	    !take_template(map, "path", http_send_names, HTTP_AS_TEXT, &send->path, fault) ||
	    !take_template(map, "json", http_send_names, HTTP_AS_JSON, &send->json, fault) ||
	    !take_text(map, "id", &send->id, fault) || !take_rule(map, "taken", &send->taken, fault) ||
	    !take_rule(map, "later", &send->later, fault))
		return false;
	if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0)
		return fault_at(fault, yaml_find(map, "method"), "'method' must be GET or POST");
	send->method = method[0] == 'G' ? HTTP_GET : HTTP_POST;
	node = yaml_find(map, "fields");
	if (node && !take_pairs(node, "fields", send->fields, &send->field_count, fault))
		return false;
	node = yaml_find(map, "headers");
	if (node && !take_pairs(node, "headers", send->headers, &send->header_count, fault))
		return false;
	if ((send->field_count > 0) == (send->json != NULL) || (send->json && send->method == HTTP_GET))
		return fault_at(fault, map, "'send' needs either 'fields' or, with POST, 'json'");
	return true;
}

/* ---- the whole ---- */

static bool load_all(struct http_profile *profile, const struct fault *fault)
{
	const struct yaml_node *root = profile->root;

	if (!check_keys(root, "the file", top_keys, fault) || !take_text(root, "profile", &profile->name, fault))
		return false;
	if (!profile->name)
		return fault_at(fault, root, "'profile' is missing: the name of this profile");
	for (size_t i = 0; i < HTTP_DOORS; i++) {
		if (!load_door(root, &kinds[i], &profile->doors[i], fault))
			return false;
	}
	if (profile->doors[HTTP_DOOR_USSD_END].open && !profile->doors[HTTP_DOOR_USSD].open)
		return fault_at(fault, yaml_find(root, "ussd_end"), "'ussd_end' needs 'ussd'");
	return load_send(root, &profile->send, fault);
}

static struct http_profile *load_root(struct yaml_node *root, const struct yaml_error *bad, const struct fault *fault)
{
	struct http_profile *profile;

	if (!root && !bad->line) {
		snprintf(fault->out, fault->size, "%s: %s", fault->file, bad->text);
		return NULL;
	}
	if (!root) {
		snprintf(fault->out, fault->size, "%s:%u:%u: %s", fault->file, bad->line, bad->column, bad->text);
		return NULL;
	}
	profile = mem_alloc(sizeof(*profile));
	profile->root = root;
	if (load_all(profile, fault))
		return profile;
	http_profile_free(profile);
	return NULL;
}

struct http_profile *http_profile_load(const char *file, char *error, size_t error_size)
{
	struct yaml_error bad = {0};
	struct fault fault = {file, error, error_size};

	return load_root(yaml_parse_file(file, &bad), &bad, &fault);
}

struct http_profile *http_profile_read(const char *file, const char *bytes, size_t len, char *error,
				       size_t error_size)
{
	struct yaml_error bad = {0};
	struct fault fault = {file, error, error_size};

	return load_root(yaml_parse(bytes, len, &bad), &bad, &fault);
}

void http_profile_free(struct http_profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < HTTP_DOORS; i++)
		mem_free(profile->doors[i].words);
	yaml_free(profile->root);
	mem_free(profile);
}

/* ---- a request through a door ---- */

/* Walks pattern and path side by side. Where fields is not NULL, the named parts are added to it. */
static bool path_fits(const char *pattern, struct http_slice path, struct http_fields *fields)
{
	const char *at = path.at, *end = path.at + path.len;

	while (*pattern) {
		const char *from = at;
		char name[16];
		int used = 0;

		if (sscanf(pattern, "{%15[a-z]}%n", name, &used) != 1 || used == 0) {
			if (at == end || *at++ != *pattern++)
				return false;
			continue;
		}
		while (at < end && *at != '/')
			at++;
		if (at == from || (fields && !http_fields_add(fields, name, from, (size_t)(at - from))))
			return false;
		pattern += used;
	}
	return at == end;
}

const struct http_door *http_profile_door(const struct http_profile *profile, struct http_slice path,
					  enum http_method method, struct http_fields *fields, int *status)
{
	*status = 404;
	for (size_t i = 0; i < HTTP_DOORS; i++) {
		const struct http_door *door = &profile->doors[i];

		if (!door->open || !path_fits(door->path, path, NULL))
			continue;
		*status = 405;
		if (door->methods & HAS(method) && path_fits(door->path, path, fields))
			return door;
	}
	return NULL;
}

int http_door_word(const struct http_door *door, struct http_slice word, int otherwise)
{
	for (size_t i = 0; i < door->word_count; i++) {
		const char *known = door->words[i].word;

		if (strlen(known) == word.len && strncasecmp(known, word.at ? word.at : "", word.len) == 0)
			return door->words[i].means;
	}
	return otherwise;
}

struct http_slice http_history_last(struct http_slice whole, const char *before, size_t before_len, char separator)
{
	const char *last;

	if (before && before_len == 0)
		return whole;
	if (before && whole.len > before_len && memcmp(whole.at, before, before_len) == 0 &&
	    whole.at[before_len] == separator)
		return (struct http_slice){whole.at + before_len + 1, whole.len - before_len - 1};
	last = whole.len ? memrchr(whole.at, separator, whole.len) : NULL;
	if (!last)
		return whole;
	return (struct http_slice){last + 1, (size_t)(whole.at + whole.len - last - 1)};
}
