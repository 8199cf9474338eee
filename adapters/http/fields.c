/* Forms, JSON objects and templates. */
#include "adapters/http/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- reading ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put_unescaped(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = bytes[i] == '%' && i + 2 < len ? hex_value(bytes[i + 1]) : -1;
		int low = high >= 0 ? hex_value(bytes[i + 2]) : -1;

		if (low >= 0) {
			buf_put_u8(out, (uint8_t)(high << 4 | low));
			i += 2;
		} else {
			buf_put_u8(out, bytes[i] == '+' ? ' ' : (uint8_t)bytes[i]);
		}
	}
}

bool http_fields_add_form(struct http_fields *f, const char *bytes, size_t len)
{
	const char *end = len ? bytes + len : bytes, *at = bytes;

	while (at < end) {
		const char *next = memchr(at, '&', (size_t)(end - at)), *stop = next ? next : end;
		const char *equals = memchr(at, '=', (size_t)(stop - at));
		struct http_field field = {.name = f->bytes.len};

		if (f->count == HTTP_FIELDS_MAX)
			return false;
		put_unescaped(&f->bytes, at, (size_t)((equals ? equals : stop) - at));
		field.name_len = f->bytes.len - field.name;
		field.value = f->bytes.len;
		if (equals)
			put_unescaped(&f->bytes, equals + 1, (size_t)(stop - equals - 1));
		field.value_len = f->bytes.len - field.value;
		if (stop > at)
			f->items[f->count++] = field;
		at = next ? next + 1 : end;
	}
	return true;
}

bool http_fields_add(struct http_fields *f, const char *name, const char *value, size_t len)
{
	struct http_field field = {.name = f->bytes.len, .name_len = strlen(name)};

	if (f->count == HTTP_FIELDS_MAX)
		return false;
	buf_put(&f->bytes, name, field.name_len);
	field.value = f->bytes.len;
	field.value_len = len;
	put_unescaped(&f->bytes, value, len);
	field.value_len = f->bytes.len - field.value;
	f->items[f->count++] = field;
	return true;
}

bool http_fields_set_json(struct http_fields *f, const char *bytes, size_t len)
{
	f->json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(f->json))
		return true;
	json_decref(f->json);
	f->json = NULL;
	return false;
}

void http_fields_fini(struct http_fields *f)
{
	buf_free(&f->bytes);
	json_decref(f->json);
	memset(f, 0, sizeof(*f));
}

/* One step of a dotted name. */
static json_t *step_into(const json_t *json, const char *part, size_t len)
{
	char name[64];
	char *end;
	unsigned long index;

	if (len >= sizeof(name))
		return NULL;
	memcpy(name, part, len);
	name[len] = '\0';
	if (json_is_object(json))
		return json_object_get(json, name);
	index = strtoul(name, &end, 10);
	return json_is_array(json) && len > 0 && *end == '\0' ? json_array_get(json, index) : NULL;
}

/* A whole key with dots in it comes before the way through objects. */
static json_t *find_json(json_t *json, const char *name)
{
	json_t *whole = json_object_get(json, name);

	while (!whole && json && *name) {
		size_t len = strcspn(name, ".");

		json = step_into(json, name, len);
		name += len + (name[len] == '.');
	}
	return whole ? whole : json;
}

static struct http_slice json_text(struct http_fields *f, const json_t *value)
{
	size_t from;

	if (json_is_string(value))
		return (struct http_slice){json_string_value(value), json_string_length(value)};
	if (json_is_boolean(value))
		return json_is_true(value) ? (struct http_slice){"true", 4} : (struct http_slice){"false", 5};
	if (!json_is_integer(value))
		return (struct http_slice){NULL, 0};
	from = f->bytes.len;
	buf_printf(&f->bytes, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return (struct http_slice){(const char *)f->bytes.data + from, f->bytes.len - from};
}

struct http_slice http_fields_find(struct http_fields *f, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < f->count; i++) {
		const struct http_field *field = &f->items[i];

		if (field->name_len == len && memcmp(f->bytes.data + field->name, name, len) == 0)
			return (struct http_slice){(const char *)f->bytes.data + field->value, field->value_len};
	}
	return f->json ? json_text(f, find_json(f->json, name)) : (struct http_slice){NULL, 0};
}

/* ---- writing ---- */

void http_put_form(struct buf *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			     strchr("-._~", *p);

		if (plain) {
			buf_put_u8(out, *p);
		} else {
			buf_put_u8(out, '%');
			buf_put_u8(out, (uint8_t)digits[*p >> 4]);
			buf_put_u8(out, (uint8_t)digits[*p & 15]);
		}
	}
}

static void put_json(struct buf *out, const char *text)
{
	json_t *value = json_string(text);
	char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	buf_put(out, quoted ? quoted : "\"\"", quoted ? strlen(quoted) : 2);
	free(quoted);
	json_decref(value);
}

/* Length of the name in "{name}" at the start of the text; 0 if that is none. */
static size_t name_len(const char *text)
{
	size_t len;

	if (text[0] != '{')
		return 0;
	len = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_");
	return len > 0 && text[1 + len] == '}' ? len : 0;
}

static const char *value_of(const struct http_value *values, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(values[i].name) == len && memcmp(values[i].name, name, len) == 0)
			return values[i].value ? values[i].value : "";
	}
	return "";
}

void http_fill(const char *template, const struct http_value *values, size_t count, enum http_form form,
	       struct buf *out)
{
	while (*template) {
		size_t len = name_len(template);
		const char *value;

		if (len == 0) {
			buf_put_u8(out, (uint8_t)*template++);
			continue;
		}
		value = value_of(values, count, template + 1, len);
		if (form == HTTP_AS_JSON)
			put_json(out, value);
		else if (form == HTTP_AS_FORM)
			http_put_form(out, value);
		else
			buf_put(out, value, strlen(value));
		template += len + 2;
	}
}

static bool is_known(const char *name, size_t len, const char *const *names)
{
	for (; *names; names++) {
		if (strlen(*names) == len && memcmp(*names, name, len) == 0)
			return true;
	}
	return false;
}

bool http_fill_unknown(const char *template, const char *const *names, char *out, size_t size)
{
	for (; *template; template++) {
		size_t len = name_len(template);

		if (len > 0 && len < size && !is_known(template + 1, len, names)) {
			memcpy(out, template + 1, len);
			out[len] = '\0';
			return true;
		}
	}
	return false;
}
