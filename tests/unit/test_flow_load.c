/* The checker: a small flow that is right, and one change to it for every finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "flow_help.h"

static const char sound[] =
	"flow: small\n"                                               /* 1 */
	"languages: [vi, en]\n"                                       /* 2 */
	"wait: {sms: 24h}\n"                                          /* 3 */
	"retries: 2\n"                                                /* 4 */
	"first_text: what\n"                                          /* 5 */
	"owed: [what]\n"                                              /* 6 */
	"words:\n"                                                    /* 7 */
	"  back: {any: [\"00\"]}\n"                                   /* 8 */
	"  stop: {vi: [THOÁT], en: [STOP]}\n"                         /* 9 */
	"say: {help: {vi: Gọi 111., en: Call 111.}}\n"                /* 10 */
	"nodes:\n"                                                    /* 11 */
	"  what:\n"                                                   /* 12 */
	"    ask: {vi: \"Chuyện gì?\", en: \"What is it?\"}\n"        /* 13 */
	"    type: text 3..\n"                                        /* 14 */
	"    go: now\n"                                               /* 15 */
	"  now:\n"                                                    /* 16 */
	"    ask: {vi: \"Gấp không?\", en: \"Urgent?\"}\n"            /* 17 */
	"    pick:\n"                                                 /* 18 */
	"      yes: {vi: [Có], en: [Yes], do: [alert duty]}\n"        /* 19 */
	"      no: {vi: [Không], en: [No], go: age}\n"                /* 20 */
	"    go: route\n"                                             /* 21 */
	"  age:\n"                                                    /* 22 */
	"    ask: {vi: \"Mấy tuổi?\", en: \"How old?\"}\n"            /* 23 */
	"    type: number 0..17, 99\n"                                /* 24 */
	"    go: route\n"                                             /* 25 */
	"  route:\n"                                                  /* 26 */
	"    when:\n"                                                 /* 27 */
	"      - {if: now = yes or urgency >= cao, go: bye}\n"        /* 28 */
	"      - {else: bye}\n"                                       /* 29 */
	"  bye:\n"                                                    /* 30 */
	"    do: [file normal]\n"                                     /* 31 */
	"    end: {vi: \"Mã {ref}.\", en: \"Code {ref}.\"}\n";        /* 32 */

/* The sound flow with the first `from` replaced by `to`. */
static void patch(struct buf *out, const char *from, const char *to)
{
	const char *at = strstr(sound, from);

	assert_non_null(at);
	buf_clear(out);
	buf_put(out, sound, (size_t)(at - sound));
	buf_put(out, to, strlen(to));
	buf_put(out, at + strlen(from), strlen(at + strlen(from)));
}

static const struct flow_finding *find(const struct flow_findings *found, const char *code,
                                       unsigned line, const char *says)
{
	for (size_t i = 0; i < found->count; i++)
		if (!strcmp(found->items[i].code, code) && found->items[i].line == line &&
		    strstr(found->items[i].text, says))
			return &found->items[i];
	return NULL;
}

static void a_sound_flow_loads_and_its_hash_follows_its_content(void **state)
{
	struct flow_findings found = {0};
	struct flow *a = flow_load("a.yaml", sound, strlen(sound), &found);
	struct flow *b = flow_load("b.yaml", sound, strlen(sound), &found);
	struct buf changed = {0};
	struct flow *c;

	(void)state;
	patch(&changed, "Gấp không?", "Gấp không ạ?");
	c = flow_load("a.yaml", (char *)changed.data, changed.len, &found);
	print_findings(&found);
	assert_int_equal(found.count, 0);
	assert_string_equal(flow_name(a), "small");
	assert_memory_equal(flow_hash(a), flow_hash(b), FLOW_HASH_LEN);
	assert_memory_not_equal(flow_hash(a), flow_hash(c), FLOW_HASH_LEN);
	flow_free(a);
	flow_free(b);
	flow_free(c);
	buf_free(&changed);
}

