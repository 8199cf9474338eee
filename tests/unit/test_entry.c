/* Queue entries survive their bytes; other bytes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/entry.h"

static void fill(struct entry *e)
{
	memset(e, 0, sizeof(*e));
	strcpy(e->node, "n1");
	e->spool = 12345678901234;
	e->part_count = 2;
	e->part = mem_alloc(2 * sizeof(*e->part));
	e->part[1].spool = 7;
	e->part[1].dup_key[15] = 9;
	e->has_message = true;
	e->message.b[0] = 0xaa;
	e->has_subject = true;
	e->subject[3] = 4;
	strcpy(e->subject_kind, "msisdn");
	e->number_ct = mem_dup("abc", 3);
	e->number_ct_len = 3;
	e->disposition = DISPOSITION_REPORT;
	e->has_report = true;
	strcpy(e->ref, "BP-000001");
	e->stamp = 1764000000000000;
	strcpy(e->urgency, "khan_cap");
	e->safe_contact = -1;
	strcpy(e->candidates, "25405,25210");
	e->body_ct = mem_dup("sealed", 6);
	e->body_ct_len = 6;
	e->opens = true;
}

static void an_entry_comes_back_as_it_was(void **state)
{
	struct entry e, back;
	struct buf bytes = {0}, again = {0};

	(void)state;
	fill(&e);
	entry_encode(&e, &bytes);
	assert_true(entry_decode(bytes.data, bytes.len, &back));
	assert_string_equal(back.ref, "BP-000001");
	assert_int_equal(back.safe_contact, -1);
	assert_int_equal(back.part[1].spool, 7);
	assert_int_equal(back.part[1].dup_key[15], 9);
	assert_memory_equal(back.body_ct, "sealed", 6);
	entry_encode(&back, &again);
	assert_int_equal(bytes.len, again.len);
	assert_memory_equal(bytes.data, again.data, bytes.len);
	entry_fini(&e);
	entry_fini(&back);
	buf_free(&bytes);
	buf_free(&again);
}

static void every_shorter_and_longer_form_is_refused(void **state)
{
	struct entry e, back;
	struct buf bytes = {0};

	(void)state;
	fill(&e);
	entry_encode(&e, &bytes);
	for (size_t len = 0; len < bytes.len; len++)
		assert_false(entry_decode(bytes.data, len, &back));
	buf_put_u8(&bytes, 0);
	assert_false(entry_decode(bytes.data, bytes.len, &back));
	entry_fini(&e);
	buf_free(&bytes);
}

static void what_is_written_can_be_read_up_to_the_longest_text(void **state)
{
	struct entry e, back;
	struct buf bytes = {0};

	(void)state;
	fill(&e);
	mem_free(e.body_ct);
	e.body_ct = mem_alloc(ENTRY_BLOB_MAX + 1);
	e.body_ct_len = ENTRY_BLOB_MAX;
	assert_true(entry_encode(&e, &bytes));
	assert_true(entry_decode(bytes.data, bytes.len, &back));
	assert_int_equal(back.body_ct_len, ENTRY_BLOB_MAX);
	entry_fini(&back);
	buf_clear(&bytes);
	e.body_ct_len++;
	assert_false(entry_encode(&e, &bytes));
	assert_int_equal(bytes.len, 0);
	entry_fini(&e);
	buf_free(&bytes);
}

static void random_changes_never_harm(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct entry e, back;
	struct buf bytes = {0};

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	fill(&e);
	entry_encode(&e, &bytes);
	for (int i = 0; i < 20000; i++) {
		size_t at = (size_t)rand() % bytes.len;
		uint8_t old = bytes.data[at];

		bytes.data[at] = (uint8_t)rand();
		if (entry_decode(bytes.data, bytes.len, &back))
			entry_fini(&back);
		bytes.data[at] = old;
	}
	entry_fini(&e);
	buf_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_comes_back_as_it_was),
		cmocka_unit_test(every_shorter_and_longer_form_is_refused),
		cmocka_unit_test(what_is_written_can_be_read_up_to_the_longest_text),
		cmocka_unit_test(random_changes_never_harm),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
