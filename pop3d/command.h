/*
 * command.h - one POP3 command line (RFC 1939 3, RFC 2449 4, RFC 5034 4)
 *
 * Pure: a line without its end in, a struct out. Knows every command of both
 * states; which of them are allowed is the session's matter.
 */
#ifndef POP3_COMMAND_H
#define POP3_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a line: enough for AUTH with a message of 1,024 octets in base64
 * behind it (RFC 2449 4 asks for 255 at least). */
#define POP3_LINE_MAX 1536

enum pop3_verb {
	POP3_APOP,
	POP3_AUTH,
	POP3_CAPA,
	POP3_DELE,
	POP3_LANG,
	POP3_LIST,
	POP3_NOOP,
	POP3_PASS,
	POP3_QUIT,
	POP3_RETR,
	POP3_RSET,
	POP3_STAT,
	POP3_STLS,
	POP3_TOP,
	POP3_UIDL,
	POP3_USER,
	POP3_UTF8,
	POP3_HTTP /* a browser's request, sent here by an attacker's page */
};

enum pop3_command_error {
	POP3_ERR_UNKNOWN = 1, /* no such command */
	POP3_ERR_ARGUMENTS    /* too few, too many, or not a number */
};

struct pop3_command {
	enum pop3_verb verb;
	/* USER, PASS, AUTH: all that follows the verb and one blank; points
	 * into the line. Blanks belong to it (a password may hold some). */
	char const *text;
	size_t text_len;
	/* DELE, LIST, RETR, TOP, UIDL */
	unsigned number_count;
	uint32_t numbers[2];
};

/*
 * Parse s[0..len). Verbs in any case; blanks at the end and several between
 * numbers are let pass. False: err_r. Linear, no allocation.
 */
bool pop3_command_parse(char const *s, size_t len,
	struct pop3_command *command_r, enum pop3_command_error *err_r)
	__attribute__((warn_unused_result));

/* A text for -ERR. */
char const *pop3_command_strerror(enum pop3_command_error err);

#endif
