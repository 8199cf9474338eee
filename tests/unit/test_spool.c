/* The spool: what was acknowledged is there after any end, and nothing else is believed. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/spool.h"
#include "store/spool_format.h"
#include "store/vault.h"

enum { SEGMENT = 1024 * 1024, TAIL_RECORDS = 3 };

struct world {
	char dir[64], keys[80], spool[80];
	struct loop *loop;
	struct vault *vault;
	struct spool *s;
	size_t answered, refused;
	size_t expected;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void open_spool(struct world *w)
{
	char error[400];

	w->s = spool_open(w->loop, w->vault, w->spool, SEGMENT, error, sizeof(error));
	if (!w->s)
		print_message("%s\n", error);
	assert_non_null(w->s);
}

static int setup(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	char error[400];

	strcpy(w->dir, "/tmp/hl-spool.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->keys, sizeof(w->keys), "%s/keys", w->dir);
	snprintf(w->spool, sizeof(w->spool), "%s/spool", w->dir);
	assert_true(vault_init_dir(w->keys, "t", error, sizeof(error)));
	w->vault = vault_open(w->keys, "t", error, sizeof(error));
	assert_non_null(w->vault);
	w->loop = loop_new();
	log_setup(LOG_ERROR_);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	spool_close(w->s);
	loop_free(w->loop);
	vault_close(w->vault);
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	mem_free(w);
	return 0;
}

static void on_append(void *arg, uint64_t number, bool ok)
{
	struct world *w = arg;

	assert_true(number > 0);
	w->answered++;
	w->refused += !ok;
	if (w->answered == w->expected)
		loop_stop(w->loop);
}

static uint64_t append(struct world *w, const char *text)
{
	struct spool_meta meta = {.wall_us = 1000};

	memset(meta.dup_key, text[0], sizeof(meta.dup_key));
	w->expected++;
	return spool_append(w->s, &meta, text, strlen(text), on_append, w);
}

static void wait_all(struct world *w)
{
	if (w->answered < w->expected)
		loop_run(w->loop);
	assert_int_equal(w->answered, w->expected);
}

static void reopen(struct world *w)
{
	spool_close(w->s);
	w->s = NULL;
	open_spool(w);
}

struct seen {
	char text[64][32];
	size_t count, done;
};

static void collect(void *arg, const struct spool_record *r)
{
	struct seen *seen = arg;

	if (r->done) {
		seen->done++;
		return;
	}
	assert_true(seen->count < 64);
	snprintf(seen->text[seen->count++], 32, "%.*s", (int)r->plain_len, (const char *)r->plain);
}

static void what_was_appended_is_replayed_in_order(void **state)
{
	struct world *w = *state;
	struct seen seen = {0};

	open_spool(w);
	append(w, "one");
	append(w, "two");
	append(w, "three");
	wait_all(w);
	reopen(w);
	assert_int_equal(spool_replay(w->s, collect, &seen), 3);
	assert_string_equal(seen.text[0], "one");
	assert_string_equal(seen.text[1], "two");
	assert_string_equal(seen.text[2], "three");
}

static void what_is_done_is_not_replayed_but_its_key_is_shown(void **state)
{
	struct world *w = *state;
	struct seen seen = {0};
	uint64_t first;

	open_spool(w);
	first = append(w, "one");
	append(w, "two");
	wait_all(w);
	spool_done(w->s, first);
	spool_done(w->s, first);
	reopen(w);
	assert_int_equal(spool_replay(w->s, collect, &seen), 1);
	assert_string_equal(seen.text[0], "two");
	assert_int_equal(seen.done, 1);
}

static void numbers_go_on_after_a_restart_and_the_identity_stays(void **state)
{
	struct world *w = *state;
	struct id16 id;
	uint64_t last;

	open_spool(w);
	id = *spool_id(w->s);
	append(w, "one");
	last = append(w, "two");
	wait_all(w);
	reopen(w);
	assert_int_equal(append(w, "three"), last + 1);
	wait_all(w);
	assert_true(id16_equal(&id, spool_id(w->s)));
}

static void a_second_process_is_kept_out(void **state)
{
	struct world *w = *state;
	char error[400] = "";

	open_spool(w);
	assert_null(spool_open(w->loop, w->vault, w->spool, SEGMENT, error, sizeof(error)));
	assert_non_null(strstr(error, "in use"));
}

static void the_files_hold_no_text(void **state)
{
	struct world *w = *state;
	char command[200];

	open_spool(w);
	append(w, "nguyen thi bi mat");
	wait_all(w);
	snprintf(command, sizeof(command), "grep -rqa 'bi mat' %s", w->spool);
	assert_int_equal(WEXITSTATUS(system(command)), 1);
}

static char *segment_path(struct world *w, unsigned n)
{
	return mem_printf("%s/%012u.spool", w->spool, n);
}

/* Bytes used in the first segment. */
static size_t used_bytes(const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len;
}

