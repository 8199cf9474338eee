// Stores that lose, forget or refuse: nothing that was acknowledged is lost, heard twice or answered twice,
// and the daemon goes on.
'use strict';
const fs = require('fs');
const net = require('net');
const path = require('path');
const { tap, test, sleep, OFFICER } = require('./world');

const SOON_MS = 8000, LOST_MS = 110000, BACKLOG = 1500;
const STORY = ['Cháu bị bố đánh đau lắm, cứu cháu với', 'Bố cháu say rượu đập phá đồ đạc', 'Cháu đang trốn trong nhà kho',
	'Mẹ cháu bị đánh chảy máu đầu', 'Em gái cháu 5 tuổi khóc cả đêm', 'Hàng xóm không ai dám sang giúp',
	'Cháu không dám về nhà nữa', 'Bố cháu cầm gậy đứng ngoài cửa', 'Cô giáo cháu tên là Hà',
	'Cháu sợ lắm không biết làm gì', 'Cháu muốn được ở với bà ngoại'];
const LONG = 'Tôi là giáo viên chủ nhiệm. Học sinh nữ lớp 7 vừa kể bị ông nội đánh tối qua, hiện em đang ở phòng y tế ' +
	'trường, sợ về nhà. Xin người đến giúp ngay.';

const answersTo = (world, number) => world.carrier.submits.filter((sms) => sms.to === number).length;
const count = async (world, what) => +(await world.sql(`select count(*) from ${what}`))[0][0];

// One after the other, each answered, so that none is a part of a hurry.
async function tell(world, from, texts) {
	for (const text of texts) {
		const before = answersTo(world, from);
		await world.carrier.text({ from, text });
		await world.until(() => answersTo(world, from) > before, 1500, 20);
	}
}

async function readable(world, from) {
	const identity = path.join(world.dir, 'keys/team-hotline.identity');
	for (const { ref } of await world.list('reports', from)) {
		const { status } = await world.ctl(['report', 'open', ref, '--identity', identity, '--reason', 'system test']);
		if (status !== 0)
			return false;
	}
	return true;
}

// More turns than the flow engine remembers, all replayed while PostgreSQL knows none of them.
async function killedWithoutPostgres(world) {
	const [talks, wantsSilence] = ['+84912000001', '+84912000002'];
	await world.stores('postgres_stop');
	await tell(world, talks, STORY.slice(0, 3));
	await tell(world, wantsSilence, [...STORY, 'STOP']);
	const before = [answersTo(world, talks), answersTo(world, wantsSilence)];
	await world.crash();
	await world.up();
	const rows = 3 + STORY.length + 1;
	tap.ok(await world.until(async () => await count(world, 'messages') === rows, 2 * SOON_MS), 'each text has one row',
		await count(world, 'messages'));
	await sleep(1500);
	tap.ok(answersTo(world, talks) - before[0] <= 1, 'at most the last answer is given again');
	tap.ok(answersTo(world, wantsSilence) === before[1], 'whoever wanted silence is not answered again');
	const told = await world.sql('select count(distinct conversation), max(n) from (select conversation, count(*) n ' +
		'from report_revisions group by conversation) r');
	tap.ok(await count(world, 'reports') === +told[0][0], 'each conversation is one report', told.join(' '));
	tap.ok(await readable(world, talks) && await readable(world, wantsSilence), 'and can be read');
	tap.ok(await world.until(async () => (await world.status()).spool.pending === 0, SOON_MS), 'the spool is empty');
}

// More than filing takes over while PostgreSQL is away: the rest lies in the spool, and in a queue that then
// forgets everything.
async function queueIsLost(world) {
	const number = (i) => '+84913' + String(100000 + i);
	const ours = (sms) => sms.to.startsWith('+84913');
	const reports = await count(world, 'reports');
	await world.stores('postgres_stop');
	const sent = Array.from({ length: BACKLOG - 1 }, (_, i) => world.carrier.text({ from: number(i), text: STORY[i % 8] }));
	await Promise.all([...sent, world.carrier.text({ from: number(BACKLOG - 1), text: LONG })]);
	await world.until(() => world.carrier.submits.filter(ours).length >= BACKLOG, SOON_MS);
	const answers = world.carrier.submits.filter(ours).length;
	await world.stores('process_signal redis "$D/redis/redis.conf" KILL 10; rm -rf "$D/redis/appendonlydir"; redis_start');
	await world.stores('postgres_start');
	await world.until(async () => (await world.status()).filing.waiting === 0, SOON_MS);
	const filed = await count(world, 'reports') - reports;
	tap.ok(filed > 0 && filed < BACKLOG, `the queue lost ${BACKLOG - filed} of ${BACKLOG} texts`);
	return async () => {
		const settled = async () => (await world.status()).spool.pending === 0;
		tap.ok(await world.until(settled, LOST_MS, 1000), 'they are filed from the spool, until it is empty');
		const now = await count(world, 'reports') - reports;
		tap.ok(now === BACKLOG + 1, `${now - 1} reports: none is lost, none is double`); // one is of the step between
		tap.ok(world.carrier.submits.filter(ours).length === answers, 'and nobody is answered again');
		tap.ok(/error replay .*lost entries.* count=\d+/.test(world.log()), 'the operator is told');
	};
}

