/* roster import: checks the file, shows what it would change, then has the daemon change it. */
#include "ctl/ctl.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "core/roster.h"
#include "store/zones.h"

enum { FINDING_DAYS = 30 };

static bool is_csv(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && strcmp(path + len - 4, ".csv") == 0;
}

/* The same reader as the daemon's, so that most faults need no daemon. */
static bool load(const char *path, const char *text, struct roster *out)
{
	struct yaml_error e = { 0 };
	struct yaml_node *root = is_csv(path) ? NULL : yaml_parse(text, strlen(text), &e);
	bool ok = is_csv(path) ? roster_load_csv(text, strlen(text), out, &e)
			       : root != NULL && roster_load(root, zones_open, out, &e);

	yaml_free(root);
	if (!ok)
		ctl_error("%s:%u:%u: %s", path, e.line, e.column, e.text);
	return ok;
}

static void show_changes(const json_t *data)
{
	const json_t *changes = json_object_get(data, "changes"), *findings = json_object_get(data, "findings");
	const json_t *row;
	size_t i;

	json_array_foreach(changes, i, row)
		printf("%s %s: %s\n", json_string_value(json_object_get(row, "sign")),
		       json_string_value(json_object_get(row, "subject")),
		       json_string_value(json_object_get(row, "fact")));
	if (json_array_size(changes) == 0)
		puts("nothing to change");
	json_array_foreach(findings, i, row)
		printf("! %s\n", json_string_value(row));
}

static enum ctl_exit ask(const char *path, const char *text, bool apply, json_t **data)
{
	const struct passwd *me = getpwuid(getuid());
	json_t *args = json_pack("{s:s,s:s,s:b,s:b,s:s}", "text", text, "name", path, "csv", is_csv(path), "apply",
				 apply, "by", me != NULL ? me->pw_name : "operator");

	if (args == NULL) {
		ctl_error("%s: not UTF-8", path);
		return CTL_CONFIG;
	}
	return ctl_call("roster-import", args, data);
}

static enum ctl_exit import(const char *path, const char *text, bool dry_run)
{
	json_t *data = NULL, *applied = NULL;
	enum ctl_exit status = ask(path, text, false, &data);
	bool changes = status == CTL_OK && json_array_size(json_object_get(data, "changes")) > 0;

	if (status == CTL_OK && !ctl_globals.json)
		show_changes(data);
	if (changes && !dry_run) {
		status = ask(path, text, true, &applied);
		if (status == CTL_OK && !ctl_globals.json)
			puts("imported");
	}
	if (status == CTL_OK && ctl_globals.json)
		ctl_json(stdout, applied != NULL ? applied : data);
	json_decref(data);
	json_decref(applied);
	return status;
}

int cmd_roster_import(int argc, char **argv)
{
	const char *file = NULL;
	bool dry_run = false;
	const struct ctl_option options[] = {
		{ "--dry-run", NULL, &dry_run, false },
		{ NULL, NULL, NULL, false },
	};
	struct roster roster;
	enum ctl_exit status = CTL_CONFIG;
	char *text;

	if (!ctl_parse(argc, argv, 2, options, &file, 1, 1))
		return CTL_USAGE;
	text = ctl_read_file(file);
	if (text == NULL)
		return CTL_CONFIG;
	if (load(file, text, &roster)) {
		roster_fini(&roster);
		status = import(file, text, dry_run);
	}
	mem_free(text);
	return (int)status;
}

static void on_finding(void *arg, const char *finding)
{
	json_array_append_new(arg, json_string(finding));
}

int cmd_roster_check(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	const char *file = NULL;
	json_t *findings, *row;
	struct roster roster;
	char *text;
	size_t i;

	if (!ctl_parse(argc, argv, 2, none, &file, 1, 1))
		return CTL_USAGE;
	text = ctl_read_file(file);
	if (text == NULL || !load(file, text, &roster)) {
		mem_free(text);
		return CTL_CONFIG;
	}
	findings = json_array();
	roster_findings(&roster, (int64_t)time(NULL), FINDING_DAYS, on_finding, findings);
	if (ctl_globals.json)
		ctl_json(stdout, findings);
	else {
		json_array_foreach(findings, i, row)
			printf("! %s\n", json_string_value(row));
		printf("%zu officers, %zu teams, %zu schedules, %zu findings\n", roster.officer_count, roster.team_count,
		       roster.schedule_count, json_array_size(findings));
	}
	json_decref(findings);
	roster_fini(&roster);
	mem_free(text);
	return CTL_OK;
}
