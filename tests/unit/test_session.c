/* Conversations of senders, with Redis away: filing and replies are ours here and keep what they are
 * given. (With Redis there: the system tests.) */
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

#include "base/buf.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "path/delivery.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/pending.h"
#include "path/reply.h"
#include "path/session.h"
#include "store/keyspace.h"
#include "store/spool.h"
#include "store/vault.h"

enum { MAX = 32 };

static struct hotline h;
static struct conf conf;
static char dir[40], keys[60], kept[60], spool[60];
static struct entry filed[MAX];
static size_t filed_count;
static char *replies[MAX];
static size_t reply_count;
static uint64_t next_record;
static struct id16 last_queued; /* conversation of the last entry for the queue */

void filing_direct(struct filing *f, struct entry *e)
{
	(void)f;
	assert_true(filed_count < MAX);
	filed[filed_count++] = *e;
	memset(e, 0, sizeof(*e));
}

void filing_hint(struct filing *f, unsigned partition)
{
	(void)f;
	(void)partition;
}

void filing_seal(struct filing *f, unsigned partition, const struct entry *e, struct buf *out)
{
	(void)f;
	(void)partition;
	last_queued = e->conversation;
	buf_put(out, "entry", 5);
}

/* ---- Redis, where a test says that it is there: one conversation ---- */

static struct {
	uint64_t version;
	struct buf data;
} kept_there;
static keyspace_load_fn *load_fn;
static keyspace_commit_fn *commit_fn;
static void *keyspace_arg;
static enum keyspace_outcome outcome;

static void give_state(void *arg)
{
	struct keyspace_session found = {.version = kept_there.version, .data = kept_there.data.data,
					 .len = kept_there.data.len};

	(void)arg;
	load_fn(keyspace_arg, true, &found);
}

static void give_outcome(void *arg)
{
	(void)arg;
	commit_fn(keyspace_arg, outcome);
}

void keyspace_load(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN],
		   keyspace_load_fn *fn, void *arg)
{
	(void)redis;
	(void)partition;
	(void)hash;
	load_fn = fn;
	keyspace_arg = arg;
	loop_defer(h.loop, give_state, NULL);
}

void keyspace_commit(struct redis *redis, const struct keyspace_commit *k, keyspace_commit_fn *fn, void *arg)
{
	(void)redis;
	outcome = k->force || k->expected == kept_there.version ? KEYSPACE_DONE : KEYSPACE_CONFLICT;
	if (outcome == KEYSPACE_DONE) {
		kept_there.version = k->version;
		buf_clear(&kept_there.data);
		buf_put(&kept_there.data, k->data, k->len);
	}
	commit_fn = fn;
	keyspace_arg = arg;
	loop_defer(h.loop, give_outcome, NULL);
}

void keyspace_due(struct redis *redis, unsigned partition, int64_t now_ms, keyspace_due_fn *fn, void *arg)
{
	(void)redis;
	(void)partition;
	(void)now_ms;
	(void)fn;
	(void)arg;
}

void keyspace_forget_due(struct redis *redis, unsigned partition, const uint8_t hash[KEYSPACE_HASH_LEN])
{
	(void)redis;
	(void)partition;
	(void)hash;
}

