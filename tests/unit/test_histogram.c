/* The benchmark's histogram: what it says is what was put in, within 1.6 %. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/bench/histogram.h"

static struct histogram h;

static int empty(void **state)
{
	(void)state;
	h = (struct histogram){0};
	return 0;
}

static void assert_near(uint64_t got, uint64_t wanted)
{
	assert_true(got >= wanted);
	assert_true(got - wanted <= wanted / 64);
}

static void test_nothing_gives_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_true(histogram_mean(&h) == 0);
}

static void test_quantiles_of_an_even_spread_lie_where_they_should(void **state)
{
	(void)state;
	for (int64_t ns = 1; ns <= 100000; ns++)
		histogram_add(&h, ns * 1000);
	assert_near(histogram_quantile(&h, 0.5), 50000000);
	assert_near(histogram_quantile(&h, 0.99), 99000000);
	assert_near(histogram_quantile(&h, 0.999), 99900000);
	assert_int_equal(histogram_quantile(&h, 1), 100000000);
	assert_int_equal(histogram_quantile(&h, 0), histogram_quantile(&h, 0.00001));
}

static void test_one_late_answer_is_seen(void **state)
{
	(void)state;
	for (int i = 0; i < 999; i++)
		histogram_add(&h, 1000000);
	histogram_add(&h, INT64_C(30000000000));
	assert_near(histogram_quantile(&h, 0.999), 1000000);
	assert_int_equal(histogram_quantile(&h, 1), UINT64_C(30000000000));
}

static void test_every_value_has_a_bucket(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 63; shift++) {
		uint64_t value = UINT64_C(1) << shift;

		h = (struct histogram){0};
		histogram_add(&h, (int64_t)value);
		assert_near(histogram_quantile(&h, 0.5), value);
		histogram_add(&h, (int64_t)(value - 1));
		assert_near(histogram_quantile(&h, 0.25), value - 1);
	}
	histogram_add(&h, INT64_MAX);
	assert_int_equal(histogram_quantile(&h, 1), INT64_MAX);
	histogram_add(&h, -5);
	assert_int_equal(histogram_quantile(&h, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_gives_nothing, empty),
		cmocka_unit_test_setup(test_quantiles_of_an_even_spread_lie_where_they_should, empty),
		cmocka_unit_test_setup(test_one_late_answer_is_seen, empty),
		cmocka_unit_test_setup(test_every_value_has_a_bucket, empty),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
