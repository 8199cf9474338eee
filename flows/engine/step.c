/* One step of a conversation: what an event changes in the state, and what is to be done about it. */
#include "flows/engine/step.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"

void step_audit(struct step *s, const char *what)
{
	if (s->audit_count < AUDITS_MAX)
		s->audits[s->audit_count++] = what;
}

void step_trace(struct step *s, int node, enum flow_way way, size_t index)
{
	const struct flow_trace *trace = s->event->trace;

	if (trace && trace->on_way)
		trace->on_way(trace->arg, node, way, (int)index);
}

void step_end(struct step *s, const char *why)
{
	s->state->ended = true;
	s->state->node = NOWHERE;
	s->state->resuming = false;
	s->file = true;
	step_audit(s, why);
}

void step_raise(struct step *s, enum urgency urgency)
{
	if (urgency > s->state->urgency)
		s->state->urgency = urgency;
}

int step_part(const struct step *s)
{
	return s->state->part >= 0 ? s->state->part : 0;
}

bool step_is_safe_node(const struct step *s, int node)
{
	return node >= 0 && s->flow->parts[s->flow->nodes[node].part].safe == node;
}

/* ---- moving through the nodes ---- */

void step_act(struct step *s, unsigned actions)
{
	if (actions & DO_ALERT) {
		step_raise(s, URGENCY_KHAN_CAP);
		s->state->substantive = true;
		s->file = true;
	}
	if (actions & DO_RAISE)
		s->state->substantive = s->file = true;
	if (actions & (DO_FILE_URGENT | DO_RAISE))
		step_raise(s, URGENCY_CAO);
	if (actions & (DO_FILE_URGENT | DO_FILE_NORMAL))
		s->state->filed = s->file = true;
}

static int way_of_branches(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];

	for (size_t i = 0; i < node->branch_count; i++)
		if (branch_holds(s->flow, &node->branches[i], s->state, s->ussd)) {
			step_trace(s, at, FLOW_WAY_BRANCH, i);
			return node->branches[i].go;
		}
	return NOWHERE;
}

/* ---- room: `if_room` ---- */

static void say_tell(struct step *s, const struct node *node)
{
	size_t from = s->reply.len;

	say_text(&s->say, &node_question(node, s->ussd)->text);
	if (node->if_room && s->reply.len > from && s->spare_count < SPARES_MAX)
		s->spares[s->spare_count++] = (struct spare){.from = from, .to = s->reply.len};
}

static bool fits_with(const struct step *s, const struct buf *next, int part)
{
	struct buf all = {0};
	struct saying w = s->say;
	bool fits;

	buf_put(&all, s->reply.data, s->reply.len);
	buf_put_u8(&all, '\n');
	buf_put(&all, next->data, next->len);
	w.out = &all;
	fits = say_fits(&w, part);
	buf_free(&all);
	return fits;
}

/* Leaves out what may be, the last first, until what comes next has room. */
static void make_room(struct step *s, const struct buf *next, int part)
{
	const struct spare *last;

	while (s->spare_count && !fits_with(s, next, part)) {
		last = &s->spares[--s->spare_count];
		memmove(s->reply.data + last->from, s->reply.data + last->to, s->reply.len - last->to);
		s->reply.len -= last->to - last->from;
		if (!last->from && s->reply.len) /* the line end before what followed it */
			memmove(s->reply.data, s->reply.data + 1, --s->reply.len);
	}
}

static void make_room_for(struct step *s, const struct node *node)
{
	struct buf next = {0};
	struct saying w = s->say;

	if (!s->spare_count)
		return;
	w.out = &next;
	if (node->kind == NODE_ASK)
		say_question(&w, node, &node_question(node, s->ussd)->text);
	else
		say_text(&w, &node_question(node, s->ussd)->text);
	if (next.len)
		make_room(s, &next, node->part);
	buf_free(&next);
}

static void note_asked(struct flow_state *state, int at)
{
	struct asked *asked;

	if (state->path_len == PATH_MAX_NODES)
		memmove(state->path, state->path + 1, --state->path_len * sizeof *state->path);
	asked = &state->path[state->path_len++];
	*asked = (struct asked){.node = (uint16_t)at, .depth = (uint8_t)state->call_depth};
	memcpy(asked->calls, state->calls, sizeof asked->calls);
}

static void wait_at(struct step *s, int at)
{
	struct flow_state *state = s->state;
	const struct node *node = &s->flow->nodes[at];

	state->page_from = 0;
	state->node = at;
	state->tries = 0;
	state->ussd = s->ussd;
	make_room_for(s, node);
	say_question(&s->say, node, &node_question(node, s->ussd)->text);
	note_asked(state, at);
}

static bool was_passed(const struct step *s, int at)
{
	for (size_t i = 0; i < s->passed_count; i++)
		if (s->passed[i] == at)
			return true;
	return false;
}

