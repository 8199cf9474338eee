/* Policies, rosters, tracks and leases, asked of a real PostgreSQL. Time is moved by moving due dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	snprintf(name, sizeof(name), "oncall_%d", ++number);
	pg_fixture_database(name);
	db = pg_fixture_connect(name);
	return 0;
}

static int close_database(void **state)
{
	(void)state;
	assert_sql("0", "select count(*) from audit_verify() where o_bad is not null");
	assert_sql("0", "select count(*) from api_untimed");
	assert_sql("", "select string_agg(concat_ws(' ', what, sqlstate, message), '; ') from faults");
	PQfinish(db);
	return 0;
}

/* Officers 1 to count, md5('oN') being the id of each; teams: comma separated. */
static void add_officers(int count, const char *teams)
{
	for (int i = 1; i <= count; i++)
		sql(db, "select officer_put(md5('o%d')::uuid, null, '\\x02', false),"
			" officer_method_put(md5('o%d')::uuid, 0, 'sms', decode(md5('o%d'), 'hex'), '\\x01'),"
			" officer_teams_put(md5('o%d')::uuid, '%s')", i, i, i, i, teams);
}

/* A case HLn of this urgency, kind and commune ("" = unknown). */
static void open_case(int n, const char *urgency, const char *kind, const char *commune)
{
	sql(db, "select o_what from file_entry(md5('m%d')::uuid, '\\x01', decode(md5('s%d'), 'hex'), 'msisdn', '\\x0a',"
		" 'smpp', 'l1', 'sms', '1111', 1700000000000000, 'report', null, 1, '\\x0b', md5('c%d')::uuid, 'truc',"
		" '\\x0c', md5('i')::uuid, '\\x0d', '\\x0e', decode(md5('k%d'), 'hex'), 'HL%d', 10, '%s', '%s', 'vi', true,"
		" -1, nullif('%s', ''), '', '\\x0f', '\\x10', 1700000000000000, true, 'n1')", n, n, n, n, n, urgency, kind,
	    commune);
}

static const char *fire_with(const char *duty)
{
	return sql(db, "select coalesce(string_agg(o_kind || ' ' || o_outcome || ' ' || o_count, ', '), '') from"
		" timers_fire('n1', 50, %s)", duty);
}

static const char *fire(void)
{
	return fire_with("null");
}

static const char *due(const char *kind)
{
	return sql(db, "update timers set due_at = now() where kind = '%s' and state = 'armed' returning kind", kind);
}

/* Sends what is due; "kind officer" of each. The code is tag:ref:salt:round:track. */
static const char *send_all(void)
{
	return sql(db, "select coalesce(string_agg(c.o_kind || ' ' || f.no, ', ' order by c.o_kind, f.no), '') from"
		" notifications_claim('n1', 50, 60) c join officers f on f.id = c.o_officer,"
		" lateral (select case when c.o_salt is null and c.o_kind <> 'taken' then"
		" ack_code_put(c.o_id, sha256(convert_to(f.tag || ':' || c.o_case_ref || ':' || (select e.track from"
		" escalations e join notifications n on n.escalation = e.id where n.id = c.o_id) || ':' || c.o_kind, 'UTF8')),"
		" c.o_next_salt) end) code,"
		" lateral (select notification_sent(c.o_id, 'sent', c.o_id::text, null)) sent");
}

static const char *command(const char *cmd, int officer, const char *code, const char *more)
{
	static int message;

	return sql(db, "select concat_ws(' ', o_result, o_case_ref, o_other) from officer_command(md5('x%d')::uuid, '%s',"
		" decode(md5('o%d'), 'hex'), sha256('officer-%d:%s'), false%s)", ++message, cmd, officer, officer, code,
		more);
}

static const char *events(void)
{
	return sql(db, "select string_agg(type, ' ' order by seq) from case_events e join cases c on"
		" c.id = e.case_id where c.ref = 'HL1'");
}

static const char *put(const char *name, int rounds, const char *steps)
{
	return sql(db, "select policy_put('%s', '{\"ack_lease_s\": 1800, \"remind_s\": 600, \"snooze_s\": 7200, \"rounds\": %d,"
		" \"steps\": [%s]}', true)", name, rounds, steps);
}

#define STEP(seq, more, targets) \
	"{\"seq\": " #seq ", \"delay_s\": 300, \"repeat\": 0, \"mode\": \"all\"" more ", \"targets\": [" targets "]}"
