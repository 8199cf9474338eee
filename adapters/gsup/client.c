/* The connection as a table of states. It is never given up: whatever goes wrong ends in another attempt. */
#include "adapters/gsup/client.h"

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
	OUTPUT_MAX = 1 << 20, /* octets a peer may leave unread before it counts as dead */
	MISSES_MAX = 2
};

struct ipa_client {
	struct loop *loop; /* borrowed, as events and arg */
	struct ipa_client_conf conf;
	const struct ipa_client_events *events;
	void *arg;
	enum ipa_client_state state;
	struct bufferevent *bev; /* owned; NULL while not connected */
	struct evdns_base *dns;  /* owned; only when the host is a name */
	struct loop_timer *state_timer, *ping_timer; /* owned */
	unsigned generation;     /* counts connections */
	unsigned tries;          /* failed attempts in a row */
	unsigned misses;         /* pings in a row without a sign of life */
	bool heard;              /* something came since the last look */
	unsigned depth;          /* callbacks of this client on the stack */
	bool dead;               /* freed meanwhile: goes when depth is 0 */
};

/* ---- states ---- */

enum ipa_event {
	ON_START,
	ON_CONNECTED,
	ON_IDENTIFIED,
	ON_LOST,    /* the connection is gone, or its peer dead */
	ON_TIMEOUT, /* of the state */
	ON_STOP,
	IPA_EVENTS
};

/* Next state; 0 (IPA_IDLE, which nothing leads back to) = the event means nothing here. */
static const uint8_t transitions[IPA_STATES][IPA_EVENTS] = {
	[IPA_IDLE] = {[ON_START] = IPA_CONNECTING, [ON_STOP] = IPA_STOPPED},
	[IPA_WAITING] = {[ON_TIMEOUT] = IPA_CONNECTING, [ON_STOP] = IPA_STOPPED},
	[IPA_CONNECTING] = {[ON_CONNECTED] = IPA_IDENTIFYING, [ON_LOST] = IPA_WAITING, [ON_TIMEOUT] = IPA_WAITING,
			    [ON_STOP] = IPA_STOPPED},
	[IPA_IDENTIFYING] = {[ON_IDENTIFIED] = IPA_UP, [ON_LOST] = IPA_WAITING, [ON_TIMEOUT] = IPA_WAITING,
			     [ON_STOP] = IPA_STOPPED},
	[IPA_UP] = {[ON_LOST] = IPA_WAITING, [ON_TIMEOUT] = IPA_WAITING, [ON_STOP] = IPA_CLOSING},
	[IPA_CLOSING] = {[ON_LOST] = IPA_STOPPED, [ON_TIMEOUT] = IPA_STOPPED},
};

static void enter_waiting(struct ipa_client *c);
static void enter_connecting(struct ipa_client *c);
static void enter_identifying(struct ipa_client *c);
static void enter_up(struct ipa_client *c);
static void enter_closing(struct ipa_client *c);
static void enter_stopped(struct ipa_client *c);

static const struct {
	const char *name;
	void (*enter)(struct ipa_client *c);
} states[IPA_STATES] = {
	[IPA_IDLE] = {"idle", NULL},
	[IPA_WAITING] = {"waiting", enter_waiting},
	[IPA_CONNECTING] = {"connecting", enter_connecting},
	[IPA_IDENTIFYING] = {"identifying", enter_identifying},
	[IPA_UP] = {"up", enter_up},
	[IPA_CLOSING] = {"closing", enter_closing},
	[IPA_STOPPED] = {"stopped", enter_stopped},
};

static void on_event(struct ipa_client *c, enum ipa_event event)
{
	enum ipa_client_state next = (enum ipa_client_state)transitions[c->state][event];

	if (next == IPA_IDLE || c->dead)
		return;
	log_debug(c->conf.name, "state from=%s to=%s", states[c->state].name, states[next].name);
	c->state = next;
	loop_timer_cancel(c->state_timer);
	states[next].enter(c);
	if (c->state == next && !c->dead)
		c->events->state(c->arg, next);
}

/* ---- life of the object: every entry from outside stands between enter() and leave() ---- */

static void disconnect(struct ipa_client *c)
{
	loop_timer_cancel(c->ping_timer);
	if (c->bev)
		bufferevent_free(c->bev);
	c->bev = NULL;
	c->generation++;
}

static void enter(struct ipa_client *c)
{
	c->depth++;
}

