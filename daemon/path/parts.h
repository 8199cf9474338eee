/* Joins the parts of a concatenated text. Parts wait in memory and stay in the spool until the whole is
 * filed; a set that stays incomplete goes on as it is, with its gap marked. What would be longer than
 * INBOUND_BODY_MAX octets goes on as more than one text. */
#ifndef PATH_PARTS_H
#define PATH_PARTS_H

struct delivery;
struct hotline;
struct parts;

struct parts *parts_new(struct hotline *h);
void parts_free(struct parts *parts);
/* Takes ownership. What came in one piece, or completes its set, goes on to roles at once. */
void parts_take(struct parts *parts, struct delivery *d);

#endif
