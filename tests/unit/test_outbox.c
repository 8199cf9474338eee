/* Outgoing texts over fake links: order, choice, failover, back-pressure, another configuration. Intake
 * and alert are ours here. */
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
#include "base/mem.h"
#include "base/yaml.h"
#include "path/alert.h"
#include "path/hotline.h"
#include "path/intake.h"
#include "path/links.h"
#include "path/outbox.h"

enum { FAKES_MAX = 12, TAKEN_MAX = 64 };

/* ---- a link that does as it is told ---- */

struct link {
	const struct adapter_host *host;
	char name[INBOUND_NAME_MAX];
	enum link_state state;
	bool full;
	int stops;
};

/* A text some link took. */
static struct taken {
	struct link *link;
	struct id16 id;
} taken[TAKEN_MAX];
static unsigned taken_count;

static struct link *fakes[FAKES_MAX];
static unsigned fake_count, alive;
static bool stop_at_once, told_at_the_end;

static struct link *fake_create(const struct adapter_host *host, const char *name,
				const struct yaml_node *conf, char *error, size_t error_size)
{
	const struct yaml_node *window = yaml_find(conf, "window");
	struct link *link;

	if (window && strcmp(window->text, "bad") == 0) {
		snprintf(error, error_size, "%u:%u: bad window", window->line, window->column);
		return NULL;
	}
	link = mem_alloc(sizeof(*link));
	link->host = host;
	snprintf(link->name, sizeof(link->name), "%s", name);
	assert_true(fake_count < FAKES_MAX);
	fakes[fake_count++] = link;
	alive++;
	return link;
}

static void fake_set(struct link *link, enum link_state state)
{
	link->state = state;
	link->host->state(link->host->ctx, link->name, state);
}

static void fake_start(struct link *link)
{
	fake_set(link, LINK_BOUND);
}

static void fake_stop(struct link *link)
{
	link->stops++;
	if (stop_at_once)
		fake_set(link, LINK_STOPPED);
}

/* Tells what became of the texts it was given, as long as told_at_the_end. */
static void fake_destroy(struct link *link)
{
	for (unsigned i = 0; told_at_the_end && i < taken_count; i++) {
		if (taken[i].link == link)
			link->host->sent(link->host->ctx, &taken[i].id, SENT_IN_DOUBT, "");
	}
	for (unsigned i = 0; i < fake_count; i++) {
		if (fakes[i] == link)
			fakes[i] = NULL;
	}
	alive--;
	mem_free(link);
}

static bool fake_send(struct link *link, const struct outbound *out)
{
	struct taken *t = &taken[taken_count];

	assert_true(taken_count < TAKEN_MAX);
	if (link->full || link->state != LINK_BOUND)
		return false;
	t->link = link;
	t->id = out->id;
	taken_count++;
	return true;
}

static enum link_state fake_state(const struct link *link)
{
	return link->state;
}

static const char *const fake_keys[] = {"name", "adapter", "carrier", "window", NULL};
static const struct adapter fake_adapter = {
	.name = "fake", .help = "", .keys = fake_keys, .create = fake_create, .start = fake_start,
	.stop = fake_stop, .destroy = fake_destroy, .send = fake_send, .state = fake_state};
static const struct adapter sim = {
	.name = "sim", .help = "", .keys = fake_keys, .create = fake_create, .start = fake_start,
	.stop = fake_stop, .destroy = fake_destroy, .send = fake_send, .state = fake_state};

/* ---- stations that are not here ---- */

static struct receipt last_receipt;
static unsigned doubts;

void intake_take(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	(void)ctx;
	(void)in;
	done(arg, true);
}

void intake_doubt_link(struct intake *intake, const char *link)
{
	(void)intake;
	(void)link;
	doubts++;
}

void alert_receipt(struct alert *a, const char *link, const struct receipt *receipt)
{
	(void)a;
	(void)link;
	last_receipt = *receipt;
}

const struct adapter *hotline_adapter(const struct hotline *hotline, const char *name)
{
	(void)hotline;
	return strcmp(name, "sim") == 0 ? &sim : &fake_adapter;
}

/* ---- the rig ---- */

static struct hotline h;
static struct conf conf;
static struct yaml_node *roots[4];
static unsigned root_count;

/* What became of the texts that were sent. */
static struct {
	int id;
	enum sent_state state;
	char ref[PROVIDER_REF_MAX];
} told[TAKEN_MAX];
static unsigned told_count;

