/* GSUP messages as far as USSD needs them: a type octet and information elements (tag, length, value).
 * Pure. Source: OsmoHLR user manual, chapter "Generic Subscriber Update Protocol", sections "Process
 * Supplementary Service" and "Information Elements". */
#ifndef ADAPTERS_GSUP_MESSAGE_H
#define ADAPTERS_GSUP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The lower two bits tell request, error and result of one procedure. */
enum gsup_type { GSUP_PROC_SS_REQUEST = 0x20, GSUP_PROC_SS_ERROR = 0x21, GSUP_PROC_SS_RESULT = 0x22 };

enum gsup_state { GSUP_NO_STATE = 0, GSUP_BEGIN = 1, GSUP_CONTINUE = 2, GSUP_END = 3 };

enum { GSUP_IMSI_MAX = 17, GSUP_SS_MAX = 255 }; /* 16 digits and the NUL; octets of one element */

struct gsup_message {
	uint8_t type;               /* enum gsup_type, or one that we know nothing of */
	char imsi[GSUP_IMSI_MAX];   /* decimal digits */
	bool has_session;
	uint32_t session_id;        /* unique for the IMSI while it lasts */
	uint8_t state;              /* enum gsup_state; GSUP_NO_STATE: element not there */
	uint8_t cause;              /* of an error, 3GPP 24.008 section 10.5.5.14; 0: not there */
	uint8_t message_class;      /* 0: not there; 3: supplementary services */
	const uint8_t *ss;          /* borrowed: the MAP component; NULL: not there */
	size_t ss_len;              /* at most GSUP_SS_MAX */
};

/* The body of an IPA_EXT_GSUP frame. False: an element runs over the end or has an impossible length, or
 * the IMSI, which every message has, is missing. Elements of other tags are stepped over. */
bool gsup_decode(const void *bytes, size_t len, struct gsup_message *out);
/* Appends that body. False, and nothing appended, if the IMSI is no IMSI or ss is too long. */
bool gsup_encode(const struct gsup_message *message, struct buf *out);

#endif
