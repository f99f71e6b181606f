/*
 * filter.h - a mailbox's Sieve script over a message that arrives
 *
 * The active script is FILTER_ACTIVE at the top of the maildir: a file, or a
 * link `sieve/NAME.sieve` to one of those beside it, as Dovecot's Pigeonhole
 * has it. Read anew for each message: it may change at any time.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/boxname.h"
#include "common/job.h"
#include "local/sieve/name.h"
#include "local/sieve/run.h"

#define FILTER_ACTIVE ".dovecot.sieve"
/* Without a script: forwardfile.h. */
#define FILTER_FORWARD "forward"
#define FILTER_FOLDER "sieve"
#define FILTER_SUFFIX ".sieve"

struct filter {
	int root_fd;
	char const *hostname;
	uint64_t now;
};

/* A message with what the script says of it. */
struct filtered {
	stralloc header;      /* the added lines, then its own header */
	size_t own_len;	      /* octets of the message that are its header */
	bool is_header_whole; /* else it must not be replaced */
	struct sieve_result result;
};

/* What stands at FILTER_ACTIVE. */
enum filter_active {
	FILTER_NONE,
	FILTER_FILE,
	FILTER_LINK, /* to a script, of which there may be none */
	FILTER_ODD   /* a link to elsewhere, or what can't be read: errno */
};
enum filter_active filter_active(
	int root_fd, char name_r[SIEVE_NAME_SCRIPT_MAX + 1]);

/* Append the text of the active script. 1, 0 there is none, -1: errno.
 * programs: see forwardfile.h; without a file `forward` nothing is appended. */
int filter_read(int root_fd, stralloc *text, stralloc *programs)
	__attribute__((warn_unused_result));

/* Append the text of one that is included, or kept. The same. */
int filter_read_script(int root_fd, char const *name, stralloc *text)
	__attribute__((warn_unused_result));

/* Run the script over the message of a job. A faulty one gives a result that
 * has failed. out_r is freed with filter_free. False: the queue file can't be
 * read, or memory is out (errno). */
bool filter_run(struct filter const *f, stralloc const *script,
	struct job const *job, int fd, struct filtered *out_r)
	__attribute__((warn_unused_result));

void filter_free(struct filtered *f);

/* The first mailbox with a special use; name_r as on disk. */
bool filter_find_use(
	int root_fd, char const *use, char name_r[BOXNAME_MAX + 1]);

/* What a script may ask of the mailbox. */
struct sieve_host filter_host(struct filter const *f);

/* How much a message looks like spam by the field of that name that this host
 * has added to it: 0 not tested, else 1 to 10 (RFC 5235). Pure. */
unsigned filter_spam(char const *added, size_t len, bool is_junk);

#endif
