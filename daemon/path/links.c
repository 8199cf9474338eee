/* The set of links. */
#include "path/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "path/hotline.h"

enum {
	LINKS_MAX = 32,
	SILENT_MS = 5000, /* an outcome owed for so long: others are asked first */
	PRIORITY_DEFAULT = 10,
	PRIORITY_MAX = 1000,
	WEIGHT_MAX = 1000
};

struct links {
	struct hotline *h;               /* borrowed */
	const struct adapter_host *host; /* borrowed */
	struct way *ways[LINKS_MAX];     /* of the configuration; owned */
	size_t count;
	struct way **leaving;            /* owned array, owned */
	size_t leaving_count;
	bool only_sim;  /* no carrier is configured: the phone in the terminal is the carrier */
	bool running;
};

/* ---- making one ---- */

/* Settings that only the choice reads: a change of them disturbs no connection. */
static const char *const choice_keys[] = {"priority", "weight", "canary", NULL};

static bool is_choice_key(const char *key)
{
	for (size_t i = 0; choice_keys[i]; i++) {
		if (strcmp(choice_keys[i], key) == 0)
			return true;
	}
	return false;
}

static void put_words(struct buf *out, const struct yaml_node *node, bool top)
{
	if (node->kind == YAML_SCALAR) {
		buf_printf(out, "%zu:%s,", strlen(node->text), node->text);
		return;
	}
	buf_put(out, "(", 1);
	for (size_t i = 0; i < node->count; i++) {
		if (top && is_choice_key(node->keys[i]->text))
			continue;
		if (node->kind == YAML_MAP)
			put_words(out, node->keys[i], false);
		put_words(out, node->items[i], false);
	}
	buf_put(out, ")", 1);
}

static char *words_of(const struct yaml_node *map)
{
	struct buf words = {0};
	char *copy;

	put_words(&words, map, true);
	copy = mem_strdup(buf_cstr(&words));
	buf_free(&words);
	return copy;
}

static bool read_count(const struct yaml_node *map, const char *key, unsigned low, unsigned high,
		       unsigned *out, char *error, size_t error_size)
{
	const struct yaml_node *node = yaml_find(map, key);
	char *end = NULL;
	long value;

	if (!node)
		return true;
	value = node->kind == YAML_SCALAR ? strtol(node->text, &end, 10) : -1;
	if (!end || end == node->text || *end != '\0' || value < (long)low || value > (long)high) {
		snprintf(error, error_size, "%u:%u: '%s' must be a number between %u and %u", node->line,
			 node->column, key, low, high);
		return false;
	}
	*out = (unsigned)value;
	return true;
}

static void way_free(struct way *way)
{
	if (!way)
		return;
	if (way->link)
		way->adapter->destroy(way->link);
	mem_free(way->words);
	mem_free(way);
}

static struct way *way_new(struct links *links, const struct yaml_node *map, char *error,
			   size_t error_size)
{
	const struct yaml_node *carrier = yaml_find(map, "carrier");
	struct way *way = mem_alloc(sizeof(*way));

	snprintf(way->name, sizeof(way->name), "%.31s", yaml_find(map, "name")->text);
	snprintf(way->carrier, sizeof(way->carrier), "%.31s",
		 carrier && carrier->kind == YAML_SCALAR ? carrier->text : way->name);
	way->adapter = hotline_adapter(links->h, yaml_find(map, "adapter")->text);
	way->sim = strcmp(way->adapter->name, "sim") == 0;
	way->priority = PRIORITY_DEFAULT;
	way->weight = 1;
	way->words = words_of(map);
	if (!read_count(map, "priority", 0, PRIORITY_MAX, &way->priority, error, error_size) ||
	    !read_count(map, "weight", 1, WEIGHT_MAX, &way->weight, error, error_size))
		goto fault;
	way->link = way->adapter->create(links->host, way->name, map, error, error_size);
	if (way->link)
		return way;
fault:
	way_free(way);
	return NULL;
}

/* ---- the set ---- */

static void drop_all(struct way *ways[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		way_free(ways[i]);
}

static bool named_twice(struct way *const ways[], size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		if (strcmp(ways[i]->name, ways[count - 1]->name) == 0)
			return true;
	}
	return false;
}

