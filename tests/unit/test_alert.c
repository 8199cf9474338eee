/* Notices to officers while PostgreSQL comes and goes, and how long a reply is of use. The connection and
 * the outbox are ours here. */
#include <ftw.h>
#include <libpq-fe.h>
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
#include "path/alert.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "path/outcomes.h"
#include "path/pending.h"
#include "path/reply.h"
#include "store/pg.h"
#include "store/pg_values.h"
#include "store/vault.h"

enum { MAX = 8192, COLUMNS = 10, MINUTE_MS = 60 * 1000 };

static struct hotline h;
static struct conf conf;
static char dir[40];
static const char *lost;      /* name of the statement whose answers are lost */
static bool locked;           /* they are not lost, but refused for a while */
static bool due;              /* a notice is due */
static char said[MAX][40];    /* statements that were answered: name, and the word of an outcome */
static size_t said_count;
static size_t sends;
static struct outbound last;
static outbox_fn *last_fn;
static void *last_arg;
static unsigned settled;

/* ---- PostgreSQL ---- */

struct call {
	const struct pg_statement *st;
	pg_row_fn *row;
	pg_done_fn *done;
	void *arg;
	char word[24];
};

static void give_row(const struct call *c, const char *const *values, int count)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[COLUMNS];

	memset(columns, 0, sizeof(columns));
	for (int i = 0; i < count; i++)
		columns[i].name = (char *)"x";
	PQsetResultAttrs(res, count, columns);
	for (int i = 0; i < count; i++)
		PQsetvalue(res, 0, i, (char *)values[i], values[i] ? (int)strlen(values[i]) : -1);
	c->row(c->arg, &(struct pg_result){res});
	PQclear(res);
}

static void give_notice(const struct call *c)
{
	uint8_t idx[VAULT_INDEX_LEN] = {7};
	char idx_hex[2 * sizeof(idx) + 3] = "\\x", number_hex[1000] = "\\x";
	struct buf sealed = {0};
	const char *values[COLUMNS] = {"00000000-0000-7000-8000-000000000001", "BP-1", "khan_cap", "alert", NULL,
				       idx_hex, number_hex, NULL, "0", NULL};

	hex_encode(idx, sizeof(idx), idx_hex + 2);
	vault_seal(h.vault, VAULT_CONTACT, idx, sizeof(idx), "+84900000001", 12, &sealed);
	hex_encode(sealed.data, sealed.len, number_hex + 2);
	buf_free(&sealed);
	give_row(c, values, COLUMNS);
	due = false;
}

static void answer(void *arg)
{
	struct call *c = arg;

	if (lost && strcmp(c->st->name, lost) == 0) {
		if (locked)
			c->done(c->arg, PG_FAILED, "55P03: canceling statement due to lock timeout");
		else
			c->done(c->arg, PG_LOST, "connection lost");
		mem_free(c);
		return;
	}
	assert_true(said_count < MAX);
	snprintf(said[said_count++], sizeof(said[0]), "%s %s", c->st->name, c->word);
	if (strcmp(c->st->name, "alert_claim") == 0 && due)
		give_notice(c);
	if (strcmp(c->st->name, "alert_code") == 0)
		give_row(c, (const char *const[]){"t"}, 1);
	if (strcmp(c->st->name, "alert_free") == 0)
		give_row(c, (const char *const[]){"1"}, 1);
	c->done(c->arg, PG_OK, NULL);
	mem_free(c);
}

void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
	     pg_done_fn *done, void *arg)
{
	struct call *c = mem_alloc(sizeof(*c));
	int word = strcmp(st->name, "alert_sent") == 0 ? 1 : strcmp(st->name, "alert_receipt") == 0 ? 2 : -1;

	(void)pg;
	*c = (struct call){.st = st, .row = row, .done = done, .arg = arg};
	if (word >= 0)
		snprintf(c->word, sizeof(c->word), "%s", (const char *)params->bytes.data + params->offset[word]);
	pg_params_free(params);
	loop_defer(h.loop, answer, c);
}

/* ---- neighbours ---- */

void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg)
{
	(void)outbox;
	sends++;
	last = *out;
	last.text = NULL;
	last_fn = fn;
	last_arg = arg;
}

void pending_note(struct pending *p, uint64_t record, enum pending_step step)
{
	(void)p;
	(void)record;
	settled += step == PENDING_REPLIED;
}

