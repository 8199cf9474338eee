/* db migrate: brings the database to the schema of this version. Needs no daemon. */
#include "ctl/ctl.h"

#include "base/mem.h"
#include "store/pg.h"

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

int cmd_db_migrate(int argc, char **argv)
{
	const struct ctl_option none[] = { { NULL, NULL, NULL, false } };
	enum ctl_exit status = CTL_OK;
	char error[1024] = "";
	char *conninfo;

	if (!ctl_parse(argc, argv, 2, none, NULL, 0, 0))
		return CTL_USAGE;
	conninfo = ctl_setting("postgres", "conninfo", &status);
	if (status != CTL_OK)
		return (int)status;
	if (conninfo == NULL) {
		ctl_error("%s: postgres.conninfo is needed to reach the database", ctl_globals.config);
		return CTL_CONFIG;
	}
	if (!pg_migrate(conninfo, say, error, sizeof error)) {
		ctl_error("db migrate: %s", error);
		status = CTL_UNREACHABLE;
	}
	mem_free(conninfo);
	return (int)status;
}
