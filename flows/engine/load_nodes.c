/* From an author's YAML to the nodes of a flow: questions, their answers, branches and ends. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

enum { NODE_NAME_MAX = 63, TEXT_MIN_MAX = 500, NUMBER_MAX_DIGITS = 6 };

static const char *const node_keys[] = {"ask", "tell", "when", "do", "end", "type", "pick", "go",
                                        "tired", NULL};

/* Names and keys are kept in saved states and read by other programs. */
static void check_name(struct loading *in, const struct yaml_node *key)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = strlen(key->text);

	if (!len || len > NODE_NAME_MAX || strspn(key->text, fit) != len)
		loading_find(in, key, "E12", "expected a name of 1 to %d letters, digits, - or _, "
		             "without accents", NODE_NAME_MAX);
}

static void load_go(struct loading *in, const struct yaml_node *map, const char *key, int *out)
{
	const struct yaml_node *at = yaml_find(map, key);

	*out = at ? loading_node_ref(in, at) : NOWHERE;
}

static void load_actions(struct loading *in, const struct yaml_node *at, unsigned *out)
{
	static const struct {
		const char *name;
		unsigned action;
	} actions[] = {
		{"alert duty", DO_ALERT}, {"file normal", DO_FILE_NORMAL}, {"file urgent", DO_FILE_URGENT}};
	unsigned before;

	if (at->kind != YAML_LIST || !at->count) {
		loading_find(in, at, "E12", "expected a list of actions: [alert duty]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		before = *out;
		for (size_t j = 0; at->items[i]->kind == YAML_SCALAR && j < 3; j++)
			if (!strcmp(at->items[i]->text, actions[j].name))
				*out |= actions[j].action;
		if (*out == before)
			loading_find(in, at->items[i], "E12",
			             "expected alert duty, file normal or file urgent, each once");
	}
}

/* ---- questions ---- */

static void load_option(struct loading *in, const struct yaml_node *key, const struct yaml_node *at,
                        struct option *out)
{
	const char *allowed[LANGS_MAX + 4] = {0};
	size_t n = 0;
	int lang;

	*out = (struct option){.at = key, .key = key->text, .go = NOWHERE};
	for (; n < in->flow->lang_count; n++)
		allowed[n] = in->flow->langs[n];
	allowed[n++] = "any";
	allowed[n++] = "do";
	allowed[n] = "go";
	if (!loading_keys(in, at, allowed))
		return;
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		const struct yaml_node *words = yaml_find(at, in->flow->langs[i]);

		lang = (int)i;
		if (!words)
			loading_find(in, key, "E08", "the language \"%s\" is missing", in->flow->langs[i]);
		else if (words->kind == YAML_LIST && !words->count)
			loading_find(in, words, "E12", "expected at least one word");
		else
			loading_word_list(in, words, lang, &out->words);
	}
	if (yaml_find(at, "any"))
		loading_word_list(in, yaml_find(at, "any"), NOWHERE, &out->words);
	if (yaml_find(at, "do"))
		load_actions(in, yaml_find(at, "do"), &out->actions);
	load_go(in, at, "go", &out->go);
}

static void load_pick(struct loading *in, const struct yaml_node *at, struct node *node)
{
	node->type = TYPE_PICK;
	if (at->kind != YAML_MAP || !at->count || at->count > OPTIONS_MAX) {
		loading_find(in, at, "E12", "expected one to %d answers", OPTIONS_MAX);
		return;
	}
	node->options = mem_alloc(at->count * sizeof *node->options);
	node->option_count = at->count;
	for (size_t i = 0; i < at->count; i++) {
		load_option(in, at->keys[i], at->items[i], &node->options[i]);
		check_name(in, at->keys[i]);
	}
}

static bool take_number(const char **p, long *out)
{
	size_t digits = strspn(*p, "0123456789");

	if (!digits || digits > NUMBER_MAX_DIGITS)
		return false;
	*out = strtol(*p, NULL, 10);
	*p += digits;
	return true;
}

static void skip_spaces(const char **p)
{
	*p += strspn(*p, " ");
}

/* "0..17, 99" */
static bool parse_ranges(const char *p, struct node *node)
{
	struct range range;

	for (;;) {
		skip_spaces(&p);
		if (node->range_count == RANGES_MAX || !take_number(&p, &range.low))
			return false;
		range.high = range.low;
		if (!strncmp(p, "..", 2)) {
			p += 2;
			if (!take_number(&p, &range.high) || range.high < range.low)
				return false;
		}
		node->ranges[node->range_count++] = range;
		skip_spaces(&p);
		if (!*p)
			return true;
		if (*p++ != ',')
			return false;
	}
}

/* "text 3.." */
static bool parse_text_type(const char *p, struct node *node)
{
	skip_spaces(&p);
	if (!*p) {
		node->text_min = 1;
		return true;
	}
	return take_number(&p, &node->text_min) && node->text_min >= 1 &&
	       node->text_min <= TEXT_MIN_MAX && !strcmp(p, "..");
}

static void load_type(struct loading *in, const struct yaml_node *at, struct node *node)
{
	const char *type = loading_scalar(in, at, "a type");
	bool ok = false;

	node->type = TYPE_TEXT;
	if (!type)
		return;
	if (!strncmp(type, "text", 4)) {
		ok = parse_text_type(type + 4, node);
	} else if (!strncmp(type, "number ", 7)) {
		node->type = TYPE_NUMBER;
		ok = parse_ranges(type + 7, node);
	}
	if (!ok)
		loading_find(in, at, "E12", "expected \"text 3..\" or \"number 0..17, 99\"");
}

