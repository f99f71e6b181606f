/*
 * teacher.h - carrying a mailbox's lessons to the common classifier
 *
 * Runs under the mailbox's uid: opens the messages that its owner left in
 * LESSONS_COMMON (lessons.h), takes them apart within a sandbox, and hands each
 * text to the pupil (pupil.h), which is somebody else. A lesson that the pupil
 * has taken is removed.
 */
#ifndef TEACHER_H
#define TEACHER_H

/* Over the lessons that wait, oldest first, until there is none or the pupil
 * takes no more. Makes the folder if it is missing. The exit code. */
int teacher_run(char const *home, int pupil_fd);

#endif
