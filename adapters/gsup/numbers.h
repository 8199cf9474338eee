/* Whose number an IMSI is, asked of the HLR's control interface (CTRL over IPA) and kept for a while. A phone that
 * dials must never wait for it long: without an answer in time the caller goes on without a number.
 * Source: OsmoHLR user manual, chapter "Control interface": subscriber.by-imsi-*.msisdn. */
#ifndef ADAPTERS_GSUP_NUMBERS_H
#define ADAPTERS_GSUP_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct numbers;

enum { NUMBERS_MAX = 20000, NUMBERS_DIGITS = 16 }; /* IMSIs kept; size of a number, with its NUL */

/* Strings are borrowed; durations in milliseconds. */
struct numbers_conf {
	const char *name;  /* for the log */
	const char *host;  /* NULL: nothing to ask, every answer is "" */
	uint16_t port;
	int64_t wait_ms;   /* for an answer */
	int64_t keep_ms;   /* how long a number is good */
	int64_t keep_none_ms; /* and the knowledge that there is none to be had */
	int64_t connect_ms, retry_ms, retry_max_ms;
};

/* number: digits as the HLR has them; "" if there is none to be had. Called exactly once for each question, maybe
 * before numbers_ask() returns; for one IMSI in the order of the questions. */
typedef void numbers_fn(void *arg, const char *number);

struct numbers *numbers_new(struct loop *loop, const struct numbers_conf *conf);
void numbers_free(struct numbers *numbers); /* answers what is open with "" */
void numbers_start(struct numbers *numbers);
/* again: ask anew if what is known is old; otherwise anything known will do, so that one dialogue has one sender. */
void numbers_ask(struct numbers *numbers, const char *imsi, bool again, numbers_fn *fn, void *arg);
size_t numbers_count(const struct numbers *numbers); /* IMSIs kept */

#endif
