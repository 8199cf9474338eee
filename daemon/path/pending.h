/* When may a spool record go? After its report was committed and its reply was settled (submitted,
 * refused, or never due). Both are noted here, in any order; and since when a record's entry lies in the
 * queue, so that one which the queue has lost is noticed. */
#ifndef PATH_PENDING_H
#define PATH_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct pending;
struct spool;

enum pending_step { PENDING_FILED = 1, PENDING_REPLIED = 2 };

struct pending *pending_new(struct loop *loop, struct spool *spool);
void pending_free(struct pending *p);
/* Record 0, and one that is released already, are ignored. */
void pending_note(struct pending *p, uint64_t record, enum pending_step step);
/* The record's entry lies in the queue from now on and nowhere else (true), or has been read from it or is to
 * be made once more (false). */
void pending_queued(struct pending *p, uint64_t record, bool queued);
/* Its entry lies in the queue for at least age_ms and nothing was heard of it. */
bool pending_lost(const struct pending *p, uint64_t record, int64_t age_ms);
size_t pending_lost_count(const struct pending *p, int64_t age_ms);
/* Records that something is known of. */
size_t pending_count(const struct pending *p);

#endif
