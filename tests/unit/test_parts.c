/* Joining the parts of a text. roles_take() is ours here: it keeps what the parts station passes on. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/mem.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/parts.h"
#include "path/roles.h"
#include "store/vault.h"

enum { PASSED_MAX = 16 };

static struct delivery *passed[PASSED_MAX];
static size_t passed_count;
static struct hotline h;
static char dir[32];
static uint64_t next_record;

void roles_take(struct roles *roles, struct delivery *d)
{
	(void)roles;
	assert_true(passed_count < PASSED_MAX);
	passed[passed_count++] = d;
}

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-parts.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(vault_init_dir(dir, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	h.vault = vault_open(dir, "t", error, sizeof(error));
	assert_non_null(h.vault);
	h.loop = loop_new();
	h.parts = parts_new(&h);
	next_record = 1;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	parts_free(h.parts);
	while (passed_count > 0)
		delivery_free(passed[--passed_count]);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void deliver_as(enum alphabet alphabet, const char *from, unsigned seq, unsigned total,
		       const char *body, size_t len)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	strcpy(d->in.carrier, "c");
	strcpy(d->in.dest, "111");
	d->in.alphabet = alphabet;
	d->in.part_ref = 7;
	d->in.part_ref_bits = 8;
	d->in.part_total = (uint8_t)total;
	d->in.part_seq = (uint8_t)seq;
	d->in.body = mem_dup(body, len);
	d->in.body_len = (uint32_t)len;
	strcpy(d->from.value, from);
	for (size_t i = 0; i < len; i++)
		d->dup_key[i % sizeof(d->dup_key)] ^= (uint8_t)body[i];
	d->spool = next_record++;
	parts_take(h.parts, d);
}

#define DELIVER_AS(alphabet, from, seq, total, text)                                                \
	deliver_as(alphabet, from, seq, total, text, sizeof(text) - 1)
#define DELIVER(from, seq, total, text) DELIVER_AS(ALPHABET_UTF16, from, seq, total, text)

static void one_piece_goes_straight_on(void **state)
{
	(void)state;
	DELIVER("+841", 0, 0, "\0h\0i");
	assert_int_equal(passed_count, 1);
	assert_string_equal(passed[0]->text, "hi");
}

static void parts_in_any_order_become_one_text(void **state)
{
	(void)state;
	DELIVER("+841", 3, 3, "\0c");
	DELIVER("+841", 1, 3, "\0a");
	assert_int_equal(passed_count, 0);
	DELIVER("+841", 2, 3, "\0b");
	assert_int_equal(passed_count, 1);
	assert_string_equal(passed[0]->text, "abc");
	assert_int_equal(passed[0]->part_count, 2);
	assert_int_equal(passed[0]->spool, 2);
	assert_int_equal(passed[0]->part[0].spool, 3);
	assert_int_equal(passed[0]->part[1].spool, 1);
}

static void a_surrogate_pair_across_the_boundary_stays_whole(void **state)
{
	(void)state;
	DELIVER("+841", 1, 2, "\xd8\x3d");
	DELIVER("+841", 2, 2, "\xde\x2d");
	assert_string_equal(passed[0]->text, "\xf0\x9f\x98\xad");
}

static void each_part_is_read_in_its_own_alphabet(void **state)
{
	(void)state;
	DELIVER_AS(ALPHABET_GSM7, "+841", 1, 4, "gsm \x1b");
	DELIVER_AS(ALPHABET_GSM7, "+841", 2, 4, "\x65 ");
	DELIVER_AS(ALPHABET_UTF16, "+841", 3, 4, "\x1e\xa5\0 ");
	DELIVER_AS(ALPHABET_LATIN1, "+841", 4, 4, "\xe9");
	assert_int_equal(passed_count, 1);
	assert_string_equal(passed[0]->text, "gsm \xe2\x82\xac \xe1\xba\xa5 \xc3\xa9");
}

static void an_odd_octet_spoils_no_other_part(void **state)
{
	(void)state;
	DELIVER("+841", 1, 2, "\0a\0b\0");
	DELIVER("+841", 2, 2, "\0c\0d");
	assert_string_equal(passed[0]->text, "abcd");
}

static void what_is_too_long_to_be_joined_goes_on_in_several_texts(void **state)
{
	static char body[30000];

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		memset(body, 'a' + (int)i, sizeof(body));
		deliver_as(ALPHABET_LATIN1, "+841", i, 4, body, sizeof(body));
	}
	assert_int_equal(passed_count, 3);
	assert_int_equal(strlen(passed[0]->text), 60000);
	assert_int_equal(passed[0]->part_count, 1);
	assert_int_equal(strlen(passed[1]->text), 30000);
	assert_int_equal(passed[1]->text[0], 'd');
	assert_int_equal(passed[1]->part_count, 0);
	assert_int_equal(passed[2]->text[0], 'e');
	for (size_t i = 0; i < 3; i++)
		assert_false(passed[i]->repeat);
}

static void a_reference_used_again_loses_neither_text(void **state)
{
	(void)state;
	DELIVER("+841", 1, 2, "\0a");
	DELIVER("+841", 1, 2, "\0x");
	assert_int_equal(passed_count, 1);
	assert_string_equal(passed[0]->text, "a ... ");
	DELIVER("+841", 2, 2, "\0y");
	assert_string_equal(passed[1]->text, "xy");
	assert_false(passed[1]->repeat);
}

static void two_senders_with_the_same_reference_are_not_mixed(void **state)
{
	(void)state;
	DELIVER("+841", 1, 2, "\0a");
	DELIVER("+842", 2, 2, "\0y");
	assert_int_equal(passed_count, 0);
	DELIVER("+842", 1, 2, "\0x");
	DELIVER("+841", 2, 2, "\0b");
	assert_int_equal(passed_count, 2);
	assert_string_equal(passed[0]->text, "xy");
	assert_string_equal(passed[1]->text, "ab");
}

static void a_doubled_part_is_a_repeat_and_no_text(void **state)
{
	(void)state;
	DELIVER("+841", 1, 2, "\0a");
	DELIVER("+841", 1, 2, "\0a");
	assert_int_equal(passed_count, 1);
	assert_true(passed[0]->repeat);
	DELIVER("+841", 2, 2, "\0b");
	assert_int_equal(passed_count, 2);
	assert_false(passed[1]->repeat);
	assert_string_equal(passed[1]->text, "ab");
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void a_missing_part_is_waited_for_a_minute_then_marked(void **state)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	(void)state;
	DELIVER("+841", 1, 3, "\0a");
	DELIVER("+841", 3, 3, "\0c");
	loop_timer_set(end, 59 * 1000);
	loop_skip_ms(h.loop, 59 * 1000);
	loop_run(h.loop);
	assert_int_equal(passed_count, 0);
	loop_timer_set(end, 2 * 1000);
	loop_skip_ms(h.loop, 2 * 1000);
	loop_run(h.loop);
	assert_int_equal(passed_count, 1);
	assert_string_equal(passed[0]->text, "a ... c");
	loop_timer_free(end);
}

static void a_part_that_repeats_a_finished_text_opens_no_new_one(void **state)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	(void)state;
	d->repeat = true;
	d->in.part_total = 3;
	d->in.part_seq = 2;
	d->in.part_ref_bits = 8;
	parts_take(h.parts, d);
	assert_int_equal(passed_count, 1);
	assert_true(passed[0]->repeat);
}

static void a_sequence_number_outside_its_total_is_a_text_by_itself(void **state)
{
	(void)state;
	DELIVER("+841", 0, 2, "\0a");
	DELIVER("+841", 3, 2, "\0b");
	assert_int_equal(passed_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(one_piece_goes_straight_on),
		T(parts_in_any_order_become_one_text),
		T(a_surrogate_pair_across_the_boundary_stays_whole),
		T(each_part_is_read_in_its_own_alphabet),
		T(an_odd_octet_spoils_no_other_part),
		T(what_is_too_long_to_be_joined_goes_on_in_several_texts),
		T(a_reference_used_again_loses_neither_text),
		T(two_senders_with_the_same_reference_are_not_mixed),
		T(a_doubled_part_is_a_repeat_and_no_text),
		T(a_missing_part_is_waited_for_a_minute_then_marked),
		T(a_part_that_repeats_a_finished_text_opens_no_new_one),
		T(a_sequence_number_outside_its_total_is_a_text_by_itself),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
