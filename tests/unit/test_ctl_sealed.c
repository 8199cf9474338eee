/* What officers decrypt with hotlinectl, keys, and rosters that hold numbers. */
#include "tests/unit/ctl_daemon.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

static const char narrative[] = "Nghe tiếng khóc suốt đêm";

/* ---- sealed reports ---- */

static void hex_put(json_t *object, const char *key, const void *bytes, size_t len)
{
	char *hex = mem_alloc(2 * len + 1);

	hex_encode(bytes, len, hex);
	json_object_set_new(object, key, json_string(hex));
	mem_free(hex);
}

static void id_put(json_t *object, const char *key, const struct id16 *id)
{
	char text[ID16_TEXT];

	id16_text(id, text);
	json_object_set_new(object, key, json_string(text));
}

static json_t *sealed_revision(struct ctl_daemon *d, int stamp, const char *text)
{
	struct id16 conversation = { { 1 } }, row;
	json_t *payload = json_pack("{s:[s],s:[{s:s,s:s,s:s}],s:s,s:s}", "texts", text, "answers",
				    "name", "where", "value", "04876", "text", "xã Ba Đình", "lang",
				    "vi", "urgency", "khan_cap");
	char *plain = json_dumps(payload, JSON_COMPACT);
	json_t *rev = json_object();
	struct buf sealed = { 0 };
	struct data_key key;

	vault_revision_row(d->vault, &conversation, stamp, &row);
	vault_data_key_new(d->vault, &conversation, INT64_C(1795478400000000), &key);
	data_key_seal(&key, "report_revisions", &row, plain, strlen(plain), &sealed);
	id_put(rev, "report", &conversation);
	id_put(rev, "conversation", &conversation);
	id_put(rev, "row", &row);
	id_put(rev, "intake", &key.intake_id);
	json_object_set_new(rev, "stamp", json_integer(stamp));
	hex_put(rev, "body_ct", sealed.data, sealed.len);
	hex_put(rev, "wrapped", key.wrapped, sizeof key.wrapped);
	hex_put(rev, "intake_team", key.intake_team, sizeof key.intake_team);
	hex_put(rev, "intake_escrow", key.intake_escrow, sizeof key.intake_escrow);
	buf_free(&sealed);
	free(plain);
	json_decref(payload);
	return rev;
}

static bool is_proof(struct ctl_daemon *d, const json_t *args)
{
	const char *hex = json_string_value(json_object_get(args, "nonce"));
	uint8_t nonce[32];

	return hex != NULL && hex_decode(hex, nonce, sizeof nonce) &&
	       memcmp(nonce, d->nonce, sizeof nonce) == 0;
}

static void answer_proven(struct ctl_daemon *d, int fd, const char *cmd, const json_t *args)
{
	if (strcmp(cmd, "report-open") == 0)
		ctl_reply_json(fd, json_pack("{s:b,s:{s:{s:s},s:[o,o]}}", "ok", 1, "data", "report",
					 "ref", "BP-1", "revisions",
					 sealed_revision(d, 1, "chỉ mới bắt đầu"),
					 sealed_revision(d, 2, narrative)));
	else if (json_is_true(json_object_get(args, "unknown_ok")))
		ctl_reply(fd, "{\"ok\":true,\"data\":{\"number\":\"+84912345678\",\"safe\":-1}}");
	else
		ctl_reply(fd, "{\"ok\":false,\"error\":\"the reporter did not say it is safe to "
			  "call\",\"exit\":77}");
}

static bool answer_report(struct ctl_daemon *d, int fd, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const json_t *args = json_object_get(request, "args");
	uint8_t challenge[80];
	json_t *data;

	if (strcmp(cmd, "report-challenge") == 0) {
		vault_challenge(d->vault, d->nonce, challenge);
		data = json_object();
		hex_put(data, "challenge", challenge, sizeof challenge);
		ctl_reply_json(fd, json_pack("{s:b,s:o}", "ok", 1, "data", data));
	} else if (is_proof(d, args)) {
		answer_proven(d, fd, cmd, args);
	} else {
		ctl_reply(fd, "{\"ok\":false,\"error\":\"no proof\",\"exit\":77}");
	}
	return true;
}

static void make_keys(struct ctl_daemon *d)
{
	char error[512];

	assert_true(vault_init_dir(d->keys, "hotline", error, sizeof error));
	d->vault = vault_open(d->keys, "hotline", error, sizeof error);
	assert_non_null(d->vault);
}

static void run_with_identity(struct ctl_daemon *d, struct ctl_printed *p, ctl_command_fn *fn,
			      const char *before, const char *identity, const char *after)
{
	char words[512];

	snprintf(words, sizeof words, "%s --identity %s/%s.identity %s", before, d->keys, identity,
		 after);
	ctl_run(p, fn, words);
}

