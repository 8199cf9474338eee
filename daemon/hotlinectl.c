/* hotlinectl: the tool of operators, officers and flow authors. One command = one row of the table. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "config.h"
#include "ctl/ctl.h"

enum { NAME_WIDTH = 16, HELP_INDENT = 2 };

struct command {
	const char *name; /* one word or two */
	const char *args;
	const char *help;
	ctl_command_fn *run;
	bool needs_daemon;
};

static const struct command commands[] = {
	{ "status", "", "links, stores, queues and the flow that runs", cmd_status, true },
	{ "messages", "[--from NUMBER|-] [--ref REF] [--limit N]", "texts that came in, without content",
	  cmd_list, true },
	{ "reports", "[--from NUMBER|-] [--ref REF] [--limit N]", "reports that were filed", cmd_list,
	  true },
	{ "cases", "[--from NUMBER|-] [--ref REF] [--limit N]", "cases and who has them", cmd_list,
	  true },
	{ "notifications", "[--from NUMBER|-] [--ref REF] [--limit N]", "alerts sent to officers",
	  cmd_list, true },
	{ "timers", "[--from NUMBER|-] [--ref REF] [--limit N]", "what happens next, and when",
	  cmd_list, true },
	{ "links pause", "NAME", "submit nothing over a link; deliveries are still taken", cmd_links_order,
	  true },
	{ "links resume", "NAME", "undo pause or drain", cmd_links_order, true },
	{ "links drain", "NAME", "let a link finish, unbind and stay away", cmd_links_order, true },
	{ "links trace", "NAME", "see what passes over a link, texts and numbers masked", cmd_links_trace,
	  true },
	{ "links", "", "how each link to a carrier is doing", cmd_links, true },
	{ "audit findings", "", "what the auditor found last; exit status 1 if anything", cmd_audit_findings, true },
	{ "audit verify", "", "check the chain of events of every case", cmd_audit_verify, true },
	{ "case ack", "REF --actor NAME", "acknowledge a case for an officer", cmd_case, true },
	{ "case close", "REF --actor NAME [--reason CODE]",
	  "close a case for the officer who has it: done, referred, unfounded, duplicate, mistake, other",
	  cmd_case, true },
	{ "case pass", "REF --actor NAME --to OFFICER", "hand a case to another officer", cmd_case, true },
	{ "case reopen", "REF --actor NAME", "open a closed case again", cmd_case, true },
	{ "case snooze", "REF --actor NAME --for TIME", "keep an acknowledged case for longer", cmd_case,
	  true },
	{ "report open", "REF --identity FILE --reason TEXT [--officer NAME]",
	  "decrypt and read a report; the access is written down", cmd_report_open, true },
	{ "report contact",
	  "REF --identity FILE --reason TEXT [--officer NAME] [--text TEXT] [--unknown-ok]",
	  "the reporter's number, or a text to it, where that is safe", cmd_report_contact, true },
	{ "report recover", "FILE --identity FILE --keys DIR [--team NAME]",
	  "decrypt exported rows without a daemon (escrow; doc/keys.md)", cmd_report_recover, false },
	{ "clock met", "REF CLOCK --actor NAME", "what a legal clock asks for has been done", cmd_clock_met,
	  true },
	{ "clocks", "[--from NUMBER|-] [--ref REF] [--limit N]", "legal clocks, what is due next first", cmd_list,
	  true },
	{ "member enrol", "NUMBER --role ROLE [--commune CODE] [--name NAME]",
	  "make somebody a network member; the phone gets a code", cmd_member_enrol, true },
	{ "member list", "", "network members", cmd_member_list, true },
	{ "member revoke", "NUMBER", "a number is a member's no more", cmd_member_revoke, true },
	{ "member verify", "NUMBER CODE", "the code that a new member was sent", cmd_member_verify, true },
	{ "oncall", "[--at TIME] [--week]", "who is on call, as a list or as a calendar", cmd_oncall, true },
	{ "policies", "", "policies in force, and older ones that cases keep", cmd_list, true },
	{ "policy check", "FILE", "check escalation policies", cmd_policy_check, false },
	{ "policy import", "FILE [--dry-run]", "store policies that differ as new versions",
	  cmd_policy_import, true },
	{ "roster check", "FILE", "check a roster, its gaps and its people", cmd_roster_check, false },
	{ "roster import", "FILE [--dry-run]", "show what a roster changes, then change it",
	  cmd_roster_import, true },
	{ "flow check", "DIR|FILE", "check flows before they run", cmd_flow_check, false },
	{ "flow test", "DIR|FILE [--strict]", "play the dialogues that stand beside flows", cmd_flow_test,
	  false },
	{ "flow talk", "DIR|FILE [--ussd] [--role NAME] [--lang CODE]",
	  "talk to a flow in the terminal; save it as a test", cmd_flow_talk, false },
	{ "flow cost", "DIR|FILE", "segments and screens of every text at worst", cmd_flow_cost, false },
	{ "flow graph", "DIR|FILE [--svg FILE]", "a flow as a picture (Graphviz)", cmd_flow_graph,
	  false },
	{ "flow language", "DIR LANG", "begin the file of one more language", cmd_flow_language, false },
	{ "flow reference", "", "all that a flow may hold, as Markdown", cmd_flow_reference, false },
	{ "flow versions", "", "the versions that conversations hold", cmd_flow_versions, true },
	{ "flow retire", "VERSION", "end the conversations of an old version; they are filed",
	  cmd_flow_retire, true },
	{ "phone", "[--ussd] [--from NUMBER] [--officer NUMBER] [--script FILE]",
	  "a phone in the terminal, a reporter's and an officer's", cmd_phone, true },
	{ "reload", "", "read flows, clocks, calendar, roster and links again", cmd_reload, true },
	{ "db migrate", "", "bring the database to this version's schema", cmd_db_migrate, false },
	{ "keys init", "--dir DIR [--team NAME]", "make the keys of a new hotline", cmd_keys_init,
	  false },
	{ "keys backup", "--dir DIR --out FILE [--passphrase-file FILE]",
	  "save what the host needs under a passphrase", cmd_keys_backup, false },
	{ "keys restore", "--in FILE --dir DIR [--passphrase-file FILE]",
	  "put a backup back into an empty folder", cmd_keys_restore, false },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char global_help[] =
	"Options of every command:\n"
	"  --config FILE     configuration ($HOTLINED_CONFIG, else /etc/hotlined/hotlined.yaml)\n"
	"  --socket PATH     control socket, in place of the one the configuration names\n"
	"  --json            for machines: JSON as the daemon gave it\n"
	"  --help, --version\n";

static const char exit_help[] =
	"Exit codes:\n"
	"  0   done\n"
	"  1   nothing found (with --from or --ref, without --json), or a script's expectation failed\n"
	"  2   the command line is wrong\n"
	"  69  the daemon or a store does not answer\n"
	"  77  refused: not entitled, or not safe to call\n"
	"  78  configuration, key or input file is wrong\n";

static void print_command(const struct command *c)
{
	printf("  %-*s%s%s\n", NAME_WIDTH, c->name, c->help,
	       c->needs_daemon ? "" : " [no daemon needed]");
}

static int print_help(void)
{
	puts("hotlinectl COMMAND [ARGUMENTS]\n\nCommands (hotlinectl COMMAND --help tells more):");
	for (size_t i = 0; i < COMMANDS; i++)
		print_command(&commands[i]);
	printf("\n%s\n%s", global_help, exit_help);
	return CTL_OK;
}

/* Number of words of the name that argv starts with, or 0. */
static int matches(const struct command *c, int argc, char **argv)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space != NULL ? (size_t)(space - c->name) : strlen(c->name);

	if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0)
		return 0;
	if (space == NULL)
		return 1;
	return argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static const struct command *find_command(int argc, char **argv)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (matches(&commands[i], argc, argv) > 0)
			return &commands[i];
	return NULL;
}

