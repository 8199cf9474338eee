/* Fourth station: the turn of one sender, from loading the conversation to committing it. */
#include "path/session.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "flows/engine/flow.h"
#include "path/conversation.h"
#include "path/delivery.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/reply.h"
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
	struct buf sealed;                 /* owned: the state on its way into Redis; empty before */
	bool guessed;                      /* begun from memory, Redis was not asked: only a commit that
	                                      finds the same version there may follow */
	bool force;                        /* memory is ahead of Redis */
	unsigned conflicts;
	struct turn_result result;         /* owned */
};

/* The newest state this daemon knows of a conversation, sealed as in Redis. */
struct copy {
	uint8_t subject[MAP_KEY_LEN];
	uint64_t version;
	struct buf sealed; /* owned */
	bool dirty;        /* Redis does not have it */
	int64_t at_ms, keep_ms;
	int64_t due_ms;    /* wall clock; 0 = none */
	uint8_t flow[FLOW_HASH_LEN];
	bool ended;
};

struct session {
	struct hotline *h;    /* borrowed */
	struct map mailboxes; /* subject -> struct mailbox */
	struct map copies;    /* subject -> struct copy */
	struct loop_timer *sweep, *hold;
	bool held;            /* just started: Redis has not been reached yet */
	size_t waiting, dirty;
	unsigned sweeps;
};

static void run(struct mailbox *box);

/* ---- copies in memory ---- */

static struct copy *copy_find(struct session *s, const uint8_t *subject)
{
	struct copy *copy = map_get(&s->copies, subject);

	return copy && loop_now_ms(s->h->loop) - copy->at_ms < copy->keep_ms ? copy : NULL;
}

static int64_t keep_ms(const struct mailbox *box)
{
	return conversation_ended(box->conversation) ? KEEP_ENDED_MS : KEEP_MS;
}

/* Takes over box->sealed. */
static void copy_put(struct session *s, struct mailbox *box, bool dirty)
{
	struct copy *copy = map_get(&s->copies, box->subject);
	struct buf old;

	if (!copy) {
		copy = mem_alloc(sizeof(*copy));
		memcpy(copy->subject, box->subject, sizeof(copy->subject));
		map_set(&s->copies, copy->subject, copy);
	}
	s->dirty += dirty;
	s->dirty -= copy->dirty;
	copy->version = box->version + 1;
	old = copy->sealed;
	copy->sealed = box->sealed;
	box->sealed = old;
	buf_clear(&box->sealed);
	copy->dirty = dirty;
	copy->at_ms = loop_now_ms(s->h->loop);
	copy->keep_ms = keep_ms(box);
	copy->due_ms = box->conversation->due_ms;
	memcpy(copy->flow, flow_state_flow_hash(box->conversation->flow), sizeof(copy->flow));
	copy->ended = conversation_ended(box->conversation);
}

static void copy_free(struct session *s, struct copy *copy)
{
	map_remove(&s->copies, copy->subject);
	s->dirty -= copy->dirty;
	buf_free(&copy->sealed);
	mem_free(copy);
}

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
	if (turn->delivery)
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

/* Redis does not answer: memory holds the conversation, the spool holds the texts, and the report goes
 * to filing by the short way. */
static void commit_without_redis(struct mailbox *box)
{
	struct session *s = box->session;

	seal_state(box);
	copy_put(s, box, true);
	if (box->result.has_entry)
		filing_direct(s->h->filing, &box->result.entry);
	end_turn(box);
}

static void reload(struct mailbox *box);

static void on_commit(void *arg, enum keyspace_outcome outcome)
{
	struct mailbox *box = arg;
	struct session *s = box->session;

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
	copy_put(s, box, false);
	if (box->result.has_entry)
		filing_hint(s->h->filing, box->partition);
	end_turn(box);
}

