/* The keys and the one function library of hotlined in Redis. */
#include "store/keyspace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/redis.h"

/* KEYS: session, queue, due. ARGV: expected version ("*" = any), new version, state, ttl ms, due ms or
 * "", member of the due set, entry or "". Returns 1, or 0 when the version is another. */
static const char library[] =
	"#!lua name=hotlined\n"
	"redis.register_function('hl_commit', function(keys, argv)\n"
	"  local have = redis.call('HGET', keys[1], 'v') or '0'\n"
	"  if argv[1] ~= '*' and have ~= argv[1] then return 0 end\n"
	"  redis.call('HSET', keys[1], 'v', argv[2], 'd', argv[3])\n"
	"  redis.call('PEXPIRE', keys[1], argv[4])\n"
	"  if argv[5] == '' then redis.call('ZREM', keys[3], argv[6])\n"
	"  else redis.call('ZADD', keys[3], argv[5], argv[6]) end\n"
	"  if argv[7] ~= '' then redis.call('XADD', keys[2], '*', 'e', argv[7]) end\n"
	"  return 1\n"
	"end)\n";

static const char group[] = "file";

enum { DUE_MAX = 64, HEX = KEYSPACE_HASH_LEN * 2 + 1, KEY_MAX = 64 };

static void session_key(char out[KEY_MAX], unsigned partition, const uint8_t *hash)
{
	char hex[HEX];

	hex_encode(hash, KEYSPACE_HASH_LEN, hex);
	snprintf(out, KEY_MAX, "s:{%u}:%s", partition, hex);
}

static void queue_key(char out[KEY_MAX], unsigned partition)
{
	snprintf(out, KEY_MAX, "q:{%u}", partition);
}

static void due_key(char out[KEY_MAX], unsigned partition)
{
	snprintf(out, KEY_MAX, "due:{%u}", partition);
}

/* ---- preparing ---- */

struct prepare {
	void (*done)(void *arg, const char *error);
	void *arg;
};

static void on_library(void *arg, const struct redis_reply *reply)
{
	struct prepare *p = arg;

	p->done(p->arg, reply ? redis_error(reply) : "no answer");
	mem_free(p);
}

void keyspace_prepare(struct redis *redis, void (*done)(void *arg, const char *error), void *arg)
{
	struct prepare *p = mem_alloc(sizeof(*p));
	struct redis_command c = {0};

	p->done = done;
	p->arg = arg;
	redis_arg(&c, "FUNCTION");
	redis_arg(&c, "LOAD");
	redis_arg(&c, "REPLACE");
	redis_arg(&c, library);
	redis_send(redis, &c, on_library, p);
}

/* ---- conversations ---- */

struct load {
	keyspace_load_fn *fn;
	void *arg;
};

static void on_load(void *arg, const struct redis_reply *reply)
{
	struct load *load = arg;
	struct keyspace_session session = {0};
	size_t len = 0;
	const uint8_t *version = redis_str(redis_at(reply, 0), &len);

	if (version) {
		char text[24] = "";

		memcpy(text, version, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
		session.version = strtoull(text, NULL, 10);
		session.data = redis_str(redis_at(reply, 1), &session.len);
	}
	load->fn(load->arg, redis_count(reply) == 2, &session);
	mem_free(load);
}

void keyspace_load(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN],
		   keyspace_load_fn *fn, void *arg)
{
	struct load *load = mem_alloc(sizeof(*load));
	struct redis_command c = {0};
	char key[KEY_MAX];

	load->fn = fn;
	load->arg = arg;
	session_key(key, partition, hash);
	redis_arg(&c, "HMGET");
	redis_arg(&c, key);
	redis_arg(&c, "v");
	redis_arg(&c, "d");
	redis_send(redis, &c, on_load, load);
}

struct commit {
	keyspace_commit_fn *fn;
	void *arg;
};

static void on_commit(void *arg, const struct redis_reply *reply)
{
	struct commit *commit = arg;
	enum keyspace_outcome outcome = KEYSPACE_UNKNOWN;

	if (reply && !redis_is_error(reply, ""))
		outcome = redis_int(reply) == 1 ? KEYSPACE_DONE : KEYSPACE_CONFLICT;
	commit->fn(commit->arg, outcome);
	mem_free(commit);
}

