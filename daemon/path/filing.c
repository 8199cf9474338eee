/* Fifth station: batches into PostgreSQL. */
#include "path/filing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/entry.h"
#include "path/escalate.h"
#include "path/filing_rows.h"
#include "path/hotline.h"
#include "path/pending.h"
#include "store/keyspace.h"
#include "store/pg.h"
#include "store/spool.h"
#include "store/vault.h"

enum {
	BATCH_MAX = 128,
	WAITING_MAX = 1024,          /* no more is read from the queue while so many are here */
	RETRY_MS = 200,              /* first pause after trouble of the server */
	RETRY_MAX_MS = 5000,
	FAULT_RETRY_MS = 30 * 1000,  /* for an entry that the database refuses */
	SWEEP_MS = 1000,
	SWEEP_PARTITIONS = 16,       /* looked at in each sweep, in turn */
	CLAIM_IDLE_MS = 60 * 1000    /* another daemon's entry unfinished for so long is taken over */
};

struct item {
	struct item *next;
	struct entry entry;         /* owned */
	bool raw;                   /* was refused: only its sealed bytes are filed */
	bool queued;                /* lies in the queue of `partition` under `id` */
	unsigned partition;
	char id[KEYSPACE_ID_MAX];
};

struct list {
	struct item *first, **last;
	size_t count;
};

struct filing {
	struct hotline *h; /* borrowed */
	struct list waiting, batch, faulty;
	size_t single_left; /* a batch failed: this many go one by one, until the culprit is found */
	unsigned tries;     /* in a row that met trouble of the server */
	int64_t quiet_until_ms;
	struct map held;    /* queue entries that are here, by their place in it -> struct item */
	size_t working[KEYSPACE_PARTITIONS]; /* of these, those that are not faulty */
	bool dirty[KEYSPACE_PARTITIONS];
	bool reading[KEYSPACE_PARTITIONS];
	bool own_left[KEYSPACE_PARTITIONS]; /* given to this daemon, but not here: read those first */
	unsigned sweep_at, claim_at;
	struct loop_timer *pump, *sweep, *faults;
	struct filing_status status;
};

/* ---- lists ---- */

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
	l->count = 0;
}

static void list_push(struct list *l, struct item *item)
{
	item->next = NULL;
	*l->last = item;
	l->last = &item->next;
	l->count++;
}

static struct item *list_pop(struct list *l)
{
	struct item *item = l->first;

	if (!item)
		return NULL;
	l->first = item->next;
	if (!l->first)
		l->last = &l->first;
	l->count--;
	return item;
}

/* Puts all of `from` before what is in `to`. */
static void list_put_back(struct list *to, struct list *from)
{
	if (from->count == 0)
		return;
	*from->last = to->first;
	if (!to->first)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	list_init(from);
}

/* ---- entries of the queue that are here ---- */

/* A stream id is "milliseconds-number". */
static void place_key(unsigned partition, const char *id, uint8_t key[MAP_KEY_LEN])
{
	char *dash;
	uint64_t ms = strtoull(id, &dash, 10), number = *dash ? strtoull(dash + 1, NULL, 10) : 0;

	for (int i = 0; i < 8; i++) {
		key[i] = (uint8_t)(ms >> (8 * i));
		key[8 + i] = (uint8_t)(number >> (8 * i));
	}
	key[7] = (uint8_t)partition; /* milliseconds leave it free for 2 million years */
}

static void hold(struct filing *f, struct item *item)
{
	uint8_t key[MAP_KEY_LEN];

	place_key(item->partition, item->id, key);
	map_set(&f->held, key, item);
	f->working[item->partition]++;
}

static bool is_held(const struct filing *f, unsigned partition, const char *id)
{
	uint8_t key[MAP_KEY_LEN];

	place_key(partition, id, key);
	return map_get(&f->held, key) != NULL;
}

/* A committed entry leaves. */
static void item_done(struct filing *f, struct item *item)
{
	uint8_t key[MAP_KEY_LEN];

	if (item->queued) {
		place_key(item->partition, item->id, key);
		map_remove(&f->held, key);
		f->working[item->partition]--;
	}
	entry_fini(&item->entry);
	mem_free(item);
}

