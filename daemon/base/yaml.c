/* Reads YAML from libyaml's events into a tree of nodes that remember where they stood, and refuses
 * every construct that an author's file has no need of. */
#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

/* Depth is checked event by event: libyaml's own time is quadratic in the depth it has reached. */
enum { DEPTH_MAX = 32, NODES_MAX = 100000, FILE_MAX_BYTES = 1 << 20, WORD_MAX = 64 };

struct reading {
	yaml_parser_t parser;
	struct yaml_error *error;
	size_t nodes;
};

__attribute__((format(printf, 4, 5)))
static void *fail(struct yaml_error *error, unsigned line, unsigned column, const char *format, ...)
{
	va_list args;

	error->line = line;
	error->column = column;
	va_start(args, format);
	vsnprintf(error->text, sizeof error->text, format, args);
	va_end(args);
	return NULL;
}

static void *fail_at(struct reading *in, const yaml_event_t *event, const char *text)
{
	return fail(in->error, (unsigned)event->start_mark.line + 1,
	            (unsigned)event->start_mark.column + 1, "%s", text);
}

/* ---- the bytes, before libyaml sees them ---- */

/* Length of the UTF-8 sequence at p (RFC 3629, section 4), 0 if it is not one. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3
	           : p[0] < 0xf5 ? 4 : 0;

	if (len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static bool is_control(uint8_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* A tab within the white space that starts a line, unless the line is blank. */
static bool indents_with_tab(const uint8_t *p, size_t left)
{
	bool tab = false;
	size_t i = 0;

	for (; i < left && (p[i] == ' ' || p[i] == '\t'); i++)
		tab |= p[i] == '\t';
	return tab && i < left && p[i] != '\n' && p[i] != '\r';
}

