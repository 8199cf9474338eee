/* The connection to Redis against a server that answers what a test wants. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/loop.h"
#include "store/keyspace.h"
#include "store/redis.h"

enum { GIVE_UP_MS = 5000, COUNT_MAX = 64 };

static char dir[32], path[48];
static struct loop *loop;
static struct redis *redis;
static struct evconnlistener *listener;
static struct bufferevent *peer;
static const char *policy, *answer_to_load;
static unsigned connections, stop_at, loads;
static enum redis_health health[COUNT_MAX];
static char why[COUNT_MAX][160];
static size_t changes;
static unsigned prepared;
static char prepare_error[160];

static void say(const char *text)
{
	bufferevent_write(peer, text, strlen(text));
}

/* Commands are told apart by a word they hold; each comes in one piece. */
static void on_command(struct bufferevent *io, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(io);
	size_t len = evbuffer_get_length(in);
	const char *text = (const char *)evbuffer_pullup(in, -1);
	char line[64];

	(void)arg;
	if (memmem(text, len, "INFO", 4)) {
		snprintf(line, sizeof(line), "maxmemory_policy:%s", policy);
		evbuffer_add_printf(bufferevent_get_output(io), "$%zu\r\n%s\r\n", strlen(line), line);
	}
	if (memmem(text, len, "FUNCTION", 8)) {
		loads++;
		say(answer_to_load);
	}
	evbuffer_drain(in, len);
}

static void on_connection(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_len,
			  void *arg)
{
	(void)l;
	(void)from;
	(void)from_len;
	(void)arg;
	if (++connections == stop_at)
		loop_stop(loop);
	if (peer)
		bufferevent_free(peer);
	peer = bufferevent_socket_new(loop_base(loop), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(peer, on_command, NULL, NULL, NULL);
	bufferevent_enable(peer, EV_READ | EV_WRITE);
}

static void on_health(void *arg, enum redis_health now, const char *because)
{
	(void)arg;
	assert_true(changes < COUNT_MAX);
	snprintf(why[changes], sizeof(why[changes]), "%s", because ? because : "");
	health[changes++] = now;
	if (now == REDIS_UP)
		loop_stop(loop);
}

static void on_prepared(void *arg, const char *error)
{
	(void)arg;
	prepared++;
	snprintf(prepare_error, sizeof(prepare_error), "%s", error ? error : "");
	loop_stop(loop);
}

static void give_up(void *arg)
{
	loop_stop(arg);
}

static void run(void)
{
	struct loop_timer *end = loop_timer_new(loop, give_up, loop);

	loop_timer_set(end, GIVE_UP_MS);
	loop_run(loop);
	loop_timer_free(end);
}

static int setup(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct redis_config config = {.socket = path, .budget_ms = 1000};

	(void)state;
	log_setup(LOG_ERROR_);
	strcpy(dir, "/tmp/hl-redis.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	memcpy(at.sun_path, path, sizeof(path));
	loop = loop_new();
	listener = evconnlistener_new_bind(loop_base(loop), on_connection, NULL, LEV_OPT_CLOSE_ON_FREE, 4,
					   (struct sockaddr *)&at, sizeof(at));
	assert_non_null(listener);
	connections = stop_at = loads = prepared = 0;
	changes = 0;
	policy = "noeviction";
	answer_to_load = "$8\r\nhotlined\r\n";
	redis = redis_new(loop, &config, on_health, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	redis_free(redis);
	if (peer)
		bufferevent_free(peer);
	peer = NULL;
	evconnlistener_free(listener);
	loop_run_posted(loop);
	loop_free(loop);
	unlink(path);
	rmdir(dir);
	return 0;
}

static void a_server_that_keeps_everything_is_used(void **state)
{
	(void)state;
	redis_start(redis);
	run();
	assert_int_equal(changes, 1);
	assert_int_equal(health[0], REDIS_UP);
	assert_true(redis_up(redis));
}

static void a_server_that_may_drop_reports_is_left_and_asked_again(void **state)
{
	(void)state;
	policy = "allkeys-lru";
	stop_at = 3;
	redis_start(redis);
	run();
	assert_int_equal(connections, 3);
	assert_false(redis_up(redis));
	assert_int_equal(health[0], REDIS_UNSAFE);
	assert_int_equal(health[1], REDIS_DOWN);
	assert_string_equal(why[0], why[1]);
	policy = "noeviction";
	run();
	assert_true(redis_up(redis));
}

static void a_library_that_is_refused_says_why_and_can_be_asked_for_again(void **state)
{
	(void)state;
	redis_start(redis);
	run();
	answer_to_load = "-LOADING Redis is loading the dataset in memory\r\n";
	keyspace_prepare(redis, on_prepared, NULL);
	run();
	assert_int_equal(prepared, 1);
	assert_non_null(strstr(prepare_error, "LOADING"));
	answer_to_load = "$8\r\nhotlined\r\n";
	keyspace_prepare(redis, on_prepared, NULL);
	run();
	assert_int_equal(loads, 2);
	assert_string_equal(prepare_error, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_server_that_keeps_everything_is_used),
		T(a_server_that_may_drop_reports_is_left_and_asked_again),
		T(a_library_that_is_refused_says_why_and_can_be_asked_for_again),
	};

	return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
