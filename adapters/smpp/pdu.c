/* SMPP 3.4 PDUs from tables: the layout of every command is a list of fields, the code a few loops.
 * */
#include "adapters/smpp/pdu.h"

#include <string.h>

/* ---- fields ---- */

enum field_kind {
	FIELD_U8,
	FIELD_TEXT, /* C-octet string; max counts its NUL */
	FIELD_BODY  /* one octet of length, then so many octets */
};

struct field {
	enum field_kind kind;
	uint8_t max; /* octets, in what we write */
	uint16_t at; /* offset in struct pdu */
};

#define U8(name) { FIELD_U8, 1, offsetof(struct pdu, name) }
#define TEXT(name, max) { FIELD_TEXT, max, offsetof(struct pdu, name) }
#define BODY(name, max) { FIELD_BODY, max, offsetof(struct pdu, name) }
#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])

/* Section 4.1.1. The specification gives a password 8 characters; carriers hand out longer ones. */
static const struct field bind_fields[] = {
	TEXT(system_id, 16), TEXT(password, 65), TEXT(system_type, 13), U8(interface_version),
	U8(addr_ton), U8(addr_npi), TEXT(address_range, 41),
};

/* Section 4.1.2 */
static const struct field bind_resp_fields[] = { TEXT(system_id, 16) };

/* Section 4.1.7 */
static const struct field outbind_fields[] = { TEXT(system_id, 16), TEXT(password, 65) };

/* Sections 4.4.1 and 4.6.1: submit_sm and deliver_sm share one layout. */
static const struct field sm_fields[] = {
	TEXT(service_type, 6),
	U8(source_addr_ton), U8(source_addr_npi), TEXT(source_addr, 21),
	U8(dest_addr_ton), U8(dest_addr_npi), TEXT(destination_addr, 21),
	U8(esm_class), U8(protocol_id), U8(priority_flag),
	TEXT(schedule_delivery_time, 17), TEXT(validity_period, 17),
	U8(registered_delivery), U8(replace_if_present), U8(data_coding), U8(sm_default_msg_id),
	BODY(short_message, 254),
};

/* Sections 4.4.2, 4.6.2 (empty there) and 4.7.2 */
static const struct field sm_resp_fields[] = { TEXT(message_id, 65) };

/* Section 4.7.1 */
static const struct field data_sm_fields[] = {
	TEXT(service_type, 6),
	U8(source_addr_ton), U8(source_addr_npi), TEXT(source_addr, 65),
	U8(dest_addr_ton), U8(dest_addr_npi), TEXT(destination_addr, 65),
	U8(esm_class), U8(registered_delivery), U8(data_coding),
};

/* Section 4.12.1 */
static const struct field alert_fields[] = {
	U8(source_addr_ton), U8(source_addr_npi), TEXT(source_addr, 65),
	U8(esme_addr_ton), U8(esme_addr_npi), TEXT(esme_addr, 65),
};

/* ---- commands ---- */

