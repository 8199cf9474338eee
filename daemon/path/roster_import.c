/* What a roster's file changes, and changing it. */
#include "path/roster_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "core/ids.h"
#include "core/number.h"
#include "core/roster.h"
#include "path/duty.h"
#include "path/hotline.h"
#include "store/vault.h"
#include "store/zones.h"

#define OR_EMPTY(text) ((text) ? (text) : "")

enum { FINDING_DAYS = 30, VERSION_LEN = 4 };

static const struct pg_statement add_version = {
	"roster_add", "select roster_add($1::int, $2::bool, $3::bytea, $4::text)"};
static const struct pg_statement put_officer = {
	"officer_put", "select officer_put($1::uuid, $2::bytea, $3::bytea, $4::bool)"};
static const struct pg_statement put_method = {
	"officer_method_put", "select officer_method_put($1::uuid, $2::int, $3::text, $4::bytea, $5::bytea)"};
static const struct pg_statement put_teams = {
	"officer_teams_put", "select officer_teams_put($1::uuid, $2::text)"};
static const struct pg_statement put_team = {
	"team_put", "select team_put($1::text, $2::text, $3::text, $4::text)"};

struct line {
	char *subject, *fact, *shown; /* owned */
};

struct lines {
	struct line *all; /* owned */
	size_t count;
};

struct roster_import {
	struct hotline *h;                  /* borrowed */
	char *text;                         /* owned: the file */
	struct roster roster;               /* what it says */
	const struct duty_officer **known;  /* owned: officer of each person, or NULL = new */
	struct lines before, after;
	int version;                        /* in force */
};

/* ---- who is who ---- */

static bool fault(char *error, size_t size, const struct roster_person *p, const char *text, const char *more)
{
	snprintf(error, size, "%u:%u: %s%s", p->line, p->column, text, more);
	return false;
}

/* One spelling for one phone: what the carriers will send is compared with it. */
static bool normalise_numbers(struct roster_import *im, char *error, size_t size)
{
	for (size_t i = 0; i < im->roster.officer_count; i++) {
		struct roster_person *p = &im->roster.people[i];

		for (int m = ROSTER_NUMBER; m <= ROSTER_SECOND_NUMBER; m++) {
			struct number n;

			if (!p->methods[m])
				continue;
			number_parse(p->methods[m], 0, im->h->conf->region, &n);
			if (n.kind != NUMBER_MSISDN)
				return fault(error, size, p, "this is no usable number: ", roster_method_keys[m]);
			mem_free(p->methods[m]);
			p->methods[m] = mem_strdup(n.value);
		}
	}
	return true;
}

/* By the id, else by a number, which then must not be somebody else's. */
static bool identify(struct roster_import *im, size_t i, char *error, size_t size)
{
	const struct duty *d = im->h->duty;
	const struct roster_person *p = &im->roster.people[i];
	const struct duty_officer *by_id = NULL, *by_number;
	uint8_t key[DUTY_KEY_LEN];

	if (p->id[0]) {
		duty_key(im->h, p->id, key);
		by_id = duty_find_key(d, key);
	}
	im->known[i] = by_id;
	if (i >= im->roster.officer_count)
		return by_id || fault(error, size, p, "there is no officer ", p->id);
	for (int m = ROSTER_NUMBER; m <= ROSTER_SECOND_NUMBER; m++) {
		by_number = p->methods[m] ? duty_find_number(d, p->methods[m]) : NULL;
		if (by_number && by_id && by_number != by_id)
			return fault(error, size, p, "one of these numbers belongs to ", by_number->tag);
		if (by_number && !by_id && p->id[0] && by_number->has_key)
			return fault(error, size, p, "one of these numbers belongs to another id, ", by_number->tag);
		if (by_number && im->known[i] && im->known[i] != by_number)
			return fault(error, size, p, "these numbers belong to two officers, one is ", by_number->tag);
		if (by_number)
			im->known[i] = by_number;
	}
	return true;
}

static bool identify_all(struct roster_import *im, char *error, size_t size)
{
	im->known = mem_array(NULL, im->roster.people_count + 1, sizeof(*im->known));
	for (size_t i = 0; i < im->roster.people_count; i++) {
		if (!identify(im, i, error, size))
			return false;
		for (size_t j = 0; j < i && im->known[i]; j++) {
			if (im->known[j] == im->known[i])
				return fault(error, size, &im->roster.people[i],
					     "two entries mean the same officer, ", im->known[i]->tag);
		}
	}
	return true;
}

/* ---- facts before and after ---- */

static void on_line(void *arg, const char *subject, const char *fact, const char *shown)
{
	struct lines *lines = arg;

	lines->all = mem_array(lines->all, lines->count + 1, sizeof(*lines->all));
	lines->all[lines->count++] =
		(struct line){mem_strdup(subject), mem_strdup(fact), mem_strdup(shown)};
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->subject, y->subject);

	return order ? order : strcmp(x->fact, y->fact);
}

static void sort(struct lines *lines)
{
	if (lines->count > 1)
		qsort(lines->all, lines->count, sizeof(*lines->all), compare);
}

