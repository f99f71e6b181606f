/*
 * search_key.h - what SEARCH asks for (RFC 3501, 6.4.4)
 *
 * Keys become a tree in the caller's array. Pure; strings point into the
 * command.
 */
#ifndef SEARCH_KEY_H
#define SEARCH_KEY_H

#include "imapd/lex.h"

#define SEARCH_KEYS_MAX 1024
#define SEARCH_DEPTH_MAX 32
#define SEARCH_NONE UINT16_MAX

enum search_kind {
	SEARCH_AND, /* all children; with none: ALL */
	SEARCH_OR,  /* one child */
	SEARCH_NOT, /* its child */
	SEARCH_SET,
	SEARCH_UID,
	SEARCH_FLAGS,	/* all of system are set */
	SEARCH_UNFLAGS, /* none of system is */
	SEARCH_KEYWORD,
	SEARCH_MODSEQ,	    /* number or later (RFC 7162) */
	SEARCH_SAVEDBEFORE, /* the day in the file's name (RFC 8514) */
	SEARCH_SAVEDON,
	SEARCH_SAVEDSINCE,
	SEARCH_RECENT,
	SEARCH_OLD,
	SEARCH_NEW,
	SEARCH_BEFORE, /* internal date, the day alone */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_OLDER, /* seconds of age (RFC 5032) */
	SEARCH_YOUNGER,
	SEARCH_SENTBEFORE, /* Date field */
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_EMAILID, /* RFC 8474 */
	SEARCH_THREADID,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_HEADER, /* name and text */
	SEARCH_BODY,
	SEARCH_TEXT
};

struct search_key {
	enum search_kind kind;
	uint16_t child, next; /* SEARCH_NONE: none */
	unsigned system;      /* FLAG_* */
	struct lex_text name; /* of a header field */
	struct lex_text text; /* string, set, keyword */
	uint64_t number;
	int64_t day;
};

enum search_charset { SEARCH_ASCII, SEARCH_UTF8, SEARCH_BADCHARSET };

struct search_args {
	enum search_charset charset;
	struct search_key keys[SEARCH_KEYS_MAX]; /* [0] is the root */
	size_t keys_count;
};

/* The keys of SEARCH, with or without CHARSET in front. */
bool search_args_lex(struct lex *l, struct search_args *args_r)
	__attribute__((warn_unused_result));

/* A character set and keys: SORT and THREAD (RFC 5256, 5: search-criteria). */
bool search_args_lex_charset(struct lex *l, struct search_args *args_r)
	__attribute__((warn_unused_result));

#endif
