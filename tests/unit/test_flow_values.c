/* What a reply is worth: numbers, ages, dates, telephone numbers, and conditions over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "flow_help.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

/* 2026-01-01 12:00 UTC, 19:00 in Viet Nam. */
static const int64_t noon_ms = INT64_C(1767268800000);

static const struct question child = {
	.type = TYPE_AGE, .ranges = {{0, 17}, {99, 99}}, .range_count = 2};

struct row {
	const char *reply, *value; /* value NULL: not understood */
};

enum value_kind { NUMBER, AGE, AGE_WITHIN, DATE, PHONE, CODE };

static void read_rows(enum value_kind reader, const struct row *rows, size_t count)
{
	char value[VALUE_MAX], *folded;
	bool ok = false;

	for (size_t i = 0; i < count; i++) {
		folded = fold_text(rows[i].reply);
		switch (reader) {
		case NUMBER:
			ok = value_number(&child, folded, value);
			break;
		case AGE:
			ok = value_age(&child, folded, noon_ms, value);
			break;
		case AGE_WITHIN:
			ok = value_age_within(&child, folded, value);
			break;
		case DATE:
			ok = value_date(folded, noon_ms, value);
			break;
		case PHONE:
			ok = value_phone(rows[i].reply, value);
			break;
		case CODE:
			ok = value_code(folded, "BP-1234", value);
		}
		mem_free(folded);
		if (ok != (rows[i].value != NULL) || (ok && strcmp(value, rows[i].value)))
			fail_msg("\"%s\": expected %s, found %s", rows[i].reply,
			         rows[i].value ? rows[i].value : "nothing", ok ? value : "nothing");
	}
}

#define READ(reader, rows) read_rows(reader, rows, sizeof(rows) / sizeof *(rows))

static void a_code_is_one_of_ours_however_it_is_written(void **state)
{
	static const struct row rows[] = {
		{"BP-482101", "BP-482101"}, {"bp482101", "BP-482101"}, {"ma BP 482101 sao roi", "BP-482101"},
		{"482101", "BP-482101"}, {"BP-482101, bp 482101", "BP-482101"},
		{"ma so 482101", NULL}, {"mat 500000 dong", NULL}, {"XBP-482101", NULL}, {"BP-4821011", NULL},
		{"BP-48210", NULL}, {"BP-482101 va BP-482102", NULL}, {"", NULL}, {"bp", NULL},
	};

	(void)state;
	READ(CODE, rows);
}

static void a_number_stands_alone_or_before_what_it_counts(void **state)
{
	static const struct row rows[] = {
		{"9", "9"}, {"9 tuổi", "9"}, {"bé 9 tuổi", "9"}, {"9t", "9"}, {"099", "99"}, {"99", "99"},
		{"lớp 9", NULL}, {"18", NULL}, {"9 10", NULL}, {"1234567", NULL}, {"", NULL},
		{"con nha em nay 9 tuoi roi", NULL},
	};

	(void)state;
	READ(NUMBER, rows);
}

static void an_age_may_be_a_date_of_birth(void **state)
{
	static const struct row rows[] = {
		{"9", "9"}, {"cháu nhà tôi năm nay 9 tuổi rồi", "9"}, {"2015", "11"}, {"sinh 2015", "11"},
		{"5/3/2015", "10"}, {"1/1/2015", "11"}, {"01-01-2026", "0"}, {"2/1/2026", NULL}, {"12/2014", "11"},
		{"1999", NULL}, {"31/2/2015", NULL}, {"không nhớ", NULL}, {"5.3.15", "10"},
		{"2015-03-05", "10"}, {"8 tháng", "0"}, {"18 tháng tuổi", "1"}, {"3 ngày tuổi", "0"},
		{"2 weeks", "0"}, {"24 months", "2"},
	};

	(void)state;
	READ(AGE, rows);
}

