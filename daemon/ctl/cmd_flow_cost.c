/* hotlinectl flow cost: what every text of a flow costs at worst, and a conversation as it usually goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"
#include "flows/engine/cost.h"
#include "flows/engine/view.h"

enum { STEPS_MAX = 1000, CALLS_MAX = 16 };

/* ---- every text ---- */

struct row {
	const struct view_text *text;
	struct cost cost;
};

static int dearest_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->cost.segments != y->cost.segments)
		return x->cost.segments > y->cost.segments ? -1 : 1;
	if (x->cost.units != y->cost.units)
		return x->cost.units > y->cost.units ? -1 : 1;
	return x->text->place.line < y->text->place.line ? -1 : 1;
}

static json_t *row_json(const struct row *row)
{
	const struct view_text *text = row->text;
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "flow", text->flow, "node",
	                         text->node, "part", text->part, "lang", text->lang, "channel",
	                         text->channel, "alphabet", row->cost.ucs2 ? "UCS-2" : "GSM-7",
	                         "length", (json_int_t)row->cost.units, "segments",
	                         (json_int_t)row->cost.segments, "screens",
	                         (json_int_t)row->cost.screens);

	if (row->cost.ucs2) {
		json_object_set_new(json, "because_of", json_string(row->cost.culprit));
		json_object_set_new(json, "at", json_integer((json_int_t)row->cost.culprit_at + 1));
	}
	json_object_set_new(json, "file", json_string(text->place.file));
	json_object_set_new(json, "line", json_integer(text->place.line));
	json_object_set_new(json, "worst", json_string(text->worst));
	return json;
}

static json_t *texts_json(const struct view *view)
{
	struct row *rows = mem_alloc((view->text_count + 1) * sizeof *rows);
	json_t *list = json_array();

	for (size_t i = 0; i < view->text_count; i++) {
		rows[i].text = &view->texts[i];
		cost_of(view->texts[i].worst, &rows[i].cost);
	}
	qsort(rows, view->text_count, sizeof *rows, dearest_first);
	for (size_t i = 0; i < view->text_count; i++)
		json_array_append_new(list, row_json(&rows[i]));
	mem_free(rows);
	return list;
}

/* ---- the usual conversation ---- */

struct walk {
	const struct view *view;
	const char *lang;
	bool ussd;
	struct buf reply, path;
	size_t messages, units;
	const char *answered[STEPS_MAX]; /* what is known, and passed */
	size_t answered_count;
};

static const struct view_text *text_of(const struct walk *w, const struct view_node *node)
{
	const struct view_text *text, *found = NULL;

	for (size_t i = 0; i < w->view->text_count; i++) {
		text = &w->view->texts[i];
		if (strcmp(text->node, node->name) || strcmp(text->flow, node->flow) ||
		    strcmp(text->lang, w->lang) || !strcmp(text->part, "say"))
			continue;
		if (!strcmp(text->channel, w->ussd ? "ussd" : "sms"))
			return text;
		if (!strcmp(text->channel, "any"))
			found = text;
	}
	return found;
}

static void send_reply(struct walk *w)
{
	struct cost cost;

	if (!w->reply.len)
		return;
	cost_of(buf_cstr(&w->reply), &cost);
	w->messages++;
	w->units += w->ussd ? cost.screens : cost.segments;
	buf_clear(&w->reply);
}

static bool is_answered(const struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->answered_count; i++)
		if (!strcmp(w->answered[i], name))
			return true;
	return false;
}

/* Into another flow if the node runs one; else the first answer that alerts nobody, the branch of the
 * channel or the last one (else), or plainly on. */
static const struct view_edge *usual_way(const struct view *view, int from, bool ussd)
{
	const struct view_edge *edge, *best = NULL;

	for (size_t i = 0; i < view->edge_count; i++) {
		edge = &view->edges[i];
		if (edge->from != from || edge->way == FLOW_WAY_TIRED || edge->way == FLOW_WAY_TIMEOUT ||
		    edge->way == FLOW_WAY_SEVERAL)
			continue;
		if (edge->way == FLOW_WAY_CALL || (ussd && !strcmp(edge->label, "channel = ussd")))
			return edge;
		if (!best || edge->way == FLOW_WAY_BRANCH || (best->urgent && !edge->urgent))
			best = edge;
	}
	return best;
}

/* Where a node that ran another flow goes on. */
static int way_behind(const struct view *view, int from)
{
	int edge = view_find_edge(view, from, FLOW_WAY_GO, 0);

	return edge >= 0 ? view->edges[edge].to : VIEW_ENDS;
}

static void visit(struct walk *w, int at)
{
	const struct view_node *node = &w->view->nodes[at];
	const struct view_text *text;

	text = at == w->view->first_text && !w->ussd ? NULL : text_of(w, node);
	if (!text || (node->kind == VIEW_ASK && is_answered(w, node->save)))
		return;
	if (node->kind == VIEW_ASK && w->answered_count < STEPS_MAX)
		w->answered[w->answered_count++] = node->save;
	buf_printf(&w->reply, "%s%s", w->reply.len ? "\n" : "", text->worst);
	buf_printf(&w->path, "%s%s", w->path.len ? " > " : "", node->name);
	if (node->kind == VIEW_ASK)
		send_reply(w);
}

static void walk(struct walk *w)
{
	const struct view_edge *edge;
	int callers[CALLS_MAX], at = w->view->first;
	size_t depth = 0;

	for (size_t steps = 0; at >= 0 && steps < STEPS_MAX; steps++) {
		visit(w, at);
		edge = usual_way(w->view, at, w->ussd);
		if (edge && edge->way == FLOW_WAY_CALL && depth < CALLS_MAX)
			callers[depth++] = at;
		if (edge)
			at = edge->to;
		else
			at = depth ? way_behind(w->view, callers[--depth]) : VIEW_ENDS;
	}
	send_reply(w);
}

static json_t *usual_json(const struct view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < 2 * view->lang_count; i++) {
		struct walk w = {.view = view, .lang = view->langs[i / 2], .ussd = i % 2};

		walk(&w);
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:I,s:I,s:s}", "lang", w.lang, "channel",
		                        w.ussd ? "ussd" : "sms", "messages", (json_int_t)w.messages,
		                        w.ussd ? "screens" : "segments", (json_int_t)w.units, "path",
		                        buf_cstr(&w.path)));
		buf_free(&w.reply);
		buf_free(&w.path);
	}
	return list;
}

/* ---- the command ---- */

int cmd_flow_cost(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	json_t *texts, *usual, *all;
	const char *place;
	struct flow *flow;
	struct view *view;

	if (!ctl_parse(argc, argv, 2, options, &place, 1, 1))
		return CTL_USAGE;
	flow = flow_files_need(place);
	if (!flow)
		return CTL_CONFIG;
	view = view_new(flow);
	texts = texts_json(view);
	usual = usual_json(view);
	if (ctl_globals.json) {
		all = json_pack("{s:O,s:O}", "texts", texts, "usual", usual);
		ctl_json(stdout, all);
		json_decref(all);
	} else {
		ctl_table(stdout, texts, "segments screens length alphabet because_of lang channel node part flow line",
		          ctl_globals.width);
		puts("\nA conversation as it usually goes (answers that alert nobody, no answer wrong):");
		ctl_table(stdout, usual, "channel lang messages segments screens path", ctl_globals.width);
	}
	json_decref(texts);
	json_decref(usual);
	view_free(view);
	flow_free(flow);
	return CTL_OK;
}
