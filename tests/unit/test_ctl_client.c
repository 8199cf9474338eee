/* The commands of hotlinectl against a small scripted daemon on a socket of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "store/vault.h"

static const char narrative[] = "Nghe tiếng khóc suốt đêm";

/* The daemon of one test. `answer` gets each request and writes lines to fd; false hangs up. */
struct daemon {
	char top[64], socket[96], keys[96], config[96];
	int listener;
	pthread_t thread;
	bool (*answer)(struct daemon *d, int fd, const json_t *request);
	struct vault *vault;
	uint8_t nonce[32];
	char seen[4096]; /* the last request, as text */
	int polls;
};

/* What a command printed. */
struct printed {
	int status;
	char out[16384], err[4096];
};

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* The client may have gone by now, which is no failure of it. */
static void reply(int fd, const char *line)
{
	send(fd, line, strlen(line), MSG_NOSIGNAL);
	send(fd, "\n", 1, MSG_NOSIGNAL);
}

static void reply_json(int fd, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	reply(fd, text);
	free(text);
	json_decref(object);
}

static void serve_connection(struct daemon *d, int fd, bool note)
{
	FILE *in = fdopen(dup(fd), "r");
	char line[4096];

	while (fgets(line, sizeof line, in) != NULL) {
		json_t *request = json_loads(line, 0, NULL);
		bool more;

		if (note)
			snprintf(d->seen, sizeof d->seen, "%s", line);
		more = d->answer(d, fd, request);
		json_decref(request);
		if (!more)
			break;
	}
	fclose(in);
}

/* One connection of several that are open at a time. */
struct connection {
	struct daemon *daemon;
	int fd;
};

static void *serve_one(void *arg)
{
	struct connection *c = arg;

	serve_connection(c->daemon, c->fd, false);
	close(c->fd);
	free(c);
	return NULL;
}

/* A phone keeps its connection while `cases` asks on another one. */
static void *serve(void *arg)
{
	struct daemon *d = arg;
	pthread_t threads[64];
	size_t n = 0;
	int fd;

	while (n < 64 && (fd = accept(d->listener, NULL, NULL)) >= 0) {
		struct connection *c = calloc(1, sizeof *c);

		*c = (struct connection){ d, fd };
		pthread_create(&threads[n++], NULL, serve_one, c);
	}
	while (n-- > 0)
		pthread_join(threads[n], NULL);
	return NULL;
}

/* One connection after the other, so that `seen` is that of the last request. */
static void *serve_here(void *arg)
{
	struct daemon *d = arg;
	int fd;

	while ((fd = accept(d->listener, NULL, NULL)) >= 0) {
		serve_connection(d, fd, true);
		close(fd);
	}
	return NULL;
}

static void start(struct daemon *d, void *(*how)(void *),
		  bool (*answer)(struct daemon *, int, const json_t *))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	d->answer = answer;
	snprintf(a.sun_path, sizeof a.sun_path, "%s", d->socket);
	d->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(d->listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(d->listener, 5), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, how, d), 0);
}

static int setup(void **state)
{
	struct daemon *d = calloc(1, sizeof *d);
	char run[96];

	d->listener = -1;
	snprintf(d->top, sizeof d->top, "/tmp/test-ctl-XXXXXX");
	assert_non_null(mkdtemp(d->top));
	snprintf(run, sizeof run, "%s/run", d->top);
	assert_int_equal(mkdir(run, 0700), 0);
	snprintf(d->socket, sizeof d->socket, "%s/run/control.sock", d->top);
	snprintf(d->keys, sizeof d->keys, "%s/keys", d->top);
	snprintf(d->config, sizeof d->config, "%s/hotlined.yaml", d->top);
	write_text(d->config, "node: a\n", 0644);
	ctl_globals.config = d->config;
	ctl_globals.socket = NULL;
	ctl_globals.json = false;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct daemon *d = *state;
	char command[128];

	if (d->listener >= 0) {
		shutdown(d->listener, SHUT_RDWR);
		pthread_join(d->thread, NULL);
		close(d->listener);
	}
	vault_close(d->vault);
	snprintf(command, sizeof command, "rm -rf '%s'", d->top);
	assert_int_equal(system(command), 0);
	free(d);
	return 0;
}

