/* A text as it was typed, read word by word: what stands there and, where that is no word of Vietnamese, what
 * was meant. Phrases are matched against this. Bytes of the text itself are never changed. */
#ifndef FLOWS_ENGINE_READING_H
#define FLOWS_ENGINE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { READINGS_MAX = 3 };

/* One way to read one word. */
struct read_word {
	uint32_t at;   /* of its letters, without accents, in bytes of the reading; the marks follow their NUL */
	uint32_t hash; /* of the letters */
	uint16_t len;
	uint8_t tone;  /* enum tone */
	bool marked;   /* it carries accents, so they must agree */
	bool wild;     /* holds READING_LOST */
	bool loose;    /* what a short form or play stands for: accents unknown */
};

/* In place of a letter that was lost on the way. */
#define READING_LOST '?'

struct heard {
	struct read_word as[READINGS_MAX]; /* as typed; as meant, in one way or two */
	uint64_t classes; /* that it begins a member of; set by classes_mark() */
	uint64_t long_classes; /* of these, where more than one word may be the member */
	uint64_t hints; /* reading_hint() of its readings: words that share none differ */
	uint8_t count;
	bool apart; /* punctuation or the end of a line stands before it */
	bool voided; /* a phrase does not count that begins here */
	bool idle;   /* part of a saying that means something else: matches nothing */
};

struct reading {
	struct heard *words; /* owned */
	size_t count;
	uint64_t classes, hints; /* of all words */
	bool accented;    /* typed with accents throughout: a word without is meant without */
	struct buf bytes;
};

/* Linear in the length of the text. reading_fini() after it. */
void reading_init(struct reading *reading, const char *text);
/* The same without asking what was meant: for words that an author wrote. */
void reading_init_plain(struct reading *reading, const char *text);
void reading_fini(struct reading *reading);

static inline const char *reading_letters(const struct reading *reading, const struct read_word *word)
{
	return (const char *)reading->bytes.data + word->at;
}

static inline const uint8_t *reading_marks(const struct reading *reading, const struct read_word *word)
{
	return reading->bytes.data + word->at + word->len + 1;
}

uint32_t reading_hash(const char *letters, size_t len);

/* One of 64 bits, by which most words that differ are told apart at once. */
static inline uint64_t reading_hint(uint32_t hash)
{
	return UINT64_C(1) << ((hash ^ hash >> 16) & 63);
}

/* The text as it was meant, folded: what fold_text() would give had it been typed in full. Owned by
 * the caller. */
char *reading_fold(const char *text);

#endif
