/* What pg.c and pg_values.c share: parameters on their way to libpq and results on their way back. */
#ifndef STORE_PG_VALUES_H
#define STORE_PG_VALUES_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "store/pg.h"

struct pg_params {
	struct buf bytes;              /* every value, text ones with their NUL */
	size_t offset[PG_PARAMS_MAX];  /* into bytes */
	int len[PG_PARAMS_MAX];
	int format[PG_PARAMS_MAX];     /* 0 text, 1 binary */
	bool null[PG_PARAMS_MAX];
	int count;
};

struct pg_result {
	PGresult *res;
};

/* SQLSTATE, primary message and constraint. Never DETAIL, and no message at all for data exceptions:
 * both quote values. */
void pg_error_text(const PGresult *res, char *out, size_t size);

#endif
