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
};

/* In place of a letter that was lost on the way. */
#define READING_LOST '?'

struct heard {
	struct read_word as[READINGS_MAX]; /* as typed; as meant, in one way or two */
	uint8_t count;
	bool apart; /* punctuation or the end of a line stands before it */
	bool voided; /* a phrase does not count that begins here */
};

struct reading {
	struct heard *words; /* owned */
	size_t count;
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

/* The text as it was meant, folded: what fold_text() would give had it been typed in full. Owned by
 * the caller. */
char *reading_fold(const char *text);

#endif
