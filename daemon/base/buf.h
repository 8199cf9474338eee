/* A growable byte buffer and a bounds-checked reader over bytes: the one way this project writes and
 * reads its own binary records (spool, session, queue entry). Integers are big-endian. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len;    /* bytes used */
	size_t cap;    /* bytes allocated */
};

void buf_free(struct buf *b);  /* releases and zeroes the struct; a zeroed struct is an empty buffer */
void buf_clear(struct buf *b); /* len = 0, memory kept */
uint8_t *buf_reserve(struct buf *b, size_t len); /* appends len uninitialised bytes, returns them */
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_bytes(struct buf *b, const void *bytes, size_t len); /* u32 length, then the bytes */
void buf_put_str(struct buf *b, const char *text);                /* NULL is written as "" */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *buf_cstr(struct buf *b); /* NUL-terminates (not counted in len); borrowed */

/* Reader: after the first read past the end `bad` stays set and every read gives zero or empty. */
struct reader {
	const uint8_t *p; /* borrowed: next byte */
	size_t left;
	bool bad;
};

struct reader reader_of(const void *bytes, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
const uint8_t *reader_take(struct reader *r, size_t len);         /* borrowed; NULL if too short */
const uint8_t *reader_bytes(struct reader *r, size_t *len);       /* u32 length + bytes; borrowed */
char *reader_str(struct reader *r);                               /* owned copy, never NULL */
bool reader_str_into(struct reader *r, char *out, size_t size);   /* false and bad if too long */

void hex_encode(const void *bytes, size_t len, char *out);        /* out holds 2*len+1 */
bool hex_decode(const char *hex, void *out, size_t len);          /* exactly 2*len hex digits */

#endif
