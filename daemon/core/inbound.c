/* The stored form of a delivery: what the spool keeps and what a decoding process would hand over.
 * */
#include "core/inbound.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FORMAT = 2, FORMAT_BEFORE_USSD = 1 };

/* Octets of the no-break space at the start, which arrives when a number was copied from a page: as
 * UTF-8, or as Latin-1. */
static size_t no_break_space(const uint8_t *p, size_t len)
{
	if (len >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
		return 2;
	return p[0] == 0xa0;
}

void inbound_address(const void *octets, size_t len, char *out, size_t size)
{
	const uint8_t *p = octets;
	size_t used = 0;

	while (len > 0 && *p) {
		size_t space = no_break_space(p, len), step = space ? space : 1, n;
		char text[8];

		if (space)
			n = (size_t)snprintf(text, sizeof(text), " ");
		else if (*p < ' ' || *p > '~')
			n = (size_t)snprintf(text, sizeof(text), "\\x%02x", *p);
		else
			n = (size_t)snprintf(text, sizeof(text), "%c", *p);
		if (used + n >= size)
			break;
		memcpy(out + used, text, n);
		used += n;
		p += step;
		len -= step;
	}
	out[used] = '\0';
}

void inbound_encode(const struct inbound *in, struct buf *out)
{
	buf_put_u8(out, FORMAT);
	buf_put_str(out, in->adapter);
	buf_put_str(out, in->link);
	buf_put_str(out, in->carrier);
	buf_put_u8(out, (uint8_t)in->channel);
	buf_put_str(out, in->source);
	buf_put_u8(out, in->source_ton);
	buf_put_u8(out, in->source_npi);
	buf_put_str(out, in->dest);
	buf_put_u8(out, in->dest_ton);
	buf_put_u8(out, in->dest_npi);
	buf_put_u8(out, in->esm_class);
	buf_put_u8(out, in->data_coding);
	buf_put_u8(out, (uint8_t)in->alphabet);
	buf_put_u16(out, in->part_ref);
	buf_put_u8(out, in->part_total);
	buf_put_u8(out, in->part_seq);
	buf_put_u8(out, in->part_ref_bits);
	buf_put_str(out, in->message_id);
	buf_put_u8(out, (uint8_t)in->ussd_op);
	buf_put_str(out, in->reply_token);
	buf_put_bytes(out, in->body, in->body_len);
}

bool inbound_ends_ussd(const struct inbound *in)
{
	return in->ussd_op == USSD_END || in->ussd_op == USSD_ABORT || in->ussd_op == USSD_TIMEOUT;
}

/* The reader goes bad, and stays so, at the first field that does not fit. */
static void read_fields(struct reader *r, struct inbound *in)
{
	reader_str_into(r, in->adapter, sizeof(in->adapter));
	reader_str_into(r, in->link, sizeof(in->link));
	reader_str_into(r, in->carrier, sizeof(in->carrier));
	in->channel = (enum channel)reader_u8(r);
	reader_str_into(r, in->source, sizeof(in->source));
	in->source_ton = reader_u8(r);
	in->source_npi = reader_u8(r);
	reader_str_into(r, in->dest, sizeof(in->dest));
	in->dest_ton = reader_u8(r);
	in->dest_npi = reader_u8(r);
	in->esm_class = reader_u8(r);
	in->data_coding = reader_u8(r);
	in->alphabet = (enum alphabet)reader_u8(r);
	in->part_ref = reader_u16(r);
	in->part_total = reader_u8(r);
	in->part_seq = reader_u8(r);
	in->part_ref_bits = reader_u8(r);
	reader_str_into(r, in->message_id, sizeof(in->message_id));
}

static bool is_alphabet(unsigned alphabet)
{
	return alphabet <= ALPHABET_PDU ||
	       (alphabet > ALPHABET_NATIONAL && alphabet <= ALPHABET_NATIONAL_LAST);
}

static void read_ussd(struct reader *r, struct inbound *in)
{
	in->ussd_op = (enum ussd_op)reader_u8(r);
	reader_str_into(r, in->reply_token, sizeof(in->reply_token));
}

bool inbound_decode(const void *bytes, size_t len, struct inbound *in)
{
	struct reader r = reader_of(bytes, len);
	struct inbound got = { 0 };
	uint8_t format = reader_u8(&r);
	const uint8_t *body;
	size_t body_len;

	if (format != FORMAT && format != FORMAT_BEFORE_USSD)
		return false;
	read_fields(&r, &got);
	if (format == FORMAT)
		read_ussd(&r, &got);
	body = reader_bytes(&r, &body_len);
	if (r.bad || r.left > 0 || body_len > INBOUND_BODY_MAX)
		return false;
	if (got.channel > CHANNEL_USSD || !is_alphabet(got.alphabet) || got.ussd_op > USSD_TIMEOUT)
		return false;
	got.body = body_len > 0 ? mem_dup(body, body_len) : NULL;
	got.body_len = (uint32_t)body_len;
	*in = got;
	return true;
}

void inbound_fini(struct inbound *in)
{
	mem_free(in->body);
	in->body = NULL;
	in->body_len = 0;
}
