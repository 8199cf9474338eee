/* The spool: the only place whose "written" we say "received" for. Preallocated segment files, one
 * fdatasync(2) for every batch, done on a thread of its own so that the loop never blocks. A record
 * stays until its report is committed in PostgreSQL and its reply was submitted. */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ids.h"

struct loop;
struct vault;
struct spool;

enum { SPOOL_DUP_KEY_LEN = 16, SPOOL_BOOT_ID_LEN = 16, SPOOL_FLOW_HASH_LEN = 32 };

enum spool_flags {
	SPOOL_REPEAT = 1 /* repeats a delivery whose answer was in doubt: it must not step a conversation */
};

/* What is kept beside the sealed bytes. */
struct spool_meta {
	uint8_t dup_key[SPOOL_DUP_KEY_LEN];     /* keyed hash, see intake */
	uint8_t flow_hash[SPOOL_FLOW_HASH_LEN]; /* flow version in force when the text came in */
	uint8_t boot_id[SPOOL_BOOT_ID_LEN];     /* filled in by the spool */
	int64_t wall_us;                        /* event time, UTC microseconds */
	int64_t boot_ms;                        /* event time on CLOCK_BOOTTIME of boot_id; by the spool */
	uint16_t flags;                         /* enum spool_flags */
};

struct spool_record {
	uint64_t number;        /* grows by one with every record of this spool, for ever */
	struct spool_meta meta;
	const uint8_t *plain;   /* unsealed bytes; borrowed for the callback; NULL if `done` */
	size_t plain_len;
	bool done;              /* already filed; shown only for its duplicate key */
};

/* Opens (makes) and locks the directory, scans what is there, cuts a torn tail, copies it and any damage in
 * the middle of a segment to quarantine/. NULL and an error text if the directory is locked by another
 * process, unwritable or not a spool, or if a segment cannot be read. `vault` and `loop` are borrowed until spool_close(). */
struct spool *spool_open(struct loop *loop, struct vault *vault, const char *dir, uint64_t segment_bytes,
                         char *error, size_t error_size);
/* Shows every record that is not done, oldest first, and the done ones of the last seconds before
 * the end. Call once, before the first append. Returns the number not done. */
size_t spool_replay(struct spool *spool, void (*fn)(void *arg, const struct spool_record *record),
                    void *arg);
/* Shows those records that are not done and that `want` asks for. Reads the files: for rare repairs. */
void spool_show(struct spool *spool, bool (*want)(void *arg, uint64_t number),
                void (*fn)(void *arg, const struct spool_record *record), void *arg);
/* Identity of this spool directory, made when it was; with the number it names a delivery for ever. */
const struct id16 *spool_id(const struct spool *spool);

/* The outcome of one append, on the loop's thread. Not ok: nothing was promised, refuse the carrier. */
typedef void spool_fn(void *arg, uint64_t number, bool ok);
/* Seals and queues one record. Returns its number, or 0 when the spool has failed or its queue is
 * full (then fn is not called). Records complete in order of their numbers. */
uint64_t spool_append(struct spool *spool, const struct spool_meta *meta, const void *plain, size_t len,
                      spool_fn *fn, void *arg);
/* Marks a record as filed. A segment goes when it and all before it are done. */
void spool_done(struct spool *spool, uint64_t number);

/* True if the record is here and not done. */
bool spool_is_pending(struct spool *spool, uint64_t number);

struct spool_status {
	uint64_t pending;  /* records that are not done */
	uint64_t segments; /* files */
	uint64_t syncs;    /* fdatasync calls since the start */
	uint64_t appended; /* records since the start */
	uint64_t damaged;  /* stretches moved to quarantine at the start */
	bool failed;       /* after a write or sync error: this directory never says yes again */
};
void spool_status(const struct spool *spool, struct spool_status *out);

/* Writes what is queued, joins the thread, unlocks. Callbacks still due are run. */
void spool_close(struct spool *spool);

#endif
