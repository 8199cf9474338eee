/* Alphabets of texts on phones: octets of a carrier to UTF-8, UTF-8 to the parts of a text message,
 * and the user data header that ties parts together. Pure; nothing that arrives is ever refused. */
#ifndef CORE_CHARSET_H
#define CORE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/inbound.h"

/* Appends the text as valid UTF-8 without U+0000, at most three octets for each that came in. What
 * cannot be read becomes U+FFFD. The parts of a concatenated text are joined as octets first and
 * decoded once, because an escape or surrogate pair may lie across a part boundary.
 * Zero octets at the end are dropped (a terminator some carriers send), except in GSM, where zero
 * is '@'. ALPHABET_PDU gives hexadecimal digits: a human has to look at it. */
void charset_to_utf8(enum alphabet alphabet, const void *bytes, size_t len, struct buf *out);

/* ALPHABET_GSM7 under these national languages; one that is not known counts as none. */
enum alphabet charset_national(unsigned locking, unsigned single);

bool charset_utf8_valid(const void *bytes, size_t len); /* RFC 3629; U+0000 counts as valid */

/* True if every character is in the GSM default alphabet or its extension table. */
bool charset_fits_gsm7(const char *text);

enum { CHARSET_PARTS_MAX = 255 };

/* What may be sent over a link. */
struct charset_choice {
	enum alphabet dcs0; /* what data_coding 0 means there: where that is not GSM, only characters
	                       which have the same code in GSM and ASCII are sent with it */
	bool latin1;        /* data_coding 3 may be used */
	bool transliterate; /* accents and typographic signs may be dropped if that saves parts */
};

/* A text coded for the air and cut into parts. Part i is octets[end[i-1] .. end[i]), from 0. */
struct charset_parts {
	bool ucs2;      /* UTF-16BE, data_coding 8; otherwise data_coding 0, one septet per octet, or ... */
	bool latin1;    /* ... ISO 8859-1, data_coding 3 */
	bool cut;       /* the text needed more than parts_max parts: its end was left out */
	unsigned count; /* at least 1 */
	size_t end[CHARSET_PARTS_MAX];
	struct buf octets; /* owned */
};

/* Codes `text` (UTF-8) in the alphabet that needs the fewest parts and cuts it: one part of 160
 * septets, 140 octets or 70 UTF-16 units, else parts that leave room for a header with a reference of
 * ref_bits (8 or 16): 153/134/67 or 152/133/66 (3GPP 23.040 section 9.2.3.24.1). Escape pairs, surrogate
 * pairs and grapheme clusters stay whole, unless one cluster alone is longer than a part. The caller
 * calls charset_parts_free(). */
void charset_split(const char *text, const struct charset_choice *choice, unsigned ref_bits,
                   unsigned parts_max, struct charset_parts *out);
/* Codes `text` as one USSD screen: at most septets_max GSM septets, or where it needs UTF-16 at most units_max
 * units. A text that does not fit in UTF-16 loses its accents first, where that brings it into GSM; what then
 * does not fit is left out from a cluster's boundary on and `cut` is set. count is 1. */
void charset_screen(const char *text, size_t septets_max, size_t units_max, struct charset_parts *out);
void charset_parts_free(struct charset_parts *parts);

/* Appends the text with accents and typographic signs replaced by plain letters. False, and whatever was
 * appended is of no use, if some character has no plain form in the GSM alphabet. */
bool charset_transliterate(const char *text, struct buf *out);

/* A user data header, as far as it matters here. */
struct charset_udh {
	size_t body_at;  /* octets before the body: 1 + UDHL */
	uint16_t ref;    /* concatenation; ref_bits 0 if there is none */
	uint8_t total, seq;
	uint8_t ref_bits; /* 8 (IEI 0x00) or 16 (IEI 0x08) */
	uint8_t locking, single; /* national languages (IEI 0x25, 0x24); 0 = none */
};

/* Walks the header at the start of the octets (3GPP 23.040 section 9.2.3.24). False if it is longer
 * than the octets: then it is no header and all of it is body. Elements of other kinds are stepped
 * over; a broken element ends the walk but the header's own length still holds. */
bool charset_udh_read(const void *bytes, size_t len, struct charset_udh *udh);

/* Appends the header of part seq of total. */
void charset_udh_write(struct buf *out, unsigned ref_bits, uint16_t ref, uint8_t total, uint8_t seq);

#endif
