/* The phones' connection to the daemon: texts in, texts out, and the last code an officer was sent. */
#include "ctl/phone.h"

#include <string.h>

#include "base/mem.h"

enum { SENT_MS = 10000, CODE_LEN = 6 };

static const char *const sent_texts[] = {
	[PHONE_RECEIVED] = "received",
	[PHONE_REFUSED] = "refused by the hotline; a carrier would try again",
	[PHONE_UNANSWERED] = "not answered within 10 s",
	[PHONE_GONE] = "the daemon is gone",
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The last run of exactly six digits. */
static void find_code(const char *text, char code[CODE_LEN + 1])
{
	while (*text != '\0') {
		size_t len = strspn(text, "0123456789");

		if (len == CODE_LEN) {
			memcpy(code, text, CODE_LEN);
			code[CODE_LEN] = '\0';
		}
		text += len;
		while (*text != '\0' && !is_digit(*text))
			text++;
	}
}

static void take_text(struct phone *p, const json_t *event, bool screen)
{
	const char *to = json_string_value(json_object_get(event, "to"));
	const char *text = json_string_value(json_object_get(event, "text"));
	struct phone_text *t;

	if (to == NULL || text == NULL)
		return;
	p->texts = mem_array(p->texts, p->count + 1, sizeof *p->texts);
	t = &p->texts[p->count++];
	t->who = strcmp(to, p->number[PHONE_OFFICER]) == 0 ? PHONE_OFFICER : PHONE_REPORTER;
	t->text = mem_strdup(text);
	t->met = false;
	t->screen = screen;
	t->more = screen && json_is_true(json_object_get(event, "more"));
	if (screen)
		p->dialled[t->who] = t->more;
	if (t->who == PHONE_OFFICER)
		find_code(text, p->code);
}

enum ctl_exit phone_open(struct phone *p, bool quiet)
{
	json_t *args, *data = NULL;
	enum ctl_exit status;
	const char *code;

	phone_close(p);
	p->link = ctl_connect(quiet, &status);
	if (p->link == NULL)
		return status;
	args = json_pack("{s:[s,s]}", "numbers", p->number[PHONE_REPORTER], p->number[PHONE_OFFICER]);
	status = ctl_request(p->link, "phone", args, &data);
	if (status == CTL_OK) {
		code = json_string_value(json_object_get(data, "short_code"));
		snprintf(p->hotline, sizeof p->hotline, "%s", code != NULL ? code : "111");
		json_decref(data);
		return CTL_OK;
	}
	phone_close(p);
	return status;
}

void phone_close(struct phone *p)
{
	ctl_close(p->link);
	p->link = NULL;
}

void phone_fini(struct phone *p)
{
	phone_close(p);
	for (size_t i = 0; i < p->count; i++)
		mem_free(p->texts[i].text);
	mem_free(p->texts);
	p->texts = NULL;
	p->count = 0;
}

/* One line of the daemon; *fate is set when it tells what became of the text under way. */
static enum ctl_read pump(struct phone *p, int timeout_ms, enum phone_sent *fate)
{
	const char *event;
	json_t *line = NULL;
	enum ctl_read result;

	if (p->link == NULL)
		return CTL_GONE;
	result = ctl_read(p->link, timeout_ms, &line);
	if (result != CTL_LINE)
		return result;
	event = json_string_value(json_object_get(line, "event"));
	if (event != NULL && strcmp(event, "text") == 0)
		take_text(p, line, false);
	else if (event != NULL && strcmp(event, "screen") == 0) {
		take_text(p, line, true);
		*fate = PHONE_RECEIVED;
	}
	else if (event != NULL && strcmp(event, "received") == 0)
		*fate = PHONE_RECEIVED;
	else if (event != NULL && strcmp(event, "refused") == 0)
		*fate = PHONE_REFUSED;
	json_decref(line);
	return result;
}

enum ctl_read phone_pump(struct phone *p, int timeout_ms)
{
	enum phone_sent unused;

	return pump(p, timeout_ms, &unused);
}

/* Sends one object and waits for what becomes of it. */
static enum phone_sent exchange(struct phone *p, json_t *object)
{
	enum phone_sent fate = PHONE_UNANSWERED;

	if (p->link == NULL) {
		json_decref(object);
		return PHONE_GONE;
	}
	if (!ctl_send(p->link, object))
		return PHONE_GONE;
	while (fate == PHONE_UNANSWERED) {
		enum ctl_read result = pump(p, SENT_MS, &fate);

		if (result == CTL_TIMEOUT)
			return PHONE_UNANSWERED;
		if (result != CTL_LINE)
			return PHONE_GONE;
	}
	return fate;
}

enum phone_sent phone_send(struct phone *p, enum phone_who who, const char *text)
{
	return exchange(p, json_pack("{s:{s:s,s:s,s:s}}", "send", "from", p->number[who], "to", p->hotline,
				     "text", text));
}

/* ---- USSD ---- */

static enum phone_sent ussd(struct phone *p, enum phone_who who, const char *op, const char *text)
{
	return exchange(p, json_pack("{s:{s:s,s:s,s:s,s:s}}", "ussd", "op", op, "from", p->number[who], "to",
				     p->dial[who], "text", text));
}

bool phone_is_code(const char *text)
{
	size_t len = strlen(text);

	return len > 2 && len < PHONE_NUMBER_MAX && text[0] == '*' && text[len - 1] == '#' &&
	       strspn(text, "*#0123456789") == len;
}

enum phone_sent phone_lapse(struct phone *p, enum phone_who who)
{
	p->dialled[who] = false;
	return ussd(p, who, "timeout", "");
}

enum phone_sent phone_say(struct phone *p, enum phone_who who, const char *text)
{
	if (phone_is_code(text)) {
		if (p->dialled[who])
			ussd(p, who, "end", ""); /* a handset hangs up before it dials */
		snprintf(p->dial[who], PHONE_NUMBER_MAX, "%s", text);
		return ussd(p, who, "begin", "");
	}
	if (!p->dialled[who])
		return phone_send(p, who, text);
	p->dialled[who] = false; /* until the next screen says otherwise */
	return strcmp(text, "/end") == 0 ? ussd(p, who, "end", "") : ussd(p, who, "answer", text);
}

const char *phone_sent_text(enum phone_sent sent)
{
	return sent_texts[sent];
}
