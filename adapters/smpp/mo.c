/* From the phone: deliver_sm and data_sm become deliveries or receipts, and are answered when, and
 * only when, the daemon says that their bytes are durable. */
#include "adapters/smpp/smpp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/charset.h"

/* ---- data_coding ---- */

/* SMPP 3.4 section 5.2.19. Codings without a reader of their own are tried as 8-bit text. */
static const uint8_t smpp_codings[16] = {
	[0x0] = ALPHABET_GSM7,   [0x1] = ALPHABET_ASCII,  [0x2] = ALPHABET_BINARY,
	[0x3] = ALPHABET_LATIN1, [0x4] = ALPHABET_BINARY, [0x5] = ALPHABET_BINARY,
	[0x6] = ALPHABET_BINARY, [0x7] = ALPHABET_BINARY, [0x8] = ALPHABET_UTF16,
	[0x9] = ALPHABET_BINARY, [0xa] = ALPHABET_BINARY, [0xb] = ALPHABET_BINARY,
	[0xc] = ALPHABET_BINARY, [0xd] = ALPHABET_BINARY, [0xe] = ALPHABET_BINARY,
	/* What USSD centres send: "language unspecified" of the cell broadcast scheme. */
	[0xf] = ALPHABET_GSM7,
};

/* Bits 3 and 2 of the general group, 23.038 section 4; 3 is reserved and read as the default. */
static const uint8_t general_codings[4] = { ALPHABET_GSM7, ALPHABET_BINARY, ALPHABET_UTF16,
	                                    ALPHABET_GSM7 };

enum alphabet mo_alphabet(uint8_t data_coding, enum alphabet dcs0)
{
	if (data_coding == 0)
		return dcs0;
	if (data_coding < 0x10)
		return smpp_codings[data_coding];
	if (data_coding < 0x80)
		return general_codings[data_coding >> 2 & 3];
	if (data_coding >= 0xf0) /* data coding and message class: bit 2 is 8-bit */
		return data_coding & 0x04 ? ALPHABET_BINARY : ALPHABET_GSM7;
	if (data_coding >= 0xe0) /* message waiting, stored, UCS-2 */
		return ALPHABET_UTF16;
	return data_coding >= 0xc0 ? ALPHABET_GSM7 : ALPHABET_BINARY;
}

/* ---- deliveries ---- */

/* A peer that fills both bodies against section 5.3.2.32 still means one text: the longer. */
static struct octets body_of(const struct pdu *pdu)
{
	struct octets payload = pdu->tlv[TLV_MESSAGE_PAYLOAD];

	return payload.p && payload.len > pdu->short_message.len ? payload : pdu->short_message;
}

static void read_udh(struct octets *body, struct inbound *in)
{
	struct charset_udh udh;

	if (!charset_udh_read(body->p, body->len, &udh))
		return;
	body->p += udh.body_at;
	body->len -= udh.body_at;
	in->part_ref = udh.ref;
	in->part_ref_bits = udh.ref_bits;
	in->part_total = udh.total;
	in->part_seq = udh.seq;
}

static void read_sar(const struct pdu *pdu, struct inbound *in)
{
	uint32_t ref, total, seq;

	if (!pdu_tlv_number(pdu, TLV_SAR_MSG_REF_NUM, &ref) ||
	    !pdu_tlv_number(pdu, TLV_SAR_TOTAL_SEGMENTS, &total) ||
	    !pdu_tlv_number(pdu, TLV_SAR_SEGMENT_SEQNUM, &seq))
		return;
	if (total > 255 || seq == 0 || seq > total)
		return;
	in->part_ref = (uint16_t)ref;
	in->part_ref_bits = 16;
	in->part_total = (uint8_t)total;
	in->part_seq = (uint8_t)seq;
}

static void name_link(const struct smpp_conf *conf, struct inbound *in)
{
	*in = (struct inbound){ .adapter = "smpp", .channel = CHANNEL_SMS };
	snprintf(in->link, sizeof(in->link), "%s", conf->name);
	snprintf(in->carrier, sizeof(in->carrier), "%s", conf->carrier);
}

