/* The auditor. */
#include "path/auditor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/adapter.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/canary.h"
#include "path/clockwork.h"
#include "path/duty.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/spool.h"

enum {
	EVERY_MS = 30 * 1000,
	AT_ONCE_MS = 20 * 1000,         /* seen in two audits */
	LASTING_MS = 150 * 1000,        /* what mends itself when a store or a link comes back */
	TELL_AGAIN_MS = 30 * 60 * 1000,
	VALIDITY_MS = 10 * 60 * 1000,
	GAP_AHEAD_S = 4 * 3600,
	CALENDAR_DAYS = 14,
	CLEAN_AFTER_MS = 60 * 1000      /* of the start: links and stores need a moment */
};

static const struct pg_statement ask = {"audit", "select o_finding, o_count, o_age_s from audit($1::text)"};
static const struct pg_statement end = {"audit_end", "select audit_end($1::text)"};

/* What PostgreSQL finds, in words for a phone. */
static const struct {
	const char *finding, *text; /* %d: how many */
	int64_t patience_ms;
} words[] = {
	{"untimed", "%d viec mo khong co hen bao", AT_ONCE_MS},
	{"timers_late", "%d hen bao bi tre", LASTING_MS},
	{"notices_late", "%d tin bao chua gui duoc", LASTING_MS},
	{"clocks_late", "%d thoi han chua duoc theo doi", LASTING_MS},
	{"nobody", "khong co can bo nao nhan duoc tin bao", AT_ONCE_MS},
	{"daemon_silent", "%d may chu hotlined im lang", LASTING_MS},
};

struct auditor {
	struct hotline *h; /* borrowed */
	struct loop_timer *timer;
	struct auditor_finding findings[AUDITOR_FINDINGS_MAX];
	size_t count;
	int64_t began_ms, done_ms;
	bool busy;
};

/* ---- findings ---- */

__attribute__((format(printf, 4, 5)))
static void note(struct auditor *a, const char *id, int64_t patience_ms, const char *format, ...)
{
	struct auditor_finding *f = NULL;
	va_list args;

	for (size_t i = 0; i < a->count && !f; i++)
		f = strcmp(a->findings[i].id, id) == 0 ? &a->findings[i] : NULL;
	if (!f && a->count == AUDITOR_FINDINGS_MAX)
		return;
	if (!f) {
		f = &a->findings[a->count++];
		memset(f, 0, sizeof(*f));
		snprintf(f->id, sizeof(f->id), "%s", id);
		f->since_ms = loop_now_ms(a->h->loop);
		f->patience_ms = patience_ms;
	}
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	f->seen = true;
}

static void look_at_links(struct auditor *a)
{
	const struct links *links = outbox_links(a->h->outbox);
	struct canary_status canary;
	char id[48];

	for (size_t i = 0; i < links_count(links); i++) {
		const struct way *way = links_at(links, i);
		enum link_state state = way->adapter->state(way->link);

		snprintf(id, sizeof(id), "link %.32s", way->name);
		if (state != LINK_BOUND && state != LINK_STOPPED)
			note(a, id, LASTING_MS, "duong truyen %.32s khong noi duoc", way->name);
		canary_status(a->h->canary, way->name, &canary);
		snprintf(id, sizeof(id), "canary %.32s", way->name);
		if (canary.misses >= CANARY_ALARM)
			note(a, id, AT_ONCE_MS, "tin thu qua %.32s khong ve", way->name);
	}
}

static void look_at_stores(struct auditor *a)
{
	struct hotline *h = a->h;
	struct filing_status filing;
	struct spool_status spool;

	filing_status(h->filing, &filing);
	spool_status(h->spool, &spool);
	if (!pg_up(h->pg_duty) || !pg_up(h->pg_filing))
		note(a, "postgres", LASTING_MS, "PostgreSQL khong noi duoc; tin van duoc giu tren dia");
	if (!h->redis_ready)
		note(a, "redis", LASTING_MS, "Redis khong noi duoc");
	if (spool.failed)
		note(a, "spool", AT_ONCE_MS, "dia hong: khong nhan duoc tin moi");
	if (filing.faulty > 0)
		note(a, "faulty", LASTING_MS, "%zu tin chua luu duoc vao co so du lieu", filing.faulty);
}

/* Now, and for the next hours: there is still time to find somebody. */
static void look_at_roster(struct auditor *a)
{
	const struct roster *r = duty_roster(a->h->duty);
	int64_t now = loop_wall_us(a->h->loop) / 1000000, at;
	struct rota_duty on;
	char id[40];

	for (size_t i = 0; i < r->schedule_count; i++) {
		const struct rota_schedule *s = &r->schedules[i].rota;

		at = now;
		rota_at(s, at, &on);
		if (on.count > 0) {
			at = rota_next(s, now);
			if (at - now > GAP_AHEAD_S)
				continue;
			rota_at(s, at, &on);
		}
		if (on.count > 0)
			continue;
		snprintf(id, sizeof(id), "gap %.32s", r->schedules[i].id);
		note(a, id, AT_ONCE_MS, "lich %.31s khong co nguoi truc%s", r->schedules[i].id,
		     at == now ? "" : " trong vai gio toi");
	}
}

static void look_at_calendar(struct auditor *a)
{
	int64_t days = clockwork_days_known(a->h->clockwork);

	if (clockwork_rules(a->h->clockwork) > 0 && days < CALENDAR_DAYS)
		log_warn("audit", "the calendar of holidays ends in %lld days: bring clocks.calendar up to date",
			 (long long)days);
}

