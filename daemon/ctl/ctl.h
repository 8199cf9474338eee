/* What the commands of hotlinectl share: options, the way to the daemon, tables for people. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes. The table of help text in hotlinectl.c and the manual page repeat them. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_NOTHING = 1,      /* nothing found, or an expectation of a script failed */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 69, /* daemon or store */
	CTL_REFUSED = 77,     /* not entitled, or not safe to call */
	CTL_CONFIG = 78
};

/* ---- options (options.c) ---- */

/* The global options, set once by main() before a command runs. */
struct ctl_globals {
	const char *config; /* path of the configuration; borrowed from argv or the environment */
	const char *socket; /* --socket, or NULL: the configuration names it */
	bool json;
	bool colour;        /* standard output is a terminal and NO_COLOR is not set */
	int width;          /* columns of the terminal; 0 = not a terminal, do not cut */
};
extern struct ctl_globals ctl_globals;

/* One option of a command. Exactly one of text and flag is set. */
struct ctl_option {
	const char *name;  /* with its hyphens */
	const char **text; /* receives the value, borrowed from argv */
	bool *flag;
	bool required;
};

/* Takes options out of argv[first..argc) and puts what is left, which must be between `least` and
 * `most` words, into `words`. `options` ends with name NULL. "--" ends the options; "--name=value" is
 * understood. False after one line on standard error: the caller returns CTL_USAGE. */
bool ctl_parse(int argc, char **argv, int first, const struct ctl_option *options,
	       const char **words, int least, int most);
/* Takes the global options out of argv wherever they stand; the new argc, or -1 after an error text. */
int ctl_take_globals(int argc, char **argv, bool *help, bool *version);
/* One line on standard error: "hotlinectl: ...". */
void ctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "+84912345678" -> "+849******78", for lists that many eyes see. `out` holds 24 bytes. */
void ctl_mask_number(const char *number, char out[24]);
/* The number --from names: itself, or with "-" the first line of standard input. False after an error. */
bool ctl_read_from(const char *from, char out[64]);

/* A file that is sent to the daemon as a text; mem_free(). NULL after an error text. */
char *ctl_read_file(const char *path);

/* ---- the daemon (client.c) ---- */

struct ctl_client;

/* A setting such as ("postgres", "conninfo") of the configuration file, or NULL; the caller's to
 * mem_free(). *status is CTL_CONFIG, after an error text, when the file cannot be read. */
char *ctl_setting(const char *section, const char *key, enum ctl_exit *status);
/* Connects to the control socket; NULL after one clear message (unless `quiet` and only the daemon is
 * not there), *status says which exit code. */
struct ctl_client *ctl_connect(bool quiet, enum ctl_exit *status);
void ctl_close(struct ctl_client *c); /* NULL is fine */
int ctl_fd(const struct ctl_client *c);
/* Writes one object as one line; steals the reference. False when the daemon is gone. */
bool ctl_send(struct ctl_client *c, json_t *object);

enum ctl_read { CTL_LINE, CTL_TIMEOUT, CTL_GONE, CTL_GARBLED };
/* The next object, at most timeout_ms away (0 = only what is there). *out is the caller's to json_decref(). */
enum ctl_read ctl_read(struct ctl_client *c, int timeout_ms, json_t **out);

/* One request and its answer over an open connection: args is stolen and may be NULL. On CTL_OK *data
 * is the caller's to json_decref() (a JSON null when the daemon gave none); otherwise an error text was
 * written. */
enum ctl_exit ctl_request(struct ctl_client *c, const char *cmd, json_t *args, json_t **data);
/* The same over a connection of its own. */
enum ctl_exit ctl_call(const char *cmd, json_t *args, json_t **data);

/* ---- people (table.c) ---- */

/* Columns a text takes on a terminal; bytes that are not UTF-8 and control characters count one each. */
size_t ctl_width(const char *text);
/* Copies text with control, bidirectional and invalid characters replaced (a daemon's words must not
 * steer a terminal), white space folded to single spaces when `one_line`. The caller's to mem_free(). */
char *ctl_clean(const char *text, bool one_line);
/* At most `width` columns of a clean text, the last one an ellipsis if it was cut; mem_free(). */
char *ctl_cut(const char *text, size_t width);
/* Length in bytes of the first line of a clean text wrapped to `width` columns, at a space or newline
 * where possible; at least one character. *next is where the following line starts. */
size_t ctl_wrap(const char *text, size_t width, const char **next);
/* Prints an array of objects as a table: the columns named in `keys` ("a b c") that occur, or all if
 * none of them does; "(none)" when empty; no wider than `width` unless that is 0. */
void ctl_table(FILE *out, const json_t *rows, const char *keys, int width);
/* Prints an object as "key  value" lines, nested objects and lists indented below their key. */
void ctl_object(FILE *out, const json_t *object, int indent);
/* Prints JSON for machines, one newline at the end. */
void ctl_json(FILE *out, const json_t *value);

/* Draws a USSD screen as a handset would: what was dialled, the text, and where an answer goes. */
void ctl_screen(const char *code, const char *text, bool more);

/* Asks the daemon for a list and prints it as a table; for the phone's /cases and /reports. */
enum ctl_exit ctl_list_show(const char *what, const char *from);

/* ---- sealed rows (sealed.c) ---- */

/* An officer's key pair. */
struct ctl_identity {
	unsigned char public_key[32];
	unsigned char secret_key[32];
};

struct vault;
/* Decrypts one item of "revisions" (body_ct, wrapped, conversation, row, intake, intake_team,
 * intake_escrow): the JSON payload, or NULL if it was not sealed for this identity. Without `row`, the
 * row is found from conversation and stamp with the index key of `vault`, which may be NULL. */
json_t *ctl_open_revision(const json_t *revision, const struct ctl_identity *identity,
			  const struct vault *vault);

/* ---- commands: argv[0] is the first word of the command ---- */

typedef int ctl_command_fn(int argc, char **argv);
ctl_command_fn cmd_status, cmd_list, cmd_reload;
ctl_command_fn cmd_db_migrate;
ctl_command_fn cmd_keys_init, cmd_keys_backup, cmd_keys_restore;
ctl_command_fn cmd_report_open, cmd_report_contact, cmd_report_recover, cmd_case;
ctl_command_fn cmd_links, cmd_links_order, cmd_links_trace;
ctl_command_fn cmd_roster_import, cmd_roster_check, cmd_oncall;
ctl_command_fn cmd_policy_check, cmd_policy_import, cmd_audit_verify, cmd_clock_met, cmd_audit_findings;
ctl_command_fn cmd_member_enrol, cmd_member_verify, cmd_member_revoke, cmd_member_list;
ctl_command_fn cmd_phone;
ctl_command_fn cmd_flow_check, cmd_flow_cost, cmd_flow_graph, cmd_flow_language, cmd_flow_reference, cmd_flow_retire,
	cmd_flow_talk, cmd_flow_test, cmd_flow_versions;

#endif
