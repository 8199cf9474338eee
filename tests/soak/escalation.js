#!/usr/bin/env node
// Escalation in bulk, on the real parts: what one look at the suite is too short for. Scenes:
//   timers       20,000 due timers, 4 daemons, 40 kill -9 spread over the run: notices lost, doubled, cases untimed
//   escalations  6,000 escalations at once for 600 officers: until all first notices are ready, and are sent
//   overtake     a carrier that takes 50 texts/s and 10,000 notices in wait: how soon an urgent one is submitted
// Prints TAP with the figures. usage: node escalation.js [SCENE]... [--seed N] [--scale F] [--build DIR]
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Rig, makeKit, sh, sleep, SRC } = require('../faults/rig');
const { tap, codesOf } = require('../system/world');

const COMMUNES = 60, OFFICERS = 600; // ten officers look after each commune
const TIMERS = 20000, NODES = ['faults', 'b', 'c', 'd'], KILLS = 40;
const ESCALATIONS = 6000, READY_S = 10;
const QUEUED = 10000, RATE = 50, URGENT = 200, URGENT_EVERY_MS = 400, OVERTAKE_S = 2;
const POLICY = 'policies:\n  - {id: truc, ack_lease: 30min, steps: [{notify: [{agency: commune}], delay: 2h, mode: round_robin}]}\n' +
	'routes:\n  - {policy: truc}\n';

function options(argv) {
	const o = { scenes: [], seed: 1, scale: 1, build: process.env.HOTLINED_BUILD || path.join(SRC, '.build/quickstart') };
	for (let i = 0; i < argv.length; i++) {
		if (SCENES[argv[i]])
			o.scenes.push(argv[i]);
		else if (['--seed', '--scale', '--build'].includes(argv[i]))
			o[argv[i].slice(2)] = argv[++i];
		else
			throw new Error(`usage: escalation.js [${Object.keys(SCENES).join('|')}]... [--seed N] [--scale F] [--build DIR]`);
	}
	o.scenes = o.scenes.length ? o.scenes : Object.keys(SCENES);
	return { ...o, seed: +o.seed, scale: +o.scale, build: path.resolve(o.build) };
}

// ---- who is on call ----

function communes() {
	return fs.readFileSync(path.join(SRC, 'daemon/data/vn-units.tsv'), 'utf8').split('\n')
		.filter((line) => /^\d{5}\t/.test(line)).slice(0, COMMUNES).map((line) => line.slice(0, 5));
}

function roster(codes) {
	const officers = [], teams = [];
	for (let i = 0; i < OFFICERS; i++)
		officers.push(`  - {id: o${i}, name: O${i}, number: "+8490${2000000 + i}", team: t${i % COMMUNES}}`);
	codes.forEach((code, i) => teams.push(`  - {id: t${i}, agency: commune, communes: ["${code}"]}`));
	return `officers:\n${officers.join('\n')}\nteams:\n${teams.join('\n')}\n`;
}

async function enlist(rig, codes) {
	const ctl = [path.join(rig.build, 'hotlinectl'), '--config', rig.at('hotlined.yaml')];
	fs.writeFileSync(rig.at('roster.yaml'), roster(codes));
	fs.writeFileSync(rig.at('policy.yaml'), POLICY);
	await rig.until(async () => (await rig.status() || {}).postgres === 'up', 10000, 'PostgreSQL is up');
	sh(ctl[0], [...ctl.slice(1), 'roster', 'import', rig.at('roster.yaml')]);
	sh(ctl[0], [...ctl.slice(1), 'policy', 'import', rig.at('policy.yaml')]);
}

// Cases that escalate from now on, made in one transaction; when it was committed.
let cases = 100000;
function escalate(rig, count, urgency, codes) {
	rig.sql(`begin; with made as (insert into cases (ref, urgency, kind, commune, team, first_at)
			select 'BP-' || (${cases} + i), '${urgency}', 'bao_luc', (array['${codes.join("','")}'])[1 + i % ${codes.length}], 'hotline', now()
			from generate_series(1, ${count}) i returning id)
		select count(*) from (select escalation_start(id) from made) x; commit;`);
	cases += count;
	return Date.now();
}

