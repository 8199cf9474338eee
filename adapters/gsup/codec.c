/* IPA, GSUP, the SS component and USSD strings. */
#include "adapters/gsup/codec.h"

#include <string.h>

#include "core/charset.h"

/* ---- IPA ---- */

enum ipa_parse ipa_read(const void *bytes, size_t len, struct ipa_frame *frame)
{
	const uint8_t *p = bytes;
	size_t payload_len;

	if (len < IPA_HEADER)
		return IPA_MORE;
	payload_len = (size_t)p[0] << 8 | p[1];
	if (payload_len == 0 || payload_len > IPA_PAYLOAD_MAX)
		return IPA_BAD;
	if (len - IPA_HEADER < payload_len)
		return IPA_MORE;
	*frame = (struct ipa_frame){p[2], p + IPA_HEADER, payload_len};
	return IPA_OK;
}

void ipa_put(struct buf *out, uint8_t stream, const void *payload, size_t len)
{
	buf_put_u16(out, (uint16_t)len);
	buf_put_u8(out, stream);
	buf_put(out, payload, len);
}

/* Length of two octets (tag included), tag, text and NUL. */
static void put_identity_tag(struct buf *out, uint8_t tag, const char *text)
{
	buf_put_u16(out, (uint16_t)(strlen(text) + 2));
	buf_put_u8(out, tag);
	buf_put(out, text, strlen(text) + 1);
}

void ipa_put_identity(struct buf *out, const char *name)
{
	enum { TAG_SERIAL = 0x00, TAG_NAME = 0x01, TAG_UNIT_ID = 0x08 };
	static const uint8_t ack = CCM_ID_ACK;
	struct buf response = {0};

	buf_put_u8(&response, CCM_ID_RESP);
	put_identity_tag(&response, TAG_UNIT_ID, "0/0/0"); /* the HLR drops a link without it */
	put_identity_tag(&response, TAG_SERIAL, name);
	put_identity_tag(&response, TAG_NAME, name);
	ipa_put(out, IPA_CCM, response.data, response.len);
	ipa_put(out, IPA_CCM, &ack, 1); /* the HLR sends none before ours */
	buf_free(&response);
}

/* ---- GSUP ---- */

enum { IE_IMSI = 0x01, IE_SESSION = 0x30, IE_SESSION_STATE = 0x31, IE_SS = 0x35, IMSI_OCTETS = 8 };

/* Two digits an octet, the low half first; 0xf fills the last. */
static bool read_imsi(const uint8_t *bytes, size_t len, char imsi[IMSI_DIGITS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < len * 2; i++) {
		uint8_t digit = i % 2 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0xf;

		if (digit == 0xf && i == len * 2 - 1)
			break;
		if (digit > 9 || count == IMSI_DIGITS)
			return false;
		imsi[count++] = (char)('0' + digit);
	}
	imsi[count] = '\0';
	return count > 0;
}

static bool read_element(struct gsup_message *m, uint8_t tag, const uint8_t *value, size_t len)
{
	switch (tag) {
	case IE_IMSI:
		return read_imsi(value, len, m->imsi);
	case IE_SESSION:
		m->session = 0;
		for (size_t i = 0; i < len && len == 4; i++)
			m->session = m->session << 8 | value[i];
		return len == 4;
	case IE_SESSION_STATE:
		m->state = len == 1 ? value[0] : 0;
		return len == 1;
	case IE_SS:
		m->facility = value;
		m->facility_len = len;
		return true;
	default:
		return true;
	}
}

bool gsup_decode(const void *bytes, size_t len, struct gsup_message *message)
{
	struct reader r = reader_of(bytes, len);
	struct gsup_message m = {.type = reader_u8(&r)};

	while (!r.bad && r.left > 0) {
		uint8_t tag = reader_u8(&r), value_len = reader_u8(&r);
		const uint8_t *value = reader_take(&r, value_len);

		if (r.bad || !read_element(&m, tag, value, value_len))
			return false;
	}
	if (r.bad || !m.imsi[0])
		return false;
	*message = m;
	return true;
}

static void put_element(struct buf *out, uint8_t tag, const void *value, size_t len)
{
	buf_put_u8(out, tag);
	buf_put_u8(out, (uint8_t)len);
	buf_put(out, value, len);
}