void reply_send(struct hotline *hotline, const struct delivery *d, const char *text)
{
	(void)hotline;
	(void)d;
	assert_true(reply_count < MAX);
	replies[reply_count++] = text ? mem_strdup(text) : NULL;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Runs the loop until everything posted so far is done. */
static void settle(void)
{
	struct loop_timer *end = loop_timer_new(h.loop, stop_loop, h.loop);

	for (int i = 0; i < 6; i++) {
		loop_timer_set(end, 0);
		loop_run(h.loop);
	}
	loop_timer_free(end);
}

static int setup(void **state)
{
	const char *src = getenv("HOTLINED_SRC");
	char error[2000], flows[300];

	(void)state;
	strcpy(dir, "/tmp/hl-session.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(kept, sizeof(kept), "%s/flows", dir);
	snprintf(spool, sizeof(spool), "%s/spool", dir);
	snprintf(flows, sizeof(flows), "%s/flows/hotline", src ? src : ".");
	assert_true(vault_init_dir(keys, "t", error, sizeof(error)));
	memset(&h, 0, sizeof(h));
	conf = (struct conf){.node = (char *)"n", .ref_prefix = (char *)"BP", .region = (char *)"VN",
			     .home = (char *)"75", .reply_regions = (char *)"VN"};
	h.conf = &conf;
	h.vault = vault_open(keys, "t", error, sizeof(error));
	h.loop = loop_new();
	h.flowbook = flowbook_open(flows, kept, error, sizeof(error));
	if (!h.flowbook)
		fail_msg("%s", error);
	h.spool = spool_open(h.loop, h.vault, spool, 1, error, sizeof(error));
	if (!h.spool)
		fail_msg("%s", error);
	h.pending = pending_new(h.loop, h.spool);
	h.redis = redis_new(h.loop, &(struct redis_config){.host = "127.0.0.1"}, NULL, NULL);
	h.session = session_new(&h);
	session_start(h.session);
	loop_skip_ms(h.loop, 1100); /* Redis is not waited for any longer */
	settle();
	next_record = 1;
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
	session_free(h.session);
	buf_free(&kept_there.data);
	kept_there.version = 0;
	pending_free(h.pending);
	spool_close(h.spool);
	redis_free(h.redis);
	loop_run_posted(h.loop);
	flowbook_close(h.flowbook);
	loop_free(h.loop);
	vault_close(h.vault);
	while (filed_count > 0)
		entry_fini(&filed[--filed_count]);
	while (reply_count > 0)
		mem_free(replies[--reply_count]);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* number: same record number means the same delivery; 0 = the next. */
static struct delivery *make(const char *from, const char *text, uint64_t number)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	strcpy(d->in.adapter, "sim");
	strcpy(d->in.link, "sim");
	strcpy(d->in.dest, "111");
	d->in.alphabet = ALPHABET_UTF8;
	number_parse(from, 1, "VN", &d->from);
	d->has_subject = d->from.kind == NUMBER_MSISDN;
	vault_index(h.vault, VAULT_IDX_SUBJECT, d->from.value, strlen(d->from.value), d->subject);
	vault_index(h.vault, VAULT_IDX_DUPLICATE, text, strlen(text), d->dup_key);
	d->spool = number ? number : next_record++;
	d->id.b[0] = (uint8_t)d->spool;
	d->id.b[1] = 0xee;
	d->wall_us = loop_wall_us(h.loop);
	d->text = mem_strdup(text);
	return d;
}

static void take(struct delivery *d)
{
	session_take(h.session, d);
	settle();
}

static void hear_as(const char *from, const char *text, uint64_t number, bool repeat)
{
	struct delivery *d = make(from, text, number);

	d->repeat = repeat;
	take(d);
}

/* The record of that number comes from the spool once more; it came in age_s ago. */
static void replay(const char *text, uint64_t number, enum delivery_past past, int64_t age_s)
{
	struct delivery *d = make("+84912345678", text, number);

	d->past = past;
	d->wall_us -= age_s * 1000000;
	take(d);
}

static void hear(const char *text)
{
	hear_as("+84912345678", text, 0, false);
}

static void the_first_free_text_is_the_report(void **state)
{
	(void)state;
	hear("chau be bi danh chay mau o xa bom bo");
	assert_int_equal(filed_count, 1);
	assert_true(filed[0].has_report && filed[0].has_message && filed[0].opens);
	assert_true(filed[0].partial);
	assert_string_equal(filed[0].urgency, "khan_cap");
	assert_string_equal(filed[0].commune, "25405");
	assert_int_equal(strncmp(filed[0].ref, "BP-", 3), 0);
	assert_int_equal(reply_count, 1);
	assert_non_null(replies[0]);
}

static void answers_are_revisions_of_the_same_report(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("2");
	assert_int_equal(filed_count, 2);
	assert_memory_equal(filed[0].opening_key, filed[1].opening_key, ENTRY_KEY_LEN);
	assert_true(id16_equal(&filed[0].conversation, &filed[1].conversation));
	assert_true(filed[1].stamp > filed[0].stamp);
	assert_false(filed[1].opens);
	assert_int_equal(filed[1].disposition, DISPOSITION_ANSWER);
}

static void a_replayed_delivery_files_the_same_revision_again(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 5);
	assert_int_equal(filed_count, 2);
	assert_true(filed[1].has_report && filed[1].opens);
	assert_int_equal(filed[0].stamp, filed[1].stamp);
	assert_string_equal(replies[0], replies[1]);
}

/* From here on new conversations begin with this flow; the hash of the version before. */
static void change_flow(const char *flow, uint8_t old[32])
{
	char other[60], path[80], error[2000];
	FILE *file;

	flowbook_current_hash(h.flowbook, old);
	flowbook_close(h.flowbook);
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(path, sizeof(path), "%s/other.yaml", other);
	assert_int_equal(mkdir(other, 0700), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(flow, 1, strlen(flow), file), strlen(flow));
	fclose(file);
	h.flowbook = flowbook_open(other, kept, error, sizeof(error));
	if (!h.flowbook)
		fail_msg("%s", error);
}

#define FLOW_HEAD "flow: other\nlanguages: [vi]\nwait: {sms: 24h}\nretries: 2\n"

static void change_version(uint8_t old[32])
{
	change_flow(FLOW_HEAD "first_text: what\n"
			      "nodes:\n  what:\n    ask: {vi: \"Có gì?\"}\n    type: text\n    go: who\n"
			      "  who:\n    ask: {vi: \"Ai?\"}\n    type: text\n    go: bye\n"
			      "  bye:\n    end: {vi: \"Vâng.\"}\n",
		    old);
}

/* A flow that asks so many questions. */
static void change_to_questions(int count)
{
	struct buf flow = {0};
	uint8_t old[32];

	buf_printf(&flow, FLOW_HEAD "first_text: n0\nnodes:\n");
	for (int i = 0; i < count; i++)
		buf_printf(&flow, "  n%d:\n    ask: {vi: \"Chuyện %d?\"}\n    type: text\n    go: n%d\n", i, i, i + 1);
	buf_printf(&flow, "  n%d:\n    end: {vi: \"Vâng.\"}\n", count);
	change_flow(buf_cstr(&flow), old);
	buf_free(&flow);
}

/* More than the engine's own memory of events. */
static void nothing_is_heard_twice_however_long_ago(void **state)
{
	char text[40];

	(void)state;
	change_to_questions(30);
	hear("chau be bi danh o truong");
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "va con chuyen thu %d nua", i);
		hear(text);
	}
	while (filed_count > 0)
		entry_fini(&filed[--filed_count]);
	while (reply_count > 1)
		mem_free(replies[--reply_count]);
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 60);
	replay("va con chuyen thu 3 nua", 5, PAST_UNKNOWN, 50);
	assert_int_equal(filed_count, 2);
	assert_int_equal(filed[0].stamp, filed[1].stamp);
	assert_null(replies[1]);
	assert_null(replies[2]);
}

