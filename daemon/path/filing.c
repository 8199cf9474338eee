/* Fifth station: batches into PostgreSQL. */
#include "path/filing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/entry.h"
#include "path/escalate.h"
#include "path/hotline.h"
#include "path/pending.h"
#include "store/keyspace.h"
#include "store/pg.h"
#include "store/vault.h"

enum {
	BATCH_MAX = 128,
	WAITING_MAX = 1024,          /* no more is read from the queue while so many wait here */
	RETRY_MS = 200,              /* after a lost connection */
	FAULT_RETRY_MS = 30 * 1000,  /* for an entry that the database refuses */
	SWEEP_MS = 1000,
	SWEEP_PARTITIONS = 16,       /* looked at in each sweep, in turn */
	CLAIM_IDLE_MS = 60 * 1000    /* another daemon's entry unfinished for so long is taken over */
};

static const struct pg_statement file_entry = {
	"filing_entry",
	"select o_case_ref, o_what from file_entry($1::uuid, $2::bytea, $3::bytea, $4::text, $5::bytea,"
	" $6::text, $7::text, $8::text, $9::text, $10::bigint, $11::text, $12::uuid, $13::int, $14::bytea,"
	" $15::uuid, $16::text, $17::bytea, $18::uuid, $19::bytea, $20::bytea, $21::bytea, $22::text,"
	" $23::bigint, $24::text, $25::text, $26::text, $27::bool, $28::int, $29::text, $30::text,"
	" $31::bytea, $32::bytea, $33::bigint, $34::bool, $35::text)"};

struct item {
	struct item *next;
	struct entry entry;         /* owned */
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
	bool dirty[KEYSPACE_PARTITIONS];
	bool reading[KEYSPACE_PARTITIONS];
	bool own_left[KEYSPACE_PARTITIONS]; /* given to this daemon before it died: read those first */
	bool own_again[KEYSPACE_PARTITIONS]; /* a first lot of them was read already */
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

static void item_free(struct item *item)
{
	entry_fini(&item->entry);
	mem_free(item);
}

/* ---- one entry as parameters ---- */

static void put_report(struct pg_params *p, const struct entry *e)
{
	if (!e->has_report) {
		for (int i = 0; i < 10; i++)
			pg_put_text(p, NULL);
		pg_put_bytes(p, NULL, 0);
		pg_put_bytes(p, NULL, 0);
		pg_put_text(p, NULL);
		return;
	}
	pg_put_bytes(p, e->opening_key, sizeof(e->opening_key));
	pg_put_text(p, e->ref);
	pg_put_int(p, e->stamp);
	pg_put_text(p, e->urgency);
	pg_put_text(p, e->kind);
	pg_put_text(p, e->lang);
	pg_put_bool(p, e->partial);
	pg_put_int(p, e->safe_contact);
	pg_put_text(p, e->commune[0] ? e->commune : NULL);
	pg_put_text(p, e->candidates);
	pg_put_bytes(p, e->body_ct, e->body_ct_len);
	pg_put_bytes(p, e->mac, sizeof(e->mac));
	pg_put_int(p, e->first_us);
}

/* part NULL: the delivery itself. Otherwise the row of one further part, without text or report. */
static struct pg_params *params_of(const struct entry *e, const struct entry_part *part)
{
	static const struct entry nothing;
	struct pg_params *p = pg_params_new();

