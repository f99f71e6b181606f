/*
 * lessons.h - what a mailbox's owner teaches by moving messages
 *
 * In a maildir, LESSONS_FOLDER holds the owner's own database of words (the
 * classifier's files), LESSONS_NEW links to the messages that are to be learnt,
 * named by time and kind, and LESSONS_LEARNT what was. Deliveries make the
 * folders where the host has user classifiers; without them nobody leaves a
 * lesson. imapd leaves them, the next delivery learns them.
 *
 * LESSONS_COMMON holds the same for the database of the whole host, if the
 * mailbox's owner may teach that (spam-gather(8) makes it, and fetches them).
 */
#ifndef LESSONS_H
#define LESSONS_H

#include <stdbool.h>
#include <stddef.h>

#define LESSONS_FOLDER "kereru-spam"
#define LESSONS_NEW LESSONS_FOLDER "/new"
#define LESSONS_COMMON LESSONS_FOLDER "/common"
#define LESSONS_LEARNT LESSONS_FOLDER "/learnt"
#define LESSONS_WORDS LESSONS_FOLDER "/wordlist.db"
/* Lessons that may wait; what comes then is not learnt. */
#define LESSONS_MAX 500
#define LESSONS_NAME_SIZE 40

enum lesson { LESSON_NONE = 0, LESSON_SPAM = 's', LESSON_HAM = 'n' };

/*
 * What it teaches that a message goes from one mailbox to another, by what they
 * are for (use.h; NULL: it comes from outside): into junk it is spam, out of it
 * ham, unless it is thrown away. Pure.
 */
enum lesson lessons_of(char const *from_use, char const *to_use);

/* Lessons of LESSONS_COMMON that nobody has fetched for so long are thrown
 * away, and the folder with them: their owner teaches nobody any more. */
#define LESSONS_FORGOTTEN_S (7 * 24 * 3600)

/* The folder (LESSONS_NEW or LESSONS_COMMON) that lessons are linked into; -1:
 * nobody wants any, or enough wait. *room_r is how many may be left. */
int lessons_open(int root_fd, char const *folder, size_t *room_r);

/* A name for a new one, later than those before it. */
void lessons_name(enum lesson lesson, char name_r[LESSONS_NAME_SIZE]);

/* What a name says; LESSON_NONE: it is none of ours. Pure. */
enum lesson lessons_kind(char const *name);

/* The oldest lesson's name. False: there is none. */
bool lessons_oldest(int new_fd, char name_r[LESSONS_NAME_SIZE]);

/* Make the folder (as above) where it is missing. errno. */
bool lessons_create(int root_fd, char const *folder)
	__attribute__((warn_unused_result));

#endif
