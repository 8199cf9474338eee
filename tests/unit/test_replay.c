/* What was here before meets the path again. The spool, PostgreSQL and the stations around are ours here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/delivery.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/intake.h"
#include "path/parts.h"
#include "path/pending.h"
#include "path/replay.h"
#include "path/session.h"
#include "store/pg.h"

enum { MAX = 16 };

static struct hotline h;
/* the spool */
static int64_t stored_age_s[MAX]; /* by number, from 1; 0: not there */
static bool lost[MAX];
static int64_t queued_at_ms; /* of those */
static unsigned steps[MAX];
/* PostgreSQL and the queue */
static bool is_up, idle, at_rest;
static bool known[MAX];
static unsigned questions;
static char asked[2000];
static pg_done_fn *owed;
static pg_row_fn *owed_rows;
static void *owed_arg;
/* what came out, in order: number, and 'p' for parts or 's' for the session */
static char passed[MAX * 4];
static enum delivery_past past[MAX];

static struct delivery *make(uint64_t number, int64_t age_s)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->spool = number;
	d->id.b[15] = (uint8_t)number;
	d->has_subject = true;
	d->wall_us = loop_wall_us(h.loop) - age_s * 1000000;
	return d;
}

size_t intake_replay(struct intake *intake, intake_fn *take, void *arg)
{
	size_t count = 0;

	(void)intake;
	for (uint64_t n = 1; n < MAX; n++) {
		struct delivery *d;

		if (stored_age_s[n] == 0)
			continue;
		d = make(n, stored_age_s[n]);
		d->past = PAST_UNKNOWN;
		take(arg, d);
		count++;
	}
	return count;
}

void intake_show(struct intake *intake, bool (*want)(void *arg, uint64_t record), intake_fn *take, void *arg)
{
	(void)intake;
	for (uint64_t n = 1; n < MAX; n++) {
		if (stored_age_s[n] && want(arg, n))
			take(arg, make(n, stored_age_s[n]));
	}
}

static void come_out(struct delivery *d, char where)
{
	size_t used = strlen(passed);

	snprintf(passed + used, sizeof(passed) - used, "%u%c ", (unsigned)d->spool, where);
	past[d->spool] = d->past;
	delivery_free(d);
}

void parts_take(struct parts *parts, struct delivery *d)
{
	(void)parts;
	come_out(d, 'p');
}

void session_take(struct session *session, struct delivery *d)
{
	(void)session;
	come_out(d, 's');
}

bool filing_idle(const struct filing *f)
{
	(void)f;
	return idle;
}

bool filing_at_rest(const struct filing *f)
{
	(void)f;
	return at_rest;
}

void pending_note(struct pending *p, uint64_t record, enum pending_step step)
{
	(void)p;
	steps[record] |= step;
}

void pending_queued(struct pending *p, uint64_t record, bool queued)
{
	(void)p;
	lost[record] = queued;
}

bool pending_lost(const struct pending *p, uint64_t record, int64_t age_ms)
{
	(void)p;
	return lost[record] && queued_at_ms <= loop_now_ms(h.loop) - age_ms;
}

size_t pending_lost_count(const struct pending *p, int64_t age_ms)
{
	size_t n = 0;

	for (uint64_t record = 1; record < MAX; record++)
		n += pending_lost(p, record, age_ms);
	return n;
}

/* ---- PostgreSQL ---- */

bool pg_up(const struct pg *pg)
{
	(void)pg;
	return is_up;
}

struct pg_batch *pg_batch_new(struct pg *pg)
{
	return (struct pg_batch *)(void *)pg;
}

struct pg_params *pg_params_new(void)
{
	return NULL;
}

void pg_put_text(struct pg_params *p, const char *text)
{
	(void)p;
	snprintf(asked, sizeof(asked), "%s", text);
}

void pg_batch_add(struct pg_batch *b, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
		  void *arg)
{
	(void)b;
	(void)st;
	(void)params;
	owed_rows = row;
	owed_arg = arg;
}

void pg_batch_send(struct pg_batch *b, pg_done_fn *done, void *arg)
{
	(void)b;
	(void)arg;
	questions++;
	owed = done;
}

int pg_rows(const struct pg_result *r)
{
	(void)r;
	return MAX;
}

