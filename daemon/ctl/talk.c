/* Plays events against a flow and shows what comes of them. */
#include "ctl/talk.h"

#include <string.h>

#include "base/mem.h"
#include "core/flow_places.h"
#include "ctl/ctl.h"
#include "flows/engine/cost.h"
#include "flows/engine/view.h"

/* The moment at which the tests begin as well: what is said about dates comes out the same. */
static const int64_t START_MS = INT64_C(1767225600000);
static const char REF[] = "BP-1234";
static const char CODE[] = "*111#";

/* ---- printing ---- */

static void dim(const char *text)
{
	printf(ctl_globals.colour ? "  \033[2m[%s]\033[0m\n" : "  [%s]\n", text);
}

static void print_reply(const struct talk *talk, const char *text)
{
	const char *mark = "< ", *p = text, *end;
	struct cost cost;
	char *size;

	if (talk->ussd)
		ctl_screen(CODE, text, !flow_state_ended(talk->state));
	while (!talk->ussd) {
		end = strchrnul(p, '\n');
		printf("%s%.*s\n", mark, (int)(end - p), p);
		if (!*end)
			break;
		mark = "  ";
		p = end + 1;
	}
	cost_of(text, &cost);
	if (talk->ussd)
		size = mem_printf("%zu of %d", cost.units, cost.ucs2 ? COST_UCS2_SCREEN : COST_GSM_SCREEN);
	else
		size = mem_printf("%zu SMS, %zu %s", cost.segments, cost.units,
		                  cost.ucs2 ? "UCS-2 units" : "characters");
	dim(size);
	mem_free(size);
}

static void put_span(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;

	while (ms % units[i].ms)
		i++;
	buf_printf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
}

/* ---- one step ---- */

static bool is_partial(const struct talk *talk)
{
	struct flow_report report;
	bool partial;

	flow_report(talk->flow, talk->state, &report);
	partial = report.partial;
	flow_report_fini(&report);
	return partial;
}

static void put_effect(struct buf *out, const char *name)
{
	buf_printf(out, "%s%s", out->len ? ", " : "", name);
}

/* Files first, then alerts: the order in which the tests name them. */
static char *effect_names(const struct talk *talk, const struct flow_effects *effects)
{
	struct buf out = {0};
	char *names;

	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_FILE)
			put_effect(&out, is_partial(talk) ? "file partial" : "file");
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_ALERT)
			put_effect(&out, "alert duty");
	names = mem_strdup(buf_cstr(&out));
	buf_free(&out);
	return names;
}

static void take_effects(struct talk *talk, struct talk_step *step,
                         const struct flow_effects *effects)
{
	struct buf span = {0};

	for (size_t i = 0; i < effects->count; i++) {
		const struct flow_effect *effect = &effects->items[i];

		if (effect->kind == FLOW_SEND) {
			step->reply = mem_strdup(effect->text);
			print_reply(talk, effect->text);
		} else if (effect->kind == FLOW_AUDIT) {
			dim(effect->text);
		} else if (effect->kind == FLOW_TIMER) {
			talk->due_ms = effect->at_ms;
			talk->due_turn = effect->turn;
			put_span(&span, effect->at_ms - talk->now_ms);
		}
	}
	if (flow_state_ended(talk->state))
		talk->due_ms = 0;
	step->effects = effect_names(talk, effects);
	if (step->effects[0])
		dim(step->effects);
	if (span.len && talk->due_ms) {
		char *timer = mem_printf("at %s, waits %s", step->at, buf_cstr(&span));

		dim(timer);
		mem_free(timer);
	}
	buf_free(&span);
	if (flow_state_ended(talk->state))
		dim(flow_state_silent(talk->state) ? "end; nothing is ever sent after this" : "end");
}

static struct talk_step *push(struct talk *talk)
{
	struct talk_step *step;

	talk->steps = mem_array(talk->steps, talk->count + 1, sizeof *talk->steps);
	step = &talk->steps[talk->count++];
	*step = (struct talk_step){.now_ms = talk->now_ms,
	                           .due_ms = talk->due_ms,
	                           .due_turn = talk->due_turn,
	                           .ussd = talk->ussd};
	flow_state_save(talk->state, &step->before);
	return step;
}

/* The engine sees the state as the daemon gives it: saved and loaded again. */
static void reload(struct talk *talk, const struct buf *saved)
{
	struct flow_state *again = flow_state_load(saved->data, saved->len);

	if (!again)
		return;
	flow_state_free(talk->state);
	talk->state = again;
}