const number = (rig, query) => +rig.sql(query)[0][0];
const ALERTS = `notifications where kind = 'alert'`;

// Texts that the carriers took, by case: how often each officer got it, and the codes it came with.
function arrived(rig) {
	const by = new Map();
	for (const carrier of rig.carriers) {
		for (const sms of carrier.submits) {
			const refs = sms.text.match(/BP-\d{6}/g) || [], codes = codesOf(sms.text);
			refs.forEach((ref, i) => {
				const key = `${sms.to} ${ref}`;
				by.set(key, [...(by.get(key) || []), codes[i]]);
			});
		}
	}
	return by;
}

// ---- scenes ----

async function addNodes(rig) {
	for (const name of NODES.slice(1)) {
		const carrier = await rig.addCarrier(name, { journal: undefined });
		fs.mkdirSync(rig.at(name));
		rig.writeConfig(name, name, { carriers: [carrier], spool: rig.at(name), control: rig.at(`run/${name}.sock`) });
		const bound = new Promise((done) => carrier.once('bound', done));
		launch(rig, name);
		await bound;
	}
}

function launch(rig, name) {
	if (name === NODES[0])
		rig.launchDaemon();
	else
		rig.launchDaemon(`hotlined-${name}`, rig.at(`${name}.yaml`));
}

async function killer(rig, done) {
	const gaps = [];
	for (let i = 0; i < KILLS; i++) {
		const name = rig.pick(NODES);
		await rig.end(name === NODES[0] ? 'hotlined' : `hotlined-${name}`, 'SIGKILL');
		gaps.push(done() ? 0 : 1);
		await sleep(rig.between(0, 150));
		launch(rig, name);
		await sleep(rig.between(50, 450));
	}
	return gaps.reduce((a, b) => a + b, 0);
}

async function timers(rig, { scale }) {
	const codes = communes(), count = Math.round(TIMERS * scale);
	await enlist(rig, codes);
	await addNodes(rig);
	const made = escalate(rig, count, 'cao', codes);
	const sent = () => number(rig, `select count(*) from ${ALERTS} and state in ('sent', 'delivered')`);
	const busy = await killer(rig, () => sent() >= count);
	await rig.until(() => sent() >= count, 600000, 'all notices are sent', 1000);
	const took = (Date.now() - made) / 1000;
	await sleep(2000);
	const by = arrived(rig), refs = new Set([...by.keys()].map((key) => key.split(' ')[1]));
	const doubled = [...by.values()].filter((codesOfOne) => codesOfOne.length > 1);
	const harmful = doubled.filter((codesOfOne) => new Set(codesOfOne).size > 1);
	tap.ok(busy >= KILLS * 0.9, `${KILLS} kills -9 over 4 daemons, ${busy} of them while notices were on their way; ${count} timers done in ${took.toFixed(0)} s`);
	tap.ok(number(rig, `select count(*) from ${ALERTS}`) === count, 'every due timer made its notice, and none made two');
	tap.ok(refs.size === count, `${count - refs.size} notices lost of ${count}`);
	tap.ok(!harmful.length, `${doubled.length} texts came twice to a phone, all of them with the same code`, JSON.stringify(harmful.slice(0, 5)));
	const untimed = rig.sql('select ref from api_untimed');
	tap.ok(!untimed.length, '0 cases without a live timer or an acknowledgement', untimed.slice(0, 5).join(' '));
}

