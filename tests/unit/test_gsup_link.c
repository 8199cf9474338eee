/* A link against a scripted HLR: becoming known, signs of life, dialogues, numbers, the end, settings. */
#include "gsup_hlr.h"

#define IMSI "452040000000001"
#define CTRL_HOST "ctrl_host: 127.0.0.1\n"

static char text[256];

/* ---- becoming and staying known ---- */

static void it_tells_its_name_and_acknowledges_first(void **state)
{
	static const char name[] = "\x05\x00\x07\x08" "0/0/0\0" "\x00\x0e\x00" "EUSE-hotline\0" "\x00\x0e\x01" "EUSE-hotline";
	struct ipa_frame frame;

	(void)state;
	make_link("");
	assert_int_equal(gsup_adapter.state(rig.link), LINK_DOWN);
	gsup_adapter.start(rig.link);
	assert_int_equal(rig.state, LINK_CONNECTING);
	WAIT_FOR(accepted(&rig.gsup));
	expect_silence(&rig.gsup); /* the HLR speaks first */
	write_ccm(CCM_ID_GET);
	frame = next_frame(&rig.gsup);
	assert_int_equal(frame.body_len, sizeof(name));
	assert_memory_equal(frame.body, name, sizeof(name));
	expect_ccm(CCM_ID_ACK);
	settle();
	assert_int_equal(rig.state, LINK_CONNECTING);
	write_ccm(CCM_ID_ACK);
	WAIT_FOR(rig.state == LINK_BOUND);
}

static void a_pong_behind_its_name_is_enough(void **state)
{
	(void)state;
	make_link("");
	gsup_adapter.start(rig.link);
	WAIT_FOR(accepted(&rig.gsup));
	write_ccm(CCM_ID_GET);
	expect_ccm(CCM_ID_RESP);
	expect_ccm(CCM_ID_ACK);
	expect_ccm(CCM_PING);
	write_ccm(CCM_PONG);
	WAIT_FOR(rig.state == LINK_BOUND);
}

static void a_server_that_asks_nothing_is_left_and_tried_again(void **state)
{
	(void)state;
	make_link("");
	gsup_adapter.start(rig.link);
	WAIT_FOR(accepted(&rig.gsup));
	settle();
	pass_ms(14000);
	assert_false(closed(&rig.gsup));
	pass_ms(2000);
	assert_true(closed(&rig.gsup));
	assert_int_equal(rig.state, LINK_DOWN);
	pass_ms(600);
	accept_bound();
}

static void a_refused_connection_is_tried_for_ever(void **state)
{
	(void)state;
	start_bound("");
	for (int i = 0; i < 40; i++) {
		drop(&rig.gsup);
		WAIT_FOR(rig.state != LINK_BOUND);
		pass_ms(600);
		accept_bound();
	}
	assert_int_equal(rig.bound_count, 41);
}

static void a_ping_is_answered(void **state)
{
	(void)state;
	start_bound("");
	write_ccm(CCM_PING);
	expect_ccm(CCM_PONG);
}

static void a_peer_without_a_sign_of_life_is_left_after_two_pings(void **state)
{
	(void)state;
	start_bound("ping: 10s\n");
	pass_ms(10001);
	expect_ccm(CCM_PING);
	pass_ms(10001);
	expect_ccm(CCM_PING);
	assert_int_equal(rig.state, LINK_BOUND);
	pass_ms(10001);
	assert_int_equal(rig.state, LINK_DOWN);
	assert_true(closed(&rig.gsup));
}

static void any_frame_is_a_sign_of_life(void **state)
{
	(void)state;
	start_bound("ping: 10s\n");
	for (int i = 0; i < 5; i++) {
		pass_ms(10001);
		expect_ccm(CCM_PING);
		write_ccm(CCM_PONG);
		settle();
	}
	assert_int_equal(rig.state, LINK_BOUND);
}

static void a_link_that_hears_nothing_for_long_takes_its_name_anew(void **state)
{
	(void)state;
	start_bound("ping: 1h\nrenew: 10min\n");
	pass_ms(600001);
	assert_int_equal(rig.state, LINK_BOUND); /* being made known counted as heard */
	pass_ms(600001);
	assert_true(closed(&rig.gsup));
	pass_ms(600);
	accept_bound();
}

static void it_does_not_take_it_anew_with_a_phone_on_the_line(void **state)
{
	(void)state;
	start_bound("ping: 1h\nrenew: 60s\nussd_idle: 10min\n");
	pass_ms(60001);
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	show(0, "1?", true);
	next_screen(GSUP_CONTINUE, text);
	pass_ms(60001);
	pass_ms(60001);
	assert_int_equal(rig.state, LINK_BOUND);
}

