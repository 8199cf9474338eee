/* Steps a conversation and writes down what it led to, sealed. */
#include "path/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"
#include "core/flow_places.h"
#include "core/places.h"
#include "flows/engine/flow.h"
#include "path/delivery.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "store/spool.h"

enum { CONVERSATION_VERSION = 3, REF_DIGITS = 1000000, COMMUNE_DIGITS = 5 };

/* ---- opening, saving, loading ---- */

/* Six digits out of a keyed hash: the same opening text always has the same reference, and nobody can
 * count our cases from it. */
static void make_ref(struct hotline *h, struct conversation *c)
{
	uint8_t hash[VAULT_INDEX_LEN];
	uint32_t n;

	vault_index(h->vault, VAULT_IDX_CONVERSATION, c->opening_key, sizeof(c->opening_key), hash);
	n = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
	snprintf(c->ref, sizeof(c->ref), "%.8s-%06u", h->conf->ref_prefix, n % REF_DIGITS);
}

struct conversation *conversation_new(struct hotline *h, const struct delivery *d,
				      const struct conversation *last)
{
	struct conversation *c = mem_alloc(sizeof(*c));

	/* What comes from the spool may have opened one before, with another data key, which may be filed. */
	c->id = d->past == PAST_NONE ? d->id : id16_new(loop_wall_us(h->loop));
	c->opened_by = d->id;
	if (last) {
		c->before = last->before;
		heard_add(&c->before, &last->heard);
	}
	/* Two people without a number may well write the same words: each text is a report of its own. */
	memcpy(c->opening_key, d->from.kind == NUMBER_NONE ? d->id.b : d->dup_key, sizeof(c->opening_key));
	memcpy(c->subject, d->subject, sizeof(c->subject));
	c->first_us = d->wall_us;
	snprintf(c->adapter, sizeof(c->adapter), "%s", d->in.adapter);
	snprintf(c->link, sizeof(c->link), "%s", d->in.link);
	snprintf(c->channel, sizeof(c->channel), "%s", d->in.channel == CHANNEL_USSD ? "ussd" : "sms");
	inbound_address(d->in.dest, strlen(d->in.dest), c->short_code, sizeof(c->short_code));
	make_ref(h, c);
	vault_data_key_new(h->vault, &c->id, loop_wall_us(h->loop), &c->key);
	c->flow = flow_state_new(flowbook_current(h->flowbook), c->ref, "");
	return c;
}

void conversation_free(struct conversation *c)
{
	if (!c)
		return;
	data_key_wipe(&c->key);
	flow_state_free(c->flow);
	mem_free(c);
}

void conversation_save(const struct conversation *c, struct buf *out)
{
	struct buf state = {0};

	buf_put_u8(out, CONVERSATION_VERSION);
	buf_put(out, c->id.b, sizeof(c->id.b));
	buf_put(out, c->opened_by.b, sizeof(c->opened_by.b));
	buf_put(out, c->newest.b, sizeof(c->newest.b));
	heard_save(&c->heard, out);
	heard_save(&c->before, out);
	buf_put(out, c->opening_key, sizeof(c->opening_key));
	buf_put_str(out, c->ref);
	buf_put_u64(out, (uint64_t)c->first_us);
	buf_put_u64(out, (uint64_t)c->stamp);
	buf_put_u64(out, (uint64_t)c->due_ms);
	buf_put_u32(out, c->due_turn);
	buf_put_str(out, c->adapter);
	buf_put_str(out, c->link);
	buf_put_str(out, c->channel);
	buf_put_str(out, c->short_code);
	buf_put(out, c->subject, sizeof(c->subject));
	buf_put(out, c->place_key, sizeof(c->place_key));
	buf_put_str(out, c->commune);
	buf_put_str(out, c->candidates);
	data_key_save(&c->key, out);
	flow_state_save(c->flow, &state);
	buf_put_bytes(out, state.data, state.len);
	buf_free(&state);
}

static void take_into(struct reader *r, void *out, size_t len)
{
	const uint8_t *bytes = reader_take(r, len);

	if (bytes)
		memcpy(out, bytes, len);
}

