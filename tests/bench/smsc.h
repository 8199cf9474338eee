/* The simulated SMSC: binds on one side (smsc_binds.c), a population of phones on the other
 * (smsc_phones.c), what was measured between them (smsc_report.c). */
#ifndef BENCH_SMSC_H
#define BENCH_SMSC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dialogue.h"
#include "histogram.h"
#include "procs.h"

struct event_base;
struct binds;
struct phones;
struct pdu;

struct smsc_options {
	const char *dialogue_file, *json_file, *settle_command, *label;
	const char *system_id, *password, *dest; /* dest: the short code that phones write to */
	uint16_t port;
	unsigned window;       /* deliver_sm without an answer, on each bind */
	unsigned concurrent;   /* closed loop: dialogues at a time */
	double rate;           /* open loop: dialogues begun in a second; 0 = closed loop */
	bool fixed;            /* evenly spaced instead of Poisson */
	uint64_t dialogues;    /* how many are measured */
	uint64_t warm_up;      /* how many before that are not */
	uint64_t first_number; /* of the first phone; each dialogue has a phone of its own */
	uint64_t seed;
	double throttle;       /* submit_sm accepted in a second; 0 = all */
	double refuse;         /* part of submit_sm answered with ESME_RTHROTTLED at random, 0..1 */
	double patience_s;     /* a phone that waits longer for a reply gives up */
};

/* One text on its way from a phone. */
struct text {
	uint64_t phone;      /* index of its dialogue */
	int64_t intended_ns; /* when the phone meant to send it */
	uint8_t turn, part;
};

struct smsc_counts {
	uint64_t delivered, refused, again;  /* deliver_sm answered well, refused, sent once more */
	uint64_t submitted, throttled, receipts;
	uint64_t replies, wrong, strays;     /* strays: texts to numbers that are in no dialogue */
	uint64_t finished, stuck;            /* dialogues */
};

struct smsc {
	struct smsc_options options;
	struct event_base *base;     /* owned */
	struct dialogue dialogue;
	struct procs procs;
	struct binds *binds;         /* owned */
	struct phones *phones;       /* owned */
	struct smsc_counts counts;   /* since the measured part began */
	struct histogram replies;    /* intended sending to reply */
	struct histogram answers;    /* intended sending to deliver_sm_resp */
	int64_t began_ns, last_reply_ns, settled_ns; /* of the measured part */
	bool measuring;
};

int64_t smsc_now_ns(void);
void smsc_measure(struct smsc *s); /* the warm-up is over: everything counts from now on */
void smsc_finish(struct smsc *s);  /* every dialogue has ended */

struct binds *binds_new(struct smsc *s); /* NULL and errno if the port cannot be had */
void binds_free(struct binds *b);
uint16_t binds_port(const struct binds *b);
void binds_send(struct binds *b, const struct text *text); /* now, or when a window has room */

struct phones *phones_new(struct smsc *s);
void phones_free(struct phones *p);
void phones_start(struct phones *p); /* a bind is there */
/* A submit_sm arrived that was accepted. */
void phones_hear(struct phones *p, const struct pdu *pdu);
uint64_t phones_number(const struct smsc *s, uint64_t phone);

void report_print(const struct smsc *s, FILE *out);
bool report_json(const struct smsc *s, const char *path);

#endif
