-- What officers answer: acknowledging, closing, declining, by text or at the console. Lock order as in
-- 003_escalation.sql.

-- ---- acknowledging and closing ----

create function ack_lease(p_case uuid) returns interval language sql stable as $$
	select p.ack_lease_s * interval '1 s' from escalations e
		join policies p on p.name = e.policy and p.version = e.version
		where e.case_id = p_case order by e.generation desc limit 1
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
		update cases set ack_until = v_until where id = p_case;
		update timers set due_at = v_until
			where subject = p_case and kind = 'ack_lease' and state = 'armed';
		perform case_event(p_case, 'ack_renewed', p_actor);
		return 'already_yours';
	end if;
	perform case_event(p_case, 'acked', p_actor);
	update escalations set state = 'acked' where case_id = p_case and state = 'live' returning * into e;
	update timers set state = 'cancelled' where subject = p_case and kind = 'step' and state = 'armed';
	update notifications set state = 'cancelled'
		where case_id = p_case and kind = 'alert' and state = 'pending';
	perform notify_officers(p_case, e, 'taken', e.step, 0,
		array(select t from told_officers(p_case) t where t is distinct from p_officer));
	perform timer_arm('ack_lease', p_case, e.generation, 0, v_until);
	return 'acked';
end
$$;

-- By its holder, or by anybody while nobody holds it. Returns done, taken or closed.
create function case_close(p_case uuid, p_actor text) returns text
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
	update cases set closed_at = now(), closed_by = p_actor where id = p_case;
	perform case_event(p_case, 'closed', p_actor);
	update escalations set state = 'ended' where case_id = p_case and state in ('live', 'acked');
	update timers set state = 'cancelled' where subject = p_case and state = 'armed';
	update notifications set state = 'cancelled'
		where case_id = p_case and kind <> 'taken' and state = 'pending';
	update ack_codes set retired_at = now() where case_id = p_case and retired_at is null;
	return 'done';
end
$$;

-- For the console and the command line. p_action: ack or close. o_result: as of case_ack and
-- case_close, or unknown. o_other: who holds it.
create function case_take(p_ref text, p_actor text, p_action text)
returns table (o_result text, o_case_ref text, o_urgency text, o_other text)
language plpgsql as $$
declare
	v_case uuid;
begin
	select id, ref, urgency into v_case, o_case_ref, o_urgency from cases where ref = p_ref;
	if not found then
		o_result := 'unknown';
	elsif p_action = 'ack' then
		o_result := case_ack(v_case, p_actor, (select id from officers where tag = p_actor));
	elsif p_action = 'close' then
		o_result := case_close(v_case, p_actor);
	else
		raise exception 'unknown action' using errcode = 'invalid_parameter_value';
	end if;
	if o_result = 'taken' then
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
			where k.case_id = c.id and k.officer = p_officer and k.void_at is null);
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
		and generation = case_generation(p_case) order by round desc, step desc limit 1;
	if not exists (select 1 from notifications where escalation = n.escalation and kind = 'alert'
		and round = n.round and step = n.step and declined_at is null
		and state not in ('failed', 'cancelled')) then
		perform escalation_hasten(p_case);
	end if;
	return 'declined';
end
$$;

create function command_run(p_cmd text, p_officer officers, p_code_hash bytea, out o_result text,
	out o_case uuid)
language plpgsql as $$
begin
	if p_code_hash is null then
		select b.o_case, b.o_why into o_case, o_result from bare_case(p_cmd, p_officer.id) b;
	else
		select case_id into o_case from ack_codes where code_hash = p_code_hash
			and officer = p_officer.id and void_at is null;
		if not found then
			perform code_wrong(p_officer.id);
			o_result := 'wrong_code';
		end if;
	end if;
	if o_case is null then
		return;
	end if;
	o_result := case p_cmd
		when 'ack' then case_ack(o_case, p_officer.tag, p_officer.id)
		when 'decline' then case_decline(o_case, p_officer.id, p_officer.tag)
		else case when (select ack_officer = p_officer.id or closed_at is not null from cases
				where id = o_case) then case_close(o_case, p_officer.tag)
			else 'not_yours' end
		end;
end
$$;

-- One command by text. p_cmd: ack, decline, done, who. p_code_hash null: without a code.
-- o_result: acked, already_yours, taken (o_other has it), declined, done, not_yours (done, but somebody
-- else or nobody holds it), wrong_code, no_open, several, closed, who (o_other: officers on duty),
-- unknown (not the number of an enabled officer). The same message gives the same result again; so does
-- p_repeat, a text the carrier may have delivered before: what it ordered then may be undone by now, and
-- must not be done a second time.
create function officer_command(p_message uuid, p_cmd text, p_idx bytea, p_code_hash bytea,
	p_repeat boolean default false)
returns table (o_result text, o_case_ref text, o_urgency text, o_other text)
language plpgsql as $$
declare
	v_officer officers;
	v_case uuid;
begin
	perform pg_advisory_xact_lock(lock_key(sha256(p_idx)));
	select o.* into v_officer from contact_methods m join officers o on o.id = m.officer
		where m.idx = p_idx and not o.disabled limit 1;
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
			from command_run(p_cmd, v_officer, p_code_hash) r;
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
