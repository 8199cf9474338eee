/* The server against callers that are slow, broken, too many or too curious. Time is skipped, not slept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "adapters/http/server.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http_wire.h"

enum { DEADLINE_MS = 10000, ANSWER_MS = 8000, IDLE_MS = 30000, CONNECTIONS = 6, PER_ADDRESS = 5 };

#define GET "GET /in HTTP/1.1\r\nHost: h\r\n\r\n"

static struct {
	struct loop *loop;
	struct http_server *server;
	unsigned port;
	struct http_exchange *held; /* the handler answers later */
	bool hold;
	unsigned handled;
	size_t big;                 /* length of the answer */
	struct wire *wires[CONNECTIONS + 1];
} t;

static void on_request(void *arg, struct http_exchange *x)
{
	char *big = t.big ? mem_alloc(t.big) : NULL;

	(void)arg;
	t.handled++;
	if (t.hold)
		t.held = x;
	else if (big)
		http_answer(x, 200, "text/plain", big, t.big);
	else
		http_answer(x, 200, "text/plain", x->body.bytes.data, x->body.bytes.len);
	mem_free(big);
}

static int setup(void **state)
{
	char listen[32];
	const struct http_server_conf conf = {.listen = listen, .deadline_ms = DEADLINE_MS, .answer_ms = ANSWER_MS,
					      .idle_ms = IDLE_MS, .connections = CONNECTIONS,
					      .per_address = PER_ADDRESS};
	char error[200];

	(void)state;
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	t.port = wire_free_port();
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", t.port);
	t.server = http_server_open(t.loop, &conf, error, sizeof(error));
	assert_non_null(t.server);
	assert_true(http_server_mount(t.server, "/in", on_request, NULL));
	for (size_t i = 0; i < sizeof(t.wires) / sizeof(*t.wires); i++)
		t.wires[i] = mem_alloc(sizeof(struct wire));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_server_close(t.server);
	for (size_t i = 0; i < sizeof(t.wires) / sizeof(*t.wires); i++) {
		if (t.wires[i]->fd > 0)
			wire_close(t.wires[i], t.loop);
		mem_free(t.wires[i]);
	}
	loop_free(t.loop);
	return 0;
}

static void skip_ms(int64_t ms)
{
	loop_skip_ms(t.loop, ms);
	wire_settle(t.loop);
}

static const struct http_server_counts *counts(void)
{
	return http_server_counts(t.server);
}

static void test_requests_follow_each_other_on_a_connection(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "POST /in/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
	assert_non_null(strstr(w->got, "\r\n\r\nabc"));
	assert_int_equal(wire_status(w, t.loop), 200);
	wire_say(w, t.loop, GET GET); /* the second before the answer to the first */
	assert_int_equal(t.handled, 3);
	assert_false(w->closed);
	wire_say(w, t.loop, "GET /in HTTP/1.0\r\n\r\n");
	assert_int_equal(t.handled, 4);
	assert_true(w->closed);
}

static void test_paths_end_at_slashes(void **state)
{
	(void)state;
	assert_int_equal(wire_ask(t.loop, t.port, "GET /inn HTTP/1.0\r\n\r\n", NULL, 0), 404);
	assert_int_equal(wire_ask(t.loop, t.port, "GET / HTTP/1.0\r\n\r\n", NULL, 0), 404);
	assert_int_equal(wire_ask(t.loop, t.port, "GET /in?a HTTP/1.0\r\n\r\n", NULL, 0), 200);
	assert_false(http_server_mount(t.server, "/in", on_request, NULL));
}

static void test_a_request_octet_by_octet_is_whole_in_the_end(void **state)
{
	static const char text[] = "POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	for (size_t i = 0; i < strlen(text); i++)
		wire_put(w, t.loop, text + i, 1);
	assert_non_null(strstr(w->got, "\r\n\r\nab"));
}

static void test_bad_grammar_ends_the_connection(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 4\r\n\r\nabcd" GET);
	assert_int_equal(wire_status(w, t.loop), 400);
	assert_true(w->closed);
	assert_int_equal(t.handled, 0);
	assert_int_equal(counts()->malformed, 1);
}

static void test_a_header_now_and_then_does_not_keep_a_connection(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "GET /in HTTP/1.1\r\nHost: h\r\n");
	for (int i = 0; i < 4; i++) {
		assert_false(w->closed);
		skip_ms(DEADLINE_MS / 4 - 1);
		wire_say(w, t.loop, "A: b\r\n");
	}
	skip_ms(10);
	wire_take(w, t.loop);
	assert_true(w->closed);
	assert_int_equal(counts()->slow, 1);
	assert_int_equal(t.handled, 0);
}

static void test_a_trickling_body_has_the_same_deadline(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		skip_ms(DEADLINE_MS / 4 - 1);
		wire_say(w, t.loop, "x");
	}
	assert_false(w->closed);
	skip_ms(10);
	wire_take(w, t.loop);
	assert_true(w->closed);
	assert_int_equal(counts()->slow, 1);
}

