-- Network members: enrolled by an operator, verified by a code that their phone received, revoked. A member
-- who changes keeps the row; what a member was is in the events below.

create table member_events (
	idx bytea not null references members,
	at timestamptz not null default clock_timestamp(),
	what text not null check (what in ('enrolled', 'verified', 'wrong_code', 'revoked')),
	actor text not null
);
create index member_events_idx on member_events (idx, at);
create trigger append_only before update or delete on member_events
	for each row execute function forbid_change();

-- A new code is valid for three days. Somebody verified who is enrolled again, with the same role and commune,
-- stays verified.
create function member_enrol(p_idx bytea, p_number_ct bytea, p_role text, p_commune text, p_name_ct bytea,
	p_code_hash bytea, p_actor text) returns text
language plpgsql as $$
declare
	m members;
begin
	select * into m from members where idx = p_idx for update;
	if m.idx is not null and not m.disabled and m.verified_at is not null and m.role = p_role
		and m.commune is not distinct from p_commune then
		update members set name_ct = coalesce(p_name_ct, name_ct) where idx = p_idx;
		return 'unchanged';
	end if;
	insert into members (idx, number_ct, role, commune, name_ct, code_hash, code_until)
		values (p_idx, p_number_ct, p_role, p_commune, p_name_ct, p_code_hash, now() + interval '3 days')
		on conflict (idx) do update set number_ct = excluded.number_ct, role = excluded.role,
			commune = excluded.commune, name_ct = coalesce(excluded.name_ct, members.name_ct),
			disabled = false, verified_at = null, code_hash = excluded.code_hash,
			code_until = excluded.code_until, tries = 0;
	insert into member_events (idx, what, actor) values (p_idx, 'enrolled', p_actor);
	return 'enrolled';
end
$$;

-- Returns verified, already, wrong, void (five wrong codes, or too late: enrol again) or unknown.
create function member_verify(p_idx bytea, p_code_hash bytea, p_actor text) returns text
language plpgsql as $$
declare
	m members;
begin
	select * into m from members where idx = p_idx and not disabled for update;
	if m.idx is null then
		return 'unknown';
	elsif m.verified_at is not null then
		return 'already';
	elsif m.code_hash is null or m.tries >= 5 or m.code_until < now() then
		return 'void';
	elsif m.code_hash <> p_code_hash then
		update members set tries = tries + 1 where idx = p_idx;
		insert into member_events (idx, what, actor) values (p_idx, 'wrong_code', p_actor);
		return 'wrong';
	end if;
	update members set verified_at = now(), code_hash = null, code_until = null where idx = p_idx;
	insert into member_events (idx, what, actor) values (p_idx, 'verified', p_actor);
	return 'verified';
end
$$;

create function member_revoke(p_idx bytea, p_actor text) returns text
language plpgsql as $$
begin
	update members set disabled = true, verified_at = null, code_hash = null, code_until = null
		where idx = p_idx and not disabled;
	if not found then
		return 'unknown';
	end if;
	insert into member_events (idx, what, actor) values (p_idx, 'revoked', p_actor);
	return 'revoked';
end
$$;

-- Whose texts are a member's, and who is still to send a code.
create function members_idx() returns table (o_idx bytea, o_verified boolean)
language sql stable as $$
	select idx, verified_at is not null from members where not disabled
$$;

create function members_rows() returns table (o_idx bytea, o_number_ct bytea, o_name_ct bytea, o_role text,
	o_commune text, o_state text, o_made_at timestamptz)
language sql stable as $$
	select idx, number_ct, name_ct, role, commune, case when disabled then 'revoked'
		when verified_at is not null then 'verified' else 'waiting' end, made_at from members order by made_at
$$;
