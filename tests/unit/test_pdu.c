/* The SMPP codec: known bytes, everything carriers send against the specification, hostile lengths.
 * */
#include "smpp_wire.h"

#include "adapters/smpp/smpp.h"

/* ---- known answers ---- */

/* The bind_transmitter that the SMPP 3.4 specification gives as its example of an encoded PDU. */
static const uint8_t spec_bind[] = {
	0x00, 0x00, 0x00, 0x2f, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x53, 0x4d, 0x50, 0x50, 0x33, 0x54, 0x45, 0x53, 0x54, 0x00, 0x73, 0x65, 0x63, 0x72, 0x65, 0x74,
	0x30, 0x38, 0x00, 0x53, 0x55, 0x42, 0x4d, 0x49, 0x54, 0x31, 0x00, 0x00, 0x01, 0x01, 0x00,
};

static void the_bind_of_the_specification_is_decoded(void **state)
{
	struct pdu pdu;

	(void)state;
	assert_int_equal(pdu_decode(spec_bind, sizeof(spec_bind), &pdu), PDU_OK);
	assert_int_equal(pdu.command_id, PDU_BIND_TRANSMITTER);
	assert_int_equal(pdu.sequence_number, 1);
	expect_octets(pdu.system_id, "SMPP3TEST");
	expect_octets(pdu.password, "secret08");
	expect_octets(pdu.system_type, "SUBMIT1");
	assert_int_equal(pdu.interface_version, 0);
	assert_int_equal(pdu.addr_ton, 1);
	assert_int_equal(pdu.addr_npi, 1);
	expect_octets(pdu.address_range, "");
}

static void the_bind_of_the_specification_is_encoded(void **state)
{
	struct pdu pdu = { .command_id = PDU_BIND_TRANSMITTER, .sequence_number = 1,
		           .addr_ton = 1, .addr_npi = 1 };
	struct buf out = { 0 };

	(void)state;
	pdu.system_id = octets_of("SMPP3TEST");
	pdu.password = octets_of("secret08");
	pdu.system_type = octets_of("SUBMIT1");
	assert_true(pdu_encode(&pdu, &out));
	assert_int_equal(out.len, sizeof(spec_bind));
	assert_memory_equal(out.data, spec_bind, out.len);
	buf_free(&out);
}

static void a_submit_sm_is_laid_out_as_section_4_4_1_says(void **state)
{
	static const uint8_t want[] = {
		0, 0, 0, 0x3e, 0, 0, 0, 4, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff,
		'C', 'M', 'T', 0, 5, 0, '1', '1', '1', 0, 1, 1, '8', '4', '9', '1', '2', 0,
		0x40, 0x02, 0x03, 0, '0', '0', '0', '0', '0', '0', '0', '1', '0', '0', '0', '0', '0', '0',
		'0', 'R', 0, 1, 0, 8, 0, 2, 0x1e, 0xa5,
	};
	struct pdu pdu = { .command_id = PDU_SUBMIT_SM, .sequence_number = 0x7fffffff };
	struct buf out = { 0 };

	(void)state;
	pdu.service_type = octets_of("CMT");
	pdu.source_addr_ton = 5;
	pdu.source_addr = octets_of("111");
	pdu.dest_addr_ton = pdu.dest_addr_npi = 1;
	pdu.destination_addr = octets_of("84912");
	pdu.esm_class = ESM_UDHI;
	pdu.protocol_id = 2;
	pdu.priority_flag = 3;
	pdu.validity_period = octets_of("000000010000000R");
	pdu.registered_delivery = 1;
	pdu.data_coding = 8;
	pdu.short_message = (struct octets){ (const uint8_t *)"\x1e\xa5", 2 };
	assert_true(pdu_encode(&pdu, &out));
	assert_int_equal(out.len, sizeof(want));
	assert_memory_equal(out.data, want, sizeof(want));
	buf_free(&out);
}

static void every_command_survives_encoding_and_decoding(void **state)
{
	static const uint32_t ids[] = {
		PDU_BIND_RECEIVER, PDU_BIND_TRANSMITTER, PDU_BIND_TRANSCEIVER, PDU_SUBMIT_SM, PDU_DELIVER_SM,
		PDU_UNBIND, PDU_ENQUIRE_LINK, PDU_DATA_SM, PDU_OUTBIND, PDU_ALERT_NOTIFICATION,
	};
	struct buf out = { 0 }, again = { 0 };

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(ids) / sizeof(ids[0]); i++) {
		uint32_t id = ids[i / 2] | (i % 2 ? PDU_RESPONSE : 0);
		struct pdu pdu = { .command_id = id, .command_status = 5, .sequence_number = 99 }, got;

		if (!pdu_command_known(id))
			continue;
		pdu.system_id = pdu.message_id = pdu.source_addr = octets_of("abc");
		pdu.destination_addr = pdu.short_message = pdu.esme_addr = octets_of("defg");
		pdu.tlv[TLV_USER_MESSAGE_REFERENCE] = octets_of("\x12\x34");
		buf_clear(&out);
		buf_clear(&again);
		assert_true(pdu_encode(&pdu, &out));
		assert_int_equal(pdu_decode(out.data, out.len, &got), PDU_OK);
		assert_int_equal(got.command_id, id);
		assert_int_equal(got.command_status, 5);
		assert_int_equal(got.sequence_number, 99);
		assert_false(got.tail_bad);
		assert_true(pdu_encode(&got, &again));
		assert_int_equal(again.len, out.len);
		assert_memory_equal(again.data, out.data, out.len);
	}
	buf_free(&out);
	buf_free(&again);
}

