-- Escalation: timers that fire, notices that are leased and sent, officers' answers, and the default
-- policies. Lock order everywhere: case first, then its timers, notifications and codes; firing and
-- claiming skip what is locked instead of waiting for it.

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

-- ---- notifications ----

-- Whether a notice still has to go out.
create function notice_wanted(p_kind text, p_officer uuid, p_case cases, p_escalation_state text)
returns boolean language sql immutable as $$
	select case p_kind
		when 'alert' then p_case.closed_at is null and p_case.ack_by is null
			and p_escalation_state = 'live'
		when 'again' then p_case.closed_at is null and (p_case.ack_by is null
			or p_case.ack_officer is null or p_case.ack_officer = p_officer)
		else p_case.ack_by is not null and p_case.ack_officer is distinct from p_officer end
$$;

-- Leases what is due, most urgent first: fresh ones and those whose lease ran out, under the same id.
-- o_kind: alert; again = new text of the reporter; taken = o_holder has acknowledged it (no code).
-- o_salt: salt of the code that is live, or null: make one, trying salts from o_next_salt on.
-- p_lease_s: must be longer than the longest wait for a carrier's answer.
create function notifications_claim(p_node text, p_limit int, p_lease_s int)
returns table (o_id uuid, o_case_ref text, o_urgency text, o_kind text, o_commune text, o_officer uuid,
	o_method uuid, o_idx bytea, o_number_ct bytea, o_salt int, o_attempts int, o_loop int,
	o_next_salt int, o_holder text)
language plpgsql as $$
declare
	n notifications;
	v_case cases;
	v_ok boolean;
begin
	for n in select x.* from notifications x join cases c on c.id = x.case_id
		where x.state in ('pending', 'sending') and x.next_at <= now()
		order by urgency_rank(c.urgency) desc, x.next_at limit p_limit
		for no key update of x skip locked loop
		select * into strict v_case from cases where id = n.case_id;
		select notice_wanted(n.kind, n.officer, v_case, e.state) and not o.disabled into strict v_ok
			from escalations e, officers o where e.id = n.escalation and o.id = n.officer;
		if not v_ok then
			update notifications set state = 'cancelled' where id = n.id;
			continue;
		end if;
		update notifications set state = 'sending', attempts = attempts + 1, lease_owner = p_node,
			next_at = now() + p_lease_s * interval '1 s' where id = n.id;
		select m.idx, m.number_ct into strict o_idx, o_number_ct
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
		return next;
	end loop;
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

-- A notice will not arrive. When none of its step and round can, the next step is due.
create function notification_fail(p_notice notifications, p_why text) returns void
language plpgsql as $$
begin
	update notifications set state = 'failed' where id = p_notice.id;
	perform case_event(p_notice.case_id, 'notify_failed', 'system', jsonb_build_object(
		'officer', (select tag from officers where id = p_notice.officer),
		'kind', p_notice.kind, 'why', p_why));
	if p_notice.kind = 'alert' and not exists (select 1 from notifications
		where escalation = p_notice.escalation and kind = 'alert' and step = p_notice.step
			and round = p_notice.round and state in ('pending', 'sending', 'sent', 'delivered')) then
		perform escalation_hasten(p_notice.case_id);
	end if;
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
	insert into receipts (adapter, provider_ref, status, notification)
		values (p_adapter, p_provider_ref, p_status, v_id) on conflict do nothing;
	if v_id is not null then
		perform receipt_apply(notification_lock(v_id), p_status);
	end if;
end
$$;

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
-- unknown (not the number of an enabled officer). The same message gives the same result again.
create function officer_command(p_message uuid, p_cmd text, p_idx bytea, p_code_hash bytea)
returns table (o_result text, o_case_ref text, o_urgency text, o_other text)
language plpgsql as $$
declare
	v_officer officers;
	v_case uuid;
begin
	perform pg_advisory_xact_lock(lock_key(uuid_send(p_message)));
	select a.result, a.case_ref, a.urgency, a.other into o_result, o_case_ref, o_urgency, o_other
		from inbound_acks a where a.message = p_message;
	if found then
		return next;
		return;
	end if;
	select o.* into v_officer from contact_methods m join officers o on o.id = m.officer
		where m.idx = p_idx and not o.disabled limit 1;
	if not found then
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
		insert into inbound_acks (message, cmd, officer, result, case_ref, urgency, other)
			values (p_message, p_cmd, v_officer.id, o_result, o_case_ref, o_urgency, o_other);
	end if;
	return next;
end
$$;
