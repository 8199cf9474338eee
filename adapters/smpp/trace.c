/* Masked PDUs. */
#include "adapters/smpp/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapters/smpp/pdu.h"
#include "core/number.h"

struct line {
	char *out;
	size_t used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
	size_t left = TRACE_LINE_MAX - line->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->out + line->used, left, format, args);
	va_end(args);
	if (n > 0)
		line->used += (size_t)n < left ? (size_t)n : left - 1;
}

/* "1/1/..78(11)": type, plan, two last digits, length. */
static void add_address(struct line *line, const char *name, uint8_t ton, uint8_t npi,
                        struct octets address)
{
	char text[80], mask[NUMBER_MASK_MAX];

	octets_text(address, text, sizeof(text));
	number_mask(text, mask);
	/* A short code is a service, not a person. */
	add(line, " %s=%u/%u/%s(%zu)", name, ton, npi, address.len < 7 ? "" : mask, address.len);
	if (address.len < 7 && address.len > 0 && strspn(text, "0123456789") == strlen(text))
		add(line, "%s", text);
}

static void add_id(struct line *line, const char *name, struct octets id)
{
	char text[70];

	octets_text(id, text, sizeof(text));
	for (char *p = text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	add(line, " %s=%s", name, text);
}

static void add_text_fields(struct line *line, const struct pdu *pdu)
{
	add_address(line, "source", pdu->source_addr_ton, pdu->source_addr_npi, pdu->source_addr);
	add_address(line, "dest", pdu->dest_addr_ton, pdu->dest_addr_npi, pdu->destination_addr);
	add(line, " esm_class=0x%02x data_coding=0x%02x registered_delivery=%u short_message=(%zu)",
	    pdu->esm_class, pdu->data_coding, pdu->registered_delivery, pdu->short_message.len);
}

static void add_tlvs(struct line *line, const struct pdu *pdu)
{
	for (unsigned i = 0; i < TLV_COUNT; i++) {
		uint32_t number;

		if (!pdu->tlv[i].p)
			continue;
		if (i == TLV_RECEIPTED_MESSAGE_ID)
			add_id(line, pdu_tlv_name(i), pdu->tlv[i]);
		else if (i != TLV_MESSAGE_PAYLOAD && pdu_tlv_number(pdu, i, &number))
			add(line, " %s=%u", pdu_tlv_name(i), (unsigned)number);
		else
			add(line, " %s=(%zu)", pdu_tlv_name(i), pdu->tlv[i].len);
	}
	if (pdu->tail_bad)
		add(line, " octets behind the last field make no sense");
}

static void add_fields(struct line *line, const struct pdu *pdu)
{
	switch (pdu->command_id) {
	case PDU_SUBMIT_SM:
	case PDU_DELIVER_SM:
	case PDU_DATA_SM:
		add_text_fields(line, pdu);
		break;
	case PDU_SUBMIT_SM | PDU_RESPONSE:
	case PDU_DATA_SM | PDU_RESPONSE:
		add_id(line, "message_id", pdu->message_id);
		break;
	case PDU_BIND_TRANSCEIVER:
	case PDU_BIND_RECEIVER:
	case PDU_BIND_TRANSMITTER:
		add_id(line, "system_id", pdu->system_id);
		add_id(line, "system_type", pdu->system_type);
		add(line, " interface_version=0x%02x password=(%zu)", pdu->interface_version,
		    pdu->password.len);
		break;
	default:
		break;
	}
	add_tlvs(line, pdu);
}

void trace_line(const uint8_t *bytes, size_t len, char out[TRACE_LINE_MAX])
{
	struct line line = { out, 0 };
	struct pdu_header header = { 0 };
	struct pdu pdu;

	out[0] = '\0';
	pdu_frame(bytes, len, &header);
	add(&line, "%s", pdu_command_name(header.command_id));
	if (!pdu_command_known(header.command_id))
		add(&line, " id=0x%08x", (unsigned)header.command_id);
	add(&line, " sequence=%u length=%zu", (unsigned)header.sequence_number, len);
	if (header.command_id & PDU_RESPONSE)
		add(&line, " status=0x%x (%s)", (unsigned)header.command_status,
		    pdu_status_text(header.command_status));
	if (pdu_decode(bytes, len, &pdu) == PDU_OK)
		add_fields(&line, &pdu);
	else
		add(&line, " cannot be decoded");
}
