/* Fourth station: the turn of one sender, from loading the conversation to committing it. */
#include "path/session.h"

#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "flows/engine/flow.h"
#include "path/conversation.h"
#include "path/copies.h"
#include "path/delivery.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/reply.h"
#include "path/turn.h"
#include "store/keyspace.h"

enum {
	SWEEP_MS = 1000,               /* how often due conversations are looked for */
	HOLD_MS = 1000,                /* turns wait for Redis this long after the start */
	FORGET_EVERY = 600,            /* sweeps between two clean-ups of memory */
	KEEP_MS = 26 * 3600 * 1000,    /* life of a conversation: its longest wait and a margin */
	KEEP_ENDED_MS = 600 * 1000,    /* of an ended one, for repeats: its data key goes with it */
	CONFLICTS_MAX = 8              /* lost races with other daemons before memory decides */
};

/* One thing that a conversation must hear: a delivery, or that its time ran out. */
struct turn {
	struct turn *next;
	struct delivery *delivery; /* owned; NULL: time ran out */
};

struct mailbox {
	struct session *session;
	uint8_t subject[MAP_KEY_LEN];
	unsigned partition;
	struct turn *turns, **last; /* owned; the first is being worked on while busy */
	bool busy;
	/* of the running turn */
	struct conversation *conversation; /* owned; NULL = none yet */
	uint64_t version;                  /* as loaded */
	uint64_t next;                     /* of the commit under way */
	struct buf sealed;                 /* owned: the state on its way into Redis; empty before */
	bool guessed;                      /* begun from memory, Redis was not asked: only a commit that
	                                      finds the same version there may follow */
	bool force;                        /* memory is ahead of Redis */
	unsigned conflicts;
	struct turn_result result;         /* owned */
};

struct session {
	struct hotline *h;    /* borrowed */
	struct map mailboxes; /* subject -> struct mailbox */
	struct copies copies;
	struct loop_timer *sweep, *hold;
	bool held;            /* just started: Redis has not been reached yet */
	size_t waiting;
	unsigned sweeps;
};

static void run(struct mailbox *box);

/* ---- the end of a turn ---- */

static void turn_free(struct turn *turn)
{
	delivery_free(turn->delivery);
	mem_free(turn);
}

static void end_turn(struct mailbox *box)
{
	struct session *s = box->session;
	struct turn *turn = box->turns;

	if (turn->delivery)
		turn->delivery->more = box->conversation && !conversation_ended(box->conversation);
	/* an answer to what was heard long ago is the business of that turn */
	if (turn->delivery && turn->delivery->past != PAST_HEARD)
		reply_send(s->h, turn->delivery, box->result.reply);
	conversation_free(box->conversation);
	box->conversation = NULL;
	turn_result_fini(&box->result);
	box->turns = turn->next;
	if (!box->turns)
		box->last = &box->turns;
	turn_free(turn);
	s->waiting--;
	box->busy = false;
	run(box);
}

/* ---- committing ---- */

/* Fills box->sealed unless it is already. */
static void seal_state(struct mailbox *box)
{
	struct buf plain = {0};

	if (box->sealed.len > 0)
		return;
	conversation_save(box->conversation, &plain);
	vault_seal(box->session->h->vault, VAULT_SESSION, box->subject, sizeof(box->subject), plain.data,
		   plain.len, &box->sealed);
	explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
}

static int64_t keep_ms(const struct mailbox *box)
{
	return conversation_ended(box->conversation) ? KEEP_ENDED_MS : KEEP_MS;
}

static void keep_copy(struct mailbox *box, bool dirty)
{
	const struct conversation *c = box->conversation;
	struct copy copy = {.version = box->next, .dirty = dirty, .ended = conversation_ended(c),
			    .due_ms = c->due_ms};

	/* as long as Redis may hold an older state: forgotten before, that one would come to life again */
	copy.keep_ms = dirty ? KEEP_MS : keep_ms(box);

	memcpy(copy.subject, box->subject, sizeof(copy.subject));
	memcpy(copy.flow, flow_state_flow_hash(c->flow), sizeof(copy.flow));
	seal_state(box);
	copy.sealed = box->sealed;
	box->sealed = (struct buf){0};
	copies_put(&box->session->copies, &copy);
}

