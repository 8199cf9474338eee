/* How often each duration was seen, within 1.6 % of its value, in fixed memory: log-linear buckets. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_SUB_BITS = 6, /* 64 buckets for each doubling */
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
	uint64_t count;
	uint64_t max_ns;
	uint64_t sum_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t ns); /* less than nothing counts as nothing */
/* The value that `part` (0..1) of all do not exceed; 0 while empty. */
uint64_t histogram_quantile(const struct histogram *h, double part);
double histogram_mean(const struct histogram *h); /* nanoseconds; 0 while empty */

#endif