static void an_officer_reads_the_newest_revision_of_a_report(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	make_keys(d);
	ctl_daemon_start(d, ctl_serve_in_turn, answer_report);
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "team-hotline",
			  "--reason handover --officer Lan");
	assert_int_equal(p.status, 0);
	assert_has(p.out, narrative);
	assert_has(p.out, "where: 04876");
	assert_has(p.out, "xã Ba Đình");
	assert_has(p.out, "content\n");
	assert_null(strstr(p.out, "chỉ mới bắt đầu"));
	assert_has(d->seen, "\"reason\":\"handover\",\"actor\":\"Lan\"");
}

static void a_machine_reads_every_revision_decrypted(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;
	json_t *all, *revisions;

	make_keys(d);
	ctl_daemon_start(d, ctl_serve_in_turn, answer_report);
	ctl_globals.json = true;
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "team-hotline", "--reason x");
	all = json_loads(p.out, 0, NULL);
	revisions = json_object_get(json_array_get(all, 0), "revisions");
	assert_int_equal(json_array_size(revisions), 2);
	assert_string_equal(
		json_string_value(json_array_get(
			json_object_get(json_object_get(json_array_get(revisions, 1), "payload"),
					"texts"),
			0)),
		narrative);
	json_decref(all);
}

static bool answer_forged(struct ctl_daemon *d, int fd, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *revision;

	if (strcmp(cmd, "report-open") != 0)
		return answer_report(d, fd, request);
	revision = sealed_revision(d, 1, narrative);
	json_object_set_new(revision, "authentic", json_false());
	ctl_reply_json(fd, json_pack("{s:b,s:{s:{s:s},s:[o]}}", "ok", 1, "data", "report", "ref", "BP-1",
				 "revisions", revision));
	return true;
}

static void a_row_no_daemon_wrote_is_not_shown_as_a_report(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	make_keys(d);
	ctl_daemon_start(d, ctl_serve_in_turn, answer_forged);
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "team-hotline", "--reason x");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_null(strstr(p.out, narrative));
	assert_has(p.err, "not written by hotlined");
}

static bool answer_taken(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":true,\"data\":{\"result\":\"taken\",\"ref\":\"BP-1\",\"other\":\"x\"}}");
	return true;
}

static void a_case_somebody_else_has_is_refused(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_taken);
	ctl_run(&p, cmd_case, "case close BP-1 --actor Lan");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(p.out, "another officer has it");
}

static void another_identity_is_refused_before_anything_is_asked(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	make_keys(d);
	ctl_daemon_start(d, ctl_serve_in_turn, answer_report);
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "escrow", "--reason x");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(d->seen, "report-challenge");
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "missing", "--reason x");
	assert_int_equal(p.status, CTL_CONFIG);
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "team-hotline", "");
	assert_int_equal(p.status, CTL_USAGE);
}

static void a_number_is_given_only_where_that_is_safe(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	make_keys(d);
	ctl_daemon_start(d, ctl_serve_in_turn, answer_report);
	run_with_identity(d, &p, cmd_report_contact, "report contact BP-1", "team-hotline",
			  "--reason call");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(p.err, "safe to call");
	assert_string_equal(p.out, "");
	run_with_identity(d, &p, cmd_report_contact, "report contact BP-1", "team-hotline",
			  "--reason call --unknown-ok");
	assert_int_equal(p.status, 0);
	assert_has(p.out, "+84912345678\n");
	assert_has(p.out, "wrong number");
	assert_has(p.out, "NOT said");
}

static void the_escrow_opens_exported_rows_without_a_daemon(void **state)
{
	struct ctl_daemon *d = *state;
	char file[96], before[256], *text;
	struct ctl_printed p;
	json_t *export;

	make_keys(d);
	snprintf(file, sizeof file, "%s/export.json", d->top);
	export = json_pack("{s:[o]}", "revisions", sealed_revision(d, 1, narrative));
	json_object_del(json_array_get(json_object_get(export, "revisions"), 0), "row");
	text = json_dumps(export, 0);
	ctl_write_text(file, text, 0600);
	free(text);
	json_decref(export);
	snprintf(before, sizeof before, "report recover %s --keys %s", file, d->keys);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, 0);
	assert_has(p.out, narrative);
	ctl_write_text(file, "{\"revisions\":[{}]}", 0600);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, CTL_NOTHING);
	ctl_write_text(file, "{]", 0600);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, CTL_CONFIG);
}

/* ---- keys ---- */

