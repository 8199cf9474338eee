/* Texts over a bound link: from the phone, answered when durable; to the phone, followed to their
 * outcome. */
#include "smpp_carrier.h"

/* ---- from the phone ---- */

static void a_delivery_is_answered_only_when_it_is_durable(void **state)
{
	struct pdu resp;

	(void)state;
	start_bound("carrier: viettel\n");
	peer_deliver(0x41, 0, "Em can giup");
	WAIT_FOR(rig.inbound_count == 1);
	expect_silence();
	assert_string_equal(rig.heard[0].in.link, "vtl");
	assert_string_equal(rig.heard[0].in.carrier, "viettel");
	assert_string_equal(rig.heard[0].in.source, "84912345678");
	assert_memory_equal(rig.heard[0].body, "Em can giup", 11);
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
	WAIT_FOR(rig.inbound_count == 1);
	received(0, false);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	rig.link->conf.refusal = 0x64;
	peer_deliver(2, 0, "a");
	WAIT_FOR(rig.inbound_count == 2);
	received(1, false);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, 0x64);
}

static void the_refusal_code_is_configured(void **state)
{
	(void)state;
	make_link("refusal: 0x45\n");
	assert_int_equal(rig.link->conf.refusal, 0x45);
}

static void pipelined_deliveries_are_answered_each_in_its_time(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(10, 0, "first");
	peer_deliver(11, 0, "second");
	WAIT_FOR(rig.inbound_count == 2);
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
	rig.link->binds[0].owed_count = SMPP_OWED_MAX;
	peer_deliver(1, 0, "a");
	resp = expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(resp.command_status, ESME_RMSGQFUL);
	assert_int_equal(rig.inbound_count, 0);
	rig.link->binds[0].owed_count = 0;
}

static void a_late_answer_does_not_reach_the_next_connection(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(5, 0, "a");
	WAIT_FOR(rig.inbound_count == 1);
	peer_drop();
	WAIT_FOR(rig.state != LINK_BOUND);
	accept_bind();
	received(0, true);
	expect_silence();
	peer_deliver(6, 0, "a"); /* the carrier sends it again */
	WAIT_FOR(rig.inbound_count == 2);
	received(1, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 6);
}

static void an_answer_after_the_end_of_the_link_is_harmless(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(5, 0, "a");
	WAIT_FOR(rig.inbound_count == 1);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
	received(0, true);
}

static void a_data_sm_is_a_delivery_too(void **state)
{
	struct pdu pdu = { .command_id = PDU_DATA_SM, .sequence_number = 8 };

	(void)state;
	start_bound("");
	pdu.tlv[TLV_MESSAGE_PAYLOAD] = octets_of("long text");
	peer_send(&pdu);
	WAIT_FOR(rig.inbound_count == 1);
	assert_memory_equal(rig.heard[0].body, "long text", 9);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DATA_SM | PDU_RESPONSE).sequence_number, 8);
}

static void an_undecodable_delivery_is_handed_over_raw(void **state)
{
	static const char bytes[] = "\0\0\0\x18\0\0\0\x05\0\0\0\0\0\0\0\x21" "nonsense";

	(void)state;
	start_bound("");
	peer_write(bytes, 24);
	WAIT_FOR(rig.inbound_count == 1);
	assert_int_equal(rig.heard[0].in.alphabet, ALPHABET_PDU);
	assert_int_equal(rig.heard[0].in.body_len, 24);
	assert_memory_equal(rig.heard[0].body, bytes, 12);
	assert_memory_equal(rig.heard[0].body + 12, "\0\0\0\0", 4); /* a repeat looks the same */
	assert_memory_equal(rig.heard[0].body + 16, "nonsense", 8);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).sequence_number, 0x21);
}

static void a_receipt_is_answered_at_once_and_is_no_delivery(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(4, 0x04, "id:m7 sub:001 dlvrd:001 stat:DELIVRD err:000 text:");
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	assert_int_equal(rig.receipt_count, 1);
	assert_string_equal(rig.receipt.provider_ref, "m7");
	assert_int_equal(rig.receipt.status, RECEIPT_DELIVERED);
	assert_int_equal(rig.inbound_count, 0);
	peer_deliver(5, 0x04, "a receipt of nothing"); /* perhaps a text with a wrong label */
	WAIT_FOR(rig.inbound_count == 1);
	assert_int_equal(rig.heard[0].in.alphabet, ALPHABET_PDU);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	assert_int_equal(rig.receipt_count, 1);
}

static void a_child_that_writes_id_is_heard(void **state)
{
	(void)state;
	start_bound("");
	peer_deliver(4, 0, "id:m7 stat:DELIVRD");
	WAIT_FOR(rig.inbound_count == 1);
	assert_int_equal(rig.receipt_count, 0);
}

/* ---- to the phone ---- */

static void a_text_is_submitted_and_its_id_reported(void **state)
{
	struct outbound out = text_out(1, "Ma 123456");
	struct pdu sm;

	(void)state;
	start_bound("");
	out.validity_ms = 600000;
	assert_true(smpp_adapter.send(rig.link, &out));
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
	assert_int_equal(rig.sent_count, 0);
	peer_respond(&sm, ESME_ROK, "m-17");
	expect_outcome(0, 1, SENT_OK, "m-17");
}

