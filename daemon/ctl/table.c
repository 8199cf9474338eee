/* Output for people: tables, objects and texts measured by their width on a terminal. */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	COLUMNS_MAX = 32,
	COLUMN_MIN = 14, /* references and times are never cut */
	GAP = 2,
	KEY_WIDTH = 16,
	KEYS_TEXT_MAX = 256
};

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char ellipsis[] = "\xe2\x80\xa6";

struct column {
	const char *key; /* borrowed from the rows, or from `names` */
	size_t width;    /* widest cell, then what it may take */
};

struct columns {
	struct column list[COLUMNS_MAX];
	size_t count;
	char names[KEYS_TEXT_MAX]; /* the caller's list cut into words */
};

/* Length of the character at p; sets *c to it, or to -1 for a byte that is no UTF-8. */
static size_t next_char(const char *p, size_t left, utf8proc_int32_t *c)
{
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)left, c);

	if (n > 0)
		return (size_t)n;
	*c = -1;
	return 1;
}

/* Control characters, and those that turn the direction of what follows. */
static bool steers(utf8proc_int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x2028 ||
	       c == 0x2029;
}

static size_t char_width(utf8proc_int32_t c)
{
	int width = c < 0 || steers(c) ? 1 : utf8proc_charwidth(c);

	return width > 0 ? (size_t)width : 0;
}

size_t ctl_width(const char *text)
{
	size_t left = strlen(text), width = 0;

	while (left > 0) {
		utf8proc_int32_t c;
		size_t n = next_char(text, left, &c);

		width += char_width(c);
		text += n;
		left -= n;
	}
	return width;
}

char *ctl_clean(const char *text, bool one_line)
{
	size_t left = strlen(text);
	struct buf out = { 0 };
	char *clean;

	while (left > 0) {
		utf8proc_int32_t c;
		size_t n = next_char(text, left, &c);

		if (c == '\n' && !one_line)
			buf_put(&out, "\n", 1);
		else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			if (!one_line || (out.len > 0 && out.data[out.len - 1] != ' '))
				buf_put(&out, " ", 1);
		} else if (c < 0 || steers(c))
			buf_put(&out, replacement, sizeof replacement - 1);
		else
			buf_put(&out, text, n);
		text += n;
		left -= n;
	}
	while (one_line && out.len > 0 && out.data[out.len - 1] == ' ')
		out.len--;
	clean = mem_strdup(buf_cstr(&out));
	buf_free(&out);
	return clean;
}

/* Bytes of the longest start of text that takes at most `width` columns, marks of the last included. */
static size_t fitting(const char *text, size_t width)
{
	size_t left = strlen(text), len = 0, used = 0;

	while (left > 0) {
		utf8proc_int32_t c;
		size_t n = next_char(text + len, left, &c);

		used += char_width(c);
		if (used > width)
			break;
		len += n;
		left -= n;
	}
	return len;
}

char *ctl_cut(const char *text, size_t width)
{
	if (ctl_width(text) <= width)
		return mem_strdup(text);
	if (width == 0)
		return mem_strdup("");
	return mem_printf("%.*s%s", (int)fitting(text, width - 1), text, ellipsis);
}

size_t ctl_wrap(const char *text, size_t width, const char **next)
{
	size_t line = strcspn(text, "\n"), len = fitting(text, width);
	utf8proc_int32_t c;
	size_t space;

	if (len >= line) {
		*next = text + line + (text[line] == '\n');
		return line;
	}
	if (len == 0)
		len = next_char(text, strlen(text), &c);
	for (space = len; space > 0 && text[space] != ' '; space--)
		;
	if (space > 0)
		len = space;
	*next = text + len + (text[len] == ' ');
	return len;
}

/* ---- tables ---- */

/* "2026-11-23T10:12:30.123456+00:00", or with a space and "+00" as PostgreSQL prints it, ->
 * "11-23 17:12:30" in the zone of whoever reads it. */
static bool local_time(const char *text, char out[16])
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	time_t at;
	long offset_s;

	if (rest != NULL)
		rest = *rest == 'T' || *rest == ' ' ? strptime(rest + 1, "%H:%M:%S", &tm) : NULL;
	if (rest == NULL)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	rest = strptime(rest, "%z", &tm);
	if (rest == NULL || *rest != '\0')
		return false;
	offset_s = tm.tm_gmtoff;
	at = timegm(&tm) - offset_s;
	return localtime_r(&at, &tm) != NULL && strftime(out, 16, "%m-%d %H:%M:%S", &tm) > 0;
}

/* A value as one clean line; numbers and truth as JSON writes them, null as nothing. */
static char *cell_text(const json_t *value)
{
	char *text, *clean, when[16];

	if (value == NULL || json_is_null(value))
		return mem_strdup("");
	if (json_is_string(value) && local_time(json_string_value(value), when))
		return mem_strdup(when);
	if (json_is_string(value))
		return ctl_clean(json_string_value(value), true);
	if (json_is_boolean(value))
		return mem_strdup(json_is_true(value) ? "yes" : "no");
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	clean = ctl_clean(text != NULL ? text : "", true);
	free(text);
	return clean;
}

