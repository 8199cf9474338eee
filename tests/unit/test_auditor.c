/* The auditor: what it finds, when it tells officers, when it tells the outside that all is well. Stores and
 * neighbours are ours here. */
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
#include "base/yaml.h"
#include "path/auditor.h"
#include "path/canary.h"
#include "path/clockwork.h"
#include "path/duty.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"
#include "store/pg.h"
#include "store/pg_values.h"
#include "store/spool.h"
#include "store/zones.h"

enum { HALF_MINUTE_MS = 30 * 1000 };

static struct hotline h;
static struct conf conf;
static const char *pg_finding; /* word that PostgreSQL answers with, once each audit */
static bool pg_away, answers_late;
static enum link_state link_now;
static unsigned misses; /* canaries in a row that did not come back */
static struct duty_officer officers[2];
static struct roster roster;
static size_t texts, beats;
static char last_text[200];

/* ---- neighbours ---- */

struct call {
	pg_row_fn *row;
	pg_done_fn *done;
	void *arg;
};

static void answer(void *arg)
{
	struct call *c = arg;

	if (!pg_away && pg_finding && c->row) {
		PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
		PGresAttDesc columns[3];

		memset(columns, 0, sizeof(columns));
		for (int i = 0; i < 3; i++)
			columns[i].name = (char *)"x";
		PQsetResultAttrs(res, 3, columns);
		PQsetvalue(res, 0, 0, (char *)pg_finding, (int)strlen(pg_finding));
		PQsetvalue(res, 0, 1, (char *)"3", 1);
		PQsetvalue(res, 0, 2, (char *)"90", 2);
		c->row(c->arg, &(struct pg_result){res});
		PQclear(res);
	}
	c->done(c->arg, pg_away ? PG_LOST : PG_OK, NULL);
	mem_free(c);
}

void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
	     pg_done_fn *done, void *arg)
{
	struct call *c = mem_alloc(sizeof(*c));

	(void)pg;
	(void)st;
	*c = (struct call){row, done, arg};
	pg_params_free(params);
	if (!answers_late)
		loop_defer(h.loop, answer, c);
	else
		mem_free(c);
}

bool pg_up(const struct pg *pg)
{
	(void)pg;
	return !pg_away;
}

void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg)
{
	(void)outbox;
	texts++;
	snprintf(last_text, sizeof(last_text), "%s", out->text);
	fn(arg, SENT_OK, "");
}

static enum link_state state_of(const struct link *link)
{
	(void)link;
	return link_now;
}

static const struct adapter adapter = {.name = "smpp", .state = state_of};
static const struct way way = {.name = "carrier", .adapter = &adapter};

struct links *outbox_links(const struct outbox *outbox)
{
	(void)outbox;
	return NULL;
}

size_t links_count(const struct links *links)
{
	(void)links;
	return 1;
}

const struct way *links_at(const struct links *links, size_t i)
{
	(void)links;
	(void)i;
	return &way;
}

void canary_status(const struct canary *canary, const char *link, struct canary_status *status)
{
	(void)canary;
	(void)link;
	*status = (struct canary_status){.watched = true, .misses = misses};
}

void filing_status(const struct filing *f, struct filing_status *out)
{
	(void)f;
	memset(out, 0, sizeof(*out));
}

void spool_status(const struct spool *spool, struct spool_status *out)
{
	(void)spool;
	memset(out, 0, sizeof(*out));
}

size_t duty_officers(const struct duty *d, const struct duty_officer **out)
{
	(void)d;
	*out = officers;
	return 2;
}

const struct roster *duty_roster(const struct duty *d)
{
	(void)d;
	return &roster;
}

size_t clockwork_rules(const struct clockwork *c)
{
	(void)c;
	return 0;
}

int64_t clockwork_days_known(const struct clockwork *c)
{
	(void)c;
	return 100;
}

static void fetch(void *ctx, const char *url, const char *body, web_done_fn *done, void *arg)
{
	(void)ctx;
	(void)body;
	assert_string_equal(url, "https://watch.example.org/x");
	beats++;
	done(arg, true);
}

