/* Seventh station: the officer's phone. */
#include "path/alert.h"

#include <stdio.h>
#include <string.h>

#include "adapters/adapter.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/places.h"
#include "path/hotline.h"
#include "path/mail.h"
#include "path/outbox.h"
#include "path/outcomes.h"
#include "store/pg.h"
#include "store/vault.h"

enum {
	POLL_MS = 1000,
	LISTEN_MS = 5000,
	/* Notices on their way at once: so few that an urgent one never waits behind many on a carrier that is
	 * throttled. The rest wait in PostgreSQL, most urgent first; the last places are for emergencies. */
	FLIGHT_MAX = 48,
	FLIGHT_CALM_MAX = 32,
	BUNDLE_MAX = 4,          /* alerts in one text */
	LEASE_S = 90,            /* longer than the longest wait for a carrier's answer */
	SALT_TRIES = 20,
	VALIDITY_MS = 80 * 1000, /* shorter than the lease: an unsent notice is claimed again, not sent twice */
	TEXT_MAX = 400,
	ADDRESS_MAX = 256
};

static const struct pg_statement claim = {
	"alert_claim",
	"select o_id, o_case_ref, o_urgency, o_kind, o_commune, o_idx, o_number_ct, o_salt, o_next_salt,"
	" coalesce(o_detail, o_holder), o_channel, o_code_idx"
	" from notifications_claim($1::text, $2::int, $3::int, $4::int)"};
/* Alerts without a receipt in time: their officers' next ways are taken up. */
static const struct pg_statement unheard = {
	"alert_unheard", "select o_case_ref, o_count from notices_unheard()"};
static const struct pg_statement put_code = {
	"alert_code", "select ack_code_put($1::uuid, $2::bytea, $3::int)"};
/* Leases of this daemon's life before: nobody is sending under them any more. */
static const struct pg_statement free_leases = {
	"alert_free", "select notifications_free($1::text)"};

/* What officers read. Neutral on a lock screen: a code, a grade, a place; never a name or a story. */
static const struct {
	const char *kind;
	const char *format; /* ref, urgency, place, code or holder */
	bool code;
} texts[] = {
	{"alert", "%s %s. %s. Tra loi NHAN %s de nhan viec, KHONG %s neu khong the.", true},
	{"again", "%s %s: co tin moi. %s. Ma: %s (NHAN %s).", true},
	{"remind", "%s %s. %s. Sap het han nhan viec. Nhan %s de giu, XONG %s neu da xong.", true},
	{"clock", "%s %s. %s. Thoi han: %s.", false},
	{"taken", "%s %s. %s. Da co nguoi nhan: %s.", false},
};

static const struct {
	const char *urgency, *words;
} urgencies[] = {
	{"khan_cap", "KHAN CAP"}, {"cao", "MUC CAO"}, {"trung_binh", "MUC TRUNG BINH"}, {"thap", "MUC THAP"},
};

/* One text: one notice, or several alerts to one phone that are due together. */
struct bundle {
	struct alert *alert;
	struct notice *notices[BUNDLE_MAX]; /* owned */
	size_t count;
	size_t waiting; /* have no code yet */
};

struct notice {
	struct alert *alert;
	struct bundle *bundle;
	uint8_t id[16];
	char ref[24], urgency[16], kind[16], commune[8];
	char holder[128]; /* or of a clock: which one, and when it ends */
	char channel[12];
	uint8_t idx[16];      /* of the address */
	uint8_t code_idx[16]; /* of the phone that answers with the code */
	char number[ADDRESS_MAX]; /* or mail address */
	int salt;
	int tries;
	bool has_code, needs_code;
	bool code_taken; /* the last salt tried was refused */
};

struct alert {
	struct hotline *h; /* borrowed */
	struct outcomes *outcomes;
	struct loop_timer *timer, *ear;
	bool freed;        /* leases that nobody works on are: of its life before, of a claim whose answer was lost */
	bool busy, again;
	bool trouble;      /* claiming failed, and that was said */
	int claimed;
	int claim_max;     /* asked for in the claim under way */
	int flying;        /* notices whose outcome is not known yet */
};

/* ---- codes ---- */