static void a_field_longer_than_its_room_is_not_written(void **state)
{
	struct pdu pdu = { .command_id = PDU_SUBMIT_SM };
	struct buf out = { 0 };
	uint8_t long_body[255] = { 0 };

	(void)state;
	buf_put_u8(&out, 0xee);
	pdu.source_addr = octets_of("123456789012345678901"); /* 21 and the NUL */
	assert_false(pdu_encode(&pdu, &out));
	pdu.source_addr = octets_of("12345678901234567890");
	pdu.short_message = (struct octets){ long_body, 255 };
	assert_false(pdu_encode(&pdu, &out));
	pdu.short_message.len = 254;
	assert_int_equal(out.len, 1);
	assert_true(pdu_encode(&pdu, &out));
	assert_int_equal(out.data[0], 0xee);
	pdu.tlv[TLV_SAR_MSG_REF_NUM] = octets_of("abc");
	assert_false(pdu_encode(&pdu, &out));
	pdu.command_id = 0x99;
	assert_false(pdu_encode(&pdu, &out));
	buf_free(&out);
}

/* ---- framing ---- */

static enum pdu_result frame(const char *bytes, size_t len, struct pdu_header *header)
{
	uint8_t *exact = malloc(len + 1);
	enum pdu_result result;

	memcpy(exact, bytes, len);
	exact = realloc(exact, len ? len : 1);
	result = pdu_frame(exact, len, header);
	free(exact);
	return result;
}

static void a_prefix_of_any_length_waits_for_more(void **state)
{
	struct pdu_header header = { 0 };

	(void)state;
	for (size_t len = 0; len < sizeof(spec_bind); len++)
		assert_int_equal(frame((const char *)spec_bind, len, &header), PDU_MORE);
	assert_int_equal(frame((const char *)spec_bind, sizeof(spec_bind), &header), PDU_OK);
	assert_int_equal(header.command_length, sizeof(spec_bind));
	assert_int_equal(header.command_id, PDU_BIND_TRANSMITTER);
	assert_int_equal(header.sequence_number, 1);
}

static void a_length_out_of_bounds_is_bad(void **state)
{
	struct pdu_header header;

	(void)state;
	assert_int_equal(frame("\0\0\0\x0f\0\0\0\x15\0\0\0\0\0\0\0\x09", 16, &header), PDU_BAD);
	assert_int_equal(header.sequence_number, 9); /* for the generic_nack */
	assert_int_equal(frame("\0\0\0\0\0\0\0\x15\0\0\0\0\0\0\0\x01", 16, &header), PDU_BAD);
	assert_int_equal(frame("\0\x01\x11\x71\0\0\0\x15\0\0\0\0\0\0\0\x01", 16, &header), PDU_BAD);
	assert_int_equal(frame("\0\x01\x11\x70\0\0\0\x15\0\0\0\0\0\0\0\x01", 16, &header), PDU_MORE);
	assert_int_equal(frame("\xff\xff\xff\xff\0\0\0\x15\0\0\0\0\0\0\0\x01", 16, &header), PDU_BAD);
	assert_int_equal(frame("GET / HTTP/1.1\r\n", 16, &header), PDU_BAD);
}

static void sequence_numbers_outside_the_range_come_back_verbatim(void **state)
{
	static const uint32_t odd[] = { 0, 0x80000000, 0xffffffff };
	struct buf out = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pdu pdu, resp = { .command_id = PDU_ENQUIRE_LINK | PDU_RESPONSE };

		wire_start(PDU_ENQUIRE_LINK, 0, odd[i]);
		assert_int_equal(wire_decode(&pdu), PDU_OK);
		assert_int_equal(pdu.sequence_number, odd[i]);
		resp.sequence_number = pdu.sequence_number;
		buf_clear(&out);
		assert_true(pdu_encode(&resp, &out));
		assert_memory_equal(out.data + 12, wire.data + 12, 4);
	}
	buf_free(&out);
}

