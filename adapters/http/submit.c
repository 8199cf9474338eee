/* Texts out: one call of the provider's API for each. */
#include "adapters/http/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"

enum { PAUSE_MS = 500, PAUSE_MAX_MS = 30 * 1000 };

/* One accepted text, until its call has ended. */
struct text_out {
	struct link *link;
	struct id16 id;
	char own_ref[ID16_TEXT];
};

/* ---- what the provider's answer means ---- */

bool http_rule_fits(const struct http_rule *rule, int status, const char *body)
{
	bool by_status = rule->status_count == 0, by_body = rule->body_count == 0;

	for (size_t i = 0; i < rule->status_count; i++)
		by_status |= rule->statuses[i] == status;
	for (size_t i = 0; i < rule->body_count; i++)
		by_body |= strncmp(body, rule->bodies[i], strlen(rule->bodies[i])) == 0;
	return by_status && by_body;
}

static enum sent_state outcome_of(const struct http_send *send, const struct http_result *result)
{
	if (result->fate == HTTP_NOT_SENT)
		return SENT_RETRY;
	if (result->fate == HTTP_NO_ANSWER)
		return SENT_IN_DOUBT;
	if (http_rule_fits(&send->taken, result->status, result->body))
		return SENT_OK;
	return http_rule_fits(&send->later, result->status, result->body) ? SENT_RETRY : SENT_REFUSED;
}

/* Back off, with jitter, and no sooner than the provider asks. */
static void pause_after(struct link *link, const struct http_result *result)
{
	int64_t wait_ms = loop_backoff_ms(link->failures++, PAUSE_MS, PAUSE_MAX_MS);

	if (result->retry_after_ms > wait_ms)
		wait_ms = result->retry_after_ms < PAUSE_MAX_MS ? result->retry_after_ms : PAUSE_MAX_MS;
	loop_timer_set(link->pause, wait_ms);
	if (result->fate == HTTP_ANSWERED)
		log_warn(link->name, "provider answers %d: pause_ms=%" PRId64, result->status, wait_ms);
	else
		log_warn(link->name, "provider not reached (%s): pause_ms=%" PRId64, result->why, wait_ms);
}

/* The provider's id as the profile names it in a JSON answer. */
static void read_ref(const struct http_send *send, const struct http_result *result, char out[PROVIDER_REF_MAX])
{
	struct http_fields fields = {0};
	struct http_slice id = {NULL, 0};

	if (http_fields_set_json(&fields, result->body, result->len))
		id = http_fields_find(&fields, send->id);
	if (id.len < PROVIDER_REF_MAX && id.at && !memchr(id.at, '\0', id.len))
		snprintf(out, PROVIDER_REF_MAX, "%.*s", (int)id.len, id.at);
	http_fields_fini(&fields);
}

static void on_result(void *arg, const struct http_result *result)
{
	struct text_out *text = arg;
	struct link *link = text->link;
	const struct http_send *send = &link->profile->send;
	enum sent_state state = outcome_of(send, result);
	char ref[PROVIDER_REF_MAX] = "";

	if (state == SENT_OK) {
		link->failures = 0;
		if (send->id)
			read_ref(send, result, ref);
		else
			snprintf(ref, sizeof(ref), "%s", text->own_ref);
	} else if (state == SENT_RETRY) {
		pause_after(link, result);
	} else if (state == SENT_REFUSED) {
		log_warn(link->name, "provider refuses a text status=%d", result->status);
	} else {
		log_warn(link->name, "no answer from the provider (%s)", result->why);
	}
	link->host->sent(link->host->ctx, &text->id, state, ref);
	mem_free(text);
}

/* ---- the call ---- */

/* Where the provider reports to: our public address with what it needs to be let in, ready for more
 * parameters. */
static char *receipt_url(const struct link *link)
{
	const char *url = link->conf.public_url ? link->conf.public_url : "";
	const char *host = strstr(url, "://"), *path = link->profile->doors[HTTP_DOOR_RECEIPT].path;
	struct buf out = {0};
	char *text;

	if (link->gate.proof == HTTP_PROOF_BASIC && host) {
		buf_put(&out, url, (size_t)(host + 3 - url));
		http_put_form(&out, link->gate.user);
		buf_put_u8(&out, ':');
		http_put_form(&out, link->gate.secret);
		buf_put_u8(&out, '@');
		url = host + 3;
	}
	buf_printf(&out, "%s%s?", url, path ? path : "");
	if (link->gate.proof == HTTP_PROOF_BEARER) {
		buf_printf(&out, "token=");
		http_put_form(&out, link->gate.secret);
		buf_put_u8(&out, '&');
	}
	text = mem_strdup(buf_cstr(&out));
	buf_free(&out);
	return text;
}

