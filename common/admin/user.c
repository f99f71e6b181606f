/* Mailboxes added, listed and removed. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"
#include "common/recipient.h"
#include "common/admin/apppassword.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/logins.h"
#include "common/admin/password.h"
#include "common/admin/user.h"
#include "common/admin/user_state.h"

static char const usage[] =
	"usage: kereru [-c DIR] user add ADDRESS [--password-stdin]\n"
	"       kereru [-c DIR] user passwd ADDRESS [--password-stdin]\n"
	"       kereru [-c DIR] user remove ADDRESS\n"
	"       kereru [-c DIR] user disable ADDRESS [--refuse-mail]\n"
	"       kereru [-c DIR] user enable ADDRESS\n"
	"       kereru [-c DIR] user quota ADDRESS [SIZE|none]\n"
	"       kereru [-c DIR] user list\n"
	"       kereru [-c DIR] user app-password add|list|remove ...\n"
	"       kereru [-c DIR] user logins ADDRESS [-n COUNT]\n";

uint32_t
user_free_uid(struct config const *c)
{
	uint32_t min = 0, max = 0, last;

	if (!setting_uids(values_text(&c->values, "mailbox-uids"), &min, &max))
		return 0;
	last = min - 1;
	for (size_t i = 0; i < c->uids.count; i++)
		if (c->uids.list[i].uid >= min && c->uids.list[i].uid <= max)
			last = c->uids.list[i].uid;
	return last < max ? last + 1 : 0;
}

char const *
user_refuse(struct config const *c, char const *key)
{
	size_t len = strlen(key);
	char const *at = strrchr(key, '@');
	struct config_domain const *d =
		config_domain(c, at + 1, strlen(at + 1));
	struct config_alias const *a = config_alias(c, key, len);

	if (d == NULL || d->is_backup)
		return "its domain is not local (kereru domain add)";
	if (config_user(c, key, len) != NULL)
		return "it is there already";
	if (a != NULL && a->name.line > 0)
		return "it is an alias";
	if (recipient_is_catch_all(key, len))
		return "it is all else in a domain (kereru alias add)";
	if (*key == '.' || memchr(key, '/', (size_t)(at - key)) != NULL)
		return "it makes no folder name (write the line by hand, with "
		       "a maildir)";
	return NULL;
}

static bool
write_lines(
	struct publish *p, char const *key, char const *uid, char const *hash)
{
	stralloc user = STRALLOC_ZERO, secret = STRALLOC_ZERO;
	bool ok =
		stralloc_cats(&user, key) && stralloc_append(&user, ' ') &&
		stralloc_cats(&user, uid) && stralloc_append(&user, '\0') &&
		stralloc_cats(&secret, key) && stralloc_append(&secret, ' ') &&
		stralloc_cats(&secret, hash) && stralloc_append(&secret, '\0');

	/* passwords is replaced last: a password without its user would be a
	 * fault, a user without a password is none. */
	ok = ok && edit_file(p, "passwords", key, secret.s, 0600) &&
	     edit_file(p, "users", NULL, user.s, 0644) && edit_commit(p);
	stralloc_free(&user);
	stralloc_free(&secret);
	return ok;
}

