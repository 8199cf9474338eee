/* To the phone: a text becomes one or several submit_sm, each is followed to its answer, and the
 * daemon is told once what became of the whole. */
#include "adapters/smpp/smpp.h"

#include <stdio.h>
#include <string.h>

#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"

enum { SCREEN_MS = 3000 }; /* later nobody looks at it any more */
enum { MT_PARTS_MAX = 10 }; /* 1,530 septets or 670 UTF-16 units; a longer text is cut */

/* One accepted text. */
struct mt_message {
	struct mt_message *next;
	struct id16 id;
	unsigned total, left;    /* parts: in all, without outcome */
	unsigned accepted;       /* parts the carrier took */
	int64_t deadline_ms;     /* parts that the carrier put off are tried until then */
	enum outbound_priority priority;
	bool receipt;
	bool screen;             /* of USSD: nobody is told its outcome */
	bool refused, doubt, retry, gone; /* what befell some part */
	char ref[PROVIDER_REF_MAX];       /* id of the last part */
};

/* One submit_sm. In link->waiting or in a window, owned by the place it is in. */
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
 * while a window is being walked. */
static void finish(struct link *link, struct mt_message *m)
{
	struct mt_message **last = &link->finished;

	if (m->screen) {
		mem_free(m);
		return;
	}
	while (*last)
		last = &(*last)->next;
	m->next = NULL;
	*last = m;
}

/* Receipts that came before the answer that names their text are told once more, under its name. */
static void tell_early_receipts(struct link *link, const struct mt_message *m)
{
	bool by_number = link->conf.submit_base == REF_AUTO && link->conf.receipt_base == REF_AUTO;
	struct receipt receipt;
	int status;

	memcpy(receipt.provider_ref, m->ref, sizeof(receipt.provider_ref));
	while (refs_early(&link->refs, m->ref, by_number, &status)) {
		receipt.status = status;
		link->host->receipt(link->host->ctx, link->conf.name, &receipt);
	}
}

