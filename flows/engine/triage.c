/* What a free text is, how urgent it sounds and what it is about: by the author's lists only. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

/* A sentence that contains a danger_near phrase tells a story; the bare phrase is a warning. */
enum { DANGER_WORDS_MAX = 6 };

const char *urgency_name(enum urgency urgency)
{
	static const char *const names[] = {"khong", "thap", "trung_binh", "cao", "khan_cap"};

	return (unsigned)urgency <= URGENCY_KHAN_CAP ? names[urgency] : names[URGENCY_KHONG];
}

/* An explicit match above the default, else `thap` if only that matches, else the default. */
static enum urgency urgency_of(const struct flow *flow, const char *folded)
{
	for (int level = URGENCY_KHAN_CAP; level > URGENCY_THAP; level--)
		if (phrases_longest(&flow->triage[level], folded))
			return (enum urgency)level;
	if (phrases_longest(&flow->triage[URGENCY_THAP], folded))
		return URGENCY_THAP;
	return flow->default_urgency;
}

static const char *kind_of(const struct flow *flow, const char *folded)
{
	size_t best = 0, weight;
	const char *key = "khong_ro";

	for (size_t i = 0; i < flow->kind_count; i++) {
		weight = phrases_weight(&flow->kinds[i].phrases, folded);
		if (weight <= best)
			continue;
		best = weight;
		key = flow->kinds[i].key;
	}
	return key;
}

static bool is_answer(const struct flow *flow, const char *folded)
{
	static const enum word_kind commands[] = {WORD_START, WORD_BACK, WORD_HELP, WORD_LANGUAGE,
	                                          WORD_OK};
	int lang;

	if (match_digits(folded))
		return true;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (match_word(&flow->words[commands[i]], folded, &lang))
			return true;
	return false;
}

static enum flow_text_class class_of(const struct flow *flow, const char *text, const char *folded,
                                     enum urgency urgency)
{
	int lang;

	if (fold_is_blank(text))
		return FLOW_TEXT_EMPTY;
	if (match_word(&flow->words[WORD_STOP], folded, &lang))
		return FLOW_TEXT_STOP;
	if (is_answer(flow, folded))
		return FLOW_TEXT_ANSWER;
	if (urgency < URGENCY_CAO && phrases_longest(&flow->others, folded))
		return FLOW_TEXT_OTHERS;
	return FLOW_TEXT_REPORT;
}

bool triage_danger_near(const struct flow *flow, const char *folded)
{
	return folded_word_count(folded) <= DANGER_WORDS_MAX &&
	       phrases_longest(&flow->danger_near, folded);
}

void flow_triage(const struct flow *flow, const char *text, struct flow_triage *out)
{
	char *folded = fold_text(text);

	*out = (struct flow_triage){.urgency = urgency_of(flow, folded)};
	if (triage_danger_near(flow, folded) && out->urgency < URGENCY_CAO)
		out->urgency = URGENCY_CAO;
	out->no_contact = phrases_longest(&flow->no_contact, folded) > 0;
	strncpy(out->kind, kind_of(flow, folded), sizeof out->kind - 1);
	out->text_class = class_of(flow, text, folded, out->urgency);
	if (out->text_class != FLOW_TEXT_REPORT)
		out->urgency = URGENCY_KHONG;
	mem_free(folded);
}
