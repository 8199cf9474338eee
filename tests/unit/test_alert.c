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
#include "path/allowance.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "path/outcomes.h"
#include "path/pending.h"
#include "path/reply.h"
#include "store/pg.h"
#include "store/pg_values.h"
#include "store/vault.h"

enum { MAX = 8192, COLUMNS = 12, MINUTE_MS = 60 * 1000 };

static struct hotline h;
static struct allowance allowance;
static struct conf conf;
static char dir[40];
static const char *lost;      /* name of the statement whose answers are lost */
static bool locked;           /* they are not lost, but refused for a while */
static int due;               /* so many notices are due to one phone */
static const char *due_urgency, *due_channel;
static char last_text[500];
static int claim_limit;
static char said[MAX][40];    /* statements that were answered: name, and the word of an outcome */
static size_t said_count;
static size_t sends;
static struct outbound last;
static outbox_fn *last_fn;
static void *last_arg;
static struct {
	outbox_fn *fn;
	void *arg;
} owed[64]; /* texts whose outcome is not known */
static size_t owed_count;
static unsigned settled;

/* ---- PostgreSQL ---- */

struct call {
	const struct pg_statement *st;
	pg_row_fn *row;
	pg_done_fn *done;
	void *arg;
	char word[24];
};

static void give_rows(const struct call *c, const char *const (*rows)[COLUMNS], int row_count, int count)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[COLUMNS];

	memset(columns, 0, sizeof(columns));
	for (int i = 0; i < count; i++)
		columns[i].name = (char *)"x";
	PQsetResultAttrs(res, count, columns);
	for (int row = 0; row < row_count; row++)
		for (int i = 0; i < count; i++)
			PQsetvalue(res, row, i, (char *)rows[row][i], rows[row][i] ? (int)strlen(rows[row][i]) : -1);
	c->row(c->arg, &(struct pg_result){res});
	PQclear(res);
}

static void give_value(const struct call *c, const char *value)
{
	give_rows(c, &(const char *const[COLUMNS]){value}, 1, 1);
}

static void give_notices(const struct call *c)
{
	uint8_t idx[VAULT_INDEX_LEN] = {7};
	char idx_hex[2 * sizeof(idx) + 3] = "\\x", number_hex[1000] = "\\x", ids[64][40], refs[64][16];
	const char *rows[64][COLUMNS];
	struct buf sealed = {0};

	hex_encode(idx, sizeof(idx), idx_hex + 2);
	vault_seal(h.vault, VAULT_CONTACT, idx, sizeof(idx), "+84900000001", 12, &sealed);
	hex_encode(sealed.data, sealed.len, number_hex + 2);
	buf_free(&sealed);
	for (int i = 0; i < due; i++) {
		const char *const row[COLUMNS] = {ids[i], refs[i], due_urgency, "alert", NULL, idx_hex, number_hex, NULL,
						  "0", NULL, due_channel, idx_hex};

		snprintf(ids[i], sizeof(ids[i]), "00000000-0000-7000-8000-%012d", i + 1);
		snprintf(refs[i], sizeof(refs[i]), "BP-%d", i + 1);
		memcpy(rows[i], row, sizeof(row));
	}
	give_rows(c, (const char *const(*)[COLUMNS])rows, due, COLUMNS);
	due = 0;
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
		give_notices(c);
	if (strcmp(c->st->name, "alert_code") == 0)
		give_value(c, "t");
	if (strcmp(c->st->name, "alert_free") == 0)
		give_value(c, "1");
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
	if (strcmp(st->name, "alert_claim") == 0)
		claim_limit = atoi((const char *)params->bytes.data + params->offset[1]);
	if (params)
		pg_params_free(params);
	loop_defer(h.loop, answer, c);
}

/* ---- neighbours ---- */

void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg)
{
	(void)outbox;
	sends++;
	last = *out;
	snprintf(last_text, sizeof(last_text), "%s", out->text);
	last.text = NULL;
	last_fn = fn;
	last_arg = arg;
	owed[owed_count].fn = fn;
	owed[owed_count++].arg = arg;
}

