/* From an author's YAML to what all flows of a pack share: limits, lists, words and texts. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

enum { NAME_LEN_MAX = 31, LANG_LEN_MAX = 15, BUDGET_SMS_MAX = 10, BUDGET_PATH_MAX = 100,
       SCREEN_MIN = 40, SCREEN_MAX = 182 };

static const int64_t WAIT_MAX_MS = INT64_C(30) * 86400000;

static const char *const word_keys[WORD_KINDS] = {
	[WORD_START] = "start", [WORD_BACK] = "back", [WORD_HELP] = "help", [WORD_STOP] = "stop",
	[WORD_LANGUAGE] = "language", [WORD_ACCENTS] = "accents", [WORD_PLAIN] = "plain", [WORD_RESTART] = "restart", [WORD_NEXT] = "next",
	[WORD_OK] = "ok", [WORD_RESUME] = "resume", [WORD_YES] = "yes", [WORD_NO] = "no",
	[WORD_PREFIX] = "prefix",
};

static const char *const say_keys[SAY_KINDS] = {
	[SAY_HELP] = "help", [SAY_WRONG] = "wrong", [SAY_HELLO] = "hello", [SAY_MORE] = "more",
	[SAY_RESUME] = "resume",
};

static void load_languages(struct loading *in, const struct yaml_node *at)
{
	const char *lang;

	if (at->kind != YAML_LIST || !at->count || at->count > LANGS_MAX) {
		loading_find(in, at, "E12", "expected a list of one to eight languages: [vi, en]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		lang = loading_short(in, at->items[i], "a language", LANG_LEN_MAX);
		if (!lang)
			continue;
		if (flow_find_lang(in->flow, lang) != NOWHERE || !strcmp(lang, "any"))
			loading_find(in, at->items[i], "E12", "\"%s\" cannot stand here", lang);
		else
			in->flow->langs[in->flow->lang_count++] = lang;
	}
}

static void load_accents(struct loading *in, const struct yaml_node *at)
{
	if (at->kind == YAML_SCALAR && (!strcmp(at->text, "strip") || !strcmp(at->text, "keep")))
		in->flow->strip = at->text[0] == 's';
	else
		loading_find(in, at, "E12", "expected strip or keep");
}

/* ---- limits: of the pack, or of one flow ---- */

void loading_wait(struct loading *in, const struct yaml_node *at, struct waits *out)
{
	static const char *const names[] = {"sms", "ussd", "resume"};
	int64_t *const fields[] = {&out->sms_ms, &out->ussd_ms, &out->resume_ms};
	const struct yaml_node *value;
	int64_t ms;

	if (!loading_keys_in(in, at, FLOW_IN_WAIT))
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		value = yaml_find(at, names[i]);
		if (!value)
			continue;
		if (value->kind == YAML_SCALAR && yaml_duration_ms(value->text, &ms) && ms > 0 &&
		    ms <= WAIT_MAX_MS)
			*fields[i] = ms;
		else
			loading_find(in, value, "E12", "expected a time of at most 30d, such as 90s or 24h");
	}
}

static void take_number(struct loading *in, const struct yaml_node *map, const char *key, int low,
                        int high, int *out)
{
	const struct yaml_node *value = yaml_find(map, key);
	int number = value ? loading_number(in, value, low, high) : NOWHERE;

	if (number != NOWHERE)
		*out = number;
}

void loading_budget(struct loading *in, const struct yaml_node *at, struct budget *out)
{
	if (!loading_keys_in(in, at, FLOW_IN_BUDGET))
		return;
	take_number(in, at, "sms", 1, BUDGET_SMS_MAX, &out->sms);
	take_number(in, at, "ussd", 1, BUDGET_SMS_MAX, &out->ussd);
	take_number(in, at, "ussd_path", 1, BUDGET_PATH_MAX, &out->ussd_path);
	take_number(in, at, "ussd_septets", SCREEN_MIN, SCREEN_MAX, &out->ussd_septets);
	if (yaml_find(at, "ussd_path")) {
		out->ussd_path_at = yaml_find(at, "ussd_path");
		out->ussd_path_part = in->part;
	}
}

