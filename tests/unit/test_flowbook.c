/* Versions of the flows: a bad file changes nothing, old versions stay, retired ones stay retired. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "flows/engine/flow.h"
#include "path/flowbook.h"

enum { VERSIONS = 8 };

static char dir[40], flows[60], kept[60];
static struct flowbook *book;

static void put_file(const char *name, const char *bytes)
{
	char path[120];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", flows, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
	fclose(file);
}

/* A pack of one question; its wording is what differs between versions. */
static void put_pack(const char *text)
{
	char flow[400];

	put_file("pack.yaml", "pack: small\nflows: [one]\nlanguages: [vi]\nwait: {sms: 24h}\nretries: 2\n");
	snprintf(flow, sizeof(flow), "flow: one\nnodes:\n  what:\n    ask: {vi: \"%s\"}\n    type: text\n    go: bye\n"
				     "  bye:\n    end: {vi: \"Vâng.\"}\n", text);
	put_file("one.yaml", flow);
}

static void open_book(void)
{
	char error[2000];

	book = flowbook_open(flows, kept, error, sizeof(error));
	if (!book)
		fail_msg("%s", error);
}

/* A reload that must succeed. */
static void reload(const char *text)
{
	char error[2000];

	put_pack(text);
	if (!flowbook_reload(book, error, sizeof(error)))
		fail_msg("%s", error);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/hl-flowbook.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(flows, sizeof(flows), "%s/flows", dir);
	snprintf(kept, sizeof(kept), "%s/kept", dir);
	assert_int_equal(mkdir(flows, 0700), 0);
	put_pack("Một?");
	open_book();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	flowbook_close(book);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void a_change_in_any_file_is_a_new_version_and_the_old_one_stays(void **state)
{
	uint8_t one[32], two[32];

	(void)state;
	flowbook_current_hash(book, one);
	reload("Hai?");
	flowbook_current_hash(book, two);
	assert_memory_not_equal(one, two, sizeof(one));
	assert_non_null(flowbook_find(book, one));
	reload("Một?");
	flowbook_current_hash(book, two);
	assert_memory_equal(one, two, sizeof(one));
}

static void a_bad_file_changes_nothing_and_says_why(void **state)
{
	uint8_t before[32], after[32];
	char error[2000];

	(void)state;
	flowbook_current_hash(book, before);
	put_file("one.yaml", "flow: one\nnodes:\n  what:\n    tell: {vi: \"Vâng.\"}\n    go: nowhere\n");
	assert_false(flowbook_reload(book, error, sizeof(error)));
	assert_non_null(strstr(error, "one.yaml:5:9: E03"));
	flowbook_current_hash(book, after);
	assert_memory_equal(before, after, sizeof(before));
}

static void an_old_version_is_found_after_a_restart(void **state)
{
	uint8_t one[32];

	(void)state;
	flowbook_current_hash(book, one);
	reload("Hai?");
	flowbook_close(book);
	open_book();
	assert_non_null(flowbook_find(book, one));
	assert_memory_equal(flow_hash(flowbook_find(book, one)), one, sizeof(one));
}

static void all_versions_are_listed_the_current_one_first(void **state)
{
	struct flowbook_version versions[VERSIONS];
	uint8_t now[32];

	(void)state;
	reload("Hai?");
	reload("Ba?");
	flowbook_current_hash(book, now);
	flowbook_close(book);
	open_book();
	assert_int_equal(flowbook_versions(book, versions, VERSIONS), 3);
	assert_true(versions[0].current);
	assert_memory_equal(flow_hash(versions[0].flow), now, sizeof(now));
	assert_false(versions[1].current || versions[2].current);
	assert_int_equal(flowbook_versions(book, versions, 2), 2);
}

static void a_retired_version_stays_retired_until_it_is_current_again(void **state)
{
	uint8_t one[32];

	(void)state;
	flowbook_current_hash(book, one);
	assert_false(flowbook_retire(book, one));
	reload("Hai?");
	assert_false(flowbook_is_retired(book, one));
	assert_true(flowbook_retire(book, one));
	flowbook_close(book);
	open_book();
	assert_non_null(flowbook_find(book, one));
	assert_true(flowbook_is_retired(book, one));
	reload("Một?");
	assert_false(flowbook_is_retired(book, one));
}

static void a_version_that_nobody_has_is_not_found_and_not_retired(void **state)
{
	static const uint8_t none[32] = {1};

	(void)state;
	assert_null(flowbook_find(book, none));
	assert_false(flowbook_retire(book, none));
	assert_false(flowbook_is_retired(book, none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_in_any_file_is_a_new_version_and_the_old_one_stays, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_bad_file_changes_nothing_and_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(an_old_version_is_found_after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(all_versions_are_listed_the_current_one_first, setup, teardown),
		cmocka_unit_test_setup_teardown(a_retired_version_stays_retired_until_it_is_current_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_version_that_nobody_has_is_not_found_and_not_retired, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("flowbook", tests, NULL, NULL);
}
