-- Filing: one entry of the queue becomes a message, a report revision, a case, its first event and its
-- first timer, in one transaction. Every function here may be run again with the same values.
-- What runs for every entry is plpgsql: language sql is planned anew at each call unless it is inlined.

create function report_uuid(p_key bytea, p_generation int) returns uuid
language sql immutable strict parallel safe as $$
	select encode(substring(sha256(p_key || int4send(p_generation)) from 1 for 16), 'hex')::uuid
$$;

-- Its case is closed. A report that never was in one is not settled either.
create function report_settled(p_report uuid) returns boolean
language sql stable as $$
	select exists (select 1 from cases where closed_at is not null
		and id = (select case_id from reports where id = p_report))
$$;

-- Which generation of the report opened by this key takes a revision of this conversation.
create function report_generation(p_key bytea, p_conversation uuid) returns int
language plpgsql stable as $$
declare
	v_generation int;
	v_id uuid;
begin
	select r.generation into v_generation from reports r
		where r.opening_key = p_key and exists (select 1 from report_revisions v
			where v.report = r.id and v.conversation = p_conversation)
		order by r.generation desc limit 1;
	if found then
		return v_generation;
	end if;
	select r.generation, r.id into v_generation, v_id from reports r
		where r.opening_key = p_key order by r.generation desc limit 1;
	if not found then
		return 0;
	end if;
	return v_generation + report_settled(v_id)::int;
end
$$;

-- ---- timers and escalations, as far as filing starts them ----

create function timer_arm(p_kind text, p_case uuid, p_generation int, p_seq int, p_due timestamptz)
returns void
language plpgsql as $$
begin
	insert into timers (kind, subject, generation, seq, due_at)
		values (p_kind, p_case, p_generation, p_seq, p_due)
		on conflict (subject, kind, generation, seq)
		do update set due_at = excluded.due_at, state = 'armed', fired_at = null;
end
$$;

-- Of the track that decides who holds the case.
create function case_generation(p_case uuid) returns int
language plpgsql stable as $$
begin
	return (select coalesce(max(generation), 0) from escalations where case_id = p_case and track = 'main');
end
$$;

create function policy_newest(p_name text) returns int
language plpgsql stable as $$
begin
	return (select max(version) from policies where name = p_name);
end
$$;

-- The route of a case. No route fits: the policy that bears the urgency's name, which always exists.
create function policy_route(p_urgency text, p_kind text, p_commune text, out o_policy text, out o_also text[])
language plpgsql stable as $$
begin
	select r.policy, r.also into o_policy, o_also from policy_routes r
		where r.version = (select max(version) from policy_routes)
			and (r.urgencies = '{}' or p_urgency = any (r.urgencies))
			and (r.kinds = '{}' or p_kind = any (r.kinds))
			and (r.communes = '{}' or p_commune = any (r.communes))
		order by r.seq limit 1;
	if o_policy is null or policy_newest(o_policy) is null then
		o_policy := p_urgency;
	end if;
	o_also := coalesce(o_also, '{}');
end
$$;

create function escalation_add(p_case uuid, p_track text, p_policy text, p_version int) returns void
language plpgsql as $$
declare
	v_generation int;
begin
	select coalesce(max(generation), 0) + 1 into v_generation from escalations where case_id = p_case;
	insert into escalations (case_id, generation, track, policy, version)
		values (p_case, v_generation, p_track, p_policy, p_version);
	perform timer_arm('step', p_case, v_generation, 0, now());
end
$$;

-- Tracks beside the main one begin once and go on whoever holds the case.
create function escalation_beside(p_case uuid, p_also text[]) returns void
language plpgsql as $$
declare
	v_policy text;
begin
	foreach v_policy in array p_also loop
		if policy_newest(v_policy) is not null and not exists (select 1 from escalations
			where case_id = p_case and track = v_policy) then
			perform escalation_add(p_case, v_policy, v_policy, policy_newest(v_policy));
			perform case_event(p_case, 'track', 'system', jsonb_build_object('policy', v_policy));
		end if;
	end loop;
end
$$;

-- Ends the running ladder and starts the next one now. It keeps the policy version the case has been
-- under, unless its route leads to another policy by now.
create function escalation_start(p_case uuid) returns void
language plpgsql as $$
declare
	v_route record;
	v_old escalations;
	v_version int;
