/*
 * listask.h - questions of a list that are open
 *
 * The text `pending` of a list: lines `EXPIRES ACTION ADDRESS MODE ASKER`. Who
 * holds the word of one (listtoken.h) may answer it. Pure.
 */
#ifndef LISTASK_H
#define LISTASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "local/list/listtoken.h"
#include "local/list/members.h"

/* The oldest go when there are more. */
#define LISTASK_MAX 2000
#define LISTASK_SECONDS (UINT64_C(7) * 24 * 3600)

enum listask_action {
	LISTASK_JOIN = 's',    /* asked of who is to be subscribed */
	LISTASK_APPROVE = 'j', /* of the owners, when that one has said yes */
	LISTASK_LEAVE = 'u',
	LISTASK_MODE = 'm',
	LISTASK_ADD = 'a', /* of the owner who has asked for it */
	LISTASK_REMOVE = 'r'
};

struct listask {
	uint64_t expires;
	enum listask_action action;
	enum member_mode mode;
	char const *address, *asker; /* point into the line */
	size_t address_len, asker_len;
};

/* One line, without its end. */
bool listask_parse(char const *s, size_t len, struct listask *ask_r)
	__attribute__((warn_unused_result));

/* The line, with its end. False: memory. */
bool listask_format(stralloc *out, struct listask const *ask)
	__attribute__((warn_unused_result));

/* The word for it. False: memory. */
bool listask_word(char word_r[LISTTOKEN_LEN + 1],
	unsigned char const key[LISTTOKEN_KEY], struct listask const *ask)
	__attribute__((warn_unused_result));

/* The one that a word is for and that is still open; ask_r points into the
 * text. */
bool listask_find(char const *text, size_t len,
	unsigned char const key[LISTTOKEN_KEY], uint64_t now, char const *word,
	size_t word_len, struct listask *ask_r);

/* Append the text without what is over, without `drop` (or NULL), and with
 * `add` (or NULL). What asks the same of the same as `add` goes too. False:
 * memory. */
bool listask_update(stralloc *out, char const *text, size_t len, uint64_t now,
	struct listask const *drop, struct listask const *add)
	__attribute__((warn_unused_result));

#endif
