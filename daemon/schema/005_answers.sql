-- What officers answer: acknowledging, closing, declining, by text or at the console. Lock order as in
-- 003_escalation.sql.

-- ---- acknowledging and closing ----

create function ack_lease(p_case uuid) returns interval language sql stable as $$
	select p.ack_lease_s * interval '1 s' from escalations e
		join policies p on p.name = e.policy and p.version = e.version
		where e.case_id = p_case and e.track = 'main' order by e.generation desc limit 1
$$;

-- The first wins. Returns acked, already_yours (the lease begins anew), taken or closed.
create function case_ack(p_case uuid, p_actor text, p_officer uuid) returns text
language plpgsql as $$
declare
	v_case cases;
	e escalations;
	v_until timestamptz := now() + ack_lease(p_case);
begin
	update cases set ack_by = p_actor, ack_officer = p_officer, ack_at = now(), ack_until = v_until
		where id = p_case and ack_by is null and closed_at is null returning * into v_case;
	if not found then
		select * into strict v_case from cases where id = p_case for no key update;
		if v_case.closed_at is not null then
			return 'closed';
		elsif v_case.ack_by <> p_actor then
			return 'taken';
		end if;
		perform lease_set(p_case, greatest(v_until, v_case.ack_until));
		perform case_event(p_case, 'ack_renewed', p_actor);
		return 'already_yours';
	end if;
	perform case_event(p_case, 'acked', p_actor);
	update escalations set state = 'acked' where case_id = p_case and state = 'live' and track = 'main'
		returning * into e;
	update timers set state = 'cancelled'
		where subject = p_case and generation = e.generation and kind = 'step' and state = 'armed';
	update notifications set state = 'cancelled'
		where escalation = e.id and kind = 'alert' and state = 'pending';
	perform notify_officers(p_case, e, 'taken', e.step, 0,
		array(select t from told_officers(p_case) t where t is distinct from p_officer));
	perform lease_set(p_case, v_until);
	return 'acked';
end
$$;

-- By its holder, or by anybody while nobody holds it. Returns done, taken or closed.
create function case_close(p_case uuid, p_actor text, p_code text default 'done') returns text
language plpgsql as $$
declare
	v_case cases;
begin
	select * into strict v_case from cases where id = p_case for no key update;
	if v_case.closed_at is not null then
		return 'closed';
	elsif v_case.ack_by <> p_actor then
		return 'taken';
	end if;
	update cases set closed_at = now(), closed_by = p_actor, close_code = p_code where id = p_case;
	perform case_event(p_case, 'closed', p_actor, jsonb_build_object('code', p_code));
	update escalations set state = 'ended' where case_id = p_case and state in ('live', 'acked');
	update timers set state = 'cancelled' where subject = p_case and state = 'armed';
	update notifications set state = 'cancelled'
		where case_id = p_case and kind <> 'taken' and state = 'pending';
	update ack_codes set retired_at = now() where case_id = p_case and retired_at is null;
	update clocks set stopped_at = now(), next_at = null
		where case_id = p_case and met_at is null and missed_at is null and stopped_at is null;
	return 'done';
end
$$;

-- A closed case needs somebody again: the ladder begins anew. Returns reopened or not_closed.
create function case_reopen(p_case uuid, p_actor text) returns text
language plpgsql as $$
begin
	update cases set closed_at = null, closed_by = null, close_code = null, clocks_for = null,
		ack_by = null, ack_officer = null, ack_at = null, ack_until = null
		where id = p_case and closed_at is not null;
	if not found then
		return 'not_closed';
	end if;
	perform case_event(p_case, 'reopened', p_actor);
	perform escalation_start(p_case);
	return 'reopened';
end
$$;

-- Its holder needs longer: the lease ends so much later from now, in all no later than the policy allows
-- since the case was acknowledged. Returns snoozed, limit, not_yours or closed.
create function case_snooze(p_case uuid, p_actor text, p_seconds int) returns text
language plpgsql as $$
declare
	v_case cases;
	v_limit timestamptz;