/* An officer as one line each; `subject` is what the file calls them. */
static void lines_of(struct roster_person person, const struct roster_person *subject, bool has_id,
		     struct lines *out)
{
	struct roster one = {.people = &person, .officer_count = 1, .people_count = 1};
	char name[ROSTER_ID_MAX + 16];

	snprintf(person.id, sizeof(person.id), "%s",
		 subject->id[0] ? subject->id : OR_EMPTY(subject->methods[ROSTER_NUMBER]));
	roster_lines(&one, on_line, out);
	snprintf(name, sizeof(name), "officer %s", person.id);
	if (has_id)
		on_line(out, name, "has an id", "has an id");
}

static void collect(struct roster_import *im)
{
	const struct roster *r = &im->roster;
	struct roster duty = *duty_roster(im->h->duty), next = *r;

	for (size_t i = 0; i < r->officer_count; i++) {
		const struct duty_officer *known = im->known[i];

		if (known)
			lines_of(known->person, &r->people[i], known->has_key && r->people[i].id[0], &im->before);
		lines_of(r->people[i], &r->people[i], r->people[i].id[0], &im->after);
	}
	duty.officer_count = next.officer_count = 0;
	if (r->has_duty) {
		roster_lines(&duty, on_line, &im->before);
		roster_lines(&next, on_line, &im->after);
	}
	sort(&im->before);
	sort(&im->after);
}

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		mem_free(lines->all[i].subject);
		mem_free(lines->all[i].fact);
		mem_free(lines->all[i].shown);
	}
	mem_free(lines->all);
	memset(lines, 0, sizeof(*lines));
}

struct roster_import *roster_import_new(struct hotline *h, const char *text, bool csv, char *error,
					size_t error_size)
{
	struct roster_import *im = mem_alloc(sizeof(*im));
	struct yaml_error e = {0};
	struct yaml_node *root = csv ? NULL : yaml_parse(text, strlen(text), &e);
	bool ok = csv ? roster_load_csv(text, strlen(text), &im->roster, &e)
		      : root && roster_load(root, zones_open, &im->roster, &e);

	yaml_free(root);
	im->h = h;
	im->version = duty_version(h->duty);
	im->text = mem_strdup(text);
	if (!ok)
		snprintf(error, error_size, "%u:%u: %s", e.line, e.column, e.text);
	if (!ok || !normalise_numbers(im, error, error_size) || !identify_all(im, error, error_size)) {
		roster_import_free(im);
		return NULL;
	}
	collect(im);
	return im;
}

void roster_import_free(struct roster_import *im)
{
	if (!im)
		return;
	lines_free(&im->before);
	lines_free(&im->after);
	roster_fini(&im->roster);
	if (im->text)
		explicit_bzero(im->text, strlen(im->text));
	mem_free(im->text);
	mem_free(im->known);
	mem_free(im);
}

/* ---- telling ---- */

/* "officer +84900000001" is shown as "officer +849******01". */
static void tell(const struct line *line, char sign, roster_change_fn *fn, void *arg)
{
	char subject[ROSTER_ADDRESS_MAX + 64];
	char *number = strchr(line->subject, '+');
	size_t len;

	snprintf(subject, sizeof(subject), "%s", line->subject);
	if (number && strncmp(line->subject, "officer +", 9) == 0) {
		number = subject + (number - line->subject);
		len = strlen(number);
		for (size_t i = 4; i + 2 < len; i++)
			number[i] = '*';
	}
	fn(arg, sign, subject, line->shown);
}

size_t roster_import_changes(const struct roster_import *im, roster_change_fn *fn, void *arg)
{
	size_t i = 0, j = 0, changes = 0;

	while (i < im->before.count || j < im->after.count) {
		int order = i == im->before.count  ? 1
			    : j == im->after.count ? -1
						   : compare(&im->before.all[i], &im->after.all[j]);

		if (order < 0)
			tell(&im->before.all[i], '-', fn, arg);
		else if (order > 0)
			tell(&im->after.all[j], '+', fn, arg);
		changes += order != 0;
		i += order <= 0;
		j += order >= 0;
	}
	return changes;
}

void roster_import_findings(const struct roster_import *im, void (*fn)(void *arg, const char *finding), void *arg)
{
	roster_findings(&im->roster, loop_wall_us(im->h->loop) / 1000000, FINDING_DAYS, fn, arg);
}

/* ---- writing ---- */

static void put_sealed(struct roster_import *im, struct pg_params *p, const void *aad, size_t aad_len,
		       const char *text)
{
	struct buf sealed = {0};

	vault_seal(im->h->vault, VAULT_CONTACT, aad, aad_len, text, strlen(text), &sealed);
	pg_put_bytes(p, sealed.data, sealed.len);
	buf_free(&sealed);
}

static void add_document(struct roster_import *im, struct pg_batch *batch, const char *by)
{
	struct pg_params *p = pg_params_new();
	int version = im->version + 1;
	uint8_t aad[VERSION_LEN];

	for (int i = 0; i < VERSION_LEN; i++)
		aad[i] = (uint8_t)(version >> (24 - 8 * i));
	pg_put_int(p, version);
	pg_put_bool(p, im->roster.has_duty);
	put_sealed(im, p, aad, sizeof(aad), im->text);
	pg_put_text(p, by);
	pg_batch_add(batch, &add_version, p, NULL, NULL);
}