bool mo_read(const struct pdu *pdu, const struct smpp_conf *conf, struct inbound *in)
{
	struct octets body = body_of(pdu);

	if (pdu->tail_bad && body.len == 0)
		return false; /* the text may well be in what could not be read */
	name_link(conf, in);
	if (pdu->tlv[TLV_USSD_SERVICE_OP].p)
		in->channel = CHANNEL_USSD;
	inbound_address(pdu->source_addr.p, pdu->source_addr.len, in->source, sizeof(in->source));
	inbound_address(pdu->destination_addr.p, pdu->destination_addr.len, in->dest, sizeof(in->dest));
	in->source_ton = pdu->source_addr_ton;
	in->source_npi = pdu->source_addr_npi;
	in->dest_ton = pdu->dest_addr_ton;
	in->dest_npi = pdu->dest_addr_npi;
	in->esm_class = pdu->esm_class;
	in->data_coding = pdu->data_coding;
	in->alphabet = mo_alphabet(pdu->data_coding, conf->dcs0);
	if (pdu->esm_class & ESM_UDHI)
		read_udh(&body, in);
	if (in->part_ref_bits == 0)
		read_sar(pdu, in);
	in->body = (uint8_t *)body.p;
	in->body_len = (uint32_t)body.len;
	return true;
}

/* ---- receipts ---- */

bool mo_is_receipt(const struct pdu *pdu)
{
	uint8_t type = pdu->esm_class & ESM_TYPE_MASK;

	/* By type only: a child may well write "id:". */
	return type == ESM_TYPE_RECEIPT || type == ESM_TYPE_INTERMEDIATE;
}

enum { RECEIPT_STATES = 10 };

/* message_state, section 5.2.28. A state that says nothing certain is never taken for an end. */
static const struct {
	const char *word; /* of the receipt text, appendix B */
	int status;
} receipt_states[RECEIPT_STATES] = {
	[0] = { "SCHEDLD", RECEIPT_INTERMEDIATE }, [1] = { "ENROUTE", RECEIPT_INTERMEDIATE },
	[2] = { "DELIVRD", RECEIPT_DELIVERED },    [3] = { "EXPIRED", RECEIPT_EXPIRED },
	[4] = { "DELETED", RECEIPT_FAILED },       [5] = { "UNDELIV", RECEIPT_FAILED },
	[6] = { "ACCEPTD", RECEIPT_INTERMEDIATE }, [7] = { "UNKNOWN", RECEIPT_INTERMEDIATE },
	[8] = { "REJECTD", RECEIPT_FAILED },       [9] = { "SKIPPED", RECEIPT_FAILED },
};

/* The value behind "key:" in any letter case, at the start or after a space, up to the next space.
 * */
