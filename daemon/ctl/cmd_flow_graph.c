/* hotlinectl flow graph: a flow as a picture, for people who never open its files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"
#include "flows/engine/view.h"

enum { LABEL_COLUMNS = 30, EDGE_COLUMNS = 22, CONDITION_COLUMNS = 28, TEXT_LINES_MAX = 5 };

/* ---- Graphviz source ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Of a file that is part of a pack only its own flow is drawn. */
static bool is_drawn(const struct view *view, int node, const char *only)
{
	return node >= 0 && (!only || !strcmp(base_name(view->nodes[node].place.file), only));
}

static void put_escaped(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '&':
			buf_printf(out, "&amp;");
			break;
		case '<':
			buf_printf(out, "&lt;");
			break;
		case '>':
			buf_printf(out, "&gt;");
			break;
		case '"':
			buf_printf(out, "&quot;");
			break;
		default:
			buf_put_u8(out, (uint8_t)text[i]);
		}
	}
}

/* As lines of a Graphviz HTML label, each with a break after it. */
static void put_wrapped(struct buf *out, const char *text, size_t columns)
{
	char *clean = ctl_clean(text, true);
	const char *p = clean, *next;
	size_t lines = 0, len;

	for (; *p; p = next) {
		len = ctl_wrap(p, columns, &next);
		if (++lines > TEXT_LINES_MAX) {
			buf_printf(out, "…<br/>");
			break;
		}
		put_escaped(out, p, len);
		buf_printf(out, "<br/>");
	}
	mem_free(clean);
}

static const char *node_look(const struct view_node *node)
{
	static const char *const looks[] = {
		[VIEW_ASK] = "shape=box style=\"rounded,filled\" fillcolor=\"#e8f1fb\" color=\"#2b5c8f\"",
		[VIEW_TELL] = "shape=note style=filled fillcolor=\"#f7f7f7\" color=\"#777777\"",
		[VIEW_WHEN] = "shape=hexagon style=filled fillcolor=\"#fff6d6\" color=\"#a8862b\" margin=\"0.05,0.02\"",
		[VIEW_DO] = "shape=cds style=filled fillcolor=\"#f7f7f7\" color=\"#777777\"",
		[VIEW_CALL] = "shape=component style=filled fillcolor=\"#efe6f7\" color=\"#6b4a8f\"",
		[VIEW_END] = "shape=box style=\"rounded,filled,bold\" fillcolor=\"#e3f4e3\" color=\"#3c7a3c\"",
	};

	if (node->urgent)
		return "shape=box style=\"rounded,filled,bold\" fillcolor=\"#fde0dc\" color=\"#b3261e\"";
	return looks[node->kind];
}

/* The end of a flow that others run is no end of the conversation. */
static bool is_called(const struct view *view, const char *flow)
{
	for (size_t i = 0; i < view->edge_count; i++)
		if (view->edges[i].way == FLOW_WAY_CALL &&
		    !strcmp(view->nodes[view->edges[i].to].flow, flow))
			return true;
	return false;
}

static void put_node(struct buf *out, const struct view *view, int i)
{
	static const char *const words[] = {[VIEW_ASK] = "",         [VIEW_TELL] = "",
	                                    [VIEW_WHEN] = "",        [VIEW_DO] = " (does)",
	                                    [VIEW_CALL] = " (flow)", [VIEW_END] = " (end)"};
	const struct view_node *node = &view->nodes[i];
	bool back = node->kind == VIEW_END && is_called(view, node->flow);

	buf_printf(out, "\t\tn%d [%s label=<<b>", i, node_look(node));
	put_escaped(out, node->name, strlen(node->name));
	buf_printf(out, "</b>%s<br/>", back ? " (back, or end)" : words[node->kind]);
	if (node->text)
		put_wrapped(out, node->text, LABEL_COLUMNS);
	buf_printf(out, ">];\n");
}


/* Answers that lead to the same node share one arrow. */
static bool together(const struct view_edge *a, const struct view_edge *b)
{
	return a->from == b->from && a->to == b->to && a->way == b->way && a->urgent == b->urgent &&
	       a->ussd == b->ussd;
}

static bool drawn_before(const struct view *view, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (together(&view->edges[j], &view->edges[i]))
			return true;
	return false;
}

