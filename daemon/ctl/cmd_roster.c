/* roster import: the list of officers from a YAML file, checked before the daemon sees it. */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include "base/yaml.h"

enum { OFFICERS_MAX = 1000, NAME_MAX_BYTES = 100, TEAM_MAX = 31, NUMBER_MIN = 3, NUMBER_MAX = 15 };

static const char *const known_keys[] = { "name", "number", "team", "teams", NULL };
static const char team_charset[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

/* The file that is being read, for error texts. */
static const char *file_name;

__attribute__((format(printf, 2, 3))) static bool fault(const struct yaml_node *at,
							const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	ctl_error("%s:%u:%u: %s", file_name, at->line, at->column, text);
	return false;
}

static bool check_keys(const struct yaml_node *officer)
{
	for (size_t i = 0; i < officer->count; i++) {
		const char *near = yaml_nearest(officer->keys[i]->text, known_keys);
		bool known = near != NULL && strcmp(near, officer->keys[i]->text) == 0;

		if (!known && near != NULL)
			return fault(officer->keys[i], "unknown key; did you mean \"%s\"?", near);
		if (!known)
			return fault(officer->keys[i], "unknown key; an officer has name, number, team");
	}
	return true;
}

static const struct yaml_node *scalar(const struct yaml_node *officer, const char *key)
{
	const struct yaml_node *node = yaml_find(officer, key);

	if (node == NULL)
		fault(officer, "%s is missing", key);
	else if (node->kind == YAML_SCALAR && node->text[0] != '\0')
		return node;
	else
		fault(node, "%s: a text is expected", key);
	return NULL;
}

/* E.164 with its plus, separators dropped: "+84 90 000 00 01" -> "+84900000001". */
static bool read_number(const struct yaml_node *node, char out[NUMBER_MAX + 2])
{
	size_t n = 0;

	for (const char *p = node->text; *p != '\0'; p++) {
		if (strchr(" .-()", *p) != NULL)
			continue;
		if (n > NUMBER_MAX || ((*p < '0' || *p > '9') && (*p != '+' || n > 0)))
			return fault(node, "number: + and %d to %d digits are expected", NUMBER_MIN,
				     NUMBER_MAX);
		out[n++] = *p;
	}
	out[n] = '\0';
	if (out[0] != '+' || n <= NUMBER_MIN)
		return fault(node, "number: + and %d to %d digits are expected (+84 for Viet Nam)",
			     NUMBER_MIN, NUMBER_MAX);
	return true;
}

static bool check_team(const struct yaml_node *node)
{
	size_t len = node->kind == YAML_SCALAR ? strlen(node->text) : 0;

	if (len == 0 || len > TEAM_MAX || strspn(node->text, team_charset) != len)
		return fault(node, "team: 1 to %d of a-z, 0-9 and hyphen are expected", TEAM_MAX);
	return true;
}

/* `team: NAME`, or `teams: [NAME]` with one name. */
static const struct yaml_node *find_team(const struct yaml_node *officer)
{
	const struct yaml_node *node = yaml_find(officer, "teams");

	if (node == NULL || yaml_find(officer, "team") != NULL)
		node = scalar(officer, "team");
	else if (node->kind == YAML_LIST && node->count == 1)
		node = node->items[0];
	else if (node->kind == YAML_LIST) {
		fault(node, "teams: a list of one team is expected");
		return NULL;
	}
	return node != NULL && check_team(node) ? node : NULL;
}

static bool is_new(const json_t *officers, const char *number)
{
	json_t *other;
	size_t i;

	json_array_foreach(officers, i, other)
		if (strcmp(json_string_value(json_object_get(other, "number")), number) == 0)
			return false;
	return true;
}

static bool read_officer(const struct yaml_node *officer, json_t *officers)
{
	const struct yaml_node *name, *number, *team;
	char e164[NUMBER_MAX + 2];

	if (officer->kind != YAML_MAP)
		return fault(officer, "an officer is expected: {name, number, team}");
	if (!check_keys(officer))
		return false;
	name = scalar(officer, "name");
	number = name != NULL ? scalar(officer, "number") : NULL;
	team = number != NULL ? find_team(officer) : NULL;
	if (team == NULL || !read_number(number, e164))
		return false;
	if (strlen(name->text) > NAME_MAX_BYTES)
		return fault(name, "name: at most %d bytes are expected", NAME_MAX_BYTES);
	if (!is_new(officers, e164))
		return fault(number, "number: another officer above has the same");
	json_array_append_new(officers, json_pack("{s:s,s:s,s:s}", "name", name->text, "number", e164,
						  "team", team->text));
	return true;
}

static bool read_officers(const struct yaml_node *root, json_t *officers)
{
	const struct yaml_node *list = root->kind == YAML_MAP ? yaml_find(root, "officers") : NULL;

	if (list == NULL || list->kind != YAML_LIST || list->count == 0)
		return fault(list != NULL ? list : root, "a list is expected: officers: [...]");
	if (root->count != 1)
		return fault(root, "only \"officers\" is expected here");
	if (list->count > OFFICERS_MAX)
		return fault(list, "at most %d officers are expected", OFFICERS_MAX);
	for (size_t i = 0; i < list->count; i++)
		if (!read_officer(list->items[i], officers))
			return false;
	return true;
}

static json_t *load_roster(const char *path)
{
	struct yaml_error e;
	struct yaml_node *root = yaml_parse_file(path, &e);
	json_t *officers = json_array();

	file_name = path;
	if (root == NULL) {
		ctl_error("%s:%u:%u: %s", path, e.line, e.column, e.text);
	} else if (read_officers(root, officers)) {
		yaml_free(root);
		return officers;
	}
	yaml_free(root);
	json_decref(officers);
	return NULL;
}

/* What is about to change, with the numbers masked: this is often run with others looking on. */
static void show_roster(const json_t *officers)
{
	json_t *rows = json_deep_copy(officers), *row;
	char masked[24];
	size_t i;

	json_array_foreach(rows, i, row) {
		ctl_mask_number(json_string_value(json_object_get(row, "number")), masked);
		json_object_set_new(row, "number", json_string(masked));
	}
	printf("Officers to add or bring up to date (%zu):\n", json_array_size(rows));
	ctl_table(stdout, rows, "name number team", ctl_globals.width);
	json_decref(rows);
}

int cmd_roster_import(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	const char *file = NULL;
	enum ctl_exit status;
	json_t *officers, *data = NULL;

	if (!ctl_parse(argc, argv, 2, none, &file, 1, 1))
		return CTL_USAGE;
	officers = load_roster(file);
	if (officers == NULL)
		return CTL_CONFIG;
	if (!ctl_globals.json)
		show_roster(officers);
	status = ctl_call("roster-import", json_pack("{s:o}", "officers", officers), &data);
	if (status != CTL_OK)
		return (int)status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else if (json_object_size(data) > 0)
		ctl_object(stdout, data, 0);
	else
		puts("imported");
	json_decref(data);
	return CTL_OK;
}
