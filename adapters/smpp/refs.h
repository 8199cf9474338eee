/* Message ids: a carrier may write the same one as 38601fa in its answer and 0059113978 in its
 * receipt. Canonical forms, and a bounded memory of the ids that receipts are expected for and of
 * receipts that came before their answer. Pure: time is an argument. */
#ifndef ADAPTERS_SMPP_REFS_H
#define ADAPTERS_SMPP_REFS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/outbound.h"

struct receipt;

/* How a carrier writes an id on one side. */
enum ref_base { REF_AUTO, REF_DECIMAL, REF_HEX, REF_TEXT };

/* What one id is kept and compared as. TEXT: as it is. DECIMAL, HEX: its number in decimal, if it is
 * one of that base and below 2^64. AUTO: without leading zeros, in lower case. */
void ref_canonical(const char *ref, enum ref_base base, char out[PROVIDER_REF_MAX]);

enum { REFS_MAX = 1024, REFS_PARKED_MAX = 256 };

struct refs_parked {
	char ref[PROVIDER_REF_MAX];
	int status;
};

struct refs {
	char (*sent)[PROVIDER_REF_MAX]; /* ring of canonical ids; owned */
	unsigned sent_next;
	struct refs_parked *parked;     /* ring; owned */
	unsigned parked_next;
};

void refs_init(struct refs *r);
void refs_fini(struct refs *r);

/* A text that a receipt was asked for was taken under this canonical id. True if its receipt is here
 * already: *status is its state then; call again until false. */
void refs_sent(struct refs *r, const char *ref);
bool refs_early(struct refs *r, const char *ref, bool by_number, int *status);

/* A receipt names this canonical id. True: replaced by the id the text was sent under, as far as one
 * is known that is the same. False: it is kept until that text's answer comes. by_number: bases were
 * not configured, so a decimal and a hexadecimal id may be the same number. */
bool refs_find(struct refs *r, char ref[PROVIDER_REF_MAX], bool by_number, int status);

#endif
