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

	if (!d->text) {
		charset_to_utf8(d->in.alphabet, d->in.body, d->in.body_len, &text);
		d->text = mem_strdup(buf_cstr(&text));
		buf_free(&text);
	}
	roles_take(parts->h->roles, d);
}

/* Neighbouring parts in one alphabet, not decoded yet: an escape or a surrogate pair may lie across a
 * boundary, so they are joined as octets. */
struct run {
	enum alphabet alphabet;
	struct buf octets;
};

static void run_end(struct run *run, struct buf *text)
{
	charset_to_utf8(run->alphabet, run->octets.data, run->octets.len, text);
	buf_clear(&run->octets);
}

static void run_add(struct run *run, const struct inbound *in, struct buf *text)
{
	uint32_t len = in->body_len;

	if (in->alphabet != run->alphabet)
		run_end(run, text);
	run->alphabet = in->alphabet;
	if (in->alphabet == ALPHABET_UTF16)
		len -= len % 2; /* half a character would shift all that follows */
	buf_put(&run->octets, in->body, len);
}

static void keep_beside(struct delivery *whole, struct delivery *d)
{
	struct entry_part *part = &whole->part[whole->part_count++];

	part->spool = d->spool;
	part->message = d->id;
	memcpy(part->dup_key, d->dup_key, sizeof(part->dup_key));
	if (d->past == PAST_NONE)
		whole->past = PAST_NONE;
	delivery_free(d);
}

/* The first part that is there becomes the delivery; the others are kept beside it. Takes from the set
 * no more than one delivery may hold; *next is the sequence number of the first part that is left. */
static struct delivery *join(struct set *set, unsigned *next)
{
	struct delivery *whole = NULL;
	struct buf text = {0};
	struct run run = {0};
	size_t octets = 0;
	unsigned i;

	for (i = 1; i <= set->total; i++) {
		struct delivery *d = set->part[i];

		if (!d) {
			run_end(&run, &text);
			buf_put(&text, " ... ", 5);
			continue;
		}
		octets += d->in.body_len;
		if (octets > INBOUND_BODY_MAX)
			break;
		run_add(&run, &d->in, &text);
		if (whole) {
			keep_beside(whole, d);
			continue;
		}
		whole = d;
		whole->part = mem_alloc(set->total * sizeof(*whole->part));
	}
	run_end(&run, &text);
	whole->text = mem_strdup(buf_cstr(&text));
	buf_free(&text);
	buf_free(&run.octets);
	*next = i;
	return whole;
}

static void finish(struct set *set)
{
	struct parts *parts = set->parts;
	unsigned next;
	struct delivery *whole = join(set, &next);

	map_remove(&parts->sets, set->key);
	loop_timer_free(set->timer);
	if (next <= set->total)
		log_warn("parts", "a text too long to be joined: parts from %u of %u go on by themselves", next,
			 set->total);
	pass_on(parts, whole);
	for (; next <= set->total; next++) {
		if (set->part[next])
			pass_on(parts, set->part[next]);
	}
	mem_free(set);
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

/* The same part in other words: the phone uses its reference for its next text already. */
static bool is_another(const struct delivery *held, const struct delivery *d)
{
	return held && memcmp(held->dup_key, d->dup_key, sizeof(d->dup_key)) != 0;
}

void parts_take(struct parts *parts, struct delivery *d)
{
	struct set *set;

	if (d->in.part_total < 2 || d->in.part_seq < 1 || d->in.part_seq > d->in.part_total) {
		pass_on(parts, d);
		return;
	}
	set = find_set(parts, d);
	if (set && is_another(set->part[d->in.part_seq], d)) {
		finish(set);
		set = NULL;
	}
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
