/* Outgoing texts: lanes that keep each recipient's replies in order, two queues of lanes, many links. */
#include "path/outbox.h"

#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "path/alert.h"
#include "path/canary.h"
#include "path/hotline.h"
#include "path/intake.h"
#include "path/links.h"

enum {
	PUMP_MS = 50,       /* how soon a full or sleeping link is asked again */
	RETRY_MS = 500,     /* after the carrier asked for patience */
	OVERDUE_MS = 2000,  /* a reply waits so long for the link its question came by */
	STOP_MS = 5000      /* links that have not stopped by then are left behind */
};

struct item {
	struct item *next;   /* of its lane */
	struct lane *lane;
	struct outbound out; /* text owned */
	outbox_fn *fn;
	void *arg;
	int64_t since_ms;
	int64_t deadline_ms; /* loop time: of no use afterwards */
	int64_t not_before_ms;
	struct way *on;      /* link that has it; NULL while queued */
	struct way *avoid;   /* link that said "later", until not_before_ms */
	bool again;          /* was in doubt once already */
};

/* What must go out one after the other: the replies to one number. A throttled text is then never
 * overtaken by the next. Each alert is a lane of its own: alerts say where they belong, and one that
 * hangs on a silent link must not hold up the next; so is each screen of a USSD session. */
struct lane {
	struct lane *next;   /* of its queue */
	uint8_t key[MAP_KEY_LEN];
	struct item *first, **last;
	enum outbound_priority priority;
};

struct queue {
	struct lane *first, **last; /* lanes whose first item no link has */
};

struct outbox {
	struct hotline *h; /* borrowed */
	struct adapter_host host;
	struct links *links;         /* owned */
	struct queue queues[OUTBOUND_PRIORITIES];
	struct map lanes;            /* recipient -> struct lane, owned */
	struct map under_way;        /* id -> struct item: queued or sent, not completed */
	struct loop_timer *pump;
	int64_t look_at_all_ms;      /* loop time: when every queued item is looked at again */
	bool sweep_due;
	bool closing;                /* links tell of their end while they are freed: nothing follows */
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct loop_timer *stop_timer;
};

/* ---- lanes ---- */

static void lane_key(const struct outbound *out, uint8_t key[MAP_KEY_LEN])
{
	uint64_t hash[2] = {14695981039346656037u, 1099511628211u};

	if (out->priority != OUTBOUND_REPLY || out->channel == CHANNEL_USSD) {
		memcpy(key, out->id.b, MAP_KEY_LEN);
		return;
	}
	/* FNV-1a from two ends; two numbers in one lane would only wait for each other */
	for (const char *p = out->to; *p; p++) {
		hash[0] = (hash[0] ^ (uint8_t)*p) * 1099511628211u;
		hash[1] = (hash[1] * 1099511628211u) ^ (uint8_t)*p;
	}
	memcpy(key, hash, MAP_KEY_LEN);
}

static void enqueue(struct outbox *o, struct lane *lane)
{
	struct queue *q = &o->queues[lane->priority];

	lane->next = NULL;
	*q->last = lane;
	q->last = &lane->next;
}

/* Puts the item at the end of its lane; a lane that begins with it goes into its queue. */
static void push(struct outbox *o, struct item *item)
{
	uint8_t key[MAP_KEY_LEN];
	struct lane *lane;

	lane_key(&item->out, key);
	lane = map_get(&o->lanes, key);
	if (!lane) {
		lane = mem_alloc(sizeof(*lane));
		memcpy(lane->key, key, sizeof(lane->key));
		lane->last = &lane->first;
		lane->priority = item->out.priority;
		map_set(&o->lanes, key, lane);
		enqueue(o, lane);
	}
	item->lane = lane;
	*lane->last = item;
	lane->last = &item->next;
}

/* Takes the first item, which is in nobody's hands any more, out of a lane that is in no queue, and
 * tells its owner. The lane goes on with the next, or ends. */
static void complete(struct outbox *o, struct item *item, enum sent_state state, const char *provider_ref)
{
	struct lane *lane = item->lane;

	lane->first = item->next;
	if (lane->first) {
		enqueue(o, lane);
	} else {
		map_remove(&o->lanes, lane->key);
		mem_free(lane);
	}
	map_remove(&o->under_way, item->out.id.b);
	item->fn(item->arg, state, provider_ref);
	mem_free((char *)item->out.text);
	mem_free(item);
}

/* ---- pumping ---- */

