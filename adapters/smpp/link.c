/* One link to a carrier: the TCP connection, the bind, and the life signs on it. A link is never
 * given up: whatever goes wrong ends in another attempt, later. */
#include "adapters/smpp/smpp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	OUTPUT_MAX = 1 << 20,     /* octets a peer may leave unread before it counts as dead */
	INTERFACE_VERSION = 0x34, /* SMPP 3.4 */
	MISSES_MAX = 2
};

/* ---- states: what is shown to the daemon, and what is done on entering ---- */

enum link_event {
	ON_START,
	ON_CONNECTED,
	ON_BOUND,
	ON_REFUSED, /* the carrier does not let us bind */
	ON_LOST,    /* the connection is gone, or its peer dead */
	ON_TIMEOUT, /* of the state */
	ON_CLOSE,   /* we have said our last word: wait until it is out */
	ON_STOP,
	ON_DRAINED,
	ON_UNBOUND, /* unbind_resp */
	LINK_EVENTS
};

/* Next state; 0 (SMPP_IDLE, which nothing leads back to) = the event means nothing here. */
static const uint8_t transitions[SMPP_STATES][LINK_EVENTS] = {
	[SMPP_IDLE] = { [ON_START] = SMPP_CONNECTING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_WAITING] = { [ON_TIMEOUT] = SMPP_CONNECTING, [ON_STOP] = SMPP_STOPPED },
	[SMPP_CONNECTING] = { [ON_CONNECTED] = SMPP_BINDING, [ON_LOST] = SMPP_WAITING,
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
};

static void enter_waiting(struct link *link);
static void enter_connecting(struct link *link);
static void enter_binding(struct link *link);
static void enter_bound(struct link *link);
static void enter_draining(struct link *link);
static void enter_unbinding(struct link *link);
static void enter_closing(struct link *link);
static void enter_stopped(struct link *link);

static const struct {
	const char *name;
	enum link_state shown;
	void (*enter)(struct link *link);
} states[SMPP_STATES] = {
	[SMPP_IDLE] = { "idle", LINK_DOWN, NULL },
	[SMPP_WAITING] = { "waiting", LINK_DOWN, enter_waiting },
	[SMPP_CONNECTING] = { "connecting", LINK_CONNECTING, enter_connecting },
	[SMPP_BINDING] = { "binding", LINK_CONNECTING, enter_binding },
	[SMPP_BOUND] = { "bound", LINK_BOUND, enter_bound },
	[SMPP_DRAINING] = { "draining", LINK_DOWN, enter_draining },
	[SMPP_UNBINDING] = { "unbinding", LINK_DOWN, enter_unbinding },
	[SMPP_CLOSING] = { "closing", LINK_DOWN, enter_closing },
	[SMPP_STOPPED] = { "stopped", LINK_STOPPED, enter_stopped },
};

static void show_state(struct link *link)
{
	enum link_state shown = states[link->state].shown;

	if (shown == link->shown || link->dead)
		return;
	link->shown = shown;
	link->host->state(link->host->ctx, link->conf.name, shown);
}

static void on_event(struct link *link, enum link_event event)
{
	enum smpp_state next = transitions[link->state][event];

	if (next == SMPP_IDLE)
		return;
	log_debug(link->conf.name, "state from=%s to=%s", states[link->state].name,
	          states[next].name);
	link->state = next;
	loop_timer_cancel(link->state_timer);
	states[next].enter(link);
	if (link->state == next)
		show_state(link);
}

/* ---- life of the object ---- */

static void link_free(struct link *link)
{
	loop_timer_free(link->state_timer);
	loop_timer_free(link->enquire_timer);
	loop_timer_free(link->answer_timer);
	loop_timer_free(link->throttle_timer);
	loop_timer_free(link->report_timer);
	if (link->dns)
		evdns_base_free(link->dns, 1);
	window_fini(&link->window);
	smpp_conf_fini(&link->conf);
	mem_free(link);
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

/* Everything of this connection ends here; what was on the way gets its outcome. */
static void disconnect(struct link *link)
{
	loop_timer_cancel(link->enquire_timer);
	if (link->bev)
		bufferevent_free(link->bev);
	link->bev = NULL;
	link->generation++;
	link->owed_count = 0;
	mt_connection_lost(link);
	mt_report(link);
}

void link_destroy(struct link *link)
{
	link_enter(link);
	if (link->state != SMPP_STOPPED)
		disconnect(link);
	link->state = SMPP_STOPPED;
	link->dead = true;
	mo_forget(link);
	link_leave(link);
}

enum link_state link_state_shown(const struct link *link)
{
	return states[link->state].shown;
}

/* ---- writing ---- */

uint32_t link_next_sequence(struct link *link)
{
	do {
		link->sequence = link->sequence >= 0x7fffffff ? 1 : link->sequence + 1;
	} while (window_has(&link->window, link->sequence));
	return link->sequence;
}

bool link_write(struct link *link, const void *bytes, size_t len)
{
	if (!link->bev)
		return false;
	if (evbuffer_get_length(bufferevent_get_output(link->bev)) > OUTPUT_MAX) {
		if (!loop_timer_armed(link->state_timer))
			log_warn(link->conf.name, "the peer reads nothing: reconnecting");
		loop_timer_set(link->state_timer, 0);
		return false;
	}
	return bufferevent_write(link->bev, bytes, len) == 0;
}

static void write_pdu(struct link *link, const struct pdu *pdu)
{
	struct buf bytes = { 0 };

	if (pdu_encode(pdu, &bytes))
		link_write(link, bytes.data, bytes.len);
	else
		log_error(link->conf.name, "cannot encode command=%s", pdu_command_name(pdu->command_id));
	buf_free(&bytes);
}

void link_respond(struct link *link, uint32_t command_id, uint32_t status, uint32_t sequence)
{
	struct pdu pdu = { .command_id = command_id | PDU_RESPONSE, .command_status = status,
		           .sequence_number = sequence };

	write_pdu(link, &pdu);
}

static uint32_t write_request(struct link *link, uint32_t command_id)
{
	struct pdu pdu = { .command_id = command_id, .sequence_number = link_next_sequence(link) };

	write_pdu(link, &pdu);
	return pdu.sequence_number;
}

/* ---- reading ---- */

struct incoming {
	const struct pdu_header *header;
	const uint8_t *bytes;
};

static void on_bind_resp(struct link *link, const struct incoming *in)
{
	uint32_t status = in->header->command_status;

	if (link->state != SMPP_BINDING)
		return;
	if (status == ESME_ROK) {
		log_info(link->conf.name, "bound");
		on_event(link, ON_BOUND);
		return;
	}
	link->refused = true;
	log_error(link->conf.name,
	          "bind refused status=0x%08x (%s): check system_id, password_file and system_type "
	          "with the carrier; trying on, slowly", (unsigned)status, pdu_status_text(status));
	on_event(link, ON_REFUSED);
}

static void on_deliver(struct link *link, const struct incoming *in)
{
	mo_deliver(link, in->header, in->bytes);
}

static void on_submit_resp(struct link *link, const struct incoming *in)
{
	mt_answer(link, in->header, in->bytes);
}

static void on_generic_nack(struct link *link, const struct incoming *in)
{
	if (link->state == SMPP_BINDING && in->header->sequence_number == link->bind_sequence) {
		struct pdu_header header = *in->header;

		header.command_status = header.command_status ? header.command_status : ESME_RBINDFAIL;
		on_bind_resp(link, &(struct incoming){ &header, in->bytes });
		return;
	}
	mt_answer(link, in->header, in->bytes);
}

static void on_enquire(struct link *link, const struct incoming *in)
{
	link_respond(link, in->header->command_id, ESME_ROK, in->header->sequence_number);
}

static void on_unbind(struct link *link, const struct incoming *in)
{
	log_info(link->conf.name, "the carrier unbinds");
	link_respond(link, in->header->command_id, ESME_ROK, in->header->sequence_number);
	on_event(link, ON_CLOSE);
}

static void on_unbind_resp(struct link *link, const struct incoming *in)
{
	(void)in;
	on_event(link, ON_UNBOUND);
}

/* A PDU that asks for nothing: an answer to our enquire_link, an invitation, news of a phone. */
static void on_sign_of_life(struct link *link, const struct incoming *in)
{
	log_debug(link->conf.name, "heard command=%s", pdu_command_name(in->header->command_id));
}

static const struct {
	uint32_t command_id;
	void (*fn)(struct link *link, const struct incoming *in);
} handlers[] = {
	{ PDU_DELIVER_SM, on_deliver },
	{ PDU_DATA_SM, on_deliver },
	{ PDU_SUBMIT_SM | PDU_RESPONSE, on_submit_resp },
	{ PDU_ENQUIRE_LINK, on_enquire },
	{ PDU_ENQUIRE_LINK | PDU_RESPONSE, on_sign_of_life },
	{ PDU_BIND_TRANSCEIVER | PDU_RESPONSE, on_bind_resp },
	{ PDU_GENERIC_NACK, on_generic_nack },
	{ PDU_UNBIND, on_unbind },
	{ PDU_UNBIND | PDU_RESPONSE, on_unbind_resp },
	{ PDU_OUTBIND, on_sign_of_life },
	{ PDU_ALERT_NOTIFICATION, on_sign_of_life },
};

static void handle(struct link *link, const struct incoming *in)
{
	uint32_t command_id = in->header->command_id;

	link->heard = true;
	for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].command_id == command_id) {
			handlers[i].fn(link, in);
			return;
		}
	}
	if (command_id & PDU_RESPONSE) /* never answer an answer */
		return;
	log_warn(link->conf.name, "unexpected command=%s id=0x%08x", pdu_command_name(command_id),
	         (unsigned)command_id);
	link_respond(link, 0, ESME_RINVCMDID, in->header->sequence_number);
}

