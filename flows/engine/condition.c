/* Conditions of a `when`: `danger = yes and urgency >= cao or age <= 6`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"
#include "flows/engine/state.h"

enum { TERMS_MAX = 16, CONDITION_MAX_BYTES = 500 };

static const struct {
	const char *sign;
	enum compare compare;
} compares[] = {{"=", IS},       {"!=", IS_NOT}, {">=", AT_LEAST},
                {"<=", AT_MOST}, {">", ABOVE},   {"<", BELOW}};

static const struct {
	const char *name;
	enum subject subject;
} subjects[] = {{"urgency", SUBJECT_URGENCY}, {"kind", SUBJECT_KIND},
                {"language", SUBJECT_LANGUAGE}};

/* ---- reading ---- */

static int urgency_level(const char *name)
{
	for (int level = URGENCY_KHONG; level <= URGENCY_KHAN_CAP; level++)
		if (!strcmp(name, urgency_name((enum urgency)level)))
			return level;
	return NOWHERE;
}

static void read_subject(struct loading *in, const struct yaml_node *at, const char *name,
                         struct term *term)
{
	term->subject = SUBJECT_ANSWER;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		if (!strcmp(name, subjects[i].name)) {
			term->subject = subjects[i].subject;
			return;
		}
	term->node = flow_find_node(in->flow, name);
	if (term->node == NOWHERE)
		loading_find(in, at, "E03", "\"%.64s\" is neither urgency, kind, language nor a node", name);
}

static bool read_compare(const char *sign, struct term *term)
{
	for (size_t i = 0; i < sizeof compares / sizeof *compares; i++)
		if (!strcmp(sign, compares[i].sign)) {
			term->compare = compares[i].compare;
			return true;
		}
	return false;
}

/* Takes "name sign value" off the words; false if they are not all there. */
static bool read_term(struct loading *in, const struct yaml_node *at, char **rest,
                      struct term *term)
{
	char *name = strsep(rest, " "), *sign = strsep(rest, " "), *value = strsep(rest, " ");

	if (!name || !sign || !value || !*value || !read_compare(sign, term))
		return false;
	read_subject(in, at, name, term);
	term->value = mem_strdup(value);
	if (term->subject == SUBJECT_URGENCY && urgency_level(value) == NOWHERE)
		loading_find(in, at, "E12", "\"%.32s\" is not an urgency", value);
	return true;
}

void loading_condition(struct loading *in, const struct yaml_node *at, struct branch *out)
{
	const char *text = loading_scalar(in, at, "a condition");
	char *words, *rest, *join = NULL;
	struct term term;
	bool ok = text && strlen(text) <= CONDITION_MAX_BYTES;

	words = rest = mem_strdup(ok ? text : "");
	while (ok && rest) {
		term = (struct term){.or_before = join && !strcmp(join, "or")};
		ok = out->count < TERMS_MAX && read_term(in, at, &rest, &term);
		if (!ok)
			break;
		out->terms = mem_array(out->terms, out->count + 1, sizeof *out->terms);
		out->terms[out->count++] = term;
		join = strsep(&rest, " ");
		ok = !join || (rest && (!strcmp(join, "and") || !strcmp(join, "or")));
	}
	if (text && !ok)
		loading_find(in, at, "E12", "expected \"name = value and name >= value or ...\"");
	mem_free(words);
}

/* ---- deciding ---- */

static bool compares_so(enum compare compare, long difference)
{
	switch (compare) {
	case IS:
		return difference == 0;
	case IS_NOT:
		return difference != 0;
	case AT_LEAST:
		return difference >= 0;
	case AT_MOST:
		return difference <= 0;
	case ABOVE:
		return difference > 0;
	default:
		return difference < 0;
	}
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")] && strlen(text) < 10;
}

static bool term_holds(const struct flow *flow, const struct term *term,
                       const struct flow_state *state)
{
	const struct answer *answer;
	const char *value = "unknown";

	switch (term->subject) {
	case SUBJECT_URGENCY:
		return compares_so(term->compare, (long)state->urgency - urgency_level(term->value));
	case SUBJECT_KIND:
		value = state->kind;
		break;
	case SUBJECT_LANGUAGE:
		value = state->lang[0] ? state->lang : flow->langs[0];
		break;
	case SUBJECT_ANSWER:
		answer = state_answer(state, flow->nodes[term->node].name);
		value = answer ? answer->value : value;
	}
	if (is_number(value) && is_number(term->value))
		return compares_so(term->compare, strtol(value, NULL, 10) - strtol(term->value, NULL, 10));
	if (term->compare == IS || term->compare == IS_NOT)
		return compares_so(term->compare, strcmp(value, term->value));
	return false; /* no order among words, nor with the unknown */
}

bool branch_holds(const struct flow *flow, const struct branch *branch,
                  const struct flow_state *state)
{
	bool all = true;

	for (size_t i = 0; i < branch->count; i++) {
		if (branch->terms[i].or_before && all)
			return true;
		if (branch->terms[i].or_before)
			all = true;
		all = all && term_holds(flow, &branch->terms[i], state);
	}
	return all;
}