static const struct command {
	uint32_t id;
	const char *name;
	const struct field *fields;
	size_t count;
} commands[] = {
	{ PDU_DELIVER_SM, "deliver_sm", FIELDS(sm_fields) },
	{ PDU_SUBMIT_SM | PDU_RESPONSE, "submit_sm_resp", FIELDS(sm_resp_fields) },
	{ PDU_DELIVER_SM | PDU_RESPONSE, "deliver_sm_resp", FIELDS(sm_resp_fields) },
	{ PDU_SUBMIT_SM, "submit_sm", FIELDS(sm_fields) },
	{ PDU_ENQUIRE_LINK, "enquire_link", NULL, 0 },
	{ PDU_ENQUIRE_LINK | PDU_RESPONSE, "enquire_link_resp", NULL, 0 },
	{ PDU_DATA_SM, "data_sm", FIELDS(data_sm_fields) },
	{ PDU_DATA_SM | PDU_RESPONSE, "data_sm_resp", FIELDS(sm_resp_fields) },
	{ PDU_BIND_TRANSCEIVER, "bind_transceiver", FIELDS(bind_fields) },
	{ PDU_BIND_TRANSCEIVER | PDU_RESPONSE, "bind_transceiver_resp", FIELDS(bind_resp_fields) },
	{ PDU_BIND_RECEIVER, "bind_receiver", FIELDS(bind_fields) },
	{ PDU_BIND_RECEIVER | PDU_RESPONSE, "bind_receiver_resp", FIELDS(bind_resp_fields) },
	{ PDU_BIND_TRANSMITTER, "bind_transmitter", FIELDS(bind_fields) },
	{ PDU_BIND_TRANSMITTER | PDU_RESPONSE, "bind_transmitter_resp", FIELDS(bind_resp_fields) },
	{ PDU_UNBIND, "unbind", NULL, 0 },
	{ PDU_UNBIND | PDU_RESPONSE, "unbind_resp", NULL, 0 },
	{ PDU_GENERIC_NACK, "generic_nack", NULL, 0 },
	{ PDU_OUTBIND, "outbind", FIELDS(outbind_fields) },
	{ PDU_ALERT_NOTIFICATION, "alert_notification", FIELDS(alert_fields) },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* ---- optional parameters ---- */

static const struct {
	uint16_t tag;
	uint16_t max; /* octets, in what we write */
	const char *name;
} tlvs[TLV_COUNT] = {
	[TLV_DEST_ADDR_SUBUNIT] = { 0x0005, 1, "dest_addr_subunit" },
	[TLV_SOURCE_ADDR_SUBUNIT] = { 0x000d, 1, "source_addr_subunit" },
	[TLV_PAYLOAD_TYPE] = { 0x0019, 1, "payload_type" },
	[TLV_RECEIPTED_MESSAGE_ID] = { 0x001e, 65, "receipted_message_id" },
	[TLV_PRIVACY_INDICATOR] = { 0x0201, 1, "privacy_indicator" },
	[TLV_USER_MESSAGE_REFERENCE] = { 0x0204, 2, "user_message_reference" },
	[TLV_USER_RESPONSE_CODE] = { 0x0205, 1, "user_response_code" },
	[TLV_SOURCE_PORT] = { 0x020a, 2, "source_port" },
	[TLV_DESTINATION_PORT] = { 0x020b, 2, "destination_port" },
	[TLV_SAR_MSG_REF_NUM] = { 0x020c, 2, "sar_msg_ref_num" },
	[TLV_LANGUAGE_INDICATOR] = { 0x020d, 1, "language_indicator" },
	[TLV_SAR_TOTAL_SEGMENTS] = { 0x020e, 1, "sar_total_segments" },
	[TLV_SAR_SEGMENT_SEQNUM] = { 0x020f, 1, "sar_segment_seqnum" },
	[TLV_SC_INTERFACE_VERSION] = { 0x0210, 1, "sc_interface_version" },
	[TLV_MS_AVAILABILITY_STATUS] = { 0x0422, 1, "ms_availability_status" },
	[TLV_NETWORK_ERROR_CODE] = { 0x0423, 3, "network_error_code" },
	[TLV_MESSAGE_PAYLOAD] = { 0x0424, 65535, "message_payload" },
	[TLV_DELIVERY_FAILURE_REASON] = { 0x0425, 1, "delivery_failure_reason" },
	[TLV_MORE_MESSAGES_TO_SEND] = { 0x0426, 1, "more_messages_to_send" },
	[TLV_MESSAGE_STATE] = { 0x0427, 1, "message_state" },
	[TLV_USSD_SERVICE_OP] = { 0x0501, 1, "ussd_service_op" },
	[TLV_ITS_SESSION_INFO] = { 0x1383, 2, "its_session_info" },
};

/* ---- command_status, section 5.1.3, in words ---- */

static const struct {
	uint16_t status;
	const char *text;
} statuses[] = {
	{ 0x00, "no error" },
	{ 0x01, "message length is invalid" },
	{ 0x02, "command length is invalid" },
	{ 0x03, "invalid command id" },
	{ 0x04, "wrong bind state for this command" },
	{ 0x05, "already bound" },
	{ 0x06, "invalid priority flag" },
	{ 0x07, "invalid registered delivery flag" },
	{ 0x08, "system error" },
	{ 0x0a, "invalid source address" },
	{ 0x0b, "invalid destination address" },
	{ 0x0c, "message id is invalid" },
	{ 0x0d, "bind failed" },
	{ 0x0e, "invalid password" },
	{ 0x0f, "invalid system id" },
	{ 0x11, "cancel failed" },
	{ 0x13, "replace failed" },
	{ 0x14, "message queue full" },
	{ 0x15, "invalid service type" },
	{ 0x33, "invalid number of destinations" },
	{ 0x34, "invalid distribution list name" },
	{ 0x40, "invalid destination flag" },
	{ 0x42, "invalid submit with replace" },
	{ 0x43, "invalid esm_class" },
	{ 0x44, "cannot submit to distribution list" },
	{ 0x45, "submit failed" },
	{ 0x48, "invalid source TON" },
	{ 0x49, "invalid source NPI" },
	{ 0x50, "invalid destination TON" },
	{ 0x51, "invalid destination NPI" },
	{ 0x53, "invalid system type" },
	{ 0x54, "invalid replace_if_present flag" },
	{ 0x55, "invalid number of messages" },
	{ 0x58, "throttled: allowed message rate exceeded" },
	{ 0x61, "invalid scheduled delivery time" },
	{ 0x62, "invalid validity period" },
	{ 0x63, "predefined message invalid or not found" },
	{ 0x64, "receiver: temporary application error" },
	{ 0x65, "receiver: permanent application error" },
	{ 0x66, "receiver: message rejected" },
	{ 0x67, "query failed" },
	{ 0xc0, "error in the optional part" },
	{ 0xc1, "optional parameter not allowed" },
	{ 0xc2, "invalid parameter length" },
	{ 0xc3, "expected optional parameter missing" },
	{ 0xc4, "invalid optional parameter value" },
	{ 0xfe, "delivery failure" },
	{ 0xff, "unknown error" },
};

enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };

