/* A link against a scripted carrier: binding, reading, signs of life, stopping, settings. */
#include "smpp_carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

/* ---- binding ---- */

static void it_binds_with_the_configured_identity(void **state)
{
	struct pdu bind;

	(void)state;
	make_link("system_type: HL\n");
	assert_int_equal(smpp_adapter.state(rig.link), LINK_DOWN);
	smpp_adapter.start(rig.link);
	assert_int_equal(rig.state, LINK_CONNECTING);
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
	WAIT_FOR(rig.state == LINK_BOUND);
	assert_int_equal(smpp_adapter.state(rig.link), LINK_BOUND);
}

static void it_binds_to_a_host_given_by_name(void **state)
{
	char settings[512], error[256];

	(void)state;
	snprintf(settings, sizeof(settings),
	         "{name: vtl, adapter: smpp, host: localhost, port: %u, system_id: h, password_file: %s}",
	         rig.port, rig.password_file);
	rig.link = create_link(settings, error, sizeof(error));
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = 4;
	smpp_adapter.start(rig.link);
	accept_bind();
}

static void a_wrong_password_is_tried_again(void **state)
{
	struct pdu bind;

	(void)state;
	make_link("");
	smpp_adapter.start(rig.link);
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
	rig.link->conf.refused_ms = rig.link->conf.refused_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	peer_drop(); /* lost: comes back at once */
	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	peer_respond(&bind, ESME_RINVSYSID, NULL);
	WAIT_FOR(rig.state == LINK_DOWN);
	peer_drop();
	settle();
	assert_false(try_accept());
}

