/* One connection to a carrier: TCP, TLS, the bind, and the life signs on it. It is never given up:
 * whatever goes wrong ends in another attempt, later. */
#include "adapters/smpp/smpp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "adapters/smpp/tls.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	OUTPUT_MAX = 1 << 20, /* octets a peer may leave unread before it counts as dead */
	MISSES_MAX = 2
};

/* ---- states: what is done on entering ---- */

enum bind_event {
	ON_START,
	ON_CONNECTED,
	ON_SECURED,
	ON_BOUND,
	ON_REFUSED, /* the carrier does not let us bind */
	ON_LOST,    /* the connection is gone, or its peer dead */
	ON_TIMEOUT, /* of the state */
	ON_CLOSE,   /* we have said our last word: wait until it is out */
	ON_STOP,    /* in order; where that leads is in `after` */
	ON_DRAINED,
	ON_UNBOUND, /* unbind_resp */
	BIND_EVENTS
};

/* Next state; 0 (SMPP_IDLE, which nothing leads back to) = the event means nothing here. SMPP_STOPPED
 * stands for the end that `after` names. */
static const uint8_t transitions[SMPP_STATES][BIND_EVENTS] = {
	[SMPP_IDLE] = { [ON_START] = SMPP_CONNECTING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_WAITING] = { [ON_TIMEOUT] = SMPP_CONNECTING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_CONNECTING] = { [ON_CONNECTED] = SMPP_SECURING, [ON_LOST] = SMPP_WAITING,
	                      [ON_TIMEOUT] = SMPP_WAITING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_SECURING] = { [ON_SECURED] = SMPP_BINDING, [ON_LOST] = SMPP_WAITING,
	                    [ON_TIMEOUT] = SMPP_WAITING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_BINDING] = { [ON_BOUND] = SMPP_BOUND, [ON_REFUSED] = SMPP_WAITING,
	                   [ON_LOST] = SMPP_WAITING, [ON_TIMEOUT] = SMPP_WAITING,
	                   [ON_CLOSE] = SMPP_CLOSING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_BOUND] = { [ON_LOST] = SMPP_WAITING, [ON_TIMEOUT] = SMPP_WAITING,
	                 [ON_CLOSE] = SMPP_CLOSING, [ON_STOP] = SMPP_DRAINING },
	[SMPP_DRAINING] = { [ON_DRAINED] = SMPP_UNBINDING, [ON_TIMEOUT] = SMPP_UNBINDING,
	                    [ON_CLOSE] = SMPP_UNBINDING, [ON_LOST] = SMPP_STOPPED },
	[SMPP_UNBINDING] = { [ON_UNBOUND] = SMPP_STOPPED, [ON_LOST] = SMPP_STOPPED,
	                     [ON_TIMEOUT] = SMPP_STOPPED },
	[SMPP_CLOSING] = { [ON_LOST] = SMPP_WAITING, [ON_TIMEOUT] = SMPP_WAITING,
	                   [ON_STOP] = SMPP_STOPPED },
	[SMPP_PARKED] = { [ON_START] = SMPP_CONNECTING, [ON_STOP] = SMPP_STOPPED },
};

static void enter_waiting(struct smpp_bind *b);
static void enter_connecting(struct smpp_bind *b);
static void enter_securing(struct smpp_bind *b);
static void enter_binding(struct smpp_bind *b);
static void enter_bound(struct smpp_bind *b);
static void enter_draining(struct smpp_bind *b);
static void enter_unbinding(struct smpp_bind *b);
static void enter_closing(struct smpp_bind *b);
static void enter_end(struct smpp_bind *b);

static const struct {
	const char *name;
	void (*enter)(struct smpp_bind *b);
} states[SMPP_STATES] = {
	[SMPP_IDLE] = { "idle", NULL },
	[SMPP_WAITING] = { "waiting", enter_waiting },
	[SMPP_CONNECTING] = { "connecting", enter_connecting },
	[SMPP_SECURING] = { "securing", enter_securing },
	[SMPP_BINDING] = { "binding", enter_binding },
	[SMPP_BOUND] = { "bound", enter_bound },
	[SMPP_DRAINING] = { "draining", enter_draining },
	[SMPP_UNBINDING] = { "unbinding", enter_unbinding },
	[SMPP_CLOSING] = { "closing", enter_closing },
	[SMPP_PARKED] = { "drained", enter_end },
	[SMPP_STOPPED] = { "stopped", enter_end },
};

