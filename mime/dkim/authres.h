/*
 * authres.h - Authentication-Results fields (RFC 8601), read and written
 *
 * Pure. Reading serves two ends: finding fields that claim to come from us
 * (RFC 8601 5), which must be removed from what strangers send; and the results
 * that an ARC sealer passes on.
 */
#ifndef AUTHRES_H
#define AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the value s[0..len) of an Authentication-Results field (folds and
 * comments included) has `host` as its authserv-id, without regard to case. A
 * value whose id cannot be read claims nothing.
 */
bool authres_claims(char const *s, size_t len, char const *host);

struct authres_reader {
	char const *s;
	size_t len, pos;
};

struct authres_text {
	char const *s; /* quoted strings without quotes, backslashes kept */
	size_t len;
};

/* One `method=result` with what was examined. */
struct authres_result {
	struct authres_text method, result;
	struct authres_text reason; /* len 0: none */
	size_t property_at;	    /* for authres_property */
	size_t end;
};

/* Start; id_r the authserv-id. False: no id, or a version other than 1. */
bool authres_start(struct authres_reader *r, char const *s, size_t len,
	struct authres_text *id_r) __attribute__((warn_unused_result));
/* 1 the next result, 0 the end (also behind `none`), -1 syntax. */
int authres_next(struct authres_reader *r, struct authres_result *result_r)
	__attribute__((warn_unused_result));
/* Find ptype.property of a result, e.g. "header", "d". */
bool authres_property(struct authres_reader const *r,
	struct authres_result const *result, char const *ptype,
	char const *property, struct authres_text *value_r)
	__attribute__((warn_unused_result));

/* A value in the making; what does not fit whole is left out, part by part. */
struct authres_writer {
	char *out;
	size_t max, len, mark;
	size_t line; /* where the line began */
	bool is_full;
	bool has_results;
};

void authres_begin(
	struct authres_writer *w, char *out, size_t max, char const *host);
/* Begin `method=result`, on a line of its own. */
void authres_add(
	struct authres_writer *w, char const *method, char const *result);
/* `ptype.property=value`; the value is quoted where it must be, and octets
 * that no field may hold become `?`. Nothing for an empty value. */
void authres_add_property(
	struct authres_writer *w, char const *name, char const *value);
/* `reason="..."`; directly behind authres_add. */
void authres_add_reason(struct authres_writer *w, char const *text);
/* A comment; parentheses and the like in it become `?`. */
void authres_add_comment(struct authres_writer *w, char const *text);
/* NUL-end; `; none` if nothing was added. Returns the length. */
size_t authres_end(struct authres_writer *w);

#endif
