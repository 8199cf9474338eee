/* Components: BER elements, and what each kind of component consists of. */
#include "adapters/gsup/component.h"

#include <string.h>

enum {
	TAG_INTEGER = 0x02,
	TAG_OCTETS = 0x04,
	TAG_NULL = 0x05,
	TAG_SEQUENCE = 0x30,
	TAG_LINKED_ID = 0x80, /* of an invoke */
	TAG_MSISDN = 0x80,    /* of a USSD argument */
	LENGTH_LONG_1 = 0x81,
	LENGTH_LONG_2 = 0x82,
	SHORT_MAX = 0x7f,
	MSISDN_LEN_MAX = 20
};

/* ---- reading ---- */

struct element {
	uint8_t tag;
	const uint8_t *at; /* NULL: there was no such element */
	size_t len;
};

/* A length that X.690 would have written so, and that fits, counts as X.690's; otherwise an octet above 0x80
 * is what Osmocom means by it: itself. */
static size_t read_length(struct reader *r)
{
	uint8_t first = reader_u8(r);
	struct reader after = *r;
	size_t len;

	if (first != LENGTH_LONG_1 && first != LENGTH_LONG_2)
		return first;
	len = first == LENGTH_LONG_1 ? reader_u8(&after) : reader_u16(&after);
	if (after.bad || len <= SHORT_MAX || len > after.left)
		return first;
	*r = after;
	return len;
}

static bool next(struct reader *r, struct element *e)
{
	e->tag = reader_u8(r);
	e->len = read_length(r);
	e->at = reader_take(r, e->len);
	return !r->bad;
}

/* The next element if its tag is this one; otherwise nothing is read and e->at is NULL. */
static bool next_if(struct reader *r, uint8_t tag, struct element *e)
{
	e->at = NULL;
	return r->left > 0 && *r->p == tag && next(r, e);
}

static bool octet(struct reader *r, uint8_t tag, uint8_t *out)
{
	struct element e;

	if (!next_if(r, tag, &e) || e.len != 1)
		return false;
	*out = e.at[0];
	return true;
}

/* What follows the string: the caller's number among it. Unknown elements are stepped over. */
static bool read_extras(struct reader *r, struct ss_component *c)
{
	struct element e;

	while (r->left > 0) {
		if (!next(r, &e))
			return false;
		if (e.tag == TAG_MSISDN && e.len >= 2 && e.len <= MSISDN_LEN_MAX) {
			c->msisdn = e.at;
			c->msisdn_len = e.len;
		}
	}
	return true;
}

static bool is_ussd(const struct ss_component *c)
{
	return c->operation == SS_PROCESS_USS_REQUEST || c->operation == SS_USS_REQUEST ||
	       c->operation == SS_USS_NOTIFY;
}

/* ussd-DataCodingScheme, ussd-String, extras; or whatever another operation has, which the caller refuses by
 * its number. */
static bool read_argument(struct reader *outer, struct ss_component *c)
{
	struct element e;
	struct reader r;

	if (outer->left == 0)
		return !outer->bad;
	if (!is_ussd(c))
		return next(outer, &e);
	if (!next_if(outer, TAG_SEQUENCE, &e))
		return false;
	r = reader_of(e.at, e.len);
	if (!octet(&r, TAG_OCTETS, &c->dcs) || !next_if(&r, TAG_OCTETS, &e))
		return false;
	c->string = e.at;
	c->string_len = e.len;
	return e.len <= SS_STRING_MAX && read_extras(&r, c);
}

static bool read_invoke(struct reader *r, struct ss_component *c)
{
	struct element linked;

	next_if(r, TAG_LINKED_ID, &linked);
	c->has_operation = octet(r, TAG_INTEGER, &c->operation);
	return c->has_operation && read_argument(r, c);
}

static bool read_result(struct reader *outer, struct ss_component *c)
{
	struct element e;
	struct reader r;

	if (outer->left == 0)
		return true;
	if (!next_if(outer, TAG_SEQUENCE, &e))
		return false;
	r = reader_of(e.at, e.len);
	c->has_operation = octet(&r, TAG_INTEGER, &c->operation);
	return c->has_operation && read_argument(&r, c);
}

