-- Notices to officers: leased, given a code, sent, and what carriers say of them. Lock order as in
-- 003_escalation.sql.

-- Whether a notice still has to go out.
create function notice_wanted(p_kind text, p_officer uuid, p_case cases, p_escalation escalations)
returns boolean language sql immutable as $$
	select case p_kind
		when 'alert' then p_case.closed_at is null and p_escalation.state = 'live'
			and (p_case.ack_by is null or p_escalation.track <> 'main')
		when 'again' then p_case.closed_at is null and (p_case.ack_by is null
			or p_case.ack_officer is null or p_case.ack_officer = p_officer)
		when 'clock' then p_case.closed_at is null
		when 'remind' then p_case.closed_at is null and p_case.ack_officer = p_officer
		else p_case.ack_by is not null and p_case.ack_officer is distinct from p_officer end
$$;

-- Leases what is due, most urgent first: fresh ones and those whose lease ran out, under the same id.
-- o_kind: alert; again = new text of the reporter; taken = o_holder has acknowledged it (no code); remind =
-- the acknowledgement runs out.
-- o_salt: salt of the code that is live, or null: make one, trying salts from o_next_salt on.
-- o_code_idx: the phone that answers with the code (of a mail, the officer's first phone). p_lease_s: must be
-- longer than the longest wait for a carrier's answer. p_calm: no more than so many that are no emergency.
create function notifications_claim(p_node text, p_limit int, p_lease_s int, p_calm int default null)
returns table (o_id uuid, o_case_ref text, o_urgency text, o_kind text, o_commune text, o_officer uuid,
	o_method uuid, o_idx bytea, o_number_ct bytea, o_salt int, o_attempts int, o_loop int,
	o_next_salt int, o_holder text, o_detail text, o_channel text, o_code_idx bytea)
language plpgsql as $$
declare
	n notifications;
	v_case cases;
	v_ok boolean;
	v_calm int := coalesce(p_calm, p_limit);
begin
	for n in select x.* from notifications x join cases c on c.id = x.case_id
		where x.state in ('pending', 'sending') and x.next_at <= now()
		order by urgency_rank(c.urgency) desc, x.next_at limit p_limit
		for no key update of x skip locked loop
		select * into strict v_case from cases where id = n.case_id;
		continue when v_calm <= 0 and v_case.urgency <> 'khan_cap';
		select notice_wanted(n.kind, n.officer, v_case, e) and not o.disabled into strict v_ok
			from escalations e, officers o where e.id = n.escalation and o.id = n.officer;
		if not v_ok then
			update notifications set state = 'cancelled' where id = n.id;
			continue;
		elsif exists (select 1 from contact_methods where id = n.method and retired_at is not null) then
			-- that phone may be somebody else's by now; what takes its place is claimed next
			update notifications set state = 'cancelled' where id = n.id;
			perform notice_follow(n);
			continue;
		end if;
		update notifications set state = 'sending', attempts = attempts + 1, lease_owner = p_node,
			next_at = now() + p_lease_s * interval '1 s' where id = n.id;
		v_calm := v_calm - (v_case.urgency <> 'khan_cap')::int;
		select m.idx, m.number_ct, m.channel, case when m.channel = 'sms' then m.idx else (select p.idx
				from contact_methods p where p.officer = n.officer and p.channel = 'sms'
					and p.retired_at is null order by p.ordinal limit 1) end
			into strict o_idx, o_number_ct, o_channel, o_code_idx
			from contact_methods m where m.id = n.method;
		select max(k.salt) filter (where k.void_at is null), coalesce(max(k.salt) + 1, 0)
			into o_salt, o_next_salt from ack_codes k where k.notification = n.id;
		o_id := n.id;
		o_case_ref := v_case.ref;
		o_urgency := v_case.urgency;
		o_kind := n.kind;
		o_commune := v_case.commune;
		o_officer := n.officer;
		o_method := n.method;
		o_attempts := n.attempts + 1;
		o_loop := n.round;
		o_holder := v_case.ack_by;
		o_detail := n.detail;
		return next;
	end loop;
end
$$;

-- A daemon that has just started holds no lease: whatever it was sending when it ended goes out now, under
-- the same id and code. Returns how many.
create function notifications_free(p_node text) returns int
language plpgsql as $$
declare
	v_count int;
begin
	update notifications set state = 'pending', next_at = now(), lease_owner = null
		where state = 'sending' and lease_owner = p_node;
	get diagnostics v_count = row_count;
	return v_count;
end
$$;

-- False: taken within 7 days, try another salt.
create function ack_code_put(p_notification uuid, p_code_hash bytea, p_salt int) returns boolean
language plpgsql as $$
begin
	delete from ack_codes where code_hash = p_code_hash
		and coalesce(void_at, retired_at) < now() - interval '7 days';
	insert into ack_codes (notification, salt, code_hash, officer, case_id)
		select n.id, p_salt, p_code_hash, n.officer, n.case_id from notifications n
		where n.id = p_notification on conflict do nothing;
	return found or exists (select 1 from ack_codes where notification = p_notification
		and salt = p_salt and code_hash = p_code_hash and void_at is null);
end
$$;

-- Another way to the officer of an alert that did not arrive, or not in time: the first by which it has not
-- been tried. False: there is none left.
create function notice_follow(p_notice notifications) returns boolean
language plpgsql as $$
begin
	insert into notifications (case_id, escalation, generation, kind, step, round, officer, method, ordinal)
		select p_notice.case_id, p_notice.escalation, p_notice.generation, p_notice.kind, p_notice.step,
			p_notice.round, p_notice.officer, m.id, p_notice.ordinal
		from contact_methods m where m.officer = p_notice.officer and m.verified_at is not null
			and not exists (select 1 from notifications n where n.escalation = p_notice.escalation
				and n.kind = p_notice.kind and n.step = p_notice.step and n.round = p_notice.round
				and n.officer = p_notice.officer and n.ordinal = p_notice.ordinal and n.method = m.id)
		order by m.ordinal, m.id limit 1 on conflict do nothing;
	return found;
end
$$;

-- A notice did not arrive. An alert goes on to the officer's next way at once; when none of its step and
-- round can arrive, the next step is due. Any other kind has no ladder behind it, so it is sent again, up to
-- ten times.
create function notification_fail(p_notice notifications, p_why text) returns void
language plpgsql as $$
declare
	v_again boolean := p_notice.kind <> 'alert' and p_notice.attempts < 10;
begin
	if v_again then
		update notifications set state = 'pending', next_at = now() + interval '60 s', lease_owner = null,
			provider_ref = null where id = p_notice.id and state in ('sending', 'sent');
		return;
	end if;
	update notifications set state = 'failed', followed_at = coalesce(followed_at, now()) where id = p_notice.id;
	perform case_event(p_notice.case_id, 'notify_failed', 'system', jsonb_build_object(
		'officer', (select tag from officers where id = p_notice.officer),
		'kind', p_notice.kind, 'why', p_why,
		'way', (select channel from contact_methods where id = p_notice.method)));
	if p_notice.kind <> 'alert' then
		return;
	end if;
	if p_notice.declined_at is null and p_notice.followed_at is null then
		perform notice_follow(p_notice);
	end if;
	if not exists (select 1 from notifications
		where escalation = p_notice.escalation and kind = 'alert' and step = p_notice.step
			and round = p_notice.round and state in ('pending', 'sending', 'sent', 'delivered')) then
		perform escalation_hasten(p_notice.escalation);
	end if;
end
$$;

-- Alerts of which nothing was heard for 60 s (emergencies) or 5 min since they were sent, and those that have
-- been tried for so long and could not be sent, because their carrier is down: another way is taken up, once
-- for each, and the first goes on. Returns the cases, and 1 where there was another way.
create function notices_unheard() returns table (o_case_ref text, o_count int)
language plpgsql as $$
declare
	n notifications;
	c cases;
	v_wanted boolean;
begin
	for n in select x.* from notifications x join cases k on k.id = x.case_id
		where x.state in ('pending', 'sending', 'sent') and x.kind = 'alert' and x.followed_at is null
			and x.attempts > 0
			and coalesce(x.sent_at, x.created_at) < now()
				- case k.urgency when 'khan_cap' then interval '60 s' else interval '5 min' end
		order by coalesce(x.sent_at, x.created_at) limit 50 for no key update of x, k skip locked loop
		select * into strict c from cases where id = n.case_id;
		select notice_wanted(n.kind, n.officer, c, e) and n.declined_at is null into strict v_wanted
			from escalations e where e.id = n.escalation;
		update notifications set followed_at = now() where id = n.id;
		continue when not v_wanted;
		o_case_ref := c.ref;
		o_count := notice_follow(n)::int;
		if o_count > 0 then
			perform case_event(c.id, 'notify_unheard', 'system', jsonb_build_object('officer',
				(select tag from officers where id = n.officer)));
			return next;
		end if;
	end loop;
end
$$;

-- What a carrier said of a notice. The case is locked.
create function receipt_apply(p_notice notifications, p_status text) returns void
language plpgsql as $$
begin
	if p_status = 'delivered' and p_notice.state <> 'delivered' then
		update notifications set state = 'delivered', delivered_at = now() where id = p_notice.id;
	elsif p_status = 'failed' and p_notice.state not in ('failed', 'delivered') then
		perform notification_fail(p_notice, 'receipt');
	end if;
end
$$;

-- Locks the case of a notice, then reads the notice.
create function notification_lock(p_id uuid) returns notifications
language plpgsql as $$
declare
	n notifications;
begin
	perform 1 from cases where id = (select case_id from notifications where id = p_id)
		for no key update;
	select * into n from notifications where id = p_id for no key update;
	return n;
end
$$;

-- What became of a send: sent, failed (never will be), retry (not submitted), in_doubt (may have been:
-- goes out again under the same id and code). p_retry_ms: null = at once.
create function notification_sent(p_id uuid, p_state text, p_provider_ref text, p_retry_ms int,
	p_adapter text default null) returns void
language plpgsql as $$
declare
	n notifications := notification_lock(p_id);
	r receipts;
begin
	if n.id is null or n.state in ('sent', 'delivered', 'failed') then
		return;
	end if;
	case p_state
	when 'sent' then
		update notifications set state = 'sent', sent_at = now(), adapter = p_adapter,
			provider_ref = nullif(p_provider_ref, '') where id = p_id returning * into n;
		for r in update receipts set notification = p_id where notification is null
			and provider_ref = n.provider_ref and adapter = coalesce(p_adapter, adapter)
			returning * loop
			perform receipt_apply(n, r.status);
		end loop;
	when 'failed' then
		if n.state <> 'cancelled' then
			perform notification_fail(n, 'refused');
		end if;
	when 'retry', 'in_doubt' then
		update notifications set state = 'pending',
			next_at = now() + coalesce(p_retry_ms, 0) * interval '1 ms'
			where id = p_id and state = 'sending';
	end case;
end
$$;

-- p_status: delivered, failed, or any other word (kept, changes nothing).
create function receipt_put(p_adapter text, p_provider_ref text, p_status text) returns void
language plpgsql as $$
declare
	v_id uuid;
begin
	select id into v_id from notifications where provider_ref = p_provider_ref
		and coalesce(adapter, p_adapter) = p_adapter order by sent_at desc limit 1;
	-- those that never found their notice are kept for three days, for a person who looks
	delete from receipts where notification is null and at < now() - interval '3 days';
	insert into receipts (adapter, provider_ref, status, notification)
		values (p_adapter, p_provider_ref, p_status, v_id) on conflict do nothing;
	if v_id is not null then
		perform receipt_apply(notification_lock(v_id), p_status);
	end if;
end
$$;
