/* Values in a reply: numbers, ages, dates, telephone numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/model.h"

/* Longer replies are stories, in which a number may count anything. */
enum { REPLY_WORDS_MAX = 3, DATE_WORDS_MAX = 7, NUMBER_DIGITS_MAX = 6, DATE_PARTS = 3 };

static const char digits[] = "0123456789";

/* ---- numbers ---- */

bool value_in_ranges(const struct question *question, long value)
{
	for (size_t i = 0; i < question->range_count; i++)
		if (value >= question->ranges[i].low && value <= question->ranges[i].high)
			return true;
	return false;
}

static bool put_number(const struct question *question, long value, char out[VALUE_MAX])
{
	if (!value_in_ranges(question, value))
		return false;
	snprintf(out, VALUE_MAX, "%ld", value);
	return true;
}

/* "9", "9 tuoi", "be 9 tuoi", "9t", but not "lop 9": the one number of a short reply, first or
 * followed by what it counts. */
bool value_number(const struct question *question, const char *folded, char out[VALUE_MAX])
{
	const char *number = strpbrk(folded, digits);
	char *end;
	long value;

	if (!number || folded_word_count(folded) > REPLY_WORDS_MAX ||
	    strspn(number, digits) > NUMBER_DIGITS_MAX)
		return false;
	value = strtol(number, &end, 10);
	if (strpbrk(end, digits) || (number != folded && (number[-1] != ' ' || !*end)))
		return false;
	return put_number(question, value, out);
}

/* ---- ages ---- */

static bool starts_word(const char *p, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(p, word, len) && (!p[len] || p[len] == ' ');
}

/* What makes the number before it an age. */
static bool is_years(const char *p)
{
	static const char *const words[] = {"tuoi", "t", "years old", "year old", "yrs old", "yo", "y o",
	                                    "tui"};

	p += *p == ' ';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (starts_word(p, words[i]))
			return true;
	return false;
}

bool value_age_within(const struct question *question, const char *folded, char out[VALUE_MAX])
{
	long found = -1, value;
	char *end;

	for (const char *p = folded; (p = strpbrk(p, digits)); p = end) {
		if (strspn(p, digits) > NUMBER_DIGITS_MAX) {
			end = (char *)(uintptr_t)(p + strspn(p, digits));
			continue;
		}
		value = strtol(p, &end, 10);
		if ((p != folded && p[-1] != ' ') || !is_years(end) || !value_in_ranges(question, value))
			continue;
		if (found >= 0 && found != value)
			return false;
		found = value;
	}
	return found >= 0 && put_number(question, found, out);
}

/* ---- dates ---- */