static bool listening(const struct link *link)
{
	return link->bev && link->state != SMPP_CLOSING;
}

/* False when there is no whole PDU left to read on this connection. */
static bool read_one(struct link *link, struct evbuffer *input)
{
	size_t len = evbuffer_get_length(input);
	uint32_t generation = link->generation;
	struct pdu_header header = { 0 };
	uint8_t start[PDU_HEADER];
	enum pdu_result result;

	len = (size_t)evbuffer_copyout(input, start, len < sizeof(start) ? len : sizeof(start));
	result = pdu_frame(start, len, &header);
	if (result == PDU_BAD) {
		log_warn(link->conf.name, "bad command_length=%u: reconnecting",
		         (unsigned)header.command_length);
		link_respond(link, 0, ESME_RINVCMDLEN, header.sequence_number);
		on_event(link, ON_CLOSE);
		if (listening(link)) /* stopping already: there is no other connection to wait for */
			on_event(link, ON_LOST);
		return false;
	}
	if (len < PDU_HEADER || evbuffer_get_length(input) < header.command_length)
		return false;
	handle(link, &(struct incoming){ &header, evbuffer_pullup(input, header.command_length) });
	if (link->generation != generation)
		return false; /* the buffer is gone */
	evbuffer_drain(input, header.command_length);
	return true;
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct link *link = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	link_enter(link);
	while (listening(link) && read_one(link, input))
		;
	if (link->bev && !listening(link))
		evbuffer_drain(input, evbuffer_get_length(input));
	mt_report(link);
	link_leave(link);
}

