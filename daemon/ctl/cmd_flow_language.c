/* hotlinectl flow language: begins the file of one more language. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"
#include "flows/engine/skeleton.h"

enum { LANG_MAX = 15 };

static bool is_code(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

	return len && len <= LANG_MAX && !text[len];
}

int cmd_flow_language(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	const char *args[2];
	struct buf out = {0};
	struct flow *flow;
	int status = CTL_OK;

	if (!ctl_parse(argc, argv, 2, options, args, 2, 2))
		return CTL_USAGE;
	if (!is_code(args[1])) {
		ctl_error("a language is named by small letters, such as km");
		return CTL_USAGE;
	}
	flow = flow_files_need(args[0]);
	if (!flow)
		return CTL_CONFIG;
	if (flow_skeleton(flow, args[1], &out)) {
		fwrite(out.data, 1, out.len, stdout);
	} else {
		ctl_error("%s is no folder with a pack.yaml, or speaks %s already", args[0], args[1]);
		status = CTL_CONFIG;
	}
	buf_free(&out);
	flow_free(flow);
	return status;
}
