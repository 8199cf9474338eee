/* The lists of phrases that an author writes, and where they stand in a text.
 *
 *   đánh con              these words in this order; a word the sender wrote with accents must have these
 *                         accents (hoi and nga are one), a word without accents matches any
 *   bị ... đánh           up to eight other words between
 *   bị .. đánh            up to three
 *   cứu con/em/cháu       one of these words at that place
 *   <child>/nó            one of a class of words that stands under `classes`
 *   a & b                 both, anywhere in the text
 *   =sờ                   only where the words are written with their accents
 *   ^QC   ^cứu$           at the very start, and as the whole text
 *   siêu nhân *4          counts as four words (in `kinds`, where the most words win)
 *   đánh ! đánh răng | đánh giày      does not count where it is part of one of these
 *
 * A phrase whose author wrote no accent at all ("help", "haha") matches with any accents. */
#ifndef FLOWS_ENGINE_PHRASE_H
#define FLOWS_ENGINE_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/engine/choice.h"
#include "flows/engine/classes.h"

struct reading;

enum { GAP_WORDS = 8, SHORT_GAP_WORDS = 3 };

/* A place of a phrase, or a gap between two. */
struct phrase_word {
	struct choice *choices; /* owned */
	size_t count;
	uint64_t classes;       /* and any member of these */
	uint64_t hints;         /* reading_hint() of the first words of all choices */
	size_t gap;             /* other words that may stand here; 0: not a gap */
};

struct phrase {
	struct phrase_word *words; /* owned */
	size_t count;              /* words and gaps */
	size_t words_count;        /* words, without gaps */
	size_t span;               /* words of the text that it may reach over */
	size_t weight;             /* words, or what "*4" says */
	int level;                 /* what phrases_level() said of it */
	bool from_start, to_end;
	bool accented; /* its author wrote accents */
	bool strict;   /* "=" */
	struct phrase *except; /* owned: occurrences that are part of one of these do not count */
	size_t except_count;
	struct phrase *also;   /* owned: what else the text must hold */
	size_t also_count;
};

/* One first word of one phrase. */
struct phrase_entry {
	uint32_t hash;
	int phrase, next; /* entry of the same bucket, -1: none */
};

/* The phrases that begin with one class. */
struct class_phrases {
	int *phrases; /* owned */
	size_t count;
};

struct phrases {
	const struct word_classes *classes; /* lent, set before the first phrase; NULL: there are none */
	struct phrase *items; /* owned */
	size_t count;
	struct phrase_entry *entries; /* owned */
	size_t entry_count;
	int *buckets; /* owned: by the hash; a power of two, at least `entry_count` */
	size_t bucket_count;
	struct class_phrases *by_class; /* owned: CLASSES_MAX of them; NULL: no phrase begins with a class */
	uint64_t first_classes;         /* those that one begins with */
};

/* The first "<name>" of the text that is no class, and its length; 0 if all are known. */
size_t phrases_unknown_class(const struct word_classes *classes, const char *text, const char **name);

/* False, and nothing added, if the text (or one of its exceptions) holds no word. */
bool phrases_add(struct phrases *list, const char *text);
/* The phrases from number `first` on are of that level; 0 if nobody says. */
void phrases_level(struct phrases *list, size_t first, int level);
void phrases_free(struct phrases *list);

/* Readings below were marked with the classes of the list. */

/* Number of words that the longest matching phrase has, 0 if none matches. */
size_t phrases_find(const struct phrases *list, const struct reading *reading);
/* Words of all phrases that match. *level is raised to the highest level of one of them. */
size_t phrases_weigh(const struct phrases *list, const struct reading *reading, int *level);
/* The same of a text. */
size_t phrases_longest(const struct phrases *list, const char *text);
size_t phrases_weight(const struct phrases *list, const char *text);

/* Marks the words directly after one of the phrases, with no punctuation between: no phrase counts
 * any more that begins there ("not" and the like). */
void phrases_void_after(const struct phrases *list, struct reading *reading);

/* Marks the words of every occurrence: from here on they match nothing. */
void phrases_make_idle(const struct phrases *list, struct reading *reading);

size_t folded_word_count(const char *folded);

#endif
