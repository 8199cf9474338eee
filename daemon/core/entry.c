/* Bytes of a report queue entry: each field is one row of a table, read and written alike. */
#include "core/entry.h"

#include <string.h>

#include "base/mem.h"

enum { ENTRY_VERSION = 2 };

enum field_kind { F_TEXT, F_FIXED, F_BLOB, F_BOOL, F_U8, F_U64, F_INT };

struct field {
	enum field_kind kind;
	size_t at;     /* offset in struct entry */
	size_t size;   /* bytes of the member */
	size_t len_at; /* F_BLOB: offset of its length */
};

#define TEXT(m) {F_TEXT, offsetof(struct entry, m), sizeof(((struct entry *)0)->m), 0}
#define FIXED(m) {F_FIXED, offsetof(struct entry, m), sizeof(((struct entry *)0)->m), 0}
#define BLOB(m) {F_BLOB, offsetof(struct entry, m), 0, offsetof(struct entry, m##_len)}
#define BOOL(m) {F_BOOL, offsetof(struct entry, m), 0, 0}
#define U8(m) {F_U8, offsetof(struct entry, m), 0, 0}
#define U64(m) {F_U64, offsetof(struct entry, m), 0, 0}
#define INT(m) {F_INT, offsetof(struct entry, m), 0, 0}

static const struct field fields[] = {
	TEXT(node), FIXED(spool_id), U8(part_count), U64(spool), BOOL(has_message), FIXED(message), FIXED(dup_key),
	BOOL(has_subject), FIXED(subject), TEXT(subject_kind), BLOB(number_ct), TEXT(adapter),
	TEXT(link), TEXT(channel), TEXT(short_code), U64(received_us), INT(disposition),
	U8(parts), BLOB(message_ct), FIXED(conversation),
	FIXED(key.intake), TEXT(key.team), BLOB(key.wrapped), BLOB(key.intake_team),
	BLOB(key.intake_escrow), BOOL(has_report), FIXED(opening_key), TEXT(ref), U64(stamp),
	TEXT(urgency), TEXT(kind), TEXT(lang), BOOL(partial), INT(safe_contact), TEXT(commune),
	TEXT(candidates), BLOB(body_ct), FIXED(mac), U64(first_us), BOOL(opens),
};

static const char *const disposition_names[] = {
	[DISPOSITION_REPORT] = "report",   [DISPOSITION_ANSWER] = "answer",
	[DISPOSITION_STOP] = "stop",       [DISPOSITION_OTHERS] = "others",
	[DISPOSITION_EMPTY] = "empty",     [DISPOSITION_OFFICER] = "officer",
	[DISPOSITION_REPEAT] = "repeat",   [DISPOSITION_PART] = "part",
	[DISPOSITION_UNDECODABLE] = "undecodable", [DISPOSITION_TIMER] = "timer",
};

const char *disposition_name(enum disposition d)
{
	return disposition_names[d];
}

static size_t blob_len(const struct entry *e, const struct field *f)
{
	return *(const size_t *)(const void *)((const uint8_t *)e + f->len_at);
}

static void put_field(const struct entry *e, const struct field *f, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)e + f->at;

	switch (f->kind) {
	case F_TEXT:
		buf_put_str(out, (const char *)p);
		break;
	case F_FIXED:
		buf_put(out, p, f->size);
		break;
	case F_BLOB:
		buf_put_bytes(out, *(uint8_t *const *)(const void *)p, blob_len(e, f));
		break;
	case F_BOOL:
		buf_put_u8(out, *(const bool *)p);
		break;
	case F_U8:
		buf_put_u8(out, *p);
		break;
	case F_U64:
		buf_put_u64(out, *(const uint64_t *)(const void *)p);
		break;
	case F_INT:
		buf_put_u32(out, *(const uint32_t *)(const void *)p);
		break;
	}
}

static void get_blob(struct entry *e, const struct field *f, struct reader *r)
{
	size_t len = 0;
	const uint8_t *bytes = reader_bytes(r, &len);

	if (r->bad || len > ENTRY_BLOB_MAX) {
		r->bad = true;
		return;
	}
	if (len == 0)
		return;
	*(uint8_t **)(void *)((uint8_t *)e + f->at) = mem_dup(bytes, len);
	*(size_t *)(void *)((uint8_t *)e + f->len_at) = len;
}

static void get_field(struct entry *e, const struct field *f, struct reader *r)
{
	uint8_t *p = (uint8_t *)e + f->at;
	const uint8_t *fixed;

	switch (f->kind) {
	case F_TEXT:
		reader_str_into(r, (char *)p, f->size);
		break;
	case F_FIXED:
		fixed = reader_take(r, f->size);
		if (fixed)
			memcpy(p, fixed, f->size);
		break;
	case F_BLOB:
		get_blob(e, f, r);
		break;
	case F_BOOL:
		*(bool *)p = reader_u8(r) != 0;
		break;
	case F_U8:
		*p = reader_u8(r);
		break;
	case F_U64:
		*(uint64_t *)(void *)p = reader_u64(r);
		break;
	case F_INT:
		*(uint32_t *)(void *)p = reader_u32(r);
		break;
	}
}

static void get_parts(struct entry *e, struct reader *r)
{
	e->part = e->part_count ? mem_alloc(e->part_count * sizeof(*e->part)) : NULL;
	for (uint8_t i = 0; i < e->part_count; i++) {
		const uint8_t *bytes;

		e->part[i].spool = reader_u64(r);
		bytes = reader_take(r, sizeof(e->part[i].message.b) + sizeof(e->part[i].dup_key));
		if (!bytes)
			return;
		memcpy(e->part[i].message.b, bytes, sizeof(e->part[i].message.b));
		memcpy(e->part[i].dup_key, bytes + sizeof(e->part[i].message.b),
		       sizeof(e->part[i].dup_key));
	}
}

bool entry_encode(const struct entry *e, struct buf *out)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].kind == F_BLOB && blob_len(e, &fields[i]) > ENTRY_BLOB_MAX)
			return false;
	}
	buf_put_u8(out, ENTRY_VERSION);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		put_field(e, &fields[i], out);
	for (uint8_t i = 0; i < e->part_count; i++) {
		buf_put_u64(out, e->part[i].spool);
		buf_put(out, e->part[i].message.b, sizeof(e->part[i].message.b));
		buf_put(out, e->part[i].dup_key, sizeof(e->part[i].dup_key));
	}
	return true;
}

bool entry_decode(const void *bytes, size_t len, struct entry *out)
{
	struct reader r = reader_of(bytes, len);
	struct entry e = {0};

	if (reader_u8(&r) != ENTRY_VERSION)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !r.bad; i++)
		get_field(&e, &fields[i], &r);
	if ((unsigned)e.disposition > DISPOSITION_TIMER)
		r.bad = true;
	get_parts(&e, &r);
	if (r.bad || r.left != 0) {
		entry_fini(&e);
		return false;
	}
	*out = e;
	return true;
}

void entry_fini(struct entry *e)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].kind == F_BLOB)
			mem_free(*(uint8_t **)(void *)((uint8_t *)e + fields[i].at));
	}
	mem_free(e->part);
	memset(e, 0, sizeof(*e));
}