static void read_back(FILE *f, char *out, size_t size)
{
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Runs a command with its words; standard output and error go to *p. */
static void run(struct printed *p, ctl_command_fn *fn, const char *words)
{
	char *line = strdup(words), *argv[24], *rest = NULL;
	int argc = 0, out = dup(1), err = dup(2);
	FILE *to_out = tmpfile(), *to_err = tmpfile();

	for (char *w = strtok_r(line, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	argv[argc] = NULL;
	fflush(stdout);
	dup2(fileno(to_out), 1);
	dup2(fileno(to_err), 2);
	p->status = fn(argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	read_back(to_out, p->out, sizeof p->out);
	read_back(to_err, p->err, sizeof p->err);
	free(line);
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr((text), (part)) == NULL)                                                \
			fail_msg("no \"%s\" in: %s", (part), (text));                             \
	} while (0)

/* ---- lists ---- */

static bool answer_cases(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":true,\"data\":[{\"ref\":\"BP-1\",\"state\":\"open\",\"n\":18446744073}]}");
	return true;
}

static bool answer_empty(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":true,\"data\":[]}");
	return true;
}

static void a_list_is_a_table_for_people_and_an_array_for_machines(void **state)
{
	struct daemon *d = *state;
	struct printed p;
	json_t *rows;

	start(d, serve_here, answer_cases);
	run(&p, cmd_list, "cases --limit 5 --ref BP-1");
	assert_int_equal(p.status, 0);
	assert_has(p.out, "REF");
	assert_has(p.out, "BP-1");
	assert_has(d->seen, "\"args\":{\"ref\":\"BP-1\",\"limit\":5}");
	ctl_globals.json = true;
	run(&p, cmd_list, "cases");
	assert_int_equal(p.status, 0);
	rows = json_loads(p.out, 0, NULL);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "n")),
			 18446744073);
	json_decref(rows);
}

static void a_number_is_read_from_standard_input(void **state)
{
	struct daemon *d = *state;
	int old = dup(0), ends[2];
	struct printed p;

	start(d, serve_here, answer_empty);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "+84912345678\r\nx", 15), 15);
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	run(&p, cmd_list, "reports --from -");
	dup2(old, 0);
	close(old);
	clearerr(stdin);
	assert_has(d->seen, "{\"from\":\"+84912345678\"}");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_string_equal(p.out, "(none)\n");
}

static void nothing_found_is_an_empty_array_for_machines(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, answer_empty);
	ctl_globals.json = true;
	run(&p, cmd_list, "reports --ref BP-1");
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "[]\n");
	run(&p, cmd_list, "reports --limit 0");
	assert_int_equal(p.status, CTL_USAGE);
}

static bool answer_status(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":true,\"data\":{\"node\":\"a\",\"links\":[{\"name\":\"carrier\",\"state\":"
		  "\"bound\"}],\"spool\":{\"pending\":0}}}");
	return true;
}

static void status_is_lines_for_people_and_an_array_of_one_for_machines(void **state)
{
	struct daemon *d = *state;
	struct printed p;
	json_t *rows;

	start(d, serve_here, answer_status);
	run(&p, cmd_status, "status");
	assert_has(p.out, "node            a\n");
	assert_has(p.out, "carrier  bound\n");
	assert_has(p.out, "  pending         0\n");
	ctl_globals.json = true;
	run(&p, cmd_status, "status");
	rows = json_loads(p.out, 0, NULL);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
}

/* ---- a daemon that is dead, refuses, or talks nonsense ---- */

static void a_dead_daemon_gives_one_line_that_says_what_to_do(void **state)
{
	struct printed p;

	(void)state;
	run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, "run/control.sock");
	assert_has(p.err, "contrib/quickstart up");
	assert_ptr_equal(strchr(p.err, '\n'), p.err + strlen(p.err) - 1);
}

static bool hang_up(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	shutdown(fd, SHUT_RDWR);
	return false;
}

static void a_daemon_that_dies_in_between_is_unreachable(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, hang_up);
	run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, "closed the connection");
}

static bool answer_nonsense(struct daemon *d, int fd, const json_t *request)
{
	static const char *const lines[] = { "[]", "{\"ok\":", "", "\xff", "{\"ok\":1}" };

	(void)request;
	reply(fd, lines[d->polls++ % 5]);
	return true;
}

