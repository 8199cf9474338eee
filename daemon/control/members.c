/* Network members over the control socket: enrolled, verified, revoked, listed. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "control/control.h"
#include "core/ids.h"
#include "core/number.h"
#include "core/places.h"
#include "path/alert.h"
#include "path/hotline.h"
#include "path/members.h"
#include "path/outbox.h"
#include "path/roles.h"
#include "store/vault.h"

enum { VALIDITY_MS = 24 * 3600 * 1000, NAME_MAX_BYTES = 100 };

static const char *const member_roles[] = {"collaborator", "teacher", "health", "commune", "police", "other", NULL};

static const struct pg_statement enrol = {
	"member_enrol",
	"select member_enrol($1::bytea, $2::bytea, $3::text, $4::text, $5::bytea, $6::bytea, $7::text)"};
static const struct pg_statement verify = {
	"member_verify_by", "select member_verify($1::bytea, $2::bytea, $3::text)"};
static const struct pg_statement revoke = {"member_revoke", "select member_revoke($1::bytea, $2::text)"};
static const struct pg_statement list = {
	"members_rows", "select o_idx, o_number_ct, o_name_ct, o_role, o_commune, o_state, o_made_at from members_rows()"};

struct asking {
	struct control_request *request;
	struct number number;
	char code[MEMBERS_CODE_LEN + 1]; /* to be sent; "" = none */
	char result[16];
	json_t *rows;
};

/* ---- what they share ---- */

static bool read_number(struct control_request *request, struct number *n)
{
	const char *number = control_text(request, "number");

	number_parse(number ? number : "", 0, request->hotline->conf->region, n);
	if (n->kind == NUMBER_MSISDN)
		return true;
	control_refuse(request, CONTROL_EXIT_USAGE, "a member needs a phone number: +84...");
	return false;
}

static void put_idx(const struct hotline *h, struct pg_params *p, const struct number *n, uint8_t idx[VAULT_INDEX_LEN])
{
	vault_index(h->vault, VAULT_IDX_SUBJECT, n->value, strlen(n->value), idx);
	pg_put_bytes(p, idx, VAULT_INDEX_LEN);
}

static void put_sealed(const struct hotline *h, struct pg_params *p, const uint8_t *idx, const char *text)
{
	struct buf sealed = {0};

	if (text)
		vault_seal(h->vault, VAULT_CONTACT, idx, VAULT_INDEX_LEN, text, strlen(text), &sealed);
	pg_put_bytes(p, text ? sealed.data : NULL, sealed.len);
	buf_free(&sealed);
}

static void put_code(const struct hotline *h, struct pg_params *p, const uint8_t *idx, const char *digits)
{
	uint8_t hash[ALERT_HASH_LEN];

	alert_code_hash(h->vault, idx, digits, hash);
	pg_put_bytes(p, hash, sizeof(hash));
}

static const char *actor_of(const struct control_request *request)
{
	const char *by = control_text(request, "by");

	return by ? by : "operator";
}

static void on_texted(void *arg, enum sent_state state, const char *provider_ref)
{
	(void)arg;
	(void)provider_ref;
	if (state != SENT_OK)
		log_warn("members", "a code could not be sent: enrol the member again");
}

static void send_code(struct hotline *h, const struct asking *a)
{
	struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_REPLY, .validity_ms = VALIDITY_MS};
	char text[160];

	snprintf(text, sizeof(text), "Ma xac nhan cua ban: %s. De tham gia, tra loi: XN %s", a->code, a->code);
	out.id = id16_new(loop_wall_us(h->loop));
	snprintf(out.from, sizeof(out.from), "%s", h->conf->short_codes[0]);
	snprintf(out.to, sizeof(out.to), "%.*s", (int)sizeof(out.to) - 1, a->number.value);
	out.text = text;
	outbox_send(h->outbox, &out, on_texted, NULL);
	explicit_bzero(text, sizeof(text));
}

static void on_result(void *arg, const struct pg_result *r)
{
	struct asking *a = arg;

	snprintf(a->result, sizeof(a->result), "%s", pg_get(r, 0, 0));
}

static void on_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct asking *a = arg;
	struct hotline *h = a->request->hotline;

	if (outcome != PG_OK) {
		control_refuse_store(a->request, outcome, error);
	} else {
		if (a->code[0] && strcmp(a->result, "enrolled") == 0)
			send_code(h, a);
		control_answer(a->request, json_pack("{s:s}", "result", a->result));
		roles_refresh(h->roles);
	}
	explicit_bzero(a->code, sizeof(a->code));
	mem_free(a);
}

/* ---- the four commands ---- */

