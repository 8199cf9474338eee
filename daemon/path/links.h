/* The links: ways to carriers, which of them a text goes over, and what an operator does to them. Owned
 * by the outbox, which queues what no link can take yet. */
#ifndef PATH_LINKS_H
#define PATH_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"

struct hotline;
struct links;
struct yaml_node;

/* One link and what the choice between links knows of it. */
struct way {
	char name[INBOUND_NAME_MAX], carrier[INBOUND_NAME_MAX];
	const struct adapter *adapter;
	struct link *link;      /* owned */
	char *words;            /* owned: its settings as text, without those of the choice */
	bool sim;
	bool leaving;           /* taken out of the configuration, or replaced: on its way down */
	bool full;              /* said no in this round */
	unsigned priority;      /* the lowest that can take a text is used */
	unsigned weight;        /* share among equals */
	int credit;             /* of the weighted turn */
	unsigned in_flight;     /* texts that it owes an outcome */
	int64_t answered_ms;    /* loop time of its last outcome, or when it began to owe one */
};

/* Makes a link for each item of the list. On a fault NULL and "line:column: text". host is borrowed. */
struct links *links_new(struct hotline *h, const struct adapter_host *host, const struct yaml_node *list,
			char *error, size_t error_size);
void links_free(struct links *links);
void links_start(struct links *links);
void links_stop(struct links *links);
bool links_stopped(const struct links *links);

/* Goes over to another list: what is written as before is not touched; the others are stopped in order
 * and made anew. On a fault false, an error as above, and nothing is changed. */
bool links_reload(struct links *links, const struct yaml_node *list, char *error, size_t error_size);
/* Some link has stopped: those that were leaving go, their successors start. */
void links_sweep(struct links *links);

/* ---- choosing ---- */

/* What a text asks of its link. */
struct wish {
	const char *link;  /* the one it came by; "" = any */
	bool only;         /* no other will do: a USSD screen, a canary */
	bool alert;
	bool overdue;      /* waited long enough for the link it wants: another one will do */
	const struct way *avoid; /* just said "later"; NULL = none */
};

void links_new_round(struct links *links); /* those that said no may be asked again */
bool links_any_free(const struct links *links);
/* The link for a text, NULL if none can take it now. A reply goes back the way its question came while
 * that way stands, and waits for it a little; then over a link of the same carrier; then over any, by
 * priority and weight. A link that has owed an outcome for seconds comes last. The terminal's phone
 * never stands in for a carrier: a text it swallowed would count as sent. */
struct way *links_choose(struct links *links, const struct wish *wish);
/* True: accepted, one outcome is owed, which links_answered() must be told of. */
bool links_send(struct links *links, struct way *way, const struct outbound *out);
void links_answered(struct links *links, struct way *way);

/* ---- looking and ordering ---- */

/* Those of the configuration, in its order; a link that is leaving is not among them. */
size_t links_count(const struct links *links);
const struct way *links_at(const struct links *links, size_t i);
struct way *links_find(const struct links *links, const char *name); /* NULL if there is none */
/* What duplicates and message ids of the link are unique in; the name itself of an unknown link. */
const char *links_carrier(const struct links *links, const char *name);

#endif
