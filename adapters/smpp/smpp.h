/* Inside of the SMPP adapter: what its files share. conf.c reads the settings, link.c is what the
 * daemon sees of a carrier, bind.c keeps one connection and its bind, mo.c turns deliver_sm into
 * deliveries and receipts, mt.c turns texts into submit_sm and follows them to their answers, ussd.c
 * is for deliveries and answers that are USSD. */
#ifndef ADAPTERS_SMPP_SMPP_H
#define ADAPTERS_SMPP_SMPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "adapters/smpp/dialect.h"
#include "adapters/smpp/link.h"
#include "adapters/smpp/pdu.h"
#include "adapters/smpp/rate.h"
#include "adapters/smpp/refs.h"
#include "adapters/smpp/window.h"

struct bufferevent;
struct evdns_base;
struct loop_timer;
struct mt_message;
struct mt_part;
struct smpp_tls;
struct ussd;
struct yaml_node;

/* How a link binds. */
enum smpp_bind_kind {
	SMPP_TRANSCEIVER,
	SMPP_PAIR,        /* a receiver and a transmitter */
	SMPP_RECEIVER,
	SMPP_TRANSMITTER
};

enum {
	SMPP_BINDS_MAX = 16,
	SMPP_CODES_MAX = 8,
	SMPP_CODE_MAX = 21,
	SMPP_ID_MAX = 66 /* message_id with its NUL and one more */
};

/* One link's settings. Strings are owned; durations in milliseconds. What the words mean to an
 * operator is in doc/smpp.md. */
struct smpp_conf {
	char name[INBOUND_NAME_MAX];
	char carrier[INBOUND_NAME_MAX];
	char *host;
	int64_t port;
	char *local_address;      /* connections start here; NULL = wherever the route says */
	char *system_id, *password, *system_type, *address_range, *service_type;
	int64_t interface_version, bind_ton, bind_npi;
	int bind;                 /* enum smpp_bind_kind */
	int64_t binds;            /* connections of each kind, 1..SMPP_BINDS_MAX */
	bool tls;
	char *tls_ca, *tls_cert, *tls_key, *tls_name; /* files; name in the certificate; NULL = default */
	int64_t files_stamp;      /* newest change of the files named here */
	char codes[SMPP_CODES_MAX][SMPP_CODE_MAX];    /* senders this carrier lets us use */
	size_t code_count;
	char source[INBOUND_ADDRESS_MAX]; /* sender of what names no code of ours; "" = none */
	int64_t source_ton, source_npi;   /* -1 = after the form of the address */
	int64_t window;           /* submit_sm in flight on one connection, 1..1000 */
	int64_t rate;             /* submit_sm a second over all connections; 0 = no limit */
	int dcs0, dcs8;           /* enum alphabet: what data_coding 0, and 2 or 4, mean here */
	bool latin1;              /* data_coding 3 may be used where it is cheaper */
	bool transliterate;       /* accents are dropped where that makes a text cheaper */
	int64_t ref_bits;         /* 8 or 16: concatenation reference of what we send */
	int submit_base, receipt_base;    /* enum ref_base: how the carrier writes message ids */
	char *ussd, *voice;       /* dialect; number that a screen gives when nothing else works. ussd NULL: no USSD */
	struct dialect dialect;   /* that dialect */
	int64_t refusal;          /* command_status that makes this carrier try again */
	int64_t refusal_pause_ms; /* after refusing for so long stop reading for as long; 0 = never */
	int64_t refusal_unbind_ms; /* after refusing for so long unbind; 0 = never */
	int64_t enquire_ms;       /* between two enquire_link; two unanswered: reconnect */
	int64_t answer_ms;        /* wait for a submit_sm_resp */
	int64_t connect_ms;       /* wait for TCP, then for TLS, then for the bind response */
	int64_t stop_ms;          /* wait for open answers, then the same again for unbind_resp */
	int64_t retry_ms, retry_max_ms;   /* back-off after a lost connection */
	int64_t refused_ms, refused_max_ms; /* back-off after a refused bind */
	int64_t throttle_ms, throttle_max_ms; /* pause after ESME_RTHROTTLED or ESME_RMSGQFUL */
};

