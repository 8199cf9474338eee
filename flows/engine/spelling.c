/* Keystrokes, held keys and the spelling of the young, each tried against the syllables of the language. */
#include "flows/engine/spelling.h"

#include <stdlib.h>
#include <string.h>

#include "flows/engine/syllable.h"

/* Our own list, in the order of the first column. `accented`: the form with just these accents; else it is
 * taken without accents, and with accents where that makes no other word ("dc" is also the one with
 * stroke). One form may stand in several rows. */
static const struct short_form {
	const char *from, *accented, *to;
} short_forms[] = {
	{"a", NULL, "anh"}, {"ac", NULL, "anh chi"}, {"ak", NULL, "a"}, {"bame", NULL, "ba me"},
	{"bg", NULL, "bay gio"}, {"bgio", NULL, "bay gio"}, {"bh", NULL, "bay gio"},
	{"bik", NULL, "biet"}, {"bit", NULL, "biet"}, {"bit", "bít", "biet"},
	{"bjo", NULL, "bay gio"}, {"bjt", NULL, "biet"}, {"bme", NULL, "bo me"},
	{"bn", NULL, "ban"}, {"bt", NULL, "biet"}, {"bv", NULL, "benh vien"}, {"c", NULL, "chi"},
	{"cg", NULL, "cung"}, {"chit", NULL, "chet"}, {"chit", "chít", "chet"},
	{"chj", NULL, "chi"}, {"cj", NULL, "chi"}, {"ck", NULL, "chong"}, {"cx", NULL, "cung"},
	{"d", "đ", "di"}, {"dc", NULL, "duoc"}, {"ddc", NULL, "duoc"}, {"dk", NULL, "duoc"},
	{"dt", NULL, "dien thoai"}, {"dth", NULL, "dien thoai"}, {"dzay", NULL, "vay"},
	{"e", NULL, "em"}, {"fb", NULL, "facebook"}, {"fone", NULL, "phone"}, {"g", NULL, "gi"},
	{"gd", NULL, "gia dinh"}, {"gj", NULL, "gi"}, {"gv", NULL, "giao vien"},
	{"h", NULL, "gio"}, {"hem", NULL, "khong"}, {"hg", NULL, "khong"}, {"hk", NULL, "khong"},
	{"hog", NULL, "khong"}, {"hok", NULL, "khong"}, {"hong", NULL, "khong"},
	{"hong", "hông", "khong"}, {"hong", "hổng", "khong"}, {"hs", NULL, "hoc sinh"},
	{"hum", NULL, "hom"}, {"iu", NULL, "yeu"}, {"j", NULL, "gi"}, {"k", NULL, "khong"},
	{"kg", NULL, "khong"}, {"kh", NULL, "khong"}, {"khg", NULL, "khong"},
	{"khum", NULL, "khong"}, {"ko", NULL, "khong"}, {"kp", NULL, "khong phai"},
	{"ks", NULL, "khong sao"}, {"lem", NULL, "lam"}, {"lem", "lém", "lam"},
	{"lm", NULL, "lam"}, {"ln", NULL, "luon"}, {"lun", NULL, "luon"}, {"m", NULL, "minh"},
	{"mik", NULL, "minh"}, {"mjk", NULL, "minh"}, {"mk", NULL, "minh"},
	{"mn", NULL, "moi nguoi"}, {"mng", NULL, "moi nguoi"}, {"ms", NULL, "moi"},
	{"mun", NULL, "muon"}, {"mun", "mún", "muon"}, {"nc", NULL, "noi chuyen"},
	{"nch", NULL, "noi chuyen"}, {"ng", NULL, "nguoi"}, {"ngta", NULL, "nguoi ta"},
	{"nhiu", NULL, "nhieu"}, {"nhju", NULL, "nhieu"}, {"nma", NULL, "nhung ma"},
	{"ns", NULL, "noi"}, {"nt", NULL, "nhan tin"}, {"ntn", NULL, "nhu the nao"},
	{"nv", NULL, "nhu vay"}, {"nx", NULL, "nua"}, {"ny", NULL, "nguoi yeu"},
	{"oi", "òi", "roi"}, {"oy", NULL, "roi"}, {"pik", NULL, "biet"}, {"pit", NULL, "biet"},
	{"pt", NULL, "biet"}, {"q", NULL, "qua"}, {"r", NULL, "roi"}, {"rui", NULL, "roi"},
	{"rui", "rùi", "roi"}, {"s", NULL, "sao"}, {"sdt", NULL, "so dien thoai"},
	{"stk", NULL, "so tai khoan"}, {"t", NULL, "toi"}, {"thui", NULL, "thoi"},
	{"tn", NULL, "tin nhan"}, {"tq", NULL, "trung quoc"}, {"trc", NULL, "truoc"},
	{"tui", NULL, "toi"}, {"v", NULL, "vay"}, {"vk", NULL, "vo"}, {"vs", NULL, "voi"},
	{"wa", NULL, "qua"}, {"wen", NULL, "quen"}, {"xhtd", NULL, "xam hai tinh duc"},
	{"z", NULL, "vay"}, {"zay", NULL, "vay"}, {"zo", NULL, "vo"}, {"zui", NULL, "vui"},
};

