/* National language tables of the GSM alphabet, 3GPP 23.038 annex A. Pure. */
#ifndef CORE_CHARSET_NATIONAL_H
#define CORE_CHARSET_NATIONAL_H

#include <stdint.h>

/* Identifiers of section 6.2.1.2.4: 0 none, 1 Turkish, 2 Spanish, 3 Portuguese, 4 Bengali and Assamese,
 * 5 Gujarati, 6 Hindi, 7 Kannada, 8 Malayalam, 9 Oriya, 10 Punjabi, 11 Tamil, 12 Telugu, 13 Urdu. */
enum { NATIONAL_LANGUAGES = 14 };

/* The character of a code under a locking shift, or behind an escape under a single shift. 0 = as in
 * the default alphabet, or its extension table. */
uint32_t national_locking(unsigned language, uint8_t code);
uint32_t national_single(unsigned language, uint8_t code);

#endif