static void a_replay_is_answered_only_while_it_is_the_newest_and_young(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("2");
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 5);
	assert_null(replies[2]);
	replay("2", 2, PAST_UNKNOWN, 5);
	assert_string_equal(replies[3], replies[1]);
	replay("2", 2, PAST_UNKNOWN, 601);
	assert_null(replies[4]);
}

static void what_is_filed_is_neither_filed_nor_heard_again(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	replay("chau be bi danh o truong", 1, PAST_FILED, 5);
	assert_int_equal(filed_count, 1);
	assert_string_equal(replies[1], replies[0]);
	replay("mot chuyen khac", 7, PAST_FILED, 5);
	assert_int_equal(filed_count, 1);
	assert_null(replies[2]);
}

static void nobody_who_wanted_silence_is_answered_after_a_restart(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("STOP");
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 5);
	replay("STOP", 2, PAST_UNKNOWN, 5);
	assert_int_equal(filed_count, 4);
	assert_int_equal(filed[1].stamp, filed[2].stamp);
	assert_null(replies[2]);
	assert_null(replies[3]);
}

static void a_conversation_that_has_ended_is_not_answered_after_a_restart(void **state)
{
	(void)state;
	change_to_questions(1);
	hear("chau be bi danh o truong");
	hear("o nha");
	assert_string_equal(replies[1], "Vang.");
	replay("o nha", 2, PAST_UNKNOWN, 5);
	assert_int_equal(filed_count, 3);
	assert_null(replies[2]);
}

