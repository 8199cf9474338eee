/* Links for an operator: how each is doing, orders to one, and a look at what passes. */
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "path/canary.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"

static const char *const state_names[] = {
	[LINK_DOWN] = "down", [LINK_CONNECTING] = "connecting", [LINK_BOUND] = "bound",
	[LINK_STOPPED] = "stopped"};

static json_t *time_json(int64_t us)
{
	return us ? json_real((double)us / 1e6) : json_null();
}

static void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* "2/2", "5/40+3": what people compare stands in one column. */
static void put_words(json_t *object, const struct link_status *s)
{
	char text[64];

	snprintf(text, sizeof(text), "%u/%u", s->bound, s->connections);
	json_object_set_new(object, "binds", json_string(text));
	snprintf(text, sizeof(text), "%u/%u", s->in_flight, s->window);
	json_object_set_new(object, "window", json_string(text));
	if (s->rate_milli)
		snprintf(text, sizeof(text), "%lld.%lld/s", (long long)(s->rate_milli / 1000),
			 (long long)(s->rate_milli % 1000 / 100));
	else
		snprintf(text, sizeof(text), "free");
	json_object_set_new(object, "rate", json_string(text));
}

static void put_counters(json_t *object, const struct link_status *s)
{
	put(object, "connections", s->connections);
	put(object, "bound", s->bound);
	put(object, "window_size", s->window);
	put(object, "in_flight", s->in_flight);
	put(object, "waiting", s->waiting);
	put(object, "in", s->deliveries);
	put(object, "refused", s->refused);
	put(object, "undecodable", s->undecodable);
	put(object, "receipts", s->receipts);
	put(object, "receipts_unmatched", s->receipts_unmatched);
	put(object, "submitted", s->submitted);
	put(object, "out", s->accepted);
	put(object, "rejected", s->rejected);
	put(object, "throttled", s->throttled);
	put(object, "unanswered", s->unanswered);
	put(object, "unknown", s->unknown);
	put(object, "connects", s->connects);
	put(object, "losses", s->losses);
	put(object, "bind_refusals", s->bind_refusals);
	put(object, "rate_milli", (uint64_t)s->rate_milli);
	put(object, "throttled_ms", (uint64_t)s->throttle_ms);
	put(object, "oldest_ms", (uint64_t)s->oldest_ms);
	json_object_set_new(object, "bound_since", time_json(s->bound_since_us));
	json_object_set_new(object, "last_in", time_json(s->last_in_us));
	json_object_set_new(object, "last_out", time_json(s->last_out_us));
	json_object_set_new(object, "last_error", json_string(s->last_error));
	json_object_set_new(object, "last_error_at", time_json(s->last_error_us));
}

static json_t *canary_json(const struct hotline *h, const char *link)
{
	struct canary_status canary;

	canary_status(h->canary, link, &canary);
	if (!canary.watched)
		return json_string("");
	if (canary.misses >= CANARY_ALARM)
		return json_sprintf("ALARM: %u lost", canary.misses);
	if (canary.misses)
		return json_string("one lost");
	return json_string(canary.came_us ? "sings" : "waiting");
}

static json_t *link_json(const struct hotline *h, const struct way *way)
{
	struct link_status s = {0};
	enum link_state state = way->adapter->state(way->link);
	json_t *object = json_pack("{s:s,s:s,s:s,s:i,s:i}", "name", way->name, "adapter", way->adapter->name,
				   "carrier", way->carrier, "priority", (int)way->priority, "weight",
				   (int)way->weight);

	if (way->adapter->status)
		way->adapter->status(way->link, &s);
	json_object_set_new(object, "state", json_string(s.state[0] ? s.state : state_names[state]));
	json_object_set_new(object, "usable", json_boolean(state == LINK_BOUND && !s.paused));
	json_object_set_new(object, "canary", canary_json(h, way->name));
	if (way->adapter->status) {
		put_words(object, &s);
		put_counters(object, &s);
	}
	return object;
}

void links_list(struct control_request *request)
{
	const struct hotline *h = request->hotline;
	const struct links *links = outbox_links(h->outbox);
	json_t *rows = json_array();

	for (size_t i = 0; i < links_count(links); i++)
		json_array_append_new(rows, link_json(h, links_at(links, i)));
	control_answer(request, rows);
}

static struct way *named(struct control_request *request)
{
	const char *name = control_text(request, "name");
	struct way *way = name ? links_find(outbox_links(request->hotline->outbox), name) : NULL;

	if (!way)
		control_refuse(request, CONTROL_EXIT_NOTHING, "there is no link of this name");
	return way;
}

void links_order(struct control_request *request)
{
	static const struct {
		const char *word;
		enum link_order order;
	} orders[] = {{"pause", LINK_PAUSE}, {"resume", LINK_RESUME}, {"drain", LINK_DRAIN}};
	const char *word = control_text(request, "order");
	struct way *way = named(request);

	if (!way)
		return;
	if (!way->adapter->order) {
		control_refuse(request, CONTROL_EXIT_REFUSED, "links of adapter %s take no orders",
			       way->adapter->name);
		return;
	}
	for (size_t i = 0; word && i < sizeof(orders) / sizeof(*orders); i++) {
		if (strcmp(orders[i].word, word) != 0)
			continue;
		way->adapter->order(way->link, orders[i].order);
		control_answer(request, link_json(request->hotline, way));
		return;
	}
	control_refuse(request, CONTROL_EXIT_USAGE, "an order is pause, resume or drain");
}

void links_watch(struct control_request *request)
{
	struct way *way = named(request);

	if (!way)
		return;
	if (!way->adapter->trace) {
		control_refuse(request, CONTROL_EXIT_REFUSED, "links of adapter %s cannot be traced",
			       way->adapter->name);
		return;
	}
	control_be_watcher(request->client, way->name);
	control_answer(request, json_pack("{s:s}", "watching", way->name));
}
