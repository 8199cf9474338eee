/* PostgreSQL over one asynchronous libpq connection in pipeline mode. The only user of libpq, with
 * migrate.c. A batch is the statements up to a Sync: one transaction, all or nothing. Reconnects by
 * itself with jittered back-off; nothing blocks the loop. */
#ifndef STORE_PG_H
#define STORE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct pg;
struct pg_batch;

enum pg_outcome {
	PG_OK,      /* committed */
	PG_FAILED,  /* rolled back by an error of a statement: run its rows one by one, or give up */
	PG_LOST     /* connection lost: may or may not have been committed; send the same ids again */
};

enum { PG_PARAMS_MAX = 40 };

/* A statement: prepared by name on each connection before its first use. */
struct pg_statement {
	const char *name; /* unique, stable */
	const char *sql;
};

/* Parameters, in order, text or binary (bytea), built by pg_put_*; NULL allowed. */
struct pg_params;
struct pg_params *pg_params_new(void);
void pg_params_free(struct pg_params *p);
/* NULL = SQL NULL; copied. The server refuses a whole transaction for one octet that is not UTF-8, so such
 * an octet becomes U+FFFD. */
void pg_put_text(struct pg_params *p, const char *text);
void pg_put_bytes(struct pg_params *p, const void *bytes, size_t len); /* bytea; copied; NULL = SQL NULL */
void pg_put_int(struct pg_params *p, int64_t v);
void pg_put_bool(struct pg_params *p, bool v);
void pg_put_uuid(struct pg_params *p, const uint8_t id[16]);

/* Rows of one statement, borrowed for the callback. Values are text format unless the column is bytea
 * (decoded by pg_get_bytes). */
struct pg_result;
int pg_rows(const struct pg_result *r);
bool pg_is_null(const struct pg_result *r, int row, int column);
const char *pg_get(const struct pg_result *r, int row, int column); /* "" for NULL */
int64_t pg_get_int(const struct pg_result *r, int row, int column);
/* Decodes bytea (hex output) into out, at most size bytes; returns the length, 0 for NULL. */
size_t pg_get_bytes(const struct pg_result *r, int row, int column, void *out, size_t size);
/* The same into a new allocation; *len set; NULL for SQL NULL. */
uint8_t *pg_get_bytes_dup(const struct pg_result *r, int row, int column, size_t *len);
bool pg_get_uuid(const struct pg_result *r, int row, int column, uint8_t id[16]);

typedef void pg_row_fn(void *arg, const struct pg_result *r); /* after each statement that succeeded */
/* Exactly once for each batch, in the order sent, never from inside pg_batch_send(). The row callbacks of a
 * batch come before it is known to be committed: act on them here only when PG_OK. `error` is NULL when
 * PG_OK: SQLSTATE, primary message, constraint; never parameter values. */
typedef void pg_done_fn(void *arg, enum pg_outcome outcome, const char *error);
/* True if an error text of ours blames the values (SQLSTATE classes 22 and 23): the same statement fails
 * again. Anything else is trouble of the server. */
bool pg_error_is_data(const char *error);
typedef void pg_state_fn(void *arg, bool up);

/* conninfo: a libpq connection string; a host name is looked up synchronously, so prefer a socket folder
 * or hostaddr. Sets SIGPIPE to be ignored. state is called at each change; may be NULL. */
struct pg *pg_new(struct loop *loop, const char *name, const char *conninfo, pg_state_fn *state, void *arg);
void pg_start(struct pg *pg);
/* How long the server may owe an answer before the connection counts as lost; 10,000 ms unless set. */
void pg_set_deadline(struct pg *pg, int64_t ms);
bool pg_up(const struct pg *pg);
/* Completes every batch in flight with PG_LOST. Never from one of its own callbacks. */
void pg_free(struct pg *pg);

struct pg_batch *pg_batch_new(struct pg *pg);
/* row may be NULL. Takes ownership of params (NULL = none). */
void pg_batch_add(struct pg_batch *b, const struct pg_statement *st, struct pg_params *params,
                  pg_row_fn *row, void *arg);
/* Sends the batch; consumed. With the connection down it completes with PG_LOST in the next turn. */
void pg_batch_send(struct pg_batch *b, pg_done_fn *done, void *arg);
/* One statement as one transaction. */
void pg_exec(struct pg *pg, const struct pg_statement *st, struct pg_params *params, pg_row_fn *row,
             pg_done_fn *done, void *arg);

/* ---- migrations (synchronous; hotlinectl db migrate, and tests) ---- */

struct pg_migration { int number; const char *name; const char *sql; };
extern const struct pg_migration pg_migrations[]; /* generated from daemon/schema/NNN_name.sql; ends with sql NULL */
/* Applies what is missing, each in its own transaction, under an advisory transaction lock. say gets one line per step. */
bool pg_migrate(const char *conninfo, void (*say)(const char *line), char *error, size_t error_size);
/* Waits until the server answers or refuses (synchronous; hotlined --check). */
bool pg_check(const char *conninfo, char *error, size_t error_size);
/* Number of the newest migration this build knows. */
int pg_schema_version(void);

#endif
