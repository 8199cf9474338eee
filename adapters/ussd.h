/* The USSD sessions of one link, whatever its bearer: brings core/ussd.h together with the spool, the loop's
 * clock and the bearer's way of showing a screen. */
#ifndef ADAPTERS_USSD_H
#define ADAPTERS_USSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"

struct ussd;

enum { USSD_SESSIONS_MAX = 20000 };

struct ussd_conf {
	const char *adapter, *link, *carrier; /* borrowed */
	const char *source;  /* code that was dialled, where the bearer does not say; borrowed */
	const char *voice;   /* number of the last resort; borrowed */
	int64_t idle_ms;     /* a phone silent for so long has gone */
};

/* How a request of the bearer ends: exactly once for each, now or later. */
enum ussd_fate {
	USSD_SCREEN,  /* show text; `more` says whether an answer can follow */
	USSD_NOTED,   /* an end was kept: nothing to show */
	USSD_UNHEARD, /* it could not be kept: ask to come again, if the bearer can */
	USSD_DROPPED  /* nobody waits for this any more */
};
typedef void ussd_show_fn(void *arg, enum ussd_fate fate, const char *text, bool more);

/* What the bearer heard; borrowed for the call. */
struct ussd_heard {
	enum ussd_op op;
	const char *session;       /* the bearer's name of it, unique while it lasts; any length */
	size_t session_len;
	const char *turn;          /* names the turn within its session; NULL: the bearer has no such name */
	size_t turn_len;
	const char *from, *to;     /* to "" = conf.source */
	const char *text;          /* UTF-8 */
	size_t text_len;
	received_fn *kept;         /* told once: it is durable, or it could not be kept; NULL: nobody asks. May be
	                              after ussd_free() */
	void *kept_arg;
};

/* "*111*1*2#" is the code "*111#" and, behind it, "1*2": text keeps what is behind, to gets the code. Of what is
 * no code nothing changes. */
void ussd_split_code(char *text, char to[INBOUND_ADDRESS_MAX]);

struct ussd *ussd_new(const struct adapter_host *host, const struct ussd_conf *conf);
/* Requests without a screen end as USSD_DROPPED. */
void ussd_free(struct ussd *ussd);
void ussd_hear(struct ussd *ussd, const struct ussd_heard *heard, ussd_show_fn *show, void *arg);
/* The bearer is gone, and with it every session: each conversation is told that it broke. */
void ussd_break_all(struct ussd *ussd);
/* The bearer's name of the last turn of that session; NULL: no such session, or no name. Borrowed. */
const char *ussd_last_turn(const struct ussd *ussd, const char *session, size_t session_len, size_t *len);
/* adapter.send for CHANNEL_USSD: always accepted; `sent` follows, SENT_GONE if the screen finds nobody. */
bool ussd_send(struct ussd *ussd, const struct outbound *out);
size_t ussd_count(const struct ussd *ussd); /* sessions */

#endif
