#!/usr/bin/env node
// Proves the suite: breaks one line at a time in a copy of the source, builds it, and requires the named
// quick test to fail. usage: node sabotage.js --work DIR [--only NAME-PART] [--seed N]
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const SABOTAGES = require('./sabotages');

const SRC = process.env.HOTLINED_SRC || path.resolve(__dirname, '../..');
const TEST_MS = 180000;

function option(name, fallback) {
	const at = process.argv.indexOf('--' + name);
	return at > 0 ? process.argv[at + 1] : fallback;
}

const work = path.resolve(option('work', path.join(SRC, '.build/sabotage')));
const seed = option('seed', '7');
const only = option('only', '');
const copy = path.join(work, 'source'), build = path.join(work, 'build');

function run(file, args, more = {}) {
	const out = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...more });
	return { ok: out.status === 0, text: (out.stdout || '') + (out.stderr || '') };
}

// The tree as it is, without what was built in it. Unchanged files keep their times, so make does little.
function copySource() {
	fs.mkdirSync(copy, { recursive: true });
	const out = run('sh', ['-c', `cd '${SRC}' && tar cf - --exclude=./.git --exclude=./.build --exclude=./autom4te.cache . | tar xf - -C '${copy}'`]);
	if (!out.ok)
		throw new Error(out.text);
	const node = path.join(SRC, '.build/node');
	fs.mkdirSync(path.join(copy, '.build'), { recursive: true });
	for (const name of ['node', 'stores', 'stores.open', 'bin']) {
		if (fs.existsSync(path.join(SRC, '.build', name)) && !fs.existsSync(path.join(copy, '.build', name)))
			fs.symlinkSync(fs.realpathSync(path.join(SRC, '.build', name)), path.join(copy, '.build', name));
	}
	if (!fs.existsSync(node))
		throw new Error('tests/system/install first');
}

const make = (targets) => run(path.join(copy, 'tests/faults/plain-build'), [copy, build, ...targets],
	{ env: { ...process.env, PLAIN_CFLAGS: '-O0 -g' } });

const targetsOf = (by) => typeof by === 'number' ? ['hotlined', 'hotlinectl'] : [by];

// Runs the named tests: {ok, why}.
function test(rows, units) {
	for (const unit of units) {
		const out = run('timeout', ['60', path.join(build, unit)], { cwd: build, env: { ...process.env, CMOCKA_MESSAGE_OUTPUT: 'TAP' } });
		if (!out.ok)
			return { ok: false, why: (/^not ok.*/m.exec(out.text) || ['ended badly'])[0] };
	}
	if (!rows.length)
		return { ok: true, why: '' };
	const out = run('node', [path.join(copy, 'tests/faults/run.js'), '--rows', rows.join(), '--seed', seed, '--limit', '45', '--build', build],
		{ timeout: TEST_MS * rows.length, env: { ...process.env, HOTLINED_SRC: copy, HOTLINED_BUILD: build } });
	const lines = out.text.split('\n');
	const at = lines.findIndex((line) => /^not ok/.test(line));
	return { ok: out.ok, lines, why: at >= 0 ? `${lines[at].replace(/^not ok \d+ - /, '')}: ${(lines.slice(at + 1).find((line) => /^#   (?!\d+ of|$)/.test(line)) || '').replace('#   ', '')}`
		: lines.filter(Boolean).slice(-1)[0] || 'no output' };
}

function apply(sabotage) {
	const at = path.join(copy, sabotage.file);
	const files = fs.statSync(at).isDirectory() ? fs.readdirSync(at).map((name) => path.join(at, name)).filter((name) => fs.statSync(name).isFile()) : [at];
	const counts = files.map((name) => fs.readFileSync(name, 'utf8').split(sabotage.find).length - 1);
	const count = counts.reduce((sum, n) => sum + n, 0);
	if (count !== 1)
		throw new Error(`${sabotage.file} has ${count} times: ${sabotage.find.trim().split('\n')[0]}`);
	const file = files[counts.indexOf(1)];
	const before = fs.readFileSync(file, 'utf8');
	fs.writeFileSync(file, before.replace(sabotage.find, () => sabotage.put));
	return () => fs.writeFileSync(file, before);
}

function one(sabotage) {
	let undo = () => {};
	try {
		undo = apply(sabotage);
	} catch (error) {
		return { caught: false, why: 'does not apply: ' + error.message };
	}
	try {
		const built = make(targetsOf(sabotage.by));
		if (!built.ok)
			return { caught: false, why: 'does not build: ' + (/error.*/.exec(built.text) || [''])[0] };
		const result = typeof sabotage.by === 'number' ? test([sabotage.by], []) : test([], [sabotage.by]);
		return { caught: !result.ok, why: result.ok ? 'NOT NOTICED' : result.why };
	} finally {
		undo();
	}
}

function main() {
	const list = SABOTAGES.filter((s) => s.name.includes(only));
	const began = Date.now();
	const since = () => `[${Math.round((Date.now() - began) / 1000)} s]`;
	copySource();
	console.log(`# ${since()} building the tree as it is`);
	const units = [...new Set(list.map((s) => s.by).filter((by) => typeof by === 'string'))];
	const rows = [...new Set(list.map((s) => s.by).filter((by) => typeof by === 'number'))].sort((a, b) => a - b);
	const built = make(['hotlined', 'hotlinectl', ...units]);
	if (!built.ok) {
		console.log(built.text.split('\n').slice(-20).join('\n'));
		process.exit(1);
	}
	console.log(`# ${since()} the tests must hold without a sabotage: rows ${rows.join(' ')}, ${units.join(' ')}`);
	const clean = test(rows, units);
	console.log(`${clean.ok ? 'ok' : 'not ok'} 1 - the tests hold on the tree as it is`);
	if (!clean.ok)
		console.log(`#   ${clean.why}\n${(clean.lines || []).filter((line) => /^not ok/.test(line)).map((line) => '#   ' + line).join('\n')}`);
	let caught = 0;
	list.forEach((sabotage, i) => {
		console.log(`# ${since()} ${i + 1} of ${list.length}: ${sabotage.name}`);
		const result = one(sabotage);
		caught += result.caught;
		console.log(`${result.caught ? 'ok' : 'not ok'} ${i + 2} - ${sabotage.name}: ${result.caught ? 'caught by' : 'missed by'} ${typeof sabotage.by === 'number' ? 'row ' + sabotage.by : sabotage.by}`);
		console.log(`#   ${result.why.slice(0, 200)}`);
	});
	console.log(`# ${caught} of ${list.length} sabotages caught in ${Math.round((Date.now() - began) / 1000)} s`);
	console.log(`1..${list.length + 1}`);
	process.exit(clean.ok && caught === list.length ? 0 : 1);
}

main();
