/* Takes a text as the answer to the question that waits, or puts the question again. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/reading.h"
#include "flows/engine/step.h"

enum { STORY_WORDS = 3, PLACE_WORDS_MAX = 4 };

void step_set_safe(struct step *s, const char *key, const char *text)
{
	int safe;

	for (size_t i = 0; i < s->flow->part_count; i++) { /* whichever flow would ask */
		safe = s->flow->parts[i].safe;
		if (safe != NOWHERE)
			state_set_answer(s->state, s->flow->nodes[safe].save, key, text);
	}
	s->state->safe = !strcmp(key, "yes") ? 1 : !strcmp(key, "no") ? 0 : -1;
}

/* The reply as it is meant, whatever keyboard or spelling it was typed with; NULL if that changes
 * nothing. */
static const char *meant(struct step *s)
{
	if (!s->meant)
		s->meant = reading_fold(s->event->text ? s->event->text : "");
	return s->meant[0] && strcmp(s->meant, s->folded) ? s->meant : NULL;
}

static int option_meant(struct step *s, const struct question *question)
{
	int option = match_option(question, s->text, s->folded);

	if (option == NO_OPTION && !match_digits(s->folded) && meant(s))
		option = match_option(question, s->meant, s->meant);
	return option;
}

/* ---- where an answer leads ---- */

static const struct option *option_of(const struct question *question, const char *key, size_t *index)
{
	for (*index = 0; *index < question->option_count; ++*index)
		if (!strcmp(question->options[*index].key, key))
			return &question->options[*index];
	return NULL;
}

static int way_of_place(struct step *s, int at, const struct answer *answer)
{
	const struct node *node = &s->flow->nodes[at];
	bool several = answer->matches[0] && node->several != NOWHERE;

	step_trace(s, at, several ? FLOW_WAY_SEVERAL : FLOW_WAY_GO, 0);
	return several ? node->several : node->go;
}

/* Nothing to choose from, or chosen already. */
static bool choice_is_over(struct step *s, const struct node *node, const struct question *question)
{
	const struct answer *from = question->from ? state_answer(s->state, question->from) : NULL;

	if (!from || !from->matches[0])
		return true;
	return strcmp(node->save, question->from) && state_answer(s->state, node->save);
}

/* BROKEN while the question has no answer. */
int step_way_on(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];
	const struct answer *answer = state_answer(s->state, node->save);
	const struct question *question = node_question(node, s->ussd);
	const struct option *option;
	size_t index;

	if (question->type == TYPE_FROM ? !choice_is_over(s, node, question) : !answer)
		return BROKEN;
	if (question->type == TYPE_PLACE)
		return way_of_place(s, at, answer);
	option = answer ? option_of(&node->ask, answer->value, &index) : NULL;
	if (answer && !option && node->ussd)
		option = option_of(node->ussd, answer->value, &index);
	step_trace(s, at, option ? FLOW_WAY_OPTION : FLOW_WAY_GO, option ? index : 0);
	return option && option->go >= 0 ? option->go : node->go;
}

static bool is_owed(const struct step *s, int at)
{
	const struct part *part = &s->flow->parts[s->flow->nodes[at].part];

	for (size_t i = 0; i < part->owed_count; i++)
		if (part->owed[i] == at)
			return true;
	return false;
}

static void go_on(struct step *s)
{
	int at = s->state->node, next;

	s->file = true;
	if (is_owed(s, at)) {
		s->state->substantive = true;
		if (s->state->urgency == URGENCY_KHONG) /* told by menus alone */
			step_raise(s, s->flow->default_urgency);
	}
	next = step_way_on(s, at);
	s->passed[s->passed_count++] = at;
	if (next == BROKEN) /* there was no room for one more answer */
		next = s->flow->nodes[at].go;
	step_enter(s, next);
}

/* ---- places ---- */

