/* Plays the tests beside a pack, as data, and lists where the engine said otherwise. */
#include "flows/engine/dialogue.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"
#include "flows/engine/sha256.h"
#include "flows/engine/state.h"

/* Any moment does; a fixed one makes failures repeatable. */
static const int64_t START_MS = INT64_C(1767225600000);

struct playing {
	struct loading in; /* for its findings */
	const struct flow *flow;
	struct flow_world world;
	const struct flow_trace *trace;
	struct flow_state *state; /* owned */
	const struct yaml_node *step;
	const struct yaml_node *answers; /* to questions that tests do not mention; NULL: none */
	bool ussd;
	int64_t now_ms, due_ms; /* due_ms: 0 without a timer */
	uint32_t due_turn;
	unsigned events;
};

static const char *text_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *value = yaml_find(map, key);

	return value && value->kind == YAML_SCALAR ? value->text : NULL;
}

/* ---- events ---- */

static void save_and_load(struct playing *p)
{
	struct buf before = {0}, after = {0};
	struct flow_state *again;

	flow_state_save(p->state, &before);
	again = flow_state_load(before.data, before.len);
	if (!again) {
		loading_find(&p->in, p->step, "T01", "the saved state cannot be loaded");
	} else {
		flow_state_save(again, &after);
		if (before.len != after.len || memcmp(before.data, after.data, before.len))
			loading_find(&p->in, p->step, "T01", "the state changed by being saved");
		flow_state_free(p->state);
		p->state = again;
	}
	buf_free(&before);
	buf_free(&after);
}

/* A step's id, or one of its own for a step without: the same name gives the same bytes. */
static void set_id(struct playing *p, struct flow_event *event)
{
	const char *name = text_of(p->step, "id");
	char *own = mem_printf("%s%u", name ? "id " : "event ", name ? 0 : ++p->events);
	char *all = mem_printf("%s %s", own, name ? name : "");
	uint8_t hash[SHA256_LEN];

	sha256(all, strlen(all), hash);
	memcpy(event->id, hash, sizeof event->id);
	mem_free(all);
	mem_free(own);
}

static void note_timer(struct playing *p, const struct flow_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_TIMER) {
			p->due_ms = effects->items[i].at_ms;
			p->due_turn = effects->items[i].turn;
		}
	if (flow_state_ended(p->state))
		p->due_ms = 0;
}

static bool named_event(const char *name, enum flow_event_kind *kind)
{
	static const struct {
		const char *name;
		enum flow_event_kind kind;
	} events[] = {{"retire", FLOW_EV_RETIRE}, {"ussd begin", FLOW_EV_USSD_BEGIN},
	              {"ussd end", FLOW_EV_USSD_END}};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (!strcmp(events[i].name, name)) {
			*kind = events[i].kind;
			return true;
		}
	return false;
}

/* False when nothing happens in this step: the wait was too short for the timer. */
static bool event_of(struct playing *p, struct flow_event *event)
{
	const char *in = text_of(p->step, "in"), *wait = text_of(p->step, "wait");
	const char *name = text_of(p->step, "event");
	int64_t wait_ms;

	*event = (struct flow_event){.kind = FLOW_EV_TEXT, .text = in ? in : "", .ussd = p->ussd,
	                             .world = &p->world, .trace = p->trace};
	set_id(p, event);
	if (in)
		return true;
	if (name && named_event(name, &event->kind)) {
		p->ussd |= event->kind == FLOW_EV_USSD_BEGIN;
		event->ussd = p->ussd;
		return true;
	}
	if (!wait || !yaml_duration_ms(wait, &wait_ms)) {
		loading_find(&p->in, p->step, "E12", "a step needs `in`, `wait: 24h` or `event: retire`");
		return false;
	}
	p->now_ms += wait_ms;
	if (!p->due_ms || p->due_ms > p->now_ms)
		return false;
	event->kind = FLOW_EV_TIMER;
	event->turn = p->due_turn;
	return true;
}

/* ---- expectations ---- */

static void put_name(struct buf *out, const char *name)
{
	buf_printf(out, "%s%s", out->len ? ", " : "", name);
}

/* What was filed and who was alerted, in the words of the tests. */
static void name_effects(struct playing *p, const struct flow_effects *effects, struct buf *out)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_FILE)
			put_name(out, p->state->filed ? "file" : "file partial");
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_ALERT)
			put_name(out, "alert duty");
}

