/* GETMETADATA and SETMETADATA (RFC 5464). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>

#include "common/annotations.h"
#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "common/use.h"
#include "mime/imap.h"

#define ENTRIES_MAX 100
#define PRIVATE_HASH 16
#define PRIVATE_FILE_MAX 64

struct metadata {
	struct session *s;
	char name[BOXNAME_MAX + 1]; /* empty: the server */
	int folder_fd;
	char const *file;
	/* GETMETADATA */
	bool has_max;
	uint64_t max, longest;
	unsigned depth; /* levels below an entry; ~0: all */
	char entries[ENTRIES_MAX][ANNOTATIONS_NAME_MAX + 1];
	/* SETMETADATA */
	struct annotation changes[ENTRIES_MAX];
	size_t count;
};

/* RFC 5464, 3.3: "l" and any other right to what is in it. False: answered. */
static bool
may_use(struct metadata const *m)
{
	if (m->name[0] == '\0')
		return permit_owner(m->s);
	return permit(m->s, m->name, RIGHT_LOOKUP) &&
	       (permit_rights(m->s, m->name) &
			       (RIGHT_READ | RIGHT_SEEN | RIGHT_WRITE |
				       RIGHT_INSERT | RIGHT_POST) ||
		       permit(m->s, m->name, RIGHT_READ));
}

/* In a shared mailbox the entries below /private are each user's own. */
static bool
is_private(char const *name)
{
	return strncmp(name, "/private/", 9) == 0;
}

