/* Answers a delivery and settles what is owed for it. */
#include "path/reply.h"

#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/outbox.h"
#include "path/pending.h"

/* A question that arrives later than this only confuses; a screen's phone has gone by then. */
enum { VALIDITY_MS = 600 * 1000, SCREEN_VALIDITY_MS = 3 * 1000 };

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

/* A text costs money and may end up with a machine; a screen answers who is on the line. */
static bool is_answered(const struct hotline *h, const struct delivery *d, const char *text)
{
	if (d->in.channel == CHANNEL_USSD && d->in.ussd_op != USSD_NONE)
		return d->in.reply_token[0];
	return text && number_may_reply(&d->from, h->conf->reply_regions);
}

void reply_send(struct hotline *h, const struct delivery *d, const char *text)
{
	struct owed *owed = owed_for(h, d);
	struct outbound out = {.channel = d->in.channel, .priority = OUTBOUND_REPLY, .text = text ? text : ""};

	if (!is_answered(h, d, text)) {
		settle(owed);
		return;
	}
	out.id = d->id;
	memcpy(out.link, d->in.link, sizeof(out.link));
	memcpy(out.from, d->in.dest, sizeof(out.from));
	memcpy(out.to, d->from.value, sizeof(out.to));
	memcpy(out.reply_token, d->in.reply_token, sizeof(out.reply_token));
	out.more = text && d->more;
	out.validity_ms = d->in.reply_token[0] ? SCREEN_VALIDITY_MS : VALIDITY_MS;
	outbox_send(h->outbox, &out, on_sent, owed);
}
