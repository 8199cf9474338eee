/* Sessions, their open turn, who waits for its screen, and the deliveries under way. */
#include "adapters/ussd.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/ussd.h"

enum {
	SWEEP_MS = 1000,
	KEEP_OVER_MS = 30 * 1000, /* how long the last screen of a session can be asked for again */
	TURN_NAME_MAX = 4096,
	HASH_LEN = MAP_KEY_LEN
};

/* A request of the bearer that gets the screen of the open turn. */
struct waiter {
	struct waiter *next;
	ussd_show_fn *show;
	void *arg;
};

struct session {
	struct ussd *ussd;
	struct session *next, **at;
	uint8_t key[HASH_LEN];
	struct ussd_session model;
	uint64_t turn;                 /* number of the open turn; 0: none yet */
	uint8_t turn_hash[HASH_LEN];   /* what the bearer said in it */
	char *turn_name;               /* owned: the bearer's own name of it; NULL: none */
	size_t turn_name_len;
	bool kept_text;                /* the open turn holds an answer, not just a dialled code */
	struct waiter *waiters;        /* owned */
	struct loop_timer *timer;      /* owned: the open turn's deadline */
	char from[INBOUND_ADDRESS_MAX], to[INBOUND_ADDRESS_MAX];
	char *screen;                  /* owned: the last one shown; NULL: none */
	bool more;                     /* of that screen */
};

/* A delivery on its way to the disk. Outlives session and link. */
struct under_way {
	struct ussd *ussd; /* NULL once it is gone */
	struct under_way *next, **at;
	uint64_t turn;     /* 0: an end */
	ussd_show_fn *show; /* of an end: who is told; NULL: nobody */
	void *arg;
	received_fn *kept;  /* of a bearer that wants to know; NULL: it does not */
	void *kept_arg;
};

/* An outcome that adapter.send owes. */
struct sent {
	struct sent *next;
	struct id16 id;
	enum sent_state state;
};

struct ussd {
	const struct adapter_host *host; /* borrowed */
	struct ussd_conf conf;
	uint32_t incarnation;    /* tells our tokens from those of an earlier life */
	uint64_t turns;          /* last number given */
	struct map by_key;       /* -> struct session */
	struct map by_turn;      /* open turns -> struct session */
	struct session *sessions; /* owned */
	size_t count;
	struct under_way *under_way; /* list; each owns itself */
	struct sent *sent, **last_sent; /* owned */
	struct loop_timer *sweep, *report;
};

/* ---- names ---- */

/* A hash of texts that may hold anything. */
static void hash_of(uint8_t out[HASH_LEN], const char *a, size_t a_len, const char *b, size_t b_len)
{
	crypto_generichash_state state;
	uint64_t len = a_len;

	crypto_generichash_init(&state, NULL, 0, HASH_LEN);
	crypto_generichash_update(&state, (const unsigned char *)&len, sizeof(len));
	crypto_generichash_update(&state, (const unsigned char *)a, a_len);
	crypto_generichash_update(&state, (const unsigned char *)b, b_len);
	crypto_generichash_final(&state, out, HASH_LEN);
}

static void put_token(const struct ussd *u, uint64_t turn, char out[INBOUND_ADDRESS_MAX])
{
	snprintf(out, INBOUND_ADDRESS_MAX, "%08" PRIx32 ".%" PRIu64, u->incarnation, turn);
}

static struct session *find_turn(const struct ussd *u, uint64_t turn)
{
	uint8_t key[MAP_KEY_LEN];

	map_number_key(turn, key);
	return turn ? map_get(&u->by_turn, key) : NULL;
}

static struct session *find_token(const struct ussd *u, const char *token)
{
	uint32_t incarnation;
	uint64_t turn;

	if (sscanf(token, "%8" SCNx32 ".%" SCNu64, &incarnation, &turn) != 2 || incarnation != u->incarnation)
		return NULL;
	return find_turn(u, turn);
}

static void close_turn(struct session *s)
{
	uint8_t key[MAP_KEY_LEN];

	map_number_key(s->turn, key);
	map_remove(&s->ussd->by_turn, key);
	loop_timer_cancel(s->timer);
}

