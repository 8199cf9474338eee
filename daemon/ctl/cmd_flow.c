/* hotlinectl flow check: what is wrong with flows, before they run. */
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"

int cmd_flow_check(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	struct flow_findings found = {0};
	const char *place;
	struct flow *flow;
	char *all_well;
	int status;

	if (!ctl_parse(argc, argv, 2, options, &place, 1, 1))
		return CTL_USAGE;
	if (flow_files_is_tests(place)) {
		ctl_error("%s holds tests: name its folder, or play them with \"flow test\"", place);
		return CTL_USAGE;
	}
	flow = flow_files_load(place, &found);
	if (!flow && !found.count)
		return CTL_CONFIG;
	all_well = mem_printf("%s: no findings", place);
	status = flow_files_finish(&found, all_well);
	mem_free(all_well);
	flow_free(flow);
	return status;
}
