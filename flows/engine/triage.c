/* What a free text is, how urgent it sounds and what it is about: by the author's lists only. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"
#include "flows/engine/reading.h"

/* A sentence that contains a danger_near phrase tells a story; the bare phrase is a warning. */
enum { DANGER_WORDS_MAX = 6 };
/* A phrase of `others` with this weight leaves no doubt but where life is in danger. */
enum { OTHERS_CERTAIN = 8 };

const char *urgency_name(enum urgency urgency)
{
	static const char *const names[] = {"khong", "thap", "trung_binh", "cao", "khan_cap"};

	return (unsigned)urgency <= URGENCY_KHAN_CAP ? names[urgency] : names[URGENCY_KHONG];
}

/* The kind whose list weighs most, NULL if no list has a phrase in the text; *heard becomes the highest level of all
 * their phrases. */
static const struct kind *kind_of(const struct flow *flow, const struct reading *reading, enum urgency *heard)
{
	const struct kind *kind = NULL;
	size_t best = 0, weight;
	int level = URGENCY_KHONG;

	for (size_t i = 0; i < flow->kind_count; i++) {
		weight = phrases_weigh(&flow->kinds[i].phrases, reading, &level);
		if (weight <= best)
			continue;
		best = weight;
		kind = &flow->kinds[i];
	}
	*heard = (enum urgency)level;
	return kind;
}

/* The highest list above `heard` with a phrase in the text, `heard` if there is none. */
static enum urgency heard_urgency(const struct flow *flow, const struct reading *reading, enum urgency heard)
{
	for (int level = URGENCY_KHAN_CAP; level > (int)heard; level--)
		if (phrases_find(&flow->triage[level], reading))
			return (enum urgency)level;
	return heard;
}

/* "so 2", "chon 1": a menu answer with the word that people say before it. */
static bool is_numbered(const char *folded)
{
	static const char *const before[] = {"so ", "chon ", "phim ", "bam ", "muc ", "nhan phim "};
	size_t len;

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		len = strlen(before[i]);
		if (!strncmp(folded, before[i], len) && strlen(folded + len) <= 2 &&
		    match_digits(folded + len))
			return true;
	}
	return false;
}

static bool is_answer(const struct flow *flow, const char *folded)
{
	static const enum word_kind commands[] = {WORD_START, WORD_BACK, WORD_HELP, WORD_LANGUAGE,
	                                          WORD_ACCENTS, WORD_PLAIN, WORD_RESTART, WORD_OK};
	int lang;

	if (match_digits(folded) || is_numbered(folded))
		return true;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (match_word(&flow->words[commands[i]], folded, &lang))
			return true;
	return false;
}

/* A full stop alone says nothing. "?" and "..." may be all that is left of more, or all that could be typed. */
static bool is_empty(const char *text)
{
	return fold_is_blank(text) || !strcmp(text, ".");
}

/* A text for somebody else is set apart only if nothing in it sounds like a report. `for_others`: the weight of
 * the heaviest phrase that says so. */
static enum flow_text_class class_of(const struct flow *flow, const char *text, enum urgency heard,
                                     size_t for_others)
{
	char *folded = fold_text(text);
	enum flow_text_class text_class = FLOW_TEXT_REPORT;
	int lang;

	if (is_empty(text))
		text_class = FLOW_TEXT_EMPTY;
	else if (match_word(&flow->words[WORD_STOP], folded, &lang))
		text_class = FLOW_TEXT_STOP;
	else if (is_answer(flow, folded))
		text_class = FLOW_TEXT_ANSWER;
	else if (for_others && heard < (for_others < OTHERS_CERTAIN ? URGENCY_TRUNG_BINH : URGENCY_KHAN_CAP))
		text_class = FLOW_TEXT_OTHERS;
	mem_free(folded);
	return text_class;
}

static bool danger_near(const struct flow *flow, const struct reading *reading)
{
	return reading->count <= DANGER_WORDS_MAX && phrases_find(&flow->danger_near, reading);
}

bool triage_danger_near(const struct flow *flow, const char *folded)
{
	struct reading reading;
	bool near;

	if (folded_word_count(folded) > DANGER_WORDS_MAX) /* a reading has never fewer */
		return false;
	reading_init(&reading, folded);
	classes_mark(&flow->classes, &reading);
	near = danger_near(flow, &reading);
	reading_fini(&reading);
	return near;
}

void flow_triage(const struct flow *flow, const char *text, struct flow_triage *out)
{
	const struct kind *kind;
	struct reading reading;
	size_t for_others;
	bool near;
	enum urgency heard;

	reading_init(&reading, text);
	classes_mark(&flow->classes, &reading);
	*out = (struct flow_triage){.no_contact = phrases_find(&flow->no_contact, &reading) > 0};
	for_others = phrases_find(&flow->others, &reading);
	near = danger_near(flow, &reading);
	phrases_make_idle(&flow->sayings, &reading); /* from here on: those lists only that tell of harm */
	phrases_void_after(&flow->not_after, &reading);
	kind = kind_of(flow, &reading, &heard);
	heard = heard_urgency(flow, &reading, heard);
	if (near && heard < URGENCY_CAO)
		heard = URGENCY_CAO;
	strncpy(out->kind, kind ? kind->key : "khong_ro", sizeof out->kind - 1);
	out->text_class = class_of(flow, text, heard, for_others);
	out->urgency = heard == URGENCY_KHONG ? flow->default_urgency : heard;
	if (kind && out->urgency < kind->at_least)
		out->urgency = kind->at_least;
	if (out->text_class != FLOW_TEXT_REPORT)
		out->urgency = URGENCY_KHONG;
	reading_fini(&reading);
}
