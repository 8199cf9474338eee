/* Mail through a sendmail program: started, fed, watched until it ends. */
#include "path/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

enum { LOOK_MS = 50, PATIENCE_MS = 30 * 1000 };

extern char **environ;

struct mail {
	struct loop_timer *timer; /* owned */
	pid_t pid;                /* 0: could not be started */
	int64_t until_ms;
	struct loop *loop;
	mail_fn *done;
	void *arg;
};

static void finish(struct mail *m, bool taken)
{
	m->done(m->arg, taken);
	loop_timer_free(m->timer);
	mem_free(m);
}

/* A program that hangs is killed and has not taken the mail. */
static void look(void *arg)
{
	struct mail *m = arg;
	int status = 0;
	pid_t ended = m->pid ? waitpid(m->pid, &status, WNOHANG) : -1;

	if (ended == 0 && loop_now_ms(m->loop) >= m->until_ms) {
		kill(m->pid, SIGKILL);
		ended = waitpid(m->pid, &status, 0);
	}
	if (ended == 0)
		loop_timer_set(m->timer, LOOK_MS);
	else
		finish(m, ended == m->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The text fits the pipe's buffer, so writing it blocks nothing. */
static bool feed(int fd, const struct mail_text *text)
{
	char bytes[MAIL_TEXT_MAX];
	int len = snprintf(bytes, sizeof(bytes),
			   "To: %s\nSubject: %s\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
			   "Content-Type: text/plain; charset=utf-8\n\n%s\n", text->to, text->subject, text->body);
	bool ok = len > 0 && (size_t)len < sizeof(bytes) && write(fd, bytes, (size_t)len) == len;

	explicit_bzero(bytes, sizeof(bytes));
	return ok;
}

static pid_t start(const struct mail_text *text, int in)
{
	const char *argv[] = {text->program, "-i", "--", text->to, NULL, NULL, NULL};
	posix_spawn_file_actions_t files;
	pid_t pid = 0;

	if (text->from) {
		argv[2] = "-f";
		argv[3] = text->from;
		argv[4] = "--";
		argv[5] = text->to;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, text->program, &files, NULL, (char *const *)argv, environ) != 0)
		pid = 0;
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

void mail_send(struct loop *loop, const struct mail_text *text, mail_fn *done, void *arg)
{
	struct mail *m = mem_alloc(sizeof(*m));
	int pipes[2];

	m->loop = loop;
	m->done = done;
	m->arg = arg;
	m->until_ms = loop_now_ms(loop) + PATIENCE_MS;
	m->timer = loop_timer_new(loop, look, m);
	loop_timer_set(m->timer, 0);
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return; /* look() says that it was not taken */
	if (feed(pipes[1], text))
		m->pid = start(text, pipes[0]);
	close(pipes[0]);
	close(pipes[1]);
}
