/*
 * forwardfile.h - the file `forward`: where a mailbox's mail is sent on to
 *
 * For those who do not want a script: a line for each address; `keep` for a
 * copy that stays, `|` before a program (program.h), `#` before a remark. It
 * becomes a Sieve script, so that
 * there is one way in which mail is sent on.
 */
#ifndef FORWARDFILE_H
#define FORWARDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>

/*
 * Append the script that does what the file's text says. A line that is none of
 * these becomes one that a compiler finds fault with, at the same number: mail
 * is kept then. programs: what stands behind each `|` is appended there, with a
 * NUL; NULL: no programs are run here, and such a line is a fault. False:
 * memory is out. Pure.
 */
bool forwardfile_script(stralloc *out, char const *s, size_t len,
	stralloc *programs) __attribute__((warn_unused_result));

#endif