/* Redis does not answer: memory holds the conversation, the spool holds the texts, and the report goes
 * to filing by the short way. */
static void commit_without_redis(struct mailbox *box)
{
	keep_copy(box, true);
	if (box->result.has_entry)
		filing_direct(box->session->h->filing, &box->result.entry);
	end_turn(box);
}

static void reload(struct mailbox *box);

static void on_commit(void *arg, enum keyspace_outcome outcome)
{
	struct mailbox *box = arg;
	struct session *s = box->session;
	const struct entry *e = &box->result.entry;

	if (s->h->closing)
		return;
	if (outcome == KEYSPACE_CONFLICT && ++box->conflicts < CONFLICTS_MAX) {
		reload(box);
		return;
	}
	if (outcome != KEYSPACE_DONE) {
		commit_without_redis(box);
		return;
	}
	keep_copy(box, false);
	if (box->result.has_entry) {
		turn_note_queued(s->h, e->spool, e->part, e->part_count);
		filing_hint(s->h->filing, box->partition);
	}
	end_turn(box);
}

/* Redis forgets conversations and their versions, another daemon's memory does not: counted from 1 again, its
 * last state of an old conversation might pass for the newest of the next one. */
static uint64_t next_version(const struct mailbox *box)
{
	uint64_t now_us = (uint64_t)loop_wall_us(box->session->h->loop);

	return now_us > box->version ? now_us : box->version + 1;
}

static void commit(struct mailbox *box)
{
	struct session *s = box->session;
	struct keyspace_commit k = {.partition = box->partition, .expected = box->version,
				    .force = box->force, .ttl_ms = keep_ms(box)};
	struct buf entry = {0};

	box->next = k.version = next_version(box);
	if (!s->h->redis_ready) {
		commit_without_redis(box);
		return;
	}
	seal_state(box);
	memcpy(k.hash, box->subject, sizeof(k.hash));
	k.data = box->sealed.data;
	k.len = box->sealed.len;
	k.due_ms = box->conversation->due_ms;
	if (box->result.has_entry)
		filing_seal(s->h->filing, box->partition, &box->result.entry, &entry);
	if (box->result.has_entry && entry.len == 0) { /* too long for the queue */
		commit_without_redis(box);
		return;
	}
	k.entry = entry.data;
	k.entry_len = entry.len;
	keyspace_commit(s->h->redis, &k, on_commit, box);
	buf_free(&entry);
}

/* ---- stepping ---- */

static void step_delivery(struct mailbox *box, const struct delivery *d)
{
	struct hotline *h = box->session->h;

	if (turn_hear(h, &box->conversation, d, &box->result)) {
		commit(box);
		return;
	}
	if (box->guessed) { /* no commit follows that would find out whether it was right */
		reload(box);
		return;
	}
	if (box->result.has_entry)
		filing_direct(h->filing, &box->result.entry);
	end_turn(box);
}

/* A turn without a text, before the one that waits: the conversation ends in it, and the text opens the
 * next. */
static struct turn *put_before(struct mailbox *box)
{
	struct turn *turn = mem_alloc(sizeof(*turn));

	turn->next = box->turns;
	box->turns = turn;
	box->session->waiting++;
	return turn;
}

static void step(struct mailbox *box)
{
	struct session *s = box->session;
	struct turn *turn = box->turns;

	if (box->conversation &&
	    !flowbook_find(s->h->flowbook, flow_state_flow_hash(box->conversation->flow))) {
		log_error("session", "flow version of a conversation is gone: a new one begins");
		conversation_free(box->conversation);
		box->conversation = NULL;
	}
	if (turn->delivery && box->conversation && conversation_retired(s->h, box->conversation))
		turn = put_before(box);
	if (turn->delivery) {
		step_delivery(box, turn->delivery);
		return;
	}
	if (box->conversation)
		conversation_expire(s->h, box->conversation, loop_wall_us(s->h->loop), &box->result);
	if (box->conversation) {
		commit(box);
		return;
	}
	keyspace_forget_due(s->h->redis, box->partition, box->subject);
	end_turn(box);
}

/* ---- loading ---- */

