/* The spelling of Vietnamese: letters with their marks and tone, and whether they make a syllable. A word
 * list would never be complete; the syllables of the language are few and follow rules. */
#ifndef FLOWS_ENGINE_SYLLABLE_H
#define FLOWS_ENGINE_SYLLABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest word that is looked at letter by letter; a syllable has seven letters, its keystrokes more. */
enum { SPELLED_MAX = 24 };

enum letter_mark { MARK_NONE, MARK_CIRCUMFLEX, MARK_BREVE, MARK_HORN, MARK_STROKE };

/* Hoi and nga are one: half of the country speaks them as one and many mix them up in writing. */
enum tone { TONE_LEVEL, TONE_HUYEN, TONE_SAC, TONE_HOI_NGA, TONE_NANG };

struct spelled {
	char letters[SPELLED_MAX + 1]; /* a to z (and digits, before keystrokes were read), NUL-terminated */
	uint8_t marks[SPELLED_MAX];    /* enum letter_mark, one per letter */
	size_t len;
	uint8_t tone;
	bool tones_clash; /* two different tones on one word */
};

/* False, and nothing added, if the word is full. */
bool spelled_add(struct spelled *word, char letter, enum letter_mark mark);
bool spelled_is_marked(const struct spelled *word);
/* A combining character of Unicode as mark or tone of the last letter; false if it is neither. */
bool spelled_combine(struct spelled *word, uint32_t point);

/* An initial and a rhyme of the language. A word with any mark must have them all (a syllable that
 * ends in c, ch, p, t also its tone); one without any is held against the unaccented rhymes. */
bool syllable_is(const struct spelled *word);

#endif