static void an_age_is_found_in_a_story_if_it_is_the_only_one(void **state)
{
	static const struct row rows[] = {
		{"be gai 9 tuoi o canh nha", "9"}, {"she is 12 years old and alone", "12"},
		{"hai chau 7 tuoi va 9 tuoi", NULL}, {"9 tuoi, dung la 9 tuoi", "9"}, {"ong 60 tuoi danh be", NULL},
		{"lop 9 truong lang", NULL}, {"so nha 9", NULL}, {"ông 60 tuổi đánh bé 6 tuổi", "6"},
	};

	(void)state;
	READ(AGE_WITHIN, rows);
}

static void dates_are_read_day_first(void **state)
{
	static const struct row rows[] = {
		{"5/3/2025", "2025-03-05"}, {"5-3-25", "2025-03-05"}, {"ngày 5 tháng 3 năm 2025", "2025-03-05"},
		{"2025-03-05", "2025-03-05"}, {"3/2025", "2025-03"}, {"2025", "2025"}, {"hôm nay", "2026-01-01"},
		{"Hôm qua", "2025-12-31"}, {"yesterday", "2025-12-31"}, {"29/2/2024", "2024-02-29"},
		{"29/2/2025", NULL}, {"5/13/2025", NULL}, {"1/2/3/4", NULL}, {"2030", NULL}, {"12", NULL},
		{"moi ngay", NULL},
	};

	(void)state;
	READ(DATE, rows);
}

static void telephone_numbers_are_kept_in_one_form(void **state)
{
	static const struct row rows[] = {
		{"0912345678", "+84912345678"}, {"0912 345 678", "+84912345678"}, {"0912.345.678", "+84912345678"},
		{"+84 912 345 678", "+84912345678"}, {"84912345678", "+84912345678"},
		{"goi so 0912345678 nhe", "+84912345678"}, {"02713 879 123", "+842713879123"},
		{"+855 12 345 678", "+85512345678"}, {"912345678", NULL}, {"111", NULL}, {"khong co", NULL},
		{"0912345678 hoac 0987654321", NULL}, {"00912345678901234567", NULL},
	};

	(void)state;
	READ(PHONE, rows);
}

/* ---- packs ---- */

static void a_bundle_is_the_version_that_its_folder_is(void **state)
{
	const char *source = getenv("HOTLINED_SRC") ? getenv("HOTLINED_SRC") : ".";
	char *dir = mem_printf("%s/tests/flows/every", source);
	struct flow_findings found = {0};
	struct flow *from_folder = flow_load_pack(dir, &found), *from_bytes;
	struct buf bytes = {0};

	(void)state;
	assert_non_null(from_folder);
	assert_true(flow_bundle(dir, &bytes, &found));
	from_bytes = flow_load("elsewhere", (const char *)bytes.data, bytes.len, &found);
	assert_non_null(from_bytes);
	assert_int_equal(found.count, 0);
	assert_string_equal(flow_name(from_bytes), "every");
	assert_memory_equal(flow_hash(from_folder), flow_hash(from_bytes), FLOW_HASH_LEN);
	assert_null(strstr((const char *)buf_cstr(&bytes), "test:"));
	flow_free(from_folder);
	flow_free(from_bytes);
	buf_free(&bytes);
	mem_free(dir);
}

/* ---- conditions ---- */

