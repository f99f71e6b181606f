/*
 * command.h - an IMAP command line (RFC 3501, 9: command)
 *
 * The tag and the verb; what follows is left to the verb's own parser
 * (fetch_args.h, search_key.h, flag_args.h) or to lex.h. Pure.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "imapd/lex.h"

/* Octets of a command without its literals, and of all literals that are kept
 * (message literals of APPEND are not). */
#define COMMAND_MAX 65536
#define COMMAND_LITERALS_MAX 65536

enum command_verb {
	COMMAND_APPEND,
	COMMAND_AUTHENTICATE,
	COMMAND_CANCELUPDATE,
	COMMAND_CAPABILITY,
	COMMAND_CHECK,
	COMMAND_CLOSE,
	COMMAND_COMPRESS,
	COMMAND_COPY,
	COMMAND_CREATE,
	COMMAND_DELETE,
	COMMAND_DELETEACL,
	COMMAND_ENABLE,
	COMMAND_EXAMINE,
	COMMAND_EXPUNGE,
	COMMAND_FETCH,
	COMMAND_GETACL,
	COMMAND_GETMETADATA,
	COMMAND_GETQUOTA,
	COMMAND_GETQUOTAROOT,
	COMMAND_ID,
	COMMAND_IDLE,
	COMMAND_LIST,
	COMMAND_LISTRIGHTS,
	COMMAND_LOGIN,
	COMMAND_LOGOUT,
	COMMAND_LSUB,
	COMMAND_MOVE,
	COMMAND_MYRIGHTS,
	COMMAND_NAMESPACE,
	COMMAND_NOOP,
	COMMAND_NOTIFY,
	COMMAND_RENAME,
	COMMAND_REPLACE,
	COMMAND_SEARCH,
	COMMAND_SELECT,
	COMMAND_SETACL,
	COMMAND_SETMETADATA,
	COMMAND_SETQUOTA,
	COMMAND_SORT,
	COMMAND_STARTTLS,
	COMMAND_STATUS,
	COMMAND_STORE,
	COMMAND_SUBSCRIBE,
	COMMAND_THREAD,
	COMMAND_UNSELECT,
	COMMAND_UNSUBSCRIBE,
	COMMAND_UNKNOWN
};

struct command {
	struct lex_text tag;
	enum command_verb verb;
	bool uid;	/* UID COPY, UID EXPUNGE, ... */
	struct lex lex; /* behind the verb: at a blank or at the end */
};

/*
 * Parse the start of the command s[0..len).
 *
 * text  at least len octets, see lex.h
 *
 * Returns false if there is no tag or nothing behind it; an unknown verb is
 * COMMAND_UNKNOWN.
 */
bool command_parse(char const *s, size_t len, char *text,
	struct command *command_r) __attribute__((warn_unused_result));

#endif
