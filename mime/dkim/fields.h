/*
 * fields.h - the header of a message in memory, taken apart
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mime/header.h"
#include "mime/dkim/source.h"

/* Octets of header, and fields, that are read; a message with more is not
 * judged at all. */
#define FIELDS_BYTES_MAX (512u * 1024)
#define FIELDS_MAX 4096

struct fields {
	char *bytes;
	size_t len; /* of the header, its empty line included */
	uint64_t body_at;
	struct header_field *list; /* in order; no lines that are no fields */
	size_t count;
	bool is_too_long;
};

/* False: errno. fields_free in both cases. */
bool fields_read(struct source const *message, struct fields *fields_r)
	__attribute__((warn_unused_result));
/* The same of octets in memory, which are allocated and become fields_r's, with
 * what stands behind the header, if anything. False: errno. */
bool fields_take(char *bytes, size_t len, struct fields *fields_r)
	__attribute__((warn_unused_result));
/* Twice is safe. */
void fields_free(struct fields *f);

#endif