static void on_row(void *arg, const struct pg_result *r)
{
	struct auditor *a = arg;

	for (int row = 0; row < pg_rows(r); row++) {
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			char text[AUDITOR_TEXT_MAX];
			int count = (int)pg_get_int(r, row, 1);

			if (strcmp(words[i].finding, pg_get(r, row, 0)) != 0 || count == 0)
				continue;
			if (strstr(words[i].text, "%d"))
				snprintf(text, sizeof(text), "%d%s", count, strstr(words[i].text, "%d") + 2);
			else
				snprintf(text, sizeof(text), "%s", words[i].text);
			note(a, words[i].finding, words[i].patience_ms, "%s", text);
		}
	}
}

/* ---- telling ---- */

static void on_told(void *arg, enum sent_state state, const char *provider_ref)
{
	(void)arg;
	(void)provider_ref;
	if (state != SENT_OK)
		log_error("audit", "an officer cannot be told of a fault");
}

/* Straight to the phones: neither a case nor a store is needed for it. */
static void tell_everybody(struct auditor *a, const char *finding)
{
	const struct duty_officer *all;
	size_t count = duty_officers(a->h->duty, &all), told = 0;
	char text[AUDITOR_TEXT_MAX + 32];

	snprintf(text, sizeof(text), "HE THONG BAO: %s. Goi nguoi quan tri.", finding);
	for (size_t i = 0; i < count; i++) {
		struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_URGENT};
		const char *number = all[i].person.methods[ROSTER_NUMBER];

		if (all[i].disabled || !number)
			continue;
		out.id = id16_new(loop_wall_us(a->h->loop));
		snprintf(out.from, sizeof(out.from), "%s", a->h->conf->short_codes[0]);
		snprintf(out.to, sizeof(out.to), "%.*s", (int)sizeof(out.to) - 1, number);
		out.text = text;
		out.validity_ms = VALIDITY_MS;
		outbox_send(a->h->outbox, &out, on_told, NULL);
		told++;
	}
	log_error("audit", "%s (told=%zu)", finding, told);
}

static void tell(struct auditor *a)
{
	int64_t now = loop_now_ms(a->h->loop);

	for (size_t i = 0; i < a->count; i++) {
		struct auditor_finding *f = &a->findings[i];

		if (now - f->since_ms < f->patience_ms || (f->told_ms && now - f->told_ms < TELL_AGAIN_MS))
			continue;
		f->told_ms = now;
		tell_everybody(a, f->text);
	}
}

/* ---- the outside ---- */

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || futimens(fd, NULL) != 0)
		log_error("audit", "the heartbeat file cannot be touched");
	if (fd >= 0)
		close(fd);
}

static void on_fetched(void *arg, bool ok)
{
	(void)arg;
	if (!ok)
		log_warn("audit", "the heartbeat address does not answer");
}

static void beat(struct auditor *a)
{
	const struct conf *conf = a->h->conf;

	if (conf->watch_heartbeat_file)
		touch(conf->watch_heartbeat_file);
	if (conf->watch_heartbeat_url && a->h->web.call)
		a->h->web.call(a->h->web.ctx, conf->watch_heartbeat_url, NULL, on_fetched, a);
}

/* ---- auditing ---- */

/* What was not seen this time is over. */
static void forget(struct auditor *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (!a->findings[i].seen) {
			log_info("audit", "over: %s", a->findings[i].id);
			continue;
		}
		a->findings[kept++] = a->findings[i];
	}
	a->count = kept;
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct auditor *a = arg;

	a->busy = false;
	if (a->h->closing)
		return;
	if (outcome == PG_FAILED)
		note(a, "audit", AT_ONCE_MS, "khong kiem tra duoc co so du lieu");
	if (outcome == PG_FAILED)
		log_error("audit", "PostgreSQL cannot be asked: %s", error ? error : "");
	look_at_stores(a);
	look_at_links(a);
	look_at_roster(a);
	look_at_calendar(a);
	forget(a);
	tell(a);
	a->done_ms = loop_now_ms(a->h->loop);
	if (a->count == 0 && outcome == PG_OK && a->done_ms - a->began_ms >= CLEAN_AFTER_MS)
		beat(a);
}

static void audit(void *arg)
{
	struct auditor *a = arg;
	struct pg_params *p;

	loop_timer_set(a->timer, EVERY_MS);
	if (a->busy)
		return; /* PostgreSQL's deadline ends it; meanwhile there is no heartbeat */
	a->busy = true;
	for (size_t i = 0; i < a->count; i++)
		a->findings[i].seen = false;
	p = pg_params_new();
	pg_put_text(p, a->h->conf->node);
	pg_exec(a->h->pg_duty, &ask, p, on_row, on_done, a);
}

size_t auditor_findings(const struct auditor *a, const struct auditor_finding **out)
{
	*out = a->findings;
	return a->count;
}

int64_t auditor_age_ms(const struct auditor *a)
{
	return a->done_ms ? loop_now_ms(a->h->loop) - a->done_ms : -1;
}

void auditor_start(struct auditor *a)
{
	a->began_ms = loop_now_ms(a->h->loop);
	loop_timer_set(a->timer, EVERY_MS);
}

static void on_ended(void *arg, enum pg_outcome outcome, const char *error)
{
	(void)arg;
	(void)outcome;
	(void)error;
}

void auditor_stop(struct auditor *a)
{
	struct pg_params *p = pg_params_new();

	loop_timer_cancel(a->timer);
	pg_put_text(p, a->h->conf->node);
	pg_exec(a->h->pg_duty, &end, p, NULL, on_ended, a);
}

struct auditor *auditor_new(struct hotline *h)
{
	struct auditor *a = mem_alloc(sizeof(*a));

	a->h = h;
	a->timer = loop_timer_new(h->loop, audit, a);
	return a;
}

void auditor_free(struct auditor *a)
{
	if (!a)
		return;
	loop_timer_free(a->timer);
	mem_free(a);
}
