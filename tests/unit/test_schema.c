/* The rules of filing and escalation, asked of a real PostgreSQL. Time is moved by moving due dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/pg.h"
#include "tests/lib/pg_fixture.h"

#define sql pg_fixture_sql
#define assert_sql(expected, ...) assert_string_equal(sql(db, __VA_ARGS__), expected)

static PGconn *db;

static int fresh_database(void **state)
{
	static int number;
	char name[32];

	(void)state;
	snprintf(name, sizeof(name), "schema_%d", ++number);
	pg_fixture_database(name);
	db = pg_fixture_connect(name);
	return 0;
}

static int close_database(void **state)
{
	(void)state;
	/* Whatever a test did: chains hold, and nothing open is without a timer. */
	assert_sql("0", "select count(*) from cases where case_chain_check(id) is not null");
	assert_sql("0", "select count(*) from api_untimed");
	assert_sql("", "select string_agg(concat_ws(' ', what, sqlstate, message), '; ') from faults");
	PQfinish(db);
	return 0;
}

/* One queue entry with the values that matter to a test; the others are always the same. */
struct entry {
	unsigned message;        /* 0 = NULL: a session timer */
	const char *subject;     /* NULL = none; anything else is hashed */
	const char *subject_kind;/* NULL = msisdn */
	const char *disposition; /* NULL = report */
	unsigned conversation;
	const char *key;         /* opening key; NULL = no content */
	const char *ref;         /* NULL = HL1 */
	unsigned stamp;
	const char *urgency;     /* NULL = khan_cap */
	const char *kind;        /* NULL = bao_luc */
	const char *commune;     /* NULL = NULL */
	bool opens, partial;
	int safe;
	const char *wrapped;     /* bytes in hex; NULL = 0c */
};

static const char *quoted(const char *text, char *out, size_t size)
{
	if (!text)
		snprintf(out, size, "null");
	else
		snprintf(out, size, "'%s'", text);
	return out;
}

static const char *hashed(const char *text, char *out, size_t size)
{
	if (!text)
		snprintf(out, size, "null");
	else
		snprintf(out, size, "decode(md5('%s'), 'hex')", text);
	return out;
}

static const char *uuid_of(unsigned n, char *out, size_t size)
{
	if (n == 0)
		snprintf(out, size, "null");
	else
		snprintf(out, size, "'00000000-0000-7000-8000-%012u'", n);
	return out;
}

#define OR(value, fallback) ((value) ? (value) : (fallback))

/* Files it; returns "what case_ref". */
static const char *file_on(PGconn *conn, struct entry e)
{
	char message[64], subject[64], conversation[64], key[64], commune[64];

	return sql(conn, "select o_what || coalesce(' ' || o_case_ref, '') from file_entry(%s, '\\x01', %s,"
		" '%s', '\\x0a', 'smpp', 'l1', 'sms', '1111', 1700000000000000, '%s', null, 1, '\\x0b', %s,"
		" 'truc', '\\x%s', '00000000-0000-7000-8000-0000000000aa', '\\x0d', '\\x0e', %s, '%s', %u,"
		" '%s', '%s', 'vi', %s, %d, %s, '07147,00071', '\\x0f', '\\x10', 1700000000000000, %s, 'n1')",
		uuid_of(e.message, message, sizeof(message)), hashed(e.subject, subject, sizeof(subject)),
		OR(e.subject_kind, "msisdn"), OR(e.disposition, "report"),
		uuid_of(e.conversation, conversation, sizeof(conversation)), OR(e.wrapped, "0c"),
		hashed(e.key, key, sizeof(key)), OR(e.ref, "HL1"), e.stamp, OR(e.urgency, "khan_cap"), OR(e.kind, "bao_luc"),
		e.partial ? "true" : "false", e.safe, quoted(e.commune, commune, sizeof(commune)),
		e.opens ? "true" : "false");
}

static const char *file(struct entry e)
{
	return file_on(db, e);
}

/* The first text of a reporter: message n, conversation n, opening key kN. */
static struct entry opening(unsigned n, const char *subject, const char *ref)
{
	static char key[8][16];
	char *k = key[n % 8];

	snprintf(k, sizeof(key[0]), "k%u", n);
	return (struct entry){ .message = n, .subject = subject, .conversation = n, .key = k, .ref = ref,
	                       .stamp = 10, .opens = true, .partial = true, .safe = -1 };
}

static void add_officers(int count)
{
	for (int i = 1; i <= count; i++)
		sql(db, "select officer_put(md5('o%d')::uuid, null, '\\x02', false),"
			" officer_method_put(md5('o%d')::uuid, 0, 'sms', decode(md5('o%d'), 'hex'), '\\x01'),"
			" officer_teams_put(md5('o%d')::uuid, 'truc')", i, i, i, i);
}

/* Fires everything that is due; "kind outcome count" of each, joined. */
static const char *fire(void)
{
	return sql(db, "select string_agg(o_kind || ' ' || o_outcome || ' ' || o_count, ', ') from"
		" timers_fire('n1', 50)");
}