static bool bytes_are_fit(const char *bytes, size_t len, struct yaml_error *error)
{
	const uint8_t *p = (const uint8_t *)bytes;
	unsigned line = 1, column = 1;
	size_t step;

	for (size_t i = 0; i < len; i += step) {
		step = utf8_length(p + i, len - i);
		if (!step)
			fail(error, line, column, "expected UTF-8, found the byte 0x%02x", p[i]);
		else if (is_control(p[i]))
			fail(error, line, column, "control character 0x%02x", p[i]);
		else if (column == 1 && indents_with_tab(p + i, len - i))
			fail(error, line, column, "indent with spaces, not with a tab");
		if (error->text[0])
			return false;
		column++;
		if (p[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return true;
}

/* ---- from events to nodes ---- */

static struct yaml_node *read_node(struct reading *in, yaml_event_t *event, unsigned depth);

static bool next_event(struct reading *in, yaml_event_t *event)
{
	const yaml_parser_t *p = &in->parser;

	if (yaml_parser_parse(&in->parser, event))
		return true;
	fail(in->error, (unsigned)p->problem_mark.line + 1, (unsigned)p->problem_mark.column + 1,
	     "%s%s%s", p->problem ? p->problem : "not YAML", p->context ? " " : "",
	     p->context ? p->context : "");
	return false;
}

static struct yaml_node *new_node(struct reading *in, const yaml_event_t *event, enum yaml_kind kind)
{
	struct yaml_node *node;

	if (++in->nodes > NODES_MAX)
		return fail_at(in, event, "the file holds more than 100000 values");
	node = mem_alloc(sizeof *node);
	node->kind = kind;
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	return node;
}

/* Room for one more: the arrays double whenever the count reaches a power of two. */
static void grow(struct yaml_node *node)
{
	size_t cap = node->count ? node->count * 2 : 1;

	if (node->count & (node->count - 1))
		return;
	node->items = mem_array(node->items, cap, sizeof *node->items);
	if (node->kind == YAML_MAP)
		node->keys = mem_array(node->keys, cap, sizeof *node->keys);
}

static struct yaml_node *read_scalar(struct reading *in, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node *node;

	if (memchr(text, '\0', len))
		return fail_at(in, event, "a text cannot hold the character U+0000");
	node = new_node(in, event, YAML_SCALAR);
	if (!node)
		return NULL;
	node->text = mem_strndup(text, len);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return node;
}

static int by_text(const void *a, const void *b)
{
	const struct yaml_node *x = *(struct yaml_node *const *)a, *y = *(struct yaml_node *const *)b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* Sorted, so that a map of 50,000 keys costs no more than its sorting. */
static bool keys_are_unique(struct reading *in, const struct yaml_node *map)
{
	struct yaml_node **sorted;
	const struct yaml_node *twice = NULL;

	if (map->count < 2)
		return true;
	sorted = mem_dup(map->keys, map->count * sizeof *sorted);
	qsort(sorted, map->count, sizeof *sorted, by_text);
	for (size_t i = 1; i < map->count; i++)
		if (!strcmp(sorted[i - 1]->text, sorted[i]->text) &&
		    (!twice || sorted[i]->line < twice->line)) {
			twice = sorted[i];
			fail(in->error, twice->line, twice->column,
			     "the key \"%.64s\" stands here for the second time; the first is at line %u",
			     twice->text, sorted[i - 1]->line);
		}
	mem_free(sorted);
	return !twice;
}

static bool read_key(struct reading *in, struct yaml_node *map, const yaml_event_t *event,
                     yaml_event_t *value)
{
	struct yaml_node *key;

	if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor || event->data.scalar.tag) {
		fail_at(in, event, "expected a plain key");
		return false;
	}
	key = read_scalar(in, event);
	if (!key)
		return false;
	grow(map);
	map->keys[map->count] = key;
	map->items[map->count] = NULL;
	map->count++;
	return next_event(in, value);
}

/* One item of a list, or one pair of a map. */
static bool read_item(struct reading *in, struct yaml_node *node, yaml_event_t *event, unsigned depth)
{
	yaml_event_t value;
	struct yaml_node *item;

	if (node->kind == YAML_LIST) {
		item = read_node(in, event, depth + 1);
		if (!item)
			return false;
		grow(node);
		node->items[node->count++] = item;
		return true;
	}
	if (!read_key(in, node, event, &value))
		return false;
	item = read_node(in, &value, depth + 1);
	yaml_event_delete(&value);
	node->items[node->count - 1] = item;
	return item != NULL;
}

static struct yaml_node *read_collection(struct reading *in, const yaml_event_t *start,
                                         enum yaml_kind kind, unsigned depth)
{
	yaml_event_type_t end = kind == YAML_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	struct yaml_node *node;
	yaml_event_t event;
	bool ok, ended = false;

	if (depth > DEPTH_MAX)
		return fail_at(in, start, "nested deeper than 32 levels");
	node = new_node(in, start, kind);
	ok = node != NULL;
	while (ok && !ended) {
		ok = next_event(in, &event);
		if (!ok)
			break;
		ended = event.type == end;
		if (!ended)
			ok = read_item(in, node, &event, depth);
		yaml_event_delete(&event);
	}
	if (ok && kind == YAML_MAP)
		ok = keys_are_unique(in, node);
	if (ok)
		return node;
	yaml_free(node);
	return NULL;
}

static struct yaml_node *read_node(struct reading *in, yaml_event_t *event, unsigned depth)
{
	const char *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		anchor = (const char *)event->data.scalar.anchor;
		tag = (const char *)event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = (const char *)event->data.sequence_start.anchor;
		tag = (const char *)event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = (const char *)event->data.mapping_start.anchor;
		tag = (const char *)event->data.mapping_start.tag;
		break;
	case YAML_ALIAS_EVENT:
		return fail_at(in, event, "aliases (*name) are not allowed: write the value out");
	default:
		return fail_at(in, event, "expected a value");
	}
	if (anchor)
		return fail_at(in, event, "anchors (&name) are not allowed");
	if (tag)
		return fail_at(in, event, "tags (!name) are not allowed: every value is a text");
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(in, event);
	return read_collection(in, event, event->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST,
	                       depth);
}

/* ---- the document ---- */

static struct yaml_node *empty_map(void)
{
	struct yaml_node *node = mem_alloc(sizeof *node);

	node->kind = YAML_MAP;
	node->line = node->column = 1;
	return node;
}

/* Takes the next event and wants it to be of one of two types; false also when it is the second. */
static bool expect(struct reading *in, yaml_event_type_t want, yaml_event_type_t or_else)
{
	yaml_event_t event;
	bool ok;

	if (!next_event(in, &event))
		return false;
	ok = event.type == want;
	if (!ok && event.type != or_else)
		fail_at(in, &event, "expected the end of the file: one document only");
	yaml_event_delete(&event);
	return ok;
}

static struct yaml_node *read_document(struct reading *in)
{
	struct yaml_node *root;
	yaml_event_t event;

	if (!expect(in, YAML_STREAM_START_EVENT, YAML_NO_EVENT))
		return NULL;
	if (!expect(in, YAML_DOCUMENT_START_EVENT, YAML_STREAM_END_EVENT))
		return in->error->text[0] ? NULL : empty_map();
	if (!next_event(in, &event))
		return NULL;
	root = read_node(in, &event, 1);
	yaml_event_delete(&event);
	if (root && root->kind == YAML_SCALAR && !root->quoted && !root->text[0]) {
		yaml_free(root);
		root = empty_map();
	}
	if (root && expect(in, YAML_DOCUMENT_END_EVENT, YAML_NO_EVENT) &&
	    expect(in, YAML_STREAM_END_EVENT, YAML_NO_EVENT))
		return root;
	yaml_free(root);
	return NULL;
}

struct yaml_node *yaml_parse(const char *bytes, size_t len, struct yaml_error *error)
{
	struct reading in = {.error = error};
	struct yaml_node *root;

	*error = (struct yaml_error){0};
	if (len > FILE_MAX_BYTES)
		return fail(error, 1, 1, "the file is larger than 1 MiB");
	if (!bytes_are_fit(bytes, len, error))
		return NULL;
	if (!yaml_parser_initialize(&in.parser))
		return fail(error, 0, 0, "out of memory");
	yaml_parser_set_encoding(&in.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&in.parser, (const unsigned char *)(len ? bytes : ""), len);
	root = read_document(&in);
	yaml_parser_delete(&in.parser);
	return root;
}

struct yaml_node *yaml_parse_file(const char *path, struct yaml_error *error)
{
	struct yaml_node *root = NULL;
	FILE *file = fopen(path, "rbe");
	char *bytes;
	size_t len;

	*error = (struct yaml_error){0};
	if (!file)
		return fail(error, 0, 0, "cannot open: %s", strerror(errno));
	bytes = mem_alloc(FILE_MAX_BYTES + 1);
	errno = 0;
	len = fread(bytes, 1, FILE_MAX_BYTES + 1, file);
	if (ferror(file))
		fail(error, 0, 0, "cannot read: %s", strerror(errno));
	else
		root = yaml_parse(bytes, len, error);
	fclose(file);
	mem_free(bytes);
	return root;
}

void yaml_free(struct yaml_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++) {
		yaml_free(node->items[i]);
		if (node->keys)
			yaml_free(node->keys[i]);
	}
	mem_free(node->items);
	mem_free(node->keys);
	mem_free(node->text);
	mem_free(node);
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

/* ---- words and durations ---- */

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein, in bytes, one row at a time; both words shorter than WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[WORD_MAX], diagonal, above;

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			above = row[j];
			row[j] = min_size(min_size(above, row[j - 1]) + 1,
			                  diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *yaml_nearest(const char *word, const char *const *candidates)
{
	size_t len = strlen(word), limit = len / 3 > 2 ? len / 3 : 2, distance, other;
	const char *nearest = NULL;

	if (len < 4)
		limit = 1; /* two edits turn any three letters into any other word */
	if (len >= WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		other = strlen(*candidates);
		if (other >= WORD_MAX)
			continue;
		distance = edit_distance(word, len, *candidates, other);
		if (distance > limit || (nearest && distance == limit))
			continue;
		nearest = *candidates;
		limit = distance;
	}
	return nearest;
}

bool yaml_duration_ms(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000},
	             {"d", 86400000}};
	int64_t number = 0, total;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *p - '0', &number))
			return false;
	if (p == text)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(p, units[i].unit))
			continue;
		if (__builtin_mul_overflow(number, units[i].ms, &total))
			return false;
		*ms = total;
		return true;
	}
	return false;
}