begin
	select * into strict v_case from cases where id = p_case for no key update;
	if v_case.closed_at is not null then
		return 'closed';
	elsif v_case.ack_by is distinct from p_actor then
		return 'not_yours';
	end if;
	select v_case.ack_at + p.snooze_s * interval '1 s' into strict v_limit from escalations e
		join policies p on p.name = e.policy and p.version = e.version
		where e.case_id = p_case and e.generation = case_generation(p_case);
	if now() + p_seconds * interval '1 s' > v_limit then
		return 'limit';
	end if;
	perform lease_set(p_case, greatest(v_case.ack_until, now() + p_seconds * interval '1 s'));
	perform case_event(p_case, 'snoozed', p_actor, jsonb_build_object('seconds', p_seconds));
	return 'snoozed';
end
$$;

-- Hands the case to an officer, who is told at once and has to acknowledge it like anybody; if not in the
-- time of the first step, or on refusal, the ladder goes on. By its holder, or by anybody while nobody holds
-- it. Returns passed, taken, closed or pass_whom (that officer is not there).
create function case_pass(p_case uuid, p_actor text, p_to uuid) returns text
language plpgsql as $$
declare
	v_case cases;
	e escalations;
	v_tags text[];
begin
	select * into strict v_case from cases where id = p_case for no key update;
	if v_case.closed_at is not null then
		return 'closed';
	elsif v_case.ack_by <> p_actor then
		return 'taken';
	elsif p_to is null or not exists (select 1 from officers_on_duty() d where d = p_to) then
		return 'pass_whom';
	end if;
	if v_case.ack_by is not null then
		perform case_release(v_case, 'released', p_actor);
	else
		perform escalation_start(p_case);
	end if;
	select * into strict e from escalations where case_id = p_case and track = 'main' and state = 'live';
	v_tags := notify_officers(p_case, e, 'alert', 0, 99, array[p_to]);
	update escalations set fired_at = now() where id = e.id;
	update timers set due_at = now() + (select delay_s from steps where policy = e.policy
		and version = e.version and seq = 0) * interval '1 s'
		where subject = p_case and kind = 'step' and generation = e.generation and state = 'armed';
	perform case_event(p_case, 'passed', p_actor, jsonb_build_object('officers', to_jsonb(v_tags)));
	return 'passed';
end
$$;

-- For the console and the command line. p_action: ack, close (p_code), reopen, snooze (p_seconds) or pass
-- (p_to). o_result: as of the functions above, or unknown. o_other: who holds it.
create function case_take(p_ref text, p_actor text, p_action text, p_code text default 'done',
	p_seconds int default null, p_to uuid default null)
returns table (o_result text, o_case_ref text, o_urgency text, o_other text)
language plpgsql as $$
declare
	v_case uuid;
begin
	select id, ref, urgency into v_case, o_case_ref, o_urgency from cases where ref = p_ref;
	if not found then
		o_result := 'unknown';
		return next;
		return;
	end if;
	o_result := case p_action
		when 'ack' then case_ack(v_case, p_actor, (select id from officers where tag = p_actor))
		when 'close' then case_close(v_case, p_actor, p_code)
		when 'reopen' then case_reopen(v_case, p_actor)
		when 'snooze' then case_snooze(v_case, p_actor, p_seconds)
		when 'pass' then case_pass(v_case, p_actor, p_to) end;
	if o_result is null then
		raise exception 'unknown action' using errcode = 'invalid_parameter_value';
	end if;
	if o_result in ('taken', 'not_yours') then
		select ack_by into o_other from cases where id = v_case;
	end if;
	return next;
end
$$;

-- ---- commands of officers ----

-- A wrong code: five void every code the officer has; the timers run on, and the next notice carries a
-- fresh one.
create function code_wrong(p_officer uuid) returns void
language plpgsql as $$
declare
	k ack_codes;
begin
	perform 1 from cases where id in (select case_id from ack_codes where officer = p_officer
		and void_at is null and retired_at is null) order by id for no key update;
	for k in update ack_codes set tries = tries + 1,
		void_at = case when tries + 1 >= 5 then now() end
		where officer = p_officer and void_at is null and retired_at is null returning * loop
		if k.void_at is not null then
			perform case_event(k.case_id, 'code_void', 'system', jsonb_build_object('officer',
				(select tag from officers where id = p_officer)));
		end if;
	end loop;
