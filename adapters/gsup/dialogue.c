/* Dialogues of phones with us: each message of theirs is one USSD turn or the end of them, each screen goes back
 * as one message. What ties a screen to its dialogue travels with the turn, and what ties an answer to the code
 * that opened the dialogue is in its invoke id, so that a dialogue outlives this process. */
#include "adapters/gsup/link.h"

#include <stdio.h>
#include <string.h>

#include "adapters/gsup/component.h"
#include "adapters/gsup/message.h"
#include "adapters/gsup/ussd_string.h"
#include "adapters/ussd.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/number.h"

enum {
	SESSION_NAME_MAX = GSUP_IMSI_MAX + 10,
	TON_INTERNATIONAL = 1 /* bits 7 to 5 of an address octet, 29.002 AddressString */
};

/* A message of a phone on its way to its screen; owned by whoever is to answer next. */
struct gsup_asked {
	struct link *link;
	struct gsup_asked *next, **at;
	char imsi[GSUP_IMSI_MAX];
	uint32_t session_id;
	uint8_t message_class;
	int8_t invoke_id;               /* of the operation that opened the dialogue */
	enum ussd_op op;
	bool last;                      /* the phone said its last word */
	char from[INBOUND_ADDRESS_MAX]; /* number told with the message; "": to be looked up */
	char to[INBOUND_ADDRESS_MAX];   /* code that was dialled; "": not told */
	char *text;                     /* owned; UTF-8 */
};

static void asked_free(struct gsup_asked *a)
{
	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	explicit_bzero(a->text, strlen(a->text));
	mem_free(a->text);
	mem_free(a);
}

/* The operation of our menus has the id after that of the phone's own, and so tells it. */
static int8_t menu_id(int8_t opening)
{
	return (int8_t)((opening + 1) & 0x7f);
}

static int8_t opening_id(int8_t menu)
{
	return (int8_t)((menu - 1) & 0x7f);
}

/* ---- answering ---- */

static void send_component(const struct gsup_asked *a, const struct ss_component *c, enum gsup_state state)
{
	struct gsup_message m = {.type = GSUP_PROC_SS_RESULT, .has_session = true, .session_id = a->session_id,
				 .state = (uint8_t)state, .message_class = a->message_class};
	struct buf component = {0}, body = {0}, frame = {0};

	memcpy(m.imsi, a->imsi, sizeof(m.imsi));
	ss_encode(c, &component);
	m.ss = component.data;
	m.ss_len = component.len;
	if (gsup_encode(&m, &body) && ipa_put_osmo(&frame, IPA_EXT_GSUP, body.data, body.len))
		ipa_client_write(a->link->client, &frame);
	buf_free(&component);
	buf_free(&body);
	buf_free(&frame);
}

static void send_screen(const struct gsup_asked *a, const char *text, bool more)
{
	struct link *link = a->link;
	struct ss_component c = {.kind = more ? SS_INVOKE : SS_RESULT, .has_invoke_id = true, .has_operation = true};
	struct ussd_string string;

	ussd_string_encode(text, (size_t)link->conf.screen_octets, &string);
	if (string.cut)
		log_warn(link->name, "a screen is longer than this network shows: its end was left out");
	c.operation = more ? SS_USS_REQUEST : SS_PROCESS_USS_REQUEST;
	c.invoke_id = more ? menu_id(a->invoke_id) : a->invoke_id;
	c.dcs = string.dcs;
	c.string = string.octets;
	c.string_len = string.len;
	send_component(a, &c, more ? GSUP_CONTINUE : GSUP_END);
	explicit_bzero(&string, sizeof(string));
}

static void on_end_kept(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	(void)arg;
	(void)fate;
	(void)text;
	(void)more;
}

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	struct gsup_asked *a = arg;

	if (fate == USSD_SCREEN && !a->last)
		send_screen(a, text, more);
	asked_free(a);
}

/* ---- hearing ---- */

static bool is_turn(const struct gsup_asked *a)
{
	return a->op == USSD_BEGIN || a->op == USSD_CONTINUE;
}

/* A phone may say its last word and end in one message: both are heard. */
static void hear(struct gsup_asked *a)
{
	struct ussd *ussd = a->link->ussd;
	char session[SESSION_NAME_MAX], from[INBOUND_ADDRESS_MAX];
	struct ussd_heard heard = {.op = a->op, .session = session, .from = from, .to = a->to, .text = a->text};
	struct ussd_heard end = heard;
	bool last = a->last;

	snprintf(session, sizeof(session), "%s/%08lx", a->imsi, (unsigned long)a->session_id);
	memcpy(from, a->from, sizeof(from));
	heard.session_len = end.session_len = strlen(session);
	heard.text_len = strlen(a->text);
	if (is_turn(a)) {
		end.op = USSD_END;
		end.to = "";
		end.text = "";
		ussd_hear(ussd, &heard, on_screen, a); /* a may be gone now */
		if (last)
			ussd_hear(ussd, &end, on_end_kept, NULL);
		return;
	}
	heard.text = "";
	heard.text_len = 0;
	ussd_hear(ussd, &heard, on_end_kept, NULL);
	asked_free(a);
}

static void put_number(struct gsup_asked *a, const char *digits, bool international)
{
	snprintf(a->from, sizeof(a->from), "%s%s", international ? "+" : "", digits);
}

