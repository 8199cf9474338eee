/* What every reader of an author's file needs: findings with a place, keys, names, texts and words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

enum { FINDINGS_MAX = 1000, LANG_LEN_MAX = 15 };

/* ---- findings ---- */

void loading_find_at(struct loading *in, unsigned line, unsigned column, const char *code,
                        const char *text)
{
	struct flow_findings *list = in->found;
	struct flow_finding *one;

	if (list->count >= FINDINGS_MAX)
		return;
	list->items = mem_array(list->items, list->count + 1, sizeof *list->items);
	one = &list->items[list->count++];
	*one = (struct flow_finding){
		.file = mem_strdup(in->file), .line = line, .column = column, .text = mem_strdup(text)};
	snprintf(one->code, sizeof one->code, "%s", code);
}

void loading_find(struct loading *in, const struct yaml_node *at, const char *code,
                  const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	loading_find_at(in, at->line, at->column, code, text);
}

/* ---- small readers, shared with the nodes ---- */

bool loading_keys(struct loading *in, const struct yaml_node *map, const char *const *allowed)
{
	const char *key, *near;
	size_t known;

	if (map->kind != YAML_MAP) {
		loading_find(in, map, "E12", "expected keys and values");
		return false;
	}
	for (size_t i = 0; i < map->count; i++) {
		key = map->keys[i]->text;
		for (known = 0; allowed[known] && strcmp(allowed[known], key);)
			known++;
		if (allowed[known])
			continue;
		near = yaml_nearest(key, allowed);
		loading_find(in, map->keys[i], "E02", "unknown key \"%.64s\"%s%s%s", key,
		             near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	return true;
}

const char *loading_scalar(struct loading *in, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_SCALAR && node->text[0])
		return node->text;
	loading_find(in, node, "E12", "expected %s", what);
	return NULL;
}

int flow_find_lang(const struct flow *flow, const char *lang)
{
	for (size_t i = 0; i < flow->lang_count; i++)
		if (!strcmp(flow->langs[i], lang))
			return (int)i;
	return NOWHERE;
}

int loading_lang(struct loading *in, const struct yaml_node *key)
{
	char names[LANGS_MAX + 1][LANG_LEN_MAX + 1] = {{0}};
	const char *allowed[LANGS_MAX + 1] = {0}, *near;
	int lang = flow_find_lang(in->flow, key->text);

	if (lang != NOWHERE)
		return lang;
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		snprintf(names[i], sizeof names[i], "%s", in->flow->langs[i]);
		allowed[i] = names[i];
	}
	near = yaml_nearest(key->text, allowed);
	loading_find(in, key, "E02", "unknown language \"%.64s\"%s%s%s", key->text,
	             near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return NOWHERE;
}

int flow_find_node(const struct flow *flow, const char *name)
{
	for (size_t i = 0; i < flow->node_count; i++)
		if (!strcmp(flow->nodes[i].name, name))
			return (int)i;
	return NOWHERE;
}

int loading_node_ref(struct loading *in, const struct yaml_node *at)
{
	const char *name = loading_scalar(in, at, "the name of a node"), *near;
	const char *names[NODES_MAX + 1] = {0};
	int node;

	if (!name)
		return BROKEN;
	node = flow_find_node(in->flow, name);
	if (node != NOWHERE)
		return node;
	for (size_t i = 0; i < in->flow->node_count; i++)
		names[i] = in->flow->nodes[i].name;
	near = yaml_nearest(name, names);
	loading_find(in, at, "E03", "there is no node \"%.64s\"%s%s%s", name,
	             near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return BROKEN;
}

/* ---- texts ---- */

/* The next "{name}" at or after p: its length with the braces, 0 if there is none. */
static size_t next_placeholder(const char **p)
{
	const char *end;

	for (; (*p = strchr(*p, '{')); (*p)++) {
		end = strpbrk(*p + 1, "{} ");
		if (end && *end == '}')
			return (size_t)(end - *p) + 1;
	}
	return 0;
}

static bool has_placeholder(const char *text, const char *name, size_t len)
{
	size_t other;

	for (; (other = next_placeholder(&text)); text += other)
		if (other == len && !memcmp(text, name, len))
			return true;
	return false;
}

static void check_same_placeholders(struct loading *in, const struct text *text, int a, int b)
{
	const char *p = text->by_lang[a];
	size_t len;

	for (; (len = next_placeholder(&p)); p += len)
		if (!has_placeholder(text->by_lang[b], p, len))
			loading_find(in, text->at, "E08", "%.*s stands in \"%s\" but not in \"%s\"", (int)len, p,
			             in->flow->langs[a], in->flow->langs[b]);
}

static void check_placeholder_names(struct loading *in, const struct text *text, const char *p)
{
	char name[64];
	size_t len;

	for (; (len = next_placeholder(&p)); p += len) {
		snprintf(name, sizeof name, "%.*s", (int)len - 2, p + 1);
		if (strcmp(name, "ref") && strcmp(name, "urgency") &&
		    flow_find_node(in->flow, name) == NOWHERE)
			loading_find(in, text->at, "E03", "{%s} is neither ref, urgency nor a node", name);
	}
}

void loading_text(struct loading *in, const struct yaml_node *at, struct text *out)
{
	int lang;

	out->at = at;
	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected a text in every language: {%s: \"...\"}",
		             in->flow->lang_count ? in->flow->langs[0] : "vi");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		lang = loading_lang(in, at->keys[i]);
		if (at->items[i]->kind != YAML_SCALAR)
			loading_find(in, at->items[i], "E12", "expected a text");
		else if (lang != NOWHERE)
			out->by_lang[lang] = at->items[i]->text;
	}
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		if (!out->by_lang[i]) {
			loading_find(in, at, "E08", "the language \"%s\" is missing", in->flow->langs[i]);
			continue;
		}
		check_placeholder_names(in, out, out->by_lang[i]);
		if (i == 0 || !out->by_lang[0])
			continue;
		check_same_placeholders(in, out, 0, (int)i);
		check_same_placeholders(in, out, (int)i, 0);
	}
}

void loading_word_list(struct loading *in, const struct yaml_node *at, int lang, struct words *out)
{
	struct word *word;
	const char *text;

	if (at->kind != YAML_LIST) {
		loading_find(in, at, "E12", "expected a list of words: [a, b]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		text = loading_scalar(in, at->items[i], "a word");
		if (!text)
			continue;
		out->items = mem_array(out->items, out->count + 1, sizeof *out->items);
		word = &out->items[out->count++];
		*word = (struct word){
			.at = at->items[i], .text = text, .folded = fold_text(text), .lang = lang};
		if (!word->folded[0])
			loading_find(in, word->at, "E12", "\"%.32s\" holds no letter or digit", text);
	}
}

void loading_words(struct loading *in, const struct yaml_node *at, struct words *out)
{
	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected words by language: {%s: [a, b], any: [c]}",
		             in->flow->lang_count ? in->flow->langs[0] : "vi");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		bool any = !strcmp(at->keys[i]->text, "any");
		int lang = any ? NOWHERE : loading_lang(in, at->keys[i]);

		if (any || lang != NOWHERE)
			loading_word_list(in, at->items[i], lang, out);
	}
}
