/* The wording of what is sent: language, placeholders, numbered answers and their pages. */
#include "flows/engine/say.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/cost.h"
#include "flows/engine/fold.h"
#include "flows/engine/state.h"

/* Longest that an answer is quoted in a text. */
enum { QUOTE_BYTES = 40, PLACEHOLDER_MAX = 80, SMS_DEFAULT = 3, ACCENTED_MAX = 3 };

int say_lang(const struct flow *flow, const struct flow_state *state)
{
	for (size_t i = 0; i < flow->lang_count; i++)
		if (!strcmp(flow->langs[i], state->lang))
			return (int)i;
	return 0;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] & 0x80)
			return false;
	return true;
}

/* Accents cost three segments, which a reporter may ask for; a screen has no room for them. */
static bool strips(const struct saying *w)
{
	return w->flow->strip && (w->ussd || !w->state->accents);
}

static const char *shown(const struct saying *w, const struct word *word)
{
	return strips(w) || !word->sent ? word->sent : word->text;
}

/* What a reporter or a table wrote, as it may be sent. */
static void put_foreign(const struct saying *w, const char *text)
{
	char *quote = fold_clean(text, QUOTE_BYTES), *sent = NULL;

	if (phrases_longest(&w->flow->discreet, quote)) { /* not even in somebody's own words */
		buf_put(w->out, "...", 3);
		mem_free(quote);
		return;
	}
	if (strips(w) && !is_ascii(quote, strlen(quote)))
		sent = fold_to_gsm(quote);
	buf_put(w->out, sent ? sent : quote, strlen(sent ? sent : quote));
	mem_free(sent);
	mem_free(quote);
}

static const char *first_word(const struct saying *w, const struct words *words, const char *otherwise)
{
	int lang = say_lang(w->flow, w->state);

	for (size_t i = 0; i < words->count; i++)
		if (words->items[i].sent &&
		    (words->items[i].lang == lang || words->items[i].lang == NOWHERE))
			return shown(w, &words->items[i]);
	return otherwise;
}

/* ---- placeholders ---- */

static const struct option *option_of(const struct question *question, const char *key)
{
	for (size_t i = 0; i < question->option_count; i++)
		if (!strcmp(question->options[i].key, key))
			return &question->options[i];
	return NULL;
}

/* A menu's label, a place's name; false if the value speaks for itself. */
static bool put_name(const struct saying *w, const struct answer *answer)
{
	int at = flow_find_setter(w->flow, w->state->part, answer->name);
	const struct node *node = at == NOWHERE ? NULL : &w->flow->nodes[at];
	const struct option *option = NULL;
	char name[FLOW_PLACE_NAME];

	if (node)
		option = option_of(&node->ask, answer->value);
	if (node && !option && node->ussd)
		option = option_of(node->ussd, answer->value);
	if (option) {
		buf_printf(w->out, "%s", first_word(w, &option->words, option->key));
		return true;
	}
	if (node && (node->ask.type == TYPE_PLACE || node->ask.type == TYPE_FROM) && w->world->places &&
	    w->world->places->label(answer->value, !strips(w), name, sizeof name)) {
		put_foreign(w, name);
		return true;
	}
	return false;
}

static void put_answer(const struct saying *w, char *name)
{
	char *dot = strchr(name, '.');
	const struct answer *answer;

	if (dot)
		*dot++ = '\0';
	answer = state_answer(w->state, name);
	if (!answer)
		return;
	if (dot && !strcmp(dot, "code"))
		put_foreign(w, answer->value);
	else if (dot && !strcmp(dot, "text"))
		put_foreign(w, answer->text);
	else if (!put_name(w, answer))
		put_foreign(w, strcmp(answer->value, "unknown") ? answer->value : answer->text);
}

static void put_placeholder(const struct saying *w, const char *name, size_t len)
{
	char word[PLACEHOLDER_MAX];

	if (len >= sizeof word)
		return;
	memcpy(word, name, len);
	word[len] = '\0';
	if (!strcmp(word, "ref"))
		buf_put(w->out, w->state->ref, strlen(w->state->ref));
	else if (!strcmp(word, "urgency"))
		buf_printf(w->out, "%s", urgency_name(w->state->urgency));
	else
		put_answer(w, word);
}

void say_text(const struct saying *w, const struct text *text)
{
	int lang = say_lang(w->flow, w->state);
	const char *p = strips(w) ? text->sent[lang] : text->by_lang[lang], *at;
	size_t len;

	if (!p || !*p)
		return;
	if (w->out->len)
		buf_put_u8(w->out, '\n');
	for (at = p; (len = text_next_placeholder(&at)); p = at += len) {
		buf_put(w->out, p, (size_t)(at - p));
		put_placeholder(w, at + 1, len - 2);
	}
	buf_put(w->out, p, strlen(p));
}

/* ---- menus ---- */

