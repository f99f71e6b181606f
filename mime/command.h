/*
 * command.h - the subcommands of mime, one file each
 *
 * Those that look at one message (struct command, `one`) get it parsed, in a
 * sandbox that can open nothing; they append to out what they have to say,
 * and flush that. They return false with errno when memory is out or writing
 * fails. The others (`main`) open what they need, close a sandbox of their
 * own, and return the program's exit code; they may exit themselves. All but
 * imap, and get for the contents of a part, write what a terminal can be
 * shown (terminal.h).
 */
#ifndef MIME_COMMAND_H
#define MIME_COMMAND_H

#include <stdbool.h>

#include <skalibs/stralloc.h>

#include "common/sandbox.h"
#include "mime/html.h"
#include "mime/message.h"
#include "mime/options.h"
#include "mime/uutext.h"

/* Address space: the message, what is made of it, and room to grow. */
#define COMMAND_MEMORY_MAX (4ul * MESSAGE_MAX + MESSAGE_MAPPED_MAX)

struct request {
	struct options const *options;
	char const *file; /* as it was named; "-" for standard input */
	struct html html; /* the program for HTML, if one was named */
	/* Who signed, what was decrypted: lines to be shown first. */
	stralloc report;
};

/*
 * Write out to standard output, and empty it, once it has grown; with `all`
 * set, in any case. What a command makes of a message thus needs no memory.
 */
bool command_flush(stralloc *out, bool all) __attribute__((warn_unused_result));

/* Open a message for reading, "-" is standard input; exits 111. */
int command_open(char const *name);

/* All of a message that is open on fd, in memory, from its start: at once a
 * file that nobody else changes. fd is closed. Exits 111. */
int command_take(int fd, char const *name);

/*
 * Close a sandbox in which no file can be changed, but any read that the
 * caller may read; exits 111.
 */
void command_enter_reader(void);

/* Same, and files of the folders open on fds may be changed; they are the
 * only ones that can be opened at all. count <= SANDBOX_PATHS_MAX. */
void command_enter_writer(int const *fds, size_t count);

/*
 * Read names of files from standard input, one a line, NUL-ended in names.
 * Returns false with errno.
 */
bool command_read_names(stralloc *names) __attribute__((warn_unused_result));

/* Append n in decimal. */
bool command_put_number(stralloc *out, size_t n)
	__attribute__((warn_unused_result));

/* The main fields decoded, the parts listed, the text as UTF-8. */
bool mime_show(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* The text alone. */
bool mime_text(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* All fields of the header, unfolded and decoded. */
bool mime_headers(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* A line for each part. */
bool mime_parts(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* All of the above for programs. */
bool mime_json(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* Size, ENVELOPE, BODYSTRUCTURE and BODY as imapd sends them. */
bool mime_imap(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* The key of its Autocrypt field; exits 1 if there is none that counts. */
bool mime_autocrypt(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

/* Drafts (draft.h) that answer a message, or pass it on. */
bool mime_reply(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));
bool mime_forward(struct message const *m, struct request *r, stralloc *out)
	__attribute__((warn_unused_result));

int mime_ls(struct options const *o, int argc, char const *const *argv);
int mime_search(struct options const *o, int argc, char const *const *argv);
int mime_get(struct options const *o, int argc, char const *const *argv);
int mime_compose(struct options const *o, int argc, char const *const *argv);
int mime_send(struct options const *o, int argc, char const *const *argv);
int mime_sign(struct options const *o, int argc, char const *const *argv);
int mime_encrypt(struct options const *o, int argc, char const *const *argv);
int mime_decrypt(struct options const *o, int argc, char const *const *argv);
int mime_verify(struct options const *o, int argc, char const *const *argv);
int mime_flag(struct options const *o, int argc, char const *const *argv);
int mime_move(struct options const *o, int argc, char const *const *argv);
int mime_copy(struct options const *o, int argc, char const *const *argv);
int mime_delete(struct options const *o, int argc, char const *const *argv);

/* Append the line that tells what part i is, its newline included. */
bool mime_parts_line(struct message const *m, size_t i, stralloc *out)
	__attribute__((warn_unused_result));

/* The same of file k of those in its text. */
bool mime_parts_file(struct message const *m, size_t i, struct uutext const *u,
	size_t k, stralloc *out) __attribute__((warn_unused_result));

/* The number of that file. */
bool mime_parts_file_number(struct message const *m, size_t i, size_t k,
	stralloc *out) __attribute__((warn_unused_result));

/* Append the value of a field on one line, decoded and harmless. */
bool mime_headers_value(struct header_field const *field, stralloc *out)
	__attribute__((warn_unused_result));

/* Append the value decoded, as UTF-8 that may hold controls. */
bool mime_headers_decode(struct header_field const *field, stralloc *out)
	__attribute__((warn_unused_result));

#endif
