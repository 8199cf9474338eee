/* Sums user and system time over /proc/PID/stat of a process tree. */
#include "procs.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_line {
	int parent;
	double cpu_s; /* its own and of its children that have ended */
};

bool procs_add(struct procs *p, const char *spec)
{
	struct procs_group *g = &p->groups[p->count];
	const char *at = strchr(spec, '=');
	char *end;

	if (p->count == PROCS_GROUPS_MAX || !at || at == spec || at - spec >= PROCS_NAME_MAX)
		return false;
	memset(g, 0, sizeof(*g));
	memcpy(g->name, spec, (size_t)(at - spec));
	do {
		long pid = strtol(at + 1, &end, 10);

		if (end == at + 1 || pid <= 0 || g->pid_count == PROCS_PIDS_MAX)
			return false;
		g->pids[g->pid_count++] = (int)pid;
		at = end;
	} while (*at == ',');
	if (*at)
		return false;
	p->count++;
	return true;
}

/* proc(5): the command in brackets may hold anything, so fields are counted from the last bracket. */
static bool read_stat(int pid, struct stat_line *out)
{
	char path[64], line[1024], *at;
	unsigned long times[4];
	bool ok = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (at)
		ok = sscanf(at + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
			    &out->parent, &times[0], &times[1], &times[2], &times[3]) == 5;
	if (ok)
		out->cpu_s = (double)(times[0] + times[1] + times[2] + times[3]) /
			     (double)sysconf(_SC_CLK_TCK);
	return ok;
}

static bool has(const struct procs_group *g, int pid)
{
	for (unsigned i = 0; i < g->pid_count; i++) {
		if (g->pids[i] == pid)
			return true;
	}
	return false;
}

/* The group's processes and their children: PostgreSQL has one for each connection. */
static double tree_s(const struct procs_group *g)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	double sum_s = 0;

	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat_line line;
		int pid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = atoi(entry->d_name);
		if (read_stat(pid, &line) && (has(g, pid) || has(g, line.parent)))
			sum_s += line.cpu_s;
	}
	if (dir)
		closedir(dir);
	return sum_s;
}

void procs_start(struct procs *p)
{
	for (unsigned i = 0; i < p->count; i++)
		p->groups[i].before_s = tree_s(&p->groups[i]);
}

void procs_stop(struct procs *p)
{
	for (unsigned i = 0; i < p->count; i++)
		p->groups[i].spent_s = tree_s(&p->groups[i]) - p->groups[i].before_s;
}
