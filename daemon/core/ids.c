/* Makes, prints and parses the 16-byte identifiers of rows, conversations and keys. */
#include "core/ids.h"

#include <sodium.h>
#include <string.h>

/* The stamp and the 74 random bits of the last UUIDv7: 12 in front of the variant, 62 behind it. */
struct last_id {
	uint64_t ms;
	uint16_t high; /* 12 bits */
	uint64_t low;  /* 62 bits */
};

static const uint64_t ms_mask = (UINT64_C(1) << 48) - 1;
static const uint64_t low_mask = (UINT64_C(1) << 62) - 1;

/* Per thread: monotone where it matters without a lock, and 74 random bits keep threads apart. */
static _Thread_local struct last_id last;

static uint64_t random_u64(void)
{
	uint64_t v;

	randombytes_buf(&v, sizeof v);
	return v;
}

/* The top bit of `high` starts at 0 so that steps within one millisecond have room. */
static void start_at(uint64_t ms)
{
	last.ms = ms & ms_mask;
	last.high = (uint16_t)(random_u64() & 0x7ff);
	last.low = random_u64() & low_mask;
}

/* RFC 9562 section 6.2, method 2: the random part grows by a random step. */
static void step(void)
{
	last.low += 1 + (random_u64() & 0xffffffff);
	if (last.low <= low_mask)
		return;
	last.low &= low_mask;
	if (++last.high > 0xfff)
		start_at(last.ms + 1);
}

static bool hex_value(char c, uint8_t *out)
{
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*out = (uint8_t)(c - 'A' + 10);
	else
		return false;
	return true;
}

/* True where the text form has a hyphen in front of byte i. */
static bool hyphen_before(int i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

struct id16 id16_new(int64_t wall_us)
{
	uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;
	struct id16 id;

	if (ms > last.ms)
		start_at(ms);
	else
		step();
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(last.ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | last.high >> 8); /* version 7 */
	id.b[7] = (uint8_t)last.high;
	for (int i = 0; i < 8; i++)
		id.b[8 + i] = (uint8_t)(last.low >> (56 - 8 * i));
	id.b[8] |= 0x80; /* variant 10 */
	return id;
}

void id16_text(const struct id16 *id, char out[ID16_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	for (int i = 0; i < 16; i++) {
		if (hyphen_before(i))
			*p++ = '-';
		*p++ = digits[id->b[i] >> 4];
		*p++ = digits[id->b[i] & 15];
	}
	*p = '\0';
}

bool id16_parse(const char *text, struct id16 *id)
{
	struct id16 parsed;
	const char *p = text;

	for (int i = 0; i < 16; i++) {
		uint8_t high, low;

		if (hyphen_before(i) && *p++ != '-')
			return false;
		if (!hex_value(p[0], &high) || !hex_value(p[1], &low))
			return false;
		parsed.b[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	if (*p != '\0')
		return false;
	*id = parsed;
	return true;
}

bool id16_is_zero(const struct id16 *id)
{
	return sodium_is_zero(id->b, sizeof id->b) == 1;
}

bool id16_equal(const struct id16 *a, const struct id16 *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}