/* ---- dialogues ---- */

static void a_screen_comes_after_the_turn_is_durable(void **state)
{
	struct ss_component c;

	(void)state;
	rig.hold = true;
	start_bound("");
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.adapter, "gsup");
	assert_string_equal(rig.heard[0].in.link, "osmo");
	assert_string_equal(rig.heard[0].in.source, "imsi:" IMSI);
	assert_string_equal(rig.heard[0].in.dest, "*111#");
	assert_int_equal(rig.heard[0].in.channel, CHANNEL_USSD);
	assert_int_equal(rig.heard[0].in.ussd_op, USSD_BEGIN);
	assert_string_equal(rig.heard[0].text, "");
	expect_silence(&rig.gsup);
	received(0, true);
	expect_silence(&rig.gsup);
	show(0, "1. Co\n2. Khong", true);
	c = next_screen(GSUP_CONTINUE, text);
	assert_string_equal(text, "1. Co\n2. Khong");
	assert_int_equal(c.kind, SS_INVOKE);
	assert_int_equal(c.operation, SS_USS_REQUEST);
	assert_int_equal(c.invoke_id, 6);
	WAIT_FOR(rig.sent_count == 1);
	assert_int_equal(rig.sent[0], SENT_OK);
}

static void the_last_screen_is_the_result_of_what_was_dialled(void **state)
{
	struct ss_component c;

	(void)state;
	start_bound("");
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	show(0, "?", true);
	next_screen(GSUP_CONTINUE, text);
	phone_answers(IMSI, 6, "em bị đánh");
	WAIT_FOR(rig.heard_count == 2);
	assert_int_equal(rig.heard[1].in.ussd_op, USSD_CONTINUE);
	assert_string_equal(rig.heard[1].text, "em bị đánh");
	assert_string_not_equal(rig.heard[1].in.reply_token, rig.heard[0].in.reply_token);
	show(1, "Cam on", false);
	c = next_screen(GSUP_END, text);
	assert_string_equal(text, "Cam on");
	assert_int_equal(c.kind, SS_RESULT);
	assert_int_equal(c.operation, SS_PROCESS_USS_REQUEST);
	assert_int_equal(c.invoke_id, 5);
	pass_ms(60000);
	assert_int_equal(rig.heard_count, 2); /* we ended it: nobody has to be told */
}

/* As after a restart: nothing is known of the dialogue. */
static void an_answer_in_a_dialogue_of_an_earlier_life_goes_on(void **state)
{
	struct ss_component c;

	(void)state;
	start_bound("");
	phone_answers(IMSI, 6, "2");
	WAIT_FOR(rig.heard_count == 1);
	assert_int_equal(rig.heard[0].in.ussd_op, USSD_CONTINUE);
	show(0, "OK", false);
	c = next_screen(GSUP_END, text);
	assert_int_equal(c.invoke_id, 5);
}

static void what_is_dialled_behind_the_code_is_the_text(void **state)
{
	static const struct { const char *dialled, *code, *behind; } rows[] = {
		{"*111*1#", "*111#", "1"},
		{"*111*1*25#", "*111#", "1*25"},
		{"*111*#", "*111#", ""},
		{"*111", "*111#", "*111"},
		{"111", "*111#", "111"},
		{"", "*111#", ""},
		{"*#100#", "*#", "100"},
	};

	(void)state;
	start_bound("");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char imsi[] = "45204000000010x";

		imsi[14] = (char)('0' + i);
		phone_dials(imsi, rows[i].dialled);
		WAIT_FOR(rig.heard_count == i + 1);
		assert_string_equal(rig.heard[i].in.dest, rows[i].code);
		assert_string_equal(rig.heard[i].text, rows[i].behind);
	}
}

static void the_time_of_a_phone_that_stays_silent_is_told(void **state)
{
	(void)state;
	start_bound("ping: 1h\n");
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	show(0, "?", true);
	next_screen(GSUP_CONTINUE, text);
	pass_ms(24000);
	assert_int_equal(rig.heard_count, 1);
	pass_ms(2100);
	assert_int_equal(rig.heard_count, 2);
	assert_int_equal(rig.heard[1].in.ussd_op, USSD_TIMEOUT);
}

