/* Writes what was played in the terminal as a test beside the flow. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/talk.h"

/* In double quotes: YAML reads JSON strings. */
static void put_quoted(struct buf *out, const char *text)
{
	json_t *json = json_string(text);
	char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	buf_printf(out, "%s", quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(json);
}

static void put_what(struct buf *out, const struct talk_step *step)
{
	if (step->kind == FLOW_EV_TIMER) {
		if (step->wait_ms % 1000)
			buf_printf(out, "wait: %lldms", (long long)step->wait_ms);
		else if (step->wait_ms % 3600000)
			buf_printf(out, "wait: %llds", (long long)(step->wait_ms / 1000));
		else
			buf_printf(out, "wait: %lldh", (long long)(step->wait_ms / 3600000));
	} else if (step->kind == FLOW_EV_TEXT) {
		buf_printf(out, "in: ");
		put_quoted(out, step->text);
	} else {
		buf_printf(out, "event: %s", step->kind == FLOW_EV_USSD_BEGIN ? "ussd begin"
		                             : step->kind == FLOW_EV_USSD_END ? "ussd end"
		                                                              : "retire");
	}
}

/* Its first line is enough to tell the reply; one that holds the reporter's own words is still theirs. */
static void put_says(struct buf *out, const char *reply)
{
	char *line = reply ? mem_strndup(reply, strcspn(reply, "\n")) : mem_strdup("");

	buf_printf(out, ", says: ");
	put_quoted(out, line);
	mem_free(line);
}

static void put_step(struct buf *out, const struct talk_step *step)
{
	buf_printf(out, "    - {");
	put_what(out, step);
	buf_printf(out, ", at: %s, effects: [%s]", step->at, step->effects);
	put_says(out, step->reply);
	buf_printf(out, "}\n");
}

static void put_report(struct buf *out, const struct talk *talk)
{
	static const char *const safe_names[] = {"unknown", "\"no\"", "\"yes\""};
	struct flow_report report;

	flow_report(talk->flow, talk->state, &report);
	if (report.answer_count)
		buf_printf(out, "  saved:\n");
	for (size_t i = 0; i < report.answer_count; i++) {
		buf_printf(out, "    %s: ", report.answers[i].name);
		put_quoted(out, report.answers[i].value);
		buf_printf(out, "\n");
	}
	buf_printf(out, "  report: {urgency: %s, kind: %s, partial: \"%s\", safe: %s, lang: %s, silent: \"%s\"}\n",
	           urgency_name(report.urgency), report.kind, report.partial ? "yes" : "no",
	           safe_names[report.safe_contact + 1], report.lang,
	           flow_state_silent(talk->state) ? "yes" : "no");
	flow_report_fini(&report);
}

static void put_test(struct buf *out, const struct talk *talk, const char *name)
{
	buf_printf(out, "- test: ");
	put_quoted(out, name);
	buf_printf(out, "\n  from: %s\n", talk->began_ussd ? "ussd" : "sms");
	if (talk->role)
		buf_printf(out, "  role: %s\n", talk->role);
	if (talk->lang)
		buf_printf(out, "  lang: %s\n", talk->lang);
	buf_printf(out, "  play:\n");
	for (size_t i = 0; i < talk->count; i++)
		put_step(out, &talk->steps[i]);
	put_report(out, talk);
}

/* tests.yaml of the folder, or of the folder in which the file lies. */
static char *tests_path(const char *place)
{
	const char *slash = strrchr(place, '/');
	struct stat status;

	if (!stat(place, &status) && S_ISDIR(status.st_mode))
		return mem_printf("%s/tests.yaml", place);
	return slash ? mem_printf("%.*s/tests.yaml", (int)(slash - place), place)
	             : mem_strdup("tests.yaml");
}

bool talk_save(const struct talk *talk, const char *name)
{
	char *path = tests_path(talk->place);
	FILE *file = fopen(path, "ae");
	struct buf out = {0};
	bool ok;

	if (file && !fseek(file, 0, SEEK_END) && ftell(file) > 0)
		buf_printf(&out, "\n");
	put_test(&out, talk, name);
	ok = file && fwrite(out.data, 1, out.len, file) == out.len;
	ok = file && !fclose(file) && ok;
	if (ok)
		printf("%s: written\n", path);
	else
		ctl_error("%s: cannot be written: %s", path, strerror(errno));
	buf_free(&out);
	mem_free(path);
	return ok;
}
