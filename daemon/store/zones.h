/* Zones by name, read from the machine. */
#ifndef STORE_ZONES_H
#define STORE_ZONES_H

struct zone;

/* Owned by the caller (zone_free); NULL: there is no such zone. Where the machine has no zone data at all,
 * Asia/Ho_Chi_Minh and UTC are still known, so that the pilot's rosters can be read. */
struct zone *zones_open(const char *name);

#endif
