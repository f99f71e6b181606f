/*
 * listwork.h - working on a mailing list's own files, as its uid
 *
 * The files belong to the list's uid, and what root opened there could be a
 * trap: a child that has become that uid does the work.
 */
#ifndef LISTWORK_H
#define LISTWORK_H

#include <stdbool.h>
#include "local/list/list.h"

/* What is done with an open list (NULL for one that is only to be made), and
 * with its maildir. Returns the exit code; what is wrong was told. */
typedef int listwork_act(struct list *l, int root_fd, void *data);

/* Call act as the list's uid. opens: with the list open and locked. state: the
 * folder of the host's state. */
int listwork_run(char const *maildir, uid_t uid, char const *state,
	char const *hostname, bool opens, listwork_act *act, void *data);

/* The same by the list's address, which stands in `lists`. */
int listwork_by_name(
	char const *folder, char const *key, listwork_act *act, void *data);

/* Tell errno. Returns the exit code. */
int listwork_failed(char const *what, char const *on);

#endif
