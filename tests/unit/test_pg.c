/* pg.c against a real server: batches, failures, lost connections. */
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
#include "store/pg.h"
#include "tests/lib/pg_fixture.h"

enum { GIVE_UP_MS = 20000, DONE_MAX = 64 };

static const struct pg_statement insert_row = { "insert_row",
	"insert into t (id, tx) values ($1, txid_current())" };
static const struct pg_statement count_rows = { "count_rows", "select count(*) from t" };
static const struct pg_statement my_pid = { "my_pid", "select pg_backend_pid()" };
static const struct pg_statement nap = { "nap", "select pg_sleep(30)" };
static const struct pg_statement echo = { "echo",
	"select $1::bytea, $2::bytea, $3::uuid, $4::text, $5::bigint, $6::bool, $7::text" };
static const struct pg_statement of_later = { "of_later", "insert into later values (1)" };
static const struct pg_statement settings = { "settings",
	"select current_setting('TimeZone') || ' ' || current_setting('application_name') || ' ' ||"
	" current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout')" };
static const struct pg_statement file_entry = { "file_entry",
	"select * from file_entry($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
	" $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)" };

/* One test's world. */
struct world {
	struct loop *loop;
	struct pg *pg;
	PGconn *db;               /* a second, plain connection */
	struct loop_timer *guard; /* a test that hangs fails instead */
	bool gave_up;
	unsigned ups, downs;
	bool want_up, want_down;  /* stop the loop when it happens */
	unsigned wait_for;        /* stop the loop when so many batches are done */
	unsigned done;
	enum pg_outcome outcomes[DONE_MAX];
	char error[256];
	bool sending;
	char value[128];
	unsigned rows;
};

static void on_guard(void *arg)
{
	struct world *w = arg;

	w->gave_up = true;
	loop_stop(w->loop);
}

static void on_state(void *arg, bool up)
{
	struct world *w = arg;

	w->ups += up;
	w->downs += !up;
	if ((up && w->want_up) || (!up && w->want_down))
		loop_stop(w->loop);
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct world *w = arg;

	assert_false(w->sending);
	assert_true(w->done < DONE_MAX);
	w->outcomes[w->done++] = outcome;
	if (error)
		snprintf(w->error, sizeof(w->error), "%s", error);
	if (w->done == w->wait_for)
		loop_stop(w->loop);
}

static void on_value(void *arg, const struct pg_result *r)
{
	struct world *w = arg;

	w->rows++;
	snprintf(w->value, sizeof(w->value), "%s", pg_get(r, 0, 0));
}

static void spin(struct world *w)
{
	loop_timer_set(w->guard, GIVE_UP_MS);
	loop_run(w->loop);
	loop_timer_cancel(w->guard);
	assert_false(w->gave_up);
}

static void wait_up(struct world *w)
{
	w->want_up = true;
	if (!pg_up(w->pg))
		spin(w);
	w->want_up = false;
}

/* Runs until `count` more batches are done, counting from the last call. */
static void wait_done(struct world *w, unsigned count)
{
	w->wait_for = count;
	if (w->done < count)
		spin(w);
	assert_int_equal(w->done, count);
	w->done = 0;
}

static struct pg_params *one_int(int64_t v)
{
	struct pg_params *p = pg_params_new();

	pg_put_int(p, v);
	return p;
}

static void send(struct world *w, struct pg_batch *b)
{
	w->sending = true;
	pg_batch_send(b, on_done, w);
	w->sending = false;
}

/* A batch that inserts the ids from..to. */
static void insert(struct world *w, int from, int to)
{
	struct pg_batch *b = pg_batch_new(w->pg);

	for (int i = from; i <= to; i++)
		pg_batch_add(b, &insert_row, one_int(i), NULL, NULL);
	send(w, b);
}

static void ask(struct world *w, const struct pg_statement *st)
{
	struct pg_batch *b = pg_batch_new(w->pg);

	pg_batch_add(b, st, NULL, on_value, w);
	send(w, b);
}

static int start(void **state)
{
	static int number;
	struct world *w = mem_alloc(sizeof(*w));
	char name[32];

	snprintf(name, sizeof(name), "pg_%d", ++number);
	pg_fixture_database(name);
	w->db = pg_fixture_connect(name);
	pg_fixture_sql(w->db, "create table t (id int constraint t_id primary key, tx bigint)");
	w->loop = loop_new();
	w->guard = loop_timer_new(w->loop, on_guard, w);
	w->pg = pg_new(w->loop, "test", pg_fixture_conninfo(name), on_state, w);
	pg_start(w->pg);
	wait_up(w);
	*state = w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;

	pg_free(w->pg);
	loop_timer_free(w->guard);
	loop_free(w->loop);
	PQfinish(w->db);
	mem_free(w);
	return 0;
}