void alert_code(const struct vault *vault, const uint8_t notice[16], int salt, char out[ALERT_CODE_LEN + 1])
{
	struct buf name = {0};
	uint8_t hash[VAULT_INDEX_LEN];
	uint64_t n = 0;

	buf_put_u8(&name, 'c');
	buf_put(&name, notice, 16);
	buf_put_u32(&name, (uint32_t)salt);
	vault_index(vault, VAULT_IDX_CODE, name.data, name.len, hash);
	buf_free(&name);
	for (int i = 0; i < 8; i++)
		n = n << 8 | hash[i];
	snprintf(out, ALERT_CODE_LEN + 1, "%06u", (unsigned)(n % 1000000));
}

void alert_code_hash(const struct vault *vault, const uint8_t number[16], const char *digits,
		     uint8_t out[ALERT_HASH_LEN])
{
	struct buf name = {0};

	buf_put_u8(&name, 'h');
	buf_put(&name, number, 16);
	buf_put_str(&name, digits);
	vault_index(vault, VAULT_IDX_CODE, name.data, name.len, out);
	buf_free(&name);
}

const char *alert_urgency_words(const char *urgency)
{
	for (size_t i = 0; i < sizeof(urgencies) / sizeof(*urgencies); i++) {
		if (strcmp(urgencies[i].urgency, urgency) == 0)
			return urgencies[i].words;
	}
	return "";
}

/* ---- sending ---- */

static void on_sent(struct notice *n, enum sent_state state, const char *provider_ref)
{
	static const char *const names[] = {
		[SENT_OK] = "sent",        [SENT_RETRY] = "not sent",   [SENT_IN_DOUBT] = "in doubt",
		[SENT_REFUSED] = "refused", [SENT_GONE] = "refused",     [SENT_EXPIRED] = "not sent in time",
	};
	struct alert *a = n->alert;

	log_info("alert", "case=%s %s %s", n->ref, n->channel, names[state]);
	outcomes_sent(a->outcomes, n->id, state, provider_ref);
	mem_free(n);
	a->flying--;
	if (a->flying != FLIGHT_MAX - 1 && a->flying != FLIGHT_CALM_MAX / 2)
		return;
	if (a->busy)
		a->again = true;
	else
		loop_timer_set(a->timer, 0); /* there is room again */
}

static void on_bundle_sent(void *arg, enum sent_state state, const char *provider_ref)
{
	struct bundle *b = arg;

	for (size_t i = 0; i < b->count; i++)
		on_sent(b->notices[i], state, provider_ref);
	mem_free(b);
}

/* The mail system, or the other side of a webhook, has taken it. */
static void on_taken(void *arg, bool taken)
{
	on_bundle_sent(arg, taken ? SENT_OK : SENT_REFUSED, "");
}

static const char *place_of(const struct notice *n)
{
	const char *place = n->commune[0] ? places_name(n->commune, false) : NULL;

	return place ? place : "Chua ro xa";
}

static void make_text(const struct notice *n, const char *code, char out[TEXT_MAX])
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *last = texts[i].code ? code : n->holder;

		if (strcmp(texts[i].kind, n->kind) == 0)
			snprintf(out, TEXT_MAX, texts[i].format, n->ref, alert_urgency_words(n->urgency), place_of(n),
				 last, last);
	}
}

/* "2 viec. BP-12 MUC CAO, Bom Bo: NHAN 482113. BP-13 ...". */
static void make_bundle_text(const struct bundle *b, char out[TEXT_MAX])
{
	size_t len = (size_t)snprintf(out, TEXT_MAX, "%zu viec.", b->count);
	char code[ALERT_CODE_LEN + 1];

	for (size_t i = 0; i < b->count && len < TEXT_MAX; i++) {
		const struct notice *n = b->notices[i];

		alert_code(b->alert->h->vault, n->id, n->salt, code);
		len += (size_t)snprintf(out + len, TEXT_MAX - len, " %s %s, %s: NHAN %s.", n->ref,
					alert_urgency_words(n->urgency), place_of(n), code);
	}
}

