/* Multiplicative decrease and slow increase over a bucket of a quarter of a second. */
#include "adapters/smpp/rate.h"

enum {
	MILLI = 1000,
	ONE = 1000000,        /* one submit: rate in thousandths a second times milliseconds */
	SECOND_MS = 1000,
	BURST_MS = 250,       /* the bucket holds so much worth, at least one */
	FILL_MAX_MS = 60000,
	RAISE_PART = 10,
	FREE_AGAIN_MS = 60000 /* without an agreed rate: so long without a protest lifts the limit */
};

void rate_init(struct rate *r, int64_t per_second, int64_t now_ms)
{
	*r = (struct rate){ .limit_milli = per_second * MILLI, .now_milli = per_second * MILLI,
		            .tokens = ONE, .filled_ms = now_ms, .changed_ms = now_ms,
		            .protested_ms = now_ms, .second_ms = now_ms };
}

static void fill(struct rate *r, int64_t now_ms)
{
	int64_t most = r->now_milli * BURST_MS > ONE ? r->now_milli * BURST_MS : ONE;
	int64_t passed_ms = now_ms - r->filled_ms;

	r->filled_ms = now_ms;
	r->tokens += r->now_milli * (passed_ms < FILL_MAX_MS ? passed_ms : FILL_MAX_MS);
	if (r->tokens > most)
		r->tokens = most;
}

int64_t rate_wait_ms(struct rate *r, bool urgent, int64_t now_ms)
{
	int64_t needed = ONE - (urgent ? r->now_milli * SECOND_MS : 0);

	if (r->now_milli == 0)
		return 0;
	fill(r, now_ms);
	if (r->tokens >= needed)
		return 0;
	return (needed - r->tokens + r->now_milli - 1) / r->now_milli;
}

static void count_one(struct rate *r, int64_t now_ms)
{
	int64_t passed_ms = now_ms - r->second_ms;

	if (passed_ms >= SECOND_MS) {
		r->last_count = passed_ms < 2 * SECOND_MS ? r->count : 0;
		r->count = 0;
		r->second_ms = now_ms;
	}
	r->count++;
}

void rate_take(struct rate *r, int64_t now_ms)
{
	count_one(r, now_ms);
	if (r->now_milli == 0)
		return;
	fill(r, now_ms);
	if (r->tokens > -r->now_milli * SECOND_MS) /* screens of USSD ask nobody: their debt ends there, too */
		r->tokens -= ONE;
}

void rate_protested(struct rate *r, int64_t now_ms)
{
	int64_t given = MILLI * (int64_t)(r->count > r->last_count ? r->count : r->last_count);

	r->protested_ms = now_ms;
	if (r->now_milli != r->limit_milli && now_ms - r->changed_ms < SECOND_MS)
		return; /* answers to what was on the way when the rate was cut */
	if (r->now_milli && r->now_milli < given)
		given = r->now_milli;
	r->now_milli = given / 2 > MILLI ? given / 2 : MILLI;
	r->changed_ms = r->filled_ms = now_ms;
	r->tokens = 0;
}

void rate_accepted(struct rate *r, int64_t now_ms)
{
	int64_t more = r->now_milli / RAISE_PART > MILLI ? r->now_milli / RAISE_PART : MILLI;

	if (r->now_milli == r->limit_milli)
		return;
	if (!r->limit_milli && now_ms - r->protested_ms >= FREE_AGAIN_MS) {
		r->now_milli = 0;
		return;
	}
	if (now_ms - r->changed_ms < SECOND_MS)
		return;
	r->now_milli += more;
	r->changed_ms = now_ms;
	if (r->limit_milli && r->now_milli > r->limit_milli)
		r->now_milli = r->limit_milli;
}
