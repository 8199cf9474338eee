// The real osmo-hlr of Debian in a folder of its own, and a handset behind a mobile switching centre: the test
// speaks GSUP to the HLR as an MSC does, with its own little encoder, so that ours is not checked by itself.
'use strict';
const fs = require('fs');
const net = require('net');
const path = require('path');
const { spawnSync } = require('child_process');
const { run, sleep, SRC } = require('./world');

const CCM = 0xfe, OSMO = 0xee, GSUP = 0x05;
const REQUEST = 0x20;
const BEGIN = 1, CONTINUE = 2, END = 3;
const IMSI = 0x01, SESSION = 0x30, STATE = 0x31, SS = 0x35;
const INVOKE = 0xa1, RETURN_RESULT = 0xa2;
const PROCESS_USS_REQUEST = 0x3b, USS_REQUEST = 0x3c;
const VTY_PORT = 4258, GSUP_PORT = 4222;

// ---- alphabets ----

const tlv = (tag, value) => Buffer.concat([Buffer.from([tag, value.length]), value]);

// Letters, digits and most signs have the same code in ASCII and GSM; enough for what a test types.
function pack(text) {
	const bits = [...text].map((c) => c.charCodeAt(0).toString(2).padStart(7, '0')).reverse().join('');
	const spare = (8 - (bits.length % 8)) % 8;
	const whole = (spare === 7 ? '0001101' : '0'.repeat(spare)) + bits;
	return Buffer.from(whole.match(/.{8}/g) || []).map((_, i) => parseInt(whole.slice(whole.length - 8 * (i + 1)).slice(0, 8), 2));
}

function unpack(octets) {
	const bits = [...octets].reverse().map((o) => o.toString(2).padStart(8, '0')).join('');
	const septets = [];
	for (let i = bits.length; i >= 7; i -= 7)
		septets.push(parseInt(bits.slice(i - 7, i), 2));
	const text = septets.map((c) => String.fromCharCode(c === 0 ? 64 : c)).join('');
	return septets.length % 8 === 0 ? text.replace(/\r$/, '') : text;
}

const ucs2 = (text) => Buffer.from(text, 'utf16le').swap16();
const fromUcs2 = (octets) => Buffer.from(octets).swap16().toString('utf16le');
const code = (text, dcs) => (dcs === 0x48 ? ucs2(text) : pack(text));

// ---- components ----

const argument = (text, dcs) => tlv(0x30, Buffer.concat([tlv(4, Buffer.from([dcs])), tlv(4, code(text, dcs))]));
const integer = (n) => tlv(2, Buffer.from([n]));
const invoke = (id, op, text, dcs) => tlv(INVOKE, Buffer.concat([integer(id), integer(op), argument(text, dcs)]));
const result = (id, op, text, dcs) => tlv(RETURN_RESULT,
	Buffer.concat([integer(id), tlv(0x30, Buffer.concat([integer(op), argument(text, dcs)]))]));

function* elements(octets) {
	for (let i = 0; i + 2 <= octets.length; i += 2 + octets[i + 1])
		yield [octets[i], octets.subarray(i + 2, i + 2 + octets[i + 1])];
}

// {kind, id, op, dcs, text}
function component(octets) {
	const [[kind, inner]] = elements(octets);
	const found = { kind, numbers: [], strings: [] };
	const walk = (part) => {
		for (const [tag, value] of elements(part)) {
			if (tag === 2)
				found.numbers.push(value[0]);
			else if (tag === 4)
				found.strings.push(value);
			else if (tag === 0x30)
				walk(value);
		}
	};
	walk(inner);
	const [scheme, string] = found.strings;
	const dcs = scheme ? scheme[0] : -1;
	return { kind, id: found.numbers[0], op: found.numbers[1], dcs, octets: string ? string.length : 0,
		text: !string ? '' : dcs === 0x48 ? fromUcs2(string) : unpack(string) };
}

// ---- the HLR ----

const bcd = (digits) => Buffer.from((digits + (digits.length % 2 ? 'f' : '')).match(/../g).map((two) => parseInt(two[1] + two[0], 16)));

class Hlr {
	// An address of 127.0.0.0/8 of its own: the port of GSUP is fixed.
	constructor(world, euse = 'hotline') {
		const number = process.pid % 65000;
		Object.assign(this, { world, euse, address: `127.77.${number >> 8}.${number & 255}`, said: [] });
	}

