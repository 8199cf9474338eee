/* Two phones in the terminal, a reporter's and an officer's, over the daemon's simulated link. */
#ifndef CTL_PHONE_H
#define CTL_PHONE_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/ctl.h"

enum { PHONE_NUMBER_MAX = 24, PHONE_TEXT_MAX = 4096 };

/* Whose phone. */
enum phone_who { PHONE_REPORTER, PHONE_OFFICER };

/* A text that arrived from the hotline. */
struct phone_text {
	enum phone_who who;
	char *text; /* owned */
	bool screen, more; /* a USSD screen; it waits for an answer */
	bool met;   /* a script's expectation has taken it */
};

struct phone {
	struct ctl_client *link; /* owned; NULL while there is none */
	char number[2][PHONE_NUMBER_MAX]; /* by enum phone_who */
	struct phone_text *texts; /* owned; in order of arrival */
	size_t count;
	char hotline[PHONE_NUMBER_MAX]; /* short code of the hotline, as the daemon tells it */
	bool dialled[2]; /* by enum phone_who: a USSD session is open */
	char dial[2][PHONE_NUMBER_MAX]; /* what was dialled, "*111#" */
	char code[7]; /* the last six-digit number seen on the officer's phone, or "" */
};

/* Connects and asks for the texts to both numbers. */
enum ctl_exit phone_open(struct phone *p, bool quiet);
void phone_close(struct phone *p); /* the link only; texts stay */
void phone_fini(struct phone *p);
/* Waits at most timeout_ms for one event; CTL_LINE when one was taken in (texts may have grown). */
enum ctl_read phone_pump(struct phone *p, int timeout_ms);

enum phone_sent {
	PHONE_RECEIVED, /* durable at the hotline */
	PHONE_REFUSED,
	PHONE_UNANSWERED,
	PHONE_GONE
};
/* Sends a text to the hotline and waits for its fate. */
enum phone_sent phone_send(struct phone *p, enum phone_who who, const char *text);
/* Dials if the text is a code such as *111#, answers the screen of an open session, ends it with /end,
 * and else sends a text; waits for its fate, or for the next screen. */
enum phone_sent phone_say(struct phone *p, enum phone_who who, const char *text);
/* The network ends an open session because nobody answered. */
enum phone_sent phone_lapse(struct phone *p, enum phone_who who);
bool phone_is_code(const char *text);
const char *phone_sent_text(enum phone_sent sent);

/* ---- view (phone_view.c) ---- */

void phone_show_title(const struct phone *p);
/* A bubble on its phone's side; outgoing = from the phone to the hotline. */
void phone_show_text(const struct phone *p, enum phone_who who, bool outgoing, const char *text);
void phone_show_note(const char *text);

/* ---- scripts (phone_script.c) ---- */

/* Plays a script and checks its expectations; prints each step and a summary. */
enum ctl_exit phone_play(struct phone *p, const char *file);

/* True if text contains pattern, both folded by case; "/regex/" is a POSIX extended expression. */
bool phone_matches(const char *text, const char *pattern);

#endif
