/* Messages that their writer cut and numbered by hand: "(1/2) ...", "2/2 ...", "p1: ...", "... (1/2)". */
#ifndef FLOWS_ENGINE_SPLIT_H
#define FLOWS_ENGINE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

enum { SPLIT_MAX = 9 };

struct split {
	unsigned index;    /* 1..SPLIT_MAX */
	unsigned total;    /* index..SPLIT_MAX; 0: not said */
	const char *rest;  /* the text without its mark; borrowed */
	size_t rest_len;
};

/* False if the text carries no mark. A bare "1/6" may also be a date: harmless, since a part is only ever
 * joined with another part of the same total. */
bool split_mark(const char *text, struct split *out);

/* The text joined, in the order of the numbers, with those of `earlier` that are its other parts; of two with
 * one number the later counts. NULL if it is no part or there is no other. Owned by the caller. */
char *split_join(char *const *earlier, size_t count, const char *text);

#endif