static void every_fault_is_named_with_its_place(void **state)
{
	static const struct {
		const char *from, *to, *code;
		unsigned line;
		const char *says;
	} rows[] = {
		{"retries: 2", "retries: [2", "E01", 5, ""},
		{"retries: 2", "retires: 2", "E02", 4, "\"retries\""},
		{"back:", "bck:", "E02", 8, "\"back\""},
		{"    type: text 3..", "    typo: text 3..", "E02", 14, "\"type\""},
		{"say: {help: {vi:", "say: {help: {vn:", "E02", 10, "\"vi\""},
		{"{vi: [Không], en: [No], go: age}", "{vi: [Không], en: [No], goo: age}", "E02", 20, "\"go\""},
		{"do: [file normal]\n    end", "type: text\n    end", "E02", 31, "takes no"},
		{"go: now", "go: nowe", "E03", 15, "\"now\""},
		{"first_text: what", "first_text: wath", "E03", 5, "\"what\""},
		{"if: now = yes", "if: nwo = yes", "E03", 28, "nwo"},
		{"Gấp không?\", en: \"Urgent?", "{x}?\", en: \"{x}?", "E03", 17, "\"x\""},
		{"go: age}", "go: bye}", "E04", 22, "age"},
		{"    go: route\n  age", "  age", "E05", 19, "yes"},
		{"    end: {vi: \"Mã {ref}.\", en: \"Code {ref}.\"}", "    go: what", "E05", 26, "route"},
		{"      - {else: bye}", "      - {if: now = no, go: bye}", "E05", 29, "else"},
		{"{else: bye}", "{else: route}", "E06", 26, "ring"},
		{"retries: 2\n", "\n", "E07", 12, "retries"},
		{"wait: {sms: 24h}", "wait: {ussd: 90s}", "E07", 16, "wait"},
		{", en: \"Urgent?\"", "", "E08", 17, "\"en\""},
		{"Code {ref}", "Code", "E08", 32, "{ref}"},
		{", en: [No]", "", "E08", 20, "\"en\""},
		{"vi: [Có]", "vi: [khóng]", "E10", 20, "answers"},
		{"vi: [Có]", "vi: [Thoát]", "E10", 19, "command"},
		{"en: [STOP]", "en: [00]", "E10", 9, "commands"},
		{"retries: 2", "retries: two", "E12", 4, "number"},
		{"text 3..", "text many", "E12", 14, "text 3.."},
		{"0..17, 99", "17..0", "E12", 24, "number"},
		{"sms: 24h", "sms: soon", "E12", 3, "24h"},
		{"type: number 0..17, 99\n", "type: number 0..17, 99\n    save: kind\n", "E12", 25, "taken"},
		{"  age:\n", "  tuổi:\n", "E12", 22, "without"},
		{"alert duty", "alert dutie", "E12", 19, "alert duty"},
		{">= cao", ">= rat_cao", "E12", 28, "rat_cao"},
		{"now = yes or", "now = yes xor", "E12", 28, "and"},
		{"flow: small\n", "\n", "E12", 2, "`flow`"},
		{"words:\n", "discreet: [gap ... khong, mot minh]\nwords:\n", "E14", 18, "discreet"},
		{"owed: [what]", "owed: [route]", "E15", 6, "asks nothing"},
		{"\"00\"", "\"2\"", "E18", 16, "2"},
		{"\"00\"", "\"17\"", "E18", 22, "17"},
	};
	struct flow_findings found;
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		found = (struct flow_findings){0};
		patch(&text, rows[i].from, rows[i].to);
		assert_null(flow_load("x.yaml", (char *)text.data, text.len, &found));
		if (!find(&found, rows[i].code, rows[i].line, rows[i].says)) {
			print_findings(&found);
			fail_msg("row %zu: no %s at line %u", i, rows[i].code, rows[i].line);
		}
		flow_findings_fini(&found);
	}
	buf_free(&text);
}

static void all_findings_are_listed_not_the_first_only(void **state)
{
	static const char bad[] = "flow: x\nlanguages: [vi]\nretires: 2\nwait: {sms: x}\nnodes:\n"
	                          "  a:\n    ask: {en: A}\n    type: text\n    go: nowhere\n";
	struct flow_findings found = {0};

	(void)state;
	assert_null(flow_load("x.yaml", bad, strlen(bad), &found));
	assert_non_null(find(&found, "E02", 3, "retries"));
	assert_non_null(find(&found, "E12", 4, "24h"));
	assert_non_null(find(&found, "E02", 7, "language"));
	assert_non_null(find(&found, "E08", 7, "vi"));
	assert_non_null(find(&found, "E03", 9, "nowhere"));
	assert_null(find(&found, "E07", 6, "retries")); /* that would be the misspelt key once more */
	assert_int_equal(found.items[0].column, 1);
	assert_string_equal(found.items[0].file, "x.yaml");
	flow_findings_fini(&found);
}

static void a_file_that_is_missing_is_a_finding(void **state)
{
	struct flow_findings found = {0};

	(void)state;
	assert_null(flow_load_file("/nonexistent/flow.yaml", &found));
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].code, "E01");
	flow_findings_fini(&found);
}

static void a_file_that_cannot_be_read_is_the_only_finding(void **state)
{
	static const char bundle[] = "%%file pack.yaml\npack: p\nlanguages: [vi]\nstart: a\n"
				     "%%file a.yaml\nflow: a\nnodes:\n  n: {say: x}\n  m: a: b\n"
				     "%%file b.yaml\nflow: b\nnodes: {n: {ask: x, go: a.n}}\n";
	struct flow_findings found = {0};

	(void)state;
	assert_null(flow_load("dir", bundle, strlen(bundle), &found));
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].code, "E01");
	assert_int_equal(found.items[0].line, 4);
	assert_non_null(strstr(found.items[0].file, "a.yaml"));
	assert_non_null(strstr(found.items[0].text, "in quotes"));
	flow_findings_fini(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_flow_loads_and_its_hash_follows_its_content),
		cmocka_unit_test(every_fault_is_named_with_its_place),
		cmocka_unit_test(all_findings_are_listed_not_the_first_only),
		cmocka_unit_test(a_file_that_is_missing_is_a_finding),
		cmocka_unit_test(a_file_that_cannot_be_read_is_the_only_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
