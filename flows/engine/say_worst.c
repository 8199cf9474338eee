/* Texts at their longest: what the checker measures and the author is shown the price of. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/cost.h"
#include "flows/engine/model.h"

enum { REF_LEN = 24, QUOTE_LEN = 40, DATE_LEN = 10, PHONE_LEN = 16, PLACEHOLDER_MAX = 80 };

static const char *label_of(const struct option *option, int lang)
{
	for (size_t i = 0; i < option->words.count; i++)
		if (option->words.items[i].sent &&
		    (option->words.items[i].lang == lang || option->words.items[i].lang == NOWHERE))
			return option->words.items[i].sent;
	return option->key ? option->key : "";
}

static void put_filler(struct buf *out, size_t len)
{
	while (len--)
		buf_put_u8(out, 'x');
}

/* ---- placeholders ---- */

static void longest_label(const struct question *question, int lang, const char **longest)
{
	const char *label;

	for (size_t i = 0; i < question->option_count; i++) {
		label = label_of(&question->options[i], lang);
		if (strlen(label) > strlen(*longest))
			*longest = label;
	}
}

static size_t longest_number(const struct question *question)
{
	char digits[16];
	size_t longest = 0, len;

	for (size_t i = 0; i < question->range_count; i++) {
		len = (size_t)snprintf(digits, sizeof digits, "%ld", question->ranges[i].high);
		longest = len > longest ? len : longest;
	}
	return longest;
}

static void put_answer(const struct flow *flow, int part, int lang, char *name, struct buf *out)
{
	char *dot = strchr(name, '.');
	const char *longest = "";
	const struct node *node;
	int at;

	if (dot)
		*dot = '\0';
	at = flow_find_setter(flow, part < 0 ? 0 : part, name);
	if (at == NOWHERE)
		return;
	node = &flow->nodes[at];
	switch (dot && !strcmp(dot + 1, "text") ? TYPE_TEXT : node->ask.type) {
	case TYPE_PICK:
		longest_label(&node->ask, lang, &longest);
		if (node->ussd)
			longest_label(node->ussd, lang, &longest);
		buf_put(out, longest, strlen(longest));
		return;
	case TYPE_NUMBER:
	case TYPE_AGE:
		put_filler(out, longest_number(&node->ask));
		return;
	case TYPE_DATE:
		put_filler(out, DATE_LEN);
		return;
	case TYPE_PHONE:
		put_filler(out, PHONE_LEN);
		return;
	default:
		put_filler(out, QUOTE_LEN);
	}
}

static void put_text(const struct flow *flow, const char *p, int part, int lang, struct buf *out)
{
	char name[PLACEHOLDER_MAX];
	const char *at = p;
	size_t len;

	for (; (len = text_next_placeholder(&at)); p = at += len) {
		buf_put(out, p, (size_t)(at - p));
		snprintf(name, sizeof name, "%.*s", (int)len - 2, at + 1);
		if (!strcmp(name, "ref"))
			put_filler(out, REF_LEN);
		else if (!strcmp(name, "urgency"))
			buf_printf(out, "%s", urgency_name(URGENCY_TRUNG_BINH));
		else
			put_answer(flow, part, lang, name, out);
	}
	buf_put(out, p, strlen(p));
}

/* ---- menus ---- */

static void put_options(const struct question *question, int lang, size_t count, struct buf *out)
{
	const char *label;

	for (size_t i = 0; i < count; i++) {
		label = label_of(&question->options[i], lang);
		buf_printf(out, "\n%zu %s", i + 1, label);
	}
}

static void put_more(const struct flow *flow, int part, int lang, struct buf *out)
{
	const struct words *next = &flow->words[WORD_NEXT];
	const struct text *more = &flow->parts[part < 0 ? 0 : part].say[SAY_MORE];
	const char *word = "0";

	for (size_t i = next->count; i-- > 0;)
		if (next->items[i].sent &&
		    (next->items[i].lang == lang || next->items[i].lang == NOWHERE))
			word = next->items[i].sent;
	buf_printf(out, "\n%s %s", word, more->sent[lang] ? more->sent[lang] : "...");
}

static bool fits(const struct flow *flow, int part, bool ussd, struct buf *out)
{
	struct cost cost;

	cost_of(buf_cstr(out), &cost);
	return cost.units <= part_limit(&flow->parts[part < 0 ? 0 : part], ussd, cost.ucs2);
}

static void put_menu(const struct flow *flow, const struct question *question, int part, int lang,
                     bool ussd, struct buf *out)
{
	size_t start = out->len, count = question->option_count;

	if (question->type == TYPE_FROM) {
		buf_printf(out, "\n1 ");
		put_filler(out, QUOTE_LEN);
		put_more(flow, part, lang, out);
		return;
	}
	put_options(question, lang, count, out);
	while (count > 1 && !fits(flow, part, ussd, out)) {
		out->len = start;
		put_options(question, lang, --count, out);
		put_more(flow, part, lang, out);
	}
}

void say_worst_on(const struct flow *flow, const struct text *text, const struct question *question,
                  int part, int lang, bool ussd, struct buf *out)
{
	if (text->sent[lang])
		put_text(flow, text->sent[lang], part, lang, out);
	if (question && question->option_count + (question->type == TYPE_FROM))
		put_menu(flow, question, part, lang, ussd, out);
}

void say_worst(const struct flow *flow, const struct text *text, const struct question *question,
               int part, int lang, struct buf *out)
{
	say_worst_on(flow, text, question, part, lang, false, out);
}