static void mail_bundle(struct bundle *b, const char *text)
{
	const struct hotline *h = b->alert->h;
	const struct notice *first = b->notices[0];
	char subject[64];

	snprintf(subject, sizeof(subject), "%s %s", first->ref, alert_urgency_words(first->urgency));
	mail_send(h->loop, &(struct mail_text){h->conf->alerts_sendmail, h->conf->alerts_mail_from, first->number, subject,
					       text}, on_taken, b);
}

/* {"id", "ref", "urgency", "text"}; our own texts need no escapes in JSON. */
static void post_bundle(struct bundle *b, const char *text)
{
	const struct hotline *h = b->alert->h;
	const struct notice *first = b->notices[0];
	struct id16 id;
	char uuid[ID16_TEXT], *body;

	memcpy(id.b, first->id, sizeof(id.b));
	id16_text(&id, uuid);
	body = mem_printf("{\"id\":\"%s\",\"ref\":\"%s\",\"urgency\":\"%s\",\"text\":\"%s\"}", uuid, first->ref,
			  first->urgency, text);
	h->web.call(h->web.ctx, first->number, body, on_taken, b);
	explicit_bzero(body, strlen(body));
	mem_free(body);
}

static void send_bundle(struct bundle *b)
{
	struct hotline *h = b->alert->h;
	struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_ALERT};
	char code[ALERT_CODE_LEN + 1] = "", text[TEXT_MAX] = "";
	const struct notice *first = b->count > 0 ? b->notices[0] : NULL;

	if (!first) {
		mem_free(b);
		return;
	}
	if (strcmp(first->urgency, "khan_cap") == 0)
		out.priority = OUTBOUND_URGENT;
	if (h->closing) { /* the outbox has gone before PostgreSQL; the lease is freed at the next start */
		on_bundle_sent(b, SENT_RETRY, "");
		return;
	}
	alert_code(h->vault, first->id, first->salt, code);
	if (b->count == 1)
		make_text(first, code, text);
	else
		make_bundle_text(b, text);
	if (strcmp(first->channel, "sms") == 0) {
		memcpy(out.id.b, first->id, sizeof(out.id.b));
		snprintf(out.from, sizeof(out.from), "%s", h->conf->short_codes[0]);
		snprintf(out.to, sizeof(out.to), "%.*s", (int)sizeof(out.to) - 1, first->number);
		out.text = text;
		out.validity_ms = VALIDITY_MS;
		outbox_send(h->outbox, &out, on_bundle_sent, b);
	} else if (strcmp(first->channel, "mail") == 0) {
		mail_bundle(b, text);
	} else if (h->web.call) {
		post_bundle(b, text);
	} else {
		on_bundle_sent(b, SENT_REFUSED, ""); /* the officer's next way is taken up at once */
	}
	explicit_bzero(text, sizeof(text));
}

/* One more of the bundle is settled; the last one sends it. */
static void settle(struct notice *n, bool ready)
{
	struct bundle *b = n->bundle;

	if (!ready) {
		size_t i = 0;

		while (b->notices[i] != n)
			i++;
		b->count--;
		memmove(b->notices + i, b->notices + i + 1, (b->count - i) * sizeof(struct notice *));
		on_sent(n, SENT_RETRY, ""); /* at once, not when the lease runs out */
	}
	if (--b->waiting == 0)
		send_bundle(b);
}

/* ---- giving a notice its code ---- */

static void try_code(struct notice *n);

static void on_code_row(void *arg, const struct pg_result *r)
{
	struct notice *n = arg;

	n->code_taken = pg_rows(r) != 1 || strcmp(pg_get(r, 0, 0), "t") != 0;
}

static void on_code(void *arg, enum pg_outcome outcome, const char *error)
{
	struct notice *n = arg;

	if (outcome == PG_FAILED)
		log_error("alert", "case=%s gets no code: %s", n->ref, error ? error : "");
	if (outcome == PG_OK && n->code_taken && n->tries++ < SALT_TRIES) {
		n->salt++;
		try_code(n);
		return;
	}
	settle(n, outcome == PG_OK && !n->code_taken);
}