/* Tries the first item of a lane that is in no queue. Returns false if the lane must go back. */
static bool try_lane(struct outbox *o, struct lane *lane, int64_t now_ms)
{
	struct item *item = lane->first;
	struct wish wish = {item->out.link, item->out.channel == CHANNEL_USSD || item->out.only_link,
			    lane->priority != OUTBOUND_REPLY,
			    now_ms - item->since_ms > OVERDUE_MS,
			    now_ms < item->not_before_ms ? item->avoid : NULL};

	if (now_ms > item->deadline_ms) {
		log_warn("outbox", "a text was not sent in time");
		complete(o, item, SENT_EXPIRED, "");
		return true;
	}
	while ((item->on = links_choose(o->links, &wish)) != NULL) {
		if (links_send(o->links, item->on, &item->out))
			return true;
		item->on = NULL;
		if (wish.only)
			break;
	}
	return false;
}

/* With every link busy there is no need to look at each item, unless some may have become too old. */
static void pump_queue(struct outbox *o, struct queue *q, bool all, int64_t now_ms)
{
	struct lane *lane = q->first, **last = q->last;

	q->first = NULL;
	q->last = &q->first;
	while (lane && (all || links_any_free(o->links))) {
		struct lane *next = lane->next;

		if (!try_lane(o, lane, now_ms))
			enqueue(o, lane);
		lane = next;
	}
	if (lane) {
		*q->last = lane;
		q->last = last;
	}
}

static bool any_queued(const struct outbox *o)
{
	for (int priority = 0; priority < OUTBOUND_PRIORITIES; priority++)
		if (o->queues[priority].first)
			return true;
	return false;
}

static void pump(void *arg)
{
	struct outbox *o = arg;
	int64_t now_ms = loop_now_ms(o->h->loop);
	bool all = now_ms >= o->look_at_all_ms;

	if (all)
		o->look_at_all_ms = now_ms + PUMP_MS;
	links_new_round(o->links);
	for (int priority = OUTBOUND_PRIORITIES - 1; priority >= 0; priority--)
		pump_queue(o, &o->queues[priority], all, now_ms);
	if (any_queued(o))
		loop_timer_set(o->pump, PUMP_MS);
}

static void pump_now(struct outbox *o)
{
	if (any_queued(o))
		loop_timer_set(o->pump, 0);
}

void outbox_send(struct outbox *o, const struct outbound *out, outbox_fn *fn, void *arg)
{
	struct item *item;

	if (!o || map_get(&o->under_way, out->id.b)) {
		fn(arg, SENT_RETRY, "");
		return;
	}
	item = mem_alloc(sizeof(*item));
	item->out = *out;
	item->out.text = mem_strdup(out->text);
	item->fn = fn;
	item->arg = arg;
	item->since_ms = loop_now_ms(o->h->loop);
	item->deadline_ms = item->since_ms + out->validity_ms;
	map_set(&o->under_way, item->out.id.b, item);
	push(o, item);
	pump_now(o);
}

/* ---- what links tell us ---- */

/* A question that came twice does no harm, one that never came leaves somebody waiting. An alert in doubt
 * goes out again by its row in the database. */
static bool may_repeat(const struct item *item)
{
	return !item->again && item->out.priority == OUTBOUND_REPLY && item->out.channel == CHANNEL_SMS;
}

static void sweep(void *arg)
{
	struct outbox *o = arg;
	void (*stopped)(void *arg) = o->stopped;

	o->sweep_due = false;
	links_sweep(o->links);
	if (!stopped || !links_stopped(o->links))
		return;
	o->stopped = NULL;
	loop_timer_cancel(o->stop_timer);
	stopped(o->stopped_arg);
}

static void sweep_later(struct outbox *o)
{
	if (o->sweep_due || o->closing)
		return;
	o->sweep_due = true;
	loop_defer(o->h->loop, sweep, o);
}

/* Message ids are the carrier's own; two carriers may give the same. */
static void name_ref(const char *carrier, const char *ref, char out[PROVIDER_REF_MAX])
{
	int room = PROVIDER_REF_MAX - INBOUND_NAME_MAX - 1;

	snprintf(out, PROVIDER_REF_MAX, "%.*s%s%.*s", INBOUND_NAME_MAX - 1, ref[0] ? carrier : "",
		 ref[0] ? ":" : "", room, ref);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *provider_ref)
{
	struct outbox *o = ctx;
	struct item *item = map_get(&o->under_way, id->b);
	char ref[PROVIDER_REF_MAX];
	struct way *way;

	if (!item || !item->on)
		return;
	way = item->on;
	item->on = NULL;
	links_answered(o->links, way);
	name_ref(way->carrier, provider_ref ? provider_ref : "", ref);
	if (way->leaving)
		sweep_later(o);
	if (state == SENT_IN_DOUBT && may_repeat(item)) {
		item->again = true;
		state = SENT_RETRY;
	}
	if (state == SENT_RETRY) {
		item->not_before_ms = loop_now_ms(o->h->loop) + RETRY_MS;
		item->avoid = way->leaving ? NULL : way;
		enqueue(o, item->lane);
		if (!loop_timer_armed(o->pump))
			loop_timer_set(o->pump, item->lane->priority == OUTBOUND_REPLY ? PUMP_MS : 0);
		return;
	}
	complete(o, item, state, ref);
	pump_now(o);
}

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	struct outbox *o = ctx;

	if (canary_came(o->h->canary, in))
		done(arg, true);
	else
		intake_take(o->h->intake, in, done, arg);
}

