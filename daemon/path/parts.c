/* Second station: one text out of its parts. */
#include "path/parts.h"

#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/charset.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/pending.h"
#include "path/roles.h"
#include "store/vault.h"

/* A frightened text must not wait long for a part that may never come. */
enum { SET_WAIT_MS = 60 * 1000 };

struct set {
	struct parts *parts;
	uint8_t key[MAP_KEY_LEN];
	uint8_t total, have;
	struct delivery *part[256]; /* by sequence number, from 1; owned */
	struct loop_timer *timer;
};

struct parts {
	struct hotline *h; /* borrowed */
	struct map sets;   /* key -> struct set */
};

/* Sender, short code, carrier, reference, its width and the total: without any of them the parts of two
 * people's texts could be mixed. */
static void set_key(struct parts *parts, const struct delivery *d, uint8_t out[MAP_KEY_LEN])
{
	struct buf key = {0};

	buf_put_str(&key, d->in.carrier);
	buf_put_str(&key, d->from.value);
	buf_put_str(&key, d->in.dest);
	buf_put_u16(&key, d->in.part_ref);
	buf_put_u8(&key, d->in.part_ref_bits);
	buf_put_u8(&key, d->in.part_total);
	vault_index(parts->h->vault, VAULT_IDX_DUPLICATE, key.data, key.len, out);
	buf_free(&key);
}

static void pass_on(struct parts *parts, struct delivery *d)
{
	struct buf text = {0};

	charset_to_utf8(d->in.alphabet, d->in.body, d->in.body_len, &text);
	d->text = mem_strdup(buf_cstr(&text));
	buf_free(&text);
	roles_take(parts->h->roles, d);
}

static void put_gap(struct buf *out, enum alphabet alphabet)
{
	static const uint8_t wide[] = {0, ' ', 0, '.', 0, '.', 0, '.', 0, ' '};

	if (alphabet == ALPHABET_UTF16)
		buf_put(out, wide, sizeof(wide));
	else
		buf_put(out, " ... ", 5);
}

/* Joins octets, not characters: an escape or a surrogate pair may lie across a boundary. The first
 * part that is there becomes the delivery; the others are kept beside it. */
static struct delivery *join(struct set *set)
{
	struct delivery *whole = NULL;
	enum alphabet alphabet = ALPHABET_GSM7;
	struct buf body = {0};

	for (unsigned i = 1; i <= set->total; i++) {
		if (set->part[i])
			alphabet = set->part[i]->in.alphabet;
	}
	for (unsigned i = 1; i <= set->total; i++) {
		struct delivery *d = set->part[i];

		if (!d) {
			put_gap(&body, alphabet);
			continue;
		}
		buf_put(&body, d->in.body, d->in.body_len);
		if (!whole) {
			whole = d;
			whole->part = mem_alloc(set->total * sizeof(*whole->part));
			continue;
		}
		whole->part[whole->part_count].spool = d->spool;
		whole->part[whole->part_count].message = d->id;
		memcpy(whole->part[whole->part_count++].dup_key, d->dup_key, sizeof(d->dup_key));
		if (d->past == PAST_NONE)
			whole->past = PAST_NONE;
		delivery_free(d);
	}
	mem_free(whole->in.body);
	whole->in.body = body.data;
	whole->in.body_len = (uint32_t)body.len;
	return whole;
}

static void finish(struct set *set)
{
	struct parts *parts = set->parts;
	struct delivery *whole = join(set);

	map_remove(&parts->sets, set->key);
	loop_timer_free(set->timer);
	mem_free(set);
	pass_on(parts, whole);
}

static void on_incomplete(void *arg)
{
	struct set *set = arg;

	log_warn("parts", "incomplete text passed on have=%u total=%u", set->have, set->total);
	finish(set);
}

static struct set *find_set(struct parts *parts, const struct delivery *d)
{
	uint8_t key[MAP_KEY_LEN];

	set_key(parts, d, key);
	return map_get(&parts->sets, key);
}

static struct set *add_set(struct parts *parts, const struct delivery *d)
{
	struct set *set = mem_alloc(sizeof(*set));

	set->parts = parts;
	set_key(parts, d, set->key);
	set->total = d->in.part_total;
	set->timer = loop_timer_new(parts->h->loop, on_incomplete, set);
	map_set(&parts->sets, set->key, set);
	return set;
}

void parts_take(struct parts *parts, struct delivery *d)
{
	struct set *set;

	if (d->in.part_total < 2 || d->in.part_seq < 1 || d->in.part_seq > d->in.part_total) {
		pass_on(parts, d);
		return;
	}
	set = find_set(parts, d);
	if (set ? set->part[d->in.part_seq] != NULL : d->repeat) {
		/* delivered twice, or the whole text is known already: a row of its own, no text */
		d->repeat = true;
		pass_on(parts, d);
		return;
	}
	if (!set)
		set = add_set(parts, d);
	set->part[d->in.part_seq] = d;
	if (++set->have == set->total)
		finish(set);
	else
		loop_timer_set(set->timer, SET_WAIT_MS);
}

struct parts *parts_new(struct hotline *h)
{
	struct parts *parts = mem_alloc(sizeof(*parts));

	parts->h = h;
	return parts;
}

static void free_set(void *arg, void *value)
{
	struct set *set = value;

	(void)arg;
	for (unsigned i = 1; i <= set->total; i++)
		delivery_free(set->part[i]);
	loop_timer_free(set->timer);
	mem_free(set);
}

void parts_free(struct parts *parts)
{
	if (!parts)
		return;
	map_each(&parts->sets, free_set, NULL);
	map_fini(&parts->sets);
	mem_free(parts);
}
