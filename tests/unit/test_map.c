/* The hash table against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/map.h"

enum { NUMBERS = 500, STEPS = 20000 };

static void agrees_with_an_array_through_random_changes(void **state)
{
	static int present[NUMBERS], values[NUMBERS];
	unsigned seed = (unsigned)time(NULL);
	struct map m = {0};
	size_t count = 0;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int step = 0; step < STEPS; step++) {
		unsigned n = (unsigned)rand() % NUMBERS;
		uint8_t key[MAP_KEY_LEN];

		map_number_key(n * 7919u, key);
		if (rand() % 2) {
			map_set(&m, key, &values[n]);
			count += !present[n];
			present[n] = 1;
		} else {
			assert_ptr_equal(map_remove(&m, key), present[n] ? &values[n] : NULL);
			count -= present[n];
			present[n] = 0;
		}
		assert_int_equal(m.count, count);
		assert_ptr_equal(map_get(&m, key), present[n] ? &values[n] : NULL);
	}
	for (unsigned n = 0; n < NUMBERS; n++) {
		uint8_t key[MAP_KEY_LEN];

		map_number_key(n * 7919u, key);
		assert_ptr_equal(map_get(&m, key), present[n] ? &values[n] : NULL);
	}
	map_fini(&m);
}

static void an_empty_map_has_nothing(void **state)
{
	struct map m = {0};
	uint8_t key[MAP_KEY_LEN] = {1};

	(void)state;
	assert_null(map_get(&m, key));
	assert_null(map_remove(&m, key));
	map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array_through_random_changes),
		cmocka_unit_test(an_empty_map_has_nothing),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
