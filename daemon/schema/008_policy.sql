-- Policies as they are imported: a version is only made when something differs, and is never changed.

-- p_doc: {ack_lease_s, remind_s, snooze_s, rounds, steps: [{seq, delay_s, repeat, mode, targets: [{kind, team,
-- officer, name}]}]}, the fallback as step -1. Returns same, new or changed; stores only if p_apply.
create function policy_put(p_name text, p_doc jsonb, p_apply boolean) returns text
language plpgsql as $$
declare
	v_version int;
	v_old jsonb;
begin
	perform pg_advisory_xact_lock(hashtextextended('policies', 0));
	select version, doc into v_version, v_old from policies where name = p_name order by version desc limit 1;
	if v_old = p_doc then
		return 'same';
	elsif p_apply then
		insert into policies (name, version, ack_lease_s, remind_s, snooze_s, rounds, doc)
			select p_name, coalesce(v_version, 0) + 1, r.ack_lease_s, r.remind_s, r.snooze_s, r.rounds, p_doc
			from jsonb_to_record(p_doc)
				r (ack_lease_s int, remind_s int, snooze_s int, rounds int);
		insert into steps (policy, version, seq, delay_s, repeat, mode)
			select p_name, coalesce(v_version, 0) + 1, s.seq, s.delay_s, s.repeat, s.mode
			from jsonb_to_recordset(p_doc -> 'steps') s (seq int, delay_s int, repeat int, mode text);
		insert into step_targets (policy, version, step, kind, team, officer, name)
			select p_name, coalesce(v_version, 0) + 1, (s ->> 'seq')::int, t.kind, t.team, t.officer, t.name
			from jsonb_array_elements(p_doc -> 'steps') s,
				jsonb_to_recordset(s -> 'targets') t (kind text, team text, officer uuid, name text);
	end if;
	return case when v_version is null then 'new' else 'changed' end;
end
$$;

create function routes_doc() returns jsonb language sql stable as $$
	select coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'urgencies', urgencies, 'kinds', kinds, 'communes',
		communes, 'policy', policy, 'also', also) order by seq), '[]') from policy_routes
		where version = (select max(version) from policy_routes)
$$;

-- p_doc: [{seq, urgencies, kinds, communes, policy, also}], all routes.
create function routes_put(p_doc jsonb, p_apply boolean) returns text
language plpgsql as $$
begin
	perform pg_advisory_xact_lock(hashtextextended('policies', 0));
	if routes_doc() = p_doc then
		return 'same';
	elsif p_apply then
		insert into policy_routes (version, seq, urgencies, kinds, communes, policy, also)
			select coalesce((select max(version) from policy_routes), 0) + 1, r.seq, r.urgencies, r.kinds,
				r.communes, r.policy, r.also
			from jsonb_to_recordset(p_doc) r (seq int, urgencies text[], kinds text[], communes text[],
				policy text, also text[]);
	end if;
	return 'changed';
end
$$;

create view api_policies as
	select p.name as policy, p.version, p.ack_lease_s, p.rounds,
		(select count(*)::int from steps s where s.policy = p.name and s.version = p.version and s.seq >= 0)
			as steps,
		(select count(*)::int from escalations e where e.policy = p.name and e.version = p.version
			and e.state in ('live', 'acked')) as cases,
		p.made_at
	from policies p where p.version = policy_newest(p.name)
		or exists (select 1 from escalations e where e.policy = p.name and e.version = p.version
			and e.state in ('live', 'acked'));
