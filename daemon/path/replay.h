/* Texts that the spool still holds come through here on their way back into the path: after a restart, and
 * when the queue has lost what was made of them. PostgreSQL is asked first which of them it knows, so that
 * nobody is heard twice or answered long after. Between intake and parts. */
#ifndef PATH_REPLAY_H
#define PATH_REPLAY_H

#include <stddef.h>

struct delivery;
struct hotline;
struct replay;

struct replay *replay_new(struct hotline *h);
void replay_free(struct replay *r);
/* Reads the spool. What is in it waits until PostgreSQL has been asked, at most three seconds, and so does
 * what the same senders write meanwhile: nobody's texts overtake each other. Returns how many records. */
size_t replay_start(struct replay *r);
/* Redis was reached or lost: what it had been given before, and filing has not seen since, is taken from the
 * spool soon. */
void replay_redis_changed(struct replay *r);
/* A new delivery; takes ownership. */
void replay_take(struct replay *r, struct delivery *d);

#endif
