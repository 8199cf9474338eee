/* Outgoing texts: the cheapest alphabet, plain letters where they are wanted, and the cut into parts. */
#include "core/charset.h"

#include <string.h>
#include <utf8proc.h>

#include "core/charset_internal.h"

enum { SINGLE_SEPTETS = 160, SINGLE_OCTETS = 140 };

/* ---- coding ---- */

/* What a text can be coded in. */
enum coding { CODING_GSM, CODING_ASCII, CODING_LATIN1, CODING_UCS2 };

static bool fits(const char *text, enum coding coding)
{
	size_t len = strlen(text);
	uint32_t point;

	for (size_t at = 0; at < len;) {
		at += charset_next_point((const uint8_t *)text + at, len - at, &point);
		if ((coding == CODING_GSM && charset_gsm_code(point) < 0) ||
		    (coding == CODING_ASCII && !charset_same_in_ascii(point)) ||
		    (coding == CODING_LATIN1 && point > 0xff))
			return false;
	}
	return true;
}

bool charset_fits_gsm7(const char *text)
{
	return fits(text, CODING_GSM);
}

static void put_gsm(struct buf *out, uint32_t point)
{
	int code = charset_gsm_code(point);

	if (code > 0xff)
		buf_put_u8(out, GSM_ESCAPE);
	buf_put_u8(out, (uint8_t)code);
}

static void put_utf16(struct buf *out, uint32_t point)
{
	if (point == CODE_BAD)
		point = REPLACEMENT;
	if (point >= 0x10000) {
		point -= 0x10000;
		buf_put_u16(out, (uint16_t)(0xd800 | point >> 10));
		point = 0xdc00 | (point & 0x3ff);
	}
	buf_put_u16(out, (uint16_t)point);
}

static void put_coded(struct buf *out, enum coding coding, uint32_t point)
{
	if (coding == CODING_UCS2)
		put_utf16(out, point);
	else if (coding == CODING_LATIN1)
		buf_put_u8(out, (uint8_t)point);
	else
		put_gsm(out, point);
}

static size_t single_octets(enum coding coding)
{
	return coding == CODING_UCS2 || coding == CODING_LATIN1 ? SINGLE_OCTETS : SINGLE_SEPTETS;
}

static size_t part_octets(enum coding coding, unsigned ref_bits)
{
	size_t left = SINGLE_OCTETS - (ref_bits == 16 ? 7 : 6);

	if (coding == CODING_LATIN1)
		return left;
	/* Septets start on a septet boundary behind the header; UTF-16 units are never halved. */
	return coding == CODING_UCS2 ? left / 2 * 2 : left * 8 / 7;
}

/* Cutting goes on while characters are appended: `whole` is where the last cluster began. */
struct cutter {
	size_t limit, start, whole;
	unsigned parts_max;
	utf8proc_int32_t before, state; /* for the grapheme rule */
};

static bool cluster_begins(struct cutter *c, uint32_t point)
{
	utf8proc_int32_t now = point == CODE_BAD ? REPLACEMENT : (utf8proc_int32_t)point;
	utf8proc_int32_t before = c->before;

	c->before = now;
	return before < 0 || utf8proc_grapheme_break_stateful(before, now, &c->state);
}

/* Closes parts until what was appended since the last cut fits; false when no part is left. */
static bool cut_parts(struct cutter *c, struct charset_parts *out, size_t at)
{
	while (out->octets.len - c->start > c->limit) {
		size_t end = c->whole > c->start ? c->whole : at;

		out->end[out->count++] = end;
		c->start = end;
		if (out->count == c->parts_max)
			return false;
	}
	return true;
}

static void code_text(const char *text, enum coding coding, struct cutter *c,
                      struct charset_parts *out)
{
	size_t len = strlen(text), from = 0;
	uint32_t point;

	while (from < len) {
		size_t at = out->octets.len;

		from += charset_next_point((const uint8_t *)text + from, len - from, &point);
		if (cluster_begins(c, point))
			c->whole = at;
		put_coded(&out->octets, coding, point);
		if (!cut_parts(c, out, at)) {
			out->cut = true;
			out->octets.len = c->start;
			return;
		}
	}
	out->end[out->count++] = out->octets.len;
}

static void split_in(const char *text, enum coding coding, unsigned ref_bits, unsigned parts_max,
                     struct charset_parts *out)
{
	struct cutter c = { .before = -1, .parts_max = 1, .limit = single_octets(coding) };

	*out = (struct charset_parts){ .ucs2 = coding == CODING_UCS2,
		                       .latin1 = coding == CODING_LATIN1 };
	code_text(text, coding, &c, out);
	if (!out->cut || parts_max < 2)
		return;
	c = (struct cutter){ .before = -1, .limit = part_octets(coding, ref_bits) };
	c.parts_max = parts_max < CHARSET_PARTS_MAX ? parts_max : CHARSET_PARTS_MAX;
	buf_clear(&out->octets);
	out->count = 0;
	out->cut = false;
	code_text(text, coding, &c, out);
}

