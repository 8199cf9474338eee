/* A USSD screen as a small handset shows it. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/ctl.h"

enum { INSIDE = 28 }; /* columns of text: a cheap handset's */

static void edge(const char *left, const char *right)
{
	printf("  %s", left);
	for (int i = 0; i < INSIDE + 2; i++)
		fputs("\xe2\x94\x80", stdout);
	printf("%s\n", right);
}

static void row(const char *text)
{
	printf("  \xe2\x94\x82 %s%*s \xe2\x94\x82\n", text, INSIDE - (int)ctl_width(text), "");
}

void ctl_screen(const char *code, const char *text, bool more)
{
	char *clean = ctl_clean(text, false);
	const char *next = clean;

	edge("\xe2\x95\xad", "\xe2\x95\xae");
	row(code);
	edge("\xe2\x94\x9c", "\xe2\x94\xa4");
	while (*next) {
		const char *line = next;
		char *one = mem_strndup(line, ctl_wrap(line, INSIDE, &next));

		row(one);
		mem_free(one);
	}
	if (more)
		row("____________________________");
	edge("\xe2\x94\x9c", "\xe2\x94\xa4");
	row(more ? "Cancel                  Send" : "             OK             ");
	edge("\xe2\x95\xb0", "\xe2\x95\xaf");
	fflush(stdout);
	mem_free(clean);
}