static void nonsense_from_a_daemon_is_not_believed(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, answer_nonsense);
	for (int i = 0; i < 5; i++) {
		run(&p, cmd_list, "cases");
		assert_int_equal(p.status, CTL_UNREACHABLE);
		assert_true(strlen(p.err) > 0);
	}
}

static bool refuse(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":false,\"error\":\"another officer\\u001b has it\",\"exit\":77}");
	return true;
}

static void a_refusal_has_its_exit_code_and_a_clean_text(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, refuse);
	run(&p, cmd_case, "case ack BP-1 --actor Lan");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(p.err, "another officer");
	assert_null(strchr(p.err, '\033'));
	assert_has(d->seen, "\"cmd\":\"case\"");
	assert_has(d->seen, "{\"action\":\"ack\",\"ref\":\"BP-1\",\"actor\":\"Lan\"}");
}

static void a_broken_configuration_is_named_with_line_and_column(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	write_text(d->config, "control:\n  socket: [1]\n", 0644);
	run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_CONFIG);
	assert_has(p.err, "hotlined.yaml:2:");
	write_text(d->config, "control: {socket: elsewhere.sock}\n", 0644);
	run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, d->top);
	assert_has(p.err, "/elsewhere.sock");
	assert_int_equal(unlink(d->config), 0);
	run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_CONFIG);
	assert_has(p.err, "hotlined.yaml");
}

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

static json_t *sealed_revision(struct daemon *d, int stamp, const char *text)
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

static bool is_proof(struct daemon *d, const json_t *args)
{
	const char *hex = json_string_value(json_object_get(args, "nonce"));
	uint8_t nonce[32];

	return hex != NULL && hex_decode(hex, nonce, sizeof nonce) &&
	       memcmp(nonce, d->nonce, sizeof nonce) == 0;
}

static void answer_proven(struct daemon *d, int fd, const char *cmd, const json_t *args)
{
	if (strcmp(cmd, "report-open") == 0)
		reply_json(fd, json_pack("{s:b,s:{s:{s:s},s:[o,o]}}", "ok", 1, "data", "report",
					 "ref", "BP-1", "revisions",
					 sealed_revision(d, 1, "chỉ mới bắt đầu"),
					 sealed_revision(d, 2, narrative)));
	else if (json_is_true(json_object_get(args, "unknown_ok")))
		reply(fd, "{\"ok\":true,\"data\":{\"number\":\"+84912345678\",\"safe\":-1}}");
	else
		reply(fd, "{\"ok\":false,\"error\":\"the reporter did not say it is safe to "
			  "call\",\"exit\":77}");
}

static bool answer_report(struct daemon *d, int fd, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const json_t *args = json_object_get(request, "args");
	uint8_t challenge[80];
	json_t *data;

	if (strcmp(cmd, "report-challenge") == 0) {
		vault_challenge(d->vault, d->nonce, challenge);
		data = json_object();
		hex_put(data, "challenge", challenge, sizeof challenge);
		reply_json(fd, json_pack("{s:b,s:o}", "ok", 1, "data", data));
	} else if (is_proof(d, args)) {
		answer_proven(d, fd, cmd, args);
	} else {
		reply(fd, "{\"ok\":false,\"error\":\"no proof\",\"exit\":77}");
	}
	return true;
}

static void make_keys(struct daemon *d)
{
	char error[512];

	assert_true(vault_init_dir(d->keys, "hotline", error, sizeof error));
	d->vault = vault_open(d->keys, "hotline", error, sizeof error);
	assert_non_null(d->vault);
}

static void run_with_identity(struct daemon *d, struct printed *p, ctl_command_fn *fn,
			      const char *before, const char *identity, const char *after)
{
	char words[512];

	snprintf(words, sizeof words, "%s --identity %s/%s.identity %s", before, d->keys, identity,
		 after);
	run(p, fn, words);
}