	if (e->has_message)
		pg_put_uuid(p, part ? part->message.b : e->message.b);
	else
		pg_put_text(p, NULL);
	pg_put_bytes(p, e->has_message ? (part ? part->dup_key : e->dup_key) : NULL, ENTRY_KEY_LEN);
	pg_put_bytes(p, e->has_subject ? e->subject : NULL, ENTRY_KEY_LEN);
	pg_put_text(p, e->subject_kind);
	pg_put_bytes(p, e->number_ct, e->number_ct_len);
	pg_put_text(p, e->adapter);
	pg_put_text(p, e->link);
	pg_put_text(p, e->channel);
	pg_put_text(p, e->short_code);
	pg_put_int(p, e->received_us);
	pg_put_text(p, disposition_name(part ? DISPOSITION_PART : e->disposition));
	if (part)
		pg_put_uuid(p, e->message.b);
	else
		pg_put_text(p, NULL);
	pg_put_int(p, e->parts);
	pg_put_bytes(p, part ? NULL : e->message_ct, part ? 0 : e->message_ct_len);
	pg_put_uuid(p, e->conversation.b);
	pg_put_text(p, e->key.team);
	pg_put_bytes(p, e->key.wrapped, e->key.wrapped_len);
	pg_put_uuid(p, e->key.intake.b);
	pg_put_bytes(p, e->key.intake_team, e->key.intake_team_len);
	pg_put_bytes(p, e->key.intake_escrow, e->key.intake_escrow_len);
	put_report(p, part ? &nothing : e);
	pg_put_bool(p, !part && e->opens);
	pg_put_text(p, e->node);
	return p;
}

static void on_filed(void *arg, const struct pg_result *r)
{
	if (pg_rows(r) == 1 && !pg_is_null(r, 0, 0))
		log_debug("filing", "case=%s %s", pg_get(r, 0, 0), pg_get(r, 0, 1));
	(void)arg;
}

/* ---- batches ---- */

static void pump(void *arg);

static void pump_soon(struct filing *f, int64_t delay_ms)
{
	if (!loop_timer_armed(f->pump))
		loop_timer_set(f->pump, delay_ms);
}

static void release(struct filing *f, const struct entry *e)
{
	if (strcmp(e->node, f->h->conf->node) != 0)
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

	finish_queued(f);
	f->status.filed += f->batch.count;
	while ((item = list_pop(&f->batch))) {
		release(f, &item->entry);
		item_free(item);
	}
	escalate_hint(f->h->escalate);
}

static void failed(struct filing *f, const char *error)
{
	struct item *item;

	if (f->batch.count > 1) {
		f->single_left = f->batch.count;
		list_put_back(&f->waiting, &f->batch);
		return;
	}
	item = list_pop(&f->batch);
	log_error("filing", "the database refuses an entry: %s; kept and tried again", error ? error : "");
	f->status.faulty++;
	list_push(&f->faulty, item);
	if (!loop_timer_armed(f->faults))
		loop_timer_set(f->faults, FAULT_RETRY_MS);
}

static void on_batch(void *arg, enum pg_outcome outcome, const char *error)
{
	struct filing *f = arg;

	if (outcome == PG_OK)
		committed(f);
	else if (outcome == PG_FAILED)
		failed(f, error);
	else
		list_put_back(&f->waiting, &f->batch);
	pump_soon(f, outcome == PG_LOST ? RETRY_MS : 0);
}

static void send_batch(struct filing *f)
{
	size_t max = f->single_left > 0 ? 1 : BATCH_MAX;
	struct pg_batch *b;

	if (f->batch.count > 0 || f->waiting.count == 0 || !pg_up(f->h->pg_filing))
		return;
	if (f->single_left > 0)
		f->single_left--;
	b = pg_batch_new(f->h->pg_filing);
	while (f->batch.count < max && f->waiting.count > 0) {
		struct item *item = list_pop(&f->waiting);

		list_push(&f->batch, item);
		pg_batch_add(b, &file_entry, params_of(&item->entry, NULL), on_filed, f);
		for (uint8_t i = 0; i < item->entry.part_count; i++)
			pg_batch_add(b, &file_entry, params_of(&item->entry, &item->entry.part[i]), NULL, f);
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
	list_push(&f->waiting, item);
	return true;
}

static void on_read(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
		    size_t count)
{
	struct filing *f = arg;

	f->reading[partition] = false;
	if (!ok) {
		/* Redis may have handed entries out and its answer came too late: they count as ours, and
		 * nobody would see them again until they are old enough to be taken over. */
		f->dirty[partition] = f->own_left[partition] = true;
		f->own_again[partition] = false;
	}
	for (size_t i = 0; i < count; i++) {
		if (take_entry(f, partition, &entries[i]))
			continue;
		if (!entries[i].data) { /* deleted while it was pending: finished before */
			keyspace_finish(f->h->redis, partition, &entries[i].id, 1);
			continue;
		}
		log_error("filing", "an entry of partition %u cannot be opened: left in the queue", partition);
	}
	if (count == KEYSPACE_READ_MAX)
		f->dirty[partition] = true;
	if (count > 0)
		pump_soon(f, 0);
}

static void on_read_own(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
			size_t count)
{
	struct filing *f = arg;

	f->own_left[partition] = !ok || count == KEYSPACE_READ_MAX;
	on_read(arg, partition, ok, entries, count);
}

static void read_dirty(struct filing *f)
{
	for (unsigned p = 0; p < KEYSPACE_PARTITIONS; p++) {
		bool own = f->own_left[p];

		if ((!f->dirty[p] && !own) || f->reading[p] || f->waiting.count >= WAITING_MAX ||
		    !f->h->redis_ready)
			continue;
		/* what is read but not committed yet would be read as left over a second time */
		if (own && f->own_again[p] && f->waiting.count + f->batch.count > 0)
			continue;
		f->dirty[p] = own;
		f->own_left[p] = false;
		f->own_again[p] = own;
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
	if (f->h->redis_ready)
		keyspace_claim(f->h->redis, f->claim_at++ % KEYSPACE_PARTITIONS, f->h->conf->node,
			       CLAIM_IDLE_MS, on_read, f);
	pump(f);
}

static void retry_faulty(void *arg)
{
	struct filing *f = arg;

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
	entry_encode(e, &plain);
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
	memset(f->own_again, 0, sizeof(f->own_again));
	pump_soon(f, 0);
}

void filing_start(struct filing *f)
{
	loop_timer_set(f->sweep, SWEEP_MS);
}

void filing_status(const struct filing *f, struct filing_status *out)
{
	*out = f->status;
	out->waiting = f->waiting.count + f->batch.count;
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

	while ((item = list_pop(l)))
		item_free(item);
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
	mem_free(f);
}
