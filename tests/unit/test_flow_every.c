/* Every key of the flow language, played: a pack of several flows, with places and USSD. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow_help.h"
#include "flow_places_few.h"
#include "flows/engine/dialogue.h"

enum { DIALOGUES_MIN = 20 };

static void the_dialogues_over_every_key_hold(void **state)
{
	struct flow *flow = load_pack("tests/flows/every");
	const struct dialogue_options options = {.places = &few};
	struct flow_findings found = {0};
	size_t len = 0, count;
	char *bytes = read_source("tests/flows/every/tests.yaml", &len);

	(void)state;
	assert_non_null(flow);
	assert_non_null(bytes);
	count = dialogue_run(flow, &options, "tests.yaml", bytes, len, &found);
	print_findings(&found);
	assert_int_equal(found.count, 0);
	assert_true(count >= DIALOGUES_MIN);
	flow_findings_fini(&found);
	mem_free(bytes);
	flow_free(flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dialogues_over_every_key_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
