/* Answers that are read: whether a question keeps them, can have been asked before, and fits. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

enum { NAME_BYTES = 80 };

struct reading {
	struct loading *in;
	char name[NAME_BYTES]; /* answer that `after` is for; "" at first */
	bool *after;           /* nodes that may be entered once that answer was given */
	int *open;
	int *calls;            /* nodes that call */
	size_t call_count;
};

/* ---- what comes after a question ---- */

static void visit(struct reading *r, int node, size_t *count)
{
	if (node < 0 || r->after[node])
		return;
	r->after[node] = true;
	r->open[(*count)++] = node;
}

static void visit_next(struct reading *r, int at, size_t *count)
{
	const struct flow *flow = r->in->flow;
	const struct node *node = &flow->nodes[at];
	bool more = true;

	for (size_t n = 0; more; n++)
		visit(r, node_successor(node, n, &more), count);
	if (node->kind == NODE_CALL && node->call >= 0)
		visit(r, flow->parts[node->call].first, count);
	for (size_t i = 0; node->kind == NODE_END && i < r->call_count; i++)
		if (flow->nodes[r->calls[i]].call == node->part)
			visit(r, flow->nodes[r->calls[i]].go, count);
}

static bool sets(const struct node *node, const char *name)
{
	return node->kind == NODE_ASK && !strcmp(node->save, name);
}

/* The opening text answers it before anything is asked. */
static bool is_first_text(const struct flow *flow, int node)
{
	return flow->parts[flow->nodes[node].part].first_text == node;
}

static void follow(struct reading *r, const char *name)
{
	const struct flow *flow = r->in->flow;
	size_t count = 0;

	if (!strcmp(r->name, name))
		return;
	snprintf(r->name, sizeof r->name, "%s", name);
	memset(r->after, 0, flow->node_count);
	for (size_t i = 0; i < flow->node_count; i++) {
		if (!sets(&flow->nodes[i], name))
			continue;
		visit_next(r, (int)i, &count);
		if (is_first_text(flow, (int)i))
			visit(r, flow->parts[flow->nodes[i].part].first, &count);
	}
	while (count)
		visit_next(r, r->open[--count], &count);
}

/* ---- one reading ---- */

static const char *nearest_answer(const struct reading *r, const char *name)
{
	const struct flow *flow = r->in->flow;
	const char **names = mem_alloc((flow->node_count + 1) * sizeof *names), *near;
	size_t count = 0;

	for (size_t i = 0; i < flow->node_count; i++)
		if (flow->nodes[i].kind == NODE_ASK)
			names[count++] = flow->nodes[i].save;
	near = yaml_nearest(name, names);
	mem_free(names);
	return near;
}

/* node: NOWHERE for a text that belongs to none. */
static bool check_read(struct reading *r, const struct yaml_node *at, int node, const char *name,
                       const char *what)
{
	if (flow_find_setter(r->in->flow, r->in->part < 0 ? 0 : r->in->part, name) == NOWHERE) {
		loading_find_near(r->in, at, "E03", nearest_answer(r, name),
		                  "\"%.64s\" is neither %s nor an answer that a question keeps", name, what);
		return false;
	}
	if (node == NOWHERE)
		return true;
	follow(r, name);
	if (!r->after[node])
		loading_find(r->in, at, "E11", "\"%.64s\" is read here before it can have been asked", name);
	return true;
}

/* ---- placeholders ---- */

static void check_placeholders(struct reading *r, const struct text *text, int node)
{
	static const char *const parts[] = {"name", "text", "code"};
	char name[NAME_BYTES], *dot;
	const char *p;
	size_t len, known = 0;

	if (!text->at || !text->by_lang[0])
		return;
	for (p = text->by_lang[0]; (len = text_next_placeholder(&p)); p += len) {
		snprintf(name, sizeof name, "%.*s", (int)len - 2, p + 1);
		if (!strcmp(name, "ref") || !strcmp(name, "urgency"))
			continue;
		dot = strchr(name, '.');
		if (dot)
			*dot++ = '\0';
		for (known = 0; dot && known < 3 && strcmp(dot, parts[known]);)
			known++;
		if (known == 3)
			loading_find(r->in, text->at, "E12", "{%s.%s}: expected .name, .text or .code", name, dot);
		check_read(r, text->at, node, name, "ref, urgency");
	}
}

static void check_texts(struct reading *r, int at)
{
	const struct node *node = &r->in->flow->nodes[at];

	check_placeholders(r, &node->ask.text, at);
	if (node->ussd)
		check_placeholders(r, &node->ussd->text, at);
	for (size_t i = 0; i < node->again_count; i++)
		check_placeholders(r, &node->again[i], at);
}

