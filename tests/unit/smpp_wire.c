/* PDUs written octet by octet. */
#include "smpp_wire.h"

struct buf wire;

void wire_start(uint32_t command_id, uint32_t status, uint32_t sequence)
{
	buf_clear(&wire);
	buf_put_u32(&wire, 0);
	buf_put_u32(&wire, command_id);
	buf_put_u32(&wire, status);
	buf_put_u32(&wire, sequence);
}

void wire_put(const char *bytes, size_t len)
{
	buf_put(&wire, bytes, len);
}

static void set_length(void)
{
	for (unsigned i = 0; i < 4; i++)
		wire.data[i] = (uint8_t)(wire.len >> (24 - 8 * i));
}

void wire_tlv(uint16_t tag, const void *value, uint16_t len)
{
	buf_put_u16(&wire, tag);
	buf_put_u16(&wire, len);
	buf_put(&wire, value, len);
}

void wire_deliver(uint8_t esm_class, uint8_t data_coding)
{
	wire_start(PDU_DELIVER_SM, 0, 7);
	PUT_TEXT("");
	PUT("\x01\x01");
	PUT_TEXT("84912345678");
	PUT("\x03\x00");
	PUT_TEXT("111");
	buf_put_u8(&wire, esm_class);
	PUT("\0\0\0\0\0\0");
	buf_put_u8(&wire, data_coding);
	PUT("\0");
}

void wire_body(const void *bytes, uint8_t len)
{
	buf_put_u8(&wire, len);
	buf_put(&wire, bytes, len);
}

/* From a heap exact of the exact size, so that the sanitizer sees one octet too far. */
static uint8_t *exact;

enum pdu_result wire_decode(struct pdu *pdu)
{
	set_length();
	free(exact);
	exact = malloc(wire.len);
	memcpy(exact, wire.data, wire.len);
	return pdu_decode(exact, wire.len, pdu);
}

void expect_octets(struct octets got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

int wire_clean(void **state)
{
	(void)state;
	buf_free(&wire);
	free(exact);
	exact = NULL;
	return 0;
}
