/* The aliases of a host, and the postmaster that every domain has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/config.h"

/* An alias over an alias over an alias: deeper is nobody's wish. */
#define DEPTH_MAX 20

struct config_alias *
config_alias(struct config const *c, char const *s, size_t len)
{
	return name_find(c->aliases.list, c->aliases.count,
		sizeof *c->aliases.list, s, len);
}

static bool
is_local(struct config const *c, char const *s, size_t len)
{
	struct config_domain const *d = config_domain(c, s, len);

	return d != NULL && !d->is_backup;
}

/* A target in a local domain becomes its key; another stays as it is. */
static bool
read_target(struct config *c, struct faults *f, char *s, size_t len)
{
	struct text const *t = &c->aliases_text;
	struct config_target *target;
	struct addr a;
	enum addr_error error;
	char domain[ADDR_DOMAIN_MAX + 1];
	size_t at;
	bool local = false;

	if (!addr_parse(s, len, ADDR_ALLOW_UTF8, &a, &error)) {
		fault(f, t->path, t->line, "%s is no address: %s", s,
			addr_strerror(error));
		return true;
	}
	if (!a.is_literal && a.domain_len < sizeof domain) {
		size_t domain_len = a.domain_len;
		memcpy(domain, a.domain, domain_len);
		domain[domain_len] = '\0';
		if (config_domain_name(t, f, domain, &domain_len))
			local = is_local(c, domain, domain_len);
	}
	if (local && !config_address(t, f, s, &len, &at))
		return true;
	if ((target = CONFIG_ADD(&c->targets)) == NULL)
		return false;
	*target = (struct config_target){s, len, local};
	return true;
}

static bool
read_lines(struct config *c, struct faults *f)
{
	struct text *t = &c->aliases_text;
	char *line, *name, *field;
	size_t len, name_len, field_len, at;

	while (config_line(t, f, &line, &len)) {
		struct config_alias *a;
		size_t first = c->targets.count;
		if (!text_field(&line, &len, &name, &name_len))
			continue;
		if (*name == '@') {
			fault(f, t->path, t->line,
				"all else in a domain is written *%s", name);
			continue;
		}
		if (!config_address(t, f, name, &name_len, &at))
			continue;
		if (!is_local(c, name + at, name_len - at))
			fault(f, t->path, t->line,
				"%s is no local domain (see %s)", name + at,
				c->domains_text.path);
		if (config_user(c, name, name_len) != NULL)
			fault(f, t->path, t->line,
				"%s is a mailbox (see %s); it cannot be an "
				"alias too",
				name, c->users_text.path);
		while (text_field(&line, &len, &field, &field_len))
			if (!read_target(c, f, field, field_len))
				return false;
		if (c->targets.count == first) {
			fault(f, t->path, t->line,
				"a line is `ADDRESS TARGET ...`");
			continue;
		}
		if ((a = CONFIG_ADD(&c->aliases)) == NULL)
			return false;
		a->name = (struct name){name, name_len, t->line};
		a->first = first;
		a->count = c->targets.count - first;
	}
	return true;
}

/* Who reads what comes for the postmasters that nobody wrote. */
static bool
postmaster_target(struct config const *c, struct config_target *target_r)
{
	static char const local[] = "postmaster@";
	char const *hostname = values_text(&c->values, "hostname");
	char name[sizeof local + ADDR_DOMAIN_MAX];
	size_t len =
		(size_t)snprintf(name, sizeof name, "%s%s", local, hostname);
	struct config_alias const *a;
	struct config_user const *u;

	if (len >= sizeof name)
		return false;
	if ((a = config_alias(c, name, len)) != NULL)
		*target_r =
			(struct config_target){a->name.s, a->name.len, true};
	else if ((u = config_user(c, name, len)) != NULL ||
		 (u = c->first_user) != NULL)
		*target_r =
			(struct config_target){u->name.s, u->name.len, true};
	else
		return false;
	return true;
}

/* An alias to target, unless somebody wrote the address: written is how many
 * aliases stand sorted; the made ones stand behind and are not to be found. */
static bool
make_alias(struct config *c, struct faults *f, char const *local,
	struct config_domain const *d, size_t written,
	struct config_target const *target)
{
	struct config_target *t;
	struct config_alias *a;
	char **made = CONFIG_ADD(&c->made);
	size_t all = c->aliases.count;
	bool is_there;
	int len;

