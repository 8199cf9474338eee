/* Station of the officers. */
#include "path/acks.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/command.h"
#include "path/alert.h"
#include "path/conversation.h"
#include "path/delivery.h"
#include "path/duty.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/reply.h"
#include "store/pg.h"

enum { RETRY_MS = 500, TEXT_MAX = 200 };

static const struct pg_statement run_command = {
	"acks_command", "select o_result, o_case_ref, o_urgency, o_other"
			" from officer_command($1::uuid, $2::text, $3::bytea, $4::bytea, $5::bool, $6::uuid,"
			" $7::text)"};

/* The command as the database knows it. */
static const char *const verbs[] = {
	[COMMAND_ACK] = "ack",   [COMMAND_DECLINE] = "decline", [COMMAND_PASS] = "pass",
	[COMMAND_DONE] = "done", [COMMAND_WHO] = "who",
};

/* Folded words behind XONG, and the reason they give for closing. Other words: "other"; they are not kept,
 * since people write names there. */
static const struct {
	const char *words, *code;
} reasons[] = {
	{"", "done"},
	{"chuyen", "referred"},
	{"chuyen co quan", "referred"},
	{"referred", "referred"},
	{"khong xac thuc", "unfounded"},
	{"khong co that", "unfounded"},
	{"unfounded", "unfounded"},
	{"trung", "duplicate"},
	{"duplicate", "duplicate"},
	{"nham", "mistake"},
	{"mistake", "mistake"},
};

/* What the officer is told: {r} reference, {u} urgency, {o} other officer, or who is on duty. A result that
 * is not here is answered by silence (wrong_silent: somebody is guessing). */
static const struct {
	const char *result, *text;
} answers[] = {
	{"acked", "Da ghi nhan: ban nhan {r} ({u}). Xong viec nhan: XONG va ma."},
	{"already_yours", "{r} ({u}) dang do ban phu trach."},
	{"taken", "{r} da do {o} nhan truoc."},
	{"declined", "Da ghi: ban khong nhan {r}. Dang bao nguoi tiep theo."},
	{"done", "Da dong {r}."},
	{"not_yours", "{r} khong do ban phu trach, chua dong."},
	{"passed", "Da chuyen {r}. Nguoi nhan phai xac nhan; neu khong se bao nguoi khac."},
	{"pass_whom", "Chua chuyen {r}: khong ro chuyen cho ai. Nhan CHUYEN, ma va ten trong danh sach truc."},
	{"noted", "Da ghi nhan thong tin {r}."},
	{"wrong_code", "Sai ma. Hay nhan NHAN va 6 so trong tin bao."},
	{"no_open", "Khong co viec nao dang cho ban."},
	{"several", "Co nhieu viec dang cho. Hay nhan NHAN va 6 so trong tin bao."},
	{"closed", "{r} da dong roi."},
	{"who", "Dang truc: {o}."},
	{"unknown", "So nay chua duoc dang ky."},
};

static const char send_code[] = "Chua lam gi. Hay nhan lai lenh kem 6 so trong tin bao, vi du NHAN 123456.";

struct acks {
	struct hotline *h;    /* borrowed */
	struct order *orders; /* owned: not answered yet */
};

struct order {
	struct acks *acks;
	struct order *next, **at;
	struct delivery *delivery; /* owned */
	struct command command;
	struct loop_timer *retry;  /* owned; NULL until needed */
	char text[TEXT_MAX];       /* the answer */
};

static void ask(void *arg);

static void order_free(struct order *o)
{
	*o->at = o->next;
	if (o->next)
		o->next->at = o->at;
	loop_timer_free(o->retry);
	delivery_free(o->delivery);
	mem_free(o);
}

/* The delivery gets its row like every other. */
static void file(struct hotline *h, const struct delivery *d)
{
	struct data_key key;
	struct entry entry = {0};

	vault_data_key_new(h->vault, &d->id, loop_wall_us(h->loop), &key);
	entry_from_delivery(h, d, &key, DISPOSITION_OFFICER, &entry);
	data_key_wipe(&key);
	filing_direct(h->filing, &entry);
}

/* Fills a text of the table in; what does not fit is left out. */
static void fill(const char *text, const char *ref, const char *urgency, const char *other,
		 char out[TEXT_MAX])
{
	struct buf b = {0};

	for (; *text; text++) {
		const char *value = text[0] != '{'   ? NULL
				    : text[1] == 'r' ? ref
				    : text[1] == 'u' ? urgency
						     : other;

		if (value)
			text += 2;
		buf_printf(&b, "%s", value ? value : (char[]){*text, '\0'});
	}
	snprintf(out, TEXT_MAX, "%s", buf_cstr(&b));
	buf_free(&b);
}

