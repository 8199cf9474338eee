/* oncall: who is on call, as a line for each schedule or as a calendar of half hours. */
#include "ctl/ctl.h"

#include <string.h>

#include "base/buf.h"
#include "core/civil.h"

enum { WEEK_DAYS = 7, CELLS = 48, CELL_MINUTES = 30, LETTERS = 26, NAMES_MAX = 256 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* What --actor and --to take. */
static const char *id_of(const json_t *officer)
{
	const char *id = text_of(officer, "id");

	return *id != '\0' ? id : text_of(officer, "officer");
}

/* "Nguyen Thi Lan (lan), Minh (officer-2)"; of somebody who has left it is said. */
static void names_of(const json_t *officers, char out[NAMES_MAX])
{
	const json_t *officer;
	size_t i, len = 0;

	snprintf(out, NAMES_MAX, "NOBODY");
	json_array_foreach(officers, i, officer) {
		len += (size_t)snprintf(out + len, NAMES_MAX - len, "%s%s (%s)%s", i > 0 ? ", " : "",
					text_of(officer, "name"), id_of(officer),
					json_is_true(json_object_get(officer, "left")) ? " (has left)" : "");
		if (len >= NAMES_MAX - 1)
			return;
	}
}

static void show_now(const json_t *schedules)
{
	json_t *rows = json_array();
	const json_t *s;
	char names[NAMES_MAX];
	size_t i;

	json_array_foreach(schedules, i, s) {
		names_of(json_object_get(s, "on_call"), names);
		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:s}", "schedule", text_of(s, "schedule"), "on_call",
						      names, "at", text_of(s, "at"), "until", text_of(s, "until"), "zone",
						      text_of(s, "zone")));
	}
	ctl_table(stdout, rows, "schedule on_call at until zone", ctl_globals.width);
	json_decref(rows);
}

/* ---- the calendar ---- */

/* Each set of people gets a letter, in the order of appearance. */
struct legend {
	char names[LETTERS][NAMES_MAX];
	size_t count;
};

static char letter_of(struct legend *legend, const json_t *officers)
{
	char names[NAMES_MAX];

	if (json_array_size(officers) == 0)
		return '.';
	names_of(officers, names);
	for (size_t i = 0; i < legend->count; i++)
		if (strcmp(legend->names[i], names) == 0)
			return (char)('A' + i);
	if (legend->count == LETTERS)
		return '+';
	memcpy(legend->names[legend->count], names, sizeof names);
	return (char)('A' + legend->count++);
}

/* Wall times as texts sort like times. */
static char cell(struct legend *legend, const json_t *shifts, const char *wall)
{
	const json_t *shift;
	size_t i;

	json_array_foreach(shifts, i, shift)
		if (strcmp(text_of(shift, "from"), wall) <= 0 && strcmp(wall, text_of(shift, "to")) < 0)
			return letter_of(legend, json_object_get(shift, "officers"));
	return ' ';
}

static void show_day(struct legend *legend, const json_t *shifts, int64_t day)
{
	static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	char wall[CIVIL_TEXT_MAX], cells[CELLS + 1];
	struct civil c;

	for (int i = 0; i < CELLS; i++) {
		civil_of_seconds(day * CIVIL_DAY_S + (int64_t)i * CELL_MINUTES * 60, &c);
		civil_text(&c, wall);
		cells[i] = cell(legend, shifts, wall);
	}
	cells[CELLS] = '\0';
	civil_of_day(day, &c);
	printf("  %s %04d-%02d-%02d  |%s|\n", weekdays[civil_weekday(day)], c.year, c.month, c.day, cells);
}

static void show_gaps(const json_t *shifts)
{
	const json_t *shift;
	size_t i;

	json_array_foreach(shifts, i, shift)
		if (json_array_size(json_object_get(shift, "officers")) == 0)
			printf("  GAP: nobody from %s to %s\n", text_of(shift, "from"), text_of(shift, "to"));
}

static void show_calendar(const json_t *schedule)
{
	const json_t *shifts = json_object_get(schedule, "shifts");
	struct legend legend = { .count = 0 };
	struct civil first;

	if (!civil_parse(text_of(schedule, "at"), &first))
		return;
	printf("%s (%s)\n  %16s", text_of(schedule, "schedule"), text_of(schedule, "zone"), "");
	for (int hour = 0; hour < 24; hour += 3)
		printf("%-6d", hour);
	putchar('\n');
	for (int i = 0; i < WEEK_DAYS; i++)
		show_day(&legend, shifts, civil_day(first.year, first.month, first.day) + i);
	for (size_t i = 0; i < legend.count; i++)
		printf("  %c = %s\n", (char)('A' + i), legend.names[i]);
	show_gaps(shifts);
	putchar('\n');
}

static void show(const json_t *data, bool week)
{
	const json_t *schedules = json_object_get(data, "schedules"), *schedule;
	char names[NAMES_MAX];
	size_t i;

	if (json_array_size(schedules) == 0) {
		names_of(json_object_get(data, "everybody"), names);
		printf("There is no schedule; on call for everything: %s\n", names);
		return;
	}
	if (!week) {
		show_now(schedules);
		return;
	}
	json_array_foreach(schedules, i, schedule)
		show_calendar(schedule);
}

int cmd_oncall(int argc, char **argv)
{
	const char *at = NULL;
	bool week = false;
	const struct ctl_option options[] = {
		{ "--at", &at, NULL, false },
		{ "--week", NULL, &week, false },
		{ NULL, NULL, NULL, false },
	};
	json_t *data = NULL, *args;
	enum ctl_exit status;
	struct civil when;

	if (!ctl_parse(argc, argv, 1, options, NULL, 0, 0))
		return CTL_USAGE;
	if (at != NULL && !civil_parse(at, &when)) {
		ctl_error("--at takes a time such as \"2026-02-16 08:00\"");
		return CTL_USAGE;
	}
	args = json_pack("{s:i}", "days", week ? WEEK_DAYS : 0);
	if (at != NULL)
		json_object_set_new(args, "at", json_string(at));
	status = ctl_call("oncall", args, &data);
	if (status != CTL_OK)
		return status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		show(data, week);
	json_decref(data);
	return CTL_OK;
}
