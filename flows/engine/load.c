/* From bytes to a checked pack of flows: its files, the top of each flow, and what it lends from the
 * pack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"
#include "flows/engine/sha256.h"

enum { NAME_LEN_MAX = 31, TITLE_LEN_MAX = 200 };

/* ---- findings ---- */

static int by_place(const void *a, const void *b)
{
	const struct flow_finding *x = a, *y = b;
	int files = strcmp(x->file, y->file);

	if (files)
		return files;
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

/* ---- the top of one flow ---- */

static bool has_option(const struct question *question, const char *key)
{
	for (size_t i = 0; i < question->option_count; i++)
		if (!strcmp(question->options[i].key, key))
			return true;
	return false;
}

static void load_first_text(struct loading *in, const struct yaml_node *at, struct part *part)
{
	int node = loading_node_ref(in, at);

	if (node < 0)
		return;
	part->first_text = node;
	if (in->flow->nodes[node].ask.type != TYPE_TEXT)
		loading_find(in, at, "E12", "first_text must name a question of type text");
}

static void load_safe(struct loading *in, const struct yaml_node *at, struct part *part)
{
	int node = loading_node_ref(in, at);

	if (node < 0)
		return;
	part->safe = node;
	if (!has_option(&in->flow->nodes[node].ask, "yes") ||
	    !has_option(&in->flow->nodes[node].ask, "no"))
		loading_find(in, at, "E12", "safe must name a question with the answers yes and no");
}

static void load_owed(struct loading *in, const struct yaml_node *at, struct part *part)
{
	int node;

	if (at->kind != YAML_LIST || at->count > part->count) {
		loading_find(in, at, "E12", "expected a list of nodes, each once: [a, b]");
		return;
	}
	part->owed = mem_alloc((at->count + 1) * sizeof *part->owed);
	for (size_t i = 0; i < at->count; i++) {
		node = loading_node_ref(in, at->items[i]);
		if (node < 0)
			continue;
		part->owed[part->owed_count++] = node;
		if (in->flow->nodes[node].kind != NODE_ASK)
			loading_find(in, at->items[i], "E15", "\"%.64s\" asks nothing, so it is never filled",
			             at->items[i]->text);
	}
}

static void load_retries(struct loading *in, const struct yaml_node *at, struct part *part)
{
	int retries = loading_number(in, at, 0, 20);

	part->retries = retries == NOWHERE ? 0 : retries;
}

static void load_wait(struct loading *in, const struct yaml_node *at, struct part *part)
{
	loading_wait(in, at, &part->waits);
}

static void load_budget(struct loading *in, const struct yaml_node *at, struct part *part)
{
	loading_budget(in, at, &part->budget);
}

static void load_say(struct loading *in, const struct yaml_node *at, struct part *part)
{
	loading_say(in, at, part);
}

static void load_words(struct loading *in, const struct yaml_node *at, struct part *part)
{
	(void)part;
	if (!loading_keys_in(in, at, FLOW_IN_FLOW_WORDS))
		return;
	if (yaml_find(at, "start"))
		loading_words(in, yaml_find(at, "start"), &in->flow->words[WORD_START]);
	if (yaml_find(at, "prefix"))
		loading_words(in, yaml_find(at, "prefix"), &in->flow->words[WORD_PREFIX]);
}

/* own_only: a lone flow has given these to all of its flows already. */
static const struct {
	const char *key;
	void (*load)(struct loading *in, const struct yaml_node *at, struct part *part);
	bool own_only;
} sections[] = {
	{"wait", load_wait, true}, {"budget", load_budget, true}, {"retries", load_retries, true},
	{"words", load_words, true}, {"say", load_say, true}, {"first_text", load_first_text, false},
	{"safe", load_safe, false}, {"owed", load_owed, false},
};

/* What the flow does not say itself, the pack says for it. */
static void lend(const struct part *from, struct part *to)
{
	if (!to->waits.sms_ms)
		to->waits.sms_ms = from->waits.sms_ms;
	if (!to->waits.ussd_ms)
		to->waits.ussd_ms = from->waits.ussd_ms ? from->waits.ussd_ms : to->waits.sms_ms;
	if (!to->waits.resume_ms)
		to->waits.resume_ms = from->waits.resume_ms ? from->waits.resume_ms : to->waits.ussd_ms;
	if (!to->budget.sms)
		to->budget.sms = from->budget.sms;
	if (!to->budget.ussd)
		to->budget.ussd = from->budget.ussd;
	if (!to->budget.ussd_septets)
		to->budget.ussd_septets = from->budget.ussd_septets;
	if (!to->budget.ussd_path_at) {
		to->budget.ussd_path = from->budget.ussd_path;
		to->budget.ussd_path_at = from->budget.ussd_path_at;
		to->budget.ussd_path_part = from->budget.ussd_path_part;
	}
	if (to->retries < 0)
		to->retries = from->retries;
	for (size_t i = 0; i < SAY_KINDS; i++)
		if (!to->says[i])
			to->say[i] = from->say[i];
}

static void load_sections(struct loading *in, struct part *part, bool own_only)
{
	const struct yaml_node *at;

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		at = yaml_find(part->root, sections[i].key);
		if (at && sections[i].own_only == own_only)
			sections[i].load(in, at, part);
	}
}

