/* What a decoded deliver_sm means: a delivery, a part, a receipt; and how what we send is written.
 * */
#include "smpp_wire.h"

#include "adapters/smpp/smpp.h"

/* ---- deliveries ---- */

static struct smpp_conf conf = { .name = "vtl-1", .carrier = "viettel", .dcs0 = ALPHABET_GSM7,
	                         .dcs8 = ALPHABET_BINARY };

static void a_deliver_sm_becomes_a_delivery(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 8);
	wire_body("\x1e\xa5\x00x", 4);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_string_equal(in.adapter, "smpp");
	assert_string_equal(in.link, "vtl-1");
	assert_string_equal(in.carrier, "viettel");
	assert_int_equal(in.channel, CHANNEL_SMS);
	assert_string_equal(in.source, "84912345678");
	assert_int_equal(in.source_ton, 1);
	assert_int_equal(in.source_npi, 1);
	assert_string_equal(in.dest, "111");
	assert_int_equal(in.dest_ton, 3);
	assert_int_equal(in.alphabet, ALPHABET_UTF16);
	assert_int_equal(in.body_len, 4);
	assert_memory_equal(in.body, "\x1e\xa5\x00x", 4);
	assert_int_equal(in.part_total, 0);
}

static void addresses_are_printable_whatever_the_carrier_sends(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 0);
	wire_body("x", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	pdu.source_addr = (struct octets){ (const uint8_t *)"b\xe1n", 3 };
	pdu.destination_addr = (struct octets){ (const uint8_t *)"111\xff", 4 };
	assert_true(mo_read(&pdu, &conf, &in));
	assert_string_equal(in.source, "b\\xe1n");
	assert_string_equal(in.dest, "111\\xff");
}

static void parts_are_found_in_header_and_tlvs(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(ESM_UDHI, 0);
	wire_body("\x05\x00\x03\x2a\x03\x02xyz", 9);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.part_ref, 0x2a);
	assert_int_equal(in.part_ref_bits, 8);
	assert_int_equal(in.part_total, 3);
	assert_int_equal(in.part_seq, 2);
	assert_int_equal(in.body_len, 3);
	wire_deliver(0, 0);
	wire_body("xyz", 3);
	wire_tlv(0x020c, "\x12\x34", 2);
	wire_tlv(0x020e, "\x02", 1);
	wire_tlv(0x020f, "\x01", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.part_ref, 0x1234);
	assert_int_equal(in.part_ref_bits, 16);
	assert_int_equal(in.part_total, 2);
	assert_int_equal(in.part_seq, 1);
}

static void a_header_may_name_national_tables(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(ESM_UDHI, 0);
	wire_body("\x08\x24\x01\x01\x00\x03\x07\x02\x01xyz", 12);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.alphabet, ALPHABET_NATIONAL + 1);
	assert_int_equal(in.part_total, 2);
	wire_deliver(ESM_UDHI, 8); /* no septets: nothing to shift */
	wire_body("\x03\x25\x01\x01\x00x", 6);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.alphabet, ALPHABET_UTF16);
}

/* Section 5.2.12: message modes, acknowledgements of a phone's user, reply path: texts, all of them. */
static void every_class_but_a_receipt_is_a_text(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	for (unsigned esm_class = 0; esm_class < 256; esm_class++) {
		bool receipt = (esm_class & ESM_TYPE_MASK) == 0x04 || (esm_class & ESM_TYPE_MASK) == 0x20;

		wire_deliver((uint8_t)esm_class, 8);
		wire_body("\x00\x61", 2);
		assert_int_equal(wire_decode(&pdu), PDU_OK);
		assert_int_equal(receipt_is(&pdu), receipt);
		assert_true(mo_read(&pdu, &conf, &in));
		assert_int_equal(in.esm_class, esm_class);
	}
}

static void a_header_that_overruns_the_body_is_body(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(ESM_UDHI, 0);
	wire_body("Help", 4); /* 'H' would be a header of 72 octets */
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.body_len, 4);
}

static void senseless_sar_numbers_are_ignored(void **state)
{
	static const char *const odd[][2] = { { "\x02", "\x03" }, { "\x02", "\x00" } };
	struct inbound in;
	struct pdu pdu;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		wire_deliver(0, 0);
		wire_body("x", 1);
		wire_tlv(0x020c, "\x12\x34", 2);
		wire_tlv(0x020e, odd[i][0], 1);
		wire_tlv(0x020f, odd[i][1], 1);
		assert_int_equal(wire_decode(&pdu), PDU_OK);
		assert_true(mo_read(&pdu, &conf, &in));
		assert_int_equal(in.part_ref_bits, 0);
	}
}

static void a_payload_carries_text_and_header_alike(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(ESM_UDHI, 0);
	wire_body("", 0);
	wire_tlv(0x0424, "\x05\x00\x03\x2a\x02\x01Xin", 9);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.body_len, 3);
	assert_int_equal(in.part_total, 2);
}

