/* The officers' grammar: every way to say a command, and sentences that are none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/command.h"

struct command_case {
	const char *text;
	enum command_verb verb;
	const char *code, *ref, *rest;
};

static void check(const struct command_case *row)
{
	struct command c;

	if (!command_parse(row->text, &c))
		fail_msg("'%s' is not taken for a command", row->text);
	if (c.verb != row->verb || strcmp(c.code, row->code) != 0 || strcmp(c.ref, row->ref) != 0 ||
	    strcmp(c.rest, row->rest) != 0)
		fail_msg("'%s': %s code '%s' ref '%s' rest '%s'", row->text,
			 command_verb_name(c.verb), c.code, c.ref, c.rest);
}

#define CHECK_ALL(table)                                                                           \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++)                         \
	check(&(table)[i_])

static void an_acknowledgement_is_understood_in_every_spelling(void **state)
{
	static const struct command_case table[] = {
		{"NHAN 482113", COMMAND_ACK, "482113", "", ""},
		{"nhan482113", COMMAND_ACK, "482113", "", ""},
		{"NHAN 482 113", COMMAND_ACK, "482113", "", ""},
		{"Nhận 482113", COMMAND_ACK, "482113", "", ""},
		{"Nha\xcc\xa3\xcc\x82n 482113", COMMAND_ACK, "482113", "", ""},
		{"  nhận:  48-21-13. ", COMMAND_ACK, "482113", "", ""},
		{"da nhan ma so 482113", COMMAND_ACK, "482113", "", ""},
		{"Dạ, nhận rồi ạ 482113", COMMAND_ACK, "482113", "", ""},
		{"ok 482113", COMMAND_ACK, "482113", "", ""},
		{"ACK 482113", COMMAND_ACK, "482113", "", ""},
		{"482113", COMMAND_ACK, "482113", "", ""},
		{"482 113", COMMAND_ACK, "482113", "", ""},
		{"４８２１１３", COMMAND_ACK, "482113", "", ""},
		{"ma 482113", COMMAND_ACK, "482113", "", ""},
		{"482113 ok", COMMAND_ACK, "482113", "", ""},
		{"ok bp-4821", COMMAND_ACK, "", "BP-4821", ""},
		{"nhan vu BP 4821", COMMAND_ACK, "", "BP-4821", ""},
		{"ok", COMMAND_ACK, "", "", ""},
		{"OK 👍", COMMAND_ACK, "", "", ""},
		{"da nhan", COMMAND_ACK, "", "", ""},
		{"dạ nhận rồi ạ", COMMAND_ACK, "", "", ""},
		{"nhan 482113 toi dang di", COMMAND_ACK, "482113", "", "toi dang di"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void the_other_verbs_are_understood_in_both_languages(void **state)
{
	static const struct command_case table[] = {
		{"KHONG 482113", COMMAND_DECLINE, "482113", "", ""},
		{"Không nhận 482113", COMMAND_DECLINE, "482113", "", ""},
		{"khong nhan duoc bp4822", COMMAND_DECLINE, "", "BP-4822", ""},
		{"no 482113", COMMAND_DECLINE, "482113", "", ""},
		{"ko482113", COMMAND_DECLINE, "482113", "", ""},
		{"482113 khong di duoc", COMMAND_DECLINE, "482113", "", "di duoc"},
		{"chuyen bp4822 ca xa", COMMAND_PASS, "", "BP-4822", "ca xa"},
		{"CHUYỂN 482113 cho Lan", COMMAND_PASS, "482113", "", "lan"},
		{"pass 482113 to 0912 345 678", COMMAND_PASS, "482113", "", "0912 345 678"},
		{"chuyen 482113", COMMAND_PASS, "482113", "", ""},
		{"XONG 482113", COMMAND_DONE, "482113", "", ""},
		{"done case bp-4821", COMMAND_DONE, "", "BP-4821", ""},
		{"482113 xong", COMMAND_DONE, "482113", "", ""},
		{"đã xong 482113", COMMAND_DONE, "482113", "", ""},
		{"AI", COMMAND_WHO, "", "", ""},
		{"ai trực?", COMMAND_WHO, "", "", ""},
		{"who", COMMAND_WHO, "", "", ""},
	};

	(void)state;
	CHECK_ALL(table);
}

static void a_mistyped_code_is_a_command_with_a_reference(void **state)
{
	static const struct command_case table[] = {
		{"nhan 48211", COMMAND_ACK, "", "48211", ""},
		{"ok 4821", COMMAND_ACK, "", "4821", ""},
		{"xong 4821130", COMMAND_DONE, "", "4821130", ""},
	};

	(void)state;
	CHECK_ALL(table);
}

static void a_command_without_a_usable_code_is_an_attempt(void **state)
{
	static const char *const table[] = {"NHAN 0", "nhan 12", "ok 12 34", "NHAN O12345", "Nhận mã 4 8 2 ạ",
					    "khong nhan 48211345678", "da, nhan vu so 7", "nhan ma", "ai 3"};
	static const char *const none[] = {"NHAN 482113", "ok", "nhan 48211", "ok 113 da den", "khong an 3 ngay",
					   "nhanh 0", "0", "2", "482113", "", "khong biet", "toi nhan 0"};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!command_attempted(table[i]))
			fail_msg("'%s' is no attempt", table[i]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (command_attempted(none[i]))
			fail_msg("'%s' is an attempt", none[i]);
}

static void a_long_rest_is_cut_and_terminated(void **state)
{
	struct command c;

	(void)state;
	assert_true(command_parse("chuyen 482113 cho to truc dem cua phong y te xa bom bo", &c));
	assert_string_equal(c.rest, "to truc dem cua phong y te xa b");
}

static void sentences_are_not_commands(void **state)
{
	static const char *const table[] = {
		"nhan duoc tin chau be bi danh",
		"Nhận được tin cháu bé bị đánh",
		"nhan vien y te bao co chau be 6 tuoi",
		"khong an 3 ngay roi",
		"khong biet 123456 la gi",
		"khong co ai o nha",
		"khong co 300 nghin",
		"ai do danh chau",
		"ai danh 482113",
		"who are you",
		"ai 482113",
		"no is at bp-4821 school",
		"ok 113 da den",
		"ok 2",
		"chuyen nay kho qua",
		"chuyen cho ca xa",
		"482113 la gi vay",
		"bp-4821",
		"da bao hom qua ma so BP-4821 chua thay ai den",
		"xong viec o truong thi ve nha",
		"0912345678",
		"2",
		"👍",
		"",
		" ",
		"nhanh len",
		"okela 482113x",
		"nothing 482113",
		"pass482113456789",
	};
	struct command c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (command_parse(table[i], &c))
			fail_msg("'%s' was taken for %s", table[i], command_verb_name(c.verb));
}

static void a_story_that_begins_with_a_verb_stays_a_story(void **state)
{
	char text[400] = "nhan 482113 ";
	struct command c;

	(void)state;
	memset(text + strlen(text), 'a', 300);
	assert_false(command_parse(text, &c));
}

static void output_is_untouched_when_there_is_no_command(void **state)
{
	struct command c, before;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	before = c;
	assert_false(command_parse("nhan duoc 482113 chau be", &c));
	assert_memory_equal(&c, &before, sizeof(c));
}

static void any_bytes_give_bounded_strings(void **state)
{
	static const char letters[] = "nhanokxgcuye 0123456789 bp-\xe1\xba\xad\xcc\x81\xff";
	unsigned seed = 20260602;
	char text[200];
	struct command c;

	(void)state;
	printf("random seed %u\n", seed);
	for (int round = 0; round < 100000; round++) {
		size_t len = (size_t)rand_r(&seed) % (sizeof(text) - 1);

		for (size_t i = 0; i < len; i++)
			text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		text[len] = '\0';
		command_attempted(text);
		if (!command_parse(text, &c))
			continue;
		assert_true(c.code[0] == '\0' || strlen(c.code) == COMMAND_CODE_LEN);
		assert_true(c.code[0] == '\0' || c.ref[0] == '\0');
		assert_true(strlen(c.ref) < sizeof(c.ref) && strlen(c.rest) < sizeof(c.rest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_acknowledgement_is_understood_in_every_spelling),
		cmocka_unit_test(the_other_verbs_are_understood_in_both_languages),
		cmocka_unit_test(a_mistyped_code_is_a_command_with_a_reference),
		cmocka_unit_test(a_command_without_a_usable_code_is_an_attempt),
		cmocka_unit_test(a_long_rest_is_cut_and_terminated),
		cmocka_unit_test(sentences_are_not_commands),
		cmocka_unit_test(a_story_that_begins_with_a_verb_stays_a_story),
		cmocka_unit_test(output_is_untouched_when_there_is_no_command),
		cmocka_unit_test(any_bytes_give_bounded_strings),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
