/* GSUP information elements as a table: how each is read and written. */
#include "adapters/gsup/message.h"

#include <string.h>

/* Digits two to an octet, the first in the low half; 0xf fills the last (3GPP 29.002, TBCD-STRING). */
static bool read_imsi(const uint8_t *p, size_t len, struct gsup_message *m)
{
	size_t n = 0;

	for (size_t i = 0; i < 2 * len; i++) {
		uint8_t digit = i % 2 ? p[i / 2] >> 4 : p[i / 2] & 0x0f;

		if (digit == 0x0f && i + 1 == 2 * len)
			break;
		if (digit > 9)
			return false;
		m->imsi[n++] = (char)('0' + digit);
	}
	m->imsi[n] = '\0';
	return true;
}

static bool write_imsi(const struct gsup_message *m, struct buf *out)
{
	size_t len = strlen(m->imsi);

	for (size_t i = 0; i < len; i += 2) {
		uint8_t high = i + 1 < len ? (uint8_t)(m->imsi[i + 1] - '0') : 0x0f;

		buf_put_u8(out, (uint8_t)(high << 4 | (m->imsi[i] - '0')));
	}
	return true;
}

static bool read_cause(const uint8_t *p, size_t len, struct gsup_message *m)
{
	(void)len;
	m->cause = p[0];
	return true;
}

static bool write_cause(const struct gsup_message *m, struct buf *out)
{
	buf_put_u8(out, m->cause);
	return m->cause != 0;
}

static bool read_class(const uint8_t *p, size_t len, struct gsup_message *m)
{
	(void)len;
	m->message_class = p[0];
	return true;
}

static bool write_class(const struct gsup_message *m, struct buf *out)
{
	buf_put_u8(out, m->message_class);
	return m->message_class != 0;
}

static bool read_session(const uint8_t *p, size_t len, struct gsup_message *m)
{
	struct reader r = reader_of(p, len);

	m->session_id = reader_u32(&r);
	m->has_session = true;
	return true;
}

static bool write_session(const struct gsup_message *m, struct buf *out)
{
	buf_put_u32(out, m->session_id);
	return m->has_session;
}

static bool read_state(const uint8_t *p, size_t len, struct gsup_message *m)
{
	(void)len;
	m->state = p[0];
	return true;
}

static bool write_state(const struct gsup_message *m, struct buf *out)
{
	buf_put_u8(out, m->state);
	return m->state != GSUP_NO_STATE;
}

static bool read_ss(const uint8_t *p, size_t len, struct gsup_message *m)
{
	m->ss = p;
	m->ss_len = len;
	return true;
}

static bool write_ss(const struct gsup_message *m, struct buf *out)
{
	buf_put(out, m->ss, m->ss_len);
	return m->ss != NULL;
}

/* In the order in which they are written. `write` appends the value; false: leave the element out. */
static const struct element {
	uint8_t tag, min, max; /* octets of the value */
	bool (*read)(const uint8_t *p, size_t len, struct gsup_message *m);
	bool (*write)(const struct gsup_message *m, struct buf *out);
} elements[] = {
	{0x01, 1, (GSUP_IMSI_MAX - 1) / 2, read_imsi, write_imsi},
	{0x02, 1, 1, read_cause, write_cause},
	{0x0a, 1, 1, read_class, write_class},
	{0x30, 4, 4, read_session, write_session},
	{0x31, 1, 1, read_state, write_state},
	{0x35, 0, GSUP_SS_MAX, read_ss, write_ss},
};

enum { ELEMENTS = sizeof(elements) / sizeof(*elements) };

static bool read_element(uint8_t tag, const uint8_t *p, size_t len, struct gsup_message *m)
{
	for (size_t i = 0; i < ELEMENTS; i++) {
		const struct element *e = &elements[i];

		if (e->tag == tag)
			return len >= e->min && len <= e->max && e->read(p, len, m);
	}
	return true;
}

bool gsup_decode(const void *bytes, size_t len, struct gsup_message *out)
{
	struct reader r = reader_of(bytes, len);
	struct gsup_message m = {.type = reader_u8(&r)};

	while (r.left > 0) {
		uint8_t tag = reader_u8(&r);
		size_t size = reader_u8(&r);
		const uint8_t *value = reader_take(&r, size);

		if (r.bad || !read_element(tag, value, size, &m))
			return false;
	}
	if (r.bad || !m.imsi[0])
		return false;
	*out = m;
	return true;
}

bool gsup_encode(const struct gsup_message *m, struct buf *out)
{
	size_t digits = strspn(m->imsi, "0123456789");

	if (digits == 0 || m->imsi[digits] != '\0' || m->ss_len > GSUP_SS_MAX)
		return false;
	buf_put_u8(out, m->type);
	for (size_t i = 0; i < ELEMENTS; i++) {
		size_t at = out->len;

		buf_put_u8(out, elements[i].tag);
		buf_put_u8(out, 0);
		if (elements[i].write(m, out))
			out->data[at + 1] = (uint8_t)(out->len - at - 2);
		else
			out->len = at;
	}
	return true;
}