enum { SHORT_FORMS = sizeof short_forms / sizeof *short_forms };

/* Spellings of the young: at the start, at the end, anywhere. The first that fits is taken. */
struct rewrite {
	const char *from, *to;
};

static const struct rewrite at_start[] = {
	{"ph", "ph"}, {"tk", "th"}, {"nk", "nh"}, {"ck", "ch"}, {"dz", "d"}, {"dj", "di"}, {"gj", "gi"},
	{"f", "ph"}, {"p", "b"}, {"z", "d"}, {"w", "qu"}, {"ka", "ca"}, {"ko", "co"}, {"ku", "cu"},
	{"nge", "nghe"}, {"ngi", "nghi"},
};

static const struct rewrite at_end[] = {
	{"nk", "nh"}, {"ck", "ch"}, {"ik", "ich"}, {"ek", "ech"}, {"ng", "ng"}, {"k", "c"}, {"g", "ng"},
	{"ah", "anh"}, {"ih", "inh"}, {"aw", "au"}, {"z", ""},
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct short_form *)row)->from);
}

static bool same_accents(const struct spelled *word, const char *accented)
{
	static const struct {
		const char *text;
		char letter;
		uint8_t mark, tone;
	} rows[] = {
		{"đ", 'd', MARK_STROKE, 0}, {"í", 'i', 0, TONE_SAC}, {"ô", 'o', MARK_CIRCUMFLEX, 0},
		{"ổ", 'o', MARK_CIRCUMFLEX, TONE_HOI_NGA}, {"é", 'e', 0, TONE_SAC}, {"ú", 'u', 0, TONE_SAC},
		{"ù", 'u', 0, TONE_HUYEN}, {"ò", 'o', 0, TONE_HUYEN},
	};
	uint8_t mark, tone = 0;
	size_t row, len;

	for (size_t i = 0; i < word->len; i++, accented += len) {
		for (row = 0; row < sizeof rows / sizeof *rows; row++)
			if (!strncmp(accented, rows[row].text, strlen(rows[row].text)))
				break;
		len = row < sizeof rows / sizeof *rows ? strlen(rows[row].text) : 1;
		mark = len > 1 ? rows[row].mark : MARK_NONE;
		tone = len > 1 && rows[row].tone ? rows[row].tone : tone;
		if (word->marks[i] != mark)
			return false;
	}
	return word->tone == tone;
}

const char *spelling_expand(const struct spelled *word)
{
	const struct short_form *row = bsearch(word->letters, short_forms, SHORT_FORMS,
	                                       sizeof *short_forms, compare);
	bool marked = spelled_is_marked(word), other = marked && syllable_is(word);

	if (!row)
		return NULL;
	while (row > short_forms && !strcmp(row[-1].from, word->letters))
		row--;
	for (; row < short_forms + SHORT_FORMS && !strcmp(row->from, word->letters); row++)
		if (row->accented ? marked && same_accents(word, row->accented) : !other)
			return row->to;
	return NULL;
}

/* ---- keystrokes ---- */

static bool is_vowel(char letter)
{
	return letter && strchr("aeiouy", letter);
}

static bool set_tone(struct spelled *word, uint8_t tone)
{
	if (word->tone && tone)
		return false;
	word->tone = tone;
	return true;
}

