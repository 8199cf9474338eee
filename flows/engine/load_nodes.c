/* From an author's YAML to the nodes of a flow: their kinds, ways on and branches. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

enum { BRANCHES_MAX = 20 };

/* ---- names: open addressing over (flow, name) ---- */

static size_t slot_of(const struct flow *flow, int part, const char *name)
{
	uint32_t hash = 2166136261u ^ (uint32_t)part; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash & (flow->name_slots - 1);
}

static void put_name(struct flow *flow, int node)
{
	size_t slot = slot_of(flow, flow->nodes[node].part, flow->nodes[node].name);

	while (flow->names[slot] != NOWHERE)
		slot = (slot + 1) & (flow->name_slots - 1);
	flow->names[slot] = node;
}

static void index_names(struct flow *flow)
{
	if (flow->name_slots < flow->node_count * 2) {
		flow->name_slots = 16;
		while (flow->name_slots < flow->node_count * 2)
			flow->name_slots *= 2;
		flow->names = mem_array(flow->names, flow->name_slots, sizeof *flow->names);
	}
	for (size_t i = 0; i < flow->name_slots; i++)
		flow->names[i] = NOWHERE;
	for (size_t i = 0; i < flow->node_count; i++)
		put_name(flow, (int)i);
}

int flow_find_node(const struct flow *flow, int part, const char *name)
{
	size_t slot;
	int node;

	if (!flow->name_slots)
		return NOWHERE;
	slot = slot_of(flow, part, name);
	for (; (node = flow->names[slot]) != NOWHERE; slot = (slot + 1) & (flow->name_slots - 1))
		if (flow->nodes[node].part == part && !strcmp(flow->nodes[node].name, name))
			return node;
	return NOWHERE;
}

static bool sets(const struct node *node, const char *answer)
{
	return node->kind == NODE_ASK && !strcmp(node->save, answer);
}

int flow_find_setter(const struct flow *flow, int part, const char *answer)
{
	int node = flow_find_node(flow, part, answer);

	if (node != NOWHERE && sets(&flow->nodes[node], answer))
		return node;
	for (int other = NOWHERE, i = 0; i < (int)flow->node_count || other != NOWHERE; i++) {
		if (i == (int)flow->node_count)
			return other;
		if (!sets(&flow->nodes[i], answer))
			continue;
		if (flow->nodes[i].part == part)
			return i;
		other = i;
	}
	return NOWHERE;
}

int node_successor(const struct node *node, size_t n, bool *more)
{
	const int own[] = {node->go, node->tired, node->timeout, node->several, node->ask.none,
	                   node->ussd ? node->ussd->none : NOWHERE};
	enum { OWN = sizeof own / sizeof *own };
	size_t ussd_count = node->ussd ? node->ussd->option_count : 0;

	*more = true;
	if (n < OWN)
		return own[n];
	n -= OWN;
	if (n < node->ask.option_count)
		return node->ask.options[n].go;
	n -= node->ask.option_count;
	if (n < ussd_count)
		return node->ussd->options[n].go;
	n -= ussd_count;
	if (n < node->branch_count)
		return node->branches[n].go;
	*more = false;
	return NOWHERE;
}

/* ---- small readers ---- */

void loading_go(struct loading *in, const struct yaml_node *map, const char *key, int *out)
{
	const struct yaml_node *at = yaml_find(map, key);

	*out = at ? loading_node_ref(in, at) : NOWHERE;
}

