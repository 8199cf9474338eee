/* Officers' texts: what goes to the database as a command, what is answered at once, what is a report.
 * Stores and neighbours are ours here. */
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
#include "path/acks.h"
#include "path/alert.h"
#include "path/delivery.h"
#include "path/duty.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/reply.h"
#include "path/roles.h"
#include "path/session.h"
#include "store/pg.h"
#include "store/pg_values.h"
#include "store/spool.h"
#include "store/vault.h"

static const char officer[] = "+84900000001", reporter[] = "+84912345678";

static struct hotline h;
static struct conf conf;
static char dir[40];
static size_t commands, reports, filed;
static bool last_repeat;
static char last_reply[200];

/* ---- the neighbours ---- */

static void give_roster(pg_row_fn *row, void *arg)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[2] = {{.name = (char *)"o_idx"}, {.name = (char *)"what"}};
	uint8_t idx[VAULT_INDEX_LEN];
	char hex[2 * sizeof(idx) + 3] = "\\x";

	vault_index(h.vault, VAULT_IDX_SUBJECT, officer, strlen(officer), idx);
	hex_encode(idx, sizeof(idx), hex + 2);
	PQsetResultAttrs(res, 2, columns);
	PQsetvalue(res, 0, 0, hex, (int)strlen(hex));
	PQsetvalue(res, 0, 1, (char *)"officer", 7);
	row(arg, &(struct pg_result){res});
	PQclear(res);
}

void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
	     pg_done_fn *done, void *arg)
{
	(void)pg;
	if (strcmp(st->name, "roles_roster") == 0) {
		give_roster(row, arg);
		done(arg, PG_OK, NULL);
		return;
	}
	assert_string_equal(st->name, "acks_command");
	commands++;
	last_repeat = strcmp((const char *)params->bytes.data + params->offset[4], "t") == 0;
	pg_params_free(params);
}

const struct duty_officer *duty_find_words(const struct duty *d, const char *words)
{
	(void)d;
	(void)words;
	return NULL;
}

const struct roster *duty_roster(const struct duty *d)
{
	static const struct roster empty;

	(void)d;
	return &empty;
}

void session_take(struct session *session, struct delivery *d)
{
	(void)session;
	reports++;
	delivery_free(d);
}

const struct id16 *spool_id(const struct spool *spool)
{
	static const struct id16 id;

	(void)spool;
	return &id;
}

void filing_direct(struct filing *f, struct entry *e)
{
	(void)f;
	assert_int_equal(e->disposition, DISPOSITION_OFFICER);
	assert_false(e->has_report);
	filed++;
	entry_fini(e);
}

void reply_send(struct hotline *hotline, const struct delivery *d, const char *text)
{
	(void)hotline;
	(void)d;
	snprintf(last_reply, sizeof(last_reply), "%s", text ? text : "");
}

void escalate_hint(struct escalate *e)
{
	(void)e;
}

void alert_hint(struct alert *a)
{
	(void)a;
}

void alert_code_hash(const struct vault *vault, const uint8_t number[16], const char *digits,
		     uint8_t out[ALERT_HASH_LEN])
{
	(void)vault;
	(void)number;
	memset(out, digits[0], ALERT_HASH_LEN);
}

const char *alert_urgency_words(const char *urgency)
{
	return urgency;
}

/* ---- a test's world ---- */

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-officers.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(vault_init_dir(dir, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n", .region = (char *)"VN"};
	h.conf = &conf;
	h.vault = vault_open(dir, "t", error, sizeof(error));
	assert_non_null(h.vault);
	h.loop = loop_new();
	h.acks = acks_new(&h);
	h.roles = roles_new(&h);
	roles_start(h.roles);
	commands = reports = filed = 0;
	last_reply[0] = '\0';
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
	acks_free(h.acks);
	roles_free(h.roles);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void hear(const char *from, const char *text, bool repeat)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	number_parse(from, 1, "VN", &d->from);
	d->has_subject = true;
	vault_index(h.vault, VAULT_IDX_SUBJECT, d->from.value, strlen(d->from.value), d->subject);
	d->repeat = repeat;
	d->text = mem_strdup(text);
	roles_take(h.roles, d);
}

static void a_command_goes_to_the_database(void **state)
{
	(void)state;
	hear(officer, "NHAN 482113", false);
	assert_int_equal(commands, 1);
	assert_false(last_repeat);
	hear(officer, "OK", false);
	assert_int_equal(commands, 2);
	assert_int_equal(reports, 0);
}

static void a_repeated_command_with_a_code_goes_there_as_a_repeat(void **state)
{
	(void)state;
	hear(officer, "NHAN 482113", true);
	assert_int_equal(commands, 1);
	assert_true(last_repeat);
}

static void a_bare_repeated_command_is_answered_send_the_code(void **state)
{
	(void)state;
	hear(officer, "OK", true);
	assert_int_equal(commands, 0);
	assert_int_equal(reports, 0);
	assert_int_equal(filed, 1);
	assert_non_null(strstr(last_reply, "6 so"));
	hear(officer, "AI", true); /* a question has one meaning, as often as it comes */
	assert_int_equal(commands, 1);
}

static void a_command_with_a_nonsense_code_is_never_a_report(void **state)
{
	(void)state;
	hear(officer, "NHAN 0", false);
	assert_int_equal(commands, 0);
	assert_int_equal(reports, 0);
	assert_int_equal(filed, 1);
	assert_non_null(strstr(last_reply, "6 so"));
}

static void an_officer_who_writes_a_story_reports(void **state)
{
	(void)state;
	hear(officer, "nhan duoc tin chau be bi danh", false);
	assert_int_equal(reports, 1);
	assert_int_equal(commands, 0);
}

static void a_reporters_words_are_never_a_command(void **state)
{
	(void)state;
	hear(reporter, "NHAN 482113", false);
	hear(reporter, "NHAN 0", false);
	hear(reporter, "OK", true);
	assert_int_equal(reports, 3);
	assert_int_equal(commands, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_command_goes_to_the_database),
		T(a_repeated_command_with_a_code_goes_there_as_a_repeat),
		T(a_bare_repeated_command_is_answered_send_the_code),
		T(a_command_with_a_nonsense_code_is_never_a_report),
		T(an_officer_who_writes_a_story_reports),
		T(a_reporters_words_are_never_a_command),
	};

	return cmocka_run_group_tests_name("officers", tests, NULL, NULL);
}
