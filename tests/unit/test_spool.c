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
		T(after_a_failed_write_nothing_is_promised_any_more),
		T(a_record_too_long_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
