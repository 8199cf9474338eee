/* Mail through a program: what it is given, and what its end means. The program is a script of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "path/mail.h"

static char dir[] = "/tmp/hotlined-mail.XXXXXX";
static char program[64], seen[64];
static struct loop *loop;
static int answers, taken_count;

static void write_program(const char *body)
{
	FILE *f = fopen(program, "w");

	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	chmod(program, 0700);
}

static void on_done(void *arg, bool taken)
{
	(void)arg;
	answers++;
	taken_count += taken;
	loop_stop(loop);
}

static bool send_one(const char *from)
{
	struct mail_text text = {program, from, "lan@example.org", "BP-1 KHAN CAP", "BP-1. NHAN 482113"};

	answers = taken_count = 0;
	mail_send(loop, &text, on_done, NULL);
	assert_int_equal(answers, 0); /* never from inside */
	loop_run(loop);
	assert_int_equal(answers, 1);
	return taken_count == 1;
}

static const char *read_seen(void)
{
	static char text[2048];
	FILE *f = fopen(seen, "r");
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[len] = '\0';
	if (f)
		fclose(f);
	return text;
}

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/sendmail", dir);
	snprintf(seen, sizeof(seen), "%s/seen", dir);
	loop = loop_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_free(loop);
	unlink(program);
	unlink(seen);
	rmdir(dir);
	return 0;
}

static void a_mail_names_its_receiver_and_carries_the_text(void **state)
{
	char script[256];

	(void)state;
	snprintf(script, sizeof(script), "echo \"args $*\" >%s; cat >>%s", seen, seen);
	write_program(script);
	assert_true(send_one(NULL));
	assert_non_null(strstr(read_seen(), "args -i -- lan@example.org\n"));
	assert_non_null(strstr(read_seen(), "To: lan@example.org\nSubject: BP-1 KHAN CAP\n"));
	assert_non_null(strstr(read_seen(), "\n\nBP-1. NHAN 482113\n"));
	assert_true(send_one("duty@example.org"));
	assert_non_null(strstr(read_seen(), "args -i -f duty@example.org -- lan@example.org\n"));
}

static void a_program_that_fails_or_is_missing_has_not_taken_it(void **state)
{
	(void)state;
	write_program("exit 75");
	assert_false(send_one(NULL));
	unlink(program);
	assert_false(send_one(NULL));
	write_program("kill -9 $$");
	assert_false(send_one(NULL));
}

static void skip_ahead(void *arg)
{
	(void)arg;
	loop_skip_ms(loop, 60 * 1000);
}

static void a_program_that_hangs_is_ended(void **state)
{
	struct loop_timer *timer = loop_timer_new(loop, skip_ahead, NULL);

	(void)state;
	write_program("exec sleep 1000");
	loop_timer_set(timer, 100);
	assert_false(send_one(NULL));
	loop_timer_free(timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_names_its_receiver_and_carries_the_text),
		cmocka_unit_test(a_program_that_fails_or_is_missing_has_not_taken_it),
		cmocka_unit_test(a_program_that_hangs_is_ended),
	};

	return cmocka_run_group_tests_name("mail", tests, begin, end);
}
