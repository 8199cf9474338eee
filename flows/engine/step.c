/* One step of a conversation: what an event changes in the state, and what is to be done about it. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"
#include "flows/engine/state.h"

/* Less than this is a slip of the thumb, more is something that somebody wanted to say. */
enum { SUBSTANCE_WORDS = 2, SUBSTANCE_LETTERS = 6, HINTS_NEEDED = 2, AUDITS_MAX = 4 };

struct step {
	const struct flow *flow;
	struct flow_state *state;
	const struct flow_event *event;
	char *text;       /* owned: the event's text, valid and bounded */
	char *folded;     /* owned */
	struct buf reply; /* before accents are stripped */
	bool file, alert;
	const char *audits[AUDITS_MAX]; /* borrowed: constants */
	size_t audit_count;
};

static void enter(struct step *s, int at);

static void audit(struct step *s, const char *what)
{
	if (s->audit_count < AUDITS_MAX)
		s->audits[s->audit_count++] = what;
}

static void end_now(struct step *s, const char *why)
{
	s->state->ended = true;
	s->state->node = NOWHERE;
	s->file = true;
	audit(s, why);
}

/* ---- what a text means beside being an answer ---- */

static void raise_to(struct step *s, enum urgency urgency)
{
	if (urgency > s->state->urgency)
		s->state->urgency = urgency;
}

static void set_safe(struct step *s, const char *key, const char *text)
{
	state_set_answer(s->state, s->flow->nodes[s->flow->safe].name, key, text);
	s->state->safe = !strcmp(key, "yes") ? 1 : !strcmp(key, "no") ? 0 : -1;
}

/* Keeps the text and lets it raise the urgency. An answer that matches no list does not lift a mild
 * report to the default: only a first word does. */
static void hear(struct step *s)
{
	struct flow_triage found;

	flow_triage(s->flow, s->text, &found);
	state_add_text(s->state, s->text);
	if (found.urgency > s->flow->default_urgency || s->state->urgency == URGENCY_KHONG)
		raise_to(s, found.urgency);
	if (!strcmp(s->state->kind, "khong_ro"))
		memcpy(s->state->kind, found.kind, sizeof s->state->kind);
	if (found.no_contact && s->flow->safe != NOWHERE)
		set_safe(s, "no", s->text);
}

static bool says_something(const struct step *s)
{
	struct flow_triage found;

	if (folded_word_count(s->folded) >= SUBSTANCE_WORDS || strlen(s->folded) >= SUBSTANCE_LETTERS)
		return true;
	flow_triage(s->flow, s->text, &found);
	return found.urgency > s->flow->default_urgency;
}

/* ---- moving through the nodes ---- */

static void act(struct step *s, unsigned actions)
{
	if (actions & DO_ALERT) {
		raise_to(s, URGENCY_KHAN_CAP);
		s->state->substantive = true;
		s->file = true;
	}
	if (actions & DO_FILE_URGENT)
		raise_to(s, URGENCY_CAO);
	if (actions & (DO_FILE_URGENT | DO_FILE_NORMAL))
		s->state->filed = s->file = true;
}

static const struct option *option_of(const struct node *node, const char *key)
{
	for (size_t i = 0; i < node->option_count; i++)
		if (!strcmp(node->options[i].key, key))
			return &node->options[i];
	return NULL;
}

static int way_on(const struct node *node, const char *value)
{
	const struct option *option = option_of(node, value);

	return option && option->go >= 0 ? option->go : node->go;
}

static int way_of_branches(struct step *s, const struct node *node)
{
	for (size_t i = 0; i < node->branch_count; i++)
		if (branch_holds(s->flow, &node->branches[i], s->state))
			return node->branches[i].go;
	return NOWHERE;
}

static void wait_at(struct step *s, int at)
{
	struct flow_state *state = s->state;

	say_question(s->flow, state, &s->flow->nodes[at], &s->reply);
	state->node = at;
	state->tries = 0;
	if (state->path_len == PATH_MAX_NODES)
		memmove(state->path, state->path + 1, --state->path_len * sizeof *state->path);
	state->path[state->path_len++] = (uint16_t)at;
}

