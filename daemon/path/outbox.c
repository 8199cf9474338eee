/* Outgoing texts: two queues, many links. */
#include "path/outbox.h"

#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "path/alert.h"
#include "path/hotline.h"
#include "path/intake.h"

enum {
	LINKS_MAX = 32,
	PUMP_MS = 50,       /* how soon a full or sleeping link is asked again */
	RETRY_MS = 500,     /* after the carrier asked for patience */
	STOP_MS = 5000      /* links that have not stopped by then are left behind */
};

struct item {
	struct item *next;
	struct outbound out; /* text owned */
	outbox_fn *fn;
	void *arg;
	int64_t deadline_ms; /* loop time: of no use afterwards */
	int64_t not_before_ms;
	const struct adapter_link *on; /* link that has it; NULL while queued */
	bool again;            /* was in doubt once already */
};

struct adapter_link {
	char name[INBOUND_NAME_MAX];
	const struct adapter *adapter;
	struct link *link; /* owned */
	bool sim;
	bool full;         /* said no in this round */
};

struct queue {
	struct item *first, **last;
};

struct outbox {
	struct hotline *h; /* borrowed */
	struct adapter_host host;
	struct adapter_link links[LINKS_MAX];
	size_t link_count;
	bool only_sim;               /* no carrier is configured: the phone in the terminal is the carrier */
	struct queue queues[2];      /* by priority: alerts first */
	struct map under_way;        /* id -> struct item: queued or sent, not completed */
	struct loop_timer *pump;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct loop_timer *stop_timer;
	struct loop_timer *stop_check; /* in a turn of its own, and not after outbox_free() */
};

/* ---- choosing a link ---- */

static bool usable(const struct adapter_link *l)
{
	return !l->full && l->adapter->state(l->link) == LINK_BOUND;
}

/* The link that the text asks for, else any other that reaches real phones. The terminal's phone never
 * stands in for a carrier: a text it swallowed would count as sent. */
static struct adapter_link *choose(struct outbox *o, const struct outbound *out)
{
	struct adapter_link *wanted = NULL;

	for (size_t i = 0; i < o->link_count; i++) {
		if (strcmp(o->links[i].name, out->link) == 0)
			wanted = &o->links[i];
	}
	/* a screen has one way back, also while that link takes no texts */
	if (wanted && out->channel == CHANNEL_USSD)
		return wanted->adapter->state(wanted->link) == LINK_BOUND ? wanted : NULL;
	if (wanted && (usable(wanted) || wanted->sim))
		return usable(wanted) ? wanted : NULL;
	for (size_t i = 0; i < o->link_count; i++) {
		if (usable(&o->links[i]) && (o->only_sim || !o->links[i].sim))
			return &o->links[i];
	}
	return NULL;
}

/* ---- items ---- */

static void push(struct outbox *o, struct item *item)
{
	struct queue *q = &o->queues[item->out.priority == OUTBOUND_ALERT ? 0 : 1];

	item->next = NULL;
	item->on = NULL;
	*q->last = item;
	q->last = &item->next;
}

static void complete(struct outbox *o, struct item *item, enum sent_state state, const char *provider_ref)
{
	map_remove(&o->under_way, item->out.id.b);
	item->fn(item->arg, state, provider_ref);
	mem_free((char *)item->out.text);
	mem_free(item);
}

/* Tries one queued item. Returns true if it left the queue. */
static bool try_item(struct outbox *o, struct item *item, int64_t now_ms)
{
	struct adapter_link *link;

	if (now_ms > item->deadline_ms) {
		log_warn("outbox", "a text was not sent in time");
		complete(o, item, SENT_EXPIRED, "");
		return true;
	}
	if (item->not_before_ms > now_ms)
		return false;
	while ((link = choose(o, &item->out)) != NULL) {
		item->on = link; /* before the call: `sent` may come from inside it */
		if (link->adapter->send(link->link, &item->out))
			return true;
		item->on = NULL;
		if (item->out.channel == CHANNEL_USSD)
			return false;
		link->full = true;
	}
	return false;
}

static bool any_usable(const struct outbox *o)
{
	for (size_t i = 0; i < o->link_count; i++) {
		if (usable(&o->links[i]))
			return true;
	}
	return false;
}

static void pump_queue(struct outbox *o, struct queue *q)
{
	struct item *all = q->first;
	int64_t now_ms = loop_now_ms(o->h->loop);

	q->first = NULL;
	q->last = &q->first;
	while (all) {
		struct item *item = all;

		all = item->next;
		if (!any_usable(o) && now_ms <= item->deadline_ms)
			push(o, item);
		else if (!try_item(o, item, now_ms))
			push(o, item);
	}
}

static void pump(void *arg)
{
	struct outbox *o = arg;

	for (size_t i = 0; i < o->link_count; i++)
		o->links[i].full = false;
	pump_queue(o, &o->queues[0]);
	pump_queue(o, &o->queues[1]);
	if (o->queues[0].first || o->queues[1].first)
		loop_timer_set(o->pump, PUMP_MS);
}

static void pump_now(struct outbox *o)
{
	if (o->queues[0].first || o->queues[1].first)
		loop_timer_set(o->pump, 0);
}

