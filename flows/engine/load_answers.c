/* From an author's YAML to how an answer is read: types and menus. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

enum { TEXT_MIN_MAX = 500, NUMBER_MAX_DIGITS = 6 };

/* ---- types ---- */

static bool take_number(const char **p, long *out)
{
	size_t digits = strspn(*p, "0123456789");

	if (!digits || digits > NUMBER_MAX_DIGITS)
		return false;
	*out = strtol(*p, NULL, 10);
	*p += digits;
	return true;
}

static void skip_spaces(const char **p)
{
	*p += strspn(*p, " ");
}

/* "0..17, 99" */
static bool parse_ranges(const char *p, struct question *out)
{
	struct range range;

	for (;;) {
		skip_spaces(&p);
		if (out->range_count == RANGES_MAX || !take_number(&p, &range.low))
			return false;
		range.high = range.low;
		if (!strncmp(p, "..", 2)) {
			p += 2;
			if (!take_number(&p, &range.high) || range.high < range.low)
				return false;
		}
		out->ranges[out->range_count++] = range;
		skip_spaces(&p);
		if (!*p)
			return true;
		if (*p++ != ',')
			return false;
	}
}

/* "3.." */
static bool parse_text(const char *p, struct question *out)
{
	skip_spaces(&p);
	out->text_min = 1;
	if (!*p)
		return true;
	return take_number(&p, &out->text_min) && out->text_min >= 1 &&
	       out->text_min <= TEXT_MIN_MAX && !strcmp(p, "..");
}

static bool parse_nothing(const char *p, struct question *out)
{
	(void)out;
	return !*p;
}

/* Rows as in flow_types[]. */
static const struct {
	const char *name;
	enum answer_type type;
	bool (*parse)(const char *rest, struct question *out);
} types[] = {
	{"text", TYPE_TEXT, parse_text}, {"number", TYPE_NUMBER, parse_ranges},
	{"age", TYPE_AGE, parse_ranges}, {"date", TYPE_DATE, parse_nothing},
	{"phone", TYPE_PHONE, parse_nothing}, {"code", TYPE_CODE, parse_nothing},
	{"place", TYPE_PLACE, parse_nothing},
	{"yesno", TYPE_PICK, parse_nothing},
};

static void take_words(struct loading *in, const struct yaml_node *at, const char *key,
                       struct option *out)
{
	const struct words *words = &in->flow->words[*key == 'y' ? WORD_YES : WORD_NO];
	bool found;

	*out = (struct option){.at = at, .key = key, .lang = NOWHERE, .go = NOWHERE};
	for (size_t i = 0; i < in->flow->lang_count; i++) {
		found = false;
		for (size_t j = 0; j < words->count; j++)
			found |= words->items[j].lang == (int)i;
		if (!found)
			loading_find(in, at, "E08", "`words: {%s: {%s: [...]}}` is missing above", key,
			             in->flow->langs[i]);
	}
	out->words.items = mem_array(NULL, words->count + 1, sizeof *words->items);
	for (size_t i = 0; i < words->count; i++) {
		out->words.items[i] = words->items[i];
		out->words.items[i].folded = mem_strdup(words->items[i].folded);
		out->words.items[i].sent = mem_strdup(words->items[i].sent);
	}
	out->words.count = words->count;
}

static void load_yesno(struct loading *in, const struct yaml_node *at, struct question *out)
{
	out->options = mem_alloc(2 * sizeof *out->options);
	out->option_count = 2;
	take_words(in, at, "yes", &out->options[0]);
	take_words(in, at, "no", &out->options[1]);
}

static void load_type(struct loading *in, const struct yaml_node *at, struct question *out)
{
	const char *type = loading_scalar(in, at, "a type"), *names[9] = {0};
	size_t len = type ? strcspn(type, " ") : 0;
	char *name = mem_strndup(type ? type : "", len);

	out->type = TYPE_TEXT;
	out->text_min = 1;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		names[i] = types[i].name;
		if (strcmp(name, types[i].name))
			continue;
		out->type = types[i].type;
		if (!types[i].parse(type + len + strspn(type + len, " "), out))
			loading_find(in, at, "E12", "expected \"%s\"", flow_types[i].value);
		else if (out->type == TYPE_PICK)
			load_yesno(in, at, out);
		type = NULL;
	}
	if (type)
		loading_find_near(in, at, "E12", yaml_nearest(name, names),
		                  "expected text 3.., number 0..17, age, date, phone, code, place or yesno");
	mem_free(name);
}

/* ---- menus ---- */

static void load_option_words(struct loading *in, const struct yaml_node *key,
                              const struct yaml_node *at, struct option *out)
{
	const struct yaml_node *words;

	for (size_t i = 0; i < in->flow->lang_count; i++) {
		words = yaml_find(at, in->flow->langs[i]);
		if (!words)
			loading_missing(in, key, in->flow->langs[i]);
		else if (words->kind == YAML_LIST && !words->count)
			loading_find(in, words, "E12", "expected at least one word");
		else
			loading_word_list(in, words, (int)i, &out->words);
	}
	if (yaml_find(at, "any"))
		loading_word_list(in, yaml_find(at, "any"), NOWHERE, &out->words);
}

