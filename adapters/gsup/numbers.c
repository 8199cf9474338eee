/* The questions, their answers, and what is kept of them. */
#include "adapters/gsup/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/gsup/client.h"
#include "adapters/gsup/message.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"

enum { REPLY_MAX = 512 };

struct question {
	struct question *next;
	numbers_fn *fn;
	void *arg;
};

/* One IMSI. In the list by its last use; in the queue while its answer is waited for. */
struct entry {
	struct entry *newer, *older;
	struct entry *next_asked;
	char imsi[GSUP_IMSI_MAX];
	char number[NUMBERS_DIGITS];
	bool known;         /* an answer came, if only that there is no number */
	int64_t good_until_ms;
	unsigned long id;   /* of the question on its way; 0: none */
	int64_t due_ms;     /* of that question */
	struct question *first, **last; /* owned */
};

struct numbers {
	struct loop *loop; /* borrowed */
	struct numbers_conf conf;
	struct ipa_client *client;   /* owned; NULL: nothing to ask */
	struct loop_timer *timer;    /* owned: until the oldest question is due */
	struct map by_imsi;          /* -> struct entry */
	struct entry *newest, *oldest; /* owned */
	struct entry *asked, **last_asked; /* oldest first: all questions wait equally long */
	unsigned long last_id;
};

/* ---- what is kept ---- */

/* A leading 1 keeps the zeros of test networks apart. */
static void key_of(const char *imsi, uint8_t key[MAP_KEY_LEN])
{
	char digits[GSUP_IMSI_MAX + 1];

	snprintf(digits, sizeof(digits), "1%s", imsi);
	map_number_key(strtoull(digits, NULL, 10), key);
}

static void unlink_entry(struct numbers *n, struct entry *e)
{
	*(e->newer ? &e->newer->older : &n->newest) = e->older;
	*(e->older ? &e->older->newer : &n->oldest) = e->newer;
}

static void link_newest(struct numbers *n, struct entry *e)
{
	e->newer = NULL;
	e->older = n->newest;
	*(n->newest ? &n->newest->newer : &n->oldest) = e;
	n->newest = e;
}

static void entry_free(struct numbers *n, struct entry *e)
{
	uint8_t key[MAP_KEY_LEN];

	key_of(e->imsi, key);
	map_remove(&n->by_imsi, key);
	unlink_entry(n, e);
	explicit_bzero(e, sizeof(*e));
	mem_free(e);
}

/* Room for one more: whoever was longest away goes, but never somebody who waits. */
static void make_room(struct numbers *n)
{
	struct entry *e = n->oldest;

	while (e && e->first)
		e = e->newer;
	if (n->by_imsi.count >= NUMBERS_MAX && e)
		entry_free(n, e);
}

static struct entry *entry_of(struct numbers *n, const char *imsi)
{
	uint8_t key[MAP_KEY_LEN];
	struct entry *e;

	key_of(imsi, key);
	e = map_get(&n->by_imsi, key);
	if (e) {
		unlink_entry(n, e);
	} else {
		make_room(n);
		e = mem_alloc(sizeof(*e));
		snprintf(e->imsi, sizeof(e->imsi), "%s", imsi);
		e->last = &e->first;
		map_set(&n->by_imsi, key, e);
	}
	link_newest(n, e);
	return e;
}

/* ---- answering ---- */

static void answer(struct entry *e)
{
	char number[NUMBERS_DIGITS];

	memcpy(number, e->number, sizeof(number)); /* the entry may go meanwhile */
	while (e->first) {
		struct question *q = e->first;

		e->first = q->next;
		if (!e->first)
			e->last = &e->first;
		q->fn(q->arg, number);
		mem_free(q);
	}
}

static void arm(struct numbers *n)
{
	int64_t left_ms = n->asked ? n->asked->due_ms - loop_now_ms(n->loop) : 0;

	if (n->asked)
		loop_timer_set(n->timer, left_ms > 0 ? left_ms : 0);
	else
		loop_timer_cancel(n->timer);
}

static void unask(struct numbers *n, struct entry *e)
{
	struct entry **at = &n->asked;

	while (*at != e)
		at = &(*at)->next_asked;
	*at = e->next_asked;
	if (!e->next_asked)
		n->last_asked = at;
	e->id = 0;
}

/* No answer: an old number is better than none, and the next dialogue asks again soon. */
static void settle_without(struct numbers *n, struct entry *e)
{
	e->known = true;
	e->good_until_ms = loop_now_ms(n->loop) + n->conf.keep_none_ms;
}

static void give_up(struct numbers *n, struct entry *e)
{
	unask(n, e);
	settle_without(n, e);
	answer(e);
}

