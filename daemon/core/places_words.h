/* A message as places.c reads it: syllables, and the words around a place name that tell what it
 * is. */
#ifndef CORE_PLACES_WORDS_H
#define CORE_PLACES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACES_WORD_MAX = 24, PLACES_WORDS_MAX = 400 };

struct places_word {
	char base[PLACES_WORD_MAX]; /* folded: "loc", "thanh", "3" */
	char key[PLACES_WORD_MAX +
		 2];   /* the spelling: "lOc5", "thanh1", "#3" (build-aux/embed-places) */
	bool number;   /* figures only */
	bool numbered; /* figures stood right behind or inside it: "ap5", VNI "xa4" */
	bool marked;   /* has an accent */
	bool upper;    /* begins with a capital */
	bool gap;      /* punctuation, a line end or the start of the text before it */
	bool dotted;   /* a full stop right behind it */
};

struct places_text {
	struct places_word words[PLACES_WORDS_MAX];
	size_t count;
	bool accented; /* the writer uses accents: a word without any is evidence too */
};

enum places_hint {
	HINT_NONE,
	HINT_COMMUNE,  /* xã, phường, thị trấn, đặc khu */
	HINT_DISTRICT, /* huyện, quận */
	HINT_CITY,     /* thành phố, thị xã: a former district, or a province */
	HINT_PROVINCE, /* tỉnh */
	HINT_VILLAGE,  /* thôn, ấp, đường...: the name behind it is no unit */
	HINT_PLACE, /* ở, tại, chợ...: a place follows. Not "trường": schools bear people's names */
	HINT_PERSON /* cháu, bé, tên...: a person's name follows */
};

void places_words(const char *text, struct places_text *out);

/* The hint that begins at word `at` and the number of its words (0 for HINT_NONE). *type is the
 * unit type it names (enum places_type) where it names one. */
enum places_hint places_hint(const struct places_text *text, size_t at, size_t *len, int *type);

#endif