static int
add_to(struct publish *p, struct config *c, char const *key, char const *hash)
{
	char const *why = user_refuse(c, key);
	struct config_user u = {.name = {.s = key, .len = strlen(key)}};
	stralloc maildir = STRALLOC_ZERO;
	char uid[16];
	bool ok;

	if (why != NULL) {
		fprintf(stderr, "kereru: %s cannot be added: %s\n", key, why);
		return COMMAND_PERMANENT;
	}
	u.uid = user_free_uid(c);
	if (u.uid == 0) {
		fprintf(stderr,
			"kereru: %s: every uid of mailbox-uids has "
			"been used\n",
			c->values.text.path);
		return COMMAND_PERMANENT;
	}
	snprintf(uid, sizeof uid, "%u", (unsigned)u.uid);
	ok = config_maildir(c, &u, &maildir) && stralloc_append(&maildir, 0) &&
	     folder_maildir(maildir.s, u.uid) && write_lines(p, key, uid, hash);
	stralloc_free(&maildir);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

/* Lock the folder, read all of it without a fault, and let act change it. */
static int
change(char const *folder, char const *key, char const *hash,
	int (*act)(struct publish *p, struct config *c, char const *key,
		char const *hash))
{
	struct publish p;
	struct config c;
	int code = edit_read(&p, &c, folder);

	if (code != COMMAND_OK)
		return code;
	code = act(&p, &c, key, hash);
	config_free(&c);
	edit_end(&p);
	return code;
}

int
user_add(char const *folder, char const *key, char const *password, size_t len)
{
	char hash[PASSWORD_TEXT_SIZE];

	if (!password_make(hash, password, len)) {
		fprintf(stderr, "kereru: no memory to hash a password\n");
		return COMMAND_TEMPORARY;
	}
	return change(folder, key, hash, add_to);
}

static int
set_password(
	struct publish *p, struct config *c, char const *key, char const *hash)
{
	stralloc line = STRALLOC_ZERO;
	bool ok;

	if (config_user(c, key, strlen(key)) == NULL) {
		fprintf(stderr, "kereru: there is no user %s\n", key);
		return COMMAND_PERMANENT;
	}
	ok = stralloc_cats(&line, key) && stralloc_append(&line, ' ') &&
	     stralloc_cats(&line, hash) && stralloc_append(&line, '\0') &&
	     edit_file(p, "passwords", key, line.s, 0600) && edit_commit(p);
	stralloc_free(&line);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

static int
remove_from(
	struct publish *p, struct config *c, char const *key, char const *hash)
{
	struct config_user const *u = config_user(c, key, strlen(key));
	stralloc maildir = STRALLOC_ZERO;
	bool ok;

	(void)hash;
	if (u == NULL) {
		fprintf(stderr, "kereru: there is no user %s\n", key);
		return COMMAND_PERMANENT;
	}
	/* users is replaced last; see write_lines. */
	ok = edit_file(p, "users", key, NULL, 0644) &&
	     edit_file(p, "passwords", key, NULL, 0600) &&
	     edit_file(p, "app-passwords", key, NULL, 0600) && edit_commit(p);
	if (ok && config_maildir(c, u, &maildir) &&
		stralloc_append(&maildir, '\0'))
		printf("The mail of %s stays in %s\n", key, maildir.s);
	stralloc_free(&maildir);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}

static int
list(char const *folder)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool ok = config_read(&c, folder, &f);

	for (size_t i = 0; ok && i < c.users.count; i++) {
		struct config_user const *u = &c.users.list[i];
		stralloc maildir = STRALLOC_ZERO;
		if (config_maildir(&c, u, &maildir) &&
			stralloc_append(&maildir, '\0'))
			printf("%s %u %s\n", u->name.s, (unsigned)u->uid,
				maildir.s);
		stralloc_free(&maildir);
	}
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

static int
with_password(struct command_context const *x, char const *key, bool is_new,
	bool from_stdin)
{
	char password[PASSWORD_MAX], hash[PASSWORD_TEXT_SIZE];
	size_t len = 0;
	int code = COMMAND_PERMANENT;

	if (password_ask(password, &len, from_stdin)) {
		if (is_new)
			code = user_add(x->folder, key, password, len);
		else if (password_make(hash, password, len))
			code = change(x->folder, key, hash, set_password);
		else
			code = COMMAND_TEMPORARY;
	}
	sodium_memzero(password, sizeof password);
	return code == COMMAND_OK ? compile_tables(x->folder) : code;
}

int
command_user(struct command_context const *x, int argc, char const *const *argv)
{
	char key[ADDR_KEY_MAX + 1];
	char const *verb = argc > 1 ? argv[1] : "";
	bool from_stdin = argc == 4 && strcmp(argv[3], "--password-stdin") == 0;
	bool refuses = argc == 4 && strcmp(argv[3], "--refuse-mail") == 0;
	bool is_add = strcmp(verb, "add") == 0;
	int code;

	if (argc == 2 && strcmp(verb, "list") == 0)
		return list(x->folder);
	if (argc == 3 && strcmp(verb, "enable") == 0)
		return user_set_state(x->folder, argv[2], USER_ENABLED);
	if (strcmp(verb, "disable") == 0 && (argc == 3 || refuses))
		return user_set_state(x->folder, argv[2],
			refuses ? USER_REFUSED : USER_DISABLED);
	if ((argc == 3 || argc == 4) && strcmp(verb, "quota") == 0)
		return user_quota(
			x->folder, argv[2], argc == 4 ? argv[3] : NULL);
	if (strcmp(verb, "app-password") == 0)
		return user_app_password(x->folder, argc - 2, argv + 2);
	if (strcmp(verb, "logins") == 0)
		return user_logins(x->folder, argc - 2, argv + 2);
	if ((argc == 3 || from_stdin) &&
		(is_add || strcmp(verb, "passwd") == 0))
		return edit_address(argv[2], key, sizeof key)
			       ? with_password(x, key, is_add, from_stdin)
			       : COMMAND_PERMANENT;
	if (argc == 3 && strcmp(verb, "remove") == 0) {
		if (!edit_address(argv[2], key, sizeof key))
			return COMMAND_PERMANENT;
		code = change(x->folder, key, NULL, remove_from);
		return code == COMMAND_OK ? compile_tables(x->folder) : code;
	}
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
