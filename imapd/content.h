/*
 * content.h - the text of one message, read as far as it is needed
 *
 * Nothing is read until it is asked for: the header alone, or all of it. One
 * struct serves message after message; its buffer is kept while it is small.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "imapd/mailbox.h"
#include "mime/structure.h"

/* Read at a time; what is larger is streamed where it can be. */
#define CONTENT_BLOCK 65536

struct content {
	int fd; /* -1: not open */
	struct stat st;
	char *s; /* the first len octets of the file */
	size_t len, allocated;
	bool whole;	   /* that is all of it */
	size_t header_len; /* 0: not known yet */
	struct structure_part *parts;
	size_t parts_count; /* 0: not parsed yet */
};
#define CONTENT_ZERO                                                           \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Open message i. 1, 0 it is gone, -1 (errno). Closes what was open. */
int content_open(struct content *c, struct mailbox *m, size_t i)
	__attribute__((warn_unused_result));

/* Have c->st alone, without opening the message. As content_open. */
int content_stat(struct content *c, struct mailbox *m, size_t i)
	__attribute__((warn_unused_result));

/* Have s[0..header_len): the header with its empty line. errno. */
bool content_header(struct content *c) __attribute__((warn_unused_result));

/* Have all in s[0..len). errno. */
bool content_whole(struct content *c) __attribute__((warn_unused_result));

/* content_whole, and the parts of it. */
bool content_parts(struct content *c) __attribute__((warn_unused_result));

void content_close(struct content *c);
/* The buffers too. */
void content_free(struct content *c);

#endif