static void load_ask(struct loading *in, const struct yaml_node *map, struct node *node)
{
	const struct yaml_node *type = yaml_find(map, "type"), *pick = yaml_find(map, "pick");

	loading_text(in, yaml_find(map, "ask"), &node->text);
	load_go(in, map, "tired", &node->tired);
	if (type)
		load_type(in, type, node);
	if (pick)
		load_pick(in, pick, node);
	if (!type == !pick)
		loading_find(in, node->at, "E12", "a question needs either `type` or `pick`");
	if (in->flow->retries < 0)
		loading_find(in, node->at, "E07", "no exit on bad answers: `retries` is missing above");
	if (!in->flow->wait_sms_ms)
		loading_find(in, node->at, "E07", "no exit on silence: `wait: {sms: ...}` is missing above");
}

/* ---- branches ---- */

static void load_branch(struct loading *in, const struct yaml_node *at, struct branch *out)
{
	static const char *const allowed[] = {"if", "go", "else", NULL};
	const struct yaml_node *condition, *otherwise;

	*out = (struct branch){.at = at, .go = BROKEN};
	if (!loading_keys(in, at, allowed))
		return;
	condition = yaml_find(at, "if");
	otherwise = yaml_find(at, "else");
	if (!condition == !otherwise || !condition != !yaml_find(at, "go")) {
		loading_find(in, at, "E12", "expected {if: ..., go: node} or {else: node}");
		return;
	}
	load_go(in, at, otherwise ? "else" : "go", &out->go);
	if (condition)
		loading_condition(in, condition, out);
}

static void load_when(struct loading *in, const struct yaml_node *at, struct node *node)
{
	if (at->kind != YAML_LIST || !at->count || at->count > OPTIONS_MAX) {
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

/* ---- nodes ---- */

/* Keys of node_keys that a kind of node does not take. */
static void check_fit(struct loading *in, const struct yaml_node *map, const char *kind,
                      const char *const *allowed)
{
	size_t j;

	for (size_t i = 0; i < map->count; i++) {
		for (j = 0; node_keys[j] && strcmp(map->keys[i]->text, node_keys[j]);)
			j++;
		if (!node_keys[j])
			continue; /* reported as unknown already */
		for (j = 0; allowed[j] && strcmp(map->keys[i]->text, allowed[j]);)
			j++;
		if (!allowed[j])
			loading_find(in, map->keys[i], "E02", "a node with `%s` takes no `%s`", kind,
			             map->keys[i]->text);
	}
}

static void load_plain(struct loading *in, const struct yaml_node *map, struct node *node)
{
	(void)map;
	if (!node->actions)
		loading_find(in, node->at, "E12", "a node needs one of ask, tell, when, do, end");
}

static void load_tell(struct loading *in, const struct yaml_node *map, struct node *node)
{
	loading_text(in, yaml_find(map, "tell"), &node->text);
}

static void load_end(struct loading *in, const struct yaml_node *map, struct node *node)
{
	loading_text(in, yaml_find(map, "end"), &node->text);
}

static void load_when_node(struct loading *in, const struct yaml_node *map, struct node *node)
{
	load_when(in, yaml_find(map, "when"), node);
}

static const struct {
	const char *key;
	enum node_kind kind;
	void (*load)(struct loading *in, const struct yaml_node *map, struct node *node);
	const char *allowed[7];
} kinds[] = {
	{"ask", NODE_ASK, load_ask, {"ask", "type", "pick", "go", "tired"}},
	{"tell", NODE_TELL, load_tell, {"tell", "do", "go"}},
	{"when", NODE_WHEN, load_when_node, {"when"}},
	{"end", NODE_END, load_end, {"end", "do"}},
	{"do", NODE_DO, load_plain, {"do", "go"}},
};

static void load_node(struct loading *in, const struct yaml_node *map, struct node *node)
{
	size_t kind = 0;

	if (!loading_keys(in, map, node_keys))
		return;
	while (kind < 4 && !yaml_find(map, kinds[kind].key))
		kind++;
	node->kind = kinds[kind].kind;
	check_fit(in, map, kinds[kind].key, kinds[kind].allowed);
	load_go(in, map, "go", &node->go);
	if (yaml_find(map, "do"))
		load_actions(in, yaml_find(map, "do"), &node->actions);
	kinds[kind].load(in, map, node);
}

void loading_nodes(struct loading *in, const struct yaml_node *at)
{
	struct flow *flow = in->flow;

	if (at->kind != YAML_MAP || !at->count || at->count > NODES_MAX) {
		loading_find(in, at, "E12", "expected 1 to %d nodes", NODES_MAX);
		return;
	}
	flow->nodes = mem_alloc(at->count * sizeof *flow->nodes);
	for (size_t i = 0; i < at->count; i++) {
		flow->nodes[i] = (struct node){.at = at->keys[i], .name = at->keys[i]->text, .kind = NODE_DO,
		                               .go = NOWHERE, .tired = NOWHERE};
		check_name(in, at->keys[i]);
	}
	flow->node_count = at->count; /* all names first: `go` may point forward */
	for (size_t i = 0; i < at->count; i++)
		load_node(in, at->items[i], &flow->nodes[i]);
}
