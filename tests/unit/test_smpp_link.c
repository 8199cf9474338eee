/* A link against a scripted carrier on a real loopback socket: bind, answers, window, loss, stop. The
 * carrier is this file; waits of the link are set to milliseconds so that nothing has to be slept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "adapters/smpp/smpp.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/yaml.h"

enum { PATIENCE_MS = 5000, LONG_MS = 60000 };

/* ---- the daemon's side ---- */

struct heard {
	struct inbound in; /* body copied */
	uint8_t body[512];
	received_fn *done;
	void *arg;
};

struct outcome {
	struct id16 id;
	enum sent_state state;
	char ref[PROVIDER_REF_MAX];
};

static struct {
	struct loop *loop;
	struct link *link;
	struct adapter_host host;
	char password_file[64];
	int listener, peer; /* the carrier's sockets */
	uint16_t port;
	bool answer_at_once, destroy_when_stopped;
	struct heard heard[8];
	unsigned inbound_count, sent_count, receipt_count;
	struct outcome sent[32];
	struct receipt receipt;
	enum link_state state;
	unsigned bound_count;
} t;

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	struct heard *h = &t.heard[t.inbound_count++ % 8];

	assert_ptr_equal(ctx, &t);
	h->in = *in;
	memcpy(h->body, in->body, in->body_len < sizeof(h->body) ? in->body_len : sizeof(h->body));
	h->done = done;
	h->arg = arg;
	if (t.answer_at_once)
		done(arg, true);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	struct outcome *o = &t.sent[t.sent_count++ % 32];

	(void)ctx;
	o->id = *id;
	o->state = state;
	snprintf(o->ref, sizeof(o->ref), "%s", ref);
}

static void on_receipt(void *ctx, const char *link, const struct receipt *receipt)
{
	(void)ctx;
	assert_string_equal(link, "vtl");
	t.receipt = *receipt;
	t.receipt_count++;
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	(void)ctx;
	assert_string_equal(link, "vtl");
	t.state = state;
	t.bound_count += state == LINK_BOUND;
	if (state == LINK_STOPPED && t.destroy_when_stopped) {
		smpp_adapter.destroy(t.link);
		t.link = NULL;
	}
}

/* ---- turning the loop ---- */

static bool turn(int64_t deadline_ms)
{
	struct pollfd idle = { .fd = -1 };

	if (event_base_loop(loop_base(t.loop), EVLOOP_NONBLOCK) < 0)
		fail_msg("event loop failed");
	poll(&idle, 0, 1);
	return loop_now_ms(t.loop) < deadline_ms;
}

