-- Escalation: default policies, who is told, and timers that fire. Lock order here and in the files that
-- follow: case first, then its timers, notifications and codes; firing and claiming skip what is locked
-- instead of waiting for it.

-- ---- default policies (data): acknowledge in 5 min, 15 min, 4 h, 24 h, else everybody again ----

insert into policies (name, version, ack_lease_s) values
	('khan_cap', 1, 1800), ('cao', 1, 3600), ('trung_binh', 1, 86400), ('thap', 1, 432000);
insert into steps (policy, version, seq, delay_s) values
	('khan_cap', 1, 0, 300), ('cao', 1, 0, 900), ('trung_binh', 1, 0, 14400), ('thap', 1, 0, 86400);
insert into step_targets (policy, version, step, kind)
	select policy, version, seq, 'everybody' from steps;

-- ---- who is told ----

create function officers_on_duty() returns setof uuid language sql stable as $$
	select o.id from officers o where not o.disabled and exists (select 1 from contact_methods m
		where m.officer = o.id and m.verified_at is not null)
$$;

create function step_officers(p_policy text, p_version int, p_step int) returns setof uuid
language sql stable as $$
	select d from officers_on_duty() d where exists (select 1 from step_targets t
		where t.policy = p_policy and t.version = p_version and t.step = p_step
			and (t.kind = 'everybody' or t.officer = d or exists (select 1 from memberships m
				where m.team = t.team and m.officer = d)))
$$;

-- Officers whom an alert of this case has been on its way to.
create function told_officers(p_case uuid) returns setof uuid language sql stable as $$
	select distinct officer from notifications
		where case_id = p_case and kind = 'alert' and attempts > 0 and state <> 'failed'
$$;

-- Makes one notice for each of the officers, by the first of their verified methods. Returns their tags.
create function notify_officers(p_case uuid, p_escalation escalations, p_kind text, p_step int,
	p_ordinal int, p_officers uuid[]) returns text[]
language plpgsql as $$
begin
	insert into notifications (case_id, escalation, generation, kind, step, round, officer, method, ordinal)
		select p_case, p_escalation.id, p_escalation.generation, p_kind, p_step, p_escalation.round,
			o.id, m.id, p_ordinal
		from officers o join lateral (select c.id from contact_methods c
			where c.officer = o.id and c.verified_at is not null
			order by c.ordinal, c.id limit 1) m on true
		where o.id = any (p_officers) and not o.disabled
		on conflict do nothing;
	return array(select o.tag from officers o where o.id = any (p_officers) and not o.disabled
		and exists (select 1 from contact_methods c where c.officer = o.id
			and c.verified_at is not null) order by o.no);
end
$$;

-- ---- timers ----

-- What one firing did: outcome for the record, and how many officers it concerns.
create type fire_result as (outcome text, told int);

create function timer_done(p_timer uuid, p_state text) returns void language sql as $$
	update timers set state = p_state, fired_at = now() where id = p_timer
$$;

-- Tells the step that is due, skipping empty ones; the last resort is every officer there is.
-- o_step: the step that was told, with its delay.
create function step_tell(p_case uuid, p_escalation escalations, p_steps int, out o_tags text[],
	out o_step int, out o_fallback boolean)
language plpgsql as $$
begin
	o_fallback := false;
	for i in 0 .. p_steps - 1 loop
		o_step := (p_escalation.step + i) % p_steps;
		o_tags := notify_officers(p_case, p_escalation, 'alert', o_step, 0, array(
			select step_officers(p_escalation.policy, p_escalation.version, o_step)));
		if cardinality(o_tags) > 0 then
			return;
		end if;
		if cardinality(array(select officers_on_duty())) > 0 then
			perform case_event(p_case, 'step_empty', 'system',
				jsonb_build_object('step', o_step, 'loop', p_escalation.round));
		end if;
	end loop;
	o_fallback := true;
	o_step := p_steps - 1;
	o_tags := notify_officers(p_case, p_escalation, 'alert', o_step, 0,
		array(select officers_on_duty()));
end
$$;

create function timer_step(p_timer timers, p_case cases) returns fire_result
language plpgsql as $$
declare
	e escalations;
	v_steps int;
	v_delay int;
	r record;
begin
	select * into e from escalations where case_id = p_case.id and state = 'live';
	if p_case.closed_at is not null or p_case.ack_by is not null or e.id is null
		or e.generation <> p_timer.generation then
		perform timer_done(p_timer.id, 'cancelled');
		return ('stale'::text, 0);
	end if;
	select count(*) into v_steps from steps where policy = e.policy and version = e.version;
	select * into r from step_tell(p_case.id, e, v_steps);
	if cardinality(r.o_tags) = 0 then
		if e.nobody_round is distinct from e.round then
			update escalations set nobody_round = e.round where id = e.id;
			perform case_event(p_case.id, 'nobody', 'system', jsonb_build_object('loop', e.round));
		end if;
		update timers set due_at = now() + interval '60 s' where id = p_timer.id;
		return ('nobody'::text, 0);
	end if;
	perform case_event(p_case.id, 'notified', 'system', jsonb_build_object('officers',
		to_jsonb(r.o_tags), 'step', r.o_step, 'loop', e.round, 'fallback', r.o_fallback));
	select delay_s into v_delay from steps
		where policy = e.policy and version = e.version and seq = r.o_step;
	update escalations set step = (r.o_step + 1) % v_steps,
		round = e.round + case when r.o_step + 1 >= v_steps then 1 else 0 end,
		fired_at = now() where id = e.id;
	perform timer_done(p_timer.id, 'fired');
	perform timer_arm('step', p_case.id, e.generation, p_timer.seq + 1,
		now() + v_delay * interval '1 s');
	return ('notified'::text, cardinality(r.o_tags));
