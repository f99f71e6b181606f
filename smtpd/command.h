/*
 * command.h - taking command lines of SMTP apart (RFC 5321 4.1.1)
 *
 * Pure functions over one line without its CRLF: no i/o, no allocation, no look
 * beyond the line. Addresses are common/addr.h's.
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"
#include "smtpd/parameter.h"

/*
 * Octets of a command line, its CRLF not included: RFC 5321 4.5.3.1.4 wants 512
 * and what extensions add (AUTH 500, ORCPT 500, ENVID and RET 120, others some
 * dozens each).
 */
#define SMTP_LINE_MAX 2046

enum smtp_verb {
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_HELP,
	SMTP_QUIT,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_BDAT,
	SMTP_ETRN,
	SMTP_EXPN,
	SMTP_XCLIENT,
	SMTP_KNOWN,   /* a command of SMTP that we don't have */
	SMTP_HTTP,    /* a browser that was sent here, or a proxy's attack */
	SMTP_UNKNOWN, /* no command at all */
	SMTP_VERBS
};

struct smtp_command {
	enum smtp_verb verb;
	/* Behind the verb; blanks at both ends are not part of it. */
	char const *argument;
	size_t argument_len;
};

/* What a line can't hold. */
enum smtp_line_flaw {
	SMTP_LINE_CLEAN,
	SMTP_LINE_CONTROL, /* bare CR, NUL and other control characters */
	SMTP_LINE_8BIT
};
enum smtp_line_flaw smtp_line_check(char const *s, size_t len);

/* Never fails: what is no command is SMTP_UNKNOWN. */
void smtp_command_parse(
	char const *s, size_t len, struct smtp_command *command_r);

/* Take a decimal number of at most 20 digits from s[0..len): all of it. */
bool smtp_number(char const *s, size_t len, uint64_t *n_r)
	__attribute__((warn_unused_result));

/* Octets of s that are the word `word` (in capitals) in any case: its length,
 * or 0 if s[0..len) does not begin so. */
size_t smtp_word(char const *s, size_t len, char const *word);

/* Whether SMTPUTF8 is one of the words of s, but not the first. */
bool smtp_asks_for_utf8(char const *s, size_t len);

/* The argument of MAIL or RCPT. */
struct smtp_path {
	struct addr address;
	struct smtp_parameters parameters;
};

enum smtp_path_error {
	SMTP_PATH_SYNTAX = 1, /* FROM: or TO: is missing, or no blank behind */
	SMTP_PATH_ADDRESS,    /* *address_error_r says what is wrong */
	SMTP_PATH_PARAMETER,  /* unknown: 555 (RFC 5321 4.1.1.11) */
	SMTP_PATH_VALUE,      /* a parameter's value, or it is given twice */
	SMTP_PATH_8BIT	      /* behind the path, without SMTPUTF8 */
};

/*
 * Parse `FROM:<path> parameters` (keyword "FROM:") or "TO:". Blanks between the
 * colon and the path are skipped, which RFC 5321 3.3 forbids: printers,
 * scanners and old scripts send them.
 *
 * address_flags  ADDR_*
 * parameters     SMTP_PARAMETER_* that are known here
 *
 * A path that is not in ASCII is ADDR_ERR_UTF8 unless ADDR_ALLOW_UTF8 is set or
 * SMTPUTF8 is known here and given.
 *
 * address_error_r is set with SMTP_PATH_ADDRESS only.
 */
bool smtp_path_parse(char const *s, size_t len, char const *keyword,
	unsigned address_flags, unsigned parameters, struct smtp_path *path_r,
	enum smtp_path_error *error_r, enum addr_error *address_error_r)
	__attribute__((warn_unused_result));

#endif