static void add_place(const struct saying *w, struct question *out, const char *code, size_t len)
{
	struct option *option = &out->options[out->option_count];
	char name[FLOW_PLACE_NAME], *key = mem_strndup(code, len);
	struct word *word;

	if (!w->world->places || !w->world->places->label(key, !strips(w), name, sizeof name)) {
		mem_free(key);
		return;
	}
	*option = (struct option){.at = out->at, .go = NOWHERE};
	word = option->words.items = mem_alloc(sizeof *word);
	option->words.count = 1;
	*word = (struct word){.folded = fold_text(name), .lang = NOWHERE};
	word->sent = strips(w) ? fold_to_gsm(name) : mem_strdup(name);
	word->text = word->sent;
	out->keys[out->option_count++] = key;
	option->key = key;
}

static void resolve_matches(const struct saying *w, const struct question *from,
                            struct question *out)
{
	const struct answer *answer = from->from ? state_answer(w->state, from->from) : NULL;
	const char *p = answer ? answer->matches : "";
	size_t len;

	out->options = mem_alloc(OPTIONS_MAX * sizeof *out->options);
	out->keys = mem_alloc(OPTIONS_MAX * sizeof *out->keys);
	out->option_count = 0;
	out->lent = false;
	out->from = NULL;
	for (; *p && out->option_count < FLOW_PLACES_MAX; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		add_place(w, out, p, len);
	}
	out->place_count = out->option_count;
	if (from->has_none)
		out->options[out->option_count++] = from->options[0];
}

void say_resolve(const struct saying *w, const struct node *node, bool ussd, struct question *out)
{
	const struct question *question = node_question(node, ussd);

	*out = *question;
	out->text = (struct text){0};
	out->lent = true;
	if (question->type == TYPE_FROM)
		resolve_matches(w, question, out);
}

size_t part_limit(const struct part *part, bool ussd, bool ucs2)
{
	size_t septets = part->budget.ussd_septets ? (size_t)part->budget.ussd_septets : COST_GSM_SCREEN;
	size_t segments = part->budget.sms ? (size_t)part->budget.sms : SMS_DEFAULT;

	if (ussd)
		return (ucs2 ? septets / 2 : septets) *
		       (part->budget.ussd ? (size_t)part->budget.ussd : 1);
	if (segments == 1)
		return ucs2 ? COST_UCS2_ALONE : COST_GSM_ALONE;
	return segments * (ucs2 ? COST_UCS2_PART : COST_GSM_PART);
}

bool say_fits(const struct saying *w, int part)
{
	const struct part *of = &w->flow->parts[part];
	const char *text = buf_cstr(w->out);
	struct cost cost;

	/* no ASCII character takes more than two septets */
	if (!strips(w) && w->flow->strip) { /* asked for, and paid */
		cost_of(text, &cost);
		return cost.segments <= ACCENTED_MAX;
	}
	if (w->out->len * 2 <= part_limit(of, w->ussd, false) && is_ascii(text, w->out->len))
		return true;
	cost_of(text, &cost);
	return cost.units <= part_limit(of, w->ussd, cost.ucs2);
}

static void put_option(const struct saying *w, const struct question *question, size_t i)
{
	const char *label = first_word(w, &question->options[i].words, question->options[i].key);
	char number[8];
	size_t len = 0;

	if (i + 1 >= 10)
		number[len++] = (char)('0' + (i + 1) / 10);
	number[len++] = (char)('0' + (i + 1) % 10);
	number[len++] = ' ';
	if (w->out->len)
		buf_put_u8(w->out, '\n');
	buf_put(w->out, number, len);
	buf_put(w->out, label, strlen(label));
}

static void put_more(const struct saying *w, int part)
{
	const struct text *more = &w->flow->parts[part].say[SAY_MORE];
	int lang = say_lang(w->flow, w->state);
	const char *text = strips(w) ? more->sent[lang] : more->by_lang[lang];

	buf_printf(w->out, "\n%s %s", first_word(w, &w->flow->words[WORD_NEXT], "0"), text ? text : "...");
}

/* As many answers as fit with the line that leads to the rest, at least one. */
static size_t put_page(const struct saying *w, const struct question *question, int part)
{
	size_t to = w->state->page_from, before = w->out->len, after;

	while (to < question->option_count) {
		put_option(w, question, to);
		after = w->out->len;
		put_more(w, part);
		if (!say_fits(w, part) && to > w->state->page_from)
			break;
		before = w->out->len = after;
		to++;
	}
	w->out->len = before;
	put_more(w, part);
	return to;
}

void say_question(const struct saying *w, const struct node *node, const struct text *wording)
{
	struct flow_state *state = w->state;
	struct question question;
	size_t start;

	say_resolve(w, node, w->ussd, &question);
	if (state->page_from >= question.option_count)
		state->page_from = 0;
	if (!state->page_from)
		say_text(w, wording);
	start = w->out->len;
	for (size_t i = state->page_from; i < question.option_count; i++)
		put_option(w, &question, i);
	state->page_to = state->page_from ? question.option_count : 0;
	if (question.option_count && !say_fits(w, node->part)) {
		w->out->len = start;
		state->page_to = put_page(w, &question, node->part);
	}
	question_free(&question);
}

void say_choice(const struct saying *w, const struct words *first, const struct words *second)
{
	buf_printf(w->out, "%s1 %s\n2 %s", w->out->len ? "\n" : "", first_word(w, first, ""),
	           first_word(w, second, ""));
}
