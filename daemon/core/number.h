/* A sender's address as one identity: the same phone gives the same value however its number was
 * written. Nothing is ever refused: a report from a number that looks wrong is still a report. */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum number_kind {
	NUMBER_MSISDN, /* a subscriber's number, or at least digits too long for a short code */
	NUMBER_SHORT,  /* a short code: emergency, carrier or content service */
	NUMBER_ALNUM,  /* a sender name, or an address this module cannot read as digits */
	NUMBER_NONE,   /* no address at all */
	NUMBER_IMSI    /* a subscriber whose number the network does not tell: holds a conversation, is never texted */
};

enum { NUMBER_VALUE_MAX = 66, NUMBER_MASK_MAX = 8 };

#define NUMBER_IMSI_PREFIX "imsi:" /* how an adapter hands over an IMSI: "imsi:452040000000001" */

struct number {
	enum number_kind kind;
	/* MSISDN: E.164 with +, or bare digits where no country could be told; SHORT: the digits;
	 * ALNUM: printable bytes in lower case, one space for many; NONE: ""; IMSI: NUMBER_IMSI_PREFIX and digits. */
	char value[NUMBER_VALUE_MAX];
	bool valid;  /* MSISDN only: the numbering plan knows it. False is no reason to refuse. */
	bool mobile; /* MSISDN only: a mobile number, or one that may be (North America) */
	char region[3]; /* ISO 3166 of a MSISDN (of its country code if not valid), else "" */
};

/* source: as the carrier sent it. ton: type of number (SMPP 3.4 section 5.2.5). region: ISO 3166 of
 * the link's country, in which a number without country code is read. Always fills *out. */
void number_parse(const char *source, uint8_t ton, const char *region, struct number *out);

/* May a text be sent to this number without a person's decision? Only to a valid mobile number of a
 * region in the list ("VN" or "VN,KH"): never to a short code, a premium number or a sender name,
 * which cost money or answer by machine. */
bool number_may_reply(const struct number *number, const char *regions);

/* Is this the ISO 3166 code ("VN") of a country with a numbering plan? */
bool number_knows_region(const char *region);

/* "..78": what people may see of a number. Only ".." where the value does not end in two digits. */
void number_mask(const char *value, char out[NUMBER_MASK_MAX]);

/* Loads the numbering plans (some 7 ms), so that the first message does not pay for it. */
void number_warm_up(void);

#ifdef __cplusplus
}
#endif

#endif
