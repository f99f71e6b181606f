/* The compiled tables, written from a host's texts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/cdbmake.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/netlist.h"
#include "common/admin/setting.h"
#include "common/admin/table_dkim.h"
#include "common/admin/table_recipients.h"
#include "common/admin/layout.h"
#include "common/admin/table_write.h"

struct output {
	struct config *config;
	cdbmaker cdb;
	stralloc value; /* reused */
};

static bool
add(struct output *o, char const *key, size_t key_len, char const *s,
	size_t len)
{
	return len <= UINT32_MAX && key_len <= UINT32_MAX &&
	       cdbmake_add(&o->cdb, key, (unsigned)key_len, s, (unsigned)len);
}

static bool
add_number(struct output *o, char const *key, uint32_t n)
{
	char digits[UINT32_FMT + 1];
	size_t len = uint32_fmt(digits, n);

	digits[len] = '\0';
	return add(o, key, strlen(key), digits, len + 1);
}

static bool
cat_number(stralloc *sa, uint32_t n)
{
	char digits[UINT32_FMT];

	return stralloc_catb(sa, digits, uint32_fmt(digits, n));
}

/* account-smtpd: uid-smtpd and gid-smtpd; group-drop: gid-drop. */
static bool
add_account(struct output *o, struct setting const *s, char const *name)
{
	struct account a;
	char key[32];

	if (s->type == SETTING_GROUP)
		return account_find_group(name, &a.gid) > 0 &&
		       snprintf(key, sizeof key, "gid-%s",
			       strchr(s->key, '-') + 1) > 0 &&
		       add_number(o, key, a.gid);
	return account_find(name, &a) > 0 &&
	       snprintf(key, sizeof key, "uid-%s", strchr(s->key, '-') + 1) >
		       0 &&
	       add_number(o, key, a.uid) && memcpy(key, "gid", 3) != NULL &&
	       add_number(o, key, a.gid);
}

/* What settings of a domain say when nobody set them: our name, or our first
 * domain. */
static bool
implied(struct config const *c, char const *key, char text[ADDR_DOMAIN_MAX + 1],
	size_t *len_r)
{
	struct config_domain const *first = NULL;
	char const *name = values_text(&c->values, "hostname");
	size_t len = strlen(name);

	for (size_t i = 0; i < c->domains.count; i++) {
		struct config_domain const *d = &c->domains.list[i];
		if (!d->is_backup && d->name.line > 0 &&
			(first == NULL || d->name.line < first->name.line))
			first = d;
	}
	if (strcmp(key, "remote-hello") != 0 && strcmp(key, "web-host") != 0 &&
		first != NULL) {
		name = first->name.s;
		len = first->name.len;
	}
	if (len > ADDR_DOMAIN_MAX)
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	*len_r = len;
	return true;
}

static bool
add_implied(struct output *o, char const *key)
{
	char text[ADDR_DOMAIN_MAX + 1];
	size_t len;

	return implied(o->config, key, text, &len) &&
	       add(o, key, strlen(key), text, len + 1);
}

/* For root's code, which parses no text: `bind-X` beside `listen-X`, each
 * address as the kernel wants it, with its length in an octet before it. */
static bool
add_listeners(struct output *o, char const *key, char const *text)
{
	char bind_key[32];

	if (strncmp(key, "listen-", 7) != 0)
		return true;
	snprintf(bind_key, sizeof bind_key, "bind-%s", key + 7);
	o->value.len = 0;
	return setting_sockaddrs(text, &o->value) &&
	       add(o, bind_key, strlen(bind_key),
		       o->value.s == NULL ? "" : o->value.s, o->value.len);
}

/* What a delivery may execute, for root's code: 0 nothing, 1 programs of ours,
 * 2 others. */
static uint32_t
executes(struct values const *v)
{
	if (*values_text(v, "user-programs") != '\0')
		return 2;
	return *values_text(v, "delivery-encryption") == '1' ||
	       *values_text(v, "user-classifier") == '1';
}