static void a_replay_of_an_earlier_conversation_does_not_step_the_next(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("STOP");
	hear("co mot chau khac bi bo roi");
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 5);
	assert_int_equal(filed_count, 3); /* its entry went into the queue with the state that says so */
	assert_null(replies[3]);
	replay("chau be bi danh o truong", 1, PAST_HEARD, 65);
	assert_int_equal(filed_count, 4); /* which has lost it */
	assert_true(filed[3].has_report);
	assert_memory_equal(filed[3].opening_key, filed[0].opening_key, ENTRY_KEY_LEN);
	assert_int_equal(reply_count, 4);
	hear("2");
	assert_true(id16_equal(&filed[4].conversation, &filed[2].conversation));
}

static void what_the_queue_lost_is_filed_again_and_answered_by_nobody(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	replay("chau be bi danh o truong", 1, PAST_HEARD, 65);
	assert_int_equal(filed_count, 2);
	assert_int_equal(filed[0].stamp, filed[1].stamp);
	assert_int_equal(reply_count, 1);
}

/* The key of the first conversation died with it; the same name would make the second unreadable. */
static void a_replay_without_its_conversation_opens_one_of_another_name(void **state)
{
	(void)state;
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 5);
	assert_int_equal(filed_count, 1);
	assert_true(filed[0].opens && filed[0].has_report);
	assert_false(id16_equal(&filed[0].conversation, &filed[0].message));
	assert_non_null(replies[0]);
}

static void a_text_whose_parts_were_heard_one_by_one_is_known_by_all_of_them(void **state)
{
	struct delivery *d;

	(void)state;
	hear("chau be bi danh");
	hear("o truong hoc");
	d = make("+84912345678", "chau be bi danh o truong hoc", 1);
	d->past = PAST_UNKNOWN;
	d->part = mem_alloc(sizeof(*d->part));
	d->part[d->part_count++].spool = 2;
	take(d);
	assert_int_equal(filed[2].stamp, filed[1].stamp);
	d = make("+84912345678", "chau be bi danh o truong hoc xa", 1);
	d->past = PAST_UNKNOWN;
	d->part = mem_alloc(sizeof(*d->part));
	d->part[d->part_count++].spool = 3;
	take(d);
	assert_null(replies[2]);
	assert_non_null(replies[3]);
}

static void the_same_words_again_are_counted_and_answered_as_before(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("chau be bi danh o truong");
	assert_int_equal(filed_count, 2);
	assert_int_equal(filed[1].disposition, DISPOSITION_REPEAT);
	assert_false(filed[1].has_report);
	assert_string_equal(replies[0], replies[1]);
}

/* Redis may hold an older state of it and come back with that: without the newer one it would go on. */
static void what_ended_while_redis_was_away_is_remembered_until_redis_has_it(void **state)
{
	struct session_status status;

	(void)state;
	change_to_questions(1);
	hear("chau be bi danh o truong");
	assert_int_equal(filed_count, 1);
	loop_skip_ms(h.loop, 2 * 3600 * 1000);
	replay("chau be bi danh o truong", 1, PAST_UNKNOWN, 7200);
	assert_int_equal(filed_count, 2);
	assert_true(id16_equal(&filed[0].conversation, &filed[1].conversation));
	loop_skip_ms(h.loop, 25 * 3600 * 1000);
	settle();
	session_status(h.session, &status);
	assert_int_equal(status.waiting, 0);
	for (int i = 0; i < 601; i++) { /* sweeps; a day later Redis has forgotten it, too */
		loop_skip_ms(h.loop, 1000);
		settle();
	}
	session_status(h.session, &status);
	assert_int_equal(status.in_memory, 0);
}

