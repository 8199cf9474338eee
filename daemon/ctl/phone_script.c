/* Plays a dialogue from a file against the daemon and checks what comes back. */
#include "ctl/phone.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "base/mem.h"

enum {
	EXPECT_MS = 5000,
	WAIT_MAX_MS = 600000,
	POLL_MS = 100,
	STEPS_MAX = 10000,
	REASON_MAX = 256
};

enum step_kind { STEP_SEND, STEP_EXPECT, STEP_SILENCE, STEP_CASE };

struct step {
	enum step_kind kind;
	enum phone_who who;
	unsigned line;
	char *shown; /* the line as written; owned */
	char *text;  /* what to send, the pattern, or the state; owned */
	int wait_ms;
};

struct script {
	const char *file;
	struct step *steps; /* owned */
	size_t count;
};

/* What begins a line. Longer marks first. */
static const struct {
	const char *mark;
	enum step_kind kind;
	enum phone_who who;
} marks[] = {
	{ "!<", STEP_EXPECT, PHONE_OFFICER }, { "!", STEP_SEND, PHONE_OFFICER },
	{ "<", STEP_EXPECT, PHONE_REPORTER }, { ">", STEP_SEND, PHONE_REPORTER },
	{ "silence ", STEP_SILENCE, PHONE_REPORTER }, { "case ", STEP_CASE, PHONE_REPORTER },
};

static const char code_mark[] = "{code}";

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- patterns ---- */

static char *fold(const char *text)
{
	utf8proc_uint8_t *out = NULL;

	if (utf8proc_map((const utf8proc_uint8_t *)text, 0, &out,
			 UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE |
				 UTF8PROC_CASEFOLD) < 0)
		return strdup(text);
	return (char *)out;
}

static bool is_regex(const char *pattern)
{
	size_t len = strlen(pattern);

	return len > 2 && pattern[0] == '/' && pattern[len - 1] == '/';
}

static int compile(const char *pattern, regex_t *re)
{
	char *inner = mem_strndup(pattern + 1, strlen(pattern) - 2);
	int fault = regcomp(re, inner, REG_EXTENDED | REG_ICASE | REG_NOSUB);

	mem_free(inner);
	return fault;
}

bool phone_matches(const char *text, const char *pattern)
{
	char *a, *b;
	regex_t re;
	bool found;

	if (is_regex(pattern)) {
		if (compile(pattern, &re) != 0)
			return false;
		found = regexec(&re, text, 0, NULL, 0) == 0;
		regfree(&re);
		return found;
	}
	a = fold(text);
	b = fold(pattern);
	found = a != NULL && b != NULL && strstr(a, b) != NULL;
	free(a);
	free(b);
	return found;
}

/* ---- reading a script ---- */

/* "500ms", "2s" or "1min" at the start of text; sets *len to its length. */
static bool read_wait(const char *text, int *ms, size_t *len)
{
	static const struct {
		const char *unit;
		long factor;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 } };
	size_t digits = strspn(text, "0123456789"), unit_len;
	long n;

	if (digits == 0 || digits > 6)
		return false;
	n = strtol(text, NULL, 10);
	unit_len = strspn(text + digits, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strlen(units[i].unit) != unit_len ||
		    strncmp(text + digits, units[i].unit, unit_len) != 0)
			continue;
		if (n * units[i].factor > WAIT_MAX_MS)
			return false;
		*ms = (int)(n * units[i].factor);
		*len = digits + unit_len;
		return true;
	}
	return false;
}

/* "within 2s PATTERN" or "PATTERN within 2s": moves *text behind the one, cuts off the other. */
static void take_within(char **text, int *ms)
{
	static const char front[] = "within ", back[] = " within ";
	char *at = NULL;
	size_t len;

	if (strncmp(*text, front, sizeof front - 1) == 0 &&
	    read_wait(*text + sizeof front - 1, ms, &len) && (*text)[sizeof front - 1 + len] == ' ') {
		*text += sizeof front + len;
		return;
	}
	for (char *p = strstr(*text, back); p != NULL; p = strstr(p + 1, back))
		at = p;
	if (at != NULL && read_wait(at + sizeof back - 1, ms, &len) &&
	    at[sizeof back - 1 + len] == '\0')
		*at = '\0';
}

static const char *check_step(struct step *s, char *rest)
{
	regex_t re;
	size_t len = 0;

	if (*rest == '\0')
		return "something is missing after the first word";
	if (s->kind == STEP_SILENCE)
		return read_wait(rest, &s->wait_ms, &len) && rest[len] == '\0'
			       ? NULL
			       : "a duration such as 500ms or 2s is expected (at most 10min)";
	if (s->kind == STEP_EXPECT)
		take_within(&rest, &s->wait_ms);
	s->text = mem_strdup(rest);
	if (s->kind != STEP_EXPECT || !is_regex(rest))
		return NULL;
	if (compile(rest, &re) != 0)
		return "the expression between the slashes is wrong";
	regfree(&re);
	return NULL;
}

