/* Fuzz target: octets as an IPA stream from an HLR. Whatever is read is within its frame, every USSD string is
 * valid UTF-8, and what we write of it reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/gsup/codec.h"
#include "base/mem.h"
#include "core/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void use_text(const struct ss_component *c)
{
	struct buf text = {0}, octets = {0}, component = {0};
	struct ss_component ours = {.kind = SS_RESULT, .invoke_id = c->invoke_id, .operation = SS_PROCESS_REQUEST}, back;

	ss_text_decode(c->dcs, c->text, c->text_len, &text);
	check(charset_utf8_valid(text.data, text.len));
	ours.dcs = ss_text_encode(buf_cstr(&text), &octets);
	check(octets.len <= SS_TEXT_MAX);
	ours.text = octets.data ? octets.data : (const uint8_t *)"";
	ours.text_len = octets.len;
	ss_encode(&ours, &component);
	check(component.len <= FACILITY_MAX);
	check(ss_decode(component.data, component.len, &back));
	check(back.text_len == ours.text_len && memcmp(back.text, ours.text, ours.text_len) == 0);
	buf_free(&text);
	buf_free(&octets);
	buf_free(&component);
}

static void one_payload(const uint8_t *payload, size_t len)
{
	uint8_t *exact = mem_dup(payload, len); /* so that one octet too far is seen */
	struct gsup_message m, back;
	struct ss_component c;
	struct buf again = {0};

	if (gsup_decode(exact, len, &m)) {
		gsup_encode(&m, &again);
		check(gsup_decode(again.data, again.len, &back));
		check(strcmp(m.imsi, back.imsi) == 0 && m.session == back.session && m.state == back.state);
		if (m.facility && ss_decode(m.facility, m.facility_len, &c) && c.text)
			use_text(&c);
	}
	buf_free(&again);
	mem_free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipa_frame frame;

	while (ipa_read(data, size, &frame) == IPA_OK) {
		check(frame.len >= 1 && frame.len <= size - IPA_HEADER);
		if (frame.stream == IPA_OSMO)
			one_payload(frame.payload + 1, frame.len - 1);
		data += IPA_HEADER + frame.len;
		size -= IPA_HEADER + frame.len;
	}
	return 0;
}
