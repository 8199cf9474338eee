/* Outcomes of notices: recorded as they come, kept and tried again while PostgreSQL is lost or in trouble. */
#include "path/outcomes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/hotline.h"
#include "store/pg.h"

enum { AGAIN_MS = 2000, RETRY_MS = 2000 };

static const struct pg_statement put_sent = {
	"alert_sent", "select notification_sent($1::uuid, $2::text, $3::text, $4::int, $5::text)"};
static const struct pg_statement put_receipt = {
	"alert_receipt", "select receipt_put($1::text, $2::text, $3::text)"};

static const char *const sent_words[] = {
	[SENT_OK] = "sent",        [SENT_RETRY] = "retry", [SENT_IN_DOUBT] = "in_doubt",
	[SENT_REFUSED] = "failed", [SENT_GONE] = "failed", [SENT_EXPIRED] = "retry",
};

static const char *const receipt_words[] = {
	[RECEIPT_DELIVERED] = "delivered", [RECEIPT_FAILED] = "failed",
	[RECEIPT_EXPIRED] = "failed",      [RECEIPT_INTERMEDIATE] = "intermediate",
};

struct outcome {
	struct outcome *next;
	struct outcomes *all;
	bool receipt;
	uint8_t notice[16];               /* of a send */
	char link[INBOUND_NAME_MAX];      /* of a receipt */
	char provider_ref[PROVIDER_REF_MAX];
	const char *word;                 /* as the schema knows it */
};

struct outcomes {
	struct hotline *h;              /* borrowed */
	struct outcome *first, **last;  /* owned: to be tried again */
	size_t count;                   /* of all there are, on their way or waiting */
	bool full, trouble;             /* has been said */
	struct loop_timer *again;
};

static void outcome_free(struct outcome *outcome)
{
	outcome->all->count--;
	mem_free(outcome);
}

static void on_recorded(void *arg, enum pg_outcome result, const char *error)
{
	struct outcome *outcome = arg;
	struct outcomes *o = outcome->all;

	if (result == PG_FAILED && !(o->trouble && !pg_error_is_data(error)))
		log_error("alert", "an outcome cannot be recorded: %s", error);
	o->trouble = result == PG_FAILED && !pg_error_is_data(error);
	if (result == PG_LOST || o->trouble) {
		outcome->next = NULL;
		*o->last = outcome;
		o->last = &outcome->next;
		if (!loop_timer_armed(o->again))
			loop_timer_set(o->again, AGAIN_MS);
		return;
	}
	o->full = false;
	outcome_free(outcome);
}

static void record(struct outcome *outcome)
{
	struct hotline *h = outcome->all->h;
	struct pg_params *p = pg_params_new();

	if (outcome->receipt) {
		pg_put_text(p, outcome->link);
		pg_put_text(p, outcome->provider_ref);
		pg_put_text(p, outcome->word);
	} else {
		pg_put_uuid(p, outcome->notice);
		pg_put_text(p, outcome->word);
		pg_put_text(p, outcome->provider_ref);
		pg_put_int(p, RETRY_MS);
		pg_put_text(p, NULL);
	}
	pg_exec(h->pg_duty, outcome->receipt ? &put_receipt : &put_sent, p, NULL, on_recorded, outcome);
}

static void again(void *arg)
{
	struct outcomes *o = arg;
	struct outcome *all = o->first;

	o->first = NULL;
	o->last = &o->first;
	while (all) {
		struct outcome *outcome = all;

		all = outcome->next;
		record(outcome);
	}
}

/* NULL: there are too many already. */
static struct outcome *outcome_new(struct outcomes *o, const char *word, const char *provider_ref)
{
	struct outcome *outcome;

	if (o->count == OUTCOMES_MAX) {
		if (!o->full)
			log_warn("alert", "more than %d outcomes wait for PostgreSQL: the rest is dropped", OUTCOMES_MAX);
		o->full = true;
		return NULL;
	}
	outcome = mem_alloc(sizeof(*outcome));
	outcome->all = o;
	outcome->word = word;
	snprintf(outcome->provider_ref, sizeof(outcome->provider_ref), "%s", provider_ref);
	o->count++;
	return outcome;
}

void outcomes_sent(struct outcomes *o, const uint8_t notice[16], enum sent_state state, const char *provider_ref)
{
	struct outcome *outcome = outcome_new(o, sent_words[state], provider_ref);

	if (!outcome)
		return;
	memcpy(outcome->notice, notice, sizeof(outcome->notice));
	record(outcome);
}

void outcomes_receipt(struct outcomes *o, const char *link, const struct receipt *receipt)
{
	struct outcome *outcome = outcome_new(o, receipt_words[receipt->status], receipt->provider_ref);

	if (!outcome)
		return;
	outcome->receipt = true;
	snprintf(outcome->link, sizeof(outcome->link), "%.31s", link);
	record(outcome);
}

size_t outcomes_waiting(const struct outcomes *o)
{
	return o->count;
}

struct outcomes *outcomes_new(struct hotline *h)
{
	struct outcomes *o = mem_alloc(sizeof(*o));

	o->h = h;
	o->last = &o->first;
	o->again = loop_timer_new(h->loop, again, o);
	return o;
}

void outcomes_free(struct outcomes *o)
{
	if (!o)
		return;
	while (o->first) {
		struct outcome *outcome = o->first;

		o->first = outcome->next;
		outcome_free(outcome);
	}
	loop_timer_free(o->again);
	mem_free(o);
}
