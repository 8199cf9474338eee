/* USSD strings: data coding, packing, and fitting a text to a screen. */
#include "adapters/gsup/ussd_string.h"

#include <string.h>

#include "core/charset.h"

enum { CR = '\r', SEPTET = 0x7f };

/* ---- packing ---- */

static void put_bits(struct buf *out, const uint8_t *septets, size_t count)
{
	unsigned held = 0, bits = 0;

	for (size_t i = 0; i < count; i++) {
		held |= (unsigned)(septets[i] & SEPTET) << bits;
		bits += 7;
		if (bits >= 8) {
			buf_put_u8(out, (uint8_t)held);
			held >>= 8;
			bits -= 8;
		}
	}
	if (bits == 1)
		held |= CR << 1;
	if (bits > 0)
		buf_put_u8(out, (uint8_t)held);
}

void ussd_string_pack(const uint8_t *septets, size_t count, struct buf *out)
{
	struct buf doubled = {0};

	if (count == 0 || count % 8 != 0 || septets[count - 1] != CR) {
		put_bits(out, septets, count);
		return;
	}
	buf_put(&doubled, septets, count);
	buf_put_u8(&doubled, CR);
	put_bits(out, doubled.data, doubled.len);
	buf_free(&doubled);
}

void ussd_string_unpack(const uint8_t *octets, size_t len, struct buf *out)
{
	size_t count = len * 8 / 7, before = out->len;

	for (size_t i = 0; i < count; i++) {
		size_t bit = i * 7;
		unsigned pair = octets[bit / 8];

		if (bit / 8 + 1 < len)
			pair |= (unsigned)octets[bit / 8 + 1] << 8;
		buf_put_u8(out, (uint8_t)(pair >> bit % 8 & SEPTET));
	}
	if (count % 8 == 0 && out->len > before && out->data[out->len - 1] == CR)
		out->len--;
}

/* ---- data coding schemes ---- */

enum form { FORM_GSM7, FORM_OCTETS, FORM_UCS2, FORM_BY_BITS, FORM_BY_CLASS, FORM_LANGUAGE };

/* By the upper four bits. */
static const uint8_t groups[16] = {
	[0x0] = FORM_GSM7,     /* a language by its number */
	[0x1] = FORM_LANGUAGE, /* a language by its first characters */
	[0x2] = FORM_GSM7,     /* a language by its number */
	[0x3] = FORM_GSM7,     /* reserved: read as the default alphabet, as the specification asks */
	[0x4] = FORM_BY_BITS,  /* general data coding */
	[0x5] = FORM_BY_BITS,
	[0x6] = FORM_BY_BITS,
	[0x7] = FORM_BY_BITS,
	[0x8] = FORM_GSM7,     /* reserved */
	[0x9] = FORM_BY_BITS,  /* with a user data header */
	[0xa] = FORM_GSM7,     /* reserved */
	[0xb] = FORM_GSM7,
	[0xc] = FORM_GSM7,
	[0xd] = FORM_GSM7,
	[0xe] = FORM_OCTETS,   /* of the WAP forum */
	[0xf] = FORM_BY_CLASS, /* bit 2 alone */
};

static const uint8_t forms_by_bits[4] = {FORM_GSM7, FORM_OCTETS, FORM_UCS2, FORM_GSM7}; /* bits 3 and 2 */

static enum form form_of(uint8_t dcs)
{
	enum form form = (enum form)groups[dcs >> 4];

	if (form == FORM_BY_BITS)
		return (enum form)forms_by_bits[dcs >> 2 & 3];
	if (form == FORM_BY_CLASS)
		return dcs & 4 ? FORM_OCTETS : FORM_GSM7;
	return form;
}

static void append_gsm7(const uint8_t *octets, size_t len, size_t skip, struct buf *out)
{
	struct buf septets = {0};

	ussd_string_unpack(octets, len, &septets);
	if (skip < septets.len)
		charset_to_utf8(ALPHABET_GSM7, septets.data + skip, septets.len - skip, out);
	buf_free(&septets);
}

/* 0x10: two letters of the language and CR, packed before the text. 0x11: UCS-2 behind two octets of them. */
static void append_with_language(uint8_t dcs, const uint8_t *octets, size_t len, struct buf *out)
{
	if (dcs == 0x11 && len >= 2)
		charset_to_utf8(ALPHABET_UTF16, octets + 2, len - 2, out);
	else
		append_gsm7(octets, len, dcs == 0x10 ? 3 : 0, out);
}

void ussd_string_decode(uint8_t dcs, const void *octets, size_t len, struct buf *out)
{
	switch (form_of(dcs)) {
	case FORM_UCS2:
		charset_to_utf8(ALPHABET_UTF16, octets, len, out);
		break;
	case FORM_OCTETS:
		charset_to_utf8(ALPHABET_BINARY, octets, len, out);
		break;
	case FORM_LANGUAGE:
		append_with_language(dcs, octets, len, out);
		break;
	default:
		append_gsm7(octets, len, 0, out);
		break;
	}
}

/* ---- fitting a text to a screen ---- */

/* A last CR that would have to be doubled, and has no room to be, says nothing: leave it out. */
static void pack_parts(const struct charset_parts *parts, size_t octets_max, struct ussd_string *out)
{
	size_t count = parts->octets.len;
	struct buf packed = {0};

	ussd_string_pack(parts->octets.data, count, &packed);
	if (packed.len > octets_max) {
		buf_clear(&packed);
		ussd_string_pack(parts->octets.data, count - 1, &packed);
	}
	memcpy(out->octets, packed.data, packed.len);
	out->len = packed.len;
	buf_free(&packed);
}

void ussd_string_encode(const char *text, size_t octets_max, struct ussd_string *out)
{
	struct charset_parts parts;

	*out = (struct ussd_string){0};
	charset_screen(text, octets_max * 8 / 7, octets_max / 2, &parts);
	out->folded = !parts.ucs2 && !charset_fits_gsm7(text);
	out->cut = parts.cut;
	out->dcs = parts.ucs2 ? USSD_DCS_UCS2 : USSD_DCS_GSM7;
	if (parts.octets.len > 0 && parts.ucs2) {
		memcpy(out->octets, parts.octets.data, parts.octets.len);
		out->len = parts.octets.len;
	} else if (parts.octets.len > 0) {
		pack_parts(&parts, octets_max, out);
	}
	charset_parts_free(&parts);
}
