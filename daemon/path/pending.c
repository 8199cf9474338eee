/* The last station of a record: released when nothing is owed for it any more. */
#include "path/pending.h"

#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/spool.h"

enum { ALL = PENDING_FILED | PENDING_REPLIED };

struct record {
	unsigned steps;    /* taken */
	bool queued;
	int64_t queued_ms; /* loop time */
};

struct pending {
	struct loop *loop;   /* borrowed */
	struct spool *spool; /* borrowed */
	struct map records;  /* number -> struct record, owned */
};

struct pending *pending_new(struct loop *loop, struct spool *spool)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->loop = loop;
	p->spool = spool;
	return p;
}

static void free_record(void *arg, void *value)
{
	(void)arg;
	mem_free(value);
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	map_each(&p->records, free_record, NULL);
	map_fini(&p->records);
	mem_free(p);
}

static struct record *find(const struct pending *p, uint64_t number)
{
	uint8_t key[MAP_KEY_LEN];

	map_number_key(number, key);
	return map_get(&p->records, key);
}

/* NULL if the record has gone: what is filed twice, or answered after its release, must leave no trace. */
static struct record *find_or_add(struct pending *p, uint64_t number)
{
	struct record *r = find(p, number);
	uint8_t key[MAP_KEY_LEN];

	if (r || number == 0 || !spool_is_pending(p->spool, number))
		return r;
	r = mem_alloc(sizeof(*r));
	map_number_key(number, key);
	map_set(&p->records, key, r);
	return r;
}

void pending_note(struct pending *p, uint64_t number, enum pending_step step)
{
	struct record *r = find_or_add(p, number);
	uint8_t key[MAP_KEY_LEN];

	if (!r)
		return;
	r->steps |= step;
	if (step == PENDING_FILED)
		r->queued = false;
	if (r->steps != ALL)
		return;
	map_number_key(number, key);
	mem_free(map_remove(&p->records, key));
	spool_done(p->spool, number);
}

void pending_queued(struct pending *p, uint64_t number, bool queued)
{
	struct record *r = queued ? find_or_add(p, number) : find(p, number);

	if (!r)
		return;
	r->queued = queued && !(r->steps & PENDING_FILED);
	r->queued_ms = loop_now_ms(p->loop);
}

struct age {
	int64_t before_ms;
	size_t count;
};

static bool lost(const struct record *r, int64_t before_ms)
{
	return r->queued && r->queued_ms <= before_ms;
}

bool pending_lost(const struct pending *p, uint64_t number, int64_t age_ms)
{
	const struct record *r = find(p, number);

	return r && lost(r, loop_now_ms(p->loop) - age_ms);
}

static void count_lost(void *arg, void *value)
{
	struct age *age = arg;

	age->count += lost(value, age->before_ms);
}

size_t pending_lost_count(const struct pending *p, int64_t age_ms)
{
	struct age age = {.before_ms = loop_now_ms(p->loop) - age_ms};

	map_each(&p->records, count_lost, &age);
	return age.count;
}

size_t pending_count(const struct pending *p)
{
	return p->records.count;
}