async function escalations(rig, { scale }) {
	const codes = communes(), count = Math.round(ESCALATIONS * scale);
	await enlist(rig, codes);
	const made = escalate(rig, count, 'khan_cap', codes);
	await rig.until(() => number(rig, `select count(*) from ${ALERTS}`) >= count, 120000, 'all notices are made', 100);
	const ready = (Date.now() - made) / 1000;
	await rig.until(() => number(rig, `select count(*) from ${ALERTS} and attempts > 0 and state <> 'sending'`) >= count, 120000, 'all are sent', 100);
	const sent = (Date.now() - made) / 1000;
	const told = number(rig, `select count(distinct officer) from ${ALERTS}`);
	tap.ok(ready < READY_S, `${count} escalations for ${told} officers: all first notices ready in ${ready.toFixed(1)} s, submitted in ${sent.toFixed(1)} s`);
	tap.ok(told === OFFICERS && [...arrived(rig).keys()].length === count, 'each officer was told, each case once');
}

const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.ceil(q * list.length) - 1)];

async function overtake(rig, { scale }) {
	const codes = communes(), queued = Math.round(QUEUED * scale), urgent = Math.round(URGENT * scale);
	await enlist(rig, codes);
	escalate(rig, queued, 'cao', codes);
	await sleep(3000);
	const began = new Map(), ms = [];
	for (let i = 0; i < urgent; i++) {
		const at = escalate(rig, 1, 'khan_cap', codes);
		began.set(`BP-${cases}`, at);
		await sleep(URGENT_EVERY_MS);
	}
	const left = number(rig, `select count(*) from ${ALERTS} and state = 'pending'`) +
		number(rig, `select count(*) from timers where state = 'armed' and due_at <= now()`);
	await sleep(OVERTAKE_S * 1000);
	for (const sms of rig.carrier.submits) {
		for (const ref of sms.text.match(/BP-\d{6}/g) || []) {
			if (began.has(ref)) {
				ms.push(Math.max(0, sms.at - began.get(ref)));
				began.delete(ref);
			}
		}
	}
	const texts = rig.carrier.submits, span = (texts[texts.length - 1].at - texts[0].at) / 1000;
	const p = (q) => quantile(ms, q);
	tap.ok(left > 0, `${left} of ${queued} notices still wait when the last urgent one is made; ${(texts.length / span).toFixed(1)} texts/s on a link of ${RATE}/s`);
	tap.ok(!began.size, `${urgent} urgent notices, each submitted`, [...began.keys()].join(' '));
	tap.ok(p(0.99) < OVERTAKE_S * 1000, `an urgent notice is submitted after p50 ${p(0.5)} ms, p99 ${p(0.99)} ms, at most ${Math.max(...ms)} ms`);
}

const SCENES = { timers, escalations, overtake };

// ---- running ----

let current = null, folder = null;

function endNow() {
	if (current)
		current.closeNow();
	if (folder)
		fs.rmSync(folder, { recursive: true, force: true });
	process.exit(1);
}

async function main() {
	const o = options(process.argv.slice(2));
	process.on('SIGINT', endNow);
	process.on('SIGTERM', endNow);
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hlf-kit.'));
	console.log(`# ${os.cpus().length} cores, load ${os.loadavg()[0].toFixed(1)}, seed ${o.seed}, scale ${o.scale}`);
	const kit = await makeKit(o.build, folder);
	for (const scene of o.scenes) {
		console.log(`# ${scene}`);
		const rig = current = new Rig(kit, o.seed);
		rig.settings.link = scene === 'overtake' ? `, rate: ${RATE}` : '';
		rig.ledgerFile = undefined; // the carriers keep it in memory: syncing it would be what is measured
		try {
			await rig.start();
			await SCENES[scene](rig, o);
		} catch (error) {
			tap.ok(false, `${scene} ran to its end`, `${error.stack}\n${rig.logTail()}`);
		} finally {
			await rig.close();
			current = null;
		}
	}
	fs.rmSync(folder, { recursive: true, force: true });
	console.log(`1..${tap.count}`);
	process.exit(tap.failed ? 1 : 0);
}

main().catch((error) => { console.error(error); endNow(); });
