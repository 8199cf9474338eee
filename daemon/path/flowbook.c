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

struct version {
	struct version *next;
	struct flow *flow; /* owned */
	bool retired;
};

struct flowbook {
	char *flows_dir, *keep_dir; /* owned */
	struct version *versions;   /* owned */
	const struct flow *current; /* borrowed from versions */
};

static const char kept_end[] = ".yaml", retired_end[] = ".retired";

static char *read_text(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text;

	if (!f)
		return NULL;
	text = mem_alloc(FLOW_BUNDLE_MAX + 1);
	*len = fread(text, 1, FLOW_BUNDLE_MAX + 1, f);
	fclose(f);
	if (*len <= FLOW_BUNDLE_MAX)
		return text;
	mem_free(text);
	return NULL;
}

static void path_of(const struct flowbook *book, const uint8_t *hash, const char *end, char *out, size_t size)
{
	char hex[FLOW_HASH_LEN * 2 + 1];

	hex_encode(hash, FLOW_HASH_LEN, hex);
	snprintf(out, size, "%s/%s%s", book->keep_dir, hex, end);
}

/* Written beside and renamed, so that a crash never leaves half a version under its name. */
static bool keep(const struct flowbook *book, const struct flow *flow, const struct buf *text)
{
	char path[4096], temp[4200];
	bool ok;
	int fd;

	path_of(book, flow_hash(flow), kept_end, path, sizeof(path));
	if (access(path, F_OK) == 0)
		return true;
	snprintf(temp, sizeof(temp), "%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	close(fd);
	return ok && rename(temp, path) == 0;
}

static struct version *find_loaded(const struct flowbook *book, const uint8_t *hash)
{
	for (struct version *v = book->versions; v; v = v->next) {
		if (memcmp(flow_hash(v->flow), hash, FLOW_HASH_LEN) == 0)
			return v;
	}
	return NULL;
}

static struct version *add(struct flowbook *book, struct flow *flow)
{
	struct version *version = mem_alloc(sizeof(*version));
	char path[4096];

	path_of(book, flow_hash(flow), retired_end, path, sizeof(path));
	version->flow = flow;
	version->retired = access(path, F_OK) == 0;
	version->next = book->versions;
	book->versions = version;
	return version;
}

static void make_current(struct flowbook *book, struct version *version)
{
	char path[4096];

	path_of(book, flow_hash(version->flow), retired_end, path, sizeof(path));
	unlink(path);
	version->retired = false;
	book->current = version->flow;
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

/* What is kept is what was loaded: the folder is read once, and again only to say what is wrong where. */
static struct flow *load(const char *dir, struct buf *text, char *error, size_t error_size)
{
	struct flow_findings found = {0};
	struct flow *flow = NULL;

	if (flow_bundle(dir, text, &found))
		flow = flow_load(dir, (const char *)text->data, text->len, &found);
	if (!flow) {
		flow_findings_fini(&found);
		flow_free(flow_load_pack(dir, &found));
		list_findings(&found, error, error_size);
	}
	flow_findings_fini(&found);
	return flow;
}

bool flowbook_reload(struct flowbook *book, char *error, size_t error_size)
{
	struct buf text = {0};
	struct flow *flow = load(book->flows_dir, &text, error, error_size);
	struct version *known = flow ? find_loaded(book, flow_hash(flow)) : NULL;
	bool ok = flow != NULL;

	if (ok && !keep(book, flow, &text)) {
		snprintf(error, error_size, "%s: cannot keep the version: %s", book->keep_dir, strerror(errno));
		ok = false;
	}
	if (ok)
		make_current(book, known ? known : add(book, flow));
	if (!ok || known)
		flow_free(flow);
	buf_free(&text);
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

static struct flow *load_kept(const struct flowbook *book, const uint8_t *hash)
{
	struct flow_findings found = {0};
	struct flow *kept = NULL;
	char path[4096], *text;
	size_t len = 0;

	path_of(book, hash, kept_end, path, sizeof(path));
	text = read_text(path, &len);
	if (text)
		kept = flow_load(path, text, len, &found);
	flow_findings_fini(&found);
	mem_free(text);
	if (kept && memcmp(flow_hash(kept), hash, FLOW_HASH_LEN) == 0)
		return kept;
	flow_free(kept);
	return NULL;
}

static struct version *find(struct flowbook *book, const uint8_t *hash)
{
	struct version *version = find_loaded(book, hash);
	struct flow *kept = version ? NULL : load_kept(book, hash);

	return kept ? add(book, kept) : version;
}

const struct flow *flowbook_find(struct flowbook *book, const uint8_t hash[32])
{
	const struct version *version = find(book, hash);

	return version ? version->flow : NULL;
}

/* ---- older versions ---- */

static void load_all_kept(struct flowbook *book)
{
	DIR *dir = opendir(book->keep_dir);
	uint8_t hash[FLOW_HASH_LEN];
	struct dirent *entry;
	char hex[FLOW_HASH_LEN * 2 + 1];

	while (dir && (entry = readdir(dir))) {
		snprintf(hex, sizeof(hex), "%.64s", entry->d_name);
		if (strlen(hex) == sizeof(hex) - 1 && strcmp(entry->d_name + strlen(hex), kept_end) == 0 &&
		    hex_decode(hex, hash, sizeof(hash)))
			find(book, hash);
	}
	if (dir)
		closedir(dir);
}

size_t flowbook_versions(struct flowbook *book, struct flowbook_version *out, size_t max)
{
	size_t count = 0;

	load_all_kept(book);
	if (max > 0)
		out[count++] = (struct flowbook_version){.flow = book->current, .current = true};
	for (const struct version *v = book->versions; v && count < max; v = v->next) {
		if (v->flow != book->current)
			out[count++] = (struct flowbook_version){.flow = v->flow, .retired = v->retired};
	}
	return count;
}

bool flowbook_retire(struct flowbook *book, const uint8_t hash[32])
{
	struct version *version = find(book, hash);
	char path[4096];
	int fd;

	if (!version || version->flow == book->current)
		return false;
	path_of(book, hash, retired_end, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	version->retired = true;
	return true;
}

bool flowbook_is_retired(const struct flowbook *book, const uint8_t hash[32])
{
	const struct version *version = find_loaded(book, hash);

	return version && version->retired;
}
