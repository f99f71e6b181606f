/*
 * uutext.h - uuencoded files in the middle of a text
 *
 *	begin 644 photo.jpg
 *	M_]C_X``02D9)1@`!`0$`2`!(``#...
 *	`
 *	end
 *
 * A file is taken out of a text, so it must be one beyond doubt: every line
 * from "begin" to "end" is as POSIX has it, and there is at least one octet in
 * it. What only begins so is text. The text comes in pieces; linear time, and
 * memory for no more than UUTEXT_FILES_MAX names. Pure but for that memory.
 */
#ifndef MIME_UUTEXT_H
#define MIME_UUTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

/* Files found in one text; later ones are text. */
#define UUTEXT_FILES_MAX 256
/* Octets of a line of a file, without its end. */
#define UUTEXT_LINE_MAX 512

struct uutext_file {
	uint64_t start, end;   /* offsets of its lines in the text */
	uint64_t size;	       /* its octets, decoded */
	size_t name, name_len; /* in names; as it came */
};

/* All zero at first. */
struct uutext {
	genalloc files; /* struct uutext_file */
	stralloc names;
	int state;
	struct uutext_file file; /* that may be one */
	uint64_t at;		 /* where the line starts */
	uint64_t line_len;
	char line[UUTEXT_LINE_MAX];
};

/* The next octets of the text. False: memory is out. */
bool uutext_push(struct uutext *u, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* There are no more; now files is complete. Same. */
bool uutext_finish(struct uutext *u) __attribute__((warn_unused_result));

size_t uutext_count(struct uutext const *u);
struct uutext_file const *uutext_get(struct uutext const *u, size_t i);

void uutext_free(struct uutext *u);

#endif
