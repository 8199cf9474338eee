/* What a text means beside being an answer: the opening, commands, stories, warnings. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/split.h"
#include "flows/engine/step.h"

/* Less than this is a slip of the thumb, more is something that somebody wanted to say. */
enum { SUBSTANCE_WORDS = 2, SUBSTANCE_LETTERS = 6, HINTS_NEEDED = 2 };

/* A part that its writer numbered by hand is heard with the parts before it: "(1/2) ..." may say who, and
 * "(2/2) ..." what he did. */
static void hear_whole(struct step *s, const char *text)
{
	char *joined = split_join(s->state->texts, s->state->text_count, text);
	struct flow_triage whole;

	if (!joined)
		return;
	flow_triage(s->flow, joined, &whole);
	whole.no_contact |= s->heard.no_contact;
	if (whole.urgency >= s->heard.urgency)
		s->heard = whole;
	mem_free(joined);
}

const struct flow_triage *step_triage(struct step *s)
{
	const char *text = s->event->text ? s->event->text : "";

	if (!s->triaged) { /* by the bytes as they came: an old font is known by them */
		flow_triage(s->flow, text, &s->heard);
		s->text_class = s->heard.text_class;
		hear_whole(s, text);
	}
	s->triaged = true;
	return &s->heard;
}

/* The first text says what it is about, unless a grave one follows a mild one. */
static void set_kind(struct step *s, const struct flow_triage *found)
{
	bool graver = found->urgency >= URGENCY_CAO && s->state->urgency < URGENCY_CAO;

	if (strcmp(found->kind, "khong_ro") && (graver || !strcmp(s->state->kind, "khong_ro")))
		memcpy(s->state->kind, found->kind, sizeof s->state->kind);
}

/* An answer that matches no list does not lift a mild report to the default: only a first word does. */
void step_hear(struct step *s)
{
	const struct flow_triage *found = step_triage(s);

	state_add_text(s->state, s->text);
	set_kind(s, found);
	if (found->urgency > s->flow->default_urgency || s->state->urgency == URGENCY_KHONG)
		step_raise(s, found->urgency);
	if (found->no_contact)
		step_set_safe(s, "no", s->text);
}

static bool says_something(struct step *s)
{
	return folded_word_count(s->folded) >= SUBSTANCE_WORDS ||
	       strlen(s->folded) >= SUBSTANCE_LETTERS ||
	       step_triage(s)->urgency > s->flow->default_urgency;
}

void step_keep(struct step *s)
{
	if (!says_something(s)) {
		state_add_text(s->state, s->text);
		return;
	}
	step_hear(s);
	s->state->substantive = s->file = true;
}

/* Somebody may be reading along: not one more word to this phone, but the case goes on. */
static void fall_silent(struct step *s)
{
	step_raise(s, URGENCY_CAO);
	s->state->silent = s->state->substantive = s->file = s->alert = true;
	step_audit(s, "danger near");
}

void step_set_language(struct step *s, int lang)
{
	if (lang == NOWHERE)
		return;
	memset(s->state->lang, 0, sizeof s->state->lang);
	strncpy(s->state->lang, s->flow->langs[lang], sizeof s->state->lang - 1);
}

static void stop(struct step *s)
{
	if (s->state->node >= 0)
		step_trace(s, s->state->node, FLOW_WAY_STOP, 0);
	step_end(s, "stop");
	s->state->silent = true;
}

/* ---- a text that opens a conversation ---- */

static void guess_language(struct step *s)
{
	const struct flow *flow = s->flow;

	for (size_t i = 0; !s->state->lang[0] && i < flow->hint_count; i++)
		if (phrases_weight(&flow->hints[i].phrases, s->folded) >= HINTS_NEEDED)
			step_set_language(s, flow->hints[i].lang);
}

/* The flow that is entered by somebody of that role who names none. */
static int part_for(const struct step *s)
{
	for (size_t i = 0; i < s->flow->role_start_count; i++)
		if (!strcmp(s->flow->role_starts[i].role, s->state->role))
			return s->flow->role_starts[i].part;
	return 0;
}

