/* Filing, with stores that say what a test wants: PostgreSQL refuses or is in trouble, Redis loses an
 * answer. Their functions are ours here; parameters are read as they would go out. */
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
#include "store/pg_values.h"
#include "store/spool.h"
#include "store/vault.h"

enum { MAX = 64, ROWS_MAX = 200, REF = 21, SHORT_CODE = 8, RAW_REF = 14 };

struct row {
	bool raw;
	char ref[24];
	char short_code[24];
};

struct pg_batch {
	struct row rows[ROWS_MAX];
	size_t count;
	pg_done_fn *done;
	void *arg;
};

/* What PostgreSQL says of a batch. NULL: it takes it. */
typedef const char *judge_fn(const struct pg_batch *b);

static struct hotline h;
static struct conf conf;
static char dir[32];
static judge_fn *judge;
static size_t batches, biggest;
static char committed[MAX][24]; /* references, "raw " before those filed raw */
static size_t committed_count;
static size_t finished, released;
static struct { unsigned partition; bool own, claim; keyspace_read_fn *fn; void *arg; } reads[MAX * 4];
static size_t read_count;

/* ---- PostgreSQL ---- */

bool pg_up(const struct pg *pg)
{
	(void)pg;
	return true;
}

struct pg_batch *pg_batch_new(struct pg *pg)
{
	(void)pg;
	return mem_alloc(sizeof(struct pg_batch));
}

static void copy_param(const struct pg_params *p, int i, char out[24])
{
	if (!p->null[i])
		snprintf(out, 24, "%s", (const char *)p->bytes.data + p->offset[i]);
}

void pg_batch_add(struct pg_batch *b, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
		  void *arg)
{
	struct row *r = &b->rows[b->count++];

	(void)row;
	(void)arg;
	assert_true(b->count < ROWS_MAX);
	r->raw = strcmp(st->name, "filing_raw") == 0;
	copy_param(params, r->raw ? RAW_REF : REF, r->ref);
	if (!r->raw)
		copy_param(params, SHORT_CODE, r->short_code);
	pg_params_free(params);
}

static void answer(void *arg)
{
	struct pg_batch *b = arg;
	const char *error = judge ? judge(b) : NULL;

	batches++;
	if (b->count > biggest)
		biggest = b->count;
	for (size_t i = 0; !error && i < b->count; i++) {
		assert_true(committed_count < MAX);
		snprintf(committed[committed_count++], 24, "%s%.19s", b->rows[i].raw ? "raw " : "", b->rows[i].ref);
	}
	b->done(b->arg, error ? PG_FAILED : PG_OK, error);
	mem_free(b);
}

void pg_batch_send(struct pg_batch *b, pg_done_fn *done, void *arg)
{
	b->done = done;
	b->arg = arg;
	loop_defer(h.loop, answer, b);
}

/* ---- Redis and the neighbours ---- */

static void note_read(unsigned partition, bool own, bool claim, keyspace_read_fn *fn, void *arg)
{
	assert_true(read_count < MAX * 4);
	reads[read_count].partition = partition;
	reads[read_count].own = own;
	reads[read_count].claim = claim;
	reads[read_count].fn = fn;
	reads[read_count++].arg = arg;
}

void keyspace_read(struct redis *redis, unsigned partition, const char *consumer, bool own, keyspace_read_fn *fn,
		   void *arg)
{
	(void)redis;
	(void)consumer;
	note_read(partition, own, false, fn, arg);
}

void keyspace_claim(struct redis *redis, unsigned partition, const char *consumer, int64_t idle_ms,
		    keyspace_read_fn *fn, void *arg)
{
	(void)redis;
	(void)consumer;
	(void)idle_ms;
	note_read(partition, false, true, fn, arg);
}

void keyspace_finish(struct redis *redis, unsigned partition, const char (*ids)[KEYSPACE_ID_MAX], size_t count)
{
	(void)redis;
	(void)partition;
	(void)ids;
	finished += count;
}

void pending_note(struct pending *p, uint64_t record, enum pending_step step)
{
	(void)p;
	(void)record;
	(void)step;
	released++;
}

