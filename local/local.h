/*
 * local.h - the process that delivers into one mailbox
 *
 * Runs as the mailbox's uid, in its sandbox, and serves what the manager sends
 * over its channel until that ends.
 */
#ifndef LOCAL_H
#define LOCAL_H

struct local {
	int channel_fd;
	int folder_fd;	      /* the maildir; -1: see problem */
	char const *hostname; /* for file names */
	char const *problem;  /* why nothing can be delivered now, or NULL */
};

/* The exit code. */
int local_serve(struct local const *l);

#endif
