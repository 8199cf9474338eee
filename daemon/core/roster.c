/* Rosters out of YAML. */
#include "core/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "base/yaml_read.h"
#include "core/places.h"
#include "core/zone.h"

enum { NUMBER_DIGITS_MIN = 3, NUMBER_DIGITS_MAX = 15, ADDRESS_LIST_MAX = ROSTER_OFFICERS_MAX };

const char *const roster_method_keys[] = {"number", "second_number", "webhook", "mail", NULL};
const char *const roster_method_channels[] = {"sms", "sms", "webhook", "mail"};

static const char *const file_keys[] = {"zone", "officers", "teams", "schedules", NULL};
static const char *const officer_keys[] = {"id",      "name", "number", "second_number", "webhook", "mail",
					   "team",    "teams", "left",  NULL};
static const char *const team_keys[] = {"id", "agency", "schedule", "communes", NULL};
static const char *const schedule_keys[] = {"id", "zone", "rotations", "overrides", "swaps", NULL};
static const char *const rotation_keys[] = {"every", "length", "start", "end", "days", "from", "to", "officers",
					    NULL};
static const char *const override_keys[] = {"from", "to", "officer", "instead_of", "also", "off", "only", NULL};
static const char *const swap_keys[] = {"from", "to", "officers", NULL};
static const char *const agencies[] = {"commune", "police", "health", "school", "province", NULL};
static const char *const everies[] = {"day", "week", "month", NULL};
static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

struct reading {
	struct roster *r;
	roster_zone_fn *zone_of;
	const char *zone; /* of schedules that name none; NULL: they must */
	struct yaml_error *error;
};

/* ---- officers ---- */

/* "+84 90 000 00 01" -> "+84900000001". */
static char *read_number(const struct yaml_node *node, const char *what, struct yaml_error *error)
{
	char out[NUMBER_DIGITS_MAX + 2];
	size_t n = 0;
	bool ok = node->kind == YAML_SCALAR;

	for (const char *p = ok ? node->text : ""; ok && *p; p++) {
		if (strchr(" .-()", *p))
			continue;
		ok = n <= NUMBER_DIGITS_MAX && (n == 0 ? *p == '+' : *p >= '0' && *p <= '9');
		out[n < sizeof(out) ? n : 0] = *p;
		n++;
	}
	if (ok && n > NUMBER_DIGITS_MIN)
		return mem_strndup(out, n);
	yaml_fault(error, node, "%s: + and %d to %d digits are expected (+84 for Viet Nam)", what, NUMBER_DIGITS_MIN,
		   NUMBER_DIGITS_MAX);
	return NULL;
}

static char *read_address(enum roster_method method, const struct yaml_node *node, struct yaml_error *error)
{
	const char *what = roster_method_keys[method];
	char text[ROSTER_ADDRESS_MAX];

	if (method == ROSTER_NUMBER || method == ROSTER_SECOND_NUMBER)
		return read_number(node, what, error);
	if (!yaml_read_text(node, what, text, sizeof(text), error))
		return NULL;
	if (method == ROSTER_WEBHOOK && strncmp(text, "https://", 8) != 0) {
		yaml_fault(error, node, "webhook: an address that begins with https:// is expected");
		return NULL;
	}
	if (method == ROSTER_MAIL && (!strchr(text, '@') || strpbrk(text, " \t\r\n<>\",;"))) {
		yaml_fault(error, node, "mail: one address is expected: name@example.org");
		return NULL;
	}
	return mem_strdup(text);
}

static bool read_methods(struct reading *in, const struct yaml_node *map, struct roster_person *p)
{
	for (int m = 0; m < ROSTER_METHODS; m++) {
		const struct yaml_node *node = yaml_find(map, roster_method_keys[m]);

		if (!node)
			continue;
		p->methods[m] = read_address((enum roster_method)m, node, in->error);
		if (!p->methods[m])
			return false;
	}
	if (!p->methods[ROSTER_NUMBER] && !p->left)
		return yaml_fault(in->error, map, "number is missing");
	return true;
}