#define WAIT_FOR(condition)                                                                   \
	do {                                                                                  \
		int64_t deadline_ = loop_now_ms(t.loop) + PATIENCE_MS;                        \
		while (!(condition)) {                                                        \
			if (!turn(deadline_))                                                 \
				fail_msg("waited in vain for %s", #condition);                \
		}                                                                             \
	} while (0)

/* Long enough for anything that is due at once to have happened. */
static void settle(void)
{
	for (int i = 0; i < 10; i++)
		turn(0);
}

/* ---- the carrier's side ---- */

static bool try_accept(void)
{
	t.peer = accept4(t.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return t.peer >= 0;
}

static bool try_read(uint8_t *to, size_t len, size_t *got)
{
	ssize_t n = recv(t.peer, to + *got, len - *got, MSG_DONTWAIT);

	if (n > 0)
		*got += (size_t)n;
	return *got == len;
}

/* The next PDU from the link, whose command must be the one expected. Good until the next call. */
static struct pdu expect_pdu(uint32_t command_id)
{
	static uint8_t bytes[4096];
	size_t got = 0, len;
	struct pdu pdu;

	WAIT_FOR(try_read(bytes, 4, &got));
	len = (size_t)bytes[2] << 8 | bytes[3];
	assert_in_range(len, PDU_HEADER, sizeof(bytes));
	WAIT_FOR(try_read(bytes, len, &got));
	assert_int_equal(pdu_decode(bytes, len, &pdu), PDU_OK);
	assert_string_equal(pdu_command_name(pdu.command_id), pdu_command_name(command_id));
	assert_false(pdu.tail_bad);
	return pdu;
}

static void expect_silence(void)
{
	uint8_t byte;

	settle();
	assert_int_equal(recv(t.peer, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static bool peer_closed(void)
{
	uint8_t byte;

	return recv(t.peer, &byte, 1, MSG_DONTWAIT) == 0;
}

static void peer_write(const void *bytes, size_t len)
{
	assert_int_equal(send(t.peer, bytes, len, MSG_NOSIGNAL), len);
}

static void peer_send(const struct pdu *pdu)
{
	struct buf out = { 0 };

	assert_true(pdu_encode(pdu, &out));
	peer_write(out.data, out.len);
	buf_free(&out);
}

static void peer_respond(const struct pdu *request, uint32_t status, const char *message_id)
{
	struct pdu pdu = { .command_id = request->command_id | PDU_RESPONSE, .command_status = status,
		           .sequence_number = request->sequence_number };

	pdu.message_id = octets_of(message_id);
	peer_send(&pdu);
}

static void peer_deliver(uint32_t sequence, uint8_t esm_class, const char *text)
{
	struct pdu pdu = { .command_id = PDU_DELIVER_SM, .sequence_number = sequence,
		           .esm_class = esm_class };

	pdu.source_addr = octets_of("84912345678");
	pdu.destination_addr = octets_of("111");
	pdu.short_message = octets_of(text);
	peer_send(&pdu);
}

static void peer_drop(void)
{
	close(t.peer);
	t.peer = -1;
}

/* Lets the link bind; whatever it had before is gone. */
static void accept_bind(void)
{
	struct pdu bind;
	unsigned before = t.bound_count;

	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	peer_respond(&bind, ESME_ROK, NULL);
	WAIT_FOR(t.bound_count > before);
}

/* ---- fixture ---- */

static void listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(t.listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(t.listener, 8), 0);
	assert_int_equal(getsockname(t.listener, (struct sockaddr *)&address, &len), 0);
	t.port = ntohs(address.sin_port);
}

static struct link *create_link(const char *settings, char *error, size_t error_size)
{
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse(settings, strlen(settings), &fault);
	struct link *link;

	if (!map)
		fail_msg("%u:%u: %s", fault.line, fault.column, fault.text);
	link = smpp_adapter.create(&t.host, "vtl", map, error, error_size);
	yaml_free(map);
	return link;
}

static void make_link(const char *more)
{
	char settings[1024], error[256] = "";

	snprintf(settings, sizeof(settings),
	         "name: vtl\nadapter: smpp\nhost: 127.0.0.1\nport: %u\nsystem_id: hotline\n"
	         "password_file: %s\nshort_codes: ['111']\n%s", t.port, t.password_file, more);
	t.link = create_link(settings, error, sizeof(error));
	if (!t.link)
		fail_msg("%s", error);
	t.link->conf.retry_ms = t.link->conf.retry_max_ms = 4;
	t.link->conf.refused_ms = t.link->conf.refused_max_ms = 4;
	t.link->conf.throttle_ms = t.link->conf.throttle_max_ms = 40;
	t.link->conf.enquire_ms = t.link->conf.answer_ms = LONG_MS;
	t.link->conf.connect_ms = t.link->conf.stop_ms = LONG_MS;
}

static void start_bound(const char *more)
{
	make_link(more);
	smpp_adapter.start(t.link);
	accept_bind();
}

static int setup(void **state)
{
	int fd;

	(void)state;
	log_setup(LOG_ERROR_ + 1);
	memset(&t, 0, sizeof(t));
	t.peer = -1;
	t.loop = loop_new();
	t.host = (struct adapter_host){ &t, t.loop, on_inbound, on_sent, on_receipt, on_state };
	strcpy(t.password_file, "/tmp/hotlined-test-XXXXXX");
	fd = mkstemp(t.password_file);
	if (fd < 0 || write(fd, "s3cret\nnot this\n", 16) != 16)
		return -1;
	close(fd);
	listen_somewhere();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (t.peer >= 0)
		close(t.peer);
	close(t.listener);
	if (t.link) {
		smpp_adapter.stop(t.link);
		t.link->conf.stop_ms = 0;
		smpp_adapter.destroy(t.link);
	}
	/* What was never answered before the link went is answered now: it must be harmless. */
	for (unsigned i = 0; i < t.inbound_count && i < 8; i++) {
		if (t.heard[i].done && !t.answer_at_once)
			t.heard[i].done(t.heard[i].arg, true);
	}
	settle();
	loop_free(t.loop);
	unlink(t.password_file);
	return 0;
}

/* Answers the i-th delivery. */
static void received(unsigned i, bool ok)
{
	received_fn *done = t.heard[i].done;

	t.heard[i].done = NULL;
	done(t.heard[i].arg, ok);
}

static struct outbound text_out(uint8_t number, const char *text)
{
	struct outbound out = { .id = { { number } }, .to = "+84912345678", .text = text };

	return out;
}

static bool send_text(uint8_t number, const char *text)
{
	struct outbound out = text_out(number, text);

	return smpp_adapter.send(t.link, &out);
}

static bool send_alert(uint8_t number, const char *text)
{
	struct outbound out = text_out(number, text);

	out.priority = OUTBOUND_ALERT;
	return smpp_adapter.send(t.link, &out);
}

static void expect_outcome(unsigned i, uint8_t number, enum sent_state state, const char *ref)
{
	WAIT_FOR(t.sent_count > i);
	assert_int_equal(t.sent[i].id.b[0], number);
	assert_int_equal(t.sent[i].state, state);
	assert_string_equal(t.sent[i].ref, ref);
}

/* ---- binding ---- */

static void it_binds_with_the_configured_identity(void **state)
{
	struct pdu bind;

	(void)state;
	make_link("system_type: HL\n");
	assert_int_equal(smpp_adapter.state(t.link), LINK_DOWN);
	smpp_adapter.start(t.link);
	assert_int_equal(t.state, LINK_CONNECTING);
	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	assert_int_equal(bind.system_id.len, 7);
	assert_memory_equal(bind.system_id.p, "hotline", 7);
	assert_int_equal(bind.password.len, 6);
	assert_memory_equal(bind.password.p, "s3cret", 6);
	assert_memory_equal(bind.system_type.p, "HL", 2);
	assert_int_equal(bind.interface_version, 0x34);
	assert_int_equal(bind.sequence_number, 1);
	assert_false(send_text(1, "too early"));
	peer_respond(&bind, ESME_ROK, NULL);
	WAIT_FOR(t.state == LINK_BOUND);
	assert_int_equal(smpp_adapter.state(t.link), LINK_BOUND);
}

static void it_binds_to_a_host_given_by_name(void **state)
{
	char settings[512], error[256];

	(void)state;
	snprintf(settings, sizeof(settings),
	         "{name: vtl, adapter: smpp, host: localhost, port: %u, system_id: h, password_file: %s}",
	         t.port, t.password_file);
	t.link = create_link(settings, error, sizeof(error));
	t.link->conf.retry_ms = t.link->conf.retry_max_ms = 4;
	smpp_adapter.start(t.link);
	accept_bind();
}

static void a_wrong_password_is_tried_again(void **state)
{
	struct pdu bind;

	(void)state;
	make_link("");
	smpp_adapter.start(t.link);
	for (int i = 0; i < 3; i++) {
		WAIT_FOR(try_accept());
		bind = expect_pdu(PDU_BIND_TRANSCEIVER);
		peer_respond(&bind, ESME_RINVPASWD, NULL);
		WAIT_FOR(peer_closed());
		peer_drop();
	}
	accept_bind();
}

static void a_refused_bind_waits_longer_than_a_lost_connection(void **state)
{
	struct pdu bind;

	(void)state;
	make_link("");
	t.link->conf.refused_ms = t.link->conf.refused_max_ms = LONG_MS;
	smpp_adapter.start(t.link);
	WAIT_FOR(try_accept());
	peer_drop(); /* lost: comes back at once */
	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	peer_respond(&bind, ESME_RINVSYSID, NULL);
	WAIT_FOR(t.state == LINK_DOWN);
	peer_drop();
	settle();
	assert_false(try_accept());
}

static void a_nacked_bind_is_a_refused_bind(void **state)
{
	struct pdu bind, nack = { .command_id = PDU_GENERIC_NACK };

	(void)state;
	make_link("");
	smpp_adapter.start(t.link);
	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	nack.sequence_number = bind.sequence_number;
	peer_send(&nack);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

static void a_carrier_that_does_not_answer_the_bind_is_left(void **state)
{
	(void)state;
	make_link("");
	t.link->conf.connect_ms = 20;
	smpp_adapter.start(t.link);
	WAIT_FOR(try_accept());
	expect_pdu(PDU_BIND_TRANSCEIVER);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

static void nobody_listening_is_tried_again(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(t.port) };
	int one = 1;

	(void)state;
	close(t.listener);
	make_link("");
	smpp_adapter.start(t.link);
	WAIT_FOR(t.link->tries > 3);
	assert_true(t.state == LINK_DOWN || t.state == LINK_CONNECTING);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(t.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(t.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(t.listener, 8), 0);
	accept_bind();
}

/* ---- reading ---- */

static void pdus_are_read_octet_by_octet(void **state)
{
	struct pdu pdu = { .command_id = PDU_BIND_TRANSCEIVER | PDU_RESPONSE };
	struct buf out = { 0 };

	(void)state;
	t.answer_at_once = true;
	make_link("");
	smpp_adapter.start(t.link);
	WAIT_FOR(try_accept());
	pdu.sequence_number = expect_pdu(PDU_BIND_TRANSCEIVER).sequence_number;
	pdu_encode(&pdu, &out);
	pdu = (struct pdu){ .command_id = PDU_DELIVER_SM, .sequence_number = 77 };
	pdu.short_message = octets_of("Em");
	pdu_encode(&pdu, &out);
	pdu_encode(&pdu, &out);
	for (size_t i = 0; i < out.len; i++) {
		peer_write(out.data + i, 1);
		turn(0);
	}
	buf_free(&out);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 77);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 77);
	assert_int_equal(t.inbound_count, 2);
	assert_memory_equal(t.heard[1].body, "Em", 2);
}

static void an_unknown_command_is_nacked_and_the_link_stays(void **state)
{
	struct pdu nack;

	(void)state;
	start_bound("");
	peer_write("\0\0\0\x14\0\0\x0f\xff\0\0\0\0\x80\0\0\x07" "body", 20);
	nack = expect_pdu(PDU_GENERIC_NACK);
	assert_int_equal(nack.command_status, ESME_RINVCMDID);
	assert_int_equal(nack.sequence_number, 0x80000007);
	assert_int_equal(t.state, LINK_BOUND);
}

static void an_answer_to_nothing_is_not_answered(void **state)
{
	(void)state;
	start_bound("");
	peer_write("\0\0\0\x10\x80\0\x0f\xff\0\0\0\0\0\0\0\x07", 16);
	peer_write("\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\x07", 16);
	peer_write("\0\0\0\x11\x80\0\0\x04\0\0\0\0\0\0\0\x07\0", 17);
	expect_silence();
	assert_int_equal(t.state, LINK_BOUND);
	assert_int_equal(t.sent_count, 0);
}

static void news_that_asks_for_nothing_is_taken(void **state)
{
	struct pdu outbind = { .command_id = PDU_OUTBIND };
	struct pdu alert = { .command_id = PDU_ALERT_NOTIFICATION };

	(void)state;
	start_bound("");
	peer_send(&outbind);
	peer_send(&alert);
	expect_silence();
	assert_int_equal(t.state, LINK_BOUND);
}

static void a_stream_out_of_step_is_nacked_and_reconnected(void **state)
{
	struct pdu nack;

	(void)state;
	start_bound("");
	t.link->conf.stop_ms = 10;
	peer_write("\xff\xff\xff\xff\0\0\0\x05\0\0\0\0\0\0\0\x09" "rubbish", 23);
	nack = expect_pdu(PDU_GENERIC_NACK);
	assert_int_equal(nack.command_status, ESME_RINVCMDLEN);
	assert_int_equal(nack.sequence_number, 9);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

static void a_peer_that_reads_nothing_is_left(void **state)
{
	static uint8_t many[16 * 4096];
	int size = 4096;

	(void)state;
	for (unsigned i = 0; i < sizeof(many); i += 16)
		memcpy(many + i, "\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01", 16);
	setsockopt(t.listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	start_bound("");
	setsockopt(bufferevent_getfd(t.link->bev), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (t.state == LINK_BOUND) {
		(void)!send(t.peer, many, sizeof(many), MSG_NOSIGNAL | MSG_DONTWAIT);
		turn(0);
	}
	peer_drop();
	accept_bind();
}

/* ---- life signs ---- */

static void an_enquiry_is_answered_with_its_own_number(void **state)
{
	static const uint32_t numbers[] = { 1, 0, 0x80000000, 0xffffffff };
	struct pdu pdu = { .command_id = PDU_ENQUIRE_LINK };

	(void)state;
	start_bound("");
	for (unsigned i = 0; i < 4; i++) {
		pdu.sequence_number = numbers[i];
		peer_send(&pdu);
		assert_int_equal(expect_pdu(PDU_ENQUIRE_LINK | PDU_RESPONSE).sequence_number, numbers[i]);
	}
}

static void it_enquires_and_takes_any_pdu_for_life(void **state)
{
	struct pdu pdu;

	(void)state;
	make_link("");
	t.link->conf.enquire_ms = 40;
	smpp_adapter.start(t.link);
	accept_bind();
	for (unsigned i = 0; i < 6; i++) {
		pdu = expect_pdu(PDU_ENQUIRE_LINK);
		if (i % 2) /* every second question alone: one miss is forgiven */
			peer_respond(&pdu, ESME_ROK, NULL);
	}
	assert_int_equal(t.state, LINK_BOUND);
	assert_int_equal(t.bound_count, 1);
}

static void a_dead_peer_is_left_after_two_questions(void **state)
{
	(void)state;
	make_link("");
	t.link->conf.enquire_ms = 10;
	smpp_adapter.start(t.link);
	accept_bind();
	expect_pdu(PDU_ENQUIRE_LINK);
	expect_pdu(PDU_ENQUIRE_LINK);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

static void a_lost_connection_is_made_again(void **state)
{
	(void)state;
	start_bound("");
	for (unsigned i = 0; i < 3; i++) {
		peer_drop();
		WAIT_FOR(t.state != LINK_BOUND);
		accept_bind();
	}
	assert_int_equal(t.bound_count, 4);
}

static void the_carriers_unbind_is_answered_and_it_binds_again(void **state)
{
	struct pdu unbind = { .command_id = PDU_UNBIND, .sequence_number = 3 };

	(void)state;
	start_bound("");
	t.link->conf.stop_ms = 10;
	peer_send(&unbind);
	assert_int_equal(expect_pdu(PDU_UNBIND | PDU_RESPONSE).sequence_number, 3);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

/* ---- from the phone ---- */

static void a_delivery_is_answered_only_when_it_is_durable(void **state)
{
	struct pdu resp;

	(void)state;
	start_bound("carrier: viettel\n");
	peer_deliver(0x41, 0, "Em can giup");
	WAIT_FOR(t.inbound_count == 1);
	expect_silence();
	assert_string_equal(t.heard[0].in.link, "vtl");
	assert_string_equal(t.heard[0].in.carrier, "viettel");
	assert_string_equal(t.heard[0].in.source, "84912345678");
	assert_memory_equal(t.heard[0].body, "Em can giup", 11);
	received(0, true);
	resp = expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(resp.command_status, ESME_ROK);
	assert_int_equal(resp.sequence_number, 0x41);
	assert_int_equal(resp.message_id.len, 0);
	assert_non_null(resp.message_id.p);
}

static void what_is_not_durable_is_refused_with_the_links_code(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(1, 0, "a");
	WAIT_FOR(t.inbound_count == 1);
	received(0, false);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	t.link->conf.refusal = 0x64;
	peer_deliver(2, 0, "a");
	WAIT_FOR(t.inbound_count == 2);
	received(1, false);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, 0x64);
}

static void the_refusal_code_is_configured(void **state)
{
	(void)state;
	make_link("refusal: 0x45\n");
	assert_int_equal(t.link->conf.refusal, 0x45);
}

static void pipelined_deliveries_are_answered_each_in_its_time(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(10, 0, "first");
	peer_deliver(11, 0, "second");
	WAIT_FOR(t.inbound_count == 2);
	received(1, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 11);
	expect_silence();
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 10);
}

static void too_many_unanswered_deliveries_are_refused(void **state)
{
	struct pdu resp;

	(void)state;
	start_bound("");
	t.link->owed_count = SMPP_OWED_MAX;
	peer_deliver(1, 0, "a");
	resp = expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(resp.command_status, ESME_RMSGQFUL);
	assert_int_equal(t.inbound_count, 0);
	t.link->owed_count = 0;
}

static void a_late_answer_does_not_reach_the_next_connection(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(5, 0, "a");
	WAIT_FOR(t.inbound_count == 1);
	peer_drop();
	WAIT_FOR(t.state != LINK_BOUND);
	accept_bind();
	received(0, true);
	expect_silence();
	peer_deliver(6, 0, "a"); /* the carrier sends it again */
	WAIT_FOR(t.inbound_count == 2);
	received(1, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 6);
}

static void an_answer_after_the_end_of_the_link_is_harmless(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(5, 0, "a");
	WAIT_FOR(t.inbound_count == 1);
	smpp_adapter.destroy(t.link);
	t.link = NULL;
	received(0, true);
}

static void a_data_sm_is_a_delivery_too(void **state)
{
	struct pdu pdu = { .command_id = PDU_DATA_SM, .sequence_number = 8 };

	(void)state;
	start_bound("");
	pdu.tlv[TLV_MESSAGE_PAYLOAD] = octets_of("long text");
	peer_send(&pdu);
	WAIT_FOR(t.inbound_count == 1);
	assert_memory_equal(t.heard[0].body, "long text", 9);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DATA_SM | PDU_RESPONSE).sequence_number, 8);
}

static void an_undecodable_delivery_is_handed_over_raw(void **state)
{
	static const char bytes[] = "\0\0\0\x18\0\0\0\x05\0\0\0\0\0\0\0\x21" "nonsense";

	(void)state;
	start_bound("");
	peer_write(bytes, 24);
	WAIT_FOR(t.inbound_count == 1);
	assert_int_equal(t.heard[0].in.alphabet, ALPHABET_PDU);
	assert_int_equal(t.heard[0].in.body_len, 24);
	assert_memory_equal(t.heard[0].body, bytes, 12);
	assert_memory_equal(t.heard[0].body + 12, "\0\0\0\0", 4); /* a repeat looks the same */
	assert_memory_equal(t.heard[0].body + 16, "nonsense", 8);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 0x21);
}

static void a_receipt_is_answered_at_once_and_is_no_delivery(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(4, 0x04, "id:m7 sub:001 dlvrd:001 stat:DELIVRD err:000 text:");
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	assert_int_equal(t.receipt_count, 1);
	assert_string_equal(t.receipt.provider_ref, "m7");
	assert_int_equal(t.receipt.status, RECEIPT_DELIVERED);
	peer_deliver(5, 0x04, "a receipt of nothing");
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	assert_int_equal(t.receipt_count, 1);
	assert_int_equal(t.inbound_count, 0);
}

static void a_child_that_writes_id_is_heard(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(4, 0, "id:m7 stat:DELIVRD");
	WAIT_FOR(t.inbound_count == 1);
	assert_int_equal(t.receipt_count, 0);
}

/* ---- to the phone ---- */

static void a_text_is_submitted_and_its_id_reported(void **state)
{
	struct outbound out = text_out(1, "Ma 123456");
	struct pdu sm;

	(void)state;
	start_bound("");
	out.validity_ms = 600000;
	assert_true(smpp_adapter.send(t.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "111", 4);
	assert_int_equal(sm.source_addr_ton, 0);
	assert_memory_equal(sm.destination_addr.p, "84912345678", 12);
	assert_int_equal(sm.dest_addr_ton, 1);
	assert_int_equal(sm.dest_addr_npi, 1);
	assert_int_equal(sm.esm_class, 0);
	assert_int_equal(sm.data_coding, 0);
	assert_int_equal(sm.registered_delivery, 0);
	assert_memory_equal(sm.validity_period.p, "000000001000000R", 17);
	assert_int_equal(sm.short_message.len, 9);
	assert_memory_equal(sm.short_message.p, "Ma 123456", 9);
	assert_int_equal(t.sent_count, 0);
	peer_respond(&sm, ESME_ROK, "m-17");
	expect_outcome(0, 1, SENT_OK, "m-17");
}

static void the_source_can_be_given_and_its_type_configured(void **state)
{
	struct outbound out = text_out(1, "x");
	struct pdu sm;

	(void)state;
	start_bound("source: DUONGDAY111\nsource_ton: 3\nsource_npi: 9\n");
	assert_true(smpp_adapter.send(t.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "DUONGDAY111", 12);
	assert_int_equal(sm.source_addr_ton, 3);
	assert_int_equal(sm.source_addr_npi, 9);
	strcpy(out.from, "8088");
	assert_true(smpp_adapter.send(t.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "8088", 5);
}

static void a_success_without_an_id_is_a_success(void **state)
{
	static const char resp[] = "\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\0\x02";
	struct pdu sm;

	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(sm.sequence_number, 2);
	peer_write(resp, 16);
	expect_outcome(0, 1, SENT_OK, "");
}

static void the_window_limits_what_is_in_flight(void **state)
{
	struct pdu first, second;

	(void)state;
	start_bound("window: 3\n");
	assert_true(send_text(1, "a"));
	assert_true(send_text(2, "b"));
	assert_false(send_text(3, "c")); /* the last place is kept for an alert */
	assert_true(send_alert(4, "d"));
	assert_false(send_alert(5, "e"));
	first = expect_pdu(PDU_SUBMIT_SM);
	second = expect_pdu(PDU_SUBMIT_SM);
	assert_true(expect_pdu(PDU_SUBMIT_SM).registered_delivery == 1);
	expect_silence();
	peer_respond(&second, ESME_ROK, "2");
	expect_outcome(0, 2, SENT_OK, "2");
	assert_false(send_text(6, "f"));
	assert_true(send_alert(7, "g"));
	peer_respond(&first, ESME_ROK, "1");
	expect_outcome(1, 1, SENT_OK, "1");
}

static void a_window_of_one_serves_everybody(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 1\n");
	assert_true(send_text(1, "a"));
	assert_false(send_alert(2, "b"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "1");
	expect_outcome(0, 1, SENT_OK, "1");
	assert_true(send_alert(2, "b"));
}

static void throttling_gives_the_text_back_and_pauses_the_link(void **state)
{
	static const uint32_t codes[] = { ESME_RTHROTTLED, ESME_RMSGQFUL };
	struct pdu sm;

	(void)state;
	start_bound("");
	for (uint8_t i = 0; i < 2; i++) {
		assert_true(send_text(i, "x"));
		sm = expect_pdu(PDU_SUBMIT_SM);
		peer_respond(&sm, codes[i], "");
		expect_outcome(i, i, SENT_RETRY, "");
		assert_false(send_text(9, "x"));
		assert_false(send_alert(9, "x"));
		WAIT_FOR(!loop_timer_armed(t.link->throttle_timer));
	}
	assert_true(send_text(9, "x"));
}

static void another_error_is_a_refusal(void **state)
{
	struct pdu sm, nack = { .command_id = PDU_GENERIC_NACK, .command_status = ESME_RINVCMDLEN };

	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, 0x443, "");
	expect_outcome(0, 1, SENT_REFUSED, "");
	assert_true(send_text(2, "x"));
	nack.sequence_number = expect_pdu(PDU_SUBMIT_SM).sequence_number;
	peer_send(&nack);
	expect_outcome(1, 2, SENT_REFUSED, "");
}

static void what_was_in_flight_when_the_link_was_lost_is_in_doubt(void **state)
{
	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	assert_true(send_text(2, "y"));
	expect_pdu(PDU_SUBMIT_SM);
	peer_drop();
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	expect_outcome(1, 2, SENT_IN_DOUBT, "");
	assert_false(send_text(3, "z"));
	accept_bind();
	assert_true(send_text(3, "z"));
	assert_int_equal(t.sent_count, 2);
}

static void an_answer_that_never_comes_leaves_a_doubt(void **state)
{
	struct pdu sm;

	(void)state;
	make_link("");
	t.link->conf.answer_ms = 20;
	smpp_adapter.start(t.link);
	accept_bind();
	assert_true(send_text(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	peer_respond(&sm, ESME_ROK, "late");
	settle();
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.state, LINK_BOUND);
}

static void sequence_numbers_wrap_past_the_signed_maximum(void **state)
{
	(void)state;
	start_bound("");
	t.link->sequence = 0x7ffffffe;
	assert_true(send_text(1, "x"));
	assert_true(send_text(2, "y"));
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).sequence_number, 0x7fffffff);
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).sequence_number, 1);
}

static void a_number_still_in_flight_is_not_used_again(void **state)
{
	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	t.link->sequence = expect_pdu(PDU_SUBMIT_SM).sequence_number - 1;
	assert_true(send_text(2, "y"));
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).sequence_number, t.link->sequence);
	assert_int_equal(t.link->sequence, 3);
}

/* 200 septets: two parts of 153 and 47. */
static const char long_text[] =
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void a_long_text_is_reported_once_with_the_last_id(void **state)
{
	struct pdu one, two;

	(void)state;
	start_bound("");
	assert_true(send_alert(1, long_text));
	one = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(one.esm_class, ESM_UDHI);
	assert_int_equal(one.short_message.len, 6 + 153);
	assert_memory_equal(one.short_message.p, "\x05\x00\x03", 3);
	assert_memory_equal(one.short_message.p + 4, "\x02\x01" "aaa", 5);
	assert_int_equal(one.registered_delivery, 0);
	peer_respond(&one, ESME_ROK, "part-1");
	two = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(two.short_message.len, 6 + 47);
	assert_memory_equal(two.short_message.p + 4, "\x02\x02" "bbb", 5);
	assert_int_equal(two.registered_delivery, 1);
	settle();
	assert_int_equal(t.sent_count, 0);
	peer_respond(&two, ESME_ROK, "part-2");
	expect_outcome(0, 1, SENT_OK, "part-2");
	settle();
	assert_int_equal(t.sent_count, 1);
}

static void a_vietnamese_text_goes_as_utf16(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("");
	assert_true(send_text(1, "Đã nhận 😢"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(sm.data_coding, 8);
	assert_int_equal(sm.short_message.len, 20);
	assert_memory_equal(sm.short_message.p, "\x01\x10\x00\xe3\x00 ", 6);
	assert_memory_equal(sm.short_message.p + 16, "\xd8\x3d\xde\x22", 4);
}

static void a_long_text_larger_than_the_window_still_goes(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 1\n");
	assert_true(send_text(1, long_text));
	assert_false(send_text(2, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	expect_silence();
	peer_respond(&sm, ESME_ROK, "1");
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "2");
	expect_outcome(0, 1, SENT_OK, "2");
}

static void an_alert_overtakes_the_parts_of_a_reply(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 2\n");
	assert_true(send_text(1, long_text)); /* both places are taken by its parts */
	sm = expect_pdu(PDU_SUBMIT_SM);
	expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "1");
	WAIT_FOR(t.link->window.used == 1);
	assert_true(send_alert(2, long_text)); /* its second part has to wait */
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).registered_delivery, 0);
	assert_non_null(t.link->waiting);
	assert_false(send_text(3, "x"));
	assert_false(send_alert(4, "x"));
}

static void a_refused_part_spoils_the_whole_text(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 1\n");
	assert_true(send_text(1, long_text));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_RSYSERR, "");
	expect_outcome(0, 1, SENT_REFUSED, "");
	expect_silence(); /* the second part is not sent */
}

static void a_throttled_part_is_sent_again_alone(void **state)
{
	struct pdu one, two, again;

	(void)state;
	start_bound("");
	assert_true(send_text(1, long_text));
	one = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&one, ESME_ROK, "1");
	two = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&two, ESME_RTHROTTLED, "");
	again = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(again.short_message.len, 6 + 47);
	assert_int_not_equal(again.sequence_number, two.sequence_number);
	peer_respond(&again, ESME_ROK, "2");
	expect_outcome(0, 1, SENT_OK, "2");
}