static void keep_word(struct step *s, const struct word *word)
{
	const char *name = s->flow->parts[s->state->part].keep;

	if (name)
		state_set_answer(s->state, name, word->text, s->text);
}

static void open_with_report(struct step *s)
{
	const struct word *prefix = match_prefix(&s->flow->words[WORD_PREFIX], s->folded);
	const struct part *part;
	int first;

	s->state->part = part_for(s);
	if (prefix) {
		s->state->part = prefix->part == NOWHERE ? 0 : prefix->part;
		step_set_language(s, prefix->lang);
		keep_word(s, prefix);
	}
	part = &s->flow->parts[s->state->part];
	first = part->first_text;
	guess_language(s);
	step_hear(s);
	if (first != NOWHERE)
		state_set_answer(s->state, s->flow->nodes[first].save, s->text, s->text);
	s->state->substantive = s->file = true;
	step_enter_part(s, s->state->part);
	if (triage_danger_near(s->flow, s->folded))
		fall_silent(s);
}

static void open_with_command(struct step *s)
{
	const struct word *start = match_command(&s->flow->words[WORD_START], s->folded);
	const struct word *prefix = match_command(&s->flow->words[WORD_PREFIX], s->folded);
	int lang = NOWHERE, part = part_for(s);

	start = start ? start : prefix;
	if (start) {
		lang = start->lang;
		part = start->part == NOWHERE ? part : start->part;
	} else {
		match_word(&s->flow->words[WORD_LANGUAGE], s->folded, &lang);
		s->state->accents = match_command(&s->flow->words[WORD_ACCENTS], s->folded);
	}
	step_set_language(s, lang);
	s->state->part = part;
	if (start)
		keep_word(s, start);
	step_enter_part(s, part);
}

static void open_text(struct step *s)
{
	enum flow_text_class text_class = step_triage(s)->text_class;

	if (text_class == FLOW_TEXT_REPORT && match_command(&s->flow->words[WORD_PREFIX], s->folded))
		text_class = FLOW_TEXT_ANSWER;
	switch (text_class) {
	case FLOW_TEXT_REPORT:
		open_with_report(s);
		return;
	case FLOW_TEXT_ANSWER:
		open_with_command(s);
		return;
	case FLOW_TEXT_STOP:
		stop(s);
		return;
	case FLOW_TEXT_OTHERS:
		state_add_text(s->state, s->text);
		step_end(s, "meant for others");
		return;
	case FLOW_TEXT_EMPTY:
		say_text(&s->say, &s->flow->parts[part_for(s)].say[SAY_HELLO]);
		step_end(s, "empty");
		return;
	}
}

/* ---- a command within a conversation ---- */

static void restart(struct step *s)
{
	struct flow_state *state = s->state;

	while (state->answer_count)
		state_drop_answer(state, state->answers[0].name);
	state->safe = state->safe == 0 ? 0 : -1;
	state->path_len = 0;
	state->resuming = false;
	step_audit(s, "restart");
	step_enter_part(s, step_part(s));
}

static void help(struct step *s)
{
	say_text(&s->say, &s->flow->parts[step_part(s)].say[SAY_HELP]);
	if (!s->reply.len)
		step_ask_again(s, NULL);
}

/* Who comes again wants to choose again. */
static void forget_choices(struct step *s, const struct part *part)
{
	const struct node *node;

	for (size_t i = 0; i < part->count; i++) {
		node = &s->flow->nodes[(size_t)part->first + i];
		if (node->ask.type == TYPE_PICK)
			state_drop_answer(s->state, node->save);
	}
}

