/* Sealed states by their sender. */
#include "path/copies.h"

#include <string.h>

#include "base/loop.h"
#include "base/mem.h"

/* One walk over all copies. */
struct walk {
	const struct copies *copies;
	struct subject_list list;
	int64_t now_ms;
	bool all;
	const uint8_t *flow; /* borrowed */
};

static void add(struct subject_list *list, const struct copy *copy)
{
	list->subjects = mem_array(list->subjects, list->count + 1, MAP_KEY_LEN);
	memcpy(list->subjects[list->count++], copy->subject, MAP_KEY_LEN);
}

static bool is_old(const struct copies *c, const struct copy *copy)
{
	return loop_now_ms(c->loop) - copy->at_ms >= copy->keep_ms;
}

const struct copy *copies_find(const struct copies *c, const uint8_t subject[MAP_KEY_LEN])
{
	const struct copy *copy = map_get(&c->map, subject);

	return copy && !is_old(c, copy) ? copy : NULL;
}

void copies_put(struct copies *c, const struct copy *from)
{
	struct copy *copy = map_get(&c->map, from->subject);

	if (!copy) {
		copy = mem_alloc(sizeof(*copy));
		map_set(&c->map, from->subject, copy);
	}
	c->dirty += from->dirty;
	c->dirty -= copy->dirty;
	buf_free(&copy->sealed);
	*copy = *from;
	copy->at_ms = loop_now_ms(c->loop);
}

static void collect_old(void *arg, void *value)
{
	struct walk *walk = arg;
	const struct copy *copy = value;

	if (is_old(walk->copies, copy))
		add(&walk->list, copy);
}

void copies_forget_old(struct copies *c)
{
	struct walk walk = {.copies = c};

	map_each(&c->map, collect_old, &walk);
	for (size_t i = 0; i < walk.list.count; i++) {
		struct copy *copy = map_remove(&c->map, walk.list.subjects[i]);

		c->dirty -= copy->dirty;
		buf_free(&copy->sealed);
		mem_free(copy);
	}
	mem_free(walk.list.subjects);
}

static void collect_dirty(void *arg, void *value)
{
	struct walk *walk = arg;
	const struct copy *copy = value;

	if (copy->dirty && !is_old(walk->copies, copy) &&
	    (walk->all || (copy->due_ms != 0 && copy->due_ms <= walk->now_ms)))
		add(&walk->list, copy);
}

struct subject_list copies_list_dirty(const struct copies *c, int64_t now_wall_ms, bool all)
{
	struct walk walk = {.copies = c, .now_ms = now_wall_ms, .all = all};

	map_each(&c->map, collect_dirty, &walk);
	return walk.list;
}

static void collect_holders(void *arg, void *value)
{
	struct walk *walk = arg;
	const struct copy *copy = value;

	if (!copy->ended && memcmp(copy->flow, walk->flow, sizeof(copy->flow)) == 0)
		add(&walk->list, copy);
}

struct subject_list copies_list_flow(const struct copies *c, const uint8_t flow[COPIES_FLOW_LEN])
{
	struct walk walk = {.copies = c, .flow = flow};

	map_each(&c->map, collect_holders, &walk);
	return walk.list;
}

static void free_copy(void *arg, void *value)
{
	struct copy *copy = value;

	(void)arg;
	buf_free(&copy->sealed);
	mem_free(copy);
}

void copies_fini(struct copies *c)
{
	map_each(&c->map, free_copy, NULL);
	map_fini(&c->map);
}
