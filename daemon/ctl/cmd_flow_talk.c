/* hotlinectl flow talk: talk to a flow in the terminal, with the power over time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "ctl/ctl.h"
#include "ctl/flow_files.h"
#include "ctl/talk.h"

static bool run_wait(struct talk *talk, const char *rest)
{
	int64_t wait_ms;

	if (!yaml_duration_ms(rest, &wait_ms) || wait_ms <= 0) {
		ctl_error("/wait needs a time, such as 90s, 5min, 24h or 2d");
		return false;
	}
	talk_wait(talk, wait_ms);
	return true;
}

static bool run_state(struct talk *talk, const char *rest)
{
	(void)rest;
	talk_show(talk);
	return true;
}

static bool run_back(struct talk *talk, const char *rest)
{
	(void)rest;
	if (talk_undo(talk))
		return true;
	ctl_error("there is nothing to take back");
	return false;
}

static bool run_ussd(struct talk *talk, const char *rest)
{
	(void)rest;
	talk_event(talk, FLOW_EV_USSD_BEGIN, NULL);
	return true;
}

static bool run_sms(struct talk *talk, const char *rest)
{
	(void)rest;
	if (talk->ussd)
		talk_event(talk, FLOW_EV_USSD_END, NULL);
	return true;
}

static bool run_restart(struct talk *talk, const char *rest)
{
	(void)rest;
	talk_end(talk);
	talk_begin(talk);
	puts("  (a new conversation)");
	return true;
}

static bool run_save(struct talk *talk, const char *rest)
{
	if (*rest && talk->count)
		return talk_save(talk, rest);
	ctl_error(*rest ? "nothing was played yet" : "/save needs a name: what the test shows");
	return false;
}

static bool run_help(struct talk *talk, const char *rest);

static const struct {
	const char *name, *args, *help;
	bool (*run)(struct talk *talk, const char *rest); /* NULL: leave */
} commands[] = {
	{"/wait", "24h", "let time pass; timers fire", run_wait},
	{"/state", "", "what the flow knows by now", run_state},
	{"/back", "", "take the last step back", run_back},
	{"/ussd", "", "dial the USSD code; what follows is typed there", run_ussd},
	{"/sms", "", "hang up; what follows are texts", run_sms},
	{"/restart", "", "begin a new conversation", run_restart},
	{"/save", "NAME", "write what was played as a test", run_save},
	{"/help", "", "this list", run_help},
	{"/quit", "", "leave", NULL},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static bool run_help(struct talk *talk, const char *rest)
{
	(void)talk;
	(void)rest;
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-9s %-5s %s\n", commands[i].name, commands[i].args, commands[i].help);
	puts("  anything else is what the reporter writes");
	return true;
}

/* A line that begins with "/" and a letter. *leave: it was /quit. False if it could not be done. */
static bool run_command(struct talk *talk, const char *line, bool *leave)
{
	size_t len = strcspn(line, " ");
	const char *rest = line + len + strspn(line + len, " ");

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strlen(commands[i].name) != len || strncmp(commands[i].name, line, len))
			continue;
		*leave = !commands[i].run;
		return *leave || commands[i].run(talk, rest);
	}
	ctl_error("%.40s is no command; see /help", line);
	return false;
}

/* Every line until the end of input. Not at a terminal the lines are repeated, so that a transcript
 * can be read, and a command that fails is remembered. */
static int converse(struct talk *talk)
{
	bool typed = isatty(STDIN_FILENO), leave = false, ok = true;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (!leave) {
		if (typed)
			printf("%s ", talk->ussd ? "#>" : ">");
		fflush(stdout);
		len = getline(&line, &size, stdin);
		if (len < 0)
			break;
		line[strcspn(line, "\r\n")] = '\0';
		if (!typed)
			printf("> %s\n", line);
		if (line[0] == '/' && line[1] >= 'a' && line[1] <= 'z')
			ok &= run_command(talk, line, &leave);
		else
			talk_event(talk, FLOW_EV_TEXT, line);
	}
	free(line);
	return ok || typed ? CTL_OK : CTL_NOTHING;
}

int cmd_flow_talk(int argc, char **argv)
{
	struct talk talk = {0};
	bool ussd = false;
	const struct ctl_option options[] = {{"--ussd", NULL, &ussd, false},
	                                     {"--role", &talk.role, NULL, false},
	                                     {"--lang", &talk.lang, NULL, false},
	                                     {.name = NULL}};
	struct flow *flow;
	int status;

	if (!ctl_parse(argc, argv, 2, options, &talk.place, 1, 1))
		return CTL_USAGE;
	flow = flow_files_need(talk.place);
	if (!flow)
		return CTL_CONFIG;
	talk.flow = flow;
	talk_begin(&talk);
	if (isatty(STDIN_FILENO))
		puts("Write as the reporter would. /help lists the commands, /quit leaves.");
	if (ussd)
		talk_event(&talk, FLOW_EV_USSD_BEGIN, NULL);
	status = converse(&talk);
	talk_end(&talk);
	flow_free(flow);
	return status;
}
