/* Where a recipient's mail goes. */
#include <string.h>
#include <strings.h>
#include "common/recipient.h"
#include "queue/route.h"

size_t
route_key(struct route_tables const *t, char const *address, size_t len,
	char key_r[ROUTE_NAME_MAX + 1])
{
	static char const postmaster[] = "postmaster";
	char full[sizeof postmaster + ADDR_DOMAIN_MAX];
	enum addr_error error;
	struct addr a;
	size_t n;

	if (len == sizeof postmaster - 1 &&
		strncasecmp(address, postmaster, len) == 0) {
		size_t host_len = strlen(t->hostname);
		if (host_len > ADDR_DOMAIN_MAX)
			return 0;
		memcpy(full, postmaster, len);
		full[len++] = '@';
		memcpy(full + len, t->hostname, host_len);
		len += host_len;
		address = full;
	}
	/* What smtpd and sendmail take must find its way from here. */
	if (!addr_parse(address, len, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &a,
		    &error))
		return 0;
	n = addr_key(&a, key_r, ROUTE_NAME_MAX);
	key_r[n] = '\0';
	return n;
}

/* The part of a key behind its last `@`; a quoted local part may hold more. */
static char const *
key_domain(char const *key, size_t key_len, size_t *len_r)
{
	char const *at = memrchr(key, '@', key_len);

	*len_r = at != NULL ? (size_t)(key + key_len - at - 1) : 0;
	return at != NULL ? at + 1 : key;
}

enum route_domain
route_domain(struct route_tables const *t, char const *key, size_t key_len)
{
	size_t domain_len, value_len;
	char const *domain = key_domain(key, key_len, &domain_len);
	char const *value;
	int found;

	if (domain_len == 0)
		return ROUTE_DOMAIN_FOREIGN;
	found = table_find(
		&t->recipients, domain - 1, domain_len + 1, &value, &value_len);
	if (found < 0)
		return ROUTE_DOMAIN_LATER;
	if (found == 0)
		return ROUTE_DOMAIN_FOREIGN;
	if (value_len >= 5 && memcmp(value, "local", 5) == 0)
		return ROUTE_DOMAIN_LOCAL;
	return ROUTE_DOMAIN_BACKUP;
}

static void
set_name(struct route *r, enum route_kind kind, char const *s, size_t len)
{
	if (len == 0 || len > ROUTE_NAME_MAX) {
		r->kind = ROUTE_INVALID;
		return;
	}
	r->kind = kind;
	memmove(r->name, s, len);
	r->name[len] = '\0';
	r->name_len = len;
}

/* The route of all that a sender's domain sends: the key is `@domain`. */
static int
find_by_sender(struct route_tables const *t, char const *sender, size_t len,
	char const **value_r, size_t *value_len_r)
{
	char key[ROUTE_NAME_MAX + 1];
	size_t key_len = sender != NULL ? route_key(t, sender, len, key) : 0;
	size_t domain_len;
	char const *domain = key_domain(key, key_len, &domain_len);

	if (domain_len == 0)
		return 0;
	return table_find(
		&t->routes, domain - 1, domain_len + 1, value_r, value_len_r);
}

static void
find_remote(struct route_tables const *t, char const *sender, size_t sender_len,
	struct route *r)
{
	size_t domain_len, value_len;
	char const *domain = key_domain(r->name, r->name_len, &domain_len);
	char const *value;
	int found =
		table_find(&t->routes, domain, domain_len, &value, &value_len);

	if (found == 0)
		found = find_by_sender(
			t, sender, sender_len, &value, &value_len);
	if (found == 0)
		found = table_find(&t->routes, "*", 1, &value, &value_len);
	if (found < 0) {
		r->kind = ROUTE_LATER;
		return;
	}
	if (found == 0) {
		set_name(r, ROUTE_REMOTE, domain, domain_len);
		return;
	}
	while (value_len > 0 && value[value_len - 1] == '\0')
		value_len--;
	if (value_len == 4 && memcmp(value, "hold", 4) == 0)
		r->kind = ROUTE_HOLD;
	else
		set_name(r, ROUTE_REMOTE, value, value_len);
}

