/* The officers' grammar: what a duty officer's text orders, if it is an order at all. Pure; whether
 * number and code fit together is the caller's question. Anything that is not clearly a command
 * stays an ordinary text, since officers report too.
 *
 *	NHAN 482113     OK 482 113     482113     ok bp-4821     acknowledge
 *	KHONG 482113    NO 482113      khong nhan 482113         cannot, next officer now
 *	CHUYEN 482113 cho Lan          pass bp4822 ca xa         hand over to `rest`
 *	XONG 482113     DONE 482113                              done
 *	AI              WHO                                      who is on duty
 *
 * Capitals, accents (NFC or NFD), spaces and punctuation do not matter, the code may come first,
 * and a verb may stand alone. Then code and ref are empty, and the caller accepts it only for
 * exactly one open alert. */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdbool.h>

enum command_verb { COMMAND_ACK, COMMAND_DECLINE, COMMAND_PASS, COMMAND_DONE, COMMAND_WHO };

enum { COMMAND_CODE_LEN = 6, COMMAND_REF_MAX = 16, COMMAND_REST_MAX = 32 };

struct command {
	enum command_verb verb;
	char code[COMMAND_CODE_LEN + 1]; /* the alert's six digits, or "" */
	char ref[COMMAND_REF_MAX];       /* case reference "BP-4821"; bare digits of another
	                                    length than a code's, mistyped or without prefix; or "" */
	char rest[COMMAND_REST_MAX];     /* words after the code, folded ("ca xa"), cut to fit; or "" */
};

/* text: UTF-8. False: not a command, and *out is untouched. At most one of code and ref is set. */
bool command_parse(const char *text, struct command *out);

/* Begins like a command but orders nothing, for want of a usable code: "NHAN 0", "ok 12 34". Whoever
 * writes that as an officer must be told to send the code. Never true where command_parse() is. */
bool command_attempted(const char *text);

const char *command_verb_name(enum command_verb verb); /* "ack", for the journal */

#endif
