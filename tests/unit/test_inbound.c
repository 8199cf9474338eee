/* The stored form of a delivery comes back as it was, and damage is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/inbound.h"

static uint8_t body[] = { 0x1e, 0xa5, 0x00, 0x00, 0xff };

static struct inbound sample(void)
{
	return (struct inbound){
		.adapter = "smpp", .link = "viettel-1", .carrier = "viettel", .channel = CHANNEL_USSD,
		.source = "84912345678", .source_ton = 1, .source_npi = 1, .dest = "111", .dest_ton = 3,
		.dest_npi = 9, .esm_class = 0x40, .data_coding = 8, .alphabet = ALPHABET_UTF16,
		.part_ref = 0xbeef, .part_total = 3, .part_seq = 2, .part_ref_bits = 16,
		.message_id = "m-1", .body = body, .body_len = sizeof(body),
	};
}

static void every_field_comes_back(void **state)
{
	struct inbound in = sample(), got;
	struct buf out = { 0 };

	(void)state;
	inbound_encode(&in, &out);
	assert_true(inbound_decode(out.data, out.len, &got));
	assert_string_equal(got.adapter, in.adapter);
	assert_string_equal(got.link, in.link);
	assert_string_equal(got.carrier, in.carrier);
	assert_int_equal(got.channel, in.channel);
	assert_string_equal(got.source, in.source);
	assert_int_equal(got.source_ton, in.source_ton);
	assert_int_equal(got.source_npi, in.source_npi);
	assert_string_equal(got.dest, in.dest);
	assert_int_equal(got.dest_ton, in.dest_ton);
	assert_int_equal(got.dest_npi, in.dest_npi);
	assert_int_equal(got.esm_class, in.esm_class);
	assert_int_equal(got.data_coding, in.data_coding);
	assert_int_equal(got.alphabet, in.alphabet);
	assert_int_equal(got.part_ref, in.part_ref);
	assert_int_equal(got.part_total, in.part_total);
	assert_int_equal(got.part_seq, in.part_seq);
	assert_int_equal(got.part_ref_bits, in.part_ref_bits);
	assert_string_equal(got.message_id, in.message_id);
	assert_int_equal(got.body_len, in.body_len);
	assert_memory_equal(got.body, in.body, in.body_len);
	inbound_fini(&got);
	buf_free(&out);
}

static void an_empty_body_comes_back_empty(void **state)
{
	struct inbound in = { .adapter = "sim" }, got;
	struct buf out = { 0 };

	(void)state;
	inbound_encode(&in, &out);
	assert_true(inbound_decode(out.data, out.len, &got));
	assert_int_equal(got.body_len, 0);
	inbound_fini(&got);
	inbound_fini(&got);
	buf_free(&out);
}

static void every_truncation_is_refused(void **state)
{
	struct inbound in = sample(), got = { .body_len = 77 };
	struct buf out = { 0 };

	(void)state;
	inbound_encode(&in, &out);
	for (size_t len = 0; len < out.len; len++)
		assert_false(inbound_decode(out.data, len, &got));
	assert_int_equal(got.body_len, 77); /* untouched on failure */
	buf_put_u8(&out, 0);
	assert_false(inbound_decode(out.data, out.len, &got));
	buf_free(&out);
}

static void a_later_format_is_refused(void **state)
{
	struct inbound in = sample(), got;
	struct buf out = { 0 };

	(void)state;
	inbound_encode(&in, &out);
	out.data[0]++;
	assert_false(inbound_decode(out.data, out.len, &got));
	buf_free(&out);
}

static void an_unknown_alphabet_or_channel_is_refused(void **state)
{
	struct inbound in = sample(), got;
	struct buf out = { 0 };

	(void)state;
	in.alphabet = (enum alphabet)(ALPHABET_PDU + 1);
	inbound_encode(&in, &out);
	assert_false(inbound_decode(out.data, out.len, &got));
	buf_clear(&out);
	in = sample();
	in.channel = (enum channel)(CHANNEL_USSD + 1);
	inbound_encode(&in, &out);
	assert_false(inbound_decode(out.data, out.len, &got));
	buf_free(&out);
}

static void an_oversized_body_is_refused(void **state)
{
	static uint8_t big[INBOUND_BODY_MAX + 1];
	struct inbound in = sample(), got;
	struct buf out = { 0 };

	(void)state;
	in.body = big;
	in.body_len = INBOUND_BODY_MAX;
	inbound_encode(&in, &out);
	assert_true(inbound_decode(out.data, out.len, &got));
	inbound_fini(&got);
	buf_clear(&out);
	in.body_len++;
	inbound_encode(&in, &out);
	assert_false(inbound_decode(out.data, out.len, &got));
	buf_free(&out);
}

static const char *address_of(const void *octets, size_t len)
{
	static char out[12];

	inbound_address(octets, len, out, sizeof(out));
	return out;
}

static void an_address_is_always_printable_and_bounded(void **state)
{
	(void)state;
	assert_string_equal(address_of("+8491", 5), "+8491");
	assert_string_equal(address_of("111\xe1", 4), "111\\xe1");
	assert_string_equal(address_of("a\n\\x0a", 6), "a\\x0a\\x0a");
	assert_string_equal(address_of("091\xc2\xa0\x32\xa0\x33", 8), "091 2 3");
	assert_string_equal(address_of("\xe1\xe2\xe3", 3), "\\xe1\\xe2");
	assert_string_equal(address_of("12\0\x33", 4), "12");
	assert_string_equal(address_of("12345678901234", 14), "12345678901");
	assert_string_equal(address_of(NULL, 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(an_empty_body_comes_back_empty),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_later_format_is_refused),
		cmocka_unit_test(an_unknown_alphabet_or_channel_is_refused),
		cmocka_unit_test(an_oversized_body_is_refused),
		cmocka_unit_test(an_address_is_always_printable_and_bounded),
	};

	return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
