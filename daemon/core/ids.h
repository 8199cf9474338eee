/* Identifiers: 16-byte ids, UUIDv7 for rows, and their text forms. */
#ifndef CORE_IDS_H
#define CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct id16 {
	uint8_t b[16];
};

enum { ID16_TEXT = 37 }; /* 8-4-4-4-12 hex digits and the NUL */

/* UUIDv7 (RFC 9562 section 5.7): wall_us gives the 48-bit millisecond stamp; monotone inside this
 * process also when the wall clock stands still or steps back (per thread, where there are several). */
struct id16 id16_new(int64_t wall_us);
/* Lower-case text form; id16_parse takes both cases, exactly 36 characters, and sets *id only then. */
void id16_text(const struct id16 *id, char out[ID16_TEXT]);
bool id16_parse(const char *text, struct id16 *id);
bool id16_is_zero(const struct id16 *id);
bool id16_equal(const struct id16 *a, const struct id16 *b);

#endif
