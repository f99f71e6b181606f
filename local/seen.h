/*
 * seen.h - what a filter has to remember (RFC 5230, 4.2; RFC 7352)
 *
 * The file SEEN_FILE at the top of the maildir: lines of a hash and the second
 * at which it is forgotten. Of more than SEEN_MAX the oldest are left out. Who
 * was answered, which message came before, which fault of a script was told.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_FILE "kereru-seen"
#define SEEN_MAX 4000
/* 128 bits in hex, and a NUL. */
#define SEEN_HASH_SIZE 33

enum seen_kind { SEEN_ANSWER = 'a', SEEN_MESSAGE = 'm', SEEN_FAULT = 'f' };

/* Of two strings, each with its length. */
void seen_hash(char hash_r[SEEN_HASH_SIZE], enum seen_kind kind, char const *a,
	size_t a_len, char const *b, size_t b_len);

/* Whether it stands in the file and is not forgotten. What can't be read was
 * not seen. */
bool seen_has(int root_fd, char const hash[SEEN_HASH_SIZE], uint64_t now);

/* Note it, durably. False: errno. */
bool seen_note(int root_fd, char const hash[SEEN_HASH_SIZE], uint64_t forgotten,
	uint64_t now) __attribute__((warn_unused_result));

/* The number of seconds in the text of the file for a hash; 0: it is not there.
 * Pure. */
uint64_t seen_find(char const *s, size_t len, char const *hash);

#endif
