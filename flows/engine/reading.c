/* From bytes to words: Unicode, fonts, lost letters, and what a word means that is none. */
#include "flows/engine/reading.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "flows/engine/fonts.h"
#include "flows/engine/spelling.h"
#include "flows/engine/syllable.h"

/* One code point never decomposes to more than 18 (U+FDFA). */
enum { PARTS_MAX = 32, WORD_BYTES_MAX = 1024, BAD_CHARACTER = 0xfffd };
/* Words with lost letters are compared with every phrase: after so many the text is noise. */
enum { WILD_WORDS_MAX = 100 };
enum { ACCENTED_WORDS_MIN = 4 };
enum { CODE_LETTERS_MIN = 2, CODE_LETTERS_MAX = 4, CODE_DIGITS_MIN = 3 };

/* A word on its way. Letters may be of any script; `spelled` follows as long as they are a to z. */
struct draft {
	char letters[WORD_BYTES_MAX];
	uint8_t marks[WORD_BYTES_MAX];
	size_t len;
	uint8_t tone;
	bool latin, wild;
	bool whole; /* `spelled` has all of it, but for keys held down */
	struct spelled spelled;
};

struct reader_state {
	struct reading *out;
	struct draft draft;
	size_t room; /* of out->words */
	size_t wild_words;
	bool apart, plain, lossy;
};

uint32_t reading_hash(const char *letters, size_t len)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)letters[i]) * 16777619u;
	return hash;
}

/* ---- words ---- */

static struct read_word keep_bytes(struct reading *out, const char *letters, const uint8_t *marks, size_t len)
{
	struct read_word word = {.at = (uint32_t)out->bytes.len, .len = (uint16_t)len};

	buf_put(&out->bytes, letters, len);
	buf_put_u8(&out->bytes, 0);
	if (marks)
		buf_put(&out->bytes, marks, len);
	else
		memset(buf_reserve(&out->bytes, len), 0, len);
	word.hash = reading_hash(letters, len);
	for (size_t i = 0; i < len; i++) {
		word.marked |= marks && marks[i];
		word.wild |= letters[i] == READING_LOST;
	}
	return word;
}

static struct heard *next_word(struct reader_state *in)
{
	struct reading *out = in->out;
	struct heard *heard;

	if (out->count == in->room) {
		in->room = in->room ? 2 * in->room : 32;
		out->words = mem_array(out->words, in->room, sizeof *out->words);
	}
	heard = &out->words[out->count++];
	*heard = (struct heard){.apart = in->apart};
	in->apart = false;
	return heard;
}

static struct read_word *add_read(struct reader_state *in, struct heard *heard, const char *letters,
                     const uint8_t *marks, size_t len, uint8_t tone)
{
	struct read_word *word = &heard->as[heard->count++];

	*word = keep_bytes(in->out, letters, marks, len);
	word->tone = tone;
	word->marked |= tone != TONE_LEVEL;
	heard->hints |= word->wild ? ~UINT64_C(0) : reading_hint(word->hash);
	in->out->hints |= heard->hints;
	return word;
}

/* What a short form stands for: its first word is the other reading of what was typed, further ones follow. */
static void add_expansion(struct reader_state *in, struct heard *heard, const char *words)
{
	size_t len = strcspn(words, " ");

	add_read(in, heard, words, NULL, len, TONE_LEVEL)->loose = true;
	while (words[len]) {
		words += len + 1;
		len = strcspn(words, " ");
		add_read(in, next_word(in), words, NULL, len, TONE_LEVEL)->loose = true;
	}
}

static void add_spelled(struct reader_state *in, struct heard *heard, const struct spelled *word)
{
	add_read(in, heard, word->letters, word->marks, word->len, word->tone)->loose = true;
}

/* Keys of an input method, then letters held down, then play. "toj" is both a key and play. */
static void add_meaning(struct reader_state *in, struct heard *heard, const struct spelled *typed)
{
	const char *expansion = spelling_expand(typed);
	struct spelled meant = {0};
	char apart[2 * SPELLED_MAX + 1];
	bool keys;

	if (!expansion && syllable_is(typed))
		return;
	if (expansion) {
		add_expansion(in, heard, expansion);
		return;
	}
	keys = spelling_telex(typed, &meant) || spelling_vni(typed, &meant);
	if (keys)
		add_spelled(in, heard, &meant);
	else if (spelling_repeats(typed, &meant))
		expansion = spelling_expand(&meant);
	if (expansion)
		add_expansion(in, heard, expansion);
	else if (!keys && meant.len)
		add_spelled(in, heard, &meant);
	else if (spelling_playful(typed, &meant))
		add_spelled(in, heard, &meant);
	else if (spelling_split(typed, apart))
		add_expansion(in, heard, apart);
}

