/* A link of several connections, its rate, what an operator asks of it, and TLS. */
#include "smpp_carrier.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEERS_MAX = 4 };

/* Accepts the next connection and its bind request as peers[i]. */
static struct pdu accept_as(int peers[], unsigned i, uint32_t command_id)
{
	struct pdu bind;

	WAIT_FOR(try_accept());
	peers[i] = rig.peer;
	bind = expect_pdu(command_id);
	peer_respond(&bind, ESME_ROK, NULL);
	return bind;
}

static void let_go(int peers[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(peers[i]);
	rig.peer = -1;
}

/* ---- several connections ---- */

static void a_pair_receives_on_one_and_transmits_on_the_other(void **state)
{
	int peers[2];

	(void)state;
	make_link("bind: pair\n");
	smpp_adapter.start(rig.link);
	accept_as(peers, 0, PDU_BIND_RECEIVER);
	settle();
	assert_int_not_equal(rig.state, LINK_BOUND); /* nothing can be sent yet */
	accept_as(peers, 1, PDU_BIND_TRANSMITTER);
	WAIT_FOR(rig.state == LINK_BOUND);
	assert_true(send_text(1, "x"));
	expect_pdu(PDU_SUBMIT_SM);
	rig.peer = peers[0];
	peer_deliver(9, 0, "a");
	WAIT_FOR(rig.inbound_count == 1);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 9);
	let_go(peers, 2);
}

static void a_receiver_alone_sends_nothing(void **state)
{
	int peers[1];

	(void)state;
	make_link("bind: receiver\n");
	smpp_adapter.start(rig.link);
	accept_as(peers, 0, PDU_BIND_RECEIVER);
	WAIT_FOR(rig.state == LINK_BOUND);
	assert_false(send_text(1, "x"));
	assert_false(send_alert(2, "x"));
	let_go(peers, 1);
}

static void several_binds_share_the_texts_and_survive_each_other(void **state)
{
	int peers[3];

	(void)state;
	make_link("binds: 3\nwindow: 2\n");
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	for (unsigned i = 0; i < 3; i++)
		accept_as(peers, i, PDU_BIND_TRANSCEIVER);
	WAIT_FOR(rig.link->binds[2].state == SMPP_BOUND);
	for (uint8_t i = 0; i < 3; i++)
		assert_true(send_text(i, "x"));
	assert_false(send_text(9, "x")); /* one place of each is kept for alerts */
	for (unsigned i = 0; i < 3; i++) {
		rig.peer = peers[i];
		expect_pdu(PDU_SUBMIT_SM);
	}
	close(peers[1]);
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	assert_int_equal(rig.state, LINK_BOUND);
	assert_int_equal(rig.lost_count, 1); /* its answers are in doubt all the same */
	assert_int_equal(rig.sent_count, 1);
	assert_true(send_alert(4, "x"));
	peers[1] = peers[2];
	let_go(peers, 2);
}

static void a_silent_connection_fills_up_and_the_other_goes_on(void **state)
{
	int peers[2];

	(void)state;
	make_link("binds: 2\nwindow: 3\n");
	smpp_adapter.start(rig.link);
	accept_as(peers, 0, PDU_BIND_TRANSCEIVER);
	accept_as(peers, 1, PDU_BIND_TRANSCEIVER);
	WAIT_FOR(rig.link->binds[1].state == SMPP_BOUND);
	rig.peer = peers[1];
	for (uint8_t i = 0; i < 20; i++) {
		unsigned before = rig.sent_count;

		assert_true(send_text(i, "x"));
		if (rig.link->binds[1].window.used > 0) {
			struct pdu sm = expect_pdu(PDU_SUBMIT_SM);

			peer_respond(&sm, ESME_ROK, "");
			WAIT_FOR(rig.sent_count > before);
		}
	}
	assert_int_equal(rig.link->binds[0].window.used, 1); /* the emptier one is preferred */
	let_go(peers, 2);
}

