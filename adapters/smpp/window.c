/* The window of unanswered submit_sm: a short array, because carriers allow tens, not thousands. */
#include "adapters/smpp/window.h"

#include <stddef.h>

#include "base/mem.h"

void window_init(struct window *w, unsigned size)
{
	*w = (struct window){ .size = size };
	w->slots = mem_alloc(size * sizeof(*w->slots));
}

void window_fini(struct window *w)
{
	mem_free(w->slots);
	*w = (struct window){ 0 };
}

void window_add(struct window *w, uint32_t sequence, int64_t deadline_ms, struct mt_part *part)
{
	for (unsigned i = 0; i < w->size; i++) {
		if (w->slots[i].part)
			continue;
		w->slots[i] = (struct window_slot){ sequence, deadline_ms, part };
		w->used++;
		return;
	}
}

static struct mt_part *take(struct window *w, struct window_slot *slot)
{
	struct mt_part *part = slot->part;

	slot->part = NULL;
	w->used--;
	return part;
}

static struct window_slot *find(const struct window *w, uint32_t sequence)
{
	for (unsigned i = 0; i < w->size; i++) {
		if (w->slots[i].part && w->slots[i].sequence == sequence)
			return &w->slots[i];
	}
	return NULL;
}

bool window_has(const struct window *w, uint32_t sequence)
{
	return find(w, sequence) != NULL;
}

struct mt_part *window_take(struct window *w, uint32_t sequence)
{
	struct window_slot *slot = find(w, sequence);

	return slot ? take(w, slot) : NULL;
}

struct mt_part *window_take_expired(struct window *w, int64_t now_ms)
{
	for (unsigned i = 0; i < w->size; i++) {
		if (w->slots[i].part && w->slots[i].deadline_ms <= now_ms)
			return take(w, &w->slots[i]);
	}
	return NULL;
}

struct mt_part *window_take_any(struct window *w)
{
	return window_take_expired(w, INT64_MAX);
}

int64_t window_next_deadline_ms(const struct window *w)
{
	int64_t next_ms = INT64_MAX;

	for (unsigned i = 0; i < w->size; i++) {
		if (w->slots[i].part && w->slots[i].deadline_ms < next_ms)
			next_ms = w->slots[i].deadline_ms;
	}
	return next_ms;
}
