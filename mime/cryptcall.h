/*
 * cryptcall.h - mime-crypt and mime-submit, called
 *
 * What needs GnuPG is another program (crypt.c), which is started only when a
 * message has something to do with keys; so is what needs the network
 * (submit.c). They lie beside mime or in ../libexec/kereru.
 */
#ifndef MIME_CRYPTCALL_H
#define MIME_CRYPTCALL_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/options.h"

/* Could the message on fd, a file, have something signed or encrypted in it?
 * Octets are looked for, nothing is parsed; it says yes too often rather than
 * too seldom. False, too: errno is not 0. */
bool cryptcall_is_needed(int fd);

/* Become program: operation is its first argument, o its options, fd its
 * standard input. Exits. */
_Noreturn void cryptcall_become(char const *program, char const *operation,
	struct options const *o, int fd);

/*
 * Have the message on fd, a file, unlocked (unlock.h).
 *
 * report  lines to be shown above it
 *
 * Returns a descriptor of the message to be shown, at its start: fd itself if
 * the program cannot be used, which the report then tells. Exits 111 when there
 * is no memory.
 */
int cryptcall_unlock(int fd, stralloc *report);

#endif