static void on_event(struct smpp_bind *b, enum bind_event event)
{
	enum smpp_state next = transitions[b->state][event];

	if (next == SMPP_IDLE)
		return;
	if (next == SMPP_STOPPED)
		next = b->after;
	log_debug(b->subject, "state from=%s to=%s", states[b->state].name, states[next].name);
	b->state = next;
	loop_timer_cancel(b->state_timer);
	states[next].enter(b);
	link_show(b->link);
}

const char *bind_state_name(const struct smpp_bind *b)
{
	return states[b->state].name;
}

bool bind_transmits(const struct smpp_bind *b)
{
	return b->command_id != PDU_BIND_RECEIVER;
}

/* Everything of this connection ends here; what was on the way gets its outcome. */
static void disconnect(struct smpp_bind *b)
{
	struct link *link = b->link;

	loop_timer_cancel(b->enquire_timer);
	loop_timer_cancel(b->read_timer);
	if (!b->bev)
		return;
	bufferevent_free(b->bev);
	b->bev = NULL;
	b->generation++;
	b->owed_count = 0;
	mt_connection_lost(b);
	mt_report(link);
	if (link->host->lost && !link->dead)
		link->host->lost(link->host->ctx, link->conf.name);
}

void bind_abort(struct smpp_bind *b)
{
	b->state = SMPP_STOPPED;
	disconnect(b);
}

/* ---- writing ---- */

uint32_t bind_next_sequence(struct smpp_bind *b)
{
	do {
		b->sequence = b->sequence >= 0x7fffffff ? 1 : b->sequence + 1;
	} while (window_has(&b->window, b->sequence));
	return b->sequence;
}

bool bind_write(struct smpp_bind *b, const void *bytes, size_t len)
{
	if (!b->bev)
		return false;
	if (evbuffer_get_length(bufferevent_get_output(b->bev)) > OUTPUT_MAX) {
		if (!loop_timer_armed(b->state_timer))
			link_failed(b->link, "%s: the peer reads nothing: reconnecting", b->subject);
		loop_timer_set(b->state_timer, 0);
		return false;
	}
	link_traced(b->link, true, bytes, len);
	return bufferevent_write(b->bev, bytes, len) == 0;
}

static void write_pdu(struct smpp_bind *b, const struct pdu *pdu)
{
	struct buf bytes = { 0 };

	if (pdu_encode(pdu, &bytes))
		bind_write(b, bytes.data, bytes.len);
	else
		log_error(b->subject, "cannot encode command=%s", pdu_command_name(pdu->command_id));
	buf_free(&bytes);
}

void bind_respond(struct smpp_bind *b, uint32_t command_id, uint32_t status, uint32_t sequence)
{
	struct pdu pdu = { .command_id = command_id | PDU_RESPONSE, .command_status = status,
		           .sequence_number = sequence };

	write_pdu(b, &pdu);
}

static uint32_t write_request(struct smpp_bind *b, uint32_t command_id)
{
	struct pdu pdu = { .command_id = command_id, .sequence_number = bind_next_sequence(b) };

	write_pdu(b, &pdu);
	return pdu.sequence_number;
}

/* ---- reading ---- */

struct incoming {
	const struct pdu_header *header;
	const uint8_t *bytes;
};

/* What an operator can do about a refused bind. */
static const struct {
	uint32_t status;
	const char *advice;
} refusals[] = {
	{ ESME_RINVBNDSTS, "this account may not bind so: try another 'bind' (pair, receiver, transmitter)" },
	{ ESME_RALYBND, "the carrier still holds a bind of this system_id: another daemon uses it, 'binds' "
	                "exceeds what was agreed, or a lost connection has not timed out yet" },
	{ ESME_RSYSERR, "the carrier has trouble of its own" },
	{ ESME_RBINDFAIL, "check system_id, password_file, system_type, and that the carrier lets this "
	                  "address in" },
	{ ESME_RINVPASWD, "check password_file with the carrier" },
	{ ESME_RINVSYSID, "check system_id with the carrier" },
	{ ESME_RINVSYSTYP, "check system_type with the carrier; many want it empty" },
	{ ESME_RTHROTTLED, "too many binds in a short time" },
};

static const char *advice_for(uint32_t status)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].status == status)
			return refusals[i].advice;
	}
	return "ask the carrier what this status means";
}

static void on_bind_resp(struct smpp_bind *b, const struct incoming *in)
{
	uint32_t status = in->header->command_status;

	if (b->state != SMPP_BINDING)
		return;
	if (status == ESME_ROK) {
		log_info(b->subject, "bound");
		on_event(b, ON_BOUND);
		return;
	}
	b->refused = true;
	b->link->status.bind_refusals++;
	link_failed(b->link, "%s: bind refused status=0x%08x (%s): %s; trying on, slowly", b->subject,
	            (unsigned)status, pdu_status_text(status), advice_for(status));
	on_event(b, ON_REFUSED);
}