bool pg_get_uuid(const struct pg_result *r, int row, int column, uint8_t id[16])
{
	(void)r;
	(void)column;
	memset(id, 0, 16);
	id[15] = (uint8_t)row;
	return known[row];
}

static void answer(enum pg_outcome outcome)
{
	pg_done_fn *done = owed;

	assert_non_null(done);
	owed = NULL;
	if (outcome == PG_OK)
		owed_rows(owed_arg, NULL);
	done(owed_arg, outcome, NULL);
}

/* ---- */

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Lets the timers run for so long. */
static void wait_ms(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	for (int64_t at = 0; at < ms; at += 50) {
		loop_skip_ms(h.loop, 50);
		loop_timer_set(end, 0);
		loop_run(h.loop);
	}
	loop_timer_free(end);
}

static int setup(void **state)
{
	(void)state;
	log_setup(LOG_ERROR_);
	memset(&h, 0, sizeof(h));
	memset(stored_age_s, 0, sizeof(stored_age_s));
	memset(lost, 0, sizeof(lost));
	memset(steps, 0, sizeof(steps));
	memset(known, 0, sizeof(known));
	memset(past, 0, sizeof(past));
	passed[0] = asked[0] = '\0';
	questions = 0;
	is_up = idle = true;
	at_rest = false;
	owed = NULL;
	h.redis_ready = true;
	h.loop = loop_new();
	queued_at_ms = loop_now_ms(h.loop) - 65 * 1000;
	h.replay = replay_new(&h);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	replay_free(h.replay);
	loop_free(h.loop);
	return 0;
}

static void a_start_with_nothing_holds_nobody_up(void **state)
{
	(void)state;
	is_up = false;
	assert_int_equal(replay_start(h.replay), 0);
	replay_take(h.replay, make(1, 0));
	assert_string_equal(passed, "1p ");
}

static void texts_after_a_restart_wait_for_postgresql_in_their_order(void **state)
{
	(void)state;
	stored_age_s[1] = stored_age_s[2] = 5;
	assert_int_equal(replay_start(h.replay), 2);
	replay_take(h.replay, make(3, 0));
	wait_ms(100);
	assert_string_equal(passed, "");
	assert_int_equal(questions, 1);
	assert_string_equal(asked, "{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}");
	replay_take(h.replay, make(4, 0));
	answer(PG_OK);
	assert_string_equal(passed, "1p 2p 3p 4p ");
	assert_int_equal(past[1], PAST_UNKNOWN);
	assert_int_equal(past[4], PAST_NONE);
	replay_take(h.replay, make(5, 0));
	assert_string_equal(passed, "1p 2p 3p 4p 5p ");
}

static void only_those_wait_who_have_something_in_line(void **state)
{
	struct delivery *d = make(3, 0);

	(void)state;
	stored_age_s[1] = 5;
	replay_start(h.replay);
	d->subject[0] = 9;
	replay_take(h.replay, d);
	assert_string_equal(passed, "3p ");
	replay_take(h.replay, make(4, 0));
	assert_string_equal(passed, "3p ");
	wait_ms(100);
	answer(PG_OK);
	assert_string_equal(passed, "3p 1p 4p ");
}

static void what_is_filed_and_old_is_released(void **state)
{
	(void)state;
	stored_age_s[1] = 601;
	stored_age_s[2] = 601;
	known[1] = true;
	replay_start(h.replay);
	wait_ms(100);
	answer(PG_OK);
	assert_string_equal(passed, "2p ");
	assert_int_equal(steps[1], PENDING_FILED | PENDING_REPLIED);
	assert_int_equal(steps[2], 0);
}

static void what_is_filed_and_young_may_still_be_answered_but_never_heard(void **state)
{
	(void)state;
	stored_age_s[1] = 5;
	known[1] = true;
	replay_start(h.replay);
	wait_ms(100);
	answer(PG_OK);
	assert_string_equal(passed, "1s ");
	assert_int_equal(past[1], PAST_FILED);
	assert_int_equal(steps[1], PENDING_FILED);
}

static void nobody_waits_longer_than_three_seconds(void **state)
{
	(void)state;
	stored_age_s[1] = 5;
	is_up = false;
	replay_start(h.replay);
	wait_ms(2900);
	assert_string_equal(passed, "");
	wait_ms(200);
	assert_string_equal(passed, "1p ");
	assert_int_equal(questions, 0);
}

