/* Applies the embedded schema migrations, each in a transaction of its own. Synchronous: for
 * `hotlinectl db migrate` and tests, never on the daemon's loop. */
#include "store/pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any constant that nobody else locks; the two callers that race wait for each other. */
#define LOCK_SQL "select pg_advisory_xact_lock(7446543210001)"

static const char table_sql[] =
	"create table if not exists schema_migrations (number int primary key, name text not null,"
	" applied_at timestamptz not null default now())";

/* Line of the character the server points at (1-based), or 0. */
static unsigned error_line(const PGresult *res, const char *sql)
{
	const char *position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
	long chars = position ? strtol(position, NULL, 10) : 0;
	unsigned line = 1;

	if (chars < 1)
		return 0;
	/* Positions count characters: continuation bytes of UTF-8 do not count. */
	for (; *sql && chars > 1; sql++) {
		line += *sql == '\n';
		chars -= ((unsigned char)sql[1] & 0xC0) != 0x80;
	}
	return line;
}

static bool run(PGconn *conn, const char *what, const char *sql, char *error, size_t error_size)
{
	PGresult *res = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(res);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	unsigned line = ok ? 0 : error_line(res, sql);

	if (!ok && line > 0)
		snprintf(error, error_size, "%s: line %u: %s: %s", what, line, state ? state : "-",
		         message ? message : PQerrorMessage(conn));
	else if (!ok)
		snprintf(error, error_size, "%s: %s: %s", what, state ? state : "-",
		         message ? message : PQerrorMessage(conn));
	PQclear(res);
	return ok;
}

/* Newest number applied, 0 for none, -1 on error. */
static int newest_applied(PGconn *conn, char *error, size_t error_size)
{
	PGresult *res = PQexec(conn, "select coalesce(max(number), 0) from schema_migrations");
	int number = -1;

	if (PQresultStatus(res) == PGRES_TUPLES_OK)
		number = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
	else
		snprintf(error, error_size, "schema_migrations: %s", PQerrorMessage(conn));
	PQclear(res);
	return number;
}

static bool record(PGconn *conn, const struct pg_migration *m, char *error, size_t error_size)
{
	char number[16];
	const char *values[] = { number, m->name };

	snprintf(number, sizeof(number), "%d", m->number);
	PGresult *res = PQexecParams(conn, "insert into schema_migrations (number, name) values ($1, $2)", 2,
	                             NULL, values, NULL, NULL, 0);
	bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

	if (!ok)
		snprintf(error, error_size, "%s: schema_migrations: %s", m->name, PQerrorMessage(conn));
	PQclear(res);
	return ok;
}

enum applied { APPLIED, ALREADY, APPLY_FAILED };

/* Runs one migration unless it, or a newer one, is there. Begin and lock come first, so that two callers
 * never apply the same one. */
static enum applied apply(PGconn *conn, const struct pg_migration *m, char *error, size_t error_size)
{
	int have = -1;

	if (run(conn, m->name, "begin", error, error_size) && run(conn, m->name, LOCK_SQL, error, error_size))
		have = newest_applied(conn, error, error_size);
	if (have >= m->number) {
		PQclear(PQexec(conn, "rollback"));
		return ALREADY;
	}
	if (have >= 0 && run(conn, m->name, m->sql, error, error_size)
	    && record(conn, m, error, error_size) && run(conn, m->name, "commit", error, error_size))
		return APPLIED;
	PQclear(PQexec(conn, "rollback"));
	return APPLY_FAILED;
}

static void silent_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static bool make_table(PGconn *conn, char *error, size_t error_size)
{
	if (run(conn, "schema_migrations", "begin", error, error_size)
	    && run(conn, "schema_migrations", LOCK_SQL, error, error_size)
	    && run(conn, "schema_migrations", table_sql, error, error_size)
	    && run(conn, "schema_migrations", "commit", error, error_size))
		return true;
	PQclear(PQexec(conn, "rollback"));
	return false;
}

/* A database of a newer build is left alone. */
static bool check_not_newer(PGconn *conn, char *error, size_t error_size)
{
	int have = newest_applied(conn, error, error_size);

	if (have > pg_schema_version())
		snprintf(error, error_size, "the database is at schema %d, this build knows %d: install the "
		         "newer hotlined", have, pg_schema_version());
	return have >= 0 && have <= pg_schema_version();
}

static bool apply_all(PGconn *conn, void (*say)(const char *), char *error, size_t error_size)
{
	char line[128];

	for (const struct pg_migration *m = pg_migrations; m->sql; m++) {
		enum applied done = apply(conn, m, error, error_size);

		if (done == APPLY_FAILED)
			return false;
		snprintf(line, sizeof(line), "%s: %s", m->name, done == APPLIED ? "applied" : "already there");
		if (say)
			say(line);
	}
	return true;
}

bool pg_migrate(const char *conninfo, void (*say)(const char *line), char *error, size_t error_size)
{
	const char *keys[] = { "dbname", "fallback_application_name", "connect_timeout", NULL };
	const char *values[] = { conninfo, "hotlinectl db migrate", "10", NULL };
	PGconn *conn = PQconnectdbParams(keys, values, 1);
	bool ok = false;

	if (PQstatus(conn) != CONNECTION_OK)
		snprintf(error, error_size, "%s", PQerrorMessage(conn));
	else {
		PQsetNoticeReceiver(conn, silent_notice, NULL);
		ok = make_table(conn, error, error_size) && check_not_newer(conn, error, error_size)
		     && apply_all(conn, say, error, error_size);
	}
	PQfinish(conn);
	return ok;
}

int pg_schema_version(void)
{
	int newest = 0;

	for (const struct pg_migration *m = pg_migrations; m->sql; m++)
		newest = m->number;
	return newest;
}

bool pg_check(const char *conninfo, char *error, size_t error_size)
{
	PGconn *conn = PQconnectdb(conninfo);
	bool ok = PQstatus(conn) == CONNECTION_OK;
	const char *why = PQerrorMessage(conn);

	if (!ok)
		snprintf(error, error_size, "%.*s", (int)strcspn(why, "\n"), why);
	PQfinish(conn);
	return ok;
}