static void due(const char *kind)
{
	sql(db, "update timers set due_at = now() where kind = '%s' and state = 'armed'", kind);
}

/* Leases every notice, gives each without a code one (digits = tag and salt), and reports it sent. */
static const char *send_all(void)
{
	return sql(db, "select coalesce(string_agg(c.o_kind || ' ' || f.tag, ', ' order by f.no), '') from"
		" notifications_claim('n1', 50, 60) c join officers f on f.id = c.o_officer,"
		" lateral (select case when c.o_salt is null and c.o_kind <> 'taken' then"
		" ack_code_put(c.o_id, sha256(convert_to(f.tag || ':' || c.o_case_ref || ':' || c.o_next_salt"
		" || ':' || c.o_loop, 'UTF8')), c.o_next_salt) end) code,"
		" lateral (select notification_sent(c.o_id, 'sent', c.o_id::text, null)) sent");
}

/* "result case other" of a command; code is the part after the officer's tag, NULL = bare. */
static const char *command_on(PGconn *conn, unsigned message, const char *cmd, int officer, const char *code)
{
	char hash[128] = "null", id[64];

	if (code)
		snprintf(hash, sizeof(hash), "sha256('officer-%d:%s')", officer, code);
	return sql(conn, "select concat_ws(' ', o_result, o_case_ref, o_other) from officer_command(%s, '%s',"
		" decode(md5('o%d'), 'hex'), %s)", uuid_of(message, id, sizeof(id)), cmd, officer, hash);
}

static const char *command(unsigned message, const char *cmd, int officer, const char *code)
{
	return command_on(db, message, cmd, officer, code);
}

static const char *events(const char *ref)
{
	return sql(db, "select string_agg(type, ' ' order by seq) from case_events e join cases c on"
		" c.id = e.case_id where c.ref = '%s'", ref);
}

/* ---- filing ---- */

static void test_first_text_opens_a_case_with_a_timer(void **state)
{
	(void)state;
	assert_string_equal(file(opening(1, "s1", "HL1")), "new_case HL1");
	assert_sql("report HL1", "select disposition || ' ' || report_ref from api_messages");
	assert_sql("khan_cap bao_luc 1 t HL1 {07147,00071}", "select concat_ws(' ', urgency, kind,"
		" revision, partial, case_ref, candidates) from api_reports");
	assert_sql("HL1 khan_cap open 1 opened", "select concat_ws(' ', ref, urgency, state, reports,"
		" last_event) from api_cases");
	assert_sql("step armed 1 t", "select concat_ws(' ', kind, state, generation, due_at <= now()) from"
		" api_timers");
	assert_sql("2023-11-14 22:13:20", "select first_at at time zone 'UTC' from cases");
	assert_sql("1 1 1", "select concat_ws(' ', (select count(*) from intake_keys), (select count(*) from"
		" conversation_keys), (select count(*) from subjects where octet_length(idx) = 16))");
}

static void test_filing_twice_changes_nothing(void **state)
{
	(void)state;
	file(opening(1, "s1", "HL1"));
	assert_string_equal(file(opening(1, "s1", "HL1")), "none HL1");
	assert_sql("1 1 1 1 1 0", "select concat_ws(' ', (select count(*) from messages), (select count(*)"
		" from reports), (select count(*) from report_revisions), (select count(*) from cases),"
		" (select count(*) from timers), (select dup_count from reports))");
}

static void test_a_delivery_without_content_is_only_a_message(void **state)
{
	(void)state;
	struct entry e = { .message = 1, .disposition = "others" };

	assert_string_equal(file(e), "none");
	assert_sql("1 0", "select concat_ws(' ', (select count(*) from messages),"
		" (select count(*) from reports))");
}

static void test_no_urgency_makes_no_case(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	e.urgency = "khong";
	assert_string_equal(file(e), "revision");
	assert_sql("0", "select count(*) from cases");
}

static void test_a_newer_revision_overwrites_and_an_older_is_kept_only(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	e.urgency = "cao";
	e.kind = "khong_ro";
	file(e);
	e = (struct entry){ .message = 2, .subject = "s1", .disposition = "answer", .conversation = 1,
	                    .key = "k1", .stamp = 30, .urgency = "thap", .kind = "bo_roi",
	                    .commune = "00071", .safe = 0 };
	assert_string_equal(file(e), "revision HL1");
	assert_sql("cao bo_roi 00071 2 30 f 0", "select concat_ws(' ', urgency, kind, commune, revision,"
		" stamp, partial, safe_contact) from reports");
	assert_sql("bo_roi 00071", "select concat_ws(' ', kind, commune) from cases");
	e.message = 3;
	e.stamp = 20;
	e.kind = "khac";
	e.commune = "99999";
	e.safe = 1;
	assert_string_equal(file(e), "stale HL1");
	assert_sql("bo_roi 00071 3 30 0", "select concat_ws(' ', kind, commune, revision, stamp,"
		" safe_contact) from reports");
	assert_sql("30", "select o_stamp from report_open_rows('HL1')");
}

