/* How a text is read: syllables, keystrokes, short forms, fonts, lost letters, phrases, hand-made parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "flows/engine/fonts.h"
#include "flows/engine/phrase.h"
#include "flows/engine/reading.h"
#include "flows/engine/split.h"
#include "flows/engine/syllable.h"

static struct spelled spelled_of(const char *letters)
{
	struct spelled word = {0};

	for (; *letters; letters++)
		spelled_add(&word, *letters, MARK_NONE);
	return word;
}

static void syllables_are_known_by_their_parts(void **state)
{
	static const char *const words[] = {"nghieng", "thuong", "quen", "gia", "gi", "giet", "cuu", "an",
	                                    "duong", "khuya", "xoong", "huynh", "uyen", "y"};
	static const char *const others[] = {"", "bij", "sog", "ddanh", "ke1", "cen", "kan", "ngen", "street",
	                                     "b", "xyz", "danhh", "aa", "uog"};
	struct spelled word;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		word = spelled_of(words[i]);
		assert_true(syllable_is(&word));
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		word = spelled_of(others[i]);
		assert_false(syllable_is(&word));
	}
}

static void a_closed_syllable_with_marks_needs_its_tone(void **state)
{
	struct spelled word = {0};

	(void)state;
	assert_true(spelled_add(&word, 'd', MARK_STROKE) && spelled_add(&word, 'a', MARK_CIRCUMFLEX));
	assert_true(spelled_add(&word, 'p', MARK_NONE));
	assert_false(syllable_is(&word));
	assert_true(spelled_combine(&word, 0x323));
	assert_true(syllable_is(&word));
	assert_true(spelled_combine(&word, 0x301)); /* a second tone */
	assert_false(syllable_is(&word));
}

static void assert_meant(const char *text, const char *want)
{
	char *folded = reading_fold(text);

	assert_string_equal(folded, want);
	mem_free(folded);
}

static void keystrokes_that_make_no_word_are_read_as_letters(void **state)
{
	(void)state;
	assert_meant("bij ddanhs xax nguwowif thuwowngf", "bi danh xa nguoi thuong");
	assert_meant("be1 bi5 xa6m ha5i o73 xa4", "be bi xam hai o xa");
	assert_meant("cuoi ban toi", "cuoi ban toi"); /* words already */
	assert_meant("12 1a 5", "12 1 a 5");
}

static void short_forms_and_play_are_read_in_full(void **state)
{
	(void)state;
	assert_meant("e k mun sog nua, hk dc", "em khong muon song nua khong duoc");
	assert_meant("toj thjk choj zoi bn", "toi thich choi doi ban");
	assert_meant("uog nhug trog", "uong nhung trong");
	assert_meant("mún hông bít", "muon khong biet");
	assert_meant("hồng", "hong"); /* the colour, not "no" */
	assert_meant("bp4821 13tuoi", "bp 4821 13 tuoi");
}

static void keys_held_down_count_once(void **state)
{
	(void)state;
	assert_meant("cuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", "cuu");
	assert_meant("cứuuuu vớiiii helppp", "cuu voi help");
	assert_meant("xoong", "xoong");
}

static void old_fonts_are_known_by_the_whole_text(void **state)
{
	(void)state;
	assert_meant("Chaùu beù bò ñaùnh", "chau be bi danh");
	assert_meant("häc sinh bÞ bè ®¸nh", "hoc sinh bi bo danh");
	assert_meant("bò", "bo");                 /* one word may be a cow */
	assert_meant("có bò và bê", "co bo va be"); /* all words as they stand */
}

static void only_latin_1_can_be_an_old_font(void **state)
{
	uint32_t points[] = {'b', 0x1ecb, ' ', 0xf1, 'a', 0xf9, 'n', 'h'};
	size_t count = sizeof points / sizeof *points;

	(void)state;
	assert_null(fonts_mend(points, &count));
	assert_int_equal(count, sizeof points / sizeof *points);
}

static bool finds(const char *phrase, const char *text)
{
	struct phrases list = {0};
	bool found;

	assert_true(phrases_add(&list, phrase));
	found = phrases_longest(&list, text) > 0;
	phrases_free(&list);
	return found;
}

static void a_phrase_says_where_and_with_what_it_stands(void **state)
{
	(void)state;
	assert_true(finds("bị ... đánh", "con bị ba lấy roi đánh"));
	assert_false(finds("bị ... đánh", "bị 1 2 3 4 5 6 7 8 9 đánh"));
	assert_true(finds("^cứu$", "Cứu!"));
	assert_false(finds("^cứu$", "cứu con"));
	assert_true(finds("cứu con/em", "cuu em"));
	assert_false(finds("cứu con/em", "cuu toi"));
	assert_true(finds("=sờ", "chú sờ con"));
	assert_false(finds("=sờ", "chu so con"));
}

static void a_short_gap_is_three_words_and_a_row_is_found_behind_its_first_word(void **state)
{
	(void)state;
	assert_true(finds("bị .. đánh", "bị ba lấy roi đánh"));
	assert_false(finds("bị .. đánh", "bị ba mẹ lấy roi đánh"));
	assert_true(finds("bị ... đánh đau", "bị ba đánh, đánh đau lắm"));
}

