/* Finds the administrative unit a message speaks of. Reporters go on using names that ended on
 * 2025-06-30 (districts, former communes and provinces): whatever they name is answered with
 * today's communes. Pure; the table of units is constant and compiled in (daemon/data/). */
#ifndef CORE_PLACES_H
#define CORE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACES_CODE_MAX = 6, PLACES_CANDIDATES_MAX = 8 };

struct places_found {
	/* Code of the one present commune the message can mean, else "". A guess is never put here:
	 * who routes by it must still read the name back to the reporter. */
	char commune[PLACES_CODE_MAX];
	/* What it may mean, most plausible first: codes of present communes (5 digits), or of a
	 * present province (2 digits) where nothing smaller is known. With `commune` set it is the
	 * only one. */
	char candidates[PLACES_CANDIDATES_MAX][PLACES_CODE_MAX];
	size_t count;
	bool more;                      /* there were more candidates than fit */
	char province[PLACES_CODE_MAX]; /* the present province all of them lie in, else "" */
};

/* text: UTF-8 of any length, NFC or NFD, with or without accents; letters after the first 2,000 are
 * not looked at. home: codes of the present provinces this hotline serves ("75" or "75,79"). Of
 * several units with one name those at home are preferred, and a bare name (no "xã" or the like
 * before it) is hardly heard unless it lies there. "" or NULL: the whole country is home. Always
 * fills *out. */
void places_find(const char *text, const char *home, struct places_found *out);

/* Name of a present commune or province: "Dak Nhau", with accents "Đak Nhau"; NULL: no such code. */
const char *places_name(const char *code, bool accents);
/* "xã", "phường", "đặc khu", "tỉnh", "thành phố"; without accents "xa", ...; NULL: no such code. */
const char *places_type(const char *code, bool accents);
/* Code of the province of a present commune, a province's own code, NULL for an unknown code. */
const char *places_province(const char *code);

#endif
