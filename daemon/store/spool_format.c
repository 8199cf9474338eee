/* The spool's record layout: what is written is what the scanner accepts, nothing else. */
#include "store/spool_format.h"

#include <string.h>

#include "core/crc32c.h"

static const uint8_t segment_magic[8] = {'H', 'L', 'S', 'P', 'O', 'O', 'L', '1'};
static const uint8_t record_magic[4] = {0xf1, 'H', 'L', 'R'};

enum { AT_SEGMENT_CRC = 12, AT_CRC = 12 };

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* CRC over the whole stretch with its own four bytes taken as zero. */
static uint32_t crc_without_itself(const uint8_t *bytes, size_t len, size_t at)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c(0, bytes, at);

	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, bytes + at + 4, len - at - 4);
}

void spool_put_segment_header(struct buf *out, uint64_t segment, uint64_t next)
{
	size_t start = out->len;

	buf_put(out, segment_magic, sizeof(segment_magic));
	buf_put_u16(out, SPOOL_FORMAT_VERSION);
	buf_put_u16(out, 0);
	buf_put_u32(out, 0);
	buf_put_u64(out, segment);
	buf_put_u64(out, next);
	set_u32(out->data + start + AT_SEGMENT_CRC,
		crc_without_itself(out->data + start, SPOOL_SEGMENT_HEADER, AT_SEGMENT_CRC));
}

bool spool_get_segment_header(const uint8_t *bytes, size_t len, uint64_t *segment, uint64_t *next)
{
	struct reader r;

	if (len < SPOOL_SEGMENT_HEADER || memcmp(bytes, segment_magic, sizeof(segment_magic)) != 0)
		return false;
	if (crc_without_itself(bytes, SPOOL_SEGMENT_HEADER, AT_SEGMENT_CRC) !=
	    get_u32(bytes + AT_SEGMENT_CRC))
		return false;
	r = reader_of(bytes + 16, 16);
	*segment = reader_u64(&r);
	*next = reader_u64(&r);
	return true;
}

static size_t begin(struct buf *out, enum spool_kind kind, uint16_t flags, size_t payload,
		    uint64_t number)
{
	size_t start = out->len;

	buf_put(out, record_magic, sizeof(record_magic));
	buf_put_u8(out, SPOOL_FORMAT_VERSION);
	buf_put_u8(out, (uint8_t)kind);
	buf_put_u16(out, flags);
	buf_put_u32(out, (uint32_t)payload);
	buf_put_u32(out, 0);
	buf_put_u64(out, number);
	return start;
}

static void finish(struct buf *out, size_t start)
{
	set_u32(out->data + start + AT_CRC,
		crc_without_itself(out->data + start, out->len - start, AT_CRC));
}

void spool_put_data(struct buf *out, uint64_t number, const struct spool_meta *meta,
		    const void *sealed, size_t len)
{
	size_t start = begin(out, SPOOL_DATA, meta->flags, SPOOL_META_BYTES + len, number);

	buf_put(out, meta->dup_key, sizeof(meta->dup_key));
	buf_put(out, meta->flow_hash, sizeof(meta->flow_hash));
	buf_put(out, meta->boot_id, sizeof(meta->boot_id));
	buf_put_u64(out, (uint64_t)meta->wall_us);
	buf_put_u64(out, (uint64_t)meta->boot_ms);
	buf_put(out, sealed, len);
	finish(out, start);
}

void spool_put_done(struct buf *out, const uint64_t *numbers, size_t count)
{
	size_t start = begin(out, SPOOL_DONE, 0, count * 8, 0);

	for (size_t i = 0; i < count; i++)
		buf_put_u64(out, numbers[i]);
	finish(out, start);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static bool read_meta(struct reader *r, struct spool_meta *meta)
{
	const uint8_t *dup = reader_take(r, sizeof(meta->dup_key));
	const uint8_t *flow = reader_take(r, sizeof(meta->flow_hash));
	const uint8_t *boot = reader_take(r, sizeof(meta->boot_id));

	meta->wall_us = (int64_t)reader_u64(r);
	meta->boot_ms = (int64_t)reader_u64(r);
	if (r->bad)
		return false;
	memcpy(meta->dup_key, dup, sizeof(meta->dup_key));
	memcpy(meta->flow_hash, flow, sizeof(meta->flow_hash));
	memcpy(meta->boot_id, boot, sizeof(meta->boot_id));
	return true;
}

enum spool_scan spool_scan(const uint8_t *bytes, size_t len, struct spool_raw *out)
{
	struct spool_raw raw = {0};
	struct reader r = reader_of(bytes, len);
	uint32_t payload, crc;
	uint8_t kind;

	if (all_zero(bytes, len < SPOOL_RECORD_HEADER ? len : SPOOL_RECORD_HEADER))
		return all_zero(bytes, len) ? SPOOL_SCAN_END : SPOOL_SCAN_BAD;
	if (len < SPOOL_RECORD_HEADER || memcmp(bytes, record_magic, sizeof(record_magic)) != 0)
		return SPOOL_SCAN_BAD;
	reader_take(&r, 5);
	kind = reader_u8(&r);
	raw.meta.flags = reader_u16(&r);
	payload = reader_u32(&r);
	crc = reader_u32(&r);
	raw.number = reader_u64(&r);
	if (payload > SPOOL_RECORD_MAX || payload > r.left)
		return SPOOL_SCAN_BAD;
	raw.total = SPOOL_RECORD_HEADER + payload;
	if (crc_without_itself(bytes, raw.total, AT_CRC) != crc)
		return SPOOL_SCAN_BAD;
	r.left = payload;
	raw.kind = (enum spool_kind)kind;
	if (raw.kind == SPOOL_DATA && !read_meta(&r, &raw.meta))
		return SPOOL_SCAN_BAD;
	raw.body_len = r.left;
	raw.body = reader_take(&r, raw.body_len);
	*out = raw;
	return SPOOL_SCAN_RECORD;
}

size_t spool_resync(const uint8_t *bytes, size_t len, size_t from)
{
	struct spool_raw raw;

	for (size_t at = from; at + SPOOL_RECORD_HEADER <= len; at++) {
		const uint8_t *hit = memchr(bytes + at, record_magic[0], len - at);

		if (!hit)
			break;
		at = (size_t)(hit - bytes);
		if (spool_scan(hit, len - at, &raw) == SPOOL_SCAN_RECORD)
			return at;
	}
	return len;
}
