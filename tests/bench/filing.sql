-- What filing costs PostgreSQL when nothing else runs: 500 reports of four turns each, 128 entries in a
-- transaction, synchronous_commit on. Prints microseconds an entry.
\set QUIET on
set synchronous_commit = on;
create temp table bench_time (at timestamptz);
insert into bench_time values (clock_timestamp());
do $$
declare
	v_key bytea;
	v_conversation uuid;
	v_intake uuid := uuid7();
	v_body bytea := decode(repeat('5a', 600), 'hex');
begin
	for i in 1 .. 500 loop
		v_key := substring(sha256(int4send(i) || 'bench') from 1 for 16);
		v_conversation := uuid7();
		for turn in 1 .. 4 loop
			perform file_entry(uuid7(), v_key, v_key, 'msisdn', v_key, 'smpp', 'bench', 'sms', '111',
				(extract(epoch from clock_timestamp()) * 1e6)::bigint,
				case when turn = 1 then 'report' else 'answer' end, null, 1, v_body,
				v_conversation, 'bench', v_body, v_intake, v_body, v_body, v_key, 'ZZ-' || i,
				(extract(epoch from clock_timestamp()) * 1e6)::bigint, 'trung_binh', 'khong_ro', 'vi',
				turn < 4, -1, null, '', v_body, v_key,
				(extract(epoch from clock_timestamp()) * 1e6)::bigint, turn = 1, 'bench');
		end loop;
		if i % 32 = 0 then
			commit;
		end if;
	end loop;
end
$$;
select round(extract(epoch from clock_timestamp() - at) * 1e6 / 2000, 1) from bench_time;