/* Two daemons, one Redis. What the first one remembers of an old conversation must not pass for the newest
 * state of the next one, which the other daemon has begun. */
static void a_state_of_an_older_conversation_is_never_taken_for_the_newest(void **state)
{
	struct session *first = h.session, *other = session_new(&h);
	struct id16 older, newer;

	(void)state;
	h.redis_ready = true;
	session_start(other);
	session_redis_up(other);
	hear("chau be bi danh o truong"); /* the first daemon's only turn of it; it ends elsewhere */
	older = last_queued;
	kept_there.version = 0;           /* and Redis forgets it */
	buf_clear(&kept_there.data);
	h.session = other;
	hear("nha hang xom danh con");
	newer = last_queued;
	assert_false(id16_equal(&older, &newer));
	h.session = first;
	hear("2");
	assert_true(id16_equal(&last_queued, &newer));
	h.redis_ready = false;
	session_free(other);
}

static void a_repeat_in_doubt_does_not_answer_the_next_question(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("2");
	hear_as("+84912345678", "2", 0, true);
	assert_int_equal(filed[2].disposition, DISPOSITION_REPEAT);
	assert_string_equal(replies[1], replies[2]);
	hear("1");
	assert_string_not_equal(replies[2], replies[3]);
}

static void a_menu_digit_repeated_on_purpose_is_two_answers(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("2");
	hear("2");
	assert_int_equal(filed[2].disposition, DISPOSITION_ANSWER);
	assert_string_not_equal(replies[1], replies[2]);
}

static void stop_is_silent_and_what_was_said_is_filed(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("STOP");
	assert_int_equal(filed_count, 2);
	assert_true(filed[1].has_report);
	assert_int_equal(filed[1].disposition, DISPOSITION_STOP);
	assert_null(replies[1]);
}

static void a_day_of_silence_files_what_was_said_and_says_nothing(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	loop_skip_ms(h.loop, (int64_t)24 * 3600 * 1000 + 2000);
	settle();
	settle();
	assert_int_equal(filed_count, 2);
	assert_int_equal(filed[1].disposition, DISPOSITION_TIMER);
	assert_false(filed[1].has_message);
	assert_true(filed[1].has_report);
	assert_int_equal(reply_count, 1);
}

static void a_text_after_the_end_opens_another_report(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear("STOP");
	hear("co mot chau khac bi bo roi");
	assert_int_equal(filed_count, 3);
	assert_true(filed[2].opens && filed[2].has_report);
	assert_memory_not_equal(filed[0].opening_key, filed[2].opening_key, ENTRY_KEY_LEN);
}

static void a_sender_without_a_number_is_filed_and_not_answered(void **state)
{
	(void)state;
	hear_as("Truong-A", "chau be bi danh o truong", 0, false);
	assert_int_equal(filed_count, 1);
	assert_true(filed[0].has_report);
	assert_null(replies[0]);
}

static void two_texts_without_a_sender_are_two_reports(void **state)
{
	(void)state;
	hear_as("", "chau be bi danh o truong", 0, false);
	hear_as("", "chau be bi danh o truong", 0, false);
	assert_int_equal(filed_count, 2);
	assert_true(filed[0].has_report && filed[1].has_report);
	assert_memory_not_equal(filed[0].opening_key, filed[1].opening_key, sizeof(filed[0].opening_key));
}

static void adverts_and_blanks_have_a_row_and_no_report(void **state)
{
	(void)state;
	hear("DK_DNC_S");
	hear_as("+84912345679", " ", 0, false);
	assert_int_equal(filed_count, 2);
	assert_false(filed[0].has_report);
	assert_int_equal(filed[0].disposition, DISPOSITION_OTHERS);
	assert_int_equal(filed[1].disposition, DISPOSITION_EMPTY);
}

