/* recipients.cdb: see table_recipients.h. */
#include <string.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/recipient.h"
#include "common/admin/table_recipients.h"

struct output {
	struct config *config;
	cdbmaker *cdb;
	stralloc value;	  /* reused */
	stralloc refused; /* uint32_t: uids of mailboxes that take no mail */
};

static bool
add(struct output *o, char const *key, size_t key_len, char const *s,
	size_t len)
{
	return len <= UINT32_MAX && key_len <= UINT32_MAX &&
	       cdbmake_add(o->cdb, key, (unsigned)key_len, s, (unsigned)len);
}

static bool
cat_number(stralloc *sa, uint32_t n)
{
	char digits[UINT32_FMT];

	return stralloc_catb(sa, digits, uint32_fmt(digits, n));
}

static bool
add_uid(void *data, uint32_t uid)
{
	stralloc *sa = data;

	return stralloc_append(sa, ' ') && cat_number(sa, uid);
}

static bool
add_target(void *data, char const *s, size_t len)
{
	stralloc *sa = data;

	return stralloc_catb(sa, s, len) && stralloc_append(sa, '\0');
}

/* Where else an alias leads, for EXPN, under a key that is no address. */
static bool
add_outside(struct output *o, struct config_alias *a)
{
	char key[1 + ADDR_KEY_MAX] = "";

	o->value.len = 0;
	if (a->name.len > ADDR_KEY_MAX ||
		!config_alias_outside(o->config, a, add_target, &o->value))
		return false;
	memcpy(key + 1, a->name.s, a->name.len);
	return o->value.len == 0 ||
	       add(o, key, 1 + a->name.len, o->value.s, o->value.len);
}

/* The further addresses of a list are its mailbox's; what stands behind the uid
 * says that none of them is the mailbox's name. */
static bool
add_list_recipients(struct output *o, struct config_user const *u)
{
	char key[ADDR_KEY_MAX];

	if (!stralloc_cats(&o->value, " list"))
		return false;
	for (size_t i = 1; i <= CONFIG_LIST_ADDRESSES; i++) {
		size_t const len =
			config_list_address(u->name.s, i, key, sizeof key);

		if (len > 0 && !add(o, key, len, o->value.s, o->value.len))
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

static bool
add_user_recipient(struct output *o, struct config_user const *u)
{
	struct config_password const *const p =
		find_password(o->config, u->name.s, u->name.len);

	o->value.len = 0;
	return stralloc_append(&o->value, 'm') && add_uid(&o->value, u->uid) &&
	       (p == NULL || !p->is_refused ||
		       (stralloc_cats(&o->value, RECIPIENT_REFUSED) &&
			       stralloc_catb(&o->refused, (char const *)&u->uid,
				       sizeof u->uid))) &&
	       add(o, u->name.s, u->name.len, o->value.s, o->value.len) &&
	       (!config_is_list(o->config, u->name.s) ||
		       add_list_recipients(o, u));
}

/* Who of those that an alias reaches takes mail. */
struct reached {
	struct output *o;
	size_t taking, refusing;
};

static bool
count_uid(void *data, uint32_t uid)
{
	struct reached *r = data;

	for (size_t i = 0; i < r->o->refused.len; i += sizeof uid)
		if (memcmp(r->o->refused.s + i, &uid, sizeof uid) == 0) {
			r->refusing++;
			return true;
		}
	r->taking++;
	return true;
}

static bool
count_outside(void *data, char const *s, size_t len)
{
	struct reached *r = data;

	(void)s;
	(void)len;
	r->taking++;
	return true;
}

static bool
add_alias_recipient(struct output *o, struct config_alias *a)
{
	struct reached r = {.o = o};

	if (o->refused.len > 0 &&
		(!config_alias_uids(o->config, a, count_uid, &r) ||
			!config_alias_outside(o->config, a, count_outside, &r)))
		return false;
	o->value.len = 0;
	return stralloc_append(&o->value, 'a') &&
	       config_alias_uids(o->config, a, add_uid, &o->value) &&
	       (r.refusing == 0 || r.taking > 0 ||
		       stralloc_cats(&o->value, RECIPIENT_REFUSED)) &&
	       add(o, a->name.s, a->name.len, o->value.s, o->value.len) &&
	       add_outside(o, a);
}

static bool
write_all(struct output *o)
{
	struct config *c = o->config;

	/* The manager asks for signatures where there are keys. */
	if (c->dkim.count > 0 && !add(o, "dkim", 4, "1", 1))
		return false;
	for (size_t i = 0; i < c->domains.count; i++) {
		struct config_domain const *d = &c->domains.list[i];
		o->value.len = 0;
		if (!stralloc_append(&o->value, '@') ||
			!stralloc_catb(&o->value, d->name.s, d->name.len) ||
			!add(o, o->value.s, o->value.len,
				d->is_backup ? "backup" : "local",
				d->is_backup ? 6 : 5))
			return false;
	}
	for (size_t i = 0; i < c->users.count; i++)
		if (!add_user_recipient(o, &c->users.list[i]))
			return false;
	for (size_t i = 0; i < c->aliases.count; i++)
		if (!add_alias_recipient(o, &c->aliases.list[i]))
			return false;
	return true;
}

bool
table_recipients_write(cdbmaker *cdb, struct config *c)
{
	struct output o = {.config = c,
		.cdb = cdb,
		.value = STRALLOC_ZERO,
		.refused = STRALLOC_ZERO};
	bool const ok = write_all(&o);

	stralloc_free(&o.value);
	stralloc_free(&o.refused);
	return ok;
}
