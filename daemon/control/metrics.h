/* GET /metrics for Prometheus, on a loopback address or a unix socket: what a person would read in
 * `hotlinectl links` and `status`, as numbers. Nothing in it tells of anybody who texted. */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include <stddef.h>

struct buf;
struct hotline;
struct metrics;

/* Listens where metrics.listen ("127.0.0.1:9464") or metrics.socket says; NULL with an empty error if
 * neither is set. On a fault NULL and "file:line:column: text". */
struct metrics *metrics_new(const struct hotline *h, char *error, size_t error_size);
void metrics_free(struct metrics *metrics);

/* The page itself, text format 0.0.4. */
void metrics_write(const struct hotline *h, struct buf *out);

#endif