static void give_up_all(struct numbers *n)
{
	while (n->asked)
		give_up(n, n->asked);
	arm(n);
}

static void on_due(void *arg)
{
	struct numbers *n = arg;

	log_warn(n->conf.name, "the control interface does not tell a number in time");
	while (n->asked && n->asked->due_ms <= loop_now_ms(n->loop))
		give_up(n, n->asked);
	arm(n);
	ipa_client_reconnect(n->client); /* half-open connections answer nothing for ever */
}

/* ---- the control interface ---- */

static void take(struct numbers *n, struct entry *e, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	bool there = digits > 0 && digits < NUMBERS_DIGITS && value[digits] == '\0';

	memcpy(e->number, value, there ? digits : 0);
	e->number[there ? digits : 0] = '\0';
	e->known = true;
	e->good_until_ms = loop_now_ms(n->loop) + (there ? n->conf.keep_ms : n->conf.keep_none_ms);
	unask(n, e);
	answer(e);
	arm(n);
}

/* "GET_REPLY id variable value", or "ERROR id reason": no such subscriber, no number. */
static void on_frame(void *arg, const struct ipa_frame *frame)
{
	struct numbers *n = arg;
	struct entry *e = n->asked;
	char line[REPLY_MAX], value[REPLY_MAX] = "";
	unsigned long id = 0;

	if (frame->proto != IPA_PROTO_OSMO || frame->extension != IPA_EXT_CTRL || frame->body_len >= sizeof(line))
		return;
	memcpy(line, frame->body, frame->body_len);
	line[frame->body_len] = '\0';
	if (sscanf(line, "GET_REPLY %lu %*s %511s", &id, value) < 1 && sscanf(line, "ERROR %lu", &id) != 1)
		return;
	while (e && e->id != id)
		e = e->next_asked;
	if (e && id != 0)
		take(n, e, value);
}

static void on_state(void *arg, enum ipa_client_state state)
{
	if (state != IPA_UP)
		give_up_all(arg);
}

static const struct ipa_client_events events = {on_state, on_frame};

static bool write_question(struct numbers *n, struct entry *e)
{
	struct buf line = {0}, frame = {0};
	bool ok;

	buf_printf(&line, "GET %lu subscriber.by-imsi-%s.msisdn", n->last_id + 1, e->imsi);
	ipa_put_osmo(&frame, IPA_EXT_CTRL, line.data, line.len);
	ok = n->client && ipa_client_write(n->client, &frame);
	buf_free(&line);
	buf_free(&frame);
	if (!ok)
		return false;
	e->id = ++n->last_id;
	e->due_ms = loop_now_ms(n->loop) + n->conf.wait_ms;
	e->next_asked = NULL;
	*n->last_asked = e;
	n->last_asked = &e->next_asked;
	return true;
}

/* ---- from outside ---- */

void numbers_ask(struct numbers *n, const char *imsi, bool again, numbers_fn *fn, void *arg)
{
	struct entry *e = entry_of(n, imsi);
	bool enough = e->known && (!again || e->good_until_ms > loop_now_ms(n->loop));
	struct question *q = mem_alloc(sizeof(*q));

	*q = (struct question){.fn = fn, .arg = arg};
	*e->last = q;
	e->last = &q->next;
	if (e->id != 0)
		return; /* on its way already */
	if (!enough && write_question(n, e)) {
		arm(n);
		return;
	}
	if (!enough)
		settle_without(n, e);
	answer(e);
}

struct numbers *numbers_new(struct loop *loop, const struct numbers_conf *conf)
{
	struct numbers *n = mem_alloc(sizeof(*n));
	const struct ipa_client_conf client = {
		.name = conf->name, .host = conf->host, .port = conf->port, .connect_ms = conf->connect_ms,
		.retry_ms = conf->retry_ms, .retry_max_ms = conf->retry_max_ms};

	n->loop = loop;
	n->conf = *conf;
	n->last_asked = &n->asked;
	n->timer = loop_timer_new(loop, on_due, n);
	if (conf->host)
		n->client = ipa_client_new(loop, &client, &events, n);
	return n;
}

void numbers_start(struct numbers *n)
{
	if (n->client)
		ipa_client_start(n->client);
}

void numbers_free(struct numbers *n)
{
	if (!n)
		return;
	give_up_all(n);
	ipa_client_free(n->client);
	while (n->newest)
		entry_free(n, n->newest);
	map_fini(&n->by_imsi);
	loop_timer_free(n->timer);
	mem_free(n);
}

size_t numbers_count(const struct numbers *n)
{
	return n->by_imsi.count;
}
