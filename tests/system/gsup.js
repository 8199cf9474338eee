// USSD over GSUP through the real osmo-hlr: a handset's *111# walks the report flow to a filed urgent case and an
// alert, in the GSM alphabet and in UCS-2; a killed daemon, a dead HLR and a silent phone lose nothing.
'use strict';
const { tap, test, sleep, OFFICER } = require('./world');
const { Hlr, Msc, Handset, dissect, RETURN_RESULT, END } = require('./hlr');

const SCREEN_MS = 2000, SOON_MS = 8000, IDLE_S = 3;
const times = []; // of every screen, ms

async function before(world) {
	world.hlr = new Hlr(world);
	await world.hlr.start();
	const port = await world.hlr.tap();
	world.links([`- {name: osmo, adapter: gsup, host: 127.0.0.1, port: ${port}, euse: hotline, short_codes: ["*111#"],`,
		`   ctrl_host: ${world.hlr.address}, ping: 1s, ussd_idle: ${IDLE_S}s}`]);
}

const bound = (world, is = true) => world.until(async () => {
	const { out } = await world.ctl(['status', '--json']);
	return /"osmo"[^}]*"bound"/.test(out.replace(/\s+/g, '')) === is;
}, SOON_MS);

const reports = (world, from, count = 1) => world.until(async () => {
	const rows = await world.list('reports', from);
	return rows.length >= count ? rows : null;
}, SOON_MS);

// Answers whatever the shipped flow asks until it ends; the last screen.
async function walk(phone, story) {
	let screen = await phone.answer(story);
	for (let i = 0; i < 8 && screen.open; i++)
		screen = await phone.answer(/tuoi|age|old/i.test(screen.screen) ? '9' : /xa|phuong|where|commune/i.test(screen.screen) ? 'xa Bom Bo' : '1');
	times.push(...phone.times);
	return screen;
}

async function wholeWay(world) {
	await world.hlr.subscriber('452040000000001', '84912000001');
	const phone = new Handset(world.msc, '452040000000001');
	const first = await phone.dial('*111#');
	tap.ok(first.open && first.screen, '*111# shows the first question', JSON.stringify(first));
	const last = await walk(phone, 'cuu con voi, ba dang cam dao');
	tap.ok(last.state === END && last.kind === RETURN_RESULT && last.id === 5 && /BP-\d{6}/.test(last.screen),
		'the last screen is the result of what was dialled and names the report', JSON.stringify(last));
	const rows = await reports(world, '+84912000001');
	tap.ok(rows && rows.length === 1 && rows[0].case_ref, 'one report, one case, under the number that the HLR knows', JSON.stringify(rows));
	const found = rows && (await world.list('cases')).find((row) => row.ref === rows[0].case_ref);
	tap.ok(found && found.urgency === 'khan_cap', 'the case is urgent', JSON.stringify(found));
	const alert = await world.carrier.expect((sms) => sms.to === OFFICER && rows && sms.text.includes(rows[0].case_ref), SOON_MS, 'alert')
		.catch(() => null);
	tap.ok(alert, 'the officer is alerted by SMS');
	tap.ok(!world.carrier.submits.some((sms) => sms.to === '+84912000001'), 'nothing is texted to the handset');
}

async function vietnamese(world) {
	await world.hlr.subscriber('452040000000002', '84912000002');
	const phone = new Handset(world.msc, '452040000000002');
	await phone.dial('*111#');
	phone.dcs = 0x48;
	const last = await walk(phone, 'Bố đánh em chảy máu đầu');
	tap.ok(/BP-\d{6}/.test(last.screen), 'UCS-2 answers walk the flow', last.screen);
	const rows = await reports(world, '+84912000002');
	tap.ok(rows && rows.length === 1, 'and are one report', JSON.stringify(rows));
}

async function nameless(world) {
	const phone = new Handset(world.msc, '452040000000003');
	const first = await phone.dial('*111#');
	tap.ok(first.open, 'a handset without a number gets its screens', JSON.stringify(first));
	const last = await walk(phone, 'hang xom danh con suot ngay');
	const rows = await reports(world, 'imsi:452040000000003');
	tap.ok(/BP-\d{6}/.test(last.screen) && rows && rows.length === 1, 'and files under its IMSI', JSON.stringify(rows));
}

async function prefixes(world) {
	const missed = await new Handset(world.msc, '452040000000004').dial('*111*1#');
	tap.ok(missed.kind !== undefined && !missed.open && !missed.screen, 'the HLR does not take *111*1# for *111#', JSON.stringify(missed));
	await world.hlr.vty(['configure terminal', 'hlr', 'ussd route prefix *111* external hotline', 'end']);
	const caught = await new Handset(world.msc, '452040000000005').dial('*111*1#');
	tap.ok(caught.open && caught.screen, 'a route for *111* catches it', JSON.stringify(caught));
	const wide = await new Handset(world.msc, '452040000000006', 0x48).dial('*111#');
	tap.ok(wide.kind !== undefined && !wide.open, 'a code dialled in UCS-2 misses the routes', JSON.stringify(wide));
	await world.hlr.vty(['configure terminal', 'hlr', 'ussd default-route external hotline', 'end']);
	const routed = await new Handset(world.msc, '452040000000007', 0x48).dial('*111#');
	tap.ok(routed.open && routed.screen, 'a default route catches that', JSON.stringify(routed));
}

