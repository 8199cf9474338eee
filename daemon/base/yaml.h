/* YAML as a tree of nodes that remember where they stood, read from libyaml's events. Shared by the
 * configuration, the flow loader and every other author's file. Refused, always with line and column:
 * anchors, aliases, tags, tabs used as indentation, duplicate keys, more than one document, a depth
 * over 32, a file over 1 MiB, more than 100,000 nodes, invalid UTF-8. Every scalar stays a string
 * (`no`, `0`, `1e3` survive); the schema gives it a type. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column;    /* 1-based, of the node's first character */
	char *text;               /* scalar: UTF-8, owned by the tree; else NULL */
	bool quoted;              /* scalar: was written in quotes or as a block */
	size_t count;             /* list: items; map: pairs */
	struct yaml_node **keys;  /* map: scalars, in file order; else NULL */
	struct yaml_node **items; /* list: items; map: values, same order as keys */
	const char *file;         /* NULL; whoever moves a node to the tree of another file may note it here */
};

struct yaml_error {
	unsigned line, column; /* 0 when the fault has no place (unreadable file) */
	char text[256];        /* what was expected and what was found, no file name */
};

/* Parses one document. On success returns the root (owned by the caller: yaml_free), else NULL and
 * *error is set. An empty document is an empty map. */
struct yaml_node *yaml_parse(const char *bytes, size_t len, struct yaml_error *error);
/* The same from a file, size capped; the file is read whole. */
struct yaml_node *yaml_parse_file(const char *path, struct yaml_error *error);
/* libyaml exports a yaml_free() of its own, and calls to it from inside the library would end in ours:
 * for the linker this one has another name. */
#define yaml_free yaml_tree_free
void yaml_free(struct yaml_node *node); /* NULL is fine */

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key); /* NULL if absent */

/* The candidate nearest to `word` (edit distance at most 2, or a third of its length), or NULL.
 * candidates ends with NULL. For "did you mean". */
const char *yaml_nearest(const char *word, const char *const *candidates);

/* "150ms", "90s", "5min" or "5m", "24h", "30d", or a bare number of seconds -> milliseconds. */
bool yaml_duration_ms(const char *text, int64_t *ms);

#endif
