/* A simulated SMSC with a population of phones that hold dialogues with the gateway under test, and
 * what that cost: see --help. */
#include "smsc.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"

static const char usage[] =
	"usage: smsc --dialogue FILE [option...]\n"
	"Waits for a bind (transceiver, or transmitter and receiver; several are fine), then lets phones play\n"
	"the dialogue, each once, with a number of its own. Prints what came of it.\n"
	"  --port N             to listen on, 127.0.0.1 only (0: any, printed first)   default 2775\n"
	"  --system-id ID, --password PW        of the bind                       default bench, bench\n"
	"  --dest CODE          short code the phones write to                         default 111\n"
	"  --first-number N     of the first phone                             default 84900100000\n"
	"  --window N           deliver_sm without an answer on one bind, 1..4096      default 256\n"
	"  --concurrent N       closed loop: dialogues at a time                       default 256\n"
	"  --rate R             open loop instead: dialogues begun a second, Poisson; latency counts from\n"
	"                       when a text was due, however late it could be sent\n"
	"  --fixed              open loop: evenly spaced instead of Poisson\n"
	"  --dialogues N        how many are measured                                 default 1000\n"
	"  --warm-up N          how many before that are not                             default 0\n"
	"  --patience S         a phone gives up after so many seconds                  default 30\n"
	"  --throttle R         accept at most R submit_sm a second\n"
	"  --refuse P           answer a part of all submit_sm (0..1) with ESME_RTHROTTLED\n"
	"  --pid NAME=PID,...   count the processor time of these and their children; may be repeated\n"
	"  --settle COMMAND     run after the last reply; what is measured ends when it returns\n"
	"  --seed N             of the dice                                              default 1\n"
	"  --label TEXT         heading of the output\n"
	"  --json FILE          the same figures as JSON, - for standard output\n";

enum { NUMBER, REAL, TEXT_OPTION, FLAG, PROCESS };

#define OPTION(field) offsetof(struct smsc_options, field)

static const struct {
	const char *name;
	int kind;
	size_t at;
	double low, high;
} settings[] = {
	{"port", NUMBER, OPTION(port), 0, 65535},
	{"system-id", TEXT_OPTION, OPTION(system_id), 0, 0},
	{"password", TEXT_OPTION, OPTION(password), 0, 0},
	{"dest", TEXT_OPTION, OPTION(dest), 0, 0},
	{"first-number", NUMBER, OPTION(first_number), 1, 999999999999999},
	{"window", NUMBER, OPTION(window), 1, 4096},
	{"concurrent", NUMBER, OPTION(concurrent), 1, 1000000},
	{"rate", REAL, OPTION(rate), 0.001, 1e6},
	{"fixed", FLAG, OPTION(fixed), 0, 0},
	{"dialogues", NUMBER, OPTION(dialogues), 1, 100000000},
	{"warm-up", NUMBER, OPTION(warm_up), 0, 100000000},
	{"patience", REAL, OPTION(patience_s), 0.1, 3600},
	{"throttle", REAL, OPTION(throttle), 0.1, 1e6},
	{"refuse", REAL, OPTION(refuse), 0, 1},
	{"seed", NUMBER, OPTION(seed), 0, 1e15},
	{"label", TEXT_OPTION, OPTION(label), 0, 0},
	{"json", TEXT_OPTION, OPTION(json_file), 0, 0},
	{"settle", TEXT_OPTION, OPTION(settle_command), 0, 0},
	{"dialogue", TEXT_OPTION, OPTION(dialogue_file), 0, 0},
	{"pid", PROCESS, 0, 0, 0},
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

int64_t smsc_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the measured part ---- */

void smsc_measure(struct smsc *s)
{
	memset(&s->counts, 0, sizeof(s->counts));
	procs_start(&s->procs);
	s->began_ns = smsc_now_ns();
	s->measuring = true;
}

static void settled(struct smsc *s)
{
	s->settled_ns = smsc_now_ns();
	procs_stop(&s->procs);
	event_base_loopexit(s->base, NULL);
}

/* Binds stay alive while the command runs, so it is a child and not waited for here. */
void smsc_finish(struct smsc *s)
{
	pid_t pid;

	if (!s->options.settle_command) {
		settled(s);
		return;
	}
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", s->options.settle_command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		settled(s);
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	struct smsc *s = arg;
	int status;

	(void)fd;
	(void)what;
	if (waitpid(-1, &status, WNOHANG) <= 0)
		return;
	if (status != 0)
		fprintf(stderr, "smsc: the command of --settle failed\n");
	settled(s);
}

/* ---- the command line ---- */

static bool set_number(struct smsc_options *o, int i, const char *text)
{
	void *at = (char *)o + settings[i].at;
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || value < settings[i].low || value > settings[i].high)
		return false;
	if (settings[i].kind == REAL)
		*(double *)at = value;
	else if (settings[i].at == OPTION(port))
		o->port = (uint16_t)value;
	else if (settings[i].at == OPTION(window) || settings[i].at == OPTION(concurrent))
		*(unsigned *)at = (unsigned)value;
	else
		*(uint64_t *)at = (uint64_t)value;
	return true;
}

