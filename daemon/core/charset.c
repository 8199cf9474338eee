/* Alphabets of texts on phones: decoding to UTF-8, coding and cutting outgoing texts, the user data
 * header. Source of the tables: 3GPP 23.038 section 6.2.1. */
#include "core/charset.h"

#include <string.h>
#include <utf8proc.h>

enum { GSM_ESCAPE = 0x1b, REPLACEMENT = 0xfffd, CODE_BAD = 0x110000 };

enum { SINGLE_SEPTETS = 160, SINGLE_OCTETS = 140 };

/* GSM 7 bit default alphabet. 0x1b is the escape; one with nothing behind it is shown as a space.
 * */
static const uint16_t gsm_default[128] = {
	'@',    0x00a3, '$',    0x00a5, 0x00e8, 0x00e9, 0x00f9, 0x00ec,
	0x00f2, 0x00c7, '\n',   0x00d8, 0x00f8, '\r',   0x00c5, 0x00e5,
	0x0394, '_',    0x03a6, 0x0393, 0x039b, 0x03a9, 0x03a0, 0x03a8,
	0x03a3, 0x0398, 0x039e, ' ',    0x00c6, 0x00e6, 0x00df, 0x00c9,
	' ',    '!',    '"',    '#',    0x00a4, '%',    '&',    '\'',
	'(',    ')',    '*',    '+',    ',',    '-',    '.',    '/',
	'0',    '1',    '2',    '3',    '4',    '5',    '6',    '7',
	'8',    '9',    ':',    ';',    '<',    '=',    '>',    '?',
	0x00a1, 'A',    'B',    'C',    'D',    'E',    'F',    'G',
	'H',    'I',    'J',    'K',    'L',    'M',    'N',    'O',
	'P',    'Q',    'R',    'S',    'T',    'U',    'V',    'W',
	'X',    'Y',    'Z',    0x00c4, 0x00d6, 0x00d1, 0x00dc, 0x00a7,
	0x00bf, 'a',    'b',    'c',    'd',    'e',    'f',    'g',
	'h',    'i',    'j',    'k',    'l',    'm',    'n',    'o',
	'p',    'q',    'r',    's',    't',    'u',    'v',    'w',
	'x',    'y',    'z',    0x00e4, 0x00f6, 0x00f1, 0x00fc, 0x00e0,
};

/* GSM 7 bit default alphabet extension table. */
static const struct {
	uint8_t code;
	uint16_t point;
} gsm_extension[] = {
	{ 0x0a, '\f' }, { 0x14, '^' }, { 0x28, '{' }, { 0x29, '}' },  { 0x2f, '\\' },
	{ 0x3c, '[' },  { 0x3d, '~' }, { 0x3e, ']' }, { 0x40, '|' },  { 0x65, 0x20ac },
};

enum { EXTENSIONS = sizeof(gsm_extension) / sizeof(gsm_extension[0]) };

/* ---- one code point ---- */

static uint8_t *put_point(uint8_t *to, uint32_t point)
{
	if (point == 0 || point >= CODE_BAD || (point >= 0xd800 && point <= 0xdfff))
		point = REPLACEMENT;
	if (point < 0x80) {
		*to++ = (uint8_t)point;
		return to;
	}
	if (point < 0x800) {
		*to++ = (uint8_t)(0xc0 | point >> 6);
		*to++ = (uint8_t)(0x80 | (point & 0x3f));
		return to;
	}
	if (point < 0x10000) {
		*to++ = (uint8_t)(0xe0 | point >> 12);
	} else {
		*to++ = (uint8_t)(0xf0 | point >> 18);
		*to++ = (uint8_t)(0x80 | (point >> 12 & 0x3f));
	}
	*to++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	*to++ = (uint8_t)(0x80 | (point & 0x3f));
	return to;
}

/* The lead octet tells how many octets follow and in which range the first of them lies (Unicode
 * standard, table 3-7: that range keeps out overlong forms, surrogates and what is past U+10FFFF).
 * */
