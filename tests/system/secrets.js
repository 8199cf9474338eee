// After a run, no number and no text of it is readable anywhere: logs, spool, Redis's files, a dump of
// PostgreSQL, its data files with the write-ahead log, process titles.
'use strict';
const fs = require('fs');
const path = require('path');
const { tap, test, codeOf, sleep, OFFICER } = require('./world');

const NUMBERS = ['+84912777123', '+84868555777'];
const TEXTS = ['Con tên Nguyễn Thị Bích Trâm, ba hay đánh con bằng dây điện, con sợ lắm, nhà sau chợ Bù Nho',
	'chau la Tran Quoc Vuong lop 5a2, bi cau ruot nhot trong chuong bo, cuu chau voi'];
// Words that nothing but these texts can hold (the flows, too, name what children write).
const FRAGMENTS = ['Bích Trâm', 'chợ Bù Nho', 'Quoc Vuong', 'lop 5a2'];

// Each secret as it could lie in a file: UTF-8, UTF-16 big-endian, folded, JSON escaped.
function needles() {
	const list = [];
	for (const number of [...NUMBERS, OFFICER])
		list.push(...[number.slice(3), number.slice(1)].flatMap((n) => [n, n.split('').join('\0')]));
	for (const text of FRAGMENTS) {
		const folded = text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/đ/g, 'd').toLowerCase();
		list.push(text, folded, text.normalize('NFD'), JSON.stringify(text).slice(1, -1));
		list.push(Buffer.from(text, 'utf16le').swap16().toString('latin1'));
	}
	return [...new Set(list)].map((text) => ({ text, bytes: Buffer.from(text, /[\0]/.test(text) ? 'latin1' : 'utf8') }));
}

function* files(folder) {
	for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
		const file = path.join(folder, entry.name);
		if (entry.isDirectory())
			yield* files(file);
		else if (entry.isFile())
			yield file;
	}
}

// Files under folders that hold one of the needles, as "file: needle number".
function search(folders, skip = () => false) {
	const found = [];
	const list = needles();
	for (const folder of folders) {
		for (const file of files(folder)) {
			if (skip(file))
				continue;
			const bytes = fs.readFileSync(file);
			list.forEach((needle, i) => { if (bytes.includes(needle.bytes)) found.push(`${file}: needle ${i}`); });
		}
	}
	return found;
}

function titles() {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && +name !== process.pid).filter((pid) => {
		try {
			const line = fs.readFileSync(`/proc/${pid}/cmdline`);
			return line.includes('hotlined') && needles().some((needle) => line.includes(needle.bytes));
		} catch {
			return false;
		}
	});
}

async function main(world) {
	for (const [i, from] of NUMBERS.entries())
		await world.carrier.text({ from, text: TEXTS[i], encoding: i ? 'gsm7' : 'ucs2' });
	await world.until(async () => (await world.list('cases')).length >= NUMBERS.length);
	const alert = await world.carrier.expect((sms) => sms.to === OFFICER, 5000, 'an alert').catch(() => null);
	const code = alert && codeOf(alert.text);
	await world.carrier.text({ from: OFFICER, text: 'NHAN ' + (code || '000000'), encoding: 'gsm7' });
	await world.carrier.text({ from: NUMBERS[0], text: '1', encoding: 'gsm7' });
	await sleep(1000);
	const running = titles();
	tap.ok(!running.length, 'no process title holds a secret', running.join(' '));
	const text = await world.postgres('pg_dump', []);
	tap.ok(text.includes('create table') || text.includes('CREATE TABLE'), 'the dump is one');
	// The daemon dies in the middle of things, so that what lies on disk is what a thief would find.
	await world.crash();
	const own = new Set(['roster.yaml', '.lock', 'options'].map((name) => path.join(world.dir, name)));
	const found = search([...new Set([world.dir, world.base()])], (file) => own.has(file));
	tap.ok(!found.length, 'logs, spool, Redis and PostgreSQL hold no number and no text', found.join('\n'));
	const dumped = needles().filter((needle) => text.includes(needle.text)).length;
	tap.ok(!dumped, 'a dump holds no number and no text', dumped);
	const planted = path.join(world.dir, 'log', 'planted');
	fs.writeFileSync(planted, TEXTS[0] + NUMBERS[1]);
	tap.ok(search([path.dirname(planted)]).length >= 3, 'the search finds what is planted');
}

test({ redis: 'always' }, main);
