// Rows 31 to 39, 50 and 51: the carrier and the wire to it.
'use strict';
const { sleep, OFFICERS } = require('../rig');
const { encodeText } = require('../../system/carrier');

const ENQUIRE_MS = 1000; // of the rig's configuration
const STORM = 10000;
const LONG = 'Tôi là giáo viên chủ nhiệm. Học sinh nữ lớp 7 vừa kể bị ông nội hiếp dâm tối qua, hiện em đang ở phòng y tế trường, sợ về nhà, nhà số ';

async function withWire(rig) {
	await rig.addCarrier();
	const wire = await rig.badWire('carrier');
	await rig.start();
	return wire;
}

const rebound = (rig, binds, ms) => rig.until(() => rig.carrier.counts.binds > binds, ms, 'bound again');

function pdu(command, sequence, body = Buffer.alloc(0), length = 16 + body.length) {
	const head = Buffer.alloc(16);
	head.writeUInt32BE(length, 0);
	head.writeUInt32BE(command, 4);
	head.writeUInt32BE(sequence, 12);
	return Buffer.concat([head, body]);
}

// What a carrier must not send: each a stretch of bytes.
function garbage(rig) {
	const noise = (n) => Buffer.from(Array.from({ length: n }, () => rig.between(0, 255)));
	return [
		() => pdu(0x00000115, 77),                         // unknown command
		() => pdu(0x80000004, 0x7fffff00),                 // answer to nothing
		() => pdu(0x80000000, 0),                          // generic_nack of nothing
		() => pdu(0x00000005, 78, noise(rig.between(1, 40))), // deliver_sm of noise
		() => pdu(0x00000005, 79, noise(rig.between(200, 900))),
		() => pdu(0x00000103, 80, noise(30)),              // data_sm of noise
		() => pdu(0x00000015, 81, noise(9)),               // enquire_link with a body
		() => pdu(0x00000005, 82, Buffer.alloc(0), 0x7fffffff), // huge length
		() => pdu(0x00000005, 83, Buffer.alloc(0), 3),     // impossible length
	];
}

