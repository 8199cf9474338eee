/* What was submitted and not yet answered on one link, found by sequence number. Pure. */
#ifndef ADAPTERS_SMPP_WINDOW_H
#define ADAPTERS_SMPP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct mt_part;

struct window_slot {
	uint32_t sequence;
	int64_t deadline_ms;  /* CLOCK_BOOTTIME: afterwards the answer is given up */
	struct mt_part *part; /* NULL = free slot; borrowed */
};

struct window {
	struct window_slot *slots; /* owned */
	unsigned size, used;
};

void window_init(struct window *w, unsigned size);
void window_fini(struct window *w); /* whatever is in it must have been taken before */

void window_add(struct window *w, uint32_t sequence, int64_t deadline_ms, struct mt_part *part);
bool window_has(const struct window *w, uint32_t sequence);
/* These take the part out of the window; NULL if there is none. */
struct mt_part *window_take(struct window *w, uint32_t sequence);
struct mt_part *window_take_expired(struct window *w, int64_t now_ms);
struct mt_part *window_take_any(struct window *w);

int64_t window_next_deadline_ms(const struct window *w); /* INT64_MAX when empty */

#endif
