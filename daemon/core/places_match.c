/* Look-up of a few words in the table of units, by hash, then spelling, then kind of unit. */
#include "core/places_match.h"

#include <string.h>

#include "core/places_data.h"

enum {
	NAME_WORDS_MAX = 5,
	NAME_LETTERS_MAX = 64,
	JOINED_MIN = 6,
	JOINED_HINTED_MIN = 5,
	REFS_MAX = 256
};

enum grade { GRADE_WRONG, GRADE_OPEN, GRADE_EXACT };

/* The refs that one window of words may mean, before they become a mention. */
struct finds {
	const struct places_ref *refs[REFS_MAX];
	enum grade grades[REFS_MAX];
	size_t count;
	enum grade best;
	size_t words;
	bool marked, upper, number;
	bool joinable; /* long enough to be a name written in one word ("chonthanh") */
};

void places_set_keep(struct places_set *a, const struct places_set *b)
{
	for (size_t i = 0; i < PLACES_SET_WORDS; i++)
		a->bits[i] &= b->bits[i];
}

bool places_set_meet(const struct places_set *a, const struct places_set *b)
{
	for (size_t i = 0; i < PLACES_SET_WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

void places_set_add_unit(struct places_set *set, size_t unit)
{
	const struct places_unit *u = &places_units[unit];

	for (size_t i = 0; i < u->count; i++) {
		uint16_t commune = places_lists[u->first + i];

		set->bits[commune / 64] |= UINT64_C(1) << (commune % 64);
	}
}

bool places_set_has(const struct places_set *set, size_t commune)
{
	return set->bits[commune / 64] >> (commune % 64) & 1;
}

size_t places_set_count(const struct places_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < PLACES_SET_WORDS; i++)
		n += (size_t)__builtin_popcountll(set->bits[i]);
	return n;
}

static const struct places_name *find_name(const char *squeezed)
{
	uint32_t h = 0;

	for (const char *p = squeezed; *p; p++)
		h = (h * 37 + (unsigned char)*p) % PLACES_BUCKETS;
	for (uint16_t i = places_buckets[h]; i < places_buckets[h + 1]; i++)
		if (strcmp(places_blob + places_names[i].text, squeezed) == 0)
			return &places_names[i];
	return NULL;
}

static size_t syllables_of(const char *key)
{
	size_t n = 1;

	for (; *key; key++)
		n += *key == ' ';
	return n;
}

/* Compares the spelling word for word. A word without accents leaves the name open; one with other
 * accents than the name's is wrong. False: the words are parted in other places than the name's. */
static bool grade_words(const struct places_text *text, size_t at, size_t n, const char *key,
			enum grade *grade)
{
	bool open = false, wrong = false;

	for (size_t i = 0; i < n; i++) {
		const struct places_word *w = &text->words[at + i];
		size_t len = strcspn(key, " "), base_len = len;

		if (!w->number && base_len > 0 && key[base_len - 1] <= '9')
			base_len--; /* the tone */
		if ((i + 1 < n) != (key[len] == ' ') ||
		    strlen(w->base) != (w->number ? len - 1 : base_len))
			return false;
		if (strlen(w->key) != len || memcmp(w->key, key, len) != 0) {
			open = open || !w->marked;
			wrong = wrong || w->marked;
		}
		key += len + (key[len] == ' ');
	}
	*grade = wrong ? GRADE_WRONG : open || !text->accented ? GRADE_OPEN : GRADE_EXACT;
	return true;
}

/* May the window stand for this spelling of the name, and how well? */
static bool fits(const struct places_text *text, size_t at, const struct finds *f,
		 const struct places_ref *ref, enum grade *grade)
{
	const char *key = places_blob + ref->key;
	bool joined = f->words == 1 && syllables_of(key) > 1 && f->joinable;

	if (syllables_of(key) == f->words && grade_words(text, at, f->words, key, grade))
		return true;
	*grade = GRADE_OPEN;
	return joined || ref->flags & PLACES_LOOSE;
}

static bool squeeze(const struct places_text *text, size_t at, size_t n, char out[NAME_LETTERS_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const struct places_word *w = &text->words[at + i];
		size_t more = strlen(w->base);

		if ((i > 0 && w->gap) || len + more >= NAME_LETTERS_MAX)
			return false;
		memcpy(out + len, w->base, more);
		len += more;
	}
	out[len] = '\0';
	return len > 0;
}

/* Without a hint a single word is never a name of one syllable (single_suits()): most words of a text
 * are such a name somewhere, and need not be compared further. */
static bool any_longer(const struct places_name *name)
{
	for (size_t i = 0; i < name->count; i++)
		if (strchr(places_blob + places_refs[name->first + i].key, ' '))
			return true;
	return false;
}

static bool find_window(const struct places_text *text, size_t at, size_t n, bool hinted,
			struct finds *out)
{
	char squeezed[NAME_LETTERS_MAX];
	const struct places_name *name;

	if (!squeeze(text, at, n, squeezed))
		return false;
	name = find_name(squeezed);
	if (!name)
		return false;
	if (n == 1 && !hinted && !any_longer(name))
		return false;
	out->count = 0; /* not all of it zeroed: the arrays are long, and this is met at every word */
	out->best = GRADE_WRONG;
	out->words = n;
	out->marked = out->number = false;
	out->upper = true;
	for (size_t i = 0; i < n; i++) {
		out->marked = out->marked || text->words[at + i].marked;
		out->upper =
			out->upper && (text->words[at + i].upper || text->words[at + i].number);
		out->number = text->words[at + i].number;
	}
	out->number = out->number && n == 1;
	out->joinable = strlen(squeezed) >= (hinted ? JOINED_HINTED_MIN : JOINED_MIN);
	for (size_t i = 0; i < name->count && out->count < REFS_MAX; i++) {
		const struct places_ref *ref = &places_refs[name->first + i];
		enum grade grade;

		if (places_units[ref->unit].count == 0 || !fits(text, at, out, ref, &grade))
			continue;
		out->refs[out->count] = ref;
		out->grades[out->count++] = grade;
		out->best = grade > out->best ? grade : out->best;
	}
	return out->count > 0;
}

static bool level_suits(const struct places_unit *u, enum places_hint hint)
{
	switch (hint) {
	case HINT_COMMUNE:
		return u->level == LEVEL_COMMUNE || u->level == LEVEL_FORMER_COMMUNE;
	case HINT_DISTRICT:
		return u->level == LEVEL_FORMER_DISTRICT;
	case HINT_CITY:
		return (u->level == LEVEL_FORMER_DISTRICT &&
			(u->type == TYPE_THANH_PHO || u->type == TYPE_THI_XA)) ||
		       ((u->level == LEVEL_PROVINCE || u->level == LEVEL_FORMER_PROVINCE) &&
			u->type == TYPE_THANH_PHO);
	case HINT_PROVINCE:
		return u->level == LEVEL_PROVINCE || u->level == LEVEL_FORMER_PROVINCE;
	default:
		return true;
	}
}

static bool unit_at_home(size_t unit, const struct places_set *home)
{
	const struct places_unit *u = &places_units[unit];

	for (size_t i = 0; i < u->count; i++)
		if (places_set_has(home, places_lists[u->first + i]))
			return true;
	return false;
}

/* Drops every find for which `keep` is false. */
static void drop(struct finds *f, const bool *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!keep[i])
			continue;
		f->refs[n] = f->refs[i];
		f->grades[n++] = f->grades[i];
	}
	f->count = n;
}

