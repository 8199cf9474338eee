/* Words of an author held against words of a sender: with accents, without, or with letters lost. */
#include "flows/engine/choice.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/reading.h"
#include "flows/engine/syllable.h"

/* Something must be left to match, and rows of lost letters are kept short. */
enum { WILD_LEN_MAX = 16, WILD_LOST_MAX = 6 };

void choice_read(struct choice *out, const struct reading *reading, size_t first, size_t count)
{
	const struct read_word *word;

	*out = (struct choice){.words = mem_array(NULL, count, sizeof *out->words), .count = count};
	for (size_t i = 0; i < count; i++) {
		word = &reading->words[first + i].as[0];
		out->words[i] = (struct choice_word){
			.letters = mem_strdup(reading_letters(reading, word)),
			.marks = mem_dup(reading_marks(reading, word), word->len),
			.hash = word->hash, .len = word->len, .tone = word->tone, .marked = word->marked,
		};
	}
}

void choice_free(struct choice *choice)
{
	for (size_t i = 0; i < choice->count; i++) {
		mem_free(choice->words[i].letters);
		mem_free(choice->words[i].marks);
	}
	mem_free(choice->words);
}

bool choice_is_accented(const struct choice *choice)
{
	for (size_t i = 0; i < choice->count; i++)
		if (choice->words[i].marked)
			return true;
	return false;
}

/* Accents that were written must agree. A stroke alone is weak evidence: its key is typed by people who
 * type no tone; not if `all` of them are known to be written. */
static bool accents_agree(const struct choice_word *want, const uint8_t *marks, uint8_t tone, bool all)
{
	bool only_stroke = tone == TONE_LEVEL && !all;

	for (size_t i = 0; i < want->len && only_stroke; i++)
		only_stroke = !marks[i] || marks[i] == MARK_STROKE;
	for (size_t i = 0; i < want->len; i++)
		if (marks[i] != want->marks[i] && (!only_stroke || marks[i]))
			return false;
	return only_stroke || tone == want->tone;
}

/* Whether one letter of the author's word may have been lost: vowels with accents are, plain letters not. */
static bool may_be_lost(const struct choice_word *want, size_t i)
{
	return want->marks[i] || (want->tone && strchr("aeiouy", want->letters[i]));
}

/* A row of n signs stands for one to n letters: a letter of two or three bytes may leave as many. */
static bool wild_matches(const struct choice_word *want, size_t i, const char *letters, const uint8_t *marks)
{
	if (!*letters)
		return i == want->len;
	if (*letters == READING_LOST) {
		if (i < want->len && may_be_lost(want, i) && wild_matches(want, i + 1, letters + 1, marks + 1))
			return true;
		return letters[1] == READING_LOST && wild_matches(want, i, letters + 1, marks + 1);
	}
	return i < want->len && *letters == want->letters[i] && *marks == want->marks[i] &&
	       wild_matches(want, i + 1, letters + 1, marks + 1);
}

static bool wild_is_readable(const char *letters, size_t len)
{
	size_t lost = 0;

	for (size_t i = 0; i < len; i++)
		lost += letters[i] == READING_LOST;
	return len <= WILD_LEN_MAX && lost < len && lost <= WILD_LOST_MAX;
}

static bool word_matches(const struct choice_word *want, struct choice_rule rule,
                         const struct reading *reading, const struct read_word *word)
{
	const char *letters;
	const uint8_t *marks;
	bool all = rule.strict || (reading->accented && !word->loose);

	if (!word->wild && word->hash != want->hash)
		return false;
	letters = reading_letters(reading, word);
	marks = reading_marks(reading, word);
	if (word->wild)
		return wild_is_readable(letters, word->len) && wild_matches(want, 0, letters, marks) &&
		       (!word->tone || word->tone == want->tone);
	if (word->len != want->len || memcmp(letters, want->letters, want->len))
		return false;
	if (all && want->marked && !word->marked)
		return false;
	return !word->marked || !rule.accented || accents_agree(want, marks, word->tone, all);
}

static bool heard_matches(const struct choice_word *want, struct choice_rule rule,
                          const struct reading *reading, const struct heard *heard)
{
	for (size_t k = 0; k < heard->count && !heard->idle; k++)
		if (word_matches(want, rule, reading, &heard->as[k]))
			return true;
	return false;
}

size_t choice_matches(const struct choice *choice, struct choice_rule rule,
                      const struct reading *reading, size_t at)
{
	if (choice->count > reading->count - at)
		return 0;
	rule.strict |= choice->strict;
	for (size_t i = 0; i < choice->count; i++)
		if (!heard_matches(&choice->words[i], rule, reading, &reading->words[at + i]))
			return 0;
	return choice->count;
}
