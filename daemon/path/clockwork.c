/* Legal clocks. */
#include "path/clockwork.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "core/civil.h"
#include "core/clocks.h"
#include "core/workdays.h"
#include "core/zone.h"
#include "path/alert.h"
#include "path/hotline.h"
#include "store/pg.h"
#include "store/zones.h"

enum { POLL_MS = 2000, BATCH = 50 };

static const struct pg_statement fire = {
	"clocks_fire", "select o_case_ref, o_clock, o_outcome, o_count from clocks_fire($1::int)"};
static const struct pg_statement wanting = {
	"clocks_wanting", "select o_case, o_urgency, o_kind, o_first_s from clocks_wanting($1::int)"};
static const struct pg_statement set_clocks = {
	"clocks_set", "select clocks_set($1::uuid, $2::text, $3::text, $4::text::jsonb)"};

struct laws {
	struct clock_rules rules;
	struct workdays days;
	struct zone *zone; /* owned; of the calendar */
};

struct clockwork {
	struct hotline *h; /* borrowed */
	struct loop_timer *timer;
	struct laws laws;
	struct pg_params *setting[BATCH]; /* owned: clocks computed in this look */
	size_t setting_count;
	bool trouble;             /* PostgreSQL refused, and that was said */
};

/* ---- files ---- */

static void laws_fini(struct laws *l)
{
	workdays_fini(&l->days);
	zone_free(l->zone);
	memset(l, 0, sizeof(*l));
}

/* A setting left out means the file that is installed, where there is one. */
static char *file_of(const char *setting, const char *name)
{
	char *path = setting ? mem_strdup(setting) : mem_printf("%s/%s", HOTLINED_DATA_DIR, name);

	if (setting || access(path, R_OK) == 0)
		return path;
	mem_free(path);
	return NULL;
}

typedef bool load_fn(struct laws *l, const struct yaml_node *root, struct yaml_error *e);

static bool load_rules(struct laws *l, const struct yaml_node *root, struct yaml_error *e)
{
	return clocks_load(root, &l->rules, e);
}

static bool load_days(struct laws *l, const struct yaml_node *root, struct yaml_error *e)
{
	return workdays_load(root, &l->days, e);
}

static bool load_file(struct laws *l, const char *setting, const char *name, load_fn *load, char *error,
		      size_t size)
{
	char *path = file_of(setting, name);
	struct yaml_error e = {0};
	struct yaml_node *root = path ? yaml_parse_file(path, &e) : NULL;
	bool ok = !path || (root && load(l, root, &e));

	if (!path)
		log_warn("clocks", "there is no %s: set clocks.file and clocks.calendar", name);
	if (!ok)
		snprintf(error, size, "%s:%u:%u: %s", path, e.line, e.column, e.text);
	yaml_free(root);
	mem_free(path);
	return ok;
}

static bool laws_load(struct laws *l, const struct conf *conf, char *error, size_t size)
{
	memset(l, 0, sizeof(*l));
	workdays_init(&l->days);
	l->zone = zones_open(conf->clocks_zone);
	if (!l->zone) {
		conf_where(conf, "clocks.zone", error, size);
		snprintf(error + strlen(error), size - strlen(error), ": there is no zone %s", conf->clocks_zone);
	} else if (load_file(l, conf->clocks_file, "vn-clocks.yaml", load_rules, error, size) &&
		   load_file(l, conf->clocks_calendar, "vn-holidays.yaml", load_days, error, size)) {
		return true;
	}
	laws_fini(l);
	return false;
}

/* ---- computing ---- */

static void put_clock(const struct laws *l, const struct clock_rule *rule, int64_t first, struct buf *out)
{
	int64_t due = clocks_due(rule, first, &l->days, l->zone);
	struct civil wall;

	zone_civil(l->zone, due, &wall);
	buf_printf(out, "%s{\"clock\":\"%s\",\"due\":%lld,\"shown\":\"%02d:%02d %02d-%02d-%04d\",\"warnings\":[",
		   out->len > 1 ? "," : "", rule->id, (long long)due, wall.hour, wall.minute, wall.day, wall.month,
		   wall.year);
	for (size_t i = 0; i < rule->warning_count; i++)
		buf_printf(out, "%s%lld", i ? "," : "",
			   (long long)clocks_warning(first, due, rule->warnings[i]));
	buf_printf(out, "]}");
}