/* The file of the user's own entries. */
static void
private_file(struct session const *s, char *file_r)
{
	unsigned char hash[PRIVATE_HASH];
	char hex[2 * sizeof hash + 1];

	crypto_generichash(hash, sizeof hash, (unsigned char const *)s->asker,
		strlen(s->asker), NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	(void)snprintf(
		file_r, PRIVATE_FILE_MAX, ANNOTATIONS_MAILBOX ".%s", hex);
}

/* Open what the name means. False: answered. */
static bool
open_target(struct metadata *m)
{
	char dir[BOXNAME_MAX + 2] = ".";

	m->file = ANNOTATIONS_SERVER;
	if (m->name[0] != '\0') {
		boxname_dir(m->name, dir);
		m->file = ANNOTATIONS_MAILBOX;
	}
	if (!may_use(m))
		return false;
	m->folder_fd = openat(m->s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->folder_fd < 0)
		session_reply_errno(m->s, "METADATA");
	return m->folder_fd >= 0;
}

static bool
mailbox(struct metadata *m, bool *answered_r)
{
	struct lex_text name;

	*answered_r = false;
	if (!lex_astring(&m->s->command.lex, &name))
		return false;
	m->name[0] = '\0';
	if (name.len == 0 || naming_in(m->s->utf8, name.s, name.len, m->name))
		return true;
	session_reply(m->s, "NO", "[CANNOT] Not a valid mailbox name");
	*answered_r = true;
	return false;
}

static bool
option(struct lex *l, struct metadata *m)
{
	struct lex_text word;

	if (!lex_atom(l, &word) || !lex_space(l))
		return false;
	if (lex_is(&word, "MAXSIZE")) {
		m->has_max = true;
		return lex_number(l, UINT32_MAX, &m->max);
	}
	if (!lex_is(&word, "DEPTH") || !lex_atom(l, &word))
		return false;
	if (lex_is(&word, "0"))
		m->depth = 0;
	else if (lex_is(&word, "1"))
		m->depth = 1;
	else if (lex_is(&word, "infinity"))
		m->depth = ~0u;
	else
		return false;
	return true;
}

static bool
options(struct lex *l, struct metadata *m)
{
	if (!lex_char(l, '('))
		return false;
	do
		if (!option(l, m))
			return false;
	while (lex_char(l, ' '));
	return lex_char(l, ')');
}

/* Do options stand here, and not a list of entries? */
static bool
are_options(struct lex const *l)
{
	return lex_peek(l) == '(' && l->pos + 1 < l->len &&
	       strchr("MmDd", l->s[l->pos + 1]) != NULL;
}

static bool
entries(struct lex *l, struct metadata *m)
{
	bool const list = lex_char(l, '(');
	struct lex_text word;

	do
		if (m->count == ENTRIES_MAX || !lex_astring(l, &word) ||
			!annotations_name(
				word.s, word.len, m->entries[m->count++]))
			return false;
	while (list && lex_char(l, ' '));
	return (!list || lex_char(l, ')')) && lex_end(l);
}

/* RFC 5464 has the options in front of the mailbox in its grammar, behind it
 * in its examples: clients do either. */
static bool
get_arguments(struct metadata *m, bool *answered_r)
{
	struct lex *const l = &m->s->command.lex;

	*answered_r = false;
	if (!lex_space(l) ||
		(are_options(l) && (!options(l, m) || !lex_space(l))) ||
		!mailbox(m, answered_r) || !lex_space(l))
		return false;
	return (!are_options(l) || (options(l, m) && lex_space(l))) &&
	       entries(l, m);
}

/* Is name the entry, or near enough below it? */
static bool
is_wanted(struct metadata const *m, char const *name)
{
	for (size_t i = 0; i < m->count; i++) {
		char const *const entry = m->entries[i];
		size_t const len = strlen(entry);
		unsigned levels = 0;

		if (strncmp(name, entry, len) != 0 ||
			(name[len] != '\0' && name[len] != '/'))
			continue;
		for (char const *p = name + len; *p != '\0'; p++)
			levels += *p == '/';
		if (levels <= m->depth)
			return true;
	}
	return false;
}

static bool
add_value(stralloc *out, struct annotation const *a)
{
	char number[32];

	if (memchr(a->value, '\0', a->value_len) == NULL)
		return imap_string(out, a->value, a->value_len);
	(void)snprintf(number, sizeof number, "~{%zu}\r\n", a->value_len);
	return stralloc_cats(out, number) &&
	       stralloc_catb(out, a->value, a->value_len);
}

static bool
add_entry(struct metadata *m, struct annotation const *a, bool *any)
{
	stralloc *const out = &m->s->out;

	if (!is_wanted(m, a->name))
		return true;
	if (m->has_max && a->value_len > m->max) {
		if (a->value_len > m->longest)
			m->longest = a->value_len;
		return true;
	}
	if (!*any && !(stralloc_cats(out, "* METADATA ") &&
			     (m->name[0] == '\0' ? stralloc_cats(out, "\"\"")
						 : naming_out(m->s->utf8, out,
							   m->name)) &&
			     stralloc_cats(out, " (")))
		return false;
	if (*any && !stralloc_catb(out, " ", 1))
		return false;
	*any = true;
	return imap_string(out, a->name, strlen(a->name)) &&
	       stralloc_catb(out, " ", 1) && add_value(out, a);
}

/* The entries of a file; those of the other kind are not ours to tell. */
static bool
add_file(struct metadata *m, char const *file, bool private_too,
	bool shared_too, bool *any)
{
	stralloc text = STRALLOC_ZERO, value = STRALLOC_ZERO;
	struct annotation a;
	size_t pos = 0;
	int r = 1;
	bool ok = annotations_read(m->folder_fd, file, &text) >= 0;

	while (ok && (r = annotations_next(&text, &pos, &value, &a)) > 0)
		if (is_private(a.name) ? private_too : shared_too)
			ok = add_entry(m, &a, any);
	stralloc_free(&text);
	stralloc_free(&value);
	return ok && r == 0;
}

static bool
tell(struct metadata *m)
{
	bool const is_owner = m->s->asker == NULL;
	char file[PRIVATE_FILE_MAX];
	bool any = false, ok;

	m->s->out.len = 0;
	ok = add_file(m, m->file, is_owner, true, &any);
	if (ok && !is_owner) {
		private_file(m->s, file);
		ok = add_file(m, file, true, false, &any);
	}
	ok = ok && (!any || stralloc_cats(&m->s->out, ")\r\n"));
	if (ok && any)
		session_send(m->s);
	return ok;
}

void
cmd_getmetadata(struct session *s)
{
	static struct metadata m;
	bool answered;

	m.s = s;
	m.count = m.depth = 0;
	m.has_max = false;
	m.max = m.longest = 0;
	if (!get_arguments(&m, &answered)) {
		if (!answered)
			session_reply_syntax(s);
		return;
	}
	if (!open_target(&m))
		return;
	if (!tell(&m))
		session_reply_errno(s, "METADATA");
	else if (m.longest > 0)
		session_reply(s, "OK", "[METADATA LONGENTRIES %llu] Completed",
			(unsigned long long)m.longest);
	else
		session_reply(s, "OK", "GETMETADATA completed");
	close(m.folder_fd);
}

static bool
change(struct lex *l, struct metadata *m)
{
	struct annotation *const a = &m->changes[m->count];
	struct lex_text text;

	if (m->count == ENTRIES_MAX || !lex_astring(l, &text) ||
		!annotations_name(text.s, text.len, a->name) || !lex_space(l) ||
		!lex_value(l, &text))
		return false;
	a->value = text.s;
	a->value_len = text.len;
	m->count++;
	return true;
}

static bool
set_arguments(struct metadata *m, bool *answered_r)
{
	struct lex *const l = &m->s->command.lex;

	*answered_r = false;
	if (!lex_space(l) || !mailbox(m, answered_r) || !lex_space(l) ||
		!lex_char(l, '('))
		return false;
	do
		if (!change(l, m))
			return false;
	while (lex_char(l, ' '));
	return lex_char(l, ')') && lex_end(l);
}

/* False: answered. */
static bool
may_set(struct metadata const *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct annotation const *const a = &m->changes[i];

		if (a->value_len > ANNOTATIONS_VALUE_MAX) {
			session_reply(m->s, "NO",
				"[METADATA MAXSIZE %d] Value too long",
				ANNOTATIONS_VALUE_MAX);
			return false;
		}
		if (strcmp(a->name, "/shared/admin") == 0) {
			session_reply(m->s, "NO",
				"[NOPERM] That is the host's to say");
			return false;
		}
		if (strcmp(a->name, ANNOTATIONS_USE) == 0 && a->value != NULL &&
			(m->s->asker != NULL || m->name[0] == '\0' ||
				boxname_is_inbox(m->name) ||
				!use_valid(a->value, a->value_len))) {
			session_reply(m->s, "NO", "[USEATTR] No such use");
			return false;
		}
	}
	return true;
}