struct conversation *conversation_load(const void *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	struct conversation *c = mem_alloc(sizeof(*c));
	const uint8_t *state;
	size_t state_len = 0;

	if (reader_u8(&r) != CONVERSATION_VERSION)
		r.bad = true;
	take_into(&r, c->id.b, sizeof(c->id.b));
	take_into(&r, c->opened_by.b, sizeof(c->opened_by.b));
	take_into(&r, c->newest.b, sizeof(c->newest.b));
	heard_load(&r, &c->heard);
	heard_load(&r, &c->before);
	take_into(&r, c->opening_key, sizeof(c->opening_key));
	reader_str_into(&r, c->ref, sizeof(c->ref));
	c->first_us = (int64_t)reader_u64(&r);
	c->stamp = (int64_t)reader_u64(&r);
	c->due_ms = (int64_t)reader_u64(&r);
	c->due_turn = reader_u32(&r);
	reader_str_into(&r, c->adapter, sizeof(c->adapter));
	reader_str_into(&r, c->link, sizeof(c->link));
	reader_str_into(&r, c->channel, sizeof(c->channel));
	reader_str_into(&r, c->short_code, sizeof(c->short_code));
	take_into(&r, c->subject, sizeof(c->subject));
	take_into(&r, c->place_key, sizeof(c->place_key));
	reader_str_into(&r, c->commune, sizeof(c->commune));
	reader_str_into(&r, c->candidates, sizeof(c->candidates));
	if (!r.bad && !data_key_load(&r, &c->key))
		r.bad = true;
	state = reader_bytes(&r, &state_len);
	if (!r.bad)
		c->flow = flow_state_load(state, state_len);
	if (c->flow)
		return c;
	conversation_free(c);
	return NULL;
}

bool conversation_ended(const struct conversation *c)
{
	return flow_state_ended(c->flow);
}

static bool has_all(const struct hotline *h, const struct heard *heard, const struct delivery *d)
{
	const struct id16 *spool = spool_id(h->spool);
	bool all = heard_has(heard, spool, d->spool);

	for (uint8_t i = 0; all && i < d->part_count; i++)
		all = heard_has(heard, spool, d->part[i].spool);
	return all;
}

bool conversation_heard(const struct hotline *h, const struct conversation *c, const struct delivery *d)
{
	return has_all(h, &c->heard, d);
}

bool conversation_heard_before(const struct hotline *h, const struct conversation *c, const struct delivery *d)
{
	return has_all(h, &c->before, d);
}

static void note_heard(const struct hotline *h, struct conversation *c, const struct delivery *d)
{
	const struct id16 *spool = spool_id(h->spool);

	heard_note(&c->heard, spool, d->spool);
	for (uint8_t i = 0; i < d->part_count; i++)
		heard_note(&c->heard, spool, d->part[i].spool);
	c->newest = d->id;
}

/* ---- what is filed ---- */

static void blob(uint8_t **to, size_t *to_len, const void *bytes, size_t len)
{
	*to = mem_dup(bytes, len);
	*to_len = len;
}

static void put_key(const struct data_key *key, struct entry_key *out)
{
	out->intake = key->intake_id;
	snprintf(out->team, sizeof(out->team), "%s", key->team);
	blob(&out->wrapped, &out->wrapped_len, key->wrapped, sizeof(key->wrapped));
	blob(&out->intake_team, &out->intake_team_len, key->intake_team, sizeof(key->intake_team));
	blob(&out->intake_escrow, &out->intake_escrow_len, key->intake_escrow, sizeof(key->intake_escrow));
}

static void put_sender(struct hotline *h, const struct delivery *d, struct entry *e)
{
	static const char *const kinds[] = {
		[NUMBER_MSISDN] = "msisdn", [NUMBER_SHORT] = "short", [NUMBER_ALNUM] = "alnum",
		[NUMBER_NONE] = "none", [NUMBER_IMSI] = "imsi"};
	struct buf sealed = {0};

	snprintf(e->subject_kind, sizeof(e->subject_kind), "%s", kinds[d->from.kind]);
	if (d->from.kind == NUMBER_NONE)
		return;
	e->has_subject = true;
	memcpy(e->subject, d->subject, sizeof(e->subject));
	vault_seal(h->vault, VAULT_CONTACT, d->subject, sizeof(d->subject), d->from.value,
		   strlen(d->from.value), &sealed);
	e->number_ct = sealed.data;
	e->number_ct_len = sealed.len;
}

