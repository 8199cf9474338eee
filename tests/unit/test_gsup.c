/* The octets of an external USSD entity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/gsup/codec.h"
#include "base/mem.h"

static void assert_hex(const struct buf *got, const char *wanted)
{
	char *hex = mem_alloc(got->len * 2 + 1);

	hex_encode(got->data, got->len, hex);
	assert_string_equal(hex, wanted);
	mem_free(hex);
}

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;

	assert_true(hex_decode(hex, out, len));
	return len;
}

static void test_frames_are_cut_at_their_length(void **state)
{
	static const uint8_t bytes[] = {0, 2, 0xfe, 4, 1, 0, 1, 0xee};
	struct ipa_frame frame;

	(void)state;
	for (size_t len = 0; len < 5; len++)
		assert_int_equal(ipa_read(bytes, len, &frame), IPA_MORE);
	assert_int_equal(ipa_read(bytes, sizeof(bytes), &frame), IPA_OK);
	assert_int_equal(frame.stream, IPA_CCM);
	assert_int_equal(frame.len, 2);
	assert_int_equal(ipa_read("\0\0\xfe", 3, &frame), IPA_BAD);
	assert_int_equal(ipa_read("\xff\xff\xfe", 3, &frame), IPA_BAD);
}

static void test_identity_names_the_unit_first(void **state)
{
	struct buf out = {0};

	(void)state;
	ipa_put_identity(&out, "EUSE-a");
	assert_hex(&out, "001efe05"
			 "000708302f302f3000" /* 0/0/0 */
			 "000800455553452d6100" "000801455553452d6100"
			 "0001fe06");
	buf_free(&out);
}

static void test_a_message_is_written_and_read_alike(void **state)
{
	static const uint8_t facility[] = {0xa1, 0};
	struct gsup_message m = {.type = GSUP_SS_RESULT, .imsi = "452040000000001", .session = 0x20000001,
				 .state = GSUP_CONTINUE, .facility = facility, .facility_len = 2}, back;
	struct buf out = {0};

	(void)state;
	gsup_encode(&m, &out);
	assert_hex(&out, "22" "010854020400000000f1" "300420000001" "310102" "3502a100");
	assert_true(gsup_decode(out.data, out.len, &back));
	assert_int_equal(back.type, GSUP_SS_RESULT);
	assert_string_equal(back.imsi, "452040000000001");
	assert_int_equal(back.session, 0x20000001);
	assert_int_equal(back.state, GSUP_CONTINUE);
	assert_int_equal(back.facility_len, 2);
	for (size_t len = 0; len < out.len; len++)
		gsup_decode(out.data, len, &back); /* whole elements may be a message; none is read too far */
	buf_free(&out);
}

static void test_broken_messages_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "20", "2001", "200102", "20010254", "2001020a00", "200109544002000000000000", "2001021234" "300200",
		"2001021234" "31020101", "2030040000",
	};
	struct gsup_message m;
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t len = unhex(bad[i], bytes);

		if (gsup_decode(bytes, len, &m))
			fail_msg("%s", bad[i]);
	}
	assert_true(gsup_decode(bytes, unhex("2001021234" "9902beef" "0a0103", bytes), &m)); /* unknown elements */
}

static void test_a_request_and_its_answers_are_read(void **state)
{
	/* *111# as a handset sends it; the menu's answer "1"; an error; a reject without an id */
	static const struct {
		const char *hex;
		enum ss_kind kind;
		uint8_t id, operation;
		const char *text;
	} cases[] = {
		{"a112" "020101" "02013b" "300a" "04010f" "0405aa582c3602", SS_INVOKE, 1, 0x3b, "*111#"},
		{"a210" "020102" "300b" "02013c" "3006" "04010f" "040131", SS_RESULT, 2, 0x3c, "1"},
		{"a306" "020102" "020148", SS_ERROR, 2, 0, NULL},
		{"a405" "0500" "810100", SS_REJECT, 0, 0, NULL},
		{"a203" "020102", SS_RESULT, 2, 0, NULL},
	};
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ss_component c;
		struct buf text = {0};

		if (!ss_decode(bytes, unhex(cases[i].hex, bytes), &c))
			fail_msg("%s", cases[i].hex);
		assert_int_equal(c.kind, cases[i].kind);
		assert_int_equal(c.invoke_id, cases[i].id);
		assert_int_equal(c.operation, cases[i].operation);
		assert_int_equal(c.text != NULL, cases[i].text != NULL);
		if (c.text) {
			ss_text_decode(c.dcs, c.text, c.text_len, &text);
			assert_string_equal(buf_cstr(&text), cases[i].text);
		}
		buf_free(&text);
	}
}

