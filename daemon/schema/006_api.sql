-- What hotlinectl and the daemon ask for: report access, and the views behind `--json` (their
-- column names are an interface).

-- ---- teams ----

create function team_upsert(p_name text, p_public_key bytea) returns void language sql as $$
	insert into teams (name, public_key) values (p_name, p_public_key)
		on conflict (name) do update set public_key = excluded.public_key
		where teams.public_key is distinct from excluded.public_key
$$;

-- ---- reading ----

create function messages_known(p_ids uuid[]) returns setof uuid language sql stable as $$
	select id from messages where id = any (p_ids)
$$;

-- Reports meant by a reference: of the case that bears it, and those whose reporter was told it.
create function ref_reports(p_ref text) returns setof uuid language sql stable as $$
	select r.report from case_reports r join cases c on c.id = r.case_id where c.ref = p_ref
	union
	select id from reports where ref = p_ref
$$;

-- Newest revision of each conversation of each report, with all an identity needs to open it.
create function report_open_rows(p_ref text)
returns table (o_report uuid, o_report_ref text, o_case_ref text, o_conversation uuid, o_stamp bigint,
	o_received_at timestamptz, o_urgency text, o_kind text, o_partial boolean, o_body_ct bytea,
	o_mac bytea, o_wrapped bytea, o_intake uuid, o_team text, o_sealed_team bytea, o_sealed_escrow bytea)
language sql stable as $$
	select distinct on (r.received_at, r.id, v.conversation) r.id, r.ref, c.ref,
		v.conversation, v.stamp, r.received_at, r.urgency, r.kind, v.partial, v.body_ct, v.mac,
		k.wrapped, i.id, i.team, i.sealed_team, i.sealed_escrow
	from ref_reports(p_ref) f join reports r on r.id = f
		join report_revisions v on v.report = r.id
		left join cases c on c.id = r.case_id
		left join conversation_keys k on k.id = v.conversation and k.tag = v.key_tag
		left join intake_keys i on i.id = k.intake
	order by r.received_at, r.id, v.conversation, v.stamp desc
$$;

-- Who can be called back, newest report first. o_safe: 1 yes, 0 no, -1 not said.
create function contact_rows(p_ref text)
returns table (o_report uuid, o_report_ref text, o_case_ref text, o_subject bytea, o_kind text,
	o_number_ct bytea, o_safe int, o_channel text, o_received_at timestamptz)
language sql stable as $$
	select r.id, r.ref, c.ref, r.subject, s.kind, s.number_ct, r.safe_contact,
		r.channel, r.received_at
	from ref_reports(p_ref) f join reports r on r.id = f left join subjects s on s.idx = r.subject
		left join cases c on c.id = r.case_id
	order by r.received_at desc
$$;

-- ---- views ----

create view api_messages as
	select m.id, m.received_at, m.channel, m.adapter, m.link, m.disposition, r.ref as report_ref,
		m.conversation, m.parts, m.part_of, m.subject
	from messages m left join reports r on r.id = m.report;

create view api_reports as
	select r.id, r.ref, r.received_at, r.channel, r.adapter, r.kind, r.urgency, r.commune,
		coalesce(r.candidates, '{}') as candidates, r.revision, r.partial, r.dup_count,
		c.ref as case_ref, r.lang, r.safe_contact, r.subject
	from reports r left join cases c on c.id = r.case_id;

create view api_cases as
	select c.ref, c.urgency, case when c.closed_at is not null then 'closed'
			when c.ack_by is not null then 'acked' else 'open' end as state,
		c.kind, c.commune, c.opened_at, c.first_at, c.ack_by as acked_by, c.ack_at as acked_at,
		(select min(t.due_at) from timers t where t.subject = c.id and t.state = 'armed'
			and t.kind in ('step', 'ack_lease')) as timer_due_at,
		(select count(*)::int from case_reports r where r.case_id = c.id) as reports,
		c.subject, c.last_event
	from cases c;

create view api_notifications as
	select n.id, c.ref as case_ref, o.tag as officer, n.kind, m.channel as method, n.state, n.attempts,
		n.created_at, n.sent_at, n.step, n.round as loop
	from notifications n join cases c on c.id = n.case_id join officers o on o.id = n.officer
		join contact_methods m on m.id = n.method;

create view api_timers as
	select c.ref as case_ref, t.kind, t.due_at, t.state, t.generation, t.attempts
	from timers t join cases c on c.id = t.subject;

-- Must be empty: open cases that nobody holds and no step timer of the main track guards, or that somebody
-- holds without a lease that ends.
create view api_untimed as
	select c.ref, c.urgency, c.opened_at from cases c
	where c.closed_at is null and not exists (select 1 from timers t where t.subject = c.id
		and t.state = 'armed' and t.generation = case_generation(c.id)
		and t.kind = case when c.ack_by is null then 'step' else 'ack_lease' end);

-- The chain of events of each case, checked: o_bad is the number of the first event that does not hold.
create function audit_verify() returns table (o_case_ref text, o_events int, o_bad int)
language sql stable as $$
	select c.ref, c.event_seq, case_chain_check(c.id) from cases c order by c.opened_at
$$;