static void two_senders_do_not_share_a_conversation(void **state)
{
	(void)state;
	hear("chau be bi danh o truong");
	hear_as("+84912345679", "chau be bi danh o truong", 0, false);
	assert_true(filed[1].opens);
	assert_false(id16_equal(&filed[0].conversation, &filed[1].conversation));
}

static void a_conversation_finishes_with_the_version_it_began_with(void **state)
{
	uint8_t old[32], now[32];

	(void)state;
	hear("chau be bi danh o truong");
	change_version(old);
	flowbook_current_hash(h.flowbook, now);
	assert_int_equal(session_count(h.session, old), 1);
	hear("2");
	assert_int_equal(filed[1].disposition, DISPOSITION_ANSWER);
	hear_as("+84987654321", "mot chuyen khac han", 0, false);
	assert_int_equal(session_count(h.session, old), 1);
	assert_int_equal(session_count(h.session, now), 1);
}

static void a_retired_version_files_what_was_told_and_says_nothing(void **state)
{
	uint8_t old[32];

	(void)state;
	hear("chau be bi danh o truong");
	change_version(old);
	assert_true(flowbook_retire(h.flowbook, old));
	session_retire(h.session, old);
	settle();
	assert_int_equal(filed_count, 2);
	assert_true(filed[1].has_report && filed[1].partial);
	assert_true(id16_equal(&filed[0].conversation, &filed[1].conversation));
	assert_int_equal(reply_count, 1);
	assert_int_equal(session_count(h.session, old), 0);
}

static void a_text_to_a_retired_version_opens_a_conversation_of_the_current_one(void **state)
{
	uint8_t old[32], now[32];

	(void)state;
	hear("chau be bi danh o truong");
	change_version(old);
	assert_true(flowbook_retire(h.flowbook, old));
	hear("em muon ke them mot chuyen");
	flowbook_current_hash(h.flowbook, now);
	assert_int_equal(filed_count, 3);
	assert_true(filed[1].partial && id16_equal(&filed[0].conversation, &filed[1].conversation));
	assert_true(filed[2].opens);
	assert_false(id16_equal(&filed[0].conversation, &filed[2].conversation));
	assert_int_equal(session_count(h.session, now), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(the_first_free_text_is_the_report),
		T(answers_are_revisions_of_the_same_report),
		T(a_replayed_delivery_files_the_same_revision_again),
		T(nothing_is_heard_twice_however_long_ago),
		T(a_replay_is_answered_only_while_it_is_the_newest_and_young),
		T(what_is_filed_is_neither_filed_nor_heard_again),
		T(nobody_who_wanted_silence_is_answered_after_a_restart),
		T(a_conversation_that_has_ended_is_not_answered_after_a_restart),
		T(a_replay_of_an_earlier_conversation_does_not_step_the_next),
		T(what_the_queue_lost_is_filed_again_and_answered_by_nobody),
		T(a_replay_without_its_conversation_opens_one_of_another_name),
		T(a_text_whose_parts_were_heard_one_by_one_is_known_by_all_of_them),
		T(the_same_words_again_are_counted_and_answered_as_before),
		T(what_ended_while_redis_was_away_is_remembered_until_redis_has_it),
		T(a_state_of_an_older_conversation_is_never_taken_for_the_newest),
		T(a_repeat_in_doubt_does_not_answer_the_next_question),
		T(a_menu_digit_repeated_on_purpose_is_two_answers),
		T(stop_is_silent_and_what_was_said_is_filed),
		T(a_day_of_silence_files_what_was_said_and_says_nothing),
		T(a_text_after_the_end_opens_another_report),
		T(a_sender_without_a_number_is_filed_and_not_answered),
		T(two_texts_without_a_sender_are_two_reports),
		T(adverts_and_blanks_have_a_row_and_no_report),
		T(two_senders_do_not_share_a_conversation),
		T(a_conversation_finishes_with_the_version_it_began_with),
		T(a_retired_version_files_what_was_told_and_says_nothing),
		T(a_text_to_a_retired_version_opens_a_conversation_of_the_current_one),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
