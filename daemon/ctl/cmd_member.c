/* member enrol, verify, revoke, list: the network of people whose texts are known to come from them. */
#include "ctl/ctl.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *result, *text;
	enum ctl_exit status;
} results[] = {
	{ "enrolled", "enrolled; a code was sent to the phone", CTL_OK },
	{ "unchanged", "is a verified member already", CTL_OK },
	{ "verified", "verified", CTL_OK },
	{ "already", "was verified before", CTL_OK },
	{ "revoked", "revoked", CTL_OK },
	{ "wrong", "this is not the code", CTL_REFUSED },
	{ "void", "the code is void: enrol the member again", CTL_REFUSED },
	{ "unknown", "is no member", CTL_NOTHING },
};

static int ask(const char *cmd, json_t *args)
{
	const struct passwd *me = getpwuid(getuid());
	json_t *data = NULL;
	const char *result;
	enum ctl_exit status;

	json_object_set_new(args, "by", json_string(me != NULL ? me->pw_name : "operator"));
	status = ctl_call(cmd, args, &data);
	if (status != CTL_OK)
		return (int)status;
	result = json_string_value(json_object_get(data, "result"));
	status = CTL_UNREACHABLE;
	for (size_t i = 0; result != NULL && i < sizeof results / sizeof results[0]; i++) {
		if (strcmp(results[i].result, result) != 0)
			continue;
		status = results[i].status;
		if (ctl_globals.json)
			ctl_json(stdout, data);
		else
			puts(results[i].text);
	}
	json_decref(data);
	return (int)status;
}

int cmd_member_enrol(int argc, char **argv)
{
	const char *number = NULL, *role = NULL, *commune = NULL, *name = NULL;
	const struct ctl_option options[] = {
		{ "--role", &role, NULL, true },
		{ "--commune", &commune, NULL, false },
		{ "--name", &name, NULL, false },
		{ NULL, NULL, NULL, false },
	};
	json_t *args;

	if (!ctl_parse(argc, argv, 2, options, &number, 1, 1))
		return CTL_USAGE;
	args = json_pack("{s:s,s:s,s:s*,s:s*}", "number", number, "role", role, "commune", commune, "name", name);
	if (args == NULL) {
		ctl_error("a text is not UTF-8");
		return CTL_USAGE;
	}
	return ask("member-enrol", args);
}

int cmd_member_verify(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	const char *words[2] = { NULL, NULL };

	if (!ctl_parse(argc, argv, 2, none, words, 2, 2))
		return CTL_USAGE;
	return ask("member-verify", json_pack("{s:s,s:s}", "number", words[0], "code", words[1]));
}

int cmd_member_revoke(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	const char *number = NULL;

	if (!ctl_parse(argc, argv, 2, none, &number, 1, 1))
		return CTL_USAGE;
	return ask("member-revoke", json_pack("{s:s}", "number", number));
}

int cmd_member_list(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	json_t *data = NULL;
	enum ctl_exit status;

	if (!ctl_parse(argc, argv, 2, none, NULL, 0, 0))
		return CTL_USAGE;
	status = ctl_call("member-list", NULL, &data);
	if (status != CTL_OK)
		return (int)status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		ctl_table(stdout, data, "number name role commune state since", ctl_globals.width);
	json_decref(data);
	return CTL_OK;
}