/* One for each item of the list, or none and an error. */
static bool make_all(struct links *links, const struct yaml_node *list, struct way *ways[], char *error,
		     size_t error_size)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *map = list->items[i];

		if (i == LINKS_MAX) {
			snprintf(error, error_size, "%u:%u: more than %d links", map->line, map->column, LINKS_MAX);
			drop_all(ways, i);
			return false;
		}
		ways[i] = way_new(links, map, error, error_size);
		if (!ways[i]) {
			drop_all(ways, i);
			return false;
		}
		if (named_twice(ways, i + 1)) {
			snprintf(error, error_size, "%u:%u: there are two links of this name", map->line, map->column);
			drop_all(ways, i + 1);
			return false;
		}
	}
	return true;
}

static void look_for_carriers(struct links *links)
{
	links->only_sim = true;
	for (size_t i = 0; i < links->count; i++)
		links->only_sim = links->only_sim && links->ways[i]->sim;
}

struct links *links_new(struct hotline *h, const struct adapter_host *host, const struct yaml_node *list,
			char *error, size_t error_size)
{
	struct links *links = mem_alloc(sizeof(*links));

	links->h = h;
	links->host = host;
	if (!make_all(links, list, links->ways, error, error_size)) {
		mem_free(links);
		return NULL;
	}
	links->count = list->count;
	look_for_carriers(links);
	return links;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	drop_all(links->ways, links->count);
	drop_all(links->leaving, links->leaving_count);
	mem_free(links->leaving);
	mem_free(links);
}

void links_start(struct links *links)
{
	links->running = true;
	for (size_t i = 0; i < links->count; i++)
		links->ways[i]->adapter->start(links->ways[i]->link);
}

void links_stop(struct links *links)
{
	links->running = false;
	for (size_t i = 0; i < links->count; i++)
		links->ways[i]->adapter->stop(links->ways[i]->link);
}

static bool is_stopped(const struct way *way)
{
	return way->adapter->state(way->link) == LINK_STOPPED;
}

bool links_stopped(const struct links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		if (!is_stopped(links->ways[i]))
			return false;
	}
	for (size_t i = 0; i < links->leaving_count; i++) {
		if (!is_stopped(links->leaving[i]))
			return false;
	}
	return true;
}

/* ---- another configuration ---- */

static struct way *take_same_name(struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++) {
		struct way *way = links->ways[i];

		if (way && strcmp(way->name, name) == 0) {
			links->ways[i] = NULL;
			return way;
		}
	}
	return NULL;
}

static bool same(const struct way *old, const struct way *new)
{
	return old->adapter == new->adapter && strcmp(old->words, new->words) == 0 &&
	       (!old->adapter->same || old->adapter->same(old->link, new->link));
}

static void leave(struct links *links, struct way *way, bool replaced)
{
	log_info(way->name, replaced ? "settings have changed: starting anew" : "no longer configured: leaving");
	way->leaving = true;
	links->leaving = mem_array(links->leaving, links->leaving_count + 1, sizeof(*links->leaving));
	links->leaving[links->leaving_count++] = way;
}

