/* Fuzz target: any octets as an SMPP stream. Frame, decode, encode and decode again, and read what
 * a deliver_sm would mean, and how it is traced. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/smpp/pdu.h"
#include "adapters/smpp/smpp.h"
#include "adapters/smpp/trace.h"
#include "base/buf.h"
#include "base/mem.h"
#include "core/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_again(const struct pdu *pdu)
{
	struct buf first = { 0 }, second = { 0 };
	struct pdu again;

	if (pdu_encode(pdu, &first)) { /* what we read may be longer than what we may write */
		check(pdu_decode(first.data, first.len, &again) == PDU_OK);
		check(!again.tail_bad);
		check(pdu_encode(&again, &second));
		check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	buf_free(&first);
	buf_free(&second);
}

static void check_stored(const struct inbound *in)
{
	struct buf stored = { 0 }, text = { 0 };
	struct inbound back;

	inbound_encode(in, &stored);
	check(inbound_decode(stored.data, stored.len, &back));
	check(back.body_len == in->body_len && back.part_ref == in->part_ref);
	check(back.part_total == 0 || (back.part_seq > 0 && back.part_seq <= back.part_total));
	charset_to_utf8(back.alphabet, back.body, back.body_len, &text);
	check(charset_utf8_valid(text.data, text.len));
	inbound_fini(&back);
	buf_free(&stored);
	buf_free(&text);
}

static void one_pdu(const uint8_t *bytes, size_t len)
{
	static const struct smpp_conf conf = { .name = "fuzz", .carrier = "fuzz",
		                               .dcs8 = ALPHABET_BINARY };
	uint8_t *exact = mem_dup(bytes, len); /* so that one octet too far is seen */
	char line[TRACE_LINE_MAX];
	struct receipt receipt;
	struct inbound in;
	struct pdu pdu;

	if (pdu_decode(exact, len, &pdu) == PDU_OK) {
		check_again(&pdu);
		if (mo_read(&pdu, &conf, &in))
			check_stored(&in);
		receipt_read(&pdu, &conf, &receipt);
	}
	trace_line(exact, len, line);
	check(strlen(line) < TRACE_LINE_MAX);
	mem_free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pdu_header header;

	while (pdu_frame(data, size, &header) == PDU_OK) {
		check(header.command_length >= PDU_HEADER && header.command_length <= size);
		one_pdu(data, header.command_length);
		data += header.command_length;
		size -= header.command_length;
	}
	return 0;
}
