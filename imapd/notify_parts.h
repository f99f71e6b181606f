/*
 * notify_parts.h - between the files of NOTIFY: what is watched
 *
 * notify.c has the command and the waiting, notify_watch.c the watches and the
 * state of mailboxes, notify_tree.c what comes, goes and is renamed,
 * notify_known.c annotations.
 */
#ifndef NOTIFY_PARTS_H
#define NOTIFY_PARTS_H

#include "imapd/boxlist.h"
#include "imapd/notify.h"

/* An annotation as it was told last. */
struct known {
	char *name;
	unsigned char hash[16];
};

struct known_list {
	struct known *v;
	size_t count;
};

/* A mailbox. */
struct box {
	uint64_t inode; /* 0: there is no such mailbox */
	unsigned events;
	int wd[3]; /* cur, new, the folder itself; -1: not watched */
	bool changed, annotated; /* something has happened */
	bool has_state;
	uint32_t validity, next_uid;
	size_t messages, unseen;
	uint64_t modseq;
	struct known_list known;
};

struct notify {
	struct notify_args args;
	int fd, root_wd;
	bool tree_changed, server_annotated;
	struct boxlist list;
	struct box *boxes; /* one for each of list */
	size_t watched;
	struct known_list known; /* of the server */
};

/* notify_known.c */

void notify_known_free(struct known_list *k);

/* Read the annotations in a folder's file. False: errno; k is to be freed. */
bool notify_known_read(int folder_fd, char const *file, struct known_list *k)
	__attribute__((warn_unused_result));

/* Those of the mailbox. */
void notify_known_mailbox(
	struct session const *s, char const *name, struct known_list *k);

/* Tell which have changed since old, and remember them there. name: "" for
 * the server. */
void notify_known_tell(
	struct session *s, char const *name, struct known_list *old);

/* notify_watch.c */

/* Begin: watch what s->notify->args ask for, and tell its state where it is
 * asked for. False: too much, or the kernel refuses. */
bool notify_watch_start(struct session *s) __attribute__((warn_unused_result));
void notify_watch_stop(struct notify *n);

/* False: there are too many, or the kernel refuses. */
bool notify_watch_box(struct notify *n, char const *name, struct box *b)
	__attribute__((warn_unused_result));
void notify_unwatch_box(struct notify *n, struct box *b);

/* Note what has happened, in the boxes and in n. */
void notify_watch_read(struct notify *n);

/* Look at a mailbox that is not selected, and tell if asked to or if it has
 * changed. */
void notify_tell_state(
	struct session *s, char const *name, struct box *b, bool always);

/* notify_tree.c */

/* All mailboxes, and what is wanted of each; both are the caller's. */
bool notify_tree_read(struct session *s, struct boxlist *list,
	struct box **boxes_r) __attribute__((warn_unused_result));

/* Tell what has come, gone or was renamed, and watch what is there now. False:
 * too much. */
bool notify_tree_tell(struct session *s) __attribute__((warn_unused_result));

#endif
