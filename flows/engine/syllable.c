/* Initials and rhymes of Vietnamese, and the test of a word against them. */
#include "flows/engine/syllable.h"

#include <stdlib.h>
#include <string.h>

/* Both in the order of their bytes. */
static const char *const rhymes[] = {
	"a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay", "e", "ec",
	"em", "en", "eng", "eo", "ep", "et", "i", "ia", "ich", "im", "in", "inh", "ip", "it", "iu",
	"iêc", "iêm", "iên", "iêng", "iêp", "iêt", "iêu", "o", "oa", "oac", "oach", "oai", "oam",
	"oan", "oang", "oanh", "oao", "oap", "oat", "oay", "oc", "oe", "oen", "oeo", "oet", "oi",
	"om", "on", "ong", "ooc", "oong", "op", "ot", "oăc", "oăm", "oăn", "oăng", "oăt", "u",
	"ua", "uc", "ui", "um", "un", "ung", "up", "ut", "uy", "uya", "uych", "uynh", "uyt", "uyu",
	"uyên", "uyêt", "uân", "uâng", "uât", "uây", "uê", "uêch", "uênh", "uôc", "uôi", "uôm",
	"uôn", "uông", "uôt", "uơ", "y", "ych", "ynh", "yt", "yêm", "yên", "yêng", "yêt", "yêu",
	"â", "âc", "âm", "ân", "âng", "âp", "ât", "âu", "ây", "ê", "êch", "êm", "ên", "ênh", "êp",
	"êt", "êu", "ô", "ôc", "ôi", "ôm", "ôn", "ông", "ôp", "ôt", "ă", "ăc", "ăm", "ăn", "ăng",
	"ăp", "ăt", "ơ", "ơi", "ơm", "ơn", "ơp", "ơt", "ư", "ưa", "ưc", "ưi", "ưm", "ưng", "ưt",
	"ưu", "ươc", "ươi", "ươm", "ươn", "ương", "ươp", "ươt", "ươu",
};

static const char *const plain_rhymes[] = {
	"a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay", "e", "ec",
	"ech", "em", "en", "eng", "enh", "eo", "ep", "et", "eu", "i", "ia", "ich", "iec", "iem",
	"ien", "ieng", "iep", "iet", "ieu", "im", "in", "inh", "ip", "it", "iu", "o", "oa", "oac",
	"oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap", "oat", "oay", "oc", "oe", "oen",
	"oeo", "oet", "oi", "om", "on", "ong", "ooc", "oong", "op", "ot", "u", "ua", "uan", "uang",
	"uat", "uay", "uc", "ue", "uech", "uenh", "ui", "um", "un", "ung", "uo", "uoc", "uoi",
	"uom", "uon", "uong", "uop", "uot", "uou", "up", "ut", "uu", "uy", "uya", "uych", "uyen",
	"uyet", "uynh", "uyt", "uyu", "y", "ych", "yem", "yen", "yeng", "yet", "yeu", "ynh", "yt",
};
/* Longer ones first, so that the first that fits leaves the shortest rhyme. "q" stands with its u. */
static const char *const initials[] = {
	"ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th", "tr", "b", "c", "d", "g", "h", "k",
	"l", "m", "n", "r", "s", "t", "v", "x", "",
};

static const struct {
	uint32_t point;
	uint8_t mark, tone;
} combining[] = {
	{0x0300, MARK_NONE, TONE_HUYEN},      {0x0301, MARK_NONE, TONE_SAC},
	{0x0302, MARK_CIRCUMFLEX, 0},         {0x0303, MARK_NONE, TONE_HOI_NGA},
	{0x0306, MARK_BREVE, 0},              {0x0309, MARK_NONE, TONE_HOI_NGA},
	{0x031b, MARK_HORN, 0},               {0x0323, MARK_NONE, TONE_NANG},
	{0x0340, MARK_NONE, TONE_HUYEN},      {0x0341, MARK_NONE, TONE_SAC},
};

bool spelled_add(struct spelled *word, char letter, enum letter_mark mark)
{
	if (word->len == SPELLED_MAX)
		return false;
	word->marks[word->len] = (uint8_t)mark;
	word->letters[word->len++] = letter;
	word->letters[word->len] = '\0';
	return true;
}

