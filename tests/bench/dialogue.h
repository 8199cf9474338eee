/* What a phone says, turn by turn, and what it expects to hear: read from a file, coded for the air
 * once. */
#ifndef BENCH_DIALOGUE_H
#define BENCH_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIALOGUE_TURNS_MAX = 32, DIALOGUE_PARTS_MAX = 10 };

struct dialogue_turn {
	struct {
		uint8_t *octets; /* owned; with a header before them if there are several parts */
		size_t len;
	} parts[DIALOGUE_PARTS_MAX];
	unsigned part_count;
	bool ucs2;
	char *expect; /* owned: must occur in the reply; NULL: any reply will do */
};

struct dialogue {
	struct dialogue_turn turns[DIALOGUE_TURNS_MAX];
	unsigned count;
};

/* Lines: "# remark", "> what the phone sends", "< words that its reply must hold". One reply answers
 * each text. False and a text that names the line on a fault. */
bool dialogue_read(const char *path, struct dialogue *d, char *error, size_t error_size);
void dialogue_free(struct dialogue *d);

#endif