/* The mark for the last letter of `which`; "uo" takes the horn on both. */
static bool mark_last(struct spelled *word, const char *which, uint8_t mark)
{
	for (size_t i = word->len; i-- > 0;) {
		if (!strchr(which, word->letters[i]) || word->marks[i])
			continue;
		word->marks[i] = mark;
		if (mark == MARK_HORN && word->letters[i] == 'o' && i && word->letters[i - 1] == 'u' &&
		    (i < 2 || word->letters[i - 2] != 'q'))
			word->marks[i - 1] = MARK_HORN;
		return true;
	}
	return false;
}

static bool has_vowel(const struct spelled *word)
{
	for (size_t i = 0; i < word->len; i++)
		if (is_vowel(word->letters[i]))
			return true;
	return false;
}

/* One more key; false if it is no more than a letter. */
static bool telex_key(struct spelled *out, char key)
{
	static const char tone_keys[] = "fsrxj"; /* `enum tone`: huyen, sac, hoi, nga, nang */
	static const uint8_t tones[] = {TONE_HUYEN, TONE_SAC, TONE_HOI_NGA, TONE_HOI_NGA, TONE_NANG};
	const char *tone = strchr(tone_keys, key);
	size_t last = out->len - 1;

	if (tone && has_vowel(out) && !out->tone)
		return set_tone(out, tones[tone - tone_keys]);
	if (key == 'w' && mark_last(out, "o", MARK_HORN))
		return true;
	if (key == 'w' && mark_last(out, "u", MARK_HORN))
		return true;
	if (key == 'w')
		return mark_last(out, "a", MARK_BREVE);
	if (key == 'd' && out->letters[0] == 'd' && !out->marks[0] && (out->len == 1 || has_vowel(out))) {
		out->marks[0] = MARK_STROKE;
		return true;
	}
	if (!strchr("aeo", key) || out->letters[last] != key || out->marks[last])
		return false;
	out->marks[last] = MARK_CIRCUMFLEX;
	return true;
}

bool spelling_telex(const struct spelled *word, struct spelled *out)
{
	struct spelled read = {.tone = word->tone};
	bool keyed = false;

	for (size_t i = 0; i < word->len; i++) {
		if (!word->marks[i] && read.len && telex_key(&read, word->letters[i])) {
			keyed = true;
			continue;
		}
		if (word->letters[i] == 'w' && !word->marks[i]) { /* alone it is the u with horn */
			keyed = spelled_add(&read, 'u', MARK_HORN);
			continue;
		}
		spelled_add(&read, word->letters[i], word->marks[i]);
	}
	if (!keyed || read.len < 2 || !syllable_is(&read))
		return false;
	*out = read;
	return true;
}

static bool vni_key(struct spelled *out, char key)
{
	static const uint8_t tones[] = {TONE_SAC, TONE_HUYEN, TONE_HOI_NGA, TONE_HOI_NGA, TONE_NANG};

	if (key >= '1' && key <= '5')
		return has_vowel(out) && set_tone(out, tones[key - '1']);
	if (key == '6')
		return mark_last(out, "aeo", MARK_CIRCUMFLEX);
	if (key == '7')
		return mark_last(out, "o", MARK_HORN) || mark_last(out, "u", MARK_HORN);
	if (key == '8')
		return mark_last(out, "a", MARK_BREVE);
	return key == '9' && mark_last(out, "d", MARK_STROKE);
}

bool spelling_vni(const struct spelled *word, struct spelled *out)
{
	struct spelled read = {.tone = word->tone};
	bool keyed = false;

	for (size_t i = 0; i < word->len; i++) {
		if (word->letters[i] < '0' || word->letters[i] > '9') {
			spelled_add(&read, word->letters[i], word->marks[i]);
			continue;
		}
		keyed = read.len && vni_key(&read, word->letters[i]);
		if (!keyed)
			return false;
	}
	if (!keyed || !syllable_is(&read))
		return false;
	*out = read;
	return true;
}

/* ---- play ---- */

static bool rewritten(const struct spelled *word, size_t at, const struct rewrite *rule,
                      struct spelled *out)
{
	size_t from_len = strlen(rule->from);
	bool room = true;

