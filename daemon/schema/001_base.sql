-- Tables. In clear: ids, commune, category, urgency, times and states. Everything a person wrote, every
-- name and every number is sealed by the daemon before it gets here (columns ending in _ct), and a
-- sender is looked up by a keyed hash only (columns named idx or subject, 16 bytes).
-- All times are the database's own clock, except received_at and first_at, which the daemon that took
-- the message stamped.

create function uuid7() returns uuid language sql volatile parallel safe as $$
	select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
		placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
		from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

create function us_time(p_us bigint) returns timestamptz language sql stable strict parallel safe as $$
	select timestamptz 'epoch' + p_us * interval '1 microsecond'
$$;

-- The order of urgencies: khong < thap < trung_binh < cao < khan_cap.
create function urgency_rank(p_urgency text) returns int language sql immutable parallel safe as $$
	select case p_urgency when 'khan_cap' then 4 when 'cao' then 3 when 'trung_binh' then 2
		when 'thap' then 1 else 0 end
$$;

-- 64 bits of a hash, for an advisory lock.
create function lock_key(p_hash bytea) returns bigint language sql immutable strict parallel safe as $$
	select ('x' || encode(substring(p_hash from 1 for 8), 'hex'))::bit(64)::bigint
$$;

create function forbid_change() returns trigger language plpgsql as $$
begin
	raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end
$$;

-- ---- keys ----

create table keys (
	id uuid primary key default uuid7(),
	purpose text not null,
	epoch int not null check (epoch >= 0),
	public_key bytea,
	state text not null check (state in ('active', 'retired', 'destroyed')),
	made_at timestamptz not null default now(),
	unique (purpose, epoch)
);
create unique index keys_one_active on keys (purpose) where state = 'active';

-- One intake key per hour and daemon, sealed to the team and to the escrow. Deleting a row, or the
-- wrap of one conversation, is the erasure of what it protects.
create table intake_keys (
	id uuid primary key,
	team text not null,
	sealed_team bytea not null,
	sealed_escrow bytea not null,
	made_at timestamptz not null default now()
);

-- A conversation whose state was lost while it went on has more than one key. What is sealed under which
-- is told by the tag: the first 8 bytes of a hash of the wrapped key.
create table conversation_keys (
	id uuid not null, -- the conversation
	tag bytea not null,
	intake uuid not null references intake_keys on delete cascade,
	wrapped bytea not null,
	primary key (id, tag)
);

create function key_tag(p_wrapped bytea) returns bytea language sql immutable strict parallel safe as $$
	select substring(sha256(p_wrapped) from 1 for 8)
$$;

-- ---- what came in ----

create table subjects (
	idx bytea primary key check (octet_length(idx) = 16),
	kind text not null check (kind in ('msisdn', 'imsi', 'alnum', 'short', 'none')),
	number_ct bytea,
	first_seen timestamptz not null default now(),
	last_seen timestamptz not null default now()
);

-- Registered network members (collaborators, teachers, health and commune staff).
create table members (
	idx bytea primary key check (octet_length(idx) = 16),
	number_ct bytea,
	role text not null,
	commune text,
	name_ct bytea,
	verified_at timestamptz, -- their phone answered with the code; null: not yet, a citizen like others
	code_hash bytea,
	code_until timestamptz,
	tries int not null default 0,
	disabled boolean not null default false, -- revoked
	made_at timestamptz not null default now()
);

-- Every delivery, also repeats, adverts and empty texts.
create table messages (
	id uuid primary key,
	received_at timestamptz not null,
	filed_at timestamptz not null default now(),
	channel text not null check (channel in ('sms', 'ussd')),
	adapter text not null,
	link text not null,
	short_code text not null,
	disposition text not null check (disposition in ('report', 'answer', 'stop', 'others', 'empty',
		'officer', 'repeat', 'part', 'undecodable', 'timer')),
	dup_key bytea,
	subject bytea references subjects,
	conversation uuid,
	report uuid, -- what it became part of, if anything
	part_of uuid, -- a part: the delivery that completed the text
	parts int not null,
	body_ct bytea,
	key_tag bytea, -- which key of its conversation body_ct is sealed under
	node text not null
);
create index messages_received on messages (received_at);
create index messages_subject on messages (subject, received_at);

