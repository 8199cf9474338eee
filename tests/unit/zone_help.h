/* Instants and zones for tests: "2026-03-08 02:30" in a zone of the machine. */
#ifndef TESTS_ZONE_HELP_H
#define TESTS_ZONE_HELP_H

#include <stdio.h>

#include "base/zonefile.h"
#include "core/civil.h"
#include "core/zone.h"

static inline struct zone *zone_named(const char *name)
{
	struct buf bytes = {0};
	struct zone *zone = NULL;

	if (zonefile_read(name, ZONE_BYTES_MAX, &bytes))
		zone = zone_parse(bytes.data, bytes.len);
	buf_free(&bytes);
	if (!zone)
		fail_msg("zone %s cannot be read (package tzdata)", name);
	return zone;
}

static inline struct civil wall(const char *text)
{
	struct civil c = {0};

	if (!civil_parse(text, &c))
		fail_msg("no wall time: %s", text);
	return c;
}

static inline int64_t at(const struct zone *zone, const char *text)
{
	struct civil c = wall(text);

	return zone_utc(zone, &c, NULL);
}

/* Wall time of an instant; borrowed, four are kept. */
static inline const char *shown(const struct zone *zone, int64_t utc)
{
	static char texts[4][CIVIL_TEXT_MAX];
	static unsigned n;
	struct civil c;
	char *out = texts[n++ % 4];

	zone_civil(zone, utc, &c);
	civil_text(&c, out);
	return out;
}

#endif