void entry_from_delivery(struct hotline *h, const struct delivery *d, const struct data_key *key,
			 enum disposition disposition, struct entry *e)
{
	struct buf sealed = {0};

	snprintf(e->node, sizeof(e->node), "%s", h->conf->node);
	e->spool_id = *spool_id(h->spool);
	e->spool = d->spool;
	e->has_message = true;
	e->message = d->id;
	memcpy(e->dup_key, d->dup_key, sizeof(e->dup_key));
	put_sender(h, d, e);
	snprintf(e->adapter, sizeof(e->adapter), "%s", d->in.adapter);
	snprintf(e->link, sizeof(e->link), "%s", d->in.link);
	snprintf(e->channel, sizeof(e->channel), "%s", d->in.channel == CHANNEL_USSD ? "ussd" : "sms");
	inbound_address(d->in.dest, strlen(d->in.dest), e->short_code, sizeof(e->short_code));
	e->received_us = d->wall_us;
	e->disposition = disposition;
	e->parts = d->in.part_total > 1 ? d->in.part_total : 1;
	if (d->part_count) {
		e->part = mem_dup(d->part, d->part_count * sizeof(*d->part));
		e->part_count = d->part_count;
	}
	e->conversation = key->id;
	put_key(key, &e->key);
	data_key_seal(key, "messages", &d->id, d->text, strlen(d->text), &sealed);
	e->message_ct = sealed.data;
	e->message_ct_len = sealed.len;
}

/* RFC 8259 section 7. What is no UTF-8 becomes null, as NULL does. */
static void put_json_text(struct buf *out, const char *text)
{
	const char *plain = text;

	if (!text || !charset_utf8_valid(text, strlen(text))) {
		buf_put(out, "null", 4);
		return;
	}
	buf_put_u8(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		buf_put(out, plain, (size_t)(text - plain));
		plain = text + 1;
		buf_printf(out, "\\u%04x", c);
	}
	buf_put(out, plain, (size_t)(text - plain));
	buf_put_u8(out, '"');
}

static void put_json_member(struct buf *out, const char *key, const char *text)
{
	buf_put(out, key, strlen(key));
	put_json_text(out, text);
}

/* The report so far, as the officer will read it. Written by hand: a tree of it in memory, built and
 * thrown away at every turn, cost more than stepping the conversation. */
static void report_json(const struct flow_report *report, struct buf *out)
{
	put_json_member(out, "{\"lang\":", report->lang);
	put_json_member(out, ",\"urgency\":", urgency_name(report->urgency));
	put_json_member(out, ",\"kind\":", report->kind);
	buf_put(out, ",\"texts\":[", 10);
	for (size_t i = 0; i < report->text_count; i++)
		put_json_member(out, i ? "," : "", report->texts[i]);
	buf_put(out, "],\"answers\":[", 13);
	for (size_t i = 0; i < report->answer_count; i++) {
		const struct flow_answer *a = &report->answers[i];

		put_json_member(out, i ? ",{\"name\":" : "{\"name\":", a->name);
		put_json_member(out, ",\"value\":", a->value);
		put_json_member(out, ",\"text\":", a->text);
		buf_put_u8(out, '}');
	}
	buf_put(out, "]}", 2);
}

/* The commune that the reporter answered, perhaps out of several: its code beside their own words. */
static const char *answered_commune(const struct flow_report *report)
{
	const struct flow_answer *a;

	for (size_t i = report->answer_count; i-- > 0;) {
		a = &report->answers[i];
		if (strlen(a->value) == COMMUNE_DIGITS && places_name(a->value, false) && strcmp(a->value, a->text) != 0)
			return a->value;
	}
	return NULL;
}

