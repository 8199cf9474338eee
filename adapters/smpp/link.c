/* A carrier as the daemon sees it: one or several connections, taken together. */
#include "adapters/smpp/smpp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <event2/dns.h>

#include "adapters/smpp/tls.h"
#include "adapters/smpp/trace.h"
#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

/* ---- life of the object ---- */

/* The connections of one kind that a link makes, and what they are called in the log. */
static const struct {
	uint32_t command_id;
	const char *suffix;
} kinds[][2] = {
	[SMPP_TRANSCEIVER] = { { PDU_BIND_TRANSCEIVER, "" } },
	[SMPP_PAIR] = { { PDU_BIND_RECEIVER, ".rx" }, { PDU_BIND_TRANSMITTER, ".tx" } },
	[SMPP_RECEIVER] = { { PDU_BIND_RECEIVER, ".rx" } },
	[SMPP_TRANSMITTER] = { { PDU_BIND_TRANSMITTER, ".tx" } },
};

static void add_bind(struct link *link, unsigned kind, int64_t number)
{
	char subject[sizeof(link->binds->subject)];
	const char *suffix = kinds[link->conf.bind][kind].suffix;

	if (link->conf.binds > 1)
		snprintf(subject, sizeof(subject), "%s%s%d", link->conf.name, suffix[0] ? suffix : ".",
		         (int)number);
	else
		snprintf(subject, sizeof(subject), "%s%s", link->conf.name, suffix);
	bind_init(&link->binds[link->bind_count++], link, kinds[link->conf.bind][kind].command_id,
	          subject);
}

static struct ussd *sessions_new(struct link *link)
{
	const struct smpp_conf *c = &link->conf;
	const struct ussd_conf ussd = { .adapter = "smpp", .link = c->name, .carrier = c->carrier,
		                        .source = c->code_count ? c->codes[0] : "",
		                        .voice = c->voice ? c->voice : "111", .idle_ms = c->dialect.idle_ms };

	return c->ussd ? ussd_new(link->host, &ussd) : NULL;
}

static void link_init(struct link *link)
{
	struct loop *loop = link->host->loop;

	link->shown = LINK_DOWN;
	/* Not from 0 at every start: a phone may still hold a part of what was sent before it. */
	link->part_ref = (uint16_t)(loop_wall_us(loop) / 1000);
	rate_init(&link->rate, link->conf.rate, loop_now_ms(loop));
	refs_init(&link->refs);
	link->ussd = sessions_new(link);
	link->pump_timer = loop_timer_new(loop, mt_on_pump_timer, link);
	link->report_timer = loop_timer_new(loop, mt_on_report_timer, link);
	link->binds = mem_alloc((size_t)link->conf.binds * 2 * sizeof(*link->binds));
	for (int64_t i = 1; i <= link->conf.binds; i++) {
		for (unsigned kind = 0; kind < 2 && kinds[link->conf.bind][kind].command_id; kind++)
			add_bind(link, kind, i);
	}
}

static void link_free(struct link *link)
{
	for (unsigned i = 0; i < link->bind_count; i++)
		bind_fini(&link->binds[i]);
	mem_free(link->binds);
	loop_timer_free(link->pump_timer);
	loop_timer_free(link->report_timer);
	if (link->dns)
		evdns_base_free(link->dns, 1);
	tls_free(link->tls);
	refs_fini(&link->refs);
	smpp_conf_fini(&link->conf);
	mem_free(link);
}

struct link *link_create(const struct adapter_host *host, const char *name,
                         const struct yaml_node *map, char *error, size_t error_size)
{
	struct link *link = mem_alloc(sizeof(*link));
	char why[512];
	const char *key;

	link->host = host;
	if (!smpp_conf_read(map, name, host->folder, &link->conf, error, error_size)) {
		mem_free(link);
		return NULL;
	}
	if (link->conf.tls) {
		link->tls = tls_new(&link->conf, &key, why, sizeof(why));
		if (!link->tls) {
			smpp_conf_fault(map, key, why, error, error_size);
			smpp_conf_fini(&link->conf);
			mem_free(link);
			return NULL;
		}
	}
	link_init(link);
	return link;
}

void link_enter(struct link *link)
{
	link->depth++;
}

void link_leave(struct link *link)
{
	if (--link->depth == 0 && link->dead)
		link_free(link);
}

void link_destroy(struct link *link)
{
	link_enter(link);
	link->dead = true; /* outcomes are still owed, other news are not told any more */
	for (unsigned i = 0; i < link->bind_count; i++)
		bind_abort(&link->binds[i]);
	mt_drop_waiting(link);
	ussd_free(link->ussd);
	link->ussd = NULL;
	mt_report(link);
	for (unsigned i = 0; i < link->bind_count; i++)
		mo_forget(&link->binds[i]);
	link_leave(link);
}

bool link_same(const struct link *a, const struct link *b)
{
	return smpp_conf_same(&a->conf, &b->conf);
}

/* ---- state ---- */

static enum link_state shown_by[SMPP_STATES] = {
	[SMPP_IDLE] = LINK_DOWN,           [SMPP_WAITING] = LINK_DOWN,
	[SMPP_CONNECTING] = LINK_CONNECTING, [SMPP_SECURING] = LINK_CONNECTING,
	[SMPP_BINDING] = LINK_CONNECTING,  [SMPP_BOUND] = LINK_BOUND,
	[SMPP_DRAINING] = LINK_DOWN,       [SMPP_UNBINDING] = LINK_DOWN,
	[SMPP_CLOSING] = LINK_DOWN,        [SMPP_PARKED] = LINK_DOWN,
	[SMPP_STOPPED] = LINK_STOPPED,
};

