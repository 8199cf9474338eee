// One hotline of its own for a system test: a folder, a carrier, the quickstart's stores and daemon, and
// hotlinectl. Everything is ended by the test that began it, also when it is interrupted.
'use strict';
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn, spawnSync } = require('child_process');
const { Carrier } = require('./carrier');

const SRC = process.env.HOTLINED_SRC || path.resolve(__dirname, '../..');
const BUILD = process.env.HOTLINED_BUILD || path.join(SRC, '.build/quickstart');
const OFFICER = '+84900000001';
const QUICKSTART = path.join(SRC, 'contrib/quickstart');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Runs a program to its end: {status, out, err}. input goes to its standard input.
function run(file, args, input = '') {
	return new Promise((done, failed) => {
		const child = spawn(file, args, { env: { ...process.env, QUICKSTART_BUILD: BUILD } });
		const [out, err] = [[], []];
		child.stdout.on('data', (data) => out.push(data));
		child.stderr.on('data', (data) => err.push(data));
		child.stdin.on('error', () => {});
		child.on('error', failed);
		child.on('close', (status) => done({ status, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }));
		child.stdin.end(input);
	});
}

class World {
	constructor(options = {}) {
		this.options = options;
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hotlined-test.'));
		this.journal = fs.mkdtempSync(path.join(os.tmpdir(), 'hotlined-carrier.'));
		this.carrier = new Carrier({ journal: path.join(this.journal, 'journal'), ...options });
		this.children = [];
		this.onSignal = () => { this.endNow(); process.exit(1); };
		process.on('SIGTERM', this.onSignal);
		process.on('SIGINT', this.onSignal);
	}

	async begin() {
		this.port = await this.carrier.listen();
		if (this.options.before) // may write links.yaml, start peers
			await this.options.before(this);
		const smpp = this.options.links ? [] :
			['--smpp', `127.0.0.1:${this.port},${this.carrier.systemId},${this.carrier.password}`];
		await this.up([...smpp, '--redis', this.options.redis || 'everysec']);
		return this;
	}

	async quickstart(command, more = []) {
		const { status, out, err } = await run(QUICKSTART, [command, '--dir', this.dir, ...more]);
		if (status !== 0)
			throw new Error(`quickstart ${command} ended with ${status}\n${out}${err}`);
	}

	// A secret file among the keys; its path relative to the configuration.
	secret(name, text) {
		fs.mkdirSync(path.join(this.dir, 'keys'), { recursive: true, mode: 0o700 });
		fs.writeFileSync(path.join(this.dir, 'keys', name), text + '\n', { mode: 0o600 });
		return 'keys/' + name;
	}

	// Links in place of the SMPP one: lines of YAML, list items. Set options.links to anything.
	links(lines) {
		fs.writeFileSync(path.join(this.dir, 'links.yaml'), lines.join('\n') + '\n');
	}

	// A process that ends with the world. Output goes to a file in its folder.
	start(name, file, args, cwd = this.dir) {
		const out = fs.openSync(path.join(this.journal, name + '.log'), 'a');
		const child = spawn(file, args, { cwd, stdio: ['ignore', out, out] });
		child.on('error', () => {});
		fs.closeSync(out);
		this.children.push(child);
		return child;
	}

	up(more) { return this.quickstart('up', more); }
	crash() { return this.quickstart('crash'); }

	ctl(args, input) {
		return run(path.join(BUILD, 'hotlinectl'), ['--config', path.join(this.dir, 'hotlined.yaml'), ...args], input);
	}

	// Rows of a list command; from: a number, handed over on standard input.
	async list(name, from) {
		const args = [name, '--json', '--limit', '100000', ...(from ? ['--from', '-'] : [])];
		const { status, out, err } = await this.ctl(args, from ? from + '\n' : '');
		if (status !== 0)
			throw new Error(`hotlinectl ${name} ended with ${status}: ${err}`);
		return JSON.parse(out);
	}

	// Polls until the predicate gives a true value; its last value, true or not.
	async until(predicate, ms = 10000, every = 100) {
		const deadline = Date.now() + ms;
		for (;;) {
			const value = await predicate();
			if (value || Date.now() > deadline)
				return value;
			await sleep(every);
		}
	}

	// Where sockets and database live: the folder itself unless quickstart had to go elsewhere.
	base() {
		const link = path.join(this.dir, 'base');
		return fs.existsSync(link) ? fs.readlinkSync(link) : this.dir;
	}