#define SCHEDULE(name) "{\"kind\": \"schedule\", \"name\": \"" name "\"}"
#define TEAM(name) "{\"kind\": \"team\", \"team\": \"" name "\"}"
#define EVERYBODY "{\"kind\": \"everybody\"}"

static void duty_of(char *out, size_t size, int officer)
{
	snprintf(out, size, "jsonb_build_object('duty', jsonb_build_array(md5('o%d')::uuid), 'empty', '[]'::jsonb)",
		 officer);
}

static void those_on_call_are_told_and_nobody_else(void **state)
{
	char duty[160];

	(void)state;
	add_officers(3, "");
	put("khan_cap", 0, STEP(0, "", SCHEDULE("duty")));
	duty_of(duty, sizeof(duty), 2);
	open_case(1, "khan_cap", "bao_luc", "");
	assert_string_equal(fire_with(duty), "step notified 1");
	assert_string_equal(send_all(), "alert 2");
	due("step");
	duty_of(duty, sizeof(duty), 3); /* the turn has changed meanwhile */
	fire_with(duty);
	assert_string_equal(send_all(), "alert 3");
}

static void without_a_roster_everybody_is_on_call(void **state)
{
	(void)state;
	add_officers(2, "");
	put("khan_cap", 0, STEP(0, "", SCHEDULE("duty")));
	open_case(1, "khan_cap", "bao_luc", "");
	assert_string_equal(fire(), "step notified 2");
}

static void a_gap_in_the_schedule_is_skipped_at_once_and_reported(void **state)
{
	char duty[160];

	(void)state;
	add_officers(2, "");
	sql(db, "select officer_teams_put(md5('o1')::uuid, 'night')");
	put("khan_cap", 0, STEP(0, "", SCHEDULE("empty")) "," STEP(1, "", TEAM("night")));
	duty_of(duty, sizeof(duty), 2);
	open_case(1, "khan_cap", "bao_luc", "");
	assert_string_equal(fire_with(duty), "step notified 1");
	assert_string_equal(send_all(), "alert 1");
	assert_string_equal(events(), "opened step_empty notified");
}

static void nobody_is_told_by_an_old_roster(void **state)
{
	(void)state;
	add_officers(1, "");
	open_case(1, "khan_cap", "bao_luc", "");
	sql(db, "select roster_add(1, true, '\\x01', 'op')");
	assert_sql("roster", "select o_outcome from timers_fire('n1', 50, '{}', 0)");
	assert_sql("notified", "select o_outcome from timers_fire('n1', 50, '{}', 1)");
	assert_string_equal(pg_fixture_error(db, "select roster_add(1, true, '\\x01', 'op')"), "23505");
	assert_string_equal(pg_fixture_error(db, "update rosters set made_by = 'x'"), "23000");
}

static void a_step_is_repeated_then_the_next_then_the_fallback_for_ever(void **state)
{
	static const char *const told[] = {"alert 1", "alert 1", "alert 2", "alert 1", "alert 1", "alert 2",
					   "alert 3", "alert 3", "alert 3"};

	(void)state;
	add_officers(3, "");
	sql(db, "select officer_teams_put(md5('o1')::uuid, 'a'), officer_teams_put(md5('o2')::uuid, 'b'),"
		" officer_teams_put(md5('o3')::uuid, 'c')");
	put("khan_cap", 2,
	    "{\"seq\": 0, \"delay_s\": 300, \"repeat\": 1, \"mode\": \"all\", \"targets\": [" TEAM("a") "]},"
	    STEP(1, "", TEAM("b")) "," STEP(-1, "", TEAM("c")));
	open_case(1, "khan_cap", "bao_luc", "");
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		due("step");
		assert_string_equal(fire(), "step notified 1");
		assert_string_equal(send_all(), told[i]);
	}
}

static void round_robin_alerts_whom_it_alerted_longest_ago(void **state)
{
	(void)state;
	add_officers(3, "");
	put("khan_cap", 0, "{\"seq\": 0, \"delay_s\": 300, \"repeat\": 0, \"mode\": \"round_robin\", \"targets\": ["
	    EVERYBODY "]}");
	for (int i = 1; i <= 3; i++) {
		open_case(i, "khan_cap", "bao_luc", "");
		assert_string_equal(fire(), "step notified 1");
	}
	assert_sql("3", "select count(distinct officer) from notifications");
	send_all();
	due("step");
	assert_string_equal(fire(), "step notified 1, step notified 1, step notified 1");
	assert_sql("2 2 2", "select string_agg(n::text, ' ') from (select count(*) n from notifications group by officer) x");
}

