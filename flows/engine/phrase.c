/* Phrases of the author's lists, matched on word boundaries in a reading. */
#include "flows/engine/phrase.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/reading.h"
#include "flows/engine/syllable.h"

enum { NONE = -1, EXCEPT_MAX = 64 };

/* ---- what an author wrote ---- */

static bool is_gap(const struct phrase_word *word)
{
	return !word->count;
}

static struct phrase_word *add_word(struct phrase *phrase)
{
	phrase->words = mem_array(phrase->words, phrase->count + 1, sizeof *phrase->words);
	phrase->words[phrase->count] = (struct phrase_word){0};
	return &phrase->words[phrase->count++];
}

static void add_gap(struct phrase *phrase)
{
	if (phrase->count && !is_gap(&phrase->words[phrase->count - 1]))
		add_word(phrase);
}

static void add_choice(struct phrase *phrase, struct phrase_word *to, const struct reading *reading,
                       const struct read_word *word)
{
	to->choices = mem_array(to->choices, to->count + 1, sizeof *to->choices);
	to->choices[to->count++] = (struct phrase_choice){
		.letters = mem_strdup(reading_letters(reading, word)),
		.marks = mem_dup(reading_marks(reading, word), word->len),
		.hash = word->hash, .len = word->len, .tone = word->tone, .marked = word->marked,
	};
	phrase->accented |= word->marked;
}

/* text[0..len) holds no space. "a/b" is one word of two choices, anything else its words in order. */
static void add_piece(struct phrase *phrase, const char *text, size_t len)
{
	char *piece = mem_strndup(text, len);
	size_t slashes = 0;
	struct phrase_word *choices = NULL;
	struct reading reading;

	for (size_t i = 1; i + 1 < len; i++)
		slashes += piece[i] == '/';
	reading_init_plain(&reading, piece);
	if (slashes && reading.count == slashes + 1)
		choices = add_word(phrase);
	for (size_t i = 0; i < reading.count; i++)
		add_choice(phrase, choices ? choices : add_word(phrase), &reading, &reading.words[i].as[0]);
	phrase->words_count += choices ? 1 : reading.count;
	reading_fini(&reading);
	mem_free(piece);
}

static void add_words(struct phrase *phrase, const char *text, size_t len)
{
	const char *end = text + len, *next;

	for (; text < end; text = next + 1) {
		next = memchr(text, ' ', (size_t)(end - text));
		next = next ? next : end;
		add_piece(phrase, text, (size_t)(next - text));
	}
}

static void word_free(struct phrase_word *word)
{
	for (size_t i = 0; i < word->count; i++) {
		mem_free(word->choices[i].letters);
		mem_free(word->choices[i].marks);
	}
	mem_free(word->choices);
}

static void phrase_free(struct phrase *phrase)
{
	for (size_t i = 0; i < phrase->count; i++)
		word_free(&phrase->words[i]);
	for (size_t i = 0; i < phrase->except_count; i++)
		phrase_free(&phrase->except[i]);
	mem_free(phrase->except);
	mem_free(phrase->words);
}

/* text[0..len): one phrase without exceptions. */
static bool parse_one(const char *text, size_t len, struct phrase *out)
{
	const char *end, *gap;

	while (len && strchr(" \t", text[0])) {
		text++;
		len--;
	}
	while (len && strchr(" \t", text[len - 1]))
		len--;
	end = text + len;
	*out = (struct phrase){0};
	out->from_start = len && text[0] == '^';
	out->strict = len && text[0] == '=';
	out->to_end = len > 1 && end[-1] == '$';
	while ((gap = memmem(text, (size_t)(end - text), "...", 3))) {
		add_words(out, text, (size_t)(gap - text));
		add_gap(out);
		text = gap + 3;
	}
	add_words(out, text, (size_t)(end - text));
	if (out->count && is_gap(&out->words[out->count - 1]))
		out->count--;
	return out->count > 0;
}

static bool parse_exceptions(const char *text, struct phrase *out)
{
	struct phrase except;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, "|");
		if (out->except_count == EXCEPT_MAX || !parse_one(text, len, &except))
			return false;
		out->except = mem_array(out->except, out->except_count + 1, sizeof *out->except);
		out->except[out->except_count++] = except;
		if (!text[len])
			return true;
	}
}

/* " *4" at the end of text[0..*len): the weight, and *len without it; 0 if there is none. */
static size_t take_weight(const char *text, size_t *len)
{
	const char *end = text + *len;

	if (*len < 4 || end[-3] != ' ' || end[-2] != '*' || end[-1] < '1' || end[-1] > '9')
		return 0;
	*len -= 3;
	return (size_t)(end[-1] - '0');
}

static bool parse(const char *text, struct phrase *out)
{
	const char *except = strstr(text, " ! ");
	size_t len = except ? (size_t)(except - text) : strlen(text);
	size_t weight = take_weight(text, &len);

	if (!parse_one(text, len, out))
		return false;
	out->weight = weight ? weight : out->words_count;
	return !except || parse_exceptions(except + 3, out);
}

