/* How many replies a day may cost: per sender and in all. It limits what we say and never what we hear.
 * Plain counters with the time as an argument. The counts of the day survive a restart in a small file;
 * what a crash loses of them is at most ALLOWANCE_SAVE_EACH replies. */
#ifndef PATH_ALLOWANCE_H
#define PATH_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

enum {
	ALLOWANCE_SENDERS_MAX = 65536, /* remembered by themselves; others count in all only */
	ALLOWANCE_SAVE_EACH = 64
};

enum allowance_answer {
	ALLOWANCE_YES,
	ALLOWANCE_SENDER,  /* this sender had his share of the day */
	ALLOWANCE_SPARSE,  /* most of the day's total is gone: only those who had little so far */
	ALLOWANCE_TOTAL    /* the day's total is gone */
};

struct allowance {
	int64_t per_sender, per_day; /* 0 = no limit */
	int64_t day;                 /* since 1970, UTC; a clock that goes back does not begin a new one */
	int64_t total;
	struct map senders;          /* keyed hash of the sender -> count of the day */
	char *file;                  /* owned; NULL = counts are not kept */
	int64_t unsaved;
};

/* Takes up the counts of the file if they are of this day. A file that cannot be read counts as most of
 * the total gone, because nobody knows. */
void allowance_init(struct allowance *a, int64_t per_sender, int64_t per_day, const char *file,
		    int64_t wall_us);
void allowance_fini(struct allowance *a); /* saves */

/* May a reply go to this sender? Counts it if so. `sender` NULL: one that cannot be told from others. */
enum allowance_answer allowance_take(struct allowance *a, const uint8_t sender[MAP_KEY_LEN],
				     int64_t wall_us);
/* Writes the counts down if they have changed. */
void allowance_save(struct allowance *a);

#endif
