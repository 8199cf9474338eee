/* The scripted carrier and the daemon that writes down what it is told. */
#include "smpp_carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/yaml.h"

struct rig rig;

const char long_text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	struct heard *h = &rig.heard[rig.inbound_count++ % 8];

	assert_ptr_equal(ctx, &rig);
	h->in = *in;
	memcpy(h->body, in->body, in->body_len < sizeof(h->body) ? in->body_len : sizeof(h->body));
	h->done = done;
	h->arg = arg;
	if (rig.answer_at_once)
		done(arg, true);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	struct outcome *o = &rig.sent[rig.sent_count++ % 32];

	(void)ctx;
	o->id = *id;
	o->state = state;
	snprintf(o->ref, sizeof(o->ref), "%s", ref);
}

static void on_receipt(void *ctx, const char *link, const struct receipt *receipt)
{
	(void)ctx;
	assert_string_equal(link, "vtl");
	rig.receipt = *receipt;
	rig.receipt_count++;
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	(void)ctx;
	assert_string_equal(link, "vtl");
	rig.state = state;
	rig.bound_count += state == LINK_BOUND;
	if (state == LINK_STOPPED && rig.destroy_when_stopped) {
		smpp_adapter.destroy(rig.link);
		rig.link = NULL;
	}
}

static void on_ready(void *ctx, const char *link)
{
	(void)ctx;
	(void)link;
	rig.ready_count++;
}

static void on_lost(void *ctx, const char *link)
{
	(void)ctx;
	(void)link;
	rig.lost_count++;
}

/* ---- turning the loop ---- */

bool turn(int64_t deadline_ms)
{
	struct pollfd idle = { .fd = -1 };

	if (event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK) < 0)
		fail_msg("event loop failed");
	poll(&idle, 0, 1);
	return loop_now_ms(rig.loop) < deadline_ms;
}

/* Long enough for anything that is due at once to have happened. */
void settle(void)
{
	for (int i = 0; i < 10; i++)
		turn(0);
}

/* ---- the carrier's side ---- */

