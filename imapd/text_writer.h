/*
 * text_writer.h - writes a segment of the text index (text_segment.h)
 *
 * Words come in the order of their octets and go to the file as they come;
 * postings wait in a file without a name. Memory does not grow with the text.
 */
#ifndef TEXT_WRITER_H
#define TEXT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "imapd/text_segment.h"

struct text_stream {
	int fd;
	size_t used;
	uint64_t written;
	unsigned char *block; /* TEXT_BLOCK octets */
	stralloc *sums;	      /* NULL: none are made */
};

struct text_writer {
	struct text_stream words, postings;
	struct text_head head;
	stralloc sums, groups, frequent, scratch;
	uint64_t words_len, postings_len;
	uint32_t count; /* words */
};

/*
 * Start to write the file name in dir_fd, of docs messages; what is there is
 * replaced. False: errno; text_writer_free all the same.
 */
bool text_writer_open(struct text_writer *w, int dir_fd, char const *name,
	uint32_t validity, uint32_t docs) __attribute__((warn_unused_result));

/* list: doc << 2 | where, growing. */
bool text_writer_word(struct text_writer *w, char const *s, size_t len,
	uint32_t const *list, size_t count) __attribute__((warn_unused_result));

/*
 * uids  of all docs; open: a bit for each that could not be indexed,
 *       docs / 8 + 1 octets
 * size_r  octets of the file
 */
bool text_writer_finish(struct text_writer *w, uint32_t const *uids,
	unsigned char const *open, uint64_t *size_r)
	__attribute__((warn_unused_result));

void text_writer_free(struct text_writer *w);

#endif
