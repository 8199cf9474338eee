/* TZif files and POSIX TZ texts to offsets from UTC. */
#include "core/zone.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/civil.h"

/* RFC 8536, section 3. */
enum {
	HEADER_LEN = 44,
	RESERVED_LEN = 15,
	TYPE_LEN = 6,
	TYPES_MAX = 256,
	CHARS_MAX = 4096,
	FOOTER_MAX = 128,
	RULE_HOURS_MAX = 167,
	OFFSET_MAX = 26 * 3600
};

/* When the offset changes, each year. */
enum rule_kind { RULE_MONTH, RULE_JULIAN, RULE_DAY };

struct rule {
	enum rule_kind kind;
	int month, week, weekday; /* RULE_MONTH: weekday 0 = Sunday, week 5 = the last */
	int day;                  /* RULE_JULIAN: 1-365 without leap day; RULE_DAY: 0-365 */
	int seconds;              /* of the wall clock that is left; may be negative or over a day */
};

/* What is true after the last listed change. */
struct tail {
	bool set, summer;
	int standard_s, summer_s; /* east of Greenwich */
	struct rule begin, end;
};

struct zone {
	size_t count;
	int64_t *at;  /* owned: instants at which the offset changes, rising */
	int *offsets; /* owned: from that instant on */
	int first;    /* offset before them all */
	struct tail tail;
};

struct counts {
	uint32_t utc, standard, leap, time, type, chars;
};

/* ---- POSIX TZ ---- */

static bool skip_name(const char **p)
{
	const char *start = *p;

	if (**p == '<') {
		*p += strcspn(*p, ">");
		return *(*p)++ == '>';
	}
	while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
		(*p)++;
	return *p - start >= 3;
}

static bool take_int(const char **p, int max, int *out)
{
	int n = 0;
	const char *start = *p;

	while (**p >= '0' && **p <= '9' && *p - start < 4)
		n = n * 10 + (*(*p)++ - '0');
	*out = n;
	return *p > start && n <= max;
}

/* [+-]h[:mm[:ss]] in seconds. */
static bool take_hours(const char **p, int max_hours, int *out)
{
	int sign = 1, hours, minutes = 0, seconds = 0;

	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!take_int(p, max_hours, &hours))
		return false;
	if (**p == ':' && ((*p)++, !take_int(p, 59, &minutes)))
		return false;
	if (**p == ':' && ((*p)++, !take_int(p, 59, &seconds)))
		return false;
	*out = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool take_dot(const char **p, int max, int *out)
{
	return *(*p)++ == '.' && take_int(p, max, out);
}

static bool take_rule(const char **p, struct rule *rule)
{
	bool ok;

	memset(rule, 0, sizeof(*rule));
	rule->seconds = 2 * 3600;
	if (**p == 'M') {
		(*p)++;
		rule->kind = RULE_MONTH;
		ok = take_int(p, 12, &rule->month) && take_dot(p, 5, &rule->week) &&
		     take_dot(p, 6, &rule->weekday) && rule->month > 0 && rule->week > 0;
	} else if (**p == 'J') {
		(*p)++;
		rule->kind = RULE_JULIAN;
		ok = take_int(p, 365, &rule->day) && rule->day > 0;
	} else {
		rule->kind = RULE_DAY;
		ok = take_int(p, 365, &rule->day);
	}
	if (ok && **p == '/') {
		(*p)++;
		ok = take_hours(p, RULE_HOURS_MAX, &rule->seconds);
	}
	return ok;
}

static bool take_rules(const char **p, struct tail *tail)
{
	return *(*p)++ == ',' && take_rule(p, &tail->begin) && *(*p)++ == ',' && take_rule(p, &tail->end);
}

/* POSIX counts offsets westwards. */
static bool parse_tail(const char *text, struct tail *tail)
{
	const char *p = text;
	int west;

	memset(tail, 0, sizeof(*tail));
	if (!skip_name(&p) || !take_hours(&p, 24, &west))
		return false;
	tail->set = true;
	tail->standard_s = -west;
	if (*p == '\0')
		return true;
	if (!skip_name(&p))
		return false;
	tail->summer = true;
	tail->summer_s = tail->standard_s + 3600;
	if (*p != ',') {
		if (!take_hours(&p, 24, &west))
			return false;
		tail->summer_s = -west;
	}
	return take_rules(&p, tail) && *p == '\0';
}

static int64_t rule_day(const struct rule *rule, int year)
{
	int64_t first;
	int ahead, day;

	if (rule->kind == RULE_DAY)
		return civil_day(year, 1, 1) + rule->day;
	if (rule->kind == RULE_JULIAN)
		return civil_day(year, 1, 1) + rule->day - 1 +
		       (rule->day > 59 && civil_month_days(year, 2) == 29);
	first = civil_day(year, rule->month, 1);
	ahead = (rule->weekday + 6 - civil_weekday(first)) % 7;
	day = ahead + (rule->week - 1) * 7;
	while (day >= civil_month_days(year, rule->month))
		day -= 7;
	return first + day;
}

static int tail_offset(const struct tail *tail, int64_t utc)
{
	struct civil now;
	int64_t begin, end;
	bool summer;

	if (!tail->summer)
		return tail->standard_s;
	civil_of_seconds(utc + tail->standard_s, &now);
	begin = rule_day(&tail->begin, now.year) * CIVIL_DAY_S + tail->begin.seconds - tail->standard_s;
	end = rule_day(&tail->end, now.year) * CIVIL_DAY_S + tail->end.seconds - tail->summer_s;
	summer = begin < end ? utc >= begin && utc < end : utc >= begin || utc < end;
	return summer ? tail->summer_s : tail->standard_s;
}

