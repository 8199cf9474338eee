/* The control socket always answers. What can be asked is ours here: a refusal in broken UTF-8. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "control/control.h"
#include "path/hotline.h"

void control_run(struct control_request *request, const char *command)
{
	control_refuse(request, 2, "%s: t\xe9xt\xff", command);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void a_refusal_that_is_not_utf8_is_answered_all_the_same(void **state)
{
	static const char ask[] = "{\"cmd\":\"x\"}\n";
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct hotline h = {0};
	struct control *control;
	struct loop_timer *end;
	char error[200], line[200] = "";
	int fd;

	(void)state;
	h.loop = loop_new();
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/hl-control.%d", (int)getpid());
	control = control_new(&h, at.sun_path, error, sizeof(error));
	assert_non_null(control);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(write(fd, ask, sizeof(ask) - 1), sizeof(ask) - 1);
	end = loop_timer_new(h.loop, stop_loop, h.loop);
	for (int i = 0; i < 200 && read(fd, line, sizeof(line) - 1) < 0; i++) {
		assert_int_equal(errno, EAGAIN);
		loop_timer_set(end, 5);
		loop_run(h.loop);
	}
	assert_non_null(strstr(line, "\"error\":\"x: t\xef\xbf\xbdxt\xef\xbf\xbd\""));
	loop_timer_free(end);
	close(fd);
	control_free(control);
	loop_free(h.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_that_is_not_utf8_is_answered_all_the_same),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
