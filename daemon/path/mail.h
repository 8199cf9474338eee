/* Hands a text to the machine's mail system (a sendmail program), without blocking the loop. */
#ifndef PATH_MAIL_H
#define PATH_MAIL_H

#include <stdbool.h>

struct loop;
struct mail;

enum { MAIL_TEXT_MAX = 2048 };

struct mail_text {
	const char *program; /* "/usr/sbin/sendmail" */
	const char *from;    /* NULL: the system's own */
	const char *to;
	const char *subject, *body; /* one line each, at most MAIL_TEXT_MAX bytes together with the header */
};

/* Exactly once, never from inside mail_send(): whether the mail system has taken it. */
typedef void mail_fn(void *arg, bool taken);
void mail_send(struct loop *loop, const struct mail_text *text, mail_fn *done, void *arg);

#endif
