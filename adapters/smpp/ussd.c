/* USSD over SMPP: deliver_sm with a ussd_service_op become turns, screens become submit_sm or data_sm, as the link's
 * dialect says. */
#include "adapters/smpp/smpp.h"

#include <stdio.h>
#include <string.h>

#include "adapters/ussd.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/charset.h"

enum { SESSION_NAME_MAX = INBOUND_ADDRESS_MAX + 16, TON_INTERNATIONAL = 1 };

/* What of a request goes back with its screen. */
struct asked {
	struct link *link; /* borrowed: outlives its sessions */
	char phone[INBOUND_ADDRESS_MAX], code[INBOUND_ADDRESS_MAX]; /* as the carrier wrote them */
	uint8_t phone_ton, phone_npi, code_ton, code_npi;
	bool has_info, has_ref;
	uint16_t info, ref; /* its_session_info, user_message_reference */
	bool last;          /* the phone said its last word: nothing is shown */
};

/* ---- screens ---- */

static void put_u16(uint8_t out[2], unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

/* SMPP 3.4 section 5.3.2.43: session number, seven bits of a count, one bit that ends. */
static unsigned answering_info(const struct asked *a, const struct dialect *d, bool more)
{
	unsigned info = a->info;

	if (d->session == DIALECT_SESSION_NUMBER)
		info = (info & 0xff00) | ((info + 2) & 0xfe);
	return d->end_bit ? (info & 0xfffe) | !more : info;
}

static void put_text(struct pdu *pdu, const struct dialect *d, const struct charset_parts *screen)
{
	struct octets text = { screen->octets.data ? screen->octets.data : (const uint8_t *)"",
		               screen->octets.len };

	pdu->data_coding = screen->ucs2 ? d->dcs_ucs2 : d->dcs_gsm;
	if (d->body == DIALECT_SHORT_MESSAGE)
		pdu->short_message = text;
	else
		pdu->tlv[TLV_MESSAGE_PAYLOAD] = text;
}

static void send_screen(const struct asked *a, const char *text, bool more)
{
	struct link *link = a->link;
	const struct dialect *d = &link->conf.dialect;
	uint8_t op = more ? d->more : d->last, info[2], ref[2];
	struct pdu pdu = { .command_id = d->body == DIALECT_DATA_SM ? PDU_DATA_SM : PDU_SUBMIT_SM };
	struct charset_parts screen;

	charset_screen(text, (size_t)d->septets, (size_t)d->units, &screen);
	if (screen.cut)
		log_warn(link->conf.name, "a screen is longer than this carrier shows: its end was left out");
	put_text(&pdu, d, &screen);
	pdu.service_type = octets_of(d->service_type[0] ? d->service_type : link->conf.service_type);
	pdu.source_addr = octets_of(a->code);
	pdu.source_addr_ton = a->code_ton;
	pdu.source_addr_npi = a->code_npi;
	pdu.destination_addr = octets_of(a->phone);
	pdu.dest_addr_ton = a->phone_ton;
	pdu.dest_addr_npi = a->phone_npi;
	pdu.tlv[TLV_USSD_SERVICE_OP] = (struct octets){ &op, 1 };
	put_u16(info, answering_info(a, d, more));
	put_u16(ref, a->ref);
	if (a->has_info)
		pdu.tlv[TLV_ITS_SESSION_INFO] = (struct octets){ info, sizeof(info) };
	if (a->has_ref)
		pdu.tlv[TLV_USER_MESSAGE_REFERENCE] = (struct octets){ ref, sizeof(ref) };
	mt_screen(link, &pdu);
	charset_parts_free(&screen);
}

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	struct asked *a = arg;

	if (fate == USSD_SCREEN && !a->last && !a->link->dead)
		send_screen(a, text, more);
	mem_free(a);
}

static void on_end(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	(void)arg;
	(void)fate;
	(void)text;
	(void)more;
}

/* ---- reading ---- */

static char *text_of(const struct pdu *pdu, const struct smpp_conf *conf)
{
	struct octets body = pdu_body(pdu);
	struct buf utf8 = { 0 };
	char *text;

	charset_to_utf8(mo_alphabet(pdu->data_coding, conf), body.p, body.len, &utf8);
	text = mem_strdup(buf_cstr(&utf8));
	buf_free(&utf8);
	return text;
}

static enum ussd_op op_of(const struct dialect *d, uint32_t op, const char *text)
{
	static const enum ussd_op ops[] = {
		[DIALECT_BEGIN] = USSD_BEGIN, [DIALECT_CONTINUE] = USSD_CONTINUE, [DIALECT_END] = USSD_END,
		[DIALECT_ABORT] = USSD_ABORT, [DIALECT_TIMEOUT] = USSD_TIMEOUT, [DIALECT_NOTHING] = USSD_NONE,
	};
	unsigned meaning = d->heard[op & 0xff];