/* The keys at the top of a file. */
static void check_top(struct loading *in, const struct yaml_node *root, unsigned where)
{
	size_t before = in->found->count;

	loading_keys_in(in, root, where);
	in->unsure |= in->found->count > before;
}

static void load_part(struct loading *in, int index)
{
	struct part *part = &in->flow->parts[index];
	bool lone = !in->flow->root;

	loading_enter(in, index);
	check_top(in, part->root, lone ? FLOW_IN_PACK | FLOW_IN_FLOW : FLOW_IN_FLOW);
	if (!lone)
		load_sections(in, part, true);
	lend(&in->flow->defaults, part);
	if (part->count)
		loading_nodes(in, yaml_find(part->root, "nodes"));
	load_sections(in, part, false);
}

/* ---- the files ---- */

static struct yaml_node *parse(struct loading *in, const char *bytes, size_t len)
{
	struct yaml_error error;
	struct yaml_node *root = yaml_parse(bytes, len, &error);

	if (!root && strstr(error.text, "mapping values are not allowed")) {
		char *text = mem_printf("%s; a text with a colon in it stands in quotes", error.text);

		loading_find_at(in, error.line, error.column, "E01", text);
		mem_free(text);
	} else if (!root)
		loading_find_at(in, error.line, error.column, "E01", error.text);
	else if (root->kind != YAML_MAP)
		loading_find(in, root, "E12", "expected keys and values");
	return root;
}

static void add_part(struct loading *in, char *file, struct yaml_node *root)
{
	struct flow *flow = in->flow;
	struct part *part = &flow->parts[flow->part_count];
	const struct yaml_node *name = yaml_find(root, "flow");

	*part = (struct part){.file = file, .root = root, .retries = -1, .first_text = NOWHERE,
	                      .safe = NOWHERE};
	loading_enter(in, (int)flow->part_count);
	if (name)
		part->name = loading_short(in, name, "the name of the flow", NAME_LEN_MAX);
	else
		loading_find(in, root, "E12", "`flow` is missing");
	if (yaml_find(root, "keep_word")) {
		loading_name(in, yaml_find(root, "keep_word"));
		part->keep = yaml_find(root, "keep_word")->text;
	}
	if (part->name && flow_find_part(flow, part->name) != NOWHERE)
		loading_find(in, name, "E12", "there is another flow \"%s\"", part->name);
	if (yaml_find(root, "title"))
		part->title = loading_short(in, yaml_find(root, "title"), "a title", TITLE_LEN_MAX);
	flow->part_count++;
}

static bool is_language(const struct yaml_node *root)
{
	return yaml_find(root, "language") && !yaml_find(root, "flow");
}

