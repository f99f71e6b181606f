/* CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 3501, 6.3.3 to
 * 6.3.7). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "imapd/acl.h"
#include "common/annotations.h"
#include "imapd/boxlist.h"
#include "imapd/commands.h"
#include "imapd/folder.h"
#include "imapd/objectid.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "common/quota.h"
#include "imapd/subscriptions.h"
#include "imapd/tree.h"
#include "common/use.h"

static bool
is_selected(struct session const *s, char const *name)
{
	return s->selected && strcmp(s->name, name) == 0;
}

/* Read a name behind a blank. RFC 3501, 6.3.3: a separator at the end says that
 * children will come. False: answered. */
static bool
name_to_be(struct session *s, char *name_r)
{
	struct lex *const l = &s->command.lex;
	struct lex_text name;

	if (!lex_space(l) || !lex_astring(l, &name)) {
		session_reply_syntax(s);
		return false;
	}
	if (name.len > 1 && name.s[name.len - 1] == BOXNAME_SEPARATOR)
		name.len--;
	if (naming_in(s->utf8, name.s, name.len, name_r))
		return true;
	session_reply(s, "NO", "[CANNOT] Not a valid mailbox name");
	return false;
}

/* The last argument. */
static bool
create_name(struct session *s, char *name_r)
{
	if (!name_to_be(s, name_r))
		return false;
	if (lex_end(&s->command.lex))
		return true;
	session_reply_syntax(s);
	return false;
}

/* " (USE (\Drafts \Sent))" (RFC 6154, 3): use_r as it is kept, or empty.
 * False: answered. */
static bool
create_use(struct session *s, char *use_r)
{
	struct lex *const l = &s->command.lex;
	struct lex_text word;
	char const *use;

	use_r[0] = '\0';
	if (lex_end(l))
		return true;
	if (!lex_char(l, '(') || !lex_atom(l, &word) || !lex_is(&word, "USE") ||
		!lex_space(l) || !lex_char(l, '('))
		goto syntax;
	while (!lex_char(l, ')')) {
		char const *const start = l->s + l->pos;

		if (!lex_char(l, '\\') || !lex_atom(l, &word))
			goto syntax;
		word = (struct lex_text){start, word.len + 1};
		use = use_find(word.s, word.len);
		if (use == NULL || strstr(use_r, use) != NULL ||
			strlen(use_r) + strlen(use) + 2 > USE_MAX) {
			session_reply(s, "NO", "[USEATTR] No mailbox for that");
			return false;
		}
		if (use_r[0] != '\0')
			strcat(use_r, " ");
		strcat(use_r, use);
		if (lex_peek(l) != ')' && !lex_space(l))
			goto syntax;
	}
	if (lex_char(l, ')') && lex_end(l))
		return true;
syntax:
	session_reply_syntax(s);
	return false;
}

/* False: errno; the folder is taken away again. */
static bool
keep_use(struct session *s, char const *dir, char const *use)
{
	struct annotation const a = {.name = ANNOTATIONS_USE,
		.value = use,
		.value_len = strlen(use)};
	int const fd = openat(s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && annotations_set(fd, ANNOTATIONS_MAILBOX, &a, 1);
	int const error = errno;

	if (fd >= 0)
		close(fd);
	if (!ok && !folder_delete(s->root_fd, dir))
		return false;
	errno = error;
	return ok;
}

/* RFC 8474, 4.1: with the new mailbox's id. */
static void
reply_created(struct session *s, char const *dir)
{
	int const fd = openat(s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char id[OBJECTID_MAX + 1];

	if (fd >= 0 && objectid_folder(fd, id))
		session_reply(s, "OK", "[MAILBOXID (%s)] CREATE completed", id);
	else
		session_reply(s, "OK", "CREATE completed");
	if (fd >= 0)
		close(fd);
}

void
cmd_create(struct session *s)
{
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2], use[USE_MAX];

	if (!name_to_be(s, name) || !create_use(s, use) ||
		!permit_create(s, name))
		return;
	boxname_dir(name, dir);
	/* What is whose use of it, RFC 6154 leaves to each user. */
	if (use[0] != '\0' && s->asker != NULL)
		session_reply(s, "NO", "[USEATTR] Not in a shared mailbox");
	else if (boxname_is_inbox(name))
		session_reply(s, "NO", "[ALREADYEXISTS] INBOX exists");
	else if (folder_create(s->root_fd, dir) &&
		 acl_inherit(s->root_fd, name) &&
		 (use[0] == '\0' || keep_use(s, dir, use)))
		reply_created(s, dir);
	else
		session_reply_errno(s, "CREATE");
}

void
cmd_delete(struct session *s)
{
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (boxname_is_inbox(name)) {
		session_reply(s, "NO", "[CANNOT] INBOX cannot be deleted");
		return;
	}
	if (!permit(s, name, RIGHT_DELETE_BOX))
		return;
	if (is_selected(s, name))
		session_unselect(s);
	boxname_dir(name, dir);
	if (folder_delete(s->root_fd, dir)) {
		quota_recount(s->root_fd);
		session_reply(s, "OK", "DELETE completed");
	} else
		session_reply_errno(s, "DELETE");
}

/* The messages of INBOX go to a new mailbox, INBOX stays (6.3.5). */
static bool
rename_inbox(struct session *s, char const *to)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(to, dir);
	return folder_create(s->root_fd, dir) && acl_inherit(s->root_fd, to) &&
	       folder_move_messages(s->root_fd, ".", dir);
}

