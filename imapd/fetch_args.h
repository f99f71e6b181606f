/*
 * fetch_args.h - what FETCH asks for (RFC 3501, 6.4.5)
 *
 * Pure; names point into the command.
 */
#ifndef FETCH_ARGS_H
#define FETCH_ARGS_H

#include "imapd/lex.h"
#include "imapd/search_return.h"
#include "mime/section.h"

#define FETCH_ITEMS_MAX 64
#define FETCH_NAMES_MAX 512

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_INTERNALDATE,
	FETCH_RFC822_SIZE,
	FETCH_ENVELOPE,
	FETCH_BODY,
	FETCH_BODYSTRUCTURE,
	FETCH_MODSEQ,  /* RFC 7162 */
	FETCH_EMAILID, /* RFC 8474 */
	FETCH_THREADID,
	FETCH_SAVEDATE,	     /* RFC 8514 */
	FETCH_PREVIEW,	     /* RFC 8970 */
	FETCH_BINARY_SIZE,   /* RFC 3516 */
	FETCH_RFC822,	     /* BODY[] under an older name, and so on */
	FETCH_RFC822_HEADER, /* does not set \Seen */
	FETCH_RFC822_TEXT,
	FETCH_SECTION,
	FETCH_BINARY
};

struct fetch_item {
	enum fetch_kind kind;
	bool sets_seen;
	struct section section; /* of all kinds that give text */
	/* HEADER.FIELDS: of args->names */
	size_t names_start, names_count;
	bool partial; /* <origin.length> */
	uint32_t origin, length;
};

struct fetch_args {
	struct fetch_item items[FETCH_ITEMS_MAX];
	size_t items_count;
	struct section_name names[FETCH_NAMES_MAX];
	size_t names_count;
	/* Modifiers (RFC 4466, 2.4; RFC 7162, 3.1.4.1 and 3.2.6). */
	bool conditional, vanished;
	uint64_t changed_since;
	struct search_return window; /* PARTIAL (RFC 9394, 3.3) */
};

/* One item or a parenthesized list of them; macros become their items. */
bool fetch_args_lex(struct lex *l, struct fetch_args *args_r)
	__attribute__((warn_unused_result));

/* What may stand behind the items: "" or " (CHANGEDSINCE 12345 VANISHED)"
 * or, in UID FETCH, " (PARTIAL -1:-3)". */
bool fetch_args_modifiers(struct lex *l, struct fetch_args *args)
	__attribute__((warn_unused_result));

#endif