static void an_answer_that_comes_too_late_changes_nothing(void **state)
{
	(void)state;
	stored_age_s[1] = 5;
	known[1] = true;
	replay_start(h.replay);
	wait_ms(3100);
	assert_int_equal(questions, 1);
	assert_string_equal(passed, "1p ");
	answer(PG_OK);
	assert_string_equal(passed, "1p ");
	assert_int_equal(steps[1], 0);
}

static void what_the_queue_still_holds_is_filed_before_the_question(void **state)
{
	(void)state;
	stored_age_s[1] = 5;
	idle = false;
	replay_start(h.replay);
	wait_ms(1900);
	assert_int_equal(questions, 0);
	wait_ms(200);
	assert_int_equal(questions, 1);
	answer(PG_LOST);
	assert_string_equal(passed, "1p ");
}

static void what_the_queue_lost_is_taken_from_the_spool_once(void **state)
{
	(void)state;
	replay_start(h.replay);
	stored_age_s[1] = stored_age_s[2] = stored_age_s[3] = 65;
	lost[1] = lost[3] = true;
	known[3] = true;
	wait_ms(11000);
	assert_int_equal(questions, 1);
	replay_take(h.replay, make(4, 0)); /* nobody waits for a repair */
	answer(PG_OK);
	assert_string_equal(passed, "4p 1p ");
	assert_int_equal(past[1], PAST_HEARD);
	assert_int_equal(steps[3], PENDING_FILED); /* its answer is on its way or given */
	wait_ms(30000);
	assert_int_equal(questions, 1);
}

static void nothing_is_lost_while_filing_has_work_to_do(void **state)
{
	(void)state;
	replay_start(h.replay);
	stored_age_s[1] = 65;
	lost[1] = true;
	idle = false;
	wait_ms(30000);
	assert_int_equal(questions, 0);
	idle = true;
	wait_ms(11000);
	assert_int_equal(questions, 1);
	answer(PG_LOST);
	assert_string_equal(passed, "1p ");
}

static void what_redis_had_when_it_went_is_filed_soon_without_it(void **state)
{
	(void)state;
	replay_start(h.replay);
	stored_age_s[1] = 1;
	lost[1] = true;
	queued_at_ms = loop_now_ms(h.loop);
	replay_redis_changed(h.replay);
	h.redis_ready = idle = false;
	wait_ms(1500);
	assert_int_equal(questions, 0);
	wait_ms(4000);
	assert_int_equal(questions, 0); /* others wait to be filed: first those */
	at_rest = true;
	wait_ms(2500);
	assert_int_equal(questions, 1);
	answer(PG_OK);
	assert_string_equal(passed, "1p ");
}

static void what_redis_forgot_is_filed_soon_after_it_is_back(void **state)
{
	(void)state;
	replay_start(h.replay);
	stored_age_s[1] = stored_age_s[2] = 1;
	lost[1] = true;
	queued_at_ms = loop_now_ms(h.loop);
	wait_ms(100);
	replay_redis_changed(h.replay);
	wait_ms(2500);
	assert_int_equal(questions, 1);
	answer(PG_OK);
	assert_string_equal(passed, "1p ");
	lost[2] = true; /* queued since it is back */
	queued_at_ms = loop_now_ms(h.loop);
	wait_ms(50 * 1000);
	assert_int_equal(questions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_start_with_nothing_holds_nobody_up),
		T(texts_after_a_restart_wait_for_postgresql_in_their_order),
		T(only_those_wait_who_have_something_in_line),
		T(what_is_filed_and_old_is_released),
		T(what_is_filed_and_young_may_still_be_answered_but_never_heard),
		T(nobody_waits_longer_than_three_seconds),
		T(an_answer_that_comes_too_late_changes_nothing),
		T(what_the_queue_still_holds_is_filed_before_the_question),
		T(what_the_queue_lost_is_taken_from_the_spool_once),
		T(nothing_is_lost_while_filing_has_work_to_do),
		T(what_redis_had_when_it_went_is_filed_soon_without_it),
		T(what_redis_forgot_is_filed_soon_after_it_is_back),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