static void test_a_repeat_while_open_is_counted(void **state)
{
	(void)state;
	struct entry again = opening(2, "s1", "HL2");

	file(opening(1, "s1", "HL1"));
	again.key = "k1";
	assert_string_equal(file(again), "repeat HL1");
	assert_string_equal(file(again), "none HL1");
	assert_sql("1 1 2", "select concat_ws(' ', count(*), max(dup_count), max(revision)) from reports");
	assert_string_equal(events("HL1"), "opened repeated");
	struct entry known = { .message = 3, .subject = "s1", .disposition = "repeat", .conversation = 2,
	                       .key = "k1" };

	assert_string_equal(file(known), "repeat HL1");
	assert_string_equal(file(known), "none HL1");
	assert_sql("2", "select dup_count from reports");
}

static void test_a_repeat_after_closure_is_a_new_report(void **state)
{
	(void)state;
	struct entry again = opening(2, "s1", "HL1");

	file(opening(1, "s1", "HL1"));
	assert_sql("done", "select o_result from case_take('HL1', 'console', 'close')");
	again.key = "k1";
	assert_string_equal(file(again), "new_case HL1A");
	assert_string_equal(file(again), "none HL1A");
	assert_sql("0 1", "select string_agg(generation::text, ' ' order by generation) from reports");
	assert_sql("closed open", "select string_agg(state, ' ' order by ref) from api_cases");
}

static void test_late_revisions_after_closure_reach_a_human_but_a_timer_does_not(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	file(e);
	sql(db, "select case_take('HL1', 'console', 'close')");
	e.message = 0;
	e.stamp = 20;
	e.opens = false;
	assert_string_equal(file(e), "revision HL1");
	e.message = 2;
	e.stamp = 30;
	assert_string_equal(file(e), "new_case HL1A");
}

static void test_another_text_of_the_same_sender_is_attached_and_told_again(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	assert_string_equal(fire(), "step notified 2");
	assert_string_equal(send_all(), "alert officer-1, alert officer-2");
	assert_string_equal(file(opening(2, "s1", "HL2")), "attached HL1");
	assert_string_equal(fire(), "again again 2");
	assert_string_equal(send_all(), "again officer-1, again officer-2");
	assert_string_equal(command(50, "ack", 2, NULL), "acked HL1");
	assert_string_equal(file(opening(3, "s1", "HL3")), "attached HL1");
	due("again");
	assert_string_equal(fire(), "again again 1");
	assert_string_equal(send_all(), "taken officer-1, again officer-2");
	assert_sql("3", "select reports from api_cases");
}

static void test_senders_without_a_number_share_no_case(void **state)
{
	(void)state;
	struct entry a = opening(1, "BRAND", "HL1"), b = opening(2, "BRAND", "HL2");

	a.subject_kind = b.subject_kind = "alnum";
	file(a);
	assert_string_equal(file(b), "new_case HL2");
	struct entry c = opening(3, NULL, "HL3"), d = opening(4, NULL, "HL4");

	assert_string_equal(file(c), "new_case HL3");
	assert_string_equal(file(d), "new_case HL4");
}

static void test_every_revision_opens_with_the_key_it_was_sealed_under(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	file(e);
	e.message = 2;
	e.stamp = 20;
	e.opens = false;
	e.wrapped = "1c"; /* the conversation's state was lost, and with it the first key */
	assert_string_equal(file(e), "revision HL1");
	assert_sql("\\x1c 20", "select concat_ws(' ', o_wrapped, o_stamp) from report_open_rows('HL1')");
	e.message = 3;
	e.stamp = 30;
	e.wrapped = NULL;
	file(e);
	assert_sql("\\x0c 30", "select concat_ws(' ', o_wrapped, o_stamp) from report_open_rows('HL1')");
	assert_sql("2", "select count(*) from conversation_keys");
	assert_sql("3", "select count(*) from messages m join conversation_keys k on k.id = m.conversation"
		" and k.tag = m.key_tag");
}

/* Files with nothing trusted but the sealed bytes; kind and urgency as given. */
static const char *file_raw(unsigned message, const char *kind, const char *ref, const char *urgency,
                            const char *received_us)
{
	return sql(db, "select o_what || coalesce(' ' || o_case_ref, '') from file_raw('00000000-0000-7000-8000"
		"-%012u', '\\x01', decode(md5('s1'), 'hex'), '%s', '\\x0a', %s, '\\x0b', '00000000-0000-7000-8000"
		"-%012u', 'truc', '\\x0c', '00000000-0000-7000-8000-0000000000aa', '\\x0d', '\\x0e', '\\x77', '%s',"
		" 10, '%s', '\\x0f', '\\x10', %s, 'n1')", message, kind, received_us, message, ref, urgency,
		received_us);
}

