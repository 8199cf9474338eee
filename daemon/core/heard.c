/* A short memory of numbers. */
#include "core/heard.h"

#include <string.h>

static struct heard_spool *find(struct heard *h, const struct id16 *spool)
{
	for (uint8_t i = 0; i < h->count; i++) {
		if (id16_equal(&h->spools[i].spool, spool))
			return &h->spools[i];
	}
	return NULL;
}

/* The spool's row, moved to the front; made if need be. */
static struct heard_spool *use(struct heard *h, const struct id16 *spool)
{
	struct heard_spool *at = find(h, spool), row = {.spool = *spool};

	if (at)
		row = *at;
	else if (h->count < HEARD_SPOOLS)
		at = &h->spools[h->count++];
	else
		at = &h->spools[HEARD_SPOOLS - 1];
	memmove(&h->spools[1], &h->spools[0], (size_t)(at - h->spools) * sizeof(row));
	h->spools[0] = row;
	return &h->spools[0];
}

static bool row_has(const struct heard_spool *row, uint64_t number)
{
	for (uint8_t i = 0; i < row->count; i++) {
		if (row->numbers[i] == number)
			return true;
	}
	return number <= row->floor;
}

static void row_note(struct heard_spool *row, uint64_t number)
{
	uint64_t *lowest = &row->numbers[0];

	if (row_has(row, number))
		return;
	if (row->count < HEARD_NUMBERS) {
		row->numbers[row->count++] = number;
		return;
	}
	for (uint8_t i = 1; i < row->count; i++) {
		if (row->numbers[i] < *lowest)
			lowest = &row->numbers[i];
	}
	if (number < *lowest) {
		row->floor = number;
		return;
	}
	row->floor = *lowest;
	*lowest = number;
}

void heard_note(struct heard *h, const struct id16 *spool, uint64_t number)
{
	row_note(use(h, spool), number);
}

bool heard_has(const struct heard *h, const struct id16 *spool, uint64_t number)
{
	for (uint8_t i = 0; i < h->count; i++) {
		if (id16_equal(&h->spools[i].spool, spool))
			return row_has(&h->spools[i], number);
	}
	return false;
}

void heard_add(struct heard *h, const struct heard *more)
{
	for (uint8_t i = more->count; i-- > 0;) {
		const struct heard_spool *from = &more->spools[i];
		struct heard_spool *row = use(h, &from->spool);

		if (from->floor > row->floor)
			row->floor = from->floor;
		for (uint8_t n = 0; n < from->count; n++)
			row_note(row, from->numbers[n]);
	}
}

void heard_save(const struct heard *h, struct buf *out)
{
	buf_put_u8(out, h->count);
	for (uint8_t i = 0; i < h->count; i++) {
		const struct heard_spool *row = &h->spools[i];

		buf_put(out, row->spool.b, sizeof(row->spool.b));
		buf_put_u64(out, row->floor);
		buf_put_u8(out, row->count);
		for (uint8_t n = 0; n < row->count; n++)
			buf_put_u64(out, row->numbers[n]);
	}
}

static void load_row(struct reader *r, struct heard_spool *row)
{
	const uint8_t *spool = reader_take(r, sizeof(row->spool.b));
	uint8_t count;

	if (spool)
		memcpy(row->spool.b, spool, sizeof(row->spool.b));
	row->floor = reader_u64(r);
	count = reader_u8(r);
	if (count > HEARD_NUMBERS)
		r->bad = true;
	for (; row->count < count && !r->bad; row->count++)
		row->numbers[row->count] = reader_u64(r);
}

void heard_load(struct reader *r, struct heard *out)
{
	uint8_t count = reader_u8(r);

	memset(out, 0, sizeof(*out));
	if (count > HEARD_SPOOLS)
		r->bad = true;
	for (; out->count < count && !r->bad; out->count++)
		load_row(r, &out->spools[out->count]);
}
