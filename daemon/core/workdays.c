/* Which days are worked. */
#include "core/workdays.h"

#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_read.h"
#include "core/civil.h"

enum { SATURDAY_SUNDAY = 1 << 5 | 1 << 6, FRUITLESS_MAX = 400 };

static const char *const file_keys[] = {"known_until", "weekend", "holidays", "workdays", NULL};
static const char *const day_keys[] = {"date", "from", "to", "name", NULL};
static const char *const weekday_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

static bool read_day(const struct yaml_node *node, int64_t *day, struct yaml_error *error)
{
	struct civil c;

	if (node->kind != YAML_SCALAR || !civil_parse(node->text, &c) || strlen(node->text) != 10)
		return yaml_fault(error, node, "a day is expected: 2026-02-16");
	*day = civil_day(c.year, c.month, c.day);
	return true;
}

static bool read_span(const struct yaml_node *node, struct workdays_span *span, struct yaml_error *error)
{
	const struct yaml_node *from, *to;

	if (node->kind == YAML_SCALAR) {
		if (!read_day(node, &span->first, error))
			return false;
		span->last = span->first;
		return true;
	}
	if (!yaml_read_map(node, "a day or a stretch of days", day_keys, error))
		return false;
	from = yaml_find(node, "from") ? yaml_find(node, "from") : yaml_find(node, "date");
	to = yaml_find(node, "to") ? yaml_find(node, "to") : from;
	if (!from)
		return yaml_fault(error, node, "date, or from and to, is missing");
	if (!read_day(from, &span->first, error) || !read_day(to, &span->last, error))
		return false;
	if (span->last < span->first || span->last - span->first >= WORKDAYS_SPAN_DAYS_MAX)
		return yaml_fault(error, to, "a stretch of 1 to %d days is expected", WORKDAYS_SPAN_DAYS_MAX);
	return true;
}

static bool read_spans(const struct yaml_node *root, const char *key, struct workdays *w,
		       struct yaml_error *error)
{
	const struct yaml_node *list = yaml_find(root, key);
	struct workdays_span span = {.worked = strcmp(key, "workdays") == 0};

	if (!list)
		return true;
	if (!yaml_read_list(list, key, WORKDAYS_SPANS_MAX - w->count, error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!read_span(list->items[i], &span, error))
			return false;
		w->spans = mem_array(w->spans, w->count + 1, sizeof(*w->spans));
		w->spans[w->count++] = span;
	}
	return true;
}

static bool read_weekend(const struct yaml_node *list, struct workdays *w, struct yaml_error *error)
{
	unsigned weekend = 0;
	int day;

	if (!yaml_read_list(list, "weekend", 6, error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!yaml_read_choice(list->items[i], "weekend", weekday_names, &day, error))
			return false;
		weekend |= 1U << day;
	}
	w->weekend = weekend;
	return true;
}

static bool read_file(const struct yaml_node *root, struct workdays *w, struct yaml_error *error)
{
	const struct yaml_node *weekend, *until;

	if (!yaml_read_map(root, "a calendar", file_keys, error))
		return false;
	weekend = yaml_find(root, "weekend");
	until = yaml_find(root, "known_until");
	if (!until)
		return yaml_fault(error, root, "known_until is missing: the last day whose holidays are listed");
	return read_day(until, &w->known_until, error) && (!weekend || read_weekend(weekend, w, error)) &&
	       read_spans(root, "holidays", w, error) && read_spans(root, "workdays", w, error);
}

void workdays_init(struct workdays *w)
{
	memset(w, 0, sizeof(*w));
	w->weekend = SATURDAY_SUNDAY;
}

bool workdays_load(const struct yaml_node *root, struct workdays *w, struct yaml_error *error)
{
	workdays_init(w);
	if (read_file(root, w, error))
		return true;
	workdays_fini(w);
	workdays_init(w);
	return false;
}

void workdays_fini(struct workdays *w)
{
	mem_free(w->spans);
	memset(w, 0, sizeof(*w));
}

bool workdays_is(const struct workdays *w, int64_t day)
{
	for (size_t i = w->count; i-- > 0;) {
		if (day >= w->spans[i].first && day <= w->spans[i].last)
			return w->spans[i].worked;
	}
	return !(w->weekend >> civil_weekday(day) & 1);
}

/* A calendar that is nearly all holidays must not hold a deadline back for ever: after FRUITLESS_MAX days
 * every day counts. */
int64_t workdays_after(const struct workdays *w, int64_t day, int n)
{
	for (int passed = 0; n > 0; passed++) {
		day++;
		if (workdays_is(w, day) || passed > FRUITLESS_MAX)
			n--;
	}
	return day;
}
