/* From the phone: deliver_sm and data_sm become deliveries or receipts, and are answered when, and
 * only when, the daemon says that their bytes are durable. */
#include "adapters/smpp/smpp.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
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

static enum alphabet coding_of(uint8_t data_coding)
{
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

enum alphabet mo_alphabet(uint8_t data_coding, const struct smpp_conf *conf)
{
	enum alphabet alphabet = data_coding == 0 ? (enum alphabet)conf->dcs0 : coding_of(data_coding);

	return alphabet == ALPHABET_BINARY ? (enum alphabet)conf->dcs8 : alphabet;
}

/* ---- deliveries ---- */

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
	if (in->alphabet == ALPHABET_GSM7)
		in->alphabet = charset_national(udh.locking, udh.single);
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
	struct octets body = pdu_body(pdu);

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
	in->alphabet = mo_alphabet(pdu->data_coding, conf);
	if (pdu->esm_class & ESM_UDHI)
		read_udh(&body, in);
	if (in->part_ref_bits == 0)
		read_sar(pdu, in);
	in->body = (uint8_t *)body.p;
	in->body_len = (uint32_t)body.len;
	return true;
}

/* ---- answers ---- */

static void owed_unlink(struct owed *owed)
{
	*owed->prev = owed->next;
	if (owed->next)
		owed->next->prev = owed->prev;
}

/* First the carrier is asked to come again, then it finds nobody reading, then nobody bound: one of
 * these it will understand. */
static void refuse(struct smpp_bind *b, const struct owed *owed)
{
	const struct smpp_conf *c = &b->link->conf;
	int64_t now_ms = loop_now_ms(b->link->host->loop);

	bind_respond(b, owed->command_id, (uint32_t)c->refusal, owed->sequence_number);
	b->link->status.refused++;
	if (b->refusing_since_ms == 0)
		b->refusing_since_ms = b->paused_at_ms = now_ms;
	if (b->state != SMPP_BOUND)
		return;
	if (c->refusal_unbind_ms && now_ms - b->refusing_since_ms >= c->refusal_unbind_ms) {
		link_failed(b->link, "%s: deliveries cannot be kept: leaving the carrier for a while",
		            b->subject);
		b->refused = true; /* the longer wait */
		bind_stop(b, SMPP_WAITING);
	} else if (c->refusal_pause_ms && now_ms - b->paused_at_ms >= c->refusal_pause_ms) {
		link_failed(b->link, "%s: deliveries cannot be kept: reading nothing for_ms=%lld",
		            b->subject, (long long)c->refusal_pause_ms);
		b->paused_at_ms = now_ms + c->refusal_pause_ms;
		bind_pause_reading(b, c->refusal_pause_ms);
	}
}

static void answer(struct smpp_bind *b, const struct owed *owed, bool ok)
{
	if (owed->generation != b->generation)
		return;
	b->owed_count--;
	if (ok) {
		b->refusing_since_ms = 0;
		bind_respond(b, owed->command_id, ESME_ROK, owed->sequence_number);
	} else {
		refuse(b, owed);
	}
	bind_check_drained(b);
}

/* received_fn of every delivery: the promise is kept here. */
void mo_received(void *arg, bool ok)
{
	struct owed *owed = arg;
	struct smpp_bind *b = owed->bind;
	struct link *link;

	if (!b) {
		mem_free(owed);
		return;
	}
	link = b->link;
	link_enter(link);
	owed_unlink(owed);
	answer(b, owed, ok);
	mem_free(owed);
	link_leave(link);
}

struct owed *mo_owe(struct smpp_bind *b, const struct pdu_header *header)
{
	struct owed *owed = mem_alloc(sizeof(*owed));

	owed->bind = b;
	owed->generation = b->generation;
	owed->command_id = header->command_id;
	owed->sequence_number = header->sequence_number;
	owed->next = b->owed;
	owed->prev = &b->owed;
	if (owed->next)
		owed->next->prev = &owed->next;
	b->owed = owed;
	b->owed_count++;
	return owed;
}

void mo_forget(struct smpp_bind *b)
{
	for (struct owed *owed = b->owed; owed; owed = owed->next)
		owed->bind = NULL;
	b->owed = NULL;
}

static void hand_over(struct smpp_bind *b, const struct pdu_header *header,
                      const struct inbound *in)
{
	const struct adapter_host *host = b->link->host;

	host->inbound(host->ctx, in, mo_received, mo_owe(b, header));
}

/* Whole, for a human. The sequence number is blanked: a repeat must have the same bytes. */
static void hand_over_raw(struct smpp_bind *b, const struct pdu_header *header,
                          const uint8_t *bytes)
{
	struct inbound in;
	uint8_t *copy = mem_dup(bytes, header->command_length);

	log_warn(b->subject, "undecodable command=%s length=%u: filed as it is",
	         pdu_command_name(header->command_id), (unsigned)header->command_length);
	b->link->status.undecodable++;
	memset(copy + PDU_HEADER - 4, 0, 4);
	name_link(&b->link->conf, &in);
	in.alphabet = ALPHABET_PDU;
	in.body = copy;
	in.body_len = header->command_length;
	if (in.body_len > INBOUND_BODY_MAX)
		in.body_len = INBOUND_BODY_MAX;
	hand_over(b, header, &in);
	mem_free(copy);
}

/* ---- receipts ---- */

static void take_receipt(struct link *link, struct receipt *receipt)
{
	bool by_number = link->conf.submit_base == REF_AUTO && link->conf.receipt_base == REF_AUTO;

	link->status.receipts++;
	if (!refs_find(&link->refs, receipt->provider_ref, by_number, receipt->status))
		link->status.receipts_unmatched++;
	link->host->receipt(link->host->ctx, link->conf.name, receipt);
}

void mo_deliver(struct smpp_bind *b, const struct pdu_header *header, const uint8_t *bytes)
{
	struct link *link = b->link;
	bool welcome = b->state == SMPP_BOUND || b->state == SMPP_BINDING;
	enum pdu_result result;
	struct receipt receipt;
	struct inbound in;
	struct pdu pdu;

	result = pdu_decode(bytes, header->command_length, &pdu);
	if (result == PDU_OK && receipt_is(&pdu) && receipt_read(&pdu, &link->conf, &receipt)) {
		bind_respond(b, header->command_id, ESME_ROK, header->sequence_number);
		take_receipt(link, &receipt);
		return;
	}
	link->status.deliveries++;
	link->status.last_in_us = loop_wall_us(link->host->loop);
	if (!welcome || b->owed_count >= SMPP_OWED_MAX) {
		link->status.refused++;
		bind_respond(b, header->command_id, (uint32_t)link->conf.refusal, header->sequence_number);
		return;
	}
	/* What calls itself a receipt and names no message may be a text with a wrong label: a person
	 * decides. Answering it as a text could go on for ever with a machine. */
	if (result == PDU_OK && smpp_ussd_is(link, &pdu))
		smpp_ussd_hear(b, header, &pdu);
	else if (result == PDU_OK && !receipt_is(&pdu) && mo_read(&pdu, &link->conf, &in))
		hand_over(b, header, &in);
	else
		hand_over_raw(b, header, bytes);
}
