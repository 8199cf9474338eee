/* A conversation with a flow in the terminal: what was played, step by step, so that it can be undone
 * and written down as a test. */
#ifndef CTL_TALK_H
#define CTL_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "flows/engine/flow.h"

/* One thing that happened, and what came of it. */
struct talk_step {
	enum flow_event_kind kind;
	char *text;        /* owned: what was typed; NULL for another event */
	int64_t wait_ms;   /* time that passed before it, 0 for none */
	bool timer;        /* wait_ms ended in a timer */
	char *at;          /* owned: question that waits, or "end" */
	char *effects;     /* owned: "file partial, alert duty" */
	char *reply;       /* owned; NULL: nothing was sent */
	struct buf before; /* the saved state, and the clock below, before this step */
	int64_t now_ms, due_ms;
	uint32_t due_turn;
	bool ussd;
};

struct talk {
	const struct flow *flow; /* borrowed */
	const char *place;       /* where the flow lies; borrowed */
	const char *role, *lang; /* borrowed; NULL: not given */
	struct flow_world world;
	struct flow_state *state; /* owned */
	bool ussd, began_ussd;
	int64_t now_ms, due_ms;  /* due_ms 0: no timer */
	uint32_t due_turn;
	struct talk_step *steps; /* owned */
	size_t count;
	uint32_t events;
};

void talk_begin(struct talk *talk);
void talk_end(struct talk *talk);
/* The reporter writes, or dials, or hangs up; what comes of it is printed. */
void talk_event(struct talk *talk, enum flow_event_kind kind, const char *text);
/* Time passes, and timers fire at their time. */
void talk_wait(struct talk *talk, int64_t wait_ms);
/* Takes the last step back. False if there is none. */
bool talk_undo(struct talk *talk);
/* Appends what was played to the tests beside the flow. False after an error text. */
bool talk_save(const struct talk *talk, const char *name);
/* What the flow knows by now. */
void talk_show(const struct talk *talk);

#endif
