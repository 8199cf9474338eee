/* Texts whose time runs out in the outbox. The only link is ours and never comes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/adapter.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/yaml.h"
#include "path/hotline.h"
#include "path/outbox.h"

static struct hotline h;
static struct conf conf;
static enum link_state state_now;
static enum sent_state last;
static size_t ended, given;
static const struct adapter_host *host_now;

static struct link *fake_create(const struct adapter_host *host, const char *name, const struct yaml_node *item,
				char *error, size_t error_size)
{
	host_now = host;
	(void)name;
	(void)item;
	(void)error;
	(void)error_size;
	return (struct link *)&state_now;
}

static void fake_nothing(struct link *link)
{
	(void)link;
}

static bool fake_send(struct link *link, const struct outbound *out)
{
	(void)link;
	(void)out;
	given++;
	return true;
}

static enum link_state fake_state(const struct link *link)
{
	(void)link;
	return state_now;
}

static const struct adapter fake = {.name = "fake", .create = fake_create, .start = fake_nothing,
				    .stop = fake_nothing, .destroy = fake_nothing, .send = fake_send,
				    .state = fake_state};
static const struct adapter *const table[] = {&fake, NULL};

static int setup(void **state)
{
	static const char links[] = "- {name: one, adapter: fake}\n";
	struct yaml_error fault;
	char error[300];

	(void)state;
	memset(&h, 0, sizeof(h));
	memset(&conf, 0, sizeof(conf));
	conf.links = yaml_parse(links, sizeof(links) - 1, &fault);
	assert_non_null(conf.links);
	h.conf = &conf;
	h.adapters = table;
	h.loop = loop_new();
	state_now = LINK_DOWN;
	ended = given = 0;
	h.outbox = outbox_new(&h, error, sizeof(error));
	assert_non_null(h.outbox);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	outbox_free(h.outbox);
	loop_free(h.loop);
	yaml_free((struct yaml_node *)conf.links);
	return 0;
}

static void on_end(void *arg, enum sent_state state, const char *provider_ref)
{
	(void)arg;
	(void)provider_ref;
	last = state;
	ended++;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void pass(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	loop_skip_ms(h.loop, ms);
	for (int i = 0; i < 4; i++) {
		loop_timer_set(end, 0);
		loop_run(h.loop);
	}
	loop_timer_free(end);
}

static void a_text_that_no_link_took_in_time_has_expired(void **state)
{
	struct outbound out = {.text = "x", .to = "+84900000001", .validity_ms = 60 * 1000};

	(void)state;
	outbox_send(h.outbox, &out, on_end, NULL);
	pass(59 * 1000);
	assert_int_equal(ended, 0);
	pass(2 * 1000);
	assert_int_equal(ended, 1);
	assert_int_equal(last, SENT_EXPIRED); /* not refused: nobody was asked */
	assert_int_equal(given, 0);
}

static void a_link_that_comes_up_in_time_gets_it(void **state)
{
	struct outbound out = {.text = "x", .to = "+84900000001", .validity_ms = 60 * 1000};

	(void)state;
	outbox_send(h.outbox, &out, on_end, NULL);
	pass(30 * 1000);
	state_now = LINK_BOUND;
	pass(1000);
	assert_int_equal(given, 1);
	assert_int_equal(ended, 0);
}

/* Sends a text of this priority and tells twice that its outcome is unknown; the number of times a link got it. */
static size_t given_in_doubt(enum outbound_priority priority)
{
	struct outbound out = {.text = "x", .to = "+84900000001", .validity_ms = 60 * 1000, .priority = priority};

	state_now = LINK_BOUND;
	outbox_send(h.outbox, &out, on_end, NULL);
	pass(1000);
	for (int i = 0; i < 2; i++) {
		host_now->sent(host_now->ctx, &out.id, SENT_IN_DOUBT, "");
		pass(1000);
	}
	assert_int_equal(ended, 1);
	assert_int_equal(last, SENT_IN_DOUBT);
	return given;
}

static void an_answer_in_doubt_goes_out_once_more(void **state)
{
	(void)state;
	assert_int_equal(given_in_doubt(OUTBOUND_REPLY), 2);
}

static void an_alert_in_doubt_is_left_to_its_row(void **state)
{
	(void)state;
	assert_int_equal(given_in_doubt(OUTBOUND_ALERT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_text_that_no_link_took_in_time_has_expired),
		T(a_link_that_comes_up_in_time_gets_it),
		T(an_answer_in_doubt_goes_out_once_more),
		T(an_alert_in_doubt_is_left_to_its_row),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