/* ---- batches ---- */

static void on_filed(void *arg, const struct pg_result *r)
{
	if (pg_rows(r) == 1 && !pg_is_null(r, 0, 0))
		log_debug("filing", "case=%s %s", pg_get(r, 0, 0), pg_get(r, 0, 1));
	(void)arg;
}

static void pump(void *arg);

static void pump_soon(struct filing *f, int64_t delay_ms)
{
	if (!loop_timer_armed(f->pump))
		loop_timer_set(f->pump, delay_ms);
}

/* Its records are not in the queue any more, but here: nothing that happens to Redis can lose them. */
static void take_over(struct filing *f, const struct entry *e)
{
	if (!id16_equal(&e->spool_id, spool_id(f->h->spool)))
		return;
	pending_queued(f->h->pending, e->spool, false);
	for (uint8_t i = 0; i < e->part_count; i++)
		pending_queued(f->h->pending, e->part[i].spool, false);
}

static void release(struct filing *f, const struct entry *e)
{
	if (!id16_equal(&e->spool_id, spool_id(f->h->spool)))
		return;
	pending_note(f->h->pending, e->spool, PENDING_FILED);
	for (uint8_t i = 0; i < e->part_count; i++)
		pending_note(f->h->pending, e->part[i].spool, PENDING_FILED);
}

/* XACK and XDEL for what was committed, partition by partition. */
static void finish_queued(struct filing *f)
{
	char (*ids)[KEYSPACE_ID_MAX] = mem_alloc(BATCH_MAX * KEYSPACE_ID_MAX);

	for (unsigned p = 0; p < KEYSPACE_PARTITIONS; p++) {
		size_t n = 0;

		for (struct item *item = f->batch.first; item; item = item->next) {
			if (item->queued && item->partition == p)
				memcpy(ids[n++], item->id, KEYSPACE_ID_MAX);
		}
		if (n > 0)
			keyspace_finish(f->h->redis, p, (const char (*)[KEYSPACE_ID_MAX])ids, n);
	}
	mem_free(ids);
}

static void committed(struct filing *f)
{
	struct item *item;

	if (f->tries > 0)
		log_info("filing", "PostgreSQL takes reports again");
	f->tries = 0;
	finish_queued(f);
	f->status.filed += f->batch.count;
	while ((item = list_pop(&f->batch))) {
		f->status.raw += item->raw;
		release(f, &item->entry);
		item_done(f, item);
	}
	escalate_hint(f->h->escalate);
}

static void set_aside(struct filing *f, struct item *item)
{
	item->raw = false;
	if (item->queued)
		f->working[item->partition]--;
	list_push(&f->faulty, item);
	if (!loop_timer_armed(f->faults))
		loop_timer_set(f->faults, FAULT_RETRY_MS);
}

/* The values are to blame. The entry that holds them is found, then filed raw; nobody may wait for it. */
static void refused(struct filing *f, const char *error)
{
	struct item *item = f->batch.first;

	if (f->batch.count > 1) {
		f->single_left = f->batch.count;
		list_put_back(&f->waiting, &f->batch);
	} else if (!item->raw) {
		log_error("filing", "the database refuses an entry: %s; it is filed raw, a person must look", error);
		item->raw = true;
		f->single_left++;
		list_put_back(&f->waiting, &f->batch);
	} else {
		log_error("filing", "the database refuses an entry even raw: %s; kept and tried again", error);
		set_aside(f, list_pop(&f->batch));
	}
}

/* The server is to blame. After a pause they go one by one and in turn, so that what hinders one (somebody
 * holds its case locked) does not hinder the others. */
static void trouble(struct filing *f, const char *error)
{
	if (f->tries == 0)
		log_error("filing", "PostgreSQL takes no reports: %s; they wait", error);
	if (f->batch.count == 1) {
		list_push(&f->waiting, list_pop(&f->batch));
	} else {
		f->single_left = f->batch.count;
		list_put_back(&f->waiting, &f->batch);
	}
	f->quiet_until_ms = loop_now_ms(f->h->loop) + loop_backoff_ms(f->tries, RETRY_MS, RETRY_MAX_MS);
	f->tries += f->tries < 16;
}

