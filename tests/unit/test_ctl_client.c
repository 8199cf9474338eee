/* Lists of hotlinectl, and a daemon that is dead, refuses or talks nonsense. */
#include "tests/unit/ctl_daemon.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- lists ---- */

static bool answer_empty(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":true,\"data\":[]}");
	return true;
}

static void a_list_is_a_table_for_people_and_an_array_for_machines(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;
	json_t *rows;

	ctl_daemon_start(d, ctl_serve_in_turn, ctl_answer_cases);
	ctl_run(&p, cmd_list, "cases --limit 5 --ref BP-1");
	assert_int_equal(p.status, 0);
	assert_has(p.out, "REF");
	assert_has(p.out, "BP-1");
	assert_has(d->seen, "\"args\":{\"ref\":\"BP-1\",\"limit\":5}");
	ctl_globals.json = true;
	ctl_run(&p, cmd_list, "cases");
	assert_int_equal(p.status, 0);
	rows = json_loads(p.out, 0, NULL);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "n")),
			 18446744073);
	json_decref(rows);
}

static void a_number_is_read_from_standard_input(void **state)
{
	struct ctl_daemon *d = *state;
	int old = dup(0), ends[2];
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_empty);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "+84912345678\r\nx", 15), 15);
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	ctl_run(&p, cmd_list, "reports --from -");
	dup2(old, 0);
	close(old);
	clearerr(stdin);
	assert_has(d->seen, "{\"from\":\"+84912345678\"}");
	assert_int_equal(p.status, CTL_NOTHING);
	assert_string_equal(p.out, "(none)\n");
}

static void nothing_found_is_an_empty_array_for_machines(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_empty);
	ctl_globals.json = true;
	ctl_run(&p, cmd_list, "reports --ref BP-1");
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "[]\n");
	ctl_run(&p, cmd_list, "reports --limit 0");
	assert_int_equal(p.status, CTL_USAGE);
}

static bool answer_status(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":true,\"data\":{\"node\":\"a\",\"links\":[{\"name\":\"carrier\",\"state\":"
		  "\"bound\"}],\"spool\":{\"pending\":0}}}");
	return true;
}

static void status_is_lines_for_people_and_an_array_of_one_for_machines(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;
	json_t *rows;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_status);
	ctl_run(&p, cmd_status, "status");
	assert_has(p.out, "node            a\n");
	assert_has(p.out, "carrier  bound\n");
	assert_has(p.out, "  pending         0\n");
	ctl_globals.json = true;
	ctl_run(&p, cmd_status, "status");
	rows = json_loads(p.out, 0, NULL);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
}

/* ---- a daemon that is dead, refuses, or talks nonsense ---- */

static void a_dead_daemon_gives_one_line_that_says_what_to_do(void **state)
{
	struct ctl_printed p;

	(void)state;
	ctl_run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, "run/control.sock");
	assert_has(p.err, "contrib/quickstart up");
	assert_ptr_equal(strchr(p.err, '\n'), p.err + strlen(p.err) - 1);
}

static bool hang_up(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	shutdown(fd, SHUT_RDWR);
	return false;
}

static void a_daemon_that_dies_in_between_is_unreachable(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, hang_up);
	ctl_run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, "closed the connection");
}

static bool answer_nonsense(struct ctl_daemon *d, int fd, const json_t *request)
{
	static const char *const lines[] = { "[]", "{\"ok\":", "", "\xff", "{\"ok\":1}" };

	(void)request;
	ctl_reply(fd, lines[d->polls++ % 5]);
	return true;
}

static void nonsense_from_a_daemon_is_not_believed(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, answer_nonsense);
	for (int i = 0; i < 5; i++) {
		ctl_run(&p, cmd_list, "cases");
		assert_int_equal(p.status, CTL_UNREACHABLE);
		assert_true(strlen(p.err) > 0);
	}
}

static bool refuse(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":false,\"error\":\"another officer\\u001b has it\",\"exit\":77}");
	return true;
}

static void a_refusal_has_its_exit_code_and_a_clean_text(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_daemon_start(d, ctl_serve_in_turn, refuse);
	ctl_run(&p, cmd_case, "case ack BP-1 --actor Lan");
	assert_int_equal(p.status, CTL_REFUSED);
	assert_has(p.err, "another officer");
	assert_null(strchr(p.err, '\033'));
	assert_has(d->seen, "\"cmd\":\"case\"");
	assert_has(d->seen, "{\"action\":\"ack\",\"ref\":\"BP-1\",\"actor\":\"Lan\"}");
}

static void a_broken_configuration_is_named_with_line_and_column(void **state)
{
	struct ctl_daemon *d = *state;
	struct ctl_printed p;

	ctl_write_text(d->config, "control:\n  socket: [1]\n", 0644);
	ctl_run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_CONFIG);
	assert_has(p.err, "hotlined.yaml:2:");
	ctl_write_text(d->config, "control: {socket: elsewhere.sock}\n", 0644);
	ctl_run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_UNREACHABLE);
	assert_has(p.err, d->top);
	assert_has(p.err, "/elsewhere.sock");
	assert_int_equal(unlink(d->config), 0);
	ctl_run(&p, cmd_status, "status");
	assert_int_equal(p.status, CTL_CONFIG);
	assert_has(p.err, "hotlined.yaml");
}

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
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl client", tests, NULL, NULL);
}
