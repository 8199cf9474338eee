/* Values to and from PostgreSQL: parameters, columns of a result, and the text of an error. */
#include "store/pg_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/charset.h"
#include "core/ids.h"

struct pg_params *pg_params_new(void)
{
	return mem_alloc(sizeof(struct pg_params));
}

void pg_params_free(struct pg_params *p)
{
	if (!p)
		return;
	buf_free(&p->bytes);
	mem_free(p);
}

static void param_put(struct pg_params *p, const void *bytes, size_t len, int format)
{
	int i = p->count;

	if (i == PG_PARAMS_MAX)
		fatal(EXIT_SOFTWARE, "a statement has more than %d parameters", PG_PARAMS_MAX);
	p->count++;
	p->null[i] = !bytes;
	p->format[i] = format;
	p->len[i] = (int)len;
	p->offset[i] = p->bytes.len;
	if (bytes)
		buf_put(&p->bytes, bytes, len);
	buf_put_u8(&p->bytes, 0);
}

void pg_put_text(struct pg_params *p, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	struct buf clean = {0};

	if (!text || charset_utf8_valid(text, len)) {
		param_put(p, text, len, 0);
		return;
	}
	charset_to_utf8(ALPHABET_UTF8, text, len, &clean);
	param_put(p, buf_cstr(&clean), clean.len, 0);
	buf_free(&clean);
}

void pg_put_bytes(struct pg_params *p, const void *bytes, size_t len)
{
	param_put(p, bytes, len, 1);
}

void pg_put_int(struct pg_params *p, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	pg_put_text(p, text);
}

void pg_put_bool(struct pg_params *p, bool v)
{
	pg_put_text(p, v ? "t" : "f");
}

void pg_put_uuid(struct pg_params *p, const uint8_t id[16])
{
	char text[ID16_TEXT];
	struct id16 copy;

	memcpy(copy.b, id, sizeof(copy.b));
	id16_text(&copy, text);
	pg_put_text(p, text);
}

/* ---- results ---- */

int pg_rows(const struct pg_result *r)
{
	return PQntuples(r->res);
}

bool pg_is_null(const struct pg_result *r, int row, int column)
{
	return PQgetisnull(r->res, row, column) != 0;
}

const char *pg_get(const struct pg_result *r, int row, int column)
{
	return PQgetvalue(r->res, row, column);
}

int64_t pg_get_int(const struct pg_result *r, int row, int column)
{
	return strtoll(PQgetvalue(r->res, row, column), NULL, 10);
}

/* Length of a bytea in hex output, or false if the value is not one. */
static bool bytea_len(const struct pg_result *r, int row, int column, size_t *len)
{
	const char *text = PQgetvalue(r->res, row, column);
	int chars = PQgetlength(r->res, row, column);

	if (PQgetisnull(r->res, row, column) || chars < 2 || text[0] != '\\' || text[1] != 'x')
		return false;
	*len = (size_t)(chars - 2) / 2;
	return true;
}

size_t pg_get_bytes(const struct pg_result *r, int row, int column, void *out, size_t size)
{
	size_t len;

	if (!bytea_len(r, row, column, &len))
		return 0;
	if (len > size)
		len = size;
	char *hex = mem_strndup(PQgetvalue(r->res, row, column) + 2, 2 * len);
	bool ok = hex_decode(hex, out, len);

	mem_free(hex);
	return ok ? len : 0;
}

uint8_t *pg_get_bytes_dup(const struct pg_result *r, int row, int column, size_t *len)
{
	size_t n;

	if (!bytea_len(r, row, column, &n))
		return NULL;
	uint8_t *out = mem_alloc(n + 1);

	*len = pg_get_bytes(r, row, column, out, n);
	return out;
}

bool pg_get_uuid(const struct pg_result *r, int row, int column, uint8_t id[16])
{
	struct id16 parsed;

	if (!id16_parse(PQgetvalue(r->res, row, column), &parsed))
		return false;
	memcpy(id, parsed.b, sizeof(parsed.b));
	return true;
}

bool pg_error_is_data(const char *error)
{
	return error && (!strncmp(error, "22", 2) || !strncmp(error, "23", 2)) && strlen(error) >= 5;
}

void pg_error_text(const PGresult *res, char *out, size_t size)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);

	if (!state)
		snprintf(out, size, "no answer from the server");
	else if (!strncmp(state, "22", 2))
		snprintf(out, size, "%s: a value was refused", state);
	else
		snprintf(out, size, "%s: %s%s%s", state, message ? message : "",
		         constraint ? ", constraint " : "", constraint ? constraint : "");
}
