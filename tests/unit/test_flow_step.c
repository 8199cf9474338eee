/* The engine: the dialogues beside the shipped flow, and what holds for any conversation at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "flow_help.h"
#include "flow_places_few.h"
#include "flows/engine/dialogue.h"
#include "flows/engine/fold.h"

enum { SMS_SEPTETS = 160, CONVERSATIONS = 400, EVENTS_EACH = 25 };

static const int64_t noon_ms = INT64_C(1767225600000);

/* What people send: stories, answers, commands, slips, and things that break parsers. */
static const char *const texts[] = {
	"cuu con voi ba dang danh con", "hang xom hay bi bo danh", "111 co tinh tien khong", "1", "2", "3",
	"co", "Không", "ko ro", "khong biet nua", "xa Bom Bo", "9 tuoi", "99", "200", "00", "HD", "BC",
	"english", "tieng viet", "ok", "👍", "😭😭", " ", "", "?", "ba ve roi", "dung goi lai", "STOP",
	"Please help, she is hurt", "yes", "no", "DK_DNC_S", "{ref} {x} %s %n", "\xff\xfe\x80", "a\x01 b",
	"o tan phu", "4", "0", "dong thap", "0912 345 678", "5/3/2015", "hom qua", "BAOCAO bom bo danh 2",
	"lam lai", "tiep tuc", "ctv", "bat dau", "muong", "khac",
	"Be\xcc\x81 trai bi\xcc\xa3 nho\xcc\x82\xcc\x81t", "lop 7", "con 9 tuoi a", "khong co", "khogn",
};

/* xorshift64: repeatable from the seed that is printed. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t new_seed(const char *what)
{
	const char *given = getenv("FLOW_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;

	print_message("%s: FLOW_SEED=%llu\n", what, (unsigned long long)seed);
	return seed;
}

static void set_id(struct flow_event *event, uint64_t number)
{
	memcpy(event->id, &number, sizeof number);
	event->id[15] = 1;
}

/* A table for places, and somebody of either role. */
static const struct flow_world worlds[] = {
	{.places = &few}, {.places = &few, .role = "member"}, {.places = NULL}};

static struct flow_event random_event(uint64_t *seed, uint32_t turn)
{
	struct flow_event event = {.kind = FLOW_EV_TEXT, .text = ""};
	uint64_t dice = next_random(seed) % 100;

	set_id(&event, next_random(seed));
	event.ussd = next_random(seed) % 4 == 0;
	event.world = &worlds[*seed % 3];
	if (dice < 90) {
		event.text = texts[next_random(seed) % (sizeof texts / sizeof *texts)];
	} else if (dice < 94) {
		event.kind = FLOW_EV_TIMER;
		event.turn = turn - (dice == 93);
	} else if (dice < 96) {
		event.kind = FLOW_EV_USSD_BEGIN;
	} else if (dice < 98) {
		event.kind = FLOW_EV_USSD_END;
	} else {
		event.kind = FLOW_EV_RETIRE;
	}
	return event;
}

static struct flow_state *reload(const struct flow_state *state)
{
	struct buf bytes = {0};
	struct flow_state *again;

	flow_state_save(state, &bytes);
	assert_true(bytes.len <= FLOW_STATE_MAX);
	again = flow_state_load(bytes.data, bytes.len);
	assert_non_null(again);
	buf_free(&bytes);
	return again;
}

static void assert_same_state(const struct flow_state *a, const struct flow_state *b)
{
	struct buf x = {0}, y = {0};

	flow_state_save(a, &x);
	flow_state_save(b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);
}

static const char *reply_of(const struct flow_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].kind == FLOW_SEND)
			return effects->items[i].text;
	return NULL;
}

static size_t count_of(const struct flow_effects *effects, enum flow_effect_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < effects->count; i++)
		count += effects->items[i].kind == kind;
	return count;
}

static uint32_t turn_of(const struct flow *flow, const struct flow_state *state)
{
	struct flow_report report;
	uint32_t turn;

	flow_report(flow, state, &report);
	turn = report.turn;
	flow_report_fini(&report);
	return turn;
}