void gsup_encode(const struct gsup_message *m, struct buf *out)
{
	uint8_t imsi[IMSI_OCTETS], session[4];
	size_t digits = strlen(m->imsi);

	for (size_t i = 0; i < (digits + 1) / 2; i++) {
		uint8_t high = 2 * i + 1 < digits ? (uint8_t)(m->imsi[2 * i + 1] - '0') : 0xf;

		imsi[i] = (uint8_t)(high << 4 | (m->imsi[2 * i] - '0'));
	}
	for (unsigned i = 0; i < 4; i++)
		session[i] = (uint8_t)(m->session >> (24 - 8 * i));
	buf_put_u8(out, m->type);
	put_element(out, IE_IMSI, imsi, (digits + 1) / 2);
	put_element(out, IE_SESSION, session, sizeof(session));
	put_element(out, IE_SESSION_STATE, &m->state, 1);
	if (m->facility)
		put_element(out, IE_SS, m->facility, m->facility_len);
}

/* ---- components ---- */

enum { TAG_INTEGER = 0x02, TAG_OCTETS = 0x04, TAG_SEQUENCE = 0x30, LONG_FORM_1 = 0x81 };

struct tlv {
	uint8_t tag;
	const uint8_t *value;
	size_t len;
};

/* One element off the reader. A length of 0x81 is BER's long form if what follows it can be one; any other
 * octet counts for itself, also above 0x7f, as libosmocore writes it. */
static bool take_tlv(struct reader *r, struct tlv *out)
{
	out->tag = reader_u8(r);
	out->len = reader_u8(r);
	if (out->len == LONG_FORM_1 && r->left > 0 && r->p[0] >= 0x80 && r->p[0] <= r->left - 1)
		out->len = reader_u8(r);
	out->value = reader_take(r, out->len);
	return !r->bad;
}

static bool take_tagged(struct reader *r, uint8_t tag, struct tlv *out)
{
	return take_tlv(r, out) && out->tag == tag;
}

static bool take_octet(struct reader *r, uint8_t tag, uint8_t *out)
{
	struct tlv tlv;

	if (!take_tagged(r, tag, &tlv) || tlv.len != 1)
		return false;
	*out = tlv.value[0];
	return true;
}

/* USSD-Arg and USSD-Res: data coding scheme and string; what may follow is not ours. */
static bool read_ussd(const struct tlv *sequence, struct ss_component *c)
{
	struct reader r = reader_of(sequence->value, sequence->len);
	struct tlv text;

	if (!take_octet(&r, TAG_OCTETS, &c->dcs) || !take_tagged(&r, TAG_OCTETS, &text) || text.len > SS_TEXT_MAX)
		return false;
	c->text = text.value;
	c->text_len = text.len;
	return true;
}

static bool read_invoke(struct reader *r, struct ss_component *c)
{
	struct tlv sequence;

	if (!take_octet(r, TAG_INTEGER, &c->operation))
		return false;
	return r->left == 0 || (take_tagged(r, TAG_SEQUENCE, &sequence) && read_ussd(&sequence, c));
}

static bool read_result(struct reader *r, struct ss_component *c)
{
	struct tlv outer, sequence;
	struct reader inner;

	if (r->left == 0) /* a result without content */
		return true;
	if (!take_tagged(r, TAG_SEQUENCE, &outer))
		return false;
	inner = reader_of(outer.value, outer.len);
	if (!take_octet(&inner, TAG_INTEGER, &c->operation))
		return false;
	return inner.left == 0 || (take_tagged(&inner, TAG_SEQUENCE, &sequence) && read_ussd(&sequence, c));
}

bool ss_decode(const void *bytes, size_t len, struct ss_component *component)
{
	struct reader r = reader_of(bytes, len), inner;
	struct ss_component c = {0};
	struct tlv outer;

	if (!take_tlv(&r, &outer))
		return false;
	c.kind = (enum ss_kind)outer.tag;
	inner = reader_of(outer.value, outer.len);
	if (c.kind == SS_REJECT) { /* its invoke id may be missing; nothing else of it is of use */
		*component = c;
		return true;
	}
	if (!take_octet(&inner, TAG_INTEGER, &c.invoke_id))
		return false;
	if ((c.kind == SS_INVOKE && !read_invoke(&inner, &c)) || (c.kind == SS_RESULT && !read_result(&inner, &c)))
		return false;
	if (c.kind != SS_INVOKE && c.kind != SS_RESULT && c.kind != SS_ERROR)
		return false;
	*component = c;
	return true;
}

static void put_tlv(struct buf *out, uint8_t tag, const struct buf *value)
{
	buf_put_u8(out, tag);
	buf_put_u8(out, (uint8_t)value->len);
	buf_put(out, value->data, value->len);
}

static void put_octet(struct buf *out, uint8_t tag, uint8_t value)
{
	buf_put_u8(out, tag);
	buf_put_u8(out, 1);
	buf_put_u8(out, value);
}