	// Runs bash with the functions of contrib/quickstart.d/stores.sh (redis_stop, postgres_start, ...).
	async stores(script, args = [], input = '') {
		const begin = `set -euo pipefail; SRC=$1; D=$2; shift 2
			for part in progress machine process stores; do . "$SRC/contrib/quickstart.d/$part.sh"; done
			stores_find; stores_place\n`;
		const { status, out, err } = await run('bash', ['-c', begin + script, 'bash', SRC, this.dir, ...args], input);
		if (status !== 0)
			throw new Error(`${script}: ${err}`);
		return out;
	}

	// Runs psql or pg_dump on the private PostgreSQL; its output.
	postgres(program, args, input = '') {
		return this.stores('program=$1; shift; exec "$PGBIN/$program" "$@"', [program,
			'-h', path.join(this.base(), 'run/pg'), '-U', 'hotlined', '-d', 'hotlined', ...args], input);
	}

	async status() {
		const { status, out, err } = await this.ctl(['status', '--json']);
		if (status !== 0)
			throw new Error(`hotlinectl status ended with ${status}: ${err}`);
		const rows = JSON.parse(out);
		return Array.isArray(rows) ? rows[0] : rows;
	}

	// Signals the daemon that this world started.
	signal(name) {
		process.kill(+fs.readFileSync(path.join(this.dir, 'pid/hotlined'), 'utf8'), name);
	}

	alive() {
		try {
			this.signal(0);
			return true;
		} catch {
			return false;
		}
	}

	// What the daemon has logged so far.
	log() {
		return fs.readFileSync(path.join(this.dir, 'log/hotlined.log'), 'utf8');
	}

	// Rows of a query, as arrays of strings.
	async sql(query) {
		const out = await this.postgres('psql', ['-X', '-q', '-A', '-t'], query);
		return out.split('\n').filter(Boolean).map((line) => line.split('|'));
	}

	endNow() {
		if (this.ended)
			return;
		this.ended = true;
		for (const child of this.children)
			child.kill('SIGKILL');
		this.carrier.close();
		spawnSync(QUICKSTART, ['down', '--dir', this.dir], { stdio: 'ignore' });
		if (process.env.HOTLINED_KEEP) {
			console.log('# kept:', this.dir, this.journal);
			return;
		}
		fs.rmSync(this.base(), { recursive: true, force: true });
		fs.rmSync(this.dir, { recursive: true, force: true });
		fs.rmSync(this.journal, { recursive: true, force: true });
	}
}

// The acknowledgement code of an alert: six digits that are not a reference such as BP-123456.
const codeOf = (text) => (/(?<![-\d])\d{6}(?!\d)/.exec(text) || [''])[0];

// Prints TAP and remembers the outcome.
const tap = {
	count: 0, failed: 0,
	ok(good, name, detail = '') {
		this.count++;
		if (!good)
			this.failed++;
		console.log(`${good ? 'ok' : 'not ok'} ${this.count} - ${name}`);
		if (!good && detail)
			console.log(String(detail).split('\n').map((line) => '# ' + line).join('\n'));
		return good;
	},
};

// Runs a test over one world; ends it whatever happens.
async function test(options, body) {
	const world = new World(options);
	try {
		await world.begin();
		await body(world);
	} catch (error) {
		tap.ok(false, 'the test ran to its end', error.stack);
	} finally {
		if (tap.failed)
			showLog(world.dir);
		world.endNow();
	}
	console.log(`1..${tap.count}`);
	process.exit(tap.failed ? 1 : 0);
}

function showLog(dir) {
	const file = path.join(dir, 'log/hotlined.log');
	if (fs.existsSync(file))
		console.log(fs.readFileSync(file, 'utf8').split('\n').slice(-25).map((line) => '# ' + line).join('\n'));
}

// A port of 127.0.0.1 that nobody has now.
function freePort() {
	return new Promise((done) => {
		const server = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

// Rows of tests/data/vn-sms-examples.tsv as objects.
function examples() {
	const lines = fs.readFileSync(path.join(SRC, 'tests/data/vn-sms-examples.tsv'), 'utf8')
		.split('\n').filter((line) => line && !line.startsWith('#'));
	const names = lines.shift().split('\t');
	return lines.map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i], value])));
}

// A small seeded generator (mulberry32), so that a run can be repeated.
function random(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

module.exports = { World, freePort, tap, codeOf, test, examples, random, sleep, run, SRC, BUILD, OFFICER, QUICKSTART };