async function redisMayDropReports(world) {
	const from = '+84912000021';
	await world.stores('redis_stop; process_start redis "$REDIS_SERVER" "$D/redis/redis.conf" --maxmemory-policy allkeys-lru');
	tap.ok(await world.until(() => /error redis .*noeviction/.test(world.log()), SOON_MS), 'a Redis that may evict is not used');
	await tell(world, from, STORY.slice(0, 1));
	tap.ok(world.alive() && answersTo(world, from) === 1 && (await world.status()).redis === 'down',
		'and the daemon answers without it');
	await world.stores('redis_stop; redis_start');
	tap.ok(await world.until(async () => (await world.status()).redis === 'up', SOON_MS), 'until it is set up as it must be');
}

// Answers AUTH and INFO, and everything else with whatever `answer` says: a Redis that reads its data back.
function loadingRedis(socket, answer) {
	const seen = { loads: 0, connections: 0 };
	const server = net.createServer((client) => {
		let input = '';
		seen.connections++;
		client.on('error', () => {});
		client.on('data', (data) => {
			input += data.toString('latin1');
			for (;;) {
				const head = /^\*(\d+)\r\n/.exec(input);
				const args = [];
				let at = head ? head[0].length : 0;
				for (let i = 0; head && i < +head[1]; i++) {
					const size = /^\$(\d+)\r\n/.exec(input.slice(at));
					const from = size ? at + size[0].length : Infinity;
					if (input.length < from + (size ? +size[1] : 0) + 2)
						return;
					args.push(input.slice(from, from + +size[1]));
					at = from + +size[1] + 2;
				}
				if (!args.length)
					return;
				input = input.slice(at);
				const name = args[0].toUpperCase();
				seen.loads += name === 'FUNCTION';
				const info = 'maxmemory_policy:noeviction\r\n';
				client.write(name === 'AUTH' ? '+OK\r\n' : name === 'INFO' ? `$${info.length}\r\n${info}\r\n` : answer());
			}
		});
	});
	server.listen(socket);
	return { seen, close: () => server.close() };
}

async function redisIsLoading(world) {
	const socket = path.join(world.base(), 'run/redis.sock');
	let loading = true;
	await world.stores('redis_stop');
	fs.rmSync(socket, { force: true });
	const ready = () => world.log().split('info  redis ready').length;
	const before = ready();
	const fake = loadingRedis(socket, () => loading ? '-LOADING Redis is loading the dataset in memory\r\n' : '+OK\r\n');
	await world.until(() => fake.seen.loads >= 3, SOON_MS);
	loading = false;
	tap.ok(await world.until(() => ready() > before, SOON_MS), 'a Redis that is loading is asked again until it is ready');
	tap.ok(fake.seen.connections === 1, 'over the same connection', fake.seen.connections);
	fake.close();
	fs.rmSync(socket, { force: true });
	await world.stores('redis_start');
	tap.ok(await world.until(async () => (await world.status()).redis === 'up', SOON_MS), 'the true one is used again');
}

// Phones of the control socket whose texts are on their way into the spool at the end.
async function stopsInAHurry(world) {
	const lines = Array.from({ length: 150 }, (_, i) => JSON.stringify({ send: { from: i % 2 ? OFFICER : '+84911111111',
		to: '111', text: i % 2 ? `NHAN 12345${i % 10}` : `cứu cháu ${i}` } }) + '\n').join('');
	const orderly = () => world.log().split('hotlined stopped').length - 1;
	const before = orderly();
	for (let round = 0; round < 4; round++) {
		const phone = net.connect(path.join(world.base(), 'run/control.sock'));
		phone.on('error', () => {});
		phone.write(JSON.stringify({ cmd: 'phone', args: { numbers: [OFFICER, '+84911111111'] } }) + '\n');
		await sleep(300);
		phone.write(lines);
		await sleep(round);
		world.signal('SIGTERM');
		await sleep(round % 2);
		if (world.alive())
			world.signal('SIGTERM');
		await world.until(() => !world.alive(), SOON_MS);
		phone.destroy();
		await world.up();
	}
	tap.ok(orderly() - before === 4, `stopped in order ${orderly() - before} times of 4`, world.log().slice(-1500));
	tap.ok(!world.log().includes('AddressSanitizer'), 'and touched nothing that was gone');
}

test({}, async (world) => {
	await killedWithoutPostgres(world);
	const queueWasLost = await queueIsLost(world);
	await redisMayDropReports(world);
	await queueWasLost();
	await redisIsLoading(world);
	await stopsInAHurry(world);
});
