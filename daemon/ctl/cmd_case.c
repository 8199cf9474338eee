/* case ack, close, reopen, snooze, pass: what officers do by text, from the command line. */
#include "ctl/ctl.h"

#include <string.h>

#include "base/yaml.h"

/* What the daemon's result means to people, and to a script. */
static const struct {
	const char *result, *text;
	enum ctl_exit status;
} results[] = {
	{ "acked", "acknowledged", CTL_OK },
	{ "already_yours", "was acknowledged by the same name before", CTL_OK },
	{ "done", "closed", CTL_OK },
	{ "reopened", "open again; the ladder begins anew", CTL_OK },
	{ "snoozed", "put off", CTL_OK },
	{ "passed", "passed on; the other one has to acknowledge it", CTL_OK },
	{ "closed", "is closed already", CTL_NOTHING },
	{ "not_closed", "is not closed", CTL_NOTHING },
	{ "met", "the clock is met", CTL_OK },
	{ "late", "the clock is met, after its end", CTL_OK },
	{ "already_met", "was met before", CTL_NOTHING },
	{ "taken", "another officer has it", CTL_REFUSED },
	{ "not_yours", "only its holder may do that", CTL_REFUSED },
	{ "limit", "the policy does not allow to put it off so long", CTL_REFUSED },
	{ "pass_whom", "the roster has no such officer on duty", CTL_NOTHING },
};

static const char *const reasons[] = { "done", "referred", "unfounded", "duplicate", "mistake", "other", NULL };

static enum ctl_exit show_case(const json_t *data, const char *ref)
{
	const char *result = json_string_value(json_object_get(data, "result"));

	for (size_t i = 0; result != NULL && i < sizeof results / sizeof results[0]; i++) {
		if (strcmp(results[i].result, result) != 0)
			continue;
		if (ctl_globals.json)
			ctl_json(stdout, data);
		else
			printf("%s: %s\n", ref, results[i].text);
		return results[i].status;
	}
	ctl_error("the daemon's result is not understood: %.40s", result != NULL ? result : "none");
	return CTL_UNREACHABLE;
}

static bool is_reason(const char *word)
{
	for (size_t i = 0; reasons[i] != NULL; i++)
		if (strcmp(reasons[i], word) == 0)
			return true;
	ctl_error("--reason takes done, referred, unfounded, duplicate, mistake or other");
	return false;
}

static bool add_seconds(json_t *args, const char *duration)
{
	int64_t ms;

	if (!yaml_duration_ms(duration, &ms) || ms < 1000) {
		ctl_error("--for takes a time such as 30min or 4h");
		return false;
	}
	json_object_set_new(args, "seconds", json_integer(ms / 1000));
	return true;
}

int cmd_case(int argc, char **argv)
{
	const char *ref = NULL, *actor = NULL, *reason = NULL, *time = NULL, *to = NULL;
	const bool close = strcmp(argv[1], "close") == 0, snooze = strcmp(argv[1], "snooze") == 0;
	const bool pass = strcmp(argv[1], "pass") == 0;
	const struct ctl_option options[] = {
		{ "--actor", &actor, NULL, true },
		{ close ? "--reason" : snooze ? "--for" : pass ? "--to" : NULL,
		  close ? &reason : snooze ? &time : &to, NULL, snooze || pass },
		{ NULL, NULL, NULL, false },
	};
	enum ctl_exit status;
	json_t *data = NULL, *args;

	if (!ctl_parse(argc, argv, 2, options, &ref, 1, 1) || (reason != NULL && !is_reason(reason)))
		return CTL_USAGE;
	args = json_pack("{s:s,s:s,s:s}", "action", argv[1], "ref", ref, "actor", actor);
	if (time != NULL && !add_seconds(args, time)) {
		json_decref(args);
		return CTL_USAGE;
	}
	if (reason != NULL)
		json_object_set_new(args, "code", json_string(reason));
	if (to != NULL)
		json_object_set_new(args, "to", json_string(to));
	status = ctl_call("case", args, &data);
	if (status == CTL_OK)
		status = show_case(data, ref);
	json_decref(data);
	return (int)status;
}

int cmd_clock_met(int argc, char **argv)
{
	const char *words[2] = { NULL, NULL }, *actor = NULL;
	const struct ctl_option options[] = {
		{ "--actor", &actor, NULL, true },
		{ NULL, NULL, NULL, false },
	};
	enum ctl_exit status;
	json_t *data = NULL;

	if (!ctl_parse(argc, argv, 2, options, words, 2, 2))
		return CTL_USAGE;
	status = ctl_call("clock-met", json_pack("{s:s,s:s,s:s}", "ref", words[0], "clock", words[1], "actor", actor),
			  &data);
	if (status == CTL_OK)
		status = show_case(data, words[0]);
	json_decref(data);
	return (int)status;
}