static int setup(void **state)
{
	(void)state;
	log_setup(getenv("VERBOSE") ? LOG_DEBUG_ : LOG_ERROR_ + 1);
	memset(&h, 0, sizeof(h));
	memset(&conf, 0, sizeof(conf));
	memset(taken, 0, sizeof(taken));
	memset(fakes, 0, sizeof(fakes));
	taken_count = told_count = fake_count = alive = root_count = doubts = 0;
	stop_at_once = true;
	told_at_the_end = false;
	h.loop = loop_new();
	h.conf = &conf;
	conf.file = (char *)"hotlined.yaml";
	conf.folder = (char *)".";
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	outbox_free(h.outbox);
	assert_int_equal(alive, 0);
	loop_free(h.loop);
	for (unsigned i = 0; i < root_count; i++)
		yaml_free(roots[i]);
	return 0;
}

static const struct yaml_node *parse(const char *text)
{
	struct yaml_error error;

	roots[root_count] = yaml_parse(text, strlen(text), &error);
	assert_non_null(roots[root_count]);
	return roots[root_count++];
}

static void turn(void)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(loop_base(h.loop), EVLOOP_NONBLOCK);
	loop_run_posted(h.loop);
	event_base_loop(loop_base(h.loop), EVLOOP_NONBLOCK);
}

static void pass_ms(int64_t ms)
{
	loop_skip_ms(h.loop, ms);
	turn();
}

static void begin(const char *links)
{
	char error[300] = "";

	conf.links = parse(links);
	h.outbox = outbox_new(&h, error, sizeof(error));
	assert_string_equal(error, "");
	outbox_start(h.outbox);
	turn();
}

static void on_told(void *arg, enum sent_state state, const char *ref)
{
	told[told_count].id = (int)(intptr_t)arg;
	told[told_count].state = state;
	snprintf(told[told_count++].ref, PROVIDER_REF_MAX, "%s", ref);
}

static void send_over(int id, const char *link, const char *to, enum outbound_priority priority)
{
	struct outbound out = {.id = {{(uint8_t)id}}, .priority = priority, .text = "x", .validity_ms = 60000};

	snprintf(out.link, sizeof(out.link), "%s", link);
	snprintf(out.to, sizeof(out.to), "%s", to);
	outbox_send(h.outbox, &out, on_told, (void *)(intptr_t)id);
	turn();
}

static void reply(int id, const char *link, const char *to)
{
	send_over(id, link, to, OUTBOUND_REPLY);
}

static void alert(int id, const char *to)
{
	send_over(id, "", to, OUTBOUND_ALERT);
}

/* The link answers the i-th text it was given. */
static void answer(unsigned i, enum sent_state state, const char *ref)
{
	struct link *link = taken[i].link;

	link->host->sent(link->host->ctx, &taken[i].id, state, ref);
	turn();
}

static struct link *fake(const char *name)
{
	struct link *found = NULL;

	for (unsigned i = 0; i < fake_count; i++) {
		if (fakes[i] && strcmp(fakes[i]->name, name) == 0)
			found = fakes[i];
	}
	assert_non_null(found);
	return found;
}

#define expect_taken(i, number, by)                                           \
	do {                                                                  \
		assert_true(taken_count > (i));                               \
		assert_int_equal(taken[i].id.b[0], number);                   \
		assert_string_equal(taken[i].link->name, by);                 \
	} while (0)

#define TWO "[{name: a, adapter: fake, carrier: c1}, {name: b, adapter: fake, carrier: c2}]"

/* ---- order ---- */

static void replies_to_one_number_go_one_after_the_other(void **state)
{
	(void)state;
	begin(TWO);
	reply(1, "a", "+841");
	reply(2, "a", "+841");
	reply(3, "a", "+842");
	assert_int_equal(taken_count, 2);
	expect_taken(0, 1, "a");
	expect_taken(1, 3, "a");
	answer(0, SENT_OK, "m1");
	expect_taken(2, 2, "a");
}

static void a_throttled_reply_is_not_overtaken_by_the_next(void **state)
{
	(void)state;
	begin(TWO);
	reply(1, "a", "+841");
	reply(2, "a", "+841");
	answer(0, SENT_RETRY, "");
	assert_int_equal(told_count, 0);
	pass_ms(100);
	assert_int_equal(taken_count, 1); /* patience was asked for, and 2 waits behind 1 */
	pass_ms(500);
	expect_taken(1, 1, "a");
	answer(1, SENT_OK, "m1");
	expect_taken(2, 2, "a");
	answer(2, SENT_OK, "m2");
	assert_int_equal(told[0].id, 1);
	assert_int_equal(told[1].id, 2);
}