static void try_code(struct notice *n)
{
	struct hotline *h = n->alert->h;
	struct pg_params *p = pg_params_new();
	char code[ALERT_CODE_LEN + 1];
	uint8_t hash[ALERT_HASH_LEN];

	alert_code(h->vault, n->id, n->salt, code);
	alert_code_hash(h->vault, n->code_idx, code, hash);
	pg_put_uuid(p, n->id);
	pg_put_bytes(p, hash, sizeof(hash));
	pg_put_int(p, n->salt);
	pg_exec(h->pg_duty, &put_code, p, on_code_row, on_code, n);
}

/* ---- claiming ---- */

static void read_text(const struct pg_result *r, int row, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", pg_get(r, row, column));
}

static bool open_number(struct alert *a, const struct pg_result *r, int row, struct notice *n)
{
	struct buf number = {0};
	size_t len = 0;
	uint8_t *sealed = pg_get_bytes_dup(r, row, 6, &len);
	bool ok = sealed && vault_unseal(a->h->vault, VAULT_CONTACT, n->idx, sizeof(n->idx), sealed, len, &number) &&
		  number.len < sizeof(n->number);

	if (ok)
		memcpy(n->number, number.data, number.len);
	buf_free(&number);
	mem_free(sealed);
	return ok;
}

static struct notice *read_notice(struct alert *a, const struct pg_result *r, int row)
{
	struct notice *n = mem_alloc(sizeof(*n));

	n->alert = a;
	pg_get_uuid(r, row, 0, n->id);
	read_text(r, row, 1, n->ref, sizeof(n->ref));
	read_text(r, row, 2, n->urgency, sizeof(n->urgency));
	read_text(r, row, 3, n->kind, sizeof(n->kind));
	read_text(r, row, 4, n->commune, sizeof(n->commune));
	read_text(r, row, 9, n->holder, sizeof(n->holder));
	read_text(r, row, 10, n->channel, sizeof(n->channel));
	pg_get_bytes(r, row, 5, n->idx, sizeof(n->idx));
	pg_get_bytes(r, row, 11, n->code_idx, sizeof(n->code_idx));
	n->has_code = strcmp(n->kind, "taken") != 0 && strcmp(n->kind, "clock") != 0;
	n->needs_code = n->has_code && pg_is_null(r, row, 7);
	n->salt = (int)pg_get_int(r, row, pg_is_null(r, row, 7) ? 8 : 7);
	a->flying++;
	return n;
}

/* An emergency has a text of its own; other alerts that are due together share one, each with its code. */
static bool may_share(const struct notice *n)
{
	return strcmp(n->kind, "alert") == 0 && strcmp(n->urgency, "khan_cap") != 0;
}

static void bundle_add(struct bundle **bundles, size_t *count, struct notice *n)
{
	struct bundle *b = NULL;

	for (size_t i = 0; may_share(n) && !b && i < *count; i++) {
		const struct notice *first = bundles[i]->notices[0];

		if (bundles[i]->count < BUNDLE_MAX && may_share(first) && memcmp(first->idx, n->idx, sizeof(n->idx)) == 0)
			b = bundles[i];
	}
	if (!b) {
		b = mem_alloc(sizeof(*b));
		b->alert = n->alert;
		bundles[(*count)++] = b;
	}
	n->bundle = b;
	b->notices[b->count++] = n;
	b->waiting++;
}

/* Each notice of a bundle gets its code, which may take a while. */
static void bundle_begin(struct bundle *b)
{
	struct notice *notices[BUNDLE_MAX];
	size_t count = b->count;

	memcpy(notices, b->notices, sizeof(notices));
	for (size_t i = 0; i < count; i++) {
		if (notices[i]->needs_code)
			try_code(notices[i]);
		else
			settle(notices[i], true);
	}
}

static void on_claimed(void *arg, const struct pg_result *r)
{
	struct alert *a = arg;
	struct bundle *bundles[FLIGHT_MAX];
	size_t count = 0;

	a->claimed = pg_rows(r);
	for (int i = 0; i < a->claimed && i < FLIGHT_MAX; i++) {
		struct notice *n = read_notice(a, r, i);

		if (open_number(a, r, i, n)) {
			bundle_add(bundles, &count, n);
		} else {
			log_error("alert", "case=%s an officer's address cannot be opened with these keys", n->ref);
			on_sent(n, SENT_REFUSED, "");
		}
	}
	for (size_t i = 0; i < count; i++)
		bundle_begin(bundles[i]);
}

