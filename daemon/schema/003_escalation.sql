-- Escalation: default policies, who is told, and timers that fire. Lock order here and in the files that
-- follow: case first, then its timers, notifications and codes; firing and claiming skip what is locked
-- instead of waiting for it.

-- ---- default policies (data): acknowledge in 5 min, 15 min, 4 h, 24 h, else everybody again ----

insert into policies (name, version, ack_lease_s, remind_s, snooze_s) values
	('khan_cap', 1, 1800, 600, 14400), ('cao', 1, 3600, 1200, 28800),
	('trung_binh', 1, 86400, 14400, 259200), ('thap', 1, 432000, 86400, 864000);
insert into steps (policy, version, seq, delay_s) values
	('khan_cap', 1, 0, 300), ('cao', 1, 0, 900), ('trung_binh', 1, 0, 14400), ('thap', 1, 0, 86400);
insert into step_targets (policy, version, step, kind)
	select policy, version, seq, 'everybody' from steps;

-- ---- who is told ----

create function officers_on_duty() returns setof uuid language sql stable as $$
	select o.id from officers o where not o.disabled and exists (select 1 from contact_methods m
		where m.officer = o.id and m.verified_at is not null)
$$;

-- p_duty: who is on call by schedule, {"schedule": ["<officer>", ...]}, computed by the daemon from the
-- roster; null: it could not be, and then everybody is.
create function schedule_officers(p_schedule text, p_duty jsonb) returns setof uuid
language plpgsql stable rows 10 as $$
begin
	if p_duty is null then
		return query select * from officers_on_duty();
	else
		return query select v::uuid from jsonb_array_elements_text(coalesce(p_duty -> p_schedule, '[]')) v;
	end if;
end
$$;

create function team_officers(p_team text, p_duty jsonb) returns setof uuid
language plpgsql stable rows 10 as $$
declare
	v_schedule text;
begin
	select schedule into v_schedule from teams where name = p_team;
	if v_schedule is not null then
		return query select * from schedule_officers(v_schedule, p_duty);
	else
		return query select m.officer from memberships m where m.team = p_team and m.until is null;
	end if;
end
$$;

-- Those of the agency who look after the commune, else those who look after all.
create function agency_officers(p_agency text, p_commune text, p_duty jsonb) returns setof uuid
language plpgsql stable rows 10 as $$
begin
	return query select distinct f from teams t, team_officers(t.name, p_duty) f
		where t.agency = p_agency and case when exists (select 1 from teams u where u.agency = p_agency
			and p_commune = any (u.communes)) then p_commune = any (t.communes)
			else t.communes = '{}' end;
end
$$;

create function target_officers(p_target step_targets, p_commune text, p_duty jsonb) returns setof uuid
language plpgsql stable rows 10 as $$
begin
	case p_target.kind
	when 'everybody' then return query select * from officers_on_duty();
	when 'officer' then return query select p_target.officer;
	when 'team' then return query select * from team_officers(p_target.team, p_duty);
	when 'schedule' then return query select * from schedule_officers(p_target.name, p_duty);
	when 'agency' then return query select * from agency_officers(p_target.name, p_commune, p_duty);
	end case;
end
$$;

-- Round robin: the one whose last alert lies furthest back, and who has not refused this case.
create function step_officers(p_escalation escalations, p_step int, p_commune text, p_duty jsonb)
returns setof uuid
language plpgsql stable as $$
declare
	v_all uuid[] := array(select distinct o.id from step_targets t, target_officers(t, p_commune, p_duty) f,
			officers o
		where t.policy = p_escalation.policy and t.version = p_escalation.version and t.step = p_step
			and o.id = f and not o.disabled and exists (select 1 from contact_methods m
				where m.officer = o.id and m.verified_at is not null));
	v_mode text;
begin
	select mode into v_mode from steps where policy = p_escalation.policy
		and version = p_escalation.version and seq = p_step;
	if v_mode = 'round_robin' then
		return query select o from unnest(v_all) o order by exists (select 1 from notifications n
				where n.escalation = p_escalation.id and n.officer = o and n.declined_at is not null),
			(select max(n.created_at) from notifications n where n.officer = o and n.kind = 'alert')
				nulls first, o limit 1;
	else
		return query select unnest(v_all);
	end if;
end
$$;