begin
	select (policy_route(urgency, kind, commune)).* into strict v_route from cases where id = p_case;
	select * into v_old from escalations where case_id = p_case and track = 'main'
		order by generation desc limit 1;
	v_version := case when v_old.policy = v_route.o_policy then v_old.version
		else policy_newest(v_route.o_policy) end;
	if v_old.id is not null then
		update escalations set state = 'superseded' where id = v_old.id and state in ('live', 'acked');
		update timers set state = 'cancelled' where subject = p_case and generation = v_old.generation
			and kind <> 'again' and state = 'armed';
		update notifications set state = 'cancelled'
			where escalation = v_old.id and kind = 'alert' and state = 'pending';
	end if;
	perform escalation_add(p_case, 'main', v_route.o_policy, v_version);
	perform escalation_beside(p_case, v_route.o_also);
end
$$;

-- Something new about a case: tell its owner, or everybody told so far. At most one a minute.
create function again_arm(p_case uuid) returns void
language plpgsql as $$
declare
	v_generation int := case_generation(p_case);
	v_seq int;
	v_last timestamptz;
begin
	if exists (select 1 from timers where subject = p_case and kind = 'again' and state = 'armed') then
		return;
	end if;
	select max(seq) filter (where generation = v_generation), max(fired_at) into v_seq, v_last
		from timers where subject = p_case and kind = 'again';
	perform timer_arm('again', p_case, v_generation, coalesce(v_seq, -1) + 1,
		greatest(now(), v_last + interval '60 s'));
end
$$;

-- ---- cases ----

create function case_add(p_case uuid, p_report uuid) returns void
language plpgsql as $$
begin
	insert into case_reports (case_id, report) values (p_case, p_report) on conflict do nothing;
	update reports set case_id = p_case where id = p_report;
end
$$;

create function case_open(p_report reports, p_team text) returns cases
language plpgsql as $$
declare
	v_case cases;
	v_ref text := p_report.ref;
	v_tries int := 0;
begin
	loop
		insert into cases (ref, urgency, kind, commune, team, subject, first_at)
			values (v_ref, p_report.urgency, p_report.kind, p_report.commune, p_team,
				p_report.subject, p_report.received_at)
			on conflict (ref) do nothing returning * into v_case;
		exit when found;
		v_ref := p_report.ref || case when v_tries < 26 then chr(65 + v_tries) else '-' || v_tries end;
		v_tries := v_tries + 1;
	end loop;
	perform case_add(v_case.id, p_report.id);
	perform case_event(v_case.id, 'opened', 'system', jsonb_build_object('report', p_report.id,
		'urgency', v_case.urgency, 'kind', v_case.kind, 'commune', v_case.commune));
	perform escalation_start(v_case.id);
	return v_case;
end
$$;

-- An acknowledgement is a lease: when it ends, and when its holder is reminded of that.
create function lease_set(p_case uuid, p_until timestamptz) returns void
language plpgsql as $$
declare
	v_generation int := case_generation(p_case);
	v_remind int;
begin
	update cases set ack_until = p_until where id = p_case;
	perform timer_arm('ack_lease', p_case, v_generation, 0, p_until);
	select p.remind_s into v_remind from escalations e
		join policies p on p.name = e.policy and p.version = e.version
		where e.case_id = p_case and e.generation = v_generation;
	if v_remind > 0 and p_until - v_remind * interval '1 s' > now() then
		perform timer_arm('remind', p_case, v_generation, 0, p_until - v_remind * interval '1 s');
	end if;
end
$$;

-- A case became more urgent than it was thought to be.
create function case_raise(p_case cases, p_urgency text) returns void
language plpgsql as $$
declare
	v_until timestamptz;
begin
	update cases set urgency = p_urgency where id = p_case.id;
	perform case_event(p_case.id, 'raised', 'system',
		jsonb_build_object('from', p_case.urgency, 'to', p_urgency));
	if p_case.ack_by is null then
		perform escalation_start(p_case.id);
		return;
	end if;
	-- Its holder is told, and has only as long as the new urgency gives.
	select least(p_case.ack_until, now() + p.ack_lease_s * interval '1 s') into v_until
		from policy_route(p_urgency, p_case.kind, p_case.commune) r join policies p on p.name = r.o_policy
		order by p.version desc limit 1;
	perform lease_set(p_case.id, v_until);
	perform again_arm(p_case.id);
end
$$;

-- Fills what the case did not know yet from a report of it.
create function case_learn(p_case cases, p_report reports) returns void
language plpgsql as $$
begin
	if p_case.kind = 'khong_ro' and p_report.kind <> 'khong_ro' then
		update cases set kind = p_report.kind where id = p_case.id;
		perform case_event(p_case.id, 'kind', 'system', jsonb_build_object('kind', p_report.kind));
	end if;
	if p_case.commune is null and p_report.commune is not null then
		update cases set commune = p_report.commune where id = p_case.id;
		perform case_event(p_case.id, 'commune', 'system',
			jsonb_build_object('commune', p_report.commune));
	end if;
