/* `kereru user app-password`: made, listed, taken away. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/apppassword.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/password.h"
#include "common/apppass.h"

/* A user's; whoever needs more has lost count. */
#define APPS_MAX 50

static char const usage[] =
	"usage: kereru [-c DIR] user app-password add ADDRESS NAME "
	"[--only SERVICE,...]\n"
	"       kereru [-c DIR] user app-password list ADDRESS\n"
	"       kereru [-c DIR] user app-password remove ADDRESS NAME\n"
	"SERVICE is smtp, imap, pop3 or sieve.\n";

struct app {
	char const *address, *name, *services;
	char secret[APPPASS_LEN + 1];
};

static bool
has_selector(struct config const *c, struct app const *a)
{
	for (size_t i = 0; i < c->apps.count; i++)
		if (strcmp(c->apps.list[i].address, a->address) == 0 &&
			memcmp(c->apps.list[i].selector, a->secret,
				APPPASS_SELECTOR_LEN) == 0)
			return true;
	return false;
}

static void
make_secret(struct config const *c, struct app *a)
{
	do
		for (size_t i = 0; i < APPPASS_LEN; i++)
			a->secret[i] = APPPASS_ALPHABET[randombytes_uniform(
				sizeof APPPASS_ALPHABET - 1)];
	while (has_selector(c, a));
}

/* The user's lines, but for the one of this name; how many those are. */
static bool
keep(struct config const *c, struct app const *a, stralloc *lines,
	size_t *kept_r, bool *had_r)
{
	*kept_r = 0;
	*had_r = false;
	for (size_t i = 0; i < c->apps.count; i++) {
		struct config_app const *one = &c->apps.list[i];
		char const *const fields[] = {one->address, one->label,
			one->services, one->selector, one->hash};

		if (strcmp(one->address, a->address) != 0)
			continue;
		if (strcmp(one->label, a->name) == 0) {
			*had_r = true;
			continue;
		}
		if (*kept_r > 0 && !stralloc_append(lines, '\n'))
			return false;
		for (size_t k = 0; k < 5; k++)
			if ((k > 0 && !stralloc_append(lines, ' ')) ||
				!stralloc_cats(lines, fields[k]))
				return false;
		++*kept_r;
	}
	return true;
}

static bool
put_new(stralloc *lines, size_t kept, struct app const *a)
{
	char hash[PASSWORD_TEXT_SIZE];
	char *keys;

	if (!password_make(hash, a->secret, APPPASS_LEN))
		return false;
	/* A client of SCRAM does not tell which password it has. */
	keys = strchr(hash, ' ');
	if (keys != NULL)
		*keys = '\0';
	return (kept == 0 || stralloc_append(lines, '\n')) &&
	       stralloc_cats(lines, a->address) &&
	       stralloc_append(lines, ' ') && stralloc_cats(lines, a->name) &&
	       stralloc_append(lines, ' ') &&
	       stralloc_cats(lines, a->services) &&
	       stralloc_append(lines, ' ') &&
	       stralloc_catb(lines, a->secret, APPPASS_SELECTOR_LEN) &&
	       stralloc_append(lines, ' ') && stralloc_cats(lines, hash);
}

static int
refuse(struct app const *a, char const *why)
{
	fprintf(stderr, "kereru: %s %s: %s\n", a->address, a->name, why);
	return COMMAND_PERMANENT;
}

static int
change_in(struct publish *p, struct config *c, struct app *a, bool is_add)
{
	stralloc lines = STRALLOC_ZERO;
	bool had, ok = true;
	size_t kept;
	int code = COMMAND_TEMPORARY;

	if (config_user(c, a->address, strlen(a->address)) == NULL)
		return refuse(a, "there is no such user");
	if (!keep(c, a, &lines, &kept, &had)) {
		ok = false;
	} else if (had == is_add || kept >= APPS_MAX) {
		stralloc_free(&lines);
		return refuse(a, kept >= APPS_MAX ? "the user has too many"
				 : is_add ? "there is one of this name already"
					  : "there is none of this name");
	}
	if (ok && is_add) {
		make_secret(c, a);
		ok = put_new(&lines, kept, a);
	}
	ok = ok && stralloc_append(&lines, '\0') &&
	     edit_file(p, "app-passwords", a->address,
		     lines.len > 1 ? lines.s : NULL, 0600) &&
	     edit_commit(p);
	if (ok)
		code = COMMAND_OK;
	stralloc_free(&lines);
	return code;
}

static int
change(char const *folder, struct app *a, bool is_add)
{
	struct publish p;
	struct config c;
	int code = edit_read(&p, &c, folder);

	if (code != COMMAND_OK)
		return code;
	code = change_in(&p, &c, a, is_add);
	config_free(&c);
	edit_end(&p);
	return code == COMMAND_OK ? compile_tables(folder) : code;
}

static int
add(char const *folder, struct app *a, char const *only)
{
	char services[APPPASS_SERVICES_SIZE], shown[APPPASS_SHOWN_SIZE];
	int code;

	if (!apppass_is_name(a->name, strlen(a->name)))
		return refuse(
			a, "a name has up to 32 letters, digits, and ._-");
	if (!apppass_services(only, services))
		return refuse(a, "services are smtp, imap, pop3 and sieve");
	a->services = services;
	code = change(folder, a, true);
	if (code == COMMAND_OK) {
		apppass_show(a->secret, shown);
		printf("%s\n", shown);
		sodium_memzero(shown, sizeof shown);
	}
	sodium_memzero(a->secret, sizeof a->secret);
	return code;
}

static int
list(char const *folder, char const *address)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool ok = config_read(&c, folder, &f);

	for (size_t i = 0; ok && i < c.apps.count; i++)
		if (strcmp(c.apps.list[i].address, address) == 0)
			printf("%s %s\n", c.apps.list[i].label,
				c.apps.list[i].services);
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

int
user_app_password(char const *folder, int argc, char const *const *argv)
{
	char key[ADDR_KEY_MAX + 1];
	char const *verb = argc > 0 ? argv[0] : "";
	struct app a = {.address = key};
	bool const has_only = argc == 5 && strcmp(argv[3], "--only") == 0;

	if (argc >= 2 && !edit_address(argv[1], key, sizeof key))
		return COMMAND_PERMANENT;
	if (argc == 2 && strcmp(verb, "list") == 0)
		return list(folder, key);
	a.name = argc >= 3 ? argv[2] : "";
	if ((argc == 3 || has_only) && strcmp(verb, "add") == 0)
		return add(folder, &a, has_only ? argv[4] : "*");
	if (argc == 3 && strcmp(verb, "remove") == 0)
		return change(folder, &a, false);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
