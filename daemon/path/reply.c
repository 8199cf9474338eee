/* Answers a delivery and settles what is owed for it. */
#include "path/reply.h"

#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/allowance.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "path/pending.h"

/* A screen's phone has gone long before a text's answer is of no use. */
enum { SCREEN_VALIDITY_MS = 3 * 1000 };

struct owed {
	struct pending *pending; /* borrowed */
	uint64_t *records;       /* owned */
	size_t count;
};

static struct owed *owed_for(struct hotline *h, const struct delivery *d)
{
	struct owed *owed = mem_alloc(sizeof(*owed));

	owed->pending = h->pending;
	owed->records = mem_array(NULL, (size_t)d->part_count + 1, sizeof(*owed->records));
	owed->records[owed->count++] = d->spool;
	for (uint8_t i = 0; i < d->part_count; i++)
		owed->records[owed->count++] = d->part[i].spool;
	return owed;
}

static void owed_free(struct owed *owed)
{
	mem_free(owed->records);
	mem_free(owed);
}

static void settle(struct owed *owed)
{
	for (size_t i = 0; i < owed->count; i++)
		pending_note(owed->pending, owed->records[i], PENDING_REPLIED);
	owed_free(owed);
}

static void on_sent(void *arg, enum sent_state state, const char *provider_ref)
{
	(void)provider_ref;
	if (state == SENT_RETRY) /* not sent before the daemon stopped: the next one will */
		owed_free(arg);
	else
		settle(arg);
}

/* Replies cost money, and somebody may want us to spend it: only to the numbers of the allow-list, and
 * only so many a day. Officers are known and few. */
static bool may_answer(struct hotline *h, const struct delivery *d)
{
	static const char *const whys[] = {
		[ALLOWANCE_SENDER] = "this sender had his share of the day",
		[ALLOWANCE_SPARSE] = "most of the day's replies are gone, and this sender had many",
		[ALLOWANCE_TOTAL] = "the day's replies are gone",
	};
	enum allowance_answer answer;

	if (!number_may_reply(&d->from, h->conf->reply_regions))
		return false;
	if (d->officer)
		return true;
	answer = allowance_take(h->allowance, d->has_subject ? d->subject : NULL, loop_wall_us(h->loop));
	if (answer != ALLOWANCE_YES)
		log_warn("reply", "not answered: %s", whys[answer]);
	return answer == ALLOWANCE_YES;
}

static bool is_screen(const struct delivery *d)
{
	return d->in.channel == CHANNEL_USSD && d->in.ussd_op != USSD_NONE;
}

/* How long the answer is still of use; 0 = it is too late. A clock that went back adds nothing. */
static int64_t validity_ms(const struct hotline *h, const struct delivery *d)
{
	int64_t whole_ms = is_screen(d) ? SCREEN_VALIDITY_MS : DELIVERY_ANSWER_MS;
	int64_t age_ms = (loop_wall_us(h->loop) - d->wall_us) / 1000;

	if (age_ms < 0)
		return whole_ms;
	return age_ms < whole_ms ? whole_ms - age_ms : 0;
}

/* A text costs money and may end up with a machine; a screen answers who is on the line, and without a word
 * it closes the session. */
static bool is_answered(struct hotline *h, const struct delivery *d, const char *text)
{
	if (is_screen(d))
		return d->in.reply_token[0];
	return text && may_answer(h, d);
}

void reply_send(struct hotline *h, const struct delivery *d, const char *text)
{
	struct owed *owed = owed_for(h, d);
	struct outbound out = {.channel = d->in.channel, .priority = OUTBOUND_REPLY, .text = text ? text : ""};

	out.validity_ms = validity_ms(h, d);
	if (text && out.validity_ms == 0)
		log_warn("reply", "a text is too old to be answered");
	if (out.validity_ms == 0 || !is_answered(h, d, text)) {
		settle(owed);
		return;
	}
	out.id = d->id;
	memcpy(out.link, d->in.link, sizeof(out.link));
	memcpy(out.from, d->in.dest, sizeof(out.from));
	memcpy(out.to, d->from.value, sizeof(out.to));
	memcpy(out.reply_token, d->in.reply_token, sizeof(out.reply_token));
	out.more = text && d->more;
	outbox_send(h->outbox, &out, on_sent, owed);
}