static void play(struct talk *talk, struct talk_step *step, struct flow_event *event)
{
	struct flow_effects effects;

	event->ussd = talk->ussd;
	event->world = &talk->world;
	talk->events++;
	memcpy(event->id, &talk->events, sizeof talk->events);
	reload(talk, &step->before);
	flow_step(talk->flow, talk->state, event, talk->now_ms, &effects);
	step->at = mem_strdup(view_at(talk->flow, talk->state));
	take_effects(talk, step, &effects);
	flow_effects_fini(&effects);
}

void talk_event(struct talk *talk, enum flow_event_kind kind, const char *text)
{
	struct flow_event event = {.kind = kind, .text = text ? text : ""};
	struct talk_step *step = push(talk);

	step->kind = kind;
	step->text = kind == FLOW_EV_TEXT ? mem_strdup(text) : NULL;
	if (!talk->events)
		talk->began_ussd = kind == FLOW_EV_USSD_BEGIN || talk->ussd;
	if (kind == FLOW_EV_USSD_BEGIN)
		talk->ussd = true;
	play(talk, step, &event);
	if (kind == FLOW_EV_USSD_END)
		talk->ussd = false;
}

static void pass_time(struct talk *talk, int64_t wait_ms)
{
	struct talk_step *step = push(talk);
	struct flow_event event = {.kind = FLOW_EV_TIMER, .text = "", .turn = talk->due_turn};

	step->kind = FLOW_EV_TIMER;
	step->wait_ms = wait_ms;
	talk->now_ms += wait_ms;
	step->timer = talk->due_ms && talk->due_ms <= talk->now_ms;
	if (step->timer) {
		play(talk, step, &event);
		return;
	}
	step->at = mem_strdup(view_at(talk->flow, talk->state));
	step->effects = mem_strdup("");
	dim("nothing happens");
}

void talk_wait(struct talk *talk, int64_t wait_ms)
{
	int64_t until_ms = talk->now_ms + wait_ms, turn_ms;

	do {
		turn_ms = talk->due_ms && talk->due_ms < until_ms ? talk->due_ms : until_ms;
		pass_time(talk, turn_ms - talk->now_ms);
	} while (talk->now_ms < until_ms && talk->due_ms && talk->due_ms <= until_ms);
	talk->now_ms = until_ms;
}

/* ---- the whole ---- */

static void free_step(struct talk_step *step)
{
	mem_free(step->text);
	mem_free(step->at);
	mem_free(step->effects);
	mem_free(step->reply);
	buf_free(&step->before);
}

void talk_begin(struct talk *talk)
{
	talk->world = (struct flow_world){.places = flow_places_vn(), .role = talk->role};
	talk->state = flow_state_new(talk->flow, REF, talk->lang ? talk->lang : "");
	talk->now_ms = START_MS;
	talk->due_ms = 0;
	talk->events = 0;
	talk->began_ussd = talk->ussd;
}

void talk_end(struct talk *talk)
{
	for (size_t i = 0; i < talk->count; i++)
		free_step(&talk->steps[i]);
	mem_free(talk->steps);
	flow_state_free(talk->state);
	talk->steps = NULL;
	talk->state = NULL;
	talk->count = 0;
}

bool talk_undo(struct talk *talk)
{
	struct talk_step *step;

	if (!talk->count)
		return false;
	step = &talk->steps[--talk->count];
	reload(talk, &step->before);
	talk->now_ms = step->now_ms;
	talk->due_ms = step->due_ms;
	talk->due_turn = step->due_turn;
	talk->ussd = step->ussd;
	free_step(step);
	if (talk->count && talk->steps[talk->count - 1].reply)
		print_reply(talk, talk->steps[talk->count - 1].reply);
	return true;
}

void talk_show(const struct talk *talk)
{
	static const char *const safe_names[] = {"unknown", "no", "yes"};
	struct flow_report report;
	json_t *answers, *all;

	flow_report(talk->flow, talk->state, &report);
	answers = json_object();
	for (size_t i = 0; i < report.answer_count; i++)
		json_object_set_new(answers, report.answers[i].name, json_string(report.answers[i].value));
	all = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "at", view_at(talk->flow, talk->state), "urgency",
	                urgency_name(report.urgency), "kind", report.kind, "language",
	                report.lang, "safe", safe_names[report.safe_contact + 1], "report",
	                !report.substantive ? "none" : report.partial ? "partial" : "complete", "answers",
	                answers);
	ctl_object(stdout, all, 2);
	json_decref(all);
	flow_report_fini(&report);
}
