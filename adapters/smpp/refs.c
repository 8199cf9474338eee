/* Ids of texts, compared as what they may mean. */
#include "adapters/smpp/refs.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The number that all of the text is, in this base. */
static bool number_of(const char *text, int base, unsigned long long *number)
{
	const char *digits = base == 10 ? "0123456789" : "0123456789abcdefABCDEF";
	char *end;

	if (!text[0] || text[strspn(text, digits)] != '\0')
		return false;
	errno = 0;
	*number = strtoull(text, &end, base);
	return errno == 0 && *end == '\0';
}

void ref_canonical(const char *ref, enum ref_base base, char out[PROVIDER_REF_MAX])
{
	size_t zeros = base == REF_TEXT ? 0 : strspn(ref, "0");
	unsigned long long number;
	char form[PROVIDER_REF_MAX];

	if ((base == REF_DECIMAL || base == REF_HEX) &&
	    number_of(ref, base == REF_HEX ? 16 : 10, &number)) {
		snprintf(out, PROVIDER_REF_MAX, "%llu", number);
		return;
	}
	if (zeros > 0 && ref[zeros] == '\0')
		zeros--;
	snprintf(form, sizeof(form), "%s", ref + zeros);
	for (char *p = form; base != REF_TEXT && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	memcpy(out, form, sizeof(form));
}

void refs_init(struct refs *r)
{
	*r = (struct refs){ 0 };
	r->sent = mem_alloc(REFS_MAX * sizeof(*r->sent));
	r->parked = mem_alloc(REFS_PARKED_MAX * sizeof(*r->parked));
}

void refs_fini(struct refs *r)
{
	mem_free(r->sent);
	mem_free(r->parked);
	*r = (struct refs){ 0 };
}

/* 59113978 and 38601fa: one is the other's number in the other base. Never for short ids, where that
 * happens by chance: carriers that mix bases use wide ones. */
static bool same_number(const char *a, const char *b)
{
	enum { WIDE = 6 };
	unsigned long long ten, sixteen;

	if (strlen(a) < WIDE || strlen(b) < WIDE)
		return false;
	return (number_of(a, 10, &ten) && number_of(b, 16, &sixteen) && ten == sixteen) ||
	       (number_of(b, 10, &ten) && number_of(a, 16, &sixteen) && ten == sixteen);
}

static bool same(const char *a, const char *b, bool by_number)
{
	return strcmp(a, b) == 0 || (by_number && same_number(a, b));
}

void refs_sent(struct refs *r, const char *ref)
{
	snprintf(r->sent[r->sent_next++ % REFS_MAX], PROVIDER_REF_MAX, "%s", ref);
}

bool refs_early(struct refs *r, const char *ref, bool by_number, int *status)
{
	for (unsigned i = 0; i < REFS_PARKED_MAX; i++) {
		struct refs_parked *p = &r->parked[(r->parked_next + i) % REFS_PARKED_MAX];

		if (!p->ref[0] || !same(p->ref, ref, by_number))
			continue;
		p->ref[0] = '\0';
		*status = p->status;
		return true;
	}
	return false;
}

/* An equal id counts before one that is only the same number. */
static const char *find(const struct refs *r, const char *ref, bool by_number)
{
	const char *near = NULL;

	for (unsigned i = 0; i < REFS_MAX; i++) {
		const char *sent = r->sent[i];

		if (!sent[0] || !same(sent, ref, by_number))
			continue;
		if (strcmp(sent, ref) == 0)
			return sent;
		near = sent;
	}
	return near;
}

bool refs_find(struct refs *r, char ref[PROVIDER_REF_MAX], bool by_number, int status)
{
	const char *sent = find(r, ref, by_number);
	struct refs_parked *p;

	if (sent) {
		snprintf(ref, PROVIDER_REF_MAX, "%s", sent);
		return true;
	}
	p = &r->parked[r->parked_next++ % REFS_PARKED_MAX];
	snprintf(p->ref, sizeof(p->ref), "%s", ref);
	p->status = status;
	return false;
}