/* `team: NAME` or `teams: [NAME, ...]`. */
static bool read_teams_of(struct reading *in, const struct yaml_node *map, struct roster_person *p)
{
	const struct yaml_node *one = yaml_find(map, "team"), *many = yaml_find(map, "teams");

	if (one && many)
		return yaml_fault(in->error, many, "team and teams together: one of them is expected");
	if (one) {
		p->team_count = 1;
		return yaml_read_id(one, "team", p->teams[0], ROSTER_ID_MAX, in->error);
	}
	if (many && !yaml_read_list(many, "teams", ROSTER_OF_OFFICER_MAX, in->error))
		return false;
	for (size_t i = 0; many && i < many->count; i++) {
		if (!yaml_read_id(many->items[i], "teams", p->teams[i], ROSTER_ID_MAX, in->error))
			return false;
		p->team_count = i + 1;
	}
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool has_number(const struct roster_person *p, const char *number)
{
	return same_text(p->methods[ROSTER_NUMBER], number) || same_text(p->methods[ROSTER_SECOND_NUMBER], number);
}

/* Two officers with one id or one number would be one officer. */
static bool is_new(struct reading *in, const struct yaml_node *map, const struct roster_person *p)
{
	for (const struct roster_person *q = in->r->people; q < p; q++) {
		if (p->id[0] && strcmp(q->id, p->id) == 0)
			return yaml_fault(in->error, yaml_find(map, "id"), "another officer above has the id %s", p->id);
		for (int m = ROSTER_NUMBER; m <= ROSTER_SECOND_NUMBER; m++) {
			if (p->methods[m] && has_number(q, p->methods[m]))
				return yaml_fault(in->error, yaml_find(map, roster_method_keys[m]),
						  "another officer above has the same number");
		}
	}
	if (same_text(p->methods[ROSTER_NUMBER], p->methods[ROSTER_SECOND_NUMBER]))
		return yaml_fault(in->error, yaml_find(map, "second_number"), "this is the first number again");
	return true;
}

static bool read_officer(struct reading *in, const struct yaml_node *map, struct roster_person *p)
{
	const struct yaml_node *id = yaml_find(map, "id"), *name = yaml_find(map, "name");
	const struct yaml_node *left = yaml_find(map, "left");

	p->line = map->line;
	p->column = map->column;
	if (!yaml_read_map(map, "an officer", officer_keys, in->error))
		return false;
	if (!name)
		return yaml_fault(in->error, map, "name is missing");
	return (!id || yaml_read_id(id, "id", p->id, sizeof(p->id), in->error)) &&
	       yaml_read_text(name, "name", p->name, sizeof(p->name), in->error) &&
	       (!left || yaml_read_bool(left, "left", &p->left, in->error)) && read_methods(in, map, p) &&
	       read_teams_of(in, map, p) && is_new(in, map, p);
}

static bool read_officers(struct reading *in, const struct yaml_node *list)
{
	struct roster *r = in->r;

	if (!list)
		return true;
	if (!yaml_read_list(list, "officers", ROSTER_OFFICERS_MAX, in->error))
		return false;
	r->people = mem_alloc((list->count + 1) * sizeof(*r->people));
	for (size_t i = 0; i < list->count; i++) {
		r->officer_count = r->people_count = i + 1;
		if (!read_officer(in, list->items[i], &r->people[i]))
			return false;
	}
	return true;
}

/* The place of an officer's id in `people`; one that is not an officer of the file is added at its end. */
static bool read_person(struct reading *in, const struct yaml_node *node, int *out)
{
	struct roster *r = in->r;
	struct roster_person *p;
	char id[ROSTER_ID_MAX];

	if (!yaml_read_id(node, "an officer's id", id, sizeof(id), in->error))
		return false;
	for (size_t i = 0; i < r->people_count; i++) {
		if (strcmp(r->people[i].id, id) == 0) {
			*out = (int)i;
			return true;
		}
	}
	if (r->people_count >= 2 * ROSTER_OFFICERS_MAX)
		return yaml_fault(in->error, node, "more than %d officers", 2 * ROSTER_OFFICERS_MAX);
	r->people = mem_array(r->people, r->people_count + 1, sizeof(*r->people));
	p = &r->people[r->people_count];
	memset(p, 0, sizeof(*p));
	memcpy(p->id, id, sizeof(id));
	p->line = node->line;
	p->column = node->column;
	*out = (int)r->people_count++;
	return true;
}

/* ---- teams ---- */

static bool read_communes(struct reading *in, const struct yaml_node *list, struct roster_team *t)
{
	if (!list)
		return true;
	if (!yaml_read_list(list, "communes", ROSTER_COMMUNES_MAX, in->error))
		return false;
	t->communes = mem_alloc((list->count + 1) * sizeof(*t->communes));
	for (size_t i = 0; i < list->count; i++) {
		if (!yaml_read_text(list->items[i], "communes", t->communes[i], ROSTER_COMMUNE_MAX, in->error))
			return false;
		if (strlen(t->communes[i]) != 5 || !places_name(t->communes[i], false))
			return yaml_fault(in->error, list->items[i], "there is no commune %s (a code of 5 digits)",
					  t->communes[i]);
		t->commune_count = i + 1;
	}
	return true;
}

static bool read_team(struct reading *in, const struct yaml_node *map, struct roster_team *t)
{
	const struct yaml_node *id = yaml_find(map, "id"), *agency = yaml_find(map, "agency");
	const struct yaml_node *schedule = yaml_find(map, "schedule");
	int at;

	if (!yaml_read_map(map, "a team", team_keys, in->error))
		return false;
	if (!id)
		return yaml_fault(in->error, map, "id is missing");
	if (!yaml_read_id(id, "id", t->id, sizeof(t->id), in->error))
		return false;
	if (agency) {
		if (!yaml_read_choice(agency, "agency", agencies, &at, in->error))
			return false;
		strcpy(t->agency, agencies[at]);
	}
	if (schedule && !yaml_read_id(schedule, "schedule", t->schedule, sizeof(t->schedule), in->error))
		return false;
	if (schedule && !roster_find_schedule(in->r, t->schedule))
		return yaml_fault(in->error, schedule, "there is no schedule %s in this file", t->schedule);
	for (const struct roster_team *other = in->r->teams; other < t; other++) {
		if (strcmp(other->id, t->id) == 0)
			return yaml_fault(in->error, id, "another team above has the same id");
	}
	return read_communes(in, yaml_find(map, "communes"), t);
}

static bool read_teams(struct reading *in, const struct yaml_node *list)
{
	struct roster *r = in->r;

	if (!list)
		return true;
	if (!yaml_read_list(list, "teams", ROSTER_TEAMS_MAX, in->error))
		return false;
	r->teams = mem_alloc((list->count + 1) * sizeof(*r->teams));
	for (size_t i = 0; i < list->count; i++) {
		r->team_count = i + 1;
		if (!read_team(in, list->items[i], &r->teams[i]))
			return false;
	}
	return true;
}

/* ---- schedules ---- */

static bool read_moment(struct reading *in, const struct yaml_node *map, const char *key, struct civil *out)
{
	const struct yaml_node *node = yaml_find(map, key);

	if (!node)
		return yaml_fault(in->error, map, "%s is missing", key);
	if (node->kind != YAML_SCALAR || !civil_parse(node->text, out))
		return yaml_fault(in->error, node, "%s: a day and hour is expected: 2026-02-16 08:00", key);
	return true;
}

static bool read_minutes(struct reading *in, const struct yaml_node *map, const char *key, int *out)
{
	const struct yaml_node *node = yaml_find(map, key);

	if (node && (node->kind != YAML_SCALAR || !civil_parse_minutes(node->text, out)))
		return yaml_fault(in->error, node, "%s: an hour of the day is expected: 18:00", key);
	return true;
}

static bool read_weekdays(struct reading *in, const struct yaml_node *list, unsigned *out)
{
	int day;

	if (!list)
		return true;
	if (!yaml_read_list(list, "days", 7, in->error))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!yaml_read_choice(list->items[i], "days", weekdays, &day, in->error))
			return false;
		*out |= 1U << day;
	}
	return true;
}