static void a_reply_in_doubt_goes_out_once_more(void **state)
{
	(void)state;
	begin("- {name: one, adapter: fake}\n");
	reply(1, "one", "+84900000001");
	turn();
	answer(0, SENT_IN_DOUBT, "");
	pass_ms(1000);
	assert_int_equal(taken_count, 2);
	assert_int_equal(told_count, 0);
	answer(1, SENT_IN_DOUBT, "");
	pass_ms(1000);
	assert_int_equal(taken_count, 2);
	assert_int_equal(told[0].state, SENT_IN_DOUBT);
}

static void an_alert_in_doubt_is_left_to_its_row(void **state)
{
	(void)state;
	begin("- {name: one, adapter: fake}\n");
	alert(1, "+84900000001");
	turn();
	answer(0, SENT_IN_DOUBT, "");
	pass_ms(1000);
	assert_int_equal(taken_count, 1);
	assert_int_equal(told[0].state, SENT_IN_DOUBT);
}

static void alerts_overtake_replies_and_the_urgent_overtake_all(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake}]");
	fake("a")->full = true;
	reply(1, "a", "+841");
	alert(2, "+849");
	alert(3, "+849");
	send_over(4, "", "+849", OUTBOUND_URGENT);
	assert_int_equal(taken_count, 0);
	fake("a")->full = false;
	fake("a")->host->ready(fake("a")->host->ctx, "a");
	turn();
	expect_taken(0, 4, "a");
	expect_taken(1, 2, "a");
	expect_taken(2, 3, "a");
	expect_taken(3, 1, "a");
}

static void the_first_text_of_all_may_be_urgent(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake}]");
	send_over(1, "", "+849", OUTBOUND_URGENT);
	expect_taken(0, 1, "a");
}

static void a_text_under_way_is_not_taken_twice(void **state)
{
	(void)state;
	begin(TWO);
	alert(1, "+849");
	alert(1, "+849");
	assert_int_equal(told_count, 1);
	assert_int_equal(told[0].state, SENT_RETRY);
	assert_int_equal(taken_count, 1);
}

/* ---- choice ---- */

static void a_reply_goes_back_the_way_it_came(void **state)
{
	(void)state;
	begin(TWO);
	reply(1, "b", "+841");
	expect_taken(0, 1, "b");
	reply(2, "a", "+842");
	expect_taken(1, 2, "a");
}

static void a_busy_way_back_is_waited_for_a_little(void **state)
{
	(void)state;
	begin(TWO);
	fake("b")->full = true;
	reply(1, "b", "+841");
	pass_ms(1500);
	assert_int_equal(taken_count, 0);
	pass_ms(1000);
	expect_taken(0, 1, "a");
}

static void a_reply_whose_way_is_down_prefers_the_same_carrier(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake, carrier: c1, priority: 0}, {name: b1, adapter: fake, carrier: c2},"
	      " {name: b2, adapter: fake, carrier: c2}]");
	fake_set(fake("b1"), LINK_DOWN);
	reply(1, "b1", "+841");
	expect_taken(0, 1, "b2");
	fake_set(fake("b2"), LINK_DOWN);
	reply(2, "b1", "+842");
	expect_taken(1, 2, "a");
	fake_set(fake("b1"), LINK_BOUND); /* back again */
	reply(3, "b1", "+843");
	expect_taken(2, 3, "b1");
}

static void alerts_take_the_best_link_and_come_back_to_it(void **state)
{
	(void)state;
	begin("[{name: cheap, adapter: fake, priority: 5}, {name: dear, adapter: fake, priority: 20}]");
	alert(1, "+849");
	expect_taken(0, 1, "cheap");
	fake("cheap")->full = true;
	alert(2, "+849");
	expect_taken(1, 2, "dear");
	fake("cheap")->full = false;
	fake_set(fake("cheap"), LINK_DOWN);
	alert(3, "+849");
	expect_taken(2, 3, "dear");
	fake_set(fake("cheap"), LINK_BOUND);
	alert(4, "+849");
	expect_taken(3, 4, "cheap");
}

