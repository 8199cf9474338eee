// Callers with bad intentions, or bad lines, at the webhooks: slow, half, doubled, forged, replayed and too
// many. All are refused or harmless, genuine texts get through meanwhile, and only they are filed. Prints a
// table of what was tried.
'use strict';
const crypto = require('crypto');
const net = require('net');
const path = require('path');
const { tap, test, freePort, sleep, SRC } = require('./world');

const SECRET = 'a-long-shared-secret';
const DEADLINE_MS = 1500, PER_ADDRESS = 24, SOON_MS = 8000, SLOW = 12;
const STORY = 'cuu con voi, ba dang danh me con o xa Bom Bo';
const rows = []; // of the table: [attack, tries, answers]

let nonces = 0;
function signed({ body, target = '/in/sms', at = Math.floor(Date.now() / 1000), nonce = `nonce-${process.pid}-${++nonces}`,
	secret = SECRET, method = 'POST' }) {
	const signature = crypto.createHmac('sha256', secret).update(`${at}\n${nonce}\n${method}\n${target}\n${body}`).digest('hex');
	return `${method} ${target} HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
		`Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Hotline-Time: ${at}\r\n` +
		`X-Hotline-Nonce: ${nonce}\r\nX-Hotline-Signature: ${signature}\r\n\r\n${body}`;
}

const form = (number, id, text = STORY) => new URLSearchParams({ from: number, to: '111', text, id }).toString();

// Writes the pieces, so many ms apart, and resolves with the status, or 0 when the connection just ended.
function call(port, pieces, every = 0, limit = 10000) {
	return new Promise((done) => {
		const socket = net.connect(port, '127.0.0.1');
		let got = '', ended = false, began = Date.now();
		const finish = () => {
			if (ended)
				return;
			ended = true;
			socket.destroy();
			const status = /^HTTP\/1\.1 (\d+)/.exec(got);
			done({ status: status ? +status[1] : 0, ms: Date.now() - began });
		};
		socket.on('data', (data) => { got += data; });
		socket.on('error', finish);
		socket.on('close', finish);
		setTimeout(finish, limit);
		socket.on('connect', async () => {
			began = Date.now(); // a full backlog is the kernel's time, not ours
			for (const piece of [].concat(pieces)) {
				if (ended)
					return;
				if (piece === null)
					socket.destroy();
				else
					socket.write(piece);
				if (every)
					await sleep(every);
			}
		});
	});
}

// Runs tries calls at once and notes what they were answered.
async function attack(name, tries, one) {
	const answers = await Promise.all(Array.from({ length: tries }, (_, i) => one(i)));
	const counted = {};
	for (const answer of answers)
		counted[answer.status || 'cut'] = (counted[answer.status || 'cut'] || 0) + 1;
	rows.push([name, tries, Object.entries(counted).map(([status, n]) => `${status}: ${n}`).join(', ')]);
	return answers;
}

const all = (answers, ...statuses) => answers.every((answer) => statuses.includes(answer.status));

async function before(world) {
	world.web = await freePort();
	world.links([`- {name: in, adapter: http, profile: ${path.join(SRC, 'adapters/http/profiles/generic.yaml')}, path: /in,`,
		`   listen: "127.0.0.1:${world.web}", short_codes: ["111"], auth: hmac, auth_file: ${world.secret('in', SECRET)},`,
		`   deadline: ${DEADLINE_MS}ms, per_address: ${PER_ADDRESS}}`]);
}

async function forged(world, send) {
	const body = form('+84955000001', 'f');
	let answers = await attack('no signature', 20, () => send(`POST /in/sms HTTP/1.1\r\nHost: h\r\nConnection: close\r\n` +
		`Content-Length: ${body.length}\r\n\r\n${body}`));
	tap.ok(all(answers, 401), 'a request without a signature is refused');
	answers = await attack('signed with another secret', 20, () => send(signed({ body, secret: 'guess' })));
	tap.ok(all(answers, 401), 'a request signed with another secret is refused');
	answers = await attack('body changed on the way', 20, () => send(signed({ body }).replace('from=%2B84955', 'from=%2B84956')));
	tap.ok(all(answers, 401), 'a request whose body was changed is refused');
	answers = await attack('signature of another path', 20, () => send(signed({ body, target: '/in/sms?' }).replace('/in/sms?', '/in/sms')));
	tap.ok(all(answers, 401), 'a signature is good for its own target only');
	const now = Math.floor(Date.now() / 1000);
	answers = await attack('signed six minutes ago or ahead', 20, (i) => send(signed({ body, at: now + (i % 2 ? 360 : -360) })));
	tap.ok(all(answers, 401), 'a signature out of its window is refused');
}

async function replayed(world, send) {
	const genuine = signed({ body: form('+84955000002', 'replay') });
	tap.ok((await send(genuine)).status === 200, 'a signed text is received');
	const answers = await attack('the same request again', 20, () => send(genuine));
	tap.ok(all(answers, 401), 'the same request again is refused');
	const retried = await attack('the same message, signed anew', 5, () => send(signed({ body: form('+84955000002', 'replay') })));
	tap.ok(all(retried, 200), 'a message that its provider delivers again is taken');
	const reports = await world.until(async () => {
		const found = await world.list('reports', '+84955000002');
		return found.length ? found : null;
	}, SOON_MS);
	await sleep(1000);
	tap.ok(reports && (await world.list('reports', '+84955000002')).length === 1, 'and is one report');
}

async function malformed(send) {
	const body = form('+84955000003', 'm');
	const twice = signed({ body }).replace('Content-Length:', `Content-Length: ${body.length}\r\nContent-Length:`);
	tap.ok(all(await attack('two Content-Length', 20, () => send(twice)), 400), 'two Content-Length are refused');
	const both = signed({ body }).replace('Content-Length:', 'Transfer-Encoding: chunked\r\nContent-Length:');
	tap.ok(all(await attack('Content-Length and chunked', 20, () => send(both)), 400), 'Content-Length beside chunked is refused');
	const plus = signed({ body }).replace('Content-Length: ', 'Content-Length: +');
	tap.ok(all(await attack('Content-Length: +N', 20, () => send(plus)), 400), 'a sign in Content-Length is refused');
	const big = `POST /in/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n`;
	tap.ok(all(await attack('a body of 100 MB announced', 20, () => send(big)), 413), 'a huge body is refused before it comes');
	const long = 'GET /in/' + 'a'.repeat(70000);
	tap.ok(all(await attack('a line without end', 10, () => send(long)), 431, 0), 'a line without end is refused');
	tap.ok(all(await attack('noise', 20, () => send(crypto.randomBytes(3000))), 400, 431, 0), 'noise is refused');
}

async function slow(world, send) {
	const trickle = ['GET /in/sms HTTP/1.1\r\nHost: h\r\n', ...Array(40).fill('A: b\r\n')];
	const whole = signed({ body: form('+84955000004', 's') });
	const half = whole.slice(0, whole.length - 20);
	const drips = [half, ...Array(20).fill('x')];
	const attacks = [
		attack('a header every 200 ms', SLOW / 2, () => call(world.web, trickle, 200)),
		attack('a body octet every 200 ms', SLOW / 2, () => call(world.web, drips, 200)),
		attack('connected, silent', SLOW / 2, () => call(world.web, [])),
		attack('half a body, then gone', SLOW / 2, () => call(world.web, [half, null], 50)),
	];
	await sleep(300);
	const genuine = await send(signed({ body: form('+84955000005', 'amid') }));
	tap.ok(genuine.status === 200 && genuine.ms < 1000, `a text amid the slow ones is received in ${genuine.ms} ms`,
		JSON.stringify(genuine));
	const answers = (await Promise.all(attacks)).flat();
	tap.ok(all(answers, 0) && answers.every((answer) => answer.ms < DEADLINE_MS + 1500),
		`slow callers are cut at the deadline: the longest lived ${Math.max(...answers.map((answer) => answer.ms))} ms`);
}

async function crowd(world, send) {
	const answers = attack('connections at once from one address', 200, () => call(world.web, []));
	await sleep(500);
	const cut = (await answers).filter((answer) => answer.ms < DEADLINE_MS / 2).length;
	tap.ok(cut >= 200 - PER_ADDRESS, `of 200 connections from one address ${cut} are closed at once`);
	const genuine = await world.until(async () => {
		const answer = await send(signed({ body: form('+84955000006', 'after') }));
		return answer.status === 200 ? answer : null;
	}, SOON_MS);
	tap.ok(genuine, 'a text after the crowd is received');
}

async function main(world) {
	const send = (bytes) => call(world.web, bytes);
	await forged(world, send);
	await replayed(world, send);
	await malformed(send);
	await slow(world, send);
	await crowd(world, send);
	await sleep(1500);
	const filed = (await world.list('reports')).length;
	tap.ok(filed === 3, `three genuine texts, three reports: ${filed}`);
	tap.ok((await world.ctl(['status'])).status === 0, 'the daemon is well');
	for (const [name, tries, answers] of rows)
		console.log(`# ${name.padEnd(40)} ${String(tries).padStart(4)}   ${answers}`);
}

test({ before }, main);
