/* Arithmetic of the Gregorian calendar on wall time. */
#include "core/civil.h"

#include <stdio.h>
#include <string.h>

enum { DAYS_400_YEARS = 146097, MINUTES_OF_DAY = 1440 };

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t civil_day(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * DAYS_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_of_day(int64_t day, struct civil *out)
{
	int64_t z = day + 719468, era = floor_div(z, DAYS_400_YEARS), of_era = z - era * DAYS_400_YEARS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

	memset(out, 0, sizeof(*out));
	out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = (int)(year + era * 400 + (out->month <= 2));
}

int civil_weekday(int64_t day)
{
	return (int)(day + 3 - floor_div(day + 3, 7) * 7); /* 1970-01-01 was a Thursday */
}

int civil_month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t civil_seconds(const struct civil *c)
{
	return civil_day(c->year, c->month, c->day) * CIVIL_DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

void civil_of_seconds(int64_t seconds, struct civil *out)
{
	int64_t day = floor_div(seconds, CIVIL_DAY_S), left = seconds - day * CIVIL_DAY_S;

	civil_of_day(day, out);
	out->hour = (int)(left / 3600);
	out->minute = (int)(left / 60 % 60);
	out->second = (int)(left % 60);
}

void civil_add_months(const struct civil *from, int months, struct civil *out)
{
	int64_t month = (int64_t)from->year * 12 + from->month - 1 + months;
	int days;

	*out = *from;
	out->year = (int)floor_div(month, 12);
	out->month = (int)(month - (int64_t)out->year * 12 + 1);
	days = civil_month_days(out->year, out->month);
	if (out->day > days)
		out->day = days;
}

/* ---- texts ---- */

/* Exactly `digits` digits at *p. */
static bool take_number(const char **p, int digits, int *out)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*p)[i];

		if (c < '0' || c > '9')
			return false;
		n = n * 10 + (c - '0');
	}
	*p += digits;
	*out = n;
	return true;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_date(const char **p, struct civil *c)
{
	return take_number(p, 4, &c->year) && take_char(p, '-') && take_number(p, 2, &c->month) &&
	       take_char(p, '-') && take_number(p, 2, &c->day) && c->year >= CIVIL_YEAR_MIN &&
	       c->year <= CIVIL_YEAR_MAX && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= civil_month_days(c->year, c->month);
}

static bool take_time(const char **p, struct civil *c)
{
	if (!take_number(p, 2, &c->hour) || !take_char(p, ':') || !take_number(p, 2, &c->minute))
		return false;
	if (take_char(p, ':') && !take_number(p, 2, &c->second))
		return false;
	return c->hour < 24 && c->minute < 60 && c->second < 60;
}

bool civil_parse(const char *text, struct civil *out)
{
	struct civil c = {0};
	const char *p = text;

	if (!take_date(&p, &c))
		return false;
	if ((take_char(&p, ' ') || take_char(&p, 'T')) && !take_time(&p, &c))
		return false;
	if (*p != '\0')
		return false;
	*out = c;
	return true;
}

bool civil_parse_minutes(const char *text, int *minutes)
{
	const char *p = text;
	int hour, minute;

	if (!take_number(&p, strlen(text) == 4 ? 1 : 2, &hour) || !take_char(&p, ':') ||
	    !take_number(&p, 2, &minute) || *p != '\0')
		return false;
	if (minute > 59 || hour * 60 + minute > MINUTES_OF_DAY)
		return false;
	*minutes = hour * 60 + minute;
	return true;
}

void civil_text(const struct civil *c, char out[CIVIL_TEXT_MAX])
{
	snprintf(out, CIVIL_TEXT_MAX, "%04d-%02d-%02d %02d:%02d", c->year % 10000, c->month % 100, c->day % 100,
		 c->hour % 100, c->minute % 100);
}