static void expect_effects(struct playing *p, const struct flow_effects *effects)
{
	const struct yaml_node *list = yaml_find(p->step, "effects");
	struct buf want = {0}, got = {0};

	if (!list)
		return;
	for (size_t i = 0; list->kind == YAML_LIST && i < list->count; i++)
		put_name(&want, list->items[i]->kind == YAML_SCALAR ? list->items[i]->text : "?");
	name_effects(p, effects, &got);
	if (strcmp(buf_cstr(&want), buf_cstr(&got)))
		loading_find(&p->in, list, "T01", "expected effects [%s], found [%s]", buf_cstr(&want),
		             buf_cstr(&got));
	buf_free(&want);
	buf_free(&got);
}

static void expect_words(struct playing *p, const struct flow_effects *effects)
{
	const char *says = text_of(p->step, "says"), *omits = text_of(p->step, "omits"), *reply = NULL;

	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_SEND)
			reply = effects->items[i].text;
	if (omits && reply && strstr(reply, omits))
		loading_find(&p->in, p->step, "T01", "expected a reply without \"%s\", found \"%s\"", omits, reply);
	if (!says)
		return;
	if (!*says && reply)
		loading_find(&p->in, p->step, "T01", "expected no reply, found \"%s\"", reply);
	else if (*says && (!reply || !strstr(reply, says)))
		loading_find(&p->in, p->step, "T01", "expected a reply with \"%s\", found \"%s\"", says,
		             reply ? reply : "");
}

static const struct node *waiting_node(const struct playing *p)
{
	if (p->state->ended || p->state->node < 0 || p->state->node >= (int)p->flow->node_count)
		return NULL;
	return &p->flow->nodes[p->state->node];
}

/* "node", or "flow.node" where two flows have a node of that name. */
static void expect_node(struct playing *p)
{
	const char *at = text_of(p->step, "at");
	const struct node *node = waiting_node(p);
	char *found, *full;

	found = mem_strdup(p->state->ended ? "end" : node ? node->name : "start");
	full = mem_printf("%s.%s", node ? p->flow->parts[node->part].name : "", found);
	if (at && strcmp(at, found) && strcmp(at, full))
		loading_find(&p->in, p->step, "T01", "expected to stand at %s, found %s", at, found);
	mem_free(full);
	mem_free(found);
}

static void expect_answers(struct playing *p, const struct yaml_node *saved)
{
	const struct answer *answer;
	const char *found;

	for (size_t i = 0; saved && saved->kind == YAML_MAP && i < saved->count; i++) {
		answer = state_answer(p->state, saved->keys[i]->text);
		found = answer ? answer->value : "";
		if (saved->items[i]->kind != YAML_SCALAR || strcmp(saved->items[i]->text, found))
			loading_find(&p->in, saved->items[i], "T01", "expected %s to be \"%s\", found \"%s\"",
			             saved->keys[i]->text,
			             saved->items[i]->kind == YAML_SCALAR ? saved->items[i]->text : "?",
			             found);
	}
}

static void expect_field(struct playing *p, const struct yaml_node *map, const char *key,
                         const char *found)
{
	const char *want = text_of(map, key);

	if (want && strcmp(want, found))
		loading_find(&p->in, yaml_find(map, key), "T01", "expected %s %s, found %s", key, want,
		             found);
}

static void expect_report(struct playing *p, const struct yaml_node *map)
{
	static const char *const allowed[] = {"urgency", "kind", "partial", "safe", "lang", "silent",
	                                      "substantive", "flow", NULL};
	static const char *const safe_names[] = {"unknown", "no", "yes"};
	struct flow_report report;

	if (!map || !loading_keys(&p->in, map, allowed))
		return;
	flow_report(p->flow, p->state, &report);
	expect_field(p, map, "urgency", urgency_name(report.urgency));
	expect_field(p, map, "kind", report.kind);
	expect_field(p, map, "partial", report.partial ? "yes" : "no");
	expect_field(p, map, "safe", safe_names[report.safe_contact + 1]);
	expect_field(p, map, "lang", report.lang);
	expect_field(p, map, "flow", report.flow);
	expect_field(p, map, "silent", p->state->silent ? "yes" : "no");
	expect_field(p, map, "substantive", report.substantive ? "yes" : "no");
	flow_report_fini(&report);
}

/* ---- questions that were added after a test was written ---- */

/* The answer to the question that waits, if the test does not expect it there. */
static const char *given_answer(const struct playing *p)
{
	const char *at = text_of(p->step, "at"), *dot = at ? strchr(at, '.') : NULL;
	const struct node *node = waiting_node(p);

	if (!at || !node || !strcmp(dot ? dot + 1 : at, node->name))
		return NULL;
	return text_of(p->answers, node->name);
}

static bool alerts(const struct flow_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_ALERT)
			return true;
	return false;
}

