// Joins what the carrier's ledger says was promised with what the spool, Redis and PostgreSQL hold after
// recovery: nothing lost, doubled, untimed, unalerted or late, and no text or number in a log.
'use strict';
const fs = require('fs');
const { OFFICERS, sleep } = require('./rig');

// Statuses after which every carrier we know of delivers again (Vonage's list is the shortest).
const RETRYABLE = new Set([0x58, 0x08, 0x14, 0x45, 0x67, 0xfe, 0xff]);
const URGENT = new Set(['khan_cap', 'cao']);
const ALERT_MS = 5000, ANSWER_MS = 4000, SCREEN_MS = 2000;
const SETTLE_MS = 30000, RSS_MAX_KB = 400 * 1024, FDS_MAX = 64, SENDERS_MAX = 300;

// The ledger by text: {from, expect, at, acked, ackedAt, refusals}.
function readLedger(file) {
	const rows = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
	const parts = new Map(), texts = [], submits = [];
	for (const row of rows) {
		if (row.event === 'text')
			texts.push({ ...row, parts: row.ns.map((n) => {
				const part = { n, sent: [], ackedAt: 0, refusals: [], slowest: 0 };
				parts.set(n, part);
				return part;
			}) });
		else if (row.event === 'deliver')
			parts.has(row.n) && parts.get(row.n).sent.push(row.at);
		else if (row.event === 'answer')
			answer(parts.get(row.n), row);
		else if (row.event === 'whole')
			submits.push(row);
	}
	for (const text of texts) {
		text.acked = text.parts.filter((part) => part.ackedAt).length;
		text.whole = text.acked === text.parts.length;
		text.ackedAt = Math.max(...text.parts.map((part) => part.ackedAt));
	}
	return { rows, texts, parts, submits };
}

function answer(part, row) {
	if (!part)
		return;
	part.slowest = Math.max(part.slowest, row.at - part.sent[part.sent.length - 1]);
	if (row.status === 0)
		part.ackedAt = part.ackedAt || row.at;
	else
		part.refusals.push(row.status);
}

// Waits until nothing is on its way any more: the carrier's window, the spool, the queues, the timers.
async function settle(rig, { ms = SETTLE_MS } = {}) {
	const others = (rig.nodes || []).map((node) => node.socket);
	const idle = () => rig.carriers.every((c) => !c.open);
	const deadline = Date.now() + ms;
	let why = 'nothing was looked at';
	while (Date.now() < deadline) {
		const status = await rig.status();
		why = !status ? 'the daemon does not answer'
			: !idle() ? 'the carrier has texts left'
				: status.spool.pending ? `${status.spool.pending} records wait in the spool`
					: status.filing.waiting ? `${status.filing.waiting} wait for filing`
						: rig.queued() ? 'entries wait in Redis'
							: dueNow(rig);
		for (const socket of why ? [] : others) {
			const other = await rig.status(socket);
			why = why || (!other ? 'another daemon does not answer' : other.spool.pending ? "another daemon's spool waits" : '');
		}
		if (!why)
			return null;
		await sleep(250);
	}
	return why;
}

function dueNow(rig) {
	const due = rig.trySql(`select (select count(*) from timers where state = 'armed' and due_at <= now()),
		(select count(*) from notifications where state = 'sending' or (state = 'pending' and next_at <= now() + interval '5 s'))`);
	if (!due)
		return 'PostgreSQL does not answer';
	return +due[0][0] ? `${due[0][0]} timers are due` : +due[0][1] ? `${due[0][1]} notices are due` : '';
}

// What the daemon knows of each sender, over the control socket in small groups.
async function known(rig, bySender) {
	const senders = [...bySender.keys()];
	const found = new Map();
	for (let i = 0; i < senders.length; i += 6) {
		await Promise.all(senders.slice(i, i + 6).map(async (from) => {
			const [reports, messages] = await Promise.all([rig.ask('reports', { from, limit: 1000 }),
				rig.ask('messages', { from, limit: 100000 })]);
			found.set(from, { reports, messages });
		}));
	}
	return found;
}

