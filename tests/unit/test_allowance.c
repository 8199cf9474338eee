/* How many replies a day may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "path/allowance.h"

static const int64_t noon_us = 20000 * 86400000000 + 43200000000, day_us = 86400000000;
static char file[64];

static int setup(void **state)
{
	(void)state;
	log_setup(LOG_ERROR_ + 1);
	strcpy(file, "/tmp/hl-allowance.XXXXXX");
	close(mkstemp(file));
	unlink(file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

static const uint8_t *sender(unsigned number)
{
	static uint8_t key[MAP_KEY_LEN];

	map_number_key(number, key);
	return key;
}

/* Replies that this sender gets out of so many wishes. */
static unsigned granted(struct allowance *a, unsigned number, unsigned wishes, int64_t wall_us)
{
	unsigned count = 0;

	for (unsigned i = 0; i < wishes; i++)
		count += allowance_take(a, sender(number), wall_us) == ALLOWANCE_YES;
	return count;
}

static void a_sender_gets_his_share_and_others_theirs(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 5, 0, NULL, noon_us);
	assert_int_equal(granted(&a, 1, 20, noon_us), 5);
	assert_int_equal(allowance_take(&a, sender(1), noon_us), ALLOWANCE_SENDER);
	assert_int_equal(granted(&a, 2, 20, noon_us), 5);
	assert_int_equal(granted(&a, 1, 20, noon_us + day_us), 5); /* tomorrow */
	allowance_fini(&a);
}

static void the_total_ends_everything_and_spares_those_who_had_little(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 40, 100, NULL, noon_us);
	assert_int_equal(granted(&a, 1, 60, noon_us), 40);
	assert_int_equal(granted(&a, 2, 60, noon_us), 40);
	assert_int_equal(allowance_take(&a, sender(2), noon_us), ALLOWANCE_SENDER);
	assert_int_equal(granted(&a, 3, 60, noon_us), 10); /* a quarter of a share */
	assert_int_equal(allowance_take(&a, sender(3), noon_us), ALLOWANCE_SPARSE);
	assert_int_equal(granted(&a, 4, 60, noon_us), 10);
	assert_int_equal(allowance_take(&a, sender(5), noon_us), ALLOWANCE_TOTAL);
	allowance_fini(&a);
}

static void no_limit_is_no_limit(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 0, 0, NULL, noon_us);
	assert_int_equal(granted(&a, 1, 5000, noon_us), 5000);
	allowance_fini(&a);
}

static void a_sender_without_a_name_counts_in_all(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 1, 3, NULL, noon_us);
	for (int i = 0; i < 3; i++)
		assert_int_equal(allowance_take(&a, NULL, noon_us), ALLOWANCE_YES);
	assert_int_equal(allowance_take(&a, NULL, noon_us), ALLOWANCE_TOTAL);
	allowance_fini(&a);
}

static void counts_survive_a_restart(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 5, 100, file, noon_us);
	granted(&a, 1, 4, noon_us);
	granted(&a, 2, 3, noon_us);
	allowance_fini(&a);
	allowance_init(&a, 5, 100, file, noon_us + 1);
	assert_int_equal(a.total, 7);
	assert_int_equal(granted(&a, 1, 9, noon_us), 1);
	assert_int_equal(granted(&a, 2, 9, noon_us), 2);
	allowance_fini(&a);
	allowance_init(&a, 5, 100, file, noon_us + day_us);
	assert_int_equal(a.total, 0);
	allowance_fini(&a);
}

static void a_crash_loses_few_counts(void **state)
{
	struct allowance a, after;

	(void)state;
	allowance_init(&a, 0, 0, file, noon_us);
	granted(&a, 1, 1000, noon_us);
	allowance_init(&after, 0, 0, file, noon_us); /* as if the first had been killed */
	assert_in_range(after.total, 1000 - ALLOWANCE_SAVE_EACH, 1000);
	a.unsaved = 0;
	allowance_fini(&a);
	allowance_fini(&after);
}

static void an_unreadable_file_leaves_little(void **state)
{
	FILE *out = fopen(file, "w");
	struct allowance a;

	(void)state;
	fputs("not counts at all, not at all", out);
	fclose(out);
	allowance_init(&a, 8, 100, file, noon_us);
	assert_int_equal(a.total, 80);
	assert_int_equal(granted(&a, 1, 9, noon_us), 2);
	allowance_fini(&a);
}

static void a_clock_that_goes_back_gives_nothing_anew(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 5, 0, file, noon_us);
	granted(&a, 1, 5, noon_us);
	assert_int_equal(granted(&a, 1, 5, noon_us - 3 * day_us), 0);
	allowance_fini(&a);
	allowance_init(&a, 5, 0, file, noon_us - 3 * day_us);
	assert_int_equal(granted(&a, 1, 5, noon_us - 3 * day_us), 0);
	allowance_fini(&a);
}

static void a_day_far_ahead_was_a_mistake_of_the_clock(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 5, 0, file, noon_us + 4000 * day_us);
	granted(&a, 1, 5, noon_us + 4000 * day_us);
	assert_int_equal(granted(&a, 1, 5, noon_us), 5);
	granted(&a, 1, 5, noon_us + 4000 * day_us);
	allowance_fini(&a);
	allowance_init(&a, 5, 0, file, noon_us);
	assert_int_equal(granted(&a, 1, 5, noon_us), 5);
	allowance_fini(&a);
}

static void a_flood_of_senders_takes_no_more_memory(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 1, 0, NULL, noon_us);
	for (unsigned i = 0; i < ALLOWANCE_SENDERS_MAX + 1000; i++)
		assert_int_equal(allowance_take(&a, sender(i), noon_us), ALLOWANCE_YES);
	assert_int_equal(a.senders.count, ALLOWANCE_SENDERS_MAX);
	assert_int_equal(allowance_take(&a, sender(7), noon_us), ALLOWANCE_SENDER);
	allowance_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_sender_gets_his_share_and_others_theirs),
		T(the_total_ends_everything_and_spares_those_who_had_little),
		T(no_limit_is_no_limit),
		T(a_sender_without_a_name_counts_in_all),
		T(counts_survive_a_restart),
		T(a_crash_loses_few_counts),
		T(an_unreadable_file_leaves_little),
		T(a_clock_that_goes_back_gives_nothing_anew),
		T(a_day_far_ahead_was_a_mistake_of_the_clock),
		T(a_flood_of_senders_takes_no_more_memory),
	};

	return cmocka_run_group_tests_name("allowance", tests, NULL, NULL);
}