static bool
write_settings(struct output *o)
{
	struct values const *v = &o->config->values;
	uint32_t min, max;

	for (size_t i = 0; i < setting_count; i++) {
		struct setting const *s = &setting_table[i];
		stralloc const *text = &v->normal[i];
		if (s->type == SETTING_ACCOUNT || s->type == SETTING_GROUP) {
			if (!add_account(o, s, text->s))
				return false;
		} else if (text->len == 1 && s->type == SETTING_DOMAIN) {
			if (!add_implied(o, s->key))
				return false;
		} else if (!add(o, s->key, strlen(s->key), text->s,
				   text->len) ||
			   !add_listeners(o, s->key, text->s)) {
			return false;
		}
	}
	/* They go where the settings go: to check, with each session. */
	if (!add(o, "rules", 5, o->config->rules.s, o->config->rules.len))
		return false;
	if (!add(o, "shared", 6, o->config->shared.s, o->config->shared.len))
		return false;
	if (!add(o, "outgoing", 8, o->config->outgoing.s,
		    o->config->outgoing.len))
		return false;
	/* Whether policy is asked after a login. */
	return add_number(o, "policy-login",
		       values_number(v, "policy") |
			       values_number(v, "outbound-guard")) &&
	       setting_uids(values_text(v, "mailbox-uids"), &min, &max) &&
	       add_number(o, "mailbox-uid-min", min) &&
	       add_number(o, "mailbox-uid-max", max) &&
	       add_number(o, "executes", executes(v));
}

static bool
add_list_users(struct output *o, struct config_user const *u)
{
	char key[ADDR_KEY_MAX];

	for (size_t i = 1; i <= CONFIG_LIST_ADDRESSES; i++) {
		size_t const len =
			config_list_address(u->name.s, i, key, sizeof key);

		if (len > 0 && !add(o, key, len, o->value.s, o->value.len))
			return false;
	}
	return true;
}

static bool
write_recipients(struct output *o)
{
	return table_recipients_write(&o->cdb, o->config);
}

static bool
write_aliases(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->aliases.count; i++) {
		struct config_alias const *a = &c->aliases.list[i];
		o->value.len = 0;
		for (size_t j = a->first; j < a->first + a->count; j++)
			if (!stralloc_catb(&o->value, c->targets.list[j].text,
				    c->targets.list[j].len + 1))
				return false;
		if (!add(o, a->name.s, a->name.len, o->value.s, o->value.len))
			return false;
	}
	return true;
}

static bool
write_routes(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->routes.count; i++) {
		struct config_route const *r = &c->routes.list[i];
		o->value.len = 0;
		if (!stralloc_cats(&o->value, r->host))
			return false;
		if (r->is_hold) {
			if (!add(o, r->name.s, r->name.len, o->value.s,
				    o->value.len))
				return false;
			continue;
		}
		if (!stralloc_append(&o->value, ':') ||
			!cat_number(&o->value,
				r->port > 0 ? r->port
					    : values_number(&c->values,
						      "remote-port")) ||
			!add(o, r->name.s, r->name.len, o->value.s,
				o->value.len))
			return false;
	}
	return true;
}

static bool
write_policies(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->policies.count; i++) {
		struct config_value const *v = &c->policies.list[i];
		if (!add(o, v->name.s, v->name.len, v->value.s, v->value.len))
			return false;
	}
	return true;
}

static bool
write_logins(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->logins.count; i++) {
		struct config_value const *v = &c->logins.list[i];
		if (!add(o, v->name.s, v->name.len, v->value.s, v->value.len))
			return false;
	}
	return true;
}

/* A second place in the table for those that others may ask for; a blank is in
 * no address. */
static bool
add_shared(struct output *o, struct config_user const *u)
{
	char key[sizeof "shared " + ADDR_KEY_MAX];

	(void)snprintf(key, sizeof key, "shared %s", u->name.s);
	return add(o, key, strlen(key), o->value.s, o->value.len);
}

