/* The first station: promises, repeats, and the end of the daemon. replay_take() is ours here. */
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
#include "path/delivery.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/intake.h"
#include "path/replay.h"
#include "store/spool.h"
#include "store/vault.h"

static char dir[32], keys[48], folder[48];
static struct hotline h;
static struct conf conf;
static size_t passed, received, refused;
static bool last_was_repeat;

void replay_take(struct replay *r, struct delivery *d)
{
	(void)r;
	passed++;
	last_was_repeat = d->repeat;
	delivery_free(d);
}

void flowbook_current_hash(const struct flowbook *book, uint8_t out[32])
{
	(void)book;
	memset(out, 0, 32);
}

static int setup(void **state)
{
	char error[400];

	(void)state;
	strcpy(dir, "/tmp/hl-intake.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(folder, sizeof(folder), "%s/spool", dir);
	assert_true(vault_init_dir(keys, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.region = (char *)"VN"};
	h.conf = &conf;
	h.vault = vault_open(keys, "t", error, sizeof(error));
	h.loop = loop_new();
	h.spool = spool_open(h.loop, h.vault, folder, 1, error, sizeof(error));
	assert_non_null(h.spool);
	h.intake = intake_new(&h);
	passed = received = refused = 0;
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
	spool_close(h.spool);
	intake_free(h.intake);
	loop_free(h.loop);
	vault_close(h.vault);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void on_received(void *arg, bool ok)
{
	(void)arg;
	received += ok;
	refused += !ok;
	loop_stop(h.loop);
}

static void deliver(const char *text)
{
	struct inbound in = {.alphabet = ALPHABET_UTF8};

	strcpy(in.link, "c1");
	strcpy(in.source, "84912345678");
	in.source_ton = 1;
	in.body = (uint8_t *)(void *)mem_strdup(text);
	in.body_len = (uint32_t)strlen(text);
	intake_take(h.intake, &in, on_received, NULL);
	mem_free(in.body);
}

static void what_is_durable_is_promised_and_goes_on(void **state)
{
	(void)state;
	deliver("cuu");
	assert_int_equal(received, 0);
	loop_run(h.loop);
	assert_int_equal(received, 1);
	assert_int_equal(passed, 1);
	assert_false(last_was_repeat);
}

/* The stations behind are being taken down: the record waits in the spool for the next start. */
static void while_the_daemon_closes_a_promise_is_kept_and_nothing_more_happens(void **state)
{
	(void)state;
	deliver("cuu");
	h.closing = true;
	spool_close(h.spool);
	h.spool = NULL;
	assert_int_equal(received, 1);
	assert_int_equal(refused, 0);
	assert_int_equal(passed, 0);
}

static void an_answer_in_doubt_makes_the_next_delivery_a_repeat(void **state)
{
	(void)state;
	deliver("cuu");
	loop_run(h.loop);
	intake_doubt_link(h.intake, "other");
	assert_int_equal(intake_doubts(h.intake), 0);
	intake_doubt_link(h.intake, "c1");
	assert_int_equal(intake_doubts(h.intake), 1);
	deliver("cuu");
	loop_run(h.loop);
	assert_true(last_was_repeat);
}

/* Its link goes down between its arrival and its sync: the answer is written to nobody. */
static void an_answer_that_finds_its_link_gone_is_in_doubt_too(void **state)
{
	(void)state;
	deliver("cuu");
	intake_doubt_link(h.intake, "c1");
	loop_run(h.loop);
	assert_int_equal(received, 1);
	assert_int_equal(intake_doubts(h.intake), 1);
	deliver("cuu");
	loop_run(h.loop);
	assert_true(last_was_repeat);
}

static void doubts_are_forgotten_after_an_hour(void **state)
{
	(void)state;
	deliver("cuu");
	loop_run(h.loop);
	intake_doubt_link(h.intake, "c1");
	loop_skip_ms(h.loop, 59 * 60 * 1000);
	intake_tick(h.intake);
	assert_int_equal(intake_doubts(h.intake), 1);
	loop_skip_ms(h.loop, 2 * 60 * 1000);
	intake_tick(h.intake);
	assert_int_equal(intake_doubts(h.intake), 0);
	deliver("cuu");
	loop_run(h.loop);
	assert_false(last_was_repeat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_is_durable_is_promised_and_goes_on),
		T(while_the_daemon_closes_a_promise_is_kept_and_nothing_more_happens),
		T(an_answer_in_doubt_makes_the_next_delivery_a_repeat),
		T(an_answer_that_finds_its_link_gone_is_in_doubt_too),
		T(doubts_are_forgotten_after_an_hour),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
