// Rows 16 to 23: Redis goes, hangs, fills, forgets.
'use strict';
const { spawn } = require('child_process');
const { sleep, sh } = require('../rig');

const ALL = 'nothing lost, alerts in time, the next question within 2 s';

// Openings before, during and after; cause and cure around the middle.
async function around(rig, cause, cure, pause = 2500) {
	await rig.textsIn(6);
	await cause();
	await rig.textsIn(10);
	await Promise.all([rig.dial(), rig.dial(), rig.dial()]);
	await sleep(pause);
	await cure();
	await rig.textsIn(4);
}

// Second messages of the same people.
const answers = (rig, senders, text) => Promise.all(senders.map((from) =>
	rig.carrier.text({ from, text, encoding: 'gsm7', expect: 'turn' })));

async function openers(rig, count) {
	const senders = Array.from({ length: count }, () => rig.sender());
	await Promise.all(senders.map((from) => rig.carrier.text({ from, text: rig.words(), encoding: 'ucs2' })));
	await rig.until(() => senders.every((from) => rig.carrier.submits.some((s) => s.to === from)), 8000, 'everybody has a question');
	return senders;
}

module.exports = [
	{
		n: 16, quick: true, title: 'Redis killed', how: 'kill -9 of Redis while texts run', rule: ALL,
		async run(rig) {
			await rig.start();
			await around(rig, () => rig.end('redis'), () => rig.startRedis());
			return { screens: true };
		},
	},
	{
		n: 17, title: 'Redis hung', how: 'SIGSTOP of Redis while texts run', rule: ALL,
		async run(rig) {
			await rig.start();
			await around(rig, () => rig.signal('redis', 'SIGSTOP'), () => rig.signal('redis', 'SIGCONT'), 5000);
			return { screens: true };
		},
	},
	{
		n: 18, title: 'Redis slow', how: 'DEBUG SLEEP 3, and every answer 200 ms late (the budget is 150 ms)', rule: ALL,
		async run(rig) {
			const wire = await rig.badWire('redis');
			await rig.start();
			const nap = () => spawn(rig.kit.stores.redisCli, ['-s', rig.at('redis/redis.sock'), '--user', 'admin', '--pass', 'x',
				'--no-auth-warning', 'debug', 'sleep', '3'], { stdio: 'ignore' });
			await around(rig, nap, () => {}, 3000);
			await around(rig, () => { wire.delay = 100; }, () => wire.heal());
			return { screens: true };
		},
	},
	{
		n: 19, title: 'Redis full', how: 'CONFIG SET maxmemory below what is used', rule: ALL,
		async run(rig) {
			await rig.start();
			await around(rig, () => rig.redis(['config', 'set', 'maxmemory', '1mb']), () => rig.redis(['config', 'set', 'maxmemory', '0']));
			return { screens: true };
		},
	},
	{
		n: 20, title: 'Wrong eviction policy', how: 'allkeys-lru at the start, and after a restart of Redis under a running daemon',
		rule: 'the start is refused with the setting and the cure; a running daemon goes on without Redis',
		async run(rig) {
			await rig.start();
			await rig.textsIn(3);
			await rig.end('hotlined', 'SIGTERM');
			const faults = [];
			const policy = (name) => rig.redis(['config', 'set', 'maxmemory-policy', name]);
			policy('allkeys-lru');
			const p = rig.launchDaemon();
			await Promise.race([p.gone, sleep(5000)]);
			if (!p.ended || p.ended.status !== 78 || !/noeviction/.test(rig.logTail()))
				faults.push(`the start was not refused: ${JSON.stringify(p.ended)}`);
			await rig.kill();
			policy('noeviction');
			await rig.startDaemon();
			await rig.end('redis');
			await rig.startRedis('redis', ['maxmemory-policy allkeys-lru']);
			await sleep(2000);
			if (!rig.running()) {
				faults.push('a running daemon ended');
				policy('noeviction');
				await rig.startDaemon();
			}
			await rig.textsIn(6);
			if (rig.queued())
				faults.push('reports were put into a Redis that may drop them');
			policy('noeviction');
			rig.redis(['client', 'kill', 'type', 'normal']);
			await rig.textsIn(3);
			return { faults };
		},
	},
	{
		n: 21, title: 'Redis emptied', how: 'FLUSHALL between two messages of the same people, also while Redis was away',
		rule: 'conversations go on in the same report, the queues are made again',
		async run(rig) {
			await rig.start();
			const senders = await openers(rig, 6);
			rig.redis(['flushall']);
			await answers(rig, senders, '1');
			await rig.textsIn(4);
			await sleep(1000);
			rig.redis(['flushall']);
			await rig.kill();
			await rig.startDaemon();
			await answers(rig, senders, '2');
			await rig.textsIn(4);
			return { screens: false, oneConversation: true };
		},
	},
	{
		n: 22, title: 'Failover to a lagging replica', how: 'Redis killed, and started again with its data of some seconds ago',
		rule: 'conversations go on in the same report, no report twice',
		async run(rig) {
			await rig.start();
			const senders = await openers(rig, 5);
			await sleep(1200);
			sh('cp', ['-a', rig.at('redis'), rig.at('redis.before')]);
			await answers(rig, senders, '1');
			const more = await openers(rig, 5);
			await rig.end('redis');
			sh('sh', ['-c', `rm -rf '${rig.at('redis')}'; cp -a '${rig.at('redis.before')}' '${rig.at('redis')}'`]);
			await rig.startRedis();
			await answers(rig, [...senders, ...more], '2');
			return { oneConversation: true };
		},
	},
	{
		n: 23, title: "Redis' disk full", how: 'the append-only file on a full tmpfs', rule: ALL,
		async run(rig) {
			const at = rig.mount('redis', { type: 'tmpfs', mb: 16 });
			await rig.start();
			await around(rig, () => rig.fill(at), () => rig.unfill(at));
			// What could not be deleted from the queue meanwhile goes when it is read as left over.
			return { screens: true, settleMs: 150000 };
		},
	},
];