/* Help for one command, or for all that begin with the word given. */
static int print_command_help(const struct command *found, const char *word)
{
	size_t len = strlen(word), shown = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (found != NULL ? c != found
				  : strncmp(c->name, word, len) != 0 || c->name[len] != ' ')
			continue;
		printf("hotlinectl %s %s\n%*s%s\n", c->name, c->args, HELP_INDENT, "", c->help);
		shown++;
	}
	if (shown == 0)
		return print_help();
	printf("\n%s", global_help);
	return CTL_OK;
}

static int unknown(int argc, char **argv)
{
	const char *names[COMMANDS + 1];
	const char *near;
	char word[128];

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	names[COMMANDS] = NULL;
	snprintf(word, sizeof word, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	near = yaml_nearest(word, names);
	if (near == NULL)
		near = yaml_nearest(argv[0], names);
	if (near != NULL)
		ctl_error("there is no command \"%.60s\"; did you mean \"%s\"?", word, near);
	else
		ctl_error("there is no command \"%.60s\"; see: hotlinectl --help", word);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	bool help = false, version = false;
	const struct command *c;
	int status;

	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX < 2)
		setlocale(LC_CTYPE, "C.UTF-8");
	argc = ctl_take_globals(argc, argv, &help, &version);
	if (argc < 0)
		return CTL_USAGE;
	if (version) {
		puts("hotlinectl " PACKAGE_VERSION);
		return CTL_OK;
	}
	c = find_command(argc - 1, argv + 1);
	if (help || (argc > 1 && strcmp(argv[1], "help") == 0))
		return argc > 1 ? print_command_help(c, argv[1]) : print_help();
	if (argc < 2) {
		ctl_error("a command is needed; see: hotlinectl --help");
		return CTL_USAGE;
	}
	if (c == NULL)
		return unknown(argc - 1, argv + 1);
	status = c->run(argc - 1, argv + 1);
	if (status == CTL_USAGE)
		fprintf(stderr, "usage: hotlinectl %s %s\n", c->name, c->args);
	return status;
}
