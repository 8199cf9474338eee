/* PDUs written octet by octet, right or wrong: what the tests of the SMPP codec share. */
#ifndef TESTS_UNIT_SMPP_WIRE_H
#define TESTS_UNIT_SMPP_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/smpp/pdu.h"
#include "base/buf.h"

extern struct buf wire; /* the PDU being written */

void wire_start(uint32_t command_id, uint32_t status, uint32_t sequence); /* the header */
void wire_put(const char *bytes, size_t len);
#define PUT(literal) wire_put(literal, sizeof(literal) - 1)
#define PUT_TEXT(literal) wire_put(literal, sizeof(literal))
void wire_tlv(uint16_t tag, const void *value, uint16_t len);
/* Mandatory part of a deliver_sm up to, not including, sm_length. */
void wire_deliver(uint8_t esm_class, uint8_t data_coding);
void wire_body(const void *bytes, uint8_t len); /* sm_length and short_message */

/* Sets command_length and decodes from a heap copy of the exact size, good until the next call, so
 * that the sanitizer sees one octet too far. */
enum pdu_result wire_decode(struct pdu *pdu);
void expect_octets(struct octets got, const char *want);

#define TEST(name) cmocka_unit_test_teardown(name, wire_clean)
int wire_clean(void **state);

#endif