/* A question whose answer is known is passed, but not twice in one step: who comes back to it wants
 * another answer. */
static int pass_ask(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];
	int next;

	if (was_passed(s, at) && node_question(node, s->ussd)->type != TYPE_FROM)
		state_drop_answer(s->state, node->save);
	next = step_way_on(s, at);
	if (next == BROKEN && !was_passed(s, at) && step_answer_from_text(s, at))
		next = step_way_on(s, at);
	if (next != BROKEN)
		return next;
	wait_at(s, at);
	return NOWHERE;
}

static int pass_call(struct step *s, int at)
{
	const struct part *part = &s->flow->parts[s->flow->nodes[at].call];

	if (s->state->call_depth == CALLS_MAX) {
		step_end(s, "too many calls");
		return NOWHERE;
	}
	s->state->calls[s->state->call_depth++] = (uint16_t)at;
	step_trace(s, at, FLOW_WAY_CALL, 0);
	return part->first;
}

/* The end of a flow that was called is a way back to its caller. */
static int pass_end(struct step *s, int at)
{
	int caller;

	if (s->state->call_depth) {
		caller = s->state->calls[--s->state->call_depth];
		step_trace(s, at, FLOW_WAY_RETURN, 0);
		step_trace(s, caller, FLOW_WAY_GO, 0);
		return s->flow->nodes[caller].go;
	}
	s->state->ended = true;
	s->state->node = NOWHERE;
	return NOWHERE;
}

/* One node; where to go next, NOWHERE once the conversation waits or has ended. */
static int pass(struct step *s, int at)
{
	const struct node *node = &s->flow->nodes[at];

	step_act(s, node->actions);
	switch (node->kind) {
	case NODE_ASK:
		return pass_ask(s, at);
	case NODE_WHEN:
		return way_of_branches(s, at);
	case NODE_CALL:
		return pass_call(s, at);
	case NODE_END:
		make_room_for(s, node);
		say_text(&s->say, &node_question(node, s->ussd)->text);
		return pass_end(s, at);
	default:
		make_room_for(s, node);
		say_tell(s, node);
		step_trace(s, at, FLOW_WAY_GO, 0);
		return node->go;
	}
}

void step_enter(struct step *s, int at)
{
	int next;

	while (at >= 0) {
		if (s->passed_count == FLOW_STEPS_MAX) {
			step_end(s, "too many nodes in one step");
			return;
		}
		next = pass(s, at);
		s->passed[s->passed_count++] = at;
		at = next;
	}
}

void step_enter_part(struct step *s, int part)
{
	s->state->part = part;
	s->state->call_depth = 0;
	step_enter(s, s->flow->parts[part].first);
}

void step_ask_again(struct step *s, const struct text *wording)
{
	const struct node *node = &s->flow->nodes[s->state->node];

	s->state->ussd = s->ussd;
	s->state->resuming = false;
	say_question(&s->say, node, wording ? wording : &node_question(node, s->ussd)->text);
}

void step_go_back(struct step *s)
{
	struct flow_state *state = s->state;
	struct asked to;

	state->page_from = 0;
	if (state->path_len < 2) {
		step_ask_again(s, NULL);
		return;
	}
	to = state->path[state->path_len - 2];
	if (to.node >= s->flow->node_count || s->flow->nodes[to.node].kind != NODE_ASK) {
		step_ask_again(s, NULL);
		return;
	}
	step_trace(s, state->node, FLOW_WAY_BACK, 0);
	state->path_len -= 2;
	state->call_depth = to.depth;
	memcpy(state->calls, to.calls, sizeof state->calls);
	if (step_is_safe_node(s, to.node))
		state->safe = -1;
	if (node_question(&s->flow->nodes[to.node], s->ussd)->type != TYPE_FROM)
		state_drop_answer(state, s->flow->nodes[to.node].save);
	wait_at(s, to.node);
}

/* ---- events ---- */

static void on_timer(struct step *s)
{
	int at = s->state->node;
	const struct node *node;

	if (at < 0 || s->state->silent) {
		step_end(s, "timeout");
		return;
	}
	node = &s->flow->nodes[at];
	step_trace(s, at, FLOW_WAY_TIMEOUT, 0);
	if (node->timeout == NOWHERE) {
		step_end(s, "timeout");
		return;
	}
	step_audit(s, "timeout");
	s->file = true;
	step_enter(s, node->timeout);
}

static void on_event(struct step *s)
{
	switch (s->event->kind) {
	case FLOW_EV_TEXT:
		step_text(s);
		return;
	case FLOW_EV_USSD_BEGIN:
		step_dial(s);
		return;
	case FLOW_EV_USSD_END:
		s->state->dropped = s->file = !s->state->ended;
		return;
	case FLOW_EV_TIMER:
		on_timer(s);
		return;
	case FLOW_EV_RETIRE:
		if (!s->state->ended)
			step_end(s, "retired");
		return;
	}
}

