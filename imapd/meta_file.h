/*
 * meta_file.h - the file `kereru-meta`: records by their place
 *
 * A record is added at the end under a lock and never changed. Whoever knows a
 * place (it stands in struct message, and is no more than a hint) can read the
 * record there; it is believed only if its checksum is right, and it is the
 * reader's matter whether it is of the message that was meant. What the records
 * hold is mime/metarecord.h's and meta.c's.
 */
#ifndef META_FILE_H
#define META_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "mime/metarecord.h"

struct meta_file {
	bool tried; /* to open it; fd -1: there is none */
	int fd;
	stralloc block;	   /* what was read last */
	uint64_t block_at; /* where it stands in the file */
	uint64_t next;	   /* behind the record that was read last */
	stralloc out;	   /* records to be added */
	stralloc places;   /* whose they are: struct meta_place */
	stralloc scratch;
};
#define META_FILE_ZERO                                                         \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Of a record that was not written yet. */
struct meta_place {
	uint32_t uid;
	uint32_t offset, len; /* in units */
};

/* The record at a place, good until the next call. False: there is none. */
bool meta_file_get(struct meta_file *f, int folder_fd, uint32_t place,
	char const **s_r, size_t *len_r) __attribute__((warn_unused_result));

/*
 * Take a record that begins with room for struct meta_head, to be written by
 * meta_file_flush. offset_r: where it will be, behind the place that
 * meta_file_flush gives, in units.
 */
bool meta_file_put(struct meta_file *f, char *s, size_t len, uint32_t *offset_r)
	__attribute__((warn_unused_result));

/* Write what was taken; *place_r is where the first of it stands. False:
 * errno, and it is forgotten. */
bool meta_file_flush(struct meta_file *f, int folder_fd, uint32_t *place_r)
	__attribute__((warn_unused_result));

/* The file's size; 0 if there is none. */
uint64_t meta_file_size(struct meta_file *f, int folder_fd);

/*
 * Replace the file by one with what was taken alone, and go on with that. As
 * meta_file_flush; on failure the old one stays.
 */
bool meta_file_replace(struct meta_file *f, int folder_fd, uint32_t *place_r)
	__attribute__((warn_unused_result));

/* Close it and forget what was not written. */
void meta_file_close(struct meta_file *f);

#endif
