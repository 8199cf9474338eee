/* Between the table of places and the flow engine, which knows neither tables nor countries. */
#include "core/flow_places.h"

#include <stdio.h>
#include <string.h>

#include "core/places.h"
#include "flows/engine/flow.h"

static void find(const char *text, const char *home, struct flow_place_found *out)
{
	struct places_found found;

	places_find(text, home, &found);
	*out = (struct flow_place_found){.more = found.more};
	snprintf(out->code, sizeof out->code, "%s", found.commune);
	for (size_t i = 0; i < found.count && i < FLOW_PLACES_MAX; i++)
		snprintf(out->candidates[out->count++], sizeof *out->candidates, "%s",
		         found.candidates[i]);
}

/* "Bom Bo, Dong Nai"; of a province its name alone. */
static bool label(const char *code, bool accents, char *out, size_t size)
{
	const char *name = places_name(code, accents), *province = places_province(code);

	if (!name)
		return false;
	if (province && strcmp(province, code))
		snprintf(out, size, "%s, %s", name, places_name(province, accents));
	else
		snprintf(out, size, "%s", name);
	return true;
}

const struct flow_places *flow_places_vn(void)
{
	static const struct flow_places table = {.find = find, .label = label};

	return &table;
}