end
$$;

-- The one case that a command without a code can mean, or why there is none. A case counts when the
-- officer holds a code of it that is not void.
create function bare_case(p_cmd text, p_officer uuid, out o_case uuid, out o_why text)
language plpgsql as $$
declare
	v_open uuid[];
	v_held uuid[];
	v_taken uuid;
begin
	select array_agg(c.id) filter (where c.ack_by is null),
		array_agg(c.id) filter (where c.ack_officer = p_officer),
		(array_agg(c.id order by c.ack_at desc) filter (where c.ack_by is not null))[1]
		into v_open, v_held, v_taken
		from cases c where c.closed_at is null and exists (select 1 from ack_codes k
			join notifications n on n.id = k.notification join escalations e on e.id = n.escalation
			where k.case_id = c.id and k.officer = p_officer and k.void_at is null
				and e.track = 'main');
	if p_cmd = 'done' or (p_cmd = 'decline' and v_open is null) then
		v_open := v_held;
	end if;
	if cardinality(v_open) > 1 then
		o_why := 'several';
	elsif cardinality(v_open) = 1 then
		o_case := v_open[1];
	elsif p_cmd = 'ack' and v_taken is not null then
		o_case := v_taken;
	else
		o_why := 'no_open';
	end if;
end
$$;

-- An officer cannot take it. Its holder gives it back; else, when everybody told in this step and round
-- cannot, the next step is due.
create function case_decline(p_case uuid, p_officer uuid, p_tag text) returns text
language plpgsql as $$
declare
	v_case cases;
	n notifications;
begin
	select * into strict v_case from cases where id = p_case for no key update;
	if v_case.closed_at is not null then
		return 'closed';
	elsif v_case.ack_officer = p_officer then
		perform case_release(v_case, 'released', p_tag);
		return 'declined';
	elsif v_case.ack_by is not null then
		return 'taken';
	end if;
	perform case_event(p_case, 'declined', p_tag);
	update notifications set declined_at = now(),
		state = case when state = 'pending' then 'cancelled' else state end
		where case_id = p_case and officer = p_officer and kind = 'alert'
			and generation = case_generation(p_case);
	select * into n from notifications where case_id = p_case and kind = 'alert'
		and generation = case_generation(p_case) order by created_at desc, step desc limit 1;
	if not exists (select 1 from notifications where escalation = n.escalation and kind = 'alert'
		and round = n.round and step = n.step and declined_at is null
		and state not in ('failed', 'cancelled')) then
		perform escalation_hasten(n.escalation);
	end if;
	return 'declined';
end
$$;

-- The answer of somebody whom a track beside the main one has to reach: taking note ends that track, a
-- refusal goes on to the next. Who holds the case is not theirs to say.
create function track_answer(p_case uuid, p_escalation uuid, p_cmd text, p_officer officers) returns text
language plpgsql as $$
declare
	e escalations;
begin
	perform 1 from cases where id = p_case for no key update;
	select * into strict e from escalations where id = p_escalation;
	if e.state <> 'live' then
		return 'noted';
	elsif p_cmd = 'decline' then
		update notifications set declined_at = now() where escalation = e.id and officer = p_officer.id;
		perform case_event(p_case, 'declined', p_officer.tag, jsonb_build_object('track', e.track));
		if not exists (select 1 from notifications where escalation = e.id and round = e.round
			and declined_at is null and state not in ('failed', 'cancelled')) then
			perform escalation_hasten(e.id);
		end if;
		return 'declined';
	end if;
	update escalations set state = 'acked', acked_by = p_officer.tag, acked_at = now() where id = e.id;
	update timers set state = 'cancelled'
		where subject = p_case and generation = e.generation and state = 'armed';
	update notifications set state = 'cancelled' where escalation = e.id and state = 'pending';
	perform case_event(p_case, 'track_acked', p_officer.tag, jsonb_build_object('track', e.track));
	return 'noted';
end
$$;

