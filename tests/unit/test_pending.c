/* When a record of the spool goes, and when its queue entry counts as lost. */
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
#include "path/pending.h"
#include "store/spool.h"
#include "store/vault.h"

enum { RECORDS = 3 };

static char dir[32], keys[48], folder[48];
static struct loop *loop;
static struct vault *vault;
static struct spool *spool;
static struct pending *p;
static uint64_t record[RECORDS];
static size_t written;

static void on_append(void *arg, uint64_t number, bool ok)
{
	(void)arg;
	(void)number;
	assert_true(ok);
	if (++written == RECORDS)
		loop_stop(loop);
}

static int setup(void **state)
{
	struct spool_meta meta = {0};
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-pending.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(folder, sizeof(folder), "%s/spool", dir);
	assert_true(vault_init_dir(keys, "t", error, sizeof(error)));
	vault = vault_open(keys, "t", error, sizeof(error));
	loop = loop_new();
	spool = spool_open(loop, vault, folder, 1, error, sizeof(error));
	assert_non_null(spool);
	p = pending_new(loop, spool);
	written = 0;
	for (int i = 0; i < RECORDS; i++)
		record[i] = spool_append(spool, &meta, "x", 1, on_append, NULL);
	loop_run(loop);
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
	pending_free(p);
	spool_close(spool);
	loop_free(loop);
	vault_close(vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void a_record_goes_when_it_is_filed_and_answered(void **state)
{
	(void)state;
	pending_note(p, record[0], PENDING_REPLIED);
	pending_note(p, record[1], PENDING_FILED);
	assert_true(spool_is_pending(spool, record[0]) && spool_is_pending(spool, record[1]));
	pending_note(p, record[0], PENDING_FILED);
	pending_note(p, record[1], PENDING_REPLIED);
	assert_false(spool_is_pending(spool, record[0]) || spool_is_pending(spool, record[1]));
	assert_int_equal(pending_count(p), 0);
}

/* What is filed twice, or belongs to another daemon's spool, must not pile up here. */
static void a_record_that_is_gone_or_unknown_leaves_no_trace(void **state)
{
	(void)state;
	pending_note(p, record[0], PENDING_FILED);
	pending_note(p, record[0], PENDING_REPLIED);
	pending_note(p, record[0], PENDING_FILED);
	pending_queued(p, record[0], true);
	pending_note(p, 0, PENDING_FILED);
	pending_note(p, 4711, PENDING_FILED);
	assert_int_equal(pending_count(p), 0);
}

static void an_entry_is_lost_when_it_was_queued_long_ago(void **state)
{
	(void)state;
	pending_queued(p, record[0], true);
	loop_skip_ms(loop, 30 * 1000);
	pending_queued(p, record[1], true);
	pending_note(p, record[1], PENDING_REPLIED);
	assert_int_equal(pending_lost_count(p, 60 * 1000), 0);
	loop_skip_ms(loop, 31 * 1000);
	assert_true(pending_lost(p, record[0], 60 * 1000));
	assert_false(pending_lost(p, record[1], 60 * 1000));
	assert_false(pending_lost(p, record[2], 60 * 1000));
	loop_skip_ms(loop, 30 * 1000);
	assert_int_equal(pending_lost_count(p, 60 * 1000), 2);
}

static void what_was_read_or_filed_is_not_lost(void **state)
{
	(void)state;
	pending_queued(p, record[0], true);
	pending_queued(p, record[1], true);
	pending_queued(p, record[0], false);
	pending_note(p, record[1], PENDING_FILED);
	pending_note(p, record[2], PENDING_FILED);
	pending_queued(p, record[2], true);
	loop_skip_ms(loop, 61 * 1000);
	assert_int_equal(pending_lost_count(p, 60 * 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_record_goes_when_it_is_filed_and_answered),
		T(a_record_that_is_gone_or_unknown_leaves_no_trace),
		T(an_entry_is_lost_when_it_was_queued_long_ago),
		T(what_was_read_or_filed_is_not_lost),
	};

	return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
