/* What one deliver_sm costs: framing and decoding it, and encoding it, on one core.
 * usage: bench/codec */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/smpp/pdu.h"

enum { ROUNDS = 5, REPEATS = 1000000 };

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A Vietnamese text of 63 characters with three optional parameters, as carriers send them. */
static void make(struct pdu *pdu, const uint8_t body[126])
{
	*pdu = (struct pdu){ .command_id = PDU_DELIVER_SM, .sequence_number = 77, .source_addr_ton = 1,
		             .source_addr_npi = 1, .dest_addr_ton = 3, .data_coding = 8 };
	pdu->source_addr = octets_of("84912345678");
	pdu->destination_addr = octets_of("111");
	pdu->short_message = (struct octets){ body, 126 };
	pdu->tlv[TLV_USER_MESSAGE_REFERENCE] = (struct octets){ (const uint8_t *)"\x12\x34", 2 };
	pdu->tlv[TLV_SOURCE_PORT] = (struct octets){ (const uint8_t *)"\x00\x00", 2 };
	pdu->tlv[TLV_LANGUAGE_INDICATOR] = (struct octets){ (const uint8_t *)"\x00", 1 };
}

static double decode_ns(const struct buf *bytes)
{
	double began = now_s();
	struct pdu_header header;
	struct pdu pdu;
	uint64_t sum = 0;

	for (int i = 0; i < REPEATS; i++) {
		if (pdu_frame(bytes->data, bytes->len, &header) != PDU_OK ||
		    pdu_decode(bytes->data, bytes->len, &pdu) != PDU_OK)
			return -1;
		sum += pdu.short_message.len;
	}
	return sum ? (now_s() - began) / REPEATS * 1e9 : -1;
}

static double encode_ns(const struct pdu *pdu, struct buf *bytes)
{
	double began = now_s();

	for (int i = 0; i < REPEATS; i++) {
		buf_clear(bytes);
		if (!pdu_encode(pdu, bytes))
			return -1;
	}
	return (now_s() - began) / REPEATS * 1e9;
}

int main(void)
{
	uint8_t body[126] = { 1 };
	double decode = 1e9, encode = 1e9;
	struct buf bytes = { 0 };
	struct pdu pdu;

	make(&pdu, body);
	for (int i = 0; i < ROUNDS; i++) { /* the best round: the others were disturbed */
		double e = encode_ns(&pdu, &bytes), d = decode_ns(&bytes);

		encode = e < encode ? e : encode;
		decode = d < decode ? d : decode;
	}
	printf("deliver_sm of %zu octets: frame and decode %.0f ns, encode %.0f ns\n", bytes.len, decode, encode);
	buf_free(&bytes);
	return decode < 0 || encode < 0;
}