enum recipient { IS_NOBODY, IS_MAILBOX, IS_ALIAS, IS_REFUSED, IS_DAMAGED };

/* The entry of a key, which becomes that of the entry. As table_find. */
static int
find_entry(struct route_tables const *t, char key[ROUTE_NAME_MAX + 1],
	size_t *len, char const **value_r, size_t *value_len_r)
{
	int found =
		recipient_find(&t->recipients, key, len, value_r, value_len_r);

	key[*len] = '\0';
	return found;
}

static enum recipient
find_recipient(struct route_tables const *t, char *key, size_t *len)
{
	char const *value;
	size_t value_len;
	int found = find_entry(t, key, len, &value, &value_len);

	if (found < 0)
		return IS_DAMAGED;
	if (found == 0)
		return IS_NOBODY;
	if (recipient_is_refused(value, value_len))
		return IS_REFUSED;
	if (value_len > 0 && (*value == 'm' || *value == 'a'))
		return *value == 'm' ? IS_MAILBOX : IS_ALIAS;
	return IS_DAMAGED;
}

/* Whether an alias has one target, a mailbox: then there is nothing to write.
 */
struct single {
	struct route_tables const *t;
	struct route *r;
	size_t count;
	bool is_mailbox;
};

static bool
add_single(void *data, char const *address, size_t len)
{
	struct single *s = data;
	char key[ROUTE_NAME_MAX + 1];
	size_t key_len = route_key(s->t, address, len, key);

	s->count++;
	s->is_mailbox = s->count == 1 && key_len > 0 &&
			find_recipient(s->t, key, &key_len) == IS_MAILBOX;
	if (s->is_mailbox)
		set_name(s->r, ROUTE_LOCAL, key, key_len);
	return s->count == 1;
}

static void
find_alias(struct route_tables const *t, struct route *r)
{
	struct route only = {.kind = ROUTE_LATER};
	struct single s = {.t = t, .r = &only};

	int done = route_expand(t, r->name, r->name_len, add_single, &s);

	if (s.count > 1)
		r->kind = ROUTE_EXPAND;
	else if (done < 0)
		r->kind = ROUTE_LATER;
	else if (s.count == 0)
		r->kind = ROUTE_LOOP;
	else if (s.is_mailbox)
		*r = only;
	else
		r->kind = ROUTE_EXPAND;
}

void
route_find(struct route_tables const *t, char const *address, size_t len,
	struct route *r)
{
	route_find_from(t, NULL, 0, address, len, r);
}

void
route_find_from(struct route_tables const *t, char const *sender,
	size_t sender_len, char const *address, size_t len, struct route *r)
{
	enum recipient found;
	bool is_caught;

	r->is_caught = false;
	r->name_len = route_key(t, address, len, r->name);
	if (r->name_len == 0) {
		r->kind = ROUTE_INVALID;
		return;
	}
	switch (route_domain(t, r->name, r->name_len)) {
	case ROUTE_DOMAIN_LATER:
		r->kind = ROUTE_LATER;
		return;
	case ROUTE_DOMAIN_BACKUP:
	case ROUTE_DOMAIN_FOREIGN:
		find_remote(t, sender, sender_len, r);
		return;
	case ROUTE_DOMAIN_LOCAL:
		break;
	}
	found = find_recipient(t, r->name, &r->name_len);
	is_caught = recipient_is_catch_all(r->name, r->name_len);
	switch (found) {
	case IS_NOBODY:
		r->kind = ROUTE_UNKNOWN;
		break;
	case IS_MAILBOX:
		r->kind = ROUTE_LOCAL;
		break;
	case IS_ALIAS:
		find_alias(t, r);
		break;
	case IS_REFUSED:
		r->kind = ROUTE_REFUSED;
		break;
	case IS_DAMAGED:
		r->kind = ROUTE_LATER;
		break;
	}
	r->is_caught = is_caught;
}

