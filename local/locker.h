/*
 * locker.h - the process that has messages encrypted for a delivery
 *
 * Forked by a delivery that has dropped its rights and has not closed its
 * sandbox yet; it has no filter but its parents', and of descriptors its pair
 * and standard error alone. It parses nothing: it starts mime-crypt, which does
 * so under limits of memory and time, for each message. It ends with the
 * delivery.
 *
 * A frame has one octet and three files: the message, the place for what comes
 * of it, the place for what is said of it. The answer is '+', or '-' and a
 * reason.
 */
#ifndef LOCKER_H
#define LOCKER_H

enum { LOCKER_CLEAR, LOCKER_OUT, LOCKER_SAID, LOCKER_FILES };

#define LOCKER_ANSWER_MAX 256
/* How long a message may take. */
#define LOCKER_SECONDS 300

/* Fork it; key is the file of the key, in the working folder. Returns the end
 * of its pair, -1: errno. */
int locker_start(char const *key) __attribute__((warn_unused_result));

#endif