/* A "?" that ends a word of a damaged text may be a lost letter or a question: both are read. */
static void add_without_tail(struct reader_state *in, struct heard *heard, const struct draft *draft)
{
	size_t len = draft->len;

	while (len && draft->letters[len - 1] == READING_LOST)
		len--;
	if (len && len < draft->len)
		add_read(in, heard, draft->letters, draft->marks, len, draft->tone);
}

static size_t digits_from(const struct draft *draft, size_t at)
{
	size_t len = 0;

	while (at + len < draft->len && draft->letters[at + len] >= '0' && draft->letters[at + len] <= '9')
		len++;
	return len;
}

/* Where a word falls in two: before the number of "bp4821", after the number of "13tuoi". 0: nowhere. */
static size_t seam_of(const struct draft *draft)
{
	size_t digits = digits_from(draft, 0), letters = 0;

	if (digits)
		return digits < draft->len ? digits : 0;
	while (letters < draft->len && draft->letters[letters] >= 'a' && draft->letters[letters] <= 'z')
		letters++;
	digits = digits_from(draft, letters);
	if (letters >= CODE_LETTERS_MIN && letters <= CODE_LETTERS_MAX && digits >= CODE_DIGITS_MIN &&
	    letters + digits == draft->len)
		return letters;
	return 0;
}

static void close_word(struct reader_state *in)
{
	struct draft *draft = &in->draft;
	size_t seam = draft->wild || in->plain ? 0 : seam_of(draft);
	struct heard *heard;

	if (!draft->len)
		return;
	in->wild_words += draft->wild;
	in->lossy &= in->wild_words < WILD_WORDS_MAX;
	heard = next_word(in);
	if (seam) {
		add_read(in, heard, draft->letters, draft->marks, seam, draft->tone);
		add_read(in, next_word(in), draft->letters + seam, draft->marks + seam, draft->len - seam,
		         TONE_LEVEL);
	} else {
		add_read(in, heard, draft->letters, draft->marks, draft->len, draft->tone);
		if (draft->wild)
			add_without_tail(in, heard, draft);
		else if (!in->plain && draft->latin && draft->whole)
			add_meaning(in, heard, &draft->spelled);
	}
	draft->len = 0;
}

/* ---- letters ---- */

/* The fourth and further of a row of the same letter say no more than three. */
static bool is_held(const struct spelled *word, char letter)
{
	size_t len = word->len;

	return len >= 3 && word->letters[len - 1] == letter && word->letters[len - 2] == letter &&
	       word->letters[len - 3] == letter;
}

static void put_letter(struct reader_state *in, uint32_t point)
{
	struct draft *draft = &in->draft;
	utf8proc_uint8_t bytes[4];
	size_t len;
	uint8_t mark = MARK_NONE;

	if (!draft->len) {
		draft->tone = TONE_LEVEL;
		draft->latin = draft->whole = true;
		draft->wild = false;
		draft->spelled.len = 0;
		draft->spelled.tone = TONE_LEVEL;
		draft->spelled.tones_clash = false;
	}
	if (point == 0x111) {
		point = 'd';
		mark = MARK_STROKE;
	}
	len = (size_t)utf8proc_encode_char((utf8proc_int32_t)point, bytes);
	if (draft->len + len > WORD_BYTES_MAX)
		return; /* no phrase has such a word */
	memcpy(draft->letters + draft->len, bytes, len);
	memset(draft->marks + draft->len, 0, len);
	draft->marks[draft->len] = mark;
	draft->len += len;
	draft->wild |= point == READING_LOST;
	draft->latin &= point < 0x80;
	if (point < 0x80 && !is_held(&draft->spelled, (char)point))
		draft->whole &= spelled_add(&draft->spelled, (char)point, mark);
}

static void put_mark(struct reader_state *in, uint32_t point)
{
	struct draft *draft = &in->draft;
	struct spelled *spelled = &draft->spelled;

	if (!draft->len || !spelled->len || !spelled_combine(spelled, point))
		return;
	draft->tone = spelled->tone;
	if (draft->latin && draft->whole)
		draft->marks[draft->len - 1] = spelled->marks[spelled->len - 1];
}

static bool is_letter(utf8proc_category_t kind)
{
	return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO) ||
	       (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO);
}

