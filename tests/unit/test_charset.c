/* Alphabets both ways, the cutting of long texts, and hostile user data headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/charset.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void expect_text(enum alphabet alphabet, const uint8_t *bytes, size_t len, const char *want)
{
	struct buf out = { 0 };

	charset_to_utf8(alphabet, bytes, len, &out);
	assert_string_equal(buf_cstr(&out), want);
	assert_int_equal(out.len, strlen(want));
	assert_true(charset_utf8_valid(out.data, out.len));
	buf_free(&out);
}

/* ---- decoding ---- */

static void gsm_default_alphabet_is_read(void **state)
{
	(void)state;
	expect_text(ALPHABET_GSM7, BYTES(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07), "@£$¥èéùì");
	expect_text(ALPHABET_GSM7, BYTES(0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f), "òÇ\nØø\rÅå");
	expect_text(ALPHABET_GSM7, BYTES(0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17), "Δ_ΦΓΛΩΠΨ");
	expect_text(ALPHABET_GSM7, BYTES(0x18, 0x19, 0x1a, 0x1c, 0x1d, 0x1e, 0x1f), "ΣΘΞÆæßÉ");
	expect_text(ALPHABET_GSM7, BYTES(0x24, 0x40, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f), "¤¡ÄÖÑÜ§");
	expect_text(ALPHABET_GSM7, BYTES(0x60, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f), "¿äöñüà");
	expect_text(ALPHABET_GSM7, BYTES('C', 'u', 'u', ' ', 'e', 'm'), "Cuu em");
}

static void gsm_extension_table_is_read(void **state)
{
	(void)state;
	expect_text(ALPHABET_GSM7,
	            BYTES(0x1b, 0x14, 0x1b, 0x28, 0x1b, 0x29, 0x1b, 0x2f, 0x1b, 0x3c, 0x1b, 0x3d, 0x1b,
	                  0x3e, 0x1b, 0x40, 0x1b, 0x65, 0x1b, 0x0a),
	            "^{}\\[~]|€\f");
}

static void an_unknown_escape_shows_the_default_character(void **state)
{
	(void)state;
	expect_text(ALPHABET_GSM7, BYTES(0x1b, 'A', 'b'), "Ab");
	expect_text(ALPHABET_GSM7, BYTES('a', 0x1b), "a ");
	expect_text(ALPHABET_GSM7, BYTES(0x1b, 0x1b, 'x'), " x");
}

static void eight_bit_text_under_a_seven_bit_label_is_rescued(void **state)
{
	(void)state;
	expect_text(ALPHABET_GSM7, BYTES('x', 0xe1, 0xba, 0xa5, 'y'), "xấy");
	expect_text(ALPHABET_ASCII, BYTES('x', 0xe9), "xé");
}

static void latin1_and_ascii_are_read(void **state)
{
	(void)state;
	expect_text(ALPHABET_LATIN1, BYTES('a', 0xe0, 0xff, 0xa0), "aàÿ\u00a0");
	expect_text(ALPHABET_ASCII, BYTES('[', '@', ']'), "[@]");
}

static void utf16_is_read_with_surrogates(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF16, BYTES(0x1e, 0xa5, 0x00, 'x'), "ấx");
	expect_text(ALPHABET_UTF16, BYTES(0xd8, 0x3d, 0xde, 0x22), "😢");
	expect_text(ALPHABET_UTF16, BYTES(0xdb, 0xff, 0xdf, 0xfd), "\U0010fffd");
}

static void lone_surrogates_become_replacement_characters(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF16, BYTES(0xd8, 0x3d), "\ufffd");
	expect_text(ALPHABET_UTF16, BYTES(0xde, 0x22, 0x00, 'a'), "\ufffda");
	expect_text(ALPHABET_UTF16, BYTES(0xd8, 0x3d, 0x00, 'a'), "\ufffda");
	expect_text(ALPHABET_UTF16, BYTES(0xd8, 0x3d, 0xd8, 0x3d, 0xde, 0x22), "\ufffd😢");
}