static void weights_share_among_equals(void **state)
{
	unsigned b = 0;

	(void)state;
	begin("[{name: a, adapter: fake, weight: 1}, {name: b, adapter: fake, weight: 3}]");
	for (int i = 0; i < 40; i++) {
		alert(i + 1, "+849");
		b += strcmp(taken[i].link->name, "b") == 0;
	}
	assert_int_equal(b, 30);
}

static void a_throttled_alert_goes_over_another_link_at_once(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake, priority: 1}, {name: b, adapter: fake}]");
	alert(1, "+849");
	expect_taken(0, 1, "a");
	answer(0, SENT_RETRY, "");
	expect_taken(1, 1, "b");
}

static void a_silent_link_is_asked_last(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake, priority: 1}, {name: b, adapter: fake}]");
	alert(1, "+849");
	pass_ms(6000);
	alert(2, "+849");
	expect_taken(1, 2, "b");
	reply(3, "a", "+841"); /* not even the way back */
	expect_taken(2, 3, "b");
	answer(0, SENT_OK, "m1");
	alert(4, "+849");
	expect_taken(3, 4, "a");
}

static void the_terminal_never_stands_in_for_a_carrier(void **state)
{
	(void)state;
	begin("[{name: a, adapter: fake}, {name: phone, adapter: sim}]");
	fake_set(fake("a"), LINK_DOWN);
	alert(1, "+849");
	pass_ms(3000);
	assert_int_equal(taken_count, 0);
	reply(2, "phone", "+841");
	expect_taken(0, 2, "phone");
}

static void a_text_that_is_too_late_is_not_sent(void **state)
{
	(void)state;
	begin(TWO);
	fake("a")->full = fake("b")->full = true;
	reply(1, "a", "+841");
	reply(2, "a", "+841");
	pass_ms(61000);
	pass_ms(60);
	pass_ms(60);
	assert_int_equal(told_count, 2);
	assert_int_equal(told[0].state, SENT_EXPIRED); /* not refused: nobody was asked */
	assert_int_equal(taken_count, 0);
	assert_int_equal(outbox_waiting(h.outbox), 0);
}

static void message_ids_are_the_carriers_own(void **state)
{
	struct receipt receipt = {.provider_ref = "17", .status = RECEIPT_DELIVERED};

	(void)state;
	begin(TWO);
	alert(1, "+849");
	answer(0, SENT_OK, "17");
	assert_string_equal(told[0].ref, "c1:17");
	fake("b")->host->receipt(fake("b")->host->ctx, "b", &receipt);
	assert_string_equal(last_receipt.provider_ref, "c2:17");
	alert(2, "+849");
	answer(1, SENT_OK, "");
	assert_string_equal(told[1].ref, "");
}

static void a_lost_connection_puts_answers_in_doubt(void **state)
{
	(void)state;
	begin(TWO);
	fake("a")->host->lost(fake("a")->host->ctx, "a");
	assert_int_equal(doubts, 1);
}

/* ---- another configuration ---- */

static bool reload(const char *links, char *error, size_t error_size)
{
	struct conf next = conf;
	bool ok;

	next.links = parse(links);
	ok = outbox_reload(h.outbox, &next, error, error_size);
	turn();
	return ok;
}

static void a_changed_link_starts_anew_and_the_others_never_notice(void **state)
{
	char error[300];
	struct link *a, *b;

	(void)state;
	begin(TWO);
	a = fake("a");
	b = fake("b");
	stop_at_once = false;
	reply(1, "b", "+841");
	assert_true(reload("[{name: a, adapter: fake, carrier: c1}, {name: b, adapter: fake, carrier: c2, window: 5}]",
			   error, sizeof(error)));
	assert_ptr_equal(fake("a"), a);
	assert_int_equal(a->stops, 0);
	assert_int_equal(b->stops, 1);
	assert_ptr_not_equal(fake("b"), b);
	assert_int_equal(fake("b")->state, LINK_DOWN); /* not while the old one is there */
	answer(0, SENT_OK, "m1");
	assert_int_equal(told[0].state, SENT_OK);
	fake_set(b, LINK_STOPPED);
	turn();
	assert_int_equal(alive, 2);
	assert_int_equal(fake("b")->state, LINK_BOUND);
	stop_at_once = true;
}

