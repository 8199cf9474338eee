/* The stations of a message's path and what they share. Each station is a file of this folder; they
 * are wired once, in hotline.c, and find each other here. */
#ifndef PATH_HOTLINE_H
#define PATH_HOTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/redis.h"

struct acks;
struct adapter;
struct alert;
struct conf;
struct escalate;
struct filing;
struct flowbook;
struct intake;
struct loop;
struct outbox;
struct parts;
struct pending;
struct pg;
struct replay;
struct roles;
struct session;
struct spool;
struct vault;

struct hotline {
	const struct conf *conf; /* borrowed */
	struct loop *loop;       /* borrowed */
	const struct adapter *const *adapters; /* the ways in and out; ends with NULL; borrowed */
	/* stores; owned */
	struct vault *vault;
	struct spool *spool;
	struct redis *redis;
	bool redis_connected;    /* reached */
	bool redis_ready;        /* and its function library is loaded */
	bool redis_was_ready;    /* once since the start */
	struct loop_timer *prepare; /* owned: asks again when the library was refused */
	unsigned prepare_tries;
	bool closing;            /* nothing new is begun; what is unfinished stays in the spool */
	struct pg *pg_filing;    /* reports in */
	struct pg *pg_duty;      /* timers, notifications, acknowledgements, questions of operators */
	/* stations in the order a message meets them; owned */
	struct intake *intake;
	struct replay *replay;
	struct parts *parts;
	struct roles *roles;
	struct flowbook *flowbook;
	struct session *session;
	struct filing *filing;
	struct escalate *escalate;
	struct alert *alert;
	struct acks *acks;
	struct outbox *outbox;
	struct pending *pending;
	struct loop_timer *minute; /* owned: wipes the intake key when its hour is over, and other old things */
	/* what went wrong with Redis last, for `status`; static text or NULL */
	char redis_why[160];
};

/* Opens the stores and wires the stations; nothing is accepted yet. h->conf, h->loop and h->adapters are
 * set by the caller. On a fault writes a text that an operator can act on and returns the exit status
 * for it, else 0. */
int hotline_open(struct hotline *h, char *error, size_t error_size);
/* Reaches each store once, waiting for it (hotlined --check). False and an error that names the setting. */
bool hotline_check_stores(const struct hotline *h, char *error, size_t error_size);
/* The adapter of that name, or NULL. */
const struct adapter *hotline_adapter(const struct hotline *h, const char *name);
/* Replays the spool, starts the links, the timers and the stores' connections. */
void hotline_start(struct hotline *h);
/* Unbinds the links in order; calls done when the last one has stopped. */
void hotline_stop(struct hotline *h, void (*done)(void *arg), void *arg);
void hotline_close(struct hotline *h);

#endif
