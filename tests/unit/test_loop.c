/* The loop's timers, its mailbox for other threads, and the back-off. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/loop.h"

struct count {
	struct loop *loop;
	struct loop_timer *timer;
	int calls, stop_at;
};

static void on_call(void *arg)
{
	struct count *c = arg;

	if (++c->calls == c->stop_at)
		loop_stop(c->loop);
}

static void a_timer_fires_once_and_not_before_its_time(void **state)
{
	struct count c = {.loop = loop_new(), .stop_at = 1};
	int64_t start_ms = loop_now_ms(c.loop);

	(void)state;
	c.timer = loop_timer_new(c.loop, on_call, &c);
	loop_timer_set(c.timer, 20);
	assert_true(loop_timer_armed(c.timer));
	loop_run(c.loop);
	assert_true(loop_now_ms(c.loop) - start_ms >= 20);
	assert_false(loop_timer_armed(c.timer));
	assert_int_equal(c.calls, 1);
	loop_timer_free(c.timer);
	loop_free(c.loop);
}

static void a_cancelled_timer_stays_silent(void **state)
{
	struct count c = {.loop = loop_new(), .stop_at = 1};
	struct count other = {.loop = c.loop, .stop_at = 1};

	(void)state;
	c.timer = loop_timer_new(c.loop, on_call, &c);
	other.timer = loop_timer_new(c.loop, on_call, &other);
	loop_timer_set(c.timer, 1);
	loop_timer_cancel(c.timer);
	loop_timer_set(other.timer, 10);
	loop_run(c.loop);
	assert_int_equal(c.calls, 0);
	loop_timer_free(c.timer);
	loop_timer_free(other.timer);
	loop_free(c.loop);
}

static void skipped_time_passes_for_clocks_and_timers(void **state)
{
	struct count c = {.loop = loop_new(), .stop_at = 1};
	int64_t now_ms = loop_now_ms(c.loop), wall_us = loop_wall_us(c.loop);

	(void)state;
	c.timer = loop_timer_new(c.loop, on_call, &c);
	loop_timer_set(c.timer, 24 * 3600 * 1000);
	loop_skip_ms(c.loop, 24 * 3600 * 1000);
	loop_run(c.loop);
	assert_int_equal(c.calls, 1);
	assert_true(loop_now_ms(c.loop) - now_ms >= 24 * 3600 * 1000);
	assert_true(loop_wall_us(c.loop) - wall_us >= (int64_t)24 * 3600 * 1000000);
	loop_timer_free(c.timer);
	loop_free(c.loop);
}

enum { POSTS = 10000 };

static void *post_many(void *arg)
{
	struct count *c = arg;

	for (int i = 0; i < POSTS; i++)
		loop_post(c->loop, on_call, c);
	return NULL;
}

static void every_call_of_another_thread_is_run(void **state)
{
	struct count c = {.loop = loop_new(), .stop_at = POSTS};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, post_many, &c), 0);
	loop_run(c.loop);
	pthread_join(thread, NULL);
	assert_int_equal(c.calls, POSTS);
	loop_free(c.loop);
}

static void back_off_grows_to_its_limit_with_jitter(void **state)
{
	(void)state;
	for (unsigned tries = 0; tries < 40; tries++) {
		int64_t full = tries < 6 ? 100 << tries : 5000;
		int64_t ms = loop_backoff_ms(tries, 100, 5000);

		full = full > 5000 ? 5000 : full;
		assert_true(ms >= full / 2 && ms <= full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_once_and_not_before_its_time),
		cmocka_unit_test(a_cancelled_timer_stays_silent),
		cmocka_unit_test(skipped_time_passes_for_clocks_and_timers),
		cmocka_unit_test(every_call_of_another_thread_is_run),
		cmocka_unit_test(back_off_grows_to_its_limit_with_jitter),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
