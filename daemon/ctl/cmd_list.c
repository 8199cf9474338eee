/* status, reload and the lists: what the daemon knows, for people as tables, for machines as JSON. */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


enum { LIMIT_MAX = 100000 };

/* Columns people see, the dearest first: a narrow terminal shows less. --json gives all. */
struct list {
	const char *name;
	const char *columns;
};

static const struct list lists[] = {
	{ "messages", "received_at channel link disposition report_ref parts" },
	{ "reports", "ref received_at urgency kind commune case_ref revision partial dup_count" },
	{ "cases", "ref state urgency kind commune opened_at timer_due_at acked_by acked_at reports" },
	{ "notifications", "case_ref officer kind method state attempts created_at sent_at" },
	{ "timers", "case_ref kind due_at state attempts" },
	{ "clocks", "case_ref clock state due_at next_at urgency" },
	{ "policies", "policy version steps rounds ack_lease_s cases made_at" },
	{ "flow-versions", "version name state conversations" },
};

static const char *columns_of(const char *name)
{
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (strcmp(lists[i].name, name) == 0)
			return lists[i].columns;
	return NULL;
}

static bool add_limit(json_t *args, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n < 1 || n > LIMIT_MAX) {
		ctl_error("--limit takes a number from 1 to %d", LIMIT_MAX);
		return false;
	}
	json_object_set_new(args, "limit", json_integer(n));
	return true;
}

static json_t *list_args(const char *from, const char *ref, const char *limit)
{
	json_t *args = json_object();
	char number[64];

	if (from != NULL) {
		if (!ctl_read_from(from, number))
			goto wrong;
		json_object_set_new(args, "from", json_string(number));
	}
	if (ref != NULL && json_object_set_new(args, "ref", json_string(ref)) != 0) {
		ctl_error("--ref is not UTF-8");
		goto wrong;
	}
	if (limit == NULL || add_limit(args, limit))
		return args;
wrong:
	json_decref(args);
	return NULL;
}

static enum ctl_exit show_list(const char *what, json_t *args, bool filtered)
{
	json_t *rows = NULL;
	enum ctl_exit status = ctl_call(what, args, &rows);

	if (status != CTL_OK)
		return status;
	if (ctl_globals.json)
		ctl_json(stdout, rows);
	else
		ctl_table(stdout, rows, columns_of(what), ctl_globals.width);
	if (filtered && !ctl_globals.json && json_array_size(rows) == 0)
		status = CTL_NOTHING;
	json_decref(rows);
	return status;
}

enum ctl_exit ctl_list_show(const char *what, const char *from)
{
	return show_list(what, list_args(from, NULL, NULL), from != NULL);
}

int cmd_list(int argc, char **argv)
{
	const char *from = NULL, *ref = NULL, *limit = NULL;
	const struct ctl_option options[] = {
		{ "--from", &from, NULL, false },
		{ "--ref", &ref, NULL, false },
		{ "--limit", &limit, NULL, false },
		{ NULL, NULL, NULL, false },
	};
	json_t *args;

	if (!ctl_parse(argc, argv, 1, options, NULL, 0, 0))
		return CTL_USAGE;
	args = list_args(from, ref, limit);
	if (args == NULL)
		return CTL_USAGE;
	return show_list(argv[0], args, from != NULL || ref != NULL);
}

static bool no_words(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };

	return ctl_parse(argc, argv, 1, none, NULL, 0, 0);
}

int cmd_status(int argc, char **argv)
{
	json_t *data = NULL, *list;
	enum ctl_exit status;

	if (!no_words(argc, argv))
		return CTL_USAGE;
	status = ctl_call("status", NULL, &data);
	if (status != CTL_OK)
		return status;
	if (ctl_globals.json) {
		list = json_is_array(data) ? json_incref(data) : json_pack("[O]", data);
		ctl_json(stdout, list);
		json_decref(list);
	} else {
		ctl_object(stdout, data, 0);
	}
	json_decref(data);
	return CTL_OK;
}

static const char *reload_word(const json_t *data, const char *key)
{
	const char *word = json_string_value(json_object_get(data, key));

	return word != NULL ? word : "";
}

static void show_reload(const json_t *data)
{
	const char *now = reload_word(data, "version"), *was = reload_word(data, "was");
	const char *later = reload_word(data, "at_next_start");

	if (strcmp(now, was) == 0)
		printf("flow %s %s (as before)\n", reload_word(data, "flow"), now);
	else
		printf("flow %s %s (was %s; %lld conversations finish with it)\n", reload_word(data, "flow"), now, was,
		       (long long)json_integer_value(json_object_get(data, "conversations")));
	if (*later != '\0')
		printf("changed, and read at the next start only: %s\n", later);
}

int cmd_reload(int argc, char **argv)
{
	json_t *data = NULL;
	enum ctl_exit status;

	if (!no_words(argc, argv))
		return CTL_USAGE;
	status = ctl_call("reload", NULL, &data);
	if (status != CTL_OK)
		return status;
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		show_reload(data);
	json_decref(data);
	return CTL_OK;
}

int cmd_audit_verify(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	json_t *rows = NULL, *row;
	enum ctl_exit status;
	size_t i, bad = 0;

	if (!ctl_parse(argc, argv, 2, none, NULL, 0, 0))
		return CTL_USAGE;
	status = ctl_call("audit-verify", NULL, &rows);
	if (status != CTL_OK)
		return status;
	json_array_foreach(rows, i, row) {
		if (json_is_null(json_object_get(row, "bad")))
			continue;
		bad++;
		if (!ctl_globals.json)
			printf("%s: the chain breaks at event %lld of %lld\n",
			       json_string_value(json_object_get(row, "case_ref")),
			       (long long)json_integer_value(json_object_get(row, "bad")),
			       (long long)json_integer_value(json_object_get(row, "events")));
	}
	if (ctl_globals.json)
		ctl_json(stdout, rows);
	else
		printf("%zu chains checked, %zu broken\n", json_array_size(rows), bad);
	json_decref(rows);
	return bad == 0 ? CTL_OK : CTL_NOTHING;
}

int cmd_audit_findings(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	json_t *data = NULL, *list;
	enum ctl_exit status;

	if (!ctl_parse(argc, argv, 2, none, NULL, 0, 0))
		return CTL_USAGE;
	status = ctl_call("audit-findings", NULL, &data);
	if (status != CTL_OK)
		return status;
	list = json_object_get(data, "findings");
	if (ctl_globals.json)
		ctl_json(stdout, data);
	else
		ctl_table(stdout, list, "finding text for_s told", ctl_globals.width);
	status = json_array_size(list) == 0 ? CTL_OK : CTL_NOTHING;
	json_decref(data);
	return status;
}
