/* Officers' commands: acknowledge, decline, close, who is on duty. Number and code must both match; the
 * decision is one SQL function, and what it answered is told back to the officer. */
#ifndef PATH_ACKS_H
#define PATH_ACKS_H

struct acks;
struct command;
struct delivery;
struct hotline;

struct acks *acks_new(struct hotline *h);
void acks_free(struct acks *acks);
/* Takes ownership of the delivery. A command is never lost to a store that is away: it waits. */
void acks_take(struct acks *acks, struct delivery *d, const struct command *command);
/* Takes ownership of an officer's text that orders nothing certain, and asks for the code. */
void acks_ask_code(struct acks *acks, struct delivery *d);
/* Files a delivery that is no report, and answers it. Takes ownership of the delivery; text NULL: silence. */
void acks_answer(struct acks *acks, struct delivery *d, const char *text);

#endif