static bool read_turns(struct reading *in, const struct yaml_node *map, struct rota_rotation *r)
{
	const struct yaml_node *list = yaml_find(map, "officers");
	int *people;

	if (!list)
		return yaml_fault(in->error, map, "officers is missing");
	if (!yaml_read_list(list, "officers", ROSTER_TURNS_MAX, in->error))
		return false;
	if (list->count == 0)
		return yaml_fault(in->error, list, "a rotation needs at least one officer");
	people = mem_array(NULL, list->count, sizeof(*people));
	r->people = people;
	for (size_t i = 0; i < list->count; i++) {
		if (!read_person(in, list->items[i], &people[i]))
			return false;
	}
	r->count = list->count;
	return true;
}

static bool read_rotation(struct reading *in, const struct yaml_node *map, struct rota_rotation *r)
{
	const struct yaml_node *every = yaml_find(map, "every"), *length = yaml_find(map, "length");
	int at = ROTA_WEEK;

	r->length = 1;
	if (!yaml_read_map(map, "a rotation", rotation_keys, in->error) || !read_moment(in, map, "start", &r->start) ||
	    (yaml_find(map, "end") && !read_moment(in, map, "end", &r->end)) ||
	    (every && !yaml_read_choice(every, "every", everies, &at, in->error)) ||
	    (length && !yaml_read_int(length, "length", 1, ROTA_LENGTH_MAX, &r->length, in->error)))
		return false;
	r->every = (enum rota_every)at;
	if (!read_minutes(in, map, "from", &r->from_min) || !read_minutes(in, map, "to", &r->to_min) ||
	    !read_weekdays(in, yaml_find(map, "days"), &r->weekdays))
		return false;
	if (r->to_min == 1440 && r->from_min > 0)
		r->to_min = 0;
	r->to_min %= 1440;
	r->from_min %= 1440;
	return read_turns(in, map, r);
}

