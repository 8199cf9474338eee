/* Folding for comparison and transliteration for sending, on utf8proc. */
#include "flows/engine/fold.h"

#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/mem.h"

/* One code point never decomposes to more than 18 (U+FDFA); room to spare. */
enum { PARTS_MAX = 32, BAD_CHARACTER = 0xfffd };

enum char_class { CHAR_GAP, CHAR_WORD, CHAR_PICTOGRAPH, CHAR_NONE };

/* What compatibility decomposition leaves outside GSM 03.38, and what a phone can show for it. */
static const struct {
	utf8proc_int32_t from;
	const char *to;
} nearest[] = {
	{0x0110, "D"}, {0x0111, "d"}, {0x2018, "'"}, {0x2019, "'"}, {0x201a, "'"}, {0x201c, "\""},
	{0x201d, "\""}, {0x201e, "\""}, {0x00ab, "\""}, {0x00bb, "\""}, {0x2010, "-"}, {0x2011, "-"},
	{0x2012, "-"}, {0x2013, "-"}, {0x2014, "-"}, {0x2015, "-"}, {0x2022, "-"}, {0x00d7, "x"},
	{0x2044, "/"}, {0x20ab, "d"}, {0x0060, "'"}, {0x00b4, "'"}, {0x2032, "'"}, {0x20ac, "\xe2\x82\xac"},
};

/* Reads one code point and moves on; a byte that starts none is U+FFFD. */
static utf8proc_int32_t next_point(const char **p)
{
	utf8proc_int32_t point;
	utf8proc_ssize_t len;

	if (!(**p & 0x80))
		return *(*p)++;
	len = utf8proc_iterate((const utf8proc_uint8_t *)*p, (utf8proc_ssize_t)strnlen(*p, 4), &point);
	*p += len > 0 ? len : 1;
	return len > 0 ? point : BAD_CHARACTER;
}

static void put_point(struct buf *out, utf8proc_int32_t point)
{
	utf8proc_uint8_t bytes[4];

	buf_put(out, bytes, (size_t)utf8proc_encode_char(point, bytes));
}

static size_t decompose(utf8proc_int32_t point, int options, utf8proc_int32_t parts[PARTS_MAX])
{
	int boundary = 0;
	utf8proc_ssize_t count = utf8proc_decompose_char(
		point, parts, PARTS_MAX,
		(utf8proc_option_t)(options | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
	                            UTF8PROC_STRIPMARK | UTF8PROC_IGNORE), &boundary);

	return count < 0 || count > PARTS_MAX ? 0 : (size_t)count;
}

static enum char_class class_of(utf8proc_int32_t point)
{
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return CHAR_WORD;
	case UTF8PROC_CATEGORY_SO:
		return point == BAD_CHARACTER ? CHAR_GAP : CHAR_PICTOGRAPH;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_CF:
		return CHAR_NONE;
	default:
		return CHAR_GAP;
	}
}

static char *finish(struct buf *out)
{
	buf_cstr(out);
	return (char *)out->data; /* ownership of the bytes goes to the caller */
}

/* What the tables say of ASCII, for most texts are made of it: letters and digits, else a gap. */
static void put_ascii(struct buf *out, char c, bool *gap)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
		*gap = true;
		return;
	}
	if (*gap && out->len)
		buf_put_u8(out, ' ');
	buf_put_u8(out, (uint8_t)c);
	*gap = false;
}

/* Dropping every mark makes canonical composition beforehand needless: NFC and NFD meet in NFKD. */
char *fold_text(const char *text)
{
	struct buf out = {0};
	utf8proc_int32_t parts[PARTS_MAX];
	bool gap = false;
	enum char_class kind;
	size_t count;

	while (*text) {
		if (!(*text & 0x80)) {
			put_ascii(&out, *text++, &gap);
			continue;
		}
		count = decompose(next_point(&text), UTF8PROC_CASEFOLD, parts);
		for (size_t i = 0; i < count; i++) {
			kind = class_of(parts[i]);
			if (kind == CHAR_NONE)
				continue;
			gap |= kind != CHAR_WORD;
			if (kind == CHAR_GAP)
				continue;
			if (gap && out.len)
				buf_put_u8(&out, ' ');
			put_point(&out, parts[i] == 0x0111 ? 'd' : parts[i]);
			gap = kind == CHAR_PICTOGRAPH;
		}
	}
	return finish(&out);
}

static const char *nearest_of(utf8proc_int32_t point)
{
	for (size_t i = 0; i < sizeof nearest / sizeof *nearest; i++)
		if (nearest[i].from == point)
			return nearest[i].to;
	return NULL;
}

static void put_gsm(struct buf *out, utf8proc_int32_t point)
{
	const char *other = nearest_of(point);

	if (other)
		buf_put(out, other, strlen(other));
	else if (point == '\n' || (point >= ' ' && point < 0x7f))
		buf_put_u8(out, (uint8_t)point);
	else if (class_of(point) == CHAR_WORD || class_of(point) == CHAR_PICTOGRAPH)
		buf_put_u8(out, '?');
	else if (class_of(point) == CHAR_GAP)
		buf_put_u8(out, ' ');
}

char *fold_to_gsm(const char *text)
{
	struct buf out = {0};
	utf8proc_int32_t parts[PARTS_MAX], point;
	size_t count;

	while (*text) {
		point = next_point(&text);
		if (nearest_of(point)) {
			put_gsm(&out, point);
			continue;
		}
		count = decompose(point, 0, parts);
		for (size_t i = 0; i < count; i++)
			put_gsm(&out, parts[i]);
	}
	return finish(&out);
}

char *fold_clean(const char *text, size_t max_len)
{
	struct buf out = {0};
	utf8proc_uint8_t bytes[4];
	utf8proc_int32_t point;
	size_t len;

	while (*text) {
		point = next_point(&text);
		if (point == '\r' || point == '\t')
			point = ' ';
		if ((point < ' ' && point != '\n') || point == 0x7f)
			point = BAD_CHARACTER;
		len = (size_t)utf8proc_encode_char(point, bytes);
		if (out.len + len > max_len)
			break;
		buf_put(&out, bytes, len);
	}
	return finish(&out);
}

bool fold_is_blank(const char *text)
{
	utf8proc_int32_t point;
	utf8proc_category_t kind;

	while (*text) {
		point = next_point(&text);
		kind = utf8proc_category(point);
		if (point != '\t' && point != '\n' && point != '\r' && kind != UTF8PROC_CATEGORY_ZS &&
		    kind != UTF8PROC_CATEGORY_ZL && kind != UTF8PROC_CATEGORY_ZP &&
		    kind != UTF8PROC_CATEGORY_CF)
			return false;
	}
	return true;
}

int fold_gsm_septets(const char *text)
{
	int septets = 0;
	utf8proc_int32_t point;

	while (*text) {
		point = next_point(&text);
		if (point == 0x20ac || (point < 0x80 && strchr("[]{}\\^|~", point)))
			septets += 2;
		else if ((point >= ' ' && point < 0x7f && point != '`') || point == '\n' || point == '\r')
			septets++;
		else
			return -1;
	}
	return septets;
}