static void join_codes(const struct flow_place_found *found, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < found->count && i < FLOW_PLACES_MAX; i++)
		if (strlen(found->candidates[i]) + used + 2 <= size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "",
			                         found->candidates[i]);
}

/* A province alone does not say where to go. */
static bool is_commune(const char *code)
{
	return strlen(code) > 2;
}

/* True if the text names one place, or several that can be asked back. */
static bool take_place(struct step *s, const struct node *node, const char *text, const char *own)
{
	struct flow_place_found found = {0};
	char codes[FLOW_PLACES_MAX * FLOW_PLACE_CODE];

	if (!s->world->places)
		return false;
	s->world->places->find(text, s->world->home, &found);
	if (found.code[0]) {
		state_set_answer(s->state, node->save, found.code, own);
		return true;
	}
	if (found.count < 2 || found.more || !is_commune(found.candidates[0]))
		return false;
	join_codes(&found, codes, sizeof codes);
	state_set_matches(s->state, node->save, codes, own);
	return true;
}

static bool take_joined(struct step *s, const struct node *node, const char *a, const char *b)
{
	char *both = mem_printf("%s %s", a, b);
	bool ok = take_place(s, node, both, s->text);

	mem_free(both);
	return ok;
}

/* With what the same question was answered before ("Bom Bo", then "Dong Nai"), then the reply by
 * itself, then as it is meant. */
static bool hear_place(struct step *s, const struct node *node)
{
	const struct answer *answer = state_answer(s->state, node->save);
	char *before = mem_strdup(answer ? answer->text : NULL);
	bool ok;

	ok = !s->world->places; /* places stay as they were written */
	if (before && !ok)
		ok = take_joined(s, node, before, s->text) || take_joined(s, node, s->text, before);
	ok = ok || take_place(s, node, s->text, s->text) ||
	     (meant(s) && take_place(s, node, s->meant, s->text));
	if (!before && (!ok || !s->world->places))
		state_set_answer(s->state, node->save, "unknown", s->text);
	mem_free(before);
	return ok;
}

/* ---- menus over what a place may be ---- */

static void pick_none(struct step *s, const struct node *node, int to)
{
	step_trace(s, s->state->node, FLOW_WAY_OPTION, 0);
	s->passed[s->passed_count++] = s->state->node;
	if (to == NOWHERE) {
		state_set_answer(s->state, node->save, "unknown", s->text);
		step_enter(s, node->go);
		return;
	}
	state_drop_answer(s->state, node->save);
	s->file = true;
	s->passed[s->passed_count++] = to; /* what was told before is not looked at again */
	step_enter(s, to);
}

static bool take_match(struct step *s, const struct node *node, const struct question *asked)
{
	struct question question;
	const struct answer *answer;
	int option;
	char *key = NULL, *own;

	say_resolve(&s->say, node, s->state->ussd, &question);
	option = option_meant(s, &question);
	if (option != NO_OPTION && (size_t)option < question.place_count)
		key = mem_strdup(question.keys[option]);
	question_free(&question);
	if (key) {
		answer = asked->from ? state_answer(s->state, asked->from) : NULL;
		own = mem_strdup(answer ? answer->text : s->text);
		state_set_answer(s->state, node->save, key, own);
		mem_free(own);
		mem_free(key);
		go_on(s);
		return true;
	}
	if (option != NO_OPTION) {
		pick_none(s, node, asked->none);
		return true;
	}
	if (!take_place(s, node, s->text, s->text))
		return false;
	go_on(s);
	return true;
}

/* ---- the other types ---- */

/* What the author says that an answer means beside itself. */
static void choose(struct step *s, const struct option *option)
{
	if (option->kind && !strcmp(s->state->kind, "khong_ro"))
		snprintf(s->state->kind, sizeof s->state->kind, "%s", option->kind);
	step_set_language(s, option->lang);
	step_act(s, option->actions);
}

