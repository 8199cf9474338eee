/* Phrases of the author's lists, matched on word boundaries in a reading. */
#include "flows/engine/phrase.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/reading.h"

enum { NONE = -1, PARTS_MAX = 64 };

static const size_t nowhere = SIZE_MAX;

/* ---- what an author wrote ---- */

static bool is_gap(const struct phrase_word *word)
{
	return word->gap > 0;
}

static struct phrase_word *add_word(struct phrase *phrase)
{
	phrase->words = mem_array(phrase->words, phrase->count + 1, sizeof *phrase->words);
	phrase->words[phrase->count] = (struct phrase_word){0};
	return &phrase->words[phrase->count++];
}

static void add_gap(struct phrase *phrase, size_t gap)
{
	if (!phrase->count || is_gap(&phrase->words[phrase->count - 1]))
		return;
	add_word(phrase)->gap = gap;
	phrase->span += gap;
}

static void add_choice(struct phrase *phrase, struct phrase_word *to, const struct reading *reading, size_t at)
{
	to->choices = mem_array(to->choices, to->count + 1, sizeof *to->choices);
	choice_read(&to->choices[to->count], reading, at, 1);
	to->hints |= reading_hint(to->choices[to->count].words[0].hash);
	phrase->accented |= choice_is_accented(&to->choices[to->count++]);
}

/* One side of a "/": a word, or the "<name>" of a class. */
static void add_side(const struct word_classes *classes, struct phrase *phrase, struct phrase_word *to,
                     const char *text, size_t len)
{
	char *side = mem_strndup(text, len);
	struct reading reading;

	reading_init_plain(&reading, side);
	if (side[0] == '<' && len > 2 && classes) {
		to->classes |= classes_find(classes, side + 1, len - 2);
		phrase->accented |= classes_accented(classes, to->classes);
	} else if (reading.count) {
		add_choice(phrase, to, &reading, 0);
	}
	reading_fini(&reading);
	mem_free(side);
}

/* text[0..len) holds no space. "a/b" is one word of two choices, anything else its words in order. */
static void add_piece(const struct word_classes *classes, struct phrase *phrase, const char *text, size_t len)
{
	char *piece = mem_strndup(text, len);
	size_t sides = 1, longest = 1, side;
	struct reading reading;

	for (size_t i = 1; i + 1 < len; i++)
		sides += piece[i] == '/';
	reading_init_plain(&reading, piece);
	if ((sides > 1 && reading.count == sides) || memchr(piece, '<', len)) {
		add_word(phrase);
		for (const char *at = piece; at < piece + len; at += side + 1) {
			side = strcspn(at, "/");
			add_side(classes, phrase, &phrase->words[phrase->count - 1], at, side);
		}
		if (classes && classes_longest(classes, phrase->words[phrase->count - 1].classes) > longest)
			longest = classes_longest(classes, phrase->words[phrase->count - 1].classes);
		phrase->words_count++;
		phrase->span += longest;
	} else {
		for (size_t i = 0; i < reading.count; i++)
			add_choice(phrase, add_word(phrase), &reading, i);
		phrase->words_count += reading.count;
		phrase->span += reading.count;
	}
	reading_fini(&reading);
	mem_free(piece);
}

static void add_words(const struct word_classes *classes, struct phrase *phrase, const char *text, size_t len)
{
	const char *end = text + len, *next;

	for (; text < end; text = next + 1) {
		next = memchr(text, ' ', (size_t)(end - text));
		next = next ? next : end;
		add_piece(classes, phrase, text, (size_t)(next - text));
	}
}

static void phrase_free(struct phrase *phrase)
{
	struct phrase_word *word;

	for (size_t i = 0; i < phrase->count; i++) {
		word = &phrase->words[i];
		for (size_t k = 0; k < word->count; k++)
			choice_free(&word->choices[k]);
		mem_free(word->choices);
	}
	for (size_t i = 0; i < phrase->except_count; i++)
		phrase_free(&phrase->except[i]);
	for (size_t i = 0; i < phrase->also_count; i++)
		phrase_free(&phrase->also[i]);
	mem_free(phrase->except);
	mem_free(phrase->also);
	mem_free(phrase->words);
}