/* Private entries are put in front; how many they are. */
static size_t
part(struct annotation *v, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (is_private(v[i].name)) {
			struct annotation const a = v[i];

			/* Of one that is named twice the last holds. */
			memmove(v + n + 1, v + n, (i - n) * sizeof *v);
			v[n++] = a;
		}
	return n;
}

/* errno; EACCES: what all see is to be written by who may write. */
static bool
set_shared(struct metadata *m)
{
	size_t const n = part(m->changes, m->count);
	char file[PRIVATE_FILE_MAX];

	private_file(m->s, file);
	if (n < m->count && !(permit_rights(m->s, m->name) & RIGHT_WRITE)) {
		errno = EACCES;
		return false;
	}
	return (n == 0 || annotations_set(m->folder_fd, file, m->changes, n)) &&
	       (n == m->count || annotations_set(m->folder_fd, m->file,
					 m->changes + n, m->count - n));
}

void
cmd_setmetadata(struct session *s)
{
	static struct metadata m;
	bool answered;

	m.s = s;
	m.count = 0;
	if (!set_arguments(&m, &answered)) {
		if (!answered)
			session_reply_syntax(s);
		return;
	}
	if (!may_set(&m) || !open_target(&m))
		return;
	if (s->asker != NULL ? set_shared(&m)
			     : annotations_set(
				       m.folder_fd, m.file, m.changes, m.count))
		session_reply(s, "OK", "SETMETADATA completed");
	else if (errno == E2BIG)
		session_reply(s, "NO", "[METADATA TOOMANY] Too many entries");
	else
		session_reply_errno(s, "METADATA");
	close(m.folder_fd);
}
