/* What somebody meant who typed something that is no Vietnamese word: keystrokes of Telex and VNI that
 * no input method turned into letters, letters held down, short forms and playful spelling of the young. */
#ifndef FLOWS_ENGINE_SPELLING_H
#define FLOWS_ENGINE_SPELLING_H

#include <stdbool.h>

#include "flows/engine/syllable.h"

/* What a common short form stands for, one or several words without accents parted by one space; NULL if
 * the word is none. */
const char *spelling_expand(const struct spelled *word);

/* Each is true, and sets *out, if reading `word` that way gives a syllable. */
bool spelling_telex(const struct spelled *word, struct spelled *out); /* "ddanhs" */
bool spelling_vni(const struct spelled *word, struct spelled *out);   /* "d9a1nh" */
bool spelling_playful(const struct spelled *word, struct spelled *out); /* "choj", "uog", "kon", "thik" */

/* Letters held down ("cuuuu"): true, and sets *out, if there were any and what remains is a syllable, or
 * some letter came three times and more, so that it can only be that. */
bool spelling_repeats(const struct spelled *word, struct spelled *out);

/* Several words typed without the spaces between them, unaccented: the same with spaces, in `out`. */
bool spelling_split(const struct spelled *word, char out[2 * SPELLED_MAX + 1]);

#endif