static void on_receipt(void *ctx, const char *link, const struct receipt *receipt)
{
	struct outbox *o = ctx;
	struct receipt named = *receipt;

	name_ref(links_carrier(o->links, link), receipt->provider_ref, named.provider_ref);
	if (!canary_receipt(o->h->canary, &named))
		alert_receipt(o->h->alert, link, &named);
}

static void on_lost(void *ctx, const char *link)
{
	struct outbox *o = ctx;

	intake_doubt_link(o->h->intake, link);
}

static void on_ready(void *ctx, const char *link)
{
	(void)link;
	pump_now(ctx);
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	struct outbox *o = ctx;

	if (state == LINK_DOWN)
		intake_doubt_link(o->h->intake, link);
	if (state == LINK_BOUND)
		pump_now(o);
	if (state == LINK_STOPPED)
		sweep_later(o);
}

/* ---- life ---- */

static void place_fault(const struct hotline *h, const char *file, const char *why, char *error,
			size_t error_size)
{
	snprintf(error, error_size, "%s:%s", file ? file : h->conf->file, why);
}

struct outbox *outbox_new(struct hotline *h, char *error, size_t error_size)
{
	struct outbox *o = mem_alloc(sizeof(*o));
	char why[512];

	o->h = h;
	o->host = (struct adapter_host){.ctx = o, .loop = h->loop, .folder = h->conf->folder,
					.inbound = on_inbound,
					.sent = on_sent, .receipt = on_receipt, .state = on_state, .lost = on_lost,
					.ready = on_ready};
	for (size_t i = 0; i < OUTBOUND_PRIORITIES; i++)
		o->queues[i].last = &o->queues[i].first;
	o->pump = loop_timer_new(h->loop, pump, o);
	o->links = links_new(h, &o->host, h->conf->links, why, sizeof(why));
	if (o->links)
		return o;
	place_fault(h, NULL, why, error, error_size);
	outbox_free(o);
	return NULL;
}

void outbox_start(struct outbox *o)
{
	links_start(o->links);
}

/* A link that goes away must not be avoided by its address any more. */
static void forget_avoided(void *arg, void *value)
{
	struct item *item = value;

	(void)arg;
	item->avoid = NULL;
}

bool outbox_reload(struct outbox *o, const struct conf *conf, char *error, size_t error_size)
{
	char why[512];

	if (links_reload(o->links, conf->links, why, sizeof(why))) {
		map_each(&o->under_way, forget_avoided, NULL);
		canary_reload(o->h->canary, conf->links);
		sweep_later(o);
		return true;
	}
	place_fault(o->h, conf->file, why, error, error_size);
	return false;
}

static void on_stop_late(void *arg)
{
	struct outbox *o = arg;

	log_warn("outbox", "a link did not stop in time");
	if (o->stopped)
		o->stopped(o->stopped_arg);
}

void outbox_stop(struct outbox *o, void (*done)(void *arg), void *arg)
{
	o->stopped = done;
	o->stopped_arg = arg;
	o->stop_timer = loop_timer_new(o->h->loop, on_stop_late, o);
	loop_timer_set(o->stop_timer, STOP_MS);
	links_stop(o->links);
	sweep_later(o);
}

struct links *outbox_links(const struct outbox *o)
{
	return o->links;
}

size_t outbox_waiting(const struct outbox *o)
{
	return o->under_way.count;
}

struct link *outbox_sim(const struct outbox *o)
{
	for (size_t i = 0; i < links_count(o->links); i++) {
		if (links_at(o->links, i)->sim)
			return links_at(o->links, i)->link;
	}
	return NULL;
}

/* What is still here at the end goes back to whoever sent it: it was not submitted, as far as we know. */
static void give_back(void *arg, void *value)
{
	struct item *item = value;

	(void)arg;
	item->fn(item->arg, item->on ? SENT_IN_DOUBT : SENT_RETRY, "");
	mem_free((char *)item->out.text);
	mem_free(item);
}

static void free_lane(void *arg, void *value)
{
	(void)arg;
	mem_free(value);
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	if (o->sweep_due)
		loop_run_posted(o->h->loop);
	o->closing = true;
	links_free(o->links);
	map_each(&o->under_way, give_back, NULL);
	map_fini(&o->under_way);
	map_each(&o->lanes, free_lane, NULL);
	map_fini(&o->lanes);
	loop_timer_free(o->pump);
	loop_timer_free(o->stop_timer);
	mem_free(o);
}
