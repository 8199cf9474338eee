// Rows 4 to 11: the spool's disk loses power, tears, rots, fails, fills.
'use strict';
const fs = require('fs');
const path = require('path');
const { sleep, need, sh, ROOT } = require('../rig');

const SEGMENT_HEADER = 32, RECORD_HEADER = 24, DATA = 1; // daemon/store/spool_format.h
const FILLER_BYTES = 40000;

const segments = (dir) => fs.readdirSync(dir).filter((name) => /\d/.test(name) && fs.statSync(path.join(dir, name)).isFile())
	.filter((name) => fs.readFileSync(path.join(dir, name)).subarray(0, 7).toString() === 'HLSPOOL').sort()
	.map((name) => path.join(dir, name));

// Data records of a segment: [{at, end}].
function records(file) {
	const bytes = fs.readFileSync(file);
	const found = [];
	for (let at = SEGMENT_HEADER; at + RECORD_HEADER < bytes.length && bytes[at] === 0xf1;) {
		const end = at + RECORD_HEADER + bytes.readUInt32BE(at + 8);
		if (bytes[at + 5] === DATA)
			found.push({ at, end });
		at = end;
	}
	return found;
}

// Texts one after another that only the spool has, since both stores are away; then kill -9 once what it
// may have written late is on the disk.
async function pending(rig, count) {
	const senders = [];
	for (let i = 0; i < count; i++) {
		senders.push(rig.sender());
		await rig.carrier.text({ from: senders[i], text: 'Cứu con, ba đang đánh con, nhà số ' + ++rig.senders });
	}
	await sleep(500);
	await rig.kill();
	const dir = rig.at('spool');
	const file = segments(dir).filter((name) => records(name).length).pop();
	return { senders, file, list: records(file) };
}

// Damages the spool `rounds` times: damage(file, list) gives the index of the record that is gone.
async function damaged(rig, rounds, damage) {
	const lost = [];
	await rig.start();
	for (let i = 0; i < rounds; i++) {
		await rig.stopPostgres('SIGQUIT');
		await rig.end('redis');
		fs.rmSync(rig.at('redis/appendonlydir'), { recursive: true, force: true });
		const { senders, file, list } = await pending(rig, 5);
		lost.push(senders[damage(file, list.slice(-5))]);
		await Promise.all([rig.startRedis(), rig.startPostgres()]);
		await rig.startDaemon();
	}
	return lost;
}

// Long undemanding deliveries until the carrier is refused, so that the spool needs a new segment.
async function useUp(rig) {
	const from = rig.sender();
	for (let i = 0; i < 120 && !rig.carrier.counts.refused; i++) {
		rig.carrier.one({ from, expect: 'any', part: { payload: Buffer.alloc(FILLER_BYTES, 0x80 + i) } });
		await sleep(20);
	}
	await rig.until(() => rig.carrier.counts.refused, 5000, 'the carrier is refused');
}

const refusals = (rig) => [...new Set(rig.carrier.refusals.map((r) => r.status))];

// The spool is on `at`; spoil() takes away the room, mend() gives it back.
async function withoutRoom(rig, spoil, mend) {
	await rig.start();
	await rig.textsIn(3);
	spoil();
	await useUp(rig);
	await rig.texts(4);
	await sleep(1500);
	const acknowledged = rig.carrier.counts.acknowledged;
	mend();
	await rig.until(() => rig.carrier.counts.acknowledged > acknowledged && !rig.carrier.waiting.length, 15000, 'it accepts again')
		.catch((error) => { rig.stuck = error.message; });
	const faults = rig.stuck ? [rig.stuck] : [];
	if (rig.stuck) {
		await rig.kill();
		await rig.startDaemon();
	}
	await rig.textsIn(3);
	return { faults, note: `refused with ${refusals(rig).map((s) => '0x' + s.toString(16))}`, alertMs: 15000, settleMs: 60000 };
}

