/* Places in a message: collects the mentions, lets them narrow each other, says what is left. */
#include "core/places.h"

#include <string.h>

#include "core/places_data.h"
#include "core/places_match.h"
#include "core/places_words.h"

enum {
	MENTIONS_MAX = 8,
	SKIPPED = 2, /* words of a village's or street's name */
	STRENGTH_MAYBE = 1,
	STRENGTH_LIKELY = 2,
	STRENGTH_SAID = 3
};

/* What stands in front of the word that is read next. */
struct context {
	enum places_hint hint;
	int type;
	bool number; /* "ấp 5": the name behind the number is a unit's again */
};

struct reading {
	struct places_text text;
	struct places_set home;
	struct places_mention mentions[MENTIONS_MAX]; /* in the order of the text */
	size_t count;
	size_t end;     /* word behind the last mention */
	bool run_alone; /* a gap or the start came before the run of mentions that ends there */
};

static const struct {
	const char *name, *plain;
} type_names[] = {
	[TYPE_XA] = {"xã", "xa"},
	[TYPE_PHUONG] = {"phường", "phuong"},
	[TYPE_THI_TRAN] = {"thị trấn", "thi tran"},
	[TYPE_DAC_KHU] = {"đặc khu", "dac khu"},
	[TYPE_HUYEN] = {"huyện", "huyen"},
	[TYPE_QUAN] = {"quận", "quan"},
	[TYPE_THI_XA] = {"thị xã", "thi xa"},
	[TYPE_THANH_PHO] = {"thành phố", "thanh pho"},
	[TYPE_TINH] = {"tỉnh", "tinh"},
};

static const struct places_unit *find_unit(const char *code)
{
	for (size_t i = 0; i < places_provinces_count + places_communes_count; i++)
		if (strcmp(places_units[i].code, code) == 0)
			return &places_units[i];
	return NULL;
}

static void read_home(const char *home, struct places_set *set)
{
	memset(set, 0, sizeof(*set));
	for (size_t i = 0; i < places_provinces_count; i++)
		if (!home || !*home || strstr(home, places_units[i].code))
			places_set_add_unit(set, i);
}

static bool is_province(size_t unit)
{
	return places_units[unit].level == LEVEL_PROVINCE ||
	       places_units[unit].level == LEVEL_FORMER_PROVINCE;
}

static bool any_province(const struct places_mention *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_province(m->units[i]))
			return true;
	return false;
}

static bool any_district(const struct places_mention *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (places_units[m->units[i]].level == LEVEL_FORMER_DISTRICT)
			return true;
	return false;
}

/* How sure it is that a place away from home is meant, without a word like "xã" in front. Short
 * names are ordinary words too often: 0 = not at all. */
static unsigned strength_away(const struct places_mention *m, bool place, bool next_to, bool alone)
{
	if ((m->exact && m->upper) || any_province(m))
		return place ? STRENGTH_LIKELY : STRENGTH_MAYBE;
	if ((any_district(m) && place) || next_to)
		return STRENGTH_MAYBE;
	return alone && places_set_count(&m->all) <= PLACES_CANDIDATES_MAX ? STRENGTH_MAYBE : 0;
}

static unsigned strength_of(const struct reading *r, const struct places_mention *m, size_t at,
			    const struct context *context)
{
	const struct places_text *text = &r->text;
	bool next_to = r->count > 0 && at == r->end;
	bool opens = text->words[at].gap || (next_to && r->run_alone);
	bool closes = at + m->words == text->count || text->words[at + m->words].gap;
	bool place = context->hint == HINT_PLACE || context->number;

	if (context->hint >= HINT_COMMUNE && context->hint <= HINT_PROVINCE)
		return STRENGTH_SAID;
	if (context->hint == HINT_PERSON || (text->accented && !m->exact && !m->upper))
		return 0;
	if (!m->at_home)
		return strength_away(m, place, next_to, opens && closes);
	if (place || (m->exact && m->upper) || (opens && closes))
		return STRENGTH_LIKELY;
	return STRENGTH_MAYBE;
}

/* Two names at home, one right behind the other and fitting together ("thac mo phuoc long"), are
 * hardly there by chance. */
static void confirm_pair(struct places_mention *a, struct places_mention *b,
			 const struct places_set *home)
{
	struct places_set both = a->all;

	places_set_keep(&both, &b->all);
	if (!places_set_meet(&both, home))
		return;
	if (a->strength == STRENGTH_MAYBE)
		a->strength = STRENGTH_LIKELY;
	if (b->strength == STRENGTH_MAYBE)
		b->strength = STRENGTH_LIKELY;
}