static void put_labels(struct buf *out, const struct view *view, size_t i)
{
	size_t columns = view->edges[i].way == FLOW_WAY_BRANCH ? CONDITION_COLUMNS : EDGE_COLUMNS;

	if (view->edges[i].ussd)
		buf_printf(out, "<i>USSD:</i><br/>");
	for (size_t j = i; j < view->edge_count; j++)
		if (together(&view->edges[j], &view->edges[i]))
			put_wrapped(out, view->edges[j].label, columns);
}

static const char *edge_look(const struct view_edge *edge)
{
	if (edge->urgent)
		return "color=\"#b3261e\" fontcolor=\"#b3261e\" penwidth=2";
	switch (edge->way) {
	case FLOW_WAY_TIRED:
		return "style=dotted color=\"#777777\" fontcolor=\"#777777\"";
	case FLOW_WAY_TIMEOUT:
		return "style=dashed color=\"#777777\" fontcolor=\"#777777\" constraint=false";
	case FLOW_WAY_CALL:
		return "style=bold color=\"#6b4a8f\" arrowhead=empty constraint=false";
	case FLOW_WAY_SEVERAL:
		return "color=\"#6b4a8f\" fontcolor=\"#6b4a8f\"";
	default:
		return "color=\"#2b5c8f\" fontcolor=\"#1d3f63\"";
	}
}

static void put_edge(struct buf *out, const struct view *view, size_t i)
{
	const struct view_edge *edge = &view->edges[i];

	if (edge->to < 0 || drawn_before(view, i))
		return;
	buf_printf(out, "\tn%d -> n%d [%s", edge->from, edge->to, edge_look(edge));
	if (edge->way == FLOW_WAY_TIRED) {
		buf_printf(out, " constraint=false tooltip=\"not understood\"");
	} else if (edge->label[0]) {
		buf_printf(out, " label=<");
		put_labels(out, view, i);
		buf_printf(out, ">");
	} else if (edge->way == FLOW_WAY_SEVERAL) {
		buf_printf(out, " label=\"several\"");
	}
	buf_printf(out, "];\n");
}

static void put_wait(struct buf *out, int64_t wait_ms)
{
	int64_t minutes = wait_ms / 60000;

	if (minutes && minutes % 60 == 0)
		buf_printf(out, "%lld h", (long long)minutes / 60);
	else
		buf_printf(out, "%lld min", (long long)minutes);
}

/* Beside a question: after what silence, or how many bad answers, the conversation ends. */
static void put_stub(struct buf *out, const struct view *view, size_t i)
{
	const struct view_edge *edge = &view->edges[i];

	if (edge->way != FLOW_WAY_TIMEOUT || edge->to >= 0)
		return;
	buf_printf(out, "\t\tw%d [shape=plaintext fontsize=9 fontcolor=\"#777777\" margin=0 height=0.2 label=\"",
	           edge->from);
	put_wait(out, view->nodes[edge->from].wait_ms);
	for (size_t j = 0; j < view->edge_count; j++)
		if (view->edges[j].from == edge->from && view->edges[j].way == FLOW_WAY_TIRED &&
		    view->edges[j].to == VIEW_ENDS)
			buf_printf(out, ",\\n%d× unclear", view->nodes[edge->from].retries + 1);
	buf_printf(out, "\"];\n\t\t{rank=same; n%d; w%d}\n", edge->from, edge->from);
	buf_printf(out, "\t\tn%d -> w%d [style=dashed color=\"#999999\" arrowhead=tee arrowsize=0.7];\n",
	           edge->from, edge->from);
}

static void put_start(struct buf *out, int i)
{
	buf_printf(out, "\t\ts%d [shape=circle width=0.15 style=filled fillcolor=black label=\"\"];\n", i);
	buf_printf(out, "\t\ts%d -> n%d [color=black];\n", i, i);
}

static void put_flow(struct buf *out, const struct view *view, const char *name, int number)
{
	buf_printf(out, "\tsubgraph cluster_%d {\n\t\tlabel=<<b>", number);
	put_escaped(out, name, strlen(name));
	buf_printf(out, "</b>>; labeljust=l; fontsize=14; color=\"#bbbbbb\"; style=rounded;\n");
	for (size_t i = 0; i < view->node_count; i++) {
		if (strcmp(view->nodes[i].flow, name))
			continue;
		if (view->nodes[i].first)
			put_start(out, (int)i);
		put_node(out, view, (int)i);
	}
	for (size_t i = 0; i < view->edge_count; i++)
		if (!strcmp(view->nodes[view->edges[i].from].flow, name))
			put_stub(out, view, i);
	buf_printf(out, "\t}\n");
}

