/*
 * quota.h - what a maildir may hold (Maildir++: the file `maildirsize`)
 *
 * The first line has the limits ("1000000S,1000C": octets, messages), each
 * further one what was added or taken away ("1234 1", "-1234 -1"); their sum is
 * what is used. Without the file there is no limit. Whoever set it up made the
 * file; it is counted anew from the messages when it has grown long, cannot be
 * read, or says for a quarter of an hour that too much is used.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUOTA_FILE "maildirsize"
/* Octets of the file from which on it is written anew. */
#define QUOTA_FILE_MAX 5120
#define QUOTA_AGE_S 900

struct quota {
	uint64_t max_octets, max_messages; /* 0: no limit */
	int64_t octets, messages;	   /* used */
};

/* The limits of a first line, without its end. Pure. */
bool quota_parse_limits(char const *s, size_t len, struct quota *q_r)
	__attribute__((warn_unused_result));

/* The whole file. False: not to be believed, but the limits may be. Pure. */
bool quota_parse(char const *s, size_t len, struct quota *q_r)
	__attribute__((warn_unused_result));

/* 1 read, 0 there is no quota, -1 errno. */
int quota_read(int root_fd, struct quota *q_r)
	__attribute__((warn_unused_result));

/* Would so much more fit? */
bool quota_allows(struct quota const *q, uint64_t octets, uint64_t messages);

/* Count what was added or (negative) taken away, if there is a quota. What
 * cannot be written is found when it is counted anew. */
void quota_note(int root_fd, int64_t octets, int64_t messages);

/* Count it anew: much has gone at once. */
void quota_recount(int root_fd);

/* The octets of a message by its file's name; 0 if it does not say. */
uint64_t quota_size(char const *name);

#endif