void pending_queued(struct pending *p, uint64_t record, bool queued)
{
	(void)p;
	(void)record;
	(void)queued;
}

const struct id16 *spool_id(const struct spool *spool)
{
	static const struct id16 id;

	(void)spool;
	return &id;
}

void escalate_hint(struct escalate *e)
{
	(void)e;
}

/* ---- a test's world ---- */

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-filing.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(vault_init_dir(dir, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n"};
	h.conf = &conf;
	h.vault = vault_open(dir, "t", error, sizeof(error));
	assert_non_null(h.vault);
	h.loop = loop_new();
	h.filing = filing_new(&h);
	judge = NULL;
	batches = biggest = committed_count = finished = released = read_count = 0;
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
	filing_free(h.filing);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Lets so much time pass, in steps in which everything posted is done. */
static void pass(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	for (int64_t step = ms / 20 + 1; ms >= 0; ms -= step) {
		loop_skip_ms(h.loop, step);
		for (int i = 0; i < 12; i++) {
			loop_timer_set(end, 0);
			loop_run(h.loop);
		}
	}
	loop_timer_free(end);
}

static struct entry entry_of(const char *ref)
{
	struct entry e = {.spool = 7, .has_message = true, .has_report = true};

	strcpy(e.node, "n");
	strcpy(e.ref, ref);
	return e;
}

static void file(const char *ref)
{
	struct entry e = entry_of(ref);

	filing_direct(h.filing, &e);
}

static struct filing_status status(void)
{
	struct filing_status s;

	filing_status(h.filing, &s);
	return s;
}

static bool has(const struct pg_batch *b, const char *ref, bool raw)
{
	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->rows[i].ref, ref) == 0 && (raw || !b->rows[i].raw))
			return true;
	}
	return false;
}

static bool was_committed(const char *ref)
{
	for (size_t i = 0; i < committed_count; i++) {
		if (strcmp(committed[i], ref) == 0)
			return true;
	}
	return false;
}

/* ---- PostgreSQL refuses ---- */

static const char *refuse_bad(const struct pg_batch *b)
{
	return has(b, "BAD", false) ? "22021: a value was refused" : NULL;
}

static void an_entry_whose_values_are_refused_is_filed_raw_at_once(void **state)
{
	(void)state;
	judge = refuse_bad;
	file("A");
	file("BAD");
	file("C");
	pass(100);
	assert_int_equal(committed_count, 3);
	assert_true(was_committed("raw BAD"));
	assert_true(was_committed("A") && was_committed("C"));
	assert_int_equal(status().raw, 1);
	assert_int_equal(status().faulty, 0);
	assert_int_equal(status().filed, 3);
	assert_int_equal(released, 3);
}

static const char *refuse_bad_always(const struct pg_batch *b)
{
	return has(b, "BAD", true) ? "23514: constraint" : NULL;
}

static void an_entry_refused_even_raw_is_kept_and_the_others_go_on(void **state)
{
	(void)state;
	judge = refuse_bad_always;
	file("A");
	file("BAD");
	file("C");
	pass(100);
	assert_int_equal(committed_count, 2);
	assert_int_equal(status().faulty, 1);
	assert_int_equal(status().waiting, 0);
	pass(65 * 1000);
	assert_int_equal(status().faulty, 1); /* the number there is, not that of the attempts */
	judge = NULL;
	pass(31 * 1000);
	assert_true(was_committed("BAD"));
	assert_int_equal(status().faulty, 0);
	assert_int_equal(released, 3);
}

static const char *read_only(const struct pg_batch *b)
{
	(void)b;
	return "25006: cannot execute INSERT in a read-only transaction";
}

static void trouble_of_the_server_makes_no_entry_faulty(void **state)
{
	char ref[16];

	(void)state;
	judge = read_only;
	for (int i = 0; i < 30; i++) {
		snprintf(ref, sizeof(ref), "R%d", i);
		file(ref);
	}
	pass(60 * 1000);
	assert_int_equal(status().faulty, 0);
	assert_int_equal(status().waiting, 30);
	assert_in_range(batches, 5, 45); /* with a pause that grows */
	judge = NULL;
	pass(6 * 1000);
	assert_int_equal(committed_count, 30);
	assert_int_equal(status().raw, 0);
}