/* Ids of those on call now by the roster's schedules; `count` of officers where there is none. */
static char *name_duty(const struct hotline *h, const char *count)
{
	const struct roster *r = duty_roster(h->duty);
	struct buf out = {0};
	struct rota_duty on;
	char *text;

	for (size_t i = 0; i < r->schedule_count; i++) {
		rota_at(&r->schedules[i].rota, loop_wall_us(h->loop) / 1000000, &on);
		buf_printf(&out, "%s%s: ", i ? "; " : "", r->schedules[i].id);
		for (size_t j = 0; j < on.count; j++)
			buf_printf(&out, "%s%s", j ? ", " : "", r->people[on.people[j]].id);
		if (on.count == 0)
			buf_printf(&out, "-");
	}
	if (r->schedule_count == 0)
		buf_printf(&out, "%s nguoi", count);
	text = mem_strdup(buf_cstr(&out));
	buf_free(&out);
	return text;
}

static void on_answer(void *arg, const struct pg_result *r)
{
	struct order *o = arg;
	const char *result = pg_rows(r) == 1 ? pg_get(r, 0, 0) : "";
	char *other = strcmp(result, "who") == 0 ? name_duty(o->acks->h, pg_get(r, 0, 3)) : mem_strdup(pg_get(r, 0, 3));

	log_info("acks", "%s case=%s %s", command_verb_name(o->command.verb), pg_get(r, 0, 1), result);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		if (strcmp(answers[i].result, result) == 0)
			fill(answers[i].text, pg_get(r, 0, 1), alert_urgency_words(pg_get(r, 0, 2)),
			     other, o->text);
	}
	mem_free(other);
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct order *o = arg;
	struct hotline *h = o->acks->h;

	if (outcome != PG_OK) {
		if (outcome == PG_FAILED)
			log_error("acks", "a command cannot be carried out: %s", error ? error : "");
		if (!o->retry)
			o->retry = loop_timer_new(h->loop, ask, o);
		loop_timer_set(o->retry, RETRY_MS);
		return;
	}
	file(h, o->delivery);
	reply_send(h, o->delivery, o->text[0] ? o->text : NULL);
	order_free(o);
	escalate_hint(h->escalate);
	alert_hint(h->alert);
}

/* A case's reference is no secret, so it acknowledges nothing: it is treated as a code that is wrong by
 * its length, which stops no timer. */
static void put_code(struct pg_params *p, const struct order *o)
{
	const char *digits = o->command.ref[0] ? o->command.ref : o->command.code;
	uint8_t hash[ALERT_HASH_LEN];

	if (!digits[0]) {
		pg_put_bytes(p, NULL, 0);
		return;
	}
	alert_code_hash(o->acks->h->vault, o->delivery->subject, digits, hash);
	pg_put_bytes(p, hash, sizeof(hash));
}

static void put_target(struct pg_params *p, const struct order *o)
{
	const struct duty_officer *to = NULL;

	if (o->command.verb == COMMAND_PASS)
		to = duty_find_words(o->acks->h->duty, o->command.rest);
	if (to)
		pg_put_uuid(p, to->id);
	else
		pg_put_text(p, NULL);
}

static const char *close_code(const char *words)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (strcmp(reasons[i].words, words) == 0)
			return reasons[i].code;
	}
	return "other";
}

static void ask(void *arg)
{
	struct order *o = arg;
	struct pg_params *p = pg_params_new();

	pg_put_uuid(p, o->delivery->id.b);
	pg_put_text(p, verbs[o->command.verb]);
	pg_put_bytes(p, o->delivery->subject, sizeof(o->delivery->subject));
	put_code(p, o);
	pg_put_bool(p, o->delivery->repeat);
	put_target(p, o);
	pg_put_text(p, close_code(o->command.rest));
	pg_exec(o->acks->h->pg_duty, &run_command, p, on_answer, on_done, o);
}

void acks_answer(struct acks *acks, struct delivery *d, const char *text)
{
	file(acks->h, d);
	reply_send(acks->h, d, text);
	delivery_free(d);
}

void acks_ask_code(struct acks *acks, struct delivery *d)
{
	acks_answer(acks, d, send_code);
}

void acks_take(struct acks *acks, struct delivery *d, const struct command *command)
{
	struct order *o;

	/* delivered twice, perhaps: without a code nobody knows which case it meant the first time */
	if (d->repeat && command->verb != COMMAND_WHO && !command->code[0] && !command->ref[0]) {
		acks_ask_code(acks, d);
		return;
	}
	o = mem_alloc(sizeof(*o));
	o->acks = acks;
	o->delivery = d;
	o->command = *command;
	o->next = acks->orders;
	o->at = &acks->orders;
	if (o->next)
		o->next->at = &o->next;
	acks->orders = o;
	ask(o);
}

struct acks *acks_new(struct hotline *h)
{
	struct acks *acks = mem_alloc(sizeof(*acks));

	acks->h = h;
	return acks;
}

void acks_free(struct acks *acks)
{
	while (acks && acks->orders)
		order_free(acks->orders);
	mem_free(acks);
}
