/* Canaries on a fake clock. The outbox is ours here: it keeps what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/yaml.h"
#include "path/canary.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"

static struct hotline h;
static struct conf conf;
static struct yaml_node *roots[4];
static unsigned root_count;

/* The last text sent, and how to tell what became of it. */
static struct outbound last;
static char last_text[64];
static outbox_fn *last_fn;
static void *last_arg;
static unsigned sends;

void outbox_send(struct outbox *outbox, const struct outbound *out, outbox_fn *fn, void *arg)
{
	(void)outbox;
	if (last_fn)
		last_fn(last_arg, SENT_IN_DOUBT, ""); /* the one before is never answered */
	last = *out;
	snprintf(last_text, sizeof(last_text), "%s", out->text);
	last_fn = fn;
	last_arg = arg;
	sends++;
}

/* The link under the canary: paused or not. */
static bool paused;

static void fake_status(const struct link *link, struct link_status *status)
{
	(void)link;
	*status = (struct link_status){.paused = paused};
}

static const struct adapter fake = {.name = "fake", .status = fake_status};
static struct way way = {.name = "a", .adapter = &fake};

struct links *outbox_links(const struct outbox *outbox)
{
	(void)outbox;
	return NULL;
}

struct way *links_find(const struct links *links, const char *name)
{
	(void)links;
	return strcmp(name, "a") == 0 ? &way : NULL;
}

static const struct yaml_node *parse(const char *text)
{
	struct yaml_error error;

	roots[root_count] = yaml_parse(text, strlen(text), &error);
	assert_non_null(roots[root_count]);
	return roots[root_count++];
}

static int setup(void **state)
{
	(void)state;
	log_setup(LOG_ERROR_ + 1);
	memset(&h, 0, sizeof(h));
	memset(&conf, 0, sizeof(conf));
	conf.file = (char *)"hotlined.yaml";
	h.conf = &conf;
	h.loop = loop_new();
	root_count = sends = 0;
	last_fn = NULL;
	paused = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (last_fn)
		last_fn(last_arg, SENT_IN_DOUBT, "");
	canary_free(h.canary);
	loop_free(h.loop);
	while (root_count > 0)
		yaml_free(roots[--root_count]);
	return 0;
}

static void begin(const char *links)
{
	char error[300] = "";

	conf.links = parse(links);
	h.canary = canary_new(&h, error, sizeof(error));
	assert_string_equal(error, "");
	canary_start(h.canary);
}

static void pass_minutes(int minutes)
{
	loop_skip_ms(h.loop, minutes * INT64_C(60000));
	event_base_loop(loop_base(h.loop), EVLOOP_NONBLOCK);
}

static bool comes(const char *text)
{
	struct inbound in = {.alphabet = ALPHABET_GSM7, .body = (uint8_t *)text, .body_len = (uint32_t)strlen(text)};

	return canary_came(h.canary, &in);
}

static struct canary_status status(void)
{
	struct canary_status s;

	canary_status(h.canary, "a", &s);
	return s;
}

#define ONE "[{name: a, adapter: fake, canary: {to: '+84961', every: 5min}}, {name: b, adapter: fake}]"

static void one_that_comes_back_is_heard_and_is_no_message(void **state)
{
	(void)state;
	begin(ONE);
	pass_minutes(5);
	assert_int_equal(sends, 1);
	assert_string_equal(last.link, "a");
	assert_string_equal(last.to, "+84961");
	assert_true(last.only_link);
	assert_false(comes("HLC 0000000000000000"));
	assert_true(comes(last_text));
	assert_false(comes(last_text)); /* once */
	assert_int_equal(status().misses, 0);
	assert_true(status().came_us > 0);
	pass_minutes(5);
	assert_int_equal(sends, 2);
	assert_int_equal(status().lost, 0);
}

static void two_lost_in_a_row_are_an_alarm_until_one_comes(void **state)
{
	(void)state;
	begin(ONE);
	pass_minutes(5);
	pass_minutes(5);
	assert_int_equal(status().misses, 1);
	pass_minutes(5);
	assert_int_equal(status().misses, 2);
	assert_int_equal(status().lost, 2);
	assert_true(comes(last_text));
	assert_int_equal(status().misses, 0);
}

static void one_that_is_late_counts_as_lost(void **state)
{
	char first[64];

	(void)state;
	begin(ONE);
	pass_minutes(5);
	strcpy(first, last_text);
	pass_minutes(5);
	assert_false(comes(first)); /* a text of the next interval is awaited */
	assert_int_equal(status().misses, 1);
}

static void a_receipt_is_enough_where_that_is_expected(void **state)
{
	struct receipt receipt = {.provider_ref = "c:7", .status = RECEIPT_INTERMEDIATE};

	(void)state;
	begin("[{name: a, adapter: fake, canary: {to: '+84961', every: 5min, expect: receipt}}]");
	pass_minutes(5);
	assert_true(last.receipt);
	assert_false(canary_receipt(h.canary, &receipt));
	last_fn(last_arg, SENT_OK, "c:7");
	last_fn = NULL;
	assert_true(canary_receipt(h.canary, &receipt)); /* ours, but not there yet */
	assert_int_equal(status().came_us, 0);
	receipt.status = RECEIPT_DELIVERED;
	assert_true(canary_receipt(h.canary, &receipt));
	assert_true(status().came_us > 0);
}

static void a_link_held_back_by_an_operator_is_no_silent_one(void **state)
{
	(void)state;
	begin(ONE);
	paused = true;
	for (int i = 0; i < 5; i++)
		pass_minutes(5);
	assert_int_equal(sends, 0);
	assert_int_equal(status().misses, 0);
}

static void a_reload_keeps_the_count_of_an_unchanged_one(void **state)
{
	(void)state;
	begin(ONE);
	pass_minutes(5);
	pass_minutes(5);
	canary_reload(h.canary, parse(ONE));
	assert_int_equal(status().misses, 1);
	canary_reload(h.canary, parse("[{name: a, adapter: fake}]"));
	assert_false(status().watched);
	pass_minutes(5);
	assert_int_equal(sends, 2);
}

static void faults_have_a_place(void **state)
{
	static const char *const rows[][2] = {
		{"- {name: a, canary: yes}", "1:21: 'canary' must be a map"},
		{"- {name: a, canary: {every: 1min}}", "1:21: 'canary' needs 'to'"},
		{"- {name: a, canary: {to: '1', every: 1s}}", "1:38: 'every' must be a duration between"},
		{"- {name: a, canary: {to: '1', expect: song}}", "1:39: 'expect' must be text or receipt"},
		{"- {name: a, canary: {to: '1', colour: red}}", "1:21: 'canary' knows to, every and expect"},
	};
	char error[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		root_count = 0;
		conf.links = parse(rows[i][0]);
		assert_false(canary_check(&conf, error, sizeof(error)));
		if (!strstr(error, rows[i][1]))
			fail_msg("wanted \"%s\", got \"%s\"", rows[i][1], error);
		yaml_free(roots[0]);
	}
	root_count = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(one_that_comes_back_is_heard_and_is_no_message),
		T(two_lost_in_a_row_are_an_alarm_until_one_comes),
		T(one_that_is_late_counts_as_lost),
		T(a_receipt_is_enough_where_that_is_expected),
		T(a_link_held_back_by_an_operator_is_no_silent_one),
		T(a_reload_keeps_the_count_of_an_unchanged_one),
		T(faults_have_a_place),
	};

	return cmocka_run_group_tests_name("canary", tests, NULL, NULL);
}
