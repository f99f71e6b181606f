/* SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314, 3). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "imapd/acl.h"
#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "mime/imap.h"

/* A mailbox that exists, and to which the user has these rights. False:
 * answered. */
static bool
open_target(struct session *s, char *name, unsigned need)
{
	char dir[BOXNAME_MAX + 2];

	if (!permit(s, name, need))
		return false;
	boxname_dir(name, dir);
	if (faccessat(s->root_fd, dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	session_reply_errno(s, "ACL");
	return false;
}

/* Read an identifier behind a blank: as it is kept, and as it was given. False:
 * answered. */
static bool
identifier(struct session *s, char *id_r, struct lex_text *given_r)
{
	struct lex *const l = &s->command.lex;

	if (!lex_space(l) || !lex_astring(l, given_r)) {
		session_reply_syntax(s);
		return false;
	}
	if (given_r->len > 0 && given_r->len <= ACL_IDENTIFIER_MAX &&
		acl_identifier(given_r->s, given_r->len, id_r))
		return true;
	/* RFC 4314, 3: one that cannot be brought to its form is BAD. */
	session_reply(s, "BAD",
		"An identifier is an address, anyone, or either behind -");
	return false;
}

/* Those who have all rights whatever is set: whom the mailbox belongs to, and
 * whom the host named as its administrator. */
static bool
has_all(struct session const *s, char const *id)
{
	return strcmp(id, s->owner) == 0 ||
	       (s->asker_administers && strcmp(id, s->asker) == 0);
}

/* "+lrs" */
static bool
change(struct lex_text const *text, enum acl_how *how_r, unsigned *rights_r)
{
	size_t const sign = text->len > 0 && strchr("+-", text->s[0]) != NULL;

	*how_r = ACL_SET;
	if (sign > 0)
		*how_r = text->s[0] == '+' ? ACL_ADD : ACL_REMOVE;
	return rights_parse(text->s + sign, text->len - sign, rights_r);
}

static void
set(struct session *s, bool is_deletion)
{
	struct lex *const l = &s->command.lex;
	char name[BOXNAME_MAX + 1], id[ACL_IDENTIFIER_MAX + 1];
	enum acl_how how = ACL_DELETE;
	struct lex_text text;
	unsigned rights = 0;

	if (!session_mailbox_name(s, name) || !identifier(s, id, &text))
		return;
	if ((!is_deletion && (!lex_space(l) || !lex_astring(l, &text) ||
				     !change(&text, &how, &rights))) ||
		!lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (!open_target(s, name, RIGHT_ADMINISTER))
		return;
	if (acl_change(s->root_fd, name, how, id, rights))
		session_reply(s, "OK", "%s completed",
			is_deletion ? "DELETEACL" : "SETACL");
	else if (errno == E2BIG)
		session_reply(s, "NO", "[LIMIT] Too many identifiers");
	else
		session_reply_errno(s, "ACL");
}

void
cmd_setacl(struct session *s)
{
	set(s, false);
}

void
cmd_deleteacl(struct session *s)
{
	set(s, true);
}

/* Append " identifier rights". */
static bool
add_entry(stralloc *out, char const *id, size_t len, unsigned rights)
{
	char text[RIGHTS_TEXT_MAX];

	rights_text(rights, text);
	return stralloc_catb(out, " ", 1) && imap_string(out, id, len) &&
	       stralloc_catb(out, " ", 1) &&
	       stralloc_cats(out, *text == '\0' ? "\"\"" : text);
}

static bool
acl_response(struct session *s, char const *name)
{
	stralloc text = STRALLOC_ZERO;
	stralloc *const out = &s->out;
	struct acl_entry e;
	size_t pos = 0;
	bool ok;

	out->len = 0;
	ok = acl_load(s->root_fd, name, &text) >= 0 &&
	     stralloc_cats(out, "* ACL ") && naming_out(s->utf8, out, name) &&
	     (*s->owner == '\0' ||
		     add_entry(out, s->owner, strlen(s->owner), RIGHTS_ALL));
	while (ok && acl_next(text.s, text.len, &pos, &e))
		if (e.id_len != strlen(s->owner) ||
			memcmp(e.id, s->owner, e.id_len) != 0)
			ok = add_entry(out, e.id, e.id_len, e.rights);
	stralloc_free(&text);
	return ok && stralloc_cats(out, "\r\n");
}

void
cmd_getacl(struct session *s)
{
	char name[BOXNAME_MAX + 1];

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (!open_target(s, name, RIGHT_ADMINISTER))
		return;
	if (!acl_response(s, name)) {
		session_reply_errno(s, "ACL");
		return;
	}
	session_send(s);
	session_reply(s, "OK", "GETACL completed");
}

void
cmd_listrights(struct session *s)
{
	char name[BOXNAME_MAX + 1], id[ACL_IDENTIFIER_MAX + 1];
	stralloc *const out = &s->out;
	struct lex_text given;
	bool ok;

	if (!session_mailbox_name(s, name) || !identifier(s, id, &given))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (!open_target(s, name, RIGHT_ADMINISTER))
		return;
	out->len = 0;
	ok = stralloc_cats(out, "* LISTRIGHTS ") &&
	     naming_out(s->utf8, out, name) && stralloc_catb(out, " ", 1) &&
	     imap_string(out, given.s, given.len) &&
	     stralloc_cats(out,
		     has_all(s, id) ? " lrswipkxteacd\r\n"
				    : " \"\" l r s w i p k x t e a c d\r\n");
	if (!ok) {
		session_reply_errno(s, "ACL");
		return;
	}
	session_send(s);
	session_reply(s, "OK", "LISTRIGHTS completed");
}

bool
cmd_acl_tell(struct session *s, char const *name)
{
	unsigned const rights = permit_rights(s, name);
	char text[RIGHTS_TEXT_MAX];

	if (!(rights & RIGHTS_ANY))
		return true;
	rights_text(rights, text);
	s->out.len = 0;
	if (!stralloc_cats(&s->out, "* MYRIGHTS ") ||
		!naming_out(s->utf8, &s->out, name) ||
		!stralloc_catb(&s->out, " ", 1) ||
		!stralloc_cats(&s->out, text) ||
		!stralloc_cats(&s->out, "\r\n"))
		return false;
	session_send(s);
	return true;
}

void
cmd_myrights(struct session *s)
{
	char name[BOXNAME_MAX + 1];

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	/* Who has none of them is not told that there is such a mailbox. */
	if (!(permit_rights(s, name) & RIGHTS_ANY)) {
		session_reply(s, "NO", "[NONEXISTENT] No such mailbox");
		return;
	}
	if (!open_target(s, name, 0))
		return;
	if (cmd_acl_tell(s, name))
		session_reply(s, "OK", "MYRIGHTS completed");
	else
		session_reply_errno(s, "memory");
}
