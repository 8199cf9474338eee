/* What the flow commands share: the author's files, loading them, and telling what is wrong with them. */
#ifndef CTL_FLOW_FILES_H
#define CTL_FLOW_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "flows/engine/flow.h"

enum { FLOW_FILES_MAX = 256 };

struct flow_files {
	char *paths[FLOW_FILES_MAX]; /* owned */
	size_t count;
};

/* Whether a file is one of tests by its name (*tests*.yaml). */
bool flow_files_is_tests(const char *path);
/* The tests (*tests*.yaml) of a folder, or beside a file, sorted. False after an error text. */
bool flow_files_tests(const char *place, struct flow_files *out);
void flow_files_free(struct flow_files *files);
/* The bytes of a file, at most one more than a flow may have, which its parser then refuses; NULL
 * after an error text. The caller's to mem_free(). */
char *flow_files_read(const char *path, size_t *len);

/* The pack of a folder, or that a file is part of, or a lone flow; NULL with findings, or after an error text. */
struct flow *flow_files_load(const char *place, struct flow_findings *found);
/* The same for a command that needs a sound flow: NULL after the findings were printed. */
struct flow *flow_files_need(const char *place);

/* file:line:column: CODE text, or JSON with --json. */
void flow_files_print(const struct flow_findings *found);
/* Prints the findings, or `all_well` if there are none, frees them, and gives the exit code. */
int flow_files_finish(struct flow_findings *found, const char *all_well);

#endif
