/* What every reader of an author's file needs: findings with a place, keys, names, texts and words. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

enum { FINDINGS_MAX = 1000, LANG_LEN_MAX = 15, ALLOWED_MAX = 64, NODE_NAME_MAX = 63 };

/* ---- findings ---- */

void loading_enter(struct loading *in, int part)
{
	in->part = part;
	if (part != NOWHERE)
		in->file = in->flow->parts[part].file;
	else if (in->flow->file)
		in->file = in->flow->file;
}

static void find_in(struct loading *in, const char *file, const struct yaml_node *at, const char *code,
                    const char *text)
{
	struct flow_findings *list = in->found;
	struct flow_finding *one;

	if (list->count >= FINDINGS_MAX)
		return;
	list->items = mem_array(list->items, list->count + 1, sizeof *list->items);
	one = &list->items[list->count++];
	*one = (struct flow_finding){.file = mem_strdup(file), .line = at->line, .column = at->column,
	                             .text = mem_strdup(text)};
	snprintf(one->code, sizeof one->code, "%s", code);
}

void loading_find_at(struct loading *in, unsigned line, unsigned column, const char *code,
                     const char *text)
{
	find_in(in, in->file, &(struct yaml_node){.line = line, .column = column}, code, text);
}

void loading_find(struct loading *in, const struct yaml_node *at, const char *code,
                  const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	find_in(in, at->file ? at->file : in->file, at, code, text);
}

void loading_find_near(struct loading *in, const struct yaml_node *at, const char *code,
                       const char *near, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (near)
		loading_find(in, at, code, "%s, did you mean \"%s\"?", text, near);
	else
		loading_find(in, at, code, "%s", text);
}

/* ---- keys, numbers, names ---- */

bool loading_keys(struct loading *in, const struct yaml_node *map, const char *const *allowed)
{
	const char *key;
	size_t known;

	if (map->kind != YAML_MAP) {
		loading_find(in, map, "E12", "expected keys and values");
		return false;
	}
	for (size_t i = 0; i < map->count; i++) {
		key = map->keys[i]->text;
		for (known = 0; allowed[known] && strcmp(allowed[known], key);)
			known++;
		if (!allowed[known])
			loading_find_near(in, map->keys[i], "E02", yaml_nearest(key, allowed),
			                  "unknown key \"%.64s\"", key);
	}
	return true;
}

bool loading_keys_in(struct loading *in, const struct yaml_node *map, unsigned where)
{
	const char *allowed[ALLOWED_MAX + 1] = {0};
	size_t count = 0;

	for (const struct flow_key *row = flow_schema; row->key; row++)
		if (row->in & where && count < ALLOWED_MAX)
			allowed[count++] = row->key;
	return loading_keys(in, map, allowed);
}

const char *loading_scalar(struct loading *in, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_SCALAR && node->text[0])
		return node->text;
	loading_find(in, node, "E12", "expected %s", what);
	return NULL;
}

const char *loading_short(struct loading *in, const struct yaml_node *node, const char *what,
                          size_t max)
{
	const char *text = loading_scalar(in, node, what);

	if (!text || strlen(text) <= max)
		return text;
	loading_find(in, node, "E12", "expected %s of at most %zu bytes", what, max);
	return NULL;
}

int loading_number(struct loading *in, const struct yaml_node *node, int low, int high)
{
	const char *text = node->kind == YAML_SCALAR ? node->text : "";
	size_t digits = strspn(text, "0123456789");
	long number = digits && digits <= 6 && !text[digits] ? strtol(text, NULL, 10) : -1L;

	if (number >= low && number <= high)
		return (int)number;
	loading_find(in, node, "E12", "expected a number from %d to %d", low, high);
	return NOWHERE;
}

void loading_name(struct loading *in, const struct yaml_node *key)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = key->kind == YAML_SCALAR ? strlen(key->text) : 0;

	if (!len || len > NODE_NAME_MAX || strspn(key->text, fit) != len)
		loading_find(in, key, "E12", "expected a name of 1 to %d letters, digits, - or _, "
		             "without accents", NODE_NAME_MAX);
}

