/* What a text costs: alphabets, lengths, and the edges between one segment and two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "flows/engine/cost.h"

static struct cost cost_of_repeated(const char *what, size_t times, const char *then)
{
	char text[2048] = "";
	struct cost cost;

	assert_true(strlen(what) * times + strlen(then) < sizeof text);
	while (times--)
		strcat(text, what);
	strcat(text, then);
	cost_of(text, &cost);
	return cost;
}

static void plain_letters_cost_one_septet_each(void **state)
{
	struct cost cost;

	(void)state;
	cost_of("Da nhan, ma BP-1234.", &cost);
	assert_false(cost.ucs2);
	assert_int_equal(cost.units, 20);
	assert_int_equal(cost.segments, 1);
	assert_int_equal(cost.screens, 1);
	assert_string_equal(cost.culprit, "");
}

static void letters_of_the_gsm_alphabet_are_plain_and_pairs_cost_two(void **state)
{
	struct cost cost;

	(void)state;
	cost_of("à é Ñ €[", &cost);
	assert_false(cost.ucs2);
	assert_int_equal(cost.units, 6 + 2 + 2);
}

static void one_letter_outside_makes_it_ucs2_and_is_named(void **state)
{
	struct cost cost;

	(void)state;
	cost_of("Da nhận tin", &cost);
	assert_true(cost.ucs2);
	assert_string_equal(cost.culprit, "ậ");
	assert_int_equal(cost.culprit_at, 5);
	assert_int_equal(cost.units, 11);
	cost_of("👍", &cost);
	assert_int_equal(cost.units, 2);
}

static void segments_follow_the_limits_of_the_standard(void **state)
{
	(void)state;
	assert_int_equal(cost_of_repeated("x", 160, "").segments, 1);
	assert_int_equal(cost_of_repeated("x", 161, "").segments, 2);
	assert_int_equal(cost_of_repeated("x", 306, "").segments, 2);
	assert_int_equal(cost_of_repeated("x", 307, "").segments, 3);
	assert_int_equal(cost_of_repeated("ậ", 70, "").segments, 1);
	assert_int_equal(cost_of_repeated("ậ", 71, "").segments, 2);
	assert_int_equal(cost_of_repeated("ậ", 134, "").segments, 2);
	assert_int_equal(cost_of_repeated("ậ", 135, "").segments, 3);
	assert_int_equal(cost_of_repeated("ậ", 80, "").screens, 1);
	assert_int_equal(cost_of_repeated("ậ", 81, "").screens, 2);
}

static void a_pair_is_not_parted_between_segments(void **state)
{
	(void)state;
	/* 76 pairs fill 152 of 153 septets; the next moves on whole */
	assert_int_equal(cost_of_repeated("x", 152, "€").segments, 1);
	assert_int_equal(cost_of_repeated("€", 80, "").segments, 1);
	assert_int_equal(cost_of_repeated("€", 152, "").segments, 2);
	assert_int_equal(cost_of_repeated("€", 153, "").segments, 3);
}

static void an_empty_text_is_one_segment(void **state)
{
	struct cost cost;

	(void)state;
	cost_of("", &cost);
	assert_int_equal(cost.units, 0);
	assert_int_equal(cost.segments, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_letters_cost_one_septet_each),
		cmocka_unit_test(letters_of_the_gsm_alphabet_are_plain_and_pairs_cost_two),
		cmocka_unit_test(one_letter_outside_makes_it_ucs2_and_is_named),
		cmocka_unit_test(segments_follow_the_limits_of_the_standard),
		cmocka_unit_test(a_pair_is_not_parted_between_segments),
		cmocka_unit_test(an_empty_text_is_one_segment),
	};

	return cmocka_run_group_tests_name("flow cost", tests, NULL, NULL);
}