static void a_lost_link_breaks_every_dialogue(void **state)
{
	(void)state;
	start_bound("");
	phone_dials(IMSI, "*111#");
	phone_dials("452040000000002", "*111#");
	WAIT_FOR(rig.heard_count == 2);
	show(0, "?", true);
	next_screen(GSUP_CONTINUE, text);
	drop(&rig.gsup);
	WAIT_FOR(rig.heard_count == 4);
	assert_int_equal(rig.heard[2].in.ussd_op, USSD_ABORT);
	assert_int_equal(rig.heard[3].in.ussd_op, USSD_ABORT);
	assert_string_not_equal(rig.heard[2].in.source, rig.heard[3].in.source);
	show(1, "too late", true);
	WAIT_FOR(rig.sent_count == 2);
	assert_int_equal(rig.sent[1], SENT_GONE);
	pass_ms(60000);
	assert_int_equal(rig.heard_count, 4); /* told once */
}

static void the_phone_may_end_break_and_say_its_last_word(void **state)
{
	const struct ss_component busy = {.kind = SS_ERROR, .invoke_id = 6, .code = SS_USSD_BUSY};
	const struct ss_component answer = {.kind = SS_RESULT, .invoke_id = 6, .has_operation = true,
					    .operation = SS_USS_REQUEST};

	(void)state;
	start_bound("");
	phone_dials("4520401", "*111#");
	phone_dials("4520402", "*111#");
	phone_dials("4520403", "*111#");
	WAIT_FOR(rig.heard_count == 3);
	for (unsigned i = 0; i < 3; i++) {
		show(i, "?", true);
		next_screen(GSUP_CONTINUE, text);
	}
	phone_says("4520401", GSUP_END, NULL, NULL);
	WAIT_FOR(rig.heard_count == 4);
	assert_int_equal(rig.heard[3].in.ussd_op, USSD_END);
	phone_says("4520402", GSUP_CONTINUE, &busy, NULL);
	WAIT_FOR(rig.heard_count == 5);
	assert_int_equal(rig.heard[4].in.ussd_op, USSD_ABORT);
	phone_says("4520403", GSUP_END, &answer, "cuu");
	WAIT_FOR(rig.heard_count == 7);
	assert_int_equal(rig.heard[5].in.ussd_op, USSD_CONTINUE);
	assert_string_equal(rig.heard[5].text, "cuu");
	assert_int_equal(rig.heard[6].in.ussd_op, USSD_END);
	show(5, "for nobody", false);
	expect_silence(&rig.gsup);
}

static void an_operation_that_is_not_ours_is_rejected(void **state)
{
	const struct ss_component forwarding = {.kind = SS_INVOKE, .invoke_id = 7, .has_operation = true,
						.operation = 0x0e};
	struct ss_component c;

	(void)state;
	start_bound("");
	phone_says(IMSI, GSUP_BEGIN, &forwarding, NULL);
	c = next_screen(GSUP_END, text);
	assert_int_equal(c.kind, SS_REJECT);
	assert_int_equal(c.invoke_id, 7);
	assert_int_equal(c.problem, SS_PROBLEM_INVOKE);
	assert_int_equal(c.code, SS_UNRECOGNIZED_OPERATION);
	assert_int_equal(rig.heard_count, 0);
}

static void nonsense_never_ends_the_link(void **state)
{
	static const char junk[] = "\x00\x00\xee" "\x00\x01\xee\x05" "\x00\x03\xee\x05\x20\x01" "\x00\x02\xee\x00x" "\x00\x00\xfe"
		"\x00\x01\xfe\x77" "\x00\x02\x00zz" "\x00\x05\xee\x05\x04\x01\x01\x21";

	(void)state;
	start_bound("");
	for (size_t i = 0; i + 1 < sizeof(junk); i++) { /* octet by octet */
		write_port(&rig.gsup, junk + i, 1);
		turn(0);
	}
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	assert_int_equal(rig.bound_count, 1);
}

static void a_screen_is_fitted_to_what_passes_the_hlr(void **state)
{
	char wide[400], longest[129];
	struct ss_component c;

	(void)state;
	start_bound("");
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	show(0, wide, false);
	c = next_screen(GSUP_END, text);
	assert_string_equal(text, longest);
	assert_int_equal(c.string_len, 112);
}

static void texts_are_not_taken(void **state)
{
	struct outbound out = {.to = "+84912345678", .text = "x"};

	(void)state;
	start_bound("");
	assert_false(gsup_adapter.send(rig.link, &out));
}

/* ---- numbers ---- */

static void answer_number(const char *reply)
{
	struct buf frame = {0};
	char line[256];

	snprintf(line, sizeof(line), "%s", reply);
	ipa_put_osmo(&frame, IPA_EXT_CTRL, line, strlen(line));
	write_port(&rig.ctrl, frame.data, frame.len);
	buf_free(&frame);
}