	config() {
		return ['log stderr', ' logging filter all 1', ' logging color 0', ' logging level ss debug',
			'line vty', ` bind ${this.address}`, 'ctrl', ` bind ${this.address}`,
			'hlr', ' gsup', `  bind ip ${this.address}`, ` euse ${this.euse}`, ' ussd route prefix *#100# internal own-msisdn',
			` ussd route prefix *111# external ${this.euse}`, ...(this.more || []), ''].join('\n');
	}

	async find() {
		const { status, out, err } = await run('bash', ['-c', `set -euo pipefail; SRC=$1
			for part in progress machine; do . "$SRC/contrib/quickstart.d/$part.sh"; done
			machine_peers >&2; echo "$OSMO_HLR"`, 'bash', SRC]);
		if (status !== 0)
			throw new Error('no osmo-hlr: ' + err);
		return out.trim();
	}

	async start() {
		this.program = this.program || await this.find();
		const conf = path.join(this.world.journal, 'osmo-hlr.cfg');
		fs.writeFileSync(conf, this.config());
		this.child = this.world.start('osmo-hlr', this.program, ['-c', conf, '-l', 'hlr.db'], this.world.journal);
		for (let i = 0; i < 100; i++) {
			if (await this.vty([]).then(() => true, () => false))
				return this;
			await sleep(50);
		}
		throw new Error('osmo-hlr does not start');
	}

	stop() {
		return new Promise((done) => {
			this.child.on('exit', done);
			this.child.kill('SIGKILL');
		});
	}

	// Commands on its terminal, in privileged mode; what it said.
	vty(commands) {
		return new Promise((done, failed) => {
			const socket = net.connect(VTY_PORT, this.address);
			let said = '';
			socket.setTimeout(3000, () => socket.destroy(new Error('the terminal is silent: ' + said)));
			socket.on('data', (data) => { said += data.toString('latin1'); });
			socket.on('error', failed);
			socket.on('close', () => done(said));
			socket.on('connect', () => socket.end(['enable', ...commands, 'exit', 'exit', ''].join('\n')));
		});
	}

	// A port that leads to the HLR's and keeps what is said to it, whole frames in order.
	tap() {
		this.relay = net.createServer((from) => {
			const to = net.connect(GSUP_PORT, this.address);
			let bytes = Buffer.alloc(0);
			from.on('data', (data) => {
				bytes = Buffer.concat([bytes, data]);
				while (bytes.length >= 3 && bytes.length >= 3 + bytes.readUInt16BE(0)) {
					const end = 3 + bytes.readUInt16BE(0);
					this.said.push(bytes.subarray(0, end));
					bytes = bytes.subarray(end);
				}
				to.write(data);
			});
			to.on('data', (data) => from.write(data));
			for (const [one, other] of [[from, to], [to, from]]) {
				one.setNoDelay(true);
				one.on('error', () => {});
				one.on('close', () => other.destroy());
			}
		});
		return new Promise((done) => this.relay.listen(0, '127.0.0.1', () => done(this.relay.address().port)));
	}

	subscriber(imsi, msisdn) {
		return this.vty([`subscriber imsi ${imsi} create`, `subscriber imsi ${imsi} update msisdn ${msisdn}`]);
	}
}

// ---- the switching centre ----

class Msc {
	constructor(hlr, name = 'MSC-test') {
		Object.assign(this, { hlr, name, waiting: [], messages: [], bytes: Buffer.alloc(0), session: 0x20000000 });
	}

	connect() {
		return new Promise((done, failed) => {
			this.socket = net.connect(GSUP_PORT, this.hlr.address);
			this.socket.setNoDelay(true);
			this.socket.on('error', failed);
			this.socket.on('data', (data) => {
				this.bytes = Buffer.concat([this.bytes, data]);
				while (this.bytes.length >= 3 && this.bytes.length >= 3 + this.bytes.readUInt16BE(0)) {
					const end = 3 + this.bytes.readUInt16BE(0);
					this.frame(this.bytes[2], this.bytes.subarray(3, end), done);
					this.bytes = this.bytes.subarray(end);
				}
			});
		});
	}

	write(proto, body) {
		const head = Buffer.alloc(3);
		head.writeUInt16BE(body.length);
		head[2] = proto;
		this.socket.write(Buffer.concat([head, body]));
	}

