/* Notices to officers: leases what is due in PostgreSQL, gives each its six-digit code, hands it to the
 * outbox and records what became of it. At least once: a lease that runs out is sent again under the
 * same id with the same code. */
#ifndef PATH_ALERT_H
#define PATH_ALERT_H

#include <stdint.h>

struct alert;
struct hotline;
struct receipt;
struct vault;

enum { ALERT_CODE_LEN = 6, ALERT_HASH_LEN = 16 };

struct alert *alert_new(struct hotline *h);
void alert_free(struct alert *a);
void alert_start(struct alert *a);
/* Notices may have become due: look now. */
void alert_hint(struct alert *a);
/* A delivery receipt came over a link. */
void alert_receipt(struct alert *a, const char *link, const struct receipt *receipt);

/* The code of a notice: derived, never stored. out holds ALERT_CODE_LEN digits and a NUL. */
void alert_code(const struct vault *vault, const uint8_t notice[16], int salt, char out[ALERT_CODE_LEN + 1]);
/* What is stored to recognise it: a keyed hash over the officer's number hash and the digits. */
void alert_code_hash(const struct vault *vault, const uint8_t number[16], const char *digits,
                     uint8_t out[ALERT_HASH_LEN]);
/* "KHAN CAP" for khan_cap: the urgency as officers read it. */
const char *alert_urgency_words(const char *urgency);

#endif
