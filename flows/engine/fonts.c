/* VNI-Windows and TCVN3 (ABC), the two fonts that are met, and the score that tells them from Unicode. */
#include "flows/engine/fonts.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "flows/engine/syllable.h"

/* By how many words a font must be ahead. */
enum { AHEAD_MIN = 2 };

struct letter_of {
	uint16_t byte, point;
};

/* TCVN 5712 table 3: one byte, one letter; capital vowels have the small ones' tones. Upper-case letters of
 * the font come out small, which comparison does not mind. In the order of the bytes. */
static const struct letter_of tcvn3[] = {
	{0xa1, 0x0103}, {0xa2, 0x00e2}, {0xa3, 0x00ea}, {0xa4, 0x00f4}, {0xa5, 0x01a1},
	{0xa6, 0x01b0}, {0xa7, 0x0111}, {0xa8, 0x0103}, {0xa9, 0x00e2}, {0xaa, 0x00ea},
	{0xab, 0x00f4}, {0xac, 0x01a1}, {0xad, 0x01b0}, {0xae, 0x0111}, {0xb5, 0x00e0},
	{0xb6, 0x1ea3}, {0xb7, 0x00e3}, {0xb8, 0x00e1}, {0xb9, 0x1ea1}, {0xbb, 0x1eb1},
	{0xbc, 0x1eb3}, {0xbd, 0x1eb5}, {0xbe, 0x1eaf}, {0xc6, 0x1eb7}, {0xc7, 0x1ea7},
	{0xc8, 0x1ea9}, {0xc9, 0x1eab}, {0xca, 0x1ea5}, {0xcb, 0x1ead}, {0xcc, 0x00e8},
	{0xce, 0x1ebb}, {0xcf, 0x1ebd}, {0xd0, 0x00e9}, {0xd1, 0x1eb9}, {0xd2, 0x1ec1},
	{0xd3, 0x1ec3}, {0xd4, 0x1ec5}, {0xd5, 0x1ebf}, {0xd6, 0x1ec7}, {0xd7, 0x00ec},
	{0xd8, 0x1ec9}, {0xdc, 0x0129}, {0xdd, 0x00ed}, {0xde, 0x1ecb}, {0xdf, 0x00f2},
	{0xe1, 0x1ecf}, {0xe2, 0x00f5}, {0xe3, 0x00f3}, {0xe4, 0x1ecd}, {0xe5, 0x1ed3},
	{0xe6, 0x1ed5}, {0xe7, 0x1ed7}, {0xe8, 0x1ed1}, {0xe9, 0x1ed9}, {0xea, 0x1edd},
	{0xeb, 0x1edf}, {0xec, 0x1ee1}, {0xed, 0x1edb}, {0xee, 0x1ee3}, {0xef, 0x00f9},
	{0xf1, 0x1ee7}, {0xf2, 0x0169}, {0xf3, 0x00fa}, {0xf4, 0x1ee5}, {0xf5, 0x1eeb},
	{0xf6, 0x1eed}, {0xf7, 0x1eef}, {0xf8, 0x1ee9}, {0xf9, 0x1ef1}, {0xfa, 0x1ef3},
	{0xfb, 0x1ef7}, {0xfc, 0x1ef9}, {0xfd, 0x00fd}, {0xfe, 0x1ef5},
};

/* VNI-Windows: letters of their own ... */
static const struct letter_of vni_letters[] = {
	{0xe6, 0x1ec9}, {0xec, 0xec}, {0xed, 0xed}, {0xee, 0x1ef5}, {0xf1, 0x111}, {0xf2, 0x1ecb},
	{0xf3, 0x129}, {0xf4, 0x1a1}, {0xf6, 0x1b0},
};

/* ... and marks that follow the vowel, as combining characters. */
static const struct {
	uint16_t byte, first, second;
} vni_marks[] = {
	{0xf9, 0x301, 0}, {0xf8, 0x300, 0}, {0xfb, 0x309, 0}, {0xf5, 0x303, 0}, {0xef, 0x323, 0},
	{0xe2, 0x302, 0}, {0xe1, 0x302, 0x301}, {0xe0, 0x302, 0x300}, {0xe5, 0x302, 0x309},
	{0xe3, 0x302, 0x303}, {0xe4, 0x302, 0x323}, {0xea, 0x306, 0}, {0xe9, 0x306, 0x301},
	{0xe8, 0x306, 0x300}, {0xfa, 0x306, 0x309}, {0xfc, 0x306, 0x303}, {0xeb, 0x306, 0x323},
};

typedef void read_point(struct spelled *word, uint32_t point);

