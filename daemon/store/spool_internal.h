/* What spool.c (appending) and spool_segments.c (files, scanning) share. */
#ifndef STORE_SPOOL_INTERNAL_H
#define STORE_SPOOL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/spool.h"

struct item;

struct segment {
	struct segment *next;
	uint64_t number;
	uint64_t first;     /* number of its first data record; 0 while it has none */
	uint64_t count;     /* data records; their numbers are consecutive */
	uint64_t done;      /* of them */
	uint8_t *done_bits; /* owned; one bit for each of `count`, grown in steps */
	size_t bits_cap;    /* bits allocated */
	int64_t touched_ms; /* last append, loop time */
};

struct spool {
	struct loop *loop;   /* borrowed */
	struct vault *vault; /* borrowed */
	char *dir;           /* owned */
	int dir_fd, lock_fd;
	uint64_t segment_bytes;
	struct id16 id;
	uint8_t boot_id[SPOOL_BOOT_ID_LEN];
	/* loop's thread only */
	struct segment *segments; /* owned, oldest first; the last is being written */
	uint64_t next_number;
	struct buf marks;         /* done numbers, u64 each, not written yet */
	struct loop_timer *marks_timer;
	struct spool_status status;
	uint64_t unreadable;      /* segment that could not be read at the start; 0 = none */
	/* shared with the writer */
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct item *queue, **queue_last; /* owned, oldest first */
	atomic_size_t queue_bytes;
	bool stopping;
	/* writer's thread only, after the start */
	int fd;
	uint64_t fd_segment;
	uint64_t fd_used;
	uint64_t fd_next;    /* number after the newest record written */
	atomic_bool failed;  /* a write or sync failed: nothing is written here any more */
	_Atomic uint64_t syncs;
};

/* ---- spool_segments.c ---- */

bool segment_write(int fd, const uint8_t *bytes, size_t len, uint64_t at);
/* Makes, preallocates and syncs a segment file, and syncs the directory that names it. next: the first
 * record number that may come into it. -1 on a fault. */
int segment_create(struct spool *spool, uint64_t number, uint64_t next);
struct segment *segment_add(struct spool *spool, uint64_t number);
struct segment *segment_numbered(struct spool *spool, uint64_t segment); /* made if it is not known */
/* A data record of this number lies in the segment. */
void segment_note(struct spool *spool, struct segment *s, uint64_t number);
/* True if the record was known and not yet done. */
bool segment_mark_done(struct spool *spool, uint64_t number);
/* Removes finished segments, oldest first only: the done-marks of a segment's records may lie in a later
 * one. */
void segments_drop_finished(struct spool *spool);
/* Makes, opens and locks the directory; reads its identity. */
bool segments_open_dir(struct spool *spool, char *error, size_t error_size);
void segments_boot_id(uint8_t out[SPOOL_BOOT_ID_LEN]);
/* Finds and scans what is there. False if a segment cannot be read: it may hold what was promised. */
bool segments_load(struct spool *spool, char *error, size_t error_size);
void segments_free(struct spool *spool);
/* True if the record is known and not done. */
bool segment_is_pending(struct spool *spool, uint64_t number);

#endif
