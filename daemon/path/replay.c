/* Between the first station and the second: what was here before. */
#include "path/replay.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "path/delivery.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/intake.h"
#include "path/parts.h"
#include "path/pending.h"
#include "path/session.h"
#include "store/pg.h"

enum {
	POLL_MS = 50,           /* how often the stores are looked at, at the start */
	QUEUE_MS = 2000,        /* what the queue holds of the last run may be filed first, for so long */
	HOLD_MS = 3000,         /* nobody waits longer for PostgreSQL */
	WATCH_MS = 10 * 1000,   /* how often lost entries are looked for */
	LOST_MS = 60 * 1000,    /* in the queue for so long although filing has nothing to do */
	CHANGED_MS = 2000,      /* the same, when Redis went or came back after it was queued */
	ASK_MAX = 500           /* ids in one statement */
};

static const struct pg_statement known_messages = {
	"replay_known", "select id from messages where id = any($1::uuid[])"};

struct replay {
	struct hotline *h; /* borrowed */
	struct delivery **line; /* owned; in order of arrival */
	size_t count;
	struct map senders; /* of these: keyed hashes -> marker */
	struct map known;  /* ids of deliveries -> marker */
	bool holding;      /* just started */
	bool asking;       /* PostgreSQL owes the answer to one question */
	int64_t since_ms;
	int64_t changed_ms; /* when Redis was last reached or lost */
	struct loop_timer *poll, *watch;
};

static void stand_in_line(void *arg, struct delivery *d)
{
	struct replay *r = arg;

	r->line = mem_array(r->line, r->count + 1, sizeof(*r->line));
	r->line[r->count++] = d;
	map_set(&r->senders, d->subject, r);
}

/* ---- going on ---- */

/* It is filed. Only its answer may be missing, and only a young one is of use. */
static void pass_known(struct replay *r, struct delivery *d)
{
	struct hotline *h = r->h;
	bool young = delivery_is_young(d, loop_wall_us(h->loop));
	bool lost = d->past == PAST_HEARD; /* whoever heard it has seen to its answer */

	pending_note(h->pending, d->spool, PENDING_FILED);
	if (!lost && young && d->has_subject && d->in.alphabet != ALPHABET_PDU) {
		d->past = PAST_FILED;
		session_take(h->session, d);
		return;
	}
	if (!lost)
		pending_note(h->pending, d->spool, PENDING_REPLIED);
	delivery_free(d);
}

static void pass_on(struct replay *r)
{
	struct delivery **line = r->line;
	size_t count = r->count, lost = 0;

	r->holding = false;
	r->line = NULL;
	r->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (line[i]->past != PAST_NONE && map_get(&r->known, line[i]->id.b)) {
			pass_known(r, line[i]);
			continue;
		}
		lost += line[i]->past == PAST_HEARD;
		parts_take(r->h->parts, line[i]);
	}
	if (lost > 0)
		log_error("replay", "the queue has lost entries: filed again from the spool count=%zu", lost);
	mem_free(line);
	map_fini(&r->known);
	map_fini(&r->senders);
}

/* ---- asking ---- */

static void on_known(void *arg, const struct pg_result *result)
{
	struct replay *r = arg;

	for (int row = 0; row < pg_rows(result); row++) {
		struct id16 id;

		if (pg_get_uuid(result, row, 0, id.b))
			map_set(&r->known, id.b, r);
	}
}

static void on_asked(void *arg, enum pg_outcome outcome, const char *error)
{
	struct replay *r = arg;

	r->asking = false;
	if (outcome == PG_FAILED)
		log_error("replay", "what is filed cannot be read: %s", error ? error : "");
	if (!r->h->closing)
		pass_on(r); /* nobody, if the answer comes too late */
}

