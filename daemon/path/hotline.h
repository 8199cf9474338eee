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
struct allowance;
struct canary;
struct auditor;
struct clockwork;
struct conf;
struct duty;
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

/* HTTPS outwards, lent by the daemon's main: stations know no HTTP. body NULL: a GET, else JSON is posted. done
 * says whether the other side answered with 2xx, exactly once, never from inside the call. */
typedef void web_done_fn(void *arg, bool ok);
struct web {
	void *ctx;
	void (*call)(void *ctx, const char *url, const char *body, web_done_fn *done, void *arg); /* NULL: there is none */
};

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
	struct duty *duty;
	struct clockwork *clockwork;
	struct escalate *escalate;
	struct alert *alert;
	struct acks *acks;
	struct outbox *outbox;
	struct canary *canary;       /* of each carrier */
	struct auditor *auditor;
	struct web web;          /* set by the caller */
	struct pending *pending;
	struct allowance *allowance; /* of replies */
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
/* Reads the links of the configuration file again. A fault changes nothing; what is written as before is
 * not disturbed. Other settings are read at the start only. */
bool hotline_reload_links(struct hotline *h, char *error, size_t error_size);
/* Is the configuration file in order as it is now? If so, `later` names the settings that differ and wait for the
 * next start. Changes nothing. */
bool hotline_read_again(const struct hotline *h, char *later, size_t later_size, char *error, size_t error_size);
/* Unbinds the links in order; calls done when the last one has stopped. */
void hotline_stop(struct hotline *h, void (*done)(void *arg), void *arg);
void hotline_close(struct hotline *h);

#endif
