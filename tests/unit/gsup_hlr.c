/* The scripted HLR and the daemon that writes down what it is told. */
#include "gsup_hlr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "adapters/gsup/ussd_string.h"
#include "base/log.h"
#include "base/yaml.h"

struct rig rig;

/* ---- the daemon ---- */

void received(unsigned i, bool ok)
{
	received_fn *done = rig.heard[i].done;

	rig.heard[i].done = NULL;
	done(rig.heard[i].arg, ok);
}

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	unsigned i = rig.heard_count++;

	assert_ptr_equal(ctx, &rig);
	assert_true(i < HEARD_MAX);
	rig.heard[i] = (struct heard){.in = *in, .done = done, .arg = arg};
	snprintf(rig.heard[i].text, sizeof(rig.heard[i].text), "%.*s", (int)in->body_len, (const char *)in->body);
	if (!rig.hold)
		received(i, true);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	(void)ctx;
	(void)id;
	(void)ref;
	assert_true(rig.sent_count < HEARD_MAX);
	rig.sent[rig.sent_count++] = state;
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	(void)ctx;
	assert_string_equal(link, "osmo");
	rig.state = state;
	rig.bound_count += state == LINK_BOUND;
	if (state == LINK_STOPPED && rig.destroy_when_stopped) {
		gsup_adapter.destroy(rig.link);
		rig.link = NULL;
	}
}

void show(unsigned i, const char *text, bool more)
{
	struct outbound out = {.channel = CHANNEL_USSD, .text = text, .more = more};

	memcpy(out.reply_token, rig.heard[i].in.reply_token, sizeof(out.reply_token));
	assert_true(gsup_adapter.send(rig.link, &out));
}

/* ---- turning the loop ---- */

bool turn(int64_t deadline_ms)
{
	struct pollfd idle = {.fd = -1};

	if (event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK) < 0)
		fail_msg("event loop failed");
	poll(&idle, 0, 1);
	return loop_now_ms(rig.loop) < deadline_ms;
}

void settle(void)
{
	for (int i = 0; i < 10; i++)
		turn(0);
}

void pass_ms(int64_t ms)
{
	loop_skip_ms(rig.loop, ms);
	settle();
}

/* ---- the HLR's sockets ---- */