static void assert_same_effects(const struct flow_effects *a, const struct flow_effects *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->seen, b->seen);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].kind, b->items[i].kind);
		assert_true(a->items[i].at_ms == b->items[i].at_ms);
		assert_int_equal(a->items[i].turn, b->items[i].turn);
		assert_true(!a->items[i].text == !b->items[i].text);
		if (a->items[i].text)
			assert_string_equal(a->items[i].text, b->items[i].text);
	}
}

/* What holds for every step of every conversation. */
static void assert_sane(const struct flow *flow, const struct flow_state *state,
                        const struct flow_effects *effects)
{
	const char *reply = reply_of(effects);
	struct flow_report report;

	assert_true(count_of(effects, FLOW_SEND) <= 1 && count_of(effects, FLOW_FILE) <= 1);
	assert_true(!reply || !flow_state_silent(state));
	if (reply) {
		assert_true(fold_gsm_septets(reply) > 0);
		if (fold_gsm_septets(reply) > SMS_SEPTETS)
			fail_msg("%d septets: %s", fold_gsm_septets(reply), reply);
	}
	assert_true(count_of(effects, FLOW_ALERT) == 0 || count_of(effects, FLOW_FILE) == 1);
	flow_report(flow, state, &report);
	assert_true(count_of(effects, FLOW_FILE) == 0 || report.substantive);
	flow_report_fini(&report);
}

/* ---- fixtures ---- */

static int set_up(void **state)
{
	*state = load_hotline();
	return *state ? 0 : -1;
}

static int set_up_every(void **state)
{
	*state = load_pack("tests/flows/every");
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	flow_free(*state);
	return 0;
}

/* ---- tests ---- */

static void a_dialogue_that_does_not_hold_is_reported(void **state)
{
	static const char wrong[] =
		"- test: wrong\n  play:\n    - {in: cuu con voi, at: age, effects: [], says: \"\"}\n"
		"  saved: {what: x}\n  report: {urgency: thap}\n";
	struct flow_findings found = {0};

	assert_int_equal(dialogue_run(*state, NULL, "t.yaml", wrong, strlen(wrong), &found), 1);
	assert_int_equal(found.count, 5);
	flow_findings_fini(&found);
}

static void two_tests_of_one_name_are_reported(void **state)
{
	static const char twice[] = "- {test: one, play: []}\n- {test: two, play: []}\n- {test: one, play: []}\n";
	struct flow_findings found = {0};

	assert_int_equal(dialogue_run(*state, NULL, "t.yaml", twice, strlen(twice), &found), 3);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.items[0].line, 3);
	assert_string_equal(found.items[0].text, "there is another test of this name in line 1");
	flow_findings_fini(&found);
}

static void replaying_any_event_changes_nothing(void **state)
{
	uint64_t seed = new_seed("replaying");
	struct flow_effects first, again;
	struct flow_event event;

	for (int i = 0; i < CONVERSATIONS; i++) {
		struct flow_state *talk = flow_state_new(*state, "HOTLINE1-482193", "");

		for (int j = 0; j < EVENTS_EACH; j++) {
			struct flow_state *before;

			event = random_event(&seed, turn_of(*state, talk));
			flow_step(*state, talk, &event, noon_ms, &first);
			assert_sane(*state, talk, &first);
			before = reload(talk);
			flow_step(*state, talk, &event, noon_ms + 5000, &again);
			assert_same_state(before, talk);
			assert_int_equal(again.count, reply_of(&again) ? 1 : 0);
			if (again.seen && reply_of(&first))
				assert_string_equal(reply_of(&again), reply_of(&first));
			flow_state_free(before);
			flow_effects_fini(&first);
			flow_effects_fini(&again);
		}
		flow_state_free(talk);
	}
}

static void saving_between_any_two_events_changes_nothing(void **state)
{
	uint64_t seed = new_seed("saving");
	struct flow_effects x, y;

	for (int i = 0; i < CONVERSATIONS; i++) {
		struct flow_state *kept = flow_state_new(*state, "HOTLINE1-482193", i % 2 ? "en" : "");
		struct flow_state *saved = reload(kept), *again;

		for (int j = 0; j < EVENTS_EACH; j++) {
			struct flow_event event = random_event(&seed, turn_of(*state, kept));

			flow_step(*state, kept, &event, noon_ms + j, &x);
			flow_step(*state, saved, &event, noon_ms + j, &y);
			assert_same_effects(&x, &y);
			again = reload(saved);
			flow_state_free(saved);
			saved = again;
			assert_same_state(kept, saved);
			flow_effects_fini(&x);
			flow_effects_fini(&y);
		}
		flow_state_free(kept);
		flow_state_free(saved);
	}
}