/* ---- a test's world ---- */

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n", .short_codes = {(char *)"111"},
			     .watch_heartbeat_url = (char *)"https://watch.example.org/x"};
	h.conf = &conf;
	h.loop = loop_new();
	h.web.call = fetch;
	h.redis_ready = true;
	memset(officers, 0, sizeof(officers));
	officers[0].person.methods[ROSTER_NUMBER] = (char *)"+84900000001";
	officers[1].person.methods[ROSTER_NUMBER] = (char *)"+84900000002";
	officers[1].disabled = true;
	pg_finding = NULL;
	pg_away = answers_late = false;
	link_now = LINK_BOUND;
	misses = 0;
	texts = beats = 0;
	h.auditor = auditor_new(&h);
	auditor_start(h.auditor);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	auditor_free(h.auditor);
	loop_free(h.loop);
	roster_fini(&roster);
	return 0;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void audits(int n)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	for (int i = 0; i < n; i++) {
		loop_skip_ms(h.loop, HALF_MINUTE_MS + 100);
		for (int j = 0; j < 4; j++) {
			loop_timer_set(end, 0);
			loop_run(h.loop);
		}
	}
	loop_timer_free(end);
}

static void a_clean_audit_tells_the_outside_and_nobody_else(void **state)
{
	(void)state;
	audits(1);
	assert_int_equal(beats, 0); /* too soon after the start */
	audits(4);
	assert_in_range(beats, 3, 4);
	assert_int_equal(texts, 0);
}

static void a_case_without_a_timer_is_told_to_everybody_in_the_second_audit(void **state)
{
	(void)state;
	audits(3);
	pg_finding = "untimed";
	beats = 0;
	audits(1);
	assert_int_equal(texts, 0);
	audits(1);
	assert_int_equal(texts, 1); /* one of the two officers has left */
	assert_string_equal(last_text, "HE THONG BAO: 3 viec mo khong co hen bao. Goi nguoi quan tri.");
	audits(10);
	assert_int_equal(texts, 1); /* not every half minute */
	assert_int_equal(beats, 0);
	audits(60);
	assert_int_equal(texts, 2); /* but again while it lasts */
	pg_finding = NULL;
	audits(2);
	assert_true(beats > 0);
}

static void what_mends_itself_soon_is_not_told(void **state)
{
	(void)state;
	pg_away = true;
	audits(4);
	pg_away = false;
	audits(4);
	assert_int_equal(texts, 0);
}

static void postgresql_away_for_long_is_told_without_it(void **state)
{
	(void)state;
	pg_away = true;
	audits(7);
	assert_int_equal(texts, 1);
	assert_non_null(strstr(last_text, "PostgreSQL"));
	assert_int_equal(beats, 0);
}

static void a_link_that_stays_down_is_told_by_its_name(void **state)
{
	const struct auditor_finding *found;

	(void)state;
	link_now = LINK_CONNECTING;
	audits(7);
	assert_int_equal(texts, 1);
	assert_non_null(strstr(last_text, "carrier"));
	assert_int_equal(auditor_findings(h.auditor, &found), 1);
	assert_string_equal(found[0].id, "link carrier");
}

static void two_canaries_lost_in_a_row_are_told(void **state)
{
	const struct auditor_finding *found;

	(void)state;
	misses = 1;
	audits(7);
	assert_int_equal(texts, 0);
	misses = 2;
	audits(2);
	assert_int_equal(texts, 1);
	assert_int_equal(auditor_findings(h.auditor, &found), 1);
	assert_string_equal(found[0].id, "canary carrier");
}

static void an_audit_without_an_answer_gives_no_heartbeat(void **state)
{
	(void)state;
	audits(4);
	answers_late = true;
	audits(1);
	beats = 0;
	audits(5);
	assert_int_equal(beats, 0);
}

static void a_gap_in_the_roster_is_told_ahead(void **state)
{
	static const char text[] = "zone: UTC\nschedules:\n  - id: duty\n    rotations:\n"
				   "      - {start: 2020-01-01 00:00, end: 2020-01-02 00:00, officers: [a]}\n";
	struct yaml_error error;
	struct yaml_node *root = yaml_parse(text, sizeof(text) - 1, &error);

	(void)state;
	assert_true(roster_load(root, zones_open, &roster, &error));
	yaml_free(root);
	audits(2);
	assert_int_equal(texts, 1);
	assert_string_equal(last_text, "HE THONG BAO: lich duty khong co nguoi truc. Goi nguoi quan tri.");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_clean_audit_tells_the_outside_and_nobody_else),
		T(a_case_without_a_timer_is_told_to_everybody_in_the_second_audit),
		T(what_mends_itself_soon_is_not_told),
		T(postgresql_away_for_long_is_told_without_it),
		T(a_link_that_stays_down_is_told_by_its_name),
		T(two_canaries_lost_in_a_row_are_told),
		T(an_audit_without_an_answer_gives_no_heartbeat),
		T(a_gap_in_the_roster_is_told_ahead),
	};

	return cmocka_run_group_tests_name("auditor", tests, NULL, NULL);
}
