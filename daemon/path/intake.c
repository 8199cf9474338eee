/* First station: from an adapter's hands into the spool. */
#include "path/intake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/charset.h"
#include "path/delivery.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/replay.h"
#include "store/spool.h"
#include "store/vault.h"

enum {
	RECENT_MAX = 4096,            /* answers remembered for a link that may go down, and names of messages */
	DOUBT_WINDOW_MS = 10 * 1000,  /* an answer this young when its link went down is in doubt */
	DOUBT_LIFE_MS = 3600 * 1000,  /* a carrier that has not re-sent by then will not */
	PATIENCE_MS = 3500            /* carriers give a phone's text up after 5 s; a late no is better than none */
};

/* A delivery that was answered lately. */
struct recent {
	char link[INBOUND_NAME_MAX];
	uint8_t dup_key[ENTRY_KEY_LEN];
	int64_t at_ms;
};

struct doubt {
	uint8_t dup_key[ENTRY_KEY_LEN];
	int64_t until_ms;
};

struct intake {
	struct hotline *h;           /* borrowed */
	struct map doubts;           /* dup key -> struct doubt, owned */
	struct recent *recent;       /* ring, owned */
	size_t recent_next;
	struct arrival *arrivals;    /* on their way into the spool, newest first; owned by themselves */
	struct loop_timer *patience; /* with the disk */
};

/* One delivery on its way into the spool. */
struct arrival {
	struct intake *intake;
	struct arrival *next, **at; /* in the intake's list */
	int64_t since_ms;
	bool in_doubt;              /* its sender has heard no, or will hear nothing, and it may be kept yet */
	bool again;                 /* the same delivery, of which an earlier one is in doubt and on its way */
	struct delivery *delivery; /* owned until it goes on */
	received_fn *done;          /* NULL once answered */
	void *arg;
};

/* What makes two deliveries the same one: never the sequence number, never the link (two links of a
 * carrier may each deliver it). A provider's own message id decides alone where there is one. */
static void duplicate_key(const struct vault *vault, const struct inbound *in, const char *from,
			  uint8_t out[ENTRY_KEY_LEN])
{
	struct buf key = {0};

	buf_put_str(&key, in->carrier);
	buf_put_str(&key, in->message_id);
	if (!in->message_id[0]) {
		buf_put_str(&key, from);
		buf_put_str(&key, in->dest);
		buf_put_u8(&key, (uint8_t)in->channel);
		buf_put_u16(&key, in->part_ref);
		buf_put_u8(&key, in->part_ref_bits);
		buf_put_u8(&key, in->part_total);
		buf_put_u8(&key, in->part_seq);
		buf_put_u8(&key, in->data_coding);
		buf_put_bytes(&key, in->body, in->body_len);
	}
	vault_index(vault, VAULT_IDX_DUPLICATE, key.data, key.len, out);
	buf_free(&key);
}

static void doubt_add(struct intake *intake, const uint8_t *dup_key)
{
	struct doubt *doubt = map_get(&intake->doubts, dup_key);

	if (!doubt) {
		doubt = mem_alloc(sizeof(*doubt));
		memcpy(doubt->dup_key, dup_key, sizeof(doubt->dup_key));
		map_set(&intake->doubts, dup_key, doubt);
	}
	doubt->until_ms = loop_now_ms(intake->h->loop) + DOUBT_LIFE_MS;
}

/* True once for a delivery whose first answer was in doubt. */
static bool doubt_take(struct intake *intake, const uint8_t *dup_key)
{
	struct doubt *doubt = map_remove(&intake->doubts, dup_key);
	bool live = doubt && doubt->until_ms > loop_now_ms(intake->h->loop);

	mem_free(doubt);
	return live;
}

struct old_doubts {
	int64_t now_ms;
	struct doubt **items; /* owned array */
	size_t count;
};

static void collect_old(void *arg, void *value)
{
	struct old_doubts *old = arg;
	struct doubt *doubt = value;

	if (doubt->until_ms > old->now_ms)
		return;
	old->items = mem_array(old->items, old->count + 1, sizeof(*old->items));
	old->items[old->count++] = doubt;
}

void intake_tick(struct intake *intake)
{
	struct old_doubts old = {.now_ms = loop_now_ms(intake->h->loop)};

	map_each(&intake->doubts, collect_old, &old);
	for (size_t i = 0; i < old.count; i++) {
		map_remove(&intake->doubts, old.items[i]->dup_key);
		mem_free(old.items[i]);
	}
	mem_free(old.items);
}

size_t intake_doubts(const struct intake *intake)
{
	return intake->doubts.count;
}

