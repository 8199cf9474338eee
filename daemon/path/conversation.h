/* One sender's conversation between two turns: the engine's state and what the daemon must remember
 * beside it. No store, no network: a turn takes a conversation and a delivery and leaves the next
 * conversation, a queue entry and perhaps a reply. */
#ifndef PATH_CONVERSATION_H
#define PATH_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/entry.h"
#include "core/heard.h"
#include "store/vault.h"

struct delivery;
struct flow_state;
struct hotline;

enum { CONVERSATION_REF_MAX = 24 };

struct conversation {
	struct id16 id;
	struct id16 opened_by, newest;      /* deliveries: the first and the last it was stepped by */
	struct heard heard;                 /* all of them */
	struct heard before;                /* those of the sender's earlier conversations */
	uint8_t opening_key[ENTRY_KEY_LEN]; /* duplicate key of that delivery */
	char ref[CONVERSATION_REF_MAX];     /* what the reporter is told: prefix and six digits */
	int64_t first_us;                   /* first message, UTC microseconds */
	int64_t stamp;                      /* newest revision */
	int64_t due_ms;                     /* time-out, UTC milliseconds; 0 = none */
	uint32_t due_turn;                  /* turn the time-out was made for */
	char adapter[32], link[32], channel[8], short_code[24];
	uint8_t subject[ENTRY_KEY_LEN];
	/* Places found in the words so far, and a hash of those words: most turns add none. */
	uint8_t place_key[VAULT_INDEX_LEN];
	char commune[8];                    /* "" unknown */
	char candidates[ENTRY_CANDIDATES_MAX]; /* comma separated codes */
	struct data_key key;                /* wiped by conversation_free() */
	struct flow_state *flow;            /* owned */
};

/* A conversation opened by this delivery. `last` is the sender's ended one before it, or NULL. */
struct conversation *conversation_new(struct hotline *h, const struct delivery *d,
                                      const struct conversation *last);
void conversation_free(struct conversation *c); /* NULL is fine; wipes the data key */
void conversation_save(const struct conversation *c, struct buf *out);
struct conversation *conversation_load(const void *bytes, size_t len); /* NULL if not one of ours */
bool conversation_ended(const struct conversation *c);
/* True if it was stepped by all that the delivery is made of before. */
bool conversation_heard(const struct hotline *h, const struct conversation *c, const struct delivery *d);
/* True if another one of this sender was, before it. */
bool conversation_heard_before(const struct hotline *h, const struct conversation *c, const struct delivery *d);

/* What a turn led to. */
struct turn_result {
	struct entry entry; /* owned: entry_fini() */
	bool has_entry;
	char *reply;        /* owned; NULL = say nothing */
};

/* Steps the conversation with a delivery that it has not heard. */
void conversation_hear(struct hotline *h, struct conversation *c, const struct delivery *d,
                       struct turn_result *out);
/* Files the newest revision for a delivery that stepped it before: nothing changes if it is there, and all
 * if it is not. No reply. */
void conversation_hear_again(struct hotline *h, struct conversation *c, const struct delivery *d,
                             struct turn_result *out);
/* What was answered to a delivery that comes from the spool, if it is of use still and nothing came after it:
 * young, the newest, and the conversation goes on. NULL: say nothing. Owned by the caller. */
char *conversation_answer(struct hotline *h, const struct conversation *c, const struct delivery *d);
/* Its flow version was taken back: it must end before it hears anything more. */
bool conversation_retired(const struct hotline *h, const struct conversation *c);
/* Its time ran out, or its version was taken back. has_entry is false when the time-out was not its
 * newest. */
void conversation_expire(struct hotline *h, struct conversation *c, int64_t now_us,
                         struct turn_result *out);
/* A delivery that belongs to the conversation (NULL: to none) but must not step it. */
void conversation_repeat(struct hotline *h, struct conversation *c, const struct delivery *d,
                         bool answer_again, struct turn_result *out);
/* A delivery that says nothing and belongs to none: the end of a USSD session after its conversation's. */
void conversation_without(struct hotline *h, const struct delivery *d, struct turn_result *out);
void turn_result_fini(struct turn_result *r);

/* Fills in the part of an entry that follows from the delivery alone. `key` seals the text. */
void entry_from_delivery(struct hotline *h, const struct delivery *d, const struct data_key *key,
                         enum disposition disposition, struct entry *out);

#endif