enum smpp_state {
	SMPP_IDLE,       /* made, not started */
	SMPP_WAITING,    /* until the next attempt */
	SMPP_CONNECTING, /* name and TCP */
	SMPP_SECURING,   /* TLS */
	SMPP_BINDING,
	SMPP_BOUND,
	SMPP_DRAINING,   /* stopping: open answers, both ways */
	SMPP_UNBINDING,  /* our unbind is out */
	SMPP_CLOSING,    /* our last word to the peer is on its way out */
	SMPP_PARKED,     /* drained by an operator: until told to go on */
	SMPP_STOPPED,
	SMPP_STATES
};

/* A request of the carrier whose answer waits until its bytes are durable. Lives until received_fn
 * is called, even after its connection or its link. */
struct owed {
	struct smpp_bind *bind; /* NULL once the link is gone */
	struct owed *next, **prev;
	uint32_t generation;    /* connection it came over */
	uint32_t command_id, sequence_number;
};

/* More deliveries than this without an answer are refused at once: the carrier keeps them for us.
 * */
enum { SMPP_OWED_MAX = 4096 };

/* One connection and its bind. */
struct smpp_bind {
	struct link *link;           /* borrowed: its owner */
	uint32_t command_id;         /* of its bind request */
	char subject[INBOUND_NAME_MAX + 8]; /* in the log: "viettel" or "viettel.tx2" */
	enum smpp_state state;
	enum smpp_state after;       /* where an orderly end leads: stopped, parked, waiting */

	struct bufferevent *bev;     /* owned; NULL while not connected */
	uint32_t generation;         /* counts connections */
	uint32_t sequence;           /* last used, 1..0x7fffffff */
	uint32_t bind_sequence;
	unsigned tries;              /* failed attempts in a row */
	bool refused;                /* the last attempt ended in a refused bind */
	bool heard;                  /* a PDU came since the last look */
	unsigned misses;             /* enquire_link in a row without a sign of life */

	struct loop_timer *state_timer, *enquire_timer, *answer_timer, *read_timer; /* owned */

	struct owed *owed;           /* list; each owns itself */
	unsigned owed_count;
	int64_t refusing_since_ms;   /* deliveries have been refused without a break; 0 = none */
	int64_t paused_at_ms;        /* last time reading was stopped for that */
	struct window window;        /* parts in flight */
};

struct link {
	const struct adapter_host *host; /* borrowed */
	struct smpp_conf conf;
	struct smpp_tls *tls;        /* owned; NULL without TLS */
	struct evdns_base *dns;      /* owned; only when the host is a name */
	struct smpp_bind *binds;     /* owned array */
	unsigned bind_count;
	enum link_state shown;       /* last one told to the host */
	bool paused;                 /* by an operator: nothing is submitted */
	bool drained;                /* by an operator: unbound, or on the way there */

	struct loop_timer *pump_timer, *report_timer; /* owned */
	struct rate rate;
	int64_t throttled_until_ms;  /* nothing is submitted before */
	unsigned throttles;          /* in a row */
	struct mt_part *waiting;     /* parts of accepted texts that found no slot yet; owned */
	struct mt_message *finished; /* outcomes not yet told, oldest first; owned */
	uint16_t part_ref;
	struct refs refs;            /* message ids that receipts may name */
	struct ussd *ussd;           /* owned; NULL: no USSD */

	struct link_status status;   /* counters and last error; the rest is filled in on demand */
	link_trace_fn *trace;        /* NULL = nobody looks */
	void *trace_arg;

	unsigned depth; /* callbacks of this link on the stack */
	bool dead;      /* destroyed meanwhile: freed when depth is 0 */
};

/* conf.c */
extern const char *const smpp_keys[];
/* Reads a link's settings; on a fault false and "line:column: text". `folder`: where relative paths
 * start, or NULL. On success the caller calls smpp_conf_fini(). */
bool smpp_conf_read(const struct yaml_node *map, const char *name, const char *folder,
                    struct smpp_conf *conf, char *error, size_t error_size);