static uint8_t *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	uint8_t *bytes = mem_alloc(SEGMENT);

	assert_non_null(f);
	*len = fread(bytes, 1, SEGMENT, f);
	fclose(f);
	return bytes;
}

static void spill(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

/* Each cut must leave exactly the records that end before it. */
static void a_torn_tail_loses_only_the_torn_record(void **state)
{
	struct world *w = *state;
	size_t len, used, ends[TAIL_RECORDS], at = SPOOL_SEGMENT_HEADER;
	struct spool_status status;
	char *path = segment_path(w, 1);
	uint8_t *bytes;

	open_spool(w);
	append(w, "one");
	append(w, "two");
	append(w, "three");
	wait_all(w);
	spool_close(w->s);
	w->s = NULL;
	bytes = slurp(path, &len);
	used = used_bytes(bytes, len);
	for (int i = 0; i < TAIL_RECORDS; i++) {
		struct spool_raw raw;

		assert_int_equal(spool_scan(bytes + at, len - at, &raw), SPOOL_SCAN_RECORD);
		at += raw.total;
		ends[i] = at;
	}
	assert_int_equal(ends[TAIL_RECORDS - 1], used);
	for (size_t cut = SPOOL_SEGMENT_HEADER; cut <= used; cut += cut + 40 < used ? 7 : 1) {
		struct seen seen = {0};
		size_t whole = 0;

		for (unsigned n = 2; n < 4; n++) {
			char *later = segment_path(w, n);

			unlink(later);
			mem_free(later);
		}
		spill(path, bytes, cut);
		open_spool(w);
		for (int i = 0; i < TAIL_RECORDS; i++)
			whole += ends[i] <= cut;
		assert_int_equal(spool_replay(w->s, collect, &seen), whole);
		reopen(w); /* what was cut is no damage to the next start either */
		spool_status(w->s, &status);
		assert_int_equal(status.damaged, 0);
		assert_int_equal(status.pending, whole);
		spool_close(w->s);
		w->s = NULL;
	}
	mem_free(bytes);
	mem_free(path);
}

static void damage_in_the_middle_is_set_aside_and_the_rest_is_kept(void **state)
{
	struct world *w = *state;
	char *path = segment_path(w, 1), *aside = mem_printf("%s/quarantine", w->spool);
	struct seen seen = {0};
	struct spool_status status;
	struct spool_raw raw;
	size_t len;
	uint8_t *bytes;

	open_spool(w);
	append(w, "one");
	append(w, "two");
	append(w, "three");
	wait_all(w);
	spool_close(w->s);
	w->s = NULL;
	bytes = slurp(path, &len);
	assert_int_equal(spool_scan(bytes + SPOOL_SEGMENT_HEADER, len, &raw), SPOOL_SCAN_RECORD);
	bytes[SPOOL_SEGMENT_HEADER + raw.total + 60] ^= 1;
	spill(path, bytes, len);
	open_spool(w);
	assert_int_equal(spool_replay(w->s, collect, &seen), 2);
	assert_string_equal(seen.text[0], "one");
	assert_string_equal(seen.text[1], "three");
	spool_status(w->s, &status);
	assert_int_equal(status.damaged, 1);
	assert_int_equal(status.pending, 2);
	assert_int_equal(access(aside, F_OK), 0);
	mem_free(bytes);
	mem_free(path);
	mem_free(aside);
}

static void a_flipped_bit_is_never_believed(void **state)
{
	struct spool_meta meta = {.wall_us = 5};
	struct buf record = {0};
	struct spool_raw raw;

	(void)state;
	spool_put_data(&record, 77, &meta, "sealed", 6);
	assert_int_equal(spool_scan(record.data, record.len, &raw), SPOOL_SCAN_RECORD);
	assert_int_equal(raw.number, 77);
	for (size_t bit = 0; bit < record.len * 8; bit++) {
		record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(spool_scan(record.data, record.len, &raw), SPOOL_SCAN_BAD);
		record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_free(&record);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
	struct world *w = *state;
	char *text = mem_alloc(60001);
	struct spool_status status;

	memset(text, 'x', 60000);
	open_spool(w);
	for (int i = 0; i < 40; i++)
		append(w, text);
	wait_all(w);
	assert_int_equal(w->refused, 0);
	spool_status(w->s, &status);
	assert_true(status.segments >= 3);
	reopen(w);
	spool_status(w->s, &status);
	assert_int_equal(status.pending, 40);
	mem_free(text);
}

/* Removes the segments from..to. */
static void remove_segments(struct world *w, unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++) {
		char *path = segment_path(w, n);

		unlink(path);
		mem_free(path);
	}
}

static void close_spool(struct world *w)
{
	spool_close(w->s);
	w->s = NULL;
}

/* Everything was done and its segments were dropped; each start writes the mark on. */
static void numbers_do_not_start_again_when_all_older_segments_are_gone(void **state)
{
	struct world *w = *state;
	uint64_t last;

	open_spool(w);
	append(w, "one");
	last = append(w, "two");
	wait_all(w);
	reopen(w); /* segment 2: empty, its header knows */
	close_spool(w);
	remove_segments(w, 1, 1);
	open_spool(w); /* segment 3: from the header of 2 alone */
	close_spool(w);
	remove_segments(w, 2, 2);
	open_spool(w);
	assert_int_equal(append(w, "three"), last + 1);
	wait_all(w);
}

/* The segment of the records is gone, the one with their marks is not, and its header is older than they. */
static void a_done_mark_keeps_its_number_from_being_given_again(void **state)
{
	struct world *w = *state;
	char *path = segment_path(w, 1);
	struct buf bytes = {0};
	uint64_t number = 4711;

	open_spool(w);
	close_spool(w);
	spool_put_segment_header(&bytes, 1, 1);
	spool_put_done(&bytes, &number, 1);
	spill(path, bytes.data, bytes.len);
	remove_segments(w, 2, 2);
	open_spool(w);
	assert_int_equal(append(w, "next"), 4712);
	wait_all(w);
	buf_free(&bytes);
	mem_free(path);
}

static void refuses_to_open(struct world *w, unsigned segment)
{
	char error[400] = "", number[24];

	assert_null(spool_open(w->loop, w->vault, w->spool, SEGMENT, error, sizeof(error)));
	snprintf(number, sizeof(number), "segment %u ", segment);
	assert_non_null(strstr(error, number));
	assert_non_null(strstr(error, "cannot be read"));
}

/* It may hold what was promised: starting without it would lose that without a word. */
static void a_segment_that_cannot_be_read_stops_the_start(void **state)
{
	struct world *w = *state;
	char *path = segment_path(w, 1);

	open_spool(w);
	append(w, "one");
	wait_all(w);
	close_spool(w);
	unlink(path);
	assert_int_equal(symlink("nowhere", path), 0);
	refuses_to_open(w, 1);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refuses_to_open(w, 1);
	rmdir(path);
	mem_free(path);
	open_spool(w);
}

/* Whole file: not even its header is one. */
static void a_segment_that_is_damaged_throughout_is_set_aside(void **state)
{
	struct world *w = *state;
	char *path = segment_path(w, 1), *aside = mem_printf("%s/quarantine/000000000001-0.bad", w->spool);
	struct seen seen = {0};
	struct spool_status status;
	uint8_t *bytes, *kept;
	size_t len, kept_len, used;

	open_spool(w);
	append(w, "one");
	wait_all(w);
	reopen(w);
	append(w, "two");
	wait_all(w);
	close_spool(w);
	bytes = slurp(path, &len);
	used = used_bytes(bytes, len);
	for (size_t i = 0; i < used; i++)
		bytes[i] ^= 0x55;
	spill(path, bytes, len);
	open_spool(w);
	assert_int_equal(spool_replay(w->s, collect, &seen), 1);
	assert_string_equal(seen.text[0], "two");
	spool_status(w->s, &status);
	assert_int_equal(status.damaged, 1);
	kept = slurp(aside, &kept_len);
	assert_true(kept_len >= used);
	assert_memory_equal(kept, bytes, used);
	mem_free(kept);
	mem_free(bytes);
	mem_free(path);
	mem_free(aside);
}

/* The last record may have been whole once, and its sender told "received": what is left of it is kept, and
 * its number names no other text. */
static void a_torn_tail_is_copied_aside_and_its_number_is_not_given_again(void **state)
{
	struct world *w = *state;
	char *path = segment_path(w, 1), *command;
	uint64_t last;
	uint8_t *bytes;
	size_t len;

	open_spool(w);
	append(w, "one");
	last = append(w, "two");
	wait_all(w);
	close_spool(w);
	remove_segments(w, 2, 2);
	bytes = slurp(path, &len);
	spill(path, bytes, used_bytes(bytes, len) - 3);
	open_spool(w);
	assert_true(append(w, "three") > last);
	wait_all(w);
	command = mem_printf("test $(ls %s/quarantine | wc -l) = 1 && test -s %s/quarantine/000000000001-*.bad", w->spool,
			     w->spool);
	assert_int_equal(system(command), 0);
	mem_free(command);
	mem_free(bytes);
	mem_free(path);
}

/* A folder stands where the next segment is to be made. It is not the directory that failed: once it is out of
 * the way, the spool says yes again. */
static void without_a_next_segment_only_the_batch_at_hand_is_refused(void **state)
{
	struct world *w = *state;
	char *next = segment_path(w, 2), *text = mem_alloc(60001);
	struct spool_status status;
	uint64_t pending;

	memset(text, 'x', 60000);
	open_spool(w);
	append(w, "kept");
	wait_all(w);
	assert_int_equal(mkdir(next, 0700), 0);
	for (int i = 0; i < 30; i++) { /* one by one: each is a batch */
		assert_true(append(w, text) > 0);
		wait_all(w);
	}
	assert_true(w->refused > 0 && w->refused < 30);
	spool_status(w->s, &status);
	assert_false(status.failed);
	assert_int_equal(status.pending, 31 - w->refused);
	rmdir(next);
	w->refused = 0;
	append(w, text);
	wait_all(w);
	assert_int_equal(w->refused, 0);
	pending = status.pending + 1;
	reopen(w);
	spool_status(w->s, &status);
	assert_int_equal(status.damaged, 0);
	assert_int_equal(status.pending, pending);
	mem_free(text);
	mem_free(next);
}

/* The longest text does not fit where a short one still does: its number is never written. */
static void a_refused_number_between_two_written_ones_does_not_pin_its_segment(void **state)
{
	struct world *w = *state;
	char *next = segment_path(w, 2), *text = mem_alloc(60001);
	struct spool_status status;
	uint64_t last;

	memset(text, 'x', 60000);
	open_spool(w);
	assert_int_equal(mkdir(next, 0700), 0);
	while (w->refused == 0) {
		append(w, text);
		wait_all(w);
	}
	last = append(w, "short");
	wait_all(w);
	assert_int_equal(w->refused, 1);
	assert_false(spool_is_pending(w->s, last - 1));
	rmdir(next);
	append(w, text);
	wait_all(w);
	spool_status(w->s, &status);
	assert_int_equal(status.segments, 2);
	for (uint64_t n = 1; n <= last; n++)
		spool_done(w->s, n);
	loop_skip_ms(w->loop, 61 * 1000);
	append(w, "the marks ride with it");
	wait_all(w);
	spool_status(w->s, &status);
	assert_int_equal(status.segments, 1);
	assert_int_equal(status.pending, 2);
	reopen(w);
	spool_status(w->s, &status);
	assert_int_equal(status.pending, 2);
	mem_free(text);
	mem_free(next);
}

static bool odd(void *arg, uint64_t number)
{
	(void)arg;
	return number % 2 == 1;
}

static void only_what_is_asked_for_and_not_done_is_shown_again(void **state)
{
	struct world *w = *state;
	struct seen seen = {0};

	open_spool(w);
	append(w, "one");
	append(w, "two");
	append(w, "three");
	wait_all(w);
	spool_done(w->s, 1);
	spool_show(w->s, odd, collect, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.text[0], "three");
	assert_int_equal(seen.done, 0);
	assert_true(spool_is_pending(w->s, 2));
	assert_false(spool_is_pending(w->s, 1));
	assert_false(spool_is_pending(w->s, 99));
}

/* The disk refuses the next segment (a file size limit stands in for a full disk): what follows is refused,
 * and the directory never says yes again, while what was promised stays. */
static void after_a_failed_write_nothing_is_promised_any_more(void **state)
{
	struct world *w = *state;
	struct rlimit old, small = {SEGMENT / 2, RLIM_INFINITY};
	struct spool_status status;
	char *text = mem_alloc(60001);

	memset(text, 'x', 60000);
	getrlimit(RLIMIT_FSIZE, &old);
	open_spool(w);
	append(w, "kept");
	wait_all(w);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	for (int i = 0; i < 30; i++)
		append(w, text);
	wait_all(w);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(w->refused > 0);
	assert_int_equal(append(w, "later"), 0);
	w->expected--;
	spool_status(w->s, &status);
	assert_true(status.failed);
	mem_free(text);
}

static void a_record_too_long_is_refused_at_once(void **state)
{
	struct world *w = *state;
	struct spool_meta meta = {0};
	uint8_t *bytes = mem_alloc(SPOOL_RECORD_MAX);

	open_spool(w);
	assert_int_equal(spool_append(w->s, &meta, bytes, SPOOL_RECORD_MAX, on_append, w), 0);
	mem_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_was_appended_is_replayed_in_order),
		T(what_is_done_is_not_replayed_but_its_key_is_shown),
		T(numbers_go_on_after_a_restart_and_the_identity_stays),
		T(a_second_process_is_kept_out),
		T(the_files_hold_no_text),
		T(a_torn_tail_loses_only_the_torn_record),
		T(damage_in_the_middle_is_set_aside_and_the_rest_is_kept),
		cmocka_unit_test(a_flipped_bit_is_never_believed),
		T(a_full_segment_is_followed_by_the_next),
		T(numbers_do_not_start_again_when_all_older_segments_are_gone),
		T(a_done_mark_keeps_its_number_from_being_given_again),
		T(a_segment_that_cannot_be_read_stops_the_start),
		T(a_segment_that_is_damaged_throughout_is_set_aside),
		T(a_torn_tail_is_copied_aside_and_its_number_is_not_given_again),
		T(without_a_next_segment_only_the_batch_at_hand_is_refused),
		T(a_refused_number_between_two_written_ones_does_not_pin_its_segment),
		T(only_what_is_asked_for_and_not_done_is_shown_again),
		T(after_a_failed_write_nothing_is_promised_any_more),
		T(a_record_too_long_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
