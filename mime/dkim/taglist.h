/*
 * taglist.h - tag lists of DKIM, ARC and DMARC (RFC 6376 3.2)
 *
 * `name=value; name=value`. Pure; results point into the caller's bytes.
 */
#ifndef TAGLIST_H
#define TAGLIST_H

#include <stdbool.h>
#include <stddef.h>

#define TAGLIST_MAX 64

struct tag {
	char const *name;
	size_t name_len;
	char const *value; /* blanks and folds on both sides cut */
	size_t value_len;
};

struct taglist {
	struct tag list[TAGLIST_MAX];
	size_t count;
};

/*
 * Parse s[0..len). False: not a tag list, the same tag twice, or more than
 * TAGLIST_MAX. Octets above 127 may stand in values (RFC 8616).
 */
bool taglist_parse(char const *s, size_t len, struct taglist *list_r)
	__attribute__((warn_unused_result));

/* Names are compared with regard to case. NULL: there is none. */
struct tag const *taglist_find(struct taglist const *list, char const *name);

/* Whether the tag is there and has exactly this value. */
bool taglist_is(
	struct taglist const *list, char const *name, char const *value);

/* The value without blanks and line ends, NUL-ended; false if it is longer
 * than max - 1. */
bool taglist_squeeze(struct tag const *tag, char *out, size_t max)
	__attribute__((warn_unused_result));

/* Decode a base64 value. False: not base64, or longer than max. */
bool taglist_base64(struct tag const *tag, unsigned char *out, size_t max,
	size_t *len_r) __attribute__((warn_unused_result));

/* Decimal digits. 1 to 12 of them or more: more are taken as endless (RFC 6376
 * 3.5, t=). False: something else. */
bool taglist_number(struct tag const *tag, unsigned long long *n_r)
	__attribute__((warn_unused_result));

/*
 * The next item of a colon-separated value, blanks cut; *pos is 0 at first.
 * False: no more.
 */
bool taglist_item(
	struct tag const *tag, size_t *pos, char const **item_r, size_t *len_r);
/* Whether an item is there, without regard to case. */
bool taglist_has(struct tag const *tag, char const *item);

#endif
