/*
 * reencode.h - a message made fit for a host that takes no 8BITMIME or
 * BINARYMIME, or for a file of lines (RFC 6152 3, RFC 3030 3)
 *
 * Goes over a message twice, piece by piece: first to see which parts hold what
 * the host can't take, then to write it anew with those parts, and only those,
 * in quoted-printable (text) or base64. So what needs nothing, and with it a
 * signature over it, stays as it is. Nothing is kept but a header and a line.
 * A pure function over bytes.
 */
#ifndef REENCODE_H
#define REENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>

/* Parts of one message that are looked at, their depth, octets of a header. */
#define REENCODE_PARTS_MAX 10000
#define REENCODE_DEPTH_MAX 30
#define REENCODE_HEADER_MAX (256 * 1024)
#define REENCODE_BOUNDARY_MAX 200
#define REENCODE_PIECE 1024

enum reencode_error {
	REENCODE_FINE,
	REENCODE_HEADER,   /* a header has 8-bit octets: no encoding for them */
	REENCODE_TOO_MUCH, /* parts, depth, or a header */
	REENCODE_MEMORY
};

typedef void reencode_put(void *data, char const *s, size_t len);

struct reencode {
	bool keep_8bit;	  /* the host takes 8BITMIME: binary alone is changed */
	bool keep_header; /* 8-bit octets in a header are let through */
	bool is_writing;  /* the second time */
	enum reencode_error error;
	bool is_needed; /* after the first time: something is to be changed */
	reencode_put *put;
	void *data;

	bool in_header, is_nested;
	stralloc header;
	struct {
		char s[REENCODE_BOUNDARY_MAX];
		size_t len;
	} stack[REENCODE_DEPTH_MAX];
	size_t depth, nesting;
	size_t part; /* the number of the leaf in hand */
	unsigned char needs[REENCODE_PARTS_MAX / 8];
	enum {
		REENCODE_PASS,
		REENCODE_CLEAN,
		REENCODE_QP,
		REENCODE_BASE64
	} mode;
	size_t column; /* of what is written; of the input the first time */
	unsigned char group[3];
	size_t group_len;
	bool has_line_end; /* kept back: it may belong to the boundary */
	char line[REENCODE_PIECE + 2];
	size_t line_len;
	bool is_inside; /* of a line whose start is gone */
};

/* Get ready for the first time. */
void reencode_start(struct reencode *c, bool keep_8bit, bool keep_header);
/* Get ready for the second, after the first has ended. */
void reencode_write(struct reencode *c, reencode_put *put, void *data);

void reencode_push(struct reencode *c, char const *s, size_t len);
/* The message has ended. True: without an error. */
bool reencode_end(struct reencode *c) __attribute__((warn_unused_result));

void reencode_free(struct reencode *c);

#endif