static void settle_all(enum sent_state state)
{
	while (owed_count > 0) {
		owed_count--;
		owed[owed_count].fn(owed[owed_count].arg, state, "7");
	}
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
	h.allowance = &allowance;
	h.loop = loop_new();
	h.alert = alert_new(&h);
	lost = NULL;
	locked = false;
	due = 0;
	due_urgency = "khan_cap";
	due_channel = "sms";
	said_count = sends = settled = 0;
	last_fn = NULL;
	owed_count = 0;
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
	allowance_fini(&allowance);
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
	due = 1;
	lost = "alert_code";
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 0);
	assert_int_equal(times_said("alert_sent retry"), 1);
}

/* The outbox goes before PostgreSQL, whose last answers still come. */
static void at_the_end_nothing_is_sent_any_more(void **state)
{
	(void)state;
	due = 2;
	due_urgency = "thap";
	h.closing = true;
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(times_said("alert_code "), 2);
	assert_int_equal(sends, 0);
	assert_int_equal(times_said("alert_sent retry"), 2);
}

static void a_notice_that_ran_out_of_time_is_due_again(void **state)
{
	(void)state;
	due = 1;
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
	due = 1;
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

/* ---- several at once ---- */

static size_t codes_in(const char *text)
{
	size_t n = 0;

	for (const char *p = strstr(text, "NHAN "); p; p = strstr(p + 5, "NHAN "))
		n += strspn(p + 5, "0123456789") == ALERT_CODE_LEN;
	return n;
}

static void alerts_that_can_wait_share_a_text_and_keep_their_codes(void **state)
{
	(void)state;
	due = 3;
	due_urgency = "cao";
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 1);
	assert_non_null(strstr(last_text, "3 viec. BP-1 MUC CAO"));
	assert_int_equal(codes_in(last_text), 3);
	last_fn(last_arg, SENT_OK, "7");
	pass(0);
	assert_int_equal(times_said("alert_sent sent"), 3);
}

static void no_more_than_four_alerts_share_a_text(void **state)
{
	(void)state;
	due = 9;
	due_urgency = "cao";
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 3);
	settle_all(SENT_RETRY);
	pass(0);
}

static void an_emergency_has_a_text_of_its_own(void **state)
{
	(void)state;
	due = 3;
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 3);
	assert_int_equal(codes_in(last_text), 1);
	settle_all(SENT_RETRY);
	pass(0);
}

static void a_way_that_is_not_built_in_is_refused_at_once(void **state)
{
	(void)state;
	due = 1;
	due_channel = "webhook";
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 0);
	assert_int_equal(times_said("alert_sent failed"), 1);
}

static void while_many_are_on_their_way_no_more_are_claimed(void **state)
{
	size_t claims;

	(void)state;
	due = 48;
	alert_start(h.alert);
	pass(1000);
	pass(0);
	assert_int_equal(sends, 48);
	claims = times_said("alert_claim ");
	pass(2000);
	assert_int_equal(times_said("alert_claim "), claims);
	owed_count--;
	owed[owed_count].fn(owed[owed_count].arg, SENT_OK, "7");
	pass(0);
	assert_int_equal(claim_limit, 1);
	settle_all(SENT_OK);
	pass(0);
}

/* ---- replies ---- */

static void answer_after(int64_t ms)
{
	struct delivery d = {.spool = 1, .wall_us = loop_wall_us(h.loop)};

	number_parse("+84912345678", 1, "VN", &d.from);
	loop_skip_ms(h.loop, ms);
	reply_send(&h, &d, "text");
}

static void a_reply_beyond_the_days_allowance_is_not_sent_and_settled_all_the_same(void **state)
{
	(void)state;
	allowance.per_day = 1;
	answer_after(0);
	last_fn(last_arg, SENT_OK, "");
	answer_after(0);
	assert_int_equal(sends, 1);
	assert_int_equal(settled, 2);
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
		T(at_the_end_nothing_is_sent_any_more),
		T(a_notice_that_ran_out_of_time_is_due_again),
		T(receipts_wait_for_postgresql_but_not_without_end),
		T(an_outcome_that_met_a_locked_case_is_recorded_later),
		T(a_reply_beyond_the_days_allowance_is_not_sent_and_settled_all_the_same),
		T(alerts_that_can_wait_share_a_text_and_keep_their_codes),
		T(no_more_than_four_alerts_share_a_text),
		T(an_emergency_has_a_text_of_its_own),
		T(a_way_that_is_not_built_in_is_refused_at_once),
		T(while_many_are_on_their_way_no_more_are_claimed),
		T(a_reply_is_of_use_for_ten_minutes_after_the_text),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