static bool is_figures(const char *text)
{
	return text[strspn(text, "0123456789 ")] == '\0';
}

static void find_places(struct hotline *h, struct conversation *c, const char *words)
{
	struct places_found found;
	size_t used = 0;

	places_find(words, h->conf->home, &found);
	snprintf(c->commune, sizeof(c->commune), "%s", found.commune);
	c->candidates[0] = '\0';
	for (size_t i = 0; i < found.count && used < sizeof(c->candidates); i++)
		used += (size_t)snprintf(c->candidates + used, sizeof(c->candidates) - used, "%s%s",
					 used ? "," : "", found.candidates[i]);
}

/* Every place the reporter named, in the texts and in the answers. Looking for them takes as long as
 * all else in a turn, so a turn that added nothing but a number keeps what was found before. */
static void put_place(struct hotline *h, struct conversation *c, const struct flow_report *report,
		      struct entry *e)
{
	const char *answered = answered_commune(report);
	uint8_t key[VAULT_INDEX_LEN];
	struct buf all = {0};

	if (answered) {
		snprintf(e->commune, sizeof(e->commune), "%s", answered);
		snprintf(e->candidates, sizeof(e->candidates), "%s", answered);
		return;
	}
	for (size_t i = 0; i < report->text_count; i++)
		buf_printf(&all, "%s. ", report->texts[i]);
	for (size_t i = 0; i < report->answer_count; i++) {
		if (!is_figures(report->answers[i].text))
			buf_printf(&all, "%s. ", report->answers[i].text);
	}
	vault_index(h->vault, VAULT_IDX_CONVERSATION, all.data, all.len, key);
	if (memcmp(key, c->place_key, sizeof(key)) != 0)
		find_places(h, c, buf_cstr(&all));
	memcpy(c->place_key, key, sizeof(key));
	buf_free(&all);
	memcpy(e->commune, c->commune, sizeof(e->commune));
	memcpy(e->candidates, c->candidates, sizeof(e->candidates));
}

/* The stamp of the next revision. */
static void stamp(struct conversation *c, int64_t now_us)
{
	c->stamp = now_us > c->stamp ? now_us : c->stamp + 1;
}

/* The report so far as the revision of c->stamp. */
static void put_report(struct hotline *h, struct conversation *c, const struct flow *flow,
		       struct entry *e)
{
	struct flow_report report;
	struct id16 row;
	struct buf sealed = {0}, json = {0};

	flow_report(flow, c->flow, &report);
	if (report.substantive) {
		e->has_report = true;
		memcpy(e->opening_key, c->opening_key, sizeof(e->opening_key));
		snprintf(e->ref, sizeof(e->ref), "%s", c->ref);
		e->stamp = c->stamp;
		snprintf(e->urgency, sizeof(e->urgency), "%s", urgency_name(report.urgency));
		snprintf(e->kind, sizeof(e->kind), "%s", report.kind);
		snprintf(e->lang, sizeof(e->lang), "%s", report.lang);
		e->partial = report.partial;
		e->safe_contact = report.safe_contact;
		e->first_us = c->first_us;
		put_place(h, c, &report, e);
		vault_revision_row(h->vault, &c->id, c->stamp, &row);
		report_json(&report, &json);
		data_key_seal(&c->key, "report_revisions", &row, json.data, json.len, &sealed);
		explicit_bzero(json.data, json.len);
		buf_free(&json);
		e->body_ct = sealed.data;
		e->body_ct_len = sealed.len;
		vault_mac(h->vault, sealed.data, sealed.len, e->mac);
	}
	flow_report_fini(&report);
}

/* ---- turns ---- */

