/* Syllables of a message, spelled as the table of units spells them, and the hint words. */
#include "core/places_words.h"

#include <string.h>

#include "core/letters.h"
#include "core/places_data.h"

enum { LETTERS_MAX = 2000, NO_TYPE = -1 };

/* base: folded; key: the same words with their accents, both as spell() leaves them. strict: too
 * common without accents to count
 * ("lang", "ban", "to"). dot: an abbreviation that needs its full stop ("x. Bom Bo"). */
static const struct hint_row {
	const char *base, *key;
	enum places_hint hint;
	int type;
	bool strict, dot;
} hint_rows[] = {
	{"xa", "xa3", HINT_COMMUNE, TYPE_XA, false, false},
	{"x", "x", HINT_COMMUNE, TYPE_XA, false, true},
	{"phuong", "phUPng1", HINT_COMMUNE, TYPE_PHUONG, false, false},
	{"p", "p", HINT_COMMUNE, TYPE_PHUONG, false, true},
	{"thi tran", "thi5 trAn2", HINT_COMMUNE, TYPE_THI_TRAN, false, false},
	{"tt", "tt", HINT_COMMUNE, TYPE_THI_TRAN, false, false},
	{"dak khu", "dak khu", HINT_COMMUNE, TYPE_DAC_KHU, false, false},
	{"huyen", "huyEn5", HINT_DISTRICT, TYPE_HUYEN, false, false},
	{"h", "h", HINT_DISTRICT, TYPE_HUYEN, false, true},
	{"quan", "quAn5", HINT_DISTRICT, TYPE_QUAN, false, false},
	{"q", "q", HINT_DISTRICT, TYPE_QUAN, false, true},
	{"thi xa", "thi5 xa3", HINT_CITY, TYPE_THI_XA, false, false},
	{"tx", "tx", HINT_CITY, TYPE_THI_XA, false, false},
	{"thanh pho", "thanh1 phO2", HINT_CITY, TYPE_THANH_PHO, false, false},
	{"tp", "tp", HINT_CITY, TYPE_THANH_PHO, false, false},
	{"tinh", "tinh4", HINT_PROVINCE, TYPE_TINH, false, false},
	{"t", "t", HINT_PROVINCE, TYPE_TINH, false, true},

	{"thon", "thOn", HINT_VILLAGE, NO_TYPE, false, false},
	{"ap", "Ap2", HINT_VILLAGE, NO_TYPE, false, false},
	{"khu pho", "khu phO2", HINT_VILLAGE, NO_TYPE, false, false},
	{"kp", "kp", HINT_VILLAGE, NO_TYPE, false, false},
	{"xom", "xom2", HINT_VILLAGE, NO_TYPE, false, false},
	{"khom", "khom2", HINT_VILLAGE, NO_TYPE, false, false},
	{"buon", "buOn", HINT_VILLAGE, NO_TYPE, false, false},
	{"soc", "soc2", HINT_VILLAGE, NO_TYPE, false, false},
	{"lang", "lang1", HINT_VILLAGE, NO_TYPE, true, false},
	{"ban", "ban4", HINT_VILLAGE, NO_TYPE, true, false},
	{"to", "tO4", HINT_VILLAGE, NO_TYPE, true, false},
	{"duong", "DUPng1", HINT_VILLAGE, NO_TYPE, false, false},
	{"hem", "hem4", HINT_VILLAGE, NO_TYPE, false, false},
	{"ngo", "ngo3", HINT_VILLAGE, NO_TYPE, true, false},

	{"o", "P4", HINT_PLACE, NO_TYPE, false, false},
	{"tai", "tai5", HINT_PLACE, NO_TYPE, false, false},
	{"gan", "gAn1", HINT_PLACE, NO_TYPE, false, false},
	{"cho", "chP5", HINT_PLACE, NO_TYPE, false, false},
	{"ben xe", "bEn2 xe", HINT_PLACE, NO_TYPE, false, false},
	{"benh vien", "bEnh5 viEn5", HINT_PLACE, NO_TYPE, false, false},
	{"thuoc", "thuOc5", HINT_PLACE, NO_TYPE, false, false},
	{"khu vuc", "khu vUc5", HINT_PLACE, NO_TYPE, false, false},
	{"ubnd", "ubnd", HINT_PLACE, NO_TYPE, false, false},
	{"near", "near", HINT_PLACE, NO_TYPE, false, false},
	{"in", "in", HINT_PLACE, NO_TYPE, false, false},
	{"at", "at", HINT_PLACE, NO_TYPE, false, false},

	{"chau", "chau2", HINT_PERSON, NO_TYPE, false, false},
	{"em", "em", HINT_PERSON, NO_TYPE, false, false},
	{"be", "be2", HINT_PERSON, NO_TYPE, false, false},
	{"be gai", "be2 gai2", HINT_PERSON, NO_TYPE, false, false},
	{"be trai", "be2 trai", HINT_PERSON, NO_TYPE, false, false},
	{"ban", "ban5", HINT_PERSON, NO_TYPE, false, false},
	{"anh", "anh", HINT_PERSON, NO_TYPE, false, false},
	{"chi", "chi5", HINT_PERSON, NO_TYPE, false, false},
	{"ong", "Ong", HINT_PERSON, NO_TYPE, false, false},
	{"ba", "ba1", HINT_PERSON, NO_TYPE, false, false},
	{"ba", "ba", HINT_PERSON, NO_TYPE, false, false},
	{"bo", "bO2", HINT_PERSON, NO_TYPE, false, false},
	{"me", "me5", HINT_PERSON, NO_TYPE, false, false},
	{"con", "con", HINT_PERSON, NO_TYPE, false, false},
	{"co", "cO", HINT_PERSON, NO_TYPE, false, false},
	{"chu", "chu2", HINT_PERSON, NO_TYPE, false, false},
	{"bac", "bac2", HINT_PERSON, NO_TYPE, false, false},
	{"cau", "cAu5", HINT_PERSON, NO_TYPE, false, false},
	{"thay", "thAy1", HINT_PERSON, NO_TYPE, false, false},
	{"ten", "tEn", HINT_PERSON, NO_TYPE, false, false},
	{"vo", "vP5", HINT_PERSON, NO_TYPE, false, false},
	{"chong", "chOng1", HINT_PERSON, NO_TYPE, false, false},
	{"nguyen", "nguyEn3", HINT_PERSON, NO_TYPE, false, false},
	{"tran", "trAn1", HINT_PERSON, NO_TYPE, false, false},
	{"le", "lE", HINT_PERSON, NO_TYPE, false, false},
	{"pham", "pham5", HINT_PERSON, NO_TYPE, false, false},
	{"huynh", "huynh1", HINT_PERSON, NO_TYPE, false, false},
	{"phan", "phan", HINT_PERSON, NO_TYPE, false, false},
	{"vo", "vo3", HINT_PERSON, NO_TYPE, false, false},
	{"dang", "DBng5", HINT_PERSON, NO_TYPE, false, false},
	{"bui", "bui1", HINT_PERSON, NO_TYPE, false, false},
	{"van", "vBn", HINT_PERSON, NO_TYPE, false, false},
	{"thi", "thi5", HINT_PERSON, NO_TYPE, false, false},
};

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_figure(char c)
{
	return c >= '0' && c <= '9';
}

