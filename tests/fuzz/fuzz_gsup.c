/* Fuzz target: any octets as what an HLR sends. Frames, messages, components and strings are read, and what was
 * understood is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/gsup/component.h"
#include "adapters/gsup/ipa.h"
#include "adapters/gsup/message.h"
#include "adapters/gsup/ussd_string.h"
#include "base/buf.h"
#include "base/mem.h"
#include "core/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What we would show of it fits its screen and can be read. */
static void check_string(uint8_t dcs, const uint8_t *octets, size_t len)
{
	struct buf text = {0}, again = {0};
	struct ussd_string s;

	ussd_string_decode(dcs, octets, len, &text);
	check(charset_utf8_valid(text.data, text.len));
	ussd_string_encode(buf_cstr(&text), USSD_STRING_MAX, &s);
	check(s.len <= USSD_STRING_MAX);
	ussd_string_decode(s.dcs, s.octets, s.len, &again);
	check(charset_utf8_valid(again.data, again.len));
	buf_free(&text);
	buf_free(&again);
}

static void check_component(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = mem_dup(bytes, len); /* so that one octet too far is seen */
	struct buf first = {0}, second = {0};
	struct ss_component c;

	if (ss_decode(exact, len, &c)) {
		check(c.string_len <= SS_STRING_MAX);
		if (c.string)
			check_string(c.dcs, c.string, c.string_len);
		check(ss_encode(&c, &first));
		check(ss_decode(first.data, first.len, &c));
		check(ss_encode(&c, &second));
		check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	mem_free(exact);
	buf_free(&first);
	buf_free(&second);
}

static void check_message(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = mem_dup(bytes, len);
	struct buf first = {0}, second = {0};
	struct gsup_message m;

	if (gsup_decode(exact, len, &m)) {
		if (m.ss)
			check_component(m.ss, m.ss_len);
		check(gsup_encode(&m, &first));
		check(gsup_decode(first.data, first.len, &m));
		check(gsup_encode(&m, &second));
		check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	mem_free(exact);
	buf_free(&first);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipa_frame frame;
	enum ipa_result result;

	while ((result = ipa_read(data, size, &frame)) != IPA_MORE) {
		check(frame.size >= IPA_HEADER && frame.size <= size);
		if (result == IPA_OK && frame.proto == IPA_PROTO_OSMO && frame.extension == IPA_EXT_GSUP)
			check_message(frame.body, frame.body_len);
		data += frame.size;
		size -= frame.size;
	}
	check_component(data, size); /* the rest: shorter ways to what lies deep */
	if (size > 1)
		check_string(data[0], data + 1, size - 1 < SS_STRING_MAX ? size - 1 : SS_STRING_MAX);
	return 0;
}