/* ---- a test's world ---- */

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-alert.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(vault_init_dir(dir, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n", .region = (char *)"VN", .reply_regions = (char *)"VN",
			     .short_codes = {(char *)"111"}};
	h.conf = &conf;
	h.vault = vault_open(dir, "t", error, sizeof(error));
	assert_non_null(h.vault);
	h.loop = loop_new();
	h.alert = alert_new(&h);
	lost = NULL;
	due = locked = false;
	said_count = sends = settled = 0;
	last_fn = NULL;
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
	alert_free(h.alert);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void pass(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	loop_skip_ms(h.loop, ms);
	for (int i = 0; i < 12; i++) {
		loop_timer_set(end, 0);
		loop_run(h.loop);
	}
	loop_timer_free(end);
}

static size_t times_said(const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < said_count; i++)
		n += strcmp(said[i], what) == 0;
	return n;
}

static void a_start_frees_the_leases_before_the_first_claim(void **state)
{
	(void)state;
	lost = "alert_free";
	alert_start(h.alert);
	pass(3000);
	assert_int_equal(said_count, 0); /* nothing is claimed while PostgreSQL is away */
	lost = NULL;
	pass(2000);
	pass(2000);
	assert_string_equal(said[0], "alert_free ");
	assert_string_equal(said[1], "alert_claim ");
	pass(60 * 1000);
	pass(60 * 1000);
	assert_int_equal(times_said("alert_free "), 1);
}

static void a_notice_whose_code_was_lost_is_put_back_at_once(void **state)
{
	(void)state;
	due = true;
	lost = "alert_code";
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 0);
	assert_int_equal(times_said("alert_sent retry"), 1);
}

static void a_notice_that_ran_out_of_time_is_due_again(void **state)
{
	(void)state;
	due = true;
	alert_start(h.alert);
	pass(1000);
	assert_int_equal(sends, 1);
	last_fn(last_arg, SENT_EXPIRED, "");
	pass(0);
	assert_int_equal(times_said("alert_sent retry"), 1);
	assert_int_equal(times_said("alert_sent failed"), 0);
}

static void receipts_wait_for_postgresql_but_not_without_end(void **state)
{
	struct receipt receipt = {.provider_ref = "x", .status = RECEIPT_DELIVERED};

	(void)state;
	lost = "alert_receipt";
	for (int i = 0; i < OUTCOMES_MAX + 10; i++)
		alert_receipt(h.alert, "link", &receipt);
	pass(5000);
	assert_int_equal(times_said("alert_receipt delivered"), 0);
	lost = NULL;
	pass(3000);
	pass(3000);
	assert_int_equal(times_said("alert_receipt delivered"), OUTCOMES_MAX);
	alert_receipt(h.alert, "link", &receipt);
	pass(0);
	assert_int_equal(times_said("alert_receipt delivered"), OUTCOMES_MAX + 1);
}

static void an_outcome_that_met_a_locked_case_is_recorded_later(void **state)
{
	(void)state;
	due = true;
	lost = "alert_sent";
	locked = true;
	alert_start(h.alert);
	pass(1000);
	last_fn(last_arg, SENT_OK, "7");
	pass(5000);
	assert_int_equal(times_said("alert_sent sent"), 0);
	lost = NULL;
	pass(5000);
	pass(0);
	assert_int_equal(times_said("alert_sent sent"), 1);
}

/* ---- replies ---- */

static void answer_after(int64_t ms)
{
	struct delivery d = {.spool = 1, .wall_us = loop_wall_us(h.loop)};

	number_parse("+84912345678", 1, "VN", &d.from);
	loop_skip_ms(h.loop, ms);
	reply_send(&h, &d, "text");
}

static void a_reply_is_of_use_for_ten_minutes_after_the_text(void **state)
{
	(void)state;
	answer_after(0);
	assert_in_range(last.validity_ms, 10 * MINUTE_MS - 1000, 10 * MINUTE_MS);
	last_fn(last_arg, SENT_OK, "");
	assert_int_equal(settled, 1);
	answer_after(4 * MINUTE_MS);
	assert_in_range(last.validity_ms, 6 * MINUTE_MS - 1000, 6 * MINUTE_MS);
	last_fn(last_arg, SENT_EXPIRED, "");
	assert_int_equal(settled, 2);
	assert_int_equal(sends, 2);
	answer_after(11 * MINUTE_MS); /* replayed after a long night: nothing is said, nothing is owed */
	assert_int_equal(sends, 2);
	assert_int_equal(settled, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_start_frees_the_leases_before_the_first_claim),
		T(a_notice_whose_code_was_lost_is_put_back_at_once),
		T(a_notice_that_ran_out_of_time_is_due_again),
		T(receipts_wait_for_postgresql_but_not_without_end),
		T(an_outcome_that_met_a_locked_case_is_recorded_later),
		T(a_reply_is_of_use_for_ten_minutes_after_the_text),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