module.exports = [
	{
		n: 31, title: 'Half-open connection', how: 'a wire that passes nothing more and closes nothing', rule: 'bound again within 4 enquiry intervals',
		async run(rig) {
			const wire = await withWire(rig);
			await rig.textsIn(4);
			const binds = rig.carrier.counts.binds;
			wire.holdThese();
			const { all } = await rig.texts(6);
			await rebound(rig, binds, 4 * ENQUIRE_MS + 2000);
			await all;
			return { answerMs: 8000, alertMs: 8000 };
		},
	},
	{
		n: 32, title: 'Latency and chopped streams', how: '150 ms each way in pieces of 7 octets to the carrier, slow wires to the stores',
		rule: 'nothing lost, no bind lost',
		async run(rig) {
			await rig.addCarrier();
			const [carrier, redis, postgres] = [await rig.badWire('carrier'), await rig.badWire('redis'), await rig.badWire('postgres')];
			await rig.start();
			const binds = rig.carrier.counts.binds;
			Object.assign(carrier, { delay: 150, chunk: 7 });
			redis.delay = 50;
			postgres.delay = 100;
			await rig.textsIn(12, 20000);
			await sleep(4000);
			const faults = rig.carrier.counts.binds > binds ? ['the bind was lost'] : [];
			carrier.heal();
			return { faults, alertMs: 8000, settleMs: 40000 };
		},
	},
	{
		n: 33, quick: true, title: 'Silence on enquire_link', how: 'the carrier answers none', rule: 'a new bind within two intervals',
		async run(rig) {
			await rig.start();
			await rig.textsIn(3);
			await sleep(1500);
			const lost = new Promise((done) => rig.carrier.once('lost', () => done(Date.now())));
			const began = Date.now();
			rig.carrier.deaf = true;
			const at = await Promise.race([lost, sleep(8000).then(() => Infinity)]);
			rig.carrier.deaf = false;
			await rig.until(() => rig.carrier.bound, 5000, 'bound again');
			await rig.textsIn(3);
			return { note: `given up after ${at - began} ms`, faults: at - began > 3 * ENQUIRE_MS + 500 ? [`given up after ${at - began} ms`] : [] };
		},
	},
	{
		n: 34, title: 'Bind refused', how: 'two binds refused, then the port closed for a while', rule: 'tries on, slower, at irregular moments',
		async run(rig) {
			await rig.start();
			await rig.textsIn(2);
			rig.carrier.refuseBinds = 2;
			const before = rig.carrier.bindTries.length;
			rig.carrier.cut();
			const { all } = await rig.texts(3);
			await rig.until(() => rig.carrier.bindTries.length >= before + 3, 40000, 'three tries');
			await all;
			const [a, b, c] = rig.carrier.bindTries.slice(before);
			return { note: `waited ${b - a} and ${c - b} ms`, answerMs: 60000, alertMs: 60000, faults: b - a < 500 ? ['it hammers'] : [] };
		},
	},
	{
		n: 35, title: 'Storm, the urgent one last', how: `${STORM} texts of as many people at the carrier's window, an urgent one last`, rule: 'alerted within 10 s of its acknowledgement',
		async run(rig) {
			if (rig.plain)
				rig.build = rig.plain;
			await rig.addCarrier('carrier', { window: 200 });
			await rig.start();
			const began = Date.now();
			const { all } = await rig.texts(STORM, { urgency: 'thap' });
			await rig.carrier.text({ from: rig.sender(), text: rig.words('khan_cap') });
			const urgent = Date.now();
			await rig.until(() => OFFICERS.every((to) => rig.carrier.submits.some((s) => s.to === to && s.text.includes('KHAN CAP'))), 30000, 'the urgent alert')
				.catch(() => {});
			const told = Date.now() - urgent;
			await all;
			await rig.until(() => rig.status().then((s) => s && !s.spool.pending && !s.filing.waiting && !rig.queued()), 200000, 'all is filed', 1000);
			return { note: `urgent alert after ${told} ms, ${Math.round((STORM * 1000) / (urgent - began))} texts/s in`, alertMs: 10000, settled: true };
		},
	},
	{
		n: 36, quick: true, title: 'Answer lost, delivered again', how: 'the wire is cut when our answer passes; the carrier delivers again with a new number', rule: 'one report, and an answer counts once',
		async run(rig) {
			const wire = await withWire(rig);
			const cutNext = () => {
				wire.look = (up, bytes) => {
					if (!up || !bytes.includes(Buffer.from([0x80, 0, 0, 5])))
						return undefined;
					wire.look = null;
					return 'cut';
				};
			};
			const senders = [];
			for (let i = 0; i < 3; i++) {
				const from = rig.sender();
				senders.push(from);
				cutNext();
				await rig.carrier.text({ from, text: rig.words() });
				await rig.until(() => rig.carrier.submits.some((s) => s.to === from), 5000, 'a question');
				cutNext();
				await rig.carrier.text({ from, text: '1', encoding: 'gsm7', expect: 'turn' });
			}
			const answers = () => +rig.sql("select count(*) from messages where disposition = 'answer'")[0][0];
			await rig.until(() => answers() >= senders.length, 5000, 'x').catch(() => {});
			await sleep(500);
			const counted = answers();
			return { note: `${rig.carrier.counts.again} delivered again`,
				faults: counted === senders.length ? [] : [`${counted} answers were counted of ${senders.length}`] };
		},
	},
	{
		n: 37, title: 'Broken PDUs', how: '60 truncated, huge, unknown and noisy PDUs', rule: 'the link survives or comes back; texts go on',
		async run(rig) {
			await rig.start();
			const kinds = garbage(rig);
			for (let i = 0; i < 60; i++) {
				await rig.until(() => rig.carrier.bound, 8000, 'bound');
				rig.carrier.raw(rig.pick(kinds)());
				if (i % 10 === 9)
					await rig.textsIn(1);
			}
			await rig.textsIn(3, 20000);
			return { alertMs: 10000, answerMs: 15000 };
		},
	},
	{
		n: 38, title: 'Odd bodies', how: 'sm_length 0 with UDHI, empty texts, a long message_payload, both bodies', rule: 'each delivery is on record, the long text is whole',
		async run(rig) {
			await rig.start();
			const long = Buffer.from(LONG.repeat(5) + '7', 'utf16le').swap16();
			const from = rig.sender();
			const c = rig.carrier;
			await Promise.all([
				c.one({ from: rig.sender(), expect: 'any', part: { esm: 0x40 } }),
				c.one({ from: rig.sender(), expect: 'any', part: {} }),
				c.one({ from: rig.sender(), expect: 'any', part: { coding: 4, body: Buffer.from([0, 1, 2, 255]) } }),
				c.one({ from: rig.sender(), expect: 'any', part: { esm: 0x40, body: Buffer.from([5, 0, 3]) } }),
				c.one({ from, expect: 'report', part: { payload: long } }),
			]);
			await rig.textsIn(2);
			return {};
		},
	},
	{
		n: 39, title: 'Parts', how: 'backwards, twice, over two binds, a used reference, one missing', rule: 'each text is one report, the incomplete one too',
		async run(rig) {
			rig.useShim();
			await rig.addCarrier();
			const second = await rig.addCarrier('second');
			await rig.start();
			await rig.until(() => second.bound, 5000, 'the second link is bound');
			const c = rig.carrier;
			const text = () => LONG + ++rig.senders;
			const [a, b, d, e, f] = Array.from({ length: 5 }, () => rig.sender());
			await c.text({ from: a, text: text(), order: (parts) => [...parts].reverse() });
			await c.text({ from: b, text: text(), order: (parts) => [...parts, parts[0]] });
			const split = encodeText(text(), 'ucs2', 77);
			await Promise.all(split.map((part, i) => (i % 2 ? second : c).one({ from: d, expect: 'report', part })));
			await c.text({ from: e, text: text(), ref: 9 });
			await c.text({ from: e, text: text(), ref: 9, expect: 'turn' });
			const missing = encodeText(text(), 'ucs2', 88).slice(0, -1);
			await Promise.all(missing.map((part) => c.one({ from: f, expect: 'report', part })));
			await sleep(500);
			rig.shim('boot_s', 70); // the wait for a missing part
			await rig.textsIn(2);
			return {};
		},
	},
	{
		n: 50, quick: true, title: 'Senders that are no numbers', how: 'names, short codes, nothing, nonsense', rule: 'filed, never answered',
		async run(rig) {
			await rig.start();
			const names = [['VIETTEL', 5], ['', 0], ['1414', 3], ['8088', 0], ['00000000000000000000', 1], ['12;drop', 5]];
			for (const [name, ton] of names)
				await rig.carrier.one({ from: name, expect: 'alone', part: { body: Buffer.from('Trúng thưởng rồi, gọi ngay', 'utf16le').swap16(),
					pdu: { source_addr: name, source_addr_ton: ton } } });
			await rig.until(() => +rig.sql('select count(*) from messages')[0][0] >= names.length, 5000, 'each is on record')
				.catch((error) => { rig.missing = error.message; });
			const answered = rig.carrier.submits.filter((s) => names.some(([name]) => s.to === '+' + name));
			return { faults: [...rig.missing ? [rig.missing] : [], ...answered.map((s) => `answered ${s.to.length} characters`)] };
		},
	},
	{
		n: 51, title: 'Counters wrap', how: "the carrier's sequence numbers over 2^31, 40 two-part texts of one person over reference 255", rule: 'nothing refused, nothing mixed',
		async run(rig) {
			await rig.start();
			rig.carrier.bound.sequence = 0x7ffffff0;
			await rig.textsIn(30);
			const from = rig.sender();
			const words = Array.from({ length: 40 }, (_, i) => `${LONG}${i}, ${'thêm chi tiết '.repeat(2)}`);
			for (const [i, text] of words.entries())
				await rig.carrier.text({ from, text, ref: 230 + i, expect: 'any' });
			await rig.until(() => +rig.sql("select count(*) from messages where parts > 1")[0][0] >= 40, 10000, 'forty whole texts')
				.catch((error) => { rig.missing = error.message; });
			return { faults: rig.missing ? [rig.missing] : [] };
		},
	},
];
