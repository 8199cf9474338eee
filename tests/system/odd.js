// What no carrier should send and no server should do: odd addresses, broken parts, a database that only
// reads, a locked case, a refused notice, a command delivered twice. Nothing may be lost or stay unsaid.
'use strict';
const path = require('path');
const { tap, test, codeOf, sleep, run, SRC, OFFICER } = require('./world');

const SOON_MS = 6000, LONG_MS = 20000;
const DEST = '+84912000001', MIXED = '+84912000002', ODD = '+84912000003', LONG = '+84912000005';
const READ_ONLY = '+84912000100', LOCKED = '+84912000101', OTHER = '+84912000102', CHILD = '+84912345678';
const URGENT = 'Bo cam dao ruot chem chau, cuu chau voi';

const utf16 = (text) => Buffer.from(text, 'utf16le').swap16();
const part = (n, total, seq, body, coding) => ({ coding, esm: 0x40, body: Buffer.concat([Buffer.from([5, 0, 3, n, total, seq]), body]) });

// A statement of the superuser of the private PostgreSQL.
async function superuser(world, query) {
	const script = `set -euo pipefail; SRC=$1; D=$2
		for part in progress machine process stores; do . "$SRC/contrib/quickstart.d/$part.sh"; done
		stores_find; exec "$PGBIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$3/run/pg" -U postgres -d hotlined`;
	const { status, err } = await run('bash', ['-c', script, 'bash', SRC, world.dir, world.base()], query);
	if (status !== 0)
		throw new Error(err);
}

const reported = (world, from, ms = SOON_MS) => world.until(async () => (await world.list('reports', from))[0], ms);
const status = async (world) => [].concat(JSON.parse((await world.ctl(['status', '--json'])).out))[0];

async function textOf(world, ref) {
	const { out } = await world.ctl(['report', 'open', ref, '--identity', path.join(world.dir, 'keys/team-hotline.identity'),
		'--reason', 'system test']);
	return out.replace(/\s+/g, ' ');
}

// The notice to the officer that came after `after` submitted texts.
const toOfficer = (world, after, ms = SOON_MS) => world.carrier.expect((sms) => sms.to === OFFICER &&
	world.carrier.submits.indexOf(sms) >= after, ms, 'a text to the officer').catch(() => null);

async function oddTexts(world) {
	const { carrier } = world;
	await carrier.deliver({ from: DEST, to: '111\u00e1', part: { coding: 0, esm: 0, body: Buffer.from(URGENT) } });
	await carrier.deliver({ from: MIXED, to: '111', part: part(7, 2, 1, Buffer.from('Chau bi danh o nha, '), 0) });
	await carrier.deliver({ from: MIXED, to: '111', part: part(7, 2, 2, utf16('bố cầm dao, cứu cháu'), 8) });
	await carrier.deliver({ from: ODD, to: '111', part: part(8, 2, 1, Buffer.concat([utf16('Bố cầm dao'), Buffer.from([0])]), 8) });
	await carrier.deliver({ from: ODD, to: '111', part: part(8, 2, 2, utf16(' đang đuổi chém cháu'), 8) });
	tap.ok(await reported(world, DEST), 'a text to an address with an odd octet is filed');
	for (const [from, text, name] of [[MIXED, 'Chau bi danh o nha, bố cầm dao, cứu cháu', 'parts in two alphabets'],
		[ODD, 'Bố cầm dao đang đuổi chém cháu', 'a part with an odd octet']]) {
		const report = await reported(world, from);
		const opened = report ? await textOf(world, report.ref) : '';
		tap.ok(opened.includes(text), `${name}: nothing is lost`, opened);
	}
}

async function tooLong(world) {
	const smpp = require(path.join(SRC, '.build/node/node_modules/smpp'));
	const big = Buffer.alloc(60000, 0xe9);
	const send = (seq) => new Promise((done) => world.carrier.bound.send(new smpp.PDU('deliver_sm', {
		source_addr_ton: 1, source_addr_npi: 1, source_addr: LONG.slice(1), destination_addr: '111', esm_class: 0,
		data_coding: 3, short_message: Buffer.alloc(0), message_payload: big, sar_msg_ref_num: 5,
		sar_total_segments: 5, sar_segment_seqnum: seq }), done));
	big.write('Chau bi danh, bo cam dao ', 0);
	for (let seq = 1; seq <= 5; seq++)
		await send(seq);
	const filed = await world.until(async () => (await world.list('messages', LONG)).length >= 5, SOON_MS);
	tap.ok(filed && await reported(world, LONG), 'parts of 300,000 octets are five texts and a report');
}

