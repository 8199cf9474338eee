// The carrier of the fault suite: the system tests' SMSC with a ledger and with bad manners on request.
// Every line of the ledger is synced before the event it tells of goes on:
//   text     a phone hands a text in: {text, from, expect, ns} with the numbers of its parts
//   deliver  a part goes out: {n, sends}
//   answer   it is answered: {n, status}; 0 is the promise
//   submit   a text of the daemon came in: {id, to}; whole: all its parts are there: {to, text}
//   refused  one was refused: {to, status}
//   bound, lost
'use strict';
const { Carrier, encodeText } = require('../system/carrier');

class LedgerCarrier extends Carrier {
	// numbers: {text, part} counters shared by the carriers of one ledger.
	constructor(options) {
		super(options);
		Object.assign(this, { deaf: false, refuseBinds: 0, bindTries: [], onSubmitTry: null, open: 0 });
		this.numbers = options.numbers;
		this.on('submit', (row) => this.journal({ event: 'whole', to: row.to, text: row.text }));
	}

	// expect: what must come of it: 'report' (opens one), 'turn' (goes on in one), 'officer' (a command),
	// 'alone' (filed, of nobody), 'any' (on record). Resolves when every part is acknowledged.
	text({ from, to = '111', text, encoding = 'ucs2', ref, expect = 'report', order = (parts) => parts }) {
		const id = ++this.numbers.text;
		const parts = order(encodeText(text, encoding, ref === undefined ? id : ref));
		const before = this.number;
		this.journal({ event: 'text', text: id, from, expect,
			ns: parts.map((part, i) => `${this.name}${before + i + 1}`) });
		return Promise.all(parts.map((part) => this.deliver({ from, to, part })));
	}

	// open: deliveries without an OK so far.
	deliver(item) {
		this.open++;
		return super.deliver(item).then(() => { this.open--; });
	}

	// A row as it is: of somebody else who delivers.
	ledger(row) {
		super.journal(row);
	}

	journal(row) {
		super.journal(row.n === undefined ? row : { ...row, n: `${this.name}${row.n}` });
	}

	onSession(session) {
		super.onSession(session);
		session.removeAllListeners('enquire_link');
		session.on('enquire_link', (pdu) => this.deaf || session.send(pdu.response()));
	}

	onBind(session, pdu) {
		this.bindTries.push(Date.now());
		if (this.refuseBinds > 0) {
			this.refuseBinds--;
			session.send(pdu.response({ command_status: 0x0d }));
			session.close();
			return;
		}
		if (this.bound)
			this.abandon();
		super.onBind(session, pdu);
	}

	// A new bind while the old one still seems to live: what that one left unanswered goes out again.
	abandon() {
		const old = this.bound;
		this.bound = null;
		this.waiting.unshift(...this.unanswered.values());
		this.unanswered.clear();
		old.destroy();
	}

	// A part may say how it looks: ton, payload (as message_payload), pdu (fields over all others).
	sendOne(session, item) {
		if (!item.part.payload && !item.part.pdu) {
			super.sendOne(session, item);
			return;
		}
		const send = session.send.bind(session);
		session.send = (pdu, done) => {
			if (item.part.payload) {
				pdu.short_message = Buffer.alloc(0);
				pdu.message_payload = item.part.payload;
			}
			send(Object.assign(pdu, item.part.pdu || {}), done);
		};
		super.sendOne(session, item);
		session.send = send;
	}

	// One delivery as it is given: {body, coding, esm, payload, pdu}.
	one({ from, to = '111', expect = 'turn', part }) {
		const id = ++this.numbers.text;
		this.journal({ event: 'text', text: id, from, expect, ns: [`${this.name}${this.number + 1}`] });
		return this.deliver({ from, to, part: { coding: 8, esm: 0, body: Buffer.alloc(0), ...part } });
	}

	// onSubmitTry(pdu): a status to refuse it with, 'silent' for no answer, or nothing.
	onSubmit(session, pdu) {
		const verdict = this.onSubmitTry ? this.onSubmitTry(pdu) : undefined;
		if (verdict === undefined) {
			super.onSubmit(session, pdu);
			return;
		}
		this.journal({ event: 'refused', to: '+' + pdu.destination_addr.replace(/^\+/, ''), status: verdict });
		if (verdict !== 'silent')
			session.send(pdu.response({ command_status: verdict }));
	}

	// Bytes as they are, on the bind there is.
	raw(bytes) {
		this.bound.socket.write(bytes);
	}
}

module.exports = { LedgerCarrier };
