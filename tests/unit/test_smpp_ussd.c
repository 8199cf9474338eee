/* USSD over SMPP in every shipped dialect: what is heard, and the screens that answer, octet for octet. */
#include "smpp_carrier.h"

#include <unistd.h>

#include "base/mem.h"

enum { NO_TLV = 0x10000 };

/* One message of a phone as its carrier writes it. */
struct said {
	uint32_t op;
	uint32_t info, ref; /* NO_TLV: not there */
	const char *text;
};

static uint32_t sequence;

static void start(const char *dialect)
{
	const char *src = getenv("HOTLINED_SRC");
	char *settings = mem_printf("ussd: %s/adapters/smpp/dialects/%s.yaml\n", src ? src : ".", dialect);

	start_bound(settings);
	mem_free(settings);
}

static void deliver(struct said said)
{
	uint8_t op = (uint8_t)said.op, info[2] = {(uint8_t)(said.info >> 8), (uint8_t)said.info};
	uint8_t ref[2] = {(uint8_t)(said.ref >> 8), (uint8_t)said.ref};
	struct pdu pdu = {.command_id = PDU_DELIVER_SM, .sequence_number = ++sequence, .source_addr_ton = 1,
			  .source_addr_npi = 1, .dest_addr_npi = 1};

	pdu.source_addr = octets_of("84912345678");
	pdu.destination_addr = octets_of("111");
	pdu.short_message = octets_of(said.text);
	pdu.tlv[TLV_USSD_SERVICE_OP] = (struct octets){&op, 1};
	if (said.info != NO_TLV)
		pdu.tlv[TLV_ITS_SESSION_INFO] = (struct octets){info, 2};
	if (said.ref != NO_TLV)
		pdu.tlv[TLV_USER_MESSAGE_REFERENCE] = (struct octets){ref, 2};
	peer_send(&pdu);
}

/* What the daemon hears of it, and that the carrier is told so. */
static const struct heard *hear(struct said said, enum ussd_op op)
{
	unsigned before = rig.inbound_count;
	struct pdu resp;

	deliver(said);
	resp = expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(resp.command_status, ESME_ROK);
	assert_int_equal(resp.sequence_number, sequence);
	assert_int_equal(rig.inbound_count, before + 1);
	assert_int_equal(rig.heard[before % 8].in.ussd_op, op);
	assert_int_equal(rig.heard[before % 8].in.channel, CHANNEL_USSD);
	assert_string_equal(rig.heard[before % 8].in.source, "+84912345678");
	return &rig.heard[before % 8];
}

static void show(const struct heard *heard, const char *text, bool more)
{
	struct outbound out = text_out(1, text);

	out.channel = CHANNEL_USSD;
	out.more = more;
	memcpy(out.reply_token, heard->in.reply_token, sizeof(out.reply_token));
	assert_true(smpp_adapter.send(rig.link, &out));
}

static void expect_tlv(const struct pdu *pdu, enum pdu_tlv tlv, uint32_t want)
{
	uint32_t got = NO_TLV;

	pdu_tlv_number(pdu, tlv, &got);
	if (got != want)
		fail_msg("%s is 0x%x, not 0x%x", pdu_tlv_name(tlv), (unsigned)got, (unsigned)want);
}

/* The next screen, which must be like this; it is answered by the carrier. */
static struct pdu expect_screen(uint32_t command_id, struct said want)
{
	struct pdu pdu = expect_pdu(command_id);
	struct octets body = pdu_body(&pdu);

	expect_tlv(&pdu, TLV_USSD_SERVICE_OP, want.op);
	expect_tlv(&pdu, TLV_ITS_SESSION_INFO, want.info);
	expect_tlv(&pdu, TLV_USER_MESSAGE_REFERENCE, want.ref);
	assert_int_equal(body.len, strlen(want.text));
	assert_memory_equal(body.p, want.text, body.len);
	assert_int_equal(pdu.destination_addr.len, 11);
	assert_memory_equal(pdu.destination_addr.p, "84912345678", 11);
	assert_int_equal(pdu.dest_addr_ton, 1);
	assert_memory_equal(pdu.source_addr.p, "111", 3);
	assert_int_equal(pdu.esm_class, 0);
	peer_respond(&pdu, ESME_ROK, "x");
	return pdu;
}