async function killed(world) {
	const imsi = '452040000000008';
	const phone = new Handset(world.msc, imsi);
	await phone.dial('*111#');
	const question = await phone.answer('em be hang xom khoc suot dem, khong ai cho an');
	await world.crash();
	const during = await phone.answer('2');
	tap.ok(!during.open, 'killed: the HLR itself tells the phone that nobody is there', JSON.stringify(during));
	await world.up([]);
	await bound(world);
	let screen = await phone.dial('*111#');
	if (/tiep tuc|go on/i.test(screen.screen))
		screen = await phone.answer('1');
	tap.ok(screen.screen === question.screen, 'killed: dialling again goes on at the same question',
		`${question.screen}\n---\n${screen.screen}`);
	const last = await walk(phone, '2');
	tap.ok(/BP-\d{6}/.test(last.screen), 'killed: and comes to its end', last.screen);
	await sleep(500);
	const rows = await reports(world, 'imsi:' + imsi);
	tap.ok(rows && rows.length === 1, 'killed: all of it is one report', JSON.stringify(rows));
}

// The daemon comes back while the phone still shows the question: the answer finds it.
async function killedUnnoticed(world) {
	const imsi = '452040000000009';
	const phone = new Handset(world.msc, imsi);
	await phone.dial('*111#');
	await phone.answer('co giao danh ban em o lop');
	await world.crash();
	await world.up([]);
	await bound(world);
	const last = await walk(phone, '2');
	tap.ok(last.id === 5 && /BP-\d{6}/.test(last.screen), 'killed while the phone shows a question: its answer goes on as if nothing had been',
		JSON.stringify(last));
	const rows = await reports(world, 'imsi:' + imsi);
	tap.ok(rows && rows.length === 1, 'and all of it is one report', JSON.stringify(rows));
}

async function silent(world) {
	const imsi = '452040000000010';
	const phone = new Handset(world.msc, imsi);
	await phone.dial('*111#');
	await phone.answer('ong ngoai bi danh truoc mat chau');
	const rows = await reports(world, 'imsi:' + imsi);
	tap.ok(rows && rows.length === 1, `a phone silent for ${IDLE_S} s: what was said is filed`, JSON.stringify(rows));
}

async function lostHlr(world) {
	const imsi = '452040000000011';
	const phone = new Handset(world.msc, imsi);
	await phone.dial('*111#');
	await phone.answer('chu hang xom nhot be trong nha kho');
	await world.hlr.stop();
	const rows = await reports(world, 'imsi:' + imsi);
	tap.ok(rows && rows.length === 1, 'a dead HLR ends the dialogue: what was said is filed', JSON.stringify(rows));
	tap.ok(await bound(world, false), 'the link is shown as down');
	await world.hlr.start();
	tap.ok(await bound(world), 'once the HLR is back so is the link');
	await world.msc.connect();
	const again = await new Handset(world.msc, '452040000000012').dial('*111#');
	tap.ok(again.open, 'and screens come again', JSON.stringify(again));
}

// Every frame that we said, as another pair of eyes reads it.
function eyes(world) {
	const { said } = world.hlr;
	const seen = dissect(said, world.journal);
	if (!seen) {
		tap.count++;
		console.log(`ok ${tap.count} - tshark reads every frame of ours # SKIP there is no tshark on this machine`);
		return;
	}
	tap.ok(seen.known === said.length && seen.gsup > 20 && !seen.faults.length,
		`tshark reads all ${said.length} frames of ours, ${seen.gsup} of them screens, without a remark`,
		`${seen.known} known\n${seen.faults.join('\n')}`);
}

async function main(world) {
	world.msc = await new Msc(world.hlr).connect();
	tap.ok(await bound(world), 'the HLR takes us for its external USSD entity');
	await wholeWay(world);
	await vietnamese(world);
	await nameless(world);
	await prefixes(world);
	await killed(world);
	await killedUnnoticed(world);
	await silent(world);
	await lostHlr(world);
	eyes(world);
	const sorted = [...times].sort((a, b) => a - b);
	tap.ok(sorted[sorted.length - 1] < SCREEN_MS, `${times.length} screens: median ${sorted[sorted.length >> 1]} ms, ` +
		`slowest ${sorted[sorted.length - 1]} ms, limit ${SCREEN_MS} ms`);
}

test({ before }, main);