static bool
write_users(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->users.count; i++) {
		struct config_user const *u = &c->users.list[i];
		o->value.len = 0;
		if (!cat_number(&o->value, u->uid) ||
			!stralloc_append(&o->value, '\0') ||
			!config_maildir(c, u, &o->value) ||
			!stralloc_append(&o->value, '\0') ||
			!add(o, u->name.s, u->name.len, o->value.s,
				o->value.len) ||
			(config_is_shared(c, u->name.s) && !add_shared(o, u)) ||
			(config_is_list(c, u->name.s) && !add_list_users(o, u)))
			return false;
	}
	return true;
}

static struct config_password const *
find_password(struct config const *c, char const *address, size_t len)
{
	return name_find(c->passwords.list, c->passwords.count,
		sizeof *c->passwords.list, address, len);
}

/* Behind those of users: `app SELECTOR ADDRESS`; name, services and hash. */
static bool
write_apps(struct output *o)
{
	struct config const *c = o->config;
	stralloc key = STRALLOC_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < c->apps.count; i++) {
		struct config_app const *a = &c->apps.list[i];
		struct config_password const *const p =
			find_password(c, a->address, strlen(a->address));

		if (p != NULL && p->is_disabled)
			continue;
		key.len = o->value.len = 0;
		ok = stralloc_cats(&key, "app ") &&
		     stralloc_cats(&key, a->selector) &&
		     stralloc_append(&key, ' ') &&
		     stralloc_cats(&key, a->address) &&
		     stralloc_catb(&o->value, a->label, strlen(a->label) + 1) &&
		     stralloc_catb(
			     &o->value, a->services, strlen(a->services) + 1) &&
		     stralloc_catb(&o->value, a->hash, strlen(a->hash) + 1) &&
		     add(o, key.s, key.len, o->value.s, o->value.len);
	}
	stralloc_free(&key);
	return ok;
}

static bool
write_passwords(struct output *o)
{
	struct config const *c = o->config;

	for (size_t i = 0; i < c->passwords.count; i++) {
		struct config_password const *p = &c->passwords.list[i];
		o->value.len = 0;
		if (p->is_disabled)
			continue;
		if (!stralloc_cats(&o->value, p->hash) ||
			(p->keys != NULL &&
				(!stralloc_append(&o->value, '\0') ||
					!stralloc_cats(&o->value, p->keys))) ||
			!add(o, p->name.s, p->name.len, o->value.s,
				o->value.len))
			return false;
	}
	return write_apps(o);
}

/* The lowest and the highest address of each, IPv4 as IPv6 has it: of those
 * that may relay, and, for root's code again, of the balancers. */
static bool
write_networks(struct output *o)
{
	static unsigned char const v4_mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct config const *c = o->config;
	char const *proxies = values_text(&c->values, "proxy-from");

	o->value.len = 0;
	for (size_t i = 0; i < c->networks.count; i++) {
		struct config_network const *n = &c->networks.list[i];
		size_t skip = n->is_v6 ? 0 : 12;
		unsigned char range[32];
		memcpy(range, v4_mapped, 12);
		memcpy(range + skip, n->address, 16 - skip);
		memcpy(range + 16, range, 16);
		for (size_t bit = n->bits + skip * 8; bit < 128; bit++)
			range[16 + bit / 8] |= (unsigned char)(0x80 >> bit % 8);
		if (!stralloc_catb(&o->value, (char const *)range, 32))
			return false;
	}
	if (!add(o, "", 0, o->value.s == NULL ? "" : o->value.s, o->value.len))
		return false;
	o->value.len = 0;
	for (; *proxies != '\0'; proxies += strspn(proxies, " ")) {
		unsigned char range[32];
		size_t len = strcspn(proxies, " ");
		if (!netlist_range(proxies, len, range) ||
			!stralloc_catb(&o->value, (char const *)range, 32))
			return false;
		proxies += len;
	}
	return add(o, "proxy", 5, o->value.s == NULL ? "" : o->value.s,
		o->value.len);
}

