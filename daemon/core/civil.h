/* Dates and hours as a wall shows them (proleptic Gregorian), without any zone: day numbers, weekdays,
 * months, and the two spellings that files use. Pure. */
#ifndef CORE_CIVIL_H
#define CORE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum { CIVIL_DAY_S = 86400, CIVIL_YEAR_MIN = 1900, CIVIL_YEAR_MAX = 2200, CIVIL_TEXT_MAX = 24 };

struct civil {
	int year, month, day;     /* month and day from 1 */
	int hour, minute, second; /* 0-23, 0-59, 0-59 */
};

int64_t civil_day(int year, int month, int day);   /* days since 1970-01-01 */
void civil_of_day(int64_t day, struct civil *out); /* at 00:00:00 */
int civil_weekday(int64_t day);                    /* 0 = Monday */
int civil_month_days(int year, int month);
/* Seconds since 1970-01-01 00:00 of the same wall, and back. */
int64_t civil_seconds(const struct civil *c);
void civil_of_seconds(int64_t seconds, struct civil *out);
/* The same day so many months later; the last of the month where it has no such day (31 January + 1 =
 * 28 or 29 February). */
void civil_add_months(const struct civil *from, int months, struct civil *out);

/* "2026-02-16", "2026-02-16 08:00", "2026-02-16T08:00", seconds allowed; years CIVIL_YEAR_MIN to MAX. */
bool civil_parse(const char *text, struct civil *out);
/* "08:00", "8:00" or "24:00" -> minutes of the day, 0-1440. */
bool civil_parse_minutes(const char *text, int *minutes);
/* "2026-02-16 08:00". */
void civil_text(const struct civil *c, char out[CIVIL_TEXT_MAX]);

#endif