static bool is_role(const char *role)
{
	for (size_t i = 0; role && member_roles[i]; i++) {
		if (strcmp(member_roles[i], role) == 0)
			return true;
	}
	return false;
}

void members_enrol(struct control_request *request)
{
	struct hotline *h = request->hotline;
	const char *role = control_text(request, "role"), *commune = control_text(request, "commune");
	const char *name = control_text(request, "name");
	uint8_t idx[VAULT_INDEX_LEN];
	struct asking *a;
	struct pg_params *p;
	struct number n;

	if (!read_number(request, &n))
		return;
	if (!is_role(role) || (commune && (strlen(commune) != 5 || !places_name(commune, false))) ||
	    (name && strlen(name) > NAME_MAX_BYTES)) {
		control_refuse(request, CONTROL_EXIT_USAGE, "role: collaborator, teacher, health, commune, police or other;"
			       " commune: a code of 5 digits; name: at most %d bytes", NAME_MAX_BYTES);
		return;
	}
	a = mem_alloc(sizeof(*a));
	a->request = request;
	a->number = n;
	snprintf(a->code, sizeof(a->code), "%06u", randombytes_uniform(1000000));
	p = pg_params_new();
	put_idx(h, p, &n, idx);
	put_sealed(h, p, idx, n.value);
	pg_put_text(p, role);
	pg_put_text(p, commune);
	put_sealed(h, p, idx, name);
	put_code(h, p, idx, a->code);
	pg_put_text(p, actor_of(request));
	pg_exec(h->pg_duty, &enrol, p, on_result, on_done, a);
}

void members_verify(struct control_request *request)
{
	struct hotline *h = request->hotline;
	const char *code = control_text(request, "code");
	uint8_t idx[VAULT_INDEX_LEN];
	struct asking *a;
	struct pg_params *p;
	struct number n;

	if (!read_number(request, &n))
		return;
	a = mem_alloc(sizeof(*a));
	a->request = request;
	p = pg_params_new();
	put_idx(h, p, &n, idx);
	put_code(h, p, idx, code ? code : "");
	pg_put_text(p, actor_of(request));
	pg_exec(h->pg_duty, &verify, p, on_result, on_done, a);
}

void members_revoke(struct control_request *request)
{
	uint8_t idx[VAULT_INDEX_LEN];
	struct asking *a;
	struct pg_params *p;
	struct number n;

	if (!read_number(request, &n))
		return;
	a = mem_alloc(sizeof(*a));
	a->request = request;
	p = pg_params_new();
	put_idx(request->hotline, p, &n, idx);
	pg_put_text(p, actor_of(request));
	pg_exec(request->hotline->pg_duty, &revoke, p, on_result, on_done, a);
}

static char *open_text(const struct hotline *h, const struct pg_result *r, int row, int column, const uint8_t *idx)
{
	struct buf text = {0};
	size_t len = 0;
	uint8_t *sealed = pg_get_bytes_dup(r, row, column, &len);
	char *out = NULL;

	if (sealed && vault_unseal(h->vault, VAULT_CONTACT, idx, VAULT_INDEX_LEN, sealed, len, &text))
		out = mem_strndup((const char *)text.data, text.len);
	buf_free(&text);
	mem_free(sealed);
	return out;
}

static void on_rows(void *arg, const struct pg_result *r)
{
	struct asking *a = arg;
	uint8_t idx[VAULT_INDEX_LEN];

	for (int row = 0; row < pg_rows(r); row++) {
		char *number, *name;
		char masked[NUMBER_MASK_MAX];

		pg_get_bytes(r, row, 0, idx, sizeof(idx));
		number = open_text(a->request->hotline, r, row, 1, idx);
		name = open_text(a->request->hotline, r, row, 2, idx);
		number_mask(number ? number : "", masked);
		json_array_append_new(a->rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "number", masked, "name",
							 name ? name : "", "role", pg_get(r, row, 3), "commune",
							 pg_get(r, row, 4), "state", pg_get(r, row, 5), "since",
							 pg_get(r, row, 6)));
		mem_free(number);
		mem_free(name);
	}
}

static void on_listed(void *arg, enum pg_outcome outcome, const char *error)
{
	struct asking *a = arg;

	if (outcome == PG_OK)
		control_answer(a->request, json_incref(a->rows));
	else
		control_refuse_store(a->request, outcome, error);
	json_decref(a->rows);
	mem_free(a);
}

void members_list(struct control_request *request)
{
	struct asking *a = mem_alloc(sizeof(*a));

	a->request = request;
	a->rows = json_array();
	pg_exec(request->hotline->pg_duty, &list, NULL, on_rows, on_listed, a);
}
