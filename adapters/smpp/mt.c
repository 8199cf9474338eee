/* To the phone: a text becomes one or several submit_sm, each is followed to its answer, and the
 * daemon is told once what became of the whole. */
#include "adapters/smpp/smpp.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"

enum {
	MT_PARTS_MAX = 10,    /* 1,530 septets or 670 UTF-16 units; a longer text is cut */
	MT_REF_BITS = 8,
	MT_THROTTLES_MAX = 8  /* for one part of a longer text */
};

/* One accepted text. */
struct mt_message {
	struct mt_message *next;
	struct id16 id;
	unsigned total, left;    /* parts: in all, without outcome */
	unsigned accepted;       /* parts the carrier took */
	unsigned throttles;
	bool alert;
	bool refused, doubt, retry, gone; /* what befell some part */
	char ref[PROVIDER_REF_MAX];       /* id of the last part */
};

/* One submit_sm. In link->waiting or in the window, owned by the place it is in. */
struct mt_part {
	struct mt_part *next;
	struct mt_message *message; /* borrowed; lives until its last part has an outcome */
	unsigned number;            /* from 1 */
	size_t len;
	uint8_t pdu[]; /* whole; the sequence number is set at writing */
};

/* command_status values that mean "later": everything else is a refusal. */
static const uint32_t later_statuses[] = { ESME_RMSGQFUL, ESME_RTHROTTLED };

/* ---- outcomes ---- */

static enum sent_state outcome_of(const struct mt_message *m)
{
	if (m->gone)
		return SENT_GONE;
	if (m->refused)
		return SENT_REFUSED;
	if (m->doubt)
		return SENT_IN_DOUBT;
	if (m->retry) /* with some parts taken, sending all again would double them */
		return m->accepted > 0 ? SENT_IN_DOUBT : SENT_RETRY;
	return SENT_OK;
}

/* Told later, from mt_report(): the host must not be called back in the middle of its own send, nor
 * while the window is being walked. */
static void finish(struct link *link, struct mt_message *m)
{
	struct mt_message **last = &link->finished;

	while (*last)
		last = &(*last)->next;
	m->next = NULL;
	*last = m;
}

void mt_report(struct link *link)
{
	struct mt_message *m;

	while ((m = link->finished) != NULL) {
		link->finished = m->next;
		link->host->sent(link->host->ctx, &m->id, outcome_of(m), m->ref);
		mem_free(m);
	}
}

static void drop_siblings(struct link *link, struct mt_message *m)
{
	struct mt_part **at = &link->waiting, *part;

	while ((part = *at) != NULL) {
		if (part->message != m) {
			at = &part->next;
			continue;
		}
		*at = part->next;
		m->left--;
		mem_free(part);
	}
}

static void part_done(struct link *link, struct mt_part *part, enum sent_state state)
{
	struct mt_message *m = part->message;

	m->accepted += state == SENT_OK;
	m->refused |= state == SENT_REFUSED;
	m->doubt |= state == SENT_IN_DOUBT;
	m->retry |= state == SENT_RETRY;
	m->left--;
	mem_free(part);
	if (state != SENT_OK) /* the text is spoilt: its other parts would be half a message */
		drop_siblings(link, m);
	if (m->left == 0)
		finish(link, m);
}

/* ---- the window ---- */

static void wait_first(struct link *link, struct mt_part *part)
{
	part->next = link->waiting;
	link->waiting = part;
}

static void arm_answer_timer(struct link *link)
{
	int64_t next_ms = window_next_deadline_ms(&link->window);
	int64_t now_ms = loop_now_ms(link->host->loop);

	if (next_ms != INT64_MAX && !loop_timer_armed(link->answer_timer))
		loop_timer_set(link->answer_timer, next_ms > now_ms ? next_ms - now_ms : 0);
}

static void write_part(struct link *link, struct mt_part *part)
{
	uint32_t sequence = link_next_sequence(link);

	for (unsigned i = 0; i < 4; i++)
		part->pdu[12 + i] = (uint8_t)(sequence >> (24 - 8 * i));
	part->next = NULL;
	if (!link_write(link, part->pdu, part->len)) {
		part_done(link, part, SENT_RETRY);
		return;
	}
	window_add(&link->window, sequence,
	           loop_now_ms(link->host->loop) + link->conf.answer_ms, part);
}

/* One slot stays free for alerts, so that replies never hold one up. */
static bool has_slot(const struct link *link, bool alert)
{
	unsigned kept = alert || link->window.size == 1 ? 0 : 1;

	return link->state == SMPP_BOUND && !loop_timer_armed(link->throttle_timer) &&
	       link->window.used + kept < link->window.size;
}

static void pump(struct link *link)
{
	struct mt_part *part;

	while (link->waiting && has_slot(link, link->waiting->message->alert)) {
		part = link->waiting;
		link->waiting = part->next;
		write_part(link, part);
	}
	arm_answer_timer(link);
}

