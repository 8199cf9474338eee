/* IPA frames, GSUP messages, components and USSD strings: known octets, and what a bad peer may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/gsup/component.h"
#include "adapters/gsup/ipa.h"
#include "adapters/gsup/message.h"
#include "adapters/gsup/ussd_string.h"
#include "base/mem.h"
#include "core/charset.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define EXPECT(buf, literal) expect_bytes(&(buf), literal, sizeof(literal) - 1)

static void expect_bytes(struct buf *got, const char *want, size_t len)
{
	assert_int_equal(got->len, len);
	assert_memory_equal(got->data, want, len);
	buf_free(got);
}

/* ---- IPA ---- */

static void a_frame_is_whole_or_not_there_yet(void **state)
{
	static const char ping[] = "\x00\x01\xfe\x00";
	struct ipa_frame frame;

	(void)state;
	for (size_t len = 0; len < 4; len++)
		assert_int_equal(ipa_read(ping, len, &frame), IPA_MORE);
	assert_int_equal(ipa_read(BYTES("\x00\x01\xfe\x00\x00"), &frame), IPA_OK);
	assert_int_equal(frame.proto, IPA_PROTO_CCM);
	assert_int_equal(frame.body_len, 1);
	assert_int_equal(frame.body[0], CCM_PING);
	assert_int_equal(frame.size, 4);
}

static void an_osmocom_frame_has_an_extension_before_its_body(void **state)
{
	struct ipa_frame frame;
	struct buf out = {0};

	(void)state;
	assert_int_equal(ipa_read(BYTES("\x00\x03\xee\x05\x20\x01"), &frame), IPA_OK);
	assert_int_equal(frame.extension, IPA_EXT_GSUP);
	assert_int_equal(frame.body_len, 2);
	assert_int_equal(frame.body[0], GSUP_PROC_SS_REQUEST);
	assert_int_equal(frame.size, 6);
	assert_true(ipa_put_osmo(&out, IPA_EXT_GSUP, "\x20\x01", 2));
	EXPECT(out, "\x00\x03\xee\x05\x20\x01");
}

static void an_osmocom_frame_without_an_extension_is_stepped_over(void **state)
{
	struct ipa_frame frame;

	(void)state;
	assert_int_equal(ipa_read(BYTES("\x00\x00\xee"), &frame), IPA_EMPTY);
	assert_int_equal(frame.size, 3);
	assert_int_equal(ipa_read(BYTES("\x00\x00\xfe"), &frame), IPA_OK);
	assert_int_equal(frame.body_len, 0);
}

static void the_identity_has_a_unit_id_and_the_name_twice(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_true(ccm_put_identity(&out, "EUSE-h"));
	EXPECT(out, "\x00\x1e\xfe\x05" "\x00\x07\x08" "0/0/0\0" "\x00\x08\x00" "EUSE-h\0" "\x00\x08\x01" "EUSE-h\0");
	ccm_put(&out, CCM_ID_ACK);
	EXPECT(out, "\x00\x01\xfe\x06");
}

static void nothing_is_written_that_does_not_fit_its_length(void **state)
{
	char *name = mem_alloc(IPA_PAYLOAD_MAX + 1);
	struct buf out = {0};

	(void)state;
	assert_false(ipa_put_osmo(&out, IPA_EXT_GSUP, name, IPA_PAYLOAD_MAX));
	assert_false(ipa_put_ccm(&out, name, IPA_PAYLOAD_MAX + 1));
	memset(name, 'x', 256);
	assert_false(ccm_put_identity(&out, name));
	assert_int_equal(out.len, 0);
	mem_free(name);
	buf_free(&out);
}

/* ---- GSUP ---- */

static const char request[] = "\x20"
	"\x01\x08\x21\x43\x65\x87\x09\x21\x43\xf5"
	"\x0a\x01\x03"
	"\x30\x04\x20\x00\x00\x01"
	"\x31\x01\x01"
	"\x35\x02\xa1\x00";

