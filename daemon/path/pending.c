/* The last station of a record: released when nothing is owed for it any more. */
#include "path/pending.h"

#include "base/map.h"
#include "base/mem.h"
#include "store/spool.h"

enum { ALL = PENDING_FILED | PENDING_REPLIED };

struct pending {
	struct spool *spool; /* borrowed */
	struct map steps;    /* record -> steps taken, as a pointer-sized number */
};

struct pending *pending_new(struct spool *spool)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->spool = spool;
	return p;
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	map_fini(&p->steps);
	mem_free(p);
}

void pending_note(struct pending *p, uint64_t record, enum pending_step step)
{
	uint8_t key[MAP_KEY_LEN];
	uintptr_t steps;

	if (record == 0)
		return;
	map_number_key(record, key);
	steps = (uintptr_t)map_get(&p->steps, key) | (uintptr_t)step;
	if (steps != ALL) {
		map_set(&p->steps, key, (void *)steps);
		return;
	}
	map_remove(&p->steps, key);
	spool_done(p->spool, record);
}
