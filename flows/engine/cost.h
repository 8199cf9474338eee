/* What a text costs on the air: its alphabet, length and number of segments or screens. Shared by the
 * checker (E09) and by `hotlinectl flow cost`. */
#ifndef FLOWS_ENGINE_COST_H
#define FLOWS_ENGINE_COST_H

#include <stdbool.h>
#include <stddef.h>

enum {
	/* 3GPP 23.040 section 9.2.3.24.1: one segment alone, and one of several (header of 6 octets) */
	COST_GSM_ALONE = 160, COST_GSM_PART = 153,
	COST_UCS2_ALONE = 70, COST_UCS2_PART = 67,
	/* a USSD screen: carriers allow less than the 182 septets of 3GPP 23.038 section 6.1.2.3 */
	COST_GSM_SCREEN = 160, COST_UCS2_SCREEN = 80
};

struct cost {
	bool ucs2;
	size_t units;       /* septets, or UTF-16 units if ucs2 */
	size_t segments;    /* of an SMS; at least 1 */
	size_t screens;     /* of USSD, without the lines that paging adds; at least 1 */
	char culprit[5];    /* first character outside GSM 03.38 (UTF-8); "" if there is none */
	size_t culprit_at;  /* characters before it */
};

/* text: valid UTF-8, as it is handed to the carrier. */
void cost_of(const char *text, struct cost *out);

#endif
