/* The control socket: hotlinectl asks in one JSON object a line and is answered in one. What can be asked
 * is a table in commands.c. Only the owner of the socket's folder gets this far. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct control;
struct control_client;
struct hotline;

/* NULL and an error text if the socket cannot be made. */
struct control *control_new(struct hotline *h, const char *path, char *error, size_t error_size);
void control_free(struct control *control);

/* ---- for commands.c ---- */

enum { CONTROL_EXIT_NOTHING = 1, CONTROL_EXIT_USAGE = 2, CONTROL_EXIT_STORE = 69, CONTROL_EXIT_REFUSED = 77 };

/* One request under way. It is answered exactly once, perhaps later; if the client has gone by then, the
 * answer is dropped. */
struct control_request {
	struct hotline *hotline;       /* borrowed */
	struct control_client *client; /* NULL once it has gone */
	struct control_request *next;  /* of the client's open requests */
	json_t *args;                  /* owned; an object */
};

/* Takes the reference of data. Frees the request. */
void control_answer(struct control_request *request, json_t *data);
void control_refuse(struct control_request *request, int exit_status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sends one line that nobody asked for: an event for a phone. */
void control_event(struct control_client *client, json_t *event);

/* The client's proof of entitlement: a nonce that only a team identity could read, good for one use. */
uint8_t *control_nonce(struct control_client *client, bool **valid);

/* The client is a phone of these numbers from now on. */
void control_be_phone(struct control_client *client, const json_t *numbers);

/* The client sees what passes over this link from now on, until it goes. */
void control_be_watcher(struct control_client *client, const char *link);

/* An argument of the request that is a text, or NULL; borrowed. */
const char *control_text(const struct control_request *request, const char *name);
/* Refuses because PostgreSQL did not do what was asked. */
void control_refuse_store(struct control_request *request, enum pg_outcome outcome, const char *error);

/* Answers with the one value of a statement, which is JSON. Takes ownership of the parameters. */
void control_ask_json(struct control_request *request, const struct pg_statement *st, struct pg_params *p);

/* Runs a request; commands.c. */
void control_run(struct control_request *request, const char *command);

/* ---- access.c: what an entitled officer may do; each request proves it afresh ---- */

/* Answers a nonce sealed to the team. */
void access_challenge(struct control_request *request);
/* Newest revision of each conversation of a report, sealed; written to the access log. */
void access_report_open(struct control_request *request);
/* The reporter's number, or a text to it; only where contact is safe; written to the access log. */
void access_report_contact(struct control_request *request);

/* ---- links.c ---- */

void links_list(struct control_request *request);
/* {name, order}: pause, resume or drain. */
void links_order(struct control_request *request);
/* {name}: events of every message of the link's protocol, masked. */
void links_watch(struct control_request *request);

/* ---- oncall.c ---- */

/* What a roster's text would change, and with `apply` changes it. */
void oncall_roster_import(struct control_request *request);
/* Who is on call `at` a time, and the shifts of so many `days` from then on. */
void oncall_show(struct control_request *request);

/* ---- cases.c ---- */

/* What an officer does with a case at the console: ack, close, reopen, snooze, pass. */
void cases_act(struct control_request *request);
/* Somebody has done what a legal clock of a case asks for. */
void cases_clock_met(struct control_request *request);
/* What the auditor found last. */
void cases_findings(struct control_request *request);
/* The chain of events of every case, checked. */
void cases_audit(struct control_request *request);

/* ---- members.c ---- */

void members_enrol(struct control_request *request);
void members_verify(struct control_request *request);
void members_revoke(struct control_request *request);
void members_list(struct control_request *request);

/* ---- policies.c ---- */

/* Policies of a text: which are new or changed, and with `apply` stores them. */
void policies_import(struct control_request *request);

/* ---- flows.c ---- */

/* Rows of version, name, state (current, old, retired) and conversations under way. */
void flows_versions(struct control_request *request);
/* Takes the version named by the first digits of its hash back. */
void flows_retire(struct control_request *request);

#endif
