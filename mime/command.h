/*
 * command.h - the subcommands of mime, one file each
 *
 * Each writes what it has to say about a message to out, and flushes that.
 * They return false with errno when memory is out or writing fails. All but
 * imap write what a terminal can be shown (terminal.h).
 */
#ifndef MIME_COMMAND_H
#define MIME_COMMAND_H

#include <stdbool.h>

#include <skalibs/stralloc.h>

#include "mime/message.h"

/*
 * Write out to standard output, and empty it, once it has grown; with `all`
 * set, in any case. What a command makes of a message thus needs no memory.
 */
bool command_flush(stralloc *out, bool all) __attribute__((warn_unused_result));

/* The main fields decoded, the parts listed, the text as UTF-8. */
bool cmd_show(struct message const *m, stralloc *out)
	__attribute__((warn_unused_result));

/* All fields of the header, unfolded and decoded. */
bool cmd_headers(struct message const *m, stralloc *out)
	__attribute__((warn_unused_result));

/* A line for each part. */
bool cmd_parts(struct message const *m, stralloc *out)
	__attribute__((warn_unused_result));

/* Size, ENVELOPE, BODYSTRUCTURE and BODY as imapd sends them. */
bool cmd_imap(struct message const *m, stralloc *out)
	__attribute__((warn_unused_result));

/* Append the line that tells what part i is, its newline included. */
bool cmd_parts_line(struct message const *m, size_t i, stralloc *out)
	__attribute__((warn_unused_result));

/* Append the value of a field on one line, decoded and harmless. */
bool cmd_headers_value(struct header_field const *field, stralloc *out)
	__attribute__((warn_unused_result));

#endif