/* Takes the name at word `at` as a mention. Returns its number of words, 0 if there is none. */
static size_t take_name(struct reading *r, size_t at, const struct context *context)
{
	struct places_query query = {context->hint, context->type, &r->home};
	struct places_mention *m = &r->mentions[r->count];

	if (at >= r->text.count || r->count == MENTIONS_MAX)
		return 0;
	if (context->hint > HINT_PROVINCE)
		query.hint = context->number ? HINT_COMMUNE : HINT_NONE;
	if (!places_match(&r->text, at, &query, m))
		return 0;
	m->strength = strength_of(r, m, at, context);
	if (m->strength == 0)
		return 0;
	if (r->count > 0 && r->end == at)
		confirm_pair(m - 1, m, &r->home);
	r->run_alone = r->text.words[at].gap || (r->count > 0 && r->end == at && r->run_alone);
	r->end = at + m->words;
	r->count++;
	return m->words;
}

/* Word behind a village or street. With a number ("ấp 5") the name behind it is a commune's; else
 * that name is the village's own and is passed over. */
static size_t pass_village(struct reading *r, size_t at, size_t len, struct context *context)
{
	const struct places_text *text = &r->text;
	struct places_query query = {HINT_NONE, -1, &r->home};
	struct places_mention own;
	size_t i = at + len, hint_len;
	int type;

	context->hint = HINT_VILLAGE;
	context->number = text->words[i - 1].numbered;
	if (i < text->count && text->words[i].number) {
		context->number = true;
		i++;
	}
	if (context->number || i >= text->count || text->words[i].gap)
		return i;
	context->hint = HINT_NONE;
	if (places_match(text, i, &query, &own))
		return i + own.words;
	for (size_t n = 0; n < SKIPPED && i < text->count && !text->words[i].gap; n++, i++)
		if (places_hint(text, i, &hint_len, &type) != HINT_NONE)
			break;
	return i;
}

/* Reads what begins at word `at` and returns the word to go on with. */
static size_t step(struct reading *r, size_t at, struct context *context)
{
	struct context ahead = {HINT_NONE, -1, false}, before = *context;
	size_t len, taken;

	ahead.hint = places_hint(&r->text, at, &len, &ahead.type);
	*context = (struct context){HINT_NONE, -1, false};
	if (ahead.hint >= HINT_COMMUNE && ahead.hint <= HINT_PROVINCE) {
		taken = take_name(r, at + len, &ahead);
		if (taken > 0)
			return at + len + taken;
	}
	taken = take_name(r, at, &before); /* "Chợ Mới", "Con Cuông": a hint word can be a name */
	if (taken > 0)
		return at + taken;
	if (ahead.hint == HINT_VILLAGE)
		return pass_village(r, at, len, context);
	if (ahead.hint == HINT_PLACE || ahead.hint == HINT_PERSON)
		*context = ahead;
	else if (before.hint == HINT_PERSON && r->text.words[at].upper && !r->text.words[at].gap)
		*context = before; /* further words of the person's name */
	return at + (len > 0 ? len : 1);
}

static void sort_by_strength(const struct reading *r, const struct places_mention **order)
{
	size_t n = 0;

	for (unsigned strength = STRENGTH_SAID; strength >= STRENGTH_MAYBE; strength--)
		for (size_t i = 0; i < r->count; i++)
			if (r->mentions[i].strength == strength)
				order[n++] = &r->mentions[i];
}

/* unit: a present one. */
static void add_candidate(struct places_found *out, size_t unit)
{
	const struct places_unit *u = &places_units[unit];
	const char *province = u->level == LEVEL_COMMUNE ? places_units[u->parent].code : u->code;

	for (size_t i = 0; i < out->count; i++)
		if (strcmp(out->candidates[i], u->code) == 0)
			return;
	if (out->count == 0)
		memcpy(out->province, province, PLACES_CODE_MAX);
	else if (strcmp(out->province, province) != 0)
		out->province[0] = '\0'; /* and stays so: no code is empty */
	if (out->count == PLACES_CANDIDATES_MAX)
		out->more = true;
	else
		memcpy(out->candidates[out->count++], u->code, PLACES_CODE_MAX);
}

/* The communes a unit is or went into, inside the set; first the one that inherited its name. */
static void add_unit(struct places_found *out, size_t unit, const struct places_set *set)
{
	const struct places_unit *u = &places_units[unit];

	for (int same_name = 1; same_name >= 0; same_name--) {
		for (size_t i = 0; i < u->count; i++) {
			size_t commune = places_lists[u->first + i];
			size_t target = places_provinces_count + commune;

			if (places_set_has(set, commune) &&
			    (places_units[target].plain == u->plain) == same_name)
				add_candidate(out, target);
		}
	}
}

/* The provinces a mention names, as far as the set reaches into them. */
static bool add_provinces(struct places_found *out, const struct places_mention *m,
			  const struct places_set *set)
{
	bool any = false;

	for (size_t i = 0; i < m->count; i++) {
		const struct places_unit *u = &places_units[m->units[i]];
		struct places_set own;

		memset(&own, 0, sizeof(own));
		places_set_add_unit(&own, m->units[i]);
		if (!is_province(m->units[i]) || !places_set_meet(&own, set))
			continue;
		add_candidate(out,
			      places_units[places_provinces_count + places_lists[u->first]].parent);
		any = true;
	}
	return any;
}