static void half_a_utf16_unit_is_shown(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF16, BYTES(0x00, 'a', 0x00), "a\ufffd");
	expect_text(ALPHABET_UTF16, BYTES(0x41), "\ufffd");
}

static void a_byte_order_mark_is_obeyed(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF16, BYTES(0xfe, 0xff, 0x1e, 0xa5), "ấ");
	expect_text(ALPHABET_UTF16, BYTES(0xff, 0xfe, 0xa5, 0x1e), "ấ");
}

static void eight_bit_is_utf8_if_it_can_be(void **state)
{
	(void)state;
	expect_text(ALPHABET_BINARY, BYTES(0xc4, 0x91, 'i'), "đi");
	expect_text(ALPHABET_BINARY, BYTES(0xc4, 'i'), "Äi");
}

static void broken_utf8_is_replaced_not_refused(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF8, BYTES(0xc0, 0xaf), "\ufffd\ufffd");             /* overlong */
	expect_text(ALPHABET_UTF8, BYTES(0xed, 0xa0, 0x80), "\ufffd\ufffd\ufffd"); /* surrogate */
	expect_text(ALPHABET_UTF8, BYTES(0xe1, 0xba, 'x'), "\ufffdx");             /* cut short */
	expect_text(ALPHABET_UTF8, BYTES(0xf4, 0x90, 0x80, 0x80), "\ufffd\ufffd\ufffd\ufffd");
	expect_text(ALPHABET_UTF8, BYTES(0xf0, 0x9f, 0x98), "\ufffd");
	expect_text(ALPHABET_UTF8, BYTES(0x80, 'a'), "\ufffda");
}

static void zero_octets_end_nothing_early(void **state)
{
	(void)state;
	expect_text(ALPHABET_UTF8, BYTES('a', 0, 'b'), "a\ufffdb");
	expect_text(ALPHABET_UTF8, BYTES('a', 'b', 0), "ab");
	expect_text(ALPHABET_UTF16, BYTES(0, 'a', 0, 0), "a");
	expect_text(ALPHABET_GSM7, BYTES('a', 0), "a@");
	expect_text(ALPHABET_LATIN1, BYTES(0), "");
}

static void an_undecodable_pdu_is_shown_in_hexadecimal(void **state)
{
	(void)state;
	expect_text(ALPHABET_PDU, BYTES(0x00, 0x1f, 0xa0), "001fa0");
}

static void nothing_stays_nothing(void **state)
{
	struct buf out = { 0 };

	(void)state;
	for (int a = ALPHABET_GSM7; a <= ALPHABET_PDU; a++)
		charset_to_utf8((enum alphabet)a, "", 0, &out);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void decoding_appends(void **state)
{
	struct buf out = { 0 };

	(void)state;
	buf_put(&out, "ab", 2);
	charset_to_utf8(ALPHABET_UTF16, "\x1e\xa5", 2, &out);
	assert_string_equal(buf_cstr(&out), "abấ");
	buf_free(&out);
}

static void joined_parts_decode_as_one(void **state)
{
	(void)state;
	/* A surrogate pair and an escape pair, each cut in the middle by the phone, then joined. */
	expect_text(ALPHABET_UTF16, (const uint8_t *)"\x00" "a\xd8\x3d" "\xde\x22\x00" "b", 8, "a😢b");
	expect_text(ALPHABET_GSM7, (const uint8_t *)"a\x1b" "\x65" "b", 4, "a€b");
}

/* ---- coding ---- */

static char *repeat(const char *text, unsigned times, const char *tail)
{
	size_t len = strlen(text);
	char *out = calloc(1, len * times + strlen(tail) + 1);

	for (unsigned i = 0; i < times; i++)
		memcpy(out + i * len, text, len);
	strcpy(out + len * times, tail);
	return out;
}

static const struct charset_choice gsm = { .dcs0 = ALPHABET_GSM7 };

/* Lengths in octets of the parts of a text; the text must come back whole from them. */
static void expect_parts(const char *text, enum alphabet dcs0, unsigned ref_bits, bool ucs2,
                         unsigned count, const size_t *lengths)
{
	struct charset_parts parts;
	struct buf back = { 0 };
	size_t start = 0;

	charset_split(text, &(struct charset_choice){ .dcs0 = dcs0 }, ref_bits, 255, &parts);
	assert_int_equal(parts.ucs2, ucs2);
	assert_int_equal(parts.count, count);
	assert_false(parts.cut);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(parts.end[i] - start, lengths[i]);
		start = parts.end[i];
	}
	assert_int_equal(start, parts.octets.len);
	charset_to_utf8(ucs2 ? ALPHABET_UTF16 : ALPHABET_GSM7, parts.octets.data, parts.octets.len, &back);
	assert_string_equal(buf_cstr(&back), text);
	buf_free(&back);
	charset_parts_free(&parts);
}

