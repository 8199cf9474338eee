/* The phone inside the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "adapters/sim/sim.h"
#include "base/loop.h"
#include "base/yaml.h"

static struct {
	struct loop *loop;
	struct link *link;
	struct adapter_host host;
	struct inbound in;
	char body[64], text[64], from[64], ref[PROVIDER_REF_MAX];
	unsigned sent_count, received;
	enum link_state state;
} t;

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	(void)ctx;
	t.in = *in;
	snprintf(t.body, sizeof(t.body), "%.*s", (int)in->body_len, (const char *)in->body);
	done(arg, true);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	(void)ctx;
	assert_int_equal(id->b[0], 7);
	assert_int_equal(state, SENT_OK);
	snprintf(t.ref, sizeof(t.ref), "%s", ref);
	t.sent_count++;
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	(void)ctx;
	assert_string_equal(link, "phone");
	t.state = state;
}

static void on_received(void *arg, bool ok)
{
	assert_ptr_equal(arg, &t);
	t.received += ok;
}

static void on_text(void *arg, const char *from, const char *to, const char *text)
{
	assert_ptr_equal(arg, &t);
	assert_string_equal(to, "+84912345678");
	snprintf(t.from, sizeof(t.from), "%s", from);
	snprintf(t.text, sizeof(t.text), "%s", text);
}

static struct link *create(const char *settings, char *error, size_t error_size)
{
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse(settings, strlen(settings), &fault);
	struct link *link = adapter_find("sim")->create(&t.host, "phone", map, error, error_size);

	yaml_free(map);
	return link;
}

static int setup(void **state)
{
	char error[128];

	(void)state;
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	t.host = (struct adapter_host){ .loop = t.loop, .inbound = on_inbound, .sent = on_sent,
		                        .state = on_state };
	t.link = create("{name: phone, adapter: sim, short_codes: ['111']}", error, sizeof(error));
	sim_listen(on_text, &t);
	return t.link ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (t.state != LINK_STOPPED)
		sim_adapter.stop(t.link);
	sim_adapter.destroy(t.link);
	sim_listen(NULL, NULL);
	loop_free(t.loop);
	return 0;
}

static bool send_text(void)
{
	struct outbound out = { .id = { { 7 } }, .to = "+84912345678", .text = "Đã nhận" };

	return sim_adapter.send(t.link, &out);
}

static void it_is_bound_once_started(void **state)
{
	(void)state;
	assert_false(send_text());
	assert_false(sim_deliver(t.link, "+84912345678", "111", "x", on_received, &t));
	sim_adapter.start(t.link);
	assert_int_equal(t.state, LINK_BOUND);
	assert_int_equal(sim_adapter.state(t.link), LINK_BOUND);
}

static void a_text_from_the_phone_is_a_delivery(void **state)
{
	(void)state;
	sim_adapter.start(t.link);
	assert_true(sim_deliver(t.link, "+84912345678", "111", "em bị đánh", on_received, &t));
	assert_string_equal(t.in.adapter, "sim");
	assert_string_equal(t.in.link, "phone");
	assert_string_equal(t.in.carrier, "phone");
	assert_string_equal(t.in.source, "+84912345678");
	assert_string_equal(t.in.dest, "111");
	assert_int_equal(t.in.alphabet, ALPHABET_UTF8);
	assert_string_equal(t.body, "em bị đánh");
	assert_int_equal(t.received, 1);
}

static void a_text_to_the_phone_is_heard_and_reported_later(void **state)
{
	(void)state;
	sim_adapter.start(t.link);
	assert_true(send_text());
	assert_string_equal(t.from, "111");
	assert_string_equal(t.text, "Đã nhận");
	assert_int_equal(t.sent_count, 0);
	event_base_loop(loop_base(t.loop), EVLOOP_ONCE);
	assert_int_equal(t.sent_count, 1);
	assert_string_equal(t.ref, "sim-1");
}

static void stop_reports_what_is_open(void **state)
{
	(void)state;
	sim_adapter.start(t.link);
	assert_true(send_text());
	assert_true(send_text());
	sim_adapter.stop(t.link);
	assert_int_equal(t.sent_count, 2);
	assert_int_equal(t.state, LINK_STOPPED);
	assert_false(send_text());
}

static void a_bad_setting_is_named_with_its_place(void **state)
{
	char error[128] = "";

	(void)state;
	assert_null(create("name: phone\nshort_codes: '111'\n", error, sizeof(error)));
	assert_string_equal(error, "2:14: 'short_codes' must be a list");
	assert_null(create("name: phone\ncarrier: [a]\n", error, sizeof(error)));
	assert_string_equal(error, "2:10: 'carrier' must have 1 to 31 characters");
}

static void adapters_are_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(adapter_find("smpp")->name, "smpp");
	assert_string_equal(adapter_find("sim")->name, "sim");
	assert_null(adapter_find("pigeon"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	assert_ptr_equal(arg, &t);
	assert_int_equal(fate, USSD_SCREEN);
	assert_true(more);
	snprintf(t.text, sizeof(t.text), "%s", text);
}

static void a_phone_that_dials_is_shown_a_screen(void **state)
{
	struct outbound out = { .id = { { 7 } }, .channel = CHANNEL_USSD, .text = "1 A", .more = true };

	(void)state;
	assert_false(sim_ussd(t.link, USSD_BEGIN, "+84912345678", "*111#", "", on_screen, &t));
	sim_adapter.start(t.link);
	assert_true(sim_ussd(t.link, USSD_BEGIN, "+84912345678", "*111#", "", on_screen, &t));
	assert_int_equal(t.in.channel, CHANNEL_USSD);
	assert_int_equal(t.in.ussd_op, USSD_BEGIN);
	assert_string_equal(t.in.dest, "*111#");
	memcpy(out.reply_token, t.in.reply_token, sizeof(out.reply_token));
	assert_true(sim_adapter.send(t.link, &out));
	assert_string_equal(t.text, "1 A");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_bound_once_started),
		TEST(a_text_from_the_phone_is_a_delivery),
		TEST(a_text_to_the_phone_is_heard_and_reported_later),
		TEST(a_phone_that_dials_is_shown_a_screen),
		TEST(stop_reports_what_is_open),
		TEST(a_bad_setting_is_named_with_its_place),
		TEST(adapters_are_found_by_name),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
