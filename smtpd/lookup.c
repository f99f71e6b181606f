/* What recipients.cdb says of an address. */
#include <stdint.h>
#include <string.h>
#include "common/recipient.h"
#include "smtpd/command.h"
#include "smtpd/lookup.h"

static bool
is(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

enum smtp_domain
smtp_lookup_domain(struct table const *recipients, struct addr const *a)
{
	char key[ADDR_KEY_MAX];
	char const *at, *value;
	size_t len = addr_key(a, key, sizeof key), value_len;
	int found;

	if (len == 0 || a->domain_len == 0)
		return SMTP_DOMAIN_FOREIGN;
	/* The last @: one in a quoted local part means nothing. */
	at = memrchr(key, '@', len);
	if (at == NULL)
		return SMTP_DOMAIN_FOREIGN;
	found = table_find(
		recipients, at, len - (size_t)(at - key), &value, &value_len);
	if (found < 0)
		return SMTP_DOMAIN_TROUBLE;
	if (found == 0)
		return SMTP_DOMAIN_FOREIGN;
	if (is(value, value_len, "local"))
		return SMTP_DOMAIN_LOCAL;
	if (is(value, value_len, "backup"))
		return SMTP_DOMAIN_BACKUP;
	return SMTP_DOMAIN_TROUBLE;
}

/* The entry of an address; its key stays in key. */
static int
find_key(struct table const *recipients, struct addr const *a,
	char key[ADDR_KEY_MAX], size_t *key_len, char const **value_r,
	size_t *len_r)
{
	*key_len = addr_key(a, key, ADDR_KEY_MAX);
	return *key_len > 0 ? recipient_find(
				      recipients, key, key_len, value_r, len_r)
			    : 0;
}

static int
find(struct table const *recipients, struct addr const *a, char const **value_r,
	size_t *len_r)
{
	char key[ADDR_KEY_MAX];
	size_t key_len;

	return find_key(recipients, a, key, &key_len, value_r, len_r);
}

int
smtp_lookup_mailbox(struct table const *recipients, struct addr const *a)
{
	char const *value;
	size_t len;
	int found = find(recipients, a, &value, &len);

	return found > 0 && recipient_is_refused(value, len) ? 2 : found;
}

bool
smtp_lookup_has_uid(char const *value, size_t len, uid_t uid)
{
	size_t i = 1;

	if (len < 3 || (value[0] != 'm' && value[0] != 'a'))
		return false;
	while (i < len && value[i] == ' ') {
		uint64_t n = 0;
		size_t start = ++i;

		while (i < len && i - start < 10 && value[i] >= '0' &&
			value[i] <= '9')
			n = n * 10 + (uint64_t)(value[i++] - '0');
		if (i > start && n == uid && (i == len || value[i] == ' '))
			return true;
	}
	return false;
}

int
smtp_lookup_owner(
	struct table const *recipients, struct addr const *a, uid_t uid)
{
	char const *value;
	size_t len;
	int found = find(recipients, a, &value, &len);

	if (found <= 0)
		return found;
	return smtp_lookup_has_uid(value, len, uid);
}

/* The uid of a mailbox's entry, `m UID`. */
static bool
mailbox_uid(char const *value, size_t len, uid_t *uid_r)
{
	uint64_t n;

	if (len < 3 || value[0] != 'm' || value[1] != ' ' ||
		!smtp_number(value + 2, len - 2, &n) || n > UINT32_MAX)
		return false;
	*uid_r = (uid_t)n;
	return true;
}

/* 1; 0 put has said false; -1 damaged. */
static int
put_mailboxes(struct table const *recipients, char const *value, size_t len,
	smtp_lookup_put *put, void *data)
{
	uint32_t pos = CDB_TRAVERSE_INIT();

	for (;;) {
		cdb_data name, entry;
		uid_t uid;
		int r = cdb_traverse_next(
			&recipients->map, &name, &entry, &pos);

		if (r <= 0)
			return r < 0 ? -1 : 1;
		if (mailbox_uid(entry.s, entry.len, &uid) &&
			smtp_lookup_has_uid(value, len, uid) &&
			!put(data, name.s, name.len))
			return 0;
	}
}

/* Under the alias's name with a NUL in front: addresses, NUL-ended. */
static int
put_outside(struct table const *recipients, char const *name, size_t name_len,
	smtp_lookup_put *put, void *data)
{
	char key[1 + ADDR_KEY_MAX] = "";
	char const *s, *end;
	size_t len;
	int found;

	memcpy(key + 1, name, name_len);
	found = table_find(recipients, key, 1 + name_len, &s, &len);
	while (found > 0 && len > 0) {
		end = memchr(s, '\0', len);
		if (end == NULL)
			return -1;
		if (!put(data, s, (size_t)(end - s)))
			return 0;
		len -= (size_t)(end - s) + 1;
		s = end + 1;
	}
	return found < 0 ? -1 : 1;
}

int
smtp_lookup_members(struct table const *recipients, struct addr const *a,
	smtp_lookup_put *put, void *data)
{
	char key[ADDR_KEY_MAX];
	char const *value;
	size_t len, key_len;
	int found = find_key(recipients, a, key, &key_len, &value, &len);

	if (found <= 0)
		return found;
	found = put_mailboxes(recipients, value, len, put, data);
	if (found > 0)
		found = put_outside(recipients, key, key_len, put, data);
	return found < 0 ? -1 : 1;
}