static void an_officer_reads_the_newest_revision_of_a_report(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	make_keys(d);
	start(d, serve_here, answer_report);
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
	struct daemon *d = *state;
	struct printed p;
	json_t *all, *revisions;

	make_keys(d);
	start(d, serve_here, answer_report);
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

static bool answer_forged(struct daemon *d, int fd, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *revision;

	if (strcmp(cmd, "report-open") != 0)
		return answer_report(d, fd, request);
	revision = sealed_revision(d, 1, narrative);
	json_object_set_new(revision, "authentic", json_false());
	reply_json(fd, json_pack("{s:b,s:{s:{s:s},s:[o]}}", "ok", 1, "data", "report", "ref", "BP-1",
				 "revisions", revision));
	return true;
}

static void a_row_no_daemon_wrote_is_not_shown_as_a_report(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	make_keys(d);
	start(d, serve_here, answer_forged);
	run_with_identity(d, &p, cmd_report_open, "report open BP-1", "team-hotline", "--reason x");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_null(strstr(p.out, narrative));
	assert_has(p.err, "not written by hotlined");
}

static bool answer_taken(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":true,\"data\":{\"result\":\"taken\",\"ref\":\"BP-1\",\"other\":\"x\"}}");
	return true;
}

static void a_case_somebody_else_has_is_refused(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, answer_taken);
	run(&p, cmd_case, "case close BP-1 --actor Lan");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(p.out, "another officer has it");
}

static void another_identity_is_refused_before_anything_is_asked(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	make_keys(d);
	start(d, serve_here, answer_report);
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
	struct daemon *d = *state;
	struct printed p;

	make_keys(d);
	start(d, serve_here, answer_report);
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
	struct daemon *d = *state;
	char file[96], before[256], *text;
	struct printed p;
	json_t *export;

	make_keys(d);
	snprintf(file, sizeof file, "%s/export.json", d->top);
	export = json_pack("{s:[o]}", "revisions", sealed_revision(d, 1, narrative));
	json_object_del(json_array_get(json_object_get(export, "revisions"), 0), "row");
	text = json_dumps(export, 0);
	write_text(file, text, 0600);
	free(text);
	json_decref(export);
	snprintf(before, sizeof before, "report recover %s --keys %s", file, d->keys);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, 0);
	assert_has(p.out, narrative);
	write_text(file, "{\"revisions\":[{}]}", 0600);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, CTL_NOTHING);
	write_text(file, "{]", 0600);
	run_with_identity(d, &p, cmd_report_recover, before, "escrow", "");
	assert_int_equal(p.status, CTL_CONFIG);
}

/* ---- keys ---- */

static void keys_are_made_backed_up_and_restored(void **state)
{
	struct daemon *d = *state;
	char words[512], secret[96];
	struct printed p;

	snprintf(secret, sizeof secret, "%s/passphrase", d->top);
	write_text(secret, "six plain words\nsecond line\n", 0600);
	snprintf(words, sizeof words, "keys init --dir %s --team south", d->keys);
	run(&p, cmd_keys_init, words);
	assert_int_equal(p.status, 0);
	run(&p, cmd_keys_init, words);
	assert_int_equal(p.status, CTL_CONFIG);
	snprintf(words, sizeof words, "keys backup --dir %s --out %s/b --passphrase-file %s", d->keys,
		 d->top, secret);
	run(&p, cmd_keys_backup, words);
	assert_int_equal(p.status, 0);
	snprintf(words, sizeof words, "keys restore --in %s/b --dir %s/back --passphrase-file %s",
		 d->top, d->top, secret);
	assert_int_equal(chmod(secret, 0644), 0);
	run(&p, cmd_keys_restore, words);
	assert_has(p.err, "chmod 600");
	assert_int_equal(chmod(secret, 0600), 0);
	run(&p, cmd_keys_restore, words);
	assert_int_equal(p.status, 0);
	snprintf(words, sizeof words, "cmp -s %s/root.key %s/back/root.key", d->keys, d->top);
	assert_int_equal(system(words), 0);
}

/* ---- roster ---- */

static bool answer_ok(struct daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	reply(fd, "{\"ok\":true,\"data\":{\"changes\":[{\"sign\":\"+\",\"subject\":\"officer lan\",\"fact\":"
		  "\"number +849******01\"}],\"findings\":[\"a gap\"],\"applied\":true}}");
	return true;
}

static void run_roster(struct daemon *d, struct printed *p, const char *yaml)
{
	char words[160], file[96];

	snprintf(file, sizeof file, "%s/roster.yaml", d->top);
	write_text(file, yaml, 0600);
	snprintf(words, sizeof words, "roster import %s", file);
	run(p, cmd_roster_import, words);
}

