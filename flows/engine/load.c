/* From an author's YAML to a flow: the top level, its texts, words and lists. */
#include "flows/engine/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"
#include "flows/engine/sha256.h"

enum { NAME_LEN_MAX = 31, LANG_LEN_MAX = 15, RETRIES_MAX = 20 };

static const int64_t WAIT_MAX_MS = INT64_C(30) * 86400000;

static const char *const word_keys[WORD_KINDS + 1] = {
	[WORD_START] = "start", [WORD_BACK] = "back",         [WORD_HELP] = "help",
	[WORD_STOP] = "stop",   [WORD_LANGUAGE] = "language", [WORD_OK] = "ok",
};
static const char *const say_keys[SAY_KINDS + 1] = {
	[SAY_HELP] = "help", [SAY_WRONG] = "wrong", [SAY_HELLO] = "hello",
};

/* ---- findings ---- */

static int by_place(const void *a, const void *b)
{
	const struct flow_finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->code, y->code);
}

void flow_findings_fini(struct flow_findings *list)
{
	for (size_t i = 0; i < list->count; i++) {
		mem_free(list->items[i].file);
		mem_free(list->items[i].text);
	}
	mem_free(list->items);
	*list = (struct flow_findings){0};
}

/* A key or name that is kept in states and reports, where its length is bounded. */
static const char *short_name(struct loading *in, const struct yaml_node *node, const char *what,
                              size_t max)
{
	const char *text = loading_scalar(in, node, what);

	if (!text || strlen(text) <= max)
		return text;
	loading_find(in, node, "E12", "expected %s of at most %zu bytes", what, max);
	return NULL;
}

