/* Tables, texts and options of hotlinectl: what people see and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/phone.h"

/* Prints rows given as JSON into a string. */
static char *table_of(const char *json, const char *keys, int width)
{
	json_t *rows = json_loads(json, 0, NULL);
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	assert_non_null(rows);
	ctl_table(f, rows, keys, width);
	fclose(f);
	json_decref(rows);
	return out;
}

static void expect_table(const char *json, const char *keys, int width, const char *expected)
{
	char *out = table_of(json, keys, width);

	assert_string_equal(out, expected);
	free(out);
}

static void an_empty_list_says_none(void **state)
{
	(void)state;
	expect_table("[]", "ref", 80, "(none)\n");
}

static void columns_line_up_by_what_the_eye_sees(void **state)
{
	(void)state;
	expect_table("[{\"ref\":\"A\",\"place\":\"Đường dây\",\"n\":1},"
		     "{\"ref\":\"BB\",\"place\":\"e\xcc\x81\",\"n\":20},"
		     "{\"ref\":\"C\",\"place\":\"日本\",\"n\":null}]",
		     NULL, 0,
		     "REF  PLACE      N\n"
		     "A    Đường dây  1\n"
		     "BB   e\xcc\x81          20\n"
		     "C    日本       \n");
}

static void only_the_named_columns_that_occur_are_shown(void **state)
{
	(void)state;
	expect_table("[{\"a\":1,\"b_c\":true,\"d\":3}]", "b_c missing a", 0, "B C  A\nyes  1\n");
	expect_table("[{\"a\":1}]", "missing", 0, "A\n1\n");
}

static void a_wide_table_is_cut_to_the_terminal(void **state)
{
	char *out = table_of("[{\"ref\":\"BP-482113\",\"text\":\"một câu rất dài để mà cắt cho vừa "
			     "bề rộng của màn hình\"}]",
			     NULL, 40);
	char *line = strtok(out, "\n");

	(void)state;
	for (; line != NULL; line = strtok(NULL, "\n"))
		assert_true(ctl_width(line) <= 40);
	free(out);
	out = table_of("[{\"ref\":\"BP-482113\",\"text\":\"một câu rất dài để mà cắt cho vừa bề\"}]",
		       NULL, 40);
	assert_non_null(strstr(out, "BP-482113"));
	assert_non_null(strstr(out, "…"));
	free(out);
}

static void columns_that_cannot_fit_are_left_out(void **state)
{
	(void)state;
	expect_table("[{\"aaaa\":1,\"bbbb\":2,\"cccc\":3}]", NULL, 11,
		     "AAAA  BBBB\n1     2\n(1 more columns on a wider terminal, or with --json)\n");
}

static void what_the_daemon_says_cannot_steer_the_terminal(void **state)
{
	char *out = table_of("[{\"a\":\"x\\u001b[2Jy\\u009bz\\u202ew\\nv\"}]", NULL, 0);
	char *clean = ctl_clean("a\xff\tb\n c", true);

	(void)state;
	assert_null(strchr(out, '\033'));
	assert_string_equal(out, "A\nx�[2Jy�z�w v\n");
	assert_string_equal(clean, "a� b c");
	mem_free(clean);
	free(out);
}

static void times_are_shown_in_the_readers_zone(void **state)
{
	(void)state;
	setenv("TZ", "Asia/Ho_Chi_Minh", 1);
	expect_table("[{\"at\":\"2026-11-23T20:12:30.123456+00:00\"},{\"at\":\"2026-11-23T20:12\"}]", NULL,
		     0, "AT\n11-24 03:12:30\n2026-11-23T20:12\n");
	expect_table("[{\"at\":\"2026-11-23 20:12:30.1+00\"}]", NULL, 0, "AT\n11-24 03:12:30\n");
	expect_table("[{\"at\":\"2026-11-23T20:12:30+07:00\"}]", NULL, 0, "AT\n11-23 20:12:30\n");
}

static void a_cut_keeps_marks_with_their_letter(void **state)
{
	char *cut = ctl_cut("e\xcc\x81\xcc\xa3" "bcdef", 3);

	(void)state;
	assert_string_equal(cut, "e\xcc\x81\xcc\xa3" "b…");
	mem_free(cut);
	cut = ctl_cut("日本語", 4); /* a wide letter that would stick out is left out whole */
	assert_string_equal(cut, "日…");
	mem_free(cut);
}

