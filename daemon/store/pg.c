/* PostgreSQL over one asynchronous libpq connection in pipeline mode: batches go out as they come and
 * their results return in the same order. */
#include "store/pg.h"

#include <event2/event.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/pg_values.h"

enum {
	PG_DEADLINE_MS = 10000, /* no progress for so long: the server hangs, or the network is gone */
	PG_RETRY_BASE_MS = 100,
	PG_RETRY_MAX_MS = 5000,
	PG_ERROR_MAX = 256
};

/* The server's own limits are shorter than PG_DEADLINE_MS, so that a slow statement fails by itself. */
static const struct pg_statement setup = {
	"hotlined_setup",
	"select set_config('TimeZone', 'UTC', false), set_config('bytea_output', 'hex', false),"
	" set_config('synchronous_commit', 'on', false), set_config('statement_timeout', '8s', false),"
	" set_config('lock_timeout', '4s', false),"
	" set_config('idle_in_transaction_session_timeout', '30s', false)"
};

struct item {
	const struct pg_statement *st;
	struct pg_params *params; /* owned; NULL = none */
	pg_row_fn *row;
	void *arg;
};

struct pg_batch {
	struct pg *pg;
	struct item *items; /* owned */
	size_t count, cap;
	pg_done_fn *done;
	void *arg;
	bool failed;
	char error[PG_ERROR_MAX]; /* of the first statement that failed */
	struct pg_batch *next;
};

/* What the server still owes, in order. A statement is prepared behind a Sync of its own, so that a
 * failing batch never takes a preparation with it. */
enum op_kind { OP_PREPARE, OP_EXEC, OP_SYNC_PREPARE, OP_SYNC_BATCH };

struct op {
	enum op_kind kind;
	bool answered;              /* a result came; NULL ends it */
	struct pg_batch *batch;     /* borrowed from pg.first */
	size_t item;                /* OP_EXEC: which; OP_PREPARE: which prepared[] */
};

struct prepared {
	const struct pg_statement *st;
	bool ready; /* sent, and not known to have failed */
};

enum phase { PG_DOWN, PG_CONNECTING, PG_SETUP, PG_READY };

struct pg {
	struct loop *loop; /* borrowed */
	char *name, *conninfo;
	pg_state_fn *state;
	void *arg;
	enum phase phase;
	PGconn *conn;                         /* NULL while down */
	struct event *readable, *writable;    /* NULL while down */
	struct loop_timer *retry;             /* next attempt to connect */
	struct loop_timer *deadline;          /* no progress */
	struct loop_timer *lost_soon;         /* completes `lost` in a later turn */
	unsigned tries;
	int64_t deadline_ms;
	bool broken;                          /* a send failed: drop the connection in a later turn */
	struct pg_batch *first, **tail;       /* in flight, oldest first */
	struct pg_batch *lost, **lost_tail;   /* to be completed with PG_LOST */
	struct op *ops;                       /* ring: owed results */
	size_t op_head, op_count, op_cap;
	struct prepared *prepared;
	size_t prepared_count;
};

static void connect_start(struct pg *pg);
static void batch_put(struct pg *pg, struct pg_batch *b);

/* ---- batches ---- */

static void batch_free(struct pg_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		pg_params_free(b->items[i].params);
	mem_free(b->items);
	mem_free(b);
}

static void batch_finish(struct pg_batch *b, enum pg_outcome outcome, const char *error)
{
	if (b->done)
		b->done(b->arg, outcome, error);
	batch_free(b);
}

static void list_push(struct pg_batch ***tail, struct pg_batch *b)
{
	b->next = NULL;
	**tail = b;
	*tail = &b->next;
}

static struct pg_batch *list_pop(struct pg_batch **first, struct pg_batch ***tail)
{
	struct pg_batch *b = *first;

	*first = b->next;
	if (!*first)
		*tail = first;
	return b;
}

static void lose_all(struct pg *pg)
{
	while (pg->lost)
		batch_finish(list_pop(&pg->lost, &pg->lost_tail), PG_LOST, "connection lost");
}

/* ---- owed results ---- */

static void op_push(struct pg *pg, struct op op)
{
	if (pg->op_count == pg->op_cap) {
		size_t cap = pg->op_cap ? 2 * pg->op_cap : 256;
		struct op *ops = mem_array(NULL, cap, sizeof(*ops));

		for (size_t i = 0; i < pg->op_count; i++)
			ops[i] = pg->ops[(pg->op_head + i) % pg->op_cap];
		mem_free(pg->ops);
		pg->ops = ops;
		pg->op_head = 0;
		pg->op_cap = cap;
	}
	pg->ops[(pg->op_head + pg->op_count++) % pg->op_cap] = op;
}

