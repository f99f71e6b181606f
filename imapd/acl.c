/* Who has which rights to a mailbox; see acl.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/addr.h"
#include "imapd/acl.h"
#include "common/boxname.h"
#include "common/uidlist.h"

static bool
is_group(char const *s, size_t len)
{
	return (len == 6 && strncasecmp(s, "anyone", 6) == 0) ||
	       (len == 8 && strncasecmp(s, "authuser", 8) == 0);
}

bool
acl_identifier(char const *s, size_t len, char *id_r)
{
	enum addr_error error;
	struct addr a;
	size_t n;

	if (len > 0 && *s == '-') {
		*id_r++ = *s++;
		len--;
	}
	if (is_group(s, len)) {
		for (size_t i = 0; i < len; i++)
			id_r[i] = (char)(s[i] | 0x20);
		id_r[len] = '\0';
		return true;
	}
	if (!addr_parse(s, len, ADDR_ALLOW_UTF8, &a, &error) || a.is_literal)
		return false;
	n = addr_key(&a, id_r, ACL_IDENTIFIER_MAX - 1);
	id_r[n] = '\0';
	return n > 0;
}

bool
acl_next(char const *s, size_t len, size_t *pos, struct acl_entry *e_r)
{
	while (*pos < len) {
		char const *const line = s + *pos;
		char const *const lf = memchr(line, '\n', len - *pos);
		size_t const n = lf != NULL ? (size_t)(lf - line) : len - *pos;
		char const *const tab = memchr(line, '\t', n);

		*pos += n + 1;
		if (tab == NULL || tab == line ||
			tab - line > ACL_IDENTIFIER_MAX ||
			!rights_parse(tab + 1, (size_t)(line + n - tab) - 1,
				&e_r->rights))
			continue;
		e_r->id = line;
		e_r->id_len = (size_t)(tab - line);
		return true;
	}
	return false;
}

static bool
applies(char const *id, size_t len, char const *user)
{
	return is_group(id, len) ||
	       (len == strlen(user) && memcmp(id, user, len) == 0);
}

unsigned
acl_rights(char const *s, size_t len, char const *user)
{
	unsigned given = 0, taken = 0;
	struct acl_entry e;
	size_t pos = 0;

	while (acl_next(s, len, &pos, &e))
		if (*e.id == '-' && applies(e.id + 1, e.id_len - 1, user))
			taken |= e.rights;
		else if (*e.id != '-' && applies(e.id, e.id_len, user))
			given |= e.rights;
	return given & ~taken;
}

static bool
put(stralloc *out, char const *id, size_t len, unsigned rights)
{
	char text[RIGHTS_TEXT_MAX];

	/* c, once written, would be read as both k and x. */
	rights_plain(rights, text);
	return stralloc_catb(out, id, len) && stralloc_catb(out, "\t", 1) &&
	       stralloc_cats(out, text) && stralloc_catb(out, "\n", 1);
}

bool
acl_edit(stralloc const *text, enum acl_how how, char const *id,
	unsigned rights, stralloc *out)
{
	size_t const len = strlen(id);
	size_t pos = 0, count = 0;
	unsigned now = 0;
	struct acl_entry e;

	while (acl_next(text->s, text->len, &pos, &e)) {
		if (e.id_len == len && memcmp(e.id, id, len) == 0) {
			now |= e.rights;
			continue;
		}
		if (!put(out, e.id, e.id_len, e.rights))
			return false;
		count++;
	}
	if (how == ACL_ADD)
		rights |= now;
	else if (how == ACL_REMOVE)
		rights = now & ~rights;
	/* Nothing given is the same as not being named. */
	if (how == ACL_DELETE || rights == 0)
		return true;
	if (count == ACL_ENTRIES_MAX) {
		errno = E2BIG;
		return false;
	}
	return put(out, id, len, rights);
}

static int
open_folder(int root_fd, char const *name)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(name, dir);
	return openat(
		root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int
read_one(int root_fd, char const *name, stralloc *text)
{
	int const fd = open_folder(root_fd, name);
	int r, error;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	r = uidlist_read_file(fd, ACL_FILE, text);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

/* The name above; false: there is none. */
static bool
go_up(char *name)
{
	char *const end = strrchr(name, BOXNAME_SEPARATOR);

	if (boxname_is_inbox(name))
		return false;
	if (end != NULL)
		*end = '\0';
	else
		strcpy(name, "INBOX");
	return true;
}

int
acl_load(int root_fd, char const *name, stralloc *text)
{
	/* A name of a character has INBOX above it. */
	char at[BOXNAME_MAX + sizeof "INBOX"];
	int r;

	strcpy(at, name);
	do
		r = read_one(root_fd, at, text);
	while (r == 0 && go_up(at));
	return r;
}

static bool
change_locked(int root_fd, int folder_fd, char const *name, enum acl_how how,
	char const *id, unsigned rights)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	bool const ok = acl_load(root_fd, name, &text) >= 0 &&
			acl_edit(&text, how, id, rights, &out) &&
			uidlist_replace(folder_fd, ACL_FILE,
				out.s != NULL ? out.s : "", out.len);
	int const error = errno;

	stralloc_free(&text);
	stralloc_free(&out);
	errno = error;
	return ok;
}

bool
acl_change(int root_fd, char const *name, enum acl_how how, char const *id,
	unsigned rights)
{
	int const fd = open_folder(root_fd, name);
	int lock, error;
	bool ok;

	if (fd < 0)
		return false;
	ok = uidlist_lock(fd, &lock);
	if (ok) {
		ok = change_locked(root_fd, fd, name, how, id, rights);
		error = errno;
		uidlist_unlock(fd, lock);
		errno = error;
	}
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

bool
acl_inherit(int root_fd, char const *name)
{
	stralloc text = STRALLOC_ZERO;
	int const r = acl_load(root_fd, name, &text);
	int const fd = r > 0 ? open_folder(root_fd, name) : -1;
	bool const ok = r == 0 || (fd >= 0 && uidlist_replace(fd, ACL_FILE,
						      text.s, text.len));
	int const error = errno;

	if (fd >= 0)
		close(fd);
	stralloc_free(&text);
	errno = error;
	return ok;
}