/* name is from or below it: its new name. */
static bool
new_name(char const *name, char const *from, char const *to, char *out)
{
	size_t const from_len = strlen(from), to_len = strlen(to);
	size_t const rest = strlen(name) - from_len;

	if (to_len + rest > BOXNAME_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(out, to, to_len);
	memcpy(out + to_len, name + from_len, rest + 1);
	return true;
}

static bool
is_affected(struct boxlist const *b, size_t i, char const *from)
{
	char const *const name = boxlist_name(b, i);
	size_t const len = strlen(from);

	return !(b->v[i].flags & BOXLIST_MISSING) &&
	       strncmp(name, from, len) == 0 &&
	       (name[len] == '\0' || name[len] == BOXNAME_SEPARATOR);
}

/* All names are looked at before the first is changed. */
static bool
rename_tree(
	struct session *s, struct boxlist *b, char const *from, char const *to)
{
	char name[BOXNAME_MAX + 1], old_dir[BOXNAME_MAX + 2],
		new_dir[BOXNAME_MAX + 2];
	stralloc steps = STRALLOC_ZERO;
	size_t affected = 0;
	bool ok = true;

	for (size_t i = 0; i < b->count; i++) {
		struct boxlist_entry const *there;

		if (!is_affected(b, i, from))
			continue;
		if (!new_name(boxlist_name(b, i), from, to, name))
			return false;
		there = boxlist_find(b, name);
		if (there != NULL && !(there->flags & BOXLIST_MISSING)) {
			errno = EEXIST;
			return false;
		}
		affected++;
	}
	if (affected == 0) {
		errno = ENOENT;
		return false;
	}
	for (size_t i = 0; ok && i < b->count; i++) {
		if (!is_affected(b, i, from))
			continue;
		if (!new_name(boxlist_name(b, i), from, to, name))
			return false;
		boxname_dir(boxlist_name(b, i), old_dir);
		boxname_dir(name, new_dir);
		ok = tree_add(&steps, old_dir, new_dir);
	}
	ok = ok && tree_rename(s->root_fd, &steps);
	stralloc_free(&steps);
	return ok;
}

static bool
is_below(char const *name, char const *parent)
{
	size_t const len = strlen(parent);

	return strncmp(name, parent, len) == 0 &&
	       (name[len] == BOXNAME_SEPARATOR || name[len] == '\0');
}

void
cmd_rename(struct session *s)
{
	char from[BOXNAME_MAX + 1], to[BOXNAME_MAX + 1];
	struct boxlist b = BOXLIST_ZERO;
	bool ok;

	if (!session_mailbox_name(s, from) || !create_name(s, to))
		return;
	if (boxname_is_inbox(to)) {
		session_reply(s, "NO", "[ALREADYEXISTS] INBOX exists");
		return;
	}
	if (!boxname_is_inbox(from) && is_below(to, from)) {
		session_reply(s, "NO", "[CANNOT] Not below itself");
		return;
	}
	if (!permit(s, from, RIGHT_DELETE_BOX) || !permit_create(s, to))
		return;
	if (boxname_is_inbox(from))
		ok = rename_inbox(s, to);
	else
		ok = boxlist_read(&b, s->root_fd) && boxlist_finish(&b) &&
		     rename_tree(s, &b, from, to);
	if (ok)
		session_reply(s, "OK", "RENAME completed");
	else
		session_reply_errno(s, "RENAME");
	boxlist_free(&b);
}

static void
subscribe(struct session *s, bool on)
{
	char name[BOXNAME_MAX + 1];

	if (!create_name(s, name))
		return;
	if (subscriptions_change(s->root_fd, name, on))
		session_reply(s, "OK", "%s completed",
			on ? "SUBSCRIBE" : "UNSUBSCRIBE");
	else
		session_reply_errno(s, "subscription");
}

void
cmd_subscribe(struct session *s)
{
	subscribe(s, true);
}

void
cmd_unsubscribe(struct session *s)
{
	subscribe(s, false);
}
