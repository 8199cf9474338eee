/* When may a spool record go? After its report was committed and its reply was settled (submitted,
 * refused, or never due). Both are noted here, in any order. */
#ifndef PATH_PENDING_H
#define PATH_PENDING_H

#include <stdint.h>

struct pending;
struct spool;

enum pending_step { PENDING_FILED = 1, PENDING_REPLIED = 2 };

struct pending *pending_new(struct spool *spool);
void pending_free(struct pending *p);
/* record 0 is ignored. */
void pending_note(struct pending *p, uint64_t record, enum pending_step step);

#endif