static void words_joined_by_an_and_may_stand_anywhere(void **state)
{
	(void)state;
	assert_true(finds("gả & tuổi", "mới 14 tuổi mà bị gả"));
	assert_true(finds("gả & tuổi & ép ! gả đi", "14 tuổi bị ép gả"));
	assert_false(finds("gả & tuổi", "bị gả"));
	assert_false(finds("gả & mười tuổi", "bị gả, mười bốn tuổi"));
	assert_false(finds("gả & tuổi ! gả đi", "14 tuổi gả đi"));
}

static bool finds_class(const char *phrase, const char *text)
{
	static const char *const blows[] = {"đánh", "=đá", "bạt tai"}, *const children[] = {"con", "em bé"};
	struct word_classes classes = {0};
	struct phrases list = {.classes = &classes};
	bool found;

	assert_true(classes_begin(&classes, "blow"));
	for (size_t i = 0; i < 3; i++)
		assert_true(classes_add(&classes, blows[i]));
	assert_true(classes_begin(&classes, "child"));
	for (size_t i = 0; i < 2; i++)
		assert_true(classes_add(&classes, children[i]));
	assert_true(classes_begin(&classes, "harm"));
	assert_true(classes_add(&classes, "<blow>") && classes_add(&classes, "nhốt"));
	assert_true(phrases_add(&list, phrase));
	found = phrases_longest(&list, text) > 0;
	phrases_free(&list);
	classes_free(&classes);
	return found;
}

static void a_class_stands_for_each_of_its_words(void **state)
{
	(void)state;
	assert_true(finds_class("<blow> <child>", "ba đánh con"));
	assert_true(finds_class("<blow> <child>", "ba danh em be"));
	assert_true(finds_class("<blow> <child> đau", "bạt tai em bé đau"));
	assert_false(finds_class("<blow> <child>", "ba đánh em"));
	assert_true(finds_class("<blow>/phạt <child>", "phạt con"));
	assert_true(finds_class("<harm> <child>", "đánh con") && finds_class("<harm> <child>", "nhốt con"));
	assert_false(finds_class("<blow> <child>", "nhốt con"));
	assert_true(finds_class("con ... <blow>", "con bị ?ánh hoài ?"));
}

static void a_member_may_ask_for_its_accents(void **state)
{
	(void)state;
	assert_true(finds_class("bị <blow>", "bị đá"));
	assert_false(finds_class("bị <blow>", "bi da"));
	assert_true(finds_class("=bị <blow>", "bị đánh"));
	assert_false(finds_class("=bị <blow>", "bi danh"));
}

static void a_class_has_one_name_and_some_word(void **state)
{
	struct word_classes classes = {0};
	const char *name;

	(void)state;
	assert_true(classes_begin(&classes, "a"));
	assert_false(classes_begin(&classes, "a"));
	assert_false(classes_add(&classes, "<b>") || classes_add(&classes, "!"));
	assert_int_equal(phrases_unknown_class(&classes, "x <a> <b>/y", &name), 3);
	assert_memory_equal(name, "<b>", 3);
	assert_int_equal(phrases_unknown_class(&classes, "<a>", &name), 0);
	assert_int_equal(phrases_unknown_class(&classes, "<a", &name), 2);
	classes_free(&classes);
}

static void in_a_text_typed_with_accents_a_word_without_is_another(void **state)
{
	(void)state;
	assert_true(finds("đâm", "dam con"));
	assert_false(finds("đâm", "bé hái dam bụt về nhà"));
	assert_true(finds("không nói", "ko nói chuyện với bạn bè")); /* a short form has no accents to go by */
}

static void what_a_saying_holds_matches_nothing(void **state)
{
	struct phrases sayings = {0}, list = {0};
	struct reading reading;

	(void)state;
	assert_true(phrases_add(&sayings, "đánh răng") && phrases_add(&sayings, "răng sún"));
	assert_true(phrases_add(&list, "đánh") && phrases_add(&list, "ba ... sún"));
	reading_init(&reading, "ba đánh răng sún");
	assert_true(phrases_find(&list, &reading) == 2);
	phrases_make_idle(&sayings, &reading);
	assert_int_equal(phrases_find(&list, &reading), 0);
	reading_fini(&reading);
	phrases_free(&sayings);
	phrases_free(&list);
}

static void words_run_together_are_read_apart(void **state)
{
	(void)state;
	assert_true(finds("cứu với", "cuuvoi"));
	assert_true(finds("điện giật", "chaubidiengiat"));
	assert_true(finds("facebook", "facebook") && finds("someone took", "someone took it"));
	assert_false(finds("me", "someone"));
}

static void an_exception_covers_only_what_it_is_part_of(void **state)
{
	(void)state;
	assert_false(finds("đánh ! đánh răng | đánh giày", "con đi đánh giày"));
	assert_true(finds("đánh ! đánh răng | đánh giày", "đánh răng xong ba đánh"));
}

