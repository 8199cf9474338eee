/* A language in a file of its own: its texts join those of the flows before anything else is read, so that
 * a language comes and goes with its file and nobody else's file is touched. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

struct joining {
	struct loading *in;
	const char *lang;
	const char *file; /* borrowed from the flow */
	bool phrases;     /* lists of phrases grow; elsewhere a list is the words of one answer */
};

/* ---- trees ---- */

/* What is reported about a moved value is reported where its author wrote it. */
static void mark_file(struct yaml_node *node, const char *file)
{
	node->file = file;
	for (size_t i = 0; i < node->count; i++) {
		mark_file(node->items[i], file);
		if (node->keys)
			mark_file(node->keys[i], file);
	}
}

static void append(struct yaml_node *into, struct yaml_node *item)
{
	into->items = mem_array(into->items, into->count + 1, sizeof *into->items);
	into->items[into->count++] = item;
}

/* Takes the value out of the tree it stands in. */
static struct yaml_node *take(struct yaml_node *from, size_t i)
{
	struct yaml_node *value = from->items[i];

	memmove(&from->items[i], &from->items[i + 1], (from->count - i - 1) * sizeof *from->items);
	if (from->keys) {
		yaml_free(from->keys[i]);
		memmove(&from->keys[i], &from->keys[i + 1], (from->count - i - 1) * sizeof *from->keys);
	}
	from->count--;
	return value;
}

static struct yaml_node *new_scalar(const char *text, const struct yaml_node *at, const char *file)
{
	struct yaml_node *node = mem_alloc(sizeof *node);

	*node = (struct yaml_node){.kind = YAML_SCALAR, .line = at->line, .column = at->column,
	                           .text = mem_strdup(text), .file = file};
	return node;
}

/* `{vi: ..., en: ...}` gets one language more. */
static void add_language(struct joining *j, struct yaml_node *map, struct yaml_node *value)
{
	map->keys = mem_array(map->keys, map->count + 1, sizeof *map->keys);
	map->keys[map->count] = new_scalar(j->lang, value, j->file);
	append(map, value);
}

/* ---- joining ---- */

static void join_map(struct joining *j, struct yaml_node *into, struct yaml_node *from);

static void refuse(struct joining *j, const struct yaml_node *at, const char *name)
{
	loading_find(j->in, at, "E12", "\"%.64s\" does not stand in the flow as it stands here", name);
}

/* `again:` is a list of texts: the first to the first, the second to the second. */
static void join_texts(struct joining *j, struct yaml_node *into, struct yaml_node *from,
                       const char *name)
{
	if (into->count != from->count) {
		loading_find(j->in, from, "E12", "expected %zu texts", into->count);
		return;
	}
	for (size_t i = 0; from->count; i++) {
		if (into->items[i]->kind != YAML_MAP || from->items[0]->kind != YAML_SCALAR) {
			refuse(j, from->items[0], name);
			return;
		}
		add_language(j, into->items[i], take(from, 0));
	}
}

static void join_lists(struct joining *j, struct yaml_node *into, struct yaml_node *from,
                       const char *name)
{
	if (into->count && into->items[0]->kind == YAML_MAP)
		join_texts(j, into, from, name);
	else if (j->phrases)
		while (from->count)
			append(into, take(from, 0));
	else
		refuse(j, from, name);
}