static void test_broken_components_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "a1", "a105020101", "a103020101", "a1080201010201" "3b3000", "a20502010130" "05", "b103020101",
		"a10b020101" "02013b" "3003" "04020f00", "a1820001",
	};
	struct ss_component c;
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (ss_decode(bytes, unhex(bad[i], bytes), &c))
			fail_msg("%s", bad[i]);
	}
}

/* Packs, unpacks, and gives the text back, also inside a component. */
static void check_round(const char *text, uint8_t dcs)
{
	struct ss_component c = {.kind = SS_INVOKE, .invoke_id = 7, .operation = SS_REQUEST}, back;
	struct buf octets = {0}, component = {0}, again = {0};

	c.dcs = ss_text_encode(text, &octets);
	assert_int_equal(c.dcs, dcs);
	assert_true(octets.len <= SS_TEXT_MAX);
	c.text = octets.data;
	c.text_len = octets.len;
	for (c.kind = SS_INVOKE; c.kind <= SS_RESULT; c.kind++) {
		buf_clear(&component);
		buf_clear(&again);
		ss_encode(&c, &component);
		assert_true(ss_decode(component.data, component.len, &back));
		assert_int_equal(back.invoke_id, 7);
		assert_int_equal(back.operation, SS_REQUEST);
		ss_text_decode(back.dcs, back.text, back.text_len, &again);
		assert_string_equal(buf_cstr(&again), text);
	}
	buf_free(&octets);
	buf_free(&component);
	buf_free(&again);
}

static void test_texts_of_every_length_come_back(void **state)
{
	char text[184];

	(void)state;
	for (size_t len = 1; len <= 182; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		check_round(text, 0x0f);
	}
	check_round("a{}[]~\xe2\x82\xac", 0x0f);
	check_round("\xc4\x90\xc3\xa3 nh\xe1\xba\xadn \xf0\x9f\x86\x98", 0x48);
}

static void test_what_is_too_long_is_cut_between_characters(void **state)
{
	struct buf text = {0}, octets = {0}, back = {0};
	uint8_t dcs;

	(void)state;
	for (int i = 0; i < 91; i++)
		buf_printf(&text, "x");
	for (int i = 0; i < 60; i++)
		buf_printf(&text, "{"); /* two septets each: one pair lies across the limit */
	dcs = ss_text_encode(buf_cstr(&text), &octets);
	ss_text_decode(dcs, octets.data, octets.len, &back);
	assert_int_equal(back.len, 91 + 45);
	buf_clear(&text);
	buf_clear(&octets);
	for (int i = 0; i < 79; i++)
		buf_printf(&text, "\xc4\x91");
	buf_printf(&text, "\xf0\x9f\x86\x98");
	ss_text_encode(buf_cstr(&text), &octets);
	assert_int_equal(octets.len, 158);
	buf_free(&text);
	buf_free(&octets);
	buf_free(&back);
}

static void test_other_codings_of_handsets_are_read(void **state)
{
	static const struct {
		uint8_t dcs;
		const char *hex, *text;
	} cases[] = {
		{0x00, "aa582c3602", "*111#"}, {0x01, "31", "1"}, {0x40, "31", "1"}, {0xf0, "31", "1"},
		{0x44, "c3a9", "\xc3\xa9"}, {0x48, "0111", "\xc4\x91"}, {0x11, "76770111", "\xc4\x91"}, {0x48, "", ""},
	};
	uint8_t bytes[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf text = {0};
		size_t len = unhex(cases[i].hex, bytes);

		ss_text_decode(cases[i].dcs, bytes, len, &text);
		assert_string_equal(buf_cstr(&text), cases[i].text);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_cut_at_their_length),
		cmocka_unit_test(test_identity_names_the_unit_first),
		cmocka_unit_test(test_a_message_is_written_and_read_alike),
		cmocka_unit_test(test_broken_messages_are_refused),
		cmocka_unit_test(test_a_request_and_its_answers_are_read),
		cmocka_unit_test(test_broken_components_are_refused),
		cmocka_unit_test(test_texts_of_every_length_come_back),
		cmocka_unit_test(test_what_is_too_long_is_cut_between_characters),
		cmocka_unit_test(test_other_codings_of_handsets_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
