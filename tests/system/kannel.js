// Through the real Kannel of Debian (bearerbox and smsbox, unmodified): a phone's text goes carrier -> Kannel
// -> our webhook, our answer and the officer's alert come back by its sendsms, its receipts reach the
// notification; and a text that finds the daemon dead arrives once it is back.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const { tap, test, codeOf, freePort, run, sleep, SRC, OFFICER } = require('./world');

const SOON_MS = 10000;
const CHILD = '+84912345678', AUNT = '+84977000111', LATE = '+84933000222';
const URGENT = 'Cứu con với, ba say rượu đang cầm dao rượt mẹ con con, nhà ở thôn 3 xã Bom Bo';
const LONG = 'Tôi là giáo viên chủ nhiệm. Học sinh nữ lớp 7 vừa kể bị ông nội hiếp dâm tối qua, hiện em đang ở ' +
	'phòng y tế trường, sợ về nhà. Trường THCS xã Đak Nhau.';
const PLAIN = 'cuu con voi, ba dang danh me con {dau} o xa Bom Bo';

const conf = (p) => `
group = core
admin-port = ${p.admin}
admin-interface = 127.0.0.1
admin-password = adm
smsbox-port = ${p.box}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = "bearerbox.log"
log-level = 1
store-type = spool
store-location = "store"
dlr-storage = internal
sms-combine-concatenated-mo = false

group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = ${p.carrier}
transceiver-mode = true
smsc-username = hotline
smsc-password = secret
system-type = ""
interface-version = 34
enquire-link-interval = 2
reconnect-delay = 1
source-addr-ton = 0
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${p.sendsms}
sendsms-interface = 127.0.0.1
log-file = "smsbox.log"
log-level = 0
http-request-retry = 1000000
http-queue-delay = 1

group = sendsms-user
username = hotline
password = to-kannel
max-messages = 5
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://kannel:from-kannel@127.0.0.1:${p.web}/kannel/sms?from=%p&to=%P&text=%b&id=%I&coding=%c&udh=%u"
`;

// The folder of bearerbox and smsbox.
async function findKannel() {
	const { status, out, err } = await run('bash', ['-c', `set -euo pipefail; SRC=$1
		for part in progress machine; do . "$SRC/contrib/quickstart.d/$part.sh"; done
		machine_peers >&2; echo "$KANNEL"`, 'bash', SRC]);
	if (status !== 0)
		throw new Error('no Kannel: ' + err);
	return out.trim();
}

async function before(world) {
	const sbin = await findKannel();
	const ports = { carrier: world.port };
	for (const name of ['admin', 'box', 'sendsms', 'web'])
		ports[name] = await freePort();
	world.ports = ports;
	fs.mkdirSync(path.join(world.journal, 'store'));
	fs.writeFileSync(path.join(world.journal, 'kannel.conf'), conf(ports));
	world.start('bearerbox', path.join(sbin, 'bearerbox'), ['kannel.conf'], world.journal);
	await sleep(1000);
	world.start('smsbox', path.join(sbin, 'smsbox'), ['kannel.conf'], world.journal);
	world.links([`- {name: kannel, adapter: http, profile: ${SRC}/adapters/http/profiles/kannel.yaml,`,
		`   listen: "127.0.0.1:${ports.web}", path: /kannel, short_codes: ["111"],`,
		`   public_url: "http://127.0.0.1:${ports.web}/kannel",`,
		`   auth: basic, auth_user: kannel, auth_file: ${world.secret('kannel-in', 'from-kannel')},`,
		`   url: "http://127.0.0.1:${ports.sendsms}", user: hotline,`,
		`   password_file: ${world.secret('kannel-out', 'to-kannel')}}`]);
}

const expect = (world, to, after, what) => world.carrier.expect((sms) => sms.to.replace(/^\+?/, '+') === to &&
	world.carrier.submits.indexOf(sms) >= after, SOON_MS, what).catch(() => null);