static void on_batch(void *arg, enum pg_outcome outcome, const char *error)
{
	struct filing *f = arg;
	int64_t now_ms = loop_now_ms(f->h->loop);

	if (outcome == PG_OK) {
		committed(f);
	} else if (outcome == PG_LOST) {
		list_put_back(&f->waiting, &f->batch);
		f->quiet_until_ms = now_ms + RETRY_MS;
	} else if (pg_error_is_data(error)) {
		refused(f, error);
	} else {
		trouble(f, error);
	}
	pump_soon(f, f->quiet_until_ms > now_ms ? f->quiet_until_ms - now_ms : 0);
}

static void send_batch(struct filing *f)
{
	size_t max = f->single_left > 0 ? 1 : BATCH_MAX;
	struct pg_batch *b;

	if (f->batch.count > 0 || f->waiting.count == 0 || !pg_up(f->h->pg_filing) ||
	    loop_now_ms(f->h->loop) < f->quiet_until_ms)
		return;
	if (f->single_left > 0)
		f->single_left--;
	b = pg_batch_new(f->h->pg_filing);
	while (f->batch.count < max && f->waiting.count > 0) {
		struct item *item = list_pop(&f->waiting);

		list_push(&f->batch, item);
		filing_rows_add(b, &item->entry, item->raw, on_filed, f);
	}
	pg_batch_send(b, on_batch, f);
}

/* ---- reading the queue ---- */

static void queue_aad(unsigned partition, uint8_t aad[2])
{
	aad[0] = 'q';
	aad[1] = (uint8_t)partition;
}

static bool take_entry(struct filing *f, unsigned partition, const struct keyspace_entry *from)
{
	struct item *item = mem_alloc(sizeof(*item));
	struct buf plain = {0};
	uint8_t aad[2];
	bool ok;

	queue_aad(partition, aad);
	ok = from->data && vault_unseal(f->h->vault, VAULT_QUEUE, aad, sizeof(aad), from->data, from->len, &plain) &&
	     entry_decode(plain.data, plain.len, &item->entry);
	buf_free(&plain);
	if (!ok) {
		mem_free(item);
		return false;
	}
	item->queued = true;
	item->partition = partition;
	memcpy(item->id, from->id, sizeof(item->id));
	take_over(f, &item->entry);
	hold(f, item);
	list_push(&f->waiting, item);
	return true;
}

static void take_entries(struct filing *f, unsigned partition, const struct keyspace_entry *entries,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_held(f, partition, entries[i].id) || take_entry(f, partition, &entries[i]))
			continue;
		if (!entries[i].data) { /* deleted while it was pending: finished before */
			keyspace_finish(f->h->redis, partition, &entries[i].id, 1);
			continue;
		}
		log_error("filing", "an entry of partition %u cannot be opened: left in the queue", partition);
	}
	if (count > 0)
		pump_soon(f, 0);
}

/* No answer: what was asked for may have been given to us all the same, and then no question for new
 * entries ever brings it. */
static void on_read(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
		    size_t count)
{
	struct filing *f = arg;

	f->reading[partition] = false;
	if (!ok)
		f->own_left[partition] = true;
	if (!ok || count == KEYSPACE_READ_MAX)
		f->dirty[partition] = true;
	take_entries(f, partition, entries, count);
}

static void on_read_own(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
			size_t count)
{
	struct filing *f = arg;

	f->own_left[partition] = count == KEYSPACE_READ_MAX;
	on_read(arg, partition, ok, entries, count);
	pump_soon(f, 0); /* the new ones next */
}

static void on_claimed(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
		       size_t count)
{
	struct filing *f = arg;

	if (!ok)
		f->own_left[partition] = true;
	take_entries(f, partition, entries, count);
}

static void read_dirty(struct filing *f)
{
	for (unsigned p = 0; p < KEYSPACE_PARTITIONS; p++) {
		bool own = f->own_left[p];

		if ((!f->dirty[p] && !own) || f->reading[p] || !f->h->redis_ready ||
		    f->waiting.count + f->faulty.count >= WAITING_MAX)
			continue;
		/* the oldest come first, and those are still in work here */
		if (own && f->working[p] > 0)
			continue;
		f->dirty[p] = own;
		f->own_left[p] = false;
		f->reading[p] = true;
		keyspace_read(f->h->redis, p, f->h->conf->node, own, own ? on_read_own : on_read, f);
	}
}