static void expect_question(const char *want)
{
	struct ipa_frame frame = next_frame(&rig.ctrl);

	assert_int_equal(frame.proto, IPA_PROTO_OSMO);
	assert_int_equal(frame.extension, IPA_EXT_CTRL);
	assert_int_equal(frame.body_len, strlen(want));
	assert_memory_equal(frame.body, want, frame.body_len);
}

static void start_with_numbers(const char *more)
{
	char settings[256];

	snprintf(settings, sizeof(settings), CTRL_HOST "%s", more);
	start_bound(settings);
	WAIT_FOR(accepted(&rig.ctrl));
	settle();
}

static void the_sender_is_the_number_that_the_hlr_tells(void **state)
{
	(void)state;
	start_with_numbers("");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	assert_int_equal(rig.heard_count, 0);
	answer_number("GET_REPLY 1 subscriber.by-imsi-" IMSI ".msisdn 84912345678");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.source, "+84912345678");
	phone_answers(IMSI, 6, "1"); /* not asked again */
	WAIT_FOR(rig.heard_count == 2);
	assert_string_equal(rig.heard[1].in.source, "+84912345678");
	expect_silence(&rig.ctrl);
}

static void national_numbers_stay_as_they_are(void **state)
{
	(void)state;
	start_with_numbers("numbers: national\n");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	answer_number("GET_REPLY 1 subscriber.by-imsi-" IMSI ".msisdn 0912345678");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.source, "0912345678");
}

static void without_an_answer_in_time_the_sender_is_the_imsi_to_the_end(void **state)
{
	(void)state;
	start_with_numbers("ping: 1h\n");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	pass_ms(200);
	assert_int_equal(rig.heard_count, 0);
	pass_ms(101);
	assert_int_equal(rig.heard_count, 1);
	assert_string_equal(rig.heard[0].in.source, "imsi:" IMSI);
	assert_true(closed(&rig.ctrl));
	pass_ms(600);
	WAIT_FOR(accepted(&rig.ctrl));
	settle();
	phone_answers(IMSI, 6, "1");
	WAIT_FOR(rig.heard_count == 2);
	assert_string_equal(rig.heard[1].in.source, "imsi:" IMSI);
	expect_silence(&rig.ctrl);
	pass_ms(61000);
	phone_dials(IMSI, "*111#"); /* a new dialogue asks anew */
	expect_question("GET 2 subscriber.by-imsi-" IMSI ".msisdn");
}

static void a_subscriber_without_a_number_is_not_waited_for(void **state)
{
	(void)state;
	start_with_numbers("");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	answer_number("ERROR 1 Error while trying to get value");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.source, "imsi:" IMSI);
}

static void a_dead_control_interface_stops_nobody(void **state)
{
	(void)state;
	start_with_numbers("");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	drop(&rig.ctrl);
	WAIT_FOR(rig.heard_count == 1);
	phone_dials("452040000000002", "*111#");
	WAIT_FOR(rig.heard_count == 2);
	assert_string_equal(rig.heard[1].in.source, "imsi:452040000000002");
}

/* Whoever began as an IMSI stays one, also when the control interface comes back meanwhile. */
static void the_sender_does_not_change_within_a_dialogue(void **state)
{
	(void)state;
	make_link(CTRL_HOST);
	gsup_adapter.start(rig.link);
	accept_bound();
	WAIT_FOR(accepted(&rig.ctrl));
	drop(&rig.ctrl);
	settle();
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.source, "imsi:" IMSI);
	pass_ms(600);
	WAIT_FOR(accepted(&rig.ctrl));
	settle();
	phone_answers(IMSI, 6, "1");
	expect_silence(&rig.ctrl);
	WAIT_FOR(rig.heard_count == 2);
	assert_string_equal(rig.heard[1].in.source, "imsi:" IMSI);
}

static void odd_answers_are_no_numbers(void **state)
{
	(void)state;
	start_with_numbers("");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	answer_number("");
	answer_number("GET_REPLY 9 x 84912345678");
	answer_number("GET_REPLY 0 x 84912345678");
	answer_number("TRAP 0 x 1");
	settle();
	assert_int_equal(rig.heard_count, 0);
	answer_number("GET_REPLY 1 x 849123456781234567");
	WAIT_FOR(rig.heard_count == 1);
	assert_string_equal(rig.heard[0].in.source, "imsi:" IMSI);
}

/* ---- the end ---- */