static void test_a_batch_is_one_transaction(void **state)
{
	struct world *w = *state;

	insert(w, 1, 3);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_OK);
	assert_string_equal(pg_fixture_sql(w->db, "select count(*) || ' ' || count(distinct tx) from t"), "3 1");
}

static void test_the_session_is_set_up(void **state)
{
	struct world *w = *state;

	ask(w, &settings);
	wait_done(w, 1);
	assert_string_equal(w->value, "UTC test on 8s");
}

static void test_a_failing_batch_takes_only_itself_along(void **state)
{
	struct world *w = *state;

	insert(w, 1, 2);
	insert(w, 2, 3); /* 2 is taken: 3 must not stay */
	insert(w, 4, 5);
	ask(w, &count_rows);
	wait_done(w, 4);
	assert_int_equal(w->outcomes[0], PG_OK);
	assert_int_equal(w->outcomes[1], PG_FAILED);
	assert_int_equal(w->outcomes[2], PG_OK);
	assert_int_equal(w->outcomes[3], PG_OK);
	assert_string_equal(w->value, "4");
	assert_non_null(strstr(w->error, "23505"));
	assert_non_null(strstr(w->error, "t_id"));
	assert_null(strstr(w->error, "(2)"));
}

static void test_an_error_never_quotes_a_value(void **state)
{
	struct world *w = *state;
	struct pg_params *p = pg_params_new();

	pg_put_text(p, "0912345678x");
	pg_exec(w->pg, &insert_row, p, NULL, on_done, w);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_FAILED);
	assert_string_equal(w->error, "22P02: a value was refused");
}

static const struct pg_statement back = { "back", "select $1::text" };

static void test_a_text_that_is_not_utf8_is_taken_cleaned(void **state)
{
	struct world *w = *state;
	struct pg_params *p = pg_params_new();

	pg_put_text(p, "111\xe1 \xc3\xa9");
	pg_exec(w->pg, &back, p, on_value, on_done, w);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_OK);
	assert_string_equal(w->value, "111\xef\xbf\xbd \xc3\xa9");
}

static void test_only_values_are_to_blame_in_classes_22_and_23(void **state)
{
	(void)state;
	assert_true(pg_error_is_data("22P02: a value was refused"));
	assert_true(pg_error_is_data("23505: duplicate key, constraint t_id"));
	assert_false(pg_error_is_data("25006: cannot execute INSERT in a read-only transaction"));
	assert_false(pg_error_is_data("55P03: canceling statement due to lock timeout"));
	assert_false(pg_error_is_data("no answer from the server"));
	assert_false(pg_error_is_data(NULL));
}

static void test_a_failing_batch_does_not_unprepare_a_statement(void **state)
{
	struct world *w = *state;
	struct pg_batch *b = pg_batch_new(w->pg);

	/* count_rows is prepared in the very batch that fails before it is reached. */
	pg_batch_add(b, &insert_row, one_int(1), NULL, NULL);
	pg_batch_add(b, &insert_row, one_int(1), NULL, NULL);
	pg_batch_add(b, &count_rows, NULL, on_value, w);
	send(w, b);
	ask(w, &count_rows);
	wait_done(w, 2);
	assert_int_equal(w->outcomes[0], PG_FAILED);
	assert_int_equal(w->outcomes[1], PG_OK);
	assert_int_equal(w->rows, 1);
	assert_string_equal(w->value, "0");
}

static void test_a_statement_that_cannot_be_prepared_is_tried_again(void **state)
{
	struct world *w = *state;

	ask(w, &of_later);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_FAILED);
	assert_non_null(strstr(w->error, "42P01"));
	pg_fixture_sql(w->db, "create table later (id int)");
	pg_exec(w->pg, &of_later, NULL, NULL, on_done, w);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_OK);
}

struct echoed {
	uint8_t bytes[300], id[16];
	size_t len, dup_len;
	int64_t number;
	char text[64], yes[8];
	bool null_bytes, null_text;
};

static void on_echo(void *arg, const struct pg_result *r)
{
	struct echoed *e = arg;
	uint8_t *copy = pg_get_bytes_dup(r, 0, 0, &e->dup_len);
	uint8_t small[4];

	assert_int_equal(pg_rows(r), 1);
	e->len = pg_get_bytes(r, 0, 0, e->bytes, sizeof(e->bytes));
	assert_memory_equal(copy, e->bytes, e->len);
	mem_free(copy);
	assert_int_equal(pg_get_bytes(r, 0, 0, small, sizeof(small)), 4);
	assert_null(pg_get_bytes_dup(r, 0, 1, &e->dup_len));
	e->null_bytes = pg_is_null(r, 0, 1);
	assert_true(pg_get_uuid(r, 0, 2, e->id));
	snprintf(e->text, sizeof(e->text), "%s", pg_get(r, 0, 3));
	e->number = pg_get_int(r, 0, 4);
	snprintf(e->yes, sizeof(e->yes), "%s", pg_get(r, 0, 5));
	e->null_text = pg_is_null(r, 0, 6) && !*pg_get(r, 0, 6);
}

