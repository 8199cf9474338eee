/* The growable byte buffer and the bounds-checked reader that every binary record goes through. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST = 64 };

void buf_free(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

static void make_room(struct buf *b, size_t len)
{
	size_t want, cap = b->cap ? b->cap : BUF_FIRST;

	if (__builtin_add_overflow(b->len, len, &want))
		want = SIZE_MAX; /* cannot be had: mem_realloc ends the process */
	if (want <= b->cap)
		return;
	while (cap < want)
		cap = cap > SIZE_MAX / 2 ? want : cap * 2;
	b->data = mem_realloc(b->data, cap);
	b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
	uint8_t *at;

	make_room(b, len ? len : 1); /* so that even an empty reserve has an address */
	at = b->data + b->len;
	b->len += len;
	return at;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
	if (len)
		memcpy(buf_reserve(b, len), bytes, len);
}

static void put_be(struct buf *b, uint64_t v, size_t len)
{
	uint8_t *at = buf_reserve(b, len);

	while (len--) {
		at[len] = (uint8_t)v;
		v >>= 8;
	}
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	put_be(b, v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void buf_put_bytes(struct buf *b, const void *bytes, size_t len)
{
	buf_put_u32(b, (uint32_t)len);
	buf_put(b, bytes, len);
}

void buf_put_str(struct buf *b, const char *text)
{
	buf_put_bytes(b, text, text ? strlen(text) : 0);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len > 0) {
		make_room(b, (size_t)len + 1);
		vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

const char *buf_cstr(struct buf *b)
{
	make_room(b, 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

struct reader reader_of(const void *bytes, size_t len)
{
	return (struct reader){.p = bytes, .left = len};
}

const uint8_t *reader_take(struct reader *r, size_t len)
{
	const uint8_t *at = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		r->left = 0;
		return NULL;
	}
	if (len) {
		r->p += len;
		r->left -= len;
	}
	return at ? at : (const uint8_t *)"";
}

static uint64_t take_be(struct reader *r, size_t len)
{
	const uint8_t *at = reader_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; at && i < len; i++)
		v = v << 8 | at[i];
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)take_be(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
	return (uint16_t)take_be(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
	return (uint32_t)take_be(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
	return take_be(r, 8);
}

const uint8_t *reader_bytes(struct reader *r, size_t *len)
{
	uint32_t n = reader_u32(r);
	const uint8_t *at = reader_take(r, n);

	*len = at ? n : 0;
	return at;
}

char *reader_str(struct reader *r)
{
	size_t len;
	const uint8_t *at = reader_bytes(r, &len);

	return mem_strndup((const char *)at, len);
}

bool reader_str_into(struct reader *r, char *out, size_t size)
{
	size_t len;
	const uint8_t *at = reader_bytes(r, &len);

	if (!at || len >= size || memchr(at, '\0', len)) {
		r->bad = true;
		r->left = 0;
		return false;
	}
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

void hex_encode(const void *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *hex, void *out, size_t len)
{
	uint8_t *bytes = out;

	if (strlen(hex) != 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_value(hex[i]) < 0)
			return false;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return true;
}
