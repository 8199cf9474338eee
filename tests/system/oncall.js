// Being on call with the real parts: a roster with a schedule, a policy that alerts it, an officer whose phone
// is refused and who is reached another way, a hand-over, legal clocks, a network member, and the audit of it
// all.
'use strict';
const fs = require('fs');
const path = require('path');
const { tap, test, codeOf, OFFICER } = require('./world');

const SOON_MS = 8000;
const CHILD = '+84912345678', OTHER = '+84987654321', MEMBER = '+84977000111';
const LAN = '+84900000011', LAN_SECOND = '+84900000012', MINH = '+84900000021', HOA = '+84900000031';
const URGENT = 'Cứu con với, ba say rượu đang cầm dao rượt mẹ con con, nhà ở thôn 3 xã Bom Bo';

const ROSTER = `
zone: Asia/Ho_Chi_Minh
officers:
  - {id: lan, name: Nguyễn Thị Lan, number: "${LAN}", second_number: "${LAN_SECOND}", team: hotline}
  - {id: minh, name: Trần Minh, number: "${MINH}", mail: minh@example.org, team: hotline}
  - {id: hoa, name: Hoa, number: "${HOA}", mail: hoa@example.org, team: police}
teams:
  - {id: hotline, schedule: duty}
  - {id: police, agency: police}
schedules:
  - id: duty
    rotations:
      - {every: day, start: 2026-01-01 00:00, officers: [lan]}
`;
const POLICY = `
policies:
  - id: truc
    ack_lease: 30min
    steps:
      - {notify: [{schedule: duty}], delay: 5min}
      - {notify: [{team: hotline}, everybody], delay: 5min}
  - {id: bao-cong-an, ack_lease: 24h, steps: [{notify: [{agency: police}], delay: 15min}]}
routes:
  - {urgency: [khan_cap], policy: truc, also: [bao-cong-an]}
  - {policy: truc}
`;

function write(world, name, text) {
	const file = path.join(world.dir, name);
	fs.writeFileSync(file, text);
	return file;
}

const after = (world, to, count, what) =>
	world.carrier.expect((sms) => sms.to === to && world.carrier.submits.indexOf(sms) >= count, SOON_MS, what).catch(() => null);

async function roster(world) {
	const file = write(world, 'r.yaml', ROSTER);
	const dry = await world.ctl(['roster', 'import', file, '--dry-run']);
	tap.ok(dry.status === 0 && dry.out.includes('+ officer lan: number +849******11'), 'an import shows what it would change', dry.out + dry.err);
	const first = await world.ctl(['roster', 'import', file]);
	const second = await world.ctl(['roster', 'import', file]);
	tap.ok(first.out.includes('imported') && second.out.includes('nothing to change'), 'the same roster again changes nothing', second.out + second.err);
	const bad = await world.ctl(['roster', 'import', write(world, 'bad.yaml', 'officers:\n  - {id: x, name: X, number: 12}\n')]);
	tap.ok(bad.status === 78 && /bad\.yaml:2:\d+:/.test(bad.err), 'a fault is named with its place', bad.err);
	const now = await world.ctl(['oncall']);
	tap.ok(now.out.includes('Nguyễn Thị Lan (lan)'), 'hotlinectl oncall names who is on call', now.out + now.err);
	const odd = await world.ctl(['oncall', '--at', 'tomorrow']);
	tap.ok(odd.status === 2 && odd.err.includes('--at takes a time such as'), 'a time that is none is answered with one', odd.err);
	const counted = await world.ctl(['roster', 'check', file]);
	tap.ok(counted.out.endsWith('3 officers, 2 teams, 1 schedules, 0 findings\n'), 'a check says what it has read', counted.out + counted.err);
	const week = await world.ctl(['oncall', '--week']);
	tap.ok((week.out.match(/\|A{48}\|/g) || []).length === 7, 'a week of half hours', week.out);
	const left = await world.ctl(['roster', 'import', write(world, 'left.yaml', `officers:\n  - {name: quickstart, number: "${OFFICER}", team: hotline, left: true}\n`)]);
	tap.ok(left.out.includes('has left'), 'an officer leaves and is kept', left.out + left.err);
}

