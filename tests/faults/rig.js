// One hotline under test with every part of it in reach: Redis, PostgreSQL, the daemon and its carrier are
// processes or servers of this rig, each can be stopped, starved, cut off or started again by itself.
'use strict';
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn, spawnSync, execFileSync } = require('child_process');
const { LedgerCarrier } = require('./carrier');
const { Proxy } = require('./proxy');
const { random, sleep, examples } = require('../system/world');

const SRC = process.env.HOTLINED_SRC || path.resolve(__dirname, '../..');
const OFFICERS = ['+84900000001', '+84900000002'];
const ROOT = process.getuid() === 0;
const SHIM_AT = { wall_s: 0, sync_errno: 8, sync_ms: 16, syncs: 24, alloc_fail: 32, allocs: 40, alloc_count: 48, boot_s: 56 };
// Examples that the flow answers with silence, or takes to be less urgent than they are.
const UNLIKE = new Set(['S69', 'S70']);
const WEB_SECRET = 'a-long-shared-secret';
const READY_MS = 20000;

// A row that cannot run on this machine throws it, with the reason.
class Skip extends Error {}

function need(condition, why) {
	if (!condition)
		throw new Skip(why);
}

// Runs a program to its end; its output. Throws with its errors when it fails.
function sh(file, args, options = {}) {
	return execFileSync(file, args, { stdio: ['pipe', 'pipe', 'pipe'], encoding: 'utf8', ...options });
}

const shell = (text) => sh('bash', ['-c', text]);
const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

// Where the servers are: as contrib/quickstart finds or unpacks them.
function findStores() {
	const out = shell(`set -euo pipefail; SRC='${SRC}'
		for part in progress machine process stores; do . "$SRC/contrib/quickstart.d/$part.sh"; done
		stores_find >&2; echo "$PGBIN"; echo "$REDIS_SERVER"; echo "$REDIS_CLI"`);
	const [pgbin, redis, redisCli] = out.trim().split('\n');
	return { pgbin, redis, redisCli };
}