/* ---- TZif ---- */

static bool read_header(struct reader *r, int *version, struct counts *n)
{
	const uint8_t *magic = reader_take(r, 4);

	*version = reader_u8(r);
	reader_take(r, RESERVED_LEN);
	n->utc = reader_u32(r);
	n->standard = reader_u32(r);
	n->leap = reader_u32(r);
	n->time = reader_u32(r);
	n->type = reader_u32(r);
	n->chars = reader_u32(r);
	return !r->bad && memcmp(magic, "TZif", 4) == 0 && n->time <= ZONE_TRANSITIONS_MAX &&
	       n->type >= 1 && n->type <= TYPES_MAX && n->chars <= CHARS_MAX && n->leap == 0 &&
	       n->utc <= TYPES_MAX && n->standard <= TYPES_MAX;
}

static size_t block_len(const struct counts *n, size_t time_len)
{
	return n->time * time_len + n->time + n->type * TYPE_LEN + n->chars + n->standard + n->utc;
}

static bool read_offsets(struct reader *r, const struct counts *n, int *out)
{
	for (uint32_t i = 0; i < n->type; i++) {
		out[i] = (int32_t)reader_u32(r);
		reader_take(r, TYPE_LEN - 4); /* summer flag, place of the name */
		if (out[i] < -OFFSET_MAX || out[i] > OFFSET_MAX)
			return false;
	}
	return !r->bad;
}

/* The 64-bit block; r stands behind its header. */
static bool read_block(struct reader *r, const struct counts *n, struct zone *zone)
{
	const uint8_t *kinds;
	int offsets[TYPES_MAX];

	zone->count = n->time;
	zone->at = mem_array(NULL, n->time + 1, sizeof(*zone->at));
	zone->offsets = mem_array(NULL, n->time + 1, sizeof(*zone->offsets));
	for (uint32_t i = 0; i < n->time; i++) {
		zone->at[i] = (int64_t)reader_u64(r);
		if (i > 0 && zone->at[i] <= zone->at[i - 1])
			return false;
	}
	kinds = reader_take(r, n->time);
	if (!kinds || !read_offsets(r, n, offsets))
		return false;
	for (uint32_t i = 0; i < n->time; i++) {
		if (kinds[i] >= n->type)
			return false;
		zone->offsets[i] = offsets[kinds[i]];
	}
	zone->first = offsets[0];
	reader_take(r, n->chars + n->standard + n->utc);
	return !r->bad;
}

/* "\n<POSIX TZ>\n"; empty: the last listed offset holds on. */
static bool read_footer(struct reader *r, struct zone *zone)
{
	char text[FOOTER_MAX];
	const uint8_t *p = r->p, *end;

	if (r->left < 2 || p[0] != '\n')
		return false;
	end = memchr(p + 1, '\n', r->left - 1);
	if (!end || end - p - 1 >= FOOTER_MAX)
		return false;
	memcpy(text, p + 1, (size_t)(end - p - 1));
	text[end - p - 1] = '\0';
	return text[0] == '\0' || parse_tail(text, &zone->tail);
}

struct zone *zone_parse(const uint8_t *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	struct zone *zone;
	struct counts n;
	int version;

	if (len > ZONE_BYTES_MAX || !read_header(&r, &version, &n) || version < '2')
		return NULL;
	reader_take(&r, block_len(&n, 4));
	if (!read_header(&r, &version, &n))
		return NULL;
	zone = mem_alloc(sizeof(*zone));
	if (read_block(&r, &n, zone) && read_footer(&r, zone))
		return zone;
	zone_free(zone);
	return NULL;
}

struct zone *zone_parse_posix(const char *text)
{
	struct zone *zone = mem_alloc(sizeof(*zone));

	if (strlen(text) < FOOTER_MAX && parse_tail(text, &zone->tail))
		return zone;
	zone_free(zone);
	return NULL;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	mem_free(zone->at);
	mem_free(zone->offsets);
	mem_free(zone);
}

/* ---- asking ---- */

int zone_offset(const struct zone *zone, int64_t utc)
{
	size_t low = 0, high = zone->count;

	if (zone->tail.set && (high == 0 || utc >= zone->at[high - 1]))
		return tail_offset(&zone->tail, utc);
	while (low < high) { /* the number of changes that lie behind utc */
		size_t middle = low + (high - low) / 2;

		if (zone->at[middle] <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? zone->first : zone->offsets[low - 1];
}

void zone_civil(const struct zone *zone, int64_t utc, struct civil *out)
{
	civil_of_seconds(utc + zone_offset(zone, utc), out);
}

/* No zone has changed its offset twice within two days. */
int64_t zone_utc(const struct zone *zone, const struct civil *wall, enum zone_fit *fit)
{
	int64_t seconds = civil_seconds(wall);
	int before = zone_offset(zone, seconds - CIVIL_DAY_S), after = zone_offset(zone, seconds + CIVIL_DAY_S);
	int64_t early = seconds - before, late = seconds - after;
	bool early_fits = zone_offset(zone, early) == before, late_fits = zone_offset(zone, late) == after;
	enum zone_fit found = early_fits && late_fits && before != after ? ZONE_TWICE
			      : early_fits || late_fits                 ? ZONE_ONCE
									 : ZONE_NEVER;

	if (fit)
		*fit = found;
	return early_fits || !late_fits ? early : late;
}
