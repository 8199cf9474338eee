/* What is wrong with a flow as a whole: its graph, and words that collide once they are folded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

/* ---- the graph ---- */

/* Where a node may lead, by a number that counts up; NOWHERE after the last. */
static int successor(const struct node *node, size_t n, bool *more)
{
	*more = true;
	if (n == 0)
		return node->go;
	if (n == 1)
		return node->tired;
	n -= 2;
	if (n < node->option_count)
		return node->options[n].go;
	n -= node->option_count;
	if (n < node->branch_count)
		return node->branches[n].go;
	*more = false;
	return NOWHERE;
}

static void reach(struct flow *flow, int at)
{
	int *open = mem_array(NULL, flow->node_count + 1, sizeof *open), next;
	size_t count = 0;
	bool more;

	flow->nodes[at].reached = true;
	open[count++] = at;
	while (count) {
		at = open[--count];
		more = true;
		for (size_t n = 0; more; n++) {
			next = successor(&flow->nodes[at], n, &more);
			if (next < 0 || flow->nodes[next].reached)
				continue;
			flow->nodes[next].reached = true;
			open[count++] = next;
		}
	}
	mem_free(open);
}

static void check_reached(struct loading *in)
{
	struct flow *flow = in->flow;

	reach(flow, 0);
	for (size_t i = 0; i < flow->node_count; i++)
		if (!flow->nodes[i].reached)
			loading_find(in, flow->nodes[i].at, "E04", "no way leads to \"%.64s\"",
			             flow->nodes[i].name);
	for (size_t i = 0; i < flow->owed_count; i++)
		if (!flow->nodes[flow->owed[i]].reached && flow->owed[i] != flow->first_text)
			loading_find(in, flow->nodes[flow->owed[i]].at, "E15",
			             "owed, but no way leads to \"%.64s\"", flow->nodes[flow->owed[i]].name);
}

/* A reference that was reported counts as a way out: one mistake, one finding. */
static bool leads_out(const struct node *node, const bool *out)
{
	bool more = true;
	int next;

	for (size_t n = 0; more; n++) {
		next = successor(node, n, &more);
		if (next == BROKEN || (next >= 0 && out[next]))
			return true;
	}
	return node->kind == NODE_END;
}

static void check_ends(struct loading *in)
{
	struct flow *flow = in->flow;
	bool *out = mem_alloc(flow->node_count), changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < flow->node_count; i++)
			if (!out[i] && leads_out(&flow->nodes[i], out))
				out[i] = changed = true;
	}
	for (size_t i = 0; i < flow->node_count; i++)
		if (flow->nodes[i].reached && !out[i])
			loading_find(in, flow->nodes[i].at, "E05", "no way leads from \"%.64s\" to an `end`",
			             flow->nodes[i].name);
	mem_free(out);
}

/* Every answer and every plain node must go somewhere. */
static void check_ways_on(struct loading *in, const struct node *node)
{
	if (node->go != NOWHERE || node->kind == NODE_END || node->kind == NODE_WHEN)
		return;
	if (node->type != TYPE_PICK) {
		loading_find(in, node->at, "E05", "\"%.64s\" goes nowhere: `go` is missing", node->name);
		return;
	}
	for (size_t i = 0; i < node->option_count; i++)
		if (node->options[i].go == NOWHERE)
			loading_find(in, node->options[i].at, "E05", "the answer \"%.64s\" goes nowhere",
			             node->options[i].key);
}

enum colour { WHITE, GREY, BLACK };

/* Depth first through nodes that ask nothing; true if one is met again on its own path. */
static bool runs_in_a_ring(const struct flow *flow, int at, enum colour *colours)
{
	bool more = true, ring = false;
	int next;

	if (at < 0 || flow->nodes[at].kind == NODE_ASK || colours[at] == BLACK)
		return false;
	if (colours[at] == GREY)
		return true;
	colours[at] = GREY;
	for (size_t n = 0; more; n++) {
		next = successor(&flow->nodes[at], n, &more);
		ring |= runs_in_a_ring(flow, next, colours);
	}
	colours[at] = BLACK;
	return ring;
}

static void check_rings(struct loading *in)
{
	enum colour *colours = mem_alloc(in->flow->node_count * sizeof *colours);

	for (size_t i = 0; i < in->flow->node_count; i++)
		if (runs_in_a_ring(in->flow, (int)i, colours))
			loading_find(in, in->flow->nodes[i].at, "E06",
			             "from \"%.64s\" the flow runs in a ring without a question",
			             in->flow->nodes[i].name);
	mem_free(colours);
}