static void test_an_entry_that_is_refused_is_filed_raw_for_a_person(void **state)
{
	(void)state;
	add_officers(1);
	assert_string_equal(pg_fixture_error(db, "select file_entry(null, null, null, 'msisdn', null, 'a', 'l',"
		" 'sms', '1', 9223372036854775807, 'report', null, 1, null, uuid7(), 't', null, null, null, null,"
		" '\\x01', 'R', 1, 'nonsense', 'k', 'vi', true, -1, null, null, null, null, 1, true, 'n')"), "23514");
	assert_string_equal(file_raw(1, "no kind", "HL 1; --", "nonsense", "9223372036854775807"), "new_case RAW");
	assert_string_equal(file_raw(1, "no kind", "HL 1; --", "nonsense", "9223372036854775807"), "none RAW");
	assert_sql("undecodable t", "select concat_ws(' ', disposition, received_at between now() - interval"
		" '1 min' and now()) from messages");
	assert_sql("cao \\x0c \\x0f", "select concat_ws(' ', o_urgency, o_wrapped, o_body_ct) from"
		" report_open_rows('RAW')");
	assert_string_equal(fire(), "step notified 1");
}

static void test_a_taken_reference_gets_a_suffix(void **state)
{
	(void)state;
	file(opening(1, "s1", "HL1"));
	assert_string_equal(file(opening(2, "s2", "HL1")), "new_case HL1A");
	assert_string_equal(file(opening(3, "s3", "HL1")), "new_case HL1B");
}

static void test_raising_starts_a_new_ladder_now(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	add_officers(1);
	e.urgency = "trung_binh";
	file(e);
	fire();
	send_all();
	e.message = 2;
	e.stamp = 20;
	e.urgency = "khan_cap";
	assert_string_equal(file(e), "raised HL1");
	assert_sql("khan_cap 2", "select concat_ws(' ', policy, generation) from escalations where state ="
		" 'live'");
	assert_string_equal(fire(), "step notified 1");
	assert_string_equal(send_all(), "alert officer-1");
	assert_sql("t", "select timer_due_at between now() + '299 s' and now() + '300 s' from api_cases");
}

static void test_raising_an_acknowledged_case_tells_its_holder_and_shortens_the_lease(void **state)
{
	(void)state;
	struct entry e = opening(1, "s1", "HL1");

	add_officers(2);
	e.urgency = "thap";
	file(e);
	fire();
	send_all();
	command(50, "ack", 1, NULL);
	send_all();
	e.message = 2;
	e.stamp = 20;
	e.urgency = "khan_cap";
	assert_string_equal(file(e), "raised HL1");
	assert_string_equal(fire(), "again again 1");
	assert_string_equal(send_all(), "again officer-1");
	assert_sql("t", "select timer_due_at < now() + '1801 s' from api_cases");
}

/* ---- escalation ---- */

static void test_the_ladder_never_stops_until_acknowledged(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	for (int round = 0; round < 4; round++) {
		due("step");
		assert_string_equal(fire(), "step notified 2");
		assert_string_equal(send_all(), "alert officer-1, alert officer-2");
	}
	assert_string_equal(fire(), "");
	assert_string_equal(command(50, "ack", 1, "HL1:0:2"), "acked HL1");
	assert_sql("acked officer-1", "select concat_ws(' ', state, acked_by) from api_cases");
	due("step");
	assert_string_equal(fire(), "");
	assert_string_equal(send_all(), "taken officer-2");
	assert_sql("ack_lease remind", "select string_agg(kind, ' ' order by kind) from api_timers where state ="
		" 'armed'");
}

static void test_who_comes_second_is_told_who_has_it(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	assert_string_equal(command(50, "ack", 1, "HL1:0:0"), "acked HL1");
	assert_string_equal(command(51, "ack", 2, "HL1:0:0"), "taken HL1 officer-1");
	assert_string_equal(command(52, "ack", 2, NULL), "taken HL1 officer-1");
	assert_string_equal(command(53, "ack", 1, "HL1:0:0"), "already_yours HL1");
	assert_string_equal(command(50, "ack", 1, "HL1:0:0"), "acked HL1");
	assert_string_equal(command(54, "done", 2, "HL1:0:0"), "not_yours HL1 officer-1");
	assert_string_equal(command(55, "done", 1, NULL), "done HL1");
	assert_string_equal(command(56, "ack", 2, "HL1:0:0"), "closed HL1");
	assert_string_equal(command(57, "who", 2, NULL), "who 2");
	assert_string_equal(command(58, "ack", 9, NULL), "unknown");
	assert_sql("0", "select count(*) from timers where state = 'armed'");
}

