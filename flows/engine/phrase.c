/* Phrases of the author's lists, matched on word boundaries in folded text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

static void add_word(struct phrase *phrase, char *word)
{
	phrase->words = mem_array(phrase->words, phrase->count + 1, sizeof *phrase->words);
	phrase->words[phrase->count++] = word;
}

static void add_folded(struct phrase *phrase, const char *text, size_t len)
{
	char *piece = mem_strndup(text, len), *folded = fold_text(piece), *rest = folded, *word;

	while ((word = strsep(&rest, " ")))
		if (*word)
			add_word(phrase, mem_strdup(word));
	mem_free(folded);
	mem_free(piece);
}

void phrase_parse(const char *text, struct phrase *out)
{
	size_t len = strlen(text);
	const char *gap;

	*out = (struct phrase){0};
	out->from_start = text[0] == '^';
	out->to_end = len > 1 && text[len - 1] == '$';
	while ((gap = strstr(text, "..."))) {
		add_folded(out, text, (size_t)(gap - text));
		if (out->count && out->words[out->count - 1])
			add_word(out, NULL);
		text = gap + 3;
	}
	add_folded(out, text, strlen(text));
	if (out->count && !out->words[out->count - 1])
		out->count--;
}

void phrases_free(struct phrases *list)
{
	for (size_t i = 0; i < list->count; i++) {
		for (size_t j = 0; j < list->items[i].count; j++)
			mem_free(list->items[i].words[j]);
		mem_free(list->items[i].words);
	}
	mem_free(list->items);
	*list = (struct phrases){0};
}

static const char *after_word(const char *p)
{
	while (*p && *p != ' ')
		p++;
	return *p ? p + 1 : p;
}

/* Whether the word at p is exactly `word`. */
static bool is_word(const char *p, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(p, word, len) && (!p[len] || p[len] == ' ');
}

/* Matches words[at..] from p on; a gap takes the nearest place where its next word stands, and no
 * other: no backtracking, so the time is linear. */
static bool matches_here(const struct phrase *phrase, const char *p)
{
	size_t skip;

	for (size_t i = 0; i < phrase->count; i++) {
		if (phrase->words[i]) {
			if (!is_word(p, phrase->words[i]))
				return false;
			p = after_word(p);
			continue;
		}
		for (skip = 0; *p && skip < GAP_WORDS && !is_word(p, phrase->words[i + 1]); skip++)
			p = after_word(p);
	}
	return !phrase->to_end || !*p;
}

static bool matches(const struct phrase *phrase, const char *folded)
{
	const char *p = folded;

	if (!phrase->count)
		return false;
	do {
		if (matches_here(phrase, p))
			return true;
		p = after_word(p);
	} while (*p && !phrase->from_start);
	return false;
}

static size_t words_of(const struct phrase *phrase)
{
	size_t words = 0;

	for (size_t i = 0; i < phrase->count; i++)
		words += phrase->words[i] != NULL;
	return words;
}

size_t phrases_longest(const struct phrases *list, const char *folded)
{
	size_t longest = 0;

	for (size_t i = 0; i < list->count; i++)
		if (words_of(&list->items[i]) > longest && matches(&list->items[i], folded))
			longest = words_of(&list->items[i]);
	return longest;
}

size_t phrases_weight(const struct phrases *list, const char *folded)
{
	size_t weight = 0;

	for (size_t i = 0; i < list->count; i++)
		if (matches(&list->items[i], folded))
			weight += words_of(&list->items[i]);
	return weight;
}

size_t folded_word_count(const char *folded)
{
	size_t count = 0;

	for (; *folded; folded = after_word(folded))
		count++;
	return count;
}
