/* Filing and the queue: what is taken over, what is lost, what is idle. Redis, PostgreSQL and the spool are ours
 * here. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/entry.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/pending.h"
#include "store/keyspace.h"
#include "store/pg.h"
#include "store/spool.h"
#include "store/vault.h"

enum { PARTITION = 5, MAX = 8 };

static struct hotline h;
static struct conf conf;
static char dir[40];
static const struct id16 ours = {{1}}, theirs = {{2}};
static bool is_up;
static unsigned claims, filed_marks;
static bool queued[MAX];
/* the queue: one entry, given to the next reader of its partition */
static struct buf entry;
static pg_done_fn *owed;
static void *owed_arg;

void keyspace_read(struct redis *redis, unsigned partition, const char *consumer, bool own, keyspace_read_fn *fn,
		   void *arg)
{
	struct keyspace_entry e = {.id = "1-1", .data = entry.data, .len = entry.len};
	bool here = partition == PARTITION && !own && entry.len > 0;

	(void)redis;
	(void)consumer;
	fn(arg, partition, true, &e, here);
	if (here)
		buf_free(&entry);
}

void keyspace_claim(struct redis *redis, unsigned partition, const char *consumer, int64_t idle_ms,
		    keyspace_read_fn *fn, void *arg)
{
	(void)redis;
	(void)consumer;
	(void)idle_ms;
	claims++;
	fn(arg, partition, true, NULL, 0);
}

void keyspace_finish(struct redis *redis, unsigned partition, const char (*ids)[KEYSPACE_ID_MAX], size_t count)
{
	(void)redis;
	(void)partition;
	(void)ids;
	(void)count;
}

bool pg_up(const struct pg *pg)
{
	(void)pg;
	return is_up;
}

struct pg_batch *pg_batch_new(struct pg *pg)
{
	return (struct pg_batch *)(void *)pg;
}

void pg_batch_add(struct pg_batch *b, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
		  void *arg)
{
	(void)b;
	(void)st;
	(void)row;
	(void)arg;
	pg_params_free(params);
}

void pg_batch_send(struct pg_batch *b, pg_done_fn *done, void *arg)
{
	(void)b;
	owed = done;
	owed_arg = arg;
}

static void commit(void)
{
	pg_done_fn *done = owed;

	assert_non_null(done);
	owed = NULL;
	done(owed_arg, PG_OK, NULL);
}

void pending_note(struct pending *p, uint64_t record, enum pending_step step)
{
	(void)p;
	(void)record;
	filed_marks += step == PENDING_FILED;
}

void pending_queued(struct pending *p, uint64_t record, bool in_queue)
{
	(void)p;
	queued[record] = in_queue;
}

const struct id16 *spool_id(const struct spool *spool)
{
	(void)spool;
	return &ours;
}

void escalate_hint(struct escalate *e)
{
	(void)e;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void wait_ms(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	for (int64_t at = 0; at <= ms; at += 500) {
		loop_skip_ms(h.loop, at ? 500 : 0);
		for (int i = 0; i < 2; i++) {
			loop_timer_set(end, 0);
			loop_run(h.loop);
		}
	}
	loop_timer_free(end);
}

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-filing-queue.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(vault_init_dir(dir, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n"};
	h.conf = &conf;
	h.vault = vault_open(dir, "t", error, sizeof(error));
	h.loop = loop_new();
	h.redis_ready = true;
	h.filing = filing_new(&h);
	is_up = true;
	claims = filed_marks = 0;
	memset(queued, 0, sizeof(queued));
	owed = NULL;
	filing_start(h.filing);
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
	buf_free(&entry);
	filing_free(h.filing);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static struct entry *make(struct entry *e, const struct id16 *spool)
{
	memset(e, 0, sizeof(*e));
	e->spool_id = *spool;
	e->spool = 3;
	e->part_count = 1;
	e->part = mem_alloc(sizeof(*e->part));
	e->part[0].spool = 4;
	return e;
}

static void put_into_queue(const struct id16 *spool)
{
	struct entry e;

	filing_seal(h.filing, PARTITION, make(&e, spool), &entry);
	entry_fini(&e);
	queued[3] = queued[4] = true;
	filing_hint(h.filing, PARTITION);
}

static void only_records_of_this_spool_are_released(void **state)
{
	(void)state;
	put_into_queue(&theirs);
	wait_ms(0);
	assert_true(queued[3] && queued[4]);
	commit();
	assert_int_equal(filed_marks, 0);
	put_into_queue(&ours);
	wait_ms(0);
	assert_false(queued[3] || queued[4]);
	commit();
	assert_int_equal(filed_marks, 2);
}

static void filing_is_idle_when_all_was_read_and_committed(void **state)
{
	(void)state;
	filing_redis_up(h.filing);
	assert_false(filing_idle(h.filing));
	wait_ms(0);
	assert_true(filing_idle(h.filing));
	put_into_queue(&ours);
	assert_false(filing_idle(h.filing));
	wait_ms(0);
	assert_false(filing_idle(h.filing));
	commit();
	wait_ms(0);
	assert_true(filing_idle(h.filing));
	h.redis_ready = false;
	assert_false(filing_idle(h.filing));
}

/* What waits here for PostgreSQL would be taken over from ourselves. */
static void nothing_is_taken_over_from_others_while_work_waits(void **state)
{
	struct entry e;

	(void)state;
	is_up = false;
	wait_ms(3000);
	assert_int_equal(claims, 0);
	filing_direct(h.filing, make(&e, &ours));
	is_up = true;
	wait_ms(3000);
	assert_int_equal(claims, 0);
	commit();
	wait_ms(3000);
	assert_true(claims > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(only_records_of_this_spool_are_released),
		T(filing_is_idle_when_all_was_read_and_committed),
		T(nothing_is_taken_over_from_others_while_work_waits),
	};

	return cmocka_run_group_tests_name("filing queue", tests, NULL, NULL);
}
