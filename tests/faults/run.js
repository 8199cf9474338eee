#!/usr/bin/env node
// The fault matrix: causes each fault while texts run, takes it away, and lets the checker join what was
// promised with what is there. Prints TAP with a progress line before each row, and a table at the end.
// usage: node run.js [--rows 1,2,30-35] [--quick] [--seed N] [--times N] [--limit S] [--list] [--build DIR]
//                    [--plain DIR]; --limit: seconds for each row; --plain: a build without sanitizers
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Rig, Skip, makeKit, SRC } = require('./rig');
const { check, settle } = require('./check');

const ROWS = ['process', 'disk', 'redis', 'postgres', 'link', 'people', 'life']
	.flatMap((name) => require('./rows/' + name)).sort((a, b) => a.n - b.n);
const ROW_S = 240;

function options(argv) {
	const o = { rows: null, quick: false, seed: Date.now() % 1000000, times: 1, list: false, limit: ROW_S,
		build: process.env.HOTLINED_BUILD || path.join(SRC, '.build/quickstart'), plain: process.env.HOTLINED_PLAIN || '' };
	for (let i = 0; i < argv.length; i++) {
		const name = argv[i].replace(/^--/, '');
		if (!(name in o)) {
			console.error('usage: run.js [--rows LIST] [--quick] [--seed N] [--times N] [--limit S] [--list] [--build DIR] [--plain DIR]');
			process.exit(64);
		}
		o[name] = typeof o[name] === 'boolean' ? true : argv[++i];
	}
	o.seed = +o.seed;
	o.build = path.resolve(o.build);
	o.plain = o.plain && path.resolve(o.plain);
	o.numbers = o.rows && new Set(o.rows.split(',').flatMap((part) => {
		const [from, to] = part.split('-').map(Number);
		return Array.from({ length: (to || from) - from + 1 }, (_, i) => from + i);
	}));
	return o;
}

function chosen(o) {
	return ROWS.filter((row) => (!o.numbers || o.numbers.has(row.n)) && (!o.quick || row.quick));
}

// Runs one row on a rig of its own: {verdict: 'pass' | 'FAIL' | 'skip', what, took}.
async function runRow(kit, row, { seed, limit }) {
	const began = Date.now();
	const result = (verdict, what = '') => ({ verdict, what, took: Date.now() - began });
	if (row.skip)
		return result('skip', row.skip);
	const rig = new Rig(kit, seed);
	rig.plain = kit.plain;
	current = rig;
	try {
		return await withLimit(judge(rig, row), limit, result);
	} catch (error) {
		if (error instanceof Skip)
			return result('skip', error.message);
		return result('FAIL', error.stack.split('\n').slice(0, 4).join(' | ') + '\n' + rig.logTail());
	} finally {
		await rig.close();
		current = null;
	}

	async function judge(at, { run }) {
		const expect = await run(at) || {};
		const stuck = expect.settled ? null : await settle(at, { ms: expect.settleMs });
		const outcome = await check(at, expect);
		const faults = outcome.faults.map((f) => `${f.kind} ${f.count}: ${f.detail}`);
		if (stuck)
			faults.unshift(`not settled: ${stuck}`);
		const sum = `${outcome.acked} of ${outcome.texts} texts acknowledged` + (expect.note ? `; ${expect.note}` : '');
		return result(faults.length ? 'FAIL' : 'pass', [sum, ...faults].join('\n'));
	}
}

function withLimit(promise, seconds, result) {
	let timer;
	const late = new Promise((done) => { timer = setTimeout(() => done(result('FAIL', `\nnot done within ${seconds} s`)), seconds * 1000); });
	promise.catch(() => {}); // a row that is given up may still fail later
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let current = null, folder = null;
function endNow() {
	if (current)
		current.closeNow();
	if (folder)
		fs.rmSync(folder, { recursive: true, force: true });
	process.exit(1);
}

function table(done) {
	const width = Math.max(...done.map((d) => d.row.title.length));
	console.log('#');
	for (const { row, verdict, what, took } of done)
		console.log(`# ${String(row.n).padStart(2)}  ${row.title.padEnd(width)}  ${verdict}  ${(took / 1000).toFixed(1).padStart(5)} s` +
			(verdict === 'pass' ? '' : `  ${what.split('\n').slice(verdict === 'skip' ? 0 : 1)[0] || what.split('\n')[0]}`));
	const count = (verdict) => done.filter((d) => d.verdict === verdict).length;
	console.log(`# ${count('pass')} of ${done.length} rows hold, ${count('FAIL')} fail, ${count('skip')} cannot run here`);
}

async function main() {
	const o = options(process.argv.slice(2));
	const rows = chosen(o);
	if (o.list) {
		for (const row of rows)
			console.log(`${String(row.n).padStart(2)} ${row.title}: ${row.how}; ${row.rule}${row.quick ? ' (quick)' : ''}`);
		return;
	}
	console.log(`# seed ${o.seed}, ${rows.length} rows; a row again: run.js --rows N --seed ${o.seed}`);
	process.on('SIGINT', endNow);
	process.on('SIGTERM', endNow);
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hlf-kit.'));
	const kit = await makeKit(o.build, folder);
	kit.plain = o.plain;
	const done = [], began = Date.now();
	for (let time = 0; time < +o.times; time++) {
		for (const row of rows) {
			console.log(`# [${Math.round((Date.now() - began) / 1000)} s] row ${row.n}, ${done.length + 1} of ${rows.length * o.times}: ${row.title}`);
			const result = await runRow(kit, row, { seed: o.seed + row.n + time * 1000, limit: +o.limit });
			done.push({ row, ...result });
			const line = `${done.length} - row ${row.n}: ${row.title}`;
			console.log(result.verdict === 'skip' ? `ok ${line} # SKIP ${result.what}`
				: `${result.verdict === 'pass' ? 'ok' : 'not ok'} ${line} (${(result.took / 1000).toFixed(1)} s)`);
			if (result.what && result.verdict !== 'skip')
				console.log(result.what.split('\n').map((text) => '#   ' + text).join('\n'));
		}
	}
	table(done);
	console.log(`1..${done.length}`);
	fs.rmSync(folder, { recursive: true, force: true });
	process.exit(done.some((d) => d.verdict === 'FAIL') ? 1 : 0);
}


main().catch((error) => { console.error(error); endNow(); });