end
$$;

-- Finds, or opens, the case a report belongs to, after the report has changed. p_may_open false: a
-- session timer only; it reopens nothing that an officer has closed.
create function case_settle(p_report reports, p_team text, p_attach boolean, p_may_open boolean,
	out o_case cases, out o_what text)
language plpgsql as $$
begin
	o_what := 'revision';
	if p_report.urgency = 'khong' then
		return;
	end if;
	-- Not "and closed_at is null": the planner would walk an index of all live cases to find the one.
	select * into o_case from cases where id = p_report.case_id for no key update;
	if o_case.closed_at is not null then
		o_case := null;
	end if;
	if o_case.id is null then
		if not p_may_open and p_report.case_id is not null then
			return;
		end if;
		if p_attach then
			select c.* into o_case from cases c where c.subject = p_report.subject
				and c.closed_at is null order by c.opened_at desc limit 1 for no key update;
		end if;
		if o_case.id is null then
			o_case := case_open(p_report, p_team);
			o_what := 'new_case';
			return;
		end if;
		perform case_add(o_case.id, p_report.id);
		perform case_event(o_case.id, 'attached', 'system',
			jsonb_build_object('report', p_report.id, 'urgency', p_report.urgency));
		o_what := 'attached';
	end if;
	perform case_learn(o_case, p_report);
	if urgency_rank(p_report.urgency) > urgency_rank(o_case.urgency) then
		perform case_raise(o_case, p_report.urgency);
		o_what := 'raised';
	elsif o_what = 'attached' then
		perform again_arm(o_case.id);
	end if;
end
$$;

-- The same text was sent again while its report is open.
create function report_repeated(p_report uuid, p_team text, p_attach boolean) returns void
language plpgsql as $$
declare
	v_report reports;
	v_case cases;
begin
	update reports set dup_count = dup_count + 1 where id = p_report returning * into v_report;
	select (s.o_case).* into v_case from case_settle(v_report, p_team, p_attach, true) s;
	if v_case.id is null or urgency_rank(v_case.urgency) < urgency_rank('cao') then
		return;
	end if;
	perform case_event(v_case.id, 'repeated', 'system',
		jsonb_build_object('report', p_report, 'count', v_report.dup_count));
	if v_case.ack_by is not null then
		perform again_arm(v_case.id);
	end if;
end
$$;

-- ---- the entry ----

create function subject_seen(p_idx bytea, p_kind text, p_number_ct bytea) returns void
language plpgsql as $$
begin
	insert into subjects (idx, kind, number_ct) values (p_idx, p_kind, p_number_ct)
		on conflict (idx) do update set last_seen = now(),
			number_ct = coalesce(subjects.number_ct, excluded.number_ct)
		where subjects.last_seen < now() - interval '1 minute'
			or (subjects.number_ct is null and excluded.number_ct is not null);
end
$$;

create function key_seen(p_conversation uuid, p_team text, p_wrapped bytea, p_intake uuid,
	p_intake_team bytea, p_intake_escrow bytea) returns void
language plpgsql as $$
begin
	if exists (select 1 from conversation_keys where id = p_conversation and tag = key_tag(p_wrapped)) then
		return;
	end if;
	if not exists (select 1 from intake_keys where id = p_intake) then
		insert into intake_keys (id, team, sealed_team, sealed_escrow)
			values (p_intake, p_team, p_intake_team, p_intake_escrow) on conflict do nothing;
	end if;
	insert into conversation_keys values (p_conversation, key_tag(p_wrapped), p_intake, p_wrapped)
		on conflict do nothing;
end
$$;

-- The report a delivery without content belongs to: of its conversation, else opened by the same text.
create function report_of(p_conversation uuid, p_opening_key bytea, p_dup_key bytea) returns uuid
language sql stable as $$
	select id from (
		(select r.id, 0 as preference from report_revisions v join reports r on r.id = v.report
			where v.conversation = p_conversation order by r.generation desc limit 1)
		union all
		(select r.id, 1 from reports r where r.opening_key = coalesce(p_opening_key, p_dup_key)
			order by r.generation desc limit 1)
	) found order by preference limit 1
$$;

