// kill -9 at random moments while 2,000 messages run and the carrier delivers again what was not
// acknowledged. Then: every opening text in exactly one report, and every urgent case with a live timer
// or an acknowledgement. usage: node kill9.js [SEED] [MESSAGES]
'use strict';
const path = require('path');
const { tap, test, codeOf, examples, random, sleep, OFFICER } = require('./world');

const SEED = +process.argv[2] || Date.now() % 1000000;
const MESSAGES = +process.argv[3] || 2000;
const KILLS = 12, BURST = 60, BURST_MS = 450, WINDOW = 50, SAMPLE = 25;
const SECOND_SHARE = 0.2, ACK_SHARE = 0.1;
const URGENT = new Set(['khan_cap', 'cao']);
const rand = random(SEED);
const pick = (list) => list[Math.floor(rand() * list.length)];

// Openings and, from some of the same senders, a menu digit as a second message.
function messages() {
	const texts = examples().filter((row) => row.urgency !== 'khong');
	const openings = Math.round(MESSAGES / (1 + SECOND_SHARE));
	const plan = [];
	for (let i = 0; i < openings; i++) {
		const row = pick(texts);
		const long = rand() < 0.3 ? ' Xin giúp ngay, cháu ở một mình, nhà không có ai, cửa khoá ngoài.' : '';
		plan.push({ from: '+8491' + String(1000000 + i), encoding: row.encoding === 'gsm7' && !long ? 'gsm7' : 'ucs2',
			text: `${row.text}${long} so nha ${i}`, tail: `so nha ${i}` });
	}
	return plan.map((first, i) => ({ ...first,
		second: i < MESSAGES - openings ? String(1 + Math.floor(rand() * 3)) : null }));
}

// In bursts, so that a kill finds many deliveries unanswered.
async function send(world, plan, state) {
	const acknowledged = [];
	for (const [i, item] of plan.entries()) {
		acknowledged.push((async () => {
			await world.carrier.text(item);
			if (item.second)
				await world.carrier.text({ from: item.from, text: item.second, encoding: 'gsm7' });
		})());
		if (i % BURST === BURST - 1) {
			state.burst();
			await sleep(BURST_MS);
		}
	}
	await Promise.all(acknowledged);
}

// Some alerts are answered, so that acknowledgements run through the kills too.
function answerAlerts(world) {
	const answered = new Set();
	world.carrier.on('submit', (sms) => {
		const code = sms.to === OFFICER && codeOf(sms.text);
		if (!code || answered.has(code) || rand() > ACK_SHARE)
			return;
		answered.add(code);
		world.carrier.text({ from: OFFICER, text: 'NHAN ' + code, encoding: 'gsm7' });
	});
	return answered;
}

// Half of the kills at any moment, half within the first moments of a burst.
async function killer(world, state) {
	while (state.kills < KILLS || !state.sent) {
		await sleep(100 + rand() * (state.sent ? 300 : 900));
		if (!state.sent && rand() < 0.5) {
			await Promise.race([new Promise((done) => { state.burst = done; }), sleep(2 * BURST_MS)]);
			await sleep(rand() * 40);
		}
		if (state.sent && state.kills >= KILLS)
			break;
		await world.crash();
		state.kills++;
		await world.up();
	}
}

async function check(world, plan) {
	const count = async () => +(await world.sql('select count(*) from reports'))[0][0];
	await world.until(async () => await count() >= plan.length, 60000, 500);
	// What was replayed last settles too.
	await sleep(2000);
	const perSender = await world.sql('select count(*) from reports where subject is not null group by subject');
	const total = await count();
	const doubled = perSender.filter(([n]) => +n > 1).length;
	tap.ok(perSender.length === plan.length, `0 lost: ${perSender.length} senders of ${plan.length} have a report`);
	tap.ok(doubled === 0 && total === plan.length, `0 doubled: ${total} reports, ${doubled} senders with more than one`);

	const rows = +(await world.sql('select count(*) from messages'))[0][0];
	tap.ok(rows >= world.carrier.counts.acknowledged,
		`${rows} deliveries on record for ${world.carrier.counts.acknowledged} acknowledged`);

	const cases = await world.list('cases');
	const urgent = cases.filter((row) => URGENT.has(row.urgency));
	const untimed = urgent.filter((row) => !row.acked_by && !row.timer_due_at && row.state !== 'closed');
	tap.ok(urgent.length > 0 && !untimed.length, `${urgent.length} urgent cases, each with a live timer or an acknowledgement`,
		JSON.stringify(untimed.slice(0, 5)));
	const unguarded = await world.sql('select ref from api_untimed');
	tap.ok(!unguarded.length, 'the database finds no case without a timer or a lease', unguarded.join(' '));
	const urgentReports = +(await world.sql(`select count(*) from reports r where urgency in ('khan_cap', 'cao')
		and not exists (select 1 from case_reports c where c.report = r.id)`))[0][0];
	tap.ok(urgentReports === 0, 'no urgent report is without a case', urgentReports);
	return cases;
}

// The sealed text of some reports is the text of their sender, whole and of nobody else.
async function sample(world, plan) {
	const identity = path.join(world.dir, 'keys/team-hotline.identity');
	const wrong = [];
	for (let i = 0; i < SAMPLE; i++) {
		const item = pick(plan);
		const reports = await world.list('reports', item.from);
		const ref = reports.length === 1 ? reports[0].ref : '-';
		const { out, err } = await world.ctl(['report', 'open', ref, '--identity', identity, '--reason', 'system test', '--json']);
		if (!out.includes(item.tail + '"') && !new RegExp(item.tail + '\\b').test(out))
			wrong.push(`${ref} ${err}`);
	}
	tap.ok(!wrong.length, `${SAMPLE} reports opened: each holds its sender's text to the end`, wrong.join('\n'));
}

async function main(world) {
	console.log(`# seed ${SEED}, ${MESSAGES} messages`);
	const plan = messages();
	const answered = answerAlerts(world);
	const state = { kills: 0, sent: false, burst: () => {} };
	const kills = killer(world, state);
	await send(world, plan, state);
	state.sent = true;
	await kills;
	const { counts } = world.carrier;
	console.log(`# ${JSON.stringify(counts)}, ${state.kills} kills`);
	tap.ok(state.kills >= 10, `${state.kills} kills -9`);
	tap.ok(counts.again > 0, `${counts.again} deliveries were repeated by the carrier`);
	const cases = await check(world, plan);
	await sample(world, plan);
	const acked = cases.filter((row) => row.acked_by).length;
	tap.ok(acked > 0, `${acked} cases acknowledged by ${answered.size} answers of the officer`);
}

test({ window: WINDOW }, main);