create table reports (
	id uuid primary key, -- of opening key and generation: report_uuid()
	ref text not null,   -- what the reporter was told; two reports may share it, cases never
	opening_key bytea not null, -- duplicate key of the message that opened it
	generation int not null,    -- grows when its text is sent again after the case was closed
	subject bytea references subjects,
	received_at timestamptz not null, -- first message: the legal clocks count from here
	channel text not null check (channel in ('sms', 'ussd')),
	adapter text not null,
	kind text not null,
	urgency text not null check (urgency in ('khong', 'thap', 'trung_binh', 'cao', 'khan_cap')),
	commune text,
	candidates text[],
	revision int not null default 0, -- revisions stored
	stamp bigint not null default 0, -- newest revision
	partial boolean not null,
	safe_contact int not null check (safe_contact between -1 and 1),
	lang text not null,
	dup_count int not null default 0,
	case_id uuid, -- the newest case it is in; all of them: case_reports
	node text not null,
	filed_at timestamptz not null default now(),
	unique (opening_key, generation)
);
create index reports_received on reports (received_at);
create index reports_ref on reports (ref);

-- Each revision is the whole report so far, sealed under the key of its conversation.
create table report_revisions (
	report uuid not null references reports on delete cascade,
	conversation uuid not null,
	stamp bigint not null,
	message uuid, -- what caused it; null: a timer did
	urgency text not null,
	kind text not null,
	partial boolean not null,
	body_ct bytea,
	key_tag bytea, -- which key of its conversation body_ct is sealed under
	mac bytea,
	filed_at timestamptz not null default now(),
	primary key (report, conversation, stamp)
);
create index report_revisions_conversation on report_revisions (conversation);

-- ---- people on call ----

create table officers (
	id uuid primary key default uuid7(),
	no int not null generated always as identity,
	tag text not null unique generated always as ('officer-' || no::text) stored,
	key bytea unique,       -- keyed hash of the id that the roster gives; null: the number tells who it is
	name_ct bytea,          -- sealed for the row's id
	disabled boolean not null default false,
	made_at timestamptz not null default now()
);

create table contact_methods (
	id uuid primary key default uuid7(),
	officer uuid not null references officers on delete cascade,
	channel text not null check (channel in ('sms', 'ussd', 'webhook', 'mail')),
	idx bytea not null check (octet_length(idx) = 16),
	number_ct bytea not null,       -- or the webhook's or mail's address
	ordinal int not null default 0, -- tried in this order
	verified_at timestamptz,        -- null: never used
	retired_at timestamptz          -- no longer theirs; kept for what was sent to it, never used
		check (retired_at is null or verified_at is null)
);
create unique index contact_methods_one on contact_methods (channel, idx) where retired_at is null;
create index contact_methods_officer on contact_methods (officer, ordinal);
create index contact_methods_idx on contact_methods (idx);

create table teams (
	name text primary key,
	public_key bytea,
	agency text,                         -- commune, police, health, school, province; null: the hotline's own
	schedule text,                       -- who of it is alerted; null: all of it
	communes text[] not null default '{}', -- it looks after; none: all
	made_at timestamptz not null default now()
);

create table memberships (
	team text not null references teams on delete cascade,
	officer uuid not null references officers on delete cascade,
	since timestamptz not null default now(),
	until timestamptz,
	primary key (team, officer, since)
);
create unique index memberships_one on memberships (team, officer) where until is null;

-- Every roster that was ever imported, sealed whole: who was on call at any time can be told from the one
-- that was in force. has_duty: it speaks of teams and schedules; else of officers only.
create table rosters (
	version int primary key,
	has_duty boolean not null,
	doc_ct bytea not null, -- sealed for its version
	made_by text not null,
	made_at timestamptz not null default now()
);
create trigger immutable before update or delete on rosters for each row execute function forbid_change();

-- ---- policies: a new version is a new row, so that a running escalation keeps the one it began with ----

create table policies (
	name text not null,
	version int not null,
	ack_lease_s int not null check (ack_lease_s > 0), -- an acknowledgement without an action lasts so long
	remind_s int not null default 0 check (remind_s >= 0), -- its holder is reminded so long before; 0: never
	snooze_s int not null default 14400 check (snooze_s >= 0), -- its holder may put it off so long in all
	rounds int not null default 0 check (rounds >= 0), -- then the fallback, for ever; 0: the steps, for ever
	doc jsonb not null default '{}', -- as it was imported
	made_at timestamptz not null default now(),
	primary key (name, version)
);

