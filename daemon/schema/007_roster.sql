-- The roster: what an import changes, in one transaction, and what the daemon reads of it. Nothing is ever
-- deleted: a number that changes hands is retired, a membership ends, an officer who leaves is disabled.
-- Whom the roster means, and what differs, the daemon finds out (daemon/path/roster_import.c); a second
-- import at the same time fails on the version's key and is run again by its operator.

create function roster_newest() returns int language sql stable as $$
	select coalesce(max(version), 0) from rosters
$$;

create function roster_add(p_version int, p_has_duty boolean, p_doc_ct bytea, p_by text) returns void
language sql as $$
	insert into rosters (version, has_duty, doc_ct, made_by) values (p_version, p_has_duty, p_doc_ct, p_by)
$$;

-- p_name_ct null: the name stays.
create function officer_put(p_id uuid, p_key bytea, p_name_ct bytea, p_disabled boolean) returns void
language sql as $$
	insert into officers (id, key, name_ct, disabled) values (p_id, p_key, p_name_ct, p_disabled)
		on conflict (id) do update set key = coalesce(excluded.key, officers.key),
			name_ct = coalesce(excluded.name_ct, officers.name_ct), disabled = excluded.disabled
$$;

-- The operator vouches for it. p_idx null: the officer has no method of this ordinal any more.
create function officer_method_put(p_officer uuid, p_ordinal int, p_channel text, p_idx bytea, p_ct bytea)
returns void
language plpgsql as $$
begin
	if exists (select 1 from contact_methods where officer = p_officer and ordinal = p_ordinal
		and channel = p_channel and idx = p_idx and retired_at is null) then
		return;
	end if;
	update contact_methods set retired_at = now(), verified_at = null
		where retired_at is null and officer = p_officer
			and (ordinal = p_ordinal or (channel = p_channel and idx = p_idx));
	if p_idx is not null then
		insert into contact_methods (officer, channel, idx, number_ct, ordinal, verified_at)
			values (p_officer, p_channel, p_idx, p_ct, p_ordinal, now());
	end if;
end
$$;

-- p_teams: names, comma separated.
create function officer_teams_put(p_officer uuid, p_teams text) returns void
language plpgsql as $$
declare
	v_teams text[] := string_to_array(nullif(p_teams, ''), ',');
begin
	insert into teams (name) select unnest(v_teams) on conflict do nothing;
	update memberships set until = now()
		where officer = p_officer and until is null and not team = any (coalesce(v_teams, '{}'));
	insert into memberships (team, officer) select t, p_officer from unnest(v_teams) t
		where not exists (select 1 from memberships where team = t and officer = p_officer
			and until is null);
end
$$;

-- p_communes: codes, comma separated.
create function team_put(p_name text, p_agency text, p_schedule text, p_communes text) returns void
language sql as $$
	insert into teams (name, agency, schedule, communes) values (p_name, nullif(p_agency, ''),
			nullif(p_schedule, ''), coalesce(string_to_array(nullif(p_communes, ''), ','), '{}'))
		on conflict (name) do update set agency = excluded.agency, schedule = excluded.schedule,
			communes = excluded.communes
$$;

-- The newest version, and the newest roster that speaks of duty.
create function roster_doc(out o_newest int, out o_version int, out o_doc_ct bytea)
language sql stable as $$
	select roster_newest(), r.version, r.doc_ct from (select 1) one
		left join lateral (select version, doc_ct from rosters where has_duty
			order by version desc limit 1) r on true
$$;

-- Every officer with each way to reach them; officers without any have one row, too.
create function roster_people()
returns table (o_officer uuid, o_tag text, o_key bytea, o_disabled boolean, o_name_ct bytea, o_teams text,
	o_ordinal int, o_channel text, o_idx bytea, o_number_ct bytea, o_verified boolean)
language sql stable as $$
	select o.id, o.tag, o.key, o.disabled, o.name_ct,
		(select string_agg(s.team, ',' order by s.since, s.team) from memberships s
			where s.officer = o.id and s.until is null),
		m.ordinal, m.channel, m.idx, m.number_ct, m.verified_at is not null
	from officers o left join contact_methods m on m.officer = o.id and m.retired_at is null
	order by o.no, m.ordinal
$$;

-- Numbers that may give commands.
create function roster_idx()
returns table (o_idx bytea)
language sql stable as $$
	select m.idx from contact_methods m join officers o on o.id = m.officer
		where m.verified_at is not null and m.channel = 'sms' and not o.disabled
$$;
