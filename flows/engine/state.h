/* What one conversation remembers; private to the engine. Bounded so that a saved state stays below
 * FLOW_STATE_MAX whatever is written to it. */
#ifndef FLOWS_ENGINE_STATE_H
#define FLOWS_ENGINE_STATE_H

#include "flows/engine/flow.h"
#include "flows/engine/model.h"

enum {
	IDS_MAX = 8,         /* events remembered */
	ID_LEN = 16,
	ANSWERS_MAX = 256,
	ANSWER_BYTES = 24576, /* of all answers together */
	TEXTS_MAX = 64,
	TEXT_BYTES_MAX = 4096, /* of one answer, and of one piece of a text */
	HEARD_BYTES_MAX = 65536, /* of one event's text */
	TEXTS_BYTES = 24576, /* of all texts together; the first and the latest are kept */
	PATH_MAX_NODES = 64, /* questions that `back` can return to */
	REPLY_MAX = 2048
};

struct answer {
	char *name, *value, *text; /* owned */
	char *matches; /* owned: of a place, the codes it may mean, "25405,25408"; "" if it is not in doubt */
};

/* A question that was asked, and the calls that were open then. */
struct asked {
	uint16_t node;
	uint8_t depth;
	uint16_t calls[CALLS_MAX];
};

struct flow_state {
	uint8_t hash[FLOW_HASH_LEN];
	char ref[32], lang[16], kind[32];
	enum urgency urgency;
	int safe;         /* 1 yes, 0 no, -1 unknown */
	char role[16];    /* of who opened it */
	int part;         /* flow it entered, -1 before */
	int node;         /* question that waits, -1 before the first */
	uint16_t calls[CALLS_MAX]; /* nodes whose flow is running, outermost first */
	size_t call_depth;
	bool ussd;        /* channel on which the question was asked */
	bool dropped;     /* its USSD session ended without an answer */
	bool accents;     /* texts keep their accents by SMS */
	bool resuming;    /* asked whether to go on or to start again */
	size_t page_from, page_to; /* options shown last; page_to == 0: all */
	uint32_t turn;    /* grows with every step */
	uint32_t tries;   /* bad answers to this question */
	bool opened;      /* an opening event was taken */
	bool ended, silent;
	bool substantive; /* something worth a report was said */
	bool filed;       /* an `end` has filed it: no longer partial */
	uint8_t ids[IDS_MAX][ID_LEN]; /* latest first */
	size_t id_count;
	char *reply;      /* owned; what the last step sent, NULL if nothing */
	struct answer answers[ANSWERS_MAX];
	size_t answer_count;
	char *texts[TEXTS_MAX]; /* owned */
	size_t text_count;
	struct asked path[PATH_MAX_NODES]; /* questions asked, oldest first, the present one last */
	size_t path_len;
};

const struct answer *state_answer(const struct flow_state *state, const char *name); /* NULL: none */
/* Replaces an earlier answer of that name. Long values and texts are cut to what there is room for. */
void state_set_answer(struct flow_state *state, const char *name, const char *value,
                      const char *text);
/* The same for a place in doubt. */
void state_set_matches(struct flow_state *state, const char *name, const char *matches,
                       const char *text);
void state_drop_answer(struct flow_state *state, const char *name);
/* text: as fold_clean() gave it; a long one is kept in pieces, and ends with "[...]" if it was cut. */
void state_add_text(struct flow_state *state, const char *text);
bool state_seen(const struct flow_state *state, const uint8_t id[ID_LEN]);
void state_add_id(struct flow_state *state, const uint8_t id[ID_LEN]);

#endif
