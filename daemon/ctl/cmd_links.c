/* links: how each way to a carrier is doing, orders to one, and a look at what passes over it. */
#include "ctl/ctl.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"

static const char columns[] =
	"name state binds window rate in out throttled refused canary last_error carrier adapter priority";

static const struct ctl_option none[] = { { NULL, NULL, NULL, false } };

int cmd_links(int argc, char **argv)
{
	json_t *rows = NULL;
	enum ctl_exit status;

	if (!ctl_parse(argc, argv, 1, none, NULL, 0, 0))
		return CTL_USAGE;
	status = ctl_call("links", NULL, &rows);
	if (status != CTL_OK)
		return status;
	if (ctl_globals.json)
		ctl_json(stdout, rows);
	else
		ctl_table(stdout, rows, columns, ctl_globals.width);
	json_decref(rows);
	return CTL_OK;
}

/* links pause|resume|drain NAME */
int cmd_links_order(int argc, char **argv)
{
	const char *words[1];
	json_t *link = NULL;
	enum ctl_exit status;

	if (!ctl_parse(argc, argv, 2, none, words, 1, 1))
		return CTL_USAGE;
	status = ctl_call("link-order", json_pack("{s:s,s:s}", "name", words[0], "order", argv[1]), &link);
	if (status != CTL_OK)
		return status;
	link = json_pack("[o]", link);
	if (ctl_globals.json)
		ctl_json(stdout, link);
	else
		ctl_table(stdout, link, columns, ctl_globals.width);
	json_decref(link);
	return CTL_OK;
}

static void print_event(const json_t *event)
{
	const char *way = json_string_value(json_object_get(event, "way"));
	const char *text = json_string_value(json_object_get(event, "text"));
	double at = json_number_value(json_object_get(event, "at"));
	time_t seconds = (time_t)at;
	char clock[16] = "", *line;
	struct tm tm;

	if (!way || !text)
		return;
	if (ctl_globals.json) {
		ctl_json(stdout, event);
		return;
	}
	if (localtime_r(&seconds, &tm))
		strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	line = ctl_clean(text, true);
	printf("%s.%03d %s %s\n", clock, (int)((at - (double)seconds) * 1000), strcmp(way, "out") == 0 ? ">" : "<",
	       line);
	mem_free(line);
}

/* links trace NAME: until interrupted, or the daemon goes. */
int cmd_links_trace(int argc, char **argv)
{
	struct ctl_client *client;
	const char *words[1];
	json_t *data = NULL, *event;
	enum ctl_exit status;

	if (!ctl_parse(argc, argv, 2, none, words, 1, 1))
		return CTL_USAGE;
	client = ctl_connect(false, &status);
	if (!client)
		return status;
	status = ctl_request(client, "link-watch", json_pack("{s:s}", "name", words[0]), &data);
	json_decref(data);
	while (status == CTL_OK) {
		enum ctl_read got = ctl_read(client, 1000, &event);

		if (got == CTL_LINE) {
			print_event(event);
			json_decref(event);
			fflush(stdout);
		} else if (got != CTL_TIMEOUT) {
			ctl_error("the daemon is gone");
			status = CTL_UNREACHABLE;
		}
	}
	ctl_close(client);
	return status;
}