/* Takes over the file's name and tree. */
static void add_file(struct loading *in, char *file, struct yaml_node *root, bool pack)
{
	struct flow *flow = in->flow;

	if (is_language(root) && flow->lang_file_count < LANGS_MAX) {
		flow->lang_files[flow->lang_file_count++] = (struct lang_file){.name = file, .root = root};
		return;
	}
	if (pack && !in->flow->root) {
		in->flow->file = file;
		in->flow->root = root;
		return;
	}
	if (in->flow->part_count < PARTS_MAX) {
		add_part(in, file, root);
		return;
	}
	loading_find(in, root, "E12", "a pack holds at most %d flows", PARTS_MAX);
	mem_free(file);
	yaml_free(root);
}

static const char mark[] = "%%file ";

static bool is_mark(const char *line, size_t left)
{
	return left > sizeof mark - 1 && !memcmp(line, mark, sizeof mark - 1);
}

/* The end of the file that begins at p: the next mark at the start of a line. */
static const char *file_end(const char *p, const char *end)
{
	while (p < end && !is_mark(p, (size_t)(end - p))) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	return p;
}

static void load_files(struct loading *in, const char *folder, const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len, *line, *stop;
	struct yaml_node *root;
	char *file, *name;

	while (p < end && is_mark(p, (size_t)(end - p))) {
		p += sizeof mark - 1;
		line = memchr(p, '\n', (size_t)(end - p));
		line = line ? line : end;
		name = mem_strndup(p, (size_t)(line - p));
		file = mem_printf("%s/%s", folder, name);
		p = line < end ? line + 1 : end;
		stop = file_end(p, end);
		in->file = file;
		root = parse(in, p, (size_t)(stop - p));
		if (root && root->kind == YAML_MAP) {
			add_file(in, file, root, !strcmp(name, "pack.yaml"));
		} else {
			yaml_free(root);
			mem_free(file);
		}
		mem_free(name);
		p = stop;
	}
}

/* ---- the pack ---- */

/* `flows:` names the order; what it leaves out follows. */
static void order_parts(struct loading *in, const struct yaml_node *at)
{
	struct flow *flow = in->flow;
	size_t placed = 0;
	struct part part;
	int found;

	if (at->kind != YAML_LIST) {
		loading_find(in, at, "E12", "expected a list of flows: [a, b]");
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		found = loading_part_ref(in, at->items[i]);
		if (found < (int)placed)
			continue;
		part = flow->parts[found];
		memmove(&flow->parts[placed + 1], &flow->parts[placed],
		        ((size_t)found - placed) * sizeof part);
		flow->parts[placed++] = part;
	}
}

static void load_top(struct loading *in, const char *folder)
{
	struct flow *flow = in->flow;
	const struct yaml_node *name = yaml_find(flow->root, "pack"), *order;

	in->file = flow->file ? flow->file : folder;
	in->part = NOWHERE;
	if (!flow->root) {
		loading_find_at(in, 1, 1, "E12", "there is no pack.yaml");
		return;
	}
	loading_languages(in);
	in->file = flow->file;
	check_top(in, flow->root, FLOW_IN_PACK);
	if (name)
		flow->name = loading_short(in, name, "the name of the pack", NAME_LEN_MAX);
	else
		loading_find(in, flow->root, "E12", "`pack` is missing");
	order = yaml_find(flow->root, "flows");
	if (order)
		order_parts(in, order);
	if (!flow->part_count)
		loading_find(in, flow->root, "E12", "there is no flow beside pack.yaml");
	loading_globals(in, flow->root);
}

static void load_all_nodes(struct loading *in)
{
	const struct yaml_node *nodes;

	for (size_t i = 0; i < in->flow->part_count; i++) {
		loading_enter(in, (int)i);
		nodes = yaml_find(in->flow->parts[i].root, "nodes");
		in->flow->parts[i].first = (int)in->flow->node_count;
		if (nodes)
			loading_node_names(in, nodes);
		else
			loading_find(in, in->flow->parts[i].root, "E12", "`nodes` is missing");
		if (!in->flow->parts[i].count)
			in->flow->parts[i].first = NOWHERE;
	}
	for (size_t i = 0; i < in->flow->part_count; i++)
		load_part(in, (int)i);
}

