// USSD over SMPP, driven from outside: a USSD centre (npm smpp) speaks five of the shipped dialects, each walks the
// report flow to a filed urgent case and an alert; a killed daemon and standing stores lose nothing.
'use strict';
const path = require('path');
const { tap, test, freePort, sleep, SRC, OFFICER } = require('./world');
const smpp = require(require.resolve('smpp', { paths: [path.join(SRC, '.build/node')] }));

const SCREEN_MS = 2000, SOON_MS = 8000;
const times = []; // of every screen, ms

// How each centre speaks, told once more and not read from our files: name of the session in its TLVs (n: a number
// of the session, k: of the message in it), operations, and how a screen tells that it is the last.
const centres = {
	standard: { begin: 1, answer: 0x12, hangUp: 0x11, tlv: (n, k) => ({ its_session_info: bytes(n & 0xff, k << 1) }),
		own: (pdu, n) => pdu.its_session_info[0] === (n & 0xff),
		last: (pdu) => pdu.ussd_service_op === 0x11 && (pdu.its_session_info[1] & 1) === 1 },
	tata: { begin: 1, answer: 2, hangUp: 0x11, tlv: (n) => ({ its_session_info: bytes(n >> 7 & 0xff, n << 1 & 0xff) }),
		own: (pdu, n) => (pdu.its_session_info.readUInt16BE(0) >> 1) === (n & 0x7fff),
		last: (pdu) => (pdu.its_session_info[1] & 1) === 1 },
	mica: { begin: 1, answer: 0x12, hangUp: 0x81, tlv: (n) => ({ user_message_reference: n & 0xffff }),
		own: (pdu, n) => pdu.user_message_reference === (n & 0xffff), last: (pdu) => pdu.ussd_service_op === 0x17 },
	data_sm: { begin: 1, answer: 0x12, hangUp: 0x11, command: 'data_sm', tlv: (n) => ({ its_session_info: bytes(n >> 8 & 0xff, n & 0xff) }),
		own: (pdu, n) => pdu.its_session_info.readUInt16BE(0) === (n & 0xffff), last: (pdu) => pdu.ussd_service_op === 0x11 },
	msisdn: { begin: 1, answer: 1, hangUp: 0x11, service_type: 'P2', data_coding: 0x0f, tlv: () => ({}),
		own: () => true, last: (pdu) => pdu.ussd_service_op === 0x11 },
};

const bytes = (...octets) => Buffer.from(octets);

// A USSD centre: one server, one account for each dialect.
class Centre {
	constructor() {
		Object.assign(this, { sessions: new Map(), screens: [], waiting: [], faults: [] });
	}

	async listen() {
		this.port = await freePort();
		this.server = smpp.createServer({}, (session) => {
			session.on('error', () => session.destroy());
			session.socket.setNoDelay(true);
			session.on('bind_transceiver', (pdu) => {
				this.sessions.set(pdu.system_id, session);
				session.send(pdu.response());
			});
			session.on('enquire_link', (pdu) => session.send(pdu.response()));
			session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
			for (const command of ['submit_sm', 'data_sm'])
				session.on(command, (pdu) => this.screen(session, command, pdu));
		});
		await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
	}

	screen(session, command, pdu) {
		session.send(pdu.response({ message_id: 'u' + this.screens.length }));
		this.screens.push({ pdu, command, at: Date.now() });
		for (const waiter of this.waiting.splice(0))
			waiter();
	}

	// The first screen after `after` that is for that phone.
	async next(phone, after, ms = 5000) {
		const deadline = Date.now() + ms;
		for (;;) {
			const found = this.screens.slice(after).find(({ pdu }) => pdu.destination_addr === phone.number);
			if (found || Date.now() >= deadline)
				return found;
			await Promise.race([new Promise((done) => this.waiting.push(done)), sleep(deadline - Date.now())]);
		}
	}

	close() {
		for (const session of this.sessions.values())
			session.destroy();
		this.server.close();
	}
}

// A handset on one of the centre's networks.
class Handset {
	constructor(centre, dialect, number, n) {
		Object.assign(this, { centre, name: dialect, dialect: centres[dialect], number, n, k: 0 });
	}

	deliver(op, text) {
		const ucs2 = /[^\x00-\x7f]/.test(text);
		const { dialect } = this;
		return new Promise((done) => this.centre.sessions.get(this.name).send(new smpp.PDU('deliver_sm', {
			service_type: dialect.service_type || 'USSD', source_addr_ton: 1, source_addr_npi: 1, source_addr: this.number,
			destination_addr: '111', data_coding: ucs2 ? 8 : dialect.data_coding || 0,
			short_message: ucs2 ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'latin1'),
			ussd_service_op: op, ...dialect.tlv(this.n, this.k),
		}), (answer) => done(answer.command_status)));
	}

	async say(op, text) {
		const began = Date.now(), after = this.centre.screens.length;
		const kept = this.deliver(op, text);
		const found = await this.centre.next(this, after);
		if (!found)
			return { open: false, screen: '', ms: Date.now() - began, kept: await kept };
		const { pdu } = found, body = (pdu.message_payload || pdu.short_message || {}).message || '';
		times.push(found.at - began);
		if (found.command !== (this.dialect.command || 'submit_sm') || !this.dialect.own(pdu, this.n) || pdu.source_addr !== '111')
			this.centre.faults.push(`${this.name}: ${found.command} ${JSON.stringify(pdu)}`);
		this.k = pdu.its_session_info ? (pdu.its_session_info[1] >> 1) + 1 : 0;
		return { open: !this.dialect.last(pdu), screen: String(body), ms: found.at - began, kept: await kept };
	}

	dial(code = '*111#') { this.k = 0; return this.say(this.dialect.begin, code); }
	answer(text) { return this.say(this.dialect.answer, text); }
	hangUp() { return this.deliver(this.dialect.hangUp, ''); }
}