void keyspace_commit(struct redis *redis, const struct keyspace_commit *k, keyspace_commit_fn *fn, void *arg)
{
	struct commit *commit = mem_alloc(sizeof(*commit));
	struct redis_command c = {0};
	char session[KEY_MAX], queue[KEY_MAX], due[KEY_MAX];
	char expected[24] = "*", version[24], ttl[24], due_ms[24] = "";

	commit->fn = fn;
	commit->arg = arg;
	session_key(session, k->partition, k->hash);
	queue_key(queue, k->partition);
	due_key(due, k->partition);
	if (!k->force)
		snprintf(expected, sizeof(expected), "%" PRIu64, k->expected);
	snprintf(version, sizeof(version), "%" PRIu64, k->version);
	snprintf(ttl, sizeof(ttl), "%" PRId64, k->ttl_ms);
	if (k->due_ms)
		snprintf(due_ms, sizeof(due_ms), "%" PRId64, k->due_ms);
	redis_arg(&c, "FCALL");
	redis_arg(&c, "hl_commit");
	redis_arg(&c, "3");
	redis_arg(&c, session);
	redis_arg(&c, queue);
	redis_arg(&c, due);
	redis_arg(&c, expected);
	redis_arg(&c, version);
	redis_arg_bytes(&c, k->data, k->len);
	redis_arg(&c, ttl);
	redis_arg(&c, due_ms);
	redis_arg_bytes(&c, k->hash, KEYSPACE_HASH_LEN);
	redis_arg_bytes(&c, k->entry, k->entry ? k->entry_len : 0);
	redis_send(redis, &c, on_commit, commit);
}

struct due {
	unsigned partition;
	keyspace_due_fn *fn;
	void *arg;
};

static void on_due(void *arg, const struct redis_reply *reply)
{
	struct due *due = arg;
	uint8_t hashes[DUE_MAX * KEYSPACE_HASH_LEN];
	size_t n = 0;

	for (size_t i = 0; i < redis_count(reply) && n < DUE_MAX; i++) {
		size_t len = 0;
		const uint8_t *hash = redis_str(redis_at(reply, i), &len);

		if (hash && len == KEYSPACE_HASH_LEN)
			memcpy(hashes + KEYSPACE_HASH_LEN * n++, hash, KEYSPACE_HASH_LEN);
	}
	if (n > 0)
		due->fn(due->arg, due->partition, hashes, n);
	mem_free(due);
}

void keyspace_due(struct redis *redis, unsigned partition, int64_t now_ms, keyspace_due_fn *fn, void *arg)
{
	struct due *due = mem_alloc(sizeof(*due));
	struct redis_command c = {0};
	char key[KEY_MAX], now[24];

	due->partition = partition;
	due->fn = fn;
	due->arg = arg;
	due_key(key, partition);
	snprintf(now, sizeof(now), "%" PRId64, now_ms);
	redis_arg(&c, "ZRANGEBYSCORE");
	redis_arg(&c, key);
	redis_arg(&c, "-inf");
	redis_arg(&c, now);
	redis_arg(&c, "LIMIT");
	redis_arg(&c, "0");
	redis_arg(&c, "64");
	redis_send(redis, &c, on_due, due);
}

static void on_finished(void *arg, const struct redis_reply *reply)
{
	(void)arg;
	(void)reply; /* what stays behind is met again, and then changes nothing */
}

void keyspace_forget_due(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN])
{
	struct redis_command c = {0};
	char key[KEY_MAX];

	due_key(key, partition);
	redis_arg(&c, "ZREM");
	redis_arg(&c, key);
	redis_arg_bytes(&c, hash, KEYSPACE_HASH_LEN);
	redis_send(redis, &c, on_finished, NULL);
}

/* ---- report queue ---- */

struct read {
	struct redis *redis;
	unsigned partition;
	char consumer[64];
	bool own;
	bool made_group; /* the group was missing and has been made: read once more */
	bool claim;
	keyspace_read_fn *fn;
	void *arg;
};

static void give(struct read *read, bool ok, const struct redis_reply *list)
{
	struct keyspace_entry entries[KEYSPACE_READ_MAX];
	size_t n = 0;

	for (size_t i = 0; i < redis_count(list) && n < KEYSPACE_READ_MAX; i++) {
		const struct redis_reply *item = redis_at(list, i);
		size_t id_len = 0;
		const uint8_t *id = redis_str(redis_at(item, 0), &id_len);

		if (!id || id_len >= KEYSPACE_ID_MAX)
			continue;
		memset(&entries[n], 0, sizeof(entries[n]));
		memcpy(entries[n].id, id, id_len);
		/* a deleted entry that was still pending has no fields: finished as it is */
		entries[n].data = redis_str(redis_at(redis_at(item, 1), 1), &entries[n].len);
		n++;
	}
	read->fn(read->arg, read->partition, ok, entries, n);
	mem_free(read);
}