static void parts_wait_for_the_other_connection_when_one_is_lost(void **state)
{
	int peers[2];
	struct pdu sm;

	(void)state;
	make_link("binds: 2\nwindow: 1\n");
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	accept_as(peers, 0, PDU_BIND_TRANSCEIVER);
	accept_as(peers, 1, PDU_BIND_TRANSCEIVER);
	WAIT_FOR(rig.link->binds[1].state == SMPP_BOUND);
	assert_true(send_text(1, "x"));         /* on the first */
	assert_true(send_text(2, long_text));   /* its first part on the second */
	rig.peer = peers[0];
	expect_pdu(PDU_SUBMIT_SM);
	close(peers[0]);
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	rig.peer = peers[1];
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "1");
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "2");
	expect_outcome(1, 2, SENT_OK, "2");
	peers[0] = peers[1];
	let_go(peers, 1);
}

/* ---- rate and order ---- */

static void the_agreed_rate_holds_replies_back_and_says_when(void **state)
{
	(void)state;
	start_bound("rate: 2\n");
	assert_true(send_text(1, "a"));
	expect_pdu(PDU_SUBMIT_SM);
	assert_false(send_text(2, "b"));
	assert_false(send_calm_alert(3, "c"));
	assert_true(send_alert(3, "c")); /* what is urgent borrows */
	expect_pdu(PDU_SUBMIT_SM);
	assert_false(send_text(2, "b"));
	loop_skip_ms(rig.loop, 1000);
	WAIT_FOR(rig.ready_count > 0);
	assert_true(send_text(2, "b"));
}

static void the_parts_of_a_text_keep_to_the_rate(void **state)
{
	(void)state;
	start_bound("rate: 1\n");
	assert_true(send_text(1, long_text));
	expect_pdu(PDU_SUBMIT_SM);
	expect_silence();
	loop_skip_ms(rig.loop, 1000);
	expect_pdu(PDU_SUBMIT_SM);
}

static void alerts_keep_their_order(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("window: 1\n");
	assert_true(send_alert(1, long_text));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(sm.short_message.p[5], 1);
	peer_respond(&sm, ESME_RTHROTTLED, "");
	settle();
	assert_false(send_alert(2, "x"));
	loop_skip_ms(rig.loop, 1000);
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(sm.short_message.p[5], 1); /* the part that was put off, not the next */
}

/* ---- operators ---- */

static void a_paused_link_hears_but_does_not_speak(void **state)
{
	struct link_status s;

	(void)state;
	rig.answer_at_once = true;
	start_bound("");
	smpp_adapter.order(rig.link, LINK_PAUSE);
	assert_false(send_text(1, "x"));
	peer_deliver(3, 0, "a");
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	smpp_adapter.status(rig.link, &s);
	assert_true(s.paused);
	assert_string_equal(s.state, "paused");
	assert_int_equal(s.deliveries, 1);
	assert_int_equal(s.bound, 1);
	smpp_adapter.order(rig.link, LINK_RESUME);
	assert_true(send_text(1, "x"));
}

static void a_drained_link_leaves_in_order_and_comes_back_when_told(void **state)
{
	struct link_status s;
	struct pdu pdu;

	(void)state;
	start_bound("");
	assert_true(send_text(1, "x"));
	pdu = expect_pdu(PDU_SUBMIT_SM);
	smpp_adapter.order(rig.link, LINK_DRAIN);
	expect_silence();
	peer_respond(&pdu, ESME_ROK, "m1");
	expect_outcome(0, 1, SENT_OK, "m1");
	pdu = expect_pdu(PDU_UNBIND);
	peer_respond(&pdu, ESME_ROK, NULL);
	WAIT_FOR(peer_closed());
	peer_drop();
	WAIT_FOR(rig.state == LINK_DOWN);
	loop_skip_ms(rig.loop, 3600 * 1000);
	settle();
	assert_false(try_accept());
	smpp_adapter.status(rig.link, &s);
	assert_true(s.drained);
	assert_string_equal(s.state, "drained");
	smpp_adapter.order(rig.link, LINK_RESUME);
	accept_bind();
}

