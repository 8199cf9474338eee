/* One PDU as a line for a person who looks for a fault: every field that matters to a carrier, no
 * text, no number in full, no password. Pure. */
#ifndef ADAPTERS_SMPP_TRACE_H
#define ADAPTERS_SMPP_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum { TRACE_LINE_MAX = 512 };

void trace_line(const uint8_t *bytes, size_t len, char out[TRACE_LINE_MAX]);

#endif