-- Stores one revision. o_stored: it was not here yet. o_newest: nothing newer of its conversation is.
-- o_others: the report has been told in another conversation too.
create function revision_store(p_report uuid, p_conversation uuid, p_stamp bigint, p_message uuid,
	p_urgency text, p_kind text, p_partial boolean, p_body_ct bytea, p_tag bytea, p_mac bytea,
	out o_stored boolean, out o_newest boolean, out o_others boolean)
language plpgsql as $$
begin
	insert into report_revisions (report, conversation, stamp, message, urgency, kind, partial, body_ct,
		key_tag, mac)
		values (p_report, p_conversation, p_stamp, p_message, p_urgency, p_kind, p_partial, p_body_ct,
			p_tag, p_mac) on conflict do nothing;
	o_stored := found;
	o_newest := not exists (select 1 from report_revisions where report = p_report
		and conversation = p_conversation and stamp > p_stamp);
	o_others := exists (select 1 from report_revisions where report = p_report
		and conversation <> p_conversation);
end
$$;

-- What a new revision changes in its report: urgency only rises, what is known is not forgotten.
create function report_update(p_report uuid, p_newest boolean, p_stamp bigint, p_urgency text, p_kind text,
	p_lang text, p_partial boolean, p_safe int, p_commune text, p_candidates text[], p_first timestamptz)
returns reports
language plpgsql as $$
declare
	v_report reports;
begin
	update reports set
		revision = revision + 1,
		stamp = greatest(stamp, p_stamp),
		received_at = least(received_at, p_first),
		urgency = case when urgency_rank(p_urgency) > urgency_rank(urgency) then p_urgency else urgency end,
		kind = case when kind = 'khong_ro' or (p_newest and p_kind <> 'khong_ro') then p_kind else kind end,
		lang = case when p_newest then p_lang else lang end,
		partial = partial and p_partial,
		safe_contact = case when safe_contact = -1 or (p_newest and p_safe <> -1) then p_safe
			else safe_contact end,
		commune = case when p_newest then coalesce(p_commune, commune) else coalesce(commune, p_commune) end,
		candidates = case when p_newest then coalesce(p_candidates, candidates)
			else coalesce(candidates, p_candidates) end
	where id = p_report returning * into v_report;
	return v_report;
end
$$;

-- One filing of one report: all that is decided after the revision is known to be new.
create function revision_settle(p_report reports, p_repeat boolean, p_told boolean, p_may_open boolean,
	p_team text, p_attach boolean) returns text
language plpgsql as $$
declare
	r record;
begin
	if p_repeat then
		perform report_repeated(p_report.id, p_team, p_attach);
		return 'repeat';
	end if;
	select * into r from case_settle(p_report, p_team, p_attach, p_may_open);
	-- New words in a running conversation on a case that somebody has taken: its holder hears of them.
	if r.o_what = 'revision' and p_told and (r.o_case).ack_by is not null then
		perform case_event((r.o_case).id, 'added', 'system',
			jsonb_build_object('report', p_report.id, 'stamp', p_report.stamp));
		perform again_arm((r.o_case).id);
	end if;
	return r.o_what;
end
$$;

-- p_message null: no delivery, a session timer files. p_opening_key null: no report content.
-- o_what: none (nothing new), new_case, attached, raised, revision, repeat, stale.
create function file_entry(p_message uuid, p_dup_key bytea, p_subject bytea, p_subject_kind text,
	p_number_ct bytea, p_adapter text, p_link text, p_channel text, p_short_code text,
	p_received_us bigint, p_disposition text, p_part_of uuid, p_parts int, p_message_ct bytea,
	p_conversation uuid, p_team text, p_wrapped bytea, p_intake uuid, p_intake_team bytea,
	p_intake_escrow bytea, p_opening_key bytea, p_ref text, p_stamp bigint, p_urgency text,
	p_kind text, p_lang text, p_partial boolean, p_safe int, p_commune text, p_candidates text,
	p_body_ct bytea, p_mac bytea, p_first_us bigint, p_opens boolean, p_node text)
returns table (o_report uuid, o_case_ref text, o_what text)
language plpgsql as $$
declare
	v_content boolean := p_opening_key is not null and p_disposition <> 'repeat';
	v_attach boolean := p_subject is not null and p_subject_kind in ('msisdn', 'imsi');
	v_fresh boolean := false; -- the delivery is new
	v_generation int;
	v_report reports;
	r record;
