// Rows 40, 42 to 46, 49: officers, their phones and their flows.
'use strict';
const fs = require('fs');
const net = require('net');
const path = require('path');
const { sleep, sh, SRC, OFFICERS } = require('../rig');

const bare = (number) => number.replace('+', '');
const alertsTo = (rig, to, from = 0) => rig.carrier.submits.slice(from).filter((s) => s.to === to);

async function oneCase(rig) {
	const from = rig.sender();
	await rig.carrier.text({ from, text: rig.words() });
	return rig.until(() => {
		const row = rig.sql('select ref from cases order by opened_at desc limit 1')[0];
		return row && OFFICERS.every((to) => rig.codeFor(to, row[0])) && row[0];
	}, 8000, 'both officers are told');
}

// A client that sends its header slowly, half a body, or noise, and then waits.
function badClient(rig, i) {
	const head = 'POST /web/sms HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n';
	const kinds = [[head, 'X-A: 1\r\n'], [head + 'Content-Length: 500\r\n\r\nfrom=%2B84'], ['\0\x16\x03 noise\r\n'], ['P', 'O', 'S', 'T']];
	return new Promise((done) => {
		const socket = net.connect(rig.webPort, '127.0.0.1');
		const pieces = [...kinds[i % kinds.length]];
		const timer = setInterval(() => (pieces.length && !socket.destroyed ? socket.write(pieces.shift()) : clearInterval(timer)), 300);
		socket.on('data', () => {});
		socket.on('error', () => {});
		socket.on('connect', () => done(socket));
		socket.on('close', () => done(socket));
	});
}

const acked = (rig, ref) => rig.sql(`select coalesce(ack_by, ''), closed_at is null from cases where ref = '${ref}'`)[0];