static bool holds(const char *condition)
{
	static const char head[] =
		"flow: x\nlanguages: [vi]\nwait: {sms: 1h}\nretries: 0\nnodes:\n"
		"  a: {ask: {vi: A}, type: number 0..9, go: b}\n"
		"  b: {ask: {vi: B}, pick: {k1: {vi: [mot]}, k2: {vi: [hai]}}, go: c}\n  c:\n    when:\n"
		"      - {if: ";
	static const char tail[] = ", go: d}\n      - {else: e}\n  d: {end: {vi: yes}}\n  e: {end: {vi: no}}\n";
	static const char *const replies[] = {"bat dau", "3", "hai"};
	struct flow_findings found = {0};
	char *text = mem_printf("%s%s%s", head, condition, tail);
	struct flow *flow = flow_load("x.yaml", text, strlen(text), &found);
	struct flow_state *talk;
	struct flow_effects effects;
	bool yes = false;

	print_findings(&found);
	assert_non_null(flow);
	talk = flow_state_new(flow, "R", "");
	for (size_t i = 0; i < 3; i++) {
		const struct flow_event event = {.kind = FLOW_EV_TEXT, .text = replies[i], .id = {1, (uint8_t)i}};

		flow_step(flow, talk, &event, noon_ms, &effects);
		for (size_t j = 0; j < effects.count; j++)
			yes |= effects.items[j].kind == FLOW_SEND && !strcmp(effects.items[j].text, "yes");
		flow_effects_fini(&effects);
	}
	assert_true(flow_state_ended(talk));
	flow_state_free(talk);
	flow_free(flow);
	mem_free(text);
	return yes;
}

static void conditions_bind_not_before_and_before_or(void **state)
{
	(void)state;
	assert_true(holds("a = 3"));
	assert_true(holds("a >= 3 and a < 4"));
	assert_false(holds("a > 3 or b = k1"));
	assert_true(holds("a = 3 or b = k1 and a = 9"));
	assert_false(holds("(a = 3 or b = k1) and a = 9"));
	assert_true(holds("not a = 9 and b = k2"));
	assert_false(holds("not (a = 3 or a = 9)"));
	assert_true(holds("not not a = 3"));
	assert_true(holds("b != k1 and (urgency < cao and (channel = sms))"));
	assert_true(holds("role = citizen and language = vi and kind = khong_ro"));
	assert_false(holds("role = member or channel = ussd"));
}

/* ---- long texts ---- */

static void a_long_text_is_kept_in_pieces_and_what_is_cut_is_marked(void **state)
{
	enum { LONG = 60000, MIDDLE = 10000 };
	static const char cry[] = " chay nha";
	struct flow *flow = load_pack("tests/flows/every");
	struct flow_state *talk = flow_state_new(flow, "R", "");
	struct flow_event event = {.kind = FLOW_EV_TEXT, .id = {1}};
	struct flow_effects effects;
	struct flow_report report;
	size_t kept = 0;
	char *text = mem_alloc(LONG + sizeof cry);

	(void)state;
	memset(text, 'a', LONG);
	for (size_t i = 9; i < LONG; i += 10)
		text[i] = ' ';
	memcpy(text + MIDDLE, cry, sizeof cry); /* the end of this text */
	event.text = text;
	flow_step(flow, talk, &event, noon_ms, &effects);
	flow_effects_fini(&effects);
	flow_report(flow, talk, &report);
	assert_int_equal(report.urgency, URGENCY_KHAN_CAP);
	for (size_t i = 0; i < report.text_count; i++)
		kept += strlen(report.texts[i]);
	assert_int_equal(kept, MIDDLE + sizeof cry - 1);
	flow_report_fini(&report);
	text[MIDDLE + sizeof cry - 1] = 'a'; /* now all of it */
	event.id[0] = 2;
	flow_step(flow, talk, &event, noon_ms, &effects);
	flow_effects_fini(&effects);
	flow_report(flow, talk, &report);
	assert_non_null(strstr(report.texts[report.text_count - 1], "[...]"));
	flow_report_fini(&report);
	flow_state_free(talk);
	flow_free(flow);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_one_of_ours_however_it_is_written),
		cmocka_unit_test(a_number_stands_alone_or_before_what_it_counts),
		cmocka_unit_test(an_age_may_be_a_date_of_birth),
		cmocka_unit_test(an_age_is_found_in_a_story_if_it_is_the_only_one),
		cmocka_unit_test(dates_are_read_day_first),
		cmocka_unit_test(telephone_numbers_are_kept_in_one_form),
		cmocka_unit_test(a_bundle_is_the_version_that_its_folder_is),
		cmocka_unit_test(conditions_bind_not_before_and_before_or),
		cmocka_unit_test(a_long_text_is_kept_in_pieces_and_what_is_cut_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
