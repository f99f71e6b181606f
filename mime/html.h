/*
 * html.h - a program that turns HTML into text
 *
 * It is started before the sandbox closes, and waits on its standard input;
 * the sandboxed process can feed it but start nothing. One document a program.
 */
#ifndef MIME_HTML_H
#define MIME_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Words of a command. */
#define HTML_WORDS_MAX 16

struct html {
	int in_fd, out_fd; /* of ours; -1: there is no program */
};

/*
 * Start `command`: a program, found by PATH, and its arguments, separated by
 * blanks; no shell, no quoting. False: errno; E2BIG for too many words.
 */
bool html_start(struct html *h, char const *command)
	__attribute__((warn_unused_result));

/* Give it s[0..len), then the end; append what it answers to out, at most max
 * octets. errno. Closes both descriptors. */
bool html_run(struct html *h, char const *s, size_t len, size_t max,
	stralloc *out) __attribute__((warn_unused_result));

#endif