static void load_bundle(struct loading *in, const char *folder, const char *bytes, size_t len)
{
	size_t before = in->found->count;

	load_files(in, folder, bytes, len);
	if (in->found->count > before && (!in->flow->root || !in->flow->part_count))
		return; /* what does not parse was reported; what is missing for it need not be */
	load_top(in, folder);
	if (!in->flow->part_count || !in->flow->root)
		return;
	load_all_nodes(in);
	loading_check(in);
}

static void load_lone(struct loading *in, const char *file, const char *bytes, size_t len)
{
	struct yaml_node *root = parse(in, bytes, len);

	if (!root || root->kind != YAML_MAP) {
		yaml_free(root);
		return;
	}
	add_file(in, mem_strdup(file), root, false);
	in->flow->name = in->flow->parts[0].name;
	loading_enter(in, 0);
	loading_globals(in, root);
	load_all_nodes(in);
	loading_check(in);
}

/* What other files miss because one of them cannot be read is no fault of theirs: then only that is said. */
static void keep_unreadable(struct flow_findings *found, size_t from)
{
	size_t kept = from;
	bool any = false;

	for (size_t i = from; i < found->count; i++)
		any |= strcmp(found->items[i].code, "E01") == 0;
	for (size_t i = from; i < found->count && any; i++) {
		if (strcmp(found->items[i].code, "E01") == 0) {
			found->items[kept++] = found->items[i];
			continue;
		}
		mem_free(found->items[i].file);
		mem_free(found->items[i].text);
	}
	found->count = any ? kept : found->count;
}

/* ---- public ---- */

struct flow *flow_load(const char *file, const char *bytes, size_t len, struct flow_findings *found)
{
	struct loading in = {.file = file, .part = NOWHERE, .found = found};
	size_t before = found->count;

	if (len > FLOW_BUNDLE_MAX) {
		loading_find_at(&in, 1, 1, "E01", "the files are larger than 4 MiB together");
		return NULL;
	}
	in.flow = mem_alloc(sizeof *in.flow);
	*in.flow = (struct flow){.strip = true, .default_urgency = URGENCY_TRUNG_BINH};
	in.flow->defaults.retries = -1;
	sha256(bytes, len, in.flow->hash);
	if (is_mark(bytes, len))
		load_bundle(&in, file, bytes, len);
	else
		load_lone(&in, file, bytes, len);
	if (found->count == before)
		return in.flow;
	keep_unreadable(found, before);
	qsort(found->items + before, found->count - before, sizeof *found->items, by_place);
	flow_free(in.flow);
	return NULL;
}

static void part_free(struct part *part)
{
	for (size_t i = 0; i < SAY_KINDS; i++)
		if (part->says[i])
			text_free(&part->say[i]);
	mem_free(part->owed);
	mem_free(part->file);
	yaml_free(part->root);
}

static void lists_free(struct flow *flow)
{
	for (size_t i = 0; i < WORD_KINDS; i++)
		words_free(&flow->words[i]);
	for (size_t i = 0; i <= URGENCY_KHAN_CAP; i++)
		phrases_free(&flow->triage[i]);
	for (size_t i = 0; i < flow->kind_count; i++)
		phrases_free(&flow->kinds[i].phrases);
	for (size_t i = 0; i < flow->hint_count; i++)
		phrases_free(&flow->hints[i].phrases);
	phrases_free(&flow->others);
	phrases_free(&flow->not_after);
	phrases_free(&flow->sayings);
	phrases_free(&flow->no_contact);
	phrases_free(&flow->danger_near);
	phrases_free(&flow->discreet);
	classes_free(&flow->classes);
	mem_free(flow->kinds);
	mem_free(flow->hints);
}

void flow_free(struct flow *flow)
{
	if (!flow)
		return;
	for (size_t i = 0; i < flow->node_count; i++)
		node_free(&flow->nodes[i]);
	for (size_t i = 0; i < flow->part_count; i++)
		part_free(&flow->parts[i]);
	for (size_t i = 0; i < flow->lang_file_count; i++) {
		mem_free(flow->lang_files[i].name);
		yaml_free(flow->lang_files[i].root);
	}
	lists_free(flow);
	part_free(&flow->defaults);
	mem_free(flow->nodes);
	mem_free(flow->names);
	mem_free(flow->file);
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
