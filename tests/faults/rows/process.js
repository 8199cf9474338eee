// Rows 1 to 3, 12 to 15, 47 and 48: what happens to the process itself.
'use strict';
const fs = require('fs');
const { spawnSync } = require('child_process');
const { sleep, need, has } = require('../rig');

const BOUND_MS = 1000;
// System calls of the way from the carrier's bytes to its answer and on to the stores.
const CALLS = ['fdatasync', 'pwrite64', 'writev', 'sendto', 'write', 'read', 'recvfrom', 'epoll_wait', 'openat', 'futex', 'close'];

// Kills while texts run; starts it again; the slowest start to bound in ms.
async function killRound(rig, rounds, each) {
	let slowest = 0;
	const sent = [];
	for (let i = 0; i < rounds; i++) {
		sent.push((await rig.texts(each)).all);
		await sleep(rig.between(0, 150));
		await rig.kill();
		slowest = Math.max(slowest, await rig.startDaemon());
	}
	await Promise.all(sent);
	return slowest;
}

// Uses the build without sanitizers where there is one.
function plainBuild(rig, must) {
	if (rig.plain)
		rig.build = rig.plain;
	need(!must || !rig.sanitized(), 'needs a build without sanitizers (--plain DIR; make check-faults makes one)');
}

// Not with --seccomp-bpf: strace 6.1 then injects no signal.
const strace = (calls, out, more = []) => ['strace', '-D', '-f', '-qq', '-o', out, '-e', `trace=${calls}`,
	...more.flatMap((text) => ['-e', text])];

// How often the busiest thread makes each call from its start until four texts are filed.
async function countCalls(rig) {
	await rig.kill();
	rig.wrap = strace(CALLS.join(), rig.at('calls'));
	await rig.startDaemon();
	await rig.textsIn(4);
	await sleep(1000);
	await rig.kill();
	const threads = {};
	for (const line of fs.readFileSync(rig.at('calls'), 'utf8').split('\n')) {
		const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) || [];
		if (call) {
			threads[call] = threads[call] || {};
			threads[call][thread] = (threads[call][thread] || 0) + 1;
		}
	}
	return Object.fromEntries(Object.entries(threads).map(([call, by]) => [call, Math.max(...Object.values(by))]));
}

