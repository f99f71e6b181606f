/*
 * place.h - where a message lies in a maildir, and the flags in its name
 *
 * A maildir belongs to several programs at once: a file may get other flags,
 * and so another name, at any moment. The part of the name before ':' stays,
 * and by it a message is found again. Nothing is ever replaced; links are not
 * followed. Flags are the letters D F P R S T and, for the keywords of one
 * folder, a to z.
 */
#ifndef MIME_PLACE_H
#define MIME_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_NAME_MAX 255

struct place {
	int folder_fd;		       /* the maildir */
	char sub[4];		       /* "cur" or "new" */
	char name[PLACE_NAME_MAX + 1]; /* of the file in it */
};

/*
 * Take apart the path of a file in cur or new of a maildir, and open the
 * maildir. The file need not be there. False: errno; EINVAL where it is not
 * in such a folder. The caller closes folder_fd.
 */
bool place_from_path(struct place *p_r, char const *path)
	__attribute__((warn_unused_result));

/* Look for the file, by another name if it has got one; p is corrected.
 * False: errno; ENOENT when the message is gone. */
bool place_find(struct place *p) __attribute__((warn_unused_result));

/* Open the file for reading. errno. */
int place_open(struct place *p) __attribute__((warn_unused_result));

/* The flags in a file's name, NUL-ended, in out. */
void place_flags(char const *name, char out[PLACE_NAME_MAX + 1]);

/*
 * The name with other flags, NUL-ended: those of add more, those of remove
 * less. False: it would be too long.
 */
bool place_rename(char const *name, char const *add, char const *remove,
	char out[PLACE_NAME_MAX + 1]) __attribute__((warn_unused_result));

/*
 * Move the file to `sub` of the maildir to_fd, under the name `name`; the same
 * file system. *p is where it was. errno; EEXIST, EXDEV.
 */
bool place_move(struct place const *p, int to_fd, char const *sub,
	char const *name) __attribute__((warn_unused_result));

#endif