/* Those of its units that stand at a level, of the type that the writer named or of another. */
static void add_level(struct places_found *out, const struct places_mention *m, uint8_t level, bool same_type,
		      const struct places_set *set)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct places_unit *u = &places_units[m->units[i]];

		if (u->level == level && (u->type == m->type) == same_type)
			add_unit(out, m->units[i], set);
	}
}

/* Lists what one mention means inside the set: today's bearers of the name before former ones, the
 * kind the writer named before others, communes before what a district went into. A whole province
 * is listed as such, and hides small places of its name that are not at home. */
static void add_mention(struct places_found *out, const struct places_mention *m,
			const struct places_set *set, const struct places_set *home)
{
	static const uint8_t levels[] = {LEVEL_COMMUNE, LEVEL_FORMER_COMMUNE,
					 LEVEL_FORMER_DISTRICT};
	bool whole = places_set_count(set) > PLACES_CANDIDATES_MAX && add_provinces(out, m, set);

	for (size_t l = 0; l < sizeof(levels) && !(whole && !places_set_meet(set, home)); l++) {
		add_level(out, m, levels[l], true, set);
		add_level(out, m, levels[l], false, set);
	}
	for (size_t i = 0; !whole && i < m->count; i++)
		if (is_province(m->units[i]))
			add_unit(out, m->units[i], set);
}

struct choice {
	const struct places_mention *order[MENTIONS_MAX]; /* the surest first */
	bool agrees[MENTIONS_MAX];
	struct places_set rest; /* what the agreeing ones have in common */
	struct places_set away; /* the part of it that is not at home, if some is */
	bool doubtful;          /* a single commune must not be given */
};

/* Lets the mentions narrow each other. A likely one that does not fit makes the choice doubtful. */
static void narrow(const struct reading *r, struct choice *c)
{
	memset(c, 0, sizeof(*c));
	sort_by_strength(r, c->order);
	c->rest = c->order[0]->all;
	for (size_t i = 0; i < r->count; i++) {
		struct places_set both = c->rest;

		places_set_keep(&both, &c->order[i]->all);
		c->agrees[i] = places_set_count(&both) > 0;
		if (c->order[i]->strength == STRENGTH_MAYBE &&
		    places_set_meet(&c->rest, &r->home) && !places_set_meet(&both, &r->home))
			c->agrees[i] = false; /* a chance name must not lead away from home */
		if (c->agrees[i])
			c->rest = both;
		else if (c->order[i]->strength >= STRENGTH_LIKELY)
			c->doubtful = true;
	}
}

/* Of what is left the part at home counts, unless a bare name may as well be a province elsewhere
 * ("o thanh hoa" where there was a commune Thanh Hòa): then both are offered. */
static void prefer_home(const struct reading *r, struct choice *c)
{
	if (!places_set_meet(&c->rest, &r->home))
		return;
	for (size_t i = 0; i < PLACES_SET_WORDS; i++)
		c->away.bits[i] = c->rest.bits[i] & ~r->home.bits[i];
	places_set_keep(&c->rest, &r->home);
}

static void combine(const struct reading *r, struct places_found *out)
{
	struct choice c;

	narrow(r, &c);
	prefer_home(r, &c);
	for (size_t i = 0; i < r->count; i++)
		if (c.agrees[i])
			add_mention(out, c.order[i], &c.rest, &r->home);
	for (size_t i = 0; i < r->count; i++)
		if (c.agrees[i] && !c.order[i]->hinted && add_provinces(out, c.order[i], &c.away))
			c.doubtful = true;
	if (!c.doubtful && places_set_count(&c.rest) == 1 &&
	    c.order[0]->strength >= STRENGTH_LIKELY)
		memcpy(out->commune, out->candidates[0], PLACES_CODE_MAX);
	for (size_t i = 0; i < r->count; i++) {
		struct places_set other = c.order[i]->all;

		if (c.agrees[i] || c.order[i]->strength < STRENGTH_LIKELY)
			continue;
		if (places_set_meet(&other, &r->home))
			places_set_keep(&other, &r->home);
		add_mention(out, c.order[i], &other, &r->home);
	}
}

void places_find(const char *text, const char *home, struct places_found *out)
{
	struct reading r;
	struct context context = {HINT_NONE, -1, false};

	memset(out, 0, sizeof(*out));
	r.count = r.end = 0;
	r.run_alone = false;
	places_words(text, &r.text);
	read_home(home, &r.home);
	for (size_t at = 0; at < r.text.count && r.count < MENTIONS_MAX;)
		at = step(&r, at, &context);
	if (r.count > 0)
		combine(&r, out);
}

const char *places_name(const char *code, bool accents)
{
	const struct places_unit *u = find_unit(code);

	return u ? places_blob + (accents ? u->name : u->plain) : NULL;
}

const char *places_type(const char *code, bool accents)
{
	const struct places_unit *u = find_unit(code);

	return u ? (accents ? type_names[u->type].name : type_names[u->type].plain) : NULL;
}

const char *places_province(const char *code)
{
	const struct places_unit *u = find_unit(code);

	if (!u)
		return NULL;
	return u->level == LEVEL_COMMUNE ? places_units[u->parent].code : u->code;
}