static void a_drained_link_can_be_stopped(void **state)
{
	struct pdu pdu;

	(void)state;
	start_bound("");
	smpp_adapter.order(rig.link, LINK_DRAIN);
	pdu = expect_pdu(PDU_UNBIND);
	peer_respond(&pdu, ESME_ROK, NULL);
	WAIT_FOR(rig.link->binds[0].state == SMPP_PARKED);
	smpp_adapter.stop(rig.link);
	assert_int_equal(rig.state, LINK_STOPPED);
}

static char traced[4][256];
static unsigned traced_count;

static void keep_trace(void *arg, const char *link, bool out, const char *line)
{
	assert_ptr_equal(arg, traced);
	assert_string_equal(link, "vtl");
	snprintf(traced[traced_count++ % 4], 256, "%c %s", out ? '>' : '<', line);
}

static void a_trace_shows_both_ways_until_it_is_ended(void **state)
{
	(void)state;
	traced_count = 0;
	rig.answer_at_once = true;
	start_bound("");
	smpp_adapter.trace(rig.link, keep_trace, traced);
	peer_deliver(3, 0, "secret");
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(traced_count, 2);
	assert_non_null(strstr(traced[0], "< deliver_sm sequence=3"));
	assert_null(strstr(traced[0], "secret"));
	assert_non_null(strstr(traced[1], "> deliver_sm_resp sequence=3"));
	smpp_adapter.trace(rig.link, NULL, NULL);
	peer_deliver(4, 0, "secret");
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(traced_count, 2);
}

static void the_last_error_is_in_words(void **state)
{
	struct link_status s;
	struct pdu bind;

	(void)state;
	make_link("");
	rig.link->conf.refused_ms = rig.link->conf.refused_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	bind = expect_pdu(PDU_BIND_TRANSCEIVER);
	peer_respond(&bind, ESME_RINVPASWD, NULL);
	WAIT_FOR(rig.state == LINK_DOWN);
	smpp_adapter.status(rig.link, &s);
	assert_non_null(strstr(s.last_error, "invalid password"));
	assert_non_null(strstr(s.last_error, "check password_file"));
	assert_int_equal(s.bind_refusals, 1);
	assert_string_equal(s.state, "waiting");
}

/* ---- refusing deliveries ---- */

static void refuse_one(uint32_t sequence)
{
	unsigned before = rig.inbound_count;

	peer_deliver(sequence, 0, "a");
	WAIT_FOR(rig.inbound_count > before);
	rig.heard[before % 8].done(rig.heard[before % 8].arg, false);
	rig.heard[before % 8].done = NULL;
}

static void long_refusing_stops_reading_then_unbinds(void **state)
{
	struct pdu pdu;

	(void)state;
	start_bound("refusal_pause: 5s\nrefusal_unbind: 20s\n");
	refuse_one(1);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	loop_skip_ms(rig.loop, 5000);
	refuse_one(2);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	peer_deliver(3, 0, "nobody reads this");
	expect_silence();
	assert_int_equal(rig.inbound_count, 2);
	loop_skip_ms(rig.loop, 5000);
	WAIT_FOR(rig.inbound_count == 3); /* now it is read */
	received(2, false);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	loop_skip_ms(rig.loop, 10000);
	refuse_one(4);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	pdu = expect_pdu(PDU_UNBIND);
	peer_respond(&pdu, ESME_ROK, NULL);
	WAIT_FOR(peer_closed());
	peer_drop();
	accept_bind(); /* and is back by itself */
}

static void one_delivery_that_is_kept_ends_the_refusing(void **state)
{
	(void)state;
	start_bound("refusal_pause: 5s\n");
	refuse_one(1);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	loop_skip_ms(rig.loop, 4000);
	peer_deliver(2, 0, "a");
	WAIT_FOR(rig.inbound_count == 2);
	received(1, true);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	loop_skip_ms(rig.loop, 4000);
	refuse_one(3);
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	peer_deliver(4, 0, "b");
	WAIT_FOR(rig.inbound_count == 4);
}