static struct yaml_node *find(struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

/* The value of one key; true if it was taken out of `from`. */
static bool join_value(struct joining *j, struct yaml_node *target, struct yaml_node *from, size_t i)
{
	struct yaml_node *value = from->items[i];
	const char *name = from->keys[i]->text;

	if (j->phrases && target->kind == YAML_MAP && value->kind == YAML_LIST && find(target, "about"))
		target = find(target, "about"); /* a kind that says how urgent it is, and phrases that do not */
	if (target->kind == YAML_MAP && value->kind == YAML_MAP)
		join_map(j, target, value);
	else if (target->kind == YAML_LIST && value->kind == YAML_LIST)
		join_lists(j, target, value, name);
	else if (target->kind != YAML_MAP || yaml_find(target, j->lang))
		refuse(j, from->keys[i], name);
	else {
		add_language(j, target, take(from, i));
		return true;
	}
	return false;
}

static void join_map(struct joining *j, struct yaml_node *into, struct yaml_node *from)
{
	const char **names = mem_alloc((into->count + 1) * sizeof *names);
	struct yaml_node *target;
	size_t i = 0;

	for (size_t k = 0; k < into->count; k++)
		names[k] = into->keys[k]->text;
	while (i < from->count) {
		target = find(into, from->keys[i]->text);
		if (!target)
			loading_find_near(j->in, from->keys[i], "E02", yaml_nearest(from->keys[i]->text, names),
			                  "there is no \"%.64s\" to give words to", from->keys[i]->text);
		if (!target || !join_value(j, target, from, i))
			i++;
	}
	mem_free(names);
}

static void join_section(struct joining *j, struct yaml_node *into, struct yaml_node *from)
{
	if (into->kind == YAML_MAP && from->kind == YAML_MAP)
		join_map(j, into, from);
	else
		loading_find(j->in, from, "E12", "expected keys and values");
}

static void join_flows(struct joining *j, struct yaml_node *from)
{
	struct flow *flow = j->in->flow;
	int part;

	if (from->kind != YAML_MAP) {
		loading_find(j->in, from, "E12", "expected flows and their texts");
		return;
	}
	for (size_t i = 0; i < from->count; i++) {
		part = loading_part_ref(j->in, from->keys[i]);
		if (part >= 0)
			join_section(j, flow->parts[part].root, from->items[i]);
	}
}

/* ---- one file ---- */

static bool add_to_languages(struct joining *j, const struct yaml_node *name)
{
	struct yaml_node *list = find(j->in->flow->root, "languages");

	if (!list || list->kind != YAML_LIST)
		return false; /* reported when the pack is read */
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->kind == YAML_SCALAR && !strcmp(list->items[i]->text, j->lang)) {
			loading_find(j->in, name, "E12", "\"%s\" is one of `languages` already", j->lang);
			return false;
		}
	append(list, new_scalar(j->lang, name, j->file));
	return true;
}

/* Commands without a word of the language could not be given in it. A flow can do without its start word. */
static void check_commands(struct joining *j, const struct yaml_node *file)
{
	static const char *const spared[] = {"start", "prefix", "ok", NULL};
	const struct yaml_node *words = yaml_find(j->in->flow->root, "words"), *own;
	bool spare;

	for (size_t i = 0; words && words->kind == YAML_MAP && i < words->count; i++) {
		spare = yaml_find(words->items[i], "any") != NULL;
		for (size_t k = 0; spared[k]; k++)
			spare |= !strcmp(spared[k], words->keys[i]->text);
		own = yaml_find(words->items[i], j->lang);
		if (!spare && !own)
			loading_find(j->in, file, "E08", "`words: {%s: [...]}` is missing", words->keys[i]->text);
	}
}

static void join_file(struct loading *in, struct lang_file *file)
{
	static const char *const phrases[] = {"classes", "triage", "kinds", "others", "not_after", "sayings", "no_contact",
	                                      "danger_near", "discreet", NULL};
	const struct yaml_node *name = yaml_find(file->root, "language");
	struct joining j = {.in = in, .file = file->name};
	struct yaml_node *own, *target;
	const char *key;

	in->file = file->name;
	mark_file(file->root, file->name);
	loading_keys_in(in, file->root, FLOW_IN_LANG);
	loading_name(in, name);
	j.lang = name->text;
	if (!j.lang || !add_to_languages(&j, name))
		return;
	for (size_t i = file->root->count; i-- > 0;) {
		key = file->root->keys[i]->text;
		own = file->root->items[i];
		target = find(in->flow->root, key);
		if (!strcmp(key, "language"))
			continue;
		j.phrases = false;
		for (size_t k = 0; phrases[k]; k++)
			j.phrases |= !strcmp(phrases[k], key);
		if (!strcmp(key, "flows"))
			join_flows(&j, own);
		else if (!target)
			loading_find(in, file->root->keys[i], "E02", "pack.yaml has no `%.64s`", key);
		else
			join_value(&j, target, file->root, i);
	}
	check_commands(&j, name);
}

void loading_languages(struct loading *in)
{
	for (size_t i = 0; i < in->flow->lang_file_count; i++)
		join_file(in, &in->flow->lang_files[i]);
}

const struct lang_file *flow_lang_file(const struct flow *flow, const char *lang)
{
	const struct yaml_node *name;

	for (size_t i = 0; i < flow->lang_file_count; i++) {
		name = yaml_find(flow->lang_files[i].root, "language");
		if (name->kind == YAML_SCALAR && !strcmp(name->text, lang))
			return &flow->lang_files[i];
	}
	return NULL;
}
