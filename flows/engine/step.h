/* One step in the making; private to the engine. */
#ifndef FLOWS_ENGINE_STEP_H
#define FLOWS_ENGINE_STEP_H

#include "flows/engine/model.h"
#include "flows/engine/say.h"
#include "flows/engine/state.h"

enum { AUDITS_MAX = 4, SPARES_MAX = 8 };

/* A piece of the reply that may be left out. */
struct spare {
	size_t from, to;
};

struct step {
	const struct flow *flow;
	struct flow_state *state;
	const struct flow_event *event;
	const struct flow_world *world; /* never NULL */
	int64_t now_ms;
	char *text;       /* owned: the event's text, valid and bounded */
	char *folded;     /* owned */
	char *meant;      /* owned: folded, as the text is meant; NULL until it is asked for */
	struct flow_triage heard; /* of the text; `triaged` once it is asked for */
	bool triaged;
	enum flow_text_class text_class; /* of the text by itself; once triaged */
	bool ussd;        /* channel of this turn */
	struct buf reply; /* as it will be sent */
	struct saying say;
	struct spare spares[SPARES_MAX];
	size_t spare_count;
	bool file, alert;
	const char *audits[AUDITS_MAX]; /* borrowed: constants */
	size_t audit_count;
	int passed[FLOW_STEPS_MAX]; /* nodes entered in this step */
	size_t passed_count;
};

/* ---- step.c ---- */

void step_audit(struct step *s, const char *what);
void step_trace(struct step *s, int node, enum flow_way way, size_t index);
void step_end(struct step *s, const char *why);
/* Passes nodes from there until a question waits or the conversation ends. */
void step_enter(struct step *s, int at);
/* Enters the first node of a flow, no call open. */
void step_enter_part(struct step *s, int part);
void step_act(struct step *s, unsigned actions);
void step_raise(struct step *s, enum urgency urgency);
/* Puts the waiting question again, in the words of that try if it has its own. */
void step_ask_again(struct step *s, const struct text *wording);
void step_go_back(struct step *s);
bool step_is_safe_node(const struct step *s, int node);
int step_part(const struct step *s);

/* ---- step_text.c ---- */

const struct flow_triage *step_triage(struct step *s);
/* Keeps the text and lets it raise the urgency. */
void step_hear(struct step *s);
/* The same for a text that answers nothing, if it says something. */
void step_keep(struct step *s);
void step_text(struct step *s);
void step_set_language(struct step *s, int lang); /* NOWHERE: as it is */
/* Takes up a dropped USSD session, or starts one. */
void step_dial(struct step *s);

/* ---- step_answer.c ---- */

/* Takes the text as the answer of the waiting question, or puts the question again. */
void step_answer(struct step *s);
/* An answer that an earlier text holds; true if one was set. */
bool step_answer_from_text(struct step *s, int at);
/* Where an answered question leads. */
int step_way_on(struct step *s, int at);
void step_set_safe(struct step *s, const char *key, const char *text);

#endif