/* ---- the index ---- */

static void file_entry(struct phrases *list, size_t at)
{
	int *bucket = &list->buckets[list->entries[at].hash & (list->bucket_count - 1)];

	list->entries[at].next = *bucket;
	*bucket = (int)at;
}

static void grow_index(struct phrases *list)
{
	list->bucket_count = list->bucket_count ? 2 * list->bucket_count : 16;
	list->buckets = mem_array(list->buckets, list->bucket_count, sizeof *list->buckets);
	for (size_t i = 0; i < list->bucket_count; i++)
		list->buckets[i] = NONE;
	for (size_t i = 0; i < list->entry_count; i++)
		file_entry(list, i);
}

static void add_entry(struct phrases *list, uint32_t hash, int phrase)
{
	list->entries = mem_array(list->entries, list->entry_count + 1, sizeof *list->entries);
	list->entries[list->entry_count++] = (struct phrase_entry){.hash = hash, .phrase = phrase};
	if (list->entry_count > list->bucket_count)
		grow_index(list);
	else
		file_entry(list, list->entry_count - 1);
}

bool phrases_add(struct phrases *list, const char *text)
{
	struct phrase phrase;

	if (!parse(text, &phrase)) {
		phrase_free(&phrase);
		return false;
	}
	list->items = mem_array(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = phrase;
	for (size_t i = 0; i < phrase.words[0].count; i++)
		add_entry(list, phrase.words[0].choices[i].hash, (int)list->count - 1);
	return true;
}

void phrases_free(struct phrases *list)
{
	for (size_t i = 0; i < list->count; i++)
		phrase_free(&list->items[i]);
	mem_free(list->items);
	mem_free(list->entries);
	mem_free(list->buckets);
	*list = (struct phrases){0};
}

/* ---- one word ---- */

/* Accents that were written must agree. A stroke alone is weak evidence: its key is typed by people who
 * type no tone. */
static bool accents_agree(const struct phrase_choice *want, const uint8_t *marks, uint8_t tone)
{
	bool only_stroke = tone == TONE_LEVEL;

	for (size_t i = 0; i < want->len && only_stroke; i++)
		only_stroke = !marks[i] || marks[i] == MARK_STROKE;
	for (size_t i = 0; i < want->len; i++)
		if (marks[i] != want->marks[i] && (!only_stroke || marks[i]))
			return false;
	return only_stroke || tone == want->tone;
}

/* Whether one letter of the phrase's word may have been lost: vowels with accents are, plain letters not. */
static bool may_be_lost(const struct phrase_choice *want, size_t i)
{
	return want->marks[i] || (want->tone && strchr("aeiouy", want->letters[i]));
}

/* A row of n signs stands for one to n letters: a letter of two or three bytes may leave as many. */
static bool wild_matches(const struct phrase_choice *want, size_t i, const char *letters, const uint8_t *marks)
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

/* Something must be left to match, and rows of lost letters are kept short. */
static bool wild_is_readable(const char *letters, size_t len)
{
	size_t lost = 0;

	for (size_t i = 0; i < len; i++)
		lost += letters[i] == READING_LOST;
	return len <= 16 && lost < len && lost <= 6;
}

static bool word_matches(const struct phrase *phrase, const struct phrase_choice *want,
                         const struct reading *reading, const struct read_word *word)
{
	const char *letters = reading_letters(reading, word);
	const uint8_t *marks = reading_marks(reading, word);

	if (word->wild)
		return wild_is_readable(letters, word->len) && wild_matches(want, 0, letters, marks) &&
		       (!word->tone || word->tone == want->tone);
	if (word->hash != want->hash || word->len != want->len || memcmp(letters, want->letters, want->len))
		return false;
	if (phrase->strict && want->marked && !word->marked)
		return false;
	return !word->marked || !phrase->accented || accents_agree(want, marks, word->tone);
}

static bool heard_matches(const struct phrase *phrase, size_t i, const struct reading *reading, size_t at)
{
	const struct heard *heard = &reading->words[at];
	const struct phrase_word *word = &phrase->words[i];

	for (size_t k = 0; k < heard->count; k++)
		for (size_t c = 0; c < word->count; c++)
			if (word_matches(phrase, &word->choices[c], reading, &heard->as[k]))
				return true;
	return false;
}

/* ---- one phrase ---- */

/* Word after the occurrence that begins at `at`, 0 if there is none. A gap takes the nearest place where
 * its next word stands, and no other: no backtracking, so the time is linear. */
static size_t end_of(const struct phrase *phrase, const struct reading *reading, size_t at)
{
	size_t p = at, skip;

	if (phrase->from_start && at)
		return 0;
	for (size_t i = 0; i < phrase->count; i++) {
		if (!is_gap(&phrase->words[i])) {
			if (p == reading->count || !heard_matches(phrase, i, reading, p))
				return 0;
			p++;
			continue;
		}
		for (skip = 0; skip < GAP_WORDS && p < reading->count; skip++, p++)
			if (heard_matches(phrase, i + 1, reading, p))
				break;
	}
	return phrase->to_end && p < reading->count ? 0 : p;
}

static size_t span_max(const struct phrase *phrase)
{
	return phrase->words_count + (phrase->count - phrase->words_count) * GAP_WORDS;
}

static bool is_excepted(const struct phrase *phrase, const struct reading *reading, size_t at, size_t end)
{
	const struct phrase *except;
	size_t from, except_end;

	for (size_t i = 0; i < phrase->except_count; i++) {
		except = &phrase->except[i];
		from = at >= span_max(except) ? at - span_max(except) + 1 : 0;
		for (size_t p = from; p < end; p++) {
			except_end = end_of(except, reading, p);
			if (except_end > at)
				return true;
		}
	}
	return false;
}

static size_t counts_at(const struct phrase *phrase, const struct reading *reading, size_t at)
{
	size_t end;

	if (reading->words[at].voided)
		return 0;
	end = end_of(phrase, reading, at);
	return end && !is_excepted(phrase, reading, at, end) ? end : 0;
}

/* ---- lists ---- */

typedef void found_fn(const struct phrases *list, size_t index, size_t at, size_t end, void *arg);

static void look_at_word(const struct phrases *list, const struct reading *reading, size_t at,
                         const struct read_word *word, found_fn *found, void *arg)
{
	const struct phrase_entry *entry;
	size_t end;

	for (int i = list->buckets[word->hash & (list->bucket_count - 1)]; i != NONE; i = entry->next) {
		entry = &list->entries[i];
		end = entry->hash == word->hash ? counts_at(&list->items[entry->phrase], reading, at) : 0;
		if (end)
			found(list, (size_t)entry->phrase, at, end, arg);
	}
}

static void look_at_all(const struct phrases *list, const struct reading *reading, size_t at,
                        found_fn *found, void *arg)
{
	size_t end;

	for (size_t i = 0; i < list->count; i++) {
		end = counts_at(&list->items[i], reading, at);
		if (end)
			found(list, i, at, end, arg);
	}
}

/* Calls back for every occurrence; an occurrence may come twice where a word has two readings. */
static void look(const struct phrases *list, const struct reading *reading, found_fn *found, void *arg)
{
	const struct heard *heard;

	if (!list->count)
		return;
	for (size_t at = 0; at < reading->count; at++) {
		heard = &reading->words[at];
		if (heard->as[0].wild) {
			look_at_all(list, reading, at, found, arg);
			continue;
		}
		for (size_t k = 0; k < heard->count; k++)
			look_at_word(list, reading, at, &heard->as[k], found, arg);
	}
}

static void keep_longest(const struct phrases *list, size_t index, size_t at, size_t end, void *arg)
{
	size_t *longest = arg;

	(void)at;
	(void)end;
	if (list->items[index].weight > *longest)
		*longest = list->items[index].weight;
}

size_t phrases_find(const struct phrases *list, const struct reading *reading)
{
	size_t longest = 0;

	look(list, reading, keep_longest, &longest);
	return longest;
}

static void mark_seen(const struct phrases *list, size_t index, size_t at, size_t end, void *arg)
{
	uint8_t *seen = arg;

	(void)list;
	(void)at;
	(void)end;
	seen[index] = 1;
}

size_t phrases_weigh(const struct phrases *list, const struct reading *reading)
{
	uint8_t *seen;
	size_t weight = 0;

	if (!list->count)
		return 0;
	seen = mem_alloc(list->count);
	look(list, reading, mark_seen, seen);
	for (size_t i = 0; i < list->count; i++)
		weight += seen[i] ? list->items[i].weight : 0;
	mem_free(seen);
	return weight;
}

size_t phrases_longest(const struct phrases *list, const char *text)
{
	struct reading reading;
	size_t longest;

	reading_init(&reading, text);
	longest = phrases_find(list, &reading);
	reading_fini(&reading);
	return longest;
}

size_t phrases_weight(const struct phrases *list, const char *text)
{
	struct reading reading;
	size_t weight;

	reading_init(&reading, text);
	weight = phrases_weigh(list, &reading);
	reading_fini(&reading);
	return weight;
}

static void void_after(const struct phrases *list, size_t index, size_t at, size_t end, void *arg)
{
	struct reading *reading = arg;

	(void)list;
	(void)index;
	(void)at;
	if (end < reading->count && !reading->words[end].apart)
		reading->words[end].voided = true;
}

void phrases_void_after(const struct phrases *list, struct reading *reading)
{
	look(list, reading, void_after, reading);
}

size_t folded_word_count(const char *folded)
{
	size_t count = 0;

	while (*folded) {
		count++;
		folded += strcspn(folded, " ");
		folded += *folded == ' ';
	}
	return count;
}