// expect: of the row: {reports: n per sender, lost: senders whose text may be gone, bySum: rows are counted
// together, not by sender, alertMs, screens, oneConversation, faults: what the row found itself}. Returns [{kind, count, detail}] of what is wrong.
async function check(rig, expect = {}) {
	const ledger = readLedger(rig.ledgerFile);
	const faults = [];
	const fault = (kind, list) => list.length && faults.push({ kind, count: list.length, detail: list.slice(0, 3).join('; ') });
	const bySender = new Map();
	for (const text of ledger.texts)
		bySender.set(text.from, [...(bySender.get(text.from) || []), text]);
	fault('lost', checkTotals(rig, ledger, bySender));
	thin(rig, bySender);
	const found = await known(rig, bySender);

	fault('rule', expect.faults || []);
	fault('unanswered', ledger.texts.filter((t) => !t.whole).map((t) => `text ${t.text}`));
	checkFiled({ rig, expect, bySender, found, fault });
	checkAlerts({ rig, expect, bySender, found, fault, submits: ledger.submits });
	if (expect.oneConversation)
		checkConversations({ bySender, found, fault });
	fault('untimed', rig.sql('select ref from api_untimed').map(String));
	checkAnswers({ expect, ledger, fault });
	if (expect.screens)
		checkScreens({ rig, ledger, fault });
	checkDaemon(rig, expect, fault);
	checkLogs(rig, ledger, fault);
	return { faults, texts: ledger.texts.length, acked: ledger.texts.filter((t) => t.whole).length };
}

// Sums over everybody, for rows with more senders than are looked at one by one.
function checkTotals(rig, ledger, bySender) {
	if (bySender.size <= SENDERS_MAX)
		return [];
	const [messages, senders, reports] = rig.sql(`select (select count(*) from messages),
		(select count(distinct subject) from reports), (select count(*) from reports)`)[0].map(Number);
	const acked = [...ledger.parts.values()].filter((part) => part.ackedAt).length;
	const wrong = [];
	if (messages < acked)
		wrong.push(`${messages} rows for ${acked} acknowledged deliveries`);
	if (senders < bySender.size || reports !== senders)
		wrong.push(`${reports} reports of ${senders} senders for ${bySender.size}`);
	return wrong;
}

// Keeps a sample, the last sender always in it.
function thin(rig, bySender) {
	const senders = [...bySender.keys()];
	const last = senders[senders.length - 1];
	for (const from of senders) {
		if (bySender.size > SENDERS_MAX && from !== last && rig.rand() > SENDERS_MAX / senders.length)
			bySender.delete(from);
	}
}

// A: every acknowledged delivery has its row, every opening text its one report.
function checkFiled({ rig, expect, bySender, found, fault }) {
	const lost = [], doubled = [];
	const total = expect.bySum ? +rig.sql('select count(*) from messages')[0][0] : 0;
	const ledgerAcked = [...bySender.values()].flat().reduce((sum, text) => sum + text.acked, 0);
	for (const [from, texts] of bySender) {
		const { reports, messages } = found.get(from);
		const acked = texts.reduce((sum, text) => sum + text.acked, 0);
		const openings = texts.filter((t) => t.expect === 'report');
		const most = texts.some((t) => t.expect === 'any') ? Infinity : openings.length ? expect.reports || 1 : 0;
		const want = openings.some((t) => t.acked) ? most : 0;
		const who = `texts ${texts.map((t) => t.text).slice(0, 5).join(',')}`;
		if ((expect.lost && expect.lost.includes(from)) || (expect.bySum && total >= ledgerAcked))
			continue;
		if (messages.length < acked && texts[0].expect !== 'alone')
			lost.push(`${who}: ${messages.length} rows for ${acked} acknowledged`);
		if (reports.length < want)
			lost.push(`${who}: ${reports.length} reports of ${want}`);
		if (reports.length > most)
			doubled.push(`${who}: ${reports.length} reports of ${most}`);
	}
	fault('lost', lost);
	fault('doubled', doubled);
}

// A session survives: all that one sender wrote belongs to one conversation.
function checkConversations({ bySender, found, fault }) {
	const torn = [];
	for (const [from, texts] of bySender) {
		const ids = new Set(found.get(from).messages.map((m) => m.conversation).filter(Boolean));
		if (ids.size > 1)
			torn.push(`texts ${texts.map((t) => t.text).slice(0, 5).join(',')}: ${ids.size} conversations`);
	}
	fault('torn', torn);
}