static void keys_are_made_backed_up_and_restored(void **state)
{
	struct ctl_daemon *d = *state;
	char words[512], secret[96];
	struct ctl_printed p;

	snprintf(secret, sizeof secret, "%s/passphrase", d->top);
	ctl_write_text(secret, "six plain words\nsecond line\n", 0600);
	snprintf(words, sizeof words, "keys init --dir %s --team south", d->keys);
	ctl_run(&p, cmd_keys_init, words);
	assert_int_equal(p.status, 0);
	ctl_run(&p, cmd_keys_init, words);
	assert_int_equal(p.status, CTL_CONFIG);
	snprintf(words, sizeof words, "keys backup --dir %s --out %s/b --passphrase-file %s", d->keys,
		 d->top, secret);
	ctl_run(&p, cmd_keys_backup, words);
	assert_int_equal(p.status, 0);
	snprintf(words, sizeof words, "keys restore --in %s/b --dir %s/back --passphrase-file %s",
		 d->top, d->top, secret);
	assert_int_equal(chmod(secret, 0644), 0);
	ctl_run(&p, cmd_keys_restore, words);
	assert_has(p.err, "chmod 600");
	assert_int_equal(chmod(secret, 0600), 0);
	ctl_run(&p, cmd_keys_restore, words);
	assert_int_equal(p.status, 0);
	snprintf(words, sizeof words, "cmp -s %s/root.key %s/back/root.key", d->keys, d->top);
	assert_int_equal(system(words), 0);
}

/* ---- roster ---- */

static bool answer_ok(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":true,\"data\":{\"changes\":[{\"sign\":\"+\",\"subject\":\"officer lan\",\"fact\":"
		  "\"number +849******01\"}],\"findings\":[\"a gap\"],\"applied\":true}}");
	return true;
}

static void run_roster(struct ctl_daemon *d, struct ctl_printed *p, const char *yaml)
{
	char words[160], file[96];

	snprintf(file, sizeof file, "%s/roster.yaml", d->top);
	ctl_write_text(file, yaml, 0600);
	snprintf(words, sizeof words, "roster import %s", file);
	ctl_run(p, cmd_roster_import, words);
}

static void a_roster_is_checked_shown_masked_and_sent(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_ok);
	run_roster(d, &p, "officers:\n  - {name: Lan, number: \"+84 900 000 001\", team: hotline}\n"
			  "  - {name: Hà, number: \"+84900000002\", teams: [hotline]}\n");
	assert_int_equal(p.status, 0);
	assert_has(p.out, "+ officer lan: number +849******01\n! a gap\nimported\n");
	assert_null(strstr(p.out, "+84900000001"));
	assert_has(d->seen, "name: Lan, number: \\\"+84 900 000 001\\\"");
	assert_has(d->seen, "\"apply\":true");
}

static void a_fault_in_a_roster_is_named_with_its_place_and_no_number(void **state)
{
	static const struct {
		const char *yaml, *place;
	} cases[] = {
		{ "officers:\n  - {name: Lan, number: 0900000001, team: hotline}\n", ":2:25:" },
		{ "officers:\n  - {name: Lan, nummer: \"+84900000001\", team: hotline}\n", "\"number\"?" },
		{ "officers:\n  - {number: \"+84900000001\", team: hotline}\n", "name is missing" },
		{ "officers:\n  - {name: Lan, number: \"+84900000001\", team: A b}\n", ":2:47:" },
		{ "officers:\n  - {name: A, number: \"+84900000001\", team: x}\n"
		  "  - {name: B, number: \"+84900000001\", team: x}\n", ":3:23:" },
		{ "officers: {}\n", "a list is expected" },
		{ "officers: [a]\n", ":1:12:" },
		{ "officers: [\n", "roster.yaml:" },
	};
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run_roster(d, &p, cases[i].yaml);
		assert_int_equal(p.status, CTL_CONFIG);
		assert_has(p.err, "roster.yaml:");
		assert_has(p.err, cases[i].place);
		assert_null(strstr(p.err, "900000001"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_case(an_officer_reads_the_newest_revision_of_a_report),
		test_case(a_machine_reads_every_revision_decrypted),
		test_case(a_row_no_daemon_wrote_is_not_shown_as_a_report),
		test_case(a_case_somebody_else_has_is_refused),
		test_case(another_identity_is_refused_before_anything_is_asked),
		test_case(a_number_is_given_only_where_that_is_safe),
		test_case(the_escrow_opens_exported_rows_without_a_daemon),
		test_case(keys_are_made_backed_up_and_restored),
		test_case(a_roster_is_checked_shown_masked_and_sent),
		test_case(a_fault_in_a_roster_is_named_with_its_place_and_no_number),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl sealed", tests, NULL, NULL);
}
