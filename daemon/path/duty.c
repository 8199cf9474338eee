/* The roster in memory. */
#include "path/duty.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "core/ids.h"
#include "core/letters.h"
#include "path/hotline.h"
#include "store/pg.h"
#include "store/vault.h"
#include "store/zones.h"

enum { REFRESH_MS = 10 * 1000, RETRY_MS = 1000 };

static const struct pg_statement newest = {"duty_newest", "select roster_newest()"};
static const struct pg_statement read_doc = {
	"duty_doc", "select o_newest, o_version, o_doc_ct from roster_doc()"};
static const struct pg_statement read_people = {
	"duty_people",
	"select o_officer, o_tag, o_key, o_disabled, o_name_ct, o_teams, o_ordinal, o_idx, o_number_ct"
	" from roster_people()"};

struct officers {
	struct duty_officer *all; /* owned */
	size_t count;
};

/* One reading of the database, complete or not at all. */
struct reading {
	struct officers officers;
	struct roster roster;
	int version;
	bool ok;
};

struct waiting {
	struct waiting *next;
	duty_loaded_fn *done;
	void *arg;
};

struct duty {
	struct hotline *h; /* borrowed */
	struct loop_timer *timer;
	struct reading now;      /* version -1 until the first has been read */
	struct reading coming;
	bool busy;
	int newest;              /* what the database said last */
	const struct duty_officer **who; /* owned: officer of each person of the roster, or NULL */
	struct waiting *waiting; /* owned: who asked for the load under way, or for the one after it */
};

/* ---- keys ---- */

void duty_key(const struct hotline *h, const char *id, uint8_t out[DUTY_KEY_LEN])
{
	char name[ROSTER_ID_MAX + 16];

	snprintf(name, sizeof(name), "officer:%.*s", ROSTER_ID_MAX - 1, id);
	vault_index(h->vault, VAULT_IDX_SUBJECT, name, strlen(name), out);
}

void duty_address_key(const struct hotline *h, const char *address, uint8_t out[DUTY_KEY_LEN])
{
	vault_index(h->vault, VAULT_IDX_SUBJECT, address, strlen(address), out);
}

/* ---- reading ---- */

static void reading_fini(struct reading *r)
{
	for (size_t i = 0; i < r->officers.count; i++) {
		for (int m = 0; m < ROSTER_METHODS; m++)
			mem_free(r->officers.all[i].person.methods[m]);
	}
	mem_free(r->officers.all);
	roster_fini(&r->roster);
	memset(r, 0, sizeof(*r));
}

/* A sealed column as text; NULL if it is empty or was not sealed for this row. */
static char *open_text(const struct hotline *h, const struct pg_result *res, int row, int column,
		       const uint8_t *aad, size_t aad_len)
{
	struct buf text = {0};
	size_t len = 0;
	uint8_t *sealed = pg_get_bytes_dup(res, row, column, &len);
	char *out = NULL;

	if (sealed && vault_unseal(h->vault, VAULT_CONTACT, aad, aad_len, sealed, len, &text))
		out = mem_strndup((const char *)text.data, text.len);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	mem_free(sealed);
	return out;
}

static void read_teams(const char *list, struct roster_person *p)
{
	while (*list && p->team_count < ROSTER_OF_OFFICER_MAX) {
		size_t len = strcspn(list, ",");

		snprintf(p->teams[p->team_count++], ROSTER_ID_MAX, "%.*s", (int)len, list);
		list += len + (list[len] == ',');
	}
}

static struct duty_officer *officer_add(struct duty *d, const struct pg_result *res, int row, const uint8_t id[16])
{
	struct officers *list = &d->coming.officers;
	struct duty_officer *o;
	char *name;

	list->all = mem_array(list->all, list->count + 1, sizeof(*list->all));
	o = &list->all[list->count++];
	memset(o, 0, sizeof(*o));
	memcpy(o->id, id, 16);
	snprintf(o->tag, sizeof(o->tag), "%s", pg_get(res, row, 1));
	o->has_key = pg_get_bytes(res, row, 2, o->key, sizeof(o->key)) == sizeof(o->key);
	o->disabled = o->person.left = strcmp(pg_get(res, row, 3), "t") == 0;
	name = open_text(d->h, res, row, 4, id, 16);
	snprintf(o->person.name, sizeof(o->person.name), "%s", name ? name : "");
	mem_free(name);
	read_teams(pg_get(res, row, 5), &o->person);
	return o;
}

/* One row for each way to reach an officer; rows of one officer follow each other. */
static void on_people(void *arg, const struct pg_result *res)
{
	struct duty *d = arg;
	struct duty_officer *o = NULL;
	uint8_t id[16];

	for (int row = 0; row < pg_rows(res); row++) {
		int64_t ordinal = pg_get_int(res, row, 6);

		pg_get_uuid(res, row, 0, id);
		if (!o || memcmp(o->id, id, 16) != 0)
			o = officer_add(d, res, row, id);
		if (pg_is_null(res, row, 6) || ordinal < 0 || ordinal >= ROSTER_METHODS || o->person.methods[ordinal])
			continue;
		pg_get_bytes(res, row, 7, o->idx[ordinal], 16);
		o->person.methods[ordinal] = open_text(d->h, res, row, 8, o->idx[ordinal], 16);
	}
}

