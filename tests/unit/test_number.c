/* Numbers: one identity for every spelling, nothing refused, replies to subscribers only. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/number.h"

struct number_case {
	const char *source;
	uint8_t ton;
	enum number_kind kind;
	const char *value;
	bool valid, mobile;
	const char *region;
};

static void check(const struct number_case *c)
{
	struct number n;

	number_parse(c->source, c->ton, "VN", &n);
	if (n.kind != c->kind || strcmp(n.value, c->value) != 0 || n.valid != c->valid ||
	    n.mobile != c->mobile || strcmp(n.region, c->region) != 0)
		fail_msg("'%s' ton %u: kind %d value '%s' valid %d mobile %d region '%s'",
			 c->source, c->ton, n.kind, n.value, n.valid, n.mobile, n.region);
}

#define CHECK_ALL(table)                                                                           \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++)                         \
	check(&(table)[i_])

static void every_spelling_gives_one_value(void **state)
{
	static const struct number_case table[] = {
		{"+84 912 345 678", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0912345678", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0912345678", 2, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"84912345678", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"84912345678", 1, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"84912345678", 2, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"+84912345678", 1, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"912345678", 2, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0084912345678", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0084912345678", 1, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0912345678", 1, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"+840912345678", 1, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"(091) 234-56.78", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"0912345678\n", 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
		{"+84\xc2\xa0"
		 "912345678",
		 0, NUMBER_MSISDN, "+84912345678", true, true, "VN"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void a_subscriber_whose_number_begins_with_84_keeps_it(void **state)
{
	static const struct number_case table[] = {
		{"0841234567", 0, NUMBER_MSISDN, "+84841234567", true, true, "VN"},
		{"841234567", 2, NUMBER_MSISDN, "+84841234567", true, true, "VN"},
		{"84841234567", 0, NUMBER_MSISDN, "+84841234567", true, true, "VN"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void old_eleven_digit_numbers_become_todays(void **state)
{
	static const struct number_case table[] = {
		{"01201234567", 0, NUMBER_MSISDN, "+84701234567", true, true, "VN"},
		{"01211234567", 0, NUMBER_MSISDN, "+84791234567", true, true, "VN"},
		{"+841221234567", 1, NUMBER_MSISDN, "+84771234567", true, true, "VN"},
		{"841261234567", 0, NUMBER_MSISDN, "+84761234567", true, true, "VN"},
		{"01281234567", 0, NUMBER_MSISDN, "+84781234567", true, true, "VN"},
		{"01231234567", 0, NUMBER_MSISDN, "+84831234567", true, true, "VN"},
		{"01241234567", 0, NUMBER_MSISDN, "+84841234567", true, true, "VN"},
		{"01251234567", 0, NUMBER_MSISDN, "+84851234567", true, true, "VN"},
		{"01271234567", 0, NUMBER_MSISDN, "+84811234567", true, true, "VN"},
		{"01291234567", 0, NUMBER_MSISDN, "+84821234567", true, true, "VN"},
		{"01621234567", 0, NUMBER_MSISDN, "+84321234567", true, true, "VN"},
		{"01691234567", 0, NUMBER_MSISDN, "+84391234567", true, true, "VN"},
		{"0186 123 4567", 0, NUMBER_MSISDN, "+84561234567", true, true, "VN"},
		{"01881234567", 0, NUMBER_MSISDN, "+84581234567", true, true, "VN"},
		{"01991234567", 0, NUMBER_MSISDN, "+84591234567", true, true, "VN"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void prefixes_newer_than_the_library_are_valid(void **state)
{
	static const struct number_case table[] = {
		{"0301234567", 0, NUMBER_MSISDN, "+84301234567", true, true, "VN"},
		{"+84511234567", 1, NUMBER_MSISDN, "+84511234567", true, true, "VN"},
		{"84511234567", 0, NUMBER_MSISDN, "+84511234567", true, true, "VN"},
		{"0559234567", 0, NUMBER_MSISDN, "+84559234567", true, true, "VN"},
		{"0871234567", 0, NUMBER_MSISDN, "+84871234567", true, true, "VN"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void short_codes_never_reach_the_library(void **state)
{
	static const struct number_case table[] = {
		{"111", 0, NUMBER_SHORT, "111", false, false, ""},
		{"111", 1, NUMBER_SHORT, "111", false, false, ""},
		{"+113", 1, NUMBER_SHORT, "113", false, false, ""},
		{"1022", 3, NUMBER_SHORT, "1022", false, false, ""},
		{"156", 0, NUMBER_SHORT, "156", false, false, ""},
		{"5656", 0, NUMBER_SHORT, "5656", false, false, ""},
		{"8088", 0, NUMBER_SHORT, "8088", false, false, ""},
		{"18001567", 0, NUMBER_SHORT, "18001567", false, false, ""},
		{"123456", 0, NUMBER_SHORT, "123456", false, false, ""},
	};

	(void)state;
	CHECK_ALL(table);
}

static void names_and_odd_addresses_are_kept_folded(void **state)
{
	static const struct number_case table[] = {
		{"VIETTEL", 5, NUMBER_ALNUM, "viettel", false, false, ""},
		{"imsi:452040000000001", 0, NUMBER_IMSI, "imsi:452040000000001", false, false, ""},
		{"imsi:452040000000001", 5, NUMBER_ALNUM, "imsi:452040000000001", false, false, ""},
		{"imsi:45204000000000123", 0, NUMBER_ALNUM, "imsi:45204000000000123", false, false, ""},
		{"imsi:", 0, NUMBER_ALNUM, "imsi:", false, false, ""},
		{"Cuc  Tre Em ", 0, NUMBER_ALNUM, "cuc tre em", false, false, ""},
		{"0912345678", 5, NUMBER_ALNUM, "0912345678", false, false, ""},
		{"0912ABC678", 0, NUMBER_ALNUM, "0912abc678", false, false, ""},
		{"+84912345678x", 1, NUMBER_ALNUM, "+84912345678x", false, false, ""},
		{"0912345678 ext 3", 0, NUMBER_ALNUM, "0912345678 ext 3", false, false, ""},
		{"84+912345678", 0, NUMBER_ALNUM, "84+912345678", false, false, ""},
		{"５６", 0, NUMBER_ALNUM, "５６", false, false, ""},
		{"００９１２３４５６７８", 0, NUMBER_ALNUM, "００９１２３４５６７８", false, false,
		 ""},
		{"12", 0, NUMBER_ALNUM, "12", false, false, ""},
		{"123456789012345678901", 1, NUMBER_ALNUM, "123456789012345678901", false, false,
		 ""},
		{"", 0, NUMBER_NONE, "", false, false, ""},
		{" \t", 1, NUMBER_NONE, "", false, false, ""},
	};

	(void)state;
	CHECK_ALL(table);
}

static void foreign_numbers_are_not_read_as_vietnamese(void **state)
{
	static const struct number_case table[] = {
		{"8613800138000", 1, NUMBER_MSISDN, "+8613800138000", true, true, "CN"},
		{"8613800138000", 0, NUMBER_MSISDN, "+8613800138000", true, true, "CN"},
		{"85512345678", 1, NUMBER_MSISDN, "+85512345678", true, true, "KH"},
		{"85512345678", 0, NUMBER_MSISDN, "+85512345678", true, true, "KH"},
		{"+447911123456", 1, NUMBER_MSISDN, "+447911123456", true, true, "GG"},
		{"376312345", 1, NUMBER_MSISDN, "+376312345", true, true, "AD"},
		{"376312345", 2, NUMBER_MSISDN, "+84376312345", true, true, "VN"},
		{"12025550123", 1, NUMBER_MSISDN, "+12025550123", true, true, "US"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void an_impossible_number_keeps_its_digits(void **state)
{
	static const struct number_case table[] = {
		{"99999999999999999999", 0, NUMBER_MSISDN, "99999999999999999999", false, false,
		 ""},
		{"00000000", 0, NUMBER_MSISDN, "00000000", false, false, ""},
		{"0891123456", 0, NUMBER_MSISDN, "+84891123456", false, false, "VN"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void only_vietnamese_mobiles_get_a_reply(void **state)
{
	static const struct {
		const char *source;
		uint8_t ton;
		const char *regions;
		bool reply;
	} table[] = {
		{"0912345678", 0, "VN", true},     {"0511234567", 0, "VN", true},
		{"02713870123", 0, "VN", false},   {"19001234", 0, "VN", false},
		{"111", 0, "VN", false},           {"VIETTEL", 5, "VN", false},
		{"0912345678", 5, "VN", false},    {"85512345678", 1, "VN", false},
		{"85512345678", 1, "VN,KH", true}, {"85512345678", 1, "VN KH", true},
		{"0912345678", 0, "", false},      {"0912345678", 0, "V", false},
		{"0891123456", 0, "VN", false},    {"", 0, "VN", false},
		{"+18765551234", 1, "US", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct number n;

		number_parse(table[i].source, table[i].ton, "VN", &n);
		if (number_may_reply(&n, table[i].regions) != table[i].reply)
			fail_msg("row %zu: '%s'", i, table[i].source);
	}
}

static void people_see_the_last_two_digits_only(void **state)
{
	char out[NUMBER_MASK_MAX];

	(void)state;
	number_mask("+84912345678", out);
	assert_string_equal(out, "..78");
	number_mask("viettel", out);
	assert_string_equal(out, "..");
	number_mask("", out);
	assert_string_equal(out, "..");
	number_mask("7", out);
	assert_string_equal(out, "..");
}

static void any_bytes_are_taken_and_bounded(void **state)
{
	static const char letters[] = "0123456789+0123456789 .-()abcXYZ\n\x80\xc3\xe1\xbb\xff";
	unsigned seed = 20260601;
	char text[200];
	struct number n;

	(void)state;
	printf("random seed %u\n", seed);
	for (int round = 0; round < 100000; round++) {
		size_t len = (size_t)rand_r(&seed) % (round % 100 ? 26 : sizeof(text) - 1);

		for (size_t i = 0; i < len; i++)
			text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		text[len] = '\0';
		number_parse(text, (uint8_t)(rand_r(&seed) % 8), "VN", &n);
		assert_non_null(memchr(n.value, '\0', sizeof(n.value)));
		assert_true(n.kind == NUMBER_NONE || n.value[0] != '\0');
		assert_true(n.kind == NUMBER_MSISDN || !(n.valid || n.mobile));
		assert_true(!n.valid || n.value[0] == '+');
	}
}

static void parsing_again_its_own_value_changes_nothing(void **state)
{
	unsigned seed = 7;
	char text[24];
	struct number a, b;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = 7 + (size_t)rand_r(&seed) % 8;

		for (size_t i = 0; i < len; i++)
			text[i] = (char)('0' + rand_r(&seed) % 10);
		text[len] = '\0';
		number_parse(text, 0, "VN", &a);
		number_parse(a.value, 0, "VN", &b);
		if (strcmp(a.value, b.value) != 0)
			fail_msg("'%s' -> '%s' -> '%s'", text, a.value, b.value);
	}
}

static void one_parse_costs_microseconds(void **state)
{
	struct timespec t0, t1;
	struct number n;
	double us;

	(void)state;
	number_warm_up();
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 20000; i++)
		number_parse("0912345678", 0, "VN", &n);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	us = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 20000e3;
	printf("one parse: %.1f us\n", us);
	assert_true(us < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_gives_one_value),
		cmocka_unit_test(a_subscriber_whose_number_begins_with_84_keeps_it),
		cmocka_unit_test(old_eleven_digit_numbers_become_todays),
		cmocka_unit_test(prefixes_newer_than_the_library_are_valid),
		cmocka_unit_test(short_codes_never_reach_the_library),
		cmocka_unit_test(names_and_odd_addresses_are_kept_folded),
		cmocka_unit_test(foreign_numbers_are_not_read_as_vietnamese),
		cmocka_unit_test(an_impossible_number_keeps_its_digits),
		cmocka_unit_test(only_vietnamese_mobiles_get_a_reply),
		cmocka_unit_test(people_see_the_last_two_digits_only),
		cmocka_unit_test(any_bytes_are_taken_and_bounded),
		cmocka_unit_test(parsing_again_its_own_value_changes_nothing),
		cmocka_unit_test(one_parse_costs_microseconds),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