static void expect_service_type(const struct pdu *pdu, const char *want)
{
	assert_int_equal(pdu->service_type.len, strlen(want));
	assert_memory_equal(pdu->service_type.p, want, strlen(want));
}

/* ---- each dialect from the code to the last screen ---- */

struct talk {
	const char *dialect;
	uint32_t command_id;
	struct said dial, menu, answer, last; /* phone, us, phone, us */
	const char *service_type;
};

static const struct talk talks[] = {
	{"standard", PDU_SUBMIT_SM, {0x01, 0x0700, NO_TLV, "*111#"}, {0x02, 0x0702, NO_TLV, "1?"},
	 {0x12, 0x0704, NO_TLV, "1"}, {0x11, 0x0707, NO_TLV, "bye"}, "USSD"},
	{"tata", PDU_SUBMIT_SM, {0x01, 0x1234, NO_TLV, "*111#"}, {0x02, 0x1234, NO_TLV, "1?"},
	 {0x02, 0x1234, NO_TLV, "1"}, {0x02, 0x1235, NO_TLV, "bye"}, ""},
	{"sixdee", PDU_SUBMIT_SM, {0x01, 0x0a00, NO_TLV, "*111#"}, {0x02, 0x0a00, NO_TLV, "1?"},
	 {0x12, 0x0a00, NO_TLV, "1"}, {0x17, 0x0a01, NO_TLV, "bye"}, ""},
	{"mica", PDU_SUBMIT_SM, {0x01, NO_TLV, 77, "*111#"}, {0x02, NO_TLV, 77, "1?"},
	 {0x12, NO_TLV, 77, "1"}, {0x17, NO_TLV, 77, "bye"}, ""},
	{"echo", PDU_SUBMIT_SM, {0x01, 0x00ff, NO_TLV, "*111#"}, {0x02, 0x00ff, NO_TLV, "1?"},
	 {0x12, 0x00ff, NO_TLV, "1"}, {0x11, 0x00ff, NO_TLV, "bye"}, "USSD"},
	{"data_sm", PDU_DATA_SM, {0x01, 0x00fe, NO_TLV, "*111#"}, {0x02, 0x00fe, NO_TLV, "1?"},
	 {0x12, 0x00fe, NO_TLV, "1"}, {0x11, 0x00fe, NO_TLV, "bye"}, "USSD"},
	{"notify", PDU_SUBMIT_SM, {0x01, NO_TLV, 9, "*111#"}, {0x02, NO_TLV, 9, "1?"},
	 {0x12, NO_TLV, 9, "1"}, {0x03, NO_TLV, 9, "bye"}, ""},
	{"msisdn", PDU_SUBMIT_SM, {0x01, NO_TLV, NO_TLV, "*111#"}, {0x02, NO_TLV, NO_TLV, "1?"},
	 {0x01, NO_TLV, NO_TLV, "1"}, {0x11, NO_TLV, NO_TLV, "bye"}, "P2"},
};

static unsigned in_flight(void)
{
	struct link_status status;

	smpp_adapter.status(rig.link, &status);
	return status.in_flight;
}

static void one_talk(const struct talk *t)
{
	const struct heard *heard;
	struct pdu pdu;

	start(t->dialect);
	heard = hear(t->dial, USSD_BEGIN);
	assert_string_equal(heard->in.dest, "*111#");
	assert_int_equal(heard->in.body_len, 0);
	show(heard, "1?", true);
	pdu = expect_screen(t->command_id, t->menu);
	expect_service_type(&pdu, t->service_type);
	heard = hear(t->answer, USSD_CONTINUE);
	assert_int_equal(heard->in.body_len, 1);
	assert_int_equal(heard->body[0], '1');
	show(heard, "bye", false);
	expect_screen(t->command_id, t->last);
	WAIT_FOR(rig.sent_count == 2);
	assert_int_equal(rig.sent[0].state, SENT_OK);
	assert_int_equal(rig.sent[1].state, SENT_OK);
	WAIT_FOR(in_flight() == 0); /* the carrier's answers were understood */
}

static void every_dialect_goes_from_the_code_to_the_last_screen(void **state)
{
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		if (i > 0) {
			carrier_teardown(state);
			carrier_setup(state);
		}
		rig.answer_at_once = true;
		one_talk(&talks[i]);
	}
}

/* ---- what they have in common ---- */