static bool set_option(struct smsc *s, int i, const char *text)
{
	void *at = (char *)&s->options + settings[i].at;

	switch (settings[i].kind) {
	case FLAG:
		*(bool *)at = true;
		return true;
	case TEXT_OPTION:
		*(const char **)at = text;
		return true;
	case PROCESS:
		return procs_add(&s->procs, text);
	default:
		return set_number(&s->options, i, text);
	}
}

static bool read_options(struct smsc *s, int argc, char **argv)
{
	struct option longs[SETTINGS + 2] = {{"help", no_argument, NULL, SETTINGS}};
	int found;

	for (int i = 0; i < SETTINGS; i++)
		longs[i + 1] = (struct option){settings[i].name,
					       settings[i].kind == FLAG ? no_argument : required_argument,
					       NULL, i};
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (found == SETTINGS) {
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		}
		if (found == '?')
			return false;
		if (!set_option(s, found, optarg)) {
			fprintf(stderr, "smsc: --%s does not take '%s'\n", settings[found].name, optarg);
			return false;
		}
	}
	return optind == argc && s->options.dialogue_file;
}

static bool prepare(struct smsc *s)
{
	char error[512];

	if (!dialogue_read(s->options.dialogue_file, &s->dialogue, error, sizeof(error))) {
		fprintf(stderr, "smsc: %s\n", error);
		return false;
	}
	signal(SIGPIPE, SIG_IGN);
	s->base = event_base_new();
	s->phones = phones_new(s);
	s->binds = binds_new(s);
	if (!s->binds) {
		fprintf(stderr, "smsc: port %u: %s\n", s->options.port, strerror(errno));
		return false;
	}
	fprintf(stderr, "smsc: listening on 127.0.0.1:%u\n", binds_port(s->binds));
	return true;
}

static void clean_up(struct smsc *s)
{
	binds_free(s->binds);
	phones_free(s->phones);
	dialogue_free(&s->dialogue);
	if (s->base)
		event_base_free(s->base);
	mem_free(s);
}

int main(int argc, char **argv)
{
	struct smsc *s = mem_alloc(sizeof(*s)); /* histograms are too large for a stack */
	struct event *child;
	bool good = false;

	s->options = (struct smsc_options){
		.port = 2775, .system_id = "bench", .password = "bench", .dest = "111",
		.first_number = 84900100000, .window = 256, .concurrent = 256, .dialogues = 1000,
		.patience_s = 30, .seed = 1, .label = "run",
	};
	if (!read_options(s, argc, argv)) {
		fputs(usage, stderr);
		mem_free(s);
		return EX_USAGE;
	}
	if (prepare(s)) {
		child = evsignal_new(s->base, SIGCHLD, on_child, s);
		event_add(child, NULL);
		event_base_dispatch(s->base);
		event_free(child);
		report_print(s, stdout);
		good = s->counts.stuck == 0 && s->counts.wrong == 0;
		if (s->options.json_file && !report_json(s, s->options.json_file)) {
			fprintf(stderr, "smsc: cannot write %s\n", s->options.json_file);
			good = false;
		}
	}
	clean_up(s);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