static bool read_rotations(struct reading *in, const struct yaml_node *map, struct roster_schedule *s)
{
	const struct yaml_node *list = yaml_find(map, "rotations");
	struct rota_rotation *rotations;

	if (!list)
		return yaml_fault(in->error, map, "rotations is missing");
	if (!yaml_read_list(list, "rotations", ROSTER_ROTATIONS_MAX, in->error))
		return false;
	rotations = mem_alloc((list->count + 1) * sizeof(*rotations));
	s->rota.rotations = rotations;
	for (size_t i = 0; i < list->count; i++) {
		s->rota.rotation_count = i + 1;
		if (!read_rotation(in, list->items[i], &rotations[i]))
			return false;
	}
	return true;
}

static bool read_stretch(struct reading *in, const struct yaml_node *map, const struct roster_schedule *s,
			 struct rota_change *c)
{
	struct civil from, to;

	if (!read_moment(in, map, "from", &from) || !read_moment(in, map, "to", &to))
		return false;
	c->from = zone_utc(s->rota.zone, &from, NULL);
	c->to = zone_utc(s->rota.zone, &to, NULL);
	if (c->to <= c->from)
		return yaml_fault(in->error, yaml_find(map, "to"), "to: a time after from is expected");
	return true;
}

/* {officer: A, instead_of: B} | {also: A} | {off: A} | {only: A} */
static bool read_override(struct reading *in, const struct yaml_node *map, const struct roster_schedule *s,
			  struct rota_change *c)
{
	static const struct {
		const char *key;
		enum rota_change_kind kind;
	} forms[] = {{"officer", ROTA_REPLACE}, {"also", ROTA_ADD}, {"off", ROTA_REMOVE}, {"only", ROTA_ONLY}};
	const struct yaml_node *other = yaml_find(map, "instead_of"), *who = NULL;

	if (!yaml_read_map(map, "an override", override_keys, in->error) || !read_stretch(in, map, s, c))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct yaml_node *node = yaml_find(map, forms[i].key);

		if (node && who)
			return yaml_fault(in->error, node, "one of officer, also, off and only is expected");
		if (node) {
			who = node;
			c->kind = forms[i].kind;
		}
	}
	if (!who || (c->kind == ROTA_REPLACE) != (other != NULL))
		return yaml_fault(in->error, map, "officer and instead_of, or one of also, off and only is expected");
	return read_person(in, who, &c->person) && (!other || read_person(in, other, &c->other));
}

static bool read_swap(struct reading *in, const struct yaml_node *map, const struct roster_schedule *s,
		      struct rota_change *c)
{
	const struct yaml_node *pair;

	if (!yaml_read_map(map, "a swap", swap_keys, in->error) || !read_stretch(in, map, s, c))
		return false;
	pair = yaml_find(map, "officers");
	if (!pair || pair->kind != YAML_LIST || pair->count != 2)
		return yaml_fault(in->error, pair ? pair : map, "officers: two of them are expected: [lan, minh]");
	c->kind = ROTA_SWAP;
	return read_person(in, pair->items[0], &c->person) && read_person(in, pair->items[1], &c->other);
}

typedef bool change_fn(struct reading *in, const struct yaml_node *map, const struct roster_schedule *s,
		       struct rota_change *c);

static bool read_changes(struct reading *in, const struct yaml_node *list, const char *what,
			 struct roster_schedule *s, change_fn *read)
{
	struct rota_change *changes;
	size_t first = s->rota.change_count;

	if (!list)
		return true;
	if (!yaml_read_list(list, what, ROSTER_CHANGES_MAX - first, in->error))
		return false;
	changes = mem_array((void *)s->rota.changes, first + list->count + 1, sizeof(*changes));
	s->rota.changes = changes;
	memset(changes + first, 0, (list->count + 1) * sizeof(*changes));
	for (size_t i = 0; i < list->count; i++) {
		if (!read(in, list->items[i], s, &changes[first + i]))
			return false;
		s->rota.change_count = first + i + 1;
	}
	return true;
}