static void test_a_bare_acknowledgement_needs_exactly_one_open_alert(void **state)
{
	(void)state;
	add_officers(1);
	assert_string_equal(command(50, "ack", 1, NULL), "no_open");
	file(opening(1, "s1", "HL1"));
	file(opening(2, "s2", "HL2"));
	fire();
	send_all();
	assert_string_equal(command(51, "ack", 1, NULL), "several");
	assert_string_equal(command(52, "ack", 1, "HL2:0:0"), "acked HL2");
	assert_string_equal(command(53, "ack", 1, NULL), "acked HL1");
	assert_string_equal(command(54, "done", 1, NULL), "several");
}

static void test_wrong_codes_void_the_code_and_never_a_timer(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(command(50 + i, "ack", 1, "HL9:0:0"), "wrong_code");
	assert_string_equal(command(60, "ack", 1, "HL1:0:0"), "wrong_silent");
	assert_string_equal(command(61, "ack", 1, NULL), "no_open");
	due("step");
	assert_string_equal(fire(), "step notified 2");
	send_all();
	assert_string_equal(command(62, "ack", 1, "HL1:0:1"), "acked HL1");
	assert_string_equal(events("HL1"), "opened notified code_void notified acked");
}

static void test_a_voided_code_of_an_unsent_notice_is_replaced(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select ack_code_put(o_id, '\\x01', 0), notification_sent(o_id, 'in_doubt', null, null)"
		" from notifications_claim('n1', 50, 60)");
	for (unsigned i = 0; i < 5; i++)
		command(50 + i, "ack", 1, "HL9:0:0");
	assert_sql(" 1", "select coalesce(o_salt::text, '') || ' ' || o_next_salt from"
		" notifications_claim('n1', 50, 60)");
}

static void test_a_code_is_not_reused_for_seven_days(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	assert_sql("t t f", "select concat_ws(' ', ack_code_put(a, '\\x01', 0), ack_code_put(a, '\\x01', 0),"
		" ack_code_put(b, '\\x01', 0)) from (select min(id::text)::uuid a, max(id::text)::uuid b from"
		" notifications) n");
	sql(db, "select case_take('HL1', 'console', 'close')");
	sql(db, "update ack_codes set retired_at = now() - interval '6 days'");
	assert_sql("f", "select ack_code_put(max(id::text)::uuid, '\\x01', 0) from notifications");
	sql(db, "update ack_codes set retired_at = now() - interval '8 days'");
	assert_sql("t", "select ack_code_put(max(id::text)::uuid, '\\x01', 0) from notifications");
}

static void test_when_all_decline_the_next_round_comes_early(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	assert_string_equal(command(50, "decline", 1, NULL), "declined HL1");
	assert_sql("t", "select timer_due_at > now() + '290 s' from api_cases");
	assert_string_equal(command(51, "decline", 2, "HL1:0:0"), "declined HL1");
	assert_sql("t", "select timer_due_at < now() + '61 s' from api_cases");
}

static void test_a_holder_who_declines_gives_it_back(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	command(50, "ack", 1, NULL);
	assert_string_equal(command(51, "decline", 1, NULL), "declined HL1");
	assert_sql("open", "select state from api_cases");
	assert_string_equal(fire(), "step notified 2");
}

static void test_an_acknowledgement_without_an_action_expires(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	command(50, "ack", 1, NULL);
	due("ack_lease");
	assert_string_equal(fire(), "ack_lease ack_expired 1");
	assert_string_equal(fire(), "step notified 2");
	assert_string_equal(send_all(), "alert officer-1, alert officer-2");
	assert_sql("open", "select state from api_cases");
	assert_string_equal(events("HL1"), "opened notified acked ack_expired notified");
	assert_string_equal(command(51, "ack", 2, NULL), "acked HL1");
}

static void test_nobody_on_duty_is_retried_and_recorded_once_a_round(void **state)
{
	(void)state;
	file(opening(1, "s1", "HL1"));
	assert_string_equal(fire(), "step nobody 0");
	due("step");
	assert_string_equal(fire(), "step nobody 0");
	assert_string_equal(events("HL1"), "opened nobody");
	add_officers(1);
	due("step");
	assert_string_equal(fire(), "step notified 1");
}

static void three_steps(void)
{
	sql(db, "insert into policies values ('khan_cap', 2, 1800)");
	sql(db, "insert into steps select 'khan_cap', 2, s, 300 from generate_series(0, 2) s");
	sql(db, "insert into teams values ('empty'), ('one')");
	sql(db, "insert into memberships select 'one', id from officers where no = 1");
}

static void test_an_empty_step_is_skipped_at_once(void **state)
{
	(void)state;
	add_officers(2);
	three_steps();
	sql(db, "insert into step_targets values ('khan_cap', 2, 0, 'team', 'empty'),"
		" ('khan_cap', 2, 1, 'team', 'one'), ('khan_cap', 2, 2, 'everybody', null)");
	file(opening(1, "s1", "HL1"));
	assert_string_equal(fire(), "step notified 1");
	assert_string_equal(events("HL1"), "opened step_empty notified");
	due("step");
	assert_string_equal(fire(), "step notified 2");
	assert_sql("0 1", "select concat_ws(' ', step, round) from escalations");
}

