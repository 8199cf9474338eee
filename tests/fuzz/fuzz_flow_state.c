/* Any bytes as a saved state: they are refused, or the conversation can go on and be saved again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/engine/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char small[] =
	"flow: small\nlanguages: [vi]\nwait: {sms: 1h}\nretries: 1\nfirst_text: what\nowed: [what]\n"
	"safe: safe\nwords: {back: {any: [\"00\"]}, stop: {any: [stop]}}\nnodes:\n"
	"  what: {ask: {vi: A}, type: text 3.., go: safe}\n"
	"  safe: {ask: {vi: B}, pick: {yes: {vi: [co]}, no: {vi: [khong]}}, go: bye}\n"
	"  bye: {do: [file normal], end: {vi: \"{ref} {what}\"}}\n";

static void go_on(const struct flow *flow, struct flow_state *state)
{
	static const char *const texts[] = {"co", "00", "chau be khoc", "x", "stop"};
	struct flow_effects effects;
	struct flow_report report;

	for (uint8_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct flow_event event = {.kind = FLOW_EV_TEXT, .id = {i, 1}, .text = texts[i]};

		flow_step(flow, state, &event, 1000, &effects);
		flow_effects_fini(&effects);
	}
	flow_report(flow, state, &report);
	flow_report_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flow *flow;
	struct flow_findings found = {0};
	struct flow_state *state;
	struct buf bytes = {0}, start = {0};

	if (!flow)
		flow = flow_load("small.yaml", small, strlen(small), &found);
	if (!flow)
		abort();
	/* the magic and the hash of the flow are given, or no input would ever get past them */
	state = flow_state_new(flow, "BP-1", "");
	flow_state_save(state, &start);
	flow_state_free(state);
	buf_put(&bytes, start.data, 4 + FLOW_HASH_LEN);
	buf_put(&bytes, data, size);
	state = flow_state_load(bytes.data, bytes.len);
	if (state)
		go_on(flow, state);
	buf_clear(&bytes);
	if (state)
		flow_state_save(state, &bytes);
	if (bytes.len > FLOW_STATE_MAX)
		abort();
	flow_state_free(state);
	buf_free(&start);
	buf_free(&bytes);
	return 0;
}
