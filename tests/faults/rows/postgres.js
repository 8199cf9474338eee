// Rows 24 to 30: PostgreSQL crashes, hangs, refuses; and both stores are away at once.
'use strict';
const { spawn } = require('child_process');
const path = require('path');
const { sleep } = require('../rig');

const DOWN_MS = 8000; // longer than an alert may take
const RULE = 'nothing lost, and alerts go out in time without PostgreSQL';

async function restart(rig) {
	const p = rig.processes.get('postgres');
	await Promise.race([p.gone, sleep(10000)]);
	await rig.startPostgres();
}

async function around(rig, cause, cure) {
	await rig.textsIn(4);
	await sleep(500);
	await cause();
	await rig.textsIn(8);
	await Promise.all([rig.dial(), rig.dial(), rig.dial()]);
	await sleep(DOWN_MS);
	await cure();
	await rig.textsIn(4);
}

module.exports = [
	{
		n: 24, quick: true, title: 'PostgreSQL crash', how: 'immediate shutdown of PostgreSQL under texts, started again, three times',
		rule: 'nothing lost, nothing twice, alerts in time',
		async run(rig) {
			await rig.start();
			for (let i = 0; i < 3; i++) {
				const { all } = await rig.texts(8);
				await sleep(rig.between(0, 120));
				rig.signal('postgres', 'SIGQUIT');
				await restart(rig);
				await all;
			}
			return { alertMs: 8000 };
		},
	},
	{
		n: 25, quick: true, title: 'Answer of a COMMIT lost', how: 'the wire drops what PostgreSQL answers and is cut, or is cut before the question, eight times; backends are terminated',
		rule: 'no report twice, none lost',
		async run(rig) {
			const wire = await rig.badWire('postgres');
			await rig.start();
			for (let i = 0; i < 8; i++) {
				let left = 1 + i % 2;
				wire.look = (up, bytes, pair) => {
					if (up && !pair.doomed && left > 0 && bytes.includes('file_entry')) {
						left--;
						if (i % 2) // every other time not even the question arrives
							return 'cut';
						pair.doomed = true;
						setTimeout(() => wire.end(pair), 60);
					}
					return !up && pair.doomed ? 'drop' : undefined;
				};
				await rig.textsIn(5);
				await sleep(150);
				wire.look = null;
				if (i % 3 === 2)
					rig.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'hotlined' and pid <> pg_backend_pid()", 'postgres');
				await sleep(100);
			}
			return {};
		},
	},
	{
		n: 26, title: 'PostgreSQL hung', how: 'SIGSTOP of every PostgreSQL process for 8 s', rule: RULE + '; the loop never blocks',
		async run(rig) {
			await rig.start();
			const faults = [];
			let pids = [];
			await around(rig, async () => {
				pids = rig.postgresPids();
				pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
				const began = Date.now();
				await rig.ask('status', {}, { ms: 3000 }).catch(() => {});
				if (Date.now() - began > 500)
					faults.push(`status took ${Date.now() - began} ms`);
			}, () => pids.forEach((pid) => process.kill(pid, 'SIGCONT')));
			return { faults, screens: true };
		},
	},
	{
		n: 27, title: 'Table locked', how: 'LOCK TABLE reports, messages for 8 s', rule: RULE + '; the next question within 2 s',
		async run(rig) {
			await rig.start();
			await around(rig, async () => {
				spawn(path.join(rig.kit.stores.pgbin, 'psql'), ['-X', '-q', '-h', rig.at('pg-run'), '-U', 'hotlined', '-d', 'hotlined', '-c',
					'begin', '-c', 'lock table reports, messages in access exclusive mode', '-c', `select pg_sleep(${DOWN_MS / 1000})`,
					'-c', 'commit'], { stdio: 'ignore' });
				await sleep(300);
			}, () => {});
			return { screens: true };
		},
	},
	{
		n: 28, title: 'WAL disk full', how: "PostgreSQL's data on a full tmpfs", rule: RULE,
		async run(rig) {
			const at = rig.mount('pg-disk', { type: 'tmpfs', mb: 160 });
			rig.placePostgres(at);
			await rig.start();
			await around(rig, async () => {
				rig.fill(at);
				rig.trySql('select pg_switch_wal()', 'postgres');
			}, async () => {
				rig.unfill(at);
				if (rig.trySql('select 1', 'postgres') === null || rig.processes.get('postgres').ended)
					await restart(rig);
			});
			return {};
		},
	},
	{
		n: 29, title: 'Database read-only', how: 'default_transaction_read_only for 8 s, connections renewed', rule: RULE,
		async run(rig) {
			await rig.start();
			const set = (what) => rig.sql(`set default_transaction_read_only = off; ${what};
				select pg_reload_conf(); select pg_sleep(0.2);
				select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'hotlined' and pid <> pg_backend_pid()`, 'postgres');
			const alter = (what) => {
				rig.sql(what, 'postgres');
				set('select 1');
			};
			await around(rig, () => alter('alter database hotlined set default_transaction_read_only = on'),
				() => alter('alter database hotlined reset default_transaction_read_only'));
			return {};
		},
	},
	{
		n: 30, title: 'Both stores down across a restart', how: 'Redis and PostgreSQL stopped, the daemon killed and started',
		rule: 'it binds at once, accepts, answers and alerts without them',
		async run(rig) {
			await rig.start();
			await rig.textsIn(4);
			await sleep(500);
			await rig.end('redis');
			await rig.stopPostgres('SIGQUIT');
			await rig.kill();
			const took = await rig.startDaemon();
			await rig.textsIn(8);
			await Promise.all([rig.dial(), rig.dial(), rig.dial()]);
			await sleep(DOWN_MS);
			await Promise.all([rig.startRedis(), rig.startPostgres()]);
			await rig.textsIn(4);
			return { screens: true, note: `bound after ${took} ms`, faults: took > 1500 ? [`bound after ${took} ms`] : [] };
		},
	},
];
