/* Alphabets of texts on phones: decoding to UTF-8, and the user data header. Source of the tables: 3GPP
 * 23.038 section 6.2.1. */
#include "core/charset.h"

#include <string.h>

#include "core/charset_internal.h"
#include "core/charset_national.h"

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

size_t charset_next_point(const uint8_t *p, size_t len, uint32_t *point)
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
		at += charset_next_point(p + at, len - at, &point);
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
		at += charset_next_point(p + at, len - at, &point);
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

/* An empty place of a national single shift table is read as the extension table has it. */
static uint8_t *from_national(uint8_t *to, const uint8_t *p, size_t len, unsigned languages)
{
	unsigned locking = languages / 15, single = languages % 15;

	for (size_t i = 0; i < len; i++) {
		bool shifted = p[i] == GSM_ESCAPE && i + 1 < len;
		uint8_t code = shifted ? p[++i] : p[i];
		uint32_t point = shifted ? national_single(single, code) : national_locking(locking, code);

		if (!point)
			point = shifted ? extension_point(code) : gsm_default[code];
		to = put_point(to, point);
	}
	return to;
}

enum alphabet charset_national(unsigned locking, unsigned single)
{
	locking = locking < NATIONAL_LANGUAGES ? locking : 0;
	single = single < NATIONAL_LANGUAGES ? single : 0;
	if (locking == 0 && single == 0)
		return ALPHABET_GSM7;
	return (enum alphabet)(ALPHABET_NATIONAL + 15 * locking + single);
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
	bool narrow = alphabet == ALPHABET_GSM7 || alphabet == ALPHABET_ASCII ||
	              alphabet > ALPHABET_NATIONAL;

	return narrow && !seven_bit(p, len) ? ALPHABET_BINARY : alphabet;
}

static size_t without_terminator(enum alphabet alphabet, const uint8_t *p, size_t len)
{
	if (alphabet == ALPHABET_GSM7 || alphabet == ALPHABET_PDU || alphabet > ALPHABET_NATIONAL)
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
	if (alphabet > ALPHABET_NATIONAL)
		end = from_national(to, bytes, len, (unsigned)(alphabet - ALPHABET_NATIONAL));
	else
		end = decode[alphabet](to, bytes, len);
	out->len = before + (size_t)(end - to);
}

/* ---- what the other half needs ---- */

bool charset_same_in_ascii(uint32_t point)
{
	return point < 128 && gsm_default[point] == point;
}

int charset_gsm_code(uint32_t point)
{
	if (charset_same_in_ascii(point))
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

/* ---- user data header ---- */

enum { IEI_CONCAT_8 = 0x00, IEI_CONCAT_16 = 0x08, IEI_SINGLE = 0x24, IEI_LOCKING = 0x25 };

/* Takes over a concatenation element. A part number of 0 or past the total makes it void; of two
 * elements the later counts (23.040 sections 9.2.3.24 and 9.2.3.24.1). */
static void read_element(uint8_t iei, const uint8_t *p, size_t len, struct charset_udh *udh)
{
	unsigned wide = iei == IEI_CONCAT_16;

	if (iei == IEI_SINGLE && len == 1)
		udh->single = p[0];
	if (iei == IEI_LOCKING && len == 1)
		udh->locking = p[0];
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
