// A wire that can be made bad: forwards streams between the daemon and a store or a carrier, and delays,
// holds, chops, drops or cuts what passes.
'use strict';
const fs = require('fs');
const net = require('net');

class Proxy {
	// target: {path} or {port} to connect to.
	constructor(target) {
		this.target = target;
		this.pairs = new Set();
		this.heal();
	}

	// What is done to the bytes from now on; "up" is towards the target.
	// delay: ms in each direction; chunk: octets that go at once; hold: nothing passes, nothing is closed;
	// refuse: new connections are closed at once; look(up, bytes, pair): 'drop' or 'cut', or nothing.
	heal() {
		Object.assign(this, { delay: 0, chunk: 0, hold: false, refuse: false, look: null });
		for (const pair of this.pairs)
			pair.flush();
	}

	// at: {path} or {port: 0}; resolves to the port.
	listen(at) {
		if (at.path)
			fs.rmSync(at.path, { force: true });
		this.server = net.createServer((down) => this.onConnection(down));
		return new Promise((done, failed) => {
			this.server.on('error', failed);
			this.server.listen(at.path ? { path: at.path } : { host: '127.0.0.1', port: at.port || 0 },
				() => done(this.server.address().port));
		});
	}

	onConnection(down) {
		if (this.refuse) {
			down.destroy();
			return;
		}
		const up = net.connect(this.target.path ? { path: this.target.path }
			: { host: '127.0.0.1', port: this.target.port });
		const pair = { down, up, waiting: [] };
		pair.flush = () => { for (const pass of pair.waiting.splice(0)) pass(); };
		this.pairs.add(pair);
		for (const [from, to] of [[down, up], [up, down]]) {
			from.setNoDelay && from.setNoDelay(true);
			from.on('data', (bytes) => this.onData(pair, from === down, to, bytes));
			from.on('error', () => this.end(pair));
			from.on('close', () => this.end(pair));
		}
	}

	onData(pair, up, to, bytes) {
		const verdict = this.look && this.look(up, bytes, pair);
		if (verdict === 'cut')
			this.end(pair);
		if (verdict)
			return;
		const pass = () => to.destroyed || this.write(to, bytes);
		if (this.hold || pair.held || pair.waiting.length)
			pair.waiting.push(pass);
		else if (this.delay)
			setTimeout(pass, this.delay);
		else
			pass();
	}

	write(to, bytes) {
		for (let at = 0; at < bytes.length; at += this.chunk || bytes.length)
			to.write(bytes.subarray(at, at + (this.chunk || bytes.length)));
	}

	// A connection held still is not told that its other end has gone: that is what half-open means.
	end(pair) {
		if (this.hold || pair.held)
			return;
		this.pairs.delete(pair);
		pair.down.destroy();
		pair.up.destroy();
	}

	// Today's connections stand still for ever; new ones work.
	holdThese() {
		for (const pair of this.pairs)
			pair.held = true;
	}

	cut() {
		for (const pair of [...this.pairs]) {
			this.pairs.delete(pair);
			pair.down.destroy();
			pair.up.destroy();
		}
	}

	close() {
		this.cut();
		if (this.server)
			this.server.close();
	}
}

module.exports = { Proxy };
