// Every synthetic example as a first message from its own number, in its own encoding and number of
// parts: none lost, none refused, and every urgent one has a case and an alert at the officer's phone.
'use strict';
const { tap, test, codesOf, examples, OFFICER } = require('./world');

const URGENT = new Set(['khan_cap', 'cao']);
const pad = (text, width) => String(text).padEnd(width);

async function main(world) {
	const rows = examples().map((row, i) => ({ ...row, from: '+849120' + String(i + 1).padStart(5, '0') }));
	const parts = await Promise.all(rows.map((row) =>
		world.carrier.text({ from: row.from, text: row.text, encoding: row.encoding })));
	const wrongParts = rows.filter((row, i) => parts[i] !== +row.segments);
	tap.ok(!wrongParts.length, `${rows.length} texts went out in the parts the table names`,
		wrongParts.map((row) => row.id).join(' '));
	tap.ok(!world.carrier.counts.refused, 'none was refused', JSON.stringify(world.carrier.refusals));

	// A row marked "khong" is no report; everything else must become one.
	const wanted = rows.filter((row) => row.urgency !== 'khong');
	await world.until(async () => (await world.list('reports')).length >= wanted.length, 20000, 300);
	for (const row of rows) {
		row.messages = await world.list('messages', row.from);
		row.reports = await world.list('reports', row.from);
		row.found = row.reports[0] || {};
	}
	const urgent = rows.filter((row) => URGENT.has(row.urgency));
	const alerts = () => world.carrier.submits.filter((sms) => sms.to === OFFICER);
	await world.until(() => alerts().length >= urgent.length, 20000);
	const cases = new Map((await world.list('cases')).map((row) => [row.ref, row]));
	const notices = await world.list('notifications');

	console.log(`# ${pad('id', 5)}${pad('encoding', 10)}${pad('parts', 6)}${pad('expected', 12)}${pad('found', 12)}` +
		`${pad('expected kind', 24)}${pad('found kind', 24)}case`);
	for (const row of rows)
		console.log(`# ${pad(row.id, 5)}${pad(row.encoding, 10)}${pad(row.segments, 6)}${pad(row.urgency, 12)}` +
			`${pad(row.found.urgency || '-', 12)}${pad(row.kind, 24)}${pad(row.found.kind || '-', 24)}` +
			(row.found.case_ref || '-'));
	const same = (key) => rows.filter((row) => (row.found[key] || 'khong') === row[key]).length;
	console.log(`# the same urgency: ${same('urgency')} of ${rows.length}; the same kind: ${same('kind')}`);

	const missing = (name, list) => tap.ok(!list.length, name, list.map((row) => row.id).join(' '));
	missing('every text is on record', rows.filter((row) => row.messages.length === 0));
	missing('every report is there exactly once', wanted.filter((row) => row.reports.length !== 1));
	missing('every khan_cap and cao row has an open case', urgent.filter((row) => !cases.has(row.found.case_ref)));
	missing('each of these cases has an alert submitted to the officer', urgent.filter((row) =>
		!notices.some((n) => n.case_ref === row.found.case_ref && ['sent', 'delivered'].includes(n.state))));
	const codes = new Set(alerts().flatMap((sms) => codesOf(sms.text))); // several alerts may share a text
	tap.ok(codes.size >= urgent.length, `the officer's phone has an alert with a code of its own for each`,
		`${codes.size} codes for ${urgent.length} cases`);
	const told = rows.filter((row) => row.text.length > 10 &&
		alerts().some((sms) => sms.text.includes(row.text.slice(0, 20))));
	missing('no alert repeats what a reporter wrote', told);
}

test({}, main);
