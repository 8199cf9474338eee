/* phone: type as a reporter or as an officer and see both phones, or play a script. */
#include "ctl/phone.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/mem.h"

enum { LAST_WAIT_MS = 1500, LAPSE_MS = 60 * 1000, TICK_MS = 1000, RETRY_MS = 500, RETRIES = 120, PROMPT_WIDTH = 2 };

static const char number_reporter[] = "+84912345678";
static const char number_officer[] = "+84900000001";

static const char help_text[] =
	"  text          the reporter sends it\n"
	"  !text         the officer sends it, such as !NHAN 123456\n"
	"  *111#         the reporter dials; what follows is typed into the screens\n"
	"  /end          hang up\n"
	"  /cases        what became of it\n"
	"  /reports      what was filed\n"
	"  /new          another reporter's number\n"
	"  /quit         end (so does Ctrl-D)\n";

/* The terminal side of the phones. */
struct desk {
	struct phone phone;
	size_t shown;    /* texts of the phone already on the screen */
	bool terminal;   /* standard input and output are one: prompt, and redraw what was typed */
	bool quit;
	const char *dial; /* code to dial at once; borrowed, or NULL */
	int64_t typed_ms; /* when the last line was typed */
	char line[PHONE_TEXT_MAX]; /* read, no newline yet */
	size_t line_len;
};

static void prompt(const struct desk *d)
{
	if (!d->terminal)
		return;
	fputs(d->phone.dialled[PHONE_REPORTER] ? "#> " : "> ", stdout);
	fflush(stdout);
}

static void clear_prompt(const struct desk *d)
{
	if (d->terminal)
		fputs("\r\033[K", stdout);
}

/* The terminal has echoed the line; it comes back as a bubble, so wipe the echo. */
static void clear_echo(const struct desk *d, const char *line)
{
	size_t width = ctl_globals.width > 0 ? (size_t)ctl_globals.width : 80;
	size_t rows = (ctl_width(line) + PROMPT_WIDTH) / width + 1;

	if (!d->terminal)
		return;
	while (rows-- > 0)
		fputs("\033[1A\033[2K", stdout);
	fputs("\r", stdout);
}

static void show_arrived(struct desk *d)
{
	for (; d->shown < d->phone.count; d->shown++) {
		const struct phone_text *t = &d->phone.texts[d->shown];

		if (t->screen)
			ctl_screen(d->phone.dial[t->who], t->text, t->more);
		else
			phone_show_text(&d->phone, t->who, false, t->text);
	}
}

static void reconnect(struct desk *d)
{
	phone_show_note("the daemon is gone; waiting a minute for it to come back, Ctrl-C ends");
	for (int i = 0; i < RETRIES; i++) {
		poll(NULL, 0, RETRY_MS);
		if (phone_open(&d->phone, true) == CTL_OK) {
			phone_show_note("it is back");
			return;
		}
	}
	d->quit = true;
}

static void say(struct desk *d, enum phone_who who, const char *text)
{
	enum phone_sent sent;

	if (*text == '\0')
		return;
	if (!d->phone.dialled[who] && !phone_is_code(text))
		phone_show_text(&d->phone, who, true, text);
	sent = phone_say(&d->phone, who, text);
	if (sent != PHONE_RECEIVED)
		phone_show_note(phone_sent_text(sent));
	if (sent == PHONE_GONE)
		reconnect(d);
}

static void new_reporter(struct desk *d)
{
	snprintf(d->phone.number[PHONE_REPORTER], PHONE_NUMBER_MAX, "+8491%07u",
		 (unsigned)randombytes_uniform(10000000));
	if (phone_open(&d->phone, false) != CTL_OK)
		reconnect(d);
	phone_show_title(&d->phone);
}