static void a_request_is_read_and_written_octet_by_octet(void **state)
{
	struct gsup_message m;
	struct buf out = {0};

	(void)state;
	assert_true(gsup_decode(BYTES(request), &m));
	assert_int_equal(m.type, GSUP_PROC_SS_REQUEST);
	assert_string_equal(m.imsi, "123456789012345");
	assert_int_equal(m.session_id, 0x20000001);
	assert_int_equal(m.state, GSUP_BEGIN);
	assert_int_equal(m.message_class, 3);
	assert_int_equal(m.ss_len, 2);
	assert_true(gsup_encode(&m, &out));
	EXPECT(out, request);
}

static void an_imsi_of_even_length_has_no_filler(void **state)
{
	struct gsup_message m = {.type = GSUP_PROC_SS_ERROR, .imsi = "45204000000001", .cause = 0x11};
	struct buf out = {0};

	(void)state;
	assert_true(gsup_encode(&m, &out));
	assert_true(gsup_decode(out.data, out.len, &m));
	assert_string_equal(m.imsi, "45204000000001");
	assert_int_equal(m.cause, 0x11);
	assert_false(m.has_session);
	assert_null(m.ss);
	EXPECT(out, "\x21\x01\x07\x54\x02\x04\x00\x00\x00\x10\x02\x01\x11");
}

static void an_element_of_another_tag_is_stepped_over(void **state)
{
	struct gsup_message m;

	(void)state;
	assert_true(gsup_decode(BYTES("\x20\x60\x03" "abc" "\x01\x02\x21\x43\x7f\x00"), &m));
	assert_string_equal(m.imsi, "1234");
}

static void a_broken_message_is_refused(void **state)
{
	static const struct { const char *p; size_t len; } bad[] = {
		{BYTES("")},
		{BYTES("\x20")},                             /* no IMSI */
		{BYTES("\x20\x01\x00")},
		{BYTES("\x20\x01\x01\xff")},                 /* nothing but filler */
		{BYTES("\x20\x01\x02\xf1\x32")},             /* filler in the middle */
		{BYTES("\x20\x01\x01\x1a")},                 /* no digit */
		{BYTES("\x20\x01\x09\x21\x43\x65\x87\x09\x21\x43\x65\x87")}, /* 18 digits */
		{BYTES("\x20\x01\x02\x21")},                 /* over the end */
		{BYTES("\x20\x01\x01\x21\x30\x03\x00\x00\x00")},
		{BYTES("\x20\x01\x01\x21\x31\x00")},
		{BYTES("\x20\x01\x01\x21\x31")},
	};
	struct gsup_message m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(gsup_decode(bad[i].p, bad[i].len, &m));
}

static void what_is_no_imsi_is_not_written(void **state)
{
	struct gsup_message m = {.type = GSUP_PROC_SS_RESULT};
	struct buf out = {0};

	(void)state;
	assert_false(gsup_encode(&m, &out));
	strcpy(m.imsi, "12x4");
	assert_false(gsup_encode(&m, &out));
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

/* ---- components ---- */

/* *100# as every modem manual packs it */
static const char dialled[] = "\xa1\x12\x02\x01\x01\x02\x01\x3b\x30\x0a\x04\x01\x0f\x04\x05\xaa\x18\x0c\x36\x02";

static void a_dialled_code_is_an_invoke(void **state)
{
	struct ss_component c;
	struct buf text = {0};

	(void)state;
	assert_true(ss_decode(BYTES(dialled), &c));
	assert_int_equal(c.kind, SS_INVOKE);
	assert_int_equal(c.invoke_id, 1);
	assert_int_equal(c.operation, SS_PROCESS_USS_REQUEST);
	assert_int_equal(c.dcs, 0x0f);
	ussd_string_decode(c.dcs, c.string, c.string_len, &text);
	EXPECT(text, "*100#");
}

static void every_kind_comes_back_as_it_was_written(void **state)
{
	static const uint8_t hello[] = {0xe8, 0x32, 0x9b, 0xfd, 0x06};
	static const struct ss_component each[] = {
		{.kind = SS_INVOKE, .has_invoke_id = true, .invoke_id = 2, .has_operation = true,
		 .operation = SS_USS_REQUEST, .dcs = 0x0f, .string = hello, .string_len = 5},
		{.kind = SS_INVOKE, .has_invoke_id = true, .invoke_id = -128, .has_operation = true,
		 .operation = SS_USS_NOTIFY, .dcs = 0x48, .string = hello, .string_len = 4},
		{.kind = SS_RESULT, .has_invoke_id = true, .invoke_id = 1, .has_operation = true,
		 .operation = SS_PROCESS_USS_REQUEST, .dcs = 0x0f, .string = hello, .string_len = 5},
		{.kind = SS_RESULT, .has_invoke_id = true, .invoke_id = 3},
		{.kind = SS_ERROR, .has_invoke_id = true, .invoke_id = 1, .code = SS_SYSTEM_FAILURE},
		{.kind = SS_REJECT, .has_invoke_id = true, .invoke_id = 1, .problem = SS_PROBLEM_INVOKE,
		 .code = SS_UNRECOGNIZED_OPERATION},
		{.kind = SS_REJECT, .problem = SS_PROBLEM_GENERAL, .code = 0},
	};
	struct ss_component c;

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		const struct ss_component *e = &each[i];
		struct buf out = {0};

		assert_true(ss_encode(e, &out));
		assert_true(ss_decode(out.data, out.len, &c));
		assert_int_equal(c.kind, e->kind);
		assert_int_equal(c.has_invoke_id, e->has_invoke_id);
		assert_int_equal(c.invoke_id, e->invoke_id);
		assert_int_equal(c.has_operation, e->has_operation);
		assert_int_equal(c.operation, e->operation);
		assert_int_equal(c.problem, e->problem);
		assert_int_equal(c.code, e->code);
		assert_int_equal(c.string_len, e->string_len);
		if (e->string)
			assert_memory_equal(c.string, e->string, e->string_len);
		buf_free(&out);
	}
}