static void a_part_throttled_for_ever_ends_in_doubt(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 1\n");
	t.link->conf.throttle_ms = t.link->conf.throttle_max_ms = 2;
	assert_true(send_text(1, long_text));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "1");
	for (int i = 0; i < 9; i++) {
		sm = expect_pdu(PDU_SUBMIT_SM);
		peer_respond(&sm, ESME_RTHROTTLED, "");
	}
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
}

static void half_a_text_lost_with_the_link_is_in_doubt(void **state)
{
	(void)state;
	start_bound("window: 1\n");
	assert_true(send_text(1, long_text));
	expect_pdu(PDU_SUBMIT_SM);
	peer_drop();
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	accept_bind();
	expect_silence();
	assert_int_equal(t.sent_count, 1);
}

static void what_can_never_be_sent_is_refused_later_not_at_once(void **state)
{
	struct outbound out = text_out(1, "x");

	(void)state;
	start_bound("");
	strcpy(out.to, "VIETTEL");
	assert_true(smpp_adapter.send(t.link, &out));
	assert_int_equal(t.sent_count, 0);
	expect_outcome(0, 1, SENT_REFUSED, "");
	out.to[0] = '\0';
	assert_true(smpp_adapter.send(t.link, &out));
	expect_outcome(1, 1, SENT_REFUSED, "");
	strcpy(out.to, "+849123456789012345678901234");
	assert_true(smpp_adapter.send(t.link, &out));
	expect_outcome(2, 1, SENT_REFUSED, "");
	out.channel = CHANNEL_USSD;
	assert_true(smpp_adapter.send(t.link, &out));
	expect_outcome(3, 1, SENT_GONE, "");
	expect_silence();
}

