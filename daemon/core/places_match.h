/* Which units can a few words name? One mention: its units and how well it is spelled. */
#ifndef CORE_PLACES_MATCH_H
#define CORE_PLACES_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/places_words.h"

enum { PLACES_UNITS_MAX = 96, PLACES_SET_WORDS = 56 }; /* 56 * 64 bits: more than all communes */

/* A set of present communes, by their number in the table. */
struct places_set {
	uint64_t bits[PLACES_SET_WORDS];
};

struct places_query {
	enum places_hint hint; /* the word in front of the name; HINT_COMMUNE also after "ấp 5" */
	int type;              /* enum places_type the hint names, or -1 */
	const struct places_set *home;
};

struct places_mention {
	uint16_t units[PLACES_UNITS_MAX]; /* in the table's order */
	size_t count;
	size_t words;          /* words of the name in the text */
	struct places_set all; /* every present commune those units are or went into */
	int type;              /* that of the query */
	bool hinted;           /* the query had a hint */
	bool exact;            /* accents were written and are all right */
	bool upper;            /* every word begins with a capital */
	bool at_home;          /* some of `all` is at home */
	unsigned strength;     /* is a place meant? 1 maybe, 2 likely, 3 said so */
};

/* The longest name that begins at word `at`. False: none. */
bool places_match(const struct places_text *text, size_t at, const struct places_query *query,
		  struct places_mention *out);

bool places_set_meet(const struct places_set *a, const struct places_set *b); /* any in common? */
void places_set_keep(struct places_set *a, const struct places_set *b);       /* a = a and b */
void places_set_add_unit(struct places_set *set, size_t unit);
bool places_set_has(const struct places_set *set, size_t commune);
size_t places_set_count(const struct places_set *set);

#endif