void smpp_conf_fini(struct smpp_conf *conf);
bool smpp_conf_same(const struct smpp_conf *a, const struct smpp_conf *b);
/* Writes "line:column: text" at the value of a key; returns false. */
bool smpp_conf_fault(const struct yaml_node *map, const char *key, const char *text, char *error,
                     size_t error_size);

/* link.c */
/* Every entry from outside stands between these two; after link_leave() the link may be gone. */
void link_enter(struct link *link);
void link_leave(struct link *link);
void link_show(struct link *link); /* tells the host the state if it has changed */
void link_failed(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool link_ready(const struct link *link); /* some connection that can submit is bound */
void link_traced(struct link *link, bool out, const uint8_t *bytes, size_t len);

/* bind.c */
void bind_init(struct smpp_bind *b, struct link *link, uint32_t command_id, const char *subject);
void bind_fini(struct smpp_bind *b);
void bind_start(struct smpp_bind *b);
void bind_stop(struct smpp_bind *b, enum smpp_state after); /* in order: SMPP_STOPPED, _PARKED, _WAITING */
void bind_abort(struct smpp_bind *b);
bool bind_transmits(const struct smpp_bind *b); /* may carry submit_sm once it is bound */
uint32_t bind_next_sequence(struct smpp_bind *b);
bool bind_write(struct smpp_bind *b, const void *bytes, size_t len); /* whole PDUs only */
/* A response with empty mandatory fields. command_id is the request's; 0 gives generic_nack. */
void bind_respond(struct smpp_bind *b, uint32_t command_id, uint32_t status, uint32_t sequence);
/* Call when something a stopping connection waits for has been done. */
void bind_check_drained(struct smpp_bind *b);
void bind_pause_reading(struct smpp_bind *b, int64_t ms);
const char *bind_state_name(const struct smpp_bind *b);

/* dial.c */
/* Begins to connect: b->bev is set unless there is no descriptor left. False: it will not come to
 * anything. */
bool bind_dial(struct smpp_bind *b, void (*on_readable)(struct bufferevent *bev, void *arg),
               void (*on_event)(struct bufferevent *bev, short what, void *arg));

/* mo.c */
/* What data_coding says, 3GPP 23.038 section 4 behind SMPP 3.4 section 5.2.19. */
enum alphabet mo_alphabet(uint8_t data_coding, const struct smpp_conf *conf);
/* deliver_sm or data_sm as a delivery; the body is borrowed from the PDU. False if there is no
 * reading it: the caller hands over the raw PDU. */
bool mo_read(const struct pdu *pdu, const struct smpp_conf *conf, struct inbound *in);
void mo_deliver(struct smpp_bind *b, const struct pdu_header *header, const uint8_t *bytes);
void mo_forget(struct smpp_bind *b); /* the link goes away, its answers are still owed */
/* Notes that this request is to be answered; exactly one mo_received() with it must follow. */
struct owed *mo_owe(struct smpp_bind *b, const struct pdu_header *header);
received_fn mo_received;

/* ussd.c */
bool smpp_ussd_is(const struct link *link, const struct pdu *pdu);
void smpp_ussd_hear(struct smpp_bind *b, const struct pdu_header *header, const struct pdu *pdu);

/* receipt.c */
bool receipt_is(const struct pdu *pdu);
/* False if it names no message. */
bool receipt_read(const struct pdu *pdu, const struct smpp_conf *conf, struct receipt *receipt);

/* mt.c */
bool mt_send(struct link *link, const struct outbound *out);
/* A screen: whole, ahead of the texts; nobody is told what becomes of it. */
void mt_screen(struct link *link, const struct pdu *pdu);
void mt_answer(struct smpp_bind *b, const struct pdu_header *header, const uint8_t *bytes);
void mt_pump(struct link *link);
void mt_drop_waiting(struct link *link);    /* what was not written ends as SENT_RETRY */
void mt_connection_lost(struct smpp_bind *b); /* and what was written as SENT_IN_DOUBT */
unsigned mt_waiting(const struct link *link); /* parts without a slot */
void mt_report(struct link *link);          /* tells the host the outcomes */
void mt_on_answer_timer(void *arg);         /* arg: the bind */
void mt_on_pump_timer(void *arg);           /* arg: the link, as below */
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