static void a_roster_is_checked_shown_masked_and_sent(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve_here, answer_ok);
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
	struct daemon *d = *state;
	struct printed p;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run_roster(d, &p, cases[i].yaml);
		assert_int_equal(p.status, CTL_CONFIG);
		assert_has(p.err, "roster.yaml:");
		assert_has(p.err, cases[i].place);
		assert_null(strstr(p.err, "900000001"));
	}
}

/* ---- the phone ---- */

static void phone_text(int fd, const char *to, const char *text)
{
	reply_json(fd, json_pack("{s:s,s:s,s:s,s:s}", "event", "text", "to", to, "from", "111",
				 "text", text));
}

/* One question, then the end; /end is received. */
static void answer_dialling(int fd, const json_t *ussd)
{
	const char *op = json_string_value(json_object_get(ussd, "op"));
	const char *text = json_string_value(json_object_get(ussd, "text"));
	bool more = strcmp(op, "begin") == 0;

	assert_string_equal(json_string_value(json_object_get(ussd, "to")), "*111#");
	if (strcmp(op, "end") == 0)
		reply(fd, "{\"event\":\"received\"}");
	else
		reply_json(fd, json_pack("{s:s,s:s,s:o,s:b}", "event", "screen", "to", "+84912345678", "text",
					 json_sprintf(more ? "Pick one" : "You picked %s", text), "more", more));
}

/* Answers a reporter, alerts the officer, closes the case for the right code. */
static bool answer_phone(struct daemon *d, int fd, const json_t *request)
{
	const json_t *send = json_object_get(request, "send"), *ussd = json_object_get(request, "ussd");
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const char *text = json_string_value(json_object_get(send, "text"));

	if (cmd != NULL && strcmp(cmd, "cases") == 0)
		return answer_cases(d, fd, request);
	if (ussd != NULL) {
		answer_dialling(fd, ussd);
		return true;
	}
	if (text == NULL) {
		reply(fd, "{\"ok\":true,\"data\":{\"short_code\":\"111\"}}");
		return true;
	}
	if (strcmp(text, "refuse me") == 0) {
		reply(fd, "{\"event\":\"refused\"}");
		return true;
	}
	if (strcmp(text, "early") == 0)
		phone_text(fd, "+84912345678", "before the answer");
	reply(fd, "{\"event\":\"received\"}");
	if (strcmp(text, "em bị đánh") == 0) {
		phone_text(fd, "+84912345678", "Đã nhận. Bạn có AN TOÀN không?");
		phone_text(fd, "+84900000001", "Mã 1234567 ca 482113 KHẨN CẤP");
	}
	if (strcmp(text, "NHAN 482113") == 0)
		phone_text(fd, "+84900000001", "Đã ghi nhận");
	return true;
}

static void play(struct daemon *d, struct printed *p, const char *script)
{
	char file[96], words[160];

	snprintf(file, sizeof file, "%s/script", d->top);
	write_text(file, script, 0600);
	snprintf(words, sizeof words, "phone --script %s", file);
	run(p, cmd_phone, words);
}

static void a_script_plays_both_phones_to_the_end(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve, answer_phone);
	play(d, &p, "# report, alert, acknowledgement\n> em bị đánh\n!< khẩn cấp\n"
		    "< within 2s an toàn\nsilence 20ms\n\n! NHAN {code}\n!< đã ghi within 1s\n"
		    "case open\n> early\n< /^before/\n");
	assert_has(p.out, "9 of 9 steps ok");
	assert_int_equal(p.status, 0);
}

static void a_script_stops_at_the_first_failure_and_shows_what_came(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve, answer_phone);
	play(d, &p, "> em bị đánh\n< within 50ms something else\n> never sent\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "FAIL   2  < within 50ms something else");
	assert_has(p.out, "came: Đã nhận");
	assert_has(p.out, "1 of 3 steps ok");
}

static void silence_fails_when_a_text_came_that_nobody_expected(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve, answer_phone);
	play(d, &p, "> early\nsilence 20ms\n");
	assert_int_equal(p.status, CTL_NOTHING);
	play(d, &p, "> nothing comes\nsilence 20ms\n");
	assert_int_equal(p.status, 0);
	play(d, &p, "> refuse me\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "refused");
}

