/* Identifiers and checksums: order, text forms, published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/crc32c.h"
#include "core/ids.h"

static const int64_t some_us = INT64_C(1795478400123456);

static void a_million_ids_in_one_millisecond_are_in_order(void **state)
{
	struct id16 before = id16_new(some_us);

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		struct id16 id = id16_new(some_us);

		assert_true(memcmp(before.b, id.b, sizeof id.b) < 0);
		before = id;
	}
}

static void a_clock_that_steps_back_keeps_the_order(void **state)
{
	struct id16 a = id16_new(some_us + 5000000);
	struct id16 b = id16_new(some_us - 5000000);

	(void)state;
	assert_true(memcmp(a.b, b.b, sizeof a.b) < 0);
}

static void an_id_carries_its_millisecond_version_and_variant(void **state)
{
	int64_t later_us = some_us + INT64_C(3600000000);
	struct id16 id = id16_new(later_us);
	uint64_t ms = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	assert_int_equal(ms, later_us / 1000);
	assert_int_equal(id.b[6] >> 4, 7);
	assert_int_equal(id.b[8] >> 6, 2);
}

static void text_comes_back_as_the_same_id(void **state)
{
	struct id16 id = id16_new(some_us), back;
	char text[ID16_TEXT];

	(void)state;
	id16_text(&id, text);
	assert_int_equal(strlen(text), 36);
	assert_true(id16_parse(text, &back));
	assert_true(id16_equal(&id, &back));
	assert_true(id16_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", &back)); /* RFC 9562 A.6 */
	id16_text(&back, text);
	assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void text_of_another_shape_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "017f22e279b07cc398c4dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
	};
	struct id16 id = { { 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(id16_parse(bad[i], &id));
	assert_int_equal(id.b[0], 1);
}

static void only_sixteen_zero_bytes_are_zero(void **state)
{
	struct id16 id = { { 0 } };

	(void)state;
	assert_true(id16_is_zero(&id));
	id.b[15] = 1;
	assert_false(id16_is_zero(&id));
}

/* RFC 3720 appendix B.4; the values there are shown byte by byte, least significant first. */
static void crc32c_gives_the_published_values(void **state)
{
	uint8_t b[32];
	static const uint8_t read10[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
		0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
	};

	(void)state;
	memset(b, 0, sizeof b);
	assert_int_equal(crc32c(0, b, sizeof b), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	assert_int_equal(crc32c(0, b, sizeof b), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, b, sizeof b), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)(31 - i);
	assert_int_equal(crc32c(0, b, sizeof b), 0x113fdb5c);
	assert_int_equal(crc32c(0, read10, sizeof read10), 0xd9963a56);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
}

static void crc32c_of_pieces_is_that_of_the_whole(void **state)
{
	uint8_t b[301];

	(void)state;
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(i * 37 + 11);
	for (size_t cut = 0; cut <= sizeof b; cut++) {
		uint32_t whole = crc32c_portable(0, b, sizeof b);

		assert_int_equal(crc32c(crc32c(0, b, cut), b + cut, sizeof b - cut), whole);
		assert_int_equal(crc32c(0, b, cut), crc32c_portable(0, b, cut));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_ids_in_one_millisecond_are_in_order),
		cmocka_unit_test(a_clock_that_steps_back_keeps_the_order),
		cmocka_unit_test(an_id_carries_its_millisecond_version_and_variant),
		cmocka_unit_test(text_comes_back_as_the_same_id),
		cmocka_unit_test(text_of_another_shape_is_refused),
		cmocka_unit_test(only_sixteen_zero_bytes_are_zero),
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(crc32c_of_pieces_is_that_of_the_whole),
	};

	return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
