/* All text files of one host, read, checked and joined. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/recipient.h"
#include "common/scramkey.h"
#include "common/admin/config.h"
#include "common/admin/password.h"

void *
config_add(void **list, size_t *count, size_t *room, size_t size)
{
	char *p;

	if (*count == *room) {
		size_t more = *room > 0 ? *room * 2 : 64;
		void *grown = reallocarray(*list, more, size);
		if (grown == NULL)
			return NULL;
		*list = grown;
		*room = more;
	}
	p = *list;
	p += (*count)++ * size;
	memset(p, 0, size);
	return p;
}

bool
config_line(struct text *t, struct faults *f, char **line_r, size_t *len_r)
{
	int r;

	while ((r = text_line(t, line_r, len_r)) < 0)
		fault(f, t->path, t->line, "has a control character");
	return r > 0;
}

bool
config_address(struct text const *t, struct faults *f, char *s, size_t *len,
	size_t *at_r)
{
	struct addr a;
	enum addr_error error;
	char key[ADDR_KEY_MAX];
	size_t key_len;

	if (!addr_parse(s, *len, ADDR_ALLOW_UTF8, &a, &error)) {
		fault(f, t->path, t->line, "%s is no address: %s", s,
			addr_strerror(error));
		return false;
	}
	key_len = addr_key(&a, key, sizeof key);
	if (key_len == 0 || key_len > *len || a.is_literal) {
		fault(f, t->path, t->line, "%s is no address in a domain", s);
		return false;
	}
	/* A key is never longer than what it was made from. */
	memcpy(s, key, key_len);
	s[key_len] = '\0';
	*len = key_len;
	*at_r = (size_t)((char *)memrchr(s, '@', key_len) - s) + 1;
	return true;
}

bool
config_domain_name(struct text const *t, struct faults *f, char *s, size_t *len)
{
	size_t n = *len;

	if (n > 1 && s[n - 1] == '.')
		n--;
	if (*s == '[' || !addr_is_domain(s, n, ADDR_ALLOW_UTF8)) {
		fault(f, t->path, t->line, "%s is no domain", s);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] - 'A' + 'a');
	s[n] = '\0';
	*len = n;
	return true;
}

/* Our own name is a domain of ours, also when nobody wrote it: <Postmaster>
 * (RFC 5321 4.5.1) and what programs of this host send to root come there. */
static bool
add_hostname(struct config *c)
{
	char const *hostname = values_text(&c->values, "hostname");
	struct config_domain *d;

	if (hostname == NULL)
		return true;
	for (size_t i = 0; i < c->domains.count; i++)
		if (strcmp(c->domains.list[i].name.s, hostname) == 0)
			return true;
	if ((d = CONFIG_ADD(&c->domains)) == NULL)
		return false;
	d->name = (struct name){hostname, strlen(hostname), 0};
	return true;
}

static bool
read_domains(struct config *c, struct faults *f)
{
	struct text *t = &c->domains_text;
	char *line, *name, *kind, *more;
	size_t len, name_len, kind_len, more_len;

	while (config_line(t, f, &line, &len)) {
		struct config_domain *d;
		if (!text_field(&line, &len, &name, &name_len) ||
			!config_domain_name(t, f, name, &name_len))
			continue;
		if (!text_field(&line, &len, &kind, &kind_len) ||
			text_field(&line, &len, &more, &more_len) ||
			(strcmp(kind, "local") != 0 &&
				strcmp(kind, "backup") != 0)) {
			fault(f, t->path, t->line,
				"a line is `DOMAIN local` or `DOMAIN backup`");
			continue;
		}
		if ((d = CONFIG_ADD(&c->domains)) == NULL)
			return false;
		d->name = (struct name){name, name_len, t->line};
		d->is_backup = *kind == 'b';
	}
	if (!add_hostname(c))
		return false;
	name_sort(c->domains.list, c->domains.count, sizeof *c->domains.list);
	name_check_twice(c->domains.list, c->domains.count,
		sizeof *c->domains.list, t->path, f);
	return true;
}

