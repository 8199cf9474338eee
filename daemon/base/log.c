/* Log lines for people and journald: one event a line, secrets never. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024 };

/* journald reads the priority from the prefix <N> (sd-daemon(3)); a terminal gets the word only. */
static const struct {
	const char *prefix;
	const char *word;
} levels[] = {
	[LOG_DEBUG_] = {"<7>", "debug"},
	[LOG_INFO_] = {"<6>", "info "},
	[LOG_WARN_] = {"<4>", "warn "},
	[LOG_ERROR_] = {"<3>", "error"},
};

static enum log_level least = LOG_INFO_;
static bool journal;

void log_setup(enum log_level level)
{
	least = level;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

/* A value that came from outside must not be able to start a line of its own or to steer a terminal. */
static void make_printable(char *line)
{
	for (; *line; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}

void log_at(enum log_level level, const char *subject, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	int used;
	va_list args;

	if (level < least)
		return;
	used = snprintf(line, sizeof(line), "%s ", subject);
	if (used < 0 || (size_t)used >= sizeof(line))
		return;
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	va_end(args);
	make_printable(line);
	fprintf(stderr, "%s%s %s\n", journal ? levels[level].prefix : "", levels[level].word, line);
}

void fatal(int status, const char *format, ...)
{
	va_list args;

	fputs("hotlined: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}
