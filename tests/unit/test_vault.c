/* Keys and sealing: what opens, what must not, and what the key files promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/vault.h"

static const int64_t hour_us = INT64_C(3600000000);
static const int64_t now_us = INT64_C(1795478400000000);
static const struct id16 conversation = { { 1, 2, 3 } };
static const struct id16 row = { { 9, 8, 7 } };
static const char narrative[] = "A neighbour hears a child cry every night";

struct place {
	char top[64];  /* temporary folder of one test */
	char keys[80]; /* key folder in it */
	struct vault *vault;
};

static const char *path_of(const struct place *p, const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof path[0], "%s/%s", p->keys, name);
	return out;
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	char error[512];

	snprintf(p->top, sizeof p->top, "/tmp/test-vault-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->keys, sizeof p->keys, "%s/keys", p->top);
	if (!vault_init_dir(p->keys, "south", error, sizeof error))
		fail_msg("%s", error);
	p->vault = vault_open(p->keys, "south", error, sizeof error);
	if (p->vault == NULL)
		fail_msg("%s", error);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	vault_close(p->vault);
	snprintf(command, sizeof command, "rm -rf '%s'", p->top);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void what_is_sealed_opens_in_its_place_only(void **state)
{
	struct place *p = *state;
	struct buf sealed = { 0 }, plain = { 0 };

	buf_put(&plain, "x", 1);
	vault_seal(p->vault, VAULT_SESSION, "here", 4, narrative, sizeof narrative, &sealed);
	assert_int_equal(sealed.len, 2 + 24 + sizeof narrative + 16);
	assert_false(vault_unseal(p->vault, VAULT_SESSION, "there", 5, sealed.data, sealed.len,
				  &plain));
	assert_false(vault_unseal(p->vault, VAULT_QUEUE, "here", 4, sealed.data, sealed.len, &plain));
	assert_int_equal(plain.len, 1);
	assert_true(vault_unseal(p->vault, VAULT_SESSION, "here", 4, sealed.data, sealed.len,
				 &plain));
	assert_int_equal(plain.len, 1 + sizeof narrative);
	assert_memory_equal(plain.data + 1, narrative, sizeof narrative);
	buf_free(&sealed);
	buf_free(&plain);
}

static void an_empty_text_is_sealed_too(void **state)
{
	struct place *p = *state;
	struct buf sealed = { 0 }, plain = { 0 };

	vault_seal(p->vault, VAULT_SPOOL, NULL, 0, NULL, 0, &sealed);
	assert_true(vault_unseal(p->vault, VAULT_SPOOL, NULL, 0, sealed.data, sealed.len, &plain));
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

static void a_change_of_any_byte_is_refused(void **state)
{
	struct place *p = *state;
	struct buf sealed = { 0 }, plain = { 0 };

	vault_seal(p->vault, VAULT_SPOOL, "7", 1, narrative, sizeof narrative, &sealed);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 0x20;
		assert_false(vault_unseal(p->vault, VAULT_SPOOL, "7", 1, sealed.data, sealed.len,
					  &plain));
		sealed.data[i] ^= 0x20;
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_false(vault_unseal(p->vault, VAULT_SPOOL, "7", 1, sealed.data, len, &plain));
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

static void two_seals_of_one_text_differ(void **state)
{
	struct place *p = *state;
	struct buf a = { 0 }, b = { 0 };

	vault_seal(p->vault, VAULT_QUEUE, NULL, 0, narrative, sizeof narrative, &a);
	vault_seal(p->vault, VAULT_QUEUE, NULL, 0, narrative, sizeof narrative, &b);
	assert_memory_not_equal(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
}

static void an_index_is_stable_and_apart_by_use_and_by_host(void **state)
{
	struct place *p = *state;
	char other_dir[96], error[512];
	uint8_t a[VAULT_INDEX_LEN], b[VAULT_INDEX_LEN];
	struct vault *again, *other;

	snprintf(other_dir, sizeof other_dir, "%s/other", p->top);
	assert_true(vault_init_dir(other_dir, "south", error, sizeof error));
	again = vault_open(p->keys, "south", error, sizeof error);
	other = vault_open(other_dir, "south", error, sizeof error);
	vault_index(p->vault, VAULT_IDX_SUBJECT, "+84912345678", 12, a);
	vault_index(again, VAULT_IDX_SUBJECT, "+84912345678", 12, b);
	assert_memory_equal(a, b, sizeof a);
	vault_index(p->vault, VAULT_IDX_DUPLICATE, "+84912345678", 12, b);
	assert_memory_not_equal(a, b, sizeof a);
	vault_index(other, VAULT_IDX_SUBJECT, "+84912345678", 12, b);
	assert_memory_not_equal(a, b, sizeof a);
	vault_close(again);
	vault_close(other);
}

static void a_mac_differs_with_its_bytes(void **state)
{
	struct place *p = *state;
	uint8_t a[32], b[32];

	vault_mac(p->vault, "one", 3, a);
	vault_mac(p->vault, "one", 3, b);
	assert_memory_equal(a, b, 32);
	vault_mac(p->vault, "two", 3, b);
	assert_memory_not_equal(a, b, 32);
}

static void payloads_are_padded_to_buckets(void **state)
{
	struct place *p = *state;
	static const size_t lens[] = { 0, 1, 255, 256, 511, 512, 600 };
	struct data_key key;
	uint8_t plain[600];

	memset(plain, 0x80, sizeof plain); /* the byte the padding itself starts with */
	vault_data_key_new(p->vault, &conversation, now_us, &key);
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct buf sealed = { 0 }, back = { 0 };

		data_key_seal(&key, "report_revisions", &row, plain, lens[i], &sealed);
		assert_int_equal(sealed.len, 42 + (lens[i] / VAULT_PAD + 1) * VAULT_PAD);
		assert_true(data_key_unseal(&key, "report_revisions", &row, sealed.data, sealed.len,
					    &back));
		assert_int_equal(back.len, lens[i]);
		if (lens[i] > 0)
			assert_memory_equal(back.data, plain, lens[i]);
		buf_free(&sealed);
		buf_free(&back);
	}
}

static void a_payload_moved_to_another_row_or_table_is_refused(void **state)
{
	struct place *p = *state;
	struct buf sealed = { 0 }, plain = { 0 };
	struct id16 other = { { 9, 8, 6 } };
	struct data_key key;

	vault_data_key_new(p->vault, &conversation, now_us, &key);
	data_key_seal(&key, "report_revisions", &row, narrative, sizeof narrative, &sealed);
	assert_false(data_key_unseal(&key, "report_revisions", &other, sealed.data, sealed.len,
				     &plain));
	assert_false(data_key_unseal(&key, "messages", &row, sealed.data, sealed.len, &plain));
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_false(data_key_unseal(&key, "report_revisions", &row, sealed.data, sealed.len,
					     &plain));
		sealed.data[i] ^= 1;
	}
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

/* What PostgreSQL keeps of a data key: everything but the key. */
static struct data_key stored(const struct data_key *key)
{
	struct data_key copy = *key;

	memset(copy.key, 0, sizeof copy.key);
	return copy;
}

static void recovers(struct place *p, const char *identity, bool from_escrow, bool expected)
{
	uint8_t public_key[32], secret_key[32];
	struct buf sealed = { 0 }, plain = { 0 };
	struct data_key key, back;
	char error[512];

	vault_data_key_new(p->vault, &conversation, now_us, &key);
	data_key_seal(&key, "report_revisions", &row, narrative, sizeof narrative, &sealed);
	back = stored(&key);
	assert_true(vault_read_identity(path_of(p, identity), public_key, secret_key, error,
					sizeof error));
	assert_int_equal(data_key_recover(&back, from_escrow ? back.intake_escrow : back.intake_team,
					  public_key, secret_key),
			 expected);
	assert_int_equal(data_key_unseal(&back, "report_revisions", &row, sealed.data, sealed.len,
					 &plain),
			 expected);
	if (expected)
		assert_memory_equal(plain.data, narrative, sizeof narrative);
	buf_free(&sealed);
	buf_free(&plain);
}

static void the_team_recovers_a_data_key(void **state)
{
	recovers(*state, "team-south.identity", false, true);
}

static void the_escrow_recovers_a_data_key(void **state)
{
	recovers(*state, "escrow.identity", true, true);
}

static void a_stranger_recovers_nothing(void **state)
{
	struct place *p = *state;
	char command[256];

	recovers(p, "escrow.identity", false, false);
	snprintf(command, sizeof command, "cp -p %s %s", path_of(p, "root.key"),
		 path_of(p, "stranger.identity"));
	assert_int_equal(system(command), 0);
	recovers(p, "stranger.identity", false, false);
}

static void a_wrapped_key_of_another_conversation_is_refused(void **state)
{
	struct place *p = *state;
	uint8_t public_key[32], secret_key[32];
	struct data_key key, back;
	char error[512];

	assert_true(vault_read_identity(path_of(p, "team-south.identity"), public_key, secret_key,
					error, sizeof error));
	vault_data_key_new(p->vault, &conversation, now_us, &key);
	back = stored(&key);
	back.id = row;
	assert_false(data_key_recover(&back, back.intake_team, public_key, secret_key));
	back = stored(&key);
	back.wrapped[30] ^= 1;
	assert_false(data_key_recover(&back, back.intake_team, public_key, secret_key));
	back = stored(&key);
	back.intake_team[40] ^= 1;
	assert_false(data_key_recover(&back, back.intake_team, public_key, secret_key));
}

static void one_hour_has_one_intake_key_and_the_next_another(void **state)
{
	struct place *p = *state;
	struct data_key a, b, c;

	vault_data_key_new(p->vault, &conversation, now_us, &a);
	vault_data_key_new(p->vault, &row, now_us + hour_us - 1, &b);
	vault_data_key_new(p->vault, &row, now_us + hour_us, &c);
	assert_true(id16_equal(&a.intake_id, &b.intake_id));
	assert_memory_equal(a.intake_team, b.intake_team, sizeof a.intake_team);
	assert_memory_not_equal(a.key, b.key, sizeof a.key);
	assert_false(id16_equal(&a.intake_id, &c.intake_id));
	assert_string_equal(a.team, "south");
}

static void an_intake_key_is_wiped_when_its_hour_is_over(void **state)
{
	struct place *p = *state;
	struct data_key key;

	assert_false(vault_intake_live(p->vault));
	vault_data_key_new(p->vault, &conversation, now_us, &key);
	vault_tick(p->vault, now_us + hour_us - 1);
	assert_true(vault_intake_live(p->vault));
	vault_tick(p->vault, now_us + hour_us);
	assert_false(vault_intake_live(p->vault));
}

static void a_data_key_is_saved_and_loaded_whole(void **state)
{
	struct place *p = *state;
	struct data_key key, back;
	struct buf saved = { 0 };
	struct reader r;

	vault_data_key_new(p->vault, &conversation, now_us, &key);
	data_key_save(&key, &saved);
	for (size_t len = 0; len < saved.len; len++) {
		r = reader_of(saved.data, len);
		assert_false(data_key_load(&r, &back));
	}
	r = reader_of(saved.data, saved.len);
	assert_true(data_key_load(&r, &back));
	assert_int_equal(r.left, 0);
	assert_memory_equal(&key, &back, sizeof key);
	data_key_wipe(&back);
	assert_int_equal(back.key[0] | back.key[31] | back.wrapped[40], 0);
	buf_free(&saved);
}

static void only_the_team_answers_a_challenge(void **state)
{
	struct place *p = *state;
	uint8_t public_key[32], secret_key[32], nonce[32], answer[32], challenge[80], intake[32];
	struct data_key key;
	char error[512];

	vault_challenge(p->vault, nonce, challenge);
	assert_true(vault_read_identity(path_of(p, "escrow.identity"), public_key, secret_key, error,
					sizeof error));
	assert_false(vault_answer(challenge, public_key, secret_key, answer));
	assert_true(vault_read_identity(path_of(p, "team-south.identity"), public_key, secret_key,
					error, sizeof error));
	assert_true(vault_answer(challenge, public_key, secret_key, answer));
	assert_memory_equal(nonce, answer, 32);
	vault_data_key_new(p->vault, &conversation, now_us, &key);
	assert_true(vault_answer(key.intake_team, public_key, secret_key, answer));
	assert_int_equal(crypto_box_seal_open(intake, key.intake_team, sizeof key.intake_team,
					      public_key, secret_key), 0);
	/* an old hour passed off as a challenge does not give its key away */
	assert_memory_not_equal(answer, intake, sizeof intake);
}

static void a_key_file_others_may_read_is_refused_with_the_remedy(void **state)
{
	struct place *p = *state;
	static const char *const secrets[] = { "root.key", "index.key" };
	char error[512], remedy[300];

	for (size_t i = 0; i < 2; i++) {
		const char *path = path_of(p, secrets[i]);

		assert_int_equal(chmod(path, 0644), 0);
		assert_null(vault_open(p->keys, "south", error, sizeof error));
		snprintf(remedy, sizeof remedy, "chmod 600 %s", path);
		assert_non_null(strstr(error, remedy));
		assert_int_equal(chmod(path, 0600), 0);
	}
	assert_int_equal(chmod(path_of(p, "team-south.pub"), 0666), 0);
	assert_null(vault_open(p->keys, "south", error, sizeof error));
	assert_non_null(strstr(error, "team-south.pub"));
}

static void a_systemd_credential_may_show_group_bits(void **state)
{
	struct place *p = *state;
	struct vault *v;
	char error[512];

	assert_int_equal(chmod(path_of(p, "root.key"), 0440), 0);
	setenv("CREDENTIALS_DIRECTORY", p->keys, 1);
	v = vault_open(p->keys, "south", error, sizeof error);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_non_null(v);
	vault_close(v);
}

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_missing_short_or_long_key_file_is_named(void **state)
{
	struct place *p = *state;
	const char *path = path_of(p, "index.key");
	char error[512];
	static const char *const bad[] = {
		"", "00", "zz00000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000000000000000000000000000000000000000000000\n",
		"0000000000000000000000000000000000000000000000000000000000000000 00\n",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put_file(path, bad[i]);
		assert_null(vault_open(p->keys, "south", error, sizeof error));
		assert_non_null(strstr(error, path));
	}
	assert_int_equal(unlink(path), 0);
	assert_null(vault_open(p->keys, "south", error, sizeof error));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "No such file"));
}

static void a_team_name_that_is_a_path_is_refused(void **state)
{
	struct place *p = *state;
	char error[512];
	static const char *const bad[] = { "", "../x", "a/b", "A", "-a",
					   "abcdefghijabcdefghijabcdefghijab" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_null(vault_open(p->keys, bad[i], error, sizeof error));
		assert_false(vault_init_dir("/nonexistent/x", bad[i], error, sizeof error));
		assert_non_null(strstr(error, "team's name"));
	}
}

static void slurp(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void init_makes_private_files_and_never_overwrites(void **state)
{
	struct place *p = *state;
	static const char *const names[] = { "root.key", "index.key", "escrow.pub",
					     "escrow.identity", "team-south.pub",
					     "team-south.identity" };
	char before[128], after[128], error[512];
	struct stat st;

	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(stat(path_of(p, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_size, 65);
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(unlink(path_of(p, names[i])), 0);
	slurp(path_of(p, names[5]), before, sizeof before);
	assert_false(vault_init_dir(p->keys, "south", error, sizeof error));
	assert_non_null(strstr(error, names[5]));
	slurp(path_of(p, names[5]), after, sizeof after);
	assert_string_equal(before, after);
	assert_int_equal(access(path_of(p, "root.key"), F_OK), -1);
}

static void a_backup_restores_what_the_host_needs_and_no_identity(void **state)
{
	struct place *p = *state;
	char file[96], back[96], error[512], copy[160];
	struct buf sealed = { 0 }, plain = { 0 };
	struct vault *v;
	struct stat st;

	snprintf(file, sizeof file, "%s/keys.backup", p->top);
	snprintf(back, sizeof back, "%s/back", p->top);
	assert_true(vault_backup(p->keys, file, "six plain words", error, sizeof error));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(vault_backup(p->keys, file, "six plain words", error, sizeof error));
	assert_false(vault_restore(file, back, "six plain word", error, sizeof error));
	assert_non_null(strstr(error, "wrong passphrase"));
	assert_int_equal(access(back, F_OK), -1);
	if (!vault_restore(file, back, "six plain words", error, sizeof error))
		fail_msg("%s", error);
	assert_false(vault_restore(file, back, "six plain words", error, sizeof error));
	v = vault_open(back, "south", error, sizeof error);
	assert_non_null(v);
	vault_seal(p->vault, VAULT_CONTACT, "a", 1, "b", 1, &sealed);
	assert_true(vault_unseal(v, VAULT_CONTACT, "a", 1, sealed.data, sealed.len, &plain));
	vault_close(v);
	snprintf(copy, sizeof copy, "%s/escrow.identity", back);
	assert_int_equal(access(copy, F_OK), -1);
	buf_free(&sealed);
	buf_free(&plain);
}

static void a_damaged_backup_is_refused(void **state)
{
	struct place *p = *state;
	char file[96], back[96], bad[96], error[512];
	uint8_t bytes[4096];
	static const size_t spots[] = { 0, 7, 24, 31, 34, 60, 80 };
	size_t len;
	FILE *f;

	snprintf(file, sizeof file, "%s/keys.backup", p->top);
	snprintf(bad, sizeof bad, "%s/bad.backup", p->top);
	snprintf(back, sizeof back, "%s/back", p->top);
	assert_true(vault_backup(p->keys, file, "six plain words", error, sizeof error));
	f = fopen(file, "rb");
	len = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	for (size_t i = 0; i <= sizeof spots / sizeof spots[0]; i++) {
		bool cut = i == sizeof spots / sizeof spots[0];

		if (!cut)
			bytes[spots[i]] ^= 0x40;
		f = fopen(bad, "wb");
		fwrite(bytes, 1, cut ? 50 : len, f);
		fclose(f);
		if (!cut)
			bytes[spots[i]] ^= 0x40;
		assert_false(vault_restore(bad, back, "six plain words", error, sizeof error));
		assert_int_equal(access(back, F_OK), -1);
	}
}

#define test_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_case(what_is_sealed_opens_in_its_place_only),
		test_case(an_empty_text_is_sealed_too),
		test_case(a_change_of_any_byte_is_refused),
		test_case(two_seals_of_one_text_differ),
		test_case(an_index_is_stable_and_apart_by_use_and_by_host),
		test_case(a_mac_differs_with_its_bytes),
		test_case(payloads_are_padded_to_buckets),
		test_case(a_payload_moved_to_another_row_or_table_is_refused),
		test_case(the_team_recovers_a_data_key),
		test_case(the_escrow_recovers_a_data_key),
		test_case(a_stranger_recovers_nothing),
		test_case(a_wrapped_key_of_another_conversation_is_refused),
		test_case(one_hour_has_one_intake_key_and_the_next_another),
		test_case(an_intake_key_is_wiped_when_its_hour_is_over),
		test_case(a_data_key_is_saved_and_loaded_whole),
		test_case(only_the_team_answers_a_challenge),
		test_case(a_key_file_others_may_read_is_refused_with_the_remedy),
		test_case(a_systemd_credential_may_show_group_bits),
		test_case(a_missing_short_or_long_key_file_is_named),
		test_case(a_team_name_that_is_a_path_is_refused),
		test_case(init_makes_private_files_and_never_overwrites),
		test_case(a_backup_restores_what_the_host_needs_and_no_identity),
		test_case(a_damaged_backup_is_refused),
	};

	return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
