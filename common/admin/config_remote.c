/* How mail is sent on: TLS, names and passwords, our own addresses. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/addr.h"
#include "common/admin/config.h"
#include "remote/login.h"
#include "remote/outgoing.h"
#include "remote/tlspolicy.h"

/* A domain, a host that a route leads to, `.domain`, `[address]`, or `*`. */
static bool
policy_name(struct text const *t, struct faults *f, char *s, size_t *len)
{
	size_t n = *len - 1;

	if (strcmp(s, "*") == 0 || *s == '[')
		return true;
	if (*s != '.')
		return config_domain_name(t, f, s, len);
	if (!config_domain_name(t, f, s + 1, &n))
		return false;
	*len = n + 1;
	return true;
}

/* What daemons get: the words of the line behind the name, a NUL between. */
static bool
policy_value(char *line, size_t len, stralloc *sa)
{
	char *word;
	size_t n;

	while (text_field(&line, &len, &word, &n)) {
		for (size_t i = 0; i < n; i++)
			if (word[i] >= 'A' && word[i] <= 'Z')
				word[i] = (char)(word[i] - 'A' + 'a');
		if ((sa->len > 0 && !stralloc_append(sa, '\0')) ||
			!stralloc_catb(sa, word, n))
			return false;
	}
	return true;
}

static bool
read_policies(struct config *c, struct faults *f)
{
	struct text *t = &c->policies_text;
	stralloc sa = STRALLOC_ZERO;
	char *line, *name;
	size_t len, name_len;
	bool ok = true;

	while (ok && config_line(t, f, &line, &len)) {
		struct config_value *v;
		struct tlspolicy policy;
		if (!text_field(&line, &len, &name, &name_len) ||
			!policy_name(t, f, name, &name_len))
			continue;
		sa.len = 0;
		ok = policy_value(line, len, &sa);
		if (!ok || !tlspolicy_parse(sa.s, sa.len, &policy)) {
			fault(f, t->path, t->line,
				"a line is `DOMAIN none`, `may`, `must`, "
				"`verify [NAME ..]` or `pin SHA256 ..`");
			continue;
		}
		v = CONFIG_ADD(&c->policies);
		ok = v != NULL && stralloc_copyb(&v->value, sa.s, sa.len);
		if (ok)
			v->name = (struct name){name, name_len, t->line};
	}
	stralloc_free(&sa);
	name_sort(
		c->policies.list, c->policies.count, sizeof *c->policies.list);
	name_check_twice(c->policies.list, c->policies.count,
		sizeof *c->policies.list, t->path, f);
	return ok;
}

/* The passwords are not shown. */
static bool
read_logins(struct config *c, struct faults *f)
{
	struct text *t = &c->logins_text;
	char *line, *host, *user, *password, *more;
	size_t len, host_len, user_len, password_len, more_len;

	while (config_line(t, f, &line, &len)) {
		struct config_value *v;
		struct config_route const *r = NULL;
		char key[512];
		int n;
		if (!text_field(&line, &len, &host, &host_len) ||
			!text_field(&line, &len, &user, &user_len) ||
			!text_field(&line, &len, &password, &password_len) ||
			text_field(&line, &len, &more, &more_len) ||
			user_len > LOGIN_OUT_MAX ||
			password_len > LOGIN_OUT_MAX) {
			fault(f, t->path, t->line,
				"a line is `HOST[:PORT] USER PASSWORD`");
			continue;
		}
		/* As in `routes`, so that the key is what the manager calls
		 * it. */
		for (size_t i = 0; i < c->routes.count && r == NULL; i++) {
			struct config_route const *other = &c->routes.list[i];
			unsigned port =
				other->port > 0
					? other->port
					: (unsigned)values_number(
						  &c->values, "remote-port");
			n = snprintf(
				key, sizeof key, "%s:%u", other->host, port);
			if (n > 0 &&
				(strcasecmp(key, host) == 0 ||
					strcasecmp(other->host, host) == 0))
				r = other;
		}
		if (r == NULL) {
			fault(f, t->path, t->line,
				"%s: no route leads there (see %s)", host,
				c->routes_text.path);
			continue;
		}
		v = CONFIG_ADD(&c->logins);
		if (v == NULL ||
			!stralloc_copyb(&v->key, key, strlen(key) + 1) ||
			!stralloc_copyb(&v->value, user, user_len + 1) ||
			!stralloc_catb(&v->value, password, password_len))
			return false;
		v->name = (struct name){v->key.s, strlen(key), t->line};
	}
	name_sort(c->logins.list, c->logins.count, sizeof *c->logins.list);
	name_check_twice(c->logins.list, c->logins.count,
		sizeof *c->logins.list, t->path, f);
	return true;
}

static bool
is_address(char const *s)
{
	unsigned char raw[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, raw) == 1 ||
	       inet_pton(AF_INET6, s, raw) == 1;
}

static bool
read_outgoing(struct config *c, struct faults *f)
{
	struct text *t = &c->outgoing_text;
	char *line, *address, *word;
	size_t len, address_len, n, count = 0;

	while (config_line(t, f, &line, &len)) {
		if (!text_field(&line, &len, &address, &address_len))
			continue;
		if (!is_address(address) ||
			!text_field(&line, &len, &word, &n) ||
			!config_domain_name(t, f, word, &n)) {
			fault(f, t->path, t->line,
				"a line is `ADDRESS NAME [DOMAIN ..]`");
			continue;
		}
		if (!stralloc_cats(&c->outgoing, address))
			return false;
		do {
			if (!stralloc_append(&c->outgoing, ' ') ||
				!stralloc_catb(&c->outgoing, word, n))
				return false;
		} while (text_field(&line, &len, &word, &n) &&
			 config_domain_name(t, f, word, &n));
		if (!stralloc_append(&c->outgoing, '\n'))
			return false;
		if (++count == OUTGOING_MAX + 1)
			fault(f, t->path, t->line, "more than %u addresses",
				OUTGOING_MAX);
	}
	return true;
}

bool
config_read_remote(struct config *c, struct faults *f)
{
	return read_policies(c, f) && read_logins(c, f) && read_outgoing(c, f);
}

void
config_free_remote(struct config *c)
{
	for (size_t i = 0; i < c->policies.count; i++)
		stralloc_free(&c->policies.list[i].value);
	for (size_t i = 0; i < c->logins.count; i++) {
		stralloc_free(&c->logins.list[i].key);
		stralloc_free(&c->logins.list[i].value);
	}
	stralloc_free(&c->outgoing);
	free(c->policies.list);
	free(c->logins.list);
}