static void hang_up(struct desk *d)
{
	if (d->phone.dialled[PHONE_REPORTER] && phone_say(&d->phone, PHONE_REPORTER, "/end") == PHONE_RECEIVED)
		phone_show_note("hung up");
	else
		phone_show_note("there is no open session; dial *111#");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the network does when nobody answers a screen. */
static void check_lapse(struct desk *d)
{
	for (int who = PHONE_REPORTER; who <= PHONE_OFFICER; who++) {
		if (!d->phone.dialled[who] || now_ms() - d->typed_ms < LAPSE_MS)
			continue;
		clear_prompt(d);
		phone_lapse(&d->phone, (enum phone_who)who);
		phone_show_note("nobody answered for a minute: the network ended the session");
		prompt(d);
	}
}

static void command(struct desk *d, const char *line)
{
	if (strcmp(line, "/quit") == 0)
		d->quit = true;
	else if (strcmp(line, "/end") == 0)
		hang_up(d);
	else if (strcmp(line, "/new") == 0)
		new_reporter(d);
	else if (strcmp(line, "/cases") == 0 || strcmp(line, "/reports") == 0)
		ctl_list_show(line + 1, NULL);
	else if (strcmp(line, "/help") == 0)
		fputs(help_text, stdout);
	else
		phone_show_note("no such command; see /help");
}

static void on_line(struct desk *d, const char *line)
{
	const char *text = line + (line[0] == '!');

	d->typed_ms = now_ms();
	clear_echo(d, line);
	text += strspn(text, " ");
	if (line[0] == '/')
		command(d, line);
	else
		say(d, line[0] == '!' ? PHONE_OFFICER : PHONE_REPORTER, text);
	while (phone_pump(&d->phone, 0) == CTL_LINE)
		; /* what came along with the answer is no longer on the socket for poll() to see */
	show_arrived(d);
	if (!d->quit)
		prompt(d);
}

static bool is_utf8(const char *text)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n;

	for (; *text != '\0'; text += n) {
		n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Bytes of the sequence at an ESC: what arrow and function keys type (ECMA-48, 5.4: CSI, parameters, a final
 * byte; or SS3 and one byte; or ESC and one byte). */
static size_t escape_len(const char *text)
{
	size_t len = 2;

	if (text[1] == '[') {
		while (text[len] >= 0x20 && text[len] < 0x40)
			len++;
		return len + (text[len] != '\0');
	}
	if (text[1] == 'O' && text[2] != '\0')
		return 3;
	return text[1] != '\0' ? 2 : 1;
}

/* Keys that type no letter are not part of a text. */
static void drop_keys(char *line)
{
	char *out = line;

	while (*line != '\0') {
		if (*line == '\033')
			line += escape_len(line);
		else if ((unsigned char)*line < ' ' && *line != '\t')
			line++;
		else
			*out++ = *line++;
	}
	*out = '\0';
}

static void take_line(struct desk *d, size_t len)
{
	char *line = mem_strndup(d->line, len);
	size_t end;

	drop_keys(line);
	end = strlen(line);
	while (end > 0 && strchr(" \r\t", line[end - 1]) != NULL)
		line[--end] = '\0';
	d->line_len -= len + 1;
	memmove(d->line, d->line + len + 1, d->line_len);
	if (is_utf8(line))
		on_line(d, line);
	else
		phone_show_note("that is not UTF-8");
	mem_free(line);
}

/* False at the end of input. */
static bool read_input(struct desk *d)
{
	ssize_t n = read(STDIN_FILENO, d->line + d->line_len, sizeof d->line - d->line_len);
	const char *end;

	if (n <= 0)
		return false;
	d->line_len += (size_t)n;
	while (!d->quit && (end = memchr(d->line, '\n', d->line_len)) != NULL)
		take_line(d, (size_t)(end - d->line));
	if (d->line_len == sizeof d->line) {
		phone_show_note("the line is too long");
		d->line_len = 0;
	}
	return true;
}

/* Takes in what the daemon has sent; asks nothing of it. */
static void read_link(struct desk *d)
{
	enum ctl_read result;

	while ((result = phone_pump(&d->phone, 0)) == CTL_LINE)
		;
	if (d->shown < d->phone.count || result != CTL_TIMEOUT)
		clear_prompt(d);
	else
		return;
	show_arrived(d);
	if (result != CTL_TIMEOUT)
		reconnect(d);
	if (!d->quit)
		prompt(d);
}

/* After the end of a piped input: what the last text brings about. */
static void last_words(struct desk *d)
{
	while (phone_pump(&d->phone, LAST_WAIT_MS) == CTL_LINE)
		show_arrived(d);
}

static enum ctl_exit converse(struct desk *d)
{
	enum ctl_exit status = phone_open(&d->phone, false);

	if (status != CTL_OK)
		return status;
	d->terminal = isatty(STDIN_FILENO) && ctl_globals.width > 0;
	phone_show_title(&d->phone);
	if (d->dial != NULL)
		on_line(d, d->dial);
	else
		prompt(d);
	while (!d->quit) {
		struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
					 { .fd = ctl_fd(d->phone.link), .events = POLLIN } };

		if (poll(fds, 2, TICK_MS) < 0)
			continue;
		check_lapse(d);
		if (fds[1].revents != 0)
			read_link(d);
		if (!d->quit && fds[0].revents != 0 && !read_input(d))
			break;
	}
	if (!d->terminal && !d->quit)
		last_words(d);
	if (d->terminal)
		fputs("\n", stdout);
	return d->phone.link != NULL ? CTL_OK : CTL_UNREACHABLE;
}

static bool set_number(struct phone *p, enum phone_who who, const char *number)
{
	size_t len = strlen(number);

	if (number[0] == '+' && len >= 4 && len <= 16 && strspn(number + 1, "0123456789") == len - 1) {
		snprintf(p->number[who], PHONE_NUMBER_MAX, "%s", number);
		return true;
	}
	ctl_error("a number is + and 3 to 15 digits, such as %s", number_reporter);
	return false;
}

int cmd_phone(int argc, char **argv)
{
	const char *from = number_reporter, *officer = number_officer, *script = NULL;
	bool dials = false;
	const struct ctl_option options[] = {
		{ "--from", &from, NULL, false },
		{ "--officer", &officer, NULL, false },
		{ "--script", &script, NULL, false },
		{ "--ussd", NULL, &dials, false },
		{ NULL, NULL, NULL, false },
	};
	enum ctl_exit status;
	struct desk *d;
	char number[64];

	if (!ctl_parse(argc, argv, 1, options, NULL, 0, 0) || !ctl_read_from(from, number))
		return CTL_USAGE;
	d = mem_alloc(sizeof *d);
	d->dial = dials ? "*111#" : NULL;
	if (!set_number(&d->phone, PHONE_REPORTER, number) ||
	    !set_number(&d->phone, PHONE_OFFICER, officer))
		status = CTL_USAGE;
	else if (script != NULL)
		status = phone_play(&d->phone, script);
	else
		status = converse(d);
	phone_fini(&d->phone);
	mem_free(d);
	return (int)status;
}