void loading_say(struct loading *in, const struct yaml_node *at, struct part *out)
{
	const struct yaml_node *value;

	if (!loading_keys_in(in, at, FLOW_IN_SAY))
		return;
	for (size_t i = 0; i < SAY_KINDS; i++) {
		value = yaml_find(at, say_keys[i]);
		if (!value)
			continue;
		loading_text(in, value, &out->say[i]);
		out->says[i] = true;
	}
}

static void load_wait(struct loading *in, const struct yaml_node *at)
{
	loading_wait(in, at, &in->flow->defaults.waits);
}

static void load_budget(struct loading *in, const struct yaml_node *at)
{
	loading_budget(in, at, &in->flow->defaults.budget);
}

static void load_retries(struct loading *in, const struct yaml_node *at)
{
	in->flow->defaults.retries = loading_number(in, at, 0, 20);
	if (in->flow->defaults.retries == NOWHERE)
		in->flow->defaults.retries = 0; /* reported: no E07 for every question as well */
}

static void load_say(struct loading *in, const struct yaml_node *at)
{
	loading_say(in, at, &in->flow->defaults);
}

static void load_words(struct loading *in, const struct yaml_node *at)
{
	const struct yaml_node *value;

	if (!loading_keys_in(in, at, FLOW_IN_WORDS))
		return;
	for (size_t i = 0; i < WORD_KINDS; i++) {
		value = yaml_find(at, word_keys[i]);
		if (value)
			loading_words(in, value, &in->flow->words[i]);
	}
}

/* ---- lists by which texts are understood ---- */

static void load_class(struct loading *in, const struct yaml_node *name, const struct yaml_node *at)
{
	struct word_classes *classes = &in->flow->classes;
	const char *text;

	if (!classes_begin(classes, name->text)) {
		loading_find(in, name, "E12", "there are more than %d classes", CLASSES_MAX);
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		text = loading_scalar(in, at->items[i], "a word");
		if (text && !classes_add(classes, text))
			loading_find(in, at->items[i], "E12", "\"%.32s\" is no word and no class above", text);
	}
}

static void load_classes(struct loading *in, const struct yaml_node *at)
{
	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected classes and their words: {weapon: [a, b]}");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		loading_name(in, at->keys[i]);
		if (at->items[i]->kind == YAML_LIST)
			load_class(in, at->keys[i], at->items[i]);
		else
			loading_find(in, at->items[i], "E12", "expected a list of words: [a, b]");
	}
}

static void load_level(struct loading *in, const struct yaml_node *map, const char *key, enum urgency *out)
{
	const struct yaml_node *value = yaml_find(map, key);

	if (!value)
		return;
	for (int level = URGENCY_THAP; level <= URGENCY_KHAN_CAP; level++)
		if (value->kind == YAML_SCALAR && !strcmp(value->text, urgency_name((enum urgency)level))) {
			*out = (enum urgency)level;
			return;
		}
	loading_find(in, value, "E12", "expected thap, trung_binh, cao or khan_cap");
}

static void load_triage(struct loading *in, const struct yaml_node *at)
{
	const struct yaml_node *list;

	if (!loading_keys_in(in, at, FLOW_IN_TRIAGE))
		return;
	for (int level = URGENCY_THAP; level <= URGENCY_KHAN_CAP; level++) {
		list = yaml_find(at, urgency_name((enum urgency)level));
		if (list)
			loading_phrases(in, list, &in->flow->triage[level]);
	}
	load_level(in, at, "default", &in->flow->default_urgency);
}

