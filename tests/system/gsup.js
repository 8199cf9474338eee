// USSD straight from an Osmocom core: a handset (played here, as a VLR) dials through the real osmo-hlr of Debian
// to our adapter and walks the report flow to a filed urgent case and an alert.
'use strict';
const fs = require('fs');
const net = require('net');
const path = require('path');
const { EventEmitter } = require('events');
const { tap, test, run, sleep, SRC, OFFICER } = require('./world');

const SOON_MS = 8000, SCREEN_MS = 2000;
const HOST = `127.${1 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 200)}.9`; // its ports are fixed
const UNIT = 'hotline-00-00-00-00-00-00';
const IE = { imsi: 0x01, cause: 0x02, session: 0x30, state: 0x31, ss: 0x35 };
const BEGIN = 1, CONTINUE = 2, END = 3, REQUEST = 0x20, ERROR = 0x21;

const conf = (dir) => `log stderr
 logging filter all 1
 logging level main notice
line vty
 bind ${HOST}
ctrl
 bind ${HOST}
hlr
 database ${dir}/hlr.db
 gsup
  bind ip ${HOST}
 euse ${UNIT}
 ussd route prefix *111# external ${UNIT}
 ussd route prefix *111* external ${UNIT}
 ussd default-route external ${UNIT}
`;

const tlv = (tag, value) => Buffer.concat([Buffer.from([tag, value.length]), value]);
const bcd = (digits) => Buffer.from(((digits + (digits.length % 2 ? 'f' : '')).match(/../g)).map((two) => two[1] + two[0]).join(''), 'hex');

// ASCII is enough of the GSM alphabet here.
function pack(text) {
	const out = [];
	let bits = 0, kept = 0;
	for (const c of Buffer.from(text, 'latin1')) {
		bits |= c << kept;
		for (kept += 7; kept >= 8; kept -= 8, bits >>= 8)
			out.push(bits & 0xff);
	}
	if (kept)
		out.push(kept === 1 ? bits | 0x1a : bits);
	return Buffer.from(out);
}

function unpack(bytes) {
	let text = '', bits = 0, kept = 0;
	for (const b of bytes) {
		bits |= b << kept;
		for (kept += 8; kept >= 7; kept -= 7, bits >>= 7)
			text += String.fromCharCode(bits & 0x7f);
	}
	return text.replace(/[\r\0]+$/, '');
}

const ucs2 = (text) => Buffer.from(text, 'utf16le').swap16();

function elements(bytes) {
	const found = [];
	for (let i = 0; i + 2 <= bytes.length; i += 2 + bytes[i + 1])
		found.push([bytes[i], bytes.subarray(i + 2, i + 2 + bytes[i + 1])]);
	return found;
}

// Invoke id and text of a component, wherever they are in it.
function component(bytes) {
	const found = { ints: [], octets: [] };
	const walk = (inside) => {
		for (const [tag, value] of elements(inside)) {
			if (tag === 2)
				found.ints.push(value[0]);
			else if (tag === 4)
				found.octets.push(value);
			else
				walk(value);
		}
	};
	walk(bytes);
	const [dcs, text] = found.octets;
	return { kind: bytes[0], invoke: found.ints[0],
		text: text ? (dcs[0] === 0x48 ? Buffer.from(text).swap16().toString('utf16le') : unpack(text)) : '' };
}

// A visitor location register with one handset at a time.
class Vlr extends EventEmitter {
	constructor() {
		super();
		this.buffer = Buffer.alloc(0);
		this.nextSession = 0x20000001 + Math.floor(Math.random() * 1000000);
	}

	connect() {
		this.socket = net.connect(4222, HOST);
		this.socket.on('error', () => {});
		this.socket.on('data', (data) => { this.buffer = Buffer.concat([this.buffer, data]); this.read(); });
		return new Promise((done) => this.once('up', done));
	}

	raw(stream, payload) {
		this.socket.write(Buffer.concat([Buffer.from([payload.length >> 8, payload.length & 0xff, stream]), payload]));
	}

	read() {
		while (this.buffer.length >= 3 && this.buffer.length >= 3 + this.buffer.readUInt16BE(0)) {
			const [len, stream] = [this.buffer.readUInt16BE(0), this.buffer[2]];
			const payload = this.buffer.subarray(3, 3 + len);
			this.buffer = this.buffer.subarray(3 + len);
			if (stream === 0xfe)
				this.ccm(payload[0]);
			else if (stream === 0xee && payload[0] === 5)
				this.emit('gsup', payload[1], Object.fromEntries(elements(payload.subarray(2))));
		}
	}

