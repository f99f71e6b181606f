/*
 * text_segment.h - an immutable piece of a folder's text index
 *
 * The words of some messages (text_token.h) in the order of their octets,
 * with a line end behind each, and for each word its messages. A file:
 *
 *	head      struct text_head
 *	words     each ends in '\n'
 *	postings  for each word: a varint n; n odd: two bitmaps, a bit for each
 *	          message with the word in its header, then in its body;
 *	          n even: n / 2 octets of varints (distance - 1) << 2 | where
 *	groups    struct text_group: where each TEXT_GROUP words start
 *	frequent  struct text_frequent: the words with bitmaps
 *	uids      uint32_t for each message
 *	open      a bit for each message that could not be indexed
 *	sums      uint32_t crc32c_lanes of each TEXT_BLOCK octets from words
 *	          to open
 *
 * in the byte order of the host. Nothing in it is believed before its sum was
 * checked, and no number in it afterwards: a damaged file is one that has
 * nothing to say. One that others cut off while it is open is damaged too, and
 * no more (mapguard.h).
 */
#ifndef TEXT_SEGMENT_H
#define TEXT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/text_token.h"

#define TEXT_MAGIC "KRtext1\n"
#define TEXT_GROUP 32
#define TEXT_BLOCK 65536
/* Words, or postings, of one segment, in octets. */
#define TEXT_PART_MAX UINT32_MAX

/* Where a word is. */
#define TEXT_IN_HEADER 1u
#define TEXT_IN_BODY 2u

struct text_head {
	char magic[8];
	uint32_t rules;	   /* text_rules() */
	uint32_t validity; /* UIDVALIDITY */
	uint32_t docs, groups, frequent;
	uint32_t sums_crc;
	uint64_t words_len, postings_len;
	uint32_t reserved;
	uint32_t head_crc; /* of what is before it */
};

struct text_group {
	uint32_t word, posting; /* offsets */
};

struct text_frequent {
	uint32_t word, posting;
};

struct text_segment {
	unsigned char *map;
	size_t map_len;
	struct text_head head;
	unsigned char const *data; /* behind the head, aligned */
	unsigned char const *words, *postings, *groups, *frequent, *uids, *open;
	unsigned char const *sums;
	size_t data_len;
	unsigned char *checked; /* a bit for each block */
};

/*
 * Open the file name in dir_fd. False: there is none, or one that is damaged
 * or of another validity or other rules; nothing is open then.
 */
bool text_segment_open(struct text_segment *g, int dir_fd, char const *name,
	uint32_t validity) __attribute__((warn_unused_result));
void text_segment_close(struct text_segment *g);

/* Is all that was read of it what was written? To be asked behind the functions
 * below but text_segment_find, before what they said is believed. */
bool text_segment_is_whole(struct text_segment const *g);

uint32_t text_segment_uid(struct text_segment const *g, uint32_t doc);
bool text_segment_is_open(struct text_segment const *g, uint32_t doc);

/*
 * Set the bits in hits (docs of them) of the messages that have the piece in
 * a word, where `where` says. False: damaged.
 */
bool text_segment_find(struct text_segment *g, struct text_piece const *piece,
	unsigned where, unsigned char *hits)
	__attribute__((warn_unused_result));

/* Walk over all words. */
struct text_walk {
	struct text_segment *g;
	size_t word, posting; /* offsets of the next */
};

/*
 * The next word. Its messages go to list, room for docs numbers: doc << 2 |
 * where, growing. 1, 0 no more, -1 damaged.
 */
int text_walk_next(struct text_walk *w, char const **s_r, size_t *len_r,
	uint32_t *list, size_t *count_r) __attribute__((warn_unused_result));

/* What depends on how texts are decoded, folded and cut: an index made by other
 * rules is none. */
uint32_t text_rules(void);

/* Octets of a varint at most. */
#define TEXT_VARINT_MAX 5
/* Returns octets written. */
size_t text_varint_put(unsigned char *out, uint32_t n);
/* Read one at *at. False: none there. */
bool text_varint_get(unsigned char const *s, size_t len, size_t *at,
	uint32_t *n_r) __attribute__((warn_unused_result));

#endif