/* One line of the file; NULL or what is wrong with it. */
static const char *read_step(struct script *script, unsigned line, char *text)
{
	struct step *s;
	size_t i, n = sizeof marks / sizeof marks[0];

	text += strspn(text, " \t");
	if (*text == '\0' || *text == '#')
		return NULL;
	for (i = 0; i < n && strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0; i++)
		;
	if (i == n)
		return "> ! < !< silence, case or # is expected";
	if (script->count == STEPS_MAX)
		return "too many steps";
	script->steps = mem_array(script->steps, script->count + 1, sizeof *script->steps);
	s = &script->steps[script->count++];
	*s = (struct step){ marks[i].kind, marks[i].who, line, mem_strdup(text), NULL, EXPECT_MS };
	text += strlen(marks[i].mark);
	return check_step(s, text + strspn(text, " \t"));
}

static bool is_utf8(const char *text, size_t len)
{
	utf8proc_int32_t c;

	while (len > 0) {
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text,
						      (utf8proc_ssize_t)len, &c);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_script(struct script *script, FILE *f)
{
	char line[PHONE_TEXT_MAX + 2];
	unsigned number = 0;

	while (fgets(line, sizeof line, f) != NULL) {
		size_t len = strcspn(line, "\n");
		const char *wrong;

		number++;
		if (line[len] != '\n' && !feof(f))
			wrong = "the line is too long";
		else if (!is_utf8(line, len))
			wrong = "the line is not UTF-8";
		else {
			while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
				len--;
			line[len] = '\0';
			wrong = read_step(script, number, line);
		}
		if (wrong == NULL)
			continue;
		ctl_error("%s:%u:1: %s", script->file, number, wrong);
		return false;
	}
	if (script->count > 0)
		return true;
	ctl_error("%s:1:1: a step is expected", script->file);
	return false;
}

static bool load_script(struct script *script)
{
	FILE *f = fopen(script->file, "r");
	bool ok;

	if (f == NULL) {
		ctl_error("%s: %s", script->file, strerror(errno));
		return false;
	}
	ok = read_script(script, f);
	fclose(f);
	return ok;
}

static void free_script(struct script *script)
{
	for (size_t i = 0; i < script->count; i++) {
		mem_free(script->steps[i].shown);
		mem_free(script->steps[i].text);
	}
	mem_free(script->steps);
}

/* ---- playing ---- */

/* Waits until `deadline` for one more event; false when there is none or the daemon is gone. */
static bool pump_until(struct phone *p, int64_t deadline_ms, char reason[REASON_MAX])
{
	int64_t left_ms = deadline_ms - now_ms();
	enum ctl_read result = phone_pump(p, left_ms > 0 ? (int)left_ms : 0);

	if (result == CTL_LINE)
		return true;
	if (result != CTL_TIMEOUT)
		snprintf(reason, REASON_MAX, "the daemon is gone");
	return false;
}

static bool take_match(struct phone *p, const struct step *s)
{
	for (size_t i = 0; i < p->count; i++) {
		struct phone_text *t = &p->texts[i];

		if (!t->met && t->who == s->who && phone_matches(t->text, s->text)) {
			t->met = true;
			return true;
		}
	}
	return false;
}

static bool play_expect(struct phone *p, const struct step *s, char reason[REASON_MAX])
{
	int64_t deadline_ms = now_ms() + s->wait_ms;

	snprintf(reason, REASON_MAX, "no such text within %d ms", s->wait_ms);
	while (!take_match(p, s))
		if (!pump_until(p, deadline_ms, reason))
			return take_match(p, s);
	return true;
}

/* A text that reached the reporter since the last one sent and that no expectation took. */
static bool has_unmet(const struct phone *p, size_t since)
{
	for (size_t i = since; i < p->count; i++)
		if (p->texts[i].who == PHONE_REPORTER && !p->texts[i].met)
			return true;
	return false;
}

static bool play_silence(struct phone *p, const struct step *s, size_t since,
			 char reason[REASON_MAX])
{
	int64_t deadline_ms = now_ms() + s->wait_ms;

	reason[0] = '\0';
	while (!has_unmet(p, since))
		if (!pump_until(p, deadline_ms, reason))
			return reason[0] == '\0';
	snprintf(reason, REASON_MAX, "a text came");
	return false;
}

/* `{code}` in an officer's text is the last code that came; waits for one if none has. */
static char *fill_code(struct phone *p, const char *text, char reason[REASON_MAX])
{
	int64_t deadline_ms = now_ms() + EXPECT_MS;
	const char *at = strstr(text, code_mark);

	if (at == NULL)
		return mem_strdup(text);
	snprintf(reason, REASON_MAX, "no six-digit code came to the officer's phone");
	while (p->code[0] == '\0')
		if (!pump_until(p, deadline_ms, reason))
			return NULL;
	return mem_printf("%.*s%s%s", (int)(at - text), text, p->code,
			  at + sizeof code_mark - 1);
}

static bool play_send(struct phone *p, const struct step *s, size_t *since, char reason[REASON_MAX])
{
	char *text = s->who == PHONE_OFFICER ? fill_code(p, s->text, reason) : mem_strdup(s->text);
	enum phone_sent sent;

	if (text == NULL)
		return false;
	if (s->who == PHONE_REPORTER) {
		while (phone_pump(p, 0) == CTL_LINE)
			;
		*since = p->count;
	}
	sent = phone_say(p, s->who, text);
	mem_free(text);
	snprintf(reason, REASON_MAX, "%s", phone_sent_text(sent));
	return sent == PHONE_RECEIVED;
}

/* State of the reporter's newest case (the daemon lists the newest first) into `state`. */
static enum ctl_exit newest_state(const struct phone *p, char *state, size_t size)
{
	json_t *rows = NULL;
	const char *text;
	enum ctl_exit status;

	status = ctl_call("cases", json_pack("{s:s}", "from", p->number[PHONE_REPORTER]), &rows);
	if (status != CTL_OK)
		return status;
	text = json_string_value(json_object_get(json_array_get(rows, 0), "state"));
	snprintf(state, size, "%s", text != NULL ? text : "");
	json_decref(rows);
	return CTL_OK;
}

static bool play_case(struct phone *p, const struct step *s, char reason[REASON_MAX])
{
	int64_t deadline_ms = now_ms() + EXPECT_MS;
	char state[64];

	for (;;) {
		if (newest_state(p, state, sizeof state) != CTL_OK) {
			snprintf(reason, REASON_MAX, "the cases cannot be asked for");
			return false;
		}
		if (strcmp(state, s->text) == 0)
			return true;
		snprintf(reason, REASON_MAX, "the newest case of this reporter %s%.60s",
			 state[0] != '\0' ? "is " : "does not exist", state);
		if (now_ms() >= deadline_ms)
			return false;
		if (phone_pump(p, POLL_MS) == CTL_GONE) {
			snprintf(reason, REASON_MAX, "the daemon is gone");
			return false;
		}
	}
}

static bool play_step(struct phone *p, const struct step *s, size_t *since, char reason[REASON_MAX])
{
	switch (s->kind) {
	case STEP_SEND:
		return play_send(p, s, since, reason);
	case STEP_EXPECT:
		return play_expect(p, s, reason);
	case STEP_SILENCE:
		return play_silence(p, s, *since, reason);
	case STEP_CASE:
		return play_case(p, s, reason);
	}
	return false;
}

static void print_step(const struct step *s, bool ok, int64_t took_ms)
{
	const char *colour = ok ? "\033[32m" : "\033[31m";

	printf("%s%-4s%s %3u  %s  (%d ms)\n", ctl_globals.colour ? colour : "", ok ? "ok" : "FAIL",
	       ctl_globals.colour ? "\033[0m" : "", s->line, s->shown, (int)took_ms);
	fflush(stdout);
}

/* What came instead, for whoever has to mend the flow or the script. */
static void print_unmet(const struct phone *p, enum phone_who who)
{
	for (size_t i = 0; i < p->count; i++) {
		char *clean;

		if (p->texts[i].met || p->texts[i].who != who)
			continue;
		clean = ctl_clean(p->texts[i].text, true);
		printf("          came: %s\n", clean);
		mem_free(clean);
	}
}

static bool play_all(struct phone *p, const struct script *script)
{
	char reason[REASON_MAX] = "";
	size_t since = 0, done = 0;
	bool ok = true;

	while (ok && done < script->count) {
		const struct step *s = &script->steps[done];
		int64_t start_ms = now_ms();

		ok = play_step(p, s, &since, reason);
		print_step(s, ok, now_ms() - start_ms);
		if (ok) {
			done++;
			continue;
		}
		printf("     %s:%u: %s\n", script->file, s->line, reason);
		print_unmet(p, s->who);
	}
	printf("%zu of %zu steps ok%s\n", done, script->count, ok ? "" : ", stopped at the first failure");
	return ok;
}

enum ctl_exit phone_play(struct phone *p, const char *file)
{
	struct script script = { .file = file };
	enum ctl_exit status = CTL_CONFIG;

	if (load_script(&script)) {
		status = phone_open(p, false);
		if (status == CTL_OK && !play_all(p, &script))
			status = CTL_NOTHING;
	}
	free_script(&script);
	return status;
}