function freePort() {
	return new Promise((done) => {
		const server = net.createServer();
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

// CRC-32C, as the spool's records carry it.
function crc32c(bytes) {
	let crc = ~0;
	for (const byte of bytes) {
		crc ^= byte;
		for (let i = 0; i < 8; i++)
			crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
	}
	return ~crc >>> 0;
}

class Rig {
	// kit: {build, stores, tools, template}, made once for a run.
	constructor(kit, seed, say = () => {}) {
		Object.assign(this, { kit, seed, say, rand: random(seed) });
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hlf.'));
		fs.chmodSync(this.dir, 0o711);
		for (const name of ['run', 'pg-run', 'log', 'redis', 'spool'])
			fs.mkdirSync(this.at(name), { mode: 0o711 });
		this.processes = new Map(); // name -> {pid, child, ended}
		this.proxies = [];
		this.mounts = [];
		this.cgroups = [];
		this.carriers = [];
		this.numbers = { text: 0 };
		this.senders = 0;
		this.screens = [];      // of USSD sessions: {ms, ok}
		this.env = {};          // of the daemon
		this.settings = {};     // of hotlined.yaml, over the defaults
		this.wrap = [];         // words before the daemon
		this.build = kit.build;
		this.ledgerFile = this.at('ledger');
	}

	at(...names) { return path.join(this.dir, ...names); }
	pick(list) { return list[Math.floor(this.rand() * list.length)]; }
	between(low, high) { return low + Math.floor(this.rand() * (high - low + 1)); }

	// ---- processes ----

	launch(name, words, env = {}) {
		const log = fs.openSync(this.at('log', name + '.log'), 'a');
		const child = spawn(words[0], words.slice(1), { detached: true, stdio: ['ignore', log, log],
			cwd: '/', env: { ...process.env, ...env } });
		fs.closeSync(log);
		const process_ = { pid: child.pid, child, ended: null };
		process_.gone = new Promise((done) => child.on('exit', (status, signal) => {
			process_.ended = { status, signal };
			done(process_.ended);
		}));
		child.on('error', () => {});
		this.processes.set(name, process_);
		return process_;
	}

	signal(name, signal) {
		const p = this.processes.get(name);
		if (p && !p.ended)
			process.kill(p.pid, signal);
	}

	// Ends it and waits; how it ended.
	async end(name, signal = 'SIGKILL', ms = 30000) {
		const p = this.processes.get(name);
		if (!p || p.ended)
			return p && p.ended;
		process.kill(p.pid, signal);
		return Promise.race([p.gone, sleep(ms).then(() => { throw new Error(`${name} does not end by ${signal}`); })]);
	}

	// ---- Redis ----

	async startRedis(name = 'redis', more = []) {
		const dir = this.at(name);
		const fill = (file) => fs.readFileSync(path.join(SRC, 'contrib/quickstart.d', file), 'utf8');
		fs.mkdirSync(dir, { recursive: true });
		const password = fs.readFileSync(this.at('keys/redis.password'), 'utf8').trim();
		const digest = require('crypto').createHash('sha256').update(password).digest('hex');
		fs.writeFileSync(path.join(dir, 'users.acl'), fill('redis.acl').replace('@DIGEST@', digest) +
			'user admin on nopass ~* &* +@all\n');
		fs.writeFileSync(path.join(dir, 'redis.conf'), fill('redis.conf').replace(/@DIR@\/redis/g, dir)
			.replace(/@RUN@\/redis\.sock/g, `${dir}/redis.sock`).replace(/@FSYNC@/g, 'everysec') +
			'enable-debug-command local\n' + more.join('\n') + '\n');
		this.launch(name, [this.kit.stores.redis, path.join(dir, 'redis.conf')]);
		await this.until(() => this.redis(['ping'], name) === 'PONG', 10000, 'Redis answers');
	}

	redis(args, name = 'redis') {
		const out = spawnSync(this.kit.stores.redisCli, ['-s', this.at(name, 'redis.sock'), '--user', 'admin',
			'--pass', 'x', '--no-auth-warning', ...args], { encoding: 'utf8', timeout: 10000 });
		return (out.stdout || '').trim();
	}

	// Entries that wait in the report queues.
	queued() {
		const out = spawnSync(this.kit.stores.redisCli, ['-s', this.at('redis', 'redis.sock'), '--user', 'admin',
			'--pass', 'x', '--no-auth-warning'], { encoding: 'utf8', timeout: 10000,
			input: Array.from({ length: 64 }, (_, p) => `XLEN q:{${p}}`).join('\n') + '\n' });
		return (out.stdout || '').split('\n').filter((line) => /^(\(integer\) )?\d+$/.test(line))
			.reduce((sum, line) => sum + +line.replace(/\D/g, ''), 0);
	}

	// ---- PostgreSQL ----

	pgAs() { return ROOT ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : []; }

	// Data folder: a copy of the template's, in `where` (a mounted file system) if given.
	placePostgres(where) {
		const data = where ? path.join(where, 'pg') : this.at('pg');
		sh('cp', ['-a', path.join(this.kit.template, 'pg'), data]);
		this.pgData = data;
	}

	async startPostgres() {
		if (!this.pgData)
			this.placePostgres();
		if (ROOT)
			sh('chown', ['nobody:nogroup', this.at('pg-run')]);
		fs.rmSync(path.join(this.pgData, 'postmaster.pid'), { force: true });
		this.launch('postgres', [...this.pgAs(), path.join(this.kit.stores.pgbin, 'postgres'), '-D', this.pgData,
			'-c', `unix_socket_directories=${this.at('pg-run')}`]);
		await this.until(() => this.trySql('select 1', 'postgres') !== null, 30000, 'PostgreSQL answers');
	}

	psql(query, user, database) {
		return spawnSync(path.join(this.kit.stores.pgbin, 'psql'), ['-X', '-q', '-A', '-t', '-F', '\t', '-v',
			'ON_ERROR_STOP=1', '-h', this.at('pg-run'), '-U', user, '-d', database],
		{ encoding: 'utf8', input: query, timeout: 20000, maxBuffer: 1 << 28 });
	}

	trySql(query, user = 'hotlined') {
		const out = this.psql(query, user, user === 'postgres' ? 'postgres' : 'hotlined');
		return out.status === 0 ? out.stdout.split('\n').filter(Boolean).map((line) => line.split('\t')) : null;
	}

	// Rows of a query as arrays of strings.
	sql(query, user = 'hotlined') {
		const out = this.psql(query, user, user === 'postgres' ? 'postgres' : 'hotlined');
		if (out.status !== 0)
			throw new Error(`psql: ${out.stderr}`);
		return out.stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
	}

	async stopPostgres(signal = 'SIGINT') {
		await this.end('postgres', signal);
	}

	// Postmaster and backends.
	postgresPids() {
		const p = this.processes.get('postgres');
		const out = spawnSync('pgrep', ['-P', String(p.pid)], { encoding: 'utf8' }).stdout;
		return [p.pid, ...out.split('\n').filter(Boolean).map(Number)];
	}

	// ---- the carrier ----

	async addCarrier(name = 'carrier', options = {}) {
		const carrier = new LedgerCarrier({ journal: this.ledgerFile, numbers: this.numbers, window: 50, ...options });
		carrier.name = name;
		carrier.port = await carrier.listen();
		this.carriers.push(carrier);
		return carrier;
	}

	get carrier() { return this.carriers[0]; }

	// ---- wires that can be made bad; to be asked for before start() ----

	async badWire(which) {
		const target = { redis: { path: this.at('redis/redis.sock') }, postgres: { path: this.at('pg-run/.s.PGSQL.5432') },
			carrier: { port: this.carrier && this.carrier.port } }[which];
		const proxy = new Proxy(target);
		this.proxies.push(proxy);
		fs.mkdirSync(this.at('wire'), { recursive: true });
		const at = { redis: { path: this.at('wire/redis.sock') }, postgres: { path: this.at('wire/.s.PGSQL.5432') },
			carrier: { port: 0 } }[which];
		proxy.port = await proxy.listen(at);
		if (which === 'redis')
			this.settings.redis = this.at('wire/redis.sock');
		else if (which === 'postgres')
			this.settings.postgres = this.at('wire');
		else
			this.carrier.wire = proxy.port;
		return proxy;
	}

	// ---- the daemon ----

	config(node = 'faults', over = {}) {
		const s = { redis: this.at('redis/redis.sock'), postgres: this.at('pg-run'), spool: this.at('spool'),
			control: this.at('run/control.sock'), flows: path.join(SRC, 'flows/hotline'), enquire: '1s',
			carriers: this.carriers, segment: 4, ...this.settings, ...over };
		const links = s.carriers.map((c) => `  - {name: ${c.name}, carrier: carrier, adapter: smpp, host: "127.0.0.1", ` +
			`port: ${c.wire || c.port}, system_id: "${c.systemId}", password_file: "${this.at('keys/smpp.password')}", ` +
			`short_codes: ["111"], enquire_link: ${s.enquire}, window: 100${s.link || ''}}`);
		return [`node: ${node}`, `keys: {dir: "${this.at('keys')}", team: hotline}`,
			`spool: {dir: "${s.spool}", segment_mb: ${s.segment}}`,
			`redis: {socket: "${s.redis}", user: hotlined, password_file: "${this.at('keys/redis.password')}"}`,
			`postgres: {conninfo: "host=${s.postgres} port=5432 dbname=hotlined user=hotlined"}`,
			`control: {socket: "${s.control}"}`, `flows: {dir: "${s.flows}"}`, 'short_codes: ["111"]',
			'links:', ...links, ...this.webLink(node), '  - {name: sim, adapter: sim, short_codes: ["111"]}', ''].join('\n');
	}

	// The link over HTTP, of the first daemon only.
	webLink(node) {
		if (node !== 'faults')
			return [];
		fs.writeFileSync(this.at('keys/web.secret'), WEB_SECRET, { mode: 0o600 });
		return [`  - {name: web, adapter: http, profile: "${path.join(SRC, 'adapters/http/profiles/generic.yaml')}", path: /web, ` +
			`listen: "127.0.0.1:${this.webPort}", auth: bearer, auth_file: "${this.at('keys/web.secret')}", ` +
			'deadline: 1500ms, per_address: 24, short_codes: ["111"]}'];
	}

	// One request to the link over HTTP: {status, ms, text}; status 0 when there was no answer.
	web(what, body, ms = 12000) {
		const began = Date.now();
		return new Promise((done) => {
			const end = (status, text) => done({ status, ms: Date.now() - began, text });
			const json = what === 'ussd';
			const request = http.request({ host: '127.0.0.1', port: this.webPort, path: `/web/${what}`, method: 'POST', timeout: ms,
				agent: false, headers: { Authorization: `Bearer ${WEB_SECRET}`, 'Content-Type': json ? 'application/json' : 'application/x-www-form-urlencoded' } },
			(answer) => {
				let text = '';
				answer.on('data', (bytes) => { text += bytes; });
				answer.on('end', () => end(answer.statusCode, text));
				answer.on('error', () => end(0, ''));
			});
			request.on('timeout', () => request.destroy());
			request.on('error', () => end(0, ''));
			request.end(json ? JSON.stringify(body) : new URLSearchParams(body).toString());
		});
	}

	// Somebody dials and answers the first screen; the slower of the two screens is remembered for the checker.
	async dial() {
		const [from, session] = [this.sender(), `s${++this.senders}`];
		const first = await this.web('ussd', { session, from, to: '*111#', event: 'begin' });
		const second = await this.web('ussd', { session, from, to: '*111#', event: 'answer', turn: '1', text: '1' });
		for (const screen of [first, second])
			this.screens.push({ ms: screen.ms, ok: screen.status === 200 && screen.text.length > 0 });
	}

	// A text over HTTP, in the ledger like the carrier's.
	async webText(from, text) {
		const id = ++this.numbers.text;
		this.carrier.journal({ event: 'text', text: id, from, expect: 'report', ns: [`web${id}`] });
		for (;;) {
			this.carrier.ledger({ event: 'deliver', n: `web${id}`, sends: 1 });
			const answer = await this.web('sms', { from, to: '111', text, id: `web${id}` });
			this.carrier.ledger({ event: 'answer', n: `web${id}`, status: answer.status >= 200 && answer.status < 300 ? 0 : answer.status === 503 || !answer.status ? 0x14 : answer.status });
			if (answer.status >= 200 && answer.status < 300)
				return;
			await sleep(300);
		}
	}

	writeConfig(name = 'hotlined', node, over) {
		const file = this.at(name + '.yaml');
		fs.writeFileSync(file, this.config(node, over), { mode: 0o600 });
		return file;
	}

	// Preloads the shim; shim(name, value) sets a knob.
	useShim() {
		const file = this.at('shim');
		fs.writeFileSync(file, Buffer.alloc(4096));
		const asan = this.sanitized() && /=> (\S*libasan\S*)/.exec(sh('ldd', [path.join(this.build, 'hotlined')]));
		this.env.HL_SHIM = file;
		this.env.LD_PRELOAD = [asan && asan[1], this.kit.tools[this.sanitized() ? 'shim' : 'shim_alloc']]
			.filter(Boolean).join(':');
	}

	shim(name, value) {
		const fd = fs.openSync(this.env.HL_SHIM, 'r+');
		const bytes = Buffer.alloc(8);
		if (value !== undefined) {
			bytes.writeBigInt64LE(BigInt(value));
			fs.writeSync(fd, bytes, 0, 8, SHIM_AT[name]);
		}
		fs.readSync(fd, bytes, 0, 8, SHIM_AT[name]);
		fs.closeSync(fd);
		return Number(bytes.readBigInt64LE());
	}

	sanitized() {
		if (this.sanitizedBuild !== this.build) {
			this.sanitizedBuild = this.build;
			this.isSanitized = /__asan_init/.test(fs.readFileSync(path.join(this.build, 'hotlined'), 'latin1'));
		}
		return this.isSanitized;
	}

	launchDaemon(name = 'hotlined', config = this.at('hotlined.yaml')) {
		const leaks = this.wrap.some((word) => /strace/.test(word)) ? 0 : 1;
		return this.launch(name, [...this.wrap, path.join(this.build, 'hotlined'), '--config', config], {
			ASAN_OPTIONS: `detect_leaks=${leaks}:verify_asan_link_order=0:abort_on_error=0`,
			UBSAN_OPTIONS: 'print_stacktrace=1', ...this.env });
	}

	// Starts the daemon and waits until it is bound; ms from start to bound.
	async startDaemon() {
		const began = Date.now();
		let bound = null;
		for (const carrier of this.carriers)
			carrier.once('bound', () => { bound = bound || Date.now(); });
		const p = this.launchDaemon();
		await this.until(() => p.ended || bound, READY_MS, 'the daemon is bound').catch((error) => { if (!p.ended) throw error; });
		if (p.ended)
			throw new Error(`the daemon ended at its start: ${JSON.stringify(p.ended)}\n${this.logTail()}`);
		return bound - began;
	}

	kill() { return this.end('hotlined', 'SIGKILL'); }
	running() { const p = this.processes.get('hotlined'); return Boolean(p && !p.ended); }
	pid() { return this.processes.get('hotlined').pid; }

	logText(name = 'hotlined') {
		const file = this.at('log', name + '.log');
		return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
	}

	logTail(lines = 12) { return this.logText().split('\n').slice(-lines).join('\n'); }

	// Stores, carrier and daemon, in order.
	async start() {
		sh('cp', ['-a', path.join(this.kit.template, 'keys'), this.dir]);
		if (!this.carrier)
			await this.addCarrier();
		this.webPort = await freePort();
		await Promise.all([this.startRedis(), this.startPostgres()]);
		this.writeConfig();
		await this.startDaemon();
		return this;
	}

	// One request over the control socket; rejects when nothing comes in time.
	ask(cmd, args = {}, { ms = 10000, socket = this.at('run/control.sock') } = {}) {
		return new Promise((done, failed) => {
			let text = '';
			const at = net.connect({ path: socket });
			const timer = setTimeout(() => { at.destroy(); failed(new Error(`no answer to ${cmd}`)); }, ms);
			at.on('error', (error) => { clearTimeout(timer); failed(error); });
			at.on('connect', () => at.write(JSON.stringify({ cmd, args }) + '\n'));
			at.on('data', (bytes) => {
				text += bytes;
				if (!text.includes('\n'))
					return;
				clearTimeout(timer);
				at.destroy();
				const answer = JSON.parse(text.slice(0, text.indexOf('\n')));
				answer.ok ? done(answer.data) : failed(new Error(`${cmd}: ${answer.error}`));
			});
		});
	}

	status(socket) { return this.ask('status', {}, { ms: 3000, socket }).catch(() => null); }

	// Time passes for what PostgreSQL has set: timers and leases are due so much sooner.
	advance(seconds) {
		this.sql(`update timers set due_at = due_at - interval '${seconds} s' where state = 'armed';
			update timers set fired_at = fired_at - interval '${seconds} s' where fired_at is not null;
			update escalations set fired_at = fired_at - interval '${seconds} s' where fired_at is not null;
			update notifications set next_at = next_at - interval '${seconds} s' where state in ('pending', 'sending')`);
	}

	async until(predicate, ms, what, every = 50) {
		const deadline = Date.now() + ms;
		for (;;) {
			const value = await predicate();
			if (value)
				return value;
			if (Date.now() > deadline)
				throw new Error(`not within ${ms} ms: ${what}`);
			await sleep(every);
		}
	}

	// ---- traffic ----

	sender() { return '+8491' + String(1000000 + (this.seed * 7919) % 1000000 + ++this.senders); }

	// A text of the corpus that is a report, with words of its own at the end.
	words(urgency = 'khan_cap') {
		this.corpus = this.corpus || examples().filter((row) => row.text.length < 130 && !UNLIKE.has(row.id));
		const rows = this.corpus.filter((row) => row.urgency === urgency);
		return `${this.pick(rows).text} nha so ${++this.senders}`;
	}

	// Opening texts of as many people; resolves when all are acknowledged. every: ms between two.
	async texts(count, { urgency, every = 0, carrier = this.carrier } = {}) {
		const sent = [];
		for (let i = 0; i < count; i++) {
			const from = this.sender();
			const text = this.words(urgency || (i % 3 === 2 ? 'cao' : 'khan_cap'));
			sent.push(carrier.text({ from, text, encoding: /[^\x00-\x7f]/.test(text) ? 'ucs2' : 'gsm7' }));
			if (every || i % 20 === 19)
				await sleep(every);
		}
		return { all: Promise.all(sent), sent };
	}

	// As texts(), and waits for the answers no longer than ms.
	async textsIn(count, ms = 10000, options = {}) {
		const { all } = await this.texts(count, options);
		await Promise.race([all, sleep(ms).then(() => { throw new Error(`${count} texts were not acknowledged in ${ms} ms`); })]);
	}

	// The officer's code of the newest alert of this case (or of any).
	codeFor(officer, ref = '') {
		const alerts = this.carrier.submits.filter((sms) => sms.to === officer && sms.text.includes(ref));
		const last = alerts[alerts.length - 1];
		return last ? (/(?<![-\d])\d{6}(?!\d)/.exec(last.text) || [''])[0] : '';
	}

	// ---- places that can fail ----

	// A file system of its own, as root: {fs: 'tmpfs' | 'ext4', mb, inodes}. The folder it is mounted at.
	mount(name, { type, mb, inodes }) {
		need(ROOT, 'mounting needs root');
		const at = this.at(name);
		fs.mkdirSync(at, { recursive: true });
		try {
			if (type === 'tmpfs') {
				sh('mount', ['-t', 'tmpfs', '-o', `size=${mb}m` + (inodes ? `,nr_inodes=${inodes}` : ''), 'none', at]);
			} else {
				need(has('mkfs.ext4'), 'there is no mkfs.ext4');
				sh('truncate', ['-s', `${mb}M`, at + '.img']);
				sh('mkfs.ext4', ['-q', '-F', ...(inodes ? ['-N', String(inodes)] : []), at + '.img']);
				sh('mount', ['-o', 'loop', at + '.img', at]);
			}
		} catch (error) {
			throw error instanceof Skip ? error : new Skip(`no ${type} can be mounted: ${String(error.stderr || error.message).trim().split('\n')[0]}`);
		}
		this.mounts.push(at);
		fs.chmodSync(at, 0o711);
		return at;
	}

	umount(at) {
		spawnSync('umount', ['-l', at]);
		this.mounts = this.mounts.filter((other) => other !== at);
	}

	// Puts the daemon into a control group: set(files) writes limits. controller: memory or cpu.
	cgroup(controller, files) {
		const one = fs.existsSync('/sys/fs/cgroup/cgroup.controllers');
		const at = path.join('/sys/fs/cgroup', one ? '' : controller, path.basename(this.dir));
		try {
			fs.mkdirSync(at);
			this.cgroups.push(at);
			for (const [name, value] of Object.entries(files[one ? 'v2' : 'v1']))
				fs.writeFileSync(path.join(at, name), String(value));
			fs.writeFileSync(path.join(at, 'cgroup.procs'), String(this.pid()));
		} catch (error) {
			throw new Skip(`no ${controller} control group can be made: ${error.code}`);
		}
		return at;
	}

	// Bytes of files that fill what is left of a file system.
	fill(at) {
		spawnSync('sh', ['-c', `cat /dev/zero >'${at}/filler' 2>/dev/null; sync -f '${at}'`]);
	}

	unfill(at) { fs.rmSync(path.join(at, 'filler'), { force: true }); }

	// ---- the end ----

	async close() {
		for (const p of this.processes.values()) {
			if (!p.ended) {
				try { process.kill(-p.pid, 'SIGCONT'); process.kill(-p.pid, 'SIGKILL'); } catch { /* it has just ended */ }
			}
		}
		await Promise.race([Promise.all([...this.processes.values()].map((p) => p.gone)), sleep(5000)]);
		for (const proxy of this.proxies)
			proxy.close();
		for (const carrier of this.carriers)
			carrier.close();
		this.remove();
	}

	remove() {
		for (const at of [...this.mounts].reverse())
			spawnSync('umount', ['-l', at]);
		for (const at of this.cgroups)
			spawnSync('rmdir', [at]);
		if (process.env.HOTLINED_KEEP)
			console.log('# kept:', this.dir);
		else
			fs.rmSync(this.dir, { recursive: true, force: true });
	}

	closeNow() {
		for (const p of this.processes.values()) {
			try { process.kill(-p.pid, 'SIGKILL'); } catch { /* ended */ }
		}
		this.remove();
	}
}

// What all rigs of a run start from: servers, small programs, and a folder with keys and a database with a
// roster in it.
async function makeKit(build, where) {
	const kit = { crc32c, build, stores: findStores(), tools: {}, template: path.join(where, 'template') };
	const cc = process.env.CC || 'cc';
	for (const [name, source, options] of [['shim', 'shim.c', ['-shared', '-fPIC']],
		['shim_alloc', 'shim.c', ['-shared', '-fPIC', '-DSHIM_ALLOC']], ['powercut', 'powercut.c', []]]) {
		kit.tools[name] = path.join(where, options.length ? name + '.so' : name);
		sh(cc, ['-O1', '-Wall', '-o', kit.tools[name], ...options, path.join(__dirname, source), '-ldl']);
	}
	fs.mkdirSync(kit.template);
	const rig = new Rig(kit, 1);
	try {
		await fillTemplate(rig);
	} finally {
		await rig.close();
	}
	return kit;
}

async function fillTemplate(rig) {
	const { template, stores, build } = rig.kit;
	const ctl = path.join(build, 'hotlinectl');
	const pg = path.join(template, 'pg');
	sh(ctl, ['keys', 'init', '--dir', path.join(template, 'keys'), '--team', 'hotline']);
	fs.writeFileSync(path.join(template, 'keys/redis.password'), require('crypto').randomBytes(24).toString('hex'), { mode: 0o600 });
	fs.writeFileSync(path.join(template, 'keys/smpp.password'), 'secret', { mode: 0o600 });
	fs.mkdirSync(pg, { mode: 0o700 });
	fs.chmodSync(template, 0o711);
	if (ROOT) {
		fs.chmodSync(path.dirname(template), 0o711);
		sh('chown', ['nobody:nogroup', pg]);
	}
	const as = rig.pgAs();
	const initdb = [...as, path.join(stores.pgbin, 'initdb'), '-D', pg, '-U', 'postgres', '--auth=peer', '--encoding=UTF8',
		'--locale=C.UTF-8'];
	sh(initdb[0], initdb.slice(1), { cwd: '/' });
	fs.writeFileSync(path.join(pg, 'postgresql.conf'), fs.readFileSync(path.join(SRC, 'contrib/quickstart.d/postgresql.conf'), 'utf8')
		.replace("'@RUN@'", "'/tmp'"));
	fs.writeFileSync(path.join(pg, 'pg_hba.conf'), 'local all all peer map=faults\n');
	fs.writeFileSync(path.join(pg, 'pg_ident.conf'), ['hotlined', 'postgres'].map((role) =>
		`faults ${os.userInfo().username} ${role}\n`).join(''));
	await rig.addCarrier();
	rig.webPort = await freePort();
	sh('cp', ['-a', path.join(template, 'keys'), rig.dir]);
	await Promise.all([rig.startRedis(), rig.startPostgres()]);
	rig.sql('create role hotlined login', 'postgres');
	rig.sql('create database hotlined owner hotlined', 'postgres');
	const config = rig.writeConfig();
	sh(ctl, ['--config', config, 'db', 'migrate']);
	await rig.startDaemon();
	fs.writeFileSync(rig.at('roster.yaml'), 'officers:\n' + OFFICERS.map((number, i) =>
		`  - {name: officer${i + 1}, number: "${number}", teams: [hotline]}\n`).join(''));
	await rig.until(async () => (await rig.status() || {}).postgres === 'up', 10000, 'PostgreSQL is up');
	sh(ctl, ['--config', config, 'roster', 'import', rig.at('roster.yaml')]);
	await rig.end('hotlined', 'SIGTERM');
	await rig.stopPostgres();
	fs.rmSync(pg, { recursive: true });
	sh('cp', ['-a', rig.pgData, pg]);
}

module.exports = { Rig, Skip, need, has, sh, makeKit, sleep, SRC, OFFICERS, ROOT };