/* ---- stopping ---- */

static void stop_unbinds_and_waits_for_the_answer(void **state)
{
	struct pdu unbind;

	(void)state;
	start_bound("");
	smpp_adapter.stop(t.link);
	unbind = expect_pdu(PDU_UNBIND);
	settle();
	assert_int_not_equal(t.state, LINK_STOPPED);
	assert_false(send_text(1, "x"));
	peer_respond(&unbind, ESME_ROK, NULL);
	WAIT_FOR(t.state == LINK_STOPPED);
	WAIT_FOR(peer_closed());
}

static void stop_lets_open_answers_come_first(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_deliver(9, 0, "a");
	WAIT_FOR(t.inbound_count == 1);
	smpp_adapter.stop(t.link);
	expect_silence();
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 9);
	peer_deliver(10, 0, "too late"); /* the carrier keeps it for the next bind */
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	peer_respond(&sm, ESME_ROK, "m1");
	expect_outcome(0, 1, SENT_OK, "m1");
	sm = expect_pdu(PDU_UNBIND);
	peer_respond(&sm, ESME_ROK, NULL);
	WAIT_FOR(t.state == LINK_STOPPED);
}

static void stop_does_not_wait_for_ever(void **state)
{
	(void)state;
	start_bound("");
	t.link->conf.stop_ms = 10;
	assert_true(send_text(1, "x"));
	smpp_adapter.stop(t.link);
	WAIT_FOR(t.state == LINK_STOPPED);
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.sent[0].state, SENT_IN_DOUBT);
}

