/* Officers out of CSV (RFC 4180): turned into the nodes that the YAML file would have given, so that one
 * reader checks both and faults name the line and column of the field. */
#include "core/roster.h"

#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_read.h"

enum { FIELDS_MAX = 16, FIELD_MAX = 1024 };

static const char *const columns[] = {"id", "name", "number", "second_number", "webhook", "mail", "team", "left",
				      NULL};

struct csv {
	const char *p, *end;
	unsigned line, column;
	struct yaml_error *error;
};

static bool csv_fault(struct csv *in, const char *text)
{
	struct yaml_node here = {.line = in->line, .column = in->column};

	return yaml_fault(in->error, &here, "%s", text);
}

static void step(struct csv *in)
{
	if (*in->p == '\n') {
		in->line++;
		in->column = 0;
	}
	if (((unsigned char)*in->p & 0xc0) != 0x80) /* columns count letters */
		in->column++;
	in->p++;
}

static struct yaml_node *scalar_new(const struct csv *in, const char *text, size_t len)
{
	struct yaml_node *node = mem_alloc(sizeof(*node));

	node->kind = YAML_SCALAR;
	node->line = in->line;
	node->column = in->column;
	node->text = mem_strndup(text, len);
	return node;
}

/* One field, up to the comma or the end of the line. NULL after a fault. */
static struct yaml_node *read_field(struct csv *in)
{
	struct csv start = *in;
	char text[FIELD_MAX];
	size_t len = 0;
	bool quoted = in->p < in->end && *in->p == '"';

	if (quoted)
		step(in);
	while (in->p < in->end && (quoted || !strchr(",\r\n", *in->p))) {
		bool quote = quoted && *in->p == '"';

		if (quote && (in->end - in->p < 2 || in->p[1] != '"'))
			break;
		if (quote)
			step(in);
		if (len + 1 >= sizeof(text) || *in->p == '\0')
			return csv_fault(in, "the field is too long or holds a zero byte"), NULL;
		text[len++] = *in->p;
		step(in);
	}
	if (quoted && in->p == in->end)
		return csv_fault(&start, "the quote is not closed"), NULL;
	if (quoted)
		step(in);
	if (quoted && in->p < in->end && !strchr(",\r\n", *in->p))
		return csv_fault(in, "a comma is expected behind the quote"), NULL;
	return scalar_new(&start, text, len);
}

static void list_add(struct yaml_node *list, struct yaml_node *item)
{
	list->items = mem_array(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = item;
}

/* One line as a list of fields. NULL after a fault. */
static struct yaml_node *read_line(struct csv *in)
{
	struct yaml_node *list = mem_alloc(sizeof(*list)), *field;

	list->kind = YAML_LIST;
	list->line = in->line;
	list->column = in->column;
	for (;;) {
		field = list->count < FIELDS_MAX ? read_field(in) : (csv_fault(in, "too many columns"), NULL);
		if (!field) {
			yaml_free(list);
			return NULL;
		}
		list_add(list, field);
		if (in->p == in->end || *in->p != ',')
			break;
		step(in);
	}
	while (in->p < in->end && strchr("\r\n", *in->p))
		step(in);
	return list;
}

static bool check_header(const struct yaml_node *header, struct yaml_error *error)
{
	for (size_t i = 0; i < header->count; i++) {
		int at;

		if (!yaml_read_choice(header->items[i], "column", columns, &at, error))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(header->items[i]->text, header->items[j]->text) == 0)
				return yaml_fault(error, header->items[i], "this column stands here twice");
		}
	}
	return true;
}

static void map_add(struct yaml_node *map, struct yaml_node *key, struct yaml_node *value)
{
	map->keys = mem_array(map->keys, map->count + 1, sizeof(*map->keys));
	map->keys[map->count] = key;
	list_add(map, value);
}

/* "hotline;night" as a list. */
static struct yaml_node *split_teams(const struct yaml_node *field)
{
	struct yaml_node *list = mem_alloc(sizeof(*list));
	const struct csv place = {.line = field->line, .column = field->column};

	list->kind = YAML_LIST;
	list->line = field->line;
	list->column = field->column;
	for (const char *p = field->text; *p;) {
		size_t len = strcspn(p, ";"), from = strspn(p, " "), to = len;

		while (to > from && p[to - 1] == ' ')
			to--;
		if (to > from)
			list_add(list, scalar_new(&place, p + from, to - from));
		p += len + (p[len] == ';');
	}
	return list;
}

/* A line as the map an officer is in YAML; empty fields are left out. */
static struct yaml_node *line_to_map(const struct yaml_node *header, const struct yaml_node *line)
{
	struct yaml_node *map = mem_alloc(sizeof(*map));
	struct csv place = {.line = line->line, .column = line->column};

	map->kind = YAML_MAP;
	map->line = line->line;
	map->column = line->column;
	for (size_t i = 0; i < line->count; i++) {
		const struct yaml_node *field = line->items[i];
		const char *key = header->items[i]->text;

		if (field->text[0] == '\0')
			continue;
		place.column = field->column;
		if (strcmp(key, "team") == 0)
			map_add(map, scalar_new(&place, "teams", 5), split_teams(field));
		else
			map_add(map, scalar_new(&place, key, strlen(key)),
				scalar_new(&place, field->text, strlen(field->text)));
	}
	return map;
}

static bool read_lines(struct csv *in, const struct yaml_node *header, struct yaml_node *officers)
{
	while (in->p < in->end) {
		struct yaml_node *line = read_line(in);
		bool ok;

		if (!line)
			return false;
		ok = line->count == header->count;
		if (ok)
			list_add(officers, line_to_map(header, line));
		else
			yaml_fault(in->error, line, "%zu columns are expected, %zu found", header->count, line->count);
		yaml_free(line);
		if (!ok)
			return false;
		if (officers->count > ROSTER_OFFICERS_MAX)
			return csv_fault(in, "too many officers");
	}
	return true;
}

bool roster_load_csv(const char *bytes, size_t len, struct roster *out, struct yaml_error *error)
{
	struct csv in = {.p = bytes, .end = bytes + len, .line = 1, .column = 1, .error = error};
	struct yaml_node *root = mem_alloc(sizeof(*root)), *officers = mem_alloc(sizeof(*officers));
	struct yaml_node *header;
	bool ok;

	memset(out, 0, sizeof(*out));
	memset(error, 0, sizeof(*error));
	root->kind = YAML_MAP;
	officers->kind = YAML_LIST;
	root->line = root->column = officers->line = officers->column = 1;
	map_add(root, scalar_new(&in, "officers", 8), officers);
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		in.p += 3; /* spreadsheets put a byte order mark there */
	header = read_line(&in);
	ok = header && check_header(header, error) && read_lines(&in, header, officers) &&
	     roster_load(root, NULL, out, error);
	yaml_free(header);
	yaml_free(root);
	return ok;
}
