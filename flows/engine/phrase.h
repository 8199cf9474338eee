/* The lists of phrases that an author writes, and where they stand in a text.
 *
 *   đánh con              these words in this order; a word the sender wrote with accents must have these
 *                         accents (hoi and nga are one), a word without accents matches any
 *   bị ... đánh           up to eight other words between
 *   cứu con/em/cháu       one of these words at that place
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

struct reading;

enum { GAP_WORDS = 8 };

struct phrase_choice {
	char *letters;  /* owned, without accents */
	uint8_t *marks; /* owned, one per byte of letters */
	uint32_t hash;
	uint16_t len;
	uint8_t tone;
	bool marked;
};

struct phrase_word {
	struct phrase_choice *choices; /* owned */
	size_t count;                  /* 0: a gap of up to GAP_WORDS words */
};

struct phrase {
	struct phrase_word *words; /* owned */
	size_t count;              /* words and gaps */
	size_t words_count;        /* words, without gaps */
	size_t weight;             /* words, or what "*4" says */
	bool from_start, to_end;
	bool accented; /* its author wrote accents */
	bool strict;   /* "=" */
	struct phrase *except; /* owned: occurrences that are part of one of these do not count */
	size_t except_count;
};

/* One first word of one phrase. */
struct phrase_entry {
	uint32_t hash;
	int phrase, next; /* entry of the same bucket, -1: none */
};

struct phrases {
	struct phrase *items; /* owned */
	size_t count;
	struct phrase_entry *entries; /* owned */
	size_t entry_count;
	int *buckets; /* owned: by the hash; a power of two, at least `entry_count` */
	size_t bucket_count;
};

/* False, and nothing added, if the text (or one of its exceptions) holds no word. */
bool phrases_add(struct phrases *list, const char *text);
void phrases_free(struct phrases *list);

/* Number of words that the longest matching phrase has, 0 if none matches. */
size_t phrases_find(const struct phrases *list, const struct reading *reading);
/* Words of all phrases that match. */
size_t phrases_weigh(const struct phrases *list, const struct reading *reading);
/* The same of a text. */
size_t phrases_longest(const struct phrases *list, const char *text);
size_t phrases_weight(const struct phrases *list, const char *text);

/* Marks the words directly after one of the phrases, with no punctuation between: no phrase counts
 * any more that begins there ("not" and the like). */
void phrases_void_after(const struct phrases *list, struct reading *reading);

size_t folded_word_count(const char *folded);

#endif