begin
	perform pg_advisory_xact_lock(lock_key(coalesce(p_subject, p_opening_key, p_dup_key)));
	if p_subject is not null then
		perform subject_seen(p_subject, p_subject_kind, p_number_ct);
	end if;
	if p_wrapped is not null and p_conversation is not null then
		perform key_seen(p_conversation, p_team, p_wrapped, p_intake, p_intake_team, p_intake_escrow);
	end if;
	if v_content then
		v_generation := report_generation(p_opening_key, p_conversation);
		o_report := report_uuid(p_opening_key, v_generation);
		-- Looked up first: an insert weighs every constraint before it meets the conflict.
		if not exists (select 1 from reports where id = o_report) then
			insert into reports (id, ref, opening_key, generation, subject, received_at, channel,
				adapter, kind, urgency, partial, safe_contact, lang, node)
				values (o_report, p_ref, p_opening_key, v_generation, p_subject,
					us_time(p_first_us), p_channel, p_adapter, p_kind, p_urgency, true, -1,
					p_lang, p_node)
				on conflict (id) do nothing;
		end if;
	elsif p_disposition = 'repeat' then
		o_report := report_of(p_conversation, p_opening_key, p_dup_key);
	else
		o_report := report_of(p_conversation, null, null);
	end if;
	if p_message is not null then
		insert into messages (id, received_at, channel, adapter, link, short_code, disposition, dup_key,
			subject, conversation, report, part_of, parts, body_ct, key_tag, node)
			values (p_message, us_time(p_received_us), p_channel, p_adapter, p_link, p_short_code,
				p_disposition, p_dup_key, p_subject, p_conversation, o_report, p_part_of,
				p_parts, p_message_ct, key_tag(p_wrapped), p_node)
			on conflict (id) do nothing;
		v_fresh := found;
	end if;
	o_what := 'none';
	if v_content then
		select * into r from revision_store(o_report, p_conversation, p_stamp, p_message, p_urgency,
			p_kind, p_partial, p_body_ct, key_tag(p_wrapped), p_mac);
		if r.o_stored then
			v_report := report_update(o_report, r.o_newest, p_stamp, p_urgency, p_kind, p_lang,
				p_partial, p_safe, p_commune, string_to_array(nullif(p_candidates, ''), ','),
				us_time(p_first_us));
			o_what := revision_settle(v_report, p_opens and r.o_others,
				v_fresh and p_disposition in ('report', 'undecodable') and not p_opens,
				p_message is not null, p_team, v_attach);
			if o_what = 'revision' and not r.o_newest then
				o_what := 'stale';
			end if;
		end if;
	elsif p_disposition = 'repeat' and v_fresh and o_report is not null then
		perform report_repeated(o_report, p_team, v_attach);
		o_what := 'repeat';
	end if;
	select ref into o_case_ref from cases
		where id = (select case_id from reports where id = o_report);
	return next;
end
$$;

-- A time that a daemon stamped, unless it cannot be true.
create function raw_us(p_us bigint) returns bigint language sql stable as $$
	select case when p_us between n - 31536000000000 and n + 86400000000 then p_us else n end
		from (select (extract(epoch from now()) * 1000000)::bigint as n) clock
$$;

-- For an entry that file_entry refused: its sealed bytes go in as they are, and nothing else of it is
-- trusted. A person is to read it, so it makes a case urgent enough to be read soon.
create function file_raw(p_message uuid, p_dup_key bytea, p_subject bytea, p_subject_kind text,
	p_number_ct bytea, p_received_us bigint, p_message_ct bytea, p_conversation uuid, p_team text,
	p_wrapped bytea, p_intake uuid, p_intake_team bytea, p_intake_escrow bytea, p_opening_key bytea,
	p_ref text, p_stamp bigint, p_urgency text, p_body_ct bytea, p_mac bytea, p_first_us bigint, p_node text)
returns table (o_report uuid, o_case_ref text, o_what text)
language sql as $$
	select * from file_entry(p_message, p_dup_key, p_subject,
		case when p_subject_kind in ('msisdn', 'imsi', 'short') then p_subject_kind else 'alnum' end,
		p_number_ct, 'raw', 'raw', 'sms', '', raw_us(p_received_us), 'undecodable', null, 1,
		p_message_ct, p_conversation, p_team, p_wrapped, p_intake, p_intake_team, p_intake_escrow,
		p_opening_key, coalesce(substring(p_ref from '^[A-Za-z0-9-]{1,20}$'), 'RAW'), p_stamp,
		case when p_urgency = 'khan_cap' then p_urgency else 'cao' end, 'khong_ro', 'vi', true, -1,
		null, null, p_body_ct, p_mac, raw_us(p_first_us), false, p_node)
$$;
