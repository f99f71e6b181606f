/*
 * text_build.h - gathers the words of messages for a segment of the text index
 *
 * In memory, which is bounded: when text_build_is_full says so, what is there
 * is written and the next segment begun.
 */
#ifndef TEXT_BUILD_H
#define TEXT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "imapd/text_token.h"

/* Of a segment: pairs of a word and a message, words, octets of words,
 * messages. Some 40 MB. */
#define TEXT_PAIRS_MAX ((size_t)2 * 1024 * 1024)
#define TEXT_WORDS_MAX ((size_t)512 * 1024)
#define TEXT_OCTETS_MAX ((size_t)12 * 1024 * 1024)
#define TEXT_DOCS_MAX ((size_t)64 * 1024)

struct text_word;
struct text_pair;
struct text_slot;

struct text_build {
	struct text_token token;
	unsigned where; /* of the words that come: TEXT_IN_* */
	uint32_t *uids;
	unsigned char *open;
	size_t docs;
	struct text_word *words;
	struct text_pair *pairs;
	char *octets;
	struct text_slot *slots;
	size_t words_count, pairs_count, octets_len, slots_count;
	size_t first_pair; /* of the message in hand */
	bool overflow;
	uint64_t seed;
};

/* False: memory. text_build_free in any case. */
bool text_build_init(struct text_build *b) __attribute__((warn_unused_result));
void text_build_free(struct text_build *b);
/* Forget all messages. */
void text_build_reset(struct text_build *b);

/* A message: start, its text as it comes, end. The end says no if the message
 * did not fit: then nothing of it is kept. */
void text_build_start(struct text_build *b, uint32_t uid);
void text_build_add(struct text_build *b, unsigned where, char const *s,
	size_t len, bool unit_ends);
bool text_build_end(struct text_build *b) __attribute__((warn_unused_result));

/* A message that fits nowhere: it will be looked at in each search. */
void text_build_add_open(struct text_build *b, uint32_t uid);

bool text_build_is_full(struct text_build const *b);

/* Write the segment. False: errno. */
bool text_build_write(struct text_build *b, int dir_fd, char const *name,
	uint32_t validity, uint64_t *size_r)
	__attribute__((warn_unused_result));

#endif
