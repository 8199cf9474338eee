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
#include "path/outbox.h"
#include "path/outcomes.h"
#include "store/pg.h"
#include "store/vault.h"

enum {
	POLL_MS = 1000,
	CLAIM_MAX = 32,
	LEASE_S = 90,            /* longer than the longest wait for a carrier's answer */
	SALT_TRIES = 20,
	VALIDITY_MS = 80 * 1000, /* shorter than the lease: an unsent notice is claimed again, not sent twice */
	TEXT_MAX = 320
};

static const struct pg_statement claim = {
	"alert_claim",
	"select o_id, o_case_ref, o_urgency, o_kind, o_commune, o_idx, o_number_ct, o_salt, o_next_salt,"
	" o_holder from notifications_claim($1::text, $2::int, $3::int)"};
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
	{"taken", "%s %s. %s. Da co nguoi nhan: %s.", false},
};

static const struct {
	const char *urgency, *words;
} urgencies[] = {
	{"khan_cap", "KHAN CAP"}, {"cao", "MUC CAO"}, {"trung_binh", "MUC TRUNG BINH"}, {"thap", "MUC THAP"},
};

struct notice {
	struct alert *alert;
	uint8_t id[16];
	char ref[24], urgency[16], kind[16], commune[8], holder[64];
	uint8_t idx[16];
	char number[INBOUND_ADDRESS_MAX];
	int salt;
	int tries;
	bool has_code;
	bool code_taken; /* the last salt tried was refused */
};

struct alert {
	struct hotline *h; /* borrowed */
	struct outcomes *outcomes;
	struct loop_timer *timer;
	bool freed;        /* leases that nobody works on are: of its life before, of a claim whose answer was lost */
	bool busy, again;
	bool trouble;      /* claiming failed, and that was said */
	int claimed;
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

static void on_sent(void *arg, enum sent_state state, const char *provider_ref)
{
	static const char *const names[] = {
		[SENT_OK] = "sent",        [SENT_RETRY] = "not sent",   [SENT_IN_DOUBT] = "in doubt",
		[SENT_REFUSED] = "refused", [SENT_GONE] = "refused",     [SENT_EXPIRED] = "not sent in time",
	};
	struct notice *n = arg;

	log_info("alert", "case=%s %s", n->ref, names[state]);
	outcomes_sent(n->alert->outcomes, n->id, state, provider_ref);
	mem_free(n);
}

static void make_text(const struct notice *n, const char *code, char out[TEXT_MAX])
{
	const char *place = n->commune[0] ? places_name(n->commune, false) : NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *last = texts[i].code ? code : n->holder;

		if (strcmp(texts[i].kind, n->kind) == 0)
			snprintf(out, TEXT_MAX, texts[i].format, n->ref, alert_urgency_words(n->urgency),
				 place ? place : "Chua ro xa", last, last);
	}
}

static void send_notice(struct notice *n)
{
	struct hotline *h = n->alert->h;
	struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_ALERT};
	char code[ALERT_CODE_LEN + 1] = "", text[TEXT_MAX] = "";

	alert_code(h->vault, n->id, n->salt, code);
	make_text(n, code, text);
	memcpy(out.id.b, n->id, sizeof(out.id.b));
	snprintf(out.from, sizeof(out.from), "%s", h->conf->short_codes[0]);
	snprintf(out.to, sizeof(out.to), "%s", n->number);
	out.text = text;
	out.validity_ms = VALIDITY_MS;
	outbox_send(h->outbox, &out, on_sent, n);
	explicit_bzero(text, sizeof(text));
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
	if (outcome == PG_OK && !n->code_taken) {
		send_notice(n);
		return;
	}
	if (outcome == PG_OK && n->tries++ < SALT_TRIES) {
		n->salt++;
		try_code(n);
		return;
	}
	on_sent(n, SENT_RETRY, ""); /* at once, not when the lease runs out */
}

static void try_code(struct notice *n)
{
	struct hotline *h = n->alert->h;
	struct pg_params *p = pg_params_new();
	char code[ALERT_CODE_LEN + 1];
	uint8_t hash[ALERT_HASH_LEN];

	alert_code(h->vault, n->id, n->salt, code);
	alert_code_hash(h->vault, n->idx, code, hash);
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

static void take_row(struct alert *a, const struct pg_result *r, int row)
{
	struct notice *n = mem_alloc(sizeof(*n));

	n->alert = a;
	pg_get_uuid(r, row, 0, n->id);
	read_text(r, row, 1, n->ref, sizeof(n->ref));
	read_text(r, row, 2, n->urgency, sizeof(n->urgency));
	read_text(r, row, 3, n->kind, sizeof(n->kind));
	read_text(r, row, 4, n->commune, sizeof(n->commune));
	read_text(r, row, 9, n->holder, sizeof(n->holder));
	pg_get_bytes(r, row, 5, n->idx, sizeof(n->idx));
	n->has_code = strcmp(n->kind, "taken") != 0;
	n->salt = (int)pg_get_int(r, row, pg_is_null(r, row, 7) ? 8 : 7);
	if (!open_number(a, r, row, n)) {
		log_error("alert", "case=%s an officer's number cannot be opened with these keys", n->ref);
		on_sent(n, SENT_REFUSED, "");
		return;
	}
	if (n->has_code && pg_is_null(r, row, 7))
		try_code(n);
	else
		send_notice(n);
}

static void on_claimed(void *arg, const struct pg_result *r)
{
	struct alert *a = arg;

	a->claimed = pg_rows(r);
	for (int i = 0; i < a->claimed; i++)
		take_row(a, r, i);
}

static void look(void *arg);

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct alert *a = arg;
	bool more = outcome == PG_OK && (a->again || a->claimed == CLAIM_MAX);

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
	a->busy = true;
	a->claimed = 0;
	p = pg_params_new();
	pg_put_text(p, a->h->conf->node);
	if (!a->freed) {
		pg_exec(a->h->pg_duty, &free_leases, p, on_freed_row, on_freed, a);
		return;
	}
	pg_put_int(p, CLAIM_MAX);
	pg_put_int(p, LEASE_S);
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
	return a;
}

void alert_free(struct alert *a)
{
	if (!a)
		return;
	loop_timer_free(a->timer);
	outcomes_free(a->outcomes);
	mem_free(a);
}
