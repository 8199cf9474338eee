/* Any bytes as an author's file: they load or are refused with findings, and what loads can be talked
 * to. After a NUL byte the rest of the input is what the reporter says, one text a line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/flow.h"

enum { TEXTS_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow_state *reload(struct flow_state *state)
{
	struct buf bytes = {0};
	struct flow_state *again;

	flow_state_save(state, &bytes);
	again = bytes.len <= FLOW_STATE_MAX ? flow_state_load(bytes.data, bytes.len) : NULL;
	if (!again)
		abort(); /* what was saved must load */
	buf_free(&bytes);
	flow_state_free(state);
	return again;
}

static void talk(const struct flow *flow, char *texts)
{
	struct flow_state *state = flow_state_new(flow, "BP-1", "");
	struct flow_effects effects;
	char *text;

	for (uint8_t i = 1; i < TEXTS_MAX && (text = strsep(&texts, "\n")); i++) {
		struct flow_event event = {.kind = FLOW_EV_TEXT, .id = {i}, .text = text};

		flow_step(flow, state, &event, 1000 * i, &effects);
		flow_effects_fini(&effects);
		state = reload(state);
	}
	flow_state_free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t file_len = nul ? (size_t)(nul - data) : size;
	struct flow_findings found = {0};
	struct flow *flow = flow_load("fuzz.yaml", (const char *)data, file_len, &found);
	char *texts;

	if (!flow && !found.count)
		abort(); /* a refusal names its reason */
	if (flow && nul) {
		texts = mem_strndup((const char *)nul + 1, size - file_len - 1);
		talk(flow, texts);
		mem_free(texts);
	}
	flow_free(flow);
	flow_findings_fini(&found);
	return 0;
}
