/* The roster over the control socket: importing one, and who is on call. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "control/control.h"
#include "core/zone.h"
#include "path/duty.h"
#include "path/hotline.h"
#include "path/roles.h"
#include "path/roster_import.h"

enum { DAYS_MAX = 62, SHIFTS_MAX = 500 };

/* ---- roster import ---- */

struct importing {
	struct control_request *request;
	struct roster_import *import;
	json_t *answer;
};

static void importing_free(struct importing *i)
{
	roster_import_free(i->import);
	json_decref(i->answer);
	mem_free(i);
}

static void on_change(void *arg, char sign, const char *subject, const char *fact)
{
	const char text[] = {sign, '\0'};

	json_array_append_new(arg, json_pack("{s:s,s:s,s:s}", "sign", text, "subject", subject, "fact", fact));
}

static void on_finding(void *arg, const char *finding)
{
	json_array_append_new(arg, json_string(finding));
}

static void on_reloaded(void *arg, bool ok)
{
	struct importing *i = arg;
	struct hotline *h = i->request->hotline;

	if (ok) /* else it is stored all the same; the daemon looks for it again by itself */
		roles_refresh(h->roles);
	control_answer(i->request, json_incref(i->answer));
	importing_free(i);
}

static void on_applied(void *arg, enum pg_outcome outcome, const char *error)
{
	struct importing *i = arg;

	if (outcome == PG_OK) {
		json_object_set_new(i->answer, "applied", json_true());
		duty_load(i->request->hotline->duty, on_reloaded, i);
		return;
	}
	if (outcome == PG_FAILED && error && strstr(error, "rosters_pkey"))
		control_refuse(i->request, CONTROL_EXIT_REFUSED, "another roster was imported meanwhile; run it again");
	else
		control_refuse_store(i->request, outcome, error);
	importing_free(i);
}

static void compare_and_apply(void *arg, bool ok)
{
	struct importing *i = arg;
	const json_t *args = i->request->args;
	const char *by = control_text(i->request, "by"), *name = control_text(i->request, "name");
	json_t *changes = json_array(), *findings = json_array();
	char error[320];

	if (ok)
		i->import = roster_import_new(i->request->hotline, control_text(i->request, "text"),
					      json_is_true(json_object_get(args, "csv")), error, sizeof(error));
	if (!i->import) {
		if (ok)
			control_refuse(i->request, EXIT_CONFIG, "%s:%s", name ? name : "roster", error);
		else
			control_refuse(i->request, CONTROL_EXIT_STORE, "PostgreSQL cannot be reached");
		json_decref(changes);
		json_decref(findings);
		importing_free(i);
		return;
	}
	roster_import_changes(i->import, on_change, changes);
	roster_import_findings(i->import, on_finding, findings);
	i->answer = json_pack("{s:o,s:o,s:b}", "changes", changes, "findings", findings, "applied", false);
	if (json_is_true(json_object_get(args, "apply")) && json_array_size(changes) > 0) {
		roster_import_apply(i->import, by ? by : "operator", on_applied, i);
		return;
	}
	control_answer(i->request, json_incref(i->answer));
	importing_free(i);
}

void oncall_roster_import(struct control_request *request)
{
	struct importing *i;

	if (!control_text(request, "text")) {
		control_refuse(request, CONTROL_EXIT_USAGE, "a roster needs its text");
		return;
	}
	i = mem_alloc(sizeof(*i));
	i->request = request;
	duty_load(request->hotline->duty, compare_and_apply, i);
}

/* ---- on call ---- */

static json_t *wall_json(const struct zone *zone, int64_t utc)
{
	struct civil c;
	char text[CIVIL_TEXT_MAX];

	zone_civil(zone, utc, &c);
	civil_text(&c, text);
	return json_string(text);
}

static json_t *officer_json(const struct duty *d, int person)
{
	const struct duty_officer *o = duty_of(d, person);
	const struct roster_person *p = &duty_roster(d)->people[person];

	return json_pack("{s:s,s:s,s:s,s:b}", "id", p->id, "officer", o ? o->tag : "", "name",
			 o && o->person.name[0] ? o->person.name : p->id, "left", !o || o->disabled);
}

