/* Processor time of named groups of processes, their children included, as the kernel counted it. */
#ifndef BENCH_PROCS_H
#define BENCH_PROCS_H

#include <stdbool.h>

enum { PROCS_GROUPS_MAX = 8, PROCS_PIDS_MAX = 8, PROCS_NAME_MAX = 32 };

struct procs_group {
	char name[PROCS_NAME_MAX];
	int pids[PROCS_PIDS_MAX];
	unsigned pid_count;
	double before_s; /* at procs_start() */
	double spent_s;  /* between procs_start() and procs_stop() */
};

struct procs {
	struct procs_group groups[PROCS_GROUPS_MAX];
	unsigned count;
};

/* "name=PID,PID...". False if it is not that. */
bool procs_add(struct procs *p, const char *spec);
void procs_start(struct procs *p);
void procs_stop(struct procs *p);

#endif