/* One node; where to go next, NOWHERE once the conversation waits or has ended. */
static int pass(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];
	const struct answer *answer;

	act(s, node->actions);
	switch (node->kind) {
	case NODE_ASK:
		answer = state_answer(s->state, node->name);
		if (answer)
			return way_on(node, answer->value);
		wait_at(s, at);
		return NOWHERE;
	case NODE_WHEN:
		return way_of_branches(s, node);
	case NODE_END:
		say_text(s->flow, s->state, &node->text, &s->reply);
		s->state->ended = true;
		s->state->node = NOWHERE;
		return NOWHERE;
	case NODE_TELL:
		say_text(s->flow, s->state, &node->text, &s->reply);
		return node->go;
	default:
		return node->go;
	}
}

static void enter(struct step *s, int at)
{
	for (size_t steps = 0; at >= 0; steps++) {
		if (steps == FLOW_STEPS_MAX) {
			end_now(s, "too many nodes in one step");
			return;
		}
		at = pass(s, at);
	}
}

static void ask_again(struct step *s)
{
	say_question(s->flow, s->state, &s->flow->nodes[s->state->node], &s->reply);
}

/* Somebody may be reading along: not one more word to this phone, but the case goes on. */
static void fall_silent(struct step *s)
{
	raise_to(s, URGENCY_CAO);
	s->state->silent = s->state->substantive = s->file = s->alert = true;
	audit(s, "danger near");
}

/* ---- a text that opens a conversation ---- */

static void guess_language(struct step *s)
{
	const struct flow *flow = s->flow;

	for (size_t i = 0; !s->state->lang[0] && i < flow->hint_count; i++)
		if (phrases_weight(&flow->hints[i].phrases, s->folded) >= HINTS_NEEDED)
			strncpy(s->state->lang, flow->langs[flow->hints[i].lang],
			        sizeof s->state->lang - 1);
}

static void open_with_report(struct step *s)
{
	guess_language(s);
	hear(s);
	if (s->flow->first_text != NOWHERE)
		state_set_answer(s->state, s->flow->nodes[s->flow->first_text].name, s->text, s->text);
	s->state->substantive = s->file = true;
	enter(s, 0);
	if (triage_danger_near(s->flow, s->folded))
		fall_silent(s);
}

static void set_language(struct step *s, int lang)
{
	if (lang == NOWHERE)
		return;
	memset(s->state->lang, 0, sizeof s->state->lang);
	strncpy(s->state->lang, s->flow->langs[lang], sizeof s->state->lang - 1);
}

static void open_with_command(struct step *s)
{
	int lang = NOWHERE;

	if (match_word(&s->flow->words[WORD_START], s->folded, &lang) ||
	    match_word(&s->flow->words[WORD_LANGUAGE], s->folded, &lang))
		set_language(s, lang);
	enter(s, 0);
}

static void stop(struct step *s)
{
	end_now(s, "stop");
	s->state->silent = true;
}

static void open_text(struct step *s)
{
	struct flow_triage found;

	flow_triage(s->flow, s->text, &found);
	switch (found.text_class) {
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
		end_now(s, "meant for others");
		return;
	case FLOW_TEXT_EMPTY:
		say_text(s->flow, s->state, &s->flow->say[SAY_HELLO], &s->reply);
		end_now(s, "empty");
		return;
	}
}

/* ---- a text within a conversation ---- */

static void keep(struct step *s)
{
	if (!says_something(s)) {
		state_add_text(s->state, s->text);
		return;
	}
	hear(s);
	s->state->substantive = s->file = true;
}

static void go_back(struct step *s)
{
	struct flow_state *state = s->state;
	int to;

	if (state->path_len < 2) {
		ask_again(s);
		return;
	}
	to = state->path[state->path_len - 2];
	state->path_len -= 2;
	if (to >= (int)s->flow->node_count) {
		ask_again(s);
		return;
	}
	state_drop_answer(state, s->flow->nodes[to].name);
	if (to == s->flow->safe)
		state->safe = -1;
	enter(s, to);
}

