/* Octets of an external USSD entity's conversation with an Osmocom HLR: IPA frames, GSUP messages, the MAP
 * component within, and USSD strings. Pure. Sources: Osmocom GSUP protocol (OsmoHLR user manual), 3GPP TS
 * 24.080 section 3.6 (components), TS 23.038 sections 5 and 6.1.2.3 (USSD strings). */
#ifndef ADAPTERS_GSUP_CODEC_H
#define ADAPTERS_GSUP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* ---- IPA ---- */

enum { IPA_CCM = 0xfe, IPA_OSMO = 0xee }; /* stream identifiers */
enum { IPA_EXT_CTRL = 0x00, IPA_EXT_GSUP = 0x05 }; /* first octet of an IPA_OSMO payload */
enum { CCM_PING = 0x00, CCM_PONG = 0x01, CCM_ID_GET = 0x04, CCM_ID_RESP = 0x05, CCM_ID_ACK = 0x06 };
enum { IPA_HEADER = 3, IPA_PAYLOAD_MAX = 4096 };

struct ipa_frame {
	uint8_t stream;
	const uint8_t *payload; /* borrowed */
	size_t len;             /* at least 1 */
};

enum ipa_parse { IPA_MORE, IPA_OK, IPA_BAD };

/* The frame at the start of the octets; IPA_OK: it took IPA_HEADER + frame->len of them. */
enum ipa_parse ipa_read(const void *bytes, size_t len, struct ipa_frame *frame);
void ipa_put(struct buf *out, uint8_t stream, const void *payload, size_t len);
/* The answer to CCM_ID_GET: who we are, and that we have understood (ID_RESP and ID_ACK). */
void ipa_put_identity(struct buf *out, const char *name);

/* ---- GSUP ---- */

enum { GSUP_SS_REQUEST = 0x20, GSUP_SS_ERROR = 0x21, GSUP_SS_RESULT = 0x22 };
enum { GSUP_BEGIN = 1, GSUP_CONTINUE = 2, GSUP_END = 3 };
enum { IMSI_DIGITS = 15, FACILITY_MAX = 255 };

struct gsup_message {
	uint8_t type;
	char imsi[IMSI_DIGITS + 1];
	uint32_t session;
	uint8_t state;           /* GSUP_BEGIN and so on; 0: absent */
	const uint8_t *facility; /* borrowed; NULL: absent */
	size_t facility_len;     /* at most FACILITY_MAX */
};

/* False: no IMSI, or elements that do not fit. Unknown elements are stepped over. */
bool gsup_decode(const void *bytes, size_t len, struct gsup_message *message);
/* Appends the message without IPA header. */
void gsup_encode(const struct gsup_message *message, struct buf *out);

/* ---- components ---- */

enum ss_kind { SS_INVOKE = 0xa1, SS_RESULT = 0xa2, SS_ERROR = 0xa3, SS_REJECT = 0xa4 };
enum { SS_PROCESS_REQUEST = 0x3b, SS_REQUEST = 0x3c, SS_NOTIFY = 0x3d }; /* TS 29.002 section 17.5 */

struct ss_component {
	enum ss_kind kind;
	uint8_t invoke_id;
	uint8_t operation;    /* 0 where the kind has none */
	uint8_t dcs;
	const uint8_t *text;  /* borrowed; NULL: no USSD string */
	size_t text_len;
};

bool ss_decode(const void *bytes, size_t len, struct ss_component *component);
/* SS_INVOKE or SS_RESULT. Lengths up to 127 octets are BER; the few above are one octet, as libosmocore reads
 * and writes them, for it knows no other. */
void ss_encode(const struct ss_component *component, struct buf *out);

/* ---- USSD strings ---- */

enum { SS_TEXT_MAX = 160 }; /* octets (TS 24.080: 160) */

/* Appends the string as UTF-8. */
void ss_text_decode(uint8_t dcs, const void *bytes, size_t len, struct buf *out);
/* Codes the text, GSM where it fits, else UCS-2; returns its data coding scheme. What is longer than
 * SS_TEXT_MAX octets is left out. */
uint8_t ss_text_encode(const char *text, struct buf *out);

#endif