static unsigned lead_octet(uint8_t lead, uint8_t *low, uint8_t *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

/* Reads one character, returns the octets used: at least 1. A broken one is CODE_BAD and uses what
 * could have been its beginning. */
static size_t next_point(const uint8_t *p, size_t len, uint32_t *point)
{
	uint8_t low, high;
	unsigned follow, i;

	if (p[0] < 0x80) {
		*point = p[0];
		return 1;
	}
	follow = lead_octet(p[0], &low, &high);
	*point = follow == 1 ? p[0] & 0x1f : follow == 2 ? p[0] & 0x0f : p[0] & 0x07;
	for (i = 1; i <= follow && i < len && p[i] >= low && p[i] <= high; i++) {
		*point = *point << 6 | (p[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	if (follow == 0 || i <= follow)
		*point = CODE_BAD;
	return i;
}

bool charset_utf8_valid(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t point;
	size_t at = 0;

	while (at < len) {
		at += next_point(p + at, len - at, &point);
		if (point == CODE_BAD)
			return false;
	}
	return true;
}

/* ---- decoding: every function writes at most three octets for each it reads ---- */

static uint8_t *from_latin1(uint8_t *to, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to = put_point(to, p[i]);
	return to;
}

static uint8_t *from_utf8(uint8_t *to, const uint8_t *p, size_t len)
{
	uint32_t point;

	for (size_t at = 0; at < len;) {
		at += next_point(p + at, len - at, &point);
		to = put_point(to, point);
	}
	return to;
}

static uint8_t *from_binary(uint8_t *to, const uint8_t *p, size_t len)
{
	return charset_utf8_valid(p, len) ? from_utf8(to, p, len) : from_latin1(to, p, len);
}

static bool seven_bit(const uint8_t *p, size_t len)
{
	uint8_t all = 0;

	for (size_t i = 0; i < len; i++)
		all |= p[i];
	return all < 0x80;
}

/* A code without a meaning in the extension table is shown as the default table has it, a second
 * escape as a space (23.038 section 6.2.1.1). */
static uint32_t extension_point(uint8_t code)
{
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		if (gsm_extension[i].code == code)
			return gsm_extension[i].point;
	}
	return gsm_default[code];
}

static uint8_t *from_gsm7(uint8_t *to, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] == GSM_ESCAPE && i + 1 < len)
			to = put_point(to, extension_point(p[++i]));
		else
			to = put_point(to, gsm_default[p[i]]);
	}
	return to;
}

static uint32_t unit16(const uint8_t *p, bool little)
{
	return little ? (uint32_t)(p[1] << 8 | p[0]) : (uint32_t)(p[0] << 8 | p[1]);
}

static uint8_t *from_utf16(uint8_t *to, const uint8_t *p, size_t len)
{
	bool little = len >= 2 && p[0] == 0xff && p[1] == 0xfe;
	bool marked = little || (len >= 2 && p[0] == 0xfe && p[1] == 0xff);
	uint32_t unit, low;
	size_t at = marked ? 2 : 0;

	for (; at + 1 < len; at += 2) {
		unit = unit16(p + at, little);
		low = at + 3 < len ? unit16(p + at + 2, little) : 0;
		if (unit >= 0xd800 && unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
			unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
			at += 2;
		}
		to = put_point(to, unit);
	}
	return at < len ? put_point(to, REPLACEMENT) : to;
}

static uint8_t *from_pdu(uint8_t *to, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*to++ = (uint8_t)digits[p[i] >> 4];
		*to++ = (uint8_t)digits[p[i] & 15];
	}
	return to;
}

/* What is really there, where it differs from what the carrier says: an octet above 0x7f is in
 * neither GSM nor ASCII. */
static enum alphabet real_alphabet(enum alphabet alphabet, const uint8_t *p, size_t len)
{
	bool narrow = alphabet == ALPHABET_GSM7 || alphabet == ALPHABET_ASCII;

	return narrow && !seven_bit(p, len) ? ALPHABET_BINARY : alphabet;
}

static size_t without_terminator(enum alphabet alphabet, const uint8_t *p, size_t len)
{
	if (alphabet == ALPHABET_GSM7 || alphabet == ALPHABET_PDU)
		return len;
	if (alphabet == ALPHABET_UTF16) {
		while (len >= 2 && len % 2 == 0 && p[len - 1] == 0 && p[len - 2] == 0)
			len -= 2;
		return len;
	}
	while (len > 0 && p[len - 1] == 0)
		len--;
	return len;
}

void charset_to_utf8(enum alphabet alphabet, const void *bytes, size_t len, struct buf *out)
{
	static uint8_t *(*const decode[])(uint8_t *, const uint8_t *, size_t) = {
		[ALPHABET_GSM7] = from_gsm7,   [ALPHABET_LATIN1] = from_latin1,
		[ALPHABET_ASCII] = from_utf8,  [ALPHABET_UTF16] = from_utf16,
		[ALPHABET_UTF8] = from_utf8,   [ALPHABET_BINARY] = from_binary,
		[ALPHABET_PDU] = from_pdu,
	};
	size_t before = out->len;
	uint8_t *to, *end;

	alphabet = real_alphabet(alphabet, bytes, len);
	len = without_terminator(alphabet, bytes, len);
	if (len == 0)
		return;
	to = buf_reserve(out, len * 3);
	end = decode[alphabet](to, bytes, len);
	out->len = before + (size_t)(end - to);
}

/* ---- coding ---- */

static bool same_in_ascii(uint32_t point)
{
	return point < 128 && gsm_default[point] == point;
}

/* The GSM code of a character: septet, or escape << 8 | septet, or -1. */
static int gsm_code(uint32_t point)
{
	if (same_in_ascii(point))
		return (int)point;
	for (unsigned i = 0; i < 128; i++) {
		if (gsm_default[i] == point)
			return (int)i;
	}
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		if (gsm_extension[i].point == point)
			return GSM_ESCAPE << 8 | gsm_extension[i].code;
	}
	return -1;
}

