/* A loaded pack as the author's tools see it: nodes, the ways between them, and every text that can be
 * sent, each with its place in the author's files. Read only; borrows from the pack. */
#ifndef FLOWS_ENGINE_VIEW_H
#define FLOWS_ENGINE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/engine/flow.h"
#include "flows/engine/trace.h"

enum { VIEW_LANGS_MAX = 8 };

enum view_kind { VIEW_ASK, VIEW_TELL, VIEW_WHEN, VIEW_DO, VIEW_CALL, VIEW_END };

struct view_place {
	const char *file;
	unsigned line, column;
};

struct view_node {
	struct view_place place;
	const char *flow, *name;
	const char *save;    /* ask: name under which the answer is kept */
	const char *text;    /* first language, as written; NULL: says nothing */
	enum view_kind kind;
	bool first;          /* where its flow begins */
	int retries;         /* ask: bad answers before it gives up */
	int64_t wait_ms;     /* ask: silence before it gives up, by SMS */
	bool urgent;         /* entering it alerts somebody or files as urgent */
};

/* Where a way leads that has no node of its own. */
enum { VIEW_ENDS = -1, VIEW_RETURNS = -2 };

struct view_edge {
	struct view_place place;
	int from, to;        /* indexes of nodes, or VIEW_ENDS, VIEW_RETURNS */
	enum flow_way way;
	int index;           /* answer or branch, from 0 */
	const char *label;   /* answer in the first language, condition, or "" */
	bool urgent;         /* taking it alerts somebody */
	bool ussd;           /* an answer that only the menu on USSD has */
};

/* One message of one node in one language on one channel. */
struct view_text {
	struct view_place place;
	const char *flow, *node;
	const char *part;    /* "ask", "tell", "end", or "say" */
	const char *lang;
	const char *channel; /* "sms", "ussd", or "any" */
	char *worst;         /* owned: as sent, every placeholder at its longest, the menu below it */
};

struct view {
	struct view_node *nodes; /* owned */
	size_t node_count;
	struct view_edge *edges; /* owned; in the order of the file */
	size_t edge_count;
	struct view_text *texts; /* owned */
	size_t text_count;
	int first;               /* node an opening text enters */
	int first_text;          /* question that an opening text answers, or -1 */
	const char *langs[VIEW_LANGS_MAX];
	size_t lang_count;
};

struct view *view_new(const struct flow *flow); /* view_free() */
void view_free(struct view *view);
/* The edge that this step of the engine took, -1 if it is none of the view. */
int view_find_edge(const struct view *view, int node, enum flow_way way, int index);
/* The question that waits, "end", or "start"; borrowed. */
const char *view_at(const struct flow *flow, const struct flow_state *state);
/* "go", "answer", "branch", "tired", "time-out", ... */
const char *view_way_name(enum flow_way way);

#endif