static void remember(struct intake *intake, const struct delivery *d)
{
	struct recent *recent = &intake->recent[intake->recent_next++ % RECENT_MAX];

	memcpy(recent->link, d->in.link, sizeof(recent->link));
	memcpy(recent->dup_key, d->dup_key, sizeof(recent->dup_key));
	recent->at_ms = loop_now_ms(intake->h->loop);
}

/* A provider that names its messages may deliver one again when it did not hear us: the name tells. */
static bool was_taken(const struct intake *intake, const struct delivery *d)
{
	if (!d->in.message_id[0])
		return false;
	for (size_t i = 0; i < RECENT_MAX; i++) {
		const struct recent *recent = &intake->recent[i];

		if (recent->at_ms > 0 && memcmp(recent->dup_key, d->dup_key, sizeof(d->dup_key)) == 0)
			return true;
	}
	return false;
}

void intake_doubt_link(struct intake *intake, const char *link)
{
	int64_t since_ms = loop_now_ms(intake->h->loop) - DOUBT_WINDOW_MS;

	for (size_t i = 0; i < RECENT_MAX; i++) {
		const struct recent *recent = &intake->recent[i];

		if (recent->at_ms >= since_ms && recent->at_ms > 0 && strcmp(recent->link, link) == 0)
			doubt_add(intake, recent->dup_key);
	}
	for (struct arrival *arrival = intake->arrivals; arrival; arrival = arrival->next)
		arrival->in_doubt |= strcmp(arrival->delivery->in.link, link) == 0;
}

/* Fills in everything that follows from the inbound alone. */
static void identify(struct intake *intake, struct delivery *d)
{
	struct hotline *h = intake->h;

	number_parse(d->in.source, d->in.source_ton, h->conf->region, &d->from);
	d->has_subject = d->from.kind == NUMBER_MSISDN || d->from.kind == NUMBER_IMSI;
	if (d->from.kind != NUMBER_NONE)
		vault_index(h->vault, VAULT_IDX_SUBJECT, d->from.value, strlen(d->from.value), d->subject);
	duplicate_key(h->vault, &d->in, d->from.value, d->dup_key);
}

static void name_delivery(struct intake *intake, struct delivery *d)
{
	const struct id16 *spool = spool_id(intake->h->spool);
	struct buf name = {0};

	buf_put(&name, spool->b, sizeof(spool->b));
	buf_put_u64(&name, d->spool);
	vault_index(intake->h->vault, VAULT_IDX_CONVERSATION, name.data, name.len, d->id.b);
	buf_free(&name);
}

/* ---- on the way into the spool ---- */

static struct arrival *arrival_new(struct intake *intake, struct delivery *d)
{
	struct arrival *arrival = mem_alloc(sizeof(*arrival));

	arrival->intake = intake;
	arrival->delivery = d;
	arrival->since_ms = loop_now_ms(intake->h->loop);
	arrival->next = intake->arrivals;
	arrival->at = &intake->arrivals;
	if (arrival->next)
		arrival->next->at = &arrival->next;
	intake->arrivals = arrival;
	if (!loop_timer_armed(intake->patience))
		loop_timer_set(intake->patience, PATIENCE_MS);
	return arrival;
}

static void arrival_unlink(struct arrival *arrival)
{
	*arrival->at = arrival->next;
	if (arrival->next)
		arrival->next->at = arrival->at;
}

static bool same_delivery(const struct arrival *a, const struct delivery *d)
{
	return memcmp(a->delivery->dup_key, d->dup_key, sizeof(d->dup_key)) == 0;
}

static bool is_on_its_way(const struct intake *intake, const struct delivery *d)
{
	for (const struct arrival *a = intake->arrivals; a; a = a->next) {
		if (a->in_doubt && same_delivery(a, d))
			return true;
	}
	return false;
}

/* What became of one in doubt: kept, and the next of the same is its repeat; or not, and then it is none. */
static void settle_doubt(struct intake *intake, const struct delivery *d, bool kept)
{
	struct arrival *next = NULL;

	for (struct arrival *a = intake->arrivals; a; a = a->next) {
		if (a->again && same_delivery(a, d))
			next = a;
	}
	if (next)
		next->delivery->repeat = kept;
	else if (kept)
		doubt_add(intake, d->dup_key);
}

static void answer(struct arrival *arrival, bool ok)
{
	received_fn *done = arrival->done;

	arrival->done = NULL;
	if (done)
		done(arrival->arg, ok);
}

/* The disk hangs. Nobody is told yes, and nobody is kept waiting until the phone shows an error. */
static void on_impatient(void *arg)
{
	struct intake *intake = arg;
	int64_t now_ms = loop_now_ms(intake->h->loop), next_ms = 0;

	for (struct arrival *a = intake->arrivals; a; a = a->next) {
		if (!a->done)
			continue;
		if (now_ms - a->since_ms < PATIENCE_MS) {
			next_ms = a->since_ms + PATIENCE_MS; /* the older ones come last */
			continue;
		}
		a->in_doubt = true;
		answer(a, false);
	}
	if (next_ms > 0)
		loop_timer_set(intake->patience, next_ms - now_ms);
}