static void written_accents_must_agree(void **state)
{
	(void)state;
	assert_true(finds("tự tử", "tu tu"));
	assert_true(finds("tự tử", "tự tữ")); /* hoi and nga are mixed up by half the country */
	assert_false(finds("tự tử", "từ từ"));
	assert_false(finds("đừng gọi", "đúng gọi"));
	assert_true(finds("đánh con", "đanh con")); /* the key for the stroke alone proves little */
	assert_true(finds("hoà", "hòa"));
	assert_true(finds("haha", "hàhà") && finds("help", "HELP"));
}

static void lost_letters_match_only_what_can_be_lost(void **state)
{
	(void)state;
	assert_true(finds("bị đánh", "b? ??nh"));
	assert_true(finds("bị đánh", "em b? ?ánh")); /* GSM has no letter with that accent, other paths may */
	assert_false(finds("cho ăn", "?ho ?n"));
	assert_false(finds("bị", "?? ??")); /* nothing is left to go by */
	assert_true(finds("ai", "có ai không? ai"));
}

static void a_list_tells_the_words_that_match(void **state)
{
	struct phrases list = {0};

	(void)state;
	assert_true(phrases_add(&list, "một hai ba") && phrases_add(&list, "hai/ba") &&
	            phrases_add(&list, "bốn *5"));
	assert_int_equal(phrases_weight(&list, "một hai ba"), 4);
	assert_int_equal(phrases_longest(&list, "một hai ba"), 3);
	assert_int_equal(phrases_weight(&list, "bốn bốn"), 5);
	assert_false(phrases_add(&list, "..."));
	assert_false(phrases_add(&list, "x ! "));
	assert_int_equal(list.count, 3);
	phrases_free(&list);
}

static void assert_split(const char *text, unsigned index, unsigned total, const char *rest)
{
	struct split split;

	assert_true(split_mark(text, &split));
	assert_int_equal(split.index, index);
	assert_int_equal(split.total, total);
	assert_int_equal(split.rest_len, strlen(rest));
	assert_memory_equal(split.rest, rest, split.rest_len);
}

static void marks_of_parts_are_read_in_their_forms(void **state)
{
	static const char *const none[] = {"", "1", "12 tuoi", "p1 tan binh", "(3)", "3/2 a", "1/20 a", "1/6/2026",
	                                   "nha so 1/2", "(1/2", "a (b)"};
	struct split split;

	(void)state;
	assert_split("(1/2) ba danh", 1, 2, "ba danh");
	assert_split(" 2/3 roi", 2, 3, "roi");
	assert_split("p2: het", 2, 0, "het");
	assert_split("Phần 1. a", 1, 0, "a");
	assert_split("[p1/2] a", 1, 2, "a");
	assert_split("ba danh (2/2)", 2, 2, "ba danh ");
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(split_mark(none[i], &split));
}

static void parts_join_in_order_whatever_came_first(void **state)
{
	char second[] = "(2/2) danh con", chat[] = "alo", stale[] = "(1/2) cu";
	char *earlier[] = {second, chat, stale};
	char *joined = split_join(earlier, 3, "(1/2) ba con");

	(void)state;
	assert_string_equal(joined, "ba con danh con");
	mem_free(joined);
	assert_null(split_join(earlier, 3, "(1/3) ba con"));
	assert_null(split_join(earlier, 3, "ba con"));
	assert_null(split_join(earlier + 1, 1, "(1/2) ba con"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syllables_are_known_by_their_parts),
		cmocka_unit_test(a_closed_syllable_with_marks_needs_its_tone),
		cmocka_unit_test(keystrokes_that_make_no_word_are_read_as_letters),
		cmocka_unit_test(short_forms_and_play_are_read_in_full),
		cmocka_unit_test(keys_held_down_count_once),
		cmocka_unit_test(old_fonts_are_known_by_the_whole_text),
		cmocka_unit_test(only_latin_1_can_be_an_old_font),
		cmocka_unit_test(a_phrase_says_where_and_with_what_it_stands),
		cmocka_unit_test(a_short_gap_is_three_words_and_a_row_is_found_behind_its_first_word),
		cmocka_unit_test(words_joined_by_an_and_may_stand_anywhere),
		cmocka_unit_test(a_class_stands_for_each_of_its_words),
		cmocka_unit_test(a_member_may_ask_for_its_accents),
		cmocka_unit_test(a_class_has_one_name_and_some_word),
		cmocka_unit_test(in_a_text_typed_with_accents_a_word_without_is_another),
		cmocka_unit_test(what_a_saying_holds_matches_nothing),
		cmocka_unit_test(words_run_together_are_read_apart),
		cmocka_unit_test(an_exception_covers_only_what_it_is_part_of),
		cmocka_unit_test(written_accents_must_agree),
		cmocka_unit_test(lost_letters_match_only_what_can_be_lost),
		cmocka_unit_test(a_list_tells_the_words_that_match),
		cmocka_unit_test(marks_of_parts_are_read_in_their_forms),
		cmocka_unit_test(parts_join_in_order_whatever_came_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
