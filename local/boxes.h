/*
 * boxes.h - the folders of a mailbox that deliveries are put into
 *
 * Opened when they are needed, and kept while several deliveries are made
 * durable together.
 */
#ifndef BOXES_H
#define BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include "common/boxname.h"
#include "common/filename.h"

#define BOXES_MAX 24

struct boxes {
	int root_fd;
	struct {
		int fd;
		char name[BOXNAME_MAX + 1];
	} list[BOXES_MAX];
	size_t count;
};

/* The folder of a mailbox by its name on disk. Made where it is missing, if
 * create is set. The descriptor is ours; -1: errno (ENOENT: it is not there;
 * EMFILE: boxes_close first). */
int boxes_open(struct boxes *b, char const *name, bool create);

/* The same, but the descriptor is the caller's, and not kept. */
int boxes_open_alone(struct boxes const *b, char const *name, bool create);

/* Close all but the maildir itself. */
void boxes_close(struct boxes *b);

/*
 * The letters of flags (as in a Sieve script, with blanks between) in names of
 * a folder's files; keywords without a letter get one, if there is one left.
 * letters_r: FILENAME_MAX_LEN + 1 octets. False: errno.
 */
bool boxes_letters(int folder_fd, char const *flags, char *letters_r)
	__attribute__((warn_unused_result));

#endif