static void test_a_policy_that_reaches_nobody_falls_back_to_everybody(void **state)
{
	(void)state;
	add_officers(2);
	three_steps();
	sql(db, "insert into step_targets values ('khan_cap', 2, 1, 'team', 'empty')");
	file(opening(1, "s1", "HL1"));
	assert_string_equal(fire(), "step notified 2");
	assert_string_equal(events("HL1"), "opened step_empty step_empty step_empty notified");
}

static void test_a_running_case_keeps_its_policy_version(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	three_steps();
	fire();
	send_all();
	command(50, "ack", 1, NULL);
	due("ack_lease");
	fire();
	assert_sql("1", "select version from escalations where state = 'live'");
}

static void test_an_expired_lease_is_sent_again_under_the_same_id(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	const char *first = sql(db, "select o_id from notifications_claim('n1', 50, 60)");

	assert_sql("0", "select count(*) from notifications_claim('n2', 50, 60)");
	sql(db, "update notifications set next_at = now()");
	assert_sql(first, "select o_id from notifications_claim('n2', 50, 60)");
	assert_sql("2", "select attempts from api_notifications");
}

static void test_nothing_is_sent_after_the_acknowledgement(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select case_take('HL1', 'console', 'ack')");
	assert_string_equal(send_all(), "");
	assert_sql("cancelled cancelled", "select string_agg(state, ' ') from api_notifications");
}

static void test_a_disabled_officer_is_told_nothing(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select officer_put(md5('o1')::uuid, null, null, true)");
	assert_string_equal(send_all(), "alert officer-2");
	assert_string_equal(command(50, "ack", 1, NULL), "unknown");
	due("step");
	assert_string_equal(fire(), "step notified 1");
}

static void test_when_every_send_fails_the_next_step_comes_early(void **state)
{
	(void)state;
	add_officers(1);
	three_steps();
	sql(db, "insert into step_targets select 'khan_cap', 2, s, 'everybody' from generate_series(0, 2) s");
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select notification_sent(o_id, 'failed', null, null) from notifications_claim('n', 9, 60)");
	assert_string_equal(events("HL1"), "opened notified notify_failed");
	assert_string_equal(fire(), "step notified 1");
}

static void test_receipts_find_their_notice_in_either_order(void **state)
{
	(void)state;
	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select receipt_put('smpp', 'early', 'delivered')");
	sql(db, "select notification_sent(o_id, 'sent', case when row_number() over () = 1 then 'early' else"
		" 'late' end, null, 'smpp') from notifications_claim('n', 9, 60)");
	assert_sql("delivered sent", "select string_agg(state, ' ' order by state) from notifications");
	sql(db, "select receipt_put('smpp', 'late', 'failed'), receipt_put('smpp', 'late', 'failed')");
	assert_sql("delivered failed", "select string_agg(state, ' ' order by state) from notifications");
	assert_sql("0", "select count(*) from receipts where notification is null");
	assert_string_equal(events("HL1"), "opened notified notify_failed");
}

static void test_news_that_a_carrier_refused_is_told_again(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	command(50, "ack", 1, NULL);
	file(opening(2, "s1", "HL2"));
	assert_string_equal(fire(), "again again 1");
	sql(db, "select notification_sent(o_id, 'failed', null, null) from notifications_claim('n', 9, 60)");
	assert_sql("pending t", "select concat_ws(' ', state, next_at between now() + '59 s' and now() + '61 s')"
		" from notifications where kind = 'again'");
	sql(db, "update notifications set next_at = now() where kind = 'again'");
	assert_string_equal(send_all(), "again officer-1");
	/* submitted, but it did not arrive */
	sql(db, "select receipt_put('smpp', id::text, 'failed') from notifications where kind = 'again'");
	assert_sql("pending 2", "select concat_ws(' ', state, attempts) from notifications where kind = 'again'");
	for (int i = 0; i < 8; i++) {
		sql(db, "update notifications set next_at = now() where kind = 'again'");
		sql(db, "select notification_sent(o_id, 'failed', null, null) from notifications_claim('n', 9, 60)");
	}
	assert_sql("failed 10", "select concat_ws(' ', state, attempts) from notifications where kind = 'again'");
}

static void test_a_daemon_that_starts_frees_what_it_was_sending(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select notifications_claim('n1', 9, 60)");
	assert_sql("0", "select notifications_free('n2')");
	assert_string_equal(send_all(), "");
	assert_sql("1", "select notifications_free('n1')");
	assert_string_equal(send_all(), "alert officer-1");
}

/* A command of the first officer, with a code, that may have been delivered before. */
static const char *command_again(const char *cmd, const char *code)
{
	return sql(db, "select concat_ws(' ', o_result, o_case_ref) from officer_command(uuid7(), '%s',"
		" decode(md5('o1'), 'hex'), sha256('officer-1:%s'), true)", cmd, code);
}