create table steps (
	policy text not null,
	version int not null,
	seq int not null check (seq >= -1), -- from 0, without gaps; -1: the fallback
	delay_s int not null check (delay_s > 0), -- until the next step
	mode text not null default 'all' check (mode in ('all', 'round_robin')),
	repeat int not null default 0 check (repeat >= 0), -- told so many times more before the next step
	primary key (policy, version, seq),
	foreign key (policy, version) references policies
);

create table step_targets (
	policy text not null,
	version int not null,
	step int not null,
	kind text not null check (kind in ('everybody', 'team', 'officer', 'schedule', 'agency')),
	team text references teams,
	officer uuid references officers,
	name text, -- of the schedule, or the kind of agency of the case's commune
	foreign key (policy, version, step) references steps,
	check ((kind = 'team') = (team is not null)),
	check ((kind = 'officer') = (officer is not null)),
	check ((kind in ('schedule', 'agency')) = (name is not null))
);
create index step_targets_step on step_targets (policy, version, step);

-- Which policy a case comes under: the first route of the newest version that fits. Empty lists fit all.
create table policy_routes (
	version int not null,
	seq int not null,
	urgencies text[] not null default '{}',
	kinds text[] not null default '{}',
	communes text[] not null default '{}',
	policy text not null,
	also text[] not null default '{}', -- policies that run beside it: who has to acknowledge for themselves
	made_at timestamptz not null default now(),
	primary key (version, seq)
);

create trigger immutable before update or delete on policies for each row execute function forbid_change();
create trigger immutable before update or delete on steps for each row execute function forbid_change();
create trigger immutable before update or delete on step_targets for each row execute function forbid_change();
create trigger immutable before update or delete on policy_routes for each row execute function forbid_change();

-- ---- cases ----

create table cases (
	id uuid primary key default uuid7(),
	ref text not null unique,
	urgency text not null check (urgency in ('thap', 'trung_binh', 'cao', 'khan_cap')),
	kind text not null,
	commune text,
	team text,
	subject bytea references subjects,
	opened_at timestamptz not null default now(),
	first_at timestamptz not null, -- first message of its first report
	ack_by text,                   -- officer tag, or the name of a console user
	ack_officer uuid references officers, -- null when a console user holds it
	ack_at timestamptz,
	ack_until timestamptz,
	closed_at timestamptz,
	closed_by text,
	close_code text check (close_code in ('done', 'referred', 'unfounded', 'duplicate', 'mistake', 'other')),
	clocks_for text,                        -- urgency and kind its legal clocks were computed for
	event_seq int not null default 0,       -- head of the event chain; also the row's version
	event_hash bytea not null default '\x',
	last_event text not null default '',
	check ((ack_by is null) = (ack_at is null)),
	check ((ack_by is null) = (ack_until is null)),
	check (ack_by is not null or ack_officer is null),
	check ((closed_at is null) = (closed_by is null)),
	check ((closed_at is null) = (close_code is null))
);
create index cases_live_subject on cases (subject, opened_at) where closed_at is null;
create index cases_opened on cases (opened_at);

alter table reports add foreign key (case_id) references cases;

create table case_reports (
	case_id uuid not null references cases,
	report uuid not null references reports,
	at timestamptz not null default now(),
	primary key (case_id, report)
);
create index case_reports_report on case_reports (report);

create table case_events (
	case_id uuid not null references cases,
	seq int not null,
	type text not null,
	actor text not null,
	at timestamptz not null,
	details jsonb not null,
	payload_ct bytea,
	prev_hash bytea not null,
	hash bytea not null,
	primary key (case_id, seq)
);
create trigger append_only before update or delete on case_events
	for each row execute function forbid_change();
create trigger append_only_all before truncate on case_events
	for each statement execute function forbid_change();

create table access_log (
	seq bigint primary key,
	at timestamptz not null,
	who text not null,
	action text not null,
	object text not null, -- a report's or case's ref
	outcome text not null,
	reason_ct bytea,
	prev_hash bytea not null,
	hash bytea not null
);
create trigger append_only before update or delete on access_log
	for each row execute function forbid_change();