/* ---- effects ---- */

static void put_effect(struct flow_effects *out, enum flow_effect_kind kind, const char *text)
{
	if (out->count < FLOW_EFFECTS_MAX)
		out->items[out->count++] = (struct flow_effect){.kind = kind, .text = mem_strdup(text)};
}

static void put_timer(struct step *s, struct flow_effects *out)
{
	const struct waits *waits = &s->flow->parts[step_part(s)].waits;
	int64_t wait_ms = s->state->dropped ? waits->resume_ms
	                : s->state->ussd    ? waits->ussd_ms : waits->sms_ms;

	put_effect(out, FLOW_TIMER, NULL);
	out->items[out->count - 1].at_ms = s->now_ms + wait_ms;
	out->items[out->count - 1].turn = s->state->turn;
}

/* Nothing is pushed to a phone whose USSD session is over, nor unasked to one that is not safe. */
static bool may_speak(const struct step *s)
{
	if (s->state->silent)
		return false;
	if (s->event->kind == FLOW_EV_TEXT || s->event->kind == FLOW_EV_USSD_BEGIN)
		return true;
	return s->event->kind == FLOW_EV_TIMER && !s->ussd && s->state->safe != 0;
}

static void put_effects(struct step *s, struct flow_effects *out)
{
	struct flow_state *state = s->state;

	for (size_t i = 0; i < s->audit_count; i++)
		put_effect(out, FLOW_AUDIT, s->audits[i]);
	if (s->alert)
		put_effect(out, FLOW_ALERT, NULL);
	if (s->file && state->substantive)
		put_effect(out, FLOW_FILE, NULL);
	if (s->reply.len && may_speak(s)) {
		state->reply = fold_clean(buf_cstr(&s->reply), REPLY_MAX);
		put_effect(out, FLOW_SEND, state->reply);
	}
	if (!state->ended)
		put_timer(s, out);
}

void flow_effects_fini(struct flow_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		mem_free(effects->items[i].text);
	*effects = (struct flow_effects){0};
}

static bool calls_fit(const struct flow *flow, const uint16_t *calls, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		if (calls[i] >= flow->node_count || flow->nodes[calls[i]].kind != NODE_CALL)
			return false;
	return true;
}

/* A state that the flow could not have led to can only come from damage. */
static bool fits(const struct flow *flow, const struct flow_state *state)
{
	bool waits = state->opened && !state->ended;

	if (memcmp(flow->hash, state->hash, sizeof flow->hash) || state->node >= (int)flow->node_count ||
	    state->part >= (int)flow->part_count || !calls_fit(flow, state->calls, state->call_depth))
		return false;
	for (size_t i = 0; i < state->path_len; i++)
		if (!calls_fit(flow, state->path[i].calls, state->path[i].depth))
			return false;
	return !waits || (state->node >= 0 && flow->nodes[state->node].kind == NODE_ASK);
}

static void say_again(const struct flow_state *state, struct flow_effects *out)
{
	out->seen = true;
	if (state->reply && !state->silent)
		put_effect(out, FLOW_SEND, state->reply);
}

static bool on_ussd(const struct flow_state *state, const struct flow_event *event)
{
	if (event->kind == FLOW_EV_TEXT)
		return event->ussd;
	return event->kind == FLOW_EV_USSD_BEGIN || event->kind == FLOW_EV_USSD_END || state->ussd;
}

static void step_fini(struct step *s)
{
	buf_free(&s->reply);
	mem_free(s->meant);
	mem_free(s->folded);
	mem_free(s->text);
}

void flow_step(const struct flow *flow, struct flow_state *state, const struct flow_event *event,
               int64_t now_ms, struct flow_effects *out)
{
	static const struct flow_world empty;
	enum urgency before = state->urgency;
	struct step s;

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
	memset(&s, 0, offsetof(struct step, passed));
	s.passed_count = 0;
	s.flow = flow;
	s.state = state;
	s.event = event;
	s.world = event->world ? event->world : &empty;
	s.now_ms = now_ms;
	s.ussd = on_ussd(state, event);
	s.say = (struct saying){.flow = flow, .state = state, .world = s.world, .ussd = s.ussd,
	                        .out = &s.reply};
	s.text = fold_clean(event->text ? event->text : "", HEARD_BYTES_MAX);
	s.folded = fold_text(s.text);
	if (!state->opened && s.world->role)
		snprintf(state->role, sizeof state->role, "%s", s.world->role);
	if (!fits(flow, state))
		step_end(&s, "state does not fit its flow");
	else
		on_event(&s);
	s.alert |= state->urgency > before && state->urgency >= URGENCY_CAO;
	s.file |= s.alert;
	put_effects(&s, out);
	out->classed = s.triaged;
	out->text_class = s.text_class;
	step_fini(&s);
}
