/* The window of unanswered submit_sm: linear probing, deletion by closing the gap. */
#include "adapters/smpp/window.h"

#include <stddef.h>

#include "base/mem.h"

void window_init(struct window *w, unsigned size)
{
	unsigned table = 2;

	while (table < 2 * size)
		table *= 2;
	*w = (struct window){ .size = size, .table = table, .oldest = table, .newest = table };
	w->slots = mem_alloc(table * sizeof(*w->slots));
}

void window_fini(struct window *w)
{
	mem_free(w->slots);
	*w = (struct window){ 0 };
}

static unsigned home(const struct window *w, uint32_t sequence)
{
	return sequence & (w->table - 1);
}

static unsigned next(const struct window *w, unsigned at)
{
	return (at + 1) & (w->table - 1);
}

/* Its slot, or the free one where it would be. */
static unsigned locate(const struct window *w, uint32_t sequence)
{
	unsigned at = home(w, sequence);

	while (w->slots[at].part && w->slots[at].sequence != sequence)
		at = next(w, at);
	return at;
}

/* The neighbours in time of what is now in this slot are told so. */
static void thread(struct window *w, unsigned at)
{
	const struct window_slot *slot = &w->slots[at];

	if (slot->older == w->table)
		w->oldest = at;
	else
		w->slots[slot->older].newer = at;
	if (slot->newer == w->table)
		w->newest = at;
	else
		w->slots[slot->newer].older = at;
}

void window_add(struct window *w, uint32_t sequence, int64_t sent_ms, struct mt_part *part)
{
	unsigned at = locate(w, sequence);

	w->slots[at] = (struct window_slot){ sequence, sent_ms, part, w->newest, w->table };
	thread(w, at);
	w->used++;
}

bool window_has(const struct window *w, uint32_t sequence)
{
	return w->used > 0 && w->slots[locate(w, sequence)].part;
}

static void unthread(struct window *w, const struct window_slot *slot)
{
	if (slot->older == w->table)
		w->oldest = slot->newer;
	else
		w->slots[slot->older].newer = slot->newer;
	if (slot->newer == w->table)
		w->newest = slot->older;
	else
		w->slots[slot->newer].older = slot->older;
}

/* Moves back what was pushed past the gap, so that every probe still finds it. */
static void close_gap(struct window *w, unsigned gap)
{
	for (unsigned at = next(w, gap); w->slots[at].part; at = next(w, at)) {
		unsigned wish = home(w, w->slots[at].sequence);

		/* it may move if its home does not lie between the gap and itself */
		if (((at - wish) & (w->table - 1)) < ((at - gap) & (w->table - 1)))
			continue;
		w->slots[gap] = w->slots[at];
		w->slots[at].part = NULL;
		thread(w, gap);
		gap = at;
	}
}

static struct mt_part *take(struct window *w, unsigned at)
{
	struct mt_part *part = w->slots[at].part;

	if (!part)
		return NULL;
	unthread(w, &w->slots[at]);
	w->slots[at].part = NULL;
	w->used--;
	close_gap(w, at);
	return part;
}

struct mt_part *window_take(struct window *w, uint32_t sequence)
{
	return w->used > 0 ? take(w, locate(w, sequence)) : NULL;
}

struct mt_part *window_take_older(struct window *w, int64_t sent_before_ms)
{
	return window_oldest_ms(w) < sent_before_ms ? take(w, w->oldest) : NULL;
}

struct mt_part *window_take_any(struct window *w)
{
	return w->used > 0 ? take(w, w->oldest) : NULL;
}

int64_t window_oldest_ms(const struct window *w)
{
	return w->used > 0 ? w->slots[w->oldest].sent_ms : INT64_MAX;
}