create trigger append_only_all before truncate on access_log
	for each statement execute function forbid_change();

-- ---- escalation ----

create table escalations (
	id uuid primary key default uuid7(),
	case_id uuid not null references cases,
	generation int not null,
	track text not null default 'main', -- main decides who holds the case; others: a policy beside it
	policy text not null,
	version int not null,
	step int not null default 0, -- what the next step timer does
	attempt int not null default 0, -- times the step was told already
	round int not null default 0, -- times all steps have been gone through
	fired_at timestamptz,        -- last time somebody was told
	nobody_round int,            -- round whose "nobody" is on record
	state text not null default 'live' check (state in ('live', 'acked', 'superseded', 'ended')),
	acked_by text,  -- of a track beside the main one: who acknowledged it
	acked_at timestamptz,
	made_at timestamptz not null default now(),
	unique (case_id, generation), -- tracks share the numbers
	foreign key (policy, version) references policies
);
create unique index escalations_one_live on escalations (case_id, track) where state = 'live';

create table timers (
	id uuid primary key default uuid7(),
	kind text not null check (kind in ('step', 'again', 'ack_lease', 'remind')),
	subject uuid not null references cases,
	generation int not null,
	seq int not null,
	due_at timestamptz not null,
	state text not null default 'armed' check (state in ('armed', 'fired', 'cancelled')),
	attempts int not null default 0, -- times that firing it failed
	made_at timestamptz not null default now(),
	fired_at timestamptz,
	unique (subject, kind, generation, seq)
);
create index timers_due on timers (due_at) where state = 'armed';
-- Beside timers_due: without it a plan made while the tables were empty reads every armed timer.
create index timers_armed on timers (subject, kind) where state = 'armed';

create table notifications (
	id uuid primary key default uuid7(),
	case_id uuid not null references cases,
	escalation uuid not null references escalations,
	generation int not null,
	kind text not null check (kind in ('alert', 'again', 'taken', 'remind', 'clock')),
	step int not null,
	round int not null,
	officer uuid not null references officers,
	method uuid not null references contact_methods,
	ordinal int not null default 0, -- tells repeated notices of one step and round apart
	state text not null default 'pending'
		check (state in ('pending', 'sending', 'sent', 'delivered', 'failed', 'cancelled')),
	attempts int not null default 0,
	next_at timestamptz not null default now(), -- pending: not before; sending: end of the lease
	lease_owner text,
	detail text,                -- of a clock: which one, and when it ends
	followed_at timestamptz,    -- no receipt in time, or failed: another method was taken up
	adapter text,
	provider_ref text,
	created_at timestamptz not null default now(),
	sent_at timestamptz,
	delivered_at timestamptz,
	declined_at timestamptz,
	unique (escalation, generation, kind, step, round, officer, method, ordinal)
);
create index notifications_due on notifications (next_at) where state in ('pending', 'sending');
create index notifications_unheard on notifications (coalesce(sent_at, created_at))
	where state in ('pending', 'sending', 'sent') and kind = 'alert' and followed_at is null;
create index notifications_open on notifications (case_id) where state in ('pending', 'sending');
create index notifications_case on notifications (case_id);
create index notifications_officer on notifications (officer, created_at) where kind = 'alert';
create index notifications_method on notifications (method, created_at);
create index notifications_provider on notifications (provider_ref) where provider_ref is not null;

-- A hash of (number, digits). Unique also among those that are over, for 7 days.
create table ack_codes (
	notification uuid not null references notifications,
	salt int not null,
	code_hash bytea not null unique,
	officer uuid not null references officers,
	case_id uuid not null references cases,
	tries int not null default 0,
	made_at timestamptz not null default now(),
	void_at timestamptz,    -- five wrong tries
	retired_at timestamptz, -- case closed: still recognised, to say so
	primary key (notification, salt)
);
create index ack_codes_officer on ack_codes (officer) where void_at is null and retired_at is null;
create index ack_codes_case on ack_codes (case_id);

