/* Walks a loaded pack once and lists what the author's tools show of it. */
#include "flows/engine/view.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"
#include "flows/engine/state.h"

struct viewing {
	struct view *view;
	const struct flow *flow;
	int part; /* whose texts and nodes are listed; NOWHERE: the pack's own */
};

/* ---- places ---- */

static struct view_place place_of(const struct flow *flow, int part, const struct yaml_node *at)
{
	const char *file = part >= 0 ? flow->parts[part].file : flow->file;

	return (struct view_place){.file = file ? file : "", .line = at->line, .column = at->column};
}

/* ---- texts ---- */

static const char *label_of(const struct option *option, int lang)
{
	for (size_t i = 0; i < option->words.count; i++)
		if (option->words.items[i].lang == lang || option->words.items[i].lang == NOWHERE)
			return option->words.items[i].text;
	return option->key ? option->key : "";
}

/* question: whose menu stands below the text; NULL for a text without. */
static void add_text(struct viewing *v, const struct text *text, const struct question *question,
                     int lang, struct view_text one)
{
	struct view *view = v->view;
	struct buf out = {0};

	if (!text->at || !text->by_lang[lang] || !text->by_lang[lang][0])
		return;
	say_worst_on(v->flow, text, question, v->part, lang, !strcmp(one.channel, "ussd"), &out);
	one.worst = mem_strdup(buf_cstr(&out));
	one.lang = v->flow->langs[lang];
	one.flow = v->part >= 0 ? v->flow->parts[v->part].name : v->flow->name;
	one.place = place_of(v->flow, v->part, text->at);
	buf_free(&out);
	view->texts = mem_array(view->texts, view->text_count + 1, sizeof *view->texts);
	view->texts[view->text_count++] = one;
}

static void add_texts(struct viewing *v, const struct text *text, const struct question *question,
                      struct view_text one)
{
	for (size_t lang = 0; lang < v->flow->lang_count; lang++)
		add_text(v, text, question, (int)lang, one);
}

static void list_says(struct viewing *v, const struct part *part, bool own_only)
{
	static const char *const names[SAY_KINDS] = {
		[SAY_HELP] = "help", [SAY_WRONG] = "wrong", [SAY_HELLO] = "hello",
		[SAY_MORE] = "more", [SAY_RESUME] = "resume"};

	for (size_t i = 0; i < SAY_KINDS; i++)
		if (!own_only || part->says[i])
			add_texts(v, &part->say[i], NULL,
			          (struct view_text){.node = names[i], .part = "say", .channel = "any"});
}

static void list_node_texts(struct viewing *v, const struct node *node)
{
	static const char *const parts[] = {[NODE_ASK] = "ask",   [NODE_TELL] = "tell",
	                                    [NODE_WHEN] = NULL,   [NODE_CALL] = NULL,
	                                    [NODE_DO] = NULL,     [NODE_END] = "end"};
	struct view_text one = {.node = node->name, .part = parts[node->kind], .channel = "any"};

	v->part = node->part;
	if (!one.part)
		return;
	if (node->ussd)
		one.channel = "sms";
	add_texts(v, &node->ask.text, &node->ask, one);
	if (node->ussd) {
		one.channel = "ussd";
		add_texts(v, node->ussd->text.at ? &node->ussd->text : &node->ask.text, node->ussd, one);
	}
	one.part = "again";
	one.channel = "any";
	for (size_t i = 0; i < node->again_count; i++)
		add_texts(v, &node->again[i], &node->ask, one);
}

static void list_texts(struct viewing *v)
{
	v->part = NOWHERE;
	list_says(v, &v->flow->defaults, false);
	for (size_t i = 0; i < v->flow->part_count; i++) {
		v->part = (int)i;
		list_says(v, &v->flow->parts[i], v->flow->root != NULL);
	}
	for (size_t i = 0; i < v->flow->node_count; i++)
		list_node_texts(v, &v->flow->nodes[i]);
}

/* ---- nodes and ways ---- */

static bool is_urgent(unsigned actions)
{
	return (actions & (DO_ALERT | DO_RAISE | DO_FILE_URGENT)) != 0;
}

static struct view_node node_of(const struct flow *flow, size_t i)
{
	static const enum view_kind kinds[] = {[NODE_ASK] = VIEW_ASK,   [NODE_TELL] = VIEW_TELL,
	                                       [NODE_WHEN] = VIEW_WHEN, [NODE_CALL] = VIEW_CALL,
	                                       [NODE_DO] = VIEW_DO,     [NODE_END] = VIEW_END};
	const struct node *node = &flow->nodes[i];
	const struct part *part = &flow->parts[node->part];

	return (struct view_node){.place = place_of(flow, node->part, node->at),
	                          .flow = part->name,
	                          .name = node->name,
	                          .text = node->kind == NODE_CALL ? flow->parts[node->call].name
	                                  : node->ask.text.at     ? node->ask.text.by_lang[0]
	                                                          : NULL,
	                          .kind = kinds[node->kind],
	                          .first = (int)i == part->first,
	                          .save = node->save,
	                          .retries = node->retries >= 0 ? node->retries : part->retries,
	                          .wait_ms = part->waits.sms_ms,
	                          .urgent = is_urgent(node->actions)};
}