static void a_route_chooses_the_policy_by_urgency_kind_and_commune(void **state)
{
	(void)state;
	add_officers(1, "");
	put("tinh", 0, STEP(0, "", EVERYBODY));
	put("xa", 0, STEP(0, "", EVERYBODY));
	assert_sql("changed", "select routes_put('[{\"seq\": 0, \"urgencies\": [\"cao\"], \"kinds\": [\"xam_hai\"],"
		" \"communes\": [], \"policy\": \"tinh\", \"also\": []}, {\"seq\": 1, \"urgencies\": [], \"kinds\": [],"
		" \"communes\": [\"25396\"], \"policy\": \"xa\", \"also\": []}]', true)");
	assert_sql("same", "select routes_put(routes_doc(), true)");
	open_case(1, "cao", "xam_hai", "25396");
	open_case(2, "khan_cap", "xam_hai", "25396");
	open_case(3, "khan_cap", "xam_hai", "");
	assert_sql("HL1 tinh, HL2 xa, HL3 khan_cap", "select string_agg(c.ref || ' ' || e.policy, ', ' order by c.ref)"
		" from escalations e join cases c on c.id = e.case_id");
}

static void a_running_case_keeps_the_policy_it_began_with(void **state)
{
	(void)state;
	add_officers(2, "");
	sql(db, "select officer_teams_put(md5('o1')::uuid, 'a')");
	assert_string_equal(put("khan_cap", 0, STEP(0, "", TEAM("a"))), "changed");
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	assert_string_equal(put("khan_cap", 0, STEP(0, "", EVERYBODY)), "changed");
	assert_string_equal(put("khan_cap", 0, STEP(0, "", EVERYBODY)), "same");
	due("step");
	assert_string_equal(fire(), "step notified 1");
	send_all();
	assert_string_equal(command("ack", 1, "HL1:main:alert", ""), "acked HL1");
	due("ack_lease");
	fire();
	assert_string_equal(fire(), "step notified 1"); /* also after its acknowledgement ran out */
	open_case(2, "khan_cap", "bao_luc", "");
	assert_string_equal(fire(), "step notified 2");
	assert_sql("1", "select cases from api_policies where policy = 'khan_cap' and version = 2");
}

static void an_agency_is_that_of_the_commune_of_the_case(void **state)
{
	(void)state;
	add_officers(3, "");
	sql(db, "select officer_teams_put(md5('o1')::uuid, 'ca-1'), officer_teams_put(md5('o2')::uuid, 'ca-2'),"
		" officer_teams_put(md5('o3')::uuid, 'ca-tinh'), team_put('ca-1', 'police', '', '25396'),"
		" team_put('ca-2', 'police', '', '25397,25398'), team_put('ca-tinh', 'police', '', '')");
	put("khan_cap", 0, STEP(0, "", "{\"kind\": \"agency\", \"name\": \"police\"}"));
	open_case(1, "khan_cap", "bao_luc", "25398");
	fire();
	assert_string_equal(send_all(), "alert 2");
	open_case(2, "khan_cap", "bao_luc", "25400"); /* no police of its own: those who look after all */
	fire();
	assert_string_equal(send_all(), "alert 3");
}

static void police_track(void)
{
	add_officers(2, "");
	sql(db, "select officer_teams_put(md5('o1')::uuid, 'a'), officer_teams_put(md5('o2')::uuid, 'ca')");
	put("khan_cap", 0, STEP(0, "", TEAM("a")));
	put("cong-an", 0, STEP(0, "", TEAM("ca")));
	sql(db, "select routes_put('[{\"seq\": 0, \"urgencies\": [], \"kinds\": [], \"communes\": [], \"policy\":"
		" \"khan_cap\", \"also\": [\"cong-an\"]}]', true)");
	open_case(1, "khan_cap", "xam_hai", "");
	assert_string_equal(fire(), "step notified 1, step notified 1");
	assert_string_equal(send_all(), "alert 1, alert 2");
}

