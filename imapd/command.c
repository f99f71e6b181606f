/* Tag and verb of an IMAP command; see command.h. */
#include "imapd/command.h"

static char const *const verbs[] = {
	[COMMAND_APPEND] = "APPEND",
	[COMMAND_AUTHENTICATE] = "AUTHENTICATE",
	[COMMAND_CANCELUPDATE] = "CANCELUPDATE",
	[COMMAND_CAPABILITY] = "CAPABILITY",
	[COMMAND_CHECK] = "CHECK",
	[COMMAND_CLOSE] = "CLOSE",
	[COMMAND_COMPRESS] = "COMPRESS",
	[COMMAND_COPY] = "COPY",
	[COMMAND_CREATE] = "CREATE",
	[COMMAND_DELETE] = "DELETE",
	[COMMAND_DELETEACL] = "DELETEACL",
	[COMMAND_ENABLE] = "ENABLE",
	[COMMAND_EXAMINE] = "EXAMINE",
	[COMMAND_EXPUNGE] = "EXPUNGE",
	[COMMAND_FETCH] = "FETCH",
	[COMMAND_GETACL] = "GETACL",
	[COMMAND_GETMETADATA] = "GETMETADATA",
	[COMMAND_GETQUOTA] = "GETQUOTA",
	[COMMAND_GETQUOTAROOT] = "GETQUOTAROOT",
	[COMMAND_ID] = "ID",
	[COMMAND_IDLE] = "IDLE",
	[COMMAND_LIST] = "LIST",
	[COMMAND_LISTRIGHTS] = "LISTRIGHTS",
	[COMMAND_LOGIN] = "LOGIN",
	[COMMAND_LOGOUT] = "LOGOUT",
	[COMMAND_LSUB] = "LSUB",
	[COMMAND_MOVE] = "MOVE",
	[COMMAND_MYRIGHTS] = "MYRIGHTS",
	[COMMAND_NAMESPACE] = "NAMESPACE",
	[COMMAND_NOOP] = "NOOP",
	[COMMAND_NOTIFY] = "NOTIFY",
	[COMMAND_RENAME] = "RENAME",
	[COMMAND_REPLACE] = "REPLACE",
	[COMMAND_SEARCH] = "SEARCH",
	[COMMAND_SELECT] = "SELECT",
	[COMMAND_SETACL] = "SETACL",
	[COMMAND_SETMETADATA] = "SETMETADATA",
	[COMMAND_SETQUOTA] = "SETQUOTA",
	[COMMAND_SORT] = "SORT",
	[COMMAND_STARTTLS] = "STARTTLS",
	[COMMAND_STATUS] = "STATUS",
	[COMMAND_STORE] = "STORE",
	[COMMAND_SUBSCRIBE] = "SUBSCRIBE",
	[COMMAND_THREAD] = "THREAD",
	[COMMAND_UNSELECT] = "UNSELECT",
	[COMMAND_UNSUBSCRIBE] = "UNSUBSCRIBE",
};

static enum command_verb
find(struct lex_text const *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (lex_is(word, verbs[i]))
			return (enum command_verb)i;
	return COMMAND_UNKNOWN;
}

static bool
takes_uid(enum command_verb verb)
{
	return verb == COMMAND_COPY || verb == COMMAND_EXPUNGE ||
	       verb == COMMAND_FETCH || verb == COMMAND_MOVE ||
	       verb == COMMAND_REPLACE || verb == COMMAND_SEARCH ||
	       verb == COMMAND_SORT || verb == COMMAND_STORE ||
	       verb == COMMAND_THREAD;
}

bool
command_parse(char const *s, size_t len, char *text, struct command *command_r)
{
	struct command c = {.verb = COMMAND_UNKNOWN};
	struct lex_text word;

	lex_init(&c.lex, s, len, text);
	if (!lex_tag(&c.lex, &c.tag) || !lex_space(&c.lex) ||
		!lex_atom(&c.lex, &word))
		return false;
	c.uid = lex_is(&word, "UID");
	if (c.uid && (!lex_space(&c.lex) || !lex_atom(&c.lex, &word)))
		return false;
	c.verb = find(&word);
	if (c.uid && !takes_uid(c.verb))
		c.verb = COMMAND_UNKNOWN;
	*command_r = c;
	return true;
}
