/* A USSD session: the table, and one link's sessions against a scripted daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/ussd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"
#include "core/ussd.h"

enum { MAX = 16 };

static struct {
	struct loop *loop;
	struct adapter_host host;
	struct ussd *ussd;
	struct inbound in[MAX];
	char body[MAX][32];
	received_fn *done[MAX];
	void *arg[MAX];
	size_t in_count;
	bool hold;   /* deliveries stay unanswered */
	bool refuse; /* they are refused */
	enum sent_state sent[MAX];
	size_t sent_count;
	enum ussd_fate fate[MAX];
	char screen[MAX][USSD_TEXT_MAX];
	bool more[MAX];
	size_t shown;
} t;

/* The spool's word on a delivery, once. */
static void receive(size_t n, bool ok)
{
	received_fn *done = t.done[n];

	t.done[n] = NULL;
	done(t.arg[n], ok);
}

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	size_t n = t.in_count++;

	(void)ctx;
	assert_true(n < MAX);
	t.in[n] = *in;
	snprintf(t.body[n], sizeof(t.body[n]), "%.*s", (int)in->body_len, (const char *)in->body);
	t.done[n] = done;
	t.arg[n] = arg;
	if (!t.hold)
		receive(n, !t.refuse);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	(void)ctx;
	(void)id;
	(void)ref;
	t.sent[t.sent_count++] = state;
}

static void on_show(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	(void)arg;
	assert_true(t.shown < MAX);
	t.fate[t.shown] = fate;
	snprintf(t.screen[t.shown], sizeof(t.screen[0]), "%s", text);
	t.more[t.shown++] = more;
}

static int setup(void **state)
{
	static const struct ussd_conf conf = {.adapter = "http", .link = "ut", .carrier = "c", .source = "*111#",
					      .voice = "111", .idle_ms = 60000};

	(void)state;
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	t.host = (struct adapter_host){.ctx = &t, .loop = t.loop, .inbound = on_inbound, .sent = on_sent};
	t.ussd = ussd_new(&t.host, &conf);
	return 0;
}

/* Every delivery is answered once, in the end. */
static void answer_all(void)
{
	for (size_t i = 0; i < t.in_count; i++) {
		if (t.done[i])
			receive(i, false);
	}
}

static int teardown(void **state)
{
	(void)state;
	ussd_free(t.ussd);
	answer_all();
	loop_free(t.loop);
	return 0;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void pass_ms(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(t.loop, stop, t.loop);

	loop_skip_ms(t.loop, ms);
	for (int i = 0; i < 4; i++) {
		loop_timer_set(end, 0);
		loop_run(t.loop);
	}
	loop_timer_free(end);
}

static void hear(enum ussd_op op, const char *session, const char *turn, const char *text)
{
	const struct ussd_heard heard = {.op = op, .session = session, .session_len = strlen(session), .turn = turn,
					 .turn_len = turn ? strlen(turn) : 0, .from = "+84912345678", .to = "",
					 .text = text, .text_len = strlen(text)};

	ussd_hear(t.ussd, &heard, on_show, NULL);
}

/* The conversation answers the n-th delivery. */
static void answer(size_t n, const char *text, bool more)
{
	struct outbound out = {.channel = CHANNEL_USSD, .text = text, .more = more};

	memcpy(out.reply_token, t.in[n].reply_token, sizeof(out.reply_token));
	assert_true(ussd_send(t.ussd, &out));
	pass_ms(0);
}

static void test_a_session_goes_from_screen_to_screen(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	assert_int_equal(t.in_count, 1);
	assert_int_equal(t.in[0].ussd_op, USSD_BEGIN);
	assert_int_equal(t.in[0].channel, CHANNEL_USSD);
	assert_string_equal(t.in[0].dest, "*111#");
	assert_int_equal(t.shown, 0);
	answer(0, "1. A\n2. B", true);
	assert_string_equal(t.screen[0], "1. A\n2. B");
	assert_true(t.more[0]);
	hear(USSD_CONTINUE, "s", NULL, "2");
	assert_int_equal(t.in[1].ussd_op, USSD_CONTINUE);
	assert_string_equal(t.body[1], "2");
	assert_string_not_equal(t.in[0].message_id, t.in[1].message_id);
	answer(1, "Done", false);
	assert_string_equal(t.screen[1], "Done");
	assert_false(t.more[1]);
	assert_int_equal(t.sent[0], SENT_OK);
	assert_int_equal(t.sent[1], SENT_OK);
	pass_ms(120 * 1000);
	assert_int_equal(t.in_count, 2); /* an end of ours needs no other */
	assert_int_equal(ussd_count(t.ussd), 0);
}

static void test_no_screen_before_the_answer_is_durable(void **state)
{
	(void)state;
	t.hold = true;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "too early", true);
	assert_int_equal(t.shown, 0);
	assert_int_equal(t.sent[0], SENT_GONE);
	receive(0, true);
	answer(0, "in time", true);
	assert_string_equal(t.screen[0], "in time");
}