static void a_track_beside_the_main_one_is_acknowledged_for_itself(void **state)
{
	(void)state;
	police_track();
	assert_string_equal(command("ack", 1, "HL1:main:alert", ""), "acked HL1");
	due("step");
	assert_string_equal(fire(), "step notified 1"); /* the police go on being told */
	assert_string_equal(command("ack", 2, "HL1:cong-an:alert", ""), "noted HL1");
	due("step");
	assert_string_equal(fire(), "");
	assert_sql("officer-1", "select ack_by from cases");
	assert_sql("officer-2", "select acked_by from escalations where track = 'cong-an'");
	assert_string_equal(command("ack", 2, "HL1:cong-an:alert", ""), "noted HL1");
}

static void a_code_of_a_track_beside_never_takes_the_case(void **state)
{
	(void)state;
	police_track();
	assert_string_equal(command("ack", 2, "HL1:cong-an:alert", ""), "noted HL1");
	assert_sql("", "select ack_by from cases");
	assert_string_equal(command("done", 2, "HL1:cong-an:alert", ""), "noted HL1");
	due("step");
	assert_string_equal(fire(), "step notified 1");
}

static void take_case(void)
{
	add_officers(2, "");
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	send_all();
	assert_string_equal(command("ack", 1, "HL1:main:alert", ""), "acked HL1");
	send_all();
}

static void its_holder_is_reminded_before_the_acknowledgement_runs_out(void **state)
{
	(void)state;
	take_case();
	assert_sql("00:20:00", "select t.due_at - c.ack_at from timers t join cases c on c.id = t.subject"
		" where t.kind = 'remind'");
	due("remind");
	assert_string_equal(fire(), "remind remind 1");
	assert_string_equal(send_all(), "remind 1");
	assert_string_equal(command("ack", 1, "HL1:main:alert", ""), "already_yours HL1");
	due("remind"); /* renewed: it comes again */
	assert_string_equal(fire(), "remind remind 1");
	due("ack_lease");
	assert_string_equal(fire(), "ack_lease ack_expired 1");
	assert_string_equal(fire(), "step notified 2");
}

static void snoozing_has_a_limit(void **state)
{
	(void)state;
	take_case();
	assert_sql("snoozed", "select o_result from case_take('HL1', 'officer-1', 'snooze', null, 10800)");
	assert_sql("03:00:00", "select date_trunc('second', ack_until - ack_at) from cases");
	assert_sql("limit", "select o_result from case_take('HL1', 'officer-1', 'snooze', null, 18000)");
	assert_sql("not_yours officer-1", "select concat_ws(' ', o_result, o_other) from case_take('HL1', 'officer-2',"
		" 'snooze', null, 600)");
	assert_sql("03:00:00", "select date_trunc('second', t.due_at - c.ack_at) from timers t join cases c on c.id = t.subject"
		" where t.kind = 'ack_lease'");
}

static void a_case_is_passed_to_somebody_who_must_acknowledge_it(void **state)
{
	(void)state;
	take_case();
	assert_string_equal(command("pass", 1, "HL1:main:alert", ""), "pass_whom HL1");
	assert_string_equal(command("pass", 2, "HL1:main:alert", ", md5('o1')::uuid"), "taken HL1 officer-1");
	assert_string_equal(command("pass", 1, "HL1:main:alert", ", md5('o2')::uuid"), "passed HL1");
	assert_sql("", "select ack_by from cases");
	assert_string_equal(fire(), ""); /* the other one has the time of a step */
	assert_string_equal(send_all(), "alert 2");
	due("step");
	assert_string_equal(fire(), "step notified 2"); /* and did not answer */
}

static void a_case_is_closed_with_a_reason_and_opened_again(void **state)
{
	(void)state;
	take_case();
	assert_string_equal(pg_fixture_error(db, "select case_take('HL1', 'officer-1', 'close', 'bored')"), "23514");
	assert_string_equal(command("done", 1, "HL1:main:alert", ", null, 'referred'"), "done HL1");
	assert_sql("referred", "select close_code from cases");
	assert_sql("unknown", "select o_result from case_take('HL9', 'op', 'reopen')");
	assert_sql("reopened", "select o_result from case_take('HL1', 'op', 'reopen')");
	assert_sql("1", "select count(*) from escalations where state = 'live'");
	assert_string_equal(fire(), "step notified 2");
	assert_sql("not_closed", "select o_result from case_take('HL1', 'op', 'reopen')");
}

