/*
 * lex.h - the words of an IMAP command (RFC 3501, 9)
 *
 * A cursor over one whole command: its lines with CRLF between them and its
 * literals in place ("a login {3}\r\nbob {3}\r\nxyz\r\n"). Each function reads
 * one word at the cursor and moves on, or returns false and may leave the
 * cursor anywhere: the command is bad then. Pure, linear, nothing is allocated.
 * Results point into the command or into the caller's text buffer.
 */
#ifndef LEX_H
#define LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lex {
	char const *s;
	size_t len;
	size_t pos;
	/* At least len octets: quoted strings without their backslashes. */
	char *text;
	size_t text_used;
};

struct lex_text {
	char const *s;
	size_t len;
};

void lex_init(struct lex *l, char const *s, size_t len, char *text);

/* One given octet, if it stands there. */
bool lex_char(struct lex *l, char c);
bool lex_space(struct lex *l) __attribute__((warn_unused_result));

/* The next octet, not taken; NUL at the end. */
char lex_peek(struct lex const *l);

/* The CRLF at the end, or nothing more. */
bool lex_end(struct lex *l) __attribute__((warn_unused_result));

bool lex_tag(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));
/* One or more ATOM-CHARs. */
bool lex_atom(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));
/* Quoted or literal; no NUL. */
bool lex_string(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));
bool lex_astring(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));
/* A string, a literal8 ("~{1}"), which may hold NULs, or NIL: s is NULL. */
bool lex_value(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));
/* list-mailbox: an astring that may hold % and *. */
bool lex_list_mailbox(struct lex *l, struct lex_text *text_r)
	__attribute__((warn_unused_result));

/* Decimal digits, at most max. */
bool lex_number(struct lex *l, uint64_t max, uint64_t *number_r)
	__attribute__((warn_unused_result));

/* date: 1-Feb-1994, quoted or not; as the day's first second, UTC. */
bool lex_date(struct lex *l, int64_t *day_r)
	__attribute__((warn_unused_result));
/* date-time: " 1-Feb-1994 21:52:25 -0800", as seconds since 1970. */
bool lex_date_time(struct lex *l, int64_t *time_r)
	__attribute__((warn_unused_result));

/* Compare without regard to case; word is NUL-ended. */
bool lex_is(struct lex_text const *text, char const *word);

/*
 * Whether the line s[0..len), without its end, ends in a literal's size:
 * "{12}" or "{12+}" (RFC 7888). A size beyond 32 bits is given as UINT64_MAX.
 */
bool lex_literal(char const *s, size_t len, uint64_t *size_r,
	bool *synchronizing_r) __attribute__((warn_unused_result));

#endif
