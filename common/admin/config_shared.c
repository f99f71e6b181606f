/* Which mailboxes are shared: their names, and who may use them. */
#include <ctype.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/config.h"

#define NAME_OCTETS_MAX 64
#define ADMIN "admin:"

/* It becomes a part of the names of mailboxes in IMAP. */
static bool
is_share_name(char const *s, size_t len)
{
	if (len > NAME_OCTETS_MAX || strcasecmp(s, "inbox") == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

static bool
put(stralloc *sa, char const *prefix, char const *s, size_t len)
{
	return stralloc_append(sa, ' ') && stralloc_cats(sa, prefix) &&
	       stralloc_catb(sa, s, len);
}

/* `*`, `@DOMAIN`, `ADDRESS` or `admin:ADDRESS`. False: memory. */
static bool
add_who(struct config *c, struct faults *f, char *s, size_t len,
	bool *is_admin_r)
{
	struct text *t = &c->shared_text;
	size_t at;

	*is_admin_r = strncmp(s, ADMIN, sizeof ADMIN - 1) == 0;
	if (strcmp(s, "*") == 0)
		return put(&c->shared, "", s, len);
	if (*s == '@') {
		len--;
		return !config_domain_name(t, f, s + 1, &len) ||
		       put(&c->shared, "@", s + 1, len);
	}
	if (*is_admin_r) {
		s += sizeof ADMIN - 1;
		len -= sizeof ADMIN - 1;
	}
	if (!config_address(t, f, s, &len, &at))
		return true;
	if (config_user(c, s, len) == NULL)
		fault(f, t->path, t->line, "%s is no user (see %s)", s,
			c->users_text.path);
	return put(&c->shared, *is_admin_r ? ADMIN : "", s, len);
}

/* What follows the mailbox and the name. False: memory. */
static bool
read_who(struct config *c, struct faults *f, char *line, size_t len,
	char const *domain)
{
	bool anybody = false, administered = false, is_admin;
	char *who;
	size_t who_len;

	while (text_field(&line, &len, &who, &who_len)) {
		if (!add_who(c, f, who, who_len, &is_admin))
			return false;
		anybody |= !is_admin;
		administered |= is_admin;
	}
	if (!administered)
		fault(f, c->shared_text.path, c->shared_text.line,
			"nobody administers it: name one with " ADMIN);
	return (anybody || put(&c->shared, "@", domain, strlen(domain))) &&
	       stralloc_append(&c->shared, '\n');
}

static void
check_new(struct config *c, struct faults *f, struct config_share const *new)
{
	for (size_t i = 0; i < c->shares.count; i++) {
		struct config_share const *s = &c->shares.list[i];

		if (strcmp(s->name.s, new->name.s) == 0 ||
			strcmp(s->mailbox, new->mailbox) == 0)
			fault(f, c->shared_text.path, new->name.line,
				"%s stands on line %u already",
				strcmp(s->name.s, new->name.s) == 0
					? new->name.s
					: new->mailbox,
				s->name.line);
	}
}

bool
config_read_shared(struct config *c, struct faults *f)
{
	struct text *t = &c->shared_text;
	char *line, *mailbox, *name;
	size_t len, mailbox_len, name_len, at;

	while (config_line(t, f, &line, &len)) {
		struct config_share new, *added;
		if (!text_field(&line, &len, &mailbox, &mailbox_len) ||
			!config_address(t, f, mailbox, &mailbox_len, &at))
			continue;
		if (config_user(c, mailbox, mailbox_len) == NULL)
			fault(f, t->path, t->line, "%s is no user (see %s)",
				mailbox, c->users_text.path);
		if (!text_field(&line, &len, &name, &name_len) ||
			!is_share_name(name, name_len)) {
			fault(f, t->path, t->line,
				"a line is `MAILBOX NAME WHO...`, where NAME "
				"is of letters, digits, - and _");
			continue;
		}
		new = (struct config_share){{name, name_len, t->line}, mailbox};
		check_new(c, f, &new);
		if (!stralloc_catb(&c->shared, name, name_len) ||
			!put(&c->shared, "", mailbox, mailbox_len) ||
			!read_who(c, f, line, len, mailbox + at) ||
			(added = CONFIG_ADD(&c->shares)) == NULL)
			return false;
		*added = new;
	}
	return stralloc_append(&c->shared, '\0');
}

bool
config_is_shared(struct config const *c, char const *mailbox)
{
	for (size_t i = 0; i < c->shares.count; i++)
		if (strcmp(c->shares.list[i].mailbox, mailbox) == 0)
			return true;
	return false;
}
