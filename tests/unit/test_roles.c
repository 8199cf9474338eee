/* The roster in memory: PostgreSQL and the next stations are ours here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "path/acks.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/members.h"
#include "path/roles.h"
#include "path/session.h"
#include "store/pg.h"

static struct hotline h;
static unsigned asked, orders, turns, proofs;
static const char *what = "officer"; /* the one number on the roster is */
static const char *last_role;
static pg_row_fn *owed_rows;
static pg_done_fn *owed;
static void *owed_arg;
static uint8_t on_roster; /* first byte of the only officer's hash; 0: none */

void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
	     pg_done_fn *done, void *arg)
{
	(void)pg;
	(void)st;
	(void)params;
	assert_null(owed);
	asked++;
	owed_rows = row;
	owed = done;
	owed_arg = arg;
}

int pg_rows(const struct pg_result *r)
{
	(void)r;
	return on_roster != 0;
}

size_t pg_get_bytes(const struct pg_result *r, int row, int column, void *out, size_t size)
{
	(void)r;
	(void)row;
	(void)column;
	memset(out, 0, size);
	*(uint8_t *)out = on_roster;
	return size;
}

const char *pg_get(const struct pg_result *r, int row, int column)
{
	(void)r;
	(void)row;
	(void)column;
	return what;
}

bool members_code(const char *text, char digits[MEMBERS_CODE_LEN + 1])
{
	digits[0] = '\0';
	return strncmp(text, "XN", 2) == 0;
}

void members_take(struct hotline *hotline, struct delivery *d, const char *digits)
{
	(void)hotline;
	(void)digits;
	proofs++;
	delivery_free(d);
}

void acks_take(struct acks *acks, struct delivery *d, const struct command *command)
{
	(void)acks;
	(void)command;
	orders++;
	delivery_free(d);
}

void acks_ask_code(struct acks *acks, struct delivery *d)
{
	(void)acks;
	orders++;
	delivery_free(d);
}

void session_take(struct session *session, struct delivery *d)
{
	(void)session;
	turns++;
	last_role = d->role;
	delivery_free(d);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void wait_ms(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	loop_skip_ms(h.loop, ms);
	loop_timer_set(end, 0);
	loop_run(h.loop);
	loop_timer_set(end, 0);
	loop_run(h.loop);
	loop_timer_free(end);
}

static void answer(void)
{
	pg_done_fn *done = owed;

	assert_non_null(done);
	owed = NULL;
	owed_rows(owed_arg, NULL);
	done(owed_arg, PG_OK, NULL);
	wait_ms(0);
}

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	h.loop = loop_new();
	h.roles = roles_new(&h);
	asked = orders = turns = proofs = 0;
	what = "officer";
	on_roster = 0;
	owed = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	roles_free(h.roles);
	loop_free(h.loop);
	return 0;
}

static void say(const char *text, enum delivery_past past)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->has_subject = true;
	d->subject[0] = 7;
	d->past = past;
	d->text = mem_strdup(text);
	roles_take(h.roles, d);
}

/* The answer on its way may have been read before the change. */
static void a_change_while_the_roster_is_read_is_read_too(void **state)
{
	(void)state;
	roles_start(h.roles);
	roles_refresh(h.roles);
	assert_int_equal(asked, 1);
	answer();
	assert_int_equal(asked, 2);
	on_roster = 7;
	answer();
	assert_int_equal(asked, 2);
	say("NHAN 123456", PAST_NONE);
	assert_int_equal(orders, 1);
	wait_ms(11000);
	assert_int_equal(asked, 3);
}

static void a_command_waits_for_the_first_roster(void **state)
{
	(void)state;
	roles_start(h.roles);
	say("NHAN 123456", PAST_NONE);
	assert_int_equal(orders + turns, 0);
	on_roster = 7;
	answer();
	assert_int_equal(orders, 1);
}

static void a_proof_waits_for_the_first_roster(void **state)
{
	(void)state;
	what = "waiting";
	roles_start(h.roles);
	say("XN 123456", PAST_NONE);
	assert_int_equal(proofs + turns, 0);
	on_roster = 7;
	answer();
	assert_int_equal(proofs, 1);
}

static void anybody_can_write_such_texts_so_only_so_many_wait(void **state)
{
	(void)state;
	roles_start(h.roles);
	for (int i = 0; i < 1001; i++)
		say("NHAN 123456", PAST_NONE);
	assert_int_equal(turns, 1);
}

static void what_a_conversation_has_heard_is_no_command_later(void **state)
{
	(void)state;
	roles_start(h.roles);
	on_roster = 7;
	answer();
	say("NHAN 123456", PAST_HEARD);
	say("NHAN 0", PAST_HEARD);
	assert_int_equal(turns, 2);
}

static void a_member_writes_as_one_and_only_a_waiting_one_proves_a_phone(void **state)
{
	(void)state;
	on_roster = 7;
	what = "member";
	roles_start(h.roles);
	answer();
	say("em bi danh", PAST_NONE);
	assert_string_equal(last_role, "member");
	say("NHAN 123456", PAST_NONE); /* no officer: a text like others */
	assert_int_equal(orders, 0);
	what = "waiting";
	roles_refresh(h.roles);
	answer();
	say("em bi danh", PAST_NONE);
	assert_null(last_role);
	say("XN 123456", PAST_NONE);
	assert_int_equal(proofs, 1);
	what = "officer";
	roles_refresh(h.roles);
	answer();
	say("XN 123456", PAST_NONE);
	assert_int_equal(proofs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_change_while_the_roster_is_read_is_read_too),
		T(a_command_waits_for_the_first_roster),
		T(a_proof_waits_for_the_first_roster),
		T(anybody_can_write_such_texts_so_only_so_many_wait),
		T(what_a_conversation_has_heard_is_no_command_later),
		T(a_member_writes_as_one_and_only_a_waiting_one_proves_a_phone),
	};

	return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