static void throttle(struct link *link)
{
	int64_t pause_ms;

	if (loop_timer_armed(link->throttle_timer))
		return;
	pause_ms = loop_backoff_ms(link->throttles++, link->conf.throttle_ms,
	                           link->conf.throttle_max_ms);
	loop_timer_set(link->throttle_timer, pause_ms);
	log_warn(link->conf.name, "throttled pause_ms=%lld", (long long)pause_ms);
}

static bool means_later(uint32_t status)
{
	for (unsigned i = 0; i < sizeof(later_statuses) / sizeof(later_statuses[0]); i++) {
		if (later_statuses[i] == status)
			return true;
	}
	return false;
}

/* One part of several is tried again by itself: the others may be on the phone already. */
static bool worth_repeating(const struct link *link, struct mt_message *m)
{
	bool spoilt = m->refused || m->doubt || m->retry;

	return link->state == SMPP_BOUND && !spoilt && m->total > 1 &&
	       m->throttles++ < MT_THROTTLES_MAX;
}

static void part_throttled(struct link *link, struct mt_part *part)
{
	throttle(link);
	if (worth_repeating(link, part->message))
		wait_first(link, part);
	else
		part_done(link, part, SENT_RETRY);
}

static void part_accepted(struct link *link, struct mt_part *part, const struct pdu_header *header,
                          const uint8_t *bytes)
{
	struct mt_message *m = part->message;
	struct pdu pdu;

	link->throttles = 0;
	/* The answer counts even if its body cannot be read: it is then a text without a name. */
	if (part->number == m->total && pdu_decode(bytes, header->command_length, &pdu) == PDU_OK)
		octets_text(pdu.message_id, m->ref, sizeof(m->ref));
	part_done(link, part, SENT_OK);
}

void mt_answer(struct link *link, const struct pdu_header *header, const uint8_t *bytes)
{
	struct mt_part *part = window_take(&link->window, header->sequence_number);

	if (!part) {
		log_debug(link->conf.name, "answer to nothing we wait for command=%s",
		          pdu_command_name(header->command_id));
		return;
	}
	if (means_later(header->command_status)) {
		part_throttled(link, part);
	} else if (header->command_status == ESME_ROK && header->command_id != PDU_GENERIC_NACK) {
		part_accepted(link, part, header, bytes);
	} else {
		log_warn(link->conf.name, "submit refused status=0x%08x (%s)",
		         (unsigned)header->command_status, pdu_status_text(header->command_status));
		part_done(link, part, SENT_REFUSED);
	}
	pump(link);
	link_check_drained(link);
}

void mt_drop_waiting(struct link *link)
{
	while (link->waiting) {
		struct mt_part *part = link->waiting;

		link->waiting = part->next;
		part_done(link, part, SENT_RETRY);
	}
}

void mt_connection_lost(struct link *link)
{
	struct mt_part *part;

	while ((part = window_take_any(&link->window)) != NULL)
		part_done(link, part, SENT_IN_DOUBT);
	mt_drop_waiting(link);
	loop_timer_cancel(link->answer_timer);
	loop_timer_cancel(link->throttle_timer);
}

bool mt_busy(const struct link *link)
{
	return link->window.used > 0 || link->waiting != NULL;
}

/* ---- timers ---- */

void mt_on_answer_timer(void *arg)
{
	struct link *link = arg;
	int64_t now_ms = loop_now_ms(link->host->loop);
	struct mt_part *part;

	link_enter(link);
	while ((part = window_take_expired(&link->window, now_ms)) != NULL) {
		log_warn(link->conf.name, "submit unanswered wait_ms=%lld",
		         (long long)link->conf.answer_ms);
		part_done(link, part, SENT_IN_DOUBT);
	}
	pump(link);
	link_check_drained(link);
	mt_report(link);
	link_leave(link);
}

void mt_on_throttle_timer(void *arg)
{
	struct link *link = arg;

	link_enter(link);
	pump(link);
	mt_report(link);
	link_leave(link);
}

void mt_on_report_timer(void *arg)
{
	struct link *link = arg;

	link_enter(link);
	mt_report(link);
	link_leave(link);
}

/* ---- building ---- */

struct mt_address mt_address_of(const char *text)
{
	const char *digits = text[0] == '+' ? text + 1 : text;

	if (!digits[0])
		return (struct mt_address){ 0, 0, digits };
	if (digits[strspn(digits, "0123456789")] != '\0')
		return (struct mt_address){ 5, 0, text };
	return (struct mt_address){ text[0] == '+', 1, digits };
}