static void leave(struct ipa_client *c)
{
	if (--c->depth > 0 || !c->dead)
		return;
	loop_timer_free(c->state_timer);
	loop_timer_free(c->ping_timer);
	if (c->dns)
		evdns_base_free(c->dns, 1);
	mem_free(c);
}

void ipa_client_free(struct ipa_client *c)
{
	if (!c)
		return;
	enter(c);
	c->dead = true;
	loop_timer_cancel(c->state_timer);
	disconnect(c);
	leave(c);
}

/* ---- writing ---- */

static void write_octets(struct ipa_client *c, const struct buf *octets)
{
	if (!c->bev)
		return;
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) <= OUTPUT_MAX) {
		bufferevent_write(c->bev, octets->data, octets->len);
	} else if (!loop_timer_armed(c->state_timer)) {
		log_warn(c->conf.name, "the peer reads nothing: reconnecting");
		loop_timer_set(c->state_timer, 0);
	}
}

bool ipa_client_write(struct ipa_client *c, const struct buf *frames)
{
	if (c->state != IPA_UP)
		return false;
	write_octets(c, frames);
	return true;
}

static void write_ccm(struct ipa_client *c, enum ccm_type type)
{
	struct buf out = {0};

	ccm_put(&out, type);
	write_octets(c, &out);
	buf_free(&out);
}

/* ---- connection management ---- */

static void on_ping(struct ipa_client *c)
{
	write_ccm(c, CCM_PONG);
}

/* A server that acknowledges nothing may still answer a ping: it reads in order, so that a pong after our
 * name proves the name was taken. */
static void on_id_get(struct ipa_client *c)
{
	struct buf out = {0};

	if (c->conf.identity && ccm_put_identity(&out, c->conf.identity)) {
		ccm_put(&out, CCM_ID_ACK);
		ccm_put(&out, CCM_PING);
		write_octets(c, &out);
	}
	buf_free(&out);
}

static void on_known(struct ipa_client *c)
{
	on_event(c, ON_IDENTIFIED);
}

static const struct {
	enum ccm_type type;
	void (*fn)(struct ipa_client *c);
} handlers[] = {
	{CCM_PING, on_ping},
	{CCM_ID_GET, on_id_get},
	{CCM_ID_ACK, on_known},
	{CCM_PONG, on_known},
};

static void handle_ccm(struct ipa_client *c, const struct ipa_frame *frame)
{
	for (size_t i = 0; frame->body_len > 0 && i < sizeof(handlers) / sizeof(*handlers); i++) {
		if (handlers[i].type == frame->body[0]) {
			handlers[i].fn(c);
			return;
		}
	}
}

static void handle(struct ipa_client *c, const struct ipa_frame *frame)
{
	c->heard = true;
	if (frame->proto == IPA_PROTO_CCM)
		handle_ccm(c, frame);
	else if (c->state == IPA_UP)
		c->events->frame(c->arg, frame);
}

/* ---- reading ---- */

/* False when there is no whole frame left to read on this connection. */
static bool read_one(struct ipa_client *c, struct evbuffer *input)
{
	size_t len = evbuffer_get_length(input), whole = IPA_HEADER;
	unsigned generation = c->generation;
	uint8_t head[IPA_HEADER];
	struct ipa_frame frame;
	enum ipa_result result;

	if (evbuffer_copyout(input, head, sizeof(head)) == (ssize_t)sizeof(head))
		whole += (size_t)head[0] << 8 | head[1];
	if (len < whole)
		return false;
	result = ipa_read(evbuffer_pullup(input, (ssize_t)whole), whole, &frame);
	if (result == IPA_OK)
		handle(c, &frame);
	if (c->generation != generation)
		return false; /* the buffer is gone */
	evbuffer_drain(input, whole);
	return true;
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct ipa_client *c = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	enter(c);
	while (c->bev && read_one(c, input))
		;
	leave(c);
}

/* Everything is out. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct ipa_client *c = arg;

	(void)bev;
	enter(c);
	if (c->state == IPA_CLOSING)
		on_event(c, ON_TIMEOUT);
	leave(c);
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
	struct ipa_client *c = arg;
	int one = 1;

	enter(c);
	if (what & BEV_EVENT_CONNECTED) {
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		on_event(c, ON_CONNECTED);
	} else {
		log_warn(c->conf.name, "connection lost state=%s reason=\"%s\"", states[c->state].name,
			 loss_reason(bev, what));
		on_event(c, ON_LOST);
	}
	leave(c);
}

/* ---- timers ---- */