static void test_values_come_back_as_they_went(void **state)
{
	struct world *w = *state;
	struct echoed e = { 0 };
	struct pg_params *p = pg_params_new();
	uint8_t bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	pg_put_bytes(p, bytes, sizeof(bytes));
	pg_put_bytes(p, NULL, 0);
	pg_put_uuid(p, bytes + 16);
	pg_put_text(p, "Đường dây 'nóng'");
	pg_put_int(p, INT64_MIN);
	pg_put_bool(p, true);
	pg_put_text(p, NULL);
	struct pg_batch *b = pg_batch_new(w->pg);

	pg_batch_add(b, &echo, p, on_echo, &e);
	send(w, b);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_OK);
	assert_int_equal(e.len, 256);
	assert_int_equal(e.dup_len, 256);
	assert_memory_equal(e.bytes, bytes, 256);
	assert_memory_equal(e.id, bytes + 16, 16);
	assert_string_equal(e.text, "Đường dây 'nóng'");
	assert_true(e.number == INT64_MIN);
	assert_string_equal(e.yes, "t");
	assert_true(e.null_bytes && e.null_text);
}

static void test_a_killed_backend_loses_the_batches_and_comes_back(void **state)
{
	struct world *w = *state;

	ask(w, &my_pid);
	wait_done(w, 1);
	ask(w, &nap);
	insert(w, 1, 2);
	pg_fixture_sql(w->db, "select pg_terminate_backend(%s)", w->value);
	wait_done(w, 2);
	assert_int_equal(w->outcomes[0], PG_LOST);
	assert_int_equal(w->outcomes[1], PG_LOST);
	assert_int_equal(w->downs, 1);
	wait_up(w);
	insert(w, 1, 2);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_OK);
}

static void test_a_server_that_restarts_is_found_again(void **state)
{
	struct world *w = *state;

	insert(w, 1, 1);
	wait_done(w, 1);
	PQfinish(w->db);
	pg_fixture_restart();
	w->db = NULL;
	w->want_down = true;
	if (w->downs == 0)
		spin(w);
	w->want_down = false;
	insert(w, 2, 2); /* while down */
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_LOST);
	wait_up(w);
	insert(w, 2, 2);
	ask(w, &count_rows);
	wait_done(w, 2);
	assert_string_equal(w->value, "2");
}

static void test_a_hung_server_counts_as_lost(void **state)
{
	struct world *w = *state;
	int pid;

	ask(w, &my_pid);
	wait_done(w, 1);
	pid = atoi(w->value);
	pg_set_deadline(w->pg, 100);
	pg_fixture_freeze(pid, 1);
	insert(w, 1, 1);
	wait_done(w, 1);
	pg_fixture_freeze(pid, 0);
	assert_int_equal(w->outcomes[0], PG_LOST);
	pg_set_deadline(w->pg, 10000);
	wait_up(w);
}

static void test_freeing_completes_what_is_in_flight(void **state)
{
	struct world *w = *state;

	ask(w, &nap);
	insert(w, 1, 1);
	pg_free(w->pg);
	w->pg = NULL;
	assert_int_equal(w->done, 2);
	assert_int_equal(w->outcomes[0], PG_LOST);
	assert_int_equal(w->outcomes[1], PG_LOST);
}

static void test_an_absent_server_is_lost_in_a_later_turn(void **state)
{
	struct world *w = *state;

	pg_free(w->pg);
	w->pg = pg_new(w->loop, "absent", "host=/nonexistent dbname=x", on_state, w);
	pg_start(w->pg);
	insert(w, 1, 1);
	assert_int_equal(w->done, 0);
	wait_done(w, 1);
	assert_int_equal(w->outcomes[0], PG_LOST);
	assert_false(pg_up(w->pg));
}

/* ---- a full batch of the real thing ---- */

static void put_hash(struct pg_params *p, uint64_t seed)
{
	uint64_t bytes[2] = { seed * 0x9E3779B97F4A7C15u, seed * 0xC2B2AE3D27D4EB4Fu };

	pg_put_bytes(p, bytes, sizeof(bytes));
}