-- Officers whom an alert of this case has been on its way to.
create function told_officers(p_case uuid) returns setof uuid language sql stable as $$
	select distinct officer from notifications
		where case_id = p_case and kind = 'alert' and attempts > 0 and state <> 'failed'
$$;

-- Makes one notice for each of the officers, by the first of their verified methods. Returns their tags. An
-- alert that can wait does so for a minute after another to the same phone, and then shares a text with what
-- has come since.
create function notify_officers(p_case uuid, p_escalation escalations, p_kind text, p_step int,
	p_ordinal int, p_officers uuid[]) returns text[]
language plpgsql as $$
declare
	v_calm boolean := (select urgency in ('trung_binh', 'thap') from cases where id = p_case);
begin
	insert into notifications (case_id, escalation, generation, kind, step, round, officer, method, ordinal,
			next_at)
		select p_case, p_escalation.id, p_escalation.generation, p_kind, p_step, p_escalation.round,
			o.id, m.id, p_ordinal, case when p_kind = 'alert' and v_calm then coalesce((select
				max(n.next_at) filter (where n.state = 'pending') from notifications n
				where n.method = m.id and n.created_at > now() - interval '60 s'), (select
				max(n.created_at) + interval '60 s' from notifications n where n.method = m.id
				and n.kind = 'alert' and n.created_at > now() - interval '60 s'), now()) else now() end
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

-- Tells the step that is due, skipping empty ones; the last resort is every officer there is. After its
-- last round the fallback (step -1) is told in place of the steps.
create function step_tell(p_case cases, p_escalation escalations, p_steps int, p_duty jsonb,
	out o_tags text[], out o_step int, out o_last_resort boolean)
language plpgsql as $$
declare
	v_fallback boolean := exists (select 1 from policies p join steps s on s.policy = p.name
		and s.version = p.version and s.seq = -1 where p.name = p_escalation.policy
		and p.version = p_escalation.version and p.rounds > 0 and p_escalation.round >= p.rounds);
begin
	o_last_resort := false;
	for i in 0 .. case when v_fallback then 0 else p_steps - 1 end loop
		o_step := case when v_fallback then -1 else (p_escalation.step + i) % p_steps end;
		o_tags := notify_officers(p_case.id, p_escalation, 'alert', o_step, case when i = 0 then
			p_escalation.attempt else 0 end, array(
			select step_officers(p_escalation, o_step, p_case.commune, p_duty)));
		if cardinality(o_tags) > 0 then
			return;
		end if;
		if cardinality(array(select officers_on_duty())) > 0 then
			perform case_event(p_case.id, 'step_empty', 'system', jsonb_build_object('step', o_step,
				'loop', p_escalation.round, 'policy', p_escalation.policy));
		end if;
	end loop;
	o_last_resort := true;
	o_step := case when v_fallback then -1 else p_steps - 1 end;
	o_tags := notify_officers(p_case.id, p_escalation, 'alert', o_step, p_escalation.attempt,
		array(select officers_on_duty()));
end
$$;

-- What comes after a step that was told: the same once more, the next one, or the next round.
create function step_advance(p_escalation escalations, p_steps int, p_told int) returns int
language plpgsql as $$
declare
	v_step steps;
	v_attempt int := case when p_told in (p_escalation.step, -1) then p_escalation.attempt else 0 end;
begin
	select * into strict v_step from steps where policy = p_escalation.policy
		and version = p_escalation.version and seq = p_told;
	if v_attempt < v_step.repeat then
		update escalations set step = greatest(p_told, 0), attempt = v_attempt + 1, fired_at = now()
			where id = p_escalation.id;
	else
		update escalations set step = (p_told + 1) % p_steps, attempt = 0,
			round = round + case when p_told = -1 or p_told + 1 >= p_steps then 1 else 0 end,
			fired_at = now() where id = p_escalation.id;
	end if;
	return v_step.delay_s;
end
$$;

create function timer_step(p_timer timers, p_case cases, p_duty jsonb) returns fire_result
language plpgsql as $$
declare
	e escalations;
	v_steps int;
	r record;