static void stopping_waits_for_the_screen_that_is_owed(void **state)
{
	(void)state;
	rig.destroy_when_stopped = true;
	start_bound("");
	phone_dials(IMSI, "*111#");
	WAIT_FOR(rig.heard_count == 1);
	gsup_adapter.stop(rig.link);
	pass_ms(100);
	assert_int_equal(rig.state, LINK_BOUND);
	show(0, "bye", false);
	next_screen(GSUP_END, text);
	pass_ms(60);
	WAIT_FOR(rig.state == LINK_STOPPED);
	assert_null(rig.link);
	assert_int_equal(rig.sent_count, 1);
	assert_true(closed(&rig.gsup));
}

static void stopping_does_not_wait_for_ever(void **state)
{
	(void)state;
	rig.hold = true;
	rig.destroy_when_stopped = true;
	start_with_numbers("number_wait: 1s\n");
	phone_dials(IMSI, "*111#");
	expect_question("GET 1 subscriber.by-imsi-" IMSI ".msisdn");
	gsup_adapter.stop(rig.link);
	for (int i = 0; i < 42; i++)
		pass_ms(50);
	WAIT_FOR(rig.state == LINK_STOPPED);
	assert_true(rig.heard_count > 0); /* what the phone said is kept in any case */
	assert_int_equal(rig.heard[0].in.ussd_op, USSD_BEGIN);
}

static void a_link_that_is_not_up_stops_at_once(void **state)
{
	(void)state;
	make_link("");
	gsup_adapter.start(rig.link);
	gsup_adapter.stop(rig.link);
	WAIT_FOR(rig.state == LINK_STOPPED);
}

/* ---- settings ---- */

static void settings_that_cannot_be_are_named_with_their_place(void **state)
{
	static const struct { const char *settings, *want; } rows[] = {
		{"{name: x, euse: h}", "1:1: a gsup link needs 'host', the HLR's address"},
		{"{name: x, host: h}", "1:1: a gsup link needs 'euse', our name in the HLR's configuration"},
		{"{host: h, euse: h, port: 0}", "1:26: 'port' must lie between 1 and 65535, found 0"},
		{"{host: h, euse: h, numbers: e164}", "1:29: 'numbers' must be international or national"},
		{"{host: h, euse: h, short_codes: 111}", "1:33: 'short_codes' must be a list"},
		{"{host: h, euse: h, screen_octets: 161}", "1:35: 'screen_octets' must lie between 20 and 160, found 161"},
		{"{host: h, euse: h, ping: soon}", "1:26: 'ping' must be a duration such as 30s or 2min, found 'soon'"},
	};
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_null(try_link(rows[i].settings, error, sizeof(error)));
		assert_string_equal(error, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_tells_its_name_and_acknowledges_first),
		TEST(a_pong_behind_its_name_is_enough),
		TEST(a_server_that_asks_nothing_is_left_and_tried_again),
		TEST(a_refused_connection_is_tried_for_ever),
		TEST(a_ping_is_answered),
		TEST(a_peer_without_a_sign_of_life_is_left_after_two_pings),
		TEST(any_frame_is_a_sign_of_life),
		TEST(a_link_that_hears_nothing_for_long_takes_its_name_anew),
		TEST(it_does_not_take_it_anew_with_a_phone_on_the_line),
		TEST(a_screen_comes_after_the_turn_is_durable),
		TEST(the_last_screen_is_the_result_of_what_was_dialled),
		TEST(an_answer_in_a_dialogue_of_an_earlier_life_goes_on),
		TEST(what_is_dialled_behind_the_code_is_the_text),
		TEST(the_time_of_a_phone_that_stays_silent_is_told),
		TEST(a_lost_link_breaks_every_dialogue),
		TEST(the_phone_may_end_break_and_say_its_last_word),
		TEST(an_operation_that_is_not_ours_is_rejected),
		TEST(nonsense_never_ends_the_link),
		TEST(a_screen_is_fitted_to_what_passes_the_hlr),
		TEST(texts_are_not_taken),
		TEST(the_sender_is_the_number_that_the_hlr_tells),
		TEST(national_numbers_stay_as_they_are),
		TEST(without_an_answer_in_time_the_sender_is_the_imsi_to_the_end),
		TEST(a_subscriber_without_a_number_is_not_waited_for),
		TEST(a_dead_control_interface_stops_nobody),
		TEST(the_sender_does_not_change_within_a_dialogue),
		TEST(odd_answers_are_no_numbers),
		TEST(stopping_waits_for_the_screen_that_is_owed),
		TEST(stopping_does_not_wait_for_ever),
		TEST(a_link_that_is_not_up_stops_at_once),
		TEST(settings_that_cannot_be_are_named_with_their_place),
	};

	return cmocka_run_group_tests_name("gsup link", tests, NULL, NULL);
}
