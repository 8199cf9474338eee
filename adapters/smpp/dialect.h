/* How one carrier speaks USSD over SMPP, as data: the specification (SMPP 3.4 sections 5.3.2.43 and 5.3.2.44) leaves
 * open what ussd_service_op means in which direction and how a session is named, and every carrier reads it in its
 * own way. A dialect is a YAML file; doc/smpp.md tells its keys. */
#ifndef ADAPTERS_SMPP_DIALECT_H
#define ADAPTERS_SMPP_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a ussd_service_op of the carrier means. */
enum dialect_meaning {
	DIALECT_ANY,      /* a code was dialled if the text looks like one or is empty; else an answer */
	DIALECT_BEGIN,
	DIALECT_CONTINUE,
	DIALECT_END,
	DIALECT_ABORT,
	DIALECT_TIMEOUT,
	DIALECT_NOTHING   /* the phone has seen what we showed: nothing is said */
};

/* Where a session's name is, beside the phone's number. */
enum dialect_session {
	DIALECT_SESSION_INFO,   /* the upper 15 bits of its_session_info, the same throughout */
	DIALECT_SESSION_NUMBER, /* its first octet; the second counts the messages, as the specification says */
	DIALECT_MESSAGE_REFERENCE, /* user_message_reference */
	DIALECT_SOURCE          /* nowhere: a phone has one session */
};

enum dialect_body { DIALECT_SHORT_MESSAGE, DIALECT_PAYLOAD, DIALECT_DATA_SM };

struct dialect {
	uint8_t heard[256];        /* enum dialect_meaning by ussd_service_op */
	uint8_t more, last;        /* ussd_service_op of a screen with and without an answer to come */
	int session;               /* enum dialect_session */
	bool end_bit;              /* the lowest bit of its_session_info ends a session, either way */
	int body;                  /* enum dialect_body: how our screens are submitted */
	char service_type[6];      /* "" = none */
	uint8_t dcs_gsm, dcs_ucs2; /* data_coding of our screens */
	int64_t septets, units;    /* longest screen, in GSM characters and in UTF-16 units */
	int64_t idle_ms;           /* a phone silent for so long has gone */
};

/* False and "file:line:column: text" on a fault. */
bool dialect_load(const char *path, struct dialect *out, char *error, size_t error_size);

#endif