static bool take_option(struct step *s, const struct node *node, const struct question *question)
{
	int index = option_meant(s, question);
	const struct option *option;

	if (index == NO_OPTION)
		return false;
	option = &question->options[index];
	if (!match_digits(s->folded) && step_triage(s)->urgency > s->flow->default_urgency)
		step_keep(s);
	if (step_is_safe_node(s, s->state->node))
		step_set_safe(s, option->key, s->text);
	state_set_answer(s->state, node->save, option->key, s->text);
	choose(s, option);
	go_on(s);
	return true;
}

static bool take_text(struct step *s, const struct node *node, const struct question *question)
{
	if (!match_text(question, s->folded))
		return false;
	step_hear(s);
	state_set_answer(s->state, node->save, s->text, s->text);
	s->state->substantive = true;
	go_on(s);
	return true;
}

static bool value_of(struct step *s, const struct question *question, char value[VALUE_MAX])
{
	switch (question->type) {
	case TYPE_NUMBER:
		return value_number(question, s->folded, value);
	case TYPE_AGE:
		return value_age(question, s->folded, s->now_ms, value);
	case TYPE_DATE:
		return value_date(s->folded, s->now_ms, value);
	case TYPE_CODE:
		return value_code(s->folded, s->state->ref, value);
	default:
		return value_phone(s->text, value);
	}
}

static bool take_place_answer(struct step *s, const struct node *node)
{
	if (!hear_place(s, node))
		return false;
	step_keep(s);
	go_on(s);
	return true;
}

static bool take(struct step *s, const struct question *question)
{
	const struct node *node = &s->flow->nodes[s->state->node];
	char value[VALUE_MAX];

	switch (question->type) {
	case TYPE_PICK:
		return take_option(s, node, question);
	case TYPE_FROM:
		return take_match(s, node, question);
	case TYPE_TEXT:
		return take_text(s, node, question);
	case TYPE_PLACE:
		return !fold_is_blank(s->text) && take_place_answer(s, node);
	default:
		if (!value_of(s, question, value))
			return false;
		state_set_answer(s->state, node->save, value, s->text);
		go_on(s);
		return true;
	}
}

/* ---- not understood ---- */

static bool says_fit(struct step *s, const struct node *node, const struct text *wrong)
{
	say_text(&s->say, wrong);
	say_text(&s->say, &node_question(node, s->ussd)->text);
	return say_fits(&s->say, node->part);
}

/* Wording that grows with the tries, or the question again after `wrong` where there is room. */
static void retry(struct step *s, const struct node *node, bool understood)
{
	const struct text *wrong = &s->flow->parts[node->part].say[SAY_WRONG];
	size_t tries = s->state->tries - 1;

	s->state->page_from = 0;
	if (node->again_count) {
		tries = tries < node->again_count ? tries : node->again_count - 1;
		step_ask_again(s, &node->again[tries]);
		return;
	}
	if (!understood && wrong->at && says_fit(s, node, wrong)) {
		s->reply.len = 0;
		say_text(&s->say, wrong);
	} else {
		s->reply.len = 0;
	}
	step_ask_again(s, NULL);
}

static void tire(struct step *s, const struct node *node, const struct question *question)
{
	int to = node->tired;

	if (question->type == TYPE_FROM && to == NOWHERE)
		to = question->none;
	step_trace(s, s->state->node, FLOW_WAY_TIRED, 0);
	if (to == NOWHERE) {
		step_end(s, "retries spent");
		return;
	}
	step_audit(s, "retries spent");
	s->file = true;
	if (question->type == TYPE_FROM) /* what it may be was asked, and is not known */
		state_set_answer(s->state, node->save, "unknown", s->text);
	s->passed[s->passed_count++] = s->state->node;
	step_enter(s, to);
}

static void retry_or_tire(struct step *s, const struct question *question, bool understood)
{
	const struct node *node = &s->flow->nodes[s->state->node];
	int retries = node->retries >= 0 ? node->retries : s->flow->parts[node->part].retries;

	if (s->state->tries++ < (uint32_t)retries)
		retry(s, node, understood);
	else
		tire(s, node, question);
}