/* A command of the flow's `words`; false if the text is none. */
static bool command(struct step *s)
{
	const struct words *words = s->flow->words;
	int lang = NOWHERE;

	if (match_word(&words[WORD_HELP], s->folded, &lang)) {
		say_text(s->flow, s->state, &s->flow->say[SAY_HELP], &s->reply);
		if (!s->reply.len)
			ask_again(s);
		return true;
	}
	if (match_word(&words[WORD_START], s->folded, &lang) ||
	    match_word(&words[WORD_LANGUAGE], s->folded, &lang)) {
		set_language(s, lang);
		ask_again(s);
		return true;
	}
	if (!match_word(&words[WORD_BACK], s->folded, &lang))
		return false;
	go_back(s);
	return true;
}

static void retry_or_tire(struct step *s, bool understood)
{
	const struct node *node = &s->flow->nodes[s->state->node];

	if (s->state->tries++ < (uint32_t)s->flow->retries) {
		if (!understood)
			say_text(s->flow, s->state, &s->flow->say[SAY_WRONG], &s->reply);
		ask_again(s);
		return;
	}
	if (node->tired == NOWHERE) {
		end_now(s, "retries spent");
		return;
	}
	audit(s, "retries spent");
	s->file = true;
	enter(s, node->tired);
}

/* A text that answers nothing may still tell everything. */
static void no_answer(struct step *s)
{
	const struct node *node = &s->flow->nodes[s->state->node];
	const struct answer *answer;

	if (fold_is_blank(s->text)) {
		retry_or_tire(s, false);
		return;
	}
	keep(s);
	answer = state_answer(s->state, node->name);
	if (answer)
		enter(s, way_on(node, answer->value));
	else
		retry_or_tire(s, s->file);
}

static void take_option(struct step *s, const struct node *node, const struct option *option)
{
	struct flow_triage found;

	flow_triage(s->flow, s->text, &found);
	if (found.urgency > s->flow->default_urgency)
		keep(s);
	if (s->state->node == s->flow->safe)
		set_safe(s, option->key, s->text);
	else
		state_set_answer(s->state, node->name, option->key, s->text);
	act(s, option->actions);
	s->file = true;
	enter(s, way_on(node, option->key));
}

static void take_number(struct step *s, const struct node *node, long number)
{
	char *value = mem_printf("%ld", number);

	state_set_answer(s->state, node->name, value, s->text);
	mem_free(value);
	s->file = true;
	enter(s, node->go);
}

static void take_text(struct step *s, const struct node *node)
{
	hear(s);
	state_set_answer(s->state, node->name, s->text, s->text);
	s->state->substantive = s->file = true;
	enter(s, node->go);
}

static void answer(struct step *s)
{
	const struct node *node = &s->flow->nodes[s->state->node];
	long number;
	int option;

	switch (node->type) {
	case TYPE_PICK:
		option = match_option(node, s->text, s->folded);
		if (option != NO_OPTION)
			take_option(s, node, &node->options[option]);
		else
			no_answer(s);
		return;
	case TYPE_NUMBER:
		if (match_number(node, s->folded, &number))
			take_number(s, node, number);
		else
			no_answer(s);
		return;
	default:
		if (match_text(node, s->folded))
			take_text(s, node);
		else
			no_answer(s);
	}
}

static void hear_danger(struct step *s)
{
	hear(s);
	fall_silent(s);
}

static void session_text(struct step *s)
{
	int lang;

	if (!s->state->ended && match_word(&s->flow->words[WORD_STOP], s->folded, &lang))
		stop(s);
	else if (s->state->ended || s->state->silent)
		keep(s); /* nobody is answered any more, but nothing is lost either */
	else if (triage_danger_near(s->flow, s->folded))
		hear_danger(s);
	else if (!command(s))
		answer(s);
}

/* ---- events ---- */

static void on_text(struct step *s)
{
	bool opened = s->state->opened;

	s->state->opened = true;
	if (opened)
		session_text(s);
	else
		open_text(s);
}

static void on_ussd_begin(struct step *s)
{
	if (s->state->ended || s->state->silent)
		return;
	if (s->state->opened)
		ask_again(s);
	else
		enter(s, 0);
	s->state->opened = true;
}

