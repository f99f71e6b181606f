/*
 * spawner.h - opening channels for the manager
 *
 * A spawner waits for names on its pair, forks a process for each and hands the
 * manager one end of that process's own pair. It never sees a message. The
 * remote and the local spawner differ in `admit` and `run` alone.
 */
#ifndef SPAWNER_H
#define SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/job.h"

struct spawner {
	/*
	 * Look name up, before the fork: JOB_OPENED to go on, else the answer.
	 * What it finds it keeps in data for run.
	 */
	enum job_opened (*admit)(void *data, char const *name, size_t len);
	/*
	 * In the child, with every other descriptor closed: serve jobs on
	 * channel_fd; the exit code is returned. Runs with the spawner's
	 * rights: the first thing it does is drop them.
	 */
	int (*run)(void *data, char const *name, size_t len, int channel_fd);
	void *data;
	unsigned children_max;
};

/*
 * The loop. control_fd is the pair to the starter, over which the pair to the
 * manager comes (one frame "m" with one descriptor), and again when either end
 * had to be replaced. Returns when the starter is gone, or asks to stop with a
 * frame "q": then after the children have ended; or when the pair was lost and
 * no other came within seconds, so that the starter begins anew. Exit code.
 */
int spawner_loop(struct spawner const *s, int control_fd);

#endif
