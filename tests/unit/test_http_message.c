/* The grammar of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/http/message.h"
#include "base/mem.h"

#define HOST "Host: h\r\n"

/* Status of a head: 0 good, -1 not whole yet. */
static int read_head(const char *text, size_t len, struct http_head *head)
{
	char *exact = mem_dup(text, len); /* so that one octet too far is seen */
	size_t used = 0;
	int status = 0;
	enum http_parse result = http_head_read(exact, len, head, &used, &status);

	mem_free(exact);
	if (result == HTTP_OK)
		assert_true(used <= len);
	return result == HTTP_OK ? 0 : result == HTTP_MORE ? -1 : status;
}

static void test_a_head_is_read_into_method_path_query_and_headers(void **state)
{
	static const char text[] = "POST /a/b?c=d&e HTTP/1.1\r\n" HOST "Content-Length: 12\r\nX-One:  two \t\r\n\r\nrest";
	struct http_head head;
	size_t used;
	int status;

	(void)state;
	assert_int_equal(http_head_read(text, strlen(text), &head, &used, &status), HTTP_OK);
	assert_string_equal(text + used, "rest");
	assert_int_equal(head.method, HTTP_POST);
	assert_true(http_slice_is(head.path, "/a/b"));
	assert_true(http_slice_is(head.query, "c=d&e"));
	assert_true(http_slice_is(http_header(&head, "x-one"), "two"));
	assert_null(http_header(&head, "x-two").at);
	assert_int_equal(head.body_len, 12);
	assert_false(head.close);
	assert_false(head.chunked);
}

static void test_a_head_that_may_come_to_its_end_is_waited_for(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
	struct http_head head;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++)
		assert_int_equal(read_head(text, len, &head), -1);
	assert_int_equal(read_head(text, strlen(text), &head), 0);
}

static void test_what_another_reader_could_take_for_something_else_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: -4\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 4,4\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 0x4\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 413},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 262145\r\n\r\n", 413},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 400},
		{"GET / HTTP/1.1\n" HOST "\r\n\r\n", 400},
		{"GET / HTTP/1.1\n" "Host: h\n\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
		{"GET http://h/ HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET / a HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET /\r\n" HOST "\r\n", 400},
		{"get / HTTP/1.1\r\n" HOST "\r\n", 501},
		{"DELETE / HTTP/1.1\r\n" HOST "\r\n", 501},
		{"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
		{"GET / HTTP/1.10\r\n" HOST "\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Expect: miracle\r\n\r\n", 417},
	};
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (read_head(cases[i].text, strlen(cases[i].text), &head) != cases[i].status)
			fail_msg("not %d: %s", cases[i].status, cases[i].text);
	}
}

static void test_nul_in_a_head_is_refused(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n";
	struct http_head head;

	(void)state;
	assert_int_equal(read_head(text, sizeof(text) - 1, &head), 400);
}

static void test_a_head_without_end_is_refused(void **state)
{
	char *text = mem_alloc(HTTP_HEAD_MAX);
	struct http_head head;

	(void)state;
	memset(text, 'a', HTTP_HEAD_MAX);
	assert_int_equal(read_head(text, HTTP_HEAD_MAX - 1, &head), -1);
	assert_int_equal(read_head(text, HTTP_HEAD_MAX, &head), 431);
	mem_free(text);
}

static void test_too_many_headers_are_refused(void **state)
{
	struct buf text = {0};
	struct http_head head;

	(void)state;
	buf_printf(&text, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 1; i < HTTP_HEADERS_MAX; i++)
		buf_printf(&text, "A: b\r\n");
	buf_printf(&text, "\r\n");
	assert_int_equal(read_head(buf_cstr(&text), text.len, &head), 0);
	text.len -= 2;
	buf_printf(&text, "A: b\r\n\r\n");
	assert_int_equal(read_head(buf_cstr(&text), text.len, &head), 431);
	buf_free(&text);
}

static void test_who_closes_is_known(void **state)
{
	struct http_head head;

	(void)state;
	assert_int_equal(read_head("GET / HTTP/1.0\r\n\r\n", 18, &head), 0);
	assert_true(head.close);
	static const char close[] = "GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n";
	assert_int_equal(read_head(close, strlen(close), &head), 0);
	assert_true(head.close);
}

/* The body in one piece and octet by octet gives the same; returns 0, -1 for MORE, or the status. */
static int read_body(const char *text, size_t len, char *out, size_t size)
{
	struct http_body body = {.chunked = true};
	enum http_parse result = HTTP_MORE;
	int status = 0;

	for (size_t i = 0; i < len && result == HTTP_MORE; i++) {
		size_t used;

		result = http_body_read(&body, text + i, 1, &used, &status);
	}
	snprintf(out, size, "%s", buf_cstr(&body.bytes));
	buf_free(&body.bytes);
	return result == HTTP_OK ? 0 : result == HTTP_MORE ? -1 : status;
}

static void test_a_chunked_body_is_joined(void **state)
{
	static const char text[] = "3\r\nabc\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
	struct http_body body = {.chunked = true};
	char out[64];
	size_t used;
	int status;

	(void)state;
	assert_int_equal(read_body(text, strlen(text), out, sizeof(out)), 0);
	assert_string_equal(out, "abc0123456789");
	assert_int_equal(http_body_read(&body, text, strlen(text), &used, &status), HTTP_OK);
	assert_string_equal(text + used, "next");
	assert_string_equal(buf_cstr(&body.bytes), "abc0123456789");
	buf_free(&body.bytes);
}

static void test_a_broken_chunk_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"\r\n", 400}, {"x\r\n", 400}, {";\r\n", 400}, {"-1\r\n", 400}, {"3\nabc", 400}, {"3 \r\n", 400},
		{"3\r\nabcd\r\n", 400}, {"3\r\nabc\n", 400}, {"3\r\nabc\r0", 400}, {"0\r\nA\n", 400},
		{"fffffff\r\n", 413}, {"40001\r\na", 413}, {"3\r\nab", -1}, {"0\r\n", -1},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (read_body(cases[i].text, strlen(cases[i].text), out, sizeof(out)) != cases[i].status)
			fail_msg("not %d: %s", cases[i].status, cases[i].text);
	}
}

static void test_a_counted_body_ends_where_it_was_said_to(void **state)
{
	struct http_body body = {.left = 4};
	size_t used;
	int status;

	(void)state;
	assert_int_equal(http_body_read(&body, "ab", 2, &used, &status), HTTP_MORE);
	assert_int_equal(http_body_read(&body, "cdGET", 5, &used, &status), HTTP_OK);
	assert_int_equal(used, 2);
	assert_string_equal(buf_cstr(&body.bytes), "abcd");
	buf_free(&body.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_head_is_read_into_method_path_query_and_headers),
		cmocka_unit_test(test_a_head_that_may_come_to_its_end_is_waited_for),
		cmocka_unit_test(test_what_another_reader_could_take_for_something_else_is_refused),
		cmocka_unit_test(test_nul_in_a_head_is_refused),
		cmocka_unit_test(test_a_head_without_end_is_refused),
		cmocka_unit_test(test_too_many_headers_are_refused),
		cmocka_unit_test(test_who_closes_is_known),
		cmocka_unit_test(test_a_chunked_body_is_joined),
		cmocka_unit_test(test_a_broken_chunk_is_refused),
		cmocka_unit_test(test_a_counted_body_ends_where_it_was_said_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
