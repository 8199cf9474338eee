// A carrier for the system tests: an SMSC over the npm package smpp that journals everything, keeps at
// most a window of deliveries unanswered, and delivers again what was not acknowledged.
// By hand: node carrier.js PORT [JOURNAL], then lines "+84912345678 text" on standard input.
'use strict';
const fs = require('fs');
const path = require('path');
const { EventEmitter } = require('events');
const smpp = require(require.resolve('smpp', { paths: [path.resolve(__dirname, '../../.build/node')] }));

const GSM7_ONE = 160, GSM7_PART = 153, UCS2_ONE = 70, UCS2_PART = 67; // 3GPP TS 23.040 9.2.3.24.1
const ESM_UDHI = 0x40, ESM_RECEIPT = 0x04; // SMPP 3.4, 5.2.12
const STATES = { DELIVRD: 2, EXPIRED: 3, UNDELIV: 5 }; // SMPP 3.4, 5.2.28
const RETRY_MS = 300;

// Splits a text as a handset would: [{coding, body}] with an 8-bit concatenation header where needed.
function encodeText(text, encoding, ref) {
	const gsm = encoding === 'gsm7';
	const coding = gsm ? 0 : 8;
	const units = gsm ? [...text].map((c) => smpp.encodings.ASCII.encode(c))
		: [...text].map((c) => smpp.encodings.UCS2.encode(c));
	const perUnit = gsm ? 1 : 2;
	const size = units.reduce((n, u) => n + u.length, 0) / perUnit;
	if (size <= (gsm ? GSM7_ONE : UCS2_ONE))
		return [{ coding, esm: 0, body: Buffer.concat(units) }];
	const room = (gsm ? GSM7_PART : UCS2_PART) * perUnit;
	const bodies = [[]];
	let used = 0;
	for (const unit of units) {
		if (used + unit.length > room) { // an escape pair or a surrogate pair stays in one part
			bodies.push([]);
			used = 0;
		}
		bodies[bodies.length - 1].push(unit);
		used += unit.length;
	}
	return bodies.map((part, i) => ({
		coding, esm: ESM_UDHI,
		body: Buffer.concat([Buffer.from([5, 0, 3, ref & 0xff, bodies.length, i + 1]), ...part]),
	}));
}

class Carrier extends EventEmitter {
	// journal: file of JSON lines, synced before the event it tells of goes on.
	constructor({ journal, systemId = 'hotline', password = 'secret', window = 50, receipts = true } = {}) {
		super();
		Object.assign(this, { systemId, password, window, receipts });
		this.fd = journal ? fs.openSync(journal, 'a') : -1;
		this.waiting = [];           // deliveries not sent in this bind
		this.unanswered = new Map(); // by number: sent in this bind, no answer yet
		this.counts = { sent: 0, acknowledged: 0, refused: 0, again: 0, submitted: 0, binds: 0 };
		this.refusals = [];
		this.refuse = null;          // (number) => whether submits to it are refused
		this.stateOf = null;         // (number) => state of the receipt, '' = none comes
		this.submits = [];           // every whole text that was submitted: {to, from, text, at}
		this.pieces = new Map();
		this.number = 0;
		this.messageId = 0;
		this.bound = null;
		this.sessions = new Set();
	}

	listen(port = 0) {
		this.server = smpp.createServer({}, (session) => this.onSession(session));
		return new Promise((done, failed) => {
			this.server.on('error', failed);
			this.server.listen(port, '127.0.0.1', () => done(this.server.address().port));
		});
	}

	close() {
		this.closing = true;
		for (const session of this.sessions)
			session.destroy();
		this.server.close();
		if (this.fd >= 0)
			fs.closeSync(this.fd);
		this.fd = -1;
	}

	// Drops the bind without a word, as a cut line does.
	cut() {
		for (const session of this.sessions)
			session.destroy();
	}

	journal(row) {
		if (this.fd < 0)
			return;
		fs.writeSync(this.fd, JSON.stringify({ at: Date.now(), ...row }) + '\n');
		fs.fsyncSync(this.fd);
	}

	// A text from a phone; resolves when every part of it is acknowledged.
	async text({ from, to = '111', text, encoding = 'ucs2', ref = ++this.number }) {
		const parts = encodeText(text, encoding, ref);
		await Promise.all(parts.map((part) => this.deliver({ from, to, part })));
		return parts.length;
	}

	deliver({ from, to, part }) {
		return new Promise((done) => {
			this.waiting.push({ n: ++this.number, from, to, part, done, sends: 0 });
			this.pump();
		});
	}

	pump() {
		while (this.bound && this.waiting.length && this.unanswered.size < this.window) {
			if (!this.bound.socket.writable)
				return; // the bind is being lost: onClose() is next
			this.sendOne(this.bound, this.waiting.shift());
		}
	}

	sendOne(session, item) {
		const international = item.from.startsWith('+');
		if (item.sends++)
			this.counts.again++;
		this.counts.sent++;
		this.journal({ event: 'deliver', n: item.n, sends: item.sends, from: item.from });
		this.unanswered.set(item.n, item);
		const pdu = new smpp.PDU('deliver_sm', {
			source_addr_ton: international ? 1 : 0, source_addr_npi: 1,
			source_addr: item.from.replace('+', ''), dest_addr_ton: 0, dest_addr_npi: 1,
			destination_addr: item.to, esm_class: item.part.esm, data_coding: item.part.coding,
			short_message: item.part.body,
		});
		session.send(pdu, (answer) => this.onAnswer(session, item, answer.command_status));
	}