static enum disposition disposition_of(const struct flow *flow, const struct delivery *d,
				       const struct flow_effects *effects)
{
	static const enum disposition of_class[] = {
		[FLOW_TEXT_REPORT] = DISPOSITION_REPORT, [FLOW_TEXT_ANSWER] = DISPOSITION_ANSWER,
		[FLOW_TEXT_STOP] = DISPOSITION_STOP,     [FLOW_TEXT_OTHERS] = DISPOSITION_OTHERS,
		[FLOW_TEXT_EMPTY] = DISPOSITION_EMPTY,
	};
	struct flow_triage triage;

	if (d->in.alphabet == ALPHABET_PDU)
		return DISPOSITION_UNDECODABLE;
	if (d->in.ussd_op == USSD_BEGIN)
		return DISPOSITION_ANSWER;
	if (effects->classed)
		return of_class[effects->text_class];
	flow_triage(flow, d->text, &triage);
	return of_class[triage.text_class];
}

/* Effects into the conversation and the result. Returns true if a revision is to be filed. */
static bool apply(struct conversation *c, const struct flow_effects *effects, struct turn_result *out)
{
	bool file = false;

	for (size_t i = 0; i < effects->count; i++) {
		const struct flow_effect *e = &effects->items[i];

		if (e->kind == FLOW_SEND && !out->reply && !flow_state_silent(c->flow))
			out->reply = mem_strdup(e->text);
		if (e->kind == FLOW_TIMER) {
			c->due_ms = e->at_ms;
			c->due_turn = e->turn;
		}
		if (e->kind == FLOW_FILE)
			file = true;
	}
	if (flow_state_ended(c->flow))
		c->due_ms = 0;
	return file;
}

/* What the flows may know beside the texts. */
static struct flow_world world_of(const struct hotline *h)
{
	return (struct flow_world){.places = flow_places_vn(), .home = h->conf->home};
}

/* Dialling and hanging up are events of their own; all else is something said. */
static enum flow_event_kind event_of(const struct inbound *in)
{
	if (in->ussd_op == USSD_BEGIN)
		return FLOW_EV_USSD_BEGIN;
	return inbound_ends_ussd(in) ? FLOW_EV_USSD_END : FLOW_EV_TEXT;
}

void conversation_hear(struct hotline *h, struct conversation *c, const struct delivery *d,
		       struct turn_result *out)
{
	const struct flow *flow = flowbook_find(h->flowbook, flow_state_flow_hash(c->flow));
	struct flow_world world = world_of(h);
	struct flow_event event = {.kind = event_of(&d->in), .text = d->text, .world = &world};
	struct flow_effects effects;
	bool file;

	world.role = d->role;

	event.ussd = d->in.channel == CHANNEL_USSD;
	memcpy(event.id, d->id.b, sizeof(event.id));
	flow_step(flow, c->flow, &event, loop_wall_us(h->loop) / 1000, &effects);
	file = apply(c, &effects, out);
	note_heard(h, c, d);
	entry_from_delivery(h, d, &c->key, disposition_of(flow, d, &effects), &out->entry);
	out->entry.opens = id16_equal(&c->opened_by, &d->id);
	if (file) {
		stamp(c, d->wall_us);
		put_report(h, c, flow, &out->entry);
	}
	out->has_entry = true;
	flow_effects_fini(&effects);
}

void conversation_hear_again(struct hotline *h, struct conversation *c, const struct delivery *d,
			     struct turn_result *out)
{
	const struct flow *flow = flowbook_find(h->flowbook, flow_state_flow_hash(c->flow));
	const struct flow_effects none = {0};

	entry_from_delivery(h, d, &c->key, disposition_of(flow, d, &none), &out->entry);
	out->entry.opens = id16_equal(&c->opened_by, &d->id);
	if (c->stamp != 0)
		put_report(h, c, flow, &out->entry);
	out->has_entry = true;
}

bool conversation_retired(const struct hotline *h, const struct conversation *c)
{
	return !conversation_ended(c) && flowbook_is_retired(h->flowbook, flow_state_flow_hash(c->flow));
}