static void add_method(struct roster_import *im, struct pg_batch *batch, const uint8_t id[16], int m,
		       const char *address)
{
	struct pg_params *p = pg_params_new();
	uint8_t idx[DUTY_KEY_LEN];

	pg_put_uuid(p, id);
	pg_put_int(p, m);
	pg_put_text(p, roster_method_channels[m]);
	if (address) {
		duty_address_key(im->h, address, idx);
		pg_put_bytes(p, idx, sizeof(idx));
		put_sealed(im, p, idx, sizeof(idx), address);
	} else {
		pg_put_bytes(p, NULL, 0);
		pg_put_bytes(p, NULL, 0);
	}
	pg_batch_add(batch, &put_method, p, NULL, NULL);
}

static void add_teams_of(struct pg_batch *batch, const uint8_t id[16], const struct roster_person *person)
{
	struct pg_params *p = pg_params_new();
	struct buf teams = {0};

	for (size_t i = 0; i < person->team_count; i++)
		buf_printf(&teams, "%s%s", i ? "," : "", person->teams[i]);
	pg_put_uuid(p, id);
	pg_put_text(p, buf_cstr(&teams));
	pg_batch_add(batch, &put_teams, p, NULL, NULL);
	buf_free(&teams);
}

static void add_officer(struct roster_import *im, struct pg_batch *batch, size_t i, const uint8_t id[16])
{
	const struct roster_person *person = &im->roster.people[i];
	struct pg_params *p = pg_params_new();
	uint8_t key[DUTY_KEY_LEN];

	if (person->id[0])
		duty_key(im->h, person->id, key);
	pg_put_uuid(p, id);
	pg_put_bytes(p, person->id[0] ? key : NULL, sizeof(key));
	put_sealed(im, p, id, 16, person->name);
	pg_put_bool(p, person->left);
	pg_batch_add(batch, &put_officer, p, NULL, NULL);
}

/* A team that the new roster does not know any more keeps its name and its people. */
static void add_team(struct pg_batch *batch, const char *id, const struct roster_team *team)
{
	struct pg_params *p = pg_params_new();
	struct buf communes = {0};

	for (size_t i = 0; team && i < team->commune_count; i++)
		buf_printf(&communes, "%s%s", i ? "," : "", team->communes[i]);
	pg_put_text(p, id);
	pg_put_text(p, team ? team->agency : "");
	pg_put_text(p, team ? team->schedule : "");
	pg_put_text(p, buf_cstr(&communes));
	pg_batch_add(batch, &put_team, p, NULL, NULL);
	buf_free(&communes);
}

/* A way to reach somebody that changes hands is given up before it is taken. */
static void add_methods(struct roster_import *im, struct pg_batch *batch, size_t i, const uint8_t id[16], bool give_up)
{
	const struct roster_person *after = &im->roster.people[i];

	for (int m = 0; m < ROSTER_METHODS; m++) {
		const char *before = im->known[i] ? im->known[i]->person.methods[m] : NULL;
		bool same = before && after->methods[m] && strcmp(before, after->methods[m]) == 0;

		if (same || (!before && !after->methods[m]))
			continue;
		if (give_up && before)
			add_method(im, batch, id, m, NULL);
		else if (!give_up && after->methods[m])
			add_method(im, batch, id, m, after->methods[m]);
	}
}

static void add_duty(struct roster_import *im, struct pg_batch *batch)
{
	const struct roster *old = duty_roster(im->h->duty);

	for (size_t i = 0; i < old->team_count; i++) {
		if (!roster_find_team(&im->roster, old->teams[i].id))
			add_team(batch, old->teams[i].id, NULL);
	}
	for (size_t i = 0; i < im->roster.team_count; i++)
		add_team(batch, im->roster.teams[i].id, &im->roster.teams[i]);
}

void roster_import_apply(struct roster_import *im, const char *by, pg_done_fn *done, void *arg)
{
	struct pg_batch *batch = pg_batch_new(im->h->pg_duty);
	size_t count = im->roster.officer_count;
	struct id16 *ids = mem_alloc((count + 1) * sizeof(*ids));

	add_document(im, batch, by);
	if (im->roster.has_duty)
		add_duty(im, batch);
	for (size_t i = 0; i < count; i++) {
		ids[i] = id16_new(loop_wall_us(im->h->loop));
		if (im->known[i])
			memcpy(ids[i].b, im->known[i]->id, sizeof(ids[i].b));
		add_officer(im, batch, i, ids[i].b);
		add_teams_of(batch, ids[i].b, &im->roster.people[i]);
		add_methods(im, batch, i, ids[i].b, true);
	}
	for (size_t i = 0; i < count; i++)
		add_methods(im, batch, i, ids[i].b, false);
	mem_free(ids);
	pg_batch_send(batch, done, arg);
}