bool link_ready(const struct link *link)
{
	for (unsigned i = 0; i < link->bind_count; i++) {
		if (link->binds[i].state == SMPP_BOUND && bind_transmits(&link->binds[i]))
			return true;
	}
	return false;
}

/* Bound as soon as one connection is that counts: for sending, where the link can send at all. A
 * connection that is only on its way counts less, and it is stopped when all are. */
enum link_state link_state_now(const struct link *link)
{
	bool sends = link->conf.bind != SMPP_RECEIVER;
	unsigned stopped = 0, coming = 0;

	for (unsigned i = 0; i < link->bind_count; i++) {
		const struct smpp_bind *b = &link->binds[i];

		if (b->state == SMPP_BOUND && (!sends || bind_transmits(b)))
			return LINK_BOUND;
		coming += shown_by[b->state] == LINK_CONNECTING;
		stopped += b->state == SMPP_STOPPED;
	}
	if (stopped == link->bind_count)
		return LINK_STOPPED;
	return coming > 0 ? LINK_CONNECTING : LINK_DOWN;
}

static void note_bound(struct link *link, enum link_state shown)
{
	if (shown == LINK_BOUND) {
		link->status.bound_since_us = loop_wall_us(link->host->loop);
		link->throttles = 0;
		link->throttled_until_ms = 0;
	} else {
		link->status.bound_since_us = 0;
	}
}

void link_show(struct link *link)
{
	enum link_state shown = link_state_now(link);

	if (shown == link->shown || link->dead)
		return;
	link->shown = shown;
	note_bound(link, shown);
	link->host->state(link->host->ctx, link->conf.name, shown);
}

void link_failed(struct link *link, const char *format, ...)
{
	struct link_status *s = &link->status;
	va_list args;

	va_start(args, format);
	vsnprintf(s->last_error, sizeof(s->last_error), format, args);
	va_end(args);
	s->last_error_us = loop_wall_us(link->host->loop);
	log_warn(link->conf.name, "%s", s->last_error);
}

/* ---- from outside ---- */

void link_start(struct link *link)
{
	link_enter(link);
	for (unsigned i = 0; i < link->bind_count && !link->dead; i++)
		bind_start(&link->binds[i]);
	link_leave(link);
}

static void end_all(struct link *link, enum smpp_state after)
{
	for (unsigned i = 0; i < link->bind_count && !link->dead; i++)
		bind_stop(&link->binds[i], after);
	mt_report(link);
}

void link_stop(struct link *link)
{
	link_enter(link);
	mt_drop_waiting(link);
	end_all(link, SMPP_STOPPED);
	link_leave(link);
}

void link_obey(struct link *link, enum link_order order)
{
	static const char *const names[] = { [LINK_PAUSE] = "paused", [LINK_RESUME] = "resumed",
		                             [LINK_DRAIN] = "draining" };

	link_enter(link);
	log_info(link->conf.name, "%s by an operator", names[order]);
	link->paused = order == LINK_PAUSE;
	if (order == LINK_DRAIN && !link->drained) {
		link->drained = true;
		mt_drop_waiting(link);
		end_all(link, SMPP_PARKED);
	} else if (order == LINK_RESUME) {
		link->drained = false;
		for (unsigned i = 0; i < link->bind_count && !link->dead; i++) {
			if (link->binds[i].state == SMPP_PARKED)
				bind_start(&link->binds[i]);
			else if (link->binds[i].after == SMPP_PARKED)
				link->binds[i].after = SMPP_WAITING; /* on its way out: comes back by itself */
		}
		mt_pump(link);
		mt_report(link);
	}
	link_leave(link);
}

/* The state of the connection that is furthest from its aim, which is what an operator looks for. */
static const char *state_word(const struct link *link)
{
	const struct smpp_bind *worst = &link->binds[0];

	if (link->paused)
		return "paused";
	for (unsigned i = 1; i < link->bind_count; i++) {
		if (worst->state == SMPP_BOUND)
			worst = &link->binds[i];
	}
	return bind_state_name(worst);
}

static void add_windows(const struct link *link, struct link_status *s)
{
	int64_t now_ms = loop_now_ms(link->host->loop);

	for (unsigned i = 0; i < link->bind_count; i++) {
		const struct smpp_bind *b = &link->binds[i];
		int64_t oldest_ms = window_oldest_ms(&b->window);

		s->bound += b->state == SMPP_BOUND;
		s->window += bind_transmits(b) ? b->window.size : 0;
		s->in_flight += b->window.used;
		if (oldest_ms != INT64_MAX && now_ms - oldest_ms > s->oldest_ms)
			s->oldest_ms = now_ms - oldest_ms;
	}
}

void link_status_now(const struct link *link, struct link_status *status)
{
	struct link_status s = link->status;
	int64_t now_ms = loop_now_ms(link->host->loop);

	s.paused = link->paused;
	s.drained = link->drained;
	s.connections = link->bind_count;
	add_windows(link, &s);
	s.waiting = mt_waiting(link);
	s.rate_milli = link->rate.now_milli;
	s.throttle_ms = link->throttled_until_ms > now_ms ? link->throttled_until_ms - now_ms : 0;
	snprintf(s.state, sizeof(s.state), "%s", state_word(link));
	*status = s;
}

/* ---- tracing ---- */

void link_trace(struct link *link, link_trace_fn *fn, void *arg)
{
	link->trace = fn;
	link->trace_arg = arg;
}

void link_traced(struct link *link, bool out, const uint8_t *bytes, size_t len)
{
	char line[TRACE_LINE_MAX];

	if (!link->trace || link->dead)
		return;
	trace_line(bytes, len, line);
	link->trace(link->trace_arg, link->conf.name, out, line);
}
