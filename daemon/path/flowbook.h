/* The flow versions this daemon knows: the current one, and every older one that a conversation may
 * still be pinned to. A version is a whole pack. Each that was ever current is kept as one file named by
 * its hash; HASH.retired beside it says that it was taken back. */
#ifndef PATH_FLOWBOOK_H
#define PATH_FLOWBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct flowbook;

/* flows_dir: where authors keep their pack (tests.yaml is no flow). keep_dir: where versions are kept. On
 * a fault returns NULL and puts the findings, a line each, into error. */
struct flowbook *flowbook_open(const char *flows_dir, const char *keep_dir, char *error, size_t error_size);
void flowbook_close(struct flowbook *book);
/* Reads the authors' folder again. A bad file changes nothing: false, and error says why. */
bool flowbook_reload(struct flowbook *book, char *error, size_t error_size);
/* The version new conversations start with; borrowed, valid until flowbook_close(). */
const struct flow *flowbook_current(const struct flowbook *book);
void flowbook_current_hash(const struct flowbook *book, uint8_t out[32]);
/* The version with this hash, read back from its kept file if need be; NULL if it is unknown. */
const struct flow *flowbook_find(struct flowbook *book, const uint8_t hash[32]);

struct flowbook_version {
	const struct flow *flow; /* borrowed, valid until flowbook_close() */
	bool current, retired;
};

/* Every version that is loaded or kept, the current one first; how many of them fit. */
size_t flowbook_versions(struct flowbook *book, struct flowbook_version *out, size_t max);
/* Takes a version back: its conversations are to end at their next turn. Stays so after a restart, until
 * it becomes current again. False if it is unknown, current, or cannot be marked. */
bool flowbook_retire(struct flowbook *book, const uint8_t hash[32]);
bool flowbook_is_retired(const struct flowbook *book, const uint8_t hash[32]);

#endif