static void load_phrases(struct loading *in, const struct yaml_node *at, struct phrases *out)
{
	const char *text;
	struct phrase *phrase;

	if (!at)
		return;
	if (at->kind != YAML_LIST) {
		loading_find(in, at, "E12", "expected a list of phrases: [a, b]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		text = loading_scalar(in, at->items[i], "a phrase");
		if (!text)
			continue;
		out->items = mem_array(out->items, out->count + 1, sizeof *out->items);
		phrase = &out->items[out->count++];
		phrase_parse(text, phrase);
		if (!phrase->count)
			loading_find(in, at->items[i], "E12", "\"%.32s\" holds no letter or digit", text);
	}
}

/* ---- the parts of the top level ---- */

static void load_languages(struct loading *in, const struct yaml_node *at)
{
	const char *lang;

	if (at->kind != YAML_LIST || !at->count || at->count > LANGS_MAX) {
		loading_find(in, at, "E12", "expected a list of one to eight languages: [vi, en]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		lang = short_name(in, at->items[i], "a language", LANG_LEN_MAX);
		if (!lang)
			continue;
		if (flow_find_lang(in->flow, lang) != NOWHERE || !strcmp(lang, "any"))
			loading_find(in, at->items[i], "E12", "\"%s\" cannot stand here", lang);
		else
			in->flow->langs[in->flow->lang_count++] = lang;
	}
}

static void load_wait(struct loading *in, const struct yaml_node *at)
{
	static const char *const allowed[] = {"sms", "ussd", NULL};
	int64_t *const fields[] = {&in->flow->wait_sms_ms, &in->flow->wait_ussd_ms};
	const struct yaml_node *value;

	if (!loading_keys(in, at, allowed))
		return;
	for (size_t i = 0; i < 2; i++) {
		int64_t ms;

		value = yaml_find(at, allowed[i]);
		if (!value)
			continue;
		if (value->kind == YAML_SCALAR && yaml_duration_ms(value->text, &ms) && ms > 0 &&
		    ms <= WAIT_MAX_MS)
			*fields[i] = ms;
		else
			loading_find(in, value, "E12", "expected a time of at most 30d, such as 90s or 24h");
	}
}

static void load_retries(struct loading *in, const struct yaml_node *at)
{
	const char *text = loading_scalar(in, at, "a number of retries");
	int64_t seconds;

	if (!text)
		return;
	if (text[strspn(text, "0123456789")] || !yaml_duration_ms(text, &seconds) ||
	    seconds > RETRIES_MAX * 1000)
		loading_find(in, at, "E12", "expected a number from 0 to %d", RETRIES_MAX);
	else
		in->flow->retries = (int)(seconds / 1000);
}

static void load_triage(struct loading *in, const struct yaml_node *at)
{
	static const char *const allowed[] = {"default", "thap", "trung_binh", "cao", "khan_cap", NULL};
	const struct yaml_node *fallback;

	if (!loading_keys(in, at, allowed))
		return;
	for (int level = URGENCY_THAP; level <= URGENCY_KHAN_CAP; level++)
		load_phrases(in, yaml_find(at, urgency_name((enum urgency)level)),
		             &in->flow->triage[level]);
	fallback = yaml_find(at, "default");
	if (!fallback)
		return;
	for (int level = URGENCY_THAP; level <= URGENCY_KHAN_CAP; level++)
		if (fallback->kind == YAML_SCALAR &&
		    !strcmp(fallback->text, urgency_name((enum urgency)level))) {
			in->flow->default_urgency = (enum urgency)level;
			return;
		}
	loading_find(in, fallback, "E12", "expected thap, trung_binh, cao or khan_cap");
}

static void load_kinds(struct loading *in, const struct yaml_node *at)
{
	struct kind *kind;
	const char *key;

	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected kinds and their phrases");
		return;
	}
	in->flow->kinds = mem_alloc(at->count * sizeof *in->flow->kinds);
	for (size_t i = 0; i < at->count; i++) {
		key = short_name(in, at->keys[i], "a kind", NAME_LEN_MAX);
		if (!key)
			continue;
		kind = &in->flow->kinds[in->flow->kind_count++];
		kind->key = key;
		load_phrases(in, at->items[i], &kind->phrases);
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
	in->flow->hints = mem_alloc(at->count * sizeof *in->flow->hints);
	for (size_t i = 0; i < at->count; i++) {
		lang = loading_lang(in, at->keys[i]);
		if (lang == NOWHERE)
			continue;
		hint = &in->flow->hints[in->flow->hint_count++];
		hint->lang = lang;
		load_phrases(in, at->items[i], &hint->phrases);
	}
}

static void load_global_words(struct loading *in, const struct yaml_node *at)
{
	const struct yaml_node *value;

	if (!loading_keys(in, at, word_keys))
		return;
	for (size_t i = 0; i < WORD_KINDS; i++) {
		value = yaml_find(at, word_keys[i]);
		if (value)
			loading_words(in, value, &in->flow->words[i]);
	}
}

static void load_say(struct loading *in, const struct yaml_node *at)
{
	const struct yaml_node *value;

	if (!loading_keys(in, at, say_keys))
		return;
	for (size_t i = 0; i < SAY_KINDS; i++) {
		value = yaml_find(at, say_keys[i]);
		if (value)
			loading_text(in, value, &in->flow->say[i]);
	}
}

static void load_first_text(struct loading *in, const struct yaml_node *at)
{
	int node = loading_node_ref(in, at);

	if (node < 0)
		return;
	in->flow->first_text = node;
	if (in->flow->nodes[node].type != TYPE_TEXT)
		loading_find(in, at, "E12", "first_text must name a question of type text");
}

static bool has_option(const struct node *node, const char *key)
{
	for (size_t i = 0; i < node->option_count; i++)
		if (!strcmp(node->options[i].key, key))
			return true;
	return false;
}

static void load_safe(struct loading *in, const struct yaml_node *at)
{
	int node = loading_node_ref(in, at);

	if (node < 0)
		return;
	in->flow->safe = node;
	if (!has_option(&in->flow->nodes[node], "yes") || !has_option(&in->flow->nodes[node], "no"))
		loading_find(in, at, "E12", "safe must name a question with the answers yes and no");
}

static void load_owed(struct loading *in, const struct yaml_node *at)
{
	int node;

	if (at->kind != YAML_LIST || at->count > NODES_MAX) {
		loading_find(in, at, "E12", "expected a list of nodes: [a, b]");
		return;
	}
	in->flow->owed = mem_alloc(at->count * sizeof *in->flow->owed);
	for (size_t i = 0; i < at->count; i++) {
		node = loading_node_ref(in, at->items[i]);
		if (node < 0)
			continue;
		in->flow->owed[in->flow->owed_count++] = node;
		if (in->flow->nodes[node].kind != NODE_ASK)
			loading_find(in, at->items[i], "E15", "\"%.64s\" asks nothing, so it is never filled",
			             at->items[i]->text);
	}
}

static void load_name(struct loading *in, const struct yaml_node *at)
{
	in->flow->name = short_name(in, at, "the name of the flow", NAME_LEN_MAX);
}

static void load_accents(struct loading *in, const struct yaml_node *at)
{
	if (at->kind == YAML_SCALAR && (!strcmp(at->text, "strip") || !strcmp(at->text, "keep")))
		in->flow->strip = at->text[0] == 's';
	else
		loading_find(in, at, "E12", "expected strip or keep");
}

static void load_others(struct loading *in, const struct yaml_node *at)
{
	load_phrases(in, at, &in->flow->others);
}

static void load_no_contact(struct loading *in, const struct yaml_node *at)
{
	load_phrases(in, at, &in->flow->no_contact);
}

static void load_danger_near(struct loading *in, const struct yaml_node *at)
{
	load_phrases(in, at, &in->flow->danger_near);
}

static void load_discreet(struct loading *in, const struct yaml_node *at)
{
	load_phrases(in, at, &in->flow->discreet);
}

/* SMS segments and USSD screens a text may take. */
static void load_budget(struct loading *in, const struct yaml_node *at)
{
	static const char *const allowed[] = {"sms", "ussd", "ussd_path", NULL};

	if (!loading_keys(in, at, allowed))
		return;
	for (size_t i = 0; i < at->count; i++)
		if (at->items[i]->kind != YAML_SCALAR || !at->items[i]->text[0] ||
		    at->items[i]->text[strspn(at->items[i]->text, "0123456789")])
			loading_find(in, at->items[i], "E12", "expected a number");
}

/* In the order of need: what a later row refers to is read by an earlier one. */
static const struct {
	const char *key;
	void (*load)(struct loading *in, const struct yaml_node *at);
	bool required;
} sections[] = {
	{"languages", load_languages, true}, {"flow", load_name, true}, {"accents", load_accents, false},
	{"budget", load_budget, false}, {"wait", load_wait, false}, {"retries", load_retries, false},
	{"discreet", load_discreet, false}, {"triage", load_triage, false},
	{"kinds", load_kinds, false}, {"others", load_others, false},
	{"no_contact", load_no_contact, false}, {"danger_near", load_danger_near, false},
	{"hints", load_hints, false}, {"words", load_global_words, false},
	{"nodes", loading_nodes, true}, {"say", load_say, false},
	{"first_text", load_first_text, false}, {"safe", load_safe, false}, {"owed", load_owed, false},
};

enum { SECTIONS = sizeof sections / sizeof *sections };

static void load_top(struct loading *in)
{
	const char *allowed[SECTIONS + 1] = {0};
	const struct yaml_node *value;

	for (size_t i = 0; i < SECTIONS; i++)
		allowed[i] = sections[i].key;
	if (!loading_keys(in, in->flow->root, allowed))
		return;
	for (size_t i = 0; i < SECTIONS; i++) {
		value = yaml_find(in->flow->root, sections[i].key);
		if (value)
			sections[i].load(in, value);
		else if (sections[i].required)
			loading_find(in, in->flow->root, "E12", "`%s` is missing", sections[i].key);
	}
	loading_check(in);
}

/* ---- public ---- */

struct flow *flow_load(const char *file, const char *bytes, size_t len, struct flow_findings *found)
{
	struct loading in = {.file = file, .found = found};
	struct yaml_error error;
	struct yaml_node *root = yaml_parse(bytes, len, &error);
	size_t before = found->count;

	if (!root) {
		loading_find_at(&in, error.line, error.column, "E01", error.text);
		return NULL;
	}
	in.flow = mem_alloc(sizeof *in.flow);
	*in.flow = (struct flow){.root = root, .strip = true, .retries = -1, .first_text = NOWHERE,
	                         .safe = NOWHERE, .default_urgency = URGENCY_TRUNG_BINH};
	sha256(bytes, len, in.flow->hash);
	load_top(&in);
	if (found->count == before)
		return in.flow;
	qsort(found->items + before, found->count - before, sizeof *found->items, by_place);
	flow_free(in.flow);
	return NULL;
}

struct flow *flow_load_file(const char *path, struct flow_findings *found)
{
	enum { READ_MAX = (1 << 20) + 1 };
	struct loading in = {.file = path, .found = found};
	FILE *file = fopen(path, "rbe");
	struct flow *flow = NULL;
	char *bytes;
	size_t len;

	if (!file) {
		loading_find_at(&in, 0, 0, "E01", "cannot open the file");
		return NULL;
	}
	bytes = mem_alloc(READ_MAX);
	len = fread(bytes, 1, READ_MAX, file);
	if (ferror(file))
		loading_find_at(&in, 0, 0, "E01", "cannot read the file");
	else
		flow = flow_load(path, bytes, len, found);
	fclose(file);
	mem_free(bytes);
	return flow;
}

static void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		mem_free(words->items[i].folded);
	mem_free(words->items);
}

static void node_free(struct node *node)
{
	for (size_t i = 0; i < node->option_count; i++)
		words_free(&node->options[i].words);
	mem_free(node->options);
	for (size_t i = 0; i < node->branch_count; i++) {
		for (size_t j = 0; j < node->branches[i].count; j++)
			mem_free(node->branches[i].terms[j].value);
		mem_free(node->branches[i].terms);
	}
	mem_free(node->branches);
}

void flow_free(struct flow *flow)
{
	if (!flow)
		return;
	for (size_t i = 0; i < flow->node_count; i++)
		node_free(&flow->nodes[i]);
	for (size_t i = 0; i < WORD_KINDS; i++)
		words_free(&flow->words[i]);
	for (size_t i = 0; i <= URGENCY_KHAN_CAP; i++)
		phrases_free(&flow->triage[i]);
	for (size_t i = 0; i < flow->kind_count; i++)
		phrases_free(&flow->kinds[i].phrases);
	for (size_t i = 0; i < flow->hint_count; i++)
		phrases_free(&flow->hints[i].phrases);
	phrases_free(&flow->others);
	phrases_free(&flow->no_contact);
	phrases_free(&flow->danger_near);
	phrases_free(&flow->discreet);
	mem_free(flow->kinds);
	mem_free(flow->hints);
	mem_free(flow->owed);
	mem_free(flow->nodes);
	yaml_free(flow->root);
	mem_free(flow);
}

const char *flow_name(const struct flow *flow)
{
	return flow->name;
}

const uint8_t *flow_hash(const struct flow *flow)
{
	return flow->hash;
}