async function before(world) {
	world.centre = new Centre();
	await world.centre.listen();
	world.links(Object.keys(centres).map((name) => `- {name: ${name}, adapter: smpp, host: 127.0.0.1, port: ${world.centre.port}, ` +
		`system_id: ${name}, password_file: ${world.secret('centre', 'secret')}, short_codes: ["111"], priority: 99,\n` +
		`   enquire_link: 2s, ussd: "${SRC}/adapters/smpp/dialects/${name}.yaml"}`));
}

const bound = (world) => world.until(() => world.centre.sessions.size === Object.keys(centres).length, SOON_MS);

const reports = (world, from, count = 1) => world.until(async () => {
	const rows = await world.list('reports', from);
	return rows.length >= count ? rows : null;
}, SOON_MS);

async function walk(phone, story) {
	let screen = await phone.answer(story);
	for (let i = 0; i < 8 && screen.open; i++)
		screen = await phone.answer(/tuoi|age|old/i.test(screen.screen) ? '9' : /xa|phuong|where|commune/i.test(screen.screen) ? 'xa Bom Bo' : '1');
	return screen;
}

async function wholeWay(world, name, n) {
	const phone = new Handset(world.centre, name, '8491200010' + n, 0x1230 + n);
	const first = await phone.dial();
	tap.ok(first.open && first.screen && first.kept === 0, `${name}: dialling shows the first question`, JSON.stringify(first));
	const last = await walk(phone, 'Cứu con, ba đang cầm dao');
	tap.ok(!last.open && /BP-\d{6}/.test(last.screen), `${name}: the last screen names the report and ends`, JSON.stringify(last));
	const rows = await reports(world, '+' + phone.number);
	tap.ok(rows && rows.length === 1 && rows[0].case_ref, `${name}: one report, one case`, JSON.stringify(rows));
	const found = rows && (await world.list('cases')).find((row) => row.ref === rows[0].case_ref);
	tap.ok(found && found.urgency === 'khan_cap', `${name}: the case is urgent`, JSON.stringify(found));
	const alert = await world.carrier.expect((sms) => sms.to === OFFICER && rows && sms.text.includes(rows[0].case_ref), SOON_MS, 'alert')
		.catch(() => null);
	tap.ok(alert, `${name}: the officer is alerted by SMS`);
}

async function hungUp(world) {
	const phone = new Handset(world.centre, 'tata', '84912000201', 0x2001);
	await phone.dial();
	await phone.answer('chi em bi bo roi o cho');
	tap.ok(await phone.hangUp() === 0, 'the end of a session is taken');
	const rows = await reports(world, '+' + phone.number);
	tap.ok(rows && rows.length === 1, 'what was said before hanging up is one report', JSON.stringify(rows));
}

async function killed(world) {
	const phone = new Handset(world.centre, 'mica', '84912000202', 0x2002);
	await phone.dial();
	const question = await phone.answer('em be hang xom khoc suot dem, khong ai cho an');
	await world.crash();
	world.centre.sessions.clear();
	await world.up([]);
	await bound(world);
	phone.n++;
	let screen = await phone.dial();
	if (/tiep tuc|go on/i.test(screen.screen))
		screen = await phone.answer('1');
	tap.ok(screen.screen === question.screen, 'killed: dialling again goes on at the same question', `${question.screen}\n---\n${screen.screen}`);
	const last = await walk(phone, '2');
	tap.ok(/BP-\d{6}/.test(last.screen), 'killed: and comes to its end', last.screen);
	const rows = await reports(world, '+' + phone.number);
	tap.ok(rows && rows.length === 1, 'killed: all of it is one report', JSON.stringify(rows));
}

async function main(world) {
	tap.ok(await bound(world), 'the links of all dialects are bound');
	for (const [n, name] of Object.keys(centres).entries())
		await wholeWay(world, name, n);
	await hungUp(world);
	await killed(world);
	tap.ok(!world.centre.faults.length, 'every screen named its session and came as its centre wants it', world.centre.faults.join('\n'));
	const sorted = [...times].sort((a, b) => a - b);
	tap.ok(sorted[sorted.length - 1] < SCREEN_MS, `${times.length} screens: median ${sorted[sorted.length >> 1]} ms, ` +
		`slowest ${sorted[sorted.length - 1]} ms, limit ${SCREEN_MS} ms`);
	world.centre.close();
}

test({ before }, main);