static void wrong_codes_are_answered_a_bounded_number_of_times(void **state)
{
	(void)state;
	add_officers(1, "");
	for (int i = 0; i < 5; i++)
		assert_string_equal(command("ack", 1, "no", ""), "wrong_code");
	for (int i = 0; i < 20; i++)
		assert_string_equal(command("ack", 1, "no", ""), "wrong_silent");
}

static void a_changed_event_breaks_the_chain(void **state)
{
	(void)state;
	take_case();
	assert_sql("", "select string_agg(o_bad::text, ' ') from audit_verify()");
	sql(db, "alter table case_events disable trigger append_only");
	sql(db, "update case_events set actor = 'nobody' where seq = 2");
	assert_sql("HL1 2", "select string_agg(o_case_ref || ' ' || o_bad, ' ') from audit_verify()");
	sql(db, "update case_events set actor = 'system' where seq = 2");
	sql(db, "delete from case_events where seq = (select max(seq) from case_events)");
	assert_sql("1", "select count(*) from audit_verify() where o_bad is not null");
	sql(db, "alter table case_events disable trigger append_only_all");
	sql(db, "truncate case_events");
	sql(db, "update cases set event_seq = 0, event_hash = '\\x'"); /* for the check that ends each test */
}

static void a_number_that_changes_hands_is_kept_for_the_record(void **state)
{
	(void)state;
	add_officers(2, "a");
	sql(db, "select officer_method_put(md5('o1')::uuid, 0, 'sms', null, null)");
	sql(db, "select officer_method_put(md5('o2')::uuid, 1, 'sms', decode(md5('o1'), 'hex'), '\\x05')");
	assert_sql("officer-2", "select tag from officers where id = (select officer from contact_methods"
		" where idx = decode(md5('o1'), 'hex') and retired_at is null)");
	assert_sql("1", "select count(*) from contact_methods where retired_at is not null");
	assert_sql("1", "select count(*) from officers_on_duty()");
	assert_string_equal(command("who", 1, "", ""), "who 1"); /* the phone speaks for officer 2 now */
	sql(db, "select officer_teams_put(md5('o2')::uuid, 'b')");
	sql(db, "select officer_teams_put(md5('o2')::uuid, 'a')");
	assert_sql("3", "select count(*) from memberships where officer = md5('o2')::uuid");
	assert_sql("a", "select o_teams from roster_people() where o_officer = md5('o2')::uuid limit 1");
}

/* ---- one way after another ---- */

static void second_ways(int officer)
{
	sql(db, "select officer_method_put(md5('o%d')::uuid, 1, 'sms', decode(md5('second%d'), 'hex'), '\x01'),"
		" officer_method_put(md5('o%d')::uuid, 3, 'mail', decode(md5('mail%d'), 'hex'), '\x01')", officer, officer,
	    officer, officer);
}

/* Claims what is due: "ordinal channel" of each. */
static const char *claim(const char *more)
{
	return sql(db, "select coalesce(string_agg(m.ordinal || ' ' || c.o_channel, ', ' order by m.ordinal), '') from"
		" notifications_claim('n1', 50, 60%s) c join contact_methods m on m.id = c.o_method", more);
}

static void outcome(const char *state)
{
	sql(db, "select notification_sent(id, '%s', id::text, null) from notifications where state = 'sending'", state);
}

static void a_refused_alert_goes_on_to_the_next_way_at_once_and_then_to_the_next_step(void **state)
{
	(void)state;
	add_officers(1, "");
	second_ways(1);
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	assert_string_equal(claim(""), "0 sms");
	outcome("failed");
	assert_string_equal(claim(""), "1 sms");
	outcome("failed");
	assert_string_equal(claim(""), "3 mail");
	assert_sql("t", "select min(due_at) > now() + interval '4 min' from timers where state = 'armed'");
	outcome("failed");
	assert_string_equal(claim(""), "");
	assert_sql("t", "select min(due_at) < now() + interval '70 s' from timers where state = 'armed'");
	assert_string_equal(events(), "opened notified notify_failed notify_failed notify_failed");
}

static void a_receipt_that_says_failed_goes_on_as_well(void **state)
{
	(void)state;
	add_officers(1, "");
	second_ways(1);
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	claim("");
	outcome("sent");
	sql(db, "select receipt_put('smpp', provider_ref, 'failed') from notifications");
	assert_string_equal(claim(""), "1 sms");
}