static void commit(struct mailbox *box)
{
	struct session *s = box->session;
	struct keyspace_commit k = {.partition = box->partition, .expected = box->version,
				    .force = box->force, .ttl_ms = keep_ms(box)};
	struct buf entry = {0};

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

/* The same words as the opening text, from somebody who got no answer or is in panic: counted on the
 * report and answered as before. */
static bool says_it_again(const struct conversation *c, const struct delivery *d)
{
	return c && !conversation_ended(c) && !id16_equal(&c->id, &d->id) &&
	       memcmp(c->opening_key, d->dup_key, sizeof(c->opening_key)) == 0;
}

static bool plain_answer(const struct session *s, const struct delivery *d)
{
	struct flow_triage triage;

	flow_triage(flowbook_current(s->h->flowbook), d->text, &triage);
	return triage.text_class != FLOW_TEXT_REPORT;
}

/* A USSD session whose conversation has ended, or that we never knew, was closed. */
static bool ends_nothing(const struct mailbox *box, const struct delivery *d)
{
	return inbound_ends_ussd(&d->in) && (!box->conversation || conversation_ended(box->conversation));
}

static void step_delivery(struct mailbox *box, const struct delivery *d)
{
	struct session *s = box->session;
	bool again = says_it_again(box->conversation, d) && !plain_answer(s, d);

	if (box->guessed && (d->repeat || again || ends_nothing(box, d))) {
		reload(box);
		return;
	}
	if (ends_nothing(box, d)) {
		conversation_without(s->h, d, &box->result);
		filing_direct(s->h->filing, &box->result.entry);
		end_turn(box);
		return;
	}
	if (d->repeat || again) {
		/* Whoever wrote it may have had no answer: the question once more does no harm, silence might. */
		conversation_repeat(s->h, box->conversation, d, d->in.part_total < 2, &box->result);
		filing_direct(s->h->filing, &box->result.entry);
		end_turn(box);
		return;
	}
	if (box->conversation && conversation_ended(box->conversation) &&
	    !id16_equal(&box->conversation->id, &d->id) && !conversation_heard(s->h, box->conversation, &d->id)) {
		conversation_free(box->conversation);
		box->conversation = NULL;
	}
	if (!box->conversation)
		box->conversation = conversation_new(s->h, d);
	conversation_hear(s->h, box->conversation, d, &box->result);
	commit(box);
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
	const struct copy *copy = copy_find(box->session, box->subject);

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
	const struct copy *copy = copy_find(box->session, box->subject);

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
	struct conversation *c = conversation_new(s->h, d);
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

struct due_list {
	struct session *session;
	int64_t now_ms;
	uint8_t (*subjects)[MAP_KEY_LEN]; /* owned */
	size_t count;
	bool all;            /* every dirty one, due or not */
	const uint8_t *flow; /* borrowed; for collect_holders() */
};

static void collect_due(void *arg, void *value)
{
	struct due_list *list = arg;
	struct copy *copy = value;

	if (!copy->dirty || (!list->all && (copy->due_ms == 0 || copy->due_ms > list->now_ms)))
		return;
	list->subjects = mem_array(list->subjects, list->count + 1, MAP_KEY_LEN);
	memcpy(list->subjects[list->count++], copy->subject, MAP_KEY_LEN);
}

/* Conversations that only memory has. */
static void post_dirty(struct session *s, bool all)
{
	struct due_list list = {.session = s, .now_ms = loop_wall_us(s->h->loop) / 1000, .all = all};

	map_each(&s->copies, collect_due, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (!map_get(&s->mailboxes, list.subjects[i]))
			post(s, list.subjects[i], NULL);
	}
	mem_free(list.subjects);
}

static void collect_holders(void *arg, void *value)
{
	struct due_list *list = arg;
	struct copy *copy = value;

	if (copy->ended || memcmp(copy->flow, list->flow, sizeof(copy->flow)))
		return;
	list->subjects = mem_array(list->subjects, list->count + 1, MAP_KEY_LEN);
	memcpy(list->subjects[list->count++], copy->subject, MAP_KEY_LEN);
}

static void collect_old(void *arg, void *value)
{
	struct due_list *list = arg;
	struct copy *copy = value;

	if (copy->dirty || loop_now_ms(list->session->h->loop) - copy->at_ms < copy->keep_ms)
		return;
	list->subjects = mem_array(list->subjects, list->count + 1, MAP_KEY_LEN);
	memcpy(list->subjects[list->count++], copy->subject, MAP_KEY_LEN);
}

static void forget_old(struct session *s)
{
	struct due_list list = {.session = s};

	map_each(&s->copies, collect_old, &list);
	for (size_t i = 0; i < list.count; i++)
		copy_free(s, map_get(&s->copies, list.subjects[i]));
	mem_free(list.subjects);
}

static void sweep(void *arg)
{
	struct session *s = arg;
	int64_t now_ms = loop_wall_us(s->h->loop) / 1000;

	loop_timer_set(s->sweep, SWEEP_MS);
	for (unsigned p = 0; s->h->redis_ready && p < KEYSPACE_PARTITIONS; p++)
		keyspace_due(s->h->redis, p, now_ms, on_due, s);
	if (s->dirty)
		post_dirty(s, s->h->redis_ready && redis_up(s->h->redis));
	if (++s->sweeps % FORGET_EVERY == 0)
		forget_old(s);
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
	if (s->dirty)
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
	out->in_memory = s->dirty;
}

size_t session_count(const struct session *s, const uint8_t flow_hash[32])
{
	struct due_list list = {.flow = flow_hash};

	map_each(&s->copies, collect_holders, &list);
	mem_free(list.subjects);
	return list.count;
}

void session_retire(struct session *s, const uint8_t flow_hash[32])
{
	struct due_list list = {.flow = flow_hash};

	map_each(&s->copies, collect_holders, &list);
	for (size_t i = 0; i < list.count; i++)
		post(s, list.subjects[i], NULL);
	mem_free(list.subjects);
}

struct session *session_new(struct hotline *h)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->h = h;
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

static void free_copy(void *arg, void *value)
{
	struct copy *copy = value;

	(void)arg;
	buf_free(&copy->sealed);
	mem_free(copy);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	map_each(&s->mailboxes, free_mailbox, NULL);
	map_fini(&s->mailboxes);
	map_each(&s->copies, free_copy, NULL);
	map_fini(&s->copies);
	loop_timer_free(s->sweep);
	loop_timer_free(s->hold);
	mem_free(s);
}
