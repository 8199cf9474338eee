/* One USSD session as every bearer sees it, as a table: what happened in which state, what is to be done.
 * Pure; the clock is an argument. The rules behind it: an answer is durable before the next screen; every
 * screen comes within two seconds, whatever is down behind us; where the disk does not answer, the last
 * screen gives the voice number and never says "kept"; a turn delivered twice is one turn; whatever ends a
 * session otherwise than by our last screen is told to the conversation, so that it files. */
#ifndef CORE_USSD_H
#define CORE_USSD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/inbound.h"

enum ussd_state {
	USSD_IDLE,   /* nothing heard yet */
	USSD_HEARD,  /* a turn is on its way to the disk; a screen is owed */
	USSD_KEPT,   /* it is durable; a screen is owed */
	USSD_SHOWN,  /* a screen waits for the phone */
	USSD_OVER,
	USSD_STATES
};

enum ussd_event {
	USSD_EV_TURN,    /* dialled or answered */
	USSD_EV_AGAIN,   /* the turn that we know, delivered once more */
	USSD_EV_KEPT,    /* the open turn is durable */
	USSD_EV_LOST,    /* it could not be kept */
	USSD_EV_SCREEN,  /* the conversation's answer, and it goes on */
	USSD_EV_LAST,    /* the conversation's answer, and it ends */
	USSD_EV_LATE,    /* the time for the step is over */
	USSD_EV_HANGUP,  /* ended, broken or timed out by phone or network */
	USSD_EVENTS
};

/* What is to be done; several at a time, in this order. */
enum ussd_do {
	USSD_DO_DROP = 1 << 0,      /* the screen owed until now is owed no more: its bearer is told to end */
	USSD_DO_DELIVER = 1 << 1,   /* hand the turn to the spool */
	USSD_DO_JOIN = 1 << 2,      /* this delivery gets the screen that is owed already */
	USSD_DO_REPEAT = 1 << 3,    /* show the last screen again */
	USSD_DO_SHOW = 1 << 4,      /* show the conversation's screen */
	USSD_DO_VOICE = 1 << 5,     /* show the voice number and end; nothing is promised */
	USSD_DO_LATER = 1 << 6,     /* what was said is kept, its answer is not there: dial again; end */
	USSD_DO_TELL_END = 1 << 7,  /* tell the conversation that the session is over */
	USSD_DO_GONE = 1 << 8       /* a screen for nobody: report it as gone, never send it otherwise */
};

enum {
	USSD_DISK_MS = 1500,   /* from the turn to its durability */
	USSD_SCREEN_MS = 1850, /* from the turn to its screen; two seconds with the way back */
};

struct ussd_session {
	enum ussd_state state;
	int64_t turn_ms;   /* when the open turn came in, or when the last screen was shown */
};

/* Moves the session on; what is to be done, as USSD_DO_ bits. */
unsigned ussd_step(struct ussd_session *s, enum ussd_event event, int64_t now_ms);
/* When USSD_EV_LATE is due: INT64_MAX if nothing is owed. */
int64_t ussd_due_ms(const struct ussd_session *s);
/* True if the phone has been silent for so long that the session counts as over: then step USSD_EV_HANGUP. */
bool ussd_is_idle(const struct ussd_session *s, int64_t now_ms, int64_t idle_ms);

enum { USSD_TEXT_MAX = 183 }; /* 182 septets (3GPP 23.038 section 5) and the NUL */

/* The texts of USSD_DO_VOICE and USSD_DO_LATER: GSM 03.38, one screen on every bearer. voice: number to
 * call; code: what to dial again, "" = leave it out. */
void ussd_voice_text(const char *voice, char out[USSD_TEXT_MAX]);
void ussd_later_text(const char *voice, const char *code, char out[USSD_TEXT_MAX]);
/* When a conversation ends without a word the phone still gets a last screen. */
extern const char ussd_goodbye[];

#endif