/* Days since 1970 to a civil date, in the proleptic Gregorian calendar. */
static void civil_of(int64_t days, int *year, int *month, int *day)
{
	int64_t shifted = days + 719468; /* from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year_of = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of + year_of / 4 - year_of / 100);
	int64_t part = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * part + 2) / 5 + 1);
	*month = (int)(part < 10 ? part + 3 : part - 9);
	*year = (int)(year_of + era * 400 + (*month <= 2));
}

/* Viet Nam is seven hours ahead of UTC, all year. */
static void today_of(int64_t now_ms, int64_t days_ago, int *year, int *month, int *day)
{
	civil_of((now_ms + INT64_C(7) * 3600000) / 86400000 - days_ago, year, month, day);
}

static bool is_day(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (leap && month == 2);
}

/* The numbers of a short text, at most three, each of at most four digits; 0: none or more. */
static size_t numbers_of(const char *folded, int out[DATE_PARTS])
{
	size_t count = 0, len;

	if (folded_word_count(folded) > DATE_WORDS_MAX)
		return 0;
	for (const char *p = folded; (p = strpbrk(p, digits)); p += len) {
		len = strspn(p, digits);
		if (count == DATE_PARTS || len > 4)
			return 0;
		out[count++] = (int)strtol(p, NULL, 10);
	}
	return count;
}

static bool is_year(int number, int this_year)
{
	return number >= this_year - 120 && number <= this_year + 1;
}

static bool relative_day(const char *folded, int64_t *days_ago)
{
	static const struct {
		const char *word;
		int days;
	} words[] = {{"hom nay", 0}, {"today", 0}, {"hom qua", 1}, {"yesterday", 1}, {"hom kia", 2}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(folded, words[i].word)) {
			*days_ago = words[i].days;
			return true;
		}
	return false;
}

/* Day, month and year in the order they are said here; month and day 0 where they are not said. */
static bool read_date(const char *folded, int64_t now_ms, int *year, int *month, int *day)
{
	int numbers[DATE_PARTS], this_year, m, d;
	size_t count = numbers_of(folded, numbers);
	int64_t ago = 0;

	today_of(now_ms, 0, &this_year, &m, &d);
	if (relative_day(folded, &ago)) {
		today_of(now_ms, ago, year, month, day);
		return true;
	}
	if (!count)
		return false;
	if (count == 3 && numbers[0] > 31) { /* year first */
		int swap = numbers[0];

		numbers[0] = numbers[2];
		numbers[2] = swap;
	}
	*year = numbers[count - 1];
	if (count == 3 && *year < 100)
		*year += *year + 2000 > this_year + 1 ? 1900 : 2000;
	*month = count > 1 ? numbers[count - 2] : 0;
	*day = count > 2 ? numbers[0] : 0;
	if (!is_year(*year, this_year) || (count > 1 && (*month < 1 || *month > 12)))
		return false;
	return count < 3 || is_day(*year, *month, *day);
}

bool value_date(const char *folded, int64_t now_ms, char out[VALUE_MAX])
{
	int year, month, day;

	if (!read_date(folded, now_ms, &year, &month, &day))
		return false;
	if (day)
		snprintf(out, VALUE_MAX, "%04d-%02d-%02d", year, month, day);
	else if (month)
		snprintf(out, VALUE_MAX, "%04d-%02d", year, month);
	else
		snprintf(out, VALUE_MAX, "%04d", year);
	return true;
}

/* "8 thang": less than a year, or about one. */
static bool is_infant(const char *folded)
{
	static const char *const units[] = {"thang", "tuan", "ngay", "month", "months", "week", "weeks"};
	size_t len = strspn(folded, digits);

	if (!len || folded_word_count(folded) > REPLY_WORDS_MAX || strpbrk(folded + len, digits))
		return false;
	folded += len + (folded[len] == ' ');
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (starts_word(folded, units[i]))
			return true;
	return false;
}

bool value_age(const struct question *question, const char *folded, int64_t now_ms,
               char out[VALUE_MAX])
{
	int year, month, day, this_year, this_month, today;

	if (is_infant(folded)) /* "thang" and "months" are counted in twelves, the rest is nothing yet */
		return put_number(question, strstr(folded, "th") ? strtol(folded, NULL, 10) / 12 : 0, out);
	if (value_number(question, folded, out) || value_age_within(question, folded, out))
		return true;
	if (!read_date(folded, now_ms, &year, &month, &day))
		return false;
	today_of(now_ms, 0, &this_year, &this_month, &today);
	this_year -= month > this_month || (month == this_month && day > today);
	return this_year >= year && put_number(question, this_year - year, out);
}

/* ---- codes of reports ---- */

enum { CODE_DIGITS = 6, CODE_PREFIX_MAX = 12 };

/* "bp" of "BP-123456", folded as replies are. */
static size_t prefix_of(const char *ref, char out[CODE_PREFIX_MAX])
{
	size_t len = strcspn(ref, "-");

	if (len >= CODE_PREFIX_MAX)
		len = 0;
	for (size_t i = 0; i < len; i++)
		out[i] = ref[i] >= 'A' && ref[i] <= 'Z' ? (char)(ref[i] - 'A' + 'a') : ref[i];
	out[len] = '\0';
	return len;
}

/* "bp 123456", "bp123456", or nothing but the digits. */
static bool is_code(const char *text, const char *number, const char *prefix, size_t len)
{
	const char *end = number;

	if (number == text)
		return !number[CODE_DIGITS];
	if (end[-1] == ' ')
		end--;
	return len && (size_t)(end - text) >= len && !strncmp(end - len, prefix, len) &&
	       (end - len == text || end[-(long)len - 1] == ' ');
}

bool value_code(const char *folded, const char *ref, char out[VALUE_MAX])
{
	char prefix[CODE_PREFIX_MAX];
	const char *found = NULL;
	size_t len = prefix_of(ref, prefix), run;

	for (const char *p = folded; (p = strpbrk(p, digits)); p += run) {
		run = strspn(p, digits);
		if (run != CODE_DIGITS || (p[run] && p[run] != ' ') || !is_code(folded, p, prefix, len))
			continue;
		if (found && strncmp(found, p, CODE_DIGITS))
			return false;
		found = p;
	}
	if (found)
		snprintf(out, VALUE_MAX, "%.*s-%.*s", (int)len, ref, CODE_DIGITS, found);
	return found;
}

/* ---- telephone numbers ---- */

bool value_phone(const char *text, char out[VALUE_MAX])
{
	char number[16];
	size_t len = 0;
	bool plus = strchr(text, '+') != NULL;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9') {
			if (len && !strchr(" .-()", *p) && strpbrk(p, digits))
				return false; /* more than one number */
			continue;
		}
		if (len == sizeof number - 1)
			return false;
		number[len++] = *p;
	}
	number[len] = '\0';
	if (plus && len >= 8)
		snprintf(out, VALUE_MAX, "+%s", number);
	else if (len >= 11 && !strncmp(number, "84", 2))
		snprintf(out, VALUE_MAX, "+%s", number);
	else if (len >= 10 && len <= 11 && number[0] == '0')
		snprintf(out, VALUE_MAX, "+84%s", number + 1);
	else
		return false;
	return true;
}