create function command_run(p_cmd text, p_officer officers, p_code_hash bytea, p_to uuid, p_close text,
	out o_result text, out o_case uuid)
language plpgsql as $$
declare
	v_track text := 'main';
	v_escalation uuid;
begin
	if p_code_hash is null then
		select b.o_case, b.o_why into o_case, o_result from bare_case(p_cmd, p_officer.id) b;
	else
		select k.case_id, e.id, e.track into o_case, v_escalation, v_track from ack_codes k
			join notifications n on n.id = k.notification join escalations e on e.id = n.escalation
			where k.code_hash = p_code_hash and k.officer = p_officer.id and k.void_at is null;
		if not found then
			perform code_wrong(p_officer.id);
			o_result := 'wrong_code';
		end if;
	end if;
	if o_case is null then
		return;
	end if;
	if v_track <> 'main' and (select closed_at is null from cases where id = o_case) then
		o_result := track_answer(o_case, v_escalation, p_cmd, p_officer);
		return;
	end if;
	o_result := case p_cmd
		when 'ack' then case_ack(o_case, p_officer.tag, p_officer.id)
		when 'decline' then case_decline(o_case, p_officer.id, p_officer.tag)
		when 'pass' then case_pass(o_case, p_officer.tag, p_to)
		else case when (select ack_officer = p_officer.id or closed_at is not null from cases
				where id = o_case) then case_close(o_case, p_officer.tag, p_close)
			else 'not_yours' end
		end;
end
$$;

-- One command by text. p_cmd: ack, decline, pass (to p_to), done (with the closing code p_close), who.
-- p_code_hash null: without a code. o_result: acked, already_yours, taken (o_other has it), declined, passed,
-- pass_whom, done, not_yours (done, but somebody else or nobody holds it), noted (a track beside the main
-- one), wrong_code, wrong_silent (the same, for the sixth time in an hour: not answered any more), no_open,
-- several, closed, who (o_other: officers on duty), unknown (not the number of an enabled officer). The same message gives the same result again; so does
-- p_repeat, a text the carrier may have delivered before: what it ordered then may be undone by now, and
-- must not be done a second time.
create function officer_command(p_message uuid, p_cmd text, p_idx bytea, p_code_hash bytea,
	p_repeat boolean default false, p_to uuid default null, p_close text default 'done')
returns table (o_result text, o_case_ref text, o_urgency text, o_other text)
language plpgsql as $$
declare
	v_officer officers;
	v_case uuid;
begin
	perform pg_advisory_xact_lock(lock_key(sha256(p_idx)));
	select o.* into v_officer from contact_methods m join officers o on o.id = m.officer
		where m.idx = p_idx and m.retired_at is null and not o.disabled limit 1;
	select a.result, a.case_ref, a.urgency, a.other into o_result, o_case_ref, o_urgency, o_other
		from inbound_acks a where a.message = p_message or (p_repeat and a.code_hash = p_code_hash
			and a.officer = v_officer.id and a.cmd = p_cmd)
		order by a.message is not distinct from p_message desc, a.at desc limit 1;
	if found then
		return next;
		return;
	end if;
	if v_officer.id is null then
		o_result := 'unknown';
	elsif p_cmd = 'who' then
		o_result := 'who';
		select count(*)::text into o_other from officers_on_duty();
	else
		select r.o_result, r.o_case into o_result, v_case
			from command_run(p_cmd, v_officer, p_code_hash, p_to, p_close) r;
		if o_result = 'wrong_code' and (select count(*) from inbound_acks a where a.officer = v_officer.id
			and a.result = 'wrong_code' and a.at > now() - interval '1 hour') >= 5 then
			o_result := 'wrong_silent';
		end if;
		select ref, urgency, case when o_result in ('taken', 'not_yours') then ack_by end
			into o_case_ref, o_urgency, o_other from cases where id = v_case;
	end if;
	if p_message is not null then
		insert into inbound_acks (message, cmd, officer, code_hash, result, case_ref, urgency, other)
			values (p_message, p_cmd, v_officer.id, p_code_hash, o_result, o_case_ref, o_urgency,
				o_other);
	end if;
	return next;
end
$$;
