/* Words that collide once they are folded, numbers that are words too, and what a lock screen may
 * show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

/* ---- words that collide ---- */

static bool collide(const struct word *a, const struct word *b)
{
	return a->folded[0] && !strcmp(a->folded, b->folded);
}

static void report_pair(struct loading *in, const struct word *a, const struct word *b,
                        const char *what)
{
	loading_enter(in, b->part);
	loading_find(in, b->at, "E10", "\"%.32s\" and \"%.32s\" (line %u) are the same without accents: %s",
	             b->text, a->text, a->at->line, what);
}

static void check_lists(struct loading *in, const struct words *a, const struct words *b,
                        const char *what)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (collide(&a->items[i], &b->items[j]))
				report_pair(in, &a->items[i], &b->items[j], what);
}

static void check_languages(struct loading *in, const struct words *words)
{
	const struct word *a, *b;

	for (size_t i = 0; i < words->count; i++)
		for (size_t j = i + 1; j < words->count; j++) {
			a = &words->items[i];
			b = &words->items[j];
			if (a->lang != b->lang && collide(a, b))
				report_pair(in, a, b, "two languages");
		}
}

/* E17: a start word that two flows own. */
static void check_starts(struct loading *in, const struct words *words)
{
	const struct word *a, *b;

	for (size_t i = 0; i < words->count; i++)
		for (size_t j = i + 1; j < words->count; j++) {
			a = &words->items[i];
			b = &words->items[j];
			if (a->part == b->part || !collide(a, b))
				continue;
			loading_enter(in, b->part);
			loading_find(in, b->at, "E17", "\"%.32s\" starts the flow \"%.31s\" too", b->text,
			             a->part == NOWHERE ? in->flow->parts[0].name : in->flow->parts[a->part].name);
		}
}

static void check_global_words(struct loading *in)
{
	const struct words *words = in->flow->words;

	for (size_t a = 0; a < WORD_OK; a++)
		for (size_t b = a + 1; b < WORD_OK; b++)
			check_lists(in, &words[a], &words[b], "two commands");
	for (size_t a = 0; a < WORD_OK; a++)
		check_lists(in, &words[a], &words[WORD_OK], "a command and thanks");
	check_languages(in, &words[WORD_LANGUAGE]);
	check_lists(in, &words[WORD_YES], &words[WORD_NO], "two answers");
	check_starts(in, &words[WORD_START]);
	check_starts(in, &words[WORD_PREFIX]);
}

/* What is no command may well be an answer: "da" is thanks, and yes. */
static void check_options(struct loading *in, const struct question *question)
{
	if (question->lent)
		return;
	for (size_t a = 0; a < question->option_count; a++) {
		for (size_t b = a + 1; b < question->option_count; b++)
			check_lists(in, &question->options[a].words, &question->options[b].words, "two answers");
		for (size_t k = 0; k < WORD_OK; k++)
			check_lists(in, &in->flow->words[k], &question->options[a].words,
			            "an answer and a command");
	}
}

/* ---- numbers ---- */

static bool is_asked_number(const struct question *question, const char *folded)
{
	char number[16];
	long value = strtol(folded, NULL, 10);

	snprintf(number, sizeof number, "%ld", value);
	if (strcmp(number, folded))
		return false;
	if (question->type == TYPE_FROM)
		return value >= 1 && value <= FLOW_PLACES_MAX + 1;
	if (question->type == TYPE_PICK)
		return value >= 1 && value <= (long)question->option_count;
	return value_in_ranges(question, value);
}

/* The word for the next page counts only below a menu. */
static bool counts_here(enum word_kind kind, const struct question *question)
{
	return kind != WORD_NEXT || question->type == TYPE_PICK || question->type == TYPE_FROM;
}

static void check_numbers(struct loading *in, const struct node *node, const struct question *question)
{
	const struct words *words;

	for (size_t k = 0; k < WORD_OK && !question->lent; k++) {
		words = &in->flow->words[k];
		for (size_t i = 0; counts_here((enum word_kind)k, question) && i < words->count; i++)
			if (is_asked_number(question, words->items[i].folded))
				loading_find(in, node->at, "E18",
				             "the answer %.8s of \"%.64s\" is also a global word (line %u)",
				             words->items[i].folded, node->name, words->items[i].at->line);
	}
}

/* ---- what a lock screen may show ---- */

static void check_discreet(struct loading *in, const struct yaml_node *at, const char *text)
{
	char *folded;

	if (!in->flow->discreet.count)
		return;
	folded = fold_text(text);
	if (phrases_longest(&in->flow->discreet, folded))
		loading_find(in, at, "E14", "this text would be sent with a word of `discreet` in it");
	mem_free(folded);
}

static void check_discreet_text(struct loading *in, const struct text *text)
{
	for (size_t i = 0; text->at && i < in->flow->lang_count; i++)
		if (text->by_lang[i])
			check_discreet(in, text_place(text, in->flow->langs[i]), text->by_lang[i]);
}

static void check_discreet_question(struct loading *in, const struct question *question)
{
	const struct words *words;

	check_discreet_text(in, &question->text);
	for (size_t i = 0; !question->lent && i < question->option_count; i++) {
		words = &question->options[i].words;
		for (size_t j = 0; j < words->count; j++) {
			loading_enter(in, words->items[j].part);
			if (words->items[j].sent)
				check_discreet(in, words->items[j].at, words->items[j].text);
		}
	}
}

static void check_discreet_says(struct loading *in)
{
	const struct flow *flow = in->flow;

	for (size_t i = 0; i < SAY_KINDS; i++) {
		loading_enter(in, flow->root ? NOWHERE : 0);
		check_discreet_text(in, &flow->defaults.say[i]);
		for (size_t j = 0; j < flow->part_count; j++) {
			loading_enter(in, (int)j);
			if (flow->parts[j].says[i])
				check_discreet_text(in, &flow->parts[j].say[i]);
		}
	}
}

static void check_node(struct loading *in, const struct node *node)
{
	check_options(in, &node->ask);
	loading_enter(in, node->part);
	check_numbers(in, node, &node->ask);
	check_discreet_question(in, &node->ask);
	loading_enter(in, node->part);
	for (size_t i = 0; i < node->again_count; i++)
		check_discreet_text(in, &node->again[i]);
	if (!node->ussd)
		return;
	check_options(in, node->ussd);
	loading_enter(in, node->part);
	check_numbers(in, node, node->ussd);
	check_discreet_question(in, node->ussd);
}

void check_words(struct loading *in)
{
	check_global_words(in);
	check_discreet_says(in);
	for (size_t i = 0; i < in->flow->node_count; i++)
		check_node(in, &in->flow->nodes[i]);
}