static void op_pop(struct pg *pg)
{
	pg->op_head = (pg->op_head + 1) % pg->op_cap;
	pg->op_count--;
}

/* ---- connection ---- */

static void set_phase(struct pg *pg, enum phase phase)
{
	bool was_up = pg->phase == PG_READY;

	pg->phase = phase;
	if (was_up != (phase == PG_READY) && pg->state)
		pg->state(pg->arg, phase == PG_READY);
}

static void events_free(struct pg *pg)
{
	if (pg->readable)
		event_free(pg->readable);
	if (pg->writable)
		event_free(pg->writable);
	pg->readable = pg->writable = NULL;
}

/* Everything in flight becomes lost; completed by lost_soon. */
static void disconnect(struct pg *pg)
{
	events_free(pg);
	if (pg->conn)
		PQfinish(pg->conn);
	pg->conn = NULL;
	pg->broken = false;
	pg->op_head = pg->op_count = 0;
	pg->prepared_count = 0;
	loop_timer_cancel(pg->deadline);
	while (pg->first)
		list_push(&pg->lost_tail, list_pop(&pg->first, &pg->tail));
	if (pg->lost)
		loop_timer_set(pg->lost_soon, 0);
}

static void drop(struct pg *pg, const char *why)
{
	int64_t delay_ms = loop_backoff_ms(pg->tries, PG_RETRY_BASE_MS, PG_RETRY_MAX_MS);

	if (pg->phase == PG_READY || pg->tries == 0)
		log_warn("pg", "down name=%s why=\"%s\"", pg->name, why);
	if (pg->tries < 16)
		pg->tries++;
	disconnect(pg);
	loop_timer_set(pg->retry, delay_ms);
	set_phase(pg, PG_DOWN);
}

/* The first line of what libpq says about a connection that never was: no values in it. */
static void drop_unconnected(struct pg *pg)
{
	char why[PG_ERROR_MAX];

	snprintf(why, sizeof(why), "%s", pg->conn ? PQerrorMessage(pg->conn) : "out of memory");
	why[strcspn(why, "\r\n")] = '\0';
	drop(pg, why);
}

static void silent_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* Writes what is queued; false when the connection is gone. */
static bool flush(struct pg *pg)
{
	int left = PQflush(pg->conn);

	if (left > 0)
		event_add(pg->writable, NULL);
	return left >= 0;
}

static void setup_done(void *arg, enum pg_outcome outcome, const char *error)
{
	struct pg *pg = arg;

	if (outcome == PG_LOST)
		return; /* the connection is being dropped already */
	if (outcome == PG_FAILED) {
		log_error("pg", "setup name=%s error=\"%s\"", pg->name, error);
		pg->broken = true;
		return;
	}
	pg->tries = 0;
	log_info("pg", "up name=%s", pg->name);
	set_phase(pg, PG_READY);
}

static void prepare_result(struct pg *pg, const struct op *op, const PGresult *res)
{
	if (PQresultStatus(res) == PGRES_COMMAND_OK)
		return;
	pg->prepared[op->item].ready = false;
	op->batch->failed = true;
	pg_error_text(res, op->batch->error, sizeof(op->batch->error));
}

static void exec_result(const struct op *op, PGresult *res)
{
	struct pg_batch *b = op->batch;
	const struct item *item = &b->items[op->item];
	ExecStatusType status = PQresultStatus(res);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		const struct pg_result result = { res };

		if (item->row)
			item->row(item->arg, &result);
	} else if (!b->failed) {
		b->failed = true;
		pg_error_text(res, b->error, sizeof(b->error));
	}
}

static void on_sync(struct pg *pg, const struct op *op)
{
	if (op->kind != OP_SYNC_BATCH)
		return;
	struct pg_batch *b = list_pop(&pg->first, &pg->tail);

	batch_finish(b, b->failed ? PG_FAILED : PG_OK, b->failed ? b->error : NULL);
}

/* One result of the server goes to the operation it belongs to; false when the two disagree. */
static bool on_result(struct pg *pg, PGresult *res)
{
	struct op *head = &pg->ops[pg->op_head];
	struct op op = *head; /* a callback may make the ring grow */
	bool sync = op.kind == OP_SYNC_PREPARE || op.kind == OP_SYNC_BATCH;

	if (sync != (PQresultStatus(res) == PGRES_PIPELINE_SYNC))
		return false;
	head->answered = true;
	if (sync) {
		op_pop(pg);
		on_sync(pg, &op);
	} else if (op.kind == OP_PREPARE) {
		prepare_result(pg, &op, res);
	} else {
		exec_result(&op, res);
	}
	return true;
}

