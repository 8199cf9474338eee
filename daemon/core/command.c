/* The officers' grammar as tables: phrases, filler words, then code or case reference. */
#include "core/command.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/letters.h"

enum {
	TEXT_MAX = 160,     /* letters read; a longer text tells a story */
	REF_PREFIX_MIN = 2, /* letters of a case reference: BP-4821 */
	REF_PREFIX_MAX = 4,
	REF_DIGITS_MIN = 3,
	REF_DIGITS_MAX = 8
};

/* Folded. Of two phrases that fit the longer one counts, wherever it stands in the table. */
static const struct phrase {
	const char *words;
	enum command_verb verb;
} phrases[] = {
	{"nhan", COMMAND_ACK},
	{"da nhan", COMMAND_ACK},
	{"ok", COMMAND_ACK},
	{"okay", COMMAND_ACK},
	{"ack", COMMAND_ACK},
	{"khong", COMMAND_DECLINE},
	{"khong nhan", COMMAND_DECLINE},
	{"khong nhan duoc", COMMAND_DECLINE},
	{"khong duoc", COMMAND_DECLINE},
	{"ko", COMMAND_DECLINE},
	{"ko nhan", COMMAND_DECLINE},
	{"no", COMMAND_DECLINE},
	{"chuyen", COMMAND_PASS},
	{"pass", COMMAND_PASS},
	{"xong", COMMAND_DONE},
	{"da xong", COMMAND_DONE},
	{"done", COMMAND_DONE},
	{"ai", COMMAND_WHO},
	{"ai truc", COMMAND_WHO},
	{"ai dang truc", COMMAND_WHO},
	{"who", COMMAND_WHO},
};

/* May stand between the verb and the code: "nhan vu BP-4821", "done case BP-4821". */
static const char *const fillers[] = {"ma", "so", "vu", "ca", "code", "case", NULL};

/* May surround a command and mean nothing: "da, nhan roi a". */
static const char *const courtesies[] = {"da", "vang", "roi", "a", "nhe", "nha", NULL};

/* May stand between the code and the person or team to pass to. */
static const char *const towards[] = {"cho", "sang", "den", "to", NULL};

static const char *const verb_names[] = {"ack", "decline", "pass", "done", "who"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Lower-case letters, digits and single spaces. False if the text is too long for a command. */
static bool fold(const char *text, char out[TEXT_MAX + 1])
{
	struct letter letters[TEXT_MAX + 1];
	size_t n = letters_split(text, letters, TEXT_MAX + 1), len = 0;

	if (n > TEXT_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = letters[i].base;

		if (is_letter(c) || is_digit(c))
			out[len++] = c;
		else if (c == '-' && i + 1 < n && is_digit(letters[i + 1].base) && len > 0 &&
			 is_letter(out[len - 1]))
			continue; /* "bp-4821" is "bp4821": glued, unlike the words "co 4821" */
		else if (len > 0 && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
	return true;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " ");
}

/* What follows the words, if p begins with them and they end there ("nhan482113" is fine: a digit
 * ends a word), else NULL. */
static const char *after_words(const char *p, const char *words)
{
	size_t len = strlen(words);

	if (strncmp(p, words, len) != 0 || is_letter(p[len]))
		return NULL;
	return skip_space(p + len);
}

static const char *skip_any(const char *p, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		const char *next = after_words(p, words[i]);

		if (next) {
			p = next;
			i = (size_t)-1; /* start over: several may follow each other */
		}
	}
	return p;
}

static const char *take_verb(const char *p, enum command_verb *verb)
{
	const char *best = NULL;

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		const char *next = after_words(p, phrases[i].words);

		if (next && (!best || next > best)) {
			best = next;
			*verb = phrases[i].verb;
		}
	}
	return best;
}

/* Six digits, also in groups ("482 113"). */
static const char *take_code(const char *p, char code[COMMAND_CODE_LEN + 1])
{
	size_t n = 0;

	while (n < COMMAND_CODE_LEN && is_digit(*p)) {
		code[n++] = *p++;
		if (n < COMMAND_CODE_LEN)
			p = skip_space(p);
	}
	code[n] = '\0';
	if (n < COMMAND_CODE_LEN || is_digit(*p)) {
		code[0] = '\0';
		return NULL;
	}
	return skip_space(p);
}

/* "bp4821" -> "BP-4821". Apart only in the usual form of two letters and four digits or more, and
 * not before a code: "khong biet 123456" is no reference. */
