/* The phone of hotlinectl: scripts, typed lines and screens. */
#include "tests/unit/ctl_daemon.h"

#include <locale.h>
#include <string.h>

/* ---- the phone ---- */

static void phone_text(int fd, const char *to, const char *text)
{
	ctl_reply_json(fd, json_pack("{s:s,s:s,s:s,s:s}", "event", "text", "to", to, "from", "111",
				 "text", text));
}

/* One question, then the end; /end is received. */
static void answer_dialling(int fd, const json_t *ussd)
{
	const char *op = json_string_value(json_object_get(ussd, "op"));
	const char *text = json_string_value(json_object_get(ussd, "text"));
	bool more = strcmp(op, "begin") == 0;

	assert_string_equal(json_string_value(json_object_get(ussd, "to")), "*111#");
	if (strcmp(op, "end") == 0)
		ctl_reply(fd, "{\"event\":\"received\"}");
	else
		ctl_reply_json(fd, json_pack("{s:s,s:s,s:o,s:b}", "event", "screen", "to", "+84912345678", "text",
					 json_sprintf(more ? "Pick one" : "You picked %s", text), "more", more));
}

/* Answers a reporter, alerts the officer, closes the case for the right code. */
static bool answer_phone(struct ctl_daemon *d, int fd, const json_t *request)
{
	const json_t *send = json_object_get(request, "send"), *ussd = json_object_get(request, "ussd");
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const char *text = json_string_value(json_object_get(send, "text"));

	if (cmd != NULL && strcmp(cmd, "cases") == 0)
		return ctl_answer_cases(d, fd, request);
	if (ussd != NULL) {
		answer_dialling(fd, ussd);
		return true;
	}
	if (text == NULL) {
		ctl_reply(fd, "{\"ok\":true,\"data\":{\"short_code\":\"111\"}}");
		return true;
	}
	if (strcmp(text, "refuse me") == 0) {
		ctl_reply(fd, "{\"event\":\"refused\"}");
		return true;
	}
	if (strcmp(text, "early") == 0)
		phone_text(fd, "+84912345678", "before the answer");
	ctl_reply(fd, "{\"event\":\"received\"}");
	if (strcmp(text, "em bị đánh") == 0) {
		phone_text(fd, "+84912345678", "Đã nhận. Bạn có AN TOÀN không?");
		phone_text(fd, "+84900000001", "Mã 1234567 ca 482113 KHẨN CẤP");
	}
	if (strcmp(text, "NHAN 482113") == 0)
		phone_text(fd, "+84900000001", "Đã ghi nhận");
	return true;
}

static void play(struct ctl_daemon *d, struct ctl_printed *p, const char *script)
{
	char file[96], words[160];

	snprintf(file, sizeof file, "%s/script", d->top);
	ctl_write_text(file, script, 0600);
	snprintf(words, sizeof words, "phone --script %s", file);
	ctl_run(p, cmd_phone, words);
}

static void a_script_plays_both_phones_to_the_end(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	play(d, &p, "# report, alert, acknowledgement\n> em bị đánh\n!< khẩn cấp\n"
		    "< within 2s an toàn\nsilence 20ms\n\n! NHAN {code}\n!< đã ghi within 1s\n"
		    "case open\n> early\n< /^before/\n");
	assert_has(p.out, "9 of 9 steps ok");
	assert_int_equal(p.status, 0);
}

static void a_script_stops_at_the_first_failure_and_shows_what_came(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	play(d, &p, "> em bị đánh\n< within 50ms something else\n> never sent\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "FAIL   2  < within 50ms something else");
	assert_has(p.out, "came: Đã nhận");
	assert_has(p.out, "1 of 3 steps ok");
}

static void silence_fails_when_a_text_came_that_nobody_expected(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	play(d, &p, "> early\nsilence 20ms\n");
	assert_int_equal(p.status, CTL_NOTHING);
	play(d, &p, "> nothing comes\nsilence 20ms\n");
	assert_int_equal(p.status, 0);
	play(d, &p, "> refuse me\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "refused");
}

static void a_text_meets_one_expectation_only(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	play(d, &p, "> early\n< before\n< within 20ms before\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "2 of 3 steps ok");
}

static void a_fault_in_a_script_is_named_with_its_line(void **state)
{
	static const char *const bad[] = { "> a\nhello\n", "> a\n<\n", "> a\nsilence soon\n",
					   "> a\n< /(/\n", "> a\n> \xff\n", "> a\nsilence 11min\n" };
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		play(d, &p, bad[i]);
		assert_int_equal(p.status, CTL_CONFIG);
		assert_has(p.err, "script:2:");
	}
	play(d, &p, "# nothing\n");
	assert_int_equal(p.status, CTL_CONFIG);
}

static void typed_lines_are_shown_on_their_phones(void **state)
{
	struct ctl_daemon *d = *state;
	static const char typed[] = "em \033[Dbị\033[1;5C đ\033OAánh\033\n!NHAN 482113\n/help\n/foo\n/quit\n";
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	ctl_run_typed(&p, cmd_phone, "phone --officer +84900000001", typed);
	assert_int_equal(p.status, 0);
	assert_has(p.out, "reporter +84912345678");
	assert_has(p.out, "│ em bị đánh │");
	assert_has(p.out, "│ NHAN 482113 │");
	assert_has(p.out, "/new");
	assert_has(p.out, "no such command; see /help");
	assert_null(strchr(p.out, '\033'));
}

static void a_script_dials_answers_and_hangs_up(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	play(d, &p, "> *111#\n< Pick one\n> 2\n< You picked 2\n> nothing comes\n> *111#\n< Pick\n> /end\n> early\n< before\n");
	assert_has(p.out, "10 of 10 steps ok");
	assert_int_equal(p.status, 0);
}

static void a_screen_is_drawn_with_its_text_and_where_the_answer_goes(void **state)
{
	struct ctl_daemon *d = *state;
	static const char typed[] = "2\n/end\n/quit\n";
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_together, answer_phone);
	ctl_run_typed(&p, cmd_phone, "phone --ussd", typed);
	assert_int_equal(p.status, 0);
	assert_has(p.out, "│ *111#                       ");
	assert_has(p.out, "│ Pick one                    ");
	assert_has(p.out, "│ Cancel                  Send │");
	assert_has(p.out, "│ You picked 2                ");
	assert_has(p.out, "no open session");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_script_plays_both_phones_to_the_end),
		test_case(a_script_stops_at_the_first_failure_and_shows_what_came),
		test_case(silence_fails_when_a_text_came_that_nobody_expected),
		test_case(a_text_meets_one_expectation_only),
		test_case(a_fault_in_a_script_is_named_with_its_line),
		test_case(a_script_dials_answers_and_hangs_up),
		test_case(a_screen_is_drawn_with_its_text_and_where_the_answer_goes),
		test_case(typed_lines_are_shown_on_their_phones),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl phone", tests, NULL, NULL);
}