static void split_repeated(const char *text, unsigned times, const char *tail, unsigned ref_bits,
                           bool ucs2, unsigned count, const size_t *lengths)
{
	char *whole = repeat(text, times, tail);

	expect_parts(whole, ALPHABET_GSM7, ref_bits, ucs2, count, lengths);
	free(whole);
}

static void fits_gsm7_knows_both_tables(void **state)
{
	(void)state;
	assert_true(charset_fits_gsm7("Hello @£ []{} € 100%\n"));
	assert_true(charset_fits_gsm7(""));
	assert_false(charset_fits_gsm7("Xin chào, đường dây"));
	assert_false(charset_fits_gsm7("`"));
	assert_false(charset_fits_gsm7("ç"));
	assert_false(charset_fits_gsm7("\xff"));
	assert_false(charset_fits_gsm7("\x1b"));
}

static void short_texts_take_one_part(void **state)
{
	(void)state;
	expect_parts("", ALPHABET_GSM7, 8, false, 1, (size_t[]){ 0 });
	split_repeated("a", 160, "", 8, false, 1, (size_t[]){ 160 });
	split_repeated("€", 80, "", 8, false, 1, (size_t[]){ 160 });
	split_repeated("ấ", 70, "", 8, true, 1, (size_t[]){ 140 });
	split_repeated("😢", 35, "", 8, true, 1, (size_t[]){ 140 });
}

static void long_texts_leave_room_for_the_header(void **state)
{
	(void)state;
	split_repeated("a", 161, "", 8, false, 2, (size_t[]){ 153, 8 });
	split_repeated("a", 161, "", 16, false, 2, (size_t[]){ 152, 9 });
	split_repeated("ấ", 71, "", 8, true, 2, (size_t[]){ 134, 8 });
	split_repeated("ấ", 71, "", 16, true, 2, (size_t[]){ 132, 10 });
	split_repeated("a", 153 * 3, "", 8, false, 3, (size_t[]){ 153, 153, 153 });
	split_repeated("a", 153 * 3, "b", 8, false, 4, (size_t[]){ 153, 153, 153, 1 });
}

static void an_escape_pair_stays_in_one_part(void **state)
{
	(void)state;
	split_repeated("a", 152, "€bbbbbbbbbb", 8, false, 2, (size_t[]){ 152, 12 });
}

static void a_surrogate_pair_stays_in_one_part(void **state)
{
	(void)state;
	split_repeated("ấ", 66, "😢ấấấấ", 8, true, 2, (size_t[]){ 132, 12 });
}

static void a_combining_sequence_stays_in_one_part(void **state)
{
	(void)state;
	/* a + circumflex + acute, as three code points */
	split_repeated("ấ", 65, "a\u0302\u0301ấấấấ", 8, true, 2, (size_t[]){ 130, 14 });
	/* family emoji: five code points joined by U+200D */
	split_repeated("ấ", 64, "👨\u200d👩\u200d👧ấấấấ", 8, true, 2, (size_t[]){ 128, 24 });
}

static void a_cluster_longer_than_a_part_is_cut_all_the_same(void **state)
{
	(void)state;
	split_repeated("\u0301", 100, "", 8, true, 2, (size_t[]){ 134, 66 });
}

