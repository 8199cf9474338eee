/* Open addressing with linear probing; removal shifts the run back, so there are no tombstones. */
#include "base/map.h"

#include <string.h>

#include "base/mem.h"

struct map_slot {
	uint8_t key[MAP_KEY_LEN];
	void *value; /* NULL: free */
};

static size_t home_of(const struct map *m, const uint8_t *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return (size_t)(h >> 32) & (m->cap - 1);
}

static struct map_slot *slot_of(const struct map *m, const uint8_t *key)
{
	size_t i = home_of(m, key);

	while (m->slots[i].value && memcmp(m->slots[i].key, key, MAP_KEY_LEN) != 0)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap ? old.cap * 2 : 64;
	m->slots = mem_alloc(m->cap * sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].value)
			*slot_of(m, old.slots[i].key) = old.slots[i];
	}
	mem_free(old.slots);
}

void map_fini(struct map *m)
{
	mem_free(m->slots);
	memset(m, 0, sizeof(*m));
}

void *map_get(const struct map *m, const uint8_t key[MAP_KEY_LEN])
{
	return m->cap ? slot_of(m, key)->value : NULL;
}

void map_set(struct map *m, const uint8_t key[MAP_KEY_LEN], void *value)
{
	struct map_slot *slot;

	if (m->count * 4 >= m->cap * 3)
		grow(m);
	slot = slot_of(m, key);
	if (!slot->value)
		m->count++;
	memcpy(slot->key, key, MAP_KEY_LEN);
	slot->value = value;
}

void *map_remove(struct map *m, const uint8_t key[MAP_KEY_LEN])
{
	struct map_slot *slot = m->cap ? slot_of(m, key) : NULL;
	void *value = slot ? slot->value : NULL;
	size_t hole, i;

	if (!value)
		return NULL;
	m->count--;
	hole = (size_t)(slot - m->slots);
	slot->value = NULL;
	for (i = (hole + 1) & (m->cap - 1); m->slots[i].value; i = (i + 1) & (m->cap - 1)) {
		size_t home = home_of(m, m->slots[i].key);

		/* stays if its home lies in the run after the hole */
		if (((i - home) & (m->cap - 1)) < ((i - hole) & (m->cap - 1)))
			continue;
		m->slots[hole] = m->slots[i];
		m->slots[i].value = NULL;
		hole = i;
	}
	return value;
}

void map_each(const struct map *m, void (*fn)(void *arg, void *value), void *arg)
{
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].value)
			fn(arg, m->slots[i].value);
	}
}

const uint8_t *map_next(const struct map *m, size_t *at, void **value)
{
	for (; *at < m->cap; (*at)++) {
		if (!m->slots[*at].value)
			continue;
		*value = m->slots[*at].value;
		return m->slots[(*at)++].key;
	}
	return NULL;
}

void map_number_key(uint64_t number, uint8_t key[MAP_KEY_LEN])
{
	memset(key, 0, MAP_KEY_LEN);
	for (int i = 0; i < 8; i++)
		key[i] = (uint8_t)(number >> (8 * i));
}