static void set_case(struct clockwork *c, const struct pg_result *r, int row)
{
	const char *urgency = pg_get(r, row, 1), *kind = pg_get(r, row, 2);
	struct pg_params *p = pg_params_new();
	struct buf clocks = {0};
	uint8_t id[16];

	buf_put_u8(&clocks, '[');
	for (size_t i = 0; i < c->laws.rules.count; i++) {
		if (clocks_apply(&c->laws.rules.rules[i], urgency, kind))
			put_clock(&c->laws, &c->laws.rules.rules[i], pg_get_int(r, row, 3), &clocks);
	}
	buf_put_u8(&clocks, ']');
	pg_get_uuid(r, row, 0, id);
	pg_put_uuid(p, id);
	pg_put_text(p, urgency);
	pg_put_text(p, kind);
	pg_put_text(p, buf_cstr(&clocks));
	buf_free(&clocks);
	c->setting[c->setting_count++] = p;
}

static void on_wanting(void *arg, const struct pg_result *r)
{
	for (int row = 0; row < pg_rows(r) && row < BATCH; row++)
		set_case(arg, r, row);
}

static void on_fired(void *arg, const struct pg_result *r)
{
	struct clockwork *c = arg;

	for (int i = 0; i < pg_rows(r); i++) {
		bool missed = strcmp(pg_get(r, i, 2), "missed") == 0;

		if (missed)
			log_error("clocks", "case=%s %s MISSED told=%s", pg_get(r, i, 0), pg_get(r, i, 1), pg_get(r, i, 3));
		else
			log_info("clocks", "case=%s %s %s told=%s", pg_get(r, i, 0), pg_get(r, i, 1), pg_get(r, i, 2),
				 pg_get(r, i, 3));
	}
	if (pg_rows(r) > 0)
		alert_hint(c->h->alert);
}

static void rest(struct clockwork *c, enum pg_outcome outcome, const char *error)
{
	if (outcome == PG_FAILED && !c->trouble)
		log_error("clocks", "legal clocks cannot be kept: %s; tried again every two seconds", error ? error : "");
	c->trouble = outcome == PG_FAILED;
	loop_timer_set(c->timer, POLL_MS);
}

static void on_set(void *arg, enum pg_outcome outcome, const char *error)
{
	rest(arg, outcome, error);
}

static void on_looked(void *arg, enum pg_outcome outcome, const char *error)
{
	struct clockwork *c = arg;
	bool set = outcome == PG_OK && c->setting_count > 0;
	struct pg_batch *batch = set ? pg_batch_new(c->h->pg_duty) : NULL;

	for (size_t i = 0; i < c->setting_count; i++) {
		if (set)
			pg_batch_add(batch, &set_clocks, c->setting[i], NULL, NULL);
		else
			pg_params_free(c->setting[i]);
	}
	c->setting_count = 0;
	if (set)
		pg_batch_send(batch, on_set, c);
	else
		rest(c, outcome, error);
}

static void look(void *arg)
{
	struct clockwork *c = arg;
	struct pg_batch *batch = pg_batch_new(c->h->pg_duty);
	struct pg_params *p = pg_params_new();

	pg_put_int(p, BATCH);
	pg_batch_add(batch, &fire, p, on_fired, c);
	if (c->laws.rules.count > 0) {
		p = pg_params_new();
		pg_put_int(p, BATCH);
		pg_batch_add(batch, &wanting, p, on_wanting, c);
	}
	pg_batch_send(batch, on_looked, c);
}

/* ---- life ---- */

bool clockwork_reload(struct clockwork *c, char *error, size_t error_size)
{
	struct laws fresh;

	if (!laws_load(&fresh, c->h->conf, error, error_size))
		return false;
	laws_fini(&c->laws);
	c->laws = fresh;
	return true;
}

size_t clockwork_rules(const struct clockwork *c)
{
	return c->laws.rules.count;
}

int64_t clockwork_days_known(const struct clockwork *c)
{
	int64_t today = loop_wall_us(c->h->loop) / 1000000 / CIVIL_DAY_S;

	return c->laws.days.known_until - today;
}

void clockwork_start(struct clockwork *c)
{
	loop_timer_set(c->timer, POLL_MS);
}

struct clockwork *clockwork_new(struct hotline *h, char *error, size_t error_size)
{
	struct clockwork *c = mem_alloc(sizeof(*c));

	c->h = h;
	if (!laws_load(&c->laws, h->conf, error, error_size)) {
		mem_free(c);
		return NULL;
	}
	c->timer = loop_timer_new(h->loop, look, c);
	return c;
}

void clockwork_free(struct clockwork *c)
{
	if (!c)
		return;
	loop_timer_free(c->timer);
	laws_fini(&c->laws);
	mem_free(c);
}