static void too_many_parts_are_cut_and_said_so(void **state)
{
	char *text = repeat("a", 153 * 4, "");
	struct charset_parts parts;

	(void)state;
	charset_split(text, &gsm, 8, 3, &parts);
	assert_true(parts.cut);
	assert_int_equal(parts.count, 3);
	assert_int_equal(parts.octets.len, 153 * 3);
	assert_int_equal(parts.end[2], 153 * 3);
	charset_parts_free(&parts);
	charset_split(text, &gsm, 8, 1, &parts);
	assert_true(parts.cut);
	assert_int_equal(parts.count, 1);
	assert_int_equal(parts.octets.len, 160);
	charset_parts_free(&parts);
	free(text);
}

static void more_than_255_parts_are_never_made(void **state)
{
	char *text = repeat("a", 153 * 300, "");
	struct charset_parts parts;

	(void)state;
	charset_split(text, &gsm, 8, 100000, &parts);
	assert_true(parts.cut);
	assert_int_equal(parts.count, 255);
	charset_parts_free(&parts);
	free(text);
}

static void a_link_without_gsm_gets_only_what_ascii_shares(void **state)
{
	(void)state;
	expect_parts("Ma 123456", ALPHABET_LATIN1, 8, false, 1, (size_t[]){ 9 });
	expect_parts("a@b", ALPHABET_LATIN1, 8, true, 1, (size_t[]){ 6 });
	expect_parts("a@b", ALPHABET_GSM7, 8, false, 1, (size_t[]){ 3 });
}

/* ---- the cheapest alphabet ---- */

static void expect_choice(const char *text, struct charset_choice choice, bool ucs2, bool latin1,
                          const char *octets, size_t len)
{
	struct charset_parts parts;

	charset_split(text, &choice, 8, 255, &parts);
	assert_int_equal(parts.ucs2, ucs2);
	assert_int_equal(parts.latin1, latin1);
	assert_int_equal(parts.octets.len, len);
	assert_memory_equal(parts.octets.data, octets, len);
	charset_parts_free(&parts);
}

static void latin1_is_used_where_it_may_and_saves(void **state)
{
	struct charset_choice may = { .dcs0 = ALPHABET_GSM7, .latin1 = true };

	(void)state;
	expect_choice("xã", may, false, true, "x\xe3", 2);
	expect_choice("xa", may, false, false, "xa", 2);
	expect_choice("xạ", may, true, false, "\0x\x1e\xa1", 4);
	expect_choice("xã", gsm, true, false, "\0x\0\xe3", 4);
}

static void latin1_parts_hold_134_octets(void **state)
{
	struct charset_choice may = { .dcs0 = ALPHABET_GSM7, .latin1 = true };
	char *text = repeat("ã", 141, "");
	struct charset_parts parts;

	(void)state;
	charset_split(text, &may, 8, 255, &parts);
	assert_int_equal(parts.count, 2);
	assert_int_equal(parts.end[0], 134);
	charset_parts_free(&parts);
	charset_split(text + 2, &may, 16, 255, &parts);
	assert_int_equal(parts.count, 1);
	charset_parts_free(&parts);
	free(text);
}

static void accents_are_dropped_only_when_told_and_only_to_save(void **state)
{
	struct charset_choice plain = { .dcs0 = ALPHABET_GSM7, .transliterate = true };
	char *text = repeat("Đã nhận tin của em. ", 5, "");
	struct charset_parts parts;

	(void)state;
	charset_split(text, &plain, 8, 255, &parts);
	assert_false(parts.ucs2);
	assert_int_equal(parts.count, 1);
	assert_memory_equal(parts.octets.data, "Da nhan tin cua em. ", 20);
	charset_parts_free(&parts);
	charset_split(text, &gsm, 8, 255, &parts);
	assert_true(parts.ucs2);
	assert_int_equal(parts.count, 2);
	charset_parts_free(&parts);
	expect_choice("Đã", plain, true, false, "\x01\x10\0\xe3", 4); /* one part either way */
	free(text);
}