static void a_long_string_is_written_as_x690_says(void **state)
{
	uint8_t octets[SS_STRING_MAX + 1] = {0};
	struct ss_component c = {.kind = SS_RESULT, .has_invoke_id = true, .has_operation = true,
				 .operation = SS_PROCESS_USS_REQUEST, .dcs = 0x0f, .string = octets, .string_len = 113};
	struct buf out = {0};

	(void)state;
	assert_true(ss_encode(&c, &out));
	assert_int_equal(out.data[1], 0x81);
	assert_int_equal(out.data[2], 0x80);
	assert_int_equal(out.len, 3 + 128);
	assert_true(ss_decode(out.data, out.len, &c));
	assert_int_equal(c.string_len, 113);
	for (size_t len = 100; len <= SS_STRING_MAX; len++) { /* 129 looks like its own long form */
		c.string = octets;
		c.string_len = len;
		buf_clear(&out);
		assert_true(ss_encode(&c, &out));
		assert_true(ss_decode(out.data, out.len, &c));
		assert_int_equal(c.string_len, len);
	}
	c.string = octets;
	c.string_len = SS_STRING_MAX + 1;
	buf_clear(&out);
	assert_false(ss_encode(&c, &out));
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

/* Octets past 127 in one plain length octet, as libosmocore writes them. */
static void the_plain_lengths_of_osmocom_are_read(void **state)
{
	uint8_t bytes[2 + 3 + 3 + 2 + 3 + 2 + 140] = {0xa1, 153, 2, 1, 1, 2, 1, 0x3b, 0x30, 145, 4, 1, 0x0f, 4, 140};
	struct ss_component c;

	(void)state;
	assert_int_equal(sizeof(bytes), 155);
	assert_true(ss_decode(bytes, sizeof(bytes), &c));
	assert_int_equal(c.string_len, 140);
	assert_ptr_equal(c.string, bytes + 15);
	bytes[1] = 0x81 + 13; /* 129 octets of text: the length looks like the start of a long one */
	bytes[9] = 0x81 + 5;
	bytes[14] = 0x81;
	assert_true(ss_decode(bytes, sizeof(bytes) - 11, &c));
	assert_int_equal(c.string_len, 129);
}

static void the_number_beside_the_string_is_told(void **state)
{
	struct ss_component c;

	(void)state;
	assert_true(ss_decode(BYTES("\xa1\x1b\x02\x01\x01\x02\x01\x3b\x30\x13\x04\x01\x0f\x04\x05\xaa\x18\x0c\x36\x02"
				    "\x80\x07\x91\x48\x19\x32\x54\x76\xf8"), &c));
	assert_int_equal(c.msisdn_len, 7);
	assert_int_equal(c.msisdn[0], 0x91);
	assert_true(ss_decode(BYTES(dialled), &c));
	assert_null(c.msisdn);
}

static void a_broken_component_is_refused(void **state)
{
	static const struct { const char *p; size_t len; } bad[] = {
		{BYTES("")},
		{BYTES("\xa1")},
		{BYTES("\xa1\x00")},
		{BYTES("\xa5\x03\x02\x01\x01")},                     /* no such kind */
		{BYTES("\xa1\x03\x02\x01\x01")},                     /* an invoke of nothing */
		{BYTES("\xa1\x06\x02\x01\x01\x02\x01\x3b\x00")},     /* octets behind it */
		{BYTES("\xa1\x07\x02\x01\x01\x02\x01\x3b")},         /* over the end */
		{BYTES("\xa1\x08\x02\x01\x01\x02\x01\x3b\x30\x05")},
		{BYTES("\xa1\x0b\x02\x01\x01\x02\x01\x3b\x30\x03\x04\x01\x0f")}, /* a scheme and no string */
		{BYTES("\xa1\x07\x02\x02\x01\x01\x02\x01\x3b")},     /* an invoke id of two octets */
		{BYTES("\xa3\x05\x05\x00\x02\x01\x22")},             /* an error of nothing */
		{BYTES("\xa4\x06\x02\x01\x01\x84\x01\x00")},         /* no such problem */
		{BYTES("\xa2\x06\x02\x01\x01\x04\x01\x00")},
	};
	struct ss_component c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(ss_decode(bad[i].p, bad[i].len, &c));
}

static void an_operation_that_is_not_ussd_is_read_as_far_as_its_number(void **state)
{
	struct ss_component c;

	(void)state; /* interrogateSS of call forwarding */
	assert_true(ss_decode(BYTES("\xa1\x0b\x02\x01\x07\x02\x01\x0e\x30\x03\x04\x01\x21"), &c));
	assert_int_equal(c.operation, 0x0e);
	assert_null(c.string);
}

/* ---- USSD strings ---- */

static void expect_packed(const char *text, const char *want, size_t len)
{
	struct ussd_string s;
	struct buf back = {0};

	ussd_string_encode(text, USSD_STRING_MAX, &s);
	assert_int_equal(s.dcs, USSD_DCS_GSM7);
	assert_int_equal(s.len, len);
	assert_memory_equal(s.octets, want, len);
	ussd_string_decode(s.dcs, s.octets, s.len, &back);
	assert_string_equal(buf_cstr(&back), text);
	buf_free(&back);
}

static void seven_spare_bits_hold_a_carriage_return(void **state)
{
	(void)state;
	expect_packed("*100#", BYTES("\xaa\x18\x0c\x36\x02"));
	expect_packed("1234567", BYTES("\x31\xd9\x8c\x56\xb3\xdd\x1a"));
	expect_packed("12345678", BYTES("\x31\xd9\x8c\x56\xb3\xdd\x70"));
	expect_packed("", BYTES(""));
}

static void a_last_carriage_return_is_not_taken_for_padding(void **state)
{
	struct buf packed = {0}, back = {0};

	(void)state;
	ussd_string_pack((const uint8_t *)"1234567\r", 8, &packed);
	assert_int_equal(packed.len, 8);
	ussd_string_unpack(packed.data, packed.len, &back);
	EXPECT(back, "1234567\r\r"); /* twice has the same meaning as once, says the specification */
	buf_free(&packed);
}

static void vietnamese_is_ucs2_where_it_fits_and_else_loses_its_marks(void **state)
{
	static const char text[] = "Đã nhận tin. Có cần người đến giúp ngay lúc này không?\n1. Có\n2. Không";
	struct buf back = {0};
	struct ussd_string s;

	(void)state;
	ussd_string_encode(text, USSD_STRING_MAX, &s);
	assert_int_equal(s.dcs, USSD_DCS_UCS2);
	assert_int_equal(s.len, 138);
	assert_false(s.folded || s.cut);
	ussd_string_decode(s.dcs, s.octets, s.len, &back);
	assert_string_equal(buf_cstr(&back), text);
	ussd_string_encode(text, 112, &s);
	assert_int_equal(s.dcs, USSD_DCS_GSM7);
	assert_true(s.folded);
	assert_false(s.cut);
	buf_clear(&back);
	ussd_string_decode(s.dcs, s.octets, s.len, &back);
	assert_string_equal(buf_cstr(&back), "Da nhan tin. Co can nguoi den giup ngay luc này khong?\n1. Co\n2. Khong");
	buf_free(&back);
}

static void a_text_is_cut_at_the_limit_and_says_so(void **state)
{
	char text[300];
	struct ussd_string s;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t max = 1; max <= USSD_STRING_MAX; max++) {
		size_t most = max * 8 / 7;

		text[most] = '\0';
		ussd_string_encode(text, max, &s);
		assert_int_equal(s.len, max);
		assert_false(s.cut);
		text[most] = 'a';
		text[most + 1] = '\0';
		ussd_string_encode(text, max, &s);
		assert_true(s.len <= max);
		assert_true(s.cut);
		text[most + 1] = 'a';
	}
	memset(text, '\r', sizeof(text));
	text[128] = '\0';
	ussd_string_encode(text, 112, &s); /* the doubled one has no room */
	assert_int_equal(s.len, 112);
}