/* The best spelled ones, and beside them the best spelled at home. A wrong accent is borne only if
 * all are wrong and the writer said what kind of unit is meant. */
static bool choose_by_accent(struct finds *f, const struct places_query *q)
{
	enum grade best_home = GRADE_WRONG;
	bool keep[REFS_MAX];

	if (f->best == GRADE_WRONG && (q->hint == HINT_NONE || f->words < 2))
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (f->grades[i] > best_home && unit_at_home(f->refs[i]->unit, q->home))
			best_home = f->grades[i];
	for (size_t i = 0; i < f->count; i++)
		keep[i] = f->grades[i] == f->best ||
			  (best_home > GRADE_WRONG && f->grades[i] == best_home &&
			   unit_at_home(f->refs[i]->unit, q->home));
	drop(f, keep);
	return true;
}

/* Units of the kind the hint asks for; all of them if there are none. "xã" is said of anything: it
 * does not lead away from a home unit of that name. */
static void choose_by_level(struct finds *f, const struct places_query *q)
{
	bool keep[REFS_MAX], any = false, home_kept = false, home_all = false;

	for (size_t i = 0; i < f->count; i++) {
		const struct places_unit *u = &places_units[f->refs[i]->unit];
		bool home = unit_at_home(f->refs[i]->unit, q->home);

		keep[i] = level_suits(u, q->hint);
		any = any || keep[i];
		home_kept = home_kept || (keep[i] && home);
		home_all = home_all || home;
	}
	if (any && (home_kept || !home_all || q->hint != HINT_COMMUNE))
		drop(f, keep);
}

