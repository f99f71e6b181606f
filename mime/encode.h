/*
 * encode.h - transfer encodings and encoded words, written (RFC 2045, 2047,
 * 2231)
 *
 * The writers to what decode.h, rfc2047.h and rfc2231.h read. Text is UTF-8
 * with LF line ends, and so is what is written. All append to out and return
 * false only when memory is out.
 */
#ifndef MIME_ENCODE_H
#define MIME_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Longest line that RFC 5322, 2.1.1 allows, and the one it asks for. */
#define ENCODE_LINE_MAX 998
#define ENCODE_LINE 76

enum encode_text { ENCODE_7BIT, ENCODE_QUOTED, ENCODE_BASE64 };

/* What suits a text: as it is if it can be, else quoted-printable, or base64
 * for a longer one of which it would blow up much. */
enum encode_text encode_choose(char const *s, size_t len);

/* The name of it, as Content-Transfer-Encoding has it. */
char const *encode_name(enum encode_text e);

/* A text, ended by a line end. Base64 gets the CRLF that RFC 2045, 6.8 asks
 * for. */
bool encode_text(stralloc *out, enum encode_text e, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* Octets as base64 in lines, the last one ended. */
bool encode_base64(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

/*
 * A value of free text (RFC 5322, 2.2.1) behind the name of its field, folded;
 * what is not ASCII, and what could be taken for an encoded word, as encoded
 * words. column: where the line stands; it is moved on.
 */
bool encode_words(stralloc *out, char const *s, size_t len, size_t *column)
	__attribute__((warn_unused_result));

/* A display name (RFC 5322, 3.2.5): atoms, a quoted string, encoded words. */
bool encode_phrase(stralloc *out, char const *s, size_t len, size_t *column)
	__attribute__((warn_unused_result));

/* The same in quotes, with a backslash before what needs one. */
bool encode_quoted_string(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* ";\n name=value" in the form that the value needs. */
bool encode_parameter(stralloc *out, char const *name, char const *s,
	size_t len) __attribute__((warn_unused_result));

#endif