end
$$;

-- News of a case: to its holder, else to everybody who was told before the news came (the ladder tells
-- the others). A holder at a console, or one who left, cannot be told: then everybody is.
create function timer_again(p_timer timers, p_case cases) returns fire_result
language plpgsql as $$
declare
	e escalations;
	v_tags text[] := '{}';
begin
	if p_case.closed_at is not null then
		perform timer_done(p_timer.id, 'cancelled');
		return ('stale'::text, 0);
	end if;
	perform timer_done(p_timer.id, 'fired');
	select * into e from escalations where case_id = p_case.id order by generation desc limit 1;
	if p_case.ack_by is not null then
		v_tags := notify_officers(p_case.id, e, 'again', e.step, p_timer.seq,
			array[p_case.ack_officer]);
	end if;
	if cardinality(v_tags) = 0 then
		v_tags := notify_officers(p_case.id, e, 'again', e.step, p_timer.seq, array(
			select distinct officer from notifications where case_id = p_case.id
				and kind = 'alert' and created_at < p_timer.made_at));
	end if;
	if cardinality(v_tags) = 0 and p_case.ack_by is not null then
		v_tags := notify_officers(p_case.id, e, 'again', e.step, p_timer.seq,
			array(select officers_on_duty()));
	end if;
	if cardinality(v_tags) > 0 then
		perform case_event(p_case.id, 'told_again', 'system',
			jsonb_build_object('officers', to_jsonb(v_tags)));
	end if;
	return ('again'::text, cardinality(v_tags));
end
$$;

-- Takes the case away from its holder and starts the ladder anew.
create function case_release(p_case cases, p_event text, p_actor text) returns void
language plpgsql as $$
begin
	update cases set ack_by = null, ack_officer = null, ack_at = null, ack_until = null
		where id = p_case.id;
	perform case_event(p_case.id, p_event, p_actor, jsonb_build_object('holder', p_case.ack_by));
	perform escalation_start(p_case.id);
end
$$;

create function timer_ack_lease(p_timer timers, p_case cases) returns fire_result
language plpgsql as $$
begin
	if p_case.closed_at is not null or p_case.ack_by is null
		or p_timer.generation <> case_generation(p_case.id) then
		perform timer_done(p_timer.id, 'cancelled');
		return ('stale'::text, 0);
	end if;
	perform timer_done(p_timer.id, 'fired');
	perform case_release(p_case, 'ack_expired', 'system');
	return ('ack_expired'::text, 1);
end
$$;

create function timer_fire(p_timer timers, p_case cases) returns fire_result
language plpgsql as $$
begin
	case p_timer.kind
	when 'step' then return timer_step(p_timer, p_case);
	when 'again' then return timer_again(p_timer, p_case);
	when 'ack_lease' then return timer_ack_lease(p_timer, p_case);
	end case;
end
$$;

-- Fires what is due, most urgent first. o_outcome: notified, nobody, again, ack_expired, stale, fault;
-- o_count: officers told. A timer that fails is put off and recorded, and stops no other.
create function timers_fire(p_node text, p_limit int)
returns table (o_case_ref text, o_kind text, o_outcome text, o_count int)
language plpgsql as $$
declare
	v_id uuid;
	v_timer timers;
	v_case cases;
	v_result fire_result;
begin
	for v_id in select unnest(array(select t.id from timers t join cases c on c.id = t.subject
		where t.state = 'armed' and t.due_at <= now()
		order by urgency_rank(c.urgency) desc, t.due_at limit p_limit
		for no key update of t, c skip locked)) loop
		-- An earlier one of this round may have changed it.
		select * into v_timer from timers where id = v_id and state = 'armed' and due_at <= now();
		continue when not found;
		select * into strict v_case from cases where id = v_timer.subject;
		begin
			v_result := timer_fire(v_timer, v_case);
		exception when others then
			v_result := ('fault'::text, 0);
			update timers set attempts = attempts + 1, due_at = now() + interval '30 s'
				where id = v_id;
			insert into faults (what, subject, sqlstate, message)
				values ('timer ' || v_timer.kind, v_id, sqlstate, left(sqlerrm, 200));
		end;
		o_case_ref := v_case.ref;
		o_kind := v_timer.kind;
		o_outcome := v_result.outcome;
		o_count := v_result.told;
		return next;
	end loop;
end
$$;

-- Nobody is left to wait for: the next step is due now. Round the rounds at most once a minute, so that a
-- carrier that refuses everything is not asked without a pause.
create function escalation_hasten(p_case uuid) returns void language sql as $$
	update timers t set due_at = least(t.due_at, case when e.step > 0 then now()
		else greatest(now(), e.fired_at + interval '60 s') end)
	from escalations e
	where e.case_id = p_case and e.state = 'live' and t.kind = 'step' and t.subject = p_case
		and t.generation = e.generation and t.state = 'armed'
$$;
