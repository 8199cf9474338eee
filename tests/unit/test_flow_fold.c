/* Folding, transliteration to GSM 03.38, cleaning; and the hash that names a version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/sha256.h"

static void assert_folds(const char *text, const char *want)
{
	char *folded = fold_text(text), *again = fold_text(folded);

	assert_string_equal(folded, want);
	assert_string_equal(again, want); /* folding what is folded changes nothing */
	mem_free(again);
	mem_free(folded);
}

static void accents_case_and_punctuation_disappear(void **state)
{
	(void)state;
	assert_folds("Đừng gọi lại!", "dung goi lai");
	assert_folds("  HƯỚNG\tDẪN...\n", "huong dan");
	assert_folds("DK_DNC_S", "dk dnc s");
	assert_folds("[QC] 100%", "qc 100");
	assert_folds("bp-4821", "bp 4821");
	assert_folds("", "");
	assert_folds("?!", "");
}

static void composed_and_decomposed_text_fold_alike(void **state)
{
	(void)state;
	assert_folds("Bé trai bị nhốt", "be trai bi nhot");
	assert_folds("Be\xcc\x81 trai bi\xcc\xa3 nho\xcc\x82\xcc\x81t", "be trai bi nhot");
	assert_folds("be\xcc\xa3\xcc\x82nh", "benh");
	assert_folds("\xef\xbc\xb3\xef\xbc\xb4\xef\xbc\xaf\xef\xbc\xb0", "stop"); /* full width */
}

static void invisible_characters_part_no_word(void **state)
{
	(void)state;
	assert_folds("c\xe2\x80\x8b\xc3\xba\xe2\x80\x8du\xef\xbb\xbf v\xc2\xadoi", "cuu voi");
}

static void pictographs_are_words_of_their_own(void **state)
{
	(void)state;
	assert_folds("😭😭ok", "😭 😭 ok");
	assert_folds("👍🏽", "👍");
}

static void bytes_that_are_not_utf8_are_gaps_and_never_refused(void **state)
{
	(void)state;
	assert_folds("c\xff\xfe" "u", "c u");
	assert_folds("\xe1\xba", "");
	assert_folds("a\xc3", "a");
}

static void assert_gsm(const char *text, const char *want, int septets)
{
	char *gsm = fold_to_gsm(text);

	assert_string_equal(gsm, want);
	assert_int_equal(fold_gsm_septets(gsm), septets);
	mem_free(gsm);
}

static void what_is_sent_needs_no_second_alphabet(void **state)
{
	(void)state;
	assert_gsm("Đã nhận, mã BP-1.\n1 Có", "Da nhan, ma BP-1.\n1 Co", 22);
	assert_gsm("“xã” – ‘Bom Bo’…", "\"xa\" - 'Bom Bo'...", 18);
	assert_gsm("a\xc2\xa0" "b", "a b", 3);
	assert_gsm("{x}", "{x}", 5);
	assert_gsm("5 €", "5 €", 4);
	assert_gsm("tốt 👍", "tot ?", 5);
	assert_int_equal(fold_gsm_septets("ữ"), -1);
}

static void cleaning_cuts_between_characters(void **state)
{
	char *text = fold_clean("a\xff" "b\x01", 100);

	(void)state;
	assert_string_equal(text, "a\xef\xbf\xbd" "b\xef\xbf\xbd");
	mem_free(text);
	text = fold_clean("xã", 2);
	assert_string_equal(text, "x");
	mem_free(text);
}

static void white_space_of_any_kind_is_blank(void **state)
{
	(void)state;
	assert_true(fold_is_blank(""));
	assert_true(fold_is_blank(" \t\r\n\xc2\xa0\xe2\x80\x8b\xe3\x80\x80"));
	assert_false(fold_is_blank(" ."));
	assert_false(fold_is_blank("\xff"));
	assert_false(fold_is_blank("\x01"));
	assert_false(fold_is_blank("😭"));
}

static void assert_sha256(const char *bytes, size_t len, const char *want)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	sha256(bytes, len, hash);
	hex_encode(hash, sizeof hash, hex);
	assert_string_equal(hex, want);
}

/* The examples of FIPS 180 and its test vectors, and the two lengths where the padding grows. */
static void the_hash_gives_the_published_answers(void **state)
{
	static char million[1000000];

	(void)state;
	assert_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', sizeof million);
	assert_sha256(million, sizeof million,
	              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	assert_sha256(million, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	assert_sha256(million, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accents_case_and_punctuation_disappear),
		cmocka_unit_test(composed_and_decomposed_text_fold_alike),
		cmocka_unit_test(invisible_characters_part_no_word),
		cmocka_unit_test(pictographs_are_words_of_their_own),
		cmocka_unit_test(bytes_that_are_not_utf8_are_gaps_and_never_refused),
		cmocka_unit_test(what_is_sent_needs_no_second_alphabet),
		cmocka_unit_test(cleaning_cuts_between_characters),
		cmocka_unit_test(white_space_of_any_kind_is_blank),
		cmocka_unit_test(the_hash_gives_the_published_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