/* ---- what a session does ---- */

static void wait_for(struct session *s, ussd_show_fn *show, void *arg)
{
	struct waiter *waiter = mem_alloc(sizeof(*waiter));

	*waiter = (struct waiter){s->waiters, show, arg};
	s->waiters = waiter;
}

static void tell_waiters(struct session *s, enum ussd_fate fate, const char *text, bool more)
{
	while (s->waiters) {
		struct waiter *waiter = s->waiters;

		s->waiters = waiter->next;
		waiter->show(waiter->arg, fate, text, more);
		mem_free(waiter);
	}
}

static void show(struct session *s, const char *text, bool more)
{
	char *screen = mem_strdup(text);

	mem_free(s->screen);
	s->screen = screen;
	s->more = more;
	tell_waiters(s, USSD_SCREEN, screen, more);
}

static void show_own(struct session *s, unsigned todo)
{
	char text[USSD_TEXT_MAX];

	/* to whom nothing was said yet "received" would be a riddle */
	if (todo & USSD_DO_LATER && s->kept_text)
		ussd_later_text(s->ussd->conf.voice, s->to, text);
	else
		ussd_voice_text(s->ussd->conf.voice, text);
	show(s, text, false);
}

static void do_event(struct session *s, enum ussd_event event);

static void on_late(void *arg)
{
	struct session *s = arg;

	log_warn(s->ussd->conf.link, "a USSD screen is late: %s", s->model.state == USSD_HEARD ?
		 "the disk does not answer" : "the conversation does not answer");
	do_event(s, USSD_EV_LATE);
}