static void what_has_no_plain_form_keeps_the_text_as_it_is(void **state)
{
	struct charset_choice plain = { .dcs0 = ALPHABET_GSM7, .transliterate = true };
	char *text = repeat("khẩn cấp 😢 ", 10, "");
	struct charset_parts parts;

	(void)state;
	charset_split(text, &plain, 8, 255, &parts);
	assert_true(parts.ucs2);
	charset_parts_free(&parts);
	free(text);
}

static void expect_plain(const char *text, const char *want)
{
	struct buf out = { 0 };

	assert_true(charset_transliterate(text, &out));
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void every_vietnamese_letter_has_a_plain_form(void **state)
{
	struct buf out = { 0 };

	(void)state;
	expect_plain("ăắằẳẵặâấầẩẫậđêếềểễệôốồổỗộơớờởỡợưứừửữự", "aaaaaaaaaaaadeeeeeeoooooooooooouuuuuu");
	expect_plain("ẠẢĐẸẺỊỈỌỎỤỦỲỴỶỸ", "AADEEIIOOUUYYYY");
	expect_plain("a\u0323e\u0302\u0301", "ae");
	expect_plain("“Alô” – chờ… 5₫", "\"Alo\" - cho... 5d");
	expect_plain("à é ü ñ £ €", "à é ü ñ £ €"); /* GSM has them */
	assert_false(charset_transliterate("中", &out));
	assert_false(charset_transliterate("\xff", &out));
	buf_free(&out);
}

/* ---- national language tables ---- */

/* What octets mean under a locking and a single shift language, 23.038 annex A. */
static void expect_national(unsigned locking, unsigned single, const char *octets, const char *want)
{
	struct buf out = { 0 };

	charset_to_utf8(charset_national(locking, single), octets, strlen(octets), &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void european_tables_are_read(void **state)
{
	(void)state;
	expect_national(1, 0, "\x07\x0b\x0c\x1c\x1d\x40\x60\x04", "ıĞğŞşİç€");
	expect_national(0, 1, "\x1bG\x1bg\x1bI\x1bi\x1bS\x1bs\x1b\x63\x1b\x65", "ĞğİıŞşç€");
	expect_national(0, 2, "se\x7d" "al \x1b\x61\x1bi\x1bo\x1bu\x1b\x09", "señal áíóúç");
	expect_national(3, 3, "\x09\x0b\x1a\x5b\x7b\x1b\x61\x1b\x41\x1b\x05\x1b[", "çÔ|ÃãÂÀêÃ");
}

static void asian_tables_are_read(void **state)
{
	(void)state;
	expect_national(4, 4, "\x05\x15\x51\x1b\x19\x1b\x1c", "ই" "ক" "ি" "০" "২");
	expect_national(6, 6, "\x3d\x50\x15\x5f\x1b\x1c\x1b\x26", "प" "ा" "क" "्" "०" "\u0951");
	expect_national(11, 11, "\x15\x5f\x1b\x1c", "க" "்" "௦");
	expect_national(12, 12, "\x15\x51\x1b\x1c", "క" "ి" "౦");
	expect_national(13, 13, "\x01\x02\x5b\x5c\x1b\x1c", "آ" "ب" "ے" "\u064d" "۰");
	for (unsigned language = 4; language < 14; language++)
		expect_national(language, language, "abc 123 \x1b\x41\x1b\x5a\x1b\x65", "abc 123 AZ€");
}

static void what_a_table_leaves_out_is_as_without_it(void **state)
{
	(void)state;
	expect_national(0, 1, "@\x1b\x28\x1b\x3e", "¡{]");
	expect_national(0, 13, "\x1b\x65", "€");
	expect_national(1, 0, "\x1b\x65", "€");
	expect_national(0, 1, "a\x1b", "a "); /* an escape with nothing behind it */
}

static void an_unknown_language_counts_as_none(void **state)
{
	(void)state;
	assert_int_equal(charset_national(0, 0), ALPHABET_GSM7);
	assert_int_equal(charset_national(14, 200), ALPHABET_GSM7);
	assert_int_equal(charset_national(13, 13), ALPHABET_NATIONAL_LAST);
}

static void a_header_names_the_languages(void **state)
{
	struct charset_udh udh;

	(void)state;
	assert_true(charset_udh_read(BYTES(11, 0x24, 1, 3, 0x25, 1, 2, 0x00, 3, 9, 2, 1, 'x'), &udh));
	assert_int_equal(udh.single, 3);
	assert_int_equal(udh.locking, 2);
	assert_int_equal(udh.ref, 9);
	assert_int_equal(udh.body_at, 12);
	assert_true(charset_udh_read(BYTES(4, 0x24, 2, 3, 3), &udh)); /* wrong length */
	assert_int_equal(udh.single, 0);
}

/* ---- user data header ---- */

static void an_8_bit_reference_is_found(void **state)
{
	struct charset_udh udh;

	(void)state;
	assert_true(charset_udh_read(BYTES(5, 0x00, 3, 0x2a, 3, 2, 'x'), &udh));
	assert_int_equal(udh.body_at, 6);
	assert_int_equal(udh.ref_bits, 8);
	assert_int_equal(udh.ref, 0x2a);
	assert_int_equal(udh.total, 3);
	assert_int_equal(udh.seq, 2);
}

static void a_16_bit_reference_is_found_behind_others(void **state)
{
	struct charset_udh udh;

	(void)state;
	/* ports (0x05) and a national table (0x24) come first */
	assert_true(charset_udh_read(
		BYTES(15, 0x05, 4, 0, 1, 0, 2, 0x24, 1, 1, 0x08, 4, 0x12, 0x34, 2, 1, 'x', 'y'), &udh));
	assert_int_equal(udh.body_at, 16);
	assert_int_equal(udh.ref_bits, 16);
	assert_int_equal(udh.ref, 0x1234);
	assert_int_equal(udh.total, 2);
	assert_int_equal(udh.seq, 1);
}

static void a_header_longer_than_the_body_is_no_header(void **state)
{
	struct charset_udh udh = { .body_at = 99 };

	(void)state;
	assert_false(charset_udh_read(BYTES(5, 0x00, 3, 1, 2), &udh));
	assert_false(charset_udh_read(BYTES(0xff), &udh));
	assert_false(charset_udh_read("", 0, &udh));
	assert_int_equal(udh.body_at, 99);
}

static void an_element_longer_than_the_header_ends_the_walk(void **state)
{
	struct charset_udh udh;

	(void)state;
	assert_true(charset_udh_read(BYTES(4, 0x00, 200, 1, 2, 'b', 'c'), &udh));
	assert_int_equal(udh.body_at, 5);
	assert_int_equal(udh.ref_bits, 0);
	assert_true(charset_udh_read(BYTES(1, 0x00, 'b'), &udh));
	assert_int_equal(udh.body_at, 2);
	assert_true(charset_udh_read(BYTES(0, 'b'), &udh));
	assert_int_equal(udh.body_at, 1);
	/* what was whole before the break still counts */
	assert_true(charset_udh_read(BYTES(7, 0x00, 3, 9, 2, 1, 0x05, 9, 'b'), &udh));
	assert_int_equal(udh.ref_bits, 8);
	assert_int_equal(udh.body_at, 8);
}

static void senseless_part_numbers_are_ignored(void **state)
{
	struct charset_udh udh;

	(void)state;
	assert_true(charset_udh_read(BYTES(5, 0x00, 3, 1, 2, 0), &udh));
	assert_int_equal(udh.ref_bits, 0);
	assert_true(charset_udh_read(BYTES(5, 0x00, 3, 1, 2, 3), &udh));
	assert_int_equal(udh.ref_bits, 0);
	assert_true(charset_udh_read(BYTES(5, 0x00, 3, 1, 0, 0), &udh));
	assert_int_equal(udh.ref_bits, 0);
	assert_true(charset_udh_read(BYTES(4, 0x00, 2, 1, 1), &udh)); /* wrong length */
	assert_int_equal(udh.ref_bits, 0);
}

static void a_written_header_is_read_back(void **state)
{
	struct buf out = { 0 };
	struct charset_udh udh;

	(void)state;
	charset_udh_write(&out, 8, 0xab, 3, 1);
	assert_int_equal(out.len, 6);
	assert_memory_equal(out.data, "\x05\x00\x03\xab\x03\x01", 6);
	buf_clear(&out);
	charset_udh_write(&out, 16, 0xabcd, 3, 2);
	assert_int_equal(out.len, 7);
	assert_true(charset_udh_read(out.data, out.len, &udh));
	assert_int_equal(udh.ref, 0xabcd);
	assert_int_equal(udh.ref_bits, 16);
	assert_int_equal(udh.seq, 2);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gsm_default_alphabet_is_read),
		cmocka_unit_test(gsm_extension_table_is_read),
		cmocka_unit_test(an_unknown_escape_shows_the_default_character),
		cmocka_unit_test(eight_bit_text_under_a_seven_bit_label_is_rescued),
		cmocka_unit_test(latin1_and_ascii_are_read),
		cmocka_unit_test(utf16_is_read_with_surrogates),
		cmocka_unit_test(lone_surrogates_become_replacement_characters),
		cmocka_unit_test(half_a_utf16_unit_is_shown),
		cmocka_unit_test(a_byte_order_mark_is_obeyed),
		cmocka_unit_test(eight_bit_is_utf8_if_it_can_be),
		cmocka_unit_test(broken_utf8_is_replaced_not_refused),
		cmocka_unit_test(zero_octets_end_nothing_early),
		cmocka_unit_test(an_undecodable_pdu_is_shown_in_hexadecimal),
		cmocka_unit_test(nothing_stays_nothing),
		cmocka_unit_test(decoding_appends),
		cmocka_unit_test(joined_parts_decode_as_one),
		cmocka_unit_test(fits_gsm7_knows_both_tables),
		cmocka_unit_test(short_texts_take_one_part),
		cmocka_unit_test(long_texts_leave_room_for_the_header),
		cmocka_unit_test(an_escape_pair_stays_in_one_part),
		cmocka_unit_test(a_surrogate_pair_stays_in_one_part),
		cmocka_unit_test(a_combining_sequence_stays_in_one_part),
		cmocka_unit_test(a_cluster_longer_than_a_part_is_cut_all_the_same),
		cmocka_unit_test(too_many_parts_are_cut_and_said_so),
		cmocka_unit_test(more_than_255_parts_are_never_made),
		cmocka_unit_test(a_link_without_gsm_gets_only_what_ascii_shares),
		cmocka_unit_test(latin1_is_used_where_it_may_and_saves),
		cmocka_unit_test(latin1_parts_hold_134_octets),
		cmocka_unit_test(accents_are_dropped_only_when_told_and_only_to_save),
		cmocka_unit_test(what_has_no_plain_form_keeps_the_text_as_it_is),
		cmocka_unit_test(every_vietnamese_letter_has_a_plain_form),
		cmocka_unit_test(european_tables_are_read),
		cmocka_unit_test(asian_tables_are_read),
		cmocka_unit_test(what_a_table_leaves_out_is_as_without_it),
		cmocka_unit_test(an_unknown_language_counts_as_none),
		cmocka_unit_test(a_header_names_the_languages),
		cmocka_unit_test(an_8_bit_reference_is_found),
		cmocka_unit_test(a_16_bit_reference_is_found_behind_others),
		cmocka_unit_test(a_header_longer_than_the_body_is_no_header),
		cmocka_unit_test(an_element_longer_than_the_header_ends_the_walk),
		cmocka_unit_test(senseless_part_numbers_are_ignored),
		cmocka_unit_test(a_written_header_is_read_back),
	};

	return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