static void stop_gives_back_what_was_not_written(void **state)
{
	(void)state;
	start_bound("window: 1\n");
	t.link->conf.stop_ms = 10;
	assert_true(send_text(1, long_text));
	smpp_adapter.stop(t.link);
	WAIT_FOR(t.state == LINK_STOPPED);
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.sent[0].state, SENT_IN_DOUBT); /* its first part was written */
}

static void a_link_stops_in_every_state(void **state)
{
	(void)state;
	make_link(""); /* not started */
	smpp_adapter.stop(t.link);
	assert_int_equal(t.state, LINK_STOPPED);
	smpp_adapter.destroy(t.link);

	make_link(""); /* connecting */
	smpp_adapter.start(t.link);
	smpp_adapter.stop(t.link);
	assert_int_equal(t.state, LINK_STOPPED);
	smpp_adapter.destroy(t.link);

	make_link(""); /* binding */
	smpp_adapter.start(t.link);
	WAIT_FOR(t.link->state == SMPP_BINDING);
	smpp_adapter.stop(t.link);
	assert_int_equal(t.state, LINK_STOPPED);
	smpp_adapter.destroy(t.link);
	t.link = NULL;
	while (try_accept())
		peer_drop();

	make_link(""); /* waiting */
	t.link->conf.retry_ms = t.link->conf.retry_max_ms = LONG_MS;
	smpp_adapter.start(t.link);
	WAIT_FOR(try_accept());
	peer_drop();
	WAIT_FOR(t.link->state == SMPP_WAITING);
	smpp_adapter.stop(t.link);
	assert_int_equal(t.state, LINK_STOPPED);
	smpp_adapter.destroy(t.link);

	make_link(""); /* resolving a name that nobody knows */
	strcpy(t.link->conf.host, "h.invalid");
	smpp_adapter.start(t.link);
	smpp_adapter.stop(t.link);
	assert_int_equal(t.state, LINK_STOPPED);
	smpp_adapter.destroy(t.link);
	t.link = NULL;
}