static void on_doc(void *arg, const struct pg_result *res)
{
	struct duty *d = arg;
	struct yaml_error error = {0};
	struct yaml_node *root;
	uint8_t aad[4];
	char *text;

	d->coming.version = (int)pg_get_int(res, 0, 0);
	d->coming.ok = true;
	if (pg_is_null(res, 0, 1))
		return;
	for (int i = 0; i < 4; i++)
		aad[i] = (uint8_t)(pg_get_int(res, 0, 1) >> (24 - 8 * i));
	text = open_text(d->h, res, 0, 2, aad, sizeof(aad));
	root = text ? yaml_parse(text, strlen(text), &error) : NULL;
	d->coming.ok = root && roster_load(root, zones_open, &d->coming.roster, &error);
	if (!d->coming.ok)
		log_error("duty", "the roster of version %s cannot be read: %s%s", pg_get(res, 0, 1),
			  text ? error.text : "not sealed with these keys", "; everybody is alerted in its place");
	yaml_free(root);
	mem_free(text);
}

/* ---- asking ---- */

const struct duty_officer *duty_find_key(const struct duty *d, const uint8_t key[DUTY_KEY_LEN])
{
	for (size_t i = 0; i < d->now.officers.count; i++) {
		const struct duty_officer *o = &d->now.officers.all[i];

		if (o->has_key && memcmp(o->key, key, DUTY_KEY_LEN) == 0)
			return o;
	}
	return NULL;
}

const struct duty_officer *duty_find_number(const struct duty *d, const char *number)
{
	for (size_t i = 0; i < d->now.officers.count; i++) {
		const struct roster_person *p = &d->now.officers.all[i].person;

		for (int m = ROSTER_NUMBER; m <= ROSTER_SECOND_NUMBER; m++) {
			if (p->methods[m] && strcmp(p->methods[m], number) == 0)
				return &d->now.officers.all[i];
		}
	}
	return NULL;
}

const struct duty_officer *duty_find_id(const struct duty *d, const char *id)
{
	uint8_t key[DUTY_KEY_LEN];
	const struct duty_officer *found;

	duty_key(d->h, id, key);
	found = strlen(id) < ROSTER_ID_MAX ? duty_find_key(d, key) : NULL;
	for (size_t i = 0; !found && i < d->now.officers.count; i++)
		found = strcmp(d->now.officers.all[i].tag, id) == 0 ? &d->now.officers.all[i] : NULL;
	return found;
}