/* A local part that becomes the name of a folder below STATE/mail/DOMAIN. */
static bool
is_folder_name(char const *s, size_t len)
{
	return len > 0 && *s != '.' && memchr(s, '/', len) == NULL;
}

static bool
is_maildir_path(char const *s, size_t len)
{
	return *s == '/' && strstr(s, "/../") == NULL && len < 1024 &&
	       (len < 3 || memcmp(s + len - 3, "/..", 3) != 0);
}

/* The fields behind the address of a line of users. */
static bool
user_fields(struct config *c, struct config_user *u, char *line, size_t len,
	size_t at, struct faults *f)
{
	struct text const *t = &c->users_text;
	uint32_t min = 0, max = 0;
	char *uid, *maildir, *more;
	size_t uid_len, maildir_len, more_len;

	if (!text_field(&line, &len, &uid, &uid_len) ||
		uint320_scan(uid, &u->uid) != uid_len) {
		fault(f, t->path, t->line, "a line is `ADDRESS UID [MAILDIR]`");
		return false;
	}
	if (setting_uids(values_text(&c->values, "mailbox-uids"), &min, &max) &&
		(u->uid < min || u->uid > max))
		fault(f, t->path, t->line,
			"uid %s is outside of mailbox-uids %u-%u", uid, min,
			max);
	if (text_field(&line, &len, &maildir, &maildir_len)) {
		if (!is_maildir_path(maildir, maildir_len))
			fault(f, t->path, t->line,
				"%s is no absolute path without ..", maildir);
		u->maildir = maildir;
	} else if (!is_folder_name(u->name.s, at - 1)) {
		fault(f, t->path, t->line,
			"%s makes no folder name: say which maildir",
			u->name.s);
	}
	if (text_field(&line, &len, &more, &more_len))
		fault(f, t->path, t->line, "%s: one field too many", more);
	return true;
}

static bool
read_users(struct config *c, struct faults *f)
{
	struct text *t = &c->users_text;
	char *line, *name;
	size_t len, name_len, at;

	while (config_line(t, f, &line, &len)) {
		struct config_user u = {.maildir = NULL}, *added;
		struct config_domain const *d;
		if (!text_field(&line, &len, &name, &name_len) ||
			!config_address(t, f, name, &name_len, &at))
			continue;
		u.name = (struct name){name, name_len, t->line};
		if (recipient_is_catch_all(name, name_len))
			fault(f, t->path, t->line,
				"%s is all else in a domain; it can be an "
				"alias only",
				name);
		d = config_domain(c, name + at, name_len - at);
		if (d == NULL || d->is_backup)
			fault(f, t->path, t->line,
				"%s is no local domain (see %s)", name + at,
				c->domains_text.path);
		if (!user_fields(c, &u, line, len, at, f))
			continue;
		if ((added = CONFIG_ADD(&c->users)) == NULL)
			return false;
		*added = u;
	}
	name_sort(c->users.list, c->users.count, sizeof *c->users.list);
	name_check_twice(c->users.list, c->users.count, sizeof *c->users.list,
		t->path, f);
	for (size_t i = 0; i < c->users.count; i++)
		if (c->first_user == NULL ||
			c->users.list[i].name.line < c->first_user->name.line)
			c->first_user = &c->users.list[i];
	return true;
}

