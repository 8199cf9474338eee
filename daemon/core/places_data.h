/* Layout of the generated table of administrative units (build-aux/embed-places): constant, without
 * pointers, so that every process shares one copy. Only places.c reads it. */
#ifndef CORE_PLACES_DATA_H
#define CORE_PLACES_DATA_H

#include <stddef.h>
#include <stdint.h>

enum places_level {
	LEVEL_PROVINCE, /* present ones come first in places_units: provinces, then communes */
	LEVEL_COMMUNE,
	LEVEL_FORMER_PROVINCE, /* until 2025-06-30 */
	LEVEL_FORMER_DISTRICT,
	LEVEL_FORMER_COMMUNE
};

enum places_type {
	TYPE_XA,
	TYPE_PHUONG,
	TYPE_THI_TRAN,
	TYPE_DAC_KHU,
	TYPE_HUYEN,
	TYPE_QUAN,
	TYPE_THI_XA,
	TYPE_THANH_PHO,
	TYPE_TINH
};

enum {
	PLACES_BUCKETS = 8191, /* of the hash in place_hash(): h = (h * 37 + letter) % buckets */
	PLACES_LOOSE = 1,      /* foreign name: its spacing is not to be trusted ("Ea H'leo") */
	PLACES_SHORTENED = 2   /* "Gia Tân" for Gia Tân 1 */
};

/* One distinct name, unaccented and without spaces. Names of bucket b: places_buckets[b] up to
 * places_buckets[b + 1]. */
struct places_name {
	uint32_t text;         /* offset in places_blob */
	uint32_t first, count; /* in places_refs */
};

/* One unit that bears the name, with the name's own spelling. */
struct places_ref {
	uint32_t key;  /* offset: "lOc5 thanh1", see build-aux/embed-places */
	uint16_t unit; /* in places_units */
	uint16_t flags;
};

struct places_unit {
	uint32_t name, plain; /* offsets: accented and unaccented */
	uint32_t first;       /* in places_lists: present communes it is or went into */
	uint16_t count;       /* 0: unknown (a few former communes) */
	uint16_t parent;      /* present commune: its province, in places_units; else 0 */
	uint8_t level, type;
	char code[6];
};

extern const size_t places_units_count, places_provinces_count, places_communes_count;
extern const struct places_name places_names[];
extern const uint16_t places_buckets[PLACES_BUCKETS + 1];
extern const struct places_ref places_refs[];
extern const struct places_unit places_units[];
extern const uint16_t places_lists[]; /* commune numbers: 0 is the first present commune */
extern const char places_blob[];

#endif