static const char *take_ref(const char *p, char ref[COMMAND_REF_MAX])
{
	size_t prefix = 0, digits;
	const char *number;
	char text[COMMAND_REF_MAX];

	while (is_letter(p[prefix]))
		prefix++;
	number = skip_space(p + prefix);
	digits = strspn(number, "0123456789");
	if (prefix < REF_PREFIX_MIN || prefix > REF_PREFIX_MAX || digits < REF_DIGITS_MIN ||
	    digits > REF_DIGITS_MAX || is_letter(number[digits]))
		return NULL;
	if (number > p + prefix &&
	    (prefix != REF_PREFIX_MIN || digits <= REF_DIGITS_MIN || digits == COMMAND_CODE_LEN))
		return NULL;
	snprintf(text, sizeof(text), "%.*s-%.*s", (int)prefix, p, (int)digits, number);
	for (size_t i = 0; i < prefix; i++)
		text[i] = (char)(text[i] - 'a' + 'A');
	memcpy(ref, text, sizeof(text));
	return skip_space(number + digits);
}

/* Digits alone that are no code: the officer mistyped it and must hear so. Nothing may follow, or
 * "ok 113 da den" would be a command. */
static const char *take_bare_digits(const char *p, char ref[COMMAND_REF_MAX])
{
	size_t digits = strspn(p, "0123456789");

	if (digits < REF_DIGITS_MIN || digits > REF_DIGITS_MAX ||
	    *skip_any(skip_space(p + digits), courtesies))
		return NULL;
	memcpy(ref, p, digits);
	ref[digits] = '\0';
	return p + strlen(p);
}

static const char *take_target(const char *p, struct command *c)
{
	const char *next = take_code(p, c->code);

	if (!next)
		next = take_ref(p, c->ref);
	return next;
}

/* One word only: in "cho to truc dem" the second one belongs to the name ("tổ"). */
static const char *skip_towards(const char *p)
{
	for (size_t i = 0; towards[i]; i++)
		if (after_words(p, towards[i]))
			return after_words(p, towards[i]);
	return p;
}

static void set_rest(const char *p, struct command *c)
{
	p = c->verb == COMMAND_PASS ? skip_towards(p) : skip_any(p, courtesies);
	snprintf(c->rest, sizeof(c->rest), "%s", p);
	for (size_t len = strlen(c->rest); len > 0 && c->rest[len - 1] == ' '; len--)
		c->rest[len - 1] = '\0';
}

/* Verb first: "nhan 482113 ...", or the verb alone. */
static bool parse_verb_first(const char *p, struct command *c)
{
	const char *next = take_verb(p, &c->verb), *target;

	if (!next)
		return false;
	if (*skip_any(next, courtesies) == '\0')
		return true;
	if (c->verb == COMMAND_WHO)
		return false;
	next = skip_any(skip_any(next, courtesies), fillers);
	target = take_target(next, c);
	if (!target)
		target = take_bare_digits(next, c->ref);
	if (!target)
		return false;
	set_rest(target, c);
	return true;
}

/* Code first: "482113", "482113 ok". A reference alone asks about a case and is no command. */
static bool parse_code_first(const char *p, struct command *c)
{
	const char *next = skip_any(p, fillers), *after;

	next = take_target(next, c);
	if (!next)
		return false;
	if (*skip_any(next, courtesies) == '\0')
		return c->code[0] != '\0';
	after = take_verb(skip_any(next, courtesies), &c->verb);
	if (!after || c->verb == COMMAND_WHO)
		return false;
	set_rest(after, c);
	return true;
}

bool command_parse(const char *text, struct command *out)
{
	char folded[TEXT_MAX + 1];
	struct command command;
	const char *starts[2];

	if (!fold(text, folded) || folded[0] == '\0')
		return false;
	starts[0] = folded; /* "da nhan": the phrase goes before the courtesy */
	starts[1] = skip_any(folded, courtesies);
	for (size_t i = 0; i < 2; i++) {
		memset(&command, 0, sizeof(command));
		if (parse_verb_first(starts[i], &command)) {
			*out = command;
			return true;
		}
		memset(&command, 0, sizeof(command));
		if (parse_code_first(starts[i], &command)) {
			*out = command;
			return true;
		}
	}
	return false;
}

static bool has_digit(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_digit(p[i]))
			return true;
	}
	return false;
}

/* Nothing but fillers, courtesies and words with a digit in them. */
static bool only_digits_meant(const char *p)
{
	while (*p) {
		const char *next = skip_any(skip_any(p, courtesies), fillers);
		size_t word = strcspn(next, " ");

		if (next == p && !has_digit(p, word))
			return false;
		p = next == p ? skip_space(p + word) : next;
	}
	return true;
}

bool command_attempted(const char *text)
{
	char folded[TEXT_MAX + 1];
	struct command command;
	const char *next;

	if (command_parse(text, &command) || !fold(text, folded))
		return false;
	next = take_verb(folded, &command.verb);
	if (!next)
		next = take_verb(skip_any(folded, courtesies), &command.verb);
	return next && only_digits_meant(next);
}

const char *command_verb_name(enum command_verb verb)
{
	return verb_names[verb];
}
