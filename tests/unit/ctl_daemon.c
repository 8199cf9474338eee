/* A small scripted daemon on a socket of its own, and commands of hotlinectl run against it. */
#include "tests/unit/ctl_daemon.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void ctl_write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* The client may have gone by now, which is no failure of it. */
void ctl_reply(int fd, const char *line)
{
	send(fd, line, strlen(line), MSG_NOSIGNAL);
	send(fd, "\n", 1, MSG_NOSIGNAL);
}

void ctl_reply_json(int fd, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	ctl_reply(fd, text);
	free(text);
	json_decref(object);
}

static void serve_connection(struct ctl_daemon *d, int fd, bool note)
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
	struct ctl_daemon *daemon;
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
void *ctl_serve_together(void *arg)
{
	struct ctl_daemon *d = arg;
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
void *ctl_serve_in_turn(void *arg)
{
	struct ctl_daemon *d = arg;
	int fd;

	while ((fd = accept(d->listener, NULL, NULL)) >= 0) {
		serve_connection(d, fd, true);
		close(fd);
	}
	return NULL;
}

void ctl_daemon_start(struct ctl_daemon *d, void *(*how)(void *),
		  bool (*answer)(struct ctl_daemon *, int, const json_t *))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	d->answer = answer;
	snprintf(a.sun_path, sizeof a.sun_path, "%s", d->socket);
	d->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(d->listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(d->listener, 5), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, how, d), 0);
}

int ctl_daemon_setup(void **state)
{
	struct ctl_daemon *d = calloc(1, sizeof *d);
	char run[96];

	d->listener = -1;
	snprintf(d->top, sizeof d->top, "/tmp/test-ctl-XXXXXX");
	assert_non_null(mkdtemp(d->top));
	snprintf(run, sizeof run, "%s/run", d->top);
	assert_int_equal(mkdir(run, 0700), 0);
	snprintf(d->socket, sizeof d->socket, "%s/run/control.sock", d->top);
	snprintf(d->keys, sizeof d->keys, "%s/keys", d->top);
	snprintf(d->config, sizeof d->config, "%s/hotlined.yaml", d->top);
	ctl_write_text(d->config, "node: a\n", 0644);
	ctl_globals.config = d->config;
	ctl_globals.socket = NULL;
	ctl_globals.json = false;
	*state = d;
	return 0;
}

int ctl_daemon_teardown(void **state)
{
	struct ctl_daemon *d = *state;
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
void ctl_run(struct ctl_printed *p, ctl_command_fn *fn, const char *words)
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

bool ctl_answer_cases(struct ctl_daemon *d, int fd, const json_t *request)
{
	(void)d;
	(void)request;
	ctl_reply(fd, "{\"ok\":true,\"data\":[{\"ref\":\"BP-1\",\"state\":\"open\",\"n\":18446744073}]}");
	return true;
}

void ctl_run_typed(struct ctl_printed *p, ctl_command_fn *fn, const char *words, const char *typed)
{
	int old = dup(0), ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], typed, strlen(typed)), strlen(typed));
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	ctl_run(p, fn, words);
	dup2(old, 0);
	close(old);
}
