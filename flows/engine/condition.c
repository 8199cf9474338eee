/* Conditions of a `when`: `danger = yes and (urgency >= cao or not age <= 6)`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"
#include "flows/engine/state.h"

enum { OPS_MAX = 32, CONDITION_MAX_BYTES = 500, DEPTH_MAX = 8, TOKEN_MAX = 64 };

static const struct {
	const char *sign;
	enum compare compare;
} compares[] = {{"=", IS},       {"!=", IS_NOT}, {">=", AT_LEAST},
                {"<=", AT_MOST}, {">", ABOVE},   {"<", BELOW}};

static const struct {
	const char *name;
	enum subject subject;
} subjects[] = {{"urgency", SUBJECT_URGENCY}, {"kind", SUBJECT_KIND}, {"language", SUBJECT_LANGUAGE},
                {"role", SUBJECT_ROLE}, {"channel", SUBJECT_CHANNEL}};

/* ---- reading ---- */

struct reading {
	struct loading *in;
	struct branch *out;
	const struct yaml_node *at;
	const char *start, *p; /* p: the next character */
	char token[TOKEN_MAX];
	const char *token_at;
	unsigned depth;
	bool bad;
};

static bool is_name(char c)
{
	return c == '_' || c == '-' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static void next_token(struct reading *r)
{
	size_t len = 0;

	r->p += strspn(r->p, " ");
	r->token_at = r->p;
	if (is_name(*r->p))
		while (is_name(r->p[len]))
			len++;
	else if (*r->p)
		len = *r->p != '(' && *r->p != ')' && r->p[1] == '=' ? 2 : 1;
	if (len >= TOKEN_MAX) {
		r->bad = true;
		len = 0;
	}
	memcpy(r->token, r->p, len);
	r->token[len] = '\0';
	r->p += len;
}

/* Where a token stands in the file, as long as the condition is on one line. */
static struct yaml_node place_of(const struct reading *r, const char *p)
{
	struct yaml_node place = {.line = r->at->line, .column = r->at->column};

	place.column += (unsigned)(p - r->start) + r->at->quoted;
	return place;
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

static int urgency_level(const char *name)
{
	for (int level = URGENCY_KHONG; level <= URGENCY_KHAN_CAP; level++)
		if (!strcmp(name, urgency_name((enum urgency)level)))
			return level;
	return NOWHERE;
}

static void read_subject(struct term *term, const char *name)
{
	term->subject = SUBJECT_ANSWER;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		if (!strcmp(name, subjects[i].name))
			term->subject = subjects[i].subject;
	if (term->subject == SUBJECT_ANSWER)
		term->name = mem_strdup(name);
}

static void check_value(struct reading *r, const struct term *term, const struct yaml_node *place)
{
	static const char *const levels[] = {"khong", "thap", "trung_binh", "cao", "khan_cap", NULL};
	static const char *const channels[] = {"sms", "ussd", NULL};
	const char *const *words = term->subject == SUBJECT_URGENCY ? levels : channels;

	if (term->subject == SUBJECT_LANGUAGE && flow_find_lang(r->in->flow, term->value) == NOWHERE)
		loading_find(r->in, place, "E12", "\"%.32s\" is not a language of this flow", term->value);
	if (term->subject != SUBJECT_URGENCY && term->subject != SUBJECT_CHANNEL)
		return;
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], term->value))
			return;
	loading_find_near(r->in, place, "E12", yaml_nearest(term->value, words), "\"%.32s\" is not %s",
	                  term->value, words == levels ? "an urgency" : "sms or ussd");
}

static struct op *add(struct reading *r, enum op_kind kind)
{
	struct branch *out = r->out;

	if (out->count == OPS_MAX) {
		r->bad = true;
		return NULL;
	}
	out->ops = mem_array(out->ops, out->count + 1, sizeof *out->ops);
	out->ops[out->count] = (struct op){.kind = kind};
	return &out->ops[out->count++];
}