/* ---- where connections start ---- */

static void connections_start_at_the_given_address(void **state)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	(void)state;
	start_bound("local_address: 127.0.0.7\n");
	assert_int_equal(getpeername(rig.peer, (struct sockaddr *)&from, &len), 0);
	assert_string_equal(inet_ntoa(from.sin_addr), "127.0.0.7");
}

static void an_address_that_is_not_ours_is_told_and_tried_again(void **state)
{
	struct link_status s;

	(void)state;
	make_link("local_address: 192.0.2.1\n");
	smpp_adapter.start(rig.link);
	WAIT_FOR(rig.link->binds[0].tries > 2);
	smpp_adapter.status(rig.link, &s);
	assert_in_range(s.connects, 3, 1000);
}

/* ---- receipts ---- */

static void a_receipt_before_the_answer_is_told_again_under_its_name(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("");
	assert_true(send_alert(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_deliver(4, 0x04, "id:0059113978 stat:DELIVRD");
	WAIT_FOR(rig.receipt_count == 1);
	assert_string_equal(rig.receipt.provider_ref, "59113978"); /* for whoever may know it */
	peer_respond(&sm, ESME_ROK, "38601FA");
	expect_outcome(0, 1, SENT_OK, "38601fa");
	WAIT_FOR(rig.receipt_count == 2);
	assert_string_equal(rig.receipt.provider_ref, "38601fa");
	assert_int_equal(rig.receipt.status, RECEIPT_DELIVERED);
}

static void a_receipt_that_comes_twice_is_told_twice_under_one_name(void **state)
{
	struct pdu sm;

	(void)state;
	start_bound("submit_id: hex\nreceipt_id: decimal\n");
	assert_true(send_alert(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "0C");
	expect_outcome(0, 1, SENT_OK, "12");
	for (unsigned i = 1; i <= 2; i++) {
		peer_deliver(i, 0x04, "id:0000000012 stat:UNDELIV");
		WAIT_FOR(rig.receipt_count == i);
		assert_string_equal(rig.receipt.provider_ref, "12");
		assert_int_equal(rig.receipt.status, RECEIPT_FAILED);
	}
}

/* ---- TLS ---- */

static char cert_file[64], key_file[64];

static EVP_PKEY *make_key(void)
{
	return EVP_EC_gen("P-256");
}

/* A certificate of its own making that names localhost and 127.0.0.1. */
static X509 *make_cert(EVP_PKEY *key, const char *names)
{
	X509 *cert = X509_new();
	X509V3_CTX context;
	X509_EXTENSION *extension;

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_set_version(cert, 2);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	                           (const unsigned char *)"carrier", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	X509_sign(cert, key, EVP_sha256());
	return cert;
}

static FILE *new_file(char path[64])
{
	strcpy(path, "/tmp/hotlined-test-XXXXXX");
	return fdopen(mkstemp(path), "w");
}

/* The carrier's TLS side: blocking calls would stop the link, so everything is retried. */
struct secure {
	SSL_CTX *context;
	SSL *ssl;
	EVP_PKEY *key;
	X509 *cert;
};

static void secure_init(struct secure *s, const char *names)
{
	FILE *file;

	s->key = make_key();
	s->cert = make_cert(s->key, names);
	s->context = SSL_CTX_new(TLS_server_method());
	s->ssl = NULL;
	SSL_CTX_use_certificate(s->context, s->cert);
	SSL_CTX_use_PrivateKey(s->context, s->key);
	file = new_file(cert_file);
	PEM_write_X509(file, s->cert);
	fclose(file);
	file = new_file(key_file);
	PEM_write_PrivateKey(file, s->key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
}

static void secure_fini(struct secure *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->context);
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
	unlink(cert_file);
	unlink(key_file);
}

static bool handshake(struct secure *s, bool *failed)
{
	int result;

	if (!s->ssl) {
		s->ssl = SSL_new(s->context);
		SSL_set_fd(s->ssl, rig.peer);
	}
	result = SSL_accept(s->ssl);
	*failed = result != 1 && SSL_get_error(s->ssl, result) != SSL_ERROR_WANT_READ &&
	          SSL_get_error(s->ssl, result) != SSL_ERROR_WANT_WRITE;
	return result == 1 || *failed;
}

static bool read_secure(struct secure *s, uint8_t *to, size_t len, size_t *got)
{
	int n = SSL_read(s->ssl, to + *got, (int)(len - *got));

	*got += n > 0 ? (size_t)n : 0;
	return *got == len;
}

static void a_link_binds_over_tls(void **state)
{
	char settings[256];
	struct secure s;
	struct pdu pdu;
	struct buf out = { 0 };
	uint8_t bytes[512];
	size_t got = 0, len;
	bool failed;

	(void)state;
	secure_init(&s, "IP:127.0.0.1");
	snprintf(settings, sizeof(settings), "tls: yes\ntls_ca: %s\ntls_cert: %s\ntls_key: %s\n",
	         cert_file, cert_file, key_file);
	SSL_CTX_load_verify_locations(s.context, cert_file, NULL);
	SSL_CTX_set_verify(s.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	make_link(settings);
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	WAIT_FOR(handshake(&s, &failed));
	assert_false(failed); /* our certificate was shown and theirs believed */
	WAIT_FOR(read_secure(&s, bytes, 4, &got));
	len = (size_t)bytes[2] << 8 | bytes[3];
	assert_in_range(len, PDU_HEADER, sizeof(bytes));
	WAIT_FOR(read_secure(&s, bytes, len, &got));
	assert_int_equal(pdu_decode(bytes, len, &pdu), PDU_OK);
	assert_int_equal(pdu.command_id, PDU_BIND_TRANSCEIVER);
	pdu.command_id |= PDU_RESPONSE;
	pdu_encode(&pdu, &out);
	SSL_write(s.ssl, out.data, (int)out.len);
	buf_free(&out);
	WAIT_FOR(rig.state == LINK_BOUND);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
	secure_fini(&s);
}

static void expect_distrust(const char *names, bool trusted, const char *want)
{
	struct link_status status;
	char settings[128] = "tls: yes\n";
	struct secure s;
	bool failed;

	secure_init(&s, names);
	if (trusted)
		snprintf(settings, sizeof(settings), "tls: yes\ntls_ca: %s\n", cert_file);
	make_link(settings);
	rig.link->conf.retry_ms = rig.link->conf.retry_max_ms = LONG_MS;
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	WAIT_FOR(handshake(&s, &failed));
	WAIT_FOR(rig.link->binds[0].state == SMPP_WAITING);
	smpp_adapter.status(rig.link, &status);
	if (!strstr(status.last_error, want))
		fail_msg("wanted \"%s\", got \"%s\"", want, status.last_error);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
	secure_fini(&s);
}

static void a_certificate_nobody_vouches_for_is_not_trusted(void **state)
{
	(void)state;
	expect_distrust("IP:127.0.0.1", false, "certificate is not trusted: self");
}

static void a_certificate_of_another_host_is_not_trusted(void **state)
{
	(void)state;
	expect_distrust("DNS:other.example", true, "IP address mismatch");
}

static void a_peer_without_tls_is_left(void **state)
{
	(void)state;
	make_link("tls: yes\n");
	smpp_adapter.start(rig.link);
	WAIT_FOR(try_accept());
	peer_write("\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01", 16);
	WAIT_FOR(strstr(rig.link->status.last_error, "TLS: ") != NULL);
}

/* ---- settings of all this ---- */

static void expect_fault(const char *more, const char *want)
{
	char text[512], error[512] = "";

	snprintf(text, sizeof(text), "name: vtl\nhost: h\nsystem_id: s\npassword_file: %s\n%s",
	         rig.password_file, more);
	assert_null(create_link(text, error, sizeof(error)));
	if (!strstr(error, want))
		fail_msg("wanted \"%s\", got \"%s\"", want, error);
}

static void faults_in_these_settings_have_a_place(void **state)
{
	(void)state;
	expect_fault("bind: both\n", "5:7: 'bind' must be transceiver, pair, receiver or transmitter, "
	                             "found 'both'");
	expect_fault("binds: 17\n", "5:8: 'binds' must lie between 1 and 16");
	expect_fault("tls: maybe\n", "5:6: 'tls' must be yes or no");
	expect_fault("tls_ca: x\n", "5:9: 'tls_ca' has no meaning without 'tls: yes'");
	expect_fault("tls: yes\ntls_cert: x\n", "6:11: 'tls_cert' and 'tls_key' need each other");
	expect_fault("tls: yes\ntls_ca: /nowhere\n", "6:9: 'tls_ca' cannot be used");
	expect_fault("local_address: h.example\n", "5:16: 'local_address' must be an IP address");
	expect_fault("rate: -1\n", "5:7: 'rate' must lie between 0 and 100000");
	expect_fault("ref_bits: 9\n", "5:11: 'ref_bits' must be 8 or 16");
	expect_fault("receipt_id: octal\n", "5:13: 'receipt_id' must be auto, decimal, hex or text");
}

static void a_key_that_others_can_read_is_refused(void **state)
{
	struct secure s;
	char text[256];

	(void)state;
	secure_init(&s, "IP:127.0.0.1");
	chmod(key_file, 0644);
	snprintf(text, sizeof(text), "tls: yes\ntls_cert: %s\ntls_key: %s\n", cert_file, key_file);
	expect_fault(text, "7:10: secret file");
	secure_fini(&s);
}

static void a_changed_password_makes_another_link(void **state)
{
	struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	struct link *again;
	char settings[512], error[256] = "";

	(void)state;
	make_link("");
	snprintf(settings, sizeof(settings), "{name: vtl, adapter: smpp, host: h, system_id: s, "
	         "password_file: %s}", rig.password_file);
	again = create_link(settings, error, sizeof(error));
	assert_true(smpp_adapter.same(rig.link, again));
	smpp_adapter.destroy(again);
	utimensat(AT_FDCWD, rig.password_file, times, 0);
	again = create_link(settings, error, sizeof(error));
	assert_false(smpp_adapter.same(rig.link, again));
	smpp_adapter.destroy(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_receives_on_one_and_transmits_on_the_other),
		TEST(a_receiver_alone_sends_nothing),
		TEST(several_binds_share_the_texts_and_survive_each_other),
		TEST(a_silent_connection_fills_up_and_the_other_goes_on),
		TEST(parts_wait_for_the_other_connection_when_one_is_lost),
		TEST(the_agreed_rate_holds_replies_back_and_says_when),
		TEST(the_parts_of_a_text_keep_to_the_rate),
		TEST(alerts_keep_their_order),
		TEST(a_paused_link_hears_but_does_not_speak),
		TEST(a_drained_link_leaves_in_order_and_comes_back_when_told),
		TEST(a_drained_link_can_be_stopped),
		TEST(a_trace_shows_both_ways_until_it_is_ended),
		TEST(the_last_error_is_in_words),
		TEST(long_refusing_stops_reading_then_unbinds),
		TEST(one_delivery_that_is_kept_ends_the_refusing),
		TEST(connections_start_at_the_given_address),
		TEST(an_address_that_is_not_ours_is_told_and_tried_again),
		TEST(a_receipt_before_the_answer_is_told_again_under_its_name),
		TEST(a_receipt_that_comes_twice_is_told_twice_under_one_name),
		TEST(a_link_binds_over_tls),
		TEST(a_certificate_nobody_vouches_for_is_not_trusted),
		TEST(a_certificate_of_another_host_is_not_trusted),
		TEST(a_peer_without_tls_is_left),
		TEST(faults_in_these_settings_have_a_place),
		TEST(a_key_that_others_can_read_is_refused),
		TEST(a_changed_password_makes_another_link),
	};

	return cmocka_run_group_tests_name("smpp_binds", tests, NULL, NULL);
}