static bool text_value(const char *text, const char *key, char *out, size_t size)
{
	size_t key_len = strlen(key), len;
	const char *at = text;

	for (; at; at = strchr(at, ' ')) {
		at += strspn(at, " ");
		if (strncasecmp(at, key, key_len) == 0)
			break;
	}
	if (!at)
		return false;
	at += key_len;
	len = strcspn(at, " \r\n\t");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

static int status_of_text(const char *text)
{
	char word[16];

	if (!text_value(text, "stat:", word, sizeof(word)))
		return RECEIPT_INTERMEDIATE;
	for (unsigned i = 0; i < RECEIPT_STATES; i++) {
		/* Some carriers write the words out: DELIVERED, UNDELIVERABLE, REJECTED. */
		if (strncasecmp(word, receipt_states[i].word, 5) == 0)
			return receipt_states[i].status;
	}
	return RECEIPT_INTERMEDIATE;
}

bool mo_read_receipt(const struct pdu *pdu, enum alphabet dcs0, struct receipt *receipt)
{
	struct receipt got = { .status = RECEIPT_INTERMEDIATE };
	struct octets body = body_of(pdu);
	struct buf text = { 0 };
	bool named = true;
	uint32_t state;

	charset_to_utf8(mo_alphabet(pdu->data_coding, dcs0), body.p, body.len, &text);
	octets_text(pdu->tlv[TLV_RECEIPTED_MESSAGE_ID], got.provider_ref, sizeof(got.provider_ref));
	if (!got.provider_ref[0])
		named = text_value(buf_cstr(&text), "id:", got.provider_ref, sizeof(got.provider_ref));
	if (pdu_tlv_number(pdu, TLV_MESSAGE_STATE, &state) && state < RECEIPT_STATES)
		got.status = receipt_states[state].status;
	else
		got.status = status_of_text(buf_cstr(&text));
	if ((pdu->esm_class & ESM_TYPE_MASK) == ESM_TYPE_INTERMEDIATE)
		got.status = RECEIPT_INTERMEDIATE;
	buf_free(&text);
	if (named)
		*receipt = got;
	return named;
}

/* ---- answers ---- */

static void owed_unlink(struct owed *owed)
{
	*owed->prev = owed->next;
	if (owed->next)
		owed->next->prev = owed->prev;
}

/* received_fn of every delivery: the promise is kept here. */
static void on_received(void *arg, bool ok)
{
	struct owed *owed = arg;
	struct link *link = owed->link;

	if (!link) {
		mem_free(owed);
		return;
	}
	link_enter(link);
	owed_unlink(owed);
	if (owed->generation == link->generation) {
		link->owed_count--;
		link_respond(link, owed->command_id, ok ? ESME_ROK : link->conf.refusal,
		             owed->sequence_number);
		link_check_drained(link);
	}
	mem_free(owed);
	link_leave(link);
}

static struct owed *owe(struct link *link, const struct pdu_header *header)
{
	struct owed *owed = mem_alloc(sizeof(*owed));

	owed->link = link;
	owed->generation = link->generation;
	owed->command_id = header->command_id;
	owed->sequence_number = header->sequence_number;
	owed->next = link->owed;
	owed->prev = &link->owed;
	if (owed->next)
		owed->next->prev = &owed->next;
	link->owed = owed;
	link->owed_count++;
	return owed;
}

void mo_forget(struct link *link)
{
	for (struct owed *owed = link->owed; owed; owed = owed->next)
		owed->link = NULL;
	link->owed = NULL;
}

static void hand_over(struct link *link, const struct pdu_header *header, const struct inbound *in)
{
	link->host->inbound(link->host->ctx, in, on_received, owe(link, header));
}

/* Whole, for a human. The sequence number is blanked: a repeat must have the same bytes. */
static void hand_over_raw(struct link *link, const struct pdu_header *header, const uint8_t *bytes)
{
	struct inbound in;
	uint8_t *copy = mem_dup(bytes, header->command_length);

	log_warn(link->conf.name, "undecodable command=%s length=%u: filed as it is",
	         pdu_command_name(header->command_id), (unsigned)header->command_length);
	memset(copy + PDU_HEADER - 4, 0, 4);
	name_link(&link->conf, &in);
	in.alphabet = ALPHABET_PDU;
	in.body = copy;
	in.body_len = header->command_length;
	if (in.body_len > INBOUND_BODY_MAX)
		in.body_len = INBOUND_BODY_MAX;
	hand_over(link, header, &in);
	mem_free(copy);
}

static void take_receipt(struct link *link, const struct pdu_header *header, const struct pdu *pdu)
{
	struct receipt receipt;

	link_respond(link, header->command_id, ESME_ROK, header->sequence_number);
	if (mo_read_receipt(pdu, link->conf.dcs0, &receipt))
		link->host->receipt(link->host->ctx, link->conf.name, &receipt);
	else
		log_warn(link->conf.name, "receipt names no message: dropped");
}

void mo_deliver(struct link *link, const struct pdu_header *header, const uint8_t *bytes)
{
	bool welcome = link->state == SMPP_BOUND || link->state == SMPP_BINDING;
	enum pdu_result result;
	struct inbound in;
	struct pdu pdu;

	result = pdu_decode(bytes, header->command_length, &pdu);
	if (result == PDU_OK && mo_is_receipt(&pdu)) {
		take_receipt(link, header, &pdu);
		return;
	}
	if (!welcome || link->owed_count >= SMPP_OWED_MAX) {
		link_respond(link, header->command_id, link->conf.refusal, header->sequence_number);
		return;
	}
	if (result == PDU_OK && mo_read(&pdu, &link->conf, &in))
		hand_over(link, header, &in);
	else
		hand_over_raw(link, header, bytes);
}
