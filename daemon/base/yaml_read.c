/* Typed values out of YAML nodes, with faults that name their place. */
#include "base/yaml_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

static const char id_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

bool yaml_fault(struct yaml_error *error, const struct yaml_node *at, const char *format, ...)
{
	va_list args;

	error->line = at->line;
	error->column = at->column;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

bool yaml_read_map(const struct yaml_node *node, const char *what, const char *const *known,
		   struct yaml_error *error)
{
	if (node->kind != YAML_MAP)
		return yaml_fault(error, node, "%s is expected: a map", what);
	for (size_t i = 0; i < node->count; i++) {
		const char *near = yaml_nearest(node->keys[i]->text, known);

		if (!near)
			return yaml_fault(error, node->keys[i], "%s has no key \"%.40s\"", what,
					  node->keys[i]->text);
		if (strcmp(near, node->keys[i]->text) != 0)
			return yaml_fault(error, node->keys[i], "unknown key \"%.40s\"; did you mean \"%s\"?",
					  node->keys[i]->text, near);
	}
	return true;
}

bool yaml_read_list(const struct yaml_node *node, const char *what, size_t max, struct yaml_error *error)
{
	if (node->kind != YAML_LIST)
		return yaml_fault(error, node, "%s: a list is expected", what);
	if (node->count > max)
		return yaml_fault(error, node, "%s: at most %zu are expected", what, max);
	return true;
}

bool yaml_read_text(const struct yaml_node *node, const char *what, char *out, size_t size,
		    struct yaml_error *error)
{
	size_t len = node->kind == YAML_SCALAR ? strlen(node->text) : 0;

	if (len == 0 || len >= size)
		return yaml_fault(error, node, "%s: a text of 1 to %zu bytes is expected", what, size - 1);
	memcpy(out, node->text, len + 1);
	return true;
}

bool yaml_read_id(const struct yaml_node *node, const char *what, char *out, size_t size,
		  struct yaml_error *error)
{
	size_t len = node->kind == YAML_SCALAR ? strlen(node->text) : 0;

	if (len == 0 || len >= size || strspn(node->text, id_letters) != len || strchr("_-", node->text[0]))
		return yaml_fault(error, node, "%s: 1 to %zu of a-z, 0-9, - and _ are expected", what, size - 1);
	memcpy(out, node->text, len + 1);
	return true;
}

bool yaml_read_int(const struct yaml_node *node, const char *what, int min, int max, int *out,
		   struct yaml_error *error)
{
	char *end = NULL;
	long n = 0;

	if (node->kind == YAML_SCALAR && node->text[0] != '\0' && !strchr(" +", node->text[0]))
		n = strtol(node->text, &end, 10);
	if (!end || *end != '\0' || n < min || n > max)
		return yaml_fault(error, node, "%s: a whole number from %d to %d is expected", what, min, max);
	*out = (int)n;
	return true;
}

bool yaml_read_seconds(const struct yaml_node *node, const char *what, int64_t min_s, int64_t max_s,
		       int64_t *out, struct yaml_error *error)
{
	int64_t ms;

	if (node->kind != YAML_SCALAR || !yaml_duration_ms(node->text, &ms) || ms < min_s * 1000 ||
	    ms > max_s * 1000)
		return yaml_fault(error, node,
				  "%s: a time from %lld s to %lld s is expected, such as 90s, 15min or 12h", what,
				  (long long)min_s, (long long)max_s);
	*out = ms / 1000;
	return true;
}

bool yaml_read_bool(const struct yaml_node *node, const char *what, bool *out, struct yaml_error *error)
{
	static const char *const words[] = {"false", "true", "no", "yes", NULL};
	int at;

	if (!yaml_read_choice(node, what, words, &at, error))
		return false;
	*out = at % 2 == 1;
	return true;
}

bool yaml_read_choice(const struct yaml_node *node, const char *what, const char *const *words, int *out,
		      struct yaml_error *error)
{
	char list[160] = "";

	for (int i = 0; words[i]; i++) {
		size_t len = strlen(list);

		if (node->kind == YAML_SCALAR && strcmp(node->text, words[i]) == 0) {
			*out = i;
			return true;
		}
		snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", words[i]);
	}
	return yaml_fault(error, node, "%s: one of %s is expected", what, list);
}
