/* What is sent, measured at its longest: segments and screens of every text, screens of a way. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "flows/engine/cost.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

/* ---- E09: one text ---- */

static int budget_of(const struct part *part, bool ussd)
{
	return ussd ? part->budget.ussd : part->budget.sms;
}

static void report(struct loading *in, const struct text *text, const struct cost *cost, size_t limit,
                   const char *lang, bool ussd)
{
	char because[96] = "";

	if (cost->ucs2)
		snprintf(because, sizeof because, "; \"%s\" (character %zu) allows less than half as many",
		         cost->culprit, cost->culprit_at + 1);
	loading_find(in, text_place(text, lang), "E09", "in \"%s\" this takes up to %zu of %zu characters of the budget "
	             "for %s%s", lang, cost->units, limit, ussd ? "USSD" : "SMS", because);
}

/* At most one finding for a text, in its first language that is too long. */
static void check_size(struct loading *in, const struct text *text, const struct question *question,
                       int part, bool ussd)
{
	const struct part *of = &in->flow->parts[part];
	struct buf worst = {0};
	struct cost cost;
	size_t limit;

	if (!text->at || !budget_of(of, ussd))
		return;
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		worst.len = 0;
		say_worst_on(in->flow, text, question, part, (int)i, ussd, &worst);
		cost_of(buf_cstr(&worst), &cost);
		limit = part_limit(of, ussd, cost.ucs2);
		if (cost.units <= limit)
			continue;
		report(in, text, &cost, limit, in->flow->langs[i], ussd);
		break;
	}
	buf_free(&worst);
}

/* Characters that nothing in GSM stands for arrive as a question mark. */
static size_t count_marks(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '?')); text++)
		count++;
	return count;
}

