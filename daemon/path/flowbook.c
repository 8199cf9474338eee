/* Loads flows, keeps their versions. */
#include "path/flowbook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "flows/engine/flow.h"

enum { FLOW_FILE_MAX = 1024 * 1024 };

struct version {
	struct version *next;
	struct flow *flow; /* owned */
};

struct flowbook {
	char *flows_dir, *keep_dir; /* owned */
	struct version *versions;   /* owned */
	const struct flow *current; /* borrowed from versions */
};

static char *read_text(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text;

	if (!f)
		return NULL;
	text = mem_alloc(FLOW_FILE_MAX + 1);
	*len = fread(text, 1, FLOW_FILE_MAX + 1, f);
	fclose(f);
	if (*len <= FLOW_FILE_MAX)
		return text;
	mem_free(text);
	return NULL;
}

static void kept_path(const struct flowbook *book, const uint8_t *hash, char *out, size_t size)
{
	char hex[FLOW_HASH_LEN * 2 + 1];

	hex_encode(hash, FLOW_HASH_LEN, hex);
	snprintf(out, size, "%s/%s.yaml", book->keep_dir, hex);
}

/* Written beside and renamed, so that a crash never leaves half a version under its name. */
static bool keep(const struct flowbook *book, const struct flow *flow, const char *text, size_t len)
{
	char path[4096], temp[4200];
	bool ok;
	int fd;

	kept_path(book, flow_hash(flow), path, sizeof(path));
	if (access(path, F_OK) == 0)
		return true;
	snprintf(temp, sizeof(temp), "%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	close(fd);
	return ok && rename(temp, path) == 0;
}

static const struct flow *add(struct flowbook *book, struct flow *flow)
{
	struct version *version = mem_alloc(sizeof(*version));

	version->flow = flow;
	version->next = book->versions;
	book->versions = version;
	return flow;
}

static const struct flow *find_loaded(const struct flowbook *book, const uint8_t *hash)
{
	for (struct version *v = book->versions; v; v = v->next) {
		if (memcmp(flow_hash(v->flow), hash, FLOW_HASH_LEN) == 0)
			return v->flow;
	}
	return NULL;
}

static void list_findings(const struct flow_findings *found, char *error, size_t error_size)
{
	size_t used = 0;

	for (size_t i = 0; i < found->count && used + 1 < error_size; i++) {
		const struct flow_finding *f = &found->items[i];
		int n = snprintf(error + used, error_size - used, "%s%s:%u:%u: %s %s", i ? "\n" : "", f->file,
				 f->line, f->column, f->code, f->text);

		if (n > 0)
			used += (size_t)n;
	}
}

static int is_flow_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".yaml") == 0 &&
	       strstr(entry->d_name, "tests") == NULL;
}

static struct flow *load_first(const char *dir, char **text, size_t *len, char *error, size_t error_size)
{
	struct dirent **names = NULL;
	struct flow_findings found = {0};
	struct flow *flow = NULL;
	char path[4096];
	int n = scandir(dir, &names, is_flow_file, alphasort);

	if (n <= 0) {
		snprintf(error, error_size, "%s: %s", dir, n < 0 ? strerror(errno) : "no flow (*.yaml) here");
		free(names);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, names[0]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	*text = read_text(path, len);
	if (*text)
		flow = flow_load(path, *text, *len, &found);
	else
		snprintf(error, error_size, "%s: %s", path, "cannot be read, or is larger than 1 MiB");
	if (*text && !flow)
		list_findings(&found, error, error_size);
	flow_findings_fini(&found);
	return flow;
}

bool flowbook_reload(struct flowbook *book, char *error, size_t error_size)
{
	char *text = NULL;
	size_t len = 0;
	struct flow *flow = load_first(book->flows_dir, &text, &len, error, error_size);
	const struct flow *known = flow ? find_loaded(book, flow_hash(flow)) : NULL;
	bool ok = flow != NULL;

	if (ok && !known && !keep(book, flow, text, len)) {
		snprintf(error, error_size, "%s: cannot keep the version: %s", book->keep_dir, strerror(errno));
		ok = false;
	}
	if (ok && !known)
		book->current = add(book, flow);
	else
		flow_free(flow);
	if (ok && known)
		book->current = known;
	mem_free(text);
	return ok;
}

struct flowbook *flowbook_open(const char *flows_dir, const char *keep_dir, char *error, size_t error_size)
{
	struct flowbook *book = mem_alloc(sizeof(*book));

	book->flows_dir = mem_strdup(flows_dir);
	book->keep_dir = mem_strdup(keep_dir);
	mkdir(keep_dir, 0700);
	if (flowbook_reload(book, error, error_size))
		return book;
	flowbook_close(book);
	return NULL;
}

void flowbook_close(struct flowbook *book)
{
	if (!book)
		return;
	while (book->versions) {
		struct version *version = book->versions;

		book->versions = version->next;
		flow_free(version->flow);
		mem_free(version);
	}
	mem_free(book->flows_dir);
	mem_free(book->keep_dir);
	mem_free(book);
}

const struct flow *flowbook_current(const struct flowbook *book)
{
	return book->current;
}

void flowbook_current_hash(const struct flowbook *book, uint8_t out[32])
{
	memcpy(out, flow_hash(book->current), FLOW_HASH_LEN);
}

const struct flow *flowbook_find(struct flowbook *book, const uint8_t hash[32])
{
	const struct flow *flow = find_loaded(book, hash);
	struct flow_findings found = {0};
	struct flow *kept;
	char path[4096];

	if (flow)
		return flow;
	kept_path(book, hash, path, sizeof(path));
	kept = flow_load_file(path, &found);
	flow_findings_fini(&found);
	if (kept && memcmp(flow_hash(kept), hash, FLOW_HASH_LEN) == 0)
		return add(book, kept);
	flow_free(kept);
	return NULL;
}
