/* policy check and import: escalation policies from a YAML file. */
#include "ctl/ctl.h"

#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "core/policy.h"

struct findings {
	const char *path;
	int count;
};

static void on_finding(void *arg, unsigned line, unsigned column, const char *finding)
{
	struct findings *f = arg;

	printf("! %s:%u:%u: %s\n", f->path, line, column, finding);
	f->count++;
}

/* The text of a file that holds policies; NULL after an error text. */
static char *load(const char *path, struct policies *out)
{
	struct yaml_error e = { 0 };
	char *text = ctl_read_file(path);
	struct yaml_node *root = text != NULL ? yaml_parse(text, strlen(text), &e) : NULL;
	bool ok = root != NULL && policies_load(root, out, &e);

	yaml_free(root);
	if (ok)
		return text;
	if (text != NULL)
		ctl_error("%s:%u:%u: %s", path, e.line, e.column, e.text);
	mem_free(text);
	return NULL;
}

int cmd_policy_check(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	const char *file = NULL;
	struct findings findings = { NULL, 0 };
	struct policies policies;
	char *text;

	if (!ctl_parse(argc, argv, 2, none, &file, 1, 1))
		return CTL_USAGE;
	text = load(file, &policies);
	if (text == NULL)
		return CTL_CONFIG;
	findings.path = file;
	policies_findings(&policies, on_finding, &findings);
	printf("%zu policies, %zu routes, %d findings\n", policies.count, policies.route_count, findings.count);
	policies_fini(&policies);
	mem_free(text);
	return CTL_OK;
}

int cmd_policy_import(int argc, char **argv)
{
	const char *file = NULL;
	bool dry_run = false;
	const struct ctl_option options[] = {
		{ "--dry-run", NULL, &dry_run, false },
		{ NULL, NULL, NULL, false },
	};
	json_t *data = NULL, *args;
	struct policies policies;
	enum ctl_exit status;
	char *text;

	if (!ctl_parse(argc, argv, 2, options, &file, 1, 1))
		return CTL_USAGE;
	text = load(file, &policies);
	if (text == NULL)
		return CTL_CONFIG;
	policies_fini(&policies);
	args = json_pack("{s:s,s:s,s:b}", "text", text, "name", file, "apply", !dry_run);
	mem_free(text);
	status = ctl_call("policy-import", args, &data);
	if (status != CTL_OK)
		return (int)status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		ctl_table(stdout, data, "name change", ctl_globals.width);
	json_decref(data);
	return CTL_OK;
}
