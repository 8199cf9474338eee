/* Conversations: one mailbox for each sender, so that turns of one person never overlap; state in Redis,
 * versioned; a turn is answered only after state and queue entry are committed. With Redis down or
 * slow the conversation goes on in memory and its reports go straight to filing. */
#ifndef PATH_SESSION_H
#define PATH_SESSION_H

#include <stddef.h>
#include <stdint.h>

struct delivery;
struct hotline;
struct session;

struct session *session_new(struct hotline *h);
void session_free(struct session *session);
/* Begins: turns wait until Redis is there, but no longer than a second, so that what the spool replays
 * meets the conversations it belongs to. */
void session_start(struct session *session);
void session_take(struct session *session, struct delivery *d); /* takes ownership */
/* Redis is there: turns may start, and conversations that went on in memory are written to it. */
void session_redis_up(struct session *session);

struct session_status {
	size_t waiting;   /* turns not finished */
	size_t in_memory; /* conversations that Redis does not have yet */
};
void session_status(const struct session *session, struct session_status *out);

/* Conversations under way that hold this flow version, of those that this daemon has stepped. */
size_t session_count(const struct session *session, const uint8_t flow_hash[32]);
/* Their version was taken back: those of session_count() end now, others at their next turn or time-out. */
void session_retire(struct session *session, const uint8_t flow_hash[32]);

#endif