struct expansion {
	struct route_tables const *t;
	route_add *add;
	void *data;
	size_t seen_count, target_count;
	/* hashes of the keys met so far: each address once, and no loop */
	uint64_t seen[4 * ROUTE_TARGETS_MAX];
};

/* FNV-1a, 64 bits: the table is ours, nobody can choose collisions in it. */
static uint64_t
hash(char const *s, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	return h;
}

/* 1 new, 0 met before, -1 no room. */
static int
note(struct expansion *e, char const *key, size_t len)
{
	uint64_t h = hash(key, len);

	for (size_t i = 0; i < e->seen_count; i++)
		if (e->seen[i] == h)
			return 0;
	if (e->seen_count == sizeof e->seen / sizeof *e->seen)
		return -1;
	e->seen[e->seen_count++] = h;
	return 1;
}

static int expand(
	struct expansion *e, char const *key, size_t key_len, unsigned depth);

static int
add_target(struct expansion *e, char const *s, size_t len, unsigned depth)
{
	char key[ROUTE_NAME_MAX + 1];
	size_t key_len = route_key(e->t, s, len, key);
	int is_new;

	if (key_len == 0)
		return 1;
	is_new = note(e, key, key_len);
	if (is_new <= 0)
		return is_new < 0 ? 0 : 1;
	switch (find_recipient(e->t, key, &key_len)) {
	case IS_DAMAGED:
		return -1;
	case IS_ALIAS:
		return depth < ROUTE_DEPTH_MAX
			       ? expand(e, key, key_len, depth + 1)
			       : 1;
	case IS_REFUSED:
		/* The others get it. */
		return 1;
	case IS_NOBODY:
	case IS_MAILBOX:
		break;
	}
	if (++e->target_count > ROUTE_TARGETS_MAX)
		return 0;
	return e->add(e->data, s, len) ? 1 : -1;
}

static int
expand(struct expansion *e, char const *key, size_t key_len, unsigned depth)
{
	char const *s;
	size_t len;
	int found = table_find(&e->t->aliases, key, key_len, &s, &len);

	if (found <= 0)
		return -1;
	while (len > 0) {
		size_t n = strnlen(s, len);
		int done = add_target(e, s, n, depth);
		if (done != 1)
			return done;
		n += n < len;
		s += n;
		len -= n;
	}
	return 1;
}

int
route_expand(struct route_tables const *t, char const *key, size_t key_len,
	route_add *add, void *data)
{
	struct expansion e = {.t = t, .add = add, .data = data};
	char base[ROUTE_NAME_MAX + 1];
	char const *value;
	size_t value_len;

	if (key_len > ROUTE_NAME_MAX)
		return -1;
	memcpy(base, key, key_len);
	/* Of a detail, what the address itself stands for; of what the
	 * catch-all caught, what that does. */
	if (find_entry(t, base, &key_len, &value, &value_len) < 0)
		return -1;
	(void)note(&e, base, key_len);
	return expand(&e, base, key_len, 0);
}

int
route_owns(struct route_tables const *t, char const *address, size_t len,
	uid_t uid)
{
	char key[ROUTE_NAME_MAX + 1];
	size_t key_len = route_key(t, address, len, key), value_len;
	char const *value;
	int found;

	if (key_len == 0)
		return 0;
	found = find_entry(t, key, &key_len, &value, &value_len);
	if (found <= 0)
		return found;
	/* `m UID` or `a UID UID..`, without a NUL: read number by number. */
	for (size_t i = 1; i < value_len;) {
		uint64_t n = 0;
		size_t digits = 0;
		while (i < value_len && value[i] == ' ')
			i++;
		for (; i < value_len && value[i] >= '0' && value[i] <= '9' &&
			digits < 10;
			i++, digits++)
			n = n * 10 + (uint64_t)(value[i] - '0');
		if (digits == 0)
			break;
		if (n == uid)
			return 1;
	}
	return 0;
}