static void on_spooled(void *arg, uint64_t record, bool ok)
{
	struct arrival *arrival = arg;
	struct intake *intake = arrival->intake;
	struct delivery *d = arrival->delivery;

	arrival_unlink(arrival);
	answer(arrival, ok);
	if (arrival->in_doubt)
		settle_doubt(intake, d, ok);
	if (ok && !intake->h->closing) {
		d->spool = record;
		name_delivery(intake, d);
		remember(intake, d);
		replay_take(intake->h->replay, d);
	} else {
		delivery_free(d);
	}
	mem_free(arrival);
}

static struct delivery *delivery_copy(const struct inbound *in)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->in = *in;
	d->in.body = in->body_len ? mem_dup(in->body, in->body_len) : NULL;
	return d;
}

void intake_take(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	struct intake *intake = ctx;
	struct spool_meta meta = {0};
	struct arrival *arrival;
	struct delivery *d;
	struct buf bytes = {0};
	bool on_its_way;

	if (in->body_len > INBOUND_BODY_MAX) {
		done(arg, false);
		return;
	}
	d = delivery_copy(in);
	d->wall_us = loop_wall_us(intake->h->loop);
	identify(intake, d);
	d->repeat = doubt_take(intake, d->dup_key) || was_taken(intake, d);
	on_its_way = is_on_its_way(intake, d);
	arrival = arrival_new(intake, d);
	arrival->done = done;
	arrival->arg = arg;
	memcpy(meta.dup_key, d->dup_key, sizeof(meta.dup_key));
	flowbook_current_hash(intake->h->flowbook, meta.flow_hash);
	meta.wall_us = d->wall_us;
	meta.flags = d->repeat ? SPOOL_REPEAT : 0;
	arrival->again = !d->repeat && on_its_way;
	d->repeat = d->repeat || on_its_way;
	inbound_encode(&d->in, &bytes);
	if (spool_append(intake->h->spool, &meta, bytes.data, bytes.len, on_spooled, arrival) == 0)
		on_spooled(arrival, 0, false);
	buf_free(&bytes);
}

/* Somebody who wants deliveries of the spool once more. */
struct reading {
	struct intake *intake;
	bool (*want)(void *arg, uint64_t record);
	intake_fn *take;
	void *arg;
};

static void read_one(const struct reading *reading, const struct spool_record *record)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	if (!inbound_decode(record->plain, record->plain_len, &d->in)) {
		log_error("intake", "record=%" PRIu64 " is not a delivery of this version: kept", record->number);
		delivery_free(d);
		return;
	}
	d->spool = record->number;
	d->wall_us = record->meta.wall_us;
	d->repeat = record->meta.flags & SPOOL_REPEAT;
	d->past = PAST_UNKNOWN;
	identify(reading->intake, d);
	name_delivery(reading->intake, d);
	reading->take(reading->arg, d);
}

static void on_replayed(void *arg, const struct spool_record *record)
{
	const struct reading *reading = arg;

	/* whether the carrier saw our answer nobody knows: it may deliver this one again */
	doubt_add(reading->intake, record->meta.dup_key);
	if (!record->done)
		read_one(reading, record);
}

static void on_shown(void *arg, const struct spool_record *record)
{
	read_one(arg, record);
}

static bool wanted(void *arg, uint64_t record)
{
	const struct reading *reading = arg;

	return reading->want(reading->arg, record);
}

size_t intake_replay(struct intake *intake, intake_fn *take, void *arg)
{
	struct reading reading = {.intake = intake, .take = take, .arg = arg};

	return spool_replay(intake->h->spool, on_replayed, &reading);
}

void intake_show(struct intake *intake, bool (*want)(void *arg, uint64_t record), intake_fn *take, void *arg)
{
	struct reading reading = {.intake = intake, .want = want, .take = take, .arg = arg};

	spool_show(intake->h->spool, wanted, on_shown, &reading);
}

struct intake *intake_new(struct hotline *h)
{
	struct intake *intake = mem_alloc(sizeof(*intake));

	intake->h = h;
	intake->recent = mem_alloc(RECENT_MAX * sizeof(*intake->recent));
	intake->patience = loop_timer_new(h->loop, on_impatient, intake);
	return intake;
}

static void free_doubt(void *arg, void *value)
{
	(void)arg;
	mem_free(value);
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	map_each(&intake->doubts, free_doubt, NULL);
	map_fini(&intake->doubts);
	loop_timer_free(intake->patience);
	mem_free(intake->recent);
	mem_free(intake);
}
