/*
 * queuefile_reader.h - the lines of an envelope, read
 *
 * For queuefile_parse.c and queuefile_options.c alone. Functions that take a
 * line return 1 got it, 0 it does not end in what there is, -1 malformed.
 */
#ifndef QUEUEFILE_READER_H
#define QUEUEFILE_READER_H

#include "common/queuefile_form.h"

/* A line of the envelope under the reader's eye. */
struct queuefile_reader {
	char const *s;
	size_t len, at; /* len: of s, at most max */
	size_t given;	/* octets that there are */
	size_t max;	/* of an envelope */
	char const *line;
	size_t line_len;
};

/* Begin at s[0..len). */
void queuefile_reader_start(
	struct queuefile_reader *r, char const *s, size_t len);
/* It is a file that may have as many recipients as a list. */
void queuefile_reader_allow_more(struct queuefile_reader *r);

/* -1: the line will never end. */
int queuefile_reader_next(struct queuefile_reader *r);
/* As before, but 2 and nothing taken if the line is of another key. */
int queuefile_reader_next_of(struct queuefile_reader *r, char const *key);
int queuefile_reader_number(struct queuefile_reader *r, char const *key,
	uint64_t *n_r, size_t *offset_r);
int queuefile_reader_span(struct queuefile_reader *r, char const *key,
	uint64_t *offset_r, uint64_t *len_r);
int queuefile_reader_text(struct queuefile_reader *r, char const *key,
	size_t max, char const **s_r, size_t *len_r);
/* 2 if the line is of another key. */
int queuefile_reader_word(struct queuefile_reader *r, char const *key,
	size_t max, char const **s_r, size_t *len_r);

/* Take something off the front of the line. */
bool queuefile_reader_skip(struct queuefile_reader *r, char const *key);
bool queuefile_reader_digits(struct queuefile_reader *r, uint64_t *n_r);
/* Names to the line's end, each behind a blank. */
bool queuefile_reader_names(struct queuefile_reader *r,
	struct queuefile_name const *names, unsigned *bits);

/* The lines that may be missing, between flags and origin. */
int queuefile_reader_options(struct queuefile_reader *r, struct queuefile *q);

#endif