static void test_a_command_that_comes_twice_is_carried_out_once(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	assert_string_equal(command(50, "ack", 1, "HL1:0:0"), "acked HL1");
	assert_string_equal(command_again("ack", "HL1:0:0"), "acked HL1");
	/* of this one the first delivery never got here */
	assert_string_equal(command_again("decline", "HL1:0:0"), "declined HL1");
	/* given back by now: the old text must not take it again, but a new one may */
	assert_string_equal(command_again("ack", "HL1:0:0"), "acked HL1");
	assert_sql("open", "select state from api_cases");
	assert_string_equal(command(52, "ack", 1, "HL1:0:0"), "acked HL1");
}

static void test_a_retry_waits_and_keeps_its_id(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	fire();
	sql(db, "select notification_sent(o_id, 'retry', null, 60000) from notifications_claim('n', 9, 60)");
	assert_string_equal(send_all(), "");
	sql(db, "update notifications set next_at = now()");
	assert_string_equal(send_all(), "alert officer-1");
	assert_sql("1 2", "select concat_ws(' ', count(*), max(attempts)) from notifications");
}

static void test_the_most_urgent_goes_first(void **state)
{
	(void)state;
	struct entry low = opening(1, "s1", "HL1");

	add_officers(1);
	low.urgency = "thap";
	file(low);
	file(opening(2, "s2", "HL2"));
	assert_sql("HL2", "select o_case_ref from timers_fire('n', 1)");
	fire();
	assert_sql("HL2", "select o_case_ref from notifications_claim('n', 1, 60)");
}

static void test_a_bad_timer_stops_no_other(void **state)
{
	(void)state;
	add_officers(1);
	file(opening(1, "s1", "HL1"));
	file(opening(2, "s2", "HL2"));
	sql(db, "create function break_it() returns trigger language plpgsql as $$ begin if exists (select 1"
		" from cases where id = new.case_id and ref = 'HL1') then raise 'broken'; end if; return new;"
		" end $$");
	sql(db, "create trigger break_it before insert on notifications for each row execute function"
		" break_it()");
	assert_sql("fault notified", "select string_agg(o_outcome, ' ' order by o_case_ref) from"
		" timers_fire('n', 9)");
	assert_sql("1 t", "select concat_ws(' ', attempts, due_at > now()) from api_timers where case_ref ="
		" 'HL1' and state = 'armed'");
	assert_sql("1", "select count(*) from faults");
	sql(db, "truncate faults; drop trigger break_it on notifications");
}

static void test_records_can_only_be_added(void **state)
{
	(void)state;
	file(opening(1, "s1", "HL1"));
	sql(db, "select access_log_put('a', 'open', 'HL1', 'ok', '\\x01')");
	assert_sql("2", "select access_log_put('a', 'open', 'HL1', 'ok', null)");
	assert_string_equal(pg_fixture_error(db, "update case_events set type = 'x'"), "23000");
	assert_string_equal(pg_fixture_error(db, "delete from case_events"), "23000");
	assert_string_equal(pg_fixture_error(db, "truncate case_events"), "23000");
	assert_string_equal(pg_fixture_error(db, "update access_log set who = 'x'"), "23000");
	assert_string_equal(pg_fixture_error(db, "delete from access_log"), "23000");
	assert_string_equal(pg_fixture_error(db, "update policies set ack_lease_s = 1"), "23000");
}

static void test_a_changed_record_breaks_the_chain(void **state)
{
	(void)state;
	file(opening(1, "s1", "HL1"));
	sql(db, "select case_event(id, 'note', 'a') from cases");
	sql(db, "begin; alter table case_events disable trigger append_only");
	sql(db, "update case_events set actor = 'b' where seq = 2");
	assert_sql("2", "select case_chain_check(id) from cases");
	sql(db, "delete from case_events where seq = 2");
	assert_sql("2", "select case_chain_check(id) from cases");
	sql(db, "rollback");
	assert_sql("", "select case_chain_check(id) from cases");
}

static void test_of_two_at_once_one_wins(void **state)
{
	(void)state;
	PGconn *other = PQconnectdb(pg_fixture_conninfo(PQdb(db)));

	add_officers(2);
	file(opening(1, "s1", "HL1"));
	fire();
	send_all();
	sql(db, "begin");
	assert_string_equal(command(50, "ack", 1, NULL), "acked HL1");
	/* The second waits for the first, then finds it taken. */
	assert_int_equal(PQsendQuery(other, "select o_result from officer_command(uuid7(), 'ack',"
		" decode(md5('o2'), 'hex'), sha256('officer-2:HL1:0:0'))"), 1);
	for (int i = 0; i < 5000 && strcmp(sql(db, "select wait_event_type from pg_stat_activity where"
		" pid = %d", PQbackendPID(other)), "Lock") != 0; i++)
		usleep(1000);
	sql(db, "commit");
	PGresult *res = PQgetResult(other);

	assert_string_equal(PQgetvalue(res, 0, 0), "taken");
	PQclear(res);
	PQfinish(other);
	assert_sql("officer-1", "select acked_by from api_cases");
}