// B, C: every urgent report is in a case of which each officer was told, soon.
function checkAlerts({ expect, bySender, found, fault, submits }) {
	const uncased = [], unalerted = [], late = [];
	const limit = expect.alertMs || ALERT_MS;
	for (const [from, texts] of bySender) {
		const first = Math.min(...texts.filter((t) => t.expect === 'report' && t.ackedAt).map((t) => t.ackedAt));
		for (const report of found.get(from).reports.filter((r) => URGENT.has(r.urgency))) {
			if (!report.case_ref) {
				uncased.push(report.ref);
				continue;
			}
			const told = OFFICERS.map((to) => submits.find((s) => s.to === to && s.text.includes(report.case_ref)));
			const soonest = Math.min(...told.filter(Boolean).map((s) => s.at));
			if (told.some((s) => !s))
				unalerted.push(`text ${texts[0].text}: case ${report.case_ref} told to ${told.filter(Boolean).length} of ${told.length}`);
			else if (soonest - first > limit)
				late.push(`text ${texts[0].text}: ${soonest - first} ms`);
		}
	}
	fault('uncased', uncased);
	fault('unalerted', unalerted);
	fault('late', late);
}

// D: never a final refusal; an answer within 4 s.
function checkAnswers({ expect, ledger, fault }) {
	const all = [...ledger.parts.values()];
	const final = [...new Set(all.flatMap((part) => part.refusals.filter((s) => !RETRYABLE.has(s))))];
	fault('refused', final.map((s) => `status 0x${s.toString(16)} is final for a carrier`));
	const slow = all.filter((part) => part.slowest > (expect.answerMs || ANSWER_MS));
	fault('slow answer', slow.map((part) => `${part.n}: ${part.slowest} ms`));
}

// E: every USSD screen within 2 s, and whoever writes gets the next question as soon.
function checkScreens({ rig, ledger, fault }) {
	const late = rig.screens.filter((s) => !s.ok || s.ms > SCREEN_MS).map((s) => s.ok ? `a screen after ${s.ms} ms` : 'no screen');
	for (const text of ledger.texts.filter((t) => t.expect === 'report' && t.whole)) {
		const reply = ledger.submits.find((s) => s.to === text.from && s.at >= text.at);
		const took = reply ? reply.at - text.ackedAt : Infinity;
		if (took > SCREEN_MS)
			late.push(`text ${text.text}: ${took} ms`);
	}
	fault('screen', late);
}

// F: no sanitizer has spoken, memory and descriptors are bounded.
function checkDaemon(rig, expect, fault) {
	const log = fs.readdirSync(rig.at('log')).filter((name) => name.startsWith('hotlined'))
		.map((name) => fs.readFileSync(rig.at('log', name), 'utf8')).join('\n');
	fault('crash', [...new Set(log.match(/(ERROR|SUMMARY): (Address|Leak)Sanitizer.*|.*runtime error:.*/g) || [])]);
	if (!rig.running())
		return;
	const rss = +(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${rig.pid()}/status`, 'utf8')) || [0, 0])[1];
	const fds = fs.readdirSync(`/proc/${rig.pid()}/fd`).length;
	if (rss > (rig.sanitized() ? 3 : 1) * RSS_MAX_KB)
		fault('memory', [`${rss} kB resident`]);
	if (fds > FDS_MAX)
		fault('descriptors', [`${fds} open`]);
}

// G: no number and no text in a log, of the stores neither.
function checkLogs(rig, ledger, fault) {
	const needles = [...new Set([...ledger.texts.map((t) => t.from), ...OFFICERS])]
		.map((number) => number.replace(/^\+84/, '')).filter((digits) => digits.length >= 8);
	const seen = [];
	for (const name of fs.readdirSync(rig.at('log'))) {
		const text = fs.readFileSync(rig.at('log', name), 'utf8');
		const leak = needles.find((digits) => text.includes(digits));
		if (leak)
			seen.push(`a phone number in ${name}`);
		if (/nha so \d/.test(text))
			seen.push(`words of a text in ${name}`);
	}
	fault('log', seen);
}

module.exports = { check, settle, readLedger, RETRYABLE };
