/* A roster as a file says it: officers and how they are reached, teams and the communes they look after,
 * schedules. Pure: zones come through a function. Reads YAML (doc/roster.md) and, for officers alone, CSV.
 * What a person in a schedule is, is an index into `people`; the first `officer_count` of them are the
 * file's own officers, the others are only named in it and must be known to the daemon already. */
#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rota.h"

struct yaml_error;
struct yaml_node;
struct zone;

enum {
	ROSTER_ID_MAX = 32,        /* with its NUL */
	ROSTER_ADDRESS_MAX = 256,
	ROSTER_NAME_MAX = 101,
	ROSTER_OFFICERS_MAX = 2000,
	ROSTER_TEAMS_MAX = 500,
	ROSTER_OF_OFFICER_MAX = 8, /* teams of one officer */
	ROSTER_COMMUNES_MAX = 400,
	ROSTER_COMMUNE_MAX = 6,
	ROSTER_SCHEDULES_MAX = 100,
	ROSTER_ROTATIONS_MAX = 20,
	ROSTER_CHANGES_MAX = 500,
	ROSTER_TURNS_MAX = 100     /* people in one rotation */
};

/* In the order in which they are tried. */
enum roster_method { ROSTER_NUMBER, ROSTER_SECOND_NUMBER, ROSTER_WEBHOOK, ROSTER_MAIL, ROSTER_METHODS };
extern const char *const roster_method_keys[ROSTER_METHODS + 1];     /* "number", ...; ends with NULL */
extern const char *const roster_method_channels[ROSTER_METHODS];     /* "sms", "sms", "webhook", "mail" */

struct roster_person {
	char id[ROSTER_ID_MAX];        /* "" if the file gives none: then the number tells who it is */
	char name[ROSTER_NAME_MAX];    /* "" if only named in a schedule */
	char *methods[ROSTER_METHODS]; /* owned; NULL = none. Numbers as +digits */
	char teams[ROSTER_OF_OFFICER_MAX][ROSTER_ID_MAX];
	size_t team_count;
	bool left;                     /* no longer serves; everything about them is kept */
	unsigned line, column;         /* where the file first speaks of them */
};

struct roster_team {
	char id[ROSTER_ID_MAX];
	char agency[ROSTER_ID_MAX];    /* commune, police, health, school, province; "" = the hotline itself */
	char schedule[ROSTER_ID_MAX];  /* who of it is alerted; "" = all of it */
	char (*communes)[ROSTER_COMMUNE_MAX]; /* owned; codes it looks after; none = all */
	size_t commune_count;
};

struct roster_schedule {
	char id[ROSTER_ID_MAX];
	char zone_name[64];
	struct rota_schedule rota;       /* its arrays and its zone are owned */
};

struct roster {
	struct roster_person *people;    /* owned */
	size_t officer_count, people_count;
	struct roster_team *teams;       /* owned */
	size_t team_count;
	struct roster_schedule *schedules; /* owned */
	size_t schedule_count;
	bool has_duty;                   /* the file speaks of teams or schedules */
};

/* A zone by its IANA name, owned by the roster from then on; NULL if there is none. */
typedef struct zone *roster_zone_fn(const char *name);

/* False sets *error; the roster is then empty. */
bool roster_load(const struct yaml_node *root, roster_zone_fn *zone_of, struct roster *out,
		 struct yaml_error *error);
/* Officers from CSV (RFC 4180): a header of id,name,number,second_number,webhook,mail,team,left in any
 * order, name and number at least; several teams are separated by semicolons. */
bool roster_load_csv(const char *bytes, size_t len, struct roster *out, struct yaml_error *error);
void roster_fini(struct roster *r);

const struct roster_schedule *roster_find_schedule(const struct roster *r, const char *id);
const struct roster_team *roster_find_team(const struct roster *r, const char *id);
size_t roster_method_count(const struct roster_person *p);

/* ---- what a roster says, line by line (roster_lines.c) ---- */

/* One fact. `fact` is complete and tells two rosters apart; `shown` has numbers and addresses masked.
 * `subject`: whose fact it is ("officer lan", "schedule truc"). All borrowed. */
typedef void roster_line_fn(void *arg, const char *subject, const char *fact, const char *shown);
void roster_lines(const struct roster *r, roster_line_fn *fn, void *arg);

/* A finding about a roster, for people: gaps of the coming days, officers in a schedule who cannot be
 * reached in two ways, schedules without anybody. */
typedef void roster_finding_fn(void *arg, const char *finding);
void roster_findings(const struct roster *r, int64_t now, int days, roster_finding_fn *fn, void *arg);

#endif