/* The start word of another flow enters it; what was told is kept. */
static void start(struct step *s, const struct word *word)
{
	step_set_language(s, word->lang);
	s->state->page_from = 0;
	if (word->part == NOWHERE || (word->part == s->state->part && !s->state->call_depth)) {
		step_ask_again(s, NULL);
		return;
	}
	s->state->path_len = 0;
	s->state->part = word->part;
	forget_choices(s, &s->flow->parts[word->part]);
	keep_word(s, word);
	step_enter_part(s, word->part);
}

static bool turns_page(const struct step *s)
{
	const struct words *next = &s->flow->words[WORD_NEXT];

	if (!s->state->page_to)
		return false;
	return next->count ? match_command(next, s->folded) != NULL : !strcmp(s->folded, "0");
}

/* A command of the flow's `words`; false if the text is none. */
static bool command(struct step *s)
{
	const struct words *words = s->flow->words;
	const struct word *word;
	int lang = NOWHERE;

	if (turns_page(s)) {
		s->state->page_from = s->state->page_to;
		step_ask_again(s, NULL);
	} else if (match_word(&words[WORD_HELP], s->folded, &lang)) {
		help(s);
	} else if ((word = match_command(&words[WORD_START], s->folded))) {
		start(s, word);
	} else if (match_word(&words[WORD_LANGUAGE], s->folded, &lang)) {
		step_set_language(s, lang);
		s->state->page_from = 0;
		step_ask_again(s, NULL);
	} else if (match_command(&words[WORD_ACCENTS], s->folded) ||
	           match_command(&words[WORD_PLAIN], s->folded)) {
		s->state->accents = match_command(&words[WORD_ACCENTS], s->folded);
		s->state->page_from = 0;
		step_ask_again(s, NULL);
	} else if (match_word(&words[WORD_BACK], s->folded, &lang)) {
		step_go_back(s);
	} else if (match_word(&words[WORD_RESTART], s->folded, &lang)) {
		restart(s);
	} else {
		return false;
	}
	return true;
}

/* ---- a dropped USSD session ---- */

static bool offers_choice(const struct step *s)
{
	return s->state->answer_count && s->flow->parts[step_part(s)].say[SAY_RESUME].at &&
	       s->flow->words[WORD_RESUME].count && s->flow->words[WORD_RESTART].count;
}

void step_dial(struct step *s)
{
	struct flow_state *state = s->state;

	state->dropped = false;
	if (state->ended || state->silent)
		return;
	if (!state->opened) {
		state->opened = true;
		step_enter_part(s, part_for(s));
		return;
	}
	state->page_from = 0;
	if (!offers_choice(s)) {
		step_ask_again(s, NULL);
		return;
	}
	state->resuming = state->ussd = true;
	say_text(&s->say, &s->flow->parts[step_part(s)].say[SAY_RESUME]);
	say_choice(&s->say, &s->flow->words[WORD_RESUME], &s->flow->words[WORD_RESTART]);
}

/* The answer to "go on or start again?"; whatever else it is goes on. */
static bool resume(struct step *s)
{
	if (!s->state->resuming)
		return false;
	if (!strcmp(s->folded, "2")) {
		restart(s);
		return true;
	}
	s->state->resuming = false;
	if (strcmp(s->folded, "1") && !match_command(&s->flow->words[WORD_RESUME], s->folded))
		return false;
	step_ask_again(s, NULL);
	return true;
}

/* ---- a text within a conversation ---- */

static void hear_danger(struct step *s)
{
	step_hear(s);
	fall_silent(s);
}

static void session_text(struct step *s)
{
	int lang;

	s->state->dropped = false;
	if (!s->state->ended && match_word(&s->flow->words[WORD_STOP], s->folded, &lang))
		stop(s);
	else if (s->state->ended || s->state->silent)
		step_keep(s); /* nobody is answered any more, but nothing is lost either */
	else if (triage_danger_near(s->flow, s->folded))
		hear_danger(s);
	else if (!resume(s) && !command(s))
		step_answer(s);
}

void step_text(struct step *s)
{
	bool opened = s->state->opened;

	s->state->opened = true;
	if (opened)
		session_text(s);
	else
		open_text(s);
}