	frame(proto, body, up) {
		const name = (tag, value) => Buffer.concat([Buffer.from([0, value.length + 2, tag]), Buffer.from(value + '\0')]);

		if (proto === CCM && body[0] === 0) {
			this.write(CCM, Buffer.from([1]));
		} else if (proto === CCM && body[0] === 4) {
			this.write(CCM, Buffer.concat([Buffer.from([5]), name(8, '0/0/0'), name(0, this.name), name(1, this.name)]));
			this.write(CCM, Buffer.from([6]));
		} else if (proto === CCM && body[0] === 6) {
			up(this);
		} else if (proto === OSMO && body[0] === GSUP) {
			this.hear(body.subarray(1));
		}
	}

	hear(body) {
		const parts = new Map(elements(body.subarray(1)));
		const message = { type: body[0], session: parts.get(SESSION).readUInt32BE(0), state: parts.get(STATE)[0],
			...(parts.has(SS) ? component(parts.get(SS)) : {}), at: Date.now() };
		this.messages.push(message);
		for (const waiter of this.waiting.splice(0))
			waiter();
	}

	send(imsi, session, state, ss, type = REQUEST) {
		const id = Buffer.alloc(4);
		id.writeUInt32BE(session);
		this.write(OSMO, Buffer.concat([Buffer.from([GSUP, type]), tlv(IMSI, bcd(imsi)), tlv(SESSION, id),
			tlv(STATE, Buffer.from([state])), ...(ss ? [tlv(SS, ss)] : [])]));
	}

	// The next message of that session after the first `after` ones of it; undefined when none comes.
	async next(session, after, ms = 5000) {
		const deadline = Date.now() + ms;
		for (;;) {
			const found = this.messages.filter((message) => message.session === session)[after];
			if (found || Date.now() >= deadline)
				return found;
			await Promise.race([new Promise((done) => this.waiting.push(done)), sleep(deadline - Date.now())]);
		}
	}

	close() { this.socket.destroy(); }
}

// A handset: dials, reads screens, answers. dcs: 0x0f packed GSM, 0x48 UCS-2.
class Handset {
	constructor(msc, imsi, dcs = 0x0f) {
		Object.assign(this, { msc, imsi, dcs, times: [] });
	}

	async screen() {
		const message = await this.msc.next(this.session, this.seen++);
		if (!message)
			return { open: false, screen: '', lost: true, ms: Date.now() - this.began };
		this.menu = message.id;
		this.times.push(message.at - this.began);
		return { open: message.state === CONTINUE && message.op === USS_REQUEST, screen: message.text,
			ms: message.at - this.began, ...message };
	}

	dial(what) {
		this.session = ++this.msc.session;
		this.seen = 0;
		this.began = Date.now();
		this.msc.send(this.imsi, this.session, BEGIN, invoke(5, PROCESS_USS_REQUEST, what, this.dcs));
		return this.screen();
	}

	answer(text, dcs = this.dcs) {
		this.began = Date.now();
		this.msc.send(this.imsi, this.session, CONTINUE, result(this.menu, USS_REQUEST, text, dcs));
		return this.screen();
	}
}

// What tshark makes of frames: how many are IPA, how many of these GSUP with a screen, and its remarks; undefined:
// there is no tshark.
function dissect(frames, dir) {
	const dump = path.join(dir, 'frames.txt'), capture = path.join(dir, 'frames.pcap');
	const checked = (program, args) => {
		const { status, stdout, stderr } = spawnSync(program, args);
		if (status !== 0)
			throw new Error(program + ': ' + stderr);
		return String(stdout).trim().split('\n').filter(Boolean);
	};
	if (spawnSync('tshark', ['--version']).status !== 0)
		return undefined;
	fs.writeFileSync(dump, frames.map((frame) => '000000 ' + frame.toString('hex').replace(/../g, '$& ') + '\n').join('\n'));
	checked('text2pcap', ['-q', '-T', `40000,${GSUP_PORT}`, dump, capture]);
	const ask = (filter, fields) => checked('tshark', ['-r', capture, '-o', 'tcp.desegment_tcp_streams:FALSE',
		'-o', 'tcp.analyze_sequence_numbers:FALSE', '-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]);
	return {
		known: ask('gsm_ipa', ['frame.number']).length,
		gsup: ask('gsup && gsm_map.ss.ussd_String', ['gsup.msg_type']).length,
		faults: ask('_ws.malformed || _ws.expert', ['frame.number', '_ws.expert.severity', '_ws.expert.message']),
	};
}

module.exports = { Hlr, Msc, Handset, dissect, RETURN_RESULT, END };
