/* Buffers and readers: what is written comes back, and no read goes past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void integers_are_big_endian_and_come_back(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct buf b = {0};
	struct reader r;

	(void)state;
	buf_put_u8(&b, 0x01);
	buf_put_u16(&b, 0x0203);
	buf_put_u32(&b, 0x04050607);
	buf_put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(b.len, sizeof want);
	assert_memory_equal(b.data, want, sizeof want);
	r = reader_of(b.data, b.len);
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_true(reader_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_false(r.bad);
	assert_int_equal(r.left, 0);
	buf_free(&b);
}

static void texts_and_bytes_come_back(void **state)
{
	struct buf b = {0};
	struct reader r;
	char small[4], *text;
	size_t len;

	(void)state;
	buf_put_str(&b, "xin chao");
	buf_put_str(&b, NULL);
	buf_put_bytes(&b, "\0\1", 2);
	buf_put_str(&b, "abc");
	r = reader_of(b.data, b.len);
	text = reader_str(&r);
	assert_string_equal(text, "xin chao");
	mem_free(text);
	text = reader_str(&r);
	assert_string_equal(text, "");
	mem_free(text);
	assert_memory_equal(reader_bytes(&r, &len), "\0\1", 2);
	assert_int_equal(len, 2);
	assert_true(reader_str_into(&r, small, sizeof small));
	assert_string_equal(small, "abc");
	assert_false(r.bad);
	buf_free(&b);
}

static void a_text_too_long_for_its_place_spoils_the_reader(void **state)
{
	struct buf b = {0};
	struct reader r;
	char small[4] = "";

	(void)state;
	buf_put_str(&b, "abcd");
	buf_put_u32(&b, 7);
	r = reader_of(b.data, b.len);
	assert_false(reader_str_into(&r, small, sizeof small));
	assert_true(r.bad);
	assert_int_equal(reader_u32(&r), 0);
	buf_free(&b);
}

static void a_reader_past_the_end_gives_nothing_for_ever(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 1};
	struct reader r = reader_of(bytes, sizeof bytes);
	char *text = reader_str(&r);
	size_t len = 9;

	(void)state;
	assert_string_equal(text, "");
	mem_free(text);
	assert_true(r.bad);
	assert_int_equal(reader_u8(&r), 0);
	assert_null(reader_take(&r, 0));
	assert_null(reader_bytes(&r, &len));
	assert_int_equal(len, 0);
}

static void an_empty_reader_is_not_bad_until_it_is_read(void **state)
{
	struct reader r = reader_of(NULL, 0);

	(void)state;
	assert_non_null(reader_take(&r, 0));
	assert_false(r.bad);
	assert_int_equal(reader_u16(&r), 0);
	assert_true(r.bad);
}

static void printing_grows_the_buffer(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 2000);
	assert_int_equal(strlen(buf_cstr(&b)), 2000);
	buf_clear(&b);
	assert_string_equal(buf_cstr(&b), "");
	buf_free(&b);
	assert_null(b.data);
}

static void hex_goes_both_ways_and_refuses_the_rest(void **state)
{
	uint8_t out[3] = {7, 7, 7};
	char text[7];

	(void)state;
	hex_encode("\x00\xab\xff", 3, text);
	assert_string_equal(text, "00abff");
	assert_true(hex_decode("00ABff", out, 3));
	assert_memory_equal(out, "\x00\xab\xff", 3);
	assert_false(hex_decode("00abf", out, 3));
	assert_false(hex_decode("00abffe0", out, 3));
	assert_false(hex_decode("00abfg", out, 3));
	assert_memory_equal(out, "\x00\xab\xff", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian_and_come_back),
		cmocka_unit_test(texts_and_bytes_come_back),
		cmocka_unit_test(a_text_too_long_for_its_place_spoils_the_reader),
		cmocka_unit_test(a_reader_past_the_end_gives_nothing_for_ever),
		cmocka_unit_test(an_empty_reader_is_not_bad_until_it_is_read),
		cmocka_unit_test(printing_grows_the_buffer),
		cmocka_unit_test(hex_goes_both_ways_and_refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