static bool kind_suits(const struct places_unit *u, const struct places_query *q)
{
	return u->type == q->type || (q->hint == HINT_PROVINCE && level_suits(u, q->hint));
}

/* A name of one syllable or of figures is only heard right behind its own kind of unit; without
 * accents only at home or of a city or province ("tp vinh"), since "xa" is also said of everything
 * far. */
static bool single_suits(struct finds *f, const struct places_query *q)
{
	bool keep[REFS_MAX], joined, any = false;

	for (size_t i = 0; i < f->count; i++) {
		const struct places_unit *u = &places_units[f->refs[i]->unit];

		joined = syllables_of(places_blob + f->refs[i]->key) > 1;
		keep[i] = joined ||
			  (q->hint != HINT_NONE && kind_suits(u, q) &&
			   (f->number || f->grades[i] == GRADE_EXACT || q->hint == HINT_CITY ||
			    q->hint == HINT_PROVINCE || unit_at_home(f->refs[i]->unit, q->home)));
		any = any || keep[i];
	}
	drop(f, keep);
	return any;
}

static void make_mention(const struct finds *f, const struct places_query *q,
			 struct places_mention *out)
{
	memset(out, 0, sizeof(*out));
	out->words = f->words;
	out->type = q->type;
	out->hinted = q->hint != HINT_NONE;
	out->exact = f->best == GRADE_EXACT && f->marked;
	out->upper = f->upper;
	for (size_t i = 0; i < f->count; i++) {
		places_set_add_unit(&out->all, f->refs[i]->unit);
		if (out->count < PLACES_UNITS_MAX)
			out->units[out->count++] = f->refs[i]->unit;
	}
	out->at_home = places_set_meet(&out->all, q->home);
}

/* "tan hoa thanh pho bien hoa": the name ends before the hint, though a Tân Hòa Thành exists. */
static bool cuts_hint(const struct places_text *text, size_t at, size_t n)
{
	size_t len;
	int type;

	return n > 1 && places_hint(text, at + n - 1, &len, &type) != HINT_NONE && len > 1;
}

bool places_match(const struct places_text *text, size_t at, const struct places_query *query,
		  struct places_mention *out)
{
	struct finds finds;

	for (size_t n = NAME_WORDS_MAX; n >= 1; n--) {
		if (at + n > text->count ||
		    !find_window(text, at, n, query->hint != HINT_NONE, &finds) ||
		    cuts_hint(text, at, n) || !choose_by_accent(&finds, query))
			continue;
		if (n == 1 && !single_suits(&finds, query))
			continue;
		if (query->hint != HINT_NONE)
			choose_by_level(&finds, query);
		make_mention(&finds, query, out);
		return true;
	}
	return false;
}