bool try_accept(void)
{
	rig.peer = accept4(rig.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return rig.peer >= 0;
}

static bool try_read(uint8_t *to, size_t len, size_t *got)
{
	ssize_t n = recv(rig.peer, to + *got, len - *got, MSG_DONTWAIT);

	if (n > 0)
		*got += (size_t)n;
	return *got == len;
}

/* The next PDU from the link, whose command must be the one expected. Good until the next call. */
struct pdu expect_pdu(uint32_t command_id)
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

void expect_silence(void)
{
	uint8_t byte;

	settle();
	assert_int_equal(recv(rig.peer, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

bool peer_closed(void)
{
	uint8_t byte;
	ssize_t n = recv(rig.peer, &byte, 1, MSG_DONTWAIT);

	if (n > 0)
		fail_msg("the link says more before it closes");
	return n == 0 || errno == ECONNRESET;
}

void peer_write(const void *bytes, size_t len)
{
	assert_int_equal(send(rig.peer, bytes, len, MSG_NOSIGNAL), len);
}

void peer_send(const struct pdu *pdu)
{
	struct buf out = { 0 };

	assert_true(pdu_encode(pdu, &out));
	peer_write(out.data, out.len);
	buf_free(&out);
}

void peer_respond(const struct pdu *request, uint32_t status, const char *message_id)
{
	struct pdu pdu = { .command_id = request->command_id | PDU_RESPONSE, .command_status = status,
		           .sequence_number = request->sequence_number };

	pdu.message_id = octets_of(message_id);
	peer_send(&pdu);
}

void peer_deliver(uint32_t sequence, uint8_t esm_class, const char *text)
{
	struct pdu pdu = { .command_id = PDU_DELIVER_SM, .sequence_number = sequence,
		           .esm_class = esm_class };

	pdu.source_addr = octets_of("84912345678");
	pdu.destination_addr = octets_of("111");
	pdu.short_message = octets_of(text);
	peer_send(&pdu);
}

void peer_drop(void)
{
	close(rig.peer);
	rig.peer = -1;
}

/* Lets the link bind; whatever it had before is gone. */
void accept_bind(void)
{
	struct pdu bind;
	unsigned before = rig.bound_count;

	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	peer_respond(&bind, ESME_ROK, NULL);
	WAIT_FOR(rig.bound_count > before);
}

/* ---- fixture ---- */

static void listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rig.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(rig.listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(rig.listener, 8), 0);
	assert_int_equal(getsockname(rig.listener, (struct sockaddr *)&address, &len), 0);
	rig.port = ntohs(address.sin_port);
}

struct link *create_link(const char *settings, char *error, size_t error_size)
{
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse(settings, strlen(settings), &fault);
	struct link *link;

	if (!map)
		fail_msg("%u:%u: %s", fault.line, fault.column, fault.text);
	link = smpp_adapter.create(&rig.host, "vtl", map, error, error_size);
	yaml_free(map);
	return link;
}

void make_link(const char *more)
{
	char settings[1024], error[256] = "";

	snprintf(settings, sizeof(settings),
	         "name: vtl\nadapter: smpp\nhost: 127.0.0.1\nport: %u\nsystem_id: hotline\n"
	         "password_file: %s\nshort_codes: ['111']\n%s", rig.port, rig.password_file, more);
	rig.link = create_link(settings, error, sizeof(error));
	if (!rig.link)
		fail_msg("%s", error);
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = 4;
	rig.link->conf.refused_ms = rig.link->conf.refused_max_ms = 4;
	rig.link->conf.throttle_ms = rig.link->conf.throttle_max_ms = 40;
	rig.link->conf.enquire_ms = rig.link->conf.answer_ms = LONG_MS;
	rig.link->conf.connect_ms = rig.link->conf.stop_ms = LONG_MS;
}

void start_bound(const char *more)
{
	make_link(more);
	smpp_adapter.start(rig.link);
	accept_bind();
}

int carrier_setup(void **state)
{
	int fd;

	(void)state;
	log_setup(getenv("VERBOSE") ? LOG_DEBUG_ : LOG_ERROR_ + 1);
	memset(&rig, 0, sizeof(rig));
	rig.peer = -1;
	rig.loop = loop_new();
	rig.host = (struct adapter_host){ .ctx = &rig, .loop = rig.loop, .inbound = on_inbound,
		                          .sent = on_sent, .receipt = on_receipt, .state = on_state,
		                          .ready = on_ready, .lost = on_lost };
	strcpy(rig.password_file, "/tmp/hotlined-test-XXXXXX");
	fd = mkstemp(rig.password_file);
	if (fd < 0 || write(fd, "s3cret\nnot this\n", 16) != 16)
		return -1;
	close(fd);
	listen_somewhere();
	return 0;
}

int carrier_teardown(void **state)
{
	(void)state;
	if (rig.peer >= 0)
		close(rig.peer);
	close(rig.listener);
	if (rig.link) {
		smpp_adapter.stop(rig.link);
		rig.link->conf.stop_ms = 0;
		smpp_adapter.destroy(rig.link);
	}
	/* What was never answered before the link went is answered now: it must be harmless. */
	for (unsigned i = 0; i < rig.inbound_count && i < 8; i++) {
		if (rig.heard[i].done && !rig.answer_at_once)
			rig.heard[i].done(rig.heard[i].arg, true);
	}
	settle();
	loop_free(rig.loop);
	unlink(rig.password_file);
	return 0;
}

/* Answers the i-th delivery. */
void received(unsigned i, bool ok)
{
	received_fn *done = rig.heard[i].done;

	rig.heard[i].done = NULL;
	done(rig.heard[i].arg, ok);
}

struct outbound text_out(uint8_t number, const char *text)
{
	struct outbound out = { .id = { { number } }, .to = "+84912345678", .text = text,
		                .validity_ms = LONG_MS };

	return out;
}

static bool send_with(uint8_t number, const char *text, enum outbound_priority priority)
{
	struct outbound out = text_out(number, text);

	out.priority = priority;
	return smpp_adapter.send(rig.link, &out);
}

bool send_text(uint8_t number, const char *text)
{
	return send_with(number, text, OUTBOUND_REPLY);
}

bool send_calm_alert(uint8_t number, const char *text)
{
	return send_with(number, text, OUTBOUND_ALERT);
}

bool send_alert(uint8_t number, const char *text)
{
	return send_with(number, text, OUTBOUND_URGENT);
}

void expect_outcome(unsigned i, uint8_t number, enum sent_state state, const char *ref)
{
	WAIT_FOR(rig.sent_count > i);
	assert_int_equal(rig.sent[i].id.b[0], number);
	assert_int_equal(rig.sent[i].state, state);
	assert_string_equal(rig.sent[i].ref, ref);
}
