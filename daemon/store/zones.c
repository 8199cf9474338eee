/* Zones by name. */
#include "store/zones.h"

#include <string.h>

#include "base/buf.h"
#include "base/zonefile.h"
#include "core/zone.h"

static const struct {
	const char *name, *posix;
} builtin[] = {{"Asia/Ho_Chi_Minh", "<+07>-7"}, {"UTC", "UTC0"}};

struct zone *zones_open(const char *name)
{
	struct buf bytes = {0};
	struct zone *zone = NULL;

	if (zonefile_read(name, ZONE_BYTES_MAX, &bytes))
		zone = zone_parse(bytes.data, bytes.len);
	buf_free(&bytes);
	for (size_t i = 0; !zone && i < sizeof(builtin) / sizeof(*builtin); i++) {
		if (strcmp(builtin[i].name, name) == 0)
			zone = zone_parse_posix(builtin[i].posix);
	}
	return zone;
}