/* Whoever has no number is known by the IMSI: a sender of its own kind, which is never texted. */
static void on_number(void *arg, const char *number)
{
	struct gsup_asked *a = arg;

	if (number[0])
		put_number(a, number, strcmp(a->link->conf.numbers, "international") == 0);
	else
		snprintf(a->from, sizeof(a->from), NUMBER_IMSI_PREFIX "%s", a->imsi);
	hear(a);
}

/* ---- reading ---- */

/* The caller's number, where the network tells it in the component itself. */
static void read_msisdn(struct gsup_asked *a, const struct ss_component *c)
{
	char digits[NUMBERS_DIGITS + 1] = "";
	size_t n = 0;

	for (size_t i = 2; c->msisdn && i < 2 * c->msisdn_len && n < NUMBERS_DIGITS - 1; i++) {
		uint8_t digit = i % 2 ? c->msisdn[i / 2] >> 4 : c->msisdn[i / 2] & 0x0f;

		if (digit > 9)
			break;
		digits[n++] = (char)('0' + digit);
	}
	if (n > 0)
		put_number(a, digits, (c->msisdn[0] >> 4 & 7) == TON_INTERNATIONAL);
}

/* What a component means to a dialogue. operation 0: any, or none. */
static const struct {
	uint8_t kind, operation;
	enum ussd_op op;
} meanings[] = {
	{SS_INVOKE, SS_PROCESS_USS_REQUEST, USSD_BEGIN},
	{SS_RESULT, SS_USS_REQUEST, USSD_CONTINUE},
	{SS_RESULT, 0, USSD_CONTINUE}, /* an empty answer */
	{SS_ERROR, 0, USSD_ABORT},     /* the phone is busy, or its owner pressed "cancel" */
	{SS_REJECT, 0, USSD_ABORT},
};

static enum ussd_op meaning_of(const struct ss_component *c)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (meanings[i].kind == c->kind && (!meanings[i].operation || meanings[i].operation == c->operation))
			return meanings[i].op;
	}
	return USSD_NONE;
}

/* Nothing of ours: the phone is told at once instead of being left to wait. */
static void refuse(struct gsup_asked *a, const struct ss_component *c)
{
	struct ss_component reject = {.kind = SS_REJECT, .has_invoke_id = c->has_invoke_id, .invoke_id = c->invoke_id,
				      .problem = c->has_invoke_id ? SS_PROBLEM_INVOKE : SS_PROBLEM_GENERAL};

	reject.code = c->has_invoke_id ? SS_UNRECOGNIZED_OPERATION : 0;
	a->link->counts.refused++;
	log_warn(a->link->name, "a component that is not USSD kind=0x%02x operation=0x%02x", c->kind, c->operation);
	send_component(a, &reject, GSUP_END);
	asked_free(a);
}

static void take_component(struct gsup_asked *a, const struct ss_component *c)
{
	struct buf text = {0};

	a->op = meaning_of(c);
	if (a->op == USSD_NONE) {
		refuse(a, c);
		return;
	}
	a->invoke_id = a->op == USSD_BEGIN ? c->invoke_id : opening_id(c->invoke_id);
	if (c->string && is_turn(a))
		ussd_string_decode(c->dcs, c->string, c->string_len, &text);
	mem_free(a->text);
	a->text = mem_strdup(buf_cstr(&text));
	explicit_bzero(text.data, text.len); /* buf_cstr() has made some */
	buf_free(&text);
	read_msisdn(a, c);
	if (a->op == USSD_BEGIN)
		ussd_split_code(a->text, a->to);
	if (a->from[0])
		hear(a);
	else
		numbers_ask(a->link->numbers, a->imsi, a->op == USSD_BEGIN, on_number, a);
}

static struct gsup_asked *asked_new(struct link *link, const struct gsup_message *m)
{
	struct gsup_asked *a = mem_alloc(sizeof(*a));

	a->link = link;
	a->session_id = m->session_id;
	a->message_class = m->message_class;
	a->last = m->state == GSUP_END;
	memcpy(a->imsi, m->imsi, sizeof(a->imsi));
	a->text = mem_strdup("");
	a->next = link->asked;
	a->at = &link->asked;
	if (a->next)
		a->next->at = &a->next;
	link->asked = a;
	return a;
}

static bool is_ussd(const struct gsup_message *m)
{
	return m->type == GSUP_PROC_SS_REQUEST || m->type == GSUP_PROC_SS_ERROR || m->type == GSUP_PROC_SS_RESULT;
}

void dialogue_hear(struct link *link, const void *bytes, size_t len)
{
	struct gsup_message m;
	struct ss_component c;
	struct gsup_asked *a;

	link->heard = true;
	if (!gsup_decode(bytes, len, &m) || (is_ussd(&m) && !m.has_session) ||
	    (m.ss && !ss_decode(m.ss, m.ss_len, &c))) {
		link->counts.unreadable++;
		log_warn(link->name, "an unreadable message octets=%zu", len);
		return;
	}
	if (!is_ussd(&m)) {
		log_debug(link->name, "a message that is not USSD type=0x%02x", m.type);
		return;
	}
	a = asked_new(link, &m);
	if (m.type != GSUP_PROC_SS_ERROR && m.ss) {
		link->counts.turns++;
		take_component(a, &c);
		return;
	}
	link->counts.ends++;
	a->op = m.type == GSUP_PROC_SS_ERROR ? USSD_ABORT : USSD_END;
	numbers_ask(link->numbers, a->imsi, false, on_number, a);
}