static void silence_of_the_carrier_goes_on_once(void **state)
{
	(void)state;
	add_officers(1, "");
	second_ways(1);
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	claim("");
	outcome("sent");
	assert_sql("0", "select count(*) from notices_unheard()");
	sql(db, "update notifications set sent_at = now() - interval '61 s'");
	assert_sql("HL1 1", "select concat_ws(' ', o_case_ref, o_count) from notices_unheard()");
	assert_sql("0", "select count(*) from notices_unheard()");
	assert_string_equal(claim(""), "1 sms");
	outcome("sent");
	sql(db, "select receipt_put('smpp', n.provider_ref, 'delivered') from notifications n join contact_methods m on"
		" m.id = n.method where m.ordinal = 1");
	sql(db, "update notifications set sent_at = now() - interval '61 s'");
	assert_sql("0", "select count(*) from notices_unheard()"); /* heard on the second */
}

/* The only carrier is down: the alert is never sent, so nothing is ever said of it. */
static void an_alert_that_cannot_be_sent_takes_another_way_as_well(void **state)
{
	(void)state;
	add_officers(1, "");
	second_ways(1);
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	assert_sql("0", "select count(*) from notices_unheard()");
	sql(db, "update notifications set created_at = now() - interval '61 s'");
	assert_sql("0", "select count(*) from notices_unheard()"); /* not tried yet: that is not the carrier's fault */
	assert_string_equal(claim(""), "0 sms");
	outcome("retry");
	assert_sql("HL1 1", "select concat_ws(' ', o_case_ref, o_count) from notices_unheard()");
	assert_sql("0", "select count(*) from notices_unheard()");
	assert_sql("2", "select count(*) from notifications where state = 'pending'"); /* the first goes on */
}

static void a_notice_never_goes_to_a_phone_that_was_given_up(void **state)
{
	(void)state;
	add_officers(1, "");
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	sql(db, "select officer_method_put(id, 0, 'sms', '\\xabababababababababababababababab', '\\x00') from officers");
	assert_string_equal(claim(""), "");
	assert_sql("\\xabababababababababababababababab", "select o_idx from notifications_claim('n1', 50, 60)");
}

static void emergencies_are_claimed_first_and_have_places_of_their_own(void **state)
{
	(void)state;
	add_officers(4, "");
	open_case(1, "cao", "bao_luc", "");
	open_case(2, "khan_cap", "bao_luc", "");
	fire();
	assert_sql("khan_cap khan_cap khan_cap khan_cap cao", "select string_agg(o_urgency, ' ') from"
		" notifications_claim('n1', 50, 60, 1)");
	assert_sql("", "select string_agg(o_urgency, ' ') from notifications_claim('n1', 50, 60, 0)");
	assert_sql("cao cao cao", "select string_agg(o_urgency, ' ') from notifications_claim('n1', 50, 60, 9)");
}

static void alerts_that_can_wait_share_a_minute(void **state)
{
	(void)state;
	add_officers(1, "");
	open_case(1, "thap", "bao_luc", "");
	fire();
	assert_string_equal(claim(""), "0 sms");
	for (int i = 2; i <= 4; i++) {
		open_case(i, i == 4 ? "khan_cap" : "thap", "bao_luc", "");
		fire();
	}
	assert_sql("HL4", "select string_agg(o_case_ref, ' ') from notifications_claim('n1', 9, 60)");
	assert_sql("1", "select count(distinct next_at) from notifications where state = 'pending'");
	assert_sql("t", "select max(next_at) between now() + interval '50 s' and now() + interval '60 s'"
		" from notifications where state = 'pending'");
}

/* ---- legal clocks ---- */

/* Clocks "soon" with a warning in ten minutes and an end in twenty, and "later", of every wanting case. */
static void set_clocks(const char *more)
{
	sql(db, "select clocks_set(o_case, o_urgency, o_kind, jsonb_build_array(jsonb_build_object('clock', 'soon', 'due',"
		" extract(epoch from now())::bigint + 1200, 'shown', '10:20 01-02-2026', 'warnings', jsonb_build_array("
		" extract(epoch from now())::bigint + 600)), jsonb_build_object('clock', 'later', 'due',"
		" extract(epoch from now())::bigint + 86400, 'shown', 'x', 'warnings', '[]'::jsonb)) %s)"
		" from clocks_wanting(10)", more);
}

