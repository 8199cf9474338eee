/* Connecting, pinging, and connecting again. */
#include "adapters/gsup/ipa_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "adapters/gsup/codec.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	CONNECT_MS = 5000,
	PING_MS = 10 * 1000,    /* silence after which we ask */
	PONG_MS = 5 * 1000,     /* and give up */
	RETRY_MS = 500, RETRY_MAX_MS = 15 * 1000,
	UNSENT_MAX = 256 * 1024 /* a peer that reads no more has gone */
};

enum state { IDLE, WAITING, CONNECTING, UP, PINGED };

struct ipa_client {
	struct loop *loop; /* borrowed */
	struct ipa_client_conf conf;
	struct sockaddr_storage to;
	int to_len;
	enum state state;
	unsigned tries;
	struct bufferevent *bev;  /* owned; NULL while not connected */
	struct loop_timer *timer; /* owned */
	ipa_payload_fn *on_payload;
	ipa_state_fn *on_state;
	void *arg;
};

static void set_state(struct ipa_client *c, enum state state, int64_t wait_ms)
{
	c->state = state;
	loop_timer_set(c->timer, wait_ms);
}

static void lose(struct ipa_client *c, const char *why)
{
	bool was_up = ipa_client_up(c);

	if (c->bev)
		bufferevent_free(c->bev);
	c->bev = NULL;
	if (was_up || c->tries == 0)
		log_warn(c->conf.log, "no connection to %s: %s", c->conf.address, why);
	set_state(c, WAITING, loop_backoff_ms(c->tries++, RETRY_MS, RETRY_MAX_MS));
	if (was_up)
		c->on_state(c->arg, false);
}

static void come_up(struct ipa_client *c)
{
	c->tries = 0;
	set_state(c, UP, PING_MS);
	log_info(c->conf.log, "connected to %s", c->conf.address);
	c->on_state(c->arg, true);
}

static bool write_frames(struct ipa_client *c, struct buf *frames)
{
	size_t unsent = evbuffer_get_length(bufferevent_get_output(c->bev));

	if (unsent <= UNSENT_MAX)
		bufferevent_write(c->bev, frames->data, frames->len);
	buf_free(frames);
	return unsent <= UNSENT_MAX;
}

static void put_ccm(struct ipa_client *c, uint8_t what)
{
	struct buf frames = {0};

	ipa_put(&frames, IPA_CCM, &what, 1);
	write_frames(c, &frames);
}

static void on_ccm(struct ipa_client *c, uint8_t what)
{
	struct buf frames = {0};

	if (what == CCM_PING)
		put_ccm(c, CCM_PONG);
	if (what == CCM_ID_GET && c->conf.identity) {
		ipa_put_identity(&frames, c->conf.identity);
		write_frames(c, &frames);
		if (c->state == CONNECTING)
			come_up(c);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct ipa_client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct ipa_frame frame;
	enum ipa_parse parse = IPA_MORE;

	if (c->state == UP || c->state == PINGED)
		set_state(c, UP, PING_MS);
	while (c->bev == bev) {
		size_t len = evbuffer_get_length(in);

		parse = ipa_read(evbuffer_pullup(in, (ev_ssize_t)len), len, &frame);
		if (parse != IPA_OK)
			break;
		if (frame.stream == IPA_CCM)
			on_ccm(c, frame.payload[0]);
		else if (frame.stream == IPA_OSMO)
			c->on_payload(c->arg, frame.payload, frame.len);
		evbuffer_drain(in, IPA_HEADER + frame.len);
	}
	if (parse == IPA_BAD)
		lose(c, "what it sends is not IPA");
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct ipa_client *c = arg;

	(void)bev;
	if (!(what & BEV_EVENT_CONNECTED))
		lose(c, what & BEV_EVENT_EOF ? "closed" : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	else if (!c->conf.identity)
		come_up(c);
}

static void try_connect(struct ipa_client *c)
{
	c->bev = bufferevent_socket_new(loop_base(c->loop), -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	set_state(c, CONNECTING, CONNECT_MS);
	if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&c->to, c->to_len) != 0)
		lose(c, "cannot connect");
}

static void on_timer(void *arg)
{
	struct ipa_client *c = arg;

	switch (c->state) {
	case IDLE:
		break;
	case WAITING:
		try_connect(c);
		break;
	case CONNECTING:
	case PINGED:
		lose(c, "no answer");
		break;
	case UP:
		put_ccm(c, CCM_PING);
		set_state(c, PINGED, PONG_MS);
		break;
	}
}

bool ipa_client_send(struct ipa_client *c, const void *payload, size_t len)
{
	struct buf frames = {0};

	if (!ipa_client_up(c))
		return false;
	ipa_put(&frames, IPA_OSMO, payload, len);
	return write_frames(c, &frames);
}

bool ipa_client_up(const struct ipa_client *c)
{
	return c->state == UP || c->state == PINGED;
}

void ipa_client_start(struct ipa_client *c)
{
	set_state(c, WAITING, 0);
}

struct ipa_client *ipa_client_new(struct loop *loop, const struct ipa_client_conf *conf, ipa_payload_fn *on_payload,
				  ipa_state_fn *on_state, void *arg)
{
	struct ipa_client *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->conf = *conf;
	c->on_payload = on_payload;
	c->on_state = on_state;
	c->arg = arg;
	c->to_len = sizeof(c->to);
	if (evutil_parse_sockaddr_port(conf->address, (struct sockaddr *)&c->to, &c->to_len) != 0) {
		mem_free(c);
		return NULL;
	}
	c->timer = loop_timer_new(loop, on_timer, c);
	return c;
}

void ipa_client_free(struct ipa_client *c)
{
	if (!c)
		return;
	if (c->bev)
		bufferevent_free(c->bev);
	loop_timer_free(c->timer);
	mem_free(c);
}