static const char *loss_reason(struct bufferevent *bev, short what)
{
	int dns = bufferevent_socket_get_dns_error(bev);

	if (dns)
		return evutil_gai_strerror(dns);
	if (what & BEV_EVENT_EOF)
		return "closed by the peer";
	return evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
}

static void on_connection(struct bufferevent *bev, short what, void *arg)
{
	struct link *link = arg;
	const char *reason = what & BEV_EVENT_CONNECTED ? "" : loss_reason(bev, what);
	int one = 1;

	link_enter(link);
	if (what & BEV_EVENT_CONNECTED) {
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		on_event(link, ON_CONNECTED);
	} else {
		log_warn(link->conf.name, "connection lost state=%s reason=\"%s\"",
		         states[link->state].name, reason);
		on_event(link, ON_LOST);
	}
	link_leave(link);
}

/* ---- timers ---- */

static void on_state_timer(void *arg)
{
	struct link *link = arg;

	link_enter(link);
	if (link->state != SMPP_WAITING)
		log_warn(link->conf.name, "time-out state=%s", states[link->state].name);
	on_event(link, ON_TIMEOUT);
	link_leave(link);
}

/* Any PDU proves that the peer lives; without one it is asked, and after two questions given up. */
static void on_enquire_timer(void *arg)
{
	struct link *link = arg;

	link_enter(link);
	link->misses = link->heard ? 0 : link->misses + 1;
	link->heard = false;
	if (link->misses >= MISSES_MAX) {
		log_warn(link->conf.name, "enquire_link unanswered times=%d: reconnecting", MISSES_MAX);
		on_event(link, ON_LOST);
	} else {
		write_request(link, PDU_ENQUIRE_LINK);
		loop_timer_set(link->enquire_timer, link->conf.enquire_ms);
	}
	link_leave(link);
}

/* ---- entering the states ---- */

