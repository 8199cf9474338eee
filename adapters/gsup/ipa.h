/* The ip.access multiplex (IPA) that every Osmocom server speaks over TCP: frames, and the connection
 * management (CCM) by which a client says who it is. Pure: octets in, structs out.
 * Source: libosmo-abis and the OsmoHLR user manual, chapter "Generic Subscriber Update Protocol". */
#ifndef ADAPTERS_GSUP_IPA_H
#define ADAPTERS_GSUP_IPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A frame: length of the payload (u16), protocol, payload. */
enum { IPA_HEADER = 3, IPA_PAYLOAD_MAX = 65535 };

enum ipa_proto { IPA_PROTO_OSMO = 0xee, IPA_PROTO_CCM = 0xfe };

/* First octet of the payload of IPA_PROTO_OSMO. */
enum ipa_extension { IPA_EXT_CTRL = 0x00, IPA_EXT_GSUP = 0x05 };

struct ipa_frame {
	uint8_t proto;
	uint8_t extension;   /* of IPA_PROTO_OSMO, else 0 */
	const uint8_t *body; /* borrowed: what is behind protocol and extension */
	size_t body_len;
	size_t size;         /* octets that the frame takes */
};

/* There is no bad frame: any length can be true. IPA_EMPTY: an Osmocom frame without its extension; only
 * `proto` and `size` are set. */
enum ipa_result { IPA_OK, IPA_MORE, IPA_EMPTY };
enum ipa_result ipa_read(const void *bytes, size_t len, struct ipa_frame *out);

/* Appends a frame. False, and nothing appended, if the body is too long. */
bool ipa_put_ccm(struct buf *out, const void *body, size_t len);
bool ipa_put_osmo(struct buf *out, enum ipa_extension extension, const void *body, size_t len);

/* ---- connection management: the first octet of a CCM frame's body ---- */

enum ccm_type {
	CCM_PING = 0x00,
	CCM_PONG = 0x01,
	CCM_ID_GET = 0x04,  /* the server asks who we are */
	CCM_ID_RESP = 0x05,
	CCM_ID_ACK = 0x06   /* client first, then the server */
};

enum ccm_tag { CCM_SERIAL_NUMBER = 0x00, CCM_UNIT_NAME = 0x01, CCM_UNIT_ID = 0x08 };

/* Appends the frame of a message that is its type alone: ping, pong, acknowledgement. */
void ccm_put(struct buf *out, enum ccm_type type);
/* Appends the frame of our identity. The server drops a link without a unit id; the name by which it
 * routes is the serial number. False if the name is longer than 255 octets. */
bool ccm_put_identity(struct buf *out, const char *name);

#endif