static void received_is_said_when_it_is_durable_and_before_the_screen(void **state)
{
	(void)state;
	start("tata");
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	WAIT_FOR(rig.inbound_count == 1);
	expect_silence();
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	expect_silence();
	show(&rig.heard[0], "1?", true);
	expect_pdu(PDU_SUBMIT_SM);
}

static void what_cannot_be_kept_is_refused_and_the_screen_gives_the_voice_number(void **state)
{
	struct pdu pdu;

	(void)state;
	start("tata");
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	WAIT_FOR(rig.inbound_count == 1);
	received(0, false);
	pdu = expect_pdu(PDU_SUBMIT_SM);
	expect_tlv(&pdu, TLV_ITS_SESSION_INFO, 0x1235);
	assert_non_null(memmem(pdu.short_message.p, pdu.short_message.len, "111", 3));
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
}

static void a_turn_that_is_delivered_again_is_one_turn_and_one_screen(void **state)
{
	(void)state;
	start("tata");
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	WAIT_FOR(rig.inbound_count == 1);
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_RMSGQFUL);
	received(0, true);
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	show(&rig.heard[0], "1?", true);
	expect_pdu(PDU_SUBMIT_SM);
	expect_silence();
	assert_int_equal(rig.inbound_count, 1);
}

static void the_end_bit_ends_a_session_and_a_last_word_is_heard(void **state)
{
	const struct heard *heard;

	(void)state;
	rig.answer_at_once = true;
	start("tata");
	heard = hear((struct said){0x01, 0x1234, NO_TLV, "*111#"}, USSD_BEGIN);
	show(heard, "1?", true);
	expect_pdu(PDU_SUBMIT_SM);
	hear((struct said){0x02, 0x1235, NO_TLV, ""}, USSD_END);
	heard = hear((struct said){0x01, 0x2234, NO_TLV, "*111#"}, USSD_BEGIN);
	show(heard, "1?", true);
	expect_pdu(PDU_SUBMIT_SM);
	deliver((struct said){0x02, 0x2235, NO_TLV, "cuu"});
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(rig.inbound_count, 5);
	assert_int_equal(rig.heard[3].in.ussd_op, USSD_CONTINUE);
	assert_memory_equal(rig.heard[3].body, "cuu", 3);
	assert_int_equal(rig.heard[4].in.ussd_op, USSD_END);
	show(&rig.heard[3], "nobody sees it", true);
	expect_silence();
}

static void an_abort_is_told(void **state)
{
	(void)state;
	rig.answer_at_once = true;
	start("sixdee");
	show(hear((struct said){0x01, 0x0a00, NO_TLV, "*111#"}, USSD_BEGIN), "1?", true);
	expect_pdu(PDU_SUBMIT_SM);
	hear((struct said){0x81, 0x0a00, NO_TLV, ""}, USSD_ABORT);
}

static void a_confirmation_says_nothing(void **state)
{
	(void)state;
	rig.answer_at_once = true;
	start("notify");
	deliver((struct said){0x13, NO_TLV, 9, ""});
	assert_int_equal(expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE).command_status, ESME_ROK);
	assert_int_equal(rig.inbound_count, 0);
}

static void what_is_dialled_behind_the_code_is_the_text(void **state)
{
	const struct heard *heard;

	(void)state;
	rig.answer_at_once = true;
	start("msisdn");
	heard = hear((struct said){0x01, NO_TLV, NO_TLV, "*111*2#"}, USSD_BEGIN);
	assert_string_equal(heard->in.dest, "*111#");
	assert_int_equal(heard->body[0], '2');
	heard = hear((struct said){0x01, NO_TLV, NO_TLV, ""}, USSD_BEGIN);
	assert_string_equal(heard->in.dest, "111");
}

static void a_screen_has_the_dialects_coding_and_length(void **state)
{
	char wide[300];
	struct pdu pdu;

	(void)state;
	rig.answer_at_once = true;
	start("msisdn");
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	show(hear((struct said){0x01, NO_TLV, NO_TLV, "*111#"}, USSD_BEGIN), wide, true);
	pdu = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(pdu.data_coding, 0x0f);
	assert_int_equal(pdu.short_message.len, 160);
	peer_respond(&pdu, ESME_ROK, "x");
	show(hear((struct said){0x01, NO_TLV, NO_TLV, "1"}, USSD_CONTINUE), "Đã nhận", true);
	pdu = expect_pdu(PDU_SUBMIT_SM);
	assert_int_equal(pdu.data_coding, 8);
	assert_int_equal(pdu.short_message.len, 14);
}

