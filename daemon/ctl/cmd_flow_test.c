/* hotlinectl flow test: plays the dialogues that stand beside a pack; --strict wants every way taken. */
#include <stdio.h>

#include "base/mem.h"
#include "core/flow_places.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"
#include "flows/engine/dialogue.h"
#include "flows/engine/view.h"

/* ---- which ways the dialogues took ---- */

struct coverage {
	struct view *view; /* owned */
	bool *taken;       /* owned; one for each edge of the view */
	bool back, stop;
};

static void on_way(void *arg, int node, enum flow_way way, int index)
{
	struct coverage *coverage = arg;
	int edge = view_find_edge(coverage->view, node, way, index);

	coverage->back |= way == FLOW_WAY_BACK;
	coverage->stop |= way == FLOW_WAY_STOP;
	if (edge >= 0)
		coverage->taken[edge] = true;
}

/* text: owned by the list from here on. */
static void add_finding(struct flow_findings *found, const struct view_place *place, char *text)
{
	found->items = mem_array(found->items, found->count + 1, sizeof *found->items);
	found->items[found->count++] = (struct flow_finding){.file = mem_strdup(place->file),
	                                                     .line = place->line,
	                                                     .column = place->column,
	                                                     .code = "T02",
	                                                     .text = text};
}

static const char *goal_of(const struct view *view, const struct view_edge *edge)
{
	return edge->to >= 0 ? view->nodes[edge->to].name : "end";
}

static void list_untaken(const struct coverage *coverage, struct flow_findings *found)
{
	const struct view *view = coverage->view;
	const struct view_edge *edge;

	for (size_t i = 0; i < view->edge_count; i++) {
		edge = &view->edges[i];
		if (!coverage->taken[i])
			add_finding(found, &edge->place,
			            mem_printf("no test goes from %s to %s (%s%s%s)",
			                       view->nodes[edge->from].name, goal_of(view, edge),
			                       view_way_name(edge->way), edge->label[0] ? ": " : "",
			                       edge->label));
	}
	if (!coverage->back)
		add_finding(found, &view->nodes[view->first].place, mem_strdup("no test goes back"));
	if (!coverage->stop)
		add_finding(found, &view->nodes[view->first].place, mem_strdup("no test says stop"));
}

/* ---- playing ---- */

static size_t play_all(const struct flow *flow, const struct flow_files *files,
                       const struct flow_trace *trace, struct flow_findings *found, bool *readable)
{
	const struct dialogue_options options = {.places = flow_places_vn(), .trace = trace};
	size_t count = 0, len;
	char *bytes;

	for (size_t i = 0; i < files->count; i++) {
		bytes = flow_files_read(files->paths[i], &len);
		*readable &= bytes != NULL;
		if (bytes)
			count += dialogue_run(flow, &options, files->paths[i], bytes, len, found);
		mem_free(bytes);
	}
	return count;
}

static int play(const char *place, const struct flow *flow, const struct flow_files *files,
                bool strict)
{
	struct coverage coverage = {.view = view_new(flow)};
	struct flow_trace trace = {.on_way = on_way, .arg = &coverage};
	struct flow_findings found = {0};
	bool readable = true;
	char *all_well;
	size_t count;
	int status = CTL_CONFIG;

	coverage.taken = mem_alloc(coverage.view->edge_count * sizeof *coverage.taken + 1);
	count = play_all(flow, files, &trace, &found, &readable);
	if (strict && count)
		list_untaken(&coverage, &found);
	all_well = strict ? mem_printf("%zu tests passed, all %zu ways taken", count,
	                               coverage.view->edge_count)
	                  : mem_printf("%zu tests passed", count);
	if (count || found.count)
		status = flow_files_finish(&found, all_well);
	else
		ctl_error("%s: there are no tests (tests.yaml) here", place);
	mem_free(all_well);
	mem_free(coverage.taken);
	view_free(coverage.view);
	return readable ? status : CTL_CONFIG;
}

int cmd_flow_test(int argc, char **argv)
{
	bool strict = false;
	const struct ctl_option options[] = {{"--strict", NULL, &strict, false}, {.name = NULL}};
	struct flow_files files;
	const char *place;
	struct flow *flow;
	int status = CTL_CONFIG;

	if (!ctl_parse(argc, argv, 2, options, &place, 1, 1))
		return CTL_USAGE;
	flow = flow_files_need(place);
	if (flow && flow_files_tests(place, &files)) {
		status = play(place, flow, &files, strict);
		flow_files_free(&files);
	}
	flow_free(flow);
	return status;
}