void ss_encode(const struct ss_component *c, struct buf *out)
{
	struct buf text = {.data = (uint8_t *)c->text, .len = c->text_len}, ussd = {0}, body = {0}, whole = {0};

	put_octet(&ussd, TAG_OCTETS, c->dcs);
	put_tlv(&ussd, TAG_OCTETS, &text);
	put_octet(&whole, TAG_INTEGER, c->invoke_id);
	put_octet(c->kind == SS_RESULT ? &body : &whole, TAG_INTEGER, c->operation);
	put_tlv(c->kind == SS_RESULT ? &body : &whole, TAG_SEQUENCE, &ussd);
	if (c->kind == SS_RESULT)
		put_tlv(&whole, TAG_SEQUENCE, &body);
	put_tlv(out, (uint8_t)c->kind, &whole);
	buf_free(&ussd);
	buf_free(&body);
	buf_free(&whole);
}

/* ---- USSD strings ---- */

enum { DCS_GSM = 0x0f, DCS_UCS2 = 0x48, CR = 0x0d };

/* TS 23.038 section 5. */
static enum alphabet alphabet_of(uint8_t dcs)
{
	static const enum alphabet of_bits[] = {ALPHABET_GSM7, ALPHABET_BINARY, ALPHABET_UTF16, ALPHABET_GSM7};

	if (dcs == 0x11) /* UCS-2 behind a language */
		return ALPHABET_UTF16;
	if (dcs >> 6 == 1) /* general group: alphabet in bits 3 and 2 */
		return of_bits[dcs >> 2 & 3];
	if (dcs >> 4 == 0xf)
		return dcs & 4 ? ALPHABET_BINARY : ALPHABET_GSM7;
	return ALPHABET_GSM7;
}

static void unpack(const uint8_t *bytes, size_t len, struct buf *out)
{
	size_t septets = len * 8 / 7;
	unsigned bits = 0, kept = 0;

	for (size_t i = 0; i < len; i++) {
		bits |= (unsigned)bytes[i] << kept;
		for (kept += 8; kept >= 7 && out->len < septets; kept -= 7, bits >>= 7)
			buf_put_u8(out, bits & 0x7f);
	}
	/* seven spare bits hold a carriage return, or an @ from who did not know */
	if (septets % 8 == 0 && out->len > 0 && (out->data[out->len - 1] == CR || out->data[out->len - 1] == 0))
		out->len--;
}

static void pack(const uint8_t *septets, size_t len, struct buf *out)
{
	unsigned bits = 0, kept = 0;

	for (size_t i = 0; i < len; i++) {
		bits |= (unsigned)septets[i] << kept;
		for (kept += 7; kept >= 8; kept -= 8, bits >>= 8)
			buf_put_u8(out, bits & 0xff);
	}
	if (kept == 1) /* seven spare bits would read as one more character (TS 23.038 section 6.1.2.3.1) */
		bits |= CR << 1;
	if (kept > 0)
		buf_put_u8(out, (uint8_t)bits);
}

void ss_text_decode(uint8_t dcs, const void *bytes, size_t len, struct buf *out)
{
	enum alphabet alphabet = alphabet_of(dcs);
	size_t language = dcs == 0x11 && len >= 2 ? 2 : 0; /* two characters of seven bits, in two octets */
	struct buf septets = {0};

	if (alphabet != ALPHABET_GSM7) {
		charset_to_utf8(alphabet, (const uint8_t *)bytes + language, len - language, out);
		return;
	}
	unpack(bytes, len, &septets);
	language = dcs == 0x10 && septets.len >= 3 ? 3 : 0; /* two letters and a carriage return */
	charset_to_utf8(ALPHABET_GSM7, septets.data ? septets.data + language : NULL, septets.len - language, out);
	buf_free(&septets);
}

/* The end at or before `most` that parts neither an escape pair nor a surrogate pair. */
static size_t whole_until(const uint8_t *octets, size_t most, bool ucs2)
{
	enum { ESCAPE = 0x1b };

	if (ucs2)
		return octets[most - 2] >> 2 == 0xd8 >> 2 ? most - 2 : most;
	return octets[most - 1] == ESCAPE ? most - 1 : most;
}

uint8_t ss_text_encode(const char *text, struct buf *out)
{
	enum { SEPTETS_MAX = 182, PARTS = 8 };
	struct charset_parts parts;
	size_t len, most;
	uint8_t dcs;

	charset_split(text, ALPHABET_GSM7, 8, PARTS, &parts);
	len = parts.end[parts.count - 1]; /* the parts lie one behind the other */
	most = parts.ucs2 ? SS_TEXT_MAX : SEPTETS_MAX;
	if (len > most)
		len = whole_until(parts.octets.data, most, parts.ucs2);
	dcs = parts.ucs2 ? DCS_UCS2 : DCS_GSM;
	if (parts.ucs2)
		buf_put(out, parts.octets.data, len);
	else
		pack(parts.octets.data, len, out);
	charset_parts_free(&parts);
	return dcs;
}
