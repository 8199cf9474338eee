/* The graph of every flow: nodes that nothing leads to, that lead nowhere, rings, recursion. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

/* ---- what is reached ---- */

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
			next = node_successor(&flow->nodes[at], n, &more);
			if (next < 0 || flow->nodes[next].reached)
				continue;
			flow->nodes[next].reached = true;
			open[count++] = next;
		}
	}
	mem_free(open);
}

static bool is_entered(const struct flow *flow, int part)
{
	const enum word_kind kinds[] = {WORD_START, WORD_PREFIX};

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < flow->words[kinds[k]].count; i++)
			if (flow->words[kinds[k]].items[i].part == part)
				return true;
	for (size_t i = 0; i < flow->role_start_count; i++)
		if (flow->role_starts[i].part == part)
			return true;
	for (size_t i = 0; i < flow->node_count; i++)
		if (flow->nodes[i].kind == NODE_CALL && flow->nodes[i].call == part)
			return true;
	return part == 0;
}

/* A reference that was reported may be the missing way: one mistake, one finding. */
static bool has_broken(const struct flow *flow, const struct part *part)
{
	bool more;

	for (size_t i = 0; i < part->count; i++) {
		more = true;
		for (size_t n = 0; more; n++)
			if (node_successor(&flow->nodes[(size_t)part->first + i], n, &more) == BROKEN)
				return true;
	}
	return false;
}

static void check_reached(struct loading *in, int index)
{
	struct flow *flow = in->flow;
	const struct part *part = &flow->parts[index];
	const struct node *node;

	reach(flow, part->first);
	if (!is_entered(flow, index))
		loading_find(in, yaml_find(part->root, "nodes"), "E04",
		             "nothing enters this flow: it is not the first, has no start word and is not called");
	if (has_broken(flow, part))
		return;
	for (size_t i = 0; i < part->count; i++) {
		node = &flow->nodes[(size_t)part->first + i];
		if (!node->reached)
			loading_find(in, node->at, "E04", "no way leads to \"%.64s\"", node->name);
	}
	for (size_t i = 0; i < part->owed_count; i++) {
		node = &flow->nodes[part->owed[i]];
		if (!node->reached && part->owed[i] != part->first_text)
			loading_find(in, node->at, "E15", "owed, but no way leads to \"%.64s\"", node->name);
	}
}

/* ---- what leads on ---- */

/* A reference that was reported counts as a way out: one mistake, one finding. */
static bool leads_out(const struct node *node, const bool *out)
{
	bool more = true;
	int next;

	if (node->kind == NODE_END)
		return true;
	for (size_t n = 0; more; n++) {
		next = node_successor(node, n, &more);
		if (next == BROKEN || (next >= 0 && out[next]))
			return true;
	}
	return false;
}

/* Backwards first: flows are written from their start to their ends. */
static void find_ways_out(const struct flow *flow, bool *out)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = flow->node_count; i-- > 0;)
			if (!out[i] && leads_out(&flow->nodes[i], out))
				out[i] = changed = true;
	}
}

static void check_options_go(struct loading *in, const struct question *question)
{
	for (size_t i = 0; i < question->option_count; i++)
		if (question->options[i].go == NOWHERE)
			loading_find(in, question->options[i].at, "E05", "the answer \"%.64s\" goes nowhere",
			             question->options[i].key);
}

/* Every answer and every plain node must go somewhere. True if something was found. */
static bool check_ways_on(struct loading *in, const struct node *node)
{
	size_t before = in->found->count;

	if (node->go != NOWHERE || node->kind == NODE_END || node->kind == NODE_WHEN)
		return false;
	if (node->ask.type != TYPE_PICK)
		loading_find(in, node->at, "E05", "\"%.64s\" goes nowhere: `go` is missing", node->name);
	else
		check_options_go(in, &node->ask);
	if (node->ussd && !node->ussd->lent && node->ask.type == TYPE_PICK)
		check_options_go(in, node->ussd);
	return in->found->count > before;
}

static void check_ends(struct loading *in)
{
	struct flow *flow = in->flow;
	bool *out = mem_alloc(flow->node_count);

	for (size_t i = 0; i < flow->node_count; i++) {
		loading_enter(in, flow->nodes[i].part);
		out[i] = check_ways_on(in, &flow->nodes[i]);
	}
	find_ways_out(flow, out);
	for (size_t i = 0; i < flow->node_count; i++) {
		loading_enter(in, flow->nodes[i].part);
		if (flow->nodes[i].reached && !out[i])
			loading_find(in, flow->nodes[i].at, "E05", "no way leads from \"%.64s\" to an `end`",
			             flow->nodes[i].name);
	}
	mem_free(out);
}