void loading_actions(struct loading *in, const struct yaml_node *at, unsigned *out)
{
	static const struct {
		const char *name;
		unsigned action;
	} actions[] = {
		{"alert duty", DO_ALERT}, {"raise cao", DO_RAISE}, {"file normal", DO_FILE_NORMAL},
		{"file urgent", DO_FILE_URGENT}};
	unsigned before;

	if (at->kind != YAML_LIST || !at->count) {
		loading_find(in, at, "E12", "expected a list of actions: [alert duty]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		before = *out;
		for (size_t j = 0; at->items[i]->kind == YAML_SCALAR && j < sizeof actions / sizeof *actions; j++)
			if (!strcmp(at->items[i]->text, actions[j].name))
				*out |= actions[j].action;
		if (*out == before)
			loading_find(in, at->items[i], "E12",
			             "expected alert duty, raise cao, file normal or file urgent, each once");
	}
}

static bool yes_or_no(struct loading *in, const struct yaml_node *at)
{
	if (at->kind == YAML_SCALAR && (!strcmp(at->text, "yes") || !strcmp(at->text, "no")))
		return at->text[0] == 'y';
	loading_find(in, at, "E12", "expected yes or no");
	return false;
}

/* ---- questions ---- */

static void load_again(struct loading *in, const struct yaml_node *at, struct node *node)
{
	if (at->kind != YAML_LIST || !at->count || at->count > AGAIN_MAX) {
		loading_find(in, at, "E12", "expected a list of one to %d texts", AGAIN_MAX);
		return;
	}
	node->again = mem_alloc(at->count * sizeof *node->again);
	node->again_count = at->count;
	for (size_t i = 0; i < at->count; i++)
		loading_text(in, at->items[i], &node->again[i]);
}

/* A condition or a placeholder of that name would not mean the answer. */
static void check_taken(struct loading *in, const struct yaml_node *at, const char *name)
{
	static const char *const taken[] = {"urgency", "kind", "language", "role", "channel", "ref"};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (!strcmp(name, taken[i]))
			loading_find(in, at, "E12", "an answer cannot be kept as \"%s\": that name is taken", name);
}

static void load_save(struct loading *in, const struct yaml_node *map, struct node *node)
{
	const struct yaml_node *pick = yaml_find(map, "pick"), *at = yaml_find(map, "save");

	if (!at && pick && yaml_find(pick, "from"))
		at = yaml_find(pick, "save");
	if (at)
		loading_name(in, at);
	if (at && at->kind == YAML_SCALAR)
		node->save = at->text;
	check_taken(in, at ? at : node->at, node->save);
}

/* What is not given on USSD is as it is elsewhere. */
static void load_ussd(struct loading *in, const struct yaml_node *at, const char *kind,
                      struct node *node)
{
	const struct yaml_node *text = yaml_find(at, kind);

	if (!loading_keys_in(in, at, FLOW_IN_USSD))
		return;
	node->ussd = mem_alloc(sizeof *node->ussd);
	*node->ussd = (struct question){.at = at, .none = NOWHERE};
	if (node->kind == NODE_ASK && !loading_question(in, at, node->ussd)) {
		*node->ussd = node->ask;
		node->ussd->text = (struct text){0};
		node->ussd->lent = true;
	}
	if (text)
		loading_text(in, text, &node->ussd->text);
	else
		loading_find(in, at, "E12", "`%s` is missing", kind);
}

static void check_exits(struct loading *in, const struct node *node)
{
	const struct part *part = &in->flow->parts[in->part];

	if (in->unsure)
		return;
	if (part->retries < 0 && node->retries < 0)
		loading_find(in, node->at, "E07", "no exit on bad answers: `retries` is missing above");
	if (!part->waits.sms_ms)
		loading_find(in, node->at, "E07", "no exit on silence: `wait: {sms: ...}` is missing above");
}

static void load_ask(struct loading *in, const struct yaml_node *map, struct node *node)
{
	const struct yaml_node *value;

	loading_text(in, yaml_find(map, "ask"), &node->ask.text);
	if (!loading_question(in, map, &node->ask))
		loading_find(in, node->at, "E12", "a question needs either `type` or `pick`");
	loading_go(in, map, "tired", &node->tired);
	loading_go(in, map, "timeout", &node->timeout);
	loading_go(in, map, "several", &node->several);
	value = yaml_find(map, "several");
	if (value && node->ask.type != TYPE_PLACE)
		loading_find(in, value, "E12", "only a question of type place can have several answers");
	value = yaml_find(map, "again");
	if (value)
		load_again(in, value, node);
	value = yaml_find(map, "retries");
	if (value)
		node->retries = loading_number(in, value, 0, 20);
	value = yaml_find(map, "from_text");
	if (value)
		node->from_text = yes_or_no(in, value);
	value = yaml_find(map, "ussd");
	if (value)
		load_ussd(in, value, "ask", node);
	check_exits(in, node);
}

/* ---- branches ---- */

static void load_branch(struct loading *in, const struct yaml_node *at, struct branch *out)
{
	const struct yaml_node *condition, *otherwise;

	*out = (struct branch){.at = at, .go = BROKEN};
	if (!loading_keys_in(in, at, FLOW_IN_BRANCH))
		return;
	condition = yaml_find(at, "if");
	otherwise = yaml_find(at, "else");
	if (!condition == !otherwise || !condition != !yaml_find(at, "go")) {
		loading_find(in, at, "E12", "expected {if: ..., go: node} or {else: node}");
		return;
	}
	loading_go(in, at, otherwise ? "else" : "go", &out->go);
	if (condition)
		loading_condition(in, condition, out);
}

static void load_when(struct loading *in, const struct yaml_node *map, struct node *node)
{
	const struct yaml_node *at = yaml_find(map, "when");

	if (at->kind != YAML_LIST || !at->count || at->count > BRANCHES_MAX) {
		loading_find(in, at, "E12", "expected a list of {if: ..., go: node}, closed by {else: node}");
		return;
	}
	node->branches = mem_alloc(at->count * sizeof *node->branches);
	node->branch_count = at->count;
	for (size_t i = 0; i < at->count; i++) {
		load_branch(in, at->items[i], &node->branches[i]);
		if (!yaml_find(at->items[i], "else") != (i + 1 < at->count))
			loading_find(in, at->items[i], "E05", "`else` must be the last branch, and be there");
	}
}

/* ---- the other kinds ---- */

static void load_plain(struct loading *in, const struct yaml_node *map, struct node *node)
{
	if (!yaml_find(map, "do"))
		loading_find(in, node->at, "E12", "a node needs one of ask, tell, when, call, do, end");
}

static void load_tell(struct loading *in, const struct yaml_node *map, struct node *node)
{
	loading_text(in, yaml_find(map, "tell"), &node->ask.text);
	if (yaml_find(map, "if_room"))
		node->if_room = yes_or_no(in, yaml_find(map, "if_room"));
	if (yaml_find(map, "ussd"))
		load_ussd(in, yaml_find(map, "ussd"), "tell", node);
}

static void load_end(struct loading *in, const struct yaml_node *map, struct node *node)
{
	const struct yaml_node *at = yaml_find(map, "end");

	if (at->kind == YAML_SCALAR && !strcmp(at->text, "silent"))
		return;
	loading_text(in, at, &node->ask.text);
	if (yaml_find(map, "ussd"))
		load_ussd(in, yaml_find(map, "ussd"), "end", node);
}

static void load_call(struct loading *in, const struct yaml_node *map, struct node *node)
{
	node->call = loading_part_ref(in, yaml_find(map, "call"));
}

static const struct {
	const char *key;
	enum node_kind kind;
	unsigned in;
	void (*load)(struct loading *in, const struct yaml_node *map, struct node *node);
} kinds[] = {
	{"ask", NODE_ASK, FLOW_IN_ASK, load_ask}, {"tell", NODE_TELL, FLOW_IN_TELL, load_tell},
	{"when", NODE_WHEN, FLOW_IN_WHEN, load_when}, {"call", NODE_CALL, FLOW_IN_CALL, load_call},
	{"end", NODE_END, FLOW_IN_END, load_end}, {"do", NODE_DO, FLOW_IN_DO, load_plain},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Keys of some node that this kind of node does not take; unknown ones were reported already. */
static void check_fit(struct loading *in, const struct yaml_node *map, size_t kind)
{
	unsigned somewhere;

	for (size_t i = 0; i < map->count; i++) {
		somewhere = 0;
		for (const struct flow_key *row = flow_schema; row->key; row++)
			if (!strcmp(row->key, map->keys[i]->text))
				somewhere |= row->in & FLOW_IN_NODE;
		if (somewhere && !(somewhere & kinds[kind].in))
			loading_find(in, map->keys[i], "E02", "a node with `%s` takes no `%s`",
			             kinds[kind].key, map->keys[i]->text);
	}
}

static void load_node(struct loading *in, const struct yaml_node *map, struct node *node)
{
	size_t kind = 0;

	if (!loading_keys_in(in, map, FLOW_IN_NODE)) {
		node->go = BROKEN;
		return;
	}
	while (kind < KINDS - 1 && !yaml_find(map, kinds[kind].key))
		kind++;
	check_fit(in, map, kind);
	loading_go(in, map, "go", &node->go);
	if (yaml_find(map, "do"))
		loading_actions(in, yaml_find(map, "do"), &node->actions);
	kinds[kind].load(in, map, node);
}

static enum node_kind kind_of(const struct yaml_node *map)
{
	size_t kind = 0;

	while (kind < KINDS - 1 && !yaml_find(map, kinds[kind].key))
		kind++;
	return kinds[kind].kind;
}

void loading_node_names(struct loading *in, const struct yaml_node *at)
{
	struct flow *flow = in->flow;
	struct part *part = &flow->parts[in->part];
	struct node *node;

	if (at->kind != YAML_MAP || !at->count || flow->node_count + at->count > NODES_MAX) {
		loading_find(in, at, "E12", "expected 1 to %d nodes in all flows", NODES_MAX);
		return;
	}
	flow->nodes = mem_array(flow->nodes, flow->node_count + at->count, sizeof *flow->nodes);
	for (size_t i = 0; i < at->count; i++) {
		node = &flow->nodes[flow->node_count++];
		*node = (struct node){.at = at->keys[i], .name = at->keys[i]->text, .part = in->part,
		                      .save = at->keys[i]->text, .kind = kind_of(at->items[i]),
		                      .go = NOWHERE, .tired = NOWHERE, .timeout = NOWHERE,
		                      .several = NOWHERE, .call = BROKEN, .retries = -1};
		node->ask.none = NOWHERE;
		loading_name(in, at->keys[i]);
		if (node->kind == NODE_ASK)
			load_save(in, at->items[i], node);
	}
	part->count = at->count;
	index_names(flow);
}

void loading_nodes(struct loading *in, const struct yaml_node *at)
{
	const struct part *part = &in->flow->parts[in->part];

	for (size_t i = 0; i < part->count; i++)
		load_node(in, at->items[i], &in->flow->nodes[(size_t)part->first + i]);
}

/* ---- the end ---- */

void question_free(struct question *question)
{
	text_free(&question->text);
	if (question->lent)
		return;
	for (size_t i = 0; i < (question->keys ? question->place_count : question->option_count); i++)
		words_free(&question->options[i].words);
	for (size_t i = 0; i < question->place_count; i++)
		mem_free(question->keys[i]);
	mem_free(question->keys);
	mem_free(question->options);
	mem_free(question->from);
}

void node_free(struct node *node)
{
	question_free(&node->ask);
	if (node->ussd)
		question_free(node->ussd);
	mem_free(node->ussd);
	for (size_t i = 0; i < node->again_count; i++)
		text_free(&node->again[i]);
	mem_free(node->again);
	for (size_t i = 0; i < node->branch_count; i++) {
		for (size_t j = 0; j < node->branches[i].count; j++) {
			mem_free(node->branches[i].ops[j].term.name);
			mem_free(node->branches[i].ops[j].term.value);
		}
		mem_free(node->branches[i].ops);
	}
	mem_free(node->branches);
}
