/* Delivery receipts: optional parameters where the carrier sends them, the text of appendix B of SMPP
 * 3.4 where it does not. */
#include "adapters/smpp/smpp.h"

#include <string.h>
#include <strings.h>

#include "core/charset.h"

bool receipt_is(const struct pdu *pdu)
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

bool receipt_read(const struct pdu *pdu, const struct smpp_conf *conf, struct receipt *receipt)
{
	struct receipt got = { .status = RECEIPT_INTERMEDIATE };
	char ref[SMPP_ID_MAX];
	struct octets body = pdu_body(pdu);
	struct buf text = { 0 };
	bool named = true;
	uint32_t state;

	charset_to_utf8(mo_alphabet(pdu->data_coding, conf), body.p, body.len, &text);
	octets_text(pdu->tlv[TLV_RECEIPTED_MESSAGE_ID], ref, sizeof(ref));
	if (!ref[0])
		named = text_value(buf_cstr(&text), "id:", ref, sizeof(ref));
	if (pdu_tlv_number(pdu, TLV_MESSAGE_STATE, &state) && state < RECEIPT_STATES)
		got.status = receipt_states[state].status;
	else
		got.status = status_of_text(buf_cstr(&text));
	if ((pdu->esm_class & ESM_TYPE_MASK) == ESM_TYPE_INTERMEDIATE)
		got.status = RECEIPT_INTERMEDIATE;
	buf_free(&text);
	if (!named)
		return false;
	ref_canonical(ref, (enum ref_base)conf->receipt_base, got.provider_ref);
	*receipt = got;
	return true;
}

