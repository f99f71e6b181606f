/*
 * template.h - a front that waits, ready made, to be forked
 *
 * The monitor executes a front's program once, without a client: it is a
 * template, which forks a front for each client that the monitor hands it over
 * TEMPLATE_PAIR_FD, and tells when one has ended. It reads nothing but the
 * monitor's orders. What a fork saves is the exec; what it would cost is that
 * all fronts have the same addresses and canaries. So the template executes
 * itself anew (TEMPLATE_PROGRAM_FD is its program) after TEMPLATE_FORKS_MAX
 * clients, and at once when a front has crashed: who guesses in one of them has
 * learned nothing about the next. Its children stay its own over that; which
 * they are stands in a memory file in TEMPLATE_CHILDREN_FD (at first
 * /dev/null).
 *
 * Without its monitor it stays until the last of its fronts is gone.
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#define TEMPLATE_FORKS_MAX 64

#define TEMPLATE_PAIR_FD 3
#define TEMPLATE_PROGRAM_FD 4
#define TEMPLATE_CHILDREN_FD 5

/*
 * Be a template. busy: what a client is told that can't be served now. Returns
 * in each front, with the arguments of one (*argv_r, static; see front_init)
 * and its descriptors in their places: their number. Otherwise never.
 */
int template_run(
	char const *name, char const *busy, char const *const **argv_r);

#endif
