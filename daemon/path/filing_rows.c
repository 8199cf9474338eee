/* Entries of the queue as parameters of the schema's filing functions. */
#include "path/filing_rows.h"

#include "core/entry.h"
#include "store/pg.h"

static const struct pg_statement file_entry = {
	"filing_entry",
	"select o_case_ref, o_what from file_entry($1::uuid, $2::bytea, $3::bytea, $4::text, $5::bytea,"
	" $6::text, $7::text, $8::text, $9::text, $10::bigint, $11::text, $12::uuid, $13::int, $14::bytea,"
	" $15::uuid, $16::text, $17::bytea, $18::uuid, $19::bytea, $20::bytea, $21::bytea, $22::text,"
	" $23::bigint, $24::text, $25::text, $26::text, $27::bool, $28::int, $29::text, $30::text,"
	" $31::bytea, $32::bytea, $33::bigint, $34::bool, $35::text)"};

/* Nothing but what is sealed, hashed or checked by the function itself. */
static const struct pg_statement file_raw = {
	"filing_raw",
	"select o_case_ref, o_what from file_raw($1::uuid, $2::bytea, $3::bytea, $4::text, $5::bytea,"
	" $6::bigint, $7::bytea, $8::uuid, $9::text, $10::bytea, $11::uuid, $12::bytea, $13::bytea,"
	" $14::bytea, $15::text, $16::bigint, $17::text, $18::bytea, $19::bytea, $20::bigint, $21::text)"};

static void put_report(struct pg_params *p, const struct entry *e)
{
	if (!e->has_report) {
		for (int i = 0; i < 10; i++)
			pg_put_text(p, NULL);
		pg_put_bytes(p, NULL, 0);
		pg_put_bytes(p, NULL, 0);
		pg_put_text(p, NULL);
		return;
	}
	pg_put_bytes(p, e->opening_key, sizeof(e->opening_key));
	pg_put_text(p, e->ref);
	pg_put_int(p, e->stamp);
	pg_put_text(p, e->urgency);
	pg_put_text(p, e->kind);
	pg_put_text(p, e->lang);
	pg_put_bool(p, e->partial);
	pg_put_int(p, e->safe_contact);
	pg_put_text(p, e->commune[0] ? e->commune : NULL);
	pg_put_text(p, e->candidates);
	pg_put_bytes(p, e->body_ct, e->body_ct_len);
	pg_put_bytes(p, e->mac, sizeof(e->mac));
	pg_put_int(p, e->first_us);
}

static void put_key(struct pg_params *p, const struct entry *e)
{
	pg_put_uuid(p, e->conversation.b);
	pg_put_text(p, e->key.team);
	pg_put_bytes(p, e->key.wrapped, e->key.wrapped_len);
	pg_put_uuid(p, e->key.intake.b);
	pg_put_bytes(p, e->key.intake_team, e->key.intake_team_len);
	pg_put_bytes(p, e->key.intake_escrow, e->key.intake_escrow_len);
}

/* The columns that name the delivery: its id, its duplicate key and its sender. */
static void put_delivery(struct pg_params *p, const struct entry *e, const struct entry_part *part)
{
	if (e->has_message)
		pg_put_uuid(p, part ? part->message.b : e->message.b);
	else
		pg_put_text(p, NULL);
	pg_put_bytes(p, e->has_message ? (part ? part->dup_key : e->dup_key) : NULL, ENTRY_KEY_LEN);
	pg_put_bytes(p, e->has_subject ? e->subject : NULL, ENTRY_KEY_LEN);
	pg_put_text(p, e->subject_kind);
	pg_put_bytes(p, e->number_ct, e->number_ct_len);
}

/* part NULL: the delivery itself. Otherwise the row of one further part, without text or report. */
static struct pg_params *params_of(const struct entry *e, const struct entry_part *part)
{
	static const struct entry nothing;
	struct pg_params *p = pg_params_new();

	put_delivery(p, e, part);
	pg_put_text(p, e->adapter);
	pg_put_text(p, e->link);
	pg_put_text(p, e->channel);
	pg_put_text(p, e->short_code);
	pg_put_int(p, e->received_us);
	pg_put_text(p, disposition_name(part ? DISPOSITION_PART : e->disposition));
	if (part)
		pg_put_uuid(p, e->message.b);
	else
		pg_put_text(p, NULL);
	pg_put_int(p, e->parts);
	pg_put_bytes(p, part ? NULL : e->message_ct, part ? 0 : e->message_ct_len);
	put_key(p, e);
	put_report(p, part ? &nothing : e);
	pg_put_bool(p, !part && e->opens);
	pg_put_text(p, e->node);
	return p;
}

static struct pg_params *raw_params_of(const struct entry *e, const struct entry_part *part)
{
	static const struct entry nothing;
	const struct entry *report = part || !e->has_report ? &nothing : e;
	struct pg_params *p = pg_params_new();

	put_delivery(p, e, part);
	pg_put_int(p, e->received_us);
	pg_put_bytes(p, part ? NULL : e->message_ct, part ? 0 : e->message_ct_len);
	put_key(p, e);
	pg_put_bytes(p, report->has_report ? e->opening_key : NULL, ENTRY_KEY_LEN);
	pg_put_text(p, report->ref);
	pg_put_int(p, report->stamp);
	pg_put_text(p, report->urgency);
	pg_put_bytes(p, report->body_ct, report->body_ct_len);
	pg_put_bytes(p, report->has_report ? e->mac : NULL, sizeof(e->mac));
	pg_put_int(p, report->first_us);
	pg_put_text(p, e->node);
	return p;
}

void filing_rows_add(struct pg_batch *b, const struct entry *e, bool raw, pg_row_fn *row, void *arg)
{
	const struct pg_statement *st = raw ? &file_raw : &file_entry;
	struct pg_params *(*params)(const struct entry *, const struct entry_part *) =
		raw ? raw_params_of : params_of;

	pg_batch_add(b, st, params(e, NULL), row, arg);
	for (uint8_t i = 0; i < e->part_count; i++)
		pg_batch_add(b, st, params(e, &e->part[i]), NULL, arg);
}
