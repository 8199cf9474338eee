/* Inside of the GSUP adapter: what its files share. gsup.c reads the configuration and leads a link's life,
 * dialogue.c turns messages into USSD turns and screens into messages. The other files know no hotline. */
#ifndef ADAPTERS_GSUP_LINK_H
#define ADAPTERS_GSUP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "adapters/gsup/client.h"
#include "adapters/gsup/numbers.h"

struct gsup_asked;
struct loop_timer;
struct ussd;

/* One link's settings. Strings are owned; durations in milliseconds. */
struct gsup_conf {
	char *host, *euse, *carrier, *voice;
	char *ctrl_host;   /* NULL: numbers are not looked up */
	char *numbers;     /* "international" or "national": how the HLR writes them */
	int64_t port, ctrl_port, screen_octets;
	int64_t ping_ms, renew_ms, idle_ms, number_ms;
	int64_t connect_ms, retry_ms, retry_max_ms, stop_ms, keep_ms, keep_none_ms;
};

/* What came, since the start. */
struct gsup_counts {
	uint64_t turns, ends;  /* dialled or answered; ended by the network or the phone */
	uint64_t unreadable;   /* messages and components that are none */
	uint64_t refused;      /* operations that are not ours */
};

struct link {
	const struct adapter_host *host; /* borrowed */
	char name[INBOUND_NAME_MAX];
	char source[INBOUND_ADDRESS_MAX]; /* first short code; "" = none */
	struct gsup_conf conf;
	char *identity;              /* owned: "EUSE-" and the name under which the HLR routes to us */
	struct ipa_client *client;   /* owned, as all below */
	struct numbers *numbers;
	struct ussd *ussd;
	struct loop_timer *renew;    /* looks whether anything still comes */
	struct loop_timer *stopping; /* armed while owed screens are waited for ... */
	int64_t stop_left_ms;        /* ... no longer than this */
	enum link_state state;
	bool heard;                  /* a message came since the last look */
	struct gsup_asked *asked;    /* messages of phones without their screen; list */
	struct gsup_counts counts;
};

/* dialogue.c */
/* The body of a GSUP frame. */
void dialogue_hear(struct link *link, const void *bytes, size_t len);

#endif
