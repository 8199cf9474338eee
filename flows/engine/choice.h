/* What may stand at one place of a phrase: a word, or a few in a row, and whether the sender wrote it. */
#ifndef FLOWS_ENGINE_CHOICE_H
#define FLOWS_ENGINE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reading;

/* One word as its author wrote it. */
struct choice_word {
	char *letters;  /* owned, without accents */
	uint8_t *marks; /* owned, one per byte of letters */
	uint32_t hash;
	uint16_t len;
	uint8_t tone;
	bool marked;
};

struct choice {
	struct choice_word *words; /* owned */
	size_t count;
	bool strict; /* "=": only where the accents were written */
};

/* How the words are compared. */
struct choice_rule {
	bool accented; /* accents that were written must agree */
	bool strict;   /* and they must have been written */
};

/* The words first .. first + count - 1 of a reading made by reading_init_plain(). */
void choice_read(struct choice *out, const struct reading *reading, size_t first, size_t count);
void choice_free(struct choice *choice);
bool choice_is_accented(const struct choice *choice);

/* Number of words of the text, from `at` on, that are this choice; 0 if they are not. */
size_t choice_matches(const struct choice *choice, struct choice_rule rule,
                      const struct reading *reading, size_t at);

#endif