	if (made == NULL)
		return false;
	len = asprintf(made, "%s@%s", local, d->name.s);
	if (len < 0) {
		*made = NULL;
		return false;
	}
	c->aliases.count = written;
	is_there = config_alias(c, *made, (size_t)len) != NULL ||
		   config_user(c, *made, (size_t)len) != NULL;
	c->aliases.count = all;
	if (is_there)
		return true;
	if (target == NULL) {
		bool listed = d->name.line > 0;
		fault_warning(f,
			listed ? c->domains_text.path : c->values.text.path,
			listed ? d->name.line
			       : values_line(&c->values, "hostname"),
			"nobody reads mail for %s", *made);
		return true;
	}
	if ((t = CONFIG_ADD(&c->targets)) == NULL ||
		(a = CONFIG_ADD(&c->aliases)) == NULL)
		return false;
	*t = *target;
	a->name = (struct name){*made, (size_t)len, 0};
	a->first = c->targets.count - 1;
	a->count = 1;
	return true;
}

/* RFC 5321 4.5.1: each domain has a postmaster. Ours has besides whom programs
 * of this host write to, and whom bounces come from. */
static bool
add_postmasters(struct config *c, struct faults *f)
{
	char const *hostname = values_text(&c->values, "hostname");
	struct config_target target;
	struct config_target const *to =
		postmaster_target(c, &target) ? &target : NULL;
	size_t written = c->aliases.count;

	for (size_t i = 0; i < c->domains.count; i++) {
		struct config_domain const *d = &c->domains.list[i];
		if (d->is_backup)
			continue;
		if (!make_alias(c, f, "postmaster", d, written, to))
			return false;
		if (to != NULL && strcmp(d->name.s, hostname) == 0 &&
			(!make_alias(c, f, "root", d, written, to) ||
				!make_alias(
					c, f, "mailer-daemon", d, written, to)))
			return false;
	}
	return true;
}

struct walk {
	unsigned mark;
	bool (*each)(void *data, uint32_t uid);
	bool (*outside)(void *data, char const *s, size_t len);
	void *data;
};

static bool
visit(struct config *c, struct config_alias *alias, struct walk const *w,
	unsigned depth)
{
	bool ok = true;

	if (alias->on_path || depth > DEPTH_MAX)
		return false;
	if (alias->mark == w->mark)
		return true;
	alias->mark = w->mark;
	alias->on_path = true;
	for (size_t i = 0; ok && i < alias->count; i++) {
		struct config_target const *t =
			&c->targets.list[alias->first + i];
		struct config_user const *u;
		struct config_alias *next;
		if (!t->is_local) {
			ok = w->outside == NULL ||
			     w->outside(w->data, t->text, t->len);
			continue;
		}
		if ((u = config_user(c, t->text, t->len)) != NULL)
			ok = w->each == NULL || w->each(w->data, u->uid);
		else if ((next = config_alias(c, t->text, t->len)) != NULL)
			ok = visit(c, next, w, depth + 1);
	}
	alias->on_path = false;
	return ok;
}

static unsigned
next_mark(void)
{
	static unsigned marks;

	return ++marks;
}

bool
config_alias_uids(struct config *c, struct config_alias *alias,
	bool (*each)(void *data, uint32_t uid), void *data)
{
	struct walk w = {.mark = next_mark(), .each = each, .data = data};

	return visit(c, alias, &w, 0);
}

bool
config_alias_outside(struct config *c, struct config_alias *alias,
	bool (*each)(void *data, char const *s, size_t len), void *data)
{
	struct walk w = {.mark = next_mark(), .outside = each, .data = data};

	return visit(c, alias, &w, 0);
}

static bool
nothing(void *data, uint32_t uid)
{
	(void)data;
	(void)uid;
	return true;
}

static void
check(struct config *c, struct faults *f)
{
	char const *path = c->aliases_text.path;

	name_check_twice(c->aliases.list, c->aliases.count,
		sizeof *c->aliases.list, path, f);
	for (size_t i = 0; i < c->aliases.count; i++) {
		struct config_alias *a = &c->aliases.list[i];
		for (size_t j = a->first; j < a->first + a->count; j++) {
			struct config_target const *t = &c->targets.list[j];
			if (t->is_local &&
				config_user(c, t->text, t->len) == NULL &&
				config_alias(c, t->text, t->len) == NULL)
				fault(f, path, a->name.line,
					"%s is neither a user nor an alias",
					t->text);
		}
		if (!config_alias_uids(c, a, nothing, NULL))
			fault(f, path, a->name.line,
				"%s leads back to itself, or over more than "
				"%d aliases",
				a->name.s, DEPTH_MAX);
	}
}

bool
config_read_aliases(struct config *c, struct faults *f)
{
	if (!read_lines(c, f))
		return false;
	name_sort(c->aliases.list, c->aliases.count, sizeof *c->aliases.list);
	if (!add_postmasters(c, f))
		return false;
	name_sort(c->aliases.list, c->aliases.count, sizeof *c->aliases.list);
	check(c, f);
	return true;
}
