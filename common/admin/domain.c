/* Domains and aliases added, listed and removed. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/dkim_keys.h"
#include "common/admin/domain.h"
#include "common/admin/edit.h"

/* Add one line to a file, if what is there has no fault and check agrees. */
static int
add_line(char const *folder, char const *name, char const *line,
	bool (*check)(struct config const *c, char const *const *words),
	char const *const *words)
{
	struct publish p;
	struct config c;
	int code = edit_read(&p, &c, folder);

	if (code != COMMAND_OK)
		return code;
	code = COMMAND_PERMANENT;
	if (check(&c, words))
		code = edit_file(&p, name, NULL, line, 0644) && edit_commit(&p)
			       ? COMMAND_OK
			       : COMMAND_TEMPORARY;
	config_free(&c);
	edit_end(&p);
	return code;
}

static bool
domain_is_new(struct config const *c, char const *const *words)
{
	size_t len = strlen(words[0]);

	if (config_domain(c, words[0], len) == NULL)
		return true;
	fprintf(stderr, "kereru: %s is there already\n", words[0]);
	return false;
}

int
domain_add(char const *folder, char const *domain, bool is_backup)
{
	char line[ADDR_DOMAIN_MAX + 16];
	char const *words[] = {domain};

	snprintf(line, sizeof line, "%s %s", domain,
		is_backup ? "backup" : "local");
	return add_line(folder, "domains", line, domain_is_new, words);
}

/* With keys, unless it is not ours to sign for. */
static int
add_domain(char const *folder, char const *name, bool is_backup, bool has_keys)
{
	char key[ADDR_DOMAIN_MAX + 1];
	size_t len = strlen(name);
	int code;

	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len >= sizeof key || !addr_is_domain(name, len, ADDR_ALLOW_UTF8) ||
		*name == '[') {
		fprintf(stderr, "kereru: %s is no domain\n", name);
		return COMMAND_PERMANENT;
	}
	for (size_t i = 0; i < len; i++)
		key[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32
								 : name[i]);
	key[len] = '\0';
	code = domain_add(folder, key, is_backup);
	if (code == COMMAND_OK && !is_backup && has_keys)
		code = dkim_keys_make_both(folder, key);
	if (code == COMMAND_OK)
		code = compile_tables(folder);
	if (code == COMMAND_OK)
		printf("; kereru records %s: what has to be published\n", key);
	return code;
}

static int
list_domains(char const *folder)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool ok = config_read(&c, folder, &f);

	for (size_t i = 0; ok && i < c.domains.count; i++)
		printf("%s %s\n", c.domains.list[i].name.s,
			c.domains.list[i].is_backup ? "backup" : "local");
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

/* Drop the line of a key, if what is left has no fault. */
static int
remove_line(char const *folder, char const *name, char const *key,
	bool (*check)(struct config const *c, char const *key))
{
	struct publish p;
	struct config c;
	int code = edit_read(&p, &c, folder);

	if (code != COMMAND_OK)
		return code;
	code = COMMAND_PERMANENT;
	if (check(&c, key))
		code = edit_file(&p, name, key, NULL, 0644) &&
				       /* Replaced first: a domain without a
					* key is no fault. */
				       (strcmp(name, "domains") != 0 ||
					       !c.dkim_text.exists ||
					       edit_file(&p, "dkim", key, NULL,
						       0644)) &&
				       edit_commit(&p)
			       ? COMMAND_OK
			       : COMMAND_TEMPORARY;
	config_free(&c);
	edit_end(&p);
	return code == COMMAND_OK ? compile_tables(folder) : code;
}

static bool
is_in(struct name const *address, char const *domain)
{
	char const *const at = strrchr(address->s, '@');

	return at != NULL && strcasecmp(at + 1, domain) == 0;
}

/* A domain that somebody has an address in stays. */
static bool
domain_may_go(struct config const *c, char const *key)
{
	struct config_domain const *const d =
		config_domain(c, key, strlen(key));

	if (d == NULL || d->name.line == 0) {
		fprintf(stderr, "kereru: %s is not in the file domains\n", key);
		return false;
	}
	for (size_t i = 0; i < c->users.count; i++)
		if (is_in(&c->users.list[i].name, key)) {
			fprintf(stderr, "kereru: %s is a user there\n",
				c->users.list[i].name.s);
			return false;
		}
	for (size_t i = 0; i < c->aliases.count; i++)
		if (c->aliases.list[i].name.line > 0 &&
			is_in(&c->aliases.list[i].name, key)) {
			fprintf(stderr, "kereru: %s is an alias there\n",
				c->aliases.list[i].name.s);
			return false;
		}
	return true;
}

static int
remove_domain(char const *folder, char const *name)
{
	char key[ADDR_DOMAIN_MAX + 1];
	size_t const len = strlen(name);

	if (len >= sizeof key) {
		fprintf(stderr, "kereru: %s is no domain\n", name);
		return COMMAND_PERMANENT;
	}
	for (size_t i = 0; i <= len; i++)
		key[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32
								 : name[i]);
	return remove_line(folder, "domains", key, domain_may_go);
}

