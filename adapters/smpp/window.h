/* What was submitted and not yet answered on one connection, found by sequence number. Pure. */
#ifndef ADAPTERS_SMPP_WINDOW_H
#define ADAPTERS_SMPP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct mt_part;

struct window_slot {
	uint32_t sequence;
	int64_t sent_ms;      /* CLOCK_BOOTTIME */
	struct mt_part *part; /* NULL = free slot; borrowed */
	unsigned older, newer; /* neighbours in time; the table's size = none */
};

/* A hash table of sequence numbers, threaded in the order of sending, so that nothing here costs
 * more with a wide window. */
struct window {
	struct window_slot *slots; /* owned; a power of two, at most half of it in use */
	unsigned table;            /* slots */
	unsigned size, used;       /* as agreed with the carrier */
	unsigned oldest, newest;   /* slots; `table` = none */
};

void window_init(struct window *w, unsigned size);
void window_fini(struct window *w); /* whatever is in it must have been taken before */

/* Not when it is full, nor with a number that is in it. */
void window_add(struct window *w, uint32_t sequence, int64_t sent_ms, struct mt_part *part);
bool window_has(const struct window *w, uint32_t sequence);
/* These take the part out of the window; NULL if there is none. */
struct mt_part *window_take(struct window *w, uint32_t sequence);
struct mt_part *window_take_older(struct window *w, int64_t sent_before_ms);
struct mt_part *window_take_any(struct window *w);

int64_t window_oldest_ms(const struct window *w); /* when it was sent; INT64_MAX when empty */

#endif
