/* A scripted HLR on loopback sockets (GSUP and its control interface), and a daemon that writes down what its link
 * tells it. Time is skipped, never slept. */
#ifndef TESTS_UNIT_GSUP_HLR_H
#define TESTS_UNIT_GSUP_HLR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/gsup/component.h"
#include "adapters/gsup/gsup.h"
#include "adapters/gsup/ipa.h"
#include "adapters/gsup/message.h"
#include "base/buf.h"
#include "base/loop.h"

enum { PATIENCE_MS = 5000, HEARD_MAX = 16 };

/* One listening socket of the HLR and its connection. */
struct port {
	int listener, peer; /* peer -1: none */
	uint16_t number;
};

struct heard {
	struct inbound in;
	char text[256];
	received_fn *done; /* NULL once answered */
	void *arg;
};

extern struct rig {
	struct loop *loop;
	struct link *link;
	struct adapter_host host;
	struct port gsup, ctrl;
	bool hold;   /* deliveries wait for received() */
	bool destroy_when_stopped;
	struct heard heard[HEARD_MAX];
	unsigned heard_count;
	enum sent_state sent[HEARD_MAX];
	unsigned sent_count, bound_count;
	enum link_state state;
} rig;

#define TEST(name) cmocka_unit_test_setup_teardown(name, hlr_setup, hlr_teardown)
int hlr_setup(void **state); /* VERBOSE in the environment shows the log */
int hlr_teardown(void **state);

bool turn(int64_t deadline_ms);
void settle(void); /* long enough for anything that is due at once to have happened */
void pass_ms(int64_t ms);

#define WAIT_FOR(condition)                                                                   \
	do {                                                                                  \
		int64_t deadline_ = loop_now_ms(rig.loop) + PATIENCE_MS;                      \
		while (!(condition)) {                                                        \
			if (!turn(deadline_))                                                 \
				fail_msg("waited in vain for %s", #condition);                \
		}                                                                             \
	} while (0)

/* ---- the link ---- */

/* From further settings in YAML; NULL and the error if they are refused. */
struct link *try_link(const char *settings, char *error, size_t error_size);
void make_link(const char *more);
void start_bound(const char *more); /* the same, started and known to the HLR */
void accept_bound(void);            /* lets it connect (again) and become known */

/* ---- the HLR ---- */

bool accepted(struct port *port);
void drop(struct port *port);
bool closed(const struct port *port);
void write_port(const struct port *port, const void *bytes, size_t len);
void write_ccm(enum ccm_type type);
/* The next frame; good until the next call. */
struct ipa_frame next_frame(const struct port *port);
void expect_ccm(enum ccm_type type);
void expect_silence(const struct port *port);
/* The phone says this in its dialogue; text NULL: the message has no component. */
void phone_says(const char *imsi, enum gsup_state state, const struct ss_component *c, const char *text);
void phone_dials(const char *imsi, const char *code);
void phone_answers(const char *imsi, int8_t menu, const char *text);
/* The next screen: its text is copied, its component returned. */
struct ss_component next_screen(enum gsup_state state, char text[256]);

/* ---- the daemon ---- */

void received(unsigned i, bool ok);
void show(unsigned i, const char *text, bool more); /* the screen owed for the i-th delivery */

#endif
