/*
 * command.h - commands of ManageSieve (RFC 5804, 4)
 *
 * A command is whole when it is read: what its literals hold stands in it as it
 * came. The parser works in place: quoted strings lose their backslashes where
 * they stand. No i/o, no allocation, linear.
 */
#ifndef MANAGESIEVE_COMMAND_H
#define MANAGESIEVE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANAGESIEVE_ARGUMENTS_MAX 2

enum managesieve_verb {
	MANAGESIEVE_UNKNOWN,
	MANAGESIEVE_AUTHENTICATE,
	MANAGESIEVE_CAPABILITY,
	MANAGESIEVE_CHECKSCRIPT,
	MANAGESIEVE_DELETESCRIPT,
	MANAGESIEVE_GETSCRIPT,
	MANAGESIEVE_HAVESPACE,
	MANAGESIEVE_LISTSCRIPTS,
	MANAGESIEVE_LOGOUT,
	MANAGESIEVE_NOOP,
	MANAGESIEVE_PUTSCRIPT,
	MANAGESIEVE_RENAMESCRIPT,
	MANAGESIEVE_SETACTIVE,
	MANAGESIEVE_STARTTLS
};

struct managesieve_argument {
	char const *s; /* of a string; NULL: a number */
	size_t len;
	uint32_t number;
};

struct managesieve_command {
	enum managesieve_verb verb;
	struct managesieve_argument args[MANAGESIEVE_ARGUMENTS_MAX];
	size_t count;
};

/*
 * Parse s[0..len), a command with its literals and without its last line end.
 * The results point into s. NULL, or what is wrong, for the client; the verb is
 * set as far as it is known.
 */
char const *managesieve_parse(
	char *s, size_t len, struct managesieve_command *command_r);

/* A client's answer to a challenge: one string. False: it is none. */
bool managesieve_string(
	char *s, size_t len, struct managesieve_argument *string_r)
	__attribute__((warn_unused_result));

/* Whether a line ends in a literal, and of how many octets (`{n+}`). */
bool managesieve_literal(char const *line, size_t len, uint32_t *size_r)
	__attribute__((warn_unused_result));

#endif
