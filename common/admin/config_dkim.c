/* The keys that mail is signed with: dkim; tables(5). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/config.h"
#include "mime/dkim/dkim_private.h"

/* Keys of one domain: each signs each message. */
#define KEYS_MAX 4

/* *key_r is the file's octets, which are a secret. */
static bool
read_key(struct config *c, char const *path, struct config_dkim *d,
	struct faults *f)
{
	struct text const *t = &c->dkim_text;
	struct dkim_private key;
	bool is_absolute = *path == '/';
	bool ok = text_read(
		&d->file, is_absolute ? "/" : c->folder, path + is_absolute);

	if (!ok || !d->file.exists) {
		fault(f, t->path, t->line, "%s cannot be read", path);
	} else if (d->file.len > DKIM_PEM_MAX ||
		   !dkim_private_parse(d->file.s, d->file.len, &key)) {
		fault(f, t->path, t->line,
			"%s is no private key of RSA (1024 to 4096 bits) or "
			"Ed25519",
			path);
	} else {
		d->is_ed25519 = key.is_ed25519;
		d->bits = key.bits;
		dkim_private_wipe(&key);
	}
	return ok;
}

static bool
only_path(struct config const *c, char const *path, struct config_dkim *d)
{
	if (*path == '/')
		d->file.path = strdup(path);
	else if (asprintf(&d->file.path, "%s/%s", c->folder, path) < 0)
		d->file.path = NULL;
	return d->file.path != NULL;
}

static void
check(struct config const *c, struct config_dkim const *d, struct faults *f)
{
	struct text const *t = &c->dkim_text;
	struct config_domain const *domain =
		config_domain(c, d->domain, d->domain_len);
	size_t keys = 0;

	if (domain == NULL || domain->is_backup)
		fault(f, t->path, t->line, "%s is no local domain here",
			d->domain);
	if (!addr_is_domain(d->selector, strlen(d->selector), 0) ||
		*d->selector == '[')
		fault(f, t->path, t->line, "%s is no selector", d->selector);
	for (size_t i = 0; i < c->dkim.count; i++) {
		struct config_dkim const *other = &c->dkim.list[i];
		if (strcmp(other->domain, d->domain) != 0)
			continue;
		keys++;
		if (other != d && strcasecmp(other->selector, d->selector) == 0)
			fault(f, t->path, t->line,
				"the selector %s of %s stands here twice",
				d->selector, d->domain);
	}
	if (keys > KEYS_MAX)
		fault(f, t->path, t->line, "%s has more than %u keys",
			d->domain, KEYS_MAX);
}

bool
config_read_dkim(struct config *c, struct faults *f)
{
	struct text *t = &c->dkim_text;
	char *line, *domain, *selector, *path, *more;
	size_t len, domain_len, selector_len, path_len, more_len;

	while (config_line(t, f, &line, &len)) {
		struct config_dkim *d;

		if (!text_field(&line, &len, &domain, &domain_len) ||
			!text_field(&line, &len, &selector, &selector_len) ||
			!text_field(&line, &len, &path, &path_len) ||
			text_field(&line, &len, &more, &more_len)) {
			fault(f, t->path, t->line,
				"is not DOMAIN SELECTOR FILE");
			continue;
		}
		if (!config_domain_name(t, f, domain, &domain_len))
			continue;
		d = CONFIG_ADD(&c->dkim);
		if (d == NULL)
			return false;
		d->domain = domain;
		d->domain_len = domain_len;
		d->selector = selector;
		if (c->is_public) {
			if (!only_path(c, path, d))
				return false;
		} else if (!read_key(c, path, d, f))
			continue;
		check(c, d, f);
	}
	return true;
}

void
config_free_dkim(struct config *c)
{
	for (size_t i = 0; i < c->dkim.count; i++) {
		struct text *t = &c->dkim.list[i].file;
		if (t->s != NULL)
			sodium_memzero(t->s, t->len);
		text_free(t);
	}
	free(c->dkim.list);
}
