/*
 * import.h - mail brought into a mailbox from elsewhere
 *
 * Runs as the mailbox's uid. What is found in a source is handed to an imapd of
 * ours, over pipes: so a message that is brought is stored as one that a client
 * has appended, with its flags and its date, and folders get a UIDVALIDITY of
 * their own. A hundred messages go at a time, all or none of them; after that
 * the mark in the file `kereru-import-HASH` of the maildir is moved on, from
 * which a second run of the same source goes on.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/boxname.h"
#include "common/stream.h"
#include "common/table.h"

/* Octets of a message. */
#define IMPORT_MESSAGE_MAX (512u << 20)
#define IMPORT_FLAGS_MAX 2048

/* A message, as imapd wants it. */
struct import_message {
	char flags[IMPORT_FLAGS_MAX]; /* "\Seen $Forwarded"; NUL-ended */
	bool has_date;
	int64_t date; /* seconds since 1970 */
	stralloc text;
};

struct import {
	/* The imapd. */
	struct stream stream;
	char folder[BOXNAME_MAX + 1]; /* that messages go to */
	unsigned keywords;	      /* that it has got of us */
	char names[26][65];
	/* The APPEND that is being given. */
	size_t in_batch;
	uint64_t octets_in_batch;
	/* Where a second run goes on. */
	int mark_fd;
	stralloc marks; /* of earlier runs */
	stralloc batch_marks;
	/* What is told. */
	char const *what;
	bool is_terminal;
	uint64_t done, all; /* of the folder, in messages or octets */
	uint64_t told_percent;
	unsigned long brought, skipped;
	unsigned long folder_brought;
};

/* All of these tell what has failed, on standard error. */

/* Start imapd (argv) over the maildir that is the working directory. source:
 * what names it; the mark is kept under its hash. */
bool import_start(struct import *m, char const *const *argv, char const *source)
	__attribute__((warn_unused_result));

/*
 * The folder that the next messages go to, made if it is not there. name: in
 * modified UTF-7, our separator; use: "\Sent", or "". all: how much will come,
 * in what import_put counts.
 */
bool import_folder(struct import *m, char const *name, char const *use,
	uint64_t all) __attribute__((warn_unused_result));

/*
 * Put a message. mark: a line about what has been brought with it, kept when it
 * is on disk. step: what it counts in the bar. An empty one is passed over.
 */
bool import_put(struct import *m, struct import_message *message,
	char const *mark, uint64_t step) __attribute__((warn_unused_result));

/* A message that is there already, or that is none. */
void import_skip(struct import *m, uint64_t step);

/* The end of a folder: all of it is on disk. */
bool import_end(struct import *m) __attribute__((warn_unused_result));

/* Say goodbye; waits for imapd. */
bool import_finish(struct import *m) __attribute__((warn_unused_result));

/* The last mark of earlier runs that begins with head (NUL-ended, points into
 * m); NULL: none. */
char const *import_mark(struct import const *m, char const *head);

/* Add a flag or keyword, if imapd would take it. */
void import_flag(struct import_message *message, char const *s, size_t len);

/*
 * A name from elsewhere, with its separator, in ours: what cannot be in a part
 * of a name becomes `_`. name_r: BOXNAME_MAX + 1. False: it cannot be.
 */
bool import_name(char const *s, size_t len, char separator, char *name_r)
	__attribute__((warn_unused_result));

/*
 * From here on what is read is not ours: no file but below source_fd (-1: none)
 * can be opened, nothing executed, nobody called. imapd runs already, and the
 * connection to a server is there. Exits on failure.
 */
void import_confine(int source_fd);

/* The sources. */
struct import_remote {
	bool implicit_tls;
	char const *host, *port, *user, *password;
	char const *ca_file;
};
bool import_mbox(struct import *m, int fd, char const *folder)
	__attribute__((warn_unused_result));
bool import_maildir(struct import *m, char const *path)
	__attribute__((warn_unused_result));
bool import_remote(struct import *m, struct import_remote const *r)
	__attribute__((warn_unused_result));

#endif