/* ---- words that collide ---- */

static void check_pair(struct loading *in, const struct word *a, const struct word *b,
                       const char *what)
{
	if (a->folded[0] && !strcmp(a->folded, b->folded))
		loading_find(in, b->at, "E10", "\"%.32s\" and \"%.32s\" (line %u) are the same without "
		             "accents: %s", b->text, a->text, a->at->line, what);
}

static void check_lists(struct loading *in, const struct words *a, const struct words *b,
                        const char *what)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			check_pair(in, &a->items[i], &b->items[j], what);
}

static void check_global_words(struct loading *in)
{
	const struct words *words = in->flow->words, *own = &words[WORD_LANGUAGE];

	for (size_t a = 0; a < WORD_KINDS; a++)
		for (size_t b = a + 1; b < WORD_KINDS; b++)
			check_lists(in, &words[a], &words[b], "two commands");
	for (size_t i = 0; i < own->count; i++)
		for (size_t j = i + 1; j < own->count; j++)
			if (own->items[i].lang != own->items[j].lang)
				check_pair(in, &own->items[i], &own->items[j], "two languages");
}

/* WORD_OK is no command: "da" may well be the answer yes. */
static void check_options(struct loading *in, const struct node *node)
{
	for (size_t a = 0; a < node->option_count; a++) {
		for (size_t b = a + 1; b < node->option_count; b++)
			check_lists(in, &node->options[a].words, &node->options[b].words, "two answers");
		for (size_t k = 0; k < WORD_OK; k++)
			check_lists(in, &in->flow->words[k], &node->options[a].words,
			            "an answer and a command");
	}
}

static bool is_asked_number(const struct node *node, const char *folded)
{
	char number[16];
	long value = strtol(folded, NULL, 10);

	snprintf(number, sizeof number, "%ld", value);
	if (strcmp(number, folded))
		return false;
	if (node->type == TYPE_PICK)
		return value >= 1 && value <= (long)node->option_count;
	for (size_t i = 0; i < node->range_count; i++)
		if (value >= node->ranges[i].low && value <= node->ranges[i].high)
			return true;
	return false;
}

static void check_numbers(struct loading *in, const struct node *node)
{
	for (size_t k = 0; k < WORD_KINDS; k++)
		for (size_t i = 0; i < in->flow->words[k].count; i++)
			if (is_asked_number(node, in->flow->words[k].items[i].folded))
				loading_find(in, node->at, "E18",
				             "the answer %.8s of \"%.64s\" is also a global word (line %u)",
				             in->flow->words[k].items[i].folded, node->name,
				             in->flow->words[k].items[i].at->line);
}

/* ---- what a lock screen may show ---- */

static void check_discreet(struct loading *in, const struct yaml_node *at, const char *text)
{
	char *folded = fold_text(text);

	if (phrases_longest(&in->flow->discreet, folded))
		loading_find(in, at, "E14", "this text would be sent with a word of `discreet` in it");
	mem_free(folded);
}

static void check_discreet_text(struct loading *in, const struct text *text)
{
	for (size_t i = 0; i < in->flow->lang_count; i++)
		if (text->by_lang[i])
			check_discreet(in, text->at, text->by_lang[i]);
}

static void check_all_discreet(struct loading *in)
{
	const struct flow *flow = in->flow;
	const struct words *words;

	for (size_t i = 0; i < SAY_KINDS; i++)
		check_discreet_text(in, &flow->say[i]);
	for (size_t i = 0; i < flow->node_count; i++) {
		check_discreet_text(in, &flow->nodes[i].text);
		for (size_t j = 0; j < flow->nodes[i].option_count; j++) {
			words = &flow->nodes[i].options[j].words;
			for (size_t k = 0; k < words->count; k++)
				if (k == 0 || words->items[k].lang != words->items[k - 1].lang)
					check_discreet(in, words->items[k].at, words->items[k].text);
		}
	}
}

void loading_check(struct loading *in)
{
	check_global_words(in);
	check_all_discreet(in);
	for (size_t i = 0; i < in->flow->node_count; i++) {
		check_ways_on(in, &in->flow->nodes[i]);
		check_options(in, &in->flow->nodes[i]);
		check_numbers(in, &in->flow->nodes[i]);
	}
	if (!in->flow->node_count)
		return;
	check_reached(in);
	check_ends(in);
	check_rings(in);
}
