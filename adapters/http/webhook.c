/* The provider calls: who it is, what it says, and the answer once that is durable. */
#include "adapters/http/link.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"

enum { TELL_EVERY_MS = 10 * 1000 };

/* A request that has passed the gate, being read. */
struct visit {
	struct link *link;
	struct http_exchange *x;
	const struct http_door *door;
	struct http_fields fields;
};

/* ---- answers ---- */

static void answer_with(struct http_exchange *x, const struct http_said *said, const char *text)
{
	const struct http_value values[] = {{"text", text}};
	bool json = said->type && strstr(said->type, "json");
	struct buf body = {0};

	if (said->body)
		http_fill(said->body, values, 1, json ? HTTP_AS_JSON : HTTP_AS_TEXT, &body);
	http_answer(x, said->status, said->body ? said->type : NULL, body.data, body.len);
	buf_free(&body);
}

/* Refusals are counted, and told now and then: a flood of them must not fill the log. */
static void tell_refusal(struct link *link, const char *why)
{
	int64_t now_ms = loop_now_ms(link->host->loop);

	link->untold++;
	if (link->told_ms && now_ms - link->told_ms < TELL_EVERY_MS)
		return;
	log_warn(link->name, "requests refused count=%" PRIu64 " last=%s", link->untold, why);
	link->told_ms = now_ms;
	link->untold = 0;
}

static void refuse(struct visit *v, int status, const char *why)
{
	v->link->counts.unreadable += status == 400 || status == 413;
	v->link->counts.no_door += status == 404 || status == 405;
	tell_refusal(v->link, why);
	http_answer(v->x, status, NULL, NULL, 0);
}

/* ---- deliveries ---- */

static struct http_owed *owe(struct visit *v)
{
	struct http_owed *owed = mem_alloc(sizeof(*owed));
	struct link *link = v->link;

	*owed = (struct http_owed){.link = link, .x = v->x, .door = v->door, .next = link->owed, .at = &link->owed};
	if (owed->next)
		owed->next->at = &owed->next;
	link->owed = owed;
	link->owed_count++;
	return owed;
}

static void settle(struct http_owed *owed)
{
	if (owed->link) {
		*owed->at = owed->next;
		if (owed->next)
			owed->next->at = owed->at;
		owed->link->owed_count--;
	}
	mem_free(owed);
}

void http_owed_forget(struct link *link)
{
	while (link->owed) {
		struct http_owed *owed = link->owed;

		link->owed = owed->next;
		owed->link = NULL;
		owed->door = NULL;
	}
}

static void on_received(void *arg, bool ok)
{
	struct http_owed *owed = arg;
	static const struct http_said plain = {.status = 200};

	if (owed->link) {
		owed->link->counts.kept += ok;
		owed->link->counts.refused += !ok;
		if (!ok)
			http_gate_forget(&owed->link->gate, owed->x);
	}
	if (ok)
		answer_with(owed->x, owed->door ? &owed->door->answer : &plain, "");
	else
		http_answer(owed->x, 503, NULL, NULL, 0);
	settle(owed);
}

static struct http_slice value(struct visit *v, enum http_meaning meaning)
{
	const char *name = v->door->fields[meaning];

	return name ? http_fields_find(&v->fields, name) : (struct http_slice){NULL, 0};
}

/* Into a fixed field: cut to fit, NUL and control characters end it. */
static void copy(struct http_slice from, char *out, size_t size)
{
	size_t len = 0;

	while (len < from.len && len + 1 < size && (unsigned char)from.at[len] >= ' ')
		len++;
	memcpy(out, from.at ? from.at : "", len);
	out[len] = '\0';
}

/* A longer id than we can keep is kept as its hash. */
static void copy_id(struct http_slice from, char out[INBOUND_ADDRESS_MAX])
{
	unsigned char hash[crypto_generichash_BYTES];

	if (from.len < INBOUND_ADDRESS_MAX) {
		copy(from, out, INBOUND_ADDRESS_MAX);
		return;
	}
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)from.at, from.len, NULL, 0);
	hex_encode(hash, sizeof(hash), out);
}

