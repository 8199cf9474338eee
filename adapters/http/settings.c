/* Texts, paths, secrets, numbers and durations out of YAML. */
#include "adapters/http/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/yaml.h"

struct fault {
	char *text;
	size_t size;
};

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(fault->text, fault->size, "%u:%u: %s", node->line, node->column, what);
	return false;
}

static bool is_text(const struct http_setting *s)
{
	return s->kind != HTTP_SETTING_NUMBER && s->kind != HTTP_SETTING_DURATION;
}

static bool read_number(const struct http_setting *s, const char *text, int64_t *out)
{
	char *end;

	if (s->kind == HTTP_SETTING_DURATION)
		return yaml_duration_ms(text, out);
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* The first line of the file; never echoed. */
static bool read_secret(const struct http_setting *s, const struct yaml_node *node, const char *path, char **out,
			const struct fault *fault)
{
	char line[1024] = "", why[512];
	bool fits;
	FILE *file;

	if (!conf_secret_file(path, why, sizeof(why)))
		return fault_at(fault, node, "%s", why);
	file = fopen(path, "re");
	if (!file)
		return fault_at(fault, node, "secret file %s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	fits = (int64_t)strlen(line) >= s->low && (int64_t)strlen(line) <= s->high;
	if (fits)
		*out = mem_strdup(line);
	explicit_bzero(line, sizeof(line));
	return fits || fault_at(fault, node, "the secret in %s must have %lld to %lld characters", path,
				(long long)s->low, (long long)s->high);
}

static bool read_text(const struct http_setting *s, const struct yaml_node *node, const char *folder, char **out,
		      const struct fault *fault)
{
	bool anchored = s->kind != HTTP_SETTING_TEXT && node->text[0] != '/' && folder;
	int64_t len = (int64_t)strlen(node->text);
	char *path;
	bool ok;

	if (s->kind != HTTP_SETTING_SECRET && (len < s->low || len > s->high))
		return fault_at(fault, node, "'%s' must have %lld to %lld characters, found %lld", s->key,
				(long long)s->low, (long long)s->high, (long long)len);
	path = anchored ? mem_printf("%s/%s", folder, node->text) : mem_strdup(node->text);
	if (s->kind != HTTP_SETTING_SECRET) {
		*out = path;
		return true;
	}
	ok = read_secret(s, node, path, out, fault);
	mem_free(path);
	return ok;
}

static bool read_one(const struct http_setting *s, const struct yaml_node *map, const char *folder, void *at,
		     const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, s->key);
	int64_t value;

	if (!node && !s->fallback)
		return true;
	if (!node && is_text(s)) {
		*(char **)at = mem_strdup(s->fallback);
		return true;
	}
	if (node && node->kind != YAML_SCALAR)
		return fault_at(fault, node, "'%s' must be a single value", s->key);
	if (is_text(s))
		return read_text(s, node, folder, at, fault);
	if (!read_number(s, node ? node->text : s->fallback, &value))
		return fault_at(fault, node ? node : map, "'%s' must be a %s, found '%s'", s->key,
				s->kind == HTTP_SETTING_DURATION ? "duration such as 30s or 2min" : "number",
				node ? node->text : s->fallback);
	if (value < s->low || value > s->high)
		return fault_at(fault, node ? node : map, "'%s' must lie between %lld and %lld%s, found %lld", s->key,
				(long long)s->low, (long long)s->high, s->kind == HTTP_SETTING_DURATION ? " ms" : "",
				(long long)value);
	*(int64_t *)at = value;
	return true;
}

bool http_settings_read(const struct http_setting *table, size_t count, const struct yaml_node *map,
			const char *folder, void *out, char *error, size_t error_size)
{
	struct fault fault = {error, error_size};

	for (size_t i = 0; i < count; i++) {
		if (!read_one(&table[i], map, folder, (char *)out + table[i].at, &fault))
			return false;
	}
	return true;
}

void http_settings_fini(const struct http_setting *table, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++) {
		char **at = (char **)(void *)((char *)out + table[i].at);

		if (!is_text(&table[i]))
			continue;
		if (*at && table[i].kind == HTTP_SETTING_SECRET)
			explicit_bzero(*at, strlen(*at));
		mem_free(*at);
		*at = NULL;
	}
}