bool accepted(struct port *port)
{
	if (port->peer >= 0)
		close(port->peer);
	port->peer = accept4(port->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return port->peer >= 0;
}

void drop(struct port *port)
{
	close(port->peer);
	port->peer = -1;
}

bool closed(const struct port *port)
{
	uint8_t bytes[256];
	ssize_t n;

	do
		n = recv(port->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

void write_port(const struct port *port, const void *bytes, size_t len)
{
	assert_int_equal(send(port->peer, bytes, len, MSG_NOSIGNAL), len);
}

void write_ccm(enum ccm_type type)
{
	struct buf out = {0};

	ccm_put(&out, type);
	write_port(&rig.gsup, out.data, out.len);
	buf_free(&out);
}

static bool try_read(int fd, uint8_t *to, size_t len, size_t *got)
{
	ssize_t n = recv(fd, to + *got, len - *got, MSG_DONTWAIT);

	if (n > 0)
		*got += (size_t)n;
	return *got == len;
}

struct ipa_frame next_frame(const struct port *port)
{
	static uint8_t bytes[1024];
	struct ipa_frame frame = {0};
	size_t got = 0, len;

	WAIT_FOR(try_read(port->peer, bytes, IPA_HEADER, &got));
	len = IPA_HEADER + ((size_t)bytes[0] << 8 | bytes[1]);
	assert_in_range(len, IPA_HEADER, sizeof(bytes));
	WAIT_FOR(try_read(port->peer, bytes, len, &got));
	assert_int_equal(ipa_read(bytes, len, &frame), IPA_OK);
	return frame;
}

void expect_ccm(enum ccm_type type)
{
	struct ipa_frame frame = next_frame(&rig.gsup);

	assert_int_equal(frame.proto, IPA_PROTO_CCM);
	assert_int_equal(frame.body[0], type);
}

void expect_silence(const struct port *port)
{
	uint8_t byte;

	settle();
	assert_int_equal(recv(port->peer, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* ---- phones ---- */

void phone_says(const char *imsi, enum gsup_state state, const struct ss_component *c, const char *text)
{
	struct gsup_message m = {.type = GSUP_PROC_SS_REQUEST, .has_session = true, .session_id = 0x20000001,
				 .state = (uint8_t)state};
	struct buf component = {0}, body = {0}, frame = {0};
	struct ussd_string string;
	struct ss_component with;

	snprintf(m.imsi, sizeof(m.imsi), "%s", imsi);
	if (c) {
		with = *c;
		with.has_invoke_id = true;
		if (text) {
			ussd_string_encode(text, USSD_STRING_MAX, &string);
			with.dcs = string.dcs;
			with.string = string.octets;
			with.string_len = string.len;
		}
		assert_true(ss_encode(&with, &component));
		m.ss = component.data;
		m.ss_len = component.len;
	}
	assert_true(gsup_encode(&m, &body));
	assert_true(ipa_put_osmo(&frame, IPA_EXT_GSUP, body.data, body.len));
	write_port(&rig.gsup, frame.data, frame.len);
	buf_free(&component);
	buf_free(&body);
	buf_free(&frame);
}

void phone_dials(const char *imsi, const char *code)
{
	const struct ss_component c = {.kind = SS_INVOKE, .invoke_id = 5, .has_operation = true,
				       .operation = SS_PROCESS_USS_REQUEST};

	phone_says(imsi, GSUP_BEGIN, &c, code);
}

void phone_answers(const char *imsi, int8_t menu, const char *text)
{
	const struct ss_component c = {.kind = SS_RESULT, .invoke_id = menu, .has_operation = true,
				       .operation = SS_USS_REQUEST};

	phone_says(imsi, GSUP_CONTINUE, &c, text);
}

struct ss_component next_screen(enum gsup_state state, char text[256])
{
	struct ipa_frame frame = next_frame(&rig.gsup);
	struct ss_component c;
	struct gsup_message m;
	struct buf utf8 = {0};

	assert_int_equal(frame.proto, IPA_PROTO_OSMO);
	assert_int_equal(frame.extension, IPA_EXT_GSUP);
	assert_true(gsup_decode(frame.body, frame.body_len, &m));
	assert_int_equal(m.type, GSUP_PROC_SS_RESULT);
	assert_int_equal(m.session_id, 0x20000001);
	assert_int_equal(m.state, state);
	assert_true(ss_decode(m.ss, m.ss_len, &c));
	if (c.string)
		ussd_string_decode(c.dcs, c.string, c.string_len, &utf8);
	snprintf(text, 256, "%s", buf_cstr(&utf8));
	buf_free(&utf8);
	return c;
}

/* ---- the link ---- */

struct link *try_link(const char *settings, char *error, size_t error_size)
{
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse(settings, strlen(settings), &fault);
	struct link *link;

	if (!map)
		fail_msg("%u:%u: %s", fault.line, fault.column, fault.text);
	link = gsup_adapter.create(&rig.host, "osmo", map, error, error_size);
	yaml_free(map);
	return link;
}

void make_link(const char *more)
{
	char settings[512], error[256] = "";

	snprintf(settings, sizeof(settings), "name: osmo\nadapter: gsup\nhost: 127.0.0.1\nport: %u\neuse: hotline\n"
		 "short_codes: ['*111#']\nctrl_port: %u\n%s", rig.gsup.number, rig.ctrl.number, more);
	rig.link = try_link(settings, error, sizeof(error));
	if (!rig.link)
		fail_msg("%s", error);
}

void accept_bound(void)
{
	unsigned before = rig.bound_count;

	WAIT_FOR(accepted(&rig.gsup));
	write_port(&rig.gsup, "\x00\x04\xfe\x04\x01\x00\x01", 7);
	expect_ccm(CCM_ID_RESP);
	expect_ccm(CCM_ID_ACK);
	expect_ccm(CCM_PING);
	write_ccm(CCM_ID_ACK);
	WAIT_FOR(rig.bound_count > before);
}

void start_bound(const char *more)
{
	make_link(more);
	gsup_adapter.start(rig.link);
	accept_bound();
}

/* ---- fixture ---- */

static void listen_somewhere(struct port *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	port->peer = -1;
	port->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(port->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(port->listener, 8), 0);
	assert_int_equal(getsockname(port->listener, (struct sockaddr *)&address, &len), 0);
	port->number = ntohs(address.sin_port);
}

int hlr_setup(void **state)
{
	(void)state;
	log_setup(getenv("VERBOSE") ? LOG_DEBUG_ : LOG_ERROR_ + 1);
	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_new();
	rig.host = (struct adapter_host){.ctx = &rig, .loop = rig.loop, .inbound = on_inbound, .sent = on_sent,
					 .state = on_state};
	listen_somewhere(&rig.gsup);
	listen_somewhere(&rig.ctrl);
	return 0;
}

static void close_port(struct port *port)
{
	if (port->peer >= 0)
		close(port->peer);
	close(port->listener);
}

int hlr_teardown(void **state)
{
	(void)state;
	if (rig.link)
		gsup_adapter.destroy(rig.link);
	/* What was never answered before the link went is answered now: it must be harmless. */
	for (unsigned i = 0; i < rig.heard_count; i++) {
		if (rig.heard[i].done)
			received(i, true);
	}
	settle();
	close_port(&rig.gsup);
	close_port(&rig.ctrl);
	loop_free(rig.loop);
	return 0;
}
