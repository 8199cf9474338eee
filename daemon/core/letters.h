/* A text taken apart into letters, Vietnamese marks apart from their base: composed (NFC) and
 * decomposed (NFD) spellings give the same letters, so that what compares texts never sees the
 * difference. */
#ifndef CORE_LETTERS_H
#define CORE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum letter_shape { LETTER_PLAIN, LETTER_HAT, LETTER_BREVE, LETTER_HORN, LETTER_STROKE };

enum letter_tone { TONE_LEVEL, TONE_GRAVE, TONE_ACUTE, TONE_TILDE, TONE_HOOK, TONE_DOT };

struct letter {
	char base;  /* a-z or 0-9; the sign itself for other ASCII; ' ' for every other character */
	bool upper; /* was written as a capital */
	uint8_t shape; /* enum letter_shape: â ă ơ đ */
	uint8_t tone;  /* enum letter_tone */
};

/* Splits at most `max` letters of the NUL-terminated UTF-8 text into out and returns their number.
 * Compatibility forms (full-width digits) count as what they stand for; zero-width characters are
 * dropped; a typographic apostrophe becomes '; bytes that are not UTF-8 become ' '. */
size_t letters_split(const char *utf8, struct letter *out, size_t max);

#endif