static const struct command *command_find(uint32_t id)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (commands[i].id == id)
			return &commands[i];
	}
	return NULL;
}

/* ---- decoding ---- */

enum pdu_result pdu_frame(const void *bytes, size_t len, struct pdu_header *header)
{
	struct reader r = reader_of(bytes, len);
	uint32_t command_length;

	if (len < 4)
		return PDU_MORE;
	command_length = reader_u32(&r);
	if (len >= PDU_HEADER) {
		header->command_length = command_length;
		header->command_id = reader_u32(&r);
		header->command_status = reader_u32(&r);
		header->sequence_number = reader_u32(&r);
	}
	if (command_length < PDU_HEADER || command_length > PDU_MAX)
		return len < PDU_HEADER ? PDU_MORE : PDU_BAD;
	return len < command_length ? PDU_MORE : PDU_OK;
}

/* A string whose NUL is missing ends with the PDU, and one past the end is empty: only responses,
 * which consist of nothing else, are forgiven that. */
static bool read_text(struct reader *r, bool lenient, struct octets *text)
{
	const uint8_t *nul = memchr(r->p, 0, r->left);

	if (!nul && !lenient)
		return false;
	text->p = r->p;
	text->len = nul ? (size_t)(nul - r->p) : r->left;
	return reader_take(r, nul ? text->len + 1 : text->len) != NULL;
}

static bool read_field(struct reader *r, const struct field *f, bool lenient, struct pdu *pdu)
{
	void *at = (char *)pdu + f->at;
	struct octets *body = at;

	switch (f->kind) {
	case FIELD_U8:
		*(uint8_t *)at = reader_u8(r);
		return !r->bad;
	case FIELD_TEXT:
		return read_text(r, lenient, at);
	case FIELD_BODY:
		body->len = reader_u8(r);
		body->p = reader_take(r, body->len);
		return body->p != NULL;
	}
	return false;
}

static void keep_tlv(uint16_t tag, struct octets value, struct pdu *pdu)
{
	for (unsigned i = 0; i < TLV_COUNT; i++) {
		if (tlvs[i].tag == tag && !pdu->tlv[i].p)
			pdu->tlv[i] = value;
	}
}

static void read_tlvs(struct reader *r, struct pdu *pdu)
{
	while (r->left >= 4) {
		uint16_t tag = reader_u16(r);
		struct octets value = { .len = reader_u16(r) };

		value.p = reader_take(r, value.len);
		if (!value.p)
			break;
		keep_tlv(tag, value, pdu);
	}
	pdu->tail_bad = r->bad || r->left > 0;
}

enum pdu_result pdu_decode(const void *bytes, size_t len, struct pdu *pdu)
{
	struct reader r = reader_of(bytes, len);
	struct pdu got = { 0 };
	const struct command *command;
	bool response;

