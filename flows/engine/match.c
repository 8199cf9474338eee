/* Which answer a reply means: number, exact with accents, folded whole, folded word, one edit. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

/* Longer replies are stories, in which a "khong" answers nothing. */
enum { REPLY_WORDS_MAX = 3, EDIT_MIN = 5, PART_MIN = 3, NUMBER_DIGITS_MAX = 6 };

static bool only_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

bool match_digits(const char *folded)
{
	return only_digits(folded) && strlen(folded) <= 4;
}

const struct word *match_command(const struct words *words, const char *folded)
{
	for (size_t i = 0; *folded && i < words->count; i++)
		if (!strcmp(words->items[i].folded, folded))
			return &words->items[i];
	return NULL;
}

bool match_word(const struct words *words, const char *folded, int *lang)
{
	const struct word *word = match_command(words, folded);

	if (word)
		*lang = word->lang;
	return word != NULL;
}

const struct word *match_prefix(const struct words *words, const char *folded)
{
	size_t len;

	for (size_t i = 0; i < words->count; i++) {
		len = strlen(words->items[i].folded);
		if (len && !strncmp(words->items[i].folded, folded, len) && folded[len] == ' ')
			return &words->items[i];
	}
	return NULL;
}

bool match_text(const struct question *question, const char *folded)
{
	long characters = 0;

	for (; *folded; folded++)
		characters += ((unsigned char)*folded & 0xc0) != 0x80;
	return characters >= question->text_min;
}

/* 0: the word is not meant. */
typedef size_t score_fn(const struct word *word, const char *reply);

static size_t same_exactly(const struct word *word, const char *reply)
{
	return !strcmp(word->text, reply);
}

static size_t same_folded(const struct word *word, const char *folded)
{
	return !strcmp(word->folded, folded);
}

/* The word stands inside the reply, on word boundaries. */
static size_t within(const struct word *word, const char *folded)
{
	size_t len = strlen(word->folded);
	const char *p = folded;

	while (len && (p = strstr(p, word->folded))) {
		if ((p == folded || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return len;
		p++;
	}
	return 0;
}

/* One letter more, less, other, or two letters exchanged. */
static size_t one_edit(const struct word *word, const char *folded)
{
	const char *a = word->folded, *b = folded;
	size_t la = strlen(a), lb = strlen(b), same = 0, tail = 0;

	if (la < EDIT_MIN || lb < EDIT_MIN || la > lb + 1 || lb > la + 1)
		return 0;
	while (same < la && same < lb && a[same] == b[same])
		same++;
	while (tail < la - same && tail < lb - same && a[la - 1 - tail] == b[lb - 1 - tail])
		tail++;
	if ((la > lb ? la : lb) - same - tail <= 1)
		return 1;
	return la == lb && la - same - tail == 2 && a[same] == b[same + 1] && a[same + 1] == b[same];
}

/* The option with the highest score; NO_OPTION when two share it, or a lower one is not part of it. */
static int best_option(const struct question *question, const char *reply, score_fn *score)
{
	const struct word *best_word = NULL;
	int best = NO_OPTION;
	size_t top = 0, value;

	for (size_t i = 0; i < question->option_count; i++)
		for (size_t j = 0; j < question->options[i].words.count; j++) {
			value = score(&question->options[i].words.items[j], reply);
			if (value <= top)
				continue;
			top = value;
			best = (int)i;
			best_word = &question->options[i].words.items[j];
		}
	for (size_t i = 0; best != NO_OPTION && i < question->option_count; i++)
		for (size_t j = 0; (int)i != best && j < question->options[i].words.count; j++) {
			value = score(&question->options[i].words.items[j], reply);
			if (value && !(value < top && within(&question->options[i].words.items[j],
			                                     best_word->folded)))
				return NO_OPTION;
		}
	return best;
}

int match_option_within(const struct question *question, const char *folded)
{
	return best_option(question, folded, within);
}

/* The reply stands inside the name: "dong nai" of "Bom Bo, Dong Nai". */
static size_t names_part(const struct word *word, const char *folded)
{
	const struct word reply = {.folded = (char *)(uintptr_t)folded};

	return strlen(folded) >= PART_MIN ? within(&reply, word->folded) : 0;
}

int match_option(const struct question *question, const char *reply, const char *folded)
{
	int option;
	long number;

	if (only_digits(folded) && strlen(folded) <= NUMBER_DIGITS_MAX) {
		number = strtol(folded, NULL, 10);
		if (number >= 1 && number <= (long)question->option_count)
			return (int)number - 1;
	}
	option = best_option(question, reply, same_exactly);
	if (option == NO_OPTION)
		option = best_option(question, folded, same_folded);
	if (option == NO_OPTION && folded_word_count(folded) <= REPLY_WORDS_MAX)
		option = best_option(question, folded, within);
	if (option == NO_OPTION)
		option = best_option(question, folded, one_edit);
	if (option == NO_OPTION && question->type == TYPE_FROM)
		option = best_option(question, folded, names_part);
	return option;
}