static void copy_parts(struct http_slice header, struct inbound *in)
{
	struct charset_udh udh;

	if (!header.len || !charset_udh_read(header.at, header.len, &udh) || !udh.ref_bits)
		return;
	in->part_ref = udh.ref;
	in->part_total = udh.total;
	in->part_seq = udh.seq;
	in->part_ref_bits = udh.ref_bits;
}

static void take_text(struct visit *v)
{
	struct link *link = v->link;
	struct inbound in = {.adapter = "http", .channel = CHANNEL_SMS};
	struct http_slice text, source = value(v, HTTP_FROM);

	if (!source.at || !value(v, HTTP_TEXT).at) {
		refuse(v, 400, "a text without a sender or a text");
		return;
	}
	if (link->state != LINK_BOUND || link->owed_count >= HTTP_OWED_MAX) {
		http_gate_forget(&link->gate, v->x);
		http_answer(v->x, 503, NULL, NULL, 0);
		return;
	}
	snprintf(in.link, sizeof(in.link), "%s", link->name);
	snprintf(in.carrier, sizeof(in.carrier), "%s", link->conf.carrier);
	copy(value(v, HTTP_FROM), in.source, sizeof(in.source));
	copy(value(v, HTTP_TO), in.dest, sizeof(in.dest));
	if (!in.dest[0])
		snprintf(in.dest, sizeof(in.dest), "%s", link->source);
	copy_id(value(v, HTTP_ID), in.message_id);
	in.alphabet = (enum alphabet)http_door_word(v->door, value(v, HTTP_CODING), ALPHABET_UTF8);
	copy_parts(value(v, HTTP_UDH), &in);
	text = value(v, HTTP_TEXT);
	if (text.len > INBOUND_BODY_MAX) {
		refuse(v, 413, "a text longer than any phone sends");
		return;
	}
	in.body = (uint8_t *)text.at;
	in.body_len = (uint32_t)text.len;
	link->host->inbound(link->host->ctx, &in, on_received, owe(v));
}

static void take_receipt(struct visit *v)
{
	struct link *link = v->link;
	struct http_slice status = value(v, HTTP_STATUS);
	int means = http_door_word(v->door, status, -1);
	struct receipt receipt = {0};

	copy(value(v, HTTP_ID), receipt.provider_ref, sizeof(receipt.provider_ref));
	if (!receipt.provider_ref[0] || !status.at) {
		refuse(v, 400, "a receipt without an id or a status");
		return;
	}
	link->counts.receipts++;
	if (means < 0) {
		char word[24];

		copy(status, word, sizeof(word));
		log_warn(link->name, "receipt with a status that the profile does not know status=%s", word);
		receipt.status = RECEIPT_INTERMEDIATE; /* unknown is not done */
	} else {
		receipt.status = (__typeof__(receipt.status))means;
	}
	link->host->receipt(link->host->ctx, link->name, &receipt);
	answer_with(v->x, &v->door->answer, "");
}

/* ---- USSD ---- */

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	struct http_owed *owed = arg;

	if (fate == USSD_SCREEN && owed->door)
		answer_with(owed->x, more ? &owed->door->next : &owed->door->last, text);
	else if (fate == USSD_NOTED && owed->door)
		answer_with(owed->x, &owed->door->answer, "");
	else
		http_answer(owed->x, 503, NULL, NULL, 0);
	settle(owed);
}

/* What the session's whole history adds to what we had of it. */
static struct http_slice last_answer(struct visit *v, struct http_slice session, struct http_slice whole)
{
	size_t len;
	const char *before = ussd_last_turn(v->link->ussd, session.at, session.len, &len);

	return http_history_last(whole, before, len, v->door->history);
}

static enum ussd_op op_of(struct visit *v, struct http_slice whole)
{
	bool is_end = v->door == &v->link->profile->doors[HTTP_DOOR_USSD_END];
	struct http_slice op = value(v, HTTP_OP);

	if (is_end)
		return USSD_END;
	if (v->door->fields[HTTP_OP])
		return (enum ussd_op)http_door_word(v->door, op, USSD_NONE);
	return whole.len == 0 ? USSD_BEGIN : USSD_CONTINUE;
}

