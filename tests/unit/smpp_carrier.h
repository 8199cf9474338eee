/* A scripted carrier on a loopback socket, and a daemon that writes down what its link tells it:
 * what the tests of an SMPP link share. Waits of the link are set to milliseconds, so nothing has
 * to be slept. */
#ifndef TESTS_UNIT_SMPP_CARRIER_H
#define TESTS_UNIT_SMPP_CARRIER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/smpp/smpp.h"
#include "base/buf.h"
#include "base/loop.h"

enum { PATIENCE_MS = 5000, LONG_MS = 60000 };

/* A delivery that reached the daemon. */
struct heard {
	struct inbound in; /* body copied */
	uint8_t body[512];
	received_fn *done;
	void *arg;
};

/* What the daemon was told of a text. */
struct outcome {
	struct id16 id;
	enum sent_state state;
	char ref[PROVIDER_REF_MAX];
};

/* The daemon, the link and the carrier of one test. */
struct rig {
	struct loop *loop;
	struct link *link;
	struct adapter_host host;
	char password_file[64];
	int listener, peer; /* the carrier's sockets */
	uint16_t port;
	bool answer_at_once, destroy_when_stopped;
	struct heard heard[8];
	unsigned inbound_count, sent_count, receipt_count;
	struct outcome sent[32];
	struct receipt receipt;
	enum link_state state;
	unsigned bound_count, ready_count, lost_count;
};

extern struct rig rig;

#define TEST(name) cmocka_unit_test_setup_teardown(name, carrier_setup, carrier_teardown)
int carrier_setup(void **state); /* VERBOSE in the environment shows the log */
int carrier_teardown(void **state);

/* ---- the loop ---- */

bool turn(int64_t deadline_ms); /* false when the deadline is past */
void settle(void); /* long enough for anything that is due at once to have happened */

#define WAIT_FOR(condition)                                                                   \
	do {                                                                                  \
		int64_t deadline_ = loop_now_ms(rig.loop) + PATIENCE_MS;                      \
		while (!(condition)) {                                                        \
			if (!turn(deadline_))                                                 \
				fail_msg("waited in vain for %s", #condition);                \
		}                                                                             \
	} while (0)

/* ---- the link ---- */

/* From settings in YAML; NULL and the error if they are refused. */
struct link *create_link(const char *settings, char *error, size_t error_size);
void make_link(const char *more);   /* rig.link, with these settings besides the usual ones */
void start_bound(const char *more); /* the same, started and bound */

/* ---- the carrier ---- */

bool try_accept(void);
/* Lets the link bind; whatever connection it had before is gone. */
void accept_bind(void);
/* The next PDU from the link, whose command must be the one expected. Good until the next call. */
struct pdu expect_pdu(uint32_t command_id);
void expect_silence(void);
bool peer_closed(void);
void peer_write(const void *bytes, size_t len);
void peer_send(const struct pdu *pdu);
void peer_respond(const struct pdu *request, uint32_t status, const char *message_id);
void peer_deliver(uint32_t sequence, uint8_t esm_class, const char *text);
void peer_drop(void);

/* ---- the daemon ---- */

void received(unsigned i, bool ok); /* answers the i-th delivery */
struct outbound text_out(uint8_t number, const char *text);
bool send_text(uint8_t number, const char *text); /* a reply; its id begins with the number */
extern const char long_text[]; /* 200 septets, the second half b: parts of 153 and 47 */
bool send_alert(uint8_t number, const char *text); /* an urgent one */
bool send_calm_alert(uint8_t number, const char *text);
/* The i-th outcome told must be this one. */
void expect_outcome(unsigned i, uint8_t number, enum sent_state state, const char *ref);

#endif