static void the_source_can_be_given_and_its_type_configured(void **state)
{
	struct outbound out = text_out(1, "x");
	struct pdu sm;

	(void)state;
	start_bound("source: DUONGDAY111\nsource_ton: 3\nsource_npi: 9\n");
	assert_true(smpp_adapter.send(rig.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "DUONGDAY111", 12);
	assert_int_equal(sm.source_addr_ton, 3);
	assert_int_equal(sm.source_addr_npi, 9);
	strcpy(out.from, "8088"); /* no code of this link: the carrier would refuse it */
	assert_true(smpp_adapter.send(rig.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "DUONGDAY111", 12);
	strcpy(out.from, "111");
	assert_true(smpp_adapter.send(rig.link, &out));
	sm = expect_pdu(PDU_SUBMIT_SM);
	assert_memory_equal(sm.source_addr.p, "111", 4);
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
		loop_skip_ms(rig.loop, 40);
		settle();
		assert_false(send_text(9, "x")); /* the pause is over, the rate is down */
		loop_skip_ms(rig.loop, 1000);
		WAIT_FOR(rig.ready_count > i);
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
	assert_int_equal(rig.sent_count, 2);
}

static void an_answer_that_never_comes_leaves_a_doubt(void **state)
{
	struct pdu sm;

	(void)state;
	make_link("");
	rig.link->conf.answer_ms = 20;
	smpp_adapter.start(rig.link);
	accept_bind();
	assert_true(send_text(1, "x"));
	sm = expect_pdu(PDU_SUBMIT_SM);
	expect_outcome(0, 1, SENT_IN_DOUBT, "");
	peer_respond(&sm, ESME_ROK, "late");
	settle();
	assert_int_equal(rig.sent_count, 1);
	assert_int_equal(rig.state, LINK_BOUND);
}

static void sequence_numbers_wrap_past_the_signed_maximum(void **state)
{
	(void)state;
	start_bound("");
	rig.link->binds[0].sequence = 0x7ffffffe;
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
	rig.link->binds[0].sequence = expect_pdu(PDU_SUBMIT_SM).sequence_number - 1;
	assert_true(send_text(2, "y"));
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).sequence_number, rig.link->binds[0].sequence);
	assert_int_equal(rig.link->binds[0].sequence, 3);
}

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
	assert_int_equal(rig.sent_count, 0);
	peer_respond(&two, ESME_ROK, "part-2");
	expect_outcome(0, 1, SENT_OK, "part-2");
	settle();
	assert_int_equal(rig.sent_count, 1);
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
	assert_true(send_text(1, long_text)); /* its second part waits: one place is kept */
	sm = expect_pdu(PDU_SUBMIT_SM);
	expect_silence();
	assert_false(send_text(3, "x"));
	assert_true(send_alert(2, "urgent"));
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).short_message.len, 6);
	assert_false(send_alert(4, "x"));
	peer_respond(&sm, ESME_ROK, "1");
	WAIT_FOR(rig.link->binds[0].window.used == 1);
	assert_true(send_alert(5, long_text)); /* goes before what is left of the reply */
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).esm_class, ESM_UDHI);
	peer_respond(&(struct pdu){ .command_id = PDU_SUBMIT_SM, .sequence_number = 3 }, ESME_ROK, "2");
	assert_int_equal(expect_pdu(PDU_SUBMIT_SM).registered_delivery, 1);
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
	settle();
	loop_skip_ms(rig.loop, 1000);
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
	rig.link->conf.throttle_ms = rig.link->conf.throttle_max_ms = 2;
	assert_true(send_text(1, long_text));
	sm = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&sm, ESME_ROK, "1");
	for (int i = 0; i < 59; i++) { /* about once a second while the text is of use */
		sm = expect_pdu(PDU_SUBMIT_SM);
		peer_respond(&sm, ESME_RTHROTTLED, "");
		settle();
		assert_int_equal(rig.sent_count, 0);
		loop_skip_ms(rig.loop, 1000);
	}
	sm = expect_pdu(PDU_SUBMIT_SM);
	loop_skip_ms(rig.loop, 2000);
	peer_respond(&sm, ESME_RTHROTTLED, "");
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
	assert_int_equal(rig.sent_count, 1);
}

static void what_can_never_be_sent_is_refused_later_not_at_once(void **state)
{
	struct outbound out = text_out(1, "x");

	(void)state;
	start_bound("");
	strcpy(out.to, "VIETTEL");
	assert_true(smpp_adapter.send(rig.link, &out));
	assert_int_equal(rig.sent_count, 0);
	expect_outcome(0, 1, SENT_REFUSED, "");
	out.to[0] = '\0';
	assert_true(smpp_adapter.send(rig.link, &out));
	expect_outcome(1, 1, SENT_REFUSED, "");
	strcpy(out.to, "+849123456789012345678901234");
	assert_true(smpp_adapter.send(rig.link, &out));
	expect_outcome(2, 1, SENT_REFUSED, "");
	out.channel = CHANNEL_USSD;
	assert_true(smpp_adapter.send(rig.link, &out));
	expect_outcome(3, 1, SENT_GONE, "");
	expect_silence();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("smpp_texts", tests, NULL, NULL);
}
