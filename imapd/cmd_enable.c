/* ENABLE (RFC 5161; RFC 9051, 6.3.1): what changes our responses is switched on
 * by it, and stays on. */
#include <stddef.h>

#include "imapd/commands.h"

static struct {
	char const *name;
	size_t offset[2]; /* in struct session; 0: none */
} const extensions[] = {
	{"CONDSTORE", {offsetof(struct session, condstore), 0}},
	{"IMAP4rev2", {offsetof(struct session, rev2),
			      offsetof(struct session, utf8)}},
	{"QRESYNC", {offsetof(struct session, condstore),
			    offsetof(struct session, qresync)}},
	{"UIDONLY", {offsetof(struct session, uid_only), 0}},
	{"UTF8=ACCEPT", {offsetof(struct session, utf8), 0}},
};
#define EXTENSIONS (sizeof extensions / sizeof *extensions)

static void
enable(struct session *s, size_t i)
{
	for (size_t k = 0; k < 2; k++)
		if (extensions[i].offset[k] != 0)
			*(bool *)((char *)s + extensions[i].offset[k]) = true;
}

void
cmd_enable(struct session *s)
{
	struct lex *const l = &s->command.lex;
	bool const had_condstore = s->condstore;
	unsigned wanted = 0;
	struct lex_text word;

	/* What we do not know is passed over. */
	do {
		if (!lex_space(l) || !lex_atom(l, &word)) {
			session_reply_syntax(s);
			return;
		}
		for (size_t i = 0; i < EXTENSIONS; i++)
			if (lex_is(&word, extensions[i].name))
				wanted |= 1u << i;
	} while (lex_peek(l) == ' ');
	if (!lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	session_puts(s, "* ENABLED");
	for (size_t i = 0; i < EXTENSIONS; i++) {
		if (!(wanted >> i & 1))
			continue;
		enable(s, i);
		session_printf(s, " %s", extensions[i].name);
	}
	session_puts(s, "\r\n");
	if (s->condstore && !had_condstore) {
		s->condstore = false;
		session_condstore(s);
	}
	session_reply(s, "OK", "ENABLE completed");
}
