/* What the tests of the flow engine share: files of the source tree and the shipped flow. */
#ifndef TESTS_UNIT_FLOW_HELP_H
#define TESTS_UNIT_FLOW_HELP_H

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "flows/engine/flow.h"

/* The bytes of a file of the source tree, NUL-terminated, owned by the caller; NULL if not there. */
static inline char *read_source(const char *name, size_t *len)
{
	enum { READ_MAX = 1 << 20 };
	const char *source = getenv("HOTLINED_SRC");
	char *path = mem_printf("%s/%s", source ? source : ".", name);
	FILE *file = fopen(path, "rbe");
	char *bytes = NULL;

	if (file) {
		bytes = mem_alloc(READ_MAX + 1);
		*len = fread(bytes, 1, READ_MAX, file);
		fclose(file);
	} else {
		fprintf(stderr, "%s cannot be read; HOTLINED_SRC names the source tree\n", path);
	}
	mem_free(path);
	return bytes;
}

static inline void print_findings(const struct flow_findings *found)
{
	for (size_t i = 0; i < found->count; i++)
		fprintf(stderr, "%s:%u:%u: %s %s\n", found->items[i].file, found->items[i].line,
		        found->items[i].column, found->items[i].code, found->items[i].text);
}

/* A folder of the source tree; NULL, after its findings were printed, if it does not load. */
static inline struct flow *load_pack(const char *name)
{
	const char *source = getenv("HOTLINED_SRC");
	char *dir = mem_printf("%s/%s", source ? source : ".", name);
	struct flow_findings found = {0};
	struct flow *flow = flow_load_pack(dir, &found);

	print_findings(&found);
	flow_findings_fini(&found);
	mem_free(dir);
	return flow;
}

/* The shipped flows. */
static inline struct flow *load_hotline(void)
{
	return load_pack("flows/hotline");
}

#endif