create table inbound_acks (
	message uuid primary key,
	cmd text not null,
	officer uuid references officers,
	code_hash bytea, -- null: came without a code
	result text not null,
	case_ref text,
	urgency text,
	other text,
	at timestamptz not null default now()
);
create index inbound_acks_code on inbound_acks (code_hash) where code_hash is not null;

create table receipts (
	adapter text not null,
	provider_ref text not null,
	status text not null,
	notification uuid references notifications, -- null: came before we knew the reference
	at timestamptz not null default now(),
	primary key (adapter, provider_ref, status)
);
create index receipts_orphans on receipts (provider_ref) where notification is null;
create index receipts_orphans_age on receipts (at) where notification is null;

-- What could not be done and was put off. Never parameter values.
create table faults (
	id bigint generated always as identity primary key,
	at timestamptz not null default now(),
	what text not null,
	subject uuid,
	sqlstate text not null,
	message text not null
);

-- ---- the event log of a case ----

create function event_hash(p_prev bytea, p_case uuid, p_seq int, p_type text, p_actor text,
	p_at timestamptz, p_details jsonb, p_payload bytea) returns bytea
language sql immutable parallel safe as $$
	select sha256(p_prev || uuid_send(p_case) || int4send(p_seq)
		|| int4send(octet_length(p_type)) || convert_to(p_type, 'UTF8')
		|| int4send(octet_length(p_actor)) || convert_to(p_actor, 'UTF8')
		|| int8send((extract(epoch from p_at) * 1000000)::bigint)
		|| int4send(octet_length(p_details::text)) || convert_to(p_details::text, 'UTF8')
		|| coalesce(p_payload, '\x'))
$$;

-- Appends one event; locks the case until the end of the transaction.
create function case_event(p_case uuid, p_type text, p_actor text, p_details jsonb default '{}',
	p_payload bytea default null) returns void
language plpgsql as $$
declare
	v_seq int;
	v_prev bytea;
	v_hash bytea;
	v_at timestamptz;
begin
	select event_seq + 1, event_hash into strict v_seq, v_prev
		from cases where id = p_case for no key update;
	v_at := clock_timestamp();
	v_hash := event_hash(v_prev, p_case, v_seq, p_type, p_actor, v_at, p_details, p_payload);
	insert into case_events
		values (p_case, v_seq, p_type, p_actor, v_at, p_details, p_payload, v_prev, v_hash);
	update cases set event_seq = v_seq, event_hash = v_hash, last_event = p_type where id = p_case;
end
$$;

-- First event whose chain does not hold, or null. An event missing at the end is found as seq = its number.
create function case_chain_check(p_case uuid) returns int
language plpgsql stable as $$
declare
	e case_events;
	v_prev bytea := '\x';
	v_seq int := 0;
begin
	for e in select * from case_events where case_id = p_case order by seq loop
		v_seq := v_seq + 1;
		if e.seq <> v_seq or e.prev_hash <> v_prev or e.hash <> event_hash(v_prev, p_case, v_seq,
			e.type, e.actor, e.at, e.details, e.payload_ct) then
			return v_seq;
		end if;
		v_prev := e.hash;
	end loop;
	if exists (select 1 from cases where id = p_case and (event_seq <> v_seq or event_hash <> v_prev)) then
		return v_seq + 1;
	end if;
	return null;
end
$$;

-- One line of the record of who looked at what. The reason is sealed by the caller.
create function access_log_put(p_who text, p_action text, p_object text, p_outcome text,
	p_reason_ct bytea) returns bigint
language plpgsql as $$
declare
	v_seq bigint;
	v_prev bytea;
	v_at timestamptz;
begin
	perform pg_advisory_xact_lock(hashtextextended('access_log', 0));
	select seq, hash into v_seq, v_prev from access_log order by seq desc limit 1;
	v_seq := coalesce(v_seq, 0) + 1;
	v_prev := coalesce(v_prev, '\x');
	v_at := clock_timestamp();
	insert into access_log values (v_seq, v_at, p_who, p_action, p_object, p_outcome, p_reason_ct, v_prev,
		sha256(v_prev || int8send(v_seq) || int8send((extract(epoch from v_at) * 1000000)::bigint)
			|| convert_to(jsonb_build_array(p_who, p_action, p_object, p_outcome)::text, 'UTF8')
			|| coalesce(p_reason_ct, '\x')));
	return v_seq;
end
$$;