// Where the last crash was, as the shim has said it: the innermost frame that is not of the C library.
function crashSite(rig) {
	const lines = rig.logText().split('\n');
	const last = lines.map((line) => /shim.*\[0x/.test(line)).lastIndexOf(true);
	const frame = lines.slice(last + 1).find((line) => !/libc\.so/.test(line)) || '';
	return frame.replace(/^.*\//, '').replace(/\[.*/, '');
}

function cpuMs(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
	return (+fields[11] + +fields[12]) * 10;
}

module.exports = [
	{
		n: 1, quick: true, title: 'Random kill', how: 'kill -9 at random moments of bursts', rule: 'bound again within 1 s',
		async run(rig) {
			await rig.start();
			const slowest = await killRound(rig, 6, 12);
			return { note: `slowest start to bound ${slowest} ms`,
				faults: slowest > BOUND_MS ? [`bound after ${slowest} ms`] : [] };
		},
	},
	{
		n: 2, title: 'Kill at a system call', how: 'strace kills at the N-th call of a kind, 16 sampled points', rule: 'nothing lost',
		async run(rig) {
			need(has('strace'), 'there is no strace');
			await rig.start();
			const probe = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']);
			need(probe.status === 0, 'strace may not trace here');
			const counts = await countCalls(rig);
			const hit = [];
			for (let i = 0; i < 16; i++) {
				const call = rig.pick(CALLS.filter((name) => counts[name]));
				await rig.kill();
				rig.wrap = strace(call, '/dev/null', [`inject=${call}:signal=KILL:when=${rig.between(1, counts[call])}`]);
				const p = rig.launchDaemon();
				await rig.texts(4);
				await Promise.race([p.gone, sleep(2500)]);
				if (p.ended)
					hit.push(call);
			}
			await rig.kill();
			rig.wrap = [];
			await rig.startDaemon();
			return { note: `${hit.length} of 16 points reached`, faults: hit.length ? [] : ['no point was reached'], answerMs: 60000, alertMs: 60000 };
		},
	},
	{
		n: 3, title: 'Pause', how: 'SIGSTOP for 10 s while timers fall due, then SIGCONT', rule: 'what is overdue fires once',
		async run(rig) {
			await rig.start();
			await rig.textsIn(4);
			await rig.until(() => +rig.sql("select count(*) from timers where state = 'armed' and kind = 'step'")[0][0] === 4, 5000, 'four timers');
			const cases = rig.sql('select id from cases').map(([id]) => id);
			rig.signal('hotlined', 'SIGSTOP');
			rig.sql("update timers set due_at = now() + interval '1 s' where state = 'armed' and kind = 'step'");
			const { all } = await rig.texts(6);
			await sleep(10000);
			rig.signal('hotlined', 'SIGCONT');
			await all;
			await sleep(2500);
			const rows = rig.sql(`select subject, count(*) filter (where state = 'fired'), count(*) filter (where state = 'armed')
				from timers where kind = 'step' group by 1`).filter(([id]) => cases.includes(id));
			return { answerMs: 15000, alertMs: 15000, faults: rows.filter(([, fired, armed]) => fired !== '2' || armed !== '1')
				.map(([, fired, armed]) => `a case fired ${fired} times, ${armed} armed`) };
		},
	},
	{
		n: 12, title: 'No descriptors', how: 'prlimit --nofile at what is open; the stores go away and come back',
		rule: 'the bind lives, the process does not spin, everything recovers',
		async run(rig) {
			need(has('prlimit'), 'there is no prlimit');
			await rig.start();
			await rig.textsIn(3);
			const binds = rig.carrier.counts.binds;
			const open = fs.readdirSync(`/proc/${rig.pid()}/fd`).length;
			spawnSync('prlimit', ['--pid', String(rig.pid()), `--nofile=${open}:`]);
			const { all } = await rig.texts(6);
			await all;
			await rig.end('redis');
			rig.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'hotlined' and pid <> pg_backend_pid()", 'postgres');
			const asked = [1, 2, 3].map(() => rig.ask('status', {}, { ms: 3000 }).catch(() => null));
			await rig.textsIn(6);
			const before = cpuMs(rig.pid());
			await sleep(2000);
			const used = cpuMs(rig.pid()) - before;
			await Promise.all(asked);
			spawnSync('prlimit', ['--pid', String(rig.pid()), '--nofile=1024:']);
			await rig.startRedis();
			await rig.textsIn(3);
			const faults = rig.carrier.counts.binds !== binds ? ['the bind was lost'] : [];
			return { faults: used > 1200 ? [...faults, `${used} ms of CPU in 2 s of idling: it spins`] : faults };
		},
	},
	{
		n: 13, title: 'Allocation fails', how: 'the N-th allocation while texts run returns NULL, 14 sampled N',
		rule: 'an end in order, nothing lost',
		async run(rig) {
			plainBuild(rig, true);
			rig.useShim();
			await rig.start();
			await rig.textsIn(2);
			rig.shim('alloc_count', 1);
			await rig.textsIn(4);
			await sleep(300);
			const total = rig.shim('allocs');
			const ends = {}, faults = [];
			for (let i = 0; i < 14; i++) {
				if (!rig.running())
					await rig.startDaemon();
				rig.shim('allocs', 0);
				rig.shim('alloc_fail', rig.between(1, total));
				const { all } = await rig.texts(4);
				await Promise.race([all.then(() => sleep(300)), rig.processes.get('hotlined').gone, sleep(4000)]);
				rig.shim('alloc_fail', 0);
				const ended = rig.processes.get('hotlined').ended;
				const how = ended ? ended.signal || String(ended.status) : 'went on';
				ends[how] = (ends[how] || 0) + 1;
				// A library that does not look at what malloc gave it ends like a kill; our own code must not.
				if ((how === 'SIGSEGV' || how === 'SIGBUS') && /^hotlined\(/.test(crashSite(rig)))
					faults.push(`ended by ${how} in ${crashSite(rig)}`);
			}
			rig.shim('alloc_count', 0);
			if (!rig.running())
				await rig.startDaemon();
			// A library without memory may take a number for a name: the text is filed then, of nobody.
			return { faults, bySum: true, note: `${total} allocations; ${JSON.stringify(ends)}`, answerMs: 30000, alertMs: 30000 };
		},
	},
	{
		n: 14, title: 'Out of memory', how: 'a memory control group shrinks until the kernel kills', rule: 'nothing lost',
		async run(rig) {
			plainBuild(rig, true);
			await rig.start();
			const at = rig.cgroup('memory', { v1: { 'memory.limit_in_bytes': 1 << 30 }, v2: { 'memory.max': 1 << 30, 'memory.swap.max': 0 } });
			const [limit, usage] = fs.existsSync(at + '/memory.max') ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
			await rig.end('redis');
			await rig.stopPostgres('SIGQUIT'); // what cannot be filed piles up
			const p = rig.processes.get('hotlined');
			fs.writeFileSync(`${at}/${limit}`, String(+fs.readFileSync(`${at}/${usage}`, 'utf8') + (64 << 10)));
			const sent = [];
			for (let i = 0; i < 60 && !p.ended; i++) {
				sent.push((await rig.texts(20)).all);
				await sleep(50);
			}
			const all = Promise.all(sent);
			const killed = Boolean(p.ended);
			await rig.kill();
			await Promise.all([rig.startRedis(), rig.startPostgres()]);
			await rig.startDaemon();
			await all;
			return { faults: killed ? [] : ['the kernel did not kill it'], answerMs: 30000, alertMs: 30000, settleMs: 60000 };
		},
	},
	{
		n: 15, title: 'Starved of CPU', how: 'a control group with 5 % of one CPU', rule: 'the next question within 2 s',
		async run(rig) {
			plainBuild(rig, false);
			await rig.start();
			await rig.textsIn(2);
			rig.cgroup('cpu', { v1: { 'cpu.cfs_period_us': 100000, 'cpu.cfs_quota_us': 5000 }, v2: { 'cpu.max': '5000 100000' } });
			await rig.textsIn(12, 20000, { every: 300 });
			await rig.dial();
			return { screens: true, settleMs: 60000 };
		},
	},
	{
		n: 47, quick: true, title: 'SIGTERM under load', how: 'SIGTERM in the middle of bursts, three times', rule: 'ends with 0 within 10 s',
		async run(rig) {
			await rig.start();
			const faults = [], sent = [];
			for (let i = 0; i < 3; i++) {
				sent.push((await rig.texts(15)).all);
				await sleep(rig.between(0, 100));
				const ended = await rig.end('hotlined', 'SIGTERM', 10000);
				if (ended.status !== 0)
					faults.push(`ended with ${JSON.stringify(ended)}`);
				await rig.startDaemon();
			}
			await Promise.all(sent);
			return { faults };
		},
	},
	{
		n: 48, title: 'Two daemons one spool, three partitioned', how: 'a second daemon on the spool; then three nodes, one cut off from the stores',
		rule: 'the second is kept out; the three make no report twice',
		async run(rig) {
			const faults = [];
			await rig.addCarrier();
			const home = rig.carrier;
			await rig.start();
			const second = rig.launchDaemon('hotlined-second');
			await Promise.race([second.gone, sleep(5000)]);
			if (!second.ended || second.ended.status === 0)
				faults.push('a second daemon started on the same spool');
			await rig.end('hotlined-second');
			const redis = await rig.badWire('redis'), postgres = await rig.badWire('postgres');
			rig.nodes = [];
			for (const [i, name] of ['node2', 'node3'].entries()) {
				const carrier = await rig.addCarrier(name);
				fs.mkdirSync(rig.at(name));
				const wires = i ? {} : { redis: rig.at('redis/redis.sock'), postgres: rig.at('pg-run') };
				const socket = rig.at(`run/${name}.sock`);
				const bound = new Promise((done) => carrier.once('bound', done));
				rig.launchDaemon(`hotlined-${name}`, rig.writeConfig(name, name, { carriers: [carrier], spool: rig.at(name), control: socket, ...wires }));
				rig.nodes.push({ name, socket, carrier });
				await bound;
			}
			const [two, three] = rig.nodes.map((node) => node.carrier);
			const senders = Array.from({ length: 6 }, () => rig.sender());
			const words = senders.map(() => rig.words());
			await Promise.all(senders.map((from, i) => home.text({ from, text: words[i], ref: i + 1 })));
			await sleep(500);
			redis.hold = postgres.hold = true;
			await Promise.all(senders.map((from, i) => three.text({ from, text: words[i], ref: i + 1 })));
			await Promise.all(senders.map((from) => two.text({ from, text: '1', encoding: 'gsm7', expect: 'turn' })));
			const { all } = await rig.texts(6, { carrier: three });
			await all;
			await sleep(5000);
			redis.heal();
			postgres.heal();
			return { faults, alertMs: 15000 };
		},
	},
];
