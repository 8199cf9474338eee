/* The wording of what is sent: language, placeholders, menus that page themselves; private to the
 * engine. */
#ifndef FLOWS_ENGINE_SAY_H
#define FLOWS_ENGINE_SAY_H

#include "flows/engine/model.h"

struct saying {
	const struct flow *flow;
	struct flow_state *state;
	const struct flow_world *world; /* never NULL */
	bool ussd;                      /* channel of the reply */
	struct buf *out;                /* ready to be sent: accents are off where that is wanted */
};

/* Index of the conversation's language. */
int say_lang(const struct flow *flow, const struct flow_state *state);
/* Appends the text in that language, placeholders filled, on a new line if something stands there. */
void say_text(const struct saying *w, const struct text *text);
/* The same for a question, its numbered answers below it; what does not fit is left for the next page.
 * Takes state->page_from, sets state->page_to. wording: the question's own text, or another. */
void say_question(const struct saying *w, const struct node *node, const struct text *wording);
/* Whether what is written so far fits one message of that flow. */
bool say_fits(const struct saying *w, int part);
/* The question in force with the answers it has now: for a place in doubt those that it may be. Given
 * back with question_free(). */
void say_resolve(const struct saying *w, const struct node *node, bool ussd, struct question *out);
/* Appends a menu of two words, as asked when a dropped session is taken up. */
void say_choice(const struct saying *w, const struct words *first, const struct words *second);

#endif
