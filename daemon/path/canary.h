/* A text that goes out over a carrier and must come back: silence of a carrier that still says it is bound
 * is found in minutes, not when somebody complains. Two lost in a row are an alarm. */
#ifndef PATH_CANARY_H
#define PATH_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"

struct canary;
struct conf;
struct hotline;
struct yaml_node;

/* The `canary:` of each link: {to: NUMBER, every: 5min, expect: text|receipt}. On a fault NULL and
 * "file:line:column: text". */
struct canary *canary_new(struct hotline *h, char *error, size_t error_size);
void canary_free(struct canary *canary);
void canary_start(struct canary *canary);
/* Checks the canaries of another configuration, and goes over to its links. */
bool canary_check(const struct conf *conf, char *error, size_t error_size);
void canary_reload(struct canary *canary, const struct yaml_node *links);

/* True if this delivery is one of ours come back: it is no message of anybody. */
bool canary_came(struct canary *canary, const struct inbound *in);
/* The same for a receipt, whose reference carries the carrier's name. */
bool canary_receipt(struct canary *canary, const struct receipt *receipt);

enum { CANARY_ALARM = 2 }; /* misses in a row */

struct canary_status {
	bool watched;       /* the link has one */
	unsigned misses;    /* in a row; an alarm from CANARY_ALARM on */
	int64_t came_us;    /* wall time of the last that came back; 0 = none yet */
	uint64_t lost;      /* since the start */
};
void canary_status(const struct canary *canary, const char *link, struct canary_status *status);

#endif