async function policy(world) {
	const file = write(world, 'p.yaml', POLICY);
	const check = await world.ctl(['policy', 'check', file]);
	tap.ok(check.status === 0 && check.out.includes('2 policies, 2 routes, 0 findings'), 'a policy is checked', check.out + check.err);
	const unknown = await world.ctl(['policy', 'import', write(world, 'u.yaml', POLICY.replace('schedule: duty', 'schedule: dutty'))]);
	tap.ok(unknown.status === 78 && /u\.yaml:6:\d+: the roster has no schedule dutty/.test(unknown.err), 'a schedule that is not there is named with its place', unknown.err);
	const first = await world.ctl(['policy', 'import', file, '--json']);
	const again = await world.ctl(['policy', 'import', file, '--json']);
	tap.ok(JSON.parse(first.out).some((row) => row.change === 'new') && JSON.parse(again.out).every((row) => row.change === 'same'),
		'a policy that differs is a new version, the same is none', again.out + again.err);
}

async function ladder(world) {
	world.carrier.text({ from: CHILD, text: URGENT });
	const alert = await after(world, LAN, 0, 'an alert to the officer on call');
	const police = await after(world, HOA, 0, 'an alert to the police');
	tap.ok(alert && codeOf(alert.text), 'the officer on call is alerted', alert && alert.text.length);
	tap.ok(police && codeOf(police.text), 'so are the police, for themselves');
	tap.ok(!world.carrier.submits.some((sms) => sms.to === MINH || sms.to === OFFICER), 'and nobody else');
	await world.carrier.text({ from: HOA, text: 'NHAN ' + codeOf(police.text), encoding: 'gsm7' });
	const noted = await world.until(async () => {
		const row = (await world.list('cases'))[0];
		return row && row.last_event === 'track_acked' ? row : null;
	}, SOON_MS);
	tap.ok(noted && !noted.acked_by, 'the police take note; the case is still nobody\'s', JSON.stringify(noted));
	let count = world.carrier.submits.length;
	await world.carrier.text({ from: LAN, text: `CHUYEN ${codeOf(alert.text)} cho Minh`, encoding: 'gsm7' });
	const passed = await after(world, MINH, count, 'an alert to Minh');
	tap.ok(passed, 'a case is handed to another officer by name');
	count = world.carrier.submits.length;
	await world.carrier.text({ from: MINH, text: 'NHAN ' + (passed ? codeOf(passed.text) : ''), encoding: 'gsm7' });
	await after(world, MINH, count, 'an answer to Minh');
	const held = (await world.list('cases'))[0];
	tap.ok(held.acked_by, 'who has to acknowledge it', JSON.stringify(held));
	return held;
}

async function clocks(world, held) {
	const rows = await world.until(async () => {
		const list = JSON.parse((await world.ctl(['clocks', '--json'])).out);
		return list.length >= 6 ? list : null;
	}, SOON_MS);
	tap.ok(rows && rows.every((row) => row.state === 'running') && new Date(rows[0].due_at) <= new Date(rows[5].due_at),
		'its legal clocks run, what is due first comes first', JSON.stringify(rows));
	const twelve = rows && rows.find((row) => row.clock === 'bao_ve_12h');
	const first = new Date(held.first_at).getTime();
	tap.ok(twelve && Math.abs(new Date(twelve.due_at).getTime() - first - 12 * 3600e3) < 2000, 'twelve hours from the first message',
		JSON.stringify([twelve, held.first_at]));
	const typo = await world.ctl(['clock', 'met', held.ref, 'chuyen_xa', '--actor', 'minhh']);
	tap.ok(typo.status === 1 && typo.err.includes('the roster has no such officer'), 'a clock is met by nobody whom the roster does not know', typo.out + typo.err);
	const met = await world.ctl(['clock', 'met', held.ref, 'chuyen_xa', '--actor', held.acked_by]);
	tap.ok(met.status === 0, 'a clock is met', met.out + met.err);
	const snooze = await world.ctl(['case', 'snooze', held.ref, '--actor', held.acked_by, '--for', '40min']);
	const far = await world.ctl(['case', 'snooze', held.ref, '--actor', held.acked_by, '--for', '9h']);
	tap.ok(snooze.status === 0 && far.status === 77, 'an acknowledgement is put off within a limit', snooze.err + far.err + far.out);
	const closed = await world.ctl(['case', 'close', held.ref, '--actor', held.acked_by, '--reason', 'referred']);
	const reopened = await world.ctl(['case', 'reopen', held.ref, '--actor', 'minh']);
	for (const [who, status] of [['lann', 1], ['Trần Minh', 1], ['quickstart', 1], ['officer-1', 77]]) {
		const ack = await world.ctl(['case', 'ack', held.ref, '--actor', who]);
		tap.ok(ack.status === status, `"${who}" is no officer of the roster and acknowledges nothing`, `${ack.status} ${ack.out}${ack.err}`);
	}
	tap.ok(!(await world.list('cases'))[0].acked_by, 'the case is still nobody\'s');
	const missing = await world.ctl(['case', 'ack', 'BP-1', '--actor', 'lan']);
	tap.ok(missing.status === 1 && missing.err.includes('there is no case BP-1'), 'a case that is not there is named', missing.err);
	tap.ok(closed.status === 0 && reopened.status === 0, 'a case is closed with a reason and opened again', closed.err + reopened.err);
}

