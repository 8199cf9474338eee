/* Marks of hand-made parts, and the whole that they make. */
#include "flows/engine/split.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

static const char *const before_number[] = {"phần ", "phần", "phan ", "phan", "part ", "part", "tin ", "p"};

static bool digit_at(const char *p, unsigned *value)
{
	if (p[0] < '1' || p[0] > '0' + SPLIT_MAX || (p[1] >= '0' && p[1] <= '9'))
		return false;
	*value = (unsigned)(p[0] - '0');
	return true;
}

static const char *skip_word(const char *p)
{
	size_t len;

	for (size_t i = 0; i < sizeof before_number / sizeof *before_number; i++) {
		len = strlen(before_number[i]);
		if (!strncasecmp(p, before_number[i], len) && p[len] >= '0' && p[len] <= '9')
			return p + len;
	}
	return p;
}

/* The mark at p: the byte after it, or NULL. */
static const char *parse_mark(const char *p, struct split *out)
{
	char open = *p, close = open == '(' ? ')' : open == '[' ? ']' : '\0';
	const char *number = skip_word(close ? p + 1 : p);
	bool worded = number != (close ? p + 1 : p);

	*out = (struct split){0};
	if (!digit_at(number, &out->index))
		return NULL;
	p = number + 1;
	if (*p == '/' && digit_at(p + 1, &out->total))
		p += 2;
	if (out->total ? out->total < 2 || out->index > out->total : !worded)
		return NULL;
	if (close)
		return *p == close ? p + 1 : NULL;
	if (*p && strchr(":.)-", *p))
		return p + 1;
	return out->total && (*p == ' ' || *p == '\n') ? p : NULL;
}

static bool mark_at_start(const char *text, struct split *out)
{
	const char *p = parse_mark(text + strspn(text, " \t\n"), out);

	if (!p)
		return false;
	out->rest = p + strspn(p, " \t\n:.-");
	out->rest_len = strlen(out->rest);
	return true;
}

static bool mark_at_end(const char *text, struct split *out)
{
	const char *open = strrchr(text, '('), *end;

	if (!open)
		open = strrchr(text, '[');
	end = open ? parse_mark(open, out) : NULL;
	if (!end || end[strspn(end, " \t\n.")])
		return false;
	out->rest = text;
	out->rest_len = (size_t)(open - text);
	return true;
}

bool split_mark(const char *text, struct split *out)
{
	struct split found;

	if (!mark_at_start(text, &found) && !mark_at_end(text, &found))
		return false;
	*out = found;
	return true;
}

char *split_join(char *const *earlier, size_t count, const char *text)
{
	struct split parts[SPLIT_MAX + 1] = {0}, last, part;
	struct buf out = {0};
	size_t others = 0;

	if (!split_mark(text, &last))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (split_mark(earlier[i], &part) && part.total == last.total)
			parts[part.index] = part;
	parts[last.index] = last;
	for (size_t i = 1; i <= SPLIT_MAX; i++) {
		if (!parts[i].rest)
			continue;
		others += i != last.index;
		if (out.len)
			buf_put_u8(&out, ' ');
		buf_put(&out, parts[i].rest, parts[i].rest_len);
	}
	if (!others) {
		buf_free(&out);
		return NULL;
	}
	buf_cstr(&out);
	return (char *)out.data; /* ownership of the bytes goes to the caller */
}