/* ---- what carriers send all the same ---- */

static void an_error_submit_sm_resp_with_an_empty_message_id(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, ESME_RTHROTTLED, 3);
	PUT("\0");
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.command_status, ESME_RTHROTTLED);
	assert_int_equal(pdu.message_id.len, 0);
}

static void a_submit_sm_resp_without_a_body(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, ESME_RSYSERR, 3);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, ESME_ROK, 3);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.message_id.len, 0);
}

static void an_error_bind_resp_without_a_body(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_BIND_TRANSCEIVER | PDU_RESPONSE, ESME_RINVPASWD, 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.command_status, ESME_RINVPASWD);
}

static void a_vendor_command_status(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, 0x443, 3);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.command_status, 0x443);
	assert_string_equal(pdu_status_text(0x443), "carrier's own error");
	assert_string_equal(pdu_status_text(0xdeadbeef), "unlisted error");
	assert_string_equal(pdu_status_text(ESME_RINVPASWD), "invalid password");
}

static void a_tlv_after_submit_sm_resp(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, ESME_RSYSERR, 3);
	PUT_TEXT("m42");
	wire_tlv(0x0423, "\x03\x00\x01", 3);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	expect_octets(pdu.message_id, "m42");
	assert_int_equal(pdu.tlv[TLV_NETWORK_ERROR_CODE].len, 3);
}

static void a_message_id_without_its_nul(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_SUBMIT_SM | PDU_RESPONSE, 0, 3);
	PUT("m42");
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	expect_octets(pdu.message_id, "m42");
}

static void any_interface_version(void **state)
{
	static const char versions[] = { 0x00, 0x33, 0x34, 0x50, (char)0xff };
	struct pdu pdu;
	uint32_t version;

	(void)state;
	for (unsigned i = 0; i < sizeof(versions); i++) {
		wire_start(PDU_BIND_TRANSCEIVER | PDU_RESPONSE, 0, 1);
		PUT_TEXT("smsc");
		wire_tlv(0x0210, &versions[i], 1);
		assert_int_equal(wire_decode(&pdu), PDU_OK);
		assert_true(pdu_tlv_number(&pdu, TLV_SC_INTERFACE_VERSION, &version));
		assert_int_equal(version, (uint8_t)versions[i]);
	}
}

static void ton_7_and_npi_2(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_DELIVER_SM, 0, 1);
	PUT_TEXT("");
	PUT("\x07\x02");
	PUT_TEXT("abc");
	PUT("\xff\xff");
	PUT_TEXT("111");
	PUT("\0\0\0\0\0\0\0\0\0");
	wire_body("x", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.source_addr_ton, 7);
	assert_int_equal(pdu.source_addr_npi, 2);
	assert_int_equal(pdu.dest_addr_ton, 0xff);
}

static void a_message_payload_of_any_length(void **state)
{
	static char text[65535];
	struct pdu pdu;

	(void)state;
	memset(text, 'u', sizeof(text));
	wire_deliver(0, 8);
	wire_body("", 0);
	wire_tlv(0x0424, text, 1026);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.tlv[TLV_MESSAGE_PAYLOAD].len, 1026);
	wire_deliver(0, 8);
	wire_body("", 0);
	wire_tlv(0x0424, text, 65535);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.tlv[TLV_MESSAGE_PAYLOAD].len, 65535);
}

static void sm_length_255(void **state)
{
	uint8_t text[255];
	struct pdu pdu;

	(void)state;
	memset(text, 'x', sizeof(text));
	wire_deliver(0, 0);
	wire_body(text, 255);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_int_equal(pdu.short_message.len, 255);
}

static void unknown_tlvs_in_any_order(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 0);
	wire_body("x", 1);
	wire_tlv(0x1401, "vendor", 6);
	wire_tlv(0x0427, "\x02", 1);
	wire_tlv(0xffff, "", 0);
	wire_tlv(0x001e, "id-1\0", 5);
	wire_tlv(0x0000, "abc", 3);
	wire_tlv(0x0204, "\x00\x09", 2);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_false(pdu.tail_bad);
	assert_int_equal(pdu.tlv[TLV_RECEIPTED_MESSAGE_ID].len, 5);
	assert_int_equal(pdu.tlv[TLV_USER_MESSAGE_REFERENCE].len, 2);
}

static void sm_length_0_with_udhi(void **state)
{
	struct smpp_conf conf = { .name = "l" };
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(ESM_UDHI, 0);
	wire_body("", 0);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.body_len, 0);
	assert_int_equal(in.part_ref_bits, 0);
}