static void a_nacked_bind_is_a_refused_bind(void **state)
{
	struct pdu bind, nack = { .command_id = PDU_GENERIC_NACK };

	(void)state;
	make_link("");
	smpp_adapter.start(rig.link);
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
	rig.link->conf.connect_ms = 20;
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	expect_pdu(PDU_BIND_TRANSCEIVER);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

static void nobody_listening_is_tried_again(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(rig.port) };
	int one = 1;

	(void)state;
	close(rig.listener);
	make_link("");
	smpp_adapter.start(rig.link);
	WAIT_FOR(rig.link->binds[0].tries > 3);
	assert_true(rig.state == LINK_DOWN || rig.state == LINK_CONNECTING);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rig.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(rig.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(rig.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(rig.listener, 8), 0);
	accept_bind();
}

/* ---- reading ---- */

static void pdus_are_read_octet_by_octet(void **state)
{
	struct pdu pdu = { .command_id = PDU_BIND_TRANSCEIVER | PDU_RESPONSE };
	struct buf out = { 0 };

	(void)state;
	rig.answer_at_once = true;
	make_link("");
	smpp_adapter.start(rig.link);
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
	assert_int_equal(rig.inbound_count, 2);
	assert_memory_equal(rig.heard[1].body, "Em", 2);
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
	assert_int_equal(rig.state, LINK_BOUND);
}

static void an_answer_to_nothing_is_not_answered(void **state)
{
	(void)state;
	start_bound("");
	peer_write("\0\0\0\x10\x80\0\x0f\xff\0\0\0\0\0\0\0\x07", 16);
	peer_write("\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\x07", 16);
	peer_write("\0\0\0\x11\x80\0\0\x04\0\0\0\0\0\0\0\x07\0", 17);
	expect_silence();
	assert_int_equal(rig.state, LINK_BOUND);
	assert_int_equal(rig.sent_count, 0);
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
	assert_int_equal(rig.state, LINK_BOUND);
}

static void a_stream_out_of_step_is_nacked_and_reconnected(void **state)
{
	struct pdu nack;

	(void)state;
	start_bound("");
	rig.link->conf.stop_ms = 10;
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
	setsockopt(rig.listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	start_bound("");
	setsockopt(bufferevent_getfd(rig.link->binds[0].bev), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (rig.state == LINK_BOUND) {
		size_t unread = evbuffer_get_length(bufferevent_get_output(rig.link->binds[0].bev));

		assert_in_range(unread, 0, 2 << 20);
		(void)!send(rig.peer, many, sizeof(many), MSG_NOSIGNAL | MSG_DONTWAIT);
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
	rig.link->conf.enquire_ms = 40;
	smpp_adapter.start(rig.link);
	accept_bind();
	for (unsigned i = 0; i < 6; i++) {
		pdu = expect_pdu(PDU_ENQUIRE_LINK);
		if (i % 2) /* every second question alone: one miss is forgiven */
			peer_respond(&pdu, ESME_ROK, NULL);
	}
	assert_int_equal(rig.state, LINK_BOUND);
	assert_int_equal(rig.bound_count, 1);
}

static void a_dead_peer_is_left_after_two_questions(void **state)
{
	(void)state;
	make_link("");
	rig.link->conf.enquire_ms = 10;
	smpp_adapter.start(rig.link);
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
		WAIT_FOR(rig.state != LINK_BOUND);
		accept_bind();
	}
	assert_int_equal(rig.bound_count, 4);
}

static void the_carriers_unbind_is_answered_and_it_binds_again(void **state)
{
	struct pdu unbind = { .command_id = PDU_UNBIND, .sequence_number = 3 };

	(void)state;
	start_bound("");
	rig.link->conf.stop_ms = 10;
	peer_send(&unbind);
	assert_int_equal(expect_pdu(PDU_UNBIND | PDU_RESPONSE).sequence_number, 3);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind();
}

/* ---- stopping ---- */

static void stop_unbinds_and_waits_for_the_answer(void **state)
{
	struct pdu unbind;

	(void)state;
	start_bound("");
	smpp_adapter.stop(rig.link);
	unbind = expect_pdu(PDU_UNBIND);
	settle();
	assert_int_not_equal(rig.state, LINK_STOPPED);
	assert_false(send_text(1, "x"));
	peer_respond(&unbind, ESME_ROK, NULL);
	WAIT_FOR(rig.state == LINK_STOPPED);
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
	WAIT_FOR(rig.inbound_count == 1);
	smpp_adapter.stop(rig.link);
	expect_silence();
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 9);
	peer_deliver(10, 0, "too late"); /* the carrier keeps it for the next bind */
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	peer_respond(&sm, ESME_ROK, "m1");
	expect_outcome(0, 1, SENT_OK, "m1");
	sm = expect_pdu(PDU_UNBIND);
	peer_respond(&sm, ESME_ROK, NULL);
	WAIT_FOR(rig.state == LINK_STOPPED);
}

static void stop_does_not_wait_for_ever(void **state)
{
	(void)state;
	start_bound("");
	rig.link->conf.stop_ms = 10;
	assert_true(send_text(1, "x"));
	smpp_adapter.stop(rig.link);
	WAIT_FOR(rig.state == LINK_STOPPED);
	assert_int_equal(rig.sent_count, 1);
	assert_int_equal(rig.sent[0].state, SENT_IN_DOUBT);
}

static void stop_gives_back_what_was_not_written(void **state)
{
	(void)state;
	start_bound("window: 1\n");
	rig.link->conf.stop_ms = 10;
	assert_true(send_text(1, long_text));
	smpp_adapter.stop(rig.link);
	WAIT_FOR(rig.state == LINK_STOPPED);
	assert_int_equal(rig.sent_count, 1);
	assert_int_equal(rig.sent[0].state, SENT_IN_DOUBT); /* its first part was written */
}

static void a_link_stops_in_every_state(void **state)
{
	(void)state;
	make_link(""); /* not started */
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
	smpp_adapter.destroy(rig.link);

	make_link(""); /* connecting */
	smpp_adapter.start(rig.link);
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
	smpp_adapter.destroy(rig.link);

	make_link(""); /* binding */
	smpp_adapter.start(rig.link);
	WAIT_FOR(rig.link->binds[0].state == SMPP_BINDING);
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
	while (try_accept())
		peer_drop();

	make_link(""); /* waiting */
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	peer_drop();
	WAIT_FOR(rig.link->binds[0].state == SMPP_WAITING);
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
	smpp_adapter.destroy(rig.link);

	make_link(""); /* resolving a name that nobody knows */
	strcpy(rig.link->conf.host, "h.invalid");
	smpp_adapter.start(rig.link);
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
}

static void a_link_may_be_destroyed_in_the_stopped_callback(void **state)
{
	struct pdu unbind;

	(void)state;
	start_bound("");
	rig.destroy_when_stopped = true;
	smpp_adapter.stop(rig.link);
	unbind = expect_pdu(PDU_UNBIND);
	peer_respond(&unbind, ESME_ROK, NULL);
	WAIT_FOR(!rig.link);
}

static void losing_the_link_while_stopping_ends_it(void **state)
{
	(void)state;
	start_bound("");
	smpp_adapter.stop(rig.link);
	expect_pdu(PDU_UNBIND);
	peer_drop();
	WAIT_FOR(rig.state == LINK_STOPPED);
	settle();
	assert_false(try_accept());
}

static void rubbish_while_stopping_ends_it(void **state)
{
	(void)state;
	start_bound("");
	smpp_adapter.stop(rig.link);
	expect_pdu(PDU_UNBIND);
	peer_write("\xff\xff\xff\xff\0\0\0\x05\0\0\0\0\0\0\0\x09", 16);
	WAIT_FOR(rig.state == LINK_STOPPED);
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
	         rig.password_file);
	expect_config_error(text, "5:7: 'dcs0' must be gsm7");
	snprintf(text, sizeof(text),
	         "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\nenquire_link: soon\n",
	         rig.password_file);
	expect_config_error(text, "5:15: 'enquire_link' must be a duration");
	snprintf(text, sizeof(text),
	         "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\nshort_codes: '111'\n",
	         rig.password_file);
	expect_config_error(text, "5:14: 'short_codes' must be a list");
}

static void a_password_that_others_can_read_is_refused(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\n",
	         rig.password_file);
	chmod(rig.password_file, 0640);
	expect_config_error(text, "4:16: ");
	unlink(rig.password_file);
	expect_config_error(text, "4:16: ");
}

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
