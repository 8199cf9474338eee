/* Broken flows, each of which says on its first line what the checker must find in it and where; and
 * files made to hurt whoever reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "flow_help.h"

/* CPU time, twice what is promised for a build as it is shipped: a busy machine's clock is slow. Sanitizers
 * cost several times that. */
#ifdef __SANITIZE_ADDRESS__ /* gcc */
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#if SANITIZED
enum { HOSTILE_MS = 100 * 6 };
#else
enum { HOSTILE_MS = 100 };
#endif

enum { FLOWS_MIN = 30, DEEP = 100000, LARGE_BYTES = 50 << 20 };

static const char folder[] = "tests/flows/broken";

/* ---- thirty broken flows ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The findings in the form of the first line: "8:1 E02, 20:9 E03"; in a pack "two.yaml:3:16 E17". */
static void name_findings(const struct flow_findings *found, bool pack, struct buf *out)
{
	for (size_t i = 0; i < found->count; i++)
		buf_printf(out, "%s%s%s%u:%u %s", i ? ", " : "", pack ? base_name(found->items[i].file) : "",
		           pack ? ":" : "", found->items[i].line, found->items[i].column,
		           found->items[i].code);
}

static char *expectation(const char *name, bool pack)
{
	static const char key[] = "# expect: ";
	char *path = mem_printf("%s/%s%s", folder, name, pack ? "/pack.yaml" : "");
	size_t len = 0;
	char *bytes = read_source(path, &len);

	assert_non_null(bytes);
	assert_memory_equal(bytes, key, sizeof key - 1);
	memmove(bytes, bytes + sizeof key - 1, len - (sizeof key - 1));
	bytes[strcspn(bytes, "\n")] = '\0';
	mem_free(path);
	return bytes;
}

static void check_one(const char *source, const char *name)
{
	char *path = mem_printf("%s/%s/%s", source, folder, name), *want;
	struct flow_findings found = {0};
	struct buf got = {0};
	bool pack = !strstr(name, ".yaml");
	struct flow *flow = pack ? flow_load_pack(path, &found) : flow_load_file(path, &found);

	assert_null(flow);
	want = expectation(name, pack);
	name_findings(&found, pack, &got);
	if (strcmp(want, buf_cstr(&got))) {
		print_findings(&found);
		fail_msg("%s: expected %s, found %s", name, want, buf_cstr(&got));
	}
	for (size_t i = 0; i < found.count; i++)
		assert_true(found.items[i].text[0] && strlen(found.items[i].text) < 400);
	flow_findings_fini(&found);
	buf_free(&got);
	mem_free(want);
	mem_free(path);
}

static void every_broken_flow_is_refused_where_it_is_broken_and_nowhere_else(void **state)
{
	const char *source = getenv("HOTLINED_SRC") ? getenv("HOTLINED_SRC") : ".";
	char *path = mem_printf("%s/%s", source, folder);
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, alphasort);
	size_t flows = 0;

	(void)state;
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			check_one(source, names[i]->d_name);
			flows++;
		}
		free(names[i]);
	}
	free(names);
	mem_free(path);
	assert_true(flows >= FLOWS_MIN);
}

/* ---- hostile files ---- */

static int64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void repeat(struct buf *out, const char *text, size_t times)
{
	while (times--)
		buf_put(out, text, strlen(text));
}

static void refuse(const struct buf *bytes, const char *what)
{
	struct flow_findings found = {0};
	int64_t start = cpu_ms(), took;

	assert_null(flow_load("hostile.yaml", (const char *)bytes->data, bytes->len, &found));
	took = cpu_ms() - start;
	if (took >= HOSTILE_MS)
		fail_msg("%s: refused after %d ms", what, (int)took);
	assert_true(found.count > 0 && found.count <= 1000);
	assert_string_equal(found.items[0].code, "E01");
	flow_findings_fini(&found);
}

static void hostile_files_are_refused_at_once(void **state)
{
	static const struct {
		const char *what, *before, *repeated, *after;
		size_t times;
	} rows[] = {
		{"aliases of aliases", "a: &a [x, x]\n", "b: [*a, *a, *a, *a]\n", "", 1000},
		{"nested lists", "flow: ", "[", "", DEEP},
		{"nested maps", "flow: ", "{a: ", "", DEEP},
		{"nested blocks", "", "- ", "x\n", DEEP},
		{"duplicate keys", "flow: x\n", "flow: x\n", "", 40000},
		{"invalid UTF-8", "flow: x\nretries: \xc3", "\x28", "\n", 1},
		{"a long comment and a bad byte", "# ", "x", "\xff\n", 1000000},
		{"tags", "flow: !!binary ", "x", "\n", 10},
		{"a document behind the document", "flow: x\n", "---\nflow: y\n", "", 1000},
		{"brackets that never match", "flow: ", "]", "", 100000},
		{"quotes without an end", "flow: \"", "x", "", 900000},
	};
	struct buf bytes = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&bytes);
		repeat(&bytes, rows[i].before, 1);
		repeat(&bytes, rows[i].repeated, rows[i].times);
		repeat(&bytes, rows[i].after, 1);
		refuse(&bytes, rows[i].what);
	}
	buf_clear(&bytes);
	buf_put(&bytes, "flow: a\0b\n", 10);
	refuse(&bytes, "a NUL");
	buf_clear(&bytes);
	buf_put(&bytes, "%%file pack.yaml\n%%file \n%%file", 31);
	refuse(&bytes, "a bundle of nothing");
	buf_free(&bytes);
}

static void a_file_of_fifty_megabytes_is_refused_by_its_size(void **state)
{
	char path[] = "/tmp/flow-large-XXXXXX";
	int fd = mkstemp(path);
	struct flow_findings found = {0};
	int64_t start;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, LARGE_BYTES), 0);
	close(fd);
	start = cpu_ms();
	assert_null(flow_load_file(path, &found));
	assert_true(cpu_ms() - start < HOSTILE_MS);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].code, "E01");
	assert_non_null(strstr(found.items[0].text, "larger"));
	flow_findings_fini(&found);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_broken_flow_is_refused_where_it_is_broken_and_nowhere_else),
		cmocka_unit_test(hostile_files_are_refused_at_once),
		cmocka_unit_test(a_file_of_fifty_megabytes_is_refused_by_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
