/* What hotlined keeps in Redis: conversations, report queues and due times, each in the partition of
 * its sender. A partition is a Redis Cluster hash tag, so that a sender's session, queue and due set
 * share a slot and one function call commits all three.
 *   s:{p}:<hash>  conversation, hash {v version, d sealed state}     q:{p}  report stream, group "file"
 *   due:{p}       conversations by the time their time-out is due (milliseconds) */
#ifndef STORE_KEYSPACE_H
#define STORE_KEYSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis;
struct redis_reply;

enum { KEYSPACE_PARTITIONS = 64, KEYSPACE_HASH_LEN = 16, KEYSPACE_ID_MAX = 32 };

/* Loads the function library; call at each connect, and again after an error (while it reads its data back, a
 * Redis that restarts refuses everything). done(arg, NULL) when the store is ready. */
void keyspace_prepare(struct redis *redis, void (*done)(void *arg, const char *error), void *arg);

/* ---- conversations ---- */

struct keyspace_session {
	uint64_t version;    /* 0: there is none */
	const uint8_t *data; /* sealed state; borrowed for the callback */
	size_t len;
};

/* ok false: Redis did not answer in time. */
typedef void keyspace_load_fn(void *arg, bool ok, const struct keyspace_session *session);
void keyspace_load(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN],
                   keyspace_load_fn *fn, void *arg);

enum keyspace_outcome {
	KEYSPACE_DONE,
	KEYSPACE_CONFLICT, /* somebody else stepped this sender: load again */
	KEYSPACE_UNKNOWN   /* no answer: may or may not have been written */
};

struct keyspace_commit {
	unsigned partition;
	uint8_t hash[KEYSPACE_HASH_LEN];
	uint64_t expected;    /* version that was loaded; 0 = none */
	uint64_t version;     /* the new one: never one that this subject had before, else a state of then would
	                         pass for the newest */
	bool force;           /* write whatever version is there: memory is ahead of Redis */
	const uint8_t *data;  /* sealed state; borrowed until the call returns */
	size_t len;
	int64_t ttl_ms;
	int64_t due_ms;       /* wall clock milliseconds of the time-out; 0 = none */
	const uint8_t *entry; /* sealed queue entry, or NULL; borrowed until the call returns */
	size_t entry_len;
};

typedef void keyspace_commit_fn(void *arg, enum keyspace_outcome outcome);
/* One round trip: compare-and-set of the session, its due time and the queue entry, all or nothing. */
void keyspace_commit(struct redis *redis, const struct keyspace_commit *commit, keyspace_commit_fn *fn,
                     void *arg);

/* Hashes of at most 64 conversations of a partition whose time-out is due at now_ms. */
typedef void keyspace_due_fn(void *arg, unsigned partition, const uint8_t *hashes, size_t count);
void keyspace_due(struct redis *redis, unsigned partition, int64_t now_ms, keyspace_due_fn *fn, void *arg);

/* Takes a conversation that is no more out of the due set. */
void keyspace_forget_due(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN]);

/* ---- report queue ---- */

struct keyspace_entry {
	char id[KEYSPACE_ID_MAX]; /* stream id */
	const uint8_t *data;      /* sealed entry; borrowed for the callback */
	size_t len;
};

/* count 0 and ok: nothing there. */
typedef void keyspace_read_fn(void *arg, unsigned partition, bool ok, const struct keyspace_entry *entries,
                              size_t count);
enum { KEYSPACE_READ_MAX = 128 };
/* New entries (own = false) or those this consumer was given before and never finished (own = true),
 * at most KEYSPACE_READ_MAX. Makes the group when it is missing. */
void keyspace_read(struct redis *redis, unsigned partition, const char *consumer, bool own,
                   keyspace_read_fn *fn, void *arg);
/* Takes over entries that another consumer left unfinished for idle_ms. */
void keyspace_claim(struct redis *redis, unsigned partition, const char *consumer, int64_t idle_ms,
                    keyspace_read_fn *fn, void *arg);
/* XACK and XDEL, after the commit. */
void keyspace_finish(struct redis *redis, unsigned partition, const char (*ids)[KEYSPACE_ID_MAX],
                     size_t count);

#endif