static int
compare_uids(void const *left, void const *right)
{
	struct config_uid const *a = left, *b = right;

	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static bool
add_uid(struct config *c, uint32_t uid, char const *address, unsigned line)
{
	struct config_uid *u = CONFIG_ADD(&c->uids);

	if (u == NULL)
		return false;
	*u = (struct config_uid){uid, address, line};
	return true;
}

/*
 * A uid stays its mailbox's for ever: files of a removed mailbox must not come
 * into the hands of a new one.
 */
static bool
read_history(struct config *c, struct faults *f)
{
	struct text *t = &c->history_text;
	char *line, *number, *address;
	size_t len, number_len, address_len;
	uint32_t uid;

	while (config_line(t, f, &line, &len)) {
		if (!text_field(&line, &len, &number, &number_len) ||
			uint320_scan(number, &uid) != number_len ||
			!text_field(&line, &len, &address, &address_len)) {
			fault(f, t->path, t->line, "a line is `UID ADDRESS`");
			continue;
		}
		if (!add_uid(c, uid, address, 0))
			return false;
	}
	for (size_t i = 0; i < c->users.count; i++)
		if (!add_uid(c, c->users.list[i].uid, c->users.list[i].name.s,
			    c->users.list[i].name.line))
			return false;
	if (c->uids.count > 0)
		qsort(c->uids.list, c->uids.count, sizeof *c->uids.list,
			compare_uids);
	for (size_t i = 1; i < c->uids.count; i++) {
		struct config_uid const *a = &c->uids.list[i - 1],
					*b = &c->uids.list[i];
		if (a->uid != b->uid || b->line == 0)
			continue;
		if (a->line > 0)
			fault(f, c->users_text.path, b->line,
				"uid %u stands on line %u already", b->uid,
				a->line);
		else if (strcmp(a->address, b->address) != 0)
			fault(f, c->users_text.path, b->line,
				"uid %u was %s's, and a uid is never used "
				"again (see %s)",
				b->uid, a->address, t->path);
	}
	return true;
}

static bool
read_passwords(struct config *c, struct faults *f)
{
	struct text *t = &c->passwords_text;
	char *line, *name, *hash = NULL, *keys, *more;
	size_t len, name_len, hash_len = 0, keys_len, more_len, at;

	while (config_line(t, f, &line, &len)) {
		struct config_password *p;
		struct scramkey key;
		bool has_keys, is_disabled, is_refused;
		if (!text_field(&line, &len, &name, &name_len) ||
			!config_address(t, f, name, &name_len, &at))
			continue;
		if (config_user(c, name, name_len) == NULL)
			fault(f, t->path, t->line, "%s is no user (see %s)",
				name, c->users_text.path);
		/* The text of a wrong hash is not shown: it is a secret. */
		is_disabled = text_field(&line, &len, &hash, &hash_len) &&
			      *hash == '!';
		hash += is_disabled;
		is_refused = is_disabled && *hash == '!';
		hash += is_refused;
		if (hash_len == 0 || (!(is_disabled && *hash == '\0') &&
					     !password_is_hash(hash))) {
			fault(f, t->path, t->line,
				"a line is `ADDRESS HASH`, an argon2 hash that "
				"`kereru user passwd` makes");
			continue;
		}
		has_keys = text_field(&line, &len, &keys, &keys_len);
		if (text_field(&line, &len, &more, &more_len) ||
			(has_keys && !scramkey_parse(keys, keys_len, &key))) {
			fault(f, t->path, t->line,
				"what follows the hash is not "
				"SCRAM-SHA-256$ITERATIONS:SALT$KEY:KEY, as "
				"`kereru user passwd` makes it");
			continue;
		}
		if ((p = CONFIG_ADD(&c->passwords)) == NULL)
			return false;
		p->name = (struct name){name, name_len, t->line};
		p->hash = hash;
		p->keys = has_keys ? keys : NULL;
		p->is_disabled = is_disabled;
		p->is_refused = is_refused;
	}
	name_sort(c->passwords.list, c->passwords.count,
		sizeof *c->passwords.list);
	name_check_twice(c->passwords.list, c->passwords.count,
		sizeof *c->passwords.list, t->path, f);
	return true;
}

static bool
open_texts(struct config *c, struct faults *f)
{
	struct {
		struct text *text;
		char const *folder, *name;
	} files[] = {
		{&c->domains_text, c->folder, "domains"},
		{&c->users_text, c->folder, "users"},
		{&c->passwords_text, c->folder, "passwords"},
		{&c->apps_text, c->folder, "app-passwords"},
		{&c->aliases_text, c->folder, "aliases"},
		{&c->routes_text, c->folder, "routes"},
		{&c->networks_text, c->folder, "networks"},
		{&c->rules_text, c->folder, "rules"},
		{&c->dkim_text, c->folder, "dkim"},
		{&c->shared_text, c->folder, "shared"},
		{&c->policies_text, c->folder, "tls-policy"},
		{&c->logins_text, c->folder, "relay-logins"},
		{&c->outgoing_text, c->folder, "outgoing"},
		{&c->lists_text, c->folder, "lists"},
		{&c->history_text, values_text(&c->values, "state"), "uids"},
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if (c->is_public && (files[i].text == &c->passwords_text ||
					    files[i].text == &c->apps_text ||
					    files[i].text == &c->logins_text))
			continue;
		if (!text_read(files[i].text, files[i].folder, files[i].name)) {
			fault(f,
				files[i].text->path != NULL
					? files[i].text->path
					: files[i].name,
				0, "cannot be read: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

static bool
read_all(struct config *c, char const *folder, struct faults *f)
{
	if (!values_read(&c->values, folder, f))
		return false;
	values_check_accounts(&c->values, f);
	if (!open_texts(c, f))
		return false;
	if (!read_domains(c, f) || !read_users(c, f) || !read_history(c, f) ||
		!read_passwords(c, f) || !config_read_apps(c, f) || !config_read_aliases(c, f) ||
		!config_read_routing(c, f) || !config_read_rules(c, f) ||
		!config_read_dkim(c, f) || !config_read_shared(c, f) ||
		!config_read_remote(c, f) || !config_read_lists(c, f)) {
		fault(f, folder, 0, "out of memory");
		return false;
	}
	return true;
}

bool
config_read(struct config *c, char const *folder, struct faults *f)
{
	*c = (struct config){.folder = folder};
	return read_all(c, folder, f);
}

bool
config_read_public(struct config *c, char const *folder, struct faults *f)
{
	*c = (struct config){.folder = folder, .is_public = true};
	return read_all(c, folder, f);
}

void
config_free(struct config *c)
{
	struct text *texts[] = {&c->domains_text, &c->users_text,
		&c->passwords_text, &c->aliases_text, &c->routes_text,
		&c->networks_text, &c->rules_text, &c->shared_text,
		&c->dkim_text, &c->history_text, &c->policies_text,
		&c->logins_text, &c->outgoing_text, &c->apps_text,
		&c->lists_text};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_free(texts[i]);
	for (size_t i = 0; i < c->made.count; i++)
		free(c->made.list[i]);
	free(c->made.list);
	free(c->domains.list);
	free(c->users.list);
	free(c->passwords.list);
	free(c->apps.list);
	free(c->targets.list);
	free(c->aliases.list);
	free(c->routes.list);
	free(c->networks.list);
	free(c->shares.list);
	free(c->lists.list);
	free(c->uids.list);
	config_free_dkim(c);
	stralloc_free(&c->rules);
	config_free_remote(c);
	stralloc_free(&c->shared);
	values_free(&c->values);
	*c = (struct config){0};
}

struct config_domain const *
config_domain(struct config const *c, char const *s, size_t len)
{
	return name_find(c->domains.list, c->domains.count,
		sizeof *c->domains.list, s, len);
}

struct config_user const *
config_user(struct config const *c, char const *s, size_t len)
{
	return name_find(
		c->users.list, c->users.count, sizeof *c->users.list, s, len);
}

bool
config_maildir(
	struct config const *c, struct config_user const *u, stralloc *sa)
{
	char const *at;

	if (u->maildir != NULL)
		return stralloc_cats(sa, u->maildir);
	at = memrchr(u->name.s, '@', u->name.len);
	return stralloc_cats(sa, values_text(&c->values, "state")) &&
	       stralloc_cats(sa, "/mail/") && stralloc_cats(sa, at + 1) &&
	       stralloc_catb(sa, "/", 1) &&
	       stralloc_catb(sa, u->name.s, (size_t)(at - u->name.s));
}
