/* report open, contact and recover, case ack and close: what an officer does with one report. */
#include "ctl/ctl.h"

#include <pwd.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/vault.h"

enum { ERROR_MAX = 1024, TEXT_INDENT = 4 };

/* What `report open` and `report contact` have in common. */
struct request {
	const char *ref, *identity_file, *reason, *officer, *text;
	bool unknown_ok;
};

static const char *login_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? pw->pw_name : "unknown";
}

static bool read_identity(const char *file, struct ctl_identity *out)
{
	char error[ERROR_MAX];

	if (sodium_init() >= 0 &&
	    vault_read_identity(file, out->public_key, out->secret_key, error, sizeof error))
		return true;
	ctl_error("%s", error);
	return false;
}

/* ---- proof of entitlement ---- */

/* Opens the daemon's challenge; `nonce` is 65 bytes of hex. */
static enum ctl_exit prove(struct ctl_client *c, const struct ctl_identity *who, char *nonce)
{
	unsigned char challenge[80], answer[32];
	enum ctl_exit status;
	json_t *data = NULL;
	const char *hex;
	bool ok;

	status = ctl_request(c, "report-challenge", NULL, &data);
	if (status != CTL_OK)
		return status;
	hex = json_string_value(json_object_get(data, "challenge"));
	ok = hex != NULL && strlen(hex) == 2 * sizeof challenge &&
	     hex_decode(hex, challenge, sizeof challenge);
	json_decref(data);
	if (!ok) {
		ctl_error("the daemon's challenge is not understood");
		return CTL_UNREACHABLE;
	}
	if (!vault_answer(challenge, who->public_key, who->secret_key, answer)) {
		ctl_error("this identity is not that of the team that reads these reports");
		return CTL_REFUSED;
	}
	hex_encode(answer, sizeof answer, nonce);
	return CTL_OK;
}

static bool add_text(json_t *args, const char *key, const char *text)
{
	if (text == NULL || json_object_set_new(args, key, json_string(text)) == 0)
		return true;
	ctl_error("%s is not UTF-8", key);
	return false;
}

/* Proves and asks over one connection; on CTL_OK *data is the answer. */
static enum ctl_exit ask(const char *cmd, const struct request *q, const struct ctl_identity *who,
			 json_t **data)
{
	enum ctl_exit status;
	struct ctl_client *c = ctl_connect(false, &status);
	json_t *args = json_object();
	char nonce[65] = "";

	if (c != NULL)
		status = prove(c, who, nonce);
	if (status == CTL_OK &&
	    (!add_text(args, "ref", q->ref) || !add_text(args, "reason", q->reason) ||
	     !add_text(args, "actor", q->officer) || !add_text(args, "text", q->text)))
		status = CTL_USAGE;
	json_object_set_new(args, "nonce", json_string(nonce));
	if (q->unknown_ok)
		json_object_set_new(args, "unknown_ok", json_true());
	if (status == CTL_OK)
		status = ctl_request(c, cmd, json_incref(args), data);
	json_decref(args);
	ctl_close(c);
	sodium_memzero(nonce, sizeof nonce);
	return status;
}

/* ---- showing ---- */