static void test_a_begin_delivered_twice_is_one_session(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	hear(USSD_BEGIN, "s", NULL, "");
	assert_int_equal(t.in_count, 1);
	answer(0, "first", true);
	assert_int_equal(t.shown, 2); /* both requests get the screen */
	hear(USSD_BEGIN, "s", NULL, "");
	assert_int_equal(t.in_count, 1);
	assert_int_equal(t.shown, 3);
	assert_string_equal(t.screen[2], "first");
	assert_true(t.more[2]);
}

static void test_a_number_that_dials_again_after_the_end_begins_anew(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "+84912345678", NULL, "");
	answer(0, "A", true);
	hear(USSD_END, "+84912345678", NULL, "");
	hear(USSD_BEGIN, "+84912345678", NULL, "");
	assert_int_equal(t.in_count, 3);
	assert_int_equal(t.in[2].ussd_op, USSD_BEGIN);
	answer(2, "go on?", true);
	assert_string_equal(t.screen[2], "go on?");
	hear(USSD_END, "+84912345678", NULL, "");
	assert_string_not_equal(t.in[1].message_id, t.in[3].message_id); /* another end */
}

static void test_a_named_turn_delivered_twice_is_one_turn_and_a_digit_typed_twice_is_two(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", "", "");
	answer(0, "A", true);
	hear(USSD_CONTINUE, "s", "1", "1");
	answer(1, "B", true);
	hear(USSD_CONTINUE, "s", "1", "1"); /* the bearer had no answer in time */
	assert_int_equal(t.in_count, 2);
	assert_string_equal(t.screen[2], "B");
	hear(USSD_CONTINUE, "s", "1*1", "1");
	assert_int_equal(t.in_count, 3);
	answer(2, "C", true);
	hear(USSD_BEGIN, "u", NULL, ""); /* a bearer that names no turns */
	answer(3, "A", true);
	hear(USSD_CONTINUE, "u", NULL, "1");
	answer(4, "B", true);
	hear(USSD_CONTINUE, "u", NULL, "1");
	assert_int_equal(t.in_count, 6);
}

static void test_a_dead_disk_ends_the_screen_with_the_voice_number_in_time(void **state)
{
	(void)state;
	t.hold = true;
	hear(USSD_BEGIN, "s", NULL, "");
	pass_ms(USSD_DISK_MS - 50);
	assert_int_equal(t.shown, 0);
	pass_ms(60);
	assert_int_equal(t.shown, 1);
	assert_false(t.more[0]);
	assert_non_null(strstr(t.screen[0], "111"));
	assert_null(strstr(t.screen[0], "nhan")); /* nothing is said to be received */
	assert_null(strstr(t.screen[0], "eceived"));
	receive(0, true); /* much later */
	answer(0, "late", true);
	assert_int_equal(t.shown, 1);
	assert_int_equal(t.sent[0], SENT_GONE);
}

static void test_a_refusal_ends_the_screen_with_the_voice_number_at_once(void **state)
{
	(void)state;
	t.refuse = true;
	hear(USSD_CONTINUE, "s", NULL, "help");
	assert_int_equal(t.shown, 1);
	assert_non_null(strstr(t.screen[0], "111"));
	assert_null(strstr(t.screen[0], "eceived"));
}

static void test_a_late_conversation_says_what_was_kept(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "A", true);
	hear(USSD_CONTINUE, "s", NULL, "help");
	pass_ms(USSD_SCREEN_MS + 10);
	assert_int_equal(t.shown, 2);
	assert_non_null(strstr(t.screen[1], "Da nhan"));
	assert_non_null(strstr(t.screen[1], "*111#"));
	assert_false(t.more[1]);
	assert_int_equal(t.in[2].ussd_op, USSD_TIMEOUT); /* the conversation may be taken up again */
	answer(1, "late", true);
	assert_int_equal(t.sent[1], SENT_GONE);
	assert_int_equal(t.shown, 2);
}

static void test_own_screens_fit_every_bearer(void **state)
{
	char text[USSD_TEXT_MAX];

	(void)state;
	ussd_voice_text("18001567", text);
	assert_true(strlen(text) <= 128 && charset_fits_gsm7(text));
	ussd_later_text("18001567", "*111*1567#", text);
	assert_true(strlen(text) <= 128 && charset_fits_gsm7(text));
}

static void test_a_hangup_is_told_and_the_screen_finds_nobody(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "A", true);
	hear(USSD_CONTINUE, "s", NULL, "help");
	hear(USSD_ABORT, "s", NULL, "");
	assert_int_equal(t.in[2].ussd_op, USSD_ABORT);
	assert_string_equal(t.in[2].reply_token, "");
	assert_int_equal(t.fate[1], USSD_DROPPED);
	assert_int_equal(t.fate[2], USSD_NOTED);
	answer(1, "B", true);
	assert_int_equal(t.sent[1], SENT_GONE);
	hear(USSD_END, "s", NULL, ""); /* told twice */
	assert_int_equal(t.in_count, 3);
	assert_int_equal(t.fate[3], USSD_NOTED);
}

