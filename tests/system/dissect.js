// Every PDU that hotlined sends is read by tshark's dissector without a warning: texts of every coding, in
// parts, alerts, answers to whatever a carrier sends, binds of every kind. Skipped where there is no tshark.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const smpp = require(require.resolve('smpp', { paths: [path.resolve(__dirname, '../../.build/node')] }));
const { tap, test } = require('./world');

const CHILD = '+84912345678';
const STORY = 'Ba say rượu cầm dao rượt mẹ con con, nhà ở thôn 3 xã Bom Bo';
const SOON_MS = 8000, PORT = 2775;

// A carrier that takes every bind, keeps the octets it is sent, and answers with what must be answered.
class Listener {
	constructor() { this.streams = []; this.sessions = []; this.submits = 0; }

	async listen() {
		this.server = smpp.createServer({}, (session) => this.onSession(session));
		await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
		return this.server.address().port;
	}

	onSession(session) {
		const stream = [];
		this.streams.push(stream);
		this.sessions.push(session);
		session.socket.prependListener('data', (data) => stream.push(Buffer.from(data)));
		session.on('error', () => {});
		for (const bind of ['bind_transceiver', 'bind_receiver', 'bind_transmitter'])
			session.on(bind, (pdu) => { session.kind = bind; session.send(pdu.response({ system_id: 'x' })); });
		session.on('enquire_link', (pdu) => session.send(pdu.response()));
		session.on('submit_sm', (pdu) => { this.submits++; session.send(pdu.response({ message_id: 'm' + this.submits })); });
		session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
	}

	of(kind) { return this.sessions.find((session) => session.kind === kind && session.socket.writable); }

	// Everything received, one PDU each.
	pdus() {
		const all = [];
		for (const stream of this.streams) {
			const octets = Buffer.concat(stream);
			for (let at = 0; at + 16 <= octets.length;) {
				const length = octets.readUInt32BE(at);
				all.push(octets.subarray(at, at + length));
				at += length;
			}
		}
		return all;
	}
}

function talk(session) {
	const deliver = (more) => session.send(new smpp.PDU('deliver_sm', { source_addr_ton: 1, source_addr_npi: 1,
		source_addr: CHILD.slice(1), destination_addr: '111', data_coding: 8, short_message: Buffer.from(STORY, 'utf16le').swap16(), ...more }));
	deliver({});
	session.send(new smpp.PDU('data_sm', { source_addr: CHILD.slice(1), destination_addr: '111', data_coding: 0,
		message_payload: Buffer.from('HELP') }));
	session.send(new smpp.PDU('query_sm', { message_id: '1', source_addr: '1' }));
	session.send(new smpp.PDU('enquire_link', {}));
	session.socket.write(Buffer.from('0000001800000005000000000000002161626364'.padEnd(48, '65'), 'hex')); // undecodable
}

function dissect(pdus, dir) {
	const dump = path.join(dir, 'pdus.txt'), capture = path.join(dir, 'pdus.pcap');
	fs.writeFileSync(dump, pdus.map((pdu) => '000000 ' + pdu.toString('hex').replace(/../g, '$& ') + '\n').join('\n'));
	const made = spawnSync('text2pcap', ['-q', '-T', `40000,${PORT}`, dump, capture]);
	if (made.status !== 0)
		throw new Error(String(made.stderr));
	const ask = (filter, fields) => {
		const args = ['-r', capture, '-d', `tcp.port==${PORT},smpp`, '-o', 'tcp.desegment_tcp_streams:FALSE', '-o', 'tcp.analyze_sequence_numbers:FALSE',
			'-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
		const { status, stdout, stderr } = spawnSync('tshark', args);
		if (status !== 0)
			throw new Error(String(stderr));
		return String(stdout).trim().split('\n').filter(Boolean);
	};
	return {
		known: ask('smpp', ['smpp.command_id']),
		faults: ask('smpp && (_ws.malformed || _ws.expert.severity >= 0x600000)', ['smpp.command_id', '_ws.expert.message']),
	};
}

if (spawnSync('tshark', ['--version']).status !== 0) {
	console.log('ok 1 - every PDU passes a dissector # SKIP there is no tshark on this machine');
	console.log('1..1');
	process.exit(0);
}

test({}, async (world) => {
	const listener = new Listener();
	const port = await listener.listen();
	const file = path.join(world.dir, 'hotlined.yaml');
	const before = fs.readFileSync(file, 'utf8');
	const settings = `adapter: smpp, host: 127.0.0.1, port: ${port}, system_id: h, password_file: keys/smpp-carrier.password, enquire_link: 1s`;
	const write = (links) => fs.writeFileSync(file, before.replace('links:\n', 'links:\n' +
		links.map((link) => `  - {name: ${link.name}, ${settings}, ${link.more}}\n`).join('')));
	try {
		write([{ name: 'both', more: 'priority: 1, latin1: yes, short_codes: ["111"], system_type: HL' },
			{ name: 'two', more: 'bind: pair, ref_bits: 16, source: DUONGDAY111, service_type: CMT' }]);
		await world.ctl(['reload']);
		await world.until(() => listener.of('bind_transceiver') && listener.of('bind_receiver') && listener.of('bind_transmitter'), SOON_MS);
		talk(listener.of('bind_transceiver'));
		talk(listener.of('bind_receiver'));
		await world.until(() => listener.submits >= 3, SOON_MS);
		await new Promise((done) => setTimeout(done, 1500)); // an enquire_link of ours
		listener.of('bind_transmitter').send(new smpp.PDU('unbind', {}));
		write([]);
		await world.ctl(['reload']);
		await world.until(() => !listener.of('bind_transceiver'), SOON_MS);
		const pdus = listener.pdus();
		const { known, faults } = dissect(pdus, world.journal);
		const kinds = new Set(known.map((id) => parseInt(id, 16) >>> 0));
		tap.ok(known.length === pdus.length && pdus.length > 20, `tshark reads all ${pdus.length} PDUs`, `${known.length}`);
		tap.ok(faults.length === 0, 'without a warning', faults.join('\n'));
		for (const [name, id] of Object.entries({ bind_receiver: 1, bind_transmitter: 2, bind_transceiver: 9, submit_sm: 4, unbind: 6, enquire_link: 0x15,
			generic_nack: 0x80000000, deliver_sm_resp: 0x80000005, data_sm_resp: 0x80000103, enquire_link_resp: 0x80000015, unbind_resp: 0x80000006 }))
			tap.ok(kinds.has(id), `${name} was among them`);
	} finally {
		listener.server.close();
	}
});
