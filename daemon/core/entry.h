/* One entry of the report queue: a delivery and, if it said something, the revision of the report it
 * led to. Everything that filing needs travels in it, so that any daemon can file it and filing it
 * twice changes nothing. */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/ids.h"

enum disposition {
	DISPOSITION_REPORT,      /* free text that opened or enriched a report */
	DISPOSITION_ANSWER,      /* a menu answer, a start or help word */
	DISPOSITION_STOP,
	DISPOSITION_OTHERS,      /* meant for somebody else: adverts, opt-out keywords */
	DISPOSITION_EMPTY,
	DISPOSITION_OFFICER,     /* an officer's command */
	DISPOSITION_REPEAT,      /* a delivery we have had before */
	DISPOSITION_PART,        /* a part of a concatenated text; the text is with its first part */
	DISPOSITION_UNDECODABLE, /* framed but not understood; a person must look */
	DISPOSITION_TIMER        /* no delivery: a conversation's time ran out */
};
const char *disposition_name(enum disposition d); /* "report", "answer", ... as stored */

/* ENTRY_BLOB_MAX: of one sealed text. The longest body becomes three octets for each in UTF-8, a report no
 * more than six for each octet of a conversation's state; both leave room to spare. */
enum { ENTRY_PARTS_MAX = 255, ENTRY_KEY_LEN = 16, ENTRY_CANDIDATES_MAX = 80, ENTRY_BLOB_MAX = 1 << 20 };

/* The key material of `struct data_key` as it is filed: nothing here opens anything by itself. */
struct entry_key {
	struct id16 intake;
	char team[32];
	uint8_t *wrapped;       /* owned */
	size_t wrapped_len;
	uint8_t *intake_team;   /* owned */
	size_t intake_team_len;
	uint8_t *intake_escrow; /* owned */
	size_t intake_escrow_len;
};

/* One delivery behind an entry: the text itself, or a further part of it. */
struct entry_part {
	uint64_t spool;                 /* record to release after the commit */
	struct id16 message;            /* id of the delivery */
	uint8_t dup_key[ENTRY_KEY_LEN];
};

struct entry {
	char node[32];                      /* daemon that made it */
	struct id16 spool_id;               /* spool that holds the records */
	struct entry_part *part;            /* owned; further parts of a concatenated text */
	uint8_t part_count;                 /* 0 for a text that came in one piece */
	uint64_t spool;                     /* record of the delivery itself; 0 = none */
	bool has_message;
	struct id16 message;                /* id of the delivery */
	uint8_t dup_key[ENTRY_KEY_LEN];
	bool has_subject;
	uint8_t subject[ENTRY_KEY_LEN];     /* keyed hash of the sender */
	char subject_kind[8];               /* msisdn, short, alnum, none */
	uint8_t *number_ct;                 /* owned; the sender, sealed; NULL if there is none */
	size_t number_ct_len;
	char adapter[32], link[32], channel[8], short_code[24];
	int64_t received_us;
	enum disposition disposition;
	uint8_t parts;                      /* parts the sender announced; 1 for one piece */
	uint8_t *message_ct;                /* owned; the text, sealed with the conversation's key */
	size_t message_ct_len;
	struct id16 conversation;
	struct entry_key key;
	/* a revision of the report; absent unless has_report */
	bool has_report;
	uint8_t opening_key[ENTRY_KEY_LEN]; /* duplicate key of the text that opened it */
	char ref[24];
	int64_t stamp;                      /* orders revisions: microseconds, strictly growing in a conversation */
	char urgency[16], kind[32], lang[8];
	bool partial;
	int safe_contact;                   /* 1 yes, 0 no, -1 unknown */
	char commune[8];                    /* "" unknown */
	char candidates[ENTRY_CANDIDATES_MAX]; /* comma separated codes */
	uint8_t *body_ct;                   /* owned; the report so far, sealed with the conversation's key */
	size_t body_ct_len;
	uint8_t mac[32];
	int64_t first_us;                   /* first message of the conversation: legal clocks count from it */
	bool opens;                         /* this delivery opened the conversation */
};

/* False, and nothing appended, if a sealed text is longer than entry_decode() takes. */
bool entry_encode(const struct entry *e, struct buf *out);
/* False if the bytes are not an entry of this version; on success entry_fini() is the caller's. */
bool entry_decode(const void *bytes, size_t len, struct entry *out);
void entry_fini(struct entry *e);

#endif
