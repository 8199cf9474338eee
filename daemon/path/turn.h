/* What a delivery means to its sender's conversation: a step, the same words again, or something that was here
 * before. Decides and steps; loading and committing are session's. */
#ifndef PATH_TURN_H
#define PATH_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct conversation;
struct delivery;
struct entry_part;
struct hotline;
struct turn_result;

/* *c: the sender's conversation, or NULL; replaced by the next one where the delivery opens it. True: it has
 * changed and must be committed together with the result. False: what is in the result is all. */
bool turn_hear(struct hotline *h, struct conversation **c, const struct delivery *d, struct turn_result *out);
/* What these records led to lies in the queue, and nowhere else but in the spool. */
void turn_note_queued(const struct hotline *h, uint64_t record, const struct entry_part *parts, uint8_t count);

#endif