begin
	select * into e from escalations where case_id = p_case.id and generation = p_timer.generation
		and state = 'live';
	if p_case.closed_at is not null or e.id is null or (p_case.ack_by is not null and e.track = 'main') then
		perform timer_done(p_timer.id, 'cancelled');
		return ('stale'::text, 0);
	end if;
	select count(*) into v_steps from steps where policy = e.policy and version = e.version and seq >= 0;
	select * into r from step_tell(p_case, e, v_steps, p_duty);
	if cardinality(r.o_tags) = 0 then
		if e.nobody_round is distinct from e.round then
			update escalations set nobody_round = e.round where id = e.id;
			perform case_event(p_case.id, 'nobody', 'system', jsonb_build_object('loop', e.round));
		end if;
		update timers set due_at = now() + interval '60 s' where id = p_timer.id;
		return ('nobody'::text, 0);
	end if;
	perform case_event(p_case.id, 'notified', 'system', jsonb_build_object('officers',
		to_jsonb(r.o_tags), 'step', r.o_step, 'loop', e.round, 'fallback', r.o_last_resort or r.o_step = -1,
		'track', e.track));
	perform timer_done(p_timer.id, 'fired');
	perform timer_arm('step', p_case.id, e.generation, p_timer.seq + 1,
		now() + step_advance(e, v_steps, r.o_step) * interval '1 s');
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
	select * into e from escalations where case_id = p_case.id and track = 'main'
		order by generation desc limit 1;
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

-- Its holder is reminded that the acknowledgement runs out.
create function timer_remind(p_timer timers, p_case cases) returns fire_result
language plpgsql as $$
declare
	e escalations;
	v_tags text[];
begin
	select * into e from escalations where case_id = p_case.id and generation = p_timer.generation;
	if p_case.closed_at is not null or p_case.ack_officer is null
		or p_timer.generation <> case_generation(p_case.id) then
		perform timer_done(p_timer.id, 'cancelled');
		return ('stale'::text, 0);
	end if;
	perform timer_done(p_timer.id, 'fired');
	v_tags := notify_officers(p_case.id, e, 'remind', e.step,
		(select count(*)::int from notifications where escalation = e.id and kind = 'remind'),
		array[p_case.ack_officer]);
	perform case_event(p_case.id, 'reminded', 'system', jsonb_build_object('officers', to_jsonb(v_tags)));
	return ('remind'::text, cardinality(v_tags));
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

create function timer_fire(p_timer timers, p_case cases, p_duty jsonb) returns fire_result
language plpgsql as $$
begin
	case p_timer.kind
	when 'step' then return timer_step(p_timer, p_case, p_duty);
	when 'again' then return timer_again(p_timer, p_case);
	when 'ack_lease' then return timer_ack_lease(p_timer, p_case);
	when 'remind' then return timer_remind(p_timer, p_case);
	end case;
end
$$;

-- Fires what is due, most urgent first. o_outcome: notified, nobody, again, remind, ack_expired, stale,
-- fault;
-- o_count: officers told. A timer that fails is put off and recorded, and stops no other. p_duty: who is on
-- call (schedule_officers) by the roster of version p_roster; nothing is fired and o_outcome is roster when
-- there is a newer one, so that nobody is told by an old one.
create function timers_fire(p_node text, p_limit int, p_duty jsonb default null, p_roster int default null)
returns table (o_case_ref text, o_kind text, o_outcome text, o_count int)
language plpgsql as $$
declare
	v_id uuid;
	v_timer timers;
	v_case cases;
	v_result fire_result;
begin
	if p_roster <> (select coalesce(max(version), 0) from rosters) then
		o_outcome := 'roster';
		return next;
		return;
	end if;
	for v_id in select unnest(array(select t.id from timers t join cases c on c.id = t.subject
		where t.state = 'armed' and t.due_at <= now()
		order by urgency_rank(c.urgency) desc, t.due_at limit p_limit
		for no key update of t, c skip locked)) loop
		-- An earlier one of this round may have changed it.
		select * into v_timer from timers where id = v_id and state = 'armed' and due_at <= now();
		continue when not found;
		select * into strict v_case from cases where id = v_timer.subject;
		begin
			v_result := timer_fire(v_timer, v_case, p_duty);
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
create function escalation_hasten(p_escalation uuid) returns void language sql as $$
	update timers t set due_at = least(t.due_at, case when e.step > 0 and e.attempt = 0 then now()
		else greatest(now(), e.fired_at + interval '60 s') end)
	from escalations e
	where e.id = p_escalation and e.state = 'live' and t.kind = 'step' and t.subject = e.case_id
		and t.generation = e.generation and t.state = 'armed'
$$;