bool spelled_is_marked(const struct spelled *word)
{
	for (size_t i = 0; i < word->len; i++)
		if (word->marks[i])
			return true;
	return word->tone != TONE_LEVEL;
}

bool spelled_combine(struct spelled *word, uint32_t point)
{
	for (size_t i = 0; i < sizeof combining / sizeof *combining; i++) {
		if (combining[i].point != point)
			continue;
		if (combining[i].mark && word->len)
			word->marks[word->len - 1] = combining[i].mark;
		if (combining[i].tone && word->tone && word->tone != combining[i].tone)
			word->tones_clash = true;
		if (combining[i].tone)
			word->tone = combining[i].tone;
		return true;
	}
	return false;
}

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool stands_in(const char *rhyme, const char *const *table, size_t count)
{
	return bsearch(rhyme, table, count, sizeof *table, compare) != NULL;
}

/* One letter with its mark in UTF-8, composed; "" for a pair that the language lacks. */
static const char *composed(char letter, uint8_t mark)
{
	static const struct {
		char letter;
		uint8_t mark;
		const char *text;
	} rows[] = {
		{'a', MARK_BREVE, "ă"}, {'a', MARK_CIRCUMFLEX, "â"}, {'e', MARK_CIRCUMFLEX, "ê"},
		{'o', MARK_CIRCUMFLEX, "ô"}, {'o', MARK_HORN, "ơ"}, {'u', MARK_HORN, "ư"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].letter == letter && rows[i].mark == mark)
			return rows[i].text;
	return "";
}

static bool rhyme_is(const struct spelled *word, size_t at, bool marked)
{
	char rhyme[2 * SPELLED_MAX + 1];
	const char *text;
	size_t len = 0;

	if (at >= word->len || word->len - at > 4)
		return false;
	if (!marked)
		return stands_in(word->letters + at, plain_rhymes, sizeof plain_rhymes / sizeof *plain_rhymes);
	for (size_t i = at; i < word->len; i++) {
		if (!word->marks[i]) {
			rhyme[len++] = word->letters[i];
			continue;
		}
		text = composed(word->letters[i], word->marks[i]);
		if (!*text)
			return false;
		memcpy(rhyme + len, text, strlen(text));
		len += strlen(text);
	}
	rhyme[len] = '\0';
	return stands_in(rhyme, rhymes, sizeof rhymes / sizeof *rhymes);
}

/* k, gh and ngh stand before e, i, y; c, g and ng before the others ("gi" aside). */
static bool goes_with(const char *initial, char vowel)
{
	bool front = vowel == 'e' || vowel == 'i' || vowel == 'y';

	if (!strcmp(initial, "k") || !strcmp(initial, "gh") || !strcmp(initial, "ngh"))
		return front;
	if (!strcmp(initial, "c") || !strcmp(initial, "ng"))
		return !front;
	return strcmp(initial, "g") || vowel == 'i' || !front;
}

static bool marks_fit(const struct spelled *word, size_t initial_len)
{
	if (initial_len && word->marks[0] && (word->letters[0] != 'd' || initial_len != 1))
		return false;
	for (size_t i = 1; i < initial_len; i++)
		if (word->marks[i])
			return false;
	return true;
}

static bool tone_fits(const struct spelled *word)
{
	char last = word->letters[word->len - 1];
	bool stopped = last == 'c' || last == 'p' || last == 't' ||
	               (last == 'h' && word->len > 1 && word->letters[word->len - 2] == 'c');

	return !stopped || word->tone == TONE_SAC || word->tone == TONE_NANG;
}

bool syllable_is(const struct spelled *word)
{
	bool marked = spelled_is_marked(word);
	size_t len;

	if (!word->len || word->tones_clash || (marked && !tone_fits(word)))
		return false;
	for (size_t i = 0; i < sizeof initials / sizeof *initials; i++) {
		if (initials[i][0] && initials[i][0] != word->letters[0])
			continue;
		len = strlen(initials[i]);
		if (strncmp(word->letters, initials[i], len) || !goes_with(initials[i], word->letters[len]))
			continue;
		if (marks_fit(word, len) && rhyme_is(word, len, marked))
			return true;
	}
	return false;
}
