/*
 * terminal.h - foreign text made harmless for a terminal
 *
 * No octet of a message may reach a terminal as a control: an escape sequence
 * can rewrite the screen, answer for the user or turn text around. Takes valid
 * UTF-8 (as charset.h gives it) in pieces of whole characters.
 *
 * Newline and tab stay (CRLF becomes newline). Other C0 controls and DEL are
 * shown as ^X; C1 controls, and the controls that embed or override the
 * direction of text, become U+FFFD.
 */
#ifndef MIME_TERMINAL_H
#define MIME_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

struct terminal {
	bool one_line; /* set: newlines and tabs become blanks */
	bool cr;       /* a CR that waits for its LF */
};

/* Append s[0..len) to out. Returns false only when memory is out (errno). */
bool terminal_push(struct terminal *t, char const *s, size_t len, stralloc *out)
	__attribute__((warn_unused_result));

/* One line in one go. */
bool terminal_line(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
