/* A roster as single facts, for telling two of them apart, and what is wrong with one. */
#include "core/roster.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/zone.h"

enum { GAPS_SHOWN = 5, SUBJECT_MAX = 48 };

static const char *const everies[] = {"day", "week", "month"};
static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* ---- facts ---- */

struct out {
	roster_line_fn *fn;
	void *arg;
	char subject[ROSTER_ADDRESS_MAX + SUBJECT_MAX];
};

static void fact(struct out *out, struct buf *text)
{
	out->fn(out->arg, out->subject, buf_cstr(text), buf_cstr(text));
	buf_free(text);
}

/* "+849******01", "https://h...", "l...@example.org": enough to know one's own. */
static void mask(const char *address, struct buf *out)
{
	size_t len = strlen(address);
	const char *at = strchr(address, '@');

	if (address[0] == '+' && len >= 8)
		buf_printf(out, "%.4s%.*s%s", address, (int)(len - 6), "*****************", address + len - 2);
	else if (at)
		buf_printf(out, "%.1s...%s", address, at);
	else
		buf_printf(out, "%.9s...", address);
}

static void name_subject(struct out *out, const struct roster_person *p)
{
	const char *number = p->methods[ROSTER_NUMBER];

	snprintf(out->subject, sizeof(out->subject), "officer %s", p->id[0] ? p->id : number ? number : "?");
}

static void officer_lines(struct out *out, const struct roster_person *p)
{
	struct buf text = {0}, shown = {0};

	name_subject(out, p);
	buf_printf(&text, "name %s", p->name);
	fact(out, &text);
	for (int m = 0; m < ROSTER_METHODS; m++) {
		if (!p->methods[m])
			continue;
		buf_printf(&text, "%s %s", roster_method_keys[m], p->methods[m]);
		buf_printf(&shown, "%s ", roster_method_keys[m]);
		mask(p->methods[m], &shown);
		out->fn(out->arg, out->subject, buf_cstr(&text), buf_cstr(&shown));
		buf_free(&text);
		buf_free(&shown);
	}
	for (size_t i = 0; i < p->team_count; i++) {
		buf_printf(&text, "in team %s", p->teams[i]);
		fact(out, &text);
	}
	if (p->left) {
		buf_printf(&text, "has left");
		fact(out, &text);
	}
}

static void team_lines(struct out *out, const struct roster_team *t)
{
	struct buf text = {0};

	snprintf(out->subject, sizeof(out->subject), "team %s", t->id);
	buf_printf(&text, "alerted %s%s", t->schedule[0] ? "by schedule " : "as a whole", t->schedule);
	if (t->agency[0])
		buf_printf(&text, ", agency %s", t->agency);
	fact(out, &text);
	for (size_t i = 0; i < t->commune_count; i++) {
		buf_printf(&text, "looks after commune %s", t->communes[i]);
		fact(out, &text);
	}
}

static void put_moment(struct buf *out, const struct zone *zone, int64_t utc)
{
	struct civil wall;
	char text[CIVIL_TEXT_MAX];

	zone_civil(zone, utc, &wall);
	civil_text(&wall, text);
	buf_printf(out, "%s", text);
}

static void rotation_line(struct out *out, const struct roster *r, const struct rota_rotation *rotation)
{
	struct buf text = {0};
	char moment[CIVIL_TEXT_MAX];

	civil_text(&rotation->start, moment);
	buf_printf(&text, "every %d %s from %s", rotation->length, everies[rotation->every], moment);
	if (rotation->end.year) {
		civil_text(&rotation->end, moment);
		buf_printf(&text, " until %s", moment);
	}
	if (rotation->from_min != rotation->to_min)
		buf_printf(&text, ", %02d:%02d-%02d:%02d", rotation->from_min / 60, rotation->from_min % 60,
			   rotation->to_min / 60, rotation->to_min % 60);
	for (int i = 0; i < 7; i++) {
		if (rotation->weekdays >> i & 1)
			buf_printf(&text, " %s", weekdays[i]);
	}
	buf_printf(&text, ":");
	for (size_t i = 0; i < rotation->count; i++)
		buf_printf(&text, " %s", r->people[rotation->people[i]].id);
	fact(out, &text);
}