// The first phone of the officer on call is refused by the carrier: the second one rings.
async function otherWay(world) {
	const count = world.carrier.submits.length;
	world.carrier.refuse = (to) => to === LAN;
	world.carrier.text({ from: OTHER, text: 'Nhà bên cạnh đang trói đứa bé 6 tuổi vào gốc cây đánh, người máu me, phường Bình Phước' });
	const second = await after(world, LAN_SECOND, count, 'an alert to the second number');
	world.carrier.refuse = null;
	tap.ok(second && codeOf(second.text), 'an officer whose phone is refused is reached by the second number', JSON.stringify(await world.list('notifications')));
	const at = world.carrier.submits.length;
	await world.carrier.text({ from: LAN_SECOND, text: 'NHAN ' + (second ? codeOf(second.text) : ''), encoding: 'gsm7' });
	const reply = await after(world, LAN_SECOND, at, 'an answer');
	tap.ok(reply && /ghi nhan/i.test(reply.text), 'and acknowledges from there', reply && reply.text);
}

// The carrier takes the text and says later that it was not delivered.
async function receipts(world) {
	for (const state of ['UNDELIV', 'EXPIRED']) {
		const count = world.carrier.submits.length;
		world.carrier.stateOf = (to) => to === LAN ? state : 'DELIVRD';
		world.carrier.text({ from: state === 'UNDELIV' ? '+84966000111' : '+84966000222', text: URGENT + ' ' + state });
		const second = await after(world, LAN_SECOND, count, 'an alert to the second number');
		tap.ok(second, `a receipt of ${state} leads to the second number at once`);
	}
	world.carrier.stateOf = null;
}

async function member(world) {
	const count = world.carrier.submits.length;
	const enrolled = await world.ctl(['member', 'enrol', MEMBER, '--role', 'teacher', '--commune', '25396', '--name', 'Cô Hoa']);
	const text = await after(world, MEMBER, count, 'a code for the member');
	tap.ok(enrolled.status === 0 && text, 'a new member gets a code', enrolled.err);
	await world.carrier.text({ from: MEMBER, text: 'XN ' + (text ? codeOf(text.text) : ''), encoding: 'gsm7' });
	const verified = await world.until(async () => JSON.parse((await world.ctl(['member', 'list', '--json'])).out).some((row) => row.state === 'verified'), SOON_MS);
	tap.ok(verified, 'and is verified by sending it back');
	const revoked = await world.ctl(['member', 'revoke', MEMBER]);
	tap.ok(revoked.status === 0, 'and can be revoked', revoked.err);
}

async function audited(world) {
	const verify = await world.ctl(['audit', 'verify']);
	tap.ok(verify.status === 0 && / 0 broken/.test(verify.out), 'every chain of events holds', verify.out + verify.err);
	const found = await world.ctl(['audit', 'findings', '--json']);
	tap.ok(found.out && JSON.parse(found.out).findings.length === 0, 'the auditor finds nothing', found.out + found.err);
}

test({}, async (world) => {
	await roster(world);
	await policy(world);
	const held = await ladder(world);
	await clocks(world, held);
	await otherWay(world);
	await receipts(world);
	await member(world);
	await audited(world);
});
