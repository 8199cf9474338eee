/* YAML trees: what is read, where it stood, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/yaml.h"

static struct yaml_node *parse(const char *text, struct yaml_error *error)
{
	return yaml_parse(text, strlen(text), error);
}

static void scalars_stay_texts_and_remember_their_place(void **state)
{
	struct yaml_error error;
	struct yaml_node *root = parse("a: no\nb:\n  - 1e3\n  - \"0\"\n  - {c: ~}\n", &error);
	const struct yaml_node *list = yaml_find(root, "b");

	(void)state;
	assert_non_null(root);
	assert_string_equal(yaml_find(root, "a")->text, "no");
	assert_int_equal(yaml_find(root, "a")->line, 1);
	assert_int_equal(yaml_find(root, "a")->column, 4);
	assert_int_equal(list->count, 3);
	assert_string_equal(list->items[0]->text, "1e3");
	assert_false(list->items[0]->quoted);
	assert_true(list->items[1]->quoted);
	assert_int_equal(list->items[1]->line, 4);
	assert_int_equal(list->items[1]->column, 5);
	assert_string_equal(yaml_find(list->items[2], "c")->text, "~");
	assert_null(yaml_find(root, "z"));
	assert_null(yaml_find(list, "a"));
	yaml_free(root);
}

static void an_empty_document_is_an_empty_map(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "---\n", "\n\n"};
	struct yaml_error error;
	struct yaml_node *root;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		root = parse(texts[i], &error);
		assert_non_null(root);
		assert_int_equal(root->kind, YAML_MAP);
		assert_int_equal(root->count, 0);
		yaml_free(root);
	}
}

static void everything_that_authors_do_not_need_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *says;
	} rows[] = {
		{"a: &x 1\n", 1, 4, "anchors"},
		{"a: 1\nb: *a\n", 2, 4, "aliases"},
		{"a: !!str 1\n", 1, 4, "tags"},
		{"a: ! 1\n", 1, 4, "tags"},
		{"a: [1,\n !t [2]]\n", 2, 2, "tags"},
		{"a: 1\nb: 2\na: 3\n", 3, 1, "second time"},
		{"a:\n\t- 1\n", 2, 1, "tab"},
		{"a:\n  - 1\n \t- 2\n", 3, 1, "tab"},
		{"a: 1\n---\nb: 2\n", 2, 1, "one document"},
		{"a: 1\nb: \xc3\x28\n", 2, 4, "UTF-8"},
		{"\xc3\xa0: \xff\n", 1, 4, "UTF-8"},
		{"a: \xed\xa0\x80\n", 1, 4, "UTF-8"},
		{"a: \xc0\xaf\n", 1, 4, "UTF-8"},
		{"a: \x01\n", 1, 4, "control"},
		{"a: \"\\0\"\n", 1, 4, "U+0000"},
		{"? [1, 2]\n: 3\n", 1, 3, "plain key"},
		{"? &k a\n: 3\n", 1, 3, "plain key"},
		{"a: [1, 2\n", 2, 1, ""},
		{"a: 'open\n", 2, 1, ""},
	};
	struct yaml_error error;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_null(parse(rows[i].text, &error));
		assert_int_equal(error.line, rows[i].line);
		assert_int_equal(error.column, rows[i].column);
		assert_non_null(strstr(error.text, rows[i].says));
	}
}

static void a_zero_byte_is_refused(void **state)
{
	struct yaml_error error;

	(void)state;
	assert_null(yaml_parse("a: 1\n\0b: 2\n", 11, &error));
	assert_int_equal(error.line, 2);
}

static void repeat(struct buf *b, const char *text, size_t times)
{
	buf_clear(b);
	for (size_t i = 0; i < times; i++)
		buf_put(b, text, strlen(text));
}

static void depth_32_is_read_and_33_is_not(void **state)
{
	struct yaml_error error;
	struct buf b = {0};
	struct yaml_node *root;

	(void)state;
	repeat(&b, "[", 32);
	for (int i = 0; i < 32; i++)
		buf_put_u8(&b, ']');
	root = yaml_parse((char *)b.data, b.len, &error);
	assert_non_null(root);
	yaml_free(root);
	repeat(&b, "[", 33);
	for (int i = 0; i < 33; i++)
		buf_put_u8(&b, ']');
	assert_null(yaml_parse((char *)b.data, b.len, &error));
	assert_non_null(strstr(error.text, "32 levels"));
	buf_free(&b);
}

/* Each of these takes libyaml, or a naive tree, from seconds to minutes. */
static void hostile_files_are_refused_at_once(void **state)
{
	static const struct {
		const char *piece;
		size_t times;
	} rows[] = {{"[", 500000}, {"{a: ", 200000}, {"- ", 500000}, {"- - a\n", 100000},
	            {"? ", 300000}, {"[a, ", 200000}, {"a\n", 500000}};
	struct timespec from, to;
	struct yaml_error error;
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		repeat(&b, rows[i].piece, rows[i].times);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		yaml_free(yaml_parse((char *)b.data, b.len, &error));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		assert_true(to.tv_sec - from.tv_sec < 5);
	}
	buf_free(&b);
}