/* name sign value */
static void read_term(struct reading *r)
{
	struct term term = {.at = place_of(r, r->token_at)};
	struct yaml_node place;
	char name[TOKEN_MAX];
	struct op *op;

	r->bad |= !is_name(r->token[0]);
	memcpy(name, r->token, sizeof name);
	next_token(r);
	r->bad |= !read_compare(r->token, &term);
	next_token(r);
	r->bad |= !is_name(r->token[0]);
	op = r->bad ? NULL : add(r, OP_TERM);
	if (!op)
		return;
	place = place_of(r, r->token_at);
	read_subject(&term, name);
	term.value = mem_strdup(r->token);
	check_value(r, &term, &place);
	op->term = term;
	next_token(r);
}

static void read_any(struct reading *r);

static void read_one(struct reading *r)
{
	if (r->bad || ++r->depth > DEPTH_MAX) {
		r->bad = true;
		return;
	}
	if (!strcmp(r->token, "not")) {
		next_token(r);
		read_one(r);
		add(r, OP_NOT);
	} else if (!strcmp(r->token, "(")) {
		next_token(r);
		read_any(r);
		r->bad |= strcmp(r->token, ")") != 0;
		next_token(r);
	} else {
		read_term(r);
	}
	r->depth--;
}

static void read_all(struct reading *r)
{
	read_one(r);
	while (!r->bad && !strcmp(r->token, "and")) {
		next_token(r);
		read_one(r);
		add(r, OP_AND);
	}
}

static void read_any(struct reading *r)
{
	read_all(r);
	while (!r->bad && !strcmp(r->token, "or")) {
		next_token(r);
		read_all(r);
		add(r, OP_OR);
	}
}

void loading_condition(struct loading *in, const struct yaml_node *at, struct branch *out)
{
	const char *text = loading_scalar(in, at, "a condition");
	struct reading r = {.in = in, .out = out, .at = at, .start = text, .p = text};
	struct yaml_node place;

	if (!text)
		return;
	if (strlen(text) <= CONDITION_MAX_BYTES) {
		next_token(&r);
		read_any(&r);
	}
	if (!r.bad && !r.token[0] && out->count)
		return;
	place = r.token_at ? place_of(&r, r.token_at) : *at;
	loading_find(in, &place, "E12",
	             "expected \"name = value\", joined by and, or, not and parentheses");
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

static const char *value_of(const struct flow *flow, const struct term *term,
                            const struct flow_state *state, bool ussd)
{
	const struct answer *answer;

	switch (term->subject) {
	case SUBJECT_KIND:
		return state->kind;
	case SUBJECT_LANGUAGE:
		return state->lang[0] ? state->lang : flow->langs[0];
	case SUBJECT_ROLE:
		return state->role[0] ? state->role : "citizen";
	case SUBJECT_CHANNEL:
		return ussd ? "ussd" : "sms";
	default:
		answer = state_answer(state, term->name);
		return answer ? answer->value : "unknown";
	}
}

static bool term_holds(const struct flow *flow, const struct term *term,
                       const struct flow_state *state, bool ussd)
{
	const char *value;

	if (term->subject == SUBJECT_URGENCY)
		return compares_so(term->compare, (long)state->urgency - urgency_level(term->value));
	value = value_of(flow, term, state, ussd);
	if (is_number(value) && is_number(term->value))
		return compares_so(term->compare, strtol(value, NULL, 10) - strtol(term->value, NULL, 10));
	if (term->compare == IS || term->compare == IS_NOT)
		return compares_so(term->compare, strcmp(value, term->value));
	return false; /* no order among words, nor with the unknown */
}

/* A stack of bits: at most OPS_MAX deep. */
bool branch_holds(const struct flow *flow, const struct branch *branch, const struct flow_state *state,
                  bool ussd)
{
	uint64_t stack = 1;
	bool top;

	for (size_t i = 0; i < branch->count; i++) {
		const struct op *op = &branch->ops[i];

		if (op->kind == OP_TERM) {
			stack = stack << 1 | term_holds(flow, &op->term, state, ussd);
			continue;
		}
		top = stack & 1;
		if (op->kind == OP_NOT) {
			stack ^= 1;
			continue;
		}
		stack >>= 1;
		if (op->kind == OP_AND && !top)
			stack &= ~UINT64_C(1);
		else if (op->kind == OP_OR)
			stack |= top;
	}
	return stack & 1;
}