static void a_payload_that_does_not_fit_is_left_to_a_human(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 0);
	wire_body("", 0);
	PUT("\x04\x24\x01\x00" "cut short");
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_false(mo_read(&pdu, &conf, &in));
	wire_deliver(0, 0);
	wire_body("text", 4); /* here the text is whole, whatever follows it */
	PUT("\x04\x24\x01\x00" "cut short");
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
}

static void a_data_sm_becomes_a_delivery(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_start(PDU_DATA_SM, 0, 1);
	PUT_TEXT("");
	PUT("\x01\x01");
	PUT_TEXT("84912345678");
	PUT("\x00\x00");
	PUT_TEXT("111");
	PUT("\x00\x00\x08");
	wire_tlv(0x0424, "\x1e\xa5", 2);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_string_equal(in.source, "84912345678");
	assert_int_equal(in.alphabet, ALPHABET_UTF16);
	assert_int_equal(in.body_len, 2);
}

static void a_ussd_step_is_known_by_its_tlv(void **state)
{
	struct inbound in;
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 0x0f);
	wire_body("1", 1);
	wire_tlv(0x0501, "\x01", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(mo_read(&pdu, &conf, &in));
	assert_int_equal(in.channel, CHANNEL_USSD);
	assert_int_equal(in.alphabet, ALPHABET_GSM7);
}

static void data_coding_says_the_alphabet(void **state)
{
	static const struct {
		uint8_t coding;
		enum alphabet want;
	} rows[] = {
		{ 0x01, ALPHABET_ASCII },  { 0x02, ALPHABET_BINARY }, { 0x03, ALPHABET_LATIN1 },
		{ 0x04, ALPHABET_BINARY }, { 0x08, ALPHABET_UTF16 },  { 0x0f, ALPHABET_GSM7 },
		{ 0x10, ALPHABET_GSM7 },   { 0x14, ALPHABET_BINARY }, { 0x18, ALPHABET_UTF16 },
		{ 0x48, ALPHABET_UTF16 },  { 0x80, ALPHABET_BINARY }, { 0xc8, ALPHABET_GSM7 },
		{ 0xd8, ALPHABET_GSM7 },   { 0xe8, ALPHABET_UTF16 },  { 0xf0, ALPHABET_GSM7 },
		{ 0xf4, ALPHABET_BINARY },
	};
	struct smpp_conf hinted = conf;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(mo_alphabet(rows[i].coding, &hinted), rows[i].want);
	assert_int_equal(mo_alphabet(0, &hinted), ALPHABET_GSM7);
	hinted.dcs0 = ALPHABET_LATIN1;
	assert_int_equal(mo_alphabet(0, &hinted), ALPHABET_LATIN1);
	hinted.dcs0 = ALPHABET_UTF8;
	assert_int_equal(mo_alphabet(0, &hinted), ALPHABET_UTF8);
	hinted.dcs8 = ALPHABET_UTF16; /* this carrier's "8-bit" */
	assert_int_equal(mo_alphabet(4, &hinted), ALPHABET_UTF16);
	assert_int_equal(mo_alphabet(0xf5, &hinted), ALPHABET_UTF16);
	assert_int_equal(mo_alphabet(3, &hinted), ALPHABET_LATIN1);
}

/* ---- receipts ---- */

static bool read_receipt(uint8_t esm_class, const char *text, struct receipt *receipt)
{
	struct pdu pdu;

	wire_deliver(esm_class, 0);
	wire_body(text, (uint8_t)strlen(text));
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(receipt_is(&pdu));
	return receipt_read(&pdu, &conf, receipt);
}

static void a_receipt_is_known_by_type_never_by_its_words(void **state)
{
	struct pdu pdu;

	(void)state;
	wire_deliver(0, 0);
	wire_body("id:1 stat:DELIVRD", 17);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_false(receipt_is(&pdu));
	pdu.esm_class = 0x04 | 0x40;
	assert_true(receipt_is(&pdu));
	pdu.esm_class = 0x20;
	assert_true(receipt_is(&pdu));
	pdu.esm_class = 0x08; /* acknowledgement written on a phone: a text */
	assert_false(receipt_is(&pdu));
	pdu.esm_class = 0x03; /* message mode bits are not the type */
	assert_false(receipt_is(&pdu));
}

