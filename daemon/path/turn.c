/* One delivery meets one conversation. */
#include "path/turn.h"

#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "flows/engine/flow.h"
#include "path/conversation.h"
#include "path/delivery.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/pending.h"

/* The same words as the opening text, from somebody who got no answer or is in panic: counted on the
 * report and answered as before. */
static bool says_it_again(const struct conversation *c, const struct delivery *d)
{
	return c && !conversation_ended(c) && memcmp(c->opening_key, d->dup_key, sizeof(c->opening_key)) == 0;
}

static bool plain_answer(const struct hotline *h, const struct delivery *d)
{
	struct flow_triage triage;

	flow_triage(flowbook_current(h->flowbook), d->text, &triage);
	return triage.text_class != FLOW_TEXT_REPORT;
}

/* A USSD session whose conversation has ended, or that we never knew, was closed. */
static bool ends_nothing(const struct conversation *c, const struct delivery *d)
{
	return inbound_ends_ussd(&d->in) && (!c || conversation_ended(c));
}

/* After a restart an answer is given late only to those who wait for it. */
static bool may_answer(const struct hotline *h, const struct conversation *c, const struct delivery *d)
{
	return d->past == PAST_NONE ||
	       (c && !conversation_ended(c) && delivery_is_young(d, loop_wall_us(h->loop)));
}

/* A text whose conversation is gone, with all that made it readable: a report by itself, unanswered. */
static void hear_apart(struct hotline *h, const struct delivery *d, struct turn_result *out)
{
	struct conversation *c = conversation_new(h, d, NULL);

	conversation_hear(h, c, d, out);
	mem_free(out->reply);
	out->reply = NULL;
	conversation_free(c);
}

void turn_note_queued(const struct hotline *h, uint64_t record, const struct entry_part *parts, uint8_t count)
{
	pending_queued(h->pending, record, true);
	for (uint8_t i = 0; i < count; i++)
		pending_queued(h->pending, parts[i].spool, true);
}

/* A delivery from the spool must not be heard twice. False if it has not been heard yet. */
static bool heard_once(struct hotline *h, struct conversation *c, const struct delivery *d,
		       struct turn_result *out)
{
	if (c && conversation_heard(h, c, d)) {
		if (d->past != PAST_FILED)
			conversation_hear_again(h, c, d, out);
		out->reply = conversation_answer(h, c, d);
		return true;
	}
	if (d->past == PAST_HEARD) {
		hear_apart(h, d, out);
		return true;
	}
	if (d->past == PAST_UNKNOWN && c && conversation_heard_before(h, c, d)) {
		/* its entry was put into the queue together with that state: missed, if it is not there */
		turn_note_queued(h, d->spool, d->part, d->part_count);
		return true;
	}
	return d->past == PAST_FILED;
}

bool turn_hear(struct hotline *h, struct conversation **conversation, const struct delivery *d,
	       struct turn_result *out)
{
	struct conversation *c = *conversation;

	if (d->past != PAST_NONE && heard_once(h, c, d, out))
		return false;
	if (ends_nothing(c, d)) {
		conversation_without(h, d, out);
		return false;
	}
	if (d->repeat || (says_it_again(c, d) && !plain_answer(h, d))) {
		/* Whoever wrote it may have had no answer: the question once more does no harm, silence might. */
		conversation_repeat(h, c, d, d->in.part_total < 2 && may_answer(h, c, d), out);
		return false;
	}
	if (!c || conversation_ended(c)) {
		*conversation = conversation_new(h, d, c);
		conversation_free(c);
	}
	conversation_hear(h, *conversation, d, out);
	return true;
}
