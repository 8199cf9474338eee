/* The daemon: reads its configuration, opens the hotline, runs until it is told to stop. */
#include "config.h"

#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "adapters/adapter.h"
#include "adapters/http/client.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/notify.h"
#include "control/control.h"
#include "control/metrics.h"
#include "path/clockwork.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/roles.h"

enum { ERROR_MAX = 4096, WEB_CONNECT_MS = 5000, WEB_ANSWER_MS = 10 * 1000 };

static const char usage[] =
	"usage: hotlined [--config FILE] [--check] [--settings] [--version]\n"
	"  --config FILE  configuration (default /etc/hotlined/hotlined.yaml)\n"
	"  --check        read configuration, keys and flows, reach the stores, say what is wrong, and end\n"
	"  --settings     list every setting with its type, default and meaning\n"
	"exit status: 0 stopped in order, 69 the spool (or, with --check, a store) cannot be used, 78 the configuration is wrong\n";

struct daemon_run {
	struct loop *loop;
	struct conf conf;
	struct hotline hotline;
	struct control *control;
	struct metrics *metrics; /* NULL: not wanted */
	struct event *signals[4];
	struct loop_timer *watchdog;
	int64_t watchdog_ms;
	struct http_client *web;
	bool stopping;
};

/* ---- HTTPS for the stations ---- */

struct web_call {
	web_done_fn *done;
	void *arg;
};

static void on_web(void *arg, const struct http_result *result)
{
	struct web_call *call = arg;

	call->done(call->arg, result->fate == HTTP_ANSWERED && result->status / 100 == 2);
	mem_free(call);
}

static void web_call(void *ctx, const char *url, const char *body, web_done_fn *done, void *arg)
{
	struct web_call *call = mem_alloc(sizeof(*call));

	call->done = done;
	call->arg = arg;
	http_client_call(ctx, &(struct http_call){.url = url, .body = body, .type = "application/json"}, on_web, call);
}

/* ---- the process ---- */


/* Keys and texts must not reach a core file, nor another process of the same user. */
static void harden(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
}

static void on_stopped(void *arg)
{
	struct daemon_run *run = arg;

	loop_stop(run->loop);
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct daemon_run *run = arg;

	(void)what;
	if (run->stopping) {
		loop_stop(run->loop);
		return;
	}
	run->stopping = true;
	log_info("hotlined", "stopping signal=%d", (int)sig);
	notify_send("STOPPING=1");
	hotline_stop(&run->hotline, on_stopped, run);
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct daemon_run *run = arg;
	char error[ERROR_MAX];

	(void)sig;
	(void)what;
	if (!clockwork_reload(run->hotline.clockwork, error, sizeof(error)))
		log_error("hotlined", "legal clocks not reloaded, nothing was changed: %s", error);
	if (flowbook_reload(run->hotline.flowbook, error, sizeof(error)))
		log_info("hotlined", "flows reloaded");
	else
		log_error("hotlined", "flows not reloaded, nothing was changed: %s", error);
	if (hotline_reload_links(&run->hotline, error, sizeof(error)))
		log_info("hotlined", "links reloaded");
	else
		log_error("hotlined", "links not reloaded, nothing was changed: %s", error);
	roles_refresh(run->hotline.roles);
}

static void on_watchdog(void *arg)
{
	struct daemon_run *run = arg;

	notify_send("WATCHDOG=1");
	loop_timer_set(run->watchdog, run->watchdog_ms);
}

static void watch_signals(struct daemon_run *run)
{
	static const struct {
		int number;
		event_callback_fn fn;
	} watched[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};

	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++) {
		run->signals[i] = evsignal_new(loop_base(run->loop), watched[i].number, watched[i].fn, run);
		event_add(run->signals[i], NULL);
	}
}

static enum log_level level_of(const struct conf *conf)
{
	static const char *const names[] = {
		[LOG_DEBUG_] = "debug", [LOG_INFO_] = "info", [LOG_WARN_] = "warn", [LOG_ERROR_] = "error"};
	char where[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(conf->log_level, names[i]) == 0)
			return (enum log_level)i;
	}
	conf_where(conf, "log_level", where, sizeof(where));
	fatal(EXIT_CONFIG, "%s: log_level must be debug, info, warn or error", where);
}

static void open_all(struct daemon_run *run, const char *config)
{
	char error[ERROR_MAX];
	int status;

	if (!conf_load(config, &run->conf, error, sizeof(error)))
		fatal(EXIT_CONFIG, "%s", error);
	log_setup(level_of(&run->conf));
	run->loop = loop_new();
	run->hotline = (struct hotline){.conf = &run->conf, .loop = run->loop, .adapters = adapters};
	run->web = http_client_new(run->loop, &(struct http_client_conf){.connect_ms = WEB_CONNECT_MS,
									    .answer_ms = WEB_ANSWER_MS});
	run->hotline.web = (struct web){run->web, web_call};
	status = hotline_open(&run->hotline, error, sizeof(error));
	if (status != 0)
		fatal(status, "%s", error);
}

static void close_all(struct daemon_run *run)
{
	metrics_free(run->metrics);
	run->hotline.web.call = NULL;
	http_client_free(run->web);
	hotline_close(&run->hotline); /* tells phones of the control socket what became of their texts */
	control_free(run->control);
	for (size_t i = 0; run->signals[i]; i++)
		event_free(run->signals[i]);
	loop_timer_free(run->watchdog);
	loop_free(run->loop);
	conf_fini(&run->conf);
}

static void serve(struct daemon_run *run)
{
	char error[ERROR_MAX], where[512];

	run->control = control_new(&run->hotline, run->conf.control_socket, error, sizeof(error));
	if (!run->control) {
		conf_where(&run->conf, "control.socket", where, sizeof(where));
		fatal(EXIT_CONFIG, "%s: %s", where, error);
	}
	run->metrics = metrics_new(&run->hotline, error, sizeof(error));
	if (error[0])
		fatal(EXIT_CONFIG, "%s", error);
	watch_signals(run);
	hotline_start(&run->hotline);
	run->watchdog_ms = notify_watchdog_ms();
	run->watchdog = loop_timer_new(run->loop, on_watchdog, run);
	if (run->watchdog_ms > 0)
		loop_timer_set(run->watchdog, run->watchdog_ms);
	log_info("hotlined", "ready version=%s node=%s", PACKAGE_VERSION, run->conf.node);
	notify_send("READY=1");
	loop_run(run->loop);
	log_info("hotlined", "stopped");
}

static void check_stores(struct daemon_run *run, const char *config)
{
	char error[ERROR_MAX];

	if (!hotline_check_stores(&run->hotline, error, sizeof(error)))
		fatal(EXIT_STORE, "%s", error);
	printf("%s: in order\n", config);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
		{"settings", no_argument, NULL, 's'},     {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
	const char *config = "/etc/hotlined/hotlined.yaml";
	static struct daemon_run run;
	bool check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 's':
			conf_print_reference();
			return 0;
		case 'v':
			puts("hotlined " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	harden();
	open_all(&run, config);
	if (check)
		check_stores(&run, config);
	else
		serve(&run);
	close_all(&run);
	return 0;
}
