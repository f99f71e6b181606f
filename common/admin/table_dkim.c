/* The tables of the signer and of forwarding: see table_dkim.h. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/cdbmake.h>
#include "common/srs.h"
#include "common/admin/layout.h"
#include "common/admin/table_dkim.h"

struct output {
	struct config *config;
	cdbmaker cdb;
	stralloc value;
	/* of the alias in hand */
	char const *domain;
	size_t domain_len;
};

static bool
add(struct output *o, char const *key, size_t key_len, char const *s,
	size_t len)
{
	return len <= UINT32_MAX && key_len <= UINT32_MAX &&
	       cdbmake_add(&o->cdb, key, (unsigned)key_len, s, (unsigned)len);
}

static bool
has_keys(struct config const *c, char const *domain, size_t len)
{
	for (size_t i = 0; i < c->dkim.count; i++)
		if (c->dkim.list[i].domain_len == len &&
			memcmp(c->dkim.list[i].domain, domain, len) == 0)
			return true;
	return false;
}

/* `@domain`: selector and key, each NUL-ended, one after another. */
static bool
add_keys(struct output *o, size_t first)
{
	struct config const *c = o->config;
	struct config_dkim const *d = &c->dkim.list[first];

	/* All of a domain stand in one place. */
	for (size_t i = 0; i < first; i++)
		if (strcmp(c->dkim.list[i].domain, d->domain) == 0)
			return true;
	o->value.len = 0;
	for (size_t i = first; i < c->dkim.count; i++) {
		struct config_dkim const *one = &c->dkim.list[i];
		if (strcmp(one->domain, d->domain) != 0)
			continue;
		if (!stralloc_cats(&o->value, one->selector) ||
			!stralloc_append(&o->value, '\0') ||
			!stralloc_catb(&o->value, one->file.s,
				strnlen(one->file.s, one->file.len)) ||
			!stralloc_append(&o->value, '\0'))
			return false;
	}
	char key[ADDR_DOMAIN_MAX + 2];
	int n = snprintf(key, sizeof key, "@%s", d->domain);
	return n > 0 && (size_t)n < sizeof key &&
	       add(o, key, (size_t)n, o->value.s, o->value.len);
}

/* `UID@domain`: it has an address there. */
static bool
add_owner(void *data, uint32_t uid)
{
	struct output *o = data;
	char key[ADDR_DOMAIN_MAX + 16];
	int n = snprintf(key, sizeof key, "%u@%.*s", (unsigned)uid,
		(int)o->domain_len, o->domain);

	return n > 0 && (size_t)n < sizeof key && add(o, key, (size_t)n, "", 0);
}

static bool
set_domain(struct output *o, struct name const *name)
{
	char const *at = memrchr(name->s, '@', name->len);

	if (at == NULL)
		return false;
	o->domain = at + 1;
	o->domain_len = name->len - (size_t)(at + 1 - name->s);
	return has_keys(o->config, o->domain, o->domain_len);
}

static bool
add_owners(struct output *o)
{
	struct config *c = o->config;

	for (size_t i = 0; i < c->users.count; i++)
		if (set_domain(o, &c->users.list[i].name) &&
			!add_owner(o, c->users.list[i].uid))
			return false;
	for (size_t i = 0; i < c->aliases.count; i++)
		if (set_domain(o, &c->aliases.list[i].name) &&
			!config_alias_uids(
				c, &c->aliases.list[i], add_owner, o))
			return false;
	return true;
}

static bool
add_text(struct output *o, char const *key, char const *text)
{
	return add(o, key, strlen(key), text, strlen(text) + 1);
}

static bool
write_all(struct output *o, char const *forward_domain)
{
	struct config *c = o->config;

	for (size_t i = 0; i < c->dkim.count; i++)
		if (!add_keys(o, i))
			return false;
	return add_owners(o) &&
	       add_text(o, "hostname", values_text(&c->values, "hostname")) &&
	       add_text(o, "forward-domain", forward_domain) &&
	       add_text(o, "check", values_text(&c->values, "check")) &&
	       add_text(o, "dkim-lifetime",
		       values_text(&c->values, "dkim-lifetime"));
}

static bool
write_table(struct output *o, struct publish *p, char const *forward_domain)
{
	int fd = publish_open(p, "dkim.cdb");

	if (fd < 0)
		return false;
	if (!cdbmake_start(&o->cdb, fd) || !write_all(o, forward_domain) ||
		!cdbmake_finish(&o->cdb)) {
		close(fd);
		return false;
	}
	return layout_publish(&o->config->values, "tables/dkim.cdb", fd);
}

/* Another key would make what is on its way useless: there is one for ever. */
static bool
write_srs_key(struct publish *p, struct values const *v)
{
	unsigned char key[SRS_KEY_LEN];
	int fd;

	if (faccessat(p->folder_fd, "srs.key", F_OK, 0) == 0)
		return true;
	fd = publish_open(p, "srs.key");
	if (fd < 0)
		return false;
	randombytes_buf(key, sizeof key);
	if (allwrite(fd, (char const *)key, sizeof key) < sizeof key) {
		close(fd);
		return false;
	}
	sodium_memzero(key, sizeof key);
	return layout_publish(v, "tables/srs.key", fd);
}

bool
table_dkim_write(
	struct config *c, struct publish *p, char const *forward_domain)
{
	struct output o = {
		.config = c, .cdb = CDBMAKER_ZERO, .value = STRALLOC_ZERO};
	bool ok = write_table(&o, p, forward_domain) &&
		  write_srs_key(p, &c->values);

	if (o.value.s != NULL)
		sodium_memzero(o.value.s, o.value.len);
	stralloc_free(&o.value);
	return ok;
}