module.exports = [
	{
		n: 4, quick: true, title: 'Power cut', how: 'FS_IOC_SHUTDOWN of the ext4 that holds the spool, five times', rule: 'nothing acknowledged is gone',
		async run(rig) {
			const at = rig.mount('disk', { type: 'ext4', mb: 64 });
			rig.settings.spool = path.join(at, 'spool');
			await rig.start();
			const sent = [];
			for (let i = 0; i < 5; i++) {
				sent.push((await rig.texts(12)).all);
				await sleep(rig.between(0, 120));
				sh(rig.kit.tools.powercut, [at]);
				await sleep(rig.between(0, 100));
				await rig.kill();
				sh('umount', [at]);
				sh('mount', ['-o', 'loop', at + '.img', at]);
				await rig.startDaemon();
			}
			await Promise.all(sent);
			return { alertMs: 15000 };
		},
	},
	{
		n: 5, title: 'Torn tail', how: 'the spool cut within its last record, at three sampled bytes', rule: 'only that record is gone',
		async run(rig) {
			const lost = await damaged(rig, 3, (file, list) => {
				const last = list[list.length - 1];
				fs.truncateSync(file, rig.between(last.at + 1, last.end - 1));
				return 4;
			});
			return { lost, alertMs: 15000 };
		},
	},
	{
		n: 6, title: 'Bit rot', how: 'one bit flipped in the middle of a segment, three times', rule: 'only that record is gone, and it is set aside',
		async run(rig) {
			const lost = await damaged(rig, 3, (file, list) => {
				const which = rig.between(0, 3);
				const fd = fs.openSync(file, 'r+');
				const byte = Buffer.alloc(1), at = rig.between(list[which].at, list[which].end - 1);
				fs.readSync(fd, byte, 0, 1, at);
				byte[0] ^= 1 << rig.between(0, 7);
				fs.writeSync(fd, byte, 0, 1, at);
				fs.closeSync(fd);
				return which;
			});
			const kept = fs.existsSync(rig.at('spool/quarantine')) ? fs.readdirSync(rig.at('spool/quarantine')).length : 0;
			return { lost, alertMs: 15000, faults: kept ? [] : ['nothing lies in quarantine'] };
		},
	},
	{
		n: 7, quick: true, title: 'fsync fails', how: 'fdatasync returns EIO once, then works again', rule: 'refused, and no OK from that spool any more',
		async run(rig) {
			rig.useShim();
			await rig.start();
			await rig.textsIn(4);
			await sleep(400);
			const before = rig.carrier.counts.acknowledged;
			rig.shim('sync_errno', 5);
			const { all } = await rig.texts(6);
			await sleep(600);
			const acknowledged = rig.carrier.counts.acknowledged;
			rig.shim('sync_errno', 0);
			await sleep(1500);
			const faults = [];
			if (acknowledged !== before)
				faults.push(`${acknowledged - before} acknowledged without a sync`);
			if (rig.carrier.counts.acknowledged !== acknowledged)
				faults.push(`${rig.carrier.counts.acknowledged - acknowledged} acknowledged after the failure`);
			if (!rig.carrier.counts.refused && rig.carrier.bound)
				faults.push('neither refused nor unbound');
			await rig.kill();
			await rig.startDaemon();
			await all;
			return { faults, alertMs: 15000 };
		},
	},
	{
		n: 8, title: 'fsync takes 5 s', how: 'fdatasync delayed by 5 s twice', rule: 'an answer within 4 s, a screen within 2 s, never a final refusal',
		async run(rig) {
			rig.useShim();
			await rig.start();
			await rig.textsIn(4);
			rig.shim('sync_ms', 5000);
			const { all } = await rig.texts(6);
			await rig.dial();
			await sleep(6000);
			rig.shim('sync_ms', 0);
			await all;
			await rig.textsIn(4);
			const slow = rig.screens.filter((s) => !s.ok || s.ms > 2000).map((s) => `a screen after ${s.ms} ms`);
			return { faults: slow, alertMs: 15000 };
		},
	},
	{
		n: 9, title: 'Spool full', how: 'the tmpfs of the spool filled to the last byte', rule: 'refused with a retryable code; goes on by itself when there is room',
		async run(rig) {
			const at = rig.mount('disk', { type: 'tmpfs', mb: 12 });
			Object.assign(rig.settings, { spool: path.join(at, 'spool'), segment: 1 });
			return withoutRoom(rig, () => rig.fill(at), () => rig.unfill(at));
		},
	},
	{
		n: 10, title: 'No inodes', how: 'every inode of the tmpfs of the spool taken', rule: 'refused with a retryable code; goes on by itself',
		async run(rig) {
			const at = rig.mount('disk', { type: 'tmpfs', mb: 64, inodes: 200 });
			Object.assign(rig.settings, { spool: path.join(at, 'spool'), segment: 1 });
			return withoutRoom(rig, () => {
				fs.mkdirSync(at + '/taken');
				try {
					for (let i = 0; ; i++)
						fs.writeFileSync(`${at}/taken/${i}`, '');
				} catch { /* no inode is left */ }
			}, () => fs.rmSync(at + '/taken', { recursive: true }));
		},
	},
	{
		n: 11, title: 'Read-only file system', how: 'an error makes the ext4 of the spool read-only under the daemon', rule: 'refused with a retryable code; a start says why it cannot',
		async run(rig) {
			const at = rig.mount('disk', { type: 'ext4', mb: 64 });
			const device = sh('findmnt', ['-n', '-o', 'SOURCE', at]).trim();
			const trigger = `/sys/fs/ext4/${path.basename(device)}/trigger_fs_error`;
			need(ROOT && fs.existsSync(trigger), 'this kernel cannot be told to fail an ext4');
			sh('mount', ['-o', 'remount,errors=remount-ro', at]);
			Object.assign(rig.settings, { spool: path.join(at, 'spool') });
			await rig.start();
			await rig.textsIn(4);
			const acknowledged = rig.carrier.counts.acknowledged;
			fs.writeFileSync(trigger, '1');
			const { all } = await rig.texts(5);
			await sleep(1500);
			const faults = [];
			const now = rig.carrier.counts.acknowledged;
			await rig.kill();
			const refused = rig.launchDaemon();
			await Promise.race([refused.gone, sleep(5000)]);
			if (!refused.ended || refused.ended.status !== 69)
				faults.push(`a start on it ended with ${JSON.stringify(refused.ended)}`);
			await rig.kill();
			sh('umount', [at]);
			sh('mount', ['-o', 'loop', at + '.img', at]);
			await rig.startDaemon();
			await all;
			return { faults, note: `${now - acknowledged} acknowledged after the error`, alertMs: 15000 };
		},
	},
];