/* The ids of line[from...], at most ASK_MAX of those that are not new, as an array of PostgreSQL. */
static size_t put_ids(const struct replay *r, size_t from, struct buf *out)
{
	char text[ID16_TEXT];
	size_t n = 0;

	for (; from < r->count && n < ASK_MAX; from++) {
		if (r->line[from]->past == PAST_NONE)
			continue;
		id16_text(&r->line[from]->id, text);
		buf_printf(out, "%c%s", n++ ? ',' : '{', text);
	}
	buf_printf(out, n ? "}" : "{}");
	return from;
}

static void ask(struct replay *r)
{
	struct pg_batch *batch = pg_batch_new(r->h->pg_filing);

	for (size_t at = 0; at < r->count;) {
		struct pg_params *params = pg_params_new();
		struct buf ids = {0};

		at = put_ids(r, at, &ids);
		pg_put_text(params, buf_cstr(&ids));
		buf_free(&ids);
		pg_batch_add(batch, &known_messages, params, on_known, r);
	}
	r->asking = true;
	pg_batch_send(batch, on_asked, r);
}

/* ---- after a restart ---- */

static void poll(void *arg)
{
	struct replay *r = arg;
	int64_t waited_ms = loop_now_ms(r->h->loop) - r->since_ms;

	if (!r->holding)
		return;
	if (waited_ms >= HOLD_MS) {
		pass_on(r);
		return;
	}
	if (!r->asking && pg_up(r->h->pg_filing) && (waited_ms >= QUEUE_MS || filing_idle(r->h->filing)))
		ask(r);
	loop_timer_set(r->poll, POLL_MS);
}

size_t replay_start(struct replay *r)
{
	size_t records = intake_replay(r->h->intake, stand_in_line, r);

	loop_timer_set(r->watch, WATCH_MS);
	if (r->count == 0)
		return records;
	r->holding = true;
	r->since_ms = loop_now_ms(r->h->loop);
	loop_timer_set(r->poll, POLL_MS);
	return records;
}

void replay_take(struct replay *r, struct delivery *d)
{
	if (r->holding && map_get(&r->senders, d->subject))
		stand_in_line(r, d);
	else
		parts_take(r->h->parts, d);
}

/* ---- while running: what the queue has lost ---- */

/* What is in the queue for so long is not there any more. */
static int64_t lost_ms(const struct replay *r)
{
	int64_t unchanged_ms = loop_now_ms(r->h->loop) - r->changed_ms;

	return unchanged_ms < LOST_MS ? unchanged_ms : LOST_MS;
}

static bool is_lost(void *arg, uint64_t record)
{
	const struct replay *r = arg;

	return pending_lost(r->h->pending, record, lost_ms(r));
}

static void take_lost(void *arg, struct delivery *d)
{
	struct replay *r = arg;

	pending_queued(r->h->pending, d->spool, false);
	d->past = PAST_HEARD;
	stand_in_line(r, d);
}

static void watch(void *arg)
{
	struct replay *r = arg;
	struct hotline *h = r->h;

	loop_timer_set(r->watch, lost_ms(r) < LOST_MS ? CHANGED_MS : WATCH_MS);
	if (r->holding || r->asking || r->count > 0 || pending_lost_count(h->pending, lost_ms(r)) == 0 ||
	    !(h->redis_ready ? filing_idle(h->filing) : filing_at_rest(h->filing)))
		return;
	intake_show(h->intake, is_lost, take_lost, r);
	if (r->count > 0)
		ask(r);
}

void replay_redis_changed(struct replay *r)
{
	r->changed_ms = loop_now_ms(r->h->loop);
	loop_timer_set(r->watch, CHANGED_MS);
}

struct replay *replay_new(struct hotline *h)
{
	struct replay *r = mem_alloc(sizeof(*r));

	r->h = h;
	r->poll = loop_timer_new(h->loop, poll, r);
	r->watch = loop_timer_new(h->loop, watch, r);
	return r;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		delivery_free(r->line[i]);
	mem_free(r->line);
	map_fini(&r->known);
	map_fini(&r->senders);
	loop_timer_free(r->poll);
	loop_timer_free(r->watch);
	mem_free(r);
}