/* ---- references ---- */

int flow_find_lang(const struct flow *flow, const char *lang)
{
	for (size_t i = 0; i < flow->lang_count; i++)
		if (!strcmp(flow->langs[i], lang))
			return (int)i;
	return NOWHERE;
}

int loading_lang(struct loading *in, const struct yaml_node *key)
{
	const char *allowed[LANGS_MAX + 1] = {0};
	int lang = flow_find_lang(in->flow, key->text);

	if (lang != NOWHERE)
		return lang;
	memcpy(allowed, in->flow->langs, in->flow->lang_count * sizeof *allowed);
	loading_find_near(in, key, "E02", yaml_nearest(key->text, allowed), "unknown language \"%.64s\"",
	                  key->text);
	return NOWHERE;
}

int flow_find_part(const struct flow *flow, const char *name)
{
	for (size_t i = 0; i < flow->part_count; i++)
		if (flow->parts[i].name && !strcmp(flow->parts[i].name, name))
			return (int)i;
	return NOWHERE;
}

int loading_part_ref(struct loading *in, const struct yaml_node *at)
{
	const char *name = loading_scalar(in, at, "the name of a flow");
	const char *names[PARTS_MAX + 1] = {0};
	size_t count = 0;
	int part;

	if (!name)
		return BROKEN;
	part = flow_find_part(in->flow, name);
	if (part != NOWHERE)
		return part;
	for (size_t i = 0; i < in->flow->part_count; i++)
		if (in->flow->parts[i].name)
			names[count++] = in->flow->parts[i].name;
	loading_find_near(in, at, "E03", yaml_nearest(name, names), "there is no flow \"%.64s\"", name);
	return BROKEN;
}

static const char *nearest_node(const struct loading *in, const char *name)
{
	const struct part *part = &in->flow->parts[in->part];
	const char **names = mem_alloc((part->count + 1) * sizeof *names), *near;

	for (size_t i = 0; i < part->count; i++)
		names[i] = in->flow->nodes[(size_t)part->first + i].name;
	near = yaml_nearest(name, names);
	mem_free(names);
	return near;
}

int loading_node_ref(struct loading *in, const struct yaml_node *at)
{
	const char *name = loading_scalar(in, at, "the name of a node");
	int node;

	if (!name)
		return BROKEN;
	node = flow_find_node(in->flow, in->part, name);
	if (node != NOWHERE)
		return node;
	loading_find_near(in, at, "E03", nearest_node(in, name), "there is no node \"%.64s\"", name);
	return BROKEN;
}

/* ---- texts ---- */

size_t text_next_placeholder(const char **p)
{
	const char *end;

	for (; (*p = strchr(*p, '{')); (*p)++) {
		end = strpbrk(*p + 1, "{} ");
		if (end && *end == '}' && end > *p + 1)
			return (size_t)(end - *p) + 1;
	}
	return 0;
}

static bool has_placeholder(const char *text, const char *name, size_t len)
{
	size_t other;

	for (; (other = text_next_placeholder(&text)); text += other)
		if (other == len && !memcmp(text, name, len))
			return true;
	return false;
}

static void check_same_placeholders(struct loading *in, const struct text *text, int a, int b)
{
	const char *p = text->by_lang[a];
	size_t len;

	for (; (len = text_next_placeholder(&p)); p += len)
		if (!has_placeholder(text->by_lang[b], p, len))
			loading_find(in, text_place(text, in->flow->langs[a ? a : b]), "E08",
			             "%.*s stands in \"%s\" but not in \"%s\"", (int)len, p,
			             in->flow->langs[a], in->flow->langs[b]);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text & 0x80)
			return false;
	return true;
}

static char *as_sent(const struct flow *flow, const char *text)
{
	return flow->strip && !is_ascii(text) ? fold_to_gsm(text) : mem_strdup(text);
}

const struct yaml_node *text_place(const struct text *text, const char *lang)
{
	const struct yaml_node *own = yaml_find(text->at, lang);

	return own && own->file ? own : text->at;
}