static void open_state(struct mailbox *box, const uint8_t *sealed, size_t len)
{
	struct buf plain = {0};

	if (vault_unseal(box->session->h->vault, VAULT_SESSION, box->subject, sizeof(box->subject), sealed, len,
			 &plain))
		box->conversation = conversation_load(plain.data, plain.len);
	if (!box->conversation)
		log_error("session", "a conversation could not be opened: a new one begins");
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
	buf_free(&plain);
}

static void use_copy(struct mailbox *box, const struct copy *copy)
{
	box->version = copy->version;
	box->force = true;
	open_state(box, copy->sealed.data, copy->sealed.len);
}

/* Redis may have lost its last second, or everything: the newer of the two states counts. */
static void on_load(void *arg, bool ok, const struct keyspace_session *found)
{
	struct mailbox *box = arg;
	const struct copy *copy = copies_find(&box->session->copies, box->subject);

	if (box->session->h->closing)
		return;
	box->version = found->version;
	if (copy && (!ok || copy->version > found->version || (copy->dirty && copy->version == found->version)))
		use_copy(box, copy);
	else if (ok && found->version && found->data)
		open_state(box, found->data, found->len);
	step(box);
}

static void reload(struct mailbox *box)
{
	struct session *s = box->session;
	struct keyspace_session none = {0};

	conversation_free(box->conversation);
	box->conversation = NULL;
	turn_result_fini(&box->result);
	buf_clear(&box->sealed);
	box->version = 0;
	box->force = box->guessed = false;
	if (s->h->redis_ready)
		keyspace_load(s->h->redis, box->partition, box->subject, on_load, box);
	else
		on_load(box, false, &none);
}

/* The state this daemon committed last is most likely still the one in Redis: the turn begins with it,
 * and the commit finds out. Saves a round trip of each answer. */
static bool guess(struct mailbox *box)
{
	const struct copy *copy = copies_find(&box->session->copies, box->subject);

	if (!copy || copy->dirty || !box->session->h->redis_ready)
		return false;
	open_state(box, copy->sealed.data, copy->sealed.len);
	if (!box->conversation)
		return false;
	buf_clear(&box->sealed);
	box->version = copy->version;
	box->force = false;
	box->guessed = true;
	step(box);
	return true;
}

static void start_turn(void *arg)
{
	struct mailbox *box = arg;

	if (box->session->h->closing)
		return;
	box->conflicts = 0;
	if (!guess(box))
		reload(box);
}

static void run(struct mailbox *box)
{
	if (box->busy || box->session->held)
		return;
	if (!box->turns) {
		map_remove(&box->session->mailboxes, box->subject);
		buf_free(&box->sealed);
		mem_free(box);
		return;
	}
	box->busy = true;
	loop_defer(box->session->h->loop, start_turn, box);
}

static struct mailbox *mailbox_for(struct session *s, const uint8_t *subject)
{
	struct mailbox *box = map_get(&s->mailboxes, subject);
	uint8_t hash[VAULT_INDEX_LEN];

	if (box)
		return box;
	box = mem_alloc(sizeof(*box));
	box->session = s;
	memcpy(box->subject, subject, sizeof(box->subject));
	vault_index(s->h->vault, VAULT_IDX_PARTITION, subject, MAP_KEY_LEN, hash);
	box->partition = hash[0] % KEYSPACE_PARTITIONS;
	box->last = &box->turns;
	map_set(&s->mailboxes, box->subject, box);
	return box;
}

static void post(struct session *s, const uint8_t *subject, struct delivery *d)
{
	struct mailbox *box = mailbox_for(s, subject);
	struct turn *turn = mem_alloc(sizeof(*turn));

	turn->delivery = d;
	*box->last = turn;
	box->last = &turn->next;
	s->waiting++;
	run(box);
}

/* A sender who cannot hold a conversation (a name, a short code, none): the text is a report by itself,
 * and nobody is answered. */
static void hear_alone(struct session *s, struct delivery *d)
{
	struct conversation *c = conversation_new(s->h, d, NULL);
	struct turn_result result = {0};

	if (d->repeat)
		conversation_repeat(s->h, NULL, d, false, &result);
	else
		conversation_hear(s->h, c, d, &result);
	filing_direct(s->h->filing, &result.entry);
	reply_send(s->h, d, NULL);
	turn_result_fini(&result);
	conversation_free(c);
	delivery_free(d);
}

