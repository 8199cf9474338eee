/* How fast a carrier may be given texts: a token bucket for the rate that was agreed, and below it a
 * rate that finds out what the carrier really takes, halved when it protests and raised slowly
 * when it does not. Pure: time is an argument. */
#ifndef ADAPTERS_SMPP_RATE_H
#define ADAPTERS_SMPP_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	int64_t limit_milli;  /* agreed, in thousandths of a submit a second; 0 = none */
	int64_t now_milli;    /* allowed at present; 0 = no limit */
	int64_t tokens;       /* in the bucket, in millionths of a submit; negative = borrowed */
	int64_t filled_ms;    /* when the bucket was last filled */
	int64_t changed_ms;   /* when now_milli was last changed */
	int64_t protested_ms; /* when the carrier last protested */
	int64_t second_ms;    /* start of the second that is being counted */
	unsigned count, last_count; /* taken in this second, in the one before */
};

void rate_init(struct rate *r, int64_t per_second, int64_t now_ms);
/* Milliseconds until one may be taken; 0 = now. What is urgent borrows up to a second's worth from what comes
 * after it, never more: a carrier cuts off who ignores what was agreed. */
int64_t rate_wait_ms(struct rate *r, bool urgent, int64_t now_ms);
/* Takes one, also when none is there. */
void rate_take(struct rate *r, int64_t now_ms);
/* The carrier protested: half of what it was given lately, at least one a second. Once a second. */
void rate_protested(struct rate *r, int64_t now_ms);
/* The carrier took one: a tenth more, each second without a protest, up to what was agreed. */
void rate_accepted(struct rate *r, int64_t now_ms);

#endif