/* Phrases of a kind that also say how urgent it is stand under that level, the others under `about`. */
static void load_kind(struct loading *in, const struct yaml_node *at, struct kind *kind)
{
	const struct yaml_node *list;
	size_t first;

	if (at->kind != YAML_MAP) {
		loading_phrases(in, at, &kind->phrases);
		return;
	}
	if (!loading_keys_in(in, at, FLOW_IN_KIND))
		return;
	load_level(in, at, "at_least", &kind->at_least);
	list = yaml_find(at, "about");
	if (list)
		loading_phrases(in, list, &kind->phrases);
	for (int level = URGENCY_THAP; level <= URGENCY_KHAN_CAP; level++) {
		list = yaml_find(at, urgency_name((enum urgency)level));
		if (!list)
			continue;
		first = kind->phrases.count;
		loading_phrases(in, list, &kind->phrases);
		phrases_level(&kind->phrases, first, level);
	}
}

static void load_kinds(struct loading *in, const struct yaml_node *at)
{
	struct kind *kind;
	const char *key;

	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected kinds and their phrases");
		return;
	}
	in->flow->kinds = mem_alloc((at->count + 1) * sizeof *in->flow->kinds);
	for (size_t i = 0; i < at->count; i++) {
		key = loading_short(in, at->keys[i], "a kind", NAME_LEN_MAX);
		if (!key)
			continue;
		kind = &in->flow->kinds[in->flow->kind_count++];
		kind->key = key;
		load_kind(in, at->items[i], kind);
	}
}

static void load_hints(struct loading *in, const struct yaml_node *at)
{
	struct hint *hint;
	int lang;

	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected languages and words that give them away");
		return;
	}
	in->flow->hints = mem_alloc((at->count + 1) * sizeof *in->flow->hints);
	for (size_t i = 0; i < at->count; i++) {
		lang = loading_lang(in, at->keys[i]);
		if (lang == NOWHERE)
			continue;
		hint = &in->flow->hints[in->flow->hint_count++];
		hint->lang = lang;
		loading_phrases(in, at->items[i], &hint->phrases);
	}
}

static void load_others(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->others);
}

static void load_no_contact(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->no_contact);
}

static void load_not_after(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->not_after);
}

static void load_sayings(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->sayings);
}

static void load_danger_near(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->danger_near);
}

static void load_discreet(struct loading *in, const struct yaml_node *at)
{
	loading_phrases(in, at, &in->flow->discreet);
}

static void load_start_for(struct loading *in, const struct yaml_node *at)
{
	struct role_start *start;

	if (at->kind != YAML_MAP || at->count > ROLES_MAX) {
		loading_find(in, at, "E12", "expected at most %d roles and their flows", ROLES_MAX);
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		start = &in->flow->role_starts[in->flow->role_start_count];
		start->role = loading_short(in, at->keys[i], "a role", 15);
		start->part = loading_part_ref(in, at->items[i]);
		if (start->role && start->part >= 0)
			in->flow->role_start_count++;
	}
}

/* In the order of need: what a later row refers to is read by an earlier one. */
static const struct {
	const char *key;
	void (*load)(struct loading *in, const struct yaml_node *at);
} sections[] = {
	{"languages", load_languages}, {"accents", load_accents}, {"budget", load_budget},
	{"wait", load_wait}, {"retries", load_retries}, {"discreet", load_discreet},
	{"classes", load_classes}, {"triage", load_triage}, {"kinds", load_kinds}, {"others", load_others},
	{"not_after", load_not_after}, {"sayings", load_sayings}, {"no_contact", load_no_contact},
	{"danger_near", load_danger_near}, {"hints", load_hints}, {"words", load_words},
	{"say", load_say}, {"start_for", load_start_for},
};

void loading_globals(struct loading *in, const struct yaml_node *root)
{
	const struct yaml_node *value;

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		value = yaml_find(root, sections[i].key);
		if (value)
			sections[i].load(in, value);
	}
	if (!yaml_find(root, "languages"))
		loading_find(in, root, "E12", "`languages` is missing");
}