/* A conversation's bytes with a few of them changed, or cut short. */
static void spoil(struct buf *bytes, uint64_t *seed)
{
	size_t changes = next_random(seed) % 6;

	for (size_t i = 0; i < changes; i++)
		bytes->data[next_random(seed) % bytes->len] = (uint8_t)next_random(seed);
	if (next_random(seed) % 8 == 0)
		bytes->len = next_random(seed) % (bytes->len + 1);
}

static void bytes_from_anywhere_are_loaded_or_refused_and_stepped_without_harm(void **state)
{
	uint64_t seed = new_seed("hostile state");
	struct flow_state *talk = flow_state_new(*state, "BP-1", "");
	struct flow_effects effects;
	size_t loaded = 0;

	for (int i = 0; i < 4 * CONVERSATIONS; i++) {
		struct flow_event event = random_event(&seed, turn_of(*state, talk));
		struct flow_state *other;
		struct buf bytes = {0};

		flow_step(*state, talk, &event, noon_ms, &effects);
		flow_effects_fini(&effects);
		flow_state_save(talk, &bytes);
		spoil(&bytes, &seed);
		other = flow_state_load(bytes.data, bytes.len);
		buf_free(&bytes);
		for (int j = 0; other && j < 3; j++) {
			event = random_event(&seed, turn_of(*state, other));
			flow_step(*state, other, &event, noon_ms, &effects);
			flow_effects_fini(&effects);
		}
		if (other)
			flow_state_free(reload(other));
		loaded += other != NULL;
		flow_state_free(other);
		if (flow_state_ended(talk) && i % 4 == 0) {
			flow_state_free(talk);
			talk = flow_state_new(*state, "BP-1", "");
		}
	}
	flow_state_free(talk);
	assert_true(loaded > 100); /* else this test looked at nothing */
}

/* Noise around two or three letters may by chance be a word that starts a flow, such as "BP". */
static bool may_be_a_word(const char *text)
{
	size_t letters = 0;

	for (; *text; text++)
		letters += (*text | 0x20) >= 'a' && (*text | 0x20) <= 'z';
	return letters <= 3;
}

static void random_bytes_as_a_text_are_never_refused(void **state)
{
	uint64_t seed = new_seed("hostile text");
	struct flow_effects effects;
	struct flow_triage found;
	char text[64];

	for (int i = 0; i < 4 * CONVERSATIONS; i++) {
		struct flow_state *talk = flow_state_new(*state, "BP-1", "");
		struct flow_event event = {.kind = FLOW_EV_TEXT, .text = text};
		size_t len = next_random(&seed) % (sizeof text - 1);

		for (size_t j = 0; j < len; j++)
			text[j] = (char)(next_random(&seed) % 255 + 1);
		text[len] = '\0';
		set_id(&event, (uint64_t)i + 1);
		flow_triage(*state, text, &found);
		flow_step(*state, talk, &event, noon_ms, &effects);
		assert_sane(*state, talk, &effects);
		if (count_of(&effects, FLOW_FILE) || !may_be_a_word(text))
			assert_int_equal(count_of(&effects, FLOW_FILE), found.text_class == FLOW_TEXT_REPORT);
		flow_effects_fini(&effects);
		flow_state_free(reload(talk));
		flow_state_free(talk);
	}
}

static void the_longest_conversation_stays_within_its_bound(void **state)
{
	struct flow_state *talk = flow_state_new(*state, "BP-1", "");
	struct flow_effects effects;
	struct flow_report report;
	char *text = mem_alloc(40000);

	memset(text, 'x', 39999);
	for (size_t i = 7; i < 39999; i += 8)
		text[i] = ' ';
	memcpy(text, "first", 5);
	for (int i = 0; i < 300; i++) {
		struct flow_event event = {.kind = FLOW_EV_TEXT, .text = text};

		set_id(&event, (uint64_t)i + 1);
		flow_step(*state, talk, &event, noon_ms, &effects);
		flow_effects_fini(&effects);
		flow_state_free(reload(talk));
		memcpy(text, "later", 5);
	}
	flow_report(*state, talk, &report);
	assert_memory_equal(report.texts[0], "first", 5);
	assert_true(report.text_count > 1);
	flow_report_fini(&report);
	flow_state_free(talk);
	mem_free(text);
}

