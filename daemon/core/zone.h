/* Time zones as pure data: reads the bytes of a TZif file (RFC 8536; what /usr/share/zoneinfo holds) or
 * a POSIX TZ text, and turns instants into wall time and back. The C library's own way (TZ, tzset) is
 * one zone for the whole process, so it is of no use to rosters in several zones. Reading the file is
 * zonefile.c's job. Instants are seconds since 1970 UTC, without leap seconds. */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include <stddef.h>
#include <stdint.h>

struct civil;
struct zone;

enum { ZONE_BYTES_MAX = 256 * 1024, ZONE_TRANSITIONS_MAX = 4096 };

/* NULL: not a TZif file of version 2 or later, or one that counts leap seconds. */
struct zone *zone_parse(const uint8_t *bytes, size_t len);
/* "<+07>-7", "EST5EDT,M3.2.0,M11.1.0"; NULL if it is not one. */
struct zone *zone_parse_posix(const char *text);
void zone_free(struct zone *zone); /* NULL is fine */

int zone_offset(const struct zone *zone, int64_t utc); /* seconds east of Greenwich */
void zone_civil(const struct zone *zone, int64_t utc, struct civil *out);

enum zone_fit {
	ZONE_ONCE,
	ZONE_TWICE, /* clocks went back over it: the first of the two is meant */
	ZONE_NEVER  /* clocks went forward over it: read with the offset from before, so it comes out as
	             * much later as the clocks jumped (both rules: RFC 5545, section 3.3.5) */
};
/* The instant at which this wall time comes. fit may be NULL. */
int64_t zone_utc(const struct zone *zone, const struct civil *wall, enum zone_fit *fit);

#endif
