// The examples of doc/http.md, run as they stand: only port and path are those of the test.
'use strict';
const fs = require('fs');
const path = require('path');
const { tap, test, freePort, run, SRC } = require('./world');

const EXAMPLES = 7, SOON_MS = 8000;

async function before(world) {
	world.web = await freePort();
	const generic = path.join(SRC, 'adapters/http/profiles/generic.yaml');
	const secret = world.secret('web-in', 'my-secret');
	world.links(['web', 'signed'].map((name) => `- {name: ${name}, adapter: http, profile: ${generic}, path: /${name}, ` +
		`listen: "127.0.0.1:${world.web}", short_codes: ["111"], auth: ${name === 'web' ? 'bearer' : 'hmac'}, auth_file: ${secret}}`));
}

async function main(world) {
	const blocks = fs.readFileSync(path.join(SRC, 'doc/http.md'), 'utf8').match(/```sh\n[^]*?```/g)
		.map((block) => block.replace(/```(sh)?\n?/g, ''));
	let answers = 0;
	for (const [i, block] of blocks.entries()) {
		const script = `set -euo pipefail
			curl() { command curl --noproxy '*' -sS -o /dev/null -w '%{http_code}\\n' "\${@//-i/-s}"; }\n` + block
			.replaceAll(':8080', ':' + world.web).replaceAll('/web', block.includes('openssl') ? '/signed' : '/web');
		const { status, out, err } = await run('bash', ['-c', script]);
		const codes = out.trim().split('\n');
		answers += codes.length;
		tap.ok(status === 0 && codes.every((code) => code === '200'), `example ${i + 1}: ${codes.join(' ')}`, `${status} ${err}`);
	}
	tap.ok(answers === EXAMPLES, `${answers} calls were answered`);
	const reports = await world.until(async () => (await world.list('reports', '+84912345678')).length, SOON_MS);
	tap.ok(reports, 'and reports were filed');
}

test({ before }, main);
