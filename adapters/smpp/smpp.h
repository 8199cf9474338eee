/* Inside of the SMPP adapter: what its files share. smpp.c reads the configuration, link.c keeps
 * the connection and the bind, mo.c turns deliver_sm into deliveries and receipts, mt.c turns texts
 * into submit_sm and follows them to their answers. */
#ifndef ADAPTERS_SMPP_SMPP_H
#define ADAPTERS_SMPP_SMPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "adapters/smpp/pdu.h"
#include "adapters/smpp/window.h"

struct bufferevent;
struct evdns_base;
struct loop_timer;
struct mt_message;
struct mt_part;

/* One link's settings. Strings are owned; durations in milliseconds. */
struct smpp_conf {
	char name[INBOUND_NAME_MAX];
	char carrier[INBOUND_NAME_MAX];
	char *host;
	uint16_t port;
	char *system_id, *password, *system_type;
	char source[INBOUND_ADDRESS_MAX]; /* sender of what we send; "" = none */
	int source_ton, source_npi;       /* -1 = after the form of the address */
	unsigned window;                  /* submit_sm in flight, 1..1000 */
	enum alphabet dcs0;               /* what data_coding 0 means here */
	uint32_t refusal;                 /* command_status that makes this carrier try again */
	int64_t enquire_ms;               /* between two enquire_link; two unanswered: reconnect */
	int64_t answer_ms;                /* wait for a submit_sm_resp */
	int64_t connect_ms;               /* wait for TCP, then the same again for the bind response */
	int64_t stop_ms;                  /* wait for open answers, then the same again for unbind_resp */
	int64_t retry_ms, retry_max_ms;   /* back-off after a lost connection */
	int64_t refused_ms, refused_max_ms; /* back-off after a refused bind */
	int64_t throttle_ms, throttle_max_ms; /* pause after ESME_RTHROTTLED or ESME_RMSGQFUL */
};

enum smpp_state {
	SMPP_IDLE,       /* made, not started */
	SMPP_WAITING,    /* until the next attempt */
	SMPP_CONNECTING, /* name and TCP */
	SMPP_BINDING,
	SMPP_BOUND,
	SMPP_DRAINING,   /* stopping: open answers, both ways */
	SMPP_UNBINDING,  /* our unbind is out */
	SMPP_CLOSING,    /* our last word to the peer is on its way out */
	SMPP_STOPPED,
	SMPP_STATES
};

/* A request of the carrier whose answer waits until its bytes are durable. Lives until received_fn
 * is called, even after its connection or its link. */
struct owed {
	struct link *link;   /* NULL once the link is gone */
	struct owed *next, **prev;
	uint32_t generation; /* connection it came over */
	uint32_t command_id, sequence_number;
};

/* More deliveries than this without an answer are refused at once: the carrier keeps them for us.
 * */
enum { SMPP_OWED_MAX = 4096 };

struct link {
	const struct adapter_host *host; /* borrowed */
	struct smpp_conf conf;
	enum smpp_state state;
	enum link_state shown;       /* last one told to the host */

	struct bufferevent *bev;     /* owned; NULL while not connected */
	struct evdns_base *dns;      /* owned; only when the host is a name */
	uint32_t generation;         /* counts connections */
	uint32_t sequence;           /* last used, 1..0x7fffffff */
	uint32_t bind_sequence;
	unsigned tries;              /* failed attempts in a row */
	bool refused;                /* the last attempt ended in a refused bind */
	bool heard;                  /* a PDU came since the last look */
	unsigned misses;             /* enquire_link in a row without a sign of life */

	struct loop_timer *state_timer, *enquire_timer; /* owned, as all timers */
	struct loop_timer *answer_timer, *throttle_timer, *report_timer;

	struct owed *owed;           /* list; each owns itself */
	unsigned owed_count;

	struct window window;        /* parts in flight */
	struct mt_part *waiting;     /* parts of accepted texts that found no slot yet; owned */
	struct mt_message *finished; /* outcomes not yet told, oldest first; owned */
	unsigned throttles;          /* in a row */
	uint16_t part_ref;

	unsigned depth; /* callbacks of this link on the stack */
	bool dead;      /* destroyed meanwhile: freed when depth is 0 */
};

/* link.c */
void link_init(struct link *link); /* conf and host are set */
void link_start(struct link *link);
void link_stop(struct link *link);
void link_destroy(struct link *link);
enum link_state link_state_shown(const struct link *link);
/* Every entry from outside stands between these two; after link_leave() the link may be gone. */
void link_enter(struct link *link);
void link_leave(struct link *link);
uint32_t link_next_sequence(struct link *link);
bool link_write(struct link *link, const void *bytes, size_t len); /* whole PDUs only */
/* A response with empty mandatory fields. command_id is the request's; 0 gives generic_nack. */
void link_respond(struct link *link, uint32_t command_id, uint32_t status, uint32_t sequence);
/* Call when something a stopping link waits for has been done. */
void link_check_drained(struct link *link);

/* smpp.c */
extern const struct adapter smpp_adapter;
void smpp_conf_fini(struct smpp_conf *conf);

/* mo.c */
/* What data_coding says, 3GPP 23.038 section 4 behind SMPP 3.4 section 5.2.19. */
enum alphabet mo_alphabet(uint8_t data_coding, enum alphabet dcs0);
/* deliver_sm or data_sm as a delivery; the body is borrowed from the PDU. False if there is no
 * reading it: the caller hands over the raw PDU. */
bool mo_read(const struct pdu *pdu, const struct smpp_conf *conf, struct inbound *in);
bool mo_is_receipt(const struct pdu *pdu);
/* False if it names no message. */
bool mo_read_receipt(const struct pdu *pdu, enum alphabet dcs0, struct receipt *receipt);
void mo_deliver(struct link *link, const struct pdu_header *header, const uint8_t *bytes);
void mo_forget(struct link *link); /* the link goes away, its answers are still owed */

/* mt.c */
bool mt_send(struct link *link, const struct outbound *out);
void mt_answer(struct link *link, const struct pdu_header *header, const uint8_t *bytes);
void mt_drop_waiting(struct link *link);    /* what was not written ends as SENT_RETRY */
void mt_connection_lost(struct link *link); /* and what was written as SENT_IN_DOUBT */
bool mt_busy(const struct link *link);      /* something accepted is not yet answered */
void mt_report(struct link *link);          /* tells the host the outcomes */
void mt_on_answer_timer(void *arg);
void mt_on_throttle_timer(void *arg);
void mt_on_report_timer(void *arg);

/* How an address is written in a PDU: type of number, numbering plan, digits. */
struct mt_address {
	uint8_t ton, npi;
	const char *digits; /* borrowed from the text given */
};
/* International with '+' -> 1/1 without it; other digits -> 0/1; anything else alphanumeric, 5/0.
 * */
struct mt_address mt_address_of(const char *text);
/* Relative time format of section 7.1.1.2, "" for no limit. */
void mt_validity(int64_t validity_ms, char out[17]);

#endif