static bool add_composed(struct spelled *word, uint32_t point)
{
	utf8proc_int32_t parts[32];
	int boundary = 0;
	utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)point, parts, 32,
	                                                 UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);

	if (count < 1 || count > 32)
		return false;
	for (utf8proc_ssize_t i = 0; i < count; i++) {
		if (parts[i] == 0x111)
			spelled_add(word, 'd', MARK_STROKE);
		else if (parts[i] < 0x80)
			spelled_add(word, (char)parts[i], MARK_NONE);
		else if (!spelled_combine(word, (uint32_t)parts[i]))
			return false;
	}
	return true;
}

static void as_unicode(struct spelled *word, uint32_t point)
{
	if (!add_composed(word, point))
		word->tones_clash = true; /* a sign that no Vietnamese word holds */
}

static uint32_t letter_for(const struct letter_of *table, size_t count, uint32_t point)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].byte == point)
			return table[i].point;
	return 0;
}

static void as_tcvn3(struct spelled *word, uint32_t point)
{
	uint32_t letter = letter_for(tcvn3, sizeof tcvn3 / sizeof *tcvn3, point);

	if (point < 0x80 || letter)
		add_composed(word, letter ? letter : point);
	else
		word->tones_clash = true;
}

static uint32_t vni_small(uint32_t point)
{
	return point >= 0xc0 && point <= 0xde ? point | 0x20 : point;
}

static void as_vni(struct spelled *word, uint32_t point)
{
	uint32_t small = vni_small(point);
	uint32_t letter = letter_for(vni_letters, sizeof vni_letters / sizeof *vni_letters, small);

	if (point < 0x80 || letter) {
		add_composed(word, letter ? letter : point);
		return;
	}
	for (size_t i = 0; i < sizeof vni_marks / sizeof *vni_marks; i++) {
		if (vni_marks[i].byte != small)
			continue;
		spelled_combine(word, vni_marks[i].first);
		if (vni_marks[i].second)
			spelled_combine(word, vni_marks[i].second);
		return;
	}
	word->tones_clash = true;
}

static bool in_word(uint32_t point)
{
	uint32_t small = point | 0x20;

	return point >= 0x80 || (small >= 'a' && small <= 'z');
}

/* Words beyond ASCII that are syllables, less those that are not. */
static int score(const uint32_t *points, size_t count, read_point *read)
{
	struct spelled word = {0};
	bool beyond = false;
	int total = 0;

	for (size_t i = 0; i <= count; i++) {
		if (i < count && in_word(points[i])) {
			read(&word, points[i]);
			beyond |= points[i] >= 0x80;
			continue;
		}
		if (beyond)
			total += syllable_is(&word) ? 1 : -1;
		word = (struct spelled){0};
		beyond = false;
	}
	return total;
}

/* Only what Latin-1 holds, and some of it beyond ASCII. */
static bool is_latin1(const uint32_t *points, size_t count)
{
	bool beyond = false;

	for (size_t i = 0; i < count; i++) {
		if (points[i] > 0xff)
			return false;
		beyond |= points[i] >= 0xa0;
	}
	return beyond;
}

static size_t put_vni(uint32_t point, uint32_t *out)
{
	uint32_t small = vni_small(point);
	uint32_t letter = letter_for(vni_letters, sizeof vni_letters / sizeof *vni_letters, small);

	out[0] = letter ? letter : point;
	for (size_t i = 0; i < sizeof vni_marks / sizeof *vni_marks; i++) {
		if (vni_marks[i].byte != small)
			continue;
		out[0] = vni_marks[i].first;
		out[1] = vni_marks[i].second;
		return out[1] ? 2 : 1;
	}
	return 1;
}

static size_t put_tcvn3(uint32_t point, uint32_t *out)
{
	uint32_t letter = letter_for(tcvn3, sizeof tcvn3 / sizeof *tcvn3, point);

	out[0] = letter ? letter : point;
	return 1;
}

uint32_t *fonts_mend(const uint32_t *points, size_t *count)
{
	int best, vni, abc;
	uint32_t *out;
	size_t len = 0;

	if (!is_latin1(points, *count))
		return NULL;
	best = score(points, *count, as_unicode) + AHEAD_MIN;
	vni = score(points, *count, as_vni);
	abc = score(points, *count, as_tcvn3);
	if (vni < best && abc < best)
		return NULL;
	out = mem_array(NULL, 2 * *count, sizeof *out);
	for (size_t i = 0; i < *count; i++)
		len += vni >= abc ? put_vni(points[i], out + len) : put_tcvn3(points[i], out + len);
	*count = len;
	return out;
}