void loading_missing(struct loading *in, const struct yaml_node *at, const char *lang)
{
	const struct lang_file *file = flow_lang_file(in->flow, lang);

	if (file)
		loading_find(in, at, "E08", "the language \"%s\" is missing: it belongs in %s", lang,
		             file->name);
	else
		loading_find(in, at, "E08", "the language \"%s\" is missing", lang);
}

static void take_languages(struct loading *in, const struct yaml_node *at, struct text *out)
{
	int lang;

	for (size_t i = 0; i < at->count; i++) {
		lang = loading_lang(in, at->keys[i]);
		if (at->items[i]->kind != YAML_SCALAR || !at->items[i]->text[0])
			loading_find(in, at->items[i], "E12", "expected a text");
		else if (lang != NOWHERE)
			out->by_lang[lang] = at->items[i]->text;
		if (lang != NOWHERE && out->by_lang[lang])
			out->sent[lang] = as_sent(in->flow, out->by_lang[lang]);
	}
}

void loading_text(struct loading *in, const struct yaml_node *at, struct text *out)
{
	out->at = at;
	if (at->kind != YAML_MAP) {
		loading_find(in, at, "E12", "expected a text in every language: {%s: \"...\"}",
		             in->flow->lang_count ? in->flow->langs[0] : "vi");
		return;
	}
	take_languages(in, at, out);
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		if (!yaml_find(at, in->flow->langs[i]))
			loading_missing(in, at, in->flow->langs[i]);
		if (i == 0 || !out->by_lang[0] || !out->by_lang[i])
			continue;
		check_same_placeholders(in, out, 0, (int)i);
		check_same_placeholders(in, out, (int)i, 0);
	}
}

void text_free(struct text *text)
{
	for (size_t i = 0; i < LANGS_MAX; i++)
		mem_free(text->sent[i]);
}

/* ---- words and phrases ---- */

void loading_word_list(struct loading *in, const struct yaml_node *at, int lang, struct words *out)
{
	struct word *word;
	const char *text;

	if (at->kind != YAML_LIST) {
		loading_find(in, at, "E12", "expected a list of words: [a, b]");
		return;
	}
	out->items = mem_array(out->items, out->count + at->count + 1, sizeof *out->items);
	for (size_t i = 0; i < at->count; i++) {
		text = loading_scalar(in, at->items[i], "a word");
		if (!text)
			continue;
		word = &out->items[out->count++];
		*word = (struct word){.at = at->items[i], .text = text, .folded = fold_text(text),
		                      .sent = i ? NULL : as_sent(in->flow, text), .lang = lang,
		                      .part = in->part};
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

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++) {
		mem_free(words->items[i].folded);
		mem_free(words->items[i].sent);
	}
	mem_free(words->items);
}

/* Every "<name>" of a phrase must be one of `classes`. */
static bool knows_classes(struct loading *in, const struct yaml_node *at, const char *text)
{
	const struct word_classes *classes = &in->flow->classes;
	const char *names[CLASSES_MAX + 1] = {NULL}, *name;
	size_t len = phrases_unknown_class(classes, text, &name);
	char *unknown;

	if (!len)
		return true;
	for (size_t i = 0; i < classes->count; i++)
		names[i] = classes->items[i].name;
	unknown = mem_strndup(name + 1, len - 1);
	unknown[strcspn(unknown, ">")] = '\0';
	loading_find_near(in, at, "E12", yaml_nearest(unknown, names), "there is no class \"%.32s\"", unknown);
	mem_free(unknown);
	return false;
}

void loading_phrases(struct loading *in, const struct yaml_node *at, struct phrases *out)
{
	const char *text;

	if (at->kind != YAML_LIST) {
		loading_find(in, at, "E12", "expected a list of phrases: [a, b]");
		return;
	}
	out->classes = &in->flow->classes;
	for (size_t i = 0; i < at->count; i++) {
		text = loading_scalar(in, at->items[i], "a phrase");
		if (text && knows_classes(in, at->items[i], text) && !phrases_add(out, text))
			loading_find(in, at->items[i], "E12", "\"%.32s\" holds no letter or digit", text);
	}
}