static void many_keys_are_checked_for_duplicates_in_time(void **state)
{
	struct yaml_error error;
	struct yaml_node *root;
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 40000; i++)
		buf_printf(&b, "k%d: v\n", i);
	root = yaml_parse((char *)b.data, b.len, &error);
	assert_non_null(root);
	assert_int_equal(root->count, 40000);
	yaml_free(root);
	buf_printf(&b, "k77: v\n");
	assert_null(yaml_parse((char *)b.data, b.len, &error));
	assert_int_equal(error.line, 40001);
	buf_free(&b);
}

static void size_and_count_are_capped(void **state)
{
	struct yaml_error error;
	struct buf b = {0};

	(void)state;
	repeat(&b, "#", (1 << 20) + 1);
	assert_null(yaml_parse((char *)b.data, b.len, &error));
	assert_non_null(strstr(error.text, "1 MiB"));
	repeat(&b, "- a\n", 100001);
	assert_null(yaml_parse((char *)b.data, b.len, &error));
	assert_non_null(strstr(error.text, "100000"));
	buf_free(&b);
}

static void a_file_that_is_not_there_has_no_line(void **state)
{
	struct yaml_error error = {.line = 9};

	(void)state;
	assert_null(yaml_parse_file("/nonexistent/flow.yaml", &error));
	assert_int_equal(error.line, 0);
	assert_non_null(strstr(error.text, "cannot open"));
	assert_null(yaml_parse_file("/", &error));
	assert_int_equal(error.line, 0);
}

static void the_nearest_word_is_suggested_and_far_ones_are_not(void **state)
{
	static const char *const words[] = {"retries", "languages", "go", "words", "wait", NULL};

	(void)state;
	assert_string_equal(yaml_nearest("retires", words), "retries");
	assert_string_equal(yaml_nearest("langauges", words), "languages");
	assert_string_equal(yaml_nearest("goo", words), "go");
	assert_string_equal(yaml_nearest("wordz", words), "words");
	assert_null(yaml_nearest("xyz", words));
	assert_null(yaml_nearest("discreet", words));
	assert_null(yaml_nearest("", words));
}

static void durations_are_read_with_their_units_only(void **state)
{
	int64_t ms = 7;

	(void)state;
	assert_true(yaml_duration_ms("90s", &ms) && ms == 90000);
	assert_true(yaml_duration_ms("5m", &ms) && ms == 300000);
	assert_true(yaml_duration_ms("5min", &ms) && ms == 300000);
	assert_true(yaml_duration_ms("24h", &ms) && ms == 86400000);
	assert_true(yaml_duration_ms("30d", &ms) && ms == INT64_C(2592000000));
	assert_true(yaml_duration_ms("0", &ms) && ms == 0);
	ms = 7;
	assert_false(yaml_duration_ms("", &ms));
	assert_false(yaml_duration_ms("h", &ms));
	assert_false(yaml_duration_ms("-1s", &ms));
	assert_false(yaml_duration_ms("1.5h", &ms));
	assert_false(yaml_duration_ms("5 m", &ms));
	assert_false(yaml_duration_ms("99999999999999999999", &ms));
	assert_false(yaml_duration_ms("9223372036854775807d", &ms));
	assert_int_equal(ms, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_stay_texts_and_remember_their_place),
		cmocka_unit_test(an_empty_document_is_an_empty_map),
		cmocka_unit_test(everything_that_authors_do_not_need_is_refused_with_its_place),
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(depth_32_is_read_and_33_is_not),
		cmocka_unit_test(hostile_files_are_refused_at_once),
		cmocka_unit_test(many_keys_are_checked_for_duplicates_in_time),
		cmocka_unit_test(size_and_count_are_capped),
		cmocka_unit_test(a_file_that_is_not_there_has_no_line),
		cmocka_unit_test(the_nearest_word_is_suggested_and_far_ones_are_not),
		cmocka_unit_test(durations_are_read_with_their_units_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