async function reportText(world, from) {
	const reports = await world.until(async () => {
		const rows = await world.list('reports', from);
		return rows.length ? rows : null;
	}, SOON_MS);
	if (!reports)
		return { count: 0, text: '' };
	const opened = await world.ctl(['report', 'open', reports[0].ref, '--identity',
		path.join(world.dir, 'keys/team-hotline.identity'), '--reason', 'system test']);
	return { count: reports.length, text: opened.out.replace(/\s+/g, ' ') };
}

async function thereAndBack(world) {
	await world.carrier.text({ from: CHILD, text: URGENT });
	const alert = await expect(world, OFFICER, 0, 'an alert');
	tap.ok(alert && codeOf(alert.text), 'a text through Kannel alerts the officer, through Kannel');
	const reply = await expect(world, CHILD, 0, 'a reply');
	tap.ok(reply && reply.from === '111', 'the reporter gets a reply from the short code', JSON.stringify(reply));
	const report = await reportText(world, CHILD);
	tap.ok(report.text.includes('ba say rượu đang cầm dao'), 'Vietnamese with its marks arrives as it was written', report.text);
	return alert;
}

async function acknowledged(world, alert) {
	const before = world.carrier.submits.length;
	await world.carrier.text({ from: OFFICER, text: 'NHAN ' + codeOf(alert.text), encoding: 'gsm7' });
	tap.ok(await expect(world, OFFICER, before, 'an answer'), 'the officer acknowledges through Kannel and is answered');
	const acked = await world.until(async () => (await world.list('cases')).find((row) => row.acked_by), SOON_MS);
	tap.ok(acked, 'the case has an owner');
}

async function receipts(world) {
	const delivered = await world.until(async () =>
		(await world.list('notifications')).find((row) => row.state === 'delivered'), SOON_MS);
	tap.ok(delivered, "the carrier's receipt has come through Kannel to the notification",
		JSON.stringify(await world.list('notifications')));
}

async function inParts(world) {
	await world.carrier.text({ from: AUNT, text: LONG });
	const report = await reportText(world, AUNT);
	tap.ok(report.count === 1 && report.text.includes(LONG.slice(50, 110)),
		'a text in parts, joined by us, is one report', `${report.count} ${report.text}`);
}

async function gsm(world) {
	await world.carrier.text({ from: '+84988111222', text: PLAIN, encoding: 'gsm7' });
	const report = await reportText(world, '+84988111222');
	tap.ok(report.text.includes('danh me con'), 'a text in the GSM alphabet arrives', report.text);
}

// Kannel has said "received" to the carrier by then: it must try us until we are back.
async function whileDead(world) {
	await world.crash();
	await world.carrier.text({ from: LATE, text: 'cuu chau, bo danh chay mau dau, o xa Bom Bo', encoding: 'gsm7' });
	await sleep(2500);
	await world.up([]);
	const report = await reportText(world, LATE);
	tap.ok(report.count === 1, 'a text that found the daemon dead arrives once it is back', JSON.stringify(report));
	tap.ok(!world.carrier.submits.some((sms) => /sorry|fetch/i.test(sms.text)),
		'nobody was texted an error message', JSON.stringify(world.carrier.submits.map((sms) => sms.text)));
}

function get(url) {
	return new Promise((done) => http.get(url, (answer) => {
		answer.resume();
		answer.on('end', () => done(answer.statusCode));
	}).on('error', () => done(0)));
}

async function main(world) {
	tap.ok(await world.until(() => world.carrier.bound, SOON_MS), 'Kannel is bound to the carrier');
	const alert = await thereAndBack(world);
	if (alert)
		await acknowledged(world, alert);
	await receipts(world);
	await inParts(world);
	await gsm(world);
	await whileDead(world);
	const url = `http://127.0.0.1:${world.ports.web}/kannel/sms?from=%2B84912345678&to=111&text=x&id=forged`;
	tap.ok(await get(url) === 401, 'a caller without the secret is refused');
	tap.ok(!world.carrier.counts.refused, 'the carrier was never refused', JSON.stringify(world.carrier.refusals));
}

test({ links: true, before }, main);