static void a_text_meets_one_expectation_only(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve, answer_phone);
	play(d, &p, "> early\n< before\n< within 20ms before\n");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_has(p.out, "2 of 3 steps ok");
}

static void a_fault_in_a_script_is_named_with_its_line(void **state)
{
	static const char *const bad[] = { "> a\nhello\n", "> a\n<\n", "> a\nsilence soon\n",
					   "> a\n< /(/\n", "> a\n> \xff\n", "> a\nsilence 11min\n" };
	struct daemon *d = *state;
	struct printed p;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		play(d, &p, bad[i]);
		assert_int_equal(p.status, CTL_CONFIG);
		assert_has(p.err, "script:2:");
	}
	play(d, &p, "# nothing\n");
	assert_int_equal(p.status, CTL_CONFIG);
}

static void typed_lines_are_shown_on_their_phones(void **state)
{
	struct daemon *d = *state;
	static const char typed[] = "em \033[Dbị\033[1;5C đ\033OAánh\033\n!NHAN 482113\n/help\n/foo\n/quit\n";
	int old = dup(0), ends[2];
	struct printed p;

	start(d, serve, answer_phone);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], typed, strlen(typed)), strlen(typed));
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	run(&p, cmd_phone, "phone --officer +84900000001");
	dup2(old, 0);
	close(old);
	assert_int_equal(p.status, 0);
	assert_has(p.out, "reporter +84912345678");
	assert_has(p.out, "│ em bị đánh │");
	assert_has(p.out, "│ NHAN 482113 │");
	assert_has(p.out, "/new");
	assert_has(p.out, "no such command; see /help");
	assert_null(strchr(p.out, '\033'));
}

static void a_script_dials_answers_and_hangs_up(void **state)
{
	struct daemon *d = *state;
	struct printed p;

	start(d, serve, answer_phone);
	play(d, &p, "> *111#\n< Pick one\n> 2\n< You picked 2\n> nothing comes\n> *111#\n< Pick\n> /end\n> early\n< before\n");
	assert_has(p.out, "10 of 10 steps ok");
	assert_int_equal(p.status, 0);
}

static void a_screen_is_drawn_with_its_text_and_where_the_answer_goes(void **state)
{
	struct daemon *d = *state;
	static const char typed[] = "2\n/end\n/quit\n";
	int old = dup(0), ends[2];
	struct printed p;

	start(d, serve, answer_phone);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], typed, strlen(typed)), strlen(typed));
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	run(&p, cmd_phone, "phone --ussd");
	dup2(old, 0);
	close(old);
	assert_int_equal(p.status, 0);
	assert_has(p.out, "│ *111#                       ");
	assert_has(p.out, "│ Pick one                    ");
	assert_has(p.out, "│ Cancel                  Send │");
	assert_has(p.out, "│ You picked 2                ");
	assert_has(p.out, "no open session");
}

#define test_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_list_is_a_table_for_people_and_an_array_for_machines),
		test_case(a_number_is_read_from_standard_input),
		test_case(nothing_found_is_an_empty_array_for_machines),
		test_case(status_is_lines_for_people_and_an_array_of_one_for_machines),
		test_case(a_dead_daemon_gives_one_line_that_says_what_to_do),
		test_case(a_daemon_that_dies_in_between_is_unreachable),
		test_case(nonsense_from_a_daemon_is_not_believed),
		test_case(a_refusal_has_its_exit_code_and_a_clean_text),
		test_case(a_broken_configuration_is_named_with_line_and_column),
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
		test_case(a_script_plays_both_phones_to_the_end),
		test_case(a_script_stops_at_the_first_failure_and_shows_what_came),
		test_case(silence_fails_when_a_text_came_that_nobody_expected),
		test_case(a_text_meets_one_expectation_only),
		test_case(a_fault_in_a_script_is_named_with_its_line),
		test_case(a_script_dials_answers_and_hangs_up),
		test_case(a_screen_is_drawn_with_its_text_and_where_the_answer_goes),
		test_case(typed_lines_are_shown_on_their_phones),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl client", tests, NULL, NULL);
}