static void on_deliver(struct smpp_bind *b, const struct incoming *in)
{
	mo_deliver(b, in->header, in->bytes);
}

static void on_submit_resp(struct smpp_bind *b, const struct incoming *in)
{
	mt_answer(b, in->header, in->bytes);
}

static void on_generic_nack(struct smpp_bind *b, const struct incoming *in)
{
	if (b->state == SMPP_BINDING && in->header->sequence_number == b->bind_sequence) {
		struct pdu_header header = *in->header;

		header.command_status = header.command_status ? header.command_status : ESME_RBINDFAIL;
		on_bind_resp(b, &(struct incoming){ &header, in->bytes });
		return;
	}
	mt_answer(b, in->header, in->bytes);
}

static void on_enquire(struct smpp_bind *b, const struct incoming *in)
{
	bind_respond(b, in->header->command_id, ESME_ROK, in->header->sequence_number);
}

static void on_unbind(struct smpp_bind *b, const struct incoming *in)
{
	link_failed(b->link, "%s: the carrier unbinds", b->subject);
	bind_respond(b, in->header->command_id, ESME_ROK, in->header->sequence_number);
	on_event(b, ON_CLOSE);
}

static void on_unbind_resp(struct smpp_bind *b, const struct incoming *in)
{
	(void)in;
	on_event(b, ON_UNBOUND);
}

/* A PDU that asks for nothing: an answer to our enquire_link, an invitation, news of a phone. */
static void on_sign_of_life(struct smpp_bind *b, const struct incoming *in)
{
	log_debug(b->subject, "heard command=%s", pdu_command_name(in->header->command_id));
}

static const struct {
	uint32_t command_id;
	void (*fn)(struct smpp_bind *b, const struct incoming *in);
} handlers[] = {
	{ PDU_DELIVER_SM, on_deliver },
	{ PDU_DATA_SM, on_deliver },
	{ PDU_DATA_SM | PDU_RESPONSE, on_submit_resp },
	{ PDU_SUBMIT_SM | PDU_RESPONSE, on_submit_resp },
	{ PDU_ENQUIRE_LINK, on_enquire },
	{ PDU_ENQUIRE_LINK | PDU_RESPONSE, on_sign_of_life },
	{ PDU_BIND_TRANSCEIVER | PDU_RESPONSE, on_bind_resp },
	{ PDU_BIND_RECEIVER | PDU_RESPONSE, on_bind_resp },
	{ PDU_BIND_TRANSMITTER | PDU_RESPONSE, on_bind_resp },
	{ PDU_GENERIC_NACK, on_generic_nack },
	{ PDU_UNBIND, on_unbind },
	{ PDU_UNBIND | PDU_RESPONSE, on_unbind_resp },
	{ PDU_OUTBIND, on_sign_of_life },
	{ PDU_ALERT_NOTIFICATION, on_sign_of_life },
};

static void handle(struct smpp_bind *b, const struct incoming *in)
{
	uint32_t command_id = in->header->command_id;

	b->heard = true;
	link_traced(b->link, false, in->bytes, in->header->command_length);
	for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].command_id == command_id) {
			handlers[i].fn(b, in);
			return;
		}
	}
	b->link->status.unknown++;
	if (command_id & PDU_RESPONSE) /* never answer an answer */
		return;
	log_warn(b->subject, "unexpected command=%s id=0x%08x", pdu_command_name(command_id),
	         (unsigned)command_id);
	bind_respond(b, 0, ESME_RINVCMDID, in->header->sequence_number);
}

static bool listening(const struct smpp_bind *b)
{
	return b->bev && b->state != SMPP_CLOSING;
}

/* False when there is no whole PDU left to read on this connection. */
static bool read_one(struct smpp_bind *b, struct evbuffer *input)
{
	size_t len = evbuffer_get_length(input);
	uint32_t generation = b->generation;
	struct pdu_header header = { 0 };
	uint8_t start[PDU_HEADER];
	enum pdu_result result;

	len = (size_t)evbuffer_copyout(input, start, len < sizeof(start) ? len : sizeof(start));
	result = pdu_frame(start, len, &header);
	if (result == PDU_BAD) {
		link_failed(b->link, "%s: bad command_length=%u: reconnecting", b->subject,
		            (unsigned)header.command_length);
		bind_respond(b, 0, ESME_RINVCMDLEN, header.sequence_number);
		on_event(b, ON_CLOSE);
		if (listening(b)) /* stopping already: there is no other connection to wait for */
			on_event(b, ON_LOST);
		return false;
	}
	if (len < PDU_HEADER || evbuffer_get_length(input) < header.command_length)
		return false;
	handle(b, &(struct incoming){ &header, evbuffer_pullup(input, header.command_length) });
	if (b->generation != generation)
		return false; /* the buffer is gone */
	evbuffer_drain(input, header.command_length);
	return !loop_timer_armed(b->read_timer);
}

