/* The answer to one delivery, by the way it came. */
#ifndef PATH_REPLY_H
#define PATH_REPLY_H

struct delivery;
struct hotline;

/* text NULL: say nothing; a USSD session is then closed. Nothing is said either ten minutes after the text
 * came. Only numbers on the allow-list are answered, never premium or short ones,
 * and only so often a day (path/allowance.h); a USSD screen is shown to
 * whoever dialled.
 * Whatever happens, the delivery's records are noted as answered in the end. `d` is borrowed. */
void reply_send(struct hotline *h, const struct delivery *d, const char *text);

#endif
