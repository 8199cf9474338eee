/* Profiles: the shipped ones load, faults are placed, requests are read through them, templates filled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/adapter.h"
#include "adapters/http/link.h"
#include "base/mem.h"

static struct http_slice slice(const char *text)
{
	return (struct http_slice){text, strlen(text)};
}

static struct http_profile *load(const char *name)
{
	const char *src = getenv("HOTLINED_SRC");
	char *file = mem_printf("%s/adapters/http/profiles/%s.yaml", src ? src : ".", name), error[500];
	struct http_profile *profile = http_profile_load(file, error, sizeof(error));

	if (!profile)
		fail_msg("%s", error);
	mem_free(file);
	return profile;
}

static void test_shipped_profiles_load(void **state)
{
	static const char *const names[] = {"generic", "kannel", "africastalking", "hubtel", "infobip"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct http_profile *profile = load(names[i]);

		assert_string_equal(profile->name, names[i]);
		http_profile_free(profile);
	}
}

#define TOP "profile: x\n"
#define SMS TOP "sms:\n  fields: {from: f, text: t}\n"

static void test_faults_name_file_line_and_column(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"about: x\n", "p.yaml:1:1: 'profile' is missing"},
		{TOP "smss: {}\n", "p.yaml:2:1: unknown key 'smss'; did you mean 'sms'?"},
		{TOP "sms: []\n", "p.yaml:2:6: 'sms' must be a map"},
		{TOP "sms:\n  fields: {from: f}\n", "p.yaml:3:3: 'sms' needs the field 'text'"},
		{SMS "  path: sms\n", "p.yaml:4:9: 'path' must begin with a slash"},
		{SMS "  methods: [GET, HEAD]\n", "p.yaml:4:18: a method is GET, POST or PUT"},
		{SMS "  methods: GET\n", "p.yaml:4:12: 'methods' must be a list"},
		{SMS "  take: xml\n", "p.yaml:4:9: 'take' must be form or json"},
		{SMS "  answer: {status: 404}\n", "p.yaml:4:20: only a status of 200 to 299"},
		{SMS "  answer: {status: ok}\n", "p.yaml:4:20: a status is a number"},
		{SMS "  codings: {utf9: [x]}\n", "p.yaml:4:13: unknown key 'utf9'; did you mean 'utf8'?"},
		{SMS "  codings: {utf8: ['0'], utf16: ['0']}\n", "p.yaml:4:34: '0' stands for two things"},
		{TOP "sms:\n  fields: {from: f, text: t, status: s}\n", "p.yaml:3:30: unknown key 'status'"},
		{TOP "ussd:\n  fields: {from: f, session: s}\n", "p.yaml:3:3: 'ussd' needs 'screen'"},
		{TOP "ussd:\n  fields: {from: f}\n  screen: {next: a, last: b}\n", "p.yaml:3:3: 'ussd' needs the field 'session'"},
		{TOP "ussd:\n  fields: {from: f, session: s}\n  screen: {next: a}\n", "p.yaml:4:11: 'screen' needs 'next' and 'last'"},
		{TOP "ussd:\n  fields: {from: f, session: s}\n  screen: {next: '{txt}', last: b}\n",
		 "p.yaml:4:18: 'next': there is no {txt} here"},
		{TOP "ussd:\n  fields: {from: f, session: s}\n  screen: {type: application/json, next: '{text', last: '{}'}\n",
		 "p.yaml:4:42: 'next' is not JSON"},
		{TOP "ussd:\n  fields: {from: f, session: s}\n  history: '**'\n  screen: {next: a, last: b}\n",
		 "p.yaml:4:12: 'history' must be one character"},
		{TOP "ussd_end:\n  fields: {session: s}\n", "p.yaml:3:3: 'ussd_end' needs 'ussd'"},
		{TOP "send: {}\n", "p.yaml:2:7: 'send' needs either 'fields' or"},
		{TOP "send: {method: PUT, fields: {a: b}}\n", "p.yaml:2:16: 'method' must be GET or POST"},
		{TOP "send: {method: GET, json: '{}'}\n", "p.yaml:2:7: 'send' needs either"},
		{TOP "send: {fields: {a: '{pasword}'}}\n", "p.yaml:2:20: 'a': there is no {pasword} here"},
		{TOP "send: {fields: {a: b}, taken: {status: [20]}}\n", "p.yaml:2:41: a status is a number"},
		{TOP "send: {fields: {a: b}, taken: {status: 200}}\n", "p.yaml:2:31: 'status' and 'body' must be lists"},
		{"profile: [x\n", "p.yaml:2:1: "},
		{TOP TOP, "p.yaml:2:1: "},
	};
	char error[500];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_profile *profile =
			http_profile_read("p.yaml", cases[i].text, strlen(cases[i].text), error, sizeof(error));

		if (profile || strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s\nwanted: %s\ngot:    %s", cases[i].text, cases[i].error, profile ? "-" : error);
	}
}

static void test_a_form_is_unescaped_octet_by_octet(void **state)
{
	static const char form[] = "a=1&text=%1E%A5n+%2b%zz%4&empty=&bare&=x&a=2&n=%00";
	struct http_fields f = {0};
	struct http_slice text, n;

	(void)state;
	assert_true(http_fields_add_form(&f, form, strlen(form)));
	text = http_fields_find(&f, "text");
	assert_int_equal(text.len, 10);
	assert_memory_equal(text.at, "\x1e\xa5n +%zz%4", 10);
	assert_true(http_slice_is(http_fields_find(&f, "a"), "1"));
	assert_int_equal(http_fields_find(&f, "empty").len, 0);
	assert_non_null(http_fields_find(&f, "empty").at);
	assert_non_null(http_fields_find(&f, "bare").at);
	assert_null(http_fields_find(&f, "absent").at);
	n = http_fields_find(&f, "n");
	assert_int_equal(n.len, 1);
	http_fields_fini(&f);
}

static void test_too_many_fields_are_refused(void **state)
{
	struct http_fields f = {0};
	char form[HTTP_FIELDS_MAX * 2 + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(form); i++)
		form[i] = i % 2 ? '&' : 'a';
	assert_false(http_fields_add_form(&f, form, sizeof(form)));
	http_fields_fini(&f);
}

static void test_json_values_are_found_by_their_way(void **state)
{
	static const char json[] = "{\"a\":{\"b\":[{\"c\":\"x\"},7]},\"a.b\":\"whole\",\"yes\":true,\"no\":null,\"f\":1.5}";
	static const char *const bad[] = {"", "[]", "1", "{", "{\"a\":1,\"a\":2}", "{}x", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}"};
	struct http_fields f = {0};

	(void)state;
	assert_true(http_fields_set_json(&f, json, strlen(json)));
	assert_true(http_slice_is(http_fields_find(&f, "a.b.0.c"), "x"));
	assert_true(http_slice_is(http_fields_find(&f, "a.b.1"), "7"));
	assert_true(http_slice_is(http_fields_find(&f, "a.b"), "whole"));
	assert_true(http_slice_is(http_fields_find(&f, "yes"), "true"));
	assert_null(http_fields_find(&f, "no").at);
	assert_null(http_fields_find(&f, "f").at);
	assert_null(http_fields_find(&f, "a.b.2").at);
	assert_null(http_fields_find(&f, "a.b.x").at);
	assert_null(http_fields_find(&f, "a.").at);
	http_fields_fini(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(http_fields_set_json(&f, bad[i], strlen(bad[i])));
}

static void test_templates_are_filled_in_each_form(void **state)
{
	const struct http_value values[] = {{"text", "a \"b\"\n&\xe1\xba\xa5"}, {"none", NULL}};
	struct buf out = {0};

	(void)state;
	http_fill("CON {text}{none}{x", values, 2, HTTP_AS_TEXT, &out);
	assert_string_equal(buf_cstr(&out), "CON a \"b\"\n&\xe1\xba\xa5{x");
	buf_clear(&out);
	http_fill("{\"t\": {text}, \"n\": {none}, \"o\": {}}", values, 2, HTTP_AS_JSON, &out);
	assert_string_equal(buf_cstr(&out), "{\"t\": \"a \\\"b\\\"\\n&\xe1\xba\xa5\", \"n\": \"\", \"o\": {}}");
	buf_clear(&out);
	http_fill("/{text}", values, 2, HTTP_AS_FORM, &out);
	assert_string_equal(buf_cstr(&out), "/a%20%22b%22%0A%26%E1%BA%A5");
	buf_free(&out);
}

static void test_a_door_is_found_by_path_and_method(void **state)
{
	struct http_profile *profile = load("infobip");
	struct http_fields f = {0};
	const struct http_door *door;
	int status;

	(void)state;
	door = http_profile_door(profile, slice("/session/ab%2Fc/start"), HTTP_POST, &f, &status);
	assert_ptr_equal(door, &profile->doors[HTTP_DOOR_USSD]);
	assert_true(http_slice_is(http_fields_find(&f, door->fields[HTTP_SESSION]), "ab/c"));
	assert_int_equal(http_door_word(door, http_fields_find(&f, door->fields[HTTP_OP]), USSD_NONE), USSD_BEGIN);
	http_fields_fini(&f);
	assert_null(http_profile_door(profile, slice("/session/abc/start"), HTTP_GET, &f, &status));
	assert_int_equal(status, 405);
	assert_null(http_profile_door(profile, slice("/session/abc"), HTTP_POST, &f, &status));
	assert_int_equal(status, 404);
	assert_null(http_profile_door(profile, slice("/session//start"), HTTP_POST, &f, &status));
	assert_null(http_profile_door(profile, slice("/session/abc/start/x"), HTTP_POST, &f, &status));
	assert_null(http_profile_door(profile, slice(""), HTTP_POST, &f, &status));
	http_fields_fini(&f);
	http_profile_free(profile);
}

static void test_the_last_answer_is_what_was_added_to_the_history(void **state)
{
	static const struct {
		const char *whole, *before, *last;
	} cases[] = {
		{"1", "", "1"},
		{"a*b", "", "a*b"},
		{"1*2", "1", "2"},
		{"1*2*7", "1*2", "7"},
		{"1*a*b*c", "1", "a*b*c"}, /* a star that was typed */
		{"1*", "1", ""},
		{"2*7", "1", "7"},         /* not what we remember */
		{"1*2*7", NULL, "7"},      /* we remember nothing: after a restart */
		{"7", NULL, "7"},
		{"", NULL, ""},
		{"12", "1", "12"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *before = cases[i].before;
		struct http_slice last = http_history_last(slice(cases[i].whole), before, before ? strlen(before) : 0, '*');

		if (!http_slice_is(last, cases[i].last))
			fail_msg("%s after %s gives %.*s", cases[i].whole, before ? before : "-", (int)last.len, last.at);
	}
}

