/* What charset.c and charset_split.c share. */
#ifndef CORE_CHARSET_INTERNAL_H
#define CORE_CHARSET_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GSM_ESCAPE = 0x1b, REPLACEMENT = 0xfffd, CODE_BAD = 0x110000 };

/* Reads one character of UTF-8, returns the octets used: at least 1. A broken one is CODE_BAD and uses
 * what could have been its beginning. */
size_t charset_next_point(const uint8_t *p, size_t len, uint32_t *point);

bool charset_same_in_ascii(uint32_t point); /* one code in GSM and in ASCII */
/* The GSM code of a character: septet, or escape << 8 | septet, or -1. */
int charset_gsm_code(uint32_t point);

#endif