static char *dup_slice(struct http_slice slice)
{
	return mem_strndup(slice.at ? slice.at : "", slice.len);
}

static void take_ussd(struct visit *v)
{
	struct link *link = v->link;
	char from[INBOUND_ADDRESS_MAX], to[INBOUND_ADDRESS_MAX];
	struct ussd_heard heard = {.from = from, .to = to};
	char *session = dup_slice(value(v, HTTP_SESSION)), *turn = dup_slice(value(v, HTTP_TURN));
	char *whole = dup_slice(value(v, HTTP_TEXT));
	struct http_slice text = {whole, strlen(whole)};

	copy(value(v, HTTP_FROM), from, sizeof(from));
	copy(value(v, HTTP_TO), to, sizeof(to));
	heard.op = op_of(v, text);
	heard.session = session;
	heard.session_len = strlen(session);
	if (v->door->history) {
		heard.turn = whole;
		heard.turn_len = strlen(whole);
		text = last_answer(v, (struct http_slice){session, strlen(session)}, text);
	} else if (turn[0]) {
		heard.turn = turn;
		heard.turn_len = strlen(turn);
	}
	if (heard.op != USSD_BEGIN) {
		heard.text = text.at;
		heard.text_len = text.len;
	} else {
		heard.text = "";
	}
	if (!session[0] || heard.op == USSD_NONE)
		refuse(v, 400, "a USSD request without a session or with an unknown op");
	else if (link->state != LINK_BOUND || link->owed_count >= HTTP_OWED_MAX)
		http_answer(v->x, 503, NULL, NULL, 0);
	else
		ussd_hear(link->ussd, &heard, on_screen, owe(v));
	mem_free(session);
	mem_free(turn);
	explicit_bzero(whole, strlen(whole));
	mem_free(whole);
}

/* ---- requests ---- */

static void (*const takers[HTTP_DOORS])(struct visit *v) = {
	[HTTP_DOOR_SMS] = take_text,
	[HTTP_DOOR_RECEIPT] = take_receipt,
	[HTTP_DOOR_USSD] = take_ussd,
	[HTTP_DOOR_USSD_END] = take_ussd,
};

/* The path below the link's own. */
static struct http_slice path_below(const struct link *link, struct http_slice path)
{
	size_t len = strlen(link->conf.path);

	if (len > 0 && link->conf.path[len - 1] == '/')
		len--;
	return (struct http_slice){path.at + len, path.len - len};
}

static bool read_fields(struct visit *v)
{
	const struct http_head *head = &v->x->head;
	const struct buf *body = &v->x->body.bytes;

	if (head->query.len && !http_fields_add_form(&v->fields, head->query.at, head->query.len))
		return false;
	if (head->method == HTTP_GET)
		return true;
	return v->door->json ? http_fields_set_json(&v->fields, (const char *)body->data, body->len)
			     : http_fields_add_form(&v->fields, (const char *)body->data, body->len);
}

static void visit(struct visit *v)
{
	struct link *link = v->link;
	struct http_slice path = path_below(link, v->x->head.path);
	int64_t now_s = loop_wall_us(link->host->loop) / 1000000;
	enum http_verdict verdict = http_gate_check(&link->gate, v->x, now_s);
	int status;

	link->counts.verdicts[verdict]++;
	if (verdict != HTTP_GATE_OPEN) {
		refuse(v, verdict == HTTP_GATE_ADDRESS ? 403 : 401, http_verdict_name(verdict));
		return;
	}
	v->door = http_profile_door(link->profile, path, v->x->head.method, &v->fields, &status);
	if (!v->door)
		refuse(v, status, "no such door");
	else if (!read_fields(v))
		refuse(v, 400, "a body that cannot be read");
	else
		takers[v->door - link->profile->doors](v);
}

void http_on_request(void *arg, struct http_exchange *x)
{
	struct visit v = {.link = arg, .x = x};

	visit(&v);
	http_fields_fini(&v.fields);
}
