/* A hash table from 16-byte keys, which are keyed hashes or ids and so evenly spread, to pointers. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_KEY_LEN = 16 };

struct map_slot;
struct map {
	struct map_slot *slots; /* owned; NULL while empty */
	size_t cap;             /* power of two */
	size_t count;
};

void map_fini(struct map *m);                                   /* values are the caller's */
void *map_get(const struct map *m, const uint8_t key[MAP_KEY_LEN]); /* NULL if absent */
void map_set(struct map *m, const uint8_t key[MAP_KEY_LEN], void *value); /* value not NULL */
void *map_remove(struct map *m, const uint8_t key[MAP_KEY_LEN]);  /* what it held, or NULL */
/* Calls fn for each value; fn may not change the map. */
void map_each(const struct map *m, void (*fn)(void *arg, void *value), void *arg);
/* Walks over all: *at is 0 before the first call, NULL ends it. The key is borrowed; no changes meanwhile. */
const uint8_t *map_next(const struct map *m, size_t *at, void **value);
/* The 16-byte key of a number. */
void map_number_key(uint64_t number, uint8_t key[MAP_KEY_LEN]);

#endif
