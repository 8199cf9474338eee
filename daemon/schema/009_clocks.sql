-- Legal clocks of a case. Which of them run and when they are due the daemon computes (core/clocks.h: working
-- days need a calendar); what became of them is here and in the case's events. A clock is met by a person, or
-- missed; it never stops an escalation and no escalation stops it.

create table clocks (
	case_id uuid not null references cases,
	clock text not null,
	due_at timestamptz not null,
	shown text not null,                 -- due_at on the wall of the calendar's zone, for texts
	warnings timestamptz[] not null default '{}', -- rising
	next_at timestamptz,                 -- next warning or the end; null: nothing to come
	met_at timestamptz,
	met_by text,
	missed_at timestamptz,
	stopped_at timestamptz,              -- the case was closed, or is another kind of case by now
	primary key (case_id, clock),
	check ((met_at is null) = (met_by is null))
);
create index clocks_next on clocks (next_at) where next_at is not null;
-- Cases whose clocks have not been computed for what they are now.
create index cases_clockless on cases (opened_at)
	where closed_at is null and clocks_for is distinct from (urgency || ' ' || kind);

create function clocks_wanting(p_limit int)
returns table (o_case uuid, o_urgency text, o_kind text, o_first_s bigint)
language sql stable as $$
	select id, urgency, kind, extract(epoch from first_at)::bigint from cases
		where closed_at is null and clocks_for is distinct from (urgency || ' ' || kind)
		order by opened_at limit p_limit
$$;

-- The next of the warnings or the end that lies ahead; what is past is not warned of again.
create function clock_next(p_clock clocks) returns timestamptz language sql stable as $$
	select case when p_clock.met_at is null and p_clock.missed_at is null and p_clock.stopped_at is null then
		coalesce((select min(w) from unnest(p_clock.warnings) w where w > now()), p_clock.due_at) end
$$;

-- The clocks of a case of this urgency and kind: those that are new begin, those that are not among them any
-- more stop. p_clocks: [{clock, due, shown, warnings}], times in seconds.
create function clocks_set(p_case uuid, p_urgency text, p_kind text, p_clocks jsonb) returns void
language plpgsql as $$
declare
	v_case cases;
	c clocks;
begin
	select * into strict v_case from cases where id = p_case for no key update;
	if v_case.closed_at is not null or v_case.urgency <> p_urgency or v_case.kind <> p_kind then
		return; -- it has changed meanwhile and is asked for again
	end if;
	update cases set clocks_for = p_urgency || ' ' || p_kind where id = p_case;
	for c in insert into clocks (case_id, clock, due_at, shown, warnings)
		select p_case, r.clock, to_timestamp(r.due), r.shown,
			array(select to_timestamp(w::float) from jsonb_array_elements_text(r.warnings) w)
		from jsonb_to_recordset(p_clocks) r (clock text, due bigint, shown text, warnings jsonb)
		on conflict (case_id, clock) do update set stopped_at = null
			where clocks.stopped_at is not null returning * loop
		update clocks set next_at = clock_next(c) where case_id = p_case and clock = c.clock;
		perform case_event(p_case, 'clock_started', 'system',
			jsonb_build_object('clock', c.clock, 'due', c.shown));
	end loop;
	for c in update clocks set stopped_at = now(), next_at = null where case_id = p_case
		and stopped_at is null and met_at is null and missed_at is null
		and not exists (select 1 from jsonb_array_elements(p_clocks) r where r ->> 'clock' = clock)
		returning * loop
		perform case_event(p_case, 'clock_stopped', 'system', jsonb_build_object('clock', c.clock));
	end loop;
end
$$;

-- A warning goes to the holder of the case, or to whom it was told to; the end of a clock to everybody.
create function clock_tell(p_case cases, p_clock clocks, p_missed boolean) returns int
language plpgsql as $$
declare
	e escalations;
	v_who uuid[];
	v_count int;
begin
	select * into strict e from escalations where case_id = p_case.id and track = 'main'
		order by generation desc limit 1;
	v_who := case when p_missed then array(select officers_on_duty())
		when p_case.ack_officer is not null then array[p_case.ack_officer]
		else array(select told_officers(p_case.id)) end;
	v_count := cardinality(notify_officers(p_case.id, e, 'clock', e.step, (select count(*)::int
		from notifications where escalation = e.id and kind = 'clock' and step = e.step and round = e.round),
		v_who));
	update notifications set detail = case when p_missed then 'QUA HAN ' else 'Den han ' end || p_clock.clock
			|| ' ' || p_clock.shown
		where escalation = e.id and kind = 'clock' and detail is null;
	return v_count;
end
$$;

-- Warnings and ends that are due. Returns the case, the clock, warned or missed, and how many were told.
create function clocks_fire(p_limit int)
returns table (o_case_ref text, o_clock text, o_outcome text, o_count int)
language plpgsql as $$
declare
	v_case cases;
	c clocks;
begin
	for c in select x.* from clocks x join cases k on k.id = x.case_id where x.next_at <= now()
		order by x.next_at limit p_limit for no key update of x, k skip locked loop
		select * into strict v_case from cases where id = c.case_id;
		o_case_ref := v_case.ref;
		o_clock := c.clock;
		if c.due_at <= now() then
			o_outcome := 'missed';
			update clocks set missed_at = now(), next_at = null where case_id = c.case_id and clock = c.clock;
		else
			o_outcome := 'warned';
			update clocks set next_at = clock_next(c) where case_id = c.case_id and clock = c.clock;
		end if;
		perform case_event(c.case_id, 'clock_' || o_outcome, 'system',
			jsonb_build_object('clock', c.clock, 'due', c.shown));
		o_count := clock_tell(v_case, c, o_outcome = 'missed');
		return next;
	end loop;
end
$$;

-- Somebody has done what the clock asks for. Returns met, late (after its end), already_met or unknown.
create function clock_meet(p_ref text, p_clock text, p_actor text) returns text
language plpgsql as $$
declare
	v_case uuid;
	c clocks;
begin
	select id into v_case from cases where ref = p_ref for no key update;
	select * into c from clocks where case_id = v_case and clock = p_clock;
	if c.case_id is null then
		return 'unknown';
	elsif c.met_at is not null then
		return 'already_met';
	end if;
	update clocks set met_at = now(), met_by = p_actor, next_at = null where case_id = v_case and clock = p_clock;
	perform case_event(v_case, 'clock_met', p_actor,
		jsonb_build_object('clock', p_clock, 'late', c.due_at < now()));
	return case when c.due_at < now() then 'late' else 'met' end;
end
$$;

create view api_clocks as
	select k.ref as case_ref, k.urgency, c.clock, c.due_at, c.next_at,
		case when c.met_at is not null then 'met' when c.missed_at is not null then 'missed'
			when c.stopped_at is not null then 'stopped' else 'running' end as state,
		k.subject
	from clocks c join cases k on k.id = c.case_id;