static void test_answers_of_a_provider_are_told_apart(void **state)
{
	struct http_profile *profile = load("kannel");
	const struct http_send *send = &profile->send;

	(void)state;
	assert_true(http_rule_fits(&send->taken, 202, "0: Accepted for delivery"));
	assert_true(http_rule_fits(&send->taken, 202, "3: Queued for later delivery"));
	assert_false(http_rule_fits(&send->taken, 200, "Authorization failed"));
	assert_false(http_rule_fits(&send->taken, 403, "0: Accepted for delivery"));
	assert_true(http_rule_fits(&send->later, 503, "Temporal failure, try again later."));
	assert_false(http_rule_fits(&send->later, 403, ""));
	http_profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_profiles_load),
		cmocka_unit_test(test_faults_name_file_line_and_column),
		cmocka_unit_test(test_a_form_is_unescaped_octet_by_octet),
		cmocka_unit_test(test_too_many_fields_are_refused),
		cmocka_unit_test(test_json_values_are_found_by_their_way),
		cmocka_unit_test(test_templates_are_filled_in_each_form),
		cmocka_unit_test(test_a_door_is_found_by_path_and_method),
		cmocka_unit_test(test_the_last_answer_is_what_was_added_to_the_history),
		cmocka_unit_test(test_answers_of_a_provider_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
