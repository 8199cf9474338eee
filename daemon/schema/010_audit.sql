-- What the auditor asks every half minute. Each question reads an index of what is open or due, never the
-- whole history.

create table heartbeats (
	node text primary key,
	at timestamptz not null
);

create index cases_open on cases (opened_at) where closed_at is null;

-- Marks this daemon as alive and tells what is wrong: a word, how many, and how old the oldest is (seconds).
create function audit(p_node text) returns table (o_finding text, o_count int, o_age_s int)
language plpgsql as $$
begin
	insert into heartbeats values (p_node, now()) on conflict (node) do update set at = now();
	return query
		select 'untimed'::text, count(*)::int, coalesce(extract(epoch from now() - min(opened_at)), 0)::int
			from api_untimed where opened_at < now() - interval '5 s'
		union all
		select 'timers_late', count(*)::int, coalesce(extract(epoch from now() - min(due_at)), 0)::int
			from timers where state = 'armed' and due_at < now() - interval '60 s'
		union all
		select 'notices_late', count(*)::int, coalesce(extract(epoch from now() - min(next_at)), 0)::int
			from notifications where state = 'pending' and next_at < now() - interval '60 s'
		union all
		select 'clocks_late', count(*)::int, coalesce(extract(epoch from now() - min(next_at)), 0)::int
			from clocks where next_at < now() - interval '60 s'
		union all
		select 'nobody', (case when exists (select 1 from officers_on_duty()) then 0 else 1 end), 0
		union all
		select 'daemon_silent', count(*)::int, coalesce(extract(epoch from now() - min(at)), 0)::int
			from heartbeats where at < now() - interval '2 min';
end
$$;

-- A daemon that stops in order is not missed.
create function audit_end(p_node text) returns void language sql as $$
	delete from heartbeats where node = p_node
$$;

-- The page is answered for: forget a daemon that will not come back.
create function audit_forget(p_node text) returns boolean language plpgsql as $$
begin
	delete from heartbeats where node = p_node;
	return found;
end
$$;