module.exports = [
	{
		n: 40, quick: true, title: 'Slow and broken HTTP clients', how: 'forty slow, half and resetting clients beside genuine texts, each also twice',
		rule: 'genuine texts are kept, at worst refused with 503',
		async run(rig) {
			await rig.start();
			const clients = Array.from({ length: 40 }, (_, i) => badClient(rig, i));
			const sent = Array.from({ length: 8 }, () => ({ from: rig.sender(), text: rig.words() }));
			await Promise.all(sent.map(({ from, text }) => rig.webText(from, text)));
			await rig.dial();
			await sleep(2500);
			const open = (await Promise.all(clients)).filter((socket) => !socket.destroyed).length;
			(await Promise.all(clients)).forEach((socket) => socket.destroy());
			await rig.textsIn(2);
			return { note: `${open} slow clients still connected`, faults: open ? [`${open} slow clients still connected`] : [] };
		},
	},
	{
		n: 42, quick: true, title: 'Crash between alert and record', how: 'kill -9 at the moment the officer\'s SMS is submitted', rule: 'the same notice, with the same code, again',
		async run(rig) {
			await rig.start();
			let killed = false;
			rig.carrier.onSubmitTry = (pdu) => {
				if (!killed && pdu.destination_addr.endsWith(bare(OFFICERS[0]))) {
					killed = true;
					process.kill(rig.pid(), 'SIGKILL');
				}
			};
			const { all } = await rig.texts(1);
			await rig.until(() => killed, 8000, 'an alert');
			await rig.processes.get('hotlined').gone;
			await rig.startDaemon();
			await all;
			await rig.until(() => rig.status().then((s) => s && s.postgres === 'up'), 5000, 'PostgreSQL is up');
			await sleep(500);
			rig.advance(100);
			await rig.until(() => alertsTo(rig, OFFICERS[0]).length > 1, 8000, 'the notice again').catch(() => {});
			const texts = new Set(alertsTo(rig, OFFICERS[0]).map((s) => s.text));
			const faults = alertsTo(rig, OFFICERS[0]).length < 2 ? ['it was not sent again'] : [];
			return { faults: texts.size > 1 ? [...faults, `${texts.size} different notices`] : faults };
		},
	},
	{
		n: 43, title: 'Alert refused, no receipt', how: 'the carrier refuses both officers twice for good, then sends no receipts', rule: 'the next step comes at once, somebody is told',
		async run(rig) {
			await rig.addCarrier('carrier', { receipts: false });
			await rig.start();
			let refusals = 0;
			rig.carrier.onSubmitTry = (pdu) => OFFICERS.some((to) => pdu.destination_addr.endsWith(bare(to))) && refusals++ < 4 ? 0x0b : undefined;
			const { all } = await rig.texts(1);
			await all;
			await rig.until(() => refusals >= 2, 8000, 'two refusals');
			await sleep(1000);
			rig.advance(61); // the ladder goes round at most once a minute
			await rig.until(() => refusals >= 4, 8000, 'two more').catch(() => {});
			await sleep(1000);
			rig.advance(61);
			await rig.until(() => OFFICERS.every((to) => alertsTo(rig, to).length), 8000, 'both officers are told').catch(() => {});
			return { alertMs: 20000, note: `${refusals} refusals` };
		},
	},
	{
		n: 44, quick: true, title: 'Two acknowledge together', how: 'both officers answer in the same moment, six cases', rule: 'one holds it, both are told',
		async run(rig) {
			await rig.start();
			const faults = [];
			for (let i = 0; i < 6; i++) {
				const ref = await oneCase(rig);
				const before = rig.carrier.submits.length;
				await Promise.all(OFFICERS.map((to) => rig.carrier.text({ from: to, text: `NHAN ${rig.codeFor(to, ref)}`, encoding: 'gsm7', expect: 'officer' })));
				const told = await rig.until(() => OFFICERS.every((to) => alertsTo(rig, to, before).some((s) => s.text.includes(ref))), 5000, 'both are told').catch(() => false);
				const results = rig.sql(`select result from inbound_acks where case_ref = '${ref}' order by 1`).map(String);
				if (!told)
					faults.push('not both were told');
				if (results.join() !== 'acked,taken')
					faults.push(`results ${results.join()}`);
			}
			return { faults };
		},
	},
	{
		n: 45, quick: true, title: 'Forged acknowledgement', how: 'the right code from a stranger, six wrong codes from an officer', rule: 'the timer runs',
		async run(rig) {
			await rig.start();
			const ref = await oneCase(rig);
			const code = rig.codeFor(OFFICERS[0], ref);
			const stranger = rig.sender();
			await rig.carrier.text({ from: stranger, text: `NHAN ${code}`, encoding: 'gsm7', expect: 'any' });
			for (let i = 0; i < 6; i++)
				await rig.carrier.text({ from: OFFICERS[1], text: `NHAN ${String((+code + 111111 * (i + 1)) % 1000000).padStart(6, '0')}`, encoding: 'gsm7', expect: 'officer' });
			await sleep(1500);
			const faults = acked(rig, ref)[0] ? ['the case was acknowledged'] : [];
			rig.advance(301);
			const before = rig.carrier.submits.length;
			await rig.until(() => OFFICERS.every((to) => alertsTo(rig, to, before).some((s) => s.text.includes(ref))), 8000, 'the next round')
				.catch(() => faults.push('the timer did not fire'));
			return { faults };
		},
	},
	{
		n: 46, title: 'Bad flow on SIGHUP', how: 'a broken flow file, an empty folder, then the good one', rule: 'the old flow goes on',
		async run(rig) {
			sh('cp', ['-a', path.join(SRC, 'flows/hotline'), rig.at('flows')]);
			rig.settings.flows = rig.at('flows');
			await rig.start();
			const version = (await rig.status()).flow.version;
			const file = fs.readdirSync(rig.at('flows')).filter((name) => /\.ya?ml$/.test(name))[0];
			const good = fs.readFileSync(rig.at('flows', file));
			const faults = [];
			for (const bad of ['states: [', 'hello: world\n', good.toString().replace(/goto|next|to:/, 'nowhere_at_all')]) {
				fs.writeFileSync(rig.at('flows', file), bad);
				rig.signal('hotlined', 'SIGHUP');
				await rig.textsIn(3);
				const status = await rig.status();
				if (!status || status.flow.version !== version)
					faults.push('the flow changed');
			}
			fs.writeFileSync(rig.at('flows', file), good);
			rig.signal('hotlined', 'SIGHUP');
			await rig.textsIn(3);
			if (!/not reloaded/.test(rig.logText()))
				faults.push('nothing was said');
			return { faults };
		},
	},
	{
		n: 49, title: 'Nobody on the roster', how: 'every officer disabled while reports come, then enabled', rule: 'loud at once, told when somebody is there',
		async run(rig) {
			await rig.start();
			rig.sql('update officers set disabled = true');
			rig.signal('hotlined', 'SIGHUP');
			await rig.textsIn(3);
			await sleep(2000);
			const faults = /NOBODY/.test(rig.logText()) ? [] : ['nobody is said to be on call, in no log'];
			rig.sql('update officers set disabled = false');
			rig.signal('hotlined', 'SIGHUP');
			rig.advance(61);
			return { faults, alertMs: 20000 };
		},
	},
];
