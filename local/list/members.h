/*
 * members.h - who is in a list
 *
 * A text of lines `ADDRESS [digest|nomail]`; `#` at the start of a line begins
 * a remark. An index of 10,000 is made in a few milliseconds and asked in none.
 * Pure: an address points into the text. Addresses are compared without regard
 * to case: a list must not send somebody everything twice.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* A list that has more is to be split. */
#define MEMBERS_MAX 200000
/* Octets of the text. */
#define MEMBERS_TEXT_MAX (16u * 1024 * 1024)

enum member_mode { MEMBER_MAIL, MEMBER_DIGEST, MEMBER_NOMAIL };

struct member {
	uint32_t offset, line_len; /* of the line, in the text */
	uint16_t start, len;	   /* of the address, in the line */
	uint8_t mode;		   /* enum member_mode */
};

struct members {
	char const *text;
	struct member *list; /* in the order of the text */
	uint32_t *table;     /* of a place in list, and 1; a power of two */
	size_t count, table_size;
};
#define MEMBERS_ZERO                                                           \
	{                                                                      \
		.list = NULL, .table = NULL                                    \
	}

/*
 * Read the text; text stays the caller's and must outlive m. Lines that are no
 * address count as remarks, an address that is there again counts once. False:
 * errno (memory, or EFBIG).
 */
bool members_read(struct members *m, char const *text, size_t len)
	__attribute__((warn_unused_result));
void members_free(struct members *m);

/* NULL: it is none. */
struct member const *members_find(
	struct members const *m, char const *address, size_t len);

char const *members_address(struct members const *m, struct member const *one);

/* "" (mail), "digest", "nomail". */
char const *members_mode_name(enum member_mode mode);

/*
 * Append the text with a member put in or changed; with `address` not there
 * before it becomes the last line. The rest stays as it is, remarks too. False:
 * memory.
 */
bool members_put(stralloc *out, struct members const *m, size_t text_len,
	char const *address, size_t len, enum member_mode mode)
	__attribute__((warn_unused_result));
/* The same without it. */
bool members_remove(stralloc *out, struct members const *m, size_t text_len,
	char const *address, size_t len) __attribute__((warn_unused_result));

/* Whether it may stand in the file: an address without blanks, that a line can
 * hold, and that VERP can be made of. */
bool members_may_be(char const *address, size_t len);

#endif
