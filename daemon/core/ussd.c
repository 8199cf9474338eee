/* The USSD session as a table. */
#include "core/ussd.h"

#include <stdio.h>

const char ussd_goodbye[] = "OK.";

static const struct move {
	enum ussd_state next;
	unsigned todo;
} moves[USSD_STATES][USSD_EVENTS] = {
	[USSD_IDLE] = {
		[USSD_EV_TURN] = {USSD_HEARD, USSD_DO_DELIVER},
		[USSD_EV_AGAIN] = {USSD_HEARD, USSD_DO_DELIVER},
		[USSD_EV_KEPT] = {USSD_IDLE, 0},
		[USSD_EV_LOST] = {USSD_IDLE, 0},
		[USSD_EV_SCREEN] = {USSD_IDLE, USSD_DO_GONE},
		[USSD_EV_LAST] = {USSD_IDLE, USSD_DO_GONE},
		[USSD_EV_LATE] = {USSD_IDLE, 0},
		/* a session of an earlier life of this daemon */
		[USSD_EV_HANGUP] = {USSD_OVER, USSD_DO_TELL_END},
	},
	[USSD_HEARD] = {
		/* the bearer gave up waiting for us, the person did not */
		[USSD_EV_TURN] = {USSD_HEARD, USSD_DO_DROP | USSD_DO_DELIVER},
		[USSD_EV_AGAIN] = {USSD_HEARD, USSD_DO_JOIN},
		[USSD_EV_KEPT] = {USSD_KEPT, 0},
		[USSD_EV_LOST] = {USSD_OVER, USSD_DO_VOICE | USSD_DO_TELL_END},
		[USSD_EV_SCREEN] = {USSD_HEARD, USSD_DO_GONE}, /* of a turn before */
		[USSD_EV_LAST] = {USSD_HEARD, USSD_DO_GONE},
		[USSD_EV_LATE] = {USSD_OVER, USSD_DO_VOICE | USSD_DO_TELL_END},
		[USSD_EV_HANGUP] = {USSD_OVER, USSD_DO_DROP | USSD_DO_TELL_END},
	},
	[USSD_KEPT] = {
		[USSD_EV_TURN] = {USSD_HEARD, USSD_DO_DROP | USSD_DO_DELIVER},
		[USSD_EV_AGAIN] = {USSD_KEPT, USSD_DO_JOIN},
		[USSD_EV_KEPT] = {USSD_KEPT, 0},
		[USSD_EV_LOST] = {USSD_KEPT, 0},
		[USSD_EV_SCREEN] = {USSD_SHOWN, USSD_DO_SHOW},
		[USSD_EV_LAST] = {USSD_OVER, USSD_DO_SHOW},
		[USSD_EV_LATE] = {USSD_OVER, USSD_DO_LATER | USSD_DO_TELL_END},
		[USSD_EV_HANGUP] = {USSD_OVER, USSD_DO_DROP | USSD_DO_TELL_END},
	},
	[USSD_SHOWN] = {
		[USSD_EV_TURN] = {USSD_HEARD, USSD_DO_DELIVER},
		[USSD_EV_AGAIN] = {USSD_SHOWN, USSD_DO_REPEAT},
		[USSD_EV_KEPT] = {USSD_SHOWN, 0},
		[USSD_EV_LOST] = {USSD_SHOWN, 0},
		[USSD_EV_SCREEN] = {USSD_SHOWN, USSD_DO_GONE},
		[USSD_EV_LAST] = {USSD_SHOWN, USSD_DO_GONE},
		[USSD_EV_LATE] = {USSD_SHOWN, 0},
		[USSD_EV_HANGUP] = {USSD_OVER, USSD_DO_TELL_END},
	},
	[USSD_OVER] = {
		/* an end that overtook the answer before it: what was said still counts */
		[USSD_EV_TURN] = {USSD_HEARD, USSD_DO_DELIVER},
		[USSD_EV_AGAIN] = {USSD_OVER, USSD_DO_REPEAT},
		[USSD_EV_KEPT] = {USSD_OVER, 0},
		[USSD_EV_LOST] = {USSD_OVER, 0},
		[USSD_EV_SCREEN] = {USSD_OVER, USSD_DO_GONE},
		[USSD_EV_LAST] = {USSD_OVER, USSD_DO_GONE},
		[USSD_EV_LATE] = {USSD_OVER, 0},
		[USSD_EV_HANGUP] = {USSD_OVER, 0},
	},
};

unsigned ussd_step(struct ussd_session *s, enum ussd_event event, int64_t now_ms)
{
	const struct move *move = &moves[s->state][event];

	s->state = move->next;
	if (move->todo & (USSD_DO_DELIVER | USSD_DO_SHOW | USSD_DO_REPEAT))
		s->turn_ms = now_ms;
	return move->todo;
}

int64_t ussd_due_ms(const struct ussd_session *s)
{
	if (s->state == USSD_HEARD)
		return s->turn_ms + USSD_DISK_MS;
	return s->state == USSD_KEPT ? s->turn_ms + USSD_SCREEN_MS : INT64_MAX;
}

bool ussd_is_idle(const struct ussd_session *s, int64_t now_ms, int64_t idle_ms)
{
	return s->state == USSD_SHOWN && now_ms - s->turn_ms >= idle_ms;
}

/* Vietnamese without marks, so that it is GSM on every handset, then English. */
void ussd_voice_text(const char *voice, char out[USSD_TEXT_MAX])
{
	snprintf(out, USSD_TEXT_MAX, "He thong dang ban. Hay goi %.16s (mien phi).\nBusy. Please call %.16s.", voice, voice);
}

void ussd_later_text(const char *voice, const char *code, char out[USSD_TEXT_MAX])
{
	snprintf(out, USSD_TEXT_MAX,
		 "Da nhan. Bam lai %.20s de tiep tuc, hoac goi %.16s.\nReceived. Dial again or call %.16s.", code, voice,
		 voice);
}
