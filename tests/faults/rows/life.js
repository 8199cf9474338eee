// Rows 41 and 52: clocks and versions.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { sleep, need, ROOT } = require('../rig');

const HOUR = 3600, YEARS = 10 * 365 * 86400;

module.exports = [
	{
		n: 41, title: 'Clock jumps and a reboot', how: 'the wall clock of the daemon by an hour and ten years each way; another boot id with other boot time',
		rule: 'timers fire in time, nothing is lost',
		async run(rig) {
			rig.useShim();
			await rig.start();
			await rig.textsIn(3);
			const faults = [];
			for (const jump of [HOUR, -HOUR, YEARS, -YEARS, 0]) {
				rig.shim('wall_s', jump);
				const fired = () => +rig.sql("select count(*) from timers where kind = 'step' and state = 'fired'")[0][0];
				const before = fired();
				rig.advance(301);
				await rig.until(() => fired() > before, 4000, 'x').catch(() => faults.push(`no timer fires after a jump of ${jump} s`));
				await rig.textsIn(3);
				await sleep(1200);
			}
			await rig.stopPostgres('SIGQUIT');
			const { all } = await rig.texts(3);
			await all;
			await rig.kill();
			let note = 'reboot in namespaces of its own';
			const boot = rig.at('boot_id');
			fs.writeFileSync(boot, '11111111-2222-4333-8444-555555555555\n');
			const probe = ROOT && spawnSync('unshare', ['--mount', '--time', '--boottime', '1000', 'mount', '--bind', boot, '/proc/sys/kernel/random/boot_id']);
			if (probe && probe.status === 0)
				rig.wrap = ['unshare', '--mount', '--time', '--boottime', '100000', 'sh', '-c',
					`mount --bind '${boot}' /proc/sys/kernel/random/boot_id && exec "$@"`, 'sh'];
			else
				note = 'no namespaces here: without the reboot';
			await rig.startPostgres();
			await rig.startDaemon();
			await rig.textsIn(3);
			return { note, faults, alertMs: 8000 };
		},
	},
	{
		n: 52, title: 'Upgrade and rollback', how: 'a full spool read by the next start; a record of a later version in it', rule: 'what it cannot read it keeps and says so; the rest is filed',
		async run(rig) {
			await rig.start();
			await rig.stopPostgres('SIGQUIT');
			const senders = [];
			for (let i = 0; i < 5; i++) {
				senders.push(rig.sender());
				await rig.carrier.text({ from: senders[i], text: rig.words() });
			}
			await rig.kill();
			const dir = rig.at('spool');
			const files = fs.readdirSync(dir).filter((name) => fs.statSync(path.join(dir, name)).isFile())
				.filter((name) => fs.readFileSync(path.join(dir, name)).subarray(0, 7).toString() === 'HLSPOOL').sort();
			need(files.length, 'the spool has no segment');
			const file = path.join(dir, files[files.length - 1]);
			const bytes = fs.readFileSync(file);
			const crc = rig.kit.crc32c;
			let at = 32;
			for (let i = 0; i < 2; i++)
				at += 24 + bytes.readUInt32BE(at + 8);
			const end = at + 24 + bytes.readUInt32BE(at + 8);
			bytes[at + 4]++;
			bytes.writeUInt32BE(0, at + 12);
			bytes.writeUInt32BE(crc(bytes.subarray(at, end)), at + 12);
			fs.writeFileSync(file, bytes);
			await rig.startPostgres();
			const p = rig.launchDaemon();
			await Promise.race([p.gone, new Promise((done) => rig.carrier.once('bound', done)), sleep(8000)]);
			const faults = [];
			if (p.ended && p.ended.status === 69 && /version/.test(rig.logTail()))
				return { faults, settled: true, note: 'the start is refused' };
			if (p.ended)
				faults.push(`the start ended with ${JSON.stringify(p.ended)}`);
			const kept = fs.existsSync(path.join(dir, 'quarantine')) && fs.readdirSync(path.join(dir, 'quarantine')).length;
			if (!kept && fs.existsSync(file) === false)
				faults.push('a record of a later version is gone');
			return { faults, lost: [senders[2]], alertMs: 15000, note: kept ? 'set aside in quarantine' : 'left where it was' };
		},
	},
];
