/* One asynchronous Redis connection; the only user of hiredis. Replies come in order; a reply that is
 * late counts as none, so that no sender waits for a slow store: the breaker opens and callers go
 * on without. Reconnects by itself. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct redis;
struct redis_reply;

struct redis_config {
	const char *socket;        /* unix socket path, or NULL */
	const char *host;          /* used without a socket */
	uint16_t port;
	const char *user;          /* ACL user; NULL = no AUTH */
	const char *password_file; /* read at each connection; NULL = no AUTH */
	int64_t budget_ms;         /* a reply later than this is no reply */
};

enum redis_health {
	REDIS_DOWN,
	REDIS_UP,
	REDIS_UNSAFE /* reached, but its eviction policy may drop reports: cut (DOWN follows), tried later */
};

typedef void redis_state_fn(void *arg, enum redis_health health, const char *why);
/* reply NULL: no connection, cut, or too late; the command may or may not have been carried out.
 * Called exactly once for each command, never from inside redis_send(). Borrowed for the call. */
typedef void redis_fn(void *arg, const struct redis_reply *reply);

struct redis *redis_new(struct loop *loop, const struct redis_config *config, redis_state_fn *state,
                        void *arg);
void redis_start(struct redis *redis);
bool redis_up(const struct redis *redis);
/* Connects, authenticates and looks at the eviction policy, waiting for each answer (hotlined --check). */
bool redis_check(const struct redis_config *config, char *error, size_t error_size);
void redis_free(struct redis *redis); /* completes what is in flight with NULL */

enum { REDIS_ARGS_MAX = 160 };

/* Builds one command; sent by redis_send(). Binary safe. */
struct redis_command {
	const char *args[REDIS_ARGS_MAX]; /* borrowed until redis_send() returns */
	size_t lens[REDIS_ARGS_MAX];
	int count;
};
void redis_arg(struct redis_command *c, const char *text);
void redis_arg_bytes(struct redis_command *c, const void *bytes, size_t len);
void redis_send(struct redis *redis, const struct redis_command *command, redis_fn *fn, void *arg);

/* Reading replies; each is safe on NULL and on another type. */
bool redis_is_error(const struct redis_reply *r, const char *prefix); /* prefix "" = any error */
const char *redis_error(const struct redis_reply *r);                /* its text; NULL if no error */
bool redis_is_nil(const struct redis_reply *r);
int64_t redis_int(const struct redis_reply *r);
const uint8_t *redis_str(const struct redis_reply *r, size_t *len); /* NULL if no string */
size_t redis_count(const struct redis_reply *r);                    /* 0 if no array */
const struct redis_reply *redis_at(const struct redis_reply *r, size_t i);

#endif