static void add_edge(struct viewing *v, const struct yaml_node *at, struct view_edge one)
{
	struct view *view = v->view;

	one.place = place_of(v->flow, v->part, at);
	if (!one.label)
		one.label = "";
	view->edges = mem_array(view->edges, view->edge_count + 1, sizeof *view->edges);
	view->edges[view->edge_count++] = one;
}

/* The answers of a menu from `skip` on. */
static void list_options(struct viewing *v, int from, const struct question *question, size_t skip)
{
	const struct node *node = &v->flow->nodes[from];
	const struct option *option;

	for (size_t i = skip; i < question->option_count; i++) {
		option = &question->options[i];
		add_edge(v, question->lent || !option->at ? node->at : option->at,
		         (struct view_edge){.from = from,
		                            .to = option->go >= 0 ? option->go : node->go,
		                            .way = FLOW_WAY_OPTION,
		                            .index = (int)i,
		                            .label = label_of(option, 0),
		                            .urgent = is_urgent(option->actions),
		                            .ussd = question == node->ussd});
	}
}

static void list_branches(struct viewing *v, int from, const struct node *node)
{
	const struct yaml_node *condition;

	for (size_t i = 0; i < node->branch_count; i++) {
		condition = yaml_find(node->branches[i].at, "if");
		add_edge(v, node->branches[i].at,
		         (struct view_edge){.from = from,
		                            .to = node->branches[i].go,
		                            .way = FLOW_WAY_BRANCH,
		                            .index = (int)i,
		                            .label = condition ? condition->text : "else"});
	}
}

static void add_way(struct viewing *v, int from, int to, enum flow_way way)
{
	add_edge(v, v->flow->nodes[from].at,
	         (struct view_edge){.from = from, .to = to >= 0 ? to : VIEW_ENDS, .way = way});
}

static void list_question_ways(struct viewing *v, int from, const struct node *node)
{
	size_t options = node->ask.option_count;

	list_options(v, from, &node->ask, 0);
	if (node->ussd)
		list_options(v, from, node->ussd, options);
	if (node->ask.type != TYPE_PICK)
		add_way(v, from, node->go, FLOW_WAY_GO);
	if (node->several >= 0)
		add_way(v, from, node->several, FLOW_WAY_SEVERAL);
	add_way(v, from, node->tired >= 0 || node->ask.type != TYPE_FROM ? node->tired : node->ask.none,
	        FLOW_WAY_TIRED);
	add_way(v, from, node->timeout, FLOW_WAY_TIMEOUT);
}

static void list_ways(struct viewing *v, int from)
{
	const struct node *node = &v->flow->nodes[from];

	v->part = node->part;
	if (node->kind == NODE_ASK) {
		list_question_ways(v, from, node);
		return;
	}
	list_branches(v, from, node);
	if (node->kind == NODE_CALL)
		add_way(v, from, v->flow->parts[node->call].first, FLOW_WAY_CALL);
	if (node->go >= 0)
		add_way(v, from, node->go, FLOW_WAY_GO);
}

/* ---- public ---- */

struct view *view_new(const struct flow *flow)
{
	struct view *view = mem_alloc(sizeof *view);
	struct viewing v = {.view = view, .flow = flow};

	view->node_count = flow->node_count;
	view->nodes = mem_alloc(flow->node_count * sizeof *view->nodes);
	view->first = flow->parts[0].first;
	view->first_text = flow->parts[0].first_text;
	view->lang_count = flow->lang_count;
	memcpy(view->langs, flow->langs, sizeof view->langs);
	for (size_t i = 0; i < flow->node_count; i++) {
		view->nodes[i] = node_of(flow, i);
		list_ways(&v, (int)i);
	}
	list_texts(&v);
	return view;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->text_count; i++)
		mem_free(view->texts[i].worst);
	mem_free(view->texts);
	mem_free(view->edges);
	mem_free(view->nodes);
	mem_free(view);
}

int view_find_edge(const struct view *view, int node, enum flow_way way, int index)
{
	for (size_t i = 0; i < view->edge_count; i++)
		if (view->edges[i].from == node && view->edges[i].way == way &&
		    view->edges[i].index == index)
			return (int)i;
	return -1;
}

const char *view_at(const struct flow *flow, const struct flow_state *state)
{
	if (state->ended)
		return "end";
	if (state->node < 0 || state->node >= (int)flow->node_count)
		return "start";
	return flow->nodes[state->node].name;
}

const char *view_way_name(enum flow_way way)
{
	static const char *const names[FLOW_WAYS] = {
		[FLOW_WAY_GO] = "go",           [FLOW_WAY_OPTION] = "answer",
		[FLOW_WAY_BRANCH] = "branch",   [FLOW_WAY_TIRED] = "tired",
		[FLOW_WAY_TIMEOUT] = "time-out", [FLOW_WAY_SEVERAL] = "several",
		[FLOW_WAY_CALL] = "call",       [FLOW_WAY_RETURN] = "return",
		[FLOW_WAY_BACK] = "back",       [FLOW_WAY_STOP] = "stop",
	};

	return names[way];
}