static void a_link_that_leaves_names_its_receipts_by_its_carrier(void **state)
{
	struct receipt receipt = {.provider_ref = "17", .status = RECEIPT_DELIVERED};
	struct link *a;
	char error[300];

	(void)state;
	begin(TWO);
	a = fake("a");
	alert(1, "+849");
	answer(0, SENT_OK, "17");
	stop_at_once = false;
	assert_true(reload("[{name: a2, adapter: fake, carrier: c1}, {name: b, adapter: fake, carrier: c2}]", error,
			   sizeof(error)));
	a->host->receipt(a->host->ctx, "a", &receipt);
	assert_string_equal(last_receipt.provider_ref, told[0].ref);
}

/* Its last outcome comes while everything is taken down. */
static void the_end_of_a_leaving_link_is_the_end_of_it(void **state)
{
	char error[300];

	(void)state;
	begin(TWO);
	alert(1, "+849");
	stop_at_once = false;
	assert_true(reload("[{name: b, adapter: fake, carrier: c2}]", error, sizeof(error)));
	told_at_the_end = true;
	outbox_free(h.outbox);
	h.outbox = NULL;
	loop_run_posted(h.loop);
	assert_int_equal(told[0].state, SENT_IN_DOUBT);
}

static void links_come_and_go(void **state)
{
	char error[300];

	(void)state;
	begin(TWO);
	assert_true(reload("[{name: c, adapter: fake}, {name: a, adapter: fake, carrier: c1, priority: 99}]", error,
			   sizeof(error)));
	assert_int_equal(alive, 2);
	assert_int_equal(links_count(outbox_links(h.outbox)), 2);
	assert_int_equal(links_find(outbox_links(h.outbox), "a")->priority, 99);
	assert_int_equal(fake("a")->stops, 0); /* priority is no matter of the connection */
	assert_null(links_find(outbox_links(h.outbox), "b"));
	alert(1, "+849");
	expect_taken(0, 1, "c");
}

static void a_bad_configuration_changes_nothing(void **state)
{
	char error[300] = "";

	(void)state;
	begin(TWO);
	assert_false(reload("[{name: c, adapter: fake},\n {name: d, adapter: fake, window: bad}]", error,
			    sizeof(error)));
	assert_string_equal(error, "hotlined.yaml:2:35: bad window");
	assert_false(reload("[{name: c, adapter: fake},\n {name: c, adapter: fake}]", error, sizeof(error)));
	assert_string_equal(error, "hotlined.yaml:2:2: there are two links of this name");
	assert_false(reload("[{name: c, adapter: fake, weight: 0}]", error, sizeof(error)));
	assert_string_equal(error, "hotlined.yaml:1:35: 'weight' must be a number between 1 and 1000");
	assert_int_equal(alive, 2);
	assert_int_equal(fake("a")->stops + fake("b")->stops, 0);
}

static unsigned stopped;

static void on_stopped(void *arg)
{
	(void)arg;
	stopped++;
}

static void the_end_waits_for_every_link(void **state)
{
	(void)state;
	begin(TWO);
	stopped = 0;
	stop_at_once = false;
	outbox_stop(h.outbox, on_stopped, NULL);
	fake_set(fake("a"), LINK_STOPPED);
	turn();
	assert_int_equal(stopped, 0);
	fake_set(fake("b"), LINK_STOPPED);
	turn();
	assert_int_equal(stopped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(replies_to_one_number_go_one_after_the_other),
		T(a_throttled_reply_is_not_overtaken_by_the_next),
		T(a_reply_in_doubt_goes_out_once_more),
		T(an_alert_in_doubt_is_left_to_its_row),
		T(alerts_overtake_replies_and_the_urgent_overtake_all),
		T(the_first_text_of_all_may_be_urgent),
		T(a_text_under_way_is_not_taken_twice),
		T(a_reply_goes_back_the_way_it_came),
		T(a_busy_way_back_is_waited_for_a_little),
		T(a_reply_whose_way_is_down_prefers_the_same_carrier),
		T(alerts_take_the_best_link_and_come_back_to_it),
		T(weights_share_among_equals),
		T(a_throttled_alert_goes_over_another_link_at_once),
		T(a_silent_link_is_asked_last),
		T(the_terminal_never_stands_in_for_a_carrier),
		T(a_text_that_is_too_late_is_not_sent),
		T(message_ids_are_the_carriers_own),
		T(a_lost_connection_puts_answers_in_doubt),
		T(a_changed_link_starts_anew_and_the_others_never_notice),
		T(a_link_that_leaves_names_its_receipts_by_its_carrier),
		T(the_end_of_a_leaving_link_is_the_end_of_it),
		T(links_come_and_go),
		T(a_bad_configuration_changes_nothing),
		T(the_end_waits_for_every_link),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
