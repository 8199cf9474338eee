/* Reads a folder of flows into one text, so that a version is one piece of bytes with one hash. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "flows/engine/model.h"

static void complain(const char *file, struct flow_findings *found, const char *text)
{
	struct loading in = {.file = file, .part = NOWHERE, .found = found};

	loading_find_at(&in, 1, 1, "E01", text);
}

/* The bytes of a regular file, its size looked at before it is read; NULL after a finding. */
static char *read_file(const char *path, size_t *len, struct flow_findings *found)
{
	struct stat status;
	FILE *file = NULL;
	char *bytes;

	if (!stat(path, &status) && status.st_size > FLOW_FILE_MAX) {
		complain(path, found, "the file is larger than 1 MiB");
		return NULL;
	}
	file = fopen(path, "rbe");
	if (!file) {
		complain(path, found, "cannot open the file");
		return NULL;
	}
	bytes = mem_alloc(FLOW_FILE_MAX + 1);
	*len = fread(bytes, 1, FLOW_FILE_MAX + 1, file);
	if (ferror(file) || *len > FLOW_FILE_MAX) {
		complain(path, found, ferror(file) ? "cannot read the file" : "the file is larger than 1 MiB");
		mem_free(bytes);
		bytes = NULL;
	}
	fclose(file);
	return bytes;
}

/* Flows; beside them lie their dialogues: tests.yaml, or more-tests.yaml. */
static int is_flow_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + len - 5, ".yaml") &&
	       !strstr(entry->d_name, "tests");
}

static bool add_file(const char *dir, const char *name, bool marked, struct buf *out,
                     struct flow_findings *found)
{
	char *path = mem_printf("%s/%s", dir, name), *bytes;
	size_t len = 0;

	bytes = read_file(path, &len, found);
	if (bytes && marked)
		buf_printf(out, "%%%%file %s\n", name);
	if (bytes)
		buf_put(out, bytes, len);
	if (bytes && marked && (!len || bytes[len - 1] != '\n'))
		buf_put_u8(out, '\n');
	mem_free(bytes);
	mem_free(path);
	return bytes != NULL;
}

static bool bundle_names(const char *dir, struct dirent **names, int count, struct buf *out,
                         struct flow_findings *found)
{
	bool pack = false, ok = true;

	for (int i = 0; i < count; i++)
		pack |= !strcmp(names[i]->d_name, "pack.yaml");
	if (count > PARTS_MAX + 1) {
		complain(dir, found, "there are too many files here");
		return false;
	}
	if (pack)
		ok = add_file(dir, "pack.yaml", true, out, found);
	for (int i = 0; ok && i < count; i++)
		if (!pack || strcmp(names[i]->d_name, "pack.yaml"))
			ok = add_file(dir, names[i]->d_name, pack || count > 1, out, found);
	return ok;
}

bool flow_bundle(const char *dir, struct buf *out, struct flow_findings *found)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_flow_file, alphasort);
	bool ok = false;

	if (count < 0)
		complain(dir, found, "cannot open the folder");
	else if (!count)
		complain(dir, found, "there is no flow (*.yaml) here");
	else
		ok = bundle_names(dir, names, count, out, found);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return ok;
}

/* The file's own name, if a lone flow is what the folder holds. */
static char *lone_path(const char *dir)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_flow_file, alphasort);
	char *path = count == 1 && strcmp(names[0]->d_name, "pack.yaml")
	                     ? mem_printf("%s/%s", dir, names[0]->d_name) : mem_strdup(dir);

	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return path;
}

struct flow *flow_load_pack(const char *dir, struct flow_findings *found)
{
	struct buf bytes = {0};
	struct flow *flow = NULL;
	char *path;

	if (flow_bundle(dir, &bytes, found)) {
		path = lone_path(dir);
		flow = flow_load(path, (const char *)bytes.data, bytes.len, found);
		mem_free(path);
	}
	buf_free(&bytes);
	return flow;
}

struct flow *flow_load_file(const char *path, struct flow_findings *found)
{
	struct flow *flow = NULL;
	size_t len = 0;
	char *bytes = read_file(path, &len, found);

	if (bytes)
		flow = flow_load(path, bytes, len, found);
	mem_free(bytes);
	return flow;
}
