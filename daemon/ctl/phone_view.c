/* How the two phones look: the reporter's bubbles on the left, the officer's on the right. */
#include "ctl/phone.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MAX = 120, MARGIN = 1, FRAME = 4 };

static const char *const names[] = { [PHONE_REPORTER] = "reporter", [PHONE_OFFICER] = "officer" };
static const char *const colours[] = { [PHONE_REPORTER] = "\033[36m", [PHONE_OFFICER] = "\033[33m" };

static const char dim[] = "\033[2m", reverse[] = "\033[7m", plain[] = "\033[0m";

static void colour(const char *code)
{
	if (ctl_globals.colour)
		fputs(code, stdout);
}

static int screen_width(void)
{
	int width = ctl_globals.width > 0 ? ctl_globals.width : WIDTH_DEFAULT;

	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static void time_text(char out[6])
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, 6, "%H:%M", &tm);
}

static void repeat(const char *what, size_t n)
{
	while (n-- > 0)
		fputs(what, stdout);
}

/* Columns of the widest line once wrapped. */
static size_t bubble_width(const char *text, size_t most)
{
	const char *next = text;
	size_t widest = 0;

	while (*next != '\0') {
		const char *line = next;
		size_t len = ctl_wrap(line, most, &next);
		char *one = mem_strndup(line, len);
		size_t width = ctl_width(one);

		widest = width > widest ? width : widest;
		mem_free(one);
	}
	return widest;
}

static void edge(int indent, const char *left, const char *right, size_t width)
{
	printf("%*s%s", indent, "", left);
	repeat("\xe2\x94\x80", width + 2);
	printf("%s\n", right);
}

static void body(int indent, const char *text, size_t width)
{
	const char *next = text;

	while (*next != '\0') {
		const char *line = next;
		size_t len = ctl_wrap(line, width, &next);
		char *one = mem_strndup(line, len);

		printf("%*s\xe2\x94\x82 %s%*s \xe2\x94\x82\n", indent, "", one,
		       (int)(width - ctl_width(one)), "");
		mem_free(one);
	}
}

void phone_show_title(const struct phone *p)
{
	int width = screen_width();
	char *title = mem_printf(" hotlined   reporter %s  |  officer %s  |  /help",
				 p->number[PHONE_REPORTER], p->number[PHONE_OFFICER]);
	char *cut = ctl_cut(title, (size_t)width);

	colour(reverse);
	printf("%s%*s", cut, width - (int)ctl_width(cut), "");
	colour(plain);
	fputs("\n", stdout);
	mem_free(title);
	mem_free(cut);
}

void phone_show_text(const struct phone *p, enum phone_who who, bool outgoing, const char *text)
{
	int half = screen_width() / 2, indent = who == PHONE_OFFICER ? half : MARGIN;
	char *clean = ctl_clean(text, false), now[6];
	size_t width = bubble_width(clean, (size_t)(half - MARGIN - FRAME));

	time_text(now);
	colour(dim);
	printf("%*s%s \xe2\x86\x92 %s  %s\n", indent, "", outgoing ? names[who] : p->hotline,
	       outgoing ? p->hotline : names[who], now);
	colour(plain);
	colour(colours[who]);
	edge(indent, "\xe2\x95\xad", "\xe2\x95\xae", width);
	body(indent, clean, width);
	edge(indent, "\xe2\x95\xb0", "\xe2\x95\xaf", width);
	colour(plain);
	fflush(stdout);
	mem_free(clean);
}

void phone_show_note(const char *text)
{
	colour(dim);
	printf("  (%s)\n", text);
	colour(plain);
	fflush(stdout);
}