/* Takes every result that has arrived; false when the connection is of no more use. */
static bool take_results(struct pg *pg)
{
	unsigned empty = 0;
	size_t owed = pg->op_count;

	while (pg->op_count > 0 && !pg->broken && !PQisBusy(pg->conn)) {
		PGresult *res = PQgetResult(pg->conn);
		bool ok = true;

		if (res)
			ok = on_result(pg, res);
		else if (pg->ops[pg->op_head].answered)
			op_pop(pg);
		else if (++empty > 1)
			break; /* nothing came although libpq is not busy: wait, under the deadline */
		PQclear(res);
		if (!ok)
			return false;
		if (res)
			empty = 0;
	}
	if (pg->op_count == 0)
		loop_timer_cancel(pg->deadline);
	else if (pg->op_count != owed)
		loop_timer_set(pg->deadline, pg->deadline_ms);
	return !pg->broken && PQstatus(pg->conn) == CONNECTION_OK;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	if (!PQconsumeInput(pg->conn) || !take_results(pg) || !flush(pg))
		drop(pg, "connection lost");
}

static void connected(struct pg *pg)
{
	struct event_base *base = loop_base(pg->loop);
	struct pg_batch *b;

	events_free(pg);
	if (PQsetnonblocking(pg->conn, 1) != 0 || !PQenterPipelineMode(pg->conn)) {
		drop(pg, "no pipeline mode");
		return;
	}
	pg->readable = event_new(base, PQsocket(pg->conn), EV_READ | EV_PERSIST, on_io, pg);
	pg->writable = event_new(base, PQsocket(pg->conn), EV_WRITE, on_io, pg);
	event_add(pg->readable, NULL);
	set_phase(pg, PG_SETUP);
	b = pg_batch_new(pg);
	pg_batch_add(b, &setup, NULL, NULL, NULL);
	b->done = setup_done;
	b->arg = pg;
	batch_put(pg, b);
}

static void on_connect_io(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	PostgresPollingStatusType status = PQconnectPoll(pg->conn);
	bool reading = status == PGRES_POLLING_READING;

	(void)fd;
	(void)what;
	if (status == PGRES_POLLING_OK) {
		connected(pg);
		return;
	}
	if (status == PGRES_POLLING_FAILED) {
		drop_unconnected(pg);
		return;
	}
	/* The socket may be another one after each poll. */
	events_free(pg);
	pg->readable = event_new(loop_base(pg->loop), PQsocket(pg->conn), reading ? EV_READ : EV_WRITE,
	                         on_connect_io, pg);
	event_add(pg->readable, NULL);
}

static void connect_start(struct pg *pg)
{
	const char *keys[] = { "dbname", "fallback_application_name", NULL };
	const char *values[] = { pg->conninfo, pg->name, NULL };

	pg->conn = PQconnectStartParams(keys, values, 1);
	if (!pg->conn || PQstatus(pg->conn) == CONNECTION_BAD) {
		drop_unconnected(pg);
		return;
	}
	PQsetNoticeReceiver(pg->conn, silent_notice, NULL);
	set_phase(pg, PG_CONNECTING);
	loop_timer_set(pg->deadline, pg->deadline_ms);
	/* Until the first poll the state counts as "writing" (libpq documentation, PQconnectPoll). */
	pg->readable = event_new(loop_base(pg->loop), PQsocket(pg->conn), EV_WRITE, on_connect_io, pg);
	event_add(pg->readable, NULL);
}

static void on_retry(void *arg)
{
	connect_start(arg);
}

static void on_deadline(void *arg)
{
	drop(arg, "no answer in time");
}

static void on_lost_soon(void *arg)
{
	struct pg *pg = arg;

	if (pg->broken)
		drop(pg, "connection lost");
	lose_all(pg);
}

/* ---- sending ---- */

/* Index in pg->prepared, with a preparation on its way if need be; false when the send failed. */
static bool prepare(struct pg *pg, struct pg_batch *b, const struct pg_statement *st)
{
	size_t i = 0;

	while (i < pg->prepared_count && pg->prepared[i].st != st
	       && strcmp(pg->prepared[i].st->name, st->name) != 0)
		i++;
	if (i == pg->prepared_count) {
		pg->prepared = mem_array(pg->prepared, i + 1, sizeof(*pg->prepared));
		pg->prepared[i] = (struct prepared){ st, false };
		pg->prepared_count++;
	}
	if (pg->prepared[i].ready)
		return true;
	if (!PQsendPrepare(pg->conn, st->name, st->sql, 0, NULL))
		return false;
	op_push(pg, (struct op){ OP_PREPARE, false, b, i });
	if (!PQpipelineSync(pg->conn))
		return false;
	op_push(pg, (struct op){ OP_SYNC_PREPARE, false, b, 0 });
	pg->prepared[i].ready = true;
	return true;
}

