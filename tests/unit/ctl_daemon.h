/* A small scripted daemon on a socket of its own, and commands of hotlinectl run against it. */
#ifndef TESTS_CTL_DAEMON_H
#define TESTS_CTL_DAEMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "ctl/ctl.h"
#include "store/vault.h"

/* The daemon of one test. `answer` gets each request and writes lines to fd; false hangs up. */
struct ctl_daemon {
	char top[64], socket[96], keys[96], config[96];
	int listener;
	pthread_t thread;
	bool (*answer)(struct ctl_daemon *d, int fd, const json_t *request);
	struct vault *vault;
	uint8_t nonce[32];
	char seen[4096]; /* the last request, as text */
	int polls;
};

/* What a command printed. */
struct ctl_printed {
	int status;
	char out[16384], err[4096];
};

/* A folder, keys' path and configuration of its own for each test; the daemon is not started yet. */
int ctl_daemon_setup(void **state);
int ctl_daemon_teardown(void **state);
#define test_case(name) cmocka_unit_test_setup_teardown(name, ctl_daemon_setup, ctl_daemon_teardown)

/* `how` is one of the two below. */
void ctl_daemon_start(struct ctl_daemon *d, void *(*how)(void *),
		      bool (*answer)(struct ctl_daemon *, int, const json_t *));
/* One connection after the other, so that `seen` is that of the last request. */
void *ctl_serve_in_turn(void *arg);
/* Several at a time: a phone keeps its connection while `cases` asks on another one. */
void *ctl_serve_together(void *arg);

/* One line to a client, which may have gone by now. */
void ctl_reply(int fd, const char *line);
void ctl_reply_json(int fd, json_t *object);
/* Answers any request with one open case, BP-1. */
bool ctl_answer_cases(struct ctl_daemon *d, int fd, const json_t *request);

/* Runs a command with its words; standard output and error go to *p. */
void ctl_run(struct ctl_printed *p, ctl_command_fn *fn, const char *words);
/* The same, with `typed` on standard input. */
void ctl_run_typed(struct ctl_printed *p, ctl_command_fn *fn, const char *words, const char *typed);

void ctl_write_text(const char *path, const char *text, mode_t mode);

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr((text), (part)) == NULL)                                                \
			fail_msg("no \"%s\" in: %s", (part), (text));                             \
	} while (0)

#endif