static void arm(struct session *s)
{
	int64_t due_ms = ussd_due_ms(&s->model), now_ms = loop_now_ms(s->ussd->host->loop);

	if (due_ms == INT64_MAX)
		loop_timer_cancel(s->timer);
	else
		loop_timer_set(s->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* ---- deliveries ---- */

static void on_received(void *arg, bool ok)
{
	struct under_way *w = arg;
	struct session *s;

	if (w->ussd) {
		*w->at = w->next;
		if (w->next)
			w->next->at = w->at;
		s = find_turn(w->ussd, w->turn);
		if (s)
			do_event(s, ok ? USSD_EV_KEPT : USSD_EV_LOST);
	}
	if (w->show)
		w->show(w->arg, ok ? USSD_NOTED : USSD_UNHEARD, "", false);
	if (w->kept)
		w->kept(w->kept_arg, ok);
	mem_free(w);
}

static void deliver(struct session *s, enum ussd_op op, const char *text, size_t len, const uint8_t id[HASH_LEN],
		    struct under_way *w)
{
	struct ussd *u = s->ussd;
	struct inbound in = {.channel = CHANNEL_USSD, .alphabet = ALPHABET_UTF8, .ussd_op = op};

	w->ussd = u;
	w->next = u->under_way;
	w->at = &u->under_way;
	if (w->next)
		w->next->at = &w->next;
	u->under_way = w;
	snprintf(in.adapter, sizeof(in.adapter), "%s", u->conf.adapter);
	snprintf(in.link, sizeof(in.link), "%s", u->conf.link);
	snprintf(in.carrier, sizeof(in.carrier), "%s", u->conf.carrier);
	memcpy(in.source, s->from, sizeof(in.source));
	memcpy(in.dest, s->to, sizeof(in.dest));
	hex_encode(id, HASH_LEN, in.message_id);
	if (w->turn)
		put_token(u, w->turn, in.reply_token);
	in.body = (uint8_t *)text;
	in.body_len = (uint32_t)len;
	u->host->inbound(u->host->ctx, &in, on_received, w);
}

/* Tells the conversation; `show` is told when that is durable, NULL: nobody asks. */
static void deliver_end(struct session *s, const struct ussd_heard *heard, ussd_show_fn *show_fn, void *arg)
{
	struct under_way *w = mem_alloc(sizeof(*w));
	uint8_t id[HASH_LEN];
	char name[40];

	w->show = show_fn;
	w->arg = arg;
	w->kept = heard->kept;
	w->kept_arg = heard->kept_arg;
	/* a session whose key comes again (a number) has many ends: the turn before tells them apart */
	snprintf(name, sizeof(name), "end %08" PRIx32 ".%" PRIu64, s->ussd->incarnation, s->turn);
	hash_of(id, (const char *)s->key, sizeof(s->key), name, strlen(name));
	deliver(s, heard->op, "", 0, id, w);
}

static void deliver_turn(struct session *s, const struct ussd_heard *heard)
{
	struct ussd *u = s->ussd;
	struct under_way *w = mem_alloc(sizeof(*w));
	uint8_t id[HASH_LEN], key[MAP_KEY_LEN];
	char name[INBOUND_ADDRESS_MAX];

	s->turn = ++u->turns;
	s->kept_text = heard->op != USSD_BEGIN;
	map_number_key(s->turn, key);
	map_set(&u->by_turn, key, s);
	arm(s);
	w->turn = s->turn;
	w->kept = heard->kept;
	w->kept_arg = heard->kept_arg;
	put_token(u, s->turn, name);
	if (heard->turn)
		hash_of(id, (const char *)s->key, sizeof(s->key), (const char *)s->turn_hash, sizeof(s->turn_hash));
	else
		hash_of(id, (const char *)s->key, sizeof(s->key), name, strlen(name));
	deliver(s, heard->op, heard->text, heard->text_len < INBOUND_BODY_MAX ? heard->text_len : INBOUND_BODY_MAX, id, w);
}

/* What follows from an event that is no turn and no screen. */
static void do_event(struct session *s, enum ussd_event event)
{
	unsigned todo = ussd_step(&s->model, event, loop_now_ms(s->ussd->host->loop));

	if (todo & USSD_DO_DROP)
		tell_waiters(s, USSD_DROPPED, "", false);
	if (todo & (USSD_DO_VOICE | USSD_DO_LATER))
		show_own(s, todo);
	if (todo & USSD_DO_TELL_END)
		deliver_end(s, &(struct ussd_heard){.op = USSD_TIMEOUT}, NULL, NULL);
	if (s->model.state == USSD_OVER)
		close_turn(s);
	else
		arm(s);
}

/* ---- sessions ---- */

static void copy(const char *from, char out[INBOUND_ADDRESS_MAX])
{
	snprintf(out, INBOUND_ADDRESS_MAX, "%s", from);
}

static struct session *session_new(struct ussd *u, const uint8_t key[HASH_LEN])
{
	struct session *s = mem_alloc(sizeof(*s));

	s->ussd = u;
	memcpy(s->key, key, sizeof(s->key));
	s->timer = loop_timer_new(u->host->loop, on_late, s);
	s->next = u->sessions;
	s->at = &u->sessions;
	if (s->next)
		s->next->at = &s->next;
	u->sessions = s;
	map_set(&u->by_key, s->key, s);
	u->count++;
	if (!loop_timer_armed(u->sweep))
		loop_timer_set(u->sweep, SWEEP_MS);
	return s;
}

static void forget_name(struct session *s)
{
	if (s->turn_name)
		explicit_bzero(s->turn_name, s->turn_name_len); /* may be what was answered */
	mem_free(s->turn_name);
	s->turn_name = NULL;
}

static void session_free(struct session *s)
{
	struct ussd *u = s->ussd;

	tell_waiters(s, USSD_DROPPED, "", false);
	close_turn(s);
	map_remove(&u->by_key, s->key);
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	u->count--;
	loop_timer_free(s->timer);
	forget_name(s);
	if (s->screen)
		explicit_bzero(s->screen, strlen(s->screen));
	mem_free(s->screen);
	mem_free(s);
}

static void sweep(void *arg)
{
	struct ussd *u = arg;
	int64_t now_ms = loop_now_ms(u->host->loop);
	struct session *next;

	for (struct session *s = u->sessions; s; s = next) {
		next = s->next;
		if (ussd_is_idle(&s->model, now_ms, u->conf.idle_ms))
			do_event(s, USSD_EV_HANGUP);
		else if (s->model.state == USSD_OVER && now_ms - s->model.turn_ms >= KEEP_OVER_MS && !s->waiters)
			session_free(s);
	}
	if (u->sessions)
		loop_timer_set(u->sweep, SWEEP_MS);
}

/* ---- hearing ---- */

static bool is_again(const struct session *s, const struct ussd_heard *heard, const uint8_t hash[HASH_LEN])
{
	bool open = s->model.state == USSD_HEARD || s->model.state == USSD_KEPT;
	bool shown = s->model.state == USSD_SHOWN;

	return memcmp(s->turn_hash, hash, HASH_LEN) == 0 && s->turn > 0 &&
	       (open || heard->turn || (heard->op == USSD_BEGIN && shown));
}

static void tell_kept(const struct ussd_heard *heard, bool ok)
{
	if (heard->kept)
		heard->kept(heard->kept_arg, ok);
}

/* The end of a session that a bearer tells us of. */
static void hear_end(struct session *s, const struct ussd_heard *heard, ussd_show_fn *show_fn, void *arg)
{
	unsigned todo = ussd_step(&s->model, USSD_EV_HANGUP, loop_now_ms(s->ussd->host->loop));

	if (todo & USSD_DO_DROP)
		tell_waiters(s, USSD_DROPPED, "", false);
	close_turn(s);
	if (todo & USSD_DO_TELL_END) {
		deliver_end(s, heard, show_fn, arg);
		return;
	}
	show_fn(arg, USSD_NOTED, "", false);
	tell_kept(heard, true);
}

static void name_turn(struct session *s, const struct ussd_heard *heard)
{
	forget_name(s);
	if (!heard->turn || heard->turn_len > TURN_NAME_MAX)
		return;
	s->turn_name = mem_strndup(heard->turn, heard->turn_len);
	s->turn_name_len = heard->turn_len;
}

static void hear_turn(struct session *s, const struct ussd_heard *heard, const uint8_t hash[HASH_LEN],
		      ussd_show_fn *show_fn, void *arg)
{
	enum ussd_event event = is_again(s, heard, hash) ? USSD_EV_AGAIN : USSD_EV_TURN;
	unsigned todo = ussd_step(&s->model, event, loop_now_ms(s->ussd->host->loop));

	if (todo & USSD_DO_DROP)
		tell_waiters(s, USSD_DROPPED, "", false);
	if (todo & USSD_DO_REPEAT) {
		show_fn(arg, USSD_SCREEN, s->screen ? s->screen : ussd_goodbye, s->screen && s->more);
		tell_kept(heard, true);
		return;
	}
	if (todo & USSD_DO_JOIN && heard->kept) { /* the screen is on its way to the phone, not to this request */
		show_fn(arg, USSD_DROPPED, "", false);
		tell_kept(heard, s->model.state == USSD_KEPT);
		return;
	}
	wait_for(s, show_fn, arg);
	if (!(todo & USSD_DO_DELIVER))
		return;
	close_turn(s);
	memcpy(s->turn_hash, hash, sizeof(s->turn_hash));
	name_turn(s, heard);
	deliver_turn(s, heard);
}

static void ignore(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	(void)arg;
	(void)fate;
	(void)text;
	(void)more;
}

static bool is_end(enum ussd_op op)
{
	return op == USSD_END || op == USSD_ABORT || op == USSD_TIMEOUT;
}

void ussd_hear(struct ussd *u, const struct ussd_heard *heard, ussd_show_fn *show_fn, void *arg)
{
	static const char begin[] = "begin", answer[] = "answer";
	const char *kind = heard->op == USSD_BEGIN ? begin : answer;
	const char *said = heard->turn ? heard->turn : heard->text;
	uint8_t key[HASH_LEN], hash[HASH_LEN];
	char text[USSD_TEXT_MAX];
	struct session *s;

	hash_of(key, heard->session, heard->session_len, "", 0);
	hash_of(hash, kind, strlen(kind), said, heard->turn ? heard->turn_len : heard->text_len);
	s = map_get(&u->by_key, key);
	if (!s && u->count >= USSD_SESSIONS_MAX) {
		ussd_voice_text(u->conf.voice, text);
		show_fn(arg, is_end(heard->op) ? USSD_UNHEARD : USSD_SCREEN, text, false);
		tell_kept(heard, false);
		return;
	}
	if (!s)
		s = session_new(u, key);
	if (heard->from[0])
		copy(heard->from, s->from);
	if (heard->to[0] || !s->to[0])
		copy(heard->to[0] ? heard->to : u->conf.source, s->to);
	if (is_end(heard->op))
		hear_end(s, heard, show_fn, arg);
	else
		hear_turn(s, heard, hash, show_fn, arg);
}

void ussd_break_all(struct ussd *u)
{
	static const struct ussd_heard broken = {.op = USSD_ABORT};

	for (struct session *s = u->sessions; s; s = s->next) {
		if (s->model.state != USSD_OVER)
			hear_end(s, &broken, ignore, NULL);
	}
}

const char *ussd_last_turn(const struct ussd *u, const char *session, size_t session_len, size_t *len)
{
	const struct session *s;
	uint8_t key[HASH_LEN];

	hash_of(key, session, session_len, "", 0);
	s = map_get(&u->by_key, key);
	*len = s && s->turn_name ? s->turn_name_len : 0;
	return s ? s->turn_name : NULL;
}

void ussd_split_code(char *text, char to[INBOUND_ADDRESS_MAX])
{
	size_t code = 1 + strcspn(text + (text[0] != '\0'), "*#"), rest = strlen(text);

	if ((text[0] != '*' && text[0] != '#') || text[code] == '\0' || code >= INBOUND_ADDRESS_MAX - 1)
		return;
	snprintf(to, INBOUND_ADDRESS_MAX, "%.*s#", (int)code, text);
	code++;
	if (rest > code && text[rest - 1] == '#')
		rest--;
	memmove(text, text + code, rest - code);
	text[rest - code] = '\0';
}

/* ---- screens ---- */

static void report(void *arg)
{
	struct ussd *u = arg;
	struct sent *sent;

	while ((sent = u->sent) != NULL) {
		u->sent = sent->next;
		if (!u->sent)
			u->last_sent = &u->sent;
		u->host->sent(u->host->ctx, &sent->id, sent->state, "");
		mem_free(sent);
	}
}

bool ussd_send(struct ussd *u, const struct outbound *out)
{
	struct session *s = find_token(u, out->reply_token);
	struct sent *sent = mem_alloc(sizeof(*sent));
	unsigned todo = USSD_DO_GONE;

	if (s)
		todo = ussd_step(&s->model, out->more ? USSD_EV_SCREEN : USSD_EV_LAST, loop_now_ms(u->host->loop));
	if (todo & USSD_DO_SHOW) {
		close_turn(s);
		show(s, out->text[0] ? out->text : ussd_goodbye, out->more);
	}
	sent->id = out->id;
	sent->state = todo & USSD_DO_SHOW ? SENT_OK : SENT_GONE;
	*u->last_sent = sent;
	u->last_sent = &sent->next;
	loop_timer_set(u->report, 0); /* not from within the host's own send */
	return true;
}

/* ---- the whole ---- */

struct ussd *ussd_new(const struct adapter_host *host, const struct ussd_conf *conf)
{
	struct ussd *u = mem_alloc(sizeof(*u));

	u->host = host;
	u->conf = *conf;
	u->incarnation = randombytes_random();
	u->last_sent = &u->sent;
	u->sweep = loop_timer_new(host->loop, sweep, u);
	u->report = loop_timer_new(host->loop, report, u);
	return u;
}

void ussd_free(struct ussd *u)
{
	if (!u)
		return;
	report(u);
	while (u->sessions)
		session_free(u->sessions);
	while (u->under_way) {
		struct under_way *w = u->under_way;

		u->under_way = w->next;
		w->ussd = NULL;
	}
	map_fini(&u->by_key);
	map_fini(&u->by_turn);
	loop_timer_free(u->sweep);
	loop_timer_free(u->report);
	mem_free(u);
}

size_t ussd_count(const struct ussd *u)
{
	return u->count;
}