	onAnswer(session, item, status) {
		if (session !== this.bound || !this.unanswered.delete(item.n))
			return;
		this.journal({ event: 'answer', n: item.n, status });
		if (status === 0) {
			this.counts.acknowledged++;
			item.done();
		} else {
			this.counts.refused++;
			this.refusals.push({ n: item.n, from: item.from, status });
			setTimeout(() => { this.waiting.push(item); this.pump(); }, RETRY_MS);
		}
		this.pump();
	}

	onSession(session) {
		this.sessions.add(session);
		session.on('error', () => session.destroy());
		session.on('close', () => this.onClose(session));
		session.on('bind_transceiver', (pdu) => this.onBind(session, pdu));
		session.on('enquire_link', (pdu) => session.send(pdu.response()));
		session.on('unbind', (pdu) => {
			session.send(pdu.response());
			session.close();
		});
		session.on('submit_sm', (pdu) => this.onSubmit(session, pdu));
	}

	onBind(session, pdu) {
		if (pdu.system_id !== this.systemId || pdu.password !== this.password) {
			session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
			session.close();
			return;
		}
		this.counts.binds++;
		this.journal({ event: 'bound' });
		session.send(pdu.response({ system_id: 'carrier' }));
		this.bound = session;
		this.emit('bound');
		this.pump();
	}

	onClose(session) {
		this.sessions.delete(session);
		if (this.closing || session !== this.bound)
			return;
		this.bound = null;
		this.journal({ event: 'lost', unanswered: this.unanswered.size });
		this.waiting.unshift(...this.unanswered.values());
		this.unanswered.clear();
		this.emit('lost');
	}

	onSubmit(session, pdu) {
		const id = 'm' + ++this.messageId;
		const at = Date.now();
		const to = '+' + pdu.destination_addr.replace(/^\+/, '');
		if (this.refuse && this.refuse(to)) {
			session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
			return;
		}
		this.counts.submitted++;
		this.journal({ event: 'submit', id, to: pdu.destination_addr });
		session.send(pdu.response({ message_id: id }));
		const state = this.stateOf ? this.stateOf(to) : this.receipts ? 'DELIVRD' : '';
		if (state && (pdu.registered_delivery & 1))
			session.send(this.receipt(pdu, id, state));
		const text = this.whole(pdu);
		if (text === null)
			return;
		const row = { to, from: pdu.source_addr, text, at };
		this.submits.push(row);
		this.emit('submit', row);
	}

	receipt(pdu, id, state) {
		return new smpp.PDU('deliver_sm', {
			esm_class: ESM_RECEIPT, source_addr: pdu.destination_addr, source_addr_ton: 1,
			source_addr_npi: 1, destination_addr: pdu.source_addr, receipted_message_id: id,
			message_state: STATES[state], data_coding: 0, short_message: Buffer.from(`id:${id} sub:001 dlvrd:001 ` +
				`submit date:2601010000 done date:2601010000 stat:${state} err:000 text:`, 'latin1'),
		});
	}

	// The text once all its parts are there, else null.
	whole(pdu) {
		const short = pdu.short_message || {};
		const payload = pdu.message_payload || {};
		const text = String(payload.message || short.message || '');
		const header = (short.udh || []).find((ie) => ie[0] === 0 || ie[0] === 8);
		if (!header)
			return text;
		const [total, part] = [header[header.length - 2], header[header.length - 1]];
		const key = pdu.destination_addr + header.subarray(2, -2).toString('hex');
		const pieces = this.pieces.get(key) || new Map();
		pieces.set(part, text);
		this.pieces.set(key, pieces);
		if (pieces.size < total)
			return null;
		this.pieces.delete(key);
		return [...pieces.entries()].sort((a, b) => a[0] - b[0]).map((e) => e[1]).join('');
	}

	// The first submitted text that matches, now or later; rejects after ms.
	expect(match, ms, what) {
		const found = this.submits.find(match);
		if (found)
			return Promise.resolve(found);
		return new Promise((done, failed) => {
			const end = () => { clearTimeout(timer); this.off('submit', look); };
			const look = (row) => { if (match(row)) { end(); done(row); } };
			const timer = setTimeout(() => { end(); failed(new Error(`not within ${ms} ms: ${what}`)); }, ms);
			this.on('submit', look);
		});
	}
}

async function main() {
	const carrier = new Carrier({ journal: process.argv[3] });
	console.log('listening on port', await carrier.listen(+process.argv[2] || 2775), 'as', carrier.systemId);
	carrier.on('bound', () => console.log('bound'));
	carrier.on('lost', () => console.log('lost'));
	carrier.on('submit', (row) => console.log(`to ${row.to}: ${row.text}`));
	require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
		const words = /^(\S+) (.*)$/.exec(line);
		if (words)
			carrier.text({ from: words[1], text: words[2] }).then(() => console.log('acknowledged'));
	});
}

module.exports = { Carrier, encodeText };
if (require.main === module)
	main();