static void put_legend(struct buf *out)
{
	buf_printf(out,
	           "\tlabel=<<font point-size=\"10\" color=\"#555555\">blue: a question and its answers; "
	           "yellow: the flow decides; red: an officer is alerted; green: an end; "
	           "violet: runs another flow<br/>"
	           "dotted: not understood, goes on; dashed: silence, the report is filed as it is"
	           "</font>>; labelloc=b;\n");
}

/* only: the file whose flow is drawn; NULL: all. */
static void put_graph(struct buf *out, const struct view *view, const char *only)
{
	int number = 0;

	buf_printf(out, "digraph flow {\n\trankdir=TB; nodesep=0.35; ranksep=0.45; newrank=true; charset=\"UTF-8\";\n"
	                "\tfontname=\"DejaVu Sans\";\n"
	                "\tnode [fontname=\"DejaVu Sans\" fontsize=11];\n"
	                "\tedge [fontname=\"DejaVu Sans\" fontsize=10 arrowsize=0.8];\n");
	for (size_t i = 0; i < view->node_count; i++)
		if (is_drawn(view, (int)i, only) &&
		    (!i || strcmp(view->nodes[i].flow, view->nodes[i - 1].flow)))
			put_flow(out, view, view->nodes[i].flow, number++);
	for (size_t i = 0; i < view->edge_count; i++)
		if (is_drawn(view, view->edges[i].from, only) && is_drawn(view, view->edges[i].to, only))
			put_edge(out, view, i);
	put_legend(out);
	buf_printf(out, "}\n");
}

/* ---- to a picture ---- */

static void run_dot(const char *out, int from)
{
	char *const argv[] = {"dot", "-Tsvg", "-o", (char *)out, NULL};

	dup2(from, STDIN_FILENO);
	execvp("dot", argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static bool write_all(int fd, const struct buf *source)
{
	ssize_t n;

	for (size_t done = 0; done < source->len; done += (size_t)n) {
		n = write(fd, source->data + done, source->len - done);
		if (n < 0)
			return false;
	}
	return true;
}

/* Runs `dot` with the source on its standard input. The exit code of the command. */
static int draw(const struct buf *source, const char *out)
{
	FILE *file = tmpfile();
	int status = -1;
	pid_t child;

	if (!file || !write_all(fileno(file), source)) {
		ctl_error("the picture cannot be prepared: %s", strerror(errno));
		return CTL_CONFIG;
	}
	lseek(fileno(file), 0, SEEK_SET);
	child = fork();
	if (child == 0)
		run_dot(out, fileno(file));
	if (child > 0)
		waitpid(child, &status, 0);
	fclose(file);
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CTL_OK;
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		ctl_error("--svg needs the program dot: install the package graphviz");
	else
		ctl_error("%s: dot could not draw the picture", out);
	return CTL_CONFIG;
}

/* ---- the command ---- */

/* The name of the file, if it is one of several of which the pack is made. */
static const char *file_of_pack(const char *place, const struct view *view)
{
	for (size_t i = 0; i < view->node_count; i++)
		if (!strcmp(base_name(view->nodes[i].place.file), base_name(place)))
			return base_name(place);
	return NULL;
}

int cmd_flow_graph(int argc, char **argv)
{
	const char *place, *svg = NULL;
	const struct ctl_option options[] = {{"--svg", &svg, NULL, false}, {.name = NULL}};
	struct buf source = {0};
	struct flow *flow;
	struct view *view;
	int status = CTL_OK;

	if (!ctl_parse(argc, argv, 2, options, &place, 1, 1))
		return CTL_USAGE;
	flow = flow_files_need(place);
	if (!flow)
		return CTL_CONFIG;
	view = view_new(flow);
	put_graph(&source, view, file_of_pack(place, view));
	if (svg)
		status = draw(&source, svg);
	else
		fwrite(source.data, 1, source.len, stdout);
	buf_free(&source);
	view_free(view);
	flow_free(flow);
	return status;
}
