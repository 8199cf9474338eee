// The carrier itself, against a client that loses its bind: what was not acknowledged comes again, nothing
// that was acknowledged does, a refusal is retried, and long texts split as handsets split them.
'use strict';
const path = require('path');
const smpp = require(require.resolve('smpp', { paths: [path.resolve(__dirname, '../../.build/node')] }));
const { Carrier, encodeText } = require('./carrier');
const { tap } = require('./world');

const TEXTS = 40, WINDOW = 8;

// Binds and answers deliveries as `answer` says (a status, or null for silence).
function client(port, answer) {
	const session = smpp.connect({ host: '127.0.0.1', port });
	session.on('error', () => {});
	session.on('connect', () => session.bind_transceiver({ system_id: 'hotline', password: 'secret' }));
	session.on('deliver_sm', (pdu) => {
		const status = answer(pdu);
		if (status !== null)
			session.send(pdu.response({ command_status: status }));
	});
	return session;
}

async function redelivery() {
	const carrier = new Carrier({ window: WINDOW });
	const port = await carrier.listen();
	const seen = new Map();
	const acknowledged = new Set();
	let most = 0, refused = false;
	const take = (pdu, silent) => {
		seen.set(pdu.source_addr, (seen.get(pdu.source_addr) || 0) + 1);
		most = Math.max(most, carrier.unanswered.size);
		if (silent && seen.size > TEXTS / 2)
			return null;
		if (!refused) {
			refused = true;
			return smpp.ESME_RMSGQFUL;
		}
		acknowledged.add(pdu.source_addr);
		return 0;
	};
	const first = client(port, (pdu) => take(pdu, true));
	const all = Promise.all([...Array(TEXTS).keys()].map((i) =>
		carrier.text({ from: '+8490000' + i, text: 'xin chào' })));
	while (seen.size < TEXTS / 2 + WINDOW)
		await new Promise((done) => setTimeout(done, 10));
	const before = new Map(seen), settled = new Set(acknowledged);
	first.destroy();
	const second = client(port, (pdu) => take(pdu, false));
	await all;
	tap.ok(seen.size === TEXTS && carrier.counts.acknowledged === TEXTS, 'every text is acknowledged in the end');
	tap.ok(carrier.counts.again >= WINDOW, 'what was unanswered when the bind was lost comes again');
	tap.ok([...settled].every((from) => seen.get(from) === before.get(from)), 'what was acknowledged does not');
	tap.ok(carrier.counts.refused === 1 && carrier.refusals.length === 1, 'a refusal is retried and counted');
	tap.ok(most <= WINDOW, 'the window is kept');
	second.destroy();
	carrier.close();
}

function splitting() {
	const parts = encodeText('€'.repeat(100), 'gsm7', 7);
	tap.ok(parts.length === 2 && parts[0].body.length === 6 + 152, 'an escape pair is not torn apart');
	const pairs = encodeText('😀'.repeat(40), 'ucs2', 7);
	tap.ok(pairs.length === 2 && pairs[0].body.length === 6 + 132, 'nor is a surrogate pair');
	tap.ok(encodeText('á'.repeat(70), 'ucs2', 7).length === 1 && encodeText('a'.repeat(160), 'gsm7', 7).length === 1,
		'a text that fits goes in one part');
}

redelivery().then(splitting).then(() => {
	console.log(`1..${tap.count}`);
	process.exit(tap.failed ? 1 : 0);
});