static void load_option_kind(struct loading *in, const struct yaml_node *at, struct option *out)
{
	const char *key = loading_scalar(in, at, "a key of `kinds`");
	const char **keys = mem_alloc((in->flow->kind_count + 1) * sizeof *keys);

	for (size_t i = 0; i < in->flow->kind_count; i++) {
		keys[i] = in->flow->kinds[i].key;
		if (key && !strcmp(key, keys[i]))
			out->kind = keys[i];
	}
	if (key && !out->kind)
		loading_find_near(in, at, "E03", yaml_nearest(key, keys), "\"%.64s\" is none of `kinds`", key);
	mem_free(keys);
}

static void load_option_language(struct loading *in, const struct yaml_node *at, struct option *out)
{
	if (loading_scalar(in, at, "a language"))
		out->lang = loading_lang(in, at);
}

static void load_option(struct loading *in, const struct yaml_node *key, const struct yaml_node *at,
                        struct option *out)
{
	const char *allowed[LANGS_MAX + 6] = {0};
	size_t n = in->flow->lang_count;

	*out = (struct option){.at = key, .key = key->text, .lang = NOWHERE, .go = NOWHERE};
	memcpy(allowed, in->flow->langs, n * sizeof *allowed);
	allowed[n++] = "any";
	allowed[n++] = "kind";
	allowed[n++] = "language";
	allowed[n++] = "do";
	allowed[n] = "go";
	if (!loading_keys(in, at, allowed))
		return;
	load_option_words(in, key, at, out);
	if (yaml_find(at, "kind"))
		load_option_kind(in, yaml_find(at, "kind"), out);
	if (yaml_find(at, "language"))
		load_option_language(in, yaml_find(at, "language"), out);
	if (yaml_find(at, "do"))
		loading_actions(in, yaml_find(at, "do"), &out->actions);
	loading_go(in, at, "go", &out->go);
}

static void load_options(struct loading *in, const struct yaml_node *at, struct question *out)
{
	out->type = TYPE_PICK;
	if (at->kind != YAML_MAP || !at->count || at->count > OPTIONS_MAX) {
		loading_find(in, at, "E12", "expected one to %d answers", OPTIONS_MAX);
		return;
	}
	out->options = mem_alloc(at->count * sizeof *out->options);
	out->option_count = at->count;
	for (size_t i = 0; i < at->count; i++) {
		load_option(in, at->keys[i], at->items[i], &out->options[i]);
		loading_name(in, at->keys[i]);
	}
}

/* `none: node`, or `none: {vi: [...], en: [...], go: node}`, which stands last in the menu. */
static void load_none(struct loading *in, const struct yaml_node *at, struct question *out)
{
	if (at->kind == YAML_SCALAR) {
		out->none = loading_node_ref(in, at);
		return;
	}
	out->options = mem_alloc(sizeof *out->options);
	out->option_count = 1;
	out->has_none = true;
	load_option(in, at, at, &out->options[0]);
	out->options[0].key = "none";
	out->none = out->options[0].go;
}

static void load_from(struct loading *in, const struct yaml_node *at, struct question *out)
{
	static const char suffix[] = ".matches";
	const struct yaml_node *from = yaml_find(at, "from"), *none = yaml_find(at, "none");
	const char *text = loading_scalar(in, from, "where.matches");
	size_t len = text ? strlen(text) : 0;
	int setter = NOWHERE;

	out->type = TYPE_FROM;
	out->from_at = from;
	if (!loading_keys_in(in, at, FLOW_IN_FROM))
		return;
	if (none)
		load_none(in, none, out);
	if (len < sizeof suffix || strcmp(text + len - (sizeof suffix - 1), suffix)) {
		if (text)
			loading_find(in, from, "E12", "expected the name of a place and .matches");
		return;
	}
	out->from = mem_strndup(text, len - (sizeof suffix - 1));
	setter = flow_find_setter(in->flow, in->part, out->from);
	if (setter == NOWHERE)
		loading_find(in, from, "E03", "no question keeps an answer as \"%.64s\"", out->from);
}

bool loading_question(struct loading *in, const struct yaml_node *map, struct question *out)
{
	const struct yaml_node *type = yaml_find(map, "type"), *pick = yaml_find(map, "pick");

	if (!type && !pick)
		return false;
	out->at = pick ? pick : type;
	if (type && pick)
		loading_find(in, pick, "E12", "a question has either `type` or `pick`");
	if (pick && yaml_find(pick, "from"))
		load_from(in, pick, out);
	else if (pick)
		load_options(in, pick, out);
	else
		load_type(in, type, out);
	return true;
}
