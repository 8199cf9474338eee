/* A language's file as it must be: every text and word of a pack in its place, still in the first language. */
#include "flows/engine/skeleton.h"

#include <string.h>

#include "flows/engine/model.h"

enum { STEP = 2, DEEP = 64 };

static bool is_named(const char *key, const char *const *names)
{
	while (*names && strcmp(*names, key))
		names++;
	return *names != NULL;
}

static void put_quoted(struct buf *out, const char *text)
{
	buf_put_u8(out, '"');
	for (; *text; text++) {
		if (strchr("\"\\", *text))
			buf_put_u8(out, '\\');
		if (*text == '\n')
			buf_printf(out, "\\n");
		else
			buf_put_u8(out, (uint8_t)*text);
	}
	buf_put_u8(out, '"');
}

/* A text, the words of an answer, or a list of texts. */
static void put_own(struct buf *out, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR) {
		put_quoted(out, node->text);
		return;
	}
	buf_put_u8(out, '[');
	for (size_t i = 0; i < node->count; i++) {
		if (i)
			buf_printf(out, ", ");
		put_own(out, node->items[i]);
	}
	buf_put_u8(out, ']');
}

/* What stands in the first language below a node; false: nothing does. */
static bool put_branch(struct buf *out, const struct yaml_node *node, const char *lang, size_t indent)
{
	const struct yaml_node *own = yaml_find(node, lang);
	size_t start = out->len;
	bool any = false;

	if (own && (own->kind == YAML_SCALAR || own->kind == YAML_LIST)) {
		buf_put_u8(out, ' ');
		put_own(out, own);
		buf_put_u8(out, '\n');
		return true;
	}
	if (node->kind == YAML_LIST && node->count && yaml_find(node->items[0], lang)) {
		buf_printf(out, " [");
		for (size_t i = 0; i < node->count; i++) {
			buf_printf(out, i ? ", " : "");
			put_own(out, yaml_find(node->items[i], lang));
		}
		buf_printf(out, "]\n");
		return true;
	}
	if (node->kind != YAML_MAP || indent > DEEP)
		return false;
	buf_put_u8(out, '\n');
	for (size_t i = 0; i < node->count; i++) {
		size_t before = out->len;

		buf_printf(out, "%*s", (int)indent, "");
		put_quoted(out, node->keys[i]->text);
		buf_put_u8(out, ':');
		if (put_branch(out, node->items[i], lang, indent + STEP))
			any = true;
		else
			out->len = before;
	}
	if (!any)
		out->len = start;
	return any;
}

static void put_section(struct buf *out, const struct yaml_node *root, const char *key, const char *lang,
                        size_t indent)
{
	const struct yaml_node *node = yaml_find(root, key);
	size_t before = out->len;

	if (!node)
		return;
	buf_printf(out, "%*s%s:", (int)indent, "", key);
	if (!put_branch(out, node, lang, indent + STEP))
		out->len = before;
}

/* Start words are left out: two languages may not share them, and a flow can do without. */
static void put_commands(struct buf *out, const struct flow *flow, const char *lang)
{
	static const char *const spared[] = {"start", "prefix", "ok", "language", NULL};
	const struct yaml_node *words = yaml_find(flow->root, "words"), *own;

	buf_printf(out, "words:\n  language: [");
	put_quoted(out, lang);
	buf_printf(out, "]\n");
	for (size_t i = 0; words && words->kind == YAML_MAP && i < words->count; i++) {
		own = yaml_find(words->items[i], flow->langs[0]);
		if (!own || is_named(words->keys[i]->text, spared))
			continue;
		buf_printf(out, "  ");
		put_quoted(out, words->keys[i]->text);
		buf_printf(out, ": ");
		put_own(out, own);
		buf_put_u8(out, '\n');
	}
}

bool flow_skeleton(const struct flow *flow, const char *lang, struct buf *out)
{
	const char *first = flow->langs[0];

	if (!flow->root || flow_find_lang(flow, lang) != NOWHERE)
		return false;
	buf_printf(out, "# Every text and word of this pack, to be said in another language. Delete nothing.\n"
	           "language: %s\n"
	           "hints: []   # two of these words in a first text and replies are in this language\n", lang);
	put_commands(out, flow, lang);
	put_section(out, flow->root, "say", first, 0);
	buf_printf(out, "flows:\n");
	for (size_t i = 0; i < flow->part_count; i++) {
		buf_printf(out, "  %s:\n", flow->parts[i].name);
		put_section(out, flow->parts[i].root, "say", first, 2 * STEP);
		put_section(out, flow->parts[i].root, "nodes", first, 2 * STEP);
	}
	return true;
}
