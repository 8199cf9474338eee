/* One delivery from a carrier, as an adapter decoded it and before anybody understood it. It stays
 * serialisable so that the spool keeps it whole and decoding can move into another process. */
#ifndef CORE_INBOUND_H
#define CORE_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum channel { CHANNEL_SMS, CHANNEL_USSD };

/* How `body` is to be read. Set by the adapter, which knows the link's meaning of data_coding 0. */
enum alphabet {
	ALPHABET_GSM7,   /* GSM 03.38 default alphabet with extension table, one septet per octet */
	ALPHABET_LATIN1, /* ISO 8859-1 (SMPP data_coding 3) */
	ALPHABET_ASCII,  /* IA5 (data_coding 1) */
	ALPHABET_UTF16,  /* UCS-2 or UTF-16, big-endian (data_coding 8) */
	ALPHABET_UTF8,   /* HTTP and sim */
	ALPHABET_BINARY, /* 8-bit data: tried as UTF-8, then as Latin-1 */
	ALPHABET_PDU,    /* framed but not decodable: body is the raw PDU, filed for a human */
	/* GSM 03.38 under national language tables: this + 15 * locking + single, languages as in
	 * core/charset_national.h, not both 0. charset_national() makes one. */
	ALPHABET_NATIONAL = 16,
	ALPHABET_NATIONAL_LAST = ALPHABET_NATIONAL + 15 * 13 + 13
};

/* What a USSD delivery tells of its session. Every bearer's own words are brought to these. */
enum ussd_op {
	USSD_NONE,     /* not USSD, or a bearer that does not say */
	USSD_BEGIN,    /* the code was dialled; the body is what was dialled behind it, mostly nothing */
	USSD_CONTINUE, /* an answer to our screen */
	USSD_END,      /* the phone or the network ended it in order */
	USSD_ABORT,    /* it broke */
	USSD_TIMEOUT   /* nobody said anything for too long, by the network's clock or ours */
};

enum { INBOUND_NAME_MAX = 32, INBOUND_ADDRESS_MAX = 66, INBOUND_BODY_MAX = 65536 };

struct inbound {
	char adapter[INBOUND_NAME_MAX];   /* "smpp", "http", "gsup", "sim" */
	char link[INBOUND_NAME_MAX];      /* link name of the configuration: replies go back here */
	char carrier[INBOUND_NAME_MAX];   /* domain of the duplicate key; several links may share it */
	enum channel channel;
	char source[INBOUND_ADDRESS_MAX]; /* as sent; may be empty, alphanumeric or odd */
	uint8_t source_ton, source_npi;   /* SMPP 3.4 sections 5.2.5, 5.2.6 */
	char dest[INBOUND_ADDRESS_MAX];   /* short code as sent */
	uint8_t dest_ton, dest_npi;
	uint8_t esm_class, data_coding;   /* kept for the record */
	enum alphabet alphabet;
	uint16_t part_ref;                /* concatenation, 3GPP 23.040 section 9.2.3.24.1 */
	uint8_t part_total, part_seq;     /* part_total 0 or 1: not concatenated; part_seq from 1 */
	uint8_t part_ref_bits;            /* 8 or 16; 0 = not concatenated */
	char message_id[INBOUND_ADDRESS_MAX]; /* provider's own id where the bearer has one, else "" */
	enum ussd_op ussd_op;             /* USSD_NONE on other channels */
	char reply_token[INBOUND_ADDRESS_MAX]; /* USSD: names the screen that is owed; goes back in outbound */
	uint8_t *body;                    /* octets after any UDH; owned by inbound_fini() after decode,
	                                     borrowed when an adapter fills the struct */
	uint32_t body_len;                /* at most INBOUND_BODY_MAX */
};

/* An address as printable ASCII: a no-break space becomes a space, any other octet outside 0x20..0x7e is
 * written \xNN. Ends at a NUL or where no whole character fits any more. Done twice it changes nothing. */
void inbound_address(const void *octets, size_t len, char *out, size_t size);

void inbound_encode(const struct inbound *in, struct buf *out);
/* True for the end of a USSD session, however it came: nothing can be answered. */
bool inbound_ends_ussd(const struct inbound *in);
/* Returns false on truncated or oversized bytes; on success the caller calls inbound_fini(). */
bool inbound_decode(const void *bytes, size_t len, struct inbound *in);
void inbound_fini(struct inbound *in);

#endif