static void on_state_timer(void *arg)
{
	struct ipa_client *c = arg;

	enter(c);
	if (c->state != IPA_WAITING)
		log_warn(c->conf.name, "time-out state=%s", states[c->state].name);
	on_event(c, ON_TIMEOUT);
	leave(c);
}

/* Any frame proves that the peer lives; without one it is asked, and after two questions given up. */
static void on_ping_timer(void *arg)
{
	struct ipa_client *c = arg;

	enter(c);
	c->misses = c->heard ? 0 : c->misses + 1;
	c->heard = false;
	if (c->misses >= MISSES_MAX) {
		log_warn(c->conf.name, "no sign of life: reconnecting");
		on_event(c, ON_LOST);
	} else {
		write_ccm(c, CCM_PING);
		loop_timer_set(c->ping_timer, c->conf.ping_ms);
	}
	leave(c);
}

/* ---- entering states ---- */

static void enter_waiting(struct ipa_client *c)
{
	int64_t wait_ms = loop_backoff_ms(c->tries++, c->conf.retry_ms, c->conf.retry_max_ms);

	disconnect(c);
	loop_timer_set(c->state_timer, wait_ms);
}

static bool is_numeric(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* The resolver's own configuration is read again for every attempt: a host that started before its network
 * must not keep asking nobody. */
static struct evdns_base *resolver(struct ipa_client *c)
{
	if (is_numeric(c->conf.host))
		return NULL;
	if (!c->dns) {
		c->dns = evdns_base_new(loop_base(c->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		evdns_base_load_hosts(c->dns, "/etc/hosts");
	}
	evdns_base_clear_nameservers_and_suspend(c->dns);
	evdns_base_resolv_conf_parse(c->dns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE, "/etc/resolv.conf");
	evdns_base_resume(c->dns);
	return c->dns;
}

static void enter_connecting(struct ipa_client *c)
{
	struct evdns_base *dns = resolver(c);

	loop_timer_set(c->state_timer, c->conf.connect_ms);
	c->bev = bufferevent_socket_new(loop_base(c->loop), -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->bev) {
		loop_timer_set(c->state_timer, 0);
		return;
	}
	bufferevent_setcb(c->bev, on_readable, on_written, on_connection, c);
	if (bufferevent_socket_connect_hostname(c->bev, dns, AF_UNSPEC, c->conf.host, c->conf.port) < 0)
		loop_timer_set(c->state_timer, 0); /* no descriptor left: as if it had timed out */
}

/* The server speaks first, where it asks for names at all. */
static void enter_identifying(struct ipa_client *c)
{
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	loop_timer_set(c->state_timer, c->conf.connect_ms);
	if (!c->conf.identity)
		on_event(c, ON_IDENTIFIED);
}

static void enter_up(struct ipa_client *c)
{
	c->tries = 0;
	c->misses = 0;
	c->heard = true;
	if (c->conf.identity)
		loop_timer_set(c->ping_timer, c->conf.ping_ms);
}

static void enter_closing(struct ipa_client *c)
{
	bool clean = evbuffer_get_length(bufferevent_get_output(c->bev)) == 0;

	loop_timer_cancel(c->ping_timer);
	loop_timer_set(c->state_timer, c->conf.close_ms);
	if (clean)
		on_event(c, ON_TIMEOUT);
}

static void enter_stopped(struct ipa_client *c)
{
	disconnect(c);
}

/* ---- from outside ---- */

struct ipa_client *ipa_client_new(struct loop *loop, const struct ipa_client_conf *conf,
				  const struct ipa_client_events *events, void *arg)
{
	struct ipa_client *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->conf = *conf;
	c->events = events;
	c->arg = arg;
	c->state_timer = loop_timer_new(loop, on_state_timer, c);
	c->ping_timer = loop_timer_new(loop, on_ping_timer, c);
	return c;
}

static void tell(struct ipa_client *c, enum ipa_event event)
{
	enter(c);
	on_event(c, event);
	leave(c);
}

void ipa_client_start(struct ipa_client *c)
{
	tell(c, ON_START);
}

void ipa_client_stop(struct ipa_client *c)
{
	tell(c, ON_STOP);
}

void ipa_client_reconnect(struct ipa_client *c)
{
	if (c->state == IPA_UP)
		tell(c, ON_LOST);
}

enum ipa_client_state ipa_client_state(const struct ipa_client *c)
{
	return c->state;
}