static void test_an_end_that_overtakes_the_answer_still_lets_it_through(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "A", true);
	hear(USSD_END, "s", NULL, "");
	hear(USSD_CONTINUE, "s", NULL, "help");
	assert_int_equal(t.in_count, 3);
	assert_string_equal(t.body[2], "help");
}

static void test_the_end_of_an_unknown_session_is_told(void **state)
{
	(void)state;
	hear(USSD_END, "before the restart", NULL, "");
	assert_int_equal(t.in_count, 1);
	assert_int_equal(t.in[0].ussd_op, USSD_END);
	assert_int_equal(t.fate[0], USSD_NOTED);
}

static void test_a_silent_phone_has_gone(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "A", true);
	pass_ms(59 * 1000);
	assert_int_equal(t.in_count, 1);
	pass_ms(2000);
	assert_int_equal(t.in_count, 2);
	assert_int_equal(t.in[1].ussd_op, USSD_TIMEOUT);
}

static void test_a_newer_turn_takes_over_from_one_without_screen(void **state)
{
	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	answer(0, "A", true);
	hear(USSD_CONTINUE, "s", NULL, "one");
	hear(USSD_CONTINUE, "s", NULL, "two");
	assert_int_equal(t.fate[1], USSD_DROPPED);
	answer(1, "to one", true);
	assert_int_equal(t.sent[1], SENT_GONE);
	answer(2, "to two", true);
	assert_string_equal(t.screen[2], "to two");
}

static void test_a_token_of_an_earlier_life_is_stale(void **state)
{
	char token[INBOUND_ADDRESS_MAX];

	(void)state;
	hear(USSD_BEGIN, "s", NULL, "");
	memcpy(token, t.in[0].reply_token, sizeof(token));
	ussd_free(t.ussd);
	assert_int_equal(t.fate[0], USSD_DROPPED);
	t.ussd = NULL;
	teardown(NULL);
	setup(NULL);
	hear(USSD_BEGIN, "s", NULL, "");
	memcpy(t.in[0].reply_token, token, sizeof(token));
	answer(0, "A", true);
	assert_int_equal(t.sent[0], SENT_GONE);
	assert_int_equal(t.shown, 0);
}

static void test_every_move_of_the_table_keeps_its_promises(void **state)
{
	(void)state;
	for (int s = 0; s < USSD_STATES; s++) {
		for (int e = 0; e < USSD_EVENTS; e++) {
			struct ussd_session session = {.state = (enum ussd_state)s, .turn_ms = 5};
			unsigned todo = ussd_step(&session, (enum ussd_event)e, 10);
			bool was_owed = s == USSD_HEARD || s == USSD_KEPT;

			/* the conversation's screen only for a durable turn */
			assert_false(todo & USSD_DO_SHOW && s != USSD_KEPT);
			/* a promise that it was kept only if it was */
			assert_false(todo & USSD_DO_LATER && s != USSD_KEPT);
			/* a session that ends otherwise than by our last screen tells so */
			if (session.state == USSD_OVER && s != USSD_OVER && !(todo & USSD_DO_SHOW))
				assert_true(todo & USSD_DO_TELL_END);
			/* every screen has its time */
			if (session.state == USSD_HEARD || session.state == USSD_KEPT)
				assert_true(ussd_due_ms(&session) <= session.turn_ms + 2000);
			/* who waits is answered, told, or goes on waiting */
			if (was_owed && (session.state == USSD_OVER || session.state == USSD_SHOWN))
				assert_true(todo & (USSD_DO_DROP | USSD_DO_SHOW | USSD_DO_VOICE | USSD_DO_LATER));
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_session_goes_from_screen_to_screen),
		TEST(test_no_screen_before_the_answer_is_durable),
		TEST(test_a_begin_delivered_twice_is_one_session),
		TEST(test_a_number_that_dials_again_after_the_end_begins_anew),
		TEST(test_a_named_turn_delivered_twice_is_one_turn_and_a_digit_typed_twice_is_two),
		TEST(test_a_dead_disk_ends_the_screen_with_the_voice_number_in_time),
		TEST(test_a_refusal_ends_the_screen_with_the_voice_number_at_once),
		TEST(test_a_late_conversation_says_what_was_kept),
		TEST(test_own_screens_fit_every_bearer),
		TEST(test_a_hangup_is_told_and_the_screen_finds_nobody),
		TEST(test_an_end_that_overtakes_the_answer_still_lets_it_through),
		TEST(test_the_end_of_an_unknown_session_is_told),
		TEST(test_a_silent_phone_has_gone),
		TEST(test_a_newer_turn_takes_over_from_one_without_screen),
		TEST(test_a_token_of_an_earlier_life_is_stale),
		TEST(test_every_move_of_the_table_keeps_its_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
