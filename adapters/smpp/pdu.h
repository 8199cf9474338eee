/* SMPP 3.4 protocol data units: bytes to struct and struct to bytes, for every PDU an ESME sends or
 * receives. Pure: knows no socket, no clock, no log. Strict in what it writes, lenient in what it
 * reads, because carriers send far more than the specification allows. */
#ifndef ADAPTERS_SMPP_PDU_H
#define ADAPTERS_SMPP_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* command_id, SMPP 3.4 section 5.1.2.1 */
enum pdu_command {
	PDU_BIND_RECEIVER = 0x00000001,
	PDU_BIND_TRANSMITTER = 0x00000002,
	PDU_SUBMIT_SM = 0x00000004,
	PDU_DELIVER_SM = 0x00000005,
	PDU_UNBIND = 0x00000006,
	PDU_BIND_TRANSCEIVER = 0x00000009,
	PDU_OUTBIND = 0x0000000b,
	PDU_ENQUIRE_LINK = 0x00000015,
	PDU_ALERT_NOTIFICATION = 0x00000102,
	PDU_DATA_SM = 0x00000103
};

#define PDU_RESPONSE 0x80000000u     /* bit of every response */
#define PDU_GENERIC_NACK 0x80000000u /* a response to nothing in particular */

/* command_status values that decide something here, section 5.1.3; pdu_status_text() knows all. */
enum pdu_status {
	ESME_ROK = 0x00,
	ESME_RINVCMDLEN = 0x02,
	ESME_RINVCMDID = 0x03,
	ESME_RINVBNDSTS = 0x04,
	ESME_RALYBND = 0x05,
	ESME_RSYSERR = 0x08,
	ESME_RBINDFAIL = 0x0d,
	ESME_RINVPASWD = 0x0e,
	ESME_RINVSYSID = 0x0f,
	ESME_RMSGQFUL = 0x14,
	ESME_RINVSYSTYP = 0x53,
	ESME_RTHROTTLED = 0x58
};

/* esm_class, section 5.2.12 */
enum {
	ESM_TYPE_MASK = 0x3c,
	ESM_TYPE_RECEIPT = 0x04,      /* SMSC delivery receipt */
	ESM_TYPE_INTERMEDIATE = 0x20, /* intermediate delivery notification */
	ESM_UDHI = 0x40
};

enum { PDU_HEADER = 16, PDU_MAX = 70000 }; /* bounds of command_length, in octets */

/* Rows of the TLV table, section 5.3.2. */
enum pdu_tlv {
	TLV_DEST_ADDR_SUBUNIT,
	TLV_SOURCE_ADDR_SUBUNIT,
	TLV_PAYLOAD_TYPE,
	TLV_RECEIPTED_MESSAGE_ID,
	TLV_PRIVACY_INDICATOR,
	TLV_USER_MESSAGE_REFERENCE,
	TLV_USER_RESPONSE_CODE,
	TLV_SOURCE_PORT,
	TLV_DESTINATION_PORT,
	TLV_SAR_MSG_REF_NUM,
	TLV_LANGUAGE_INDICATOR,
	TLV_SAR_TOTAL_SEGMENTS,
	TLV_SAR_SEGMENT_SEQNUM,
	TLV_SC_INTERFACE_VERSION,
	TLV_MS_AVAILABILITY_STATUS,
	TLV_NETWORK_ERROR_CODE,
	TLV_MESSAGE_PAYLOAD,
	TLV_DELIVERY_FAILURE_REASON,
	TLV_MORE_MESSAGES_TO_SEND,
	TLV_MESSAGE_STATE,
	TLV_USSD_SERVICE_OP,
	TLV_ITS_SESSION_INFO,
	TLV_COUNT
};

/* A run of octets inside somebody else's memory. p NULL = not there. Strings come without their
 * NUL. */
struct octets {
	const uint8_t *p;
	size_t len;
};

/* One PDU. Which fields a command has is data in pdu.c; the others stay zero. Everything is
 * borrowed: after decoding from the bytes that were decoded, for encoding from the caller. */
struct pdu {
	uint32_t command_id, command_status, sequence_number;
	struct octets system_id, password, system_type, address_range; /* binds, outbind */
	struct octets service_type, source_addr, destination_addr, esme_addr;
	struct octets schedule_delivery_time, validity_period; /* section 7.1.1 */
	struct octets short_message; /* octets behind sm_length, a user data header among them */
	struct octets message_id;
	uint8_t interface_version, addr_ton, addr_npi;
	uint8_t source_addr_ton, source_addr_npi, dest_addr_ton, dest_addr_npi;
	uint8_t esme_addr_ton, esme_addr_npi;
	uint8_t esm_class, protocol_id, priority_flag, registered_delivery, replace_if_present;
	uint8_t data_coding, sm_default_msg_id;
	struct octets tlv[TLV_COUNT]; /* the first of each; unknown ones are stepped over */
	bool tail_bad; /* octets at the end are no TLV: the last one says it is longer than the PDU */
};

enum pdu_result { PDU_OK, PDU_MORE, PDU_BAD };

/* The 16 octets every PDU begins with. */
struct pdu_header {
	uint32_t command_length, command_id, command_status, sequence_number;
};

/* Looks at the start of a stream. PDU_MORE: not all of the PDU is there yet. PDU_BAD:
 * command_length is outside PDU_HEADER..PDU_MAX, the stream has lost its step. *header is set
 * unless fewer than PDU_HEADER octets are there. */
enum pdu_result pdu_frame(const void *bytes, size_t len, struct pdu_header *header);

/* Decodes one framed PDU of exactly len octets. PDU_BAD: the command is unknown here, or a
 * request's mandatory fields do not add up. A response may end after any of its fields, or lack
 * all. */
enum pdu_result pdu_decode(const void *bytes, size_t len, struct pdu *pdu);

/* Appends the PDU. False, and nothing appended, if the command is unknown or a field is longer than
 * the specification has room for. */
bool pdu_encode(const struct pdu *pdu, struct buf *out);

bool pdu_command_known(uint32_t command_id);
const char *pdu_command_name(uint32_t command_id); /* "deliver_sm"; "unknown command" */
const char *pdu_status_text(uint32_t status);      /* "invalid password"; never NULL */
const char *pdu_tlv_name(enum pdu_tlv tlv);

/* An integer TLV of one to four octets, whatever width the peer chose. False if absent or odd. */
bool pdu_tlv_number(const struct pdu *pdu, enum pdu_tlv tlv, uint32_t *value);

/* The text's octets, from wherever they are. A peer that fills both short_message and message_payload
 * against section 5.3.2.32 still means one text: the longer. */
struct octets pdu_body(const struct pdu *pdu);

struct octets octets_of(const char *text); /* NULL gives an empty one */
/* Copies as a C string, cut to fit; octets that would end it early end it. */
void octets_text(struct octets from, char *out, size_t size);

#endif