static void a_string_is_read_after_its_coding_scheme(void **state)
{
	static const struct { uint8_t dcs; const char *p; size_t len; const char *want; } rows[] = {
		{0x00, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0x0f, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0x3f, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0x40, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0xf0, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0x44, BYTES("*100#"), "*100#"},
		{0xf4, BYTES("*100#"), "*100#"},
		{0x48, BYTES("\x1e\xa5\x00m"), "ấm"},
		{0x18, BYTES("\xaa\x18\x0c\x36\x02"), "*100#"},
		{0x11, BYTES("vi\x1e\xa5\x00m"), "ấm"},
		{0x10, BYTES("\xf6\x74\x43\x15\x03"), "*1"},
		{0x10, BYTES("\x31"), ""},
		{0x48, BYTES("\x1e"), "\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text = {0};

		ussd_string_decode(rows[i].dcs, rows[i].p, rows[i].len, &text);
		assert_string_equal(buf_cstr(&text), rows[i].want);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_whole_or_not_there_yet),
		cmocka_unit_test(an_osmocom_frame_has_an_extension_before_its_body),
		cmocka_unit_test(an_osmocom_frame_without_an_extension_is_stepped_over),
		cmocka_unit_test(the_identity_has_a_unit_id_and_the_name_twice),
		cmocka_unit_test(nothing_is_written_that_does_not_fit_its_length),
		cmocka_unit_test(a_request_is_read_and_written_octet_by_octet),
		cmocka_unit_test(an_imsi_of_even_length_has_no_filler),
		cmocka_unit_test(an_element_of_another_tag_is_stepped_over),
		cmocka_unit_test(a_broken_message_is_refused),
		cmocka_unit_test(what_is_no_imsi_is_not_written),
		cmocka_unit_test(a_dialled_code_is_an_invoke),
		cmocka_unit_test(every_kind_comes_back_as_it_was_written),
		cmocka_unit_test(a_long_string_is_written_as_x690_says),
		cmocka_unit_test(the_plain_lengths_of_osmocom_are_read),
		cmocka_unit_test(the_number_beside_the_string_is_told),
		cmocka_unit_test(a_broken_component_is_refused),
		cmocka_unit_test(an_operation_that_is_not_ussd_is_read_as_far_as_its_number),
		cmocka_unit_test(seven_spare_bits_hold_a_carriage_return),
		cmocka_unit_test(a_last_carriage_return_is_not_taken_for_padding),
		cmocka_unit_test(vietnamese_is_ucs2_where_it_fits_and_else_loses_its_marks),
		cmocka_unit_test(a_text_is_cut_at_the_limit_and_says_so),
		cmocka_unit_test(a_string_is_read_after_its_coding_scheme),
	};

	return cmocka_run_group_tests_name("gsup codec", tests, NULL, NULL);
}