/* text[0..len): one phrase without exceptions. */
static bool parse_one(const struct word_classes *classes, const char *text, size_t len, struct phrase *out)
{
	const char *end, *gap;
	size_t dots;

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
	if (out->from_start || out->strict)
		text++;
	end -= out->to_end;
	while ((gap = memmem(text, (size_t)(end - text), "..", 2))) {
		add_words(classes, out, text, (size_t)(gap - text));
		dots = strspn(gap, ".");
		add_gap(out, dots > 2 ? GAP_WORDS : SHORT_GAP_WORDS);
		text = gap + dots;
	}
	add_words(classes, out, text, (size_t)(end - text));
	if (out->count && is_gap(&out->words[out->count - 1]))
		out->count--;
	return out->count > 0;
}

/* text[0..len): phrases with `sign` between them, appended to a list of phrases. */
static bool parse_list(const struct word_classes *classes, const char *text, size_t len, char sign,
                       struct phrase **list, size_t *count)
{
	const char *end = text + len, *next;
	struct phrase one;

	for (;; text = next + 1) {
		next = memchr(text, sign, (size_t)(end - text));
		next = next ? next : end;
		if (*count == PARTS_MAX || !parse_one(classes, text, (size_t)(next - text), &one))
			return false;
		*list = mem_array(*list, *count + 1, sizeof **list);
		(*list)[(*count)++] = one;
		if (next == end)
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

static bool parse(const struct word_classes *classes, const char *text, struct phrase *out)
{
	const char *except = strstr(text, " ! "), *also;
	size_t len = except ? (size_t)(except - text) : strlen(text);
	size_t weight = take_weight(text, &len), first_len;

	also = memmem(text, len, " & ", 3);
	first_len = also ? (size_t)(also - text) : len;
	if (!parse_one(classes, text, first_len, out))
		return false;
	if (also && !parse_list(classes, also + 3, len - first_len - 3, '&', &out->also, &out->also_count))
		return false;
	out->weight = weight ? weight : out->words_count;
	for (size_t i = 0; i < out->also_count && !weight; i++)
		out->weight += out->also[i].words_count;
	return !except || parse_list(classes, except + 3, strlen(except + 3), '|', &out->except,
	                             &out->except_count);
}

size_t phrases_unknown_class(const struct word_classes *classes, const char *text, const char **name)
{
	size_t len;

	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		len = strcspn(at + 1, "> ");
		*name = at;
		if (at[1 + len] != '>' || !classes_find(classes, at + 1, len))
			return len + 1 + (at[1 + len] == '>');
	}
	return 0;
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

static void add_class_entries(struct phrases *list, uint64_t classes, int phrase)
{
	struct class_phrases *row;

	list->first_classes |= classes;
	if (classes && !list->by_class)
		list->by_class = mem_alloc(CLASSES_MAX * sizeof *list->by_class);
	for (size_t i = 0; classes; i++, classes >>= 1) {
		if (!(classes & 1))
			continue;
		row = &list->by_class[i];
		row->phrases = mem_array(row->phrases, row->count + 1, sizeof *row->phrases);
		row->phrases[row->count++] = phrase;
	}
}

bool phrases_add(struct phrases *list, const char *text)
{
	struct phrase phrase;

	if (!parse(list->classes, text, &phrase)) {
		phrase_free(&phrase);
		return false;
	}
	list->items = mem_array(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = phrase;
	for (size_t i = 0; i < phrase.words[0].count; i++)
		add_entry(list, phrase.words[0].choices[i].words[0].hash, (int)list->count - 1);
	add_class_entries(list, phrase.words[0].classes, (int)list->count - 1);
	return true;
}

void phrases_level(struct phrases *list, size_t first, int level)
{
	for (size_t i = first; i < list->count; i++)
		list->items[i].level = level;
}

void phrases_free(struct phrases *list)
{
	for (size_t i = 0; i < list->count; i++)
		phrase_free(&list->items[i]);
	for (size_t i = 0; list->by_class && i < CLASSES_MAX; i++)
		mem_free(list->by_class[i].phrases);
	mem_free(list->by_class);
	mem_free(list->items);
	mem_free(list->entries);
	mem_free(list->buckets);
	*list = (struct phrases){0};
}

/* ---- one phrase ---- */

/* How many words of the text, from `at` on, stand for the i-th place of the phrase; 0: none do. */
static size_t place_matches(const struct phrases *list, const struct phrase *phrase, size_t i,
                            const struct reading *reading, size_t at)
{
	const struct phrase_word *word = &phrase->words[i];
	struct choice_rule rule = {.accented = phrase->accented, .strict = phrase->strict};
	size_t longest = 0, len;

	if (word->classes & reading->words[at].classes)
		longest = classes_match(list->classes, word->classes, rule, reading, at);
	for (size_t c = 0; (word->hints & reading->words[at].hints) && c < word->count; c++) {
		len = choice_matches(&word->choices[c], rule, reading, at);
		longest = len > longest ? len : longest;
	}
	return longest;
}

/* Word after the places from *i to the next gap when they stand at p, and *i behind them; `nowhere` if they do
 * not stand there. */
static size_t run_end(const struct phrases *list, const struct phrase *phrase, size_t *i,
                      const struct reading *reading, size_t p)
{
	size_t at = *i, len;

	for (; at < phrase->count && !is_gap(&phrase->words[at]); at++, p += len) {
		len = p < reading->count ? place_matches(list, phrase, at, reading, p) : 0;
		if (!len)
			return nowhere;
	}
	*i = at;
	return p;
}

/* Word after the occurrence that begins at `at`, 0 if there is none. A gap takes the nearest place where the
 * words up to the next gap stand, and no other: no backtracking, so the time is linear. */
static size_t end_of(const struct phrases *list, const struct phrase *phrase, const struct reading *reading,
                     size_t at)
{
	size_t p = at, i = 0, last, end;

	if (phrase->from_start && at)
		return 0;
	while (i < phrase->count) {
		last = p + phrase->words[i].gap;
		i += is_gap(&phrase->words[i]);
		do
			end = run_end(list, phrase, &i, reading, p);
		while (end == nowhere && p++ < last);
		if (end == nowhere)
			return 0;
		p = end;
	}
	return phrase->to_end && p < reading->count ? 0 : p;
}

static bool is_excepted(const struct phrases *list, const struct phrase *phrase, const struct reading *reading,
                        size_t at, size_t end)
{
	const struct phrase *except;
	size_t from, except_end;

	for (size_t i = 0; i < phrase->except_count; i++) {
		except = &phrase->except[i];
		from = at >= except->span ? at - except->span + 1 : 0;
		for (size_t p = from; p < end; p++) {
			except_end = end_of(list, except, reading, p);
			if (except_end > at)
				return true;
		}
	}
	return false;
}

/* Whether the text may hold a word for every place: most phrases end here. */
static bool may_stand(const struct phrase *phrase, const struct reading *reading)
{
	const struct phrase_word *word;

	for (size_t i = 0; i < phrase->count; i++) {
		word = &phrase->words[i];
		if (!is_gap(word) && !(word->classes & reading->classes) && !(word->hints & reading->hints))
			return false;
	}
	for (size_t i = 0; i < phrase->also_count; i++)
		if (!may_stand(&phrase->also[i], reading))
			return false;
	return true;
}

static bool stands_anywhere(const struct phrases *list, const struct phrase *phrase, const struct reading *reading)
{
	for (size_t at = 0; at < reading->count; at++)
		if (!reading->words[at].voided && end_of(list, phrase, reading, at))
			return true;
	return false;
}

static size_t counts_at(const struct phrases *list, const struct phrase *phrase, const struct reading *reading,
                        size_t at)
{
	size_t end;

	if (reading->words[at].voided || !may_stand(phrase, reading))
		return 0;
	end = end_of(list, phrase, reading, at);
	if (!end || is_excepted(list, phrase, reading, at, end))
		return 0;
	for (size_t i = 0; i < phrase->also_count; i++)
		if (!stands_anywhere(list, &phrase->also[i], reading))
			return 0;
	return end;
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
		end = entry->hash == word->hash ? counts_at(list, &list->items[entry->phrase], reading, at) : 0;
		if (end)
			found(list, (size_t)entry->phrase, at, end, arg);
	}
}

static void look_at_class(const struct phrases *list, const struct reading *reading, size_t at, size_t class,
                          found_fn *found, void *arg)
{
	const struct class_phrases *row = &list->by_class[class];
	size_t end;

	for (size_t i = 0; i < row->count; i++) {
		end = counts_at(list, &list->items[row->phrases[i]], reading, at);
		if (end)
			found(list, (size_t)row->phrases[i], at, end, arg);
	}
}

static void look_at_all(const struct phrases *list, const struct reading *reading, size_t at,
                        found_fn *found, void *arg)
{
	size_t end;

	for (size_t i = 0; i < list->count; i++) {
		end = counts_at(list, &list->items[i], reading, at);
		if (end)
			found(list, i, at, end, arg);
	}
}

/* Calls back for every occurrence; an occurrence may come twice where a word has two readings. */
static void look(const struct phrases *list, const struct reading *reading, found_fn *found, void *arg)
{
	const struct heard *heard;
	uint64_t classes;

	if (!list->count)
		return;
	for (size_t at = 0; at < reading->count; at++) {
		heard = &reading->words[at];
		if (heard->as[0].wild) {
			look_at_all(list, reading, at, found, arg);
			continue;
		}
		for (size_t k = 0; list->entry_count && k < heard->count; k++)
			look_at_word(list, reading, at, &heard->as[k], found, arg);
		for (classes = heard->classes & list->first_classes; classes; classes &= classes - 1)
			look_at_class(list, reading, at, (size_t)__builtin_ctzll(classes), found, arg);
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

size_t phrases_weigh(const struct phrases *list, const struct reading *reading, int *level)
{
	uint8_t *seen;
	size_t weight = 0;

	if (!list->count)
		return 0;
	seen = mem_alloc(list->count);
	look(list, reading, mark_seen, seen);
	for (size_t i = 0; i < list->count; i++) {
		if (!seen[i])
			continue;
		weight += list->items[i].weight;
		*level = list->items[i].level > *level ? list->items[i].level : *level;
	}
	mem_free(seen);
	return weight;
}

static void read_for(const struct phrases *list, struct reading *reading, const char *text)
{
	reading_init(reading, text);
	if (list->classes)
		classes_mark(list->classes, reading);
}

size_t phrases_longest(const struct phrases *list, const char *text)
{
	struct reading reading;
	size_t longest;

	read_for(list, &reading, text);
	longest = phrases_find(list, &reading);
	reading_fini(&reading);
	return longest;
}

size_t phrases_weight(const struct phrases *list, const char *text)
{
	struct reading reading;
	size_t weight;
	int level = 0;

	read_for(list, &reading, text);
	weight = phrases_weigh(list, &reading, &level);
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

static void make_idle(const struct phrases *list, size_t index, size_t at, size_t end, void *arg)
{
	uint8_t *idle = arg;

	(void)list;
	(void)index;
	memset(idle + at, 1, end - at);
}

/* All are found before the first is marked: one saying does not hide another. */
void phrases_make_idle(const struct phrases *list, struct reading *reading)
{
	uint8_t *idle = mem_alloc(reading->count + 1);

	look(list, reading, make_idle, idle);
	for (size_t i = 0; i < reading->count; i++)
		reading->words[i].idle = idle[i];
	mem_free(idle);
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
