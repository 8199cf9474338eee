/* The command line: global options, options of a command, and error lines. */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

/* A request is one line of at most 1 MiB, and escapes make a text longer. */
enum { WIDTH_MIN = 40, FILE_MAX_BYTES = 700 * 1024 };

struct ctl_globals ctl_globals = { .config = "/etc/hotlined/hotlined.yaml" };

void ctl_error(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("hotlinectl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The value of option i: after its '=' or in the next word. NULL after an error text. */
static const char *value_of(int argc, char **argv, int *i, size_t name_len)
{
	if (argv[*i][name_len] == '=')
		return argv[*i] + name_len + 1;
	if (*i + 1 < argc)
		return argv[++*i];
	ctl_error("%s needs a value", argv[*i]);
	return NULL;
}

static const struct ctl_option *find_option(const struct ctl_option *options, const char *word)
{
	size_t len = strcspn(word, "=");

	for (; options->name != NULL; options++)
		if (strlen(options->name) == len && strncmp(options->name, word, len) == 0)
			return options;
	return NULL;
}

static bool take_option(int argc, char **argv, int *i, const struct ctl_option *options)
{
	const struct ctl_option *o = find_option(options, argv[*i]);
	const char *value;

	if (o == NULL) {
		ctl_error("%.60s is not an option of this command", argv[*i]);
		return false;
	}
	if (o->flag != NULL) {
		if (strchr(argv[*i], '=') != NULL) {
			ctl_error("%s takes no value", o->name);
			return false;
		}
		*o->flag = true;
		return true;
	}
	value = value_of(argc, argv, i, strlen(o->name));
	if (value == NULL)
		return false;
	*o->text = value;
	return true;
}

static bool all_given(const struct ctl_option *options)
{
	for (; options->name != NULL; options++) {
		if (!options->required || (*options->text != NULL && **options->text != '\0'))
			continue;
		ctl_error("%s is needed", options->name);
		return false;
	}
	return true;
}

bool ctl_parse(int argc, char **argv, int first, const struct ctl_option *options,
	       const char **words, int least, int most)
{
	bool more = true;
	int n = 0;

	for (int i = first; i < argc; i++) {
		if (more && strcmp(argv[i], "--") == 0) {
			more = false;
		} else if (more && strncmp(argv[i], "--", 2) == 0) {
			if (!take_option(argc, argv, &i, options))
				return false;
		} else if (n < most) {
			words[n++] = argv[i];
		} else {
			ctl_error("too many words");
			return false;
		}
	}
	if (n < least) {
		ctl_error("something is missing");
		return false;
	}
	return all_given(options);
}

static void look_at_terminal(void)
{
	struct winsize ws;
	const char *no_colour = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO))
		return;
	ctl_globals.colour = no_colour == NULL || no_colour[0] == '\0';
	ctl_globals.width = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		ctl_globals.width = ws.ws_col < WIDTH_MIN ? WIDTH_MIN : ws.ws_col;
}

int ctl_take_globals(int argc, char **argv, bool *help, bool *version)
{
	const struct ctl_option options[] = {
		{ "--config", &ctl_globals.config, NULL, false },
		{ "--socket", &ctl_globals.socket, NULL, false },
		{ "--json", NULL, &ctl_globals.json, false },
		{ "--help", NULL, help, false },
		{ "-h", NULL, help, false },
		{ "--version", NULL, version, false },
		{ NULL, NULL, NULL, false },
	};
	const char *config = getenv("HOTLINED_CONFIG");
	int n = 1;

	if (config != NULL && config[0] != '\0')
		ctl_globals.config = config;
	look_at_terminal();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[n++] = argv[i++];
		} else if (find_option(options, argv[i]) == NULL) {
			argv[n++] = argv[i];
		} else if (!take_option(argc, argv, &i, options)) {
			return -1;
		}
	}
	argv[n] = NULL;
	return n;
}

void ctl_mask_number(const char *number, char out[24])
{
	size_t len = strlen(number);

	if (len < 8 || len > 22) {
		snprintf(out, 24, "***");
		return;
	}
	memset(out, '*', len);
	memcpy(out, number, 4);
	memcpy(out + len - 2, number + len - 2, 2);
	out[len] = '\0';
}

bool ctl_read_from(const char *from, char out[64])
{
	size_t len;

	if (strcmp(from, "-") != 0) {
		if (snprintf(out, 64, "%s", from) < 64)
			return true;
	} else if (fgets(out, 64, stdin) != NULL) {
		len = strcspn(out, "\r\n");
		if (len > 0 && len < 63) {
			out[len] = '\0';
			return true;
		}
	}
	ctl_error("--from needs a phone number%s",
		  strcmp(from, "-") == 0 ? " on the first line of standard input" : "");
	return false;
}

char *ctl_read_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	char *text;
	size_t len;

	if (file == NULL) {
		ctl_error("%s: cannot be opened", path);
		return NULL;
	}
	text = mem_alloc(FILE_MAX_BYTES + 1);
	len = fread(text, 1, FILE_MAX_BYTES + 1, file);
	fclose(file);
	if (len <= FILE_MAX_BYTES && memchr(text, '\0', len) == NULL) {
		text[len] = '\0';
		return text;
	}
	ctl_error("%s: a text of at most %d KiB is expected", path, FILE_MAX_BYTES / 1024);
	mem_free(text);
	return NULL;
}