void mt_report(struct link *link)
{
	struct mt_message *m;

	while ((m = link->finished) != NULL) {
		link->finished = m->next;
		link->host->sent(link->host->ctx, &m->id, outcome_of(m), m->ref);
		if (m->receipt && m->ref[0] && !link->dead)
			tell_early_receipts(link, m);
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

/* ---- the windows ---- */

/* Goes before what waits with a lower priority, behind its like; `first` is a list. */
static void enqueue(struct link *link, struct mt_part *first, bool ahead)
{
	enum outbound_priority mine = first->message->priority;
	struct mt_part **at = &link->waiting, *last = first;

	while (*at && (ahead ? (*at)->message->priority > mine : (*at)->message->priority >= mine))
		at = &(*at)->next;
	while (last->next)
		last = last->next;
	last->next = *at;
	*at = first;
}

static void arm_answer_timer(struct smpp_bind *b)
{
	const struct link *link = b->link;
	int64_t oldest_ms = window_oldest_ms(&b->window), left_ms;

	if (oldest_ms == INT64_MAX || loop_timer_armed(b->answer_timer))
		return;
	left_ms = oldest_ms + link->conf.answer_ms - loop_now_ms(link->host->loop);
	loop_timer_set(b->answer_timer, left_ms > 0 ? left_ms : 0);
}

static void write_part(struct smpp_bind *b, struct mt_part *part)
{
	struct link *link = b->link;
	int64_t now_ms = loop_now_ms(link->host->loop);
	uint32_t sequence = bind_next_sequence(b);

	for (unsigned i = 0; i < 4; i++)
		part->pdu[12 + i] = (uint8_t)(sequence >> (24 - 8 * i));
	part->next = NULL;
	if (!bind_write(b, part->pdu, part->len)) {
		part_done(link, part, SENT_RETRY);
		return;
	}
	rate_take(&link->rate, now_ms);
	link->status.submitted++;
	window_add(&b->window, sequence, now_ms, part);
	arm_answer_timer(b);
}

/* One slot of each window stays free for alerts, so that replies never hold one up. */
static bool has_slot(const struct smpp_bind *b, enum outbound_priority priority)
{
	unsigned kept = priority != OUTBOUND_REPLY || b->window.size == 1 ? 0 : 1;

	return b->state == SMPP_BOUND && bind_transmits(b) && b->window.used + kept < b->window.size;
}

/* The connection with the emptiest window: one that does not answer fills up and is left alone. */
static struct smpp_bind *free_bind(struct link *link, enum outbound_priority priority)
{
	struct smpp_bind *best = NULL;

	for (unsigned i = 0; i < link->bind_count; i++) {
		struct smpp_bind *b = &link->binds[i];

		if (has_slot(b, priority) && (!best || b->window.used < best->window.used))
			best = b;
	}
	return best;
}

/* Milliseconds until the carrier may be given another. */
static int64_t wait_ms(struct link *link, enum outbound_priority priority)
{
	int64_t now_ms = loop_now_ms(link->host->loop);

	if (link->throttled_until_ms > now_ms)
		return link->throttled_until_ms - now_ms;
	return rate_wait_ms(&link->rate, priority == OUTBOUND_URGENT, now_ms);
}

void mt_pump(struct link *link)
{
	struct smpp_bind *b;
	struct mt_part *part;

	while ((part = link->waiting) != NULL && !link->paused) {
		int64_t ms = wait_ms(link, part->message->priority);

		if (ms > 0) {
			loop_timer_set(link->pump_timer, ms);
			return;
		}
		b = free_bind(link, part->message->priority);
		if (!b)
			return;
		link->waiting = part->next;
		write_part(b, part);
	}
}

unsigned mt_waiting(const struct link *link)
{
	unsigned count = 0;

	for (const struct mt_part *part = link->waiting; part; part = part->next)
		count++;
	return count;
}

/* ---- answers ---- */

static void throttle(struct link *link)
{
	int64_t now_ms = loop_now_ms(link->host->loop), pause_ms;

	link->status.throttled++;
	rate_protested(&link->rate, now_ms);
	if (link->throttled_until_ms > now_ms)
		return;
	pause_ms = loop_backoff_ms(link->throttles++, link->conf.throttle_ms,
	                           link->conf.throttle_max_ms);
	link->throttled_until_ms = now_ms + pause_ms;
	loop_timer_set(link->pump_timer, pause_ms);
	log_warn(link->conf.name, "throttled pause_ms=%lld rate=%lld/s", (long long)pause_ms,
	         (long long)(link->rate.now_milli / 1000));
}

static bool means_later(uint32_t status)
{
	for (unsigned i = 0; i < sizeof(later_statuses) / sizeof(later_statuses[0]); i++) {
		if (later_statuses[i] == status)
			return true;
	}
	return false;
}

/* One part of several is tried again by itself: the others may be on the phone already; and a screen, for nobody
 * else will. */
static bool worth_repeating(const struct link *link, const struct mt_message *m)
{
	bool spoilt = m->refused || m->doubt || m->retry;

	return link_ready(link) && !spoilt && (m->total > 1 || m->screen) &&
	       loop_now_ms(link->host->loop) < m->deadline_ms;
}

static void part_throttled(struct link *link, struct mt_part *part)
{
	throttle(link);
	if (worth_repeating(link, part->message))
		enqueue(link, part, true);
	else
		part_done(link, part, SENT_RETRY);
}

static void part_accepted(struct link *link, struct mt_part *part, const struct pdu_header *header,
                          const uint8_t *bytes)
{
	struct mt_message *m = part->message;
	char ref[SMPP_ID_MAX];
	struct pdu pdu;

	link->throttles = 0;
	link->status.accepted++;
	rate_accepted(&link->rate, loop_now_ms(link->host->loop));
	/* The answer counts even if its body cannot be read: it is then a text without a name. */
	if (part->number == m->total && pdu_decode(bytes, header->command_length, &pdu) == PDU_OK) {
		octets_text(pdu.message_id, ref, sizeof(ref));
		ref_canonical(ref, (enum ref_base)link->conf.submit_base, m->ref);
		if (m->receipt && m->ref[0]) /* at once: its receipt may be the next PDU */
			refs_sent(&link->refs, m->ref);
	}
	part_done(link, part, SENT_OK);
}

void mt_answer(struct smpp_bind *b, const struct pdu_header *header, const uint8_t *bytes)
{
	struct link *link = b->link;
	struct mt_part *part = window_take(&b->window, header->sequence_number);

	if (!part) {
		log_debug(b->subject, "answer to nothing we wait for command=%s",
		          pdu_command_name(header->command_id));
		return;
	}
	link->status.last_out_us = loop_wall_us(link->host->loop);
	if (means_later(header->command_status)) {
		part_throttled(link, part);
	} else if (header->command_status == ESME_ROK && header->command_id != PDU_GENERIC_NACK) {
		part_accepted(link, part, header, bytes);
	} else {
		link->status.rejected++;
		link_failed(link, "%s: submit refused status=0x%08x (%s)", b->subject,
		            (unsigned)header->command_status, pdu_status_text(header->command_status));
		part_done(link, part, SENT_REFUSED);
	}
	mt_pump(link);
	bind_check_drained(b);
}

void mt_drop_waiting(struct link *link)
{
	while (link->waiting) {
		struct mt_part *part = link->waiting;

		link->waiting = part->next;
		part_done(link, part, SENT_RETRY);
	}
}

void mt_connection_lost(struct smpp_bind *b)
{
	struct link *link = b->link;
	struct mt_part *part;

	while ((part = window_take_any(&b->window)) != NULL)
		part_done(link, part, SENT_IN_DOUBT);
	if (!link_ready(link))
		mt_drop_waiting(link);
	loop_timer_cancel(b->answer_timer);
}

/* ---- timers ---- */

void mt_on_answer_timer(void *arg)
{
	struct smpp_bind *b = arg;
	struct link *link = b->link;
	int64_t before_ms = loop_now_ms(link->host->loop) - link->conf.answer_ms + 1;
	struct mt_part *part;

	link_enter(link);
	while ((part = window_take_older(&b->window, before_ms)) != NULL) {
		link->status.unanswered++;
		link_failed(link, "%s: submit unanswered wait_ms=%lld", b->subject,
		            (long long)link->conf.answer_ms);
		part_done(link, part, SENT_IN_DOUBT);
	}
	arm_answer_timer(b);
	mt_pump(link);
	bind_check_drained(b);
	mt_report(link);
	link_leave(link);
}

void mt_on_pump_timer(void *arg)
{
	struct link *link = arg;

	link_enter(link);
	mt_pump(link);
	mt_report(link);
	if (!link->waiting && link->host->ready && !link->dead)
		link->host->ready(link->host->ctx, link->conf.name);
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

/* The text's own sender, where this carrier lets us use it. */
static const char *sender_of(const struct smpp_conf *conf, const struct outbound *out)
{
	if (!out->from[0])
		return conf->source;
	for (size_t i = 0; i < conf->code_count; i++) {
		if (strcmp(conf->codes[i], out->from) == 0)
			return out->from;
	}
	return conf->code_count > 0 ? conf->source : out->from;
}

/* All fields that the parts have in common. */
static bool describe(const struct link *link, const struct outbound *out, char validity[17],
                     struct pdu *pdu)
{
	struct mt_address from = mt_address_of(sender_of(&link->conf, out));
	struct mt_address to = mt_address_of(out->to);
	int64_t ton = link->conf.source_ton, npi = link->conf.source_npi;

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
	pdu->service_type = octets_of(link->conf.service_type);
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
static void part_body(const struct charset_parts *parts, unsigned i, unsigned ref_bits, uint16_t ref,
                      struct buf *body)
{
	size_t start = i > 0 ? parts->end[i - 1] : 0;

	buf_clear(body);
	if (parts->count > 1)
		charset_udh_write(body, ref_bits, ref, (uint8_t)parts->count, (uint8_t)(i + 1));
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
                                   struct link *link, struct mt_message *m)
{
	struct mt_part *first = NULL, **last = &first;
	struct buf body = { 0 };
	uint16_t ref = link->part_ref;

	link->part_ref += parts->count > 1;
	for (unsigned i = 0; i < parts->count; i++) {
		part_body(parts, i, (unsigned)link->conf.ref_bits, ref, &body);
		pdu->short_message = (struct octets){ body.data, body.len };
		/* The daemon knows the last part's id: a receipt for another could not be matched. */
		pdu->registered_delivery = m->receipt && i + 1 == parts->count;
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
	const struct charset_choice choice = { (enum alphabet)link->conf.dcs0, link->conf.latin1,
		                               link->conf.transliterate };
	struct charset_parts parts;
	struct mt_part *first;
	char validity[17];
	struct pdu pdu;

	if (!describe(link, out, validity, &pdu))
		return NULL;
	charset_split(out->text, &choice, (unsigned)link->conf.ref_bits, MT_PARTS_MAX, &parts);
	if (parts.cut)
		log_warn(link->conf.name, "text longer than %d parts: cut", MT_PARTS_MAX);
	if (parts.count > 1)
		pdu.esm_class = ESM_UDHI;
	pdu.data_coding = parts.ucs2 ? 8 : parts.latin1 ? 3 : 0;
	m->total = m->left = parts.count;
	first = build_parts(&pdu, &parts, link, m);
	charset_parts_free(&parts);
	return first;
}

/* ---- sending ---- */

/* The windows are the queue: while parts wait for a slot there is none for a text of their rank. */
static bool room(struct link *link, enum outbound_priority priority)
{
	if (link->paused || (link->waiting && link->waiting->message->priority >= priority))
		return false;
	if (wait_ms(link, priority) > 0) {
		if (!loop_timer_armed(link->pump_timer)) /* it tells the host when to come again */
			loop_timer_set(link->pump_timer, wait_ms(link, priority));
		return false;
	}
	return free_bind(link, priority) != NULL;
}

bool mt_send(struct link *link, const struct outbound *out)
{
	struct mt_message *m;
	struct mt_part *first = NULL;

	if (out->channel == CHANNEL_USSD && link->ussd)
		return ussd_send(link->ussd, out);
	if (!room(link, out->priority))
		return false;
	m = mem_alloc(sizeof(*m));
	m->id = out->id;
	m->priority = out->priority;
	m->receipt = out->receipt || out->priority != OUTBOUND_REPLY;
	m->deadline_ms = loop_now_ms(link->host->loop) + out->validity_ms;
	m->gone = out->channel == CHANNEL_USSD; /* never turned into an SMS */
	if (!m->gone)
		first = build(link, out, m);
	if (first) {
		enqueue(link, first, false);
		mt_pump(link);
	} else {
		m->refused = true;
		finish(link, m);
	}
	if (link->finished)
		loop_timer_set(link->report_timer, 0);
	return true;
}

void mt_screen(struct link *link, const struct pdu *pdu)
{
	struct mt_message *m;
	struct mt_part *part;

	if (link->paused || !link_ready(link)) {
		log_warn(link->conf.name, "a screen finds no way out");
		return;
	}
	m = mem_alloc(sizeof(*m));
	m->priority = OUTBOUND_URGENT;
	m->screen = true;
	m->total = m->left = 1;
	m->deadline_ms = loop_now_ms(link->host->loop) + SCREEN_MS;
	part = encode_part(pdu, m, 1);
	if (!part) {
		log_error(link->conf.name, "a screen does not fit SMPP");
		mem_free(m);
		return;
	}
	enqueue(link, part, false);
	mt_pump(link);
}
