/* hotlinectl flow: checks flows before they run, and plays the dialogues that stand beside them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "ctl/ctl.h"
#include "flows/engine/dialogue.h"
#include "flows/engine/flow.h"

enum { FILE_BYTES_MAX = 1 << 20, FILES_MAX = 256 };

struct files {
	char *paths[FILES_MAX]; /* owned */
	size_t count;
};

/* ---- which files ---- */

static bool is_yaml(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && name[0] != '.' && !strcmp(name + len - 5, ".yaml");
}

/* Beside the flows lie their dialogues: tests.yaml, or more-tests.yaml. */
static bool is_tests(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strstr(slash ? slash + 1 : path, "tests") != NULL;
}

static void add_file(struct files *files, char *path)
{
	if (files->count < FILES_MAX)
		files->paths[files->count++] = path;
	else
		mem_free(path);
}

static void free_files(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		mem_free(files->paths[i]);
}

/* A file by itself, or every *.yaml of a folder, sorted. False after an error text. */
static bool list_files(const char *place, struct files *out)
{
	struct dirent **names = NULL;
	struct stat status;
	int count;

	*out = (struct files){0};
	if (stat(place, &status)) {
		ctl_error("%s: there is no such file or folder", place);
		return false;
	}
	if (!S_ISDIR(status.st_mode)) {
		add_file(out, mem_strdup(place));
		return true;
	}
	count = scandir(place, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (is_yaml(names[i]->d_name))
			add_file(out, mem_printf("%s/%s", place, names[i]->d_name));
		free(names[i]);
	}
	free(names);
	return true;
}

/* ---- findings ---- */

static void print_finding(const struct flow_finding *f)
{
	printf("%s:%u:%u: %.4s %s\n", f->file, f->line, f->column, f->code, f->text);
}

static void print_findings(const struct flow_findings *found)
{
	json_t *list;

	if (!ctl_globals.json) {
		for (size_t i = 0; i < found->count; i++)
			print_finding(&found->items[i]);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < found->count; i++) {
		const struct flow_finding *f = &found->items[i];

		json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:s,s:s}", "file", f->file, "line",
		                                      (int)f->line, "column", (int)f->column, "code",
		                                      f->code, "message", f->text));
	}
	ctl_json(stdout, list);
	json_decref(list);
}

static int finish(struct flow_findings *found, const char *all_well)
{
	int status = found->count ? CTL_CONFIG : CTL_OK;

	print_findings(found);
	if (!found->count && !ctl_globals.json)
		printf("%s\n", all_well);
	flow_findings_fini(found);
	return status;
}

/* ---- the commands ---- */

static int check(const char *place)
{
	struct flow_findings found = {0};
	struct files files;
	char *all_well;
	size_t flows = 0;
	int status;

	if (!list_files(place, &files))
		return CTL_CONFIG;
	for (size_t i = 0; i < files.count; i++) {
		if (files.count > 1 && is_tests(files.paths[i]))
			continue;
		flow_free(flow_load_file(files.paths[i], &found));
		flows++;
	}
	free_files(&files);
	if (!flows) {
		ctl_error("%s: no flow (*.yaml) here", place);
		return CTL_CONFIG;
	}
	all_well = mem_printf("%zu %s, no findings", flows, flows == 1 ? "flow" : "flows");
	status = finish(&found, all_well);
	mem_free(all_well);
	return status;
}

/* The bytes of a file, at most one more than allowed, which the parser then refuses; NULL after an
 * error text. */
static char *read_all(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rbe");
	char *bytes;

	if (!file) {
		ctl_error("%s: cannot be opened", path);
		return NULL;
	}
	bytes = mem_alloc(FILE_BYTES_MAX + 1);
	*len = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
	fclose(file);
	return bytes;
}

static struct flow *first_flow(const struct files *files, struct flow_findings *found)
{
	for (size_t i = 0; i < files->count; i++)
		if (!is_tests(files->paths[i]))
			return flow_load_file(files->paths[i], found);
	return NULL;
}

static size_t play_all(const struct flow *flow, const struct files *files,
                       struct flow_findings *found, bool *readable)
{
	size_t count = 0, len;
	char *bytes;

	for (size_t i = 0; i < files->count; i++) {
		if (!is_tests(files->paths[i]))
			continue;
		bytes = read_all(files->paths[i], &len);
		*readable &= bytes != NULL;
		if (bytes)
			count += dialogue_run(flow, files->paths[i], bytes, len, found);
		mem_free(bytes);
	}
	return count;
}

static int test(const char *place)
{
	struct flow_findings found = {0};
	struct files files;
	struct flow *flow;
	bool readable = true;
	char *all_well;
	size_t count = 0;
	int status;

	if (!list_files(place, &files))
		return CTL_CONFIG;
	flow = first_flow(&files, &found);
	if (flow)
		count = play_all(flow, &files, &found, &readable);
	if (!count && !found.count)
		ctl_error("%s: needs a flow and its tests (tests.yaml)", place);
	all_well = mem_printf("%zu tests passed", count);
	status = count || found.count ? finish(&found, all_well) : CTL_CONFIG;
	mem_free(all_well);
	flow_free(flow);
	free_files(&files);
	return readable ? status : CTL_CONFIG;
}

int cmd_flow(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	static const struct {
		const char *name;
		int (*run)(const char *place);
	} verbs[] = {{"check", check}, {"test", test}};
	const char *words[2];

	if (!ctl_parse(argc, argv, 1, options, words, 2, 2))
		return CTL_USAGE;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(words[0], verbs[i].name))
			return verbs[i].run(words[1]);
	ctl_error("flow: expected `flow check DIR|FILE` or `flow test DIR`, found \"%s\"", words[0]);
	return CTL_USAGE;
}