static void a_link_may_be_destroyed_in_the_stopped_callback(void **state)
{
	struct pdu unbind;

	(void)state;
	start_bound("");
	t.destroy_when_stopped = true;
	smpp_adapter.stop(t.link);
	unbind = expect_pdu(PDU_UNBIND);
	peer_respond(&unbind, ESME_ROK, NULL);
	WAIT_FOR(!t.link);
}

static void losing_the_link_while_stopping_ends_it(void **state)
{
	(void)state;
	start_bound("");
	smpp_adapter.stop(t.link);
	expect_pdu(PDU_UNBIND);
	peer_drop();
	WAIT_FOR(t.state == LINK_STOPPED);
	settle();
	assert_false(try_accept());
}

static void rubbish_while_stopping_ends_it(void **state)
{
	(void)state;
	start_bound("");
	smpp_adapter.stop(t.link);
	expect_pdu(PDU_UNBIND);
	peer_write("\xff\xff\xff\xff\0\0\0\x05\0\0\0\0\0\0\0\x09", 16);
	WAIT_FOR(t.state == LINK_STOPPED);
}

/* ---- configuration ---- */

static void expect_config_error(const char *settings, const char *want)
{
	char error[512] = "";

	assert_null(create_link(settings, error, sizeof(error)));
	if (!strstr(error, want))
		fail_msg("wanted \"%s\", got \"%s\"", want, error);
}