/* ---- conditions ---- */

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* Keys of every menu that keeps its answer under the name; false if one of them is no menu. */
static bool all_keys(const struct flow *flow, const char *name, const char **keys, size_t *count)
{
	const struct question *question;

	for (size_t i = 0; i < flow->node_count; i++) {
		for (int ussd = 0; sets(&flow->nodes[i], name) && ussd < 2; ussd++) {
			question = node_question(&flow->nodes[i], ussd);
			if (question->type != TYPE_PICK)
				return false;
			for (size_t j = 0; j < question->option_count && *count < OPTIONS_MAX * 4; j++)
				keys[(*count)++] = question->options[j].key;
		}
	}
	return true;
}

static void check_menu_value(struct reading *r, const struct term *term)
{
	const char *keys[OPTIONS_MAX * 4 + 2] = {0};
	size_t count = 0;

	if (!strcmp(term->value, "unknown") || !all_keys(r->in->flow, term->name, keys, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i], term->value))
			return;
	loading_find_near(r->in, &term->at, "E12", yaml_nearest(term->value, keys),
	                  "\"%.64s\" is no answer of \"%.64s\"", term->value, term->name);
}

static void check_term(struct reading *r, const struct term *term, int at)
{
	bool ordered = term->compare != IS && term->compare != IS_NOT;
	enum answer_type type;
	int setter;

	if (ordered && term->subject != SUBJECT_URGENCY && !is_number(term->value))
		loading_find(r->in, &term->at, "E12", "only numbers and urgencies are more or less");
	if (term->subject != SUBJECT_ANSWER ||
	    !check_read(r, &term->at, at, term->name, "urgency, kind, language, role, channel"))
		return;
	setter = flow_find_setter(r->in->flow, r->in->part, term->name);
	type = r->in->flow->nodes[setter].ask.type;
	if ((type == TYPE_NUMBER || type == TYPE_AGE) && !is_number(term->value) &&
	    strcmp(term->value, "unknown"))
		loading_find(r->in, &term->at, "E12", "\"%.64s\" is a number, not \"%.64s\"", term->name,
		             term->value);
	check_menu_value(r, term);
}

static void check_conditions(struct reading *r, int at)
{
	const struct node *node = &r->in->flow->nodes[at];

	for (size_t i = 0; i < node->branch_count; i++)
		for (size_t j = 0; j < node->branches[i].count; j++)
			if (node->branches[i].ops[j].kind == OP_TERM)
				check_term(r, &node->branches[i].ops[j].term, at);
}

static void check_from(struct reading *r, const struct question *question, int at)
{
	const struct flow *flow = r->in->flow;
	int setter = question->from ? flow_find_setter(flow, r->in->part, question->from) : NOWHERE;

	if (question->lent || setter == NOWHERE)
		return;
	/* a choice kept under the place's own name is found as well: any of them will do */
	for (size_t i = 0; i < flow->node_count; i++)
		if (sets(&flow->nodes[i], question->from) && flow->nodes[i].ask.type == TYPE_PLACE) {
			check_read(r, question->from_at, at, question->from, "a place");
			return;
		}
	loading_find(r->in, question->from_at, "E12", "\"%.64s\" is not a question of type place",
	             question->from);
}

static void check_node(struct reading *r, int at)
{
	const struct node *node = &r->in->flow->nodes[at];

	check_texts(r, at);
	check_conditions(r, at);
	if (node->kind == NODE_ASK)
		check_from(r, &node->ask, at);
	if (node->ussd)
		check_from(r, node->ussd, at);
}

void check_reads(struct loading *in)
{
	struct flow *flow = in->flow;
	struct reading r = {.in = in};

	r.after = mem_alloc(flow->node_count);
	r.open = mem_array(NULL, flow->node_count + 1, sizeof *r.open);
	r.calls = mem_array(NULL, flow->node_count + 1, sizeof *r.calls);
	for (size_t i = 0; i < flow->node_count; i++)
		if (flow->nodes[i].kind == NODE_CALL && flow->nodes[i].call >= 0)
			r.calls[r.call_count++] = (int)i;
	for (size_t i = 0; i < flow->node_count; i++) {
		loading_enter(in, flow->nodes[i].part);
		if (flow->nodes[i].reached)
			check_node(&r, (int)i);
	}
	for (size_t i = 0; i < SAY_KINDS; i++) {
		loading_enter(in, flow->root ? NOWHERE : 0);
		check_placeholders(&r, &flow->defaults.say[i], NOWHERE);
	}
	mem_free(r.calls);
	mem_free(r.open);
	mem_free(r.after);
}
