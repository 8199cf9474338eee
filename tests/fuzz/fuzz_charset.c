/* Fuzz target: any octets as a text in any alphabet, as a user data header, and as a text to send.
 * */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_udh(const uint8_t *bytes, size_t len)
{
	struct charset_udh udh;

	if (!charset_udh_read(bytes, len, &udh))
		return;
	check(udh.body_at >= 1 && udh.body_at <= len);
	check(udh.ref_bits == 0 || (udh.seq >= 1 && udh.seq <= udh.total));
}

/* Begins with what is read as a byte order mark, of either order. */
static bool marked(const char *text)
{
	return strncmp(text, "\ufeff", 3) == 0 || strncmp(text, "\ufffe", 3) == 0;
}

/* Parts fit, are in order, and give the text back whole when it was not cut. */
static void check_split(const char *text, enum alphabet dcs0, unsigned ref_bits, unsigned parts_max)
{
	const struct charset_choice choice = { .dcs0 = dcs0, .latin1 = parts_max & 1 };
	struct charset_parts parts;
	struct buf back = { 0 };
	size_t start = 0;

	charset_split(text, &choice, ref_bits, parts_max, &parts);
	check(parts.count >= 1 && (parts.count <= parts_max || parts.count == 1));
	for (unsigned i = 0; i < parts.count; i++) {
		size_t len = parts.end[i] - start, most = parts.ucs2 || parts.latin1 ? 140 : 160;

		if (parts.count > 1)
			most = parts.ucs2 ? (ref_bits == 16 ? 132 : 134)
			     : parts.latin1 ? (ref_bits == 16 ? 133 : 134)
			                    : (ref_bits == 16 ? 152 : 153);
		check(parts.end[i] >= start && len <= most);
		start = parts.end[i];
	}
	check(start == parts.octets.len);
	charset_to_utf8(parts.ucs2 ? ALPHABET_UTF16 : parts.latin1 ? ALPHABET_LATIN1 : ALPHABET_GSM7,
	                parts.octets.data, parts.octets.len, &back);
	if (!parts.cut && charset_utf8_valid(text, strlen(text)) && !marked(text))
		check(strcmp(buf_cstr(&back), text) == 0);
	buf_free(&back);
	charset_parts_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = { 0 };
	uint8_t *exact;
	enum alphabet alphabet;

	if (size < 2)
		return 0;
	alphabet = data[0] >= ALPHABET_NATIONAL ? charset_national(data[0] / 15, data[0] % 15)
	                                        : (enum alphabet)(data[0] % (ALPHABET_PDU + 1));
	exact = mem_dup(data + 2, size - 2);
	check_udh(exact, size - 2);
	charset_to_utf8(alphabet, exact, size - 2, &text);
	check(charset_utf8_valid(text.data, text.len));
	check(text.len <= 3 * (size - 2));
	check(!text.len || !memchr(text.data, 0, text.len));
	check_split(buf_cstr(&text), data[1] & 1 ? ALPHABET_ASCII : ALPHABET_GSM7,
	            data[1] & 2 ? 16 : 8, (unsigned)(data[1] >> 2) + 1);
	mem_free(exact);
	exact = (uint8_t *)mem_strndup((const char *)data + 2, size - 2);
	check_split((const char *)exact, ALPHABET_GSM7, 8, 10);
	mem_free(exact);
	buf_free(&text);
	return 0;
}