static const char *fire_clocks(void)
{
	return sql(db, "select coalesce(string_agg(concat_ws(' ', o_clock, o_outcome, o_count), ', '), '') from"
		" clocks_fire(10)");
}

static void a_clock_warns_its_holder_and_its_end_everybody(void **state)
{
	(void)state;
	take_case();
	set_clocks("");
	assert_sql("0", "select count(*) from clocks_wanting(10)");
	assert_string_equal(fire_clocks(), "");
	sql(db, "update clocks set next_at = now() where clock = 'soon'");
	assert_string_equal(fire_clocks(), "soon warned 1");
	assert_sql("clock officer-1 Den han soon 10:20 01-02-2026", "select concat_ws(' ', o_kind, f.tag, o_detail) from"
		" notifications_claim('n1', 5, 60) c join officers f on f.id = c.o_officer");
	sql(db, "update clocks set next_at = now(), due_at = now() where clock = 'soon'");
	assert_string_equal(fire_clocks(), "soon missed 2");
	assert_string_equal(fire_clocks(), "");
	assert_sql("missed", "select state from api_clocks where clock = 'soon'");
	assert_string_equal(events(), "opened notified acked clock_started clock_started clock_warned clock_missed");
}

static void a_clock_is_met_once_and_never_warns_again(void **state)
{
	(void)state;
	take_case();
	set_clocks("");
	assert_sql("met", "select clock_meet('HL1', 'soon', 'officer-1')");
	assert_sql("already_met", "select clock_meet('HL1', 'soon', 'officer-1')");
	assert_sql("unknown", "select clock_meet('HL1', 'never', 'officer-1')");
	sql(db, "update clocks set due_at = now() - interval '1 s' where clock = 'later'");
	assert_sql("late", "select clock_meet('HL1', 'later', 'officer-1')");
	assert_string_equal(fire_clocks(), "");
}

static void closing_a_case_stops_its_clocks_and_opening_it_again_starts_them(void **state)
{
	(void)state;
	take_case();
	set_clocks("");
	command("done", 1, "HL1:main:alert", "");
	assert_sql("stopped stopped", "select string_agg(state, ' ') from api_clocks");
	sql(db, "select case_take('HL1', 'op', 'reopen')");
	set_clocks("");
	assert_sql("running running", "select string_agg(state, ' ') from api_clocks");
	assert_sql("2", "select count(*) from clocks where next_at is not null");
}

static void a_case_that_becomes_another_kind_of_case_gets_other_clocks(void **state)
{
	(void)state;
	take_case();
	set_clocks("");
	sql(db, "update cases set urgency = 'cao'");
	set_clocks("- 1");
	assert_sql("later stopped soon running", "select string_agg(clock || ' ' || state, ' ' order by clock)"
		" from api_clocks");
}

/* ---- members ---- */

#define ENROL(role, code) "select member_enrol('\\x000102030405060708090a0b0c0d0e0f', '\\x01', '" role "', '25396', null," \
	" '\\x0" code "', 'op')"
#define VERIFY(code) "select member_verify('\\x000102030405060708090a0b0c0d0e0f', '\\x0" code "', 'member')"

static void a_member_is_verified_by_the_code_and_can_be_revoked(void **state)
{
	(void)state;
	assert_sql("unknown", VERIFY("1"));
	assert_sql("enrolled", ENROL("teacher", "1"));
	assert_sql("f", "select o_verified from members_idx()");
	assert_sql("wrong", VERIFY("2"));
	assert_sql("verified", VERIFY("1"));
	assert_sql("already", VERIFY("1"));
	assert_sql("t", "select o_verified from members_idx()");
	assert_sql("unchanged", ENROL("teacher", "3"));
	assert_sql("enrolled", ENROL("health", "4")); /* another role: proven anew */
	assert_sql("f", "select o_verified from members_idx()");
	assert_sql("revoked", "select member_revoke('\\x000102030405060708090a0b0c0d0e0f', 'op')");
	assert_sql("0", "select count(*) from members_idx()");
	assert_sql("unknown", VERIFY("4"));
	assert_sql("enrolled wrong_code verified enrolled revoked", "select string_agg(what, ' ' order by at) from"
		" member_events");
}