static size_t char_len(const char *p)
{
	size_t len = 1;

	while ((p[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static void report_loss(struct loading *in, const struct text *text, const char *p, const char *lang)
{
	char *one, *sent;
	bool lost;

	for (size_t len; *p; p += len) {
		len = char_len(p);
		one = mem_strndup(p, len);
		sent = fold_to_gsm(one);
		lost = *p != '?' && strchr(sent, '?');
		if (lost)
			loading_find(in, text_place(text, lang), "E09", "in \"%s\" the character \"%s\" would arrive as \"?\"",
			             lang, one);
		mem_free(sent);
		mem_free(one);
		if (lost)
			return;
	}
}

static void check_losses(struct loading *in, const struct text *text)
{
	for (size_t i = 0; text->at && in->flow->strip && i < in->flow->lang_count; i++)
		if (text->by_lang[i] && text->sent[i] &&
		    count_marks(text->by_lang[i]) != count_marks(text->sent[i]))
			report_loss(in, text, text->by_lang[i], in->flow->langs[i]);
}

static void check_node(struct loading *in, const struct node *node)
{
	const struct question *ussd = node->ussd ? node->ussd : &node->ask;
	const struct question *menu = node->kind == NODE_ASK ? &node->ask : NULL;

	loading_enter(in, node->part);
	check_losses(in, &node->ask.text);
	check_size(in, &node->ask.text, menu, node->part, false);
	check_size(in, &ussd->text, menu ? ussd : NULL, node->part, true);
	if (node->ussd)
		check_losses(in, &node->ussd->text);
	for (size_t i = 0; i < node->again_count; i++) {
		check_losses(in, &node->again[i]);
		check_size(in, &node->again[i], menu, node->part, false);
		check_size(in, &node->again[i], menu ? ussd : NULL, node->part, true);
	}
}

static void check_says(struct loading *in)
{
	const struct flow *flow = in->flow;
	const struct part *part;

	for (size_t i = 0; i < flow->part_count * SAY_KINDS; i++) {
		part = &flow->parts[i / SAY_KINDS];
		if (!part->says[i % SAY_KINDS] && i / SAY_KINDS)
			continue; /* lent: looked at once */
		loading_enter(in, part->says[i % SAY_KINDS] || !flow->root ? (int)(i / SAY_KINDS) : NOWHERE);
		check_losses(in, &part->say[i % SAY_KINDS]);
		check_size(in, &part->say[i % SAY_KINDS], NULL, (int)(i / SAY_KINDS), false);
		check_size(in, &part->say[i % SAY_KINDS], NULL, (int)(i / SAY_KINDS), true);
	}
}

/* ---- E09: what is said in one breath: `tell` and what follows it ---- */

enum { UNKNOWN = -1, OPEN = -2 };

struct chain {
	struct loading *in;
	int lang;
	bool ussd;
	int *units; /* of a node and what follows it; UNKNOWN, OPEN while it is worked out */
};

static int units_of(struct chain *c, int at);

static int units_after(struct chain *c, const struct node *node)
{
	int most = 0, units, next;
	bool more = true;

	if (node->kind == NODE_ASK || node->kind == NODE_END)
		return 0;
	if (node->kind == NODE_CALL && node->call >= 0 && c->in->flow->parts[node->call].count)
		most = units_of(c, c->in->flow->parts[node->call].first);
	for (size_t n = 0; more; n++) {
		next = node_successor(node, n, &more);
		units = next >= 0 && node->kind != NODE_CALL ? units_of(c, next) : 0;
		most = units > most ? units : most;
	}
	return most;
}

static int units_of(struct chain *c, int at)
{
	const struct node *node = &c->in->flow->nodes[at];
	const struct question *question = node_question(node, c->ussd);
	struct question one = *question;
	struct buf worst = {0};
	struct cost cost = {0};
	int after;

	if (c->units[at] != UNKNOWN)
		return c->units[at] == OPEN ? 0 : c->units[at];
	c->units[at] = OPEN;
	after = units_after(c, node);
	one.option_count = one.option_count ? 1 : 0; /* the others have pages of their own */
	say_worst_on(c->in->flow, &question->text, &one, node->part, c->lang, c->ussd, &worst);
	if (worst.len && !node->if_room) /* that gives way */
		cost_of(buf_cstr(&worst), &cost);
	buf_free(&worst);
	c->units[at] = (int)cost.units + after + (cost.units && after ? 1 : 0);
	return c->units[at];
}

static bool tells(const struct node *node)
{
	return node->kind == NODE_TELL && node->ask.text.at;
}

static void check_chains(struct loading *in, int lang, bool ussd)
{
	struct flow *flow = in->flow;
	struct chain c = {.in = in, .lang = lang, .ussd = ussd};
	const struct node *node;
	size_t limit;

	c.units = mem_array(NULL, flow->node_count + 1, sizeof *c.units);
	for (size_t i = 0; i < flow->node_count; i++)
		c.units[i] = UNKNOWN;
	for (size_t i = 0; i < flow->node_count; i++) {
		node = &flow->nodes[i];
		limit = part_limit(&flow->parts[node->part], ussd, false);
		if (!tells(node) || !budget_of(&flow->parts[node->part], ussd) ||
		    (size_t)units_of(&c, (int)i) <= limit)
			continue;
		loading_enter(in, node->part);
		loading_find(in, text_place(&node->ask.text, flow->langs[lang]), "E09",
		             "in \"%s\" this and what is said right after it take up to %d of %zu characters "
		             "of the budget for %s", flow->langs[lang], c.units[i], limit,
		             ussd ? "USSD" : "SMS");
	}
	mem_free(c.units);
}

static bool has_tell(const struct flow *flow)
{
	for (size_t i = 0; i < flow->node_count; i++)
		if (tells(&flow->nodes[i]))
			return true;
	return false;
}

/* ---- E13: screens on the longest way ---- */

struct path {
	const struct flow *flow;
	int *screens; /* from a node on */
	int *next;    /* that the longest way takes; NOWHERE at its end */
};

/* Whether a branch is taken on USSD whatever was said before. */
static bool is_about_channel(const struct branch *branch, bool *taken)
{
	const struct term *term = branch->count == 1 ? &branch->ops[0].term : NULL; /* one op is a term */

	if (!term || term->subject != SUBJECT_CHANNEL)
		return false;
	*taken = !strcmp(term->value, "ussd") == (term->compare == IS);
	return true;
}

/* A way out of `when`, NOWHERE if nobody takes it on USSD. */
static int branch_on_ussd(const struct node *node, size_t n)
{
	bool taken = false;

	for (size_t i = 0; i < n; i++)
		if (is_about_channel(&node->branches[i], &taken) && taken)
			return NOWHERE;
	if (is_about_channel(&node->branches[n], &taken) && !taken)
		return NOWHERE;
	return node->branches[n].go;
}

/* Ways that somebody takes who answers what is asked. */
static int forward(const struct node *node, size_t n, bool *more)
{
	const struct question *question = node_question(node, true);

	*more = true;
	if (n == 0)
		return node->go;
	if (n == 1)
		return node->several;
	n -= 2;
	if (n < question->option_count)
		return question->options[n].go;
	n -= question->option_count;
	if (n < node->branch_count)
		return branch_on_ussd(node, n);
	*more = false;
	return NOWHERE;
}

static int screens_from(struct path *p, int at)
{
	const struct node *node = &p->flow->nodes[at];
	int most = 0, screens, next;
	bool more = true;

	if (p->screens[at] != UNKNOWN)
		return p->screens[at] == OPEN ? 0 : p->screens[at]; /* back to a question: no further way */
	p->screens[at] = OPEN;
	p->next[at] = NOWHERE;
	for (size_t n = 0; more; n++) {
		next = forward(node, n, &more);
		screens = next >= 0 ? screens_from(p, next) : 0;
		if (screens > most) {
			most = screens;
			p->next[at] = next;
		}
	}
	if (node->kind == NODE_CALL && node->call >= 0 && p->flow->parts[node->call].count)
		most += screens_from(p, p->flow->parts[node->call].first);
	p->screens[at] = most + (node->kind == NODE_ASK || (node->kind == NODE_END && node->ask.text.at));
	return p->screens[at];
}

static void check_path(struct loading *in, struct path *p, int index)
{
	const struct flow *flow = in->flow;
	const struct budget *budget = &flow->parts[index].budget;
	struct buf way = {0};
	int screens;

	if (!budget->ussd_path || !flow->parts[index].count)
		return;
	screens = screens_from(p, flow->parts[index].first);
	if (screens <= budget->ussd_path)
		return;
	for (int at = flow->parts[index].first; at >= 0 && way.len < 300; at = p->next[at])
		if (flow->nodes[at].kind == NODE_ASK || flow->nodes[at].kind == NODE_CALL)
			buf_printf(&way, "%s%s", way.len ? ", " : "", flow->nodes[at].name);
	loading_enter(in, budget->ussd_path_part);
	loading_find(in, budget->ussd_path_at, "E13",
	             "the longest way through \"%s\" takes %d screens of %d: %s", flow->parts[index].name,
	             screens, budget->ussd_path, buf_cstr(&way));
	buf_free(&way);
}

static void check_paths(struct loading *in)
{
	struct path p = {.flow = in->flow};

	p.screens = mem_array(NULL, in->flow->node_count + 1, sizeof *p.screens);
	p.next = mem_array(NULL, in->flow->node_count + 1, sizeof *p.next);
	for (size_t i = 0; i < in->flow->node_count; i++)
		p.screens[i] = UNKNOWN;
	for (size_t i = 0; i < in->flow->part_count; i++)
		check_path(in, &p, (int)i);
	mem_free(p.next);
	mem_free(p.screens);
}

void check_sizes(struct loading *in)
{
	check_says(in);
	for (size_t i = 0; i < in->flow->node_count; i++)
		check_node(in, &in->flow->nodes[i]);
	for (size_t i = 0; i < in->flow->lang_count && has_tell(in->flow); i++) {
		check_chains(in, (int)i, false);
		check_chains(in, (int)i, true);
	}
	check_paths(in);
}