	*out = (struct spelled){.tone = word->tone};
	for (size_t i = 0; i < at; i++)
		room &= spelled_add(out, word->letters[i], word->marks[i]);
	for (size_t i = 0; rule->to[i]; i++)
		room &= spelled_add(out, rule->to[i], i < from_len ? word->marks[at + i] : MARK_NONE);
	for (size_t i = at + from_len; i < word->len; i++)
		room &= spelled_add(out, word->letters[i], word->marks[i]);
	return room;
}

static void rewrite_start(struct spelled *word)
{
	struct spelled out;

	for (size_t i = 0; i < sizeof at_start / sizeof *at_start; i++) {
		if (strncmp(word->letters, at_start[i].from, strlen(at_start[i].from)))
			continue;
		if (rewritten(word, 0, &at_start[i], &out))
			*word = out;
		return;
	}
}

static void rewrite_end(struct spelled *word)
{
	struct spelled out;
	size_t len;

	for (size_t i = 0; i < sizeof at_end / sizeof *at_end; i++) {
		len = strlen(at_end[i].from);
		if (word->len <= len || strcmp(word->letters + word->len - len, at_end[i].from))
			continue;
		if (rewritten(word, word->len - len, &at_end[i], &out))
			*word = out;
		return;
	}
}

bool spelling_playful(const struct spelled *word, struct spelled *out)
{
	struct spelled read = *word;

	if (word->len < 2)
		return false;
	for (size_t i = 1; i < read.len; i++)
		if (read.letters[i] == 'j')
			read.letters[i] = 'i';
	if (!syllable_is(&read))
		rewrite_start(&read);
	if (!syllable_is(&read))
		rewrite_end(&read);
	if (!syllable_is(&read))
		return false;
	*out = read;
	return true;
}

/* ---- held keys ---- */

/* Runs of the same letter cut to at most `most`; the number of letters that fell away. */
static size_t cut_runs(const struct spelled *word, size_t most, struct spelled *out)
{
	size_t run = 0;

	*out = (struct spelled){.tone = word->tone};
	for (size_t i = 0; i < word->len; i++) {
		run = i && word->letters[i] == word->letters[i - 1] ? run + 1 : 1;
		if (run <= most)
			spelled_add(out, word->letters[i], word->marks[i]);
	}
	return word->len - out->len;
}

bool spelling_repeats(const struct spelled *word, struct spelled *out)
{
	struct spelled twice, once;
	bool held = cut_runs(word, 2, &twice) > 0;

	if (held && syllable_is(&twice)) {
		*out = twice;
		return true;
	}
	if (!cut_runs(word, 1, &once) || (!held && !syllable_is(&once)))
		return false;
	*out = once;
	return true;
}

/* ---- spaces left out ---- */

enum { SPLIT_LEN_MIN = 6, SYLLABLE_MAX = 6 };

static bool is_part(const struct spelled *word, size_t at, size_t len)
{
	struct spelled part = {0};

	for (size_t i = at; i < at + len; i++)
		spelled_add(&part, word->letters[i], MARK_NONE);
	return syllable_is(&part);
}

/* The fewest syllables that the letters from each place on fall into, and how long the first of them is. */
static bool cut_up(const struct spelled *word, size_t lens[SPELLED_MAX + 1])
{
	size_t fewest[SPELLED_MAX + 1] = {0}, none = SPELLED_MAX + 1;

	for (size_t at = word->len; at-- > 0;) {
		fewest[at] = none;
		for (size_t len = 1; len <= SYLLABLE_MAX && at + len <= word->len; len++) {
			if (fewest[at + len] + 1 > fewest[at] || !is_part(word, at, len))
				continue;
			fewest[at] = fewest[at + len] + 1;
			lens[at] = len;
		}
	}
	/* words of other languages fall into scraps: five letters to two syllables is the least */
	return fewest[0] > 1 && 5 * fewest[0] <= 2 * word->len;
}

bool spelling_split(const struct spelled *word, char out[2 * SPELLED_MAX + 1])
{
	size_t lens[SPELLED_MAX + 1] = {0}, len = 0;

	if (word->len < SPLIT_LEN_MIN || spelled_is_marked(word) || !cut_up(word, lens))
		return false;
	for (size_t at = 0; at < word->len; at += lens[at]) {
		if (at)
			out[len++] = ' ';
		memcpy(out + len, word->letters + at, lens[at]);
		len += lens[at];
	}
	out[len] = '\0';
	return true;
}