static void send_read(struct read *read);
static void on_read(void *arg, const struct redis_reply *reply);

static void on_group(void *arg, const struct redis_reply *reply)
{
	struct read *read = arg;

	if (!reply) {
		give(read, false, NULL);
		return;
	}
	read->made_group = true;
	send_read(read);
}

static void make_group(struct read *read)
{
	struct redis_command c = {0};
	char key[KEY_MAX];

	queue_key(key, read->partition);
	redis_arg(&c, "XGROUP");
	redis_arg(&c, "CREATE");
	redis_arg(&c, key);
	redis_arg(&c, group);
	redis_arg(&c, "0");
	redis_arg(&c, "MKSTREAM");
	redis_send(read->redis, &c, on_group, read);
}

static void on_read(void *arg, const struct redis_reply *reply)
{
	struct read *read = arg;

	if (redis_is_error(reply, "NOGROUP") && !read->made_group) {
		make_group(read);
		return;
	}
	if (read->claim) /* XAUTOCLAIM: next cursor, entries, deleted ids */
		give(read, redis_count(reply) >= 2, redis_at(reply, 1));
	else /* XREADGROUP: nil, or one stream of (name, entries) */
		give(read, redis_is_nil(reply) || redis_count(reply) == 1, redis_at(redis_at(reply, 0), 1));
}

static void send_read(struct read *read)
{
	struct redis_command c = {0};
	char key[KEY_MAX];

	queue_key(key, read->partition);
	redis_arg(&c, "XREADGROUP");
	redis_arg(&c, "GROUP");
	redis_arg(&c, group);
	redis_arg(&c, read->consumer);
	redis_arg(&c, "COUNT");
	redis_arg(&c, "128");
	redis_arg(&c, "STREAMS");
	redis_arg(&c, key);
	redis_arg(&c, read->own ? "0" : ">");
	redis_send(read->redis, &c, on_read, read);
}

static struct read *read_new(struct redis *redis, unsigned partition, const char *consumer,
			     keyspace_read_fn *fn, void *arg)
{
	struct read *read = mem_alloc(sizeof(*read));

	read->redis = redis;
	read->partition = partition;
	snprintf(read->consumer, sizeof(read->consumer), "%s", consumer);
	read->fn = fn;
	read->arg = arg;
	return read;
}

void keyspace_read(struct redis *redis, unsigned partition, const char *consumer, bool own,
		   keyspace_read_fn *fn, void *arg)
{
	struct read *read = read_new(redis, partition, consumer, fn, arg);

	read->own = own;
	send_read(read);
}

void keyspace_claim(struct redis *redis, unsigned partition, const char *consumer, int64_t idle_ms,
		    keyspace_read_fn *fn, void *arg)
{
	struct read *read = read_new(redis, partition, consumer, fn, arg);
	struct redis_command c = {0};
	char key[KEY_MAX], idle[24];

	read->claim = true;
	read->made_group = true; /* no group means nothing to take over */
	queue_key(key, partition);
	snprintf(idle, sizeof(idle), "%" PRId64, idle_ms);
	redis_arg(&c, "XAUTOCLAIM");
	redis_arg(&c, key);
	redis_arg(&c, group);
	redis_arg(&c, read->consumer);
	redis_arg(&c, idle);
	redis_arg(&c, "0-0");
	redis_arg(&c, "COUNT");
	redis_arg(&c, "128");
	redis_send(redis, &c, on_read, read);
}

void keyspace_finish(struct redis *redis, unsigned partition, const char (*ids)[KEYSPACE_ID_MAX],
		     size_t count)
{
	struct redis_command ack = {0}, del = {0};
	char key[KEY_MAX];

	queue_key(key, partition);
	redis_arg(&ack, "XACK");
	redis_arg(&ack, key);
	redis_arg(&ack, group);
	redis_arg(&del, "XDEL");
	redis_arg(&del, key);
	for (size_t i = 0; i < count; i++) {
		redis_arg(&ack, ids[i]);
		redis_arg(&del, ids[i]);
	}
	redis_send(redis, &ack, on_finished, NULL);
	redis_send(redis, &del, on_finished, NULL);
}