static bool exec_item(struct pg *pg, struct pg_batch *b, size_t i)
{
	const struct pg_params *p = b->items[i].params;
	const char *values[PG_PARAMS_MAX];
	int count = p ? p->count : 0;

	for (int n = 0; n < count; n++)
		values[n] = p->null[n] ? NULL : (const char *)p->bytes.data + p->offset[n];
	if (!PQsendQueryPrepared(pg->conn, b->items[i].st->name, count, values, p ? p->len : NULL,
	                         p ? p->format : NULL, 0))
		return false;
	op_push(pg, (struct op){ OP_EXEC, false, b, i });
	return true;
}

/* Puts a batch on the wire. Nothing is completed from here: a failure is found in a later turn. */
static void batch_put(struct pg *pg, struct pg_batch *b)
{
	bool ok = true;

	list_push(&pg->tail, b);
	for (size_t i = 0; ok && i < b->count; i++)
		ok = prepare(pg, b, b->items[i].st);
	for (size_t i = 0; ok && i < b->count; i++)
		ok = exec_item(pg, b, i);
	ok = ok && PQpipelineSync(pg->conn);
	if (ok)
		op_push(pg, (struct op){ OP_SYNC_BATCH, false, b, 0 });
	if (!ok || !flush(pg)) {
		pg->broken = true;
		loop_timer_set(pg->lost_soon, 0);
	}
	if (!loop_timer_armed(pg->deadline))
		loop_timer_set(pg->deadline, pg->deadline_ms);
}

struct pg_batch *pg_batch_new(struct pg *pg)
{
	struct pg_batch *b = mem_alloc(sizeof(*b));

	b->pg = pg;
	return b;
}

void pg_batch_add(struct pg_batch *b, const struct pg_statement *st, struct pg_params *params,
                  pg_row_fn *row, void *arg)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 8;
		b->items = mem_array(b->items, b->cap, sizeof(*b->items));
	}
	b->items[b->count++] = (struct item){ st, params, row, arg };
}

void pg_batch_send(struct pg_batch *b, pg_done_fn *done, void *arg)
{
	struct pg *pg = b->pg;

	b->done = done;
	b->arg = arg;
	if (pg->phase == PG_READY && !pg->broken) {
		batch_put(pg, b);
		return;
	}
	list_push(&pg->lost_tail, b);
	loop_timer_set(pg->lost_soon, 0);
}

void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
             pg_done_fn *done, void *arg)
{
	struct pg_batch *b = pg_batch_new(pg);

	pg_batch_add(b, st, params, row, arg);
	pg_batch_send(b, done, arg);
}

/* ---- life ---- */

struct pg *pg_new(struct loop *loop, const char *name, const char *conninfo, pg_state_fn *state, void *arg)
{
	struct pg *pg = mem_alloc(sizeof(*pg));

	signal(SIGPIPE, SIG_IGN);
	pg->loop = loop;
	pg->name = mem_strdup(name);
	pg->conninfo = mem_strdup(conninfo);
	pg->state = state;
	pg->arg = arg;
	pg->deadline_ms = PG_DEADLINE_MS;
	pg->tail = &pg->first;
	pg->lost_tail = &pg->lost;
	pg->retry = loop_timer_new(loop, on_retry, pg);
	pg->deadline = loop_timer_new(loop, on_deadline, pg);
	pg->lost_soon = loop_timer_new(loop, on_lost_soon, pg);
	return pg;
}

void pg_start(struct pg *pg)
{
	if (pg->phase == PG_DOWN && !loop_timer_armed(pg->retry))
		connect_start(pg);
}

void pg_set_deadline(struct pg *pg, int64_t ms)
{
	pg->deadline_ms = ms;
}

bool pg_up(const struct pg *pg)
{
	return pg->phase == PG_READY;
}

void pg_free(struct pg *pg)
{
	if (!pg)
		return;
	disconnect(pg);
	pg->phase = PG_DOWN; /* a batch sent by a callback of lose_all() is lost too */
	pg->state = NULL;
	lose_all(pg);
	loop_timer_free(pg->retry);
	loop_timer_free(pg->deadline);
	loop_timer_free(pg->lost_soon);
	mem_free(pg->ops);
	mem_free(pg->prepared);
	mem_free(pg->name);
	mem_free(pg->conninfo);
	mem_free(pg);
}