static bool name_is_leaving(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->leaving_count; i++) {
		if (strcmp(links->leaving[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* Whose place the new one takes decides what becomes of both. The survivor of the two. */
static struct way *take_place(struct links *links, struct way *old, struct way *new)
{
	if (old && same(old, new)) {
		old->priority = new->priority;
		old->weight = new->weight;
		way_free(new);
		return old;
	}
	if (old)
		leave(links, old, true);
	return new;
}

bool links_reload(struct links *links, const struct yaml_node *list, char *error, size_t error_size)
{
	struct way *ways[LINKS_MAX], *fresh[LINKS_MAX];
	size_t before = links->leaving_count, fresh_count = 0;

	if (!make_all(links, list, ways, error, error_size))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct way *new = ways[i];

		ways[i] = take_place(links, take_same_name(links, new->name), new);
		if (ways[i] == new)
			fresh[fresh_count++] = new;
	}
	for (size_t i = 0; i < links->count; i++) {
		if (links->ways[i])
			leave(links, links->ways[i], false);
	}
	memcpy(links->ways, ways, list->count * sizeof(*ways));
	links->count = list->count;
	look_for_carriers(links);
	for (size_t i = before; i < links->leaving_count; i++)
		links->leaving[i]->adapter->stop(links->leaving[i]->link);
	for (size_t i = 0; i < fresh_count; i++) {
		/* two binds of one account at once are refused by many carriers: links_sweep() starts it */
		if (links->running && !name_is_leaving(links, fresh[i]->name))
			fresh[i]->adapter->start(fresh[i]->link);
	}
	return true;
}

void links_sweep(struct links *links)
{
	for (size_t i = 0; i < links->leaving_count; i++) {
		struct way *gone = links->leaving[i], *successor;

		if (!is_stopped(gone) || gone->in_flight > 0)
			continue;
		links->leaving[i--] = links->leaving[--links->leaving_count];
		successor = links_find(links, gone->name);
		if (successor && links->running && !name_is_leaving(links, gone->name))
			successor->adapter->start(successor->link);
		way_free(gone);
	}
}

/* ---- choosing ---- */

static bool is_free(const struct way *way)
{
	return !way->full && !way->leaving && way->adapter->state(way->link) == LINK_BOUND;
}

void links_new_round(struct links *links)
{
	for (size_t i = 0; i < links->count; i++)
		links->ways[i]->full = false;
}

bool links_any_free(const struct links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		if (is_free(links->ways[i]))
			return true;
	}
	return false;
}

static bool is_silent(const struct links *links, const struct way *way)
{
	return way->in_flight > 0 && loop_now_ms(links->h->loop) - way->answered_ms > SILENT_MS;
}

/* How much a text would rather not go over this link: the silence of a link outweighs the carrier,
 * the carrier the priority. */
static unsigned reluctance(const struct links *links, const struct way *way, const char *carrier)
{
	unsigned n = way->priority;

	if (carrier && strcmp(way->carrier, carrier) != 0)
		n += PRIORITY_MAX + 1;
	if (is_silent(links, way))
		n += 2 * (PRIORITY_MAX + 1);
	return n;
}

static bool is_candidate(const struct links *links, const struct way *way, const struct wish *wish)
{
	return is_free(way) && (links->only_sim || !way->sim) && way != wish->avoid;
}

/* Smooth weighted turns among the least reluctant. */
static struct way *best_of(struct links *links, const struct wish *wish, const char *carrier)
{
	unsigned least = (unsigned)-1;
	struct way *best = NULL;
	int total = 0;

	for (size_t i = 0; i < links->count; i++) {
		unsigned n = reluctance(links, links->ways[i], carrier);

		if (is_candidate(links, links->ways[i], wish) && n < least)
			least = n;
	}
	for (size_t i = 0; i < links->count; i++) {
		struct way *way = links->ways[i];

		if (!is_candidate(links, way, wish) || reluctance(links, way, carrier) != least)
			continue;
		way->credit += (int)way->weight;
		total += (int)way->weight;
		if (!best || way->credit > best->credit)
			best = way;
	}
	if (best)
		best->credit -= total;
	return best;
}

struct way *links_choose(struct links *links, const struct wish *wish)
{
	struct way *wanted = wish->link[0] ? links_find(links, wish->link) : NULL;
	bool stands;

	if (!wanted)
		return wish->only ? NULL : best_of(links, wish, NULL);
	/* a screen has one way back, also while that link takes no texts */
	if (wish->only)
		return wanted->adapter->state(wanted->link) == LINK_BOUND ? wanted : NULL;
	if (wanted->sim)
		return is_free(wanted) ? wanted : NULL;
	stands = wanted->adapter->state(wanted->link) == LINK_BOUND && !is_silent(links, wanted);
	if (stands && is_free(wanted) && wanted != wish->avoid)
		return wanted;
	if (stands && !wish->alert && !wish->overdue)
		return NULL;
	return best_of(links, wish, wanted->carrier);
}

bool links_send(struct links *links, struct way *way, const struct outbound *out)
{
	/* counted before the call: the outcome may come from inside it */
	if (way->in_flight++ == 0)
		way->answered_ms = loop_now_ms(links->h->loop);
	if (way->adapter->send(way->link, out))
		return true;
	way->in_flight--;
	way->full = way->full || out->channel != CHANNEL_USSD;
	return false;
}

void links_answered(struct links *links, struct way *way)
{
	way->in_flight--;
	way->answered_ms = loop_now_ms(links->h->loop);
}

/* ---- looking ---- */

size_t links_count(const struct links *links)
{
	return links->count;
}

const struct way *links_at(const struct links *links, size_t i)
{
	return links->ways[i];
}

struct way *links_find(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++) {
		if (strcmp(links->ways[i]->name, name) == 0)
			return links->ways[i];
	}
	return NULL;
}

const char *links_carrier(const struct links *links, const char *name)
{
	const struct way *way = links_find(links, name);

	for (size_t i = 0; !way && i < links->leaving_count; i++) {
		if (strcmp(links->leaving[i]->name, name) == 0)
			way = links->leaving[i];
	}
	return way ? way->carrier : name;
}
