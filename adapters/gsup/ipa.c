/* IPA frames and the identity of a client. */
#include "adapters/gsup/ipa.h"

#include <string.h>

enum { NAME_MAX_LEN = 255 };

enum ipa_result ipa_read(const void *bytes, size_t len, struct ipa_frame *out)
{
	struct reader r = reader_of(bytes, len);
	size_t body_len = reader_u16(&r);
	uint8_t proto = reader_u8(&r);
	const uint8_t *body = reader_take(&r, body_len);

	if (r.bad)
		return IPA_MORE;
	*out = (struct ipa_frame){.proto = proto, .body = body, .body_len = body_len, .size = IPA_HEADER + body_len};
	if (proto != IPA_PROTO_OSMO)
		return IPA_OK;
	if (body_len == 0)
		return IPA_EMPTY;
	out->extension = *out->body++;
	out->body_len--;
	return IPA_OK;
}

static void put_header(struct buf *out, enum ipa_proto proto, size_t len)
{
	buf_put_u16(out, (uint16_t)len);
	buf_put_u8(out, (uint8_t)proto);
}

bool ipa_put_ccm(struct buf *out, const void *body, size_t len)
{
	if (len > IPA_PAYLOAD_MAX)
		return false;
	put_header(out, IPA_PROTO_CCM, len);
	buf_put(out, body, len);
	return true;
}

bool ipa_put_osmo(struct buf *out, enum ipa_extension extension, const void *body, size_t len)
{
	if (len + 1 > IPA_PAYLOAD_MAX)
		return false;
	put_header(out, IPA_PROTO_OSMO, len + 1);
	buf_put_u8(out, (uint8_t)extension);
	buf_put(out, body, len);
	return true;
}

void ccm_put(struct buf *out, enum ccm_type type)
{
	uint8_t octet = (uint8_t)type;

	ipa_put_ccm(out, &octet, 1);
}

/* The answer holds more than what was asked for, as libosmo-abis reads it: site/BTS/TRX as unit id. */
bool ccm_put_identity(struct buf *out, const char *name)
{
	const struct {
		enum ccm_tag tag;
		const char *value;
	} rows[] = {{CCM_UNIT_ID, "0/0/0"}, {CCM_SERIAL_NUMBER, name}, {CCM_UNIT_NAME, name}};
	struct buf body = {0};
	bool ok = strlen(name) <= NAME_MAX_LEN;

	buf_put_u8(&body, CCM_ID_RESP);
	for (size_t i = 0; ok && i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].value) + 1; /* with its NUL */

		buf_put_u16(&body, (uint16_t)(len + 1)); /* counts the tag */
		buf_put_u8(&body, (uint8_t)rows[i].tag);
		buf_put(&body, rows[i].value, len);
	}
	ok = ok && ipa_put_ccm(out, body.data, body.len);
	buf_free(&body);
	return ok;
}