static void pump(void *arg)
{
	struct filing *f = arg;

	read_dirty(f);
	send_batch(f);
}

static void sweep(void *arg)
{
	struct filing *f = arg;

	loop_timer_set(f->sweep, SWEEP_MS);
	for (unsigned i = 0; i < SWEEP_PARTITIONS; i++)
		f->dirty[f->sweep_at++ % KEYSPACE_PARTITIONS] = true;
	/* Nothing is taken from others while our own waits; but what the database refuses must not keep us
	 * from it for ever. */
	if (f->h->redis_ready && pg_up(f->h->pg_filing) && f->waiting.count + f->batch.count == 0)
		keyspace_claim(f->h->redis, f->claim_at++ % KEYSPACE_PARTITIONS, f->h->conf->node,
			       CLAIM_IDLE_MS, on_claimed, f);
	pump(f);
}

static void retry_faulty(void *arg)
{
	struct filing *f = arg;

	for (const struct item *item = f->faulty.first; item; item = item->next) {
		if (item->queued)
			f->working[item->partition]++;
	}
	f->single_left += f->faulty.count;
	list_put_back(&f->waiting, &f->faulty);
	pump_soon(f, 0);
}

/* ---- public ---- */

void filing_seal(struct filing *f, unsigned partition, const struct entry *e, struct buf *out)
{
	struct buf plain = {0};
	uint8_t aad[2];

	queue_aad(partition, aad);
	if (entry_encode(e, &plain))
		vault_seal(f->h->vault, VAULT_QUEUE, aad, sizeof(aad), plain.data, plain.len, out);
	buf_free(&plain);
}

void filing_hint(struct filing *f, unsigned partition)
{
	f->dirty[partition] = true;
	pump_soon(f, 0);
}

void filing_direct(struct filing *f, struct entry *e)
{
	struct item *item = mem_alloc(sizeof(*item));

	item->entry = *e;
	memset(e, 0, sizeof(*e));
	list_push(&f->waiting, item);
	pump_soon(f, 0);
}

void filing_redis_up(struct filing *f)
{
	for (unsigned p = 0; p < KEYSPACE_PARTITIONS; p++) {
		f->own_left[p] = true;
		f->reading[p] = false;
	}
	pump_soon(f, 0);
}

bool filing_at_rest(const struct filing *f)
{
	return pg_up(f->h->pg_filing) && f->waiting.count + f->batch.count == 0;
}

bool filing_idle(const struct filing *f)
{
	for (unsigned p = 0; p < KEYSPACE_PARTITIONS; p++) {
		if (f->dirty[p] || f->own_left[p] || f->reading[p])
			return false;
	}
	return f->h->redis_ready && filing_at_rest(f);
}

void filing_start(struct filing *f)
{
	loop_timer_set(f->sweep, SWEEP_MS);
}

void filing_status(const struct filing *f, struct filing_status *out)
{
	*out = f->status;
	out->waiting = f->waiting.count + f->batch.count;
	out->faulty = f->faulty.count;
}

struct filing *filing_new(struct hotline *h)
{
	struct filing *f = mem_alloc(sizeof(*f));

	f->h = h;
	list_init(&f->waiting);
	list_init(&f->batch);
	list_init(&f->faulty);
	f->pump = loop_timer_new(h->loop, pump, f);
	f->sweep = loop_timer_new(h->loop, sweep, f);
	f->faults = loop_timer_new(h->loop, retry_faulty, f);
	return f;
}

static void list_free(struct list *l)
{
	struct item *item;

	while ((item = list_pop(l))) {
		entry_fini(&item->entry);
		mem_free(item);
	}
}

void filing_free(struct filing *f)
{
	if (!f)
		return;
	loop_timer_free(f->pump);
	loop_timer_free(f->sweep);
	loop_timer_free(f->faults);
	list_free(&f->waiting);
	list_free(&f->batch);
	list_free(&f->faulty);
	map_fini(&f->held);
	mem_free(f);
}