static void five_wrong_codes_make_an_enrolment_void(void **state)
{
	(void)state;
	sql(db, ENROL("teacher", "1"));
	for (int i = 0; i < 5; i++)
		assert_sql("wrong", VERIFY("2"));
	assert_sql("void", VERIFY("1"));
	sql(db, ENROL("teacher", "3"));
	sql(db, "update members set code_until = now() - interval '1 s'");
	assert_sql("void", VERIFY("3"));
	sql(db, ENROL("teacher", "4"));
	assert_sql("verified", VERIFY("4"));
}

/* ---- the audit ---- */

static const char *audit(void)
{
	return sql(db, "select coalesce(string_agg(o_finding || ' ' || o_count, ', '), '') from audit('n1')"
		" where o_count > 0");
}

static void the_audit_finds_what_is_late_or_forgotten(void **state)
{
	(void)state;
	assert_string_equal(audit(), "nobody 1");
	add_officers(1, "");
	assert_string_equal(audit(), "");
	open_case(1, "khan_cap", "bao_luc", "");
	fire();
	assert_string_equal(audit(), "");
	sql(db, "update notifications set next_at = now() - interval '2 min'");
	assert_string_equal(audit(), "notices_late 1");
	send_all();
	sql(db, "update timers set due_at = now() - interval '2 min'");
	assert_string_equal(audit(), "timers_late 1");
	sql(db, "update cases set opened_at = now() - interval '1 min'");
	sql(db, "update timers set state = 'cancelled'");
	assert_string_equal(audit(), "untimed 1");
	sql(db, "update timers set state = 'armed', due_at = now()");
	sql(db, "insert into heartbeats values ('n2', now() - interval '3 min')");
	assert_string_equal(audit(), "daemon_silent 1");
	sql(db, "select audit_end('n2')");
	assert_string_equal(audit(), "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_database, close_database)
	const struct CMUnitTest tests[] = {
		TEST(those_on_call_are_told_and_nobody_else),
		TEST(without_a_roster_everybody_is_on_call),
		TEST(a_gap_in_the_schedule_is_skipped_at_once_and_reported),
		TEST(nobody_is_told_by_an_old_roster),
		TEST(a_step_is_repeated_then_the_next_then_the_fallback_for_ever),
		TEST(round_robin_alerts_whom_it_alerted_longest_ago),
		TEST(a_route_chooses_the_policy_by_urgency_kind_and_commune),
		TEST(a_running_case_keeps_the_policy_it_began_with),
		TEST(an_agency_is_that_of_the_commune_of_the_case),
		TEST(a_track_beside_the_main_one_is_acknowledged_for_itself),
		TEST(a_code_of_a_track_beside_never_takes_the_case),
		TEST(its_holder_is_reminded_before_the_acknowledgement_runs_out),
		TEST(snoozing_has_a_limit),
		TEST(a_case_is_passed_to_somebody_who_must_acknowledge_it),
		TEST(a_case_is_closed_with_a_reason_and_opened_again),
		TEST(wrong_codes_are_answered_a_bounded_number_of_times),
		TEST(a_changed_event_breaks_the_chain),
		TEST(a_number_that_changes_hands_is_kept_for_the_record),
		TEST(a_refused_alert_goes_on_to_the_next_way_at_once_and_then_to_the_next_step),
		TEST(a_receipt_that_says_failed_goes_on_as_well),
		TEST(silence_of_the_carrier_goes_on_once),
		TEST(a_notice_never_goes_to_a_phone_that_was_given_up),
		TEST(an_alert_that_cannot_be_sent_takes_another_way_as_well),
		TEST(emergencies_are_claimed_first_and_have_places_of_their_own),
		TEST(alerts_that_can_wait_share_a_minute),
		TEST(a_member_is_verified_by_the_code_and_can_be_revoked),
		TEST(five_wrong_codes_make_an_enrolment_void),
		TEST(the_audit_finds_what_is_late_or_forgotten),
		TEST(a_clock_warns_its_holder_and_its_end_everybody),
		TEST(a_clock_is_met_once_and_never_warns_again),
		TEST(closing_a_case_stops_its_clocks_and_opening_it_again_starts_them),
		TEST(a_case_that_becomes_another_kind_of_case_gets_other_clocks),
	};

	pg_fixture_start();
	return cmocka_run_group_tests_name("schema: on call", tests, NULL, NULL);
}
