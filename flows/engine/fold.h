/* Brings what people type to one comparable form, and what authors write to what a plain phone shows.
 * Bytes that are not UTF-8 are replaced, never refused. */
#ifndef FLOWS_ENGINE_FOLD_H
#define FLOWS_ENGINE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* Lower case, no accents, no zero-width characters, d for the letter d with stroke; words (letters
 * and digits) parted by one space; a pictograph is a word of its own; punctuation is gone. NFC and NFD
 * of one text fold alike. Owned by the caller. */
char *fold_text(const char *text);

/* Accents off and whatever GSM 03.38 (its ASCII part and extension table) lacks replaced by its
 * nearest, else "?". Owned by the caller. */
char *fold_to_gsm(const char *text);

/* The text as valid UTF-8 of at most max_len bytes, cut between characters; bytes that are not UTF-8
 * and control characters other than a line end come out as U+FFFD. Owned by the caller. */
char *fold_clean(const char *text, size_t max_len);

/* Nothing but white space and invisible characters. */
bool fold_is_blank(const char *text);

/* Septets of an all-GSM text: characters of the extension table count two. -1 if one is not GSM. */
int fold_gsm_septets(const char *text);

#endif
