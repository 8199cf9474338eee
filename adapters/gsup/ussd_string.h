/* The text of a USSD screen or answer as octets: 7-bit characters packed, or UCS-2, told apart by the data
 * coding scheme. Pure. Source: 3GPP 23.038 sections 5 (cell broadcast data coding) and 6.1.2.3 (USSD packing). */
#ifndef ADAPTERS_GSUP_USSD_STRING_H
#define ADAPTERS_GSUP_USSD_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/inbound.h"

enum { USSD_STRING_MAX = 160 }; /* octets: 182 packed characters, 80 of UCS-2 */

enum { USSD_DCS_GSM7 = 0x0f, USSD_DCS_UCS2 = 0x48 }; /* what we write: language unspecified; UCS-2, no class */

struct ussd_string {
	uint8_t dcs;
	uint8_t octets[USSD_STRING_MAX];
	size_t len;
	bool folded; /* Vietnamese marks were left out, so that it fits */
	bool cut;    /* its end was left out */
};

/* Codes UTF-8 in at most octets_max (to USSD_STRING_MAX). A text that does not fit in UCS-2 loses its marks
 * first and only then its end. */
void ussd_string_encode(const char *text, size_t octets_max, struct ussd_string *out);

/* Appends the text as UTF-8. Whatever the octets are, something is appended for them. */
void ussd_string_decode(uint8_t dcs, const void *octets, size_t len, struct buf *out);

/* Septets to octets, the first in the lowest bits; exactly seven spare bits hold a carriage return, and a
 * carriage return that would be taken for one is doubled. */
void ussd_string_pack(const uint8_t *septets, size_t count, struct buf *out);
/* The septets back, without that carriage return. */
void ussd_string_unpack(const uint8_t *octets, size_t len, struct buf *out);

#endif