struct shifts {
	const struct duty *duty;
	const struct roster_schedule *schedule;
	json_t *list;
};

static json_t *people_json(const struct duty *d, const struct rota_duty *on)
{
	json_t *people = json_array();

	for (size_t i = 0; i < on->count; i++)
		json_array_append_new(people, officer_json(d, on->people[i]));
	return people;
}

static bool on_shift(void *arg, const struct rota_shift *shift)
{
	struct shifts *s = arg;
	const struct zone *zone = s->schedule->rota.zone;

	json_array_append_new(s->list, json_pack("{s:o,s:o,s:I,s:I,s:o}", "from", wall_json(zone, shift->from), "to",
						 wall_json(zone, shift->to), "from_utc", (json_int_t)shift->from,
						 "to_utc", (json_int_t)shift->to, "officers",
						 people_json(s->duty, &shift->duty)));
	return json_array_size(s->list) < SHIFTS_MAX;
}

/* `when`: wall time of each schedule's own zone, or NULL for now. */
static json_t *schedule_json(const struct duty *d, const struct roster_schedule *s, const struct civil *when,
			     int64_t now, int days)
{
	struct shifts shifts = {d, s, json_array()};
	int64_t at = when ? zone_utc(s->rota.zone, when, NULL) : now, from = at, next;
	struct rota_duty on;
	struct civil day;
	json_t *out;

	if (days > 0) { /* a calendar begins with its day */
		zone_civil(s->rota.zone, at, &day);
		day.hour = day.minute = day.second = 0;
		from = zone_utc(s->rota.zone, &day, NULL);
		rota_walk(&s->rota, from, from + (int64_t)days * CIVIL_DAY_S, on_shift, &shifts);
	}
	rota_at(&s->rota, at, &on);
	next = rota_next(&s->rota, at);
	out = json_pack("{s:s,s:s,s:o,s:o,s:o}", "schedule", s->id, "zone", s->zone_name, "at",
			wall_json(s->rota.zone, at), "on_call", people_json(d, &on), "until",
			next == ROTA_NEVER ? json_null() : wall_json(s->rota.zone, next));
	if (days > 0)
		json_object_set(out, "shifts", shifts.list);
	json_decref(shifts.list);
	return out;
}

/* The id that commands take: the roster's, if its newest version with schedules gives one, else the tag. */
static const char *officer_id(const struct duty *d, const struct duty_officer *o)
{
	const struct roster *r = duty_roster(d);

	for (size_t i = 0; i < r->people_count; i++) {
		if (duty_of(d, (int)i) == o && r->people[i].id[0])
			return r->people[i].id;
	}
	return o->tag;
}

/* Without any schedule every officer is on call. */
static json_t *everybody_json(const struct duty *d)
{
	const struct duty_officer *all;
	size_t count = duty_officers(d, &all);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		if (!all[i].disabled && roster_method_count(&all[i].person) > 0)
			json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "id", officer_id(d, &all[i]),
							      "officer", all[i].tag, "name", all[i].person.name));
	}
	return list;
}

void oncall_show(struct control_request *request)
{
	const struct duty *d = request->hotline->duty;
	const char *at = control_text(request, "at");
	int64_t days = json_integer_value(json_object_get(request->args, "days"));
	const struct roster *r = duty_roster(d);
	struct civil when;
	json_t *schedules;

	if (duty_version(d) < 0) {
		control_refuse(request, CONTROL_EXIT_STORE, "no roster has been read yet: PostgreSQL cannot be reached");
		return;
	}
	if ((at && !civil_parse(at, &when)) || days < 0 || days > DAYS_MAX) {
		control_refuse(request, CONTROL_EXIT_USAGE, "at: a time such as 2026-02-16 08:00; days: 0 to %d", DAYS_MAX);
		return;
	}
	schedules = json_array();
	for (size_t i = 0; i < r->schedule_count; i++)
		json_array_append_new(schedules, schedule_json(d, &r->schedules[i], at ? &when : NULL,
							       loop_wall_us(request->hotline->loop) / 1000000,
							       (int)days));
	control_answer(request, json_pack("{s:i,s:o,s:o}", "roster", duty_version(d), "schedules", schedules,
					  "everybody", everybody_json(d)));
}