static void test_firing_passes_over_a_case_that_is_locked(void **state)
{
	(void)state;
	PGconn *other = PQconnectdb(pg_fixture_conninfo(PQdb(db)));

	add_officers(1);
	file(opening(1, "s1", "HL1"));
	sql(other, "begin");
	sql(other, "select 1 from cases for no key update");
	assert_string_equal(fire(), "");
	PQfinish(other);
	/* The lock goes with the other backend, a moment after its connection. */
	for (int i = 0; i < 5000 && strcmp(sql(db, "select count(*) from pg_stat_activity where"
		" datname = current_database()"), "1") != 0; i++)
		usleep(1000);
	assert_string_equal(fire(), "step notified 1");
}

static void test_roster_and_known_messages(void **state)
{
	(void)state;
	add_officers(2);
	add_officers(2);
	assert_sql("2", "select count(*) from roster_idx()");
	sql(db, "select team_upsert('truc', '\\x01')");
	assert_sql("2", "select count(*) from memberships");
	file(opening(1, "s1", "HL1"));
	assert_sql("1", "select count(*) from messages_known(array['00000000-0000-7000-8000-000000000001',"
		" '00000000-0000-7000-8000-000000000002']::uuid[])");
	assert_sql("msisdn -1", "select concat_ws(' ', o_kind, o_safe) from contact_rows('HL1')");
	assert_sql("t", "select o_wrapped is not null and o_sealed_team is not null from"
		" report_open_rows('HL1')");
}

static void test_migrating_again_applies_nothing(void **state)
{
	char error[256] = "";

	(void)state;
	assert_true(pg_migrate(pg_fixture_conninfo(PQdb(db)), NULL, error, sizeof(error)));
	assert_int_equal(atoi(sql(db, "select count(*) from schema_migrations")), pg_schema_version());
	sql(db, "insert into schema_migrations values (999, 'x')");
	assert_false(pg_migrate(pg_fixture_conninfo(PQdb(db)), NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "999"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fresh_database, close_database)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_first_text_opens_a_case_with_a_timer),
		T(test_filing_twice_changes_nothing),
		T(test_a_delivery_without_content_is_only_a_message),
		T(test_no_urgency_makes_no_case),
		T(test_a_newer_revision_overwrites_and_an_older_is_kept_only),
		T(test_a_repeat_while_open_is_counted),
		T(test_a_repeat_after_closure_is_a_new_report),
		T(test_late_revisions_after_closure_reach_a_human_but_a_timer_does_not),
		T(test_another_text_of_the_same_sender_is_attached_and_told_again),
		T(test_senders_without_a_number_share_no_case),
		T(test_every_revision_opens_with_the_key_it_was_sealed_under),
		T(test_an_entry_that_is_refused_is_filed_raw_for_a_person),
		T(test_a_taken_reference_gets_a_suffix),
		T(test_raising_starts_a_new_ladder_now),
		T(test_raising_an_acknowledged_case_tells_its_holder_and_shortens_the_lease),
		T(test_the_ladder_never_stops_until_acknowledged),
		T(test_who_comes_second_is_told_who_has_it),
		T(test_a_bare_acknowledgement_needs_exactly_one_open_alert),
		T(test_wrong_codes_void_the_code_and_never_a_timer),
		T(test_a_voided_code_of_an_unsent_notice_is_replaced),
		T(test_a_code_is_not_reused_for_seven_days),
		T(test_when_all_decline_the_next_round_comes_early),
		T(test_a_holder_who_declines_gives_it_back),
		T(test_an_acknowledgement_without_an_action_expires),
		T(test_nobody_on_duty_is_retried_and_recorded_once_a_round),
		T(test_an_empty_step_is_skipped_at_once),
		T(test_a_policy_that_reaches_nobody_falls_back_to_everybody),
		T(test_a_running_case_keeps_its_policy_version),
		T(test_an_expired_lease_is_sent_again_under_the_same_id),
		T(test_nothing_is_sent_after_the_acknowledgement),
		T(test_a_disabled_officer_is_told_nothing),
		T(test_when_every_send_fails_the_next_step_comes_early),
		T(test_receipts_find_their_notice_in_either_order),
		T(test_news_that_a_carrier_refused_is_told_again),
		T(test_a_daemon_that_starts_frees_what_it_was_sending),
		T(test_a_command_that_comes_twice_is_carried_out_once),
		T(test_a_retry_waits_and_keeps_its_id),
		T(test_the_most_urgent_goes_first),
		T(test_a_bad_timer_stops_no_other),
		T(test_records_can_only_be_added),
		T(test_a_changed_record_breaks_the_chain),
		T(test_of_two_at_once_one_wins),
		T(test_firing_passes_over_a_case_that_is_locked),
		T(test_roster_and_known_messages),
		T(test_migrating_again_applies_nothing),
	};

	pg_fixture_start();
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