static void enter_waiting(struct link *link)
{
	const struct smpp_conf *c = &link->conf;
	int64_t base_ms = link->refused ? c->refused_ms : c->retry_ms;
	int64_t max_ms = link->refused ? c->refused_max_ms : c->retry_max_ms;
	int64_t wait_ms = loop_backoff_ms(link->tries++, base_ms, max_ms);

	disconnect(link);
	link->refused = false;
	log_info(c->name, "next attempt in_ms=%lld", (long long)wait_ms);
	loop_timer_set(link->state_timer, wait_ms);
}

static bool is_numeric(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* The resolver's own configuration is read again for every attempt: a host that started before its
 * network must not keep asking nobody. */
static struct evdns_base *resolver(struct link *link)
{
	if (is_numeric(link->conf.host))
		return NULL;
	if (!link->dns) {
		link->dns = evdns_base_new(loop_base(link->host->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		evdns_base_load_hosts(link->dns, "/etc/hosts");
	}
	evdns_base_clear_nameservers_and_suspend(link->dns);
	evdns_base_resolv_conf_parse(link->dns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE,
	                             "/etc/resolv.conf");
	evdns_base_resume(link->dns);
	return link->dns;
}

static void enter_connecting(struct link *link)
{
	struct evdns_base *dns = resolver(link);

	loop_timer_set(link->state_timer, link->conf.connect_ms);
	link->bev = bufferevent_socket_new(loop_base(link->host->loop), -1,
	                                   BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!link->bev) {
		loop_timer_set(link->state_timer, 0);
		return;
	}
	bufferevent_setcb(link->bev, on_readable, NULL, on_connection, link);
	if (bufferevent_socket_connect_hostname(link->bev, dns, AF_UNSPEC, link->conf.host,
	                                        link->conf.port) < 0)
		loop_timer_set(link->state_timer, 0); /* no descriptor left: as if it had timed out */
}

static void enter_binding(struct link *link)
{
	const struct smpp_conf *c = &link->conf;
	struct pdu bind = { .command_id = PDU_BIND_TRANSCEIVER,
		            .interface_version = INTERFACE_VERSION };

	link->bind_sequence = bind.sequence_number = link_next_sequence(link);
	bind.system_id = octets_of(c->system_id);
	bind.password = octets_of(c->password);
	bind.system_type = octets_of(c->system_type);
	bufferevent_enable(link->bev, EV_READ | EV_WRITE);
	loop_timer_set(link->state_timer, c->connect_ms);
	write_pdu(link, &bind);
}

static void enter_bound(struct link *link)
{
	link->tries = 0;
	link->misses = 0;
	link->throttles = 0;
	link->heard = true;
	loop_timer_set(link->enquire_timer, link->conf.enquire_ms);
}

static void enter_draining(struct link *link)
{
	loop_timer_cancel(link->enquire_timer);
	loop_timer_set(link->state_timer, link->conf.stop_ms);
	mt_drop_waiting(link);
	mt_report(link);
	link_check_drained(link);
}

static void enter_unbinding(struct link *link)
{
	loop_timer_set(link->state_timer, link->conf.stop_ms);
	write_request(link, PDU_UNBIND);
}

static void enter_closing(struct link *link)
{
	loop_timer_cancel(link->enquire_timer);
	loop_timer_set(link->state_timer, link->conf.stop_ms);
}

static void enter_stopped(struct link *link)
{
	disconnect(link);
	log_info(link->conf.name, "stopped");
}

/* ---- from outside ---- */

void link_init(struct link *link)
{
	struct loop *loop = link->host->loop;

	link->state = SMPP_IDLE;
	link->shown = LINK_DOWN;
	/* Not from 0 at every start: a phone may still hold a part of what was sent before it. */
	link->part_ref = (uint16_t)(loop_wall_us(loop) / 1000);
	window_init(&link->window, link->conf.window);
	link->state_timer = loop_timer_new(loop, on_state_timer, link);
	link->enquire_timer = loop_timer_new(loop, on_enquire_timer, link);
	link->answer_timer = loop_timer_new(loop, mt_on_answer_timer, link);
	link->throttle_timer = loop_timer_new(loop, mt_on_throttle_timer, link);
	link->report_timer = loop_timer_new(loop, mt_on_report_timer, link);
}

void link_start(struct link *link)
{
	link_enter(link);
	on_event(link, ON_START);
	link_leave(link);
}

void link_stop(struct link *link)
{
	link_enter(link);
	on_event(link, ON_STOP);
	mt_report(link);
	link_leave(link);
}

void link_check_drained(struct link *link)
{
	if (link->state == SMPP_DRAINING && link->owed_count == 0 && !mt_busy(link))
		on_event(link, ON_DRAINED);
}
