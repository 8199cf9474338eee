/* Reads a dialogue file. */
#include "dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/charset.h"

enum { REF_BITS = 8, REF = 77 };

static void add_turn(struct dialogue *d, const char *text)
{
	struct dialogue_turn *turn = &d->turns[d->count++];
	struct charset_parts parts;

	charset_split(text, ALPHABET_GSM7, REF_BITS, DIALOGUE_PARTS_MAX, &parts);
	turn->ucs2 = parts.ucs2;
	turn->part_count = parts.count;
	for (unsigned i = 0; i < parts.count; i++) {
		size_t start = i ? parts.end[i - 1] : 0;
		struct buf body = {0};

		if (parts.count > 1)
			charset_udh_write(&body, REF_BITS, REF, (uint8_t)parts.count, (uint8_t)(i + 1));
		buf_put(&body, parts.octets.data + start, parts.end[i] - start);
		turn->parts[i].octets = body.data;
		turn->parts[i].len = body.len;
	}
	charset_parts_free(&parts);
}

/* NULL, or what is wrong with the line. */
static const char *take_line(struct dialogue *d, const char *line)
{
	if (line[0] == '#' || line[0] == '\0')
		return NULL;
	if ((line[0] != '>' && line[0] != '<') || line[1] != ' ' || !line[2])
		return "expected '> text', '< words' or '# remark'";
	if (line[0] == '>') {
		if (d->count == DIALOGUE_TURNS_MAX)
			return "too many turns";
		add_turn(d, line + 2);
		return NULL;
	}
	if (d->count == 0 || d->turns[d->count - 1].expect)
		return "one '<' line may follow each '>' line";
	d->turns[d->count - 1].expect = mem_strdup(line + 2);
	return NULL;
}

bool dialogue_read(const char *path, struct dialogue *d, char *error, size_t error_size)
{
	FILE *f = fopen(path, "re");
	const char *fault = NULL;
	unsigned number = 0;
	char line[2048];

	memset(d, 0, sizeof(*d));
	if (!f) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	while (!fault && fgets(line, sizeof(line), f)) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		fault = take_line(d, line);
	}
	fclose(f);
	if (!fault && d->count == 0)
		fault = "the dialogue is empty";
	if (!fault)
		return true;
	snprintf(error, error_size, "%s:%u: %s", path, number, fault);
	dialogue_free(d);
	return false;
}

void dialogue_free(struct dialogue *d)
{
	for (unsigned i = 0; i < d->count; i++) {
		for (unsigned p = 0; p < d->turns[i].part_count; p++)
			mem_free(d->turns[i].parts[p].octets);
		mem_free(d->turns[i].expect);
	}
	memset(d, 0, sizeof(*d));
}
