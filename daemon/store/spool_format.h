/* Bytes of a spool segment: encoding and scanning, without files. */
#ifndef STORE_SPOOL_FORMAT_H
#define STORE_SPOOL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/spool.h"

enum {
	SPOOL_FORMAT_VERSION = 1,
	SPOOL_SEGMENT_HEADER = 32, /* magic 8, version u16, zero u16, crc u32, segment u64, next record u64 */
	SPOOL_RECORD_HEADER = 24,  /* magic u32, version u8, kind u8, flags u16, length u32, crc u32, number u64 */
	SPOOL_META_BYTES = 16 + 32 + 16 + 8 + 8,
	SPOOL_RECORD_MAX = 128 * 1024 /* longest payload; a longer one is refused before it is written */
};

enum spool_kind { SPOOL_DATA = 1, SPOOL_DONE = 2 };

/* One record as it lies in a segment. */
struct spool_raw {
	enum spool_kind kind;
	uint64_t number;      /* SPOOL_DATA */
	struct spool_meta meta;
	const uint8_t *body;  /* sealed bytes, or the done numbers as u64 each; borrowed */
	size_t body_len;
	size_t total;         /* bytes of the whole record */
};

/* next: number of the first record that may be written into it; no earlier number is ever given out again,
 * also when every older segment is gone. */
void spool_put_segment_header(struct buf *out, uint64_t segment, uint64_t next);
bool spool_get_segment_header(const uint8_t *bytes, size_t len, uint64_t *segment, uint64_t *next);
void spool_put_data(struct buf *out, uint64_t number, const struct spool_meta *meta,
                    const void *sealed, size_t len);
void spool_put_done(struct buf *out, const uint64_t *numbers, size_t count);

enum spool_scan { SPOOL_SCAN_RECORD, SPOOL_SCAN_END, SPOOL_SCAN_BAD };
/* Looks at the bytes where a record should begin. END: only zeros follow (preallocated space). BAD: no
 * whole, undamaged record stands here. */
enum spool_scan spool_scan(const uint8_t *bytes, size_t len, struct spool_raw *out);
/* Offset of the next whole record at or after `from`, or len if there is none. */
size_t spool_resync(const uint8_t *bytes, size_t len, size_t from);

#endif
