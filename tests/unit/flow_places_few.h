/* A table of four places, enough to ask which one is meant. */
#ifndef TESTS_UNIT_FLOW_PLACES_FEW_H
#define TESTS_UNIT_FLOW_PLACES_FEW_H

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/flow.h"
#include "flows/engine/fold.h"

static const struct {
	const char *code, *name, *label, *province;
} few_places[] = {
	{"1", "bom bo", "Bom Bo, Đồng Nai", ""},
	{"1001", "tan phu", "Tân Phú, Đồng Nai", "dong nai"},
	{"1002", "tan phu", "Tân Phú, Đồng Tháp", "dong thap"},
	{"1003", "tan phu", "Tân Phú, Vĩnh Long", "vinh long"},
};

enum { FEW_PLACES = sizeof few_places / sizeof *few_places };

static inline void few_find(const char *text, const char *home, struct flow_place_found *out)
{
	char *folded = fold_text(text);

	(void)home;
	*out = (struct flow_place_found){0};
	for (size_t i = 0; i < FEW_PLACES; i++) {
		if (!strstr(folded, few_places[i].name))
			continue;
		if (few_places[i].province[0] && strstr(folded, few_places[i].province)) {
			snprintf(out->candidates[0], FLOW_PLACE_CODE, "%s", few_places[i].code);
			out->count = 1;
			break;
		}
		snprintf(out->candidates[out->count++], FLOW_PLACE_CODE, "%s", few_places[i].code);
	}
	if (out->count == 1)
		memcpy(out->code, out->candidates[0], sizeof out->code);
	mem_free(folded);
}

static inline bool few_label(const char *code, bool accents, char *out, size_t size)
{
	char *plain;

	for (size_t i = 0; i < FEW_PLACES; i++) {
		if (strcmp(code, few_places[i].code))
			continue;
		plain = fold_to_gsm(few_places[i].label);
		snprintf(out, size, "%s", accents ? few_places[i].label : plain);
		mem_free(plain);
		return true;
	}
	return false;
}

static const struct flow_places few = {.find = few_find, .label = few_label};

#endif