static const char *locked(const struct pg_batch *b)
{
	return has(b, "LOCKED", true) ? "55P03: canceling statement due to lock timeout" : NULL;
}

static void a_locked_case_does_not_hinder_the_others(void **state)
{
	(void)state;
	judge = locked;
	file("LOCKED");
	file("A");
	file("B");
	pass(3 * 1000);
	assert_true(was_committed("A") && was_committed("B"));
	judge = NULL;
	pass(6 * 1000);
	assert_true(was_committed("LOCKED"));
	assert_int_equal(status().raw, 0);
}

/* ---- Redis ---- */

enum { PARTITION = 5 };

/* Answers the newest question about the partition; ref NULL: with nothing. Returns whether it asked for
 * what it was given before. */
static bool reply(bool ok, const char *id, const char *ref)
{
	struct keyspace_entry entry = {0};
	struct buf sealed = {0};
	struct entry e;
	size_t i = read_count;

	while (i > 0 && (reads[i - 1].partition != PARTITION || !reads[i - 1].fn))
		i--;
	assert_true(i > 0);
	i--;
	if (ref) {
		e = entry_of(ref);
		filing_seal(h.filing, PARTITION, &e, &sealed);
		snprintf(entry.id, sizeof(entry.id), "%s", id);
		entry.data = sealed.data;
		entry.len = sealed.len;
	}
	reads[i].fn(reads[i].arg, PARTITION, ok, &entry, ref ? 1 : 0);
	reads[i].fn = NULL;
	buf_free(&sealed);
	return reads[i].own;
}

static void redis_comes_up(void)
{
	h.redis_ready = true;
	filing_redis_up(h.filing);
	pass(0);
}

static void a_read_that_got_no_answer_is_asked_for_as_left_over(void **state)
{
	(void)state;
	redis_comes_up();
	assert_true(reply(true, NULL, NULL)); /* nothing is left over from before */
	filing_hint(h.filing, PARTITION);
	pass(0);
	assert_false(reply(false, NULL, NULL)); /* given to us, but the answer was lost */
	filing_hint(h.filing, PARTITION);
	pass(0);
	assert_true(reply(true, "5-1", "LOST"));
	pass(100);
	assert_true(was_committed("LOST"));
	assert_int_equal(finished, 1);
}

static void an_entry_that_is_here_is_not_taken_twice(void **state)
{
	(void)state;
	judge = read_only;
	redis_comes_up();
	reply(true, NULL, NULL);
	filing_hint(h.filing, PARTITION);
	pass(0);
	reply(true, "5-1", "ONCE");
	filing_hint(h.filing, PARTITION);
	pass(0);
	reply(true, "5-1", "ONCE"); /* claimed by ourselves, say */
	assert_int_equal(status().waiting, 1);
	judge = NULL;
	pass(6 * 1000);
	assert_int_equal(committed_count, 1);
	assert_int_equal(finished, 1);
}

static void what_is_left_over_waits_for_what_is_in_work(void **state)
{
	size_t before;

	(void)state;
	judge = read_only;
	redis_comes_up();
	reply(true, "5-1", "FIRST");
	filing_redis_up(h.filing);
	before = read_count;
	pass(0);
	for (size_t i = before; i < read_count; i++)
		assert_int_not_equal(reads[i].partition, PARTITION);
	judge = NULL;
	pass(6 * 1000);
	assert_true(was_committed("FIRST"));
	filing_hint(h.filing, PARTITION);
	pass(0);
	assert_true(reply(true, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(an_entry_whose_values_are_refused_is_filed_raw_at_once),
		T(an_entry_refused_even_raw_is_kept_and_the_others_go_on),
		T(trouble_of_the_server_makes_no_entry_faulty),
		T(a_locked_case_does_not_hinder_the_others),
		T(a_read_that_got_no_answer_is_asked_for_as_left_over),
		T(an_entry_that_is_here_is_not_taken_twice),
		T(what_is_left_over_waits_for_what_is_in_work),
	};

	return cmocka_run_group_tests_name("filing", tests, NULL, NULL);
}