/* Plain letters in place of the text, if that saves a part or a cut. */
static void try_plain(const char *text, enum coding narrow, unsigned ref_bits, unsigned parts_max,
                      struct charset_parts *out)
{
	struct charset_parts plain;
	struct buf letters = { 0 };

	if (charset_transliterate(text, &letters) && fits(buf_cstr(&letters), narrow)) {
		split_in(buf_cstr(&letters), narrow, ref_bits, parts_max, &plain);
		if (plain.count < out->count || (out->cut && !plain.cut)) {
			charset_parts_free(out);
			*out = plain;
		} else {
			charset_parts_free(&plain);
		}
	}
	buf_free(&letters);
}

void charset_split(const char *text, const struct charset_choice *choice, unsigned ref_bits,
                   unsigned parts_max, struct charset_parts *out)
{
	enum coding narrow = choice->dcs0 == ALPHABET_GSM7 ? CODING_GSM : CODING_ASCII;
	enum coding coding = fits(text, narrow) ? narrow
	                   : choice->latin1 && fits(text, CODING_LATIN1) ? CODING_LATIN1
	                                                                  : CODING_UCS2;

	split_in(text, coding, ref_bits, parts_max, out);
	if (coding != narrow && choice->transliterate)
		try_plain(text, narrow, ref_bits, parts_max, out);
}

static void screen_in(const char *text, enum coding coding, size_t octets_max, struct charset_parts *out)
{
	struct cutter c = { .before = -1, .parts_max = 1, .limit = octets_max };

	*out = (struct charset_parts){ .ucs2 = coding == CODING_UCS2 };
	code_text(text, coding, &c, out);
}

void charset_screen(const char *text, size_t septets_max, size_t units_max, struct charset_parts *out)
{
	struct buf letters = { 0 };

	if (fits(text, CODING_GSM)) {
		screen_in(text, CODING_GSM, septets_max, out);
		return;
	}
	screen_in(text, CODING_UCS2, units_max * 2, out);
	if (out->cut && charset_transliterate(text, &letters)) {
		charset_parts_free(out);
		screen_in(buf_cstr(&letters), CODING_GSM, septets_max, out);
	}
	buf_free(&letters);
}

void charset_parts_free(struct charset_parts *parts)
{
	buf_free(&parts->octets);
	*parts = (struct charset_parts){ 0 };
}

/* ---- plain letters ---- */

/* Signs that Unicode does not take apart. */
static const struct {
	uint16_t point;
	const char *plain;
} plain_signs[] = {
	{ 0x00a0, " " },   { 0x0110, "D" },   { 0x0111, "d" },  { 0x200b, "" },   { 0x200d, "" },
	{ 0x2010, "-" },   { 0x2011, "-" },   { 0x2012, "-" },  { 0x2013, "-" },  { 0x2014, "-" },
	{ 0x2018, "'" },   { 0x2019, "'" },   { 0x201c, "\"" }, { 0x201d, "\"" }, { 0x2022, "-" },
	{ 0x2026, "..." }, { 0x202f, " " },   { 0x20ab, "d" },  { 0xfe0f, "" },   { 0xfeff, "" },
};

enum { PIECES_MAX = 32 }; /* the longest decomposition has 18 */

static bool put_plain(utf8proc_int32_t point, struct buf *out)
{
	char text[8];

	for (unsigned i = 0; i < sizeof(plain_signs) / sizeof(plain_signs[0]); i++) {
		if (plain_signs[i].point == point) {
			buf_put(out, plain_signs[i].plain, strlen(plain_signs[i].plain));
			return true;
		}
	}
	if (utf8proc_category(point) == UTF8PROC_CATEGORY_MN) /* an accent */
		return true;
	if (charset_gsm_code((uint32_t)point) < 0)
		return false;
	buf_put(out, text, (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)text));
	return true;
}

bool charset_transliterate(const char *text, struct buf *out)
{
	utf8proc_int32_t pieces[PIECES_MAX], point;
	size_t len = strlen(text), at = 0;
	utf8proc_ssize_t count;
	uint32_t found;
	int bound = 0;

	while (at < len) {
		at += charset_next_point((const uint8_t *)text + at, len - at, &found);
		if (found == CODE_BAD)
			return false;
		point = (utf8proc_int32_t)found;
		count = utf8proc_decompose_char(point, pieces, PIECES_MAX, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE,
		                                &bound);
		/* What GSM has with its accent keeps it. */
		if (charset_gsm_code(found) >= 0 || count <= 0 || count > PIECES_MAX) {
			pieces[0] = point;
			count = 1;
		}
		for (utf8proc_ssize_t i = 0; i < count; i++) {
			if (!put_plain(pieces[i], out))
				return false;
		}
	}
	return true;
}