static void configuration_faults_name_line_and_column(void **state)
{
	char text[512];

	(void)state;
	expect_config_error("name: vtl\nadapter: smpp\n", "1:1: an smpp link needs 'host'");
	expect_config_error("name: vtl\nhost: h\nport: 70000\n", "3:7: 'port' must lie between 1 and 65535");
	expect_config_error("name: vtl\nhost: h\nport: x\n", "3:7: 'port' must be a number, found 'x'");
	expect_config_error("name: vtl\nhost: [h]\n", "2:7: 'host' must be a single value");
	expect_config_error("name: vtl\nhost: h\nsystem_id: sixteen-octets-xx\n", "3:12: 'system_id'");
	snprintf(text, sizeof(text), "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\ndcs0: klingon\n",
	         t.password_file);
	expect_config_error(text, "5:7: 'dcs0' must be gsm7");
	snprintf(text, sizeof(text),
	         "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\nenquire_link: soon\n",
	         t.password_file);
	expect_config_error(text, "5:15: 'enquire_link' must be a duration");
	snprintf(text, sizeof(text),
	         "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\nshort_codes: '111'\n",
	         t.password_file);
	expect_config_error(text, "5:14: 'short_codes' must be a list");
}

static void a_password_that_others_can_read_is_refused(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\n",
	         t.password_file);
	chmod(t.password_file, 0640);
	expect_config_error(text, "4:16: ");
	unlink(t.password_file);
	expect_config_error(text, "4:16: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_binds_with_the_configured_identity),
		TEST(it_binds_to_a_host_given_by_name),
		TEST(a_wrong_password_is_tried_again),
		TEST(a_refused_bind_waits_longer_than_a_lost_connection),
		TEST(a_nacked_bind_is_a_refused_bind),
		TEST(a_carrier_that_does_not_answer_the_bind_is_left),
		TEST(nobody_listening_is_tried_again),
		TEST(pdus_are_read_octet_by_octet),
		TEST(an_unknown_command_is_nacked_and_the_link_stays),
		TEST(an_answer_to_nothing_is_not_answered),
		TEST(news_that_asks_for_nothing_is_taken),
		TEST(a_stream_out_of_step_is_nacked_and_reconnected),
		TEST(a_peer_that_reads_nothing_is_left),
		TEST(an_enquiry_is_answered_with_its_own_number),
		TEST(it_enquires_and_takes_any_pdu_for_life),
		TEST(a_dead_peer_is_left_after_two_questions),
		TEST(a_lost_connection_is_made_again),
		TEST(the_carriers_unbind_is_answered_and_it_binds_again),
		TEST(a_delivery_is_answered_only_when_it_is_durable),
		TEST(what_is_not_durable_is_refused_with_the_links_code),
		TEST(the_refusal_code_is_configured),
		TEST(pipelined_deliveries_are_answered_each_in_its_time),
		TEST(too_many_unanswered_deliveries_are_refused),
		TEST(a_late_answer_does_not_reach_the_next_connection),
		TEST(an_answer_after_the_end_of_the_link_is_harmless),
		TEST(a_data_sm_is_a_delivery_too),
		TEST(an_undecodable_delivery_is_handed_over_raw),
		TEST(a_receipt_is_answered_at_once_and_is_no_delivery),
		TEST(a_child_that_writes_id_is_heard),
		TEST(a_text_is_submitted_and_its_id_reported),
		TEST(the_source_can_be_given_and_its_type_configured),
		TEST(a_success_without_an_id_is_a_success),
		TEST(the_window_limits_what_is_in_flight),
		TEST(a_window_of_one_serves_everybody),
		TEST(throttling_gives_the_text_back_and_pauses_the_link),
		TEST(another_error_is_a_refusal),
		TEST(what_was_in_flight_when_the_link_was_lost_is_in_doubt),
		TEST(an_answer_that_never_comes_leaves_a_doubt),
		TEST(sequence_numbers_wrap_past_the_signed_maximum),
		TEST(a_number_still_in_flight_is_not_used_again),
		TEST(a_long_text_is_reported_once_with_the_last_id),
		TEST(a_vietnamese_text_goes_as_utf16),
		TEST(a_long_text_larger_than_the_window_still_goes),
		TEST(an_alert_overtakes_the_parts_of_a_reply),
		TEST(a_refused_part_spoils_the_whole_text),
		TEST(a_throttled_part_is_sent_again_alone),
		TEST(a_part_throttled_for_ever_ends_in_doubt),
		TEST(half_a_text_lost_with_the_link_is_in_doubt),
		TEST(what_can_never_be_sent_is_refused_later_not_at_once),
		TEST(stop_unbinds_and_waits_for_the_answer),
		TEST(stop_lets_open_answers_come_first),
		TEST(stop_does_not_wait_for_ever),
		TEST(stop_gives_back_what_was_not_written),
		TEST(a_link_stops_in_every_state),
		TEST(a_link_may_be_destroyed_in_the_stopped_callback),
		TEST(losing_the_link_while_stopping_ends_it),
		TEST(rubbish_while_stopping_ends_it),
		TEST(configuration_faults_name_line_and_column),
		TEST(a_password_that_others_can_read_is_refused),
	};

	return cmocka_run_group_tests_name("smpp_link", tests, NULL, NULL);
}
