/* The roster in memory: who there is, how they are reached, and who is on call at any time. Read from
 * PostgreSQL when its version changes; while PostgreSQL is away the last one goes on. On call itself is
 * core/rota.h: nothing about "now" is kept here. */
#ifndef PATH_DUTY_H
#define PATH_DUTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/roster.h"

struct duty;
struct hotline;

enum { DUTY_TAG_MAX = 24, DUTY_KEY_LEN = 16 };

/* An officer as the database has them. All owned by the duty. */
struct duty_officer {
	uint8_t id[16];
	uint8_t key[DUTY_KEY_LEN];  /* keyed hash of the roster's id */
	bool has_key;
	char tag[DUTY_TAG_MAX];     /* "officer-3" */
	bool disabled;
	struct roster_person person;/* name, methods and teams, opened; id is "" */
	uint8_t idx[ROSTER_METHODS][16];
};

struct duty *duty_new(struct hotline *h);
void duty_free(struct duty *d);
void duty_start(struct duty *d); /* loads the roster and keeps it fresh */

/* Loads the newest roster now; done(arg, false) if it could not be read: what was known stays. */
typedef void duty_loaded_fn(void *arg, bool ok);
void duty_load(struct duty *d, duty_loaded_fn *done, void *arg);

/* Version of the roster in memory, 0 = an empty one, -1 = none was read yet. */
int duty_version(const struct duty *d);
/* Teams and schedules; borrowed until the next load. People in them: duty_of(). */
const struct roster *duty_roster(const struct duty *d);
size_t duty_officers(const struct duty *d, const struct duty_officer **out);
/* The officer a person of duty_roster() is; NULL: unknown. */
const struct duty_officer *duty_of(const struct duty *d, int person);
const struct duty_officer *duty_find_key(const struct duty *d, const uint8_t key[DUTY_KEY_LEN]);
const struct duty_officer *duty_find_number(const struct duty *d, const char *number);
/* The officer of exactly this id of the roster, or of this tag ("officer-3"); NULL: none. */
const struct duty_officer *duty_find_id(const struct duty *d, const char *id);
/* The officer whom somebody means in a text, by folded words: an id ("lan", "to truc" for to-truc), a tag
 * ("officer 3"), a name or its last word. NULL: none, or more than one. */
const struct duty_officer *duty_find_words(const struct duty *d, const char *words);
/* The keyed hash of an officer's id. */
void duty_key(const struct hotline *h, const char *id, uint8_t out[DUTY_KEY_LEN]);
/* The keyed hash under which a method's address is found, and its channel. */
void duty_address_key(const struct hotline *h, const char *address, uint8_t out[DUTY_KEY_LEN]);

/* Who is on call for each schedule at an instant, as PostgreSQL takes it: {"duty": ["<officer>", ...]}.
 * The caller's to mem_free(); NULL while no roster has been read. */
char *duty_at(const struct duty *d, int64_t utc);

#endif