static void on_event(struct step *s)
{
	switch (s->event->kind) {
	case FLOW_EV_TEXT:
		on_text(s);
		return;
	case FLOW_EV_USSD_BEGIN:
		on_ussd_begin(s);
		return;
	case FLOW_EV_USSD_END:
		s->file = !s->state->ended;
		return;
	case FLOW_EV_TIMER:
		end_now(s, "timeout");
		return;
	case FLOW_EV_RETIRE:
		if (!s->state->ended)
			end_now(s, "retired");
		return;
	}
}

/* ---- effects ---- */

static void put_effect(struct flow_effects *out, enum flow_effect_kind kind, const char *text)
{
	if (out->count < FLOW_EFFECTS_MAX)
		out->items[out->count++] =
			(struct flow_effect){.kind = kind, .text = mem_strdup(text)};
}

static void put_timer(struct step *s, int64_t now_ms, struct flow_effects *out)
{
	int64_t wait_ms = s->event->ussd && s->flow->wait_ussd_ms ? s->flow->wait_ussd_ms
	                                                          : s->flow->wait_sms_ms;

	put_effect(out, FLOW_TIMER, NULL);
	out->items[out->count - 1].at_ms = now_ms + wait_ms;
	out->items[out->count - 1].turn = s->state->turn;
}

static void put_effects(struct step *s, int64_t now_ms, struct flow_effects *out)
{
	struct flow_state *state = s->state;
	char *stripped;

	for (size_t i = 0; i < s->audit_count; i++)
		put_effect(out, FLOW_AUDIT, s->audits[i]);
	if (s->alert)
		put_effect(out, FLOW_ALERT, NULL);
	if (s->file && state->substantive)
		put_effect(out, FLOW_FILE, NULL);
	if (s->reply.len && !state->silent) {
		stripped = s->flow->strip ? fold_to_gsm(buf_cstr(&s->reply))
		                          : mem_strdup(buf_cstr(&s->reply));
		state->reply = fold_clean(stripped, REPLY_MAX);
		mem_free(stripped);
		put_effect(out, FLOW_SEND, state->reply);
	}
	if (!state->ended)
		put_timer(s, now_ms, out);
}

void flow_effects_fini(struct flow_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		mem_free(effects->items[i].text);
	*effects = (struct flow_effects){0};
}

/* A state whose question the flow does not have can only come from damage. */
static bool fits(const struct flow *flow, const struct flow_state *state)
{
	bool waits = state->opened && !state->ended;

	if (memcmp(flow->hash, state->hash, sizeof flow->hash) || state->node >= (int)flow->node_count)
		return false;
	return !waits || (state->node >= 0 && flow->nodes[state->node].kind == NODE_ASK);
}

static void say_again(const struct flow_state *state, struct flow_effects *out)
{
	out->seen = true;
	if (state->reply && !state->silent)
		put_effect(out, FLOW_SEND, state->reply);
}

void flow_step(const struct flow *flow, struct flow_state *state, const struct flow_event *event,
               int64_t now_ms, struct flow_effects *out)
{
	struct step s = {.flow = flow, .state = state, .event = event};
	enum urgency before = state->urgency;

	*out = (struct flow_effects){0};
	if (state_seen(state, event->id)) {
		say_again(state, out);
		return;
	}
	if (event->kind == FLOW_EV_TIMER && (event->turn != state->turn || state->ended))
		return;
	state->turn++;
	state_add_id(state, event->id);
	mem_free(state->reply);
	state->reply = NULL;
	s.text = fold_clean(event->text ? event->text : "", TEXT_BYTES_MAX);
	s.folded = fold_text(s.text);
	if (!fits(flow, state))
		end_now(&s, "state does not fit its flow");
	else
		on_event(&s);
	s.alert |= state->urgency > before && state->urgency >= URGENCY_CAO;
	s.file |= s.alert;
	put_effects(&s, now_ms, out);
	buf_free(&s.reply);
	mem_free(s.folded);
	mem_free(s.text);
}
