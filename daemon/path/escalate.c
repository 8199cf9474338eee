/* Sixth station: timers. */
#include "path/escalate.h"

#include <stdbool.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/alert.h"
#include "path/duty.h"
#include "path/hotline.h"
#include "store/pg.h"

enum { POLL_MS = 1000, FIRE_MAX = 100 };

static const struct pg_statement fire = {
	"escalate_fire", "select o_case_ref, o_kind, o_outcome, o_count"
			 " from timers_fire($1::text, $2::int, $3::text::jsonb, $4::int)"};

struct escalate {
	struct hotline *h; /* borrowed */
	struct loop_timer *timer;
	bool busy, again;
	bool old_roster; /* a newer one has been imported: it must be read first */
	bool trouble;    /* firing failed, and that was said */
	int fired;
};

static void on_fired(void *arg, const struct pg_result *r)
{
	struct escalate *e = arg;

	e->fired = pg_rows(r);
	if (e->fired == 1 && strcmp(pg_get(r, 0, 2), "roster") == 0) {
		e->old_roster = true;
		e->fired = 0;
	}
	for (int i = 0; i < e->fired; i++) {
		if (strcmp(pg_get(r, i, 2), "nobody") == 0)
			log_error("escalate", "case=%s NOBODY is on call: add officers with hotlinectl roster import",
				  pg_get(r, i, 0));
		else
			log_info("escalate", "case=%s %s %s notices=%s", pg_get(r, i, 0), pg_get(r, i, 1),
				 pg_get(r, i, 2), pg_get(r, i, 3));
	}
}

static void look(void *arg);

static void on_roster(void *arg, bool ok)
{
	struct escalate *e = arg;

	loop_timer_set(e->timer, ok ? 0 : POLL_MS);
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct escalate *e = arg;
	bool more = e->again || (outcome == PG_OK && e->fired == FIRE_MAX);

	e->busy = e->again = false;
	if (outcome == PG_FAILED && !e->trouble)
		log_error("escalate", "timers cannot be fired: %s; tried again every second", error);
	e->trouble = outcome == PG_FAILED;
	if (outcome == PG_OK)
		alert_hint(e->h->alert);
	loop_timer_set(e->timer, more && outcome == PG_OK ? 0 : POLL_MS);
	if (e->old_roster && outcome == PG_OK)
		duty_load(e->h->duty, on_roster, e);
	e->old_roster = false;
}

/* Who is on call now; without a roster that can be read PostgreSQL takes everybody. */
static void put_duty(struct escalate *e, struct pg_params *p)
{
	char *duty = duty_at(e->h->duty, loop_wall_us(e->h->loop) / 1000000);

	pg_put_text(p, duty);
	if (duty)
		pg_put_int(p, duty_version(e->h->duty));
	else
		pg_put_text(p, NULL);
	mem_free(duty);
}

static void look(void *arg)
{
	struct escalate *e = arg;
	struct pg_params *p;

	if (e->busy) {
		e->again = true;
		return;
	}
	e->busy = true;
	e->fired = 0;
	p = pg_params_new();
	pg_put_text(p, e->h->conf->node);
	pg_put_int(p, FIRE_MAX);
	put_duty(e, p);
	pg_exec(e->h->pg_duty, &fire, p, on_fired, on_done, e);
}

void escalate_hint(struct escalate *e)
{
	look(e);
}

void escalate_start(struct escalate *e)
{
	loop_timer_set(e->timer, 0);
}

struct escalate *escalate_new(struct hotline *h)
{
	struct escalate *e = mem_alloc(sizeof(*e));

	e->h = h;
	e->timer = loop_timer_new(h->loop, look, e);
	return e;
}

void escalate_free(struct escalate *e)
{
	if (!e)
		return;
	loop_timer_free(e->timer);
	mem_free(e);
}
