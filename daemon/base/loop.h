/* The event loop and the one injectable clock. Durations run on CLOCK_BOOTTIME so that a suspended
 * host does not stretch them; wall time is for records that people read. Nothing blocks on the loop. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;

typedef void loop_fn(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *loop);
struct event_base *loop_base(struct loop *loop);  /* borrowed; for adapters and store clients */
void loop_run(struct loop *loop);                 /* until loop_stop() */
void loop_stop(struct loop *loop);

int64_t loop_now_ms(const struct loop *loop);     /* CLOCK_BOOTTIME, milliseconds */
int64_t loop_wall_us(const struct loop *loop);    /* UTC, microseconds since 1970 */

/* Moves both clocks forward by so much, and every timer with them: tests follow hours without sleeping. */
void loop_skip_ms(struct loop *loop, int64_t ms);

/* One-shot timer. The object is owned by the caller and may be re-armed any number of times. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_cancel(struct loop_timer *timer);
bool loop_timer_armed(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);   /* cancels; NULL is fine */

/* Runs fn once after the current turn. */
void loop_defer(struct loop *loop, loop_fn *fn, void *arg);
/* The only call another thread may make: runs fn on the loop's thread, soon. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);
/* Runs what was posted or deferred so far, now; for an orderly end outside loop_run(). */
void loop_run_posted(struct loop *loop);

/* Jittered exponential back-off: between half of and the full min(base_ms << tries, max_ms). */
int64_t loop_backoff_ms(unsigned tries, int64_t base_ms, int64_t max_ms);

#endif
