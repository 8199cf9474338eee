/* Network members answer with the code that proves their phone. Enrolling and revoking is the operator's, over
 * the control socket (control/members.c). */
#ifndef PATH_MEMBERS_H
#define PATH_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

struct delivery;
struct hotline;

enum { MEMBERS_CODE_LEN = 6 };

/* Whether a text is "XN 482113" in any spelling; then sets the digits. */
bool members_code(const char *text, char digits[MEMBERS_CODE_LEN + 1]);
/* Verifies the sender and answers. Takes ownership of the delivery. */
void members_take(struct hotline *h, struct delivery *d, const char *digits);

#endif