static void print_wrapped(const char *text, int indent)
{
	char *clean = ctl_clean(text, false);
	size_t width = (ctl_globals.width > 0 ? (size_t)ctl_globals.width : 80) - (size_t)indent;
	const char *next = clean;

	while (*next != '\0') {
		const char *line = next;
		size_t len = ctl_wrap(line, width, &next);

		printf("%*s%.*s\n", indent, "", (int)len, line);
	}
	mem_free(clean);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_answers(const json_t *answers)
{
	json_t *item;
	size_t i;

	json_array_foreach(answers, i, item) {
		char *name = ctl_clean(text_of(item, "name"), true);
		char *value = ctl_clean(text_of(item, "value"), true);

		printf("  %s: %s\n", name, value);
		if (strcmp(text_of(item, "text"), text_of(item, "value")) != 0)
			print_wrapped(text_of(item, "text"), TEXT_INDENT);
		mem_free(name);
		mem_free(value);
	}
}

/* The payload: texts, answers, and what the flow made of them. */
static void print_payload(const json_t *payload)
{
	const json_t *texts = json_object_get(payload, "texts");
	json_t *rest = json_copy((json_t *)payload), *item;
	size_t i;

	json_object_del(rest, "texts");
	json_object_del(rest, "answers");
	ctl_object(stdout, rest, 2);
	json_decref(rest);
	json_array_foreach(texts, i, item) {
		printf("  text %zu\n", i + 1);
		print_wrapped(json_is_string(item) ? json_string_value(item) : text_of(item, "text"),
			      TEXT_INDENT);
	}
	print_answers(json_object_get(payload, "answers"));
}

static json_int_t stamp_of(const json_t *revision)
{
	return json_integer_value(json_object_get(revision, "stamp"));
}

/* Each revision is the whole of its conversation so far: people need the newest of each. */
static bool superseded(const json_t *revisions, const json_t *one)
{
	json_t *other;
	size_t i;

	json_array_foreach(revisions, i, other)
		if (strcmp(text_of(other, "conversation"), text_of(one, "conversation")) == 0 &&
		    strcmp(text_of(other, "report"), text_of(one, "report")) == 0 &&
		    stamp_of(other) > stamp_of(one))
			return true;
	return false;
}

/* A daemon that finds a row not written by one says so: it is never shown as a report. */
static bool is_forged(const json_t *revision)
{
	return json_is_false(json_object_get(revision, "authentic"));
}

/* Decrypts each revision: {"row", "stamp", ..., "payload"}; the number that stayed shut. */
static size_t open_all(const json_t *revisions, const struct ctl_identity *who,
		       const struct vault *vault, json_t *out)
{
	static const char *const kept[] = { "report", "conversation", "row", "stamp" };
	size_t i, shut = 0;
	json_t *revision;

	json_array_foreach(revisions, i, revision) {
		json_t *opened = json_object(), *payload = NULL;

		if (!is_forged(revision))
			payload = ctl_open_revision(revision, who, vault);

		for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
			json_object_set(opened, kept[k], json_object_get(revision, kept[k]));
		shut += payload == NULL;
		json_object_set_new(opened, "payload", payload != NULL ? payload : json_null());
		json_array_append_new(out, opened);
	}
	return shut;
}

static void print_opened(const json_t *report, const json_t *opened)
{
	json_t *revision;
	size_t i, shown = 0;

	if (report != NULL)
		ctl_object(stdout, report, 0);
	json_array_foreach(opened, i, revision) {
		const json_t *payload = json_object_get(revision, "payload");

		if (superseded(opened, revision) || json_is_null(payload))
			continue;
		shown++;
		printf(shown > 1 ? "\ncontent of conversation %zu\n" : "content\n", shown);
		print_payload(payload);
	}
	if (shown == 0)
		puts("content         (none)");
}

static enum ctl_exit show_report(const json_t *data, const struct ctl_identity *who,
				 const struct vault *vault)
{
	const json_t *revisions = json_object_get(data, "revisions");
	json_t *opened = json_array(), *all;
	size_t shut = open_all(revisions, who, vault, opened);

	if (ctl_globals.json) {
		all = json_pack("[{s:O?,s:O}]", "report", json_object_get(data, "report"), "revisions",
				opened);
		ctl_json(stdout, all);
		json_decref(all);
	} else {
		print_opened(json_object_get(data, "report"), opened);
	}
	if (shut > 0)
		ctl_error("%zu of %zu revisions are not sealed for this identity, damaged, or not written "
			  "by hotlined",
			  shut, json_array_size(revisions));
	json_decref(opened);
	return shut > 0 ? CTL_NOTHING : CTL_OK;
}

int cmd_report_open(int argc, char **argv)
{
	struct request q = { .officer = login_name() };
	const struct ctl_option options[] = {
		{ "--identity", &q.identity_file, NULL, true },
		{ "--reason", &q.reason, NULL, true },
		{ "--officer", &q.officer, NULL, true },
		{ NULL, NULL, NULL, false },
	};
	struct ctl_identity who;
	enum ctl_exit status;
	json_t *data = NULL;

	if (!ctl_parse(argc, argv, 2, options, &q.ref, 1, 1))
		return CTL_USAGE;
	if (!read_identity(q.identity_file, &who))
		return CTL_CONFIG;
	status = ask("report-open", &q, &who, &data);
	if (status == CTL_OK)
		status = show_report(data, &who, NULL);
	json_decref(data);
	sodium_memzero(&who, sizeof who);
	return (int)status;
}

static void show_contact(const json_t *data, bool sent)
{
	bool said_safe = json_integer_value(json_object_get(data, "safe")) == 1;
	json_t *list;

	if (ctl_globals.json) {
		list = json_pack("[O]", data);
		ctl_json(stdout, list);
		json_decref(list);
		return;
	}
	if (sent) {
		puts("The text is on its way from the hotline's number.");
		return;
	}
	printf("%s\n", text_of(data, "number"));
	puts(said_safe ? "The reporter said that contact is safe; that may have changed since."
		       : "The reporter has NOT said whether contact is safe.");
	puts("Say nothing of the report until you know who answers; to anybody else it was a wrong "
	     "number.");
}

int cmd_report_contact(int argc, char **argv)
{
	struct request q = { .officer = login_name() };
	const struct ctl_option options[] = {
		{ "--identity", &q.identity_file, NULL, true },
		{ "--reason", &q.reason, NULL, true },
		{ "--officer", &q.officer, NULL, true },
		{ "--text", &q.text, NULL, false },
		{ "--unknown-ok", NULL, &q.unknown_ok, false },
		{ NULL, NULL, NULL, false },
	};
	struct ctl_identity who;
	enum ctl_exit status;
	json_t *data = NULL;

	if (!ctl_parse(argc, argv, 2, options, &q.ref, 1, 1))
		return CTL_USAGE;
	if (!read_identity(q.identity_file, &who))
		return CTL_CONFIG;
	status = ask("report-contact", &q, &who, &data);
	sodium_memzero(&who, sizeof who);
	if (status == CTL_OK)
		show_contact(data, q.text != NULL);
	json_decref(data);
	return (int)status;
}

/* ---- without a daemon ---- */

static json_t *load_export(const char *file)
{
	json_error_t e;
	json_t *data = json_load_file(file, 0, &e);

	if (json_is_array(json_object_get(data, "revisions")))
		return data;
	if (data == NULL)
		ctl_error("%s:%d:%d: %s", file, e.line, e.column, e.text);
	else
		ctl_error("%s:1:1: an object with a list \"revisions\" is expected (doc/keys.md)", file);
	json_decref(data);
	return NULL;
}

int cmd_report_recover(int argc, char **argv)
{
	const char *file = NULL, *identity_file = NULL, *keys = NULL, *team = "hotline";
	const struct ctl_option options[] = {
		{ "--identity", &identity_file, NULL, true },
		{ "--keys", &keys, NULL, true },
		{ "--team", &team, NULL, true },
		{ NULL, NULL, NULL, false },
	};
	enum ctl_exit status = CTL_CONFIG;
	struct ctl_identity who;
	char error[ERROR_MAX];
	struct vault *vault;
	json_t *data = NULL;

	if (!ctl_parse(argc, argv, 2, options, &file, 1, 1))
		return CTL_USAGE;
	vault = vault_open(keys, team, error, sizeof error);
	if (vault == NULL)
		ctl_error("%s", error);
	else
		data = load_export(file);
	if (data != NULL && read_identity(identity_file, &who)) {
		status = show_report(data, &who, vault);
		sodium_memzero(&who, sizeof who);
	}
	json_decref(data);
	vault_close(vault);
	return (int)status;
}
