/*
 * relay_line.h - what the imapd of a shared mailbox says, line by line
 *
 * It runs under another uid: its octets are foreign input. What is let through
 * to the client is what concerns that mailbox, and no more. Pure; the names
 * point into the line.
 */
#ifndef RELAY_LINE_H
#define RELAY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "imapd/flag_args.h"
#include "imapd/lex.h"

/* What our commands have in place of the client's tag. */
#define RELAY_TAG "x"

enum relay_kind {
	RELAY_DONE,    /* the command is: status, rest */
	RELAY_MORE,    /* "+" */
	RELAY_STATUS,  /* * OK, NO or BAD */
	RELAY_MESSAGE, /* of the selected mailbox */
	RELAY_NAMED,   /* of the mailbox `name` */
	RELAY_BYE,
	RELAY_OTHER /* nothing that we want to hear */
};

struct relay_line {
	enum relay_kind kind;
	char const *status; /* "OK", "NO" or "BAD" */
	struct lex_text word, name;
	/* Behind the status, without a code that speaks of more than that
	 * mailbox; or behind the name. */
	struct lex_text rest;
	struct lex_text said; /* behind the status, as it stands there */
};

/* s[0..len): the first line of a response, without its end. text: len octets,
 * see lex.h. */
void relay_line_parse(
	char const *s, size_t len, char *text, struct relay_line *line_r);

/*
 * Would a client read a line of a response as we do? No end of a line in it,
 * quoted strings that end in it, and a literal, if there is one at its end
 * (*literal_r, of *size_r octets), that does not stand in one of them.
 */
bool relay_line_sound(char const *s, size_t len, bool *literal_r,
	uint64_t *size_r) __attribute__((warn_unused_result));

/* A response code with a number: is s "[UIDVALIDITY 12] ..."? */
bool relay_line_number(struct lex_text const *s, char const *code,
	uint32_t *number_r) __attribute__((warn_unused_result));

/* "[APPENDUID 38505 3955:3957] ": the set as it stands there. */
bool relay_line_appenduid(struct lex_text const *s, uint32_t *validity_r,
	struct lex_text *set_r) __attribute__((warn_unused_result));

/* A message as it is asked for to be copied. */
struct relay_message {
	uint32_t uid;
	int64_t date;
	bool has_date, has_flags;
	struct flag_args flags; /* keywords point into the line */
	uint64_t size;		/* of the literal that follows */
};

/* "* 4 FETCH (UID 7 FLAGS (\Seen) INTERNALDATE "..." BODY[] {12}". False: it is
 * another response. */
bool relay_line_message(char const *s, size_t len,
	struct relay_message *message_r) __attribute__((warn_unused_result));

/*
 * Append a client's command to be relayed: our tag in place of his, literals
 * that nobody waits for (RFC 7888). False: memory is out.
 */
bool relay_line_command(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