/* Its parameter, if there is one, is not looked at. */
static bool read_error(struct reader *r, struct ss_component *c)
{
	struct element parameter;

	return octet(r, TAG_INTEGER, &c->code) && (r->left == 0 || next(r, &parameter));
}

static bool read_reject(struct reader *r, struct ss_component *c)
{
	struct element e;

	if (!next(r, &e) || e.tag < SS_PROBLEM_GENERAL || e.tag > SS_PROBLEM_ERROR || e.len != 1)
		return false;
	c->problem = e.tag;
	c->code = e.at[0];
	return true;
}

/* ---- writing ---- */

static void put_element(struct buf *out, uint8_t tag, const void *bytes, size_t len)
{
	buf_put_u8(out, tag);
	if (len > SHORT_MAX)
		buf_put_u8(out, LENGTH_LONG_1);
	buf_put_u8(out, (uint8_t)len); /* a whole component has less than 256 octets */
	buf_put(out, bytes, len);
}

static void put_octet(struct buf *out, uint8_t tag, uint8_t octet)
{
	put_element(out, tag, &octet, 1);
}

static void put_argument(struct buf *out, const struct ss_component *c)
{
	struct buf inner = {0};

	put_octet(&inner, TAG_OCTETS, c->dcs);
	put_element(&inner, TAG_OCTETS, c->string, c->string_len);
	put_element(out, TAG_SEQUENCE, inner.data, inner.len);
	buf_free(&inner);
}

static void write_invoke(const struct ss_component *c, struct buf *out)
{
	put_octet(out, TAG_INTEGER, c->operation);
	if (c->string)
		put_argument(out, c);
}

static void write_result(const struct ss_component *c, struct buf *out)
{
	struct buf inner = {0};

	if (!c->has_operation)
		return;
	put_octet(&inner, TAG_INTEGER, c->operation);
	if (c->string)
		put_argument(&inner, c);
	put_element(out, TAG_SEQUENCE, inner.data, inner.len);
	buf_free(&inner);
}

static void write_error(const struct ss_component *c, struct buf *out)
{
	put_octet(out, TAG_INTEGER, c->code);
}

static void write_reject(const struct ss_component *c, struct buf *out)
{
	put_octet(out, c->problem, c->code);
}

/* ---- the kinds ---- */

static const struct kind {
	uint8_t kind;
	bool (*read)(struct reader *r, struct ss_component *c); /* behind the invoke id */
	void (*write)(const struct ss_component *c, struct buf *out);
} kinds[] = {
	{SS_INVOKE, read_invoke, write_invoke},
	{SS_RESULT, read_result, write_result},
	{SS_ERROR, read_error, write_error},
	{SS_REJECT, read_reject, write_reject},
};

static const struct kind *find_kind(uint8_t kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].kind == kind)
			return &kinds[i];
	}
	return NULL;
}

bool ss_decode(const void *bytes, size_t len, struct ss_component *out)
{
	struct reader r = reader_of(bytes, len);
	struct ss_component c = {0};
	const struct kind *kind;
	struct element e;
	uint8_t id = 0;

	if (!next(&r, &e) || r.left > 0)
		return false;
	kind = find_kind(e.tag);
	if (!kind)
		return false;
	c.kind = e.tag;
	r = reader_of(e.at, e.len);
	c.has_invoke_id = octet(&r, TAG_INTEGER, &id);
	c.invoke_id = (int8_t)id;
	if (!c.has_invoke_id && (c.kind != SS_REJECT || !next_if(&r, TAG_NULL, &e)))
		return false;
	if (!kind->read(&r, &c) || r.left > 0)
		return false;
	*out = c;
	return true;
}

bool ss_encode(const struct ss_component *c, struct buf *out)
{
	const struct kind *kind = find_kind(c->kind);
	struct buf inner = {0};

	if (!kind || c->string_len > SS_STRING_MAX)
		return false;
	if (c->has_invoke_id)
		put_octet(&inner, TAG_INTEGER, (uint8_t)c->invoke_id);
	else
		put_element(&inner, TAG_NULL, "", 0);
	kind->write(c, &inner);
	put_element(out, c->kind, inner.data, inner.len);
	buf_free(&inner);
	return true;
}