/* Answers them on; what the step leads to in the end counts, and an alert on the way. */
static void answer_on(struct playing *p, struct flow_effects *effects)
{
	const char *answer;
	bool alert;

	while (p->answers && (answer = given_answer(p))) {
		struct flow_event event = {.kind = FLOW_EV_TEXT, .text = answer, .ussd = p->ussd,
		                           .world = &p->world, .trace = p->trace};
		int before = p->state->node;

		alert = alerts(effects);
		flow_effects_fini(effects);
		snprintf((char *)event.id, sizeof event.id, "answer %u", ++p->events);
		flow_step(p->flow, p->state, &event, p->now_ms, effects);
		note_timer(p, effects);
		if (alert && !alerts(effects) && effects->count < FLOW_EFFECTS_MAX)
			effects->items[effects->count++] = (struct flow_effect){.kind = FLOW_ALERT};
		if (p->state->node == before)
			return; /* no answer to it: the test says where it stands */
	}
}

/* ---- tests ---- */

static void play_step(struct playing *p)
{
	static const char *const allowed[] = {"in", "id", "wait", "event", "at", "effects", "says", "omits",
	                                      NULL};
	struct flow_effects effects = {0};
	struct flow_event event;

	if (!loading_keys(&p->in, p->step, allowed))
		return;
	if (event_of(p, &event)) {
		flow_step(p->flow, p->state, &event, p->now_ms, &effects);
		note_timer(p, &effects);
		p->ussd &= event.kind != FLOW_EV_USSD_END;
		answer_on(p, &effects);
	}
	expect_effects(p, &effects);
	expect_words(p, &effects);
	expect_node(p);
	flow_effects_fini(&effects);
	save_and_load(p);
}

/* p: as it is before each test. */
static void play_test(struct playing p, const struct yaml_node *test)
{
	static const char *const allowed[] = {"test", "from", "role", "lang", "play", "saved", "report",
	                                      NULL};
	const struct yaml_node *play = yaml_find(test, "play");
	const char *from = text_of(test, "from"), *lang = text_of(test, "lang");

	if (!loading_keys(&p.in, test, allowed))
		return;
	if (!text_of(test, "test") || !play || play->kind != YAML_LIST) {
		loading_find(&p.in, test, "E12", "a test needs a name (`test`) and steps (`play`)");
		return;
	}
	p.ussd = from && !strncmp(from, "ussd", 4);
	p.world.role = text_of(test, "role");
	p.state = flow_state_new(p.flow, "BP-1234", lang ? lang : "");
	for (size_t i = 0; i < play->count; i++) {
		p.step = play->items[i];
		play_step(&p);
	}
	expect_answers(&p, yaml_find(test, "saved"));
	expect_report(&p, yaml_find(test, "report"));
	flow_state_free(p.state);
}

/* A failure is told by its test's name. */
static void check_name(struct loading *in, const struct yaml_node *root, size_t at)
{
	const char *name = text_of(root->items[at], "test");

	for (size_t i = 0; i < at && name; i++) {
		const char *other = text_of(root->items[i], "test");

		if (other && strcmp(other, name) == 0) {
			loading_find(in, yaml_find(root->items[at], "test"), "E12",
				     "there is another test of this name in line %u", root->items[i]->line);
			return;
		}
	}
}

size_t dialogue_run(const struct flow *flow, const struct dialogue_options *options,
                    const char *file, const char *bytes, size_t len,
                    struct flow_findings *failures)
{
	struct playing start = {.in = {.file = file, .part = NOWHERE, .found = failures}, .flow = flow,
	                        .now_ms = START_MS};
	static const char *const only_answers[] = {"answers", NULL};
	struct yaml_error error;
	struct yaml_node *root = yaml_parse(bytes, len, &error);
	size_t count = 0;

	if (!root) {
		loading_find_at(&start.in, error.line, error.column, "E01", error.text);
		return 0;
	}
	if (options) {
		start.world = (struct flow_world){.places = options->places, .home = options->home};
		start.trace = options->trace;
	}
	if (root->kind != YAML_LIST)
		loading_find(&start.in, root, "E12", "expected a list of tests");
	else
		count = root->count;
	for (size_t i = 0; i < root->count && count; i++) {
		if (yaml_find(root->items[i], "answers") &&
		    loading_keys(&start.in, root->items[i], only_answers)) {
			start.answers = yaml_find(root->items[i], "answers");
			count--;
		} else {
			check_name(&start.in, root, i);
			play_test(start, root->items[i]);
		}
	}
	yaml_free(root);
	return count;
}