static void read_all(struct smpp_bind *b)
{
	struct evbuffer *input = bufferevent_get_input(b->bev);

	while (listening(b) && read_one(b, input))
		;
	if (b->bev && !listening(b))
		evbuffer_drain(input, evbuffer_get_length(input));
	mt_report(b->link);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct smpp_bind *b = arg;

	(void)bev;
	link_enter(b->link);
	if (!loop_timer_armed(b->read_timer))
		read_all(b);
	link_leave(b->link);
}

/* Reading stops: what the carrier sends waits in the sockets, then on its side. */
void bind_pause_reading(struct smpp_bind *b, int64_t ms)
{
	bufferevent_disable(b->bev, EV_READ);
	loop_timer_set(b->read_timer, ms);
}

static void on_read_timer(void *arg)
{
	struct smpp_bind *b = arg;
	struct link *link = b->link;

	link_enter(link);
	if (b->bev) {
		b->heard = true; /* a silence of our own making */
		bufferevent_enable(b->bev, EV_READ);
		read_all(b);
	}
	link_leave(link);
}

/* ---- the connection ---- */

static void loss_reason(struct smpp_bind *b, short what, char *out, size_t size)
{
	int dns = bufferevent_socket_get_dns_error(b->bev);

	out[0] = '\0';
	if (b->link->tls && b->state != SMPP_CONNECTING)
		tls_reason(b->bev, out, size);
	if (out[0])
		return;
	if (dns)
		snprintf(out, size, "%s", evutil_gai_strerror(dns));
	else if (what & BEV_EVENT_EOF)
		snprintf(out, size, "closed by the peer");
	else
		snprintf(out, size, "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static void on_connection(struct bufferevent *bev, short what, void *arg)
{
	struct smpp_bind *b = arg;
	struct link *link = b->link;
	char reason[160];
	int one = 1;

	link_enter(link);
	if (!(what & BEV_EVENT_CONNECTED)) {
		loss_reason(b, what, reason, sizeof(reason));
		link->status.losses++;
		link_failed(link, "%s: connection lost while %s: %s", b->subject, states[b->state].name,
		            reason);
		on_event(b, ON_LOST);
	} else if (b->state == SMPP_CONNECTING) {
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		on_event(b, ON_CONNECTED);
	} else {
		on_event(b, ON_SECURED);
	}
	link_leave(link);
}

/* ---- timers ---- */

static void on_state_timer(void *arg)
{
	struct smpp_bind *b = arg;
	struct link *link = b->link;

	link_enter(link);
	if (b->state != SMPP_WAITING && b->state != SMPP_CLOSING)
		link_failed(link, "%s: time-out while %s", b->subject, states[b->state].name);
	on_event(b, ON_TIMEOUT);
	link_leave(link);
}

/* Any PDU proves that the peer lives; without one it is asked, and after two questions given up. */
static void on_enquire_timer(void *arg)
{
	struct smpp_bind *b = arg;
	struct link *link = b->link;

	link_enter(link);
	b->misses = b->heard ? 0 : b->misses + 1;
	b->heard = false;
	if (b->misses >= MISSES_MAX) {
		link->status.losses++;
		link_failed(link, "%s: enquire_link unanswered times=%d: reconnecting", b->subject,
		            MISSES_MAX);
		on_event(b, ON_LOST);
	} else {
		write_request(b, PDU_ENQUIRE_LINK);
		loop_timer_set(b->enquire_timer, link->conf.enquire_ms);
	}
	link_leave(link);
}

/* ---- entering the states ---- */

static void enter_waiting(struct smpp_bind *b)
{
	const struct smpp_conf *c = &b->link->conf;
	int64_t base_ms = b->refused ? c->refused_ms : c->retry_ms;
	int64_t max_ms = b->refused ? c->refused_max_ms : c->retry_max_ms;
	int64_t wait_ms = loop_backoff_ms(b->tries++, base_ms, max_ms);

	disconnect(b);
	b->refused = false;
	b->after = SMPP_STOPPED;
	log_info(b->subject, "next attempt in_ms=%lld", (long long)wait_ms);
	loop_timer_set(b->state_timer, wait_ms);
}

static void enter_connecting(struct smpp_bind *b)
{
	b->link->status.connects++;
	loop_timer_set(b->state_timer, b->link->conf.connect_ms);
	if (!bind_dial(b, on_readable, on_connection))
		loop_timer_set(b->state_timer, 0); /* no descriptor left: as if it had timed out */
}

/* The connected socket goes over into the hands of TLS; without TLS there is nothing to do. */
static void enter_securing(struct smpp_bind *b)
{
	struct link *link = b->link;
	int fd = bufferevent_getfd(b->bev);

	if (!link->tls) {
		on_event(b, ON_SECURED);
		return;
	}
	loop_timer_set(b->state_timer, link->conf.connect_ms);
	bufferevent_setfd(b->bev, -1);
	bufferevent_free(b->bev);
	b->bev = tls_connect(link->tls, loop_base(link->host->loop), fd);
	if (b->bev)
		bufferevent_setcb(b->bev, on_readable, NULL, on_connection, b);
	else
		loop_timer_set(b->state_timer, 0);
}

static void enter_binding(struct smpp_bind *b)
{
	const struct smpp_conf *c = &b->link->conf;
	struct pdu pdu = { .command_id = b->command_id,
		           .interface_version = (uint8_t)c->interface_version,
		           .addr_ton = (uint8_t)c->bind_ton, .addr_npi = (uint8_t)c->bind_npi };

	b->bind_sequence = pdu.sequence_number = bind_next_sequence(b);
	pdu.system_id = octets_of(c->system_id);
	pdu.password = octets_of(c->password);
	pdu.system_type = octets_of(c->system_type);
	pdu.address_range = octets_of(c->address_range);
	bufferevent_enable(b->bev, EV_READ | EV_WRITE);
	loop_timer_set(b->state_timer, c->connect_ms);
	write_pdu(b, &pdu);
}

static void enter_bound(struct smpp_bind *b)
{
	b->tries = 0;
	b->misses = 0;
	b->heard = true;
	b->refusing_since_ms = b->paused_at_ms = 0;
	loop_timer_set(b->enquire_timer, b->link->conf.enquire_ms);
}

static void enter_draining(struct smpp_bind *b)
{
	loop_timer_cancel(b->enquire_timer);
	loop_timer_set(b->state_timer, b->link->conf.stop_ms);
	if (!link_ready(b->link))
		mt_drop_waiting(b->link);
	mt_report(b->link);
	bind_check_drained(b);
}

static void enter_unbinding(struct smpp_bind *b)
{
	loop_timer_set(b->state_timer, b->link->conf.stop_ms);
	write_request(b, PDU_UNBIND);
}

static void enter_closing(struct smpp_bind *b)
{
	loop_timer_cancel(b->enquire_timer);
	loop_timer_set(b->state_timer, b->link->conf.stop_ms);
}

static void enter_end(struct smpp_bind *b)
{
	disconnect(b);
	log_info(b->subject, "%s", states[b->state].name);
}

/* ---- from outside ---- */

void bind_init(struct smpp_bind *b, struct link *link, uint32_t command_id, const char *subject)
{
	struct loop *loop = link->host->loop;

	*b = (struct smpp_bind){ .link = link, .command_id = command_id, .after = SMPP_STOPPED };
	snprintf(b->subject, sizeof(b->subject), "%s", subject);
	window_init(&b->window, (unsigned)link->conf.window);
	b->state_timer = loop_timer_new(loop, on_state_timer, b);
	b->enquire_timer = loop_timer_new(loop, on_enquire_timer, b);
	b->answer_timer = loop_timer_new(loop, mt_on_answer_timer, b);
	b->read_timer = loop_timer_new(loop, on_read_timer, b);
}

void bind_fini(struct smpp_bind *b)
{
	loop_timer_free(b->state_timer);
	loop_timer_free(b->enquire_timer);
	loop_timer_free(b->answer_timer);
	loop_timer_free(b->read_timer);
	window_fini(&b->window);
}

void bind_start(struct smpp_bind *b)
{
	on_event(b, ON_START);
}

void bind_stop(struct smpp_bind *b, enum smpp_state after)
{
	b->after = after;
	on_event(b, ON_STOP);
}

void bind_check_drained(struct smpp_bind *b)
{
	if (b->state == SMPP_DRAINING && b->owed_count == 0 && b->window.used == 0)
		on_event(b, ON_DRAINED);
}