static void add_column(struct columns *cols, const char *key)
{
	for (size_t i = 0; i < cols->count; i++)
		if (strcmp(cols->list[i].key, key) == 0)
			return;
	if (cols->count < COLUMNS_MAX)
		cols->list[cols->count++] = (struct column){ key, ctl_width(key) };
}

static bool occurs(const json_t *rows, const char *key)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (json_object_get(row, key) != NULL)
			return true;
	return false;
}

static void add_all(struct columns *cols, const json_t *rows)
{
	const char *key;
	json_t *row, *value;
	size_t i;

	json_array_foreach(rows, i, row) {
		json_object_foreach(row, key, value)
			add_column(cols, key);
	}
}

static void choose_columns(struct columns *cols, const json_t *rows, const char *keys)
{
	char *rest = NULL, *word;

	snprintf(cols->names, sizeof cols->names, "%s", keys != NULL ? keys : "");
	for (word = strtok_r(cols->names, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		if (occurs(rows, word))
			add_column(cols, word);
	if (cols->count == 0)
		add_all(cols, rows);
}

static void measure(struct columns *cols, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		for (size_t k = 0; k < cols->count; k++) {
			char *text = cell_text(json_object_get(row, cols->list[k].key));
			size_t width = ctl_width(text);

			if (width > cols->list[k].width)
				cols->list[k].width = width;
			mem_free(text);
		}
	}
}

static size_t total_width(const struct columns *cols)
{
	size_t total = 0;

	for (size_t k = 0; k < cols->count; k++)
		total += cols->list[k].width + (k > 0 ? GAP : 0);
	return total;
}

/* Takes from the widest column until the table fits; then leaves out the last columns, whose number
 * is returned. */
static size_t squeeze(struct columns *cols, size_t width)
{
	size_t before = cols->count;

	while (cols->count > 0 && total_width(cols) > width) {
		struct column *widest = cols->list;

		for (size_t k = 1; k < cols->count; k++)
			if (cols->list[k].width > widest->width)
				widest = &cols->list[k];
		if (widest->width > COLUMN_MIN)
			widest->width--;
		else
			cols->count--;
	}
	return before - cols->count;
}

static void print_cell(FILE *out, const char *text, size_t width, bool last)
{
	char *cut = ctl_cut(text, width);
	size_t pad = last ? 0 : width - ctl_width(cut) + GAP;

	fprintf(out, "%s%*s", cut, (int)pad, "");
	mem_free(cut);
}

static void print_head(FILE *out, const struct columns *cols)
{
	if (ctl_globals.colour)
		fputs("\033[1m", out);
	for (size_t k = 0; k < cols->count; k++) {
		char *title = mem_strdup(cols->list[k].key);

		for (char *p = title; *p != '\0'; p++)
			*p = (char)(*p == '_' ? ' ' : *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		print_cell(out, title, cols->list[k].width, k + 1 == cols->count);
		mem_free(title);
	}
	fputs(ctl_globals.colour ? "\033[0m\n" : "\n", out);
}

void ctl_table(FILE *out, const json_t *rows, const char *keys, int width)
{
	struct columns cols = { .count = 0 };
	size_t i, left_out = 0;
	json_t *row;

	if (json_array_size(rows) == 0) {
		fputs("(none)\n", out);
		return;
	}
	choose_columns(&cols, rows, keys);
	measure(&cols, rows);
	if (width > 0)
		left_out = squeeze(&cols, (size_t)width);
	print_head(out, &cols);
	json_array_foreach(rows, i, row) {
		for (size_t k = 0; k < cols.count; k++) {
			char *text = cell_text(json_object_get(row, cols.list[k].key));

			print_cell(out, text, cols.list[k].width, k + 1 == cols.count);
			mem_free(text);
		}
		fputc('\n', out);
	}
	if (left_out > 0)
		fprintf(out, "(%zu more columns on a wider terminal, or with --json)\n", left_out);
}

/* ---- objects ---- */

static bool is_flat(const json_t *value)
{
	return !json_is_array(value) && !json_is_object(value);
}

static void print_list(FILE *out, const json_t *list, int indent)
{
	json_t *item;
	size_t i;

	if (json_is_object(json_array_get(list, 0)) && indent <= KEY_WIDTH) {
		ctl_table(out, list, NULL, ctl_globals.width);
		return;
	}
	json_array_foreach(list, i, item) {
		char *text = cell_text(item);

		fprintf(out, "%*s- %s\n", indent, "", text);
		mem_free(text);
	}
}

void ctl_object(FILE *out, const json_t *object, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		char *name = ctl_clean(key, true), *text = NULL;
		int pad = KEY_WIDTH - (int)ctl_width(name);

		fprintf(out, "%*s%s", indent, "", name);
		if (is_flat(value)) {
			text = cell_text(value);
			fprintf(out, "%*s%s\n", pad > 1 ? pad : 1, "", text);
		} else if (json_is_object(value)) {
			fputc('\n', out);
			ctl_object(out, value, indent + 2);
		} else if (json_array_size(value) == 0) {
			fprintf(out, "%*s(none)\n", pad > 1 ? pad : 1, "");
		} else {
			fputc('\n', out);
			print_list(out, value, indent + 2);
		}
		mem_free(text);
		mem_free(name);
	}
}

void ctl_json(FILE *out, const json_t *value)
{
	json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', out);
}