static bool read_zone(struct reading *in, const struct yaml_node *map, struct roster_schedule *s)
{
	const struct yaml_node *node = yaml_find(map, "zone");

	if (!node && !in->zone)
		return yaml_fault(in->error, map, "zone is missing, here or at the top: zone: Asia/Ho_Chi_Minh");
	if (node && !yaml_read_text(node, "zone", s->zone_name, sizeof(s->zone_name), in->error))
		return false;
	if (!node)
		strcpy(s->zone_name, in->zone);
	s->rota.zone = in->zone_of(s->zone_name);
	if (!s->rota.zone)
		return yaml_fault(in->error, node ? node : map, "there is no zone %s on this machine (package tzdata)",
				  s->zone_name);
	return true;
}

static bool read_schedule(struct reading *in, const struct yaml_node *map, struct roster_schedule *s)
{
	const struct yaml_node *id = yaml_find(map, "id");

	if (!yaml_read_map(map, "a schedule", schedule_keys, in->error))
		return false;
	if (!id)
		return yaml_fault(in->error, map, "id is missing");
	if (!yaml_read_id(id, "id", s->id, sizeof(s->id), in->error))
		return false;
	for (const struct roster_schedule *other = in->r->schedules; other < s; other++) {
		if (strcmp(other->id, s->id) == 0)
			return yaml_fault(in->error, id, "another schedule above has the same id");
	}
	return read_zone(in, map, s) && read_rotations(in, map, s) &&
	       read_changes(in, yaml_find(map, "swaps"), "swaps", s, read_swap) &&
	       read_changes(in, yaml_find(map, "overrides"), "overrides", s, read_override);
}

static bool read_schedules(struct reading *in, const struct yaml_node *list)
{
	struct roster *r = in->r;

	if (!list)
		return true;
	if (!yaml_read_list(list, "schedules", ROSTER_SCHEDULES_MAX, in->error))
		return false;
	r->schedules = mem_alloc((list->count + 1) * sizeof(*r->schedules));
	for (size_t i = 0; i < list->count; i++) {
		r->schedule_count = i + 1;
		if (!read_schedule(in, list->items[i], &r->schedules[i]))
			return false;
	}
	return true;
}

/* ---- the whole ---- */

static bool read_file(struct reading *in, const struct yaml_node *root)
{
	const struct yaml_node *zone = yaml_find(root, "zone");
	char name[64];

	if (!yaml_read_map(root, "a roster", file_keys, in->error))
		return false;
	if (zone && !yaml_read_text(zone, "zone", name, sizeof(name), in->error))
		return false;
	in->zone = zone ? name : NULL;
	in->r->has_duty = yaml_find(root, "teams") || yaml_find(root, "schedules");
	if (!in->r->has_duty && !yaml_find(root, "officers"))
		return yaml_fault(in->error, root, "officers, teams or schedules are expected");
	return read_officers(in, yaml_find(root, "officers")) && read_schedules(in, yaml_find(root, "schedules")) &&
	       read_teams(in, yaml_find(root, "teams"));
}

bool roster_load(const struct yaml_node *root, roster_zone_fn *zone_of, struct roster *out,
		 struct yaml_error *error)
{
	struct reading in = {.r = out, .zone_of = zone_of, .error = error};

	memset(out, 0, sizeof(*out));
	if (read_file(&in, root))
		return true;
	roster_fini(out);
	return false;
}

void roster_fini(struct roster *r)
{
	for (size_t i = 0; i < r->people_count; i++) {
		for (int m = 0; m < ROSTER_METHODS; m++)
			mem_free(r->people[i].methods[m]);
	}
	for (size_t i = 0; i < r->team_count; i++)
		mem_free(r->teams[i].communes);
	for (size_t i = 0; i < r->schedule_count; i++) {
		struct rota_schedule *rota = &r->schedules[i].rota;

		for (size_t j = 0; j < rota->rotation_count; j++)
			mem_free((void *)rota->rotations[j].people);
		mem_free((void *)rota->rotations);
		mem_free((void *)rota->changes);
		zone_free((struct zone *)rota->zone);
	}
	mem_free(r->people);
	mem_free(r->teams);
	mem_free(r->schedules);
	memset(r, 0, sizeof(*r));
}

const struct roster_schedule *roster_find_schedule(const struct roster *r, const char *id)
{
	for (size_t i = 0; i < r->schedule_count; i++) {
		if (strcmp(r->schedules[i].id, id) == 0)
			return &r->schedules[i];
	}
	return NULL;
}

const struct roster_team *roster_find_team(const struct roster *r, const char *id)
{
	for (size_t i = 0; i < r->team_count; i++) {
		if (strcmp(r->teams[i].id, id) == 0)
			return &r->teams[i];
	}
	return NULL;
}

size_t roster_method_count(const struct roster_person *p)
{
	size_t n = 0;

	for (int m = 0; m < ROSTER_METHODS; m++)
		n += p->methods[m] != NULL;
	return n;
}
