// The whole path of one text: reply, alert in time, acknowledgement, a second text, a forged
// acknowledgement, a long text in parts, and how soon a restarted daemon is bound again.
'use strict';
const fs = require('fs');
const path = require('path');
const { tap, test, codeOf, sleep, OFFICER } = require('./world');
const { encodeText } = require('./carrier');

const ALERT_MS = 1000, BOUND_MS = 1000, SOON_MS = 5000;
const CHILD = '+84912345678', NEIGHBOUR = '+84987654321', STRANGER = '+84933333333', TEACHER = '+84977000111';
const URGENT = 'Cứu con với, ba say rượu đang cầm dao rượt mẹ con con, nhà ở thôn 3 xã Bom Bo';
const OTHER = 'Nhà bên cạnh đang trói đứa bé 6 tuổi vào gốc cây đánh, người máu me, phường Bình Phước';
const LONG = 'Tôi là giáo viên chủ nhiệm. Học sinh nữ lớp 7 vừa kể bị ông nội hiếp dâm tối qua, hiện em đang ở ' +
	'phòng y tế trường, sợ về nhà. Trường THCS xã Đak Nhau.';

async function caseOf(world, from) {
	const report = await world.until(async () => (await world.list('reports', from)).find((row) => row.case_ref), SOON_MS);
	return report && (await world.list('cases')).find((row) => row.ref === report.case_ref);
}

// Waits for an alert to the officer that came after `after` submitted texts.
function alertAfter(world, after, ms, what) {
	const look = (sms) => sms.to === OFFICER && world.carrier.submits.indexOf(sms) >= after;
	return world.carrier.expect(look, ms, what).catch(() => null);
}

async function firstText(world) {
	const began = Date.now();
	const sent = world.carrier.text({ from: CHILD, text: URGENT });
	const alert = await alertAfter(world, 0, SOON_MS, 'an alert');
	const took = alert ? alert.at - began : -1;
	await sent;
	tap.ok(alert && took < ALERT_MS, `first text to alert submitted: ${took} ms`, 'limit ' + ALERT_MS);
	const reply = await world.carrier.expect((sms) => sms.to === CHILD, SOON_MS, 'a reply').catch(() => null);
	tap.ok(reply, 'the reporter gets a reply');
	tap.ok(alert && codeOf(alert.text), 'the alert carries a six-digit code', alert && alert.text.length);
	tap.ok(alert && !alert.text.includes('dao') && !/912345678/.test(alert.text),
		'the alert names neither number nor narrative');
	const found = await caseOf(world, CHILD);
	tap.ok(found && found.urgency === 'khan_cap' && !found.acked_by && found.timer_due_at,
		'an open case with a live timer', JSON.stringify(found));
	return alert;
}

async function forged(world) {
	const before = world.carrier.submits.length;
	await world.carrier.text({ from: NEIGHBOUR, text: OTHER });
	const alert = await alertAfter(world, before, SOON_MS, 'an alert for the second case');
	await world.carrier.text({ from: STRANGER, text: 'NHAN ' + (alert ? codeOf(alert.text) : '000000'), encoding: 'gsm7' });
	const wrong = String((+(alert ? codeOf(alert.text) : 0) + 1) % 1000000).padStart(6, '0');
	await world.carrier.text({ from: OFFICER, text: 'NHAN ' + wrong, encoding: 'gsm7' });
	await sleep(1500);
	const found = await caseOf(world, NEIGHBOUR);
	tap.ok(found && !found.acked_by && found.timer_due_at, 'a forged number or a wrong code stops no timer',
		JSON.stringify(found));
}

async function acknowledge(world, alert) {
	const before = world.carrier.submits.length;
	await world.carrier.text({ from: OFFICER, text: 'NHAN ' + codeOf(alert.text), encoding: 'gsm7' });
	const reply = await alertAfter(world, before, SOON_MS, 'an answer to the officer');
	tap.ok(reply, 'the officer gets an answer');
	const found = await world.until(async () => {
		const row = await caseOf(world, CHILD);
		return row && row.acked_by ? row : null;
	}, SOON_MS);
	tap.ok(found, 'the case is acknowledged', JSON.stringify(await caseOf(world, CHILD)));
	const steps = (await world.list('timers')).filter((row) => found && row.case_ref === found.ref &&
		row.kind === 'step' && row.state === 'armed');
	tap.ok(found && !steps.length, 'no step of its escalation is armed any more', JSON.stringify(steps));
}

async function secondText(world) {
	const before = world.carrier.submits.length;
	const first = await world.list('reports', CHILD);
	await world.carrier.text({ from: CHILD, text: 'THOAT', encoding: 'gsm7' });
	await sleep(500);
	await world.carrier.text({ from: CHILD, text: 'Ba lại đánh em gái con chảy máu đầu, tụi con trốn sau nhà kho' });
	const again = await world.until(async () => (await world.list('reports', CHILD)).length > first.length, SOON_MS);
	const reports = await world.list('reports', CHILD);
	tap.ok(again && new Set(reports.map((row) => row.case_ref)).size === 1,
		'a new, different text is a report attached to the same case', JSON.stringify(reports));
	const told = await world.carrier.expect((sms) => sms.to === OFFICER &&
		world.carrier.submits.indexOf(sms) >= before, SOON_MS, 'the owner is told again').catch(() => null);
	tap.ok(told, 'its owner is told again');
}

async function inParts(world) {
	const parts = encodeText(LONG, 'ucs2', 77);
	const order = [2, 0, 1];
	await Promise.all(order.map((i) => world.carrier.deliver({ from: TEACHER, to: '111', part: parts[i] })));
	await world.until(async () => (await world.list('reports', TEACHER)).length, SOON_MS);
	const reports = await world.list('reports', TEACHER);
	tap.ok(parts.length === 3 && reports.length === 1, 'three parts out of order are one report', JSON.stringify(reports));
	const identity = path.join(world.dir, 'keys/team-hotline.identity');
	const opened = await world.ctl(['report', 'open', reports[0] ? reports[0].ref : '-', '--identity', identity,
		'--reason', 'system test']);
	tap.ok(opened.status === 0 && opened.out.replace(/\s+/g, ' ').includes(LONG.slice(60, 90)),
		'an entitled officer reads it whole', `status ${opened.status} ${opened.err}`);
}

async function restart(world) {
	await world.crash();
	const bound = new Promise((done) => world.carrier.once('bound', () => done(Date.now())));
	const up = world.up();
	const at = await Promise.race([bound, sleep(20000).then(() => Infinity)]);
	await up;
	const began = fs.statSync(path.join(world.dir, 'pid/hotlined')).mtimeMs;
	tap.ok(at - began < BOUND_MS, `killed daemon: start to bound ${Math.round(at - began)} ms`, 'limit ' + BOUND_MS);
}

async function main(world) {
	const alert = await firstText(world);
	await forged(world);
	if (alert)
		await acknowledge(world, alert);
	await secondText(world);
	await inParts(world);
	await restart(world);
	tap.ok(!world.carrier.counts.refused, 'the carrier was never refused', JSON.stringify(world.carrier.refusals));
}

test({}, main);
