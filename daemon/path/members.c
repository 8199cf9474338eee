/* The code that a new network member sends back. */
#include "path/members.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/letters.h"
#include "path/acks.h"
#include "path/alert.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/roles.h"
#include "store/pg.h"

enum { TEXT_MAX = 40 };

static const struct pg_statement verify = {
	"member_verify", "select member_verify($1::bytea, $2::bytea, 'member')"};

static const struct {
	const char *result, *text;
} answers[] = {
	{"verified", "Da xac nhan. Cam on ban da tham gia mang luoi bao ve tre em."},
	{"already", "So nay da duoc xac nhan."},
	{"wrong", "Sai ma. Hay nhan lai XN va 6 so trong tin da nhan."},
	{"void", "Ma khong con hieu luc. Hay lien he can bo phu trach de nhan ma moi."},
};

struct verifying {
	struct hotline *h;         /* borrowed */
	struct delivery *delivery; /* owned */
	const char *text;          /* the answer */
};

bool members_code(const char *text, char digits[MEMBERS_CODE_LEN + 1])
{
	struct letter letters[TEXT_MAX];
	size_t n = letters_split(text, letters, TEXT_MAX), i = 0, found = 0;
	char code[MEMBERS_CODE_LEN + 1] = "";

	while (i < n && letters[i].base == ' ')
		i++;
	if (n == TEXT_MAX || n - i < 2 || letters[i].base != 'x' || letters[i + 1].base != 'n')
		return false;
	for (i += 2; i < n; i++) {
		char c = letters[i].base;

		if (c >= '0' && c <= '9' && found < MEMBERS_CODE_LEN)
			code[found++] = c;
		else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
			return false;
	}
	if (found != MEMBERS_CODE_LEN)
		return false;
	memcpy(digits, code, sizeof(code));
	return true;
}

static void on_row(void *arg, const struct pg_result *r)
{
	struct verifying *v = arg;

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		if (strcmp(answers[i].result, pg_get(r, 0, 0)) == 0)
			v->text = answers[i].text;
	}
	log_info("members", "code %s", pg_get(r, 0, 0));
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct verifying *v = arg;

	if (v->h->closing) { /* it stays in the spool and is asked again */
		delivery_free(v->delivery);
		mem_free(v);
		return;
	}
	if (outcome == PG_FAILED)
		log_error("members", "a code cannot be checked: %s", error ? error : "");
	if (outcome != PG_OK)
		v->text = "Chua xac nhan duoc. Hay nhan lai sau it phut.";
	acks_answer(v->h->acks, v->delivery, v->text);
	roles_refresh(v->h->roles);
	mem_free(v);
}

void members_take(struct hotline *h, struct delivery *d, const char *digits)
{
	struct verifying *v = mem_alloc(sizeof(*v));
	struct pg_params *p = pg_params_new();
	uint8_t hash[ALERT_HASH_LEN];

	v->h = h;
	v->delivery = d;
	alert_code_hash(h->vault, d->subject, digits, hash);
	pg_put_bytes(p, d->subject, sizeof(d->subject));
	pg_put_bytes(p, hash, sizeof(hash));
	pg_exec(h->pg_duty, &verify, p, on_row, on_done, v);
}