void session_take(struct session *s, struct delivery *d)
{
	if (d->has_subject && d->in.alphabet != ALPHABET_PDU)
		post(s, d->subject, d);
	else
		hear_alone(s, d);
}

/* ---- time-outs ---- */

static void on_due(void *arg, unsigned partition, const uint8_t *hashes, size_t count)
{
	struct session *s = arg;

	(void)partition;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *subject = hashes + i * KEYSPACE_HASH_LEN;

		if (!map_get(&s->mailboxes, subject))
			post(s, subject, NULL);
	}
}

struct box_list {
	struct mailbox **boxes; /* owned array */
	size_t count;
};

static void post_each(struct session *s, struct subject_list list)
{
	for (size_t i = 0; i < list.count; i++) {
		if (!map_get(&s->mailboxes, list.subjects[i]))
			post(s, list.subjects[i], NULL);
	}
	mem_free(list.subjects);
}

/* Conversations that only memory has. */
static void post_dirty(struct session *s, bool all)
{
	post_each(s, copies_list_dirty(&s->copies, loop_wall_us(s->h->loop) / 1000, all));
}

static void sweep(void *arg)
{
	struct session *s = arg;
	int64_t now_ms = loop_wall_us(s->h->loop) / 1000;

	loop_timer_set(s->sweep, SWEEP_MS);
	for (unsigned p = 0; s->h->redis_ready && p < KEYSPACE_PARTITIONS; p++)
		keyspace_due(s->h->redis, p, now_ms, on_due, s);
	if (s->copies.dirty)
		post_dirty(s, s->h->redis_ready && redis_up(s->h->redis));
	if (++s->sweeps % FORGET_EVERY == 0)
		copies_forget_old(&s->copies);
}

static void collect_box(void *arg, void *value)
{
	struct box_list *list = arg;

	list->boxes = mem_array(list->boxes, list->count + 1, sizeof(*list->boxes));
	list->boxes[list->count++] = value;
}

static void release(void *arg)
{
	struct session *s = arg;
	struct box_list list = {0};

	if (!s->held)
		return;
	s->held = false;
	loop_timer_cancel(s->hold);
	map_each(&s->mailboxes, collect_box, &list);
	for (size_t i = 0; i < list.count; i++)
		run(list.boxes[i]);
	mem_free(list.boxes);
}

void session_redis_up(struct session *s)
{
	release(s);
	if (s->copies.dirty)
		post_dirty(s, true);
}

void session_start(struct session *s)
{
	loop_timer_set(s->sweep, SWEEP_MS);
	loop_timer_set(s->hold, HOLD_MS);
}

void session_status(const struct session *s, struct session_status *out)
{
	out->waiting = s->waiting;
	out->in_memory = s->copies.dirty;
}

size_t session_count(const struct session *s, const uint8_t flow_hash[32])
{
	struct subject_list list = copies_list_flow(&s->copies, flow_hash);

	mem_free(list.subjects);
	return list.count;
}

void session_retire(struct session *s, const uint8_t flow_hash[32])
{
	struct subject_list list = copies_list_flow(&s->copies, flow_hash);

	for (size_t i = 0; i < list.count; i++)
		post(s, list.subjects[i], NULL);
	mem_free(list.subjects);
}

struct session *session_new(struct hotline *h)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->h = h;
	s->copies.loop = h->loop;
	s->sweep = loop_timer_new(h->loop, sweep, s);
	s->hold = loop_timer_new(h->loop, release, s);
	s->held = true;
	return s;
}

static void free_mailbox(void *arg, void *value)
{
	struct mailbox *box = value;

	(void)arg;
	while (box->turns) {
		struct turn *turn = box->turns;

		box->turns = turn->next;
		turn_free(turn);
	}
	conversation_free(box->conversation);
	turn_result_fini(&box->result);
	buf_free(&box->sealed);
	mem_free(box);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	map_each(&s->mailboxes, free_mailbox, NULL);
	map_fini(&s->mailboxes);
	copies_fini(&s->copies);
	loop_timer_free(s->sweep);
	loop_timer_free(s->hold);
	mem_free(s);
}