void conversation_expire(struct hotline *h, struct conversation *c, int64_t now_us, struct turn_result *out)
{
	const struct flow *flow = flowbook_find(h->flowbook, flow_state_flow_hash(c->flow));
	bool retired = conversation_retired(h, c);
	struct flow_world world = world_of(h);
	struct flow_event event = {.kind = retired ? FLOW_EV_RETIRE : FLOW_EV_TIMER,
				   .text = "",
				   .turn = c->due_turn,
				   .world = &world};
	struct flow_effects effects;
	struct id16 id = id16_new(now_us);
	struct entry *e = &out->entry;
	bool file;

	if (!flow || (!retired && (c->due_ms == 0 || c->due_ms > now_us / 1000)))
		return;
	c->due_ms = 0;
	memcpy(event.id, id.b, sizeof(event.id));
	flow_step(flow, c->flow, &event, now_us / 1000, &effects);
	file = apply(c, &effects, out);
	flow_effects_fini(&effects);
	if (!file)
		return;
	snprintf(e->node, sizeof(e->node), "%s", h->conf->node);
	e->disposition = DISPOSITION_TIMER;
	snprintf(e->subject_kind, sizeof(e->subject_kind), "msisdn");
	e->has_subject = true;
	memcpy(e->subject, c->subject, sizeof(e->subject));
	snprintf(e->adapter, sizeof(e->adapter), "%s", c->adapter);
	snprintf(e->link, sizeof(e->link), "%s", c->link);
	snprintf(e->channel, sizeof(e->channel), "%s", c->channel);
	snprintf(e->short_code, sizeof(e->short_code), "%s", c->short_code);
	e->received_us = now_us;
	e->parts = 1;
	e->conversation = c->id;
	put_key(&c->key, &e->key);
	stamp(c, now_us);
	put_report(h, c, flow, e);
	out->has_entry = e->has_report;
}

/* What the engine answered last: asked with the newest event once more, on a copy that is thrown away. NULL
 * if nothing; owned by the caller. */
static char *last_reply(struct hotline *h, const struct conversation *c)
{
	const struct flow *flow = flowbook_find(h->flowbook, flow_state_flow_hash(c->flow));
	struct flow_world world = world_of(h);
	struct flow_event event = {.kind = FLOW_EV_TEXT, .text = "", .world = &world};
	struct flow_effects effects = {0};
	struct flow_state *copy;
	struct buf bytes = {0};
	char *reply = NULL;

	flow_state_save(c->flow, &bytes);
	copy = flow_state_load(bytes.data, bytes.len);
	buf_free(&bytes);
	if (flow && copy) {
		memcpy(event.id, c->newest.b, sizeof(event.id));
		flow_step(flow, copy, &event, loop_wall_us(h->loop) / 1000, &effects);
	}
	for (size_t i = 0; effects.seen && i < effects.count; i++) {
		if (effects.items[i].kind == FLOW_SEND && !reply && !flow_state_silent(c->flow))
			reply = mem_strdup(effects.items[i].text);
	}
	flow_effects_fini(&effects);
	flow_state_free(copy);
	return reply;
}

char *conversation_answer(struct hotline *h, const struct conversation *c, const struct delivery *d)
{
	if (conversation_ended(c) || !id16_equal(&c->newest, &d->id) ||
	    !delivery_is_young(d, loop_wall_us(h->loop)))
		return NULL;
	return last_reply(h, c);
}

void conversation_repeat(struct hotline *h, struct conversation *c, const struct delivery *d,
			 bool answer_again, struct turn_result *out)
{
	struct data_key own;

	if (c) {
		entry_from_delivery(h, d, &c->key, DISPOSITION_REPEAT, &out->entry);
		if (answer_again)
			out->reply = last_reply(h, c);
	} else {
		vault_data_key_new(h->vault, &d->id, loop_wall_us(h->loop), &own);
		entry_from_delivery(h, d, &own, DISPOSITION_REPEAT, &out->entry);
		data_key_wipe(&own);
	}
	out->has_entry = true;
}

void conversation_without(struct hotline *h, const struct delivery *d, struct turn_result *out)
{
	struct data_key own;

	vault_data_key_new(h->vault, &d->id, loop_wall_us(h->loop), &own);
	entry_from_delivery(h, d, &own, DISPOSITION_EMPTY, &out->entry);
	data_key_wipe(&own);
	out->has_entry = true;
}

void turn_result_fini(struct turn_result *r)
{
	entry_fini(&r->entry);
	mem_free(r->reply);
	memset(r, 0, sizeof(*r));
}