void outbox_send(struct outbox *o, const struct outbound *out, outbox_fn *fn, void *arg)
{
	struct item *item;

	if (map_get(&o->under_way, out->id.b)) {
		fn(arg, SENT_RETRY, "");
		return;
	}
	item = mem_alloc(sizeof(*item));
	item->out = *out;
	item->out.text = mem_strdup(out->text);
	item->fn = fn;
	item->arg = arg;
	item->deadline_ms = loop_now_ms(o->h->loop) + out->validity_ms;
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

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *provider_ref)
{
	struct outbox *o = ctx;
	struct item *item = map_get(&o->under_way, id->b);

	if (!item || !item->on)
		return;
	if (state == SENT_IN_DOUBT && may_repeat(item)) {
		item->again = true;
		state = SENT_RETRY;
	}
	if (state == SENT_RETRY) {
		item->not_before_ms = loop_now_ms(o->h->loop) + RETRY_MS;
		push(o, item);
		if (!loop_timer_armed(o->pump))
			loop_timer_set(o->pump, PUMP_MS);
		return;
	}
	complete(o, item, state, provider_ref ? provider_ref : "");
	pump_now(o);
}

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	struct outbox *o = ctx;

	intake_take(o->h->intake, in, done, arg);
}

static void on_receipt(void *ctx, const char *link, const struct receipt *receipt)
{
	struct outbox *o = ctx;

	alert_receipt(o->h->alert, link, receipt);
}

static void check_stopped(void *arg)
{
	struct outbox *o = arg;

	for (size_t i = 0; i < o->link_count; i++) {
		if (o->links[i].adapter->state(o->links[i].link) != LINK_STOPPED)
			return;
	}
	if (o->stopped) {
		void (*stopped)(void *arg) = o->stopped;

		o->stopped = NULL;
		loop_timer_cancel(o->stop_timer);
		stopped(o->stopped_arg);
	}
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	struct outbox *o = ctx;

	if (state == LINK_DOWN)
		intake_doubt_link(o->h->intake, link);
	if (state == LINK_BOUND)
		pump_now(o);
	if (state == LINK_STOPPED)
		loop_timer_set(o->stop_check, 0);
}

/* ---- links ---- */

static bool add_link(struct outbox *o, const struct yaml_node *conf, char *error, size_t error_size)
{
	struct adapter_link *l = &o->links[o->link_count];
	char why[300];

	snprintf(l->name, sizeof(l->name), "%.31s", yaml_find(conf, "name")->text);
	l->adapter = hotline_adapter(o->h, yaml_find(conf, "adapter")->text);
	l->sim = strcmp(l->adapter->name, "sim") == 0;
	l->link = l->adapter->create(&o->host, l->name, conf, why, sizeof(why));
	if (!l->link) {
		snprintf(error, error_size, "%s:%s", o->h->conf->file, why);
		return false;
	}
	o->link_count++;
	o->only_sim = o->only_sim && l->sim;
	return true;
}

struct outbox *outbox_new(struct hotline *h, char *error, size_t error_size)
{
	struct outbox *o = mem_alloc(sizeof(*o));

	o->h = h;
	o->host = (struct adapter_host){.ctx = o, .loop = h->loop, .folder = h->conf->folder, .inbound = on_inbound, .sent = on_sent,
					.receipt = on_receipt, .state = on_state};
	o->only_sim = true;
	for (size_t i = 0; i < 2; i++)
		o->queues[i].last = &o->queues[i].first;
	o->pump = loop_timer_new(h->loop, pump, o);
	o->stop_check = loop_timer_new(h->loop, check_stopped, o);
	for (size_t i = 0; i < h->conf->links->count; i++) {
		if (o->link_count == LINKS_MAX) {
			snprintf(error, error_size, "%s:%u:%u: more than %d links", h->conf->file,
				 h->conf->links->items[i]->line, h->conf->links->items[i]->column, LINKS_MAX);
		} else if (add_link(o, h->conf->links->items[i], error, error_size)) {
			continue;
		}
		outbox_free(o);
		return NULL;
	}
	return o;
}

void outbox_start(struct outbox *o)
{
	for (size_t i = 0; i < o->link_count; i++)
		o->links[i].adapter->start(o->links[i].link);
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
	for (size_t i = 0; i < o->link_count; i++)
		o->links[i].adapter->stop(o->links[i].link);
	loop_timer_set(o->stop_check, 0);
}

size_t outbox_links(const struct outbox *o, struct outbox_link *out, size_t max)
{
	size_t n = 0;

	for (; n < o->link_count && n < max; n++) {
		const struct adapter_link *l = &o->links[n];

		out[n] = (struct outbox_link){l->name, l->adapter->name, l->adapter->state(l->link)};
	}
	return n;
}

size_t outbox_waiting(const struct outbox *o)
{
	return o->under_way.count;
}

struct link *outbox_sim(const struct outbox *o)
{
	for (size_t i = 0; i < o->link_count; i++) {
		if (o->links[i].sim)
			return o->links[i].link;
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

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->link_count; i++)
		o->links[i].adapter->destroy(o->links[i].link);
	map_each(&o->under_way, give_back, NULL);
	map_fini(&o->under_way);
	loop_timer_free(o->pump);
	loop_timer_free(o->stop_timer);
	loop_timer_free(o->stop_check);
	mem_free(o);
}
