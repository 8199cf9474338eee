/* A private PostgreSQL for tests: see the header. */
#include "tests/lib/pg_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/pg.h"

enum { NOBODY = 65534, KEPT = 8, RESULT_MAX = 4096 };

static char bin[256], dir[128];
static pid_t server = -1;
static pid_t owner; /* the process that cleans up; not its forked children */
static bool have_template;

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pg_fixture: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(99);
}

static bool find_bin(const char *candidate)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/postgres", candidate);
	if (access(path, X_OK) != 0)
		return false;
	snprintf(bin, sizeof(bin), "%s", candidate);
	return true;
}

static void find_programs(void)
{
	const char *set = getenv("HOTLINED_PG_BIN");
	char path[4096];
	glob_t found;

	if (set && find_bin(set))
		return;
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
		bool ok = find_bin(found.gl_pathv[found.gl_pathc - 1]);

		globfree(&found);
		if (ok)
			return;
	}
	snprintf(path, sizeof(path), "%s", getenv("PATH") ? getenv("PATH") : "");
	for (char *save, *d = strtok_r(path, ":", &save); d; d = strtok_r(NULL, ":", &save))
		if (find_bin(d))
			return;
	give_up("no PostgreSQL server programs: apt-get install postgresql-15, or set HOTLINED_PG_BIN");
}

/* Child side: PostgreSQL refuses to run as root. */
static void become_unprivileged(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		_exit(126);
}

static pid_t spawn(const char *program, char *argv[])
{
	char path[300], log[160];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", bin, program);
	snprintf(log, sizeof(log), "%s/log", dir);
	pid = fork();
	if (pid < 0)
		give_up("fork failed");
	if (pid > 0)
		return pid;
	become_unprivileged();
	prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after setuid, which clears it */
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || chdir(dir) != 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	setenv("LC_ALL", "C", 1);
	argv[0] = path; /* the programs look for each other beside it */
	execv(path, argv);
	_exit(127);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static void stop_server(int signal_number)
{
	if (server <= 0)
		return;
	kill(server, signal_number);
	waitpid(server, NULL, 0);
	server = -1;
}

static void clean_up(void)
{
	if (getpid() != owner)
		return;
	stop_server(SIGQUIT);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void start_server(void)
{
	char data[160], sockets[200];

	snprintf(data, sizeof(data), "%s/data", dir);
	snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", dir);
	char *argv[] = { "postgres", "-D", data, "-c", "listen_addresses=", "-c", sockets, "-c", "fsync=off",
	                 "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", NULL };

	server = spawn("postgres", argv);
	for (int i = 0; i < 1000; i++) {
		if (PQping(pg_fixture_conninfo("postgres")) == PQPING_OK)
			return;
		if (waitpid(server, NULL, WNOHANG) == server)
			break;
		usleep(10000);
	}
	give_up("the server did not start");
}

void pg_fixture_start(void)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char data[160];
	int status;

	if (server > 0)
		return;
	find_programs();
	snprintf(dir, sizeof(dir), "%.90s/hl-pg-XXXXXX", tmp);
	if (!mkdtemp(dir) || (geteuid() == 0 && chown(dir, NOBODY, NOBODY) != 0))
		give_up("no folder in %s", tmp);
	owner = getpid();
	atexit(clean_up);
	snprintf(data, sizeof(data), "%s/data", dir);
	char *argv[] = { "initdb", "-D", data, "-U", "hotlined", "-A", "trust", "-N", "-E", "UTF8",
	                 "--locale=C", NULL };
	pid_t pid = spawn("initdb", argv);

	if (waitpid(pid, &status, 0) != pid || status != 0)
		give_up("initdb failed");
	start_server();
}

void pg_fixture_restart(void)
{
	stop_server(SIGQUIT);
	start_server();
}

void pg_fixture_freeze(int backend_pid, int frozen)
{
	kill(backend_pid, frozen ? SIGSTOP : SIGCONT);
}

const char *pg_fixture_conninfo(const char *name)
{
	static char text[400];

	snprintf(text, sizeof(text), "host=%s dbname=%s user=hotlined", dir, name);
	return text;
}

PGconn *pg_fixture_connect(const char *name)
{
	PGconn *conn = PQconnectdb(pg_fixture_conninfo(name));

	if (PQstatus(conn) != CONNECTION_OK)
		give_up("%s", PQerrorMessage(conn));
	pg_fixture_sql(conn, "set client_min_messages = warning; set lock_timeout = '5s'");
	return conn;
}

void pg_fixture_database(const char *name)
{
	char error[512];
	PGconn *conn = pg_fixture_connect("postgres");

	if (!have_template) {
		pg_fixture_sql(conn, "create database migrated");
		if (!pg_migrate(pg_fixture_conninfo("migrated"), NULL, error, sizeof(error)))
			give_up("%s", error);
		have_template = true;
	}
	pg_fixture_sql(conn, "create database %s template migrated", name);
	PQfinish(conn);
}

static char *next_result(void)
{
	static char results[KEPT][RESULT_MAX];
	static unsigned turn;

	return results[turn++ % KEPT];
}

const char *pg_fixture_sql(PGconn *conn, const char *format, ...)
{
	char sql[8192];
	char *out = next_result();
	va_list args;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	PGresult *res = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(res);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		give_up("%s\n%s", sql, PQerrorMessage(conn));
	snprintf(out, RESULT_MAX, "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	return out;
}

const char *pg_fixture_error(PGconn *conn, const char *sql)
{
	char *out = next_result();
	PGresult *res = PQexec(conn, sql);
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	snprintf(out, RESULT_MAX, "%s", state ? state : "00000");
	PQclear(res);
	return out;
}