/* The key letter of a shaped one: capitals stand for â ă ê ô ơ ư đ. */
static char key_letter(const struct letter *l)
{
	static const struct {
		char base;
		uint8_t shape;
		char key;
	} shaped[] = {
		{'a', LETTER_HAT, 'A'},    {'a', LETTER_BREVE, 'B'}, {'e', LETTER_HAT, 'E'},
		{'o', LETTER_HAT, 'O'},    {'o', LETTER_HORN, 'P'},  {'u', LETTER_HORN, 'U'},
		{'d', LETTER_STROKE, 'D'},
	};

	for (size_t i = 0; i < sizeof(shaped) / sizeof(shaped[0]); i++)
		if (shaped[i].base == l->base && shaped[i].shape == l->shape)
			return shaped[i].key;
	return l->base;
}

/* Brings a syllable to the one spelling of the table of units: tone last, so that its place does
 * not matter (hòa, hoà); i for a final y (Mỹ, Mĩ); one form of Đắk, Đăk, Đak, Đắc. */
static void spell(struct places_word *w, size_t len, uint8_t tone)
{
	w->base[len] = w->key[len] = '\0';
	if (strcmp(w->base, "dak") == 0 || strcmp(w->base, "dac") == 0) {
		memcpy(w->base, "dak", 4);
		memcpy(w->key, "dak", 4);
		return;
	}
	if (len >= 2 && w->base[len - 1] == 'y' && strchr("bcdghklmnpqrstvx", w->base[len - 2]))
		w->base[len - 1] = w->key[len - 1] = 'i';
	if (tone != TONE_LEVEL) {
		w->key[len] = (char)('0' + tone);
		w->key[len + 1] = '\0';
	}
}

