/* Classes of words that an author names once and uses in many phrases: <weapon> for a knife, a rod, a stick.
 * A text is marked once with the classes its words may belong to, so that a phrase of classes costs no more
 * than one of words. */
#ifndef FLOWS_ENGINE_CLASSES_H
#define FLOWS_ENGINE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/engine/choice.h"

struct reading;

enum { CLASSES_MAX = 64, CLASS_MEMBERS_MAX = 10000 };

/* Sets of classes are bits: class i is 1 << i. */
struct word_class {
	char *name; /* owned */
	uint64_t set; /* itself and those it includes */
	struct choice *members; /* owned */
	size_t count; /* at most CLASS_MEMBERS_MAX */
	size_t longest; /* words of its longest member */
	bool accented;
};

/* The first word of a member. */
struct class_entry {
	uint32_t hash;
	uint16_t class, member;
};

struct word_classes {
	struct word_class items[CLASSES_MAX];
	size_t count;
	struct class_entry *entries; /* owned, by hash */
	size_t entry_count;
};

/* A new class; false if there is one of that name or no room for more. */
bool classes_begin(struct word_classes *classes, const char *name);
/* One more member of the class begun last: a word, or several in a row; or "<name>", all members of an earlier
 * class. False if it holds no word, or there is no such class. */
bool classes_add(struct word_classes *classes, const char *member);
void classes_free(struct word_classes *classes);

/* The class of that name and those it includes; 0 if there is none. */
uint64_t classes_find(const struct word_classes *classes, const char *name, size_t len);

/* Notes which classes each word of the text begins a member of. */
void classes_mark(const struct word_classes *classes, struct reading *reading);

/* Words of the longest member of these classes, and whether one of them carries accents. */
size_t classes_longest(const struct word_classes *classes, uint64_t which);
bool classes_accented(const struct word_classes *classes, uint64_t which);

/* Number of words from `at` on that are the longest member of one of these classes, 0 if none. */
size_t classes_match(const struct word_classes *classes, uint64_t which, struct choice_rule rule,
                     const struct reading *reading, size_t at);

#endif