static void change_line(struct out *out, const struct roster *r, const struct roster_schedule *s,
			const struct rota_change *c)
{
	static const char *const words[] = {
		[ROTA_REPLACE] = "instead of", [ROTA_SWAP] = "swaps with", [ROTA_ADD] = "also",
		[ROTA_REMOVE] = "off",         [ROTA_ONLY] = "only",
	};
	bool two = c->kind == ROTA_REPLACE || c->kind == ROTA_SWAP;
	struct buf text = {0};

	put_moment(&text, s->rota.zone, c->from);
	buf_printf(&text, " to ");
	put_moment(&text, s->rota.zone, c->to);
	buf_printf(&text, ": %s %s%s%s", r->people[c->person].id, words[c->kind], two ? " " : "",
		   two ? r->people[c->other].id : "");
	fact(out, &text);
}

static void schedule_lines(struct out *out, const struct roster *r, const struct roster_schedule *s)
{
	struct buf text = {0};

	snprintf(out->subject, sizeof(out->subject), "schedule %s", s->id);
	buf_printf(&text, "zone %s", s->zone_name);
	fact(out, &text);
	for (size_t i = 0; i < s->rota.rotation_count; i++)
		rotation_line(out, r, &s->rota.rotations[i]);
	for (size_t i = 0; i < s->rota.change_count; i++)
		change_line(out, r, s, &s->rota.changes[i]);
}

void roster_lines(const struct roster *r, roster_line_fn *fn, void *arg)
{
	struct out out = {.fn = fn, .arg = arg};

	for (size_t i = 0; i < r->officer_count; i++)
		officer_lines(&out, &r->people[i]);
	for (size_t i = 0; i < r->team_count; i++)
		team_lines(&out, &r->teams[i]);
	for (size_t i = 0; i < r->schedule_count; i++)
		schedule_lines(&out, r, &r->schedules[i]);
}

/* ---- findings ---- */

struct gaps {
	const struct roster_schedule *schedule;
	roster_finding_fn *fn;
	void *arg;
	int64_t end;
	int count;
};

static bool on_shift(void *arg, const struct rota_shift *shift)
{
	struct gaps *g = arg;
	struct buf text = {0};

	if (shift->duty.count > 0)
		return true;
	if (++g->count > GAPS_SHOWN)
		return false;
	buf_printf(&text, "schedule %s: nobody is on call from ", g->schedule->id);
	put_moment(&text, g->schedule->rota.zone, shift->from);
	if (shift->to < g->end) {
		buf_printf(&text, " to ");
		put_moment(&text, g->schedule->rota.zone, shift->to);
	}
	g->fn(g->arg, buf_cstr(&text));
	buf_free(&text);
	return true;
}

static void find_gaps(const struct roster_schedule *s, int64_t now, int days, roster_finding_fn *fn, void *arg)
{
	struct gaps g = {.schedule = s, .fn = fn, .arg = arg, .end = now + (int64_t)days * CIVIL_DAY_S};
	char *text;

	rota_walk(&s->rota, now, g.end, on_shift, &g);
	if (g.count <= GAPS_SHOWN)
		return;
	text = mem_printf("schedule %s: there are more gaps", s->id);
	fn(arg, text);
	mem_free(text);
}

static void find_unreachable(const struct roster_person *p, roster_finding_fn *fn, void *arg)
{
	size_t ways = roster_method_count(p);
	struct buf text = {0};

	if (p->left || ways >= 2)
		return;
	if (p->id[0])
		buf_printf(&text, "officer %s", p->id);
	else
		buf_printf(&text, "an officer at line %u", p->line);
	buf_printf(&text, " can be reached in %s; two ways are needed for duty",
		   ways ? "one way only" : "no way");
	fn(arg, buf_cstr(&text));
	buf_free(&text);
}

static bool team_has_people(const struct roster *r, const char *id)
{
	for (size_t i = 0; i < r->officer_count; i++) {
		for (size_t j = 0; j < r->people[i].team_count && !r->people[i].left; j++) {
			if (strcmp(r->people[i].teams[j], id) == 0)
				return true;
		}
	}
	return false;
}

void roster_findings(const struct roster *r, int64_t now, int days, roster_finding_fn *fn, void *arg)
{
	for (size_t i = 0; i < r->officer_count; i++)
		find_unreachable(&r->people[i], fn, arg);
	for (size_t i = 0; i < r->team_count; i++) {
		char *text;

		if (r->teams[i].schedule[0] || r->officer_count == 0 || team_has_people(r, r->teams[i].id))
			continue;
		text = mem_printf("team %s: nobody in this file belongs to it", r->teams[i].id);
		fn(arg, text);
		mem_free(text);
	}
	for (size_t i = 0; i < r->schedule_count; i++)
		find_gaps(&r->schedules[i], now, days, fn, arg);
}