static void an_address_longer_than_the_specification(void **state)
{
	struct smpp_conf conf = { .name = "l" };
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_start(PDU_DELIVER_SM, 0, 1);
	PUT_TEXT("");
	PUT("\x05\x00");
	PUT_TEXT("a-sender-name-much-longer-than-twenty-octets-and-even-than-the-sixty-five-of-data-sm");
	PUT("\0\0");
	PUT_TEXT("111");
	PUT("\0\0\0\0\0\0\0\0\0");
	wire_body("x", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(strlen(in.source), INBOUND_ADDRESS_MAX - 1);
}

static void octets_after_an_enquire_link(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(PDU_ENQUIRE_LINK, 0, 1);
	PUT("\0");
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(pdu.tail_bad);
}

static void an_integer_tlv_of_any_width(void **state)
{
	struct pdu pdu;
	uint32_t value;

	(void)state;
	wire_deliver(0, 0);
	wire_body("", 0);
	wire_tlv(0x020e, "\x00\x03", 2);
	wire_tlv(0x020c, "\x07", 1);
	wire_tlv(0x020f, "", 0);
	wire_tlv(0x0204, "12345", 5);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(pdu_tlv_number(&pdu, TLV_SAR_TOTAL_SEGMENTS, &value));
	assert_int_equal(value, 3);
	assert_true(pdu_tlv_number(&pdu, TLV_SAR_MSG_REF_NUM, &value));
	assert_int_equal(value, 7);
	assert_false(pdu_tlv_number(&pdu, TLV_SAR_SEGMENT_SEQNUM, &value));
	assert_false(pdu_tlv_number(&pdu, TLV_USER_MESSAGE_REFERENCE, &value));
	assert_false(pdu_tlv_number(&pdu, TLV_MESSAGE_STATE, &value));
}

/* ---- what cannot be read ---- */

static void a_deliver_sm_cut_anywhere_is_bad_or_complete(void **state)
{
	struct pdu pdu;
	size_t mandatory, len;

	(void)state;
	wire_deliver(0, 8);
	wire_body("\x1e\xa5", 2);
	mandatory = wire.len;
	wire_tlv(0x0204, "\x00\x09", 2);
	for (len = PDU_HEADER; len < mandatory; len++) {
		wire.len = len;
		assert_int_equal(wire_decode(&pdu), PDU_BAD);
	}
	for (; len < mandatory + 6; len++) {
		wire.len = len;
		assert_int_equal(wire_decode(&pdu), PDU_OK);
		assert_int_equal(pdu.short_message.len, 2);
		assert_int_equal(pdu.tail_bad, len > mandatory);
	}
}

static void an_unknown_command_is_bad(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_start(0x00000999, 0, 1);
	assert_int_equal(wire_decode(&pdu), PDU_BAD);
	assert_string_equal(pdu_command_name(0x999), "unknown command");
	assert_string_equal(pdu_command_name(PDU_DELIVER_SM), "deliver_sm");
}

static void a_length_that_is_not_the_pdus_own_is_bad(void **state)
{
	struct pdu pdu;

	(void)state;
	assert_int_equal(pdu_decode(spec_bind, sizeof(spec_bind) - 1, &pdu), PDU_BAD);
	assert_int_equal(pdu_decode(spec_bind, 3, &pdu), PDU_BAD);
	assert_int_equal(pdu_decode(spec_bind, 0, &pdu), PDU_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_bind_of_the_specification_is_decoded),
		TEST(the_bind_of_the_specification_is_encoded),
		TEST(a_submit_sm_is_laid_out_as_section_4_4_1_says),
		TEST(every_command_survives_encoding_and_decoding),
		TEST(a_field_longer_than_its_room_is_not_written),
		TEST(a_prefix_of_any_length_waits_for_more),
		TEST(a_length_out_of_bounds_is_bad),
		TEST(sequence_numbers_outside_the_range_come_back_verbatim),
		TEST(an_error_submit_sm_resp_with_an_empty_message_id),
		TEST(a_submit_sm_resp_without_a_body),
		TEST(an_error_bind_resp_without_a_body),
		TEST(a_vendor_command_status),
		TEST(a_tlv_after_submit_sm_resp),
		TEST(a_message_id_without_its_nul),
		TEST(any_interface_version),
		TEST(ton_7_and_npi_2),
		TEST(a_message_payload_of_any_length),
		TEST(sm_length_255),
		TEST(unknown_tlvs_in_any_order),
		TEST(sm_length_0_with_udhi),
		TEST(an_address_longer_than_the_specification),
		TEST(octets_after_an_enquire_link),
		TEST(an_integer_tlv_of_any_width),
		TEST(a_deliver_sm_cut_anywhere_is_bad_or_complete),
		TEST(an_unknown_command_is_bad),
		TEST(a_length_that_is_not_the_pdus_own_is_bad),
	};

	return cmocka_run_group_tests_name("pdu", tests, NULL, NULL);
}