static size_t read_number(const struct letter *l, size_t n, struct places_word *w)
{
	size_t len = 0, used = 0;

	w->number = true;
	w->key[0] = '#';
	for (; used < n && is_figure(l[used].base); used++) {
		if (len + 1 >= PLACES_WORD_MAX)
			continue;
		w->base[len] = w->key[len + 1] = l[used].base;
		len++;
	}
	w->base[len] = w->key[len + 1] = '\0';
	return used;
}

/* Figures inside a syllable are VNI accents or a number written together: neither is part of a
 * name. An apostrophe joins ("H'leo"). A run too long for a word can match nothing and is cut. */
static size_t read_syllable(const struct letter *l, size_t n, struct places_word *w)
{
	size_t len = 0, used = 0;
	uint8_t tone = TONE_LEVEL;

	for (; used < n; used++) {
		char c = l[used].base;

		if (is_figure(c))
			w->numbered = true;
		else if (c != '\'' && !is_letter(c))
			break;
		if (!is_letter(c) || len + 1 >= PLACES_WORD_MAX)
			continue;
		w->marked = w->marked || l[used].shape || l[used].tone;
		tone = l[used].tone ? l[used].tone : tone;
		w->base[len] = c;
		w->key[len++] = key_letter(&l[used]);
	}
	w->upper = l[0].upper;
	spell(w, len, tone);
	return used;
}

void places_words(const char *text, struct places_text *out)
{
	struct letter letters[LETTERS_MAX];
	size_t n = letters_split(text, letters, LETTERS_MAX), syllables = 0, marked = 0;
	bool gap = true;

	out->count = 0;
	for (size_t i = 0; i < n && out->count < PLACES_WORDS_MAX;) {
		struct places_word *w = &out->words[out->count];
		bool figure = is_figure(letters[i].base);

		if (!figure && !is_letter(letters[i].base)) {
			gap = gap || strchr(",;:.!?()\n\r/\"", letters[i].base) != NULL;
			i++;
			continue;
		}
		memset(w, 0, sizeof(*w));
		w->gap = gap;
		i += figure ? read_number(letters + i, n - i, w)
			    : read_syllable(letters + i, n - i, w);
		w->dotted = i < n && letters[i].base == '.';
		syllables += !figure;
		marked += w->marked;
		gap = false;
		out->count++;
	}
	out->accented = marked * 4 >= syllables && marked > 0;
}

static bool word_is(const struct places_text *text, size_t at, const char *base, size_t base_len,
		    const char *key, size_t key_len, bool strict)
{
	const struct places_word *w = &text->words[at];

	if (strlen(w->key) == key_len && memcmp(w->key, key, key_len) == 0)
		return true;
	return !strict && !text->accented && !w->marked && strlen(w->base) == base_len &&
	       memcmp(w->base, base, base_len) == 0;
}

/* Number of words of the row if the text has them at `at`, else 0. */
static size_t row_fits(const struct places_text *text, size_t at, const struct hint_row *row)
{
	const char *base = row->base, *key = row->key;
	size_t n = 0;

	for (;;) {
		size_t base_len = strcspn(base, " "), key_len = strcspn(key, " ");

		if (at + n >= text->count || (n > 0 && text->words[at + n].gap) ||
		    !word_is(text, at + n, base, base_len, key, key_len, row->strict))
			return 0;
		n++;
		if (base[base_len] == '\0')
			break;
		base += base_len + 1;
		key += key_len + 1;
	}
	return row->dot && !text->words[at].dotted ? 0 : n;
}

enum places_hint places_hint(const struct places_text *text, size_t at, size_t *len, int *type)
{
	enum places_hint hint = HINT_NONE;

	*len = 0;
	*type = NO_TYPE;
	for (size_t i = 0; i < sizeof(hint_rows) / sizeof(hint_rows[0]); i++) {
		const struct hint_row *row = &hint_rows[i];
		size_t n;

		if (row->base[0] != text->words[at].base[0])
			continue;
		n = row_fits(text, at, row);
		if (n > *len) {
			hint = row->hint;
			*len = n;
			*type = row->type;
		}
	}
	return hint;
}