static struct {
	char const *name;
	bool (*write)(struct output *o);
} const tables[] = {
	{"tables/settings.cdb", write_settings},
	{"tables/recipients.cdb", write_recipients},
	{"tables/aliases.cdb", write_aliases},
	{"tables/routes.cdb", write_routes},
	{"tables/tls-policy.cdb", write_policies},
	{"tables/relay-logins.cdb", write_logins},
	{"tables/users.cdb", write_users},
	{"tables/passwords.cdb", write_passwords},
	{"tables/networks.cdb", write_networks},
};

/* A file of p's folder, which is the one of its path. */
static int
open_file(struct publish *p, char const *path)
{
	char const *slash = strrchr(path, '/');

	return publish_open(p, slash != NULL ? slash + 1 : path);
}

static bool
write_table(struct publish *p, struct output *o, size_t i)
{
	int fd = open_file(p, tables[i].name);

	o->cdb = (cdbmaker)CDBMAKER_ZERO;
	if (fd < 0)
		return false;
	if (!cdbmake_start(&o->cdb, fd) || !tables[i].write(o) ||
		!cdbmake_finish(&o->cdb)) {
		close(fd);
		return false;
	}
	return layout_publish(&o->config->values, tables[i].name, fd);
}

static bool
write_blob(struct config const *c, struct publish *p, char const *path,
	stralloc const *sa)
{
	int fd = open_file(p, path);

	if (fd < 0)
		return false;
	if (allwrite(fd, sa->s, sa->len) < sa->len) {
		close(fd);
		return false;
	}
	return layout_publish(&c->values, path, fd);
}

/* The history of uids, with those that are new. It comes before the tables: a
 * uid must never be in use and not in the history. */
static bool
write_history(struct config const *c, struct publish *state)
{
	stralloc sa = STRALLOC_ZERO;
	size_t last = SIZE_MAX, added = 0;
	bool ok = stralloc_cats(&sa, "# Uids and the mailboxes that have or "
				     "had them; kept by kereru.\n");

	for (size_t i = 0; ok && i < c->uids.count; i++) {
		struct config_uid const *u = &c->uids.list[i];
		if (last != SIZE_MAX && c->uids.list[last].uid == u->uid)
			continue;
		last = i;
		added += u->line > 0;
		ok = cat_number(&sa, u->uid) && stralloc_append(&sa, ' ') &&
		     stralloc_cats(&sa, u->address) &&
		     stralloc_append(&sa, '\n');
	}
	if (ok && added > 0)
		ok = write_blob(c, state, "uids", &sa) && publish_commit(state);
	stralloc_free(&sa);
	return ok;
}

/* The domain that mail is forwarded under. */
static bool
write_dkim(struct config *c, struct publish *p)
{
	char const *domain = values_text(&c->values, "forward-domain");
	char text[ADDR_DOMAIN_MAX + 1];
	size_t len;

	if (*domain != '\0')
		return table_dkim_write(c, p, domain);
	return implied(c, "forward-domain", text, &len) &&
	       table_dkim_write(c, p, text);
}

bool
table_write_all(struct config *c, struct publish *p, struct publish *state,
	stralloc const *certs, stralloc const *keys)
{
	struct output *o = calloc(1, sizeof *o);
	bool ok = o != NULL;

	if (ok)
		o->config = c;
	for (size_t i = 0; ok && i < sizeof tables / sizeof *tables; i++)
		ok = write_table(p, o, i);
	ok = ok && write_dkim(c, p) &&
	     write_blob(c, p, "tables/certs", certs) &&
	     write_blob(c, p, "tables/keys", keys) && write_history(c, state) &&
	     publish_commit(p);
	if (o != NULL)
		stralloc_free(&o->value);
	free(o);
	return ok;
}