	if (len < PDU_HEADER || reader_u32(&r) != len)
		return PDU_BAD;
	got.command_id = reader_u32(&r);
	got.command_status = reader_u32(&r);
	got.sequence_number = reader_u32(&r);
	command = command_find(got.command_id);
	if (!command)
		return PDU_BAD;
	response = got.command_id & PDU_RESPONSE;
	for (size_t i = 0; i < command->count; i++) {
		if (!read_field(&r, &command->fields[i], response, &got))
			return PDU_BAD;
	}
	read_tlvs(&r, &got);
	*pdu = got;
	return PDU_OK;
}

/* ---- encoding ---- */

static bool put_field(struct buf *out, const struct field *f, const struct pdu *pdu)
{
	const void *at = (const char *)pdu + f->at;
	const struct octets *value = at;

	if (f->kind == FIELD_U8) {
		buf_put_u8(out, *(const uint8_t *)at);
		return true;
	}
	if (value->len + (f->kind == FIELD_TEXT) > f->max)
		return false;
	if (f->kind == FIELD_BODY)
		buf_put_u8(out, (uint8_t)value->len);
	buf_put(out, value->p, value->len);
	if (f->kind == FIELD_TEXT)
		buf_put_u8(out, 0);
	return true;
}

static bool put_tlvs(struct buf *out, const struct pdu *pdu)
{
	for (unsigned i = 0; i < TLV_COUNT; i++) {
		const struct octets *value = &pdu->tlv[i];

		if (!value->p)
			continue;
		if (value->len > tlvs[i].max)
			return false;
		buf_put_u16(out, tlvs[i].tag);
		buf_put_u16(out, (uint16_t)value->len);
		buf_put(out, value->p, value->len);
	}
	return true;
}

static bool put_parts(struct buf *out, const struct command *command, const struct pdu *pdu)
{
	buf_put_u32(out, 0); /* command_length, known at the end */
	buf_put_u32(out, pdu->command_id);
	buf_put_u32(out, pdu->command_status);
	buf_put_u32(out, pdu->sequence_number);
	for (size_t i = 0; i < command->count; i++) {
		if (!put_field(out, &command->fields[i], pdu))
			return false;
	}
	return put_tlvs(out, pdu);
}

bool pdu_encode(const struct pdu *pdu, struct buf *out)
{
	const struct command *command = command_find(pdu->command_id);
	size_t start = out->len, len;

	if (!command)
		return false;
	if (!put_parts(out, command, pdu) || out->len - start > PDU_MAX) {
		out->len = start;
		return false;
	}
	len = out->len - start;
	for (unsigned i = 0; i < 4; i++)
		out->data[start + i] = (uint8_t)(len >> (24 - 8 * i));
	return true;
}

/* ---- names and small helpers ---- */

bool pdu_command_known(uint32_t command_id)
{
	return command_find(command_id) != NULL;
}

const char *pdu_command_name(uint32_t command_id)
{
	const struct command *command = command_find(command_id);

	return command ? command->name : "unknown command";
}

const char *pdu_status_text(uint32_t status)
{
	for (unsigned i = 0; i < STATUSES; i++) {
		if (statuses[i].status == status)
			return statuses[i].text;
	}
	return status >= 0x400 && status <= 0x4ff ? "carrier's own error" : "unlisted error";
}

const char *pdu_tlv_name(enum pdu_tlv tlv)
{
	return tlvs[tlv].name;
}

bool pdu_tlv_number(const struct pdu *pdu, enum pdu_tlv tlv, uint32_t *value)
{
	struct octets o = pdu->tlv[tlv];
	uint32_t v = 0;

	if (!o.p || o.len == 0 || o.len > 4)
		return false;
	for (size_t i = 0; i < o.len; i++)
		v = v << 8 | o.p[i];
	*value = v;
	return true;
}

struct octets pdu_body(const struct pdu *pdu)
{
	struct octets payload = pdu->tlv[TLV_MESSAGE_PAYLOAD];

	return payload.p && payload.len > pdu->short_message.len ? payload : pdu->short_message;
}

struct octets octets_of(const char *text)
{
	return (struct octets){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

void octets_text(struct octets from, char *out, size_t size)
{
	const uint8_t *nul = from.len ? memchr(from.p, 0, from.len) : NULL;
	size_t len = nul ? (size_t)(nul - from.p) : from.len;

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(out, from.p, len);
	out[len] = '\0';
}