int
command_domain(
	struct command_context const *x, int argc, char const *const *argv)
{
	bool is_backup = argc == 4 && strcmp(argv[3], "--backup") == 0;
	bool no_keys = argc == 4 && strcmp(argv[3], "--no-dkim") == 0;

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list_domains(x->folder);
	if ((argc == 3 || is_backup || no_keys) && strcmp(argv[1], "add") == 0)
		return add_domain(x->folder, argv[2], is_backup, !no_keys);
	if (argc == 3 && strcmp(argv[1], "remove") == 0)
		return remove_domain(x->folder, argv[2]);
	fprintf(stderr, "usage: kereru [-c DIR] domain add DOMAIN [--backup | "
			"--no-dkim]\n"
			"       kereru [-c DIR] domain remove DOMAIN\n"
			"       kereru [-c DIR] domain list\n");
	return COMMAND_PERMANENT;
}

/* words: the alias and its targets, local ones in lower case. */
static bool
alias_is_right(struct config const *c, char const *const *words)
{
	char const *domain = strrchr(words[0], '@') + 1;
	struct config_domain const *d =
		config_domain(c, domain, strlen(domain));
	size_t len = strlen(words[0]);
	struct config_alias const *a = config_alias(c, words[0], len);

	if (d == NULL || d->is_backup) {
		fprintf(stderr, "kereru: %s is not local\n", domain);
		return false;
	}
	if (config_user(c, words[0], len) != NULL ||
		(a != NULL && a->name.line > 0)) {
		fprintf(stderr, "kereru: %s is there already\n", words[0]);
		return false;
	}
	for (words++; *words != NULL; words++) {
		char key[ADDR_KEY_MAX + 1];
		if (!edit_address(*words, key, sizeof key))
			return false;
		domain = strrchr(key, '@') + 1;
		d = config_domain(c, domain, strlen(domain));
		if (d != NULL && !d->is_backup &&
			config_user(c, key, strlen(key)) == NULL &&
			config_alias(c, key, strlen(key)) == NULL) {
			fprintf(stderr,
				"kereru: %s is neither a user nor an "
				"alias\n",
				key);
			return false;
		}
	}
	return true;
}

/* An alias that another one names stays. */
static bool
alias_may_go(struct config const *c, char const *key)
{
	size_t const len = strlen(key);
	struct config_alias const *const a = config_alias(c, key, len);

	if (a == NULL || a->name.line == 0) {
		fprintf(stderr, "kereru: there is no alias %s\n", key);
		return false;
	}
	for (size_t i = 0; i < c->aliases.count; i++) {
		struct config_alias const *const one = &c->aliases.list[i];

		for (size_t k = 0; one->name.line > 0 && k < one->count; k++) {
			struct config_target const *const t =
				&c->targets.list[one->first + k];

			if (!t->is_local || t->len != len ||
				memcmp(t->text, key, len) != 0)
				continue;
			fprintf(stderr, "kereru: %s is what %s stands for\n",
				key, one->name.s);
			return false;
		}
	}
	return true;
}

static int
list_aliases(char const *folder)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool const ok = config_read(&c, folder, &f);

	for (size_t i = 0; ok && i < c.aliases.count; i++) {
		struct config_alias const *const a = &c.aliases.list[i];

		if (a->name.line == 0)
			continue;
		fputs(a->name.s, stdout);
		for (size_t k = 0; k < a->count; k++)
			printf(" %.*s", (int)c.targets.list[a->first + k].len,
				c.targets.list[a->first + k].text);
		putchar('\n');
	}
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

/* An alias's key: of an address, or, as `*@domain`, of `@domain`. */
static bool
alias_key(char const *s, char *key, size_t size)
{
	char all[1 + ADDR_PATH_MAX + 2];

	if (*s != '@' || strlen(s) > ADDR_PATH_MAX)
		return edit_address(s, key, size);
	snprintf(all, sizeof all, "*%s", s);
	return edit_address(all, key, size);
}

int
command_alias(
	struct command_context const *x, int argc, char const *const *argv)
{
	char key[ADDR_KEY_MAX + 1];
	stralloc line = STRALLOC_ZERO;
	int code = COMMAND_TEMPORARY;
	bool ok;

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list_aliases(x->folder);
	if (argc == 3 && strcmp(argv[1], "remove") == 0)
		return alias_key(argv[2], key, sizeof key)
			       ? remove_line(x->folder, "aliases", key,
					 alias_may_go)
			       : COMMAND_PERMANENT;
	if (argc < 4 || strcmp(argv[1], "add") != 0) {
		fprintf(stderr,
			"usage: kereru [-c DIR] alias add ADDRESS|@DOMAIN "
			"TARGET...\n"
			"       kereru [-c DIR] alias remove ADDRESS|@DOMAIN\n"
			"       kereru [-c DIR] alias list\n");
		return COMMAND_PERMANENT;
	}
	if (!alias_key(argv[2], key, sizeof key))
		return COMMAND_PERMANENT;
	ok = stralloc_cats(&line, key);
	for (int i = 3; ok && i < argc; i++)
		ok = stralloc_append(&line, ' ') &&
		     stralloc_cats(&line, argv[i]);
	if (ok && stralloc_append(&line, '\0')) {
		char const *words[64] = {key};
		size_t count = 1;
		for (int i = 3; i < argc && count + 1 < 64; i++)
			words[count++] = argv[i];
		if (argc - 3 >= 63)
			fprintf(stderr, "kereru: more than 62 targets: write "
					"the line by hand\n");
		else
			code = add_line(x->folder, "aliases", line.s,
				alias_is_right, words);
		if (code == COMMAND_OK)
			code = compile_tables(x->folder);
	}
	stralloc_free(&line);
	return code;
}
