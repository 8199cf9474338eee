/* Reads a zone of the machine's zone data (package tzdata) by its IANA name. */
#ifndef BASE_ZONEFILE_H
#define BASE_ZONEFILE_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the file's bytes. False: there is no such zone, the name is none ("Asia/Ho_Chi_Minh": letters,
 * digits and _+-, slashes between), or the file is larger than size_max. $TZDIR is honoured. */
bool zonefile_read(const char *name, size_t size_max, struct buf *out);

#endif
