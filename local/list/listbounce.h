/*
 * listbounce.h - which members' mail comes back, and since when
 *
 * The text `bounces` of a list: lines `ADDRESS COUNT LAST PROBED`: on how many
 * days something came back, the last of these, the day of a probe (0: none);
 * days since 1970. One bad day is no reason: a full mailbox, a host that was
 * mended. After several a probe is sent, under an address of its own; who does
 * not get that either is removed. Pure.
 */
#ifndef LISTBOUNCE_H
#define LISTBOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Nothing for so many days: it begins anew. */
#define LISTBOUNCE_FORGET_DAYS 21
/* A probe that nothing was heard of, though other mail comes back. */
#define LISTBOUNCE_AGAIN_DAYS 7
/* Members that are watched. */
#define LISTBOUNCE_MAX 50000

struct listbounce {
	char const *address; /* points into the line */
	size_t address_len;
	uint64_t count, last, probed;
};

bool listbounce_parse(char const *s, size_t len, struct listbounce *b_r)
	__attribute__((warn_unused_result));

/* Of the text; false: nothing of it came back. */
bool listbounce_find(char const *text, size_t len, char const *address,
	size_t address_len, struct listbounce *b_r);

/*
 * Something of a member has come back today. b is what is known of it (count 0:
 * nothing). True: it is time for a probe, and b says that it was sent.
 */
bool listbounce_count(struct listbounce *b, uint64_t today, uint64_t days);

/* Append the text without what is forgotten and without the address of put;
 * with put, if its count is not 0. False: memory. */
bool listbounce_update(stralloc *out, char const *text, size_t len,
	uint64_t today, struct listbounce const *put)
	__attribute__((warn_unused_result));

#endif
