/* From the report queue into PostgreSQL: batches of entries, one transaction each, filed as often as it
 * takes and counted once. An entry leaves the queue after the commit, its spool records last. */
#ifndef PATH_FILING_H
#define PATH_FILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct entry;
struct filing;
struct hotline;

struct filing *filing_new(struct hotline *h);
void filing_free(struct filing *f);
void filing_start(struct filing *f);
/* Redis is (back) up: entries this daemon was given before it died or was cut off come first. */
void filing_redis_up(struct filing *f);

/* Seals an entry for the queue of a partition. Appends to out; nothing if the entry is too long for the
 * queue, and then it must go by filing_direct(). */
void filing_seal(struct filing *f, unsigned partition, const struct entry *e, struct buf *out);
/* Something was queued in this partition. */
void filing_hint(struct filing *f, unsigned partition);
/* Files an entry that is not in the queue. Moves the entry out of *e, which is empty afterwards. */
void filing_direct(struct filing *f, struct entry *e);

/* The queue was read to its end and everything in it is committed, but for what the database refuses. */
bool filing_idle(const struct filing *f);
/* The same without the queue: nothing that is in memory waits for PostgreSQL. */
bool filing_at_rest(const struct filing *f);

struct filing_status {
	size_t waiting;  /* entries in memory, not committed, not faulty */
	size_t faulty;   /* entries that the database refuses even raw; tried again now and then */
	uint64_t filed;  /* entries committed since the start */
	uint64_t raw;    /* of these, how many only raw: a person must look at them */
};
void filing_status(const struct filing *f, struct filing_status *out);

#endif