	ccm(what) {
		const name = Buffer.from('VLR-test\0');
		const tag = (t, v) => Buffer.concat([Buffer.from([0, v.length + 1, t]), v]);
		if (what === 0)
			this.raw(0xfe, Buffer.from([1]));
		if (what === 4) {
			this.raw(0xfe, Buffer.concat([Buffer.from([5]), tag(8, Buffer.from('0/0/0\0')), tag(0, name), tag(1, name)]));
			this.raw(0xfe, Buffer.from([6]));
			setTimeout(() => this.emit('up'), 200);
		}
	}

	gsup(imsi, session, state, ss) {
		const id = Buffer.alloc(4);
		id.writeUInt32BE(session);
		this.raw(0xee, Buffer.concat([Buffer.from([5, REQUEST]), tlv(IE.imsi, bcd(imsi)), tlv(IE.session, id),
			tlv(IE.state, Buffer.from([state])), ss ? tlv(IE.ss, ss) : Buffer.alloc(0)]));
	}
}

class Handset {
	constructor(vlr, imsi) {
		Object.assign(this, { vlr, imsi, invoke: 0 });
	}

	// Sends a component and waits for the screen; {text, open, ms}.
	ask(state, ss) {
		const began = Date.now();
		return new Promise((done) => {
			const end = (screen) => { this.vlr.off('gsup', look); clearTimeout(timer); done({ ...screen, ms: Date.now() - began }); };
			const look = (type, ies) => {
				if (!ies[IE.session] || ies[IE.session].readUInt32BE(0) !== this.session)
					return;
				if (type === ERROR || !ies[IE.ss]) {
					end({ text: '', open: false, error: true });
					return;
				}
				const c = component(ies[IE.ss]);
				this.invoke = c.invoke;
				end({ text: c.text, open: ies[IE.state][0] === CONTINUE, octets: ies[IE.ss].length });
			};
			const timer = setTimeout(() => end({ text: '(nothing)', open: false, error: true }), SOON_MS);
			this.vlr.on('gsup', look);
			this.vlr.gsup(this.imsi, this.session, state, ss);
		});
	}

	args(text, dcs) {
		const body = dcs === 0x48 ? ucs2(text) : pack(text);
		return tlv(0x30, Buffer.concat([tlv(4, Buffer.from([dcs])), tlv(4, body)]));
	}

	dial(code, dcs = 0x0f) {
		this.session = this.vlr.nextSession++;
		return this.ask(BEGIN, tlv(0xa1, Buffer.concat([tlv(2, Buffer.from([1])), tlv(2, Buffer.from([0x3b])), this.args(code, dcs)])));
	}

	answer(text, dcs = 0x0f) {
		return this.ask(CONTINUE, tlv(0xa2, Buffer.concat([tlv(2, Buffer.from([this.invoke])),
			tlv(0x30, Buffer.concat([tlv(2, Buffer.from([0x3c])), this.args(text, dcs)]))])));
	}
}

// Commands to osmo-hlr's terminal, one line each.
function vty(lines) {
	return new Promise((done) => {
		const socket = net.connect(4258, HOST);
		socket.on('error', () => done(false));
		socket.on('data', () => {});
		socket.on('connect', async () => {
			for (const line of ['enable', ...lines]) {
				socket.write(line + '\n');
				await sleep(100);
			}
			socket.destroy();
			done(true);
		});
	});
}

async function findHlr() {
	const { status, out, err } = await run('bash', ['-c', `set -euo pipefail; SRC=$1
		for part in progress machine; do . "$SRC/contrib/quickstart.d/$part.sh"; done
		machine_peers >&2; echo "$OSMO_HLR"; echo "$OSMO_LIBRARIES"`, 'bash', SRC]);
	if (status !== 0)
		throw new Error('no osmo-hlr: ' + err);
	return out.split('\n');
}

async function startHlr(world) {
	const [file, libraries] = world.hlrFiles;
	world.hlr = world.start('osmo-hlr', 'env', [`LD_LIBRARY_PATH=${libraries}`, file, '-c', 'osmo-hlr.cfg', '-l', 'hlr.db'],
		world.journal);
	await world.until(() => vty([]), SOON_MS);
}

async function before(world) {
	world.hlrFiles = await findHlr();
	fs.writeFileSync(path.join(world.journal, 'osmo-hlr.cfg'), conf(world.journal));
	await startHlr(world);
	await vty(['1', '2', '3', '4'].flatMap((n) => [`subscriber imsi 45204000000000${n} create`,
		...(n === '4' ? [] : [`subscriber imsi 45204000000000${n} update msisdn 8491200001${n}`])]));
	world.links([`- {name: core, adapter: gsup, connect: "${HOST}:4222", numbers: "${HOST}:4259", euse: ${UNIT},`,
		'   short_codes: ["*111#"]}']);
}

