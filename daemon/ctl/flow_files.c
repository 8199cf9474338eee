/* The author's files on disk: which of them are flows and which are tests, and what is wrong with them. */
#include "ctl/flow_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/ctl.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* ---- which files ---- */

static bool is_yaml(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && name[0] != '.' && !strcmp(name + len - 5, ".yaml");
}

/* Beside the flows lie their dialogues: tests.yaml, tests-ussd.yaml. */
static bool names_tests(const char *name)
{
	return is_yaml(name) && strstr(name, "tests") != NULL;
}

static int is_tests(const struct dirent *entry)
{
	return names_tests(entry->d_name);
}

static bool list_folder(const char *place, struct flow_files *out)
{
	struct dirent **names = NULL;
	int count = scandir(place, &names, is_tests, alphasort);

	if (count < 0) {
		ctl_error("%s: the folder cannot be read", place);
		return false;
	}
	for (int i = 0; i < count; i++) {
		if (out->count < FLOW_FILES_MAX)
			out->paths[out->count++] = mem_printf("%s/%s", place, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return true;
}

static bool is_folder(const char *place, bool *there)
{
	struct stat status;

	*there = stat(place, &status) == 0;
	if (!*there)
		ctl_error("%s: there is no such file or folder", place);
	return *there && S_ISDIR(status.st_mode);
}

/* "." for a file without a folder before it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_strndup(path, (size_t)(slash - path)) : mem_strdup(".");
}

bool flow_files_is_tests(const char *path)
{
	const char *slash = strrchr(path, '/');

	return names_tests(slash ? slash + 1 : path);
}

bool flow_files_tests(const char *place, struct flow_files *out)
{
	bool there, folder = is_folder(place, &there), ok;
	char *beside;

	*out = (struct flow_files){0};
	if (!there)
		return false;
	beside = folder ? mem_strdup(place) : folder_of(place);
	ok = list_folder(beside, out);
	mem_free(beside);
	return ok;
}

void flow_files_free(struct flow_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		mem_free(files->paths[i]);
	*files = (struct flow_files){0};
}

char *flow_files_read(const char *path, size_t *len)
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

/* ---- loading ---- */

/* The folder of a file that is part of a pack, or NULL. */
static char *pack_of(const char *path)
{
	char *folder = folder_of(path);
	char *pack = mem_printf("%s/pack.yaml", folder);

	if (access(pack, R_OK)) {
		mem_free(folder);
		folder = NULL;
	}
	mem_free(pack);
	return folder;
}

struct flow *flow_files_load(const char *place, struct flow_findings *found)
{
	struct flow *flow;
	char *folder;
	bool there;

	if (is_folder(place, &there))
		return flow_load_pack(place, found);
	if (!there)
		return NULL;
	folder = pack_of(place);
	flow = folder ? flow_load_pack(folder, found) : flow_load_file(place, found);
	mem_free(folder);
	return flow;
}

struct flow *flow_files_need(const char *place)
{
	struct flow_findings found = {0};
	struct flow *flow = flow_files_load(place, &found);

	if (found.count)
		flow_files_print(&found);
	flow_findings_fini(&found);
	return flow;
}

/* ---- findings ---- */

static json_t *finding_json(const struct flow_finding *f)
{
	return json_pack("{s:s,s:i,s:i,s:s,s:s}", "file", f->file, "line", (int)f->line, "column",
	                 (int)f->column, "code", f->code, "message", f->text);
}

void flow_files_print(const struct flow_findings *found)
{
	json_t *rows;

	if (!ctl_globals.json) {
		for (size_t i = 0; i < found->count; i++)
			printf("%s:%u:%u: %.4s %s\n", found->items[i].file, found->items[i].line,
			       found->items[i].column, found->items[i].code, found->items[i].text);
		return;
	}
	rows = json_array();
	for (size_t i = 0; i < found->count; i++)
		json_array_append_new(rows, finding_json(&found->items[i]));
	ctl_json(stdout, rows);
	json_decref(rows);
}

int flow_files_finish(struct flow_findings *found, const char *all_well)
{
	int status = found->count ? CTL_CONFIG : CTL_OK;

	if (found->count || ctl_globals.json)
		flow_files_print(found);
	else
		printf("%s\n", all_well);
	flow_findings_fini(found);
	return status;
}
