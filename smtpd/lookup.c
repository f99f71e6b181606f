/* What recipients.cdb says of an address. */
#include <stdint.h>
#include <string.h>
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

/* The entry of an address, or of the one that it is a detail of. */
static int
find(struct table const *recipients, struct addr const *a, char const **value_r,
	size_t *len_r)
{
	char key[ADDR_KEY_MAX];
	size_t len = addr_key(a, key, sizeof key);
	int found;

	if (len == 0)
		return 0;
	found = table_find(recipients, key, len, value_r, len_r);
	if (found != 0)
		return found;
	len = addr_key_base(key, len);
	return len > 0 ? table_find(recipients, key, len, value_r, len_r) : 0;
}

int
smtp_lookup_mailbox(struct table const *recipients, struct addr const *a)
{
	char const *value;
	size_t len;

	return find(recipients, a, &value, &len);
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

int
smtp_lookup_members(struct table const *recipients, struct addr const *a,
	smtp_lookup_put *put, void *data)
{
	char const *value;
	size_t len;
	uint32_t pos = CDB_TRAVERSE_INIT();
	int found = find(recipients, a, &value, &len);

	if (found <= 0)
		return found;
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
			return 1;
	}
}