const reports = (world, from) => world.until(async () => {
	const rows = await world.list('reports', from);
	return rows.length ? rows : null;
}, SOON_MS);

async function walk(phone, story) {
	let screen = await phone.answer(story), slowest = screen.ms;
	for (let i = 0; i < 8 && screen.open; i++) {
		screen = await phone.answer(/tuoi|age|old/i.test(screen.text) ? '9' : /xa|phuong|where|commune/i.test(screen.text) ? 'xa Bom Bo' : '1');
		slowest = Math.max(slowest, screen.ms);
	}
	return { ...screen, slowest };
}

async function whole(world) {
	const phone = new Handset(world.vlr, '452040000000001');
	const first = await phone.dial('*111#');
	tap.ok(first.open && first.text, 'dialling *111# shows the first question', JSON.stringify(first));
	const last = await walk(phone, 'cuu con voi, ba dang cam dao');
	tap.ok(!last.open && !last.error && /BP-\d{6}/.test(last.text), 'the last screen names the report', JSON.stringify(last));
	tap.ok(last.slowest < SCREEN_MS, `the slowest screen took ${last.slowest} ms`);
	const rows = await reports(world, '+84912000011');
	tap.ok(rows && rows.length === 1 && rows[0].case_ref, 'one report, under the number that the HLR knows', JSON.stringify(rows));
	const alert = await world.carrier.expect((sms) => sms.to === OFFICER, SOON_MS, 'alert').catch(() => null);
	tap.ok(alert, 'the officer is alerted by SMS');
}

async function otherCoding(world) {
	const phone = new Handset(world.vlr, '452040000000002');
	const first = await phone.dial('*111#', 0x48);
	const second = await phone.answer('Em bị bỏ đói ở nhà', 0x48);
	tap.ok(first.open && second.open, 'a handset that speaks UCS-2 is answered', JSON.stringify([first, second]));
	const rows = await reports(world, '+84912000012');
	tap.ok(rows, 'and what it says is filed', JSON.stringify(rows));
}

async function withoutNumber(world) {
	const phone = new Handset(world.vlr, '452040000000004');
	const first = await phone.dial('*111*1#');
	const before = (await world.list('reports')).length;
	const second = await phone.answer('chau be bi bo roi ngoai cho');
	const more = await world.until(async () => (await world.list('reports')).length > before, SOON_MS);
	tap.ok(first.open && second.open && more, 'a subscriber without a number is heard too', JSON.stringify([first, second]));
}

async function killed(world) {
	const phone = new Handset(world.vlr, '452040000000003');
	await phone.dial('*111#');
	const question = await phone.answer('em be hang xom khoc suot dem');
	await world.crash();
	await world.up([]);
	let again;
	await world.until(async () => { again = await phone.dial('*111#'); return again.open; }, SOON_MS, 500);
	if (/tiep tuc|go on/i.test(again.text))
		again = await phone.answer('1');
	tap.ok(again.text === question.text, 'killed: dialling again goes on at the same question', JSON.stringify([question, again]));
	const last = await walk(phone, '2');
	tap.ok(/BP-\d{6}/.test(last.text), 'killed: and comes to its end', JSON.stringify(last));
	const rows = await reports(world, '+84912000013');
	tap.ok(rows && rows.length === 1, 'killed: all of it is one report', JSON.stringify(rows));
}

async function lost(world) {
	const phone = new Handset(world.vlr, '452040000000002');
	const first = await phone.dial('*111#');
	const known = (await world.list('messages', '+84912000012')).length;
	world.hlr.kill('SIGKILL');
	const told = await world.until(async () => (await world.list('messages', '+84912000012')).length > known, SOON_MS);
	tap.ok(first.open && told, 'a lost HLR ends its sessions, and the conversation is told');
	await startHlr(world);
	world.vlr = new Vlr();
	await world.vlr.connect();
	phone.vlr = world.vlr;
	let again;
	await world.until(async () => { again = await phone.dial('*111#'); return again.open; }, 20000, 500);
	tap.ok(again.open, 'once it is back, so are we', JSON.stringify(again));
}

async function main(world) {
	world.vlr = new Vlr();
	await world.vlr.connect();
	await world.until(async () => (await world.ctl(['status'])).out.match(/core\s.*(bound)/i), SOON_MS);
	await whole(world);
	await otherCoding(world);
	await withoutNumber(world);
	await killed(world);
	await lost(world);
	world.vlr.socket.destroy();
}

test({ before }, main);
