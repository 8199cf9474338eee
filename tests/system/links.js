// Operation of links: a second carrier joins by reload without disturbing the first, orders of an
// operator, failover, a masked trace, metrics, and a canary that finds a silent carrier.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const { spawn } = require('child_process');
const { tap, test, sleep, BUILD } = require('./world');
const { Carrier } = require('./carrier');

const CHILD = '+84912345678', OTHER = '+84987654321', BIRD = '+84966666666';
const STORY = 'Ba say rượu đánh con, con trốn ở nhà bà ngoại thôn 3 xã Bom Bo';
const SOON_MS = 6000, EX_CONFIG = 78;

const config = (world) => path.join(world.dir, 'hotlined.yaml');

async function link(world, name) {
	const { out } = await world.ctl(['links', '--json']);
	return JSON.parse(out).find((row) => row.name === name);
}

function addLink(world, line) {
	const lines = fs.readFileSync(config(world), 'utf8').split('\n');
	lines.splice(lines.indexOf('links:') + 1, 0, line);
	fs.writeFileSync(config(world), lines.join('\n'));
}

async function reload(world, second) {
	const before = fs.readFileSync(config(world), 'utf8');
	addLink(world, `  - {name: second, adapter: smpp, host: 127.0.0.1, port: ${second.address}, system_id: hotline, windw: 5}`);
	let answer = await world.ctl(['reload']);
	tap.ok(answer.err.includes('nothing was changed'), 'and nothing else is taken then', answer.err);
	tap.ok(answer.status === EX_CONFIG && /hotlined\.yaml:\d+:\d+: unknown key 'windw'; did you mean 'window'/.test(answer.err),
		'a faulty list of links is refused with its place', `${answer.status} ${answer.err}`);
	fs.writeFileSync(config(world), before);
	addLink(world, `  - {name: second, adapter: smpp, carrier: other, host: 127.0.0.1, port: ${second.address}, system_id: hotline, ` +
		'password_file: keys/smpp-carrier.password, short_codes: ["1800"], priority: 20, ' +
		`canary: {to: "${BIRD}", every: 10s}}`);
	const bound = new Promise((done) => second.once('bound', done));
	answer = await world.ctl(['reload']);
	tap.ok(answer.status === 0, 'a new list of links is taken', answer.err);
	tap.ok(/^flow hotline [0-9a-f]{12} \(as before\)\n$/.test(answer.out), 'the version of the flows is told', answer.out);
	await Promise.race([bound, sleep(SOON_MS)]);
	tap.ok(second.bound && world.carrier.counts.binds === 1, 'the new link binds and the old one never notices',
		`binds ${world.carrier.counts.binds}`);
}

async function orders(world, second) {
	await world.ctl(['links', 'pause', 'carrier']);
	tap.ok((await link(world, 'carrier')).state === 'paused', 'a link can be paused');
	await world.carrier.text({ from: CHILD, text: STORY });
	const reply = await second.expect((sms) => sms.to === CHILD, SOON_MS, 'a reply').catch(() => null);
	tap.ok(reply && reply.from === '1800', 'a paused link still hears; the reply goes over another, under its own code',
		JSON.stringify(reply));
	await world.ctl(['links', 'resume', 'carrier']);
	const lost = new Promise((done) => world.carrier.once('lost', done));
	await world.ctl(['links', 'drain', 'carrier']);
	await Promise.race([lost, sleep(SOON_MS)]);
	tap.ok(!world.carrier.bound, 'a drained link unbinds');
	await world.until(async () => (await link(world, 'carrier')).state === 'drained', SOON_MS);
	await world.ctl(['links', 'resume', 'carrier']);
	await world.until(() => world.carrier.bound, SOON_MS);
	tap.ok(world.carrier.bound, 'and comes back when told');
	const nobody = await world.ctl(['links', 'pause', 'nobody']);
	tap.ok(nobody.status === 1, 'a link that is not there is said so', `${nobody.status}`);
}

async function trace(world, second) {
	const watcher = spawn(path.join(BUILD, 'hotlinectl'), ['--config', config(world), 'links', 'trace', 'second']);
	let seen = '';
	watcher.stdout.on('data', (data) => { seen += data; });
	await sleep(500);
	await second.text({ from: OTHER, text: 'Hàng xóm đánh con', to: '1800' });
	await world.until(() => /> submit_sm /.test(seen), SOON_MS);
	watcher.kill();
	tap.ok(/< deliver_sm sequence=\d+ .*source=1\/1\/\.\.21\(11\)/.test(seen) && /> deliver_sm_resp .*no error/.test(seen),
		'a trace shows what passes both ways', seen);
	tap.ok(!seen.includes('987654321') && !seen.includes('xóm'), 'and neither numbers nor texts', seen);
}

function metrics(world) {
	return new Promise((done, failed) => {
		const ask = http.get({ socketPath: path.join(world.base(), 'run/metrics.sock'), path: '/metrics' }, (answer) => {
			let page = '';
			answer.on('data', (data) => { page += data; });
			answer.on('end', () => done(page));
		});
		ask.on('error', failed);
	});
}

async function numbers(world) {
	const page = await metrics(world);
	tap.ok(/^hotlined_link_up\{link="second",carrier="other"\} 1$/m.test(page) &&
		/^hotlined_link_deliveries_total\{link="carrier",carrier="carrier"\} [1-9]/m.test(page) &&
		/^hotlined_postgres_up 1$/m.test(page), 'metrics tell of links and stores', page.slice(0, 600));
	const lines = page.split('\n').filter(Boolean);
	tap.ok(lines.every((line) => /^# (HELP|TYPE) \w+ |^\w+(\{[^}]*\})? [-+.\de]+$/.test(line)),
		'every line of them is in form', lines.find((line) => !/^#|^\w+(\{[^}]*\})? [-+.\de]+$/.test(line)));
	tap.ok(!/9\d{8}/.test(page), 'and no number is among them');
}

// The second carrier sends back what goes to BIRD, until it is told to stop.
async function canary(world, second, echo) {
	const reports = (await world.list('messages')).length;
	await world.until(async () => (await link(world, 'second')).canary === 'sings', 15000);
	tap.ok((await link(world, 'second')).canary === 'sings', 'a canary that comes back sings');
	tap.ok((await world.list('messages')).length === reports, 'and is no message of anybody');
	echo.on = false;
	await world.until(async () => /ALARM/.test((await link(world, 'second')).canary), 40000, 500);
	tap.ok(/ALARM/.test((await link(world, 'second')).canary), 'two lost in a row are an alarm');
	tap.ok(/ALARM link=second/.test(fs.readFileSync(path.join(world.dir, 'log/hotlined.log'), 'utf8')), 'which the log repeats');
	tap.ok(/hotlined_link_canary_misses\{link="second",carrier="other"\} [2-9]/.test(await metrics(world)), 'and the metrics');
	echo.on = true;
	await world.until(async () => (await link(world, 'second')).canary === 'sings', 15000);
	tap.ok((await link(world, 'second')).canary === 'sings', 'it is over when one comes back');
}

test({}, async (world) => {
	const second = new Carrier({});
	const echo = { on: true };
	second.on('submit', (sms) => {
		if (echo.on && sms.to === BIRD)
			second.text({ from: BIRD, text: sms.text, to: '1800', encoding: 'gsm7' });
	});
	second.address = await second.listen();
	try {
		await reload(world, second);
		await orders(world, second);
		await trace(world, second);
		await numbers(world);
		await canary(world, second, echo);
	} finally {
		second.close();
	}
});
