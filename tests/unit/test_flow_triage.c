/* Triage by the shipped flow: the example messages, and what must never be lost. The numbers below
 * were measured; they may rise, not fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "flow_help.h"

enum { COLUMNS = 13, URGENCIES_RIGHT_MIN = 41, KINDS_RIGHT_MIN = 33 };
enum column { COLUMN_ID = 0, COLUMN_TEXT = 3, COLUMN_KIND = 7, COLUMN_URGENCY = 9 };

static int set_up(void **state)
{
	*state = load_hotline();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	flow_free(*state);
	return 0;
}

struct score {
	int rows, urgencies, reports, kinds, lost;
};

static void score_row(const struct flow *flow, char *line, struct score *score)
{
	const char *columns[COLUMNS] = {0};
	struct flow_triage found;
	bool grave, report;

	for (int i = 0; i < COLUMNS && line; i++)
		columns[i] = strsep(&line, "\t");
	assert_non_null(columns[COLUMN_URGENCY]);
	flow_triage(flow, columns[COLUMN_TEXT], &found);
	grave = !strcmp(columns[COLUMN_URGENCY], "khan_cap") || !strcmp(columns[COLUMN_URGENCY], "cao");
	report = strcmp(columns[COLUMN_URGENCY], "khong") != 0;
	score->rows++;
	score->reports += report;
	score->urgencies += !strcmp(columns[COLUMN_URGENCY], urgency_name(found.urgency));
	score->kinds += report && !strcmp(columns[COLUMN_KIND], found.kind);
	score->lost += grave && found.text_class != FLOW_TEXT_REPORT;
	print_message("%s urgency %s, found %s; kind %s, found %s\n", columns[COLUMN_ID],
	              columns[COLUMN_URGENCY], urgency_name(found.urgency), columns[COLUMN_KIND],
	              found.kind);
}

static void the_example_messages_are_sorted_as_well_as_measured(void **state)
{
	struct score score = {0};
	size_t len = 0;
	char *bytes = read_source("tests/data/vn-sms-examples.tsv", &len), *rest = bytes, *line;

	assert_non_null(bytes);
	while ((line = strsep(&rest, "\n")))
		if (line[0] && line[0] != '#' && strncmp(line, "id\t", 3))
			score_row(*state, line, &score);
	mem_free(bytes);
	print_message("urgency right: %d of %d; kind right: %d of %d reports; grave texts lost: %d\n",
	              score.urgencies, score.rows, score.kinds, score.reports, score.lost);
	assert_int_equal(score.lost, 0);
	assert_true(score.rows >= 40);
	assert_true(score.urgencies >= URGENCIES_RIGHT_MIN);
	assert_true(score.kinds >= KINDS_RIGHT_MIN);
}

static enum flow_text_class class_of(const struct flow *flow, const char *text)
{
	struct flow_triage found;

	flow_triage(flow, text, &found);
	return found.text_class;
}

static void in_doubt_a_text_is_a_report(void **state)
{
	static const char *const texts[] = {
		"a", "alo", "?", "...", "cuu", "ba ve roi", "ko", "stop danh con", "2 chau be", "😭", "💔",
		"\xff\xfe", "Chaùu beù bò ñaùnh", "STOP ba ba con oi", "bao cao ba danh con", "0912345678",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(class_of(*state, texts[i]), FLOW_TEXT_REPORT);
}

static void what_is_no_report_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum flow_text_class text_class;
	} rows[] = {
		{"", FLOW_TEXT_EMPTY}, {" \n\xc2\xa0", FLOW_TEXT_EMPTY}, {"2", FLOW_TEXT_ANSWER},
		{" 1. ", FLOW_TEXT_ANSWER}, {"ok", FLOW_TEXT_ANSWER}, {"👍🏽", FLOW_TEXT_ANSWER},
		{"Báo cáo", FLOW_TEXT_ANSWER}, {"english", FLOW_TEXT_ANSWER}, {"00", FLOW_TEXT_ANSWER},
		{"hướng dẫn", FLOW_TEXT_ANSWER}, {"stop.", FLOW_TEXT_STOP}, {"Từ chối", FLOW_TEXT_STOP},
		{"THOAT", FLOW_TEXT_STOP}, {"hủy", FLOW_TEXT_STOP}, {"DK_DNC_S", FLOW_TEXT_OTHERS},
		{"[QC] Giam gia 50%", FLOW_TEXT_OTHERS},
		{"Chuc mung ban trung thuong xe may, truy cap www.vi-du.example", FLOW_TEXT_OTHERS},
	};
	struct flow_triage found;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		flow_triage(*state, rows[i].text, &found);
		assert_int_equal(found.text_class, rows[i].text_class);
		assert_int_equal(found.urgency, URGENCY_KHONG);
	}
}

static void the_highest_list_wins_and_mild_words_lower_nothing(void **state)
{
	static const struct {
		const char *text;
		enum urgency urgency;
	} rows[] = {
		{"cho hoi lam giay khai sinh o dau", URGENCY_THAP},
		{"cho hoi, con bi bo danh thi goi ai", URGENCY_CAO},
		{"cho hoi, ba dang danh con ngoai san", URGENCY_KHAN_CAP},
		{"troi hom nay dep", URGENCY_TRUNG_BINH},
		{"uống 10 viên thuốc rồi", URGENCY_KHAN_CAP},
		{"ba ve roi", URGENCY_CAO},
	};
	struct flow_triage found;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		flow_triage(*state, rows[i].text, &found);
		assert_int_equal(found.urgency, rows[i].urgency);
	}
}

static void words_match_whole_and_accents_do_not_matter(void **state)
{
	struct flow_triage found;

	flow_triage(*state, "ĐỪNG GỌI LẠI", &found);
	assert_true(found.no_contact);
	flow_triage(*state, "d\xc6\xb0\xcc\x80ng go\xcc\xa3i la\xcc\xa3i nhe", &found);
	assert_true(found.no_contact);
	flow_triage(*state, "dung goi lain", &found);
	assert_false(found.no_contact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_messages_are_sorted_as_well_as_measured),
		cmocka_unit_test(in_doubt_a_text_is_a_report),
		cmocka_unit_test(what_is_no_report_is_told_apart),
		cmocka_unit_test(the_highest_list_wins_and_mild_words_lower_nothing),
		cmocka_unit_test(words_match_whole_and_accents_do_not_matter),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