static void a_receipt_in_words_is_read(void **state)
{
	struct receipt r;

	(void)state;
	assert_true(read_receipt(4, "id:0059113978 sub:001 dlvrd:001 submit date:2601010000 "
	                            "done date:260101000000 stat:DELIVRD err:000 Text:id:9 x", &r));
	assert_string_equal(r.provider_ref, "59113978");
	assert_int_equal(r.status, RECEIPT_DELIVERED);
	assert_true(read_receipt(4, "stat:UNDELIV ID:abc", &r));
	assert_string_equal(r.provider_ref, "abc");
	assert_int_equal(r.status, RECEIPT_FAILED);
	assert_true(read_receipt(4, "id:a stat:EXPIRED", &r));
	assert_int_equal(r.status, RECEIPT_EXPIRED);
	assert_true(read_receipt(4, "id:a stat:delivered", &r));
	assert_int_equal(r.status, RECEIPT_DELIVERED);
	assert_true(read_receipt(4, "id:a stat:ENROUTE", &r));
	assert_int_equal(r.status, RECEIPT_INTERMEDIATE);
	assert_true(read_receipt(4, "id:a stat:WHATEVER", &r));
	assert_int_equal(r.status, RECEIPT_INTERMEDIATE);
	assert_true(read_receipt(0x20, "id:a stat:DELIVRD", &r));
	assert_int_equal(r.status, RECEIPT_INTERMEDIATE);
}

static void a_receipt_without_a_message_is_not_read(void **state)
{
	struct receipt r;

	(void)state;
	assert_false(read_receipt(4, "", &r));
	assert_false(read_receipt(4, "id: sub:001", &r));
	assert_false(read_receipt(4, "paid:5 stat:DELIVRD", &r));
	assert_false(read_receipt(4, "id:12345678901234567890123456789012345678901234567890123456789012345678",
	                          &r));
}

static void a_receipt_in_tlvs_goes_before_its_words(void **state)
{
	struct receipt r;
	struct pdu pdu;

	(void)state;
	wire_deliver(4, 0);
	wire_body("id:1 stat:ENROUTE", 17);
	wire_tlv(0x001e, "38601fa\0", 8);
	wire_tlv(0x0427, "\x05", 1);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(receipt_read(&pdu, &conf, &r));
	assert_string_equal(r.provider_ref, "38601fa");
	assert_int_equal(r.status, RECEIPT_FAILED);
}

static void a_receipt_in_ucs2_is_read(void **state)
{
	static const char text[] = "id:7 stat:DELIVRD";
	uint8_t wide[2 * sizeof(text)] = { 0 };
	struct receipt r;
	struct pdu pdu;

	(void)state;
	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		wide[2 * i + 1] = (uint8_t)text[i];
	wire_deliver(4, 8);
	wire_body(wide, 2 * (sizeof(text) - 1));
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	assert_true(receipt_read(&pdu, &conf, &r));
	assert_string_equal(r.provider_ref, "7");
	assert_int_equal(r.status, RECEIPT_DELIVERED);
}

/* ---- addresses and times of what we send ---- */

static void addresses_get_their_type_from_their_form(void **state)
{
	static const struct {
		const char *text, *digits;
		uint8_t ton, npi;
	} rows[] = {
		{ "+84912345678", "84912345678", 1, 1 }, { "0912345678", "0912345678", 0, 1 },
		{ "111", "111", 0, 1 },                  { "DUONGDAY111", "DUONGDAY111", 5, 0 },
		{ "+abc", "+abc", 5, 0 },                { "", "", 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mt_address a = mt_address_of(rows[i].text);

		assert_string_equal(a.digits, rows[i].digits);
		assert_int_equal(a.ton, rows[i].ton);
		assert_int_equal(a.npi, rows[i].npi);
	}
}

static void validity_is_written_as_relative_time(void **state)
{
	char out[17];

	(void)state;
	mt_validity(0, out);
	assert_string_equal(out, "");
	mt_validity(1, out);
	assert_string_equal(out, "000000000001000R");
	mt_validity((((25 * 60) + 2) * 60 + 3) * 1000, out);
	assert_string_equal(out, "000001010203000R");
	mt_validity(INT64_MAX - 1000, out);
	assert_string_equal(out, "000030000000000R");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_deliver_sm_becomes_a_delivery),
		TEST(addresses_are_printable_whatever_the_carrier_sends),
		TEST(parts_are_found_in_header_and_tlvs),
		TEST(a_header_may_name_national_tables),
		TEST(every_class_but_a_receipt_is_a_text),
		TEST(a_header_that_overruns_the_body_is_body),
		TEST(senseless_sar_numbers_are_ignored),
		TEST(a_payload_carries_text_and_header_alike),
		TEST(a_payload_that_does_not_fit_is_left_to_a_human),
		TEST(a_data_sm_becomes_a_delivery),
		TEST(a_ussd_step_is_known_by_its_tlv),
		TEST(data_coding_says_the_alphabet),
		TEST(a_receipt_is_known_by_type_never_by_its_words),
		TEST(a_receipt_in_words_is_read),
		TEST(a_receipt_without_a_message_is_not_read),
		TEST(a_receipt_in_tlvs_goes_before_its_words),
		TEST(a_receipt_in_ucs2_is_read),
		TEST(addresses_get_their_type_from_their_form),
		TEST(validity_is_written_as_relative_time),
	};

	return cmocka_run_group_tests_name("smpp_meaning", tests, NULL, NULL);
}