/* ---- alerts that nothing is heard of ---- */

static void on_unheard(void *arg, const struct pg_result *r)
{
	(void)arg;
	for (int i = 0; i < pg_rows(r); i++)
		log_warn("alert", "case=%s no receipt in time; another way is taken up=%s", pg_get(r, i, 0),
			 pg_get(r, i, 1));
}

static void on_listened(void *arg, enum pg_outcome outcome, const char *error)
{
	struct alert *a = arg;

	if (outcome == PG_FAILED)
		log_error("alert", "alerts without a receipt cannot be looked for: %s", error ? error : "");
	loop_timer_set(a->ear, LISTEN_MS);
}

static void listen_for_silence(void *arg)
{
	struct alert *a = arg;

	pg_exec(a->h->pg_duty, &unheard, NULL, on_unheard, on_listened, a);
}

/* ---- looking ---- */

static void look(void *arg);

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct alert *a = arg;
	bool more = outcome == PG_OK && (a->again || (a->claimed > 0 && a->claimed == a->claim_max));

	a->busy = a->again = false;
	if (outcome == PG_FAILED && !a->trouble)
		log_error("alert", "notices cannot be claimed: %s; tried again every second", error);
	a->trouble = outcome == PG_FAILED;
	if (outcome == PG_LOST) /* it may have leased notices that we never saw */
		a->freed = false;
	loop_timer_set(a->timer, more ? 0 : POLL_MS);
}

static void on_freed_row(void *arg, const struct pg_result *r)
{
	(void)arg;
	if (pg_rows(r) == 1 && pg_get_int(r, 0, 0) > 0)
		log_info("alert", "notices left over, going out again: %s", pg_get(r, 0, 0));
}

static void on_freed(void *arg, enum pg_outcome outcome, const char *error)
{
	struct alert *a = arg;

	a->busy = false;
	if (outcome == PG_FAILED)
		log_error("alert", "leases cannot be freed: %s", error ? error : "");
	a->freed = outcome == PG_OK;
	if (a->freed)
		loop_timer_set(a->ear, LISTEN_MS);
	loop_timer_set(a->timer, a->freed ? 0 : POLL_MS);
}

static void look(void *arg)
{
	struct alert *a = arg;
	struct pg_params *p;

	if (a->busy) {
		a->again = true;
		return;
	}
	a->claim_max = FLIGHT_MAX - a->flying;
	if (a->claim_max <= 0)
		return; /* the next outcome looks again */
	a->busy = true;
	a->claimed = 0;
	p = pg_params_new();
	pg_put_text(p, a->h->conf->node);
	if (!a->freed) {
		pg_exec(a->h->pg_duty, &free_leases, p, on_freed_row, on_freed, a);
		return;
	}
	pg_put_int(p, a->claim_max);
	pg_put_int(p, LEASE_S);
	pg_put_int(p, FLIGHT_CALM_MAX > a->flying ? FLIGHT_CALM_MAX - a->flying : 0);
	pg_exec(a->h->pg_duty, &claim, p, on_claimed, on_done, a);
}

void alert_hint(struct alert *a)
{
	look(a);
}

void alert_receipt(struct alert *a, const char *link, const struct receipt *receipt)
{
	outcomes_receipt(a->outcomes, link, receipt);
}

void alert_start(struct alert *a)
{
	loop_timer_set(a->timer, 0);
}

struct alert *alert_new(struct hotline *h)
{
	struct alert *a = mem_alloc(sizeof(*a));

	a->h = h;
	a->outcomes = outcomes_new(h);
	a->timer = loop_timer_new(h->loop, look, a);
	a->ear = loop_timer_new(h->loop, listen_for_silence, a);
	return a;
}

void alert_free(struct alert *a)
{
	if (!a)
		return;
	loop_timer_free(a->timer);
	loop_timer_free(a->ear);
	outcomes_free(a->outcomes);
	mem_free(a);
}
