/* Letters and their Vietnamese marks, by way of Unicode decomposition. */
#include "core/letters.h"

#include <string.h>
#include <utf8proc.h>

enum { DECOMPOSED_MAX = 24 }; /* the longest compatibility decomposition has 18 code points */

/* Combining marks of Vietnamese (Unicode block Combining Diacritical Marks). */
static const struct mark {
	int32_t code;
	uint8_t shape, tone;
} marks[] = {
	{0x0300, LETTER_PLAIN, TONE_GRAVE}, {0x0301, LETTER_PLAIN, TONE_ACUTE},
	{0x0303, LETTER_PLAIN, TONE_TILDE}, {0x0309, LETTER_PLAIN, TONE_HOOK},
	{0x0323, LETTER_PLAIN, TONE_DOT},   {0x0302, LETTER_HAT, TONE_LEVEL},
	{0x0306, LETTER_BREVE, TONE_LEVEL}, {0x031b, LETTER_HORN, TONE_LEVEL},
};

/* Letters that do not decompose, and signs that phones put in place of an ASCII one. The eth is
 * what some keyboards give for the Vietnamese d with stroke. */
static const struct stand_in {
	int32_t code;
	char base;
	uint8_t shape;
} stand_ins[] = {
	{0x0111, 'd', LETTER_STROKE}, {0x00f0, 'd', LETTER_STROKE}, {0x0256, 'd', LETTER_STROKE},
	{0x2018, '\'', LETTER_PLAIN}, {0x2019, '\'', LETTER_PLAIN}, {0x02bc, '\'', LETTER_PLAIN},
	{0x00b4, '\'', LETTER_PLAIN}, {0x2010, '-', LETTER_PLAIN},  {0x2011, '-', LETTER_PLAIN},
	{0x2013, '-', LETTER_PLAIN},  {0x2014, ',', LETTER_PLAIN},
};

static const struct mark *mark_of(int32_t code)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (marks[i].code == code)
			return &marks[i];
	return NULL;
}

static struct letter letter_of(int32_t code, bool upper)
{
	struct letter letter = {.base = ' ', .upper = upper};

	if (code > 0 && code < 0x80) {
		letter.base = (char)code;
		return letter;
	}
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++) {
		if (stand_ins[i].code == code) {
			letter.base = stand_ins[i].base;
			letter.shape = stand_ins[i].shape;
		}
	}
	return letter;
}

static bool is_zero_width(int32_t code)
{
	return utf8proc_category(code) == UTF8PROC_CATEGORY_CF;
}

/* Adds the decomposition of one code point; a mark joins the letter before it. */
static size_t add_code(int32_t code, struct letter *out, size_t n, size_t max)
{
	int32_t parts[DECOMPOSED_MAX];
	int boundary = 0;
	bool upper = utf8proc_category(code) == UTF8PROC_CATEGORY_LU;
	utf8proc_ssize_t count;

	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++) {
		if (stand_ins[i].code == code) { /* before U+00B4 falls apart into space and mark */
			out[n] = letter_of(code, upper);
			return n + 1;
		}
	}
	count = utf8proc_decompose_char(code, parts, DECOMPOSED_MAX,
					UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD,
					&boundary);
	if (count > DECOMPOSED_MAX)
		count = 0;
	for (utf8proc_ssize_t i = 0; i < count; i++) {
		const struct mark *mark = mark_of(parts[i]);

		if (mark && n > 0) {
			out[n - 1].shape = mark->shape ? mark->shape : out[n - 1].shape;
			out[n - 1].tone = mark->tone ? mark->tone : out[n - 1].tone;
		} else if (!mark && n < max &&
			   utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) {
			out[n++] = letter_of(parts[i], upper);
		}
	}
	return n;
}

size_t letters_split(const char *utf8, struct letter *out, size_t max)
{
	const uint8_t *p = (const uint8_t *)utf8;
	size_t left = strlen(utf8), n = 0;

	while (left > 0 && n < max) {
		int32_t code = 0;
		utf8proc_ssize_t used = utf8proc_iterate(p, (utf8proc_ssize_t)left, &code);

		if (used <= 0) {
			out[n++] = (struct letter){.base = ' '};
			used = 1;
		} else if (code < 0x80) {
			bool upper = code >= 'A' && code <= 'Z';

			out[n++] = letter_of(upper ? code + 'a' - 'A' : code, upper);
		} else if (!is_zero_width(code)) {
			n = add_code(code, out, n, max);
		}
		p += used;
		left -= (size_t)used;
	}
	return n;
}
