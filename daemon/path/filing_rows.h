/* What is sent to PostgreSQL for one entry of the queue: a row for the delivery with its report, and one
 * for each further part. */
#ifndef PATH_FILING_ROWS_H
#define PATH_FILING_ROWS_H

#include <stdbool.h>

#include "store/pg.h"

struct entry;

/* Adds the statements. row gets (case reference, what it led to) of the delivery. raw: for an entry that
 * was refused; only its sealed bytes are trusted, and a person is to read it. `e` is borrowed. */
void filing_rows_add(struct pg_batch *b, const struct entry *e, bool raw, pg_row_fn *row, void *arg);

#endif