	if (meaning != DIALECT_ANY)
		return ops[meaning];
	return text[0] == '\0' || text[0] == '*' || text[0] == '#' ? USSD_BEGIN : USSD_CONTINUE;
}

static bool is_turn(enum ussd_op op)
{
	return op == USSD_BEGIN || op == USSD_CONTINUE;
}

static void read_asked(struct link *link, const struct pdu *pdu, struct asked *a)
{
	uint32_t number;

	*a = (struct asked){ .link = link, .phone_ton = pdu->source_addr_ton, .phone_npi = pdu->source_addr_npi,
		             .code_ton = pdu->dest_addr_ton, .code_npi = pdu->dest_addr_npi };
	octets_text(pdu->source_addr, a->phone, sizeof(a->phone));
	octets_text(pdu->destination_addr, a->code, sizeof(a->code));
	a->has_info = pdu_tlv_number(pdu, TLV_ITS_SESSION_INFO, &number);
	a->info = a->has_info ? (uint16_t)number : 0;
	a->has_ref = pdu_tlv_number(pdu, TLV_USER_MESSAGE_REFERENCE, &number);
	a->ref = a->has_ref ? (uint16_t)number : 0;
}

/* The sender as the daemon knows it; the type of number must not get lost on the way. */
static void put_sender(const struct asked *a, char out[INBOUND_ADDRESS_MAX])
{
	char plain[INBOUND_ADDRESS_MAX];
	bool digits;

	inbound_address(a->phone, strlen(a->phone), plain, sizeof(plain));
	digits = plain[0] && plain[strspn(plain, "0123456789")] == '\0';
	snprintf(out, INBOUND_ADDRESS_MAX, "%s%.64s", digits && a->phone_ton == TON_INTERNATIONAL ? "+" : "", plain);
}

/* The phone and, where the carrier has one, its name of the session. */
static void put_session(const struct asked *a, const struct dialect *d, char out[SESSION_NAME_MAX])
{
	static const struct {
		unsigned shift;
		bool ref;
	} names[] = {
		[DIALECT_SESSION_INFO] = { 1, false }, [DIALECT_SESSION_NUMBER] = { 8, false },
		[DIALECT_MESSAGE_REFERENCE] = { 0, true }, [DIALECT_SOURCE] = { 16, false },
	};
	unsigned number = names[d->session].ref ? a->ref : (unsigned)a->info >> names[d->session].shift;

	snprintf(out, SESSION_NAME_MAX, "%s/%u", a->phone, number);
}

/* ---- hearing ---- */

bool smpp_ussd_is(const struct link *link, const struct pdu *pdu)
{
	return link->ussd && pdu->tlv[TLV_USSD_SERVICE_OP].p;
}

/* A turn, and its end where the phone says its last word with it. heard->op is the turn's. */
static void hear_turn(struct link *link, const struct asked *got, struct ussd_heard *heard)
{
	struct asked *a = mem_dup(got, sizeof(*got));
	bool last = a->last;

	heard->text_len = strlen(heard->text);
	ussd_hear(link->ussd, heard, on_screen, a); /* a may be gone now */
	if (!last)
		return;
	heard->op = USSD_END;
	heard->to = heard->text = "";
	heard->text_len = 0;
	heard->kept = NULL;
	ussd_hear(link->ussd, heard, on_end, NULL);
}

void smpp_ussd_hear(struct smpp_bind *b, const struct pdu_header *header, const struct pdu *pdu)
{
	struct link *link = b->link;
	const struct dialect *d = &link->conf.dialect;
	char from[INBOUND_ADDRESS_MAX], to[INBOUND_ADDRESS_MAX], session[SESSION_NAME_MAX];
	struct ussd_heard heard = { .session = session, .from = from, .to = to };
	char *text = text_of(pdu, &link->conf);
	uint32_t op = 0;
	struct asked a;

	read_asked(link, pdu, &a);
	put_sender(&a, from);
	put_session(&a, d, session);
	inbound_address(a.code, strlen(a.code), to, sizeof(to));
	pdu_tlv_number(pdu, TLV_USSD_SERVICE_OP, &op);
	heard.op = op_of(d, op, text);
	a.last = d->end_bit && a.has_info && (a.info & 1);
	if (a.last && heard.op == USSD_CONTINUE && !text[0])
		heard.op = USSD_END;
	if (heard.op == USSD_BEGIN)
		ussd_split_code(text, to);
	heard.session_len = strlen(session);
	heard.text = is_turn(heard.op) ? text : "";
	if (heard.op == USSD_NONE) {
		bind_respond(b, header->command_id, ESME_ROK, header->sequence_number);
	} else {
		heard.kept = mo_received;
		heard.kept_arg = mo_owe(b, header);
		if (is_turn(heard.op))
			hear_turn(link, &a, &heard);
		else
			ussd_hear(link->ussd, &heard, on_end, NULL);
	}
	explicit_bzero(text, strlen(text));
	mem_free(text);
}
