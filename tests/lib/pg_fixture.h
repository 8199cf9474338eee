/* A private PostgreSQL for tests: own folder, unix socket only, no fsync, gone when the test ends. */
#ifndef TESTS_PG_FIXTURE_H
#define TESTS_PG_FIXTURE_H

#include <libpq-fe.h>

/* Starts the server (as an unprivileged user when the test runs as root). Looks for the programs in
 * $HOTLINED_PG_BIN, then /usr/lib/postgresql/<newest>/bin, then $PATH. Ends the test program with a
 * message when that fails. Stopped by itself at exit. */
void pg_fixture_start(void);
/* A connection string for database `name`; borrowed until the next call. */
const char *pg_fixture_conninfo(const char *name);
/* Makes database `name` with the whole schema (from a template that is migrated once). */
void pg_fixture_database(const char *name);
/* Stops the server at once and starts it again on the same data. */
void pg_fixture_restart(void);
/* Stops (SIGSTOP) and continues the server process that serves one connection. */
void pg_fixture_freeze(int backend_pid, int frozen);

/* Synchronous helpers. An error of the server ends the test program with its text. */
PGconn *pg_fixture_connect(const char *name);
/* First column of the first row, "" for NULL or no row. Borrowed; eight results are kept. */
const char *pg_fixture_sql(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The SQLSTATE that the statement fails with, "00000" if it does not fail. Borrowed as above. */
const char *pg_fixture_error(PGconn *conn, const char *sql);

#endif
