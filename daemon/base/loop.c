/* The event loop: libevent with timers on CLOCK_BOOTTIME and a mailbox for other threads. */
#include "base/loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* Libevent sleeps on CLOCK_MONOTONIC, which stands still while the host is suspended. Looking again
 * after at most this long keeps a deadline on CLOCK_BOOTTIME honest to within it. */
enum { LONGEST_SLEEP_MS = 1000 };

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next, **at; /* list of the loop's timers */
	struct event *event; /* owned */
	loop_fn *fn;
	void *arg;
	int64_t due_ms; /* CLOCK_BOOTTIME; meaningful while armed */
	bool armed;
};

struct call {
	struct call *next;
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base; /* owned */
	struct event *posted;    /* owned: readable when `calls` is not empty */
	int posted_fd;           /* eventfd */
	pthread_mutex_t lock;    /* guards calls, last */
	struct call *calls;      /* owned, oldest first */
	struct call **last;
	struct loop_timer *timers; /* owned by their owners */
	int64_t skipped_ms;      /* how far a test has moved the clocks */
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return clock_ns(CLOCK_BOOTTIME) / 1000000 + loop->skipped_ms;
}

int64_t loop_wall_us(const struct loop *loop)
{
	return clock_ns(CLOCK_REALTIME) / 1000 + loop->skipped_ms * 1000;
}

void loop_run_posted(struct loop *loop)
{
	struct call *calls;

	pthread_mutex_lock(&loop->lock);
	calls = loop->calls;
	loop->calls = NULL;
	loop->last = &loop->calls;
	pthread_mutex_unlock(&loop->lock);
	while (calls) {
		struct call *call = calls;

		calls = call->next;
		call->fn(call->arg);
		mem_free(call);
	}
}

static void on_posted(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) > 0)
		loop_run_posted(arg);
}

/* Changes of what is waited for are told to the kernel once a turn, not one by one. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_alloc(sizeof(*loop));

	loop->base = base_new();
	loop->posted_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!loop->base || loop->posted_fd < 0)
		fatal(EXIT_SOFTWARE, "cannot make an event loop");
	pthread_mutex_init(&loop->lock, NULL);
	loop->last = &loop->calls;
	loop->posted = event_new(loop->base, loop->posted_fd, EV_READ | EV_PERSIST, on_posted, loop);
	event_add(loop->posted, NULL);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->calls) {
		struct call *call = loop->calls;

		loop->calls = call->next;
		mem_free(call);
	}
	event_free(loop->posted);
	close(loop->posted_fd);
	event_base_free(loop->base);
	pthread_mutex_destroy(&loop->lock);
	mem_free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

void loop_run(struct loop *loop)
{
	event_base_dispatch(loop->base);
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

static void timer_sleep(struct loop_timer *timer)
{
	int64_t left_ms = timer->due_ms - loop_now_ms(timer->loop);
	struct timeval wait;

	if (left_ms < 0)
		left_ms = 0;
	if (left_ms > LONGEST_SLEEP_MS)
		left_ms = LONGEST_SLEEP_MS;
	wait.tv_sec = (time_t)(left_ms / 1000);
	wait.tv_usec = (suseconds_t)(left_ms % 1000 * 1000);
	event_add(timer->event, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	if (loop_now_ms(timer->loop) < timer->due_ms) {
		timer_sleep(timer);
		return;
	}
	timer->armed = false;
	timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *timer = mem_alloc(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->event = event_new(loop->base, -1, 0, on_timer, timer);
	timer->next = loop->timers;
	timer->at = &loop->timers;
	if (timer->next)
		timer->next->at = &timer->next;
	loop->timers = timer;
	return timer;
}

void loop_skip_ms(struct loop *loop, int64_t ms)
{
	loop->skipped_ms += ms;
	for (struct loop_timer *timer = loop->timers; timer; timer = timer->next) {
		if (timer->armed)
			timer_sleep(timer);
	}
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	timer->due_ms = loop_now_ms(timer->loop) + delay_ms;
	timer->armed = true;
	timer_sleep(timer);
}

void loop_timer_cancel(struct loop_timer *timer)
{
	timer->armed = false;
	event_del(timer->event);
}

bool loop_timer_armed(const struct loop_timer *timer)
{
	return timer->armed;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	*timer->at = timer->next;
	if (timer->next)
		timer->next->at = timer->at;
	event_free(timer->event);
	mem_free(timer);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
	struct call *call = mem_alloc(sizeof(*call));
	uint64_t one = 1;
	bool first;

	call->fn = fn;
	call->arg = arg;
	pthread_mutex_lock(&loop->lock);
	first = !loop->calls; /* else a wake-up is already on its way */
	*loop->last = call;
	loop->last = &call->next;
	pthread_mutex_unlock(&loop->lock);
	if (first && write(loop->posted_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it will be seen */
}

void loop_defer(struct loop *loop, loop_fn *fn, void *arg)
{
	loop_post(loop, fn, arg);
}

int64_t loop_backoff_ms(unsigned tries, int64_t base_ms, int64_t max_ms)
{
	int64_t full = base_ms;
	uint32_t dice = 0;

	while (tries-- > 0 && full < max_ms)
		full *= 2;
	if (full > max_ms)
		full = max_ms;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		dice = (uint32_t)clock_ns(CLOCK_MONOTONIC);
	return full / 2 + (int64_t)(dice % (uint32_t)(full / 2 + 1));
}