struct filled {
	struct http_value values[HTTP_SEND_NAMES];
	char id[ID16_TEXT], validity_s[24], validity_min[24];
	char *receipt_url; /* owned */
};

static void fill_values(const struct link *link, const struct outbound *out, struct filled *f)
{
	const struct http_conf *conf = &link->conf;

	id16_text(&out->id, f->id);
	snprintf(f->validity_s, sizeof(f->validity_s), "%" PRId64, out->validity_ms / 1000 + 1);
	snprintf(f->validity_min, sizeof(f->validity_min), "%" PRId64, out->validity_ms / 60000 + 1);
	f->receipt_url = receipt_url(link);
	const char *const texts[HTTP_SEND_NAMES] = {
		[HTTP_SEND_ID] = f->id,
		[HTTP_SEND_FROM] = out->from[0] ? out->from : link->source,
		[HTTP_SEND_TO] = out->to,
		[HTTP_SEND_TO_DIGITS] = out->to + (out->to[0] == '+'),
		[HTTP_SEND_TEXT] = out->text,
		[HTTP_SEND_CODING] = charset_fits_gsm7(out->text) ? "0" : "2",
		[HTTP_SEND_PRIORITY] = out->priority == OUTBOUND_REPLY ? "0" : "3",
		[HTTP_SEND_VALIDITY_S] = f->validity_s,
		[HTTP_SEND_VALIDITY_MIN] = f->validity_min,
		[HTTP_SEND_USER] = conf->user,
		[HTTP_SEND_PASSWORD] = conf->password,
		[HTTP_SEND_RECEIPT_URL] = f->receipt_url,
	};
	for (size_t i = 0; i < HTTP_SEND_NAMES; i++)
		f->values[i] = (struct http_value){http_send_names[i], texts[i]};
}

static void put_fields(const struct http_send *send, const struct filled *f, struct buf *out)
{
	struct buf one = {0};

	for (size_t i = 0; i < send->field_count; i++) {
		if (i > 0)
			buf_put_u8(out, '&');
		http_put_form(out, send->fields[i].name);
		buf_put_u8(out, '=');
		buf_clear(&one);
		http_fill(send->fields[i].value, f->values, HTTP_SEND_NAMES, HTTP_AS_TEXT, &one);
		http_put_form(out, buf_cstr(&one));
	}
	if (one.data)
		explicit_bzero(one.data, one.len);
	buf_free(&one);
}

static void put_headers(const struct http_send *send, const struct filled *f, char *headers[HTTP_PAIRS_MAX + 1])
{
	for (size_t i = 0; i < send->header_count; i++) {
		struct buf one = {0};

		buf_printf(&one, "%s: ", send->headers[i].name);
		http_fill(send->headers[i].value, f->values, HTTP_SEND_NAMES, HTTP_AS_TEXT, &one);
		headers[i] = mem_strdup(buf_cstr(&one));
		buf_free(&one);
	}
}

static void call(struct link *link, const struct outbound *out, struct text_out *text)
{
	const struct http_send *send = &link->profile->send;
	char *headers[HTTP_PAIRS_MAX + 1] = {NULL};
	struct buf url = {0}, body = {0};
	struct http_call what = {.headers = (const char *const *)headers, .type = "application/x-www-form-urlencoded"};
	struct filled f;

	fill_values(link, out, &f);
	buf_printf(&url, "%s", link->conf.url);
	http_fill(send->path, f.values, HTTP_SEND_NAMES, HTTP_AS_FORM, &url);
	if (send->json) {
		http_fill(send->json, f.values, HTTP_SEND_NAMES, HTTP_AS_JSON, &body);
		what.type = "application/json";
	} else if (send->method == HTTP_POST) {
		put_fields(send, &f, &body);
	} else {
		buf_put_u8(&url, '?');
		put_fields(send, &f, &url);
	}
	put_headers(send, &f, headers);
	what.url = buf_cstr(&url);
	what.body = send->method == HTTP_POST ? buf_cstr(&body) : NULL;
	memcpy(text->own_ref, f.id, sizeof(text->own_ref));
	http_client_call(link->client, &what, on_result, text);
	for (size_t i = 0; headers[i]; i++)
		mem_free(headers[i]);
	mem_free(f.receipt_url);
	buf_free(&url);
	buf_free(&body);
}

bool http_submit(struct link *link, const struct outbound *out)
{
	size_t open = http_client_open(link->client);
	size_t kept = out->priority != OUTBOUND_REPLY || link->conf.window == 1 ? 0 : 1; /* free for an alert */
	struct text_out *text;

	if (!link->profile->send.there || !link->conf.url || link->state != LINK_BOUND ||
	    loop_timer_armed(link->pause) || open + kept >= (size_t)link->conf.window)
		return false;
	text = mem_alloc(sizeof(*text));
	text->link = link;
	text->id = out->id;
	call(link, out, text);
	return true;
}
