/* hotlinectl flow versions and flow retire: which versions the daemon's conversations hold. */
#include <stdio.h>

#include "ctl/ctl.h"

int cmd_flow_versions(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};

	if (!ctl_parse(argc, argv, 2, options, NULL, 0, 0))
		return CTL_USAGE;
	return ctl_list_show("flow-versions", NULL);
}

int cmd_flow_retire(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	enum ctl_exit status;
	const char *version;
	json_t *data;

	if (!ctl_parse(argc, argv, 2, options, &version, 1, 1))
		return CTL_USAGE;
	status = ctl_call("flow-retire", json_pack("{s:s}", "version", version), &data);
	if (status != CTL_OK)
		return status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		puts("Retired. Its conversations file what was told and end; a new text begins with the current version.");
	json_decref(data);
	return CTL_OK;
}
