/* One TCAP component of a supplementary service, as a phone and the network exchange it for USSD. Pure.
 * Sources: 3GPP 24.080 section 3.6 (components), 29.002 section 17.5.2 (operations and their arguments),
 * X.690 for the encoding. */
#ifndef ADAPTERS_GSUP_COMPONENT_H
#define ADAPTERS_GSUP_COMPONENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum ss_kind { SS_INVOKE = 0xa1, SS_RESULT = 0xa2, SS_ERROR = 0xa3, SS_REJECT = 0xa4 };

enum ss_operation {
	SS_PROCESS_USS_REQUEST = 0x3b, /* the phone dialled; its result ends the dialogue */
	SS_USS_REQUEST = 0x3c,         /* the network shows a screen and waits for an answer */
	SS_USS_NOTIFY = 0x3d           /* the network shows a screen, its result is empty */
};

enum ss_error_code {
	SS_SYSTEM_FAILURE = 0x22,
	SS_UNEXPECTED_DATA_VALUE = 0x24,
	SS_UNKNOWN_ALPHABET = 0x47,
	SS_USSD_BUSY = 0x48
};

/* What a reject complains of; its code 1 of an invoke is "unrecognized operation". */
enum ss_problem { SS_PROBLEM_GENERAL = 0x80, SS_PROBLEM_INVOKE, SS_PROBLEM_RESULT, SS_PROBLEM_ERROR };
enum { SS_UNRECOGNIZED_OPERATION = 1 };

enum { SS_STRING_MAX = 160 }; /* octets of a USSD string, 29.002 maxUSSD-StringLength */

struct ss_component {
	uint8_t kind;         /* enum ss_kind */
	bool has_invoke_id;   /* false only in a reject of something unreadable */
	int8_t invoke_id;
	bool has_operation;   /* invoke, and result with a value */
	uint8_t operation;    /* enum ss_operation, or another: its argument is not looked at */
	uint8_t problem;      /* enum ss_problem of a reject */
	uint8_t code;         /* of an error or a reject */
	const uint8_t *string; /* borrowed: the USSD string; NULL: there is none */
	size_t string_len;    /* at most SS_STRING_MAX */
	uint8_t dcs;          /* 3GPP 23.038 section 5 */
	const uint8_t *msisdn; /* borrowed: address octet and TBCD digits; NULL: not told */
	size_t msisdn_len;
};

/* The octets must be exactly one component. Lengths are read in the short form, in the long forms of one and
 * two octets, and as Osmocom writes 128 to 255: as one plain octet. */
bool ss_decode(const void *bytes, size_t len, struct ss_component *out);
/* Appends the component, with lengths as X.690 wants them. False, and nothing appended, if the kind is none
 * or the string too long. The MSISDN is not written: only the network tells it. */
bool ss_encode(const struct ss_component *component, struct buf *out);

#endif
