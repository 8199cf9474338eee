/* The newest state this daemon knows of each conversation, sealed as in Redis: with Redis away it is all there
 * is, and when Redis comes back with less, the newer one counts. */
#ifndef PATH_COPIES_H
#define PATH_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"

struct loop;

enum { COPIES_FLOW_LEN = 32 };

struct copy {
	uint8_t subject[MAP_KEY_LEN];
	uint64_t version;
	struct buf sealed;             /* owned */
	bool dirty;                    /* Redis does not have it */
	bool ended;
	int64_t at_ms, keep_ms;        /* loop time it was put, and its life from then */
	int64_t due_ms;                /* wall clock; 0 = none */
	uint8_t flow[COPIES_FLOW_LEN]; /* hash of its flow version */
};

struct copies {
	struct loop *loop; /* borrowed */
	struct map map;    /* subject -> struct copy, owned */
	size_t dirty;      /* how many Redis does not have */
};

struct subject_list {
	uint8_t (*subjects)[MAP_KEY_LEN]; /* owned: mem_free() */
	size_t count;
};

void copies_fini(struct copies *c);
/* NULL if there is none or its life is over. */
const struct copy *copies_find(const struct copies *c, const uint8_t subject[MAP_KEY_LEN]);
/* Replaces what there was for copy->subject; takes the bytes over. at_ms is filled in. */
void copies_put(struct copies *c, const struct copy *copy);
/* Drops what is old. */
void copies_forget_old(struct copies *c);

/* Conversations that Redis does not have: those whose time-out is due, or all. */
struct subject_list copies_list_dirty(const struct copies *c, int64_t now_wall_ms, bool all);
/* Conversations under way that hold this flow version. */
struct subject_list copies_list_flow(const struct copies *c, const uint8_t flow[COPIES_FLOW_LEN]);

#endif