async function readOnly(world) {
	const before = (await world.list('reports')).length;
	const restart = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'hotlined';";
	await superuser(world, `alter database hotlined set default_transaction_read_only = on; ${restart}`);
	await sleep(1000);
	for (let i = 0; i < 40; i++)
		await world.carrier.text({ from: READ_ONLY + i, text: URGENT + i, encoding: 'gsm7' });
	await sleep(3000);
	const { filing } = await status(world);
	await superuser(world, `set default_transaction_read_only = off;
		alter database hotlined set default_transaction_read_only = off; ${restart}`);
	tap.ok(filing.faulty === 0 && filing.raw === 0, 'a database that only reads makes no entry faulty', JSON.stringify(filing));
	const all = await world.until(async () => (await world.list('reports').catch(() => [])).length === before + 40, LONG_MS);
	tap.ok(all, 'all are filed as soon as it writes again', JSON.stringify((await status(world)).filing));
}

async function lockedCase(world) {
	await world.carrier.text({ from: LOCKED, text: URGENT, encoding: 'gsm7' });
	const { ref } = await reported(world, LOCKED);
	const lock = superuser(world, `begin; select 1 from cases where ref = '${ref}' for update; select pg_sleep(15); commit;`);
	await sleep(300);
	world.carrier.text({ from: LOCKED, text: 'Chau bi chem chay mau tay roi, cuu voi', encoding: 'gsm7' });
	await world.carrier.text({ from: OTHER, text: URGENT, encoding: 'gsm7' });
	await lock; // hotlinectl would wait for it too
	const other = await reported(world, OTHER);
	const [[waited]] = await world.sql(`select extract(epoch from filed_at - received_at) from reports where id = '${other.id}'`);
	tap.ok(waited < 12, `a case locked for 15 s holds no other report up: ${(+waited).toFixed(1)} s`);
	const both = await world.until(async () => (await world.list('messages', LOCKED)).length === 2, LONG_MS);
	tap.ok(both && (await status(world)).filing.raw === 0, 'and its own text is filed afterwards');
}

async function commands(world) {
	const { carrier } = world;
	let before = carrier.submits.length;
	const reports = (await world.list('reports')).length;
	await carrier.text({ from: OFFICER, text: 'NHAN 0', encoding: 'gsm7' });
	let answer = await toOfficer(world, before);
	tap.ok(answer && answer.text.includes('6 so'), '"NHAN 0" is answered: send the code', answer && answer.text);
	await carrier.text({ from: OFFICER, text: 'AI', encoding: 'gsm7' });
	await carrier.text({ from: OFFICER, text: 'OK', encoding: 'gsm7' });
	await sleep(1500);
	tap.ok((await world.list('reports')).length === reports, 'no command becomes a report');
	carrier.cut(); // the answers to these may have been lost
	await world.until(() => carrier.bound, SOON_MS);
	before = carrier.submits.length;
	await carrier.text({ from: OFFICER, text: 'OK', encoding: 'gsm7' });
	answer = await toOfficer(world, before);
	tap.ok(answer && answer.text.includes('6 so'), 'a bare command that comes again is answered: send the code',
		answer && answer.text);
}

async function refusedNotice(world) {
	const { carrier } = world;
	let before = carrier.submits.length;
	await carrier.text({ from: CHILD, text: URGENT, encoding: 'gsm7' });
	const { ref } = await reported(world, CHILD);
	const alert = await carrier.expect((sms) => sms.to === OFFICER && sms.text.includes(ref), SOON_MS, 'the alert');
	await carrier.text({ from: OFFICER, text: 'NHAN ' + codeOf(alert.text.replace(ref, '')), encoding: 'gsm7' });
	await world.until(async () => (await world.list('cases')).find((row) => row.ref === ref && row.acked_by), SOON_MS);
	const onSubmit = carrier.onSubmit.bind(carrier);
	let refused = 0;
	carrier.onSubmit = (session, pdu) => {
		if (!refused && pdu.destination_addr.includes(OFFICER.slice(1))) {
			refused++;
			session.send(pdu.response({ command_status: 11 }));
			return;
		}
		onSubmit(session, pdu);
	};
	before = carrier.submits.length;
	await carrier.text({ from: CHILD, text: 'Ba lai danh em gai con chay mau dau, tui con tron sau nha kho', encoding: 'gsm7' });
	const pending = await world.until(async () => refused && (await world.list('notifications'))
		.find((row) => row.kind === 'again' && row.state === 'pending'), SOON_MS);
	tap.ok(refused && pending, 'news of a case that a carrier refused stay due');
	await world.sql("update notifications set next_at = now() where kind = 'again' and state = 'pending'");
	tap.ok(await toOfficer(world, before), 'and are told again');
}

async function main(world) {
	await oddTexts(world);
	await tooLong(world);
	await commands(world);
	await refusedNotice(world);
	await lockedCase(world);
	await readOnly(world);
	const { filing } = await status(world);
	tap.ok(filing.faulty === 0 && filing.raw === 0, 'no entry was ever refused', JSON.stringify(filing));
}

test({}, main);
