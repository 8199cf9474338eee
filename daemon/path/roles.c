/* Third station: officer or reporter? */
#include "path/roles.h"

#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/command.h"
#include "path/acks.h"
#include "path/delivery.h"
#include "path/hotline.h"
#include "path/members.h"
#include "path/session.h"
#include "store/pg.h"

enum {
	REFRESH_MS = 10 * 1000,
	RETRY_MS = 500,
	WAITING_MAX = 1000 /* far more than all officers and members send; the rest is anybody's and goes on */
};

static const struct pg_statement roster = {
	"roles_roster", "select o_idx, 'officer' from roster_idx() union all"
			" select o_idx, case when o_verified then 'member' else 'waiting' end from members_idx()"};

/* Markers: what a number is. Somebody may be an officer and a member. */
enum { IS_OFFICER = 1, IS_MEMBER = 2, IS_WAITING = 4 };
static char marks[8];

struct roles {
	struct hotline *h;      /* borrowed */
	struct map known;       /* keyed hash of a number -> place in marks */
	struct map loading;     /* the same, being read */
	struct loop_timer *timer;
	bool busy, loaded;
	bool again;             /* it changed while it was being read */
	/* What looks like a command, or proves a member's phone, waits here until the roster is known for the
	 * first time: filed as a report it could neither acknowledge nor be understood. */
	struct delivery **waiting; /* owned */
	size_t waiting_count;
};

static int marks_of(const struct map *map, const uint8_t *idx)
{
	const char *at = map_get(map, idx);

	return at ? (int)(at - marks) : 0;
}

static void mark(struct map *map, const uint8_t *idx, const char *what)
{
	int one = what[0] == 'm' ? IS_MEMBER : what[0] == 'w' ? IS_WAITING : IS_OFFICER;

	map_set(map, idx, marks + (marks_of(map, idx) | one));
}

static void on_row(void *arg, const struct pg_result *r)
{
	struct roles *roles = arg;
	uint8_t idx[MAP_KEY_LEN];

	for (int i = 0; i < pg_rows(r); i++) {
		if (pg_get_bytes(r, i, 0, idx, sizeof(idx)) == sizeof(idx))
			mark(&roles->loading, idx, pg_get(r, i, 1));
	}
}

static void first_load(struct roles *roles)
{
	struct delivery **waiting = roles->waiting;
	size_t count = roles->waiting_count;

	roles->loaded = true;
	roles->waiting = NULL;
	roles->waiting_count = 0;
	for (size_t i = 0; i < count; i++)
		roles_take(roles, waiting[i]);
	mem_free(waiting);
}

static void on_roster(void *arg, enum pg_outcome outcome, const char *error)
{
	struct roles *roles = arg;

	roles->busy = false;
	if (outcome == PG_FAILED)
		log_error("roles", "the roster cannot be read: %s", error ? error : "");
	if (outcome == PG_OK) {
		map_fini(&roles->known);
		roles->known = roles->loading;
	} else {
		map_fini(&roles->loading);
	}
	memset(&roles->loading, 0, sizeof(roles->loading));
	loop_timer_set(roles->timer, outcome != PG_OK ? RETRY_MS : roles->again ? 0 : REFRESH_MS);
	if (outcome == PG_OK && !roles->loaded)
		first_load(roles);
}

static void refresh(void *arg)
{
	struct roles *roles = arg;

	if (roles->busy) {
		roles->again = true;
		return;
	}
	roles->busy = true;
	roles->again = false;
	pg_exec(roles->h->pg_duty, &roster, NULL, on_row, on_roster, roles);
}

void roles_refresh(struct roles *roles)
{
	refresh(roles);
}

void roles_start(struct roles *roles)
{
	refresh(roles);
}

void roles_take(struct roles *roles, struct delivery *d)
{
	struct command command;
	bool may = d->has_subject && d->past != PAST_HEARD; /* by a conversation: it was no command then */
	bool order = may && command_parse(d->text, &command);
	int is = d->has_subject ? marks_of(&roles->known, d->subject) : 0;
	bool officer = may && is & IS_OFFICER;
	char digits[MEMBERS_CODE_LEN + 1];

	d->officer = officer;
	/* without a code it may as well be a reporter's "khong", who must not wait */
	if (may && !roles->loaded && roles->waiting_count < WAITING_MAX &&
	    ((order && command.code[0]) || members_code(d->text, digits))) {
		roles->waiting = mem_array(roles->waiting, roles->waiting_count + 1, sizeof(*roles->waiting));
		roles->waiting[roles->waiting_count++] = d;
	} else if (order && officer) {
		acks_take(roles->h->acks, d, &command);
	} else if (officer && command_attempted(d->text)) {
		acks_ask_code(roles->h->acks, d);
	} else if (may && is & (IS_WAITING | IS_MEMBER) && members_code(d->text, digits)) {
		members_take(roles->h, d, digits);
	} else {
		d->role = is & IS_MEMBER ? "member" : NULL;
		session_take(roles->h->session, d);
	}
}

struct roles *roles_new(struct hotline *h)
{
	struct roles *roles = mem_alloc(sizeof(*roles));

	roles->h = h;
	roles->timer = loop_timer_new(h->loop, refresh, roles);
	return roles;
}

void roles_free(struct roles *roles)
{
	if (!roles)
		return;
	for (size_t i = 0; i < roles->waiting_count; i++)
		delivery_free(roles->waiting[i]);
	mem_free(roles->waiting);
	loop_timer_free(roles->timer);
	map_fini(&roles->known);
	map_fini(&roles->loading);
	mem_free(roles);
}
