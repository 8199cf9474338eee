/* Configuration faults name file, line and column, and what would be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"

static char path[64];
static char error[1000];

#define MINIMAL "postgres: {conninfo: x}\nflows: {dir: f}\nshort_codes: [\"111\"]\n"

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/hl-conf.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static bool load(const char *text, struct conf *conf)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	error[0] = '\0';
	return conf_load(path, conf, error, sizeof(error));
}

static void fails(const char *text, const char *at, const char *word)
{
	struct conf conf;
	char want[100];

	assert_false(load(text, &conf));
	snprintf(want, sizeof(want), "%s:%s: ", path, at);
	if (strncmp(error, want, strlen(want)) != 0 || !strstr(error, word))
		fail_msg("expected '%s...%s', got '%s'", want, word, error);
}

static void defaults_fill_what_is_not_said(void **state)
{
	struct conf conf;

	(void)state;
	assert_true(load(MINIMAL, &conf));
	assert_string_equal(conf.region, "VN");
	assert_string_equal(conf.ref_prefix, "BP");
	assert_int_equal(conf.redis_budget_ms, 150);
	assert_string_equal(conf.short_codes[0], "111");
	assert_null(conf.short_codes[1]);
	assert_string_equal(conf.spool_dir, "/tmp/spool");
	conf_fini(&conf);
}

static void an_unknown_key_is_refused_with_the_nearest_known_one(void **state)
{
	(void)state;
	fails(MINIMAL "spol: {dir: x}\n", "4:1", "did you mean 'spool'");
	fails(MINIMAL "redis:\n  sokcet: x\n", "5:3", "did you mean 'socket'");
}

static void a_wrong_type_is_refused_where_it_stands(void **state)
{
	(void)state;
	fails(MINIMAL "redis: {port: many}\n", "4:15", "number");
	fails(MINIMAL "redis: {budget: soon}\n", "4:17", "duration");
	fails(MINIMAL "node: [a, b]\n", "4:7", "found a list");
	fails(MINIMAL "spool: x\n", "4:8", "map");
}

static void a_value_that_cannot_be_meant_is_refused(void **state)
{
	(void)state;
	fails(MINIMAL "node: a b\n", "4:7", "'node' must be a name");
	fails(MINIMAL "redis: {budget: 150}\n", "4:17", "duration such as 150ms");
	fails(MINIMAL "replies: {per_day: -1}\n", "4:20", "0 or more");
	fails("short_codes: [\"111\", abc]\n" "postgres: {conninfo: x}\nflows: {dir: f}\n", "1:22", "short code");
	fails("short_codes: [\"1\"]\n" "postgres: {conninfo: x}\nflows: {dir: f}\n", "1:15", "short code");
	fails("short_codes: [\"+\"]\n" "postgres: {conninfo: x}\nflows: {dir: f}\n", "1:15", "short code");
}

static void settings_that_differ_are_named(void **state)
{
	struct conf a, b;
	char out[100];

	(void)state;
	assert_true(load(MINIMAL, &a));
	assert_true(load("postgres: {conninfo: y}\nflows: {dir: f}\nshort_codes: [\"111\", \"112\"]\n"
			 "replies: {per_day: 7}\nredis: {host: h}\n", &b));
	conf_differences(&a, &a, out, sizeof(out));
	assert_string_equal(out, "");
	conf_differences(&a, &b, out, sizeof(out));
	assert_string_equal(out, "replies.per_day, redis.host, postgres.conninfo, short_codes");
	conf_fini(&a);
	conf_fini(&b);
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	fails("flows: {dir: f}\nshort_codes: [\"111\"]\n", "1:1", "postgres.conninfo");
	fails("postgres: {conninfo: x}\nflows: {dir: f}\n", "1:1", "short_codes");
}

static void a_secret_that_others_can_read_is_refused_with_the_remedy(void **state)
{
	char secret[80], text[300];
	FILE *f;

	(void)state;
	snprintf(secret, sizeof(secret), "%s.secret", path);
	f = fopen(secret, "w");
	assert_non_null(f);
	fclose(f);
	chmod(secret, 0644);
	snprintf(text, sizeof(text), MINIMAL "redis: {password_file: %s}\n", secret);
	fails(text, "4:24", "chmod 600");
	chmod(secret, 0600);
	{
		struct conf conf;

		assert_true(load(text, &conf));
		conf_fini(&conf);
	}
	unlink(secret);
	fails(text, "4:24", "No such file");
}

static void a_missing_file_is_named(void **state)
{
	struct conf conf;

	(void)state;
	assert_false(conf_load("/nonexistent/hotlined.yaml", &conf, error, sizeof(error)));
	assert_non_null(strstr(error, "/nonexistent/hotlined.yaml"));
}

static const char *const *keys_of(void *arg, const char *adapter)
{
	static const char *const keys[] = {"name", "adapter", "host", NULL};

	(void)arg;
	return strcmp(adapter, "smpp") == 0 ? keys : NULL;
}

static void links_are_checked_against_their_adapter(void **state)
{
	static const struct {
		const char *links, *word;
	} bad[] = {
		{"links: []\n", "no link"},
		{"links: [{name: a}]\n", "needs an adapter"},
		{"links: [{name: a, adapter: smtp}]\n", "no adapter 'smtp'"},
		{"links: [{name: a, adapter: smpp, hots: b}]\n", "did you mean 'host'"},
	};
	char text[300];
	struct conf conf;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "%s%s", MINIMAL, bad[i].links);
		assert_true(load(text, &conf));
		assert_false(conf_check_links(&conf, keys_of, NULL, error, sizeof(error)));
		if (!strstr(error, bad[i].word))
			fail_msg("expected '%s', got '%s'", bad[i].word, error);
		conf_fini(&conf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fill_what_is_not_said),
		cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest_known_one),
		cmocka_unit_test(a_wrong_type_is_refused_where_it_stands),
		cmocka_unit_test(a_value_that_cannot_be_meant_is_refused),
		cmocka_unit_test(a_value_that_cannot_be_meant_is_refused),
		cmocka_unit_test(settings_that_differ_are_named),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(a_secret_that_others_can_read_is_refused_with_the_remedy),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(links_are_checked_against_their_adapter),
	};

	return cmocka_run_group_tests_name("conf", tests, setup, teardown);
}
