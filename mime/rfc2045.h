/*
 * rfc2045.h - the grammar of Content-* fields (RFC 2045, 5.1; RFC 2183)
 *
 * Takes apart raw field values such as `text/plain; charset="utf-8" (x)`.
 * Comments and folds are skipped. Parameters come as they stand in the field:
 * continuations and character sets are the matter of rfc2231.h. Pure, linear,
 * nothing is allocated; results point into the caller's bytes.
 *
 * Lenient where real mail is broken: empty parameters (";;") are skipped, an
 * unquoted value may hold any octet but blanks and ';', a quoted string may
 * lack its end.
 */
#ifndef MIME_RFC2045_H
#define MIME_RFC2045_H

#include <stdbool.h>
#include <stddef.h>

struct rfc2045_param {
	char const *name;
	size_t name_len;
	/* Raw: without the quotes but with what rfc2045_value takes out. */
	char const *value;
	size_t value_len;
	bool quoted;
};

/* Skip blanks, line ends and comments from s + pos; returns where they end. */
size_t rfc2045_skip(char const *s, size_t len, size_t pos);

/* Length of the token (RFC 2045, 5.1) that starts at s + pos; 0 if none. */
size_t rfc2045_token(char const *s, size_t len, size_t pos);

/*
 * Parse "type/subtype" at the start of a value.
 *
 * type, subtype  offset and length of the tokens
 * pos_r          where the parameters start
 *
 * Returns false if there is no such pair.
 */
bool rfc2045_type(char const *s, size_t len, size_t *type_r, size_t *type_len_r,
	size_t *subtype_r, size_t *subtype_len_r, size_t *pos_r)
	__attribute__((warn_unused_result));

/*
 * Give the next parameter behind s + *pos and move on.
 * Returns 1 with *param_r filled, 0 at the end.
 */
int rfc2045_param(char const *s, size_t len, size_t *pos,
	struct rfc2045_param *param_r) __attribute__((warn_unused_result));

/* Find the first parameter of that name (no regard to case) from s + pos. */
bool rfc2045_find(char const *s, size_t len, size_t pos, char const *name,
	struct rfc2045_param *param_r) __attribute__((warn_unused_result));

/*
 * The value of a parameter without backslashes and folds.
 * out  at least value_len octets. Returns the octets written.
 */
size_t rfc2045_value(struct rfc2045_param const *param, char *out);

#endif