static struct pg_params *entry(unsigned n)
{
	static const uint8_t sealed[600];
	struct pg_params *p = pg_params_new();
	uint8_t id[16] = { 1, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16),
	                   (uint8_t)(n >> 8), (uint8_t)n };
	static const uint8_t intake[16] = { 9 };

	pg_put_uuid(p, id);
	put_hash(p, n);
	put_hash(p, n);
	pg_put_text(p, "msisdn");
	pg_put_bytes(p, sealed, 60);
	pg_put_text(p, "smpp");
	pg_put_text(p, "l1");
	pg_put_text(p, "sms");
	pg_put_text(p, "1111");
	pg_put_int(p, 1700000000000000);
	pg_put_text(p, "report");
	pg_put_text(p, NULL);
	pg_put_int(p, 1);
	pg_put_bytes(p, sealed, 300);
	pg_put_uuid(p, id);
	pg_put_text(p, "truc");
	pg_put_bytes(p, sealed, 74);
	pg_put_uuid(p, intake);
	pg_put_bytes(p, sealed, 80);
	pg_put_bytes(p, sealed, 80);
	put_hash(p, n);
	char ref[16];

	snprintf(ref, sizeof(ref), "HL%u", n);
	pg_put_text(p, ref);
	pg_put_int(p, 1);
	pg_put_text(p, "cao");
	pg_put_text(p, "bao_luc");
	pg_put_text(p, "vi");
	pg_put_bool(p, true);
	pg_put_int(p, -1);
	pg_put_text(p, NULL);
	pg_put_text(p, "");
	pg_put_bytes(p, sealed, 600);
	pg_put_bytes(p, sealed, 32);
	pg_put_int(p, 1700000000000000);
	pg_put_bool(p, true);
	pg_put_text(p, "n1");
	return p;
}

static void send_entries(struct world *w, unsigned from, unsigned count)
{
	struct pg_batch *b = pg_batch_new(w->pg);

	for (unsigned i = 0; i < count; i++)
		pg_batch_add(b, &file_entry, entry(from + i), on_value, w);
	send(w, b);
}

static void test_a_full_batch_of_entries_is_filed_once(void **state)
{
	struct world *w = *state;

	send_entries(w, 1, 128);
	send_entries(w, 1, 128);
	wait_done(w, 2);
	assert_int_equal(w->outcomes[0], PG_OK);
	assert_int_equal(w->outcomes[1], PG_OK);
	assert_int_equal(w->rows, 256);
	assert_string_equal(pg_fixture_sql(w->db, "select (select count(*) from reports) || ' ' || (select"
		" count(*) from api_cases where state = 'open') || ' ' || (select count(*) from timers)"),
		"128 128 128");
	assert_string_equal(pg_fixture_sql(w->db, "select count(*) from api_untimed"), "0");
}

/* HOTLINED_BENCH=batches: prints the speed of filing on one connection. */
static void test_speed_of_filing_is_printed_on_request(void **state)
{
	struct world *w = *state;
	const char *wanted = getenv("HOTLINED_BENCH");
	unsigned batches = wanted ? (unsigned)atoi(wanted) : 1;
	int64_t began_ms = loop_now_ms(w->loop);

	for (unsigned i = 0; i < batches; i++) {
		send_entries(w, 1 + i * 128, 128);
		wait_done(w, 1);
		assert_int_equal(w->outcomes[0], PG_OK);
	}
	int64_t took_ms = loop_now_ms(w->loop) - began_ms;

	if (wanted)
		print_message("%u batches of 128 in %lld ms: %lld reports/s\n", batches, (long long)took_ms,
		              (long long)(batches * 128000LL / (took_ms > 0 ? took_ms : 1)));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_batch_is_one_transaction),
		T(test_the_session_is_set_up),
		T(test_a_failing_batch_takes_only_itself_along),
		T(test_an_error_never_quotes_a_value),
		T(test_a_text_that_is_not_utf8_is_taken_cleaned),
		T(test_only_values_are_to_blame_in_classes_22_and_23),
		T(test_a_failing_batch_does_not_unprepare_a_statement),
		T(test_a_statement_that_cannot_be_prepared_is_tried_again),
		T(test_values_come_back_as_they_went),
		T(test_a_killed_backend_loses_the_batches_and_comes_back),
		T(test_a_server_that_restarts_is_found_again),
		T(test_a_hung_server_counts_as_lost),
		T(test_freeing_completes_what_is_in_flight),
		T(test_an_absent_server_is_lost_in_a_later_turn),
		T(test_a_full_batch_of_entries_is_filed_once),
		T(test_speed_of_filing_is_printed_on_request),
	};

	log_setup(LOG_ERROR_);
	pg_fixture_start();
	return cmocka_run_group_tests_name("pg", tests, NULL, NULL);
}