/* A text that answers nothing may still tell everything. */
static void no_answer(struct step *s, const struct question *question)
{
	int at = s->state->node;

	if (fold_is_blank(s->text)) {
		retry_or_tire(s, question, false);
		return;
	}
	step_keep(s);
	if (step_is_safe_node(s, at) && state_answer(s->state, s->flow->nodes[at].save))
		go_on(s);
	else
		retry_or_tire(s, question, s->file && question->type != TYPE_PLACE);
}

/* By the question as it was asked, then as it reads on the channel of the reply. */
void step_answer(struct step *s)
{
	const struct node *node = &s->flow->nodes[s->state->node];
	const struct question *asked = node_question(node, s->state->ussd);
	const struct question *other = node_question(node, s->ussd);

	if (take(s, asked) || (other != asked && take(s, other)))
		return;
	/* a story that somebody took the pains to type below a menu */
	if (s->ussd && node->ask.type == TYPE_TEXT && folded_word_count(s->folded) >= STORY_WORDS &&
	    take(s, &node->ask))
		return;
	no_answer(s, asked);
}

/* ---- answers that were told before they were asked for ---- */

static char *all_texts(const struct flow_state *state)
{
	struct buf all = {0};
	char *text;

	for (size_t i = 0; i < state->text_count; i++)
		buf_printf(&all, "%s. ", state->texts[i]);
	text = mem_strdup(buf_cstr(&all));
	buf_free(&all);
	return text;
}

static bool find_in(struct step *s, const struct node *node, const struct question *question,
                    const char *text)
{
	char value[VALUE_MAX], *folded;
	int option;
	bool ok = false;

	if (question->type == TYPE_PLACE)
		return take_place(s, node, text, text);
	folded = fold_text(text);
	if (question->type == TYPE_NUMBER || question->type == TYPE_AGE) {
		ok = value_age_within(question, folded, value);
		if (ok)
			state_set_answer(s->state, node->save, value, text);
	} else if (question->type == TYPE_CODE) {
		ok = value_code(folded, s->state->ref, value);
		if (ok)
			state_set_answer(s->state, node->save, value, text);
	} else if (question->type == TYPE_PICK) {
		option = match_option_within(question, folded);
		ok = option != NO_OPTION;
		if (ok)
			state_set_answer(s->state, node->save, question->options[option].key, text);
		if (ok)
			choose(s, &question->options[option]);
	}
	mem_free(folded);
	return ok;
}

/* "BAOCAO bom bo ...": right behind the word that a coded report begins with, a name needs no "xa" before it. */
static bool find_behind_prefix(struct step *s, const struct node *node)
{
	char *folded = fold_text(s->state->texts[0]), *name = mem_strdup(folded);
	const struct word *prefix = match_prefix(&s->flow->words[WORD_PREFIX], folded);
	const char *from = prefix ? folded + strlen(prefix->folded) + 1 : "";
	bool ok = false;

	for (size_t words = PLACE_WORDS_MAX; prefix && words && !ok; words--) {
		size_t len = 0;

		for (size_t i = 0; i < words && from[len]; i++) {
			len += i ? 1 : 0;
			len += strcspn(from + len, " ");
		}
		snprintf(name, strlen(folded) + 1, "%.*s", (int)len, from);
		ok = take_place(s, node, name, s->state->texts[0]);
	}
	mem_free(name);
	mem_free(folded);
	return ok;
}

bool step_answer_from_text(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];
	char *text;
	bool ok;

	if (!node->from_text || !s->state->text_count)
		return false;
	text = all_texts(s->state);
	ok = (node->ask.type == TYPE_PLACE && find_behind_prefix(s, node)) ||
	     find_in(s, node, node_question(node, s->ussd), text);
	mem_free(text);
	return ok && state_answer(s->state, node->save);
}