/* Lower case without accents, single spaces; as texts of officers come from core/command.h. */
static void fold(const char *text, char out[ROSTER_NAME_MAX])
{
	struct letter letters[ROSTER_NAME_MAX];
	size_t n = letters_split(text, letters, ROSTER_NAME_MAX - 1), len = 0;

	for (size_t i = 0; i < n; i++) {
		bool word = (letters[i].base >= 'a' && letters[i].base <= 'z') ||
			    (letters[i].base >= '0' && letters[i].base <= '9');

		if (word)
			out[len++] = letters[i].base;
		else if (len > 0 && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

static bool means(const char *name, const char *words)
{
	char folded[ROSTER_NAME_MAX];
	const char *last;

	fold(name, folded);
	last = strrchr(folded, ' ');
	return folded[0] && (strcmp(folded, words) == 0 || (last && strcmp(last + 1, words) == 0));
}

static const struct duty_officer *find_id(const struct duty *d, const char *words)
{
	static const char joints[] = "-_";
	char id[ROSTER_NAME_MAX];
	uint8_t key[DUTY_KEY_LEN];

	for (const char *joint = joints; *joint; joint++) {
		const struct duty_officer *o;

		snprintf(id, sizeof(id), "%s", words);
		for (char *p = id; *p; p++)
			*p = *p == ' ' ? *joint : *p;
		duty_key(d->h, id, key);
		o = duty_find_key(d, key);
		if (o)
			return o;
	}
	return NULL;
}

const struct duty_officer *duty_find_words(const struct duty *d, const char *words)
{
	const struct duty_officer *found = words[0] ? find_id(d, words) : NULL;
	size_t count = 0;

	if (found || !words[0])
		return found;
	for (size_t i = 0; i < d->now.officers.count; i++) {
		const struct duty_officer *o = &d->now.officers.all[i];

		if (o->disabled || (!means(o->tag, words) && !means(o->person.name, words)))
			continue;
		found = o;
		count++;
	}
	return count == 1 ? found : NULL;
}

int duty_version(const struct duty *d)
{
	return d->now.version;
}

const struct roster *duty_roster(const struct duty *d)
{
	return &d->now.roster;
}

size_t duty_officers(const struct duty *d, const struct duty_officer **out)
{
	*out = d->now.officers.all;
	return d->now.officers.count;
}

const struct duty_officer *duty_of(const struct duty *d, int person)
{
	return d->who[person];
}

char *duty_at(const struct duty *d, int64_t utc)
{
	const struct roster *r = &d->now.roster;
	struct buf out = {0};
	char *text;

	if (d->now.version < 0 || !d->now.ok)
		return NULL;
	buf_put_u8(&out, '{');
	for (size_t i = 0; i < r->schedule_count; i++) {
		struct rota_duty on;
		const char *comma = "";

		rota_at(&r->schedules[i].rota, utc, &on);
		buf_printf(&out, "%s\"%s\":[", i ? "," : "", r->schedules[i].id);
		for (size_t j = 0; j < on.count; j++) {
			const struct duty_officer *o = d->who[on.people[j]];
			struct id16 id;
			char uuid[ID16_TEXT];

			if (!o || o->disabled)
				continue;
			memcpy(id.b, o->id, 16);
			id16_text(&id, uuid);
			buf_printf(&out, "%s\"%s\"", comma, uuid);
			comma = ",";
		}
		buf_put_u8(&out, ']');
	}
	buf_put_u8(&out, '}');
	text = mem_strndup((const char *)out.data, out.len);
	buf_free(&out);
	return text;
}

/* ---- loading ---- */

static void know_people(struct duty *d)
{
	const struct roster *r = &d->now.roster;
	uint8_t key[DUTY_KEY_LEN];

	d->who = mem_array(d->who, r->people_count + 1, sizeof(*d->who));
	for (size_t i = 0; i < r->people_count; i++) {
		const struct roster_person *p = &r->people[i];

		if (p->id[0])
			duty_key(d->h, p->id, key);
		d->who[i] = p->id[0]			? duty_find_key(d, key)
			    : p->methods[ROSTER_NUMBER] ? duty_find_number(d, p->methods[ROSTER_NUMBER])
							: NULL;
	}
}

static void tell_waiting(struct duty *d, bool ok)
{
	struct waiting *w = d->waiting;

	d->waiting = NULL;
	while (w) {
		struct waiting *next = w->next;

		w->done(w->arg, ok);
		mem_free(w);
		w = next;
	}
}

static void on_read(void *arg, enum pg_outcome outcome, const char *error)
{
	struct duty *d = arg;
	bool ok = outcome == PG_OK;

	d->busy = false;
	if (outcome == PG_FAILED)
		log_error("duty", "the roster cannot be read: %s", error ? error : "");
	if (ok) {
		reading_fini(&d->now);
		d->now = d->coming;
		memset(&d->coming, 0, sizeof(d->coming));
		know_people(d);
		log_info("duty", "roster version=%d officers=%zu schedules=%zu", d->now.version, d->now.officers.count,
			 d->now.roster.schedule_count);
	} else {
		reading_fini(&d->coming);
	}
	loop_timer_set(d->timer, ok ? REFRESH_MS : RETRY_MS);
	tell_waiting(d, ok);
}

static void load(struct duty *d)
{
	struct pg_batch *batch;

	if (d->busy)
		return;
	d->busy = true;
	batch = pg_batch_new(d->h->pg_duty);
	pg_batch_add(batch, &read_doc, NULL, on_doc, d);
	pg_batch_add(batch, &read_people, NULL, on_people, d);
	pg_batch_send(batch, on_read, d);
}

void duty_load(struct duty *d, duty_loaded_fn *done, void *arg)
{
	struct waiting *w = mem_alloc(sizeof(*w));

	w->next = d->waiting;
	w->done = done;
	w->arg = arg;
	d->waiting = w;
	load(d);
}

static void on_newest(void *arg, const struct pg_result *res)
{
	((struct duty *)arg)->newest = (int)pg_get_int(res, 0, 0);
}

static void on_newest_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct duty *d = arg;

	(void)error;
	if (outcome == PG_OK && d->newest != d->now.version)
		load(d);
	else
		loop_timer_set(d->timer, outcome == PG_OK ? REFRESH_MS : RETRY_MS);
}

static void refresh(void *arg)
{
	struct duty *d = arg;

	if (!d->busy)
		pg_exec(d->h->pg_duty, &newest, NULL, on_newest, on_newest_done, d);
}

void duty_start(struct duty *d)
{
	loop_timer_set(d->timer, 0);
}

struct duty *duty_new(struct hotline *h)
{
	struct duty *d = mem_alloc(sizeof(*d));

	d->h = h;
	d->now.version = -1;
	d->timer = loop_timer_new(h->loop, refresh, d);
	return d;
}

void duty_free(struct duty *d)
{
	if (!d)
		return;
	tell_waiting(d, false);
	loop_timer_free(d->timer);
	reading_fini(&d->now);
	reading_fini(&d->coming);
	mem_free(d->who);
	mem_free(d);
}
