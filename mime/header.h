/*
 * header.h - walk over the header of a message or MIME part (RFC 5322, 2.2)
 *
 * Works on raw bytes with CRLF or LF line ends, mixed as they come. Nothing is
 * decoded here: names and values are spans of the caller's bytes, folds
 * included. Broken headers are walked over, never refused: a line without a
 * colon, or the "From " line of an mbox in front, is a field whose name is
 * empty. No function allocates, keeps state or looks past s + len.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of header looked at; what comes after them belongs to the body. */
#define HEADER_MAX (1024 * 1024)

struct header_field {
	/* Name without the colon and the blanks before it; empty (and
	   pointing to the line's start) for a line that is no field. */
	char const *name;
	size_t name_len;
	/* All behind the colon up to, not including, the last line end.
	   Line ends of folds are still in it, leading blanks too. */
	char const *value;
	size_t value_len;
	/* The whole field with its last line end. */
	char const *line;
	size_t line_len;
	/* More than one line. */
	bool folded;
};

/*
 * Find the end of the line at s + pos.
 *
 * content_r  octets of the line without its end (may be NULL)
 *
 * Returns the offset behind its LF, or len if there is none.
 */
size_t header_line(char const *s, size_t len, size_t pos, size_t *content_r);

/*
 * Give the next field of the header at s[0..len).
 *
 * pos  0 at first; moved on. After the last field it is the offset of the
 *      body: behind the empty line, or len if there is none.
 *
 * Returns 1 with *field_r filled, 0 at the end of the header. A header longer
 * than HEADER_MAX ends before the line that crosses the limit.
 */
int header_next(char const *s, size_t len, size_t *pos,
	struct header_field *field_r) __attribute__((warn_unused_result));

/*
 * Length of the header at s[0..len), its empty line included, but at most max
 * octets (then it ends before the line that crosses the limit).
 */
size_t header_end(char const *s, size_t len, size_t max);

/* Compare a field's name without regard to case; name is NUL-ended. */
bool header_is(struct header_field const *field, char const *name);

/*
 * Find the first field of that name in the header at s[0..len).
 * Returns false, *field_r untouched, if there is none.
 */
bool header_find(char const *s, size_t len, char const *name,
	struct header_field *field_r) __attribute__((warn_unused_result));

/*
 * Unfold a raw value (RFC 5322, 2.2.3): line ends vanish, blanks before the
 * value are cut off. The blanks of a fold are kept as they are, NULs too.
 *
 * out  at least value_len octets; may be the value itself
 *
 * Returns the octets written.
 */
size_t header_unfold(char const *value, size_t value_len, char *out);

#endif
