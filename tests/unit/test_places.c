/* Places: what a message names, answered with today's communes; and nothing heard where nothing was
 * said. The example messages are read from tests/data. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/places.h"

#define HOME "75" /* Đồng Nai with the former Bình Phước */

enum { COLUMNS = 13, COLUMN_TEXT = 3, COLUMN_LOCATION = 10, COLUMN_CODES = 11 };

struct place_case {
	const char *text;
	const char *commune;    /* "" = must ask */
	const char *candidates; /* exactly these, in this order; NULL = any */
};

static void join(const struct places_found *found, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < found->count; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ";" : "",
					found->candidates[i]);
}

static void check_at(const struct place_case *row, const char *home)
{
	struct places_found found;
	char got[80];

	places_find(row->text, home, &found);
	join(&found, got, sizeof(got));
	if (strcmp(found.commune, row->commune) != 0 ||
	    (row->candidates && strcmp(got, row->candidates) != 0))
		fail_msg("'%s': commune '%s', candidates %s", row->text, found.commune, got);
}

#define CHECK_ALL(table)                                                                           \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++)                         \
	check_at(&(table)[i_], HOME)

static void names_that_differ_by_an_accent_are_told_apart(void **state)
{
	static const struct place_case table[] = {
		{"xã Lộc Thành", "25294", "25294"},        {"xã Lộc Thạnh", "25280", "25280"},
		{"xa loc thanh", "", "25280;25294"},       {"xã Lộc Thanh", "", "25280;25294"},
		{"loc thanh loc ninh", "", "25280;25294"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void composed_decomposed_and_moved_accents_are_one_name(void **state)
{
	static const struct place_case table[] = {
		{"xã Bàu Hàm", "", NULL},
		{"xã Phước Sơn", "25420", "25420"},
		{"xa\xcc\x83 Phu\xcc\x9bo\xcc\x9b\xcc\x81"
		 "c So\xcc\x9bn",
		 "25420", "25420"},
		{"XÃ PHƯỚC SƠN", "25420", "25420"},
		{"xã Phú Hòa, Định Quán", "26221", "26221"},
		{"xã Phú Hoà, Định Quán", "26221", "26221"},
		{"xã Phú Lý", "26173", "26173"},
		{"xã Phú Lí", "26173", "26173"},
		{"xã Đăk Ơ", "25225", "25225"},
		{"xã Đắk Ơ", "25225", "25225"},
		{"xa dac o", "25225", "25225"},
		{"xã bombo", "25405", "25405"},
		{"xa4 Nha Bi1ch", "25450", "25450"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void former_units_lead_to_the_present_ones(void **state)
{
	static const struct place_case table[] = {
		{"huyện Bù Đốp", "", "25308;25309;25318"},
		{"bu dop", "", "25308;25309;25318"},
		{"thị trấn Đức Phong", "25396", "25396"},
		{"xã Đồng Nai, huyện Bù Đăng", "25402", "25402"},
		{"xa tan tien bu dop", "25318", "25318"},
		{"xa tan tien dong phu", "25363", "25363"},
		{"phường An Lộc", "", "25333;25326"},
		{"tp. Đồng Xoài", "", "25210;25195"},
		{"chon thanh", "", "25432;25351;25441;25450"},
		{"xã Gia Tân 3", "26311", "26311"},
		{"xa gia tan", "", "26299;26311"},
		{"tỉnh Bình Phước", "", "75"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void a_name_at_two_levels_follows_the_word_before_it(void **state)
{
	static const struct place_case table[] = {
		{"phường Bình Phước", "25195", "25195"},
		{"Bình Phước", "", "75;25195"},
		{"Đồng Nai", "", "75;25402"},
		{"tỉnh Đồng Nai", "", "75"},
		{"phường Đồng Phú", "25363", "25363"},
		{"huyện Đồng Phú", "", "25363;25378;25387;25390"},
		{"ap 2 dong phu", "25363", "25363"},
		{"xã Bù Đốp", "", "25308;25309;25318"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void a_second_place_narrows_the_first(void **state)
{
	static const struct place_case table[] = {
		{"ap 5 minh hung chon thanh", "25441", "25441"},
		{"minh hung bu dang", "25396", "25396"},
		{"thac mo phuoc long", "25217", "25217"},
		{"co dua be o chua thac mo phuoc long dang khoc", "25217", "25217"},
		{"phuong tan hoa thanh pho bien hoa", "26005", "26005"},
		{"x. Bom Bo, h. Bu Dang", "25405", "25405"},
		{"xã Tân Hưng, Hớn Quản", "25345", "25345"},
		{"xã Tân Hưng, huyện Vĩnh Bảo, Hải Phòng", "11824", "11824"},
		{"phường 5 thành phố Cà Mau", "32025", "32025"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void places_that_contradict_each_other_are_all_offered(void **state)
{
	static const struct place_case table[] = {
		{"xã Bù Nho và xã Long Hà", "", "25252;25255"},
		{"xã Phú Riềng và xã Bù Nho", "25252", "25252"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void home_is_preferred_among_units_of_one_name(void **state)
{
	static const struct place_case at_home[] = {
		{"xã Minh Đức", "25349", "25349"},
		{"xã Tân Hưng", "", "25345;25378"},
		{"xã Vĩnh Bảo, Hải Phòng", "11824", "11824"},
	};
	static const struct place_case elsewhere = {"xã Minh Đức", "", NULL};
	static const struct place_case other_home = {"phường Phước Long", "26848", "26848"};

	(void)state;
	CHECK_ALL(at_home);
	check_at(&elsewhere, NULL);
	check_at(&elsewhere, "");
	check_at(&other_home, "79");
	check_at(&at_home[0], "79,75");
}

static void a_bare_name_that_is_also_a_province_elsewhere_is_asked_for(void **state)
{
	static const struct place_case table[] = {
		{"con o thanh hoa", "", "25308;38"},
		{"xã Thanh Hòa", "25308", "25308"},
		{"bến xe Đà Nẵng", "", "48"},
		{"con o tphcm", "", "79"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void villages_streets_people_and_common_words_are_no_places(void **state)
{
	static const char *const table[] = {
		"thôn Sơn Lợi",
		"ap tan lap",
		"Khu phố Phú Lộc",
		"duong Binh Phuoc",
		"Cháu Nguyễn Minh Đức bị bố đánh",
		"be Minh Duc bi danh",
		"cho con an di",
		"tan",
		"minh",
		"xã hội đen đánh con",
		"xa hoi den danh con",
		"xa nha", "con o vinh",
		"con bi con ma bat coc keke",
		"toi bi cha duong danh o nha",
		"tu choi",
		"hồ Suối Giai",
		"2",
		"",
		" ",
		"😭😭😭",
		"UBND xã: trẻ em",
	};
	struct places_found found;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		places_find(table[i], HOME, &found);
		if (found.count > 0 || found.commune[0] != '\0' || found.province[0] != '\0')
			fail_msg("'%s' was heard as %s", table[i], found.candidates[0]);
	}
}

static void a_name_by_chance_is_offered_but_never_decided(void **state)
{
	static const struct place_case table[] = {
		{"chung toi doan ket voi nhau", "", "25396"},
		{"hoc sinh truong minh duc bi danh", "", "25349"},
		{"co giao minh tam danh hoc sinh", "", "25349"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void more_than_fits_is_said(void **state)
{
	struct places_found found;

	(void)state;
	places_find("thành phố Biên Hòa", HOME, &found);
	assert_int_equal(found.count, PLACES_CANDIDATES_MAX);
	assert_true(found.more);
	assert_string_equal(found.candidates[0], "26068");
	assert_string_equal(found.province, "75");
	places_find("phường 3", "", &found);
	assert_true(found.more);
	assert_string_equal(found.province, "");
}

static void names_for_alerts_come_in_both_spellings(void **state)
{
	(void)state;
	assert_string_equal(places_name("25405", false), "Bom Bo");
	assert_string_equal(places_name("25399", true), "Đak Nhau");
	assert_string_equal(places_name("25225", false), "Dak O");
	assert_string_equal(places_name("75", true), "Đồng Nai");
	assert_string_equal(places_type("25405", true), "xã");
	assert_string_equal(places_type("25195", false), "phuong");
	assert_string_equal(places_type("75", true), "thành phố");
	assert_string_equal(places_province("25405"), "75");
	assert_string_equal(places_province("75"), "75");
	assert_null(places_name("99999", true));
	assert_null(places_name("", true));
	assert_null(places_type("x", true));
	assert_null(places_province("690"));
}

/* Splits a line at its tabs in place; missing columns are "". */
static void split(char *line, char *columns[COLUMNS])
{
	static char none[] = "";
	char *next = line;

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < COLUMNS; i++)
		columns[i] = next ? strsep(&next, "\t") : none;
}

static size_t codes_in(const char *list)
{
	size_t n = *list != '\0';

	for (; *list; list++)
		n += *list == ';';
	return n;
}

/* Exactly the codes of the list, in any order? */
static bool found_exactly(const struct places_found *found, const char *list)
{
	for (size_t i = 0; i < found->count; i++)
		if (!strstr(list, found->candidates[i]))
			return false;
	return found->count == codes_in(list);
}

struct score {
	int messages, exact, decided, wrong;
};

static void rate(struct score *s, const char *text, const char *codes)
{
	struct places_found found;

	places_find(text, HOME, &found);
	s->messages++;
	s->exact += found_exactly(&found, codes);
	s->decided += found.commune[0] != '\0';
	s->wrong += found.commune[0] != '\0' && strcmp(found.commune, codes) != 0;
}

static FILE *open_data(const char *name)
{
	const char *source = getenv("HOTLINED_SRC");
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s (run from the source folder or set HOTLINED_SRC)", path);
	return file;
}

static void the_example_messages_are_placed(void **state)
{
	FILE *file = open_data("tests/data/vn-sms-examples.tsv");
	struct score whole = {0}, location = {0};
	char line[4096], *columns[COLUMNS];

	(void)state;
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || strncmp(line, "id\t", 3) == 0)
			continue;
		split(line, columns);
		rate(&whole, columns[COLUMN_TEXT], columns[COLUMN_CODES]);
		if (columns[COLUMN_LOCATION][0] != '\0')
			rate(&location, columns[COLUMN_LOCATION], columns[COLUMN_CODES]);
	}
	fclose(file);
	printf("            messages  exact  decided  decided wrongly\n");
	printf("whole text  %8d %6d %8d %16d\n", whole.messages, whole.exact, whole.decided,
	       whole.wrong);
	printf("place only  %8d %6d %8d %16d\n", location.messages, location.exact,
	       location.decided, location.wrong);
	assert_int_equal(whole.wrong + location.wrong, 0);
	assert_int_equal(location.exact, location.messages);
	assert_true(whole.exact >= whole.messages - 1); /* one is written in a font's own bytes */
}

static void every_present_commune_is_found_by_its_full_name(void **state)
{
	FILE *file = open_data("daemon/data/vn-units.tsv");
	char line[16384], *columns[COLUMNS], text[200], plain[200];
	int communes = 0, decided = 0, decided_plain = 0;
	struct places_found found;

	(void)state;
	while (fgets(line, sizeof(line), file)) {
		split(line, columns);
		if (strcmp(columns[1], "commune") != 0)
			continue;
		snprintf(text, sizeof(text), "%s %s, %s %s", columns[2], columns[3],
			 places_type(columns[5], true), places_name(columns[5], true));
		snprintf(plain, sizeof(plain), "%s %s, %s %s", places_type(columns[0], false),
			 places_name(columns[0], false), places_type(columns[5], false),
			 places_name(columns[5], false));
		places_find(text, HOME, &found);
		if (found.commune[0] ? strcmp(found.commune, columns[0]) != 0
				     : strcmp(found.province, columns[5]) != 0)
			fail_msg("'%s' gives %s", text, found.candidates[0]);
		decided += found.commune[0] != '\0';
		places_find(plain, HOME, &found);
		if (found.commune[0] && strcmp(found.commune, columns[0]) != 0)
			fail_msg("'%s' gives %s", plain, found.commune);
		decided_plain += found.commune[0] != '\0';
		communes++;
	}
	fclose(file);
	printf("%d communes: %d decided with accents, %d without\n", communes, decided,
	       decided_plain);
	assert_int_equal(communes, 3321);
	assert_true(decided >= 2950 && decided_plain >= 2850);
}

static void any_bytes_are_read_in_bounds(void **state)
{
	static const char *const pieces[] = {
		"xa ",      "bom bo ", "huyện ",   "Bù Đăng, ", "ap 5 ",     "\xcc\x81",
		"\xff\xfe", "tan ",    "hung ",    "a",         "9",         "'",
		". ",       "Đ",       "\xe1\xbb", "tinh ",     "dong nai ", "phuong ",
		"3 ",       "nguyen ", "quan ",    "😭"};
	unsigned seed = 20260603;
	char text[3000];
	struct places_found found;

	(void)state;
	printf("random seed %u\n", seed);
	for (int round = 0; round < 20000; round++) {
		size_t len = 0, want = (size_t)rand_r(&seed) % (round % 50 ? 160 : 2900);

		text[0] = '\0';
		while (len < want) {
			const char *piece = pieces[(size_t)rand_r(&seed) %
						   (sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + len, piece, strlen(piece) + 1);
			len += strlen(piece);
		}
		places_find(text, round % 3 ? HOME : "", &found);
		assert_true(found.count <= PLACES_CANDIDATES_MAX);
		assert_true(found.commune[0] == '\0' || found.count == 1);
		for (size_t i = 0; i < found.count; i++)
			assert_non_null(places_name(found.candidates[i], true));
	}
}

static void a_message_is_read_in_microseconds(void **state)
{
	static const char message[] =
		"Nhà bên cạnh đang trói đứa bé 6 tuổi vào gốc cây đánh, người máu me, số 12 đường "
		"Hùng Vương, phường Bình Phước";
	struct timespec t0, t1;
	struct places_found found;
	double us;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 2000; i++)
		places_find(message, HOME, &found);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	us = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 2000e3;
	printf("one message: %.1f us\n", us);
	assert_string_equal(found.commune, "25195");
	assert_true(us < 2000); /* some 10 us; the limit only catches another order of growth */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_differ_by_an_accent_are_told_apart),
		cmocka_unit_test(composed_decomposed_and_moved_accents_are_one_name),
		cmocka_unit_test(former_units_lead_to_the_present_ones),
		cmocka_unit_test(a_name_at_two_levels_follows_the_word_before_it),
		cmocka_unit_test(a_second_place_narrows_the_first),
		cmocka_unit_test(places_that_contradict_each_other_are_all_offered),
		cmocka_unit_test(home_is_preferred_among_units_of_one_name),
		cmocka_unit_test(a_bare_name_that_is_also_a_province_elsewhere_is_asked_for),
		cmocka_unit_test(villages_streets_people_and_common_words_are_no_places),
		cmocka_unit_test(a_name_by_chance_is_offered_but_never_decided),
		cmocka_unit_test(more_than_fits_is_said),
		cmocka_unit_test(names_for_alerts_come_in_both_spellings),
		cmocka_unit_test(the_example_messages_are_placed),
		cmocka_unit_test(every_present_commune_is_found_by_its_full_name),
		cmocka_unit_test(any_bytes_are_read_in_bounds),
		cmocka_unit_test(a_message_is_read_in_microseconds),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