/* ---- rings: depth first, on a stack of its own, since a flow may be a thousand nodes long ---- */

enum colour { WHITE, GREY, BLACK };

struct frame {
	int node;
	size_t next;
};

struct walk {
	const struct flow *flow;
	uint8_t *colours;
	struct frame *stack;
	size_t depth;
};

static void push(struct walk *w, int node)
{
	w->colours[node] = GREY;
	w->stack[w->depth++] = (struct frame){.node = node};
}

/* The node at which a ring closes that asks nothing; NOWHERE if there is none from here. */
static int find_ring(struct walk *w, int start)
{
	const struct flow *flow = w->flow;
	struct frame *top;
	int next, ring = NOWHERE;
	bool more;

	if (w->colours[start] != WHITE || flow->nodes[start].kind == NODE_ASK)
		return NOWHERE;
	push(w, start);
	while (w->depth) {
		top = &w->stack[w->depth - 1];
		next = node_successor(&flow->nodes[top->node], top->next++, &more);
		if (!more) {
			w->colours[top->node] = BLACK;
			w->depth--;
			continue;
		}
		if (next < 0 || flow->nodes[next].kind == NODE_ASK)
			continue;
		if (w->colours[next] == GREY)
			ring = next;
		else if (w->colours[next] == WHITE)
			push(w, next);
	}
	return ring;
}

static void check_rings(struct loading *in)
{
	struct walk w = {.flow = in->flow};
	int ring;

	w.colours = mem_alloc(in->flow->node_count);
	w.stack = mem_array(NULL, in->flow->node_count + 1, sizeof *w.stack);
	for (size_t i = 0; i < in->flow->node_count; i++) {
		ring = find_ring(&w, (int)i);
		if (ring == NOWHERE)
			continue;
		loading_enter(in, in->flow->nodes[ring].part);
		loading_find(in, in->flow->nodes[ring].at, "E06",
		             "from \"%.64s\" the flow runs in a ring without a question",
		             in->flow->nodes[ring].name);
	}
	mem_free(w.stack);
	mem_free(w.colours);
}

/* ---- calls ---- */

/* Longest chain of calls below each flow, PARTS_MAX where it never ends. */
static void measure_calls(const struct flow *flow, int *depths)
{
	const struct node *node;

	memset(depths, 0, PARTS_MAX * sizeof *depths);
	for (size_t round = 0; round <= flow->part_count; round++)
		for (size_t i = 0; i < flow->node_count; i++) {
			node = &flow->nodes[i];
			if (node->kind == NODE_CALL && node->call >= 0 && depths[node->part] < PARTS_MAX &&
			    depths[node->part] <= depths[node->call])
				depths[node->part] = depths[node->call] + 1;
		}
}

static bool calls(const struct flow *flow, int from, int to, bool *seen)
{
	const struct part *part = &flow->parts[from];
	const struct node *node;

	if (from == to)
		return true;
	seen[from] = true;
	for (size_t i = 0; i < part->count; i++) {
		node = &flow->nodes[(size_t)part->first + i];
		if (node->kind == NODE_CALL && node->call >= 0 && !seen[node->call] &&
		    calls(flow, node->call, to, seen))
			return true;
	}
	return false;
}

static void check_calls(struct loading *in)
{
	const struct flow *flow = in->flow;
	const struct node *node;
	int depths[PARTS_MAX];

	measure_calls(flow, depths);
	for (size_t i = 0; i < flow->node_count; i++) {
		bool seen[PARTS_MAX] = {0};

		node = &flow->nodes[i];
		if (node->kind != NODE_CALL || node->call < 0)
			continue;
		loading_enter(in, node->part);
		if (calls(flow, node->call, node->part, seen))
			loading_find(in, node->at, "E16", "\"%.64s\" calls \"%.31s\", which leads back into this flow",
			             node->name, flow->parts[node->call].name);
		else if (depths[node->part] > CALLS_MAX && depths[node->part] < PARTS_MAX)
			loading_find(in, node->at, "E16", "more than %d calls within each other", CALLS_MAX);
	}
}

void check_graph(struct loading *in)
{
	for (size_t i = 0; i < in->flow->part_count; i++) {
		loading_enter(in, (int)i);
		if (in->flow->parts[i].count)
			check_reached(in, (int)i);
	}
	check_ends(in);
	check_rings(in);
	check_calls(in);
}