static void put_point(struct reader_state *in, uint32_t point)
{
	utf8proc_category_t kind = utf8proc_category((utf8proc_int32_t)point);

	if (kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC || kind == UTF8PROC_CATEGORY_ME) {
		put_mark(in, point);
	} else if (is_letter(kind)) {
		put_letter(in, point);
	} else if (kind != UTF8PROC_CATEGORY_CF) {
		close_word(in);
		in->apart |= kind != UTF8PROC_CATEGORY_ZS;
		if (kind != UTF8PROC_CATEGORY_SO || point == BAD_CHARACTER)
			return;
		put_letter(in, point); /* a pictograph is a word of its own */
		close_word(in);
	}
}

static void put_any(struct reader_state *in, uint32_t point)
{
	utf8proc_int32_t parts[PARTS_MAX];
	int boundary = 0;
	utf8proc_ssize_t count;

	if (point < 0x80 && ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9'))) {
		put_letter(in, point);
		return;
	}
	count = utf8proc_decompose_char((utf8proc_int32_t)point, parts, PARTS_MAX,
	                                (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
	                                                    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE), &boundary);
	for (utf8proc_ssize_t i = 0; i < count && count <= PARTS_MAX; i++)
		put_point(in, (uint32_t)parts[i]);
}

/* ---- texts ---- */

static uint32_t *decode(const char *text, size_t *count)
{
	size_t left = strlen(text);
	uint32_t *points = mem_array(NULL, left + 1, sizeof *points);
	utf8proc_int32_t point;
	utf8proc_ssize_t len;

	for (*count = 0; left; left -= (size_t)len, text += len) {
		len = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)left, &point);
		points[(*count)++] = len > 0 ? (uint32_t)point : BAD_CHARACTER;
		len = len > 0 ? len : 1;
	}
	return points;
}

static bool is_lost(uint32_t point)
{
	return point == '?' || point == BAD_CHARACTER;
}

static bool is_plain_letter(uint32_t point)
{
	uint32_t small = point | 0x20;

	return (small >= 'a' && small <= 'z') || (point > 0xa0 && point != BAD_CHARACTER);
}

/* Letters were lost on the way if "?" stands before letters twice, or once where a word begins or where
 * letters stand on both sides that are no words. Otherwise it asks. */
static bool lost_letters(const uint32_t *points, size_t count)
{
	size_t before_letter = 0, at_start = 0, row = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		row = is_lost(points[i]) ? row + 1 : 0;
		if (!row || !is_plain_letter(points[i + 1]))
			continue;
		before_letter++;
		at_start += i + 1 == row || points[i - row] == ' ';
	}
	return before_letter >= 2 || at_start;
}

static bool lost_here(const uint32_t *points, size_t count, size_t i)
{
	bool after = i && (is_plain_letter(points[i - 1]) || is_lost(points[i - 1]));
	bool before = i + 1 < count && (is_plain_letter(points[i + 1]) || is_lost(points[i + 1]));

	return is_lost(points[i]) && (after || before);
}

/* Of the words of the language six in ten carry an accent; who types them here and there has fewer. */
static bool is_accented(const struct reading *reading)
{
	size_t marked = 0;

	for (size_t i = 0; i < reading->count; i++)
		marked += reading->words[i].as[0].marked;
	return reading->count >= ACCENTED_WORDS_MIN && 2 * marked >= reading->count;
}

static void read_text(struct reading *reading, const char *text, bool plain)
{
	struct reader_state in = {.out = reading, .plain = plain, .apart = true};
	size_t count;
	uint32_t *points = decode(text, &count), *mended = plain ? NULL : fonts_mend(points, &count);

	*reading = (struct reading){0};
	if (mended) {
		mem_free(points);
		points = mended;
	}
	in.lossy = !plain && lost_letters(points, count);
	for (size_t i = 0; i < count; i++) {
		if (in.lossy && lost_here(points, count, i))
			put_letter(&in, READING_LOST);
		else
			put_any(&in, points[i]);
	}
	close_word(&in);
	reading->accented = is_accented(reading);
	mem_free(points);
}

void reading_init(struct reading *reading, const char *text)
{
	read_text(reading, text, false);
}

void reading_init_plain(struct reading *reading, const char *text)
{
	read_text(reading, text, true);
}

void reading_fini(struct reading *reading)
{
	buf_free(&reading->bytes);
	mem_free(reading->words);
	*reading = (struct reading){0};
}

char *reading_fold(const char *text)
{
	struct reading reading;
	struct buf out = {0};
	const struct read_word *word;

	reading_init(&reading, text);
	for (size_t i = 0; i < reading.count; i++) {
		if (out.len)
			buf_put_u8(&out, ' ');
		word = &reading.words[i].as[reading.words[i].count - 1];
		buf_put(&out, reading_letters(&reading, word), word->len);
	}
	reading_fini(&reading);
	buf_cstr(&out);
	return (char *)out.data; /* ownership of the bytes goes to the caller */
}