static void a_timer_of_an_earlier_turn_does_nothing(void **state)
{
	struct flow_state *talk = flow_state_new(*state, "BP-1", ""), *before;
	struct flow_event event = {.kind = FLOW_EV_TEXT, .text = "chau be khoc ca dem"};
	struct flow_effects effects;
	uint32_t turn;

	set_id(&event, 1);
	flow_step(*state, talk, &event, noon_ms, &effects);
	assert_int_equal(count_of(&effects, FLOW_TIMER), 1);
	turn = effects.items[effects.count - 1].turn;
	assert_true(effects.items[effects.count - 1].at_ms == noon_ms + 86400000);
	flow_effects_fini(&effects);
	event.text = "2";
	set_id(&event, 2);
	flow_step(*state, talk, &event, noon_ms, &effects);
	flow_effects_fini(&effects);
	before = reload(talk);
	event = (struct flow_event){.kind = FLOW_EV_TIMER, .text = "", .turn = turn};
	set_id(&event, 3);
	flow_step(*state, talk, &event, noon_ms + 86400000, &effects);
	assert_int_equal(effects.count, 0);
	assert_same_state(before, talk);
	flow_effects_fini(&effects);
	flow_state_free(before);
	flow_state_free(talk);
}

static void a_state_of_another_version_ends_and_files_what_there_is(void **state)
{
	static const char other[] =
		"flow: other\nlanguages: [vi]\nwait: {sms: 1h}\nretries: 0\nnodes:\n"
		"  bye: {end: {vi: Xong.}}\n";
	struct flow_findings found = {0};
	struct flow *flow = flow_load("o.yaml", other, strlen(other), &found);
	struct flow_state *talk = flow_state_new(*state, "BP-1", "");
	struct flow_event event = {.kind = FLOW_EV_TEXT, .text = "chau be khoc ca dem"};
	struct flow_effects effects;

	assert_non_null(flow);
	set_id(&event, 1);
	flow_step(*state, talk, &event, noon_ms, &effects);
	flow_effects_fini(&effects);
	assert_memory_equal(flow_state_flow_hash(talk), flow_hash(*state), FLOW_HASH_LEN);
	set_id(&event, 2);
	flow_step(flow, talk, &event, noon_ms, &effects);
	assert_true(flow_state_ended(talk));
	assert_int_equal(count_of(&effects, FLOW_FILE), 1);
	assert_null(reply_of(&effects));
	flow_effects_fini(&effects);
	flow_state_free(talk);
	flow_free(flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dialogue_that_does_not_hold_is_reported),
		cmocka_unit_test(two_tests_of_one_name_are_reported),
		cmocka_unit_test(replaying_any_event_changes_nothing),
		cmocka_unit_test(saving_between_any_two_events_changes_nothing),
		cmocka_unit_test(bytes_from_anywhere_are_loaded_or_refused_and_stepped_without_harm),
		cmocka_unit_test(random_bytes_as_a_text_are_never_refused),
		cmocka_unit_test(the_longest_conversation_stays_within_its_bound),
		cmocka_unit_test(a_timer_of_an_earlier_turn_does_nothing),
		cmocka_unit_test(a_state_of_another_version_ends_and_files_what_there_is),
	};

	const struct CMUnitTest of_any_flow[] = {
		cmocka_unit_test(replaying_any_event_changes_nothing),
		cmocka_unit_test(saving_between_any_two_events_changes_nothing),
		cmocka_unit_test(bytes_from_anywhere_are_loaded_or_refused_and_stepped_without_harm),
		cmocka_unit_test(random_bytes_as_a_text_are_never_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down) +
	       cmocka_run_group_tests(of_any_flow, set_up_every, tear_down);
}