void mt_validity(int64_t validity_ms, char out[17])
{
	const int64_t longest_s = 30 * 86400; /* thirty days: no carrier keeps a text longer */
	int64_t s = (validity_ms + 999) / 1000;

	out[0] = '\0';
	if (s <= 0)
		return;
	if (s > longest_s)
		s = longest_s;
	snprintf(out, 17, "0000%02u%02u%02u%02u000R", (unsigned)(s / 86400 % 100),
	         (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* All fields that the parts have in common. */
static bool describe(const struct link *link, const struct outbound *out, char validity[17],
                     struct pdu *pdu)
{
	struct mt_address from = mt_address_of(out->from[0] ? out->from : link->conf.source);
	struct mt_address to = mt_address_of(out->to);
	int ton = link->conf.source_ton, npi = link->conf.source_npi;

	if (!to.digits[0] || to.ton == 5)
		return false; /* nobody can be reached under a name */
	mt_validity(out->validity_ms, validity);
	*pdu = (struct pdu){ .command_id = PDU_SUBMIT_SM };
	pdu->source_addr = octets_of(from.digits);
	pdu->source_addr_ton = ton >= 0 ? (uint8_t)ton : from.ton;
	pdu->source_addr_npi = npi >= 0 ? (uint8_t)npi : from.npi;
	pdu->destination_addr = octets_of(to.digits);
	pdu->dest_addr_ton = to.ton;
	pdu->dest_addr_npi = to.npi;
	pdu->validity_period = octets_of(validity);
	return true;
}

static struct mt_part *encode_part(const struct pdu *pdu, struct mt_message *m, unsigned number)
{
	struct buf bytes = { 0 };
	struct mt_part *part = NULL;

	if (pdu_encode(pdu, &bytes)) {
		part = mem_alloc(sizeof(*part) + bytes.len);
		part->message = m;
		part->number = number;
		part->len = bytes.len;
		memcpy(part->pdu, bytes.data, bytes.len);
	}
	buf_free(&bytes);
	return part;
}

/* The octets of part i, a header before them if there are several. */
static void part_body(const struct charset_parts *parts, unsigned i, uint16_t ref, struct buf *body)
{
	size_t start = i > 0 ? parts->end[i - 1] : 0;

	buf_clear(body);
	if (parts->count > 1)
		charset_udh_write(body, MT_REF_BITS, ref, (uint8_t)parts->count, (uint8_t)(i + 1));
	buf_put(body, parts->octets.data + start, parts->end[i] - start);
}

static void free_parts(struct mt_part *part)
{
	while (part) {
		struct mt_part *next = part->next;

		mem_free(part);
		part = next;
	}
}

/* Builds all parts in order, or none: NULL if a field is too long for SMPP. */
static struct mt_part *build_parts(struct pdu *pdu, const struct charset_parts *parts,
                                   uint16_t ref, struct mt_message *m)
{
	struct mt_part *first = NULL, **last = &first;
	struct buf body = { 0 };

	for (unsigned i = 0; i < parts->count; i++) {
		part_body(parts, i, ref, &body);
		pdu->short_message = (struct octets){ body.data, body.len };
		/* The daemon knows the last part's id: a receipt for another could not be matched. */
		pdu->registered_delivery = m->alert && i + 1 == parts->count;
		*last = encode_part(pdu, m, i + 1);
		if (!*last) {
			free_parts(first);
			first = NULL;
			break;
		}
		last = &(*last)->next;
	}
	buf_free(&body);
	return first;
}

static struct mt_part *build(struct link *link, const struct outbound *out, struct mt_message *m)
{
	struct charset_parts parts;
	struct mt_part *first;
	char validity[17];
	struct pdu pdu;

	if (!describe(link, out, validity, &pdu))
		return NULL;
	charset_split(out->text, link->conf.dcs0, MT_REF_BITS, MT_PARTS_MAX, &parts);
	if (parts.cut)
		log_warn(link->conf.name, "text longer than %d parts: cut", MT_PARTS_MAX);
	if (parts.count > 1)
		pdu.esm_class = ESM_UDHI;
	pdu.data_coding = parts.ucs2 ? 8 : 0;
	m->total = m->left = parts.count;
	first = build_parts(&pdu, &parts, link->part_ref++, m);
	charset_parts_free(&parts);
	return first;
}

/* ---- sending ---- */

/* An alert goes ahead of what waits. */
static void enqueue(struct link *link, struct mt_part *first, bool alert)
{
	struct mt_part **at = &link->waiting, *last = first;

	while (!alert && *at)
		at = &(*at)->next;
	while (last->next)
		last = last->next;
	last->next = *at;
	*at = first;
}

bool mt_send(struct link *link, const struct outbound *out)
{
	bool alert = out->priority == OUTBOUND_ALERT;
	struct mt_message *m;
	struct mt_part *first = NULL;

	/* The window is the queue: while parts wait for a slot there is none for a text of that rank. */
	if (!has_slot(link, alert))
		return false;
	m = mem_alloc(sizeof(*m));
	m->id = out->id;
	m->alert = alert;
	m->gone = out->channel == CHANNEL_USSD; /* never turned into an SMS */
	if (!m->gone)
		first = build(link, out, m);
	if (first) {
		enqueue(link, first, alert);
		pump(link);
	} else {
		m->refused = true;
		finish(link, m);
	}
	if (link->finished)
		loop_timer_set(link->report_timer, 0);
	return true;
}