static void a_screen_that_the_carrier_puts_off_is_tried_again(void **state)
{
	struct pdu pdu;

	(void)state;
	rig.answer_at_once = true;
	start("tata");
	show(hear((struct said){0x01, 0x1234, NO_TLV, "*111#"}, USSD_BEGIN), "1?", true);
	pdu = expect_pdu(PDU_SUBMIT_SM);
	peer_respond(&pdu, ESME_RTHROTTLED, "");
	expect_pdu(PDU_SUBMIT_SM);
}

static void a_text_without_the_operation_is_a_text(void **state)
{
	(void)state;
	rig.answer_at_once = true;
	start("tata");
	peer_deliver(++sequence, 0, "cuu con voi");
	expect_pdu(PDU_DELIVER_SM | PDU_RESPONSE);
	assert_int_equal(rig.heard[0].in.channel, CHANNEL_SMS);
	assert_int_equal(rig.heard[0].in.ussd_op, USSD_NONE);
}

static void a_link_that_goes_away_leaves_nothing_behind(void **state)
{
	(void)state;
	start("tata");
	deliver((struct said){0x01, 0x1234, NO_TLV, "*111#"});
	WAIT_FOR(rig.inbound_count == 1);
	smpp_adapter.destroy(rig.link);
	rig.link = NULL;
	received(0, true);
}

/* ---- dialect files ---- */

static void a_wrong_dialect_is_refused_with_its_place(void **state)
{
	static const struct { const char *yaml, *want; } rows[] = {
		{"more: 2\n", ":1:1: a dialect needs 'heard'"},
		{"heard: {1: begin}\nmore: 2\nlast: 256\n", ":3:7: a number from 0 to 255 is expected, found '256'"},
		{"heard: {1: start}\n", ":1:12: one of these is expected: any, begin, continue, end, abort, timeout, nothing"},
		{"heard: {one: begin}\n", ":1:9: a number from 0 to 255 is expected, found 'one'"},
		{"heard: {}\n", ":1:8: 'heard' must tell what each ussd_service_op means"},
		{"tone: 1\n", ":1:1: a dialect has no key 'tone'"},
		{"session: cookie\n", ":1:10: one of these is expected: its_session_info, its_session_number, "
		 "user_message_reference, source"},
		{"service_type: TOOLONG\n", ":1:15: a service_type has at most 5 characters"},
		{"idle: soon\n", ":1:7: a duration such as 60s is expected"},
		{"[]\n", ":1:1: a dialect is a map"},
		{"{\n", ":2:1: "},
	};
	char path[] = "/tmp/hotlined-dialect-XXXXXX", error[600], want[600];
	int fd = mkstemp(path);
	struct dialect d;
	FILE *file;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		file = fopen(path, "w");
		fputs(rows[i].yaml, file);
		fclose(file);
		assert_false(dialect_load(path, &d, error, sizeof(error)));
		snprintf(want, sizeof(want), "%s%s", path, rows[i].want);
		error[strlen(want) < strlen(error) ? strlen(want) : strlen(error)] = '\0';
		assert_string_equal(error, want);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_dialect_goes_from_the_code_to_the_last_screen),
		TEST(received_is_said_when_it_is_durable_and_before_the_screen),
		TEST(what_cannot_be_kept_is_refused_and_the_screen_gives_the_voice_number),
		TEST(a_turn_that_is_delivered_again_is_one_turn_and_one_screen),
		TEST(the_end_bit_ends_a_session_and_a_last_word_is_heard),
		TEST(an_abort_is_told),
		TEST(a_confirmation_says_nothing),
		TEST(what_is_dialled_behind_the_code_is_the_text),
		TEST(a_screen_has_the_dialects_coding_and_length),
		TEST(a_screen_that_the_carrier_puts_off_is_tried_again),
		TEST(a_text_without_the_operation_is_a_text),
		TEST(a_link_that_goes_away_leaves_nothing_behind),
		cmocka_unit_test(a_wrong_dialect_is_refused_with_its_place),
	};

	return cmocka_run_group_tests_name("smpp ussd", tests, NULL, NULL);
}
