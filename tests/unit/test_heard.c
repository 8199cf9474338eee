/* What a conversation remembers of the deliveries it has heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/heard.h"

static const struct id16 a = {{1}}, b = {{2}};

static void only_what_was_noted_is_heard(void **state)
{
	struct heard h = {0};

	(void)state;
	heard_note(&h, &a, 7);
	heard_note(&h, &a, 5);
	assert_true(heard_has(&h, &a, 7) && heard_has(&h, &a, 5));
	assert_false(heard_has(&h, &a, 6));
	assert_false(heard_has(&h, &a, 1));
	assert_false(heard_has(&h, &b, 7));
}

static void what_is_older_than_all_it_remembers_counts_as_heard(void **state)
{
	struct heard h = {0};

	(void)state;
	for (uint64_t n = 10; n < 10 + 3 * HEARD_NUMBERS; n++)
		heard_note(&h, &a, n);
	for (uint64_t n = 0; n < 10 + 3 * HEARD_NUMBERS; n++)
		assert_true(heard_has(&h, &a, n));
	assert_false(heard_has(&h, &a, 10 + 3 * HEARD_NUMBERS));
}

/* A text that waited for its parts is heard after younger ones. */
static void a_late_one_is_not_taken_for_heard_while_it_is_remembered_what_was(void **state)
{
	struct heard h = {0};

	(void)state;
	for (uint64_t n = 101; n <= 100 + HEARD_NUMBERS; n++)
		heard_note(&h, &a, n);
	assert_false(heard_has(&h, &a, 100));
	heard_note(&h, &a, 100);
	assert_true(heard_has(&h, &a, 100));
	assert_true(heard_has(&h, &a, 101));
	assert_true(heard_has(&h, &a, 100 + HEARD_NUMBERS));
}

static void the_spool_that_was_used_longest_ago_is_forgotten_first(void **state)
{
	struct heard h = {0};

	(void)state;
	for (uint8_t i = 0; i < HEARD_SPOOLS; i++)
		heard_note(&h, &(struct id16){{i}}, 9);
	heard_note(&h, &(struct id16){{0}}, 10);
	heard_note(&h, &(struct id16){{HEARD_SPOOLS}}, 9);
	assert_true(heard_has(&h, &(struct id16){{0}}, 9));
	assert_false(heard_has(&h, &(struct id16){{1}}, 9));
	assert_true(heard_has(&h, &(struct id16){{HEARD_SPOOLS}}, 9));
}

static void two_memories_become_one(void **state)
{
	struct heard h = {0}, more = {0};

	(void)state;
	heard_note(&h, &a, 3);
	heard_note(&more, &a, 8);
	heard_note(&more, &b, 1);
	heard_add(&h, &more);
	assert_true(heard_has(&h, &a, 3) && heard_has(&h, &a, 8) && heard_has(&h, &b, 1));
	assert_false(heard_has(&h, &a, 4));
}

static void it_survives_its_bytes_and_other_bytes_are_refused(void **state)
{
	struct heard h = {0}, back;
	struct buf bytes = {0};
	struct reader r;

	(void)state;
	for (uint64_t n = 1; n < 2 * HEARD_NUMBERS; n++)
		heard_note(&h, &a, n);
	heard_note(&h, &b, 4);
	heard_save(&h, &bytes);
	r = reader_of(bytes.data, bytes.len);
	heard_load(&r, &back);
	assert_false(r.bad);
	assert_int_equal(r.left, 0);
	assert_memory_equal(&back, &h, sizeof(h));
	for (size_t len = 0; len < bytes.len; len++) {
		r = reader_of(bytes.data, len);
		heard_load(&r, &back);
		assert_true(r.bad);
	}
	bytes.data[0] = HEARD_SPOOLS + 1;
	r = reader_of(bytes.data, bytes.len);
	heard_load(&r, &back);
	assert_true(r.bad);
	bytes.data[0] = 2;
	bytes.data[1 + 16 + 8] = HEARD_NUMBERS + 1;
	r = reader_of(bytes.data, bytes.len);
	heard_load(&r, &back);
	assert_true(r.bad);
	buf_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_noted_is_heard),
		cmocka_unit_test(what_is_older_than_all_it_remembers_counts_as_heard),
		cmocka_unit_test(a_late_one_is_not_taken_for_heard_while_it_is_remembered_what_was),
		cmocka_unit_test(the_spool_that_was_used_longest_ago_is_forgotten_first),
		cmocka_unit_test(two_memories_become_one),
		cmocka_unit_test(it_survives_its_bytes_and_other_bytes_are_refused),
	};

	return cmocka_run_group_tests_name("heard", tests, NULL, NULL);
}