static bool fits(const char *text, bool ascii_too)
{
	size_t len = strlen(text);
	uint32_t point;

	for (size_t at = 0; at < len;) {
		at += next_point((const uint8_t *)text + at, len - at, &point);
		if (ascii_too ? !same_in_ascii(point) : gsm_code(point) < 0)
			return false;
	}
	return true;
}

bool charset_fits_gsm7(const char *text)
{
	return fits(text, false);
}

static void put_gsm(struct buf *out, uint32_t point)
{
	int code = gsm_code(point);

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

static size_t part_octets(bool ucs2, unsigned ref_bits)
{
	size_t udh = ref_bits == 16 ? 7 : 6;

	/* Septets start on a septet boundary behind the header; UTF-16 units are never halved. */
	return ucs2 ? (SINGLE_OCTETS - udh) / 2 * 2 : (SINGLE_OCTETS - udh) * 8 / 7;
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

static void code_text(const char *text, struct cutter *c, struct charset_parts *out)
{
	size_t len = strlen(text), from = 0;
	uint32_t point;

	while (from < len) {
		size_t at = out->octets.len;

		from += next_point((const uint8_t *)text + from, len - from, &point);
		if (cluster_begins(c, point))
			c->whole = at;
		if (out->ucs2)
			put_utf16(&out->octets, point);
		else
			put_gsm(&out->octets, point);
		if (!cut_parts(c, out, at)) {
			out->cut = true;
			out->octets.len = c->start;
			return;
		}
	}
	out->end[out->count++] = out->octets.len;
}

void charset_split(const char *text, enum alphabet dcs0, unsigned ref_bits, unsigned parts_max,
                   struct charset_parts *out)
{
	struct cutter c = { .before = -1, .parts_max = 1 };

	*out = (struct charset_parts){ .ucs2 = !fits(text, dcs0 != ALPHABET_GSM7) };
	c.limit = out->ucs2 ? SINGLE_OCTETS : SINGLE_SEPTETS;
	code_text(text, &c, out);
	if (!out->cut || parts_max < 2)
		return;
	c = (struct cutter){ .before = -1, .limit = part_octets(out->ucs2, ref_bits) };
	c.parts_max = parts_max < CHARSET_PARTS_MAX ? parts_max : CHARSET_PARTS_MAX;
	buf_clear(&out->octets);
	out->count = 0;
	out->cut = false;
	code_text(text, &c, out);
}

void charset_screen(const char *text, size_t septets_max, size_t units_max, struct charset_parts *out)
{
	struct cutter c = { .before = -1, .parts_max = 1 };

	*out = (struct charset_parts){ .ucs2 = !fits(text, false) };
	c.limit = out->ucs2 ? units_max * 2 : septets_max;
	code_text(text, &c, out);
}

void charset_parts_free(struct charset_parts *parts)
{
	buf_free(&parts->octets);
	*parts = (struct charset_parts){ 0 };
}

/* ---- user data header ---- */

enum { IEI_CONCAT_8 = 0x00, IEI_CONCAT_16 = 0x08 };

/* Takes over a concatenation element. A part number of 0 or past the total makes it void; of two
 * elements the later counts (23.040 sections 9.2.3.24 and 9.2.3.24.1). */
static void read_element(uint8_t iei, const uint8_t *p, size_t len, struct charset_udh *udh)
{
	unsigned wide = iei == IEI_CONCAT_16;

	if ((iei != IEI_CONCAT_8 && iei != IEI_CONCAT_16) || len != 3 + wide)
		return;
	if (p[2 + wide] == 0 || p[2 + wide] > p[1 + wide])
		return;
	udh->ref = wide ? (uint16_t)(p[0] << 8 | p[1]) : p[0];
	udh->ref_bits = wide ? 16 : 8;
	udh->total = p[1 + wide];
	udh->seq = p[2 + wide];
}

bool charset_udh_read(const void *bytes, size_t len, struct charset_udh *udh)
{
	const uint8_t *p = bytes;
	size_t end, at = 1;

	if (len == 0 || 1 + (size_t)p[0] > len)
		return false;
	end = 1 + (size_t)p[0];
	*udh = (struct charset_udh){ .body_at = end };
	while (at + 2 <= end && at + 2 + p[at + 1] <= end) {
		read_element(p[at], p + at + 2, p[at + 1], udh);
		at += 2 + (size_t)p[at + 1];
	}
	return true;
}

void charset_udh_write(struct buf *out, unsigned ref_bits, uint16_t ref, uint8_t total, uint8_t seq)
{
	bool wide = ref_bits == 16;

	buf_put_u8(out, wide ? 6 : 5);
	buf_put_u8(out, wide ? IEI_CONCAT_16 : IEI_CONCAT_8);
	buf_put_u8(out, wide ? 4 : 3);
	if (wide)
		buf_put_u16(out, ref);
	else
		buf_put_u8(out, (uint8_t)ref);
	buf_put_u8(out, total);
	buf_put_u8(out, seq);
}