static void wrapping_breaks_at_spaces_and_newlines_and_always_advances(void **state)
{
	const char *text = "Em bé khóc\n\nsuốtđêmsuốtđêm x", *next = text;
	static const char *const expected[] = { "Em bé", "khóc", "", "suốtđê", "msuốtđ", "êm x" };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		const char *line = next;
		size_t len = ctl_wrap(line, 6, &next);

		assert_int_equal(len, strlen(expected[i]));
		assert_memory_equal(line, expected[i], len);
	}
	assert_string_equal(next, "");
	assert_int_equal(ctl_wrap("日", 1, &next), 3);
}

static void a_number_is_masked_to_its_ends(void **state)
{
	char out[24];

	(void)state;
	ctl_mask_number("+84912345678", out);
	assert_string_equal(out, "+849******78");
	ctl_mask_number("111", out);
	assert_string_equal(out, "***");
}

static void options_are_taken_in_any_order_and_form(void **state)
{
	const char *a = NULL, *word = NULL;
	bool b = false;
	const struct ctl_option options[] = {
		{ "--a", &a, NULL, true }, { "--b", NULL, &b, false }, { NULL, NULL, NULL, false }
	};
	char *v1[] = { "x", "W", "--b", "--a", "-1", NULL };
	char *v2[] = { "x", "--a=", "--", "--b", NULL };
	char *v3[] = { "x", "--a", NULL };
	char *v4[] = { "x", "--c", NULL };
	char *v5[] = { "x", "--a=1", "one", "two", NULL };
	char *v6[] = { "x", "--a=1", NULL };

	(void)state;
	assert_true(ctl_parse(5, v1, 1, options, &word, 1, 1));
	assert_string_equal(a, "-1");
	assert_string_equal(word, "W");
	assert_true(b);
	assert_false(ctl_parse(4, v2, 1, options, &word, 1, 1)); /* required, and empty */
	assert_string_equal(word, "--b");
	assert_false(ctl_parse(2, v3, 1, options, &word, 0, 1));
	assert_false(ctl_parse(2, v4, 1, options, &word, 0, 1));
	assert_false(ctl_parse(4, v5, 1, options, &word, 1, 1));
	assert_false(ctl_parse(2, v6, 1, options, &word, 1, 1));
}

static void global_options_are_taken_wherever_they_stand(void **state)
{
	char *argv[] = { "hotlinectl", "cases", "--json", "--limit", "3", "--socket=/s", "--",
			 "--json", NULL };
	bool help = false, version = false;

	(void)state;
	assert_int_equal(ctl_take_globals(8, argv, &help, &version), 6);
	assert_true(ctl_globals.json);
	assert_string_equal(ctl_globals.socket, "/s");
	assert_string_equal(argv[1], "cases");
	assert_string_equal(argv[2], "--limit");
	assert_string_equal(argv[5], "--json");
	assert_false(help || version);
	ctl_globals.json = false;
	ctl_globals.socket = NULL;
}

static void a_pattern_is_found_whatever_its_case(void **state)
{
	(void)state;
	assert_true(phone_matches("ĐƯỜNG DÂY 111 xin chào", "đường dây"));
	assert_true(phone_matches("a\xcc\x81", "á"));
	assert_false(phone_matches("đường", "duong"));
	assert_true(phone_matches("Mã 482113 KHẨN", "/[0-9]{6} kh/"));
	assert_false(phone_matches("Mã 48211", "/[0-9]{6}/"));
	assert_true(phone_matches("either / or", "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_says_none),
		cmocka_unit_test(columns_line_up_by_what_the_eye_sees),
		cmocka_unit_test(only_the_named_columns_that_occur_are_shown),
		cmocka_unit_test(a_wide_table_is_cut_to_the_terminal),
		cmocka_unit_test(columns_that_cannot_fit_are_left_out),
		cmocka_unit_test(what_the_daemon_says_cannot_steer_the_terminal),
		cmocka_unit_test(times_are_shown_in_the_readers_zone),
		cmocka_unit_test(a_cut_keeps_marks_with_their_letter),
		cmocka_unit_test(wrapping_breaks_at_spaces_and_newlines_and_always_advances),
		cmocka_unit_test(a_number_is_masked_to_its_ends),
		cmocka_unit_test(options_are_taken_in_any_order_and_form),
		cmocka_unit_test(global_options_are_taken_wherever_they_stand),
		cmocka_unit_test(a_pattern_is_found_whatever_its_case),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl table", tests, NULL, NULL);
}