static void test_who_says_nothing_goes(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	skip_ms(DEADLINE_MS + 1);
	wire_take(w, t.loop);
	assert_true(w->closed);
	wire_close(w, t.loop);
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, GET);
	skip_ms(IDLE_MS - 10);
	assert_int_equal(wire_status(w, t.loop), 200);
	assert_false(w->closed);
	skip_ms(20);
	wire_take(w, t.loop);
	assert_true(w->closed);
}

static void test_half_a_body_is_no_request(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
	wire_close(w, t.loop);
	w->fd = 0;
	assert_int_equal(t.handled, 0);
	assert_int_equal(counts()->broken, 1);
}

static void test_who_does_not_read_is_cut(void **state)
{
	struct wire *w = t.wires[0];
	int small = 4096;

	(void)state;
	t.big = 8 << 20;
	wire_open(w, t.loop, t.port);
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_true(send(w->fd, GET, strlen(GET), 0) > 0);
	wire_settle(t.loop);
	assert_int_equal(t.handled, 1);
	skip_ms(DEADLINE_MS + 1);
	assert_int_equal(counts()->slow, 1);
}

static void test_no_address_takes_all_connections(void **state)
{
	(void)state;
	for (int i = 0; i < PER_ADDRESS; i++)
		wire_open(t.wires[i], t.loop, t.port);
	wire_open(t.wires[PER_ADDRESS], t.loop, t.port);
	wire_take(t.wires[PER_ADDRESS], t.loop);
	assert_true(t.wires[PER_ADDRESS]->closed);
	assert_int_equal(counts()->crowded, 1);
	wire_say(t.wires[0], t.loop, GET);
	assert_int_equal(wire_status(t.wires[0], t.loop), 200);
	wire_close(t.wires[1], t.loop);
	t.wires[1]->fd = 0;
	assert_int_equal(wire_ask(t.loop, t.port, "GET /in HTTP/1.0\r\n\r\n", NULL, 0), 200);
}

static void test_an_answer_that_takes_too_long_is_503_and_its_own_is_dropped(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	t.hold = true;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, GET);
	assert_int_equal(wire_status(w, t.loop), 0);
	skip_ms(ANSWER_MS + 1);
	assert_int_equal(wire_status(w, t.loop), 503);
	http_answer(t.held, 200, NULL, NULL, 0);
	wire_take(w, t.loop);
	assert_int_equal(w->len, 0);
	assert_int_equal(counts()->late, 1);
}

static void test_a_caller_that_has_gone_is_not_answered(void **state)
{
	struct wire *w = t.wires[0];
	struct linger hard = {1, 0};

	(void)state;
	t.hold = true;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, GET);
	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	wire_close(w, t.loop);
	w->fd = 0;
	http_answer(t.held, 200, NULL, NULL, 0);
	wire_settle(t.loop);
}

static void test_a_server_that_closes_leaves_its_exchanges_to_their_handlers(void **state)
{
	(void)state;
	t.hold = true;
	wire_open(t.wires[0], t.loop, t.port);
	wire_say(t.wires[0], t.loop, GET);
	http_server_close(t.server);
	t.server = NULL;
	http_answer(t.held, 200, NULL, NULL, 0);
}

static void test_continue_is_said_to_who_waits_for_it(void **state)
{
	struct wire *w = t.wires[0];

	(void)state;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(wire_status(w, t.loop), 100);
	wire_say(w, t.loop, "x");
	assert_int_equal(wire_status(w, t.loop), 200);
}

static void test_an_address_can_be_shared_but_not_with_other_files(void **state)
{
	char listen[32], error[200];
	struct http_server_conf conf = {.listen = listen, .connections = 1, .per_address = 1};

	(void)state;
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", t.port);
	assert_ptr_equal(http_server_open(t.loop, &conf, error, sizeof(error)), t.server);
	http_server_close(t.server);
	conf.cert_file = conf.key_file = "/nonexistent";
	assert_null(http_server_open(t.loop, &conf, error, sizeof(error)));
	conf.listen = "127.0.0.1:x";
	assert_null(http_server_open(t.loop, &conf, error, sizeof(error)));
	conf.cert_file = conf.key_file = NULL;
	assert_null(http_server_open(t.loop, &conf, error, sizeof(error)));
	assert_non_null(strstr(error, "127.0.0.1:x"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests_follow_each_other_on_a_connection),
		TEST(test_paths_end_at_slashes),
		TEST(test_a_request_octet_by_octet_is_whole_in_the_end),
		TEST(test_bad_grammar_ends_the_connection),
		TEST(test_a_header_now_and_then_does_not_keep_a_connection),
		TEST(test_a_trickling_body_has_the_same_deadline),
		TEST(test_who_says_nothing_goes),
		TEST(test_half_a_body_is_no_request),
		TEST(test_who_does_not_read_is_cut),
		TEST(test_no_address_takes_all_connections),
		TEST(test_an_answer_that_takes_too_long_is_503_and_its_own_is_dropped),
		TEST(test_a_caller_that_has_gone_is_not_answered),
		TEST(test_a_server_that_closes_leaves_its_exchanges_to_their_handlers),
		TEST(test_continue_is_said_to_who_waits_for_it),
		TEST(test_an_address_can_be_shared_but_not_with_other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
