/* What an author may write where: the loader reads by these tables and the reference is made from them. */
#include "flows/engine/flow.h"

#include <stddef.h>

enum { TOP = FLOW_IN_PACK | FLOW_IN_FLOW, GOES_ON = FLOW_IN_ASK | FLOW_IN_TELL | FLOW_IN_CALL | FLOW_IN_DO };

const struct flow_key flow_schema[] = {
	/* the pack */
	{"pack", FLOW_IN_PACK, "name", "the name of the pack"},
	{"flows", FLOW_IN_PACK, "[flow, flow]", "its flows; the first is the one a first text enters"},
	{"languages", FLOW_IN_PACK, "[vi, en]", "one to eight languages; the first is the default"},
	{"accents", FLOW_IN_PACK, "strip | keep", "whether texts lose their accents when they are sent"},
	{"discreet", FLOW_IN_PACK, "[phrase, phrase]", "what no outgoing text may contain"},
	{"triage", FLOW_IN_PACK, "{LEVEL: [phrase]}", "how urgent a free text sounds: the highest list wins"},
	{"kinds", FLOW_IN_PACK, "{KIND: [phrase]}", "what a free text is about: the most matching words win"},
	{"others", FLOW_IN_PACK, "[phrase]", "texts meant for somebody else, unless they sound urgent"},
	{"not_after", FLOW_IN_PACK, "[phrase]", "words right after which no phrase of triage or kinds counts"},
	{"no_contact", FLOW_IN_PACK, "[phrase]", "the reporter asks not to be called or answered"},
	{"danger_near", FLOW_IN_PACK, "[phrase]", "a short text after which nothing more is sent"},
	{"hints", FLOW_IN_PACK, "{LANG: [word]}", "two of them in a first text and replies are in that language"},
	{"start_for", FLOW_IN_PACK, "{ROLE: flow}", "the flow that a first text of that role enters"},
	/* a flow */
	{"flow", FLOW_IN_FLOW, "name", "the name of the flow"},
	{"title", FLOW_IN_FLOW, "text", "what it is for, to be read by colleagues"},
	{"first_text", FLOW_IN_FLOW, "node", "free text that opens a conversation answers this question"},
	{"owed", FLOW_IN_FLOW, "[node]", "once answered, a report is filed however the conversation ends"},
	{"safe", FLOW_IN_FLOW, "node", "its yes or no decides whether the number may be contacted later"},
	{"nodes", FLOW_IN_FLOW, "{NAME: node}", "the first is where the flow starts"},
	/* both; a flow's own goes before the pack's */
	{"budget", TOP, "{sms: 1, ussd: 1}", "how long a text and a way through the flow may be"},
	{"wait", TOP, "{sms: 24h, ussd: 90s}", "how long a question waits for its answer"},
	{"retries", TOP, "0..20", "how often a question is put again after a bad answer"},
	{"words", TOP, "{COMMAND: {LANG: [word]}}", "words that are commands wherever they are sent"},
	{"say", TOP, "{NAME: text}", "texts that belong to no node"},
	/* limits */
	{"sms", FLOW_IN_WAIT, "90s, 24h, 30d", "by SMS"},
	{"ussd", FLOW_IN_WAIT, "90s, 24h", "by USSD; as by SMS if not given"},
	{"resume", FLOW_IN_WAIT, "30m", "how long a dropped USSD session can be taken up again; as ussd if not given"},
	{"sms", FLOW_IN_BUDGET, "number", "segments that one text may take"},
	{"ussd", FLOW_IN_BUDGET, "number", "screens that one text may take"},
	{"ussd_path", FLOW_IN_BUDGET, "number", "screens on the longest way through the flow"},
	{"ussd_septets", FLOW_IN_BUDGET, "40..182", "GSM-7 characters of one screen, 160 if not given; half as many others"},
	/* triage */
	{"default", FLOW_IN_TRIAGE, "level", "what a first text is that no list matches"},
	{"thap", FLOW_IN_TRIAGE, "[phrase]", "low"},
	{"trung_binh", FLOW_IN_TRIAGE, "[phrase]", "middle"},
	{"cao", FLOW_IN_TRIAGE, "[phrase]", "high: an officer is alerted"},
	{"khan_cap", FLOW_IN_TRIAGE, "[phrase]", "urgent: an officer is alerted"},
	/* commands */
	{"start", FLOW_IN_WORDS | FLOW_IN_FLOW_WORDS, "{LANG: [word]}", "enters the flow"},
	{"prefix", FLOW_IN_WORDS | FLOW_IN_FLOW_WORDS, "{LANG: [word]}", "a first text that begins with it enters the flow; what follows is the report"},
	{"back", FLOW_IN_WORDS, "{any: [\"00\"]}", "the question before"},
	{"help", FLOW_IN_WORDS, "{LANG: [word]}", "sends say.help"},
	{"stop", FLOW_IN_WORDS, "{LANG: [word]}", "ends; nothing is ever sent after it"},
	{"language", FLOW_IN_WORDS, "{LANG: [word]}", "goes on in that language"},
	{"restart", FLOW_IN_WORDS, "{LANG: [word]}", "starts again; what was told is kept"},
	{"next", FLOW_IN_WORDS, "{any: [\"0\"]}", "the next page of a long menu; 0 if not given"},
	{"ok", FLOW_IN_WORDS, "{any: [ok]}", "thanks, which is no report"},
	{"resume", FLOW_IN_WORDS, "{LANG: [word]}", "go on where the USSD session dropped; the first is shown"},
	{"yes", FLOW_IN_WORDS, "{LANG: [word]}", "the yes of `type: yesno`; the first is shown"},
	{"no", FLOW_IN_WORDS, "{LANG: [word]}", "the no of `type: yesno`; the first is shown"},
	/* texts */
	{"help", FLOW_IN_SAY, "text", "after a help word"},
	{"wrong", FLOW_IN_SAY, "text", "before a question that is put again"},
	{"hello", FLOW_IN_SAY, "text", "the reply to an empty text"},
	{"more", FLOW_IN_SAY, "text", "the line of a menu that leads to its next page"},
	{"resume", FLOW_IN_SAY, "text", "asked when a dropped USSD session is dialled again"},
	/* nodes */
	{"ask", FLOW_IN_ASK, "text", "a question"},
	{"tell", FLOW_IN_TELL, "text", "says something and goes on"},
	{"when", FLOW_IN_WHEN, "[{if: ..., go: node}, {else: node}]", "goes where the first true condition says"},
	{"call", FLOW_IN_CALL, "flow", "runs another flow and comes back"},
	{"end", FLOW_IN_END, "text | silent", "ends the flow: back to its caller, or the end of the conversation"},
	{"type", FLOW_IN_ASK | FLOW_IN_USSD, "type", "how the answer is read"},
	{"pick", FLOW_IN_ASK | FLOW_IN_USSD, "{KEY: {LANG: [word]}}", "a menu; the first word of each language is shown"},
	{"save", FLOW_IN_ASK, "name", "keeps the answer under another name than the node's"},
	{"several", FLOW_IN_ASK, "node", "type place: where to go when several places may be meant"},
	{"from_text", FLOW_IN_ASK, "yes | no", "an answer that an earlier text holds is taken from there"},
	{"again", FLOW_IN_ASK, "[text, text]", "wording after the first, the second ... bad answer"},
	{"retries", FLOW_IN_ASK, "0..20", "its own number of retries"},
	{"tired", FLOW_IN_ASK, "node", "where to go once the retries are spent; else the partial report is filed"},
	{"timeout", FLOW_IN_ASK, "node", "where to go after silence; else the partial report is filed"},
	{"ussd", FLOW_IN_ASK | FLOW_IN_TELL | FLOW_IN_END, "{ask: ..., pick: ...}", "other wording or another menu on USSD"},
	{"go", GOES_ON | FLOW_IN_OPTION | FLOW_IN_BRANCH, "node", "where to go on"},
	{"do", FLOW_IN_TELL | FLOW_IN_DO | FLOW_IN_END | FLOW_IN_OPTION, "[alert duty, file normal, file urgent]", "what is done"},
	/* parts of nodes */
	{"ask", FLOW_IN_USSD, "text", "the question on USSD"},
	{"tell", FLOW_IN_USSD, "text", "the text on USSD"},
	{"end", FLOW_IN_USSD, "text", "the text on USSD"},
	{"if", FLOW_IN_BRANCH, "condition", "name = value, joined by and, or, not and parentheses"},
	{"else", FLOW_IN_BRANCH, "node", "where to go when no condition is true"},
	{"from", FLOW_IN_FROM, "NAME.matches", "offers what the place kept under that name may be"},
	{"save", FLOW_IN_FROM, "name", "keeps the choice under that name"},
	{"none", FLOW_IN_FROM, "node | {LANG: [word], go: node}", "where to go when it is none of them"},
	{NULL, 0, NULL, NULL}
};

const struct flow_type flow_types[] = {
	{"text", "text 3..", "words, at least so many characters"},
	{"number", "number 0..17, 99", "a number within the ranges"},
	{"age", "age 0..17, 99", "years, or a date or year of birth"},
	{"date", "date", "a day, a month of a year, or a year"},
	{"phone", "phone", "a telephone number, kept as +84..."},
	{"place", "place", "a commune, kept as its code; unknown places are kept as written"},
	{"yesno", "yesno", "a menu of words.yes and words.no"},
	{NULL, NULL, NULL}
};
