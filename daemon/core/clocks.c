/* Rules of legal clocks, and what they make of a first message. */
#include "core/clocks.h"

#include <string.h>

#include "base/yaml.h"
#include "base/yaml_read.h"
#include "core/civil.h"
#include "core/workdays.h"
#include "core/zone.h"

enum { WORKDAYS_MAX = 250, DURATION_MAX_S = 366 * 86400 };

static const char *const clock_keys[] = {"id", "title", "basis", "urgency", "kind", "within", "workdays", "warn",
					 NULL};
static const char *const urgencies[] = {"khong", "thap", "trung_binh", "cao", "khan_cap", NULL};

int clocks_urgency_rank(const char *urgency)
{
	for (int i = 0; urgencies[i]; i++) {
		if (strcmp(urgencies[i], urgency) == 0)
			return i;
	}
	return 0;
}

static bool read_text(const struct yaml_node *map, const char *key, char *out, struct yaml_error *error)
{
	const struct yaml_node *node = yaml_find(map, key);

	return !node || yaml_read_text(node, key, out, CLOCK_TEXT_MAX, error);
}

static bool read_urgencies(const struct yaml_node *node, struct clock_rule *rule, struct yaml_error *error)
{
	int rank;

	if (!node) {
		rule->urgencies = ~0U;
		return true;
	}
	if (!yaml_read_list(node, "urgency", 4, error))
		return false;
	for (size_t i = 0; i < node->count; i++) {
		if (!yaml_read_choice(node->items[i], "urgency", urgencies + 1, &rank, error))
			return false;
		rule->urgencies |= 1U << (rank + 1);
	}
	return true;
}

static bool read_kinds(const struct yaml_node *node, struct clock_rule *rule, struct yaml_error *error)
{
	if (!node)
		return true;
	if (!yaml_read_list(node, "kind", CLOCK_KINDS_MAX, error))
		return false;
	for (size_t i = 0; i < node->count; i++) {
		if (!yaml_read_id(node->items[i], "kind", rule->kinds[i], CLOCK_ID_MAX, error))
			return false;
	}
	rule->kind_count = node->count;
	return true;
}

/* "within: 12h" or "workdays: 5". */
static bool read_length(const struct yaml_node *map, struct clock_rule *rule, struct yaml_error *error)
{
	const struct yaml_node *within = yaml_find(map, "within"), *days = yaml_find(map, "workdays");

	if (!within == !days)
		return yaml_fault(error, map, "either within (12h) or workdays (5) is expected");
	if (days)
		return yaml_read_int(days, "workdays", 1, WORKDAYS_MAX, &rule->workdays, error);
	return yaml_read_seconds(within, "within", 1, DURATION_MAX_S, &rule->duration_s, error);
}

static bool read_warnings(const struct yaml_node *node, struct clock_rule *rule, struct yaml_error *error)
{
	if (!node)
		return true;
	if (!yaml_read_list(node, "warn", CLOCK_WARNINGS_MAX, error))
		return false;
	for (size_t i = 0; i < node->count; i++) {
		int least = i > 0 ? rule->warnings[i - 1] + 1 : 1;

		if (!yaml_read_int(node->items[i], "warn (rising per cents)", least, 99, &rule->warnings[i], error))
			return false;
	}
	rule->warning_count = node->count;
	return true;
}

static bool read_rule(const struct yaml_node *map, struct clock_rule *rule, struct yaml_error *error)
{
	if (!yaml_read_map(map, "a clock", clock_keys, error))
		return false;
	if (!yaml_find(map, "id"))
		return yaml_fault(error, map, "id is missing");
	return yaml_read_id(yaml_find(map, "id"), "id", rule->id, sizeof(rule->id), error) &&
	       read_text(map, "title", rule->title, error) && read_text(map, "basis", rule->basis, error) &&
	       read_urgencies(yaml_find(map, "urgency"), rule, error) &&
	       read_kinds(yaml_find(map, "kind"), rule, error) && read_length(map, rule, error) &&
	       read_warnings(yaml_find(map, "warn"), rule, error);
}

static bool read_rules(const struct yaml_node *root, struct clock_rules *rules, struct yaml_error *error)
{
	static const char *const keys[] = {"clocks", NULL};
	const struct yaml_node *list = yaml_find(root, "clocks");

	if (!yaml_read_map(root, "a file of clocks", keys, error))
		return false;
	if (!list)
		return yaml_fault(error, root, "a list is expected: clocks: [...]");
	if (!yaml_read_list(list, "clocks", CLOCKS_MAX, error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!read_rule(list->items[i], &rules->rules[i], error))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(rules->rules[i].id, rules->rules[j].id) == 0)
				return yaml_fault(error, list->items[i], "another clock above has the same id");
		}
	}
	rules->count = list->count;
	return true;
}

bool clocks_load(const struct yaml_node *root, struct clock_rules *rules, struct yaml_error *error)
{
	memset(rules, 0, sizeof(*rules));
	if (read_rules(root, rules, error))
		return true;
	memset(rules, 0, sizeof(*rules));
	return false;
}

bool clocks_apply(const struct clock_rule *rule, const char *urgency, const char *kind)
{
	int rank = clocks_urgency_rank(urgency);

	if (rank == 0 || !(rule->urgencies >> rank & 1))
		return false;
	for (size_t i = 0; i < rule->kind_count; i++) {
		if (strcmp(rule->kinds[i], kind) == 0)
			return true;
	}
	return rule->kind_count == 0;
}

int64_t clocks_due(const struct clock_rule *rule, int64_t first, const struct workdays *days,
		   const struct zone *zone)
{
	struct civil wall;
	int64_t last;

	if (!rule->workdays)
		return first + rule->duration_s;
	zone_civil(zone, first, &wall);
	last = workdays_after(days, civil_day(wall.year, wall.month, wall.day), rule->workdays);
	civil_of_day(last + 1, &wall);
	return zone_utc(zone, &wall, NULL);
}

int64_t clocks_warning(int64_t first, int64_t due, int percent)
{
	return first + (due - first) / 100 * percent + (due - first) % 100 * percent / 100;
}
